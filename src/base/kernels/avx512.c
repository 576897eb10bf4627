/* Kernels for AVX-512 F, BW, DQ, VL, VBMI and VBMI2 (Ice Lake, Zen 4 and later). 512 bits a step; tails run through the same
 * instructions under a mask, which neither reads nor writes the lanes left out.
 *
 * Compaction compresses in a register and stores the whole of it where the block that was read is full (an output is no longer than its
 * input), because compressing stores are slow on some processors. */
#include "base/kernels/kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

WGI_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")

static inline __m512i load(const void *p) { return _mm512_loadu_si512(p); }
/* The lowest n lanes, n below 64. */
static inline uint64_t lanes_below(size_t n) { return (UINT64_C(1) << n) - 1; }
static inline __m512i load_64(const void *p, __mmask8 k) { return _mm512_maskz_loadu_epi64(k, p); }
static inline void store_mask64(uint8_t *mask, uint64_t rows) {
    _mm512_storeu_si512(mask, _mm512_maskz_set1_epi8(rows, 1));
}
static inline void store_mask_tail(uint8_t *mask, uint64_t rows, size_t n) {
    _mm512_mask_storeu_epi8(mask, lanes_below(n), _mm512_maskz_set1_epi8(rows, 1));
}

/* ---- comparison to mask: 64 rows a step. ROW8(i, k) gives the bits of the rows i..i+7 that are in k. */

#define COMPARE_LOOP(ROW8)                                                               \
    do {                                                                                 \
        size_t i = 0;                                                                    \
        for (; i + 64 <= n; i += 64) {                                                   \
            uint64_t rows = 0;                                                           \
            for (size_t g = 0; g < 64; g += 8) rows |= (uint64_t)ROW8(i + g, 0xff) << g; \
            store_mask64(mask + i, rows);                                                \
        }                                                                                \
        uint64_t rows = 0;                                                               \
        const size_t rest = n - i;                                                       \
        for (size_t g = 0; g < rest; g += 8) {                                           \
            const __mmask8 k = (__mmask8)(rest - g >= 8 ? 0xff : lanes_below(rest - g)); \
            rows |= (uint64_t)ROW8(i + g, k) << g;                                       \
        }                                                                                \
        store_mask_tail(mask + i, rows, rest);                                           \
    } while (0)
#define COMPARE_SWITCH(EQ, NE, LT, LE, GT, GE) \
    switch (op) {                              \
        case WG_KERNEL_EQ:                     \
            COMPARE_LOOP(EQ);                  \
            return;                            \
        case WG_KERNEL_NE:                     \
            COMPARE_LOOP(NE);                  \
            return;                            \
        case WG_KERNEL_LT:                     \
            COMPARE_LOOP(LT);                  \
            return;                            \
        case WG_KERNEL_LE:                     \
            COMPARE_LOOP(LE);                  \
            return;                            \
        case WG_KERNEL_GT:                     \
            COMPARE_LOOP(GT);                  \
            return;                            \
        case WG_KERNEL_GE:                     \
            COMPARE_LOOP(GE);                  \
            return;                            \
    }

#define I64_ROWS(at, k, right, predicate) _mm512_mask_cmp_epi64_mask(k, load_64(a + (at), k), right, predicate)
#define I64_EQ(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_EQ)
#define I64_NE(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_NE)
#define I64_LT(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_LT)
#define I64_LE(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_LE)
#define I64_GT(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_NLE)
#define I64_GE(at, k)                     I64_ROWS(at, k, RIGHT(at, k), _MM_CMPINT_NLT)

#define RIGHT(at, k) c
static void compare_i64(wg_kernel_compare op, const int64_t *a, int64_t b, size_t n, uint8_t *mask) {
    const __m512i c = _mm512_set1_epi64(b);
    COMPARE_SWITCH(I64_EQ, I64_NE, I64_LT, I64_LE, I64_GT, I64_GE)
}
#undef RIGHT

#define RIGHT(at, k) load_64(b + (at), k)
static void compare_i64_pairs(wg_kernel_compare op, const int64_t *a, const int64_t *b, size_t n, uint8_t *mask) {
    COMPARE_SWITCH(I64_EQ, I64_NE, I64_LT, I64_LE, I64_GT, I64_GE)
}
#undef RIGHT

#define F64_ROWS(at, k, right, predicate) \
    _mm512_mask_cmp_pd_mask(k, _mm512_maskz_loadu_pd(k, a + (at)), right, predicate)
