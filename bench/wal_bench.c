/* wal_bench: what one durable commit costs, and what group commit gives back.
 *
 * Ten measurements, each against a peer in the same run and the same directory, alternating in rounds:
 *   wal.commit_latency   one thread, STRICT: append + wait, against pwrite + fdatasync of as many bytes into a preallocated
 *                        file, which is the least that any durable log can do
 *   wal.append_latency   one thread, BUFFERED: append alone, against pwrite alone
 *   wal.group_commit     commits a second of 1, 2, 4, 8 threads, STRICT, against as many threads that take turns at
 *                        pwrite + fdatasync under one lock (a log without group commit)
 *   wal.append_rate      commits a second of 1, 2, 4, 8 threads, BUFFERED, against as many threads that take turns at pwrite
 *   wal.bandwidth        bytes a second of batches that end in a sync, for payloads of 256 B to 1 MiB, against the same writes
 *                        into a new file and one fdatasync: a log never writes a place twice
 *   wal.strict_put       S1, S2: one blocked writer, microseconds, against RAW: pwrite of 4 KiB and fdatasync in a file that was
 *                        written before
 *   wal.blocked_writers  S3, S4: 8 and 32 writers that wait for each commit: microseconds a commit, against the median of RAW
 *   wal.tickets          S5: durable commits a second of one thread that has 4,096 of them under way, against one at a time
 *   wal.chain_share      S6: the time of a strict commit with its hash over the time without, hash measured alone
 *   wal.recovery         commits a second of scanning 1,000,000 small commits, chain and checksums included
 *
 * Usage: wal_bench [directory [rounds [latency | strict | group | rate | bandwidth | recovery [size]]]]; the directory decides which
 * disk is measured (default: build/bench), `size` is the one payload of bandwidth. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/wal_store/wal_store.h"

enum {
    PAYLOAD_BYTES = 256,
    COMMITS_A_ROUND = 200,
    APPENDS_A_ROUND = 20000,
    RECOVERY_COMMITS = 1000000,
    BATCH_BYTES = 32 << 20,
    THREADS_MAX = 32,
    GROUP_THREADS_MAX = 8,
    RAW_BYTES = 4096,
    TICKETS = 4096,
    SAMPLES_MAX = 1 << 16,
    PATH_BYTES = 4096,
    ROUNDS_MAX = 1000
};

static uint8_t payload[PAYLOAD_BYTES];

static void check(wg_code code, const wg_error *err, const char *what) {
    if (code == WG_OK) return;
    fprintf(stderr, "wal_bench: %s: %s\n", what, err->message);
    exit(1);
}

static void check_posix(bool ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static wg_code refuse_replay(void *ctx, uint64_t logseq, wg_slice bytes, const wg_sha256 *chain, wg_error *err) {
    (void)ctx, (void)bytes, (void)chain;
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a new log holds commit %llu", (unsigned long long)logseq);
}

typedef struct bench_log {
    wg_wal *wal;
    char path[PATH_BYTES];
} bench_log;

/* A new log in a new directory below `directory`. */
static void log_open(bench_log *log, const char *directory, const char *name, wg_durability durability) {
    static unsigned serial;
    wg_error err;
    wg_wal_recovery recovery;
    snprintf(log->path, sizeof log->path, "%s/wal_bench.%ld.%u.%s", directory, (long)getpid(), serial++, name);
    check_posix(mkdir(log->path, 0700) == 0, log->path);
    /* What is measured decides when to sync: neither interval nor batch comes in between. */
    const wg_wal_options options = {
        .store_uuid = {1}, .durability = durability, .sync_interval_ms = 60000, .sync_batch_commits = 1 << 30};
    check(wg_wal_create(wg_platform_real(), log->path, &options, &err), &err, "create");
    check(wg_wal_open(wg_platform_real(), log->path, &options, refuse_replay, NULL, &log->wal, &recovery, &err), &err,
          "open");
}

