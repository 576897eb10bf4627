/* See repetitions.h. A repetition is found step by step: the edges of every beginning that is left, in the order of their ids, asked by the
 * filter of the step. Beginnings stand in the order of their ids, so that repetitions do. Memory is charged to the query's account. */
#include "exec/repetitions.h"

#include <stdlib.h>

enum { CHUNK = 256, CHECK_STEPS = 1024, KEPT_BYTES_MAX = 64 << 20, TABLE_LEAST = 64 };

typedef struct span {
    uint64_t node;
    uint32_t first, count;
} span;

typedef struct candidate {
    uint64_t edge, node;
} candidate;

static bool reads_row(const wg_expr *e, uint32_t width) {
    if (e == NULL) return false;
    if (e->kind == WG_EXPR_SLOT) return e->slot < width;
    if (e->kind == WG_EXPR_RANDOM) return true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (reads_row(e->args[i], width)) return true;
    return false;
}

void wgi_repetitions_init(wgi_repetitions *r, const wg_plan *plan, wgi_eval *eval, wg_account *account) {
    const uint32_t width = plan->children[0]->slot_count;
    *r = (wgi_repetitions){.plan = plan, .eval = eval, .edges = plan->step_count > 0 ? plan->step_count : 1};
    wg_arena_init(&r->step_eval.arena, account);
    wg_buf *const bufs[] = {&r->ids, &r->spans, &r->table, &r->candidates, &r->partial[0], &r->partial[1]};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) wg_buf_init(bufs[i], account);
    r->by_row = plan->unique_edge_slot_count > 0;
    for (uint32_t i = 0; i < plan->expr_count; i++) r->by_row = r->by_row || reads_row(plan->exprs[i], width);
    for (uint32_t i = 0; i < plan->step_count; i++) r->by_row = r->by_row || reads_row(plan->steps[i].filter, width);
}

void wgi_repetitions_deinit(wgi_repetitions *r) {
    wg_buf *const bufs[] = {&r->ids, &r->spans, &r->table, &r->candidates, &r->partial[0], &r->partial[1]};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) wg_buf_deinit(bufs[i]);
    wgi_eval_deinit(&r->step_eval);
}

void wgi_repetitions_begin(wgi_repetitions *r, const wg_batch *batch, uint32_t row, const wg_vector *wanted,
                           bool *out_forgotten) {
    r->batch = batch;
    r->row = row;
    r->wanted = wanted;
    r->step_eval.context = r->eval->context;
    *out_forgotten = r->by_row || r->ids.size > KEPT_BYTES_MAX;
    if (!*out_forgotten) return;
    r->ids.size = r->spans.size = 0;
    if (r->table.size > 0) memset(r->table.data, 0, r->table.size);
}

/* ---- nodes that were asked for */

static const span *span_at(const wgi_repetitions *r, uint32_t i) {
    return (const span *)(const void *)r->spans.data + i;
}

