/* For tests only: holds a variant of the kernels against the reference, bit for bit. Used by kernels_test.c and by the plain program of
 * tests/neon, which runs on another processor without a test library.
 *
 * Each kernel runs twice over the same bytes, once by the reference, once by the variant, into two buffers that began alike; then the
 * whole buffers must be alike, so that a byte written outside of the output shows. Inputs stand at every offset of 0 to 63, with random
 * bytes around them, and once at the very end of their array, where AddressSanitizer sees a read beyond. */
#ifndef WG_BASE_KERNELS_COMPARE_H
#define WG_BASE_KERNELS_COMPARE_H

#include <stdio.h>

#include "base/kernels/kernels_values.h"

static uint8_t cmp_in_a[CMP_ROOM], cmp_in_b[CMP_ROOM], cmp_in_c[CMP_ROOM];
static uint8_t cmp_want[CMP_ROOM], cmp_got[CMP_ROOM], cmp_pattern[CMP_ROOM];
static char cmp_text[1 << 16];

/* Where an array of `bytes` begins in a room. */
static size_t cmp_place(const cmp_run *run, size_t bytes) {
    return run->shift == CMP_FLUSH ? CMP_ROOM - bytes : run->shift;
}

static void *cmp_put(const cmp_run *run, uint8_t *room, const void *values, size_t bytes) {
    uint8_t *at = room + cmp_place(run, bytes);
    if (bytes != 0) memcpy(at, values, bytes);
    return at;
}

static void cmp_noise(cmp_run *run, uint8_t *room) {
    for (size_t i = 0; i < CMP_ROOM; i += 8) wg_store_u64le(room + i, wg_rng_next(&run->rng));
}

/* An output of `bytes`, of which `want` elements of `size` bytes are the result; what lies behind them may hold anything. */
typedef struct cmp_output {
    size_t place;
    size_t bytes;
    size_t size; /* 0: all of it is the result */
} cmp_output;

static void cmp_verify(cmp_run *run, const char *name, const cmp_output *out, size_t want, size_t got) {
    run->checks++;
    bool same = want == got;
    if (same && out->size != 0) {
        const size_t from = out->place + want * out->size;
        const size_t bytes = out->bytes - want * out->size;
        memcpy(cmp_want + from, cmp_pattern + from, bytes);
        memcpy(cmp_got + from, cmp_pattern + from, bytes);
    }
    same = same && memcmp(cmp_want, cmp_got, CMP_ROOM) == 0;
    if (!same && run->failure[0] == 0)
        (void)snprintf(run->failure, sizeof run->failure, "%s of %s differs: n %zu, shift %zu, counts %zu and %zu",
                       name, run->variant->name, run->n, run->shift, want, got);
}

/* Runs `call`, which names the table `k` and writes below `out`, for both tables. With `size` it gives the number of results. */
#define CMP_BOTH(name, out_bytes, size, call)                                   \
    do {                                                                        \
        const cmp_output output = {cmp_place(run, out_bytes), out_bytes, size}; \
        memcpy(cmp_want, cmp_pattern, CMP_ROOM);                                \
        memcpy(cmp_got, cmp_pattern, CMP_ROOM);                                 \
        const wg_kernels *k = run->reference;                                   \
        void *out = cmp_want + output.place;                                    \
        const size_t want = (call);                                             \
        k = run->variant;                                                       \
        out = cmp_got + output.place;                                           \
        (void)out;                                                              \
        const size_t got = (call);                                              \
        cmp_verify(run, name, &output, want, got);                              \
    } while (0)
#define CMP_VOID(name, out_bytes, call) CMP_BOTH(name, out_bytes, 0, ((call), (size_t)0))

/* ---- the kernels */

