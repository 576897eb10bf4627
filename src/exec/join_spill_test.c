/* Joins whose built side does not fit into memory: the rows of a join in memory, in their order, for every limit, threads and batch size. */
#include "exec/test_limits.h"

enum { NODES = 40009, TASK = 4000 };

static const uint64_t limits[] = {0, 11 << 20, 6 << 20, 5 << 20, 8 << 20};

static wg_plan *joined_plan(wg_plan_op op, wg_plan *left, wg_plan *right, wg_expr *left_key, wg_expr *right_key) {
    wg_plan *p = plan_new(op, left);
    wg_type types[16];
    p->children[1] = right;
    for (uint32_t i = 0; i < left->slot_count; i++) types[i] = left->slot_types[i];
    for (uint32_t i = 0; i < right->slot_count; i++) types[left->slot_count + i] = right->slot_types[i];
    plan_types(p, left->slot_count + right->slot_count, types);
    if (left_key != NULL) {
        plan_exprs(p, 1, &left_key);
        wg_expr **keys = make(sizeof(wg_expr *));
        keys[0] = right_key;
        p->right_exprs = keys;
    }
    return p;
}

/* Rows whose node is one of every `step`. */
static wg_plan *one_of(wg_plan *child, int64_t step) {
    return filter_plan(child, call("=", call("%", call("id", slot(0, WG_TYPE_NODE)), integer(step)), integer(1)));
}

/* Few enough rows for an answer in memory, all of whose columns are looked at. */
static wg_plan *answer(wg_plan *joined, int64_t step) {
    wg_expr *text_of = call("coalesce", slot(8, WG_TYPE_STRING), text("none"));
    return one_of(project(joined, slot(0, WG_TYPE_NODE), slot(5, WG_TYPE_NODE), slot(4, WG_TYPE_ANY), text_of,
                          slot(7, WG_TYPE_FLOAT)),
                  step);
}

static void expect_equal(const wg_plan *plan, uint32_t spilled_min) {
    uint32_t spilled;
    uint32_t refused;
    limits_quick = true;
    check_limits(plan, limits, sizeof limits / sizeof limits[0], &spilled, &refused);
    if (spilled < (wg_test_small() && spilled_min > 0 ? 1 : spilled_min))
        fail_msg("%u runs spilled, %u were refused", (unsigned)spilled, (unsigned)refused);
}

static void use_nodes(uint64_t count) {
    fake_txn.node_count = count;
    fake_txn.task_rows = TASK;
}

/* Goal: inner joins by unique ids, by an INT with many matches, by strings with nulls, by a FLOAT against values of any type. */
static void test_joins_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes(NODES);
    wg_expr *id = slot(0, WG_TYPE_NODE);
    expect_equal(answer(joined_plan(WG_PLAN_HASH_JOIN, scan_plan(), scan_plan(), id, id), 3), 2);
    wg_expr *i = slot(1, WG_TYPE_INT);
    expect_equal(answer(joined_plan(WG_PLAN_HASH_JOIN, one_of(scan_plan(), 8), scan_plan(), i, i), 31), 2);
    wg_expr *s = slot(3, WG_TYPE_STRING);
    expect_equal(answer(joined_plan(WG_PLAN_HASH_JOIN, one_of(scan_plan(), 6001), scan_plan(), s, s), 1), 2);
    wg_expr *f = slot(2, WG_TYPE_FLOAT);
    wg_expr *any = slot(4, WG_TYPE_ANY);
    expect_equal(answer(joined_plan(WG_PLAN_HASH_JOIN, one_of(scan_plan(), 1201), scan_plan(), f, any), 1), 2);
}

/* Goal: outer joins keep their rows without a match, once, whether the built rows of a key fit into memory or not. */
static void test_outer_joins_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes(NODES);
    wg_expr *i = slot(1, WG_TYPE_INT);
    wg_plan *low = filter_plan(scan_plan(), call("<", slot(1, WG_TYPE_INT), integer(300)));
    expect_equal(answer(joined_plan(WG_PLAN_OPTIONAL, one_of(scan_plan(), 29), low, i, i), 1), 2);
    wg_expr *any = slot(4, WG_TYPE_ANY); /* null joins null here, and is most of the rows */
    expect_equal(answer(joined_plan(WG_PLAN_OPTIONAL, one_of(scan_plan(), 6007), scan_plan(), any, any), 1), 2);
    /* One key has all built rows, so they come in pieces; one row in three finds none of them. */
    wg_expr *third = call("%", call("id", slot(0, WG_TYPE_NODE)), integer(3));
    wg_expr *none = call("*", call("%", call("id", slot(0, WG_TYPE_NODE)), integer(3)), integer(0));
    expect_equal(answer(joined_plan(WG_PLAN_OPTIONAL, one_of(scan_plan(), 4001), scan_plan(), third, none), 1), 2);
}

