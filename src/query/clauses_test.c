/* Goal: MERGE, relationships of variable length, paths, and patterns inside expressions give the answers that openCypher asks for. */
#include <stdatomic.h>

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

/* A chain 1 -> 2 -> 3 -> 4 of R, a shortcut 1 -> 3 and a loop at 4. */
static int set_up_walks(void **state) {
    static store s;
    store_open(&s);
    run(&s,
        "CREATE (a:N {k: 1})-[:R {w: 1}]->(b:N {k: 2})-[:R {w: 1}]->(c:N {k: 3})-[:R {w: 2}]->(d:N {k: 4}), "
        "(a)-[:S {w: 1}]->(c), (d)-[:R {w: 2}]->(d)");
    *state = &s;
    return 0;
}

/* Goal: every form of bounds, both directions and none, types, properties of each edge, no edge twice. */
static void test_walks_have_bounds_and_directions(void **state) {
    store *s = *state;
    expect(s, "MATCH ({k: 1})-[r:R*1..3]->(b) RETURN b.k, size(r)", "2|1\n3|2\n4|3\n");
    expect(s, "MATCH ({k: 1})-[:R*]->(b) RETURN b.k", "2\n3\n4\n4\n");
    expect(s, "MATCH ({k: 1})-[:R*2]->(b) RETURN b.k", "3\n");
    expect(s, "MATCH ({k: 1})-[*..2]->(b) RETURN b.k ORDER BY b.k", "2\n3\n3\n4\n");
    expect(s, "MATCH ({k: 1})-[:R*3..]->(b) RETURN b.k", "4\n4\n");
    expect(s, "MATCH (a {k: 1})-[r:R*0..1]->(b) RETURN b.k, r", "1|[]\n2|[{\"id\":0}]\n");
    expect(s, "MATCH (a {k: 1})-[*0]->(b) RETURN a = b", "true\n");
    expect(s, "MATCH ({k: 1})-[:NOTHING*0..]->(b) RETURN b.k", "1\n");
    expect(s, "MATCH ({k: 1})-[:NOTHING*]->(b) RETURN b.k", "");
    expect(s, "MATCH ({k: 3})<-[:R*]-(b) RETURN b.k", "2\n1\n");
    expect(s, "MATCH ({k: 4})-[:R*2..2]-(b) RETURN b.k ORDER BY b.k", "2\n3\n");
    expect(s, "MATCH ({k: 1})-[*1..2 {w: 1}]->(b) RETURN b.k ORDER BY b.k", "2\n3\n3\n");
    expect(s, "MATCH (a {k: 1}), (b {k: 4}) MATCH (a)-[r*]->(b) RETURN size(r) ORDER BY size(r)", "2\n3\n3\n4\n");
    expect(s, "MATCH (a)-[r:R*]->({k: 2}) RETURN a.k, size(r)", "1|1\n");
    expect(s, "MATCH (a {k: 1})-[:R]->(b)-[:R*]->(c) RETURN c.k", "3\n4\n4\n");
    expect(s, "MATCH (a {k: 1})-[x:R*]-(b)-[y:R]-(c) WHERE y IN x RETURN count(*)", "0\n");
    expect(s, "MATCH (a)-[*3]->(a) RETURN count(*)", "0\n");
    expect(s, "MATCH (a:N {k: 9})-[*]->(b) RETURN b", "");
    expect(s, "MATCH (a {k: 4}) OPTIONAL MATCH (a)-[r:S*]->(b) RETURN b, r", "null|null\n");
}

