/* Goal: label expressions, conditions inside of patterns, quantified paths, path modes and selectors give the rows that GQL asks for, on a graph
 * small enough to count by hand:  a -1-> b -2-> c -3-> a (T),  b -5-> d -6-> a (U);  a, c: A,  b: B,  d: D. */
#include "base/core/test_seed.h"
#include "query/query_test_kit.h"

#include "query/parser/parser.h"

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

/* Goal: `|`, `&`, `!`, `%` and parentheses say what they say of sets, in patterns and as conditions, of nodes and relationships. */
static void test_label_expressions_select_by_sets(void **state) {
    store *s = *state;
    expect(s, "MATCH (n:A|B) RETURN n.n ORDER BY n.n", "\"a\"\n\"b\"\n\"c\"\n");
    expect(s, "MATCH (n:!A) RETURN n.n ORDER BY n.n", "\"b\"\n\"d\"\n");
    expect(s, "MATCH (n:A&!B) RETURN n.n ORDER BY n.n", "\"a\"\n\"c\"\n");
    expect(s, "MATCH (n:%) RETURN count(*)", "4\n");
    expect(s, "MATCH (n:!%) RETURN count(*)", "0\n");
    expect(s, "MATCH (n:(A|D)&!(B|D)) RETURN n.n ORDER BY n.n", "\"a\"\n\"c\"\n");
    expect(s, "MATCH (n IS A|D) WHERE n IS NOT LABELED D RETURN n.n ORDER BY n.n", "\"a\"\n\"c\"\n");
    expect(s, "MATCH (n) WHERE n:A|D RETURN n.n, n:A&!D, n IS D ORDER BY n.n",
           "\"a\"|true|false\n\"c\"|true|false\n\"d\"|false|true\n");
    expect(s, "MATCH (n)-[r:!T]->(m) RETURN n.n, m.n ORDER BY n.n", "\"b\"|\"d\"\n\"d\"|\"a\"\n");
    expect(s, "MATCH (n:A)-[r:T|!U]->(m) RETURN n.n, m.n ORDER BY n.n", "\"a\"|\"b\"\n\"c\"|\"a\"\n");
    expect(s, "MATCH ()-[r:%]->() RETURN count(*)", "5\n");
    expect(s, "MATCH ()-[r:T&U]->() RETURN count(*)", "0\n");
    expect(s, "MATCH ()-[r]->() WHERE r:!T RETURN r.w ORDER BY r.w", "5\n6\n");
    expect(s, "MATCH (n) RETURN n.n, [x IN [n] WHERE x:A | x.v] ORDER BY n.n",
           "\"a\"|[1]\n\"b\"|[]\n\"c\"|[3]\n\"d\"|[]\n");
    expect(s, "OPTIONAL MATCH (n:Nowhere|Never) RETURN n, n:A|B", "null|null\n");
}

/* Goal: a WHERE inside of a node or relationship is a condition of the pattern. */
static void test_conditions_stand_inside_of_elements(void **state) {
    store *s = *state;
    expect(s, "MATCH (n WHERE n.v > 2) RETURN n.n ORDER BY n.n", "\"c\"\n\"d\"\n");
    expect(s, "MATCH (n:A WHERE n.v > 1)-[r:T WHERE r.w = 3]->(m WHERE m.v < n.v) RETURN n.n, m.n", "\"c\"|\"a\"\n");
    expect(s, "MATCH (n:B) OPTIONAL MATCH (n)-[r WHERE r.w > 5]->(m) RETURN n.n, m.n", "\"b\"|null\n");
    expect(s, "MATCH (n) WHERE (n)-[:T]->(:B|D WHERE true) RETURN n.n", "\"a\"\n");
    expect(s, "MATCH (n:B) RETURN [(n)-[r WHERE r.w < 5]->(m:A|D) | m.n], COUNT { (n)-->(m WHERE m.v = 4) }",
           "[\"c\"]|1\n");
    expect_error(s, "MATCH (n)-[r*1..2 WHERE r.w > 1]->(m) RETURN n", WG_E_SYNTAX, 18, "behind '*'");
    expect_error(s, "CREATE (n:A|B)", WG_E_BIND, 10, "not conditions");
    expect_error(s, "CREATE (:A)-[:T|U]->(:A)", WG_E_BIND, 11, "exactly one type");
    expect_error(s, "CREATE (a)-[:T]->{1,2}(b)", WG_E_BIND, 10, "variable length");
}

