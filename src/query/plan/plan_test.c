/* Goal: what planning alone decides: where clauses are cut, what is refused after a write, that every allocation may fail. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE (:A {n: 1})-[:R]->(:A {n: 2})-[:R]->(:A {n: 3})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: a read after a write sees what the same statement wrote. */
static void test_reads_after_writes_are_safe(void **state) {
    store *s = *state;
    expect(s, "CREATE (x:N1 {n: 9}) WITH x MATCH (a:N1) RETURN count(*), max(a.n)", "1|9\n");
    expect(s, "CREATE (x:N1 {n: 'z'}) WITH x MATCH (a:N1) WHERE a.n = x.n RETURN a.n", "\"z\"\n");
    expect(s, "MATCH (x:N1) SET x.q = 7 WITH count(*) AS c MATCH (a:N1), (b:N1) WHERE a.q = b.q RETURN c, count(*)",
           "2|4\n");
    expect(s, "MATCH (x:N1) WITH x LIMIT 1 DELETE x WITH 1 AS one MATCH (a:N1) RETURN one, count(*)", "1|1\n");
    expect(s, "MATCH (x:N1) DELETE x WITH 1 AS one MATCH (a:N1) RETURN one, count(*)", "");
    expect(s, "CREATE (x:N1)-[:V]->(y:N1) WITH 1 AS one MATCH (:N1)-[r:V]->(:N1) RETURN count(r)", "1\n");
    expect(s, "MATCH (x:N1) DETACH DELETE x", "");
    expect(s, "CREATE (x:A {n: 9}) WITH x MATCH (a:A) RETURN count(*)", "4\n");
    expect(s, "MATCH (a:A {n: 9}) DELETE a", "");
    expect(s, "MATCH (a:A) SET a.k = 1 WITH a OPTIONAL MATCH (a)-->(b) RETURN b.k ORDER BY b.k", "1\n1\nnull\n");
    expect(s, "MATCH (a:A) SET a.k = 1 WITH a WHERE (a)-->() RETURN count(a)", "2\n");
    expect(s, "MATCH (a:A) REMOVE a.k", "");
    expect(s, "CREATE (x:T)-[:U]->(y:T {v: 5}) WITH x MATCH (x)-[:U]->(z) RETURN z.v", "5\n");
    expect(s, "MATCH (t:T) DETACH DELETE t", "");
    expect(s, "MATCH (a:A) RETURN count(*)", "3\n");
}

/* Goal: later parts of a SET see the earlier ones. */
static void test_set_is_applied_in_order(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A {n: 1}) SET a.x = 1, a.y = a.x + 1, a.z = a.y + 1 RETURN a.x, a.y, a.z", "1|2|3\n");
    expect(s, "MATCH (a:A {n: 1}) REMOVE a.x, a.y, a.z RETURN a.x", "null\n");
}

/* Goal: CREATE uses nodes of the row, of the same clause, and both. */
static void test_create_connects_old_and_new(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A {n: 3}) CREATE (a)-[r:W {q: a.n}]->(b:C), (b)<-[:W]-(c:C {n: r.q}) RETURN r.q, c.n",
           "3|3\n");
    expect(s, "MATCH (a:A)-[:W]->(b:C)<-[:W]-(c:C) RETURN a.n, c.n", "3|3\n");
    expect(s, "MATCH (c:C) DETACH DELETE c", "");
}

/* Goal: without RETURN there are no columns; COPY and transaction words have their own ways. */
static void test_statements_without_results(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) SET a.n = a.n", "");
    wg_error err = {0};
    assert_int_equal(try_text(s, "COMMIT", NULL, &err), WG_E_MISUSE);
    wg_prepared *query;
    assert_int_equal(wg_query_create(wg_slice_str("RETURN $b + $a + $b"), NULL, NULL, &query, NULL), WG_OK);
    assert_int_equal(wg_query_param_count(query), 2);
    assert_string_equal(wg_query_param_name(query, 0), "b");
    assert_int_equal(wg_query_kind_of(query), WG_QUERY_READ);
    assert_true(wg_slice_is(wg_query_canonical_text(query), "RETURN ($b + $a) + $b"));
    wg_query_destroy(query);
    wg_query_destroy(NULL);
}

static void run_until_memory_suffices(store *s, const char *text, wg_txn_mode mode) {
    wg_prepared *query;
    assert_int_equal(wg_query_create(wg_slice_str(text), NULL, NULL, &query, NULL), WG_OK);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        assert_true(n < 100000);
        wg_txn *txn;
        assert_int_equal(wg_txn_begin(s->engine, mode, 0, &txn, NULL), WG_OK);
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_stats stats = {0};
        const wg_exec_context context = {
            .txn = txn, .threads = 1, .batch_rows = 2, .account = &account, .stats = &stats};
        wg_query_result result;
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_query_run(query, &context, &result, &err);
        wg_memory_fail_at(0, false);
        if (code != WG_OK && code != WG_E_NOMEM) fail_msg("%s: allocation %d: %s", text, (int)n, err.message);
        done = code == WG_OK;
        if (done) wg_query_result_deinit(&result);
        assert_int_equal(wg_account_bytes(&account), 0);
        wg_txn_abort(txn);
    }
    wg_query_destroy(query);
}

/* Goal: any failing allocation while binding, planning and running ends in WG_E_NOMEM without a leak. */
static void test_every_allocation_may_fail(void **state) {
    store *s = *state;
    run_until_memory_suffices(
        s,
        "MATCH (a:A)-[r:R]->(b:A), (c:A) WHERE c.n = b.n AND (a)-[:R]->() OPTIONAL MATCH (b)-[:R]->(d) "
        "WITH a.n AS k, count(d) AS c ORDER BY k RETURN k + 1, c, {x: [k]} AS m",
        WG_TXN_READ);
    run_until_memory_suffices(s,
                              "MATCH p = (a:A)-[r:R*0..2]->(b) WHERE COUNT { (b)-->() } >= 0 OR (a)-->() "
                              "RETURN nodes(p), length(p), [(a)-[x]->(y) WHERE y.n > 0 | [y.n, x]] AS l",
                              WG_TXN_READ);
    run_until_memory_suffices(
        s,
        "MATCH (a:A) WITH a, [x IN range(1, 4) WHERE x > a.n | [y IN range(1, x) | y + a.n]] AS l "
        "RETURN all(x IN l WHERE any(y IN x WHERE y > rand())), reduce(t = [], x IN l | t + x), "
        "stDev(a.n), percentileCont(a.n, 0.5)",
        WG_TXN_READ);
    run_until_memory_suffices(
        s,
        "MATCH (a:A) RETURN date({year: 2000 + a.n, week: 3}) + duration({months: 1.5, seconds: a.n}), "
        "duration.between(datetime('2001-01-31T12:00+01:00'), localdatetime('2001-02')) * a.n, "
        "datetime.truncate('week', datetime('2001-01-31T12:00Z'), {timezone: '+02:00'}).offset",
        WG_TXN_READ);
    run_until_memory_suffices(s,
                              "UNWIND [1, 5, 5] AS i MERGE (a:A {n: i}) ON CREATE SET a.c = 1 ON MATCH SET a.m = [i] "
                              "MERGE p = (a)-[r:R]->(b:A {n: 2}) WITH a, p MATCH (z:A) RETURN a.c, p, count(z)",
                              WG_TXN_WRITE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_after_writes_are_safe), cmocka_unit_test(test_set_is_applied_in_order),
        cmocka_unit_test(test_create_connects_old_and_new), cmocka_unit_test(test_statements_without_results),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
