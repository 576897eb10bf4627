/* Kronecker and uniform graphs with the parameters of the GAP Benchmark Suite (Beamer, Asanovic, Patterson 2015), which are those of Graph500
 * for the former: A = 0.57, B = C = 0.19, 16 edges a node, nodes renumbered at random; the latter has both ends at random. Weights
 * are integers from 1 to 255. Random numbers are our own, so graphs are like the suite's and not equal to them. */
#include <stdio.h>
#include <stdlib.h>

#include "gap.h"

enum { DEGREE = 16 };

void *gap_alloc(uint64_t bytes) {
    void *p = wg_alloc(NULL, (size_t)bytes + 64);
    if (p != NULL) return p;
    fprintf(stderr, "gap: no memory for %llu bytes\n", (unsigned long long)bytes);
    exit(1);
}

static void kron_edge(wg_rng *rng, uint32_t scale, uint32_t *from, uint32_t *to) {
    *from = 0;
    *to = 0;
    for (uint32_t bit = 0; bit < scale; bit++) {
        const uint64_t r = wg_rng_next(rng) >> 32;
        const double point = (double)r / 4294967296.0;
        *from = *from << 1 | (point >= 0.57 + 0.19);
        *to = *to << 1 | ((point >= 0.57 && point < 0.57 + 0.19) || point >= 0.57 + 0.19 + 0.19);
    }
}

static void permute(wg_rng *rng, gap_edges *e) {
    uint32_t *names = gap_alloc((uint64_t)e->node_count * sizeof *names);
    for (uint32_t v = 0; v < e->node_count; v++) names[v] = v;
    for (uint32_t v = e->node_count - 1; v > 0; v--) {
        const uint32_t other = (uint32_t)wg_rng_below(rng, (uint64_t)v + 1);
        const uint32_t t = names[v];
        names[v] = names[other];
        names[other] = t;
    }
    for (uint64_t i = 0; i < e->count; i++) {
        e->from[i] = names[e->from[i]];
        e->to[i] = names[e->to[i]];
    }
    wg_free(names);
}

void gap_generate(bool kron, uint32_t scale, uint64_t seed, gap_edges *out) {
    wg_rng rng;
    gap_edges e = {.node_count = UINT32_C(1) << scale, .count = (uint64_t)DEGREE << scale};
    e.from = gap_alloc(e.count * sizeof *e.from);
    e.to = gap_alloc(e.count * sizeof *e.to);
    e.weights = gap_alloc(e.count * sizeof *e.weights);
    wg_rng_init(&rng, seed);
    for (uint64_t i = 0; i < e.count; i++) {
        if (kron) {
            kron_edge(&rng, scale, &e.from[i], &e.to[i]);
        } else {
            e.from[i] = (uint32_t)wg_rng_below(&rng, e.node_count);
            e.to[i] = (uint32_t)wg_rng_below(&rng, e.node_count);
        }
        e.weights[i] = (double)(1 + wg_rng_below(&rng, 255));
    }
    if (kron) permute(&rng, &e);
    *out = e;
}

void gap_edges_free(gap_edges *edges) {
    wg_free(edges->from);
    wg_free(edges->to);
    wg_free(edges->weights);
}
