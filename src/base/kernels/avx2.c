/* Kernels for AVX2 with BMI1 and BMI2 (Haswell, Zen and later). 256 bits a step; what is left of an input goes to the reference.
 *
 * Masks of one byte a row come from the sign bits of compared lanes (MOVMSK), spread to bytes by PDEP; PEXT turns the mask of eight rows
 * into their numbers, which is compaction without a table. Stores may pass what was found so far, never the block that was read: each
 * output is no longer than its input. */
#include "base/kernels/kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

WGI_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")

#define ONE_BYTES UINT64_C(0x0101010101010101)

static inline __m256i load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void store(void *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }
static inline __m256d load_pd(const double *p) { return _mm256_castsi256_pd(load(p)); }
/* Eight bits to eight bytes of 0 or 1. */
static inline void store_bits8(uint8_t *mask, uint32_t bits) { wg_store_u64le(mask, _pdep_u64(bits, ONE_BYTES)); }
static inline uint32_t bits_of_64(__m256i lanes) { return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(lanes)); }
static inline uint32_t bits_of_32(__m256i lanes) { return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(lanes)); }

/* ---- comparison to mask. AVX2 has = and signed >; the others are these turned around or denied. */

typedef struct plain_compare {
    bool equal; /* else greater */
    bool swap;
    uint32_t deny; /* bits to flip */
} plain_compare;

static plain_compare plain_of(wg_kernel_compare op) {
    switch (op) {
        case WG_KERNEL_EQ:
            return (plain_compare){.equal = true};
        case WG_KERNEL_NE:
            return (plain_compare){.equal = true, .deny = 0xff};
        case WG_KERNEL_LT:
            return (plain_compare){.swap = true};
        case WG_KERNEL_LE:
            return (plain_compare){.deny = 0xff};
        case WG_KERNEL_GT:
            return (plain_compare){.equal = false};
        case WG_KERNEL_GE:
            return (plain_compare){.swap = true, .deny = 0xff};
    }
    WG_UNREACHABLE("a comparison outside its enum");
}

/* Eight rows a step: `x` and `y` are the lanes of rows i..i+3 and i+4..i+7 of the left side, `u` and `v` of the right. */
#define LOOP_I64(test, x, y, u, v)                                                  \
    for (; i + 8 <= n; i += 8) {                                                    \
        const uint32_t bits = bits_of_64(test(x, u)) | bits_of_64(test(y, v)) << 4; \
        store_bits8(mask + i, bits ^ plain.deny);                                   \
    }

static void compare_i64(wg_kernel_compare op, const int64_t *a, int64_t b, size_t n, uint8_t *mask) {
    const plain_compare plain = plain_of(op);
    const __m256i c = _mm256_set1_epi64x(b);
    size_t i = 0;
    if (plain.equal) {
        LOOP_I64(_mm256_cmpeq_epi64, load(a + i), load(a + i + 4), c, c)
    } else if (plain.swap) {
        LOOP_I64(_mm256_cmpgt_epi64, c, c, load(a + i), load(a + i + 4))
    } else {
        LOOP_I64(_mm256_cmpgt_epi64, load(a + i), load(a + i + 4), c, c)
    }
    wgi_kernels_scalar.compare_i64(op, a + i, b, n - i, mask + i);
}

static void compare_i64_pairs(wg_kernel_compare op, const int64_t *a, const int64_t *b, size_t n, uint8_t *mask) {
    const plain_compare plain = plain_of(op);
    const int64_t *x = plain.swap ? b : a;
    const int64_t *y = plain.swap ? a : b;
    size_t i = 0;
    if (plain.equal) {
        LOOP_I64(_mm256_cmpeq_epi64, load(x + i), load(x + i + 4), load(y + i), load(y + i + 4))
    } else {
        LOOP_I64(_mm256_cmpgt_epi64, load(x + i), load(x + i + 4), load(y + i), load(y + i + 4))
    }
    wgi_kernels_scalar.compare_i64_pairs(op, a + i, b + i, n - i, mask + i);
}

