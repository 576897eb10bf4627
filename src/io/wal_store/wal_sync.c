/* Syncing: group commit by one leader, the background thread, back-pressure, and poison.
 *
 * Turns. `turn` is even while nobody syncs; whoever makes it odd leads: notes under the append lock what has been appended, releases
 * it, syncs, tells how far the log is durable, and makes it even again. Commits appended meanwhile are the next leader's. No lock
 * is held across a sync, so appending goes on. A waiter never takes a lock either: it sleeps on the event of the turn that
 * covers its commit, even and odd turns having one each. At the end of a turn the leader wakes all that slept for it with one call,
 * and of those that sleep for the next one just one, first, who will lead it.
 *
 * Crowds. When several threads wait, a leader gives those of the last turn up to SPIN_NS to come back with their next commits,
 * so that one sync covers all of them instead of every other half. When they do not come that is left off for a while.
 *
 * A leader syncs the segments that appends have left, then the current one, then the directory when a segment was made:
 * only all of them together make a commit durable.
 *
 * The background thread syncs what nobody waits for: in BUFFERED by interval and batch; in both modes what was asked for by
 * wg_wal_sync_soon. A second thread hashes (wal_chain.c) and makes the next segment (wal_prepare.c), so that neither delays a sync.
 *
 * Failure: a failed sync is never repeated, because the system may have dropped the unwritten pages and would now report
 * success. The log is poisoned, and the bytes that no sync covered are overwritten with zeros: the system's cache still
 * shows them, and a reopened log must not build on commits that the disk may not have. */
#include "io/wal_store/wal_internal.h"

void wgi_wal_poison(wg_wal *wal, const wg_error *cause) {
    WG_ASSERT(cause->code != WG_OK);
    wg_mutex_lock(&wal->sync_lock);
    if (!atomic_load(&wal->poisoned)) {
        wal->poison = *cause;
        atomic_store_explicit(&wal->poisoned, true, memory_order_release);
    }
    wg_mutex_unlock(&wal->sync_lock);
    for (unsigned i = 0; i < 2; i++) wg_signal_raise(&wal->turn_over[i], UINT32_MAX);
}

/* `poison` does not change once the flag is set, so reading it needs no lock. */
wg_code wgi_wal_poisoned(wg_wal *wal, wg_error *err) {
    if (!atomic_load_explicit(&wal->poisoned, memory_order_acquire)) return WG_OK;
    return wg_error_set(err, WG_E_IO, wal->poison.offset,
                        "the log takes no writes since an earlier failure (reopen it): %.140s", wal->poison.message);
}

/* What one leader syncs. */
typedef struct sync_work {
    uint64_t logseq;
    uint64_t written;
    wal_position position;
    wg_file *file;
    wal_retired_list retired; /* owned */
    bool directory;
    bool plain; /* there are bytes that only a sync makes durable */
    wal_staged staged;
} sync_work;

static void work_take(wg_wal *wal, sync_work *work) {
    wg_mutex_lock(&wal->append_lock);
    work->logseq = atomic_load_explicit(&wal->last_logseq, memory_order_relaxed);
    work->position = wal_position_of(wal->number, wal->offset);
    work->written = atomic_load_explicit(&wal->written, memory_order_relaxed);
    work->file = wal->file;
    work->retired = wal->retired;
    work->directory = wal->directory_dirty;
    memset(&wal->retired, 0, sizeof wal->retired);
    wal->directory_dirty = false;
    work->plain = wal->plain;
    wal->plain = false;
    wgi_wal_stage_take(wal, &work->staged);
    wg_mutex_unlock(&wal->append_lock);
    atomic_store(&wal->noted, work->logseq);
}

/* Of several files all data are on their way before the first is synced: what a journal has to commit for them it then commits once,
 * and not once a file. */
static void work_ahead(const wg_wal *wal, const sync_work *work) {
    const wg_platform_ops *ops = wal->platform->ops;
    if (work->retired.count == 0) return;
    for (int pass = 0; pass < 2; pass++) { /* begun, then waited for */
        for (size_t i = 0; i < work->retired.count; i++)
            ops->write_back(wal->platform, work->retired.items[i].file, 0, 0);
        ops->write_back(wal->platform, work->file, 0, 0);
    }
}

