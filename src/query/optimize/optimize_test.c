/* Goal: plans start where it is cheapest, tell scans what they may leave out, and depend on nothing but text and snapshot. */
#include "query/optimize/order.h"
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE NODE LABEL Big (id INT, small INT, v FLOAT, PRIMARY KEY (id))");
    run(&s, "CREATE NODE LABEL Small (id INT, name STRING, PRIMARY KEY (id))");
    run(&s, "CREATE EDGE LABEL E (FROM Small TO Big)");
    run(&s, "UNWIND range(1, 500) AS i CREATE (:Big {id: i, small: i % 5, v: i * 0.25})");
    run(&s, "UNWIND range(0, 4) AS i CREATE (:Small {id: i, name: 'n' + toString(i)})");
    run(&s, "MATCH (s:Small), (b:Big) WHERE b.small = s.id AND b.id <= 50 CREATE (s)-[:E]->(b)");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: comparisons with constants and parameters reach the scan from either side; other conditions do not. */
static void test_conditions_reach_the_scan(void **state) {
    store *s = *state;
    expect_plan(s, "MATCH (b:Big) WHERE b.v >= 10 AND 20 > b.v RETURN b.id", "v >= 10, v < 20", false);
    expect_plan(s, "MATCH (b:Big {small: 3}) RETURN b.id", "prune=[small = 3]", false);
    expect_plan(s, "MATCH (b:Big) WHERE b.small IN [1, 2] RETURN b.id", "small IN", false);
    expect_plan(s, "MATCH (b:Big) WHERE b.v IS NOT NULL RETURN b.id", "v IS NOT NULL]", false);
    expect_plan(s, "MATCH (b:Big) WHERE b.v > 1 OR b.small = 2 RETURN b.id", "prune", true);
    expect_plan(s, "MATCH (b:Big) WHERE b.v > b.small RETURN b.id", "prune", true);
    expect(s, "MATCH (b:Big) WHERE b.v >= 10 AND 20 > b.v RETURN count(*)", "40\n");
    expect(s, "MATCH (b:Big) WHERE b.small IN [1, 2] RETURN count(*)", "200\n");
}

/* Goal: a scan reads the columns that the statement names, and no others. */
static void test_scans_read_named_columns_only(void **state) {
    store *s = *state;
    expect_plan(s, "MATCH (b:Big) RETURN b.v", "columns=[v FLOAT]", false);
    expect_plan(s, "MATCH (b:Big) RETURN count(*)", "small", true);
    expect_plan(s, "MATCH (b:Big) WHERE b.small = 1 RETURN b.v", "columns=[small INT, v FLOAT]", false);
}

/* Goal: the smaller side of a join is built, whatever the order of the text. */
static void test_joins_build_the_smaller_side(void **state) {
    store *s = *state;
    const char *const a = "MATCH (b:Big), (s:Small) WHERE b.small = s.id RETURN count(*)";
    const char *const b = "MATCH (s:Small), (b:Big) WHERE s.id = b.small RETURN count(*)";
    expect(s, a, "500\n");
    expect(s, b, "500\n");
    expect_plan(s, a, "HashJoin", false);
    const char *plan = (const char *)s->answer.data;
    assert_true(strstr(plan, "labels=:Big") < strstr(plan, "labels=:Small")); /* child 0 streams, child 1 is built */
    expect_plan(s, b, "HashJoin", false);
    plan = (const char *)s->answer.data;
    assert_true(strstr(plan, "labels=:Big") < strstr(plan, "labels=:Small"));
}

/* Goal: few rows seek by key, many rows join. */
static void test_few_rows_seek_by_key(void **state) {
    store *s = *state;
    expect_plan(s, "UNWIND [1, 2] AS i MATCH (b:Big {id: i}) RETURN b.v", "Seek", false);
    expect_plan(s, "MATCH (s:Small {name: 'n1'}) MATCH (b:Big {id: s.id}) RETURN b.v", "Seek", false);
    expect_plan(s, "MATCH (b:Big) MATCH (s:Small {id: b.small}) RETURN s.name", "HashJoin", false);
    expect(s, "MATCH (s:Small {name: 'n1'}) MATCH (b:Big {id: s.id}) RETURN b.v", "0.25\n");
}

/* Goal: a path is walked from its cheaper end. */
static void test_paths_start_at_the_cheaper_end(void **state) {
    store *s = *state;
    expect_plan(s, "MATCH (b:Big)<-[:E]-(s:Small) RETURN s.name, collect(b)",
                "SegmentScan+TombstoneShadow labels=:Small", false);
    expect_plan(s, "MATCH (s:Small)-[:E]->(b:Big {id: 7}) RETURN s.name", "Seek", false);
    expect(s, "MATCH (s:Small)-[:E]->(b:Big {id: 7}) RETURN s.name", "\"n2\"\n");
    expect(s, "MATCH (b:Big)<-[:E]-(s:Small) RETURN count(*)", "50\n");
}

