/* Aggregation and DISTINCT over typed keys and arguments.
 *
 * A worker has one table for all of its tasks. Each group knows the place where it was first seen, by the number of the task and a number that
 * rises in the task, so that aggregate_merge.c can put the tables together in the order of first rows. Nothing depends on which worker
 * ran which task, or when.
 *
 * A worker whose table has outgrown the caches deals its further rows to tables of partitions that all workers share (aggregate_deal.c).
 *
 * When memory is short a table's groups go to a file by partitions of the hash (aggregate_spill.c), and the table begins anew; or the rows that follow go
 * there themselves (aggregate_rows.c).
 *
 * A task that failed and is run again would count twice: rows that fail make the whole query fail, so this cannot be seen, and it is
 * checked. */
#include "exec/aggregate_internal.h"

typedef struct typed_sink {
    wgi_sink sink;
    wg_mutex lock; /* guards tables and table_count while workers run; rank WG_RANK_POOL + 2 */
    wgi_agg_table **tables;
    uint32_t table_count;
    uint32_t table_capacity;
    wgi_agg_spill spill;
    bool can_deal;
    _Atomic bool deals; /* the dealer is ready; release under the lock */
    wgi_agg_dealer dealer;
    wgi_agg_seen *seen;   /* set before `deals`; NULL: it is not known which keys were dealt */
    _Atomic bool spoiled; /* rows of a task that was thrown away are in a table */
} typed_sink;

/* A task: its part of the table of the worker that runs it. */
typedef struct typed_local {
    wgi_agg_table *table; /* NULL: no row yet */
} typed_local;

bool wgi_agg_is_typed(const wg_plan *plan) {
    const uint32_t keys = wgi_agg_key_count(plan);
    if (keys > WGI_AGG_KEYS_MAX || plan->weighted) return false;
    for (uint32_t k = 0; k < keys; k++) {
        const wg_physical physical = wg_type_physical(plan->slot_types[k]);
        if (physical == WG_PHYSICAL_VALUE || physical == WG_PHYSICAL_F64) return false; /* 1 and 1.0, 0.0 and -0.0 */
        if (plan->op == WG_PLAN_AGGREGATE && plan->exprs[k]->type != plan->slot_types[k]) return false;
    }
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (!wgi_agg_states_fit(&plan->aggregates[i])) return false;
    return true;
}

/* ---- tasks */

static wg_code add_table(typed_sink *s, const wgi_eval *owner, wgi_agg_table **out, wg_error *err) {
    wg_account *account = s->sink.context->account;
    wgi_agg_table *table = NULL;
    WG_TRY(wgi_agg_table_create(s->sink.plan, account, &table, err));
    table->owner = owner;
    wg_mutex_lock(&s->lock);
    bool ok = true;
    if (s->table_count == s->table_capacity) {
        const uint32_t capacity = s->table_capacity == 0 ? 8 : s->table_capacity * 2;
        wgi_agg_table **grown = wg_realloc(account, s->tables, capacity * sizeof(wgi_agg_table *));
        ok = grown != NULL;
        if (ok) {
            s->tables = grown;
            s->table_capacity = capacity;
        }
    }
    if (ok) s->tables[s->table_count++] = table;
    wg_mutex_unlock(&s->lock);
    if (!ok) {
        wgi_agg_table_destroy(table);
        return wg_error_nomem(err, sizeof table);
    }
    *out = table;
    return WG_OK;
}

/* The table of the worker, which its evaluator stands for. */
static wg_code begin_task(typed_sink *s, typed_local *local, const wgi_eval *eval, wg_error *err) {
    wgi_agg_table *table = NULL;
    wg_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < s->table_count && table == NULL; i++)
        if (s->tables[i]->owner == eval) table = s->tables[i];
    wg_mutex_unlock(&s->lock);
    if (table == NULL) WG_TRY(add_table(s, eval, &table, err));
    if (eval->task >= WGI_AGG_TASKS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "an aggregation over more than %d tasks",
                            WGI_AGG_TASKS_MAX);
    wgi_agg_table_begin(table, eval->task);
    local->table = table;
    return WG_OK;
}

