/* Temporary files of queries: equal rows for every limit of memory, threads and batch size; every failure of the disk, of memory and of
 * the bytes. */
#include "exec/spill.h"
#include "exec/test_limits.h"

enum { NODES = 80007, TASK = 4000 };

static void use_many_nodes(void) {
    fake_txn.node_count = NODES;
    fake_txn.task_rows = TASK;
}

static wg_plan *sorted_plan(wg_plan *child, uint32_t column, wg_type type, bool descending) {
    wg_plan *p = plan_new(WG_PLAN_SORT, child);
    wg_sort_item *items = make(2 * sizeof *items);
    items[0] = (wg_sort_item){slot(column, type), descending};
    items[1] = (wg_sort_item){slot(1, WG_TYPE_INT), !descending};
    p->sort_items = items;
    p->sort_item_count = 2;
    return p;
}

static wg_plan *by_id(void) {
    wg_expr *keys[] = {slot(0, WG_TYPE_NODE), slot(1, WG_TYPE_INT), slot(3, WG_TYPE_STRING)};
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                       {WG_AGG_COUNT, false, slot(4, WG_TYPE_ANY), WG_TYPE_INT},
                                       {WG_AGG_SUM, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_AVG, false, slot(1, WG_TYPE_INT), WG_TYPE_FLOAT},
                                       {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_AVG, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_MIN, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                       {WG_AGG_MAX, false, slot(1, WG_TYPE_INT), WG_TYPE_INT},
                                       {WG_AGG_MAX, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING}};
    wg_plan *twice = plan_new(WG_PLAN_UNION, scan_plan()); /* every group is seen again, by another task */
    twice->children[1] = scan_plan();
    return grouped_plan(twice, 3, keys, 9, aggregates);
}

static const uint64_t limits_of_test[] = {0,       64 << 20, 20 << 20, 16 << 20, 12 << 20,
                                          9 << 20, 6 << 20,  4 << 20,  1 << 20,  100 << 10};

static void expect_equal_rows(const wg_plan *plan) {
    uint32_t spilled;
    uint32_t refused;
    check_limits(plan, limits_of_test, 10, &spilled, &refused);
    assert_true(spilled >= (wg_test_small() ? 2 : 8));
    assert_in_range(refused, wg_test_small() ? 1 : 3,
                    27); /* 100 KiB are never enough; a third of the configurations is */
}

/* Goal: a sort gives the same rows whatever its memory. */
static void test_sorts_give_the_same_rows_for_every_limit(void **state) {
    (void)state;
    use_many_nodes();
    expect_equal_rows(few(sorted_plan(scan_plan(), 2, WG_TYPE_FLOAT, true)));
    expect_equal_rows(few(sorted_plan(scan_plan(), 3, WG_TYPE_STRING, false)));
    expect_equal_rows(few(sorted_plan(scan_plan(), 4, WG_TYPE_ANY, true)));
}

/* Goal: workers with many groups deal their rows to shared tables: words and strings as keys, arguments of each type, no arguments. */
static void test_dealt_groups_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_many_nodes();
    wg_expr *words[] = {slot(0, WG_TYPE_NODE)};
    wg_expr *strings[] = {slot(3, WG_TYPE_STRING), slot(1, WG_TYPE_INT)};
    const wg_aggregate typed[] = {{WG_AGG_COUNT, false, slot(3, WG_TYPE_STRING), WG_TYPE_INT},
                                  {WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT},
                                  {WG_AGG_SUM, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_FLOAT},
                                  {WG_AGG_MAX, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING},
                                  {WG_AGG_MIN, false, slot(1, WG_TYPE_INT), WG_TYPE_INT}};
    for (int part = 0; part < 2; part++) {
        wg_plan *twice = plan_new(WG_PLAN_UNION, scan_plan());
        twice->children[1] = scan_plan();
        wg_plan *plan =
            part == 0 ? grouped_plan(twice, 1, words, 2, typed) : grouped_plan(twice, 2, strings, 5, typed);
        uint32_t spilled;
        uint32_t refused;
        check_limits(few(plan), limits_of_test, 10, &spilled, &refused);
        assert_true(spilled >= (wg_test_small() ? 2 : 6));
    }
}

