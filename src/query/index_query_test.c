/* Definitions of indexes and constraints as statements: names, refusals with their places, what SHOW says, what belongs to a snapshot, and
 * which plans seek. Answers over random histories: index_random_test.c. */
#include "query/query_test_kit.h"

/* Goal: names are made the same way each time, SHOW lists what the transaction sees, IF (NOT) EXISTS makes repetition harmless. */
static void test_definitions_are_listed(void **state) {
    (void)state;
    store s = {0};
    store_open(&s);
    run(&s, "CREATE NODE LABEL P (a INT, b STRING)");
    run(&s, "CREATE INDEX FOR (n:P) ON (n.a)");
    run(&s, "CREATE INDEX ON :P(a, b)");
    run(&s, "CREATE HASH INDEX index_P_b FOR (n:P) ON (n.b)");
    run(&s, "CREATE INDEX FOR (x:P) ON (x.b)");
    run(&s, "CREATE INDEX IF NOT EXISTS FOR (x:P) ON (x.b)");
    run(&s, "CREATE INDEX FOR ()<-[r:K]-() ON (r.t)");
    run(&s, "CREATE CONSTRAINT FOR (n:P) REQUIRE (n.b, n.a) IS UNIQUE");
    run(&s, "CREATE CONSTRAINT IF NOT EXISTS FOR (n:P) REQUIRE (n.b, n.a) IS NODE KEY");
    expect(&s, "SHOW INDEXES",
           "\"index_P_a\"|\"RANGE\"|\"NODE\"|\"P\"|\"a\"|null\n"
           "\"index_P_a_b\"|\"RANGE\"|\"NODE\"|\"P\"|\"a, b\"|null\n"
           "\"index_P_b\"|\"HASH\"|\"NODE\"|\"P\"|\"b\"|null\n"
           "\"index_P_b_2\"|\"RANGE\"|\"NODE\"|\"P\"|\"b\"|null\n"
           "\"index_K_t\"|\"RANGE\"|\"EDGE\"|\"K\"|\"t\"|null\n"
           "\"unique_P_b_a\"|\"HASH\"|\"NODE\"|\"P\"|\"b, a\"|\"unique_P_b_a\"\n");
    expect(&s, "SHOW CONSTRAINTS", "\"unique_P_b_a\"|\"UNIQUENESS\"|\"NODE\"|\"P\"|\"b, a\"|null\n");
    run(&s, "DROP INDEX ON :P(a)");
    run(&s, "DROP INDEX index_P_a IF EXISTS");
    run(&s, "DROP CONSTRAINT unique_P_b_a");
    expect(&s, "SHOW CONSTRAINTS", "");
    run(&s, "DROP NODE LABEL P");
    expect(&s, "SHOW INDEXES", "\"index_K_t\"|\"RANGE\"|\"EDGE\"|\"K\"|\"t\"|null\n");
    store_close(&s);
}

