/* worldgraph through its public header: a run, a session a thread, raw bytes as values. KV_MEMORY: IN_MEMORY. KV_BUFFERED: BUFFERED with the standard
 * interval; its rings outlive the process, so it serves KV_KILLSAFE too. KV_STRICT: STRICT. The log is always chained by SHA-256. */
#include <stdio.h>
#include <stdlib.h>

#include <worldgraph.h>

#include "kv_bench.h"

typedef struct our_db {
    wg_db *db;
    wg_session *session;
    wg_run *run;
} our_db;

typedef struct our_session {
    wg_session *session;
    wg_run *run;
} our_session;

static void must(wg_code code, const char *what, const wg_error *err) {
    if (code != WG_OK) kv_die("worldgraph: %s: %s", what, err->message);
}

static const char run_name[] = "bench";

static void open_handles(our_db *db) {
    wg_error err = {0};
    const wg_run_options o = {.if_not_exists = true};
    must(wg_session_open(db->db, &db->session, &err), "session", &err);
    must(wg_run_create(db->session, run_name, &o, &db->run, &err), "run", &err);
}

static void *our_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    static const wg_durability modes[KV_MODES] = {WG_IN_MEMORY, WG_BUFFERED, WG_BUFFERED, WG_STRICT};
    (void)why;
    wg_error err = {0};
    our_db *db = kv_alloc(sizeof *db);
    const wg_options o = {.create = true, .durability = modes[options->mode], .threads = 1};
    char path[4096];
    kv_path(path, sizeof path, options->dir, "ws");
    must(wg_open(options->mode == KV_MEMORY ? NULL : path, &o, &db->db, &err), "open", &err);
    open_handles(db);
    return db;
}

static void our_close(void *handle) {
    our_db *db = handle;
    wg_error err = {0};
    wg_run_close(db->run);
    wg_session_close(db->session);
    must(wg_close(db->db, &err), "close", &err);
    free(db);
}

static void our_load(void *handle, uint64_t count) {
    our_db *db = handle;
    wg_error err = {0};
    enum { GROUP = 1000 };
    for (uint64_t i = 0; i < count; i += GROUP) {
        must(wg_run_begin(db->run, NULL, &err), "begin", &err);
        for (uint64_t k = i; k < count && k < i + GROUP; k++) {
            kv_key key;
            kv_value value;
            kv_key_make(k, &key);
            kv_value_first(k, &value);
            must(wg_kv_put_bytes(db->run, key.bytes, sizeof key.bytes, value.bytes, sizeof value.bytes, NULL, &err),
                 "load", &err);
        }
        must(wg_run_commit(db->run, NULL, &err), "commit", &err);
    }
}

static void *our_session_open(void *handle) {
    const our_db *db = handle;
    our_session *s = kv_alloc(sizeof *s);
    wg_error err = {0};
    must(wg_session_open(db->db, &s->session, &err), "session", &err);
    must(wg_run_open(s->session, run_name, &s->run, &err), "run", &err);
    return s;
}

static void our_session_close(void *session) {
    our_session *s = session;
    wg_run_close(s->run);
    wg_session_close(s->session);
    free(s);
}

static bool take(const wg_kv_item *item, kv_value *out) {
    if (!item->found || item->value.size != sizeof out->bytes) return false;
    memcpy(out->bytes, item->value.as.s, sizeof out->bytes);
    return true;
}

static bool our_get(void *session, const kv_key *key, kv_value *out) {
    our_session *s = session;
    wg_error err = {0};
    wg_kv_item item;
    must(wg_kv_get(s->run, key->bytes, sizeof key->bytes, &item, &err), "get", &err);
    return take(&item, out);
}

static bool our_get_x16(void *session, const kv_key *keys, kv_value *out) {
    our_session *s = session;
    wg_error err = {0};
    wg_kv_key names[KV_BATCH];
    wg_kv_item items[KV_BATCH];
    bool all = true;
    for (int i = 0; i < KV_BATCH; i++) names[i] = (wg_kv_key){.data = keys[i].bytes, .size = sizeof keys[i].bytes};
    must(wg_kv_get_many(s->run, names, KV_BATCH, items, &err), "get_many", &err);
    for (int i = 0; i < KV_BATCH; i++) all = take(&items[i], &out[i]) && all;
    return all;
}

static void our_put(void *session, const kv_key *key, const kv_value *value) {
    our_session *s = session;
    wg_error err = {0};
    must(wg_kv_put_bytes(s->run, key->bytes, sizeof key->bytes, value->bytes, sizeof value->bytes, NULL, &err), "put",
         &err);
}

static wg_code change(void *ctx, wg_run *run, wg_error *err) {
    const kv_key *key = ctx;
    wg_kv_item item;
    kv_value value;
    wg_code code = wg_kv_get(run, key->bytes, sizeof key->bytes, &item, err);
    if (code != WG_OK) return code;
    if (!take(&item, &value)) return WG_E_NOT_FOUND;
    kv_value_change(&value);
    return wg_kv_put_bytes(run, key->bytes, sizeof key->bytes, value.bytes, sizeof value.bytes, NULL, err);
}

