/* UTF-8 checks, integers and floats as text. See text.h; calendar text is in calendar.c.
 *
 * Floats are read in two ways. Up to 19 digits whose value fits 53 bits with a power of ten that a double holds
 * exactly need one correctly rounded operation (Clinger 1990). Everything else is rewritten as "digits e exponent",
 * without a decimal point, and given to strtod, which is correctly rounded in the C library and depends on the locale
 * through the decimal point alone. 800 significant digits decide every double (767 are needed); a nonzero digit past
 * them is kept as one sticky digit.
 *
 * Floats are written as the shortest digits that read back to the same bits, found by trying 15, 16 and 17 digits (1 to
 * 17 for subnormals, whose precision is lower). Positional form covers 1e-4 <= |v| < 1e16, exponent form the rest. */
#include "base/text/text.h"

#include "base/text/shortest.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- UTF-8 */

/* Length of the well-formed sequence at `p`, 0 when there is none (RFC 3629, table of section 4). */
static size_t utf8_sequence(const uint8_t *p, size_t left) {
    const uint8_t lead = p[0];
    size_t size;
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0; /* continuation, overlong C0 and C1, past U+10FFFF */
    if (lead < 0xe0) {
        size = 2;
    } else if (lead < 0xf0) {
        size = 3;
        if (lead == 0xe0) low = 0xa0;  /* overlong */
        if (lead == 0xed) high = 0x9f; /* surrogates */
    } else {
        size = 4;
        if (lead == 0xf0) low = 0x90;  /* overlong */
        if (lead == 0xf4) high = 0x8f; /* past U+10FFFF */
    }
    if (left < size || p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return size;
}

bool wg_utf8_valid(wg_slice s, size_t *bad_offset) {
    size_t i = 0;
    while (i < s.size) {
        if (s.size - i >= 8 && (wg_load_u64le(s.data + i) & UINT64_C(0x8080808080808080)) == 0) {
            i += 8;
            continue;
        }
        const size_t size = utf8_sequence(s.data + i, s.size - i);
        if (size == 0) {
            if (bad_offset != NULL) *bad_offset = i;
            return false;
        }
        i += size;
    }
    return true;
}

size_t wg_utf8_count(wg_slice s) {
    size_t count = 0;
    for (size_t i = 0; i < s.size; i++) count += (s.data[i] & 0xc0) != 0x80;
    return count;
}

/* ---- integers */

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

bool wg_parse_i64(wg_slice s, int64_t *out) {
    size_t i = 0;
    const bool negative = s.size != 0 && s.data[0] == '-';
    if (s.size != 0 && (s.data[0] == '-' || s.data[0] == '+')) i = 1;
    if (i == s.size) return false;
    /* Counts downwards, because the smallest integer has no positive twin. */
    int64_t v = 0;
    for (; i < s.size; i++) {
        if (!is_digit(s.data[i])) return false;
        if (__builtin_mul_overflow(v, (int64_t)10, &v)) return false;
        if (__builtin_sub_overflow(v, (int64_t)(s.data[i] - '0'), &v)) return false;
    }
    if (!negative && v == INT64_MIN) return false;
    *out = negative ? v : -v;
    return true;
}

size_t wg_format_i64(int64_t v, char out[24]) {
    char digits[20];
    size_t n = 0;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    size_t size = 0;
    if (v < 0) out[size++] = '-';
    while (n != 0) out[size++] = digits[--n];
    out[size] = '\0';
    return size;
}

/* ---- floats, reading */

enum { DIGITS_KEPT_MAX = 800, EXPONENT_CLIP = 30000 };

/* The significant digits of a number and the power of ten that belongs to the last of them. */
typedef struct decimal {
    bool negative;
    bool sticky; /* a nonzero digit was left out after the kept ones */
    size_t digit_count;
    int64_t exponent;
    char digits[DIGITS_KEPT_MAX + 32]; /* room for the sticky digit, 'e' and the exponent */
} decimal;

static void decimal_push(decimal *d, uint8_t c, bool fraction) {
    const bool leading = d->digit_count == 0 && c == '0';
    if (!leading && d->digit_count == DIGITS_KEPT_MAX) {
        d->sticky = d->sticky || c != '0';
        if (!fraction) d->exponent++;
        return;
    }
    if (!leading) d->digits[d->digit_count++] = (char)c;
    if (fraction) d->exponent--;
}

static bool scan_exponent(wg_slice s, size_t i, int64_t *out) {
    bool negative = false;
    if (i < s.size && (s.data[i] == '-' || s.data[i] == '+')) negative = s.data[i++] == '-';
    if (i == s.size) return false;
    int64_t e = 0;
    for (; i < s.size; i++) {
        if (!is_digit(s.data[i])) return false;
        if (e < INT64_C(1000000000000000)) e = e * 10 + (s.data[i] - '0'); /* far past any double already */
    }
    *out = negative ? -e : e;
    return true;
}

static bool scan_decimal(wg_slice s, decimal *d) {
    size_t i = 0;
    d->negative = false;
    d->sticky = false;
    d->digit_count = 0;
    d->exponent = 0;
    if (i < s.size && (s.data[i] == '-' || s.data[i] == '+')) d->negative = s.data[i++] == '-';
    bool any = false;
    bool fraction = false;
    for (; i < s.size; i++) {
        const uint8_t c = s.data[i];
        if (c == '.' && !fraction) {
            fraction = true;
        } else if (is_digit(c)) {
            any = true;
            decimal_push(d, c, fraction);
        } else {
            break;
        }
    }
    if (!any) return false;
    if (i == s.size) return true;
    if (s.data[i] != 'e' && s.data[i] != 'E') return false;
    int64_t e;
    if (!scan_exponent(s, i + 1, &e)) return false;
    d->exponent += e;
    return true;
}

static bool decimal_exact(const decimal *d, double *out) {
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->digit_count > 19 || d->exponent < -22 || d->exponent > 22) return false;
    uint64_t m = 0;
    for (size_t i = 0; i < d->digit_count; i++) m = m * 10 + (uint64_t)(d->digits[i] - '0');
    if (m > UINT64_C(1) << 53) return false;
    const double v = (double)m;
    *out = d->exponent < 0 ? v / tens[-d->exponent] : v * tens[d->exponent];
    return true;
}

