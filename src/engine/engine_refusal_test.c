/* What the engine refuses, and what it does not forget: limits, damaged arguments of bulk loads, conflicts of names, a lost
 * CURRENT, IN_MEMORY on a path, and the traces of many rolled-back labels. */
#include "engine/engine_model.h"

#define FAILS(expected, call)                                                           \
    do {                                                                                \
        wg_error err_ = {0};                                                            \
        wg_error *err = &err_;                                                          \
        const wg_code code_ = (call);                                                   \
        if (code_ != (expected)) fail_msg("%s: %s", wg_code_name(code_), err_.message); \
        assert_true(err_.message[0] != '\0');                                           \
    } while (0)

typedef struct fixture {
    wg_platform *platform;
    wg_engine *engine;
} fixture;

static wg_code open_as(fixture *f, wg_options options, wg_error *err) {
    const wg_engine_options o = {.platform = f->platform, .options = options, .wal_segment_bytes = 1 << 16};
    return wg_engine_open("/ws", &o, &f->engine, err);
}

static void setup(fixture *f) {
    MODEL_OK(wg_platform_sim_create(11, &f->platform, err));
    MODEL_OK(open_as(f, (wg_options){.create = true}, err));
}

static void teardown(fixture *f) {
    MODEL_OK(wg_engine_close(f->engine, err));
    wg_platform_sim_destroy(f->platform);
}

static wg_txn *begin(const fixture *f, wg_txn_mode mode) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(f->engine, mode, 0, &txn, err));
    return txn;
}

static uint64_t commit(wg_txn *txn) {
    uint64_t logseq = 0;
    MODEL_OK(wg_txn_commit(txn, &logseq, err));
    return logseq;
}

static uint64_t add_open_node(wg_txn *txn, const char *label_name) {
    uint32_t label = 0;
    uint64_t id = 0;
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str(label_name), false, &label, err));
    MODEL_OK(wg_txn_create_node(txn, &label, 1, NULL, 0, &id, err));
    return id;
}

/* Goal: one transaction too many is refused and not waited for, and ending one makes room. */
static void test_open_transactions_are_bounded(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *open[WG_TXN_OPEN_MAX];
    for (int i = 0; i < WG_TXN_OPEN_MAX; i++) open[i] = begin(&f, WG_TXN_READ);
    wg_txn *more = NULL;
    FAILS(WG_E_LIMIT, wg_txn_begin(f.engine, WG_TXN_READ, 0, &more, err));
    FAILS(WG_E_MISUSE, wg_engine_close(f.engine, err));
    wg_txn_abort(open[3]);
    open[3] = begin(&f, WG_TXN_READ);
    for (int i = 0; i < WG_TXN_OPEN_MAX; i++) wg_txn_abort(open[i]);
    teardown(&f);
}

/* Goal: a bulk stripe that a replay could not read again is refused before it is in the log. */
static void test_bulk_stripes_are_checked(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    static const wg_column_def columns[] = {{.name = "n", .type = WG_TYPE_INT, .int_bits = 8},
                                            {.name = "s", .type = WG_TYPE_STRING, .int_bits = 64},
                                            {.name = "must", .type = WG_TYPE_BOOL, .int_bits = 64, .not_null = true}};
    const wg_label_def def = {.name = "T", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 3};
    MODEL_OK(wg_txn_create_label(txn, &def, false, err));
    const wg_label *label = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("T"), false);
    static int64_t numbers[WG_BATCH_ROWS_MAX + 1] = {1, 127, 128};
    static wg_str texts[WG_BATCH_ROWS_MAX + 1];
    static uint8_t bools[WG_BATCH_ROWS_MAX + 1];
    texts[1] = (wg_str){"\xff", 1};
    wg_vector v[3] = {{.type = WG_TYPE_INT, .data = numbers},
                      {.type = WG_TYPE_STRING, .data = texts},
                      {.type = WG_TYPE_BOOL, .data = bools}};
    uint32_t keys[3] = {label->column_keys[0], label->column_keys[1], label->column_keys[2]};
    wg_batch b = {.row_count = 1, .column_count = 3, .columns = v};
    uint64_t first = 0;
    MODEL_OK(wg_txn_create_nodes(txn, label->number, keys, &b, &first, err));
    b.row_count = 2;
    FAILS(WG_E_VALUE, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err)); /* not UTF-8 */
    texts[1] = texts[0];
    b.row_count = 3;
    FAILS(WG_E_VALUE, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err)); /* 128 in 8 bits */
    b.row_count = WG_BATCH_ROWS_MAX + 1;
    FAILS(WG_E_LIMIT, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err));
    b.row_count = 1;
    b.column_count = 2;
    FAILS(WG_E_CONSTRAINT, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err)); /* NOT NULL */
    b.column_count = 3;
    v[1].type = WG_TYPE_INT;
    v[1].data = numbers;
    FAILS(WG_E_TYPE, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err));
    keys[1] = keys[0];
    FAILS(WG_E_MISUSE, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err)); /* twice */
    keys[1] = 4000;
    FAILS(WG_E_MISUSE, wg_txn_create_nodes(txn, label->number, keys, &b, &first, err));
    assert_int_equal(scan_count(txn, NULL), 1);
    commit(txn);
    teardown(&f);
}