/* Syncs in the order of the log. Closes the retired files whatever happens. */
static wg_code work_do(wg_wal *wal, sync_work *work, wg_error *err) {
    const wg_platform_ops *ops = wal->platform->ops;
    wg_code code = WG_OK;
    work_ahead(wal, work);
    for (size_t i = 0; i < work->retired.count; i++) {
        if (code == WG_OK) code = ops->sync(wal->platform, work->retired.items[i].file, err);
        ops->close(wal->platform, work->retired.items[i].file);
    }
    wg_free(work->retired.items);
    const bool in_one = work->staged.count != 0 && !work->plain;
    if (code == WG_OK && work->staged.count != 0)
        code = wgi_wal_stage_write(wal, work->file, &work->staged, in_one, err);
    if (code == WG_OK && !in_one) code = ops->sync(wal->platform, work->file, err);
    if (code != WG_OK && WG_CANARY_IS(6)) code = ops->sync(wal->platform, work->file, err);
    if (code == WG_OK && work->directory) code = ops->sync_directory(wal->platform, wal->dir, err);
    return code;
}

/* Best effort: overwrites what no sync has covered. The caller has poisoned the log, so nothing more is appended. */
static void forget_unsynced(wg_wal *wal) {
    const wg_platform_ops *ops = wal->platform->ops;
    const wal_position durable = atomic_load(&wal->durable_position);
    const uint64_t first = wal_position_segment(durable);
    char path[WAL_PATH_BYTES];
    wg_mutex_lock(&wal->append_lock);
    const uint64_t newest = wal->number;
    wg_mutex_unlock(&wal->append_lock);
    for (uint64_t number = newest; number > first; number--) {
        wgi_wal_name(wal->dir, number, path);
        ops->unlink(wal->platform, path, NULL);
    }
    wg_file *file = NULL;
    wg_file_info info;
    wgi_wal_name(wal->dir, first, path);
    if (ops->open(wal->platform, path, WG_OPEN_WRITE, &file, NULL) != WG_OK) return;
    const uint64_t offset = wal_position_offset(durable);
    if (ops->file_info(wal->platform, file, &info, NULL) == WG_OK && info.size > offset)
        (void)wgi_wal_write_zeros(wal->platform, file, offset, info.size - offset, NULL);
    ops->close(wal->platform, file);
}

static void note_sync(wg_wal *wal, uint64_t started_ns, uint64_t commits) {
    const uint64_t ns = wal->platform->ops->now_ns(wal->platform) - started_ns;
    wg_histogram_add(&wal->sync_histogram, ns);
    atomic_fetch_add_explicit(&wal->syncs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->sync_ns_total, ns, memory_order_relaxed);
    /* One leader at a time: plain maxima are enough. */
    if (ns > atomic_load(&wal->sync_ns_max)) atomic_store(&wal->sync_ns_max, ns);
    if (commits > atomic_load(&wal->commits_per_sync_max)) atomic_store(&wal->commits_per_sync_max, commits);
}

static wg_code sync_turn(wg_wal *wal, bool tell, wg_error *err) {
    sync_work work;
    wg_error cause = {0};
    WG_TRY(wgi_wal_poisoned(wal, err));
    const uint64_t started_ns = wal->platform->ops->now_ns(wal->platform);
    work_take(wal, &work);
    const uint64_t before = atomic_load(&wal->durable_logseq);
    WG_ASSERT(work.logseq >= before);
    WG_ASSERT(work.position >= atomic_load(&wal->durable_position));
    if (work_do(wal, &work, &cause) != WG_OK) {
        wgi_wal_poison(wal, &cause);
        forget_unsynced(wal);
        return wg_error_set_sys(err, cause.code, cause.sys_errno, "the log could not be synced: %.140s",
                                cause.message);
    }
    if (work.staged.count != 0) wgi_wal_stage_done(wal, &work.staged);
    if (WG_CANARY_IS(8)) work.logseq = atomic_load(&wal->last_logseq);
    note_sync(wal, started_ns, work.logseq - before);
    if (tell) atomic_store_explicit(&wal->durable_position, work.position, memory_order_release);
    atomic_store(&wal->durable_written, work.written);
    atomic_store(&wal->durable_logseq, work.logseq);
    atomic_store(&wal->batch_signalled, false);
    if (tell) wgi_wal_head_write(wal, work.position, work.logseq);
    return WG_OK;
}

