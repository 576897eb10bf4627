/* query: text to answer. Parses, binds names and types at a snapshot, plans, and runs through exec.
 *
 * The caller (api) owns sessions and transactions: it asks wg_query_kind what a statement needs, begins that transaction,
 * runs the statement in it and ends it. A plan is a function of text, parameters' types and snapshot alone. It is kept with its query
 * (wg_query_state) and run again where planning anew would give the same one, so that nobody can tell the difference
 * (docs/execution.md). */
#ifndef WG_QUERY_H
#define WG_QUERY_H

#include "base/digest/digest.h"
#include "exec/exec.h"
#include "query/procedures/procedures.h"

typedef struct wg_prepared wg_prepared;
typedef struct wg_plan_cache wg_plan_cache;

typedef enum wg_query_kind {
    WG_QUERY_READ,        /* any transaction */
    WG_QUERY_MAINTENANCE, /* wg_query_maintain outside of any transaction, then any transaction */
    WG_QUERY_WRITE,       /* a transaction that may write; EXPLAIN of such a query too, and then it must be aborted */
    WG_QUERY_BEGIN,       /* the rest is the session's work: wg_query_run refuses them with WG_E_MISUSE */
    WG_QUERY_BEGIN_READ_ONLY,
    WG_QUERY_COMMIT,
    WG_QUERY_ROLLBACK
} wg_query_kind;

/* Parses one statement; the text is copied. `procedures` (may be NULL: none) must outlive *out.
 * Owns:    the caller destroys *out. Any number of threads may run it at a time.
 * Errors:  WG_E_SYNTAX, WG_E_LIMIT, WG_E_BIND with offset, line and column | WG_E_NOMEM. */
WG_MUST_USE wg_code wg_query_create(wg_slice text, const wg_procedures *procedures, wg_account *account,
                                    wg_prepared **out, wg_error *err);
void wg_query_destroy(wg_prepared *query); /* NULL is legal */

/* ---- plan cache: prepared queries by text, each with the plans that were made for it. Shared by sessions. */

/* Keeps queries and plans of at most `bytes_max` bytes in all; those that were not asked for the longest go first.
 * Owns:    the caller destroys *out after the last query that came from it.
 * Threads: any, apart from destroying. */
WG_MUST_USE wg_code wg_plan_cache_create(uint64_t bytes_max, wg_plan_cache **out, wg_error *err);
void wg_plan_cache_destroy(wg_plan_cache *cache); /* NULL is legal */
/* As wg_query_create, from the cache when it has the text. Texts that fail are not kept. `cache` may be NULL. */
WG_MUST_USE wg_code wg_plan_cache_prepare(wg_plan_cache *cache, wg_slice text, const wg_procedures *procedures,
                                          wg_prepared **out, wg_error *err);
typedef struct wg_plan_cache_counters {
    uint64_t hits;      /* runs with a plan that was kept */
    uint64_t misses;    /* plans that were made */
    uint64_t evictions; /* queries that were dropped to make room */
    uint64_t entries;   /* queries that are kept now */
    uint64_t bytes;     /* theirs */
} wg_plan_cache_counters;
void wg_plan_cache_read(wg_plan_cache *cache, wg_plan_cache_counters *out);

wg_query_kind wg_query_kind_of(const wg_prepared *query);
bool wg_query_is_explain(const wg_prepared *query);
/* True when some node pattern names no label: the statement may then read rows of any label, virtual ones included. */
bool wg_query_may_read_any_label(const wg_prepared *query);
/* True when the text may name a procedure of runs. */
bool wg_query_reads_runs(const wg_prepared *query);
wg_slice wg_query_text(const wg_prepared *query);
/* The one spelling of this statement (wg_ast_print), for hashes. */
wg_slice wg_query_canonical_text(const wg_prepared *query);
/* Parameters in the order of their first use; the name is without '$' and NUL-terminated. */
uint32_t wg_query_param_count(const wg_prepared *query);
const char *wg_query_param_name(const wg_prepared *query, uint32_t i);
/* Sets *err to WG_E_PARAMETER: parameter i has no value, at the place where the text first names it. */
wg_code wg_query_param_missing(const wg_prepared *query, uint32_t i, wg_error *err);

/* AS OF: *out_given says whether the text has it; its number comes from the text or from params[].
 * Errors: WG_E_PARAMETER or WG_E_VALUE when the parameter is not an integer of at least 0. */
WG_MUST_USE wg_code wg_query_as_of(const wg_prepared *query, const wg_value *params, bool *out_given,
                                   uint64_t *out_logseq, wg_error *err);

/* Binds and plans without running, for wg_prepare: any transaction will do. Parameters have no type yet.
 * Errors: WG_E_BIND, WG_E_TYPE, WG_E_NOT_FOUND, WG_E_READ_ONLY, WG_E_UNSUPPORTED with offset, line and column. */
WG_MUST_USE wg_code wg_query_check(const wg_prepared *query, wg_txn *txn, wg_account *account, wg_error *err);

/* What one statement keeps between its runs: the plan of the last one, and for a short plan all that running it needs. All zero at
 * first, apart from the account of what is kept. Threads: one at a time. */
typedef struct wg_query_state {
    wg_account *account;
    struct wgi_compiled *plan;
    struct wg_exec_again *again;
    bool is_tried; /* whether the plan is a short one */
} wg_query_state;
void wg_query_state_deinit(wg_query_state *state); /* before its query is destroyed */

/* What a statement that is right may not mean. */
typedef struct wg_query_note {
    const char *status; /* GQLSTATUS; of the program's life */
    const char *message;
    uint64_t offset; /* in the text, or WG_NO_OFFSET */
} wg_query_note;

typedef struct wg_query_notes {
    const wg_query_note *items;
    uint32_t count;
} wg_query_notes;

typedef struct wg_query_result {
    wg_rows *rows; /* the caller destroys it with wg_query_result_deinit */
    uint32_t column_count;
    const char *const *column_names; /* in `arena` */
    wg_sha256 plan_hash;  /* SHA-256 of the canonical plan text; of the canonical statement when there is no plan */
    uint64_t rows_copied; /* COPY */
    bool reads_clock;     /* the answer is a function of context->clock_us and begin_clock_us too */
    uint64_t plan_id;     /* of the plan that was kept; 0: none was */
    wg_query_notes notes; /* in `arena` */
    wg_arena arena;
} wg_query_result;
void wg_query_result_deinit(wg_query_result *result);

/* Calls the procedure of a WG_QUERY_MAINTENANCE statement; *out are its rows, for context->procedure_rows of wg_query_run. The caller
 * has no transaction open; context->txn is not looked at.
 * Owns:    the caller destroys *out with wg_rows_destroy. */
WG_MUST_USE wg_code wg_query_maintain(const wg_prepared *query, wg_engine *engine, const wg_exec_context *context,
                                      wg_rows **out, wg_error *err);

/* Binds, plans and runs. context->params has a value for each wg_query_param_name, in that order (the caller has refused
 * missing ones). A statement without RETURN gives no columns and no rows; COPY gives one row, its count of rows.
 * Errors: as wg_query_check and wg_exec_run; the ones about the text have offset, line and column. */
WG_MUST_USE wg_code wg_query_run(const wg_prepared *query, const wg_exec_context *context, wg_query_result *out,
                                 wg_error *err);
/* The same with plans that are kept. *io: all zero, or the result of an earlier run with the same account, which is used again; on failure
 * it is destroyed. */
WG_MUST_USE wg_code wg_query_run_kept(wg_prepared *query, wg_query_state *state, const wg_exec_context *context,
                                      wg_query_result *io, wg_error *err);

#endif
