/* format(value, pattern) for points in time, and string.join(list, separator).
 *
 * A pattern is read from left to right: a run of one letter is a field (the table of docs/language/expressions.md), text between ' ' stands for
 * itself and '' is one quote, every other character that is no letter too. Names of months and days are English: answers do not depend on
 * the machine. A letter that says what the value does not have is WG_E_VALUE, an unknown one too. Bounded by the pattern's length: a
 * field is at most 19 characters wide. */
#include "base/text/text.h"
#include "base/zones/zones.h"
#include "exec/exec_functions.h"
#include "exec/temporal.h"

enum { FIELD_WIDTH_MAX = 19 };

typedef struct formatter {
    wgi_call *call;
    wgi_moment m;
    wg_buf text;
    wg_error *err;
} formatter;

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static bool put_number(formatter *f, int64_t n, uint32_t width) {
    const bool below = n < 0;
    const uint64_t size = below ? UINT64_C(0) - (uint64_t)n : (uint64_t)n;
    return (!below || wg_buf_append_str(&f->text, "-")) &&
           wg_buf_printf(&f->text, "%0*llu", (int)width, (unsigned long long)size);
}

/* Up to three letters: short; four: whole; five: the first letter. */
static bool put_name(formatter *f, const char *name, uint32_t width) {
    const size_t size = width == 4 ? strlen(name) : width == 5 ? 1 : 3;
    return wg_buf_append(&f->text, name, size);
}

/* +01, +0100, +01:00; `zulu`: Z for none. */
static bool put_offset(formatter *f, uint32_t width, bool zulu) {
    const int32_t offset = f->m.offset;
    const int32_t size = offset < 0 ? -offset : offset;
    if (zulu && offset == 0) return wg_buf_append_str(&f->text, "Z");
    const int minutes = size / 60 % 60, seconds = size % 60;
    const bool colon = width == 3 || width == 5;
    bool ok = wg_buf_printf(&f->text, "%c%02d", offset < 0 ? '-' : '+', (int)(size / 3600));
    if (width > 1 || minutes != 0) ok = ok && wg_buf_printf(&f->text, "%s%02d", colon ? ":" : "", minutes);
    if (width > 3 && seconds != 0) ok = ok && wg_buf_printf(&f->text, "%s%02d", colon ? ":" : "", seconds);
    return ok;
}

static bool date_field(formatter *f, uint8_t letter, uint32_t width) {
    int64_t year, week_year;
    uint32_t month, day, week, week_day;
    wg_civil_from_days(f->m.days, &year, &month, &day);
    wgi_week_of(f->m.days, &week_year, &week, &week_day);
    const int64_t of_era = year <= 0 ? 1 - year : year;
    switch (letter) {
        case 'u':
            return width == 2 ? put_number(f, (year % 100 + 100) % 100, 2) : put_number(f, year, width);
        case 'y':
            return width == 2 ? put_number(f, of_era % 100, 2) : put_number(f, of_era, width);
        case 'Y':
            return width == 2 ? put_number(f, (week_year % 100 + 100) % 100, 2) : put_number(f, week_year, width);
        case 'G':
            return wg_buf_append_str(&f->text, year <= 0 ? "BC" : "AD");
        case 'M':
        case 'L':
            return width < 3 ? put_number(f, month, width) : put_name(f, months[month - 1], width);
        case 'd':
            return put_number(f, day, width);
        case 'D':
            return put_number(f, f->m.days - wg_days_from_civil(year, 1, 1) + 1, width);
        case 'Q':
        case 'q':
            return width < 3 ? put_number(f, (month + 2) / 3, width)
                             : wg_buf_printf(&f->text, "Q%u", (month + 2) / 3);
        case 'w':
            return put_number(f, week, width);
        case 'E':
            return put_name(f, days[week_day - 1], width);
        default: /* e */
            return width < 3 ? put_number(f, week_day, width) : put_name(f, days[week_day - 1], width);
    }
}

static bool clock_field(formatter *f, uint8_t letter, uint32_t width) {
    const int64_t seconds = f->m.clock / WGI_SECOND_NS, ns = f->m.clock % WGI_SECOND_NS;
    const int64_t hour = seconds / 3600;
    switch (letter) {
        case 'H':
            return put_number(f, hour, width);
        case 'k':
            return put_number(f, hour == 0 ? 24 : hour, width);
        case 'K':
            return put_number(f, hour % 12, width);
        case 'h':
            return put_number(f, hour % 12 == 0 ? 12 : hour % 12, width);
        case 'a':
            return wg_buf_append_str(&f->text, hour < 12 ? "AM" : "PM");
        case 'm':
            return put_number(f, seconds / 60 % 60, width);
        case 's':
            return put_number(f, seconds % 60, width);
        case 'S': {
            int64_t rest = ns;
            bool ok = true;
            for (uint32_t k = 0; k < width && ok; k++, rest = rest % 100000000 * 10)
                ok = wg_buf_append_u8(&f->text, (uint8_t)('0' + rest / 100000000));
            return ok;
        }
        case 'A':
            return put_number(f, f->m.clock / 1000000, width);
        case 'N':
            return put_number(f, f->m.clock, width);
        default: /* n */
            return put_number(f, ns, width);
    }
}

static bool zone_field(formatter *f, uint8_t letter, uint32_t width) {
    if ((letter == 'V' || letter == 'z') && f->m.has_zone)
        return wg_buf_append_str(&f->text, wg_zone_name(f->m.zone));
    if (letter == 'V' || letter == 'z') return put_offset(f, 3, true);
    if (letter == 'O') {
        if (!wg_buf_append_str(&f->text, "GMT")) return false;
        return f->m.offset == 0 || put_offset(f, width == 4 ? 3 : 1, false);
    }
    if (letter == 'Z')
        return width == 4 ? wg_buf_append_str(&f->text, "GMT") && put_offset(f, 3, false)
                          : put_offset(f, width == 5 ? 5 : 2, false);
    return put_offset(f, width, letter == 'X');
}

