/* Dates and times as text, and the calendar under them. See text.h.
 *
 * The calendar is counted in eras of 400 years (146,097 days) that begin on the first of March, so that the leap day
 * is the last day of a year and months have a linear formula: month m (March = 0) starts at day (153 m + 2) / 5. All
 * of it is floor arithmetic; 128-bit integers keep the ends of the int64 range free of overflow. */
#include "base/text/text.h"

#include <stdio.h>

enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_DAY = 719468 /* 1970-01-01 from 0000-03-01 */ };

static const int64_t day_ns = INT64_C(86400000000000);

static wg_i128 floor_div(wg_i128 a, wg_i128 b) {
    const wg_i128 q = a / b;
    return q * b > a ? q - 1 : q;
}

static int64_t clamp_i64(wg_i128 v) {
    if (v > INT64_MAX) return INT64_MAX;
    return v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

int64_t wg_days_from_civil(int64_t year, uint32_t month, uint32_t day) {
    const wg_i128 y = (wg_i128)year - (month <= 2 ? 1 : 0);
    const uint32_t m = month <= 2 ? month + 9 : month - 3;
    const wg_i128 era = floor_div(y, ERA_YEARS);
    const wg_i128 year_of_era = y - era * ERA_YEARS;
    const wg_i128 day_of_year = (wg_i128)((153 * m + 2) / 5) + day - 1;
    const wg_i128 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return clamp_i64(era * ERA_DAYS + day_of_era - EPOCH_DAY);
}

void wg_civil_from_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day) {
    const wg_i128 z = (wg_i128)days + EPOCH_DAY;
    const wg_i128 era = floor_div(z, ERA_DAYS);
    const int64_t doe = (int64_t)(z - era * ERA_DAYS);
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (ERA_DAYS - 1)) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t m = (5 * doy + 2) / 153;
    *day = (uint32_t)(doy - (153 * m + 2) / 5 + 1);
    *month = (uint32_t)(m < 10 ? m + 3 : m - 9);
    *year = (int64_t)(era * ERA_YEARS) + yoe + (m < 10 ? 0 : 1);
}

