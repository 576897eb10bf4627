/* Row functions over strings. Positions and lengths count Unicode scalar values. Results that are a part of the argument share its
 * bytes. */
#include "base/text/text.h"
#include "base/unicode/unicode.h"
#include "exec/exec_functions.h"

static wg_code need_strings(const wgi_call *call, const wg_value *args, uint32_t n, wg_error *err) {
    for (uint32_t i = 0; i < n; i++)
        if (args[i].type != WG_TYPE_STRING)
            return wg_error_set(err, WG_E_TYPE, call->offset, "%s takes a STRING, not a value of type %s",
                                call->function->name, wg_type_name((wg_type)args[i].type));
    return WG_OK;
}

static wg_code need_count(const wgi_call *call, const wg_value *v, wg_error *err) {
    if (v->type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_TYPE, call->offset, "%s takes an INT, not a value of type %s",
                            call->function->name, wg_type_name((wg_type)v->type));
    if (v->as.i < 0)
        return wg_error_set(err, WG_E_VALUE, call->offset, "%s: positions and lengths must not be negative",
                            call->function->name);
    return WG_OK;
}

/* Byte offset of character `index`, the end when there are fewer. */
static size_t byte_of(wg_slice s, uint64_t index) {
    size_t i = 0;
    while (i < s.size && index > 0) {
        i++;
        while (i < s.size && (s.data[i] & 0xc0) == 0x80) i++;
        index--;
    }
    return i;
}

static wg_value part(wg_slice s, size_t from, size_t to) {
    return wg_value_str(wg_slice_of(s.data + from, to - from));
}

/* ---- case and normal forms */

static wg_code give_text(wgi_call *call, wg_buf *text, bool made, wg_value *out, wg_error *err) {
    const bool fits = text->size <= UINT32_MAX;
    const void *copy = made && fits ? wg_arena_copy(&call->eval->arena, text->data, text->size) : NULL;
    if (copy != NULL || (made && text->size == 0)) *out = wg_value_str(wg_slice_of(copy, text->size));
    const bool done = copy != NULL || (made && text->size == 0);
    const size_t size = text->size;
    wg_buf_deinit(text);
    if (!fits) return wg_error_set(err, WG_E_LIMIT, call->offset, "a string longer than 4 GiB");
    return done ? WG_OK : wg_error_nomem(err, size);
}

static wg_code change_case(wgi_call *call, const wg_value *v, bool up, wg_value *out, wg_error *err) {
    WG_TRY(need_strings(call, v, 1, err));
    wg_buf text;
    wg_buf_init(&text, call->eval->context->account);
    const bool made = wg_unicode_change_case(wg_value_slice(v), up, &text);
    return give_text(call, &text, made, out, err);
}

/* normalize(text, form) and isNormalized(text, form): NFC where no form is given. */
WGI_ROW_FN(wgi_fn_normalize) {
    WG_TRY(need_strings(call, args, arg_count, err));
    wg_unicode_form form = WG_UNICODE_NFC;
    if (arg_count == 2 && !wg_unicode_form_of(wg_value_slice(&args[1]), &form))
        return wg_error_set(err, WG_E_VALUE, call->offset, "%s: the form must be NFC, NFD, NFKC or NFKD",
                            call->function->name);
    wg_buf text;
    wg_buf_init(&text, call->eval->context->account);
    const bool made = wg_unicode_normalize(wg_value_slice(&args[0]), form, &text);
    if (!made || strcmp(call->function->name, "normalize") == 0) return give_text(call, &text, made, out, err);
    *out = wg_value_bool(wg_slice_equal(wg_buf_slice(&text), wg_value_slice(&args[0])));
    wg_buf_deinit(&text);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_to_upper) {
    (void)arg_count;
    return change_case(call, &args[0], true, out, err);
}

WGI_ROW_FN(wgi_fn_to_lower) {
    (void)arg_count;
    return change_case(call, &args[0], false, out, err);
}

/* ---- trimming */

