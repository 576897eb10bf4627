/* Reads ISO 8601: calendar, week, quarter and ordinal dates, times, offsets, and durations, in basic and extended form. Every function
 * takes what it understands off the front of the text; the whole text must be used up. */
#include "exec/temporal.h"

static bool take(wg_slice *s, char c) {
    if (s->size == 0 || s->data[0] != (uint8_t)c) return false;
    *s = wg_slice_of(s->data + 1, s->size - 1);
    return true;
}

static size_t digits_ahead(wg_slice s) {
    size_t n = 0;
    while (n < s.size && s.data[n] >= '0' && s.data[n] <= '9') n++;
    return n;
}

static bool number(wg_slice *s, size_t digits, int64_t *out) {
    if (digits == 0 || digits > 18 || digits_ahead(*s) < digits) return false;
    int64_t v = 0;
    for (size_t i = 0; i < digits; i++) v = v * 10 + (s->data[i] - '0');
    *s = wg_slice_of(s->data + digits, s->size - digits);
    *out = v;
    return true;
}

/* ---- dates */

static bool ordinal_date(int64_t year, int64_t day, int64_t *out) {
    *out = wg_days_from_civil(year, 1, 1) + day - 1;
    return day >= 1 && day <= wg_days_from_civil(year + 1, 1, 1) - wg_days_from_civil(year, 1, 1);
}

static bool week_date(wg_slice *s, int64_t year, bool dash, int64_t *out) {
    int64_t week, day = 1;
    if (!number(s, 2, &week) || week < 1 || week > 53) return false;
    const bool more = dash ? take(s, '-') : digits_ahead(*s) == 1;
    if (more && (!number(s, 1, &day) || day < 1 || day > 7)) return false;
    *out = wgi_week_start(year) + (week - 1) * 7 + day - 1;
    return *out < wgi_week_start(year + 1);
}

static bool quarter_date(wg_slice *s, int64_t year, bool dash, int64_t *out) {
    int64_t quarter, day = 1;
    if (!number(s, 1, &quarter) || quarter < 1 || quarter > 4) return false;
    const bool more = dash ? take(s, '-') : digits_ahead(*s) == 2;
    if (more && (!number(s, 2, &day) || day < 1 || day > 92)) return false;
    *out = wg_days_from_civil(year, (uint32_t)(quarter * 3 - 2), 1) + day - 1;
    return *out < (quarter == 4 ? wg_days_from_civil(year + 1, 1, 1)
                                : wg_days_from_civil(year, (uint32_t)(quarter * 3 + 1), 1));
}

static bool take_date(wg_slice *s, int64_t *out) {
    const bool west = take(s, '-');
    const bool sign = west || take(s, '+');
    int64_t year, month, day = 1;
    const size_t ahead = digits_ahead(*s);
    if (!number(s, sign && ahead > 4 && ahead <= 9 ? ahead : 4, &year)) return false;
    if (west) year = -year;
    *out = wg_days_from_civil(year, 1, 1);
    if (s->size == 0 || s->data[0] == 'T') return true;
    const bool dash = take(s, '-');
    if (take(s, 'W')) return week_date(s, year, dash, out);
    if (take(s, 'Q')) return quarter_date(s, year, dash, out);
    const size_t rest = digits_ahead(*s);
    if (rest == 3) return number(s, 3, &day) && ordinal_date(year, day, out);
    if (!number(s, 2, &month) || month < 1 || month > 12) return false;
    const bool more = dash ? take(s, '-') : rest == 4;
    if (more && !number(s, 2, &day)) return false;
    if (day < 1 || day > wg_days_in_month(year, (uint32_t)month)) return false;
    *out = wg_days_from_civil(year, (uint32_t)month, (uint32_t)day);
    return true;
}

/* ---- times */

static bool take_fraction(wg_slice *s, int64_t *out_ns) {
    const size_t n = digits_ahead(*s);
    if (n == 0 || n > 9 || !number(s, n, out_ns)) return false;
    for (size_t i = n; i < 9; i++) *out_ns *= 10;
    return true;
}

static bool take_clock(wg_slice *s, int64_t *out) {
    int64_t hour, minute = 0, second = 0, ns = 0;
    if (!number(s, 2, &hour)) return false;
    const bool colon = take(s, ':');
    if (colon || digits_ahead(*s) >= 2) {
        if (!number(s, 2, &minute)) return false;
        const bool more = colon ? take(s, ':') : digits_ahead(*s) >= 2;
        if (more && !number(s, 2, &second)) return false;
        if (more && (take(s, '.') || take(s, ',')) && !take_fraction(s, &ns)) return false;
    }
    *out = ((hour * 60 + minute) * 60 + second) * WGI_SECOND_NS + ns;
    return hour < 24 && minute < 60 && second < 60;
}

