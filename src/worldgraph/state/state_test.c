/* The state against a naive map with all versions: reads at every snapshot, compare and set, transactions, long keys and values. */
#include "worldgraph/state/state_kit.h"

#include <stdlib.h>

/* ---- one key */

/* Goal: a put is read back with its version and time, an absent key has version 0, a delete makes it absent again. */
static void test_state_put_get_delete(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_state_cell cell = {0};
    const wg_state_key k = kit_key(kit.run, "a");
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, NULL);
    assert_int_equal(kit_delete(kit.session, kit.run, "a"), 0); /* commits nothing */
    assert_int_equal(kit_put(kit.session, kit.run, "a", "one"), 1);
    assert_int_equal(wg_state_get(kit.session, kit.run, &k, WG_LOGSEQ_NEVER, 1000, &cell, NULL), WG_OK);
    assert_int_equal(cell.version, 1);
    assert_int_equal(cell.time_us, 1000);
    assert_int_equal(cell.type, WG_TYPE_STRING);
    assert_int_equal(kit_put(kit.session, kit.run, "a", ""), 2);
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, "");
    assert_int_equal(kit_delete(kit.session, kit.run, "a"), 3);
    assert_int_equal(kit_delete(kit.session, kit.run, "a"), 0);
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, NULL);
    kit_expect(kit.run, "a", 1, "one");
    kit_expect(kit.run, "a", 2, "");
    kit_expect(kit.run, "a", 3, NULL);
    assert_int_equal(kit_put(kit.session, kit.run, "a", "again"), 4);
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, "again");
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* Goal: compare and set succeeds on the version that is there, names key and both versions otherwise, and changes nothing then. */
static void test_state_compare_and_set(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_error err = {0};
    uint64_t version = 0;
    const wg_state_key k = kit_key(kit.run, "counter");
    const wg_state_value v = kit_value("1");
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 7, 0, &version, &err), WG_E_CONFLICT);
    assert_non_null(strstr(err.message, "counter"));
    assert_non_null(strstr(err.message, "version 0, expected was 7"));
    wg_error_clear(&err);
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 0, 0, &version, &err), WG_OK);
    assert_int_equal(version, 1);
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 0, 0, &version, &err), WG_E_CONFLICT);
    wg_error_clear(&err);
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 1, 0, &version, &err), WG_OK);
    assert_int_equal(version, 2);
    assert_int_equal(wg_state_delete(kit.session, kit.run, &k, 1, 0, &version, &err), WG_E_CONFLICT);
    wg_error_clear(&err);
    assert_int_equal(wg_state_delete(kit.session, kit.run, &k, 2, 0, &version, &err), WG_OK);
    assert_int_equal(wg_state_run_newest(kit.run), 3);
    wg_state_metrics m;
    wg_state_metrics_get(kit.state, &m);
    assert_int_equal(m.commits, 3);
    assert_int_equal(m.conflicts, 3);
    kit_close(&kit);
}

