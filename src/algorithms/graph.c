/* Graphs from edges: both directions with neighbours in ascending order, or one undirected simple side.
 *
 * Order comes for free from transposing: walking the entries of one direction node by node gives every node of the other its neighbours in
 * ascending order (a stable sort by the other end). So edges are sorted by their target, transposed, and transposed back. The
 * undirected side of a node is its two lists merged, without itself, each neighbour once; counted first, then written. */
#include <math.h>

#include "algorithms/graph_internal.h"

static wg_builders builders_of(const wg_algo_run *run) { return (wg_builders){run->pool, wgi_workers(run)}; }

static void own(wg_graph *graph, void *block) {
    for (size_t i = 0; i < sizeof graph->blocks / sizeof graph->blocks[0]; i++) {
        if (graph->blocks[i] != NULL) continue;
        graph->blocks[i] = block;
        return;
    }
    WG_UNREACHABLE("a graph has fewer blocks");
}

void wg_graph_close(wg_graph *graph) {
    for (size_t i = 0; i < sizeof graph->blocks / sizeof graph->blocks[0]; i++) wg_free(graph->blocks[i]);
    wg_adjacency_release(graph->adjacency);
    memset(graph, 0, sizeof *graph);
}

bool wg_graph_find(const wg_graph *graph, uint64_t id, uint32_t *out_index) {
    if (graph->ids == NULL) {
        *out_index = (uint32_t)id;
        return id < graph->node_count;
    }
    uint32_t low = 0;
    uint32_t high = graph->node_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (graph->ids[middle] < id) low = middle + 1;
        else high = middle;
    }
    *out_index = low;
    return low < graph->node_count && graph->ids[low] == id;
}

/* ---- sorted sides */

typedef struct transposition {
    const wgi_sorted_side *from;
    uint32_t *nodes;
} transposition;

static wg_code write_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const transposition *t = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++)
        for (uint64_t i = t->from->offsets[k]; i < t->from->offsets[k + 1]; i++) t->nodes[i] = (uint32_t)k;
    return WG_OK;
}

static wg_code sort_columns(const wg_algo_run *run, wg_edge_columns *columns, uint32_t node_count,
                            wgi_sorted_side *out, wg_error *err) {
    wg_adjacency_side side;
    const wg_builders by = builders_of(run);
    columns->node_min = 0;
    columns->node_max = node_count - 1;
    WG_TRY(wgi_check_run(run, err));
    const wg_code code = wg_edge_columns_sort(columns, NULL, &by, run->account, &side, &out->block, err);
    if (code == WG_E_NOMEM) return wgi_no_memory(run, columns->count * 20, err);
    WG_TRY(code);
    out->offsets = side.offsets;
    out->targets = side.neighbours;
    out->edges = side.edges;
    out->entry_count = side.entry_count;
    return WG_OK;
}

static wg_code transpose(const wg_algo_run *run, const wgi_sorted_side *from, uint32_t node_count,
                         wgi_sorted_side *out, wg_error *err) {
    void *nodes = NULL;
    WG_TRY(wgi_array(run, from->entry_count, sizeof(uint32_t), &nodes, err));
    transposition t = {from, nodes};
    wg_code code = wgi_for(run, node_count, WGI_NODES, write_nodes, &t, err);
    wg_edge_columns columns = {
        .count = from->entry_count, .nodes = from->targets, .neighbours = nodes, .edges = from->edges};
    if (code == WG_OK) code = sort_columns(run, &columns, node_count, out, err);
    wg_free(nodes);
    return code;
}

/* Both sides in ascending order. */
static wg_code sides_of_edges(const wg_algo_run *run, const wg_graph_edges *edges, wgi_sorted_pair *out,
                              wg_error *err) {
    void *positions = NULL; /* only weights are looked up by them */
    wgi_sorted_side unsorted = {0};
    if (edges->weights != NULL) WG_TRY(wgi_array(run, edges->count, sizeof(uint32_t), &positions, err));
    uint32_t *position = positions;
    for (uint64_t i = 0; positions != NULL && i < edges->count; i++) position[i] = (uint32_t)i;
    wg_edge_columns columns = {
        .count = edges->count, .nodes = edges->to, .neighbours = edges->from, .edges = position};
    wg_code code = sort_columns(run, &columns, edges->node_count, &unsorted, err);
    wg_free(positions);
    if (code == WG_OK) code = transpose(run, &unsorted, edges->node_count, &out->sides[0], err);
    wg_free(unsorted.block);
    if (code == WG_OK) code = transpose(run, &out->sides[0], edges->node_count, &out->sides[1], err);
    return code;
}

/* ---- weights */

static double weight_at(const wgi_sorted_pair *pair, uint32_t edge) {
    const uint64_t at = (uint64_t)edge - pair->edge_min;
    const double w = at < pair->weight_count ? pair->weights[at] : NAN;
    return isnan(w) ? 1.0 : w;
}