/* Goal: names and values that the log's decoder would refuse are refused when they are written. */
static void test_names_and_text_are_checked(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    uint32_t number = 0;
    FAILS(WG_E_VALUE, wg_txn_intern_key(txn, wg_slice_of("a\0b", 3), &number, err));
    FAILS(WG_E_VALUE, wg_txn_intern_label(txn, wg_slice_of("L\xc3", 2), false, &number, err));
    FAILS(WG_E_LIMIT, wg_txn_intern_label(txn, wg_slice_of("", 0), false, &number, err));
    const uint64_t id = add_open_node(txn, "L");
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("p"), &number, err));
    const wg_property bad = {number, wg_value_str(wg_slice_of("\xc3\x28", 2))};
    FAILS(WG_E_VALUE, wg_txn_set_node(txn, id, &bad, 1, false, err));
    commit(txn);
    teardown(&f);
}

/* Goal: a label that somebody else made after the snapshot is a conflict: the transaction's own reads could not find it. */
static void test_label_made_after_the_snapshot_conflicts(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *slow = begin(&f, WG_TXN_OPTIMISTIC);
    wg_txn *fast = begin(&f, WG_TXN_WRITE);
    add_open_node(fast, "New");
    commit(fast);
    uint32_t label = 0;
    FAILS(WG_E_CONFLICT, wg_txn_intern_label(slow, wg_slice_str("New"), false, &label, err));
    wg_txn_abort(slow);
    teardown(&f);
}

/* Goal: a detach delete that meets a conflict half way leaves every edge where it was. */
static void test_failed_delete_changes_nothing(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    const uint64_t a = add_open_node(txn, "A");
    const uint64_t b = add_open_node(txn, "A");
    uint32_t knows = 0;
    uint64_t edge = 0;
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("KNOWS"), true, &knows, err));
    MODEL_OK(wg_txn_create_edge(txn, knows, a, b, NULL, 0, &edge, err));
    commit(txn);
    wg_txn *slow = begin(&f, WG_TXN_OPTIMISTIC);
    txn = begin(&f, WG_TXN_WRITE);
    MODEL_OK(wg_txn_create_edge(txn, knows, b, a, NULL, 0, &edge, err));
    commit(txn);
    FAILS(WG_E_CONFLICT, wg_txn_delete_node(slow, a, true, err));
    wg_edge_info info;
    bool found = false;
    MODEL_OK(wg_edge_info_get(slow, 0, &info, &found, err));
    assert_true(found);
    commit(slow);
    txn = begin(&f, WG_TXN_READ);
    for (uint64_t id = 0; id < 2; id++) {
        found = false;
        MODEL_OK(wg_edge_info_get(txn, id, &info, &found, err));
        assert_true(found);
    }
    commit(txn);
    teardown(&f);
}

/* Goal: a log with commits whose CURRENT is gone is never taken for the leftover of a creation. */
static void test_lost_current_does_not_lose_the_log(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    add_open_node(txn, "A");
    commit(txn);
    MODEL_OK(wg_engine_close(f.engine, err));
    wg_platform *p = f.platform;
    MODEL_OK(p->ops->rename(p, "/ws/CURRENT", "/ws/CURRENT.away", err));
    FAILS(WG_E_CORRUPT, open_as(&f, (wg_options){.create = true}, err));
    FAILS(WG_E_NOT_FOUND, open_as(&f, (wg_options){0}, err));
    MODEL_OK(p->ops->rename(p, "/ws/CURRENT.away", "/ws/CURRENT", err));
    MODEL_OK(open_as(&f, (wg_options){0}, err));
    txn = begin(&f, WG_TXN_READ);
    assert_int_equal(scan_count(txn, NULL), 1);
    commit(txn);
    teardown(&f);
}

