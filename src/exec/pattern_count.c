/* PATTERN_COUNT: how many matches a pattern has, without listing them.
 *
 * Each term (pattern_terms.c) is a pattern without conditions between its parts. What hangs from the rest as a tree is folded away from its
 * leaves on: a node's value for a vertex is the product, over the edges to what hangs from it, of the sums of the values of its neighbours; for a
 * leaf that sum is a degree. So a chain or a star of any number of matches costs one pass over the nodes and one over the edges for each
 * inner edge. When some vertex has few nodes (a key was given, or a loop is needed) the count starts there instead and follows the first
 * edges one by one. What is left, vertices on cycles, is walked by pattern_core.c.
 *
 * Sums are exact: 64 bits for a node, 128 for the whole, all checked; a count that is no INT is WG_E_VALUE, as for count(*). The
 * order of adding does not matter, so threads change nothing.
 *
 * A label without adjacency (rows of files, own writes; engine/adjacency.h), or one whose adjacency is not made yet and would cost much more than
 * listing what is near to few nodes: the plan that lists, plan->fallback, is run instead. */
#include <stdlib.h>

#include "exec/pattern_internal.h"

enum { FEW = 4096, DEPTH_LISTED = 2, NODE_GRAIN = 4096, BUILD_SHARE = 512 };

/* ---- what the pattern reads */

const wgi_pattern_label *wgi_pattern_label_of(const wgi_pattern_run *run, uint32_t label) {
    for (uint32_t i = 0; i < run->label_count; i++)
        if (run->labels[i].label == label) return &run->labels[i];
    return NULL;
}

static void take_domain(wgi_pattern_run *run, const wg_adjacency_side *side) {
    if (side->node_count > 0) run->node_count = wg_max_u64(run->node_count, side->node_min + side->node_count);
}

static wg_code acquire_label(wgi_pattern_run *run, uint32_t number, bool make, bool *out_has, wg_error *err) {
    const wg_exec_context *c = run->context;
    if (wgi_pattern_label_of(run, number) != NULL) return WG_OK;
    *out_has = run->label_count < WGI_PATTERN_LABELS_MAX;
    if (!*out_has) return WG_OK;
    wgi_pattern_label *label = &run->labels[run->label_count];
    *label = (wgi_pattern_label){.label = number};
    if (number >= WG_PATTERN_SET) {
        *out_has = make;
        if (make)
            WG_TRY(wgi_pattern_set_make(run, &run->pattern->sets[number - WG_PATTERN_SET], label, out_has, err));
        run->label_count += *out_has;
        return WG_OK;
    }
    if (make) WG_TRY(wg_adjacency_acquire(c->txn, number, c->pool, c->threads, &label->adjacency, err));
    else WG_TRY(wg_adjacency_find(c->txn, number, &label->adjacency, err));
    *out_has = label->adjacency != NULL;
    if (!*out_has) return WG_OK;
    label->sides[0] = wg_adjacency_get(label->adjacency, WG_DIRECTION_OUT);
    label->sides[1] = wg_adjacency_get(label->adjacency, WG_DIRECTION_IN);
    run->label_count++;
    return WG_OK;
}

/* *out_has false: some label has no adjacency. */
static wg_code acquire_labels(wgi_pattern_run *run, bool make, bool *out_has, wg_error *err) {
    *out_has = true;
    for (int sets = 0; sets < 2; sets++) /* last, since they cost most */
        for (uint32_t i = 0; i < run->pattern->edge_count && *out_has; i++) {
            const wg_pattern_edge *edge = &run->pattern->edges[i];
            if ((edge->label >= WG_PATTERN_SET) != (sets == 1)) continue;
            if (sets == 1) WG_TRY(acquire_label(run, edge->label, make, out_has, err));
            for (uint32_t k = 0; k < edge->label_count && sets == 0 && *out_has; k++)
                WG_TRY(acquire_label(run, edge->labels[k], make, out_has, err));
        }
    if (!*out_has) return WG_OK;
    for (uint32_t i = 0; i < run->label_count; i++) {
        take_domain(run, run->labels[i].sides[0]);
        take_domain(run, run->labels[i].sides[1]);
        if (run->labels[i].adjacency == NULL) continue; /* a set knows its loops */
        const wg_adjacency_loops *loops;
        WG_TRY(wg_adjacency_loops_of(run->labels[i].adjacency, &loops, err));
        run->labels[i].loops = (wgi_node_counts){loops->nodes, loops->counts, loops->count};
    }
    return WG_OK;
}

static void release_labels(wgi_pattern_run *run) {
    for (uint32_t i = 0; i < run->label_count; i++) {
        wg_adjacency_release(run->labels[i].adjacency);
        wgi_pattern_set_free(&run->labels[i]);
    }
    run->label_count = 0;
}

