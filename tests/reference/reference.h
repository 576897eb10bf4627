/* tests/reference: a second, naive interpreter of openCypher, to compare the engine with.
 *
 * It shares the parser and the struct of values with the engine, and nothing else: a graph is two arrays, a row is a linked list of
 * bindings, each clause turns one array of rows into another, and a pattern is matched by trying every node and every edge. It was
 * written from the definition of the language. Memory comes from arenas that the caller frees; running out of it ends the program:
 * it is a test. Inside, NODE and EDGE values hold a ref_node or ref_edge in as.ptr. Times with a zone, points and procedures are not known. */
#ifndef WG_TESTS_REFERENCE_H
#define WG_TESTS_REFERENCE_H

#include <setjmp.h>

#include "base/memory/memory.h"
#include "query/ast/ast.h"
#include "worldgraph.h"

/* ---- the graph */

typedef struct ref_node {
    uint64_t id;
    bool deleted;
    wg_slice *labels; /* sorted */
    uint32_t label_count;
    wg_map_entry *properties; /* sorted by key */
    uint32_t property_count;
} ref_node;

typedef struct ref_edge {
    uint64_t id;
    bool deleted;
    ref_node *from, *to;
    wg_slice type;
    wg_map_entry *properties;
    uint32_t property_count;
} ref_edge;

typedef struct ref_graph {
    wg_arena arena; /* of everything in it */
    ref_node **nodes;
    ref_edge **edges;
    size_t node_count, edge_count;
    uint64_t next_id;
} ref_graph;

void ref_graph_init(ref_graph *graph);
void ref_graph_deinit(ref_graph *graph);
void ref_graph_copy(const ref_graph *from, ref_graph *out);

/* ---- running a statement */

typedef struct ref_param {
    const char *name;
    wg_value value;
} ref_param;

typedef struct ref_answer {
    wg_code code; /* not WG_OK: the statement failed, and the graph may be half changed */
    char message[160];
    bool has_columns;
    wg_slice *names;
    size_t column_count;
    wg_value *cells; /* row after row; NODE and EDGE as in results: as.node and as.edge */
    size_t row_count;
} ref_answer;

/* steps_max: how many bindings, rows and candidates may be tried; 0: any number. Over it: WG_E_LIMIT. */
void ref_run(ref_graph *graph, wg_slice text, const ref_param *params, size_t param_count, uint64_t steps_max,
             wg_arena *arena, ref_answer *out);

/* ---- inside */

typedef struct ref_bind {
    wg_slice name;
    wg_value value;
    const struct ref_bind *next;
} ref_bind;

typedef struct ref_table {
    wg_slice *names; /* what WITH * and RETURN * give */
    size_t name_count;
    const ref_bind **rows;
    size_t count, capacity;
} ref_table;

typedef struct ref_ctx {
    ref_graph *graph;
    wg_arena *arena;
    wg_slice text;
    const ref_param *params;
    size_t param_count;
    uint64_t steps, steps_max;
    jmp_buf escape;
    wg_code code;
    char message[160];
} ref_ctx;

/* Where an expression is evaluated: a row, and behind WITH and RETURN with aggregates the rows of its group. */
typedef struct ref_env {
    const ref_bind *row;
    const ref_bind *const *group;
    size_t group_count;
    bool grouped;
} ref_env;

_Noreturn void ref_fail(ref_ctx *ctx, wg_code code, const char *format, ...) WG_PRINTF(3, 4);
void ref_step(ref_ctx *ctx);
void *ref_alloc(wg_arena *arena, size_t count, size_t size); /* zeroed, never NULL */

static inline ref_node *ref_node_of(const wg_value *v) { return (ref_node *)(uintptr_t)v->as.ptr; }
static inline ref_edge *ref_edge_of(const wg_value *v) { return (ref_edge *)(uintptr_t)v->as.ptr; }

