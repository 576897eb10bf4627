/* REACH: the different nodes at the far end of a path pattern, or of walks along one edge label, in ascending order of ids.
 *
 * A path is followed level by level with a bitmap of the nodes that are there. Where two edges in a row must differ, each node keeps one edge
 * by which it was reached, and whether there was another: the next edge then differs from one of them unless it is the only one. (The
 * planner takes no path in which an edge must differ from more than one neighbour in the row.)
 *
 * Walks of hops_min..hops_max edges that use no edge twice, hops_min <= 1, are found breadth-first. The set is the same: a node at a distance d
 * from the set of starts, 0 < d <= hops_max, is reached by a shortest walk, which meets no node twice and so no edge. A start itself is reached
 * when an edge leads to it from a node u at a distance below hops_max: along a shortest walk to u, whose edges lead to no start, so that the
 * last one is new. That argument needs directed edges; without direction the planner asks for hops_min = 0, where all starts belong.
 *
 * What has no adjacency is listed by plan->fallback, and then put into the same order. */
#include <stdlib.h>

#include "exec/pattern_internal.h"

typedef struct reach_run {
    wgi_pattern_run *run;
    uint32_t *nodes; /* of the level at hand */
    uint64_t count;
    uint64_t *seen;     /* bitmap of the level that is made */
    uint32_t *arrivals; /* one edge for each node of the level; NULL: nobody asks */
    uint64_t *several;  /* nodes with another one */
    uint64_t *found;    /* the answer */
    uint64_t steps;
} reach_run;

static bool has_bit(const uint64_t *bits, uint64_t i) { return (bits[i / 64] >> (i % 64)) & 1; }
static void set_bit(uint64_t *bits, uint64_t i) { bits[i / 64] |= UINT64_C(1) << (i % 64); }

static wg_code new_bitmap(const reach_run *r, uint64_t **out, wg_error *err) {
    const size_t bytes = (r->run->node_count / 64 + 1) * sizeof(uint64_t);
    *out = wg_arena_alloc(&r->run->arena, bytes);
    if (*out == NULL) return wg_error_nomem(err, bytes);
    memset(*out, 0, bytes);
    return WG_OK;
}

static uint64_t count_bits(const reach_run *r, const uint64_t *bits) {
    const uint64_t words = r->run->node_count / 64 + 1;
    uint64_t n = 0;
    for (uint64_t i = 0; i < words; i++) n += (uint64_t)__builtin_popcountll(bits[i]);
    return n;
}

static wg_code take_bits(reach_run *r, const uint64_t *bits, wg_error *err) {
    const uint64_t words = r->run->node_count / 64 + 1;
    const uint64_t n = count_bits(r, bits);
    r->nodes = wg_arena_alloc(&r->run->arena, (n + 1) * sizeof *r->nodes);
    if (r->nodes == NULL) return wg_error_nomem(err, n * sizeof *r->nodes);
    r->count = 0;
    for (uint64_t i = 0; i < words; i++)
        for (uint64_t left = bits[i]; left != 0; left &= left - 1)
            r->nodes[r->count++] = (uint32_t)(i * 64 + (uint64_t)__builtin_ctzll(left));
    return WG_OK;
}

static wg_code check_steps(reach_run *r, uint64_t more, wg_error *err) {
    enum { CHECK_STEPS = 1 << 20 };
    r->steps += more + 1;
    if (r->steps < CHECK_STEPS) return WG_OK;
    r->steps = 0;
    return wgi_check(r->run->context, err);
}

/* ---- paths */

typedef struct path_step {
    wgi_reach reach;
    bool differs;       /* from the edge before */
    uint32_t *arrivals; /* of the level that is made; NULL: the edge after it may be the same */
    uint64_t *several;
    const uint64_t *wanted; /* nodes that the next vertex may be; NULL: any */
} path_step;

static void arrive(reach_run *r, const path_step *s, uint32_t node, uint32_t edge) {
    if (s->wanted != NULL && !has_bit(s->wanted, node)) return;
    if (!has_bit(r->seen, node)) {
        set_bit(r->seen, node);
        if (s->arrivals != NULL) s->arrivals[node] = edge;
    } else if (s->arrivals != NULL && s->arrivals[node] != edge) {
        set_bit(s->several, node);
    }
}

/* Asks for the lists of the nodes that come next. */
static void fetch_ahead(const reach_run *r, const wgi_reach *reach, uint64_t i) {
    enum { AHEAD = 16 };
    const wg_adjacency_side *side = reach->label->sides[reach->first];
    if (i + AHEAD >= r->count) return;
    const uint64_t far = r->nodes[i + AHEAD] - side->node_min, near = r->nodes[i + AHEAD / 2] - side->node_min;
    if (far < side->node_count) __builtin_prefetch(&side->offsets[far]);
    if (near < side->node_count) __builtin_prefetch(&side->neighbours[side->offsets[near]]);
}

