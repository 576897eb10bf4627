/* base/text: UTF-8 checking, numbers and dates as text, both ways. Locale-free. */
#ifndef WG_BASE_TEXT_H
#define WG_BASE_TEXT_H

#include "base/core/core.h"

/* True when well-formed (RFC 3629: no surrogates, no overlong forms); else *bad_offset (may be NULL) is set. */
bool wg_utf8_valid(wg_slice s, size_t *bad_offset);
/* Unicode scalar values in well-formed text; in other text, bytes that are not continuation bytes. */
size_t wg_utf8_count(wg_slice s);

/* Whole slice or nothing: optional sign, digits; false when empty, malformed or out of range. */
bool wg_parse_i64(wg_slice s, int64_t *out);
/* Decimal or exponent form, "NaN", "Infinity", "-Infinity" (also "inf"), letters in any case; correctly rounded, so a
 * magnitude past the largest double gives an infinity: who must refuse that tests the result. */
bool wg_parse_f64(wg_slice s, double *out);
/* Shortest text that reads back to the same double, always with '.', 'e' or a letter: "1.0", "1e+300", "NaN",
 * "Infinity", "-Infinity", "-0.0". Returns the length. */
size_t wg_format_f64(double v, char out[32]);
size_t wg_format_i64(int64_t v, char out[24]);

/* Seconds since 1970 that a datetime in a column of microseconds may have: years -290308 to 294247. */
#define WG_SECONDS_MAX INT64_C(9223372036853)
#define WG_SECONDS_MIN (-INT64_C(9223372036854))

/* Proleptic Gregorian calendar. Days count from 1970-01-01. Dates that text can name lie within these bounds. */
#define WG_YEAR_MAX          INT64_C(999999999)
#define WG_DAYS_MAX          INT64_C(365241780471)    /* +999999999-12-31 */
#define WG_DAYS_MIN          (-INT64_C(365243219162)) /* -999999999-01-01 */
/* Seconds since 1970 that a local datetime as a value may have; one with a zone stays 18 hours, the largest offset, inside. */
#define WG_LOCAL_SECONDS_MAX (WG_DAYS_MAX * 86400 + 86399)
#define WG_LOCAL_SECONDS_MIN (WG_DAYS_MIN * 86400)
#define WG_ZONED_SECONDS_MAX (WG_LOCAL_SECONDS_MAX - 64800)
#define WG_ZONED_SECONDS_MIN (WG_LOCAL_SECONDS_MIN + 64800)
int64_t wg_days_from_civil(int64_t year, uint32_t month, uint32_t day);
void wg_civil_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day);
uint32_t wg_days_in_month(int64_t year, uint32_t month);
/* "2001-01-31". Years outside 0..9999 carry a sign and 4 to 9 digits: "+12345-01-31", "-0044-03-15". A day outside
 * WG_DAYS_MIN..WG_DAYS_MAX has no calendar text and is written as "d" and the number. Always NUL-terminated. */
bool wg_parse_date(wg_slice s, int64_t *out_days);
size_t wg_format_date(int64_t days, char out[24]);
/* "2001-01-31T12:34:56", "...T12:34", with up to 9 decimals; 'T' may be a space. No zone. Refused outside
 * WG_SECONDS_MIN..WG_SECONDS_MAX. */
bool wg_parse_local_datetime(wg_slice s, int64_t *out_seconds, uint32_t *out_ns);
/* Seconds are always shown; decimals only when not zero, without trailing zeros. */
size_t wg_format_local_datetime(int64_t seconds, uint32_t ns, char out[48]);
/* "12:34", "12:34:56", with up to 9 decimals; nanoseconds since midnight. Written as datetimes are. */
bool wg_parse_local_time(wg_slice s, int64_t *out_ns);
size_t wg_format_local_time(int64_t ns, char out[24]);
/* A local time and an offset from UTC: "Z", "+01:00", "-05:30:15"; at most 18 hours. */
bool wg_parse_time(wg_slice s, int64_t *out_ns, int32_t *out_offset_s);
size_t wg_format_time(int64_t ns, int32_t offset_s, char out[40]);
/* The local date and time of an instant, then its offset. */
size_t wg_format_datetime(int64_t utc_seconds, uint32_t ns, int32_t offset_s, char out[80]);
/* "P1Y2M3DT4H5M6.7S", parts of zero left out, "PT0S" when all are; each group of parts has its own sign. ns in 0..10^9. */
size_t wg_format_duration(int64_t months, int64_t days, int64_t seconds, int64_t ns, char out[128]);

/* "Did you mean": the candidate nearest to a misspelt word, without regard to ASCII case. A swap of neighbours counts as one
 * edit (optimal string alignment); words of at most 4 bytes may differ in 1 edit, longer ones in 2, and between equally near
 * candidates the one with the longer common prefix wins, then the first. Words of 1 or over 64 bytes are near to nothing. */
typedef struct wg_suggestion {
    wg_slice word;
    const char *name; /* the best so far; NULL: none is near */
    size_t distance;
    size_t prefix;
} wg_suggestion;
void wg_suggestion_init(wg_suggestion *suggestion, wg_slice word);
void wg_suggestion_offer(wg_suggestion *suggestion, const char *name);

#endif
