/* UNWIND: each row of the input once for each element of a list.
 *
 * The list of range() is never made: its elements are counted while they are passed on. Where range() has constant arguments and nothing
 * above asks for the places of rows, it is a source of its own, cut into tasks of WGI_RANGE_TASK_ROWS elements for all workers (pipeline.c).
 * What range() refuses (a step of 0, other types, too many elements) is left to the function itself, so that the error is the same. */
#include "exec/exec_functions.h"
#include "exec/pipeline.h"

typedef struct unwind_op {
    wgi_op op;
    wg_arena out;
    uint32_t rows[WG_BATCH_ROWS_MAX];
    wg_value items[WG_BATCH_ROWS_MAX];
    int64_t numbers[WG_BATCH_ROWS_MAX];
    uint32_t count;
} unwind_op;

/* ---- lists */

static wg_code unwind_flush(unwind_op *u, const wg_batch *batch, wg_error *err) {
    const wg_plan *plan = u->op.plan;
    const uint32_t n = u->count;
    wgi_builder b;
    u->count = 0;
    if (n == 0) return WG_OK;
    wg_arena_reset(&u->out);
    if (!wgi_builder_init(&b, &u->out, plan->slot_types[plan->slot_count - 1], n)) return wg_error_nomem(err, n);
    for (uint32_t i = 0; i < n; i++) WG_TRY(wgi_builder_set(&b, i, &u->items[i], plan->exprs[0]->text_start, err));
    const wg_batch added = {.row_count = n, .column_count = 1, .columns = &b.vector};
    return wgi_push_fanout(&u->op, batch, u->rows, &added, &u->out, err);
}

static wg_code unwind_lists(unwind_op *u, const wg_batch *batch, wg_error *err) {
    wgi_op *op = &u->op;
    const uint32_t capacity = wgi_op_batch_rows(op);
    wg_vector lists;
    WG_TRY(wgi_eval_vector(&op->eval, op->plan->exprs[0], batch, &lists, err));
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        const wg_value v = wg_vector_value(&lists, row);
        if (v.type == WG_TYPE_NULL) continue;
        const bool is_list = v.type == WG_TYPE_LIST;
        const uint32_t n = is_list ? v.size : 1;
        for (uint32_t k = 0; k < n; k++) {
            u->rows[u->count] = row;
            u->items[u->count++] = is_list ? v.as.list[k] : v;
            if (u->count < capacity) continue;
            WG_TRY(unwind_flush(u, batch, err));
            if (wgi_op_stopped(op)) return WG_OK;
            if (k % (64 * WG_BATCH_ROWS_MAX) < capacity) WG_TRY(wgi_check(op->eval.context, err));
        }
    }
    return unwind_flush(u, batch, err);
}

/* ---- ranges */

static bool is_range(const wg_plan *plan) {
    const wg_expr *e = plan->exprs[0];
    const wg_type type = plan->slot_types[plan->slot_count - 1];
    return e->kind == WG_EXPR_CALL && e->function->row == wgi_fn_range && e->arg_count <= 3 &&
           (type == WG_TYPE_INT || type == WG_TYPE_ANY);
}

bool wgi_range_of(const wg_value *args, uint32_t count, wgi_range *out) {
    *out = (wgi_range){0};
    for (uint32_t i = 0; i < count; i++)
        if (args[i].type == WG_TYPE_NULL) return true;
    for (uint32_t i = 0; i < count; i++)
        if (args[i].type != WG_TYPE_INT) return false;
    out->first = args[0].as.i;
    const int64_t last = args[1].as.i;
    const int64_t step = count == 3 ? args[2].as.i : 1;
    out->step = step;
    if (step == 0) return false;
    if (step > 0 ? out->first > last : out->first < last) return true;
    const uint64_t first = (uint64_t)out->first;
    const uint64_t span = step > 0 ? (uint64_t)last - first : first - (uint64_t)last;
    out->count = span / (step > 0 ? (uint64_t)step : 0 - (uint64_t)step) + 1;
    return out->count != 0 && out->count <= UINT32_MAX;
}