typedef struct weighing {
    const wgi_sorted_pair *pair;
    const wgi_sorted_side *side;
    double *weights;
    double *least; /* by piece */
    double *most;
} weighing;

static wg_code gather_weights(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const weighing *w = arg;
    (void)worker;
    (void)err;
    for (uint64_t i = w->side->offsets[first]; i < w->side->offsets[last]; i++)
        w->weights[i] = weight_at(w->pair, w->side->edges[i]);
    return WG_OK;
}

static wg_code weigh_range(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const weighing *w = arg;
    double least = INFINITY;
    double most = -INFINITY;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        least = w->weights[i] < least ? w->weights[i] : least;
        most = w->weights[i] > most ? w->weights[i] : most;
    }
    w->least[first >> 16] = least;
    w->most[first >> 16] = most;
    return WG_OK;
}

static wg_code weights_bound(const wg_algo_run *run, wg_graph *graph, wg_error *err) {
    const uint64_t pieces = (graph->forward.entry_count >> 16) + 1;
    void *bounds = NULL;
    WG_TRY(wgi_array(run, pieces * 2, sizeof(double), &bounds, err));
    weighing w = {.weights = (double *)(uintptr_t)graph->forward.weights, .least = bounds};
    w.most = w.least + pieces;
    const wg_code code = wgi_for(run, graph->forward.entry_count, 1 << 16, weigh_range, &w, err);
    graph->weight_min = INFINITY;
    graph->weight_max = -INFINITY;
    for (uint64_t p = 0; p << 16 < graph->forward.entry_count && code == WG_OK; p++) {
        graph->weight_min = fmin(graph->weight_min, w.least[p]);
        graph->weight_max = fmax(graph->weight_max, w.most[p]);
    }
    wg_free(bounds);
    return code;
}

/* ---- the undirected side */

typedef struct merging {
    const wgi_sorted_pair *pair;
    wg_weight_join join;
    uint32_t *offsets; /* counts at first, of node k at k + 1 */
    uint32_t *targets;
    double *weights;
} merging;

/* The two lists of one node, walked together. */
typedef struct merge_walk {
    uint64_t at[2];
    uint64_t end[2];
} merge_walk;

/* The next neighbour that is not the node itself; its weight is joined over all its entries. */
static bool walk_next(const merging *m, uint32_t node, merge_walk *w, uint32_t *out, double *out_weight) {
    for (;;) {
        uint32_t next = WG_GRAPH_NONE;
        bool any = false;
        for (uint32_t s = 0; s < 2; s++) {
            if (w->at[s] == w->end[s]) continue;
            const uint32_t there = m->pair->sides[s].targets[w->at[s]];
            if (!any || there < next) next = there;
            any = true;
        }
        if (!any) return false;
        double weight = 0;
        bool first = true;
        for (uint32_t turn = 0; turn < 2; turn++) {
            const uint32_t s = node < next ? turn : 1 - turn; /* the same order at both ends, so the same sum */
            const wgi_sorted_side *side = &m->pair->sides[s];
            for (; w->at[s] < w->end[s] && side->targets[w->at[s]] == next; w->at[s]++) {
                if (out_weight == NULL) continue;
                const double one = weight_at(m->pair, side->edges[w->at[s]]);
                if (m->join == WG_WEIGHT_SUM) weight += one;
                else if (first || one < weight) weight = one;
                first = false;
            }
        }
        if (next == node) continue;
        *out = next;
        if (out_weight != NULL) *out_weight = weight;
        return true;
    }
}

static merge_walk walk_of(const merging *m, uint64_t node) {
    merge_walk w;
    for (uint32_t s = 0; s < 2; s++) {
        w.at[s] = m->pair->sides[s].offsets[node];
        w.end[s] = m->pair->sides[s].offsets[node + 1];
    }
    return w;
}

/* Without weights the merge is the inner loop of building: no function of both lists at once. Writes when `to` is given; there is room for
 * one entry more than there are. */
static uint64_t merge_plain(const merging *m, uint32_t node, uint32_t *to) {
    const uint32_t *a = m->pair->sides[0].targets + m->pair->sides[0].offsets[node];
    const uint32_t *b = m->pair->sides[1].targets + m->pair->sides[1].offsets[node];
    const uint32_t *a_end = m->pair->sides[0].targets + m->pair->sides[0].offsets[node + 1];
    const uint32_t *b_end = m->pair->sides[1].targets + m->pair->sides[1].offsets[node + 1];
    uint32_t last = WG_GRAPH_NONE; /* no node has this index */
    uint64_t count = 0;
    while (a < a_end && b < b_end) {
        const uint32_t next = *a < *b ? *a : *b;
        a += *a == next;
        b += *b == next;
        if (next == last || next == node) continue;
        if (to != NULL) to[count] = next;
        last = next;
        count++;
    }
    for (const uint32_t *rest = a < a_end ? a : b, *end = a < a_end ? a_end : b_end; rest < end; rest++) {
        if (*rest == last || *rest == node) continue;
        if (to != NULL) to[count] = *rest;
        last = *rest;
        count++;
    }
    return count;
}

