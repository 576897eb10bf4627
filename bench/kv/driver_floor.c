/* The floor as two drivers: `floor_mem`, one thread and no log, and `floor_seq`, a sequence lock a slot and the cheapest
 * log of each durability. What they do not do is what an engine is for: no transactions over several keys, no
 * snapshots, no recovery of the store, no order that follows inserts. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "floor_log.h"
#include "floor_table.h"
#include "kv_bench.h"

typedef struct floor_db {
    floor_table table;
    floor_order order;
    floor_log log;
    bool copy;         /* scans read a sorted copy (floor_mem) */
    bool logs;         /* not KV_MEMORY */
    uint64_t appended; /* events without a log */
    floor_record *events;
} floor_db;

enum { EVENT_RING = 1 << 15 };

static floor_db *open_table(const kv_options *options) {
    floor_db *db = kv_alloc(sizeof *db);
    floor_table_init(&db->table, options->presized || options->loaded ? options->keys_expected : 0);
    return db;
}

static void floor_close(void *handle) {
    floor_db *db = handle;
    floor_order_deinit(&db->order);
    floor_table_deinit(&db->table);
    floor_log_close(&db->log);
    if (db->events != NULL) kv_free_large(db->events, EVENT_RING * sizeof *db->events);
    free(db);
}

static void *mem_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    floor_db *db = open_table(options);
    db->copy = true;
    db->events = kv_alloc_large(EVENT_RING * sizeof *db->events);
    return db;
}

static void *seq_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    static const floor_log_kind kinds[KV_MODES] = {[KV_MEMORY] = FLOOR_RING,
                                                   [KV_BUFFERED] = FLOOR_RING,
                                                   [KV_KILLSAFE] = FLOOR_SHARED,
                                                   [KV_STRICT] = FLOOR_DIRECT};
    floor_db *db = open_table(options);
    db->logs = options->mode != KV_MEMORY;
    db->events = kv_alloc_large(EVENT_RING * sizeof *db->events);
    if (!db->logs || floor_log_open(&db->log, kinds[options->mode], options->chained, options->dir, why)) return db;
    floor_close(db);
    return NULL;
}

static void floor_load(void *handle, uint64_t count) {
    floor_db *db = handle;
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        floor_put_plain(&db->table, &key, &value);
    }
    floor_order_init(&db->order, &db->table, count, db->copy);
}

/* A session is the database itself: the floor has no state a thread. */
static void *floor_session_open(void *db) { return db; }
static void floor_session_close(void *session) { (void)session; }

static unsigned floor_scan_rows(void *session, const kv_key *from, kv_row *out) {
    floor_db *db = session;
    return floor_scan(&db->order, &db->table, from, out);
}

static uint64_t append_memory(floor_db *db, const kv_value *event) {
    floor_record *record = &db->events[db->appended % EVENT_RING];
    record->sequence = db->appended;
    record->value = *event;
    return db->appended++;
}

/* ---- floor_mem */

static bool mem_get(void *session, const kv_key *key, kv_value *out) {
    return floor_get_plain(&((floor_db *)session)->table, key, out);
}

static bool mem_get_x16(void *session, const kv_key *keys, kv_value *out) {
    return floor_get_x16_plain(&((floor_db *)session)->table, keys, out);
}

static void mem_put(void *session, const kv_key *key, const kv_value *value) {
    floor_put_plain(&((floor_db *)session)->table, key, value);
}

static void mem_put_x16(void *session, const kv_key *keys, const kv_value *values) {
    floor_db *db = session;
    floor_prefetch_x16(&db->table, keys);
    for (unsigned i = 0; i < KV_BATCH; i++) floor_put_plain(&db->table, &keys[i], &values[i]);
}

static void mem_rmw(void *session, const kv_key *key) {
    kv_value value;
    if (!floor_change_plain(&((floor_db *)session)->table, key, &value)) kv_die("floor: rmw of an absent key");
}

static uint64_t mem_append(void *session, const kv_value *event) { return append_memory(session, event); }

/* ---- floor_seq */

static bool seq_get(void *session, const kv_key *key, kv_value *out) {
    return floor_get_seq(&((floor_db *)session)->table, key, out);
}

static bool seq_get_x16(void *session, const kv_key *keys, kv_value *out) {
    return floor_get_x16_seq(&((floor_db *)session)->table, keys, out);
}

static void seq_put(void *session, const kv_key *key, const kv_value *value) {
    floor_db *db = session;
    if (db->logs) {
        floor_prefetch(&db->table, key); /* the miss passes while the log is written */
        floor_log_append(&db->log, key, value);
    }
    floor_put_seq(&db->table, key, value);
}

static void seq_put_x16(void *session, const kv_key *keys, const kv_value *values) {
    floor_db *db = session;
    floor_prefetch_x16(&db->table, keys);
    for (unsigned i = 0; i < KV_BATCH; i++) seq_put(session, &keys[i], &values[i]);
}

