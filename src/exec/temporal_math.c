/* Points in time as parts and back, weeks, durations, arithmetic, truncation. Months are added on the calendar (the day is cut to the length
 * of the month), then days, then the clock; where a part of a month is a number of days, a month has 30.436875 of them. Everything is checked
 * for overflow; instants outside their range are WG_E_VALUE. */
#include <math.h>

#include "exec/temporal.h"

static int64_t floor_div(int64_t a, int64_t b) {
    const int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

bool wgi_is_instant(wg_type type) {
    return type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_TIME || type == WG_TYPE_TIME ||
           type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_DATETIME;
}

bool wgi_moment_of(const wg_value *v, wgi_moment *out) {
    const wg_type type = (wg_type)v->type;
    if (!wgi_is_instant(type)) return false;
    *out =
        (wgi_moment){.has_date = type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_DATETIME,
                     .has_clock = type != WG_TYPE_DATE,
                     .has_offset = type == WG_TYPE_TIME || type == WG_TYPE_DATETIME};
    if (type == WG_TYPE_TIME) out->offset = (int32_t)v->size;
    if (type == WG_TYPE_DATETIME) {
        out->offset = wg_datetime_offset(v);
        out->has_zone = wg_datetime_has_zone(v);
        if (out->has_zone) out->zone = wg_datetime_zone(v);
    }
    if (type == WG_TYPE_DATE) {
        out->days = v->as.i;
    } else if (!out->has_date) {
        out->clock = v->as.i;
    } else {
        const int64_t local = v->as.i + out->offset; /* within WG_LOCAL_SECONDS_MIN..MAX */
        out->days = floor_div(local, 86400);
        out->clock = (local - out->days * 86400) * WGI_SECOND_NS + v->size;
    }
    return true;
}

/* Adds to the clock; what goes over or below a day to the date. */
static bool clock_add(wgi_moment *m, wg_i128 ns) {
    const wg_i128 clock = (wg_i128)m->clock + ns;
    wg_i128 days = clock / WGI_DAY_NS;
    wg_i128 rest = clock % WGI_DAY_NS;
    if (rest < 0) {
        rest += WGI_DAY_NS;
        days--;
    }
    m->clock = (int64_t)rest;
    return !m->has_date || !__builtin_add_overflow(m->days, (int64_t)days, &m->days);
}

void wgi_moment_shift(wgi_moment *m, int32_t offset) {
    (void)clock_add(m, (wg_i128)(offset - m->offset) * WGI_SECOND_NS); /* a day more or less does not overflow */
    m->offset = offset;
}

/* Dates far outside of what a DATETIME may be have no zone's offset; the value is refused for its date. */
static bool date_is_usual(const wgi_moment *m) {
    return m->has_date && m->days > WG_DAYS_MIN + 2 && m->days < WG_DAYS_MAX - 2;
}

void wgi_zone_settle(wgi_moment *m) {
    if (!m->has_zone || !date_is_usual(m)) return;
    const int64_t local = m->days * 86400 + m->clock / WGI_SECOND_NS;
    const int32_t taken = wg_zone_offset_of_local(m->zone, local, m->offset);
    m->offset = wg_zone_offset(m->zone, local - taken);
    (void)clock_add(m, (wg_i128)(m->offset - taken) * WGI_SECOND_NS); /* the length of a gap, or nothing */
}

/* Moves by a length of time that passes, over changes of the zone's clock. */
static bool zone_move(wgi_moment *m, wg_i128 ns) {
    wgi_zone_settle(m);
    if (!clock_add(m, ns)) return false;
    if (!date_is_usual(m)) return true;
    const int32_t before = m->offset;
    m->offset = wg_zone_offset(m->zone, m->days * 86400 + m->clock / WGI_SECOND_NS - before);
    return clock_add(m, (wg_i128)(m->offset - before) * WGI_SECOND_NS);
}

wg_code wgi_moment_value(wg_type type, const wgi_moment *moment, uint64_t at, wg_value *out, wg_error *err) {
    const bool needs_date = type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_DATETIME;
    wgi_moment settled = *moment;
    const wgi_moment *m = &settled;
    if (type == WG_TYPE_DATETIME) wgi_zone_settle(&settled);
    if (needs_date ? !m->has_date : !m->has_clock)
        return wg_error_set(err, WG_E_TYPE, at, "a %s needs a %s", wg_type_name(type), needs_date ? "date" : "time");
    if (needs_date && (m->days < WG_DAYS_MIN || m->days > WG_DAYS_MAX))
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, at, "the date is out of range"),
                               WG_S_DATETIME_OVERFLOW);
    wg_value v = {.type = (uint8_t)type};
    v.as.i = m->clock;
    if (type == WG_TYPE_DATE) v.as.i = m->days;
    if (type == WG_TYPE_TIME) v.size = (uint32_t)m->offset;
    if (type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_DATETIME) {
        const int32_t offset = type == WG_TYPE_DATETIME ? m->offset : 0;
        const int64_t seconds = m->days * 86400 + m->clock / WGI_SECOND_NS - offset;
        if (type == WG_TYPE_DATETIME && (seconds < WG_ZONED_SECONDS_MIN || seconds > WG_ZONED_SECONDS_MAX))
            return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, at, "the datetime is out of range"),
                                   WG_S_DATETIME_OVERFLOW);
        const uint32_t ns = (uint32_t)(m->clock % WGI_SECOND_NS);
        if (type == WG_TYPE_DATETIME) {
            v = wg_value_datetime(seconds, ns, m->has_zone ? WG_ZONE_BASE + (int32_t)m->zone : offset);
        } else {
            v.as.i = seconds;
            v.size = ns;
        }
    }
    *out = v;
    return WG_OK;
}