#define F64_EQ(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_EQ_OQ)
#define F64_NE(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_NEQ_UQ)
#define F64_LT(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_LT_OQ)
#define F64_LE(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_LE_OQ)
#define F64_GT(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_GT_OQ)
#define F64_GE(at, k) F64_ROWS(at, k, RIGHT(at, k), _CMP_GE_OQ)

#define RIGHT(at, k) c
static void compare_f64(wg_kernel_compare op, const double *a, double b, size_t n, uint8_t *mask) {
    const __m512d c = _mm512_set1_pd(b);
    COMPARE_SWITCH(F64_EQ, F64_NE, F64_LT, F64_LE, F64_GT, F64_GE)
}
#undef RIGHT

#define RIGHT(at, k) _mm512_maskz_loadu_pd(k, b + (at))
static void compare_f64_pairs(wg_kernel_compare op, const double *a, const double *b, size_t n, uint8_t *mask) {
    COMPARE_SWITCH(F64_EQ, F64_NE, F64_LT, F64_LE, F64_GT, F64_GE)
}
#undef RIGHT

/* The same eight rows, in 256 bits. */
#define U32_ROWS(at, k, predicate) _mm256_mask_cmp_epu32_mask(k, _mm256_maskz_loadu_epi32(k, a + (at)), c, predicate)
#define U32_EQ(at, k)              U32_ROWS(at, k, _MM_CMPINT_EQ)
#define U32_NE(at, k)              U32_ROWS(at, k, _MM_CMPINT_NE)
#define U32_LT(at, k)              U32_ROWS(at, k, _MM_CMPINT_LT)
#define U32_LE(at, k)              U32_ROWS(at, k, _MM_CMPINT_LE)
#define U32_GT(at, k)              U32_ROWS(at, k, _MM_CMPINT_NLE)
#define U32_GE(at, k)              U32_ROWS(at, k, _MM_CMPINT_NLT)
static void compare_u32(wg_kernel_compare op, const uint32_t *a, uint32_t b, size_t n, uint8_t *mask) {
    const __m256i c = _mm256_set1_epi32((int32_t)b);
    COMPARE_SWITCH(U32_EQ, U32_NE, U32_LT, U32_LE, U32_GT, U32_GE)
}

static uint32_t codes_max(const uint32_t *codes, size_t n) {
    __m512i most = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) most = _mm512_max_epu32(most, load(codes + i));
    most = _mm512_max_epu32(most, _mm512_maskz_loadu_epi32((__mmask16)lanes_below(n - i), codes + i));
    return _mm512_reduce_max_epu32(most);
}

/* 64 codes below 256 as bytes. */
static inline __m512i code_bytes(const uint32_t *codes) {
    __m512i v = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(load(codes)));
    v = _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(load(codes + 16)), 1);
    v = _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(load(codes + 32)), 2);
    return _mm512_inserti32x4(v, _mm512_cvtepi32_epi8(load(codes + 48)), 3);
}

/* A table of up to 128 entries sits in two registers, one of up to 256 in four. */
static void mask_of_codes(const uint8_t *table, const uint32_t *codes, size_t n, uint8_t *mask) {
    const uint32_t most = n < 64 ? UINT32_MAX : codes_max(codes, n);
    if (most >= 256) {
        wgi_kernels_avx2.mask_of_codes(table, codes, n, mask);
        return;
    }
    __m512i part[4];
    for (uint32_t p = 0; p < 4; p++) {
        const uint32_t entries = most + 1 > 64 * p ? most + 1 - 64 * p : 0;
        const uint64_t there = entries >= 64 ? UINT64_MAX : lanes_below(entries);
        part[p] = _mm512_maskz_loadu_epi8(there, table + (there == 0 ? 0 : 64 * p));
    }
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i at = code_bytes(codes + i);
        __m512i found = _mm512_permutex2var_epi8(part[0], at, part[1]);
        if (most >= 128)
            found =
                _mm512_mask_mov_epi8(found, _mm512_movepi8_mask(at), _mm512_permutex2var_epi8(part[2], at, part[3]));
        _mm512_storeu_si512(mask + i, found);
    }
    wgi_kernels_avx2.mask_of_codes(table, codes + i, n - i, mask + i);
}

/* ---- masks */

