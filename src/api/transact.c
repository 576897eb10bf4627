/* Transactions that are tried again: wg_run_transact.
 *
 * Losing is answered by waiting a random part of a time that doubles. That alone lets one writer lose again and again while others win, so whoever
 * has lost TURN_AFTER times takes a place in the run's queue: only the first in it goes on, and whoever begins meanwhile queues up behind.
 * The first one then competes at most with transactions that were under way when its turn came, so it is through after a few attempts.
 * In STRICT an attempt that lost waits until what it lost against is durable: before, it could not be read. */
#include "api/api_internal.h"

enum { ATTEMPTS = 64, TURN_AFTER = 3, BACKOFF_US = 2, BACKOFF_US_MAX = 1000 };

void wgi_turns_init(wg_db *db) {
    for (int i = 0; i < WGI_TURNS; i++) {
        wg_mutex_init(&db->turns[i].mutex, WG_RANK_SESSION);
        wg_cond_init(&db->turns[i].next);
    }
}

void wgi_turns_deinit(wg_db *db) {
    for (int i = 0; i < WGI_TURNS; i++) {
        wg_cond_deinit(&db->turns[i].next);
        wg_mutex_deinit(&db->turns[i].mutex);
    }
}

static void turn_take(wgi_turn *turn) {
    wg_mutex_lock(&turn->mutex);
    const uint64_t mine = turn->given++;
    atomic_fetch_add_explicit(&turn->queue, 1, memory_order_relaxed);
    while (turn->serving != mine) wg_cond_wait(&turn->next, &turn->mutex);
    wg_mutex_unlock(&turn->mutex);
}

static void turn_give(wgi_turn *turn) {
    wg_mutex_lock(&turn->mutex);
    turn->serving++;
    atomic_fetch_sub_explicit(&turn->queue, 1, memory_order_relaxed);
    wg_cond_broadcast(&turn->next);
    wg_mutex_unlock(&turn->mutex);
}

typedef struct attempt {
    wg_run *run;
    const wg_retry_options *options;
    wgi_turn *turn;
    bool has_turn;
    uint64_t random;
    uint64_t wait_us;
    uint64_t deadline_ns; /* 0: none */
} attempt;

/* xorshift64* (Vigna 2016): jitter needs no better randomness. */
static uint64_t next_random(attempt *a) {
    a->random ^= a->random >> 12;
    a->random ^= a->random << 25;
    a->random ^= a->random >> 27;
    return a->random * UINT64_C(0x2545F4914F6CDD1D);
}

static void back_off(attempt *a) {
    const uint64_t max = a->options->backoff_us_max != 0 ? a->options->backoff_us_max : BACKOFF_US_MAX;
    const uint64_t ns = (next_random(a) % (a->wait_us + 1)) * 1000;
    wg_mutex mutex;
    wg_cond never;
    wg_mutex_init(&mutex, WG_RANK_SESSION);
    wg_cond_init(&never);
    wg_mutex_lock(&mutex);
    if (ns != 0) (void)wg_cond_wait_for(&never, &mutex, ns);
    wg_mutex_unlock(&mutex);
    wg_cond_deinit(&never);
    wg_mutex_deinit(&mutex);
    a->wait_us = a->wait_us * 2 < max ? a->wait_us * 2 : max;
}

static wg_code try_once(const attempt *a, wg_run_body_fn body, void *ctx, wg_commit_info *out, wg_error *err) {
    WG_TRY(wg_run_begin(a->run, &a->options->txn, err));
    const wg_code code = body(ctx, a->run, err);
    if (code != WG_OK) {
        wg_run_rollback(a->run);
        return code;
    }
    if (a->run->session->run_txn != a->run)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the body ended the transaction itself");
    return wg_run_commit(a->run, out, err);
}

static wg_code out_of_time(const attempt *a, wg_error *err) {
    wg_platform *p = a->run->session->db->platform;
    if (a->deadline_ns == 0 || p->ops->now_ns(p) < a->deadline_ns) return WG_OK;
    return wg_error_set(err, WG_E_DEADLINE, WG_NO_OFFSET, "the transaction lost against others for %u ms",
                        a->options->deadline_ms);
}

static wg_code run_attempts(attempt *a, wg_run_body_fn body, void *ctx, wg_commit_info *out, wg_error *err) {
    const uint32_t attempts = a->options->attempts_max != 0 ? a->options->attempts_max : ATTEMPTS;
    for (uint32_t i = 1;; i++) {
        wg_error seen = {0};
        const bool queue = atomic_load_explicit(&a->turn->queue, memory_order_relaxed) != 0;
        if (!a->has_turn && (queue || i > TURN_AFTER)) {
            turn_take(a->turn);
            a->has_turn = true;
        }
        const wg_code code = try_once(a, body, ctx, out, &seen);
        if (code != WG_OK && err != NULL) *err = seen;
        if (code != WG_E_CONFLICT || i >= attempts) return code;
        WG_TRY(out_of_time(a, err));
        WG_TRY(wg_agent_lost(&a->run->run, err));
        if (!a->has_turn) back_off(a);
    }
}

wg_code wg_run_transact(wg_run *run, const wg_retry_options *options, wg_run_body_fn body, void *ctx,
                        wg_commit_info *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    static const wg_retry_options standard = {0};
    if (body == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_run_transact: body is NULL");
    wg_db *db = run->session->db;
    attempt a = {.run = run,
                 .options = options != NULL ? options : &standard,
                 .turn = &db->turns[run->run.number % WGI_TURNS],
                 .random = wg_hash64_u64((uint64_t)(uintptr_t)run) | 1};
    a.wait_us = a.options->backoff_us != 0 ? a.options->backoff_us : BACKOFF_US;
    if (a.options->deadline_ms != 0)
        a.deadline_ns = db->platform->ops->now_ns(db->platform) + (uint64_t)a.options->deadline_ms * 1000000;
    const wg_code code = run_attempts(&a, body, ctx, out, err);
    if (a.has_turn) turn_give(a.turn);
    return code;
}