/* ---- weeks */

static uint32_t week_day(int64_t days) { return (uint32_t)((days % 7 + 7 + 3) % 7) + 1; } /* 1970-01-01: Thursday */

int64_t wgi_week_start(int64_t year) {
    const int64_t fourth = wg_days_from_civil(year, 1, 4); /* always in week 1 */
    return fourth - week_day(fourth) + 1;
}

void wgi_week_of(int64_t days, int64_t *out_year, uint32_t *out_week, uint32_t *out_day) {
    uint32_t month, day;
    *out_day = week_day(days);
    wg_civil_from_days(days - *out_day + 4, out_year, &month, &day); /* the Thursday names the year */
    *out_week = (uint32_t)((days - wgi_week_start(*out_year)) / 7) + 1;
}

/* ---- durations */

/* Nanoseconds into seconds and the rest. */
static bool add_ns(wgi_span *span, wg_i128 ns) {
    const wg_i128 sum = (wg_i128)span->seconds * WGI_SECOND_NS + span->ns + ns;
    wg_i128 seconds = sum / WGI_SECOND_NS;
    int64_t rest = (int64_t)(sum % WGI_SECOND_NS);
    if (rest < 0) {
        rest += WGI_SECOND_NS;
        seconds--;
    }
    if (seconds > INT64_MAX || seconds < INT64_MIN) return false;
    span->seconds = (int64_t)seconds;
    span->ns = rest;
    return true;
}

/* Units that are no whole number: down to days, and from days to nanoseconds. */
static bool add_part(wgi_span *span, wgi_unit unit, double units) {
    if (!(fabs(units) < (unit == WGI_UNIT_NS ? 9e27 : 9e18))) return false;
    if (unit == WGI_UNIT_MONTH) {
        const double months = trunc(units);
        if (__builtin_add_overflow(span->months, (int64_t)months, &span->months)) return false;
        units = (units - months) * 30.436875;
        unit = WGI_UNIT_DAY;
    }
    if (unit == WGI_UNIT_DAY) {
        const double days = trunc(units);
        if (__builtin_add_overflow(span->days, (int64_t)days, &span->days)) return false;
        units = (units - days) * (double)WGI_DAY_NS;
    }
    return add_ns(span, (wg_i128)round(units));
}

bool wgi_span_add(wgi_span *span, wgi_unit unit, int64_t scale, int64_t whole, double part) {
    int64_t *sum = unit == WGI_UNIT_MONTH ? &span->months : &span->days;
    int64_t product;
    if (unit == WGI_UNIT_NS) {
        if (!add_ns(span, (wg_i128)whole * scale)) return false;
    } else if (__builtin_mul_overflow(whole, scale, &product) || __builtin_add_overflow(*sum, product, sum)) {
        return false;
    }
    return part == 0 || add_part(span, unit, part * (double)scale);
}

bool wgi_span_of(const wg_value *v, wgi_span *out) {
    if (v->type != WG_TYPE_DURATION) return false;
    const wg_value *parts = v->as.list;
    *out = (wgi_span){parts[0].as.i, parts[1].as.i, parts[2].as.i, parts[3].as.i};
    return true;
}

