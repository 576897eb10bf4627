/* worldgraph_engine: the state of agents below the public interface, in memory and without rings. What the public interface costs on top is goal
 * D1; what this itself costs above the floor is what a state with versions, history, transactions and order costs. */
#include <stdlib.h>

#include "kv_bench.h"
#include "worldgraph/state/state.h"

typedef struct engine_db {
    wg_epoch *epoch;
    wg_lanes *lanes;
    wg_state *state;
    wg_state_run *run;
} engine_db;

typedef struct engine_session {
    engine_db *db;
    wg_state_session *session;
    wg_state_cell cell;
    wg_state_cell cells[KV_BATCH];
    wg_error err;
} engine_session;

static void check(wg_code code, const wg_error *err) {
    if (code != WG_OK) kv_die("worldgraph_engine: %s", err->message);
}

static void *engine_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    (void)options;
    (void)why;
    wg_error err = {0};
    engine_db *db = kv_alloc(sizeof *db);
    check(wg_epoch_create(NULL, &db->epoch, &err), &err);
    const wg_lanes_options lanes = {.platform = wg_platform_real()};
    check(wg_lanes_create(&lanes, &db->lanes, &err), &err);
    const wg_state_options state = {.platform = wg_platform_real(), .epoch = db->epoch, .lanes = db->lanes};
    check(wg_state_create(&state, &db->state, &err), &err);
    const wg_run_origin origin = {.number = 1};
    check(wg_state_run_create(db->state, &origin, &db->run, &err), &err);
    return db;
}

static void engine_close(void *handle) {
    engine_db *db = handle;
    wg_state_destroy(db->state);
    wg_lanes_destroy(db->lanes);
    wg_epoch_destroy(db->epoch);
    free(db);
}

static void *engine_session_open(void *handle) {
    wg_error err = {0};
    engine_session *s = kv_alloc(sizeof *s);
    s->db = handle;
    check(wg_state_session_open(s->db->state, &s->session, &err), &err);
    return s;
}

static void engine_session_close(void *handle) {
    engine_session *s = handle;
    wg_state_session_close(s->session);
    wg_state_cell_deinit(&s->cell);
    for (unsigned i = 0; i < KV_BATCH; i++) wg_state_cell_deinit(&s->cells[i]);
    free(s);
}

static inline wg_state_key key_of(const engine_session *s, const kv_key *key) {
    return wg_state_key_of(s->db->run, wg_slice_of(key->bytes, sizeof key->bytes));
}

static inline wg_state_value value_of(const kv_value *value) {
    return (wg_state_value){.type = WG_TYPE_BYTES, .bytes = wg_slice_of(value->bytes, sizeof value->bytes)};
}

static bool engine_get(void *handle, const kv_key *key, kv_value *out) {
    engine_session *s = handle;
    const wg_state_key k = key_of(s, key);
    check(wg_state_get(s->session, s->db->run, &k, WG_LOGSEQ_NEVER, 1, &s->cell, &s->err), &s->err);
    if (s->cell.version == 0) return false;
    memcpy(out->bytes, s->cell.bytes.data, sizeof out->bytes);
    return true;
}

static bool engine_get_x16(void *handle, const kv_key *keys, kv_value *out) {
    engine_session *s = handle;
    wg_state_key k[KV_BATCH];
    bool found = true;
    for (unsigned i = 0; i < KV_BATCH; i++) k[i] = key_of(s, &keys[i]);
    check(wg_state_get_many(s->session, s->db->run, k, KV_BATCH, WG_LOGSEQ_NEVER, 1, s->cells, &s->err), &s->err);
    for (unsigned i = 0; i < KV_BATCH; i++) {
        if (s->cells[i].version == 0) found = false;
        else memcpy(out[i].bytes, s->cells[i].bytes.data, sizeof out[i].bytes);
    }
    return found;
}

static void engine_put(void *handle, const kv_key *key, const kv_value *value) {
    engine_session *s = handle;
    const wg_state_key k = key_of(s, key);
    const wg_state_value v = value_of(value);
    check(wg_state_put(s->session, s->db->run, &k, &v, WG_VERSION_ANY, 1, NULL, &s->err), &s->err);
}

static void engine_rmw(void *handle, const kv_key *key) {
    engine_session *s = handle;
    wg_state_txn *txn = NULL;
    kv_value value;
    const wg_state_key k = key_of(s, key);
    check(wg_state_begin(s->session, s->db->run, WG_STATE_SERIALIZABLE, 1, &txn, &s->err), &s->err);
    check(wg_state_txn_get(txn, &k, &s->cell, &s->err), &s->err);
    memcpy(value.bytes, s->cell.bytes.data, sizeof value.bytes);
    kv_value_change(&value);
    const wg_state_value v = value_of(&value);
    check(wg_state_txn_put(txn, &k, &v, WG_VERSION_ANY, &s->err), &s->err);
    check(wg_state_commit(txn, NULL, NULL, &s->err), &s->err);
}

static unsigned engine_scan(void *handle, const kv_key *from, kv_row *out) {
    engine_session *s = handle;
    wg_state_scan *scan = NULL;
    wg_state_row rows[KV_SCAN_ROWS];
    uint32_t n = 0, total = 0;
    const wg_state_range range = {.from = wg_slice_of(from->bytes, sizeof from->bytes)};
    check(wg_state_scan_open(s->session, s->db->run, &range, WG_LOGSEQ_NEVER, 1, &scan, &s->err), &s->err);
    do {
        check(wg_state_scan_next(scan, rows, KV_SCAN_ROWS - total, &n, &s->err), &s->err);
        for (uint32_t i = 0; i < n; i++) {
            memcpy(out[total + i].key.bytes, rows[i].key.data, KV_KEY_BYTES);
            memcpy(out[total + i].value.bytes, rows[i].value.data, KV_VALUE_BYTES);
        }
        total += n;
    } while (n != 0 && total < KV_SCAN_ROWS);
    wg_state_scan_close(scan);
    return total;
}

static uint64_t engine_append(void *handle, const kv_value *event) {
    engine_session *s = handle;
    uint64_t sequence = 0;
    const wg_state_value v = value_of(event);
    check(wg_state_append(s->session, s->db->run, wg_slice_str("event"), &v, 1, &sequence, NULL, &s->err), &s->err);
    return sequence;
}

static void engine_load(void *handle, uint64_t count) {
    engine_session *s = engine_session_open(handle);
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        engine_put(s, &key, &value);
    }
    engine_session_close(s);
}

const kv_driver kv_driver_worldgraph_engine = {.name = "worldgraph_engine",
                                               .settings = "the state below the public interface, no rings",
                                               .traits = KV_NEAR | KV_STORES,
                                               .modes = 1u << KV_MEMORY,
                                               .open = engine_open,
                                               .close = engine_close,
                                               .load = engine_load,
                                               .session_open = engine_session_open,
                                               .session_close = engine_session_close,
                                               .get = engine_get,
                                               .get_x16 = engine_get_x16,
                                               .put = engine_put,
                                               .rmw = engine_rmw,
                                               .scan = engine_scan,
                                               .append = engine_append};
