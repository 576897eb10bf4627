/* Shortest paths by weight: delta stepping (Meyer and Sanders 2003), with bucket fusion (Zhang and others 2020): a worker goes on with what it
 * put into the current bucket itself while that is little, instead of waiting for the others.
 *
 * A distance is the least over all paths of the weights added from the source on, each sum rounded. Adding a weight that is not negative
 * keeps order, so that least fixed point does not depend on the order in which edges are relaxed: every number of workers and every
 * delta gives the same bits. Distances that are not negative order as their bits do, so a relaxation is an atomic minimum of integers.
 *
 * Hubs, nodes with many edges, are put aside and taken behind the others of their step, in pieces of edges that all workers share: in graphs with
 * few steps one hub holds more work than all else of its bucket.
 *
 * A distance that is written lies at most the largest weight above the current bucket: buckets are a ring of that many. */
#include <math.h>

#include "algorithms/algorithms_internal.h"

enum { PIECE = 64, FUSED_MAX = 1024, FUSED_NODES = 4096, RING_MAX = 1024, FUSED_CHECK = 256 };
enum { HUB_EDGES = 2048, HUB_PIECE = 2048, AHEAD = 16 };

typedef struct stepping {
    const wg_algo_run *run;
    const wg_graph *graph;
    _Atomic uint64_t *distances; /* bits of doubles */
    double delta;
    uint64_t current; /* bucket number */
    uint32_t ring;
    uint32_t workers;
    wgi_list *buckets; /* [worker][ring] */
    wgi_list *hubs;    /* [worker] */
    wgi_list order;    /* hubs of a step, and where the edges of each begin among those of all */
    uint64_t *begins;
    uint64_t begin_capacity;
    uint32_t *frontier;
    uint64_t frontier_count;
    uint64_t frontier_capacity;
} stepping;

static uint64_t bits_of(double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static double distance_of(const stepping *s, uint32_t v) {
    return double_of(atomic_load_explicit(&s->distances[v], memory_order_relaxed));
}

/* Monotone in the distance; what lies behind 2^53 buckets is taken with the last. */
static uint64_t bucket_of(const stepping *s, double distance) {
    const double bucket = distance / s->delta;
    return bucket < 9e15 ? (uint64_t)bucket : (uint64_t)9e15;
}

static wgi_list *bucket_at(const stepping *s, uint32_t worker, uint64_t bucket) {
    return &s->buckets[(uint64_t)worker * s->ring + bucket % s->ring];
}

typedef struct edge_span {
    uint64_t first;
    uint64_t last;
} edge_span;

static wg_code relax_span(const stepping *s, uint32_t worker, uint32_t u, edge_span span, wg_error *err) {
    const wg_graph_side *side = &s->graph->forward;
    const double from = distance_of(s, u);
    for (uint64_t at = span.first; at < span.last; at++) {
        const uint32_t v = side->targets[at];
        const double to = from + (side->weights == NULL ? 1.0 : side->weights[at]);
        const uint64_t bits = bits_of(to);
        uint64_t old = atomic_load_explicit(&s->distances[v], memory_order_relaxed);
        bool less = false;
        while (bits < old && !less)
            less = atomic_compare_exchange_weak_explicit(&s->distances[v], &old, bits, memory_order_relaxed,
                                                         memory_order_relaxed);
        if (!less) continue;
        wgi_list *list = bucket_at(s, worker, wg_max_u64(bucket_of(s, to), s->current));
        if (!wgi_list_push(list, v, s->run->account)) return wgi_no_memory(s->run, list->count * 8, err);
    }
    return WG_OK;
}

/* Nodes that were moved to an earlier bucket meanwhile were relaxed there. */
static bool is_current(const stepping *s, uint32_t u) { return bucket_of(s, distance_of(s, u)) >= s->current; }

static wg_code relax_node(const stepping *s, uint32_t worker, uint32_t u, wg_error *err) {
    const uint32_t *offsets = s->graph->forward.offsets;
    const edge_span span = {offsets[u], offsets[u + 1]};
    if (!is_current(s, u)) return WG_OK;
    if (span.last - span.first < HUB_EDGES) return relax_span(s, worker, u, span, err);
    wgi_list *hubs = &s->hubs[worker];
    return wgi_list_push(hubs, u, s->run->account) ? WG_OK : wgi_no_memory(s->run, hubs->count * 8, err);
}

static wg_code step(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    stepping *s = arg;
    for (uint64_t i = first; i < last; i++) {
        if (i + AHEAD < last) __builtin_prefetch(&s->graph->forward.offsets[s->frontier[i + AHEAD]]);
        WG_TRY(relax_node(s, worker, s->frontier[i], err));
    }
    wgi_list *own = bucket_at(s, worker, s->current);
    for (uint32_t done = 0; own->count > 0 && own->count < FUSED_MAX && done < FUSED_NODES; done++) {
        const uint32_t u = own->nodes[--own->count];
        if (done % FUSED_CHECK == FUSED_CHECK - 1) WG_TRY(wgi_check_run(s->run, err));
        WG_TRY(relax_node(s, worker, u, err));
    }
    return WG_OK;
}

/* ---- hubs */

/* The hub that edge `at` of all hubs belongs to. */
static uint64_t hub_of(const stepping *s, uint64_t at) {
    uint64_t low = 0;
    uint64_t high = s->order.count - 1;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (s->begins[middle + 1] <= at) low = middle + 1;
        else high = middle;
    }
    return low;
}

