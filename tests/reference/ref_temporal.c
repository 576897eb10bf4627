/* tests/reference: dates, local datetimes and durations of whole seconds. A calendar is walked year by year and month by month from 1970: slow,
 * and with nothing to be wrong about but the lengths of months. Times with an offset or a zone, fractions of a second, weeks and quarters are
 * not known. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/reference/reference.h"

enum { DAY = 86400, YEARS_MAX = 9999 };

typedef struct civil {
    int64_t year, month, day; /* from 1 */
    int64_t second;           /* of the day */
} civil;

typedef struct span {
    int64_t months, days, seconds;
} span;

bool ref_is_temporal(const wg_value *v) {
    return v->type == WG_TYPE_DATE || v->type == WG_TYPE_LOCAL_DATETIME || v->type == WG_TYPE_DURATION;
}

static bool is_moment(const wg_value *v) { return v->type == WG_TYPE_DATE || v->type == WG_TYPE_LOCAL_DATETIME; }

/* ---- the calendar */

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static int64_t days_of_month(int64_t year, int64_t month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t days_of_civil(const civil *c) {
    int64_t days = c->day - 1;
    for (int64_t y = 1970; y < c->year; y++) days += is_leap(y) ? 366 : 365;
    for (int64_t y = c->year; y < 1970; y++) days -= is_leap(y) ? 366 : 365;
    for (int64_t m = 1; m < c->month; m++) days += days_of_month(c->year, m);
    return days;
}

static civil civil_of_days(int64_t days) {
    civil c = {.year = 1970, .month = 1, .day = 1};
    while (days < 0) days += is_leap(--c.year) ? 366 : 365;
    while (days >= (is_leap(c.year) ? 366 : 365)) days -= is_leap(c.year++) ? 366 : 365;
    while (days >= days_of_month(c.year, c.month)) days -= days_of_month(c.year, c.month++);
    c.day += days;
    return c;
}

static int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static civil civil_of(const wg_value *v) {
    if (v->type == WG_TYPE_DATE) return civil_of_days(v->as.i);
    civil c = civil_of_days(floor_of(v->as.i, DAY));
    c.second = v->as.i - floor_of(v->as.i, DAY) * DAY;
    return c;
}

static wg_value value_of(ref_ctx *ctx, wg_type type, const civil *c) {
    if (c->year > YEARS_MAX || c->year < -YEARS_MAX) ref_fail(ctx, WG_E_LIMIT, "a year far away");
    wg_value v = {.type = (uint8_t)type};
    v.as.i = days_of_civil(c);
    if (type == WG_TYPE_LOCAL_DATETIME) v.as.i = v.as.i * DAY + c->second;
    return v;
}

/* ---- durations */

static span span_of(const wg_value *v) { return (span){v->as.list[0].as.i, v->as.list[1].as.i, v->as.list[2].as.i}; }

static wg_value duration_of(ref_ctx *ctx, const span *s) {
    wg_value *parts = ref_alloc(ctx->arena, 4, sizeof *parts);
    parts[0] = ref_int(s->months);
    parts[1] = ref_int(s->days);
    parts[2] = ref_int(s->seconds);
    parts[3] = ref_int(0);
    wg_value v = {.type = WG_TYPE_DURATION, .size = 4};
    v.as.list = parts;
    return v;
}

/* How long a duration is on average: a month has 365.2425 / 12 days. */
static int64_t length_of(const span *s) { return s->months * 2629746 + s->days * DAY + s->seconds; }

/* The day stays unless the month is too short; of a date only whole days of the seconds count. */
static wg_value moved(ref_ctx *ctx, const wg_value *from, const span *by, int sign) {
    civil c = civil_of(from);
    const int64_t month = c.year * 12 + c.month - 1 + sign * by->months;
    c.year = floor_of(month, 12);
    c.month = month - c.year * 12 + 1;
    if (c.day > days_of_month(c.year, c.month)) c.day = days_of_month(c.year, c.month);
    wg_value v = value_of(ctx, (wg_type)from->type, &c);
    if (from->type == WG_TYPE_DATE) v.as.i += sign * (by->days + by->seconds / DAY);
    else v.as.i += sign * (by->days * DAY + by->seconds);
    c = civil_of(&v);
    return value_of(ctx, (wg_type)from->type, &c);
}

wg_value ref_temporal_arithmetic(ref_ctx *ctx, wg_ast_op op, const wg_value *a, const wg_value *b) {
    const int sign = op == WG_OP_SUBTRACT ? -1 : 1;
    const bool is_sum = op == WG_OP_ADD || op == WG_OP_SUBTRACT;
    if (is_sum && is_moment(a) && b->type == WG_TYPE_DURATION) {
        const span by = span_of(b);
        return moved(ctx, a, &by, sign);
    }
    if (op == WG_OP_ADD && a->type == WG_TYPE_DURATION && is_moment(b)) return ref_temporal_arithmetic(ctx, op, b, a);
    if (is_sum && a->type == WG_TYPE_DURATION && b->type == WG_TYPE_DURATION) {
        const span x = span_of(a), y = span_of(b);
        return duration_of(ctx,
                           &(span){x.months + sign * y.months, x.days + sign * y.days, x.seconds + sign * y.seconds});
    }
    if (op == WG_OP_MULTIPLY && a->type == WG_TYPE_DURATION && b->type == WG_TYPE_INT) {
        const span x = span_of(a);
        return duration_of(ctx, &(span){x.months * b->as.i, x.days * b->as.i, x.seconds * b->as.i});
    }
    if (op == WG_OP_MULTIPLY && a->type == WG_TYPE_DURATION && b->type == WG_TYPE_FLOAT) {
        const wg_value times = ref_int((int64_t)b->as.f);
        if ((double)times.as.i != b->as.f) ref_fail(ctx, WG_E_UNSUPPORTED, "a part of a duration");
        return ref_temporal_arithmetic(ctx, op, a, &times);
    }
    if (op == WG_OP_MULTIPLY && (a->type == WG_TYPE_INT || a->type == WG_TYPE_FLOAT))
        return ref_temporal_arithmetic(ctx, op, b, a);
    ref_fail(ctx, WG_E_TYPE, "%s of %s and %s", wg_ast_op_name(op), wg_type_name((wg_type)a->type),
             wg_type_name((wg_type)b->type));
}

/* ---- equality and order */

int ref_temporal_equal(const wg_value *a, const wg_value *b) {
    if (a->type != b->type) return 0;
    if (a->type != WG_TYPE_DURATION) return a->as.i == b->as.i;
    const span x = span_of(a), y = span_of(b);
    return x.months == y.months && x.days == y.days && x.seconds == y.seconds;
}

int ref_temporal_order(const wg_value *a, const wg_value *b) {
    const span x = a->type == WG_TYPE_DURATION ? span_of(a) : (span){0};
    const span y = b->type == WG_TYPE_DURATION ? span_of(b) : (span){0};
    const int64_t i = a->type == WG_TYPE_DURATION ? length_of(&x) : a->as.i;
    const int64_t k = b->type == WG_TYPE_DURATION ? length_of(&y) : b->as.i;
    if (i != k) return i < k ? -1 : 1;
    if (x.months != y.months) return x.months < y.months ? -1 : 1;
    return (x.days > y.days) - (x.days < y.days);
}

/* ---- from one moment to another */

static int64_t seconds_of(const civil *c) { return days_of_civil(c) * DAY + c->second; }

static int64_t after_months(ref_ctx *ctx, const civil *from, int64_t months) {
    wg_value v = {.type = WG_TYPE_LOCAL_DATETIME};
    v.as.i = seconds_of(from);
    return moved(ctx, &v, &(span){.months = months}, 1).as.i;
}

/* As many months as can be added to a without passing b. */
static int64_t whole_months(ref_ctx *ctx, const civil *a, const civil *b) {
    const int64_t end = seconds_of(b);
    const int step = end >= seconds_of(a) ? 1 : -1;
    int64_t months = (b->year - a->year - step) * 12; /* one year less, and on from there */
    if (months * step < 0) months = 0;
    while (step * after_months(ctx, a, months + step) <= step * end) months += step;
    return months;
}

static wg_value difference(ref_ctx *ctx, wg_slice name, const wg_value *from, const wg_value *to) {
    const civil a = civil_of(from), b = civil_of(to);
    span s = {0};
    if (wg_slice_is(name, "duration.inseconds")) {
        s.seconds = seconds_of(&b) - seconds_of(&a);
    } else if (wg_slice_is(name, "duration.indays")) {
        s.days = (seconds_of(&b) - seconds_of(&a)) / DAY;
    } else {
        s.months = whole_months(ctx, &a, &b);
        if (wg_slice_is(name, "duration.between")) {
            const int64_t rest = seconds_of(&b) - after_months(ctx, &a, s.months);
            s.days = rest / DAY;
            s.seconds = rest % DAY;
        }
    }
    return duration_of(ctx, &s);
}

/* ---- from text and from maps */

typedef struct reader {
    const char *at;
    const char *end;
} reader;

static bool take(reader *r, char c) {
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static int64_t digits(ref_ctx *ctx, reader *r, int least, int most) {
    int64_t n = 0;
    int count = 0;
    for (; count < most && r->at < r->end && *r->at >= '0' && *r->at <= '9'; count++) n = n * 10 + (*r->at++ - '0');
    if (count < least) ref_fail(ctx, WG_E_VALUE, "a number is missing in a text of time");
    return n;
}

static void expect(ref_ctx *ctx, reader *r, char c) {
    if (!take(r, c)) ref_fail(ctx, WG_E_VALUE, "%c is missing in a text of time", c);
}

static void check(ref_ctx *ctx, const civil *c) {
    if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_of_month(c->year, c->month))
        ref_fail(ctx, WG_E_VALUE, "no such day");
}

/* YYYY-MM-DD, and THH:MM:SS of a local datetime. */
static wg_value moment_of_text(ref_ctx *ctx, wg_type type, wg_slice text) {
    reader r = {(const char *)text.data, (const char *)text.data + text.size};
    civil c = {.year = digits(ctx, &r, 4, 4)};
    expect(ctx, &r, '-');
    c.month = digits(ctx, &r, 2, 2);
    expect(ctx, &r, '-');
    c.day = digits(ctx, &r, 2, 2);
    check(ctx, &c);
    if (type == WG_TYPE_LOCAL_DATETIME) {
        int64_t parts[3];
        for (int i = 0; i < 3; i++) {
            expect(ctx, &r, i == 0 ? 'T' : ':');
            parts[i] = digits(ctx, &r, 2, 2);
            if (parts[i] > (i == 0 ? 23 : 59)) ref_fail(ctx, WG_E_VALUE, "no such time");
        }
        c.second = parts[0] * 3600 + parts[1] * 60 + parts[2];
    }
    if (r.at != r.end) ref_fail(ctx, WG_E_VALUE, "more than a moment");
    return value_of(ctx, type, &c);
}

/* PnYnMnWnDTnHnMnS, whole numbers. */
static wg_value duration_of_text(ref_ctx *ctx, wg_slice text) {
    static const char letters[] = "YMWDHMS";
    static const int64_t sizes[] = {12, 1, 7, 1, 3600, 60, 1};
    reader r = {(const char *)text.data, (const char *)text.data + text.size};
    span s = {0};
    size_t next = 0;
    expect(ctx, &r, 'P');
    while (r.at < r.end) {
        if (next <= 4 && take(&r, 'T')) next = 4;
        const int64_t sign = take(&r, '-') ? -1 : 1;
        const int64_t n = sign * digits(ctx, &r, 1, 9);
        const size_t last = next < 4 ? 4 : 7;
        while (next < last && !(r.at < r.end && *r.at == letters[next])) next++;
        if (next == last) ref_fail(ctx, WG_E_VALUE, "no such unit of a duration");
        int64_t *part = next < 2 ? &s.months : next < 4 ? &s.days : &s.seconds;
        *part += n * sizes[next++];
        r.at++;
    }
    return duration_of(ctx, &s);
}

/* A field that is null is as one that is not there. */
static int64_t field(ref_ctx *ctx, const wg_value *map, const char *name, int64_t otherwise) {
    wg_value v;
    if (!ref_find_entry(map->as.map, map->size, wg_slice_str(name), &v) || v.type == WG_TYPE_NULL) return otherwise;
    if (v.type != WG_TYPE_INT) ref_fail(ctx, WG_E_UNSUPPORTED, "a field of time that is no INT");
    return v.as.i;
}

static wg_value moment_of_map(ref_ctx *ctx, wg_type type, const wg_value *map) {
    civil c = {.year = field(ctx, map, "year", INT64_MIN)};
    if (c.year == INT64_MIN) ref_fail(ctx, WG_E_VALUE, "a date needs a year");
    c.month = field(ctx, map, "month", 1);
    c.day = field(ctx, map, "day", 1);
    check(ctx, &c);
    const int64_t hour = field(ctx, map, "hour", 0), minute = field(ctx, map, "minute", 0);
    const int64_t second = field(ctx, map, "second", 0);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        ref_fail(ctx, WG_E_VALUE, "no such time");
    c.second = hour * 3600 + minute * 60 + second;
    return value_of(ctx, type, &c);
}

static wg_value duration_of_map(ref_ctx *ctx, const wg_value *map) {
    const span s = {
        .months = field(ctx, map, "years", 0) * 12 + field(ctx, map, "months", 0),
        .days = field(ctx, map, "weeks", 0) * 7 + field(ctx, map, "days", 0),
        .seconds =
            field(ctx, map, "hours", 0) * 3600 + field(ctx, map, "minutes", 0) * 60 + field(ctx, map, "seconds", 0),
    };
    return duration_of(ctx, &s);
}

/* ---- functions and parts */

static wg_value made(ref_ctx *ctx, wg_type type, const wg_value *from) {
    if (from->type == type) return *from;
    if (type == WG_TYPE_DURATION) {
        if (from->type == WG_TYPE_STRING) return duration_of_text(ctx, ref_slice(from));
        if (from->type == WG_TYPE_MAP) return duration_of_map(ctx, from);
    } else {
        if (from->type == WG_TYPE_STRING) return moment_of_text(ctx, type, ref_slice(from));
        if (from->type == WG_TYPE_MAP) return moment_of_map(ctx, type, from);
        if (is_moment(from)) {
            const civil c = civil_of(from);
            return value_of(ctx, type, &c);
        }
    }
    ref_fail(ctx, WG_E_TYPE, "a time made of %s", wg_type_name((wg_type)from->type));
}

bool ref_temporal_call(ref_ctx *ctx, wg_slice name, const wg_value *args, size_t count, wg_value *out) {
    static const struct {
        const char *name;
        wg_type type;
    } makers[] = {{"date", WG_TYPE_DATE}, {"localdatetime", WG_TYPE_LOCAL_DATETIME}, {"duration", WG_TYPE_DURATION}};
    static const char *const between[] = {"duration.between", "duration.inmonths", "duration.indays",
                                          "duration.inseconds"};
    *out = ref_null();
    for (size_t i = 0; i < 3 && count == 1; i++) {
        if (!wg_slice_is(name, makers[i].name)) continue;
        if (args[0].type != WG_TYPE_NULL) *out = made(ctx, makers[i].type, &args[0]);
        return true;
    }
    for (size_t i = 0; i < 4 && count == 2; i++) {
        if (!wg_slice_is(name, between[i])) continue;
        if (args[0].type == WG_TYPE_NULL || args[1].type == WG_TYPE_NULL) return true;
        if (!is_moment(&args[0]) || !is_moment(&args[1]))
            ref_fail(ctx, WG_E_TYPE, "%s is of two moments", between[i]);
        *out = difference(ctx, name, &args[0], &args[1]);
        return true;
    }
    return false;
}

static int64_t day_of_year(const civil *c) {
    const civil first = {.year = c->year, .month = 1, .day = 1};
    return days_of_civil(c) - days_of_civil(&first) + 1;
}

/* Only the parts that both kinds of moment have, and of a local datetime the time. */
static bool part_of_moment(const wg_value *v, wg_slice key, int64_t *out) {
    const civil c = civil_of(v);
    const bool has_time = v->type == WG_TYPE_LOCAL_DATETIME;
    if (wg_slice_is(key, "year")) *out = c.year;
    else if (wg_slice_is(key, "month")) *out = c.month;
    else if (wg_slice_is(key, "day")) *out = c.day;
    else if (wg_slice_is(key, "quarter")) *out = (c.month + 2) / 3;
    else if (wg_slice_is(key, "ordinalDay")) *out = day_of_year(&c);
    else if (wg_slice_is(key, "dayOfWeek")) *out = days_of_civil(&c) + 3 - floor_of(days_of_civil(&c) + 3, 7) * 7 + 1;
    else if (has_time && wg_slice_is(key, "hour")) *out = c.second / 3600;
    else if (has_time && wg_slice_is(key, "minute")) *out = c.second / 60 % 60;
    else if (has_time && wg_slice_is(key, "second")) *out = c.second % 60;
    else return false;
    return true;
}

static bool part_of_duration(const wg_value *v, wg_slice key, int64_t *out) {
    const span s = span_of(v);
    if (wg_slice_is(key, "years")) *out = s.months / 12;
    else if (wg_slice_is(key, "months")) *out = s.months;
    else if (wg_slice_is(key, "monthsOfYear")) *out = s.months % 12;
    else if (wg_slice_is(key, "days")) *out = s.days;
    else if (wg_slice_is(key, "hours")) *out = s.seconds / 3600;
    else if (wg_slice_is(key, "minutes")) *out = s.seconds / 60;
    else if (wg_slice_is(key, "seconds")) *out = s.seconds;
    else return false;
    return true;
}

/* What no value of time has is null; some parts that others know are not known here. */
wg_value ref_temporal_part(ref_ctx *ctx, const wg_value *v, wg_slice key) {
    static const char *const others[] = {"week",
                                         "weekYear",
                                         "weekDay",
                                         "dayOfQuarter",
                                         "weeks",
                                         "daysOfWeek",
                                         "quarters",
                                         "quartersOfYear",
                                         "millisecond",
                                         "microsecond",
                                         "nanosecond",
                                         "minutesOfHour",
                                         "milliseconds",
                                         "microseconds",
                                         "nanoseconds",
                                         "secondsOfMinute",
                                         "monthsOfQuarter",
                                         "nanosecondsOfSecond",
                                         "microsecondsOfSecond",
                                         "millisecondsOfSecond"};
    int64_t part = 0;
    const bool known = v->type == WG_TYPE_DURATION ? part_of_duration(v, key, &part) : part_of_moment(v, key, &part);
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !known; i++)
        if (wg_slice_is(key, others[i])) ref_fail(ctx, WG_E_UNSUPPORTED, "this part of a value of time");
    return known ? ref_int(part) : ref_null();
}

