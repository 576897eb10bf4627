/* For tests only: the state of a comparison of kernels (kernels_compare.h), and random values that hit the edges. */
#ifndef WG_BASE_KERNELS_VALUES_H
#define WG_BASE_KERNELS_VALUES_H

#include "base/kernels/kernels.h"

enum {
    CMP_ROOM = 12288, /* bytes of an input or output */
    CMP_ROWS = 260,   /* 4 * 64 + 3: four steps of the widest variant over bytes, and a tail */
    CMP_EXTENT = 2 * CMP_ROWS + 8,
    CMP_FLUSH = 64 /* as a shift: at the end of the array */
};

typedef struct cmp_run {
    const wg_kernels *reference;
    const wg_kernels *variant;
    wg_rng rng;
    size_t n;
    size_t shift;
    uint64_t checks;
    char failure[160]; /* empty: none */
} cmp_run;

/* ---- values that hit the edges */

static int64_t cmp_i64(cmp_run *run, int64_t near) {
    switch (wg_rng_below(&run->rng, 8)) {
        case 0:
            return INT64_MIN;
        case 1:
            return INT64_MAX;
        case 2:
            return wg_i64_of_u64(wg_rng_next(&run->rng));
        case 3:
            return near;
        default:
            return (int64_t)((uint64_t)near + wg_rng_below(&run->rng, 3) - 1);
    }
}

static double cmp_f64(cmp_run *run, double near) {
    static const uint64_t edges[] = {UINT64_C(0),
                                     UINT64_C(0x8000000000000000), /* zeros */
                                     UINT64_C(0x7ff0000000000000),
                                     UINT64_C(0xfff0000000000000), /* infinities */
                                     UINT64_C(0x7ff8000000000001),
                                     UINT64_C(0xfff80000deadbeef), /* quiet NaN with payloads */
                                     UINT64_C(0x7ff0000000000abc),
                                     UINT64_C(1), /* a signalling NaN, the least subnormal */
                                     UINT64_C(0x800fffffffffffff),
                                     UINT64_C(0x7fefffffffffffff),
                                     UINT64_C(0xffefffffffffffff)};
    const uint64_t which = wg_rng_below(&run->rng, 32);
    if (which < sizeof edges / sizeof edges[0]) return wg_f64_of_bits(edges[which]);
    if (which < 16) return wg_f64_of_bits(wg_rng_next(&run->rng));
    return which < 24 ? near : near + wg_rng_unit(&run->rng) - 0.5;
}

static uint64_t cmp_logseq(cmp_run *run, uint64_t snapshot, uint64_t own) {
    const uint64_t edges[] = {0, 1, snapshot - 1, snapshot, snapshot + 1, own, UINT64_MAX, UINT64_MAX - 1};
    const uint64_t which = wg_rng_below(&run->rng, 9);
    return which < 8 ? edges[which] : wg_rng_next(&run->rng);
}

/* n ascending row numbers below CMP_EXTENT, a run of neighbours now and then. */
static void cmp_rows(cmp_run *run, uint16_t *sel, size_t n) {
    size_t left = CMP_EXTENT;
    size_t row = 0;
    const bool dense = wg_rng_below(&run->rng, 3) == 0;
    for (size_t i = 0; i < n; i++, row++, left--) {
        while (!dense && left > n - i && wg_rng_below(&run->rng, 2) == 0) row++, left--;
        sel[i] = (uint16_t)row;
    }
}

static void cmp_list(cmp_run *run, uint32_t *list, size_t n) {
    uint32_t v = (uint32_t)wg_rng_below(&run->rng, 4);
    for (size_t i = 0; i < n; i++) {
        list[i] = v;
        v += 1 + (uint32_t)wg_rng_below(&run->rng, 3);
    }
    if (n > 1 && wg_rng_below(&run->rng, 2) == 0) list[n - 1] = UINT32_MAX;
}

#endif