static wg_code relax_hubs(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const stepping *s = arg;
    uint64_t hub = hub_of(s, first);
    for (; hub < s->order.count && s->begins[hub] < last; hub++) {
        const uint32_t u = s->order.nodes[hub];
        const uint64_t from = s->graph->forward.offsets[u] - s->begins[hub]; /* modulo 2^64 */
        const edge_span span = {from + wg_max_u64(first, s->begins[hub]),
                                from + wg_min_u64(last, s->begins[hub + 1])};
        if (is_current(s, u)) WG_TRY(relax_span(s, worker, u, span, err));
    }
    return WG_OK;
}

/* The hubs of all workers, which are none's then. */
static wg_code take_hubs(stepping *s, wg_error *err) {
    s->order.count = 0;
    for (uint32_t w = 0; w < s->workers; w++) {
        for (uint64_t i = 0; i < s->hubs[w].count; i++)
            if (!wgi_list_push(&s->order, s->hubs[w].nodes[i], s->run->account))
                return wgi_no_memory(s->run, s->order.count * 8, err);
        s->hubs[w].count = 0;
    }
    if (s->order.count < s->begin_capacity) return WG_OK;
    uint64_t *grown = wg_realloc(s->run->account, s->begins, (size_t)((s->order.count + 1) * 2 * sizeof *grown));
    if (grown == NULL) return wgi_no_memory(s->run, s->order.count * 16, err);
    s->begins = grown;
    s->begin_capacity = (s->order.count + 1) * 2;
    return WG_OK;
}

static wg_code step_hubs(stepping *s, wg_error *err) {
    WG_TRY(take_hubs(s, err));
    if (s->order.count == 0) return WG_OK;
    s->begins[0] = 0;
    for (uint64_t i = 0; i < s->order.count; i++)
        s->begins[i + 1] = s->begins[i] + wgi_degree(&s->graph->forward, s->order.nodes[i]);
    return wgi_for(s->run, s->begins[s->order.count], HUB_PIECE, relax_hubs, s, err);
}

/* ---- steps */

/* The next bucket with nodes becomes the frontier; false: none. */
static wg_code next_frontier(stepping *s, bool *out_any, wg_error *err) {
    *out_any = false;
    for (uint32_t ahead = 0; ahead < s->ring; ahead++) {
        uint64_t count = 0;
        for (uint32_t w = 0; w < s->workers; w++) count += bucket_at(s, w, s->current + ahead)->count;
        if (count == 0) continue;
        s->current += ahead;
        if (count > s->frontier_capacity) {
            uint32_t *grown = wg_realloc(s->run->account, s->frontier, (size_t)(count * 2 * sizeof *grown));
            if (grown == NULL) return wgi_no_memory(s->run, count * 8, err);
            s->frontier = grown;
            s->frontier_capacity = count * 2;
        }
        s->frontier_count = 0;
        for (uint32_t w = 0; w < s->workers; w++)
            s->frontier_count += wgi_lists_take(bucket_at(s, w, s->current), 1, s->frontier + s->frontier_count);
        *out_any = true;
        return WG_OK;
    }
    return WG_OK;
}

static wg_code run_steps(stepping *s, uint32_t source, wg_error *err) {
    bool any = true;
    atomic_store_explicit(&s->distances[source], bits_of(0), memory_order_relaxed);
    if (!wgi_list_push(bucket_at(s, 0, 0), source, s->run->account)) return wgi_no_memory(s->run, 8, err);
    WG_TRY(next_frontier(s, &any, err));
    while (any) {
        WG_TRY(wgi_for(s->run, s->frontier_count, PIECE, step, s, err));
        WG_TRY(step_hubs(s, err));
        WG_TRY(next_frontier(s, &any, err));
    }
    return WG_OK;
}

/* Narrow steps do little work again, wide ones leave more to do at once: a quarter of how long an edge is on average among those that a
 * node offers was best on the graphs of bench/gap. */
static double choose_delta(const wg_graph *graph) {
    const double longest = graph->forward.weights == NULL ? 1 : graph->weight_max;
    const double degree = (double)graph->forward.entry_count / (double)graph->node_count;
    const double delta = longest / (degree > 1 ? degree : 1) / 4;
    if (graph->forward.weights == NULL) return 1;
    return delta > 0 ? delta : 1;
}

wg_code wg_algo_sssp(const wg_algo_run *run, const wg_graph *graph, uint32_t source, double delta,
                     double *out_distances, wg_error *err) {
    WG_ASSERT(source < graph->node_count);
    const bool weighted = graph->forward.weights != NULL && graph->forward.entry_count != 0;
    const double longest = weighted ? graph->weight_max : 1;
    if (weighted && (!(graph->weight_min >= 0) || !(longest < (double)INFINITY)))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                            "shortest paths need weights from 0 up that are finite: there are some from %g to %g",
                            graph->weight_min, longest);
    stepping s = {.run = run, .graph = graph, .workers = wgi_workers(run)};
    s.distances = (_Atomic uint64_t *)(void *)out_distances;
    s.delta = delta > 0 ? delta : choose_delta(graph);
    if (longest / s.delta > RING_MAX - 3) s.delta = longest / (RING_MAX - 3);
    s.ring = (uint32_t)(longest / s.delta) + 3;
    for (uint32_t v = 0; v < graph->node_count; v++) out_distances[v] = (double)INFINITY;
    void *lists = NULL;
    WG_TRY(wgi_array_zero(run, (uint64_t)s.workers * (s.ring + 1), sizeof(wgi_list), &lists, err));
    s.buckets = lists;
    s.hubs = s.buckets + (uint64_t)s.workers * s.ring;
    const wg_code code = run_steps(&s, source, err);
    wgi_lists_free(s.buckets, s.workers * (s.ring + 1));
    wg_free(s.order.nodes);
    wg_free(s.begins);
    wg_free(s.frontier);
    return code;
}
