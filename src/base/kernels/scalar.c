/* The reference of all kernels: plain loops that say what is meant. What compilers make of them is welcome; what they give is the
 * definition. Every load goes through memcpy, because inputs may have any alignment. */
#include "base/kernels/kernels_internal.h"

/* ---- comparison to mask */

#define COMPARE_LOOP(name, test)                                            \
    case name:                                                              \
        for (size_t i = 0; i < n; i++) mask[i] = (uint8_t)((test) ? 1 : 0); \
        return;
#define COMPARE_BODY(left, right)                     \
    switch (op) {                                     \
        COMPARE_LOOP(WG_KERNEL_EQ, (left) == (right)) \
        COMPARE_LOOP(WG_KERNEL_NE, (left) != (right)) \
        COMPARE_LOOP(WG_KERNEL_LT, (left) < (right))  \
        COMPARE_LOOP(WG_KERNEL_LE, (left) <= (right)) \
        COMPARE_LOOP(WG_KERNEL_GT, (left) > (right))  \
        COMPARE_LOOP(WG_KERNEL_GE, (left) >= (right)) \
    }                                                 \
    WG_UNREACHABLE("a comparison outside its enum")

static void compare_i64(wg_kernel_compare op, const int64_t *a, int64_t b, size_t n, uint8_t *mask) {
    COMPARE_BODY(wgi_load_i64(a + i), b);
}
static void compare_f64(wg_kernel_compare op, const double *a, double b, size_t n, uint8_t *mask) {
    COMPARE_BODY(wgi_load_f64(a + i), b);
}
static void compare_u32(wg_kernel_compare op, const uint32_t *a, uint32_t b, size_t n, uint8_t *mask) {
    COMPARE_BODY(wgi_load_u32(a + i), b);
}
static void compare_i64_pairs(wg_kernel_compare op, const int64_t *a, const int64_t *b, size_t n, uint8_t *mask) {
    COMPARE_BODY(wgi_load_i64(a + i), wgi_load_i64(b + i));
}
static void compare_f64_pairs(wg_kernel_compare op, const double *a, const double *b, size_t n, uint8_t *mask) {
    COMPARE_BODY(wgi_load_f64(a + i), wgi_load_f64(b + i));
}

static void mask_of_codes(const uint8_t *table, const uint32_t *codes, size_t n, uint8_t *mask) {
    for (size_t i = 0; i < n; i++) mask[i] = table[wgi_load_u32(codes + i)];
}

/* ---- masks */

static void mask_and(uint8_t *mask, const uint8_t *other, size_t n) {
    for (size_t i = 0; i < n; i++) mask[i] &= other[i];
}

static void mask_or(uint8_t *mask, const uint8_t *other, size_t n) {
    for (size_t i = 0; i < n; i++) mask[i] |= other[i];
}

static void mask_and_bits(uint8_t *mask, const uint8_t *bits, size_t first, size_t n) {
    for (size_t i = 0; i < n; i++) mask[i] = (uint8_t)(mask[i] & (wg_bit_get(bits, first + i) ? 1 : 0));
}

static size_t mask_count(const uint8_t *mask, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += mask[i];
    return count;
}

/* ---- compaction: without branches, so that selectivity costs nothing; a place past the last one found is written again later */

static size_t select_rows(const uint8_t *mask, size_t n, uint16_t *sel) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        wgi_store_u16(sel + count, (uint16_t)i);
        count += mask[i];
    }
    return count;
}

static size_t select_among(const uint8_t *mask, const uint16_t *sel, size_t n, uint16_t *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const uint16_t row = wgi_load_u16(sel + i);
        wgi_store_u16(out + count, row);
        count += mask[row];
    }
    return count;
}

static size_t compact_u64(const uint64_t *a, const uint8_t *mask, size_t n, uint64_t *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        wgi_store_u64(out + count, wgi_load_u64(a + i));
        count += mask[i];
    }
    return count;
}

/* ---- gather */

static void gather_u64(const uint64_t *a, const uint16_t *sel, size_t n, uint64_t *out) {
    for (size_t i = 0; i < n; i++) wgi_store_u64(out + i, wgi_load_u64(a + wgi_load_u16(sel + i)));
}

static void gather_u32(const uint32_t *a, const uint16_t *sel, size_t n, uint32_t *out) {
    for (size_t i = 0; i < n; i++) wgi_store_u32(out + i, wgi_load_u32(a + wgi_load_u16(sel + i)));
}

static void gather_codes_u64(const uint64_t *dict, const uint32_t *codes, size_t n, uint64_t *out) {
    for (size_t i = 0; i < n; i++) wgi_store_u64(out + i, wgi_load_u64(dict + wgi_load_u32(codes + i)));
}

static void unpack_u64(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint64_t base, uint64_t *out) {
    for (size_t i = 0; i < n; i++) wgi_store_u64(out + i, base + wgi_packed_at(packed, width, first + i));
}

