/* The superaccumulator: exact, the same in every order and grouping, with defined specials. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "base/core/test_seed.h"
#include "exec/exec_internal.h"

static double sum_of(const double *v, uint32_t n) {
    wgi_float_sum s = {0};
    for (uint32_t i = 0; i < n; i++) assert_true(wgi_float_sum_add(&s, v[i], NULL));
    const double r = wgi_float_sum_value(&s);
    wgi_float_sum_deinit(&s);
    return r;
}

static void assert_bits(double a, double b) { assert_int_equal(wg_bits_of_f64(a), wg_bits_of_f64(b)); }

/* Goal: sums whose exact value is known come out exact, where adding in order would lose it. */
static void test_sums_are_exact_where_plain_addition_is_not(void **state) {
    (void)state;
    assert_bits(sum_of((double[]){1e308, 1.0, -1e308}, 3), 1.0);
    assert_bits(sum_of((double[]){1e16, 1.0, 1.0, -1e16}, 4), 2.0);
    assert_bits(sum_of((double[]){0.1, 0.2, 0.3, -0.3, -0.2, -0.1}, 6), 0.0);
    assert_bits(sum_of((double[]){1e308, 1e308, -1e308, -1e308, 5e-324}, 5), 5e-324);
    assert_bits(sum_of((double[]){1.0, 0x1p-53}, 2), 1.0);                      /* a tie goes to even */
    assert_bits(sum_of((double[]){1.0, 0x1p-53, 0x1p-1074}, 3), 1.0 + 0x1p-52); /* just over the tie */
    assert_bits(sum_of((double[]){1.0 + 0x1p-52, 0x1p-53}, 2), 1.0 + 0x1p-51);
    assert_bits(sum_of((double[]){-1.0, -0x1p-53, -0x1p-1074}, 3), -(1.0 + 0x1p-52));
    assert_bits(sum_of(NULL, 0), 0.0);
    assert_bits(sum_of((double[]){-0.0, -0.0}, 2), 0.0);
    const double ten[10] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    assert_bits(sum_of(ten, 10), 1.0);
    assert_bits(sum_of((double[]){0x1.fffffffffffffp1023, 0x1.fffffffffffffp1023}, 2), INFINITY);
}

/* Goal: random multiples of 2^-40 are summed as a 128-bit integer sums them, rounded once. */
static void test_sums_equal_integer_sums(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(11));
    for (int round = 0; round < 300; round++) {
        wgi_float_sum s = {0};
        wg_i128 exact = 0;
        const uint64_t n = 1 + wg_rng_below(&rng, 5000);
        for (uint64_t i = 0; i < n; i++) {
            const uint32_t shift = (uint32_t)wg_rng_below(&rng, 40);
            int64_t m = (int64_t)(wg_rng_next(&rng) >> 11);
            if ((wg_rng_next(&rng) & 1) != 0) m = -m;
            exact += (wg_i128)m * (INT64_C(1) << shift);
            assert_true(wgi_float_sum_add(&s, ldexp((double)m, (int)shift - 40), NULL));
        }
        assert_bits(wgi_float_sum_value(&s),
                    exact == 0 ? 0.0 : ldexp((double)exact, -40)); /* the cast rounds to nearest even */
        wgi_float_sum_deinit(&s);
    }
}

/* Goal: any order and any grouping of terms of all magnitudes gives the same bits. */
static void test_order_and_grouping_change_no_bit(void **state) {
    (void)state;
    enum { N = 3000 };
    static double v[N];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    for (int round = 0; round < 60; round++) {
        const bool wide = round % 2 == 0;
        for (int i = 0; i < N; i++) {
            const uint64_t bits = wg_rng_next(&rng);
            v[i] = wide ? wg_f64_of_bits(bits) : wg_rng_unit(&rng) * 1000 - 500;
            if (!isfinite(v[i]) || fabs(v[i]) > 1e300) v[i] = 1.5;
        }
        const double want = sum_of(v, N);
        for (int i = N - 1; i > 0; i--) {
            const uint64_t k = wg_rng_below(&rng, (uint64_t)i + 1);
            const double t = v[i];
            v[i] = v[k];
            v[k] = t;
        }
        assert_bits(sum_of(v, N), want);
        wgi_float_sum total = {0};
        for (uint32_t i = 0; i < N;) { /* parts of random length, merged */
            wgi_float_sum part = {0};
            for (uint64_t n = wg_rng_below(&rng, 700); n > 0 && i < N; n--)
                assert_true(wgi_float_sum_add(&part, v[i++], NULL));
            assert_true(wgi_float_sum_merge(&total, &part, NULL));
            wgi_float_sum_deinit(&part);
        }
        assert_bits(wgi_float_sum_value(&total), want);
        wgi_float_sum_deinit(&total);
    }
}