/* Goal: each refusal has its code, its place and the word that helps. */
static void test_refusals_say_where_and_what(void **state) {
    (void)state;
    store s = {0};
    store_open(&s);
    run(&s, "CREATE NODE LABEL Player (name STRING, level INT)");
    run(&s, "CREATE INDEX names FOR (n:Player) ON (n.name)");
    run(&s, "CREATE CONSTRAINT levels FOR (n:Player) REQUIRE n.level IS UNIQUE");
    expect_error(&s, "CREATE INDEX FOR (n:Playr) ON (n.name)", WG_E_NOT_FOUND, 20, "'Player'");
    expect_error(&s, "CREATE INDEX FOR (n:Player) ON (n.nam)", WG_E_NOT_FOUND, 34, "'name'");
    expect_error(&s, "CREATE INDEX FOR (n:Player) ON (m.name)", WG_E_SYNTAX, 32, "behind FOR");
    expect_error(&s, "CREATE INDEX FOR (n:Player) ON (n.name, n.name)", WG_E_BIND, 42, "twice");
    expect_error(&s, "CREATE INDEX names FOR (n:Player) ON (n.level)", WG_E_EXISTS, 0, "names");
    expect_error(&s, "CREATE INDEX other FOR (n:Player) ON (n.name)", WG_E_EXISTS, 0, "names");
    expect_error(&s, "CREATE HASH INDEX FOR (n:Player) ON (n.level)", WG_E_EXISTS, 0, "levels");
    expect_error(&s, "CREATE CONSTRAINT FOR (n:Player) REQUIRE (n.name, n.level) IS NOT NULL", WG_E_BIND, 52,
                 "one property");
    expect_error(&s, "CREATE CONSTRAINT FOR (n:Player) REQUIRE n.name IS :: STRNG", WG_E_BIND, 54, "no column type");
    expect_error(&s, "CREATE CONSTRAINT FOR (n:Player) REQUIRE n.name IS", WG_E_SYNTAX, 50, "UNIQUE");
    expect_error(&s, "DROP INDEX name", WG_E_NOT_FOUND, 0, "did you mean names");
    expect_error(&s, "DROP INDEX levels", WG_E_CONSTRAINT, 0, "belongs to the constraint");
    expect_error(&s, "DROP CONSTRAINT names", WG_E_NOT_FOUND, 0, "DROP INDEX");
    expect_error(&s, "DROP INDEX ON :Player(level)", WG_E_NOT_FOUND, 0, "no index");
    expect_error(&s, "DROP INDEX ON :Plyer(level)", WG_E_NOT_FOUND, 15, "'Player'");
    run(&s, "CREATE NODE LABEL C (a INT) COMPUTE b = a + 1");
    expect_error(&s, "CREATE INDEX FOR (n:C) ON (n.b)", WG_E_UNSUPPORTED, 0, "computed");
    expect_error(&s, "SHOW INDICES", WG_E_SYNTAX, 5, "INDEXES");
    store_close(&s);
}

/* Goal: uniqueness over rows that are there and rows that come, by every way of writing; nulls are outside of it, not of KEY. */
static void test_constraints_hold(void **state) {
    (void)state;
    store s = {0};
    store_open(&s);
    run(&s, "CREATE (:A {k: 1}), (:A {k: 2}), (:A), (:A), (:B {k: 1})");
    run(&s, "CREATE CONSTRAINT FOR (n:A) REQUIRE n.k IS UNIQUE");
    expect_error(&s, "CREATE CONSTRAINT FOR (n:A) REQUIRE n.k IS KEY", WG_E_EXISTS, 0, "unique_A_k");
    expect_error(&s, "CREATE (:A {k: 1})", WG_E_CONSTRAINT, 15, "unique_A_k: there is already a A(k: 1) (node 0)");
    expect_error(&s, "CREATE (:A {k: 2.0})", WG_E_CONSTRAINT, 15, "A(k: 2.0)");
    expect_error(&s, "UNWIND [5, 6, 5] AS i CREATE (:A {k: i})", WG_E_CONSTRAINT, 37, "A(k: 5)");
    expect_error(&s, "MATCH (n:A {k: 2}) SET n.k = 1", WG_E_CONSTRAINT, 23, "A(k: 1)");
    expect_error(&s, "MATCH (n:B) SET n:A", WG_E_CONSTRAINT, 16, "A(k: 1)");
    expect(&s, "MATCH (n:A) RETURN count(*), count(n.k)", "4|2\n");
    run(&s, "CREATE (:A), (:A {k: 'x'})");
    run(&s, "MATCH (n:A {k: 1}) SET n.k = 1, n.other = 2");
    run(&s, "MATCH (n:A {k: 1}) DELETE n");
    run(&s, "CREATE (:A {k: 1})");
    run(&s, "MATCH (n:B) SET n.k = 7");
    run(&s, "MATCH (n:B) SET n:A");
    expect_error(&s, "CREATE (:A {k: 7})", WG_E_CONSTRAINT, 15, "A(k: 7)");
    run(&s, "MATCH (n:B) REMOVE n:A");
    run(&s, "CREATE (:A {k: 7})");
    expect_error(&s, "CREATE CONSTRAINT FOR (n:A) REQUIRE (n.k, n.other) IS KEY", WG_E_CONSTRAINT, 0, "has no value");
    run(&s, "CREATE ()-[:R {t: 1}]->(), ()-[:R {t: 1}]->()");
    expect_error(&s, "CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.t IS UNIQUE", WG_E_CONSTRAINT, 0,
                 "there are two R(t: 1) (edges 0 and 1)");
    expect(&s, "SHOW CONSTRAINTS", "\"unique_A_k\"|\"UNIQUENESS\"|\"NODE\"|\"A\"|\"k\"|null\n");
    store_close(&s);
}