bool wgi_span_put(wg_arena *arena, const wgi_span *span, wg_value *out) {
    wg_value *parts = wg_arena_alloc(arena, 4 * sizeof *parts);
    if (parts == NULL) return false;
    parts[0] = wg_value_int(span->months);
    parts[1] = wg_value_int(span->days);
    parts[2] = wg_value_int(span->seconds);
    parts[3] = wg_value_int(span->ns);
    *out = (wg_value){.type = WG_TYPE_DURATION, .size = 4};
    out->as.list = parts;
    return true;
}

wg_code wgi_span_value(wgi_call *call, const wgi_span *span, wg_value *out, wg_error *err) {
    return wgi_span_put(&call->eval->arena, span, out) ? WG_OK : wg_error_nomem(err, 4 * sizeof *out);
}

/* ---- arithmetic */

static bool add_months(wgi_moment *m, int64_t months) {
    int64_t year, index;
    uint32_t month, day;
    wg_civil_from_days(m->days, &year, &month, &day);
    if (__builtin_add_overflow(year * 12 + month - 1, months, &index)) return false;
    year = floor_div(index, 12);
    month = (uint32_t)(index - year * 12) + 1;
    if (year > WG_YEAR_MAX || year < -WG_YEAR_MAX) return false;
    const uint32_t last = wg_days_in_month(year, month);
    m->days = wg_days_from_civil(year, month, day < last ? day : last);
    return true;
}

static bool add_span(wgi_moment *m, const wgi_span *span) {
    if (m->has_date && (!add_months(m, span->months) || __builtin_add_overflow(m->days, span->days, &m->days)))
        return false;
    if (!m->has_clock) {
        wgi_span rest = *span;
        if (rest.seconds < 0 && rest.ns > 0) rest.seconds++;
        return !__builtin_add_overflow(m->days, rest.seconds / 86400, &m->days);
    }
    const wg_i128 ns = (wg_i128)span->seconds * WGI_SECOND_NS + span->ns;
    return m->has_zone && ns != 0 ? zone_move(m, ns) : clock_add(m, ns);
}

bool wgi_span_negate(wgi_span *s) {
    const wgi_span from = *s;
    *s = (wgi_span){0};
    return !__builtin_sub_overflow((int64_t)0, from.months, &s->months) &&
           !__builtin_sub_overflow((int64_t)0, from.days, &s->days) &&
           add_ns(s, -((wg_i128)from.seconds * WGI_SECOND_NS + from.ns));
}

static bool sum_spans(wgi_span *a, const wgi_span *b) {
    return !__builtin_add_overflow(a->months, b->months, &a->months) &&
           !__builtin_add_overflow(a->days, b->days, &a->days) &&
           add_ns(a, (wg_i128)b->seconds * WGI_SECOND_NS + b->ns);
}

static bool scale_span(wgi_span *s, double factor, bool divide) {
    const wgi_span from = *s;
    double parts[3] = {(double)from.months, (double)from.days, (double)from.seconds * 1e9 + (double)from.ns};
    for (int i = 0; i < 3; i++) parts[i] = divide ? parts[i] / factor : parts[i] * factor;
    *s = (wgi_span){0};
    if (!(fabs(parts[0]) < 9e18 && fabs(parts[1]) < 9e18 && fabs(parts[2]) < 9e27)) return false;
    return add_part(s, WGI_UNIT_MONTH, parts[0]) && add_part(s, WGI_UNIT_DAY, parts[1]) &&
           add_ns(s, (wg_i128)trunc(parts[2]));
}

static wg_i128 ns_of_span(const wgi_span *s) { return (wg_i128)s->seconds * WGI_SECOND_NS + s->ns; }

/* By a whole number, exactly. Seconds stay within 94 bits, so the product of what is allowed fits 128. */
static bool multiply_span(wgi_span *s, int64_t factor) {
    const wgi_span from = *s;
    *s = (wgi_span){0};
    const wg_i128 ns = (wg_i128)from.ns * factor;
    int64_t seconds;
    return !__builtin_mul_overflow(from.months, factor, &s->months) &&
           !__builtin_mul_overflow(from.days, factor, &s->days) &&
           !__builtin_mul_overflow(from.seconds, factor, &seconds) &&
           add_ns(s, (wg_i128)seconds * WGI_SECOND_NS + ns);
}

