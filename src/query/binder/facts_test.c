/* What plans are kept by: rounded numbers, shapes of parameters, names of parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/binder/binder.h"

/* Goal: small counts are exact, large ones off by a sixteenth at most, and larger numbers never round to smaller ones. */
static void test_facts_round_to_four_bits(void **state) {
    (void)state;
    double before = 0;
    for (uint32_t i = 0; i < 16; i++) assert_true(wgi_rounded(i) == i);
    for (double x = 16; x < 1e12; x = x * 1.013 + 1) {
        const double r = wgi_rounded(x);
        assert_true(r >= before);
        assert_true(r - x <= x / 16 && x - r <= x / 16);
        assert_true(wgi_rounded(r) == r);
        before = r;
    }
    assert_true(wgi_rounded(1.0) == 1.0);
    assert_true(wgi_rounded(-1.0) == 0);
    assert_true(wgi_rounded(0.0001) > 0);
}

static wg_value list_of(const wg_value *items, uint32_t size) {
    wg_value list = {.type = WG_TYPE_LIST, .size = size};
    list.as.list = items;
    return list;
}

/* Goal: values of one type have one shape; lists are told apart by the types of their elements and by size, roughly. */
static void test_facts_shapes_leave_values_out(void **state) {
    (void)state;
    const wg_value one = wg_value_int(1), two = wg_value_int(2), half = wg_value_float(0.5);
    assert_true(wgi_param_shape(&one) == wgi_param_shape(&two));
    assert_true(wgi_param_shape(&one) != wgi_param_shape(&half));
    wg_value items[9];
    for (int i = 0; i < 9; i++) items[i] = wg_value_int(i);
    const wg_value empty = list_of(items, 0), five = list_of(items, 5), eight = list_of(items, 8),
                   nine = list_of(items, 9);
    assert_true(wgi_param_shape(&five) == wgi_param_shape(&eight));
    assert_true(wgi_param_shape(&eight) != wgi_param_shape(&nine));
    assert_true(wgi_param_shape(&empty) != wgi_param_shape(&five));
    assert_int_equal(wgi_list_size(&five), 8);
    assert_int_equal(wgi_list_size(&empty), 0);
    const uint64_t numbers = wgi_param_shape(&five);
    items[2] = half;
    assert_true(wgi_param_shape(&five) != numbers);
}

/* Goal: each name has one number, in the order of first use, up to the limit. */
static void test_params_are_found_by_name(void **state) {
    (void)state;
    wgi_params params = {0};
    wg_arena arena;
    char name[16];
    wg_arena_init(&arena, NULL);
    assert_int_equal(wgi_params_find(&params, wg_slice_str("a")), UINT32_MAX);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < WGI_PARAMS_MAX; i++) {
            snprintf(name, sizeof name, "p%u", i);
            assert_true(wgi_params_add(&params, &arena, wg_slice_str(name)));
            assert_int_equal(wgi_params_find(&params, wg_slice_str(name)), i);
        }
    assert_int_equal(params.count, WGI_PARAMS_MAX);
    assert_false(wgi_params_add(&params, &arena, wg_slice_str("one more")));
    assert_int_equal(wgi_params_find(&params, wg_slice_str("one more")), UINT32_MAX);
    assert_string_equal(params.names[77], "p77");
    wg_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_round_to_four_bits),
        cmocka_unit_test(test_facts_shapes_leave_values_out),
        cmocka_unit_test(test_params_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
