/* Goal: constraints hold at the end of each statement and may be broken on the way there; what is broken at the end is named with its label,
 * property, row and place, and nothing of the statement stays. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    s = (store){0};
    store_open(&s);
    run(&s, "CREATE NODE LABEL P (id INT, k INT NOT NULL, w INT, PRIMARY KEY (id))");
    run(&s, "CREATE CONSTRAINT FOR (n:P) REQUIRE n.w IS UNIQUE");
    run(&s, "CREATE (:P {id: 1, k: 1, w: 1}), (:P {id: 2, k: 2, w: 2}), (:P {id: 3, k: 3, w: 3})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

#define ROWS "MATCH (n:P) RETURN n.id, n.k, n.w ORDER BY n.id"

/* Goal: values come to a row in several clauses of one statement. */
static void test_a_row_is_finished_when_its_statement_ends(void **state) {
    store *s = *state;
    run(s, "CREATE (n:P) SET n.id = 4, n.k = 1");
    run(s, "CREATE (n:P {k: 7}) WITH n SET n.id = 5");
    run(s, "MERGE (n:P {id: 6}) ON CREATE SET n.k = 2 ON MATCH SET n.k = 3");
    run(s, "MERGE (n:P {id: 6}) ON CREATE SET n.k = 2 ON MATCH SET n.k = 3");
    run(s, "MATCH (n:P {id: 1}) REMOVE n.k SET n.k = 9");
    run(s, "MATCH (n:P {id: 2}) SET n = {} SET n += {id: 2, k: 8}");
    run(s, "CREATE (n:P) DELETE n");
    run(s, "CREATE (n:Open {id: 7}) SET n:P SET n.k = 4");
    expect(s, ROWS, "1|9|1\n2|8|null\n3|3|3\n4|1|null\n5|7|null\n6|3|null\n7|4|null\n");
}

/* Goal: rows exchange values that only one may have, of constraints and of primary keys; so does a shift of all of them. */
static void test_unique_values_change_hands(void **state) {
    store *s = *state;
    run(s, "MATCH (a:P {id: 1}), (b:P {id: 2}) SET a.w = 2, b.w = 1");
    run(s, "MATCH (a:P {k: 1}), (b:P {k: 3}) SET a.id = 3, b.id = 1");
    expect(s, ROWS, "1|3|3\n2|2|1\n3|1|2\n");
    expect(s, "MATCH (n:P {id: 3}) RETURN n.k", "1\n");
    run(s, "MATCH (n:P) SET n.id = n.id + 1, n.w = n.w + 1");
    expect(s, ROWS, "2|3|4\n3|2|2\n4|1|3\n");
    run(s, "MATCH (n:P {id: 2}) DELETE n CREATE (:P {id: 2, k: 5, w: 4})");
    expect(s, "MATCH (n:P {id: 2}) RETURN n.k, n.w", "5|4\n");
    expect(s, "MATCH (n:P) WHERE n.w = 4 RETURN n.k", "5\n");
}

/* Goal: what is broken at the end is said of the first row that broke it, at its place, and nothing is written. */
static void test_what_is_broken_at_the_end_is_named(void **state) {
    store *s = *state;
    expect_error(s, "CREATE (:P {id: 4})", WG_E_CONSTRAINT, 16, "node 3: P.k is NOT NULL and has no value");
    expect_error(s, "CREATE (n:P {id: 4, k: 1}) SET n.k = null", WG_E_CONSTRAINT, 31, "node 3: P.k is NOT NULL");
    expect_error(s, "CREATE (n:P {k: 4})", WG_E_CONSTRAINT, 16, "P.id is NOT NULL and has no value");
    expect_error(s, "MATCH (a:P {id: 1}), (b:P {id: 2}) SET a.w = 2, b.w = 2", WG_E_CONSTRAINT, 39,
                 "node 0: constraint unique_P_w: there is already a P(w: 2) (node 1)");
    expect_error(s, "MATCH (a:P {id: 1}), (b:P {id: 2}) SET a.id = 2", WG_E_CONSTRAINT, 39,
                 "node 0: P already has a node with primary key (2)");
    expect_error(s, "MATCH (n:P) SET n.id = 5", WG_E_CONSTRAINT, 16, "primary key (5)");
    expect_error(s, "UNWIND [8, 9, 8] AS i CREATE (:P {id: i, k: 1})", WG_E_CONSTRAINT, 38, "primary key (8)");
    expect_error(s, "UNWIND range(1, 1000) AS i CREATE (:P {id: i + 10, k: 1, w: 7})", WG_E_CONSTRAINT, 43,
                 "P(w: 7)");
    expect(s, ROWS, "1|1|1\n2|2|2\n3|3|3\n");
}

