/* Groups of values of any type: equal rows, in equal order, for every limit of memory, threads and batch size. */
#include "exec/test_limits.h"

enum { NODES = 24007, TASK = 3000 };

static const uint64_t limits[] = {0, 20 << 20, 12 << 20, 7 << 20, 3 << 20, 2 << 20};

static void use_nodes(void) {
    fake_txn.node_count = NODES;
    fake_txn.task_rows = TASK;
}

/* Every group is seen again by another task. */
static wg_plan *twice(void) {
    wg_plan *p = plan_new(WG_PLAN_UNION, scan_plan());
    p->children[1] = scan_plan();
    return p;
}

static wg_expr *half_id(void) { return call("*", call("id", slot(0, WG_TYPE_NODE)), real(0.5)); }

/* Few enough rows for an answer in memory. */
static wg_plan *some(wg_plan *child, wg_expr *number, int64_t step) {
    return filter_plan(child, call("=", call("%", number, integer(step)), integer(1)));
}

static void expect_equal(const wg_plan *plan, uint32_t spilled_min) {
    uint32_t spilled;
    uint32_t refused;
    limits_quick = true;
    check_limits(plan, limits, sizeof limits / sizeof limits[0], &spilled, &refused);
    if (spilled < (wg_test_small() ? 1 : spilled_min))
        fail_msg("%u runs spilled, %u were refused", (unsigned)spilled, (unsigned)refused);
}

/* Goal: keys of type FLOAT and ANY, with every kind of aggregate, lists and several DISTINCT arguments among them. */
static void test_groups_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes();
    wg_expr *keys[] = {half_id(), slot(4, WG_TYPE_ANY)};
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_AVG, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_MIN, false, slot(4, WG_TYPE_ANY), WG_TYPE_ANY},
                                       {WG_AGG_MAX, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING},
                                       {WG_AGG_COUNT, true, slot(4, WG_TYPE_ANY), WG_TYPE_INT},
                                       {WG_AGG_SUM, true, slot(1, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_COLLECT, false, slot(3, WG_TYPE_STRING), WG_TYPE_LIST}};
    expect_equal(some(grouped_plan(twice(), 2, keys, 9, aggregates), slot(3, WG_TYPE_INT), 7), 2);
    wg_expr *one_key[] = {half_id()};
    const wg_aggregate count[] = {{WG_AGG_COUNT, false, slot(3, WG_TYPE_STRING), WG_TYPE_INT}};
    expect_equal(some(grouped_plan(twice(), 1, one_key, 1, count), slot(1, WG_TYPE_INT), 2), 1);
}

/* Goal: few groups with long lists, in the order of the rows. */
static void test_lists_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes();
    fake_txn.node_count = 4 * NODES;
    wg_expr *keys[] = {slot(1, WG_TYPE_INT)};
    const wg_aggregate lists[] = {{WG_AGG_COLLECT, false, slot(3, WG_TYPE_STRING), WG_TYPE_LIST},
                                  {WG_AGG_COLLECT, true, call("id", slot(0, WG_TYPE_NODE)), WG_TYPE_LIST},
                                  {WG_AGG_COUNT, true, slot(4, WG_TYPE_ANY), WG_TYPE_INT}};
    expect_equal(some(grouped_plan(scan_plan(), 1, keys, 3, lists), slot(0, WG_TYPE_INT), 13), 2);
}

/* Goal: DISTINCT rows of values of any type. */
static void test_distinct_rows_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes();
    wg_plan *rows = project(twice(), half_id(), slot(4, WG_TYPE_ANY), slot(1, WG_TYPE_INT));
    expect_equal(some(plan_new(WG_PLAN_DISTINCT, rows), slot(2, WG_TYPE_INT), 7), 2);
}

/* Goal: a sum that overflows is reported alike, whichever part its group is in. */
static void test_overflows_are_reported_alike(void **state) {
    (void)state;
    use_nodes();
    wg_expr *keys[] = {half_id()};
    wg_expr *large =
        call("+", call("*", call("%", slot(1, WG_TYPE_INT), integer(2)), integer(0)), integer(INT64_MAX));
    const wg_aggregate aggregates[] = {{WG_AGG_SUM, false, large, WG_TYPE_INT}};
    const wg_plan *plan = grouped_plan(twice(), 1, keys, 1, aggregates);
    char message[256] = "";
    for (uint32_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        wg_account account;
        wg_account_init(&account, &test_account, limits[l]);
        wg_exec_context context = context_with(1 + l % 3, 2048);
        context.account = &account;
        wg_rows *rows = NULL;
        wg_error err = {0};
        const wg_code code = wg_exec_run(plan, &context, &rows, &err);
        assert_true(code == WG_E_VALUE || (code == WG_E_LIMIT && limits[l] != 0));
        if (l == 0) memcpy(message, err.message, sizeof err.message);
        if (code == WG_E_VALUE) assert_string_equal(err.message, message);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

/* Goal: whichever allocation or call of the platform fails, the query ends with that error and nothing stays behind. */
static void test_failures_leave_nothing(void **state) {
    (void)state;
    use_nodes();
    wg_expr *keys[] = {half_id()};
    const wg_aggregate aggregates[] = {{WG_AGG_COLLECT, false, slot(3, WG_TYPE_STRING), WG_TYPE_LIST},
                                       {WG_AGG_COUNT, true, slot(4, WG_TYPE_ANY), WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT}};
    const wg_plan *plan = some(grouped_plan(scan_plan(), 1, keys, 3, aggregates), slot(2, WG_TYPE_INT), 7);
    wg_platform *faulty = NULL;
    wg_error err = {0};
    assert_int_equal(wg_platform_fault_create(wg_platform_real(), &faulty, &err), WG_OK);
    fake_engine_value.platform = faulty;
    for (uint64_t n = 0; n < 400000; n += 1 + n / (wg_test_small() ? 1 : 2))
        for (int disk = 0; disk < 2; disk++) {
            wg_spill_counters counters = {0};
            wg_account account;
            wg_account_init(&account, &test_account, 12 << 20);
            wg_exec_context context = context_with(1, 2048);
            context.account = &account;
            context.spill = &counters;
            wg_rows *rows = NULL;
            wg_memory_fail_at(disk == 0 ? n : 0, false);
            wg_platform_fault_arm(faulty, disk == 0 ? 0 : n, WG_FAULT_EIO, false);
            err = (wg_error){0};
            const wg_code code = wg_exec_run(plan, &context, &rows, &err);
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
            if (n == 0 && (counters.files == 0 || code != WG_OK)) fail_msg("it did not spill: %s", err.message);
            assert_true(code == WG_OK || code == WG_E_NOMEM || code == WG_E_LIMIT || code == WG_E_IO);
            wg_rows_destroy(rows);
            assert_int_equal(counters.bytes_now, 0);
            assert_int_equal(wg_account_bytes(&account), 0);
        }
    fake_engine_value.platform = wg_platform_real();
    wg_platform_fault_destroy(faulty);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_groups_are_the_same_for_every_limit),
        T(test_lists_are_the_same_for_every_limit),
        T(test_distinct_rows_are_the_same_for_every_limit),
        T(test_overflows_are_reported_alike),
        T(test_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
