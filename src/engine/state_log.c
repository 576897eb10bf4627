/* How agents' state gets into the log, and how those who want to be sure wait for it.
 *
 * A drain: the log's end is taken, the lanes are cut (they stand still for about 100 ns), each run that the cut touches notes which version commit
 * n of the log brings it to, the pieces of the rings are appended as commit n without being copied together, the log's end is given back. Everything that
 * may fail comes before the append. A transaction of the graph does the same at its commit with its own mutations behind the pieces; while it is
 * open drains go on beside it.
 *
 * Who waits for a ticket: one leads a round (drain, sync, tell), the others sleep. Rounds are numbered; a waiter that has seen `started` = g is
 * covered by round g + 1 at the latest, because a leader raises `started` before it cuts; so it sleeps on the signal of that parity. The end of
 * round g wakes all who sleep for g with one system call, and one of those who sleep for g + 1, which leads; if that one finds
 * that it was covered already it wakes the next. No lock is held across a sync.
 *
 * The thread: BUFFERED, it drains and syncs sync_interval_ms after the first commit that found it idle, and drains when a ring is half full; STRICT,
 * where somebody commits without waiting, it leads rounds as long as something is pending. Without a thread (simulated disks, no_background) the
 * commit that fills half a ring drains.
 *
 * Failure: a refused append leaves the cut in the lanes for the next try. A log that took harm makes ring files worthless, because what they hold
 * would come behind a hole. */
#include "engine/state_log.h"

#include <stdlib.h>

#include "engine/engine_internal.h"

enum { JOIN_NS = 60000, JOIN_STEP_NS = 8000, COLLECTS_MAX = 64, UNSYNCED_BYTES = 65536 };
enum { NOTES_MAX = 65536 /* of a run in memory alone: 1 MiB */ };

static inline wgi_state_log *log_of(wg_engine *e) { return &e->state_log; }

wg_state *wg_engine_state(wg_engine *engine) { return engine->state_log.state; }

/* ---- the cut */

static void reach(wgi_cut *cut, uint32_t run, uint64_t version) {
    uint32_t *cached = &cut->cache[run % WGI_TOUCHED_CACHE];
    wgi_reached *items = (wgi_reached *)(void *)cut->reached.data;
    if (*cached != 0 && items[*cached - 1].run == run) {
        if (items[*cached - 1].version < version) items[*cached - 1].version = version;
        return;
    }
    const wgi_reached item = {.run = run, .version = version};
    if (wg_buf_append(&cut->reached, &item, sizeof item)) *cached = (uint32_t)(cut->reached.size / sizeof item);
    else cut->failed = true;
}

static void reach_record(void *ctx, uint32_t run, uint64_t version) { reach(ctx, run, version); }

bool wgi_state_reach(wg_engine *engine, uint32_t run, uint64_t version) {
    reach(&engine->state_log.cut, run, version);
    return !engine->state_log.cut.failed;
}

/* Without rings nothing says what was touched: every run is looked at. */
static void reach_all(wg_engine *e) {
    wgi_state_log *l = log_of(e);
    const uint32_t count = wg_state_run_count(l->state);
    for (uint32_t n = 0; n < count; n++) {
        const wg_state_run *run = wg_state_run_at(l->state, n);
        if (run == NULL) continue;
        const uint64_t newest = wg_state_run_newest(run);
        if (newest > wg_state_run_version_at(run, e->applied)) reach(&l->cut, n, newest);
    }
}

static wg_code reach_pieces(wgi_cut *cut, wg_error *err) {
    for (uint32_t i = 0; i < cut->part_count; i++) WG_TRY(wg_redo_versions(cut->parts[i], reach_record, cut, err));
    return cut->failed ? wg_error_nomem(err, sizeof(wgi_reached)) : WG_OK;
}

