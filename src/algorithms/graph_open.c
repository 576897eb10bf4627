/* Graphs from what a transaction sees.
 *
 * Nodes are collected by scans and numbered in id order, whichever table they are in. The sorted adjacency of one edge label is taken as it
 * is when ids are 0..n-1, else its entries between these nodes, which stay in order. Edges of several labels are listed with indices for ids
 * and sorted; so are those of a label without adjacency (see engine/adjacency.h), which is walked node by node. */
#include <math.h>

#include "algorithms/graph_internal.h"

typedef struct opening {
    const wg_algo_run *run;
    const wg_txn *txn;
    const wg_graph_spec *spec;
    wg_graph *graph;
    uint32_t *index_of; /* by id; NULL: the id is the index */
    uint64_t id_end;
    /* edges as they are listed */
    uint32_t *from;
    uint32_t *to;
    double *weights;
    uint64_t edge_count;
    uint64_t edge_capacity;
} opening;

/* ---- nodes */

typedef struct collecting {
    const wg_algo_run *run;
    wg_scan *scan;
    wg_scan_cursor **cursors; /* by worker */
    wgi_list *lists;
} collecting;

static wg_code take_batch(const collecting *c, const wg_batch *batch, wgi_list *list, wg_error *err) {
    const uint64_t *ids = batch->columns[0].data;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint64_t id = ids[wg_batch_row(batch, i)];
        if (id >= UINT32_MAX)
            return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                                "graph algorithms run over stored nodes: rows of virtual labels have no place there");
        if (!wgi_list_push(list, (uint32_t)id, c->run->account)) return wgi_no_memory(c->run, list->count * 8, err);
    }
    return WG_OK;
}

static wg_code collect_tasks(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const collecting *c = arg;
    wg_scan_cursor **cursor = &c->cursors[worker];
    if (*cursor == NULL) WG_TRY(wg_scan_cursor_create(c->scan, c->run->cancel, c->run->account, cursor, err));
    for (uint64_t task = first; task < last; task++) {
        WG_TRY(wg_scan_cursor_start(*cursor, (uint32_t)task, err));
        for (uint32_t rows = 1; rows > 0;) {
            wg_batch batch;
            WG_TRY(wg_scan_cursor_next(*cursor, WG_BATCH_ROWS_MAX, &batch, &rows, err));
            if (rows > 0) WG_TRY(take_batch(c, &batch, &c->lists[worker], err));
        }
    }
    return WG_OK;
}

static wg_code collect_label(const opening *o, const uint32_t *label, wgi_list *lists, wg_error *err) {
    collecting c = {.run = o->run, .lists = lists};
    const uint32_t workers = wgi_workers(o->run);
    const wg_scan_spec spec = {.labels = label, .label_count = label == NULL ? 0 : 1};
    void *cursors = NULL;
    WG_TRY(wg_scan_open(o->txn, &spec, o->run->account, &c.scan, err));
    wg_code code = wgi_array_zero(o->run, workers, sizeof(wg_scan_cursor *), &cursors, err);
    c.cursors = cursors;
    if (code == WG_OK) code = wgi_for(o->run, wg_scan_task_count(c.scan), 1, collect_tasks, &c, err);
    for (uint32_t w = 0; c.cursors != NULL && w < workers; w++) wg_scan_cursor_destroy(c.cursors[w]);
    wg_free(cursors);
    wg_scan_close(c.scan);
    return code;
}

