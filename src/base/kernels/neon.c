/* Kernels for NEON, which every AArch64 has. 128 bits a step; what is left of an input goes to the reference, as does all for which these
 * instructions have no form that helps: table look-ups beyond a register, gathers, compaction, products of 64 bits. */
#include "base/kernels/kernels_internal.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* Loads by bytes: elements may have any alignment. */
static inline uint64x2_t load_u64(const void *p) { return vreinterpretq_u64_u8(vld1q_u8(p)); }
static inline int64x2_t load_i64(const void *p) { return vreinterpretq_s64_u8(vld1q_u8(p)); }
static inline float64x2_t load_f64(const void *p) { return vreinterpretq_f64_u8(vld1q_u8(p)); }
static inline uint32x4_t load_u32(const void *p) { return vreinterpretq_u32_u8(vld1q_u8(p)); }

/* Four results of two lanes each to eight bytes of 0 or 1. */
static inline uint8x8_t bytes_of_64(uint64x2_t a, uint64x2_t b, uint64x2_t c, uint64x2_t d) {
    const uint32x4_t low = vcombine_u32(vmovn_u64(a), vmovn_u64(b));
    const uint32x4_t high = vcombine_u32(vmovn_u64(c), vmovn_u64(d));
    const uint16x8_t all = vcombine_u16(vmovn_u32(low), vmovn_u32(high));
    return vand_u8(vmovn_u16(all), vdup_n_u8(1));
}

static inline uint8x8_t bytes_of_32(uint32x4_t a, uint32x4_t b) {
    return vand_u8(vmovn_u16(vcombine_u16(vmovn_u32(a), vmovn_u32(b))), vdup_n_u8(1));
}

/* ---- comparison to mask: eight rows a step; `flip` makes NE of EQ */

#define LOOP_64(test, load, right, flip)                                                                     \
    for (; i + 8 <= n; i += 8) {                                                                             \
        const uint8x8_t hit = bytes_of_64(test(load(a + i), right(0)), test(load(a + i + 2), right(2)),      \
                                          test(load(a + i + 4), right(4)), test(load(a + i + 6), right(6))); \
        vst1_u8(mask + i, veor_u8(hit, vdup_n_u8(flip)));                                                    \
    }                                                                                                        \
    break