/* Goal: quantifiers repeat a relationship; no relationship is used twice, so that cycles end. */
static void test_quantified_relationships_repeat(void **state) {
    store *s = *state;
    expect(s, "MATCH p = (a {n: 'a'})-[:T]->{2,5}(x) RETURN length(p), x.n ORDER BY length(p)", "2|\"c\"\n3|\"a\"\n");
    expect(s, "MATCH p = ({n: 'a'})-->+(x) RETURN length(p), x.n ORDER BY length(p), x.n",
           "1|\"b\"\n2|\"c\"\n2|\"d\"\n3|\"a\"\n3|\"a\"\n");
    expect(s, "MATCH ({n: 'a'})-->*(x) RETURN count(*)", "6\n");
    expect(s, "MATCH ({n: 'a'})-->{,2}(x) RETURN collect(x.n)", "[\"a\",\"b\",\"c\",\"d\"]\n");
    expect(s, "MATCH ({n: 'a'})-->{2}(x) RETURN collect(x.n)", "[\"c\",\"d\"]\n");
    expect(s, "MATCH ({n: 'a'})<--{3}(x) RETURN collect(x.n)", "[\"a\",\"a\"]\n");
    expect(s, "MATCH ({n: 'a'})-[r:T WHERE r.w < 3]->+(x) RETURN [e IN r | e.w], x.n ORDER BY size(r)",
           "[1]|\"b\"\n[1,2]|\"c\"\n");
    expect(s, "MATCH (x)-[r:T WHERE r.w < 3]->+({n: 'c'}) RETURN [e IN r | e.w], x.n ORDER BY size(r)",
           "[2]|\"b\"\n[1,2]|\"a\"\n");
    expect(s, "MATCH ({n: 'a'})-[:T {w: 1}]->{1,3}(x) RETURN collect(x.n)", "[\"b\"]\n");
    expect_error(s, "MATCH (a)-[:T]->{3,2}(b) RETURN a", WG_E_SYNTAX, 16, "upper bound");
}