static wg_code typed_local_create(wgi_sink *sink, void **out, wg_error *err) {
    typed_local *local = wg_alloc_zero(sink->context->account, sizeof *local);
    if (local == NULL) return wg_error_nomem(err, sizeof *local);
    *out = local;
    return WG_OK;
}

static void typed_local_destroy(wgi_sink *sink, void *local) {
    const typed_local *l = local;
    if (l->table != NULL) atomic_store_explicit(&((typed_sink *)sink)->spoiled, true, memory_order_relaxed);
    wg_free(local);
}

/* ---- rows */

wg_code wgi_agg_keys_of(const wg_plan *plan, wgi_eval *eval, const wg_batch *batch, wg_vector *keys, wg_error *err) {
    const bool is_distinct = plan->op == WG_PLAN_DISTINCT;
    for (uint32_t k = 0; k < wgi_agg_key_count(plan); k++) {
        if (is_distinct) keys[k] = batch->columns[k];
        else WG_TRY(wgi_eval_typed(eval, plan->exprs[k], plan->slot_types[k], batch, &keys[k], err));
    }
    return WG_OK;
}

wg_code wgi_agg_add_batch(wgi_agg_states *states, wgi_agg_table *table, wgi_eval *eval, const wg_batch *batch,
                          const uint32_t *index, uint32_t group, wg_error *err) {
    const wg_aggregate *a = states->aggregate;
    wgi_dense x = {.n = batch->row_count};
    wg_vector v;
    if (a->kind == WG_AGG_COUNT) {
        WG_TRY(wgi_eval_vector(eval, a->arg, batch, &v, err));
        wgi_agg_note_nulls(eval->context, &v, batch);
        if (!wgi_dense_valid(&eval->arena, &v, batch, &x.valid)) return wg_error_nomem(err, batch->row_count);
    } else if (a->kind != WG_AGG_COUNT_STAR) {
        WG_TRY(wgi_eval_typed(eval, a->arg, a->arg->type, batch, &v, err));
        wgi_agg_note_nulls(eval->context, &v, batch);
        if (!wgi_dense_of(&eval->arena, &v, batch, &x)) return wg_error_nomem(err, batch->row_count * sizeof v);
    }
    return wgi_agg_states_add(states, &x, index, group, &table->strings, table->account) ? WG_OK
                                                                                         : wg_error_nomem(err, 544);
}

/* Moves the groups to the file when memory is short, or would be if the table grew. Where there are hardly fewer groups than rows nobody looks
 * for the groups of the rows that follow. */
static wg_code make_room(typed_sink *s, wgi_agg_table *t, uint32_t rows, wg_error *err) {
    const wg_exec_context *context = s->sink.context;
    if (t->keeps_rows) return WG_OK;
    if (t->hand != NULL) {
        const bool fits = !atomic_load_explicit(&s->dealer.has_spilled, memory_order_relaxed);
        if (fits && !wgi_spill_wanted(context)) return WG_OK;
        WG_TRY(wgi_agg_deal_end(&s->dealer, t, err));
        t->keeps_rows = true;
        return wgi_agg_spill_table(&s->spill, t, err);
    }
    if (t->count < WGI_SPILL_ROWS_MIN) return WG_OK;
    if (!wgi_spill_wanted(context) && wgi_spill_has_room(context, wgi_agg_table_growth(t, rows))) return WG_OK;
    t->keeps_rows = s->can_deal && t->rows_seen < (uint64_t)t->count * 2;
    return wgi_agg_spill_table(&s->spill, t, err);
}

typedef struct found {
    uint32_t *index;
    uint32_t group;
} found;

static wg_code find_or_spill(typed_sink *s, wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch,
                             wg_arena *arena, found *out, wg_error *err) {
    const wg_code code = wgi_agg_table_find(t, keys, batch, arena, &out->index, &out->group, err);
    if (code != WG_E_NOMEM || t->count == 0 || !wgi_spill_is_possible(s->sink.context)) return code;
    /* Another worker took the room. Groups that were made have no rows yet, which changes nothing. */
    if (err != NULL) wg_error_clear(err);
    WG_TRY(wgi_agg_spill_table(&s->spill, t, err));
    return wgi_agg_table_find(t, keys, batch, arena, &out->index, &out->group, err);
}

