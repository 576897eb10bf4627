/* Goal: every mistake of names and types is refused with its code, its place and a hint; what is not supported says so. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE NODE LABEL Player (id INT, name STRING, speed FLOAT, PRIMARY KEY (id))");
    run(&s, "CREATE EDGE LABEL KNOWS (FROM Player TO Player, since INT)");
    run(&s, "CREATE (:Player {id: 1, name: 'a', speed: 1.0})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: unknown names are found, with the nearest known one. */
static void test_unknown_names_are_refused_with_a_hint(void **state) {
    store *s = *state;
    expect_error(s, "MATCH (p:Playr) RETURN p", WG_E_NOT_FOUND, 9, "did you mean the label 'Player'?");
    expect_error(s, "MATCH (p:Stadium) RETURN p", WG_E_NOT_FOUND, 9, "'Stadium' does not exist");
    expect_error(s, "MATCH (p)-[:KNOW]->() RETURN p", WG_E_NOT_FOUND, 12, "did you mean the edge label 'KNOWS'?");
    expect_error(s, "MATCH (p:Player) RETURN p.mame", WG_E_NOT_FOUND, 24, "did you mean the property 'name'?");
    expect_error(s, "MATCH (p:Player {namx: 1}) RETURN p", WG_E_NOT_FOUND, 17, "did you mean the property 'name'?");
    expect_error(s, "MATCH ()-[r:KNOWS]->() RETURN r.sinc", WG_E_NOT_FOUND, 30, "did you mean the property 'since'?");
    expect_error(s, "MATCH (player:Player) RETURN playr", WG_E_BIND, 29, "did you mean 'player'?");
    expect_error(s, "RETURN toUper('a')", WG_E_NOT_FOUND, 7, "did you mean toUpper()?");
    expect_error(s, "RETURN toUpper('a', 1)", WG_E_BIND, 7, "takes 1 argument, 2 are given");
    expect_error(s, "MATCH (p:Player) SET p.mame = 1", WG_E_NOT_FOUND, 21, "did you mean the property 'name'?");
    expect_error(s, "COPY Playr FROM 'x'", WG_E_NOT_FOUND, 0, "did you mean the label 'Player'?");
    expect_error(s, "CREATE EDGE LABEL X (FROM Playr TO Player)", WG_E_NOT_FOUND, 26, "'Player'");
}

/* Goal: types that can never work are found before anything runs. */
static void test_types_are_checked(void **state) {
    store *s = *state;
    expect_error(s, "MATCH (p:Player) WHERE p.id = 'x' RETURN p", WG_E_TYPE, 23, "INT");
    expect_error(s, "MATCH (p:Player {id: 'x'}) RETURN p", WG_E_TYPE, 17, "INT");
    expect_error(s, "MATCH (p:Player), (q:Player) WHERE p.id = q.name RETURN p", WG_E_TYPE, 35, "STRING");
    expect_error(s, "MATCH (p:Player) WHERE p.id RETURN p", WG_E_TYPE, 23, "must be BOOL");
    expect_error(s, "MATCH (p:Player) RETURN sum(p.name)", WG_E_TYPE, 24, "needs numbers");
    expect_error(s, "MATCH (p:Player) RETURN p.name.x", WG_E_TYPE, 24, "has no properties");
    expect_error(s, "MATCH (p:Player) RETURN stDev(p.name)", WG_E_TYPE, 24, "needs numbers");
    expect_error(s, "MATCH (p:Player) RETURN percentileDisc(p.id)", WG_E_BIND, 24, "two arguments, 1 is given");
    expect_error(s, "RETURN 1 LIMIT 'x'", WG_E_TYPE, 15, "INT");
    expect_error(s, "RETURN 1 LIMIT -1", WG_E_BIND, 15, "not negative");
    expect_error(s, "MATCH (p:Player) RETURN p LIMIT p.id", WG_E_BIND, 32, "may not use variables");
    expect_error(s, "WITH 1 AS n MATCH (n) RETURN n", WG_E_BIND, 18, "cannot stand for a node");
    expect_error(s, "MATCH (p:Player) DELETE p.id", WG_E_TYPE, 24, "DELETE takes");
    expect_error(s, "RETURN [x IN 1 | x]", WG_E_TYPE, 13, "takes a LIST");
    expect_error(s, "RETURN all(x IN ['a'] WHERE x % 2 = 0)", WG_E_TYPE, 28, "STRING");
    expect_error(s, "RETURN none(x IN [1] WHERE x)", WG_E_TYPE, 27, "must be BOOL");
}

