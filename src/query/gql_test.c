/* Goal: clauses and tests that come from GQL, set operators, scoped subqueries, and subqueries at any place of an expression. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s,
        "CREATE (a:A {n: 'a', v: 1})-[:T {w: 1}]->(b:B {n: 'b', v: 2})-[:T {w: 2}]->(c:A {n: 'c', v: 3})-[:T {w: "
        "3}]->(a), "
        "(b)-[:U {w: 5}]->(d:D {n: 'd', v: 4}), (d)-[:U {w: 6}]->(a)");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: a property may be named by a value, and labels be written in the ways of patterns. */
static void test_properties_are_set_by_name(void **state) {
    store *s = *state;
    run(s, "CREATE (:P {k: 'q'})-[:W]->(:P)");
    expect(s, "MATCH (n:P {k: 'q'}) SET n[n.k] = 1, n['r' + n.k] = n.q + 1 RETURN n.q, n.rq", "1|2\n");
    expect(s, "MATCH (n:P {k: 'q'}) REMOVE n['q'], n[n.k], n.none RETURN keys(n)", "[\"k\",\"rq\"]\n");
    expect(s, "MATCH (n:P {k: 'q'})-[w]->() SET w['x'] = 5, n['rq'] = null RETURN w.x, keys(n)", "5|[\"k\"]\n");
    expect(s, "MATCH (n:P {k: 'q'}) FOREACH (x IN ['a', 'b'] | SET n[x] = x) RETURN n.a + n.b", "\"ab\"\n");
    expect(s, "MERGE (n:P {k: 'q'}) ON MATCH SET n['a'] = 3 RETURN n.a", "3\n");
    expect_error(s, "MATCH (n:P) SET n[1] = 1", WG_E_TYPE, 18, "the name of a property");
    expect_error(s, "MATCH (n:P) SET n[toStringOrNull(null)] = 1", WG_E_TYPE, 16, "the name of a property");
    expect(s, "MATCH (n:P {k: 'q'}) SET n IS L1, n:L2&L3:L4 REMOVE n IS L1, n:L2 RETURN labels(n)",
           "[\"L3\",\"L4\",\"P\"]\n");
    run(s, "MATCH (n:P) DETACH DELETE n");
    expect(s, "RETURN 1_000 + 0xF_F, 1_0.5_0, -1_0", "1255|10.5|-10\n");
    expect_error(s, "RETURN 1__0", WG_E_SYNTAX, 8, "invalid number");
    expect_error(s, "CALL (a,) { RETURN 1 AS x } RETURN x", WG_E_SYNTAX, 8, "a variable that the subquery sees");
}

/* Goal: labels and types may be named by values, where they are written, matched and asked. */
static void test_labels_are_named_by_values(void **state) {
    store *s = *state;
    expect(s, "WITH 'P1' AS l CREATE (n:P:$(l) {k: 1}) RETURN labels(n)", "[\"P\",\"P1\"]\n");
    expect(s, "UNWIND ['P2', 'P3'] AS l CREATE (n:$([l, 'P', l]) {k: l}) RETURN labels(n)",
           "[\"P\",\"P2\"]\n[\"P\",\"P3\"]\n");
    expect(s, "MATCH (a:P1), (b:P2) UNWIND ['X1', 'X2'] AS t CREATE (a)-[r:$(t) {t: t}]->(b) RETURN type(r), r.t",
           "\"X1\"|\"X1\"\n\"X2\"|\"X2\"\n");
    expect(s, "WITH 'P2' AS l MATCH (n:P:$(l)) RETURN n.k", "\"P2\"\n");
    expect(s, "MATCH (n:$('P2')) RETURN n.k", "\"P2\"\n");
    expect(s, "MATCH (n:$any(['P2', 'P3', 'none'])) RETURN n.k ORDER BY n.k", "\"P2\"\n\"P3\"\n");
    expect(s, "MATCH (n:$all(['P2', 'P'])) RETURN n.k", "\"P2\"\n");
    expect(s, "MATCH (n:P&!$('P' + '2')) RETURN n.k ORDER BY n.k", "\"P3\"\n1\n");
    expect(s, "MATCH (n:P) WHERE n:$(toString(n.k)) RETURN n.k ORDER BY n.k", "\"P2\"\n\"P3\"\n");
    expect(s, "MATCH (:P)-[r]->() WHERE r:$('X' + '1') RETURN r.t", "\"X1\"\n");
    expect(s, "MATCH ()-[r:$('X2')]->() RETURN r.t", "\"X2\"\n");
    expect(s,
           "MATCH (n:P3) SET n.l = 'Q1', n:$(n.l), n:Q2:$(['Q3', 'Q2']) REMOVE n:$('Q' + '2'), n:$(['none', 'P3']) "
           "RETURN labels(n)",
           "[\"P\",\"Q1\",\"Q3\"]\n");
    expect(s, "UNWIND ['M1', 'M1', 'M2'] AS l MERGE (n:$(l) {m: 1}) ON CREATE SET n:$('C' + l) RETURN labels(n)",
           "[\"CM1\",\"M1\"]\n[\"CM1\",\"M1\"]\n[\"CM2\",\"M2\"]\n");
    expect_error(s, "CREATE (n:$any(['a']))", WG_E_BIND, 10, "not $any");
    expect_error(s, "CREATE (n:$(1))", WG_E_TYPE, 12, "is a STRING");
    expect_error(s, "CREATE (n:$(toStringOrNull(null)))", WG_E_TYPE, 12, "STRING that is not empty");
    expect_error(s, "MATCH (a:P1) CREATE (a)-[:$(['x', 'y'])]->(a)", WG_E_VALUE, 28, "exactly one type");
    expect_error(s, "MATCH ()-[r:$(toString(1))]->() RETURN r", WG_E_BIND, 12, "to match is a name");
    run(s, "MATCH (n:P|M1|M2) DETACH DELETE n");
}

