/* Goal: statements give the answers that openCypher asks for, over a store with declared labels and one without. */
#include "query/query_test_kit.h"

static int set_up_open(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE (:A {name: 'x', n: 1}), (:A {name: 'y', n: 2}), (:A {name: 'z', n: 3}), (:B {name: 'x', m: 10})");
    run(&s, "MATCH (a:A {name: 'x'}), (b:A {name: 'y'}) CREATE (a)-[:R {w: 5}]->(b)");
    run(&s, "MATCH (a:A {name: 'y'}), (b:A {name: 'z'}) CREATE (a)-[:R {w: 6}]->(b), (b)-[:S]->(a)");
    *state = &s;
    return 0;
}

static int set_up_declared(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE NODE LABEL Player (id INT, name STRING, speed FLOAT, PRIMARY KEY (id))");
    run(&s, "CREATE NODE LABEL Team (name STRING NOT NULL)");
    run(&s, "CREATE EDGE LABEL PLAYS (FROM Player TO Team, since INT)");
    run(&s, "UNWIND range(1, 9) AS i CREATE (:Player {id: i, name: 'p' + toString(i), speed: i * 0.5})");
    run(&s, "CREATE (:Team {name: 'red'}), (:Team {name: 'blue'})");
    run(&s, "MATCH (p:Player), (t:Team {name: 'red'}) WHERE p.id <= 3 CREATE (p)-[:PLAYS {since: 2000 + p.id}]->(t)");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: scans, conditions, ordering and paging. */
static void test_match_filters_orders_and_pages(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) RETURN a.name ORDER BY a.n DESC", "\"z\"\n\"y\"\n\"x\"\n");
    expect(s, "MATCH (a:A) WHERE a.n > 1 AND a.name < 'z' RETURN a.name", "\"y\"\n");
    expect(s, "MATCH (a:A) RETURN a.n AS k ORDER BY k SKIP 1 LIMIT 1", "2\n");
    expect(s, "MATCH (a:A) WHERE 1 < a.n <= 3 RETURN count(*)", "2\n");
    expect(s, "MATCH (n) RETURN count(n)", "4\n");
    expect(s, "MATCH (n) WHERE n:B RETURN n.name", "\"x\"\n");
    expect(s, "MATCH (a:A) WHERE a.n IN [1, 3] RETURN a.n ORDER BY a.n", "1\n3\n");
    expect(s, "MATCH (a:A) WHERE a.missing IS NULL RETURN count(*)", "3\n");
    expect(s, "MATCH (a:Nothing) RETURN a", "");
    expect(s, "MATCH (a:A) RETURN a.m AS m, a.n AS n ORDER BY m, n DESC LIMIT 2", "null|3\nnull|2\n");
    expect(s, "UNWIND [2, null, 1] AS x RETURN x ORDER BY x", "1\n2\nnull\n");
    expect(s, "UNWIND [2, null, 1] AS x RETURN x ORDER BY x DESC", "null\n2\n1\n");
    expect(s, "UNWIND [2, null, 1] AS x RETURN x ORDER BY x NULLS FIRST", "null\n1\n2\n");
    expect(s, "UNWIND [2, null, 1] AS x RETURN x ORDER BY x DESC NULLS LAST", "2\n1\nnull\n");
}

/* Goal: one hop and more, in each direction; no relationship twice in one MATCH. */
static void test_match_walks_relationships(void **state) {
    store *s = *state;
    expect(s, "MATCH (a)-[r:R]->(b) RETURN a.name, r.w, b.name ORDER BY r.w", "\"x\"|5|\"y\"\n\"y\"|6|\"z\"\n");
    expect(s, "MATCH (a)<-[r:R]-(b) RETURN a.name, b.name ORDER BY r.w", "\"y\"|\"x\"\n\"z\"|\"y\"\n");
    expect(s, "MATCH (a)-[:R]->(b)-[:R]->(c) RETURN a.name, b.name, c.name", "\"x\"|\"y\"|\"z\"\n");
    expect(s, "MATCH (a {name: 'y'})--(b) RETURN b.name ORDER BY b.name", "\"x\"\n\"z\"\n\"z\"\n");
    expect(s, "MATCH (a)-[:R|S]->(b) RETURN count(*)", "3\n");
    expect(s, "MATCH (a)-[x]-(b)-[y]-(a) RETURN count(*)", "4\n");
    expect(s, "MATCH (a:A)-[r {w: 6}]->(b) RETURN type(r), b.name", "\"R\"|\"z\"\n");
    expect(s, "MATCH (a {name: 'x'})-->(b) MATCH (b)-->(c) RETURN c.name", "\"z\"\n");
    expect(s, "MATCH (a)-[r:R]->(b) MATCH (a)-[r]->(c) RETURN count(*)", "2\n");
    expect(s, "MATCH (a)-[:NOTHING]->(b) RETURN a", "");
    expect(s, "MATCH (a:A), (b:A) MATCH (a)-[:R]->(b) RETURN a.name, b.name ORDER BY a.name",
           "\"x\"|\"y\"\n\"y\"|\"z\"\n");
}

