/* The plainest kernels that give the same answers, on one thread: what our times and answers are compared with. */
#include <math.h>
#include <stdlib.h>

#include "gap.h"

/* ---- build: count, place, sort each node's neighbours, leave out what is there twice */

typedef struct neighbour {
    uint32_t node;
    double weight;
} neighbour;

static int compare_neighbours(const void *x, const void *y) {
    const neighbour *a = x;
    const neighbour *b = y;
    if (a->node != b->node) return a->node < b->node ? -1 : 1;
    return (a->weight > b->weight) - (a->weight < b->weight);
}

static uint64_t squeeze(neighbour *all, const uint64_t *offsets, uint32_t v, gap_csr *out, uint64_t to) {
    neighbour *own = all + offsets[v];
    const uint64_t count = offsets[v + 1] - offsets[v];
    qsort(own, (size_t)count, sizeof *own, compare_neighbours);
    for (uint64_t i = 0; i < count; i++) {
        if (own[i].node == v || (i > 0 && own[i].node == own[i - 1].node)) continue;
        out->targets[to] = own[i].node;
        out->weights[to++] = own[i].weight;
    }
    return to;
}

void gap_floor_build(const gap_edges *e, gap_csr *out) {
    gap_csr csr = {.node_count = e->node_count};
    const uint64_t n = e->node_count;
    uint64_t *offsets = gap_alloc((n + 2) * sizeof *offsets);
    neighbour *all = gap_alloc(e->count * 2 * sizeof *all);
    csr.offsets = gap_alloc((n + 1) * sizeof *csr.offsets);
    csr.targets = gap_alloc(e->count * 2 * sizeof *csr.targets);
    csr.weights = gap_alloc(e->count * 2 * sizeof *csr.weights);
    memset(offsets, 0, (n + 2) * sizeof *offsets);
    for (uint64_t i = 0; i < e->count; i++) {
        offsets[e->from[i] + 2]++;
        offsets[e->to[i] + 2]++;
    }
    for (uint64_t v = 0; v <= n; v++) offsets[v + 1] += offsets[v];
    for (uint64_t i = 0; i < e->count; i++) {
        all[offsets[e->from[i] + 1]++] = (neighbour){e->to[i], e->weights[i]};
        all[offsets[e->to[i] + 1]++] = (neighbour){e->from[i], e->weights[i]};
    }
    csr.offsets[0] = 0;
    for (uint32_t v = 0; v < n; v++) csr.offsets[v + 1] = squeeze(all, offsets, v, &csr, csr.offsets[v]);
    wg_free(offsets);
    wg_free(all);
    *out = csr;
}

void gap_csr_free(gap_csr *csr) {
    wg_free(csr->offsets);
    wg_free(csr->targets);
    wg_free(csr->weights);
}

/* ---- kernels */

void gap_floor_bfs(const wg_graph *g, uint32_t source, uint32_t *depths, uint32_t *queue) {
    const wg_graph_side *side = &g->forward;
    uint64_t head = 0;
    uint64_t tail = 0;
    memset(depths, 0xff, (size_t)g->node_count * sizeof *depths);
    depths[source] = 0;
    queue[tail++] = source;
    while (head < tail) {
        const uint32_t u = queue[head++];
        for (uint64_t at = side->offsets[u]; at < side->offsets[u + 1]; at++) {
            const uint32_t v = side->targets[at];
            if (depths[v] != WG_GRAPH_NONE) continue;
            depths[v] = depths[u] + 1;
            queue[tail++] = v;
        }
    }
}

uint32_t gap_floor_pagerank(const wg_graph *g, double tolerance, double *scores, double *sent) {
    const wg_graph_side *side = &g->backward;
    const double base = 0.15 / g->node_count;
    uint32_t iterations = 0;
    for (uint32_t v = 0; v < g->node_count; v++) scores[v] = 1.0 / g->node_count;
    for (double change = INFINITY; change >= tolerance; iterations++) {
        change = 0;
        for (uint32_t v = 0; v < g->node_count; v++) {
            const uint64_t degree = g->forward.offsets[v + 1] - g->forward.offsets[v];
            sent[v] = degree == 0 ? 0 : scores[v] / (double)degree;
        }
        for (uint32_t v = 0; v < g->node_count; v++) {
            double sum = 0;
            for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) sum += sent[side->targets[at]];
            const double score = base + 0.85 * sum;
            change += fabs(score - scores[v]);
            scores[v] = score;
        }
    }
    return iterations;
}