static void log_close(bench_log *log) {
    wg_error err;
    check(wg_wal_close(log->wal, &err), &err, "close");
    DIR *folder = opendir(log->path);
    check_posix(folder != NULL, log->path);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') check_posix(unlinkat(dirfd(folder), entry->d_name, 0) == 0, entry->d_name);
    closedir(folder);
    check_posix(rmdir(log->path) == 0, log->path);
}

static void commit(wg_wal *wal, bool durable) {
    const wg_slice part = {payload, PAYLOAD_BYTES};
    uint64_t logseq;
    wg_error err;
    check(wg_wal_append(wal, &part, 1, &logseq, &err), &err, "append");
    if (durable) check(wg_wal_wait(wal, logseq, &err), &err, "wait");
}

/* ---- the peer: a preallocated file, written in order */

typedef struct raw_log {
    int fd;
    off_t end;
    pthread_mutex_t turn;
} raw_log;

static int new_file(const char *directory) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/wal_bench.%ld.raw", directory, (long)getpid());
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check_posix(fd >= 0, path);
    check_posix(unlink(path) == 0, path);
    return fd;
}

static void raw_open(raw_log *raw, const char *directory) {
    raw->fd = new_file(directory);
    static const uint8_t zeros[1 << 20];
    for (off_t at = 0; at < (off_t)64 << 20; at += (off_t)sizeof zeros)
        check_posix(pwrite(raw->fd, zeros, sizeof zeros, at) == (ssize_t)sizeof zeros, "preallocate");
    check_posix(fsync(raw->fd) == 0, "fsync");
    raw->end = 0;
    check_posix(pthread_mutex_init(&raw->turn, NULL) == 0, "mutex");
}

static void raw_commit(raw_log *raw, bool durable) {
    check_posix(pwrite(raw->fd, payload, PAYLOAD_BYTES, raw->end) == PAYLOAD_BYTES, "pwrite");
    raw->end = (raw->end + PAYLOAD_BYTES) % ((off_t)64 << 20);
    if (durable) check_posix(fdatasync(raw->fd) == 0, "fdatasync");
}

/* ---- one thread */

static void measure_latency(const char *directory, raw_log *raw, bool durable, unsigned rounds) {
    static uint64_t ours[SAMPLES_MAX], theirs[SAMPLES_MAX];
    bench_log log;
    log_open(&log, directory, durable ? "strict" : "buffered", durable ? WG_STRICT : WG_BUFFERED);
    size_t count = 0;
    for (unsigned round = 0; round < rounds; round++) {
        const size_t first = count;
        for (; count < first + COMMITS_A_ROUND && count < SAMPLES_MAX; count++) {
            const uint64_t begin = bench_now_ns();
            commit(log.wal, durable);
            ours[count] = bench_now_ns() - begin;
        }
        for (size_t i = first; i < count; i++) {
            const uint64_t begin = bench_now_ns();
            raw_commit(raw, durable);
            theirs[i] = bench_now_ns() - begin;
        }
    }
    log_close(&log);
    static const double percentiles[] = {50.0, 99.0, 99.9};
    for (size_t i = 0; i < 3; i++) {
        char params[160];
        snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"commits\":%zu,\"percentile\":%.4g,\"mode\":\"%s\"}",
                 PAYLOAD_BYTES, count, percentiles[i], durable ? "STRICT" : "BUFFERED");
        bench_print(&(bench_line){.name = durable ? "wal.commit_latency" : "wal.append_latency",
                                  .params = params,
                                  .value = (double)bench_percentile(ours, count, percentiles[i]) / 1e3,
                                  .unit = "us",
                                  .peer = durable ? "pwrite+fdatasync" : "pwrite",
                                  .peer_value = (double)bench_percentile(theirs, count, percentiles[i]) / 1e3});
    }
}

/* ---- many threads */

typedef struct worker {
    pthread_t thread;
    wg_wal *wal; /* NULL: the peer */
    raw_log *raw;
    bool durable;
    unsigned commits;
} worker;

static void *work(void *arg) {
    const worker *self = arg;
    for (unsigned i = 0; i < self->commits; i++) {
        if (self->wal != NULL) {
            commit(self->wal, self->durable);
            continue;
        }
        check_posix(pthread_mutex_lock(&self->raw->turn) == 0, "lock");
        raw_commit(self->raw, self->durable);
        check_posix(pthread_mutex_unlock(&self->raw->turn) == 0, "unlock");
    }
    return NULL;
}

