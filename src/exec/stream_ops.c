/* Streaming operators that need no table: filter, project, seek; and the fan-out that multiplies rows.
 *
 * An operator owns one arena for what it computes from an input batch, reset when the next one comes; operators that push several
 * batches for one input keep a second arena for the output. Vectors that are passed on are borrowed down the chain for the call. */
#include "exec/exec_internal.h"

wg_code wgi_op_alloc(const wgi_op_class *class, const wg_plan *plan, size_t bytes, wg_account *account, wgi_op **out,
                     wg_error *err) {
    wgi_op *op = wg_alloc_zero(account, bytes);
    if (op == NULL) return wg_error_nomem(err, bytes);
    op->class = class;
    op->plan = plan;
    wg_arena_init(&op->eval.arena, account);
    *out = op;
    return WG_OK;
}

wg_code wgi_push_fanout(wgi_op *op, const wg_batch *in, const uint32_t *rows, const wg_batch *added, wg_arena *arena,
                        wg_error *err) {
    const uint32_t n = added->row_count;
    const uint32_t total = in->column_count + added->column_count;
    wg_vector *columns = wg_arena_alloc(arena, (total + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, total * sizeof *columns);
    for (uint32_t c = 0; c < in->column_count; c++)
        if (!wgi_vector_gather(arena, &in->columns[c], rows, n, &columns[c])) return wg_error_nomem(err, n * 4);
    for (uint32_t c = 0; c < added->column_count; c++) columns[in->column_count + c] = added->columns[c];
    const wg_batch out = {.row_count = n, .column_count = total, .columns = columns};
    return wgi_push(op, &out, err);
}

/* ---- filter */

/* The mask of a condition that is BOOL row by row; NULL in *out: it is another kind of vector. */
static wg_code plain_mask(wgi_op *op, const wg_vector *v, const wg_batch *batch, const uint8_t **out, wg_error *err) {
    *out = NULL;
    if (v->type != WG_TYPE_BOOL || v->kind != WG_VECTOR_FLAT) return WG_OK;
    *out = v->data;
    if (v->valid == NULL) return WG_OK;
    const uint32_t extent = wgi_extent(batch);
    uint8_t *mask = wg_arena_alloc(&op->eval.arena, extent);
    if (mask == NULL) return wg_error_nomem(err, extent);
    memcpy(mask, v->data, extent);
    wgi_kernels(op->eval.context)->mask_and_bits(mask, v->valid, 0, extent); /* null is not true */
    *out = mask;
    return WG_OK;
}

/* Any other condition, by way of three-valued bytes. */
static wg_code tri_mask(wgi_op *op, const wg_vector *v, const wg_batch *batch, const uint8_t **out, wg_error *err) {
    const uint32_t extent = wgi_extent(batch);
    uint8_t *tri = wg_arena_alloc_zero(&op->eval.arena, extent);
    if (tri == NULL) return wg_error_nomem(err, extent);
    WG_TRY(wgi_tri_of_vector(v, batch, tri, op->plan->exprs[0]->text_start, err));
    for (uint32_t i = 0; i < extent; i++) tri[i] >>= 1; /* only WGI_TRUE is true */
    *out = tri;
    return WG_OK;
}

static wg_code filter_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    wg_arena *arena = &op->eval.arena;
    const wg_kernels *k = wgi_kernels(op->eval.context);
    const uint8_t *mask;
    wg_vector v;
    wg_arena_reset(arena);
    WG_TRY(wgi_eval_vector(&op->eval, op->plan->exprs[0], batch, &v, err));
    uint16_t *sel = wg_arena_alloc(arena, (batch->row_count + 1) * sizeof *sel);
    if (sel == NULL) return wg_error_nomem(err, batch->row_count);
    WG_TRY(plain_mask(op, &v, batch, &mask, err));
    if (mask == NULL) WG_TRY(tri_mask(op, &v, batch, &mask, err));
    const size_t n = batch->sel == NULL ? k->select(mask, batch->row_count, sel)
                                        : k->select_among(mask, batch->sel, batch->row_count, sel);
    if (n == batch->row_count) return wgi_push(op, batch, err);
    wg_batch out = *batch;
    out.sel = sel;
    out.row_count = (uint32_t)n;
    return wgi_push(op, &out, err);
}

wg_code wgi_op_filter(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {filter_push, NULL};
    return wgi_op_alloc(&class, plan, sizeof(wgi_op), account, out, err);
}

/* ---- project */

static wg_code project_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    const wg_plan *plan = op->plan;
    wg_arena *arena = &op->eval.arena;
    wg_arena_reset(arena);
    wg_vector *columns = wg_arena_alloc(arena, (plan->expr_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, plan->expr_count * sizeof *columns);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(plan->slot_types[i] == WG_TYPE_ANY
                   ? wgi_eval_vector(&op->eval, plan->exprs[i], batch, &columns[i], err)
                   : wgi_eval_typed(&op->eval, plan->exprs[i], plan->slot_types[i], batch, &columns[i], err));
    wg_batch out = *batch;
    out.columns = columns;
    out.column_count = plan->expr_count;
    return wgi_push(op, &out, err);
}

wg_code wgi_op_project(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {project_push, NULL};
    return wgi_op_alloc(&class, plan, sizeof(wgi_op), account, out, err);
}

/* ---- seek */

static wg_code seek_row(wgi_op *op, const wg_vector *keys, uint32_t row, uint64_t *out_id, bool *out_found,
                        wg_error *err) {
    wg_value values[WG_KEY_COLUMNS_MAX];
    const uint32_t n = op->plan->expr_count;
    WG_ASSERT(n <= WG_KEY_COLUMNS_MAX);
    *out_found = false;
    for (uint32_t k = 0; k < n; k++) {
        values[k] = wg_vector_value(&keys[k], row);
        if (values[k].type == WG_TYPE_NULL) return WG_OK; /* null equals nothing */
    }
    return wg_node_seek(op->eval.context->txn, op->plan->label, values, n, out_id, out_found, err);
}

static wg_code seek_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    const wg_plan *plan = op->plan;
    wg_arena *arena = &op->eval.arena;
    wg_arena_reset(arena);
    wg_vector *keys = wg_arena_alloc(arena, (plan->expr_count + 1) * sizeof *keys);
    uint64_t *ids = wg_arena_alloc(arena, batch->row_count * sizeof *ids);
    uint32_t *rows = wg_arena_alloc(arena, batch->row_count * sizeof *rows);
    if (keys == NULL || ids == NULL || rows == NULL) return wg_error_nomem(err, batch->row_count * sizeof *ids);
    for (uint32_t i = 0; i < plan->expr_count; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &keys[i], err));
    uint32_t n = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        bool found;
        rows[n] = wg_batch_row(batch, i);
        WG_TRY(seek_row(op, keys, rows[n], &ids[n], &found, err));
        if (found) n++;
    }
    if (n == 0) return WG_OK;
    const wg_vector id = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = ids};
    const wg_batch added = {.row_count = n, .column_count = 1, .columns = &id};
    return wgi_push_fanout(op, batch, rows, &added, arena, err);
}

wg_code wgi_op_seek(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {seek_push, NULL};
    return wgi_op_alloc(&class, plan, sizeof(wgi_op), account, out, err);
}