static void compare_u32(wg_kernel_compare op, const uint32_t *a, uint32_t b, size_t n, uint8_t *mask) {
    const plain_compare plain = plain_of(op);
    const __m256i flip = _mm256_set1_epi32(INT32_MIN); /* unsigned order is signed order with the top bit flipped */
    const __m256i c = _mm256_xor_si256(_mm256_set1_epi32((int32_t)b), flip);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i v = _mm256_xor_si256(load(a + i), flip);
        const __m256i lanes = plain.equal  ? _mm256_cmpeq_epi32(v, c)
                              : plain.swap ? _mm256_cmpgt_epi32(c, v)
                                           : _mm256_cmpgt_epi32(v, c);
        store_bits8(mask + i, bits_of_32(lanes) ^ plain.deny);
    }
    wgi_kernels_scalar.compare_u32(op, a + i, b, n - i, mask + i);
}

#define LOOP_F64(predicate, right_low, right_high)                                                  \
    for (; i + 8 <= n; i += 8) {                                                                    \
        const __m256d low = _mm256_cmp_pd(load_pd(a + i), right_low, predicate);                    \
        const __m256d high = _mm256_cmp_pd(load_pd(a + i + 4), right_high, predicate);              \
        store_bits8(mask + i, (uint32_t)(_mm256_movemask_pd(low) | _mm256_movemask_pd(high) << 4)); \
    }                                                                                               \
    break
#define SWITCH_F64(right_low, right_high)                 \
    switch (op) {                                         \
        case WG_KERNEL_EQ:                                \
            LOOP_F64(_CMP_EQ_OQ, right_low, right_high);  \
        case WG_KERNEL_NE:                                \
            LOOP_F64(_CMP_NEQ_UQ, right_low, right_high); \
        case WG_KERNEL_LT:                                \
            LOOP_F64(_CMP_LT_OQ, right_low, right_high);  \
        case WG_KERNEL_LE:                                \
            LOOP_F64(_CMP_LE_OQ, right_low, right_high);  \
        case WG_KERNEL_GT:                                \
            LOOP_F64(_CMP_GT_OQ, right_low, right_high);  \
        case WG_KERNEL_GE:                                \
            LOOP_F64(_CMP_GE_OQ, right_low, right_high);  \
    }

static void compare_f64(wg_kernel_compare op, const double *a, double b, size_t n, uint8_t *mask) {
    const __m256d c = _mm256_set1_pd(b);
    size_t i = 0;
    SWITCH_F64(c, c)
    wgi_kernels_scalar.compare_f64(op, a + i, b, n - i, mask + i);
}

static void compare_f64_pairs(wg_kernel_compare op, const double *a, const double *b, size_t n, uint8_t *mask) {
    size_t i = 0;
    SWITCH_F64(load_pd(b + i), load_pd(b + i + 4))
    wgi_kernels_scalar.compare_f64_pairs(op, a + i, b + i, n - i, mask + i);
}

/* ---- masks */

static void mask_and(uint8_t *mask, const uint8_t *other, size_t n) {
    size_t i = 0;
    for (; i + 32 <= n; i += 32) store(mask + i, _mm256_and_si256(load(mask + i), load(other + i)));
    wgi_kernels_scalar.mask_and(mask + i, other + i, n - i);
}

static void mask_or(uint8_t *mask, const uint8_t *other, size_t n) {
    size_t i = 0;
    for (; i + 32 <= n; i += 32) store(mask + i, _mm256_or_si256(load(mask + i), load(other + i)));
    wgi_kernels_scalar.mask_or(mask + i, other + i, n - i);
}

static void mask_and_bits(uint8_t *mask, const uint8_t *bits, size_t first, size_t n) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        wg_store_u64le(mask + i, wg_load_u64le(mask + i) & _pdep_u64(wgi_bits8(bits, first + i, 8), ONE_BYTES));
    wgi_kernels_scalar.mask_and_bits(mask + i, bits, first + i, n - i);
}