static double run_threads(unsigned threads, wg_wal *wal, raw_log *raw, bool durable) {
    worker workers[THREADS_MAX];
    const unsigned commits = durable ? COMMITS_A_ROUND : APPENDS_A_ROUND;
    const uint64_t begin = bench_now_ns();
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (worker){.wal = wal, .raw = raw, .durable = durable, .commits = commits};
        check_posix(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < threads; i++) check_posix(pthread_join(workers[i].thread, NULL) == 0, "join");
    return (double)threads * commits * 1e9 / (double)(bench_now_ns() - begin);
}

/* The median round of each side counts: a disk whose cache is fast for a while would make the best one a matter of luck. */
static void measure_group_commit(const char *directory, raw_log *raw, unsigned threads, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    bench_log log;
    log_open(&log, directory, "group", WG_STRICT);
    for (unsigned round = 0; round < rounds; round++) {
        ours[round] = (uint64_t)run_threads(threads, log.wal, raw, true);
        theirs[round] = (uint64_t)run_threads(threads, NULL, raw, true);
    }
    wg_wal_metrics metrics;
    wg_wal_metrics_get(log.wal, &metrics);
    log_close(&log);
    char params[160];
    snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"threads\":%u,\"rounds\":%u}", PAYLOAD_BYTES, threads,
             rounds);
    bench_print(&(bench_line){.name = "wal.group_commit",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0),
                              .unit = "commits/s",
                              .peer = "pwrite+fdatasync in turns",
                              .peer_value = (double)bench_percentile(theirs, rounds, 50.0)});
    /* How many commits shared a sync does not depend on the disk's mood, as the line before does. */
    bench_print(&(bench_line){.name = "wal.commits_per_sync",
                              .params = params,
                              .value = (double)metrics.appends / (double)(metrics.syncs == 0 ? 1 : metrics.syncs),
                              .unit = "commits/sync",
                              .peer = "pwrite+fdatasync in turns",
                              .peer_value = 1.0});
}

/* Appends that nobody waits for; the background thread syncs, hashes and prepares segments beside them. */
static void measure_append_rate(const char *directory, raw_log *raw, unsigned threads, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    bench_log log;
    log_open(&log, directory, "rate", WG_BUFFERED);
    for (unsigned round = 0; round < rounds; round++) {
        ours[round] = (uint64_t)run_threads(threads, log.wal, raw, false);
        theirs[round] = (uint64_t)run_threads(threads, NULL, raw, false);
    }
    log_close(&log);
    char params[160];
    snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"threads\":%u,\"commits\":%u,\"mode\":\"BUFFERED\"}",
             PAYLOAD_BYTES, threads, threads * APPENDS_A_ROUND);
    bench_print(&(bench_line){.name = "wal.append_rate",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0),
                              .unit = "commits/s",
                              .peer = "pwrite in turns",
                              .peer_value = (double)bench_percentile(theirs, rounds, 50.0)});
}

/* ---- S1 to S6 */

static uint64_t raw_4k(raw_log *raw) {
    static uint8_t bytes[RAW_BYTES];
    const uint64_t begin = bench_now_ns();
    raw->end = (raw->end + RAW_BYTES - 1) / RAW_BYTES * RAW_BYTES % ((off_t)64 << 20);
    check_posix(pwrite(raw->fd, bytes, RAW_BYTES, raw->end) == RAW_BYTES, "pwrite");
    check_posix(fdatasync(raw->fd) == 0, "fdatasync");
    raw->end += RAW_BYTES;
    return bench_now_ns() - begin;
}

static const char raw_name[] = "RAW: pwrite of 4 KiB + fdatasync, prewritten file, p50";

