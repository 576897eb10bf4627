/* Virtual labels over Parquet files of our own writer on the real file system: patterns and their variables, types, pruning,
 * files that are missing, changed, new or hostile, reads by id, and edges between rows. */
#include "engine/engine.h"
#include "io/object_cache/parquet_kit.h"

static wg_engine *engine;

static void open_engine(void) {
    const wg_engine_options o = {.options = {.create = true}, .wal_segment_bytes = 1 << 16};
    KIT_OK(wg_engine_open(kit_path("ws"), &o, &engine, err));
}

static void begin(void) {
    kit_begin();
    open_engine();
}

static void end(void) {
    KIT_OK(wg_engine_close(engine, err));
    kit_end();
}

static wg_txn *begin_txn(wg_txn_mode mode, uint64_t as_of) {
    wg_txn *txn = NULL;
    KIT_OK(wg_txn_begin(engine, mode, as_of, &txn, err));
    return txn;
}

static uint64_t commit(wg_txn *txn) {
    uint64_t logseq = 0;
    KIT_OK(wg_txn_commit(txn, &logseq, err));
    return logseq;
}

static wg_code create_with(const char *label, const char *pattern, const wg_column_def *columns, uint32_t count,
                           wg_error *err) {
    const wg_label_def def = {.name = label,
                              .kind = WG_LABEL_VIRTUAL,
                              .pattern = kit_path(pattern),
                              .columns = columns,
                              .column_count = count};
    wg_txn *txn = begin_txn(WG_TXN_WRITE, 0);
    const wg_code code = wg_txn_create_label(txn, &def, false, err);
    if (code != WG_OK) {
        wg_txn_abort(txn);
        return code;
    }
    return wg_txn_commit(txn, NULL, err);
}

static wg_code create(const char *label, const char *pattern, wg_error *err) {
    return create_with(label, pattern, NULL, 0, err);
}

static const wg_label *label_of(const wg_txn *txn, const char *name) {
    const wg_label *label = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str(name), false);
    assert_non_null(label);
    return label;
}

typedef struct seen {
    uint64_t rows;
    int64_t hits_sum;
    int64_t variable_sum; /* of an INT variable */
    uint64_t first_id;
    wg_stats stats;
} seen;