static int compare_ids(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The nodes of a column with how often each stands there. Nulls and ids that no adjacency can hold match nothing. */
static wg_code count_nodes(wgi_pattern_run *run, const wg_rows *rows, uint32_t slot, wgi_node_counts *out,
                           wg_error *err) {
    const wg_vector v = wg_column_view(&rows->columns[slot]);
    uint32_t *nodes = wg_arena_alloc(&run->arena, (rows->row_count + 1) * sizeof *nodes);
    uint32_t *counts = wg_arena_alloc(&run->arena, (rows->row_count + 1) * sizeof *counts);
    if (nodes == NULL || counts == NULL) return wg_error_nomem(err, rows->row_count * sizeof *nodes);
    uint64_t n = 0, kept = 0;
    bool ascending = true;
    for (uint32_t i = 0; i < rows->row_count; i++) {
        uint64_t id;
        if (!wgi_vector_id(&v, i, WG_TYPE_NODE, &id) || id >= run->node_count) continue;
        nodes[n] = (uint32_t)id;
        ascending = ascending && (n == 0 || nodes[n - 1] <= nodes[n]);
        n++;
    }
    if (!ascending) qsort(nodes, n, sizeof *nodes, compare_ids);
    for (uint64_t i = 0; i < n; i++) {
        if (kept > 0 && nodes[kept - 1] == nodes[i]) {
            counts[kept - 1]++;
            continue;
        }
        nodes[kept] = nodes[i];
        counts[kept++] = 1;
    }
    *out = (wgi_node_counts){nodes, counts, kept};
    return WG_OK;
}

uint64_t wgi_count_of(const wgi_node_counts *counts, uint64_t node) {
    uint64_t low = 0, high = counts->count;
    while (low < high) {
        const uint64_t middle = (low + high) / 2;
        if (counts->nodes[middle] < node) low = middle + 1;
        else high = middle;
    }
    return low < counts->count && counts->nodes[low] == node ? counts->counts[low] : 0;
}

/* ---- sums over neighbours */

wgi_reach wgi_pattern_reach_of(const wgi_pattern_run *run, const wg_pattern_edge *edge, uint32_t from) {
    const wgi_pattern_label *label = wgi_pattern_label_of(run, edge->label);
    if (edge->undirected) return (wgi_reach){label, 0, 2};
    return (wgi_reach){label, edge->from == from ? 0 : 1, 1};
}

wgi_reach wgi_reach_of(const wgi_work *work, const wg_pattern_edge *edge, uint32_t from) {
    return wgi_pattern_reach_of(work->run, edge, from);
}

uint32_t wgi_far_end(const wg_pattern_edge *edge, uint32_t from) {
    return edge->from == from ? edge->to : edge->from;
}

/* The sum of `values` over the neighbours on one side. Narrow ones cannot overflow: there are fewer than 2^32 of them. */
static bool side_sum(const wg_adjacency_side *side, uint64_t node, const wgi_node_values *values, uint64_t skip,
                     uint64_t *sum) {
    uint64_t count;
    const uint64_t first = wg_adjacency_span(side, node, &count);
    const uint32_t *to = side->neighbours + first;
    uint64_t added = 0;
    bool good = true;
    if (values->narrow != NULL) {
        for (uint64_t i = 0; i < count; i++) added += to[i] != skip ? values->narrow[to[i]] : 0;
    } else {
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t v = to[i] != skip ? values->wide[to[i]] : 0;
            good = !__builtin_add_overflow(added, v, &added) && good;
        }
    }
    return !__builtin_add_overflow(*sum, added, sum) && good;
}

static uint64_t degree(const wgi_reach *reach, uint64_t node) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < reach->count; i++) {
        uint64_t count;
        (void)wg_adjacency_span(reach->label->sides[reach->first + i], node, &count);
        all += count;
    }
    if (reach->count == 2 && reach->label->loops.count > 0) all -= wgi_count_of(&reach->label->loops, node);
    return all;
}

static bool folded_sum(const wgi_reach *reach, uint64_t node, const wgi_node_values *values, uint64_t *out) {
    bool good = true;
    *out = 0;
    if (values->narrow == NULL && values->wide == NULL) {
        *out = degree(reach, node);
        return true;
    }
    for (uint32_t i = 0; i < reach->count; i++) {
        const uint64_t skip = i == 1 ? node : UINT64_MAX;
        good = side_sum(reach->label->sides[reach->first + i], node, values, skip, out) && good;
    }
    return good;
}

static bool listed_sum(const wgi_work *work, const wgi_reach *reach, uint64_t node, uint32_t child, uint64_t *out) {
    bool good = true;
    *out = 0;
    for (uint32_t i = 0; i < reach->count; i++) {
        const wg_adjacency_side *side = reach->label->sides[reach->first + i];
        uint64_t count;
        const uint64_t first = wg_adjacency_span(side, node, &count);
        for (uint64_t k = first; k < first + count; k++) {
            uint64_t value;
            if (i == 1 && side->neighbours[k] == node) continue;
            good = wgi_tree_value(work, child, side->neighbours[k], &value) && good;
            good = !__builtin_add_overflow(*out, value, out) && good;
        }
    }
    return good;
}

