/* Row functions of dates, times and durations: date(), localtime(), time(), localdatetime(), datetime(), duration(), their truncate(),
 * duration.between() and its kin, and the parts of a value. The function's name says which type it makes. */
#include "exec/temporal.h"

/* "datetime.truncate" makes a DATETIME. */
static wg_type type_of_function(const wgi_call *call) {
    static const struct {
        const char *name;
        wg_type type;
    } types[] = {{"date", WG_TYPE_DATE},
                 {"localtime", WG_TYPE_LOCAL_TIME},
                 {"time", WG_TYPE_TIME},
                 {"localdatetime", WG_TYPE_LOCAL_DATETIME},
                 {"datetime", WG_TYPE_DATETIME}};
    const char *name = call->function->name;
    const char *dot = strchr(name, '.');
    const wg_slice stem = wg_slice_of(name, dot != NULL ? (size_t)(dot - name) : strlen(name));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (wg_slice_is(stem, types[i].name)) return types[i].type;
    WG_UNREACHABLE("a temporal function of no type");
}

static bool makes_date(wg_type t) {
    return t == WG_TYPE_DATE || t == WG_TYPE_LOCAL_DATETIME || t == WG_TYPE_DATETIME;
}

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s() cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

/* ---- construction */

/* "...+02:00[Europe/Berlin]": an offset before the name has to be one that the zone has then. */
static wg_code take_zone(const wgi_call *call, wg_slice name, wg_type type, wgi_moment *m, wg_error *err) {
    const bool stated = m->has_offset;
    const int32_t offset = m->offset;
    if (type == WG_TYPE_TIME)
        return wg_error_set(err, WG_E_VALUE, call->offset, "a TIME has an offset such as +01:00, no named time zone");
    WG_TRY(wgi_zone_of_text(name, m, call->offset, err));
    m->has_offset = true;
    m->offset = stated ? offset : INT32_MIN;
    wgi_moment settled = *m;
    wgi_zone_settle(&settled);
    if (stated && settled.offset != offset)
        return wg_error_set(err, WG_E_VALUE, call->offset, "the time zone '%.*s' has another offset at that time",
                            (int)wg_min_size(name.size, 64), (const char *)name.data);
    m->offset = settled.offset;
    return WG_OK;
}

static wg_code from_text(const wgi_call *call, wg_slice text, wg_type type, wg_value *out, wg_error *err) {
    wgi_moment m;
    wg_slice zone;
    const char *example = type == WG_TYPE_DATE             ? "2001-01-31"
                          : type == WG_TYPE_LOCAL_TIME     ? "12:34:56"
                          : type == WG_TYPE_TIME           ? "12:34:56+01:00"
                          : type == WG_TYPE_LOCAL_DATETIME ? "2001-01-31T12:34:56"
                                                           : "2001-01-31T12:34:56+01:00";
    const bool read = wgi_parse_moment(text, makes_date(type), &m, &zone);
    const bool zoneless = type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_TIME || type == WG_TYPE_LOCAL_DATETIME;
    if (!read || (zoneless && (m.has_offset || zone.size != 0)) || (type == WG_TYPE_DATE && m.has_clock))
        return wg_error_refine(
            err,
            wg_error_set(err, WG_E_VALUE, call->offset, "%s() takes text like %s, whose parts exist, not '%.*s'",
                         call->function->name, example, (int)wg_min_size(text.size, 64), (const char *)text.data),
            WG_S_DATETIME_FORMAT);
    if (zone.size != 0) WG_TRY(take_zone(call, zone, type, &m, err));
    return wgi_moment_value(type, &m, call->offset, out, err);
}