#define MASK_LOOP(combined)                                                                                     \
    size_t i = 0;                                                                                               \
    for (; i + 64 <= n; i += 64) _mm512_storeu_si512(mask + i, combined(load(mask + i), load(other + i)));      \
    const uint64_t k = lanes_below(n - i);                                                                      \
    const __m512i rest = combined(_mm512_maskz_loadu_epi8(k, mask + i), _mm512_maskz_loadu_epi8(k, other + i)); \
    _mm512_mask_storeu_epi8(mask + i, k, rest)

static void mask_and(uint8_t *mask, const uint8_t *other, size_t n) { MASK_LOOP(_mm512_and_si512); }
static void mask_or(uint8_t *mask, const uint8_t *other, size_t n) { MASK_LOOP(_mm512_or_si512); }

static void mask_and_bits(uint8_t *mask, const uint8_t *bits, size_t first, size_t n) {
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        _mm512_storeu_si512(mask + i, _mm512_maskz_mov_epi8(wgi_bits64(bits, first + i), load(mask + i)));
    wgi_kernels_avx2.mask_and_bits(mask + i, bits, first + i, n - i);
}

static size_t mask_count(const uint8_t *mask, size_t n) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i sum = zero;
    size_t i = 0;
    for (; i + 64 <= n; i += 64) sum = _mm512_add_epi64(sum, _mm512_sad_epu8(load(mask + i), zero));
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(lanes_below(n - i), mask + i), zero));
    return (size_t)_mm512_reduce_add_epi64(sum);
}

/* ---- compaction */

static inline __m512i first_32_numbers(void) {
    const __m256i bytes = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                           21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    return _mm512_cvtepu8_epi16(bytes);
}

static inline __mmask32 rows32(const uint8_t *mask, __mmask32 k) {
    const __m256i bytes = _mm256_maskz_loadu_epi8(k, mask);
    return _mm256_test_epi8_mask(bytes, bytes);
}

static size_t select_rows(const uint8_t *mask, size_t n, uint16_t *sel) {
    __m512i numbers = first_32_numbers();
    size_t count = 0;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __mmask32 keep = rows32(mask + i, UINT32_MAX);
        _mm512_storeu_si512(sel + count, _mm512_maskz_compress_epi16(keep, numbers));
        count += (size_t)_mm_popcnt_u32(keep);
        numbers = _mm512_add_epi16(numbers, _mm512_set1_epi16(32));
    }
    const __mmask32 keep = rows32(mask + i, (__mmask32)lanes_below(n - i));
    const size_t found = (size_t)_mm_popcnt_u32(keep);
    _mm512_mask_storeu_epi16(sel + count, (__mmask32)lanes_below(found), _mm512_maskz_compress_epi16(keep, numbers));
    return count + found;
}

/* Rows that follow one another are loaded at once, others one by one. */
static size_t select_among(const uint8_t *mask, const uint16_t *sel, size_t n, uint16_t *out) {
    size_t count = 0;
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m512i rows = load(sel + i);
        const uint16_t first = wgi_load_u16(sel + i);
        __mmask32 keep;
        if (wgi_load_u16(sel + i + 31) - first == 31) {
            keep = rows32(mask + first, UINT32_MAX);
        } else {
            for (size_t g = 0; g < 32; g++) {
                const uint16_t row = wgi_load_u16(sel + i + g);
                wgi_store_u16(out + count, row);
                count += mask[row];
            }
            continue;
        }
        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi16(keep, rows));
        count += (size_t)_mm_popcnt_u32(keep);
    }
    for (; i < n; i++) {
        const uint16_t row = wgi_load_u16(sel + i);
        wgi_store_u16(out + count, row);
        count += mask[row];
    }
    return count;
}

static size_t compact_u64(const uint64_t *a, const uint8_t *mask, size_t n, uint64_t *out) {
    size_t count = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __mmask8 keep = (__mmask8)_pext_u64(wg_load_u64le(mask + i), UINT64_C(0x0101010101010101));
        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi64(keep, load(a + i)));
        count += (size_t)_mm_popcnt_u32(keep);
    }
    for (; i < n; i++) {
        wgi_store_u64(out + count, wgi_load_u64(a + i));
        count += mask[i];
    }
    return count;
}

/* ---- packed numbers: eight of them fill `width` bytes. One permutation brings the eight bytes from which each is cut to its lane. */