/* ---- text */

static void say(wg_buf *out, const char *before, int64_t n, int width, const char *behind) {
    if (!wg_buf_printf(out, "%s%0*lld%s", before, width, (long long)n, behind)) exit(2);
}

static void say_unit(wg_buf *out, int64_t n, const char *unit) {
    if (n != 0) say(out, "", n, 1, unit);
}

static void say_duration(wg_buf *out, const span *s) {
    if (!wg_buf_append_str(out, "P")) exit(2);
    say_unit(out, s->months / 12, "Y");
    say_unit(out, s->months % 12, "M");
    say_unit(out, s->days, "D");
    if (s->seconds == 0 && out->size > 1) return;
    if (!wg_buf_append_str(out, s->seconds == 0 ? "T0S" : "T")) exit(2);
    say_unit(out, s->seconds / 3600, "H");
    say_unit(out, s->seconds / 60 % 60, "M");
    say_unit(out, s->seconds % 60, "S");
}

wg_value ref_temporal_text(ref_ctx *ctx, const wg_value *v) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    if (v->type == WG_TYPE_DURATION) {
        const span s = span_of(v);
        say_duration(&out, &s);
    } else {
        const civil c = civil_of(v);
        say(&out, "", c.year, 4, "-");
        say(&out, "", c.month, 2, "-");
        say(&out, "", c.day, 2, "");
        if (v->type == WG_TYPE_LOCAL_DATETIME) {
            say(&out, "T", c.second / 3600, 2, ":");
            say(&out, "", c.second / 60 % 60, 2, ":");
            say(&out, "", c.second % 60, 2, "");
        }
    }
    uint8_t *text = ref_alloc(ctx->arena, out.size, 1);
    memcpy(text, out.data, out.size);
    const wg_value result = ref_string(wg_slice_of(text, out.size));
    wg_buf_deinit(&out);
    return result;
}
