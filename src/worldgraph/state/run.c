/* The state's life: runs, forks and drops, sessions.
 *
 * A run is found by its number. It is held by the state until its keys are out of the table, by each fork of it, by pins and handles; the
 * last one to let go retires it to the epoch. A fork holds its parent, pins its fork version there and counts versions on from it.
 *
 * Failure modes: no memory for a run or a session: nothing has changed. */
#include "worldgraph/state/commit_internal.h"

#include "base/digest/digest.h"

void wgi_wait(uint32_t *rounds) {
    if (++*rounds < 128) {
        wgi_pause();
        return;
    }
    wg_thread_yield(); /* its holder may wait for this processor */
}

void wgi_lock_slow(_Atomic uint32_t *lock) {
    uint32_t rounds = 0;
    for (;;) {
        while (atomic_load_explicit(lock, memory_order_relaxed) != 0) wgi_wait(&rounds);
        if (wgi_try_lock(lock)) return;
    }
}

void wgi_segment_lock_slow(wgi_header *header) {
    uint32_t rounds = 0;
    for (;;) {
        while (atomic_load_explicit(&header->lock, memory_order_relaxed) != 0) wgi_wait(&rounds);
        if (wgi_segment_try_lock(header)) return;
    }
}

/* ---- runs */

wg_state_key wg_state_key_of(const wg_state_run *run, wg_slice bytes) {
    const uint64_t hash = wgi_key_hash(run->table, bytes.data, bytes.size) ^ run->hash_mix;
    const wgi_place place = wgi_place_of(run->table, hash);
    wgi_place_prefetch(&place, hash); /* whoever asks for the hash is going to need the slot */
    return (wg_state_key){bytes, hash};
}

static void run_dispose(void *block) {
    wg_state_run *run = block;
    wg_events_destroy(run->events);
    wgi_order_destroy(run->order);
    wgi_touched_destroy(atomic_load_explicit(&run->touched, memory_order_relaxed));
    wgi_pins_deinit(run);
    wg_free(run);
}

static wg_state_run *run_new(wg_state *state, const wg_run_origin *origin, wg_state_run *parent, wg_error *err) {
    wg_state_run *run = wg_alloc_zero(state->account, sizeof *run);
    if (run == NULL) {
        (void)wg_error_nomem(err, sizeof *run);
        return NULL;
    }
    run->state = state;
    run->table = state->table;
    run->origin = *origin;
    run->hash_mix = wg_hash64_u64(origin->number);
    run->parent = parent;
    atomic_init(&run->holds, 1);
    atomic_init(&run->newest, origin->fork_version);
    atomic_init(&run->durable, origin->fork_version);
    atomic_init(&run->pinned_least, UINT64_MAX);
    wg_events *events = parent == NULL ? NULL : parent->events;
    if (wg_events_create(state->epoch, state->account, events, origin->fork_events, &run->events, err) != WG_OK ||
        wgi_order_create(state, &run->order, err) != WG_OK) {
        run_dispose(run);
        return NULL;
    }
    wg_events_use_pages(run->events, state->pages);
    return run;
}

wg_code wg_state_run_create(wg_state *state, const wg_run_origin *origin, wg_state_run **out, wg_error *err) {
    WG_ASSERT(origin->number <= WG_STATE_RUNS_MAX);
    wg_code code = WG_OK;
    wg_mutex_lock(&state->runs_mutex);
    wg_state_run *parent = NULL, *run = NULL;
    if (wg_slots_get(&state->runs, origin->number) != NULL) {
        code = wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "there is a run %u", origin->number);
        goto fail;
    }
    if (origin->parent != WG_RUN_SYSTEM) {
        parent = wg_slots_get(&state->runs, origin->parent);
        if (parent == NULL) { /* at open it may not have come to the version of the fork yet */
            code = wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no run %u to be forked", origin->parent);
            goto fail;
        }
    }
    run = run_new(state, origin, parent, err);
    if (run == NULL) {
        code = WG_E_NOMEM;
        goto fail;
    }
    if (!wg_slots_reserve(&state->runs, origin->number, state->account)) {
        code = wg_error_nomem(err, 64);
        goto fail;
    }
    if (parent != NULL) {
        WG_TRY_GOTO(wgi_pins_add(parent, origin->fork_version, err));
        wgi_run_hold(parent);
        wgi_touched_mark(parent);
    }
    wg_slots_set(&state->runs, origin->number, run);
    if (origin->number >= atomic_load(&state->run_count)) atomic_store(&state->run_count, origin->number + 1);
    wg_mutex_unlock(&state->runs_mutex);
    *out = run;
    return WG_OK;