#define SWITCH_64(load, right, type)               \
    switch (op) {                                  \
        case WG_KERNEL_EQ:                         \
            LOOP_64(vceqq_##type, load, right, 0); \
        case WG_KERNEL_NE:                         \
            LOOP_64(vceqq_##type, load, right, 1); \
        case WG_KERNEL_LT:                         \
            LOOP_64(vcltq_##type, load, right, 0); \
        case WG_KERNEL_LE:                         \
            LOOP_64(vcleq_##type, load, right, 0); \
        case WG_KERNEL_GT:                         \
            LOOP_64(vcgtq_##type, load, right, 0); \
        case WG_KERNEL_GE:                         \
            LOOP_64(vcgeq_##type, load, right, 0); \
    }
#define SAME(k)     c
#define PAIR_I64(k) load_i64(b + i + (k))
#define PAIR_F64(k) load_f64(b + i + (k))

static void compare_i64(wg_kernel_compare op, const int64_t *a, int64_t b, size_t n, uint8_t *mask) {
    const int64x2_t c = vdupq_n_s64(b);
    size_t i = 0;
    SWITCH_64(load_i64, SAME, s64)
    wgi_kernels_scalar.compare_i64(op, a + i, b, n - i, mask + i);
}

static void compare_i64_pairs(wg_kernel_compare op, const int64_t *a, const int64_t *b, size_t n, uint8_t *mask) {
    size_t i = 0;
    SWITCH_64(load_i64, PAIR_I64, s64)
    wgi_kernels_scalar.compare_i64_pairs(op, a + i, b + i, n - i, mask + i);
}

static void compare_f64(wg_kernel_compare op, const double *a, double b, size_t n, uint8_t *mask) {
    const float64x2_t c = vdupq_n_f64(b);
    size_t i = 0;
    SWITCH_64(load_f64, SAME, f64)
    wgi_kernels_scalar.compare_f64(op, a + i, b, n - i, mask + i);
}

static void compare_f64_pairs(wg_kernel_compare op, const double *a, const double *b, size_t n, uint8_t *mask) {
    size_t i = 0;
    SWITCH_64(load_f64, PAIR_F64, f64)
    wgi_kernels_scalar.compare_f64_pairs(op, a + i, b + i, n - i, mask + i);
}

#define LOOP_32(test, flip)                                                                        \
    for (; i + 8 <= n; i += 8) {                                                                   \
        const uint8x8_t hit = bytes_of_32(test(load_u32(a + i), c), test(load_u32(a + i + 4), c)); \
        vst1_u8(mask + i, veor_u8(hit, vdup_n_u8(flip)));                                          \
    }                                                                                              \
    break

static void compare_u32(wg_kernel_compare op, const uint32_t *a, uint32_t b, size_t n, uint8_t *mask) {
    const uint32x4_t c = vdupq_n_u32(b);
    size_t i = 0;
    switch (op) {
        case WG_KERNEL_EQ:
            LOOP_32(vceqq_u32, 0);
        case WG_KERNEL_NE:
            LOOP_32(vceqq_u32, 1);
        case WG_KERNEL_LT:
            LOOP_32(vcltq_u32, 0);
        case WG_KERNEL_LE:
            LOOP_32(vcleq_u32, 0);
        case WG_KERNEL_GT:
            LOOP_32(vcgtq_u32, 0);
        case WG_KERNEL_GE:
            LOOP_32(vcgeq_u32, 0);
    }
    wgi_kernels_scalar.compare_u32(op, a + i, b, n - i, mask + i);
}

/* ---- masks */

static void mask_and(uint8_t *mask, const uint8_t *other, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) vst1q_u8(mask + i, vandq_u8(vld1q_u8(mask + i), vld1q_u8(other + i)));
    wgi_kernels_scalar.mask_and(mask + i, other + i, n - i);
}

static void mask_or(uint8_t *mask, const uint8_t *other, size_t n) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) vst1q_u8(mask + i, vorrq_u8(vld1q_u8(mask + i), vld1q_u8(other + i)));
    wgi_kernels_scalar.mask_or(mask + i, other + i, n - i);
}

static void mask_and_bits(uint8_t *mask, const uint8_t *bits, size_t first, size_t n) {
    static const uint8_t each[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x8_t bit = vld1_u8(each);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const uint8x8_t set = vtst_u8(vdup_n_u8((uint8_t)wgi_bits8(bits, first + i, 8)), bit);
        vst1_u8(mask + i, vand_u8(vld1_u8(mask + i), set));
    }
    wgi_kernels_scalar.mask_and_bits(mask + i, bits, first + i, n - i);
}

static size_t mask_count(const uint8_t *mask, size_t n) {
    uint64x2_t sum = vdupq_n_u64(0);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sum = vpadalq_u32(sum, vpaddlq_u16(vpaddlq_u8(vld1q_u8(mask + i))));
    return vaddvq_u64(sum) + wgi_kernels_scalar.mask_count(mask + i, n - i);
}

/* ---- reductions */

enum { SUM_BLOCK = 1 << 30 }; /* elements whose 32-bit halves cannot overflow a lane of 64 bits */

static wg_kernel_sum sum_i64(const int64_t *a, size_t n) {
    wg_i128 sum = 0;
    size_t i = 0;
    while (n - i >= 2) {
        const size_t end = i + (wg_min_size(n - i, SUM_BLOCK) & ~(size_t)1);
        uint64x2_t low = vdupq_n_u64(0);
        int64x2_t high = vdupq_n_s64(0);
        for (; i < end; i += 2) {
            const int64x2_t v = load_i64(a + i);
            low = vaddw_u32(low, vmovn_u64(vreinterpretq_u64_s64(v)));
            high = vsraq_n_s64(high, v, 32);
        }
        sum += (wg_i128)vaddvq_u64(low) + (wg_i128)vaddvq_s64(high) * (INT64_C(1) << 32);
    }
    for (; i < n; i++) sum += wgi_load_i64(a + i);
    return wgi_sum_of(sum);
}

static wg_kernel_sum sum_u32(const uint32_t *a, size_t n) {
    wg_i128 sum = 0;
    size_t i = 0;
    while (n - i >= 4) {
        const size_t end = i + (wg_min_size(n - i, SUM_BLOCK) & ~(size_t)3);
        uint64x2_t lanes = vdupq_n_u64(0);
        for (; i < end; i += 4) lanes = vpadalq_u32(lanes, load_u32(a + i));
        sum += vaddvq_u64(lanes);
    }
    for (; i < n; i++) sum += wgi_load_u32(a + i);
    return wgi_sum_of(sum);
}

static void min_max_i64(const int64_t *a, size_t n, int64_t *min, int64_t *max) {
    if (n == 0) return;
    int64x2_t low = vdupq_n_s64(INT64_MAX);
    int64x2_t high = vdupq_n_s64(INT64_MIN);
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        const int64x2_t v = load_i64(a + i);
        low = vbslq_s64(vcltq_s64(v, low), v, low);
        high = vbslq_s64(vcgtq_s64(v, high), v, high);
    }
    int64_t least = vgetq_lane_s64(low, 0) < vgetq_lane_s64(low, 1) ? vgetq_lane_s64(low, 0) : vgetq_lane_s64(low, 1);
    int64_t most =
        vgetq_lane_s64(high, 0) > vgetq_lane_s64(high, 1) ? vgetq_lane_s64(high, 0) : vgetq_lane_s64(high, 1);
    for (; i < n; i++) {
        const int64_t v = wgi_load_i64(a + i);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    *min = least;
    *max = most;
}

static bool min_max_f64(const double *a, size_t n, double *min, double *max) {
    float64x2_t low = vdupq_n_f64(__builtin_inf());
    float64x2_t high = vdupq_n_f64(-__builtin_inf());
    size_t i = 0;
    for (; i + 2 <= n; i += 2) { /* a comparison with NaN is false, which keeps what there was */
        const float64x2_t v = load_f64(a + i);
        low = vbslq_f64(vcltq_f64(v, low), v, low);
        high = vbslq_f64(vcgtq_f64(v, high), v, high);
    }
    double least = vgetq_lane_f64(low, 0) < vgetq_lane_f64(low, 1) ? vgetq_lane_f64(low, 0) : vgetq_lane_f64(low, 1);
    double most =
        vgetq_lane_f64(high, 0) > vgetq_lane_f64(high, 1) ? vgetq_lane_f64(high, 0) : vgetq_lane_f64(high, 1);
    for (; i < n; i++) {
        const double v = wgi_load_f64(a + i);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    if (!(least <= most)) return false; /* still where they began: NaN only */
    *min = least == 0.0 ? wgi_first_zero(a, n) : least;
    *max = most == 0.0 ? wgi_first_zero(a, n) : most;
    return true;
}

static bool sum_constants(const double *a, size_t n, double m[WG_KERNEL_SUM_PARTS]) {
    float64x2_t most = vdupq_n_f64(0.0);
    WG_ASSERT(n <= WG_KERNEL_SUM_ROWS);
    size_t i = 0;
    for (; i + 2 <= n; i += 2)
        most = vmaxnmq_f64(most, vabsq_f64(load_f64(a + i))); /* a number rather than a quiet NaN */
    double max = vmaxvq_f64(most);
    for (; i < n; i++) max = __builtin_fabs(wgi_load_f64(a + i)) > max ? __builtin_fabs(wgi_load_f64(a + i)) : max;
    return max == max && wgi_sum_constants(max, m);
}

static bool sum_levels(const double *a, size_t n, const double *m, size_t levels, double *parts) {
    float64x2_t sums[WG_KERNEL_SUM_PARTS];
    uint64x2_t left = vdupq_n_u64(0);
    for (size_t k = 0; k < levels; k++) sums[k] = vdupq_n_f64(0.0);
    for (size_t i = 0; i < n; i += 2) {
        const double last[2] = {wgi_load_f64(a + i), 0.0};
        float64x2_t x = i + 2 <= n ? load_f64(a + i) : load_f64(last);
        for (size_t k = 0; k < levels; k++) {
            const float64x2_t q = vsubq_f64(vaddq_f64(vdupq_n_f64(m[k]), x), vdupq_n_f64(m[k]));
            x = vsubq_f64(x, q);
            sums[k] = vaddq_f64(sums[k], q);
        }
        left = vorrq_u64(left, vshlq_n_u64(vreinterpretq_u64_f64(x), 1)); /* zeros of both signs are nothing */
    }
    for (size_t k = 0; k < levels; k++) parts[k] = vaddvq_f64(sums[k]);
    return (vgetq_lane_u64(left, 0) | vgetq_lane_u64(left, 1)) == 0;
}

static bool sum_f64(const double *a, size_t n, double parts[WG_KERNEL_SUM_PARTS]) {
    double m[WG_KERNEL_SUM_PARTS];
    double sums[WG_KERNEL_SUM_PARTS] = {0.0};
    if (!sum_constants(a, n, m)) return false;
    if (!sum_levels(a, n, m, 2, sums) && !sum_levels(a, n, m, 4, sums)) return false;
    memcpy(parts, sums, sizeof sums);
    return true;
}

/* ---- sorted lists: blocks of four against four, each of four rotations */

static inline uint32x4_t common(uint32x4_t x, uint32x4_t y) {
    uint32x4_t hit = vceqq_u32(x, y);
    hit = vorrq_u32(hit, vceqq_u32(x, vextq_u32(y, y, 1)));
    hit = vorrq_u32(hit, vceqq_u32(x, vextq_u32(y, y, 2)));
    return vorrq_u32(hit, vceqq_u32(x, vextq_u32(y, y, 3)));
}

static inline size_t emit_lanes(uint32x4_t hit, size_t base, uint32_t *at) {
    uint32_t lanes[4];
    size_t found = 0;
    vst1q_u32(lanes, hit);
    for (size_t i = 0; i < 4; i++) {
        if (lanes[i] == 0) continue;
        if (at != NULL) wgi_store_u32(at + found, (uint32_t)(base + i));
        found++;
    }
    return found;
}

static size_t intersect_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, at_a, at_b);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 4 <= a_count && lists.k + 4 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 3);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 3);
        const uint32x4_t x = load_u32(a + lists.i);
        const uint32x4_t y = load_u32(b + lists.k);
        const uint32x4_t in_a = common(x, y);
        if (vmaxvq_u32(in_a) != 0) { /* both ascend: the k-th hit of one list is the k-th of the other */
            if (at_b != NULL) (void)emit_lanes(common(y, x), lists.k, at_b + found);
            found += emit_lanes(in_a, lists.i, at_a == NULL ? NULL : at_a + found);
        }
        lists.i += a_last <= b_last ? 4 : 0;
        lists.k += b_last <= a_last ? 4 : 0;
    }
    return wgi_intersect_rest(&lists, found, at_a, at_b);
}