/* A base that the map names: its date into the date, its clock and offset into the others. */
static wg_code take_base(const wgi_call *call, const wg_value *map, const char *name, wgi_moment *m, wg_error *err) {
    const wg_value *v = wgi_map_field(map, name);
    wgi_moment base;
    if (v == NULL) return WG_OK;
    const bool wants_date = strcmp(name, "time") != 0;
    const bool wants_clock = strcmp(name, "date") != 0;
    if (!wgi_moment_of(v, &base) || (wants_date && !base.has_date) || (!wants_date && !base.has_clock))
        return wg_error_set(err, WG_E_TYPE, call->offset, "%s must be a value that has a %s, not %s", name,
                            wants_date ? "date" : "time", wg_type_name((wg_type)v->type));
    if (wants_date) {
        m->days = base.days;
        m->has_date = true;
    }
    if (wants_clock) {
        m->clock = base.clock;
        m->offset = base.offset;
        m->has_offset = base.has_offset;
        m->has_zone = base.has_zone;
        m->zone = base.zone;
    }
    return WG_OK;
}

static wg_code epoch_range(const wgi_call *call, wg_error *err) {
    return wg_error_refine(err,
                           wg_error_set(err, WG_E_VALUE, call->offset, "%s() is out of range", call->function->name),
                           WG_S_DATETIME_OVERFLOW);
}

/* datetime({epochSeconds: s, nanosecond: n, timezone: z}), or epochMillis: a moment, seen from the zone. */
static wg_code from_epoch_map(const wgi_call *call, const wg_value *map, const wg_value *count, int64_t scale,
                              wg_value *out, wg_error *err) {
    const wg_value *more = wgi_map_field(map, "nanosecond");
    if (count->type != WG_TYPE_INT) return wrong_type(call, count, err);
    if (more != NULL && more->type != WG_TYPE_INT) return wrong_type(call, more, err);
    const int64_t unit = WGI_SECOND_NS / scale;
    if (more != NULL && (more->as.i < 0 || more->as.i >= unit))
        return wg_error_set(err, WG_E_VALUE, call->offset, "nanosecond must be within 0 and %lld",
                            (long long)unit - 1);
    const wg_i128 ns = (wg_i128)count->as.i * unit + (more != NULL ? more->as.i : 0);
    wg_i128 days = ns / WGI_DAY_NS;
    if (ns % WGI_DAY_NS < 0) days--;
    if (days <= WG_DAYS_MIN || days >= WG_DAYS_MAX) return epoch_range(call, err);
    wgi_moment m = {.has_date = true, .has_clock = true, .has_offset = true};
    m.days = (int64_t)days;
    m.clock = (int64_t)(ns - days * WGI_DAY_NS);
    WG_TRY(wgi_build_offset(map, &m, WG_TYPE_DATETIME, true, call->offset, err));
    return wgi_moment_value(WG_TYPE_DATETIME, &m, call->offset, out, err);
}

static wg_code from_map(const wgi_call *call, const wg_value *map, wg_type type, wg_value *out, wg_error *err) {
    wgi_moment m = {0};
    const wg_value *seconds = wgi_map_field(map, "epochSeconds"), *millis = wgi_map_field(map, "epochMillis");
    if (type == WG_TYPE_DATETIME && (seconds != NULL || millis != NULL))
        return from_epoch_map(call, map, seconds != NULL ? seconds : millis, seconds != NULL ? 1 : 1000, out, err);
    WG_TRY(take_base(call, map, "datetime", &m, err));
    WG_TRY(take_base(call, map, "date", &m, err));
    WG_TRY(take_base(call, map, "time", &m, err));
    if (type == WG_TYPE_TIME || type == WG_TYPE_DATETIME)
        WG_TRY(wgi_build_offset(map, &m, type, true, call->offset, err));
    if (makes_date(type)) {
        WG_TRY(wgi_build_date(map, &m, call->offset, err));
        m.has_date = true;
    }
    WG_TRY(wgi_build_clock(map, &m, call->offset, err));
    m.has_clock = true;
    return wgi_moment_value(type, &m, call->offset, out, err);
}