wg_code wgi_wal_sync_all(wg_wal *wal, wg_error *err) { return sync_turn(wal, true, err); }
wg_code wgi_wal_sync_quietly(wg_wal *wal, wg_error *err) { return sync_turn(wal, false, err); }

/* ---- turns */

/* Time for threads is real also on a simulated disk. */
static uint64_t thread_now_ns(void) { return wg_platform_real()->ops->now_ns(wg_platform_real()); }

/* Waits a moment for the threads of the last turn to come back. The caller leads turn `number`. */
static void gather_crowd(wg_wal *wal, uint64_t number) {
    enum { SPIN_NS = 20000, MISSED_MAX = 6 };
    const wg_signal *event = &wal->turn_over[number & 1];
    if (wal->crowd <= 1 || 1 + atomic_load(&event->sleepers) >= wal->crowd) return;
    if (wal->crowd_pause > 0) {
        wal->crowd_pause--;
        return;
    }
    const uint64_t until = thread_now_ns() + SPIN_NS;
    uint32_t here = 1;
    do {
        wg_thread_yield();
        here = 1 + atomic_load(&event->sleepers);
    } while (here < wal->crowd && thread_now_ns() < until);
    const bool worth = 2 * here > wal->crowd;
    wal->crowd_missed = worth ? 0 : wal->crowd_missed + (wal->crowd_missed < MISSED_MAX ? 1 : 0);
    wal->crowd_pause = worth ? 0 : UINT32_C(1) << wal->crowd_missed; /* turns */
}

/* Ends turn `number`. */
void wgi_wal_turn_end(wg_wal *wal, uint64_t number) {
    wg_signal *mine = &wal->turn_over[number & 1];
    wg_signal *next = &wal->turn_over[(number + 1) & 1];
    wal->crowd = 1 + atomic_load(&mine->sleepers) + atomic_load(&next->sleepers);
    atomic_store(&wal->noted, UINT64_MAX);
    atomic_fetch_add(&wal->turn, 1);
    const bool poisoned = atomic_load(&wal->poisoned);
    wg_signal_raise(next, poisoned ? UINT32_MAX : 1);
    wg_signal_raise(mine, UINT32_MAX);
}

/* One step towards a durable commit `logseq`: leads a turn, or sleeps until one may be over. *led is set when it led. A waiter
 * that is not alone lets others join. */
static wg_code turn_take(wg_wal *wal, uint64_t logseq, bool *led, wg_error *err) {
    /* The counts come first: an end after this is seen by the sleep. */
    const uint32_t seen[2] = {wg_signal_count(&wal->turn_over[0]), wg_signal_count(&wal->turn_over[1])};
    uint64_t turn = atomic_load(&wal->turn);
    if (turn % 2 == 0) {
        if (!atomic_compare_exchange_strong(&wal->turn, &turn, turn + 1)) return WG_OK;
        *led = true;
        if (atomic_load(&wal->durable_logseq) < logseq) gather_crowd(wal, turn / 2);
        const wg_code code = atomic_load(&wal->durable_logseq) < logseq ? wgi_wal_sync_all(wal, err)
                                                                        : WG_OK; /* else another was faster */
        wgi_wal_turn_end(wal, turn / 2);
        return code;
    }
    const uint64_t noted = atomic_load(&wal->noted);
    if (atomic_load(&wal->turn) != turn || atomic_load(&wal->durable_logseq) >= logseq) return WG_OK;
    if (atomic_load(&wal->poisoned)) return WG_OK; /* the caller looks */
    const uint64_t number = turn / 2 + (noted < logseq ? 1 : 0);
    wg_signal_wait(&wal->turn_over[number & 1], seen[number & 1]);
    return WG_OK;
}