typedef struct unpack_plan {
    __m512i bytes;
    __m512i shifts;
    __m512i mask;
} unpack_plan;

static inline unpack_plan unpack_plan_of(uint32_t width) {
    const __m512i lane = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    const __m512i bits = _mm512_mullo_epi64(lane, _mm512_set1_epi64(width));
    const __m512i first =
        _mm512_mullo_epi64(_mm512_srli_epi64(bits, 3), _mm512_set1_epi64(INT64_C(0x0101010101010101)));
    return (unpack_plan){.bytes = _mm512_add_epi8(first, _mm512_set1_epi64(INT64_C(0x0706050403020100))),
                         .shifts = _mm512_and_si512(bits, _mm512_set1_epi64(7)),
                         .mask = _mm512_set1_epi64(wg_i64_of_u64((UINT64_C(1) << width) - 1))};
}

static inline __m512i unpack_lanes(const unpack_plan *plan, __m512i bytes) {
    const __m512i lanes = _mm512_permutexvar_epi8(plan->bytes, bytes);
    return _mm512_and_si512(_mm512_srlv_epi64(lanes, plan->shifts), plan->mask);
}

/* The bytes of a group of eight; only those that may be read. */
static inline __m512i group_bytes(const uint8_t *from, const uint8_t *end) {
    const size_t there = (size_t)(end - from);
    return there >= 64 ? load(from) : _mm512_maskz_loadu_epi8(lanes_below(there), from);
}

/* Asks for the bytes of some groups later, which may lie behind the end: columns of fragments are too short for the processor to see a stream. */
static inline void ask_ahead(const uint8_t *from) {
    enum { AHEAD = 1024 };
    _mm_prefetch((const char *)((uintptr_t)from + AHEAD), _MM_HINT_T0);
}

static void unpack_u64(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint64_t base, uint64_t *out) {
    const unpack_plan plan = unpack_plan_of(width);
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    const __m512i add = _mm512_set1_epi64(wg_i64_of_u64(base));
    size_t i = wgi_packed_head(first, n);
    wgi_kernels_scalar.unpack_u64(packed, width, first, i, base, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    for (; i + 8 <= n; i += 8, from += width) {
        ask_ahead(from);
        _mm512_storeu_si512(out + i, _mm512_add_epi64(unpack_lanes(&plan, group_bytes(from, end)), add));
    }
    wgi_kernels_scalar.unpack_u64(packed, width, first + i, n - i, base, out + i);
}

static void unpack_decimals(const uint8_t *packed, uint32_t width, size_t first, size_t n,
                            const wg_kernel_decimal *decimal, double *out) {
    const unpack_plan plan = unpack_plan_of(width);
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    const __m512i add = _mm512_set1_epi64(wg_i64_of_u64(decimal->base));
    const __m512d power = _mm512_set1_pd(decimal->power);
    size_t i = wgi_packed_head(first, n);
    wgi_kernels_scalar.unpack_decimals(packed, width, first, i, decimal, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    for (; i + 8 <= n; i += 8, from += width) {
        ask_ahead(from);
        const __m512i numbers = _mm512_add_epi64(unpack_lanes(&plan, group_bytes(from, end)), add);
        _mm512_storeu_pd(out + i, _mm512_div_pd(_mm512_cvtepi64_pd(numbers), power));
    }
    wgi_kernels_scalar.unpack_decimals(packed, width, first + i, n - i, decimal, out + i);
}

static void unpack_u32(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint32_t *out) {
    const unpack_plan plan = unpack_plan_of(width);
    const uint8_t *end = wgi_packed_end(packed, width, first, n);
    size_t i = wgi_packed_head(first, n);
    wgi_kernels_scalar.unpack_u32(packed, width, first, i, out);
    const uint8_t *from = packed + (first + i) / 8 * width;
    for (; i + 8 <= n; i += 8, from += width) {
        ask_ahead(from);
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            _mm512_cvtepi64_epi32(unpack_lanes(&plan, group_bytes(from, end))));
    }
    wgi_kernels_scalar.unpack_u32(packed, width, first + i, n - i, out + i);
}

/* ---- hash */

static inline __m512i fold(__m512i v) { return _mm512_xor_si512(v, _mm512_srli_epi64(v, 32)); }

static inline __m512i hash_lanes(__m512i v, __m512i hash, bool combine) {
    const __m512i factor = _mm512_set1_epi64(wg_i64_of_u64(WGI_HASH_FACTOR));
    const __m512i spread = _mm512_set1_epi64(wg_i64_of_u64(WGI_HASH_SPREAD));
    if (combine) v = _mm512_xor_si512(v, _mm512_mullo_epi64(hash, spread));
    v = _mm512_mullo_epi64(fold(v), factor);
    return fold(_mm512_mullo_epi64(fold(v), factor));
}

/* Loops take whole registers without masks: masked loads do not start the prefetching of some processors. */
static void hash_u64(const uint64_t *a, size_t n, bool combine, uint64_t *out) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512i hash = combine ? load(out + i) : _mm512_setzero_si512();
        _mm512_storeu_si512(out + i, hash_lanes(load(a + i), hash, combine));
    }
    const __mmask8 k = (__mmask8)lanes_below(n - i);
    const __m512i hash = combine ? load_64(out + i, k) : _mm512_setzero_si512();
    _mm512_mask_storeu_epi64(out + i, k, hash_lanes(load_64(a + i, k), hash, combine));
}

