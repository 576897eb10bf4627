/* algorithms: whole-graph algorithms over compressed sparse rows: breadth-first search, shortest paths, components, PageRank, triangles,
 * label propagation, core numbers, betweenness, Louvain.
 *
 * A graph is nodes 0..n-1 with neighbours in both directions, made from edges (wg_graph_of_edges) or from what a transaction sees
 * (wg_graph_open). Undirected graphs are simple: loops left out, parallel edges and both directions of a pair joined to one.
 *
 * Results are a function of the graph and the options alone, byte for byte, whatever the number of workers: work is cut into pieces of nodes
 * of fixed size, sums of floats are taken in an order that neighbours and pieces alone give, and where several answers are right (a parent, a
 * component's name, a tie between labels) the smallest index is given.
 *
 * Memory is charged to run->account: over its limit WG_E_LIMIT, else WG_E_NOMEM. Every piece of work asks for cancellation and deadline
 * first: WG_E_CANCELLED, WG_E_DEADLINE. Threads: a graph may be used by many runs at once. */
#ifndef WG_ALGORITHMS_H
#define WG_ALGORITHMS_H

#include "engine/adjacency.h"
#include "engine/engine.h"

typedef struct wg_algo_run {
    wg_pool *pool;    /* NULL: the caller alone */
    uint32_t workers; /* at most; 0 counts as 1 */
    wg_account *account;
    wg_cancel *cancel;     /* may be NULL */
    wg_platform *platform; /* for the deadline */
    uint64_t deadline_ns;  /* 0: none */
} wg_algo_run;

/* ---- graphs */

typedef struct wg_graph_side {
    const uint32_t *offsets; /* node_count + 1 */
    const uint32_t *targets; /* of a node: ascending */
    const double *weights;   /* NULL: none were asked for */
    uint64_t entry_count;
} wg_graph_side;

typedef struct wg_graph {
    uint32_t node_count;
    bool undirected;        /* simple, and both sides are one */
    wg_graph_side forward;  /* along the direction that was asked for */
    wg_graph_side backward; /* against it; never weights */
    const uint64_t *ids;    /* of nodes, ascending; NULL: 0, 1, 2, ... */
    double weight_min;      /* over the forward entries, when there are weights and entries */
    double weight_max;
    void *blocks[8];         /* owned */
    wg_adjacency *adjacency; /* lends the arrays */
} wg_graph;

typedef enum wg_weight_join { WG_WEIGHT_LEAST, WG_WEIGHT_SUM } wg_weight_join;

/* Edge i goes from[i] -> to[i]; both below node_count. Weights may be NULL. */
typedef struct wg_graph_edges {
    uint32_t node_count;
    uint64_t count; /* < 2^32 */
    const uint32_t *from;
    const uint32_t *to;
    const double *weights;
    wg_direction direction; /* BOTH: undirected and simple */
    wg_weight_join join;    /* of edges that become one */
} wg_graph_edges;
/* Owns: borrows the arrays for the call; the caller closes *out. */
wg_code wg_graph_of_edges(const wg_algo_run *run, const wg_graph_edges *edges, wg_graph *out, wg_error *err);

typedef struct wg_graph_spec {
    const uint32_t *edge_labels; /* at least one */
    uint32_t edge_label_count;
    const uint32_t *node_labels; /* nodes that have one of them; none: every owned node */
    uint32_t node_label_count;
    wg_direction direction;
    uint32_t weight_key; /* WG_NO_KEY: none. An edge without it weighs 1. */
    wg_weight_join join;
} wg_graph_spec;
/* What the transaction sees; edges with an end that is not among the nodes are left out.
 * Owns:   the caller closes *out before the transaction ends.
 * Errors: WG_E_UNSUPPORTED virtual labels, more than 2^32 nodes or edges, edges written by this very transaction | WG_E_TYPE a weight that is
 *         no number. */
wg_code wg_graph_open(const wg_algo_run *run, const wg_txn *txn, const wg_graph_spec *spec, wg_graph *out,
                      wg_error *err);
