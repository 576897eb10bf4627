/* exec: procedures: named C functions that take values and give rows; what CALL runs.
 *
 * A procedure that READS is called once for every row of its input, from any worker of the query, several at a time: its function
 * must be safe for that and a function of its arguments and the transaction's snapshot (or say in docs/language/procedures.md that
 * it is not). A MAINTENANCE procedure changes the state of the store outside of any transaction; it is called once, before the
 * transaction of its statement begins. */
#ifndef WG_EXEC_PROCEDURE_H
#define WG_EXEC_PROCEDURE_H

#include "exec/exec.h"

enum { WG_PROCEDURE_FIELDS_MAX = 64 };

typedef struct wg_procedure_field {
    const char *name;
    wg_type type; /* ANY: every value. An INT is taken for a FLOAT. */
    bool number;  /* with ANY: INT and FLOAT alone */
    bool not_null;
    bool optional; /* of a parameter: it, and those behind it, may be left out and are null then */
} wg_procedure_field;

typedef enum wg_procedure_kind { WG_PROCEDURE_READ, WG_PROCEDURE_MAINTENANCE } wg_procedure_kind;

typedef struct wg_procedure_call {
    wg_engine *engine;
    const wg_txn *txn; /* MAINTENANCE: NULL */
    wg_cancel *cancel; /* may be NULL */
    const wg_value *args;
    const wg_exec_context *context; /* of the query: threads, memory, deadline; MAINTENANCE: NULL */
    const wg_procedure *procedure;
    wg_rows *rows;
} wg_procedure_call;

typedef wg_code (*wg_procedure_fn)(void *ctx, const wg_procedure_call *call, wg_error *err);

struct wg_procedure {
    const char *name; /* "db.labels" */
    const char *help; /* one phrase */
    wg_procedure_kind kind;
    const wg_procedure_field *params;
    uint32_t param_count;
    const wg_procedure_field *results; /* none: the procedure gives no rows, and its input passes through */
    uint32_t result_count;
    wg_procedure_fn fn;
    void *ctx;
};

/* Adds a row of the procedure's results; cells are copied. WG_E_TYPE when one is not of its result's type. */
WG_MUST_USE wg_code wg_procedure_add_row(const wg_procedure_call *call, const wg_value *cells, wg_error *err);

/* True when a value (or expression) of this type may be given: NULL and ANY always may, as far as types go. */
bool wg_procedure_field_takes(const wg_procedure_field *field, wg_type type);
/* "INT", "NUMBER", ... */
const char *wg_procedure_field_type_name(const wg_procedure_field *field);
/* Checks a value for a parameter and converts an INT to FLOAT. WG_E_TYPE at the offset. */
WG_MUST_USE wg_code wg_procedure_argument(const wg_procedure *procedure, uint32_t param, uint64_t offset,
                                          wg_value *value, wg_error *err);

/* Calls the procedure; *out holds its rows (without columns when it has no results). `call` without procedure and rows.
 * Owns: the caller destroys *out. */
WG_MUST_USE wg_code wg_procedure_run(const wg_procedure *procedure, const wg_procedure_call *call,
                                     wg_account *account, wg_rows **out, wg_error *err);

#endif