bool wgi_tree_value(const wgi_work *work, uint32_t vertex, uint64_t node, uint64_t *out) {
    const wgi_work_vertex *v = &work->vertices[vertex];
    bool good = true;
    *out = wgi_node_value(&v->value, node);
    for (uint32_t i = 0; i < v->child_count && *out != 0; i++) {
        const wg_pattern_edge *edge = &work->term->edges[v->children[i]];
        const uint32_t child = wgi_far_end(edge, vertex);
        const wgi_reach reach = wgi_reach_of(work, edge, vertex);
        uint64_t sum;
        if (work->vertices[child].folded) good = folded_sum(&reach, node, &work->vertices[child].value, &sum) && good;
        else good = listed_sum(work, &reach, node, child, &sum) && good;
        sum = wgi_kind_count(edge->kind, sum);
        good = !__builtin_mul_overflow(*out, sum, out) && good;
    }
    return good;
}

/* values[i] *= degree of node first + i on the side. *bound: no value is greater; 0: each stands for 1 and none is written yet. */
static bool times_degrees(const wg_adjacency_side *side, uint64_t first, uint64_t last, uint64_t *values,
                          uint64_t *bound) {
    const uint64_t begin = wg_max_u64(first, wg_min_u64(last, side->node_min));
    const uint64_t end = wg_max_u64(begin, wg_min_u64(last, side->node_min + side->node_count));
    const uint32_t *offsets = side->offsets + (begin - side->node_min);
    uint64_t *to = values + (begin - first);
    bool good = true;
    memset(values, 0, (begin - first) * sizeof *values);
    memset(values + (end - first), 0, (last - end) * sizeof *values);
    if (*bound == 0) {
        for (uint64_t i = 0; i < end - begin; i++) to[i] = offsets[i + 1] - offsets[i];
        *bound = side->degree_max == 0 ? 1 : side->degree_max;
        return true;
    }
    if (!__builtin_mul_overflow(*bound, wg_max_u64(side->degree_max, 1), bound)) { /* never 0 again */
        for (uint64_t i = 0; i < end - begin; i++) to[i] *= offsets[i + 1] - offsets[i];
        return true;
    }
    *bound = UINT64_MAX;
    for (uint64_t i = 0; i < end - begin; i++)
        good = !__builtin_mul_overflow(to[i], (uint64_t)(offsets[i + 1] - offsets[i]), &to[i]) && good;
    return good;
}

static void write_values(const wgi_work_vertex *v, uint64_t first, uint64_t last, uint64_t *out) {
    for (uint64_t node = first; node < last; node++) out[node - first] = wgi_node_value(&v->value, node);
}

bool wgi_values_of(const wgi_work *work, uint32_t vertex, uint64_t first, uint64_t last, uint64_t *out) {
    const wgi_work_vertex *v = &work->vertices[vertex];
    bool good = true;
    uint64_t bound = v->value.narrow != NULL ? UINT32_MAX : v->value.wide != NULL ? UINT64_MAX : 0;
    if (bound != 0) write_values(v, first, last, out);
    for (uint32_t i = 0; i < v->child_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[v->children[i]];
        const uint32_t child = wgi_far_end(edge, vertex);
        const wgi_node_values *values = &work->vertices[child].value;
        const wgi_reach reach = wgi_reach_of(work, edge, vertex);
        const bool all = values->narrow == NULL && values->wide == NULL;
        if (work->vertices[child].folded && reach.count == 1 && all && edge->kind == WG_PATTERN_REQUIRED) {
            good = times_degrees(reach.label->sides[reach.first], first, last, out, &bound) && good;
            continue;
        }
        if (bound == 0) write_values(v, first, last, out);
        bound = UINT64_MAX;
        for (uint64_t node = first; node < last; node++) {
            uint64_t sum, *value = &out[node - first];
            if (*value == 0) continue;
            if (work->vertices[child].folded) good = folded_sum(&reach, node, values, &sum) && good;
            else good = listed_sum(work, &reach, node, child, &sum) && good;
            sum = wgi_kind_count(edge->kind, sum);
            good = !__builtin_mul_overflow(*value, sum, value) && good;
        }
    }
    if (bound == 0) write_values(v, first, last, out);
    return good;
}

/* ---- folding */

typedef struct fold {
    wgi_work *work;
    uint32_t vertex;
    uint32_t *narrow; /* one of the two is filled */
    uint64_t *wide;
} fold;