static inline uint64_t sum_lanes(__m256i v) {
    const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return (uint64_t)_mm_cvtsi128_si64(half) + (uint64_t)_mm_extract_epi64(half, 1);
}

static size_t mask_count(const uint8_t *mask, size_t n) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i sum = zero;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) sum = _mm256_add_epi64(sum, _mm256_sad_epu8(load(mask + i), zero));
    return sum_lanes(sum) + wgi_kernels_scalar.mask_count(mask + i, n - i);
}

/* ---- compaction */

static size_t select_rows(const uint8_t *mask, size_t n, uint16_t *sel) {
    size_t count = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const uint64_t rows = wg_load_u64le(mask + i);
        const uint64_t kept = _pext_u64(UINT64_C(0x0706050403020100), rows * 0xff);
        const __m128i numbers = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(wg_i64_of_u64(kept)));
        _mm_storeu_si128((__m128i *)(void *)(sel + count), _mm_add_epi16(numbers, _mm_set1_epi16((int16_t)i)));
        count += (size_t)_mm_popcnt_u64(rows);
    }
    for (; i < n; i++) {
        wgi_store_u16(sel + count, (uint16_t)i);
        count += mask[i];
    }
    return count;
}

/* Which 32-bit halves go where when the lanes of `bits` are kept: a nibble a half, from the lowest. */
static inline __m256i halves_kept(uint32_t bits) {
    const uint64_t lanes = _pdep_u64(bits, UINT64_C(0x0001000100010001)) * 0xffff;
    const uint64_t halves = _pext_u64(UINT64_C(0x0706050403020100), lanes);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(wg_i64_of_u64(halves)));
}

static size_t compact_u64(const uint64_t *a, const uint8_t *mask, size_t n, uint64_t *out) {
    size_t count = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint32_t bits = (uint32_t)_pext_u32(wg_load_u32le(mask + i), 0x01010101);
        store(out + count, _mm256_permutevar8x32_epi32(load(a + i), halves_kept(bits)));
        count += (size_t)_mm_popcnt_u32(bits);
    }
    for (; i < n; i++) {
        wgi_store_u64(out + count, wgi_load_u64(a + i));
        count += mask[i];
    }
    return count;
}

/* ---- packed numbers: eight of them fill `width` bytes, two of them lie in sixteen. A shuffle brings the eight bytes from which each
 * is cut to its lane. */

typedef struct unpack_plan {
    size_t begins[4]; /* byte of each pair within the group */
    __m256i bytes[2]; /* of two pairs each */
    __m256i shifts[2];
    __m256i mask;
} unpack_plan;

static inline void unpack_plan_of(uint32_t width, unpack_plan *out) {
    uint8_t bytes[64];
    uint64_t shifts[8];
    for (size_t k = 0; k < 8; k++) {
        const size_t bit = k * width;
        const size_t begin = (k & ~(size_t)1) * width / 8;
        out->begins[k / 2] = begin;
        shifts[k] = bit % 8;
        for (size_t b = 0; b < 8; b++) bytes[8 * k + b] = (uint8_t)(bit / 8 - begin + b);
    }
    for (size_t h = 0; h < 2; h++) {
        out->bytes[h] = load(bytes + 32 * h);
        out->shifts[h] = load(shifts + 4 * h);
    }
    out->mask = _mm256_set1_epi64x(wg_i64_of_u64((UINT64_C(1) << width) - 1));
}

/* Numbers 4h to 4h + 3 of the group at `from`. */
static inline __m256i unpack_lanes(const unpack_plan *plan, const uint8_t *from, size_t h) {
    const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(from + plan->begins[2 * h]));
    const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(from + plan->begins[2 * h + 1]));
    const __m256i lanes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), plan->bytes[h]);
    return _mm256_and_si256(_mm256_srlv_epi64(lanes, plan->shifts[h]), plan->mask);
}

