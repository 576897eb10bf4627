/* RocksDB through its C interface. KV_MEMORY: in /dev/shm, write-ahead log off. KV_BUFFERED and KV_KILLSAFE: the log is
 * written at every put, never synced, so it outlives the process. KV_STRICT: sync = true, with its own group commit.
 * Memtable 256 MiB, block cache 1 GiB, bloom filters of 10 bits, no compression; the loaded keys are compacted before
 * anything is measured. Read-modify-write is an optimistic transaction. */
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_bench.h"

enum { MEMTABLE_BYTES = 256 << 20, CACHE_BYTES = 1 << 30, LOAD_ROWS = 1000 };

typedef struct rocks_db {
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *table;
    rocksdb_cache_t *cache;
    rocksdb_optimistictransactiondb_t *transactions;
    rocksdb_t *base;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_optimistictransaction_options_t *begin;
} rocks_db;

typedef struct rocks_session {
    rocks_db *db;
    rocksdb_transaction_t *txn; /* kept and begun anew */
    uint64_t next_event;
} rocks_session;

static void must(char *error, const char *what) {
    if (error != NULL) kv_die("rocksdb: %s: %s", what, error);
}

static const char *chars(const void *at) { return (const char *)at; }

static void make_options(rocks_db *db) {
    db->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(db->options, 1);
    rocksdb_options_set_compression(db->options, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(db->options, MEMTABLE_BYTES);
    rocksdb_options_increase_parallelism(db->options, 2);
    db->table = rocksdb_block_based_options_create();
    db->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    rocksdb_block_based_options_set_block_cache(db->table, db->cache);
    rocksdb_block_based_options_set_filter_policy(db->table, rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_options_set_block_based_table_factory(db->options, db->table);
}

static void *rocks_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    char *error = NULL;
    rocks_db *db = kv_alloc(sizeof *db);
    make_options(db);
    db->transactions = rocksdb_optimistictransactiondb_open(db->options, options->dir, &error);
    must(error, "open");
    db->base = rocksdb_optimistictransactiondb_get_base_db(db->transactions);
    db->write = rocksdb_writeoptions_create();
    if (options->mode == KV_MEMORY) rocksdb_writeoptions_disable_WAL(db->write, 1);
    rocksdb_writeoptions_set_sync(db->write, options->mode == KV_STRICT);
    db->read = rocksdb_readoptions_create();
    db->begin = rocksdb_optimistictransaction_options_create();
    return db;
}

static void rocks_close(void *handle) {
    rocks_db *db = handle;
    rocksdb_optimistictransaction_options_destroy(db->begin);
    rocksdb_readoptions_destroy(db->read);
    rocksdb_writeoptions_destroy(db->write);
    rocksdb_optimistictransactiondb_close_base_db(db->base);
    rocksdb_optimistictransactiondb_close(db->transactions);
    rocksdb_options_destroy(db->options);
    rocksdb_block_based_options_destroy(db->table);
    rocksdb_cache_destroy(db->cache);
    free(db);
}

static void rocks_load(void *handle, uint64_t count) {
    rocks_db *db = handle;
    char *error = NULL;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(write, 1);
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        rocksdb_writebatch_put(batch, chars(&key), sizeof key, chars(&value), sizeof value);
        if ((i + 1) % LOAD_ROWS != 0 && i + 1 != count) continue;
        rocksdb_write(db->base, write, batch, &error);
        must(error, "write");
        rocksdb_writebatch_clear(batch);
    }
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(write);
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    rocksdb_flush(db->base, flush, &error);
    must(error, "flush");
    rocksdb_flushoptions_destroy(flush);
    rocksdb_compact_range(db->base, NULL, 0, NULL, 0);
}

static void *rocks_session_open(void *handle) {
    rocks_session *session = kv_alloc(sizeof *session);
    session->db = handle;
    session->txn =
        rocksdb_optimistictransaction_begin(session->db->transactions, session->db->write, session->db->begin, NULL);
    return session;
}

static void rocks_session_close(void *handle) {
    rocks_session *session = handle;
    rocksdb_transaction_destroy(session->txn);
    free(session);
}

static bool take_value(rocksdb_pinnableslice_t *slice, kv_value *out) {
    size_t size = 0;
    const char *bytes = rocksdb_pinnableslice_value(slice, &size);
    if (slice == NULL) return false;
    if (size != sizeof *out) kv_die("rocksdb: a value of %zu bytes", size);
    memcpy(out, bytes, sizeof *out);
    rocksdb_pinnableslice_destroy(slice);
    return true;
}

