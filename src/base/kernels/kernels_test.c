/* Tests of the kernels: the reference against answers worked out by hand, every variant that this machine can run against the
 * reference, and the choice of a variant. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "base/digest/digest.h"
#include "base/kernels/kernels_compare.h"

static void compare_with_reference(wg_isa isa) {
    const uint64_t seed = wg_test_seed(51 + (uint64_t)isa);
    cmp_run run = {.reference = wg_kernels_of(WG_ISA_SCALAR), .variant = wg_kernels_of(isa)};
    if (run.variant == NULL) {
        print_message("%s cannot run here\n", wg_isa_name(isa));
        skip();
    }
    cmp_all(&run, seed);
    if (run.failure[0] != 0) fail_msg("%s (seed %llu)", run.failure, (unsigned long long)seed);
    assert_true(run.checks > CMP_ROWS * CMP_FLUSH * 50);
}

static void test_avx2_gives_the_bits_of_the_reference(void **state) {
    /* Goal: AVX2 equals the reference at every length and alignment, and touches nothing else. */
    (void)state;
    compare_with_reference(WG_ISA_AVX2);
}

static void test_avx512_gives_the_bits_of_the_reference(void **state) {
    /* Goal: AVX-512 equals the reference at every length and alignment, and touches nothing else. */
    (void)state;
    compare_with_reference(WG_ISA_AVX512);
}

static void test_neon_gives_the_bits_of_the_reference(void **state) {
    /* Goal: NEON equals the reference at every length and alignment, and touches nothing else. */
    (void)state;
    compare_with_reference(WG_ISA_NEON);
}

static void test_comparison_of_variants_finds_a_wrong_kernel(void **state) {
    /* Goal: the comparison can fail: a table with one wrong kernel is caught. */
    (void)state;
    wg_kernels wrong = *wg_kernels_of(WG_ISA_SCALAR);
    wrong.mask_and = wg_kernels_of(WG_ISA_SCALAR)->mask_or;
    cmp_run run = {.reference = wg_kernels_of(WG_ISA_SCALAR), .variant = &wrong};
    cmp_all(&run, 1);
    assert_non_null(strstr(run.failure, "mask_and of scalar"));
}

static void test_reference_compares_as_defined(void **state) {
    /* Goal: NaN is unequal to all and neither below nor above; zeros are equal; integers are signed, codes unsigned. */
    (void)state;
    const wg_kernels *k = wg_kernels_of(WG_ISA_SCALAR);
    const double nan = wg_f64_of_bits(UINT64_C(0x7ff8000000000000));
    const double x[4] = {nan, -0.0, 1.0, -1.0};
    const uint8_t want_f64[WG_KERNEL_COMPARE_COUNT][4] = {{0, 1, 0, 0}, {1, 0, 1, 1}, {0, 0, 0, 1},
                                                          {0, 1, 0, 1}, {0, 0, 1, 0}, {0, 1, 1, 0}};
    const int64_t a[4] = {INT64_MIN, 0, 1, INT64_MAX};
    const uint8_t want_i64[WG_KERNEL_COMPARE_COUNT][4] = {{0, 1, 0, 0}, {1, 0, 1, 1}, {1, 0, 0, 0},
                                                          {1, 1, 0, 0}, {0, 0, 1, 1}, {0, 1, 1, 1}};
    const uint32_t u[4] = {0, 0x7fffffff, UINT32_C(0x80000000), UINT32_MAX};
    const uint8_t want_u32[WG_KERNEL_COMPARE_COUNT][4] = {{0, 0, 1, 0}, {1, 1, 0, 1}, {1, 1, 0, 0},
                                                          {1, 1, 1, 0}, {0, 0, 0, 1}, {0, 0, 1, 1}};
    for (uint32_t op = 0; op < WG_KERNEL_COMPARE_COUNT; op++) {
        uint8_t mask[4];
        k->compare_f64((wg_kernel_compare)op, x, 0.0, 4, mask);
        assert_memory_equal(mask, want_f64[op], 4);
        k->compare_i64((wg_kernel_compare)op, a, 0, 4, mask);
        assert_memory_equal(mask, want_i64[op], 4);
        k->compare_u32((wg_kernel_compare)op, u, UINT32_C(0x80000000), 4, mask);
        assert_memory_equal(mask, want_u32[op], 4);
        k->compare_f64((wg_kernel_compare)op, x, nan, 4, mask);
        assert_int_equal(k->mask_count(mask, 4), op == WG_KERNEL_NE ? 4 : 0);
    }
}

