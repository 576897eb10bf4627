/* Synchronous label propagation: community detection as LDBC Graphalytics defines it (CDLP). In each round every node looks at the labels
 * that its neighbours had in the round before and takes the most frequent one, of several the smallest; a node without neighbours keeps
 * its own. Two arrays of labels take turns, so the order of nodes does not matter. Frequencies are counted in a table of each worker. */
#include "algorithms/algorithms_internal.h"

enum { GRAIN = 1024, SLOTS_MIN = 16 };

typedef struct label_count {
    uint32_t label;
    uint32_t count; /* 0: empty */
} label_count;

typedef struct propagation {
    const wg_graph *graph;
    const uint32_t *before;
    uint32_t *after;
    label_count *tables; /* [worker][slots] */
    uint64_t slots;
    uint64_t *moved; /* [worker * 8] */
} propagation;

typedef struct tally {
    label_count *table;
    uint64_t mask;
    uint32_t best;
    uint32_t best_count;
} tally;

static void count_side(tally *t, const wg_graph_side *side, const uint32_t *labels, uint64_t v) {
    for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
        const uint32_t label = labels[side->targets[at]];
        uint64_t slot = (label * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & t->mask;
        while (t->table[slot].count != 0 && t->table[slot].label != label) slot = (slot + 1) & t->mask;
        t->table[slot].label = label;
        const uint32_t count = ++t->table[slot].count;
        if (count > t->best_count || (count == t->best_count && label < t->best)) {
            t->best = label;
            t->best_count = count;
        }
    }
}

static wg_code propagate(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const propagation *p = arg;
    const bool both = !p->graph->undirected;
    uint64_t moved = 0;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        uint64_t degree = wgi_degree(&p->graph->forward, v);
        if (both) degree += wgi_degree(&p->graph->backward, v);
        uint64_t slots = SLOTS_MIN;
        while (slots < degree * 2) slots *= 2;
        tally t = {.table = p->tables + worker * p->slots, .mask = slots - 1, .best = p->before[v]};
        memset(t.table, 0, slots * sizeof *t.table);
        count_side(&t, &p->graph->forward, p->before, v);
        if (both) count_side(&t, &p->graph->backward, p->before, v);
        p->after[v] = t.best;
        moved += t.best != p->before[v];
    }
    p->moved[(uint64_t)worker * 8] += moved;
    return WG_OK;
}

static uint64_t slots_for(const wg_graph *graph) {
    uint64_t most = 0;
    for (uint64_t v = 0; v < graph->node_count; v++)
        most = wg_max_u64(most, wgi_degree(&graph->forward, v) + wgi_degree(&graph->backward, v));
    uint64_t slots = SLOTS_MIN;
    while (slots < most * 2) slots *= 2;
    return slots;
}

static wg_code rounds(const wg_algo_run *run, propagation *p, uint32_t iterations, uint32_t *labels, uint32_t *other,
                      wg_error *err) {
    const uint64_t n = p->graph->node_count;
    for (uint32_t i = 0; i < iterations; i++) {
        uint64_t moved = 0;
        p->before = i % 2 == 0 ? labels : other;
        p->after = i % 2 == 0 ? other : labels;
        WG_TRY(wgi_for(run, n, GRAIN, propagate, p, err));
        for (uint32_t w = 0; w < wgi_workers(run); w++) {
            moved += p->moved[(uint64_t)w * 8];
            p->moved[(uint64_t)w * 8] = 0;
        }
        if (moved == 0) break; /* so it stays */
    }
    if (p->after == other) memcpy(labels, other, n * sizeof *labels);
    return WG_OK;
}

wg_code wg_algo_label_propagation(const wg_algo_run *run, const wg_graph *graph, uint32_t iterations,
                                  uint32_t *out_labels, wg_error *err) {
    const uint32_t workers = wgi_workers(run);
    propagation p = {.graph = graph, .slots = slots_for(graph)};
    void *other = NULL;
    void *tables = NULL;
    void *moved = NULL;
    for (uint32_t v = 0; v < graph->node_count; v++) out_labels[v] = v;
    wg_code code = wgi_array(run, graph->node_count, sizeof(uint32_t), &other, err);
    if (code == WG_OK) code = wgi_array(run, p.slots * workers, sizeof(label_count), &tables, err);
    if (code == WG_OK) code = wgi_array_zero(run, (uint64_t)workers * 8, sizeof(uint64_t), &moved, err);
    p.tables = tables;
    p.moved = moved;
    if (code == WG_OK) code = rounds(run, &p, iterations, out_labels, other, err);
    wg_free(other);
    wg_free(tables);
    wg_free(moved);
    return code;
}