/* Goal: products, and outer ones, read what does not fit from the file, in order. */
static void test_products_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_nodes(NODES);
    expect_equal(answer(joined_plan(WG_PLAN_CROSS, one_of(scan_plan(), 6001), scan_plan(), NULL, NULL), 1), 2);
    expect_equal(answer(joined_plan(WG_PLAN_OPTIONAL, one_of(scan_plan(), 12001), scan_plan(), NULL, NULL), 1), 1);
}

/* Goal: joins above joins, above a UNION, and below groups, sorts and limits. */
static void test_joins_in_larger_plans(void **state) {
    (void)state;
    use_nodes(NODES);
    wg_expr *id = slot(0, WG_TYPE_NODE);
    wg_plan *both = plan_new(WG_PLAN_UNION, one_of(scan_plan(), 2));
    both->children[1] = one_of(scan_plan(), 5);
    wg_plan *twice = joined_plan(
        WG_PLAN_HASH_JOIN, joined_plan(WG_PLAN_OPTIONAL, both, one_of(scan_plan(), 3), id, id), scan_plan(), id, id);
    wg_expr *last = call("coalesce", slot(13, WG_TYPE_STRING), text("none"));
    wg_plan *both_read = one_of(project(twice, slot(0, WG_TYPE_NODE), slot(9, WG_TYPE_ANY), slot(8, WG_TYPE_STRING),
                                        last, slot(14, WG_TYPE_ANY), slot(10, WG_TYPE_NODE)),
                                3);
    expect_equal(both_read, 2);
    expect_equal(answer(twice, 3), 0);
    expect_equal(limit_plan(both_read, 100, 700), 2);
    wg_expr *keys[] = {slot(6, WG_TYPE_INT)};
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_COUNT, false, slot(7, WG_TYPE_FLOAT), WG_TYPE_INT},
                                       {WG_AGG_COUNT, false, slot(8, WG_TYPE_STRING), WG_TYPE_INT},
                                       {WG_AGG_COUNT, false, slot(9, WG_TYPE_ANY), WG_TYPE_INT}};
    wg_expr *i = slot(1, WG_TYPE_INT);
    wg_plan *wide = joined_plan(WG_PLAN_HASH_JOIN, one_of(scan_plan(), 23), scan_plan(), i, i);
    expect_equal(grouped_plan(wide, 1, keys, 5, aggregates), 2);
    wg_plan *product = joined_plan(WG_PLAN_CROSS, one_of(scan_plan(), 6001), scan_plan(), NULL, NULL);
    expect_equal(grouped_plan(product, 0, NULL, 1, aggregates), 0); /* nobody looks at a built row */
}

static wg_expr *random_number(uint32_t at) {
    wg_expr *e = make(sizeof *e);
    *e = (wg_expr){.kind = WG_EXPR_RANDOM, .type = WG_TYPE_FLOAT, .text_start = at};
    return e;
}

/* Rows that were materialised: they have places. */
static wg_plan *kept(uint64_t rows) { return limit_plan(scan_plan(), 5, (int64_t)rows); }

/* Goal: rand() above a join gives every row the number that it has where the join fits into memory: by one operator above or several, in a
 * group, above two joins, and above a UNION of rows with places and rows without. */