/* Goal: IN over a long list that is the same for all rows gives what comparing one by one gives, whatever the types. */
static void test_members_of_long_lists(void **state) {
    store *s = *state;
    expect(s,
           "UNWIND [1, 2.0, 'a', null, [1], 3.5, 99, true] AS x RETURN x IN range(1, 20), x IN range(1, 20) + [null]",
           "true|true\ntrue|true\nfalse|null\nnull|null\nfalse|null\nfalse|null\nfalse|null\nfalse|null\n");
    expect(s,
           "WITH [i IN range(1, 5000) | 't' + toString(i * 3)] AS l UNWIND range(1, 2000) AS x WITH x, l WHERE 't' + "
           "toString(x) IN l RETURN count(*), max(x)",
           "666|1998\n");
    expect(s,
           "UNWIND range(1, 60) AS x WITH x WHERE x IN [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, "
           "17] RETURN "
           "count(*)",
           "17\n");
    expect(s,
           "UNWIND range(1, 60) AS x WITH x WHERE toString(x) IN ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', "
           "'11', '12', "
           "'13', '14', '15', '16', null] RETURN count(*)",
           "16\n");
    expect(s,
           "UNWIND [1, 2, 3, 4, 5] AS x WITH x WHERE x IN [1, 2.0, 3, 4, 'a', 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
           "16, 17] RETURN "
           "count(*)",
           "4\n");
}

/* Goal: subqueries that look at no row may stand beside an aggregate; others are refused by name. */
static void test_subqueries_beside_aggregates(void **state) {
    store *s = *state;
    expect(s, "MATCH (n:A) RETURN count(*) + COUNT { (x:B) } AS c", "3\n");
    expect(s, "MATCH (n:Nowhere) RETURN count(*) + COUNT { (x:B) } AS c", "1\n");
    expect(s, "MATCH (n:A|B|D) RETURN CASE WHEN EXISTS { (:B {n: 'b'}) } THEN count(*) ELSE 0 END AS c", "4\n");
    expect(s, "MATCH (n:A) RETURN sum(COUNT { (n)-->() }) AS c", "2\n");
    expect_error(s, "MATCH (n:A) RETURN count(*) + COUNT { (n)-->() } AS c", WG_E_BIND, 30, "beside an aggregate");
}

