/* Points in time and durations from the fields of a map: year, week, hour, timezone, ... over a base that other fields (date, time,
 * datetime) or a truncated value give. A field that is left out keeps the base's part; without a base it is the first of its range. A date
 * is named in one of four ways: by month and day, by week, by quarter, or by the day of the year. */
#include <math.h>

#include "exec/temporal.h"

const wg_value *wgi_map_field(const wg_value *map, const char *name) {
    for (uint32_t i = 0; i < map->size; i++)
        if (wg_slice_is(wg_slice_of(map->as.map[i].key, map->as.map[i].key_size), name))
            return map->as.map[i].value.type == WG_TYPE_NULL ? NULL : &map->as.map[i].value;
    return NULL;
}

/* An INT field in its range; left out: *value stays. */
static wg_code field(const wg_value *map, const char *name, int64_t min, int64_t max, int64_t *value, uint64_t offset,
                     wg_error *err) {
    const wg_value *v = wgi_map_field(map, name);
    if (v == NULL) return WG_OK;
    if (v->type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_TYPE, offset, "%s must be an INT, not %s", name,
                            wg_type_name((wg_type)v->type));
    if (v->as.i < min || v->as.i > max)
        return wg_error_refine(err,
                               wg_error_set(err, WG_E_VALUE, offset, "%s must be within %lld and %lld", name,
                                            (long long)min, (long long)max),
                               WG_S_DATETIME_OVERFLOW);
    *value = v->as.i;
    return WG_OK;
}

static wg_code build_week(const wg_value *map, wgi_moment *m, uint64_t at, wg_error *err) {
    int64_t year = 0, week = 1, day = 1;
    if (m->has_date) {
        uint32_t w, d;
        wgi_week_of(m->days, &year, &w, &d);
        week = w;
        day = d;
    }
    WG_TRY(field(map, "year", -WG_YEAR_MAX, WG_YEAR_MAX, &year, at, err));
    WG_TRY(field(map, "week", 1, 53, &week, at, err));
    WG_TRY(field(map, "dayOfWeek", 1, 7, &day, at, err));
    m->days = wgi_week_start(year) + (week - 1) * 7 + day - 1;
    if (m->days >= wgi_week_start(year + 1))
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, at, "the year has no week 53"),
                               WG_S_DATETIME_OVERFLOW);
    return WG_OK;
}

static wg_code build_quarter(const wg_value *map, wgi_moment *m, int64_t year, uint32_t base_month, uint32_t base_day,
                             uint64_t at, wg_error *err) {
    int64_t quarter = (base_month + 2) / 3, day = 0;
    WG_TRY(field(map, "quarter", 1, 4, &quarter, at, err));
    WG_TRY(field(map, "dayOfQuarter", 1, 92, &day, at, err));
    uint32_t month = (uint32_t)(quarter * 3 - 2);
    if (day > 0) {
        m->days = wg_days_from_civil(year, month, 1) + day - 1;
        const int64_t next =
            month == 10 ? wg_days_from_civil(year + 1, 1, 1) : wg_days_from_civil(year, month + 3, 1);
        if (m->days >= next)
            return wg_error_refine(err,
                                   wg_error_set(err, WG_E_VALUE, at, "the quarter has no day %lld", (long long)day),
                                   WG_S_DATETIME_OVERFLOW);
        return WG_OK;
    }
    month += (base_month - 1) % 3;
    const uint32_t last = wg_days_in_month(year, month);
    m->days = wg_days_from_civil(year, month, base_day < last ? base_day : last);
    return WG_OK;
}

static wg_code build_day(const wg_value *map, wgi_moment *m, int64_t year, uint32_t base_month, uint32_t base_day,
                         uint64_t at, wg_error *err) {
    int64_t month = base_month, day = base_day;
    WG_TRY(field(map, "month", 1, 12, &month, at, err));
    const uint32_t last = wg_days_in_month(year, (uint32_t)month);
    if (wgi_map_field(map, "day") == NULL && day > last) day = last;
    WG_TRY(field(map, "day", 1, last, &day, at, err));
    m->days = wg_days_from_civil(year, (uint32_t)month, (uint32_t)day);
    return WG_OK;
}