void wg_graph_close(wg_graph *graph); /* a zeroed one is legal */
/* Index of a node id; false when it is none of the graph's. */
bool wg_graph_find(const wg_graph *graph, uint64_t id, uint32_t *out_index);
static inline uint64_t wg_graph_id(const wg_graph *graph, uint32_t index) {
    return graph->ids == NULL ? index : graph->ids[index];
}

/* ---- algorithms. Result arrays have node_count elements and are the caller's. */

#define WG_GRAPH_NONE UINT32_MAX

/* Edges from the source to each node at the least, and the node before it on such a path: the smallest. WG_GRAPH_NONE where there is none.
 * Direction-optimising (Beamer, Asanovic, Patterson 2012). */
wg_code wg_algo_bfs(const wg_algo_run *run, const wg_graph *graph, uint32_t source, uint32_t *out_depths,
                    uint32_t *out_parents, wg_error *err);
/* Least sum of weights (1 each without weights) from the source; infinity where there is no path. Sums are taken from the source on. Delta
 * stepping (Meyer and Sanders 2003). WG_E_VALUE: a weight is negative or no number. delta 0: chosen. */
wg_code wg_algo_sssp(const wg_algo_run *run, const wg_graph *graph, uint32_t source, double delta,
                     double *out_distances, wg_error *err);
/* Smallest index in the same weakly connected component. Afforest (Sutton, Ben-Nun, Barak 2018). */
wg_code wg_algo_components(const wg_algo_run *run, const wg_graph *graph, uint32_t *out_components, wg_error *err);

typedef struct wg_pagerank_options {
    double damping;      /* 0.85 */
    double tolerance;    /* stop when the sum of absolute changes is below; 0: never */
    uint32_t iterations; /* at most */
    bool
        dangling; /* what nodes without successors have goes to all alike (LDBC Graphalytics); else it is lost (GAP) */
} wg_pagerank_options;
/* Scores, and after how many iterations. */
wg_code wg_algo_pagerank(const wg_algo_run *run, const wg_graph *graph, const wg_pagerank_options *options,
                         double *out_scores, uint32_t *out_iterations, wg_error *err);

/* Of an undirected graph. *out_total: triangles; out_local (may be NULL): those of each node. */
wg_code wg_algo_triangles(const wg_algo_run *run, const wg_graph *graph, uint64_t *out_total, uint64_t *out_local,
                          wg_error *err);
/* Synchronous label propagation: a node takes the label that most of its neighbours have, the smallest of these (LDBC Graphalytics CDLP).
 * Labels begin as indices. Of a directed graph both sides count. */
wg_code wg_algo_label_propagation(const wg_algo_run *run, const wg_graph *graph, uint32_t iterations,
                                  uint32_t *out_labels, wg_error *err);
/* Largest k such that the node is in a subgraph in which every node has k neighbours. Undirected. */
wg_code wg_algo_core_numbers(const wg_algo_run *run, const wg_graph *graph, uint32_t *out_cores, wg_error *err);
/* Brandes' betweenness over shortest paths of edges from the sources. A pair is counted once for each source of its ends. */
wg_code wg_algo_betweenness(const wg_algo_run *run, const wg_graph *graph, const uint32_t *sources,
                            uint32_t source_count, double *out_scores, wg_error *err);
/* `count` different nodes (all when there are fewer), chosen by the seed, ascending; *out_count of them. */
void wg_algo_sample(const wg_graph *graph, uint64_t seed, uint32_t count, uint32_t *out, uint32_t *out_count);

typedef struct wg_louvain_options {
    double resolution;   /* 1 */
    double tolerance;    /* a level that gains less ends it */
    uint32_t iterations; /* passes over the nodes of a level, at most */
    uint32_t levels;     /* at most */
} wg_louvain_options;
/* Communities by their smallest index, and the modularity of the result. Undirected; weights are at least 0: WG_E_VALUE. Nodes of
 * levels below 8,192 nodes move one after the other in the order of indices, those of larger ones by classes (louvain.c). */
wg_code wg_algo_louvain(const wg_algo_run *run, const wg_graph *graph, const wg_louvain_options *options,
                        uint32_t *out_communities, double *out_modularity, wg_error *err);

#endif
