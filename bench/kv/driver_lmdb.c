/* LMDB. KV_MEMORY: a map in /dev/shm that is written in place and never synced. KV_BUFFERED and KV_KILLSAFE: MDB_NOSYNC
 * on the disk; a commit writes its pages into the system's cache, so it outlives the process. KV_STRICT: the default,
 * one fdatasync a commit. Readers keep a transaction that is renewed a call. */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_bench.h"

#define MAP_BYTES ((size_t)8 << 30)

typedef struct lmdb_db {
    MDB_env *env;
    MDB_dbi rows, events;
} lmdb_db;

typedef struct lmdb_session {
    lmdb_db *db;
    MDB_txn *reader; /* reset between calls */
    MDB_cursor *cursor;
    uint64_t next_event;
} lmdb_session;

static void must(int code, const char *what) {
    if (code != MDB_SUCCESS) kv_die("lmdb: %s: %s", what, mdb_strerror(code));
}

/* LMDB does not write through the pointers it is given; its interface has no const. */
static MDB_val borrow(const void *data, size_t size) {
    MDB_val out = {.mv_size = size};
    memcpy(&out.mv_data, &data, sizeof data);
    return out;
}

static void *lmdb_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    lmdb_db *db = kv_alloc(sizeof *db);
    unsigned flags = MDB_NOTLS;
    if (options->mode == KV_MEMORY) flags |= MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC;
    else if (options->mode != KV_STRICT) flags |= MDB_NOSYNC | MDB_NOMETASYNC;
    must(mdb_env_create(&db->env), "env_create");
    must(mdb_env_set_mapsize(db->env, MAP_BYTES), "set_mapsize");
    must(mdb_env_set_maxdbs(db->env, 2), "set_maxdbs");
    must(mdb_env_open(db->env, options->dir, flags, 0600), "env_open");
    MDB_txn *txn;
    must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
    must(mdb_dbi_open(txn, "rows", MDB_CREATE, &db->rows), "dbi_open");
    must(mdb_dbi_open(txn, "events", MDB_CREATE | MDB_INTEGERKEY, &db->events), "dbi_open");
    must(mdb_txn_commit(txn), "commit");
    return db;
}

static void lmdb_close(void *handle) {
    lmdb_db *db = handle;
    mdb_env_close(db->env);
    free(db);
}

static void lmdb_load(void *handle, uint64_t count) {
    lmdb_db *db = handle;
    MDB_txn *txn;
    must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        MDB_val k = borrow(&key, sizeof key), v = borrow(&value, sizeof value);
        must(mdb_put(txn, db->rows, &k, &v, MDB_APPEND), "put");
    }
    must(mdb_txn_commit(txn), "commit");
}

static void *lmdb_session_open(void *handle) {
    lmdb_session *session = kv_alloc(sizeof *session);
    session->db = handle;
    must(mdb_txn_begin(session->db->env, NULL, MDB_RDONLY, &session->reader), "begin");
    must(mdb_cursor_open(session->reader, session->db->rows, &session->cursor), "cursor_open");
    mdb_txn_reset(session->reader);
    return session;
}

static void lmdb_session_close(void *handle) {
    lmdb_session *session = handle;
    mdb_cursor_close(session->cursor);
    mdb_txn_abort(session->reader);
    free(session);
}

static bool read_row(MDB_txn *txn, MDB_dbi rows, const kv_key *key, kv_value *out) {
    MDB_val k = borrow(key, sizeof *key), v;
    const int code = mdb_get(txn, rows, &k, &v);
    if (code == MDB_NOTFOUND) return false;
    must(code, "get");
    if (v.mv_size != sizeof *out) kv_die("lmdb: a value of %zu bytes", v.mv_size);
    memcpy(out, v.mv_data, sizeof *out);
    return true;
}

static bool lmdb_get(void *handle, const kv_key *key, kv_value *out) {
    lmdb_session *session = handle;
    must(mdb_txn_renew(session->reader), "renew");
    const bool found = read_row(session->reader, session->db->rows, key, out);
    mdb_txn_reset(session->reader);
    return found;
}

/* One snapshot for the batch. */
static bool lmdb_get_x16(void *handle, const kv_key *keys, kv_value *out) {
    lmdb_session *session = handle;
    bool found = true;
    must(mdb_txn_renew(session->reader), "renew");
    for (unsigned i = 0; i < KV_BATCH; i++) found &= read_row(session->reader, session->db->rows, &keys[i], &out[i]);
    mdb_txn_reset(session->reader);
    return found;
}

static void lmdb_put(void *handle, const kv_key *key, const kv_value *value) {
    lmdb_db *db = ((lmdb_session *)handle)->db;
    MDB_txn *txn;
    MDB_val k = borrow(key, sizeof *key), v = borrow(value, sizeof *value);
    must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
    must(mdb_put(txn, db->rows, &k, &v, 0), "put");
    must(mdb_txn_commit(txn), "commit");
}

static void lmdb_rmw(void *handle, const kv_key *key) {
    lmdb_db *db = ((lmdb_session *)handle)->db;
    MDB_txn *txn;
    kv_value value;
    must(mdb_txn_begin(db->env, NULL, 0, &txn), "begin");
    if (!read_row(txn, db->rows, key, &value)) kv_die("lmdb: rmw of an absent key");
    kv_value_change(&value);
    MDB_val k = borrow(key, sizeof *key), v = borrow(&value, sizeof value);
    must(mdb_put(txn, db->rows, &k, &v, 0), "put");
    must(mdb_txn_commit(txn), "commit");
}

static unsigned lmdb_scan(void *handle, const kv_key *from, kv_row *out) {
    lmdb_session *session = handle;
    MDB_val k = borrow(from, sizeof *from), v;
    unsigned rows = 0;
    must(mdb_txn_renew(session->reader), "renew");
    must(mdb_cursor_renew(session->reader, session->cursor), "cursor_renew");
    for (int code = mdb_cursor_get(session->cursor, &k, &v, MDB_SET_RANGE);
         code == MDB_SUCCESS && rows < KV_SCAN_ROWS; code = mdb_cursor_get(session->cursor, &k, &v, MDB_NEXT)) {
        memcpy(&out[rows].key, k.mv_data, sizeof out[rows].key);
        memcpy(&out[rows++].value, v.mv_data, sizeof out[rows].value);
    }
    mdb_txn_reset(session->reader);
    return rows;
}

static uint64_t lmdb_append(void *handle, const kv_value *event) {
    lmdb_session *session = handle;
    MDB_txn *txn;
    MDB_val k = borrow(&session->next_event, sizeof session->next_event), v = borrow(event, sizeof *event);
    must(mdb_txn_begin(session->db->env, NULL, 0, &txn), "begin");
    must(mdb_put(txn, session->db->events, &k, &v, MDB_APPEND), "put");
    must(mdb_txn_commit(txn), "commit");
    return session->next_event++;
}

const kv_driver kv_driver_lmdb = {
    .name = "lmdb",
    .settings = "memory: /dev/shm, WRITEMAP, NOSYNC; buffered and killsafe: NOSYNC; strict: default",
    .traits = KV_STORES | KV_KILLSAFE_TOO,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = lmdb_open,
    .close = lmdb_close,
    .load = lmdb_load,
    .session_open = lmdb_session_open,
    .session_close = lmdb_session_close,
    .get = lmdb_get,
    .get_x16 = lmdb_get_x16,
    .put = lmdb_put,
    .rmw = lmdb_rmw,
    .scan = lmdb_scan,
    .append = lmdb_append,
};