wg_code wgi_build_date(const wg_value *map, wgi_moment *m, uint64_t at, wg_error *err) {
    int64_t year = 0, ordinal = 0;
    uint32_t month = 1, day = 1;
    if (!m->has_date && wgi_map_field(map, "year") == NULL)
        return wg_error_set(err, WG_E_VALUE, at, "a date needs a year");
    if (wgi_map_field(map, "week") != NULL || wgi_map_field(map, "dayOfWeek") != NULL)
        return build_week(map, m, at, err);
    if (m->has_date) wg_civil_from_days(m->days, &year, &month, &day);
    WG_TRY(field(map, "year", -WG_YEAR_MAX, WG_YEAR_MAX, &year, at, err));
    if (wgi_map_field(map, "quarter") != NULL || wgi_map_field(map, "dayOfQuarter") != NULL)
        return build_quarter(map, m, year, month, day, at, err);
    WG_TRY(field(map, "ordinalDay", 1, 366, &ordinal, at, err));
    if (ordinal == 0) return build_day(map, m, year, month, day, at, err);
    m->days = wg_days_from_civil(year, 1, 1) + ordinal - 1;
    if (m->days >= wg_days_from_civil(year + 1, 1, 1))
        return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, at, "the year has no day %lld", (long long)ordinal),
                               WG_S_DATETIME_OVERFLOW);
    return WG_OK;
}

/* Milli-, micro- and nanoseconds add up; a finer field keeps the coarser parts of the base when it is below a thousand. */
static wg_code build_fraction(const wg_value *map, int64_t *ns, uint64_t at, wg_error *err) {
    int64_t milli = *ns / 1000000, micro = *ns / 1000 % 1000, nano = *ns % 1000;
    const bool has_milli = wgi_map_field(map, "millisecond") != NULL;
    const bool has_micro = wgi_map_field(map, "microsecond") != NULL;
    WG_TRY(field(map, "millisecond", 0, 999, &milli, at, err));
    WG_TRY(field(map, "microsecond", 0, has_milli ? 999 : 999999, &micro, at, err));
    WG_TRY(field(map, "nanosecond", 0, has_micro ? 999 : has_milli ? 999999 : 999999999, &nano, at, err));
    if (micro > 999 || nano > 999999) milli = 0;
    if (nano > 999) micro = 0;
    *ns = milli * 1000000 + micro * 1000 + nano;
    return WG_OK;
}

wg_code wgi_build_clock(const wg_value *map, wgi_moment *m, uint64_t at, wg_error *err) {
    int64_t hour = m->clock / (3600 * WGI_SECOND_NS), minute = m->clock / (60 * WGI_SECOND_NS) % 60;
    int64_t second = m->clock / WGI_SECOND_NS % 60, ns = m->clock % WGI_SECOND_NS;
    WG_TRY(field(map, "hour", 0, 23, &hour, at, err));
    WG_TRY(field(map, "minute", 0, 59, &minute, at, err));
    WG_TRY(field(map, "second", 0, 59, &second, at, err));
    WG_TRY(build_fraction(map, &ns, at, err));
    m->clock = ((hour * 60 + minute) * 60 + second) * WGI_SECOND_NS + ns;
    return WG_OK;
}

wg_code wgi_zone_of_text(wg_slice text, wgi_moment *m, uint64_t at, wg_error *err) {
    if (wgi_parse_offset(text, &m->offset)) {
        m->has_zone = false;
        return WG_OK;
    }
    wg_error found;
    wg_error_clear(&found);
    const wg_code code = wg_zone_find(text, &m->zone, &found);
    m->has_zone = code == WG_OK;
    m->offset = INT32_MIN; /* none is preferred */
    if (code == WG_OK) return WG_OK;
    if (code != WG_E_NOT_FOUND) return wg_error_nomem(err, sizeof found);
    const char *near = wg_zone_suggest(text);
    return wg_error_set(err, WG_E_VALUE, at,
                        "'%.*s' is no time zone%s%s%s; zones are like 'Europe/Berlin' or '+01:00'",
                        (int)wg_min_size(text.size, 64), (const char *)text.data,
                        near == NULL ? "" : ": did you mean '", near == NULL ? "" : near, near == NULL ? "" : "'");
}

