/* Short plans, run again and again: SEEK, INDEX_SEEK, EXPAND, FILTER, PROJECT, UNWIND over one row.
 *
 * A pipeline of such a plan has one task of one row, so there is nothing to deal out and nothing to merge: the chain pushes right into
 * the rows of the answer. Operators, their arenas and the rows stay from run to run, and the steady state calls no allocator. What belongs to a
 * run is given back at its end: nothing kept refers to the transaction.
 *
 * Failure. Whatever fails, apart from cancelling and the deadline, ends here without a word, and the caller runs the plan the long way, which
 * finds the first error in the order of rows, knows files, and says what limit was met. A chain that has grown large is dropped. */
#include "exec/pipeline.h"

enum { AGAIN_OPS_MAX = 16, AGAIN_BYTES_MAX = 512 * 1024 };

struct wg_exec_again {
    wgi_sink sink;
    wgi_pipeline pipeline;
    wgi_worker worker;
    wg_exec_context context; /* of the run */
    wg_account account;
};

static bool is_short_op(const wg_plan *plan) {
    return plan->op == WG_PLAN_SEEK || plan->op == WG_PLAN_INDEX_SEEK || plan->op == WG_PLAN_EXPAND ||
           plan->op == WG_PLAN_EXPAND_INTO || plan->op == WG_PLAN_FILTER || plan->op == WG_PLAN_PROJECT ||
           plan->op == WG_PLAN_UNWIND;
}

/* From the source up. */
static bool read_chain(const wg_plan *plan, const wg_plan **ops, uint32_t *out_count) {
    uint32_t n = 0;
    for (const wg_plan *p = plan; p->op != WG_PLAN_UNIT; p = p->children[0]) {
        if (!is_short_op(p) || n == AGAIN_OPS_MAX) return false;
        n++;
    }
    const wg_plan *p = plan;
    for (uint32_t i = n; i-- > 0; p = p->children[0]) ops[i] = p;
    *out_count = n;
    return n > 0;
}

static wg_code again_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                             wg_error *err) {
    (void)sink;
    (void)eval;
    (void)stop;
    return wgi_rows_append(local, batch, err);
}

static const wgi_sink_class again_class = {.consume = again_consume};

wg_code wg_exec_again_create(const wg_plan *plan, wg_account *account, wg_exec_again **out, wg_error *err) {
    const wg_plan *ops[AGAIN_OPS_MAX];
    uint32_t count = 0;
    *out = NULL;
    if (!read_chain(plan, ops, &count)) return WG_OK;
    wg_exec_again *a = wg_alloc_zero(account, sizeof *a);
    if (a == NULL) return wg_error_nomem(err, sizeof *a);
    wg_account_init(&a->account, account, 0);
    a->sink = (wgi_sink){.class = &again_class, .plan = plan, .context = &a->context};
    wgi_pipeline *p = &a->pipeline;
    wgi_worker *w = &a->worker;
    p->context = &a->context;
    p->sink = &a->sink;
    p->op_count = count;
    w->pipeline = p;
    a->context.account = &a->account; /* of what the operators make */
    wg_arena_init(&w->eval.arena, &a->account);
    w->eval.context = &a->context;
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < count; i++) {
        p->ops[i] = ops[i];
        WG_TRY_GOTO(wgi_make_op(p, i, &w->ops[i], err));
        w->ops[i]->worker = w;
        w->ops[i]->eval.context = &a->context;
        if (i > 0) w->ops[i - 1]->next = w->ops[i];
    }
    *out = a;
    return WG_OK;
fail:
    wg_exec_again_destroy(a);
    return code;
}

void wg_exec_again_destroy(wg_exec_again *again) {
    if (again == NULL) return;
    wgi_worker *w = &again->worker;
    for (uint32_t i = 0; i < again->pipeline.op_count; i++) {
        wgi_op *op = w->ops[i];
        if (op == NULL) continue;
        if (op->class->destroy != NULL) op->class->destroy(op);
        wgi_eval_deinit(&op->eval);
        wg_free(op);
    }
    wgi_eval_deinit(&w->eval);
    wg_free(again);
}

/* Rows of an earlier run, emptied; or new ones. */
static wg_code ready_rows(const wg_plan *plan, wg_account *account, wg_rows **io_rows, wg_error *err) {
    wg_rows *rows = *io_rows;
    const bool usable = rows != NULL && rows->file == NULL && rows->piece_count == 0 && rows->adopted_count == 0 &&
                        rows->account == account;
    if (!usable) {
        *io_rows = NULL;
        wg_rows_destroy(rows);
        return wgi_rows_create(plan->slot_types, plan->slot_count, account, io_rows, err);
    }
    for (uint32_t i = 0; i < rows->column_count; i++) {
        wg_column *column = &rows->columns[i];
        wg_column_clear(column);
        wg_free(column->valid); /* a column without nulls has none, as if it were new */
        column->valid = NULL;
    }
    wg_arena_reset(&rows->strings);
    rows->row_count = 0;
    return WG_OK;
}

static wg_code push_one(wg_exec_again *a, wg_rows *rows, wg_error *err) {
    wgi_worker *w = &a->worker;
    const wg_batch one = {.row_count = 1};
    w->batch_rows = a->context.batch_rows;
    w->stop = false;
    w->local = rows;
    WG_TRY(wgi_check(&a->context, err));
    if (a->context.cancel != NULL) atomic_fetch_add_explicit(&a->context.cancel->rows_done, 1, memory_order_relaxed);
    return w->ops[0]->class->push(w->ops[0], &one, err);
}

static void end_run(wg_exec_again *a) {
    for (uint32_t i = 0; i < a->pipeline.op_count; i++) {
        const wg_plan_op op = a->pipeline.ops[i]->op;
        if (op == WG_PLAN_EXPAND || op == WG_PLAN_EXPAND_INTO) wgi_op_expand_end(a->worker.ops[i]);
    }
    a->worker.local = NULL;
    a->context.txn = NULL;
}

wg_code wg_exec_again_run(wg_exec_again *again, const wg_exec_context *context, wg_rows **io_rows, bool *out_done,
                          wg_error *err) {
    wg_error local = {0};
    *out_done = false;
    if (context->profile != NULL || context->watch != NULL || context->argument != NULL) return WG_OK;
    again->context = *context;
    again->context.account = &again->account;
    wg_code code = ready_rows(again->sink.plan, context->account, io_rows, &local);
    if (code == WG_OK) code = push_one(again, *io_rows, &local);
    end_run(again);
    if (code == WG_OK) {
        *out_done = true;
        return WG_OK;
    }
    wg_rows_destroy(*io_rows);
    *io_rows = NULL;
    if (code != WG_E_CANCELLED && code != WG_E_DEADLINE) return WG_OK;
    if (err != NULL) *err = local;
    return code;
}

bool wg_exec_again_is_large(const wg_exec_again *again) {
    return wg_account_bytes(&again->account) > AGAIN_BYTES_MAX;
}
