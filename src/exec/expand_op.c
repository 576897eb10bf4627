/* TgkTraversal: follows the edges of a node slot, one hop. Output order: input rows, then (label, edge id).
 *
 * Edges are read in chunks, those that an earlier hop of the same MATCH used are left out (an edge is matched once in a pattern), and the
 * survivors fan out. EXPAND_INTO keeps only edges whose other end is a second slot of the row, and adds no neighbour.
 *
 * Where there is adjacency the lists of a whole batch are walked in place, asked for some rows ahead; EXPAND_INTO walks the shorter of the lists
 * of both ends. It is made when a worker has followed a share of the edges without it: few rows are cheaper by wg_expand. The order is the
 * same.
 *
 * An optional EXPAND gives a row that has no such edge once, with nulls. */
#include "exec/neighbours.h"

enum { CHUNK = 256, LISTS_ROWS_MIN = 16, MAKE_SHARE = 64, AHEAD = 16 };

typedef struct expand_op {
    wgi_op op;
    wg_arena out;
    uint32_t count;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    uint64_t edges[WG_BATCH_ROWS_MAX];
    uint64_t nodes[WG_BATCH_ROWS_MAX];
    uint64_t given; /* rows put out so far: what tells whether a row had an edge */
    uint8_t valid[WG_BATCH_ROWS_MAX / 8];
    uint64_t chunk_edges[CHUNK];
    uint64_t chunk_nodes[CHUNK];
    wgi_neighbours lists;
    bool looked;     /* for adjacency that is made already */
    bool has_none;   /* there is none to make */
    uint64_t walked; /* edges that were met without */
} expand_op;

static wg_code expand_flush(expand_op *e, const wg_batch *batch, wg_error *err) {
    const uint32_t n = e->count;
    e->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&e->out);
    const uint8_t *valid = e->op.plan->optional ? e->valid : NULL;
    const wg_vector columns[2] = {{.type = WG_TYPE_EDGE, .kind = WG_VECTOR_FLAT, .valid = valid, .data = e->edges},
                                  {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .valid = valid, .data = e->nodes}};
    const wg_batch added = {
        .row_count = n, .column_count = e->op.plan->op == WG_PLAN_EXPAND ? 2 : 1, .columns = columns};
    return wgi_push_fanout(&e->op, batch, e->rows, &added, &e->out, err);
}

static bool list_has(const wg_value *list, uint64_t edge) {
    for (uint32_t i = 0; i < list->size; i++)
        if (list->as.list[i].type == WG_TYPE_EDGE && list->as.list[i].as.id == edge) return true;
    return false;
}

bool wgi_edge_is_used(const wg_plan *plan, const wg_batch *batch, uint32_t row, uint64_t edge) {
    for (uint32_t i = 0; i < plan->unique_edge_slot_count; i++) {
        uint64_t earlier;
        const wg_vector *v = &batch->columns[plan->unique_edge_slots[i]];
        if (v->type == WG_TYPE_LIST) {
            const wg_value list = wg_vector_value(v, row);
            if (list.type == WG_TYPE_LIST && list_has(&list, edge)) return true;
        } else if (wgi_vector_id(v, row, WG_TYPE_EDGE, &earlier) && earlier == edge) {
            return true;
        }
    }
    return false;
}

/* One more row to put out; null without an edge. */
static void note(expand_op *e, uint32_t row, uint64_t edge, uint64_t node, bool is_edge) {
    const uint32_t at = e->count++;
    e->rows[at] = row;
    e->edges[at] = edge;
    e->nodes[at] = node;
    e->given++;
    if (!e->op.plan->optional) return;
    const uint8_t bit = (uint8_t)(1u << (at & 7));
    e->valid[at / 8] = (uint8_t)(is_edge ? e->valid[at / 8] | bit : e->valid[at / 8] & ~bit);
}