static void test_reference_sums_and_extremes_are_exact(void **state) {
    /* Goal: sums pass 64 bits both ways; of equal zeros the first is given; nothing but NaN has no extremes. */
    (void)state;
    const wg_kernels *k = wg_kernels_of(WG_ISA_SCALAR);
    const int64_t high[3] = {INT64_MAX, INT64_MAX, INT64_MAX};
    const int64_t low[3] = {INT64_MIN, INT64_MIN, INT64_MIN};
    wg_kernel_sum sum = k->sum_i64(high, 3);
    assert_true(sum.high == 1 && sum.low == UINT64_C(0x7ffffffffffffffd));
    sum = k->sum_i64(low, 3);
    assert_true(sum.high == -2 && sum.low == UINT64_C(0x8000000000000000));
    const double zeros[4] = {wg_f64_of_bits(UINT64_C(0x7ff8000000000000)), -0.0, 0.0, -0.0};
    double min = 7.0;
    double max = 7.0;
    assert_true(k->min_max_f64(zeros, 4, &min, &max));
    assert_true(wg_bits_of_f64(min) == wg_bits_of_f64(-0.0) && wg_bits_of_f64(max) == wg_bits_of_f64(-0.0));
    assert_true(k->min_max_f64(zeros + 2, 2, &min, &max));
    assert_true(wg_bits_of_f64(min) == 0 && wg_bits_of_f64(max) == 0);
    min = max = 7.0;
    assert_false(k->min_max_f64(zeros, 1, &min, &max));
    assert_true(min == 7.0 && max == 7.0);
}

static void test_reference_selects_hashes_and_intersects(void **state) {
    /* Goal: compaction keeps order; the hash is that of base/digest; common elements are found at their places. */
    (void)state;
    const wg_kernels *k = wg_kernels_of(WG_ISA_SCALAR);
    const uint8_t mask[6] = {0, 1, 1, 0, 0, 1};
    uint16_t sel[6];
    assert_int_equal(k->select(mask, 6, sel), 3);
    assert_true(sel[0] == 1 && sel[1] == 2 && sel[2] == 5);
    const uint16_t among[3] = {0, 2, 5};
    assert_int_equal(k->select_among(mask, among, 3, sel), 2);
    assert_true(sel[0] == 2 && sel[1] == 5);
    const uint64_t words[2] = {1, UINT64_MAX};
    uint64_t hashes[2];
    k->hash_u64(words, 2, false, hashes);
    assert_true(hashes[0] == wg_hash64_u64(1) && hashes[1] == wg_hash64_u64(UINT64_MAX));
    k->hash_u64(words, 2, true, hashes);
    assert_true(hashes[0] == wg_hash64_u64((wg_hash64_u64(1) * UINT64_C(0x9e3779b97f4a7c15)) ^ 1));
    const uint32_t a[4] = {1, 4, 6, 9};
    const uint32_t b[5] = {0, 4, 5, 9, 10};
    uint32_t at_a[4];
    uint32_t at_b[4];
    assert_int_equal(k->intersect_u32(a, 4, b, 5, at_a, at_b), 2);
    assert_true(at_a[0] == 1 && at_b[0] == 1 && at_a[1] == 3 && at_b[1] == 3);
}

static void test_variants_have_names_and_one_is_best(void **state) {
    /* Goal: names parse back; the best is one of those that run; an unknown name or number is refused. */
    (void)state;
    for (uint32_t i = 0; i < WG_ISA_COUNT; i++) {
        const wg_isa isa = (wg_isa)i;
        wg_isa parsed;
        assert_true(wg_isa_parse(wg_slice_str(wg_isa_name(isa)), &parsed));
        assert_int_equal(parsed, isa);
        const wg_kernels *k = wg_kernels_of(isa);
        if (k == NULL) continue;
        assert_int_equal(k->isa, isa);
        assert_string_equal(k->name, wg_isa_name(isa));
    }
    wg_isa untouched = WG_ISA_NEON;
    assert_false(wg_isa_parse(wg_slice_str("AVX2"), &untouched));
    assert_false(wg_isa_parse(wg_slice_str(""), &untouched));
    assert_int_equal(untouched, WG_ISA_NEON);
    assert_null(wg_kernels_of((wg_isa)77));
    assert_string_equal(wg_isa_name((wg_isa)77), "unknown");
    assert_ptr_equal(wg_kernels_best(), wg_kernels_of(wg_kernels_best()->isa));
    assert_ptr_equal(wg_kernels_best(), wg_kernels_best());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_compares_as_defined),
        cmocka_unit_test(test_reference_sums_and_extremes_are_exact),
        cmocka_unit_test(test_reference_selects_hashes_and_intersects),
        cmocka_unit_test(test_variants_have_names_and_one_is_best),
        cmocka_unit_test(test_comparison_of_variants_finds_a_wrong_kernel),
        cmocka_unit_test(test_avx2_gives_the_bits_of_the_reference),
        cmocka_unit_test(test_avx512_gives_the_bits_of_the_reference),
        cmocka_unit_test(test_neon_gives_the_bits_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
