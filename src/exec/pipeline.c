/* Runs a plan as pipelines. A pipeline is a source cut into tasks, a chain of streaming operators, and a sink.
 *
 * Sources: the tasks of a scan, or rows that an earlier pipeline left, cut into tasks of TASK_ROWS rows. ShardDispatch deals them to
 * `shards` queues by a hash of the task's ordinal. A worker serves the queues whose number is its own modulo the workers, and steals from the others
 * when these have nothing for it. It pushes a task's batches through its own chain into a local state of the sink, and the locals are
 * merged strictly in task order, by whichever worker completes the next one: shards, stealing and timing never show. A row's visibility is decided
 * by its own begin and end, so no task needs another version of a key, and no dealing can split such a decision.
 *
 * A task may be begun only while it lies within WINDOW tasks of the merge, so memory is bounded. A queue is never stored: it is those of the
 * WINDOW tasks that hash to its number and are not taken, in order. The task that the merge waits for is in the window, so it is either
 * running or free for any worker to take: nobody waits for ever, however many shards there are.
 *
 * Errors. A batch that fails tells that some row of it fails, not which is first: an early expression may fail on a late row. Therefore
 * a task that fails in a way that depends on data alone is run again from its start with one row a batch; what it then gives (rows up to
 * the failure, and the error of that row) is merged in its turn. So the error that is reported, or the LIMIT that ends the query before
 * it, is the same for every batch size and number of threads.
 *
 * A join whose built side does not fit into memory ends a pipeline: what is below it runs into a sink that joins part by part
 * (join_spill.c), and the joined rows are the source of what is above. */
#include "base/digest/digest.h"
#include "exec/join_internal.h"
#include "exec/pipeline.h"
#include "exec/profile.h"
#include "exec/spill.h"

wg_code wgi_check(const wg_exec_context *context, wg_error *err) {
    WG_TRY(wg_cancel_check(context->cancel, err));
    if (context->deadline_ns == 0) return WG_OK;
    wg_platform *platform = wg_engine_platform(wg_txn_engine(context->txn));
    if (platform->ops->now_ns(platform) < context->deadline_ns) return WG_OK;
    return wg_error_set(err, WG_E_DEADLINE, WG_NO_OFFSET, "the deadline passed before the answer was complete");
}

/* ---- pushing */

/* The worker works for `line` from now on; gives the line before. Plans that run for one row of another have no time of their own. */
static uint32_t work_for(wgi_worker *w, uint32_t line) {
    const wg_exec_context *context = w->pipeline->context;
    const uint32_t before = w->line;
    if (context->profile == NULL || context->argument != NULL) return before;
    const uint64_t now = wgi_profile_now(context->profile);
    wgi_profile_time(context->profile, before, now - w->mark);
    w->line = line;
    w->mark = now;
    return before;
}

/* Rows that were materialised have places: tasks are cut by their numbers, and what operators pass on keeps the order. Those of a scan have
 * none, since its cuts may change when stripes are merged. Joined rows that were in a file have those that they would have had without it. */
static void place_batch(const wgi_worker *w, wgi_eval *eval, const wg_batch *batch) {
    const wgi_pipeline *p = w->pipeline;
    const bool placed = p->cuts != NULL ? p->cuts->placed[w->task] : p->scan == NULL && !p->unplaced;
    eval->placed = placed ? batch : NULL;
}

/* Gives a batch to an operator, or to the sink when `op` is NULL. */
static wg_code give_batch(wgi_worker *w, wgi_op *op, const wg_batch *batch, wg_error *err) {
    wgi_sink *sink = w->pipeline->sink;
    wgi_eval *eval = op != NULL ? &op->eval : &w->eval;
    place_batch(w, eval, batch);
    const wg_code code = op != NULL ? op->class->push(op, batch, err)
                                    : sink->class->consume(sink, w->local, &w->eval, batch, &w->stop, err);
    eval->placed = NULL;
    eval->place += batch->row_count;
    return code;
}

static wg_code push_on(wgi_op *op, const wg_batch *batch, wg_error *err) {
    return give_batch(op->worker, op->next, batch, err);
}

/* Every batch that an operator passes on is a place to stop at: one batch of a source may fan out into any number of them. */
wg_code wgi_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    if (batch->row_count == 0) return WG_OK;
    WG_TRY(wgi_check(op->eval.context, err));
    wgi_worker *w = op->worker;
    wg_profile *profile = w->pipeline->context->profile;
    if (profile == NULL) return push_on(op, batch, err);
    wgi_profile_rows(profile, op->line, batch->row_count, 1);
    const uint32_t before = work_for(w, op->next != NULL ? op->next->line : w->pipeline->sink_line);
    const wg_code code = push_on(op, batch, err);
    (void)work_for(w, before);
    return code;
}

bool wgi_op_stopped(const wgi_op *op) { return op->worker->stop; }
uint32_t wgi_op_batch_rows(const wgi_op *op) { return op->worker->batch_rows; }

static wg_code push_first(wgi_worker *w, const wg_batch *batch, wg_error *err) {
    return give_batch(w, w->pipeline->op_count > 0 ? w->ops[0] : NULL, batch, err);
}

wg_code wgi_push_source(wgi_worker *w, const wg_batch *batch, wg_error *err) {
    const wg_exec_context *context = w->pipeline->context;
    WG_TRY(wgi_check(context, err));
    if (context->cancel != NULL)
        atomic_fetch_add_explicit(&context->cancel->rows_done, batch->row_count, memory_order_relaxed);
    if (batch->row_count == 0) return WG_OK;
    if (context->profile == NULL) return push_first(w, batch, err);
    if (w->pipeline->counts_source) wgi_profile_rows(context->profile, w->pipeline->source_line, batch->row_count, 1);
    const uint32_t before = work_for(w, w->pipeline->op_count > 0 ? w->ops[0]->line : w->pipeline->sink_line);
    const wg_code code = push_first(w, batch, err);
    (void)work_for(w, before);
    return code;
}