static wg_code fold_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const fold *f = arg;
    uint64_t values[NODE_GRAIN];
    (void)worker;
    WG_TRY(wgi_check(f->work->run->context, err));
    const bool good = wgi_values_of(f->work, f->vertex, first, last, f->narrow != NULL ? values : f->wide + first);
    if (f->narrow != NULL)
        for (uint64_t i = 0; i < last - first; i++) f->narrow[first + i] = (uint32_t)values[i];
    if (!good) atomic_store_explicit(&f->work->overflow, true, memory_order_relaxed);
    return WG_OK;
}

/* True when every value is below 2^32: plain degrees. */
static bool is_narrow(const wgi_work *work, uint32_t vertex) {
    const wgi_work_vertex *v = &work->vertices[vertex];
    if (v->value.narrow != NULL || v->value.wide != NULL || v->child_count > 1) return false;
    for (uint32_t i = 0; i < v->child_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[v->children[i]];
        const wgi_node_values *below = &work->vertices[wgi_far_end(edge, vertex)].value;
        const wgi_reach reach = wgi_reach_of(work, edge, vertex);
        if (below->narrow != NULL || below->wide != NULL) return false;
        if (reach.label->sides[0]->entry_count + reach.label->sides[1]->entry_count > UINT32_MAX) return false;
    }
    return true;
}

static wg_code fold_vertex(wgi_work *work, uint32_t vertex, wg_error *err) {
    wgi_work_vertex *v = &work->vertices[vertex];
    const wg_exec_context *c = work->run->context;
    v->folded = true;
    if (v->child_count == 0) return WG_OK;
    fold f = {.work = work, .vertex = vertex};
    const uint64_t n = work->run->node_count;
    const size_t cell = is_narrow(work, vertex) ? sizeof *f.narrow : sizeof *f.wide;
    void *cells = wg_arena_alloc(&work->arena, (n + 1) * cell);
    if (cells == NULL) return wg_error_nomem(err, n * cell);
    if (cell == sizeof *f.narrow) f.narrow = cells;
    else f.wide = cells;
    const wg_pool_range range = {n, NODE_GRAIN, wg_pool_workers(c->pool), fold_nodes, &f};
    wg_pool_range limited = range;
    limited.workers = limited.workers > c->threads ? c->threads : limited.workers;
    WG_TRY(wg_pool_for(c->pool, &limited, err));
    v->value = (wgi_node_values){f.narrow, f.wide};
    v->child_count = 0;
    return WG_OK;
}

/* ---- one term */

typedef struct weight {
    uint32_t vertex;
    const wgi_node_counts *counts;
    bool once; /* a count of any number is 1 */
} weight;

/* Nodes with a loop that must not be there count as 0. */
static wg_code weigh_absent(wgi_work *work, const wg_pattern_edge *edge, wg_error *err) {
    wgi_work_vertex *v = &work->vertices[edge->from];
    const wgi_node_counts *loops = &wgi_pattern_label_of(work->run, edge->label)->loops;
    const uint64_t n = work->run->node_count;
    if (loops->count == 0) return WG_OK;
    uint64_t *wide = wg_arena_alloc(&work->arena, (n + 1) * sizeof *wide);
    if (wide == NULL) return wg_error_nomem(err, n * sizeof *wide);
    for (uint64_t node = 0; node < n; node++) wide[node] = wgi_node_value(&v->value, node);
    for (uint64_t i = 0; i < loops->count; i++) wide[loops->nodes[i]] = 0;
    v->value = (wgi_node_values){.wide = wide};
    return WG_OK;
}

/* The counts as values over the whole domain: made once for all terms and vertices that have the same. */
static wg_code take_narrow(wgi_pattern_run *run, const wgi_node_counts *counts, wgi_node_values *out, wg_error *err) {
    for (uint32_t i = 0; i < run->spread_count; i++)
        if (run->spread[i].of == counts->nodes) {
            *out = (wgi_node_values){.narrow = run->spread[i].values};
            return WG_OK;
        }
    uint32_t *narrow = wg_arena_alloc(&run->arena, (run->node_count + 1) * sizeof *narrow);
    if (narrow == NULL) return wg_error_nomem(err, run->node_count * sizeof *narrow);
    memset(narrow, 0, run->node_count * sizeof *narrow);
    for (uint64_t i = 0; i < counts->count; i++) narrow[counts->nodes[i]] = counts->counts[i];
    run->spread[run->spread_count].of = counts->nodes;
    run->spread[run->spread_count++].values = narrow;
    *out = (wgi_node_values){.narrow = narrow};
    return WG_OK;
}