wg_code wgi_state_cut(wg_engine *engine, bool hold, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    wgi_cut *cut = &l->cut;
    cut->part_count = 0;
    cut->failed = false;
    cut->reached.size = 0;
    memset(cut->cache, 0, sizeof cut->cache);
    wg_lanes_stop(l->lanes);
    cut->span_count = wg_lanes_cut(l->lanes, engine->applied + 1, cut->spans, &cut->bytes);
    if (engine->wal == NULL) reach_all(engine);
    if (!hold) wg_lanes_go(l->lanes);
    for (uint32_t i = 0; i < cut->span_count; i++)
        for (int k = 0; k < 2; k++)
            if (cut->spans[i].pieces[k].size != 0) cut->parts[cut->part_count++] = cut->spans[i].pieces[k];
    const wg_code code = reach_pieces(cut, err);
    if (code != WG_OK) wgi_state_cut_end(engine, false);
    return code;
}

static int by_run(const void *x, const void *y) {
    const wgi_reached *a = x;
    const wgi_reached *b = y;
    if (a->run != b->run) return a->run < b->run ? -1 : 1;
    return (a->version > b->version) - (a->version < b->version);
}

/* One entry a run: its highest version. */
static void merge_reached(wg_buf *buf) {
    wgi_reached *items = (wgi_reached *)(void *)buf->data;
    const size_t count = buf->size / sizeof *items;
    if (count < 2) return;
    qsort(items, count, sizeof *items, by_run);
    size_t kept = 0;
    for (size_t i = 1; i < count; i++) {
        if (items[i].run != items[kept].run) kept++;
        items[kept] = items[i];
    }
    buf->size = (kept + 1) * sizeof *items;
}

static bool is_hidden_until_durable(const wg_engine *e) {
    return e->options.durability == WG_STRICT && e->wal != NULL;
}

wg_code wgi_state_note(wg_engine *engine, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    wg_code code = WG_OK;
    merge_reached(&l->cut.reached);
    if (l->unsynced.size > UNSYNCED_BYTES) merge_reached(&l->unsynced);
    const wgi_reached *items = (const wgi_reached *)(const void *)l->cut.reached.data;
    const size_t count = l->cut.reached.size / sizeof *items;
    for (size_t i = 0; i < count && code == WG_OK; i++) {
        wg_state_run *run = wg_state_run_hold(l->state, items[i].run);
        if (run == NULL) continue; /* dropped since */
        code = wg_state_run_note_reserve(run, err);
        wg_state_run_release(run);
    }
    if (code == WG_OK && is_hidden_until_durable(engine) && !wg_buf_reserve(&l->unsynced, count * sizeof *items))
        code = wg_error_nomem(err, count * sizeof *items);
    if (code != WG_OK) wgi_state_cut_end(engine, false);
    return code;
}

/* There is room for all of it. */
static void note_runs(wg_engine *e) {
    wgi_state_log *l = log_of(e);
    const wgi_reached *items = (const wgi_reached *)(const void *)l->cut.reached.data;
    const size_t count = l->cut.reached.size / sizeof *items;
    for (size_t i = 0; i < count; i++) {
        wg_state_run *run = wg_state_run_hold(l->state, items[i].run);
        if (run == NULL) continue;
        WG_ASSERT(wg_state_run_note(run, e->applied, items[i].version, NULL) == WG_OK);
        if (e->wal == NULL && wg_state_run_note_count(run) > NOTES_MAX)
            wg_state_run_bound_notes(run, NOTES_MAX, wgi_oldest_pin(e));
        wg_state_run_release(run);
    }
    if (is_hidden_until_durable(e) && count != 0)
        WG_ASSERT(wg_buf_append(&l->unsynced, items, count * sizeof *items));
}

void wgi_state_cut_end(wg_engine *engine, bool logged) {
    wgi_state_log *l = log_of(engine);
    wgi_cut *cut = &l->cut;
    if (logged) {
        wg_lanes_drained(l->lanes, cut->spans, cut->span_count);
        note_runs(engine);
        atomic_fetch_add_explicit(&l->drain_bytes, cut->bytes, memory_order_relaxed);
        atomic_fetch_add_explicit(&l->drains, cut->span_count != 0, memory_order_relaxed);
    } else wg_lanes_give_up(l->lanes, cut->spans, cut->span_count);
    cut->span_count = 0;
    cut->part_count = 0;
    if (!logged && engine->wal != NULL && wg_wal_is_poisoned(engine->wal)) wg_lanes_forget_rings(l->lanes);
}

