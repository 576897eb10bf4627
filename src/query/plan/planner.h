/* query/plan: clauses to a physical plan of exec.h, one clause after the other; MATCH is ordered by query/optimize.
 *
 * A relation (binder.h) is the plan so far. Every function leaves its relation as it was on failure, or unusable together
 * with the arena: nothing outlives a failed statement. */
#ifndef WG_QUERY_PLANNER_H
#define WG_QUERY_PLANNER_H

#include "query/binder/binder.h"

/* ---- build.c: plan nodes */
wg_plan *wgi_plan(wgi_binder *b, wg_plan_op op, wg_plan *first, wg_plan *second); /* NULL: out of memory */
/* Sets the slots: those of `base` (may be NULL), then of `second` (may be NULL), then `extra` new ones. */
typedef struct wgi_new_slot {
    wg_type type;
    wg_slice name; /* for EXPLAIN; hidden names print as nothing */
} wgi_new_slot;
wg_code wgi_plan_slots(wgi_binder *b, wg_plan *plan, const wg_plan *base, const wg_plan *second,
                       const wgi_new_slot *extra, uint32_t extra_count);
wg_code wgi_unit(wgi_binder *b, wgi_relation *out);
/* Puts a FILTER on top, and its usable parts into the scan below it. */
wg_code wgi_filter(wgi_binder *b, wgi_relation *rel, wg_expr *condition);
wg_code wgi_filter_false(wgi_binder *b, wgi_relation *rel);
/* left ++ right as one relation over `plan`, whose slots are theirs. */
wg_code wgi_merge_relations(wgi_binder *b, wg_plan *plan, const wgi_relation *left, const wgi_relation *right,
                            wgi_relation *out);
wg_code wgi_cross(wgi_binder *b, const wgi_relation *left, const wgi_relation *right, wgi_relation *out);
/* Keys of a join: left[i] over the left rows equals right[i] over the right ones. */
typedef struct wgi_join_keys {
    wg_expr **left;
    wg_expr **right;
    uint32_t count;
} wgi_join_keys;
/* kind: HASH_JOIN or OPTIONAL. */
wg_code wgi_join(wgi_binder *b, wg_plan_op kind, const wgi_relation *left, const wgi_relation *right,
                 const wgi_join_keys *keys, wgi_relation *out);
bool wgi_is_unit(const wgi_relation *rel);

/* ---- match.c, optional.c */
wg_code wgi_match(wgi_binder *b, const wg_ast *match, wgi_relation *rel);
/* Several MATCH clauses as one pattern. */
wg_code wgi_match_all(wgi_binder *b, const wg_ast *const *matches, uint32_t match_count, wgi_relation *rel);
/* Expands the known end of a path of one relationship, without conditions, to a new node; rows without a match stay, with nulls. *out_done
 * false: the label of the far end, or the relationship's type, asks for more. */
wg_code wgi_expand_optionally(wgi_binder *b, const wg_ast *path, bool from_left, wgi_relation *rel, bool *out_done);
/* How many of the clauses [first..) of a SINGLE, at least one, are MATCH clauses that may be planned together. */
wg_code wgi_match_run(wgi_binder *b, const wg_ast *single, uint32_t first, const wgi_relation *rel,
                      uint32_t *out_count);
wg_code wgi_optional_match(wgi_binder *b, const wg_ast *match, wgi_relation *rel);
/* Keeps the rows for which the subquery or pattern has an answer (or has none, `negated`). */
wg_code wgi_semi_join(wgi_binder *b, const wg_ast *test, bool negated, wgi_relation *rel);
/* Every variable of a pattern that stands as a condition must exist. */
wg_code wgi_all_known(wgi_binder *b, const wg_ast *path, const wgi_relation *rel);
/* A WHERE: conjuncts with EXISTS { } or patterns become semi-joins, the others filters. */
wg_code wgi_where(wgi_binder *b, const wg_ast *condition, wgi_relation *rel);

/* ---- projection.c */
typedef struct wgi_columns {
    const char **names;
    uint32_t count;
} wgi_columns;
/* WITH or RETURN. `columns` (may be NULL) receives the names of the results. */
wg_code wgi_project(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns);
wg_code wgi_unwind(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);