/* Ids ascending, and indices by id, unless ids are 0..n-1. */
static wg_code nodes_number(opening *o, const wgi_list *lists, uint32_t list_count, wg_error *err) {
    uint64_t end = 0;
    void *block = NULL;
    for (uint32_t w = 0; w < list_count; w++)
        for (uint64_t i = 0; i < lists[w].count; i++) end = wg_max_u64(end, (uint64_t)lists[w].nodes[i] + 1);
    o->id_end = end;
    WG_TRY(wgi_array(o->run, end, sizeof(uint32_t), &block, err));
    o->index_of = block;
    for (uint64_t i = 0; i < end; i++) o->index_of[i] = WG_GRAPH_NONE;
    for (uint32_t w = 0; w < list_count; w++)
        for (uint64_t i = 0; i < lists[w].count; i++) o->index_of[lists[w].nodes[i]] = 0;
    uint32_t count = 0;
    for (uint64_t id = 0; id < end; id++)
        if (o->index_of[id] == 0) o->index_of[id] = count++;
    o->graph->node_count = count;
    if (count == end) {
        wg_free(o->index_of);
        o->index_of = NULL;
        return WG_OK;
    }
    WG_TRY(wgi_array(o->run, count, sizeof(uint64_t), &block, err));
    o->graph->blocks[0] = block;
    uint64_t *ids = block;
    for (uint64_t id = 0; id < end; id++)
        if (o->index_of[id] != WG_GRAPH_NONE) ids[o->index_of[id]] = id;
    o->graph->ids = ids;
    return WG_OK;
}

static wg_code nodes_collect(opening *o, wg_error *err) {
    const uint32_t workers = wgi_workers(o->run);
    void *lists = NULL;
    WG_TRY(wgi_array_zero(o->run, workers, sizeof(wgi_list), &lists, err));
    wg_code code = o->spec->node_label_count == 0 ? collect_label(o, NULL, lists, err) : WG_OK;
    for (uint32_t i = 0; i < o->spec->node_label_count && code == WG_OK; i++)
        code = collect_label(o, &o->spec->node_labels[i], lists, err);
    if (code == WG_OK) code = nodes_number(o, lists, workers, err);
    wgi_lists_free(lists, workers);
    return code;
}

static uint32_t index_of(const opening *o, uint64_t id) {
    if (id >= o->id_end) return WG_GRAPH_NONE;
    return o->index_of == NULL ? (uint32_t)id : o->index_of[id];
}

/* ---- listing edges */

static wg_code grow(const wg_algo_run *run, void **array, uint64_t bytes, wg_error *err) {
    void *p = wg_realloc(run->account, *array, (size_t)bytes);
    if (p == NULL) return wgi_no_memory(run, bytes, err);
    *array = p;
    return WG_OK;
}

static wg_code edges_reserve(opening *o, uint64_t more, wg_error *err) {
    const uint64_t wanted = o->edge_count + more;
    if (wanted <= o->edge_capacity) return WG_OK;
    const uint64_t capacity = wg_max_u64(wanted, o->edge_capacity * 2);
    if (capacity > UINT32_MAX)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "a graph of more than 4,294,967,295 edges");
    void *from = o->from;
    void *to = o->to;
    void *weights = o->weights;
    wg_code code = grow(o->run, &from, capacity * sizeof(uint32_t), err);
    if (code == WG_OK) code = grow(o->run, &to, capacity * sizeof(uint32_t), err);
    if (code == WG_OK && o->spec->weight_key != WG_NO_KEY)
        code = grow(o->run, &weights, capacity * sizeof(double), err);
    o->from = from;
    o->to = to;
    o->weights = weights;
    if (code == WG_OK) o->edge_capacity = capacity;
    return code;
}

typedef struct listed_edge {
    uint32_t from;
    uint32_t to;
    uint64_t edge;
} listed_edge;

static void edge_put(const opening *o, uint64_t place, listed_edge e, const wg_edge_weights *w) {
    o->from[place] = e.from;
    o->to[place] = e.to;
    if (o->weights != NULL) {
        const uint64_t at = e.edge - w->edge_min;
        o->weights[place] = at < w->count ? w->values[at] : NAN;
    }
}

typedef struct listing {
    const opening *o;
    const wg_adjacency_side *side;
    const wg_edge_weights *weights;
    uint64_t *places; /* by piece: how many edges it has; then where they go */
    bool writes;
} listing;