/* ---- drains */

static wg_code append_cut(wg_engine *e, wg_error *err) {
    wgi_cut *cut = &log_of(e)->cut;
    const uint64_t next = wgi_next_logseq(e);
    uint64_t logseq = next;
    wg_code code = WG_OK;
    if (e->wal == NULL) code = wgi_chain_extend(e, logseq, wg_slice_of(NULL, 0), err);
    else code = wg_wal_append(e->wal, cut->parts, cut->part_count, &logseq, err);
    if (code == WG_OK && logseq != next)
        code = wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "the log gave logseq %llu, expected %llu",
                            (unsigned long long)logseq, (unsigned long long)next);
    if (code == WG_OK) {
        wgi_applied_set(e, logseq);
        atomic_fetch_add_explicit(&e->maintenance.log_bytes, cut->bytes, memory_order_relaxed);
    }
    wgi_state_cut_end(e, code == WG_OK);
    return code;
}

/* The log's end is held. */
static wg_code drain_locked(wg_engine *e, wg_error *err) {
    wgi_cut *cut = &log_of(e)->cut;
    WG_TRY(wgi_state_cut(e, false, err));
    if (cut->reached.size == 0 && cut->bytes == 0) {
        wgi_state_cut_end(e, true);
        return WG_OK;
    }
    WG_TRY(wgi_state_note(e, err));
    WG_TRY(append_cut(e, err));
    if (e->wal == NULL || e->options.durability != WG_STRICT) wgi_publish(e, e->applied);
    return WG_OK;
}

static wg_code drain_within(wg_engine *e, const wg_cancel *cancel, uint64_t *out_logseq, wg_error *err) {
    WG_TRY(wgi_log_take_within(e, cancel, err));
    const wg_code code = drain_locked(e, err);
    if (code == WG_OK) *out_logseq = e->applied;
    wgi_log_give(e);
    return code;
}

static wg_code drain_only(wg_engine *e, uint64_t *out_logseq, wg_error *err) {
    return drain_within(e, NULL, out_logseq, err);
}

/* For wg_lane_reserve: the caller may be inside the epoch, so nothing else is done here. */
static wg_code drain_for_room(void *ctx, wg_error *err) {
    uint64_t logseq = 0;
    return drain_only(ctx, &logseq, err);
}

/* ---- rounds */

/* A sync costs the same for one as for all, so those whom the last rounds served are waited for, as long as they keep coming: they have just been
 * woken, and most will have committed again in some microseconds. */
static void let_others_join(wgi_state_log *l) {
    const uint32_t wanted = (uint32_t)wg_max_u64(l->groups[0], l->groups[1]);
    uint32_t come = atomic_load(&l->arrivals) - l->arrived;
    if (wanted <= 1 || come >= wanted) return;
    wg_platform *p = wg_platform_real(); /* the time of threads */
    const uint64_t start = p->ops->now_ns(p);
    for (uint64_t now = start, last = start; come < wanted && now - start < JOIN_NS && now - last < JOIN_STEP_NS;
         now = p->ops->now_ns(p)) {
        wg_thread_yield();
        const uint32_t more = atomic_load(&l->arrivals) - l->arrived;
        if (more != come) last = now;
        come = more;
    }
}

/* Who has arrived by now is in this round. */
static void round_begin(wgi_state_log *l) {
    const uint32_t arrivals = atomic_load(&l->arrivals);
    l->groups[1] = l->groups[0];
    l->groups[0] = arrivals - l->arrived;
    l->arrived = arrivals;
    atomic_fetch_add(&l->started, 1);
}

static void runs_are_durable(wgi_state_log *l) {
    const wgi_reached *items = (const wgi_reached *)(const void *)l->syncing.data;
    for (size_t i = 0; i < l->syncing.size / sizeof *items; i++) {
        wg_state_run *run = wg_state_run_hold(l->state, items[i].run);
        if (run == NULL) continue;
        wg_state_run_durable(run, items[i].version);
        wg_state_run_release(run);
    }
    l->syncing.size = 0;
}