uint32_t wg_days_in_month(int64_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    WG_ASSERT(month >= 1 && month <= 12);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Cuts `digit_count` digits off the front. */
static bool take_digits(wg_slice *from, size_t digit_count, uint32_t *out) {
    if (from->size < digit_count) return false;
    uint32_t v = 0;
    for (size_t i = 0; i < digit_count; i++) {
        const uint8_t c = from->data[i];
        if (c < '0' || c > '9') return false;
        v = v * 10 + (uint32_t)(c - '0');
    }
    *from = wg_slice_of(from->data + digit_count, from->size - digit_count);
    *out = v;
    return true;
}

static bool take_char(wg_slice *from, char c) {
    if (from->size == 0 || from->data[0] != (uint8_t)c) return false;
    *from = wg_slice_of(from->data + 1, from->size - 1);
    return true;
}

/* Four digits, or a sign and four to nine. */
static bool take_year(wg_slice *from, int64_t *out) {
    const bool negative = take_char(from, '-');
    const bool sign = negative || take_char(from, '+');
    size_t digits = 4;
    if (sign)
        while (digits < 9 && digits < from->size && from->data[digits] >= '0' && from->data[digits] <= '9') digits++;
    uint32_t year;
    if (!take_digits(from, digits, &year)) return false;
    *out = negative ? -(int64_t)year : (int64_t)year;
    return true;
}

static bool take_date(wg_slice *from, int64_t *out_days) {
    int64_t year;
    uint32_t month;
    uint32_t day;
    if (!take_year(from, &year) || !take_char(from, '-') || !take_digits(from, 2, &month)) return false;
    if (!take_char(from, '-') || !take_digits(from, 2, &day)) return false;
    if (month < 1 || month > 12 || day < 1 || day > wg_days_in_month(year, month)) return false;
    *out_days = wg_days_from_civil(year, month, day);
    return true;
}

/* Up to nine decimals of a second; the point was taken. */
static bool take_decimals(wg_slice *from, uint32_t *out_ns) {
    uint32_t ns = 0;
    size_t n = 0;
    uint32_t digit;
    for (; n < 9 && take_digits(from, 1, &digit); n++) ns = ns * 10 + digit;
    if (n == 0) return false;
    for (; n < 9; n++) ns *= 10;
    *out_ns = ns;
    return true;
}

static bool take_clock(wg_slice *from, int64_t *out_ns) {
    uint32_t hour;
    uint32_t minute;
    uint32_t second = 0;
    uint32_t ns = 0;
    if (!take_digits(from, 2, &hour) || !take_char(from, ':') || !take_digits(from, 2, &minute)) return false;
    if (take_char(from, ':')) {
        if (!take_digits(from, 2, &second)) return false;
        if (take_char(from, '.') && !take_decimals(from, &ns)) return false;
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    *out_ns = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * 1000000000 + ns;
    return true;
}

bool wg_parse_date(wg_slice s, int64_t *out_days) {
    int64_t days;
    if (!take_date(&s, &days) || s.size != 0) return false;
    *out_days = days;
    return true;
}

bool wg_parse_local_datetime(wg_slice s, int64_t *out_seconds, uint32_t *out_ns) {
    int64_t days;
    int64_t clock;
    if (!take_date(&s, &days) || !(take_char(&s, 'T') || take_char(&s, ' '))) return false;
    if (!take_clock(&s, &clock) || s.size != 0) return false;
    const int64_t seconds = days * 86400 + clock / 1000000000; /* nine digits of year stay far inside int64 */
    if (seconds < WG_SECONDS_MIN || seconds > WG_SECONDS_MAX) return false;
    *out_seconds = seconds;
    *out_ns = (uint32_t)(clock % 1000000000);
    return true;
}

bool wg_parse_local_time(wg_slice s, int64_t *out_ns) {
    int64_t ns;
    if (!take_clock(&s, &ns) || s.size != 0) return false;
    *out_ns = ns;
    return true;
}

bool wg_parse_time(wg_slice s, int64_t *out_ns, int32_t *out_offset_s) {
    int64_t ns;
    if (!take_clock(&s, &ns)) return false;
    int32_t offset = 0;
    if (!take_char(&s, 'Z')) {
        const bool west = take_char(&s, '-');
        uint32_t hour;
        uint32_t minute = 0;
        uint32_t second = 0;
        if ((!west && !take_char(&s, '+')) || !take_digits(&s, 2, &hour)) return false;
        if (take_char(&s, ':') && !take_digits(&s, 2, &minute)) return false;
        if (take_char(&s, ':') && !take_digits(&s, 2, &second)) return false;
        offset = (int32_t)(hour * 3600 + minute * 60 + second);
        if (minute > 59 || second > 59 || offset > 18 * 3600) return false;
        if (west) offset = -offset;
    }
    if (s.size != 0) return false;
    *out_ns = ns;
    *out_offset_s = offset;
    return true;
}

size_t wg_format_date(int64_t days, char out[24]) {
    int64_t year;
    uint32_t month;
    uint32_t day;
    if (days < WG_DAYS_MIN || days > WG_DAYS_MAX) return (size_t)snprintf(out, 24, "d%lld", (long long)days);
    wg_civil_from_days(days, &year, &month, &day);
    const char *sign = year < 0 ? "-" : year > 9999 ? "+" : "";
    const long long magnitude = year < 0 ? -(long long)year : (long long)year;
    return (size_t)snprintf(out, 24, "%s%04lld-%02u-%02u", sign, magnitude, month, day);
}

static size_t put_clock(char *out, size_t room, uint32_t seconds, uint32_t ns) {
    const int head = snprintf(out, room, "%02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
    size_t n = (size_t)head;
    if (ns == 0) return n;
    n += (size_t)snprintf(out + n, room - n, ".%09u", ns);
    while (out[n - 1] == '0') n--;
    out[n] = '\0';
    return n;
}

size_t wg_format_local_datetime(int64_t seconds, uint32_t ns, char out[48]) {
    WG_ASSERT(ns < 1000000000);
    const int64_t days = (int64_t)floor_div(seconds, 86400);
    size_t n = wg_format_date(days, out);
    out[n++] = 'T';
    return n + put_clock(out + n, 24, (uint32_t)(seconds - (wg_i128)days * 86400), ns);
}

size_t wg_format_local_time(int64_t ns, char out[24]) {
    WG_ASSERT(ns >= 0 && ns < day_ns);
    return put_clock(out, 24, (uint32_t)(ns / 1000000000), (uint32_t)(ns % 1000000000));
}

/* "Z", "+01:00", "-05:30:15". */
static size_t put_offset(char *out, int32_t offset_s) {
    const uint32_t o = (uint32_t)(offset_s < 0 ? -(int64_t)offset_s : (int64_t)offset_s);
    if (o == 0) return (size_t)snprintf(out, 2, "Z");
    size_t n = (size_t)snprintf(out, 16, "%c%02u:%02u", offset_s < 0 ? '-' : '+', o / 3600 % 100, o / 60 % 60);
    if (o % 60 != 0) n += (size_t)snprintf(out + n, 8, ":%02u", o % 60);
    return n;
}

size_t wg_format_time(int64_t ns, int32_t offset_s, char out[40]) {
    const size_t n = wg_format_local_time(ns, out);
    return n + put_offset(out + n, offset_s);
}

size_t wg_format_datetime(int64_t utc_seconds, uint32_t ns, int32_t offset_s, char out[80]) {
    const size_t n = wg_format_local_datetime(clamp_i64((wg_i128)utc_seconds + offset_s), ns, out);
    return n + put_offset(out + n, offset_s);
}

static size_t put_part(char *out, int64_t v, char unit) {
    return v == 0 ? 0 : (size_t)snprintf(out, 24, "%lld%c", (long long)v, unit);
}

/* Seconds with their decimals; both have one sign. */
static size_t put_seconds(char *out, int64_t seconds, int64_t ns) {
    if (seconds == 0 && ns == 0) return 0;
    const bool negative = seconds < 0 || ns < 0;
    size_t n = (size_t)snprintf(out, 24, "%s%lld", negative && seconds == 0 ? "-" : "", (long long)seconds);
    if (ns != 0) {
        n += (size_t)snprintf(out + n, 16, ".%09lld", (long long)(ns < 0 ? -ns : ns));
        while (out[n - 1] == '0') n--;
    }
    out[n++] = 'S';
    return n;
}

size_t wg_format_duration(int64_t months, int64_t days, int64_t seconds, int64_t ns, char out[128]) {
    if (seconds < 0 && ns > 0) { /* one sign for both */
        seconds++;
        ns -= 1000000000;
    }
    size_t n = 0;
    out[n++] = 'P';
    n += put_part(out + n, months / 12, 'Y');
    n += put_part(out + n, months % 12, 'M');
    n += put_part(out + n, days, 'D');
    const size_t date_size = n;
    out[n++] = 'T';
    n += put_part(out + n, seconds / 3600, 'H');
    n += put_part(out + n, seconds / 60 % 60, 'M');
    n += put_seconds(out + n, seconds % 60, ns);
    if (n == date_size + 1) n = date_size;
    if (n == 1) n = (size_t)snprintf(out, 8, "PT0S");
    out[n] = '\0';
    return n;
}