static void test_random_numbers_do_not_depend_on_the_limit(void **state) {
    (void)state;
    use_nodes(NODES);
    wg_expr *id = slot(0, WG_TYPE_NODE);
    wg_expr *i = slot(1, WG_TYPE_INT);
    wg_plan *once = joined_plan(WG_PLAN_HASH_JOIN, kept(NODES), scan_plan(), id, id);
    wg_expr *text_of = call("coalesce", slot(8, WG_TYPE_STRING), text("none"));
    wg_plan *numbered = project(once, slot(0, WG_TYPE_NODE), random_number(3), text_of, slot(9, WG_TYPE_ANY));
    expect_equal(one_of(numbered, 3), 2);
    wg_plan *fanned = joined_plan(WG_PLAN_OPTIONAL, one_of(kept(NODES), 23), scan_plan(), i, i);
    wg_plan *some = filter_plan(fanned, call("<", random_number(9), real(0.3)));
    expect_equal(
        project(some, slot(0, WG_TYPE_NODE), random_number(3), slot(8, WG_TYPE_STRING), slot(9, WG_TYPE_ANY)), 2);
    wg_plan *both = plan_new(WG_PLAN_UNION, kept(NODES / 2));
    both->children[1] = one_of(scan_plan(), 5);
    wg_plan *twice =
        joined_plan(WG_PLAN_HASH_JOIN, joined_plan(WG_PLAN_OPTIONAL, both, scan_plan(), id, id), scan_plan(), id, id);
    expect_equal(one_of(project(twice, slot(0, WG_TYPE_NODE), random_number(3), slot(8, WG_TYPE_STRING),
                                slot(13, WG_TYPE_STRING), slot(9, WG_TYPE_ANY), slot(14, WG_TYPE_ANY)),
                        3),
                 2);
    const wg_aggregate sums[] = {{WG_AGG_SUM, false, random_number(3), WG_TYPE_FLOAT},
                                 {WG_AGG_MAX, false, slot(8, WG_TYPE_STRING), WG_TYPE_STRING},
                                 {WG_AGG_COUNT, false, slot(9, WG_TYPE_ANY), WG_TYPE_INT}};
    expect_equal(grouped_plan(once, 1, &i, 3, sums), 2);
}

/* Goal: parts that are still too large are dealt again. */
static void test_large_parts_are_dealt_again(void **state) {
    (void)state;
    use_nodes(wg_test_small() ? 50000 : 400009);
    wg_expr *id = slot(0, WG_TYPE_NODE);
    wg_plan *joined = joined_plan(WG_PLAN_HASH_JOIN, one_of(scan_plan(), 16), scan_plan(), id, id);
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_MAX, false, slot(6, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_MAX, false, slot(8, WG_TYPE_STRING), WG_TYPE_STRING},
                                       {WG_AGG_COUNT, false, slot(9, WG_TYPE_ANY), WG_TYPE_INT}};
    const wg_plan *plan = grouped_plan(joined, 0, NULL, 5, aggregates);
    static const uint64_t few_limits[] = {0, 5 << 20, 6 << 20};
    uint32_t spilled;
    uint32_t refused;
    limits_quick = true;
    check_limits(plan, few_limits, 3, &spilled, &refused);
    if (spilled < (wg_test_small() ? 1 : 2)) fail_msg("%u runs spilled", (unsigned)spilled);
}

/* Goal: whichever allocation or call of the platform fails while a join is in files, it ends with that error and nothing stays behind. */
static void test_failures_leave_nothing(void **state) {
    (void)state;
    use_nodes(NODES);
    wg_expr *i = slot(1, WG_TYPE_INT);
    const wg_plan *plan = answer(joined_plan(WG_PLAN_OPTIONAL, one_of(scan_plan(), 37), scan_plan(), i, i), 1);
    wg_platform *faulty = NULL;
    wg_error err = {0};
    assert_int_equal(wg_platform_fault_create(wg_platform_real(), &faulty, &err), WG_OK);
    fake_engine_value.platform = faulty;
    uint64_t expected = 0;
    for (uint64_t n = 0; n < 60000; n += 1 + n / (wg_test_small() ? 1 : 2))
        for (int disk = 0; disk < 2; disk++) {
            wg_spill_counters counters = {0};
            wg_account account;
            wg_account_init(&account, &test_account, 6 << 20);
            wg_exec_context context = context_with(1, 2048);
            context.account = &account;
            context.spill = &counters;
            wg_rows *rows = NULL;
            err = (wg_error){0};
            wg_memory_fail_at(disk == 0 ? n : 0, false);
            wg_platform_fault_arm(faulty, disk == 0 ? 0 : n, WG_FAULT_EIO, false);
            const wg_code code = wg_exec_run(plan, &context, &rows, &err);
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
            if (n == 0 && counters.files == 0) fail_msg("the join did not spill: %s", err.message);
            if (code == WG_OK) {
                const uint64_t hash = wg_rows_count(rows) ^ wg_rows_cell(rows, wg_rows_count(rows) / 2, 1).as.id;
                if (n == 0) expected = hash;
                assert_true(hash == expected);
            } else {
                assert_true(code == WG_E_NOMEM || code == WG_E_LIMIT || code == WG_E_IO);
            }
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
        T(test_joins_are_the_same_for_every_limit),
        T(test_outer_joins_are_the_same_for_every_limit),
        T(test_products_are_the_same_for_every_limit),
        T(test_joins_in_larger_plans),
        T(test_random_numbers_do_not_depend_on_the_limit),
        T(test_large_parts_are_dealt_again),
        T(test_failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
