/* COPY of edges, of Parquet, of lines of JSON and of several files, with rejects: what is loaded is what single writes would have made, on
 * any number of threads, and what cannot be loaded is named. */
#include "engine/engine_load_kit.h"

/* Goal: edges find their ends by primary key: by the names from and to, by the first columns, by the columns that are named. */
static void test_edges_find_their_ends(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    load_persons(&f);
    wg_copy_options o = into(&f.knows);
    put_text(&f, "/a.csv", "since,to,weight,from\n2020-01-02,20,0.5,10\n");
    load_ok(&f, &o, "/a.csv", 1);
    put_text(&f, "/b.csv", "x,y,weight\n30,10,1.25\n");
    load_ok(&f, &o, "/b.csv", 1);
    const wg_slice source = wg_slice_str("source");
    const wg_slice target = wg_slice_str("target");
    o.ends[0] = (wg_copy_end){.label = f.person, .columns = &source, .column_count = 1};
    o.ends[1] = (wg_copy_end){.label = f.person, .columns = &target, .column_count = 1};
    put_text(&f, "/c.csv", "target,weight,source\n30,,20\n");
    load_ok(&f, &o, "/c.csv", 1);
    again(&f);
    expect_state(&f,
                 "X 0\nnode 0:Person age=36 id=10 name=\"Ada\"\nnode 1:Person id=20 name=\"Bo\"\n"
                 "node 2:Person age=7 id=30 name=\"Cy\"\n"
                 "edge 0:KNOWS 0 1 since=\"2020-01-02\" weight=0.5\nedge 1:KNOWS 2 0 weight=1.25\n"
                 "edge 2:KNOWS 1 2\n");
    teardown(&f);
}

/* Goal: an open edge label between labels that the load names, found by a property that is no key; values of any type; an end that is not
 * unique is refused only where an edge needs it. */
static void test_open_labels_are_linked_by_any_property(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    load_persons(&f);
    wg_copy_options tags = into(&f.open_node);
    put_text(&f, "/t.jsonl",
             "{\"tag\":\"x\",\"n\":1}\n{\"tag\":7}\r\n\n{\"n\":2.5,\"tag\":\"twice\"}\n{\"tag\":\"twice\"}");
    load_ok(&f, &tags, "/t.jsonl", 4);
    const wg_slice name = wg_slice_str("name");
    const wg_slice tag = wg_slice_str("tag");
    wg_copy_options o = into(&f.open_edge);
    o.ends[0] = (wg_copy_end){.label = f.person, .properties = &name, .property_count = 1};
    o.ends[1] = (wg_copy_end){.label = f.open_node, .properties = &tag, .property_count = 1};
    put_text(&f, "/h.jsonl", "{\"from\":\"Cy\",\"to\":7,\"why\":[1,\"b\"]}\n{\"from\":\"Ada\",\"to\":\"x\"}\n");
    load_ok(&f, &o, "/h.jsonl", 2);
    put_text(&f, "/h.jsonl", "{\"from\":\"Cy\",\"to\":\"twice\"}\n");
    wg_copy_counts counts = {0};
    wg_error err = {0};
    assert_int_equal(load(&f, &o, "/h.jsonl", &counts, &err), WG_E_CONSTRAINT);
    assert_non_null(strstr(err.message, "more than one Tag has the key \"twice\""));
    again(&f);
    expect_state(&f,
                 "X 0\nnode 0:Person age=36 id=10 name=\"Ada\"\nnode 1:Person id=20 name=\"Bo\"\n"
                 "node 2:Person age=7 id=30 name=\"Cy\"\nnode 3:Tag n=1 tag=\"x\"\nnode 4:Tag tag=7\n"
                 "node 5:Tag n=2.5 tag=\"twice\"\nnode 6:Tag tag=\"twice\"\n"
                 "edge 0:HAS 2 4 why=[1,\"b\"]\nedge 1:HAS 0 3\n");
    teardown(&f);
}

/* Goal: nodes of several labels get them all; what no label declares is refused, unless one is open. */
static void test_nodes_may_have_several_labels(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    const uint32_t both[] = {f.person, f.open_node};
    wg_copy_options o = into(both);
    o.label_count = 2;
    put_text(&f, "/b.csv", "id,colour\n1,red\n2,\n");
    load_ok(&f, &o, "/b.csv", 2);
    put_text(&f, "/b.csv", "id\n3\n2\n");
    wg_copy_counts counts = {0};
    wg_error err = {0};
    assert_int_equal(load(&f, &o, "/b.csv", &counts, &err), WG_E_CONSTRAINT);
    assert_non_null(strstr(err.message, "line 3"));
    again(&f);
    expect_state(&f, "X 0\nnode 0:Person:Tag colour=\"red\" id=1\nnode 1:Person:Tag id=2\n");
    teardown(&f);
}

typedef struct bad_case {
    const char *text;
    wg_code code;
    uint32_t line;
    const char *says;
} bad_case;