static void seq_rmw(void *session, const kv_key *key) {
    floor_db *db = session;
    kv_value value;
    if (!floor_change_seq(&db->table, key, &value)) kv_die("floor: rmw of an absent key");
    if (db->logs) floor_log_append(&db->log, key, &value);
}

static uint64_t seq_append(void *session, const kv_value *event) {
    static const kv_key no_key;
    floor_db *db = session;
    return db->logs ? floor_log_append(&db->log, &no_key, event) : append_memory(db, event);
}

static uint64_t seq_put_ticket(void *session, const kv_key *key, const kv_value *value) {
    floor_db *db = session;
    const uint64_t ticket = floor_log_append_ticket(&db->log, key, value);
    floor_put_seq(&db->table, key, value);
    return ticket;
}

static void seq_ticket_wait(void *session, uint64_t ticket) {
    floor_log_ticket_wait(&((floor_db *)session)->log, ticket);
}

/* ---- recovery: records in memory, checked, chained and put */

typedef struct floor_replay {
    floor_record *records;
    uint64_t count;
    floor_table table;
    wg_sha256 chain;
} floor_replay;

static void chain_of(const floor_record *records, uint64_t count, wg_sha256 *out) {
    wg_sha256_state *state = wg_sha256_begin();
    if (state == NULL) kv_die("out of memory");
    for (uint64_t i = 0; i < count; i++) wg_sha256_add(state, &records[i], sizeof records[i]);
    wg_sha256_end(state, out);
}

static void *seq_replay_prepare(const kv_options *options, uint64_t count, char why[KV_WHY_BYTES]) {
    (void)why;
    floor_replay *replay = kv_alloc(sizeof *replay);
    replay->records = kv_alloc_large(count * sizeof *replay->records);
    replay->count = count;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t index = kv_below(kv_mix(i), options->keys_expected);
        kv_key key;
        kv_value value;
        kv_key_make(index, &key);
        kv_value_make(index, 0, i, &value);
        floor_record_make(&replay->records[i], i, &key, &value);
    }
    chain_of(replay->records, count, &replay->chain);
    floor_table_init(&replay->table, options->keys_expected);
    return replay;
}

static uint64_t seq_replay(void *prepared) {
    enum { AHEAD = 8 };
    floor_replay *replay = prepared;
    wg_sha256_state *state = wg_sha256_begin();
    if (state == NULL) kv_die("out of memory");
    for (uint64_t i = 0; i < replay->count; i++) {
        const floor_record *record = &replay->records[i];
        if (i + AHEAD < replay->count) floor_prefetch(&replay->table, &record[AHEAD].key);
        if (!floor_record_ok(record) || record->sequence != i)
            kv_die("floor: record %llu is damaged", (unsigned long long)i);
        wg_sha256_add(state, record, sizeof *record);
        floor_put_seq(&replay->table, &record->key, &record->value);
    }
    wg_sha256 found;
    wg_sha256_end(state, &found);
    if (memcmp(&found, &replay->chain, sizeof found) != 0) kv_die("floor: the chain does not hold");
    return replay->count;
}

static void seq_replay_end(void *prepared) {
    floor_replay *replay = prepared;
    kv_free_large(replay->records, replay->count * sizeof *replay->records);
    floor_table_deinit(&replay->table);
    free(replay);
}

const kv_driver kv_driver_floor_mem = {
    .name = "floor_mem",
    .settings = "open addressing, 128-byte slots, 2 MiB pages, no locks, no log; scans read a sorted copy",
    .traits = KV_NEAR | KV_STORES | KV_ONE_THREAD | KV_SCANS_STALE | KV_PRESIZES,
    .modes = 1u << KV_MEMORY,
    .open = mem_open,
    .close = floor_close,
    .load = floor_load,
    .session_open = floor_session_open,
    .session_close = floor_session_close,
    .get = mem_get,
    .get_x16 = mem_get_x16,
    .put = mem_put,
    .put_x16 = mem_put_x16,
    .rmw = mem_rmw,
    .scan = floor_scan_rows,
    .append = mem_append,
};

const kv_driver kv_driver_floor_seq = {
    .name = "floor_seq",
    .settings =
        "floor_mem with a sequence lock a slot; scans go through the slots; logs: ring in memory (buffered), ring in "
        "/dev/shm (killsafe), O_DIRECT|O_DSYNC with group commit (strict)",
    .traits = KV_NEAR | KV_STORES | KV_CHAINS | KV_PRESIZES,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = seq_open,
    .close = floor_close,
    .load = floor_load,
    .session_open = floor_session_open,
    .session_close = floor_session_close,
    .get = seq_get,
    .get_x16 = seq_get_x16,
    .put = seq_put,
    .put_x16 = seq_put_x16,
    .rmw = seq_rmw,
    .scan = floor_scan_rows,
    .append = seq_append,
    .put_ticket = seq_put_ticket,
    .ticket_wait = seq_ticket_wait,
    .replay_prepare = seq_replay_prepare,
    .replay = seq_replay,
    .replay_end = seq_replay_end,
};