/* Goal: paths know their nodes and relationships, in the order of the pattern. */
static void test_paths_have_values(void **state) {
    store *s = *state;
    expect(s, "MATCH p = ({k: 1})-[:R*2]->() RETURN p", "[{\"id\":0},{\"id\":0},{\"id\":1},{\"id\":1},{\"id\":2}]\n");
    expect(s, "MATCH p = (a)-[:R*2]->({k: 3}) RETURN length(p), startNode(relationships(p)[0]).k", "2|1\n");
    expect(s, "MATCH p = ({k: 1}) RETURN length(p), size(nodes(p)), relationships(p)", "0|1|[]\n");
    expect(s, "MATCH p = (a {k: 3})<-[:S]-(b)-[:R]->(c) UNWIND nodes(p) AS n RETURN n.k", "3\n1\n2\n");
    expect(s, "MATCH p = ({k: 1})-[*]->({k: 4}) RETURN length(p) AS l, count(*) ORDER BY l", "2|1\n3|2\n4|1\n");
    expect(s, "MATCH p = ({k: 1})-->() WITH p WHERE length(p) = 1 RETURN count(DISTINCT p)", "2\n");
    expect(s, "MATCH (a {k: 4}) OPTIONAL MATCH p = (a)-[:S]->() RETURN p, length(p), nodes(p)", "null|null|null\n");
    expect(s, "CREATE p = (:Q)-[:T]->(:Q) RETURN length(p)", "1\n");
    expect_error(s, "MATCH p = (a), p = (b) RETURN p", WG_E_BIND, 15, "exists already");
}

/* Goal: patterns, EXISTS { } and COUNT { } inside any expression of WHERE, WITH, RETURN and UNWIND. */
static void test_subqueries_are_expressions(void **state) {
    store *s = *state;
    expect(s, "MATCH (a:N) WHERE (a)-[:S]->() OR a.k = 4 RETURN a.k ORDER BY a.k", "1\n4\n");
    expect(s, "MATCH (a:N) WHERE NOT ((a)-[:S]->() OR a.k = 4) RETURN a.k ORDER BY a.k", "2\n3\n");
    expect(s, "MATCH (a:N) RETURN a.k, COUNT { (a)-->() } AS c ORDER BY a.k", "1|2\n2|1\n3|1\n4|1\n");
    expect(s, "MATCH (a:N) WHERE COUNT { (a)-[r]->(b) WHERE b.k > 2 } = 1 RETURN a.k ORDER BY a.k", "1\n2\n3\n4\n");
    expect(s, "MATCH (a:N) RETURN COUNT { MATCH (a)-->(b) RETURN DISTINCT labels(b) } AS c, a.k ORDER BY a.k LIMIT 1",
           "1|1\n");
    expect(s, "MATCH (a:N) RETURN a.k AS k, EXISTS { (a)-[:S]->() } AS e ORDER BY k",
           "1|true\n2|false\n3|false\n4|false\n");
    expect(s, "MATCH (a:N) WHERE a.k > 2 RETURN exists((a)-[:S]->())", "false\nfalse\n");
    expect(s, "MATCH (a:N) RETURN EXISTS { (a)<-[:S]-() } AS e, count(*) ORDER BY e", "false|3\ntrue|1\n");
    expect(s, "MATCH (a:N {k: 1}) RETURN [(a)-->(b) | b.k] AS l", "[2,3]\n");
    expect(s, "MATCH (a:N {k: 1}) RETURN [p = (a)-[:R*]->(b) WHERE b.k > 2 | length(p)] AS l", "[2,3,4]\n");
    expect(s, "MATCH (a:N {k: 1}) RETURN [(a)-->(b) | b.nothing], [(a)-[:NO]->(b) | b]", "[null,null]|[]\n");
    expect(s, "MATCH (a:N {k: 1}) RETURN [(a)-->(b) | [(b)-->(c) | c.k]] AS l", "[[3],[4]]\n");
    expect(s, "MATCH (a:N {k: 1}) UNWIND [(a)-->(b) | b] AS x RETURN x.k", "2\n3\n");
    expect(s, "MATCH (a:N) WITH a, size([(a)-->() | 1]) AS n WHERE n > 1 RETURN a.k, n", "1|2\n");
    expect(s, "MATCH (a:N) RETURN sum(COUNT { (a)--() })", "9\n");
    expect(s, "OPTIONAL MATCH (a:None) RETURN EXISTS { (a)-->() } AS e, COUNT { (a)--() } AS c", "false|0\n");
    expect(s, "MATCH (a:N) WHERE EXISTS { MATCH (a)-->(b) WHERE EXISTS { (b)-[:S]-() } } RETURN a.k ORDER BY a.k",
           "1\n2\n");
    expect_error(s, "MATCH (a:N) WHERE (a)-->(x) OR true RETURN a", WG_E_BIND, 24, "not defined");
    expect_error(s, "MATCH (a:N) RETURN (a)-->()", WG_E_BIND, 19, "condition");
    expect(s, "MATCH (a:N {k: 1}) SET a.t = 1, a.c = COUNT { (a {t: 1})-->() } RETURN a.c", "2\n");
    expect(s, "CREATE (:Gone)-[:G]->(:Gone)", "");
    expect(s, "MATCH p = (:Gone)-->() DELETE p", "");
    expect(s, "MATCH (g:Gone) RETURN count(*)", "0\n");
    expect_error(s, "MATCH (a:N) RETURN EXISTS { CREATE (b) }", WG_E_BIND, 28, "may not write");
}

