/* exec/float_sum.h: exact sums of doubles, the same in any order and grouping, rounded once (float_sum.c, ADR 0006). */
#ifndef WG_EXEC_FLOAT_SUM_H
#define WG_EXEC_FLOAT_SUM_H

#include "base/kernels/kernels.h"
#include "base/memory/memory.h"

enum { WGI_SUM_WINDOW = 6, WGI_SUM_CHUNKS = 68 };
/* A superaccumulator of 32-bit chunks with 64-bit counters, in units of 2^-1074. It begins as a window of six chunks and
 * moves to a full array when a value falls outside. All zero is the sum of nothing. */
typedef struct wgi_float_sum {
    int64_t window[WGI_SUM_WINDOW];
    int64_t *full; /* NULL: the window is in use */
    uint16_t adds; /* since the carries were last moved up */
    uint8_t window_first;
    bool window_used;
    bool saw_nan;
    bool saw_positive_infinity;
    bool saw_negative_infinity;
} wgi_float_sum;
void wgi_float_sum_deinit(wgi_float_sum *sum);
bool wgi_float_sum_add(wgi_float_sum *sum, double v, wg_account *account);
/* Many at once, below a nanosecond each; kernels NULL: the best ones. */
bool wgi_float_sum_add_array(wgi_float_sum *sum, const double *v, size_t n, const wg_kernels *kernels,
                             wg_account *account);
/* v[i] to sums[index[i]]. A 0.0 changes nothing, so it may stand for a null. */
bool wgi_float_sum_add_groups(wgi_float_sum *sums, const uint32_t *index, const double *v, size_t n,
                              const wg_kernels *kernels, wg_account *account);
bool wgi_float_sum_add_i128(wgi_float_sum *sum, wg_i128 v, wg_account *account);
bool wgi_float_sum_merge(wgi_float_sum *sum, const wgi_float_sum *from, wg_account *account);
/* Bytes that decode to the same sum. Decoding checks: WG_E_CORRUPT. */
wg_code wgi_float_sum_encode(wgi_float_sum *sum, wg_account *account, wg_buf *out, wg_error *err);
wg_code wgi_float_sum_decode(wg_slice bytes, wg_account *account, wgi_float_sum *out, wg_error *err);
/* The exact sum rounded once, to nearest, ties to even; a sum of nothing and an exact zero are 0.0. */
double wgi_float_sum_value(const wgi_float_sum *sum);
double wgi_float_sum_mean(const wgi_float_sum *sum, uint64_t count);

#endif