fail:
    wg_mutex_unlock(&state->runs_mutex);
    if (run != NULL) run_dispose(run);
    return code;
}

wg_state_run *wg_state_run_at(const wg_state *state, uint32_t number) {
    wg_state_run *run = wg_slots_get(&state->runs, number);
    return run == NULL || atomic_load_explicit(&run->dropped, memory_order_acquire) ? NULL : run;
}

wg_state_run *wg_state_run_hold(wg_state *state, uint32_t number) {
    wg_mutex_lock(&state->runs_mutex); /* it is not dropped meanwhile */
    wg_state_run *run = wg_state_run_at(state, number);
    if (run != NULL) wgi_run_hold(run);
    wg_mutex_unlock(&state->runs_mutex);
    return run;
}

wg_state_run *wg_state_run_ancestor(const wg_state *state, uint32_t number) {
    return wg_slots_get(&state->runs, number);
}

void wg_state_run_release(wg_state_run *run) {
    while (run != NULL) {
        if (atomic_fetch_sub_explicit(&run->holds, 1, memory_order_acq_rel) != 1) return;
        wg_state *state = run->state;
        wg_state_run *parent = run->parent;
        WG_ASSERT(atomic_load(&run->dropped)); /* the state holds all others */
        wg_slots_set(&state->runs, run->origin.number, NULL);
        wgi_kept_drop_run(state->history, run);
        if (parent != NULL) wgi_pins_remove(parent, run->origin.fork_version);
        wg_epoch_retire_object(state->epoch, &run->link, run_dispose);
        run = parent;
    }
}

void wg_state_run_drop(wg_state *state, uint32_t number) {
    WG_ASSERT(number != WG_RUN_SYSTEM);
    wg_mutex_lock(&state->runs_mutex);
    wg_state_run *run = wg_state_run_at(state, number);
    if (run != NULL) {
        atomic_store(&run->dropped, true);
        run->next_dead = state->dead;
        state->dead = run;
    }
    wg_mutex_unlock(&state->runs_mutex);
}

uint32_t wg_state_run_count(const wg_state *state) { return atomic_load(&state->run_count); }
const wg_run_origin *wg_state_run_origin(const wg_state_run *run) { return &run->origin; }
/* Waits for appends that are under way: after it, a snapshot that was taken before it has all its events. */
wg_events *wg_state_run_events(const wg_state_run *run) {
    uint32_t rounds = 0;
    while (atomic_load_explicit(&run->event_lock, memory_order_acquire) != 0) wgi_wait(&rounds);
    return run->events;
}

/* ---- sessions */

static wg_code session_new(wg_state *state, bool has_lane, wg_state_session **out, wg_error *err) {
    wg_state_session *session = wg_alloc_zero(state->account, sizeof *session);
    if (session == NULL) return wg_error_nomem(err, sizeof *session);
    session->state = state;
    session->ticks_kept = wg_platform_ticks_kept(state->options.platform);
    session->tick = wg_ticks() - session->ticks_kept;
    wg_arena_init(&session->txn.arena, state->account);
    session->txn.session = session;
    session->writer = wg_alloc_zero(state->account, sizeof *session->writer);
    session->txn.quick = wg_alloc_zero(state->account, sizeof *session->txn.quick);
    wg_code code =
        session->writer == NULL || session->txn.quick == NULL ? wg_error_nomem(err, sizeof(wgi_quick)) : WG_OK;
    if (code == WG_OK && has_lane) code = wg_lane_open(state->options.lanes, &session->lane, err);
    if (code != WG_OK) {
        wg_free(session->txn.quick);
        wg_free(session->writer);
        wg_free(session);
        return code;
    }
    wg_mutex_lock(&state->sessions_mutex);
    session->next = state->sessions;
    if (session->next != NULL) session->next->prev = session;
    state->sessions = session;
    wg_mutex_unlock(&state->sessions_mutex);
    *out = session;
    return WG_OK;
}

