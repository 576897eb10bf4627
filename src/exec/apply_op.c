/* Running a plan for one row: the Argument leaf, and Apply, which joins every row of its input with the rows of a plan that reads them.
 *
 * The row is copied into rows of its own, which the leaf hands out; the plan runs on the calling thread, so the order of its rows is
 * that of the plan whatever the number of threads. Inner rows are copied out piece by piece, so an inner plan that gives very many
 * rows ends by the query's memory limit. */
#include "exec/exec_internal.h"

typedef struct apply_op {
    wgi_op op;
    wgi_row_fanout fanout;
} apply_op;

wg_code wgi_run_argument(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    const uint32_t first = 0;
    const wg_rows *from = context->argument;
    wg_rows *rows;
    WG_ASSERT(from != NULL);
    WG_ASSERT(from->column_count == plan->slot_count);
    WG_TRY(wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &rows, err));
    const wg_code code = wgi_rows_gather(rows, from, &first, 1, err);
    if (code == WG_OK) *out = rows;
    else wg_rows_destroy(rows);
    return code;
}

wg_code wgi_run_for_row(const wg_plan *plan, const wg_exec_context *context, const wg_type *types,
                        const wg_batch *batch, uint32_t row, wg_rows **out, wg_error *err) {
    const uint16_t sel = (uint16_t)row;
    wg_batch one = *batch;
    wg_rows *argument;
    one.sel = &sel;
    one.row_count = 1;
    WG_TRY(wgi_rows_create(types, batch->column_count, context->account, &argument, err));
    wg_code code = wgi_rows_append(argument, &one, err);
    if (code == WG_OK) {
        wg_exec_context inner = *context;
        inner.argument = argument;
        inner.threads = 1;
        inner.pool = NULL;
        code = wgi_run_plan(plan, &inner, out, err);
    }
    wg_rows_destroy(argument);
    return code;
}

/* The value of the one row that the plan gives for the selected row; a plan without a row gives null. */
static wg_code subquery_value(wgi_eval *eval, const wg_expr *expr, const wg_batch *args, uint32_t row, wgi_builder *b,
                              wg_error *err) {
    wg_exec_context context = *eval->context;
    wg_type *types = wg_arena_alloc(&eval->arena, (expr->arg_count + (size_t)1) * sizeof *types);
    wg_rows *rows;
    wg_value value = wg_value_null();
    if (types == NULL) return wg_error_nomem(err, sizeof *types);
    for (uint32_t i = 0; i < expr->arg_count; i++) types[i] = expr->args[i]->type;
    context.row_seed = wgi_row_seed(eval, row);
    context.profile = NULL; /* its lines are those of the plan that the expression stands in */
    WG_TRY(wgi_check(&context, err));
    WG_TRY(wgi_run_for_row(expr->plan, &context, types, args, row, &rows, err));
    wg_code code = WG_OK;
    if (rows->row_count > 0) {
        const wg_vector column = wg_column_view(&rows->columns[0]);
        const wg_value found = wg_vector_value(&column, 0);
        if (!wg_value_copy(&eval->arena, &found, &value)) code = wg_error_nomem(err, value.size);
    }
    if (code == WG_OK) code = wgi_builder_set(b, row, &value, expr->text_start, err);
    wg_rows_destroy(rows);
    return code;
}

wg_code wgi_eval_subquery(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err) {
    wgi_builder b;
    wg_batch args = *in;
    wg_vector *columns = wg_arena_alloc_zero(&eval->arena, (expr->arg_count + (size_t)1) * sizeof *columns);
    if (columns == NULL || !wgi_builder_init(&b, &eval->arena, expr->type, wgi_extent(in)))
        return wg_error_nomem(err, sizeof *columns);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        WG_TRY(wgi_eval_typed(eval, expr->args[i], expr->args[i]->type, in, &columns[i], err));
    args.columns = columns;
    args.column_count = expr->arg_count;
    for (uint32_t i = 0; i < in->row_count; i++)
        WG_TRY(subquery_value(eval, expr, &args, wg_batch_row(in, i), &b, err));
    *out = b.vector;
    return WG_OK;
}

