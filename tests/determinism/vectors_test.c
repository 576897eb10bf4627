/* Vectors of every producer: 64-byte aligned, padded to 64 bytes, of the kinds that docs/execution.md names; cancellation of every operator; and that
 * no query starts a thread. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/determinism/kit.h"

static const char parquet[] = "../shared/data/football/events/game1.parquet";

/* ---- alignment and padding */

typedef struct seen {
    uint64_t vectors;
    uint64_t kinds[3];
    uint64_t any;
    uint64_t selections;
} seen;

/* Reads to the next multiple of 64 bytes behind the last cell: a sanitizer tells when that is not ours. */
static void touch_padding(const void *data, size_t bytes) {
    const volatile uint8_t *p = data;
    for (size_t i = bytes; i % 64 != 0; i++) (void)p[i];
}

static void check_vector(const wg_vector *v, uint32_t rows, seen *out) {
    out->vectors++;
    out->kinds[v->kind]++;
    out->any += v->type == WG_TYPE_ANY;
    if (v->kind == WG_VECTOR_CONST || rows == 0) return;
    if (v->kind == WG_VECTOR_DICT) {
        assert_int_equal((uintptr_t)v->codes % 64, 0);
        touch_padding(v->codes, rows * sizeof v->codes[0]);
        return;
    }
    assert_int_equal((uintptr_t)v->data % 64, 0);
    touch_padding(v->data, rows * wg_physical_bytes(wg_type_physical(v->type)));
}

static void check_scan(kit_db *db, const char *label, const char *const *names, uint32_t count, seen *out) {
    wg_txn *txn = NULL;
    wg_scan *scan = NULL;
    wg_scan_cursor *cursor = NULL;
    uint32_t keys[16];
    wg_type types[16];
    KIT_OK(wg_txn_begin(wg_db_engine(db->db), WG_TXN_READ, 0, &txn, err));
    const wg_catalog *catalog = wg_txn_catalog(txn);
    const wg_label *found = wg_catalog_label(catalog, wg_txn_view(txn), wg_slice_str(label), false);
    assert_non_null(found);
    const uint32_t number = found->number;
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = wg_catalog_key(catalog, wg_slice_str(names[i]));
        types[i] = wg_txn_node_property_type(txn, &number, 1, keys[i]);
    }
    const wg_scan_spec spec = {.labels = &number, .label_count = 1, .keys = keys, .types = types, .key_count = count};
    KIT_OK(wg_scan_open(txn, &spec, NULL, &scan, err));
    KIT_OK(wg_scan_cursor_create(scan, NULL, NULL, &cursor, err));
    for (uint32_t t = 0; t < wg_scan_task_count(scan); t++) {
        KIT_OK(wg_scan_cursor_start(cursor, t, err));
        for (;;) {
            wg_batch batch;
            uint32_t rows = 0;
            KIT_OK(wg_scan_cursor_next(cursor, WG_BATCH_ROWS_MAX, &batch, &rows, err));
            if (rows == 0) break;
            for (uint32_t c = 0; c <= count && batch.row_count > 0; c++) check_vector(&batch.columns[c], rows, out);
            out->selections += batch.sel != NULL;
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_close(scan);
    wg_txn_abort(txn);
}

/* Goal: vectors of the heap, of mapped stripes and of compacted ones are aligned and padded; ANY and selections occur among them. */
static void test_vectors_of_owned_rows_are_aligned(void **state) {
    (void)state;
    static const char *const names[] = {"i", "f", "s", "b", "o"};
    for (int upkeep = 0; upkeep < 3; upkeep++) {
        kit_db db;
        seen s = {0};
        kit_open(&db, true);
        kit_do(&db, "CREATE NODE LABEL P (i INT, f DOUBLE, s STRING, b BOOL, PRIMARY KEY (i))");
        kit_do(&db,
               "UNWIND range(1, 40000) AS i CREATE (:P {i: i, f: i * 0.5, s: 's' + toString(i % 10), b: i % 3 = 0})");
        kit_do(&db, "UNWIND range(1, 5000) AS i CREATE (:O {i: i, o: CASE WHEN i % 2 = 0 THEN i ELSE 'x' END})");
        kit_do(&db, "MATCH (p:P) WHERE p.i % 100 = 1 DELETE p");
        kit_upkeep_now(&db, (kit_upkeep)upkeep);
        check_scan(&db, "P", names, 4, &s);
        check_scan(&db, "O", names + 4, 1, &s);
        assert_true(s.vectors > 50 && s.any > 0 && s.selections > 0);
        kit_remove(&db);
    }
}

/* Goal: vectors of Parquet columns are aligned and padded too, dictionaries included. Skipped without the test data. */
static void test_vectors_of_parquet_are_aligned(void **state) {
    (void)state;
    static const char *const names[] = {"seq", "team", "type", "start_x", "start_y"};
    kit_db db;
    seen s = {0};
    if (access(parquet, R_OK) != 0) skip();
    kit_open(&db, true);
    kit_do(
        &db,
        "CREATE NODE LABEL Event (seq INT, team STRING, type STRING, subtype STRING, period INT, start_time DOUBLE, "
        "from_player STRING, to_player STRING, start_x DOUBLE, start_y DOUBLE) "
        "VIRTUAL FROM PARTITION '../shared/data/football/events/{game}.parquet'");
    check_scan(&db, "Event", names, 5, &s);
    assert_true(s.vectors > 5);
    kit_remove(&db);
}

/* ---- cancellation */

static _Atomic bool stop;

static void *cancel_for_ever(void *session) {
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        for (int i = 0; i < 3; i++) (void)sched_yield();
        wg_session_cancel(session);
    }
    return NULL;
}

