/* Betweenness (Brandes, A faster algorithm for betweenness centrality, 2001), from all or from chosen sources, one after the other.
 *
 * Both sweeps pull: a node sums what its neighbours in the level before (paths) or behind (dependencies) have, in the order of their
 * indices, and writes only to itself. So sums are taken in one order whatever the number of workers, and nothing is written by two. */
#include "algorithms/algorithms_internal.h"

enum { GRAIN = 512 };

typedef struct brandes {
    const wg_algo_run *run;
    const wg_graph *graph;
    const uint32_t *depths;
    const uint32_t *order; /* nodes by depth, then index */
    uint64_t begin;        /* of the level at hand */
    double *paths;         /* number of shortest paths from the source */
    double *shares;        /* (1 + dependency) / paths */
    double *scores;
    uint32_t source;
} brandes;

static wg_code sum_paths(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const brandes *b = arg;
    const wg_graph_side *side = &b->graph->backward;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t v = b->order[b->begin + i];
        const uint32_t before = b->depths[v] - 1;
        double sum = 0;
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
            const uint32_t u = side->targets[at];
            if (b->depths[u] == before) sum += b->paths[u];
        }
        b->paths[v] = sum;
    }
    return WG_OK;
}

static wg_code sum_dependencies(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const brandes *b = arg;
    const wg_graph_side *side = &b->graph->forward;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t u = b->order[b->begin + i];
        const uint32_t behind = b->depths[u] + 1;
        double sum = 0;
        for (uint64_t at = side->offsets[u]; at < side->offsets[u + 1]; at++) {
            const uint32_t v = side->targets[at];
            if (b->depths[v] == behind) sum += b->shares[v];
        }
        const double dependency = b->paths[u] * sum;
        b->shares[u] = (1 + dependency) / b->paths[u];
        if (u != b->source) b->scores[u] += dependency;
    }
    return WG_OK;
}

/* Fills order and where levels begin; returns how many levels there are. */
static uint32_t order_by_depth(const brandes *b, uint32_t *order, uint32_t *begins) {
    const uint32_t n = b->graph->node_count;
    uint32_t levels = 0;
    memset(begins, 0, ((size_t)n + 2) * sizeof *begins);
    for (uint32_t v = 0; v < n; v++) {
        if (b->depths[v] == WG_GRAPH_NONE) continue;
        begins[b->depths[v] + 1]++;
        if (b->depths[v] >= levels) levels = b->depths[v] + 1;
    }
    for (uint32_t d = 0; d < levels; d++) begins[d + 1] += begins[d];
    for (uint32_t v = 0; v < n; v++)
        if (b->depths[v] != WG_GRAPH_NONE) order[begins[b->depths[v]]++] = v;
    for (uint32_t d = levels; d > 0; d--) begins[d] = begins[d - 1];
    begins[0] = 0;
    return levels;
}

static wg_code from_source(brandes *b, const uint32_t *begins, uint32_t levels, wg_error *err) {
    b->paths[b->source] = 1;
    for (uint32_t d = 1; d < levels; d++) {
        b->begin = begins[d];
        WG_TRY(wgi_for(b->run, begins[d + 1] - b->begin, GRAIN, sum_paths, b, err));
    }
    for (uint32_t d = levels; d > 0; d--) {
        b->begin = begins[d - 1];
        WG_TRY(wgi_for(b->run, begins[d] - b->begin, GRAIN, sum_dependencies, b, err));
    }
    return WG_OK;
}

wg_code wg_algo_betweenness(const wg_algo_run *run, const wg_graph *graph, const uint32_t *sources,
                            uint32_t source_count, double *out_scores, wg_error *err) {
    const uint64_t n = graph->node_count;
    brandes b = {.run = run, .graph = graph, .scores = out_scores};
    void *words = NULL;
    void *doubles = NULL;
    for (uint64_t v = 0; v < n; v++) out_scores[v] = 0;
    wg_code code = wgi_array(run, n * 4 + 2, sizeof(uint32_t), &words, err);
    if (code == WG_OK) code = wgi_array(run, n * 2, sizeof(double), &doubles, err);
    uint32_t *depths = words;
    for (uint32_t i = 0; i < source_count && code == WG_OK; i++) {
        uint32_t *order = depths + n;
        uint32_t *begins = order + n; /* the parents of the search, which nobody wants, stand there before */
        b.source = sources[i];
        b.depths = depths;
        b.order = order;
        b.paths = doubles;
        b.shares = b.paths + n;
        code = wg_algo_bfs(run, graph, b.source, depths, begins, err);
        if (code == WG_OK) code = from_source(&b, begins, order_by_depth(&b, order, begins), err);
    }
    wg_free(words);
    wg_free(doubles);
    return code;
}

/* Selection sampling: one pass, each set of nodes as likely as any other, ascending by itself. */
void wg_algo_sample(const wg_graph *graph, uint64_t seed, uint32_t count, uint32_t *out, uint32_t *out_count) {
    const uint32_t n = graph->node_count;
    uint32_t taken = 0;
    wg_rng rng;
    wg_rng_init(&rng, seed);
    if (count > n) count = n;
    for (uint32_t v = 0; v < n && taken < count; v++)
        if (wg_rng_below(&rng, (uint64_t)n - v) < (uint64_t)count - taken) out[taken++] = v;
    *out_count = taken;
}
