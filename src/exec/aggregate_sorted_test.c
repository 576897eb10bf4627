/* Groups of rows whose equal keys follow each other: the bytes that a table of groups gives, without one. */
#include "exec/aggregate_internal.h"
#include "exec/test_limits.h"

enum { NODES = 9007, TASK = 700 };

static void use_nodes(void) {
    fake_txn.node_count = NODES;
    fake_txn.task_rows = TASK;
}

static wg_plan *sorted(wg_plan *child, uint32_t column, wg_type type, bool descending) {
    wg_plan *p = plan_new(WG_PLAN_SORT, child);
    wg_sort_item *items = make(2 * sizeof *items);
    items[0] = (wg_sort_item){slot(column, type), descending};
    items[1] = (wg_sort_item){slot(0, WG_TYPE_NODE), true};
    p->sort_items = items;
    p->sort_item_count = 2;
    return p;
}

/* The same rows, of which nobody knows their order. */
static wg_plan *veiled(wg_plan *child) {
    wg_plan *p = plan_new(WG_PLAN_UNION, child);
    p->children[1] = filter_plan(scan_plan(), call("<", slot(1, WG_TYPE_INT), integer(-100000)));
    return p;
}

static const wg_aggregate *all_kinds(void) {
    static wg_aggregate a[8];
    a[0] = (wg_aggregate){WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT};
    a[1] = (wg_aggregate){WG_AGG_COUNT, false, slot(4, WG_TYPE_ANY), WG_TYPE_INT};
    a[2] = (wg_aggregate){WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT};
    a[3] = (wg_aggregate){WG_AGG_AVG, false, slot(1, WG_TYPE_INT), WG_TYPE_FLOAT};
    a[4] = (wg_aggregate){WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT};
    a[5] = (wg_aggregate){WG_AGG_MIN, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT};
    a[6] = (wg_aggregate){WG_AGG_MAX, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING};
    a[7] = (wg_aggregate){WG_AGG_MIN, false, slot(1, WG_TYPE_INT), WG_TYPE_INT};
    return a;
}

static void expect_same(const wg_plan *streamed, const wg_plan *hashed) {
    assert_true(wgi_agg_is_typed(streamed));
    assert_true(wgi_agg_is_sorted(streamed, test_txn));
    assert_false(wgi_agg_is_sorted(hashed, test_txn));
    wg_buf a;
    wg_buf b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    wg_rows *rows = run_everywhere(streamed, NULL);
    rows_bytes(rows, &a);
    wg_rows_destroy(rows);
    const wg_exec_context context = context_with(2, 2048);
    rows = NULL;
    assert_int_equal(wg_exec_run(hashed, &context, &rows, NULL), WG_OK);
    rows_bytes(rows, &b);
    wg_rows_destroy(rows);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
}

/* Goal: above a sort, by texts and by numbers, few groups and many, every kind of aggregate; keys may be renamed on the way. */
static void test_groups_above_a_sort_are_those_of_a_table(void **state) {
    (void)state;
    use_nodes();
    wg_expr *text[] = {slot(3, WG_TYPE_STRING)};
    wg_expr *number[] = {slot(1, WG_TYPE_INT)};
    wg_plan *by_text = sorted(scan_plan(), 3, WG_TYPE_STRING, false);
    wg_plan *by_number = sorted(scan_plan(), 1, WG_TYPE_INT, true);
    expect_same(grouped_plan(by_text, 1, text, 8, all_kinds()),
                grouped_plan(veiled(by_text), 1, text, 8, all_kinds()));
    expect_same(grouped_plan(by_number, 1, number, 8, all_kinds()),
                grouped_plan(veiled(by_number), 1, number, 8, all_kinds()));
    assert_false(wgi_agg_is_sorted(grouped_plan(by_text, 1, number, 1, all_kinds()), test_txn));
    wg_plan *renamed = project(by_text, slot(1, WG_TYPE_INT), slot(3, WG_TYPE_STRING), slot(0, WG_TYPE_NODE));
    wg_expr *second[] = {slot(1, WG_TYPE_STRING)};
    assert_true(wgi_agg_is_sorted(grouped_plan(renamed, 1, second, 1, all_kinds()), test_txn));
    wg_expr *first[] = {slot(0, WG_TYPE_INT)};
    assert_false(wgi_agg_is_sorted(grouped_plan(renamed, 1, first, 1, all_kinds()), test_txn));
}