/* Goal: patterns that nothing connects are joined on their equalities. */
static void test_match_joins_patterns(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A), (b:B) WHERE a.name = b.name RETURN a.n, b.m", "1|10\n");
    expect(s, "MATCH (b:B), (a:A {name: b.name}) RETURN a.n, b.m", "1|10\n");
    expect(s, "MATCH (a:A), (b:A) WHERE a.n = b.n + 1 RETURN a.n, b.n ORDER BY a.n", "2|1\n3|2\n");
    expect(s, "MATCH (a:A), (b:B) RETURN count(*)", "3\n");
    expect(s, "MATCH (a:A)-[:R]->(c), (b:B) WHERE a.name = b.name RETURN c.name, b.m", "\"y\"|10\n");
    expect(s, "MATCH ()-[x:R]->(), ()-[y:R]->() RETURN count(*)", "2\n");
    expect_plan(s, "MATCH (a:A), (b:B) WHERE a.name = b.name RETURN a", "HashJoin", false);
    expect_plan(s, "MATCH (a:A), (b:B) WHERE a.name = b.name RETURN a", "Cross", true);
    expect_plan(s, "MATCH (a:A) WHERE a.n > 1 RETURN a.n", "prune=[n > 1]", false);
    expect_plan(s, "MATCH (a:A) RETURN a.n", "columns=[n ", false);
}

/* Goal: OPTIONAL MATCH keeps every row, also with conditions and repeated rows. */
static void test_optional_match_keeps_rows(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) OPTIONAL MATCH (a)-[:R]->(b) RETURN a.name, b.name ORDER BY a.name",
           "\"x\"|\"y\"\n\"y\"|\"z\"\n\"z\"|null\n");
    expect(s, "OPTIONAL MATCH (a:Nothing) RETURN a", "null\n");
    expect(s, "OPTIONAL MATCH (a:A) RETURN count(a)", "3\n");
    expect(s, "UNWIND [1, 1, null] AS k OPTIONAL MATCH (a:A) WHERE a.n = k RETURN k, a.name ORDER BY k",
           "1|\"x\"\n1|\"x\"\nnull|null\n");
    expect(s, "UNWIND [1, null] AS k OPTIONAL MATCH (a:A) WHERE k IS NULL AND a.n = 2 RETURN k, a.name ORDER BY k",
           "1|null\nnull|\"y\"\n");
    expect(s, "OPTIONAL MATCH (a:Nothing) OPTIONAL MATCH (a)-->(b) RETURN a, b", "null|null\n");
    expect(s, "OPTIONAL MATCH (a:Nothing) MATCH (a) RETURN a", "");
}

/* Goal: patterns and EXISTS { } as conditions. */
static void test_where_tests_patterns(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:A) WHERE (a)-[:R]->() RETURN a.name ORDER BY a.name", "\"x\"\n\"y\"\n");
    expect(s, "MATCH (a:A) WHERE NOT (a)-[:R]->() RETURN a.name", "\"z\"\n");
    expect(s, "MATCH (a:A) WHERE EXISTS { (a)-[r]->(b) WHERE r.w > 5 } RETURN a.name", "\"y\"\n");
    expect(s, "MATCH (a:A) WHERE EXISTS { MATCH (b:B) WHERE b.name = a.name RETURN b } RETURN a.name", "\"x\"\n");
    expect(s, "MATCH (a:A) WITH a WHERE (a)-[:S]->() RETURN a.name", "\"z\"\n");
}

