/* Plans run in every combination of batch size and thread count against naive oracles. */
#include "base/core/test_seed.h"
#include "exec/test_engine.h"

/* Goal: scan, filter and project give what a loop over the data gives, in the order of the scan. */
static void test_filter_and_project_match_a_loop(void **state) {
    (void)state;
    wg_expr *condition =
        call("AND", call(">", slot(1, WG_TYPE_INT), integer(100)), call("<", slot(2, WG_TYPE_FLOAT), real(5.5)));
    wg_plan *plan =
        project(filter_plan(scan_plan(), condition), slot(0, WG_TYPE_NODE),
                call("+", call("*", slot(1, WG_TYPE_INT), integer(3)), integer(1)), slot(3, WG_TYPE_STRING));
    wg_rows *rows = run_everywhere(plan, NULL);
    uint64_t at = 0;
    for (uint64_t n = 0; n < fake_txn.node_count; n++) {
        double f;
        if (fake_i(n) <= 100 || !fake_f(n, &f) || f >= 5.5) continue;
        assert_true(at < wg_rows_count(rows));
        assert_int_equal(wg_rows_cell(rows, at, 0).as.id, n);
        assert_int_equal(wg_rows_cell(rows, at, 1).as.i, fake_i(n) * 3 + 1);
        const wg_value want = fake_property(n, 2);
        const wg_value got = wg_rows_cell(rows, at, 2);
        assert_true(wg_value_equivalent(&want, &got));
        at++;
    }
    assert_int_equal(at, wg_rows_count(rows));
    wg_rows_destroy(rows);
}

/* Goal: LIMIT and SKIP cut the defined order, also over task borders, and past the end. */
static void test_limit_cuts_the_order_of_the_scan(void **state) {
    (void)state;
    static const int64_t cases[][3] = {{0, 0, 0},      {0, 5, 5},     {998, 10, 10},   {3000, 4096, 4096},
                                       {10000, 50, 7}, {20000, 3, 0}, {9000, -1, 1007}};
    for (uint32_t i = 0; i < 7; i++) {
        wg_rows *rows = run_everywhere(limit_plan(scan_plan(), cases[i][0], cases[i][1]), NULL);
        assert_int_equal(wg_rows_count(rows), cases[i][2]);
        for (uint64_t r = 0; r < wg_rows_count(rows); r++)
            assert_int_equal(wg_rows_cell(rows, r, 0).as.id, (uint64_t)cases[i][0] + r);
        wg_rows_destroy(rows);
    }
}