static void unpack_decimals(const uint8_t *packed, uint32_t width, size_t first, size_t n,
                            const wg_kernel_decimal *decimal, double *out) {
    for (size_t i = 0; i < n; i++) {
        const int64_t number = wg_i64_of_u64(decimal->base + wgi_packed_at(packed, width, first + i));
        const double value = (double)number / decimal->power;
        memcpy(out + i, &value, sizeof value);
    }
}

static void unpack_u32(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint32_t *out) {
    for (size_t i = 0; i < n; i++) wgi_store_u32(out + i, (uint32_t)wgi_packed_at(packed, width, first + i));
}

static void hash_u64(const uint64_t *a, size_t n, bool combine, uint64_t *out) {
    for (size_t i = 0; i < n; i++)
        wgi_store_u64(out + i, wgi_hash_mix(combine ? wgi_load_u64(out + i) : 0, wgi_load_u64(a + i)));
}

/* ---- reductions */

static wg_kernel_sum sum_i64(const int64_t *a, size_t n) {
    wg_i128 sum = 0;
    for (size_t i = 0; i < n; i++) sum += wgi_load_i64(a + i);
    return wgi_sum_of(sum);
}

static wg_kernel_sum sum_u32(const uint32_t *a, size_t n) {
    wg_i128 sum = 0;
    for (size_t i = 0; i < n; i++) sum += wgi_load_u32(a + i);
    return wgi_sum_of(sum);
}

static void min_max_i64(const int64_t *a, size_t n, int64_t *min, int64_t *max) {
    if (n == 0) return;
    int64_t low = wgi_load_i64(a);
    int64_t high = low;
    for (size_t i = 1; i < n; i++) {
        const int64_t v = wgi_load_i64(a + i);
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    *min = low;
    *max = high;
}

double wgi_first_zero(const double *a, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const double v = wgi_load_f64(a + i);
        if (v == 0.0) return v;
    }
    WG_UNREACHABLE("an extreme that is zero stands somewhere");
}

static bool min_max_f64(const double *a, size_t n, double *min, double *max) {
    bool found = false;
    double low = 0.0;
    double high = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double v = wgi_load_f64(a + i);
        if (v != v) continue;
        if (!found || v < low) low = v;
        if (!found || v > high) high = v;
        found = true;
    }
    if (!found) return false;
    *min = low == 0.0 ? wgi_first_zero(a, n) : low;
    *max = high == 0.0 ? wgi_first_zero(a, n) : high;
    return true;
}

/* What `levels` constants leave of the values; 0: nothing. */
static uint64_t sum_levels(const double *a, size_t n, const double *m, uint32_t levels, double *parts) {
    uint64_t left = 0;
    for (uint32_t k = 0; k < WG_KERNEL_SUM_PARTS; k++) parts[k] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double x = wgi_load_f64(a + i);
        for (uint32_t k = 0; k < levels; k++) {
            const double q = (m[k] + x) - m[k];
            x -= q;
            parts[k] += q;
        }
        left |= wg_bits_of_f64(x) << 1; /* zeros of both signs are nothing */
    }
    return left;
}

static bool sum_f64(const double *a, size_t n, double parts[WG_KERNEL_SUM_PARTS]) {
    double m[WG_KERNEL_SUM_PARTS];
    double sums[WG_KERNEL_SUM_PARTS];
    double max = 0.0;
    WG_ASSERT(n <= WG_KERNEL_SUM_ROWS);
    for (size_t i = 0; i < n; i++) {
        const double v = __builtin_fabs(wgi_load_f64(a + i));
        max = v > max ? v : max;
    }
    if (!wgi_sum_constants(max, m)) return false;
    if (sum_levels(a, n, m, 2, sums) != 0 && sum_levels(a, n, m, 4, sums) != 0) return false;
    memcpy(parts, sums, sizeof sums);
    return true;
}

static bool split_f64(const double *a, size_t n, double *pairs) {
    double m[WG_KERNEL_SUM_PARTS];
    double max = 0.0;
    uint64_t left = 0;
    WG_ASSERT(n <= WG_KERNEL_SUM_ROWS);
    for (size_t i = 0; i < n; i++) {
        const double v = __builtin_fabs(wgi_load_f64(a + i));
        max = v > max ? v : max;
    }
    if (!wgi_sum_constants(max, m)) return false;
    for (size_t i = 0; i < n; i++) {
        const double x = wgi_load_f64(a + i);
        const double q = (m[0] + x) - m[0];
        const double r = x - q;
        const double p = (m[1] + r) - m[1];
        const double pair[2] = {q, p};
        memcpy(pairs + 2 * i, pair, sizeof pair);
        left |= wg_bits_of_f64(r - p) << 1;
    }
    return left == 0;
}

/* ---- strings */

static wgi_kernel_str cell_at(const void *cells, size_t i) {
    wgi_kernel_str s;
    memcpy(&s, (const uint8_t *)cells + i * sizeof s, sizeof s);
    return s;
}