/* Goal: groups, aggregates of nothing, DISTINCT, aggregates inside expressions and in ORDER BY. */
static void test_results_are_grouped(void **state) {
    store *s = *state;
    expect(s, "MATCH (n) RETURN labels(n) AS l, count(*) AS c ORDER BY c", "[\"B\"]|1\n[\"A\"]|3\n");
    expect(s, "MATCH (a:A) RETURN sum(a.n), avg(a.n), min(a.n), max(a.n), collect(a.name)",
           "6|2.0|1|3|[\"x\",\"y\",\"z\"]\n");
    expect(s, "MATCH (a:Nothing) RETURN count(*), sum(a.n), collect(a.n), max(a.n)", "0|0|[]|null\n");
    expect(s, "MATCH (a:A) RETURN a.n % 2 AS odd, count(*) + 10 AS c ORDER BY odd", "0|11\n1|12\n");
    expect(s, "MATCH (a:A) RETURN a.n % 2 AS odd ORDER BY odd, a.n DESC", "0\n1\n1\n");
    expect(s, "MATCH (a:A) RETURN a.n % 2 AS odd, count(*) ORDER BY count(*) DESC", "1|2\n0|1\n");
    expect(s, "UNWIND [1, 1, 2] AS x RETURN count(DISTINCT x), sum(DISTINCT x)", "2|3\n");
    expect(s, "UNWIND [1, 2, 1] AS x RETURN DISTINCT x ORDER BY x DESC", "2\n1\n");
    expect(s, "MATCH (a:A) WITH DISTINCT a.n AS k WHERE a.n > 1 RETURN k ORDER BY k", "2\n3\n");
    expect(s, "WITH null AS a OPTIONAL MATCH (a)-->(b) RETURN a, b", "null|null\n");
    expect(s, "MATCH (a:A) WITH a.n AS n WHERE n > 1 RETURN sum(n)", "5\n");
    expect(s, "MATCH (a:A) WITH a.name AS b WHERE a.n = 2 RETURN b", "\"y\"\n");
    expect(s, "MATCH (a:A) WITH a ORDER BY a.n DESC LIMIT 1 MATCH (a)-[:S]->(b) RETURN b.name", "\"y\"\n");
    expect(s, "MATCH (a:A) WITH a.n AS a ORDER BY a RETURN collect(a)", "[1,2,3]\n");
}

/* Goal: expressions. */
static void test_expressions_are_evaluated(void **state) {
    store *s = *state;
    const wg_value params[2] = {wg_value_int(5), wg_value_str(wg_slice_str("q"))};
    expect(s, "RETURN CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END, CASE WHEN false THEN 1 END", "\"b\"|null\n");
    expect(s, "RETURN [1, 2, 3][1], [1, 2, 3][1..], {b: 1, a: 2}, {a: 3}.a", "2|[2,3]|{\"a\":2,\"b\":1}|3\n");
    expect(s, "RETURN 1 < 2 < 3, 1 < 3 < 2, NOT true XOR true, null OR true", "true|false|true|true\n");
    expect(s, "RETURN -2 ^ 2, 7 / 2, 7 % 4, 1 + 2 * 3", "4.0|3|3|7\n");
    expect_with(s, "RETURN $x + 1, $y + 'r'", params, "6|\"qr\"\n");
    expect(s, "MATCH (a:A {n: 1}) RETURN a {.name, k: a.n}", "{\"k\":1,\"name\":\"x\"}\n");
    expect(s, "MATCH (a:A {n: 1}) RETURN a['name'], exists(a.n), a:A, a:B, a:Q", "\"x\"|true|true|false|false\n");
    expect(s, "RETURN 1 AS a UNION RETURN 1 AS a UNION RETURN 2 AS a", "1\n2\n");
    expect(s, "RETURN 1 AS a UNION ALL RETURN 'x' AS a", "1\n\"x\"\n");
}

/* Goal: writes are seen by what follows, and by later statements. */
static void test_writes_change_the_graph(void **state) {
    store *s = *state;
    expect(s, "CREATE (a:N {k: 1})-[r:E {w: 2}]->(b:N {k: a.k + 1}) RETURN a.k, r.w, b.k", "1|2|2\n");
    expect(s, "MATCH (a:N {k: 1}) SET a.k = a.k + 10, a.j = a.k RETURN a.k, a.j", "11|11\n");
    expect(s, "MATCH (a:N {k: 11}) SET a += {q: 1, j: null} RETURN a {.k, .q, .j}",
           "{\"j\":null,\"k\":11,\"q\":1}\n");
    expect(s, "MATCH (a:N {k: 11}) SET a = {k: 12} SET a:M RETURN a.q, labels(a)", "null|[\"M\",\"N\"]\n");
    expect(s, "MATCH (a:M) REMOVE a:M, a.k RETURN a.k, labels(a)", "null|[\"N\"]\n");
    expect_error(s, "MATCH (a:N) WHERE a.k IS NULL DELETE a", WG_E_CONSTRAINT, 37, "edges");
    expect(s, "MATCH (a:N) WHERE a.k IS NULL DETACH DELETE a", "");
    expect(s, "MATCH (a:N) RETURN count(*)", "1\n");
    expect(s, "MATCH (a:N) DELETE a RETURN count(*)", "1\n");
    expect(s, "MATCH (a:N) RETURN count(*)", "0\n");
    expect(s, "UNWIND [{k: 1}, {k: 2}] AS r CREATE (n:N) SET n = r RETURN n.k ORDER BY n.k", "1\n2\n");
    expect(s, "MATCH (n:N) DELETE n", "");
}

