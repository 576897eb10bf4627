/* Agents' state beside its maintenance: threads commit in runs of their own and read their past while checkpoints, merges and housekeeping go on;
 * nothing that was committed is missing then or after an open. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "engine/engine.h"
#include "io/platform/platform.h"

enum { WRITERS = 3, COMMITS = 3000, KEYS = 50 };

#define OK(call)                                                                              \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

typedef struct shared {
    wg_engine *engine;
    _Atomic uint32_t left; /* writers */
} shared;

typedef struct writer {
    shared *s;
    uint32_t run;
    uint64_t version;
} writer;

static wg_slice key_text(uint64_t k, char out[16]) {
    return wg_slice_of(out, (size_t)snprintf(out, 16, "k%02u", (unsigned)k));
}

/* Version v of a run puts v under key v mod KEYS, and each third appends v. */
static void check_key(const writer *w, uint64_t at, uint64_t k) {
    wg_state_run *run = wg_state_run_at(wg_engine_state(w->s->engine), w->run);
    char text[16];
    const wg_state_key key = wg_state_key_of(run, key_text(k, text));
    wg_state_cell cell = {0};
    const wg_code code = wg_engine_state_get_at(w->s->engine, run, &key, at, 1, &cell, NULL);
    const uint64_t back = at % KEYS >= k ? at % KEYS - k : at % KEYS + KEYS - k;
    const uint64_t expected = back < at ? at - back : 0;
    WG_ASSERT(code == WG_OK);
    WG_ASSERT(cell.version == expected);
    WG_ASSERT(expected == 0 || (cell.bytes.size == 8 && wg_load_u64le(cell.bytes.data) == expected));
    wg_state_cell_deinit(&cell);
}

static void write_all(void *arg) {
    writer *w = arg;
    wg_engine *e = w->s->engine;
    wg_state_session *session = NULL;
    wg_rng rng;
    char text[16];
    wg_rng_init(&rng, w->run);
    WG_ASSERT(wg_state_session_open(wg_engine_state(e), &session, NULL) == WG_OK);
    wg_state_run *run = wg_state_run_at(wg_engine_state(e), w->run);
    for (uint64_t v = 1; v <= COMMITS; v++) {
        uint8_t bytes[8];
        wg_store_u64le(bytes, v);
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(bytes, 8)};
        const wg_state_key key = wg_state_key_of(run, key_text(v % KEYS, text));
        wg_state_txn *txn = NULL;
        uint64_t version = 0;
        WG_ASSERT(wg_state_begin(session, run, WG_STATE_SNAPSHOT, v, &txn, NULL) == WG_OK);
        WG_ASSERT(wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, NULL) == WG_OK);
        if (v % 3 == 0) WG_ASSERT(wg_state_txn_append(txn, wg_slice_str("third"), &value, NULL, NULL) == WG_OK);
        WG_ASSERT(wg_state_commit(txn, &version, NULL, NULL) == WG_OK);
        WG_ASSERT(version == v);
        wg_engine_state_notice(e, wg_state_session_lane(session));
        if (v % 8 == 0) check_key(w, 1 + wg_rng_below(&rng, v), wg_rng_below(&rng, KEYS));
    }
    w->version = COMMITS;
    wg_state_session_close(session);
    atomic_fetch_sub(&w->s->left, 1);
}

static void maintain(void *arg) {
    shared *s = arg;
    for (uint32_t i = 0; atomic_load(&s->left) > 0; i++) {
        WG_ASSERT(wg_engine_checkpoint(s->engine, NULL, NULL) == WG_OK);
        const wg_compact_options o = {.everything = i % 3 == 0};
        if (i % 2 == 0) WG_ASSERT(wg_engine_compact(s->engine, &o, NULL, NULL, NULL, NULL) == WG_OK);
        for (uint32_t n = 1; n <= WRITERS; n++) {
            wg_events *events = wg_state_run_events(wg_state_run_at(wg_engine_state(s->engine), n));
            const uint64_t count = wg_events_count(events, WG_LOGSEQ_NEVER);
            wg_sha256 hash;
            if (count != 0) WG_ASSERT(wg_events_hash(events, count - 1, &hash, NULL) == WG_OK);
        }
        (void)wg_state_collect(wg_engine_state(s->engine));
    }
}

static wg_engine *open_on(wg_platform *disk) {
    const wg_engine_options o = {.platform = disk,
                                 .options = {.create = true, .durability = WG_BUFFERED, .sync_interval_ms = 5},
                                 .wal_segment_bytes = 1 << 16};
    wg_engine *engine = NULL;
    OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

static void check_all(const writer *writers) {
    wg_engine *e = writers[0].s->engine;
    for (uint32_t i = 0; i < WRITERS; i++) {
        wg_state_run *run = wg_state_run_at(wg_engine_state(e), writers[i].run);
        assert_int_equal(wg_state_run_newest(run), COMMITS);
        for (uint64_t k = 0; k < KEYS; k++) {
            check_key(&writers[i], COMMITS, k);
            check_key(&writers[i], COMMITS / 3, k);
        }
        wg_events_report report;
        wg_events *events = wg_state_run_events(run);
        assert_int_equal(wg_events_count(events, WG_LOGSEQ_NEVER), COMMITS / 3);
        OK(wg_events_verify(events, COMMITS / 3, &report, err));
        assert_true(report.valid);
    }
}

static void test_state_threads_commit_beside_maintenance(void **state) {
    /* Goal: see the top. */
    (void)state;
    wg_platform *disk = NULL;
    OK(wg_platform_sim_create(1, &disk, err));
    shared s = {.engine = open_on(disk)};
    atomic_init(&s.left, WRITERS);
    writer writers[WRITERS];
    wg_thread threads[WRITERS + 1];
    for (uint32_t i = 0; i < WRITERS; i++) {
        const wg_run_change change = {.origin = {.number = UINT32_MAX}};
        wg_mixed_result result;
        OK(wg_engine_commit_mixed(s.engine, &(wg_mixed_commit){.change = &change, .change_count = 1}, &result, err));
        writers[i] = (writer){.s = &s, .run = result.run_number};
    }
    for (uint32_t i = 0; i < WRITERS; i++) OK(wg_thread_start(&threads[i], write_all, &writers[i], err));
    OK(wg_thread_start(&threads[WRITERS], maintain, &s, err));
    for (uint32_t i = 0; i <= WRITERS; i++) wg_thread_join(&threads[i]);
    check_all(writers);
    OK(wg_engine_close(s.engine, err));
    s.engine = open_on(disk);
    check_all(writers);
    OK(wg_engine_close(s.engine, err));
    wg_verify_report report;
    OK(wg_engine_verify(disk, "/ws", &report, err));
    wg_platform_sim_destroy(disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_state_threads_commit_beside_maintenance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
