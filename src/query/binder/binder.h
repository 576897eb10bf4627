/* query/binder: names and types. Syntax trees in, typed wg_expr over the slots of a relation out.
 *
 * A relation is a plan with the names that its rows have: each variable is a slot, and properties that the plan already
 * reads (columns of a scan) are slots too. Expressions are bound when the plan below them is known, so that slots are
 * final and reordering of joins needs no second numbering. */
#ifndef WG_QUERY_BINDER_H
#define WG_QUERY_BINDER_H

#include "exec/exec.h"
#include "query/ast/ast.h"
#include "query/procedures/procedures.h"

enum { WGI_SYMBOLS_MAX = 4000, WGI_SLOTS_MAX = 8000, WGI_APPLIES_MAX = 512 };

/* Names made by the planner start with a byte that no query text can hold. */
#define WGI_HIDDEN_BYTE 0xFFu

typedef struct wgi_symbol {
    wg_slice name;
    wg_type type;
    uint32_t slot;
    const uint32_t *labels; /* NODE: it surely has all of them. EDGE: it has one of them. */
    uint32_t label_count;
    bool deleted; /* by an earlier clause: it has no properties any more */
} wgi_symbol;

typedef struct wgi_property_slot {
    uint32_t of_slot;
    uint32_t key;
    uint32_t slot;
} wgi_property_slot;

typedef struct wgi_relation {
    wg_plan *plan;
    wgi_symbol *symbols;
    uint32_t symbol_count;
    uint32_t symbol_capacity;
    wgi_property_slot *properties;
    uint32_t property_count;
    uint32_t property_capacity;
    bool writes;
    bool per_row; /* its plan is run anew for one row at a time: scans in it see every write before that row */
} wgi_relation;

/* A variable that an expression binds: of a comprehension, a quantifier, a reduce. */
typedef struct wgi_local {
    wg_slice name;
    wg_type type;
    uint32_t number;
    const struct wgi_local *outer;
} wgi_local;

/* Something of the snapshot beside the catalog that a plan depends on, with the answer that it was made from (facts.c). */
typedef enum wgi_fact_kind {
    WGI_FACT_ROWS,  /* of a label */
    WGI_FACT_TYPE,  /* of a property of nodes with these labels */
    WGI_FACT_SHARE, /* of the rows of a label that a comparison of a property keeps */
    WGI_FACT_EDGES  /* of a label, from nodes with some labels to nodes with others */
} wgi_fact_kind;
enum { WGI_FACT_NUMBERS = 8 };
typedef struct wgi_label_set {
    const uint32_t *labels;
    uint32_t count;
} wgi_label_set;
typedef struct wgi_fact {
    struct wgi_fact *next;
    wgi_fact_kind kind;
    uint32_t label;
    uint32_t key;
    wg_compare_op op;
    wg_value value;        /* SHARE */
    bool is_unknown;       /* SHARE: the value is a parameter's, of which no more than the type may be known */
    wgi_label_set ends[2]; /* TYPE: [0] */
    double numbers[WGI_FACT_NUMBERS]; /* the answer, rounded */
} wgi_fact;
typedef struct wgi_facts {
    wgi_fact *first;
    uint32_t count;
    bool lost; /* one could not be noted: whatever depends on them is for one use */
} wgi_facts;
/* Numbers of an EDGES fact. */
enum { WGI_EDGES, WGI_OUT_NODES, WGI_IN_NODES, WGI_OUT_SQUARES, WGI_IN_SQUARES, WGI_PAIRS, WGI_FROM, WGI_TO };

/* Names of parameters in the order of their first use, found by hash (params.c). All zero: none. */
typedef struct wgi_params {
    const char **names;
    uint32_t count, capacity;
    uint32_t *slots;     /* number + 1, open addressing; 0: empty */
    uint32_t slot_count; /* a power of two, at least twice the capacity */
} wgi_params;
enum { WGI_PARAMS_MAX = 10000 };
/* False when out of memory, or with WGI_PARAMS_MAX of them; a name that is there already changes nothing. */
bool wgi_params_add(wgi_params *params, wg_arena *arena, wg_slice name);
uint32_t wgi_params_find(const wgi_params *params, wg_slice name); /* UINT32_MAX: none */