/* Goal: FILTER, LET and FOR do what WITH * and UNWIND do; OFFSET, ALL, FINISH and NEXT. */
static void test_clauses_of_gql(void **state) {
    store *s = *state;
    expect(s, "MATCH (n) FILTER n.v > 2 LET x = n.v * 2, y = 1 RETURN n.n, x, y ORDER BY x",
           "\"c\"|6|1\n\"d\"|8|1\n");
    expect(s, "LET x = 1 LET y = x + 1 FILTER WHERE y = 2 RETURN x, y", "1|2\n");
    expect(s, "FOR x IN ['a', 'b'] RETURN x", "\"a\"\n\"b\"\n");
    expect(s, "FOR x IN ['a', null] WITH ORDINALITY i RETURN x, i", "\"a\"|1\nnull|2\n");
    expect(s, "LET l = ['a', 'b'] FOR x IN l WITH OFFSET i FILTER i > 0 RETURN x, i", "\"b\"|1\n");
    expect(s, "FOR x IN null WITH OFFSET i RETURN x, i", "");
    expect(s, "FOR x IN [] WITH ORDINALITY i RETURN x, i", "");
    expect(s, "UNWIND [3, 1, 2] AS x RETURN ALL x ORDER BY x OFFSET 1 LIMIT 1", "2\n");
    expect(s, "MATCH (n) RETURN n.v AS v NEXT FILTER v > 1 RETURN v NEXT RETURN sum(v) AS s", "9\n");
    expect(s, "MATCH (n) FINISH", "");
    expect(s, "CREATE (:Gone) FINISH", "");
    expect(s, "MATCH (n:Gone) NODETACH DELETE n FINISH", "");
    expect(s, "MATCH (n:Gone) RETURN count(*)", "0\n");
    expect(s, "INSERT (x:X&Y {k: 1})-[:W]->(:X) RETURN labels(x)", "[\"X\",\"Y\"]\n");
    run(s, "MATCH (x:X) DETACH DELETE x");
    expect(s, "WITH 1 AS filter, 2 AS let, 3 AS finish RETURN filter + let + finish AS next", "6\n");
    expect_error(s, "LET x = 1 LET x = 2 RETURN x", WG_E_BIND, 14, "two results");
    expect_error(s, "RETURN 1 + 1 NEXT RETURN 2", WG_E_SYNTAX, 7, "add AS name");
    expect_error(s, "RETURN 1 AS x NEXT", WG_E_SYNTAX, 18, "a clause behind NEXT");
    expect_error(s, "FOR x IN [1] WITH ORDINALITY x RETURN x", WG_E_BIND, 29, "exists already");
}

/* Goal: a subquery sees the variables that it names, in every part; OPTIONAL keeps rows without an answer. */
static void test_subqueries_see_what_they_name(void **state) {
    store *s = *state;
    expect(s, "MATCH (n) CALL (n) { MATCH (n)-->(m) RETURN count(m) AS c } RETURN n.n, c ORDER BY n.n",
           "\"a\"|1\n\"b\"|2\n\"c\"|1\n\"d\"|1\n");
    expect(s, "MATCH (n) OPTIONAL CALL (n) { MATCH (n)-[:U]->(m) RETURN m } RETURN n.n, m.n ORDER BY n.n",
           "\"a\"|null\n\"b\"|\"d\"\n\"c\"|null\n\"d\"|\"a\"\n");
    expect(s, "WITH 1 AS x, 2 AS y CALL (*) { RETURN x AS z UNION ALL RETURN y AS z } RETURN z", "1\n2\n");
    expect(s, "WITH 1 AS x, 2 AS y CALL (y) { WITH y + 1 AS q RETURN q } RETURN x, q", "1|3\n");
    expect(s, "WITH 1 AS x CALL () { RETURN 5 AS z } RETURN x, z", "1|5\n");
    expect(s, "WITH [1, 2] AS l CALL (l) { UNWIND l AS e RETURN e INTERSECT RETURN 2 AS e } RETURN e", "2\n");
    expect(s, "UNWIND [7, 8] AS k CALL (k) { CREATE (m:Made {k: k}) RETURN m } RETURN m.k", "7\n8\n");
    run(s, "MATCH (m:Made) DELETE m");
    expect_error(s, "WITH 1 AS x CALL () { RETURN x AS y } RETURN y", WG_E_BIND, 29, "'x' is not defined");
    expect_error(s, "WITH 1 AS x CALL (z) { RETURN 1 AS y } RETURN y", WG_E_BIND, 18, "'z' is not defined");
    expect_error(s, "WITH 1 AS x, 2 AS w CALL (x) { RETURN w AS y } RETURN y", WG_E_BIND, 38, "'w' is not defined");
}

