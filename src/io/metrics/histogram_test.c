/* Tests of the histogram's buckets and quantiles. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/metrics/metrics.h"

/* Goal: of one value, whatever its size, every quantile is the value itself (the maximum caps the bucket). */
static void test_histogram_of_one_value_answers_it(void **state) {
    (void)state;
    static const uint64_t values[] = {0, 1, 2, 3, 4, 5, 7, 8, 1000, 123456789, (UINT64_C(1) << 40) + 5, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        wg_histogram h = {0};
        assert_int_equal(wg_histogram_quantile(&h, 0.5), 0);
        wg_histogram_add(&h, values[i]);
        assert_int_equal(wg_histogram_quantile(&h, 0), values[i]);
        assert_int_equal(wg_histogram_quantile(&h, 1), values[i]);
        assert_int_equal(h.count, 1);
        assert_int_equal(h.sum, values[i]);
    }
}

/* Goal: quantiles of 1..100,000 are at most a quarter above the exact ones, and never below. */
static void test_histogram_quantiles_are_within_a_quarter(void **state) {
    (void)state;
    static wg_histogram h;
    for (uint64_t v = 1; v <= 100000; v++) wg_histogram_add(&h, v);
    for (uint64_t percent = 1; percent <= 100; percent++) {
        const uint64_t exact = percent * 1000;
        const uint64_t got = wg_histogram_quantile(&h, (double)percent / 100);
        assert_true(got >= exact);
        assert_true(got <= exact + exact / 4);
    }
    assert_int_equal(h.max, 100000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_of_one_value_answers_it),
        cmocka_unit_test(test_histogram_quantiles_are_within_a_quarter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