/* Goal: records of dealt rows are widened when numbers get larger, for keys and arguments, beside nulls and truth values. */
static void test_dealt_records_are_widened(void **state) {
    (void)state;
    use_many_nodes();
    wg_expr *step = call("/", call("id", slot(0, WG_TYPE_NODE)), integer(60000));
    wg_expr *wide = call("*", slot(1, WG_TYPE_INT), call("*", step, integer(INT64_C(10000000000))));
    wg_expr *keys[] = {slot(0, WG_TYPE_NODE), wide, call("=", slot(1, WG_TYPE_INT), integer(3))};
    const wg_aggregate aggregates[] = {{WG_AGG_SUM, false, wide, WG_TYPE_INT},
                                       {WG_AGG_MAX, false, slot(3, WG_TYPE_STRING), WG_TYPE_STRING},
                                       {WG_AGG_COUNT, false, slot(2, WG_TYPE_FLOAT), WG_TYPE_INT}};
    wg_plan *plan = grouped_plan(scan_plan(), 3, keys, 3, aggregates);
    const wg_exec_context context = context_with(2, 2048);
    wg_rows *rows = NULL;
    assert_int_equal(wg_exec_run(plan, &context, &rows, NULL), WG_OK);
    assert_int_equal(wg_rows_count(rows), NODES);
    for (uint64_t r = 0; r < NODES; r++) {
        const int64_t i = (int64_t)(r * 7919 % 1009) - 500;
        const wg_value key = wg_rows_cell(rows, r, 1);
        const wg_value sum = wg_rows_cell(rows, r, 3);
        const wg_value is_three = wg_rows_cell(rows, r, 2);
        assert_int_equal(wg_rows_cell(rows, r, 0).as.id, r);
        if (key.type == WG_TYPE_NULL) continue;
        assert_int_equal(key.as.i, i * (int64_t)(r / 60000) * INT64_C(10000000000));
        assert_int_equal(sum.as.i, key.as.i);
        assert_int_equal(is_three.as.b, i == 3);
    }
    wg_rows_destroy(rows);
    uint32_t spilled;
    uint32_t refused;
    limits_quick = true;
    check_limits(few(plan), limits_of_test, 10, &spilled, &refused);
    limits_quick = false;
}

/* Goal: groups, states and their order are the same whatever the memory. */
static void test_groups_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_many_nodes();
    expect_equal_rows(few(by_id()));
}

/* Goal: DISTINCT keeps the first rows in their order whatever the memory. */
static void test_distinct_rows_are_the_same_for_every_limit(void **state) {
    (void)state;
    use_many_nodes();
    wg_plan *rows = project(scan_plan(), slot(3, WG_TYPE_STRING), slot(1, WG_TYPE_INT), slot(0, WG_TYPE_NODE));
    expect_equal_rows(few(plan_new(WG_PLAN_DISTINCT, rows)));
}

/* Goal: aggregates of DISTINCT values are those of a loop, and the same for every memory, threads and batch size. */
static void test_aggregates_of_distinct_values(void **state) {
    (void)state;
    use_many_nodes();
    wg_expr *keys[] = {slot(3, WG_TYPE_STRING)};
    wg_expr *arg = slot(1, WG_TYPE_INT);
    const wg_aggregate aggregates[] = {{WG_AGG_COUNT, true, arg, WG_TYPE_INT},
                                       {WG_AGG_SUM, true, arg, WG_TYPE_INT},
                                       {WG_AGG_COLLECT, true, arg, WG_TYPE_LIST}};
    wg_rows *rows = run_everywhere(grouped_plan(scan_plan(), 1, keys, 3, aggregates), NULL);
    assert_int_equal(wg_rows_count(rows), 17);
    for (uint64_t r = 0; r < 17; r++) {
        const wg_value key = wg_rows_cell(rows, r, 0);
        const wg_value list = wg_rows_cell(rows, r, 3);
        bool seen[1009] = {false};
        int64_t count = 0;
        int64_t sum = 0;
        for (uint64_t n = 0; n < NODES; n++) {
            const wg_value name = fake_property(n, 2);
            if (!wg_value_equivalent(&name, &key) || seen[fake_i(n) + 500]) continue;
            seen[fake_i(n) + 500] = true;
            assert_true((uint32_t)count < list.size);
            assert_int_equal(list.as.list[count++].as.i, fake_i(n)); /* in the order of first rows */
            sum += fake_i(n);
        }
        assert_int_equal(wg_rows_cell(rows, r, 1).as.i, count);
        assert_int_equal(wg_rows_cell(rows, r, 2).as.i, sum);
        assert_int_equal(list.size, count);
    }
    wg_rows_destroy(rows);
    wg_expr *id = slot(0, WG_TYPE_NODE);
    const wg_aggregate ids = {WG_AGG_COUNT, true, id, WG_TYPE_INT};
    expect_equal_rows(grouped_plan(scan_plan(), 1, keys, 1, &ids));
}