static void unpack_u64(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint64_t base, uint64_t *out) {
    unpack_plan plan;
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    const __m256i add = _mm256_set1_epi64x(wg_i64_of_u64(base));
    size_t i = wgi_packed_head(first, n);
    unpack_plan_of(width, &plan);
    wgi_kernels_scalar.unpack_u64(packed, width, first, i, base, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    const size_t reach = plan.begins[3] + 16;
    for (; i + 8 <= n && (size_t)(end - from) >= reach; i += 8, from += width) {
        store(out + i, _mm256_add_epi64(unpack_lanes(&plan, from, 0), add));
        store(out + i + 4, _mm256_add_epi64(unpack_lanes(&plan, from, 1), add));
    }
    wgi_kernels_scalar.unpack_u64(packed, width, first + i, n - i, base, out + i);
}

/* Below 2^51 a whole number that is added to the bits of 1.5 * 2^52 gives the double which is larger by that number. */
static void unpack_decimals(const uint8_t *packed, uint32_t width, size_t first, size_t n,
                            const wg_kernel_decimal *decimal, double *out) {
    unpack_plan plan;
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    const __m256d rounder = _mm256_set1_pd(6755399441055744.0);
    const __m256d power = _mm256_set1_pd(decimal->power);
    const __m256i add =
        _mm256_add_epi64(_mm256_castpd_si256(rounder), _mm256_set1_epi64x(wg_i64_of_u64(decimal->base)));
    size_t i = wgi_packed_head(first, n);
    unpack_plan_of(width, &plan);
    wgi_kernels_scalar.unpack_decimals(packed, width, first, i, decimal, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    const size_t reach = plan.begins[3] + 16;
    for (; i + 8 <= n && (size_t)(end - from) >= reach; i += 8, from += width)
        for (size_t h = 0; h < 2; h++) {
            const __m256d shifted = _mm256_castsi256_pd(_mm256_add_epi64(unpack_lanes(&plan, from, h), add));
            _mm256_storeu_pd(out + i + 4 * h, _mm256_div_pd(_mm256_sub_pd(shifted, rounder), power));
        }
    wgi_kernels_scalar.unpack_decimals(packed, width, first + i, n - i, decimal, out + i);
}

static void unpack_u32(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint32_t *out) {
    unpack_plan plan;
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    size_t i = wgi_packed_head(first, n);
    unpack_plan_of(width, &plan);
    wgi_kernels_scalar.unpack_u32(packed, width, first, i, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    const size_t reach = plan.begins[3] + 16;
    for (; i + 8 <= n && (size_t)(end - from) >= reach; i += 8, from += width) {
        const __m256 low = _mm256_castsi256_ps(unpack_lanes(&plan, from, 0));
        const __m256 high = _mm256_castsi256_ps(unpack_lanes(&plan, from, 1));
        const __m256i halves = _mm256_castps_si256(_mm256_shuffle_ps(low, high, 0x88)); /* 0 1 4 5 2 3 6 7 */
        store(out + i, _mm256_permute4x64_epi64(halves, 0xd8));
    }
    wgi_kernels_scalar.unpack_u32(packed, width, first + i, n - i, out + i);
}

/* ---- hash */

/* The low 64 bits of lanes times a constant, from three products of 32 bits. */
static inline __m256i multiply(__m256i v, uint64_t factor) {
    const __m256i f = _mm256_set1_epi64x(wg_i64_of_u64(factor));
    const __m256i f_high = _mm256_set1_epi64x(wg_i64_of_u64(factor >> 32));
    const __m256i low = _mm256_mul_epu32(v, f);
    const __m256i cross =
        _mm256_add_epi64(_mm256_mul_epu32(v, f_high), _mm256_mul_epu32(_mm256_srli_epi64(v, 32), f));
    return _mm256_add_epi64(low, _mm256_slli_epi64(cross, 32));
}

static inline __m256i fold(__m256i v) { return _mm256_xor_si256(v, _mm256_srli_epi64(v, 32)); }

static void hash_u64(const uint64_t *a, size_t n, bool combine, uint64_t *out) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i v = load(a + i);
        if (combine) v = _mm256_xor_si256(v, multiply(load(out + i), WGI_HASH_SPREAD));
        v = fold(multiply(fold(multiply(fold(v), WGI_HASH_FACTOR)), WGI_HASH_FACTOR));
        store(out + i, v);
    }
    wgi_kernels_scalar.hash_u64(a + i, n - i, combine, out + i);
}

/* ---- reductions */

enum { SUM_BLOCK = 1 << 30 }; /* elements whose 32-bit halves cannot overflow a lane of 64 bits */

static wg_i128 sum_block(const int64_t *a, size_t n) {
    const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN); /* v + 2^63 is not negative; taken off at the end */
    __m256i low = _mm256_setzero_si256();
    __m256i high = low;
    for (size_t i = 0; i < n; i += 4) {
        const __m256i v = _mm256_xor_si256(load(a + i), flip);
        low = _mm256_add_epi64(low, _mm256_and_si256(v, low_half));
        high = _mm256_add_epi64(high, _mm256_srli_epi64(v, 32));
    }
    return (wg_i128)sum_lanes(low) + ((wg_i128)sum_lanes(high) << 32) - ((wg_i128)n << 63);
}

