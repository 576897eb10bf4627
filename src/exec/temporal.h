/* exec: points in time and durations as the functions compute with them. */
#ifndef WG_EXEC_TEMPORAL_H
#define WG_EXEC_TEMPORAL_H

#include "exec/exec_functions.h"

/* What a temporal value says, in its own local time. */
typedef struct wgi_moment {
    int64_t days;   /* since 1970-01-01 */
    int64_t clock;  /* nanoseconds since midnight */
    int32_t offset; /* seconds east of UTC */
    uint32_t zone;  /* with has_zone: base/zones; the offset is the zone's, or the one of two that is preferred */
    bool has_date;
    bool has_clock;
    bool has_offset;
    bool has_zone;
} wgi_moment;

/* A duration: months, days and seconds do not convert into one another; ns in [0, 10^9). */
typedef struct wgi_span {
    int64_t months;
    int64_t days;
    int64_t seconds;
    int64_t ns;
} wgi_span;

#define WGI_DAY_NS    INT64_C(86400000000000)
#define WGI_SECOND_NS INT64_C(1000000000)

bool wgi_is_instant(wg_type type);
bool wgi_moment_of(const wg_value *v, wgi_moment *out); /* false for what is no point in time */
/* A value of this type; parts that the type does not have are left out. WG_E_VALUE out of range, WG_E_TYPE when a part is missing. */
wg_code wgi_moment_value(wg_type type, const wgi_moment *m, uint64_t offset, wg_value *out, wg_error *err);
/* Monday is 1. */
void wgi_week_of(int64_t days, int64_t *out_year, uint32_t *out_week, uint32_t *out_day);
/* The Monday of week 1. */
int64_t wgi_week_start(int64_t year);

/* Brings the local time of a moment with a zone and a date into one that the zone has, with its offset. */
void wgi_zone_settle(wgi_moment *m);
/* The clock of another offset at the same moment. */
void wgi_moment_shift(wgi_moment *m, int32_t offset);
/* Names of zones and offsets: "Europe/Berlin", "+01:00". Into offset, or zone and has_zone. WG_E_VALUE. */
wg_code wgi_zone_of_text(wg_slice text, wgi_moment *m, uint64_t offset, wg_error *err);

/* temporal_text.c. ISO 8601 in its basic and extended forms. *out_zone: the named zone; size 0: none is given. */
bool wgi_parse_moment(wg_slice text, bool date_first, wgi_moment *out, wg_slice *out_zone);
bool wgi_parse_offset(wg_slice text, int32_t *out);
bool wgi_parse_span(wg_slice text, wgi_span *out);

/* temporal_build.c: fields of a map over what *m says already. */
wg_code wgi_build_date(const wg_value *map, wgi_moment *m, uint64_t offset, wg_error *err);
wg_code wgi_build_clock(const wg_value *map, wgi_moment *m, uint64_t offset, wg_error *err);
/* `type`: of the value that is made. `convert`: the moment stays, its clock changes. */
wg_code wgi_build_offset(const wg_value *map, wgi_moment *m, wg_type type, bool convert, uint64_t offset,
                         wg_error *err);
wg_code wgi_build_span(const wg_value *map, wgi_span *out, uint64_t offset, wg_error *err);
const wg_value *wgi_map_field(const wg_value *map, const char *name); /* NULL: none, or null */

/* temporal_math.c */
/* Adds `whole` + `part` units of this many months, or days, or nanoseconds; parts go down to days and seconds. False: overflow. */
typedef enum wgi_unit { WGI_UNIT_MONTH, WGI_UNIT_DAY, WGI_UNIT_NS } wgi_unit;
bool wgi_span_add(wgi_span *span, wgi_unit unit, int64_t scale, int64_t whole, double part);
bool wgi_span_of(const wg_value *v, wgi_span *out);
bool wgi_span_negate(wgi_span *span);                                    /* false: out of range */
bool wgi_span_divide(wgi_span *span, int64_t divisor);                   /* false: by zero, or out of range */
bool wgi_span_put(wg_arena *arena, const wgi_span *span, wg_value *out); /* false: out of memory */
wg_code wgi_span_value(wgi_call *call, const wgi_span *span, wg_value *out, wg_error *err);
/* +, -, *, / where a temporal value or a duration takes part. */
wg_code wgi_temporal_arith(wgi_call *call, const wg_value *args, wg_value *out, wg_error *err);
bool wgi_truncate(wgi_moment *m, wg_slice unit); /* false: unknown unit */

#endif