/* Goal: equal text at an equal snapshot has an equal plan. */
static void test_plans_are_deterministic(void **state) {
    store *s = *state;
    const char *text =
        "EXPLAIN MATCH (a:Small), (b:Small), (c:Big) WHERE a.name = b.name AND c.small = b.id RETURN a, c";
    wg_error err = {0};
    wg_buf first;
    wg_buf_init(&first, NULL);
    assert_int_equal(try_text(s, text, NULL, &err), WG_OK);
    assert_true(wg_buf_append(&first, s->answer.data, s->answer.size));
    for (int i = 0; i < 5; i++) {
        assert_int_equal(try_text(s, text, NULL, &err), WG_OK);
        assert_true(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&s->answer)));
    }
    wg_buf_deinit(&first);
}

/* Goal: a list of keys is sought element by element, each once, in the order of the list; nulls, doubles and other types find nothing more. */
static void test_lists_of_keys_are_sought(void **state) {
    store *s = *state;
    const char *const text = "MATCH (b:Big) WHERE b.id IN [9, 3, 3.0, null, 1, 9, 7777] RETURN b.id";
    expect_plan(s, text, "Seek", false);
    expect_plan(s, text, "SegmentScan", true);
    expect(s, text, "9\n3\n1\n");
    expect(s, "MATCH (b:Big) WHERE b.id IN [] RETURN b.id", "");
    expect(s, "MATCH (b:Big) WHERE b.id IN null RETURN b.id", "");
    expect(s, "MATCH (b:Big) WHERE b.id IN [2, 4] AND b.small = 2 RETURN b.id", "2\n");
    expect(s, "MATCH (b:Big)<-[:E]-(s:Small) WHERE b.id IN [7, 6] RETURN b.id, s.name", "7|\"n2\"\n6|\"n1\"\n");
    const wg_value items[] = {wg_value_int(5), wg_value_int(5), wg_value_int(4)};
    wg_value list = wg_value_null();
    list.type = WG_TYPE_LIST;
    list.size = 3;
    list.as.list = items;
    expect_with(s, "MATCH (b:Big) WHERE b.id IN $p RETURN b.id", &list, "5\n4\n");
    s->optimizer_off = true;
    expect(s, text, "1\n3\n9\n");
    s->optimizer_off = false;
}

/* Goal: clauses in a row are one pattern where they may be; relationships of different clauses may be the same one. */
static void test_clauses_in_a_row_are_planned_together(void **state) {
    store *s = *state;
    for (uint32_t off = 0; off < 2; off++) {
        s->optimizer_off = off == 1;
        expect(s, "MATCH (s:Small)-[:E]->(b:Big) MATCH (s)-[:E]->(c:Big) RETURN count(*)", "500\n");
        expect(s, "MATCH (s:Small)-[:E]->(b:Big), (s)-[:E]->(c:Big) RETURN count(*)", "450\n");
        expect(s, "MATCH (s:Small) WHERE s.id < 2 MATCH (s)-[:E]->(b:Big) WHERE b.id < 10 RETURN count(*)", "3\n");
        expect(
            s,
            "MATCH (s:Small) WHERE EXISTS { MATCH (s)-[:E]->(b) WHERE b.id = 7 } MATCH (b:Big {id: 1}) RETURN s.id",
            "2\n");
        expect_error(s, "MATCH (s:Small) WHERE b.id = 1 MATCH (b:Big) RETURN s.id", WG_E_BIND, 22,
                     "'b' is not defined");
    }
    s->optimizer_off = false;
    expect_plan(s, "MATCH (b:Big) MATCH (b)<-[:E]-(s:Small {id: 3}) RETURN b.id", "SegmentScan", true);
}

/* ---- orders from made-up numbers */

typedef struct problem {
    wgi_order_node nodes[4];
    wgi_order_edge edges[4];
    wgi_order_problem p;
} problem;

/* A chain of `hops` edges over nodes of 1,000 rows; each node has ten edges on either side. */
static void make_chain(problem *x, uint32_t hops) {
    memset(x, 0, sizeof *x);
    for (uint32_t i = 0; i <= hops; i++) x->nodes[i] = (wgi_order_node){.rows = 1000, .keep = 1, .start = 1000};
    for (uint32_t i = 0; i < hops; i++)
        x->edges[i] =
            (wgi_order_edge){.ends = {i, i + 1}, .fan = {10, 10}, .pairs = 10000, .keep = 1, .skew = {1, 1}};
    x->p = (wgi_order_problem){.nodes = x->nodes, .edges = x->edges, .node_count = hops + 1, .edge_count = hops};
}

static const wgi_step *order(const problem *x, wg_arena *arena) {
    const wgi_step *out = NULL;
    assert_true(wgi_order(&x->p, arena, &out));
    return out;
}

static const wgi_step *bottom(const wgi_step *s) {
    while (s->left != NULL) s = s->left;
    return s;
}