static wg_code run_task_once(wgi_worker *w, uint32_t task, wg_error *err) {
    wgi_sink *sink = w->pipeline->sink;
    w->stop = false;
    w->local = NULL;
    w->task = task;
    w->eval.task = sink->task_base + task;
    w->eval.place = (uint64_t)w->eval.task << 32;
    for (uint32_t i = 0; i < w->pipeline->op_count; i++) w->ops[i]->eval.place = w->eval.place;
    WG_TRY(sink->class->local_create(sink, &w->local, err));
    return wgi_run_source_task(w, task, err);
}

/* Errors that rows cause; the others come from outside and would only come again. */
static bool is_data_error(wg_code code) {
    return code == WG_E_VALUE || code == WG_E_TYPE || code == WG_E_BIND || code == WG_E_NOT_FOUND ||
           code == WG_E_PARAMETER || code == WG_E_UNSUPPORTED || code == WG_E_CONSTRAINT;
}

static wg_code run_task(wgi_worker *w, uint32_t task, wg_error *err) {
    wgi_sink *sink = w->pipeline->sink;
    wg_code code = run_task_once(w, task, err);
    if (!is_data_error(code) || w->batch_rows == 1) return code;
    const uint32_t batch_rows = w->batch_rows;
    if (w->local != NULL) sink->class->local_destroy(sink, w->local);
    wg_error_clear(err);
    w->batch_rows = 1;
    code = run_task_once(w, task, err);
    w->batch_rows = batch_rows;
    return code;
}

/* ---- merging */

static void finish_locked(wgi_pipeline *p, wg_code code, const wg_error *error) {
    if (!atomic_load_explicit(&p->finished, memory_order_relaxed)) {
        p->code = code;
        if (code != WG_OK) p->error = *error;
    }
    atomic_store_explicit(&p->finished, true, memory_order_relaxed);
    wg_cond_broadcast(&p->moved);
}

/* Merges every local that is next. Called and left with the lock held. */
static void merge_ready(wgi_pipeline *p) {
    if (p->merging) return;
    p->merging = true;
    while (!p->finished && p->merged < p->task_count && p->slots[p->merged % WINDOW].ready) {
        task_slot *slot = &p->slots[p->merged % WINDOW];
        wg_mutex_unlock(&p->lock);
        bool done = false;
        wg_error error = {0};
        wg_code code = WG_OK;
        /* What a failed task did before its error matters only where it can end the query. */
        const bool wanted = slot->code == WG_OK || (p->sink->can_end_early && is_data_error(slot->code));
        if (slot->local != NULL && wanted) code = p->sink->class->merge(p->sink, slot->local, &done, &error);
        else if (slot->local != NULL) p->sink->class->local_destroy(p->sink, slot->local);
        if (code == WG_OK && !done && slot->code != WG_OK) {
            code = slot->code;
            error = slot->error;
        }
        wg_mutex_lock(&p->lock);
        *slot = (task_slot){0};
        p->merged++;
        if (code != WG_OK || done) finish_locked(p, code, &error);
        wg_cond_broadcast(&p->moved);
    }
    p->merging = false;
}

/* ---- dealing out tasks: ShardDispatch */

static uint32_t shard_of(const wgi_pipeline *p, uint32_t task) {
    return p->shards == 1 ? 0 : (uint32_t)(wg_hash64_u64(task) % p->shards);
}

/* How far tasks may be begun ahead of the merge. That which the merge waits for always may. */
static uint32_t window_of(const wgi_pipeline *p) {
    const wg_exec_context *context = p->context;
    const uint32_t most = p->sink->window == 0 ? WINDOW : (uint32_t)wg_min_u64(p->sink->window, WINDOW);
    if (!p->sink->holds_rows || !wgi_spill_wanted(context)) return most;
    const uint64_t limit = context->account->bytes_max;
    return wgi_spill_has_room(context, limit / 8) ? (uint32_t)wg_min_u64(most, 2 * (uint64_t)p->workers) : 1;
}

/* The first free task of the window in a queue of the worker's; else the first free one at all. UINT32_MAX: none. */
static uint32_t free_task(const wgi_pipeline *p, uint32_t worker) {
    const uint32_t end = (uint32_t)wg_min_u64((uint64_t)p->merged + window_of(p), p->task_count);
    uint32_t other = UINT32_MAX;
    for (uint32_t task = p->merged; task < end; task++) {
        if (p->slots[task % WINDOW].taken) continue;
        if (shard_of(p, task) % p->workers == worker) return task;
        if (other == UINT32_MAX) other = task;
    }
    return other;
}

static bool claim_task(wgi_pipeline *p, uint32_t worker, uint32_t *out) {
    uint32_t task = UINT32_MAX;
    wg_mutex_lock(&p->lock);
    while (!p->finished && p->taken < p->task_count && (task = free_task(p, worker)) == UINT32_MAX)
        wg_cond_wait(&p->moved, &p->lock);
    const bool go = !p->finished && task != UINT32_MAX;
    if (go) {
        p->slots[task % WINDOW].taken = true;
        p->taken++;
    }
    wg_mutex_unlock(&p->lock);
    *out = task;
    return go;
}

/* ---- workers */

