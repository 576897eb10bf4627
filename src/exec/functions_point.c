/* Row functions over points: point(), distances, boxes, and the parts of a point.
 *
 * A point has a coordinate system, given by name (`crs`) or number (`srid`), or by the names of its coordinates: latitude and longitude mean
 * WGS 84, x and y alone are cartesian; a third coordinate (z or height) makes it one of three dimensions. Longitudes beyond 180 degrees are
 * brought back by whole turns, exactly; latitudes beyond 90 are refused, and so is what is not finite.
 *
 * Distances on the globe are those of the haversine formula over a sphere of EARTH_RADIUS_METRES; with heights, over a sphere that lies at their
 * mean, and then as the hypotenuse with the difference of heights. They are correct to about 0.5 %, as the earth is no sphere. Points of
 * different systems have no distance: null. */
#include <math.h>
#include <stdio.h>

#include "base/text/text.h"
#include "exec/exec_functions.h"

static const double earth_radius_metres = 6378140.0;
static const double radians_a_degree = 3.14159265358979323846 / 180.0;

static wg_code wrong_type(const wgi_call *call, const wg_value *v, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, call->offset, "%s cannot take a value of type %s", call->function->name,
                        wg_type_name((wg_type)v->type));
}

/* ---- making */

static const wg_value *entry_of(const wg_value *map, const char *key) {
    for (uint32_t i = 0; i < map->size; i++)
        if (wg_slice_is(wg_slice_of(map->as.map[i].key, map->as.map[i].key_size), key)) return &map->as.map[i].value;
    return NULL;
}

/* What the map says, before it is known to make sense. */
typedef struct point_fields {
    const wg_value *axes[3];
    bool geographic; /* by the names of its coordinates */
    uint32_t srid;   /* by crs or srid; 0: neither is given */
    bool any_null;   /* then the point is null */
} point_fields;

static wg_code take_axis(const wgi_call *call, const wg_value *map, uint32_t axis, point_fields *f, wg_error *err) {
    static const char *const plain[] = {"x", "y", "z"};
    static const char *const geographic[] = {"longitude", "latitude", "height"};
    const wg_value *a = entry_of(map, plain[axis]);
    const wg_value *b = entry_of(map, geographic[axis]);
    if (a != NULL && b != NULL)
        return wg_error_set(err, WG_E_VALUE, call->offset, "point() takes %s or %s, not both", plain[axis],
                            geographic[axis]);
    const wg_value *v = a != NULL ? a : b;
    f->axes[axis] = v;
    if (v == NULL) return WG_OK;
    f->geographic |= b != NULL && axis < 2;
    f->any_null |= v->type == WG_TYPE_NULL;
    if (v->type != WG_TYPE_INT && v->type != WG_TYPE_FLOAT && v->type != WG_TYPE_NULL)
        return wg_error_set(err, WG_E_TYPE, call->offset, "point(): %s must be a number, not %s",
                            a != NULL ? plain[axis] : geographic[axis], wg_type_name((wg_type)v->type));
    return WG_OK;
}

static bool same_name(wg_slice s, const char *name) {
    if (s.size != strlen(name)) return false;
    for (size_t i = 0; i < s.size; i++) {
        const uint8_t c = s.data[i] >= 'A' && s.data[i] <= 'Z' ? (uint8_t)(s.data[i] + 32) : s.data[i];
        if (c != (uint8_t)name[i]) return false;
    }
    return true;
}

