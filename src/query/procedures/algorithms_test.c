/* The procedures of graph algorithms: answers on graphs that can be checked by eye, options and their mistakes, snapshots and the statement's
 * own writes, equal bytes on any number of threads, limits. */
#include "query/query_test_kit.h"

typedef struct world {
    store s;
    wg_procedures *procedures;
    wg_pool *pool;
    uint32_t threads;
    wg_account *account;
} world;

static world w;

/* Runs in `txn`; rows become lines of JSON cells with '|' between them. */
static wg_code run_in(wg_txn *txn, const char *text, wg_error *err) {
    wg_prepared *query;
    wg_buf *answer = &w.s.answer;
    answer->size = 0;
    WG_TRY(wg_query_create(wg_slice_str(text), w.procedures, NULL, &query, err));
    const wg_exec_context context = {
        .txn = txn, .threads = w.threads, .pool = w.pool, .batch_rows = 100, .account = w.account};
    wg_query_result result;
    const wg_code code = wg_query_run(query, &context, &result, err);
    if (code == WG_OK) {
        const uint64_t rows = result.rows != NULL ? wg_rows_count(result.rows) : 0;
        for (uint64_t r = 0; r < rows; r++)
            for (uint32_t c = 0; c < result.column_count; c++) {
                const wg_value v = wg_rows_cell(result.rows, r, c);
                assert_true(wg_value_print_json(answer, &v));
                assert_true(wg_buf_append_str(answer, c + 1 < result.column_count ? "|" : "\n"));
            }
        wg_query_result_deinit(&result);
    }
    wg_query_destroy(query);
    return code;
}

static wg_code try_query(const char *text, wg_error *err) {
    wg_txn *txn;
    assert_int_equal(wg_txn_begin(w.s.engine, WG_TXN_WRITE, 0, &txn, NULL), WG_OK);
    const wg_code code = run_in(txn, text, err);
    if (code == WG_OK) assert_int_equal(wg_txn_commit(txn, NULL, NULL), WG_OK);
    else wg_txn_abort(txn);
    return code;
}