/* Multiplies the value of a vertex by counts of nodes, over the whole domain. */
static wg_code weigh(wgi_work *work, const weight *by, wg_error *err) {
    wgi_work_vertex *v = &work->vertices[by->vertex];
    const wgi_node_counts *counts = by->counts;
    const uint64_t n = work->run->node_count;
    const bool first = v->value.narrow == NULL && v->value.wide == NULL;
    if (first && !by->once) return take_narrow(work->run, counts, &v->value, err);
    uint64_t *wide = wg_arena_alloc(&work->arena, (n + 1) * sizeof *wide);
    if (wide == NULL) return wg_error_nomem(err, n * sizeof *wide);
    memset(wide, 0, n * sizeof *wide);
    for (uint64_t i = 0; i < counts->count; i++) {
        const uint64_t before = wgi_node_value(&v->value, counts->nodes[i]);
        const uint64_t times = by->once ? 1 : counts->counts[i];
        if (__builtin_mul_overflow(before, times, &wide[counts->nodes[i]]))
            atomic_store_explicit(&work->overflow, true, memory_order_relaxed);
    }
    v->value = (wgi_node_values){.wide = wide};
    return WG_OK;
}

/* True when every node at that end of an edge stands in the counts, once: they restrict nothing then. Asked only where the ends
 * lie close together. */
static bool has_all_ends(const wgi_work *work, uint32_t vertex, const wgi_node_counts *counts) {
    for (uint32_t i = 0; i < work->term->edge_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[i];
        if (edge->kind != WG_PATTERN_REQUIRED || (edge->from != vertex && edge->to != vertex)) continue;
        const wgi_reach reach = wgi_reach_of(work, edge, vertex);
        const wg_adjacency_side *side = reach.label->sides[reach.first];
        if (reach.count != 1 || side->node_count > 4 * counts->count + FEW) continue;
        uint64_t at = 0, k = 0;
        for (; k < side->node_count; k++) {
            if (side->offsets[k] == side->offsets[k + 1]) continue;
            while (at < counts->count && counts->nodes[at] < side->node_min + k) at++;
            if (at == counts->count || counts->nodes[at] != side->node_min + k || counts->counts[at] != 1) break;
        }
        if (k == side->node_count) return true;
    }
    return false;
}

/* All that restricts the nodes of vertices: rows, and loops. Returns how many. */
static uint32_t list_weights(const wgi_work *work, weight *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < work->run->pattern->vertex_count; i++)
        if (work->run->pattern->vertices[i].rows != NULL &&
            !has_all_ends(work, work->term->class_of[i], &work->run->rows[i]))
            out[n++] = (weight){work->term->class_of[i], &work->run->rows[i], false};
    for (uint32_t i = 0; i < work->term->edge_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[i];
        if (edge->from == edge->to && edge->kind != WG_PATTERN_ABSENT)
            out[n++] = (weight){edge->from, &wgi_pattern_label_of(work->run, edge->label)->loops,
                                edge->kind == WG_PATTERN_EXISTS};
    }
    return n;
}

/* The vertex with few nodes becomes the root, and its list the nodes to start from; the other lists become values. */
static wg_code set_weights(wgi_work *work, bool *out_empty, wg_error *err) {
    weight weights[WG_PATTERN_VERTICES_MAX + WG_PATTERN_EDGES_MAX];
    const uint32_t n = list_weights(work, weights);
    uint32_t best = UINT32_MAX;
    *out_empty = false;
    for (uint32_t i = 0; i < n; i++) {
        if (weights[i].counts->count == 0) *out_empty = true;
        if (weights[i].once) continue; /* a list to start from has its counts */
        if (work->per_node != NULL && weights[i].vertex != work->term->class_of[work->run->group]) continue;
        if (best == UINT32_MAX || weights[i].counts->count < weights[best].counts->count) best = i;
    }
    if (*out_empty) return WG_OK;
    if (best != UINT32_MAX && weights[best].counts->count <= FEW) {
        work->root = weights[best].vertex;
        work->few = weights[best].counts;
    } else {
        best = UINT32_MAX;
    }
    for (uint32_t i = 0; i < n; i++)
        if (i != best) WG_TRY(weigh(work, &weights[i], err));
    for (uint32_t i = 0; i < work->term->edge_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[i];
        if (edge->from == edge->to && edge->kind == WG_PATTERN_ABSENT) WG_TRY(weigh_absent(work, edge, err));
    }
    return WG_OK;
}

static uint32_t edges_at(const wgi_work *work, uint32_t vertex, uint32_t *out_last) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < work->term->edge_count; i++) {
        const wg_pattern_edge *edge = &work->term->edges[i];
        if (edge->from == edge->to || (edge->from != vertex && edge->to != vertex)) continue;
        if (work->vertices[wgi_far_end(edge, vertex)].stripped) continue;
        *out_last = i;
        n++;
    }
    return n;
}