static wg_code take_system(const wgi_call *call, const wg_value *map, point_fields *f, wg_error *err) {
    static const uint32_t known[] = {WG_SRID_WGS84, WG_SRID_WGS84_3D, WG_SRID_CARTESIAN, WG_SRID_CARTESIAN_3D};
    const wg_value *crs = entry_of(map, "crs");
    const wg_value *srid = entry_of(map, "srid");
    f->any_null |= (crs != NULL && crs->type == WG_TYPE_NULL) || (srid != NULL && srid->type == WG_TYPE_NULL);
    if (f->any_null) return WG_OK;
    if (crs != NULL && srid != NULL)
        return wg_error_set(err, WG_E_VALUE, call->offset, "point() takes crs or srid, not both");
    if (crs != NULL && crs->type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, call->offset, "point(): crs must be a STRING, not %s",
                            wg_type_name((wg_type)crs->type));
    if (srid != NULL && srid->type != WG_TYPE_INT)
        return wg_error_set(err, WG_E_TYPE, call->offset, "point(): srid must be an INT, not %s",
                            wg_type_name((wg_type)srid->type));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const bool named = crs != NULL && same_name(wg_value_slice(crs), wg_srid_name(known[i]));
        if (named || (srid != NULL && srid->as.i == (int64_t)known[i])) f->srid = known[i];
    }
    if (f->srid != 0 || (crs == NULL && srid == NULL)) return WG_OK;
    return wg_error_set(
        err, WG_E_VALUE, call->offset,
        "point(): no such coordinate system; there are 'wgs-84' (4326), 'wgs-84-3d' (4979), 'cartesian' "
        "(7203) and 'cartesian-3d' (9157)");
}

/* The system that the names, the number of coordinates and `crs` or `srid` agree on. */
static wg_code settle_system(const wgi_call *call, const wg_value *map, point_fields *f, wg_error *err) {
    const bool solid = f->axes[2] != NULL;
    if (f->axes[0] == NULL || f->axes[1] == NULL)
        return wg_error_set(err, WG_E_VALUE, call->offset, "point() needs x and y, or longitude and latitude");
    const bool globe = f->geographic || (entry_of(map, "height") != NULL && f->srid == 0);
    const uint32_t flat_srid = globe ? WG_SRID_WGS84 : WG_SRID_CARTESIAN;
    const uint32_t solid_srid = globe ? WG_SRID_WGS84_3D : WG_SRID_CARTESIAN_3D;
    if (f->srid == 0) f->srid = solid ? solid_srid : flat_srid;
    if (f->geographic && !wg_srid_is_geographic(f->srid))
        return wg_error_set(err, WG_E_VALUE, call->offset, "point(): a point of system %s has x and y, no latitude",
                            wg_srid_name(f->srid));
    if (wg_srid_dimensions(f->srid) != (solid ? 3u : 2u))
        return wg_error_set(err, WG_E_VALUE, call->offset, "point(): system %s has %u coordinates, %u are given",
                            wg_srid_name(f->srid), wg_srid_dimensions(f->srid), solid ? 3u : 2u);
    return WG_OK;
}

WGI_ROW_FN(wgi_fn_point) {
    (void)arg_count;
    point_fields f = {.srid = 0};
    if (args[0].type == WG_TYPE_POINT) {
        *out = args[0];
        return WG_OK;
    }
    if (args[0].type != WG_TYPE_MAP) return wrong_type(call, &args[0], err);
    for (uint32_t i = 0; i < 3; i++) WG_TRY(take_axis(call, &args[0], i, &f, err));
    WG_TRY(take_system(call, &args[0], &f, err));
    *out = wg_value_null();
    if (f.any_null) return WG_OK;
    WG_TRY(settle_system(call, &args[0], &f, err));
    const uint32_t n = wg_srid_dimensions(f.srid);
    wg_value *axes = wg_arena_alloc(&call->eval->arena, n * sizeof *axes);
    if (axes == NULL) return wg_error_nomem(err, n * sizeof *axes);
    for (uint32_t i = 0; i < n; i++)
        axes[i] = wg_value_float(f.axes[i]->type == WG_TYPE_INT ? (double)f.axes[i]->as.i : f.axes[i]->as.f);
    if (wg_srid_is_geographic(f.srid) && fabs(axes[0].as.f) > 180) axes[0].as.f = remainder(axes[0].as.f, 360);
    const wg_value point = wg_value_point(f.srid, axes);
    if (!wg_point_valid(&point))
        return wg_error_set(err, WG_E_VALUE, call->offset,
                            "point(): coordinates must be finite, and a latitude within -90 and 90 degrees");
    *out = point;
    return WG_OK;
}

/* ---- distances and boxes */