/* ---- write.c */
wg_code wgi_create(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
wg_code wgi_set(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
wg_code wgi_remove(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
wg_code wgi_delete(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
/* For MERGE, whose relationships may have no direction: what a path with a name for every element would create over the rows of
 * `rel`, and the symbols of that, whose slots follow those of `rel`. */
wg_code wgi_create_items_of(wgi_binder *b, const wg_ast *path, wgi_relation *rel, wg_create_item **out_items,
                            wgi_symbol **out_symbols, uint32_t *out_count);
/* Appends the items of a SET clause to out[]; *count grows. */
wg_code wgi_set_items_of(wgi_binder *b, const wg_ast *set, const wgi_relation *rel, wg_set_item *out,
                         uint32_t *count);

/* ---- merge.c */
wg_code wgi_merge(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
/* A plan that is run for one row of `rel` at a time begins with this: the same names, the ARGUMENT leaf. */
wg_code wgi_argument(wgi_binder *b, const wgi_relation *rel, wgi_relation *out);

/* ---- apply.c */
/* Joins the rows with those of `inner`, which began with wgi_argument(rel): adds the symbols that rel has not. */
wg_code wgi_apply(wgi_binder *b, wgi_relation *rel, const wgi_relation *inner, const wg_ast *at);
/* An OPTIONAL MATCH that runs for one row at a time, so that it sees every earlier write. */
wg_code wgi_optional_per_row(wgi_binder *b, const wg_ast *match, wgi_relation *rel);
/* Makes a slot of every pattern and subquery in an expression: *out is the expression with their hidden names instead. */
wg_code wgi_hoist(wgi_binder *b, wgi_relation *rel, const wg_ast *ast, const wg_ast **out);
/* The same where a bare pattern may stand: in a WHERE. */
wg_code wgi_hoist_condition(wgi_binder *b, wgi_relation *rel, const wg_ast *ast, const wg_ast **out);
/* The same for the results of a WITH or RETURN. */
wg_code wgi_hoist_items(wgi_binder *b, wgi_relation *rel, const wg_ast *clause, const wg_ast **out);

/* ---- call.c */
wg_code wgi_call_query(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
wg_code wgi_foreach(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);

/* ---- procedure.c */
wg_code wgi_find_procedure(const wgi_binder *b, const wg_ast *clause, const wg_procedure **out);
/* Binds the arguments of a CALL over the rows of `rel`, each of a type that the procedure takes. */
wg_code wgi_procedure_arguments(wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure, wgi_relation *rel,
                                wg_expr ***out);
wg_code wgi_call_procedure(wgi_binder *b, const wg_ast *clause, wgi_relation *rel);
/* A CALL that is the whole statement: its results are the columns of the answer. */
wg_code wgi_call_alone(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns);
/* Refuses a query among several clauses that ends with rows which nobody takes. */
wg_code wgi_check_last_call(const wgi_binder *b, const wg_ast *clause);

/* ---- path.c */
/* Adds a slot with `value` behind those of the relation, under no symbol. */
wg_code wgi_add_slot(wgi_binder *b, wgi_relation *rel, wg_expr *value, wg_slice name, uint32_t *out_slot);
/* Adds the value of a named path all of whose elements have names. */
wg_code wgi_path_value(wgi_binder *b, const wg_ast *path, wgi_relation *rel);
/* A copy of the path with a name for every element; of the pattern, where its named paths are such copies. */
wg_code wgi_name_elements(wgi_binder *b, const wg_ast *path, wg_ast **out);
wg_code wgi_name_pattern(wgi_binder *b, const wg_ast *pattern, wg_ast **out);

/* ---- clauses.c: a whole QUERY; without RETURN columns->count is 0 */
wg_code wgi_plan_query(wgi_binder *b, const wg_ast *query, const wg_plan **out, wgi_columns *columns);
wg_code wgi_plan_clause(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns);
bool wgi_is_writing(const wg_ast *clause);
bool wgi_is_lone_call(const wg_ast *query); /* the CALL of a procedure is the whole QUERY */
/* left becomes the union of both; `at` is the right one. */
wg_code wgi_add_union(wgi_binder *b, const wg_ast *at, wgi_relation *left, const wgi_columns *left_names,
                      const wgi_relation *right, const wgi_columns *right_names);
/* ---- setops.c: left becomes left OP right, as the QUERY says; behind the last part wgi_finish_set */
typedef struct wgi_set_side {
    wgi_relation *rel;
    const wgi_columns *names;
} wgi_set_side;
wg_code wgi_set_operation(wgi_binder *b, const wg_ast *query, const wg_ast *at, const wgi_set_side *left,
                          const wgi_set_side *right);
wg_code wgi_finish_set(wgi_binder *b, const wg_ast *query, wgi_relation *rel);
/* A whole QUERY inside of an expression, over the rows that `rel` begins with; columns->count is 0 without RETURN. */
wg_code wgi_plan_nested(wgi_binder *b, const wg_ast *query, wgi_relation *rel, wgi_columns *columns);
/* The reading clauses of a SINGLE [from first), for subqueries. */
wg_code wgi_plan_reading(wgi_binder *b, const wg_ast *single, wgi_relation *rel);
#endif
