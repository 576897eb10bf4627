/* Goal: MERGE, relationships of variable length, paths, and patterns inside expressions give the answers that openCypher asks for. */
#include "query/query_test_kit.h"

static int set_up_empty(void **state) {
    static store s;
    store_open(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: MERGE on a node finds or creates it, row by row, each row seeing what earlier ones created. */
static void test_merge_node_sees_earlier_rows(void **state) {
    store *s = *state;
    expect(s, "UNWIND [1, 2, 1, 2, 3] AS i MERGE (n:N {k: i}) RETURN n.k", "1\n2\n1\n2\n3\n");
    expect(s, "MATCH (n:N) RETURN count(*)", "3\n");
    expect(s, "MERGE (n:N {k: 2}) ON CREATE SET n.new = true ON MATCH SET n.old = n.k + 1 RETURN n.new, n.old",
           "null|3\n");
    expect(s, "MERGE (n:N {k: 9}) ON CREATE SET n.new = true ON MATCH SET n.old = 1 RETURN n.new, n.old",
           "true|null\n");
    expect(s, "MERGE (n:N) RETURN n.k ORDER BY n.k", "1\n2\n3\n9\n");
    expect(s, "UNWIND [7, 7] AS i MERGE (n:N {k: i}) ON CREATE SET n.c = 1 ON MATCH SET n.c = n.c + 1 RETURN n.c",
           "2\n2\n");
    expect(s, "MERGE (n:N {k: 50 + 1}) RETURN n.k", "51\n");
    expect(s, "MERGE (n:N:M {k: 1}) RETURN labels(n)", "[\"M\",\"N\"]\n");
    expect(s, "MATCH (n:N {k: 1}) RETURN count(*)", "2\n");
    expect(s, "MERGE (a:N {k: 60}) MERGE (b:N {k: 60}) RETURN a = b", "true\n");
    expect(s, "CREATE (x:Y {k: 1}) MERGE (y:Y {k: 1}) RETURN x = y", "true\n");
}

/* Goal: MERGE on relationships and longer paths, between bound and unbound ends, with and without direction. */
static void test_merge_path_matches_or_creates_whole(void **state) {
    store *s = *state;
    run(s, "CREATE (:A {k: 1}), (:A {k: 2})");
    expect(s, "MATCH (a:A {k: 1}), (b:A {k: 2}) MERGE (a)-[r:R]->(b) ON CREATE SET r.w = 1 RETURN type(r), r.w",
           "\"R\"|1\n");
    expect(s, "MATCH (a:A {k: 1}), (b:A {k: 2}) MERGE (a)-[r:R]->(b) ON MATCH SET r.w = 2 RETURN r.w", "2\n");
    expect(s, "MATCH (a:A {k: 1}), (b:A {k: 2}) MERGE (b)-[r:R]-(a) RETURN r.w", "2\n");
    expect(s, "MATCH (a:A {k: 1}), (b:A {k: 2}) MERGE (b)-[r:U]-(a) RETURN startNode(r).k", "2\n");
    expect(s, "MATCH (a:A {k: 1}) MERGE (a)-[:S {x: 1}]->(c:C {v: a.k}) RETURN c.v", "1\n");
    expect(s, "MATCH (a:A) MERGE (a)-[:S]->(c:C) RETURN a.k, c.v", "1|1\n2|null\n");
    expect(s, "MATCH (c:C) RETURN count(*)", "2\n");
    expect(s, "MERGE (x:X)-[:P]->(y:X)<-[:P]-(z:X) RETURN count(*)", "1\n");
    expect(s, "MERGE (x:X)-[:P]->(y:X)<-[:P]-(z:X) RETURN count(*)", "2\n");
    expect(s, "MATCH (x:X) RETURN count(*)", "3\n");
    expect(s, "MATCH (a:A {k: 1}) MERGE (a)-[:L]->(a) MERGE (a)-[l:L]->(a) RETURN count(l)", "1\n");
    expect(s, "MATCH (a:A {k: 1}) MERGE p = (a)-[:R]->() RETURN length(p)", "1\n");
}

/* Goal: what MERGE cannot mean is an error at its place, and nothing is written. */
static void test_merge_refuses(void **state) {
    store *s = *state;
    expect_error(s, "MERGE (n:E {k: null})", WG_E_VALUE, 15, "null");
    expect_error(s, "MATCH (n) MERGE (n)", WG_E_BIND, 16, "exists already");
    expect_error(s, "MERGE (a)-[r]->(b)", WG_E_BIND, 9, "type");
    expect_error(s, "MERGE (a)-[:R*2]->(b)", WG_E_BIND, 9, "variable length");
    expect_error(s, "MERGE (a:E {k: b.x})", WG_E_BIND, 15, "not defined");
    expect(s, "MATCH (n:E) RETURN count(*)", "0\n");
    expect_error(s, "UNWIND [1, null] AS k MERGE (n:E {k: k})", WG_E_VALUE, 37, "null");
    expect(s, "MATCH (n:E) RETURN count(*)", "0\n");
}

/* Goal: a whole primary key is sought, not scanned; a declared label is obeyed. */
static void test_merge_seeks_keys(void **state) {
    store *s = *state;
    run(s, "CREATE NODE LABEL P (id INT, name STRING, PRIMARY KEY (id))");
    expect_plan(s, "UNWIND [1] AS i MERGE (p:P {id: i}) RETURN p", "Seek", false);
    expect_plan(s, "UNWIND [1] AS i MERGE (p:P {id: i}) RETURN p", "SegmentScan", true);
    expect(s,
           "UNWIND range(1, 100) AS i MERGE (p:P {id: i % 10}) ON CREATE SET p.name = 'n' + toString(i) RETURN "
           "count(DISTINCT p)",
           "10\n");
    expect(s, "MATCH (p:P {id: 3}) RETURN p.name", "\"n3\"\n");
    expect_error(s, "MERGE (p:P {id: 3, name: 'other'})", WG_E_CONSTRAINT, 16, "primary key");
}

int main(void) {
    const struct CMUnitTest empty_tests[] = {
        cmocka_unit_test_setup_teardown(test_merge_node_sees_earlier_rows, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_path_matches_or_creates_whole, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_refuses, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_seeks_keys, set_up_empty, tear_down),
    };
    return cmocka_run_group_tests(empty_tests, NULL, NULL);
}