/* Drain, and what the sync behind it will cover; the caller leads. */
static wg_code round_drain(wg_engine *e, uint64_t *out_logseq, uint32_t *out_spans, wg_error *err) {
    wgi_state_log *l = log_of(e);
    wgi_log_take(e);
    const wg_code code = drain_locked(e, err);
    if (code == WG_OK) {
        *out_logseq = e->applied;
        *out_spans = wg_lanes_undurable(l->lanes, l->undurable);
        const wg_buf empty = l->syncing;
        l->syncing = l->unsynced;
        l->unsynced = empty;
    }
    wgi_log_give(e);
    return code;
}

static wg_code lead_round(wg_engine *e, uint64_t *out_logseq, wg_error *err) {
    wgi_state_log *l = log_of(e);
    uint32_t spans = 0;
    let_others_join(l);
    round_begin(l);
    WG_TRY(round_drain(e, out_logseq, &spans, err));
    if (e->wal != NULL && !WG_CANARY_IS(9)) {
        const wg_code code = wg_wal_wait(e->wal, *out_logseq, err);
        if (code != WG_OK) {
            wg_lanes_forget_rings(l->lanes);
            l->syncing.size = 0; /* never durable any more */
            return code;
        }
    }
    wgi_publish(e, *out_logseq); /* before the runs: see wg_engine_state_pair */
    wg_lanes_durable(l->lanes, l->undurable, spans);
    runs_are_durable(l);
    atomic_fetch_add_explicit(&l->rounds_led, 1, memory_order_relaxed);
    return WG_OK;
}

static void round_end(wgi_state_log *l, bool succeeded) {
    const uint64_t round = atomic_load_explicit(&l->started, memory_order_relaxed);
    if (succeeded) atomic_store(&l->succeeded, round);
    atomic_store(&l->completed, round);
    atomic_store(&l->leading, false);
    wg_signal_raise(&l->rounds[round & 1], UINT32_MAX);
    wg_signal_raise(&l->rounds[(round + 1) & 1], 1);
}

/* True when this thread led a round, which ended with *out_code. */
static bool try_lead(wg_engine *e, uint64_t *out_logseq, wg_code *out_code, wg_error *err) {
    wgi_state_log *l = log_of(e);
    if (atomic_load_explicit(&l->leading, memory_order_relaxed) || atomic_exchange(&l->leading, true)) return false;
    *out_code = lead_round(e, out_logseq, err);
    round_end(l, *out_code == WG_OK);
    return true;
}

static wg_code wait_for_ticket(wg_engine *e, const wg_lane *lane, uint64_t ticket, wg_error *err) {
    wgi_state_log *l = log_of(e);
    uint64_t slept_for = 0;
    while (wg_lane_durable(lane) < ticket) {
        const uint64_t round = atomic_load(&l->started) + 1;
        wg_signal *signal = &l->rounds[round & 1];
        const uint32_t seen = wg_signal_count(signal);
        if (wg_lane_durable(lane) >= ticket) break;
        uint64_t logseq = 0;
        wg_code code = WG_OK;
        if (try_lead(e, &logseq, &code, err)) {
            WG_TRY(code);
            continue;
        }
        slept_for = round;
        wg_signal_wait(signal, seen);
    }
    /* Woken as the next leader, but the round before had covered it: somebody else has to lead. */
    if (slept_for > atomic_load(&l->completed) && !atomic_load(&l->leading))
        wg_signal_raise(&l->rounds[slept_for & 1], 1);
    return WG_OK;
}

wg_code wg_engine_state_wait(wg_engine *engine, const wg_lane *lane, uint64_t ticket, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    if (engine->wal == NULL || wg_lane_durable(lane) >= ticket) return WG_OK;
    atomic_fetch_add(&l->arrivals, 1);
    return wait_for_ticket(engine, lane, ticket, err);
}