wg_code wgi_make_op(const wgi_pipeline *p, uint32_t i, wgi_op **out, wg_error *err) {
    const wg_plan *plan = p->ops[i];
    wg_account *account = p->context->account;
    if (p->tables[i] != NULL) return wgi_op_join(plan, p->tables[i], account, out, err);
    if (plan->op == WG_PLAN_FILTER) return wgi_op_filter(plan, account, out, err);
    if (plan->op == WG_PLAN_PROJECT) return wgi_op_project(plan, account, out, err);
    if (plan->op == WG_PLAN_UNWIND) return wgi_op_unwind(plan, account, out, err);
    if (plan->op == WG_PLAN_INDEX_SEEK) return wgi_op_index_seek(plan, account, out, err);
    if (plan->op == WG_PLAN_SEEK) return wgi_op_seek(plan, account, out, err);
    if (plan->op == WG_PLAN_EXPAND_VAR) return wgi_op_expand_var(plan, account, out, err);
    if (plan->op == WG_PLAN_INTERSECT) return wgi_op_intersect(plan, account, out, err);
    if (plan->op == WG_PLAN_EXISTS) return wgi_op_exists(plan, account, out, err);
    if (plan->op == WG_PLAN_SHORTEST && plan->paths > 0) return wgi_op_search(plan, account, out, err);
    if (plan->op == WG_PLAN_SHORTEST) return wgi_op_shortest(plan, account, out, err);
    if (plan->op == WG_PLAN_APPLY) return wgi_op_apply(plan, account, out, err);
    if (plan->op == WG_PLAN_PROCEDURE) return wgi_op_procedure(plan, account, out, err);
    return wgi_op_expand(plan, account, out, err);
}

static void worker_deinit(wgi_worker *w) {
    for (uint32_t i = 0; i < w->pipeline->op_count; i++) {
        if (w->ops[i] == NULL) continue;
        if (w->ops[i]->class->destroy != NULL) w->ops[i]->class->destroy(w->ops[i]);
        wgi_eval_deinit(&w->ops[i]->eval);
        wg_free(w->ops[i]);
    }
    wg_scan_cursor_destroy(w->cursor);
    wgi_eval_deinit(&w->eval);
    wg_free(w->vectors);
    wg_free(w->numbers);
    wg_free(w);
}

static wg_code worker_create(wgi_pipeline *p, wgi_worker **out, wg_error *err) {
    const wg_exec_context *context = p->context;
    wgi_worker *w = wg_alloc_zero(context->account, sizeof *w);
    if (w == NULL) return wg_error_nomem(err, sizeof *w);
    wg_code code = WG_OK;
    w->pipeline = p;
    w->batch_rows = context->batch_rows;
    w->eval.context = context;
    w->line = WG_PROFILE_NO_LINE;
    wg_arena_init(&w->eval.arena, context->account);
    for (uint32_t i = 0; i < p->op_count; i++) {
        WG_TRY_GOTO(wgi_make_op(p, i, &w->ops[i], err));
        w->ops[i]->worker = w;
        w->ops[i]->eval.context = context;
        w->ops[i]->line = wgi_profile_line(context->profile, p->ops[i]);
        if (i > 0) w->ops[i - 1]->next = w->ops[i];
    }
    if (p->scan != NULL) {
        WG_TRY_GOTO(wg_scan_cursor_create(p->scan, context->cancel, context->account, &w->cursor, err));
    } else {
        const uint32_t columns = p->blocks != NULL ? p->blocks->column_count : p->rows->column_count;
        const size_t bytes = (columns + 1) * sizeof *w->vectors;
        w->vectors = wg_alloc(context->account, bytes);
        if (w->vectors == NULL) WG_TRY_GOTO(wg_error_nomem(err, bytes));
        if (p->range.count > 0) w->numbers = wg_alloc(context->account, WG_BATCH_ROWS_MAX * sizeof *w->numbers);
        if (p->range.count > 0 && w->numbers == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *w));
    }
    *out = w;
    return WG_OK;
fail:
    worker_deinit(w);
    return code;
}

static void note_memory(const wg_exec_context *context, uint32_t line, uint64_t before) {
    if (context->profile == NULL || context->account == NULL) return;
    const uint64_t now = wg_account_bytes(context->account);
    wgi_profile_memory(context->profile, line, now > before ? now - before : 0);
}

/* The leading thread of a run that is measured works for `line`; gives the line before. */
static uint32_t lead_for(const wg_exec_context *context, uint32_t line) {
    if (context->profile == NULL || context->argument != NULL) return WG_PROFILE_NO_LINE;
    return wgi_profile_lead(context->profile, line);
}

static void worker_run(void *arg, uint32_t number) {
    wgi_pipeline *p = arg;
    const wg_exec_watch *watch = p->context->watch;
    wgi_worker *w = NULL;
    wg_error error = {0};
    const wg_code made = worker_create(p, &w, &error);
    if (made != WG_OK) {
        wg_mutex_lock(&p->lock);
        finish_locked(p, made, &error);
        wg_mutex_unlock(&p->lock);
        return;
    }
    uint32_t task;
    while (claim_task(p, number, &task)) {
        task_slot done = {.taken = true, .ready = true};
        (void)work_for(w, p->source_line);
        done.code = run_task(w, task, &done.error);
        done.local = w->local;
        if (watch != NULL) watch->task_done(watch->ctx, task, shard_of(p, task));
        (void)work_for(w, p->sink_line);
        wg_mutex_lock(&p->lock);
        p->slots[task % WINDOW] = done;
        merge_ready(p);
        wg_mutex_unlock(&p->lock);
        note_memory(p->context, p->sink_line, p->bytes_before);
        (void)work_for(w, WG_PROFILE_NO_LINE);
    }
    worker_deinit(w);
}

/* ---- building */