/* ---- reductions */

enum { SUM_BLOCK = 1 << 30 }; /* elements whose 32-bit halves cannot overflow a lane of 64 bits */

static wg_i128 sum_block(const int64_t *a, size_t n) {
    __m512i wrapped = _mm512_setzero_si512(); /* each lane's sum modulo 2^64 */
    __m512i high = wrapped;                   /* each lane's sum of v >> 32 */
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512i v = load(a + i);
        wrapped = _mm512_add_epi64(wrapped, v);
        high = _mm512_add_epi64(high, _mm512_srai_epi64(v, 32));
    }
    const __m512i rest = load_64(a + i, (__mmask8)lanes_below(n - i));
    wrapped = _mm512_add_epi64(wrapped, rest);
    high = _mm512_add_epi64(high, _mm512_srai_epi64(rest, 32));
    int64_t lanes[16];
    _mm512_storeu_si512(lanes, wrapped);
    _mm512_storeu_si512(lanes + 8, high);
    wg_i128 sum = 0;
    for (size_t k = 0; k < 8; k++) { /* what the low halves add up to is known modulo 2^64, and is below that */
        const wg_u128 top = (wg_u128)(wg_i128)lanes[8 + k] << 32;
        const uint64_t low = wg_u64_of_i64(lanes[k]) - (uint64_t)top;
        sum += (wg_i128)(top + low);
    }
    return sum;
}

static wg_kernel_sum sum_i64(const int64_t *a, size_t n) {
    wg_i128 sum = 0;
    for (size_t i = 0; i < n; i += SUM_BLOCK) sum += sum_block(a + i, wg_min_size(n - i, SUM_BLOCK));
    return wgi_sum_of(sum);
}

static inline __m512i add_halves(__m512i lanes, __m512i v) {
    lanes = _mm512_add_epi64(lanes, _mm512_and_si512(v, _mm512_set1_epi64(0xffffffff)));
    return _mm512_add_epi64(lanes, _mm512_srli_epi64(v, 32));
}

static wg_kernel_sum sum_u32(const uint32_t *a, size_t n) {
    wg_i128 sum = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = i + wg_min_size(n - i, SUM_BLOCK);
        __m512i lanes = _mm512_setzero_si512();
        for (; i + 16 <= end; i += 16) lanes = add_halves(lanes, load(a + i));
        lanes = add_halves(lanes, _mm512_maskz_loadu_epi32((__mmask16)lanes_below(end - i), a + i));
        sum += (uint64_t)_mm512_reduce_add_epi64(lanes);
        i = end;
    }
    return wgi_sum_of(sum);
}

static void min_max_i64(const int64_t *a, size_t n, int64_t *min, int64_t *max) {
    if (n == 0) return;
    __m512i low = _mm512_set1_epi64(INT64_MAX);
    __m512i high = _mm512_set1_epi64(INT64_MIN);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512i v = load(a + i);
        low = _mm512_min_epi64(low, v);
        high = _mm512_max_epi64(high, v);
    }
    const __mmask8 k = (__mmask8)lanes_below(n - i);
    const __m512i rest = load_64(a + i, k);
    *min = _mm512_reduce_min_epi64(_mm512_mask_min_epi64(low, k, low, rest));
    *max = _mm512_reduce_max_epi64(_mm512_mask_max_epi64(high, k, high, rest));
}

