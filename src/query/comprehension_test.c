/* Goal: expressions that bind variables give the values of openCypher: over constants, over rows in small batches, over lists longer
 * than a batch, inside one another, and where their variables hide others. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE (:A {l: [1, 2, 3], k: 10}), (:A {l: [4], k: 20}), (:A {k: 30}), (:A {l: [], k: 40})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: lists are filtered and mapped, row by row and nested. */
static void test_list_comprehensions(void **state) {
    store *s = *state;
    expect(s, "RETURN [x IN [1, 2, 3] WHERE x > 1 | x * 10]", "[20,30]\n");
    expect(s, "RETURN [x IN [1, null, 3] WHERE x > 1]", "[3]\n");
    expect(s, "RETURN [x IN null | x]", "null\n");
    expect(s, "MATCH (a:A) RETURN [x IN a.l WHERE x <> 2 | x + a.k] ORDER BY a.k", "[11,13]\n[24]\nnull\n[]\n");
    expect(s, "RETURN [x IN [1, 2] | [y IN range(1, x) | x * 10 + y]]", "[[11],[21,22]]\n");
    expect(s, "MATCH (a:A) WHERE a.k < 20 RETURN [x IN a.l | [y IN a.l WHERE y < x | a.k + y]]",
           "[[],[11],[11,12]]\n");
    expect(s, "WITH 5 AS x RETURN [x IN [1] | x], x", "[1]|5\n");
    expect(s, "MATCH (a:A) RETURN [a IN a.l | a] ORDER BY a.k LIMIT 1", "[1,2,3]\n");
    expect(s, "RETURN size([x IN range(1, 5000) WHERE x % 2 = 0])", "2500\n");
    expect(s, "MATCH (a:A) RETURN [x IN collect(a.k) WHERE x > 20] AS l", "[30,40]\n");
    expect(s, "WITH [3, 1] AS l RETURN l AS x ORDER BY [x IN l | x]", "[3,1]\n");
}

/* Goal: quantifiers follow three-valued logic. */
static void test_quantifiers(void **state) {
    store *s = *state;
    expect(s,
           "RETURN all(x IN [] WHERE x > 1), any(x IN [] WHERE x > 1), none(x IN [] WHERE x > 1), single(x IN [] "
           "WHERE x > 1)",
           "true|false|true|false\n");
    expect(s, "RETURN all(x IN [2, null] WHERE x > 1), all(x IN [1, null] WHERE x > 1)", "null|false\n");
    expect(s, "RETURN any(x IN [2, null] WHERE x > 1), any(x IN [1, null] WHERE x > 1)", "true|null\n");
    expect(s, "RETURN none(x IN [2, null] WHERE x > 1), none(x IN [1, null] WHERE x > 1)", "false|null\n");
    expect(s,
           "RETURN single(x IN [2, 1] WHERE x > 1), single(x IN [2, null] WHERE x > 1), single(x IN [2, 2, null] "
           "WHERE x > 1)",
           "true|null|false\n");
    expect(s, "MATCH (a:A) WHERE any(x IN a.l WHERE x > 2) RETURN a.k ORDER BY a.k", "10\n20\n");
    expect_error(s, "MATCH (a:A) RETURN all(x IN a.k WHERE x > 1)", WG_E_TYPE, 28, "takes a LIST");
}

/* Goal: reduce folds from the left, each row for itself. */
static void test_reduce(void **state) {
    store *s = *state;
    expect(s, "RETURN reduce(t = 0, x IN [1, 2, 3] | t + x)", "6\n");
    expect(s, "RETURN reduce(t = '', x IN ['a', 'b'] | t + x), reduce(t = 0, x IN null | t + x)", "\"ab\"|null\n");
    expect(s, "MATCH (a:A) RETURN reduce(t = a.k, x IN a.l | t + x) ORDER BY a.k", "16\n24\nnull\n40\n");
    expect(s, "RETURN reduce(t = [], x IN range(1, 3) | t + [reduce(u = 0, y IN range(1, x) | u + y)])", "[1,3,6]\n");
    expect(s, "RETURN reduce(t = 0, x IN range(1, 10000) | t + x)", "50005000\n");
}

/* Goal: aggregates over the list of a group. */
static void test_percentiles_and_deviations(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) RETURN percentileDisc(a.k, 0.5), percentileCont(a.k, 0.5), percentileDisc(a.k, 0)",
           "20|25.0|10\n");
    expect(s,
           "UNWIND [1, 2, 3, 4] AS x RETURN stDevP(x) > 1.11, stDev(x) > 1.29, stDev(DISTINCT 1), "
           "percentileCont(null, 1)",
           "true|true|0.0|null\n");
    expect(s, "MATCH (a:A) RETURN a.k > 20 AS big, percentileDisc(a.k, 1.0) AS p ORDER BY p", "false|20\ntrue|40\n");
    expect_error(s, "UNWIND [1] AS x RETURN percentileDisc(x, 1.5)", WG_E_VALUE, 23, "within 0.0 and 1.0");
    expect_error(s, "UNWIND ['a'] AS x RETURN stDev(x)", WG_E_TYPE, 25, "takes numbers");
}

/* Goal: rand() differs between rows, elements and places, is the same in every run, and stays in its range. */
static void test_rand_is_a_function_of_the_row(void **state) {
    store *s = *state;
    expect(s, "UNWIND range(1, 1000) AS i WITH DISTINCT rand() AS r WHERE r >= 0 AND r < 1 RETURN count(*)",
           "1000\n");
    expect(s, "UNWIND range(1, 1000) AS i WITH rand() AS r WHERE r < 0.5 RETURN count(*) > 450 AND count(*) < 550",
           "true\n");
    expect(s, "RETURN rand() = rand(), size([x IN range(1, 100) WHERE rand() < 0.5]) IN range(35, 65)",
           "false|true\n");
    expect(s, "MATCH (a:A) WHERE rand() < 2 RETURN count(*)", "4\n");
    run(s, "UNWIND range(1, 20) AS i CREATE (:R {i: i, r: rand()})");
    expect(s, "MATCH (r:R) WITH collect(DISTINCT r.r) AS l RETURN size(l)", "20\n");
    run(s, "MATCH (r:R) DELETE r");
}

/* Goal: elements may be nodes: their properties and labels can be asked for. */
static void test_elements_may_be_nodes(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) RETURN size([x IN collect(a) WHERE x:A AND x.k > 10 | x.k])", "3\n");
    expect(s, "MATCH (a:A) WITH collect(a) AS l RETURN any(x IN l WHERE x:B), all(x IN l + [null] WHERE x:A)",
           "false|null\n");
    expect_error(s, "MATCH (a:A) WITH collect(a) + [1] AS l RETURN all(x IN l WHERE x:A)", WG_E_TYPE, 63,
                 "only a node");
}

/* Goal: in a store without declared labels values of different types compare as openCypher says. */
static void test_open_stores_compare_any_types(void **state) {
    store *s = *state;
    expect(s, "RETURN 1 = 'a', 1 <> 'a', 1 < 'a', [1] = 1", "false|true|null|false\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_comprehensions),
        cmocka_unit_test(test_quantifiers),
        cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_percentiles_and_deviations),
        cmocka_unit_test(test_rand_is_a_function_of_the_row),
        cmocka_unit_test(test_elements_may_be_nodes),
        cmocka_unit_test(test_open_stores_compare_any_types),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