static bool is_streaming(const wg_plan *plan) {
    switch (plan->op) {
        case WG_PLAN_SCAN:
            return plan->children[0] != NULL;
        case WG_PLAN_SEEK:
        case WG_PLAN_INDEX_SEEK:
        case WG_PLAN_EXPAND:
        case WG_PLAN_EXPAND_INTO:
        case WG_PLAN_INTERSECT:
        case WG_PLAN_EXPAND_VAR:
        case WG_PLAN_SHORTEST:
        case WG_PLAN_EXISTS:
        case WG_PLAN_FILTER:
        case WG_PLAN_PROJECT:
        case WG_PLAN_HASH_JOIN:
        case WG_PLAN_CROSS:
        case WG_PLAN_UNWIND:
        case WG_PLAN_OPTIONAL:
        case WG_PLAN_APPLY:
        case WG_PLAN_PROCEDURE:
            return true;
        case WG_PLAN_UNIT:
        case WG_PLAN_AGGREGATE:
        case WG_PLAN_DISTINCT:
        case WG_PLAN_SORT:
        case WG_PLAN_PICK:
        case WG_PLAN_LIMIT:
        case WG_PLAN_UNION:
        case WG_PLAN_CREATE:
        case WG_PLAN_SET:
        case WG_PLAN_DELETE:
        case WG_PLAN_MERGE:
        case WG_PLAN_CALL:
        case WG_PLAN_ARGUMENT:
        case WG_PLAN_PATTERN_COUNT:
        case WG_PLAN_REACH:
            return false;
    }
    WG_UNREACHABLE("a plan operator outside its enum");
}

wg_code wgi_open_scan(const wg_plan *plan, const wg_exec_context *context, wg_scan **out, wg_error *err) {
    return wgi_open_scan_for(plan, context, false, false, out, err);
}

wg_code wgi_open_scan_for(const wg_plan *plan, const wg_exec_context *context, bool no_ids, bool counts,
                          wg_scan **out, wg_error *err) {
    wg_scan_spec spec = plan->scan;
    spec.kernels = context->kernels;
    spec.no_ids = no_ids;
    spec.counts = counts;
    wg_arena arena;
    wg_arena_init(&arena, context->account);
    wg_code code = WG_OK;
    wg_scan_predicate *predicates = wg_arena_alloc(&arena, (spec.predicate_count + 1) * sizeof *predicates);
    if (predicates == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *predicates));
    uint32_t n = 0;
    for (uint32_t i = 0; i < spec.predicate_count; i++) {
        predicates[n] = spec.predicates[i];
        if (plan->scan_predicate_exprs != NULL && plan->scan_predicate_exprs[i] != NULL)
            WG_TRY_GOTO(wg_exec_constant(plan->scan_predicate_exprs[i], context, &arena, &predicates[n].value, err));
        /* A comparison with null leaves nothing, which the filter above finds out; null is no bound to prune by. */
        if (predicates[n].op == WG_CMP_NOT_NULL || predicates[n].value.type != WG_TYPE_NULL) n++;
    }
    spec.predicates = predicates;
    spec.predicate_count = n;
    code = wg_scan_open(context->txn, &spec, context->account, out, err);
fail:
    wg_arena_deinit(&arena);
    return code;
}

static wg_code open_scan(wgi_pipeline *p, const wg_plan *plan, wg_error *err) {
    wg_cancel *cancel = p->context->cancel;
    const bool no_ids = !wgi_slot_is_used(p->ops, p->op_count, p->sink, plan->scan.is_edge ? 1 : 0);
    const bool counts = no_ids && wgi_only_counts(p->op_count, p->sink);
    WG_TRY(wgi_open_scan_for(plan, p->context, no_ids, counts, &p->scan, err));
    p->task_count = wg_scan_task_count(p->scan);
    p->counts_source = true;
    if (cancel != NULL)
        atomic_fetch_add_explicit(&cancel->rows_total, wg_scan_row_count_max(p->scan), memory_order_relaxed);
    return WG_OK;
}

static wg_code measured_plan(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);

static wg_code open_source(wgi_pipeline *p, const wg_plan *plan, wg_error *err) {
    if (plan->op == WG_PLAN_SCAN) return open_scan(p, plan, err);
    if (plan->op == WG_PLAN_UNIT) {
        WG_TRY(wgi_rows_create(NULL, 0, p->context->account, &p->rows, err));
        p->rows->row_count = 1;
    } else {
        WG_TRY(measured_plan(plan, p->context, &p->rows, err));
        wgi_profile_rows(p->context->profile, p->source_line, p->rows->row_count, 1);
    }
    p->counts_source = plan->op == WG_PLAN_UNIT;
    p->task_count = (uint32_t)((p->rows->row_count + TASK_ROWS - 1) / TASK_ROWS);
    return WG_OK;
}

/* ---- chains: the streaming operators from a sink down to a source, with the tables of those that join */

typedef struct op_chain {
    const wg_plan *ops[OPS_MAX]; /* from the sink down */
    wgi_join_table *tables[OPS_MAX];
    uint32_t count;
} op_chain;

/* Adds the streaming operators from *plan down, and leaves *plan at what is below them. */
static wg_code extend_chain(op_chain *chain, const wg_plan **plan, wg_error *err) {
    for (; is_streaming(*plan); *plan = (*plan)->children[0]) {
        if (chain->count == OPS_MAX)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d operators in a row", OPS_MAX);
        chain->tables[chain->count] = NULL;
        chain->ops[chain->count++] = *plan;
    }
    return WG_OK;
}

/* What operators of its kind have written to temporary files so far. */
static uint64_t spilled_bytes(const wg_exec_context *context, const wg_plan *plan) {
    wg_spill_user user = WG_SPILL_ROWS;
    if (context->spill == NULL) return 0;
    if (plan->op == WG_PLAN_SORT) user = WG_SPILL_SORT;
    if (plan->op == WG_PLAN_AGGREGATE || plan->op == WG_PLAN_DISTINCT) user = WG_SPILL_AGGREGATE;
    if (plan->op == WG_PLAN_HASH_JOIN || plan->op == WG_PLAN_OPTIONAL || plan->op == WG_PLAN_CROSS)
        user = WG_SPILL_JOIN;
    return atomic_load_explicit(&context->spill->bytes[user], memory_order_relaxed);
}