/* Goal: scopes: WITH, aggregates, aliases, UNION. */
static void test_scopes_are_checked(void **state) {
    store *s = *state;
    expect_error(s, "MATCH (p:Player) WITH p.id AS i RETURN p", WG_E_BIND, 39, "'p' is not defined");
    expect_error(s, "MATCH (p:Player) WITH p.id RETURN 1", WG_E_BIND, 22, "add AS name");
    expect_error(s, "MATCH (p:Player) WHERE count(p) > 1 RETURN p", WG_E_BIND, 23, "in WHERE");
    expect_error(s, "MATCH (p:Player) RETURN p.id + count(*)", WG_E_BIND, 24, "beside an aggregate");
    expect_error(s, "RETURN count(count(*))", WG_E_BIND, 7, "inside an aggregate");
    expect_error(s, "RETURN 1 AS a, 2 AS a", WG_E_BIND, 15, "two results");
    expect_error(s, "MATCH (p:Player) SET p.id = size((p)-->())", WG_E_BIND, 33, "a pattern is a condition");
    expect_error(s, "RETURN count(rand())", WG_E_BIND, 7, "rand()");
    expect_error(s, "MATCH (p:Player) RETURN (p)-->()", WG_E_BIND, 24, "not a result");
    expect_error(s, "RETURN *", WG_E_BIND, 0, "nothing to return");
    expect_error(s, "RETURN 1 AS a UNION RETURN 1 AS b", WG_E_BIND, 20, "same names");
    expect_error(s, "MATCH (a:Player)-[a:KNOWS]->() RETURN 1", WG_E_BIND, 16, "node and a relationship");
    expect_error(s, "MATCH ()-[r]->()-[r]->() RETURN 1", WG_E_BIND, 16, "two relationships");
    expect_error(s, "MATCH (p:Player) CREATE (p:Player)", WG_E_BIND, 24, "exists already");
    expect_error(s, "CREATE (:Player {id: 2})-[:KNOWS]-(:Player {id: 3})", WG_E_BIND, 24, "one direction");
    expect_error(s, "MATCH (p:Player $m) RETURN p", WG_E_BIND, 16, "parameter");
    expect_error(s, "MATCH (p:Player) DELETE p RETURN p.name", WG_E_NOT_FOUND, 33, "was deleted");
    expect_error(s, "MATCH (p:Player) DELETE p WITH p AS q RETURN labels(q)", WG_E_NOT_FOUND, 45, "was deleted");
    expect_error(s, "UNWIND [1] AS x UNWIND [2] AS x RETURN x", WG_E_BIND, 16, "exists already");
    expect_error(s, "RETURN [x IN [1] | x] + x", WG_E_BIND, 24, "'x' is not defined");
    expect_error(s, "RETURN [x IN [1] | count(x)]", WG_E_BIND, 19, "each element");
    expect_error(s, "RETURN any(x IN [1])", WG_E_BIND, 7, "add WHERE");
}

/* Goal: what is parsed but not executed says so by name, at its place. */
static void test_unsupported_constructs_are_named(void **state) {
    store *s = *state;
    static const struct {
        const char *text;
        uint64_t offset;
        const char *part;
    } cases[] = {
        {"MATCH p = shortestPath((a)-->(b)) RETURN a", 6, "shortest path"},
        {"EXPLAIN DROP NODE LABEL X", 0, "EXPLAIN is for queries"},
        {"CREATE NODE LABEL V (a LIST<DECIMAL(3)>)", 28, "precision"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_error(s, cases[i].text, WG_E_UNSUPPORTED, cases[i].offset, cases[i].part);
}

/* Goal: definitions are checked. */
static void test_definitions_are_checked(void **state) {
    store *s = *state;
    expect_error(s, "CREATE NODE LABEL X (a INT, a INT)", WG_E_BIND, 28, "given twice");
    expect_error(s, "CREATE NODE LABEL X (a NUMBER)", WG_E_BIND, 23, "no column type");
    expect_error(s, "CREATE NODE LABEL X (a INT, PRIMARY KEY (b))", WG_E_NOT_FOUND, 41, "no column 'b'");
    expect_error(s, "CREATE NODE LABEL Player (a INT)", WG_E_EXISTS, 0, "Player");
    expect_error(s, "COPY Player FROM 'x' (DELIMITER 'ab')", WG_E_BIND, 32, "one character");
    expect_error(s, "COPY Player FROM 'x' (ESCAPE 'a')", WG_E_BIND, 22, "no option");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_names_are_refused_with_a_hint),
        cmocka_unit_test(test_types_are_checked),
        cmocka_unit_test(test_scopes_are_checked),
        cmocka_unit_test(test_unsupported_constructs_are_named),
        cmocka_unit_test(test_definitions_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
