/* Tests of vectors and owned columns. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/column/column.h"

static void test_type_names_and_cells_cover_every_type(void **state) {
    /* Goal: every type has a name of its own and a physical cell; an unknown number is named so. */
    (void)state;
    for (int t = WG_TYPE_NULL; t <= WG_TYPE_ANY; t++) {
        assert_true(wg_physical_bytes(wg_type_physical((wg_type)t)) >= 1);
        for (int u = WG_TYPE_NULL; u < t; u++)
            assert_string_not_equal(wg_type_name((wg_type)t), wg_type_name((wg_type)u));
    }
    assert_string_equal(wg_type_name(WG_TYPE_ANY), "ANY");
    assert_string_equal(wg_type_name(WG_TYPE_DATE), "DATE");
    assert_string_equal(wg_type_name((wg_type)200), "UNKNOWN");
    assert_int_equal(wg_type_physical(WG_TYPE_EDGE), WG_PHYSICAL_ID);
    assert_int_equal(wg_type_physical(WG_TYPE_TIME), WG_PHYSICAL_VALUE);
}

static void test_datetime_cells_split_micros_downwards(void **state) {
    /* Goal: microseconds before 1970 become the second below and positive nanoseconds; both ends of the range hold. */
    (void)state;
    int64_t micros = 0;
    bool exact = true;
    const wg_value v = wg_value_of_micros(-1);
    assert_true(v.as.i == -1 && v.size == 999999000 && v.type == WG_TYPE_LOCAL_DATETIME);
    assert_true(wg_micros_of_datetime(-1, 999999999, &micros, &exact));
    assert_true(micros == -1 && !exact);
    const int64_t samples[] = {INT64_MIN + 1000000, -1000000, -999999, 0, 1, 1999999, INT64_MAX - 1000000};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const wg_value w = wg_value_of_micros(samples[i]);
        assert_true(wg_micros_of_datetime(w.as.i, w.size, &micros, &exact));
        assert_true(micros == samples[i] && exact);
    }
    assert_false(wg_micros_of_datetime(WG_SECONDS_MAX + 1, 0, &micros, NULL));
    assert_false(wg_micros_of_datetime(WG_SECONDS_MIN - 1, 0, &micros, NULL));
    assert_true(wg_micros_of_datetime(WG_SECONDS_MAX, 999999999, &micros, NULL) && micros > 0);
    assert_true(wg_micros_of_datetime(WG_SECONDS_MIN, 0, &micros, NULL) && micros < 0);
}

static void test_vectors_of_all_kinds_read_as_values(void **state) {
    /* Goal: FLAT, CONST and DICT vectors give the right cell and null for every row. */
    (void)state;
    const int64_t cells[3] = {10, 20, 30};
    const uint8_t valid = 0x5; /* rows 0 and 2 */
    const uint32_t codes[3] = {2, 0, 2};
    const wg_vector flat = {.type = WG_TYPE_INT, .kind = WG_VECTOR_FLAT, .valid = &valid, .data = cells};
    assert_int_equal(wg_vector_value(&flat, 0).as.i, 10);
    assert_int_equal(wg_vector_value(&flat, 1).type, WG_TYPE_NULL);
    assert_int_equal(wg_vector_value(&flat, 2).as.i, 30);
    const wg_vector constant = {.type = WG_TYPE_DATE, .kind = WG_VECTOR_CONST, .valid = &valid, .data = cells};
    assert_int_equal(wg_vector_value(&constant, 1000).as.i, 10);
    assert_int_equal(wg_vector_value(&constant, 1000).type, WG_TYPE_DATE);
    const wg_vector dict = {
        .type = WG_TYPE_INT, .kind = WG_VECTOR_DICT, .valid = &valid, .data = cells, .codes = codes, .dict_size = 3};
    assert_int_equal(wg_vector_value(&dict, 0).as.i, 30);
    assert_int_equal(wg_vector_value(&dict, 1).type, WG_TYPE_NULL);
    const uint64_t ids[1] = {UINT64_MAX};
    const wg_vector node = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = ids};
    assert_true(wg_vector_value(&node, 0).as.id == UINT64_MAX);
}