static bool has_table(const wg_plan *plan) {
    return plan->op == WG_PLAN_HASH_JOIN || plan->op == WG_PLAN_CROSS || plan->op == WG_PLAN_OPTIONAL ||
           plan->op == WG_PLAN_SCAN;
}

static bool is_random(const wg_expr *expr) {
    if (expr == NULL) return false;
    if (expr->kind == WG_EXPR_RANDOM) return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (is_random(expr->args[i])) return true;
    return false;
}

/* May what it computes depend on the places of its input rows? */
static bool uses_places(const wg_plan *plan) {
    if (plan->op == WG_PLAN_APPLY || plan->op == WG_PLAN_PROCEDURE) return true;
    for (uint32_t i = 0; i < plan->expr_count; i++)
        if (is_random(plan->exprs[i]) || (plan->right_exprs != NULL && is_random(plan->right_exprs[i]))) return true;
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (is_random(plan->aggregates[i].arg)) return true;
    for (uint32_t i = 0; i < plan->sort_item_count; i++)
        if (is_random(plan->sort_items[i].expr)) return true;
    return false;
}

/* Does anybody above the join ask for the places of its rows? */
static bool asks_places(const op_chain *chain, uint32_t join, const wgi_sink *sink) {
    for (uint32_t i = 0; i < join; i++)
        if (uses_places(chain->ops[i])) return true;
    return sink->plan != NULL && uses_places(sink->plan);
}

/* Runs the built side of operator i of the chain. */
static wg_code create_table(op_chain *chain, uint32_t i, const wgi_sink *sink, wg_error *err) {
    const wg_plan *plan = chain->ops[i];
    const wg_plan *above[OPS_MAX];
    bool *reads = wg_alloc(sink->context->account, plan->slot_count + (size_t)1);
    if (reads == NULL) return wg_error_nomem(err, plan->slot_count);
    for (uint32_t k = 0; k < i; k++) above[k] = chain->ops[i - 1 - k];
    for (uint32_t slot = 0; slot < plan->slot_count; slot++) reads[slot] = wgi_slot_is_used(above, i, sink, slot);
    const wg_code code = wgi_join_table_create(plan, sink->context, reads, &chain->tables[i], err);
    wg_free(reads);
    return code;
}

static wg_code build_table(op_chain *chain, uint32_t i, const wgi_sink *sink, wg_error *err) {
    const wg_exec_context *context = sink->context;
    const uint32_t line = wgi_profile_line(context->profile, chain->ops[i]);
    const uint64_t before = context->account != NULL ? wg_account_bytes(context->account) : 0;
    const uint64_t spilled = spilled_bytes(context, chain->ops[i]);
    const uint32_t led = lead_for(context, line);
    const wg_code code = create_table(chain, i, sink, err);
    (void)lead_for(context, led);
    note_memory(context, line, before);
    wgi_profile_spilled(context->profile, line, spilled_bytes(context, chain->ops[i]) - spilled);
    return code;
}

static void drop_locals(wgi_pipeline *p) {
    for (uint32_t i = 0; i < WINDOW; i++) {
        if (p->slots[i].local != NULL) p->sink->class->local_destroy(p->sink, p->slots[i].local);
        p->slots[i] = (task_slot){0};
    }
}

static void close_source(wgi_pipeline *p) {
    if (p->scan != NULL && p->context->stats != NULL) wg_scan_stats(p->scan, p->context->stats);
    if (p->scan != NULL) wgi_profile_scan(p->context->profile, p->source_line, p->scan);
    wg_scan_close(p->scan);
    wg_rows_destroy(p->rows);
    wgi_cuts_destroy(p->cuts);
    p->scan = NULL;
    p->rows = NULL;
    p->cuts = NULL;
    p->range.count = 0;
}

static void pipeline_destroy(wgi_pipeline *p) {
    close_source(p);
    wg_cond_deinit(&p->moved);
    wg_mutex_deinit(&p->lock);
    wg_free(p);
}

static wg_code pipeline_create(const wg_exec_context *context, wgi_pipeline **out, wg_error *err) {
    wgi_pipeline *p = wg_alloc_zero(context->account, sizeof *p);
    if (p == NULL) return wg_error_nomem(err, sizeof *p);
    p->context = context;
    p->source_line = WG_PROFILE_NO_LINE;
    wg_mutex_init(&p->lock, WG_RANK_POOL + 1);
    wg_cond_init(&p->moved);
    p->bytes_before = context->account != NULL ? wg_account_bytes(context->account) : 0;
    *out = p;
    return WG_OK;
}

/* Operators [first, last) of the chain, from the source up, and the sink that they end in. */
static void aim(wgi_pipeline *p, const op_chain *chain, uint32_t first, uint32_t last, wgi_sink *sink) {
    p->sink = sink;
    p->sink_line = wgi_profile_line(p->context->profile, sink->plan);
    p->op_count = last - first;
    for (uint32_t i = first; i < last; i++) {
        p->ops[last - 1 - i] = chain->ops[i];
        p->tables[last - 1 - i] = chain->tables[i];
    }
}