void wgi_row_fanout_init(wgi_row_fanout *fanout, wg_account *account) {
    wg_arena_init(&fanout->scratch, account);
    wg_arena_init(&fanout->out, account);
}

void wgi_row_fanout_deinit(wgi_row_fanout *fanout) {
    wg_arena_deinit(&fanout->scratch);
    wg_arena_deinit(&fanout->out);
}

wg_code wgi_push_for_row(wgi_op *op, wgi_row_fanout *fanout, const wg_batch *batch, uint32_t row,
                         const wgi_picked_rows *inner, wg_error *err) {
    const wg_rows *from_rows = inner->rows;
    const uint32_t capacity = wgi_op_batch_rows(op);
    const uint32_t count = inner->columns != NULL ? inner->column_count : from_rows->column_count;
    for (uint32_t i = 0; i < capacity; i++) fanout->rows[i] = row;
    wg_arena_reset(&fanout->scratch);
    wg_vector *vectors = wg_arena_alloc(&fanout->scratch, (from_rows->column_count + (size_t)1) * sizeof *vectors);
    uint32_t *index = wg_arena_alloc(&fanout->scratch, WG_BATCH_ROWS_MAX * sizeof *index);
    if (vectors == NULL || index == NULL) return wg_error_nomem(err, 64);
    for (uint64_t from = 0; from < from_rows->row_count && !wgi_op_stopped(op);) {
        const uint64_t first = from / 8 * 8;
        const uint32_t n = (uint32_t)wg_min_u64(capacity, from_rows->row_count - from);
        const uint32_t end = (uint32_t)(from - first) + n;
        const uint32_t extent = end < WG_BATCH_ROWS_MAX ? end : WG_BATCH_ROWS_MAX;
        const uint32_t taken = extent - (uint32_t)(from - first);
        wg_batch view;
        wgi_rows_view(from_rows, first, extent, vectors, &view);
        wg_arena_reset(&fanout->out);
        for (uint32_t i = 0; i < taken; i++) index[i] = (uint32_t)(from - first) + i;
        wg_vector *added = wg_arena_alloc(&fanout->out, (count + (size_t)1) * sizeof *added);
        if (added == NULL) return wg_error_nomem(err, 64);
        for (uint32_t c = 0; c < count; c++) {
            const wg_vector *v = &vectors[inner->columns != NULL ? inner->columns[c] : c];
            if (!wgi_vector_gather(&fanout->out, v, index, taken, &added[c])) return wg_error_nomem(err, 64);
        }
        const wg_batch columns = {.row_count = taken, .column_count = count, .columns = added};
        WG_TRY(wgi_push_fanout(op, batch, fanout->rows, &columns, &fanout->out, err));
        from += taken;
    }
    return WG_OK;
}

static wg_code apply_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    apply_op *a = (apply_op *)op;
    const wg_plan *plan = op->plan;
    wg_arena_reset(&op->eval.arena);
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++) {
        const uint32_t row = wg_batch_row(batch, i);
        wg_rows *inner;
        WG_TRY(wgi_check(op->eval.context, err));
        wg_exec_context context = *op->eval.context;
        context.row_seed = wgi_row_seed(&op->eval, row);
        WG_TRY(wgi_run_for_row(plan->children[1], &context, plan->children[0]->slot_types, batch, row, &inner, err));
        const wgi_picked_rows all = {.rows = inner};
        const wg_code code = wgi_push_for_row(op, &a->fanout, batch, row, &all, err);
        wg_rows_destroy(inner);
        WG_TRY(code);
    }
    return WG_OK;
}

static void apply_destroy(wgi_op *op) { wgi_row_fanout_deinit(&((apply_op *)op)->fanout); }

wg_code wgi_op_apply(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {apply_push, apply_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(apply_op), account, out, err));
    wgi_row_fanout_init(&((apply_op *)*out)->fanout, account);
    return WG_OK;
}
