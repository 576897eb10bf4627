/* Unpacks zones and looks offsets up.
 *
 * The text of a zone: offsets in seconds, separated by commas, ascending; ';'; the letter of the first offset (A is the first of the list),
 * then for each change how much later it comes than the one before, and the letter of the offset from then on; ';'; the rule for the time
 * behind the last change, as POSIX writes it (TZ). Distances are minutes in base 32 (0-9, a-v), or, behind '+' or '-', seconds; the first
 * distance is from 1970-01-01T00:00:00 UTC.
 *
 * A zone is unpacked once: who comes first publishes its block, others free theirs. The text is our own and asserted. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory/memory.h"
#include "base/text/text.h"
#include "base/zones/zones_internal.h"

enum { ZONES_MAX = 1024, OFFSETS_MAX = 26 };

/* The day of a change within a year: "Mm.w.d/time". */
typedef struct yearly {
    uint32_t month, week, day;
    int32_t seconds; /* of local time, since midnight of that day; may lie outside of it */
} yearly;

typedef struct zone {
    int32_t standard, summer; /* behind the last change */
    bool has_summer;
    yearly begin, end; /* of summer time */
    int32_t first;
    uint32_t count;
    int64_t *at;
    int32_t *offsets; /* from at[i] on */
} zone;

static _Atomic(zone *) zones[ZONES_MAX];

const char *wg_zones_version(void) { return wgi_zones_version; }
uint32_t wg_zone_count(void) { return wgi_zones_count_1 + wgi_zones_count_2; }

static const wgi_zone_source *source_at(uint32_t i) {
    return i < wgi_zones_count_1 ? &wgi_zones_1[i] : &wgi_zones_2[i - wgi_zones_count_1];
}

const char *wg_zone_name(uint32_t zone_) {
    WG_ASSERT(zone_ < wg_zone_count());
    return source_at(zone_)->name;
}

static bool source_find(wg_slice name, uint32_t *out) {
    uint32_t low = 0, high = wg_zone_count();
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = wg_slice_compare(wg_slice_str(source_at(middle)->name), name);
        if (order == 0) {
            *out = middle;
            return true;
        }
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return false;
}

/* ---- unpacking */

static int32_t take_number(const char **p) {
    char *end;
    const long v = strtol(*p, &end, 10);
    WG_ASSERT(end != *p);
    *p = end;
    return (int32_t)v;
}

/* "[+-]hh[:mm[:ss]]" as POSIX has it */
static int32_t take_clock(const char **p) {
    const bool minus = **p == '-';
    if (minus || **p == '+') (*p)++;
    int32_t seconds = take_number(p) * 3600;
    for (int32_t unit = 60; unit >= 1 && **p == ':'; unit /= 60) {
        (*p)++;
        seconds += take_number(p) * unit;
    }
    return minus ? -seconds : seconds;
}

static void skip_name(const char **p) {
    if (**p == '<') {
        *p = strchr(*p, '>');
        WG_ASSERT(*p != NULL);
        (*p)++;
        return;
    }
    while ((**p >= 'A' && **p <= 'Z') || (**p >= 'a' && **p <= 'z')) (*p)++;
}

static void take_yearly(const char **p, yearly *out) {
    WG_ASSERT(strncmp(*p, ",M", 2) == 0);
    *p += 2;
    out->month = (uint32_t)take_number(p);
    (*p)++;
    out->week = (uint32_t)take_number(p);
    (*p)++;
    out->day = (uint32_t)take_number(p);
    out->seconds = 2 * 3600;
    if (**p != '/') return;
    (*p)++;
    out->seconds = take_clock(p);
}

static void take_rule(const char *p, zone *z) {
    skip_name(&p);
    z->standard = -take_clock(&p);
    if (*p == '\0') return;
    z->has_summer = true;
    skip_name(&p);
    z->summer = *p == ',' ? z->standard + 3600 : -take_clock(&p);
    take_yearly(&p, &z->begin);
    take_yearly(&p, &z->end);
    WG_ASSERT(*p == '\0');
}

static int64_t take_distance(const char **p) {
    const char sign = **p == '+' || **p == '-' ? *(*p)++ : '\0';
    int64_t v = 0;
    for (; **p >= '0' && **p <= 'v' && (**p <= '9' || **p >= 'a'); (*p)++)
        v = v * 32 + (**p <= '9' ? **p - '0' : **p - 'a' + 10);
    return sign == '-' ? -v : sign == '+' ? v : v * 60;
}

