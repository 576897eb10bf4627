/* Checks values that come from callers and other formats before the engine trusts them. See column.h. */
#include "base/column/column.h"
#include "base/text/text.h"

static wg_code check_at(const wg_value *v, bool graph, uint32_t depth, wg_error *err);

static wg_code check_text(const void *data, size_t size, const char *what, wg_error *err) {
    size_t bad;
    if (size != 0 && data == NULL) return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "%s without bytes", what);
    if (wg_utf8_valid(wg_slice_of(data, size), &bad)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "%s is not UTF-8 at byte %zu", what, bad);
}

static wg_code check_list(const wg_value *v, bool graph, uint32_t depth, wg_error *err) {
    if (v->size != 0 && v->as.list == NULL)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "list without elements");
    for (uint32_t i = 0; i < v->size; i++) WG_TRY(check_at(&v->as.list[i], graph, depth + 1, err));
    return WG_OK;
}

static wg_code check_path(const wg_value *v, wg_error *err) {
    bool good = v->size % 2 == 1 && v->as.list != NULL;
    for (uint32_t i = 0; good && i < v->size; i++)
        good = v->as.list[i].type == (i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE);
    if (good) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a path must be node, edge, node, ..., node");
}

static wg_code check_map(const wg_value *v, bool graph, uint32_t depth, wg_error *err) {
    if (v->size != 0 && v->as.map == NULL) return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "map without entries");
    wg_slice last = {0};
    for (uint32_t i = 0; i < v->size; i++) {
        const wg_slice key = wg_slice_of(v->as.map[i].key, v->as.map[i].key_size);
        WG_TRY(check_text(key.data, key.size, "map key", err));
        if (key.size > UINT32_MAX) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "map key of 4 GiB or more");
        if (i != 0 && wg_slice_compare(last, key) >= 0)
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "map keys must be distinct and sorted by bytes");
        WG_TRY(check_at(&v->as.map[i].value, graph, depth + 1, err));
        last = key;
    }
    return WG_OK;
}

static wg_code check_range(bool good, const char *what, wg_error *err) {
    return good ? WG_OK : wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "%s out of range", what);
}

/* A zone's number may come from a caller who has never looked for it. */
static wg_code check_place(const wg_value *v, wg_error *err) {
    uint32_t zone = 0;
    const int32_t place = wg_datetime_place(v);
    if (!wg_datetime_has_zone(v))
        return check_range(place >= -18 * 3600 && place <= 18 * 3600, "offset of a datetime", err);
    WG_TRY(check_range(wg_datetime_zone(v) < wg_zone_count(), "time zone of a datetime", err));
    return wg_zone_find(wg_slice_str(wg_zone_name(wg_datetime_zone(v))), &zone, err);
}

static wg_code check_duration(const wg_value *v, wg_error *err) {
    bool good = v->size == 4 && v->as.list != NULL;
    for (uint32_t i = 0; good && i < 4; i++) good = v->as.list[i].type == WG_TYPE_INT;
    good = good && v->as.list[3].as.i >= 0 && v->as.list[3].as.i < 1000000000;
    return check_range(good, "duration", err);
}

const char *wg_srid_name(uint32_t srid) {
    switch (srid) {
        case WG_SRID_WGS84:
            return "wgs-84";
        case WG_SRID_WGS84_3D:
            return "wgs-84-3d";
        case WG_SRID_CARTESIAN:
            return "cartesian";
        case WG_SRID_CARTESIAN_3D:
            return "cartesian-3d";
        default:
            return NULL;
    }
}

bool wg_point_valid(const wg_value *v) {
    const uint32_t srid = wg_point_srid(v);
    const wg_value *c = v->as.list;
    if (wg_srid_dimensions(srid) == 0 || v->size != wg_srid_dimensions(srid) || c == NULL) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (c[i].type != WG_TYPE_FLOAT || c[i].as.f - c[i].as.f != 0)
            return false; /* an infinity or a NaN gives NaN */
    if (!wg_srid_is_geographic(srid)) return true;
    return c[0].as.f >= -180 && c[0].as.f <= 180 && c[1].as.f >= -90 && c[1].as.f <= 90;
}

static wg_code check_at(const wg_value *v, bool graph, uint32_t depth, wg_error *err) {
    const int64_t day_ns = INT64_C(86400000000000);
    const int32_t offset = (int32_t)v->size;
    if (depth > WG_VALUE_DEPTH_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "value nested deeper than %d", WG_VALUE_DEPTH_MAX);
    switch ((wg_type)v->type) {
        case WG_TYPE_NULL:
        case WG_TYPE_BOOL:
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
            return WG_OK;
        case WG_TYPE_STRING:
            return check_text(v->as.s, v->size, "string", err);
        case WG_TYPE_BYTES:
            return check_range(v->size == 0 || v->as.s != NULL, "bytes", err);
        case WG_TYPE_DATE:
            return check_range(v->as.i >= WG_DAYS_MIN && v->as.i <= WG_DAYS_MAX, "date", err);
        case WG_TYPE_LOCAL_TIME:
            return check_range(v->as.i >= 0 && v->as.i < day_ns, "time of day", err);
        case WG_TYPE_TIME:
            WG_TRY(check_range(offset >= -18 * 3600 && offset <= 18 * 3600, "offset of a time", err));
            return check_range(v->as.i >= 0 && v->as.i < day_ns, "time of day", err);
        case WG_TYPE_LOCAL_DATETIME:
            WG_TRY(check_range(v->size < 1000000000, "nanoseconds of a datetime", err));
            return check_range(v->as.i >= WG_LOCAL_SECONDS_MIN && v->as.i <= WG_LOCAL_SECONDS_MAX, "datetime", err);
        case WG_TYPE_DATETIME:
            WG_TRY(check_range(v->size < 1000000000, "nanoseconds of a datetime", err));
            WG_TRY(check_place(v, err));
            return check_range(v->as.i >= WG_ZONED_SECONDS_MIN && v->as.i <= WG_ZONED_SECONDS_MAX, "datetime", err);
        case WG_TYPE_DURATION:
            return check_duration(v, err);
        case WG_TYPE_LIST:
            return check_list(v, graph, depth, err);
        case WG_TYPE_MAP:
            return check_map(v, graph, depth, err);
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            if (graph) return WG_OK;
            break;
        case WG_TYPE_PATH:
            if (graph) return check_path(v, err);
            break;
        case WG_TYPE_POINT:
            return check_range(wg_point_valid(v), "point", err);
        case WG_TYPE_ANY:
            break;
    }
    return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "a value of type %s cannot be given here",
                        wg_type_name((wg_type)v->type));
}

wg_code wg_value_check(const wg_value *v, bool graph, wg_error *err) { return check_at(v, graph, 0, err); }
