/* INDEX_SEEK: for each input row the nodes or edges that an index gives, by rising id.
 *
 * The conditions are values of the first properties of the index, one of which may be a list (each element is asked once, the answers
 * are put together), then bounds or a prefix. What comes out has the label and is visible; the conditions are asked again by the
 * filter behind. Ids of one input row are pushed in batches; a null among the values gives nothing. */
#include "exec/exec_internal.h"

typedef struct index_op {
    wgi_op op;
    wg_buf ids;
    wg_arena out;
} index_op;

/* One column a condition. */
typedef struct asked {
    const wg_plan *plan;
    const wg_vector *values;
    wg_value equal[WG_KEY_COLUMNS_MAX];
    uint32_t equal_count;
    uint32_t list_at; /* UINT32_MAX: no list */
    wg_value list;
    wg_value low, high;
    wg_index_probe probe;
} asked;

static void read_row(asked *a, uint32_t row) {
    const wg_plan *plan = a->plan;
    a->equal_count = 0;
    a->list_at = UINT32_MAX;
    a->probe = (wg_index_probe){.equal = a->equal};
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        const wg_value v = wg_vector_value(&a->values[i], row);
        switch (plan->index_ops[i]) {
            case WG_INDEX_IN:
                a->list_at = a->equal_count;
                a->list = v;
                a->equal[a->equal_count++] = v;
                break;
            case WG_INDEX_EQ:
                a->equal[a->equal_count++] = v;
                break;
            case WG_INDEX_GT:
            case WG_INDEX_GE:
                a->low = v;
                a->probe.low = &a->low;
                break;
            case WG_INDEX_LT:
            case WG_INDEX_LE:
                a->high = v;
                a->probe.high = &a->high;
                break;
            case WG_INDEX_STARTS:
                a->low = v;
                a->probe.start = &a->low;
                break;
        }
    }
    a->probe.equal_count = a->equal_count;
}

static wg_code seek_row(index_op *o, asked *a, uint32_t row, wg_error *err) {
    const wg_txn *txn = o->op.eval.context->txn;
    o->ids.size = 0;
    read_row(a, row);
    if (a->list_at == UINT32_MAX) return wg_index_seek(txn, a->plan->rule, &a->probe, 1, &o->ids, err);
    if (a->list.type != WG_TYPE_LIST) return WG_OK; /* null, or what the filter complains about */
    const uint32_t count = a->list.size;
    wg_arena *arena = &o->op.eval.arena;
    wg_index_probe *probes = wg_arena_alloc(arena, ((size_t)count + 1) * sizeof *probes);
    wg_value *values = wg_arena_alloc(arena, ((size_t)count + 1) * a->equal_count * sizeof *values);
    if (probes == NULL || values == NULL) return wg_error_nomem(err, count * sizeof *probes);
    for (uint32_t i = 0; i < count; i++) {
        wg_value *mine = values + (size_t)i * a->equal_count;
        memcpy(mine, a->equal, a->equal_count * sizeof *mine);
        mine[a->list_at] = a->list.as.list[i];
        probes[i] = a->probe;
        probes[i].equal = mine;
    }
    return wg_index_seek(txn, a->plan->rule, probes, count, &o->ids, err);
}

/* Nodes: the id. Edges: id and ends, and for BOTH the same the other way round unless it is a loop. */
typedef struct added_rows {
    uint64_t *cells[3];
    uint32_t *rows;
    uint32_t count;
} added_rows;

static wg_code flush(index_op *o, const wg_batch *batch, added_rows *a, wg_error *err) {
    const bool edges = o->op.plan->index_edges;
    const wg_vector columns[3] = {{.type = edges ? WG_TYPE_EDGE : WG_TYPE_NODE, .data = a->cells[0]},
                                  {.type = WG_TYPE_NODE, .data = a->cells[1]},
                                  {.type = WG_TYPE_NODE, .data = a->cells[2]}};
    const wg_batch added = {.row_count = a->count, .column_count = edges ? 3 : 1, .columns = columns};
    a->count = 0;
    if (added.row_count == 0) return WG_OK;
    wg_arena_reset(&o->out);
    WG_TRY(wgi_push_fanout(&o->op, batch, a->rows, &added, &o->out, err));
    return wgi_check(o->op.eval.context, err);
}

static wg_code push_ids(index_op *o, const wg_batch *batch, uint32_t row, added_rows *a, wg_error *err) {
    const wg_plan *plan = o->op.plan;
    const uint32_t capacity = wgi_op_batch_rows(&o->op);
    for (size_t at = 0; at < o->ids.size && !wgi_op_stopped(&o->op); at += sizeof(uint64_t)) {
        uint64_t id;
        wg_edge_info info = {0};
        bool found = true;
        memcpy(&id, o->ids.data + at, sizeof id);
        if (plan->index_edges) WG_TRY(wg_edge_info_get(o->op.eval.context->txn, id, &info, &found, err));
        const bool twice = plan->index_edges && plan->direction == WG_DIRECTION_BOTH && info.from != info.to;
        for (uint32_t way = 0; found && way < (twice ? 2u : 1u); way++) {
            const bool turned = plan->direction == WG_DIRECTION_IN ? way == 0 : way == 1;
            a->cells[0][a->count] = id;
            a->cells[1][a->count] = turned ? info.to : info.from;
            a->cells[2][a->count] = turned ? info.from : info.to;
            a->rows[a->count++] = row;
            if (a->count == capacity) WG_TRY(flush(o, batch, a, err));
        }
    }
    return WG_OK;
}

static wg_code index_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    index_op *o = (index_op *)op;
    const wg_plan *plan = op->plan;
    wg_arena *arena = &op->eval.arena;
    const uint32_t capacity = wgi_op_batch_rows(op);
    wg_arena_reset(arena);
    wg_vector *values = wg_arena_alloc(arena, (plan->expr_count + 1) * sizeof *values);
    added_rows a = {.rows = wg_arena_alloc(arena, capacity * sizeof *a.rows)};
    for (uint32_t i = 0; i < 3; i++) a.cells[i] = wg_arena_alloc(arena, capacity * sizeof *a.cells[i]);
    if (values == NULL || a.rows == NULL || a.cells[0] == NULL || a.cells[1] == NULL || a.cells[2] == NULL)
        return wg_error_nomem(err, capacity * sizeof *a.rows);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &values[i], err));
    asked question = {.plan = plan, .values = values};
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++) {
        const uint32_t row = wg_batch_row(batch, i);
        WG_TRY(seek_row(o, &question, row, err));
        WG_TRY(push_ids(o, batch, row, &a, err));
    }
    return flush(o, batch, &a, err);
}

static void index_destroy(wgi_op *op) {
    wg_buf_deinit(&((index_op *)op)->ids);
    wg_arena_deinit(&((index_op *)op)->out);
}

wg_code wgi_op_index_seek(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {index_push, index_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(index_op), account, out, err));
    wg_buf_init(&((index_op *)*out)->ids, account);
    wg_arena_init(&((index_op *)*out)->out, account);
    return WG_OK;
}
