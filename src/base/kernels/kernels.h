/* base/kernels: the inner loops that are worth a processor's vector instructions, each with a scalar reference and variants that give the
 * same bits: AVX2, AVX-512, NEON.
 *
 * One table of functions a variant. wg_kernels_best() is chosen once by what the processor and the operating system can do; callers take the
 * table that they were handed (exec: wg_exec_context.kernels), so that a query may be run with another one by hand.
 *
 * Contract of all kernels. Inputs may have any alignment. Nothing outside of the stated elements is read or written, tails are masked. Any n
 * is legal, 0 too. No kernel allocates, fails, or keeps anything. Integers compare as integers; doubles as openCypher's comparisons
 * over non-null numbers do: every comparison with NaN is false except NE. Masks are bytes, 0 or 1 a row. Selections are ascending uint16 row
 * numbers below 65,536. Results never depend on the variant: sums are exact.
 *
 * Threads: any; the tables are constant. */
#ifndef WG_BASE_KERNELS_H
#define WG_BASE_KERNELS_H

#include "base/core/core.h"

typedef enum wg_isa { WG_ISA_SCALAR, WG_ISA_AVX2, WG_ISA_AVX512, WG_ISA_NEON } wg_isa;
enum { WG_ISA_COUNT = 4 };

typedef enum wg_kernel_compare {
    WG_KERNEL_EQ,
    WG_KERNEL_NE,
    WG_KERNEL_LT,
    WG_KERNEL_LE,
    WG_KERNEL_GT,
    WG_KERNEL_GE
} wg_kernel_compare;
enum { WG_KERNEL_COMPARE_COUNT = 6 };

enum { WG_KERNEL_SUM_ROWS = 2048, WG_KERNEL_SUM_PARTS = 4 };

/* Decimal fractions: (base + number) / power. Numbers with base lie strictly between -2^51 and 2^51. */
typedef struct wg_kernel_decimal {
    uint64_t base;
    double power;
} wg_kernel_decimal;

/* A sum in 128 bits, two's complement. */
typedef struct wg_kernel_sum {
    uint64_t low;
    int64_t high;
} wg_kernel_sum;

