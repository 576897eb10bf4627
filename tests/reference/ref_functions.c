/* tests/reference: functions. Nearly all of them are null when an argument is null; the table says which are not. */
#include <math.h>

#include "base/text/text.h"
#include "tests/reference/reference.h"

typedef struct call {
    ref_ctx *ctx;
    const char *name;
    const wg_value *a;
    size_t n;
} call;

_Noreturn static void wrong(const call *c, size_t i) {
    ref_fail(c->ctx, WG_E_TYPE, "%s() of %s", c->name, wg_type_name((wg_type)c->a[i].type));
}

static bool is(const call *c, size_t i, wg_type type) { return c->a[i].type == type; }
static bool number_at(const call *c, size_t i) { return is(c, i, WG_TYPE_INT) || is(c, i, WG_TYPE_FLOAT); }

static double number(const call *c, size_t i) {
    if (!number_at(c, i)) wrong(c, i);
    return is(c, i, WG_TYPE_INT) ? (double)c->a[i].as.i : c->a[i].as.f;
}

static int64_t integer(const call *c, size_t i) {
    if (!is(c, i, WG_TYPE_INT)) wrong(c, i);
    return c->a[i].as.i;
}

static wg_slice string(const call *c, size_t i) {
    if (!is(c, i, WG_TYPE_STRING)) wrong(c, i);
    return ref_slice(&c->a[i]);
}

static const wg_value *list(const call *c, size_t i) {
    if (!is(c, i, WG_TYPE_LIST)) wrong(c, i);
    return &c->a[i];
}

/* ---- entities and paths */

static wg_value fn_id(const call *c) {
    if (is(c, 0, WG_TYPE_NODE)) return ref_int((int64_t)((const ref_node *)c->a[0].as.ptr)->id);
    if (!is(c, 0, WG_TYPE_EDGE)) wrong(c, 0);
    return ref_int((int64_t)((const ref_edge *)c->a[0].as.ptr)->id);
}

static wg_value fn_labels(const call *c) {
    if (!is(c, 0, WG_TYPE_NODE)) wrong(c, 0);
    const ref_node *n = c->a[0].as.ptr;
    if (n->deleted) ref_fail(c->ctx, WG_E_NOT_FOUND, "labels of a deleted node");
    wg_value *items = ref_alloc(c->ctx->arena, n->label_count, sizeof *items);
    for (uint32_t i = 0; i < n->label_count; i++) items[i] = ref_string(n->labels[i]);
    return ref_list(items, n->label_count);
}

static wg_value fn_type(const call *c) {
    if (!is(c, 0, WG_TYPE_EDGE)) wrong(c, 0);
    return ref_string(((const ref_edge *)c->a[0].as.ptr)->type);
}

static wg_value end_of(const call *c, bool to) {
    if (!is(c, 0, WG_TYPE_EDGE)) wrong(c, 0);
    const ref_edge *e = c->a[0].as.ptr;
    wg_value v = {.type = WG_TYPE_NODE};
    v.as.ptr = to ? e->to : e->from;
    return v;
}
static wg_value fn_start_node(const call *c) { return end_of(c, false); }
static wg_value fn_end_node(const call *c) { return end_of(c, true); }

static wg_value fn_properties(const call *c) {
    wg_value v = {.type = WG_TYPE_MAP};
    if (is(c, 0, WG_TYPE_MAP)) return c->a[0];
    if (is(c, 0, WG_TYPE_NODE)) {
        const ref_node *n = c->a[0].as.ptr;
        if (n->deleted) ref_fail(c->ctx, WG_E_NOT_FOUND, "properties of a deleted node");
        v.size = n->property_count;
        v.as.map = n->properties;
    } else if (is(c, 0, WG_TYPE_EDGE)) {
        const ref_edge *e = c->a[0].as.ptr;
        if (e->deleted) ref_fail(c->ctx, WG_E_NOT_FOUND, "properties of a deleted relationship");
        v.size = e->property_count;
        v.as.map = e->properties;
    } else {
        wrong(c, 0);
    }
    return v;
}

static wg_value fn_keys(const call *c) {
    const wg_value map = fn_properties(c);
    wg_value *items = ref_alloc(c->ctx->arena, map.size, sizeof *items);
    for (uint32_t i = 0; i < map.size; i++)
        items[i] = ref_string(wg_slice_of(map.as.map[i].key, map.as.map[i].key_size));
    return ref_list(items, map.size);
}

