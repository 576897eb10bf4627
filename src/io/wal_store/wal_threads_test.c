/* Eight threads append and wait at once, on a real disk; run under ThreadSanitizer too. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/wal_store/wal_store.h"

enum { THREADS = 8, COMMITS = 60 };

typedef struct shared {
    wg_wal *wal;
    _Atomic uint64_t seen[THREADS * COMMITS + 1]; /* logseq -> 1 + thread */
    bool wait;
} shared;

typedef struct worker {
    shared *s;
    uint32_t index;
    bool no_chain; /* somebody forgets its values */
} worker;

static void work(void *arg) {
    const worker *w = arg;
    for (uint32_t i = 0; i < COMMITS; i++) {
        uint8_t bytes[2500];
        memset(bytes, (int)w->index, sizeof bytes);
        wg_store_u32le(bytes, w->index);
        wg_store_u32le(bytes + 4, i);
        const wg_slice part = wg_slice_of(bytes, 8 + (i * 997) % 2400);
        uint64_t logseq = 0;
        WG_ASSERT(wg_wal_append(w->s->wal, &part, 1, &logseq, NULL) == WG_OK);
        atomic_store(&w->s->seen[logseq], (uint64_t)w->index + 1);
        wg_sha256 chain;
        WG_ASSERT(w->no_chain || wg_wal_chain_at(w->s->wal, logseq, &chain));
        if (!w->s->wait && i % 16 != 0) continue;
        WG_ASSERT(wg_wal_wait(w->s->wal, logseq, NULL) == WG_OK);
        WG_ASSERT(wg_wal_durable_logseq(w->s->wal) >= logseq);
    }
}

typedef struct replayed {
    shared *s;
    uint64_t count;
    uint32_t next[THREADS]; /* each thread's commits stay in its order */
} replayed;

static wg_code check_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    replayed *r = ctx;
    (void)chain;
    (void)err;
    assert_int_equal(logseq, ++r->count);
    const uint32_t index = wg_load_u32le(payload.data);
    assert_true(index < THREADS);
    assert_int_equal(atomic_load(&r->s->seen[logseq]), index + 1);
    assert_int_equal(wg_load_u32le(payload.data + 4), r->next[index]++);
    for (size_t i = 8; i < payload.size; i++) assert_int_equal(payload.data[i], index);
    return WG_OK;
}

static bool remove_entry(void *ctx, const char *name, bool is_directory) {
    char path[600];
    (void)is_directory;
    snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    unlink(path);
    return true;
}

static void run_threads(wg_durability durability) {
    static shared s;
    memset(&s, 0, sizeof s);
    s.wait = durability == WG_STRICT;
    char dir[256];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/wgwalXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
    wg_platform *p = wg_platform_real();
    const wg_wal_options options = {
        .segment_bytes = 65536, .durability = durability, .sync_interval_ms = 1, .sync_batch_commits = 20};
    assert_int_equal(wg_wal_create(p, dir, &options, NULL), WG_OK);
    assert_int_equal(wg_wal_open(p, dir, &options, NULL, NULL, &s.wal, NULL, NULL), WG_OK);
    wg_thread threads[THREADS];
    worker workers[THREADS];
    const uint64_t started = p->ops->now_ns(p);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.s = &s, .index = i};
        assert_int_equal(wg_thread_start(&threads[i], work, &workers[i], NULL), WG_OK);
    }
    for (size_t i = 0; i < THREADS; i++) wg_thread_join(&threads[i]);
    const uint64_t ns = p->ops->now_ns(p) - started;
    wg_wal_metrics m;
    wg_wal_metrics_get(s.wal, &m);
    assert_int_equal(m.appends, THREADS * COMMITS);
    if (s.wait) assert_int_equal(wg_wal_durable_logseq(s.wal), THREADS * COMMITS);
    assert_true(m.syncs < m.appends); /* group commit shares syncs */
    print_message(
        "%s: %llu commits, %llu syncs, %.1f commits/sync, at most %llu, mean sync %.2f ms, %.0f commits/s\n",
        s.wait ? "strict" : "buffered", (unsigned long long)m.appends, (unsigned long long)m.syncs,
        (double)m.appends / (double)m.syncs, (unsigned long long)m.commits_per_sync_max,
        (double)m.sync_ns_total / (double)m.syncs / 1e6, (double)m.appends * 1e9 / (double)ns);
    assert_int_equal(wg_wal_close(s.wal, NULL), WG_OK);
    replayed r = {.s = &s};
    assert_int_equal(wg_wal_open(p, dir, &options, check_commit, &r, &s.wal, NULL, NULL), WG_OK);
    assert_int_equal(r.count, THREADS * COMMITS);
    assert_int_equal(wg_wal_close(s.wal, NULL), WG_OK);
    p->ops->list(p, dir, remove_entry, dir, NULL);
    rmdir(dir);
}

