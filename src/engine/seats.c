/* Places that one at a time has: the writer's place and the log's end.
 *
 * The writer's place is held from a transaction's first write to its end, over whatever its session does between: minutes, perhaps. The log's end is held
 * by whoever gives out a number and appends: a drain of agents' runs, a transaction of the graph at its commit, a checkpoint that notes
 * where it stands. Nobody who has it waits for a session, so drains do not wait for an open transaction (ADR 0022).
 *
 * A place is a flag and not a held mutex: a session may begin on one thread and commit on another.
 *
 * Whoever comes while it is free takes it, which saves a change of threads for each commit. One who comes without a rest would
 * always be there first, so those who wait stand in a queue, and after some such turns the place is handed to the first of them. */
#include "engine/engine_internal.h"

/* Who waits longer than this for the writer is told so, instead of waiting for ever for a transaction that its own thread has open. */
#define WRITER_WAIT_NS (UINT64_C(10) * 1000 * 1000 * 1000)
#define LOOK_NS        (UINT64_C(20) * 1000 * 1000) /* between two looks at whether the statement that waits is cancelled */
enum { BARGES_MAX = 8 };

void wgi_seat_init(wgi_seat *seat, uint32_t rank) {
    wg_mutex_init(&seat->mutex, rank);
    wg_cond_init(&seat->free);
    seat->last = &seat->first;
}

void wgi_seat_deinit(wgi_seat *seat) {
    wg_mutex_deinit(&seat->mutex);
    wg_cond_deinit(&seat->free);
}

/* Not inlined: a compiler that sees into it takes the turn, which is on the stack, for one that outlives the wait. */
static __attribute__((noinline)) void queue_join(wgi_seat *s, wgi_turn *turn) {
    *s->last = turn;
    s->last = &turn->next;
}

static void queue_leave(wgi_seat *s, const wgi_turn *turn) {
    wgi_turn **at = &s->first;
    while (*at != turn) at = &(*at)->next;
    if (at == &s->first) s->barged = 0;
    else s->barged++;
    *at = turn->next;
    if (*at == NULL) s->last = at;
}

/* The mutex is held, and nobody has the place. */
static void seat_sit(wgi_seat *s, bool waited) {
    s->busy = true;
    if (!waited && s->first != NULL) s->barged++;
}

/* All are woken: which of them the place was handed to only it can tell. */
static void seat_give(wgi_seat *s) {
    wg_mutex_lock(&s->mutex);
    wgi_turn *first = s->first;
    if (first != NULL && s->barged >= BARGES_MAX) {
        queue_leave(s, first);
        first->given = true;
        wg_cond_broadcast(&s->free);
    } else {
        s->busy = false;
        wg_cond_signal(&s->free);
    }
    wg_mutex_unlock(&s->mutex);
}

/* The mutex is held, and somebody else has the place. `patience_ns` 0: it waits as long as it takes. */
static wg_code wait_for(const wg_engine *e, wgi_seat *s, uint64_t patience_ns, const wg_cancel *cancel,
                        wg_error *err) {
    const uint64_t begin = e->platform->ops->now_ns(e->platform);
    wgi_turn turn = {0};
    wg_code code = WG_OK;
    queue_join(s, &turn);
    while (!turn.given && s->busy && code == WG_OK) {
        const uint64_t waited = e->platform->ops->now_ns(e->platform) - begin;
        code = wg_cancel_check(cancel, err);
        if (code == WG_OK && patience_ns != 0 && waited >= patience_ns)
            code = wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET,
                                "another transaction has been writing for 10 seconds: commit it or roll it back");
        if (code != WG_OK) break;
        const uint64_t left = patience_ns == 0 ? UINT64_MAX : patience_ns - waited;
        if (cancel == NULL && patience_ns == 0) wg_cond_wait(&s->free, &s->mutex);
        else (void)wg_cond_wait_for(&s->free, &s->mutex, cancel == NULL ? left : wg_min_u64(left, LOOK_NS));
    }
    if (turn.given) return WG_OK; /* it has left the queue already, and the place was never free */
    queue_leave(s, &turn);
    return s->busy ? code : WG_OK;
}

static wg_code seat_take(const wg_engine *e, wgi_seat *s, uint64_t patience_ns, const wg_cancel *cancel,
                         wg_error *err) {
    wg_mutex_lock(&s->mutex);
    const bool waited = s->busy;
    const wg_code code = waited ? wait_for(e, s, patience_ns, cancel, err) : WG_OK;
    if (code == WG_OK) seat_sit(s, waited);
    wg_mutex_unlock(&s->mutex);
    return code;
}

/* ---- the writer */

wg_code wgi_writer_take_within(wg_engine *e, const wg_cancel *cancel, wg_error *err) {
    return seat_take(e, &e->writer, WRITER_WAIT_NS, cancel, err);
}

wg_code wgi_writer_take(wg_engine *e, wg_error *err) { return wgi_writer_take_within(e, NULL, err); }

void wgi_writer_give(wg_engine *e) { seat_give(&e->writer); }

bool wgi_writer_is_busy(wg_engine *e) {
    wg_mutex_lock(&e->writer.mutex);
    const bool busy = e->writer.busy;
    wg_mutex_unlock(&e->writer.mutex);
    return busy;
}

uint32_t wg_engine_writers_waiting(wg_engine *engine) {
    uint32_t count = 0;
    wg_mutex_lock(&engine->writer.mutex);
    for (const wgi_turn *turn = engine->writer.first; turn != NULL; turn = turn->next) count++;
    wg_mutex_unlock(&engine->writer.mutex);
    return count;
}

/* ---- the log's end */

wg_code wgi_log_take_within(wg_engine *e, const wg_cancel *cancel, wg_error *err) {
    return seat_take(e, &e->log_end, 0, cancel, err);
}

void wgi_log_take(wg_engine *e) {
    const wg_code code = wgi_log_take_within(e, NULL, NULL);
    WG_ASSERT(code == WG_OK); /* nothing ends this wait */
}

void wgi_log_give(wg_engine *e) { seat_give(&e->log_end); }

wg_code wgi_both_take(wg_engine *e, wg_error *err) {
    WG_TRY(wgi_writer_take(e, err));
    wgi_log_take(e);
    return WG_OK;
}

void wgi_both_give(wg_engine *e) {
    wgi_log_give(e);
    wgi_writer_give(e);
}
