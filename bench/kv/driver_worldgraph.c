/* Our engine through its public interface, as a program would use it: keys and values are bytes of one run, events belong
 * to the same run. KV_BUFFERED outlives kill -9 already (its log ring lies in shared memory), and the log is always
 * chained. A session of this driver is a session with a handle of the run; tickets have a handle of their own, whose
 * commits do not wait. */
#include <stdio.h>
#include <stdlib.h>

#include "kv_bench.h"
#include "worldgraph.h"

enum { PATH_BYTES = 4096, LOAD_ROWS = 1000 };

typedef struct own_db {
    wg_db *db;
} own_db;

typedef struct own_session {
    wg_session *session;
    wg_run *run;
    wg_run *tickets; /* NULL until the first ticket */
} own_session;

static void must(wg_code code, const wg_error *err, const char *what) {
    if (code != WG_OK) kv_die("worldgraph: %s: %s", what, err->message);
}

static wg_value bytes_value(const kv_value *value) {
    return (wg_value){.type = WG_TYPE_BYTES, .size = KV_VALUE_BYTES, .as.s = (const char *)value->bytes};
}

/* ---- databases and sessions */

static wg_db *open_at(const char *dir, kv_mode mode, bool may_checkpoint) {
    static const wg_durability durabilities[KV_MODES] = {[KV_MEMORY] = WG_IN_MEMORY,
                                                         [KV_BUFFERED] = WG_BUFFERED,
                                                         [KV_KILLSAFE] = WG_BUFFERED,
                                                         [KV_STRICT] = WG_STRICT};
    const wg_options options = {
        .durability = durabilities[mode], .create = true, .checkpoint_log_bytes = may_checkpoint ? 0 : UINT64_MAX};
    char path[PATH_BYTES];
    wg_error err;
    wg_db *db;
    kv_path(path, sizeof path, dir, "store");
    must(wg_open(mode == KV_MEMORY ? NULL : path, &options, &db, &err), &err, "open");
    return db;
}

static void *own_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)why;
    own_db *db = kv_alloc(sizeof *db);
    db->db = open_at(options->dir, options->mode, true);
    return db;
}

static void own_close(void *handle) {
    own_db *db = handle;
    wg_error err;
    must(wg_close(db->db, &err), &err, "close");
    free(db);
}

static own_session *open_run(own_db *db, const char *name) {
    own_session *session = kv_alloc(sizeof *session);
    wg_error err;
    must(wg_session_open(db->db, &session->session, &err), &err, "session");
    if (name == NULL) must(wg_run_open(session->session, NULL, &session->run, &err), &err, "run");
    else {
        const wg_run_options options = {.if_not_exists = true};
        must(wg_run_create(session->session, name, &options, &session->run, &err), &err, "run");
    }
    return session;
}

static void *own_session_open(void *db) { return open_run(db, NULL); }

static void own_session_close(void *handle) {
    own_session *session = handle;
    wg_run_close(session->tickets);
    wg_run_close(session->run);
    wg_session_close(session->session);
    free(session);
}

static void load_rows(own_session *session, uint64_t first, uint64_t count) {
    static kv_key keys[LOAD_ROWS];
    static kv_value values[LOAD_ROWS];
    static wg_kv_write writes[LOAD_ROWS];
    wg_error err;
    for (uint64_t done = 0; done < count;) {
        uint32_t rows = 0;
        for (; rows < LOAD_ROWS && done < count; rows++, done++) {
            kv_key_make(first + done, &keys[rows]);
            kv_value_first(first + done, &values[rows]);
            writes[rows] = (wg_kv_write){
                .op = WG_KV_PUT, .key = {&keys[rows], sizeof keys[rows]}, .value = bytes_value(&values[rows])};
        }
        must(wg_kv_write_many(session->run, writes, rows, NULL, NULL, &err), &err, "load");
    }
}

static void own_load(void *db, uint64_t count) {
    own_session *session = own_session_open(db);
    load_rows(session, 0, count);
    own_session_close(session);
}

/* A run of its own for each range; loaded when it is new. */
static void *own_session_open_apart(void *db, uint64_t first, uint64_t count) {
    char name[48];
    wg_error err;
    kv_key key;
    bool there;
    snprintf(name, sizeof name, "apart-%llu", (unsigned long long)first);
    own_session *session = open_run(db, name);
    kv_key_make(first, &key);
    must(wg_kv_exists(session->run, &key, sizeof key, &there, &err), &err, "exists");
    if (!there) load_rows(session, first, count);
    return session;
}

/* ---- key-values */

static bool take_item(const wg_kv_item *item, kv_value *out) {
    if (!item->found || item->value.size != sizeof *out) return false;
    memcpy(out, item->value.as.s, sizeof *out);
    return true;
}

static bool own_get(void *handle, const kv_key *key, kv_value *out) {
    own_session *session = handle;
    wg_kv_item item;
    wg_error err;
    must(wg_kv_get(session->run, key, sizeof *key, &item, &err), &err, "get");
    return take_item(&item, out);
}

static bool own_get_x16(void *handle, const kv_key *keys, kv_value *out) {
    own_session *session = handle;
    wg_kv_key names[KV_BATCH];
    wg_kv_item items[KV_BATCH];
    wg_error err;
    bool found = true;
    for (unsigned i = 0; i < KV_BATCH; i++) names[i] = (wg_kv_key){&keys[i], sizeof keys[i]};
    must(wg_kv_get_many(session->run, names, KV_BATCH, items, &err), &err, "get_many");
    for (unsigned i = 0; i < KV_BATCH; i++) found &= take_item(&items[i], &out[i]);
    return found;
}

