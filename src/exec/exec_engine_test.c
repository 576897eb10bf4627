/* Plans over the real engine on the simulated disk: what CREATE, SET and DELETE write is what scans, expansion and seeks then read. */
#include "exec/aggregate_internal.h"
#include "exec/test_support.h"

enum { NODES = 5000 };

static wg_platform *platform;
static wg_engine *engine;
static uint32_t person;
static uint32_t knows;
static uint32_t key_n;
static uint32_t key_name;

#define OK(call)                                                                   \
    do {                                                                           \
        wg_error err_ = {0};                                                       \
        wg_error *err = &err_;                                                     \
        const wg_code code_ = (call);                                              \
        if (code_ != WG_OK) fail_msg("%s: %s", wg_code_name(code_), err_.message); \
    } while (0)

static void begin(wg_txn_mode mode) { OK(wg_txn_begin(engine, mode, 0, &test_txn, err)); }

static void commit(void) {
    uint64_t logseq;
    OK(wg_txn_commit(test_txn, &logseq, err));
    test_txn = NULL;
}

static void run_write(const wg_plan *plan) {
    const wg_exec_context context = context_with(2, 1024);
    wg_rows *rows = NULL;
    OK(wg_exec_run(plan, &context, &rows, err));
    wg_rows_destroy(rows);
}

static wg_expr *property(wg_expr *node, uint32_t key, wg_type type) {
    wg_expr *e = expr_new(WG_EXPR_NODE_PROPERTY, type);
    wg_expr **target = make(sizeof *target);
    target[0] = node;
    e->args = target;
    e->arg_count = 1;
    e->key = key;
    return e;
}

static wg_plan *scan_people(void) {
    static uint32_t keys[2];
    static const wg_type key_types[2] = {WG_TYPE_INT, WG_TYPE_STRING};
    static const wg_type types[3] = {WG_TYPE_NODE, WG_TYPE_INT, WG_TYPE_STRING};
    keys[0] = key_n;
    keys[1] = key_name;
    wg_plan *p = plan_new(WG_PLAN_SCAN, NULL);
    p->scan = (wg_scan_spec){.labels = &person, .label_count = 1, .keys = keys, .types = key_types, .key_count = 2};
    plan_types(p, 3, types);
    return p;
}

/* People 0..NODES-1 with n and a name, null for each seventh. */
static void create_people(void) {
    static uint32_t keys[2];
    static const wg_type types[2] = {WG_TYPE_INT, WG_TYPE_NODE};
    keys[0] = key_n;
    keys[1] = key_name;
    wg_expr **exprs = make(2 * sizeof *exprs);
    wg_expr *name = expr_new(WG_EXPR_CASE, WG_TYPE_STRING);
    wg_expr **branches = make(2 * sizeof *branches);
    branches[0] = call("<>", call("%", slot(0, WG_TYPE_INT), integer(7)), integer(0));
    branches[1] = call("+", text("p"), call("toString", call("%", slot(0, WG_TYPE_INT), integer(50))));
    name->args = branches;
    name->arg_count = 2;
    exprs[0] = slot(0, WG_TYPE_INT);
    exprs[1] = name;
    wg_create_item *item = make(sizeof *item);
    *item = (wg_create_item){
        .labels = &person, .label_count = 1, .properties = {.keys = keys, .exprs = exprs, .count = 2}};
    wg_plan *plan = plan_new(WG_PLAN_CREATE,
                             unwind_plan(unit_plan(), call("range", integer(0), integer(NODES - 1)), WG_TYPE_INT));
    plan->creates = item;
    plan->create_count = 1;
    plan_types(plan, 2, types);
    run_write(plan);
}

/* n knows (n * 3) % NODES: the pairs come from a hash join. */
static void create_edges(void) {
    wg_plan *join = plan_new(WG_PLAN_HASH_JOIN, scan_people());
    static const wg_type types[7] = {WG_TYPE_NODE, WG_TYPE_INT,    WG_TYPE_STRING, WG_TYPE_NODE,
                                     WG_TYPE_INT,  WG_TYPE_STRING, WG_TYPE_EDGE};
    wg_expr *left = call("%", call("*", slot(1, WG_TYPE_INT), integer(3)), integer(NODES));
    wg_expr **right = make(sizeof *right);
    right[0] = slot(1, WG_TYPE_INT);
    join->children[1] = scan_people();
    join->right_exprs = right;
    plan_exprs(join, 1, &left);
    plan_types(join, 6, types);
    wg_plan *plan = plan_new(WG_PLAN_CREATE, join);
    wg_create_item *item = make(sizeof *item);
    *item = (wg_create_item){.is_edge = true, .labels = &knows, .label_count = 1, .from_slot = 0, .to_slot = 3};
    plan->creates = item;
    plan->create_count = 1;
    plan_types(plan, 7, types);
    run_write(plan);
}

