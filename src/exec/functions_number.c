/* Row functions over numbers beyond wgi_fn_math: rounding to decimals, tests, and similarity of vectors.
 *
 * round(x, precision, mode) rounds the shortest decimal text of x, as a reader of that text expects: round(2.675, 2) is 2.68 although the binary
 * number is a little below. The digits are rounded as text and read back, so the result is again the double nearest to what is written. */
#include <math.h>

#include "base/text/text.h"
#include "exec/exec_functions.h"

static bool is_number(const wg_value *v) { return v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT; }
static double as_float(const wg_value *v) { return v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f; }

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

/* ---- rounding */

typedef enum round_mode { UP, DOWN, CEILING, FLOOR, HALF_UP, HALF_DOWN, HALF_EVEN } round_mode;

static bool mode_of(wg_slice name, round_mode *out) {
    static const char *const names[] = {"UP", "DOWN", "CEILING", "FLOOR", "HALF_UP", "HALF_DOWN", "HALF_EVEN"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool same = strlen(names[i]) == name.size;
        for (size_t k = 0; same && k < name.size; k++)
            same = (name.data[k] >= 'a' && name.data[k] <= 'z' ? name.data[k] - 32 : name.data[k]) == names[i][k];
        if (!same) continue;
        *out = (round_mode)i;
        return true;
    }
    return false;
}

/* 0.digits * 10^point */
typedef struct decimal {
    uint8_t digits[24];
    int32_t count;
    int32_t point;
    bool negative;
} decimal;

static decimal decimal_of(double x) {
    char text[32];
    decimal d = {.negative = signbit(x) != 0};
    const size_t size = wg_format_f64(fabs(x), text);
    int32_t whole = 0;
    int64_t exponent = 0;
    bool fraction = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.') {
            fraction = true;
        } else if (text[i] == 'e') {
            const bool plus = text[i + 1] == '+';
            const bool read = wg_parse_i64(wg_slice_of(text + i + 1 + plus, size - i - 1 - plus), &exponent);
            WG_ASSERT(read);
            break;
        } else if (d.count > 0 || text[i] != '0') {
            d.digits[d.count++] = (uint8_t)(text[i] - '0');
            whole += !fraction;
        } else {
            whole -= fraction; /* a zero behind the point before the first digit */
        }
    }
    while (d.count > 0 && d.digits[d.count - 1] == 0) d.count--;
    d.point = whole + (int32_t)exponent;
    return d;
}

/* Does the magnitude grow when only the first `keep` digits stay? */
static bool rounds_away(const decimal *d, int32_t keep, round_mode mode) {
    const int first = keep >= 0 ? d->digits[keep] : 0; /* the first that goes; there is one */
    const bool half = first == 5 && keep + 1 == d->count;
    const bool odd = keep > 0 && d->digits[keep - 1] % 2 == 1;
    switch (mode) {
        case UP:
            return true;
        case DOWN:
            return false;
        case CEILING:
            return !d->negative;
        case FLOOR:
            return d->negative;
        case HALF_UP:
            return first >= 5;
        case HALF_DOWN:
            return first >= 5 && !half;
        case HALF_EVEN:
            return half ? odd : first >= 5;
    }
    WG_UNREACHABLE("a rounding mode outside its enum");
}

static double round_decimal(double x, int64_t precision, round_mode mode) {
    decimal d = decimal_of(x);
    const int64_t wanted = d.point + precision;
    if (d.count == 0 || wanted >= d.count) return x;
    const int32_t keep = wanted < -1 ? -1 : (int32_t)wanted;
    const bool away = rounds_away(&d, keep, mode);
    char text[48];
    size_t n = 0;
    text[n++] = d.negative ? '-' : '+';
    text[n++] = '0'; /* room for a carry */
    for (int32_t i = 0; i < keep; i++) text[n++] = (char)('0' + d.digits[i]);
    if (keep < 0) text[n++] = '0';
    for (size_t i = n - 1; away && ++text[i] > '9'; i--) text[i] = '0';
    text[n++] = 'e';
    n += wg_format_i64(-precision, text + n);
    double out = x;
    const bool read = wg_parse_f64(wg_slice_of(text, n), &out);
    WG_ASSERT(read);
    return out == 0 ? 0 : out;
}