static wg_code count_merged(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const merging *m = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) m->offsets[k + 1] = (uint32_t)merge_plain(m, (uint32_t)k, NULL);
    return WG_OK;
}

static wg_code write_merged(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const merging *m = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) {
        uint64_t at = m->offsets[k];
        if (m->weights == NULL) {
            (void)merge_plain(m, (uint32_t)k, m->targets + at);
            continue;
        }
        merge_walk w = walk_of(m, k);
        while (walk_next(m, (uint32_t)k, &w, &m->targets[at], &m->weights[at])) at++;
    }
    return WG_OK;
}

static wg_code undirected_fill(const wg_algo_run *run, merging *m, wg_graph *graph, wg_error *err) {
    void *block = NULL;
    WG_TRY(wgi_array_zero(run, (uint64_t)graph->node_count + 1, sizeof(uint32_t), &block, err));
    own(graph, block);
    m->offsets = block;
    WG_TRY(wgi_for(run, graph->node_count, WGI_NODES, count_merged, m, err));
    uint64_t entries = 0;
    for (uint64_t k = 0; k < graph->node_count; k++) {
        entries += m->offsets[k + 1];
        m->offsets[k + 1] = (uint32_t)entries;
    }
    if (entries > UINT32_MAX)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "an undirected graph of more than 4,294,967,295 entries in both directions");
    WG_TRY(wgi_array(run, entries + 1, sizeof(uint32_t), &block, err));
    own(graph, block);
    m->targets = block;
    if (m->pair->weights != NULL) {
        WG_TRY(wgi_array(run, entries + 1, sizeof(double), &block, err));
        own(graph, block);
        m->weights = block;
    }
    WG_TRY(wgi_for(run, graph->node_count, WGI_NODES, write_merged, m, err));
    graph->undirected = true;
    graph->forward = (wg_graph_side){m->offsets, m->targets, m->weights, entries};
    graph->backward = (wg_graph_side){m->offsets, m->targets, NULL, entries};
    return WG_OK;
}

/* Takes over the blocks of the pair. */
static wg_code directed_fill(const wg_algo_run *run, wgi_sorted_pair *pair, wg_direction direction, wg_graph *graph,
                             wg_error *err) {
    const wgi_sorted_side *forward = &pair->sides[direction == WG_DIRECTION_OUT ? 0 : 1];
    const wgi_sorted_side *backward = &pair->sides[direction == WG_DIRECTION_OUT ? 1 : 0];
    void *weights = NULL;
    for (uint32_t s = 0; s < 2; s++) {
        if (pair->sides[s].block != NULL) own(graph, pair->sides[s].block);
        pair->sides[s].block = NULL;
    }
    graph->forward = (wg_graph_side){forward->offsets, forward->targets, NULL, forward->entry_count};
    graph->backward = (wg_graph_side){backward->offsets, backward->targets, NULL, backward->entry_count};
    if (pair->weights == NULL) return WG_OK;
    WG_TRY(wgi_array(run, forward->entry_count + 1, sizeof(double), &weights, err));
    own(graph, weights);
    weighing w = {.pair = pair, .side = forward, .weights = weights};
    graph->forward.weights = weights;
    return wgi_for(run, graph->node_count, WGI_NODES, gather_weights, &w, err);
}

wg_code wgi_graph_fill(const wg_algo_run *run, wgi_sorted_pair *pair, wg_direction direction, wg_weight_join join,
                       wg_graph *graph, wg_error *err) {
    merging m = {.pair = pair, .join = join};
    if (direction == WG_DIRECTION_BOTH) WG_TRY(undirected_fill(run, &m, graph, err));
    else WG_TRY(directed_fill(run, pair, direction, graph, err));
    return graph->forward.weights == NULL ? WG_OK : weights_bound(run, graph, err);
}

wg_code wg_graph_of_edges(const wg_algo_run *run, const wg_graph_edges *edges, wg_graph *out, wg_error *err) {
    static const uint32_t no_offsets[1];
    wg_graph graph = {.node_count = edges->node_count, .undirected = edges->direction == WG_DIRECTION_BOTH};
    wgi_sorted_pair pair = {.weights = edges->weights, .weight_count = edges->count};
    WG_ASSERT(edges->node_count != 0 || edges->count == 0);
    if (edges->count > UINT32_MAX)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "a graph of more than 4,294,967,295 edges");
    if (edges->node_count == 0) {
        graph.forward.offsets = no_offsets;
        graph.backward.offsets = no_offsets;
        *out = graph;
        return WG_OK;
    }
    wg_code code = sides_of_edges(run, edges, &pair, err);
    if (code == WG_OK) code = wgi_graph_fill(run, &pair, edges->direction, edges->join, &graph, err);
    for (uint32_t s = 0; s < 2; s++) wg_free(pair.sides[s].block);
    if (code != WG_OK) wg_graph_close(&graph);
    else *out = graph;
    return code;
}