/* Sleeps until the turn after the one that is under way may be had. Whoever is woken in its place leads that turn and wakes all at its end. */
uint64_t wgi_wal_turn_hold(wg_wal *wal) {
    for (;;) {
        const uint32_t seen[2] = {wg_signal_count(&wal->turn_over[0]), wg_signal_count(&wal->turn_over[1])};
        uint64_t turn = atomic_load(&wal->turn);
        if (turn % 2 == 0) {
            if (atomic_compare_exchange_strong(&wal->turn, &turn, turn + 1)) return turn / 2;
            continue;
        }
        const uint64_t number = turn / 2 + 1;
        if (atomic_load(&wal->turn) == turn) wg_signal_wait(&wal->turn_over[number & 1], seen[number & 1]);
    }
}

wg_code wg_wal_wait(wg_wal *wal, uint64_t logseq, wg_error *err) {
    WG_ASSERT(wal != NULL);
    if (WG_CANARY_IS(3) || logseq <= atomic_load(&wal->durable_logseq)) return WG_OK;
    if (logseq > atomic_load(&wal->last_logseq))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "commit %llu was never appended to the log",
                            (unsigned long long)logseq);
    bool led = false;
    while (atomic_load(&wal->durable_logseq) < logseq) {
        WG_TRY(wgi_wal_poisoned(wal, err));
        WG_TRY(turn_take(wal, logseq, &led, err));
    }
    if (led && !atomic_load(&wal->has_thread)) { /* the commit is safe, other leaders may go on */
        (void)wgi_wal_chain_drain(wal, NULL);
        wgi_wal_prepare(wal, false);
    }
    return WG_OK;
}

/* A segment without a frame is nothing that a recovery keeps, and a reader must not be told to wait in it: a mark goes into the new one,
 * which may only say what is true when all before it is durable, and only then is it told how far the log is durable. */
static wg_code rotate_led(wg_wal *wal, wg_error *err) {
    wg_mutex_lock(&wal->append_lock);
    wg_code code = wgi_wal_poisoned(wal, err);
    if (code == WG_OK) code = wgi_wal_rotate_between(wal, err);
    const wal_position begin = wal_position_of(wal->number, wal->offset);
    wg_mutex_unlock(&wal->append_lock);
    if (code != WG_OK) return code;
    WG_TRY(wgi_wal_sync_quietly(wal, err));
    wg_mutex_lock(&wal->append_lock);
    if (begin == wal_position_of(wal->number, wal->offset)) code = wgi_wal_append_mark(wal, err);
    wg_mutex_unlock(&wal->append_lock);
    return code == WG_OK ? wgi_wal_sync_all(wal, err) : code;
}

wg_code wg_wal_rotate(wg_wal *wal, uint32_t over_bytes, wg_error *err) {
    WG_ASSERT(wal != NULL);
    wg_mutex_lock(&wal->append_lock);
    const bool wanted = wal->offset > over_bytes;
    wg_mutex_unlock(&wal->append_lock);
    if (!wanted) return WG_OK;
    /* Syncs of single commits need zeros under them. */
    if (wal->options.durability == WG_STRICT) wgi_wal_prepare_now(wal);
    const uint64_t turn = wgi_wal_turn_hold(wal);
    const wg_code code = rotate_led(wal, err);
    wgi_wal_turn_end(wal, turn);
    return code;
}

/* With the turn, because a segment that begins is synced before it is told how far (rotate_led). */
wg_code wg_wal_durable_end(wg_wal *wal, uint64_t *out_position, wg_error *err) {
    WG_ASSERT(wal != NULL);
    const uint64_t turn = wgi_wal_turn_hold(wal);
    wg_code code = wgi_wal_poisoned(wal, err);
    if (code == WG_OK && atomic_load(&wal->durable_logseq) < atomic_load(&wal->last_logseq))
        code = wgi_wal_sync_all(wal, err);
    *out_position = atomic_load_explicit(&wal->durable_position, memory_order_acquire);
    wgi_wal_turn_end(wal, turn);
    return code;
}