/* Scans hits and one more property; sums both where they are numbers. */
static wg_code scan(const wg_txn *txn, const char *label_name, const char *other, const wg_scan_predicate *predicate,
                    seen *out, wg_error *err) {
    const wg_catalog *catalog = wg_txn_catalog(txn);
    const uint32_t label = label_of(txn, label_name)->number;
    uint32_t keys[2] = {wg_catalog_key(catalog, wg_slice_str("hits")), wg_catalog_key(catalog, wg_slice_str(other))};
    const wg_type types[2] = {wg_txn_node_property_type(txn, &label, 1, keys[0]),
                              wg_txn_node_property_type(txn, &label, 1, keys[1])};
    const wg_scan_spec spec = {.labels = &label,
                               .label_count = 1,
                               .keys = keys,
                               .types = types,
                               .key_count = 2,
                               .predicates = predicate,
                               .predicate_count = predicate == NULL ? 0 : 1};
    wg_scan *s = NULL;
    wg_scan_cursor *cursor = NULL;
    *out = (seen){0};
    WG_TRY(wg_scan_open(txn, &spec, NULL, &s, err));
    wg_code code = wg_scan_cursor_create(s, NULL, NULL, &cursor, err);
    for (uint32_t t = 0; t < wg_scan_task_count(s) && code == WG_OK; t++) {
        code = wg_scan_cursor_start(cursor, t, err);
        for (uint32_t rows = 1; rows != 0 && code == WG_OK;) {
            wg_batch b = {0};
            code = wg_scan_cursor_next(cursor, 300, &b, &rows, err);
            if (code != WG_OK || rows == 0) break;
            if (out->rows == 0) out->first_id = wg_vector_value(&b.columns[0], 0).as.id;
            for (uint32_t i = 0; i < b.row_count; i++) {
                const uint32_t r = wg_batch_row(&b, i);
                const wg_value hits = wg_vector_value(&b.columns[1], r);
                const wg_value more = wg_vector_value(&b.columns[2], r);
                out->hits_sum += hits.as.i;
                if (more.type == WG_TYPE_INT) out->variable_sum += more.as.i;
                out->rows++;
            }
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_stats(s, &out->stats);
    wg_scan_close(s);
    return code;
}

static seen scan_now(const char *label, const char *other, const wg_scan_predicate *predicate) {
    seen s;
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    KIT_OK(scan(txn, label, other, predicate, &s, err));
    commit(txn);
    return s;
}

static wg_type type_of(const char *label, const char *column) {
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    const uint32_t number = label_of(txn, label)->number;
    const wg_type type =
        wg_txn_node_property_type(txn, &number, 1, wg_catalog_key(wg_txn_catalog(txn), wg_slice_str(column)));
    commit(txn);
    return type;
}

static void make_season(void) {
    kit_mkdir("d");
    kit_mkdir("d/2024-01-05");
    kit_mkdir("d/2024-01-06");
    kit_parquet("d/2024-01-05/g1.parquet", (kit_file){.rows = 100, .base = 0});
    kit_parquet("d/2024-01-05/g2.parquet", (kit_file){.rows = 100, .base = 100});
    kit_parquet("d/2024-01-06/g1.parquet", (kit_file){.rows = 100, .base = 200});
    kit_write("d/2024-01-06/_SUCCESS", wg_slice_str(""));
    kit_write("d/2024-01-06/.g9.parquet", wg_slice_str("half written"));
}

/* Goal: variables become columns, types come from the file, all rows are there, after a reopening too. */
static void test_variables_and_types(void **state) {
    (void)state;
    begin();
    make_season();
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(type_of("Frame", "hits"), WG_TYPE_INT);
        assert_int_equal(type_of("Frame", "speed"), WG_TYPE_FLOAT);
        assert_int_equal(type_of("Frame", "player"), WG_TYPE_STRING);
        assert_int_equal(type_of("Frame", "date"), WG_TYPE_STRING);
        assert_int_equal(type_of("Frame", "absent"), WG_TYPE_NULL);
        const seen s = scan_now("Frame", "date", NULL);
        assert_int_equal(s.rows, 300);
        assert_int_equal(s.hits_sum, 299 * 300 / 2);
        assert_int_equal(s.stats.files_total, 3);
        assert_true(wg_id_is_virtual(s.first_id));
        KIT_OK(wg_engine_close(engine, err));
        open_engine();
    }
    end();
}

/* Goal: month={m} is an INT where all values are numbers as they print, a STRING where one is not. */
static void test_key_value_directories(void **state) {
    (void)state;
    begin();
    kit_mkdir("e");
    kit_mkdir("e/month=1");
    kit_mkdir("e/month=12");
    kit_parquet("e/month=1/a.parquet", (kit_file){.rows = 10});
    kit_parquet("e/month=12/a.parquet", (kit_file){.rows = 20});
    KIT_OK(create("Named", "e/month={m}/a.parquet", err));
    KIT_OK(create("Tree", "e/", err));
    assert_int_equal(type_of("Named", "m"), WG_TYPE_INT);
    assert_int_equal(type_of("Tree", "month"), WG_TYPE_INT);
    assert_int_equal(scan_now("Named", "m", NULL).variable_sum, 10 * 1 + 20 * 12);
    assert_int_equal(scan_now("Tree", "month", NULL).variable_sum, 10 * 1 + 20 * 12);
    kit_mkdir("e/month=03");
    kit_parquet("e/month=03/a.parquet", (kit_file){.rows = 30});
    KIT_OK(create("Padded", "e/", err));
    assert_int_equal(type_of("Padded", "month"), WG_TYPE_STRING);
    assert_int_equal(scan_now("Padded", "month", NULL).rows, 60);
    end();
}

/* Goal: predicates on variables leave out files before they are opened; ranges leave out row groups. */
static void test_pruning_is_counted(void **state) {
    (void)state;
    begin();
    make_season();
    kit_parquet("d/2024-01-06/g1.parquet", (kit_file){.rows = 1000, .base = 200, .group_rows = 100});
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    const wg_catalog *catalog = wg_txn_catalog(txn);
    wg_scan_predicate p = {.key = wg_catalog_key(catalog, wg_slice_str("date")),
                           .op = WG_CMP_EQ,
                           .value = wg_value_str(wg_slice_str("2024-01-06"))};
    seen s;
    KIT_OK(scan(txn, "Frame", "date", &p, &s, err));
    assert_int_equal(s.stats.files_pruned, 2);
    assert_int_equal(s.rows, 1000);
    assert_int_equal(s.stats.row_groups_read, 10);
    p = (wg_scan_predicate){
        .key = wg_catalog_key(catalog, wg_slice_str("hits")), .op = WG_CMP_GE, .value = wg_value_int(1150)};
    KIT_OK(scan(txn, "Frame", "date", &p, &s, err));
    assert_int_equal(s.stats.files_pruned, 0);
    assert_int_equal(s.stats.row_groups_pruned, 11);
    assert_int_equal(s.stats.row_groups_read, 1);
    assert_int_equal(s.rows, 50); /* of the 100 of that row group: rows that fail are left out */
    p.value = wg_value_int(100000);
    KIT_OK(scan(txn, "Frame", "date", &p, &s, err));
    assert_int_equal(s.rows, 0);
    assert_int_equal(s.stats.row_groups_read, 0);
    commit(txn);
    end();
}

/* Goal: what does not fit is refused when the label is made, and the label is not there. */
static void test_definitions_are_checked_against_files(void **state) {
    (void)state;
    begin();
    make_season();
    const wg_column_def wrong[] = {{.name = "hits", .type = WG_TYPE_STRING, .int_bits = 64}};
    const wg_column_def absent[] = {{.name = "nothing", .type = WG_TYPE_INT, .int_bits = 64}};
    const wg_column_def widened[] = {{.name = "hits", .type = WG_TYPE_FLOAT, .int_bits = 64}};
    KIT_FAILS(WG_E_TYPE, create_with("F", "d/{date}/{g}.parquet", wrong, 1, err));
    KIT_FAILS(WG_E_NOT_FOUND, create_with("F", "d/{date}/{g}.parquet", absent, 1, err));
    KIT_FAILS(WG_E_NOT_FOUND, create("F", "d/{date}/{g}.orc", err));
    KIT_FAILS(WG_E_NOT_FOUND, create("F", "nowhere/{g}.parquet", err));
    KIT_OK(create_with("F", "d/{date}/{g}.parquet", widened, 1, err));
    assert_int_equal(type_of("F", "hits"), WG_TYPE_FLOAT);
    kit_parquet("d/2024-01-05/g3.parquet", (kit_file){.rows = 5, .no_speed = true});
    KIT_FAILS(WG_E_NOT_FOUND, create("Other", "d/{date}/{g}.parquet", err));
    kit_parquet("d/2024-01-05/g3.parquet", (kit_file){.rows = 5, .speed_is_text = true});
    KIT_FAILS(WG_E_TYPE, create("Other", "d/{date}/{g}.parquet", err));
    end();
}

/* Goal: a name on disk that matches and is not harmless is an error, not a file that is left out. */
static void test_hostile_names_are_errors(void **state) {
    (void)state;
    begin();
    make_season();
    kit_parquet("d/2024-01-05/g'; DROP.parquet", (kit_file){.rows = 5});
    KIT_FAILS(WG_E_VALUE, create("F", "d/{date}/{g}.parquet", err));
    KIT_OK(create("Star", "d/{date}/*.parquet", err)); /* not captured: the name means nothing */
    assert_int_equal(scan_now("Star", "date", NULL).rows, 305);
    end();
}

/* Goal: a registered file that changed or is gone is an error of every scan that needs it, never fewer rows. */
static void test_changed_and_missing_files_are_errors(void **state) {
    (void)state;
    begin();
    make_season();
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    kit_parquet("d/2024-01-05/g2.parquet", (kit_file){.rows = 100, .base = 101});
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    seen s;
    KIT_FAILS(WG_E_CHANGED, scan(txn, "Frame", "date", NULL, &s, err));
    remove(kit_path("d/2024-01-05/g2.parquet"));
    KIT_FAILS(WG_E_NOT_FOUND, scan(txn, "Frame", "date", NULL, &s, err));
    kit_parquet("d/2024-01-05/g2.parquet", (kit_file){.rows = 100, .base = 100}); /* put back */
    KIT_OK(scan(txn, "Frame", "date", NULL, &s, err));
    assert_int_equal(s.rows, 300);
    commit(txn);
    end();
}

/* Goal: a new file is seen after a refresh and not by snapshots before it; ids of old rows stay. */
static void test_new_files_are_new_at_their_logseq(void **state) {
    (void)state;
    begin();
    make_season();
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    const seen before = scan_now("Frame", "date", NULL);
    const uint64_t old = wg_engine_logseq(engine);
    kit_parquet("d/2024-01-05/a-first.parquet", (kit_file){.rows = 50, .base = 1000}); /* sorts before all */
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    const uint32_t number = label_of(txn, "Frame")->number;
    commit(txn);
    assert_int_equal(scan_now("Frame", "date", NULL).rows, 300);
    KIT_OK(wg_engine_refresh(engine, &number, 1, err));
    assert_int_equal(wg_engine_logseq(engine), old + 1);
    KIT_OK(wg_engine_refresh(engine, &number, 1, err)); /* nothing new: no commit */
    assert_int_equal(wg_engine_logseq(engine), old + 1);
    for (int round = 0; round < 2; round++) {
        const seen after = scan_now("Frame", "date", NULL);
        assert_int_equal(after.rows, 350);
        assert_int_equal(after.first_id, before.first_id);
        seen s;
        txn = begin_txn(WG_TXN_READ, old);
        KIT_OK(scan(txn, "Frame", "date", NULL, &s, err));
        assert_int_equal(s.rows, 300);
        commit(txn);
        KIT_OK(wg_engine_close(engine, err));
        open_engine();
    }
    end();
}

static wg_value read_one(const wg_txn *txn, uint64_t id, const char *name, wg_arena *arena) {
    wg_column c;
    wg_column_init(&c, WG_TYPE_ANY, arena, NULL);
    KIT_OK(wg_read_node_property(txn, &id, 1, wg_catalog_key(wg_txn_catalog(txn), wg_slice_str(name)), &c, err));
    const wg_vector v = wg_column_view(&c);
    const wg_value value = wg_vector_value(&v, 0);
    wg_column_deinit(&c);
    return value;
}

/* Goal: properties, labels and maps by id agree with the file; ids of rows that are not there read as null. */
static void test_reads_by_id(void **state) {
    (void)state;
    begin();
    make_season();
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    const uint64_t first = scan_now("Frame", "date", NULL).first_id;
    wg_txn *txn = begin_txn(WG_TXN_READ, 0);
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    assert_int_equal(read_one(txn, first + 42, "hits", &arena).as.i, 42);
    assert_int_equal(read_one(txn, first + 6, "player", &arena).type, WG_TYPE_NULL);
    const wg_value date = read_one(txn, first + 99, "date", &arena);
    assert_true(wg_slice_is(wg_value_slice(&date), "2024-01-05"));
    assert_int_equal(read_one(txn, first + 100, "hits", &arena).type, WG_TYPE_NULL);
    assert_int_equal(read_one(txn, first + 100, "date", &arena).type, WG_TYPE_NULL);
    assert_int_equal(read_one(txn, first | UINT64_C(0x7fff) << 40, "hits", &arena).type, WG_TYPE_NULL);
    const wg_map_entry *entries = NULL;
    uint32_t count = 0;
    KIT_OK(wg_node_properties(txn, first + 1, &arena, &entries, &count, err));
    assert_int_equal(count, 5); /* date game hits player speed */
    assert_memory_equal(entries[0].key, "date", 4);
    const uint32_t *labels = NULL;
    bool found = false;
    KIT_OK(wg_node_labels(txn, first, &arena, &labels, &count, &found, err));
    assert_true(found);
    assert_int_equal(count, 1);
    KIT_OK(wg_node_labels(txn, first + 100, &arena, &labels, &count, &found, err));
    assert_false(found);
    wg_arena_deinit(&arena);
    commit(txn);
    end();
}

/* Goal: edges between rows of files survive reopening and new partitions; rows are read-only; the label cannot go. */
static void test_edges_between_rows(void **state) {
    (void)state;
    begin();
    make_season();
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    const uint64_t first = scan_now("Frame", "date", NULL).first_id;
    wg_txn *txn = begin_txn(WG_TXN_WRITE, 0);
    uint32_t next = 0;
    uint64_t edge = 0;
    KIT_OK(wg_txn_intern_label(txn, wg_slice_str("NEXT"), true, &next, err));
    for (uint64_t i = 0; i < 50; i++)
        KIT_OK(wg_txn_create_edge(txn, next, first + i, first + i + 1, NULL, 0, &edge, err));
    KIT_FAILS(WG_E_NOT_FOUND, wg_txn_create_edge(txn, next, first, first + 100, NULL, 0, &edge, err));
    const wg_property p = {wg_catalog_key(wg_txn_catalog(txn), wg_slice_str("hits")), wg_value_int(1)};
    KIT_FAILS(WG_E_READ_ONLY, wg_txn_set_node(txn, first, &p, 1, false, err));
    KIT_FAILS(WG_E_READ_ONLY, wg_txn_delete_node(txn, first, true, err));
    const uint32_t frame = label_of(txn, "Frame")->number;
    uint64_t id = 0;
    KIT_FAILS(WG_E_READ_ONLY, wg_txn_create_node(txn, &frame, 1, NULL, 0, &id, err));
    KIT_FAILS(WG_E_CONSTRAINT, wg_txn_drop_label(txn, wg_slice_str("Frame"), false, false, err));
    commit(txn);
    kit_parquet("d/2024-01-05/a-first.parquet", (kit_file){.rows = 50, .base = 1000});
    KIT_OK(wg_engine_refresh(engine, &frame, 1, err));
    KIT_OK(wg_engine_close(engine, err));
    open_engine();
    txn = begin_txn(WG_TXN_READ, 0);
    for (uint64_t i = 1; i < 50; i++) {
        uint64_t edges[4];
        uint64_t neighbours[4];
        uint32_t count = 0;
        wg_expand_position position = {0};
        KIT_OK(wg_expand(txn, first + i, WG_DIRECTION_BOTH, NULL, 0, &position, 4, edges, neighbours, &count, err));
        assert_int_equal(count, 2);
        assert_int_equal(neighbours[0], first + i + 1);
        assert_int_equal(neighbours[1], first + i - 1);
    }
    commit(txn);
    end();
}

typedef struct asked {
    const char *residency;
    uint64_t bytes;
} asked;

static bool on_metric(void *ctx, const wg_metric *m) {
    asked *a = ctx;
    if (strcmp(m->name, "cache_bytes") == 0 && strcmp(m->label_value, a->residency) == 0)
        a->bytes = (uint64_t)m->value;
    return true;
}

/* What the governor says of a class. */
static uint64_t held(wg_engine *e, const char *residency) {
    asked a = {.residency = residency};
    KIT_OK(wg_engine_metrics(e, on_metric, &a, err));
    return a.bytes;
}

static void open_with_hdd(uint64_t hdd) {
    const wg_engine_options o = {.options = {.create = true, .budget = {.hdd = hdd}}, .wal_segment_bytes = 1 << 16};
    KIT_OK(wg_engine_close(engine, err));
    KIT_OK(wg_engine_open(kit_path("ws"), &o, &engine, err));
}

/* Goal: files of virtual labels are what L4HddLocal holds; a label whose files do not fit the cap is refused whole and by name; what is
 * dropped makes room. */
static void test_files_are_held_to_the_budget(void **state) {
    (void)state;
    begin();
    make_season();
    assert_int_equal(held(engine, "L4HddLocal"), 0);
    KIT_OK(create("Frame", "d/{date}/{game}.parquet", err));
    const uint64_t bytes = held(engine, "L4HddLocal");
    assert_true(bytes > 300);
    open_with_hdd(2 * bytes - 1);
    assert_int_equal(held(engine, "L4HddLocal"), bytes);
    wg_error refused = {0};
    assert_int_equal(create("Again", "d/{date}/{game}.parquet", &refused), WG_E_CAPACITY);
    assert_non_null(strstr(refused.message, "budget.hdd"));
    assert_int_equal(held(engine, "L4HddLocal"), bytes);
    open_with_hdd(2 * bytes);
    KIT_OK(create("Again", "d/{date}/{game}.parquet", err));
    assert_int_equal(held(engine, "L4HddLocal"), 2 * bytes);
    assert_int_equal(scan_now("Again", "date", NULL).rows, 300);
    wg_txn *txn = begin_txn(WG_TXN_WRITE, 0);
    KIT_OK(wg_txn_drop_label(txn, wg_slice_str("Frame"), false, false, err));
    commit(txn);
    assert_int_equal(held(engine, "L4HddLocal"), bytes);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables_and_types),
        cmocka_unit_test(test_key_value_directories),
        cmocka_unit_test(test_pruning_is_counted),
        cmocka_unit_test(test_definitions_are_checked_against_files),
        cmocka_unit_test(test_hostile_names_are_errors),
        cmocka_unit_test(test_changed_and_missing_files_are_errors),
        cmocka_unit_test(test_new_files_are_new_at_their_logseq),
        cmocka_unit_test(test_reads_by_id),
        cmocka_unit_test(test_edges_between_rows),
        cmocka_unit_test(test_files_are_held_to_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