/* ---- failures */

static const uint64_t tight[2] = {9 << 20, 14 << 20}; /* for a sort, for groups of many aggregates */

static wg_exec_context tight_context(wg_account *account, uint32_t threads, uint64_t limit) {
    wg_account_init(account, &test_account, limit);
    wg_exec_context context = context_with(threads, 2048);
    context.account = account;
    return context;
}

static uint64_t hash_of(const wg_rows *rows) {
    uint64_t hash = wg_rows_count(rows);
    for (uint64_t r = 0; r < wg_rows_count(rows); r++)
        for (uint32_t c = 0; c < wg_rows_column_count(rows); c++) {
            const wg_value v = wg_rows_cell(rows, r, c);
            hash = hash * 31 + wg_value_hash(&v);
        }
    return hash;
}

/* Goal: whichever call of the platform fails, and however, the query ends with an error of I/O and nothing stays behind. */
static void test_every_call_of_the_disk_may_fail(void **state) {
    (void)state;
    use_many_nodes();
    const wg_plan *plans[] = {few(sorted_plan(scan_plan(), 2, WG_TYPE_FLOAT, true)), few(by_id())};
    static const wg_fault_kind kinds[] = {WG_FAULT_EIO, WG_FAULT_ENOSPC, WG_FAULT_SHORT_WRITE};
    wg_platform *faulty = NULL;
    wg_error err = {0};
    assert_int_equal(wg_platform_fault_create(wg_platform_real(), &faulty, &err), WG_OK);
    fake_engine_value.platform = faulty;
    for (uint32_t p = 0; p < 2; p++) {
        uint64_t expected = 0;
        for (uint64_t n = 0, failed = 1; failed != 0; n = n < 12 ? n + 1 : n + n / (wg_test_small() ? 1 : 3)) {
            wg_account account;
            const wg_exec_context context = tight_context(&account, 1, tight[p]);
            wg_rows *rows = NULL;
            err = (wg_error){0};
            wg_platform_fault_arm(faulty, n, kinds[n % 3], n % 2 == 0);
            const wg_code code = wg_exec_run(plans[p], &context, &rows, &err);
            wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
            if (n == 0) {
                assert_int_equal(code, WG_OK);
                expected = hash_of(rows);
            } else if (code == WG_OK) {
                assert_true(hash_of(rows) == expected);
                failed = n < 12; /* past the last call */
            } else {
                assert_int_equal(code, WG_E_IO);
                assert_null(rows);
            }
            wg_rows_destroy(rows);
            assert_int_equal(wg_account_bytes(&account), 0);
        }
    }
    fake_engine_value.platform = wg_platform_real();
    wg_platform_fault_destroy(faulty);
}

static wg_platform_ops flipping_ops;
static uint64_t flip_at; /* the read that gives a wrong byte */
static _Atomic uint64_t reads;

static wg_code flipping_read(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                             size_t *out_read, wg_error *err) {
    (void)self;
    wg_platform *real = wg_platform_real();
    WG_TRY(real->ops->read_at(real, file, offset, data, size, out_read, err));
    if (atomic_fetch_add(&reads, 1) == flip_at) ((uint8_t *)data)[*out_read / 2] ^= 4;
    return WG_OK;
}