static void our_rmw(void *session, const kv_key *key) {
    static const wg_retry_options serializable = {.txn = {.serializable = true}};
    our_session *s = session;
    wg_error err = {0};
    kv_key copy = *key;
    must(wg_run_transact(s->run, &serializable, change, &copy, NULL, &err), "rmw", &err);
}

static unsigned our_scan(void *session, const kv_key *from, kv_row *out) {
    our_session *s = session;
    wg_error err = {0};
    wg_kv_cursor *cursor = NULL;
    wg_kv_row rows[KV_SCAN_ROWS];
    uint32_t n = 0;
    const wg_kv_scan_options o = {.from = from->bytes, .from_size = sizeof from->bytes};
    must(wg_kv_scan(s->run, &o, &cursor, &err), "scan", &err);
    must(wg_kv_cursor_next(cursor, rows, KV_SCAN_ROWS, &n, &err), "next", &err);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out[i].key.bytes, rows[i].key.data, sizeof out[i].key.bytes);
        if (!take(&rows[i].item, &out[i].value)) kv_die("worldgraph: a row has another size");
    }
    wg_kv_cursor_close(cursor);
    return n;
}

static uint64_t our_append(void *session, const kv_value *event) {
    our_session *s = session;
    wg_error err = {0};
    uint64_t sequence = 0;
    const wg_value payload = {.type = WG_TYPE_BYTES, .size = sizeof event->bytes, .as.s = (const char *)event->bytes};
    must(wg_eventlog_append(s->run, "event", &payload, &sequence, &err), "append", &err);
    return sequence;
}

static uint64_t our_put_ticket(void *session, const kv_key *key, const kv_value *value) {
    our_session *s = session;
    wg_error err = {0};
    must(wg_run_set_durability(s->run, WG_STRICT, true, &err), "durability", &err);
    our_put(session, key, value);
    return wg_run_ticket(s->run);
}

static void our_ticket_wait(void *session, uint64_t ticket) {
    our_session *s = session;
    wg_error err = {0};
    must(wg_ticket_wait(s->run, ticket, &err), "ticket", &err);
}

/* ---- recovery: opening a workspace whose log was never cut */

typedef struct our_replay {
    char path[4096];
} our_replay;

static void *our_replay_prepare(const kv_options *options, uint64_t records, char why[KV_WHY_BYTES]) {
    (void)why;
    wg_error err = {0};
    our_db db = {0};
    our_replay *r = kv_alloc(sizeof *r);
    kv_path(r->path, sizeof r->path, options->dir, "replay");
    const wg_options o = {
        .create = true, .durability = WG_BUFFERED, .threads = 1, .checkpoint_log_bytes = UINT64_MAX};
    must(wg_open(r->path, &o, &db.db, &err), "open", &err);
    open_handles(&db);
    for (uint64_t i = 0; i < records; i++) {
        kv_key key;
        kv_value value;
        const uint64_t index = kv_below(kv_mix(i), options->keys_expected != 0 ? options->keys_expected : records);
        kv_key_make(index, &key);
        kv_value_make(index, 0, i, &value);
        must(wg_kv_put_bytes(db.run, key.bytes, sizeof key.bytes, value.bytes, sizeof value.bytes, NULL, &err), "put",
             &err);
    }
    wg_run_close(db.run);
    wg_session_close(db.session);
    must(wg_close(db.db, &err), "close", &err);
    return r;
}

/* Each put was a commit of the run, so its version says how many were applied. */
static uint64_t our_replay_run(void *prepared) {
    const our_replay *r = prepared;
    wg_error err = {0};
    our_db db = {0};
    wg_run_info info;
    const wg_options o = {.durability = WG_BUFFERED, .threads = 1, .checkpoint_log_bytes = UINT64_MAX};
    must(wg_open(r->path, &o, &db.db, &err), "open", &err);
    must(wg_session_open(db.db, &db.session, &err), "session", &err);
    must(wg_run_open(db.session, run_name, &db.run, &err), "run", &err);
    must(wg_run_get_info(db.run, &info, &err), "info", &err);
    const uint64_t version = info.version;
    wg_run_close(db.run);
    wg_session_close(db.session);
    must(wg_close(db.db, &err), "close", &err);
    return version;
}

static void our_replay_end(void *prepared) { free(prepared); }

const kv_driver kv_driver_worldgraph = {
    .name = "worldgraph",
    .settings = "public interface, one run, a session a thread",
    .traits = KV_NEAR | KV_STORES | KV_CHAINS | KV_CHAINS_ALWAYS | KV_KILLSAFE_TOO,
    .modes = 1u << KV_MEMORY | 1u << KV_BUFFERED | 1u << KV_KILLSAFE | 1u << KV_STRICT,
    .open = our_open,
    .close = our_close,
    .load = our_load,
    .session_open = our_session_open,
    .session_close = our_session_close,
    .get = our_get,
    .get_x16 = our_get_x16,
    .put = our_put,
    .rmw = our_rmw,
    .scan = our_scan,
    .append = our_append,
    .put_ticket = our_put_ticket,
    .ticket_wait = our_ticket_wait,
    .replay_prepare = our_replay_prepare,
    .replay = our_replay_run,
    .replay_end = our_replay_end,
};