static uint32_t root_of(uint32_t *roots, uint32_t v) {
    while (roots[v] != v) {
        roots[v] = roots[roots[v]];
        v = roots[v];
    }
    return v;
}

void gap_floor_components(const wg_graph *g, uint32_t *roots) {
    const wg_graph_side *side = &g->forward;
    for (uint32_t v = 0; v < g->node_count; v++) roots[v] = v;
    for (uint32_t v = 0; v < g->node_count; v++)
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
            const uint32_t a = root_of(roots, v);
            const uint32_t b = root_of(roots, side->targets[at]);
            if (a < b) roots[b] = a;
            else roots[a] = b;
        }
    for (uint32_t v = 0; v < g->node_count; v++) roots[v] = root_of(roots, v);
}

typedef struct heap_entry {
    double distance;
    uint32_t node;
} heap_entry;

static void heap_push(heap_entry *heap, uint64_t *count, heap_entry e) {
    uint64_t i = (*count)++;
    for (; i > 0 && heap[(i - 1) / 2].distance > e.distance; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = e;
}

static heap_entry heap_pop(heap_entry *heap, uint64_t *count) {
    const heap_entry top = heap[0];
    const heap_entry last = heap[--*count];
    uint64_t i = 0;
    for (uint64_t child; (child = 2 * i + 1) < *count; i = child) {
        if (child + 1 < *count && heap[child + 1].distance < heap[child].distance) child++;
        if (heap[child].distance >= last.distance) break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

void gap_floor_sssp(const wg_graph *g, uint32_t source, double *distances, void *memory) {
    const wg_graph_side *side = &g->forward;
    heap_entry *heap = memory;
    uint64_t count = 0;
    for (uint32_t v = 0; v < g->node_count; v++) distances[v] = INFINITY;
    distances[source] = 0;
    heap_push(heap, &count, (heap_entry){0, source});
    while (count > 0) {
        const heap_entry e = heap_pop(heap, &count);
        if (e.distance > distances[e.node]) continue;
        for (uint64_t at = side->offsets[e.node]; at < side->offsets[e.node + 1]; at++) {
            const uint32_t v = side->targets[at];
            const double d = e.distance + side->weights[at];
            if (d >= distances[v]) continue;
            distances[v] = d;
            heap_push(heap, &count, (heap_entry){d, v});
        }
    }
}

static bool comes_before(const wg_graph *g, uint32_t a, uint32_t b) {
    const uint64_t x = g->forward.offsets[a + 1] - g->forward.offsets[a];
    const uint64_t y = g->forward.offsets[b + 1] - g->forward.offsets[b];
    return x > y || (x == y && a < b);
}

/* Each edge is kept at its end of lower degree; kept lists are merged. */
uint64_t gap_floor_triangles(const wg_graph *g) {
    const wg_graph_side *side = &g->forward;
    uint64_t *offsets = gap_alloc(((uint64_t)g->node_count + 1) * sizeof *offsets);
    uint32_t *kept = gap_alloc(side->entry_count * sizeof *kept);
    uint64_t total = 0;
    uint64_t to = 0;
    for (uint32_t v = 0; v < g->node_count; v++) {
        offsets[v] = to;
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++)
            if (comes_before(g, side->targets[at], v)) kept[to++] = side->targets[at];
    }
    offsets[g->node_count] = to;
    for (uint32_t u = 0; u < g->node_count; u++)
        for (uint64_t at = offsets[u]; at < offsets[u + 1]; at++) {
            const uint32_t v = kept[at];
            uint64_t a = offsets[u];
            uint64_t b = offsets[v];
            while (a < offsets[u + 1] && b < offsets[v + 1]) {
                total += kept[a] == kept[b];
                const bool step_a = kept[a] <= kept[b];
                const bool step_b = kept[b] <= kept[a];
                a += step_a;
                b += step_b;
            }
        }
    wg_free(offsets);
    wg_free(kept);
    return total;
}