static wg_kernel_sum sum_i64(const int64_t *a, size_t n) {
    wg_i128 sum = 0;
    size_t i = 0;
    while (n - i >= 4) {
        const size_t block = wg_min_size(n - i, SUM_BLOCK) & ~(size_t)3;
        sum += sum_block(a + i, block);
        i += block;
    }
    for (; i < n; i++) sum += wgi_load_i64(a + i);
    return wgi_sum_of(sum);
}

static wg_kernel_sum sum_u32(const uint32_t *a, size_t n) {
    const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
    wg_i128 sum = 0;
    size_t i = 0;
    while (n - i >= 8) {
        const size_t end = i + (wg_min_size(n - i, SUM_BLOCK) & ~(size_t)7);
        __m256i lanes = _mm256_setzero_si256();
        for (; i < end; i += 8) {
            const __m256i v = load(a + i);
            lanes = _mm256_add_epi64(lanes, _mm256_and_si256(v, low_half));
            lanes = _mm256_add_epi64(lanes, _mm256_srli_epi64(v, 32));
        }
        sum += sum_lanes(lanes);
    }
    for (; i < n; i++) sum += wgi_load_u32(a + i);
    return wgi_sum_of(sum);
}

static void min_max_i64(const int64_t *a, size_t n, int64_t *min, int64_t *max) {
    if (n < 4) {
        wgi_kernels_scalar.min_max_i64(a, n, min, max);
        return;
    }
    __m256i low = load(a);
    __m256i high = low;
    size_t i = 4;
    for (; i + 4 <= n; i += 4) {
        const __m256i v = load(a + i);
        low = _mm256_blendv_epi8(low, v, _mm256_cmpgt_epi64(low, v));
        high = _mm256_blendv_epi8(high, v, _mm256_cmpgt_epi64(v, high));
    }
    int64_t lanes[8];
    store(lanes, low);
    store(lanes + 4, high);
    int64_t least = lanes[0];
    int64_t most = lanes[4];
    for (size_t k = 1; k < 4; k++) {
        least = lanes[k] < least ? lanes[k] : least;
        most = lanes[4 + k] > most ? lanes[4 + k] : most;
    }
    for (; i < n; i++) {
        const int64_t v = wgi_load_i64(a + i);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    *min = least;
    *max = most;
}

static bool min_max_f64(const double *a, size_t n, double *min, double *max) {
    __m256d low = _mm256_set1_pd(__builtin_inf());
    __m256d high = _mm256_set1_pd(-__builtin_inf());
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const __m256d v = load_pd(a + i);
        low = _mm256_min_pd(v, low); /* the second operand when v is NaN */
        high = _mm256_max_pd(v, high);
    }
    double lanes[8];
    _mm256_storeu_pd(lanes, low);
    _mm256_storeu_pd(lanes + 4, high);
    double least = lanes[0];
    double most = lanes[4];
    for (size_t k = 1; k < 4; k++) {
        least = lanes[k] < least ? lanes[k] : least;
        most = lanes[4 + k] > most ? lanes[4 + k] : most;
    }
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

/* Four doubles of a from i on; what is beyond n is 0.0. */
static inline __m256d load_rest_pd(const double *a, size_t i, size_t n) {
    if (i + 4 <= n) return load_pd(a + i);
    double rest[4] = {0.0};
    memcpy(rest, a + i, (n - i) * sizeof *rest);
    return load_pd(rest);
}

static bool sum_constants(const double *a, size_t n, double m[WG_KERNEL_SUM_PARTS]) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    __m256d most = _mm256_setzero_pd();
    __m256d other = most;
    WG_ASSERT(n <= WG_KERNEL_SUM_ROWS);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) { /* the second operand when the first is NaN */
        most = _mm256_max_pd(_mm256_andnot_pd(sign, load_pd(a + i)), most);
        other = _mm256_max_pd(_mm256_andnot_pd(sign, load_pd(a + i + 4)), other);
    }
    for (; i < n; i += 4) most = _mm256_max_pd(_mm256_andnot_pd(sign, load_rest_pd(a, i, n)), most);
    double lanes[4];
    _mm256_storeu_pd(lanes, _mm256_max_pd(most, other));
    double max = lanes[0];
    for (size_t k = 1; k < 4; k++) max = lanes[k] > max ? lanes[k] : max;
    return wgi_sum_constants(max, m);
}