/* Goal: keys and values of every size around the limits of a slot come back whole, and so do their older versions. */
static void test_state_sizes(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    static const size_t key_sizes[] = {1, 2, 3, 4, 5, 7, 8, 11, 12, 16, 20, 91, 92, 93, 100, 255, 256, 1024};
    static const size_t value_sizes[] = {0,  1,  3,   7,   8,   12,  24,  88,  95,   96,
                                         97, 99, 100, 101, 104, 115, 116, 117, 1000, 5000};
    uint8_t *bytes = malloc(8192);
    for (size_t i = 0; i < 8192; i++) bytes[i] = (uint8_t)(i * 31 + i / 256);
    wg_state_cell cell = {0};
    for (size_t k = 0; k < sizeof key_sizes / sizeof *key_sizes; k++) {
        const wg_state_key key = wg_state_key_of(kit.run, wg_slice_of(bytes, key_sizes[k]));
        uint64_t versions[64];
        for (size_t v = 0; v < sizeof value_sizes / sizeof *value_sizes; v++) {
            const wg_state_value value = {.type = WG_TYPE_BYTES,
                                          .bytes = wg_slice_of(bytes + v, value_sizes[v]),
                                          .expires_us = v % 3 == 0 ? UINT64_C(1) << 60 : 0};
            assert_int_equal(wg_state_put(kit.session, kit.run, &key, &value, WG_VERSION_ANY, v, &versions[v], NULL),
                             WG_OK);
        }
        for (size_t v = 0; v < sizeof value_sizes / sizeof *value_sizes; v++) {
            assert_int_equal(wg_state_get(kit.session, kit.run, &key, versions[v], 5, &cell, NULL), WG_OK);
            assert_int_equal(cell.version, versions[v]);
            assert_int_equal(cell.time_us, v);
            assert_int_equal(cell.expires_us, v % 3 == 0 ? UINT64_C(1) << 60 : 0);
            assert_int_equal(cell.bytes.size, value_sizes[v]);
            assert_memory_equal(cell.bytes.data, bytes + v, value_sizes[v]);
        }
    }
    wg_error err = {0};
    const wg_state_key none = wg_state_key_of(kit.run, wg_slice_of(bytes, 0));
    const wg_state_key large = wg_state_key_of(kit.run, wg_slice_of(bytes, 1025));
    const wg_state_value value = {.type = WG_TYPE_BYTES};
    assert_int_equal(wg_state_put(kit.session, kit.run, &none, &value, WG_VERSION_ANY, 0, NULL, &err), WG_E_LIMIT);
    assert_int_equal(wg_state_put(kit.session, kit.run, &large, &value, WG_VERSION_ANY, 0, NULL, NULL), WG_E_LIMIT);
    const wg_state_key key = wg_state_key_of(kit.run, wg_slice_of(bytes, 9));
    uint8_t *huge = calloc(1, 20000);
    const wg_state_value over = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(huge, 20000)}; /* the ring has 64 KiB */
    assert_true(wg_state_put_is_large(kit.session, &key, &over));
    assert_int_equal(wg_state_put(kit.session, kit.run, &key, &over, WG_VERSION_ANY, 0, NULL, NULL), WG_E_LIMIT);
    free(huge);
    free(bytes);
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* Goal: a value is there until it expires, then its key counts as absent everywhere. */
static void test_state_expiry(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_state_cell cell = {0};
    const wg_state_key k = kit_key(kit.run, "lease");
    wg_state_value v = kit_value("held");
    v.expires_us = 100;
    uint64_t version = 0;
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 0, 50, &version, NULL), WG_OK);
    assert_int_equal(wg_state_get(NULL, kit.run, &k, WG_LOGSEQ_NEVER, 99, &cell, NULL), WG_OK);
    assert_int_equal(cell.version, 1);
    assert_int_equal(wg_state_get(NULL, kit.run, &k, WG_LOGSEQ_NEVER, 100, &cell, NULL), WG_OK);
    assert_int_equal(cell.version, 0);
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 0, 99, &version, NULL), WG_E_CONFLICT);
    assert_int_equal(wg_state_delete(kit.session, kit.run, &k, WG_VERSION_ANY, 100, &version, NULL), WG_OK);
    assert_int_equal(version, 0); /* nothing to delete */
    assert_int_equal(wg_state_put(kit.session, kit.run, &k, &v, 0, 100, &version, NULL), WG_OK);
    assert_int_equal(version, 2);
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* ---- against a model */

enum { MODEL_KEYS = 400, MODEL_VERSIONS = 4000 };
typedef struct model {
    int32_t value[MODEL_KEYS]; /* -1: absent */
} model;

static wg_state_key model_key(const wg_state_run *run, uint32_t i, uint8_t *space) {
    const int n =
        snprintf((char *)space, 128,
                 i % 7 == 0 ? "a/%u/a-long-key-that-does-not-fit-into-a-slot-and-lies-in-a-block-of-its-own/"
                              "xxxxxxxxxxxxxxxxxxxxxxxxx/%u"
                            : "k%u/%u",
                 i, i * 7919);
    return wg_state_key_of(run, wg_slice_of(space, (size_t)n));
}

static wg_slice model_bytes(int32_t value, uint8_t *space) {
    const size_t n = (size_t)(value % 5 == 0 ? 200 : value % 90);
    memset(space, value & 255, 200);
    memcpy(space, &value, 4);
    return wg_slice_of(space, n + 4 > 200 ? 200 : n + 4);
}