static size_t intersect_count_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    return intersect_u32(a, a_count, b, b_count, NULL, NULL);
}

/* ---- visibility */

static inline uint64x2_t reached(const uint64_t *t, uint64x2_t snapshot, uint64x2_t own) {
    const uint64x2_t v = load_u64(t);
    return vorrq_u64(vcleq_u64(v, snapshot), vceqq_u64(v, own));
}

static void visible(const uint64_t *begin, const uint64_t *end, uint64_t snapshot, uint64_t own, size_t n,
                    uint8_t *mask) {
    const uint64x2_t s = vdupq_n_u64(snapshot);
    const uint64x2_t o = vdupq_n_u64(own);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64x2_t seen[4];
        for (size_t k = 0; k < 4; k++)
            seen[k] = vbicq_u64(reached(begin + i + 2 * k, s, o), reached(end + i + 2 * k, s, o));
        vst1_u8(mask + i, bytes_of_64(seen[0], seen[1], seen[2], seen[3]));
    }
    wgi_kernels_scalar.visible(begin + i, end + i, snapshot, own, n - i, mask + i);
}

/* ---- what the reference does as well */

static void mask_of_codes(const uint8_t *table, const uint32_t *codes, size_t n, uint8_t *mask) {
    wgi_kernels_scalar.mask_of_codes(table, codes, n, mask);
}
static size_t select_rows(const uint8_t *mask, size_t n, uint16_t *sel) {
    return wgi_kernels_scalar.select(mask, n, sel);
}
static size_t select_among(const uint8_t *mask, const uint16_t *sel, size_t n, uint16_t *out) {
    return wgi_kernels_scalar.select_among(mask, sel, n, out);
}
static size_t compact_u64(const uint64_t *a, const uint8_t *mask, size_t n, uint64_t *out) {
    return wgi_kernels_scalar.compact_u64(a, mask, n, out);
}
static void gather_u64(const uint64_t *a, const uint16_t *sel, size_t n, uint64_t *out) {
    wgi_kernels_scalar.gather_u64(a, sel, n, out);
}
static void gather_u32(const uint32_t *a, const uint16_t *sel, size_t n, uint32_t *out) {
    wgi_kernels_scalar.gather_u32(a, sel, n, out);
}
static void gather_codes_u64(const uint64_t *dict, const uint32_t *codes, size_t n, uint64_t *out) {
    wgi_kernels_scalar.gather_codes_u64(dict, codes, n, out);
}
static void unpack_u64(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint64_t base, uint64_t *out) {
    wgi_kernels_scalar.unpack_u64(packed, width, first, n, base, out);
}
static void unpack_decimals(const uint8_t *packed, uint32_t width, size_t first, size_t n,
                            const wg_kernel_decimal *decimal, double *out) {
    wgi_kernels_scalar.unpack_decimals(packed, width, first, n, decimal, out);
}
static void unpack_u32(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint32_t *out) {
    wgi_kernels_scalar.unpack_u32(packed, width, first, n, out);
}
static void hash_u64(const uint64_t *a, size_t n, bool combine, uint64_t *out) {
    wgi_kernels_scalar.hash_u64(a, n, combine, out);
}
static bool split_f64(const double *a, size_t n, double *pairs) { return wgi_kernels_scalar.split_f64(a, n, pairs); }
static void str_equal(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    wgi_kernels_scalar.str_equal(cells, n, needle, needle_size, mask);
}
static void str_prefix(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    wgi_kernels_scalar.str_prefix(cells, n, needle, needle_size, mask);
}

const wg_kernels wgi_kernels_neon = {
    .isa = WG_ISA_NEON,
    .name = "neon",
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
#endif