static int setup(void **state) {
    (void)state;
    static const wg_column_def columns[2] = {{.name = "n", .type = WG_TYPE_INT, .not_null = true, .int_bits = 64},
                                             {.name = "name", .type = WG_TYPE_STRING}};
    const wg_label_def def = {.name = "Person",
                              .kind = WG_LABEL_OWNED,
                              .column_count = 2,
                              .columns = columns,
                              .key_count = 1,
                              .key_columns = {0}};
    support_setup();
    OK(wg_platform_sim_create(3, &platform, err));
    const wg_engine_options options = {.platform = platform, .options = {.create = true}};
    OK(wg_engine_open("/ws", &options, &engine, err));
    begin(WG_TXN_WRITE);
    OK(wg_txn_create_label(test_txn, &def, false, err));
    OK(wg_txn_intern_label(test_txn, wg_slice_str("Person"), false, &person, err));
    OK(wg_txn_intern_label(test_txn, wg_slice_str("KNOWS"), true, &knows, err));
    OK(wg_txn_intern_key(test_txn, wg_slice_str("n"), &key_n, err));
    OK(wg_txn_intern_key(test_txn, wg_slice_str("name"), &key_name, err));
    create_people();
    create_edges();
    commit();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    wg_txn_abort(test_txn);
    test_txn = NULL;
    OK(wg_engine_close(engine, err));
    wg_platform_sim_destroy(platform);
    support_teardown();
    return 0;
}

/* Goal: a scan with a filter reads what was created, in the order of creation. */
static void test_scan_and_filter_read_what_create_wrote(void **state) {
    (void)state;
    begin(WG_TXN_READ);
    wg_plan *plan = filter_plan(scan_people(), call("=", slot(2, WG_TYPE_STRING), text("p13")));
    wg_rows *rows = run_everywhere(plan, NULL);
    uint64_t at = 0;
    for (int64_t n = 0; n < NODES; n++) {
        if (n % 50 != 13 || n % 7 == 0) continue;
        assert_int_equal(wg_rows_cell(rows, at++, 1).as.i, n);
    }
    assert_int_equal(wg_rows_count(rows), at);
    wg_rows_destroy(rows);
}

/* Goal: two hops over created edges end where arithmetic says, and properties of the far end are read. */
static void test_expand_follows_created_edges(void **state) {
    (void)state;
    static const wg_type types[7] = {WG_TYPE_NODE, WG_TYPE_INT,  WG_TYPE_STRING, WG_TYPE_EDGE,
                                     WG_TYPE_NODE, WG_TYPE_EDGE, WG_TYPE_NODE};
    begin(WG_TXN_READ);
    wg_plan *plan = scan_people();
    for (uint32_t hop = 0; hop < 2; hop++) {
        plan = plan_new(WG_PLAN_EXPAND, plan);
        plan->slot = hop == 0 ? 0 : 4;
        plan->direction = WG_DIRECTION_OUT;
        plan->edge_labels = &knows;
        plan->edge_label_count = 1;
        plan_types(plan, 5 + 2 * hop, types);
    }
    wg_rows *rows = run_everywhere(
        project(plan, slot(1, WG_TYPE_INT), property(slot(6, WG_TYPE_NODE), key_n, WG_TYPE_INT)), NULL);
    assert_int_equal(wg_rows_count(rows), NODES);
    for (uint64_t r = 0; r < NODES; r++)
        assert_int_equal(wg_rows_cell(rows, r, 1).as.i, wg_rows_cell(rows, r, 0).as.i * 9 % NODES);
    wg_rows_destroy(rows);
}