/* Goal: a MATCH, an OPTIONAL MATCH and a pattern after a write see what was written, and nothing is written twice. */
static void test_reads_follow_writes(void **state) {
    store *s = *state;
    expect(s, "CREATE (:V {k: 1}) WITH 1 AS one MATCH (v:V) RETURN v.k", "1\n");
    expect(s, "UNWIND [2, 3] AS i CREATE (v:V {k: i}) WITH v OPTIONAL MATCH (w:V {k: v.k}) RETURN w.k", "2\n3\n");
    expect(s, "MATCH (v:V) SET v.j = 1 WITH v WHERE EXISTS { MATCH (w:V {j: 1}) } RETURN count(*)", "3\n");
    expect(s, "MATCH (v:V {k: 1}) CREATE (v)-[:Z]->(v) WITH v RETURN COUNT { (v)-[:Z]->() } AS c", "1\n");
    expect(s, "MERGE (v:V {k: 1}) WITH v MATCH (w:V) WHERE w.k > v.k RETURN w.k ORDER BY w.k", "2\n3\n");
    expect(s, "MATCH (v:V) RETURN count(*)", "3\n");
}

/* Goal: one shortest path, or all of them, or none. */
static void test_shortest_paths_are_found(void **state) {
    store *s = *state;
    expect(s, "MATCH p = shortestPath((a:N {k: 1})-[*]->(b:N {k: 4})) RETURN [n IN nodes(p) | n.k]", "[1,3,4]\n");
    expect(s, "MATCH p = shortestPath((a:N {k: 1})-[:R*]->(b:N {k: 4})) RETURN length(p)", "3\n");
    expect(s, "MATCH p = shortestPath((a:N {k: 4})<-[:R*]-(b:N {k: 1})) RETURN [n IN nodes(p) | n.k]", "[4,3,2,1]\n");
    expect(s, "MATCH p = shortestPath((a:N {k: 4})-[:R*]->(b:N {k: 1})) RETURN p", "");
    expect(s, "MATCH p = shortestPath((a:N {k: 1})-[:R*..2]->(b:N {k: 4})) RETURN p", "");
    expect(s, "MATCH (a:N {k: 2}), (b:N {k: 4}) MATCH p = shortestPath((a)-[r*..9]-(b)) RETURN length(p), size(r)",
           "2|2\n");
    expect(s, "MATCH (a:N {k: 1}) MATCH p = shortestPath((a)-[*0..]-(a)) RETURN length(p)", "0\n");
    run(s,
        "MATCH (a:N {k: 1}), (c:N {k: 4}) CREATE (a)-[:X]->(:O {k: 7})-[:X]->(c), (a)-[:X]->(:O {k: 8})-[:X]->(c)");
    expect(s,
           "MATCH p = allShortestPaths((a:N {k: 1})-[*]->(b:N {k: 4})) RETURN [n IN nodes(p) | n.k] AS l ORDER BY l",
           "[1,3,4]\n[1,7,4]\n[1,8,4]\n");
    expect(s, "MATCH p = allShortestPaths((a:N {k: 1})-[:X*]->(b:N {k: 4})) RETURN count(p)", "2\n");
    run(s, "MATCH (o:O) DETACH DELETE o");
    expect_error(s, "MATCH shortestPath((a)-[*2..]->(b)) RETURN a", WG_E_BIND, 22, "0 or 1");
}