static void cmp_compares(cmp_run *run) {
    int64_t i64[2][CMP_ROWS];
    double f64[2][CMP_ROWS];
    uint32_t u32[CMP_ROWS];
    const size_t n = run->n;
    const int64_t ci = cmp_i64(run, 7);
    const double cf = cmp_f64(run, 7.0);
    const uint32_t cu = wg_rng_below(&run->rng, 2) == 0 ? UINT32_C(0x80000000) : 77;
    for (size_t i = 0; i < n; i++) {
        i64[0][i] = cmp_i64(run, ci);
        i64[1][i] = wg_rng_below(&run->rng, 2) == 0 ? i64[0][i] : cmp_i64(run, i64[0][i]);
        f64[0][i] = cmp_f64(run, cf);
        f64[1][i] = wg_rng_below(&run->rng, 2) == 0 ? f64[0][i] : cmp_f64(run, f64[0][i]);
        u32[i] = (uint32_t)cmp_i64(run, cu);
    }
    for (uint32_t o = 0; o < WG_KERNEL_COMPARE_COUNT; o++) {
        const wg_kernel_compare op = (wg_kernel_compare)o;
        const int64_t *a = cmp_put(run, cmp_in_a, i64[0], n * 8);
        const int64_t *b = cmp_put(run, cmp_in_b, i64[1], n * 8);
        CMP_VOID("compare_i64", n, k->compare_i64(op, a, ci, n, out));
        CMP_VOID("compare_i64_pairs", n, k->compare_i64_pairs(op, a, b, n, out));
        const double *x = cmp_put(run, cmp_in_a, f64[0], n * 8);
        const double *y = cmp_put(run, cmp_in_b, f64[1], n * 8);
        CMP_VOID("compare_f64", n, k->compare_f64(op, x, cf, n, out));
        CMP_VOID("compare_f64_pairs", n, k->compare_f64_pairs(op, x, y, n, out));
        const uint32_t *u = cmp_put(run, cmp_in_a, u32, n * 4);
        CMP_VOID("compare_u32", n, k->compare_u32(op, u, cu, n, out));
    }
}

static void cmp_reductions(cmp_run *run) {
    int64_t i64[CMP_ROWS];
    double f64[CMP_ROWS];
    uint32_t u32[CMP_ROWS];
    const size_t n = run->n;
    const double near = wg_rng_below(&run->rng, 2) == 0 ? 0.0 : wg_f64_of_bits(wg_rng_next(&run->rng));
    const bool numbers = wg_rng_below(&run->rng, 4) != 0;
    const bool zeros = wg_rng_below(&run->rng, 8) == 0; /* none below or above zero, zeros of both signs */
    for (size_t i = 0; i < n; i++) {
        i64[i] = cmp_i64(run, 5);
        f64[i] = numbers ? cmp_f64(run, near) : wg_f64_of_bits(UINT64_C(0x7ff8000000000000) + i);
        if (zeros) f64[i] = wg_rng_below(&run->rng, 2) == 0 ? 0.0 : -0.0;
        u32[i] = (uint32_t)cmp_i64(run, 5);
    }
    const int64_t *a = cmp_put(run, cmp_in_a, i64, n * 8);
    const double *x = cmp_put(run, cmp_in_b, f64, n * 8);
    const uint32_t *u = cmp_put(run, cmp_in_c, u32, n * 4);
    wg_kernel_sum sum;
    int64_t ends[2] = {1, 2};
    double edges[2] = {3.0, 4.0};
    CMP_VOID("sum_i64", 16, (sum = k->sum_i64(a, n), memcpy(out, &sum, 16)));
    CMP_VOID("sum_u32", 16, (sum = k->sum_u32(u, n), memcpy(out, &sum, 16)));
    CMP_VOID("min_max_i64", 16, (k->min_max_i64(a, n, &ends[0], &ends[1]), memcpy(out, ends, 16)));
    CMP_VOID("min_max_f64", 16, (k->min_max_f64(x, n, &edges[0], &edges[1]) ? memcpy(out, edges, 16) : NULL));
    CMP_VOID("hash_u64", n * 8, k->hash_u64((const uint64_t *)a, n, false, out));
    CMP_VOID("hash_u64 combined", n * 8, k->hash_u64((const uint64_t *)a, n, true, out));
}

/* Doubles of a few or of many binades, at times with a value that cannot be taken apart. */
static void cmp_float_sums(cmp_run *run) {
    double f64[CMP_ROWS];
    const size_t n = run->n;
    const uint64_t binades = UINT64_C(1) << wg_rng_below(&run->rng, 9);
    const uint64_t top = 1 + wg_rng_below(&run->rng, 2046);
    for (size_t i = 0; i < n; i++) {
        const uint64_t down = wg_min_u64(wg_rng_below(&run->rng, binades), top);
        f64[i] = wg_f64_of_bits((top - down) << 52 | (wg_rng_next(&run->rng) & UINT64_C(0x800fffffffffffff)));
        if (wg_rng_below(&run->rng, 16) == 0) f64[i] = i % 2 == 0 ? 0.0 : -0.0;
    }
    if (n != 0 && wg_rng_below(&run->rng, 8) == 0) f64[wg_rng_below(&run->rng, n)] = cmp_f64(run, 1.0);
    const double *x = cmp_put(run, cmp_in_a, f64, n * 8);
    CMP_BOTH("sum_f64", 32, 0, (size_t)k->sum_f64(x, n, out));
    CMP_BOTH("split_f64", n * 16, 16, k->split_f64(x, n, out) ? n : 0);
}