typedef struct wgi_binder {
    wg_arena *arena;
    wgi_facts *facts; /* NULL: not noted */
    wg_txn *txn;
    const wg_catalog *catalog;
    wg_view view;
    wg_slice text;
    const wgi_params *param_names; /* NULL: none */
    const wg_value *params;        /* NULL: types not known yet */
    bool closed_nodes; /* node labels are declared in this store: unknown names are errors, not empty answers */
    bool closed_edges;
    bool optimizer_off; /* as in wg_exec_context */
    bool reads_clock;   /* an expression asks for the current time */
    bool rewrite;       /* operators on whole patterns may be put into the plan (optimize/rewrite.h) */
    bool has_virtual;   /* some label is virtual: a node of unknown labels may be one of its rows */
    bool
        only_counts; /* nothing but numbers of rows is returned: patterns that are expansions alone are counted unlisted */
    const wg_ast *statement;
    const wg_procedures *procedures;
    const wg_ast *maintenance; /* the CALL that runs before the transaction; NULL: none */
    uint32_t hidden_count;
    uint32_t apply_count;    /* patterns and subqueries that are asked for each row: at most WGI_APPLIES_MAX */
    wg_expr *case_subject;   /* of the CASE whose WHEN is bound */
    const wgi_local *locals; /* of the expression in hand, the innermost first */
    const struct wgi_row_values *row; /* of a computed column at one row; NULL: none */
    uint32_t expanding;               /* computed columns around the expression in hand */
    uint32_t expanded;                /* nodes that the outermost of them has become */
    wg_error *err;
} wgi_binder;

/* The items of an aggregating WITH or RETURN: group keys, and the aggregates found so far. */
typedef struct wgi_aggregation {
    const wgi_relation *input;
    const wg_ast **keys;
    wg_expr **key_exprs;
    uint32_t key_count;
    const wg_ast **asts; /* of the aggregates */
    wg_aggregate *aggregates;
    uint32_t count;
    uint32_t capacity;
    bool over_results; /* not an aggregation: the keys are DISTINCT results, other names are those of the results */
} wgi_aggregation;

/* What an expression may see. */
typedef struct wgi_scope {
    const wgi_relation *rel;
    wgi_aggregation *aggregation; /* NULL: aggregates are refused */
    const wg_ast *aliases;        /* WITH or RETURN whose aliases stand for their expressions; NULL: none */
    const char *where;            /* "in WHERE": for the message about aggregates; NULL: none given */
} wgi_scope;

/* ---- errors; all return the code. The place is the start of the node. */
wg_code wgi_error(const wgi_binder *b, wg_code code, const wg_ast *at, const char *format, ...) WG_PRINTF(4, 5);
wg_code wgi_unsupported(const wgi_binder *b, const wg_ast *at, const char *what);
wg_code wgi_nomem(const wgi_binder *b);
void *wgi_alloc(wgi_binder *b, size_t count, size_t size); /* zeroed; NULL with the error set */

/* ---- scope.c: relations and names */
const wgi_symbol *wgi_find(const wgi_relation *rel, wg_slice name); /* NULL: none */
/* Refuses to look into what the statement has deleted. */
/* What an earlier clause has deleted has nothing to read: *expr becomes one that fails for every row in which it is not null. */
wg_code wgi_refuse_deleted(wgi_binder *b, const wgi_symbol *symbol, const wg_ast *at, wg_expr **expr);
bool wgi_is_hidden(wg_slice name);
wg_code wgi_hidden_name(wgi_binder *b, wg_slice *out);
wg_code wgi_add_symbol(wgi_binder *b, wgi_relation *rel, const wgi_symbol *symbol);
wg_code wgi_add_property(wgi_binder *b, wgi_relation *rel, uint32_t of_slot, uint32_t key, uint32_t slot);
/* What was read before a write no longer counts. */
void wgi_forget_properties(wgi_relation *rel);
void wgi_forget_labels(wgi_relation *rel); /* some may have been removed */
wg_code wgi_undefined_variable(const wgi_binder *b, const wgi_relation *rel, const wg_ast *at, wg_slice name);
/* True when the expression names a symbol of the relation. */
bool wgi_mentions(const wg_ast *ast, const wgi_relation *rel);
/* True when it names only symbols of the relation, apart from variables that it binds itself. */
bool wgi_covered(const wg_ast *ast, const wgi_relation *rel);
bool wgi_has_aggregate(const wg_ast *ast);