/* Goal: CALL { } joins each row with what its body returns; a body that writes does so row by row. */
static void test_call_runs_for_each_row(void **state) {
    store *s = *state;
    expect(s, "CALL { RETURN 1 AS x UNION ALL RETURN 2 AS x } RETURN x", "1\n2\n");
    expect(s, "UNWIND [1, 2] AS i CALL { WITH i RETURN i * 10 AS j UNION RETURN 5 AS j } RETURN i, j",
           "1|10\n1|5\n2|20\n2|5\n");
    expect(s, "MATCH (a:N) CALL { WITH a MATCH (a)-->(b) RETURN count(b) AS c } RETURN a.k, c ORDER BY a.k",
           "1|2\n2|1\n3|1\n4|1\n");
    expect(s,
           "UNWIND [1, 2, 2] AS i CALL { WITH i MERGE (c:C {i: i}) ON CREATE SET c.n = 1 ON MATCH SET c.n = c.n + 1 "
           "RETURN c } RETURN c.i, c.n",
           "1|1\n2|2\n2|2\n");
    expect(s, "UNWIND [7, 8] AS i CALL { WITH i CREATE (:C {i: i}) } RETURN i", "7\n8\n");
    expect(s, "MATCH (c:C) RETURN count(*)", "4\n");
    expect(s, "MATCH (c:C) DELETE c", "");
    expect_error(s, "UNWIND [1] AS i CALL { RETURN i AS j } RETURN j", WG_E_BIND, 30, "not defined");
    expect_error(s, "UNWIND [1] AS i CALL { RETURN 2 AS i } RETURN i", WG_E_BIND, 16, "exists already");
}

/* Goal: FOREACH writes for each element of each row and passes the rows on. */
static void test_foreach_writes_for_each_element(void **state) {
    store *s = *state;
    expect(s, "UNWIND [1, 2] AS i FOREACH (x IN range(1, i) | CREATE (:F {i: i, x: x})) RETURN i", "1\n2\n");
    expect(s, "MATCH (f:F) RETURN f.i, f.x ORDER BY f.i, f.x", "1|1\n2|1\n2|2\n");
    expect(s, "MATCH (f:F) FOREACH (x IN [1, 2, 3] | SET f.x = f.x + x)", "");
    expect(s, "MATCH (f:F) RETURN f.x ORDER BY f.x", "7\n7\n8\n");
    expect(s, "MATCH p = ({k: 1})-[:R*2]->() FOREACH (n IN nodes(p) | SET n.seen = true) RETURN length(p)", "2\n");
    expect(s, "MATCH (n {seen: true}) RETURN n.k ORDER BY n.k", "1\n2\n3\n");
    expect(s, "FOREACH (x IN [1, 1] | FOREACH (y IN [2] | MERGE (:F2 {v: x + y})))", "");
    expect(s, "MATCH (f:F2) RETURN f.v", "3\n");
    expect(s, "FOREACH (x IN null | CREATE (:F2))", "");
    expect(s, "MATCH (f:F2) RETURN count(*)", "1\n");
}

/* Runs a reading statement with this many threads and rows a batch; its rows are left in s->answer. */
static wg_code run_with(store *s, const char *text, const wg_exec_context *how) {
    wg_prepared *query;
    wg_txn *txn;
    wg_stats stats = {0};
    wg_query_result result;
    wg_error err = {0};
    assert_int_equal(wg_query_create(wg_slice_str(text), NULL, NULL, &query, NULL), WG_OK);
    assert_int_equal(wg_txn_begin(s->engine, WG_TXN_READ, 0, &txn, NULL), WG_OK);
    wg_exec_context context = *how;
    context.txn = txn;
    context.stats = &stats;
    s->answer.size = 0;
    const wg_code code = wg_query_run(query, &context, &result, &err);
    for (uint64_t r = 0; code == WG_OK && r < wg_rows_count(result.rows); r++)
        for (uint32_t c = 0; c < result.column_count; c++) {
            const wg_value v = wg_rows_cell(result.rows, r, c);
            assert_true(wg_value_print_json(&s->answer, &v));
        }
    if (code == WG_OK) wg_query_result_deinit(&result);
    wg_txn_abort(txn);
    wg_query_destroy(query);
    return code;
}