/* Case-insensitive comparison with lower-case ASCII. */
static bool is_word(wg_slice s, const char *lower) {
    if (s.size != strlen(lower)) return false;
    for (size_t i = 0; i < s.size; i++)
        if ((s.data[i] | 0x20) != (uint8_t)lower[i]) return false;
    return true;
}

static bool parse_special(wg_slice s, double *out) {
    const bool sign = s.size != 0 && (s.data[0] == '-' || s.data[0] == '+');
    const bool negative = sign && s.data[0] == '-';
    const wg_slice word = sign ? wg_slice_of(s.data + 1, s.size - 1) : s;
    if (is_word(word, "nan") && !sign) {
        *out = wg_f64_of_bits(UINT64_C(0x7ff8000000000000));
        return true;
    }
    if (!is_word(word, "infinity") && !is_word(word, "inf")) return false;
    *out = negative ? -__builtin_inf() : __builtin_inf();
    return true;
}

bool wg_parse_f64(wg_slice s, double *out) {
    decimal d;
    if (!scan_decimal(s, &d)) return parse_special(s, out);
    double v = 0.0;
    if (d.digit_count != 0 && !decimal_exact(&d, &v)) {
        if (d.sticky) {
            d.digits[d.digit_count++] = '1';
            d.exponent--;
        }
        if (d.exponent > EXPONENT_CLIP) d.exponent = EXPONENT_CLIP;
        if (d.exponent < -EXPONENT_CLIP) d.exponent = -EXPONENT_CLIP;
        snprintf(d.digits + d.digit_count, sizeof d.digits - d.digit_count, "e%d", (int)d.exponent);
        v = strtod(d.digits, NULL);
    }
    *out = d.negative ? -v : v;
    return true;
}

/* ---- floats, writing */

typedef struct shortest {
    size_t digit_count;
    int exponent; /* of the first digit: d.ddd x 10^exponent */
    char digits[20];
} shortest;

static void shortest_digits(double v, shortest *out) {
    uint64_t digits;
    int32_t exponent;
    char text[24];
    wgi_shortest(v, &digits, &exponent);
    out->digit_count = wg_format_i64((int64_t)digits, text); /* below 10^17 */
    memcpy(out->digits, text, out->digit_count);
    out->exponent = (int)exponent + (int)out->digit_count - 1;
}

static size_t put_text(char *out, const char *text) {
    const size_t size = strlen(text);
    memcpy(out, text, size + 1);
    return size;
}

static size_t put_exponent_form(char *out, const shortest *d) {
    size_t n = 0;
    out[n++] = d->digits[0];
    if (d->digit_count > 1) out[n++] = '.';
    for (size_t i = 1; i < d->digit_count; i++) out[n++] = d->digits[i];
    const int e = d->exponent < 0 ? -d->exponent : d->exponent;
    return n + (size_t)snprintf(out + n, 8, "e%c%02d", d->exponent < 0 ? '-' : '+', e);
}

static size_t put_positional(char *out, const shortest *d) {
    size_t n = 0;
    if (d->exponent < 0) {
        n += put_text(out, "0.");
        for (int i = -1; i > d->exponent; i--) out[n++] = '0';
    }
    const size_t whole = d->exponent < 0 ? 0 : (size_t)d->exponent + 1;
    for (size_t i = 0; i < wg_max_size(d->digit_count, whole); i++) {
        if (i == whole && whole != 0) out[n++] = '.';
        out[n++] = i < d->digit_count ? d->digits[i] : '0';
    }
    if (d->digit_count <= whole) n += put_text(out + n, ".0");
    out[n] = '\0';
    return n;
}

size_t wg_format_f64(double v, char out[32]) {
    if (v != v) return put_text(out, "NaN");
    size_t n = 0;
    if ((wg_bits_of_f64(v) >> 63) != 0) {
        out[n++] = '-';
        v = -v;
    }
    if (v == __builtin_inf()) return n + put_text(out + n, "Infinity");
    if (v < 0x1p53 && v == (double)(int64_t)v) { /* whole numbers, zero among them, need no search */
        n += wg_format_i64((int64_t)v, out + n);
        return n + put_text(out + n, ".0");
    }
    shortest d;
    shortest_digits(v, &d);
    if (d.exponent < -4 || d.exponent >= 16) return n + put_exponent_form(out + n, &d);
    return n + put_positional(out + n, &d);
}