static wg_value part_of_path(const call *c, wg_type type) {
    if (!is(c, 0, WG_TYPE_PATH)) wrong(c, 0);
    wg_value *items = ref_alloc(c->ctx->arena, c->a[0].size, sizeof *items);
    size_t n = 0;
    for (uint32_t i = 0; i < c->a[0].size; i++)
        if (c->a[0].as.list[i].type == type) items[n++] = c->a[0].as.list[i];
    return ref_list(items, n);
}
static wg_value fn_nodes(const call *c) { return part_of_path(c, WG_TYPE_NODE); }
static wg_value fn_relationships(const call *c) { return part_of_path(c, WG_TYPE_EDGE); }

static wg_value fn_length(const call *c) {
    if (!is(c, 0, WG_TYPE_PATH)) wrong(c, 0);
    return ref_int(c->a[0].size / 2);
}

/* ---- lists */

static wg_value fn_size(const call *c) {
    if (is(c, 0, WG_TYPE_STRING)) return ref_int((int64_t)wg_utf8_count(ref_slice(&c->a[0])));
    return ref_int(list(c, 0)->size);
}
static wg_value fn_head(const call *c) { return list(c, 0)->size > 0 ? c->a[0].as.list[0] : ref_null(); }
static wg_value fn_last(const call *c) {
    return list(c, 0)->size > 0 ? c->a[0].as.list[c->a[0].size - 1] : ref_null();
}
static wg_value fn_tail(const call *c) {
    return list(c, 0)->size > 0 ? ref_list(c->a[0].as.list + 1, c->a[0].size - 1) : c->a[0];
}

static wg_value fn_range(const call *c) {
    const int64_t from = integer(c, 0), to = integer(c, 1), by = c->n > 2 ? integer(c, 2) : 1;
    if (by == 0) ref_fail(c->ctx, WG_E_VALUE, "range() with a step of 0");
    size_t n = 0;
    for (int64_t i = from; by > 0 ? i <= to : i >= to; n++) {
        if (n > 1000000) ref_fail(c->ctx, WG_E_LIMIT, "a long range");
        if (__builtin_add_overflow(i, by, &i)) break;
    }
    wg_value *items = ref_alloc(c->ctx->arena, n + 1, sizeof *items);
    for (size_t i = 0; i < n; i++) items[i] = ref_int(from + (int64_t)i * by);
    return ref_list(items, n);
}

/* ---- strings: places count characters */

static size_t place(wg_slice s, int64_t characters) {
    size_t i = 0;
    while (i < s.size && characters > 0) {
        i++;
        while (i < s.size && (s.data[i] & 0xc0) == 0x80) i++;
        characters--;
    }
    return i;
}

static wg_value part(const call *c, int64_t from, int64_t count) {
    const wg_slice s = string(c, 0);
    if (from < 0 || count < 0) ref_fail(c->ctx, WG_E_VALUE, "%s() with a negative number", c->name);
    const size_t a = place(s, from);
    const wg_slice rest = wg_slice_of(s.data + a, s.size - a);
    return ref_string(wg_slice_of(rest.data, place(rest, count)));
}
static wg_value fn_substring(const call *c) { return part(c, integer(c, 1), c->n > 2 ? integer(c, 2) : INT64_MAX); }
static wg_value fn_left(const call *c) { return part(c, 0, integer(c, 1)); }
static wg_value fn_right(const call *c) {
    const int64_t size = (int64_t)wg_utf8_count(string(c, 0)), n = integer(c, 1);
    if (n < 0) ref_fail(c->ctx, WG_E_VALUE, "right() with a negative number");
    return part(c, n > size ? 0 : size - n, INT64_MAX);
}

static wg_value fn_reverse(const call *c) {
    if (is(c, 0, WG_TYPE_LIST)) {
        wg_value *items = ref_alloc(c->ctx->arena, c->a[0].size, sizeof *items);
        for (uint32_t i = 0; i < c->a[0].size; i++) items[i] = c->a[0].as.list[c->a[0].size - 1 - i];
        return ref_list(items, c->a[0].size);
    }
    const wg_slice s = string(c, 0);
    uint8_t *text = ref_alloc(c->ctx->arena, s.size, 1);
    for (size_t i = 0; i < s.size;) {
        const size_t size = place(wg_slice_of(s.data + i, s.size - i), 1);
        memcpy(text + s.size - i - size, s.data + i, size);
        i += size;
    }
    return ref_string(wg_slice_of(text, s.size));
}

static wg_value change_case(const call *c, uint8_t first, uint8_t last) {
    const wg_slice s = string(c, 0);
    uint8_t *text = ref_alloc(c->ctx->arena, s.size, 1);
    for (size_t i = 0; i < s.size; i++)
        text[i] = s.data[i] >= first && s.data[i] <= last ? (uint8_t)(s.data[i] ^ 0x20) : s.data[i];
    return ref_string(wg_slice_of(text, s.size));
}
static wg_value fn_to_upper(const call *c) { return change_case(c, 'a', 'z'); }
static wg_value fn_to_lower(const call *c) { return change_case(c, 'A', 'Z'); }