/* True when something is left. */
static inline bool is_left(__m256d left) {
    const __m256i bits = _mm256_slli_epi64(_mm256_castpd_si256(left), 1); /* zeros of both signs are nothing */
    return !_mm256_testz_si256(bits, bits);
}

/* One step of all levels over four values. Unrolled, loops over levels keep the sums in registers. */
static inline __m256d sum_step(__m256d x, const __m256d *m, size_t levels, __m256d *sums) {
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++) {
        const __m256d q = _mm256_sub_pd(_mm256_add_pd(m[k], x), m[k]);
        x = _mm256_sub_pd(x, q);
        sums[k] = _mm256_add_pd(sums[k], q);
    }
    return x;
}

static inline bool sum_levels(const double *a, size_t n, const double *constants, size_t levels, double *parts) {
    __m256d m[WG_KERNEL_SUM_PARTS];
    __m256d sums[2 * WG_KERNEL_SUM_PARTS]; /* two chains */
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++) {
        m[k] = _mm256_set1_pd(constants[k]);
        sums[k] = sums[WG_KERNEL_SUM_PARTS + k] = _mm256_setzero_pd();
    }
    __m256d left = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        left = _mm256_or_pd(left, sum_step(load_pd(a + i), m, levels, sums));
        left = _mm256_or_pd(left, sum_step(load_pd(a + i + 4), m, levels, sums + WG_KERNEL_SUM_PARTS));
    }
    for (; i < n; i += 4) left = _mm256_or_pd(left, sum_step(load_rest_pd(a, i, n), m, levels, sums));
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++) {
        double lanes[4];
        _mm256_storeu_pd(lanes, _mm256_add_pd(sums[k], sums[WG_KERNEL_SUM_PARTS + k]));
        parts[k] = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    }
    return !is_left(left);
}

static bool sum_f64(const double *a, size_t n, double parts[WG_KERNEL_SUM_PARTS]) {
    double m[WG_KERNEL_SUM_PARTS];
    double sums[WG_KERNEL_SUM_PARTS] = {0.0};
    if (!sum_constants(a, n, m)) return false;
    if (!sum_levels(a, n, m, 2, sums) && !sum_levels(a, n, m, 4, sums)) return false;
    memcpy(parts, sums, sizeof sums);
    return true;
}