static void model_check(const state_kit *kit, const model *m, uint64_t snapshot) {
    wg_state_cell cell = {0};
    for (uint32_t i = 0; i < MODEL_KEYS; i++) {
        uint8_t space[128], value[200];
        const wg_state_key key = model_key(kit->run, i, space);
        assert_int_equal(wg_state_get(NULL, kit->run, &key, snapshot, 0, &cell, NULL), WG_OK);
        if (m->value[i] < 0) {
            assert_int_equal(cell.version, 0);
            continue;
        }
        const wg_slice bytes = model_bytes(m->value[i], value);
        assert_int_equal(cell.bytes.size, bytes.size);
        assert_memory_equal(cell.bytes.data, bytes.data, bytes.size);
    }
    wg_state_cell_deinit(&cell);
}

/* One step on state and model: a put, a delete, or a transaction of several; sometimes one that conflicts and leaves nothing. */
static void model_step(state_kit *kit, model *m, wg_rng *rng) {
    uint8_t space[128], value[200];
    uint64_t version = 0;
    const uint32_t what = (uint32_t)wg_rng_below(rng, 10);
    if (what < 6) {
        const uint32_t i = (uint32_t)wg_rng_below(rng, MODEL_KEYS);
        const wg_state_key key = model_key(kit->run, i, space);
        const int32_t number = (int32_t)wg_rng_below(rng, 1 << 20);
        const wg_state_value v = {.type = WG_TYPE_BYTES, .bytes = model_bytes(number, value)};
        if (what < 4) {
            assert_int_equal(wg_state_put(kit->session, kit->run, &key, &v, WG_VERSION_ANY, 0, &version, NULL),
                             WG_OK);
            m->value[i] = number;
        } else {
            assert_int_equal(wg_state_delete(kit->session, kit->run, &key, WG_VERSION_ANY, 0, &version, NULL), WG_OK);
            m->value[i] = -1;
        }
        return;
    }
    wg_state_txn *txn = NULL;
    wg_state_cell cell = {0};
    model next = *m;
    assert_int_equal(wg_state_begin(kit->session, kit->run, (wg_state_isolation)(what % 2), 0, &txn, NULL), WG_OK);
    const uint32_t ops = 1 + (uint32_t)wg_rng_below(rng, what == 9 ? 100 : 6);
    for (uint32_t op = 0; op < ops; op++) {
        const uint32_t i = (uint32_t)wg_rng_below(rng, MODEL_KEYS);
        const wg_state_key key = model_key(kit->run, i, space);
        const int32_t number = (int32_t)wg_rng_below(rng, 1 << 20);
        assert_int_equal(wg_state_txn_get(txn, &key, &cell, NULL), WG_OK);
        assert_int_equal(cell.version != 0, next.value[i] >= 0);
        const wg_state_value v = {.type = WG_TYPE_BYTES, .bytes = model_bytes(number, value)};
        if (number % 3 == 0) assert_int_equal(wg_state_txn_delete(txn, &key, WG_VERSION_ANY, NULL), WG_OK);
        else assert_int_equal(wg_state_txn_put(txn, &key, &v, WG_VERSION_ANY, NULL), WG_OK);
        next.value[i] = number % 3 == 0 ? -1 : number;
        assert_int_equal(wg_state_txn_get(txn, &key, &cell, NULL), WG_OK); /* own writes */
        assert_int_equal(cell.version, next.value[i] >= 0 ? WG_VERSION_OWN : 0);
    }
    wg_state_cell_deinit(&cell);
    if (what == 7) {
        wg_state_abort(txn);
        return;
    }
    assert_int_equal(wg_state_commit(txn, &version, NULL, NULL), WG_OK);
    *m = next;
}

/* Goal: after thousands of puts, deletions and transactions every snapshot shows exactly what the model had then. */
static void test_state_follows_a_model_at_every_snapshot(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_rng rng;
    wg_rng_init(&rng, 4711);
    model *models = malloc((MODEL_VERSIONS + 8) * sizeof *models);
    for (uint32_t i = 0; i < MODEL_KEYS; i++) models[0].value[i] = -1;
    model m = models[0];
    uint64_t newest = 0;
    while (newest < MODEL_VERSIONS) {
        model_step(&kit, &m, &rng);
        const uint64_t version = wg_state_run_newest(kit.run);
        assert_true(version <= newest + 1);
        models[version] = m;
        newest = version;
        if (newest % 512 == 0) (void)wg_state_collect(kit.state);
    }
    model_check(&kit, &m, WG_LOGSEQ_NEVER);
    for (uint64_t v = wg_state_run_horizon(kit.run); v <= newest; v += 37) model_check(&kit, &models[v], v);
    free(models);
    kit_close(&kit);
}