/* Goal: SEEK finds nodes by primary key. */
static void test_seek_uses_the_primary_key(void **state) {
    (void)state;
    static const wg_type types[2] = {WG_TYPE_INT, WG_TYPE_NODE};
    begin(WG_TXN_READ);
    wg_plan *plan = plan_new(
        WG_PLAN_SEEK, unwind_plan(unit_plan(), call("range", integer(NODES - 3), integer(NODES + 3)), WG_TYPE_INT));
    wg_expr *key = slot(0, WG_TYPE_INT);
    plan->label = person;
    plan_exprs(plan, 1, &key);
    plan_types(plan, 2, types);
    wg_rows *rows = run_everywhere(project(plan, property(slot(1, WG_TYPE_NODE), key_n, WG_TYPE_INT)), NULL);
    assert_int_equal(wg_rows_count(rows), 3);
    assert_int_equal(wg_rows_cell(rows, 2, 0).as.i, NODES - 1);
    wg_rows_destroy(rows);
}

/* Goal: SET and DELETE change what the same transaction and later ones read. */
static void test_set_and_delete_change_what_is_read(void **state) {
    (void)state;
    begin(WG_TXN_WRITE);
    wg_expr **exprs = make(sizeof *exprs);
    exprs[0] = call("toUpper", slot(2, WG_TYPE_STRING));
    wg_set_item item = {.kind = WG_SET_PROPERTY,
                        .target = slot(0, WG_TYPE_NODE),
                        .properties = {.keys = &key_name, .exprs = exprs, .count = 1}};
    wg_plan *set = plan_new(WG_PLAN_SET, filter_plan(scan_people(), call("<", slot(1, WG_TYPE_INT), integer(100))));
    set->sets = &item;
    set->set_count = 1;
    run_write(set);
    wg_plan *gone =
        plan_new(WG_PLAN_DELETE, filter_plan(scan_people(), call(">=", slot(1, WG_TYPE_INT), integer(4000))));
    wg_expr *node = slot(0, WG_TYPE_NODE);
    gone->detach = true;
    plan_exprs(gone, 1, &node);
    run_write(gone);
    for (int round = 0; round < 2; round++) {
        wg_rows *rows = run_everywhere(scan_people(), NULL);
        assert_int_equal(wg_rows_count(rows), 4000);
        for (uint64_t r = 0; r < 4000; r++) {
            const int64_t n = wg_rows_cell(rows, r, 1).as.i;
            const wg_value name = wg_rows_cell(rows, r, 2);
            if (n % 7 == 0) assert_int_equal(name.type, WG_TYPE_NULL);
            else assert_int_equal(name.as.s[0], n < 100 ? 'P' : 'p');
        }
        wg_rows_destroy(rows);
        commit();
        begin(WG_TXN_READ);
    }
}

/* Goal: a duplicate key fails with the engine's code and a place in the text. */
static void test_a_constraint_failure_has_a_place(void **state) {
    (void)state;
    begin(WG_TXN_WRITE);
    wg_expr **exprs = make(sizeof *exprs);
    exprs[0] = slot(0, WG_TYPE_INT);
    exprs[0]->text_start = 33;
    wg_create_item item = {
        .labels = &person, .label_count = 1, .properties = {.keys = &key_n, .exprs = exprs, .count = 1}};
    static const wg_type types[2] = {WG_TYPE_INT, WG_TYPE_NODE};
    wg_plan *plan =
        plan_new(WG_PLAN_CREATE,
                 unwind_plan(unit_plan(), call("range", integer(NODES), integer(1), integer(-1)), WG_TYPE_INT));
    plan->creates = &item;
    plan->create_count = 1;
    plan_types(plan, 2, types);
    const wg_exec_context context = context_with(1, 1024);
    wg_rows *rows = NULL;
    wg_error err = {0};
    assert_int_equal(wg_exec_run(plan, &context, &rows, &err), WG_E_CONSTRAINT);
    assert_int_equal(err.offset, 33);
}

/* Rows by `key`, each three times, in groups with all that can be said of them. */
static wg_plan *grouped_people(wg_plan *people, uint32_t key_count, wg_expr *const *keys) {
    static wg_aggregate aggregates[3];
    aggregates[0] = (wg_aggregate){WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT};
    aggregates[1] = (wg_aggregate){WG_AGG_SUM, false, slot(3, WG_TYPE_INT), WG_TYPE_INT};
    aggregates[2] = (wg_aggregate){WG_AGG_MAX, false, slot(2, WG_TYPE_STRING), WG_TYPE_STRING};
    wg_plan *thrice = unwind_plan(people, call("range", integer(1), integer(3)), WG_TYPE_INT);
    return grouped_plan(thrice, key_count, keys, 3, aggregates);
}

/* Goal: groups by a primary key, and what else depends on the node, stream from a scan; not by other columns, nor while a transaction has
 * writes of its own; the rows are those of a table of groups. */
