/* Statistics of an edge label from its sample.
 *
 * A sampled edge meets a node of degree d with a chance that is proportional to d, so with E edges and n samples the mean of 1 / d over the
 * samples times E estimates how many nodes have edges, and the mean of d times E the sum of the squared degrees. When every edge is in the sample
 * the degrees are counted in it and nothing is estimated. Otherwise they are looked up for PICKS samples, up to DEGREE_CAP visible edges each;
 * beyond that a degree is what the frequency of the node in the whole sample says. All of it is arithmetic on sorted numbers in one
 * order, so equal samples give equal bits. */
#include <stdlib.h>

#include "engine/statistics_internal.h"

enum { PICKS = 256, DEGREE_CAP = 128, PAIRS_MAX = 256 };

typedef struct run {
    uint64_t node;
    uint32_t count; /* of sampled edges */
} run;

static int by_number(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The nodes of one side with their frequencies, ascending. */
static wg_code count_nodes(const wgi_sample *s, wg_direction direction, wg_arena *arena, run **out,
                           uint32_t *out_count, wg_error *err) {
    uint64_t *nodes = wg_arena_alloc(arena, ((size_t)s->count + 1) * sizeof *nodes);
    run *runs = wg_arena_alloc(arena, ((size_t)s->count + 1) * sizeof *runs);
    if (nodes == NULL || runs == NULL) return wg_error_nomem(err, s->count * sizeof *runs);
    for (uint32_t i = 0; i < s->count; i++)
        nodes[i] = direction == WG_DIRECTION_OUT ? s->rows[i].from : s->rows[i].to;
    if (s->count > 1) qsort(nodes, s->count, sizeof *nodes, by_number);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        if (n > 0 && runs[n - 1].node == nodes[i]) runs[n - 1].count++;
        else runs[n++] = (run){nodes[i], 1};
    }
    *out = runs;
    *out_count = n;
    return WG_OK;
}

static void add_degree(wg_degree_statistics *d, double degree, double nodes) {
    uint32_t class = 0;
    for (double bound = 2; bound <= degree && class + 1 < WG_DEGREE_CLASSES; bound *= 2) class ++;
    d->nodes += nodes;
    d->sum_squares += nodes * degree * degree;
    d->classes[class] += nodes;
    if (degree > d->maximum) d->maximum = degree;
}

typedef struct picking {
    const wg_txn *reader;
    uint32_t label;
    wg_direction direction;
    const wg_topology *topology; /* NULL: not all of its edges are visible */
} picking;

/* When the reader sees as many edges as adjacency has ever known it sees all of them, and degrees need no look at the edges. */
static const wg_topology *topology_when_whole(const wg_txn *reader, uint32_t label, const wgi_sample *s) {
    const wgi_label_state *state = wgi_label_state_at(reader->engine, label);
    if (state == NULL || state->topology == NULL) return NULL;
    return wg_topology_edge_count(state->topology) == s->live ? state->topology : NULL;
}

/* Visible edges of the node, at most DEGREE_CAP. */
static wg_code visible_degree(const picking *p, uint64_t node, uint32_t *out, wg_error *err) {
    uint64_t edges[DEGREE_CAP], neighbours[DEGREE_CAP];
    wg_expand_position position = {0};
    uint64_t degree = 0;
    *out = 0;
    if (p->topology == NULL)
        return wg_expand(p->reader, node, p->direction, &p->label, 1, &position, DEGREE_CAP, edges, neighbours, out,
                         err);
    WG_TRY(wg_topology_degree(p->topology, p->direction, node, &degree, err));
    *out = (uint32_t)wg_min_u64(degree, DEGREE_CAP);
    return WG_OK;
}

static uint32_t frequency(const run *runs, uint32_t count, uint64_t node) {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (runs[middle].node < node) low = middle + 1;
        else high = middle;
    }
    return low < count && runs[low].node == node ? runs[low].count : 0;
}

static wg_code degrees_of_picks(const wg_txn *reader, uint32_t label, const wgi_sample *s, wg_direction direction,
                                const run *runs, uint32_t run_count, wg_degree_statistics *out, wg_error *err) {
    const uint32_t picks = s->count < PICKS ? s->count : PICKS;
    const double edges_of_pick = (double)s->live / picks;
    const double edges_of_sample = (double)s->live / s->count;
    const picking p = {reader, label, direction, topology_when_whole(reader, label, s)};
    for (uint32_t i = 0; i < picks; i++) {
        const wgi_sampled *row = &s->rows[(uint64_t)i * s->count / picks];
        const uint64_t node = direction == WG_DIRECTION_OUT ? row->from : row->to;
        uint32_t seen = 0;
        WG_TRY(visible_degree(&p, node, &seen, err));
        double degree = seen > 0 ? seen : 1;
        if (seen == DEGREE_CAP) {
            const double by_frequency = frequency(runs, run_count, node) * edges_of_sample;
            if (by_frequency > degree) degree = by_frequency;
        }
        add_degree(out, degree, edges_of_pick / degree);
    }
    return WG_OK;
}

static wg_code degrees(const wg_txn *reader, uint32_t label, const wgi_sample *s, wg_direction direction,
                       wg_arena *arena, wg_degree_statistics *out, wg_error *err) {
    run *runs = NULL;
    uint32_t count = 0;
    *out = (wg_degree_statistics){0};
    if (s->count == 0) return WG_OK;
    WG_TRY(count_nodes(s, direction, arena, &runs, &count, err));
    if (s->shift == 0) {
        for (uint32_t i = 0; i < count; i++) add_degree(out, runs[i].count, 1);
    } else {
        WG_TRY(degrees_of_picks(reader, label, s, direction, runs, count, out, err));
    }
    if (out->nodes > 0) out->average = (double)s->live / out->nodes;
    return WG_OK;
}