/* Everything that is published now: a round that begins behind this call has it. */
static wg_code drain_durably(wg_engine *e, uint64_t *out_logseq, wg_error *err) {
    wgi_state_log *l = log_of(e);
    uint64_t wanted = atomic_load(&l->started) + 1;
    wg_code code = WG_OK;
    bool led = false;
    atomic_fetch_add(&l->arrivals, 1);
    while (!led && atomic_load(&l->succeeded) < wanted) {
        wg_signal *signal = &l->rounds[wanted & 1];
        const uint32_t seen = wg_signal_count(signal);
        led = try_lead(e, out_logseq, &code, err);
        if (!led && atomic_load(&l->completed) < wanted) wg_signal_wait(signal, seen);
        if (atomic_load(&l->completed) >= wanted && atomic_load(&l->succeeded) < wanted)
            wanted = atomic_load(&l->started) + 1; /* its leader failed: this thread's own try says why */
    }
    if (!led) *out_logseq = wg_engine_logseq(e);
    return code;
}

wg_code wg_engine_state_drain(wg_engine *engine, bool durable, uint64_t *out_logseq, wg_error *err) {
    uint64_t logseq = 0;
    if (engine->options.read_only) logseq = wg_engine_logseq(engine);
    else if (durable && engine->wal != NULL) WG_TRY(drain_durably(engine, &logseq, err));
    else WG_TRY(drain_only(engine, &logseq, err));
    if (out_logseq != NULL) *out_logseq = logseq;
    return WG_OK;
}

wg_code wg_engine_state_drain_within(wg_engine *engine, const wg_cancel *cancel, wg_error *err) {
    uint64_t logseq = 0;
    return engine->options.read_only ? WG_OK : drain_within(engine, cancel, &logseq, err);
}

/* ---- a snapshot of both */

/* STRICT: what is published is durable, so is every run's version there; a run's visible version is raised behind the publication. So the
 * later of the two readings of the run belongs to the logseq that was read between. Otherwise a commit of both makes `mixed` odd. */
static uint64_t pair_now(wg_engine *e, const wg_state_run *run, uint64_t *out_logseq) {
    wgi_state_log *l = log_of(e);
    for (;;) {
        const uint64_t mixed = atomic_load(&l->mixed);
        const uint64_t visible = wg_state_run_visible(run);
        *out_logseq = wg_engine_logseq(e);
        if (e->options.durability == WG_STRICT && e->wal != NULL)
            return wg_max_u64(visible, wg_state_run_version_at(run, *out_logseq));
        if ((mixed & 1) == 0 && atomic_load(&l->mixed) == mixed) return visible;
        wg_thread_yield();
    }
}

wg_code wg_engine_state_pair(wg_engine *engine, wg_state_run *run, bool drain, uint64_t *out_logseq,
                             uint64_t *out_version, wg_error *err) {
    if (drain && wg_lanes_pending(engine->state_log.lanes) != 0)
        WG_TRY(wg_engine_state_drain(engine, engine->options.durability == WG_STRICT, NULL, err));
    *out_version = pair_now(engine, run, out_logseq);
    return WG_OK;
}

/* The run's snapshot is taken by the transaction itself: again until both sides belong together. */
wg_code wg_engine_state_begin(wg_engine *engine, wg_state_session *session, wg_state_run *run,
                              wg_state_isolation isolation, wg_state_txn **out, uint64_t *out_logseq, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    for (;;) {
        const uint64_t mixed = atomic_load(&l->mixed);
        WG_TRY(wg_state_begin(session, run, isolation, wg_state_now_us(session), out, err));
        *out_logseq = wg_engine_logseq(engine);
        const bool strict = engine->options.durability == WG_STRICT && engine->wal != NULL;
        const bool whole = strict ? wg_state_run_version_at(run, *out_logseq) <= wg_state_txn_snapshot(*out)
                                  : (mixed & 1) == 0 && atomic_load(&l->mixed) == mixed;
        if (whole) return WG_OK;
        wg_state_abort(*out);
        *out = NULL;
        wg_thread_yield();
    }
}

/* ---- the thread */

static bool is_strict(const wg_engine *e) { return e->options.durability == WG_STRICT; }

