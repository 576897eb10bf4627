/* Core numbers by peeling level after level (Dasari, Desh, Zubair: ParK, 2014).
 *
 * Nodes whose degree is the least left, k, are taken away; a neighbour whose degree falls to k is taken away with them. A degree never
 * falls below k while k is peeled, so what is left of it at the end is the core number. Which neighbour lowers a degree first does not
 * matter; who lowers it to k lists the node, and that is one alone. */
#include "algorithms/algorithms_internal.h"

enum { SCAN = 8192, PEEL = 64 };

typedef struct peeling {
    const wg_algo_run *run;
    const wg_graph *graph;
    _Atomic uint32_t *degrees;
    uint32_t k;
    const uint32_t *nodes; /* that are looked at */
    wgi_list *peeled;      /* by worker */
    wgi_list *left;
    _Atomic uint32_t least;
} peeling;

static uint32_t degree_load(const peeling *p, uint32_t v) {
    return atomic_load_explicit(&p->degrees[v], memory_order_relaxed);
}

static wg_code begin(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const peeling *p = arg;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++)
        atomic_store_explicit(&p->degrees[v], (uint32_t)wgi_degree(&p->graph->forward, v), memory_order_relaxed);
    return WG_OK;
}

static wg_code find_least(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    peeling *p = arg;
    uint32_t least = UINT32_MAX;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t degree = degree_load(p, p->nodes[i]);
        if (degree >= p->k && degree < least) least = degree;
    }
    uint32_t old = atomic_load_explicit(&p->least, memory_order_relaxed);
    while (least < old && !atomic_compare_exchange_weak_explicit(&p->least, &old, least, memory_order_relaxed,
                                                                 memory_order_relaxed)) {}
    return WG_OK;
}

/* Sorts the nodes into those of degree k and those above; what is below was taken away. */
static wg_code split(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    peeling *p = arg;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t degree = degree_load(p, p->nodes[i]);
        if (degree < p->k) continue;
        wgi_list *list = degree == p->k ? &p->peeled[worker] : &p->left[worker];
        if (!wgi_list_push(list, p->nodes[i], p->run->account)) return wgi_no_memory(p->run, list->count * 8, err);
    }
    return WG_OK;
}

static wg_code peel(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    peeling *p = arg;
    const wg_graph_side *side = &p->graph->forward;
    wgi_list *list = &p->peeled[worker];
    for (uint64_t i = first; i < last; i++) {
        const uint32_t v = p->nodes[i];
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
            const uint32_t u = side->targets[at];
            uint32_t degree = degree_load(p, u);
            while (degree > p->k &&
                   !atomic_compare_exchange_weak_explicit(&p->degrees[u], &degree, degree - 1, memory_order_relaxed,
                                                          memory_order_relaxed)) {}
            if (degree != p->k + 1) continue;
            if (!wgi_list_push(list, u, p->run->account)) return wgi_no_memory(p->run, list->count * 8, err);
        }
    }
    return WG_OK;
}

/* Peels all of level k; `round` has room for all nodes. */
static wg_code peel_level(peeling *p, uint32_t workers, uint32_t *round, wg_error *err) {
    uint64_t count = wgi_lists_take(p->peeled, workers, round);
    while (count > 0) {
        p->nodes = round;
        WG_TRY(wgi_for(p->run, count, PEEL, peel, p, err));
        count = wgi_lists_take(p->peeled, workers, round);
    }
    return WG_OK;
}

static wg_code levels(peeling *p, uint32_t workers, uint32_t *left, uint32_t *round, wg_error *err) {
    uint64_t count = p->graph->node_count;
    for (uint64_t v = 0; v < count; v++) left[v] = (uint32_t)v;
    WG_TRY(wgi_for(p->run, count, SCAN, begin, p, err));
    while (count > 0) {
        p->nodes = left;
        atomic_store_explicit(&p->least, UINT32_MAX, memory_order_relaxed);
        WG_TRY(wgi_for(p->run, count, SCAN, find_least, p, err));
        const uint32_t least = atomic_load_explicit(&p->least, memory_order_relaxed);
        if (least == UINT32_MAX) return WG_OK;
        p->k = least;
        WG_TRY(wgi_for(p->run, count, SCAN, split, p, err));
        count = wgi_lists_take(p->left, workers, left);
        WG_TRY(peel_level(p, workers, round, err));
        p->k++; /* what has degree k now was peeled with the others */
    }
    return WG_OK;
}

wg_code wg_algo_core_numbers(const wg_algo_run *run, const wg_graph *graph, uint32_t *out_cores, wg_error *err) {
    const uint32_t workers = wgi_workers(run);
    peeling p = {.run = run, .graph = graph, .degrees = (_Atomic uint32_t *)out_cores};
    void *nodes = NULL;
    void *lists = NULL;
    WG_TRY(wgi_need_undirected(graph, "the core number", err));
    wg_code code = wgi_array(run, (uint64_t)graph->node_count * 2, sizeof(uint32_t), &nodes, err);
    if (code == WG_OK) code = wgi_array_zero(run, (uint64_t)workers * 2, sizeof(wgi_list), &lists, err);
    p.peeled = lists;
    p.left = p.peeled == NULL ? NULL : p.peeled + workers;
    if (code == WG_OK) code = levels(&p, workers, nodes, (uint32_t *)nodes + graph->node_count, err);
    wgi_lists_free(lists, workers * 2);
    wg_free(nodes);
    return code;
}