/* The tables of parts, made by the first worker that needs them. */
static wg_code start_dealing(typed_sink *s, const wgi_agg_table *own, wg_error *err) {
    wg_code code = WG_OK;
    wg_mutex_lock(&s->lock);
    if (!atomic_load_explicit(&s->deals, memory_order_relaxed)) {
        if (s->seen == NULL) code = wgi_agg_seen_create(own, &s->seen, err);
        if (code == WG_OK) code = wgi_agg_dealer_start(&s->dealer, s->sink.plan, s->sink.context, &s->spill, err);
        if (code == WG_OK) atomic_store_explicit(&s->deals, true, memory_order_release);
    }
    wg_mutex_unlock(&s->lock);
    return code;
}

enum { DEAL_LIMIT_MIN = 512 << 20 };

/* Once it deals, a worker goes on with it until memory is short. Where memory is short, tables that go to the file are the better way. */
static bool should_deal(const typed_sink *s, const wgi_agg_table *own) {
    if (own->hand != NULL) return true;
    if (!s->can_deal || own->count < WGI_AGG_DEAL_GROUPS) return false;
    for (const wg_account *a = s->sink.context->account; a != NULL; a = a->parent)
        if (a->bytes_max != 0 && a->bytes_max < DEAL_LIMIT_MIN) return false;
    return !wgi_spill_wanted(s->sink.context) && wgi_spill_has_room(s->sink.context, 16 * wgi_agg_hand_bytes());
}

/* Rows whose groups are not looked for yet: they are dealt, or go to the file. */
static wg_code keep_batch(typed_sink *s, wgi_agg_table *own, const wg_vector *keys, wgi_eval *eval,
                          const wg_batch *batch, wg_error *err) {
    const wg_plan *plan = s->sink.plan;
    wg_vector args[WGI_AGG_ARGS_MAX];
    if (!own->keeps_rows && !atomic_load_explicit(&s->deals, memory_order_acquire))
        WG_TRY(start_dealing(s, own, err));
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        const wg_aggregate *a = &plan->aggregates[i];
        if (a->arg == NULL) continue;
        WG_TRY(wgi_eval_typed(eval, a->arg, a->arg->type, batch, &args[i], err));
        wgi_agg_note_nulls(eval->context, &args[i], batch);
    }
    if (own->keeps_rows) return wgi_agg_rows_add(&s->spill, own, keys, args, batch, &eval->arena, err);
    wg_batch some = *batch;
    WG_TRY(wgi_agg_seen_filter(s->seen, own->task, keys, &some, &eval->arena, err));
    return some.row_count > 0 ? wgi_agg_deal(&s->dealer, own, keys, args, &some, &eval->arena, err) : WG_OK;
}

static wg_code typed_consume(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop,
                             wg_error *err) {
    (void)stop;
    typed_local *l = local;
    typed_sink *s = (typed_sink *)sink;
    wg_vector keys[WGI_AGG_KEYS_MAX];
    found at;
    if (batch->row_count == 0) return WG_OK;
    if (l->table == NULL) WG_TRY(begin_task(s, l, eval, err));
    wg_arena_reset(&eval->arena);
    WG_TRY(wgi_agg_keys_of(sink->plan, eval, batch, keys, err));
    WG_TRY(make_room(s, l->table, batch->row_count, err));
    if (l->table->keeps_rows || should_deal(s, l->table)) return keep_batch(s, l->table, keys, eval, batch, err);
    WG_TRY(find_or_spill(s, l->table, keys, batch, &eval->arena, &at, err));
    l->table->rows_seen += batch->row_count;
    for (uint32_t i = 0; i < l->table->state_count; i++)
        WG_TRY(wgi_agg_add_batch(&l->table->states[i], l->table, eval, batch, at.index, at.group, err));
    return WG_OK;
}

/* The rows are in the table of the worker already. */
static wg_code typed_merge(wgi_sink *sink, void *local, bool *done, wg_error *err) {
    (void)sink;
    (void)done;
    (void)err;
    wg_free(local);
    return WG_OK;
}