static void note_failure(wg_engine *e, const wg_error *failure) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    b->last_error = *failure;
    wg_mutex_unlock(&b->mutex);
}

/* Waits until the interval is over or a ring is half full; state_log.mutex is held. */
static void wait_until_due(wg_engine *e, uint64_t due_ns) {
    wgi_state_log *l = log_of(e);
    wg_platform *p = wg_platform_real();
    for (;;) {
        const uint64_t now = p->ops->now_ns(p);
        if (l->stop || atomic_load(&l->urgent) || now >= due_ns) return;
        (void)wg_cond_wait_for(&l->wake, &l->mutex, due_ns - now);
    }
}

static void thread_work(wg_engine *e, bool durable) {
    wg_error failure = {0};
    uint64_t logseq = 0;
    const wg_code code = durable ? drain_durably(e, &logseq, &failure) : drain_only(e, &logseq, &failure);
    if (code != WG_OK) note_failure(e, &failure);
    wgi_background_notice(e);
    /* Who appends to event logs takes a page each 15,000 events: one that is ready spares it the clearing. */
    if (!atomic_load_explicit(&e->state_log.urgent, memory_order_relaxed))
        (void)wg_state_page_ahead(e->state_log.state);
    /* Once each time, further only while no ring is half full: whoever fills a ring meanwhile would have to drain it itself. */
    for (int i = 0; i < COLLECTS_MAX && wg_state_collect(e->state_log.state); i++)
        if (atomic_load_explicit(&e->state_log.urgent, memory_order_relaxed)) break;
}

static void thread_body(void *arg) {
    wg_engine *e = arg;
    wgi_state_log *l = log_of(e);
    wg_platform *p = wg_platform_real();
    const uint64_t interval =
        (e->options.sync_interval_ms == 0 ? 100 : e->options.sync_interval_ms) * UINT64_C(1000000);
    wg_mutex_lock(&l->mutex);
    while (!l->stop) {
        if (!atomic_load(&l->armed)) {
            wg_cond_wait(&l->wake, &l->mutex);
            continue;
        }
        const uint64_t due = p->ops->now_ns(p) + interval;
        bool half_full = false;
        do {
            if (!is_strict(e)) wait_until_due(e, due);
            half_full = atomic_exchange(&l->urgent, false) && !is_strict(e) && p->ops->now_ns(p) < due;
            if (!half_full) atomic_store(&l->armed, false); /* before the cut: what comes behind it arms anew */
            wg_mutex_unlock(&l->mutex);
            thread_work(e, !half_full);
            wg_mutex_lock(&l->mutex);
        } while (half_full && !l->stop);
    }
    wg_mutex_unlock(&l->mutex);
}

static bool wake_thread(wg_engine *e) {
    wgi_state_log *l = log_of(e);
    wg_error failure = {0};
    if (!e->maintenance.background.allowed) return false;
    wg_mutex_lock(&l->mutex);
    if (!l->started_thread && !l->stop)
        l->started_thread = wg_thread_start(&l->thread, thread_body, e, &failure) == WG_OK;
    const bool taken = l->started_thread;
    if (taken) wg_cond_signal(&l->wake);
    wg_mutex_unlock(&l->mutex);
    if (!taken) note_failure(e, &failure);
    return taken;
}

static bool half_full(const wg_lane *lane) {
    return lane->tail - atomic_load_explicit(&lane->drained, memory_order_relaxed) >= lane->ring_bytes / 2;
}

void wg_engine_state_notice(wg_engine *engine, const wg_lane *lane) {
    wgi_state_log *l = log_of(engine);
    if (lane->ring == NULL) return;
    const bool full = half_full(lane);
    bool wake = !atomic_load_explicit(&l->armed, memory_order_relaxed) && !atomic_exchange(&l->armed, true);
    if (full && !atomic_load_explicit(&l->urgent, memory_order_relaxed) && !atomic_exchange(&l->urgent, true))
        wake = true;
    if (!wake || wake_thread(engine)) return;
    /* No thread: a failure stays for who waits, or for who finds the ring full. */
    atomic_store(&l->armed, false);
    atomic_store(&l->urgent, false);
    uint64_t logseq = 0;
    wg_error ignored = {0};
    if (!full) return;
    if (drain_only(engine, &logseq, &ignored) != WG_OK) note_failure(engine, &ignored);
    wgi_background_notice(engine);
}

