/* COPY label FROM csv: what is loaded is what the file says; one bad row fails the whole load and is named by its line. */
#include "engine/engine_model.h"

typedef struct fixture {
    wg_platform *platform;
    wg_engine *engine;
    wg_txn *txn;
    uint32_t label;
} fixture;

static void put_file(fixture *f, const char *text, size_t size) {
    wg_platform *p = f->platform;
    wg_file *file = NULL;
    (void)p->ops->unlink(p, "/in.csv", NULL);
    MODEL_OK(p->ops->open(p, "/in.csv", WG_OPEN_CREATE_NEW, &file, err));
    MODEL_OK(p->ops->write_at(p, file, 0, text, size, err));
    p->ops->close(p, file);
}

static void setup(fixture *f) {
    static const wg_column_def columns[] = {{.name = "id", .type = WG_TYPE_INT, .int_bits = 16},
                                            {.name = "name", .type = WG_TYPE_STRING, .int_bits = 64},
                                            {.name = "score", .type = WG_TYPE_FLOAT, .int_bits = 64},
                                            {.name = "born", .type = WG_TYPE_DATE, .int_bits = 64},
                                            {.name = "ok", .type = WG_TYPE_BOOL, .int_bits = 64}};
    const wg_label_def def = {
        .name = "T", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 5, .key_count = 1};
    MODEL_OK(wg_platform_sim_create(3, &f->platform, err));
    const wg_engine_options o = {.platform = f->platform, .options = {.create = true}};
    MODEL_OK(wg_engine_open("/ws", &o, &f->engine, err));
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &f->txn, err));
    MODEL_OK(wg_txn_create_label(f->txn, &def, false, err));
    f->label = wg_catalog_label(wg_txn_catalog(f->txn), wg_txn_view(f->txn), wg_slice_str("T"), false)->number;
}

static void teardown(fixture *f) {
    MODEL_OK(wg_txn_commit(f->txn, NULL, err));
    MODEL_OK(wg_engine_close(f->engine, err));
    wg_platform_sim_destroy(f->platform);
}

static wg_code copy_with(fixture *f, const wg_copy_options *options, uint64_t *rows, wg_error *err) {
    wg_copy_counts counts = {0};
    const wg_code code = wg_txn_copy(f->txn, "/in.csv", options, NULL, &counts, err);
    if (code == WG_OK) *rows = counts.rows;
    return code;
}

static wg_code copy_label(fixture *f, uint32_t label, const char *text, uint64_t *rows, wg_error *err) {
    const wg_copy_options options = {.labels = &label,
                                     .label_count = 1,
                                     .header = true,
                                     .delimiter = ',',
                                     .ends = {{.label = WG_NO_LABEL}, {.label = WG_NO_LABEL}}};
    put_file(f, text, strlen(text));
    return copy_with(f, &options, rows, err);
}

static wg_code copy(fixture *f, const char *text, uint64_t *rows, wg_error *err) {
    return copy_label(f, f->label, text, rows, err);
}

static void expect_row(const fixture *f, uint64_t id, const char *json) {
    wg_arena arena;
    wg_buf text;
    wg_arena_init(&arena, NULL);
    wg_buf_init(&text, NULL);
    const wg_map_entry *entries = NULL;
    uint32_t count = 0;
    MODEL_OK(wg_node_properties(f->txn, id, &arena, &entries, &count, err));
    const wg_value map = {.type = WG_TYPE_MAP, .size = count, .as.map = entries};
    assert_true(wg_value_print_json(&text, &map) && wg_buf_append_u8(&text, 0));
    assert_string_equal((const char *)text.data, json);
    wg_buf_deinit(&text);
    wg_arena_deinit(&arena);
}

/* Goal: types, nulls, quotes, line breaks inside quotes, columns in any order, missing columns. */
static void test_values_are_read(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    uint64_t rows = 0;
    MODEL_OK(copy(&f,
                  "name,id,ok,born,score\n"
                  "Ada,1,true,1815-12-10,2.5\n"
                  "\"a, \"\"b\"\"\nc\",2,false,2024-02-29,3\r\n"
                  ",3,,,\n",
                  &rows, err));
    assert_int_equal(rows, 3);
    expect_row(&f, 0, "{\"born\":\"1815-12-10\",\"id\":1,\"name\":\"Ada\",\"ok\":true,\"score\":2.5}");
    expect_row(&f, 1, "{\"born\":\"2024-02-29\",\"id\":2,\"name\":\"a, \\\"b\\\"\\nc\",\"ok\":false,\"score\":3.0}");
    expect_row(&f, 2, "{\"id\":3}");
    MODEL_OK(copy(&f, "id\n4\n", &rows, err));
    expect_row(&f, 3, "{\"id\":4}");
    teardown(&f);
}

typedef struct bad_case {
    const char *text;
    wg_code code;
    uint32_t line;
    const char *says;
} bad_case;