/* The current time is an input of the statement, one for all of its rows: what a statement answers does not depend on how long it runs. */
WGI_ROW_FN(wgi_fn_clock) {
    const wg_exec_context *context = call->eval->context;
    const bool began = strstr(call->function->name, ".transaction") != NULL;
    const wg_type type = type_of_function(call);
    const int64_t us = began ? context->begin_clock_us : context->clock_us;
    wgi_moment m = {.has_date = true, .has_clock = true, .has_offset = true};
    wgi_moment place = {0};
    if (arg_count == 1) {
        if (args[0].type != WG_TYPE_STRING) return wrong_type(call, &args[0], err);
        WG_TRY(wgi_zone_of_text(wg_value_slice(&args[0]), &place, call->offset, err));
    }
    m.days = us / 86400000000 - (us % 86400000000 < 0);
    m.clock = (us - m.days * 86400000000) * 1000;
    m.has_zone = place.has_zone;
    m.zone = place.zone;
    const int32_t offset = place.has_zone ? wg_zone_offset(place.zone, us / 1000000) : place.offset;
    wgi_moment_shift(&m, offset);
    return wgi_moment_value(type, &m, call->offset, out, err);
}

/* Milliseconds since 1970 of the statement's moment. */
WGI_ROW_FN(wgi_fn_timestamp) {
    (void)args, (void)arg_count, (void)err;
    const int64_t us = call->eval->context->clock_us;
    *out = wg_value_int(us / 1000 - (us % 1000 < 0));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_instant) {
    if (arg_count == 0) return wgi_fn_clock(call, args, arg_count, out, err);
    const wg_type type = type_of_function(call);
    wgi_moment m;
    if (args[0].type == WG_TYPE_STRING) return from_text(call, wg_value_slice(&args[0]), type, out, err);
    if (args[0].type == WG_TYPE_MAP) return from_map(call, &args[0], type, out, err);
    if (!wgi_moment_of(&args[0], &m)) return wrong_type(call, &args[0], err);
    if (type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_DATETIME)
        m.has_clock = true; /* a date begins at midnight */
    return wgi_moment_value(type, &m, call->offset, out, err);
}

WGI_ROW_FN(wgi_fn_duration) {
    (void)arg_count;
    wgi_span span;
    if (args[0].type == WG_TYPE_DURATION) {
        *out = args[0];
        return WG_OK;
    }
    if (args[0].type == WG_TYPE_MAP) {
        WG_TRY(wgi_build_span(&args[0], &span, call->offset, err));
    } else if (args[0].type != WG_TYPE_STRING) {
        return wrong_type(call, &args[0], err);
    } else if (!wgi_parse_span(wg_value_slice(&args[0]), &span)) {
        return wg_error_refine(
            err,
            wg_error_set(err, WG_E_VALUE, call->offset, "duration() takes text like P1Y2M3DT4H5M6.7S, not '%.*s'",
                         (int)wg_min_size(args[0].size, 64), args[0].as.s),
            WG_S_DATETIME_FORMAT);
    }
    return wgi_span_value(call, &span, out, err);
}

WGI_ROW_FN(wgi_fn_truncate) {
    const wg_type type = type_of_function(call);
    wgi_moment m;
    wg_value now = wg_value_null();
    if (args[0].type != WG_TYPE_STRING) return wrong_type(call, &args[0], err);
    if (arg_count == 1) WG_TRY(wgi_fn_clock(call, args, 0, &now, err));
    const wg_value *from = arg_count == 1 ? &now : &args[1];
    if (!wgi_moment_of(from, &m)) return wrong_type(call, from, err);
    const wg_slice unit = wg_value_slice(&args[0]);
    if (!wgi_truncate(&m, unit))
        return wg_error_set(err, WG_E_VALUE, call->offset, "'%.*s' is no unit of time",
                            (int)wg_min_size(unit.size, 64), (const char *)unit.data);
    m.has_clock = true;
    if (arg_count == 3) {
        if (args[2].type != WG_TYPE_MAP) return wrong_type(call, &args[2], err);
        if (m.has_date) WG_TRY(wgi_build_date(&args[2], &m, call->offset, err));
        WG_TRY(wgi_build_clock(&args[2], &m, call->offset, err));
        WG_TRY(wgi_build_offset(&args[2], &m, type, false, call->offset, err));
    }
    return wgi_moment_value(type, &m, call->offset, out, err);
}