static bool rocks_get(void *handle, const kv_key *key, kv_value *out) {
    rocks_db *db = ((rocks_session *)handle)->db;
    char *error = NULL;
    rocksdb_pinnableslice_t *slice = rocksdb_get_pinned(db->base, db->read, chars(key), sizeof *key, &error);
    must(error, "get");
    return slice != NULL && take_value(slice, out);
}

static bool rocks_get_x16(void *handle, const kv_key *keys, kv_value *out) {
    rocks_db *db = ((rocks_session *)handle)->db;
    const char *names[KV_BATCH];
    char *errors[KV_BATCH] = {0}, *values[KV_BATCH];
    size_t sizes[KV_BATCH], value_sizes[KV_BATCH];
    for (unsigned i = 0; i < KV_BATCH; i++) names[i] = chars(&keys[i]), sizes[i] = sizeof keys[i];
    rocksdb_multi_get(db->base, db->read, KV_BATCH, names, sizes, values, value_sizes, errors);
    bool found = true;
    for (unsigned i = 0; i < KV_BATCH; i++) {
        must(errors[i], "multi_get");
        found &= values[i] != NULL && value_sizes[i] == sizeof out[i];
        if (values[i] != NULL) memcpy(&out[i], values[i], sizeof out[i]);
        rocksdb_free(values[i]);
    }
    return found;
}

static void rocks_put(void *handle, const kv_key *key, const kv_value *value) {
    rocks_db *db = ((rocks_session *)handle)->db;
    char *error = NULL;
    rocksdb_put(db->base, db->write, chars(key), sizeof *key, chars(value), sizeof *value, &error);
    must(error, "put");
}

/* A conflict is tried again, as a caller has to. */
static void rocks_rmw(void *handle, const kv_key *key) {
    rocks_session *session = handle;
    rocks_db *db = session->db;
    for (;;) {
        char *error = NULL;
        kv_value value;
        size_t size = 0;
        rocksdb_optimistictransaction_begin(db->transactions, db->write, db->begin, session->txn);
        char *found =
            rocksdb_transaction_get_for_update(session->txn, db->read, chars(key), sizeof *key, &size, 1, &error);
        must(error, "get_for_update");
        if (found == NULL || size != sizeof value) kv_die("rocksdb: rmw of an absent key");
        memcpy(&value, found, sizeof value);
        rocksdb_free(found);
        kv_value_change(&value);
        rocksdb_transaction_put(session->txn, chars(key), sizeof *key, chars(&value), sizeof value, &error);
        must(error, "transaction_put");
        rocksdb_transaction_commit(session->txn, &error);
        if (error == NULL) return;
        if (strstr(error, "busy") == NULL) must(error, "commit");
        rocksdb_free(error);
    }
}

static unsigned rocks_scan(void *handle, const kv_key *from, kv_row *out) {
    rocks_db *db = ((rocks_session *)handle)->db;
    rocksdb_iterator_t *iterator = rocksdb_create_iterator(db->base, db->read);
    unsigned rows = 0;
    for (rocksdb_iter_seek(iterator, chars(from), sizeof *from); rocksdb_iter_valid(iterator) && rows < KV_SCAN_ROWS;
         rocksdb_iter_next(iterator)) {
        size_t key_size, value_size;
        const char *key = rocksdb_iter_key(iterator, &key_size), *value = rocksdb_iter_value(iterator, &value_size);
        if (key_size != sizeof(kv_key)) break; /* the events sort behind all rows and have longer keys */
        memcpy(&out[rows].key, key, sizeof out[rows].key);
        memcpy(&out[rows++].value, value, sizeof out[rows].value);
    }
    rocksdb_iter_destroy(iterator);
    return rows;
}

static uint64_t rocks_append(void *handle, const kv_value *event) {
    rocks_session *session = handle;
    uint8_t key[24];
    const uint64_t order = __builtin_bswap64(session->next_event);
    memset(key, 0xff, sizeof key);
    memcpy(key + 16, &order, sizeof order);
    char *error = NULL;
    rocksdb_put(session->db->base, session->db->write, chars(key), sizeof key, chars(event), sizeof *event, &error);
    must(error, "put");
    return session->next_event++;
}

const kv_driver kv_driver_rocksdb = {
    .name = "rocksdb",
    .settings = "memory: /dev/shm, no log; buffered and killsafe: log written, not synced; strict: sync = true",
    .traits = KV_STORES | KV_KILLSAFE_TOO,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = rocks_open,
    .close = rocks_close,
    .load = rocks_load,
    .session_open = rocks_session_open,
    .session_close = rocks_session_close,
    .get = rocks_get,
    .get_x16 = rocks_get_x16,
    .put = rocks_put,
    .rmw = rocks_rmw,
    .scan = rocks_scan,
    .append = rocks_append,
};