static void own_put(void *handle, const kv_key *key, const kv_value *value) {
    own_session *session = handle;
    wg_error err;
    must(wg_kv_put_bytes(session->run, key, sizeof *key, value, sizeof *value, NULL, &err), &err, "put");
}

static void own_rmw(void *handle, const kv_key *key) {
    static const wg_run_txn_options options = {.serializable = true};
    own_session *session = handle;
    wg_error err;
    for (;;) {
        kv_value value;
        must(wg_run_begin(session->run, &options, &err), &err, "begin");
        if (!own_get(session, key, &value)) kv_die("worldgraph: rmw of an absent key");
        kv_value_change(&value);
        own_put(session, key, &value);
        const wg_code code = wg_run_commit(session->run, NULL, &err);
        if (code == WG_OK) return;
        if (code != WG_E_CONFLICT) must(code, &err, "commit");
    }
}

static unsigned own_scan(void *handle, const kv_key *from, kv_row *out) {
    own_session *session = handle;
    const wg_kv_scan_options options = {.from = from, .from_size = sizeof *from};
    wg_kv_row rows[KV_SCAN_ROWS];
    wg_kv_cursor *cursor;
    wg_error err;
    uint32_t count = 0;
    unsigned taken = 0;
    must(wg_kv_scan(session->run, &options, &cursor, &err), &err, "scan");
    do {
        must(wg_kv_cursor_next(cursor, rows, KV_SCAN_ROWS - taken, &count, &err), &err, "cursor_next");
        for (uint32_t i = 0; i < count; i++, taken++) {
            if (rows[i].key.size != sizeof out[taken].key || !take_item(&rows[i].item, &out[taken].value))
                kv_die("worldgraph: a row that was not put");
            memcpy(&out[taken].key, rows[i].key.data, sizeof out[taken].key);
        }
    } while (count != 0 && taken < KV_SCAN_ROWS);
    wg_kv_cursor_close(cursor);
    return taken;
}

static uint64_t own_append(void *handle, const kv_value *event) {
    own_session *session = handle;
    const wg_value payload = bytes_value(event);
    uint64_t sequence;
    wg_error err;
    must(wg_eventlog_append(session->run, "e", &payload, &sequence, &err), &err, "append");
    return sequence;
}

/* ---- tickets */

static uint64_t own_put_ticket(void *handle, const kv_key *key, const kv_value *value) {
    own_session *session = handle;
    wg_error err;
    if (session->tickets == NULL) {
        must(wg_run_open(session->session, NULL, &session->tickets, &err), &err, "run");
        must(wg_run_set_durability(session->tickets, WG_STRICT, true, &err), &err, "set_durability");
    }
    must(wg_kv_put_bytes(session->tickets, key, sizeof *key, value, sizeof *value, NULL, &err), &err, "put");
    return wg_run_ticket(session->tickets);
}

static void own_ticket_wait(void *handle, uint64_t ticket) {
    own_session *session = handle;
    wg_error err;
    must(wg_ticket_wait(session->tickets, ticket, &err), &err, "ticket_wait");
}

/* ---- recovery: opening a workspace whose log was never folded into a checkpoint */

typedef struct own_replay {
    char dir[PATH_BYTES];
    wg_db *db; /* of the last replay */
    uint64_t records;
} own_replay;

static void *own_replay_prepare(const kv_options *options, uint64_t records, char why[KV_WHY_BYTES]) {
    (void)why;
    own_replay *replay = kv_alloc(sizeof *replay);
    wg_error err;
    snprintf(replay->dir, sizeof replay->dir, "%s", options->dir);
    replay->records = records;
    own_db db = {open_at(options->dir, KV_BUFFERED, false)};
    own_session *session = open_run(&db, NULL);
    for (uint64_t i = 0; i < records; i++) {
        const uint64_t index = kv_below(kv_mix(i), options->keys_expected);
        kv_key key;
        kv_value value;
        kv_key_make(index, &key);
        kv_value_make(index, 0, i, &value);
        own_put(session, &key, &value);
    }
    own_session_close(session);
    must(wg_close(db.db, &err), &err, "close");
    return replay;
}

static void own_replay_reset(void *prepared) {
    own_replay *replay = prepared;
    wg_error err;
    must(wg_close(replay->db, &err), &err, "close");
    replay->db = NULL;
}

static uint64_t own_replay_run(void *prepared) {
    own_replay *replay = prepared;
    replay->db = open_at(replay->dir, KV_BUFFERED, false);
    return replay->records;
}

static void own_replay_end(void *prepared) {
    own_replay_reset(prepared);
    free(prepared);
}

const kv_driver kv_driver_worldgraph = {
    .name = "worldgraph",
    .settings = "public interface; one run; memory: IN_MEMORY; buffered and killsafe: BUFFERED; strict: STRICT",
    .traits = KV_NEAR | KV_STORES | KV_CHAINS | KV_CHAINS_ALWAYS | KV_KILLSAFE_TOO,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = own_open,
    .close = own_close,
    .load = own_load,
    .session_open = own_session_open,
    .session_open_apart = own_session_open_apart,
    .session_close = own_session_close,
    .get = own_get,
    .get_x16 = own_get_x16,
    .put = own_put,
    .rmw = own_rmw,
    .scan = own_scan,
    .append = own_append,
    .put_ticket = own_put_ticket,
    .ticket_wait = own_ticket_wait,
    .replay_prepare = own_replay_prepare,
    .replay_reset = own_replay_reset,
    .replay = own_replay_run,
    .replay_end = own_replay_end,
};
