/* Writes: what reaches the transaction and in which order; and the text of plans. */
#include "exec/test_engine.h"

static wg_plan *numbers(int64_t from, int64_t to) {
    return unwind_plan(unit_plan(), call("range", integer(from), integer(to)), WG_TYPE_INT);
}

static const char *log_text(void) {
    assert_true(wg_buf_append_u8(&fake_txn.log, 0));
    return (const char *)fake_txn.log.data;
}

static wg_rows *run_once(const wg_plan *plan, wg_code want, wg_error *err) {
    const wg_exec_context context = context_with(2, 7);
    wg_rows *rows = NULL;
    wg_error local = {0};
    const wg_code code = wg_exec_run(plan, &context, &rows, &local);
    if (code != want) fail_msg("%s", local.message);
    if (err != NULL) *err = local;
    return rows;
}

/* Goal: CREATE makes nodes and edges row by row, edges may end at nodes of the same clause, and the ids are appended to the rows. */
static void test_create_makes_entities_row_by_row(void **state) {
    (void)state;
    static const uint32_t label = 3;
    static const uint32_t key = 9;
    wg_expr **exprs = make(sizeof *exprs);
    exprs[0] = call("*", slot(0, WG_TYPE_INT), integer(10));
    const wg_create_item items[] = {
        {.labels = &label, .label_count = 1, .properties = {.keys = &key, .exprs = exprs, .count = 1}},
        {.labels = &label, .label_count = 1},
        {.is_edge = true, .labels = &label, .label_count = 1, .from_slot = 1, .to_slot = 2}};
    static const wg_type types[] = {WG_TYPE_INT, WG_TYPE_NODE, WG_TYPE_NODE, WG_TYPE_EDGE};
    wg_plan *plan = plan_new(WG_PLAN_CREATE, numbers(1, 2));
    plan->creates = items;
    plan->create_count = 3;
    plan_types(plan, 4, types);
    wg_rows *rows = run_once(plan, WG_OK, NULL);
    assert_string_equal(log_text(), "node 1 9=10\nnode 2\n1->2 edge 3\nnode 4 9=20\nnode 5\n4->5 edge 6\n");
    assert_int_equal(wg_rows_count(rows), 2);
    assert_int_equal(wg_rows_column_count(rows), 4);
    assert_int_equal(wg_rows_cell(rows, 1, 3).as.id, 6);
    assert_int_equal(wg_rows_column_type(rows, 3), WG_TYPE_EDGE);
    wg_rows_destroy(rows);
}

/* Goal: an edge to null is refused, and nothing is passed on. */
static void test_create_edge_to_null_is_refused(void **state) {
    (void)state;
    static const uint32_t label = 3;
    const wg_create_item item = {.is_edge = true, .labels = &label, .label_count = 1};
    wg_value none = wg_value_null();
    wg_plan *input = project(unit_plan(), value(none));
    wg_plan *plan = plan_new(WG_PLAN_CREATE, input);
    static const wg_type types[] = {WG_TYPE_ANY, WG_TYPE_EDGE};
    plan->creates = &item;
    plan->create_count = 1;
    plan_types(plan, 2, types);
    assert_null(run_once(plan, WG_E_VALUE, NULL));
}

/* Goal: SET writes properties, merges and replaces maps, changes labels, skips null targets, and refuses other values. */
static void test_set_writes_each_item(void **state) {
    (void)state;
    fake_txn.node_count = 2;
    static const uint32_t key = 4;
    static const uint32_t label = 1;
    wg_expr **exprs = make(sizeof *exprs);
    exprs[0] = call("+", slot(1, WG_TYPE_INT), integer(1));
    wg_map_entry entry = {.key = "x", .key_size = 1, .value = wg_value_int(5)};
    wg_value map = {.type = WG_TYPE_MAP, .size = 1};
    map.as.map = &entry;
    wg_expr *node = slot(0, WG_TYPE_NODE);
    const wg_set_item items[] = {
        {.kind = WG_SET_PROPERTY, .target = node, .properties = {.keys = &key, .exprs = exprs, .count = 1}},
        {.kind = WG_SET_MERGE_MAP, .target = node, .properties = {.map = value(map)}},
        {.kind = WG_SET_REPLACE_MAP, .target = node, .properties = {.map = node}},
        {.kind = WG_SET_ADD_LABELS, .target = node, .labels = &label, .label_count = 1},
        {.kind = WG_SET_REMOVE_LABELS, .target = node, .labels = &label, .label_count = 1},
        {.kind = WG_SET_PROPERTY, .target = null_expr(), .properties = {.keys = &key, .exprs = exprs, .count = 1}}};
    wg_plan *plan = plan_new(WG_PLAN_SET, scan_plan());
    plan->sets = items;
    plan->set_count = 6;
    wg_rows *rows = run_once(plan, WG_OK, NULL);
    assert_string_equal(log_text(),
                        "set 0 4=-499\nset 0 220=5\nreplace 0 205=-500\n+1-0 labels 0\n+0-1 labels 0\n"
                        "set 1 4=357\nset 1 220=5\nreplace 1 205=356\n+1-0 labels 1\n+0-1 labels 1\n");
    wg_rows_destroy(rows);
    wg_expr *number = slot(4, WG_TYPE_ANY);
    number->text_start = 12;
    const wg_set_item wrong = {
        .kind = WG_SET_PROPERTY, .target = number, .properties = {.keys = &key, .exprs = exprs, .count = 1}};
    plan->sets = &wrong;
    plan->set_count = 1;
    wg_error err;
    assert_null(run_once(plan, WG_E_TYPE, &err));
    assert_int_equal(err.offset, 12);
}