static wg_code follow(reach_run *r, const path_step *s, wg_error *err) {
    for (uint64_t i = 0; i < r->count; i++) {
        const uint32_t from = r->nodes[i];
        fetch_ahead(r, &s->reach, i);
        const bool one = s->differs && !has_bit(r->several, from);
        for (uint32_t l = 0; l < s->reach.count; l++) {
            const wg_adjacency_side *side = s->reach.label->sides[s->reach.first + l];
            uint64_t count;
            const uint64_t first = wg_adjacency_span(side, from, &count);
            WG_TRY(check_steps(r, count, err));
            if (!one && l == 0 && s->arrivals == NULL && s->wanted == NULL) {
                for (uint64_t k = first; k < first + count; k++) set_bit(r->seen, side->neighbours[k]);
                continue;
            }
            for (uint64_t k = first; k < first + count; k++) {
                const uint32_t edge = side->edges == NULL ? 0 : side->edges[k];
                if ((l == 1 && side->neighbours[k] == from) || (one && r->arrivals[from] == edge)) continue;
                arrive(r, s, side->neighbours[k], edge);
            }
        }
    }
    return WG_OK;
}

static bool must_differ(const reach_run *r, uint32_t edge) {
    const wg_pattern *p = r->run->pattern;
    if (edge == 0 || edge >= p->edge_count) return false;
    const wg_pattern_edge *x = &p->edges[edge - 1], *y = &p->edges[edge];
    for (uint32_t i = 0; i < p->unlike_count; i++) {
        if (!p->unlikes[i].is_edges || p->unlikes[i].a != edge - 1 || p->unlikes[i].b != edge) continue;
        /* one after the other in one direction, only a loop can be both */
        const bool in_a_row = !x->undirected && !y->undirected && (x->to == y->from || x->from == y->to);
        return !in_a_row || wgi_pattern_label_of(r->run, x->label)->loops.count > 0;
    }
    return false;
}

static wg_code run_path(reach_run *r, wg_error *err) {
    const wg_pattern *p = r->run->pattern;
    for (uint32_t e = 0; e < p->edge_count; e++) {
        path_step s = {.reach = wgi_pattern_reach_of(r->run, &p->edges[e], e), .differs = must_differ(r, e)};
        uint64_t *wanted = NULL;
        if (p->vertices[e + 1].rows != NULL) {
            const wgi_node_counts *rows = &r->run->rows[e + 1];
            WG_TRY(new_bitmap(r, &wanted, err));
            for (uint64_t i = 0; i < rows->count; i++) set_bit(wanted, rows->nodes[i]);
        }
        s.wanted = wanted;
        if (must_differ(r, e + 1)) {
            s.arrivals = wg_arena_alloc(&r->run->arena, r->run->node_count * sizeof *s.arrivals);
            if (s.arrivals == NULL) return wg_error_nomem(err, r->run->node_count * sizeof *s.arrivals);
            WG_TRY(new_bitmap(r, &s.several, err));
        }
        WG_TRY(new_bitmap(r, &r->seen, err));
        WG_TRY(follow(r, &s, err));
        r->arrivals = s.arrivals;
        r->several = s.several;
        r->found = r->seen;
        if (e + 1 < p->edge_count) WG_TRY(take_bits(r, r->seen, err));
    }
    return WG_OK;
}

/* ---- walks */

static wg_code meet_neighbours(reach_run *r, const wgi_reach *reach, uint32_t from, uint64_t *result,
                               wgi_node_counts *next, wg_error *err) {
    for (uint32_t l = 0; l < reach->count; l++) {
        const wg_adjacency_side *side = reach->label->sides[reach->first + l];
        uint64_t count;
        const uint64_t first = wg_adjacency_span(side, from, &count);
        WG_TRY(check_steps(r, count, err));
        for (uint64_t k = first; k < first + count; k++) {
            const uint32_t node = side->neighbours[k];
            set_bit(result, node);
            if (has_bit(r->seen, node)) continue;
            set_bit(r->seen, node);
            next->nodes[next->count++] = node;
        }
    }
    return WG_OK;
}

