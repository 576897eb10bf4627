/* Invariants 23 to 33 of docs/determinism.md: the newest version alone counts, deletions hide, and traversals walk over what lives. */
#include <stdio.h>

#include "exec/operators.h"
#include "tests/determinism/kit.h"

static kit_db db;

static int open_db(void **state) {
    (void)state;
    kit_open(&db, true);
    return 0;
}

static int drop_db(void **state) {
    (void)state;
    kit_remove(&db);
    return 0;
}

static void expect(const char *text, uint64_t at, const char *rows) {
    wg_buf got = {0}, wanted = {0};
    wg_buf all = {0};
    kit_answer(&db, text, at, &all);
    const uint8_t *feed = memchr(all.data, '\n', all.size);
    assert_true(wg_buf_append(&got, feed + 1, all.size - (size_t)(feed + 1 - all.data)) &&
                wg_buf_append_str(&wanted, rows));
    kit_expect_same(&got, &wanted, "%s at %llu", text, (unsigned long long)at);
    wg_buf_deinit(&all);
    wg_buf_deinit(&got);
    wg_buf_deinit(&wanted);
}

/* Goal (23): of two puts of a key at a < b, positions from b on show b, those from a to b show a. */
static void test_inv_23_newest_wins(void **state) {
    (void)state;
    kit_do(&db, "CREATE (:A {key: 1, v: 'a'})");
    kit_do(&db, "CREATE (:B)");
    kit_do(&db, "MATCH (n:A) SET n.v = 'b'");
    kit_do(&db, "CREATE (:B)");
    for (uint64_t at = 1; at <= 4; at++) expect("MATCH (n:A) RETURN n.v", at, at < 3 ? "[\"a\"]\n" : "[\"b\"]\n");
}

static const char declare[] = "CREATE NODE LABEL K (k INT, v INT, PRIMARY KEY (k))";

/* Goal (24): a deletion hides every earlier version from its position on; a put of the key afterwards is visible again. */
static void test_inv_24_tombstones_hide_until_the_next_put(void **state) {
    (void)state;
    kit_do(&db, declare);                       /* 1 */
    kit_do(&db, "CREATE (:K {k: 1, v: 1})");    /* 2 */
    kit_do(&db, "MATCH (n:K) SET n.v = 2");     /* 3 */
    kit_do(&db, "MATCH (n:K {k: 1}) DELETE n"); /* 4 */
    kit_do(&db, "CREATE (:K {k: 1, v: 5})");    /* 5 */
    kit_do(&db, "MATCH (n:K {k: 1}) DELETE n"); /* 6 */
    static const char *const rows[] = {"", "[1]\n", "[2]\n", "", "[5]\n", ""};
    for (uint64_t at = 1; at <= 6; at++) {
        expect("MATCH (n:K {k: 1}) RETURN n.v", at, rows[at - 1]);
        expect("MATCH (n:K) WHERE n.v > 0 RETURN n.v", at, rows[at - 1]);
    }
}

/* Goal (25): the log has no record that lifts a tombstone (docs/determinism.md). What is nearest to it: a deletion that is rolled back, of a statement
 * or a transaction, leaves the history in which it never was; other deletions stay. */
static void test_inv_25_a_tombstone_taken_back_never_was(void **state) {
    (void)state;
    kit_do(&db, "UNWIND range(1, 4) AS i CREATE (:A {i: i})");
    kit_do(&db, "MATCH (n:A {i: 1}) DELETE n");
    KIT_OK(wg_begin(db.session, false, err));
    kit_do(&db, "MATCH (n:A {i: 2}) DELETE n");
    KIT_OK(wg_rollback(db.session, err));
    KIT_OK(wg_begin(db.session, false, err));
    kit_do(&db, "MATCH (n:A {i: 3}) DELETE n");
    wg_buf out = {0};
    assert_int_not_equal(kit_try(&db, "MATCH (n:A) DELETE n WITH 1 AS x RETURN 1 / (x - 1)", 0, &out, NULL), WG_OK);
    KIT_OK(wg_commit(db.session, NULL, err));
    wg_buf_deinit(&out);
    expect("MATCH (n:A) RETURN n.i ORDER BY n.i", 0, "[2]\n[4]\n");
    expect("CALL db.changes(1, null) YIELD op, id RETURN op, id", 0, "[\"deleted\",0]\n[\"deleted\",2]\n");
}