/* Goal: variables of a quantified path are lists outside of it; conditions hold for each repetition. */
static void test_quantified_paths_give_lists(void **state) {
    store *s = *state;
    expect(s,
           "MATCH ((a)-[r:T]->(b) WHERE a.v < b.v){1,3} RETURN [n IN a | n.n], [e IN r | e.w], [n IN b | n.n] ORDER "
           "BY [e IN r | e.w]",
           "[\"a\"]|[1]|[\"b\"]\n[\"a\",\"b\"]|[1,2]|[\"b\",\"c\"]\n[\"b\"]|[2]|[\"c\"]\n");
    expect(s,
           "MATCH (s {n: 'a'}) ((a)-[r:T]->(b)-[q]->(c) WHERE r.w < q.w){1,2} (t) RETURN [n IN b | n.n], [e IN q | "
           "e.w], t.n ORDER BY t.n",
           "[\"b\"]|[2]|\"c\"\n[\"b\"]|[5]|\"d\"\n");
    expect(s,
           "MATCH ((a)-->(b)){2} ((c)-[z:U]->(d))+ RETURN [n IN a | n.n], [n IN d | n.n] ORDER BY [n IN a | n.n], "
           "size(d)",
           "[\"a\",\"b\"]|[\"a\"]\n[\"c\",\"a\"]|[\"d\"]\n[\"c\",\"a\"]|[\"d\",\"a\"]\n[\"d\",\"a\"]|[\"d\"]\n");
    expect(s,
           "MATCH (a) OPTIONAL MATCH (a) ((x)-[r:U]->(y)){1,2} (z) RETURN a.n, [n IN y | n.n], z.n ORDER BY a.n, z.n",
           "\"a\"|null|null\n\"b\"|[\"d\",\"a\"]|\"a\"\n\"b\"|[\"d\"]|\"d\"\n\"c\"|null|null\n\"d\"|[\"a\"]|\"a\"\n");
    expect(s, "MATCH (z:D) ((x)-[r:U]->(y)<-[q]-(w)){1,2} (e) RETURN [n IN x | n.n], [n IN w | n.n], e.n",
           "[\"d\"]|[\"c\"]|\"c\"\n");
    expect(s, "MATCH (e) ((w)-[q]->(y)<-[r:U]-(x)){1,2} (z:D) RETURN [n IN x | n.n], [n IN w | n.n], e.n",
           "[\"d\"]|[\"c\"]|\"c\"\n");
    expect(s, "MATCH ((x)-->(x)){1,2} RETURN count(*)", "0\n");
    expect(s, "WITH 2 AS least MATCH ({n: 'a'}) ((x)-[r]->(y) WHERE r.w < least + 1)+ (z) RETURN collect(z.n)",
           "[\"b\",\"c\"]\n");
    expect(s, "MATCH ({n: 'a'}) ((x)-->(y) WHERE EXISTS { (y)-[:U]->() })+ (z) RETURN collect(z.n)",
           "[\"b\",\"d\"]\n");
    expect(s, "MATCH p = ({n: 'a'}) ((x:A)-->(y:B)){0,1} (z) RETURN length(p), size(x) ORDER BY length(p)",
           "0|0\n1|1\n");
    expect(s, "MATCH (n) WHERE EXISTS { ((x:A)-[:T]->(y)){2} (n) } RETURN collect(n.n)", "[\"b\"]\n");
    expect_error(s, "MATCH (a) ((a)-->(b)){1,2} RETURN a", WG_E_BIND, 11, "exists already");
    expect_error(s, "MATCH ((a)-->*(b)){1,2} RETURN a", WG_E_SYNTAX, 10, "another quantifier");
    expect_error(s, "MATCH ((a)){1,2} RETURN a", WG_E_SYNTAX, 6, "needs a relationship");
    expect_error(s, "MATCH ((a)-->(b) WHERE z.v = 1){1,2} RETURN a", WG_E_BIND, 23, "'z' is not defined");
}

/* Goal: modes say what a path may repeat. */
static void test_path_modes_limit_repetition(void **state) {
    store *s = *state;
    expect(s, "MATCH p = WALK ({n: 'a'})-[:T]->{4}(x) RETURN x.n", "\"b\"\n");
    expect(s, "MATCH p = TRAIL ({n: 'a'})-[:T]->{4}(x) RETURN x.n", "");
    expect(s, "MATCH p = ACYCLIC ({n: 'a'})-->+(x) RETURN collect(x.n)", "[\"b\",\"c\",\"d\"]\n");
    expect(s, "MATCH SIMPLE PATHS ({n: 'a'})-->+(x) RETURN x.n ORDER BY x.n", "\"a\"\n\"a\"\n\"b\"\n\"c\"\n\"d\"\n");
    expect(s, "MATCH ACYCLIC (x)-->(y)-->(z)-->(x) RETURN count(*)", "0\n");
    expect(s, "MATCH (x)-->(y)-->(z)-->(x) RETURN count(*)", "6\n");
    expect(s, "MATCH SIMPLE (x)-->(y)-->(z)-->(x) RETURN count(*)", "6\n");
    expect(s, "MATCH ()-->(), ()-->() RETURN count(*)", "20\n");
    expect(s, "MATCH DIFFERENT RELATIONSHIPS ()-->(), ()-->() RETURN count(*)", "20\n");
    expect(s, "MATCH REPEATABLE ELEMENTS ()-->(), ()-->() RETURN count(*)", "25\n");
    expect(s, "MATCH REPEATABLE ELEMENTS ({n: 'a'})-[:T]->{1,4}(x) RETURN count(*)", "4\n");
    expect(s, "MATCH DIFFERENT RELATIONSHIPS WALK ({n: 'a'})-[:T]->{1,4}(x) RETURN count(*)", "3\n");
    expect_error(s, "MATCH WALK (a)-->+(b) RETURN a", WG_E_BIND, 14, "no end");
    expect_error(s, "MATCH REPEATABLE ELEMENTS (a)-->*(b) RETURN a", WG_E_BIND, 29, "no end");
}