/* Goal: the first bad row in the order of the file is the error, whatever is wrong with it; nothing stays. */
static void test_bad_edges_are_named(void **state) {
    (void)state;
    static const bad_case cases[] = {
        {"from,to\n10,20\n10,99\n", WG_E_NOT_FOUND, 3, "TO: no Person has the key 99"},
        {"from,to\n,20\n", WG_E_CONSTRAINT, 2, "FROM: the key of a Person is null"},
        {"from,to,since\n10,20,2020-13-01\n", WG_E_TYPE, 2, "column since"},
        {"from,to,colour\n10,20,red\n", WG_E_NOT_FOUND, 0, "colour"},
        {"from\n10\n", WG_E_NOT_FOUND, 0, "no columns left"},
        {"from,to\n10,20\n11,20\n10,x\n", WG_E_NOT_FOUND, 3, "key 11"},
        {"from,to\n10,20\n10,x\n11,20\n", WG_E_TYPE, 3, "column to"},
    };
    fixture f;
    setup(&f);
    load_persons(&f);
    const wg_copy_options o = into(&f.knows);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_copy_counts counts = {.rows = 77, .rejected = 77};
        wg_error err = {0};
        put_text(&f, "/k.csv", cases[i].text);
        const wg_code code = load(&f, &o, "/k.csv", &counts, &err);
        if (code != cases[i].code) fail_msg("case %zu: %s: %s", i, wg_code_name(code), err.message);
        if (strstr(err.message, cases[i].says) == NULL) fail_msg("case %zu: %s", i, err.message);
        if (cases[i].line != 0) assert_int_equal(err.line, cases[i].line);
        assert_int_equal(counts.rows, 77);
    }
    again(&f);
    expect_state(&f,
                 "X 0\nnode 0:Person age=36 id=10 name=\"Ada\"\nnode 1:Person id=20 name=\"Bo\"\n"
                 "node 2:Person age=7 id=30 name=\"Cy\"\n");
    teardown(&f);
}

/* Goal: with a file of rejects the good rows are loaded, and each bad one has a line there, in the order of the file. */
static void test_rejects_are_written(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    wg_copy_options o = into(&f.person);
    o.rejects = "/bad.jsonl";
    wg_copy_counts counts = {0};
    wg_error err = {0};
    put_text(&f, "/p.csv", "id,age\n1,5\n1,6\n2,300\nx,1\n,4\n3,9\n");
    if (load(&f, &o, "/p.csv", &counts, &err) != WG_OK) fail_msg("%s", err.message);
    assert_int_equal(counts.rows, 2);
    assert_int_equal(counts.rejected, 4);
    expect_text(
        &f, "/bad.jsonl",
        "{\"file\":\"/p.csv\",\"line\":3,\"code\":\"WG_E_CONSTRAINT\",\"message\":\"Person: rows with the same "
        "primary key\"}\n"
        "{\"file\":\"/p.csv\",\"line\":4,\"code\":\"WG_E_VALUE\",\"message\":\"column age: the integer is out of the "
        "range of INT8\"}\n"
        "{\"file\":\"/p.csv\",\"line\":5,\"code\":\"WG_E_TYPE\",\"message\":\"column id: is no INT 'x'\"}\n"
        "{\"file\":\"/p.csv\",\"line\":6,\"code\":\"WG_E_CONSTRAINT\",\"message\":\"Person.id is part of the primary "
        "key and cannot be null\"}\n");
    put_text(&f, "/none.csv", "id\n4\n");
    if (load(&f, &o, "/none.csv", &counts, &err) != WG_OK) fail_msg("%s", err.message);
    expect_text(&f, "/bad.jsonl", ""); /* of this load */
    again(&f);
    expect_state(&f, "X 0\nnode 0:Person age=5 id=1\nnode 1:Person age=9 id=3\nnode 2:Person id=4\n");
    teardown(&f);
}

/* ---- Parquet */

/* The same rows by single writes. */
static void create_graph(fixture *f) {
    uint32_t keys[5];
    static const char *const names[] = {"id", "name", "age", "since", "weight"};
    for (size_t i = 0; i < 5; i++) MODEL_OK(wg_txn_intern_key(f->txn, wg_slice_str(names[i]), &keys[i], err));
    for (uint64_t row = 0; row < NODES; row++) {
        char text[32];
        uint64_t id = 0;
        const int size = snprintf(text, sizeof text, "person %llu", (unsigned long long)row);
        const wg_property p[] = {{keys[0], wg_value_int(key_of(row))},
                                 {keys[1], wg_value_str(wg_slice_of(text, (size_t)size))},
                                 {keys[2], row % 5 == 0 ? wg_value_null() : wg_value_int((int64_t)(row % 100))}};
        MODEL_OK(wg_txn_create_node(f->txn, &f->person, 1, p, 3, &id, err));
    }
    for (uint64_t row = 0; row < EDGES; row++) {
        uint64_t id = 0, ends[2] = {row * row % NODES, row * 31 % NODES};
        const wg_property p[] = {
            {keys[3], (wg_value){.type = WG_TYPE_DATE, .as.i = (int64_t)(row % 4000)}},
            {keys[4], row % 7 == 0 ? wg_value_null() : wg_value_float((double)(row * 37 % 1000) / 1000)}};
        MODEL_OK(wg_txn_create_edge(f->txn, f->knows, ends[0], ends[1], p, 2, &id, err));
    }
}

