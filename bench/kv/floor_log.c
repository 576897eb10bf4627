/* The logs of the floor. See floor_log.h.
 *
 * The ring has 4 MiB: it stays in the cache, as that of an engine does whose log thread keeps up. The file of
 * FLOOR_DIRECT has 64 MiB and is written in circles; every batch begins at a block. */
#include "floor_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RING_RECORDS = 1 << 15,
    BLOCK_BYTES = 4096,
    BATCH_BYTES = 1 << 20,
    BATCH_RECORDS = BATCH_BYTES / (int)sizeof(floor_record),
    FILE_BYTES = 64 << 20,
    BATCHES = 2,
    PATH_BYTES = 4096
};

/* Batches are numbered from 1; batch b lives in slot b % BATCHES, and at most one is on its way while one is open. */
struct floor_group {
    pthread_mutex_t lock;
    int fd;
    uint64_t file_at;
    uint8_t *buffers[BATCHES];
    uint32_t used; /* records in the open batch */
    uint32_t open_batch;
    bool writing;
    uint32_t sleepers; /* that wait for the open batch */
    _Atomic uint32_t
        words[BATCHES];       /* futex: LEAD asks one sleeper to write, else the last finished batch of the slot */
    _Atomic uint64_t durable; /* records below are durable */
    pthread_t writer;         /* of tickets */
    bool writer_runs, stop;
    pthread_cond_t wanted, finished;
};

#define LEAD (UINT32_C(1) << 31)

static void futex_wait(_Atomic uint32_t *word, uint32_t seen) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void floor_record_make(floor_record *record, uint64_t sequence, const kv_key *key, const kv_value *value) {
    record->sequence = sequence;
    record->key = *key;
    record->value = *value;
    record->crc = wg_crc32(0, record, FLOOR_RECORD_CHECKED_BYTES);
}

bool floor_record_ok(const floor_record *record) {
    return record->crc == wg_crc32(0, record, FLOOR_RECORD_CHECKED_BYTES);
}

/* ---- opening */

static bool refuse(char why[KV_WHY_BYTES], const char *what) {
    snprintf(why, KV_WHY_BYTES, "%.160s: %.70s", what, strerror(errno));
    return false;
}

static bool open_shared(floor_log *log, const char *dir, char why[KV_WHY_BYTES]) {
    const size_t size = RING_RECORDS * sizeof(floor_record);
    char path[PATH_BYTES];
    (void)dir; /* a disk's file would fault again after every writeback; memory that outlives the process does not */
    snprintf(path, sizeof path, "/dev/shm/kv_bench.%ld.ring", (long)getpid());
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return refuse(why, path);
    unlink(path); /* nobody reads it afterwards; the pages cost the same */
    const bool sized = ftruncate(fd, (off_t)size) == 0;
    void *at = sized ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (at == MAP_FAILED) return refuse(why, path);
    log->ring = at;
    return true;
}

/* The file is written once with zeros, so that later writes change no metadata. */
static bool open_file(floor_group *group, const char *dir, char why[KV_WHY_BYTES]) {
    char path[PATH_BYTES];
    kv_path(path, sizeof path, dir, "log");
    const int plain = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (plain < 0) return refuse(why, path);
    bool ok = true;
    for (off_t at = 0; ok && at < FILE_BYTES; at += BATCH_BYTES)
        ok = pwrite(plain, group->buffers[0], BATCH_BYTES, at) == BATCH_BYTES;
    ok = ok && fsync(plain) == 0;
    close(plain);
    if (!ok) return refuse(why, path);
    group->fd = open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
    if (group->fd < 0 && errno == EINVAL) group->fd = open(path, O_RDWR | O_DSYNC | O_CLOEXEC); /* no O_DIRECT here */
    return group->fd >= 0 || refuse(why, path);
}

static bool open_group(floor_log *log, const char *dir, char why[KV_WHY_BYTES]) {
    floor_group *group = kv_alloc(sizeof *group);
    log->group = group;
    group->open_batch = 1;
    group->fd = -1;
    for (unsigned i = 0; i < BATCHES; i++) group->buffers[i] = kv_alloc_large(BATCH_BYTES);
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->wanted, NULL);
    pthread_cond_init(&group->finished, NULL);
    return open_file(group, dir, why);
}

bool floor_log_open(floor_log *log, floor_log_kind kind, bool chained, const char *dir, char why[KV_WHY_BYTES]) {
    *log = (floor_log){.kind = kind};
    if (chained && (log->chain = wg_sha256_begin()) == NULL) kv_die("out of memory");
    if (kind == FLOOR_DIRECT) return open_group(log, dir, why);
    if (kind == FLOOR_SHARED) return open_shared(log, dir, why);
    log->ring = kv_alloc_large(RING_RECORDS * sizeof(floor_record));
    return true;
}

static void close_group(floor_group *group) {
    if (group->writer_runs) {
        pthread_mutex_lock(&group->lock);
        group->stop = true;
        pthread_cond_signal(&group->wanted);
        pthread_mutex_unlock(&group->lock);
        pthread_join(group->writer, NULL);
    }
    for (unsigned i = 0; i < BATCHES; i++) kv_free_large(group->buffers[i], BATCH_BYTES);
    if (group->fd >= 0) close(group->fd);
    pthread_mutex_destroy(&group->lock);
    pthread_cond_destroy(&group->wanted);
    pthread_cond_destroy(&group->finished);
    free(group);
}