/* Goal: a clause that looks for the one node of a key is not given one of two. */
static void test_a_seek_between_two_writes_meets_no_doubled_key(void **state) {
    store *s = *state;
    expect_error(s, "MATCH (a:P {id: 1}) SET a.id = 2 WITH a MATCH (b:P {id: 2}) SET b.id = 1", WG_E_CONSTRAINT,
                 WG_NO_OFFSET, "nodes 0 and 1 have the same primary key here");
    run(s, "MATCH (a:P {id: 1}) SET a.id = 0 WITH a MATCH (b:P {id: 2}) SET b.id = 1 WITH a SET a.id = 2");
    expect(s, ROWS, "1|2|2\n2|1|1\n3|3|3\n");
}

/* Goal: IS NOT NULL, IS KEY and types of relationships and nodes, made as constraints, end with the statement too. */
static void test_rules_of_relationships_wait(void **state) {
    store *s = *state;
    run(s, "CREATE EDGE LABEL R (FROM P TO P, a INT, b INT)");
    run(s, "CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.a IS NOT NULL");
    run(s, "CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.b IS KEY");
    run(s,
        "MATCH (a:P {id: 1}), (b:P {id: 2}) CREATE (a)-[r:R]->(b), (b)-[q:R]->(a) SET r.a = 1, r.b = 1, q = {a: 1, "
        "b: 2}");
    run(s, "MATCH (:P {id: 1})-[r:R]->()-[q:R]->() SET r.b = 2, q.b = 1");
    expect(s, "MATCH (a:P)-[r:R]->(b) RETURN a.id, r.b ORDER BY a.id", "1|2\n2|1\n");
    expect_error(s, "MATCH (a:P {id: 1}) CREATE (a)-[r:R {b: 7}]->(a)", WG_E_CONSTRAINT, 40, "edge 2: constraint");
    expect_error(s, "MATCH ()-[r:R {b: 1}]->() SET r.b = null", WG_E_CONSTRAINT, 30, "part of a key");
    run(s, "CREATE (:T)");
    run(s, "CREATE CONSTRAINT FOR (n:T) REQUIRE n.x IS :: INT");
    run(s, "CREATE (n:T {x: 'one'}) SET n.x = 1");
    expect_error(s, "CREATE (n:T {x: 'one'})", WG_E_CONSTRAINT, 16, "T.x is STRING, not INT");
}

/* Goal: a statement that fails leaves the others of its transaction, which may go on and commit. */
static void test_a_failed_statement_leaves_its_transaction(void **state) {
    store *s = *state;
    static const char *const texts[] = {"CREATE (:P {id: 7, k: 1})", "CREATE (:P {id: 8})",
                                        "CREATE (n:P {id: 9}) SET n.k = 1"};
    wg_txn *txn;
    wg_error err = {0};
    assert_int_equal(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, &err), WG_OK);
    for (size_t i = 0; i < 3; i++) {
        wg_prepared *query;
        wg_query_result result;
        wg_txn_mark mark;
        wg_stats stats = {0};
        assert_int_equal(wg_query_create(wg_slice_str(texts[i]), s->procedures, NULL, &query, &err), WG_OK);
        const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 64, .stats = &stats};
        wg_txn_mark_set(txn, &mark);
        const wg_code code = wg_query_run(query, &context, &result, &err);
        assert_int_equal(code, i == 1 ? WG_E_CONSTRAINT : WG_OK);
        if (code == WG_OK) wg_query_result_deinit(&result);
        else wg_txn_rollback_to(txn, &mark);
        wg_query_destroy(query);
    }
    assert_int_equal(wg_txn_commit(txn, NULL, NULL), WG_OK);
    expect(s, "MATCH (n:P) WHERE n.id > 3 RETURN n.id", "7\n9\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_row_is_finished_when_its_statement_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unique_values_change_hands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_broken_at_the_end_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_seek_between_two_writes_meets_no_doubled_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_of_relationships_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failed_statement_leaves_its_transaction, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