static wg_code list_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const listing *l = arg;
    const wg_adjacency_side *side = l->side;
    uint64_t place = l->writes ? l->places[first / WGI_NODES] : 0;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) {
        const uint32_t from = index_of(l->o, side->node_min + k);
        if (from == WG_GRAPH_NONE) continue;
        uint64_t count = 0;
        const uint64_t begin = wg_adjacency_span(side, side->node_min + k, &count);
        for (uint64_t i = begin; i < begin + count; i++) {
            const uint32_t to = index_of(l->o, side->neighbours[i]);
            if (to == WG_GRAPH_NONE) continue;
            const uint32_t edge = side->edges == NULL ? 0 : side->edges[i]; /* only weights need it */
            if (l->writes) edge_put(l->o, place, (listed_edge){from, to, edge}, l->weights);
            place++;
        }
    }
    if (!l->writes) l->places[first / WGI_NODES] = place;
    return WG_OK;
}

/* Pieces of nodes count their edges, and then write them one behind the other, so that the list is the same however many work on it. */
static wg_code list_adjacency(opening *o, const wg_adjacency_side *side, const wg_edge_weights *w, wg_error *err) {
    const uint64_t pieces = side->node_count / WGI_NODES + 1;
    uint64_t all = 0;
    void *places = NULL;
    WG_TRY(wgi_array_zero(o->run, pieces, sizeof(uint64_t), &places, err));
    listing l = {.o = o, .side = side, .weights = w, .places = places};
    wg_code code = wgi_for(o->run, side->node_count, WGI_NODES, list_piece, &l, err);
    for (uint64_t p = 0; p < pieces; p++) {
        const uint64_t count = l.places[p];
        l.places[p] = o->edge_count + all;
        all += count;
    }
    if (code == WG_OK) code = edges_reserve(o, all, err);
    l.writes = true;
    if (code == WG_OK) code = wgi_for(o->run, side->node_count, WGI_NODES, list_piece, &l, err);
    if (code == WG_OK) o->edge_count += all;
    wg_free(places);
    return code;
}

static wg_code list_node(opening *o, uint32_t label, uint32_t from, const wg_edge_weights *w, wg_error *err) {
    enum { PART = 1024 };
    uint64_t edges[PART];
    uint64_t neighbours[PART];
    wg_expand_position position = {0};
    for (uint32_t n = 1; n > 0;) {
        WG_TRY(wg_expand(o->txn, wg_graph_id(o->graph, from), WG_DIRECTION_OUT, &label, 1, &position, PART, edges,
                         neighbours, &n, err));
        WG_TRY(edges_reserve(o, n, err));
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t to = index_of(o, neighbours[i]);
            if (to != WG_GRAPH_NONE) edge_put(o, o->edge_count++, (listed_edge){from, to, edges[i]}, w);
        }
    }
    return WG_OK;
}

static wg_code list_label(opening *o, uint32_t label, wg_adjacency *adjacency, wg_error *err) {
    const wg_builders by = {o->run->pool, wgi_workers(o->run)};
    wg_edge_weights w = {0};
    wg_code code = WG_OK;
    if (o->spec->weight_key != WG_NO_KEY)
        code = wg_edge_weights_read(o->txn, label, o->spec->weight_key, &by, o->run->account, &w, err);
    if (code == WG_OK && adjacency != NULL)
        code = list_adjacency(o, wg_adjacency_get(adjacency, WG_DIRECTION_OUT), &w, err);
    for (uint32_t k = 0; code == WG_OK && adjacency == NULL && k < o->graph->node_count; k++) {
        if (k % WGI_NODES == 0) code = wgi_check_run(o->run, err);
        if (code == WG_OK) code = list_node(o, label, k, &w, err);
    }
    wg_free(w.values);
    return code;
}

/* With edge ids in these directions where there are weights. NULL: there is none. */
static wg_code acquire(const opening *o, uint32_t label, wg_direction edges, wg_adjacency **out, wg_error *err) {
    const wg_builders by = {o->run->pool, wgi_workers(o->run)};
    bool has = true;
    WG_TRY(wg_adjacency_acquire_any(o->txn, label, by.pool, by.workers, out, err));
    if (*out == NULL || o->spec->weight_key == WG_NO_KEY) return WG_OK;
    const wg_code code = wg_adjacency_edges(*out, o->txn, label, edges, &by, &has, err);
    if (code == WG_OK && has) return WG_OK;
    wg_adjacency_release(*out);
    *out = NULL;
    return code;
}