static void measure_strict(const char *directory, raw_log *raw, unsigned rounds) {
    static uint64_t ours[SAMPLES_MAX], theirs[SAMPLES_MAX];
    bench_log log;
    size_t count = 0;
    log_open(&log, directory, "put", WG_STRICT);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < COMMITS_A_ROUND && count < SAMPLES_MAX; i++, count++) {
            theirs[count] = raw_4k(raw);
            const uint64_t begin = bench_now_ns();
            commit(log.wal, true);
            ours[count] = bench_now_ns() - begin;
        }
    }
    log_close(&log);
    static const double percentiles[] = {50.0, 99.0};
    for (size_t i = 0; i < 2; i++) {
        char params[160];
        snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"commits\":%zu,\"percentile\":%.4g}", PAYLOAD_BYTES,
                 count, percentiles[i]);
        bench_print(&(bench_line){.name = "wal.strict_put",
                                  .params = params,
                                  .value = (double)bench_percentile(ours, count, percentiles[i]) / 1e3,
                                  .unit = "us",
                                  .peer = "RAW: pwrite of 4 KiB + fdatasync, prewritten file",
                                  .peer_value = (double)bench_percentile(theirs, count, percentiles[i]) / 1e3});
    }
    enum { HASHES = 1000 };
    wg_sha256 digest = {{0}};
    const uint64_t begin = bench_now_ns();
    for (unsigned i = 0; i < HASHES; i++) {
        const wg_slice parts[] = {{digest.bytes, sizeof digest.bytes}, {payload, 16}, {payload, PAYLOAD_BYTES}};
        wg_sha256_of(parts, 3, &digest);
    }
    const double hash_us = (double)(bench_now_ns() - begin) / HASHES / 1e3;
    const double put_us = (double)bench_percentile(ours, count, 50.0) / 1e3;
    bench_print(&(bench_line){.name = "wal.chain_share",
                              .params = "{}",
                              .value = put_us,
                              .unit = "us",
                              .peer = "the same without the time of a hash",
                              .peer_value = put_us - hash_us});
}

static void measure_blocked(const char *directory, raw_log *raw, unsigned threads, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[SAMPLES_MAX];
    bench_log log;
    size_t count = 0;
    log_open(&log, directory, "blocked", WG_STRICT);
    for (unsigned round = 0; round < rounds; round++) {
        ours[round] = (uint64_t)(1e12 / run_threads(threads, log.wal, raw, true)); /* picoseconds */
        for (unsigned i = 0; i < COMMITS_A_ROUND && count < SAMPLES_MAX; i++) theirs[count++] = raw_4k(raw);
    }
    wg_wal_metrics metrics;
    wg_wal_metrics_get(log.wal, &metrics);
    log_close(&log);
    char params[160];
    snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"threads\":%u,\"commits_per_sync\":%.3g}", PAYLOAD_BYTES,
             threads, (double)metrics.appends / (double)(metrics.syncs == 0 ? 1 : metrics.syncs));
    bench_print(&(bench_line){.name = "wal.blocked_writers",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0) / 1e6,
                              .unit = "us",
                              .peer = raw_name,
                              .peer_value = (double)bench_percentile(theirs, count, 50.0) / 1e3});
}

/* One thread that asks for each commit to be durable soon, and looks only when TICKETS of them are under way. */
static void tickets_round(wg_wal *wal, unsigned count) {
    const wg_slice part = {payload, PAYLOAD_BYTES};
    wg_error err;
    uint64_t logseq = 0;
    for (unsigned i = 0; i < count; i++) {
        check(wg_wal_append(wal, &part, 1, &logseq, &err), &err, "append");
        check(wg_wal_sync_soon(wal, logseq, &err), &err, "sync soon");
        if (logseq > TICKETS) check(wg_wal_wait(wal, logseq - TICKETS, &err), &err, "wait");
    }
    check(wg_wal_wait(wal, logseq, &err), &err, "wait");
}