/* A tree is counted from an inner vertex; among several, from the one with most edges. */
static uint32_t choose_root(const wgi_work *work) {
    uint32_t alive = 0, edges = 0, best = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < work->term->edge_count; i++)
        edges += work->term->edges[i].from != work->term->edges[i].to;
    for (uint32_t i = 0; i < work->run->pattern->vertex_count; i++) {
        uint32_t last;
        if (!work->vertices[i].alive) continue;
        const uint32_t n = edges_at(work, i, &last);
        if (best == UINT32_MAX || n > most) {
            best = i;
            most = n;
        }
        alive++;
    }
    return edges + 1 == alive ? best : UINT32_MAX;
}

/* Takes leaves away until only the root, or cycles, are left; order[] has them as they went. */
static uint32_t strip(wgi_work *work, uint32_t *order) {
    uint32_t n = 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < work->run->pattern->vertex_count; i++) {
            wgi_work_vertex *v = &work->vertices[i];
            uint32_t edge;
            if (!v->alive || v->stripped || i == work->root || edges_at(work, i, &edge) != 1) continue;
            v->stripped = true;
            v->parent_edge = edge;
            wgi_work_vertex *parent = &work->vertices[wgi_far_end(&work->term->edges[edge], i)];
            parent->children[parent->child_count++] = edge;
            order[n++] = i;
            changed = true;
        }
    }
    return n;
}

static wg_code count_term(wgi_work *work, wg_u128 *out, wg_error *err) {
    uint32_t order[WG_PATTERN_VERTICES_MAX];
    bool empty;
    *out = 0;
    for (uint32_t i = 0; i < work->run->pattern->vertex_count; i++)
        work->vertices[i].alive = work->term->class_of[i] == i;
    work->root = UINT32_MAX;
    WG_TRY(set_weights(work, &empty, err));
    if (empty || work->run->node_count == 0) return WG_OK;
    if (work->per_node != NULL) work->root = work->term->class_of[work->run->group];
    else if (work->few == NULL) work->root = choose_root(work);
    const uint32_t n = strip(work, order);
    for (uint32_t i = n; i-- > 0;) {
        wgi_work_vertex *v = &work->vertices[order[i]];
        const uint32_t parent = wgi_far_end(&work->term->edges[v->parent_edge], order[i]);
        v->depth = work->vertices[parent].depth + 1;
    }
    for (uint32_t i = 0; i < n; i++) {
        const wgi_work_vertex *v = &work->vertices[order[i]];
        const bool listed = work->few != NULL && v->depth <= DEPTH_LISTED && v->child_count > 0;
        if (!listed) WG_TRY(fold_vertex(work, order[i], err));
    }
    return wgi_core_count(work, out, err);
}

static wg_code add_term(wgi_pattern_run *run, const wgi_term *term, wg_i128 *total, wg_error *err) {
    wgi_work *work = wg_arena_alloc(&run->arena, sizeof *work);
    if (work == NULL) return wg_error_nomem(err, sizeof *work);
    memset(work, 0, sizeof *work);
    work->run = run;
    work->term = term;
    work->per_node = run->per_node;
    wg_arena_init(&work->arena, run->context->account);
    wg_u128 count;
    const wg_code code = count_term(work, &count, err);
    wg_arena_deinit(&work->arena);
    WG_TRY(code);
    wg_i128 share;
    const wg_u128 most = (wg_u128)INT64_MAX << 60;
    if (atomic_load_explicit(&work->overflow, memory_order_relaxed) || count > most ||
        __builtin_mul_overflow((wg_i128)count, (wg_i128)term->coefficient, &share) ||
        __builtin_add_overflow(*total, share, total))
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "integer overflow in count()"),
                               WG_S_NUMERIC_RANGE);
    return WG_OK;
}

/* ---- running */

/* The first vertex that has the same rows. */
static uint32_t first_with_rows(const wg_pattern *p, uint32_t vertex) {
    uint32_t first = 0;
    while (p->vertices[first].rows != p->vertices[vertex].rows) first++;
    return first;
}

static wg_code run_rows(wgi_pattern_run *run, wg_rows **rows, wg_error *err) {
    for (uint32_t i = 0; i < run->pattern->vertex_count; i++)
        if (run->pattern->vertices[i].rows != NULL && first_with_rows(run->pattern, i) == i)
            WG_TRY(wgi_run_plan(run->pattern->vertices[i].rows, run->context, &rows[i], err));
    return WG_OK;
}

