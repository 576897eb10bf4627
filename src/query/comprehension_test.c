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
        cmocka_unit_test(test_open_stores_compare_any_types),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