/* What Cypher's grammar calls white space, as UTF-8. */
static bool is_space(wg_slice c) {
    static const char wide[] =
        "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
        "\u202f\u205f\u3000";
    if (c.size == 1)
        return c.data[0] == ' ' || (c.data[0] >= '\t' && c.data[0] <= '\r') ||
               (c.data[0] >= 0x1c && c.data[0] <= 0x1f);
    return memmem(wide, sizeof wide - 1, c.data, c.size) != NULL;
}

/* One of the characters of `set`, or white space when that has no data. UTF-8 finds itself only at whole characters. */
static bool goes(wg_slice c, wg_slice set) {
    return set.data == NULL ? is_space(c) : memmem(set.data, set.size, c.data, c.size) != NULL;
}

/* args: the text, and the characters that go. */
static wg_code trim_text(wgi_call *call, const wg_value *args, uint32_t arg_count, int ends, wg_value *out,
                         wg_error *err) {
    WG_TRY(need_strings(call, args, arg_count, err));
    const wg_slice s = wg_value_slice(&args[0]);
    wg_slice set = {0};
    if (arg_count == 2) set = args[1].size != 0 ? wg_value_slice(&args[1]) : wg_slice_str("");
    size_t from = 0;
    size_t to = s.size;
    while ((ends & 1) != 0 && from < to) {
        const size_t bytes = byte_of(wg_slice_of(s.data + from, to - from), 1);
        if (!goes(wg_slice_of(s.data + from, bytes), set)) break;
        from += bytes;
    }
    while ((ends & 2) != 0 && to > from) {
        size_t at = to - 1;
        while (at > from && (s.data[at] & 0xc0) == 0x80) at--;
        if (!goes(wg_slice_of(s.data + at, to - at), set)) break;
        to = at;
    }
    *out = part(s, from, to);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_trim) { return trim_text(call, args, arg_count, 3, out, err); }
WGI_ROW_FN(wgi_fn_ltrim) { return trim_text(call, args, arg_count, 1, out, err); }
WGI_ROW_FN(wgi_fn_rtrim) { return trim_text(call, args, arg_count, 2, out, err); }

/* ---- parts */

WGI_ROW_FN(wgi_fn_substring) {
    WG_TRY(need_strings(call, args, 1, err));
    for (uint32_t k = 1; k < arg_count; k++) WG_TRY(need_count(call, &args[k], err));
    const wg_slice s = wg_value_slice(&args[0]);
    const size_t from = byte_of(s, (uint64_t)args[1].as.i);
    const wg_slice rest = wg_slice_of(s.data + from, s.size - from);
    const size_t bytes = arg_count == 3 ? byte_of(rest, (uint64_t)args[2].as.i) : rest.size;
    *out = part(rest, 0, bytes);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_left) {
    (void)arg_count;
    WG_TRY(need_strings(call, args, 1, err));
    WG_TRY(need_count(call, &args[1], err));
    const wg_slice s = wg_value_slice(&args[0]);
    *out = part(s, 0, byte_of(s, (uint64_t)args[1].as.i));
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_right) {
    (void)arg_count;
    WG_TRY(need_strings(call, args, 1, err));
    WG_TRY(need_count(call, &args[1], err));
    const wg_slice s = wg_value_slice(&args[0]);
    const uint64_t count = wg_utf8_count(s);
    const uint64_t wanted = (uint64_t)args[1].as.i;
    *out = part(s, byte_of(s, count > wanted ? count - wanted : 0), s.size);
    return WG_OK;
}

static bool find(wg_slice s, wg_slice what, size_t from, size_t *out) {
    if (s.size - from < what.size) return false;
    const uint8_t *at = memmem(s.data + from, s.size - from, what.data, what.size);
    if (at == NULL) return false;
    *out = (size_t)(at - s.data);
    return true;
}