/* Nearest integer, halves upwards, as openCypher says; exact where x + 0.5 would round. */
static double round_half_up(double x) {
    const double low = floor(x);
    return x - low >= 0.5 ? low + 1.0 : low;
}

WGI_ROW_FN(wgi_fn_round) {
    round_mode mode = HALF_UP;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    if (arg_count > 1 && args[1].type != WG_TYPE_INT) return wrong_type(call, &args[1], err);
    if (arg_count > 2 && args[2].type != WG_TYPE_STRING) return wrong_type(call, &args[2], err);
    if (arg_count > 1 && args[1].as.i < 0)
        return wg_error_set(err, WG_E_VALUE, call->offset, "round(): the precision must not be negative");
    if (arg_count > 2 && !mode_of(wg_value_slice(&args[2]), &mode))
        return wg_error_set(err, WG_E_VALUE, call->offset,
                            "round(): the mode must be UP, DOWN, CEILING, FLOOR, HALF_UP, HALF_DOWN or HALF_EVEN");
    const double x = as_float(&args[0]);
    if (x - x != 0) *out = wg_value_float(x); /* an infinity or a NaN */
    else if (arg_count < 2 || (arg_count == 2 && args[1].as.i == 0)) *out = wg_value_float(round_half_up(x));
    else *out = wg_value_float(round_decimal(x, args[1].as.i > 400 ? 400 : args[1].as.i, mode));
    return WG_OK;
}

/* ---- tests and powers */

WGI_ROW_FN(wgi_fn_is_nan) {
    (void)arg_count;
    if (!is_number(&args[0])) return wrong_type(call, &args[0], err);
    *out = wg_value_bool(args[0].type == WG_TYPE_FLOAT && args[0].as.f != args[0].as.f);
    return WG_OK;
}

/* ---- vectors */

/* Both lists hold numbers, equally many, at least one. */
static wg_code check_vectors(const wgi_call *call, const wg_value *args, wg_error *err) {
    for (int k = 0; k < 2; k++) {
        if (args[k].type != WG_TYPE_LIST) return wrong_type(call, &args[k], err);
        for (uint32_t i = 0; i < args[k].size; i++) {
            const wg_value *v = &args[k].as.list[i];
            if (!is_number(v)) return wrong_type(call, v, err);
            if (as_float(v) - as_float(v) != 0)
                return wg_error_set(err, WG_E_VALUE, call->offset, "%s: the numbers of a vector must be finite",
                                    call->function->name);
        }
    }
    if (args[0].size != args[1].size || args[0].size == 0)
        return wg_error_set(err, WG_E_VALUE, call->offset, "%s takes two vectors of one dimension, not of %u and %u",
                            call->function->name, args[0].size, args[1].size);
    return WG_OK;
}

/* Each in the order of the elements, so that a sum is the same however it is computed. */
WGI_ROW_FN(wgi_fn_similarity) {
    (void)arg_count;
    WG_TRY(check_vectors(call, args, err));
    double aa = 0, bb = 0, ab = 0, apart = 0;
    for (uint32_t i = 0; i < args[0].size; i++) {
        const double a = as_float(&args[0].as.list[i]), b = as_float(&args[1].as.list[i]);
        aa += a * a;
        bb += b * b;
        ab += a * b;
        apart += (a - b) * (a - b);
    }
    if (strcmp(call->function->name, "vector.similarity.euclidean") == 0) {
        *out = wg_value_float(1 / (1 + apart));
        return WG_OK;
    }
    const double norms = sqrt(aa) * sqrt(bb);
    if (!(norms > 0) || norms - norms != 0)
        return wg_error_set(err, WG_E_VALUE, call->offset,
                            "%s: a vector of length zero, or too long, has no direction", call->function->name);
    *out = wg_value_float(fmin(1, fmax(0, (1 + ab / norms) / 2)));
    return WG_OK;
}