static wg_value strip(const call *c, bool left, bool right) {
    wg_slice s = string(c, 0);
    while (left && s.size > 0 && s.data[0] == ' ') s = wg_slice_of(s.data + 1, s.size - 1);
    while (right && s.size > 0 && s.data[s.size - 1] == ' ') s.size--;
    return ref_string(s);
}
static wg_value fn_trim(const call *c) { return strip(c, true, true); }
static wg_value fn_ltrim(const call *c) { return strip(c, true, false); }
static wg_value fn_rtrim(const call *c) { return strip(c, false, true); }

static bool at(wg_slice s, size_t i, wg_slice part_of) {
    return i + part_of.size <= s.size && wg_slice_equal(wg_slice_of(s.data + i, part_of.size), part_of);
}

static wg_value fn_replace(const call *c) {
    const wg_slice s = string(c, 0), old = string(c, 1), new = string(c, 2);
    if (old.size == 0) return c->a[0];
    uint8_t *text = ref_alloc(c->ctx->arena, (s.size + 1) * (new.size + 1), 1);
    size_t n = 0;
    for (size_t i = 0; i < s.size;) {
        const bool hit = at(s, i, old);
        const wg_slice piece = hit ? new : wg_slice_of(s.data + i, 1);
        if (piece.size > 0) memcpy(text + n, piece.data, piece.size);
        n += piece.size;
        i += hit ? old.size : 1;
    }
    return ref_string(wg_slice_of(text, n));
}

static wg_value fn_split(const call *c) {
    const wg_slice s = string(c, 0), by = string(c, 1);
    wg_value *items = ref_alloc(c->ctx->arena, s.size + 2, sizeof *items);
    size_t n = 0, from = 0;
    for (size_t i = 0; by.size > 0 && i < s.size;) {
        if (!at(s, i, by)) {
            i++;
            continue;
        }
        items[n++] = ref_string(wg_slice_of(s.data + from, i - from));
        i += by.size;
        from = i;
    }
    items[n++] = ref_string(wg_slice_of(s.data + from, s.size - from));
    return ref_list(items, n);
}

/* ---- conversions */

static wg_value whole(double f) {
    if (!(f > -0x1p63 && f < 0x1p63)) return ref_null();
    return ref_int((int64_t)f);
}

static wg_value fn_to_integer(const call *c) {
    int64_t i;
    double f;
    if (is(c, 0, WG_TYPE_INT)) return c->a[0];
    if (is(c, 0, WG_TYPE_BOOL)) return ref_int(c->a[0].as.b);
    if (is(c, 0, WG_TYPE_FLOAT)) {
        const wg_value v = whole(c->a[0].as.f);
        if (v.type == WG_TYPE_NULL) ref_fail(c->ctx, WG_E_VALUE, "no INT holds this FLOAT");
        return v;
    }
    const wg_slice s = string(c, 0);
    if (wg_parse_i64(s, &i)) return ref_int(i);
    return wg_parse_f64(s, &f) ? whole(f) : ref_null();
}

static wg_value fn_to_float(const call *c) {
    double f;
    if (number_at(c, 0)) return ref_float(number(c, 0));
    return wg_parse_f64(string(c, 0), &f) ? ref_float(f) : ref_null();
}

static wg_value fn_to_boolean(const call *c) {
    if (is(c, 0, WG_TYPE_BOOL)) return c->a[0];
    if (is(c, 0, WG_TYPE_INT)) return ref_bool(c->a[0].as.i != 0);
    const wg_value lower = fn_to_lower(c);
    if (wg_slice_is(ref_slice(&lower), "true")) return ref_bool(1);
    return wg_slice_is(ref_slice(&lower), "false") ? ref_bool(0) : ref_null();
}

static wg_value fn_to_string(const call *c) {
    char text[40];
    size_t n;
    if (is(c, 0, WG_TYPE_STRING)) return c->a[0];
    if (ref_is_temporal(&c->a[0])) return ref_temporal_text(c->ctx, &c->a[0]);
    if (is(c, 0, WG_TYPE_BOOL)) return ref_string(wg_slice_str(c->a[0].as.b ? "true" : "false"));
    if (is(c, 0, WG_TYPE_INT)) n = wg_format_i64(c->a[0].as.i, text);
    else if (is(c, 0, WG_TYPE_FLOAT)) n = wg_format_f64(c->a[0].as.f, text);
    else wrong(c, 0);
    void *copy = ref_alloc(c->ctx->arena, n, 1);
    memcpy(copy, text, n);
    return ref_string(wg_slice_of(copy, n));
}

