/* Column statistics: which of the bounds that writers leave may be believed.
 *
 *   Statistics  1 max  2 min  3 null_count  5 max_value  6 min_value
 *
 * min_value and max_value follow the column's declared order. min and max are older: writers compared them as signed
 * bytes or as signed numbers, so they count only where that is the type's own order (signed integers, dates, timestamps,
 * floats, booleans). The same care applies to min_value when the file declares no order. Floats: a NaN bound says nothing,
 * and a zero bound may stand for either zero, so a minimum of 0.0 is read as -0.0 and a maximum of -0.0 as 0.0; NaN rows
 * are never covered by a range. Byte bounds may be cut short by the writer: they still bound. Bounds of a wrong size or in
 * the wrong order are ignored: a scan without bounds is slow, one with false bounds is wrong. */
#include <math.h>

#include "format/parquet/parquet_internal.h"

typedef struct raw_bounds {
    bool has_min;
    bool has_max;
    wg_slice min;
    wg_slice max;
} raw_bounds;

static bool signed_order(const wg_parquet_column *c) {
    const bool bytes = c->physical == WGI_PARQUET_FIXED || c->physical == WGI_PARQUET_BYTE_ARRAY;
    if (c->is_decimal && bytes) return false; /* they were compared as unsigned bytes */
    return c->type == WG_TYPE_BOOL || c->type == WG_TYPE_FLOAT || c->type == WG_TYPE_DATE ||
           c->type == WG_TYPE_LOCAL_DATETIME || (c->type == WG_TYPE_INT && !c->int_unsigned);
}

/* Seconds and nanoseconds of a count of 10^-unit seconds, exact. */
static wg_value datetime_value(int64_t ticks, uint8_t unit) {
    const int64_t per_second = unit == 3 ? 1000 : unit == 6 ? 1000000 : 1000000000;
    int64_t seconds = ticks / per_second;
    int64_t rest = ticks % per_second;
    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    wg_value v = {.type = WG_TYPE_LOCAL_DATETIME, .size = (uint32_t)(rest * (1000000000 / per_second))};
    v.as.i = seconds;
    return v;
}

static bool integer_bound(const wg_parquet_column *c, wg_slice raw, wg_value *out) {
    int64_t v;
    if (c->physical == WGI_PARQUET_INT32) {
        if (raw.size != 4) return false;
        const uint32_t u = wg_load_u32le(raw.data);
        v = c->int_unsigned ? (int64_t)u : (int64_t)(int32_t)u;
    } else {
        if (raw.size != 8) return false;
        v = wg_i64_of_u64(wg_load_u64le(raw.data));
        if (c->int_unsigned && v < 0) return false;
    }
    if (c->type == WG_TYPE_LOCAL_DATETIME) {
        *out = datetime_value(v, c->time_unit);
        return true;
    }
    *out = wg_value_int(v);
    out->type = (uint8_t)c->type;
    return true;
}

static bool float_bound(const wg_parquet_column *c, wg_slice raw, bool is_min, wg_value *out) {
    double v;
    if (c->physical == WGI_PARQUET_FLOAT) {
        if (raw.size != 4) return false;
        float f;
        memcpy(&f, raw.data, 4);
        v = (double)f;
    } else {
        if (raw.size != 8) return false;
        v = wg_f64_of_bits(wg_load_u64le(raw.data));
    }
    if (isnan(v)) return false;
    if (v == 0.0) v = is_min ? -0.0 : 0.0;
    *out = wg_value_float(v);
    return true;
}

static bool bytes_bound(wg_arena *arena, const wg_parquet_column *c, wg_slice raw, wg_value *out) {
    const void *copy = wg_arena_copy(arena, raw.data, raw.size);
    if (copy == NULL) return false; /* an unknown bound is always correct */
    *out = wg_value_str(wg_slice_of(copy, raw.size));
    out->type = (uint8_t)c->type;
    return true;
}