static void measure_tickets(const char *directory, unsigned rounds) {
    enum { PUTS = 16 * TICKETS };
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    bench_log log;
    log_open(&log, directory, "tickets", WG_STRICT);
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin = bench_now_ns();
        tickets_round(log.wal, PUTS);
        ours[round] = (uint64_t)PUTS * 1000000000 / (bench_now_ns() - begin);
        begin = bench_now_ns();
        for (unsigned i = 0; i < COMMITS_A_ROUND; i++) commit(log.wal, true);
        theirs[round] = (uint64_t)COMMITS_A_ROUND * 1000000000 / (bench_now_ns() - begin);
    }
    log_close(&log);
    char params[160];
    snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"in_flight\":%d,\"rounds\":%u}", PAYLOAD_BYTES, TICKETS,
             rounds);
    bench_print(&(bench_line){.name = "wal.tickets",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0),
                              .unit = "commits/s",
                              .peer = "one at a time, waited for",
                              .peer_value = (double)bench_percentile(theirs, rounds, 50.0)});
}

static void append_large(wg_wal *wal, const uint8_t *bytes, size_t size, uint64_t *logseq) {
    const wg_slice part = {bytes, size};
    wg_error err;
    check(wg_wal_append(wal, &part, 1, logseq, &err), &err, "append");
}

/* Removal reaches the disk here, and not in the next sync that is measured. */
static void settle(const char *directory) {
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check_posix(fd >= 0 && fsync(fd) == 0, directory);
    close(fd);
}

static uint64_t raw_batch_ns(const char *directory, const uint8_t *bytes, size_t size, unsigned writes) {
    const uint64_t begin = bench_now_ns();
    const int fd = new_file(directory);
    for (unsigned i = 0; i < writes; i++)
        check_posix(pwrite(fd, bytes, size, (off_t)(i * size)) == (ssize_t)size, "pwrite");
    check_posix(fdatasync(fd) == 0, "fdatasync");
    const uint64_t ns = bench_now_ns() - begin;
    close(fd);
    settle(directory);
    return ns;
}

static uint64_t our_batch_ns(const char *directory, wg_wal *wal, const uint8_t *bytes, size_t size, unsigned writes) {
    wg_error err;
    wg_sha256 chain;
    uint64_t logseq = 0;
    const uint64_t begin = bench_now_ns();
    for (unsigned i = 0; i < writes; i++) append_large(wal, bytes, size, &logseq);
    check(wg_wal_wait(wal, logseq, &err), &err, "wait");
    const uint64_t ns = bench_now_ns() - begin;
    check(wg_wal_chain_value(wal, logseq, &chain, &err), &err, "chain");
    check(wg_wal_trim(wal, wg_wal_keep_from(wal, logseq), &err), &err, "trim");
    settle(directory);
    return ns;
}

/* One batch of each side: as many writes of the same size, then one sync. Neither side pays for the other: the files of a batch are removed
 * when it is measured (the log's by a trim, as behind a checkpoint), so that both write into pages that the system has used before, and
 * what hashing lags behind (at most 64 MiB) is caught up in between. */
static void measure_bandwidth(const char *directory, size_t size, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX], ratios[ROUNDS_MAX];
    static uint8_t bytes[1 << 20];
    const unsigned writes = (unsigned)(BATCH_BYTES / size);
    bench_log log;
    memset(bytes, 0xa5, sizeof bytes);
    log_open(&log, directory, "bandwidth", WG_BUFFERED);
    for (unsigned round = 0; round < rounds; round++) {
        const uint64_t our_ns = our_batch_ns(directory, log.wal, bytes, size, writes);
        const uint64_t their_ns = raw_batch_ns(directory, bytes, size, writes);
        ours[round] = (uint64_t)BATCH_BYTES * 1000000000 / our_ns;
        theirs[round] = (uint64_t)BATCH_BYTES * 1000000000 / their_ns;
        ratios[round] = their_ns * 10000 / our_ns;
    }
    log_close(&log);
    char params[200];
    snprintf(params, sizeof params,
             "{\"payload_bytes\":%zu,\"batch_bytes\":%d,\"rounds\":%u,\"median_of_ratios\":%.4g,\"best\":%.4g,\"peer_"
             "best\":%.4g}",
             size, BATCH_BYTES, rounds, (double)bench_percentile(ratios, rounds, 50.0) / 1e4,
             (double)bench_percentile(ours, rounds, 100.0) / 1e6,
             (double)bench_percentile(theirs, rounds, 100.0) / 1e6);
    bench_print(&(bench_line){.name = "wal.bandwidth",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0) / 1e6,
                              .unit = "MB/s",
                              .peer = "pwrite to a new file, then fdatasync",
                              .peer_value = (double)bench_percentile(theirs, rounds, 50.0) / 1e6});
}