static double distance_on_globe(const wg_value *a, const wg_value *b) {
    const double lat_a = a->as.list[1].as.f * radians_a_degree, lat_b = b->as.list[1].as.f * radians_a_degree;
    const double dx = (b->as.list[0].as.f - a->as.list[0].as.f) * radians_a_degree;
    const double sy = sin((lat_b - lat_a) / 2), sx = sin(dx / 2);
    const double h = fmin(1.0, sy * sy + cos(lat_a) * cos(lat_b) * sx * sx);
    const double angle = 2 * atan2(sqrt(h), sqrt(1 - h));
    if (a->size == 2) return earth_radius_metres * angle;
    const double za = a->as.list[2].as.f, zb = b->as.list[2].as.f;
    return hypot((earth_radius_metres + (za / 2 + zb / 2)) * angle, zb - za);
}

static double distance_in_space(const wg_value *a, const wg_value *b) {
    const double flat = hypot(b->as.list[0].as.f - a->as.list[0].as.f, b->as.list[1].as.f - a->as.list[1].as.f);
    return a->size == 2 ? flat : hypot(flat, b->as.list[2].as.f - a->as.list[2].as.f);
}

WGI_ROW_FN(wgi_fn_distance) {
    for (uint32_t i = 0; i < arg_count; i++)
        if (args[i].type != WG_TYPE_POINT) return wrong_type(call, &args[i], err);
    *out = wg_value_null();
    if (wg_point_srid(&args[0]) != wg_point_srid(&args[1])) return WG_OK;
    const bool globe = wg_srid_is_geographic(wg_point_srid(&args[0]));
    *out = wg_value_float(globe ? distance_on_globe(&args[0], &args[1]) : distance_in_space(&args[0], &args[1]));
    return WG_OK;
}

/* Borders count as inside. On the globe a box whose left border lies east of its right one crosses the 180th meridian. */
WGI_ROW_FN(wgi_fn_within_bbox) {
    for (uint32_t i = 0; i < arg_count; i++)
        if (args[i].type != WG_TYPE_POINT) return wrong_type(call, &args[i], err);
    const uint32_t srid = wg_point_srid(&args[0]);
    *out = wg_value_null();
    if (wg_point_srid(&args[1]) != srid || wg_point_srid(&args[2]) != srid) return WG_OK;
    bool inside = true;
    for (uint32_t i = 0; i < args[0].size; i++) {
        const double x = args[0].as.list[i].as.f;
        const double low = args[1].as.list[i].as.f, high = args[2].as.list[i].as.f;
        const bool turns = i == 0 && wg_srid_is_geographic(srid) && low > high;
        inside = inside && (turns ? x >= low || x <= high : x >= low && x <= high);
    }
    *out = wg_value_bool(inside);
    return WG_OK;
}

/* ---- parts and text */

wg_value wgi_point_part(const wg_value *v, wg_slice name) {
    static const char *const plain[] = {"x", "y", "z"};
    static const char *const geographic[] = {"longitude", "latitude", "height"};
    const uint32_t srid = wg_point_srid(v);
    if (wg_slice_is(name, "srid")) return wg_value_int((int64_t)srid);
    if (wg_slice_is(name, "crs")) return wg_value_str(wg_slice_str(wg_srid_name(srid)));
    for (uint32_t i = 0; i < v->size; i++)
        if (wg_slice_is(name, plain[i]) || (wg_srid_is_geographic(srid) && wg_slice_is(name, geographic[i])))
            return v->as.list[i];
    return wg_value_null();
}

wg_code wgi_point_text(wgi_call *call, const wg_value *v, wg_value *out, wg_error *err) {
    char text[200];
    char axes[3][32] = {"", "", ""};
    for (uint32_t i = 0; i < v->size; i++) axes[i][wg_format_f64(v->as.list[i].as.f, axes[i])] = '\0';
    const int size = snprintf(text, sizeof text, "point({x: %s, y: %s%s%s, crs: '%s'})", axes[0], axes[1],
                              v->size == 3 ? ", z: " : "", axes[2], wg_srid_name(wg_point_srid(v)));
    const char *copy = wg_arena_copy(&call->eval->arena, text, (size_t)size);
    if (copy == NULL) return wg_error_nomem(err, (size_t)size);
    *out = wg_value_str(wg_slice_of(copy, (size_t)size));
    return WG_OK;
}
