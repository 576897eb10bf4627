/* Joins: every way in which a row finds its matches gives the rows of every other way, whatever is read of them. threads */
#include "base/core/test_seed.h"
#include "exec/test_engine.h"

static wg_expr *id_of(void) { return call("id", slot(0, WG_TYPE_NODE)); }
static wg_expr *below(int64_t n) { return call("%", id_of(), integer(n)); }

/* Keys are functions of one INT: itself lies close together, times a large number it does not, as text it is no word at all. */
static wg_expr *far_apart(wg_expr *key) { return call("-", call("*", key, integer(1000003)), integer(5000000000)); }
static wg_expr *as_text(wg_expr *key) { return call("toString", key); }

static wg_plan *joined(wg_plan_op op, wg_expr *left_key, wg_expr *right_key) {
    wg_plan *left = filter_plan(scan_plan(), call("<>", below(5), integer(2)));
    wg_plan *right = filter_plan(scan_plan(), call("<>", below(3), integer(1)));
    wg_plan *p = plan_new(op, left);
    wg_type types[16];
    p->children[1] = right;
    for (uint32_t i = 0; i < 2 * left->slot_count; i++) types[i] = left->slot_types[i % left->slot_count];
    plan_types(p, 2 * left->slot_count, types);
    plan_exprs(p, 1, &left_key);
    wg_expr **keys = make(sizeof(wg_expr *));
    keys[0] = right_key;
    p->right_exprs = keys;
    return p;
}

/* All slots, some, or those of one side. */
static wg_plan *reading(uint32_t what, wg_plan *p) {
    if (what == 0) return p;
    if (what == 1) return project(p, slot(8, WG_TYPE_STRING), slot(0, WG_TYPE_NODE), slot(9, WG_TYPE_ANY));
    if (what == 2) return project(p, slot(3, WG_TYPE_STRING), slot(1, WG_TYPE_INT));
    return project(filter_plan(p, call(">", slot(6, WG_TYPE_INT), integer(100))), slot(5, WG_TYPE_NODE));
}

static void rows_of(const wg_plan *plan, bool everywhere, wg_buf *out) {
    wg_buf_init(out, NULL);
    wg_rows *rows = NULL;
    if (everywhere) {
        rows = run_everywhere(plan, NULL);
    } else {
        const wg_exec_context context = context_with(3, 2048);
        wg_error err = {0};
        if (wg_exec_run(plan, &context, &rows, &err) != WG_OK) fail_msg("%s", err.message);
    }
    rows_bytes(rows, out);
    wg_rows_destroy(rows);
}

static void expect_same(wg_plan_op op, wg_expr *left, wg_expr *right, bool everywhere) {
    for (uint32_t what = 0; what < 4; what++) {
        wg_buf close_by, far, text;
        rows_of(reading(what, joined(op, left, right)), everywhere, &close_by);
        rows_of(reading(what, joined(op, far_apart(left), far_apart(right))), everywhere, &far);
        rows_of(reading(what, joined(op, as_text(left), as_text(right))), everywhere, &text);
        assert_true(text.size > 1000);
        assert_int_equal(close_by.size, text.size);
        assert_memory_equal(close_by.data, text.data, text.size);
        assert_int_equal(far.size, text.size);
        assert_memory_equal(far.data, text.data, text.size);
        wg_buf_deinit(&close_by);
        wg_buf_deinit(&far);
        wg_buf_deinit(&text);
    }
}

/* Goal: keys that are there once, many times, on one side only, below zero, and null. */
static void test_ways_to_a_match(void **state) {
    (void)state;
    fake_txn.node_count = 2500;
    fake_txn.task_rows = 400;
    const wg_plan_op ops[] = {WG_PLAN_HASH_JOIN, WG_PLAN_OPTIONAL};
    for (uint32_t i = 0; i < 2; i++) {
        expect_same(ops[i], id_of(), id_of(), i == 0);
        expect_same(ops[i], call("-", below(700), integer(350)), call("-", id_of(), integer(600)), i == 1);
        expect_same(ops[i], below(50), below(90), false);
        wg_expr *null = call("size", slot(3, WG_TYPE_STRING)); /* of null */
        expect_same(ops[i], call("+", null, below(7)), call("+", null, below(300)), false);
    }
}

/* Goal: the same where the built rows are linked by several threads. */
static void test_many_built_rows(void **state) {
    (void)state;
    fake_txn.node_count = wg_test_small() ? 100003 : 200003;
    fake_txn.task_rows = 20000;
    expect_same(WG_PLAN_HASH_JOIN, id_of(), id_of(), false);
    expect_same(WG_PLAN_HASH_JOIN, id_of(), below(50021), false);
    expect_same(WG_PLAN_OPTIONAL, id_of(), below(50021), false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ways_to_a_match, exec_test_setup, exec_test_teardown),
        cmocka_unit_test_setup_teardown(test_many_built_rows, exec_test_setup, exec_test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
