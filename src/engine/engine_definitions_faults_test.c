/* Definitions over checkpoints, with everything refused that can be: labels that were altered and dropped, indexes and constraints that were made
 * and dropped before and behind a checkpoint, are the same after any failing allocation or call of the platform. */
#include <stdio.h>

#include "base/core/test_seed.h"
#include "base/memory/test_memory.h"
#include "engine/engine_internal.h"
#include "engine/engine_model.h"

enum { ROWS = 40 };

static wg_platform *original;
static char expected[4096]; /* all definitions and the sum of the rows, as text */

static wg_engine_options options_of(wg_platform *p) {
    return (wg_engine_options){.platform = p,
                               .options = {.create = true, .threads = 1, .no_background = true},
                               .wal_segment_bytes = 1 << 13};
}

/* ---- what is defined, in two halves: the first is in a checkpoint, the second only in the log */

static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64},
                                        {.name = "v", .type = WG_TYPE_INT, .int_bits = 64},
                                        {.name = "s", .type = WG_TYPE_STRING}};

static wg_code rule(wg_txn *txn, const char *name, wg_rule_kind kind, const char *key, wg_error *err) {
    wg_rule_def def = {.name = name, .kind = kind, .key_count = 1};
    bool created = false;
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("T"), false, &def.label, err));
    WG_TRY(wg_txn_intern_key(txn, wg_slice_str(key), &def.keys[0], err));
    return wg_txn_create_rule(txn, &def, false, &created, err);
}

static wg_code drop_rule(wg_txn *txn, const char *name, bool is_index, wg_error *err) {
    bool dropped = false;
    return wg_txn_drop_rule(txn, wg_slice_str(name), is_index, false, &dropped, err);
}

static wg_code add_rows(wg_txn *txn, int64_t first, wg_error *err) {
    uint32_t label = 0;
    uint32_t edge_label = 0;
    uint32_t keys[2] = {0};
    uint64_t before = UINT64_MAX;
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("T"), false, &label, err));
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("E"), true, &edge_label, err));
    for (uint32_t i = 0; i < 2; i++) WG_TRY(wg_txn_intern_key(txn, wg_slice_str(columns[i].name), &keys[i], err));
    for (int64_t i = first; i < first + ROWS; i++) {
        const wg_property p[2] = {{keys[0], wg_value_int(i)}, {keys[1], wg_value_int(i * i)}};
        uint64_t id = 0;
        uint64_t edge = 0;
        WG_TRY(wg_txn_create_node(txn, &label, 1, p, 2, &id, err));
        if (before != UINT64_MAX) WG_TRY(wg_txn_create_edge(txn, edge_label, before, id, NULL, 0, &edge, err));
        before = id;
    }
    return WG_OK;
}

static wg_code first_half(wg_txn *txn, wg_error *err) {
    const wg_label_def t = {
        .name = "T", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 3, .key_count = 1};
    const wg_label_def gone = {.name = "Gone", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 2};
    const wg_alter add = {.kind = WG_ALTER_ADD_COLUMN, .def = {.name = "more", .type = WG_TYPE_FLOAT}};
    WG_TRY(wg_txn_create_label(txn, &t, false, err));
    WG_TRY(wg_txn_create_label(txn, &gone, false, err));
    WG_TRY(add_rows(txn, 0, err));
    WG_TRY(wg_txn_alter_label(txn, wg_slice_str("T"), false, &add, err));
    WG_TRY(rule(txn, "by_v", WG_RULE_RANGE_INDEX, "v", err));
    WG_TRY(rule(txn, "one_v", WG_RULE_UNIQUE, "v", err));
    WG_TRY(rule(txn, "short_lived", WG_RULE_HASH_INDEX, "s", err));
    return drop_rule(txn, "short_lived", true, err);
}