/* Goal: errors have a code, a line and a column name, and the load leaves nothing. */
static void test_bad_rows_are_named(void **state) {
    (void)state;
    static const bad_case cases[] = {
        {"id,name\n1,a\nx,b\n", WG_E_TYPE, 3, "column id"},
        {"id,score\n1,2.5\n2,two\n", WG_E_TYPE, 3, "column score"},
        {"id,born\n1,2023-02-29\n", WG_E_TYPE, 2, "column born"},
        {"id,ok\n1,maybe\n", WG_E_TYPE, 2, "column ok"},
        {"id\n1\n40000\n", WG_E_VALUE, 0, "line 3"},
        {"id,name\n1,\"a\nb\"\n1,c\n", WG_E_CONSTRAINT, 4, "primary key"},
        {"id,name\n7,a\n,b\n", WG_E_CONSTRAINT, 3, "null"},
        {"id,name\n1,a,b\n", WG_E_CORRUPT, 0, "in.csv"},
        {"id,name\n1,\"a\n", WG_E_CORRUPT, 0, "in.csv"},
        {"id,colour\n1,red\n", WG_E_NOT_FOUND, 0, "colour"},
        {"id,colour\n", WG_E_NOT_FOUND, 0, "colour"}, /* no rows, and still wrong */
        {"id,id\n1,1\n", WG_E_EXISTS, 0, "twice"},
    };
    fixture f;
    setup(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t rows = 77;
        wg_error err = {0};
        const wg_code code = copy(&f, cases[i].text, &rows, &err);
        if (code != cases[i].code) fail_msg("case %zu: %s: %s", i, wg_code_name(code), err.message);
        if (strstr(err.message, cases[i].says) == NULL) fail_msg("case %zu: %s", i, err.message);
        if (cases[i].line != 0) assert_int_equal(err.line, cases[i].line);
        assert_int_equal(rows, 77);
        assert_int_equal(scan_count(f.txn, NULL), 0);
    }
    teardown(&f);
}

/* Goal: a duplicate far behind, in another batch than its first, is found, and thousands of rows before it are gone again. */
static void test_duplicates_across_batches(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_buf text;
    wg_buf_init(&text, NULL);
    assert_true(wg_buf_append_str(&text, "id\n"));
    for (int i = 0; i < 5000; i++) assert_true(wg_buf_printf(&text, "%d\n", i));
    const size_t whole = text.size;
    assert_true(wg_buf_append_str(&text, "17\n"));
    const wg_copy_options options = {.labels = &f.label, .label_count = 1, .header = true, .delimiter = ','};
    put_file(&f, (const char *)text.data, text.size);
    uint64_t rows = 0;
    wg_error bad = {0};
    assert_int_equal(copy_with(&f, &options, &rows, &bad), WG_E_CONSTRAINT);
    assert_int_equal(bad.line, 5002);
    assert_int_equal(scan_count(f.txn, NULL), 0);
    put_file(&f, (const char *)text.data, whole);
    MODEL_OK(copy_with(&f, &options, &rows, err));
    assert_int_equal(rows, 5000);
    assert_int_equal(scan_count(f.txn, &f.label), 5000);
    wg_cancel cancel = {.cancelled = true};
    wg_error stopped = {0};
    assert_int_equal(wg_txn_copy(f.txn, "/absent.csv", &options, &cancel, &(wg_copy_counts){0}, &stopped),
                     WG_E_NOT_FOUND);
    wg_buf_deinit(&text);
    teardown(&f);
}

/* Goal: an open label takes every column, as text; a file without header takes names from the caller; edges are refused. */
static void test_open_labels_and_named_columns(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    uint32_t open = 0;
    uint32_t edges = 0;
    uint64_t rows = 0;
    MODEL_OK(wg_txn_intern_label(f.txn, wg_slice_str("Open"), false, &open, err));
    MODEL_OK(wg_txn_intern_label(f.txn, wg_slice_str("E"), true, &edges, err));
    MODEL_OK(copy_label(&f, open, "x,y\n1,\n", &rows, err));
    expect_row(&f, 0, "{\"x\":\"1\"}");
    wg_error err = {0};
    assert_int_equal(copy_label(&f, edges, "x,y\n1,\n", &rows, &err), WG_E_BIND);
    const wg_slice names[] = {wg_slice_str("score"), wg_slice_str("id")};
    const wg_copy_options options = {.labels = &f.label,
                                     .label_count = 1,
                                     .delimiter = ';',
                                     .null_text = wg_slice_str("NA"),
                                     .columns = names,
                                     .column_count = 2};
    put_file(&f, "NA;5\n1.5;6\n", 11);
    wg_error_clear(&err);
    assert_int_equal(copy_with(&f, &options, &rows, &err), WG_OK);
    expect_row(&f, 1, "{\"id\":5}");
    expect_row(&f, 2, "{\"id\":6,\"score\":1.5}");
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_read),
        cmocka_unit_test(test_bad_rows_are_named),
        cmocka_unit_test(test_duplicates_across_batches),
        cmocka_unit_test(test_open_labels_and_named_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