/* Runs all tasks of the source into the sink. */
static wg_code run_tasks(wgi_pipeline *p, wg_error *err) {
    const wg_exec_context *context = p->context;
    p->workers = (uint32_t)wg_max_u64(1, wg_min_u64(context->threads, p->task_count));
    p->shards = context->shards != 0 ? context->shards : context->threads;
    p->taken = p->merged = 0;
    p->code = WG_OK;
    atomic_store_explicit(&p->finished, false, memory_order_relaxed);
    const uint32_t led = lead_for(context, WG_PROFILE_NO_LINE); /* as one of the workers it counts for itself */
    wg_pool_run(context->pool, p->workers, worker_run, p);
    (void)lead_for(context, led);
    if (p->code != WG_OK && err != NULL) *err = p->error;
    p->sink->task_base += p->task_count;
    drop_locals(p);
    return p->code;
}

wg_code wgi_run_blocks(const wgi_block_source *source, const wg_plan *plan, const wgi_join_table *table,
                       wgi_sink *sink, wg_error *err) {
    wgi_pipeline *p = NULL;
    WG_TRY(pipeline_create(sink->context, &p, err));
    p->blocks = source;
    p->task_count = source->count;
    p->sink = sink;
    p->sink_line = WG_PROFILE_NO_LINE;
    p->ops[0] = plan;
    p->tables[0] = table;
    p->op_count = 1;
    const wg_code code = run_tasks(p, err);
    pipeline_destroy(p);
    return code;
}

static void take_rows(wgi_pipeline *p, wg_rows *rows, wgi_cuts *cuts) {
    p->rows = rows;
    p->cuts = cuts;
    p->task_count = cuts != NULL ? cuts->count : (uint32_t)((rows->row_count + TASK_ROWS - 1) / TASK_ROWS);
}

/* The rows of a probe sink, which is destroyed; `cut`: and where the tasks that went into it end in them. */
static wg_code finish_probe(wgi_sink *probe, wg_code code, bool cut, wg_rows **rows, wgi_cuts **cuts, wg_error *err) {
    if (code == WG_OK) code = probe->class->finish(probe, rows, err);
    if (code == WG_OK && cut) *cuts = wgi_sink_probe_cuts(probe);
    probe->class->destroy(probe);
    wg_free(probe);
    return code;
}

/* The joined rows of operator `join`, whose table is dealt, become the source of what is above it. */
static wg_code join_dealt(wgi_pipeline *p, op_chain *chain, uint32_t join, const wgi_sink *sink, wg_error *err) {
    wgi_sink *probe = NULL;
    wg_rows *rows = NULL;
    wgi_cuts *cuts = NULL;
    const bool cut = p->scan == NULL && !p->unplaced && asks_places(chain, join, sink);
    const uint64_t spilled = spilled_bytes(p->context, chain->ops[join]);
    WG_TRY(wgi_sink_probe(chain->ops[join], chain->tables[join], p->context, &probe, err));
    aim(p, chain, join + 1, chain->count, probe);
    wg_code code = run_tasks(p, err);
    p->unplaced |= p->scan != NULL;
    close_source(p);
    code = finish_probe(probe, code, cut, &rows, &cuts, err);
    wgi_profile_spilled(p->context->profile, wgi_profile_line(p->context->profile, chain->ops[join]),
                        spilled_bytes(p->context, chain->ops[join]) - spilled);
    for (uint32_t i = join; i < chain->count; i++) {
        wgi_join_table_destroy(chain->tables[i]);
        chain->tables[i] = NULL;
    }
    chain->count = join;
    if (code == WG_OK) take_rows(p, rows, cuts);
    return code;
}

/* UNWIND of a long constant range, the lowest operator over one row, becomes the source. Its rows then have other places in their tasks. */
static void take_range(wgi_pipeline *p, op_chain *chain, uint32_t first, const wgi_sink *sink) {
    wgi_range range;
    if (chain->count == first || p->rows == NULL || p->rows->row_count != 1 || p->rows->column_count != 0) return;
    for (uint32_t i = 0; i < chain->count; i++)
        if (uses_places(chain->ops[i])) return;
    if (sink->plan != NULL && uses_places(sink->plan)) return;
    const wg_plan *unwind = chain->ops[chain->count - 1];
    if (!wgi_range_of_plan(unwind, p->context, &range) || range.count <= WGI_RANGE_TASK_ROWS) return;
    wgi_profile_rows(p->context->profile, p->source_line, 1, 1);
    p->source_line = wgi_profile_line(p->context->profile, unwind);
    p->range = range;
    p->task_count = (uint32_t)((range.count + WGI_RANGE_TASK_ROWS - 1) / WGI_RANGE_TASK_ROWS);
    chain->count--;
}

/* What a pipeline begins with: a plan, or its rows, which are taken. */
typedef struct source {
    const wg_plan *plan;
    wg_rows *rows;
    wgi_cuts *cuts;
} source;

/* Runs one source through the chain, whose operators first.. still lack their tables. *done: the sink needs no more. */
static wg_code run_pipeline(op_chain *chain, uint32_t first, const source *from, wgi_sink *sink, bool *done,
                            wg_error *err) {
    const wg_exec_context *context = sink->context;
    wgi_pipeline *p = NULL;
    wg_code code = pipeline_create(context, &p, err);
    if (code != WG_OK) {
        wg_rows_destroy(from->rows);
        wgi_cuts_destroy(from->cuts);
        return code;
    }
    p->source_line = wgi_profile_line(context->profile, from->plan);
    aim(p, chain, 0, chain->count, sink);
    if (from->rows != NULL) take_rows(p, from->rows, from->cuts);
    else code = open_source(p, from->plan, err);
    if (code == WG_OK && from->rows == NULL && from->plan->op == WG_PLAN_UNIT) take_range(p, chain, first, sink);
    for (uint32_t i = chain->count; i-- > first && code == WG_OK;) {
        if (!has_table(chain->ops[i])) continue;
        code = build_table(chain, i, sink, err);
        if (code == WG_OK && wgi_join_table_is_dealt(chain->tables[i])) code = join_dealt(p, chain, i, sink, err);
    }
    if (code == WG_OK) {
        aim(p, chain, 0, chain->count, sink);
        code = run_tasks(p, err);
        *done = p->finished;
    }
    pipeline_destroy(p);
    return code;
}

