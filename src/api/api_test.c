/* The C API as its user sees it: misuse is told, transactions and snapshots hold, results own what they show, receipts are equal
 * whatever the threads and after a reopening. On the real file system. */
#include "io/object_cache/parquet_kit.h"

#include <stdatomic.h>

static wg_db *db;
static wg_session *session;

static void open_db(wg_durability durability) {
    const wg_options o = {.create = true, .durability = durability, .threads = 2};
    KIT_OK(wg_open(kit_path("ws"), &o, &db, err));
    KIT_OK(wg_session_open(db, &session, err));
}

static void close_db(void) {
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
}

static void begin(void) {
    kit_begin();
    open_db(WG_STRICT);
}

static void end(void) {
    close_db();
    kit_end();
}

static wg_code run_in(wg_session *s, const char *text, wg_error *err) {
    wg_result *r = NULL;
    const wg_code code = wg_query(s, text, &r, err);
    if (code == WG_OK) wg_result_free(r);
    return code;
}

static wg_code run(const char *text, wg_error *err) { return run_in(session, text, err); }

static int64_t number_in(wg_session *s, const char *text) {
    wg_result *r = NULL;
    wg_value v;
    KIT_OK(wg_query(s, text, &r, err));
    assert_int_equal(wg_result_row_count(r), 1);
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    assert_int_equal(v.type, WG_TYPE_INT);
    const int64_t n = v.as.i;
    wg_result_free(r);
    return n;
}

static int64_t number(const char *text) { return number_in(session, text); }

static void load(void) {
    KIT_OK(run("CREATE NODE LABEL Player (name STRING, level INT, PRIMARY KEY (name))", err));
    KIT_OK(run("CREATE (:Player {name: 'Ada', level: 3}), (:Player {name: 'Bo', level: 4}), (:Player {name: 'Cy'})",
               err));
    KIT_OK(
        run("MATCH (a:Player {name: 'Ada'}), (b:Player {name: 'Bo'}) CREATE (a)-[:KNOWS {since: 1999}]->(b)", err));
}