static wg_code run_walks(reach_run *r, const wg_plan *plan, wg_error *err) {
    const wgi_reach reach = wgi_pattern_reach_of(r->run, &plan->pattern->edges[0], 0);
    uint64_t *result;
    WG_TRY(new_bitmap(r, &result, err));
    WG_TRY(new_bitmap(r, &r->seen, err));
    uint32_t *queue = wg_arena_alloc(&r->run->arena, (r->run->node_count + 1) * sizeof *queue);
    if (queue == NULL) return wg_error_nomem(err, r->run->node_count * sizeof *queue);
    wgi_node_counts next = {.nodes = queue};
    for (uint64_t i = 0; i < r->count; i++) {
        set_bit(r->seen, r->nodes[i]);
        if (plan->hops_min == 0) set_bit(result, r->nodes[i]);
        queue[next.count++] = r->nodes[i];
    }
    uint64_t at = 0;
    for (uint32_t hop = 0; hop < plan->hops_max && at < next.count; hop++)
        for (const uint64_t end = next.count; at < end; at++)
            WG_TRY(meet_neighbours(r, &reach, queue[at], result, &next, err));
    r->found = result;
    return WG_OK;
}

/* ---- running */

/* Edge ids, where one edge of a path must not be the one before. *out_has false: they do not fit. */
static wg_code need_edges(const reach_run *r, bool *out_has, wg_error *err) {
    const wg_exec_context *c = r->run->context;
    const wg_builders by = {c->pool, c->threads};
    bool some = false;
    *out_has = true;
    for (uint32_t e = 1; e < r->run->pattern->edge_count; e++) some = some || must_differ(r, e);
    for (uint32_t i = 0; i < r->run->label_count && some && *out_has; i++) {
        wgi_pattern_label *l = &r->run->labels[i];
        if (l->adjacency == NULL) continue; /* a set has them */
        WG_TRY(wg_adjacency_edges(l->adjacency, c->txn, l->label, WG_DIRECTION_BOTH, &by, out_has, err));
        l->sides[0] = wg_adjacency_get(l->adjacency, WG_DIRECTION_OUT);
        l->sides[1] = wg_adjacency_get(l->adjacency, WG_DIRECTION_IN);
    }
    return WG_OK;
}

static wg_code reach(const wg_plan *plan, reach_run *r, wg_error *err) {
    r->nodes = r->run->rows[0].nodes;
    r->count = r->run->rows[0].count;
    return plan->hops_max > 0 ? run_walks(r, plan, err) : run_path(r, err);
}

static int compare_ids(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The rows of the plan that lists, by id; nulls cannot be: a match has a node. */
static wg_code list(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    WG_TRY(wgi_run_plan(plan->fallback, context, out, err));
    wg_column *column = &(*out)->columns[0];
    if (column->row_count > 0) qsort(column->data, column->row_count, sizeof(uint64_t), compare_ids);
    return WG_OK;
}

static wg_code rows_of(const wg_plan *plan, const wg_exec_context *context, reach_run *r, wg_rows **out,
                       wg_error *err) {
    wg_rows *rows;
    WG_TRY(take_bits(r, r->found, err));
    WG_TRY(wgi_rows_create(plan->slot_types, 1, context->account, &rows, err));
    if (!wg_column_reserve(&rows->columns[0], (uint32_t)r->count)) {
        wg_rows_destroy(rows);
        return wg_error_nomem(err, r->count * sizeof(uint64_t));
    }
    uint64_t *to = rows->columns[0].data;
    for (uint64_t i = 0; i < r->count; i++) to[i] = r->nodes[i];
    rows->columns[0].row_count = (uint32_t)r->count;
    rows->row_count = r->count;
    *out = rows;
    return WG_OK;
}

static wg_code answer(const wg_plan *plan, const wg_exec_context *context, reach_run *r, wg_rows **out,
                      wg_error *err) {
    if (plan->aggregate_count == 0) return rows_of(plan, context, r, out, err);
    return wgi_count_row(plan, context, (wg_i128)count_bits(r, r->found), out, err);
}

static wg_code list_answer(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *rows;
    WG_TRY(list(plan, context, &rows, err));
    if (plan->aggregate_count == 0) {
        *out = rows;
        return WG_OK;
    }
    const wg_code code = wgi_count_row(plan, context, (wg_i128)rows->row_count, out, err);
    wg_rows_destroy(rows);
    return code;
}

wg_code wgi_run_reach(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    reach_run r = {0};
    bool has = false;
    WG_TRY(wgi_pattern_begin(plan, context, &r.run, &has, err));
    wg_code code = has && plan->hops_max == 0 ? need_edges(&r, &has, err) : WG_OK;
    if (code == WG_OK) code = has ? reach(plan, &r, err) : list_answer(plan, context, out, err);
    if (code == WG_OK && has) code = answer(plan, context, &r, out, err);
    wgi_pattern_end(r.run);
    return code;
}