/* Takes four values apart into four pairs; gives what is left. */
static inline __m256d split_step(__m256d x, __m256d m, __m256d l, double *pairs) {
    const __m256d q = _mm256_sub_pd(_mm256_add_pd(m, x), m);
    const __m256d r = _mm256_sub_pd(x, q);
    const __m256d p = _mm256_sub_pd(_mm256_add_pd(l, r), l);
    const __m256d even = _mm256_unpacklo_pd(q, p); /* pairs 0 and 2 */
    const __m256d odd = _mm256_unpackhi_pd(q, p);
    _mm256_storeu_pd(pairs, _mm256_permute2f128_pd(even, odd, 0x20));
    _mm256_storeu_pd(pairs + 4, _mm256_permute2f128_pd(even, odd, 0x31));
    return _mm256_sub_pd(r, p);
}

static bool split_f64(const double *a, size_t n, double *pairs) {
    double constants[WG_KERNEL_SUM_PARTS];
    if (!sum_constants(a, n, constants)) return false;
    const __m256d m = _mm256_set1_pd(constants[0]);
    const __m256d l = _mm256_set1_pd(constants[1]);
    __m256d left = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 4 <= n; i += 4) left = _mm256_or_pd(left, split_step(load_pd(a + i), m, l, pairs + 2 * i));
    if (i < n) {
        double last[8];
        left = _mm256_or_pd(left, split_step(load_rest_pd(a, i, n), m, l, last));
        memcpy(pairs + 2 * i, last, (n - i) * 2 * sizeof *last);
    }
    return !is_left(left);
}

/* ---- strings: by the size of the needle, without a branch on the cell where the needle is short: a cell of another size is
 * replaced by the needle itself, which may be read, and the difference in size remembered */

static inline bool same_16(const char *s, const char *t, size_t n) { /* n of 16 to 32: two loads that may overlap */
    const __m128i x = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)s),
                                    _mm_loadu_si128((const __m128i *)(const void *)t));
    const __m128i y = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(s + n - 16)),
                                    _mm_loadu_si128((const __m128i *)(const void *)(t + n - 16)));
    const __m128i differ = _mm_or_si128(x, y);
    return _mm_testz_si128(differ, differ);
}
static inline bool same_8(const char *s, const char *t, size_t n) {
    return ((wg_load_u64le(s) ^ wg_load_u64le(t)) | (wg_load_u64le(s + n - 8) ^ wg_load_u64le(t + n - 8))) == 0;
}
static inline bool same_4(const char *s, const char *t, size_t n) {
    return ((wg_load_u32le(s) ^ wg_load_u32le(t)) | (wg_load_u32le(s + n - 4) ^ wg_load_u32le(t + n - 4))) == 0;
}
static inline bool same_1(const char *s, const char *t, size_t n) {
    return ((s[0] ^ t[0]) | (s[n / 2] ^ t[n / 2]) | (s[n - 1] ^ t[n - 1])) == 0;
}

#define SHORT_NEEDLE(same)                                                          \
    for (size_t i = 0; i < n; i++, at += 16) {                                      \
        const char *s;                                                              \
        memcpy(&s, at, sizeof s);                                                   \
        const uint64_t size = wg_load_u64le(at + 8);                                \
        const bool fits = prefix ? size >= needle.size : size == needle.size;       \
        const uint64_t take = 0 - (uint64_t)fits;                                   \
        s = (const char *)((take & (uintptr_t)s) | (~take & (uintptr_t)text));      \
        mask[i] = (uint8_t)((uint32_t)fits & (uint32_t)same(s, text, needle.size)); \
    }

