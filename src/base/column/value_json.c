/* Values as JSON text. See column.h.
 *
 * Two writers share this file: the engine form, where nodes and edges are ids, and the result form, where they are
 * objects with labels and properties. `objects` is handed down through lists, maps and paths. */
#include <stdio.h>

#include "base/column/column.h"
#include "base/text/text.h"

static bool print_at(wg_buf *out, const wg_value *v, bool objects);

static bool put(wg_buf *out, const char *text) { return wg_buf_append_str(out, text); }

static bool put_escape(wg_buf *out, uint8_t c) {
    switch (c) {
        case '"':
            return put(out, "\\\"");
        case '\\':
            return put(out, "\\\\");
        case '\b':
            return put(out, "\\b");
        case '\f':
            return put(out, "\\f");
        case '\n':
            return put(out, "\\n");
        case '\r':
            return put(out, "\\r");
        case '\t':
            return put(out, "\\t");
        default:
            return wg_buf_printf(out, "\\u%04x", c);
    }
}

bool wg_json_print_string(wg_buf *out, wg_slice s) {
    size_t from = 0;
    if (!put(out, "\"")) return false;
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t c = s.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        if (!wg_buf_append(out, s.data + from, i - from) || !put_escape(out, c)) return false;
        from = i + 1;
    }
    return (s.size == 0 || wg_buf_append(out, s.data + from, s.size - from)) && put(out, "\"");
}

static bool print_base64(wg_buf *out, wg_slice s) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (!put(out, "\"")) return false;
    for (size_t i = 0; i < s.size; i += 3) {
        const size_t n = wg_min_size(3, s.size - i);
        const uint32_t b1 = n > 1 ? s.data[i + 1] : 0;
        const uint32_t b2 = n > 2 ? s.data[i + 2] : 0;
        const uint32_t bits = ((uint32_t)s.data[i] << 16) | (b1 << 8) | b2;
        const char quad[4] = {digits[bits >> 18], digits[(bits >> 12) & 63], n > 1 ? digits[(bits >> 6) & 63] : '=',
                              n > 2 ? digits[bits & 63] : '='};
        if (!wg_buf_append(out, quad, 4)) return false;
    }
    return put(out, "\"");
}

static bool print_f64(wg_buf *out, double f) {
    char text[32];
    const size_t size = wg_format_f64(f, text);
    const bool finite = f - f == 0; /* an infinity or a NaN gives NaN */
    if (finite) return wg_buf_append(out, text, size);
    return wg_json_print_string(out, wg_slice_of(text, size));
}

static bool print_i64(wg_buf *out, int64_t i) {
    char text[24];
    return wg_buf_append(out, text, wg_format_i64(i, text));
}

size_t wg_value_format_datetime(const wg_value *v, char out[WG_DATETIME_TEXT_MAX]) {
    const size_t size = wg_format_datetime(v->as.i, v->size, wg_datetime_offset(v), out);
    if (!wg_datetime_has_zone(v)) return size;
    const int more = snprintf(out + size, WG_DATETIME_TEXT_MAX - size, "[%s]", wg_zone_name(wg_datetime_zone(v)));
    return size + (size_t)more;
}

static bool print_time(wg_buf *out, const wg_value *v) {
    char text[WG_DATETIME_TEXT_MAX];
    size_t size;
    if (v->type == WG_TYPE_DATE) size = wg_format_date(v->as.i, text);
    else if (v->type == WG_TYPE_LOCAL_TIME) size = wg_format_local_time(v->as.i, text);
    else if (v->type == WG_TYPE_TIME) size = wg_format_time(v->as.i, (int32_t)v->size, text);
    else if (v->type == WG_TYPE_DATETIME) size = wg_value_format_datetime(v, text);
    else if (v->type == WG_TYPE_DURATION)
        size =
            wg_format_duration(v->as.list[0].as.i, v->as.list[1].as.i, v->as.list[2].as.i, v->as.list[3].as.i, text);
    else size = wg_format_local_datetime(v->as.i, v->size, text);
    return wg_json_print_string(out, wg_slice_of(text, size));
}