/* Goal: groups come in the order of their first row, and every aggregate equals the naive one. */
static void test_aggregates_match_a_loop(void **state) {
    (void)state;
    wg_expr *keys[] = {slot(3, WG_TYPE_STRING)};
    const wg_aggregate aggregates[] = {
        {WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
        {WG_AGG_COUNT, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_INT},
        {WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
        {WG_AGG_MIN, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
        {WG_AGG_MAX, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
        {WG_AGG_COUNT, true, slot(1, WG_TYPE_INT), WG_TYPE_INT},
        {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
        {WG_AGG_AVG, false, slot(1, WG_TYPE_INT), WG_TYPE_FLOAT},
    };
    wg_rows *rows = run_everywhere(grouped_plan(scan_plan(), 1, keys, 8, aggregates), NULL);
    assert_int_equal(wg_rows_count(rows), 17); /* 16 names and null */
    for (uint64_t r = 0; r < 17; r++) {
        const wg_value key = wg_rows_cell(rows, r, 0);
        int64_t count = 0, with_f = 0, sum = 0, min = INT64_MAX, distinct = 0;
        double max = -1e300, fsum = 0; /* eighths: exact in any order */
        bool seen[1009] = {false};
        for (uint64_t n = 0; n < fake_txn.node_count; n++) {
            const wg_value name = fake_property(n, 2);
            if (!wg_value_equivalent(&name, &key)) continue;
            double f;
            count++;
            sum += fake_i(n);
            if (fake_i(n) < min) min = fake_i(n);
            if (!seen[fake_i(n) + 500]) distinct++;
            seen[fake_i(n) + 500] = true;
            if (!fake_f(n, &f)) continue;
            with_f++;
            fsum += f;
            if (f > max) max = f;
        }
        assert_int_equal(wg_rows_cell(rows, r, 1).as.i, count);
        assert_int_equal(wg_rows_cell(rows, r, 2).as.i, with_f);
        assert_int_equal(wg_rows_cell(rows, r, 3).as.i, sum);
        assert_int_equal(wg_rows_cell(rows, r, 4).as.i, min);
        assert_true(wg_rows_cell(rows, r, 5).as.f == max);
        assert_int_equal(wg_rows_cell(rows, r, 6).as.i, distinct);
        assert_true(wg_rows_cell(rows, r, 7).as.f == fsum);
        assert_true(wg_rows_cell(rows, r, 8).as.f == (double)sum / (double)count);
    }
    assert_int_equal(wg_rows_cell(rows, 0, 0).type, WG_TYPE_NULL); /* node 0 has no name */
    wg_rows_destroy(rows);
}

/* Goal: without keys there is exactly one row, also over no rows at all. */
static void test_aggregate_without_keys_gives_one_row(void **state) {
    (void)state;
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_AVG, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_MIN, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING},
                                       {WG_AGG_COLLECT, false, slot(1, WG_TYPE_INT), WG_TYPE_LIST}};
    wg_rows *rows = run_everywhere(grouped_plan(scan_plan(), 0, NULL, 5, aggregates), NULL);
    assert_int_equal(wg_rows_count(rows), 1);
    assert_int_equal(wg_rows_cell(rows, 0, 0).as.i, 10007);
    const wg_value list = wg_rows_cell(rows, 0, 4);
    assert_int_equal(list.size, 10007);
    for (uint32_t n = 0; n < list.size; n++) assert_int_equal(list.as.list[n].as.i, fake_i(n));
    wg_rows_destroy(rows);
    wg_plan *none = filter_plan(scan_plan(), call("<", slot(1, WG_TYPE_INT), integer(-9999)));
    rows = run_everywhere(grouped_plan(none, 0, NULL, 5, aggregates), NULL);
    assert_int_equal(wg_rows_count(rows), 1);
    assert_int_equal(wg_rows_cell(rows, 0, 0).as.i, 0);
    assert_int_equal(wg_rows_cell(rows, 0, 1).as.i, 0);
    assert_int_equal(wg_rows_cell(rows, 0, 2).type, WG_TYPE_NULL);
    assert_int_equal(wg_rows_cell(rows, 0, 4).size, 0);
    wg_rows_destroy(rows);
}

/* Goal: a sum that leaves 64 bits is an error at its place in the text, but only if the total does, not a partial sum. */
static void test_sum_overflow_is_about_the_total(void **state) {
    (void)state;
    wg_expr *arg = slot(0, WG_TYPE_INT);
    arg->text_start = 21;
    const wg_aggregate sum = {WG_AGG_SUM, false, arg, WG_TYPE_INT};
    wg_value items[3] = {wg_value_int(INT64_MAX), wg_value_int(INT64_MAX), wg_value_int(-INT64_MAX)};
    wg_value list = {.type = WG_TYPE_LIST, .size = 3};
    list.as.list = items;
    wg_rows *rows =
        run_everywhere(grouped_plan(unwind_plan(unit_plan(), value(list), WG_TYPE_INT), 0, NULL, 1, &sum), NULL);
    assert_int_equal(wg_rows_cell(rows, 0, 0).as.i, INT64_MAX);
    wg_rows_destroy(rows);
    list.size = 2;
    wg_error err;
    rows = run_everywhere(grouped_plan(unwind_plan(unit_plan(), value(list), WG_TYPE_INT), 0, NULL, 1, &sum), &err);
    assert_null(rows);
    assert_int_equal(err.code, WG_E_VALUE);
    assert_int_equal(err.offset, 21);
}

/* Goal: DISTINCT keeps the first of equivalent rows, across types too (1 and 1.0). */
static void test_distinct_keeps_the_first(void **state) {
    (void)state;
    wg_plan *plan = plan_new(WG_PLAN_DISTINCT, project(scan_plan(), slot(4, WG_TYPE_ANY)));
    wg_rows *rows = run_everywhere(plan, NULL);
    wg_value seen[64];
    uint32_t count = 0;
    for (uint64_t n = 0; n < fake_txn.node_count; n++) {
        const wg_value v = fake_property(n, 3);
        bool known = false;
        for (uint32_t i = 0; i < count; i++) known |= wg_value_equivalent(&seen[i], &v);
        if (!known) seen[count++] = v;
    }
    assert_int_equal(wg_rows_count(rows), count);
    for (uint32_t i = 0; i < count; i++) {
        const wg_value got = wg_rows_cell(rows, i, 0);
        assert_int_equal(got.type, seen[i].type);
        assert_true(wg_value_equivalent(&got, &seen[i]));
    }
    wg_rows_destroy(rows);
}

typedef struct oracle_key {
    const wg_sort_item *items;
    const uint32_t *columns;
    uint32_t count;
} oracle_key;

/* Goal: sorting is stable and follows the order of values with each direction; top-k is its beginning. */
static void test_sort_is_stable_and_top_k_is_its_beginning(void **state) {
    (void)state;
    static const wg_type types[5] = {WG_TYPE_NODE, WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_ANY};
    static const uint32_t columns[][2] = {{1, 2}, {2, 1}, {3, 1}, {4, 3}, {3, 4}};
    for (uint32_t c = 0; c < 5; c++)
        for (uint32_t direction = 0; direction < 4; direction++) {
            wg_plan *plan = plan_new(WG_PLAN_SORT, scan_plan());
            wg_sort_item *items = make(2 * sizeof *items);
            for (uint32_t k = 0; k < 2; k++)
                items[k] = (wg_sort_item){slot(columns[c][k], types[columns[c][k]]), (direction >> k & 1) != 0};
            plan->sort_items = items;
            plan->sort_item_count = 2;
            const wg_exec_context context = context_with(3, 1024);
            wg_error err = {0};
            wg_rows *all = NULL;
            assert_int_equal(wg_exec_run(plan, &context, &all, &err), WG_OK);
            assert_int_equal(wg_rows_count(all), fake_txn.node_count);
            for (uint64_t r = 1; r < wg_rows_count(all); r++) {
                int cmp = 0;
                for (uint32_t k = 0; k < 2 && cmp == 0; k++) {
                    const wg_value a = wg_rows_cell(all, r - 1, columns[c][k]);
                    const wg_value b = wg_rows_cell(all, r, columns[c][k]);
                    cmp = wg_value_order(&a, &b);
                    if (items[k].descending) cmp = -cmp;
                }
                assert_true(cmp < 0 ||
                            (cmp == 0 && wg_rows_cell(all, r - 1, 0).as.id < wg_rows_cell(all, r, 0).as.id));
            }
            plan->limit_expr = integer(100);
            plan->skip_expr = integer(7);
            wg_rows *top = run_everywhere(plan, NULL);
            assert_int_equal(wg_rows_count(top), 107); /* skipping is LIMIT's part */
            for (uint64_t r = 0; r < 107; r++)
                assert_int_equal(wg_rows_cell(top, r, 0).as.id, wg_rows_cell(all, r, 0).as.id);
            wg_rows_destroy(top);
            wg_rows_destroy(all);
        }
}

static wg_plan *join_plan(wg_plan_op op, wg_plan *left, wg_plan *right, wg_expr *left_key, wg_expr *right_key) {
    wg_plan *p = plan_new(op, left);
    wg_type types[16];
    p->children[1] = right;
    for (uint32_t i = 0; i < left->slot_count; i++) types[i] = left->slot_types[i];
    for (uint32_t i = 0; i < right->slot_count; i++) types[left->slot_count + i] = right->slot_types[i];
    plan_types(p, left->slot_count + right->slot_count, types);
    if (left_key == NULL) return p;
    plan_exprs(p, 1, &left_key);
    wg_expr **right_exprs = make(sizeof *right_exprs);
    right_exprs[0] = right_key;
    p->right_exprs = right_exprs;
    return p;
}

static void check_join(wg_plan_op op, uint32_t left_column, uint32_t right_column) {
    static const wg_type types[5] = {WG_TYPE_NODE, WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_ANY};
    wg_plan *left = filter_plan(scan_plan(), call("=", call("%", slot(1, WG_TYPE_INT), integer(9)), integer(0)));
    wg_plan *right = filter_plan(scan_plan(), call(">", slot(1, WG_TYPE_INT), integer(480)));
    wg_rows *rows = run_everywhere(
        join_plan(op, left, right, slot(left_column, types[left_column]), slot(right_column, types[right_column])),
        NULL);
    uint64_t at = 0;
    for (uint64_t a = 0; a < fake_txn.node_count; a++) {
        if (fake_i(a) % 9 != 0) continue;
        bool matched = false;
        const wg_value x = fake_property(a, left_column - 1);
        for (uint64_t b = 0; b < fake_txn.node_count; b++) {
            const wg_value y = fake_property(b, right_column - 1);
            const bool same = op == WG_PLAN_OPTIONAL ? wg_value_equivalent(&x, &y) : wg_value_equal(&x, &y) == 1;
            if (fake_i(b) <= 480 || !same) continue;
            matched = true;
            assert_int_equal(wg_rows_cell(rows, at, 0).as.id, a);
            assert_int_equal(wg_rows_cell(rows, at, 5).as.id, b);
            assert_int_equal(wg_rows_cell(rows, at++, 6).as.i, fake_i(b));
        }
        if (op != WG_PLAN_OPTIONAL || matched) continue;
        assert_int_equal(wg_rows_cell(rows, at, 0).as.id, a);
        assert_int_equal(wg_rows_cell(rows, at, 5).type, WG_TYPE_NULL);
        assert_int_equal(wg_rows_cell(rows, at++, 8).type, WG_TYPE_NULL);
    }
    assert_int_equal(at, wg_rows_count(rows));
    wg_rows_destroy(rows);
}

/* Goal: joins match a nested loop with openCypher equality, in the order of the left side, then of the right. */
static void test_joins_match_a_nested_loop(void **state) {
    (void)state;
    fake_txn.node_count = 2500;
    check_join(WG_PLAN_HASH_JOIN, 1, 1); /* INT */
    check_join(WG_PLAN_HASH_JOIN, 3, 3); /* STRING, with nulls */
    check_join(WG_PLAN_HASH_JOIN, 2, 4); /* FLOAT against mixed */
    check_join(WG_PLAN_OPTIONAL, 1, 1);
    check_join(WG_PLAN_OPTIONAL, 4, 3);
}

/* Goal: a product has every pair in order, and an outer join with an empty right side keeps all left rows. */
static void test_product_and_empty_outer_join(void **state) {
    (void)state;
    fake_txn.node_count = 70;
    wg_rows *rows = run_everywhere(join_plan(WG_PLAN_CROSS, scan_plan(), scan_plan(), NULL, NULL), NULL);
    assert_int_equal(wg_rows_count(rows), 4900);
    for (uint64_t r = 0; r < 4900; r++) {
        assert_int_equal(wg_rows_cell(rows, r, 0).as.id, r / 70);
        assert_int_equal(wg_rows_cell(rows, r, 5).as.id, r % 70);
    }
    wg_rows_destroy(rows);
    wg_plan *none = filter_plan(scan_plan(), call("<", slot(1, WG_TYPE_INT), integer(-9999)));
    rows = run_everywhere(join_plan(WG_PLAN_OPTIONAL, scan_plan(), none, slot(1, WG_TYPE_INT), slot(1, WG_TYPE_INT)),
                          NULL);
    assert_int_equal(wg_rows_count(rows), 70);
    assert_int_equal(wg_rows_cell(rows, 69, 5).type, WG_TYPE_NULL);
    wg_rows_destroy(rows);
}

/* Goal: UNWIND multiplies rows in order, gives none for null and empty lists, and itself for a single value. */
static void test_unwind_multiplies_rows(void **state) {
    (void)state;
    wg_plan *source = unwind_plan(unit_plan(), call("range", integer(0), integer(4999)), WG_TYPE_INT);
    wg_plan *plan =
        unwind_plan(source, call("range", integer(1), call("%", slot(0, WG_TYPE_INT), integer(4))), WG_TYPE_INT);
    wg_rows *rows = run_everywhere(plan, NULL);
    uint64_t at = 0;
    for (int64_t n = 0; n < 5000; n++)
        for (int64_t k = 1; k <= n % 4; k++) {
            assert_int_equal(wg_rows_cell(rows, at, 0).as.i, n);
            assert_int_equal(wg_rows_cell(rows, at++, 1).as.i, k);
        }
    assert_int_equal(at, wg_rows_count(rows));
    wg_rows_destroy(rows);
    rows = run_everywhere(unwind_plan(unit_plan(), null_expr(), WG_TYPE_ANY), NULL);
    assert_int_equal(wg_rows_count(rows), 0);
    wg_rows_destroy(rows);
    rows = run_everywhere(unwind_plan(unit_plan(), integer(7), WG_TYPE_ANY), NULL);
    assert_int_equal(wg_rows_count(rows), 1);
    wg_rows_destroy(rows);
}

/* Goal: a long range is counted without its list, in parts, with every step and at the ends of INT; what is above takes it as any other rows. */
static void test_long_ranges_have_no_list(void **state) {
    (void)state;
    const wg_aggregate sums[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                 {WG_AGG_SUM, false, slot(0, WG_TYPE_INT), WG_TYPE_INT},
                                 {WG_AGG_MIN, false, slot(0, WG_TYPE_INT), WG_TYPE_INT}};
    const int64_t n = wg_test_small() ? 70000 : 200001;
    for (int64_t step = -3; step <= 3; step++) {
        if (step == 0) continue;
        const int64_t first = step > 0 ? -5 : n * -step;
        wg_plan *source = unwind_plan(
            unit_plan(), call("range", integer(first), integer(first + (n - 1) * step), integer(step)), WG_TYPE_INT);
        wg_plan *plan = plan_new(WG_PLAN_AGGREGATE, source);
        plan_types(plan, 3, (const wg_type[]){WG_TYPE_INT, WG_TYPE_INT, WG_TYPE_INT});
        plan->aggregates = sums;
        plan->aggregate_count = 3;
        wg_rows *rows = run_everywhere(plan, NULL);
        assert_int_equal(wg_rows_cell(rows, 0, 0).as.i, n);
        assert_int_equal(wg_rows_cell(rows, 0, 1).as.i, n * first + step * (n * (n - 1) / 2));
        assert_int_equal(wg_rows_cell(rows, 0, 2).as.i, step > 0 ? first : first + (n - 1) * step);
        wg_rows_destroy(rows);
    }
    wg_plan *top =
        unwind_plan(unit_plan(), call("range", integer(INT64_MAX - 200000), integer(INT64_MAX)), WG_TYPE_INT);
    wg_rows *rows = run_everywhere(limit_plan(top, 199999, 100), NULL);
    assert_int_equal(wg_rows_count(rows), 2);
    assert_int_equal(wg_rows_cell(rows, 1, 0).as.i, INT64_MAX);
    wg_rows_destroy(rows);
    wg_error err = {0};
    run_everywhere(unwind_plan(unit_plan(), call("range", integer(1), integer(9), integer(0)), WG_TYPE_INT), &err);
    assert_int_equal(err.code, WG_E_VALUE);
    wg_plan *none = unwind_plan(unit_plan(), call("range", integer(1), null_expr()), WG_TYPE_INT);
    rows = run_everywhere(none, NULL);
    assert_int_equal(wg_rows_count(rows), 0);
    wg_rows_destroy(rows);
}

static wg_plan *expand_plan(wg_plan *child, wg_plan_op op, uint32_t from, uint32_t to) {
    wg_plan *p = plan_new(op, child);
    wg_type types[16];
    for (uint32_t i = 0; i < child->slot_count; i++) types[i] = child->slot_types[i];
    types[child->slot_count] = WG_TYPE_EDGE;
    types[child->slot_count + 1] = WG_TYPE_NODE;
    plan_types(p, child->slot_count + (op == WG_PLAN_EXPAND ? 2 : 1), types);
    p->direction = WG_DIRECTION_OUT;
    p->slot = from;
    p->slot_b = to;
    return p;
}

/* Goal: two hops match a nested loop, an edge is not used twice, and properties of the far node are read. */
static void test_expand_two_hops_matches_a_loop(void **state) {
    (void)state;
    static const uint32_t used[] = {5};
    wg_plan *hop = expand_plan(expand_plan(scan_plan(), WG_PLAN_EXPAND, 0, 0), WG_PLAN_EXPAND, 6, 0);
    hop->unique_edge_slots = used;
    hop->unique_edge_slot_count = 1;
    wg_expr *far = expr_new(WG_EXPR_NODE_PROPERTY, WG_TYPE_STRING);
    wg_expr **target = make(sizeof *target);
    target[0] = slot(8, WG_TYPE_NODE);
    far->args = target;
    far->arg_count = 1;
    far->key = 2;
    wg_rows *rows = run_everywhere(project(hop, slot(5, WG_TYPE_EDGE), slot(7, WG_TYPE_EDGE), far), NULL);
    uint64_t at = 0;
    for (uint64_t n = 0; n < fake_txn.node_count; n++)
        for (uint64_t k = 0; k < n % 4; k++) {
            const uint64_t middle = fake_neighbour(&fake_txn, n, k);
            for (uint64_t m = 0; m < middle % 4; m++) {
                if (middle * 4 + m == n * 4 + k) continue;
                const wg_value want = fake_property(fake_neighbour(&fake_txn, middle, m), 2);
                const wg_value got = wg_rows_cell(rows, at, 2);
                assert_int_equal(wg_rows_cell(rows, at, 0).as.id, n * 4 + k);
                assert_int_equal(wg_rows_cell(rows, at, 1).as.id, middle * 4 + m);
                assert_true(wg_value_equivalent(&want, &got));
                at++;
            }
        }
    assert_int_equal(at, wg_rows_count(rows));
    wg_rows_destroy(rows);
    /* Back into the node that it came from. */
    wg_plan *into = expand_plan(expand_plan(scan_plan(), WG_PLAN_EXPAND, 0, 0), WG_PLAN_EXPAND_INTO, 6, 0);
    rows = run_everywhere(into, NULL);
    at = 0;
    for (uint64_t n = 0; n < fake_txn.node_count; n++)
        for (uint64_t k = 0; k < n % 4; k++) {
            const uint64_t middle = fake_neighbour(&fake_txn, n, k);
            for (uint64_t m = 0; m < middle % 4; m++)
                if (fake_neighbour(&fake_txn, middle, m) == n) at++;
        }
    assert_int_equal(at, wg_rows_count(rows));
    wg_rows_destroy(rows);
}

/* Goal: SEEK gives the node of a key, and no row for a key that does not exist or is null. */
static void test_seek_finds_by_key(void **state) {
    (void)state;
    static const wg_type types[] = {WG_TYPE_INT, WG_TYPE_NODE};
    wg_plan *plan = plan_new(
        WG_PLAN_SEEK, unwind_plan(unit_plan(), call("range", integer(-5), integer(20000), integer(3)), WG_TYPE_INT));
    wg_expr *key = slot(0, WG_TYPE_INT);
    plan_exprs(plan, 1, &key);
    plan_types(plan, 2, types);
    wg_rows *rows = run_everywhere(plan, NULL);
    assert_int_equal(wg_rows_count(rows), 3336); /* 1, 4, ..., 10006 */
    for (uint64_t r = 0; r < 3336; r++) assert_int_equal(wg_rows_cell(rows, r, 1).as.id, 1 + 3 * r);
    wg_rows_destroy(rows);
}

/* Goal: UNION puts the rows of the second child behind those of the first. */
static void test_union_appends(void **state) {
    (void)state;
    wg_plan *p = plan_new(WG_PLAN_UNION, project(scan_plan(), slot(3, WG_TYPE_STRING)));
    p->children[1] = project(limit_plan(scan_plan(), 5, 3), slot(3, WG_TYPE_STRING));
    wg_rows *rows = run_everywhere(p, NULL);
    assert_int_equal(wg_rows_count(rows), 10010);
    const wg_value want = fake_property(7, 2);
    const wg_value got = wg_rows_cell(rows, 10009, 0);
    assert_true(wg_value_equivalent(&want, &got));
    wg_rows_destroy(rows);
    /* Operators above run over both branches as one stream, and a limit may end in either. */
    for (int64_t limit = 9000; limit <= 12000; limit += 1500) {
        wg_plan *both = plan_new(WG_PLAN_UNION, scan_plan());
        both->children[1] = scan_plan();
        wg_plan *self = join_plan(WG_PLAN_HASH_JOIN, both,
                                  filter_plan(scan_plan(), call("<", slot(1, WG_TYPE_INT), integer(-499))),
                                  slot(1, WG_TYPE_INT), slot(1, WG_TYPE_INT));
        rows = run_everywhere(self, NULL);
        assert_int_equal(wg_rows_count(rows), 2 * 10 * 10);
        wg_rows_destroy(rows);
        rows = run_everywhere(limit_plan(both, 5, limit), NULL);
        assert_int_equal(wg_rows_count(rows), limit);
        assert_int_equal(wg_rows_cell(rows, (uint64_t)limit - 1, 0).as.id, (limit + 4) % 10007);
        wg_rows_destroy(rows);
    }
}

/* Goal: of several failing rows and expressions the first failing row's first failing expression is reported, always. */
static void test_the_first_failing_row_is_reported(void **state) {
    (void)state;
    wg_expr *id = call("id", slot(0, WG_TYPE_NODE));
    /* Node 3210 divides by zero at 40; node 3300 overflows at 10, in the expression that is evaluated first. */
    wg_expr *over = call_at(10, "*", 2, (wg_expr *[]){integer(INT64_MAX / 2), call("/", id, integer(1100))});
    wg_expr *late = call_at(40, "/", 2, (wg_expr *[]){integer(1), call("-", id, integer(3210))});
    wg_error err;
    assert_null(run_everywhere(project(scan_plan(), over, late), &err));
    assert_int_equal(err.code, WG_E_VALUE);
    assert_int_equal(err.offset, 40);
    /* A LIMIT that is full before the failing row hides it; one row more does not. */
    wg_rows *rows = run_everywhere(limit_plan(project(scan_plan(), over, late), 0, 3210), &err);
    assert_non_null(rows);
    assert_int_equal(wg_rows_count(rows), 3210);
    wg_rows_destroy(rows);
    assert_null(run_everywhere(limit_plan(project(scan_plan(), over, late), 0, 3211), &err));
    assert_int_equal(err.offset, 40);
}

/* Goal: CASE does not evaluate what it does not take, and branches are chosen row by row. */
static void test_case_is_lazy(void **state) {
    (void)state;
    wg_expr *id = call("id", slot(0, WG_TYPE_NODE));
    wg_expr *mod = call("%", id, integer(3));
    wg_expr *e = expr_new(WG_EXPR_CASE, WG_TYPE_INT);
    wg_expr **args = make(5 * sizeof *args);
    args[0] = call("=", mod, integer(0));
    args[1] = integer(-1);
    args[2] = call("=", mod, integer(1));
    args[3] = call("/", integer(100), call("-", mod, integer(0)));
    args[4] = call("/", id, mod);
    e->args = args;
    e->arg_count = 5;
    wg_rows *rows = run_everywhere(project(scan_plan(), e), NULL);
    for (uint64_t n = 0; n < fake_txn.node_count; n++)
        assert_int_equal(wg_rows_cell(rows, n, 0).as.i, n % 3 == 0 ? -1 : n % 3 == 1 ? 100 : (int64_t)n / 2);
    wg_rows_destroy(rows);
}

/* Goal: a cancelled or late query, one over its memory, and one whose read fails end with their own codes. */
static void test_a_query_ends_when_told_to(void **state) {
    (void)state;
    wg_rows *rows = NULL;
    wg_cancel cancel = {.cancelled = true};
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        wg_error err = {0};
        wg_exec_context context = context_with(threads, 1024);
        context.cancel = &cancel;
        assert_int_equal(wg_exec_run(scan_plan(), &context, &rows, &err), WG_E_CANCELLED);
        context.cancel = NULL;
        context.deadline_ns = 1;
        err = (wg_error){0};
        assert_int_equal(wg_exec_run(scan_plan(), &context, &rows, &err), WG_E_DEADLINE);
        context.deadline_ns = 0;
        wg_account small;
        wg_account_init(&small, &test_account, 600000);
        context.account = &small;
        err = (wg_error){0};
        assert_int_equal(wg_exec_run(scan_plan(), &context, &rows, &err), WG_E_LIMIT);
        assert_int_equal(wg_account_bytes(&small), 0);
    }
    assert_null(rows);
}

/* Goal: every allocation of a query may fail without a leak or a wrong answer. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    fake_txn.node_count = 300;
    fake_txn.task_rows = 100;
    wg_expr *keys[] = {slot(3, WG_TYPE_STRING)};
    const wg_aggregate aggregates[] = {{WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_COLLECT, true, slot(1, WG_TYPE_INT), WG_TYPE_LIST}};
    wg_plan *grouped = grouped_plan(expand_plan(scan_plan(), WG_PLAN_EXPAND, 0, 0), 1, keys, 2, aggregates);
    wg_plan *joined =
        join_plan(WG_PLAN_HASH_JOIN, scan_plan(), grouped, slot(3, WG_TYPE_STRING), slot(0, WG_TYPE_STRING));
    wg_plan *sorted = plan_new(WG_PLAN_SORT, joined);
    const wg_sort_item item = {call("toUpper", slot(3, WG_TYPE_STRING)), true};
    sorted->sort_items = &item;
    sorted->sort_item_count = 1;
    const wg_plan *plan = plan_new(WG_PLAN_DISTINCT, sorted);
    const wg_exec_context context = context_with(1, 64);
    for (uint64_t n = 1;; n++) {
        wg_rows *rows = NULL;
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_exec_run(plan, &context, &rows, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) {
            assert_true(n > 50);
            assert_true(wg_rows_count(rows) > 0);
            wg_rows_destroy(rows);
            return;
        }
        assert_int_equal(code, WG_E_NOMEM);
        assert_int_equal(wg_account_bytes(&test_account), 0);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_filter_and_project_match_a_loop),
        T(test_limit_cuts_the_order_of_the_scan),
        T(test_aggregates_match_a_loop),
        T(test_aggregate_without_keys_gives_one_row),
        T(test_sum_overflow_is_about_the_total),
        T(test_distinct_keeps_the_first),
        T(test_sort_is_stable_and_top_k_is_its_beginning),
        T(test_joins_match_a_nested_loop),
        T(test_product_and_empty_outer_join),
        T(test_unwind_multiplies_rows),
        T(test_long_ranges_have_no_list),
        T(test_expand_two_hops_matches_a_loop),
        T(test_seek_finds_by_key),
        T(test_union_appends),
        T(test_the_first_failing_row_is_reported),
        T(test_case_is_lazy),
        T(test_a_query_ends_when_told_to),
        T(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