static void cmp_masks(cmp_run *run) {
    uint8_t bytes[CMP_EXTENT];
    uint16_t rows[CMP_ROWS];
    const size_t n = run->n;
    const uint64_t density = 1 + wg_rng_below(&run->rng, 8);
    for (size_t i = 0; i < CMP_EXTENT; i++) bytes[i] = wg_rng_below(&run->rng, 8) < density ? 1 : 0;
    const uint8_t *mask = cmp_put(run, cmp_in_a, bytes, n);
    CMP_VOID("mask_and", n, k->mask_and(out, mask, n));
    CMP_VOID("mask_or", n, k->mask_or(out, mask, n));
    CMP_BOTH("mask_count", 0, 0, k->mask_count(mask, n));
    CMP_BOTH("select", n * 2, 2, k->select(mask, n, out));
    const size_t first = wg_rng_below(&run->rng, 100);
    const uint8_t *bits = cmp_in_b + (run->shift == CMP_FLUSH ? CMP_ROOM - (first + n + 7) / 8 : run->shift);
    CMP_VOID("mask_and_bits", n, k->mask_and_bits(out, bits, first, n));
    const uint64_t *cells = (const uint64_t *)(void *)(cmp_in_b + cmp_place(run, n * 8));
    CMP_BOTH("compact_u64", n * 8, 8, k->compact_u64(cells, mask, n, out));
    cmp_rows(run, rows, n);
    mask = cmp_put(run, cmp_in_a, bytes, n == 0 ? 0 : rows[n - 1] + (size_t)1);
    const uint16_t *sel = cmp_put(run, cmp_in_c, rows, n * 2);
    CMP_BOTH("select_among", n * 2, 2, k->select_among(mask, sel, n, out));
    CMP_BOTH("select_among in place", n * 2, 2, (memcpy(out, sel, n * 2), k->select_among(mask, out, n, out)));
}

static void cmp_gathers(cmp_run *run) {
    uint16_t rows[CMP_ROWS];
    uint32_t numbers[CMP_ROWS];
    uint8_t ones[CMP_EXTENT];
    const size_t n = run->n;
    const size_t sizes[] = {1, 30, 64, 65, 128, 129, 256, 257, CMP_EXTENT};
    const size_t entries = sizes[wg_rng_below(&run->rng, 9)];
    cmp_rows(run, rows, n);
    for (size_t i = 0; i < n; i++) numbers[i] = (uint32_t)wg_rng_below(&run->rng, entries);
    for (size_t i = 0; i < entries; i++) ones[i] = wg_rng_below(&run->rng, 2) == 0 ? 1 : 0;
    const size_t extent = n == 0 ? 0 : rows[n - 1] + (size_t)1;
    const uint16_t *sel = cmp_put(run, cmp_in_c, rows, n * 2);
    const uint64_t *wide = (const uint64_t *)(void *)(cmp_in_b + cmp_place(run, extent * 8));
    const uint32_t *narrow = (const uint32_t *)(void *)(cmp_in_b + cmp_place(run, extent * 4));
    CMP_VOID("gather_u64", n * 8, k->gather_u64(wide, sel, n, out));
    CMP_VOID("gather_u32", n * 4, k->gather_u32(narrow, sel, n, out));
    const uint32_t *codes = cmp_put(run, cmp_in_c, numbers, n * 4);
    const uint64_t *dict = (const uint64_t *)(void *)(cmp_in_b + cmp_place(run, entries * 8));
    CMP_VOID("gather_codes_u64", n * 8, k->gather_codes_u64(dict, codes, n, out));
    const size_t from = wg_rng_below(&run->rng, 20);
    const uint32_t width = 1 + (uint32_t)wg_rng_below(&run->rng, 56);
    const uint8_t *packed = cmp_in_b + cmp_place(run, ((from + n) * width + 7) / 8 + 7);
    CMP_VOID("unpack_u64", n * 8, k->unpack_u64(packed, width, from, n, 1234567, out));
    const wg_kernel_decimal decimal = {wg_rng_below(&run->rng, 2) == 0 ? UINT64_C(1) << 50 : 0 - (UINT64_C(1) << 50),
                                       wg_rng_below(&run->rng, 2) == 0 ? 1e6 : 1e15};
    const uint32_t decimal_width = 1 + width % 50;
    packed = cmp_in_b + cmp_place(run, ((from + n) * decimal_width + 7) / 8 + 7);
    CMP_VOID("unpack_decimals", n * 8,
             k->unpack_decimals(packed, decimal_width, from, n, &decimal, (double *)(void *)out));
    const uint32_t narrow_width = 1 + width % 32;
    packed = cmp_in_b + cmp_place(run, ((from + n) * narrow_width + 7) / 8 + 7);
    CMP_VOID("unpack_u32", n * 4, k->unpack_u32(packed, narrow_width, from, n, out));
    const uint8_t *table = cmp_put(run, cmp_in_a, ones, entries);
    CMP_VOID("mask_of_codes", n, k->mask_of_codes(table, codes, n, out));
}