WGI_ROW_FN(wgi_fn_from_epoch) {
    const bool millis = strstr(call->function->name, "Millis") != NULL;
    for (uint32_t i = 0; i < arg_count; i++)
        if (args[i].type != WG_TYPE_INT) return wrong_type(call, &args[i], err);
    const int64_t scale = millis ? 1000 : 1;
    int64_t seconds = args[0].as.i / scale, rest = args[0].as.i % scale;
    if (rest < 0) {
        rest += scale;
        seconds--;
    }
    const int64_t ns = millis ? rest * 1000000 : args[1].as.i;
    if (ns < 0 || ns >= WGI_SECOND_NS || seconds < WG_ZONED_SECONDS_MIN || seconds > WG_ZONED_SECONDS_MAX)
        return epoch_range(call, err);
    *out = wg_value_datetime(seconds, (uint32_t)ns, 0);
    return WG_OK;
}

/* ---- between */

static wg_i128 ns_of(const wgi_moment *m) { return (wg_i128)m->days * WGI_DAY_NS + m->clock; }
/* On the line of time that passes, whatever clocks are set to. */
static wg_i128 instant_of(const wgi_moment *m) { return ns_of(m) - (wg_i128)m->offset * WGI_SECOND_NS; }

static int64_t second_of(const wgi_moment *m) {
    const wg_i128 ns = instant_of(m);
    return (int64_t)(ns / WGI_SECOND_NS) - (ns % WGI_SECOND_NS < 0);
}

/* What has neither zone nor offset is taken to be where the other one is. */
static void take_place(wgi_moment *m, const wgi_moment *other) {
    if (!m->has_offset) {
        m->zone = other->zone;
        m->has_zone = other->has_zone;
        m->offset = other->has_zone ? INT32_MIN : other->offset;
    }
    m->has_date = true;
    wgi_zone_settle(m);
}

/* Puts both into one local time: the first one's where both have an offset, and the same date where one has none. */
static bool align(const wg_value *args, wgi_moment *a, wgi_moment *b, bool *out_dates) {
    if (!wgi_moment_of(&args[0], a) || !wgi_moment_of(&args[1], b)) return false;
    const bool dated = a->has_date || b->has_date;
    *out_dates = a->has_date && b->has_date;
    if (!a->has_date) a->days = b->days;
    if (!b->has_date) b->days = a->days;
    if (dated && (a->has_zone || b->has_zone)) {
        take_place(a, b);
        take_place(b, a);
        const int32_t offset = a->has_zone ? wg_zone_offset(a->zone, second_of(b)) : a->offset;
        b->clock += (int64_t)(offset - b->offset) * WGI_SECOND_NS;
        b->offset = offset;
    } else if (a->has_offset && b->has_offset) {
        b->clock += (int64_t)(a->offset - b->offset) * WGI_SECOND_NS;
        b->offset = a->offset;
    } else {
        a->offset = b->offset = 0;
    }
    return true;
}