static bool min_max_f64(const double *a, size_t n, double *min, double *max) {
    __m512d low = _mm512_set1_pd(__builtin_inf());
    __m512d high = _mm512_set1_pd(-__builtin_inf());
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512d v = _mm512_loadu_pd(a + i);
        low = _mm512_min_pd(v, low); /* the second operand when v is NaN */
        high = _mm512_max_pd(v, high);
    }
    const __mmask8 k = (__mmask8)lanes_below(n - i);
    const __m512d rest = _mm512_maskz_loadu_pd(k, a + i);
    const double least = _mm512_reduce_min_pd(_mm512_mask_min_pd(low, k, rest, low));
    const double most = _mm512_reduce_max_pd(_mm512_mask_max_pd(high, k, rest, high));
    if (!(least <= most)) return false; /* still where they began: NaN only */
    *min = least == 0.0 ? wgi_first_zero(a, n) : least;
    *max = most == 0.0 ? wgi_first_zero(a, n) : most;
    return true;
}

static inline __m512d load_rest_pd(const double *a, size_t i, size_t n) {
    return _mm512_maskz_loadu_pd((__mmask8)(n - i >= 8 ? 0xff : lanes_below(n - i)), a + i);
}

static bool sum_constants(const double *a, size_t n, double m[WG_KERNEL_SUM_PARTS]) {
    __m512d most = _mm512_setzero_pd();
    __m512d other = most;
    WG_ASSERT(n <= WG_KERNEL_SUM_ROWS);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) { /* the second operand when the first is NaN */
        most = _mm512_max_pd(_mm512_abs_pd(_mm512_loadu_pd(a + i)), most);
        other = _mm512_max_pd(_mm512_abs_pd(_mm512_loadu_pd(a + i + 8)), other);
    }
    for (; i < n; i += 8) most = _mm512_max_pd(_mm512_abs_pd(load_rest_pd(a, i, n)), most);
    return wgi_sum_constants(_mm512_reduce_max_pd(_mm512_max_pd(most, other)), m);
}

/* True when something is left. */
static inline bool is_left(__m512d left) {
    const __m512i bits = _mm512_slli_epi64(_mm512_castpd_si512(left), 1); /* zeros of both signs are nothing */
    return _mm512_test_epi64_mask(bits, bits) != 0;
}

/* One step of all levels over eight values. Unrolled, loops over levels keep the sums in registers. */
static inline __m512d sum_step(__m512d x, const __m512d *m, size_t levels, __m512d *sums) {
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++) {
        const __m512d q = _mm512_sub_pd(_mm512_add_pd(m[k], x), m[k]);
        x = _mm512_sub_pd(x, q);
        sums[k] = _mm512_add_pd(sums[k], q);
    }
    return x;
}

static inline bool sum_levels(const double *a, size_t n, const double *constants, size_t levels, double *parts) {
    __m512d m[WG_KERNEL_SUM_PARTS];
    __m512d sums[2 * WG_KERNEL_SUM_PARTS]; /* two chains */
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++) {
        m[k] = _mm512_set1_pd(constants[k]);
        sums[k] = sums[WG_KERNEL_SUM_PARTS + k] = _mm512_setzero_pd();
    }
    __m512d left = _mm512_setzero_pd();
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        left = _mm512_or_pd(left, sum_step(_mm512_loadu_pd(a + i), m, levels, sums));
        left = _mm512_or_pd(left, sum_step(_mm512_loadu_pd(a + i + 8), m, levels, sums + WG_KERNEL_SUM_PARTS));
    }
    for (; i < n; i += 8) left = _mm512_or_pd(left, sum_step(load_rest_pd(a, i, n), m, levels, sums));
#pragma GCC unroll 4
    for (size_t k = 0; k < levels; k++)
        parts[k] = _mm512_reduce_add_pd(_mm512_add_pd(sums[k], sums[WG_KERNEL_SUM_PARTS + k]));
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

