/* Syncing: group commit by one leader, the background thread of BUFFERED, back-pressure, and poison.
 *
 * A waiter whose commit is not durable becomes the leader when nobody is: it notes under the append lock what has been
 * appended, releases every lock, syncs, and then tells all waiters how far the log is durable. Commits appended meanwhile
 * are the next leader's. No lock is held across a sync, so appending goes on.
 *
 * A leader syncs the segments that appends have left, then the current one, then the directory when a segment was made:
 * only all of them together make a commit durable.
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
    wg_cond_broadcast(&wal->sync_done);
    wg_mutex_unlock(&wal->sync_lock);
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
    wg_mutex_unlock(&wal->append_lock);
}

/* Syncs in the order of the log. Closes the retired files whatever happens. */
static wg_code work_do(wg_wal *wal, sync_work *work, wg_error *err) {
    const wg_platform_ops *ops = wal->platform->ops;
    wg_code code = WG_OK;
    for (size_t i = 0; i < work->retired.count; i++) {
        if (code == WG_OK) code = ops->sync(wal->platform, work->retired.items[i].file, err);
        ops->close(wal->platform, work->retired.items[i].file);
    }
    wg_free(work->retired.items);
    if (code == WG_OK) code = ops->sync(wal->platform, work->file, err);
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
    for (uint64_t number = newest; number > first; number--)
        if (wgi_wal_path(wal->dir, number, path, NULL) == WG_OK) ops->unlink(wal->platform, path, NULL);
    wg_file *file = NULL;
    wg_file_info info;
    if (wgi_wal_path(wal->dir, first, path, NULL) != WG_OK) return;
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

wg_code wgi_wal_sync_all(wg_wal *wal, wg_error *err) {
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
    if (WG_CANARY_IS(8)) work.logseq = atomic_load(&wal->last_logseq);
    note_sync(wal, started_ns, work.logseq - before);
    wg_mutex_lock(&wal->sync_lock);
    atomic_store(&wal->durable_logseq, work.logseq);
    atomic_store_explicit(&wal->durable_position, work.position, memory_order_release);
    atomic_store(&wal->durable_written, work.written);
    atomic_store(&wal->batch_signalled, false);
    wg_mutex_unlock(&wal->sync_lock);
    wgi_wal_head_write(wal, work.position, work.logseq);
    return WG_OK;
}

/* Caller holds sync_lock and has found `syncing` false; holds it again on return. */
static wg_code lead(wg_wal *wal, wg_error *err) {
    WG_ASSERT(!wal->syncing);
    wal->syncing = true;
    wg_mutex_unlock(&wal->sync_lock);
    const wg_code code = wgi_wal_sync_all(wal, err);
    wg_mutex_lock(&wal->sync_lock);
    wal->syncing = false;
    wg_cond_broadcast(&wal->sync_done);
    return code;
}

wg_code wg_wal_wait(wg_wal *wal, uint64_t logseq, wg_error *err) {
    WG_ASSERT(wal != NULL);
    if (WG_CANARY_IS(3) || logseq <= atomic_load(&wal->durable_logseq)) return WG_OK;
    if (logseq > atomic_load(&wal->last_logseq))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "commit %llu was never appended to the log",
                            (unsigned long long)logseq);
    wg_code code = WG_OK;
    bool led = false;
    wg_mutex_lock(&wal->sync_lock);
    while (code == WG_OK && atomic_load(&wal->durable_logseq) < logseq) {
        code = wgi_wal_poisoned(wal, err);
        if (code != WG_OK) break;
        led |= !wal->syncing;
        if (wal->syncing) wg_cond_wait(&wal->sync_done, &wal->sync_lock);
        else code = lead(wal, err);
    }
    wg_mutex_unlock(&wal->sync_lock);
    if (led && code == WG_OK && !wal->has_thread) { /* the commit is safe, other leaders may go on */
        wgi_wal_chain_drain(wal);
        wgi_wal_prepare(wal, false);
    }
    return code;
}

void wgi_wal_back_pressure(wg_wal *wal) {
    if (wgi_wal_unsynced_bytes(wal) <= wal->options.unsynced_bytes_max) return;
    atomic_fetch_add_explicit(&wal->waits, 1, memory_order_relaxed);
    wg_mutex_lock(&wal->sync_lock);
    while (wgi_wal_unsynced_bytes(wal) > wal->options.unsynced_bytes_max && !atomic_load(&wal->poisoned)) {
        if (wal->syncing) wg_cond_wait(&wal->sync_done, &wal->sync_lock);
        else (void)lead(wal, NULL); /* a failure has poisoned the log: the append will say so */
    }
    wg_mutex_unlock(&wal->sync_lock);
}

/* ---- the background thread */

static uint64_t unsynced_commits(wg_wal *wal) {
    if (atomic_load(&wal->poisoned)) return 0;                  /* nothing more will be synced */
    const uint64_t durable = atomic_load(&wal->durable_logseq); /* first: it never passes the last */
    return atomic_load(&wal->last_logseq) - durable;
}

static bool batch_is_full(wg_wal *wal) {
    return unsynced_commits(wal) >= wal->options.sync_batch_commits ||
           wgi_wal_unsynced_bytes(wal) >= wal->options.unsynced_bytes_max / 2;
}

/* Hashing and the next segment. Caller holds sync_lock and nothing else; it is given up meanwhile. */
static void do_chores(wg_wal *wal) {
    atomic_store(&wal->chores, false); /* before the work: what comes meanwhile raises it again */
    wg_mutex_unlock(&wal->sync_lock);
    wgi_wal_chain_drain(wal);
    wgi_wal_prepare(wal, true);
    wg_mutex_lock(&wal->sync_lock);
}

/* Time for threads is real also on a simulated disk. */
static uint64_t thread_now_ns(void) { return wg_platform_real()->ops->now_ns(wg_platform_real()); }

void wgi_wal_sync_main(void *arg) {
    wg_wal *wal = arg;
    const uint64_t interval_ns = (uint64_t)wal->options.sync_interval_ms * 1000000;
    uint64_t due_ns = 0; /* when the oldest unsynced commit must be synced; 0: there is none */
    wg_mutex_lock(&wal->sync_lock);
    while (!wal->stopping) {
        /* An idle log costs no wakeups. The flag goes up before the check: an append between the two clears it and
         * signals under sync_lock, which this thread gives up only by waiting. */
        atomic_store(&wal->sleeper_idle, true);
        if (atomic_load(&wal->chores)) do_chores(wal);
        if (wal->stopping) break;
        if (unsynced_commits(wal) == 0) {
            due_ns = 0;
            if (!atomic_load(&wal->chores)) wg_cond_wait(&wal->wake, &wal->sync_lock);
            continue;
        }
        atomic_store(&wal->sleeper_idle, false);
        const uint64_t now_ns = thread_now_ns();
        if (due_ns == 0) due_ns = now_ns + interval_ns;
        /* A batch may have filled while the last sync ran, when its signal found nobody waiting. */
        if (now_ns < due_ns && !batch_is_full(wal)) {
            wg_cond_wait_for(&wal->wake, &wal->sync_lock, due_ns - now_ns);
            continue;
        }
        if (wal->syncing) wg_cond_wait(&wal->sync_done, &wal->sync_lock);
        else {
            (void)lead(wal, NULL); /* a failure has poisoned the log: the next call of the application learns of it */
            due_ns = 0;
            do_chores(wal);
        }
    }
    wg_mutex_unlock(&wal->sync_lock);
}