/* Goal (26): a filter over the shadowed stream is the oracle's; a plan that filters or traverses below the shadow is refused. */
static void test_inv_26_no_filter_below_the_shadow(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    wg_record_result result;
    wg_error failure = {0};
    const wg_operator_def scan = {.type = WG_OPERATOR_SEGMENT_SCAN, .params.segment_scan = {true, 0, UINT64_MAX}};
    const wg_operator_def merge = {.op_id = 1, .type = WG_OPERATOR_MERGE, .params.merge = {true}};
    const wg_operator_def shadow = {.op_id = 2, .type = WG_OPERATOR_TOMBSTONE_SHADOW};
    const wg_operator_def filter = {
        .op_id = 3, .type = WG_OPERATOR_INDEX_FILTER, .params.index_filter = {.has_type_tag = true}};
    const wg_operator_def walk = {.op_id = 4, .type = WG_OPERATOR_TGK_TRAVERSAL};
    kit_do(&db, "CREATE (:A {k: 1})");
    kit_do(&db, "MATCH (n:A) REMOVE n:A SET n:B"); /* the old version would pass a filter on A */
    KIT_OK(wg_txn_begin(wg_db_engine(db.db), WG_TXN_READ, 0, &txn, err));
    const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 2048};
    const wg_operator_def bad[][4] = {{scan, merge, filter, shadow},
                                      {scan, merge, walk, shadow},
                                      {scan, filter, merge, shadow},
                                      {scan, shadow, merge, filter},
                                      {merge, scan, shadow, filter}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const wg_record_plan plan = {{0, 2}, bad[i], 4};
        wg_error_clear(&failure);
        assert_int_equal(wg_records_run(&plan, &context, &result, &failure), WG_E_BIND);
    }
    const wg_operator_def without[] = {scan, merge, filter};
    const wg_record_plan unshadowed = {{0, 2}, without, 3};
    wg_error_clear(&failure);
    assert_int_equal(wg_records_run(&unshadowed, &context, &result, &failure), WG_E_BIND);
    const wg_operator_def good[] = {scan, merge, shadow, filter}; /* type tag 0 is A, the first label */
    const wg_record_plan plan = {{0, 2}, good, 4};
    KIT_OK(wg_records_run(&plan, &context, &result, err));
    assert_int_equal(result.records.count, 0);
    wg_record_result_deinit(&result);
    wg_txn_abort(txn);
    expect("MATCH (n:A) RETURN n.k", 0, "");
    expect("MATCH (n:A) RETURN n.k", 1, "[1]\n");
}

/* Goal (27): what only a dead edge, or an edge of a dead node, led to is in no traversal. */
static void test_inv_27_traversals_pass_no_dead_edge(void **state) {
    (void)state;
    kit_do(&db, "CREATE (a:A {i: 0})-[:R]->(b:A {i: 1})-[:R]->(c:A {i: 2})-[:R]->(:A {i: 3}), (a)-[:S]->(c)");
    kit_do(&db, "MATCH ({i: 0})-[s:S]->() DELETE s");
    kit_do(&db, "MATCH (n {i: 2}) DETACH DELETE n");
    static const char text[] = "MATCH (:A {i: 0})-[*1..5]->(n) RETURN DISTINCT n.i ORDER BY n.i";
    expect(text, 1, "[1]\n[2]\n[3]\n");
    expect(text, 2, "[1]\n[2]\n[3]\n");
    expect(text, 3, "[1]\n");
    static const char plane[] = "CALL db.walk(0, 5, null, 'out') YIELD node RETURN DISTINCT node ORDER BY node";
    expect(plane, 1, "[1]\n[2]\n[3]\n");
    expect(plane, 3, "[1]\n");
    expect("MATCH p = shortestPath((a:A {i: 0})-[*]->(b:A {i: 3})) RETURN length(p)", 2, "[3]\n");
    expect("MATCH p = shortestPath((a:A {i: 0})-[*]->(b:A {i: 3})) RETURN length(p)", 3, "");
}

