/* The engine over the simulated disk (and over real files for virtual labels): what is committed is seen, what is rolled back
 * leaves no trace, a reopened store equals the one that was closed, and snapshots of the past stay as they were. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/engine.h"

typedef struct fixture {
    wg_platform *platform;
    wg_engine *engine;
} fixture;

#define OK(call)                                                                   \
    do {                                                                           \
        wg_error err_ = {0};                                                       \
        wg_error *err = &err_;                                                     \
        const wg_code code_ = (call);                                              \
        if (code_ != WG_OK) fail_msg("%s: %s", wg_code_name(code_), err_.message); \
    } while (0)

#define FAILS(expected, call)                    \
    do {                                         \
        wg_error err_ = {0};                     \
        wg_error *err = &err_;                   \
        assert_int_equal((call), (expected));    \
        assert_int_equal(err_.code, (expected)); \
        assert_true(err_.message[0] != '\0');    \
    } while (0)

static void open_engine(fixture *f, bool create) {
    const wg_engine_options o = {
        .platform = f->platform, .options = {.create = create}, .wal_segment_bytes = 1 << 16};
    OK(wg_engine_open("/ws", &o, &f->engine, err));
}

static void setup(fixture *f) {
    OK(wg_platform_sim_create(7, &f->platform, err));
    open_engine(f, true);
}

static void reopen(fixture *f) {
    OK(wg_engine_close(f->engine, err));
    open_engine(f, false);
}

static void teardown(fixture *f) {
    OK(wg_engine_close(f->engine, err));
    wg_platform_sim_destroy(f->platform);
}

static wg_value str(const char *s) { return wg_value_str(wg_slice_str(s)); }

static uint32_t key_of(wg_txn *txn, const char *name) {
    uint32_t key = 0;
    OK(wg_txn_intern_key(txn, wg_slice_str(name), &key, err));
    return key;
}

static void declare_player(wg_txn *txn) {
    static const wg_column_def columns[] = {{.name = "name", .type = WG_TYPE_STRING, .int_bits = 64},
                                            {.name = "level", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_label_def def = {
        .name = "Player", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 2, .key_count = 1};
    OK(wg_txn_create_label(txn, &def, false, err));
}

static uint32_t label_of(const wg_txn *txn, const char *name, bool is_edge) {
    const wg_label *label = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str(name), is_edge);
    assert_non_null(label);
    return label->number;
}

static uint64_t add_player(wg_txn *txn, const char *name, int64_t level) {
    const uint32_t label = label_of(txn, "Player", false);
    const wg_property p[] = {{key_of(txn, "name"), str(name)}, {key_of(txn, "level"), wg_value_int(level)}};
    uint64_t id = 0;
    OK(wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
    return id;
}

static wg_value property(const wg_txn *txn, uint64_t id, const char *name) {
    const uint32_t key = wg_catalog_key(wg_txn_catalog(txn), wg_slice_str(name));
    wg_column c;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_column_init(&c, WG_TYPE_ANY, &arena, NULL);
    OK(wg_read_node_property(txn, &id, 1, key, &c, err));
    const wg_vector v = wg_column_view(&c);
    wg_value value = wg_vector_value(&v, 0);
    if (value.type == WG_TYPE_STRING) value.as.s = NULL; /* the arena goes */
    wg_column_deinit(&c);
    wg_arena_deinit(&arena);
    return value;
}