static wg_code second_half(wg_txn *txn, wg_error *err) {
    const wg_alter rename = {.kind = WG_ALTER_RENAME_COLUMN, .column = "more", .name = "less"};
    WG_TRY(drop_rule(txn, "by_v", true, err));
    WG_TRY(drop_rule(txn, "one_v", false, err));
    WG_TRY(rule(txn, "some_v", WG_RULE_NOT_NULL, "v", err));
    WG_TRY(rule(txn, "by_s", WG_RULE_HASH_INDEX, "s", err));
    WG_TRY(wg_txn_alter_label(txn, wg_slice_str("T"), false, &rename, err));
    WG_TRY(wg_txn_drop_label(txn, wg_slice_str("Gone"), false, false, err));
    return add_rows(txn, 1000, err);
}

static wg_code commit(wg_engine *e, wg_code (*body)(wg_txn *txn, wg_error *err), wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    const wg_code code = body(txn, err);
    if (code == WG_OK) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

/* ---- the state as text */

static void describe_rules(const wg_txn *txn, wg_buf *out) {
    const wg_catalog *catalog = wg_txn_catalog(txn);
    for (uint32_t i = 0; i < wg_catalog_rule_count(catalog); i++) {
        const wg_rule *r = wg_catalog_rule_at(catalog, i);
        const uint64_t end = atomic_load(&r->end);
        assert_true(wg_buf_printf(out, "rule %s %d %llu %llu\n", r->def.name, (int)r->def.kind,
                                  (unsigned long long)r->begin, (unsigned long long)end));
    }
}

static void describe(wg_engine *e, char out[4096]) {
    wg_txn *txn = NULL;
    wg_buf text = {0};
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    const wg_catalog *catalog = wg_txn_catalog(txn);
    const wg_label *t = wg_catalog_label(catalog, wg_txn_view(txn), wg_slice_str("T"), false);
    assert_non_null(t);
    assert_true(wg_buf_printf(&text, "gone %d, ",
                              wg_catalog_label(catalog, wg_txn_view(txn), wg_slice_str("Gone"), false) != NULL));
    for (uint32_t c = 0; c < t->def.column_count; c++)
        assert_true(wg_buf_printf(&text, "column %s %d\n", t->def.columns[c].name, (int)t->def.columns[c].type));
    describe_rules(txn, &text);
    const wg_value last = wg_value_int(1000 + ROWS - 1);
    uint64_t id = 0;
    bool found = false;
    MODEL_OK(wg_node_seek(txn, t->number, &last, 1, &id, &found, err));
    assert_true(wg_buf_printf(&text, "last %d %llu, all %llu, log %llu", found, (unsigned long long)id,
                              (unsigned long long)wg_txn_label_row_estimate(txn, t->number),
                              (unsigned long long)wg_engine_logseq(e)));
    wg_txn_abort(txn);
    assert_true(text.size < 4096);
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    wg_buf_deinit(&text);
}

static void make_original(void) {
    wg_engine *e = NULL;
    MODEL_OK(wg_platform_sim_create(1, &original, err));
    const wg_engine_options o = options_of(original);
    MODEL_OK(wg_engine_open("/ws", &o, &e, err));
    MODEL_OK(commit(e, first_half, err));
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    MODEL_OK(commit(e, second_half, err));
    describe(e, expected);
    MODEL_OK(wg_engine_close(e, err));
}

/* ---- what is done while something fails */

static wg_code open_and_store(wg_platform *p, wg_error *err) {
    const wg_engine_options o = options_of(p);
    wg_engine *e = NULL;
    WG_TRY(wg_engine_open("/ws", &o, &e, err));
    wg_code code = wg_engine_checkpoint(e, NULL, err);
    if (code == WG_OK) code = wg_engine_compact(e, &(wg_compact_options){.everything = true}, NULL, NULL, NULL, err);
    const wg_code closed = wg_engine_close(e, code == WG_OK ? err : NULL);
    return code != WG_OK ? code : closed;
}

/* A checkpoint that failed is tried again in the same engine: what had been adopted by half is settled. */
static wg_code store_twice(wg_platform *p, wg_error *err) {
    const wg_engine_options o = options_of(p);
    wg_engine *e = NULL;
    wg_error second = {0};
    WG_TRY(wg_engine_open("/ws", &o, &e, err));
    const wg_code code = wg_engine_checkpoint(e, NULL, err);
    const wg_code again = wg_engine_checkpoint(e, NULL, &second);
    char now[4096];
    if (code != WG_OK) { /* what fails once has failed */
        if (again != WG_OK) fail_msg("the second checkpoint fails too: %s", second.message);
        describe(e, now);
        if (strcmp(now, expected) != 0) fail_msg("after two checkpoints: %s", now);
    }
    const wg_code closed = wg_engine_close(e, code == WG_OK ? err : NULL);
    return code != WG_OK ? code : closed;
}

static void expect_original(wg_platform *disk, uint64_t n) {
    wg_verify_report report;
    wg_engine *e = NULL;
    char now[4096];
    const wg_engine_options o = options_of(disk);
    MODEL_OK(wg_engine_verify(disk, "/ws", &report, err));
    MODEL_OK(wg_engine_open("/ws", &o, &e, err));
    describe(e, now);
    MODEL_OK(wg_engine_close(e, err));
    if (strcmp(now, expected) != 0) fail_msg("n %llu: %s\ninstead of %s", (unsigned long long)n, now, expected);
}

/* Goal of both: whatever fails, the code says so, and the definitions are all there afterwards. */
static void refuse(wg_code (*run)(wg_platform *p, wg_error *err), bool memory, uint64_t n, bool *out_met) {
    wg_platform *disk = NULL;
    wg_platform *faulty = NULL;
    wg_error seen = {0};
    MODEL_OK(wg_platform_sim_reboot(original, WG_CRASH_ALL_SURVIVES, 1, &disk, err));
    MODEL_OK(wg_platform_fault_create(disk, &faulty, err));
    const uint64_t before = wg_memory_calls();
    if (memory) wg_memory_fail_at(n, false);
    else wg_platform_fault_arm(faulty, n, WG_FAULT_EIO, false);
    const wg_code code = run(faulty, &seen);
    *out_met = memory ? wg_memory_calls() - before >= n : wg_platform_fault_calls(faulty) >= n;
    wg_memory_fail_at(0, false);
    wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
    if (code != WG_OK && code != (memory ? WG_E_NOMEM : WG_E_IO))
        fail_msg("n %llu: %s: %s", (unsigned long long)n, wg_code_name(code), seen.message);
    expect_original(disk, n);
    wg_platform_fault_destroy(faulty);
    wg_platform_sim_destroy(disk);
}

static void refuse_all(wg_code (*run)(wg_platform *p, wg_error *err), bool memory) {
    const uint64_t step = wg_test_small() ? 7 : 1;
    uint64_t count = 0;
    bool met = true;
    for (uint64_t n = 1 + wg_test_seed(0) % step; met; n += step, count++) refuse(run, memory, n, &met);
    assert_true(count * step > 20);
}

static void test_definitions_survive_refused_memory(void **state) {
    /* Goal: each allocation of opening, checkpoint and compaction fails once; nothing that is defined is lost or comes back. */
    (void)state;
    refuse_all(open_and_store, true);
}

/* Each buffer takes what it needs and no more, so that whatever is written into one may be what is refused. */
static wg_code store_exactly(wg_platform *p, wg_error *err) {
    wg_memory_take_exactly(true);
    const wg_code code = store_twice(p, err);
    wg_memory_take_exactly(false);
    return code;
}

static void test_definitions_survive_refused_memory_piece_by_piece(void **state) {
    /* Goal: the same where each single definition, row and chain value of a checkpoint asks for memory of its own. */
    (void)state;
    refuse_all(store_exactly, true);
}

static void test_definitions_survive_failing_calls(void **state) {
    /* Goal: the same for each call of the platform. */
    (void)state;
    refuse_all(open_and_store, false);
}

static void test_definitions_survive_a_checkpoint_that_is_tried_again(void **state) {
    /* Goal: a checkpoint that failed at any place is finished by the next one of the same engine. */
    (void)state;
    refuse_all(store_twice, true);
    refuse_all(store_twice, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions_survive_refused_memory),
        cmocka_unit_test(test_definitions_survive_refused_memory_piece_by_piece),
        cmocka_unit_test(test_definitions_survive_failing_calls),
        cmocka_unit_test(test_definitions_survive_a_checkpoint_that_is_tried_again),
    };
    make_original();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_platform_sim_destroy(original);
    return failed;
}