/* Goal: a disk that gives other bytes than were written is found out, never answered from. */
static void test_wrong_bytes_are_corruption(void **state) {
    (void)state;
    use_many_nodes();
    const wg_plan *plan = few(sorted_plan(scan_plan(), 3, WG_TYPE_STRING, false));
    flipping_ops = *wg_platform_real()->ops;
    flipping_ops.read_at = flipping_read;
    wg_platform flipping = {&flipping_ops};
    fake_engine_value.platform = &flipping;
    for (flip_at = 0; flip_at < 20; flip_at += 3) {
        wg_account account;
        const wg_exec_context context = tight_context(&account, 1, tight[0]);
        wg_rows *rows = NULL;
        wg_error err = {0};
        atomic_store(&reads, 0);
        if (wg_exec_run(plan, &context, &rows, &err) != WG_E_CORRUPT)
            fail_msg("%u %s", (unsigned)flip_at, err.message);
        assert_non_null(strstr(err.message, "temporary file"));
        assert_int_equal(wg_account_bytes(&account), 0);
    }
    fake_engine_value.platform = wg_platform_real();
}

/* Goal: no allocation that fails while rows are in files leaks or changes an answer. */
static void test_allocations_may_fail_while_spilling(void **state) {
    (void)state;
    use_many_nodes();
    const wg_plan *plans[] = {few(sorted_plan(scan_plan(), 2, WG_TYPE_FLOAT, true)), few(by_id())};
    for (uint32_t p = 0; p < 2; p++) {
        uint64_t expected = 0;
        for (uint64_t n = 0;; n += 1 + n / (wg_test_small() ? 1 : 4)) {
            wg_account account;
            const wg_exec_context context = tight_context(&account, 1, tight[p]);
            wg_rows *rows = NULL;
            wg_error err = {0};
            wg_memory_fail_at(n, false);
            const wg_code code = wg_exec_run(plans[p], &context, &rows, &err);
            wg_memory_fail_at(0, false);
            if (code == WG_OK && n == 0) expected = hash_of(rows);
            if (code == WG_OK) assert_true(hash_of(rows) == expected); /* a cache may do without */
            else assert_true(code == WG_E_NOMEM || code == WG_E_LIMIT);
            wg_rows_destroy(rows);
            assert_int_equal(wg_account_bytes(&account), 0);
            if (n > 4000000) return;
        }
    }
}

/* Goal: the cap of temporary files ends the query with its own message. */
static void test_temporary_files_have_a_cap(void **state) {
    (void)state;
    use_many_nodes();
    wg_account account;
    wg_exec_context context = tight_context(&account, 1, tight[0]);
    context.spill_bytes_max = 300000;
    wg_rows *rows = NULL;
    wg_error err = {0};
    assert_int_equal(wg_exec_run(few(sorted_plan(scan_plan(), 2, WG_TYPE_FLOAT, true)), &context, &rows, &err),
                     WG_E_LIMIT);
    assert_non_null(strstr(err.message, "spill_bytes_max"));
    assert_int_equal(wg_account_bytes(&account), 0);
}

