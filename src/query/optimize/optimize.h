/* query/optimize: where a pattern starts, in which order its parts are joined, what scans are told. Every decision is a
 * function of the text, the parameters and the snapshot: row counts come from the catalog, ties go to the order of the
 * text. With `optimizer_off` in the binder none is made: patterns start, and are joined, as the text has them, no key is looked up and
 * scans are told nothing; the rows of an answer are the same, their order without ORDER BY may be another. */
#ifndef WG_QUERY_OPTIMIZE_H
#define WG_QUERY_OPTIMIZE_H

#include "query/optimize/order.h"
#include "query/plan/planner.h"

/* Tells the scan under `rel` (filters may lie between) the parts of a condition that it can use: property, comparison,
 * constant. The caller filters all the same. */
wg_code wgi_push_down(wgi_binder *b, wgi_relation *rel, const wg_expr *condition);
/* Share of rows that a condition is expected to keep: fixed guesses, in (0, 1]. */
double wgi_selectivity(const wg_expr *condition);
/* Expected rows of a scan of nodes with all these labels; none: every node. */
double wgi_scan_rows(const wgi_binder *b, const uint32_t *labels, uint32_t count);

/* ---- pattern graph of one MATCH (graph.c) */

typedef struct wgi_pattern_node {
    wg_slice name; /* hidden when the text gives none */
    const wg_ast *ast;
    const uint32_t *labels;
    uint32_t label_count;
    bool missing; /* a label of it does not exist */
    uint32_t component;
    double rows;        /* expected after its own conditions */
    uint32_t either;    /* number of a conjunct whose branches find the node, and 1; 0: there is none */
    double either_rows; /* what these cost */
    double seek_rows;   /* that a seek of an index by constants is expected to give; negative: there is none */
} wgi_pattern_node;

typedef struct wgi_pattern_edge {
    wg_slice name;
    const wg_ast *ast;
    const uint32_t *types;
    uint32_t type_count;
    bool missing;
    wg_ast_path search;    /* SHORTEST, ALL_SHORTEST: between two nodes that the rest of the plan finds */
    uint32_t from, to;     /* as drawn: left and right node */
    uint32_t clause;       /* of one MATCH: relationships of different ones may be the same */
    bool cycles;           /* a search: from a node to itself at least one relationship is wanted */
    uint32_t paths;        /* a search: how many walks, or lengths of walks, are wanted; 0: one */
    bool by_id;            /* a search: the least ids decide among equals */
    bool free;             /* it may be the same as any other one */
    wg_ast_path_mode mode; /* of a walk: what it may repeat */
    bool done;
} wgi_pattern_edge;

typedef struct wgi_conjunct {
    const wg_ast *ast;
    bool done;
} wgi_conjunct;

typedef struct wgi_graph {
    wgi_pattern_node *nodes;
    uint32_t node_count;
    wgi_pattern_edge *edges;
    uint32_t edge_count;
    wgi_conjunct *conjuncts;
    uint32_t conjunct_count;
    uint32_t conjunct_capacity;
    uint32_t component_count;
    wgi_relation names; /* its symbols are the variables that the pattern introduces; no plan */
} wgi_graph;

/* Reads patterns and WHERE of MATCH clauses that are planned together; `rel` has the variables that exist before. */
wg_code wgi_graph_build(wgi_binder *b, const wg_ast *const *matches, uint32_t match_count, const wgi_relation *rel,
                        wgi_graph *out);

/* Adds the conditions of a node or relationship of the text: property map, WHERE, label expressions (`labels`: all labels). */
wg_code wgi_graph_conditions(wgi_binder *b, wgi_graph *g, wg_slice name, const wg_ast *element, bool labels);
wg_code wgi_graph_condition(wgi_binder *b, wgi_graph *g, const wg_ast *where); /* split at AND */

wg_direction wgi_direction_from_left(const wgi_pattern_edge *edge);
wg_direction wgi_direction_reversed(wg_direction d);
/* True when the definitions of the relationship's types say that the node which is reached in this direction has its label: the engine
 * keeps ends what they are declared to be. */
bool wgi_ends_have_label(const wgi_binder *b, const wgi_pattern_edge *edge, wg_direction direction,
                         const wgi_pattern_node *far);

/* ---- estimate.c: a component in numbers */