/* ---- numbers */

static wg_value fn_abs(const call *c) {
    if (!is(c, 0, WG_TYPE_INT)) return ref_float(fabs(number(c, 0)));
    if (c->a[0].as.i == INT64_MIN) ref_fail(c->ctx, WG_E_VALUE, "integer overflow");
    return ref_int(c->a[0].as.i < 0 ? -c->a[0].as.i : c->a[0].as.i);
}
static wg_value fn_sign(const call *c) { return ref_int((number(c, 0) > 0) - (number(c, 0) < 0)); }
static wg_value fn_ceil(const call *c) { return ref_float(ceil(number(c, 0))); }
static wg_value fn_floor(const call *c) { return ref_float(floor(number(c, 0))); }
static wg_value fn_round(const call *c) { return ref_float(floor(number(c, 0) + 0.5)); }
static wg_value fn_sqrt(const call *c) { return ref_float(sqrt(number(c, 0))); }
static wg_value fn_rand(const call *c) {
    (void)c;
    return ref_float(0.5);
}

static wg_value fn_coalesce(const call *c) {
    for (size_t i = 0; i < c->n; i++)
        if (!is(c, i, WG_TYPE_NULL)) return c->a[i];
    return ref_null();
}
static wg_value fn_exists(const call *c) { return ref_bool(!is(c, 0, WG_TYPE_NULL)); }

static const struct {
    const char *name;
    size_t least, most;
    bool takes_null;
    wg_value (*fn)(const call *c);
} functions[] = {
    {"id", 1, 1, false, fn_id},
    {"labels", 1, 1, false, fn_labels},
    {"type", 1, 1, false, fn_type},
    {"startnode", 1, 1, false, fn_start_node},
    {"endnode", 1, 1, false, fn_end_node},
    {"properties", 1, 1, false, fn_properties},
    {"keys", 1, 1, false, fn_keys},
    {"nodes", 1, 1, false, fn_nodes},
    {"relationships", 1, 1, false, fn_relationships},
    {"length", 1, 1, false, fn_length},
    {"size", 1, 1, false, fn_size},
    {"head", 1, 1, false, fn_head},
    {"last", 1, 1, false, fn_last},
    {"tail", 1, 1, false, fn_tail},
    {"range", 2, 3, false, fn_range},
    {"substring", 2, 3, false, fn_substring},
    {"left", 2, 2, false, fn_left},
    {"right", 2, 2, false, fn_right},
    {"reverse", 1, 1, false, fn_reverse},
    {"toupper", 1, 1, false, fn_to_upper},
    {"tolower", 1, 1, false, fn_to_lower},
    {"trim", 1, 1, false, fn_trim},
    {"ltrim", 1, 1, false, fn_ltrim},
    {"rtrim", 1, 1, false, fn_rtrim},
    {"replace", 3, 3, false, fn_replace},
    {"split", 2, 2, false, fn_split},
    {"tointeger", 1, 1, false, fn_to_integer},
    {"tofloat", 1, 1, false, fn_to_float},
    {"toboolean", 1, 1, false, fn_to_boolean},
    {"tostring", 1, 1, false, fn_to_string},
    {"abs", 1, 1, false, fn_abs},
    {"sign", 1, 1, false, fn_sign},
    {"ceil", 1, 1, false, fn_ceil},
    {"floor", 1, 1, false, fn_floor},
    {"round", 1, 1, false, fn_round},
    {"sqrt", 1, 1, false, fn_sqrt},
    {"rand", 0, 0, false, fn_rand},
    {"coalesce", 1, SIZE_MAX, true, fn_coalesce},
    {"exists", 1, 1, true, fn_exists},
};

wg_value ref_call(ref_ctx *ctx, wg_slice name, const wg_value *args, size_t count) {
    wg_value moment;
    if (ref_temporal_call(ctx, name, args, count, &moment)) return moment;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (!wg_slice_is(name, functions[i].name)) continue;
        if (count < functions[i].least || count > functions[i].most) break;
        for (size_t k = 0; k < count && !functions[i].takes_null; k++)
            if (args[k].type == WG_TYPE_NULL) return ref_null();
        const call c = {ctx, functions[i].name, args, count};
        return functions[i].fn(&c);
    }
    ref_fail(ctx, WG_E_BIND, "no function %.*s with %zu arguments", (int)name.size, (const char *)name.data, count);
}