/* Goal: a write happens for every row, whatever is returned of it; DELETE judges the end of the clause. */
static void test_writes_are_complete(void **state) {
    store *s = *state;
    expect(s, "UNWIND [1, 2, 3] AS i CREATE (n:W {i: i}) RETURN n.i LIMIT 0", "");
    expect(s, "MATCH (n:W) RETURN count(*)", "3\n");
    expect(s, "MATCH (n:W) SET n.j = 1 RETURN n.i ORDER BY n.i LIMIT 1", "1\n");
    expect(s, "MATCH (n:W {j: 1}) RETURN count(*)", "3\n");
    expect(s, "MATCH (n:W) WITH n LIMIT 1 SET n.k = 1", "");
    expect(s, "MATCH (n:W) RETURN count(n.k)", "1\n");
    run(s, "MATCH (a:W {i: 1}), (b:W {i: 2}), (c:W {i: 3}) CREATE (a)-[:X]->(b), (a)-[:X]->(c)");
    expect(s, "MATCH (a:W)-[r:X]->(b:W) DELETE a, r, b RETURN count(*)", "2\n");
    expect(s, "MATCH (n:W) RETURN count(*)", "0\n");
}

/* Goal: AS OF reads the past. */
static void test_as_of_reads_the_past(void **state) {
    store *s = *state;
    const wg_value params[1] = {wg_value_int((int64_t)wg_engine_logseq(s->engine))};
    run(s, "CREATE (:Later)");
    expect_with(s, "AS OF $s MATCH (n:Later) RETURN count(*)", params, "0\n");
    expect_with(s, "MATCH (n:Later) RETURN count(*) AS c AS OF $s", params, "0\n");
    expect(s, "MATCH (n:Later) RETURN count(*)", "1\n");
    run(s, "MATCH (n:Later) DELETE n");
    expect_error(s, "AS OF 1 CREATE (n)", WG_E_READ_ONLY, 6, "AS OF");
}

/* Goal: declared labels: typed columns, keys, seeks. */
static void test_declared_labels_are_seeked_by_key(void **state) {
    store *s = *state;
    const wg_value params[1] = {wg_value_int(4)};
    expect_with(s, "MATCH (p:Player {id: $i}) RETURN p.name", params, "\"p4\"\n");
    expect(s, "UNWIND [3, 5, 99] AS i MATCH (p:Player {id: i}) RETURN p.name", "\"p3\"\n\"p5\"\n");
    expect(s, "MATCH (p:Player)-[r:PLAYS]->(t:Team) WHERE p.id = 2 RETURN t.name, r.since", "\"red\"|2002\n");
    expect(s, "MATCH (p:Player {id: 1.0}) RETURN p.name", "\"p1\"\n");
    expect_plan(s, "MATCH (p:Player {id: 4}) RETURN p.name", "Seek", false);
    expect_plan(s, "MATCH (p:Player) WHERE p.speed > 2 RETURN p.name", "Seek", true);
    expect_error(s, "CREATE (:Player {id: 1})", WG_E_CONSTRAINT, 21, "primary key");
    expect(s, "MATCH (p:Player) RETURN count(*)", "9\n");
}

/* Goal: SHOW LABELS and DROP. */
static void test_labels_are_shown_and_dropped(void **state) {
    store *s = *state;
    run(s, "CREATE NODE LABEL IF NOT EXISTS Team (name STRING)");
    run(s, "CREATE NODE LABEL Temp (a INT)");
    run(s, "DROP NODE LABEL Temp");
    run(s, "DROP NODE LABEL IF EXISTS Temp");
    expect(s, "SHOW LABELS",
           "\"Player\"|\"NODE\"|\"OWNED\"|\"id INT NOT NULL, name STRING, speed FLOAT, PRIMARY KEY (id)\"|9|null\n"
           "\"Team\"|\"NODE\"|\"OWNED\"|\"name STRING NOT NULL\"|2|null\n"
           "\"PLAYS\"|\"EDGE\"|\"OWNED\"|\"since INT\"|3|null\n");
}

int main(void) {
    const struct CMUnitTest open_tests[] = {
        cmocka_unit_test(test_match_filters_orders_and_pages),
        cmocka_unit_test(test_match_walks_relationships),
        cmocka_unit_test(test_match_joins_patterns),
        cmocka_unit_test(test_optional_match_keeps_rows),
        cmocka_unit_test(test_where_tests_patterns),
        cmocka_unit_test(test_results_are_grouped),
        cmocka_unit_test(test_expressions_are_evaluated),
        cmocka_unit_test(test_writes_change_the_graph),
        cmocka_unit_test(test_writes_are_complete),
        cmocka_unit_test(test_as_of_reads_the_past),
    };
    const struct CMUnitTest declared_tests[] = {
        cmocka_unit_test(test_declared_labels_are_seeked_by_key),
        cmocka_unit_test(test_labels_are_shown_and_dropped),
    };
    const int open_failed = cmocka_run_group_tests(open_tests, set_up_open, tear_down);
    return open_failed + cmocka_run_group_tests(declared_tests, set_up_declared, tear_down);
}
