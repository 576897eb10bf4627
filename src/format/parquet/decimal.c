/* Decimals: an integer and a number of digits behind its point, as INT or as FLOAT (ADR 0014).
 *
 *   unscaled   INT32, INT64, or big-endian two's complement bytes of any length
 *   value      unscaled / 10^scale
 *
 * A decimal of scale 0 and at most 18 digits is an INT. Any other is the double nearest to it, and exact in this sense: the shortest text of
 * that double, read as a decimal, is the decimal. Up to 15 digits that is always so: 10^15 < 2^53, and with a scale of up to 22 both parts of the
 * division are doubles, so that one rounding gives the nearest. Others are turned to digits, read, written and compared.
 *
 * Failure modes: none of its own; false says that the value does not fit. At most BYTES_MAX bytes are looked at: what is longer without
 * its sign is beyond every double. */
#include <math.h>

#include "base/text/text.h"
#include "format/parquet/parquet_internal.h"

enum { BYTES_MAX = 160, LIMBS_MAX = BYTES_MAX / 4, DIGITS_MAX = 400, SCALE_EXACT_MAX = 22 };

#define SMALL_MAX INT64_C(1000000000000000)

/* Leaves out bytes that only repeat the sign. */
static wg_slice significant(wg_slice be) {
    while (be.size > 1 &&
           ((be.data[0] == 0x00 && (be.data[1] & 0x80) == 0) || (be.data[0] == 0xff && (be.data[1] & 0x80) != 0)))
        be = wg_slice_of(be.data + 1, be.size - 1);
    return be;
}

bool wgi_parquet_decimal_int(wg_slice be, int64_t *out) {
    be = significant(be);
    if (be.size == 0 || be.size > 8) return false;
    uint64_t v = (be.data[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < be.size; i++) v = v << 8 | be.data[i];
    *out = wg_i64_of_u64(v);
    return true;
}

/* Digits of the magnitude, without leading zeros ("" for 0); false when there are too many. */
static bool digits_of(wg_slice be, char out[DIGITS_MAX], size_t *out_count) {
    uint32_t limbs[LIMBS_MAX] = {0}; /* the most significant first */
    char reversed[DIGITS_MAX];
    if (be.size > BYTES_MAX) return false;
    const bool negative = be.size > 0 && (be.data[0] & 0x80) != 0;
    uint32_t carry = negative ? 1 : 0; /* of the complement */
    for (size_t i = 0; i < be.size; i++) {
        const uint32_t byte = (uint8_t)(negative ? ~be.data[be.size - 1 - i] : be.data[be.size - 1 - i]) + carry;
        carry = byte >> 8;
        limbs[LIMBS_MAX - 1 - i / 4] |= (byte & 255) << (8 * (i % 4));
    }
    /* The least number of all, whose complement is one bit longer: 2^(8n-1), which the loop has made. */
    size_t n = 0;
    for (size_t first = 0;;) {
        while (first < LIMBS_MAX && limbs[first] == 0) first++;
        if (first == LIMBS_MAX) break;
        uint64_t rest = 0;
        for (size_t i = first; i < LIMBS_MAX; i++) {
            rest = rest << 32 | limbs[i];
            limbs[i] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        for (int k = 0; k < 9; k++, rest /= 10) reversed[n++] = (char)('0' + rest % 10);
    }
    while (n > 0 && reversed[n - 1] == '0') n--;
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    *out_count = n;
    return true;
}

/* A decimal text as digits without zeros at either end, and the power of ten of the last one. */
typedef struct plain_decimal {
    char digits[DIGITS_MAX];
    size_t count;
    int64_t power;
} plain_decimal;

static void trim(plain_decimal *d) {
    size_t zeros = 0;
    while (zeros < d->count && d->digits[zeros] == '0') zeros++;
    memmove(d->digits, d->digits + zeros, d->count - zeros);
    d->count -= zeros;
    while (d->count > 0 && d->digits[d->count - 1] == '0') {
        d->count--;
        d->power++;
    }
}

/* Of what wg_format_f64 writes: digits, perhaps with a point, perhaps an exponent. */
static void plain_of_text(wg_slice text, plain_decimal *out) {
    bool point = false;
    out->count = 0;
    out->power = 0;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (c >= '0' && c <= '9') {
            out->digits[out->count++] = (char)c;
            if (point) out->power--;
        } else if (c == '.') {
            point = true;
        } else if (c == 'e') {
            int64_t exponent = 0;
            if (wg_parse_i64(wg_slice_of(text.data + i + 1, text.size - i - 1), &exponent)) out->power += exponent;
            break;
        }
    }
    trim(out);
}

bool wgi_parquet_decimal_float(wg_slice be, uint32_t scale, double *out, bool *out_exact) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t small;
    be = significant(be);
    *out_exact = true;
    if (scale <= SCALE_EXACT_MAX && wgi_parquet_decimal_int(be, &small) && small < SMALL_MAX && small > -SMALL_MAX) {
        *out = (double)small / powers[scale];
        return true;
    }
    plain_decimal wanted = {.power = -(int64_t)scale};
    plain_decimal got;
    char text[DIGITS_MAX + 32];
    char shortest[32];
    if (!digits_of(be, wanted.digits, &wanted.count)) return false;
    if (wanted.count == 0) {
        *out = 0;
        return true;
    }
    text[0] = (be.data[0] & 0x80) != 0 ? '-' : '+';
    memcpy(text + 1, wanted.digits, wanted.count);
    text[1 + wanted.count] = 'e';
    const size_t size = 2 + wanted.count;
    const size_t exponent = wg_format_i64(-(int64_t)scale, text + size);
    if (!wg_parse_f64(wg_slice_of(text, size + exponent), out) || !isfinite(*out)) return false;
    trim(&wanted);
    plain_of_text(wg_slice_of(shortest, wg_format_f64(*out, shortest)), &got);
    *out_exact = *out != 0.0 && wanted.count == got.count && wanted.power == got.power &&
                 memcmp(wanted.digits, got.digits, got.count) == 0;
    return true;
}

wg_slice wgi_parquet_decimal_bytes(int64_t v, uint8_t out[8]) {
    const uint64_t u = wg_u64_of_i64(v);
    for (size_t i = 0; i < 8; i++) out[i] = (uint8_t)(u >> (56 - 8 * i));
    return wg_slice_of(out, 8);
}