/* Each would run for hours: G is 60 nodes with all 3,600 relationships, X 20,000 nodes. What does not look at the cancellation never ends. */
static const char *const endless[] = {
    "MATCH (a:X), (b:X) WHERE a.k + b.k < -1 RETURN a.k",
    "MATCH (a:G)-[p]->(b)-[q]->(c)-[r]->(d)-[s]->(e) WHERE p.w * q.w * r.w * s.w < -1 RETURN a.k",
    "MATCH (a:G)-[p]->(b)-[q]->(c)-[r]->(d)-[s]->(a) WHERE p.w * q.w * r.w * s.w < -1 RETURN a.k",
    "MATCH (a:G {k: 0})-[*1..30]->(b) RETURN count(b.k)",
    "MATCH (x:X), (a:G), (b:G) MATCH p = allShortestPaths((a)-[*1..9]->(b)) RETURN sum(length(p) + x.k)",
    "MATCH (a:X), (b:X) UNWIND [a.k, b.k, 3] AS x WITH x + a.k AS y WHERE y < -1 RETURN y",
    "MATCH (a:X), (b:X) WHERE a.k % 2 = b.k % 2 AND a.f + b.f < -1 RETURN a.k",
    "MATCH (a:X), (b:X) RETURN a.k % 7 + b.k % 3 AS g, sum(a.f * b.f)",
    "MATCH (a:X), (b:X) RETURN DISTINCT (a.k + b.k) % 5",
    "MATCH (a:X), (b:X) RETURN a.k ORDER BY a.f * b.f LIMIT 3",
    "MATCH (a:X), (b:X) RETURN a.k SKIP 9000000000 LIMIT 1",
    "MATCH (a:X), (b:X) OPTIONAL MATCH (c:X) WHERE c.k = a.k + b.k RETURN count(c.f)",
    "MATCH (a:X), (b:X) WHERE EXISTS { MATCH (c:G) WHERE c.k = a.k - b.k - 99999 } RETURN a.k",
    "MATCH (a:X), (b:X) CALL { WITH a, b MATCH (c:G) WHERE c.k = a.k + b.k RETURN count(c) AS n } RETURN sum(n)",
    "MATCH (a:X), (b:X) CALL db.labels() YIELD label WHERE label = 'none' RETURN label",
    "MATCH (a:X), (b:X) WHERE a.k + b.k < -1 RETURN a.k AS x UNION MATCH (a:X), (b:X) WHERE a.k < -1 RETURN b.k AS x",
    "MATCH (a:X), (b:X) RETURN sum(reduce(s = 0, x IN range(1, 1000) | s + x * a.k))",
    "MATCH (a:X), (b:X) WHERE a.k + b.k > -1 SET a.z = b.k",
    "MATCH (a:X), (b:X) MERGE (m:M {k: a.k * 20000 + b.k})",
    "MATCH (a:X), (b:X) CREATE (:N {k: a.k})",
    "MATCH (a:X), (b:X) DELETE a"};