/* Goal: selectors keep some of the paths of each pair of ends, the shortest first, then by the ids of relationships. */
static void test_selectors_choose_per_pair_of_ends(void **state) {
    store *s = *state;
    expect(s, "MATCH p = ANY SHORTEST ({n: 'a'})-->+(b) RETURN b.n, [e IN relationships(p) | e.w] ORDER BY b.n",
           "\"a\"|[1,2,3]\n\"b\"|[1]\n\"c\"|[1,2]\n\"d\"|[1,5]\n");
    expect(s,
           "MATCH p = ALL SHORTEST ({n: 'a'})-->+(b {n: 'a'}) RETURN [e IN relationships(p) | e.w] AS w ORDER BY w",
           "[1,2,3]\n[1,5,6]\n");
    expect(s, "MATCH p = ALL SHORTEST ({n: 'a'})--+(b {n: 'a'}) RETURN [e IN relationships(p) | e.w] AS w ORDER BY w",
           "[1,2,3]\n[1,5,6]\n[3,2,1]\n[6,5,1]\n");
    expect(s, "MATCH p = ANY SHORTEST ACYCLIC ({n: 'a'})-->+(b {n: 'a'}) RETURN p", "");
    expect(s, "MATCH p = SHORTEST 2 ({n: 'b'})-->+(b) RETURN b.n, [e IN relationships(p) | e.w] AS w ORDER BY b.n",
           "\"a\"|[2,3]\n\"a\"|[5,6]\n\"b\"|[2,3,1]\n\"b\"|[5,6,1]\n\"c\"|[2]\n\"c\"|[5,6,1,2]\n\"d\"|[5]\n\"d\"|[2,"
           "3,1,5]\n");
    expect(
        s,
        "MATCH p = SHORTEST 1 GROUPS ({n: 'b'})-->+(b:A) RETURN b.n, [e IN relationships(p) | e.w] AS w ORDER BY w",
        "\"c\"|[2]\n\"a\"|[2,3]\n\"a\"|[5,6]\n");
    expect(s, "MATCH p = SHORTEST 2 GROUPS ({n: 'b'})-->+(b:A) RETURN b.n, [e IN relationships(p) | e.w] AS w",
           "\"a\"|[2,3]\n\"a\"|[5,6]\n\"a\"|[2,3,1,5,6]\n\"a\"|[5,6,1,2,3]\n\"c\"|[2]\n\"c\"|[5,6,1,2]\n");
    expect(s, "MATCH p = ANY ({n: 'b'})-->{2,3}(b) RETURN b.n, length(p)", "\"a\"|2\n\"b\"|3\n");
    /* What stands inside is asked before the choice, the WHERE of the MATCH behind it. */
    expect(s, "MATCH p = SHORTEST 1 (({n: 'a'})-->+(b) WHERE length(p) > 2) RETURN b.n, length(p)", "\"a\"|3\n");
    expect(s, "MATCH p = SHORTEST 1 ({n: 'a'})-->+(b) WHERE length(p) > 2 RETURN b.n, length(p)", "\"a\"|3\n");
    expect(s, "MATCH p = SHORTEST 1 (({n: 'b'})-[r]->+(b) WHERE size(r) > 2) RETURN b.n, length(p)",
           "\"a\"|5\n\"b\"|3\n\"c\"|4\n\"d\"|4\n");
    expect(s, "MATCH p = SHORTEST 1 ({n: 'b'})-[r]->+(b) WHERE size(r) > 2 RETURN b.n, length(p)", "\"b\"|3\n");
    expect(s, "UNWIND [1, 2] AS i MATCH p = SHORTEST 1 ({n: 'a'})-->+(b:B) RETURN i, length(p)", "1|1\n2|1\n");
    expect(s, "MATCH (x:A) OPTIONAL MATCH p = SHORTEST 2 (x)-[:U]->+(y) RETURN x.n, p ORDER BY x.n",
           "\"a\"|null\n\"c\"|null\n");
    expect(s, "MATCH (x:B) RETURN COUNT { SHORTEST 2 (x)-->+() }, EXISTS { ANY (x)-[:U]->{2,4}(:A) }", "8|true\n");
    expect_error(s, "MATCH SHORTEST 0 (a)-->+(b) RETURN a", WG_E_SYNTAX, 15, "at least 1");
    expect(s, "MATCH p = shortestPath((a {n: 'a'})-[*]->(d:D)) RETURN length(p)", "2\n");
}