const _Atomic bool *wg_engine_state_noticed(const wg_engine *engine) { return &engine->state_log.armed; }

/* ---- life */

void wgi_state_init(wg_engine *engine) {
    wgi_state_log *l = log_of(engine);
    wg_mutex_init(&l->mutex, WGI_RANK_STATE_THREAD);
    wg_cond_init(&l->wake);
    wg_signal_init(&l->rounds[0]);
    wg_signal_init(&l->rounds[1]);
    wg_buf_init(&l->cut.reached, &engine->state_account);
    wg_buf_init(&l->unsynced, &engine->state_account);
    wg_buf_init(&l->syncing, &engine->state_account);
}

/* Replaced records are given up for a small budget: an eighth of it. 0: the usual 64 MiB. */
static uint64_t history_bytes(const wg_options *o) {
    const uint64_t share = o->memory_bytes_max / 8;
    return share == 0 || share >= UINT64_C(64) << 20 ? 0 : wg_max_u64(share, UINT64_C(2) << 20);
}

wg_code wgi_state_make(wg_engine *engine, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    const wg_options *o = &engine->options;
    const bool logged = engine->path != NULL && o->durability != WG_IN_MEMORY && !o->read_only;
    l->cut.spans = wg_alloc(&engine->state_account, WG_LANES_MAX * sizeof *l->cut.spans);
    l->undurable = wg_alloc(&engine->state_account, WG_LANES_MAX * sizeof *l->undurable);
    l->cut.parts = wg_alloc(&engine->state_account, (2 * WG_LANES_MAX + 4) * sizeof *l->cut.parts);
    if (l->cut.spans == NULL || l->undurable == NULL || l->cut.parts == NULL)
        return wg_error_nomem(err, WG_LANES_MAX * sizeof *l->cut.spans);
    const wg_lanes_options lanes = {.platform = engine->platform,
                                    .account = &engine->state_account,
                                    .has_rings = logged,
                                    .drain = drain_for_room,
                                    .ctx = engine};
    WG_TRY(wg_lanes_create(&lanes, &l->lanes, err));
    const wg_state_options state = {.platform = engine->platform,
                                    .account = &engine->state_account,
                                    .epoch = engine->epoch,
                                    .lanes = l->lanes,
                                    .history_bytes_max = history_bytes(o),
                                    .readers_wait_for_durable = logged && o->durability == WG_STRICT,
                                    .keeps_until_stored = logged};
    return wg_state_create(&state, &l->state, err);
}

wg_code wgi_state_close(wg_engine *engine, wg_error *err) {
    wgi_state_log *l = log_of(engine);
    wg_mutex_lock(&l->mutex);
    const bool started = l->started_thread;
    l->stop = true;
    wg_cond_broadcast(&l->wake);
    wg_mutex_unlock(&l->mutex);
    if (started) wg_thread_join(&l->thread);
    l->started_thread = false;
    if (engine->wal == NULL || wg_lanes_pending(l->lanes) == 0) return WG_OK;
    uint64_t logseq = 0;
    return drain_only(engine, &logseq, err);
}

void wgi_state_free(wg_engine *engine) {
    wgi_state_log *l = log_of(engine);
    wg_state_destroy(l->state);
    wg_lanes_destroy(l->lanes);
    wg_free(l->cut.spans);
    wg_free(l->cut.parts);
    wg_free(l->undurable);
    wg_buf_deinit(&l->cut.reached);
    wg_buf_deinit(&l->unsynced);
    wg_buf_deinit(&l->syncing);
    wg_signal_deinit(&l->rounds[0]);
    wg_signal_deinit(&l->rounds[1]);
    wg_cond_deinit(&l->wake);
    wg_mutex_deinit(&l->mutex);
}