static void str_equal(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    for (size_t i = 0; i < n; i++) {
        const wgi_kernel_str s = cell_at(cells, i);
        const bool same = s.size == needle_size && (needle_size == 0 || memcmp(s.data, needle, needle_size) == 0);
        mask[i] = same ? 1 : 0;
    }
}

static void str_prefix(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    for (size_t i = 0; i < n; i++) {
        const wgi_kernel_str s = cell_at(cells, i);
        const bool begins = s.size >= needle_size && (needle_size == 0 || memcmp(s.data, needle, needle_size) == 0);
        mask[i] = begins ? 1 : 0;
    }
}

/* ---- sorted lists */

static size_t emit(size_t found, size_t i, size_t k, uint32_t *at_a, uint32_t *at_b) {
    if (at_a != NULL) wgi_store_u32(at_a + found, (uint32_t)i);
    if (at_b != NULL) wgi_store_u32(at_b + found, (uint32_t)k);
    return found + 1;
}

size_t wgi_intersect_rest(const wgi_lists *lists, size_t found, uint32_t *at_a, uint32_t *at_b) {
    size_t i = lists->i;
    size_t k = lists->k;
    while (i < lists->a_count && k < lists->b_count) {
        const uint32_t x = wgi_load_u32(lists->a + i);
        const uint32_t y = wgi_load_u32(lists->b + k);
        if (x == y) found = emit(found, i, k, at_a, at_b);
        i += x <= y ? 1 : 0;
        k += y <= x ? 1 : 0;
    }
    return found;
}

/* The first place from `from` on that is not below `key`: doubling steps, then halving. */
static size_t gallop(const uint32_t *list, size_t from, size_t count, uint32_t key) {
    size_t step = 1;
    size_t low = from; /* everything below is < key */
    while (low + step <= count && wgi_load_u32(list + low + step - 1) < key) {
        low += step;
        step *= 2;
    }
    size_t high = wg_min_size(low + step, count); /* list[high] >= key, or the end */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (wgi_load_u32(list + middle) < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

size_t wgi_intersect_skewed(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    if (a_count > b_count) return wgi_intersect_skewed(b, b_count, a, a_count, at_b, at_a);
    size_t found = 0;
    size_t k = 0;
    for (size_t i = 0; i < a_count && k < b_count; i++) {
        const uint32_t key = wgi_load_u32(a + i);
        k = gallop(b, k, b_count, key);
        if (k < b_count && wgi_load_u32(b + k) == key) {
            found = emit(found, i, k, at_a, at_b);
            k++;
        }
    }
    return found;
}

static size_t intersect_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, at_a, at_b);
    const wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    return wgi_intersect_rest(&lists, 0, at_a, at_b);
}

static size_t intersect_count_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    return intersect_u32(a, a_count, b, b_count, NULL, NULL);
}

/* ---- visibility */

static void visible(const uint64_t *begin, const uint64_t *end, uint64_t snapshot, uint64_t own, size_t n,
                    uint8_t *mask) {
    for (size_t i = 0; i < n; i++) {
        const uint64_t b = wgi_load_u64(begin + i);
        const uint64_t e = wgi_load_u64(end + i);
        const uint32_t began = (uint32_t)(b <= snapshot) | (uint32_t)(b == own);
        const uint32_t ended = (uint32_t)(e <= snapshot) | (uint32_t)(e == own);
        mask[i] = (uint8_t)(began & (ended ^ 1u));
    }
}

const wg_kernels wgi_kernels_scalar = {
    .isa = WG_ISA_SCALAR,
    .name = "scalar",
    .compare_i64 = compare_i64,
    .compare_f64 = compare_f64,
    .compare_u32 = compare_u32,
    .compare_i64_pairs = compare_i64_pairs,
    .compare_f64_pairs = compare_f64_pairs,
    .mask_of_codes = mask_of_codes,
    .mask_and = mask_and,
    .mask_or = mask_or,
    .mask_and_bits = mask_and_bits,
    .mask_count = mask_count,
    .select = select_rows,
    .select_among = select_among,
    .compact_u64 = compact_u64,
    .gather_u64 = gather_u64,
    .gather_u32 = gather_u32,
    .gather_codes_u64 = gather_codes_u64,
    .unpack_u64 = unpack_u64,
    .unpack_decimals = unpack_decimals,
    .unpack_u32 = unpack_u32,
    .hash_u64 = hash_u64,
    .sum_i64 = sum_i64,
    .sum_u32 = sum_u32,
    .min_max_i64 = min_max_i64,
    .min_max_f64 = min_max_f64,
    .sum_f64 = sum_f64,
    .split_f64 = split_f64,
    .str_equal = str_equal,
    .str_prefix = str_prefix,
    .intersect_count_u32 = intersect_count_u32,
    .intersect_u32 = intersect_u32,
    .visible = visible,
};