/* Goal: strict commits of eight threads share syncs, keep one order and are all replayed. */
static void test_wal_threads_strict_group_commit(void **state) {
    (void)state;
    run_threads(WG_STRICT);
}

/* Goal: the same with the background thread and a few waiters beside it. */
static void test_wal_threads_buffered(void **state) {
    (void)state;
    run_threads(WG_BUFFERED);
}

typedef struct beside {
    shared *s;
    const char *dir;
    _Atomic bool stop;
    wg_wal_options start; /* of the last checkpoint */
    wg_mutex lock;        /* guards start */
    uint64_t followed;
    uint64_t expired;
    uint64_t checkpoints;
} beside;

/* Trims like an engine: what is durable counts as written elsewhere. */
static void checkpoint(void *arg) {
    beside *b = arg;
    while (!atomic_load(&b->stop)) {
        wg_wal_options next = b->start;
        next.after = wg_wal_durable_logseq(b->s->wal);
        WG_ASSERT(wg_wal_chain_at(b->s->wal, next.after, &next.chain));
        next.first_segment = wg_wal_keep_from(b->s->wal, next.after);
        wg_mutex_lock(&b->lock);
        b->start = next;
        wg_mutex_unlock(&b->lock);
        WG_ASSERT(wg_wal_trim(b->s->wal, next.first_segment, NULL) == WG_OK);
        if (next.after > 0)
            wg_wal_chain_forget(b->s->wal, next.after - 1); /* the value of `after` may be asked again */
        b->checkpoints++;
    }
}

static wg_code count_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    beside *b = ctx;
    (void)payload, (void)chain, (void)err;
    WG_ASSERT(logseq == b->followed + 1);
    b->followed = logseq;
    WG_ASSERT(logseq <= wg_wal_last_logseq(b->s->wal));
    return WG_OK;
}

/* Follows until all is read; a trim sends it back to the last checkpoint. */
static void follow(void *arg) {
    beside *b = arg;
    wg_wal_follower *f = NULL;
    while (b->followed < THREADS * COMMITS) {
        wg_error err = {0};
        uint64_t commits = 0;
        wg_code code = WG_OK;
        if (f == NULL) {
            wg_mutex_lock(&b->lock);
            const wg_wal_options start = b->start;
            wg_mutex_unlock(&b->lock);
            b->followed = start.after;
            code = wg_wal_follow(wg_platform_real(), b->dir, &start, &f, &err);
        }
        if (code == WG_OK) code = wg_wal_follower_read(f, count_commit, b, &commits, &err);
        if (code == WG_OK) continue;
        if (code != WG_E_EXPIRED) fprintf(stderr, "follower: %s\n", err.message);
        WG_ASSERT(code == WG_E_EXPIRED);
        b->expired++;
        wg_wal_follower_close(f);
        f = NULL;
    }
    wg_wal_follower_close(f);
}

/* Goal: eight writers, a trimmer and a follower at once: the follower sees every commit from its start on, in order, and what is
 * left of the log replays. */
