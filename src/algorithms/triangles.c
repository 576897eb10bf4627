/* Triangles of an undirected graph: every triangle once, at its node of least rank.
 *
 * Nodes are ranked by degree, the largest first, equal ones by index; an edge is kept at its end that comes later. So hubs have short
 * lists, and no list is longer than the square root of twice the number of edges. For each node the kept neighbours are marked in a bitmap;
 * the kept neighbours of these are looked up there. Among the first ranks, where lists are dense, rows are kept as bitmaps too, and
 * two of them are intersected 64 nodes at a time. */
#include "algorithms/algorithms_internal.h"

enum { HUBS = 4096, HUB_WORDS = HUBS / 64, GRAIN = 128, WORDS_A_PROBE = 1 };

typedef struct counting {
    const wg_algo_run *run;
    const wg_graph *graph;
    uint32_t *ranks;    /* by node */
    uint32_t *nodes;    /* by rank */
    uint64_t *offsets;  /* by rank */
    uint32_t *targets;  /* ranks, all less than the own one, ascending */
    uint64_t *hub_rows; /* [rank < HUBS][HUB_WORDS] */
    uint64_t *marks;    /* [worker][mark_words] */
    uint64_t mark_words;
    uint64_t *totals; /* [worker * 8] */
    _Atomic uint64_t *local;
} counting;

/* ---- ranks and kept neighbours */

static void rank_nodes(counting *c, uint64_t *by_degree, uint64_t degree_max) {
    const uint64_t n = c->graph->node_count;
    const wg_graph_side *side = &c->graph->forward;
    for (uint64_t v = 0; v < n; v++) by_degree[degree_max - wgi_degree(side, v)]++;
    uint64_t total = 0;
    for (uint64_t d = 0; d <= degree_max; d++) {
        const uint64_t count = by_degree[d];
        by_degree[d] = total;
        total += count;
    }
    for (uint64_t v = 0; v < n; v++) {
        const uint32_t rank = (uint32_t)by_degree[degree_max - wgi_degree(side, v)]++;
        c->ranks[v] = rank;
        c->nodes[rank] = (uint32_t)v;
    }
}

static wg_code count_kept(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const counting *c = arg;
    const wg_graph_side *side = &c->graph->forward;
    (void)worker;
    (void)err;
    for (uint64_t rank = first; rank < last; rank++) {
        const uint32_t v = c->nodes[rank];
        uint64_t kept = 0;
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++)
            kept += c->ranks[side->targets[at]] < rank;
        c->offsets[rank + 1] = kept;
    }
    return WG_OK;
}

/* Shell sort: short lists, no memory. */
static void sort_ranks(uint32_t *a, uint64_t count) {
    static const uint64_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (uint64_t i = gaps[g]; i < count; i++) {
            const uint32_t x = a[i];
            uint64_t j = i;
            for (; j >= gaps[g] && a[j - gaps[g]] > x; j -= gaps[g]) a[j] = a[j - gaps[g]];
            a[j] = x;
        }
}

static wg_code write_kept(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const counting *c = arg;
    const wg_graph_side *side = &c->graph->forward;
    (void)worker;
    (void)err;
    for (uint64_t rank = first; rank < last; rank++) {
        const uint32_t v = c->nodes[rank];
        uint64_t to = c->offsets[rank];
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
            const uint32_t other = c->ranks[side->targets[at]];
            if (other < rank) c->targets[to++] = other;
        }
        sort_ranks(c->targets + c->offsets[rank], to - c->offsets[rank]);
        if (rank >= HUBS) continue;
        uint64_t *row = c->hub_rows + rank * HUB_WORDS;
        for (uint64_t at = c->offsets[rank]; at < to; at++)
            row[c->targets[at] / 64] |= UINT64_C(1) << (c->targets[at] % 64);
    }
    return WG_OK;
}

/* ---- counting */

static uint32_t ones(uint64_t x) {
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    return (uint32_t)((((x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101)) >> 56);
}

static uint64_t intersect_rows(const uint64_t *a, const uint64_t *b, uint64_t words) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < words; i++) count += ones(a[i] & b[i]);
    return count;
}

static void found(const counting *c, uint64_t rank) {
    atomic_fetch_add_explicit(&c->local[c->nodes[rank]], 1, memory_order_relaxed);
}

/* Of the kept neighbours of `v`, those that are marked; each is told when counts by node are wanted. */
static uint64_t probe(const counting *c, const uint64_t *marks, uint64_t v) {
    uint64_t count = 0;
    for (uint64_t at = c->offsets[v]; at < c->offsets[v + 1]; at++) {
        const uint32_t w = c->targets[at];
        const uint64_t is_marked = marks[w / 64] >> (w % 64) & 1;
        count += is_marked;
        if (is_marked != 0 && c->local != NULL) found(c, w);
    }
    return count;
}

