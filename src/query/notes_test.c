/* Goal: statements that are right and may not mean what they say are noted, each condition with its status and place, and statements that are plain
 * are not; a plan that is kept gives the same notes. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    s = (store){0};
    store_open(&s);
    run(&s, "CREATE (:A {k: 1})-[:R {t: 1}]->(:B {k: 2})");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

static void add_notes(wg_buf *out, const wg_query_result *result) {
    for (uint32_t i = 0; i < result->notes.count; i++)
        assert_true(wg_buf_printf(out, "%s@%d ", result->notes.items[i].status, (int)result->notes.items[i].offset));
    assert_true(wg_buf_append_u8(out, 0));
}

/* Runs it twice with a kept plan, and once without. */
static void expect_notes(store *s, const char *text, const char *wanted) {
    wg_prepared *query;
    wg_txn *txn;
    wg_stats stats = {0};
    wg_error err = {0};
    wg_query_result io = {0};
    wg_query_state kept = {0};
    for (int round = 0; round < 3; round++) {
        if (round == 0 || round == 2)
            if (wg_query_create(wg_slice_str(text), s->procedures, NULL, &query, &err) != WG_OK)
                fail_msg("%s: %s", text, err.message);
        assert_int_equal(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, &err), WG_OK);
        const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 64, .stats = &stats};
        const wg_code code = round < 2 ? wg_query_run_kept(query, &kept, &context, &io, &err)
                                       : wg_query_run(query, &context, &io, &err);
        if (code != WG_OK) fail_msg("%s: %s", text, err.message);
        wg_buf got;
        wg_buf_init(&got, NULL);
        add_notes(&got, &io);
        if (strcmp((const char *)got.data, wanted) != 0)
            fail_msg("%s\n gave: %s\n wanted: %s", text, (const char *)got.data, wanted);
        wg_buf_deinit(&got);
        wg_txn_abort(txn);
        if (round == 0) continue;
        wg_query_result_deinit(&io);
        wg_query_state_deinit(&kept);
        wg_query_destroy(query);
    }
}

static void test_what_may_not_mean_what_it_says_is_noted(void **state) {
    static const struct {
        const char *text, *notes;
    } cases[] = {
        {"MATCH (a:A) WHERE a.k = NULL RETURN a", "03W01@18 "},
        {"MATCH (a:A {k: null}) RETURN a", "03W01@12 "},
        {"RETURN 1 <> NULL AS x", "03W01@7 "},
        {"MATCH (a:X)-[:Y]->(b) WHERE b.z > 1 RETURN a.k, b.z", "01N50@9 01N51@14 01N52@28 "},
        {"MATCH (a:A|X) RETURN a", "01N50@11 "},
        {"MATCH (a:A), (b:B) RETURN a, b", "03N90@13 "},
        {"MATCH (a)-[:R*]->(b) RETURN b", "03N91@9 "},
        {"MATCH (a)-[:R]->+(b) RETURN b", "03N91@9 "},
        {"CREATE INDEX ON :A(k)", "01N01@0 "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) expect_notes(*state, cases[i].text, cases[i].notes);
    run(*state, "CREATE INDEX FOR (n:A) ON (n.k)");
    expect_notes(*state, "DROP INDEX ON :A(k)", "01N01@0 ");
}

static void test_plain_statements_are_not_noted(void **state) {
    static const char *const plain[] = {
        "MATCH (a:A) WHERE a.k IS NULL RETURN a",
        "MATCH (a:A)-[r:R]->(b:B) WHERE r.t = 1 RETURN a.k, b.k",
        "MATCH (a:A {k: 1}), (b:B) RETURN a, b",
        "MATCH (a:A), (b:B) WHERE a.k = b.k RETURN a, b",
        "MATCH (a:A), (a)-->(b) RETURN b",
        "MATCH (a:A) MATCH (a)-->(c), (b:B) RETURN b",
        "MATCH (a)-[:R*1..3]->(b) RETURN b",
        "MATCH p = shortestPath((a:A)-[:R*]->(b:B)) RETURN p",
        "CREATE (n:New {fresh: 1}) SET n.more = 2 RETURN n.fresh, n.more",
        "MERGE (n:Newer {fresher: 1}) RETURN n.fresher",
        "WITH {z: 1} AS m, date() AS d RETURN m.zz, d.year",
        "CREATE INDEX FOR (n:A) ON (n.k)",
        "SHOW INDEXES",
    };
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) expect_notes(*state, plain[i], "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_may_not_mean_what_it_says_is_noted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plain_statements_are_not_noted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
