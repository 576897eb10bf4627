/* worldgraph below its public header: worldgraph/state with lanes that keep no redo: what a put and a get cost without the facade. In memory only;
 * the figure that the facade's cost is taken from. */
#include <stdlib.h>

#include "kv_bench.h"
#include "worldgraph/state/state.h"

typedef struct core_db {
    wg_account account;
    wg_epoch *epoch;
    wg_lanes *lanes;
    wg_state *state;
    wg_state_run *run;
} core_db;

typedef struct core_session {
    wg_state_session *session;
    wg_state_run *run;
    wg_state_cell cell;
} core_session;

static void must(wg_code code, const char *what, const wg_error *err) {
    if (code != WG_OK) kv_die("worldgraph_engine: %s: %s", what, err->message);
}

static void *core_open(const kv_options *options, char why[KV_WHY_BYTES]) {
    wg_error err = {0};
    core_db *db = kv_alloc(sizeof *db);
    (void)options;
    (void)why;
    wg_account_init(&db->account, NULL, 0);
    must(wg_epoch_create(&db->account, &db->epoch, &err), "epoch", &err);
    const wg_lanes_options lanes = {.platform = wg_platform_real(), .account = &db->account};
    must(wg_lanes_create(&lanes, &db->lanes, &err), "lanes", &err);
    const wg_state_options state = {
        .platform = wg_platform_real(), .account = &db->account, .epoch = db->epoch, .lanes = db->lanes};
    must(wg_state_create(&state, &db->state, &err), "state", &err);
    const wg_run_origin origin = {.number = 1};
    must(wg_state_run_create(db->state, &origin, &db->run, &err), "run", &err);
    return db;
}

static void core_close(void *handle) {
    core_db *db = handle;
    wg_state_destroy(db->state);
    wg_lanes_destroy(db->lanes);
    wg_epoch_destroy(db->epoch);
    free(db);
}

static void *core_session_open(void *handle) {
    const core_db *db = handle;
    wg_error err = {0};
    core_session *s = kv_alloc(sizeof *s);
    s->run = db->run;
    must(wg_state_session_open(db->state, &s->session, &err), "session", &err);
    return s;
}

static void core_session_close(void *session) {
    core_session *s = session;
    wg_state_cell_deinit(&s->cell);
    wg_state_session_close(s->session);
    free(s);
}

static void core_put(void *session, const kv_key *key, const kv_value *value) {
    core_session *s = session;
    wg_error err = {0};
    const wg_state_key k = wg_state_key_of(s->run, wg_slice_of(key->bytes, sizeof key->bytes));
    const wg_state_value v = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(value->bytes, sizeof value->bytes)};
    const uint64_t now_us = wg_platform_real()->ops->wall_coarse_us(wg_platform_real());
    must(wg_state_put(s->session, s->run, &k, &v, WG_VERSION_ANY, now_us, NULL, &err), "put", &err);
}

static void core_load(void *handle, uint64_t count) {
    void *session = core_session_open(handle);
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(i, &key);
        kv_value_first(i, &value);
        core_put(session, &key, &value);
    }
    core_session_close(session);
}

static bool core_get(void *session, const kv_key *key, kv_value *out) {
    core_session *s = session;
    wg_error err = {0};
    const wg_state_key k = wg_state_key_of(s->run, wg_slice_of(key->bytes, sizeof key->bytes));
    must(wg_state_get(s->session, s->run, &k, WG_LOGSEQ_NEVER, 0, &s->cell, &err), "get", &err);
    if (s->cell.version == 0 || s->cell.bytes.size != sizeof out->bytes) return false;
    memcpy(out->bytes, s->cell.bytes.data, sizeof out->bytes);
    return true;
}

const kv_driver kv_driver_worldgraph_engine = {
    .name = "worldgraph_engine",
    .settings = "worldgraph/state alone",
    .traits = KV_NEAR | KV_STORES | KV_FLOOR,
    .modes = 1u << KV_MEMORY,
    .open = core_open,
    .close = core_close,
    .load = core_load,
    .session_open = core_session_open,
    .session_close = core_session_close,
    .get = core_get,
    .put = core_put,
};