/* Goal: nor is one that is damaged as well, or one whose commits went to stripes: nothing is deleted. */
static void test_lost_current_of_a_damaged_or_checkpointed_workspace(void **state) {
    (void)state;
    for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
        fixture f;
        setup(&f);
        wg_txn *txn = begin(&f, WG_TXN_WRITE);
        add_open_node(txn, "A");
        commit(txn);
        if (checkpointed != 0) MODEL_OK(wg_engine_checkpoint(f.engine, NULL, err));
        MODEL_OK(wg_engine_close(f.engine, err));
        wg_platform *p = f.platform;
        wg_file *file = NULL;
        wg_file_info before;
        wg_file_info after;
        const char *wal = "/ws/wal/00000000000000000001.wal";
        MODEL_OK(p->ops->rename(p, "/ws/CURRENT", "/ws/CURRENT.away", err));
        if (checkpointed == 0) {
            MODEL_OK(p->ops->open(p, wal, WG_OPEN_WRITE, &file, err));
            MODEL_OK(p->ops->write_at(p, file, 140, "damage", 6, err)); /* in the first frame; a mark follows */
            p->ops->close(p, file);
        }
        MODEL_OK(p->ops->stat(p, wal, &before, err));
        FAILS(WG_E_CORRUPT, open_as(&f, (wg_options){.create = true}, err));
        MODEL_OK(p->ops->stat(p, wal, &after, err));
        assert_int_equal(before.size, after.size);
        f.engine = NULL;
        teardown(&f);
    }
}

/* Goal: IN_MEMORY on a path reads what stands there and changes no byte; on an empty path it makes nothing. */
static void test_in_memory_leaves_the_disk_alone(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    add_open_node(txn, "A");
    commit(txn);
    MODEL_OK(wg_engine_close(f.engine, err));
    MODEL_OK(open_as(&f, (wg_options){.durability = WG_IN_MEMORY}, err));
    txn = begin(&f, WG_TXN_WRITE);
    assert_int_equal(scan_count(txn, NULL), 1);
    add_open_node(txn, "A");
    assert_int_equal(commit(txn), 2);
    MODEL_OK(wg_engine_close(f.engine, err));
    MODEL_OK(open_as(&f, (wg_options){0}, err));
    assert_int_equal(wg_engine_logseq(f.engine), 1);
    MODEL_OK(wg_engine_close(f.engine, err));
    const wg_engine_options o = {.platform = f.platform, .options = {.durability = WG_IN_MEMORY, .create = true}};
    MODEL_OK(wg_engine_open("/none", &o, &f.engine, err));
    wg_file_info info;
    FAILS(WG_E_NOT_FOUND, f.platform->ops->stat(f.platform, "/none", &info, err));
    teardown(&f);
}

/* Goal: rolled-back labels leave no tables behind: their number is bounded for good otherwise. */
static void test_many_rolled_back_labels_leave_nothing(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    for (int i = 0; i < 70000; i++) {
        wg_txn *txn = begin(&f, WG_TXN_WRITE);
        const uint64_t a = add_open_node(txn, "Gone");
        uint32_t label = 0;
        uint64_t edge = 0;
        if (i % 1000 == 0) {
            MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("GONE"), true, &label, err));
            MODEL_OK(wg_txn_create_edge(txn, label, a, a, NULL, 0, &edge, err));
        }
        wg_txn_abort(txn);
    }
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    assert_int_equal(add_open_node(txn, "Kept"), 0);
    assert_int_equal(commit(txn), 1);
    teardown(&f);
}

/* Goal: an empty commit of a writer on a poisoned log does not acknowledge what never became durable. */
static void test_empty_commit_does_not_acknowledge_lost_writes(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_txn *txn = begin(&f, WG_TXN_WRITE);
    add_open_node(txn, "A");
    wg_platform_sim_fail_sync_at(f.platform, 1);
    FAILS(WG_E_IO, wg_txn_commit(txn, NULL, err));
    txn = begin(&f, WG_TXN_WRITE);
    FAILS(WG_E_IO, wg_txn_commit(txn, NULL, err));
    assert_int_equal(wg_engine_logseq(f.engine), 0);
    txn = begin(&f, WG_TXN_READ);
    assert_int_equal(scan_count(txn, NULL), 0);
    commit(txn);
    assert_int_equal(wg_engine_close(f.engine, NULL), WG_E_IO);
    wg_platform_sim_destroy(f.platform);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_transactions_are_bounded),
        cmocka_unit_test(test_bulk_stripes_are_checked),
        cmocka_unit_test(test_names_and_text_are_checked),
        cmocka_unit_test(test_label_made_after_the_snapshot_conflicts),
        cmocka_unit_test(test_failed_delete_changes_nothing),
        cmocka_unit_test(test_lost_current_does_not_lose_the_log),
        cmocka_unit_test(test_lost_current_of_a_damaged_or_checkpointed_workspace),
        cmocka_unit_test(test_in_memory_leaves_the_disk_alone),
        cmocka_unit_test(test_many_rolled_back_labels_leave_nothing),
        cmocka_unit_test(test_empty_commit_does_not_acknowledge_lost_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