WGI_ROW_FN(wgi_fn_replace) {
    WG_TRY(need_strings(call, args, arg_count, err));
    const wg_slice s = wg_value_slice(&args[0]);
    const wg_slice what = wg_value_slice(&args[1]);
    const wg_slice with = wg_value_slice(&args[2]);
    size_t hits = 0;
    size_t at = 0;
    for (size_t from = 0; what.size != 0 && find(s, what, from, &at); from = at + what.size) hits++;
    *out = args[0];
    if (hits == 0) return WG_OK;
    size_t grown;
    if (!wg_mul_size(hits, with.size, &grown) || !wg_add_size(grown, s.size - hits * what.size, &grown) ||
        grown > UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, call->offset, "replace(): a string longer than 4 GiB");
    uint8_t *text = wg_arena_alloc(&call->eval->arena, grown + 1);
    if (text == NULL) return wg_error_nomem(err, grown);
    size_t to = 0;
    size_t from = 0;
    while (find(s, what, from, &at)) {
        memcpy(text + to, s.data + from, at - from);
        to += at - from;
        if (with.size != 0) memcpy(text + to, with.data, with.size);
        to += with.size;
        from = at + what.size;
    }
    memcpy(text + to, s.data + from, s.size - from);
    *out = wg_value_str(wg_slice_of(text, grown));
    return WG_OK;
}

/* A separator and its next place, so that a text is searched once for each. */
typedef struct separator {
    wg_slice text;
    size_t at; /* SIZE_MAX: there is none */
} separator;

/* Where the first of the separators stands from `from` on: the one listed first where several do. Empty ones count after one character. */
static separator *next_separator(wg_slice s, separator *separators, uint32_t count, size_t from) {
    separator *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        separator *one = &separators[i];
        if (one->text.size == 0) {
            one->at = from + byte_of(wg_slice_of(s.data + from, s.size - from), 1);
            if (one->at >= s.size) one->at = SIZE_MAX;
        } else if (one->at < from && !find(s, one->text, from, &one->at)) {
            one->at = SIZE_MAX;
        }
        if (one->at != SIZE_MAX && (best == NULL || one->at < best->at)) best = one;
    }
    return best;
}

static wg_code take_separators(wgi_call *call, const wg_value *v, separator **out, uint32_t *out_count,
                               wg_error *err) {
    const bool list = v->type == WG_TYPE_LIST;
    const wg_value *from = list ? v->as.list : v;
    const uint32_t n = list ? v->size : 1;
    WG_TRY(need_strings(call, from, n, err));
    separator *separators = wg_arena_alloc(&call->eval->arena, n * sizeof *separators + 1);
    if (separators == NULL) return wg_error_nomem(err, n * sizeof *separators);
    for (uint32_t i = 0; i < n; i++) separators[i].text = wg_value_slice(&from[i]);
    *out = separators;
    *out_count = n;
    return WG_OK;
}

/* The pieces of the text; only counted when `items` is NULL. */
static size_t split_pieces(wg_slice s, separator *separators, uint32_t count, wg_value *items) {
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        if (separators[i].text.size != 0 && !find(s, separators[i].text, 0, &separators[i].at))
            separators[i].at = SIZE_MAX;
    for (size_t from = 0;;) {
        const separator *next = next_separator(s, separators, count, from);
        if (items != NULL) items[n] = part(s, from, next != NULL ? next->at : s.size);
        n++;
        if (next == NULL) return n;
        from = next->at + next->text.size;
    }
}

WGI_ROW_FN(wgi_fn_split) {
    (void)arg_count;
    separator *separators = NULL;
    uint32_t count = 0;
    WG_TRY(need_strings(call, args, 1, err));
    WG_TRY(take_separators(call, &args[1], &separators, &count, err));
    const wg_slice s = wg_value_slice(&args[0]);
    const size_t n = split_pieces(s, separators, count, NULL);
    wg_value *items = wg_arena_alloc(&call->eval->arena, n * sizeof *items);
    if (items == NULL) return wg_error_nomem(err, n * sizeof *items);
    (void)split_pieces(s, separators, count, items);
    *out = (wg_value){.type = WG_TYPE_LIST, .size = (uint32_t)n};
    out->as.list = items;
    return WG_OK;
}
