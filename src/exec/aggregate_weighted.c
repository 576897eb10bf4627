/* Aggregation of rows that stand for several equal ones each (AGGREGATE with `weighted`): counts and sums take them as often as their weight says.
 * Minima, maxima and aggregates of DISTINCT values do not ask how often.
 *
 * Integers are multiplied in 128 bits. A float is added to the exact sum once for each bit of the weight, times a power of two, which rounds
 * nothing; one so large that this would leave the range of doubles is added as often as it takes below it. So the sum is the one that the
 * rows themselves give, to the bit. */
#include <math.h>

#include "exec/aggregate_groups.h"

static bool add_float(wgi_sum_state *s, double v, uint64_t times, wg_account *account) {
    s->saw_float = true;
    if (v != v || isinf(v) || v == 0) return wgi_float_sum_add(&s->floats, v, account);
    int exponent;
    (void)frexp(v, &exponent);
    const int room = 1023 - exponent; /* 2^room * v is a double; below 0 for the largest alone */
    for (int bit = 0; bit < 63 && times >> bit != 0; bit++) {
        if (!(times >> bit & 1)) continue;
        const int shift = bit <= room ? bit : room > 0 ? room : 0;
        for (uint64_t i = 0; i < UINT64_C(1) << (bit - shift); i++)
            if (!wgi_float_sum_add(&s->floats, ldexp(v, shift), account)) return false;
    }
    return true;
}

static wg_code overflow(wg_error *err) {
    return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "integer overflow in count()"),
                           WG_S_NUMERIC_RANGE);
}

wg_code wgi_agg_add_weighted(const wg_aggregate *a, void *states, const wgi_weighted *rows, wg_account *account,
                             wg_error *err) {
    for (uint32_t i = 0; i < rows->batch->row_count; i++) {
        const uint32_t row = wg_batch_row(rows->batch, i), group = rows->index != NULL ? rows->index[i] : 0;
        const wg_value value = rows->values != NULL ? wg_vector_value(rows->values, row) : wg_value_int(0);
        const int64_t times = wg_vector_value(rows->weights, row).as.i;
        if (value.type == WG_TYPE_NULL) continue;
        if (a->kind == WG_AGG_COUNT_STAR || a->kind == WG_AGG_COUNT) {
            uint64_t *count = &((uint64_t *)states)[group];
            if (*count > (uint64_t)INT64_MAX - (uint64_t)times) return overflow(err);
            *count += (uint64_t)times;
            continue;
        }
        wgi_sum_state *s = &((wgi_sum_state *)states)[group];
        if (__builtin_add_overflow(s->count, (uint64_t)times, &s->count)) return overflow(err);
        if (value.type == WG_TYPE_INT)
            s->ints += (wg_i128)value.as.i * times; /* below 2^126; the counts add up to 2^64 */
        else if (!add_float(s, value.as.f, (uint64_t)times, account)) return wg_error_nomem(err, 544);
    }
    return WG_OK;
}