/* Whole months from a to b; *a is moved by them. */
static int64_t take_months(wgi_moment *a, const wgi_moment *b) {
    int64_t ya, yb;
    uint32_t ma, mb, da, db;
    wg_civil_from_days(a->days, &ya, &ma, &da);
    wg_civil_from_days(b->days, &yb, &mb, &db);
    int64_t months = (yb - ya) * 12 + (int64_t)mb - (int64_t)ma;
    const bool forward = ns_of(b) >= ns_of(a);
    for (;;) {
        const int64_t index = ya * 12 + (int64_t)ma - 1 + months;
        const int64_t year = index >= 0 ? index / 12 : -((11 - index) / 12);
        const uint32_t month = (uint32_t)(index - year * 12) + 1;
        const uint32_t last = wg_days_in_month(year, month);
        wgi_moment moved = *a;
        moved.days = wg_days_from_civil(year, month, da < last ? da : last);
        const bool beyond = forward ? ns_of(&moved) > ns_of(b) : ns_of(&moved) < ns_of(b);
        if (months == 0 || !beyond) {
            if (months != 0) *a = moved;
            return months;
        }
        months += forward ? -1 : 1;
    }
}

WGI_ROW_FN(wgi_fn_between) {
    (void)arg_count;
    const char *name = strchr(call->function->name, '.') + 1;
    wgi_moment a, b;
    wgi_span span = {0};
    for (int i = 0; i < 2; i++)
        if (!wgi_is_instant((wg_type)args[i].type)) return wrong_type(call, &args[i], err);
    bool dates;
    if (!align(args, &a, &b, &dates)) return wrong_type(call, &args[0], err);
    const bool between = strcmp(name, "between") == 0;
    if (dates && (between || strcmp(name, "inMonths") == 0)) span.months = take_months(&a, &b);
    if (dates && (between || strcmp(name, "inDays") == 0)) {
        span.days = (int64_t)((ns_of(&b) - ns_of(&a)) / WGI_DAY_NS);
        a.days += span.days;
    }
    if (dates) wgi_zone_settle(&a);
    const wg_i128 rest = instant_of(&b) - instant_of(&a);
    if (between || strcmp(name, "inSeconds") == 0) {
        span.seconds = (int64_t)(rest / WGI_SECOND_NS);
        if (!wgi_span_add(&span, WGI_UNIT_NS, 1, (int64_t)(rest % WGI_SECOND_NS), 0))
            return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, call->offset, "the duration is out of range"),
                                   WG_S_INTERVAL_OVERFLOW);
    }
    return wgi_span_value(call, &span, out, err);
}

/* ---- parts */

typedef struct part {
    const char *name;
    int64_t value;
} part;

static wg_value find_part(const part *parts, size_t count, wg_slice name) {
    for (size_t i = 0; i < count; i++)
        if (wg_slice_is(name, parts[i].name)) return wg_value_int(parts[i].value);
    return wg_value_null();
}

static wg_value span_part(const wgi_span *s, wg_slice name) {
    const int64_t h = s->seconds / 3600, minutes = s->seconds / 60;
    const wg_i128 ns = (wg_i128)s->seconds * WGI_SECOND_NS + s->ns;
    const part parts[] = {{"years", s->months / 12},
                          {"quarters", s->months / 3},
                          {"months", s->months},
                          {"weeks", s->days / 7},
                          {"days", s->days},
                          {"hours", h},
                          {"minutes", minutes},
                          {"seconds", s->seconds},
                          {"milliseconds", (int64_t)(ns / 1000000)},
                          {"microseconds", (int64_t)(ns / 1000)},
                          {"nanoseconds", (int64_t)ns},
                          {"quartersOfYear", s->months / 3 % 4},
                          {"monthsOfQuarter", s->months % 3},
                          {"monthsOfYear", s->months % 12},
                          {"daysOfWeek", s->days % 7},
                          {"minutesOfHour", minutes % 60},
                          {"secondsOfMinute", s->seconds % 60},
                          {"millisecondsOfSecond", s->ns / 1000000},
                          {"microsecondsOfSecond", s->ns / 1000},
                          {"nanosecondsOfSecond", s->ns}};
    return find_part(parts, sizeof parts / sizeof parts[0], name);
}