/* Goal: without differences the text decides; a selective end is the start; known rows are; a join is taken when it saves much. */
static void test_orders_follow_the_numbers(void **state) {
    (void)state;
    wg_arena arena;
    problem x;
    wg_arena_init(&arena, NULL);
    make_chain(&x, 3);
    x.p.no_joins = true;
    const wgi_step *s = order(&x, &arena);
    assert_int_equal(s->kind, WGI_STEP_EXPAND);
    assert_int_equal(bottom(s)->node, 0);
    assert_int_equal(s->edge, 2);
    assert_true(s->rows > 999999 && s->rows < 1000001);
    x.nodes[3].keep = 0.001;
    s = order(&x, &arena);
    assert_int_equal(bottom(s)->node, 3);
    assert_int_equal(s->edge, 0);
    assert_true(s->rows > 999 && s->rows < 1001);
    x.nodes[2].known = true;
    x.p.known_rows = 1;
    s = order(&x, &arena);
    assert_int_equal(bottom(s)->kind, WGI_STEP_KNOWN);
    make_chain(&x, 2); /* both ends selective, the middle wide: two short walks meet */
    x.nodes[0].keep = x.nodes[2].keep = 0.001;
    x.nodes[1].rows = 1e6;
    x.edges[0].fan[0] = x.edges[1].fan[1] = 1e5;
    x.edges[0].pairs = x.edges[1].pairs = 1e8;
    x.edges[0].fan[1] = x.edges[1].fan[0] = 1e5;
    assert_int_equal(order(&x, &arena)->kind, WGI_STEP_JOIN);
    x.p.no_joins = true;
    assert_int_equal(order(&x, &arena)->kind, WGI_STEP_EXPAND);
    wg_arena_deinit(&arena);
}

/* Goal: a cycle is closed by an expansion between known nodes; skewed degrees make a pattern as large as it is. */
static void test_orders_close_cycles_and_heed_skew(void **state) {
    (void)state;
    wg_arena arena;
    problem x;
    wg_arena_init(&arena, NULL);
    make_chain(&x, 3);
    x.edges[2].ends[1] = 0; /* a triangle */
    x.p.node_count = 3;
    x.p.no_joins = true;
    const wgi_step *s = order(&x, &arena);
    assert_int_equal(s->kind, WGI_STEP_EXPAND);
    assert_true(s->rows < s->left->rows);
    assert_true(s->rows > 999 && s->rows < 1001); /* 1000^3 nodes, each pair connected with 1 in 100 */
    make_chain(&x, 2);
    x.edges[0].kinds[1] = x.edges[1].kinds[0] = 7;
    x.edges[1].skew[0] = 5;
    assert_true(order(&x, &arena)->rows > 499999 && order(&x, &arena)->rows < 500001);
    wg_arena_deinit(&arena);
}

/* Goal: PROFILE runs the statement, writes included, and gives an operator a row: what was expected, what came, what was read. */
static void test_profiles_say_what_was_done(void **state) {
    store *s = *state;
    run(s, "PROFILE MATCH (b:Big) WHERE b.v >= 100 RETURN sum(b.v) AS n");
    assert_true(wg_buf_append_u8(&s->answer, 0));
    const char *answer = (const char *)s->answer.data;
    assert_non_null(strstr(answer, "\"Projection\"|"));
    assert_non_null(strstr(answer, "\"  Aggregation\"|"));
    assert_non_null(strstr(answer, "\"    SimdFilter\"|"));
    const char *filter = strstr(answer, "SimdFilter");
    assert_non_null(strstr(filter, "|101|")); /* rows that it let through */
    const char *scan = strstr(answer, "SegmentScan");
    assert_non_null(scan);
    assert_non_null(strstr(scan, "|500|"));
    assert_non_null(strstr(scan, "\"fragments 1, rows at most 500\""));
    run(s, "PROFILE UNWIND [1, 2, 3] AS i CREATE (:Made {n: i})");
    expect(s, "MATCH (m:Made) RETURN count(*)", "3\n");
    run(s, "MATCH (m:Made) DELETE m");
    expect_error(s, "PROFILE DROP NODE LABEL X", WG_E_UNSUPPORTED, 0, "PROFILE is for queries");
    wg_error err = {0};
    assert_int_equal(try_text(s, "PROFILE MATCH (b:Big) RETURN 1 / (b.id - 1)", NULL, &err), WG_E_VALUE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_reach_the_scan),
        cmocka_unit_test(test_scans_read_named_columns_only),
        cmocka_unit_test(test_joins_build_the_smaller_side),
        cmocka_unit_test(test_few_rows_seek_by_key),
        cmocka_unit_test(test_paths_start_at_the_cheaper_end),
        cmocka_unit_test(test_plans_are_deterministic),
        cmocka_unit_test(test_lists_of_keys_are_sought),
        cmocka_unit_test(test_clauses_in_a_row_are_planned_together),
        cmocka_unit_test(test_orders_follow_the_numbers),
        cmocka_unit_test(test_orders_close_cycles_and_heed_skew),
        cmocka_unit_test(test_profiles_say_what_was_done),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