static void cmp_strings(cmp_run *run) {
    struct {
        const char *data;
        uint64_t size;
    } cells[CMP_ROWS];
    const size_t n = run->n;
    const size_t sizes[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100};
    const size_t size = sizes[wg_rng_below(&run->rng, 14)];
    char needle[100];
    size_t at = sizeof cmp_text; /* texts stand one before the other, the first at the end */
    for (size_t i = 0; i < size; i++) needle[i] = (char)wg_rng_below(&run->rng, 256);
    for (size_t i = 0; i < n; i++) {
        const size_t longer = wg_rng_below(&run->rng, 4) == 0 ? wg_rng_below(&run->rng, 9) : 0;
        const size_t shorter = wg_rng_below(&run->rng, 4) == 0 ? wg_rng_below(&run->rng, size + 1) : 0;
        cells[i].size = size - shorter + longer;
        at -= cells[i].size;
        memset(cmp_text + at, 'x', cells[i].size);
        memcpy(cmp_text + at, needle, size - shorter);
        cells[i].data = cells[i].size == 0 && longer == 0 ? NULL : cmp_text + at;
        if (cells[i].size != 0 && wg_rng_below(&run->rng, 4) == 0)
            cmp_text[at + wg_rng_below(&run->rng, cells[i].size)] ^= 1;
    }
    const void *a = cmp_put(run, cmp_in_a, cells, n * 16);
    const char *t = cmp_put(run, cmp_in_b, needle, size);
    CMP_VOID("str_equal", n, k->str_equal(a, n, t, size, out));
    CMP_VOID("str_prefix", n, k->str_prefix(a, n, t, size, out));
}

static void cmp_lists_and_visibility(cmp_run *run) {
    static uint32_t lists[2][CMP_ROOM / 8];
    uint64_t times[2][CMP_ROWS];
    const size_t n = run->n;
    const size_t others[] = {n, n / 2, n + 40, wg_min_size(n * 40 + 7, CMP_ROOM / 8), 0};
    const size_t m = others[wg_rng_below(&run->rng, 5)];
    cmp_list(run, lists[0], n);
    cmp_list(run, lists[1], m);
    const uint32_t *a = cmp_put(run, cmp_in_a, lists[0], n * 4);
    const uint32_t *b = cmp_put(run, cmp_in_b, lists[1], m * 4);
    uint32_t positions[CMP_ROWS + 40];
    CMP_BOTH("intersect_count_u32", 0, 0, k->intersect_count_u32(a, n, b, m));
    CMP_BOTH("intersect_count_u32", 0, 0, k->intersect_count_u32(b, m, a, n));
    CMP_BOTH("intersect_u32, a", wg_min_size(n, m) * 4, 0, k->intersect_u32(a, n, b, m, out, NULL));
    CMP_BOTH("intersect_u32, b", wg_min_size(n, m) * 4, 0, k->intersect_u32(a, n, b, m, positions, out));
    const uint64_t snapshot = wg_rng_below(&run->rng, 2) == 0 ? 1000 : wg_rng_next(&run->rng);
    const uint64_t own = wg_rng_below(&run->rng, 2) == 0 ? 0 : snapshot + 1;
    for (size_t i = 0; i < n * 2; i++) times[i & 1][i / 2] = cmp_logseq(run, snapshot, own);
    const uint64_t *begin = cmp_put(run, cmp_in_a, times[0], n * 8);
    const uint64_t *end = cmp_put(run, cmp_in_b, times[1], n * 8);
    CMP_VOID("visible", n, k->visible(begin, end, snapshot, own, n, out));
}

/* Every kernel at every length and offset. The failure is left in run->failure. */
static void cmp_all(cmp_run *run, uint64_t seed) {
    wg_rng_init(&run->rng, seed);
    for (size_t i = 0; i < CMP_ROOM; i++) cmp_pattern[i] = (uint8_t)(wg_rng_next(&run->rng) & 1);
    for (run->n = 0; run->n < CMP_ROWS; run->n++) {
        cmp_noise(run, cmp_in_a);
        cmp_noise(run, cmp_in_b);
        for (run->shift = 0; run->shift <= CMP_FLUSH && run->failure[0] == 0; run->shift++) {
            cmp_compares(run);
            cmp_reductions(run);
            cmp_float_sums(run);
            cmp_masks(run);
            cmp_gathers(run);
            cmp_strings(run);
            cmp_lists_and_visibility(run);
        }
    }
}

#endif