/* Goal: every kind of operator looks at the cancellation while it works; the session is usable afterwards. */
static void test_every_operator_can_be_cancelled(void **state) {
    (void)state;
    kit_db db;
    pthread_t thread;
    kit_open(&db, true);
    kit_do(&db, "UNWIND range(1, 20000) AS i CREATE (:X {k: i, f: i * 0.1})");
    kit_do(&db, "UNWIND range(0, 59) AS i CREATE (:G {k: i})");
    kit_do(&db, "MATCH (a:G), (b:G) CREATE (a)-[:R {w: 1}]->(b)");
    kit_execution(&db, 2, 3, 1024, NULL, WG_OPTIMIZER_ON);
    for (size_t q = 0; q < sizeof endless / sizeof endless[0]; q++) {
        wg_result *result = NULL;
        wg_error failure = {0};
        atomic_store(&stop, false);
        assert_int_equal(pthread_create(&thread, NULL, cancel_for_ever, db.session), 0);
        const wg_code code = wg_query(db.session, endless[q], &result, &failure);
        atomic_store(&stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (code != WG_E_CANCELLED) fail_msg("%s: %s: %s", endless[q], wg_code_name(code), failure.message);
    }
    wg_buf out = {0};
    kit_answer(&db, "MATCH (n:X) RETURN count(*) AS n, count(n.z) AS z", 0, &out);
    assert_true(wg_slice_is(wg_buf_slice(&out), "n,z\n[20000,0]\n"));
    wg_buf_deinit(&out);
    kit_remove(&db);
}

/* ---- threads */

enum { TIDS_MAX = 256 };

typedef struct tids {
    uint32_t count;
    uint64_t items[TIDS_MAX];
} tids;

static tids threads_now(void) {
    tids t = {0};
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        assert_true(t.count < TIDS_MAX);
        t.items[t.count++] = strtoull(e->d_name, NULL, 10);
    }
    (void)closedir(dir);
    return t;
}

static bool has_thread(const tids *t, uint64_t id) {
    for (uint32_t i = 0; i < t->count; i++)
        if (t->items[i] == id) return true;
    return false;
}

/* Goal: the pool's threads are there from the first parallel work on, and no query adds or replaces one. */
static void test_no_query_starts_a_thread(void **state) {
    (void)state;
    kit_db db;
    kit_open(&db, true);
    kit_do(&db, "UNWIND range(1, 100000) AS i CREATE (:X {k: i, f: i * 0.1})");
    kit_execution(&db, 4, 7, 2048, NULL, WG_OPTIMIZER_ON);
    for (int i = 0; i < 20; i++) kit_do(&db, "MATCH (n:X) RETURN sum(n.f)");
    const tids before =
        threads_now(); /* perhaps with some that have ended and that the system has not taken away yet */
    for (int i = 0; i < 100; i++) {
        kit_do(&db, "MATCH (n:X) RETURN n.k % 10 AS g, sum(n.f) ORDER BY g");
        kit_do(&db, "CALL db.changes(0, null) YIELD op RETURN op, count(*)");
    }
    const tids after = threads_now();
    assert_true(after.count >= 4);
    for (uint32_t i = 0; i < after.count; i++) assert_true(has_thread(&before, after.items[i]));
    kit_remove(&db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_owned_rows_are_aligned),
        cmocka_unit_test(test_vectors_of_parquet_are_aligned),
        cmocka_unit_test(test_every_operator_can_be_cancelled),
        cmocka_unit_test(test_no_query_starts_a_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