static wg_value date_part(const wgi_moment *m, wg_slice name) {
    int64_t year, week_year;
    uint32_t month, day, week, week_day;
    wg_civil_from_days(m->days, &year, &month, &day);
    wgi_week_of(m->days, &week_year, &week, &week_day);
    const uint32_t quarter = (month + 2) / 3;
    const int64_t of_quarter = m->days - wg_days_from_civil(year, quarter * 3 - 2, 1) + 1;
    const int64_t of_year = m->days - wg_days_from_civil(year, 1, 1) + 1;
    const part parts[] = {{"year", year},
                          {"quarter", quarter},
                          {"month", month},
                          {"week", week},
                          {"weekYear", week_year},
                          {"day", day},
                          {"dayOfQuarter", of_quarter},
                          {"quarterDay", of_quarter},
                          {"dayOfYear", of_year},
                          {"ordinalDay", of_year},
                          {"dayOfWeek", week_day},
                          {"weekDay", week_day}};
    return find_part(parts, sizeof parts / sizeof parts[0], name);
}

static wg_value clock_part(const wgi_moment *m, wg_slice name) {
    const int64_t seconds = m->clock / WGI_SECOND_NS, ns = m->clock % WGI_SECOND_NS;
    const part parts[] = {{"hour", seconds / 3600},      {"minute", seconds / 60 % 60}, {"second", seconds % 60},
                          {"millisecond", ns / 1000000}, {"microsecond", ns / 1000},    {"nanosecond", ns}};
    return find_part(parts, sizeof parts / sizeof parts[0], name);
}

static wg_value offset_part(const wgi_moment *m, wg_slice name) {
    const int64_t epoch = m->days * 86400 + m->clock / WGI_SECOND_NS - m->offset;
    const part parts[] = {{"offsetSeconds", m->offset},
                          {"offsetMinutes", m->offset / 60},
                          {"epochSeconds", epoch},
                          {"epochMillis", epoch * 1000 + m->clock % WGI_SECOND_NS / 1000000}};
    return find_part(parts, m->has_date ? 4 : 2, name);
}

static wg_code offset_text(wgi_eval *eval, const wgi_moment *m, wg_value *out, wg_error *err) {
    char text[40];
    const size_t size = wg_format_time(0, m->offset, text), skip = strlen("00:00:00");
    const char *copy = wg_arena_copy(&eval->arena, text + skip, size - skip);
    if (copy == NULL) return wg_error_nomem(err, size);
    *out = wg_value_str(wg_slice_of(copy, size - skip));
    return WG_OK;
}

wg_code wgi_temporal_part(wgi_eval *eval, const wg_value *v, const wg_expr *expr, wg_value *out, wg_error *err) {
    const wg_slice name = expr->name;
    wgi_span span;
    wgi_moment m;
    *out = wg_value_null();
    if (wgi_span_of(v, &span)) {
        const int64_t scale = wg_slice_is(name, "nanoseconds")    ? 1000000000
                              : wg_slice_is(name, "microseconds") ? 1000000
                              : wg_slice_is(name, "milliseconds") ? 1000
                                                                  : 1;
        if (scale > 1 && (span.seconds > INT64_MAX / scale - 1 || span.seconds < INT64_MIN / scale + 1))
            return wg_error_set(err, WG_E_VALUE, expr->text_start, "the duration has too many %.*s for an INT",
                                (int)name.size, (const char *)name.data);
        *out = span_part(&span, name);
        return WG_OK;
    }
    if (!wgi_moment_of(v, &m)) return WG_OK;
    if (m.has_zone && wg_slice_is(name, "timezone")) {
        *out = wg_value_str(wg_slice_str(wg_zone_name(m.zone)));
        return WG_OK;
    }
    if (m.has_offset && (wg_slice_is(name, "timezone") || wg_slice_is(name, "offset")))
        return offset_text(eval, &m, out, err);
    if (m.has_date) *out = date_part(&m, name);
    if (m.has_clock && out->type == WG_TYPE_NULL) *out = clock_part(&m, name);
    if (m.has_offset && out->type == WG_TYPE_NULL) *out = offset_part(&m, name);
    return WG_OK;
}