/* Goal (28): looking a key up by its index and by scanning agree when its newest record is a deletion. */
static void test_inv_28_key_lookups_see_deletions(void **state) {
    (void)state;
    static const wg_optimizer both[] = {WG_OPTIMIZER_ON, WG_OPTIMIZER_OFF};
    kit_do(&db, declare);
    kit_do(&db, "UNWIND range(1, 100) AS i CREATE (:K {k: i, v: i})");
    kit_upkeep_now(&db, KIT_CHECKPOINTED);
    kit_do(&db, "MATCH (n:K) WHERE n.k % 10 = 0 DELETE n");
    for (int upkeep = 0; upkeep < 3; upkeep++) {
        kit_upkeep_now(&db, (kit_upkeep)upkeep);
        for (int i = 0; i < 2; i++) { /* the optimizer seeks, without it everything is scanned */
            kit_execution(&db, 1, 1, 64, NULL, both[i]);
            expect("UNWIND [9, 10, 11, 50, 100, 101] AS x MATCH (n:K {k: x}) RETURN n.v", 0, "[9]\n[11]\n");
            expect("MATCH (n:K {k: 10}) RETURN n.v", 0, "");
            expect("MATCH (n:K {k: 10}) RETURN n.v", 2, "[10]\n");
        }
    }
}

/* Goal (29): there are no federated domains (docs/determinism.md). What is apart here: nodes and edges count their ids each for themselves, and runs
 * their keys; a deletion in one hides nothing in another. */
static void test_inv_29_deletions_stay_in_their_domain(void **state) {
    (void)state;
    wg_run *runs[2];
    const wg_value one = wg_value_int(1);
    bool existed = false;
    kit_do(&db, "CREATE (a:A {i: 0})-[:R {i: 0}]->(b:A {i: 1})-[:R {i: 1}]->(a), (:A {i: 2})");
    kit_do(&db, "MATCH (n {i: 2}) DELETE n");
    kit_do(&db, "MATCH ()-[r {i: 0}]->() DELETE r");
    expect("MATCH (n) RETURN id(n) ORDER BY id(n)", 0, "[0]\n[1]\n");
    expect("MATCH ()-[r]->() RETURN id(r)", 0, "[1]\n");
    for (int i = 0; i < 2; i++) {
        KIT_OK(wg_run_create(db.session, i == 0 ? "one" : "two", NULL, &runs[i], err));
        KIT_OK(wg_kv_put(runs[i], "k", 1, &one, NULL, err));
    }
    KIT_OK(wg_kv_delete(runs[0], "k", 1, &existed, err));
    wg_kv_item item;
    KIT_OK(wg_kv_get(runs[0], "k", 1, &item, err));
    assert_false(item.found);
    KIT_OK(wg_kv_get(runs[1], "k", 1, &item, err));
    assert_true(item.found);
    for (int i = 0; i < 2; i++) wg_run_close(runs[i]);
}

/* ---- traversals of the plane over random graphs */

typedef struct steps {
    uint64_t depth[256], edge[256], node[256], logseq[256];
    uint32_t count;
} steps;