/* Goal: EXCEPT and INTERSECT count rows, null equal to null, in the order of the left side. */
static void test_set_operators_count_rows(void **state) {
    store *s = *state;
    expect(s, "UNWIND [1, 2, 2, 3, null] AS x RETURN x EXCEPT UNWIND [2, 4] AS x RETURN x", "1\n3\nnull\n");
    expect(s, "UNWIND [1, 2, 2, 2, 3, null] AS x RETURN x EXCEPT ALL UNWIND [2, 4] AS x RETURN x",
           "1\n2\n2\n3\nnull\n");
    expect(s, "UNWIND [1, 2, 2, 2, null] AS x RETURN x INTERSECT ALL UNWIND [2, 2, null, null] AS x RETURN x",
           "2\n2\nnull\n");
    expect(s, "UNWIND [1, 2, 2, null] AS x RETURN x INTERSECT DISTINCT UNWIND [2, null, null, 1] AS x RETURN x",
           "1\n2\nnull\n");
    expect(s, "UNWIND [1, 2, 3] AS x RETURN x EXCEPT RETURN 1 AS x EXCEPT RETURN 3 AS x", "2\n");
    expect(s, "MATCH (n:A) RETURN n.n AS n, n.v AS v EXCEPT MATCH (n:A) WHERE n.v > 1 RETURN n.n AS n, n.v AS v",
           "\"a\"|1\n");
    expect(s, "MATCH (n) RETURN n INTERSECT MATCH (n:D) RETURN n NEXT RETURN n.n", "\"d\"\n");
    expect_error(s, "RETURN 1 AS x NEXT RETURN 2 AS y UNION RETURN 3 AS y", WG_E_SYNTAX, 33, "inside of CALL");
    expect(s, "RETURN 1 AS x UNION DISTINCT RETURN 1 AS x", "1\n");
    expect_error(s, "RETURN 1 AS x EXCEPT RETURN 1 AS y", WG_E_BIND, 21, "same names");
    expect_error(s, "CALL () { RETURN 1 AS x, 2 AS y EXCEPT RETURN 1 AS x } RETURN x", WG_E_BIND, 39, "same names");
    expect_error(s, "RETURN COUNT { RETURN 1 AS x, 2 AS y INTERSECT RETURN 1 AS x }", WG_E_BIND, 47, "same names");
    expect_error(s, "RETURN 1 AS x EXCEPT RETURN 1 AS x INTERSECT RETURN 1 AS x", WG_E_SYNTAX, 35,
                 "may not be mixed");
}

/* Goal: subqueries and patterns stand anywhere in expressions, with the variables of every scope around them. */
static void test_subqueries_stand_inside_of_lists(void **state) {
    store *s = *state;
    expect(s, "MATCH (n) RETURN n.n, [x IN [1, 2] | x + COUNT { (n)-->() }] ORDER BY n.n",
           "\"a\"|[2,3]\n\"b\"|[3,4]\n\"c\"|[2,3]\n\"d\"|[2,3]\n");
    expect(s, "MATCH p = ({n: 'a'})-[:T*2]->() RETURN [x IN nodes(p) | [(x)-[r]->(y) WHERE r.w > 1 | y.n]]",
           "[[],[\"c\",\"d\"],[\"a\"]]\n");
    expect(s,
           "MATCH (n:A) RETURN reduce(t = 0, x IN [n, n] | t + COUNT { (x)-[:T]->(y) WHERE y.v > t }) ORDER BY n.n",
           "2\n1\n");
    expect(s, "MATCH (n) WHERE any(x IN [n] WHERE (x)-[:U]->()) RETURN n.n ORDER BY n.n", "\"b\"\n\"d\"\n");
    expect(s,
           "MATCH (n) WHERE none(x IN [n] WHERE EXISTS { (x)-[:U]->(y) WHERE any(k IN [4] WHERE y.v = k) }) RETURN "
           "count(*)",
           "3\n");
    expect(s,
           "MATCH (n:B) RETURN [x IN [1, 2] | CASE WHEN EXISTS { (n)-->(m) WHERE m.v = x + 2 } THEN [y IN [x] | "
           "COUNT { (n)-->() } + y] END]",
           "[[3],[4]]\n");
    expect(s, "MATCH (n) RETURN n.n ORDER BY COUNT { (n)-->() } DESC, n.n LIMIT 1", "\"b\"\n");
    expect(s, "MATCH (n:B) SET n.deg = COUNT { (n)--() } RETURN n.deg", "3\n");
    run(s, "MATCH (n:B) REMOVE n.deg");
    expect(
        s,
        "UNWIND [2, 1] AS k RETURN COLLECT { UNWIND [1, 2, null, 3] AS x WITH x WHERE x > k OR x IS NULL RETURN x }",
        "[null,3]\n[2,null,3]\n");
    expect(s, "MATCH (n:B) RETURN COLLECT { MATCH (n)-->(m) RETURN m.n ORDER BY m.n DESC LIMIT 1 }", "[\"d\"]\n");
    expect(
        s,
        "MATCH (n) RETURN n.n, EXISTS { MATCH (n)-[:U]->(x) RETURN x UNION MATCH (n:A)-->(x) RETURN x } ORDER BY n.n",
        "\"a\"|true\n\"b\"|true\n\"c\"|true\n\"d\"|true\n");
    expect(s, "MATCH (n:B) RETURN COUNT { MATCH (n)-->(x) RETURN x UNION ALL MATCH (n)<--(x) RETURN x }", "3\n");
    expect(s, "MATCH (n) WHERE EXISTS { MATCH (n)-->(m) RETURN count(*) AS c SKIP 1 } RETURN n.n", "");
    expect(s, "MATCH (n) WHERE EXISTS { MATCH (n)-->(m) WITH n, count(m) AS c WHERE c > 1 RETURN c } RETURN n.n",
           "\"b\"\n");
    expect(s, "MATCH (n) WHERE NOT exists((n)-[:U]->()) RETURN [x IN [n] | exists((x)-[:T]->(:B))] ORDER BY n.n",
           "[true]\n[false]\n");
    expect(s, "RETURN [collect IN [{a: 1}] | collect {.a}]", "[{\"a\":1}]\n");
    expect_error(s, "RETURN COLLECT { MATCH (n) RETURN n, 1 AS x }", WG_E_BIND, 7, "exactly one result");
    expect_error(s, "RETURN [x IN [1] | COUNT { (y {v: z}) }]", WG_E_BIND, 34, "'z' is not defined");
}