/* Goal: a table of many keys, after hundreds of splits, has every one of them, and counts them. */
static void test_state_many_keys(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, false, NULL);
    enum { N = 200000 };
    for (uint32_t i = 0; i < N; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key-%u", i);
        kit_put(kit.session, kit.run, key, key);
    }
    wg_state_cell *cells = calloc(64, sizeof *cells);
    for (uint32_t i = 0; i < N; i += 64) {
        char text[64][32];
        wg_state_key keys[64];
        for (uint32_t j = 0; j < 64; j++) {
            (void)snprintf(text[j], sizeof text[j], "key-%u", i + j);
            keys[j] = kit_key(kit.run, text[j]);
        }
        assert_int_equal(wg_state_get_many(kit.session, kit.run, keys, 64, WG_LOGSEQ_NEVER, 0, cells, NULL), WG_OK);
        for (uint32_t j = 0; j < 64; j++) assert_true(wg_slice_is(cells[j].bytes, text[j]));
    }
    free(cells);
    wg_state_metrics m;
    wg_state_metrics_get(kit.state, &m);
    assert_int_equal(m.keys, N);
    assert_true(m.splits > 100);
    kit_close(&kit);
}

/* ---- transactions */

/* Goal: a transaction whose read key was changed conflicts, one that wrote blindly does not, and reading one's own snapshot is stable. */
static void test_state_transactions_check_what_they_read(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_state_session *other = NULL;
    wg_error err = {0};
    wg_state_txn *txn = NULL;
    wg_state_cell cell = {0};
    uint64_t version = 0;
    assert_int_equal(wg_state_session_open(kit.state, &other, &err), WG_OK);
    const wg_state_key a = kit_key(kit.run, "a"), b = kit_key(kit.run, "b");
    const wg_state_value v = kit_value("mine");
    kit_put(kit.session, kit.run, "a", "1");
    assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_get(txn, &a, &cell, &err), WG_OK);
    kit_put(other, kit.run, "a", "2");
    assert_int_equal(wg_state_txn_get(txn, &a, &cell, &err), WG_OK);
    assert_true(wg_slice_is(cell.bytes, "1")); /* the snapshot */
    assert_int_equal(wg_state_txn_put(txn, &b, &v, WG_VERSION_ANY, &err), WG_OK);
    assert_int_equal(wg_state_commit(txn, &version, NULL, &err), WG_E_CONFLICT);
    kit_expect(kit.run, "b", WG_LOGSEQ_NEVER, NULL);
    wg_error_clear(&err);
    assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_put(txn, &b, &v, WG_VERSION_ANY, &err), WG_OK);
    kit_put(other, kit.run, "b", "theirs");
    assert_int_equal(wg_state_commit(txn, &version, NULL, &err), WG_OK); /* the last one wins */
    kit_expect(kit.run, "b", WG_LOGSEQ_NEVER, "mine");
    assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    const wg_state_key c = kit_key(kit.run, "c");
    assert_int_equal(wg_state_txn_get(txn, &c, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 0);
    kit_put(other, kit.run, "c", "now there");
    assert_int_equal(wg_state_txn_put(txn, &a, &v, WG_VERSION_ANY, &err), WG_OK);
    assert_int_equal(wg_state_commit(txn, &version, NULL, &err), WG_E_CONFLICT); /* absence was read */
    wg_state_cell_deinit(&cell);
    wg_state_session_close(other);
    kit_close(&kit);
}