static int set_up_dense(void **state) {
    static store s;
    store_open(&s);
    run(&s, "UNWIND range(1, 3000) AS i CREATE (:M {k: i})");
    run(&s, "MATCH (m:M) MERGE (b:Bucket {k: m.k % 7}) CREATE (m)-[:IN]->(b)");
    run(&s, "UNWIND range(1, 14) AS i CREATE (:D {k: i})");
    run(&s, "MATCH (a:D), (b:D) WHERE a.k < b.k CREATE (a)-[:E]->(b)");
    *state = &s;
    return 0;
}

/* Goal: threads and batch sizes change no byte of an answer. */
static void test_answers_do_not_depend_on_threads(void **state) {
    store *s = *state;
    static const char *const texts[] = {
        "MATCH p = (m:M)-[*1..2]-(n) WHERE m.k < 40 RETURN m.k, n.k, length(p) LIMIT 5000",
        "MATCH (m:M) WHERE COUNT { (m)-->(:Bucket {k: 3}) } = 1 RETURN m.k, [(m)-->(b) | b.k] AS l",
        "MATCH (a:D {k: 9})-[r:E*1..3]->(b) RETURN r, b",
        "MATCH p = allShortestPaths((a:M {k: 5})-[*]-(b:M {k: 12})) RETURN p",
        "MATCH p = allShortestPaths((a:D)-[*..5]-(b:D)) RETURN p",
    };
    wg_pool *pool;
    wg_buf first;
    wg_buf_init(&first, NULL);
    assert_int_equal(wg_pool_create(3, &pool, NULL), WG_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        static const uint32_t ways[][2] = {{1, 2048}, {1, 1}, {4, 2048}, {4, 7}, {3, 64}};
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
            const wg_exec_context how = {.threads = ways[k][0], .batch_rows = ways[k][1], .pool = pool};
            assert_int_equal(run_with(s, texts[i], &how), WG_OK);
            if (k == 0) {
                first.size = 0;
                assert_true(s->answer.size > 0);
                assert_true(wg_buf_append(&first, s->answer.data, s->answer.size));
            }
            assert_int_equal(first.size, s->answer.size);
            assert_memory_equal(first.data, s->answer.data, first.size);
        }
    }
    wg_pool_destroy(pool);
    wg_buf_deinit(&first);
}

/* Goal: walks without number end by the memory limit, and by cancellation, in an orderly way. */
static void test_walks_without_number_end(void **state) {
    store *s = *state;
    wg_account account;
    wg_account_init(&account, NULL, 8u << 20);
    wg_exec_context how = {.threads = 1, .batch_rows = 2048, .account = &account};
    assert_int_equal(run_with(s, "MATCH (a:D)-[r*]-(b) RETURN r", &how), WG_E_LIMIT);
    assert_int_equal(wg_account_bytes(&account), 0);
    wg_cancel cancel = {0};
    atomic_store(&cancel.cancelled, true);
    how.account = NULL;
    how.cancel = &cancel;
    assert_int_equal(run_with(s, "MATCH (a:D)-[r*]-(b) RETURN count(*)", &how), WG_E_CANCELLED);
}

int main(void) {
    const struct CMUnitTest empty_tests[] = {
        cmocka_unit_test_setup_teardown(test_merge_node_sees_earlier_rows, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_path_matches_or_creates_whole, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_refuses, set_up_empty, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_seeks_keys, set_up_empty, tear_down),
    };
    const struct CMUnitTest walk_tests[] = {
        cmocka_unit_test(test_walks_have_bounds_and_directions),
        cmocka_unit_test(test_paths_have_values),
        cmocka_unit_test(test_shortest_paths_are_found),
        cmocka_unit_test(test_subqueries_are_expressions),
        cmocka_unit_test(test_reads_follow_writes),
        cmocka_unit_test(test_call_runs_for_each_row),
        cmocka_unit_test(test_foreach_writes_for_each_element),
    };
    const struct CMUnitTest dense_tests[] = {
        cmocka_unit_test(test_answers_do_not_depend_on_threads),
        cmocka_unit_test(test_walks_without_number_end),
    };
    const int dense_failed = cmocka_run_group_tests(dense_tests, set_up_dense, tear_down);
    const int failed = dense_failed + cmocka_run_group_tests(empty_tests, NULL, NULL);
    return failed + cmocka_run_group_tests(walk_tests, set_up_walks, tear_down);
}