static wg_code open_listed(opening *o, wg_error *err) {
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < o->spec->edge_label_count && code == WG_OK; i++) {
        wg_adjacency *adjacency = NULL;
        code = acquire(o, o->spec->edge_labels[i], WG_DIRECTION_OUT, &adjacency, err);
        if (code == WG_OK) code = list_label(o, o->spec->edge_labels[i], adjacency, err);
        wg_adjacency_release(adjacency);
    }
    const wg_graph_edges edges = {.node_count = o->graph->node_count,
                                  .count = o->edge_count,
                                  .from = o->from,
                                  .to = o->to,
                                  .weights = o->weights,
                                  .direction = o->spec->direction,
                                  .join = o->spec->join};
    wg_graph made = {0};
    if (code == WG_OK) code = wg_graph_of_edges(o->run, &edges, &made, err);
    if (code == WG_OK) {
        const size_t last = sizeof made.blocks / sizeof made.blocks[0] - 1;
        WG_ASSERT(made.blocks[last] == NULL);
        made.blocks[last] = o->graph->blocks[0];
        made.ids = o->graph->ids;
        *o->graph = made;
    }
    wg_free(o->from);
    wg_free(o->to);
    wg_free(o->weights);
    return code;
}

/* ---- the adjacency of one label, which is sorted already: ids and indices order alike */

/* Offsets for all nodes, when those of the side begin later or end earlier. */
static wg_code side_widen(const opening *o, const wg_adjacency_side *side, wgi_sorted_side *out, wg_error *err) {
    *out = (wgi_sorted_side){.offsets = side->offsets,
                             .targets = side->neighbours,
                             .edges = side->edges,
                             .entry_count = side->entry_count};
    if (side->node_min == 0 && side->node_count == o->graph->node_count) return WG_OK;
    WG_TRY(wgi_array(o->run, (uint64_t)o->graph->node_count + 1, sizeof(uint32_t), &out->block, err));
    uint32_t *offsets = out->block;
    for (uint64_t k = 0; k <= o->graph->node_count; k++) {
        uint32_t at = 0;
        if (k >= side->node_min) at = side->offsets[wg_min_u64(k - side->node_min, side->node_count)];
        offsets[k] = at;
    }
    out->offsets = offsets;
    return WG_OK;
}

typedef struct filtering {
    const opening *o;
    const wg_adjacency_side *side;
    uint32_t *offsets; /* at first the count of node k at k + 1 */
    uint32_t *targets; /* NULL: only counted */
    uint32_t *edges;   /* NULL: nobody needs them */
} filtering;

/* Entries whose other end is one of the nodes too, with indices for ids. */
static wg_code filter_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const filtering *f = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) {
        uint64_t count = 0;
        uint64_t kept = 0;
        const uint64_t begin = wg_adjacency_span(f->side, wg_graph_id(f->o->graph, (uint32_t)k), &count);
        for (uint64_t i = begin; i < begin + count; i++) {
            const uint32_t to = index_of(f->o, f->side->neighbours[i]);
            if (to == WG_GRAPH_NONE) continue;
            if (f->targets != NULL) {
                f->targets[f->offsets[k] + kept] = to;
                if (f->edges != NULL) f->edges[f->offsets[k] + kept] = f->side->edges[i];
            }
            kept++;
        }
        if (f->targets == NULL) f->offsets[k + 1] = (uint32_t)kept;
    }
    return WG_OK;
}