/* ---- labels of the ends */

typedef struct end_labels {
    const uint32_t *labels;
    uint32_t count;
} end_labels;

static wg_code labels_of_node(const wg_txn *reader, uint64_t id, end_labels *out, wg_error *err) {
    *out = (end_labels){0};
    if (wg_id_is_virtual(id)) {
        const wg_partition *p = wg_catalog_partition(reader->engine->catalog, wgi_virtual_partition(id));
        if (p != NULL) *out = (end_labels){&p->label, 1};
        return WG_OK;
    }
    wgi_place at;
    WG_TRY(wgi_version(reader->engine, false, reader->view, id, &at, err));
    if (at.table != NULL) *out = (end_labels){at.table->labels, at.table->label_count};
    return WG_OK;
}

static int compare_labels(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count) {
    for (uint32_t i = 0; i < a_count && i < b_count; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return (a_count > b_count) - (a_count < b_count);
}

static int compare_pairs(const void *a, const void *b) {
    const wg_end_pair *x = a, *y = b;
    const int order = compare_labels(x->from, x->from_count, y->from, y->from_count);
    return order != 0 ? order : compare_labels(x->to, x->to_count, y->to, y->to_count);
}

static bool add_pair(wg_end_pair *pairs, uint32_t *count, const end_labels *from, const end_labels *to,
                     double share) {
    const wg_end_pair pair = {from->labels, to->labels, from->count, to->count, share};
    for (uint32_t i = 0; i < *count; i++) {
        if (compare_pairs(&pairs[i], &pair) != 0) continue;
        pairs[i].share += share;
        return true;
    }
    if (*count == PAIRS_MAX) return false; /* the rarest of very many: no share of it is known */
    pairs[(*count)++] = pair;
    return true;
}

static wg_code count_pairs(const wg_txn *reader, const wgi_sample *s, wg_arena *arena, wg_edge_statistics *out,
                           wg_error *err) {
    wg_end_pair *pairs = wg_arena_alloc(arena, PAIRS_MAX * sizeof *pairs);
    if (pairs == NULL) return wg_error_nomem(err, PAIRS_MAX * sizeof *pairs);
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        end_labels from, to;
        WG_TRY(labels_of_node(reader, s->rows[i].from, &from, err));
        WG_TRY(labels_of_node(reader, s->rows[i].to, &to, err));
        (void)add_pair(pairs, &count, &from, &to, 1.0);
    }
    for (uint32_t i = 0; i < count; i++) pairs[i].share /= s->count;
    if (count > 1) qsort(pairs, count, sizeof *pairs, compare_pairs);
    out->pairs = pairs;
    out->pair_count = count;
    return WG_OK;
}

wg_code wgi_edges_compute(const wg_txn *reader, const wg_label *label, wg_arena *arena, wg_edge_statistics *out,
                          wg_error *err) {
    wg_arena own;
    wgi_sample s;
    wg_edge_statistics result = {0};
    wg_arena_init(&own, arena->account);
    wg_code code = wgi_sample_label(reader, label, &own, &s, err);
    if (code == WG_OK) {
        result.edges = s.shift == 0 ? (double)s.count : (double)s.live;
        result.exact = s.shift == 0;
        if (s.shift == 0) s.live = s.count;
        code = degrees(reader, label->number, &s, WG_DIRECTION_OUT, &own, &result.out, err);
    }
    if (code == WG_OK) code = degrees(reader, label->number, &s, WG_DIRECTION_IN, &own, &result.in, err);
    if (code == WG_OK) code = count_pairs(reader, &s, &own, &result, err);
    if (code == WG_OK && !wgi_edges_copy(arena, &result, out)) code = wg_error_nomem(err, sizeof *out);
    wg_arena_deinit(&own);
    return code;
}

bool wgi_edges_copy(wg_arena *arena, const wg_edge_statistics *from, wg_edge_statistics *out) {
    wg_end_pair *pairs = wg_arena_alloc(arena, ((size_t)from->pair_count + 1) * sizeof *pairs);
    if (pairs == NULL) return false;
    for (uint32_t i = 0; i < from->pair_count; i++) {
        pairs[i] = from->pairs[i];
        uint32_t *labels =
            wg_arena_alloc(arena, ((size_t)pairs[i].from_count + pairs[i].to_count + 1) * sizeof *labels);
        if (labels == NULL) return false;
        if (pairs[i].from_count > 0) memcpy(labels, pairs[i].from, pairs[i].from_count * sizeof *labels);
        if (pairs[i].to_count > 0)
            memcpy(labels + pairs[i].from_count, pairs[i].to, pairs[i].to_count * sizeof *labels);
        pairs[i].from = labels;
        pairs[i].to = labels + pairs[i].from_count;
    }
    *out = *from;
    out->pairs = pairs;
    return true;
}

static bool has_all(const uint32_t *labels, uint32_t count, const uint32_t *wanted, uint32_t wanted_count) {
    for (uint32_t i = 0; i < wanted_count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < count && !found; k++) found = labels[k] == wanted[i];
        if (!found) return false;
    }
    return true;
}

double wg_edge_statistics_share(const wg_edge_statistics *statistics, const uint32_t *from, uint32_t from_count,
                                const uint32_t *to, uint32_t to_count) {
    double share = 0;
    for (uint32_t i = 0; i < statistics->pair_count; i++) {
        const wg_end_pair *p = &statistics->pairs[i];
        if (has_all(p->from, p->from_count, from, from_count) && has_all(p->to, p->to_count, to, to_count))
            share += p->share;
    }
    return share;
}