void wgi_wal_back_pressure(wg_wal *wal) {
    if (wgi_wal_unsynced_bytes(wal) <= wal->options.unsynced_bytes_max) return;
    atomic_fetch_add_explicit(&wal->waits, 1, memory_order_relaxed);
    bool led = false;
    /* A failure has poisoned the log: the append will say so. */
    while (wgi_wal_unsynced_bytes(wal) > wal->options.unsynced_bytes_max && !atomic_load(&wal->poisoned))
        (void)turn_take(wal, atomic_load(&wal->last_logseq), &led, NULL);
}

/* ---- the background threads */

static uint64_t unsynced_commits(wg_wal *wal) {
    if (atomic_load(&wal->poisoned)) return 0;                  /* nothing more will be synced */
    const uint64_t durable = atomic_load(&wal->durable_logseq); /* first: it never passes the last */
    return atomic_load(&wal->last_logseq) - durable;
}

static bool batch_is_full(wg_wal *wal) {
    const uint64_t commits = unsynced_commits(wal);
    return commits >= wal->options.sync_batch_commits ||
           (commits > 0 && wgi_wal_unsynced_bytes(wal) >= wal->options.unsynced_bytes_max / 2);
}

static bool wanted_soon(wg_wal *wal) {
    return atomic_load(&wal->soon_logseq) > atomic_load(&wal->durable_logseq) && !atomic_load(&wal->poisoned);
}

/* Sleeps until there may be something to sync. Caller holds sync_lock. */
static void sleep_some(wg_wal *wal, uint64_t *due_ns) {
    const bool interval = wal->options.durability == WG_BUFFERED;
    if (unsynced_commits(wal) == 0 || !interval) {
        *due_ns = 0;
        wg_cond_wait(&wal->wake, &wal->sync_lock);
        return;
    }
    atomic_store(&wal->sleeper_idle, false);
    const uint64_t now_ns = thread_now_ns();
    if (*due_ns == 0) *due_ns = now_ns + (uint64_t)wal->options.sync_interval_ms * 1000000;
    if (now_ns < *due_ns) wg_cond_wait_for(&wal->wake, &wal->sync_lock, *due_ns - now_ns);
}

/* How long the next sync that was asked for may still wait. While many commits come between two of them they are spaced: syncs that
 * cover more cost the appends less. A waiter does not come to depend on it, because it leads a turn itself. */
static uint64_t soon_delay_ns(const wg_wal *wal, uint64_t synced_ns, uint64_t covered) {
    enum { SPACED_COMMITS_MIN = 64, SPACE_NS = 500000 };
    if (covered < SPACED_COMMITS_MIN) return 0;
    const uint64_t since = thread_now_ns() - synced_ns;
    const uint64_t unsynced = wgi_wal_unsynced_bytes(wal);
    return since < SPACE_NS && unsynced < wal->options.unsynced_bytes_max / 4 ? SPACE_NS - since : 0;
}

static void sync_main(void *arg) {
    wg_wal *wal = arg;
    uint64_t due_ns = 0; /* when the oldest unsynced commit must be synced; 0: there is none */
    uint64_t synced_ns = 0;
    uint64_t covered = 0; /* by the last sync of this thread */
    wg_mutex_lock(&wal->sync_lock);
    while (!atomic_load(&wal->stopping)) {
        /* An idle log costs no wakeups. The flags go up before the check: an append between the two clears them and
         * signals under sync_lock, which this thread gives up only by waiting. */
        atomic_store(&wal->sleeper_idle, true);
        atomic_store(&wal->sleeper_waits, true);
        const bool late = due_ns != 0 && unsynced_commits(wal) > 0 && thread_now_ns() >= due_ns;
        /* A batch may have filled while the last sync ran, when its signal found nobody waiting. */
        if (!wanted_soon(wal) && !batch_is_full(wal) && !late) {
            sleep_some(wal, &due_ns);
            continue;
        }
        atomic_store(&wal->sleeper_idle, false);
        atomic_store(&wal->sleeper_waits, false);
        const uint64_t delay_ns = late || batch_is_full(wal) ? 0 : soon_delay_ns(wal, synced_ns, covered);
        if (delay_ns > 0) {
            covered = 0; /* the next time without */
            wg_cond_wait_for(&wal->wake, &wal->sync_lock, delay_ns);
            continue;
        }
        wg_mutex_unlock(&wal->sync_lock);
        bool led = false;
        const uint64_t before = atomic_load(&wal->durable_logseq);
        synced_ns = thread_now_ns();
        /* A failure has poisoned the log: the next call of the application learns of it. */
        (void)turn_take(wal, atomic_load(&wal->last_logseq), &led, NULL);
        if (led) due_ns = 0;
        covered = atomic_load(&wal->durable_logseq) - before;
        wg_mutex_lock(&wal->sync_lock);
    }
    wg_mutex_unlock(&wal->sync_lock);
}

