/* What tests of the state share: a state with epoch and lanes, and short words for keys and values. */
#ifndef WG_WORLDGRAPH_STATE_KIT_H
#define WG_WORLDGRAPH_STATE_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "worldgraph/state/state.h"

typedef struct state_kit {
    wg_account account;
    wg_epoch *epoch;
    wg_lanes *lanes;
    wg_state *state;
    wg_state_session *session;
    wg_state_run *run; /* number 1 */
    wg_buf drained;    /* redo bytes of all drains, in order */
    bool keep_drained;
    uint64_t logseq;
} state_kit;

/* Empties the rings as the engine's drain does, without a log. */
static inline void kit_drain(state_kit *kit) {
    static wg_lane_span spans[WG_LANES_MAX];
    uint64_t bytes = 0;
    wg_lanes_stop(kit->lanes);
    const uint32_t count = wg_lanes_cut(kit->lanes, ++kit->logseq, spans, &bytes);
    wg_lanes_go(kit->lanes);
    for (uint32_t i = 0; kit->keep_drained && i < count; i++)
        for (int p = 0; p < 2; p++)
            assert_true(wg_buf_append(&kit->drained, spans[i].pieces[p].data, spans[i].pieces[p].size));
    wg_lanes_drained(kit->lanes, spans, count);
    wg_lanes_durable(kit->lanes, spans, count);
}

static inline wg_code kit_drain_cb(void *ctx, wg_error *err) {
    (void)err;
    kit_drain(ctx);
    return WG_OK;
}

static inline void kit_open(state_kit *kit, bool has_rings, const wg_state_options *more) {
    wg_error err = {0};
    *kit = (state_kit){0};
    wg_account_init(&kit->account, NULL, 0);
    wg_buf_init(&kit->drained, NULL);
    assert_int_equal(wg_epoch_create(&kit->account, &kit->epoch, &err), WG_OK);
    const wg_lanes_options lanes = {.platform = wg_platform_real(),
                                    .account = &kit->account,
                                    .has_rings = has_rings,
                                    .ring_bytes = 1 << 16,
                                    .drain = kit_drain_cb,
                                    .ctx = kit};
    assert_int_equal(wg_lanes_create(&lanes, &kit->lanes, &err), WG_OK);
    wg_state_options options = more == NULL ? (wg_state_options){0} : *more;
    options.platform = wg_platform_real();
    options.account = &kit->account;
    options.epoch = kit->epoch;
    options.lanes = kit->lanes;
    assert_int_equal(wg_state_create(&options, &kit->state, &err), WG_OK);
    assert_int_equal(wg_state_session_open(kit->state, &kit->session, &err), WG_OK);
    const wg_run_origin origin = {.number = 1};
    assert_int_equal(wg_state_run_create(kit->state, &origin, &kit->run, &err), WG_OK);
}

static inline void kit_close(state_kit *kit) {
    wg_state_session_close(kit->session);
    wg_state_destroy(kit->state);
    wg_lanes_destroy(kit->lanes);
    wg_epoch_destroy(kit->epoch);
    wg_buf_deinit(&kit->drained);
    assert_int_equal(wg_account_bytes(&kit->account), 0);
}

static inline wg_state_key kit_key(const wg_state_run *run, const char *text) {
    return wg_state_key_of(run, wg_slice_str(text));
}
static inline wg_state_value kit_value(const char *text) {
    return (wg_state_value){.type = WG_TYPE_STRING, .bytes = wg_slice_str(text)};
}
static inline uint64_t kit_put(wg_state_session *session, wg_state_run *run, const char *key, const char *value) {
    wg_error err = {0};
    uint64_t version = 0;
    const wg_state_key k = kit_key(run, key);
    const wg_state_value v = kit_value(value);
    assert_int_equal(wg_state_put(session, run, &k, &v, WG_VERSION_ANY, 1000, &version, &err), WG_OK);
    return version;
}
static inline uint64_t kit_delete(wg_state_session *session, wg_state_run *run, const char *key) {
    wg_error err = {0};
    uint64_t version = 0;
    const wg_state_key k = kit_key(run, key);
    assert_int_equal(wg_state_delete(session, run, &k, WG_VERSION_ANY, 1000, &version, &err), WG_OK);
    return version;
}
/* The key shows `value` (NULL: absent) at the snapshot. */
static inline void kit_expect(wg_state_run *run, const char *key, uint64_t snapshot, const char *value) {
    wg_error err = {0};
    wg_state_cell cell = {0};
    const wg_state_key k = kit_key(run, key);
    const wg_code code = wg_state_get(NULL, run, &k, snapshot, 1000, &cell, &err);
    if (code != WG_OK) fail_msg("%s", err.message);
    if (value == NULL) {
        assert_int_equal(cell.version, 0);
    } else {
        assert_int_not_equal(cell.version, 0);
        assert_int_equal(cell.bytes.size, strlen(value));
        assert_memory_equal(cell.bytes.data, value, cell.bytes.size);
    }
    wg_state_cell_deinit(&cell);
}

#endif