/* Whether making the adjacency is worth it: always, unless a vertex has few rows and little is near. */
static wg_code is_worth_making(const wgi_pattern_run *run, wg_rows *const *rows, uint32_t hops, bool *out,
                               wg_error *err) {
    enum { CHUNK = 256 };
    uint64_t edges[CHUNK], nodes[CHUNK];
    const wg_pattern *p = run->pattern;
    *out = true;
    for (uint32_t i = 0; i < p->vertex_count; i++) {
        if (rows[i] == NULL || rows[i]->row_count > FEW) continue;
        uint64_t near = 0, all = 0;
        for (uint32_t e = 0; e < p->edge_count; e++)
            for (uint32_t l = 0; l < p->edges[e].label_count; l++)
                all += wg_txn_label_row_estimate(run->context->txn, p->edges[e].labels[l]);
        const wg_vector v = wg_column_view(&rows[i]->columns[p->vertices[i].slot]);
        for (uint32_t e = 0; e < p->edge_count; e++) {
            const wg_pattern_edge *edge = &p->edges[e];
            if (edge->from != i && edge->to != i) continue;
            const wg_direction way = edge->undirected  ? WG_DIRECTION_BOTH
                                     : edge->from == i ? WG_DIRECTION_OUT
                                                       : WG_DIRECTION_IN;
            for (uint32_t r = 0; r < rows[i]->row_count && near * BUILD_SHARE <= all; r++) {
                uint64_t id;
                wg_expand_position position = {0};
                uint32_t n = CHUNK;
                if (!wgi_vector_id(&v, r, WG_TYPE_NODE, &id)) continue;
                while (n == CHUNK && near * BUILD_SHARE <= all) {
                    WG_TRY(wg_expand(run->context->txn, id, way, edge->labels, edge->label_count, &position, CHUNK,
                                     edges, nodes, &n, err));
                    near += (uint64_t)n * 8 * (hops - (hops > 1));
                }
            }
        }
        if (near * BUILD_SHARE <= all) *out = false;
    }
    return WG_OK;
}

static wg_code sort_sides(wgi_pattern_run *run, wg_error *err) {
    const wg_builders by = {run->context->pool, run->context->threads};
    for (uint32_t i = 0; i < run->label_count; i++) {
        wgi_pattern_label *l = &run->labels[i];
        if (l->adjacency == NULL) continue; /* a set is sorted */
        WG_TRY(wg_adjacency_sorted(l->adjacency, WG_DIRECTION_OUT, false, &by, &l->sorted[0], err));
        WG_TRY(wg_adjacency_sorted(l->adjacency, WG_DIRECTION_IN, false, &by, &l->sorted[1], err));
    }
    return WG_OK;
}

/* True when some term has two different ways between two vertices. */
static bool has_cycle(const wgi_pattern_run *run, const wgi_term *terms, uint32_t count) {
    for (uint32_t t = 0; t < count; t++) {
        uint32_t vertices = 0, edges = 0;
        for (uint32_t i = 0; i < run->pattern->vertex_count; i++) vertices += terms[t].class_of[i] == i;
        for (uint32_t i = 0; i < terms[t].edge_count; i++) edges += terms[t].edges[i].from != terms[t].edges[i].to;
        if (edges >= vertices) return true;
    }
    return false;
}

static wg_code count_terms(wgi_pattern_run *run, wg_i128 *total, wg_error *err) {
    wgi_term *terms;
    uint32_t count;
    WG_TRY(wgi_pattern_terms(run->pattern, &run->arena, &terms, &count, err));
    if (has_cycle(run, terms, count)) WG_TRY(sort_sides(run, err));
    for (uint32_t i = 0; i < count; i++) WG_TRY(add_term(run, &terms[i], total, err));
    return WG_OK;
}

/* Walks of no edges end where they begin: starts that no edge touches belong to the answer, so the domain grows to hold them. *out_has
 * false: their numbers are too large. */
static void take_starts(wgi_pattern_run *run, const wg_rows *rows, uint32_t slot, bool *out_has) {
    const wg_vector v = wg_column_view(&rows->columns[slot]);
    for (uint32_t i = 0; i < rows->row_count && *out_has; i++) {
        uint64_t id;
        if (!wgi_vector_id(&v, i, WG_TYPE_NODE, &id) || id < run->node_count) continue;
        *out_has = id < UINT32_MAX;
        if (*out_has) run->node_count = id + 1;
    }
}

/* Leaves the labels held; *out_has false: none are. */
static wg_code begin_run(wgi_pattern_run *run, uint32_t hops, bool empty_walks, bool *out_has, wg_error *err) {
    wg_rows *rows[WG_PATTERN_VERTICES_MAX] = {0};
    const wg_pattern *p = run->pattern;
    wg_code code = run_rows(run, rows, err);
    if (code == WG_OK) code = acquire_labels(run, false, out_has, err);
    if (code == WG_OK && !*out_has) {
        release_labels(run);
        code = is_worth_making(run, rows, hops, out_has, err);
        if (code == WG_OK && *out_has) code = acquire_labels(run, true, out_has, err);
        if (code == WG_OK && !*out_has) release_labels(run);
    }
    if (code == WG_OK && *out_has && empty_walks && rows[0] != NULL) {
        take_starts(run, rows[0], p->vertices[0].slot, out_has);
        if (!*out_has) release_labels(run);
    }
    for (uint32_t i = 0; i < p->vertex_count && code == WG_OK && *out_has; i++)
        if (rows[i] != NULL) code = count_nodes(run, rows[i], p->vertices[i].slot, &run->rows[i], err);
    for (uint32_t i = 0; i < p->vertex_count; i++)
        if (p->vertices[i].rows != NULL) run->rows[i] = run->rows[first_with_rows(p, i)];
    for (uint32_t i = 0; i < WG_PATTERN_VERTICES_MAX; i++) wg_rows_destroy(rows[i]);
    return code;
}