static void walk(const char *direction, uint64_t depth, uint64_t start, steps *out) {
    char text[128];
    wg_result *r = NULL;
    (void)snprintf(text, sizeof text, "CALL db.walk(%llu, %llu, null, '%s')", (unsigned long long)start,
                   (unsigned long long)depth, direction);
    KIT_OK(wg_query(db.session, text, &r, err));
    out->count = (uint32_t)wg_result_row_count(r);
    assert_true(out->count <= 256);
    uint64_t *const columns[] = {out->depth, out->edge, out->node, out->logseq};
    for (uint32_t i = 0; i < out->count; i++)
        for (uint32_t c = 0; c < 4; c++) {
            wg_value v = {0};
            KIT_OK(wg_result_cell(r, i, c, &v, err));
            columns[c][i] = (uint64_t)v.as.i;
        }
    wg_result_free(r);
}

/* Goal (30): depth d is a beginning of depth d + 1; cycles end; depth 0 has no edge. */
static void test_inv_30_depths_are_prefixes(void **state) {
    (void)state;
    kit_history h;
    static steps shallow, deep;
    kit_begin(&h, 300);
    kit_grow(&h, &db, KIT_COMMITS, KIT_LOG_ONLY);
    walk("out", 0, 0, &shallow);
    assert_int_equal(shallow.count, 0);
    for (uint64_t d = 0; d < 8; d++) {
        walk("both", d, 0, &shallow);
        walk("both", d + 1, 0, &deep);
        assert_true(shallow.count <= deep.count);
        assert_memory_equal(shallow.edge, deep.edge, shallow.count * sizeof shallow.edge[0]);
        assert_memory_equal(shallow.node, deep.node, shallow.count * sizeof shallow.node[0]);
    }
    walk("both", UINT32_MAX, 0, &deep);
    assert_true(deep.count > 3);
}

/* Goal (31): each edge once, at its least depth; in the order (depth, logseq, edge). */
static void test_inv_31_each_edge_once_at_its_least_depth(void **state) {
    (void)state;
    kit_history h;
    static steps s;
    kit_begin(&h, 310);
    kit_grow(&h, &db, KIT_COMMITS, KIT_CHECKPOINTED);
    walk("both", 100, 0, &s);
    assert_true(s.count > 3);
    for (uint32_t i = 0; i < s.count; i++) {
        for (uint32_t k = 0; k < i; k++) assert_int_not_equal(s.edge[i], s.edge[k]);
        if (i == 0) continue;
        const bool deeper = s.depth[i] > s.depth[i - 1];
        const bool later = s.depth[i] == s.depth[i - 1] && s.logseq[i] > s.logseq[i - 1];
        const bool next = s.depth[i] == s.depth[i - 1] && s.logseq[i] == s.logseq[i - 1] && s.edge[i] > s.edge[i - 1];
        assert_true(deeper || later || next);
    }
}

/* Goal (32): at one depth, both directions are the union of one and the other, without doubles, in the declared order. */
static void test_inv_32_both_is_the_union(void **state) {
    (void)state;
    kit_history h;
    static steps out, in, both;
    kit_begin(&h, 320);
    kit_grow(&h, &db, KIT_COMMITS, KIT_COMPACTED);
    for (uint64_t start = 0; start < 10; start++) {
        walk("out", 1, start, &out);
        walk("in", 1, start, &in);
        walk("both", 1, start, &both);
        uint32_t seen = 0;
        for (uint32_t i = 0; i < both.count; i++) {
            bool found = false;
            for (uint32_t k = 0; k < out.count; k++) found |= out.edge[k] == both.edge[i];
            for (uint32_t k = 0; k < in.count; k++) found |= in.edge[k] == both.edge[i];
            assert_true(found);
        }
        for (uint32_t k = 0; k < out.count; k++) seen += 1;
        for (uint32_t k = 0; k < in.count; k++) {
            bool twice = false;
            for (uint32_t i = 0; i < out.count; i++) twice |= out.edge[i] == in.edge[k];
            seen += !twice;
        }
        assert_int_equal(seen, both.count);
    }
}

