/* JSON text to values through jansson. See json.h.
 *
 * Nesting is measured before parsing, on the bytes outside strings, so that neither jansson nor the conversion recurses
 * deeper than the limit. jansson refuses duplicate keys, ill-formed UTF-8 and integers past int64 itself. Its trees are
 * made by the C allocator and live only for this call; what stays is in the caller's arena. */
#include "format/json/json.h"

#include <jansson.h>
#include <stdlib.h>

static wg_code check_depth(wg_slice text, wg_error *err) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t c = text.data[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '[' || c == '{') depth++;
        if ((c == ']' || c == '}') && depth > 0) depth--;
        if (depth > WG_JSON_DEPTH_MAX)
            return wg_error_set(err, WG_E_LIMIT, i, "json: nested deeper than %d", WG_JSON_DEPTH_MAX);
    }
    return WG_OK;
}

static wg_code json_failed(const json_error_t *e, size_t text_size, wg_error *err) {
    if (json_error_code(e) == json_error_out_of_memory) return wg_error_nomem(err, text_size);
    const uint64_t offset = e->position >= 0 ? wg_min_u64((uint64_t)e->position, text_size) : WG_NO_OFFSET;
    const bool unset = err != NULL && err->code == WG_OK;
    wg_error_set(err, WG_E_VALUE, offset, "json: %s", e->text);
    if (unset && e->line > 0) {
        err->line = (uint32_t)e->line;
        err->column = e->column > 0 ? (uint32_t)e->column : 1;
    }
    return WG_E_VALUE;
}

/* Recursion is bounded by check_depth. False when out of memory. */
static bool convert(const json_t *json, wg_arena *arena, wg_value *out);

static bool copy_text(wg_arena *arena, const char *text, size_t size, const char **out) {
    *out = NULL;
    if (size == 0) return true;
    *out = wg_arena_copy(arena, text, size);
    return *out != NULL;
}

static bool convert_array(const json_t *json, wg_arena *arena, wg_value *out) {
    const size_t count = json_array_size(json);
    *out = (wg_value){.type = WG_TYPE_LIST, .size = (uint32_t)count};
    if (count == 0) return true;
    wg_value *items = wg_arena_alloc(arena, count * sizeof *items);
    if (items == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!convert(json_array_get(json, i), arena, &items[i])) return false;
    out->as.list = items;
    return true;
}

static int compare_entries(const void *a, const void *b) {
    const wg_map_entry *x = a;
    const wg_map_entry *y = b;
    return wg_slice_compare(wg_slice_of(x->key, x->key_size), wg_slice_of(y->key, y->key_size));
}

static bool convert_object(const json_t *json, wg_arena *arena, wg_value *out) {
    const size_t count = json_object_size(json);
    *out = (wg_value){.type = WG_TYPE_MAP, .size = (uint32_t)count};
    if (count == 0) return true;
    wg_map_entry *entries = wg_arena_alloc(arena, count * sizeof *entries);
    if (entries == NULL) return false;
    /* jansson's iterators take a mutable object although they only read. */
    json_t *object = (json_t *)(uintptr_t)json;
    size_t i = 0;
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it), i++) {
        const char *key = json_object_iter_key(it);
        entries[i].key_size = strlen(key); /* jansson refuses keys with a NUL inside */
        if (!copy_text(arena, key, entries[i].key_size, &entries[i].key)) return false;
        if (!convert(json_object_iter_value(it), arena, &entries[i].value)) return false;
    }
    WG_ASSERT(i == count);
    qsort(entries, count, sizeof *entries, compare_entries);
    out->as.map = entries;
    return true;
}

static bool convert(const json_t *json, wg_arena *arena, wg_value *out) {
    switch (json_typeof(json)) {
        case JSON_NULL:
            *out = wg_value_null();
            return true;
        case JSON_TRUE:
            *out = wg_value_bool(true);
            return true;
        case JSON_FALSE:
            *out = wg_value_bool(false);
            return true;
        case JSON_INTEGER:
            *out = wg_value_int(json_integer_value(json));
            return true;
        case JSON_REAL:
            *out = wg_value_float(json_real_value(json));
            return true;
        case JSON_STRING:
            *out = (wg_value){.type = WG_TYPE_STRING, .size = (uint32_t)json_string_length(json)};
            return copy_text(arena, json_string_value(json), json_string_length(json), &out->as.s);
        case JSON_ARRAY:
            return convert_array(json, arena, out);
        case JSON_OBJECT:
            return convert_object(json, arena, out);
    }
    WG_UNREACHABLE("a JSON type outside jansson's enum");
}

wg_code wg_json_read(wg_slice text, wg_arena *arena, wg_value *out, wg_error *err) {
    if (text.size > WG_JSON_TEXT_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "json: text of %zu bytes, at most %u are read", text.size,
                            WG_JSON_TEXT_BYTES_MAX);
    WG_TRY(check_depth(text, err));
    json_error_t failure;
    json_t *json = json_loadb(text.size == 0 ? "" : (const char *)text.data, text.size,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &failure);
    if (json == NULL) return json_failed(&failure, text.size, err);
    wg_value v;
    const bool ok = convert(json, arena, &v);
    json_decref(json);
    if (!ok) return wg_error_nomem(err, text.size);
    *out = v;
    return WG_OK;
}
