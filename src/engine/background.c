/* Maintenance without being asked: when it is due, who does it, and how much memory writers may hold.
 *
 * A checkpoint is due when the log has grown by checkpoint_log_bytes, or when what is not in stripes takes more than half of its
 * share of the memory budget. A thread is started when something becomes due for the first time; where threads are not wanted
 * the commit that passes a limit does the work itself, after it gave the writer's place back.
 *
 * Deltas of adjacency that have outgrown their share are merged by the thread too, beside the writers.
 *
 * Failures never fail a commit, which is in the log: they are counted and kept for the metrics, and the next try waits until the log
 * has grown by a quarter of the limit more. A writer that finds memory over its share waits for a checkpoint; when that does
 * not help, because old readers hold on to old rows, or one transaction alone is too large, it is refused: WG_E_CAPACITY. */
#include "engine/engine_internal.h"

enum { HEAP_GROWTH_PART = 16, LOG_GROWTH_PART = 64, ADMIT_TRIES = 2 };
static const uint64_t checkpoint_log_default = UINT64_C(64) << 20;

uint64_t wgi_heap_cap(const wg_engine *engine) { return engine->options.budget.hot; }

static uint64_t log_limit(const wg_engine *e) {
    const uint64_t limit = e->options.checkpoint_log_bytes;
    return limit != 0 ? limit : checkpoint_log_default;
}

static bool is_maintained(const wg_engine *e) {
    return e->path != NULL && e->options.durability != WG_IN_MEMORY && !e->options.read_only;
}

/* Something worth a checkpoint was written since the last one. The first append behind a checkpoint brings the last slot of its table
 * back into the heap, texts and all: that alone would make the next checkpoint, and each append behind it another. */
static bool has_news(const wg_engine *e, uint64_t log_bytes) { return log_bytes > wgi_heap_cap(e) / LOG_GROWTH_PART; }

/* Memory that a checkpoint can give back has come since the last one: otherwise it would be made again and again in vain. */
static bool heap_is_due(const wg_engine *e, uint64_t log_bytes) {
    const uint64_t cap = wgi_heap_cap(e);
    if (cap == 0) return false;
    const uint64_t heap = wg_account_bytes(&e->account);
    const uint64_t left = atomic_load_explicit(&e->maintenance.heap_after, memory_order_relaxed);
    return heap > cap / 2 && has_news(e, log_bytes) && heap > left + cap / HEAP_GROWTH_PART;
}

static bool checkpoint_is_due(const wg_engine *e) {
    const wgi_maintenance *m = &e->maintenance;
    const uint64_t bytes = atomic_load_explicit(&m->log_bytes, memory_order_relaxed);
    if (bytes < atomic_load_explicit(&m->retry_bytes, memory_order_relaxed)) return false;
    return bytes >= log_limit(e) || heap_is_due(e, bytes);
}

static void note_failure(wg_engine *e, const wg_error *failure) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    b->last_error = *failure;
    wg_mutex_unlock(&b->mutex);
}

static void make_checkpoint(wg_engine *e) {
    wgi_maintenance *m = &e->maintenance;
    wg_error failure = {0};
    if (!checkpoint_is_due(e)) return; /* somebody was faster */
    if (wg_engine_checkpoint(e, NULL, &failure) == WG_OK) return;
    note_failure(e, &failure);
    const uint64_t bytes = atomic_load_explicit(&m->log_bytes, memory_order_relaxed);
    const uint64_t limit = log_limit(e) < checkpoint_log_default ? log_limit(e) : checkpoint_log_default;
    atomic_store_explicit(&m->retry_bytes, bytes + limit / 4 + 1, memory_order_relaxed);
}

/* ---- the thread */

/* A merge that is interrupted by a pause or a checkpoint is begun anew afterwards. */
static void merge(wg_engine *e) {
    wg_error failure = {0};
    if (atomic_load_explicit(&e->maintenance.paused, memory_order_relaxed)) return;
    const wg_code code = wgi_compact_background(e, &failure);
    if (code != WG_OK && code != WG_E_CANCELLED) note_failure(e, &failure);
}