/* ---- names.c: labels, types of relationships, property keys */
/* Numbers of existing labels. *out_missing: one of them does not exist in an open store, so no row can have it. In a
 * store with declared labels an unknown name is WG_E_NOT_FOUND. Names are those of children [first..) of `ast`. */
wg_code wgi_labels(wgi_binder *b, const wg_ast *ast, uint32_t first, const uint32_t **out, uint32_t *out_count,
                   bool *out_missing);
/* Types of an edge pattern; *out_missing: types are given and none exists. */
wg_code wgi_edge_types(wgi_binder *b, const wg_ast *ast, uint32_t first, const uint32_t **out, uint32_t *out_count,
                       bool *out_missing);
/* For writes: made when they do not exist. In a transaction that cannot write (a check) a new name is WG_NO_LABEL or
 * WG_NO_KEY. Virtual labels are WG_E_READ_ONLY. */
wg_code wgi_intern_label(wgi_binder *b, const wg_ast *at, wg_slice name, bool is_edge, uint32_t *out);
wg_code wgi_intern_key(wgi_binder *b, wg_slice name, uint32_t *out);
wg_code wgi_refuse_virtual(const wgi_binder *b, const wgi_symbol *symbol, const wg_ast *at, const char *what);
/* Static type of symbol.key; WG_TYPE_NULL: no row can have it (then *out_key may be WG_NO_KEY). Unknown properties of
 * declared labels are WG_E_NOT_FOUND. */
/* n.pose.x of a node whose labels have no `pose` but a column `pose.x`, as files with groups give: the name of that column and the AST of n.
 * False when it is no such chain. */
bool wgi_inner_column(const wgi_binder *b, const uint32_t *labels, uint32_t count, const wg_ast *ast,
                      wg_slice *out_name);
/* The variable that a chain of names n.a.b begins with; NULL: another expression does, or there is one name only. */
const wg_ast *wgi_chain_base(const wg_ast *ast);
wg_code wgi_property_type(wgi_binder *b, const wg_ast *at, const wgi_symbol *of, wg_slice name, uint32_t *out_key,
                          wg_type *out);

/* The type that all values of symbol.key have by the definition of one of its labels; ANY: none says. */
wg_type wgi_declared_type(const wgi_binder *b, const wgi_symbol *of, wg_slice name);

/* ---- facts.c: the only way to the statistics of the snapshot. All numbers are rounded to four significant bits, so that a plan stays the
 * same while a store grows a little (ADR 0015); what was asked is noted in b->facts. */
double wgi_rounded(double number);
double wgi_label_rows(const wgi_binder *b, uint32_t label);
wg_type wgi_node_property_type(const wgi_binder *b, const uint32_t *labels, uint32_t count, uint32_t key);
/* Fills fact->numbers for its other members. */
wg_code wgi_ask(wgi_binder *b, wgi_fact *fact);
/* True when every one has the same answer in this transaction. */
bool wgi_facts_hold(const wgi_facts *facts, const wg_txn *txn);
/* What of a parameter's value a plan may depend on: its type; of a list the types of its elements, and its size to the next power of two. */
uint64_t wgi_param_shape(const wg_value *value);
/* Size of a list with this parameter's shape, for estimates. */
uint32_t wgi_list_size(const wg_value *list);

/* ---- expression.c */
wg_code wgi_bind(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out);
/* The same for a relation alone. */
wg_code wgi_bind_in(wgi_binder *b, const wgi_relation *rel, const char *where, const wg_ast *ast, wg_expr **out);
/* Refuses what can never be a boolean. */
wg_code wgi_bind_condition(wgi_binder *b, const wgi_relation *rel, const char *where, const wg_ast *ast,
                           wg_expr **out);