static void test_wal_threads_with_follower_and_trims(void **state) {
    (void)state;
    static shared s;
    static beside b;
    memset(&s, 0, sizeof s);
    memset(&b, 0, sizeof b);
    char dir[256];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/wgwalXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
    wg_platform *p = wg_platform_real();
    b.start = (wg_wal_options){
        .segment_bytes = 32768, .durability = WG_BUFFERED, .sync_interval_ms = 1, .sync_batch_commits = 20};
    assert_int_equal(wg_wal_create(p, dir, &b.start, NULL), WG_OK);
    assert_int_equal(wg_wal_open(p, dir, &b.start, NULL, NULL, &s.wal, NULL, NULL), WG_OK);
    b.s = &s;
    b.dir = dir;
    wg_mutex_init(&b.lock, WG_RANK_ENGINE_STATE);
    wg_thread threads[THREADS];
    worker workers[THREADS];
    wg_thread trimmer;
    wg_thread follower;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.s = &s, .index = i, .no_chain = true};
        assert_int_equal(wg_thread_start(&threads[i], work, &workers[i], NULL), WG_OK);
    }
    assert_int_equal(wg_thread_start(&trimmer, checkpoint, &b, NULL), WG_OK);
    assert_int_equal(wg_thread_start(&follower, follow, &b, NULL), WG_OK);
    for (size_t i = 0; i < THREADS; i++) wg_thread_join(&threads[i]);
    assert_int_equal(wg_wal_wait(s.wal, THREADS * COMMITS, NULL), WG_OK);
    wg_thread_join(&follower);
    wg_wal_metrics m;
    const uint64_t begin = p->ops->now_ns(p);
    do { /* all is durable; the trimmer may not have had its turn since */
        wg_thread_yield();
        wg_wal_metrics_get(s.wal, &m);
    } while (m.segments_trimmed == 0 && p->ops->now_ns(p) - begin < UINT64_C(300000000000));
    atomic_store(&b.stop, true);
    wg_thread_join(&trimmer);
    print_message("%llu checkpoints, %llu segments trimmed, %llu times expired\n", (unsigned long long)b.checkpoints,
                  (unsigned long long)m.segments_trimmed, (unsigned long long)b.expired);
    assert_true(m.segments_trimmed > 0);
    assert_int_equal(b.followed, THREADS * COMMITS);
    assert_int_equal(wg_wal_close(s.wal, NULL), WG_OK);
    b.followed = b.start.after;
    assert_int_equal(wg_wal_open(p, dir, &b.start, NULL, NULL, &s.wal, NULL, NULL), WG_OK);
    assert_int_equal(wg_wal_last_logseq(s.wal), THREADS * COMMITS);
    assert_int_equal(wg_wal_close(s.wal, NULL), WG_OK);
    wg_mutex_deinit(&b.lock);
    p->ops->list(p, dir, remove_entry, dir, NULL);
    rmdir(dir);
}

/* Goal: the latency of one strict commit on this disk is printed, and each commit costs one sync, one write, and one of HEAD;
 * a direct one writes and syncs in one. */
static void test_wal_single_writer_syncs_once_per_commit(void **state) {
    (void)state;
    char dir[256];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/wgwalXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
    wg_platform *real = wg_platform_real();
    wg_platform *p;
    wg_wal *wal;
    const wg_wal_options options = {.durability = WG_STRICT};
    assert_int_equal(wg_platform_fault_create(real, &p, NULL), WG_OK); /* only to count calls */
    assert_int_equal(wg_wal_create(p, dir, &options, NULL), WG_OK);
    assert_int_equal(wg_wal_open(p, dir, &options, NULL, NULL, &wal, NULL, NULL), WG_OK);
    static const uint8_t bytes[200];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    enum { SINGLE = 100 };
    const uint64_t calls = wg_platform_fault_calls(p);
    const uint64_t started = real->ops->now_ns(real);
    uint64_t logseq = 0;
    for (size_t i = 0; i < SINGLE; i++) {
        assert_int_equal(wg_wal_append(wal, &part, 1, &logseq, NULL), WG_OK);
        assert_int_equal(wg_wal_wait(wal, logseq, NULL), WG_OK);
    }
    const uint64_t ns = real->ops->now_ns(real) - started;
    wg_wal_metrics m;
    wg_wal_metrics_get(wal, &m);
    enum { BEGIN = 2 }; /* the last block is read, and the file system asked whether it can */
    assert_int_equal(wg_platform_fault_calls(p) - calls, 3 * SINGLE - m.direct_syncs + BEGIN);
    const uint64_t append_started = real->ops->now_ns(real);
    for (size_t i = 0; i < SINGLE; i++) assert_int_equal(wg_wal_append(wal, &part, 1, &logseq, NULL), WG_OK);
    const uint64_t append_ns = real->ops->now_ns(real) - append_started;
    print_message("append and wait: %.3f ms; append alone: %.2f us\n", (double)ns / SINGLE / 1e6,
                  (double)append_ns / SINGLE / 1e3);
    assert_int_equal(wg_wal_close(wal, NULL), WG_OK);
    wg_platform_fault_destroy(p);
    real->ops->list(real, dir, remove_entry, dir, NULL);
    rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wal_threads_strict_group_commit),
        cmocka_unit_test(test_wal_threads_buffered),
        cmocka_unit_test(test_wal_threads_with_follower_and_trims),
        cmocka_unit_test(test_wal_single_writer_syncs_once_per_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
