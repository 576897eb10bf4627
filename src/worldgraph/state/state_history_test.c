/* What stays readable: the bound of history, pins, forks, drops, purging; and what a log and a checkpoint bring back. */
#include "worldgraph/state/state_kit.h"

#include <stdlib.h>

#include "worldgraph/wal/wal.h"

static void put_number(state_kit *kit, wg_state_run *run, uint32_t key, uint32_t n) {
    char k[32], v[64];
    (void)snprintf(k, sizeof k, "key/%u", key);
    (void)snprintf(v, sizeof v, "value %u of %u, made long enough to fill history", n, key);
    kit_put(kit->session, run, k, v);
}

static void expect_number(wg_state_run *run, uint32_t key, uint64_t snapshot, uint32_t n) {
    char k[32], v[64];
    (void)snprintf(k, sizeof k, "key/%u", key);
    (void)snprintf(v, sizeof v, "value %u of %u, made long enough to fill history", n, key);
    kit_expect(run, k, snapshot, v);
}

static const wg_state_options small_history = {.history_bytes_max = 1 << 20};

/* Goal: overwriting for ever keeps history within its bound, needs no memory any more, and an old snapshot is WG_E_EXPIRED, never another value. */
static void test_history_is_bounded(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, &small_history);
    uint64_t calls = 0;
    for (uint32_t n = 0; n < 60000; n++) {
        if (n == 30000) calls = wg_memory_calls();
        put_number(&kit, kit.run, n % 10, n);
    }
    assert_int_equal(wg_memory_calls(), calls);
    wg_state_metrics m;
    wg_state_metrics_get(kit.state, &m);
    assert_in_range(m.history_bytes, 1, 2 << 20);
    assert_true(m.history_forgotten > 30000);
    const uint64_t horizon = wg_state_run_horizon(kit.run);
    assert_in_range(horizon, 30000, 60000);
    wg_error err = {0};
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(kit.run, "key/3");
    assert_int_equal(wg_state_get(NULL, kit.run, &key, 100, 0, &cell, &err), WG_E_EXPIRED);
    assert_non_null(strstr(err.message, "version 100"));
    for (uint64_t v = horizon; v <= 60000; v += 501) /* version v wrote n = v - 1 */
        for (uint32_t k = 0; k < 10; k++) {
            uint32_t n = (uint32_t)v - 1;
            while (n % 10 != k) n--;
            expect_number(kit.run, k, v, n);
        }
    wg_state_pin pin;
    wg_error_clear(&err);
    assert_int_equal(wg_state_pin_acquire(kit.session, kit.run, 100, &pin, &err), WG_E_EXPIRED);
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* Goal: what a pin sees outlives the bound (values, deletions and absences), one record a key; released, it goes. */
static void test_history_keeps_what_pins_see(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, &small_history);
    for (uint32_t k = 0; k < 10; k++) put_number(&kit, kit.run, k, 1);
    kit_delete(kit.session, kit.run, "key/7");
    wg_state_pin pin;
    wg_error err = {0};
    assert_int_equal(wg_state_pin_acquire(kit.session, kit.run, WG_LOGSEQ_NEVER, &pin, &err), WG_OK);
    assert_int_equal(pin.version, 11);
    wg_state_session *other = NULL; /* its chunks are forgotten in another order */
    assert_int_equal(wg_state_session_open(kit.state, &other, &err), WG_OK);
    for (uint32_t n = 2; n < 40000; n++) {
        put_number(&kit, kit.run, n % 12, n); /* 10 and 11 are new */
        if (n % 1000 == 0) kit_put(other, kit.run, "key/3", "by another");
    }
    wg_state_session_close(other);
    for (uint32_t k = 0; k < 12; k++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key/%u", k);
        if (k >= 10 || k == 7) kit_expect(kit.run, key, pin.version, NULL);
        else expect_number(kit.run, k, pin.version, 1);
    }
    const wg_state_key key = kit_key(kit.run, "key/3");
    wg_state_cell cell = {0};
    const uint64_t pinned = pin.version;
    wg_state_pin_release(&pin);
    while (wg_state_collect(kit.state)) {}
    assert_int_equal(wg_state_get(NULL, kit.run, &key, pinned, 0, &cell, &err), WG_E_EXPIRED);
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* Goal: large values in history are released with it and count towards its bound. */
static void test_history_releases_large_values(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, false, &small_history);
    uint8_t *bytes = calloc(1, 100000);
    const wg_state_key key = kit_key(kit.run, "large");
    for (uint32_t n = 0; n < 500; n++) {
        memcpy(bytes, &n, sizeof n);
        const wg_state_value v = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(bytes, 100000)};
        assert_int_equal(wg_state_put(kit.session, kit.run, &key, &v, WG_VERSION_ANY, 0, NULL, NULL), WG_OK);
    }
    wg_state_metrics m;
    wg_state_metrics_get(kit.state, &m);
    assert_in_range(m.large_bytes, 100000, 6 << 20);
    free(bytes);
    kit_close(&kit);
}