static wg_code put_field(formatter *f, uint8_t letter, uint32_t width) {
    static const char date_letters[] = "uyYGMLdDQqwEe", clock_letters[] = "HkKhamsSANn", zone_letters[] = "VzOZXx";
    const uint64_t offset = f->call->offset;
    const bool date = strchr(date_letters, letter) != NULL, clock = strchr(clock_letters, letter) != NULL;
    const bool zone = strchr(zone_letters, letter) != NULL;
    if (!date && !clock && !zone)
        return wg_error_set(f->err, WG_E_VALUE, offset, "format: '%c' is no field: put text between ' '", letter);
    if (width > FIELD_WIDTH_MAX)
        return wg_error_set(f->err, WG_E_LIMIT, offset, "format: a field of '%c' is wider than %d", letter,
                            (int)FIELD_WIDTH_MAX);
    if ((date && !f->m.has_date) || (clock && !f->m.has_clock) || (zone && !f->m.has_offset && !f->m.has_zone))
        return wg_error_set(f->err, WG_E_VALUE, offset, "format: the value has nothing for the field '%c'", letter);
    const bool ok = date    ? date_field(f, letter, width)
                    : clock ? clock_field(f, letter, width)
                            : zone_field(f, letter, width);
    return ok ? WG_OK : wg_error_nomem(f->err, f->text.size);
}

/* Text between quotes, from the first one on; '' is a quote. */
static wg_code put_quoted(formatter *f, wg_slice pattern, size_t *at) {
    size_t i = *at + 1;
    bool ok = true;
    if (i < pattern.size && pattern.data[i] == '\'') {
        *at = i + 1;
        return wg_buf_append_str(&f->text, "'") ? WG_OK : wg_error_nomem(f->err, 1);
    }
    for (; i < pattern.size && ok; i++) {
        const bool quote = pattern.data[i] == '\'';
        const bool twice = quote && i + 1 < pattern.size && pattern.data[i + 1] == '\'';
        if (quote && !twice) break;
        i += twice;
        ok = wg_buf_append_u8(&f->text, pattern.data[i]);
    }
    if (ok && i == pattern.size)
        return wg_error_set(f->err, WG_E_VALUE, f->call->offset, "format: the text behind ' does not end");
    *at = i + 1;
    return ok ? WG_OK : wg_error_nomem(f->err, f->text.size);
}

static wg_code put_pattern(formatter *f, wg_slice pattern) {
    for (size_t i = 0; i < pattern.size;) {
        const uint8_t c = pattern.data[i];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        size_t end = i + 1;
        if (c == '\'') {
            WG_TRY(put_quoted(f, pattern, &i));
            continue;
        }
        while (letter && end < pattern.size && pattern.data[end] == c) end++;
        if (letter) WG_TRY(put_field(f, c, (uint32_t)wg_min_size(end - i, UINT32_MAX)));
        else if (!wg_buf_append_u8(&f->text, c)) return wg_error_nomem(f->err, f->text.size);
        i = end;
    }
    return WG_OK;
}

static wg_code give(wgi_call *call, const wg_buf *text, wg_value *out, wg_error *err) {
    if (text->size > UINT32_MAX) return wg_error_set(err, WG_E_LIMIT, call->offset, "a string longer than 4 GiB");
    const void *copy = text->size == 0 ? "" : wg_arena_copy(&call->eval->arena, text->data, text->size);
    if (copy == NULL) return wg_error_nomem(err, text->size);
    *out = wg_value_str(wg_slice_of(copy, text->size));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_format) {
    formatter f = {.call = call, .err = err};
    if (arg_count == 1) return wgi_fn_to_string(call, args, arg_count, out, err);
    if (!wgi_moment_of(&args[0], &f.m))
        return wg_error_set(err, WG_E_TYPE, call->offset,
                            "format takes a date or a time with its pattern, not a value of type %s",
                            wg_type_name((wg_type)args[0].type));
    if (args[1].type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, call->offset, "format takes a STRING as its pattern, not %s",
                            wg_type_name((wg_type)args[1].type));
    wg_buf_init(&f.text, call->eval->context->account);
    wg_code code = put_pattern(&f, wg_value_slice(&args[1]));
    if (code == WG_OK) code = give(call, &f.text, out, err);
    wg_buf_deinit(&f.text);
    return code;
}

/* Nulls in the list are left out. */
WGI_ROW_FN(wgi_fn_string_join) {
    (void)arg_count;
    if (args[0].type != WG_TYPE_LIST || args[1].type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, call->offset, "string.join takes a LIST of STRING and a STRING");
    wg_buf text;
    wg_buf_init(&text, call->eval->context->account);
    wg_code code = WG_OK;
    bool first = true;
    for (uint32_t i = 0; i < args[0].size && code == WG_OK; i++) {
        const wg_value *v = &args[0].as.list[i];
        if (v->type == WG_TYPE_NULL) continue;
        if (v->type != WG_TYPE_STRING)
            code = wg_error_set(err, WG_E_TYPE, call->offset, "string.join joins STRINGs, element %u is %s", i,
                                wg_type_name((wg_type)v->type));
        else if (!(first || wg_buf_append(&text, args[1].as.s, args[1].size)) ||
                 !wg_buf_append(&text, v->as.s, v->size))
            code = wg_error_nomem(err, text.size);
        first = false;
    }
    if (code == WG_OK) code = give(call, &text, out, err);
    wg_buf_deinit(&text);
    return code;
}