static wg_code side_filter(const opening *o, const wg_adjacency_side *side, wgi_sorted_side *out, wg_error *err) {
    const uint64_t n = o->graph->node_count;
    void *counts = NULL;
    WG_TRY(wgi_array_zero(o->run, n + 1, sizeof(uint32_t), &counts, err));
    filtering f = {.o = o, .side = side, .offsets = counts};
    wg_code code = wgi_for(o->run, n, WGI_NODES, filter_nodes, &f, err);
    for (uint64_t k = 0; k < n; k++) f.offsets[k + 1] += f.offsets[k];
    const uint64_t kept = f.offsets[n];
    const uint32_t columns = side->edges == NULL ? 1 : 2;
    if (code == WG_OK) code = wgi_array(o->run, n + 1 + columns * kept, sizeof(uint32_t), &out->block, err);
    if (code == WG_OK) {
        memcpy(out->block, counts, (n + 1) * sizeof(uint32_t));
        f.offsets = out->block;
        f.targets = f.offsets + n + 1;
        f.edges = side->edges == NULL ? NULL : f.targets + kept;
        out->offsets = f.offsets;
        out->targets = f.targets;
        out->edges = f.edges;
        out->entry_count = kept;
        code = wgi_for(o->run, n, WGI_NODES, filter_nodes, &f, err);
    }
    wg_free(counts);
    return code;
}

/* True when every end of the label's edges is one of the nodes 0..n-1. */
static bool is_within(const opening *o, const wg_adjacency *adjacency) {
    for (uint32_t s = 0; s < 2; s++) {
        const wg_adjacency_side *side = wg_adjacency_get(adjacency, s == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN);
        if (side->node_min + side->node_count > o->graph->node_count) return false;
    }
    return o->index_of == NULL && !wg_adjacency_is_far(adjacency);
}

static wg_code open_adjacency(opening *o, wg_adjacency *adjacency, wg_error *err) {
    const wg_builders by = {o->run->pool, wgi_workers(o->run)};
    const bool whole = is_within(o, adjacency);
    wgi_sorted_pair pair = {0};
    wg_edge_weights w = {0};
    wg_code code = WG_OK;
    for (uint32_t s = 0; s < 2 && code == WG_OK; s++) {
        const wg_adjacency_side *sorted = NULL;
        code = wg_adjacency_sorted(adjacency, s == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN,
                                   o->spec->weight_key != WG_NO_KEY, &by, &sorted, err);
        if (code == WG_OK && whole) code = side_widen(o, sorted, &pair.sides[s], err);
        else if (code == WG_OK) code = side_filter(o, sorted, &pair.sides[s], err);
    }
    if (code == WG_OK && o->spec->weight_key != WG_NO_KEY) {
        code =
            wg_edge_weights_read(o->txn, o->spec->edge_labels[0], o->spec->weight_key, &by, o->run->account, &w, err);
        pair.weights = w.values;
        pair.weight_count = w.count;
        pair.edge_min = w.edge_min;
    }
    if (code == WG_OK) code = wgi_graph_fill(o->run, &pair, o->spec->direction, o->spec->join, o->graph, err);
    for (uint32_t s = 0; s < 2; s++) wg_free(pair.sides[s].block);
    wg_free(w.values);
    return code;
}

static wg_code edges_open(opening *o, wg_error *err) {
    wg_adjacency *adjacency = NULL;
    if (o->spec->edge_label_count == 1 && o->graph->node_count > 0)
        WG_TRY(acquire(o, o->spec->edge_labels[0], WG_DIRECTION_BOTH, &adjacency, err));
    if (adjacency == NULL) return open_listed(o, err);
    o->graph->adjacency = adjacency;
    return open_adjacency(o, adjacency, err);
}

wg_code wg_graph_open(const wg_algo_run *run, const wg_txn *txn, const wg_graph_spec *spec, wg_graph *out,
                      wg_error *err) {
    wg_graph graph = {0};
    opening o = {.run = run, .txn = txn, .spec = spec, .graph = &graph};
    wg_code code = nodes_collect(&o, err);
    if (code == WG_OK) code = edges_open(&o, err);
    wg_free(o.index_of);
    if (code != WG_OK) wg_graph_close(&graph);
    else *out = graph;
    return code;
}