/* Goal: a graph with 2^40 paths between two nodes answers at once, whatever the mode, the quantifier and what stands around it. */
static void test_few_of_very_many_paths_are_found(void **state) {
    store *s = *state;
    run(s, "UNWIND range(0, 40) AS i CREATE (:L {i: i})");
    run(s,
        "MATCH (a:L), (b:L) WHERE b.i = a.i + 1 "
        "CREATE (a)-[:R]->(:M {s: 0})-[:S]->(b), (a)-[:R]->(:M {s: 1})-[:S]->(b)");
    static const char *const texts[] = {
        "MATCH p = SHORTEST 3 (:L {i: 0})-->+(:L {i: 40}) RETURN length(p), [n IN nodes(p) | n.s][77..80]",
        "MATCH p = SHORTEST 3 ACYCLIC (:L {i: 0})--+(:L {i: 40}) RETURN length(p), [n IN nodes(p) | n.s][77..80]",
        "MATCH p = SHORTEST 3 WALK (:L {i: 0})--+(:L {i: 40}) RETURN length(p), [n IN nodes(p) | n.s][77..80]",
        "MATCH p = SHORTEST 3 SIMPLE (:L {i: 0})-->{70,90}(:L {i: 40}) RETURN length(p), [n IN nodes(p) | "
        "n.s][77..80]",
        "MATCH p = SHORTEST 3 (:L {i: 0}) ((x)-[:R]->(m)-[:S]->(y)){2,} (:L {i: 40}) RETURN length(p), [n IN "
        "nodes(p) | "
        "n.s][77..80]",
        "MATCH p = SHORTEST 3 (:L {i: 0})-[:R]->(m)-[r]->+(x:M)-[:S]->(:L {i: 40}) RETURN length(p), [n IN nodes(p) "
        "| "
        "n.s][77..80]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        expect(s, texts[i], "80|[0,null,0]\n80|[0,null,1]\n80|[1,null,0]\n");
    expect(s, "MATCH p = SHORTEST 2 (:L {i: 0}) ((x)-[:R]->(m)-[:S]->(y))+ (b:L) RETURN count(*), min(length(p))",
           "80|2\n");
    expect(s, "MATCH p = SHORTEST 1 GROUPS (:L {i: 30}) ((x)-[:R]->(m)-[:S]->(y))+ (:L {i: 35}) RETURN count(*)",
           "32\n");
    expect(s, "MATCH p = SHORTEST 2 WALK (:L {i: 3})--+(:L {i: 3}) RETURN length(p)", "2\n2\n");
    expect(s, "MATCH p = SHORTEST 3 (:L {i: 7})<--+(:L {i: 3}) RETURN length(p)", "8\n8\n8\n");
    expect(s, "MATCH p = SHORTEST 3 (:L {i: 7})-->+(:L {i: 3}) RETURN length(p)", "");
    run(s, "MATCH (n:L|M) DETACH DELETE n");
}

/* Goal: paths of one MATCH are chosen each for itself; what they share joins them, and what else is asked is asked behind the choice. */
static void test_several_paths_have_selectors_of_their_own(void **state) {
    store *s = *state;
    expect(s, "MATCH ANY SHORTEST (a {n: 'a'})-->+(b:B), (b)-[r:U]->(c) RETURN a.n, b.n, c.n", "\"a\"|\"b\"|\"d\"\n");
    expect(s,
           "MATCH (b)-[r:U]->(c:D), p = SHORTEST 1 (a:A)-->+(b), q = SHORTEST 1 (c)-->+(a) RETURN a.n, length(p), "
           "length(q) ORDER BY a.n",
           "\"a\"|1|1\n"); /* from c both ways go over a and b */
    /* Without REPEATABLE ELEMENTS what one path takes the other may not: it is no choice any more. */
    expect(s, "MATCH p = ANY SHORTEST (a {n: 'a'})-->+(b:B), q = ANY SHORTEST (a)-->+(b) RETURN p", "");
    expect(
        s,
        "MATCH REPEATABLE ELEMENTS p = ANY SHORTEST (a {n: 'a'})-->+(b:B), q = ANY SHORTEST (a)-->+(b) RETURN p = q",
        "true\n");
    expect(s, "MATCH p = ANY SHORTEST WALK (a {n: 'a'})-->+(b:B), q = ANY SHORTEST (a)-->+(b) RETURN p = q",
           "true\n");
    /* A node within is asked behind the choice: the path over d is as short, but was not chosen. */
    expect(s, "MATCH (x {n: 'c'}), p = ANY SHORTEST (b:B)-[u]->(x)-[v]->(a {n: 'a'}) RETURN u.w, v.w", "2|3\n");
    expect(s, "MATCH (x {n: 'd'}), p = ANY SHORTEST (b:B)-[u]->(x)-[v]->(a {n: 'a'}) RETURN u.w, v.w", "");
    expect(s, "MATCH (x {n: 'd'}) MATCH p = ANY SHORTEST (b:B)-[u]->(x)-[v]->(a {n: 'a'}) RETURN u.w, v.w", "5|6\n");
    expect(
        s,
        "MATCH (x {n: 'd'}), p = ALL SHORTEST (b:B)-[u]->(y)-[v]->(a {n: 'a'}) WHERE x = y AND u.w < v.w RETURN u.w",
        "5\n");
    expect(s,
           "MATCH (x:D), p = SHORTEST 2 (a {n: 'a'})-->+(b) WHERE length(p) > 2 AND x.v > a.v RETURN b.n, length(p)",
           "\"a\"|3\n\"a\"|3\n");
    expect(s, "MATCH (x:B) OPTIONAL MATCH (x)-[:U]->(y), ANY SHORTEST (y)-[:T]->+(z:D) RETURN y, z", "null|null\n");
    expect_error(s, "MATCH (a)-[r]->(b), ANY SHORTEST (b)-[r]->(c)-->+(d) RETURN a", WG_E_BIND, 36, "known already");
}

/* Goal: the canonical text of every construct parses to an equal tree. */
static void test_canonical_text_parses_back(void **state) {
    (void)state;
    static const char *const texts[] = {
        "MATCH (a:A&B|!(C|%) {x: 1} WHERE a.x > 1)-[r:T|!(U&V) WHERE r.w < 3]->{2,5}(b IS X) WHERE a:A&(B|C) RETURN "
        "a",
        "MATCH ((a:A)-[r:T]->(b) WHERE a.x < b.x){1,3} ((c)-->(d))+ (e)--{,2}()<-[]-*(f) RETURN a",
        "MATCH p = ALL SHORTEST WALK PATHS ((a)-->+(b) WHERE a.x = 1), ANY 3 SIMPLE (c), SHORTEST 2 ACYCLIC GROUPS "
        "(d) RETURN *",
        "MATCH REPEATABLE ELEMENTS TRAIL (a)-->(b), ALL PATHS (c) RETURN a UNION ALL MATCH DIFFERENT EDGES (a) "
        "RETURN a",
        "MATCH any = (a), shortest = (b), walk = (c), repeatable = (d) RETURN any, shortest, walk, repeatable",
        "MATCH (n) FILTER WHERE n.x > 1 LET y = 1, z = y FOR x IN [1] WITH ORDINALITY i FOR k IN [x] RETURN ALL y "
        "OFFSET 1 LIMIT 2",
        "MATCH (n) RETURN n AS n NEXT FOR x IN [n] WITH OFFSET o FINISH",
        "CALL (*) { RETURN 1 AS x EXCEPT ALL RETURN 2 AS x } OPTIONAL CALL (x) { RETURN x AS y } CALL () { FINISH } "
        "RETURN x, y",
        "RETURN 1 AS x INTERSECT DISTINCT RETURN 2 AS x",
        "INSERT (n IS A&B)-[:R]->(m) NODETACH DELETE n",
        "RETURN CASE x WHEN > 3, 4 + 1, IS NULL THEN 1 WHEN = 5 THEN 2 WHEN IS NOT :: INT | LIST<STRING NOT NULL> "
        "THEN 3 WHEN IN [1], STARTS "
        "WITH 'a' THEN 4 END, x IS NOT TYPED ZONED DATETIME, n IS NOT LABELED A|B, COLLECT { MATCH (n) RETURN n }",
        "RETURN [x IN y WHERE x:A | x], [x IN y WHERE x:(A|B) | 1], reduce(s = 0, x IN y | s + x), "
        "[(a:A|B)-[:T|U]->(b) WHERE b:C | b]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_arena arena;
        wg_buf first;
        wg_error err = {0};
        const wg_ast *tree = NULL, *again = NULL;
        wg_arena_init(&arena, NULL);
        wg_buf_init(&first, NULL);
        if (wg_parse(wg_slice_str(texts[i]), &arena, &tree, &err) != WG_OK) fail_msg("%s: %s", texts[i], err.message);
        assert_int_equal(wg_ast_print(tree, &first, NULL), WG_OK);
        if (wg_parse(wg_buf_slice(&first), &arena, &again, &err) != WG_OK)
            fail_msg("%.*s: %s", (int)first.size, (const char *)first.data, err.message);
        if (!wg_ast_equal(tree, again)) fail_msg("%s\n%.*s", texts[i], (int)first.size, (const char *)first.data);
        wg_buf_deinit(&first);
        wg_arena_deinit(&arena);
    }
}

/* Runs with the n-th allocation refused. */
static wg_code run_short(store *s, const char *text, uint64_t n) {
    wg_prepared *query;
    wg_txn *txn;
    wg_query_result result;
    assert_int_equal(wg_query_create(wg_slice_str(text), NULL, NULL, &query, NULL), WG_OK);
    assert_int_equal(wg_txn_begin(s->engine, WG_TXN_READ, 0, &txn, NULL), WG_OK);
    wg_stats stats = {0};
    const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 3, .stats = &stats};
    wg_memory_fail_at(n, false);
    const wg_code code = wg_query_run(query, &context, &result, NULL);
    wg_memory_fail_at(0, false);
    if (code == WG_OK) wg_query_result_deinit(&result);
    wg_query_destroy(query);
    wg_txn_abort(txn);
    return code;
}

