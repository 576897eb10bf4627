/* query/procedures: the procedures that CALL finds by name: the built-in ones, and those that a program adds.
 *
 * A registry only grows: a procedure that was found stays where it is until the registry is destroyed, so that a prepared statement
 * may keep it. Names are matched exactly, as openCypher does. */
#ifndef WG_QUERY_PROCEDURES_H
#define WG_QUERY_PROCEDURES_H

#include "exec/procedure.h"

typedef struct wg_procedures wg_procedures;

/* A registry that has the built-in procedures.
 * Owns:    the caller destroys *out after the last statement that was prepared with it. */
WG_MUST_USE wg_code wg_procedures_create(wg_account *account, wg_procedures **out, wg_error *err);
void wg_procedures_destroy(wg_procedures *procedures); /* NULL is legal */

/* Adds a procedure; names and fields are copied, fn and ctx must outlive the registry.
 * Threads: one at a time; look-ups from any thread meanwhile. Statements that are prepared later see it.
 * Errors:  WG_E_EXISTS the name is taken | WG_E_MISUSE a bad name or type, or too many fields | WG_E_NOMEM. */
WG_MUST_USE wg_code wg_procedure_register(wg_procedures *procedures, const wg_procedure *procedure, wg_error *err);

const wg_procedure *wg_procedure_find(const wg_procedures *procedures, wg_slice name); /* NULL: none */
uint64_t wg_procedures_count(const wg_procedures *procedures); /* grows with each one that is added */
/* The nearest name to a misspelt one, or NULL. */
const char *wg_procedure_suggest(const wg_procedures *procedures, wg_slice name);
/* "db.expire(logseq :: INT) :: (horizon :: INT)". False when out of memory. */
bool wg_procedure_print(const wg_procedure *procedure, wg_buf *out);

/* The metrics of the engine one by one, histograms as their count, sum, quantiles and maximum. */
WG_MUST_USE wg_code wg_engine_stats(wg_engine *engine, wg_stat_fn fn, void *ctx, wg_error *err);

/* algorithms.c, builtin.c, maintenance.c, agents.c, planning.c, records.c: what wg_procedures_create registers. */
WG_MUST_USE wg_code wg_procedures_register_algorithms(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_show(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_builtin(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_agents(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_records(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_planning(wg_procedures *procedures, wg_error *err);
WG_MUST_USE wg_code wg_procedures_register_maintenance(wg_procedures *procedures, wg_error *err);
/* Calls fn for each procedure by name; false stops. */
void wg_procedures_each(const wg_procedures *procedures, bool (*fn)(void *arg, const wg_procedure *procedure),
                        void *arg);

#endif