/* Goal: groups by the node of a scan and what depends on it alone, above operators that multiply and leave out rows. */
static void test_groups_of_a_scanned_node_are_those_of_a_table(void **state) {
    (void)state;
    use_nodes();
    wg_plan *many =
        unwind_plan(scan_plan(), call("range", integer(1), call("%", slot(1, WG_TYPE_INT), integer(4))), WG_TYPE_INT);
    wg_plan *some = filter_plan(many, call(">", slot(1, WG_TYPE_INT), integer(-400)));
    wg_expr *keys[] = {slot(3, WG_TYPE_STRING), slot(0, WG_TYPE_NODE), call("+", slot(1, WG_TYPE_INT), integer(1))};
    wg_plan *hidden = plan_new(WG_PLAN_UNION, some);
    hidden->children[1] = filter_plan(many, call("<", slot(1, WG_TYPE_INT), integer(-100000)));
    expect_same(grouped_plan(some, 3, keys, 8, all_kinds()), grouped_plan(hidden, 3, keys, 8, all_kinds()));
    wg_expr *inner[] = {slot(0, WG_TYPE_NODE), slot(5, WG_TYPE_INT)};
    assert_false(wgi_agg_is_sorted(grouped_plan(some, 2, inner, 1, all_kinds()), test_txn));
    wg_expr *property[] = {slot(1, WG_TYPE_INT)};
    assert_false(wgi_agg_is_sorted(grouped_plan(some, 1, property, 1, all_kinds()), test_txn));
}

/* Goal: DISTINCT above a sort, with rows that spill, for every limit of memory. */
static void test_distinct_above_a_sort_for_every_limit(void **state) {
    (void)state;
    use_nodes();
    static const uint64_t limits[] = {0, 8 << 20, 4 << 20, 2 << 20, 1 << 20};
    wg_plan *rows = sorted(scan_plan(), 1, WG_TYPE_INT, false);
    wg_plan *one = plan_new(WG_PLAN_PROJECT, rows);
    plan_types(one, 1, (const wg_type[]){WG_TYPE_INT});
    wg_expr *number = slot(1, WG_TYPE_INT);
    plan_exprs(one, 1, &number);
    wg_plan *plan = plan_new(WG_PLAN_DISTINCT, one);
    expect_same(plan, plan_new(WG_PLAN_DISTINCT, plan_new(WG_PLAN_DISTINCT, one)));
    uint32_t spilled;
    uint32_t refused;
    limits_quick = true;
    check_limits(plan, limits, 5, &spilled, &refused);
}

/* Goal: of several sums that overflow the error is that of a table, whatever the size of batches; errors of rows go first. */
static void test_overflows_are_those_of_a_table(void **state) {
    (void)state;
    use_nodes();
    wg_expr *large = call("+", call("*", slot(1, WG_TYPE_INT), integer(0)), integer(INT64_MAX));
    large->text_start = 11;
    wg_expr *other = call("+", call("*", slot(1, WG_TYPE_INT), integer(0)), integer(INT64_MAX));
    other->text_start = 22;
    const wg_aggregate sums[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                 {WG_AGG_SUM, false, large, WG_TYPE_INT},
                                 {WG_AGG_SUM, false, other, WG_TYPE_INT}};
    wg_expr *keys[] = {slot(1, WG_TYPE_INT)};
    wg_plan *rows = sorted(scan_plan(), 1, WG_TYPE_INT, false);
    wg_error streamed = {0};
    wg_error hashed = {0};
    assert_null(run_everywhere(grouped_plan(rows, 1, keys, 3, sums), &streamed));
    assert_null(run_everywhere(grouped_plan(veiled(rows), 1, keys, 3, sums), &hashed));
    assert_int_equal(streamed.code, hashed.code);
    assert_int_equal(streamed.offset, hashed.offset);
    assert_string_equal(streamed.message, hashed.message);
}

/* Goal: every allocation may fail: an error, and nothing leaks. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    use_nodes();
    fake_txn.node_count = 3000;
    wg_expr *keys[] = {slot(3, WG_TYPE_STRING), slot(0, WG_TYPE_NODE)};
    const wg_plan *plan = grouped_plan(scan_plan(), 2, keys, 8, all_kinds());
    const wg_exec_context context = context_with(1, 1024);
    bool done = false;
    for (uint64_t n = 1; !done; n += wg_test_small() ? 7 : 1) {
        wg_rows *rows = NULL;
        wg_memory_fail_at(n, false);
        const wg_code code = wg_exec_run(plan, &context, &rows, NULL);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        if (!done) assert_int_equal(code, WG_E_NOMEM);
        wg_rows_destroy(rows);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_groups_above_a_sort_are_those_of_a_table),
        T(test_groups_of_a_scanned_node_are_those_of_a_table),
        T(test_distinct_above_a_sort_for_every_limit),
        T(test_overflows_are_those_of_a_table),
        T(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