static zone *zone_unpack(const char *text) {
    int32_t offsets[OFFSETS_MAX];
    uint32_t offset_count = 0, count = 0;
    const char *p = text;
    for (;; p++) {
        WG_ASSERT(offset_count < OFFSETS_MAX);
        offsets[offset_count++] = take_number(&p);
        if (*p != ',') break;
    }
    for (const char *q = p + 2; *q != ';'; q++) count += *q >= 'A' && *q <= 'Z';
    zone *z = wg_alloc_zero(NULL, sizeof *z + count * (sizeof *z->at + sizeof *z->offsets));
    if (z == NULL) return NULL;
    z->at = (int64_t *)(z + 1);
    z->offsets = (int32_t *)(z->at + count);
    z->first = offsets[p[1] - 'A'];
    int64_t moment = 0;
    for (p += 2; *p != ';'; p++) {
        moment += take_distance(&p);
        z->at[z->count] = moment;
        z->offsets[z->count++] = offsets[*p - 'A'];
    }
    WG_ASSERT(z->count == count);
    take_rule(p + 1, z);
    return z;
}

wg_code wg_zone_find(wg_slice name, uint32_t *out, wg_error *err) {
    uint32_t number = 0, from = 0;
    if (!source_find(name, &number))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no time zone '%.*s'",
                            (int)wg_min_size(name.size, 64), (const char *)name.data);
    WG_ASSERT(number < ZONES_MAX);
    if (atomic_load_explicit(&zones[number], memory_order_acquire) == NULL) {
        const char *text = source_at(number)->text;
        const bool found = text[0] != '=' || source_find(wg_slice_str(text + 1), &from);
        WG_ASSERT(found);
        zone *made = zone_unpack(text[0] == '=' ? source_at(from)->text : text);
        zone *none = NULL;
        if (made == NULL) return wg_error_nomem(err, sizeof *made);
        if (!atomic_compare_exchange_strong(&zones[number], &none, made)) wg_free(made);
    }
    *out = number;
    return WG_OK;
}

const char *wg_zone_suggest(wg_slice name) {
    wg_suggestion best;
    wg_suggestion_init(&best, name);
    for (uint32_t i = 0; i < wg_zone_count(); i++) wg_suggestion_offer(&best, source_at(i)->name);
    return best.name;
}

/* ---- looking up */

static const zone *zone_at(uint32_t number) {
    WG_ASSERT(number < wg_zone_count());
    const zone *z = atomic_load_explicit(&zones[number], memory_order_acquire);
    WG_ASSERT(z != NULL);
    return z;
}

/* Seconds of the zone's clock at which the rule's day and time come in a year. */
static int64_t yearly_local(const yearly *rule, int64_t year) {
    const int64_t first = wg_days_from_civil(year, rule->month, 1);
    const uint32_t first_day = (uint32_t)((first % 7 + 7 + 4) % 7); /* Sunday is 0; 1970-01-01 was a Thursday */
    uint32_t day = (rule->day + 7 - first_day) % 7 + 7 * (rule->week - 1);
    const uint32_t days = wg_days_in_month(year, rule->month);
    while (day >= days) day -= 7; /* week 5 is the last one */
    return (first + day) * 86400 + rule->seconds;
}

static int32_t rule_offset(const zone *z, int64_t utc) {
    if (!z->has_summer) return z->standard;
    int64_t year;
    uint32_t month, day;
    const int64_t local = utc + z->standard;
    wg_civil_from_days(local / 86400 - (local % 86400 < 0), &year, &month, &day);
    const int64_t begin = yearly_local(&z->begin, year) - z->standard;
    const int64_t end = yearly_local(&z->end, year) - z->summer;
    const bool summer = begin < end ? utc >= begin && utc < end : utc >= begin || utc < end;
    return summer ? z->summer : z->standard;
}

int32_t wg_zone_offset(uint32_t number, int64_t utc) {
    const zone *z = zone_at(number);
    if (z->count == 0 || utc < z->at[0]) return z->count == 0 ? rule_offset(z, utc) : z->first;
    if (utc >= z->at[z->count - 1]) {
        /* The rule begins with the last change that is listed. */
        return rule_offset(z, utc);
    }
    uint32_t low = 0, high = z->count - 1; /* at[low] <= utc < at[high] */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (z->at[middle] <= utc) low = middle;
        else high = middle;
    }
    return z->offsets[low];
}

int32_t wg_zone_offset_of_local(uint32_t number, int64_t local, int32_t preferred) {
    const int32_t before = wg_zone_offset(number, local - 86400);
    const int32_t after = wg_zone_offset(number, local + 86400);
    if (preferred != before && wg_zone_offset(number, local - preferred) == preferred) return preferred;
    if (wg_zone_offset(number, local - before) == before) return before;
    if (wg_zone_offset(number, local - after) == after) return after;
    return before;
}