/* Goal: a block gives back every kind of cell, and no changed byte of it is believed. */
static void test_blocks_keep_cells_and_refuse_changes(void **state) {
    (void)state;
    static const wg_type types[] = {WG_TYPE_BOOL, WG_TYPE_INT,  WG_TYPE_FLOAT, WG_TYPE_STRING,
                                    WG_TYPE_NODE, WG_TYPE_DATE, WG_TYPE_ANY,   WG_TYPE_LIST};
    enum { COLUMNS = 8, ROWS = 37 };
    wg_rows *rows = NULL;
    wg_rows *again = NULL;
    wg_error err = {0};
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    assert_int_equal(wgi_rows_create(types, COLUMNS, &test_account, &rows, &err), WG_OK);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t c = 0; c < COLUMNS; c++) {
            wg_value items[2] = {wg_value_int(r), wg_value_str(wg_slice_str(fake_names[r % 16]))};
            wg_value v = c == 0 ? wg_value_bool(r % 2 == 0) : c == 2 ? wg_value_float(r / 8.0) : wg_value_int(r - 9);
            if (c == 3) v = items[1];
            if (c == 4 || c == 5) v.type = (uint8_t)types[c];
            if (c == 6 && r % 3 == 0) v = wg_value_float(-0.0);
            if (c == 7) v = (wg_value){.type = WG_TYPE_LIST, .size = 2, .as.list = items};
            if ((r + c) % 5 == 0) v = wg_value_null();
            assert_true(wg_column_append_value(&rows->columns[c], &v));
        }
    rows->row_count = ROWS;
    wg_vector views[COLUMNS];
    for (uint32_t c = 0; c < COLUMNS; c++) views[c] = wg_column_view(&rows->columns[c]);
    const wgi_spill_rows all = {views, COLUMNS, NULL, 0, ROWS};
    assert_int_equal(wgi_spill_encode(&all, 96, &bytes, &err), WG_OK);
    assert_int_equal(wgi_spill_decode(wg_buf_slice(&bytes), 96, types, COLUMNS, &test_account, &again, &err), WG_OK);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t c = 0; c < COLUMNS; c++) {
            const wg_value a = wg_rows_cell(rows, r, c);
            const wg_value b = wg_rows_cell(again, r, c);
            assert_int_equal(a.type, b.type);
            assert_true(wg_value_equivalent(&a, &b));
        }
    wg_rows_destroy(again);
    wg_rows_destroy(rows);
    for (size_t i = 0; i < bytes.size; i++) {
        bytes.data[i] ^= 16;
        assert_int_equal(wgi_spill_decode(wg_buf_slice(&bytes), 96, types, COLUMNS, &test_account, &again, &err),
                         WG_E_CORRUPT);
        bytes.data[i] ^= 16;
        assert_int_equal(
            wgi_spill_decode(wg_slice_of(bytes.data, i), 96, types, COLUMNS, &test_account, &again, &err),
            WG_E_CORRUPT);
    }
    assert_int_equal(wgi_spill_decode(wg_buf_slice(&bytes), 97, types, COLUMNS, &test_account, &again, &err),
                     WG_E_CORRUPT);
    wg_buf_deinit(&bytes);
}

/* Goal: a sum that went through bytes goes on as if it had not. */
static void test_sums_survive_their_bytes(void **state) {
    (void)state;
    wg_rng rng;
    wg_error err = {0};
    wg_rng_init(&rng, 5);
    for (uint32_t i = 0; i < 200; i++) {
        wgi_float_sum plain = {0};
        wgi_float_sum through = {0};
        wgi_float_sum back = {0};
        wg_buf bytes;
        wg_buf_init(&bytes, NULL);
        const uint64_t terms = wg_rng_below(&rng, 40);
        for (uint64_t k = 0; k < terms; k++) {
            double v = wg_f64_of_bits(wg_rng_next(&rng));
            if (i % 3 != 0) v = (double)wg_rng_below(&rng, 1000000) / 7 - 70000;
            assert_true(wgi_float_sum_add(&plain, v, &test_account));
            assert_true(wgi_float_sum_add(&through, v, &test_account));
        }
        assert_int_equal(wgi_float_sum_encode(&through, &test_account, &bytes, &err), WG_OK);
        assert_int_equal(wgi_float_sum_decode(wg_buf_slice(&bytes), &test_account, &back, &err), WG_OK);
        assert_true(wgi_float_sum_merge(&back, &plain, &test_account));
        assert_true(wgi_float_sum_merge(&plain, &through, &test_account));
        assert_true(wg_bits_of_f64(wgi_float_sum_value(&back)) == wg_bits_of_f64(wgi_float_sum_value(&plain)));
        wgi_float_sum_deinit(&plain);
        wgi_float_sum_deinit(&through);
        wgi_float_sum_deinit(&back);
        wg_buf_deinit(&bytes);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, exec_test_setup, exec_test_teardown)
    const struct CMUnitTest tests[] = {
        T(test_blocks_keep_cells_and_refuse_changes),
        T(test_sums_survive_their_bytes),
        T(test_sorts_give_the_same_rows_for_every_limit),
        T(test_groups_are_the_same_for_every_limit),
        T(test_dealt_groups_are_the_same_for_every_limit),
        T(test_dealt_records_are_widened),
        T(test_distinct_rows_are_the_same_for_every_limit),
        T(test_aggregates_of_distinct_values),
        T(test_every_call_of_the_disk_may_fail),
        T(test_wrong_bytes_are_corruption),
        T(test_allocations_may_fail_while_spilling),
        T(test_temporary_files_have_a_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
