/* What the operating system alone asks for a record on disk, as a driver that stores nothing.
 *
 *   KV_BUFFERED  write() of 128 bytes, appending
 *   KV_STRICT    RAW: 4 KiB pwrite and fdatasync into a file that was written before, in circles
 *
 * Several threads take turns in KV_STRICT: without group commit there is nothing else to do. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "kv_bench.h"

enum { BLOCK_BYTES = 4096, FILE_BYTES = 64 << 20, RECORD_BYTES = 128, PATH_BYTES = 4096 };

typedef struct raw_db {
    int fd;
    bool strict;
    off_t at;
    uint64_t appended;
    uint8_t *block;
    pthread_mutex_t turn;
} raw_db;

static void write_before(const raw_db *db) {
    for (off_t at = 0; at < FILE_BYTES; at += BLOCK_BYTES)
        if (pwrite(db->fd, db->block, BLOCK_BYTES, at) != BLOCK_BYTES) kv_die("raw: pwrite: %s", strerror(errno));
    if (fsync(db->fd) != 0) kv_die("raw: fsync: %s", strerror(errno));
}

static void *raw_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    char path[PATH_BYTES];
    kv_path(path, sizeof path, options->dir, "raw");
    raw_db *db = kv_alloc(sizeof *db);
    db->strict = options->mode == KV_STRICT;
    db->block = kv_alloc_large(BLOCK_BYTES);
    db->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (db->fd < 0) kv_die("raw: %s: %s", path, strerror(errno));
    pthread_mutex_init(&db->turn, NULL);
    if (db->strict) write_before(db);
    return db;
}

static void raw_close(void *handle) {
    raw_db *db = handle;
    close(db->fd);
    pthread_mutex_destroy(&db->turn);
    kv_free_large(db->block, BLOCK_BYTES);
    free(db);
}

static void raw_load(void *db, uint64_t count) { (void)db, (void)count; }
static void *raw_session_open(void *db) { return db; }
static void raw_session_close(void *session) { (void)session; }

static void write_record(raw_db *db, const kv_key *key, const kv_value *value) {
    uint8_t record[RECORD_BYTES] = {0};
    memcpy(record, key, sizeof *key);
    memcpy(record + sizeof *key, value, sizeof *value);
    if (write(db->fd, record, sizeof record) != (ssize_t)sizeof record) kv_die("raw: write: %s", strerror(errno));
    db->at += RECORD_BYTES;
    if (db->at < FILE_BYTES) return;
    if (ftruncate(db->fd, 0) != 0 || lseek(db->fd, 0, SEEK_SET) != 0) kv_die("raw: truncate: %s", strerror(errno));
    db->at = 0; /* once in half a million records: no more than a new segment costs a log */
}

static void write_block(raw_db *db, const kv_key *key, const kv_value *value) {
    pthread_mutex_lock(&db->turn);
    memcpy(db->block, key, sizeof *key);
    memcpy(db->block + sizeof *key, value, sizeof *value);
    if (pwrite(db->fd, db->block, BLOCK_BYTES, db->at) != BLOCK_BYTES) kv_die("raw: pwrite: %s", strerror(errno));
    if (fdatasync(db->fd) != 0) kv_die("raw: fdatasync: %s", strerror(errno));
    db->at = (db->at + BLOCK_BYTES) % FILE_BYTES;
    pthread_mutex_unlock(&db->turn);
}

static void raw_put(void *session, const kv_key *key, const kv_value *value) {
    raw_db *db = session;
    if (db->strict) write_block(db, key, value);
    else write_record(db, key, value);
}

static uint64_t raw_append(void *session, const kv_value *event) {
    static const kv_key no_key;
    raw_db *db = session;
    raw_put(session, &no_key, event);
    return db->appended++;
}

const kv_driver kv_driver_raw = {
    .name = "raw",
    .settings = "write(128 B) appending (buffered); RAW: 4 KiB pwrite + fdatasync into a prewritten file (strict)",
    .traits = 0,
    .modes = 1u << KV_BUFFERED | 1u << KV_STRICT,
    .open = raw_open,
    .close = raw_close,
    .load = raw_load,
    .session_open = raw_session_open,
    .session_close = raw_session_close,
    .put = raw_put,
    .append = raw_append,
};