/* The quotient is exact; what is left of months and days goes down to smaller units. */
bool wgi_span_divide(wgi_span *s, int64_t divisor) {
    const wgi_span from = *s;
    if (divisor == 0) return false;
    if (divisor == -1) return wgi_span_negate(s);
    *s = (wgi_span){.months = from.months / divisor, .days = from.days / divisor};
    return add_part(s, WGI_UNIT_MONTH, (double)(from.months % divisor) / (double)divisor) &&
           add_part(s, WGI_UNIT_DAY, (double)(from.days % divisor) / (double)divisor) &&
           add_ns(s, ns_of_span(&from) / divisor);
}

static bool scale_by(wgi_span *s, const wg_value *number, bool divide) {
    if (number->type == WG_TYPE_FLOAT) return scale_span(s, number->as.f, divide);
    return divide ? wgi_span_divide(s, number->as.i) : multiply_span(s, number->as.i);
}

static wg_code range_error(const wgi_call *call, wg_error *err) {
    return wg_error_set(err, WG_E_VALUE, call->offset, "the result of %s is out of range", call->function->name);
}

wg_code wgi_temporal_arith(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err) {
    const wgi_op_code op = call->function->op;
    const bool additive = op == WGI_OP_ADD || op == WGI_OP_SUB;
    const bool first = args[0].type == WG_TYPE_DURATION;
    wgi_span span, other;
    wgi_moment m;
    if (additive && wgi_span_of(&args[1], &other)) {
        if (op == WGI_OP_SUB && !wgi_span_negate(&other)) return range_error(call, err);
        if (wgi_span_of(&args[0], &span))
            return sum_spans(&span, &other) ? wgi_span_value(call, &span, out, err) : range_error(call, err);
        if (wgi_moment_of(&args[0], &m))
            return add_span(&m, &other) ? wgi_moment_value((wg_type)args[0].type, &m, call->offset, out, err)
                                        : range_error(call, err);
    }
    if (op == WGI_OP_ADD && wgi_span_of(&args[0], &span) && wgi_moment_of(&args[1], &m))
        return add_span(&m, &span) ? wgi_moment_value((wg_type)args[1].type, &m, call->offset, out, err)
                                   : range_error(call, err);
    const wg_value *number = &args[first ? 1 : 0];
    const bool is_number = number->type == WG_TYPE_INT || number->type == WG_TYPE_FLOAT;
    if (is_number && (op == WGI_OP_MUL || (op == WGI_OP_DIV && first)) && wgi_span_of(&args[first ? 0 : 1], &span)) {
        return scale_by(&span, number, op == WGI_OP_DIV) ? wgi_span_value(call, &span, out, err)
                                                         : range_error(call, err);
    }
    return wg_error_set(err, WG_E_TYPE, call->offset, "cannot compute %s %s %s", wg_type_name((wg_type)args[0].type),
                        call->function->name, wg_type_name((wg_type)args[1].type));
}

/* ---- truncation */

static bool truncate_date(wgi_moment *m, wg_slice unit) {
    static const struct {
        const char *name;
        int64_t years;
    } spans[] = {{"millennium", 1000}, {"century", 100}, {"decade", 10}, {"year", 1}};
    int64_t year;
    uint32_t month, day, week;
    wg_civil_from_days(m->days, &year, &month, &day);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        if (!wg_slice_is(unit, spans[i].name)) continue;
        m->days = wg_days_from_civil(floor_div(year, spans[i].years) * spans[i].years, 1, 1);
        return true;
    }
    if (wg_slice_is(unit, "quarter")) m->days = wg_days_from_civil(year, (month - 1) / 3 * 3 + 1, 1);
    else if (wg_slice_is(unit, "month")) m->days = wg_days_from_civil(year, month, 1);
    else if (wg_slice_is(unit, "week")) m->days -= week_day(m->days) - 1;
    else if (wg_slice_is(unit, "weekYear")) {
        wgi_week_of(m->days, &year, &week, &day);
        m->days = wgi_week_start(year);
    } else {
        return wg_slice_is(unit, "day");
    }
    return true;
}

bool wgi_truncate(wgi_moment *m, wg_slice unit) {
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"hour", 3600 * WGI_SECOND_NS},
                 {"minute", 60 * WGI_SECOND_NS},
                 {"second", WGI_SECOND_NS},
                 {"millisecond", 1000000},
                 {"microsecond", 1000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!wg_slice_is(unit, units[i].name)) continue;
        m->clock -= m->clock % units[i].ns;
        return true;
    }
    m->clock = 0;
    return truncate_date(m, unit);
}