/* Goal: Parquet in row groups that several threads decode gives, byte for byte, the graph that single writes give: at once, after the log
 * was replayed, and from stripes. */
static void test_parquet_loads_what_single_writes_make(void **state) {
    (void)state;
    fixture single;
    wg_buf expected = {0};
    setup(&single);
    create_graph(&single);
    dump_now(&single, &expected);
    teardown(&single);
    for (uint32_t threads = 1; threads <= 4; threads += 3) {
        fixture f;
        wg_pool *pool = NULL;
        wg_buf text = {0};
        MODEL_OK(wg_pool_create(threads, &pool, err));
        setup(&f);
        put_graph(&f);
        wg_copy_options o = into(&f.person);
        o.pool = pool;
        o.threads = threads;
        load_ok(&f, &o, "/d/p-0.parquet", NODES);
        wg_copy_options edges = into(&f.knows);
        edges.pool = pool;
        edges.threads = threads;
        load_ok(&f, &edges, "/d/k.parquet", EDGES);
        for (uint32_t step = 0; step < 3; step++) {
            if (step == 1) reopen(&f);
            if (step == 2) {
                again(&f);
                wg_txn_abort(f.txn);
                MODEL_OK(wg_engine_checkpoint(f.engine, NULL, err));
                MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &f.txn, err));
                reopen(&f);
            }
            text.size = 0;
            dump_now(&f, &text);
            if (!same_text(&text, &expected)) fail_msg("%u threads, step %u: another graph", threads, step);
        }
        wg_buf_deinit(&text);
        teardown(&f);
        wg_pool_destroy(pool);
    }
    wg_buf_deinit(&expected);
}

/* Goal: columns that do not fit, rows whose ends are missing deep in the file, and a pattern over several files. */
static void test_parquet_errors_and_patterns(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    put_graph(&f);
    wg_copy_counts counts = {0};
    wg_error why = {0};
    wg_copy_options edges = into(&f.knows);
    assert_int_equal(load(&f, &edges, "/d/k.parquet", &counts, &why), WG_E_NOT_FOUND);
    assert_non_null(strstr(why.message, "/d/k.parquet, row 1: FROM: no Person"));
    wg_error_clear(&why);
    wg_copy_options persons = into(&f.person);
    assert_int_equal(load(&f, &persons, "/d/k.parquet", &counts, &why), WG_E_NOT_FOUND);
    wg_error_clear(&why);
    assert_int_equal(load(&f, &persons, "/d/q*.parquet", &counts, &why), WG_E_NOT_FOUND);
    wg_error_clear(&why);
    const wg_slice only[] = {wg_slice_str("id"), wg_slice_str("age")};
    persons.columns = only;
    persons.column_count = 2;
    load_ok(&f, &persons, "/d/p*.parquet", NODES);
    assert_int_equal(scan_count(f.txn, &f.person), NODES);
    edges.rejects = "/bad.jsonl";
    const uint64_t gone = (uint64_t)NODES - 1;
    MODEL_OK(wg_txn_delete_node(f.txn, gone, true, err));
    if (load(&f, &edges, "/d/k.parquet", &counts, &why) != WG_OK) fail_msg("%s", why.message);
    uint64_t bad = 0;
    for (uint64_t row = 0; row < EDGES; row++) bad += row * row % NODES == gone || row * 31 % NODES == gone;
    assert_true(bad > 0);
    assert_int_equal(counts.rejected, bad);
    assert_int_equal(counts.rows, EDGES - bad);
    teardown(&f);
}

/* Goal: whichever allocation is refused, a load is done or leaves nothing, and the next one works. */
static void test_loads_survive_want_of_memory(void **state) {
    (void)state;
    fixture f;
    setup(&f);
    load_persons(&f);
    const wg_copy_options o = into(&f.knows);
    put_text(&f, "/k.csv", "from,to,weight\n10,20,0.5\n20,30,0.25\n");
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        wg_copy_counts counts = {0};
        wg_memory_fail_at(n, true);
        const wg_code code = load(&f, &o, "/k.csv", &counts, NULL);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        assert_true(done || code == WG_E_NOMEM);
        uint32_t have = 0;
        wg_expand_position position = {0};
        uint64_t edge[4], neighbour[4];
        MODEL_OK(wg_expand(f.txn, 1, WG_DIRECTION_BOTH, NULL, 0, &position, 4, edge, neighbour, &have, err));
        assert_int_equal(have, done ? 2 : 0);
    }
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_find_their_ends),
        cmocka_unit_test(test_open_labels_are_linked_by_any_property),
        cmocka_unit_test(test_nodes_may_have_several_labels),
        cmocka_unit_test(test_bad_edges_are_named),
        cmocka_unit_test(test_rejects_are_written),
        cmocka_unit_test(test_parquet_loads_what_single_writes_make),
        cmocka_unit_test(test_parquet_errors_and_patterns),
        cmocka_unit_test(test_loads_survive_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