/* Goal: CASE compares its subject by operators; IS asks types and labels. */
static void test_case_and_is(void **state) {
    store *s = *state;
    expect(s,
           "UNWIND [1, 5, 'x', null, 2.5] AS x RETURN CASE x WHEN > 3 THEN 'big' WHEN 1, 2 THEN 'small' WHEN IS NULL "
           "THEN 'null' WHEN IS :: "
           "STRING THEN 's' ELSE 'other' END",
           "\"small\"\n\"big\"\n\"s\"\n\"null\"\n\"other\"\n");
    expect(s,
           "UNWIND ['ab', 'cb', 'x'] AS x RETURN CASE x WHEN STARTS WITH 'a', IN ['x'] THEN CASE x WHEN CONTAINS 'b' "
           "THEN 1 ELSE 2 END END",
           "1\nnull\n2\n");
    expect(s,
           "RETURN 1 IS :: INTEGER, 1 IS :: FLOAT | INT, null IS :: INT, null IS :: INT NOT NULL, [1, 'a'] IS :: "
           "LIST<INT | STRING>, "
           "[1, null] IS TYPED LIST<INT NOT NULL>, 'x' IS NOT :: STRING, null IS :: NOTHING, null IS :: NULL, true "
           "IS :: BOOL, {a: 1} IS :: MAP NOT NULL",
           "true|true|true|false|true|false|false|false|true|true|true\n");
    expect(s,
           "RETURN [[1], []] IS :: LIST<LIST<INT>>, [['a']] IS :: LIST<LIST<INT> | STRING>, date('2020-01-01') IS :: "
           "DATE, "
           "localtime('10:00') IS :: LOCAL TIME, 1 IS :: ANY, 1 IS :: PROPERTY VALUE",
           "true|false|true|true|true|true\n");
    expect(s,
           "MATCH (n:A)-[r]->() RETURN n IS :: NODE, r IS :: RELATIONSHIP, r IS :: NODE, n IS LABELED A, n IS NOT "
           "B|D LIMIT 1",
           "true|true|false|true|true\n");
    expect(s,
           "MATCH (n:B) RETURN property_exists(n, v), property_exists(n, nothing), element_id(n) = toString(id(n))",
           "true|false|true\n");
    expect(s, "MATCH (a)-->(b)-->(c)-->(d) WHERE all_different(a, b, c) AND same(a, d) RETURN count(*)", "6\n");
    expect_error(s, "RETURN 1 IS :: NUMBERS", WG_E_SYNTAX, 15, "a type such as");
    expect_error(s, "RETURN all_different(1)", WG_E_BIND, 7, "takes 2 to");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clauses_of_gql),
        cmocka_unit_test(test_properties_are_set_by_name),
        cmocka_unit_test(test_labels_are_named_by_values),
        cmocka_unit_test(test_members_of_long_lists),
        cmocka_unit_test(test_subqueries_beside_aggregates),
        cmocka_unit_test(test_subqueries_see_what_they_name),
        cmocka_unit_test(test_set_operators_count_rows),
        cmocka_unit_test(test_subqueries_stand_inside_of_lists),
        cmocka_unit_test(test_case_and_is),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