/* What the label's writers have left in the delta becomes part of the base, which is made beside them and exchanged in their place. A writer
 * who was faster, or a checkpoint, makes it void: then a later commit asks again. */
static void merge_label(wg_engine *e, wgi_label_state *state) {
    wg_error failure = {0};
    wg_topology_merge *made = NULL;
    bool adopted = false;
    const uint64_t until = atomic_exchange_explicit(&state->merge_until, 0, memory_order_relaxed);
    if (until == 0) return;
    uint32_t slot = wg_epoch_enter(e->epoch);
    wg_code code = wg_topology_merge_build(state->topology, until, &made, &failure);
    wg_epoch_leave(e->epoch, slot);
    if (code == WG_OK && made == NULL) return;
    if (code == WG_OK) code = wgi_writer_take(e, &failure);
    if (code == WG_OK) {
        slot = wg_epoch_enter(e->epoch);
        code = wg_topology_merge_adopt(state->topology, made, &adopted, &failure);
        wg_epoch_leave(e->epoch, slot);
        wgi_writer_give(e);
    } else {
        wg_topology_merge_free(made);
    }
    if (adopted) atomic_fetch_add_explicit(&e->maintenance.adjacency_merges, 1, memory_order_relaxed);
    if (code != WG_OK && code != WG_E_BUSY) note_failure(e, &failure);
}

static void merge_adjacency(wg_engine *e) {
    const uint32_t labels = wg_catalog_label_count(e->catalog);
    for (uint32_t i = 0; i < labels; i++) {
        wgi_label_state *state = wgi_label_state_at(e, i);
        if (state != NULL && state->topology != NULL) merge_label(e, state);
    }
}

/* What comes first of what is wanted, which is not wanted any more then; false: nothing. The thread's mutex is held. */
typedef void (*background_work)(wg_engine *engine);
static background_work next_work(wgi_background *b) {
    if (b->checkpoint_wanted) {
        b->checkpoint_wanted = false;
        b->compaction_wanted = true; /* behind a checkpoint there may be something to merge */
        return make_checkpoint;
    }
    if (b->adjacency_wanted) {
        b->adjacency_wanted = false;
        return merge_adjacency;
    }
    if (!b->compaction_wanted) return NULL;
    b->compaction_wanted = false;
    return merge;
}

static void thread_body(void *arg) {
    wg_engine *e = arg;
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    while (!b->stop) {
        const background_work work = next_work(b);
        if (work == NULL) {
            wg_cond_wait(&b->wake, &b->mutex);
            continue;
        }
        wg_mutex_unlock(&b->mutex);
        work(e);
        wg_mutex_lock(&b->mutex);
    }
    wg_mutex_unlock(&b->mutex);
}

/* True when there is a thread; the mutex is held. */
static bool thread_begin(wg_engine *e) {
    wgi_background *b = &e->maintenance.background;
    if (b->allowed && !b->started) {
        wg_error failure = {0};
        b->started = wg_thread_start(&b->thread, thread_body, e, &failure) == WG_OK;
        if (!b->started) b->last_error = failure;
    }
    return b->started;
}

/* True when the thread has the work; false: do it yourself. */
static bool hand_over_checkpoint(wg_engine *e) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    const bool taken = thread_begin(e);
    b->checkpoint_wanted |= taken;
    if (taken) wg_cond_broadcast(&b->wake);
    wg_mutex_unlock(&b->mutex);
    return taken;
}

void wgi_background_notice(wg_engine *engine) {
    if (!is_maintained(engine) || !checkpoint_is_due(engine)) return;
    if (hand_over_checkpoint(engine) || wgi_writer_is_busy(engine)) return; /* a drain does not wait for the writer */
    make_checkpoint(engine);
}

bool wgi_background_merges(wg_engine *engine) {
    wgi_background *b = &engine->maintenance.background;
    if (!is_maintained(engine)) return false;
    wg_mutex_lock(&b->mutex);
    const bool allowed = b->allowed;
    wg_mutex_unlock(&b->mutex);
    return allowed;
}