static bool print_point(wg_buf *out, const wg_value *v) {
    static const char *const names[] = {",\"x\":", ",\"y\":", ",\"z\":"};
    if (!wg_buf_printf(out, "{\"srid\":%u", wg_point_srid(v))) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (!put(out, names[i]) || !print_f64(out, v->as.list[i].as.f)) return false;
    return put(out, "}");
}

static bool print_list(wg_buf *out, const wg_value *v, bool objects) {
    if (!put(out, "[")) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if ((i != 0 && !put(out, ",")) || !print_at(out, &v->as.list[i], objects)) return false;
    return put(out, "]");
}

static bool print_entries(wg_buf *out, const wg_map_entry *entries, uint32_t count, bool objects) {
    if (!put(out, "{")) return false;
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice key = wg_slice_of(entries[i].key, entries[i].key_size);
        if (i != 0 && !put(out, ",")) return false;
        if (!wg_json_print_string(out, key) || !put(out, ":")) return false;
        if (!print_at(out, &entries[i].value, objects)) return false;
    }
    return put(out, "}");
}

static bool print_node(wg_buf *out, const wg_node *node) {
    if (!wg_buf_printf(out, "{\"id\":%llu,\"labels\":[", (unsigned long long)node->id)) return false;
    for (uint32_t i = 0; i < node->label_count; i++)
        if ((i != 0 && !put(out, ",")) || !wg_json_print_string(out, wg_slice_str(node->labels[i]))) return false;
    return put(out, "],\"properties\":") && print_entries(out, node->properties, node->property_count, true) &&
           put(out, "}");
}

static bool print_edge(wg_buf *out, const wg_edge *edge) {
    if (!wg_buf_printf(out, "{\"id\":%llu,\"label\":", (unsigned long long)edge->id)) return false;
    if (!wg_json_print_string(out, wg_slice_str(edge->label))) return false;
    return wg_buf_printf(out, ",\"from\":%llu,\"to\":%llu,\"properties\":", (unsigned long long)edge->from,
                         (unsigned long long)edge->to) &&
           print_entries(out, edge->properties, edge->property_count, true) && put(out, "}");
}

static bool print_at(wg_buf *out, const wg_value *v, bool objects) {
    switch ((wg_type)v->type) {
        case WG_TYPE_NULL:
            return put(out, "null");
        case WG_TYPE_BOOL:
            return put(out, v->as.b ? "true" : "false");
        case WG_TYPE_INT:
            return print_i64(out, v->as.i);
        case WG_TYPE_FLOAT:
            return print_f64(out, v->as.f);
        case WG_TYPE_STRING:
            return wg_json_print_string(out, wg_value_slice(v));
        case WG_TYPE_BYTES:
            return print_base64(out, wg_value_slice(v));
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
            return print_time(out, v);
        case WG_TYPE_LIST:
        case WG_TYPE_PATH:
            return print_list(out, v, objects);
        case WG_TYPE_MAP:
            return print_entries(out, v->as.map, v->size, objects);
        case WG_TYPE_NODE:
            if (objects) return print_node(out, v->as.node);
            return wg_buf_printf(out, "{\"id\":%llu}", (unsigned long long)v->as.id);
        case WG_TYPE_EDGE:
            if (objects) return print_edge(out, v->as.edge);
            return wg_buf_printf(out, "{\"id\":%llu}", (unsigned long long)v->as.id);
        case WG_TYPE_POINT:
            return print_point(out, v);
        case WG_TYPE_ANY:
            break;
    }
    WG_UNREACHABLE("a value of a type that has no values; wg_value_check refuses those at the border");
}

bool wg_value_print_json(wg_buf *out, const wg_value *v) { return print_at(out, v, false); }
bool wg_value_print_json_objects(wg_buf *out, const wg_value *v) { return print_at(out, v, true); }