/* Goal (33): order and doubles of the nodes that a traversal starts with change nothing of the set that it reaches. */
static void test_inv_33_start_sets_are_sets(void **state) {
    (void)state;
    static const char *const starts[] = {"[0, 1, 2, 3]", "[3, 2, 1, 0]", "[1, 1, 0, 3, 2, 0, 3]"};
    kit_history h;
    wg_buf wanted = {0};
    kit_begin(&h, 330);
    kit_grow(&h, &db, KIT_COMMITS, KIT_LOG_ONLY);
    for (int i = 0; i < 3; i++) {
        char text[240];
        wg_buf got = {0};
        (void)snprintf(text, sizeof text,
                       "UNWIND %s AS k MATCH (a {key: k})-[*1..3]->(b) WITH DISTINCT b RETURN b.key ORDER BY b.key",
                       starts[i]);
        kit_answer(&db, text, 0, &got);
        if (i == 0) wanted = got;
        kit_expect_same(&got, &wanted, "starts %s", starts[i]);
        if (i > 0) wg_buf_deinit(&got);
    }
    assert_true(wanted.size > 20);
    wg_buf_deinit(&wanted);
}

/* Goal: EXPLAIN calls the operators of the Cypher executor by the founding design's names, as wg_plan_operators says which they are. */
static void test_explain_names_the_founding_operators(void **state) {
    (void)state;
    static const struct {
        wg_plan_op op;
        const char *text;
    } cases[] = {{WG_PLAN_SCAN, "EXPLAIN MATCH (n:K) RETURN n.v"},
                 {WG_PLAN_SEEK, "EXPLAIN MATCH (n:K {k: 1}) RETURN n.v"},
                 {WG_PLAN_FILTER, "EXPLAIN MATCH (n:K) WHERE n.v > 1 RETURN n.v"},
                 {WG_PLAN_EXPAND_VAR, "EXPLAIN MATCH (n:K {k: 1})-[*1..3]->(m) RETURN m"},
                 {WG_PLAN_PROJECT, "EXPLAIN MATCH (n:K) RETURN n.v + 1"},
                 {WG_PLAN_AGGREGATE, "EXPLAIN MATCH (n:K) RETURN n.v, count(*)"},
                 {WG_PLAN_DISTINCT, "EXPLAIN MATCH (n:K) RETURN DISTINCT n.v"},
                 {WG_PLAN_SORT, "EXPLAIN MATCH (n:K) RETURN n.v ORDER BY n.v"},
                 {WG_PLAN_LIMIT, "EXPLAIN MATCH (n:K) RETURN n.v LIMIT 1"}};
    kit_do(&db, declare);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_operator_type types[3];
        wg_buf out = {0};
        const uint32_t count = wg_plan_operators(cases[i].op, types);
        assert_true(count > 0);
        kit_answer(&db, cases[i].text, 0, &out);
        for (uint32_t k = 0; k < count; k++) {
            const char *name = wg_operator_name(types[k]);
            if (memmem(out.data, out.size, name, strlen(name)) == NULL)
                fail_msg("%s: no %s in it", cases[i].text, name);
        }
        wg_buf_deinit(&out);
    }
    wg_operator_type none[3];
    assert_int_equal(wg_plan_operators(WG_PLAN_HASH_JOIN, none), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_db, drop_db)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_inv_23_newest_wins),
        TEST(test_inv_24_tombstones_hide_until_the_next_put),
        TEST(test_inv_25_a_tombstone_taken_back_never_was),
        TEST(test_inv_26_no_filter_below_the_shadow),
        TEST(test_inv_27_traversals_pass_no_dead_edge),
        TEST(test_inv_28_key_lookups_see_deletions),
        TEST(test_inv_29_deletions_stay_in_their_domain),
        TEST(test_inv_30_depths_are_prefixes),
        TEST(test_inv_31_each_edge_once_at_its_least_depth),
        TEST(test_inv_32_both_is_the_union),
        TEST(test_inv_33_start_sets_are_sets),
        TEST(test_explain_names_the_founding_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