wg_code wg_state_session_open(wg_state *state, wg_state_session **out, wg_error *err) {
    return session_new(state, true, out, err);
}

void wg_state_session_close(wg_state_session *session) {
    if (session == NULL) return;
    wg_state *state = session->state;
    if (session->txn.open) wg_state_abort(&session->txn);
    wg_mutex_lock(&state->sessions_mutex);
    if (session->prev == NULL) state->sessions = session->next;
    else session->prev->next = session->next;
    if (session->next != NULL) session->next->prev = session->prev;
    atomic_fetch_add(&state->commits, atomic_load(&session->commits));
    atomic_fetch_add(&state->conflicts, atomic_load(&session->conflicts));
    wg_mutex_unlock(&state->sessions_mutex);
    wgi_history_close(state, session->writer);
    wgi_txn_deinit(&session->txn);
    if (session->scans != NULL) wgi_scans_destroy(session->scans);
    if (session->lane != NULL) wg_lane_close(session->lane);
    wg_free(session->own);
    wg_free(session->txn.quick);
    wg_free(session->writer);
    wg_free(session);
}

uint64_t wgi_session_clock(wg_state_session *session, uint64_t tick) {
    wg_platform *platform = session->state->options.platform;
    session->tick = tick;
    session->now_us = platform->ops->wall_coarse_us(platform);
    return session->now_us;
}

uint64_t wg_state_now_us(wg_state_session *session) { return wgi_session_now(session); }
bool wg_state_session_has_txn(const wg_state_session *session) { return session->txn.open; }
wg_lane *wg_state_session_lane(const wg_state_session *session) { return session->lane; }

/* ---- the state */

wg_code wg_state_create(const wg_state_options *options, wg_state **out, wg_error *err) {
    WG_ASSERT(options->epoch != NULL);
    wg_state *state = wg_alloc_zero(options->account, sizeof *state);
    if (state == NULL) return wg_error_nomem(err, sizeof *state);
    wg_code code = WG_OK;
    state->options = *options;
    state->epoch = options->epoch;
    state->account = options->account;
    state->pages = wg_pages_create(options->platform, options->account);
    wg_mutex_init(&state->runs_mutex, WGI_RANK_RUNS);
    wg_mutex_init(&state->sessions_mutex, WGI_RANK_SESSIONS);
    wg_mutex_init(&state->collect_mutex, WGI_RANK_COLLECT);
    const wg_run_origin system = {.number = WG_RUN_SYSTEM};
    wg_state_run *run = NULL;
    if (state->pages == NULL) {
        code = wg_error_nomem(err, sizeof(void *));
        goto fail;
    }
    WG_TRY_GOTO(wgi_history_create(state, &state->history, err));
    WG_TRY_GOTO(wgi_table_create(state, &state->table, err));
    WG_TRY_GOTO(session_new(state, false, &state->replay, err));
    WG_TRY_GOTO(wg_state_run_create(state, &system, &run, err));
    *out = state;
    return WG_OK;
fail:
    wg_state_destroy(state);
    return code;
}

wg_lanes *wg_state_lanes(const wg_state *state) { return state->options.lanes; }

void wg_state_destroy(wg_state *state) {
    if (state == NULL) return;
    wg_state_session_close(state->replay);
    WG_ASSERT(state->sessions == NULL); /* all are closed */
    for (uint32_t i = wg_slots_next(&state->runs, 0); i != UINT32_MAX; i = wg_slots_next(&state->runs, i + 1))
        run_dispose(wg_slots_get(&state->runs, i));
    wgi_state_table_destroy(state->table);
    wgi_history_destroy(state->history);
    wg_pages_close(state->pages);
    wg_epoch_collect(state->epoch);
    wg_slots_deinit(&state->runs);
    wg_mutex_deinit(&state->runs_mutex);
    wg_mutex_deinit(&state->sessions_mutex);
    wg_mutex_deinit(&state->collect_mutex);
    wg_free(state);
}