static void test_groups_by_a_primary_key_stream(void **state) {
    (void)state;
    begin(WG_TXN_WRITE);
    wg_expr *gone = slot(0, WG_TYPE_NODE);
    wg_plan *write =
        plan_new(WG_PLAN_DELETE, filter_plan(scan_people(), call("=", slot(1, WG_TYPE_INT), integer(77))));
    write->detach = true;
    plan_exprs(write, 1, &gone);
    run_write(write);
    wg_expr *keys[] = {slot(2, WG_TYPE_STRING), slot(1, WG_TYPE_INT)};
    wg_plan *plan = grouped_people(scan_people(), 2, keys);
    assert_false(wgi_agg_is_sorted(plan, test_txn));
    wg_rows *hashed = run_everywhere(plan, NULL);
    commit();
    begin(WG_TXN_READ);
    assert_true(wgi_agg_is_sorted(plan, test_txn));
    assert_true(wgi_agg_is_sorted(grouped_people(scan_people(), 1, keys + 1), test_txn));
    assert_false(wgi_agg_is_sorted(grouped_people(scan_people(), 1, keys), test_txn));
    wg_rows *streamed = run_everywhere(plan, NULL);
    wg_buf a, b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    rows_bytes(hashed, &a);
    rows_bytes(streamed, &b);
    assert_int_equal(wg_rows_count(streamed), NODES - 1);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    wg_rows_destroy(hashed);
    wg_rows_destroy(streamed);
}

/* Goal: the same from an index that is asked once, by the node; not where it is asked for each of several rows. */
static void test_groups_by_a_sought_node_stream(void **state) {
    (void)state;
    begin(WG_TXN_WRITE);
    wg_rule_def def = {.name = "by_name", .kind = WG_RULE_RANGE_INDEX, .label = person, .key_count = 1};
    bool created = false;
    def.keys[0] = key_name;
    OK(wg_txn_create_rule(test_txn, &def, false, &created, err));
    commit();
    begin(WG_TXN_READ);
    static const wg_type node = WG_TYPE_NODE;
    static const wg_index_op from = WG_INDEX_GE;
    wg_expr *low = text("p2");
    wg_plan *seek = plan_new(WG_PLAN_INDEX_SEEK, unit_plan());
    seek->rule = wg_catalog_rule_at(wg_txn_catalog(test_txn), 0);
    seek->index_ops = &from;
    plan_types(seek, 1, &node);
    plan_exprs(seek, 1, &low);
    wg_plan *thrice = unwind_plan(seek, call("range", integer(1), integer(3)), WG_TYPE_INT);
    wg_plan *veiled = plan_new(WG_PLAN_UNION, thrice);
    veiled->children[1] = filter_plan(thrice, call("<", slot(1, WG_TYPE_INT), integer(0)));
    wg_expr *keys[] = {slot(0, WG_TYPE_NODE), property(slot(0, WG_TYPE_NODE), key_name, WG_TYPE_STRING)};
    const wg_aggregate sum = {WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT};
    assert_true(wgi_agg_is_sorted(grouped_plan(thrice, 2, keys, 1, &sum), test_txn));
    assert_false(wgi_agg_is_sorted(grouped_plan(thrice, 1, keys + 1, 1, &sum), test_txn));
    assert_false(wgi_agg_is_sorted(grouped_plan(veiled, 2, keys, 1, &sum), test_txn));
    wg_buf a, b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    wg_rows *streamed = run_everywhere(grouped_plan(thrice, 2, keys, 1, &sum), NULL);
    wg_rows *hashed = run_everywhere(grouped_plan(veiled, 2, keys, 1, &sum), NULL);
    assert_true(wg_rows_count(streamed) > 1000);
    rows_bytes(hashed, &a);
    rows_bytes(streamed, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    wg_rows_destroy(streamed);
    wg_rows_destroy(hashed);
    seek->children[0] = unwind_plan(unit_plan(), call("range", integer(1), integer(2)), WG_TYPE_INT);
    assert_false(wgi_agg_is_sorted(grouped_plan(seek, 1, keys, 1, &sum), test_txn));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_scan_and_filter_read_what_create_wrote),
        T(test_expand_follows_created_edges),
        T(test_seek_uses_the_primary_key),
        T(test_set_and_delete_change_what_is_read),
        T(test_a_constraint_failure_has_a_place),
        T(test_groups_by_a_primary_key_stream),
        T(test_groups_by_a_sought_node_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
