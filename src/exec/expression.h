/* exec, continued: functions and expressions: what plans compute with. Included by exec.h. */
#ifndef WG_EXEC_EXPRESSION_H
#define WG_EXEC_EXPRESSION_H

#include "engine/engine.h"

/* ---- functions: operators and named functions in one table */

typedef struct wg_function wg_function;
/* Finds by name, case-insensitive ("toUpper", "coalesce", and operators "+", "-", "*", "/", "%", "^", "=", "<>", "<", "<=", ">", ">=",
 * "AND", "OR", "XOR", "NOT", "IN", "STARTS WITH", "ENDS WITH", "CONTAINS", "=~", "IS NULL", "IS NOT NULL", "[]" index, "[..]" slice, "neg",
 * "pos") and number of arguments; NULL when there is none. "[..]" takes list, from, to: a bound left out is INT 0 or INT64_MAX. */
const wg_function *wg_function_find(wg_slice name, uint32_t arg_count);
/* True when some function has that name: for "takes 2 arguments" messages; *min and *max are its argument counts. */
bool wg_function_arity(wg_slice name, uint32_t *min, uint32_t *max);
const char *wg_function_suggest(wg_slice name); /* nearest name, or NULL */
/* The name of the i-th function, operators among them, and how many arguments it takes (most: UINT32_MAX for any); NULL: there are no
 * more. Some names stand several times. */
const char *wg_function_at(uint32_t i, uint32_t *min, uint32_t *max);
const char *wg_function_name(const wg_function *function);
/* Static result type for static argument types (ANY = not known). WG_E_TYPE when these can never work, naming the function and the
 * types: comparing an INT with a STRING is such an error. NULL typed arguments are always fine. */
wg_code wg_function_type(const wg_function *function, const wg_type *args, uint32_t arg_count, wg_type *out,
                         wg_error *err);

/* "=", "<>", "<", "<=", ">", ">=": these have a result for values of any types too. */
bool wg_function_is_comparison(const wg_function *function);
/* The result depends on the context's clocks: date(), datetime.transaction(), ... */
bool wg_function_reads_clock(const wg_function *function, uint32_t arg_count);

/* What users are told about a function: SHOW FUNCTIONS and docs/language/functions.md. Sorted by name. */
typedef struct wg_function_info {
    const char *name;      /* "point.distance" */
    const char *category;  /* "spatial" */
    const char *arguments; /* "from :: POINT, to :: POINT"; those in brackets may be left out */
    const char *result;    /* "FLOAT" */
    const char *text;      /* one sentence */
    bool aggregating;
} wg_function_info;
uint32_t wg_function_info_count(void);
const wg_function_info *wg_function_info_at(uint32_t index);
/* Appends the tables of docs/language/functions.md; false when out of memory. */
bool wg_function_info_print(wg_buf *out);
/* Functions that can be called by name, for tests: NULL behind the last. */
const char *wg_function_callable_at(uint32_t index);

/* ---- expressions */

typedef enum wg_expr_kind {
    WG_EXPR_CONST,         /* value */
    WG_EXPR_SLOT,          /* slot of the input row */
    WG_EXPR_PARAM,         /* slot = index into the query's parameter values; type ANY or as bound */
    WG_EXPR_NODE_PROPERTY, /* args[0] of type NODE; key; type as wg_txn_node_property_type says */
    WG_EXPR_EDGE_PROPERTY, /* args[0] of type EDGE; key */
    WG_EXPR_PROPERTY, /* args[0] of type ANY or MAP: a map entry, or a property of whatever it turns out to be; name, key */
    WG_EXPR_HAS_LABELS, /* args[0] of type NODE; labels */
    WG_EXPR_CALL,       /* function, args */
    WG_EXPR_CASE,       /* args: when, then, when, then, ..., [else]; lazily evaluated row by row */
    WG_EXPR_LIST,       /* args are the elements */
    WG_EXPR_MAP,        /* args are the values of names[], sorted by key bytes */
    WG_EXPR_LOCAL, /* variable number `slot` of the enclosing expressions below, counted from the outermost one */
    WG_EXPR_COMPREHENSION, /* args: list, condition, result; the element is local `slot` */
    WG_EXPR_QUANTIFIER,    /* args: list, condition; the element is local `slot`; key: wg_quantifier */
    WG_EXPR_REDUCE,        /* args: start, list, result; the accumulator is local `slot`, the element slot + 1 */
    WG_EXPR_RANDOM, /* rand(), or of type STRING randomUUID(): a function of clock, row, place in the text and locals below `slot` */
    WG_EXPR_SUBQUERY /* `plan` gives one row of one slot; it runs for each row, whose ARGUMENT are the args */
} wg_expr_kind;

typedef enum wg_quantifier {
    WG_QUANTIFIER_ALL,
    WG_QUANTIFIER_ANY,
    WG_QUANTIFIER_NONE,
    WG_QUANTIFIER_SINGLE
} wg_quantifier;

typedef struct wg_expr {
    wg_expr_kind kind;
    wg_type type;        /* static type of the result; ANY when it varies */
    uint32_t text_start; /* place in the query text, for run-time errors */
    uint32_t text_end;
    uint32_t slot;
    uint32_t key;
    wg_type local_type; /* of the elements, where an expression binds them; ANY when it varies */
    wg_value value;
    wg_slice name;
    const wg_slice *names;
    const uint32_t *labels;
    uint32_t label_count;
    const wg_function *function;
    struct wg_expr *const *args;
    uint32_t arg_count;
    const struct wg_plan *plan;
} wg_expr;

#endif