/* Goal: many equal terms of one sign carry out of the window without loss. */
static void test_carries_leave_the_window(void **state) {
    (void)state;
    wgi_float_sum s = {0};
    for (int i = 0; i < 1 << 20; i++) assert_true(wgi_float_sum_add(&s, 0x1.fffffffffffffp100, NULL));
    assert_bits(wgi_float_sum_value(&s), 0x1.fffffffffffffp120);
    for (int i = 0; i < 70; i++) { /* doubling: 2^190 */
        const wgi_float_sum copy = s;
        if (copy.full != NULL) break;
        assert_true(wgi_float_sum_merge(&s, &copy, NULL));
    }
    assert_non_null(s.full);
    wgi_float_sum_deinit(&s);
    assert_true(wgi_float_sum_add_i128(&s, (wg_i128)1 << 100, NULL));
    assert_true(wgi_float_sum_add_i128(&s, -((wg_i128)1 << 100) - 3, NULL));
    assert_bits(wgi_float_sum_value(&s), -3.0);
    wgi_float_sum_deinit(&s);
}

/* Goal: NaN wins, opposite infinities are NaN, one infinity stays; a mean does not overflow where its sum does. */
static void test_specials_and_means(void **state) {
    (void)state;
    const uint64_t nan_bits = UINT64_C(0x7ff8000000000000);
    assert_int_equal(wg_bits_of_f64(sum_of((double[]){1, NAN, INFINITY}, 3)), nan_bits);
    assert_int_equal(wg_bits_of_f64(sum_of((double[]){-INFINITY, 1, INFINITY}, 3)), nan_bits);
    assert_bits(sum_of((double[]){1e300, INFINITY, 2}, 3), INFINITY);
    assert_bits(sum_of((double[]){-INFINITY, 2}, 2), -INFINITY);
    wgi_float_sum s = {0};
    for (int i = 0; i < 4; i++) assert_true(wgi_float_sum_add(&s, 1.5e308, NULL));
    assert_bits(wgi_float_sum_value(&s), INFINITY);
    assert_bits(wgi_float_sum_mean(&s, 4), 1.5e308);
    wgi_float_sum_deinit(&s);
}

/* Values of `binades` binades below 2^top, both signs, zeros, and now and then a special one. */
static double random_term(wg_rng *rng, uint64_t top, uint64_t binades, bool specials) {
    const uint64_t down = wg_min_u64(wg_rng_below(rng, binades), top);
    const uint64_t bits = wg_rng_next(rng);
    if (bits % 64 == 0) return bits % 128 == 0 ? 0.0 : -0.0;
    if (specials && bits % 1000 == 1) return bits % 2000 == 1 ? NAN : bits % 3000 == 1 ? INFINITY : -INFINITY;
    return wg_f64_of_bits((top - down) << 52 | (bits & UINT64_C(0x800fffffffffffff)));
}

enum { TERMS = 5000 };

static void check_array(wg_rng *rng, const wg_kernels *kernels, const double *v, uint32_t n) {
    wgi_float_sum s = {0};
    for (uint32_t i = 0; i < n;) { /* pieces of random length, so that windows meet blocks of all kinds */
        const uint32_t piece = (uint32_t)wg_min_u64(wg_rng_below(rng, 4000), n - i);
        assert_true(wgi_float_sum_add_array(&s, v + i, piece, kernels, NULL));
        i += piece;
    }
    assert_bits(wgi_float_sum_value(&s), sum_of(v, n));
    wgi_float_sum_deinit(&s);
}