/* The row has put out nothing since there were `before`. */
static wg_code note_nothing(expand_op *e, const wg_batch *batch, uint32_t row, uint64_t before, wg_error *err) {
    if (!e->op.plan->optional || e->given != before || wgi_op_stopped(&e->op)) return WG_OK;
    note(e, row, 0, 0, false);
    return e->count == wgi_op_batch_rows(&e->op) ? expand_flush(e, batch, err) : WG_OK;
}

static wg_code take_chunk(expand_op *e, const wg_batch *batch, uint32_t row, uint32_t n, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const uint32_t capacity = wgi_op_batch_rows(&e->op);
    uint64_t target = 0;
    const bool into = plan->op == WG_PLAN_EXPAND_INTO;
    if (into && !wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    for (uint32_t i = 0; i < n; i++) {
        if (into && e->chunk_nodes[i] != target) continue;
        if (wgi_edge_is_used(plan, batch, row, e->chunk_edges[i])) continue;
        note(e, row, e->chunk_edges[i], e->chunk_nodes[i], true);
        if (e->count < capacity) continue;
        WG_TRY(expand_flush(e, batch, err));
        if (wgi_op_stopped(&e->op)) return WG_OK;
    }
    return WG_OK;
}

/* ---- over adjacency */

static wg_code look_for_lists(expand_op *e, uint32_t rows, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const wg_exec_context *context = e->op.eval.context;
    if (e->lists.label_count > 0 || e->has_none || context->no_rewrite || (!e->looked && rows < LISTS_ROWS_MIN))
        return WG_OK;
    const bool make = e->looked && e->walked > 1024 && e->walked > wgi_neighbours_edges(plan, context) / MAKE_SHARE;
    if (e->looked && !make) return WG_OK;
    e->looked = true;
    const bool into = plan->op == WG_PLAN_EXPAND_INTO; /* the lists of either end are walked */
    WG_TRY(wgi_neighbours_open(&e->lists, plan, context, into ? WG_DIRECTION_BOTH : plan->direction, make, err));
    e->has_none = make && e->lists.label_count == 0;
    return WG_OK;
}

static wg_code put(expand_op *e, const wg_batch *batch, uint32_t row, uint32_t edge, uint32_t node, wg_error *err) {
    if (e->op.plan->unique_edge_slot_count > 0 && wgi_edge_is_used(e->op.plan, batch, row, edge)) return WG_OK;
    note(e, row, edge, node, true);
    return e->count == wgi_op_batch_rows(&e->op) ? expand_flush(e, batch, err) : WG_OK;
}

static wg_code put_list(expand_op *e, const wg_batch *batch, uint32_t row, uint64_t from,
                        const wgi_neighbour_list *list, wg_error *err) {
    for (uint64_t i = 0; i < list->count; i++) {
        if (list->skip_self && list->nodes[i] == from) continue;
        WG_TRY(put(e, batch, row, list->edges[i], list->nodes[i], err));
        if (wgi_op_stopped(&e->op)) return WG_OK;
    }
    return list->count > CHUNK ? wgi_check(e->op.eval.context, err) : WG_OK;
}

/* The edges of `list` that lead to `wanted`. */
static wg_code put_between(expand_op *e, const wg_batch *batch, uint32_t row, const wgi_neighbour_list *list,
                           uint64_t wanted, wg_error *err) {
    for (uint64_t i = 0; i < list->count; i++) {
        if (list->nodes[i] != wanted) continue;
        WG_TRY(put(e, batch, row, list->edges[i], list->nodes[i], err));
        if (wgi_op_stopped(&e->op)) return WG_OK;
    }
    return list->count > CHUNK ? wgi_check(e->op.eval.context, err) : WG_OK;
}

static wg_code expand_lists(expand_op *e, const wg_batch *batch, uint32_t row, uint64_t node, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    uint64_t target = 0;
    const bool into = plan->op == WG_PLAN_EXPAND_INTO;
    if (into && !wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    for (uint32_t l = 0; l < wgi_neighbours_list_count(&e->lists) && !wgi_op_stopped(&e->op); l++) {
        const wgi_neighbour_list list = wgi_neighbours_list(&e->lists, l, node, false);
        if (!into) {
            WG_TRY(put_list(e, batch, row, node, &list, err));
            continue;
        }
        if (list.count == 0 || (list.skip_self && node == target)) continue;
        /* the same edges seen from the other end: the list of the other side of the label */
        const wg_adjacency_side *back = e->lists.sides[l / 2][1 - (l & 1)];
        wgi_neighbour_list other = {0};
        const uint64_t first = wg_adjacency_span(back, target, &other.count);
        other.nodes = back->neighbours + first;
        other.edges = back->edges + first;
        if (other.count < list.count) WG_TRY(put_between(e, batch, row, &other, node, err));
        else WG_TRY(put_between(e, batch, row, &list, target, err));
    }
    return WG_OK;
}

/* Asks for the lists of the rows that come next. */
static void fetch_ahead(const expand_op *e, const wg_batch *batch, uint32_t at) {
    const wg_vector *v = &batch->columns[e->op.plan->slot];
    const wg_adjacency_side *side = e->lists.sides[0][e->lists.direction == WG_DIRECTION_IN ? 1 : 0];
    uint64_t node;
    if (e->lists.has_far) return;
    if (at + AHEAD < batch->row_count && wgi_vector_id(v, wg_batch_row(batch, at + AHEAD), WG_TYPE_NODE, &node) &&
        node - side->node_min < side->node_count)
        __builtin_prefetch(&side->offsets[node - side->node_min]);
    if (at + AHEAD / 2 < batch->row_count &&
        wgi_vector_id(v, wg_batch_row(batch, at + AHEAD / 2), WG_TYPE_NODE, &node) &&
        node - side->node_min < side->node_count) {
        const uint64_t first = side->offsets[node - side->node_min];
        __builtin_prefetch(&side->neighbours[first]);
        __builtin_prefetch(&side->edges[first]);
    }
}

static wg_code push_lists(expand_op *e, const wg_batch *batch, wg_error *err) {
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(&e->op); i++) {
        const uint32_t row = wg_batch_row(batch, i);
        uint64_t node;
        fetch_ahead(e, batch, i);
        const uint64_t before = e->given;
        if (wgi_vector_id(&batch->columns[e->op.plan->slot], row, WG_TYPE_NODE, &node))
            WG_TRY(expand_lists(e, batch, row, node, err));
        WG_TRY(note_nothing(e, batch, row, before, err));
    }
    return expand_flush(e, batch, err);
}

static wg_code expand_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    expand_op *e = (expand_op *)op;
    const wg_plan *plan = op->plan;
    e->count = 0;
    WG_TRY(look_for_lists(e, batch->row_count, err));
    if (e->lists.label_count > 0) return push_lists(e, batch, err);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        uint64_t node;
        const uint64_t before = e->given;
        wg_expand_position position = {0};
        uint32_t n = wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &node) ? 1 : 0;
        while (n > 0) {
            WG_TRY(wg_expand(op->eval.context->txn, node, plan->direction, plan->edge_labels, plan->edge_label_count,
                             &position, CHUNK, e->chunk_edges, e->chunk_nodes, &n, err));
            e->walked += n + 1;
            WG_TRY(take_chunk(e, batch, row, n, err));
            if (wgi_op_stopped(op)) return WG_OK;
            if (n == CHUNK) WG_TRY(wgi_check(op->eval.context, err));
        }
        WG_TRY(note_nothing(e, batch, row, before, err));
        if (wgi_op_stopped(op)) return WG_OK;
    }
    return expand_flush(e, batch, err);
}

static void expand_destroy(wgi_op *op) {
    wgi_neighbours_close(&((expand_op *)op)->lists);
    wg_arena_deinit(&((expand_op *)op)->out);
}

void wgi_op_expand_end(wgi_op *op) {
    expand_op *e = (expand_op *)op;
    wgi_neighbours_close(&e->lists);
    e->looked = e->has_none = false;
    e->walked = e->given = 0;
}

wg_code wgi_op_expand(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {expand_push, expand_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(expand_op), account, out, err));
    wg_arena_init(&((expand_op *)*out)->out, account);
    return WG_OK;
}