typedef struct wgi_component {
    wgi_order_problem problem;
    uint32_t *nodes; /* of the graph, for each node of the problem */
    uint32_t *edges;
    wgi_order_node *order_nodes;
    wgi_order_edge *order_edges;
} wgi_component;
/* `rel`: the rows that the component grows from (its plan may be NULL: none). Asks for statistics. */
wg_code wgi_component_estimate(wgi_binder *b, const wgi_graph *g, const wgi_relation *rel, uint32_t component,
                               wgi_component *out);

/* ---- start.c: the first node of a component */

/* Number of the node of `component` to start with when nothing of it is known yet. */
uint32_t wgi_choose_start(const wgi_binder *b, const wgi_graph *graph, uint32_t component);
/* Equality conditions that give every column of a primary key of the node over variables of `rel`; NULL: there are none.
 * Fills key_asts[key_count]. */
const wg_label *wgi_find_key(const wgi_binder *b, const wgi_graph *graph, uint32_t node, const wgi_relation *rel,
                             const wg_ast **key_asts);
/* The same for a key of one column that must be in a list without variables: the label, and the list. NULL: there is none. */
const wg_label *wgi_find_key_list(const wgi_binder *b, const wgi_graph *graph, uint32_t node,
                                  const wg_ast **out_list);
/* ---- index.c: an index that finds the nodes or edges of a variable */

typedef struct wgi_index_choice {
    const wg_rule *rule; /* NULL: there is none */
    uint32_t count;      /* conditions: as wg_plan.index_ops */
    wg_index_op ops[WG_KEY_COLUMNS_MAX + 2];
    const wg_ast *values[WG_KEY_COLUMNS_MAX + 2];
    double rows; /* that a seek is expected to give */
} wgi_index_choice;
/* Conditions whose other side `rel` gives. Asks for statistics where an index fits. */
wg_code wgi_find_index(wgi_binder *b, const wgi_graph *graph, wg_slice variable, const uint32_t *labels,
                       uint32_t label_count, const wgi_relation *rel, wgi_index_choice *out);
/* The same for the relationships of a component; *out NULL: there is none. */
wg_code wgi_find_index_edge(wgi_binder *b, const wgi_graph *graph, uint32_t component, const wgi_relation *rel,
                            wgi_index_choice *best, wgi_pattern_edge **out);
/* Gives an INDEX_SEEK over the rows of `rel` what it asks, and its estimate. */
wg_code wgi_index_exprs(wgi_binder *b, const wgi_relation *rel, const wgi_index_choice *choice, wg_plan *plan);
/* True when a value of the seek comes from variables of `rel`. */
bool wgi_index_uses(const wgi_index_choice *choice, const wgi_relation *rel);
/* Share of the label's rows that a condition on the variable is expected to keep (estimate.c). */
wg_code wgi_condition_share(wgi_binder *b, const wg_ast *condition, wg_slice variable, uint32_t label, double *out);
/* Expected elements of a list expression (start.c). */
double wgi_list_rows(const wgi_binder *b, const wg_ast *list);

/* ---- either.c: a node that is found in several ways */

typedef struct wgi_branch {
    const wg_ast *condition;
    wgi_graph graph;  /* of one node, with the labels that the branch says, and all conditions on it alone */
    bool only_labels; /* the branch says nothing else */
    bool scans;       /* no key and no index finds its nodes */
} wgi_branch;
/* The branches of a conjunct that is a disjunction over the node each of which says where to look; *out_count 0: it is none. */
wg_code wgi_branches(wgi_binder *b, const wgi_graph *g, uint32_t node, uint32_t conjunct, wgi_branch **out,
                     uint32_t *out_count, double *out_cost);
/* Sets `either` of the node. */
wg_code wgi_find_either(wgi_binder *b, wgi_graph *g, uint32_t node);

/* Rows that starting at the node reads: one for a key, one for each element of a list of keys, else what a scan gives. */
double wgi_start_rows(const wgi_binder *b, const wgi_graph *graph, uint32_t node);
/* Expected rows of a component started at its best node. */
double wgi_component_rows(const wgi_binder *b, const wgi_graph *graph, uint32_t component);
/* If `conjunct` is an equality of which one side is a property of the node: that property and the other side. */
bool wgi_equality_on(const wg_ast *conjunct, wg_slice node, wg_slice *out_property, const wg_ast **out_other);
/* True when a pattern or a subquery stands in the expression. */
bool wgi_has_subquery(const wg_ast *ast);
/* Keys of a node that the statement reads anywhere: columns of its scan. */
wg_code wgi_keys_read(wgi_binder *b, const wgi_pattern_node *node, const wgi_graph *graph, uint32_t **out,
                      uint32_t *out_count);

#endif