static void check_groups(wg_rng *rng, const wg_kernels *kernels, const double *v, uint32_t n) {
    static uint32_t index[TERMS];
    static wgi_float_sum got[TERMS];
    static wgi_float_sum want[TERMS];
    const uint32_t groups = 1 + (uint32_t)wg_rng_below(rng, wg_rng_below(rng, 2) == 0 ? 8 : 700);
    memset(got, 0, sizeof got);
    memset(want, 0, sizeof want);
    for (uint32_t i = 0; i < n; i++) {
        index[i] = (uint32_t)wg_rng_below(rng, groups);
        assert_true(wgi_float_sum_add(&want[index[i]], v[i], NULL));
    }
    assert_true(wgi_float_sum_add_groups(got, index, v, n, kernels, NULL));
    for (uint32_t g = 0; g < groups; g++) {
        assert_bits(wgi_float_sum_value(&got[g]), wgi_float_sum_value(&want[g]));
        wgi_float_sum_deinit(&got[g]);
        wgi_float_sum_deinit(&want[g]);
    }
}

/* Goal: sums of whole arrays, one or by groups, have the bits of sums term by term, with every variant of the kernels, for terms of one
 * binade and of all, subnormal and near the largest, with and without specials. */
static void test_arrays_and_groups_add_as_single_terms_do(void **state) {
    (void)state;
    static double v[TERMS];
    static double parts[WG_KERNEL_SUM_PARTS];
    uint32_t whole = 0;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(23));
    for (int round = 0; round < 150; round++) {
        const uint64_t top = wg_rng_below(&rng, 4) == 0 ? wg_rng_below(&rng, 30) : 30 + wg_rng_below(&rng, 2016);
        const uint64_t binades = UINT64_C(1) << wg_rng_below(&rng, 12);
        const uint32_t n = (uint32_t)wg_rng_below(&rng, TERMS);
        for (uint32_t i = 0; i < n; i++) v[i] = random_term(&rng, top, binades, round % 8 == 0);
        whole += wg_kernels_best()->sum_f64(v, wg_min_size(n, WG_KERNEL_SUM_ROWS), parts) ? 1 : 0;
        for (uint32_t isa = 0; isa < WG_ISA_COUNT; isa++) {
            const wg_kernels *kernels = wg_kernels_of((wg_isa)isa);
            if (kernels == NULL) continue;
            check_array(&rng, kernels, v, n);
            check_groups(&rng, kernels, v, n);
        }
    }
    assert_true(whole > 50 && whole < 140); /* both ways were gone */
}

/* Goal: a block whose parts cancel, or fill every place that a part has, is exact at the edge of what parts can hold. */
static void test_blocks_at_the_edge_of_their_parts_are_exact(void **state) {
    (void)state;
    static double v[WG_KERNEL_SUM_ROWS];
    for (int low = 20; low <= 130; low++) {
        for (uint32_t i = 0; i < WG_KERNEL_SUM_ROWS; i++) {
            v[i] = 0x1.fffffffffffffp0 * ((i & 1) != 0 && low > 100 ? -1 : 1);
            if (i % 3 == 0) v[i] = ldexp(0x1.fffffffffffffp0, -low);
        }
        wgi_float_sum s = {0};
        assert_true(wgi_float_sum_add_array(&s, v, WG_KERNEL_SUM_ROWS, NULL, NULL));
        assert_bits(wgi_float_sum_value(&s), sum_of(v, WG_KERNEL_SUM_ROWS));
        wgi_float_sum_deinit(&s);
    }
}

/* Goal: typical terms stay in the window, whichever part of them is merged with which. */
static void test_typical_sums_allocate_nothing(void **state) {
    (void)state;
    static double v[TERMS];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(29));
    wgi_float_sum total = {0};
    for (int task = 0; task < 40; task++) {
        wgi_float_sum part = {0};
        for (uint32_t i = 0; i < TERMS; i++) v[i] = task == 0 ? (double)i : wg_rng_unit(&rng) * 2000 - 1000;
        assert_true(wgi_float_sum_add_array(&part, v, TERMS, NULL, NULL));
        assert_true(wgi_float_sum_merge(&total, &part, NULL));
        assert_null(part.full);
    }
    assert_null(total.full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_exact_where_plain_addition_is_not),
        cmocka_unit_test(test_sums_equal_integer_sums),
        cmocka_unit_test(test_order_and_grouping_change_no_bit),
        cmocka_unit_test(test_carries_leave_the_window),
        cmocka_unit_test(test_specials_and_means),
        cmocka_unit_test(test_arrays_and_groups_add_as_single_terms_do),
        cmocka_unit_test(test_blocks_at_the_edge_of_their_parts_are_exact),
        cmocka_unit_test(test_typical_sums_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