/* Goal: NULL, wrong, early and late handles are WG_E_MISUSE and not a crash. */
static void test_misuse_is_told(void **state) {
    (void)state;
    begin();
    wg_result *r = NULL;
    wg_stmt *stmt = NULL;
    wg_snapshot *snapshot = NULL;
    wg_session *other = NULL;
    wg_value v = {.type = WG_TYPE_INT};
    const wg_options wild = {.batch_rows = 5000};
    wg_db *none = NULL;
    KIT_FAILS(WG_E_MISUSE, wg_open("x", NULL, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_open("x", &wild, &none, err));
    KIT_FAILS(WG_E_MISUSE, wg_session_open(NULL, &other, err));
    KIT_FAILS(WG_E_MISUSE, wg_query(NULL, "RETURN 1", &r, err));
    KIT_FAILS(WG_E_MISUSE, wg_query(session, NULL, &r, err));
    KIT_FAILS(WG_E_MISUSE, wg_prepare(session, NULL, 0, &stmt, err));
    KIT_FAILS(WG_E_MISUSE, wg_bind(NULL, "x", &v, err));
    KIT_FAILS(WG_E_MISUSE, wg_execute(NULL, &r, err));
    KIT_FAILS(WG_E_MISUSE, wg_commit(session, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_rollback(session, err));
    KIT_FAILS(WG_E_MISUSE, wg_session_set_parallelism(session, 0, 3000, err));
    KIT_FAILS(WG_E_MISUSE, wg_snapshot_acquire(NULL, 0, &snapshot, err));
    KIT_FAILS(WG_E_EXPIRED, wg_snapshot_acquire(db, 99, &snapshot, err));
    KIT_FAILS(WG_E_MISUSE, wg_sync(NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_verify(NULL, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_close(db, err)); /* the session is open */
    KIT_OK(wg_prepare(session, "RETURN $a + 1", 13, &stmt, err));
    KIT_FAILS(WG_E_PARAMETER, wg_bind_int(stmt, "b", 1, err));
    KIT_FAILS(WG_E_PARAMETER, wg_execute(stmt, &r, err)); /* $a is not bound */
    KIT_OK(wg_bind_int(stmt, "$a", 41, err));
    KIT_OK(wg_execute(stmt, &r, err));
    wg_stmt_finish(stmt);
    KIT_FAILS(WG_E_MISUSE, wg_result_cell(r, 1, 0, &v, err));
    KIT_FAILS(WG_E_MISUSE, wg_result_cell(r, 0, 1, &v, err));
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    assert_int_equal(v.as.i, 42);
    assert_null(wg_result_column_name(r, 1));
    wg_result_free(r);
    wg_result_free(NULL);
    wg_session_close(NULL);
    wg_stmt_finish(NULL);
    KIT_OK(wg_close(NULL, err));
    assert_int_equal(wg_result_row_count(NULL), 0);
    assert_null(wg_result_receipt(NULL));
    wg_stats stats;
    wg_result_stats(NULL, &stats);
    assert_int_equal(stats.rows_scanned, 0);
    char uri[80];
    wg_snapshot_uri(NULL, uri);
    assert_string_equal(uri, "");
    uint64_t done = 7;
    uint64_t total = 7;
    wg_session_progress(NULL, &done, &total);
    assert_int_equal(done + total, 0);
    KIT_OK(wg_begin(session, false, err));
    KIT_FAILS(WG_E_MISUSE, wg_begin(session, false, err));
    KIT_OK(wg_rollback(session, err));
    end();
}

/* Goal: a result lives on after its statement and session, and keeps the database from closing. */
static void test_results_own_what_they_show(void **state) {
    (void)state;
    begin();
    load();
    wg_session *short_lived = NULL;
    wg_result *r = NULL;
    KIT_OK(wg_session_open(db, &short_lived, err));
    KIT_OK(wg_query(short_lived, "MATCH (a)-[k:KNOWS]->(b) RETURN a, k, b.name AS name", &r, err));
    wg_session_close(short_lived);
    KIT_OK(run("MATCH (n) DETACH DELETE n", err));
    wg_value v;
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    assert_int_equal(v.type, WG_TYPE_NODE);
    assert_string_equal(v.as.node->labels[0], "Player");
    assert_int_equal(v.as.node->property_count, 2);
    KIT_OK(wg_result_cell(r, 0, 1, &v, err));
    assert_string_equal(v.as.edge->label, "KNOWS");
    assert_int_equal(v.as.edge->properties[0].value.as.i, 1999);
    KIT_OK(wg_result_cell(r, 0, 2, &v, err));
    assert_memory_equal(v.as.s, "Bo", 2);
    wg_session_close(session);
    KIT_FAILS(WG_E_MISUSE, wg_close(db, err));
    wg_result_free(r);
    KIT_OK(wg_session_open(db, &session, err));
    end();
}

/* Goal: a transaction sees its own writes, others do not; rollback takes them back; a failed statement leaves it usable. */
static void test_transactions(void **state) {
    (void)state;
    begin();
    load();
    wg_session *other = NULL;
    KIT_OK(wg_session_open(db, &other, err));
    static const char count[] = "MATCH (p:Player) RETURN count(*) AS n";
    KIT_OK(wg_begin(session, false, err));
    KIT_OK(run("CREATE (:Player {name: 'Di'})", err));
    assert_int_equal(number(count), 4);
    assert_int_equal(number_in(other, count), 3);
    KIT_FAILS(WG_E_CONSTRAINT, run("CREATE (:Player {name: 'Ed'}), (:Player {name: 'Ada'})", err));
    assert_int_equal(number(count), 4);
    KIT_OK(wg_rollback(session, err));
    assert_int_equal(number(count), 3);
    const uint64_t before = wg_db_logseq(db);
    uint64_t logseq = 0;
    KIT_OK(wg_begin(session, false, err));
    KIT_OK(run("CREATE (:Player {name: 'Di'})", err));
    KIT_OK(wg_commit(session, &logseq, err));
    assert_int_equal(logseq, before + 1);
    assert_int_equal(number_in(other, count), 4);
    KIT_OK(wg_begin(session, false, err));
    assert_int_equal(number(count), 4);
    KIT_OK(run_in(other, "MATCH (p:Player {name: 'Di'}) SET p.level = 9", err));
    KIT_FAILS(WG_E_CONFLICT, run("MATCH (p:Player {name: 'Di'}) SET p.level = 8", err));
    KIT_OK(wg_rollback(session, err));
    KIT_OK(wg_begin(session, true, err));
    KIT_FAILS(WG_E_READ_ONLY, run("CREATE (:Player {name: 'Ed'})", err));
    KIT_OK(wg_commit(session, NULL, err));
    wg_session_close(other);
    end();
}

/* Goal: a session on a snapshot reads the past, may not write, and comes back. */
static void test_snapshots(void **state) {
    (void)state;
    begin();
    load();
    wg_snapshot *snapshot = NULL;
    KIT_OK(wg_snapshot_acquire(db, 0, &snapshot, err));
    assert_int_equal(wg_snapshot_logseq(snapshot), wg_db_logseq(db));
    char uri[80];
    wg_snapshot_uri(snapshot, uri);
    assert_memory_equal(uri, "oz://snapshot/", 14);
    assert_int_equal(strlen(uri), 14 + 64);
    KIT_OK(run("MATCH (p:Player {name: 'Cy'}) DETACH DELETE p", err));
    static const char count[] = "MATCH (p:Player) RETURN count(*) AS n";
    KIT_OK(wg_session_use_snapshot(session, snapshot, err));
    assert_int_equal(number(count), 3);
    KIT_FAILS(WG_E_READ_ONLY, run("CREATE (:Player {name: 'Ed'})", err));
    KIT_FAILS(WG_E_READ_ONLY, wg_begin(session, false, err));
    KIT_OK(wg_session_use_snapshot(session, NULL, err));
    assert_int_equal(number(count), 2);
    KIT_FAILS(WG_E_MISUSE, wg_close(db, err));
    wg_snapshot_release(snapshot);
    end();
}

static void receipt_of(const char *text, uint32_t threads, uint32_t batch_rows, char out[1024]) {
    wg_result *r = NULL;
    KIT_OK(wg_session_set_parallelism(session, threads, batch_rows, err));
    KIT_OK(wg_query(session, text, &r, err));
    assert_non_null(wg_result_receipt(r));
    assert_ptr_equal(wg_result_receipt(r), wg_result_receipt(r));
    snprintf(out, 1024, "%s", wg_result_receipt(r));
    wg_result_free(r);
}

/* Goal: equal work, equal bytes: over threads and batch sizes, on owned and virtual rows, and after a reopening. */
static void test_receipts_are_equal(void **state) {
    (void)state;
    static const char *const queries[] = {
        "MATCH (p:Player) RETURN p, p.level AS level ORDER BY level",
        "MATCH (f:Frame) RETURN f.player AS player, count(*) AS n, sum(f.speed) AS s, max(f.game) AS g",
        "MATCH (a)-[k:KNOWS]->(b) RETURN a.name, k, b",
        "MATCH (f:Frame) WHERE f.hits > 4500 RETURN f.hits, f.speed, f.date",
    };
    begin();
    load();
    kit_mkdir("d");
    kit_mkdir("d/2024-01-05");
    kit_parquet("d/2024-01-05/g1.parquet", (kit_file){.rows = 5000, .group_rows = 1000});
    kit_parquet("d/2024-01-05/g2.parquet", (kit_file){.rows = 3000, .base = 7});
    assert_true(wg_register_virtual_partition(session, "Frame", kit_path("d/{date}/{game}.parquet"), NULL) > 0);
    for (size_t q = 0; q < sizeof queries / sizeof queries[0]; q++) {
        char first[1024];
        char again[1024];
        receipt_of(queries[q], 1, 2048, first);
        static const uint32_t threads[] = {2, 4, 1, 3};
        static const uint32_t rows[] = {2048, 100, 1, 999};
        for (int i = 0; i < 4; i++) {
            receipt_of(queries[q], threads[i], rows[i], again);
            assert_string_equal(again, first);
        }
        close_db();
        open_db(WG_STRICT);
        receipt_of(queries[q], 2, 512, again);
        assert_string_equal(again, first);
    }
    end();
}

/* Goal: a file that arrives is seen by the next statement that may read its label, named or not, and by no older snapshot. */
static void test_new_files_are_seen_with_and_without_a_label(void **state) {
    (void)state;
    begin();
    kit_mkdir("d");
    kit_parquet("d/a.parquet", (kit_file){.rows = 10});
    assert_true(wg_register_virtual_partition(session, "F", kit_path("d/{g}.parquet"), NULL) > 0);
    assert_int_equal(number("MATCH (n) RETURN count(*) AS n"), 10);
    const uint64_t before = wg_db_logseq(db);
    kit_parquet("d/b.parquet", (kit_file){.rows = 5});
    assert_int_equal(number("MATCH (n) RETURN count(*) AS n"), 15);
    kit_parquet("d/c.parquet", (kit_file){.rows = 1});
    assert_int_equal(number("MATCH (f:F) RETURN count(*) AS n"), 16);
    char past[96];
    snprintf(past, sizeof past, "AS OF %llu MATCH (f:F) RETURN count(*) AS n", (unsigned long long)before);
    assert_int_equal(number(past), 10);
    end();
}

/* Goal: a registration answers the manifest epoch, which rises; failures answer minus their code; the alias is the same. */
static void test_register_virtual_partition(void **state) {
    (void)state;
    begin();
    kit_mkdir("d");
    kit_parquet("d/a.parquet", (kit_file){.rows = 10});
    wg_error bad = {0};
    const int64_t first = wg_register_virtual_partition(session, "F", kit_path("d/{g}.parquet"), NULL);
    assert_true(first > 0);
    const int64_t second = arcflow_register_virtual_partition(session, "G", kit_path("d/{g}.parquet"));
    assert_int_equal(second, first + 1);
    assert_int_equal(wg_register_virtual_partition(session, "F", kit_path("d/{g}.parquet"), &bad), -(int)WG_E_EXISTS);
    assert_int_equal(arcflow_register_virtual_partition(session, "H", kit_path("none/{g}.parquet")),
                     -(int)WG_E_NOT_FOUND);
    assert_int_equal(wg_register_virtual_partition(session, NULL, "x", NULL), -(int)WG_E_MISUSE);
    assert_int_equal(wg_register_virtual_partition(NULL, "F", "x", NULL), -(int)WG_E_MISUSE);
    assert_int_equal(number("MATCH (f:F) RETURN count(*) AS n"), 10);
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
    wg_verify_report report;
    KIT_OK(wg_verify(kit_path("ws"), &report, err));
    assert_int_equal(report.manifest_epoch, second);
    open_db(WG_STRICT);
    end();
}

/* Goal: a result as an Arrow stream has its columns and rows, and lives on when the result is freed. */
static void test_arrow_stream(void **state) {
    (void)state;
    begin();
    load();
    wg_result *r = NULL;
    struct ArrowArrayStream stream;
    KIT_OK(wg_query(session, "MATCH (p:Player) RETURN p.name AS name, p.level AS level ORDER BY name", &r, err));
    KIT_OK(wg_result_arrow_stream(r, &stream, err));
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 2);
    assert_string_equal(schema.children[0]->name, "name");
    assert_string_equal(schema.children[1]->format, "l");
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_int_equal(array.length, 3);
    stream.release(&stream);
    wg_result_free(r);
    assert_int_equal(((const int64_t *)array.children[1]->buffers[1])[0], 3);
    assert_int_equal(array.children[1]->null_count, 1);
    array.release(&array);
    schema.release(&schema);
    end();
}

static _Atomic bool running;

static void canceller(void *arg) {
    while (atomic_load(&running)) wg_session_cancel(arg);
}

/* Goal: a long statement ends with WG_E_CANCELLED soon after another thread says so, and the session goes on. */
static void test_cancel_from_another_thread(void **state) {
    (void)state;
    begin();
    wg_thread thread;
    KIT_OK(run("UNWIND range(1, 2000) AS i CREATE (:N {i: i})", err));
    atomic_store(&running, true);
    KIT_OK(wg_thread_start(&thread, canceller, session, err));
    const wg_code code = run("MATCH (a:N), (b:N), (c:N) WHERE a.i + b.i = c.i RETURN count(*) AS n", NULL);
    atomic_store(&running, false);
    wg_thread_join(&thread);
    assert_int_equal(code, WG_E_CANCELLED);
    (void)run("RETURN 1", NULL); /* may still find the last flag */
    assert_int_equal(number("MATCH (n:N) RETURN count(*) AS n"), 2000);
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misuse_is_told),
        cmocka_unit_test(test_results_own_what_they_show),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_receipts_are_equal),
        cmocka_unit_test(test_register_virtual_partition),
        cmocka_unit_test(test_arrow_stream),
        cmocka_unit_test(test_cancel_from_another_thread),
        cmocka_unit_test(test_new_files_are_seen_with_and_without_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
