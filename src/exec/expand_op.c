/* TgkTraversal: follows the edges of a node slot, one hop. Output order: input rows, then (label, edge id).
 *
 * Edges are read in chunks, those that an earlier hop of the same MATCH used are left out (an edge is matched once in a pattern), and the
 * survivors fan out. EXPAND_INTO keeps only edges whose other end is a second slot of the row, and adds no neighbour. */
#include "exec/exec_internal.h"

enum { CHUNK = 256 };

typedef struct expand_op {
    wgi_op op;
    wg_arena out;
    uint32_t count;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    uint64_t edges[WG_BATCH_ROWS_MAX];
    uint64_t nodes[WG_BATCH_ROWS_MAX];
    uint64_t chunk_edges[CHUNK];
    uint64_t chunk_nodes[CHUNK];
} expand_op;

static wg_code expand_flush(expand_op *e, const wg_batch *batch, wg_error *err) {
    const uint32_t n = e->count;
    e->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&e->out);
    const wg_vector columns[2] = {{.type = WG_TYPE_EDGE, .kind = WG_VECTOR_FLAT, .data = e->edges},
                                  {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = e->nodes}};
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

static wg_code take_chunk(expand_op *e, const wg_batch *batch, uint32_t row, uint32_t n, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const uint32_t capacity = wgi_op_batch_rows(&e->op);
    uint64_t target = 0;
    const bool into = plan->op == WG_PLAN_EXPAND_INTO;
    if (into && !wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target)) return WG_OK;
    for (uint32_t i = 0; i < n; i++) {
        if (into && e->chunk_nodes[i] != target) continue;
        if (wgi_edge_is_used(plan, batch, row, e->chunk_edges[i])) continue;
        e->rows[e->count] = row;
        e->edges[e->count] = e->chunk_edges[i];
        e->nodes[e->count++] = e->chunk_nodes[i];
        if (e->count < capacity) continue;
        WG_TRY(expand_flush(e, batch, err));
        if (wgi_op_stopped(&e->op)) return WG_OK;
    }
    return WG_OK;
}

static wg_code expand_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    expand_op *e = (expand_op *)op;
    const wg_plan *plan = op->plan;
    e->count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        uint64_t node;
        if (!wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &node)) continue;
        wg_expand_position position = {0};
        uint32_t n;
        do {
            WG_TRY(wg_expand(op->eval.context->txn, node, plan->direction, plan->edge_labels, plan->edge_label_count,
                             &position, CHUNK, e->chunk_edges, e->chunk_nodes, &n, err));
            WG_TRY(take_chunk(e, batch, row, n, err));
            if (wgi_op_stopped(op)) return WG_OK;
            if (n == CHUNK) WG_TRY(wgi_check(op->eval.context, err));
        } while (n > 0);
    }
    return expand_flush(e, batch, err);
}

static void expand_destroy(wgi_op *op) { wg_arena_deinit(&((expand_op *)op)->out); }

wg_code wgi_op_expand(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {expand_push, expand_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(expand_op), account, out, err));
    wg_arena_init(&((expand_op *)*out)->out, account);
    return WG_OK;
}