static bool split_f64(const double *a, size_t n, double *pairs) {
    double constants[WG_KERNEL_SUM_PARTS];
    if (!sum_constants(a, n, constants)) return false;
    const __m512d m = _mm512_set1_pd(constants[0]);
    const __m512d l = _mm512_set1_pd(constants[1]);
    const __m512i low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    __m512d left = _mm512_setzero_pd();
    for (size_t i = 0; i < n; i += 8) {
        const size_t rows = wg_min_size(n - i, 8);
        const __m512d x = rows == 8 ? _mm512_loadu_pd(a + i) : load_rest_pd(a, i, n);
        const __m512d q = _mm512_sub_pd(_mm512_add_pd(m, x), m);
        const __m512d r = _mm512_sub_pd(x, q);
        const __m512d p = _mm512_sub_pd(_mm512_add_pd(l, r), l);
        left = _mm512_or_pd(left, _mm512_sub_pd(r, p));
        const __m512d first = _mm512_permutex2var_pd(q, low, p);
        const __m512d second = _mm512_permutex2var_pd(q, high, p);
        if (rows == 8) {
            _mm512_storeu_pd(pairs + 2 * i, first);
            _mm512_storeu_pd(pairs + 2 * i + 8, second);
            continue;
        }
        const uint64_t k = lanes_below(2 * rows);
        _mm512_mask_storeu_pd(pairs + 2 * i, (__mmask8)k, first);
        if (rows > 4) _mm512_mask_storeu_pd(pairs + 2 * i + 8, (__mmask8)(k >> 8), second);
    }
    return !is_left(left);
}

/* ---- sorted lists: sixteen against sixteen, each of sixteen rotations (Inoue, Ohara, Taura 2014) */

/* Bits of the elements of x that are in y. The four quarters of y are rotated within themselves while these are rotated in turn. */
static inline __mmask16 common(__m512i x, __m512i y) {
    uint32_t hit = 0;
    for (int quarter = 0; quarter < 4; quarter++) {
        hit |= _mm512_cmpeq_epi32_mask(x, y);
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, (_MM_PERM_ENUM)0x39));
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, (_MM_PERM_ENUM)0x4e));
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, (_MM_PERM_ENUM)0x93));
        y = _mm512_shuffle_i32x4(y, y, 0x39);
    }
    return (__mmask16)hit;
}

static size_t intersect_count_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, NULL, NULL);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 16 <= a_count && lists.k + 16 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 15);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 15);
        found += (size_t)_mm_popcnt_u32(common(load(a + lists.i), load(b + lists.k)));
        lists.i += a_last <= b_last ? 16 : 0;
        lists.k += b_last <= a_last ? 16 : 0;
    }
    return wgi_intersect_rest(&lists, found, NULL, NULL);
}

static inline void emit_bits(__mmask16 bits, size_t base, uint32_t *at) {
    const __m512i numbers = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i places = _mm512_add_epi32(numbers, _mm512_set1_epi32((int32_t)base));
    const __mmask16 room = (__mmask16)lanes_below((size_t)_mm_popcnt_u32(bits));
    _mm512_mask_storeu_epi32(at, room, _mm512_maskz_compress_epi32(bits, places));
}

static size_t intersect_u32(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, at_a, at_b);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 16 <= a_count && lists.k + 16 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 15);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 15);
        const __m512i x = load(a + lists.i);
        const __m512i y = load(b + lists.k);
        const __mmask16 in_a = common(x, y);
        /* both ascend: the k-th hit of one list is the k-th of the other */
        if (at_a != NULL) emit_bits(in_a, lists.i, at_a + found);
        if (at_b != NULL) emit_bits(common(y, x), lists.k, at_b + found);
        found += (size_t)_mm_popcnt_u32(in_a);
        lists.i += a_last <= b_last ? 16 : 0;
        lists.k += b_last <= a_last ? 16 : 0;
    }
    return wgi_intersect_rest(&lists, found, at_a, at_b);
}

/* The same where the processor has an instruction for it; chosen by select.c. */
WGI_TARGET_END
WGI_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512vp2intersect")

static size_t intersect_count_vp2(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, NULL, NULL);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 16 <= a_count && lists.k + 16 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 15);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 15);
        __mmask16 in_a;
        __mmask16 in_b;
        _mm512_2intersect_epi32(load(a + lists.i), load(b + lists.k), &in_a, &in_b);
        found += (size_t)_mm_popcnt_u32(in_a);
        lists.i += a_last <= b_last ? 16 : 0;
        lists.k += b_last <= a_last ? 16 : 0;
    }
    return wgi_intersect_rest(&lists, found, NULL, NULL);
}

