/* bench/gap: what its parts share: the generated edges, and plain kernels. */
#ifndef WG_BENCH_GAP_H
#define WG_BENCH_GAP_H

#include "algorithms/algorithms.h"

typedef struct gap_edges {
    uint32_t node_count;
    uint64_t count;
    uint32_t *from;
    uint32_t *to;
    double *weights; /* integers 1..255 */
} gap_edges;

/* gap_generate.c: graphs as the GAP Benchmark Suite specifies them, with 16 edges a node. Exits when memory runs out. */
void gap_generate(bool kron, uint32_t scale, uint64_t seed, gap_edges *out);
void gap_edges_free(gap_edges *edges);

/* gap_floor.c: the plainest loops that give the same answer, on one thread. Undirected simple graphs. */
typedef struct gap_csr {
    uint32_t node_count;
    uint64_t *offsets;
    uint32_t *targets;
    double *weights;
} gap_csr;
void gap_floor_build(const gap_edges *edges,
                     gap_csr *out); /* ascending neighbours, no loops, no edge twice, least weight */
void gap_csr_free(gap_csr *csr);
void gap_floor_bfs(const wg_graph *g, uint32_t source, uint32_t *depths, uint32_t *queue);
uint32_t gap_floor_pagerank(const wg_graph *g, double tolerance, double *scores, double *sent);
void gap_floor_components(const wg_graph *g, uint32_t *roots);
/* Dijkstra with a binary heap of (distance, node); `heap` has room for twice the entries + 1. */
void gap_floor_sssp(const wg_graph *g, uint32_t source, double *distances, void *heap);
uint64_t gap_floor_triangles(const wg_graph *g);
void *gap_alloc(uint64_t bytes); /* exits when there is no memory */

#endif
