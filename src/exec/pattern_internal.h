/* exec: what the files of PATTERN_COUNT share: pattern_terms.c, pattern_count.c, pattern_core.c. */
#ifndef WG_EXEC_PATTERN_INTERNAL_H
#define WG_EXEC_PATTERN_INTERNAL_H

#include "exec/exec_internal.h"

/* ---- pattern_terms.c: conditions of being unlike, resolved by inclusion and exclusion */

/* A pattern without such conditions: some vertices of the first one have become one, and so have some edges. */
typedef struct wgi_term {
    int64_t coefficient;
    uint8_t class_of[WG_PATTERN_VERTICES_MAX]; /* the least vertex of the class of each vertex */
    uint32_t edge_count;
    wg_pattern_edge edges[WG_PATTERN_EDGES_MAX]; /* ends are least vertices */
} wgi_term;
/* The count of the pattern is the sum of coefficient * count of the terms; equal terms are one. *out is in the arena. */
wg_code wgi_pattern_terms(const wg_pattern *pattern, wg_arena *arena, wgi_term **out, uint32_t *out_count,
                          wg_error *err);

/* ---- values of nodes */

/* A number for every node: 1, or from an array over all ids of the domain. */
typedef struct wgi_node_values {
    const uint32_t *narrow; /* both NULL: 1 */
    const uint64_t *wide;
} wgi_node_values;

static inline uint64_t wgi_node_value(const wgi_node_values *values, uint64_t node) {
    return values->narrow != NULL ? values->narrow[node] : values->wide != NULL ? values->wide[node] : 1;
}

/* Nodes with how often each stands there, ascending; others stand there 0 times. */
typedef struct wgi_node_counts {
    uint32_t *nodes;
    uint32_t *counts;
    uint64_t count;
} wgi_node_counts;

/* The edges of a label that the pattern names. Sorted sides are there when the pattern has a cycle. */
typedef struct wgi_pattern_label {
    uint32_t label;
    wg_adjacency *adjacency;
    const wg_adjacency_side *sides[2]; /* out, in: in edge-id order */
    const wg_adjacency_side *sorted[2];
    wg_adjacency_side own[2]; /* of a set, which has no adjacency: sorted */
    void *blocks[2];
    wgi_node_counts loops;
} wgi_pattern_label;

enum { WGI_PATTERN_LABELS_MAX = 4 * WG_PATTERN_EDGES_MAX };

typedef struct wgi_pattern_run {
    const wg_exec_context *context;
    const wg_pattern *pattern;
    wg_arena arena;
    uint64_t node_count; /* ids below this one */
    wgi_pattern_label labels[WGI_PATTERN_LABELS_MAX];
    uint32_t label_count;
    wgi_node_counts rows[WG_PATTERN_VERTICES_MAX]; /* of vertices that have them */
    wg_i128 *per_node;                             /* the matches of each node; NULL: they are counted together */
    uint32_t group;                                /* the vertex whose nodes are meant */
    struct {
        const uint32_t *of; /* the nodes of counts */
        uint32_t *values;   /* the same over all ids */
    } spread[WG_PATTERN_VERTICES_MAX + WG_PATTERN_EDGES_MAX];
    uint32_t spread_count;
} wgi_pattern_run;

const wgi_pattern_label *wgi_pattern_label_of(const wgi_pattern_run *run, uint32_t label);
/* Runs the rows of vertices and gets the adjacency; *out_has false: there is none, or making it would cost more than plan->fallback. */
wg_code wgi_pattern_begin(const wg_plan *plan, const wg_exec_context *context, wgi_pattern_run **out, bool *out_has,
                          wg_error *err);
/* pattern_sets.c: the edges of a set as a label. *out_has false: some id is too large, or they do not fit into memory. */
wg_code wgi_pattern_set_make(wgi_pattern_run *run, const wg_pattern_set *set, wgi_pattern_label *label, bool *out_has,
                             wg_error *err);
void wgi_pattern_set_free(wgi_pattern_label *label);
/* The row of counts: the same in each slot. */
wg_code wgi_count_row(const wg_plan *plan, const wg_exec_context *context, wg_i128 total, wg_rows **out,
                      wg_error *err);
void wgi_pattern_end(wgi_pattern_run *run);

/* ---- one term while it is counted */

typedef struct wgi_work_vertex {
    bool alive;
    bool stripped;                           /* hangs from another vertex as a tree */
    bool folded;                             /* `value` has all of what hangs from it */
    uint32_t depth;                          /* of a stripped one: edges to what it hangs from */
    uint32_t parent_edge;                    /* of a stripped one */
    uint32_t children[WG_PATTERN_EDGES_MAX]; /* edges to what hangs from it, when not folded */
    uint32_t child_count;
    wgi_node_values value;
} wgi_work_vertex;

typedef struct wgi_work {
    wgi_pattern_run *run;
    const wgi_term *term;
    wgi_work_vertex vertices[WG_PATTERN_VERTICES_MAX];
    uint32_t root;              /* UINT32_MAX: the core has a cycle and no vertex with few nodes */
    const wgi_node_counts *few; /* nodes that the root may be; NULL: all */
    wg_i128
        *per_node; /* where each node of the root adds its count times the term's coefficient; NULL: nobody asks */
    _Atomic bool overflow; /* relaxed: some number has passed 2^64 */
    wg_arena arena;
} wgi_work;

/* The lists of neighbours that an edge gives from one of its ends: one side, or both when it has no direction. In the second list of two the
 * node itself is left out, so that a loop counts once. */
typedef struct wgi_reach {
    const wgi_pattern_label *label;
    uint32_t first; /* index of side */
    uint32_t count;
} wgi_reach;
wgi_reach wgi_pattern_reach_of(const wgi_pattern_run *run, const wg_pattern_edge *edge, uint32_t from);
wgi_reach wgi_reach_of(const wgi_work *work, const wg_pattern_edge *edge, uint32_t from);
uint32_t wgi_far_end(const wg_pattern_edge *edge, uint32_t from);
/* What the number of matches of an edge counts as. */
static inline uint64_t wgi_kind_count(uint8_t kind, uint64_t matches) {
    if (kind == WG_PATTERN_REQUIRED) return matches;
    if (kind == WG_PATTERN_OPTIONAL) return matches > 0 ? matches : 1;
    return (kind == WG_PATTERN_EXISTS) == (matches > 0);
}
uint64_t wgi_count_of(const wgi_node_counts *counts, uint64_t node);
/* The value of a node with everything that hangs from the vertex; false after an overflow. */
bool wgi_tree_value(const wgi_work *work, uint32_t vertex, uint64_t node, uint64_t *out);
/* The same for the nodes [first, last). */
bool wgi_values_of(const wgi_work *work, uint32_t vertex, uint64_t first, uint64_t last, uint64_t *out);

/* pattern_order.c: the order in which the vertices that are not stripped get their nodes; returns how many they are. */
uint32_t wgi_core_order(const wgi_work *work, uint32_t *order);
static inline bool wgi_is_core_edge(const wg_pattern_edge *edge, uint32_t a, uint32_t b) {
    return edge->from != edge->to && ((edge->from == a && edge->to == b) || (edge->from == b && edge->to == a));
}
/* Nodes of a vertex can be looked for along an edge of this kind. */
static inline bool wgi_is_walked(uint8_t kind) { return kind == WG_PATTERN_REQUIRED || kind == WG_PATTERN_EXISTS; }

/* pattern_core.c: the sum over all ways to give nodes to the vertices that are not stripped. */
wg_code wgi_core_count(wgi_work *work, wg_u128 *out, wg_error *err);

#endif
