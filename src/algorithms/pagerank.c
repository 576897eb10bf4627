/* PageRank by pulling: each node sums what its predecessors send, in an order that their indices give, so that no two workers write to one
 * place and a sum is always taken in the same order. score' = (1 - d) / n + d * sum of score / out-degree.
 *
 * What nodes without successors hold is lost (as the GAP Benchmark Suite has it) or shared by all (LDBC Graphalytics). The change of an
 * iteration is summed by pieces of 4,096 nodes and then over the pieces in order. */
#include <math.h>

#include "algorithms/algorithms_internal.h"

enum { AHEAD = 48 }; /* neighbours whose cells are asked for ahead of time, those of the next nodes among them */

typedef struct ranking {
    const wg_graph *graph;
    double *scores;
    double *sent;    /* score / out-degree */
    double *changes; /* by piece */
    double *hanging; /* by piece: scores of nodes without successors */
    double base;
    double damping;
} ranking;

static void send(const ranking *r, uint64_t v, double *hanging) {
    const uint64_t degree = wgi_degree(&r->graph->forward, v);
    r->sent[v] = degree == 0 ? 0 : r->scores[v] / (double)degree;
    if (degree == 0) *hanging += r->scores[v];
}

static wg_code begin(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const ranking *r = arg;
    double hanging = 0;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        r->scores[v] = 1.0 / (double)r->graph->node_count;
        send(r, v, &hanging);
    }
    r->hanging[first / WGI_NODES] = hanging;
    return WG_OK;
}

/* What the predecessors send, in four sums by position and then together: an order of its own, but always the same, and the processor
 * need not wait for one addition before it begins the next. ahead: AHEAD neighbours of later nodes stand behind these. */
static double sum_sent(const double *sent, const uint32_t *from, uint64_t count, bool ahead) {
    double sums[4] = {0};
    uint64_t i = 0;
    for (; ahead && i + 4 <= count; i += 4) {
        __builtin_prefetch(&sent[from[i + AHEAD]]);
        __builtin_prefetch(&sent[from[i + AHEAD + 1]]);
        __builtin_prefetch(&sent[from[i + AHEAD + 2]]);
        __builtin_prefetch(&sent[from[i + AHEAD + 3]]);
        sums[0] += sent[from[i]];
        sums[1] += sent[from[i + 1]];
        sums[2] += sent[from[i + 2]];
        sums[3] += sent[from[i + 3]];
    }
    for (; i + 4 <= count; i += 4) {
        sums[0] += sent[from[i]];
        sums[1] += sent[from[i + 1]];
        sums[2] += sent[from[i + 2]];
        sums[3] += sent[from[i + 3]];
    }
    for (uint32_t k = 0; i < count; i++, k++) sums[k] += sent[from[i]];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static wg_code pull(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const ranking *r = arg;
    const wg_graph_side *side = &r->graph->backward;
    const double *sent = r->sent;
    double change = 0;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        const uint64_t at = side->offsets[v];
        const uint64_t count = side->offsets[v + 1] - at;
        const double sum = sum_sent(sent, side->targets + at, count, at + count + AHEAD <= side->entry_count);
        const double score = r->base + r->damping * sum;
        change += fabs(score - r->scores[v]);
        r->scores[v] = score;
    }
    r->changes[first / WGI_NODES] = change;
    return WG_OK;
}

static wg_code send_all(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const ranking *r = arg;
    double hanging = 0;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) send(r, v, &hanging);
    r->hanging[first / WGI_NODES] = hanging;
    return WG_OK;
}

static double sum_of(const double *by_piece, uint64_t pieces) {
    double sum = 0;
    for (uint64_t p = 0; p < pieces; p++) sum += by_piece[p];
    return sum;
}

static wg_code iterate(const wg_algo_run *run, ranking *r, const wg_pagerank_options *o, uint32_t *out_iterations,
                       wg_error *err) {
    const uint64_t n = r->graph->node_count;
    const uint64_t pieces = (n + WGI_NODES - 1) / WGI_NODES;
    uint32_t i = 0;
    WG_TRY(wgi_for(run, n, WGI_NODES, begin, r, err));
    for (bool more = true; more && i < o->iterations; i++) {
        r->base = (1.0 - o->damping) / (double)n;
        if (o->dangling) r->base += o->damping * sum_of(r->hanging, pieces) / (double)n;
        WG_TRY(wgi_for(run, n, WGI_NODES, pull, r, err));
        more = o->tolerance <= 0 || sum_of(r->changes, pieces) >= o->tolerance;
        if (more) WG_TRY(wgi_for(run, n, WGI_NODES, send_all, r, err));
    }
    *out_iterations = i;
    return WG_OK;
}

wg_code wg_algo_pagerank(const wg_algo_run *run, const wg_graph *graph, const wg_pagerank_options *options,
                         double *out_scores, uint32_t *out_iterations, wg_error *err) {
    const uint64_t n = graph->node_count;
    const uint64_t pieces = (n + WGI_NODES - 1) / WGI_NODES;
    void *memory = NULL;
    *out_iterations = 0;
    if (n == 0) return WG_OK;
    WG_TRY(wgi_array_zero(run, n + 2 * pieces, sizeof(double), &memory, err));
    ranking r = {.graph = graph, .scores = out_scores, .sent = memory, .damping = options->damping};
    r.changes = r.sent + n;
    r.hanging = r.changes + pieces;
    const wg_code code = iterate(run, &r, options, out_iterations, err);
    wg_free(memory);
    return code;
}