static void test_column_keeps_values_and_nulls_through_growth(void **state) {
    /* Goal: 5,000 rows with nulls at every third row read back, whether the first null comes early or late. */
    (void)state;
    for (uint32_t first_null = 0; first_null < 2000; first_null += 999) {
        wg_column c;
        wg_column_init(&c, WG_TYPE_INT, NULL, NULL);
        for (uint32_t i = 0; i < 5000; i++) {
            const bool null = i >= first_null && i % 3 == 0;
            assert_true(null ? wg_column_append_null(&c) : wg_column_append_i64(&c, (int64_t)i * 7));
        }
        const wg_vector v = wg_column_view(&c);
        assert_int_equal((uintptr_t)v.data % 64, 0);
        for (uint32_t i = 0; i < 5000; i++) {
            const bool null = i >= first_null && i % 3 == 0;
            const wg_value value = wg_vector_value(&v, i);
            assert_int_equal(value.type, null ? WG_TYPE_NULL : WG_TYPE_INT);
            if (!null) assert_int_equal(value.as.i, i * 7);
        }
        wg_column_clear(&c);
        assert_true(wg_column_append_i64(&c, 1));
        assert_null(wg_column_view(&c).valid);
        wg_column_deinit(&c);
    }
}

static void test_column_of_strings_copies_or_borrows(void **state) {
    /* Goal: with an arena the bytes are copied, without one they are borrowed. */
    (void)state;
    char text[4] = "abc";
    wg_arena arena;
    wg_column copy;
    wg_column borrow;
    wg_arena_init(&arena, NULL);
    wg_column_init(&copy, WG_TYPE_STRING, &arena, NULL);
    wg_column_init(&borrow, WG_TYPE_STRING, NULL, NULL);
    assert_true(wg_column_append_str(&copy, (wg_str){text, 3}) && wg_column_append_str(&borrow, (wg_str){text, 3}));
    assert_true(wg_column_append_str(&copy, (wg_str){NULL, 0}));
    text[0] = 'X';
    const wg_vector c = wg_column_view(&copy);
    const wg_vector b = wg_column_view(&borrow);
    wg_value v = wg_vector_value(&c, 0);
    assert_true(wg_slice_is(wg_value_slice(&v), "abc"));
    v = wg_vector_value(&b, 0);
    assert_true(wg_slice_is(wg_value_slice(&v), "Xbc"));
    v = wg_vector_value(&c, 1);
    assert_true(v.type == WG_TYPE_STRING && v.size == 0);
    wg_column_deinit(&copy);
    wg_column_deinit(&borrow);
    wg_arena_deinit(&arena);
}

static void test_column_takes_values_of_each_type(void **state) {
    /* Goal: values go in and come out equivalent for typed columns, for ANY columns, and INT into FLOAT columns. */
    (void)state;
    wg_value items[2] = {wg_value_int(1), wg_value_str(wg_slice_str("x"))};
    wg_value list = {.type = WG_TYPE_LIST, .size = 2};
    wg_value time = {.type = WG_TYPE_TIME, .size = 3600};
    wg_value node = {.type = WG_TYPE_NODE};
    list.as.list = items;
    time.as.i = 5;
    node.as.id = 9;
    const wg_value values[] = {wg_value_bool(true),
                               wg_value_int(-3),
                               wg_value_float(2.5),
                               list,
                               time,
                               node,
                               wg_value_of_micros(-5),
                               wg_value_str(wg_slice_str("s"))};
    wg_arena arena;
    wg_column any;
    wg_arena_init(&arena, NULL);
    wg_column_init(&any, WG_TYPE_ANY, &arena, NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        wg_column typed;
        wg_column_init(&typed, (wg_type)values[i].type, &arena, NULL);
        assert_true(wg_column_append_value(&typed, &values[i]) && wg_column_append_value(&any, &values[i]));
        const wg_vector t = wg_column_view(&typed);
        const wg_vector a = wg_column_view(&any);
        const wg_value x = wg_vector_value(&t, 0);
        const wg_value y = wg_vector_value(&a, (uint32_t)i);
        assert_true(wg_value_equivalent(&x, &values[i]) && x.type == values[i].type);
        assert_true(wg_value_equivalent(&y, &values[i]) && y.type == values[i].type);
        wg_column_deinit(&typed);
    }
    wg_column floats;
    wg_column_init(&floats, WG_TYPE_FLOAT, NULL, NULL);
    const wg_value five = wg_value_int(5);
    assert_true(wg_column_append_value(&floats, &five) && wg_column_append_i64(&floats, 6));
    const wg_vector f = wg_column_view(&floats);
    assert_true(wg_vector_value(&f, 0).as.f == 5.0 && wg_vector_value(&f, 1).as.f == 6.0);
    wg_column_deinit(&floats);
    wg_column_deinit(&any);
    wg_arena_deinit(&arena);
}