static size_t intersect_vp2(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b) {
    if (wgi_lists_skewed(a_count, b_count)) return wgi_intersect_skewed(a, a_count, b, b_count, at_a, at_b);
    wgi_lists lists = {.a = a, .b = b, .a_count = a_count, .b_count = b_count};
    size_t found = 0;
    while (lists.i + 16 <= a_count && lists.k + 16 <= b_count) {
        const uint32_t a_last = wgi_load_u32(a + lists.i + 15);
        const uint32_t b_last = wgi_load_u32(b + lists.k + 15);
        __mmask16 in_a;
        __mmask16 in_b;
        _mm512_2intersect_epi32(load(a + lists.i), load(b + lists.k), &in_a, &in_b);
        if (at_a != NULL) emit_bits(in_a, lists.i, at_a + found);
        if (at_b != NULL) emit_bits(in_b, lists.k, at_b + found);
        found += (size_t)_mm_popcnt_u32(in_a);
        lists.i += a_last <= b_last ? 16 : 0;
        lists.k += b_last <= a_last ? 16 : 0;
    }
    return wgi_intersect_rest(&lists, found, at_a, at_b);
}

WGI_TARGET_END
WGI_TARGET_BEGIN("avx2,bmi,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")

/* ---- visibility */

static inline __mmask8 reached(__mmask8 k, __m512i t, __m512i snapshot, __m512i own) {
    return (__mmask8)(_mm512_mask_cmple_epu64_mask(k, t, snapshot) | _mm512_mask_cmpeq_epu64_mask(k, t, own));
}

#define VISIBLE_ROWS(at, k) \
    (uint8_t)(reached(k, load_64(begin + (at), k), s, o) & ~reached(k, load_64(end + (at), k), s, o))
static void visible(const uint64_t *begin, const uint64_t *end, uint64_t snapshot, uint64_t own, size_t n,
                    uint8_t *mask) {
    const __m512i s = _mm512_set1_epi64(wg_i64_of_u64(snapshot));
    const __m512i o = _mm512_set1_epi64(wg_i64_of_u64(own));
    COMPARE_LOOP(VISIBLE_ROWS);
}

WGI_TARGET_END

/* ---- what a variant below does as well or better */

static void gather_u64(const uint64_t *a, const uint16_t *sel, size_t n, uint64_t *out) {
    wgi_kernels_scalar.gather_u64(a, sel, n, out);
}
static void gather_u32(const uint32_t *a, const uint16_t *sel, size_t n, uint32_t *out) {
    wgi_kernels_scalar.gather_u32(a, sel, n, out);
}
static void gather_codes_u64(const uint64_t *dict, const uint32_t *codes, size_t n, uint64_t *out) {
    wgi_kernels_scalar.gather_codes_u64(dict, codes, n, out);
}
static void str_equal(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    wgi_kernels_avx2.str_equal(cells, n, needle, needle_size, mask);
}
static void str_prefix(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask) {
    wgi_kernels_avx2.str_prefix(cells, n, needle, needle_size, mask);
}

#define TABLE(count, intersect)                                                                                     \
    {                                                                                                               \
        .isa = WG_ISA_AVX512, .name = "avx512", .compare_i64 = compare_i64, .compare_f64 = compare_f64,             \
        .compare_u32 = compare_u32, .compare_i64_pairs = compare_i64_pairs, .compare_f64_pairs = compare_f64_pairs, \
        .mask_of_codes = mask_of_codes, .mask_and = mask_and, .mask_or = mask_or, .mask_and_bits = mask_and_bits,   \
        .mask_count = mask_count, .select = select_rows, .select_among = select_among, .compact_u64 = compact_u64,  \
        .gather_u64 = gather_u64, .gather_u32 = gather_u32, .gather_codes_u64 = gather_codes_u64,                   \
        .unpack_u64 = unpack_u64, .unpack_decimals = unpack_decimals, .unpack_u32 = unpack_u32,                     \
        .hash_u64 = hash_u64, .sum_i64 = sum_i64, .sum_u32 = sum_u32, .min_max_i64 = min_max_i64,                   \
        .min_max_f64 = min_max_f64, .sum_f64 = sum_f64, .split_f64 = split_f64, .str_equal = str_equal,             \
        .str_prefix = str_prefix, .intersect_count_u32 = count, .intersect_u32 = intersect, .visible = visible,     \
    }

const wg_kernels wgi_kernels_avx512 = TABLE(intersect_count_u32, intersect_u32);
const wg_kernels wgi_kernels_avx512_vp2 = TABLE(intersect_count_vp2, intersect_vp2);
#endif