/* Goal: events and keys of one transaction have one version; the length of the log that was read is checked. */
static void test_state_events_in_transactions(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_error err = {0};
    wg_state_txn *txn = NULL;
    uint64_t sequence = 9, version = 0, first = 9;
    const wg_state_key a = kit_key(kit.run, "a");
    const wg_state_value v = kit_value("x");
    assert_int_equal(wg_state_append(kit.session, kit.run, wg_slice_str("t"), &v, 5, &sequence, &version, &err),
                     WG_OK);
    assert_int_equal(sequence, 0);
    assert_int_equal(version, 1);
    assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SERIALIZABLE, 6, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_put(txn, &a, &v, WG_VERSION_ANY, &err), WG_OK);
    assert_int_equal(wg_state_txn_append(txn, wg_slice_str("t"), &v, &sequence, &err), WG_OK);
    assert_int_equal(sequence, 1);
    assert_int_equal(wg_state_txn_append(txn, wg_slice_str("u"), &v, &sequence, &err), WG_OK);
    assert_int_equal(sequence, 2);
    assert_int_equal(wg_state_commit(txn, &version, &first, &err), WG_OK);
    assert_int_equal(version, 2);
    assert_int_equal(first, 1);
    wg_event event;
    assert_int_equal(wg_events_count(wg_state_run_events(kit.run), 1), 1);
    assert_int_equal(wg_events_count(wg_state_run_events(kit.run), 2), 3);
    assert_int_equal(wg_events_read(wg_state_run_events(kit.run), 2, &event, &err), WG_OK);
    assert_true(wg_slice_is(event.type, "u"));
    wg_state_session *other = NULL;
    assert_int_equal(wg_state_session_open(kit.state, &other, &err), WG_OK);
    assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SERIALIZABLE, 6, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_append(txn, wg_slice_str("t"), &v, &sequence, &err), WG_OK);
    assert_int_equal(wg_state_append(other, kit.run, wg_slice_str("t"), &v, 5, NULL, NULL, &err), WG_OK);
    assert_int_equal(wg_state_commit(txn, &version, &first, &err), WG_E_CONFLICT);
    assert_int_equal(wg_events_count(wg_state_run_events(kit.run), WG_LOGSEQ_NEVER), 4);
    wg_state_session_close(other);
    kit_close(&kit);
}

/* Goal: a commit through the engine is invisible until it is applied, leaves nothing when abandoned, and its redo record replays. */
static void test_state_prepared_commits(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_error err = {0};
    wg_state_txn *txn = NULL;
    wg_buf redo = {0};
    uint64_t version = 0, first = 0;
    uint8_t *large = calloc(1, 100000);
    const wg_state_value v = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(large, 100000)};
    const wg_state_key a = kit_key(kit.run, "a");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SNAPSHOT, 7, &txn, &err), WG_OK);
        assert_int_equal(wg_state_txn_put(txn, &a, &v, WG_VERSION_ANY, &err), WG_OK);
        assert_int_equal(wg_state_txn_append(txn, wg_slice_str("made"), &v, NULL, &err), WG_OK);
        assert_true(wg_state_txn_is_large(txn));
        redo.size = 0;
        wg_lanes_stop(kit.lanes);
        assert_int_equal(wg_state_commit_prepare(txn, &redo, &version, &err), WG_OK);
        assert_int_equal(version, 1);
        kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, NULL);
        assert_int_equal(wg_state_run_newest(kit.run), 0);
        if (i == 0) wg_state_commit_abandon(txn);
        else wg_state_commit_apply(txn, &first);
        wg_lanes_go(kit.lanes);
    }
    assert_int_equal(wg_state_run_newest(kit.run), 1);
    wg_state_cell cell = {0};
    assert_int_equal(wg_state_get(NULL, kit.run, &a, 1, 0, &cell, &err), WG_OK);
    assert_int_equal(cell.bytes.size, 100000);
    assert_int_equal(wg_events_count(wg_state_run_events(kit.run), 1), 1);
    wg_state_cell_deinit(&cell);
    wg_buf_deinit(&redo);
    free(large);
    kit_close(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_put_get_delete),
        cmocka_unit_test(test_state_compare_and_set),
        cmocka_unit_test(test_state_sizes),
        cmocka_unit_test(test_state_expiry),
        cmocka_unit_test(test_state_follows_a_model_at_every_snapshot),
        cmocka_unit_test(test_state_many_keys),
        cmocka_unit_test(test_state_transactions_check_what_they_read),
        cmocka_unit_test(test_state_events_in_transactions),
        cmocka_unit_test(test_state_prepared_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