/* Hashing and the next segment. */
static void chores_main(void *arg) {
    wg_wal *wal = arg;
    for (;;) {
        /* The count comes before both flags: whoever raises one of them raises the count afterwards. */
        const uint32_t seen = wg_signal_count(&wal->chores_wanted);
        if (atomic_load(&wal->stopping)) return;
        if (atomic_exchange(&wal->chores, false)) { /* before the work: what comes meanwhile raises it again */
            (void)wgi_wal_chain_drain(wal, NULL);
            wgi_wal_prepare(wal, true);
        } else {
            wg_signal_wait(&wal->chores_wanted, seen);
        }
    }
}

wg_code wgi_wal_threads_start(wg_wal *wal, wg_error *err) {
    wg_mutex_lock(&wal->sync_lock); /* two calls start one pair */
    if (atomic_load(&wal->has_thread)) {
        wg_mutex_unlock(&wal->sync_lock);
        return WG_OK;
    }
    wg_code code = wg_thread_start(&wal->chores_thread, chores_main, wal, err);
    const bool half = code == WG_OK;
    if (half) code = wg_thread_start(&wal->thread, sync_main, wal, err);
    atomic_store(&wal->has_thread, code == WG_OK);
    if (half && code != WG_OK) {
        atomic_store(&wal->stopping, true);
        wg_signal_raise(&wal->chores_wanted, UINT32_MAX);
        wg_thread_join(&wal->chores_thread);
        atomic_store(&wal->stopping, false);
    }
    wg_mutex_unlock(&wal->sync_lock);
    return code;
}

void wgi_wal_threads_stop(wg_wal *wal) {
    if (!atomic_load(&wal->has_thread)) return;
    wg_mutex_lock(&wal->sync_lock);
    atomic_store(&wal->stopping, true);
    wg_cond_broadcast(&wal->wake);
    wg_mutex_unlock(&wal->sync_lock);
    for (unsigned i = 0; i < 2; i++) wg_signal_raise(&wal->turn_over[i], UINT32_MAX);
    wg_signal_raise(&wal->chores_wanted, UINT32_MAX);
    wg_thread_join(&wal->thread);
    wg_thread_join(&wal->chores_thread);
    atomic_store(&wal->has_thread, false);
}

wg_code wg_wal_sync_soon(wg_wal *wal, uint64_t logseq, wg_error *err) {
    WG_ASSERT(wal != NULL);
    if (logseq <= atomic_load(&wal->durable_logseq)) return WG_OK;
    WG_TRY(wgi_wal_poisoned(wal, err));
    if (logseq > atomic_load(&wal->last_logseq))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "commit %llu was never appended to the log",
                            (unsigned long long)logseq);
    if (!atomic_load(&wal->has_thread)) WG_TRY(wgi_wal_threads_start(wal, err));
    uint64_t before = atomic_load(&wal->soon_logseq);
    while (before < logseq && !atomic_compare_exchange_weak(&wal->soon_logseq, &before, logseq)) {}
    if (!atomic_load(&wal->sleeper_waits) || !atomic_exchange(&wal->sleeper_waits, false)) return WG_OK;
    wg_mutex_lock(&wal->sync_lock);
    wg_cond_signal(&wal->wake);
    wg_mutex_unlock(&wal->sync_lock);
    return WG_OK;
}