void floor_log_close(floor_log *log) {
    if (log->group != NULL) close_group(log->group);
    if (log->ring != NULL) munmap(log->ring, RING_RECORDS * sizeof(floor_record));
    wg_sha256_end(log->chain, NULL);
    *log = (floor_log){0};
}

/* ---- group commit */

/* Adds to the open batch; the lock is held. Waits in the rare case that the batch is full. */
static uint64_t add_record(floor_log *log, const kv_key *key, const kv_value *value) {
    floor_group *group = log->group;
    while (group->used == BATCH_RECORDS) pthread_cond_wait(&group->finished, &group->lock);
    floor_record *record = (floor_record *)(void *)group->buffers[group->open_batch % BATCHES] + group->used++;
    floor_record_make(record, log->next, key, value);
    if (log->chain != NULL) wg_sha256_add(log->chain, record, sizeof *record);
    return log->next++;
}

/* Writes the open batch. The lock is held at entry and at return, not in between. */
static void write_batch(floor_log *log) {
    floor_group *group = log->group;
    const uint32_t batch = group->open_batch++;
    const size_t bytes = (group->used * sizeof(floor_record) + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    const uint64_t end = log->next;
    const bool sleepers = group->sleepers != 0;
    if (group->file_at + bytes > FILE_BYTES) group->file_at = 0;
    const off_t at = (off_t)group->file_at;
    group->file_at += bytes;
    group->used = 0, group->sleepers = 0, group->writing = true;
    pthread_mutex_unlock(&group->lock);
    if (pwrite(group->fd, group->buffers[batch % BATCHES], bytes, at) != (ssize_t)bytes)
        kv_die("floor log: a write failed: %s", strerror(errno));
    atomic_store_explicit(&group->durable, end, memory_order_release);
    atomic_store_explicit(&group->words[batch % BATCHES], batch, memory_order_release);
    if (sleepers) futex_wake(&group->words[batch % BATCHES], INT_MAX);
    pthread_mutex_lock(&group->lock);
    group->writing = false;
    pthread_cond_broadcast(&group->finished);
}

/* Asks one sleeper of the open batch to write it; the lock is held. */
static void hand_over(floor_group *group) {
    if (group->sleepers == 0) return;
    _Atomic uint32_t *word = &group->words[group->open_batch % BATCHES];
    atomic_fetch_or_explicit(word, LEAD, memory_order_release);
    futex_wake(word, 1);
}

/* Sleeps until the batch is durable (true) or this thread is to lead it (false). */
static bool sleep_for(_Atomic uint32_t *word, uint32_t batch) {
    for (;;) {
        uint32_t seen = atomic_load_explicit(word, memory_order_acquire);
        if ((seen & ~LEAD) >= batch) return true;
        if ((seen & LEAD) != 0) {
            if (atomic_compare_exchange_strong(word, &seen, seen & ~LEAD)) return false;
            continue;
        }
        futex_wait(word, seen);
    }
}

static uint64_t append_durable(floor_log *log, const kv_key *key, const kv_value *value) {
    floor_group *group = log->group;
    pthread_mutex_lock(&group->lock);
    const uint64_t sequence = add_record(log, key, value);
    const uint32_t batch = group->open_batch;
    while (group->writing || group->open_batch != batch) { /* a newcomer may have led in place of the one asked */
        if (group->open_batch == batch) group->sleepers++;
        pthread_mutex_unlock(&group->lock);
        if (sleep_for(&group->words[batch % BATCHES], batch)) return sequence;
        pthread_mutex_lock(&group->lock);
    }
    write_batch(log);
    hand_over(group);
    pthread_mutex_unlock(&group->lock);
    return sequence;
}

/* ---- tickets */

static void *write_tickets(void *argument) {
    floor_log *log = argument;
    floor_group *group = log->group;
    pthread_mutex_lock(&group->lock);
    for (;;) {
        while (group->used == 0 && !group->stop) pthread_cond_wait(&group->wanted, &group->lock);
        if (group->used == 0) break;
        write_batch(log);
    }
    pthread_mutex_unlock(&group->lock);
    return NULL;
}

uint64_t floor_log_append_ticket(floor_log *log, const kv_key *key, const kv_value *value) {
    floor_group *group = log->group;
    pthread_mutex_lock(&group->lock);
    if (!group->writer_runs) {
        if (pthread_create(&group->writer, NULL, write_tickets, log) != 0) kv_die("floor log: no thread");
        group->writer_runs = true;
    }
    const uint64_t ticket = add_record(log, key, value);
    if (group->used == 1) pthread_cond_signal(&group->wanted);
    pthread_mutex_unlock(&group->lock);
    return ticket;
}

void floor_log_ticket_wait(floor_log *log, uint64_t ticket) {
    floor_group *group = log->group;
    if (atomic_load_explicit(&group->durable, memory_order_acquire) > ticket) return;
    pthread_mutex_lock(&group->lock);
    while (atomic_load_explicit(&group->durable, memory_order_acquire) <= ticket)
        pthread_cond_wait(&group->finished, &group->lock);
    pthread_mutex_unlock(&group->lock);
}

/* ---- appending */

uint64_t floor_log_append(floor_log *log, const kv_key *key, const kv_value *value) {
    if (log->kind == FLOOR_DIRECT) return append_durable(log, key, value);
    floor_record *record = &log->ring[log->next % RING_RECORDS];
    floor_record_make(record, log->next, key, value);
    if (log->chain != NULL) wg_sha256_add(log->chain, record, sizeof *record);
    return log->next++;
}