void wgi_pattern_end(wgi_pattern_run *run) {
    release_labels(run);
    wg_arena_deinit(&run->arena);
    wg_free(run);
}

wg_code wgi_pattern_begin(const wg_plan *plan, const wg_exec_context *context, wgi_pattern_run **out, bool *out_has,
                          wg_error *err) {
    wgi_pattern_run *run = wg_alloc_zero(context->account, sizeof *run);
    if (run == NULL) return wg_error_nomem(err, sizeof *run);
    wg_arena_init(&run->arena, context->account);
    run->context = context;
    run->pattern = plan->pattern;
    *out_has = false;
    const uint32_t hops = plan->hops_max > 0 ? plan->hops_max : plan->pattern->edge_count;
    const bool empty_walks = plan->hops_max > 0 && plan->hops_min == 0;
    const wg_code code = begin_run(run, hops, empty_walks, out_has, err);
    if (code != WG_OK) {
        wgi_pattern_end(run);
        return code;
    }
    *out = run;
    return WG_OK;
}

wg_code wgi_count_row(const wg_plan *plan, const wg_exec_context *context, wg_i128 total, wg_rows **out,
                      wg_error *err) {
    wg_rows *rows;
    WG_ASSERT(total >= 0);
    if (total > INT64_MAX)
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "integer overflow in count()"),
                               WG_S_NUMERIC_RANGE);
    const wg_value value = wg_value_int((int64_t)total);
    WG_TRY(wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &rows, err));
    for (uint32_t i = 0; i < plan->slot_count; i++)
        if (!wg_column_append_value(&rows->columns[i], &value)) {
            wg_rows_destroy(rows);
            return wg_error_nomem(err, sizeof value);
        }
    rows->row_count = 1;
    *out = rows;
    return WG_OK;
}

/* A row for each node that some match has. */
static wg_code group_rows(const wgi_pattern_run *run, const wg_plan *plan, wg_rows **out, wg_error *err) {
    wg_rows *rows;
    uint32_t n = 0;
    for (uint64_t i = 0; i < run->node_count; i++) {
        if (run->per_node[i] > INT64_MAX)
            return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "integer overflow in count()"),
                                   WG_S_NUMERIC_RANGE);
        n += run->per_node[i] != 0;
    }
    WG_TRY(wgi_rows_create(plan->slot_types, 2, run->context->account, &rows, err));
    if (!wg_column_reserve(&rows->columns[0], n) || !wg_column_reserve(&rows->columns[1], n)) {
        wg_rows_destroy(rows);
        return wg_error_nomem(err, (size_t)n * 16);
    }
    uint64_t *nodes = rows->columns[0].data;
    int64_t *counts = rows->columns[1].data;
    uint32_t at = 0;
    for (uint64_t i = 0; i < run->node_count; i++) {
        if (run->per_node[i] == 0) continue;
        nodes[at] = i;
        counts[at++] = (int64_t)run->per_node[i];
    }
    rows->columns[0].row_count = rows->columns[1].row_count = n;
    rows->row_count = n;
    *out = rows;
    return WG_OK;
}

static wg_code count_groups(wgi_pattern_run *run, const wg_plan *plan, wg_rows **out, wg_error *err) {
    wg_i128 total = 0;
    const size_t bytes = (run->node_count + 1) * sizeof *run->per_node;
    run->group = plan->slot;
    run->per_node = wg_arena_alloc(&run->arena, bytes);
    if (run->per_node == NULL) return wg_error_nomem(err, bytes);
    memset(run->per_node, 0, bytes);
    WG_TRY(count_terms(run, &total, err));
    return group_rows(run, plan, out, err);
}

wg_code wgi_run_pattern_count(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wgi_pattern_run *run;
    bool has;
    wg_i128 total = 0;
    WG_TRY(wgi_pattern_begin(plan, context, &run, &has, err));
    wg_code code = WG_OK;
    if (has && plan->grouped) code = count_groups(run, plan, out, err);
    else if (has) code = count_terms(run, &total, err);
    wgi_pattern_end(run);
    if (code == WG_E_CAPACITY)
        has = false; /* lists that would have to be sorted do not fit: nothing is left but listing */
    else WG_TRY(code);
    if (has && plan->grouped) return WG_OK;
    return has ? wgi_count_row(plan, context, total, out, err) : wgi_run_plan(plan->fallback, context, out, err);
}
