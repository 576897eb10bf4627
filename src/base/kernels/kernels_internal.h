/* What the variants of base/kernels share: the tables, unaligned loads, and the parts that vector instructions cannot help. */
#ifndef WG_BASE_KERNELS_INTERNAL_H
#define WG_BASE_KERNELS_INTERNAL_H

#include "base/digest/digest.h"
#include "base/kernels/kernels.h"

extern const wg_kernels wgi_kernels_scalar;
#if defined(__x86_64__)
extern const wg_kernels wgi_kernels_avx2;
extern const wg_kernels wgi_kernels_avx512;
extern const wg_kernels wgi_kernels_avx512_vp2; /* the same with VP2INTERSECT */
#endif
#if defined(__aarch64__)
extern const wg_kernels wgi_kernels_neon;
#endif

/* A cell of a string column, as base/column lays it out (wg_str). */
typedef struct wgi_kernel_str {
    const char *data;
    uint64_t size;
} wgi_kernel_str;

/* Functions between BEGIN and END may use the instructions named, and only they: the library itself runs on any machine. */
#if defined(__clang__)
#define WGI_TARGET_PRAGMA(text) _Pragma(#text)
#define WGI_TARGET_BEGIN(list) \
    WGI_TARGET_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define WGI_TARGET_END _Pragma("clang attribute pop")
#else
#define WGI_TARGET_PRAGMA(text) _Pragma(#text)
#define WGI_TARGET_BEGIN(list)  _Pragma("GCC push_options") WGI_TARGET_PRAGMA(GCC target(list))
#define WGI_TARGET_END          _Pragma("GCC pop_options")
#endif

/* Loads of any alignment; the pointers are typed for the reader only. */
static inline int64_t wgi_load_i64(const int64_t *p) {
    int64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline double wgi_load_f64(const double *p) {
    double v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint16_t wgi_load_u16(const uint16_t *p) { return wg_load_u16le(p); }
static inline uint32_t wgi_load_u32(const uint32_t *p) { return wg_load_u32le(p); }
static inline uint64_t wgi_load_u64(const uint64_t *p) { return wg_load_u64le(p); }
static inline void wgi_store_u16(uint16_t *p, uint16_t v) { wg_store_u16le(p, v); }
static inline void wgi_store_u32(uint32_t *p, uint32_t v) { wg_store_u32le(p, v); }
static inline void wgi_store_u64(uint64_t *p, uint64_t v) { wg_store_u64le(p, v); }

/* The one mixing step; with hash 0 it is wg_hash64_u64(cell). */
#define WGI_HASH_SPREAD UINT64_C(0x9e3779b97f4a7c15)
#define WGI_HASH_FACTOR UINT64_C(0xd6e8feb86659fd93)
static inline uint64_t wgi_hash_mix(uint64_t hash, uint64_t cell) {
    return wg_hash64_u64(hash * WGI_HASH_SPREAD ^ cell);
}

static inline wg_kernel_sum wgi_sum_of(wg_i128 v) {
    return (wg_kernel_sum){.low = (uint64_t)(wg_u128)v, .high = (int64_t)(v >> 64)};
}

/* Up to 8 bits of a bitmap from bit `first`; reads no byte that holds none of them. count is 1..8. */
static inline uint32_t wgi_bits8(const uint8_t *bits, size_t first, size_t count) {
    const size_t shift = first & 7;
    uint32_t v = (uint32_t)bits[first >> 3] >> shift;
    if (shift + count > 8) v |= (uint32_t)bits[(first >> 3) + 1] << (8 - shift);
    return v & 0xff;
}

/* 64 bits of a bitmap from bit `first`, all of them stated. */
static inline uint64_t wgi_bits64(const uint8_t *bits, size_t first) {
    const size_t shift = first & 7;
    const uint8_t *p = bits + (first >> 3);
    uint64_t v = wg_load_u64le(p) >> shift;
    if (shift != 0) v |= (uint64_t)p[8] << (64 - shift);
    return v;
}

static inline uint64_t wgi_packed_at(const uint8_t *packed, uint32_t width, size_t i) {
    const size_t bit = i * width;
    return (wg_load_u64le(packed + (bit >> 3)) >> (bit & 7)) & ((UINT64_C(1) << width) - 1);
}
/* Numbers before the first one that begins at a byte together with the seven that follow it. */
static inline size_t wgi_packed_head(size_t first, size_t n) { return wg_min_size((8 - first % 8) % 8, n); }
/* One past the last byte that may be read. */
static inline const uint8_t *wgi_packed_end(const uint8_t *packed, uint32_t width, size_t first, size_t n) {
    return packed + ((first + n) * width + 7) / 8 + 7;
}

/* Lists that differ so much in length are searched for the elements of the shorter one instead of walked. */
enum { WGI_SKEW = 32 };
static inline bool wgi_lists_skewed(size_t a_count, size_t b_count) {
    return a_count / WGI_SKEW > b_count || b_count / WGI_SKEW > a_count;
}
size_t wgi_intersect_skewed(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b);

/* After the blocks of a vector loop: the rest, element by element, numbers counted from the whole lists. */
typedef struct wgi_lists {
    const uint32_t *a;
    const uint32_t *b;
    size_t a_count;
    size_t b_count;
    size_t i; /* next of a */
    size_t k; /* next of b */
} wgi_lists;
size_t wgi_intersect_rest(const wgi_lists *lists, size_t found, uint32_t *at_a, uint32_t *at_b);

/* Sums of doubles take each value apart by adding and subtracting a large constant (Rump, Ogita, Oishi 2008): q = (m + x) - m is x rounded
 * to a multiple of the last place of m, and x - q is exact. With m = 1.5 * 2^t and |x| < 2^(t - 1) that place is 2^(t - 52) whatever the
 * sign of x. 2^11 such q, each at most 2^(t - 10), stay below 2^53 units: they add up exactly in any order. What is left is at most half
 * a unit, so the next constant may be 2^43 smaller. Units below 2^-1074 do not exist; there the constant stops shrinking.
 *
 * Two constants take in 32 binades below the largest value, four take in 118. What is left after them must be zero.
 *
 * False: `max`, the largest magnitude that is no NaN, is too large. */
static inline bool wgi_sum_constants(double max, double m[WG_KERNEL_SUM_PARTS]) {
    const int32_t biased = (int32_t)(wg_bits_of_f64(max) >> 52 & 0x7ff);
    int32_t t = (biased == 0 ? 1 : biased) + 11; /* max < 2^(biased - 1022) */
    if (t > 1022 + 1023) return false;
    for (uint32_t i = 0; i < WG_KERNEL_SUM_PARTS; i++, t -= 43) {
        if (t < 1) t = 1;
        m[i] = wg_f64_of_bits((uint64_t)t << 52 | UINT64_C(1) << 51);
    }
    return true;
}

/* min_max_f64 finds the extremes; where one of them is a zero, this finds the first zero, whose sign counts. */
double wgi_first_zero(const double *a, size_t n);

#endif