static inline void match_strings(const uint8_t *at, size_t n, wg_slice needle, bool prefix, uint8_t *mask) {
    const char *text = (const char *)needle.data;
    if (needle.size > 32 || needle.size == 0) {
        if (prefix) wgi_kernels_scalar.str_prefix(at, n, text, needle.size, mask);
        else wgi_kernels_scalar.str_equal(at, n, text, needle.size, mask);
    } else if (needle.size >= 16) {
        SHORT_NEEDLE(same_16)
    } else if (needle.size >= 8) {
        SHORT_NEEDLE(same_8)
    } else if (needle.size >= 4) {
        SHORT_NEEDLE(same_4)
    } else {
        SHORT_NEEDLE(same_1)
    }
}

static void str_equal(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    match_strings(cells, n, wg_slice_of(needle, needle_size), false, mask);
}

static void str_prefix(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    match_strings(cells, n, wg_slice_of(needle, needle_size), true, mask);
}

/* ---- sorted lists: blocks of eight against eight, each of eight rotations (Inoue, Ohara, Taura 2014) */

/* Bits of the elements of x that are in y. */
static inline uint32_t common(__m256i x, __m256i y) {
    const __m256i turn = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    __m256i hit = _mm256_cmpeq_epi32(x, y);
    for (int r = 1; r < 8; r++) {
        y = _mm256_permutevar8x32_epi32(y, turn);
        hit = _mm256_or_si256(hit, _mm256_cmpeq_epi32(x, y));
    }
    return bits_of_32(hit);
}

static size_t intersect_count_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, NULL, NULL);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 8 <= a_count && lists.k + 8 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 7);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 7);
        found += (size_t)_mm_popcnt_u32(common(load(a + lists.i), load(b + lists.k)));
        lists.i += a_last <= b_last ? 8 : 0;
        lists.k += b_last <= a_last ? 8 : 0;
    }
    return wgi_intersect_rest(&lists, found, NULL, NULL);
}

/* ---- visibility */

/* Lanes of t for which t <= snapshot or t = own; `snapshot` and `t` with the top bit flipped. */
static inline __m256i not_reached(__m256i t, __m256i snapshot, __m256i own) {
    return _mm256_andnot_si256(_mm256_cmpeq_epi64(t, own), _mm256_cmpgt_epi64(t, snapshot));
}

static void visible(const uint64_t *begin, const uint64_t *end, uint64_t snapshot, uint64_t own, size_t n,
                    uint8_t *mask) {
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    const __m256i s = _mm256_xor_si256(_mm256_set1_epi64x(wg_i64_of_u64(snapshot)), flip);
    const __m256i o = _mm256_xor_si256(_mm256_set1_epi64x(wg_i64_of_u64(own)), flip);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 8; k += 4) {
            const __m256i b = _mm256_xor_si256(load(begin + i + k), flip);
            const __m256i e = _mm256_xor_si256(load(end + i + k), flip);
            const __m256i seen = _mm256_andnot_si256(not_reached(b, s, o), not_reached(e, s, o));
            bits |= bits_of_64(seen) << k;
        }
        store_bits8(mask + i, bits);
    }
    wgi_kernels_scalar.visible(begin + i, end + i, snapshot, own, n - i, mask + i);
}

WGI_TARGET_END

/* ---- what the reference does as well or better: look-ups one by one keep both load ports busy, gathers do not */

static void mask_of_codes(const uint8_t *table, const uint32_t *codes, size_t n, uint8_t *mask) {
    wgi_kernels_scalar.mask_of_codes(table, codes, n, mask);
}
static size_t select_among(const uint8_t *mask, const uint16_t *sel, size_t n, uint16_t *out) {
    return wgi_kernels_scalar.select_among(mask, sel, n, out);
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
static size_t intersect_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    return wgi_kernels_scalar.intersect_u32(a, a_count, b, b_count, at_a, at_b);
}

const wg_kernels wgi_kernels_avx2 = {
    .isa = WG_ISA_AVX2,
    .name = "avx2",
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
