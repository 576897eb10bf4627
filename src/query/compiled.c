/* Plans that are kept with their query: made once, run until something is different that they were made from.
 *
 * A plan serves a run when the catalog's epoch, what is known of the parameters and the switches of the planner are those that it was made with,
 * and when the facts that the planner asked for round to the same numbers. For the snapshot that the facts were last compared for that is
 * known without looking. Transactions that see another catalog than the newest committed one (an old snapshot, definitions of their
 * own) plan anew and keep nothing. */
#include "query/notes.h"
#include "query/optimize/rewrite.h"
#include "query/prepared.h"

static _Atomic uint64_t last_id;

typedef struct situation {
    uint64_t epoch;
    uint64_t since;
    uint64_t snapshot;
    bool clean; /* the transaction has written nothing */
} situation;

static void look(const wg_exec_context *context, situation *out) {
    out->epoch = wg_engine_schema_epoch(wg_txn_engine(context->txn), &out->since);
    out->snapshot = wg_txn_view(context->txn).snapshot;
    out->clean = !wg_txn_has_writes(context->txn);
}

static void compiled_free(wgi_compiled *c) {
    wg_arena_deinit(&c->arena);
    wg_free(c);
}

void wgi_compiled_drop(wgi_compiled *plan) {
    if (plan == NULL) return;
    /* acq_rel; pairs with itself: the last one sees what the others did with it */
    if (atomic_fetch_sub_explicit(&plan->users, 1, memory_order_acq_rel) == 1) compiled_free(plan);
}

void wgi_compiled_drop_all(wg_prepared *q) {
    while (q->plans != NULL) {
        wgi_compiled *c = q->plans;
        q->plans = c->next;
        wgi_compiled_drop(c);
    }
    q->plan_count = 0;
}

/* ---- does it serve */

static bool same_shapes(const wgi_compiled *c, const wg_exec_context *context) {
    for (uint32_t i = 0; i < c->param_count; i++)
        if (wgi_param_shape(&context->params[i]) != c->shapes[i]) return false;
    return true;
}

static bool serves(wgi_compiled *c, const wg_exec_context *context, const situation *now) {
    if (c->epoch != now->epoch || now->snapshot < now->since || c->optimizer_off != context->optimizer_off ||
        c->no_rewrite != context->no_rewrite || !same_shapes(c, context))
        return false;
    if (c->facts.first == NULL) return true;
    if (now->clean && atomic_load_explicit(&c->seen, memory_order_relaxed) == now->snapshot) return true;
    if (!wgi_facts_hold(&c->facts, context->txn)) return false;
    if (now->clean) atomic_store_explicit(&c->seen, now->snapshot, memory_order_relaxed);
    return true;
}

/* Of the list, the newest first; held for the caller. */
static wgi_compiled *find(wg_prepared *q, const wg_exec_context *context, const situation *now) {
    wgi_compiled *candidates[WGI_PLANS_MAX];
    wgi_compiled *found = NULL;
    uint32_t n = 0;
    wg_mutex_lock(&q->mutex);
    for (wgi_compiled *c = q->plans; c != NULL; c = c->next) {
        if (c->epoch != now->epoch) continue;
        atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
        candidates[n++] = c;
    }
    wg_mutex_unlock(&q->mutex);
    /* Facts are looked up in the engine, which has locks of its own. */
    for (uint32_t i = 0; i < n; i++) {
        if (found == NULL && serves(candidates[i], context, now)) found = candidates[i];
        else wgi_compiled_drop(candidates[i]);
    }
    return found;
}

/* ---- making */

static wg_code fill(wgi_compiled *c, wg_prepared *q, const wg_exec_context *context, wg_error *err) {
    wgi_binder b;
    wgi_query_binder(&b, q, context->txn, &c->arena, err);
    b.params = context->params;
    b.optimizer_off = context->optimizer_off;
    b.rewrite = !context->no_rewrite && !context->optimizer_off;
    b.facts = &c->facts;
    uint64_t *shapes = wgi_alloc(&b, q->params.count, sizeof *shapes);
    if (shapes == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < q->params.count; i++) shapes[i] = wgi_param_shape(&context->params[i]);
    c->shapes = shapes;
    c->param_count = q->params.count;
    WG_TRY(wgi_plan_query(&b, q->statement->child[0], &c->plan, &c->columns));
    WG_TRY(wgi_rewrite(&b, c->plan, &c->plan));
    c->reads_clock = b.reads_clock;
    WG_TRY(wgi_notes_make(q, context->txn, &c->arena, &c->notes, err));
    return wgi_query_plan_hash(&b, c->plan, &c->hash);
}

static wg_code make(wg_prepared *q, const wg_exec_context *context, wgi_compiled **out, wg_error *err) {
    wgi_compiled *c = wg_alloc_zero(&q->account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    wg_arena_init(&c->arena, &q->account);
    atomic_init(&c->users, 1);
    c->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    c->optimizer_off = context->optimizer_off;
    c->no_rewrite = context->no_rewrite;
    const wg_code code = fill(c, q, context, err);
    if (code != WG_OK) compiled_free(c);
    else *out = c;
    return code;
}

/* Another thread may have added an equal one: both serve, and the older one is dropped in time. */
static void add(wg_prepared *q, wgi_compiled *c) {
    wgi_compiled *dropped = NULL;
    atomic_fetch_add_explicit(&c->users, 1, memory_order_relaxed);
    wg_mutex_lock(&q->mutex);
    c->next = q->plans;
    q->plans = c;
    if (++q->plan_count > WGI_PLANS_MAX) {
        wgi_compiled **last = &q->plans;
        while ((*last)->next != NULL) last = &(*last)->next;
        dropped = *last;
        *last = NULL;
        q->plan_count--;
    }
    wg_mutex_unlock(&q->mutex);
    wgi_compiled_drop(dropped);
    wgi_plan_cache_grown(q);
}

wg_code wgi_compiled_get(wg_prepared *q, wgi_compiled *kept, const wg_exec_context *context, wgi_compiled **out,
                         wg_error *err) {
    situation before, after;
    look(context, &before);
    if (kept != NULL && serves(kept, context, &before)) {
        atomic_fetch_add_explicit(&kept->users, 1, memory_order_relaxed);
        wgi_plan_cache_count(q->cache, true);
        *out = kept;
        return WG_OK;
    }
    wgi_compiled *c = find(q, context, &before);
    wgi_plan_cache_count(q->cache, c != NULL);
    if (c == NULL) {
        WG_TRY(make(q, context, &c, err));
        look(context, &after);
        /* Planning may have made names of its own: then the plan is of a catalog that is not committed. No epoch is 0. */
        const bool lasts = before.epoch == after.epoch && before.snapshot >= after.since && !c->facts.lost;
        c->epoch = lasts ? before.epoch : 0;
        atomic_store_explicit(&c->seen, before.clean ? before.snapshot : UINT64_MAX, memory_order_relaxed);
        if (lasts) add(q, c);
    }
    *out = c;
    return WG_OK;
}