/* The clock in another zone at the same moment. The date is the one that the map makes, because offsets depend on it; without one
 * (a TIME) both are offsets. */
static wg_code convert_clock(const wg_value *map, const wgi_moment *to, wgi_moment *m, wg_type type, uint64_t at,
                             wg_error *err) {
    wgi_moment day = *m;
    int32_t offset = to->offset;
    if (type == WG_TYPE_DATETIME) {
        WG_TRY(wgi_build_date(map, &day, at, err));
        day.has_date = true;
        wgi_zone_settle(&day);
        if (to->has_zone)
            offset = wg_zone_offset(to->zone, day.days * 86400 + day.clock / WGI_SECOND_NS - day.offset);
    }
    m->clock += (int64_t)(offset - day.offset) * WGI_SECOND_NS;
    if (m->clock < 0) {
        m->clock += WGI_DAY_NS;
        m->days--;
    } else if (m->clock >= WGI_DAY_NS) {
        m->clock -= WGI_DAY_NS;
        m->days++;
    }
    m->offset = offset;
    return WG_OK;
}

wg_code wgi_build_offset(const wg_value *map, wgi_moment *m, wg_type type, bool convert, uint64_t at, wg_error *err) {
    const wg_value *zone = wgi_map_field(map, "timezone");
    wgi_moment to = {0};
    if (zone == NULL) return WG_OK;
    if (zone->type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, at, "timezone must be a STRING, not %s",
                            wg_type_name((wg_type)zone->type));
    WG_TRY(wgi_zone_of_text(wg_value_slice(zone), &to, at, err));
    if (to.has_zone && type == WG_TYPE_TIME)
        return wg_error_set(err, WG_E_VALUE, at,
                            "a TIME has an offset such as '+01:00': that of '%s' depends on the date",
                            wg_zone_name(to.zone));
    if (convert && m->has_offset) WG_TRY(convert_clock(map, &to, m, type, at, err));
    else m->offset = to.offset;
    m->has_offset = true;
    m->has_zone = to.has_zone;
    m->zone = to.zone;
    return WG_OK;
}

wg_code wgi_build_span(const wg_value *map, wgi_span *out, uint64_t at, wg_error *err) {
    static const struct {
        const char *name;
        wgi_unit unit;
        int64_t scale;
    } units[] = {{"years", WGI_UNIT_MONTH, 12},
                 {"quarters", WGI_UNIT_MONTH, 3},
                 {"months", WGI_UNIT_MONTH, 1},
                 {"weeks", WGI_UNIT_DAY, 7},
                 {"days", WGI_UNIT_DAY, 1},
                 {"hours", WGI_UNIT_NS, 3600 * WGI_SECOND_NS},
                 {"minutes", WGI_UNIT_NS, 60 * WGI_SECOND_NS},
                 {"seconds", WGI_UNIT_NS, WGI_SECOND_NS},
                 {"milliseconds", WGI_UNIT_NS, 1000000},
                 {"microseconds", WGI_UNIT_NS, 1000},
                 {"nanoseconds", WGI_UNIT_NS, 1}};
    *out = (wgi_span){0};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const wg_value *v = wgi_map_field(map, units[i].name);
        if (v == NULL) continue;
        if (v->type != WG_TYPE_INT && v->type != WG_TYPE_FLOAT)
            return wg_error_set(err, WG_E_TYPE, at, "%s must be a number, not %s", units[i].name,
                                wg_type_name((wg_type)v->type));
        double whole = v->type == WG_TYPE_FLOAT ? trunc(v->as.f) : 0;
        const bool fits = fabs(whole) < 9e18;
        const int64_t count = v->type == WG_TYPE_INT ? v->as.i : fits ? (int64_t)whole : 0;
        const double part = v->type == WG_TYPE_FLOAT ? v->as.f - whole : 0;
        if (!fits || !wgi_span_add(out, units[i].unit, units[i].scale, count, part))
            return wg_error_refine(err, wg_error_set(err, WG_E_VALUE, at, "the duration is out of range"),
                                   WG_S_INTERVAL_OVERFLOW);
    }
    return WG_OK;
}