/* The symbol that an expression names directly, for what is known about it; NULL: none. */
const wgi_symbol *wgi_direct_symbol(const wgi_scope *scope, const wg_ast *ast);
wg_expr *wgi_expr(wgi_binder *b, wg_expr_kind kind, wg_type type, const wg_ast *at); /* NULL: out of memory */
wg_code wgi_slot_expr(wgi_binder *b, uint32_t slot, wg_type type, const wg_ast *at, wg_expr **out);
wg_code wgi_const_expr(wgi_binder *b, const wg_value *value, wg_type type, const wg_ast *at, wg_expr **out);
wg_code wgi_call(wgi_binder *b, const wg_ast *at, const char *name, wg_expr *const *args, uint32_t count,
                 wg_expr **out);
wg_code wgi_map_expr(wgi_binder *b, const wgi_scope *scope, const wg_ast *map, wg_expr **out);
wg_code wgi_set_args(wgi_binder *b, wg_expr *e, wg_expr *const *args, uint32_t count);
/* True when it reads no slot. */
bool wgi_is_constant(const wg_expr *expr);

/* ---- comprehension.c */
const wgi_local *wgi_find_local(const wgi_binder *b, wg_slice name); /* NULL: none */
/* True when the expression is a variable, or a property of one, that an expression around it binds. */
bool wgi_is_local(const wgi_binder *b, const wg_ast *ast);
/* LIST_COMPREHENSION, QUANTIFIER, REDUCE. */
wg_code wgi_bind_binding(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out);

/* ---- computed.c */
/* The label through which a variable surely has the computed column; NULL: none. */
const wg_label *wgi_computed_label(const wgi_binder *b, const wgi_symbol *symbol, wg_slice name,
                                   uint32_t *out_column);
/* The expression of a computed column, with base.x for its columns. */
wg_code wgi_expand_computed(wgi_binder *b, const wg_label *label, uint32_t column, const wg_ast *base,
                            const wg_ast *at, const wg_ast **out);
wg_code wgi_bind_computed(wgi_binder *b, const wgi_scope *scope, const wg_ast *at, const wg_label *label,
                          uint32_t column, wg_expr **out);
/* The value of a name, where a row is given (b->row). */
wg_code wgi_row_value(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, bool *out_found, wg_expr **out);
/* The evaluator of the engine (wg_engine_set_computer). */
wg_code wgi_compute_value(const wg_catalog *catalog, wg_view view, const wg_label *label, uint32_t column,
                          const wg_row_reader *row, wg_arena *arena, wg_value *out, wg_error *err);
typedef struct wgi_local_name {
    wg_slice name;
    const struct wgi_local_name *outer;
} wgi_local_name;
typedef struct wgi_computed_names { /* of one statement; the one in hand is number `at` */
    wg_ast *const *items;
    uint32_t count;
    uint32_t at;
} wgi_computed_names;
/* Refuses what a computed column may not be: unknown names, cycles, patterns, parameters, aggregates. */
wg_code wgi_check_computed(const wgi_binder *b, const wg_ast *e, const wg_label_def *def, const wgi_local_name *bound,
                           const wgi_computed_names *names);
/* The type of a checked expression over the columns of the label, which the binder's view sees. */
wg_code wgi_type_computed(wgi_binder *b, const wg_ast *expression, const wg_label *label, wg_type *out);
bool wgi_mentions_name(const wg_ast *e, wg_slice name);

/* ---- plan/apply.c */
/* SUBQUERY, PATTERN_TEST and PATTERN_COMPREHENSION as an expression that runs a plan for each row, with the variables around it. */
wg_code wgi_bind_subquery(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out);

/* ---- call.c */
wg_code wgi_bind_function(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out);
bool wgi_is_aggregate(const wg_ast *ast);                     /* this very node */
const char *wgi_aggregate_at(uint32_t i, uint32_t *out_args); /* NULL: there are no more */
bool wgi_is_callable(const char *name);                       /* a function of the table that text may name */
wg_code wgi_bind_aggregate(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out);

#endif