/* Counts the visible rows of a label by scanning it. */
static uint64_t count_rows(const wg_txn *txn, const char *label_name) {
    const uint32_t label = label_of(txn, label_name, false);
    const wg_scan_spec spec = {.labels = &label, .label_count = 1};
    wg_scan *scan = NULL;
    wg_scan_cursor *cursor = NULL;
    uint64_t rows = 0;
    OK(wg_scan_open(txn, &spec, NULL, &scan, err));
    OK(wg_scan_cursor_create(scan, NULL, NULL, &cursor, err));
    for (uint32_t t = 0; t < wg_scan_task_count(scan); t++) {
        OK(wg_scan_cursor_start(cursor, t, err));
        for (uint32_t passed = 1; passed != 0;) {
            wg_batch batch = {0};
            OK(wg_scan_cursor_next(cursor, 7, &batch, &passed, err));
            if (passed != 0) rows += batch.row_count;
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_close(scan);
    return rows;
}

static wg_txn *begin(const fixture *f, wg_txn_mode mode, uint64_t as_of) {
    wg_txn *txn = NULL;
    OK(wg_txn_begin(f->engine, mode, as_of, &txn, err));
    return txn;
}

static uint64_t commit(wg_txn *txn) {
    uint64_t logseq = 0;
    OK(wg_txn_commit(txn, &logseq, err));
    return logseq;
}

/* Goal: nodes and edges written, read back, and read back again after a reopen. */
static void test_commit_is_seen_and_survives_reopen(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    const uint64_t a = add_player(txn, "Ada", 3);
    const uint64_t b = add_player(txn, "Bo", 4);
    uint32_t knows = 0;
    OK(wg_txn_intern_label(txn, wg_slice_str("KNOWS"), true, &knows, err));
    uint64_t edge = 0;
    const wg_property since = {key_of(txn, "since"), wg_value_int(1999)};
    OK(wg_txn_create_edge(txn, knows, a, b, &since, 1, &edge, err));
    assert_int_equal(commit(txn), 1);
    for (int round = 0; round < 2; round++) {
        txn = begin(&f, WG_TXN_READ, 0);
        assert_int_equal(count_rows(txn, "Player"), 2);
        assert_int_equal(property(txn, b, "level").as.i, 4);
        uint64_t edges[4];
        uint64_t neighbours[4];
        uint32_t count = 0;
        wg_expand_position position = {0};
        OK(wg_expand(txn, a, WG_DIRECTION_OUT, NULL, 0, &position, 4, edges, neighbours, &count, err));
        assert_int_equal(count, 1);
        assert_int_equal(neighbours[0], b);
        wg_edge_info info;
        bool edge_found = false;
        OK(wg_edge_info_get(txn, edges[0], &info, &edge_found, err));
        assert_true(edge_found);
        assert_int_equal(info.from, a);
        const wg_value key = str("Bo");
        uint64_t id = 99;
        bool found = false;
        OK(wg_node_seek(txn, label_of(txn, "Player", false), &key, 1, &id, &found, err));
        assert_true(found);
        assert_int_equal(id, b);
        commit(txn);
        if (round == 0) reopen(&f);
    }
    teardown(&f);
}

/* Goal: a rolled-back transaction leaves nothing: not rows, not ids, not names, and the log of both stores is the same. */
static void test_rollback_leaves_no_trace(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    add_player(txn, "Ada", 3);
    commit(txn);
    txn = begin(&f, WG_TXN_WRITE, 0);
    uint32_t open_label = 0;
    OK(wg_txn_intern_label(txn, wg_slice_str("Gone"), false, &open_label, err));
    const uint64_t gone = add_player(txn, "Bo", 4);
    const wg_property p = {key_of(txn, "colour"), str("red")};
    uint64_t id = 0;
    OK(wg_txn_create_node(txn, &open_label, 1, &p, 1, &id, err));
    assert_int_equal(count_rows(txn, "Player"), 2);
    wg_txn_abort(txn);
    txn = begin(&f, WG_TXN_WRITE, 0);
    assert_int_equal(count_rows(txn, "Player"), 1);
    assert_null(wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("Gone"), false));
    assert_int_equal(wg_catalog_key(wg_txn_catalog(txn), wg_slice_str("colour")), WG_NO_KEY);
    assert_int_equal(add_player(txn, "Cy", 5), gone); /* the id was given back */
    assert_int_equal(commit(txn), 2);
    reopen(&f);
    txn = begin(&f, WG_TXN_READ, 0);
    assert_int_equal(count_rows(txn, "Player"), 2);
    assert_int_equal(property(txn, gone, "level").as.i, 5);
    commit(txn);
    teardown(&f);
}

/* Goal: a snapshot of the past stays what it was through update and delete, also after a reopen (invariants 15, 16, 23, 24). */
static void test_snapshots_of_the_past_stay(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    const uint64_t a = add_player(txn, "Ada", 3);
    const uint64_t s1 = commit(txn);
    txn = begin(&f, WG_TXN_OPTIMISTIC, 0);
    const wg_property p = {key_of(txn, "level"), wg_value_int(30)};
    OK(wg_txn_set_node(txn, a, &p, 1, false, err));
    const uint64_t s2 = commit(txn);
    txn = begin(&f, WG_TXN_WRITE, 0);
    OK(wg_txn_delete_node(txn, a, false, err));
    const uint64_t s3 = commit(txn);
    for (int round = 0; round < 2; round++) {
        txn = begin(&f, WG_TXN_READ, s1);
        assert_int_equal(property(txn, a, "level").as.i, 3);
        commit(txn);
        txn = begin(&f, WG_TXN_READ, s2);
        assert_int_equal(property(txn, a, "level").as.i, 30);
        assert_int_equal(count_rows(txn, "Player"), 1);
        commit(txn);
        txn = begin(&f, WG_TXN_READ, s3);
        assert_int_equal(property(txn, a, "level").type, WG_TYPE_NULL);
        assert_int_equal(count_rows(txn, "Player"), 0);
        commit(txn);
        wg_txn *never = NULL;
        FAILS(WG_E_EXPIRED, wg_txn_begin(f.engine, WG_TXN_READ, s3 + 1, &never, err));
        if (round == 0) reopen(&f);
    }
    teardown(&f);
}

/* Goal: of two transactions that change one row the first to commit wins, and the loser is told. */
static void test_first_committer_wins(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    const uint64_t a = add_player(txn, "Ada", 3);
    commit(txn);
    wg_txn *slow = begin(&f, WG_TXN_OPTIMISTIC, 0);
    wg_txn *fast = begin(&f, WG_TXN_OPTIMISTIC, 0);
    const wg_property p = {key_of(fast, "level"), wg_value_int(4)};
    OK(wg_txn_set_node(fast, a, &p, 1, false, err));
    commit(fast);
    assert_int_equal(property(slow, a, "level").as.i, 3);
    FAILS(WG_E_CONFLICT, wg_txn_set_node(slow, a, &p, 1, false, err));
    wg_txn_abort(slow);
    teardown(&f);
}

/* Goal: what a declared label does not allow is refused with the right code, and the transaction goes on. */
static void test_declared_labels_refuse_what_does_not_fit(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    const uint32_t label = label_of(txn, "Player", false);
    add_player(txn, "Ada", 3);
    uint64_t id = 0;
    wg_property p[2] = {{key_of(txn, "name"), str("Ada")}, {key_of(txn, "level"), wg_value_int(1)}};
    FAILS(WG_E_CONSTRAINT, wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
    p[0].value = wg_value_null();
    FAILS(WG_E_CONSTRAINT, wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
    p[0].value = str("Bo");
    p[1].value = str("three");
    FAILS(WG_E_TYPE, wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
    p[1] = (wg_property){key_of(txn, "colour"), str("red")};
    FAILS(WG_E_NOT_FOUND, wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
    FAILS(WG_E_CONSTRAINT, wg_txn_drop_label(txn, wg_slice_str("Player"), false, false, err));
    FAILS(WG_E_NOT_FOUND, wg_txn_drop_label(txn, wg_slice_str("Playr"), false, false, err));
    assert_int_equal(count_rows(txn, "Player"), 1);
    commit(txn);
    teardown(&f);
}

/* Goal: a node with edges is not deleted, unless its edges go with it; then the other end has none either. */
static void test_detach_delete_takes_the_edges(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE, 0);
    declare_player(txn);
    const uint64_t a = add_player(txn, "Ada", 3);
    const uint64_t b = add_player(txn, "Bo", 4);
    uint32_t knows = 0;
    OK(wg_txn_intern_label(txn, wg_slice_str("KNOWS"), true, &knows, err));
    uint64_t edge = 0;
    for (int i = 0; i < 600; i++)
        OK(wg_txn_create_edge(txn, knows, i % 2 ? a : b, i % 2 ? b : a, NULL, 0, &edge, err));
    OK(wg_txn_create_edge(txn, knows, a, a, NULL, 0, &edge, err));
    commit(txn);
    txn = begin(&f, WG_TXN_WRITE, 0);
    FAILS(WG_E_CONSTRAINT, wg_txn_delete_node(txn, a, false, err));
    OK(wg_txn_delete_node(txn, a, true, err));
    wg_stats stats;
    wg_txn_stats(txn, &stats);
    assert_int_equal(stats.edges_deleted, 601);
    OK(wg_txn_delete_node(txn, b, false, err));
    commit(txn);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commit_is_seen_and_survives_reopen),
        cmocka_unit_test(test_rollback_leaves_no_trace),
        cmocka_unit_test(test_snapshots_of_the_past_stay),
        cmocka_unit_test(test_first_committer_wins),
        cmocka_unit_test(test_declared_labels_refuse_what_does_not_fit),
        cmocka_unit_test(test_detach_delete_takes_the_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