/* Goal: which questions seek, which scan; an old snapshot knows nothing of a later index. */
static void test_plans_seek_where_it_pays(void **state) {
    (void)state;
    store s = {0};
    store_open(&s);
    run(&s, "UNWIND range(0, 999) AS i CREATE (:P {a: i, b: 'name ' + toString(i), c: i % 2})");
    run(&s, "MATCH (x:P) WITH x MATCH (y:P) WHERE y.a = x.a + 1 CREATE (x)-[:K {s: x.a}]->(y)");
    expect_plan(&s, "MATCH (n:P) WHERE n.a = 5 RETURN n", "IndexSeek", true);
    run(&s, "CREATE INDEX FOR (n:P) ON (n.a)");
    run(&s, "CREATE INDEX FOR (n:P) ON (n.b)");
    run(&s, "CREATE INDEX FOR (n:P) ON (n.c)");
    run(&s, "CREATE HASH INDEX both FOR (n:P) ON (n.a, n.c)");
    run(&s, "CREATE INDEX FOR ()-[r:K]-() ON (r.s)");
    static const char *const seeking[] = {"MATCH (n:P) WHERE n.a = 5 RETURN n",
                                          "MATCH (n:P) WHERE 5 = n.a RETURN n",
                                          "MATCH (n:P) WHERE n.a IN [1, 2] RETURN n",
                                          "MATCH (n:P) WHERE n.a = 1 OR n.a = 2 RETURN n",
                                          "MATCH (n:P) WHERE n.a < 5 RETURN n",
                                          "MATCH (n:P) WHERE 3 < n.a <= 9 RETURN n",
                                          "MATCH (n:P) WHERE n.b STARTS WITH 'name 77' RETURN n",
                                          "OPTIONAL MATCH (n:P {b: 'name 1'}) RETURN n",
                                          "MERGE (n:P {a: 5}) RETURN n",
                                          "UNWIND [1, 2] AS x MATCH (n:P {a: x}) RETURN n",
                                          "MATCH (a)-[r:K {s: 1}]->(b) RETURN a",
                                          "MATCH (a)-[r:K]-(b) WHERE r.s > 990 RETURN a"};
    for (size_t i = 0; i < sizeof seeking / sizeof seeking[0]; i++) expect_plan(&s, seeking[i], "IndexSeek", false);
    expect_plan(&s, "MATCH (n:P {a: 5, c: 1}) RETURN n", "index=", false);
    static const char *const scanning[] = {"MATCH (n:P) WHERE n.c = 1 RETURN n",
                                           "MATCH (n:P) WHERE n.a <> 5 RETURN n",
                                           "MATCH (n:P) WHERE n.a > 5 RETURN n", "MATCH (n) WHERE n.a = 5 RETURN n",
                                           "AS OF 2 MATCH (n:P) WHERE n.a = 5 RETURN n"};
    for (size_t i = 0; i < sizeof scanning / sizeof scanning[0]; i++) expect_plan(&s, scanning[i], "IndexSeek", true);
    expect(&s, "MATCH (n:P) WHERE n.a IN [7, 3, 7] RETURN n.a", "3\n7\n"); /* by id */
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions_are_listed), cmocka_unit_test(test_refusals_say_where_and_what),
        cmocka_unit_test(test_constraints_hold), cmocka_unit_test(test_plans_seek_where_it_pays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