static uint64_t mix(uint64_t v) {
    v = (v ^ (v >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return v ^ (v >> 29);
}

static uint32_t *slot_of(const wgi_repetitions *r, uint64_t node) {
    uint32_t *table = (uint32_t *)(void *)r->table.data;
    const uint64_t mask = r->table.size / 4 - 1;
    uint64_t at = mix(node) & mask;
    while (table[at] != 0 && span_at(r, table[at] - 1)->node != node) at = (at + 1) & mask;
    return &table[at];
}

static wg_code make_room(wgi_repetitions *r, wg_error *err) {
    const size_t count = r->spans.size / sizeof(span);
    if (r->table.size > 0 && (count + 1) * 8 <= r->table.size) return WG_OK;
    const size_t slots = r->table.size == 0 ? TABLE_LEAST : r->table.size / 2;
    r->table.size = 0;
    if (!wg_buf_reserve(&r->table, slots * 4)) return wg_error_nomem(err, slots * 4);
    r->table.size = slots * 4;
    memset(r->table.data, 0, slots * 4);
    for (uint32_t i = 0; i < count; i++) *slot_of(r, span_at(r, i)->node) = i + 1;
    return WG_OK;
}

/* ---- finding */

static int compare_candidates(const void *left, const void *right) {
    const candidate *a = left, *b = right;
    return a->edge < b->edge ? -1 : a->edge > b->edge;
}

/* Whether the mode lets a repetition that is `body` as far as step `step` go over the edge to the node. */
static bool may_follow(const wgi_repetitions *r, const uint64_t *body, uint32_t step, const candidate *c) {
    const wg_walk_mode mode = r->plan->walk_mode;
    if (mode == WG_WALK_ANY) return true;
    for (uint32_t i = 0; i < step; i++)
        if (body[2 * i + 1] == c->edge) return false;
    if (mode == WG_WALK_TRAIL) return true;
    const bool closes =
        mode == WG_WALK_SIMPLE && step + 1 == r->edges; /* the whole walk must be this repetition then */
    for (uint32_t i = closes ? 1 : 0; i <= step; i++)
        if (body[2 * i] == c->node) return false;
    return true;
}

static wg_code fits(wgi_repetitions *r, uint64_t edge, bool *out, wg_error *err) {
    *out = !wgi_edge_is_used(r->plan, r->batch, r->row, edge);
    for (uint32_t i = 0; i < r->plan->expr_count && *out; i++) {
        const wg_value wanted = wg_vector_value(&r->wanted[i], r->row);
        wg_value has;
        WG_TRY(wgi_read_property(r->eval, true, edge, r->plan->edge_keys[i], &has, err));
        *out = wg_value_equal(&has, &wanted) == 1;
    }
    return WG_OK;
}

/* The edges that step `number` may take behind `body`, as candidate[] by id. */
static wg_code find_candidates(wgi_repetitions *r, const uint64_t *body, uint32_t number, wg_error *err) {
    const wg_plan *plan = r->plan;
    const wg_walk_step plain = {
        .direction = plan->direction, .edge_labels = plan->edge_labels, .edge_label_count = plan->edge_label_count};
    const wg_walk_step *step = plan->step_count > 0 ? &plan->steps[number] : &plain;
    const wgi_walk_place place = {&r->step_eval, plan, r->batch, body, r->row, number};
    uint64_t edges[CHUNK], nodes[CHUNK];
    wg_expand_position position = {0};
    uint32_t found;
    r->candidates.size = 0;
    if (step->missing) return WG_OK;
    do {
        WG_TRY(wg_expand(r->eval->context->txn, body[2 * number], step->direction, step->edge_labels,
                         step->edge_label_count, &position, CHUNK, edges, nodes, &found, err));
        if (r->steps++ % CHECK_STEPS == 0) WG_TRY(wgi_check(r->eval->context, err));
        uint32_t kept = found;
        if (plan->step_count > 0) WG_TRY(wgi_walk_filter(&place, edges, nodes, &kept, err));
        for (uint32_t i = 0; i < kept; i++) {
            const candidate c = {edges[i], nodes[i]};
            bool good = may_follow(r, body, number, &c);
            if (good) WG_TRY(fits(r, c.edge, &good, err));
            if (good && !wg_buf_append(&r->candidates, &c, sizeof c)) return wg_error_nomem(err, sizeof c);
        }
    } while (found > 0);
    if (r->candidates.size > sizeof(candidate))
        qsort(r->candidates.data, r->candidates.size / sizeof(candidate), sizeof(candidate), compare_candidates);
    return WG_OK;
}

static wg_code take_step(wgi_repetitions *r, uint32_t number, const wg_buf *from, wg_buf *to, wg_error *err) {
    const size_t width = 2 * (size_t)number + 1;
    to->size = 0;
    for (size_t i = 0; i < from->size / (width * 8); i++) {
        const uint64_t *body = (const uint64_t *)(const void *)from->data + i * width;
        WG_TRY(find_candidates(r, body, number, err));
        const candidate *all = (const candidate *)(const void *)r->candidates.data;
        for (size_t k = 0; k < r->candidates.size / sizeof *all; k++)
            if (!wg_buf_append(to, body, width * 8) || !wg_buf_append(to, &all[k], sizeof *all))
                return wg_error_nomem(err, width * 8);
    }
    return WG_OK;
}

wg_code wgi_repetitions_of(wgi_repetitions *r, uint64_t node, uint32_t *out_first, uint32_t *out_count,
                           wg_error *err) {
    WG_TRY(make_room(r, err));
    const uint32_t known = *slot_of(r, node);
    if (known != 0) {
        *out_first = span_at(r, known - 1)->first;
        *out_count = span_at(r, known - 1)->count;
        return WG_OK;
    }
    const size_t bytes = (2 * (size_t)r->edges + 1) * 8;
    wg_buf *from = &r->partial[0], *to = &r->partial[1];
    from->size = 0;
    if (!wg_buf_append(from, &node, 8)) return wg_error_nomem(err, 8);
    for (uint32_t i = 0; i < r->edges; i++) {
        WG_TRY(take_step(r, i, from, to, err));
        wg_buf *swap = from;
        from = to;
        to = swap;
    }
    const uint64_t first = r->ids.size / bytes, count = from->size / bytes;
    if (first + count >= UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a search met too many relationships");
    const span made = {.node = node, .first = (uint32_t)first, .count = (uint32_t)count};
    if (!wg_buf_append(&r->ids, from->data, from->size) || !wg_buf_append(&r->spans, &made, sizeof made)) {
        r->ids.size = first * bytes;
        return wg_error_nomem(err, from->size);
    }
    *slot_of(r, node) = (uint32_t)(r->spans.size / sizeof made);
    *out_first = made.first;
    *out_count = made.count;
    return WG_OK;
}