static bool take_offset(wg_slice *s, int32_t *out) {
    int64_t hour, minute = 0, second = 0;
    *out = 0;
    if (take(s, 'Z')) return true;
    const bool west = take(s, '-');
    if ((!west && !take(s, '+')) || !number(s, 2, &hour)) return false;
    if ((take(s, ':') || digits_ahead(*s) >= 2) && !number(s, 2, &minute)) return false;
    if ((take(s, ':') || digits_ahead(*s) >= 2) && !number(s, 2, &second)) return false;
    const int64_t offset = (hour * 60 + minute) * 60 + second;
    *out = (int32_t)(west ? -offset : offset);
    return minute < 60 && second < 60 && offset <= 18 * 3600;
}

bool wgi_parse_offset(wg_slice text, int32_t *out) { return take_offset(&text, out) && text.size == 0; }

bool wgi_parse_moment(wg_slice text, bool date_first, wgi_moment *out, wg_slice *out_zone) {
    *out = (wgi_moment){0};
    *out_zone = (wg_slice){0};
    if (date_first) {
        if (!take_date(&text, &out->days)) return false;
        out->has_date = true;
        if (text.size == 0) return true;
        if (!take(&text, 'T') && !take(&text, ' ')) return false;
    }
    out->has_clock = true;
    if (!take_clock(&text, &out->clock)) return false;
    if (text.size > 0 && text.data[0] != '[') {
        out->has_offset = true;
        if (!take_offset(&text, &out->offset)) return false;
    }
    if (text.size == 0) return true;
    if (text.size < 3 || text.data[0] != '[' || text.data[text.size - 1] != ']') return false;
    *out_zone = wg_slice_of(text.data + 1, text.size - 2);
    return true;
}

/* ---- durations */

/* "-12", "12.5": the whole and what is behind the point, both with the sign. */
static bool take_amount(wg_slice *s, int64_t *whole, double *part) {
    const bool minus = take(s, '-');
    if (!minus) (void)take(s, '+');
    if (!number(s, digits_ahead(*s), whole)) return false;
    *part = 0;
    if (take(s, '.') || take(s, ',')) {
        int64_t ns;
        if (!take_fraction(s, &ns)) return false;
        *part = (double)ns / 1e9;
    }
    if (minus) {
        *whole = -*whole;
        *part = -*part;
    }
    return true;
}

static bool take_unit(wg_slice *s, bool clock, wgi_span *span) {
    static const struct {
        char letter;
        bool clock;
        wgi_unit unit;
        int64_t scale;
    } units[] = {{'Y', false, WGI_UNIT_MONTH, 12},
                 {'M', false, WGI_UNIT_MONTH, 1},
                 {'W', false, WGI_UNIT_DAY, 7},
                 {'D', false, WGI_UNIT_DAY, 1},
                 {'H', true, WGI_UNIT_NS, 3600 * WGI_SECOND_NS},
                 {'M', true, WGI_UNIT_NS, 60 * WGI_SECOND_NS},
                 {'S', true, WGI_UNIT_NS, WGI_SECOND_NS}};
    int64_t whole;
    double part;
    if (!take_amount(s, &whole, &part)) return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (units[i].clock == clock && take(s, units[i].letter))
            return wgi_span_add(span, units[i].unit, units[i].scale, whole, part);
    return false;
}

/* "2012-02-02T14:37:21.545": each part as an amount. */
static bool span_of_date(wg_slice text, wgi_span *out) {
    int64_t year, month, day, clock = 0;
    if (!number(&text, 4, &year) || !take(&text, '-') || !number(&text, 2, &month) || !take(&text, '-')) return false;
    if (!number(&text, 2, &day)) return false;
    if (take(&text, 'T') && !take_clock(&text, &clock)) return false;
    *out = (wgi_span){year * 12 + month, day, clock / WGI_SECOND_NS, clock % WGI_SECOND_NS};
    return text.size == 0;
}

/* "-P1D": all of it is negative. */
bool wgi_parse_span(wg_slice text, wgi_span *out) {
    const bool negative = take(&text, '-');
    *out = (wgi_span){0};
    if (!negative) (void)take(&text, '+');
    if (!take(&text, 'P') || text.size == 0) return false;
    if (text.size > 4 && text.data[4] == '-' && digits_ahead(text) == 4)
        return span_of_date(text, out) && (!negative || wgi_span_negate(out));
    bool clock = false;
    while (text.size > 0) {
        if (!clock && take(&text, 'T')) clock = true;
        else if (!take_unit(&text, clock, out)) return false;
    }
    return !negative || wgi_span_negate(out);
}