static uint64_t count_at(const counting *c, const uint64_t *marks, uint64_t u) {
    uint64_t total = 0;
    for (uint64_t at = c->offsets[u]; at < c->offsets[u + 1]; at++) {
        const uint64_t v = c->targets[at];
        const uint64_t words = v / 64 + 1;
        const uint64_t kept = c->offsets[v + 1] - c->offsets[v];
        uint64_t count;
        if (v < HUBS && c->local == NULL && kept > words)
            count = intersect_rows(marks, c->hub_rows + v * HUB_WORDS, words);
        else count = probe(c, marks, v);
        total += count;
        if (c->local != NULL && count != 0)
            atomic_fetch_add_explicit(&c->local[c->nodes[v]], count, memory_order_relaxed);
    }
    if (c->local != NULL && total != 0)
        atomic_fetch_add_explicit(&c->local[c->nodes[u]], total, memory_order_relaxed);
    return total;
}

static wg_code count_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const counting *c = arg;
    uint64_t *marks = c->marks + worker * c->mark_words;
    uint64_t total = 0;
    (void)err;
    for (uint64_t u = first; u < last; u++) {
        const uint64_t begin = c->offsets[u];
        const uint64_t end = c->offsets[u + 1];
        if (end - begin < 2) continue;
        for (uint64_t at = begin; at < end; at++) marks[c->targets[at] / 64] |= UINT64_C(1) << (c->targets[at] % 64);
        total += count_at(c, marks, u);
        for (uint64_t at = begin; at < end; at++) marks[c->targets[at] / 64] = 0;
    }
    c->totals[worker * 8] += total;
    return WG_OK;
}

/* ---- all of it */

static wg_code ranks_make(counting *c, wg_error *err) {
    const uint64_t n = c->graph->node_count;
    void *by_degree = NULL;
    uint64_t degree_max = 0;
    for (uint64_t v = 0; v < n; v++) degree_max = wg_max_u64(degree_max, wgi_degree(&c->graph->forward, v));
    WG_TRY(wgi_array_zero(c->run, degree_max + 1, sizeof(uint64_t), &by_degree, err));
    rank_nodes(c, by_degree, degree_max);
    wg_free(by_degree);
    WG_TRY(wgi_for(c->run, n, GRAIN * 8, count_kept, c, err));
    for (uint64_t r = 0; r < n; r++) c->offsets[r + 1] += c->offsets[r];
    return WG_OK;
}

static wg_code triangles_run(counting *c, uint32_t workers, wg_error *err) {
    const uint64_t n = c->graph->node_count;
    void *p = NULL;
    WG_TRY(wgi_array(c->run, n, sizeof(uint32_t), &p, err));
    c->ranks = p;
    WG_TRY(wgi_array(c->run, n, sizeof(uint32_t), &p, err));
    c->nodes = p;
    WG_TRY(wgi_array_zero(c->run, n + 1, sizeof(uint64_t), &p, err));
    c->offsets = p;
    WG_TRY(ranks_make(c, err));
    WG_TRY(wgi_array(c->run, c->offsets[n], sizeof(uint32_t), &p, err));
    c->targets = p;
    WG_TRY(wgi_array_zero(c->run, wg_min_u64(n, HUBS) * HUB_WORDS, sizeof(uint64_t), &p, err));
    c->hub_rows = p;
    c->mark_words = wg_max_u64((n + 63) / 64, HUB_WORDS) + 8;
    WG_TRY(wgi_array_zero(c->run, c->mark_words * workers, sizeof(uint64_t), &p, err));
    c->marks = p;
    WG_TRY(wgi_array_zero(c->run, (uint64_t)workers * 8, sizeof(uint64_t), &p, err));
    c->totals = p;
    WG_TRY(wgi_for(c->run, n, GRAIN * 8, write_kept, c, err));
    return wgi_for(c->run, n, GRAIN, count_nodes, c, err);
}

wg_code wg_algo_triangles(const wg_algo_run *run, const wg_graph *graph, uint64_t *out_total, uint64_t *out_local,
                          wg_error *err) {
    counting c = {.run = run, .graph = graph, .local = (_Atomic uint64_t *)out_local};
    const uint32_t workers = wgi_workers(run);
    uint64_t total = 0;
    WG_TRY(wgi_need_undirected(graph, "counting triangles", err));
    if (out_local != NULL) memset(out_local, 0, (size_t)graph->node_count * sizeof *out_local);
    const wg_code code = triangles_run(&c, workers, err);
    for (uint32_t w = 0; code == WG_OK && w < workers; w++) total += c.totals[(uint64_t)w * 8];
    wg_free(c.ranks);
    wg_free(c.nodes);
    wg_free(c.offsets);
    wg_free(c.targets);
    wg_free(c.hub_rows);
    wg_free(c.marks);
    wg_free(c.totals);
    if (code == WG_OK) *out_total = total;
    return code;
}