/* ref_value.c */
wg_value ref_null(void);
wg_value ref_bool(int three_valued); /* 1, 0, -1: null */
wg_value ref_int(int64_t i);
wg_value ref_float(double f);
wg_value ref_string(wg_slice s);
wg_value ref_list(const wg_value *items, size_t count);
wg_slice ref_slice(const wg_value *v);
int ref_equal(const wg_value *a, const wg_value *b);                 /* 1, 0, -1: null */
int ref_compare(wg_ast_op op, const wg_value *a, const wg_value *b); /* the same, for < <= > >= = <> */
int ref_order(const wg_value *a, const wg_value *b);                 /* ORDER BY: total */
bool ref_same(const wg_value *a, const wg_value *b);                 /* DISTINCT and groups */
bool ref_find_entry(const wg_map_entry *items, size_t count, wg_slice key, wg_value *out);
wg_value ref_copy_value(wg_arena *arena, const wg_value *v);
wg_value ref_map_with(wg_arena *arena, const wg_value *map, wg_slice key, wg_value value); /* replaced or added */
wg_value ref_publish(wg_arena *arena, const wg_value *v); /* NODE and EDGE become what results have */

/* ref_eval.c */
wg_value ref_eval(ref_ctx *ctx, const wg_ast *e, const ref_env *env);
int ref_eval_truth(ref_ctx *ctx, const wg_ast *e, const ref_env *env); /* of a condition; NULL is true */
const ref_bind *ref_find(const ref_bind *row, wg_slice name);
const ref_bind *ref_with(ref_ctx *ctx, const ref_bind *row, wg_slice name, wg_value value);
wg_value ref_property(ref_ctx *ctx, const wg_value *base, wg_slice key);

/* ref_operators.c, ref_functions.c, ref_aggregate.c */
wg_value ref_binary(ref_ctx *ctx, wg_ast_op op, const wg_value *a, const wg_value *b);
wg_value ref_unary(ref_ctx *ctx, wg_ast_op op, const wg_value *a);
wg_value ref_index(ref_ctx *ctx, const wg_value *base, const wg_value *index);
wg_value ref_slice_of(ref_ctx *ctx, const wg_value *base, const wg_value *from, const wg_value *to);
wg_value ref_call(ref_ctx *ctx, wg_slice name, const wg_value *args, size_t count);
bool ref_is_aggregate(const wg_ast *e);
bool ref_has_aggregate(const wg_ast *e);
wg_value ref_aggregate(ref_ctx *ctx, const wg_ast *e, const ref_env *env);

/* ref_temporal.c: DATE, LOCAL DATETIME and DURATION; the others of time are not known. */
bool ref_is_temporal(const wg_value *v);
wg_value ref_temporal_arithmetic(ref_ctx *ctx, wg_ast_op op, const wg_value *a, const wg_value *b);
int ref_temporal_equal(const wg_value *a, const wg_value *b);
int ref_temporal_order(const wg_value *a, const wg_value *b); /* of one type */
bool ref_temporal_call(ref_ctx *ctx, wg_slice name, const wg_value *args, size_t count,
                       wg_value *out); /* false: no such function */
wg_value ref_temporal_part(ref_ctx *ctx, const wg_value *v, wg_slice key);
wg_value ref_temporal_text(ref_ctx *ctx, const wg_value *v);

/* ref_match.c: calls `each` for every match of the pattern; false from it stops. */
typedef bool (*ref_match_fn)(void *arg, const ref_bind *row);
void ref_match(ref_ctx *ctx, const wg_ast *const *paths, size_t count, const ref_bind *row, ref_match_fn each,
               void *arg);
bool ref_has_label(const wg_ast *e, const wg_slice *labels, size_t count);      /* NAME or an expression of labels */
wg_value ref_pattern_map(ref_ctx *ctx, const wg_ast *map, const ref_bind *row); /* {} when NULL */
void ref_pattern_names(const wg_ast *path, wg_slice *out, size_t *count);       /* appends the variables of a path */

/* ref_project.c */
void ref_project(ref_ctx *ctx, const wg_ast *clause, ref_table *table);
void ref_distinct(ref_ctx *ctx, ref_table *table);
void ref_add_row(ref_ctx *ctx, ref_table *table, const ref_bind *row);
void ref_add_name(ref_ctx *ctx, ref_table *table, wg_slice name);

/* ref_write.c */
void ref_write(ref_ctx *ctx, const wg_ast *clause, ref_table *table);

/* ref_clauses.c: false from ref_query: the query has no RETURN, *table is the input then. */
bool ref_query(ref_ctx *ctx, const wg_ast *query, ref_table *table, bool may_end_reading);

/* ref_check.c: names and places, before anything runs. */
void ref_check(ref_ctx *ctx, const wg_ast *statement);

#endif
