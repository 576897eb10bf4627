/* Weakly connected components by Afforest (Sutton, Ben-Nun, Barak: Optimizing parallel graph connectivity computation via subgraph
 * sampling, IPDPS 2018).
 *
 * Every node points to one of its component with no larger index; linking an edge hangs the larger root under the smaller one, so the
 * root of a component that is done is its smallest node, in whatever order edges were linked. The first two neighbours of each node are
 * linked first; that makes one giant component in most graphs. Its nodes are then passed over: an edge that leaves it is linked from its
 * other end. Which component is the giant is guessed by a sample; a wrong guess costs time alone. */
#include "algorithms/algorithms_internal.h"

enum { ROUNDS = 2, SAMPLES = 1024 };

typedef struct linking {
    const wg_graph *graph;
    _Atomic uint32_t *roots;
    uint32_t round;
    uint32_t giant;
} linking;

static uint32_t root_load(const linking *l, uint32_t v) {
    return atomic_load_explicit(&l->roots[v], memory_order_relaxed);
}

static void link_nodes(const linking *l, uint32_t u, uint32_t v) {
    uint32_t a = root_load(l, u);
    uint32_t b = root_load(l, v);
    while (a != b) {
        const uint32_t high = a > b ? a : b;
        const uint32_t low = a > b ? b : a;
        uint32_t above = root_load(l, high);
        if (above == low) return;
        if (above == high && atomic_compare_exchange_strong_explicit(&l->roots[high], &above, low,
                                                                     memory_order_relaxed, memory_order_relaxed))
            return;
        a = root_load(l, root_load(l, high));
        b = root_load(l, low);
    }
}

static wg_code begin(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const linking *l = arg;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) atomic_store_explicit(&l->roots[v], (uint32_t)v, memory_order_relaxed);
    return WG_OK;
}

static wg_code link_round(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const linking *l = arg;
    const wg_graph_side *side = &l->graph->forward;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        const uint64_t at = (uint64_t)side->offsets[v] + l->round;
        if (at < side->offsets[v + 1]) link_nodes(l, (uint32_t)v, side->targets[at]);
    }
    return WG_OK;
}

static wg_code compress(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const linking *l = arg;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        uint32_t above = root_load(l, (uint32_t)v);
        for (uint32_t next; (next = root_load(l, above)) != above;) above = next;
        atomic_store_explicit(&l->roots[v], above, memory_order_relaxed);
    }
    return WG_OK;
}

static wg_code link_rest(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const linking *l = arg;
    const wg_graph_side *forward = &l->graph->forward;
    const wg_graph_side *backward = &l->graph->backward;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        if (root_load(l, (uint32_t)v) == l->giant) continue;
        for (uint64_t at = (uint64_t)forward->offsets[v] + ROUNDS; at < forward->offsets[v + 1]; at++)
            link_nodes(l, (uint32_t)v, forward->targets[at]);
        if (l->graph->undirected) continue;
        for (uint64_t at = backward->offsets[v]; at < backward->offsets[v + 1]; at++)
            link_nodes(l, (uint32_t)v, backward->targets[at]);
    }
    return WG_OK;
}

/* The most frequent root of a sample. */
static uint32_t guess_giant(const linking *l) {
    uint32_t seen[SAMPLES];
    uint32_t counts[SAMPLES] = {0};
    uint32_t best = 0;
    wg_rng rng;
    wg_rng_init(&rng, 1);
    memset(seen, 0xff, sizeof seen);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint32_t root = root_load(l, (uint32_t)wg_rng_below(&rng, l->graph->node_count));
        uint32_t slot = (root * UINT32_C(2654435761)) % SAMPLES;
        while (seen[slot] != root && seen[slot] != WG_GRAPH_NONE) slot = (slot + 1) % SAMPLES;
        seen[slot] = root;
        if (++counts[slot] > counts[best]) best = slot;
    }
    return seen[best];
}

wg_code wg_algo_components(const wg_algo_run *run, const wg_graph *graph, uint32_t *out_components, wg_error *err) {
    enum { GRAIN = 4096, LIGHT = 1 << 14 };
    linking l = {.graph = graph, .roots = (_Atomic uint32_t *)out_components};
    const uint64_t n = graph->node_count;
    if (n == 0) return WG_OK;
    WG_TRY(wgi_for(run, n, LIGHT, begin, &l, err));
    for (l.round = 0; l.round < ROUNDS; l.round++) {
        WG_TRY(wgi_for(run, n, GRAIN, link_round, &l, err));
        WG_TRY(wgi_for(run, n, LIGHT, compress, &l, err));
    }
    l.giant = guess_giant(&l);
    WG_TRY(wgi_for(run, n, GRAIN, link_rest, &l, err));
    return wgi_for(run, n, LIGHT, compress, &l, err);
}