void wgi_background_merge(wg_engine *engine, wgi_label_state *state) {
    wgi_background *b = &engine->maintenance.background;
    atomic_store_explicit(&state->merge_until, wg_topology_edge_count(state->topology), memory_order_relaxed);
    wg_mutex_lock(&b->mutex);
    if (thread_begin(engine)) {
        b->adjacency_wanted = true;
        wg_cond_broadcast(&b->wake);
    }
    wg_mutex_unlock(&b->mutex);
}

bool wgi_background_interrupted(wg_engine *engine) {
    wgi_background *b = &engine->maintenance.background;
    wg_mutex_lock(&b->mutex);
    const bool stop = b->stop || b->checkpoint_wanted;
    wg_mutex_unlock(&b->mutex);
    return stop || atomic_load_explicit(&engine->maintenance.paused, memory_order_relaxed);
}

/* Sleeps unless something else is wanted of the thread. */
void wgi_background_sleep(wg_engine *engine, uint64_t ns) {
    wgi_background *b = &engine->maintenance.background;
    wg_mutex_lock(&b->mutex);
    if (!b->stop && !b->checkpoint_wanted && !atomic_load_explicit(&engine->maintenance.paused, memory_order_relaxed))
        (void)wg_cond_wait_for(&b->wake, &b->mutex, ns);
    wg_mutex_unlock(&b->mutex);
}

void wg_engine_compaction_pause(wg_engine *engine, bool paused) {
    wgi_maintenance *m = &engine->maintenance;
    atomic_store_explicit(&m->paused, paused, memory_order_relaxed);
    wg_mutex_lock(&m->background.mutex);
    if (!paused && m->background.started) m->background.compaction_wanted = true;
    wg_cond_broadcast(&m->background.wake);
    wg_mutex_unlock(&m->background.mutex);
}

void wgi_background_stop(wg_engine *engine) {
    wgi_background *b = &engine->maintenance.background;
    wg_mutex_lock(&b->mutex);
    const bool started = b->started;
    b->stop = true;
    b->allowed = false;
    wg_cond_broadcast(&b->wake);
    wg_mutex_unlock(&b->mutex);
    if (started) wg_thread_join(&b->thread);
    b->started = false;
}

/* ---- budgets */

wg_code wgi_budget_check(wg_engine *engine, wg_error *err) {
    const uint64_t cap = wgi_heap_cap(engine);
    uint64_t heap = wg_account_bytes(&engine->account);
    const uint64_t adjacency = wg_account_bytes(&engine->adjacency_account);
    if (cap != 0 && heap > cap) { /* what nobody reads any more may not be gone yet */
        wg_epoch_collect(engine->epoch);
        heap = wg_account_bytes(&engine->account);
    }
    if (cap != 0 && adjacency != 0 && heap + adjacency > cap) wgi_adjacency_trim(engine);
    if (cap == 0 || heap <= cap) return WG_OK;
    return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                        "rows that are not in stripes yet take %llu of %llu bytes: commit in smaller parts, end old "
                        "readers, or raise memory_bytes_max",
                        (unsigned long long)heap, (unsigned long long)cap);
}

/* What a checkpoint holds while it writes goes by itself, but until then it is there. */
static uint64_t held_bytes(const wg_engine *e) {
    return wg_account_bytes(&e->account) + wg_account_bytes(&e->maintenance.writing);
}

/* A transaction that begins has a quarter of the share to itself. */
wg_code wgi_budget_admit(wg_engine *engine, wg_error *err) {
    const uint64_t cap = wgi_heap_cap(engine);
    if (cap == 0) return WG_OK;
    const bool maintained = is_maintained(engine);
    if (held_bytes(engine) > cap / 4 * 3) wg_epoch_collect(engine->epoch); /* what a rollback left, too */
    for (int i = 0; i < ADMIT_TRIES && maintained && held_bytes(engine) > cap / 4 * 3; i++)
        WG_TRY(wg_engine_checkpoint(engine, NULL, err));
    const wg_code code = wgi_budget_check(engine, err);
    if (code != WG_OK) atomic_fetch_add_explicit(&engine->maintenance.refused_writes, 1, memory_order_relaxed);
    return code;
}