/* Goal: a refused allocation anywhere on the way is WG_E_NOMEM and nothing else. */
static void test_every_allocation_may_fail(void **state) {
    static const char *const texts[] = {
        "MATCH ((a:A|B)-[r:!U]->(b) WHERE a.v < b.v){1,3} RETURN a, b, COLLECT { MATCH (x)-->(y) RETURN y.n }",
        "MATCH p = SHORTEST 2 ({n: 'a'})-->+(b) RETURN p EXCEPT MATCH p = ALL SHORTEST (a)-->+(a) RETURN p",
        "MATCH (n) RETURN [x IN [n] | COUNT { (x)-->() }]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_code code = WG_E_NOMEM;
        for (uint64_t n = 1; code == WG_E_NOMEM; n += wg_test_small() ? 7 : 1) code = run_short(*state, texts[i], n);
        assert_int_equal(code, WG_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label_expressions_select_by_sets),
        cmocka_unit_test(test_conditions_stand_inside_of_elements),
        cmocka_unit_test(test_quantified_relationships_repeat),
        cmocka_unit_test(test_quantified_paths_give_lists),
        cmocka_unit_test(test_path_modes_limit_repetition),
        cmocka_unit_test(test_selectors_choose_per_pair_of_ends),
        cmocka_unit_test(test_few_of_very_many_paths_are_found),
        cmocka_unit_test(test_several_paths_have_selectors_of_their_own),
        cmocka_unit_test(test_canonical_text_parses_back),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