/* The rows in the workers' hands are dealt, and the tables of the parts join those of the workers. */
static wg_code take_dealt(typed_sink *s, wg_error *err) {
    WG_TRY(wgi_agg_deal_rest(&s->dealer, s->tables, s->table_count, err));
    const uint32_t count = s->table_count + WGI_AGG_DEAL_PARTS;
    wgi_agg_table **grown = wg_realloc(s->sink.context->account, s->tables, count * sizeof(wgi_agg_table *));
    if (grown == NULL) return wg_error_nomem(err, count * sizeof(wgi_agg_table *));
    s->tables = grown;
    s->table_capacity = count;
    for (uint32_t p = 0; p < WGI_AGG_DEAL_PARTS; p++) {
        s->tables[s->table_count++] = s->dealer.parts[p].table;
        s->dealer.parts[p].table = NULL;
    }
    return WG_OK;
}

static wg_code typed_finish(wgi_sink *sink, wg_rows **out, wg_error *err) {
    typed_sink *s = (typed_sink *)sink;
    if (atomic_load_explicit(&s->spoiled, memory_order_relaxed))
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET,
                            "rows that failed did not fail when they were run again");
    if (s->table_count == 0 && wgi_agg_key_count(sink->plan) == 0) { /* no row: still one group */
        wgi_agg_table *table = NULL;
        uint32_t *index;
        uint32_t group;
        WG_TRY(add_table(s, NULL, &table, err));
        WG_TRY(wgi_agg_table_find(table, NULL, NULL, NULL, &index, &group, err));
    }
    for (uint32_t i = 0; i < s->table_count; i++) {
        WG_TRY(wgi_agg_rows_flush(&s->spill, s->tables[i]->rows, err));
        wgi_agg_rows_destroy(s->tables[i]->rows);
        s->tables[i]->rows = NULL;
    }
    if (atomic_load_explicit(&s->deals, memory_order_relaxed)) WG_TRY(take_dealt(s, err));
    uint64_t groups = 0;
    for (uint32_t i = 0; i < s->table_count; i++) groups += s->tables[i]->is_joined ? 0 : s->tables[i]->count;
    const bool stays =
        groups < WGI_SPILL_ROWS_MIN || wgi_agg_tables_fit(sink->plan, sink->context, s->tables, s->table_count);
    if (s->spill.count == 0 && stays)
        return wgi_agg_tables_merge(sink->plan, sink->context, s->tables, s->table_count, out, err);
    for (uint32_t i = 0; i < s->table_count; i++) {
        if (!s->tables[i]->is_joined) WG_TRY(wgi_agg_spill_table(&s->spill, s->tables[i], err));
    }
    for (uint32_t i = 0; i < s->table_count; i++) {
        wgi_agg_table_destroy(s->tables[i]);
        s->tables[i] = NULL;
    }
    return wgi_agg_spill_finish(&s->spill, out, err);
}

static void typed_destroy(wgi_sink *sink) {
    typed_sink *s = (typed_sink *)sink;
    for (uint32_t i = 0; i < s->table_count; i++) wgi_agg_table_destroy(s->tables[i]);
    wg_free(s->tables);
    if (atomic_load_explicit(&s->deals, memory_order_relaxed)) wgi_agg_dealer_deinit(&s->dealer);
    wgi_agg_seen_destroy(s->seen);
    wgi_agg_spill_deinit(&s->spill);
    wg_mutex_deinit(&s->lock);
}

wg_code wgi_sink_aggregate_typed(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err) {
    static const wgi_sink_class class = {typed_local_create, typed_local_destroy, typed_consume,
                                         typed_merge,        typed_finish,        typed_destroy};
    WG_TRY(wgi_sink_alloc(&class, plan, context, sizeof(typed_sink), out, err));
    wg_mutex_init(&((typed_sink *)*out)->lock, WG_RANK_POOL + 2);
    wgi_agg_spill_init(&((typed_sink *)*out)->spill, plan, context);
    ((typed_sink *)*out)->can_deal = wgi_agg_can_deal(plan);
    return WG_OK;
}