static void test_cells_move_between_columns(void **state) {
    /* Goal: append_cell copies typed cells, nulls, dictionary rows, and typed cells into ANY. */
    (void)state;
    wg_column from;
    wg_column to;
    wg_column any;
    const wg_type types[] = {WG_TYPE_BOOL, WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_EDGE};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        wg_column_init(&from, types[t], NULL, NULL);
        wg_column_init(&to, types[t], NULL, NULL);
        wg_column_init(&any, WG_TYPE_ANY, NULL, NULL);
        wg_value v = {.type = (uint8_t)types[t]};
        if (types[t] == WG_TYPE_STRING) v = wg_value_str(wg_slice_str("q"));
        assert_true(wg_column_append_value(&from, &v) && wg_column_append_null(&from));
        const wg_vector view = wg_column_view(&from);
        for (uint32_t row = 0; row < 2; row++)
            assert_true(wg_column_append_cell(&to, &view, row) && wg_column_append_cell(&any, &view, row));
        const wg_vector x = wg_column_view(&to);
        const wg_vector y = wg_column_view(&any);
        for (uint32_t row = 0; row < 2; row++) {
            const wg_value a = wg_vector_value(&view, row);
            const wg_value b = wg_vector_value(&x, row);
            const wg_value c = wg_vector_value(&y, row);
            assert_true(wg_value_equivalent(&a, &b) && wg_value_equivalent(&a, &c));
        }
        wg_column_deinit(&from);
        wg_column_deinit(&to);
        wg_column_deinit(&any);
    }
}

static void test_refused_memory_leaves_the_column_as_it_was(void **state) {
    /* Goal: whichever allocation fails while appending, the append answers false, and what was there reads back. */
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        wg_account account;
        wg_column c;
        wg_account_init(&account, NULL, 0);
        wg_column_init(&c, WG_TYPE_INT, NULL, &account);
        for (int64_t i = 0; i < 64; i++) assert_true(wg_column_append_i64(&c, i));
        wg_memory_fail_at(n, true);
        uint32_t added = 0;
        bool ok = true;
        while (ok && added < 200) {
            ok = added % 2 == 0 ? wg_column_append_null(&c) : wg_column_append_i64(&c, 64 + added);
            added += ok;
        }
        wg_memory_fail_at(0, false);
        assert_false(ok && n < 4);
        assert_int_equal(c.row_count, 64 + added);
        const wg_vector v = wg_column_view(&c);
        for (uint32_t i = 0; i < 64; i++) assert_int_equal(wg_vector_value(&v, i).as.i, i);
        assert_true(wg_column_append_null(&c) && wg_column_append_i64(&c, 1));
        wg_column_deinit(&c);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_names_and_cells_cover_every_type),
        cmocka_unit_test(test_datetime_cells_split_micros_downwards),
        cmocka_unit_test(test_vectors_of_all_kinds_read_as_values),
        cmocka_unit_test(test_column_keeps_values_and_nulls_through_growth),
        cmocka_unit_test(test_column_of_strings_copies_or_borrows),
        cmocka_unit_test(test_column_takes_values_of_each_type),
        cmocka_unit_test(test_cells_move_between_columns),
        cmocka_unit_test(test_refused_memory_leaves_the_column_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