void wgi_range_fill(const wgi_range *range, uint64_t from, uint32_t n, int64_t *out) {
    const uint64_t first = (uint64_t)range->first + from * (uint64_t)range->step;
    for (uint32_t i = 0; i < n; i++)
        out[i] = wg_i64_of_u64(first + i * (uint64_t)range->step); /* wraps back into it */
}

bool wgi_range_of_plan(const wg_plan *plan, const wg_exec_context *context, wgi_range *out) {
    wg_value args[3];
    wg_arena arena;
    if (plan->op != WG_PLAN_UNWIND || plan->slot_count != 1 || !is_range(plan)) return false;
    wg_arena_init(&arena, context->account);
    bool ok = true;
    for (uint32_t i = 0; i < plan->exprs[0]->arg_count && ok; i++) {
        wg_error ignored = {0};
        ok = wg_exec_constant(plan->exprs[0]->args[i], context, &arena, &args[i], &ignored) == WG_OK;
    }
    ok = ok && wgi_range_of(args, plan->exprs[0]->arg_count, out);
    wg_arena_deinit(&arena);
    return ok;
}

/* *out NULL: some range is refused. */
static wg_code read_ranges(wgi_op *op, const wg_batch *batch, wgi_range **out, wg_error *err) {
    const wg_expr *e = op->plan->exprs[0];
    wg_vector v[3];
    wg_value args[3];
    *out = NULL;
    for (uint32_t a = 0; a < e->arg_count; a++) WG_TRY(wgi_eval_vector(&op->eval, e->args[a], batch, &v[a], err));
    wgi_range *ranges = wg_arena_alloc(&op->eval.arena, batch->row_count * sizeof *ranges);
    if (ranges == NULL) return wg_error_nomem(err, batch->row_count * sizeof *ranges);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        for (uint32_t a = 0; a < e->arg_count; a++) args[a] = wg_vector_value(&v[a], wg_batch_row(batch, i));
        if (!wgi_range_of(args, e->arg_count, &ranges[i])) return WG_OK;
    }
    *out = ranges;
    return WG_OK;
}

static wg_code flush_numbers(unwind_op *u, const wg_batch *batch, wg_error *err) {
    const wg_vector numbers = {.type = WG_TYPE_INT, .data = u->numbers};
    const wg_batch added = {.row_count = u->count, .column_count = 1, .columns = &numbers};
    if (u->count == 0) return WG_OK;
    u->count = 0;
    wg_arena_reset(&u->out);
    return wgi_push_fanout(&u->op, batch, u->rows, &added, &u->out, err);
}

static wg_code unwind_ranges(unwind_op *u, const wg_batch *batch, const wgi_range *ranges, wg_error *err) {
    const uint32_t capacity = wgi_op_batch_rows(&u->op);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        for (uint64_t at = 0; at < ranges[i].count;) {
            const uint32_t n = (uint32_t)wg_min_u64(capacity - u->count, ranges[i].count - at);
            wgi_range_fill(&ranges[i], at, n, u->numbers + u->count);
            for (uint32_t k = 0; k < n; k++) u->rows[u->count + k] = row;
            u->count += n;
            at += n;
            if (u->count < capacity) continue;
            WG_TRY(flush_numbers(u, batch, err));
            if (wgi_op_stopped(&u->op)) return WG_OK;
        }
    }
    return flush_numbers(u, batch, err);
}

/* ---- the operator */

static wg_code unwind_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    unwind_op *u = (unwind_op *)op;
    wgi_range *ranges = NULL;
    wg_arena_reset(&op->eval.arena);
    u->count = 0;
    if (is_range(op->plan)) WG_TRY(read_ranges(op, batch, &ranges, err));
    return ranges != NULL ? unwind_ranges(u, batch, ranges, err) : unwind_lists(u, batch, err);
}

static void unwind_destroy(wgi_op *op) { wg_arena_deinit(&((unwind_op *)op)->out); }

wg_code wgi_op_unwind(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {unwind_push, unwind_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(unwind_op), account, out, err));
    wg_arena_init(&((unwind_op *)*out)->out, account);
    return WG_OK;
}