static wg_code count_replay(void *ctx, uint64_t logseq, wg_slice bytes, const wg_sha256 *chain, wg_error *err) {
    (void)bytes, (void)chain, (void)err;
    *(uint64_t *)ctx = logseq;
    return WG_OK;
}

static void measure_recovery(const char *directory, unsigned rounds) {
    enum { SMALL = 48 };
    static uint64_t ours[ROUNDS_MAX];
    bench_log log;
    uint64_t logseq = 0;
    uint64_t begin = 0;
    wg_error err;
    log_open(&log, directory, "recovery", WG_BUFFERED);
    begin = bench_now_ns();
    for (unsigned i = 0; i < RECOVERY_COMMITS; i++) append_large(log.wal, payload, SMALL, &logseq);
    check(wg_wal_wait(log.wal, logseq, &err), &err, "wait");
    fprintf(stderr, "wal_bench: %u commits appended in %.2f s\n", RECOVERY_COMMITS,
            (double)(bench_now_ns() - begin) / 1e9);
    for (unsigned round = 0; round < rounds; round++) {
        const uint8_t uuid[16] = {1};
        wg_wal_recovery found;
        uint64_t last = 0;
        begin = bench_now_ns();
        check(wg_wal_scan(wg_platform_real(), log.path, uuid, count_replay, &last, &found, &err), &err, "scan");
        ours[round] = (uint64_t)RECOVERY_COMMITS * 1000000000 / (bench_now_ns() - begin);
        if (last != RECOVERY_COMMITS) {
            fprintf(stderr, "wal_bench: %llu commits found\n", (unsigned long long)last);
            exit(1);
        }
    }
    log_close(&log);
    char params[160];
    snprintf(params, sizeof params, "{\"payload_bytes\":%d,\"commits\":%d,\"rounds\":%u}", SMALL, RECOVERY_COMMITS,
             rounds);
    bench_print(&(bench_line){.name = "wal.recovery",
                              .params = params,
                              .value = (double)bench_percentile(ours, rounds, 50.0),
                              .unit = "commits/s"});
}

int main(int argc, char **argv) {
    const char *directory = argc > 1 ? argv[1] : "build/bench";
    const unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
    if (rounds == 0 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: wal_bench [directory [rounds [part [payload bytes of bandwidth]]]]\n");
        return 2;
    }
    memset(payload, 0x5a, sizeof payload);
    check_posix(mkdir(directory, 0700) == 0 || errno == EEXIST, directory);
    raw_log raw;
    raw_open(&raw, directory);
    const char *only = argc > 3 ? argv[3] : "";
    const bool all = only[0] == '\0';
    if (all || strcmp(only, "latency") == 0) {
        measure_latency(directory, &raw, true, rounds);
        measure_latency(directory, &raw, false, rounds);
    }
    if (all || strcmp(only, "strict") == 0) {
        measure_strict(directory, &raw, rounds);
        measure_blocked(directory, &raw, 8, rounds);
        measure_blocked(directory, &raw, 32, rounds);
        measure_tickets(directory, rounds);
    }
    for (unsigned threads = 1; threads <= GROUP_THREADS_MAX && (all || strcmp(only, "group") == 0); threads *= 2)
        measure_group_commit(directory, &raw, threads, rounds);
    for (unsigned threads = 1; threads <= GROUP_THREADS_MAX && (all || strcmp(only, "rate") == 0); threads *= 2)
        measure_append_rate(directory, &raw, threads, rounds);
    const size_t size_alone = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    for (size_t size = PAYLOAD_BYTES; size <= (1 << 20) && (all || strcmp(only, "bandwidth") == 0); size *= 16)
        if (size_alone == 0 || size == size_alone) measure_bandwidth(directory, size, rounds);
    if (all || strcmp(only, "recovery") == 0) measure_recovery(directory, rounds);
    close(raw.fd);
    return 0;
}