/* ---- forks */

static wg_state_run *fork_of(state_kit *kit, uint32_t number, const wg_state_run *parent, uint64_t version) {
    wg_state_run *run = NULL;
    wg_error err = {0};
    const wg_run_origin origin = {.number = number,
                                  .parent = wg_state_run_origin(parent)->number,
                                  .fork_version = version,
                                  .fork_events = wg_events_count(wg_state_run_events(parent), version)};
    assert_int_equal(wg_state_run_create(kit->state, &origin, &run, &err), WG_OK);
    return run;
}

/* Goal: a fork shows its parent as it was at the fork whatever the parent does later, its own changes stay its own, and versions go on. */
static void test_fork_sees_its_parent_at_the_fork(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, &small_history);
    wg_error err = {0};
    uint64_t version = 0;
    for (uint32_t k = 0; k < 10; k++) put_number(&kit, kit.run, k, 1);
    wg_state_run *child = fork_of(&kit, 2, kit.run, 10);
    wg_state_run *grandchild = fork_of(&kit, 3, child, 10);
    for (uint32_t n = 2; n < 30000; n++) put_number(&kit, kit.run, n % 10, n);
    for (uint32_t k = 0; k < 10; k++) {
        expect_number(child, k, WG_LOGSEQ_NEVER, 1);
        expect_number(grandchild, k, WG_LOGSEQ_NEVER, 1);
    }
    const wg_state_key key = kit_key(child, "key/4");
    const wg_state_value v = kit_value("mine");
    assert_int_equal(wg_state_put(kit.session, child, &key, &v, 4, 0, &version, &err), WG_E_CONFLICT);
    wg_error_clear(&err);
    assert_int_equal(wg_state_put(kit.session, child, &key, &v, 5, 0, &version, &err),
                     WG_OK); /* the parent's version */
    assert_int_equal(version, 11);
    assert_int_equal(kit_delete(kit.session, child, "key/5"), 12);
    assert_int_equal(kit_delete(kit.session, child, "key/5"), 0);
    kit_expect(child, "key/4", WG_LOGSEQ_NEVER, "mine");
    kit_expect(child, "key/5", WG_LOGSEQ_NEVER, NULL);
    expect_number(child, 5, 11, 1);
    expect_number(child, 4, 10, 1);
    expect_number(grandchild, 4, WG_LOGSEQ_NEVER, 1);
    wg_state_txn *txn = NULL; /* reads through the parent are checked, too */
    wg_state_cell cell = {0};
    const wg_state_key six = kit_key(child, "key/6");
    wg_state_session *other = NULL;
    assert_int_equal(wg_state_session_open(kit.state, &other, &err), WG_OK);
    assert_int_equal(wg_state_begin(kit.session, child, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_get(txn, &six, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 7);
    assert_int_equal(wg_state_txn_put(txn, &key, &v, WG_VERSION_ANY, &err), WG_OK);
    kit_put(other, kit.run, "key/6", "later"); /* the parent's change is none of ours */
    assert_int_equal(wg_state_commit(txn, &version, NULL, &err), WG_OK);
    assert_int_equal(wg_state_begin(kit.session, child, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    assert_int_equal(wg_state_txn_get(txn, &six, &cell, &err), WG_OK);
    assert_int_equal(wg_state_txn_put(txn, &key, &v, WG_VERSION_ANY, &err), WG_OK);
    kit_put(other, child, "key/6", "theirs");
    assert_int_equal(wg_state_commit(txn, &version, NULL, &err), WG_E_CONFLICT);
    wg_state_cell_deinit(&cell);
    wg_state_session_close(other);
    kit_close(&kit);
}

/* Goal: a dropped run is not found, its forks still read through it, and when nothing holds it its keys leave the table. */
static void test_dropped_runs_leave_the_table(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_state_run *mine = NULL;
    wg_error err = {0};
    const wg_run_origin origin = {.number = 2};
    assert_int_equal(wg_state_run_create(kit.state, &origin, &mine, &err), WG_OK);
    for (uint32_t k = 0; k < 20000; k++) put_number(&kit, mine, k, 1);
    put_number(&kit, kit.run, 1, 1);
    wg_state_run *child = fork_of(&kit, 3, mine, 20000);
    wg_state_run *held = wg_state_run_hold(kit.state, 2);
    assert_ptr_equal(held, mine);
    wg_state_run_drop(kit.state, 2);
    assert_null(wg_state_run_at(kit.state, 2));
    assert_null(wg_state_run_hold(kit.state, 2));
    assert_ptr_equal(wg_state_run_ancestor(kit.state, 2), mine);
    const wg_state_key key = kit_key(mine, "x");
    const wg_state_value v = kit_value("x");
    assert_int_equal(wg_state_put(kit.session, mine, &key, &v, WG_VERSION_ANY, 0, NULL, &err), WG_E_NOT_FOUND);
    for (int i = 0; i < 100; i++) (void)wg_state_collect(kit.state);
    expect_number(child, 77, WG_LOGSEQ_NEVER, 1);
    wg_state_run_release(held);
    wg_state_run_drop(kit.state, 3);
    for (int i = 0; i < 200; i++) (void)wg_state_collect(kit.state);
    wg_state_metrics m;
    wg_state_metrics_get(kit.state, &m);
    assert_int_equal(m.keys, 1);
    assert_int_equal(m.runs, 2); /* the system's and number 1 */
    assert_null(wg_state_run_ancestor(kit.state, 2));
    expect_number(kit.run, 1, WG_LOGSEQ_NEVER, 1);
    kit_close(&kit);
}

/* Goal: deletions are purged when no pin and no checkpoint needs them, and snapshots from before are then WG_E_EXPIRED, not absent. */
static void test_deletions_are_purged(void **unused) {
    (void)unused;
    state_kit kit;
    static const wg_state_options stored = {.keeps_until_stored = true};
    kit_open(&kit, true, &stored);
    wg_error err = {0};
    for (uint32_t k = 0; k < 1000; k++) put_number(&kit, kit.run, k, 1);
    wg_state_pin pin;
    assert_int_equal(wg_state_pin_acquire(kit.session, kit.run, 1000, &pin, &err), WG_OK);
    for (uint32_t k = 0; k < 1000; k++) {
        char key[32];
        (void)snprintf(key, sizeof key, "key/%u", k);
        kit_delete(kit.session, kit.run, key);
    }
    wg_state_metrics m;
    for (int step = 0; step < 3; step++) {
        if (step == 1) wg_state_run_stored(kit.run, 2000);
        if (step == 2) wg_state_pin_release(&pin);
        for (int i = 0; i < 20; i++) (void)wg_state_collect(kit.state);
        wg_state_metrics_get(kit.state, &m);
        assert_int_equal(m.keys, step < 2 ? 1000 : 0);
        if (step < 2) expect_number(kit.run, 5, 1000, 1);
    }
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(kit.run, "key/5");
    assert_int_equal(wg_state_get(NULL, kit.run, &key, 1000, 0, &cell, &err), WG_E_EXPIRED);
    kit_expect(kit.run, "key/5", WG_LOGSEQ_NEVER, NULL);
    put_number(&kit, kit.run, 5, 9);
    expect_number(kit.run, 5, WG_LOGSEQ_NEVER, 9);
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* ---- log and checkpoint */

static bool version_add(void *ctx, const wg_state_version *v) {
    wg_buf *text = ctx;
    assert_true(wg_buf_printf(text, "%llu@%llu%s[%.*s];", (unsigned long long)v->version,
                              (unsigned long long)v->time_us, v->deleted ? "-" : "", (int)v->value.size,
                              v->value.size == 0 ? "" : (const char *)v->value.data));
    return true;
}

static void versions_of(wg_state_run *run, uint32_t k, wg_buf *text) {
    char key[32];
    bool complete = false;
    (void)snprintf(key, sizeof key, "key/%u", k);
    const wg_state_key at = kit_key(run, key);
    text->size = 0;
    assert_int_equal(wg_state_history(run, &at, WG_LOGSEQ_NEVER, version_add, text, &complete, NULL), WG_OK);
    assert_true(complete);
}

/* Puts the drained records into another state, as recovery does. */
static void replay(const state_kit *from, state_kit *to) {
    wg_slice records = wg_buf_slice(&from->drained);
    uint64_t time_us = 0;
    wg_error err = {0};
    while (records.size != 0) {
        uint8_t kind;
        wg_slice body;
        wg_redo_commit commit;
        assert_int_equal(wg_mutation_step(&records, &kind, &body, &err), WG_OK);
        if (kind == WG_MUTATION_TIME) {
            time_us = wg_load_u64le(body.data);
            continue;
        }
        assert_int_equal(kind, WG_MUTATION_RUN_COMMIT);
        assert_int_equal(wg_redo_decode(body, time_us, &commit, &err), WG_OK);
        wg_redo_ahead ahead;
        wg_state_apply_soon(to->state, &commit, &ahead); /* changes nothing */
        assert_int_equal(wg_state_apply(to->state, &commit, commit.version % 2 == 0 ? &ahead : NULL, &err), WG_OK);
        assert_int_equal(wg_state_apply(to->state, &commit, NULL, &err), WG_OK); /* again: nothing */
    }
}

static void run_version(void *ctx, uint32_t run, uint64_t version) {
    uint64_t *newest = ctx;
    assert_int_equal(run, 1);
    if (version > *newest) *newest = version;
}

/* Goal: replaying what the lanes were drained of gives the same versions, times, values and events. */
static void test_redo_brings_everything_back(void **unused) {
    (void)unused;
    state_kit kit, copy;
    kit_open(&kit, true, NULL);
    kit_open(&copy, true, NULL);
    kit.keep_drained = true;
    wg_rng rng;
    wg_rng_init(&rng, 5);
    wg_error err = {0};
    for (uint32_t n = 0; n < 3000; n++) {
        const uint32_t k = (uint32_t)wg_rng_below(&rng, 50);
        char key[32];
        (void)snprintf(key, sizeof key, "key/%u", k);
        if (n % 5 != 4) {
            put_number(&kit, kit.run, k, n);
        } else if (n % 10 == 4) {
            kit_delete(kit.session, kit.run, key);
        } else {
            wg_state_txn *txn = NULL;
            const wg_state_value v = kit_value("in a transaction");
            assert_int_equal(wg_state_begin(kit.session, kit.run, WG_STATE_SNAPSHOT, n, &txn, &err), WG_OK);
            for (uint32_t i = 0; i < 4; i++) {
                (void)snprintf(key, sizeof key, "key/%u", (k + i) % 50);
                const wg_state_key at = kit_key(kit.run, key);
                assert_int_equal(wg_state_txn_put(txn, &at, &v, WG_VERSION_ANY, &err), WG_OK);
            }
            assert_int_equal(wg_state_txn_append(txn, wg_slice_str("step"), &v, NULL, &err), WG_OK);
            assert_int_equal(wg_state_commit(txn, NULL, NULL, &err), WG_OK);
        }
        if (n % 700 == 0) kit_drain(&kit);
    }
    kit_drain(&kit);
    uint64_t newest = 0;
    assert_int_equal(wg_redo_versions(wg_buf_slice(&kit.drained), run_version, &newest, &err), WG_OK);
    assert_int_equal(newest, wg_state_run_newest(kit.run));
    replay(&kit, &copy);
    assert_int_equal(wg_state_run_newest(copy.run), newest);
    wg_buf a = {0}, b = {0};
    for (uint32_t k = 0; k < 50; k++) {
        versions_of(kit.run, k, &a);
        versions_of(copy.run, k, &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
    }
    assert_int_equal(wg_events_count(wg_state_run_events(copy.run), WG_LOGSEQ_NEVER),
                     wg_events_count(wg_state_run_events(kit.run), WG_LOGSEQ_NEVER));
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    kit_close(&kit);
    kit_close(&copy);
}

/* Goal: bytes that are no commit are WG_E_CORRUPT whatever is cut or changed, never a crash. */
static void test_redo_refuses_damage(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    kit.keep_drained = true;
    put_number(&kit, kit.run, 1, 1);
    kit_drain(&kit);
    wg_slice records = wg_buf_slice(&kit.drained), body;
    wg_redo_commit commit;
    wg_error err = {0};
    uint8_t kind;
    assert_int_equal(wg_mutation_step(&records, &kind, &body, &err), WG_OK);
    assert_int_equal(wg_mutation_step(&records, &kind, &body, &err), WG_OK);
    for (size_t cut = 0; cut < body.size; cut++)
        assert_int_equal(wg_redo_decode(wg_slice_of(body.data, cut), 0, &commit, NULL), WG_E_CORRUPT);
    uint8_t *copy = malloc(body.size);
    for (size_t i = 0; i < body.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, body.data, body.size);
            copy[i] ^= (uint8_t)(1 << bit);
            const wg_code code = wg_redo_decode(wg_slice_of(copy, body.size), 0, &commit, NULL);
            assert_true(code == WG_OK || code == WG_E_CORRUPT);
        }
    free(copy);
    kit_close(&kit);
}

/* Goal: a checkpoint's records come back with their versions; the pinned version of a fork is read, others from before are WG_E_EXPIRED. */
static void test_restore_from_a_checkpoint(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    wg_error err = {0};
    static const char long_value[] =
        "a value that is longer than a slot has room for, so that it stays where the stripe has it: "
        "0123456789012345678901234567890123456789";
    const wg_state_version records[] = {
        {.version = 90, .time_us = 9, .type = WG_TYPE_STRING, .value = wg_slice_str("newest")},
        {.version = 50, .time_us = 5, .type = WG_TYPE_STRING, .value = wg_slice_str(long_value)},
        {.version = 20, .time_us = 2, .deleted = true},
    };
    wg_state_run *child = NULL;
    const wg_run_origin origin = {.number = 2, .parent = 1, .fork_version = 0};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(wg_state_restore(kit.run, wg_slice_str("a"), &records[i], i == 1, &err), WG_OK);
    assert_int_equal(wg_state_restore(kit.run, wg_slice_str("b"), &records[1], true, &err), WG_OK);
    wg_state_restored(kit.run, 100);
    wg_run_origin at60 = origin;
    at60.fork_version = 60;
    assert_int_equal(wg_state_run_create(kit.state, &at60, &child, &err), WG_OK);
    assert_int_equal(wg_state_run_newest(kit.run), 100);
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, "newest");
    kit_expect(kit.run, "b", 100, long_value);
    kit_expect(kit.run, "a", 60, long_value); /* pinned by the fork */
    kit_expect(child, "a", WG_LOGSEQ_NEVER, long_value);
    kit_expect(child, "nothing", WG_LOGSEQ_NEVER, NULL);
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(kit.run, "a");
    assert_int_equal(wg_state_get(NULL, kit.run, &key, 55, 0, &cell, &err), WG_E_EXPIRED);
    assert_int_equal(kit_put(kit.session, kit.run, "a", "after"), 101);
    kit_expect(kit.run, "a", 100, "newest");
    wg_state_cell_deinit(&cell);
    kit_close(&kit);
}

/* ---- notes and memory */

/* Goal: a run's version at a commit of the log is that of the newest note at or before it. */
static void test_notes_tell_versions_of_the_log(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    for (uint64_t i = 1; i <= 100; i++) assert_int_equal(wg_state_run_note(kit.run, 10 * i, 3 * i, NULL), WG_OK);
    assert_int_equal(wg_state_run_version_at(kit.run, 9), 0);
    assert_int_equal(wg_state_run_version_at(kit.run, 10), 3);
    assert_int_equal(wg_state_run_version_at(kit.run, 509), 150);
    assert_int_equal(wg_state_run_version_at(kit.run, 5000), 300);
    wg_state_run_forget_notes(kit.run, 505);
    assert_int_equal(wg_state_run_version_at(kit.run, 505), 150);
    assert_int_equal(wg_state_run_version_at(kit.run, 510), 153);
    kit_close(&kit);
}

/* Goal: of too many notes the older half goes and says so, but none that a snapshot still needs. */
static void test_notes_can_be_bounded(void **unused) {
    (void)unused;
    state_kit kit;
    kit_open(&kit, true, NULL);
    for (uint64_t i = 1; i <= 100; i++) assert_int_equal(wg_state_run_note(kit.run, 10 * i, 3 * i, NULL), WG_OK);
    wg_state_run_bound_notes(kit.run, 100, UINT64_MAX); /* not too many */
    assert_int_equal(wg_state_run_note_count(kit.run), 100);
    assert_int_equal(wg_state_run_notes_from(kit.run), 0);
    wg_state_run_bound_notes(kit.run, 90, 305);
    assert_int_equal(wg_state_run_notes_from(kit.run), 300);
    assert_int_equal(wg_state_run_version_at(kit.run, 305), 90);
    assert_int_equal(wg_state_run_note_count(kit.run), 71);
    wg_state_run_bound_notes(kit.run, 50, UINT64_MAX);
    assert_int_equal(wg_state_run_note_count(kit.run), 25);
    assert_int_equal(wg_state_run_notes_from(kit.run), 760);
    assert_int_equal(wg_state_run_version_at(kit.run, 769), 228);
    kit_close(&kit);
}

/* Goal: STRICT readers see what is durable and what their own session committed, nobody else's newer commits. */
static void test_strict_readers_wait_for_durable(void **unused) {
    (void)unused;
    state_kit kit;
    static const wg_state_options strict = {.readers_wait_for_durable = true};
    kit_open(&kit, true, &strict);
    wg_error err = {0};
    wg_state_session *other = NULL;
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(kit.run, "a");
    assert_int_equal(wg_state_session_open(kit.state, &other, &err), WG_OK);
    kit_put(kit.session, kit.run, "a", "1");
    assert_int_equal(wg_state_get(other, kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 0);
    assert_int_equal(wg_state_get(kit.session, kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 1);
    kit_put(kit.session, kit.run, "a", "2");
    wg_state_run_durable(kit.run, 1);
    assert_int_equal(wg_state_get(other, kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 1);
    wg_state_run_durable(kit.run, 2);
    assert_int_equal(wg_state_get(other, kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, &err), WG_OK);
    assert_int_equal(cell.version, 2);
    wg_state_cell_deinit(&cell);
    wg_state_session_close(other);
    kit_close(&kit);
}

/* A little of everything, up to the first refusal; the state must hold what was acknowledged. */
static bool life_with_refusals(uint64_t at) {
    state_kit kit;
    wg_error err = {0};
    bool refused = false;
    kit_open(&kit, true, &small_history);
    wg_memory_fail_at(at, true);
    uint32_t acknowledged = 0;
    for (uint32_t n = 0; n < 700 && !refused; n++) {
        char key[200], value[200];
        (void)snprintf(key, sizeof key, n % 3 == 0 ? "%0120u" : "%u", n);
        (void)snprintf(value, sizeof value, n % 5 == 0 ? "%0150u" : "%u", n);
        const wg_state_key k = kit_key(kit.run, key);
        const wg_state_value v = kit_value(value);
        const wg_code code = wg_state_put(kit.session, kit.run, &k, &v, WG_VERSION_ANY, 0, NULL, &err);
        refused = code == WG_E_NOMEM;
        if (!refused) assert_int_equal(code, WG_OK);
        acknowledged += !refused;
    }
    wg_state_pin pin = {0};
    if (!refused) refused = wg_state_pin_acquire(kit.session, kit.run, WG_LOGSEQ_NEVER, &pin, &err) == WG_E_NOMEM;
    if (!refused) refused = wg_state_run_note(kit.run, 1, 1, &err) == WG_E_NOMEM;
    wg_state_run *run = NULL;
    const wg_run_origin origin = {.number = 2, .parent = 1, .fork_version = wg_state_run_newest(kit.run)};
    if (!refused) refused = wg_state_run_create(kit.state, &origin, &run, &err) == WG_E_NOMEM;
    wg_memory_fail_at(0, false);
    wg_state_pin_release(&pin);
    for (uint32_t n = 0; n < acknowledged; n++) {
        char key[200], value[200];
        (void)snprintf(key, sizeof key, n % 3 == 0 ? "%0120u" : "%u", n);
        (void)snprintf(value, sizeof value, n % 5 == 0 ? "%0150u" : "%u", n);
        kit_expect(kit.run, key, WG_LOGSEQ_NEVER, value);
    }
    assert_int_equal(wg_state_run_newest(kit.run), acknowledged);
    kit_close(&kit);
    return refused;
}

/* Goal: whichever allocation is refused, the call says WG_E_NOMEM, nothing leaks, and what was acknowledged is there. */
static void test_state_survives_refused_memory(void **unused) {
    (void)unused;
    uint64_t at = 1;
    while (life_with_refusals(at)) at = at + 1 + at / 16;
    assert_true(at > 50);
}

/* A record of a long key with a large value, brought back from a checkpoint up to the first refusal. */
static bool restore_with_refusals(uint64_t at) {
    state_kit kit;
    wg_error err = {0};
    char key[200], value[200];
    (void)snprintf(key, sizeof key, "%0150u", 1u);
    (void)snprintf(value, sizeof value, "%0190u", 2u);
    kit_open(&kit, false, &small_history);
    const wg_state_version record = {.version = 3, .time_us = 1, .type = 1, .value = wg_slice_str(value)};
    wg_memory_fail_at(at, false);
    const wg_code code = wg_state_restore(kit.run, wg_slice_str(key), &record, false, &err);
    wg_memory_fail_at(0, false);
    assert_true(code == WG_OK || code == WG_E_NOMEM);
    wg_state_restored(kit.run, 3);
    kit_expect(kit.run, key, WG_LOGSEQ_NEVER, code == WG_OK ? value : NULL);
    kit_close(&kit);
    return code != WG_OK;
}

/* Goal: a record whose restoring is refused memory leaves nothing behind (its key's block was lost once; the sanitizer sees it). */
static void test_restore_survives_refused_memory(void **unused) {
    (void)unused;
    uint64_t at = 1;
    while (restore_with_refusals(at)) at++;
    assert_true(at > 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_is_bounded),
        cmocka_unit_test(test_history_keeps_what_pins_see),
        cmocka_unit_test(test_history_releases_large_values),
        cmocka_unit_test(test_fork_sees_its_parent_at_the_fork),
        cmocka_unit_test(test_dropped_runs_leave_the_table),
        cmocka_unit_test(test_deletions_are_purged),
        cmocka_unit_test(test_redo_brings_everything_back),
        cmocka_unit_test(test_redo_refuses_damage),
        cmocka_unit_test(test_restore_from_a_checkpoint),
        cmocka_unit_test(test_notes_tell_versions_of_the_log),
        cmocka_unit_test(test_notes_can_be_bounded),
        cmocka_unit_test(test_strict_readers_wait_for_durable),
        cmocka_unit_test(test_state_survives_refused_memory),
        cmocka_unit_test(test_restore_survives_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
