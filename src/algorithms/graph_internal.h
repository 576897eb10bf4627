/* What graph.c and graph_open.c share. */
#ifndef WG_ALGORITHMS_GRAPH_INTERNAL_H
#define WG_ALGORITHMS_GRAPH_INTERNAL_H

#include "algorithms/algorithms_internal.h"

/* One direction over all nodes: neighbours of a node ascending, entries to one neighbour in the order of edges. */
typedef struct wgi_sorted_side {
    const uint32_t *offsets;
    const uint32_t *targets;
    const uint32_t *edges;
    uint64_t entry_count;
    void *block; /* wg_free; NULL: lent */
} wgi_sorted_side;

typedef struct wgi_sorted_pair {
    wgi_sorted_side sides[2]; /* along the edges, against them */
    const double *weights;    /* of edge edge_min + i; NaN: none; NULL: not wanted */
    uint64_t weight_count;
    uint64_t edge_min;
} wgi_sorted_pair;

/* Makes the sides of the graph, which has its nodes. On failure the caller closes the graph and frees what blocks the pair still has. */
wg_code wgi_graph_fill(const wg_algo_run *run, wgi_sorted_pair *pair, wg_direction direction, wg_weight_join join,
                       wg_graph *graph, wg_error *err);

#endif