typedef struct wg_kernels {
    wg_isa isa;
    const char *name; /* "scalar", "avx2", "avx512", "neon" */

    /* ---- comparison to mask: mask[i] = a[i] op b */
    void (*compare_i64)(wg_kernel_compare op, const int64_t *a, int64_t b, size_t n, uint8_t *mask);
    void (*compare_f64)(wg_kernel_compare op, const double *a, double b, size_t n, uint8_t *mask);
    void (*compare_u32)(wg_kernel_compare op, const uint32_t *a, uint32_t b, size_t n, uint8_t *mask);
    void (*compare_i64_pairs)(wg_kernel_compare op, const int64_t *a, const int64_t *b, size_t n, uint8_t *mask);
    void (*compare_f64_pairs)(wg_kernel_compare op, const double *a, const double *b, size_t n, uint8_t *mask);
    /* mask[i] = table[codes[i]]: a predicate over a dictionary; every code is below the table's size. */
    void (*mask_of_codes)(const uint8_t *table, const uint32_t *codes, size_t n, uint8_t *mask);

    /* ---- masks */
    void (*mask_and)(uint8_t *mask, const uint8_t *other, size_t n); /* mask &= other */
    void (*mask_or)(uint8_t *mask, const uint8_t *other, size_t n);
    /* mask[i] &= bit i of an Arrow bitmap that begins at bit `first` */
    void (*mask_and_bits)(uint8_t *mask, const uint8_t *bits, size_t first, size_t n);
    size_t (*mask_count)(const uint8_t *mask, size_t n);

    /* ---- compaction, in order */
    /* Row numbers i with mask[i] = 1 to sel; n <= 65,536. sel has room for n. Returns how many. */
    size_t (*select)(const uint8_t *mask, size_t n, uint16_t *sel);
    /* Of the rows in `sel`, those with mask[sel[i]] = 1; out may be sel. */
    size_t (*select_among)(const uint8_t *mask, const uint16_t *sel, size_t n, uint16_t *out);
    size_t (*compact_u64)(const uint64_t *a, const uint8_t *mask, size_t n, uint64_t *out); /* out has room for n */

    /* ---- gather */
    void (*gather_u64)(const uint64_t *a, const uint16_t *sel, size_t n, uint64_t *out); /* out[i] = a[sel[i]] */
    void (*gather_u32)(const uint32_t *a, const uint16_t *sel, size_t n, uint32_t *out);
    void (*gather_codes_u64)(const uint64_t *dict, const uint32_t *codes, size_t n, uint64_t *out);

    /* ---- packed numbers: n numbers of `width` bits (1 to 56) from number `first` on in a stream of bits, lowest first; 7 bytes behind the
     * last one can be read. out[i] = base + number */
    void (*unpack_u64)(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint64_t base, uint64_t *out);
    /* The same as doubles: out[i] = (base + number) / power, rounded once. */
    void (*unpack_decimals)(const uint8_t *packed, uint32_t width, size_t first, size_t n,
                            const wg_kernel_decimal *decimal, double *out);
    /* The same to 32 bits, width at most 32. */
    void (*unpack_u32)(const uint8_t *packed, uint32_t width, size_t first, size_t n, uint32_t *out);

    /* ---- hash: out[i] = wg_hash_u64-like mixing of a[i]; `combine`: mixed into what out[i] holds */
    void (*hash_u64)(const uint64_t *a, size_t n, bool combine, uint64_t *out);

    /* ---- reductions; over nothing min and max leave *out as it is */
    wg_kernel_sum (*sum_i64)(const int64_t *a, size_t n);
    wg_kernel_sum (*sum_u32)(const uint32_t *a, size_t n);
    void (*min_max_i64)(const int64_t *a, size_t n, int64_t *min, int64_t *max);
    /* NaN is left out; false: there was nothing else. -0.0 and 0.0 are equal, the first of either is given. */
    bool (*min_max_f64)(const double *a, size_t n, double *min, double *max);
    /* n <= WG_KERNEL_SUM_ROWS doubles: parts whose exact sum is the exact sum of a (each of them rounded nowhere). False, and parts
     * untouched, where there are none: NaN and infinities, magnitudes near the largest double, exponents too far apart. */
    bool (*sum_f64)(const double *a, size_t n, double parts[WG_KERNEL_SUM_PARTS]);
    /* The same before adding up: a[i] = pairs[2 i] + pairs[2 i + 1] exactly, and the firsts, and the seconds, of any choice of these rows
     * add up without rounding in any order. On false pairs may hold anything. */
    bool (*split_f64)(const double *a, size_t n, double *pairs);

    /* ---- strings: cells are {pointer, size} pairs (wg_str); mask[i] = cell i equals, or begins with, the needle */
    void (*str_equal)(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask);
    void (*str_prefix)(const void *cells, size_t n, const char *needle, size_t needle_size, uint8_t *mask);

    /* ---- sorted lists: a and b strictly ascending */
    size_t (*intersect_count_u32)(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count);
    /* Positions in a and b of the common elements, ascending; room for the smaller count. Either may be NULL. */
    size_t (*intersect_u32)(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, uint32_t *at_a,
                            uint32_t *at_b);

    /* ---- visibility (mvcc.h): mask[i] = (begin <= S or begin = own) and not (end <= S or end = own) */
    void (*visible)(const uint64_t *begin, const uint64_t *end, uint64_t snapshot, uint64_t own, size_t n,
                    uint8_t *mask);
} wg_kernels;

/* The best that this machine can run. */
const wg_kernels *wg_kernels_best(void);
/* One variant; NULL when this machine, or this build, cannot run it. */
const wg_kernels *wg_kernels_of(wg_isa isa);
const char *wg_isa_name(wg_isa isa);
bool wg_isa_parse(wg_slice name, wg_isa *out);

#endif
