/* Goal: questions on which the engine and the naive interpreter of tests/reference once differed keep the answer that openCypher gives. */
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

static void everywhere(store *s, const char *text, const char *answer) {
    for (uint32_t i = 0; i < 2; i++) {
        s->optimizer_off = i == 1;
        expect(s, text, answer);
    }
    s->optimizer_off = false;
}

/* Goal: an optional part whose condition asks for something that is null, or holds null or NaN, still finds its rows. */
static void test_optional_rows_come_back_for_null_and_nan(void **state) {
    store *s = *state;
    run(s, "CREATE (:A {k: 1}), (:A {k: 2})");
    everywhere(s, "OPTIONAL MATCH (x)-->() OPTIONAL MATCH (n) WHERE x IS NULL RETURN n.k ORDER BY n.k", "1\n2\n");
    everywhere(s, "OPTIONAL MATCH (x)-->() OPTIONAL MATCH (n) WHERE true OR x.b RETURN count(n)", "2\n");
    everywhere(
        s, "UNWIND [[1, null], 0.0 / 0.0, null, {a: null}] AS x OPTIONAL MATCH (n) WHERE n.k = 1 OR x = 7 RETURN n.k",
        "1\n1\n1\n1\n");
    everywhere(s, "OPTIONAL MATCH (x)-->() OPTIONAL MATCH (n)-->(x) RETURN n", "null\n");
    everywhere(s, "OPTIONAL MATCH (x)-->() WITH x WHERE EXISTS { MATCH (n) WHERE x IS NULL } RETURN x", "null\n");
}

/* Goal: the map of a relationship of variable length may name rows of before, and other parts of the pattern. */
static void test_map_of_a_walk_names_any_variable(void **state) {
    store *s = *state;
    run(s, "CREATE (a:A {k: 1})-[:R {k: 7}]->(b:A {k: 2})-[:R {k: 7}]->(c:A {k: 3})-[:R {k: 8}]->(a)");
    everywhere(s, "UNWIND [7, 8, 9] AS x MATCH ()-[r*1..3 {k: x}]->() RETURN x, count(*) ORDER BY x", "7|3\n8|1\n");
    everywhere(s, "MATCH (n {k: 1}) MATCH ()-[*1..2 {k: n.k + 6}]->(m) RETURN m.k ORDER BY m.k", "2\n3\n3\n");
    everywhere(s, "MATCH (a)-[*1..2 {k: b.k + 5}]->(b) RETURN a.k, b.k", "1|2\n");
    everywhere(s, "MATCH (n {k: 1}) OPTIONAL MATCH (n)-[:R]->()-[*1..2 {k: n.k + 6}]->(m) RETURN m.k", "3\n");
    expect_error(s, "MATCH (a)-[*1..2 {k: zz}]->(b) RETURN a", WG_E_BIND, 21, "'zz' is not defined");
}

/* Goal: a projection of null is null, one of an entity has what was asked for. */
static void test_map_projection_of_null_is_null(void **state) {
    store *s = *state;
    run(s, "CREATE (:A {k: 1})");
    everywhere(s, "OPTIONAL MATCH (x)-->() RETURN x {.k, z: 1}", "null\n");
    everywhere(s, "MATCH (x) RETURN x {.k, .m, z: 1}", "{\"k\":1,\"m\":null,\"z\":1}\n");
}

/* Goal: a comparison that is forgiven where labels are open does not become the error of another part. */
static void test_a_forgiven_comparison_leaves_no_error(void **state) {
    store *s = *state;
    everywhere(s, "MATCH (n) WHERE true >= 1 CALL { OPTIONAL MATCH (m) RETURN count(m) AS c } RETURN c", "");
    everywhere(s, "CALL { OPTIONAL MATCH () RETURN true AS i8 } MATCH () WHERE true >= 1 RETURN true AS c", "");
}

/* Goal: lists compare by the first elements that differ; equal ones are passed over also where they have no order. */
static void test_lists_compare_by_the_first_that_differ(void **state) {
    store *s = *state;
    everywhere(
        s, "UNWIND [{a: 1}] AS m RETURN [m] < [m, 1], [m, 2] > [m, 1], [m] < [1], [null, 1] < [null, 2], [m] <= [m]",
        "true|true|null|null|true\n");
}

/* Goal: a node that is deleted has no labels to take, whether or not the label exists. */
static void test_labels_of_a_deleted_node_are_refused(void **state) {
    store *s = *state;
    run(s, "CREATE (:B)");
    expect_error(s, "MATCH (n) DELETE n REMOVE n:Nowhere", WG_E_NOT_FOUND, 26, "deleted node");
    run(s, "MATCH (n) REMOVE n:Nowhere");
    expect(s, "MATCH (n) RETURN labels(n)", "[\"B\"]\n");
}

/* Goal: walks that may be empty reach their starts, also those that no relationship touches. */
static void test_empty_walks_reach_untouched_nodes(void **state) {
    store *s = *state;
    run(s, "CREATE (a {k: 1})-[:T {k: 102}]->(b {k: 2}), (:N {k: 3})");
    everywhere(s, "MATCH ()-[:T*0..2]->(n) RETURN count(DISTINCT n)", "3\n");
    everywhere(s, "MATCH ()<-[:T*0..2]-(n) WITH DISTINCT n RETURN n.k ORDER BY n.k", "1\n2\n3\n");
    everywhere(s, "MATCH ()-[:T*1..2]->(n) RETURN count(DISTINCT n)", "1\n");
}

/* Goal: in OPTIONAL MATCH an expression of labels and a WHERE inside of the far node count. */
static void test_optional_match_asks_all_of_the_far_node(void **state) {
    store *s = *state;
    run(s, "CREATE (a:A {k: 1})-[:T]->(b:B {k: 2}), (a)-[:R]->(c:A {k: 3})");
    everywhere(s, "MATCH (n {k: 1}) OPTIONAL MATCH (n)-[]->(m:!A) RETURN m.k", "2\n");
    everywhere(s, "MATCH (n {k: 1}) OPTIONAL MATCH (n)-[]->(m WHERE m.k > 2) RETURN m.k", "3\n");
    everywhere(s, "MATCH (n {k: 1}) OPTIONAL MATCH (n)-[:!T]->(m) RETURN m.k", "3\n");
    everywhere(s, "MATCH (n {k: 1}) OPTIONAL MATCH (n)-[r WHERE type(r) = 'T']->(m) RETURN m.k", "2\n");
    everywhere(s, "MATCH (n) WHERE (n)-[:!T]->() RETURN n.k", "1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_optional_rows_come_back_for_null_and_nan, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_map_of_a_walk_names_any_variable, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_map_projection_of_null_is_null, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_a_forgiven_comparison_leaves_no_error, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_walks_reach_untouched_nodes, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_optional_match_asks_all_of_the_far_node, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_compare_by_the_first_that_differ, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_labels_of_a_deleted_node_are_refused, set_up_empty, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
