/* TgkTraversal(Exists): keeps the rows that have an edge (or, `negated`, that have none) from a node slot to a second one, or to anything.
 * A null end has none. Nothing is added to the rows, and their order stays.
 *
 * Where there is adjacency the shorter of the lists of both ends is looked through; it is made when a worker has followed a share
 * of the edges without it, as in expand_op.c. */
#include "exec/neighbours.h"

enum { CHUNK = 256, LISTS_ROWS_MIN = 16, MAKE_SHARE = 64 };

typedef struct exists_op {
    wgi_op op;
    wgi_neighbours lists;
    bool looked;
    bool has_none;
    uint64_t walked;
    uint64_t chunk_edges[CHUNK];
    uint64_t chunk_nodes[CHUNK];
    uint16_t sel[WG_BATCH_ROWS_MAX];
} exists_op;

static wg_code look_for_lists(exists_op *e, uint32_t rows, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    const wg_exec_context *context = e->op.eval.context;
    if (e->lists.label_count > 0 || e->has_none || context->no_rewrite || (!e->looked && rows < LISTS_ROWS_MIN))
        return WG_OK;
    const bool make = e->looked && e->walked > 1024 && e->walked > wgi_neighbours_edges(plan, context) / MAKE_SHARE;
    if (e->looked && !make) return WG_OK;
    e->looked = true;
    WG_TRY(wgi_neighbours_open(&e->lists, plan, context, (wg_direction)0, make, err));
    e->has_none = make && e->lists.label_count == 0;
    return WG_OK;
}

static bool holds(const uint32_t *nodes, uint64_t count, uint64_t wanted) {
    for (uint64_t i = 0; i < count; i++)
        if (nodes[i] == wanted) return true;
    return false;
}

static bool in_lists(const exists_op *e, uint64_t node, uint64_t target) {
    const bool into = e->op.plan->into;
    for (uint32_t l = 0; l < wgi_neighbours_list_count(&e->lists); l++) {
        const wgi_neighbour_list list = wgi_neighbours_list(&e->lists, l, node, false);
        if (list.count == 0) continue;
        if (!into) return true; /* a loop that is skipped on one side is on the other one */
        const wg_adjacency_side *back = e->lists.sides[l / 2][1 - (l & 1)];
        uint64_t count;
        const uint64_t first = wg_adjacency_span(back, target, &count);
        const bool found =
            count < list.count ? holds(back->neighbours + first, count, node) : holds(list.nodes, list.count, target);
        if (found) return true;
    }
    return false;
}

static wg_code walk(exists_op *e, uint64_t node, uint64_t target, bool *out, wg_error *err) {
    const wg_plan *plan = e->op.plan;
    wg_expand_position position = {0};
    uint32_t n;
    do {
        WG_TRY(wg_expand(e->op.eval.context->txn, node, plan->direction, plan->edge_labels, plan->edge_label_count,
                         &position, plan->into ? CHUNK : 1, e->chunk_edges, e->chunk_nodes, &n, err));
        e->walked += n + 1;
        for (uint32_t i = 0; i < n && !*out; i++) *out = !plan->into || e->chunk_nodes[i] == target;
        if (n == CHUNK) WG_TRY(wgi_check(e->op.eval.context, err));
    } while (n > 0 && !*out);
    return WG_OK;
}

static wg_code exists_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    exists_op *e = (exists_op *)op;
    const wg_plan *plan = op->plan;
    uint32_t kept = 0;
    WG_TRY(look_for_lists(e, batch->row_count, err));
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        uint64_t node = 0, target = 0;
        bool found = false;
        const bool known = wgi_vector_id(&batch->columns[plan->slot], row, WG_TYPE_NODE, &node) &&
                           (!plan->into || wgi_vector_id(&batch->columns[plan->slot_b], row, WG_TYPE_NODE, &target));
        if (known && e->lists.label_count > 0) found = in_lists(e, node, target);
        else if (known) WG_TRY(walk(e, node, target, &found, err));
        if (found != plan->negated) e->sel[kept++] = (uint16_t)row;
    }
    wg_batch out = *batch;
    out.sel = e->sel;
    out.row_count = kept;
    return wgi_push(op, &out, err);
}

static void exists_destroy(wgi_op *op) { wgi_neighbours_close(&((exists_op *)op)->lists); }

wg_code wgi_op_exists(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {exists_push, exists_destroy};
    return wgi_op_alloc(&class, plan, sizeof(exists_op), account, out, err);
}
