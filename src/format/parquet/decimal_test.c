/* Goal: a decimal is the nearest double, and exact only where the shortest text of that double is the decimal. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/core/test_seed.h"
#include "base/text/text.h"
#include "format/parquet/parquet_internal.h"

/* Big-endian two's complement of a decimal text, in `size` bytes. */
static wg_slice bytes_of(const char *text, uint8_t *out, size_t size) {
    const bool negative = *text == '-';
    memset(out, 0, size);
    for (text += negative; *text != '\0'; text++) {
        uint32_t carry = (uint32_t)(*text - '0');
        for (size_t i = size; i-- > 0;) {
            carry += 10u * out[i];
            out[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    uint32_t carry = 1;
    for (size_t i = size; negative && i-- > 0;) {
        carry += (uint8_t)~out[i];
        out[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return wg_slice_of(out, size);
}

static void expect(const char *unscaled, uint32_t scale, double wanted, bool exact) {
    uint8_t bytes[64];
    for (size_t size = 20; size <= 60; size += 40) { /* sign bytes in front change nothing */
        double got = -1;
        bool is_exact = !exact;
        assert_true(wgi_parquet_decimal_float(bytes_of(unscaled, bytes, size), scale, &got, &is_exact));
        if (wg_bits_of_f64(got) != wg_bits_of_f64(wanted) || is_exact != exact)
            fail_msg("%s / 10^%u gave %.17g, %d", unscaled, scale, got, is_exact);
    }
}

/* Goal: short decimals of any scale, long ones that happen to be doubles, and ones that are none. */
static void test_decimals_are_exact_or_not(void **state) {
    (void)state;
    expect("0", 0, 0.0, true);
    expect("0", 30, 0.0, true);
    expect("125", 2, 1.25, true);
    expect("-1", 2, -0.01, true);
    expect("999999999999999", 7, 99999999.9999999, true);
    expect("-999999999999999", 0, -999999999999999.0, true);
    expect("1000000000000000", 15, 1.0, true);
    expect("12300000000000000000000000000000000000", 0, 1.23e37, true);
    expect("9007199254740993", 0, 9007199254740992.0, false);
    expect("9007199254740992", 0, 9007199254740992.0, true);
    expect("12345678901234567", 1, 1234567890123456.8, false);
    expect("12345678901234568", 1, 1234567890123456.8, true);
    expect("99999999999999999999999999999999999999", 0, 1e38, false);
    expect("-170141183460469231731687303715884105728", 0, -170141183460469231731687303715884105728.0, false);
    expect("1", 300, 1e-300, true);
    expect("1", 400, 0.0, false);
}

/* Goal: whatever has up to 15 digits comes back exactly, from every number of bytes. */
static void test_fifteen_digits_are_always_exact(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(31));
    const int rounds = wg_test_small() ? 3000 : 30000;
    for (int i = 0; i < rounds; i++) {
        uint64_t limit = 10;
        for (uint64_t d = wg_rng_below(&rng, 15); d > 0; d--) limit *= 10;
        const int64_t v = (int64_t)wg_rng_below(&rng, limit) * (wg_rng_below(&rng, 2) == 0 ? 1 : -1);
        const uint32_t scale = (uint32_t)wg_rng_below(&rng, 39);
        uint8_t be[8];
        char text[64];
        double got = 0;
        double wanted = 0;
        bool exact = false;
        snprintf(text, sizeof text, "%llde-%u", (long long)v, scale);
        assert_true(wg_parse_f64(wg_slice_str(text), &wanted));
        assert_true(wgi_parquet_decimal_float(wgi_parquet_decimal_bytes(v, be), scale, &got, &exact));
        if (!exact || got != wanted)
            fail_msg("%s gave %.17g (WG_SEED=%llu)", text, got, (unsigned long long)wg_test_seed(31));
    }
}

/* Goal: whole numbers fit 64 bits or are refused; bytes without end cost nothing. */
static void test_whole_decimals_fit_or_not(void **state) {
    (void)state;
    uint8_t bytes[64];
    int64_t v = 0;
    double f = 0;
    bool exact = true;
    assert_true(wgi_parquet_decimal_int(bytes_of("-9223372036854775808", bytes, 16), &v));
    assert_true(v == INT64_MIN);
    assert_true(wgi_parquet_decimal_int(bytes_of("9223372036854775807", bytes, 9), &v));
    assert_true(v == INT64_MAX);
    assert_false(wgi_parquet_decimal_int(bytes_of("9223372036854775808", bytes, 16), &v));
    assert_true(wgi_parquet_decimal_int(bytes_of("-1", bytes, 1), &v));
    assert_int_equal(v, -1);
    static uint8_t huge[100000];
    memset(huge, 0x55, sizeof huge);
    assert_false(wgi_parquet_decimal_float(wg_slice_of(huge, sizeof huge), 2, &f, &exact));
    memset(huge, 0xff, sizeof huge);
    assert_true(wgi_parquet_decimal_float(wg_slice_of(huge, sizeof huge), 2, &f, &exact));
    assert_true(f == -0.01 && exact);
    memset(huge, 0x7f, 160);
    assert_false(wgi_parquet_decimal_float(wg_slice_of(huge, 160), 0, &f, &exact)); /* over every double */
    assert_true(wgi_parquet_decimal_float(wg_slice_of(huge, 160), 380, &f, &exact));
    assert_false(exact);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimals_are_exact_or_not),
        cmocka_unit_test(test_fifteen_digits_are_always_exact),
        cmocka_unit_test(test_whole_decimals_fit_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