/* Goal: DELETE takes the edges of all rows before any node. */
static void test_delete_takes_edges_first(void **state) {
    (void)state;
    fake_txn.node_count = 3;
    static const wg_type types[] = {WG_TYPE_NODE, WG_TYPE_INT,  WG_TYPE_FLOAT, WG_TYPE_STRING,
                                    WG_TYPE_ANY,  WG_TYPE_EDGE, WG_TYPE_NODE};
    wg_plan *hop = plan_new(WG_PLAN_EXPAND, scan_plan());
    plan_types(hop, 7, types);
    hop->direction = WG_DIRECTION_OUT;
    wg_plan *plan = plan_new(WG_PLAN_DELETE, hop);
    wg_expr *exprs[] = {slot(0, WG_TYPE_NODE), slot(5, WG_TYPE_EDGE), null_expr()};
    plan_exprs(plan, 3, exprs);
    wg_rows_destroy(run_once(plan, WG_OK, NULL));
    assert_string_equal(log_text(), "delete-edge 4\ndelete-edge 8\ndelete-edge 9\ndelete 1\ndelete 2\ndelete 2\n");
}

/* Goal: the text of a plan names every part, is the same each time, and different plans have different texts. */
static void test_plan_text_is_canonical(void **state) {
    (void)state;
    wg_expr *condition = call("AND", call(">", slot(1, WG_TYPE_INT), integer(1)),
                              call("STARTS WITH", slot(3, WG_TYPE_STRING), text("o'b\n")));
    wg_plan *plan = limit_plan(project(filter_plan(scan_plan(), condition), slot(0, WG_TYPE_NODE), real(1),
                                       call("toUpper", slot(3, WG_TYPE_STRING))),
                               2, 3);
    wg_buf a;
    wg_buf b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    assert_int_equal(wg_plan_print(plan, NULL, NULL, &a, NULL), WG_OK);
    plan->row_estimate = 77; /* no part of the canonical text */
    assert_int_equal(wg_plan_print(plan, NULL, NULL, &b, NULL), WG_OK);
    assert_true(wg_slice_equal(wg_buf_slice(&a), wg_buf_slice(&b)));
    assert_true(wg_buf_append_u8(&a, 0));
    assert_string_equal(
        (const char *)a.data,
        "LimitOffset skip 2 limit 3\n"
        "  Projection $0, 1.0, toUpper($3)\n"
        "    SimdFilter (($1 > 1) AND ($3 STARTS WITH 'o\\'b\\x0a'))\n"
        "      ShardDispatch+SegmentScan+TombstoneShadow labels=* columns=[#0 INT, #1 FLOAT, #2 STRING, #3 ANY]\n");
    b.size = 0;
    const wg_exec_context context = context_with(1, 8);
    assert_int_equal(wg_plan_print(plan, NULL, &context, &b, NULL), WG_OK);
    assert_true(wg_buf_append_u8(&b, 0));
    assert_non_null(strstr((const char *)b.data, "(about 77 rows)"));
    assert_non_null(strstr((const char *)b.data, "[11 tasks]"));
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_create_makes_entities_row_by_row),
        T(test_create_edge_to_null_is_refused),
        T(test_set_writes_each_item),
        T(test_delete_takes_edges_first),
        T(test_plan_text_is_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