/* Rows of the branches can be passed on as they are when the types agree; ANY takes every type. */
static bool union_streams(const wg_plan *plan) {
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < plan->slot_count; i++) {
            const wg_type type = plan->slot_types[i];
            if (type != WG_TYPE_ANY && type != plan->children[side]->slot_types[i]) return false;
        }
    return true;
}

static wg_code run_source(const op_chain *upper, const wg_plan *plan, const wg_exec_context *context, wgi_sink *sink,
                          bool *done, wg_error *err);

static wg_code run_branches(const op_chain *chain, const wg_plan *plan, const wg_exec_context *context,
                            wgi_sink *sink, bool *done, wg_error *err) {
    wg_code code = WG_OK;
    for (int i = 0; i < 2 && code == WG_OK && !*done; i++)
        code = run_source(chain, plan->children[i], context, sink, done, err);
    return code;
}

/* The same where the table of operator `join` of the common chain is dealt: both branches run into the join, whose rows go on. */
static wg_code run_branches_dealt(op_chain *chain, uint32_t join, const wg_plan *plan, wgi_sink *sink, source *out,
                                  wg_error *err) {
    const wg_exec_context *context = sink->context;
    wgi_sink *probe = NULL;
    op_chain *lower = wg_alloc_zero(context->account, sizeof *lower);
    if (lower == NULL) return wg_error_nomem(err, sizeof *lower);
    lower->count = chain->count - join - 1;
    memcpy(lower->ops, chain->ops + join + 1, lower->count * sizeof(const wg_plan *));
    memcpy(lower->tables, chain->tables + join + 1, lower->count * sizeof(wgi_join_table *));
    wg_code code = wgi_sink_probe(chain->ops[join], chain->tables[join], context, &probe, err);
    if (code == WG_OK) {
        bool ended = false;
        code = run_branches(lower, plan, context, probe, &ended, err);
        code = finish_probe(probe, code, asks_places(chain, join, sink), &out->rows, &out->cuts, err);
    }
    wg_free(lower);
    for (uint32_t i = join; i < chain->count; i++) wgi_join_table_destroy(chain->tables[i]);
    chain->count = join;
    return code;
}

/* A UNION runs its branches one after the other, each through a chain of its own that ends in the common one, so nothing is kept between
 * them. */
static wg_code run_streamed_union(op_chain *chain, uint32_t first, const wg_plan *plan, wgi_sink *sink, bool *done,
                                  wg_error *err) {
    const wg_exec_context *context = sink->context;
    for (uint32_t i = chain->count; i-- > first;) {
        if (!has_table(chain->ops[i])) continue;
        WG_TRY(build_table(chain, i, sink, err));
        if (!wgi_join_table_is_dealt(chain->tables[i])) continue;
        source joined = {.plan = plan};
        WG_TRY(run_branches_dealt(chain, i, plan, sink, &joined, err));
        return run_pipeline(chain, first, &joined, sink, done, err);
    }
    return run_branches(chain, plan, context, sink, done, err);
}

/* Feeds the rows of `plan` through the chain `upper` into the sink. */
static wg_code run_source(const op_chain *upper, const wg_plan *plan, const wg_exec_context *context, wgi_sink *sink,
                          bool *done, wg_error *err) {
    op_chain *chain = wg_alloc(context->account, sizeof *chain);
    if (chain == NULL) return wg_error_nomem(err, sizeof *chain);
    *chain = *upper;
    wg_code code = extend_chain(chain, &plan, err);
    const bool branches = code == WG_OK && plan->op == WG_PLAN_UNION && union_streams(plan);
    if (branches) code = run_streamed_union(chain, upper->count, plan, sink, done, err);
    else if (code == WG_OK) code = run_pipeline(chain, upper->count, &(const source){.plan = plan}, sink, done, err);
    for (uint32_t i = upper->count; i < chain->count; i++) wgi_join_table_destroy(chain->tables[i]);
    wg_free(chain);
    return code;
}

wg_code wgi_run_into(const wg_plan *top, const wg_exec_context *context, wgi_sink *sink, wg_rows **out,
                     wg_error *err) {
    static const op_chain nothing;
    bool done = false;
    wg_code code = run_source(&nothing, top, context, sink, &done, err);
    if (code == WG_OK) code = wgi_check(context, err);
    if (code == WG_OK) code = sink->class->finish(sink, out, err);
    sink->class->destroy(sink);
    wg_free(sink);
    return code;
}

/* A union whose branches have other types than its own rows: these are converted as they are collected. */
static wg_code run_union(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *rows = NULL;
    wg_rows *part = NULL;
    wg_code code = wgi_rows_create(plan->slot_types, plan->slot_count, context->account, &rows, err);
    for (int i = 0; i < 2 && code == WG_OK; i++) {
        code = wgi_run_plan(plan->children[i], context, &part, err);
        if (code != WG_OK) break;
        code = wgi_rows_take(rows, part, err);
        wg_rows_destroy(part);
    }
    if (code == WG_OK) *out = rows;
    else wg_rows_destroy(rows);
    return code;
}

