/* Goal: plans start where it is cheapest, tell scans what they may leave out, and depend on nothing but text and snapshot. */
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
    expect_plan(s, "MATCH (b:Big)<-[:E]-(s:Small) RETURN s.name, count(*)",
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conditions_reach_the_scan),      cmocka_unit_test(test_scans_read_named_columns_only),
        cmocka_unit_test(test_joins_build_the_smaller_side),   cmocka_unit_test(test_few_rows_seek_by_key),
        cmocka_unit_test(test_paths_start_at_the_cheaper_end), cmocka_unit_test(test_plans_are_deterministic),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