/* The double nearest to a bound bounds the doubles nearest to what it bounds: rounding keeps the order. */
static bool decimal_bound(const wg_parquet_column *c, wg_slice raw, wg_value *out) {
    const bool bytes = c->physical == WGI_PARQUET_FIXED || c->physical == WGI_PARQUET_BYTE_ARRAY;
    uint8_t be[8];
    if (!bytes) {
        const size_t size = c->physical == WGI_PARQUET_INT32 ? 4 : 8;
        if (raw.size != size) return false;
        raw = wgi_parquet_decimal_bytes(
            size == 4 ? (int64_t)(int32_t)wg_load_u32le(raw.data) : wg_i64_of_u64(wg_load_u64le(raw.data)), be);
    }
    if (raw.size == 0) return false;
    bool exact = false;
    *out = c->type == WG_TYPE_INT ? wg_value_int(0) : wg_value_float(0);
    return c->type == WG_TYPE_INT ? wgi_parquet_decimal_int(raw, &out->as.i)
                                  : wgi_parquet_decimal_float(raw, c->scale, &out->as.f, &exact);
}

static bool bound_decode(wg_arena *arena, const wg_parquet_column *c, wg_slice raw, bool is_min, wg_value *out) {
    if (c->type == WG_TYPE_LIST || c->type == WG_TYPE_DURATION) return false;
    if (c->is_decimal) return decimal_bound(c, raw, out);
    if (c->type == WG_TYPE_BOOL) {
        if (raw.size != 1 || raw.data[0] > 1) return false;
        *out = wg_value_bool(raw.data[0] == 1);
        return true;
    }
    if (c->physical == WGI_PARQUET_INT96 || c->type == WG_TYPE_LOCAL_TIME) return false; /* nobody prunes by them */
    if (c->physical == WGI_PARQUET_FIXED && c->type == WG_TYPE_FLOAT) return false;
    if (c->type == WG_TYPE_FLOAT) return float_bound(c, raw, is_min, out);
    if (c->type == WG_TYPE_STRING || c->type == WG_TYPE_BYTES) return bytes_bound(arena, c, raw, out);
    return integer_bound(c, raw, out);
}

static bool in_order(const wg_value *min, const wg_value *max) {
    if (min->type == WG_TYPE_BOOL) return min->as.b <= max->as.b;
    if (min->type == WG_TYPE_FLOAT) return min->as.f <= max->as.f;
    if (min->type == WG_TYPE_STRING || min->type == WG_TYPE_BYTES)
        return wg_slice_compare(wg_value_slice(min), wg_value_slice(max)) <= 0;
    return min->as.i < max->as.i || (min->as.i == max->as.i && min->size <= max->size);
}

bool wgi_parquet_order_is_known(const wg_parquet_column *column) {
    return column->order == WGI_PARQUET_ORDER_TYPE ||
           (column->order == WGI_PARQUET_ORDER_UNKNOWN && signed_order(column));
}

bool wgi_parquet_range_decode(wg_arena *arena, const wg_parquet_column *column, wg_slice min, wg_slice max,
                              wg_parquet_range *out) {
    return bound_decode(arena, column, min, true, &out->min) && bound_decode(arena, column, max, false, &out->max) &&
           in_order(&out->min, &out->max);
}

void wgi_parquet_statistics_read(wg_thrift_reader *r, const wg_parquet_column *column, wg_arena *arena,
                                 wg_parquet_range *out) {
    raw_bounds old = {0};
    raw_bounds new = {0};
    wg_parquet_range range = {0};
    int64_t nulls = 0;
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id == 1) old.has_max = wg_thrift_read_binary(r, f.type, &old.max);
        else if (f.id == 2) old.has_min = wg_thrift_read_binary(r, f.type, &old.min);
        else if (f.id == 3) range.null_count_known = wg_thrift_read_i64(r, f.type, &nulls);
        else if (f.id == 5) new.has_max = wg_thrift_read_binary(r, f.type, &new.max);
        else if (f.id == 6) new.has_min = wg_thrift_read_binary(r, f.type, &new.min);
        else wg_thrift_skip(r, f.type);
    }
    if (nulls < 0) wg_thrift_fail(r, WG_E_CORRUPT, "statistics have a negative null count");
    if (r->code != WG_OK) return;
    range.null_count = (uint64_t)nulls;
    const raw_bounds *use = NULL;
    if (new.has_min &&new.has_max && wgi_parquet_order_is_known(column)) use = &new;
    else if (old.has_min && old.has_max && signed_order(column)) use = &old;
    if (use != NULL && column->type != WG_TYPE_NULL)
        range.known = wgi_parquet_range_decode(arena, column, use->min, use->max, &range);
    *out = range;
}