static void expect_rows(const char *text, const char *answer) {
    wg_error err = {0};
    if (try_query(text, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    assert_true(wg_buf_append_u8(&w.s.answer, 0));
    assert_string_equal((const char *)w.s.answer.data, answer);
}

static void expect_mistake(const char *text, wg_code code, const char *part) {
    wg_error err = {0};
    assert_int_equal(try_query(text, &err), code);
    if (strstr(err.message, part) == NULL) fail_msg("%s: '%s' lacks '%s'", text, err.message, part);
}

static int set_up(void **state) {
    (void)state;
    w = (world){.threads = 2};
    store_open(&w.s);
    assert_int_equal(wg_procedures_create(NULL, &w.procedures, NULL), WG_OK);
    assert_int_equal(wg_pool_create(8, &w.pool, NULL), WG_OK);
    /* a-b-c-a is a triangle, c-d hangs on it, e-f is apart, g is alone; X is no P */
    expect_rows(
        "CREATE (a:P {n: 'a'}), (b:P {n: 'b'}), (c:P {n: 'c'}), (d:P {n: 'd'}), (e:P {n: 'e'}), (f:P {n: 'f'}), (g:P "
        "{n: 'g'}), "
        "(x:X {n: 'x'}), (a)-[:R {w: 1}]->(b), (b)-[:R {w: 2.5}]->(c), (a)-[:R {w: 5}]->(c), (c)-[:R]->(d), "
        "(e)-[:R {w: 1}]->(f), (f)-[:R {w: 1}]->(e), (d)-[:S {w: 0}]->(x), (x)-[:S {w: 0}]->(e)",
        "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    wg_procedures_destroy(w.procedures);
    wg_pool_destroy(w.pool);
    store_close(&w.s);
    return 0;
}

/* Goal: each procedure gives a row a node in id order, with the answer of its definition. */
static void test_answers_of_a_small_graph(void **state) {
    (void)state;
    expect_rows(
        "MATCH (s:P {n: 'a'}) CALL algo.bfs(s, 'R', null) YIELD node, depth, parent RETURN node.n, depth, parent.n",
        "\"a\"|0|null\n\"b\"|1|\"a\"\n\"c\"|1|\"a\"\n\"d\"|2|\"c\"\n");
    expect_rows("MATCH (s:P {n: 'd'}) CALL algo.bfs(s, 'R', 'in') YIELD node, depth RETURN node.n, depth",
                "\"a\"|2\n\"b\"|2\n\"c\"|1\n\"d\"|0\n");
    expect_rows(
        "MATCH (s:P {n: 'd'}) CALL algo.bfs(s, ['R', 'S'], {direction: 'both'}) YIELD node, depth RETURN node.n, "
        "depth",
        "\"a\"|2\n\"b\"|2\n\"c\"|1\n\"d\"|0\n\"e\"|2\n\"f\"|3\n\"x\"|1\n");
    expect_rows(
        "MATCH (s:P {n: 'a'}) CALL algo.sssp(s, 'R', {weight: 'w'}) YIELD node, distance RETURN node.n, distance",
        "\"a\"|0.0\n\"b\"|1.0\n\"c\"|3.5\n\"d\"|4.5\n");
    expect_rows("CALL algo.components('R', {label: 'P'}) YIELD node, component RETURN node.n, component",
                "\"a\"|0\n\"b\"|0\n\"c\"|0\n\"d\"|0\n\"e\"|4\n\"f\"|4\n\"g\"|6\n");
    expect_rows("CALL algo.components(null, null) YIELD component RETURN DISTINCT component", "0\n6\n");
    expect_rows("CALL algo.components() YIELD component RETURN DISTINCT component",
                "0\n6\n"); /* null when left out */
    expect_rows("CALL algo.components(null) YIELD component RETURN DISTINCT component", "0\n6\n");
    expect_rows(
        "CALL algo.triangles('R', {label: ['P', 'X']}) YIELD node, triangles, coefficient RETURN node.n, triangles, "
        "coefficient ORDER BY triangles DESC, node.n LIMIT 4",
        "\"a\"|1|1.0\n\"b\"|1|1.0\n\"c\"|1|0.3333333333333333\n\"d\"|0|0.0\n");
    expect_rows("CALL algo.kCore('R', {label: 'P'}) YIELD node, core RETURN node.n, core",
                "\"a\"|2\n\"b\"|2\n\"c\"|2\n\"d\"|1\n\"e\"|1\n\"f\"|1\n\"g\"|0\n");
    expect_rows(
        "CALL algo.labelPropagation('R', {label: 'P', iterations: 4}) YIELD node, community RETURN node.n, community",
        "\"a\"|0\n\"b\"|0\n\"c\"|0\n\"d\"|0\n\"e\"|4\n\"f\"|5\n\"g\"|6\n");
    expect_rows(
        "CALL algo.betweenness('R', {direction: 'both', label: 'P'}) YIELD node, score WHERE score > 0 RETURN "
        "node.n, score",
        "\"c\"|4.0\n");
    expect_rows("CALL algo.louvain('R', {label: 'P'}) YIELD node, community RETURN node.n, community",
                "\"a\"|0\n\"b\"|0\n\"c\"|0\n\"d\"|0\n\"e\"|4\n\"f\"|4\n\"g\"|6\n");
    expect_rows(
        "CALL algo.pageRank('R', {label: 'P', iterations: 1, damping: 0.5}) YIELD node, score "
        "RETURN node.n, round(score * 1400) / 100",
        "\"a\"|1.0\n\"b\"|1.5\n\"c\"|2.5\n\"d\"|2.0\n\"e\"|2.0\n\"f\"|2.0\n\"g\"|1.0\n");
}

/* Goal: mistakes are errors that say what there is. */
static void test_mistakes_are_named(void **state) {
    (void)state;
    expect_mistake("CALL algo.pageRank('R', {dampnig: 0.5}) YIELD score RETURN score", WG_E_BIND,
                   "did you mean 'damping'?");
    expect_mistake("CALL algo.kCore('R', {direction: 'out'}) YIELD core RETURN core", WG_E_BIND, "it has label");
    expect_mistake("CALL algo.kCore('RR', null) YIELD core RETURN core", WG_E_NOT_FOUND, "no relationship type 'RR'");
    expect_mistake("CALL algo.kCore('R', {label: 'PP'}) YIELD core RETURN core", WG_E_NOT_FOUND,
                   "there is no label 'PP'");
    expect_mistake("CALL algo.pageRank('R', {direction: 'up'}) YIELD score RETURN score", WG_E_VALUE,
                   "'out', 'in' or 'both'");
    expect_mistake("CALL algo.pageRank('R', {iterations: 0}) YIELD score RETURN score", WG_E_VALUE, "iterations");
    expect_mistake("CALL algo.pageRank('R', {damping: 1.5}) YIELD score RETURN score", WG_E_VALUE, "from 0 to 1");
    expect_mistake("CALL algo.pageRank('R', 7) YIELD score RETURN score", WG_E_TYPE, "MAP");
    expect_mistake("CALL algo.pageRank(7, null) YIELD score RETURN score", WG_E_TYPE, "INT");
    expect_mistake("MATCH (x:X) CALL algo.bfs(x, 'R', {label: 'P'}) YIELD depth RETURN depth", WG_E_NOT_FOUND,
                   "source");
    expect_mistake("MATCH (s:P {n: 'a'}) CALL algo.sssp(s, 'R', {weight: 'nothing'}) YIELD distance RETURN distance",
                   WG_E_NOT_FOUND, "'nothing'");
    expect_rows("MATCH ()-[r:R {w: 5}]->() SET r.w = -5", "");
    expect_mistake("MATCH (s:P {n: 'a'}) CALL algo.sssp(s, 'R', {weight: 'w'}) YIELD distance RETURN distance",
                   WG_E_VALUE, "from 0 up");
    expect_rows("MATCH ()-[r:R {w: -5}]->() SET r.w = 'far'", "");
    expect_mistake("MATCH (s:P {n: 'a'}) CALL algo.sssp(s, 'R', {weight: 'w'}) YIELD distance RETURN distance",
                   WG_E_TYPE, "STRING");
}

/* Goal: a transaction sees the graph with its own changes, and a later snapshot without what was given up. */
static void test_own_writes_are_seen(void **state) {
    (void)state;
    wg_txn *txn;
    wg_error err = {0};
    const char *question = "CALL algo.components('R', {label: 'P'}) YIELD component RETURN count(DISTINCT component)";
    expect_rows(question, "3\n");
    assert_int_equal(wg_txn_begin(w.s.engine, WG_TXN_WRITE, 0, &txn, NULL), WG_OK);
    assert_int_equal(run_in(txn, "MATCH (d:P {n: 'd'}), (e:P {n: 'e'}) CREATE (d)-[:R]->(e)", &err), WG_OK);
    if (run_in(txn, question, &err) != WG_OK) fail_msg("%s", err.message);
    assert_memory_equal(w.s.answer.data, "2\n", 2);
    assert_int_equal(run_in(txn, "MATCH (:P {n: 'c'})-[r:R]->(:P {n: 'd'}) DELETE r", &err), WG_OK);
    if (run_in(txn, question, &err) != WG_OK) fail_msg("%s", err.message);
    assert_memory_equal(w.s.answer.data, "3\n", 2);
    wg_txn_abort(txn);
    expect_rows(question, "3\n");
    expect_rows("MATCH (g:P {n: 'g'}) DELETE g", ""); /* ids have a hole: nodes are renumbered */
    expect_rows("MATCH (e:P {n: 'b'}) DETACH DELETE e", "");
    expect_rows("CALL algo.components('R', {label: 'P'}) YIELD node, component RETURN node.n, component",
                "\"a\"|0\n\"c\"|0\n\"d\"|0\n\"e\"|4\n\"f\"|4\n");
    for (w.threads = 1; w.threads < 4; w.threads++) {
        expect_rows(
            "MATCH (s:P {n: 'a'}) CALL algo.sssp(s, 'R', {weight: 'w', label: 'P'}) YIELD node, distance "
            "RETURN node.n, distance",
            "\"a\"|0.0\n\"c\"|5.0\n\"d\"|6.0\n");
        expect_rows(
            "MATCH (s:P {n: 'd'}) CALL algo.sssp(s, 'R', {weight: 'w', label: 'P', direction: 'both'}) YIELD node, "
            "distance RETURN node.n, distance",
            "\"a\"|6.0\n\"c\"|1.0\n\"d\"|0.0\n");
        expect_rows(
            "MATCH (s:P {n: 'd'}) CALL algo.sssp(s, ['R', 'S'], {weight: 'w'}) YIELD node, distance "
            "RETURN node.n, distance",
            "\"d\"|0.0\n\"e\"|0.0\n\"f\"|1.0\n\"x\"|0.0\n");
    }
    expect_rows("CALL algo.kCore(null, null) YIELD node, core RETURN node.n, core",
                "\"a\"|1\n\"c\"|1\n\"d\"|1\n\"e\"|1\n\"f\"|1\n\"x\"|1\n");
}

/* Goal: every answer has the same bytes on 1, 2, 3 and 8 threads. */
static void test_threads_do_not_show(void **state) {
    (void)state;
    static const char *const questions[] = {
        "MATCH (s:N {i: 5}) CALL algo.bfs(s, 'E', 'both') YIELD node AS n, depth, parent AS p RETURN n, depth, p",
        "MATCH (s:N {i: 5}) CALL algo.sssp(s, 'E', {weight: 'w'}) YIELD node, distance RETURN id(node), distance",
        "CALL algo.pageRank('E', {dangling: true}) YIELD node, score RETURN id(node), score",
        "CALL algo.betweenness('E', {sources: 4, seed: 9}) YIELD node, score RETURN id(node), score",
        "CALL algo.louvain('E', {weight: 'w'}) YIELD community, modularity RETURN community, modularity",
        "CALL algo.triangles('E', null) YIELD triangles, coefficient RETURN triangles, coefficient",
        "UNWIND [1, 2] AS k CALL algo.labelPropagation('E', {iterations: k}) YIELD community RETURN k, community",
    };
    static const uint32_t threads[] = {1, 2, 3, 8};
    expect_rows("UNWIND range(0, 1999) AS i CREATE (:N {i: i})", "");
    expect_rows(
        "MATCH (a:N), (b:N) WHERE (a.i * 7919 + b.i * 104729) % 401 < 3 AND b.i % 37 < 25 "
        "CREATE (a)-[:E {w: (a.i * b.i) % 17 + 0.1}]->(b)",
        "");
    for (size_t q = 0; q < sizeof questions / sizeof questions[0]; q++) {
        wg_buf first;
        wg_buf_init(&first, NULL);
        for (size_t t = 0; t < 4; t++) {
            wg_error err = {0};
            w.threads = threads[t];
            if (try_query(questions[q], &err) != WG_OK) fail_msg("%s: %s", questions[q], err.message);
            if (t == 0) assert_true(wg_buf_append(&first, w.s.answer.data, w.s.answer.size));
            assert_int_equal(first.size, w.s.answer.size);
            assert_memory_equal(first.data, w.s.answer.data, first.size);
        }
        assert_true(first.size > 1000);
        wg_buf_deinit(&first);
    }
}

/* Goal: what does not fit the memory of a query is a limit, not a failure of the machine. */
static void test_limit_of_memory(void **state) {
    (void)state;
    wg_account account;
    expect_rows("UNWIND range(0, 19999) AS i CREATE (:N {i: i})", "");
    wg_account_init(&account, NULL, 100000);
    w.account = &account;
    expect_mistake("CALL algo.kCore('R', null) YIELD core RETURN core", WG_E_LIMIT, "memory");
    assert_int_equal(wg_account_bytes(&account), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_of_a_small_graph, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mistakes_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_own_writes_are_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_do_not_show, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_of_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