/* The rows may be in a file in part. */
static wg_code run_plan(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wgi_sink *sink = NULL;
    const wg_plan *top = plan->children[0];
    switch (plan->op) {
        case WG_PLAN_AGGREGATE:
            if (wgi_agg_is_over_distinct(plan)) return wgi_run_over_distinct(plan, context, out, err);
            WG_TRY(wgi_sink_aggregate(plan, context, &sink, err));
            break;
        case WG_PLAN_DISTINCT:
            WG_TRY(wgi_sink_distinct(plan, context, &sink, err));
            break;
        case WG_PLAN_SORT:
            WG_TRY(wgi_sink_sort(plan, context, &sink, err));
            break;
        case WG_PLAN_LIMIT:
            WG_TRY(wgi_sink_limit(plan, context, &sink, err));
            break;
        case WG_PLAN_UNION:
            if (!union_streams(plan)) return run_union(plan, context, out, err);
            top = plan;
            WG_TRY(wgi_sink_collect(plan->slot_types, plan->slot_count, context, &sink, err));
            break;
        case WG_PLAN_CREATE:
        case WG_PLAN_SET:
        case WG_PLAN_DELETE:
            return wgi_run_write(plan, context, out, err);
        case WG_PLAN_MERGE:
            return wgi_run_merge(plan, context, out, err);
        case WG_PLAN_CALL:
            return wgi_run_call(plan, context, out, err);
        case WG_PLAN_ARGUMENT:
            return wgi_run_argument(plan, context, out, err);
        case WG_PLAN_PATTERN_COUNT:
            return wgi_run_pattern_count(plan, context, out, err);
        case WG_PLAN_REACH:
            return wgi_run_reach(plan, context, out, err);
        case WG_PLAN_PICK:
            return wgi_run_pick(plan, context, out, err);
        case WG_PLAN_UNIT:
        case WG_PLAN_SCAN:
        case WG_PLAN_SEEK:
        case WG_PLAN_INDEX_SEEK:
        case WG_PLAN_EXPAND:
        case WG_PLAN_EXPAND_INTO:
        case WG_PLAN_INTERSECT:
        case WG_PLAN_EXPAND_VAR:
        case WG_PLAN_SHORTEST:
        case WG_PLAN_EXISTS:
        case WG_PLAN_FILTER:
        case WG_PLAN_PROJECT:
        case WG_PLAN_HASH_JOIN:
        case WG_PLAN_CROSS:
        case WG_PLAN_UNWIND:
        case WG_PLAN_OPTIONAL:
        case WG_PLAN_APPLY:
        case WG_PLAN_PROCEDURE:
            top = plan;
            WG_TRY(wgi_sink_collect(plan->slot_types, plan->slot_count, context, &sink, err));
            break;
    }
    return wgi_run_into(top, context, sink, out, err);
}

/* The same, into the profile if there is one. */
static wg_code measured_plan(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    if (context->profile == NULL) return run_plan(plan, context, out, err);
    const uint32_t line = wgi_profile_line(context->profile, plan);
    const uint64_t before = context->account != NULL ? wg_account_bytes(context->account) : 0;
    const uint64_t spilled = spilled_bytes(context, plan);
    const uint32_t led = lead_for(context, line);
    const wg_code code = run_plan(plan, context, out, err);
    (void)lead_for(context, led);
    note_memory(context, line, before);
    wgi_profile_spilled(context->profile, line, spilled_bytes(context, plan) - spilled);
    return code;
}

wg_code wgi_run_plan(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    wg_rows *rows = NULL;
    WG_TRY(measured_plan(plan, context, &rows, err));
    const wg_code code = wgi_rows_load(rows, err);
    if (code == WG_OK) *out = rows;
    else wg_rows_destroy(rows);
    return code;
}

/* The account refuses long before the machine does, and its limit is what the caller can change. */
static wg_code report(const wg_exec_context *context, wg_code code, wg_error *local, wg_error *err) {
    if (code == WG_E_NOMEM && context->account != NULL && wg_account_refused(context->account)) {
        wg_error_clear(local);
        code = wg_error_set(
            local, WG_E_LIMIT, WG_NO_OFFSET,
            "the query needs more than its memory limit of %llu bytes, with what can be in temporary files "
            "there; raise query_memory_bytes_max or select less",
            (unsigned long long)context->account->bytes_max);
    }
    if (code != WG_OK && err != NULL) *err = *local;
    return code;
}

wg_code wg_exec_run(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    WG_ASSERT(context->threads >= 1);
    WG_ASSERT(context->batch_rows >= 1);
    WG_ASSERT(context->batch_rows <= WG_BATCH_ROWS_MAX);
    wg_error local = {0};
    wg_rows *rows = NULL;
    wg_spill_counters spilled = {0};
    wg_exec_context own = *context;
    if (own.spill == NULL) own.spill = own.answer != NULL ? &own.answer->spilled : &spilled;
    wg_code code = measured_plan(plan, &own, &rows, &local);
    if (code == WG_OK) code = own.answer != NULL ? wgi_rows_keep(rows, &own, &local) : wgi_rows_load(rows, &local);
    if (code != WG_OK) wg_rows_destroy(rows);
    if (code == WG_OK && !is_streaming(plan) && plan->op != WG_PLAN_SCAN && plan->op != WG_PLAN_UNIT)
        wgi_profile_rows(own.profile, wgi_profile_line(own.profile, plan), rows->row_count, 1);
    if (code == WG_OK) *out = rows;
    return report(context, code, &local, err);
}

wg_code wg_exec_copy(const wg_plan *plan, const wg_exec_context *context, struct wg_copy_writer *writer,
                     wg_error *err) {
    wg_error local = {0};
    wg_spill_counters spilled = {0};
    wg_exec_context own = *context;
    if (own.spill == NULL) own.spill = &spilled;
    return report(context, wgi_run_copy(plan, &own, writer, &local), &local, err);
}

wg_code wg_exec_types(const wg_plan *plan, const wg_exec_context *context, uint64_t *seen, wg_error *err) {
    wg_error local = {0};
    wg_spill_counters spilled = {0};
    wg_exec_context own = *context;
    if (own.spill == NULL) own.spill = &spilled;
    return report(context, wgi_run_types(plan, &own, seen, &local), &local, err);
}
