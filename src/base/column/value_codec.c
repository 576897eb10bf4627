/* The canonical bytes of values, both ways. See column.h; docs/format/value.md is the layout to the byte.
 *
 * A value is a type byte (the number of its wg_type) and a payload; integers are LEB128 in their shortest form, signed
 * ones in zigzag order. There is exactly one encoding of each value: decoding refuses longer varints, NaNs with other
 * bits, map keys out of order and whatever else encoding would not have written, so decode and encode are inverse.
 *
 * Hostile input: a list or map claims a count of elements, each at least one (map: two) bytes. Before memory is taken,
 * the claim is held against the bytes that are left after what the enclosing lists and maps still need. The sum of all
 * claims is therefore never above the size of the input, and memory never above 16 times that. */
#include "base/column/column.h"
#include "base/text/text.h"

static const int64_t day_ns = INT64_C(86400000000000);
enum { OFFSET_SECONDS_MAX = 18 * 3600, SECOND_NS = 1000000000 };
static const uint64_t nan_bits = UINT64_C(0x7ff8000000000000);

_Static_assert(sizeof(wg_value) == 16, "the memory bound of decoding counts on it");
_Static_assert(sizeof(wg_map_entry) == 32, "the memory bound of decoding counts on it");

/* ---- encoding */

static uint64_t zigzag(int64_t v) { return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0); }
static int64_t unzigzag(uint64_t v) { return wg_i64_of_u64((v >> 1) ^ (0 - (v & 1))); }

static bool encode_at(wg_buf *out, const wg_value *v, uint32_t depth);

static bool put_sized(wg_buf *out, const void *data, size_t size) {
    return wg_buf_append_varint(out, size) && wg_buf_append(out, data, size);
}

static bool put_f64(wg_buf *out, double f) { return wg_buf_append_u64(out, f != f ? nan_bits : wg_bits_of_f64(f)); }

static bool encode_list(wg_buf *out, const wg_value *v, uint32_t depth) {
    if (depth == WG_VALUE_DEPTH_MAX) return false;
    if (!wg_buf_append_varint(out, v->size)) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (!encode_at(out, &v->as.list[i], depth + 1)) return false;
    return true;
}

static bool encode_map(wg_buf *out, const wg_value *v, uint32_t depth) {
    if (depth == WG_VALUE_DEPTH_MAX) return false;
    if (!wg_buf_append_varint(out, v->size)) return false;
    for (uint32_t i = 0; i < v->size; i++) {
        const wg_map_entry *e = &v->as.map[i];
        WG_ASSERT_SLOW(
            i == 0 || wg_slice_compare(wg_slice_of(e[-1].key, e[-1].key_size), wg_slice_of(e->key, e->key_size)) < 0);
        if (!put_sized(out, e->key, e->key_size) || !encode_at(out, &e->value, depth + 1)) return false;
    }
    return true;
}

static bool encode_path(wg_buf *out, const wg_value *v) {
    WG_ASSERT(v->size % 2 == 1);
    if (!wg_buf_append_varint(out, v->size)) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (!wg_buf_append_varint(out, v->as.list[i].as.id)) return false;
    return true;
}

static bool encode_duration(wg_buf *out, const wg_value *v) {
    for (uint32_t i = 0; i < 4; i++)
        if (!wg_buf_append_varint(out, zigzag(v->as.list[i].as.i))) return false;
    return true;
}

/* Coordinates are finite, so each has one form. */
static bool encode_point(wg_buf *out, const wg_value *v) {
    if (!wg_buf_append_varint(out, wg_point_srid(v))) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (!put_f64(out, v->as.list[i].as.f)) return false;
    return true;
}

/* The offset; or WG_ZONE_BASE and the zone's name. */
static bool encode_place(wg_buf *out, const wg_value *v) {
    if (!wg_datetime_has_zone(v)) return wg_buf_append_varint(out, zigzag(wg_datetime_place(v)));
    const char *name = wg_zone_name(wg_datetime_zone(v));
    return wg_buf_append_varint(out, zigzag(WG_ZONE_BASE)) && put_sized(out, name, strlen(name));
}

static bool encode_at(wg_buf *out, const wg_value *v, uint32_t depth) {
    if (!wg_buf_append_u8(out, v->type)) return false;
    switch ((wg_type)v->type) {
        case WG_TYPE_NULL:
            return true;
        case WG_TYPE_BOOL:
            return wg_buf_append_u8(out, v->as.b ? 1 : 0);
        case WG_TYPE_INT:
        case WG_TYPE_DATE:
            return wg_buf_append_varint(out, zigzag(v->as.i));
        case WG_TYPE_FLOAT:
            return put_f64(out, v->as.f);
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            return put_sized(out, v->as.s, v->size);
        case WG_TYPE_LOCAL_TIME:
            return wg_buf_append_varint(out, wg_u64_of_i64(v->as.i));
        case WG_TYPE_TIME:
            return wg_buf_append_varint(out, wg_u64_of_i64(v->as.i)) &&
                   wg_buf_append_varint(out, zigzag((int32_t)v->size));
        case WG_TYPE_LOCAL_DATETIME:
            return wg_buf_append_varint(out, zigzag(v->as.i)) && wg_buf_append_varint(out, v->size);
        case WG_TYPE_LIST:
            return encode_list(out, v, depth);
        case WG_TYPE_MAP:
            return encode_map(out, v, depth);
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            return wg_buf_append_varint(out, v->as.id);
        case WG_TYPE_PATH:
            return encode_path(out, v);
        case WG_TYPE_DATETIME:
            return wg_buf_append_varint(out, zigzag(v->as.i)) && wg_buf_append_varint(out, v->size) &&
                   encode_place(out, v);
        case WG_TYPE_DURATION:
            return encode_duration(out, v);
        case WG_TYPE_POINT:
            return encode_point(out, v);
        case WG_TYPE_ANY:
            break;
    }
    WG_UNREACHABLE("a value of a type that has no values; wg_value_check refuses those at the border");
}

bool wg_value_encode(wg_buf *out, const wg_value *v) {
    const size_t size = out->size;
    if (encode_at(out, v, 0)) return true;
    out->size = size;
    return false;
}

/* ---- decoding */

typedef struct decoder {
    wg_slice rest;
    const uint8_t *start;
    uint64_t owed; /* bytes that the enclosing lists and maps need at least, after the value at hand */
    wg_arena *arena;
    wg_error *err;
} decoder;

static wg_code decode_at(decoder *d, uint32_t depth, wg_value *out);

static wg_code damaged(decoder *d, const char *what) {
    return wg_error_set(d->err, WG_E_CORRUPT, (uint64_t)(d->rest.data - d->start), "value: %s", what);
}

static wg_code take_u8(decoder *d, uint8_t *out) {
    wg_slice byte;
    if (!wg_slice_take(&d->rest, 1, &byte)) return damaged(d, "cut short");
    *out = byte.data[0];
    return WG_OK;
}

/* Shortest form only. */
static wg_code take_varint(decoder *d, uint64_t *out) {
    wg_slice rest = d->rest;
    uint64_t v = 0;
    if (!wg_varint_take(&rest, &v)) return damaged(d, "integer cut short or longer than 64 bits");
    if (rest.data[-1] == 0 && rest.data - d->rest.data > 1) return damaged(d, "integer not in its shortest form");
    d->rest = rest;
    *out = v;
    return WG_OK;
}

static wg_code take_sized(decoder *d, bool text, wg_slice *out) {
    uint64_t size = 0;
    WG_TRY(take_varint(d, &size));
    if (size > d->rest.size || size > UINT32_MAX) return damaged(d, "string longer than the bytes that follow");
    wg_slice s = {0};
    wg_slice_take(&d->rest, (size_t)size, &s);
    if (text && !wg_utf8_valid(s, NULL)) return damaged(d, "string is not UTF-8");
    *out = s;
    return WG_OK;
}

/* A count of elements that take at least `bytes_each` each. */
static wg_code take_count(decoder *d, uint64_t bytes_each, uint32_t *out) {
    uint64_t count = 0;
    WG_TRY(take_varint(d, &count));
    const uint64_t free_bytes = d->rest.size > d->owed ? d->rest.size - d->owed : 0;
    if (count > free_bytes / bytes_each || count > UINT32_MAX)
        return damaged(d, "more elements than bytes that follow");
    *out = (uint32_t)count;
    return WG_OK;
}

static wg_code decode_list(decoder *d, uint32_t depth, wg_value *out) {
    if (depth == WG_VALUE_DEPTH_MAX) return damaged(d, "nested too deeply");
    WG_TRY(take_count(d, 1, &out->size));
    out->as.list = NULL;
    if (out->size == 0) return WG_OK;
    wg_value *items = wg_arena_alloc(d->arena, (size_t)out->size * sizeof *items);
    if (items == NULL) return wg_error_nomem(d->err, (size_t)out->size * sizeof *items);
    d->owed += out->size;
    for (uint32_t i = 0; i < out->size; i++) {
        d->owed--;
        WG_TRY(decode_at(d, depth + 1, &items[i]));
    }
    out->as.list = items;
    return WG_OK;
}

static wg_code decode_map(decoder *d, uint32_t depth, wg_value *out) {
    if (depth == WG_VALUE_DEPTH_MAX) return damaged(d, "nested too deeply");
    WG_TRY(take_count(d, 2, &out->size));
    out->as.map = NULL;
    if (out->size == 0) return WG_OK;
    wg_map_entry *entries = wg_arena_alloc(d->arena, (size_t)out->size * sizeof *entries);
    if (entries == NULL) return wg_error_nomem(d->err, (size_t)out->size * sizeof *entries);
    d->owed += 2 * (uint64_t)out->size;
    wg_slice last = {0};
    for (uint32_t i = 0; i < out->size; i++) {
        wg_slice key;
        d->owed -= 2;
        WG_TRY(take_sized(d, true, &key));
        if (i != 0 && wg_slice_compare(last, key) >= 0) return damaged(d, "map keys not in order");
        entries[i].key = (const char *)key.data;
        entries[i].key_size = key.size;
        last = key;
        WG_TRY(decode_at(d, depth + 1, &entries[i].value));
    }
    out->as.map = entries;
    return WG_OK;
}

static wg_code decode_path(decoder *d, wg_value *out) {
    WG_TRY(take_count(d, 1, &out->size));
    if (out->size % 2 == 0) return damaged(d, "path of an even number of elements");
    wg_value *items = wg_arena_alloc(d->arena, (size_t)out->size * sizeof *items);
    if (items == NULL) return wg_error_nomem(d->err, (size_t)out->size * sizeof *items);
    for (uint32_t i = 0; i < out->size; i++) {
        items[i] = (wg_value){.type = i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE};
        WG_TRY(take_varint(d, &items[i].as.id));
    }
    out->as.list = items;
    return WG_OK;
}

static wg_code decode_f64(decoder *d, wg_value *out) {
    wg_slice bytes = {0};
    if (!wg_slice_take(&d->rest, 8, &bytes)) return damaged(d, "float cut short");
    const uint64_t bits = wg_load_u64le(bytes.data);
    out->as.f = wg_f64_of_bits(bits);
    if (out->as.f != out->as.f && bits != nan_bits) return damaged(d, "a NaN other than the canonical one");
    return WG_OK;
}

static wg_code decode_bool(decoder *d, wg_value *out) {
    uint8_t byte = 0;
    WG_TRY(take_u8(d, &byte));
    if (byte > 1) return damaged(d, "a boolean other than 0 and 1");
    out->as.b = byte == 1;
    return WG_OK;
}

static wg_code take_i64(decoder *d, int64_t min, int64_t max, int64_t *out) {
    uint64_t v = 0;
    WG_TRY(take_varint(d, &v));
    const int64_t i = unzigzag(v);
    if (i < min || i > max) return damaged(d, "integer out of range");
    *out = i;
    return WG_OK;
}

/* Unsigned, below `end`. */
static wg_code take_below(decoder *d, int64_t end, int64_t *out) {
    uint64_t v = 0;
    WG_TRY(take_varint(d, &v));
    if (v >= (uint64_t)end) return damaged(d, "time out of range");
    *out = (int64_t)v;
    return WG_OK;
}

static wg_code decode_time(decoder *d, wg_value *out) {
    int64_t offset = 0;
    WG_TRY(take_below(d, day_ns, &out->as.i));
    WG_TRY(take_i64(d, -OFFSET_SECONDS_MAX, OFFSET_SECONDS_MAX, &offset));
    out->size = (uint32_t)(int32_t)offset;
    return WG_OK;
}

static wg_code decode_datetime_within(decoder *d, int64_t least, int64_t most, wg_value *out) {
    int64_t ns = 0;
    WG_TRY(take_i64(d, least, most, &out->as.i));
    WG_TRY(take_below(d, SECOND_NS, &ns));
    out->size = (uint32_t)ns;
    return WG_OK;
}

static wg_code decode_datetime(decoder *d, wg_value *out) {
    int64_t place = 0;
    WG_TRY(decode_datetime_within(d, WG_ZONED_SECONDS_MIN, WG_ZONED_SECONDS_MAX, out));
    const wg_slice at = d->rest;
    WG_TRY(take_i64(d, -OFFSET_SECONDS_MAX, WG_ZONE_BASE, &place));
    if (place > OFFSET_SECONDS_MAX && place < WG_ZONE_BASE) {
        d->rest = at;
        return take_i64(d, -OFFSET_SECONDS_MAX, OFFSET_SECONDS_MAX, &place); /* says what is wrong, where */
    }
    if (place == WG_ZONE_BASE) {
        wg_slice name = {0};
        uint32_t zone = 0;
        WG_TRY(take_sized(d, true, &name));
        const wg_code code = wg_zone_find(name, &zone, d->err);
        if (code == WG_E_NOT_FOUND)
            return wg_error_set(d->err, WG_E_VERSION, WG_NO_OFFSET,
                                "a datetime in the time zone '%.*s', which this version (zones of %s) does not know",
                                (int)wg_min_size(name.size, 64), (const char *)name.data, wg_zones_version());
        if (code != WG_OK) return code;
        place += zone;
    }
    *out = wg_value_datetime(out->as.i, out->size, (int32_t)place);
    return WG_OK;
}

static wg_code decode_duration(decoder *d, wg_value *out) {
    wg_value *parts = wg_arena_alloc(d->arena, 4 * sizeof *parts);
    if (parts == NULL) return wg_error_nomem(d->err, 4 * sizeof *parts);
    for (uint32_t i = 0; i < 4; i++) {
        parts[i] = wg_value_int(0);
        const int64_t most = i < 3 ? INT64_MAX : SECOND_NS - 1;
        WG_TRY(take_i64(d, i < 3 ? INT64_MIN : 0, most, &parts[i].as.i));
    }
    out->size = 4;
    out->as.list = parts;
    return WG_OK;
}

static wg_code decode_point(decoder *d, wg_value *out) {
    uint64_t srid = 0;
    WG_TRY(take_varint(d, &srid));
    const uint32_t n = srid <= WG_SRID_CARTESIAN_3D ? wg_srid_dimensions((uint32_t)srid) : 0;
    if (n == 0) return damaged(d, "point of an unknown coordinate system");
    if (d->rest.size < n * sizeof(double)) return damaged(d, "cut short"); /* before memory is taken */
    wg_value *coordinates = wg_arena_alloc(d->arena, n * sizeof *coordinates);
    if (coordinates == NULL) return wg_error_nomem(d->err, n * sizeof *coordinates);
    for (uint32_t i = 0; i < n; i++) {
        coordinates[i] = wg_value_float(0);
        WG_TRY(decode_f64(d, &coordinates[i]));
    }
    *out = wg_value_point((uint32_t)srid, coordinates);
    return wg_point_valid(out) ? WG_OK : damaged(d, "point with a coordinate out of range");
}

static wg_code decode_bytes(decoder *d, wg_value *out) {
    wg_slice s = {0};
    WG_TRY(take_sized(d, out->type == WG_TYPE_STRING, &s));
    out->as.s = (const char *)s.data;
    out->size = (uint32_t)s.size;
    return WG_OK;
}

static wg_code decode_at(decoder *d, uint32_t depth, wg_value *out) {
    *out = wg_value_null();
    WG_TRY(take_u8(d, &out->type));
    switch (out->type) {
        case WG_TYPE_NULL:
            return WG_OK;
        case WG_TYPE_BOOL:
            return decode_bool(d, out);
        case WG_TYPE_INT:
            return take_i64(d, INT64_MIN, INT64_MAX, &out->as.i);
        case WG_TYPE_FLOAT:
            return decode_f64(d, out);
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            return decode_bytes(d, out);
        case WG_TYPE_DATE:
            return take_i64(d, WG_DAYS_MIN, WG_DAYS_MAX, &out->as.i);
        case WG_TYPE_LOCAL_TIME:
            return take_below(d, day_ns, &out->as.i);
        case WG_TYPE_TIME:
            return decode_time(d, out);
        case WG_TYPE_LOCAL_DATETIME:
            return decode_datetime_within(d, WG_LOCAL_SECONDS_MIN, WG_LOCAL_SECONDS_MAX, out);
        case WG_TYPE_DATETIME:
            return decode_datetime(d, out);
        case WG_TYPE_DURATION:
            return decode_duration(d, out);
        case WG_TYPE_POINT:
            return decode_point(d, out);
        case WG_TYPE_LIST:
            return decode_list(d, depth, out);
        case WG_TYPE_MAP:
            return decode_map(d, depth, out);
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
            return take_varint(d, &out->as.id);
        case WG_TYPE_PATH:
            return decode_path(d, out);
        default:
            return damaged(d, "unknown type");
    }
}

wg_code wg_value_decode(wg_slice *from, wg_arena *arena, wg_value *out, wg_error *err) {
    decoder d = {.rest = *from, .start = from->data, .arena = arena, .err = err};
    wg_value v;
    WG_TRY(decode_at(&d, 0, &v));
    *from = d.rest;
    *out = v;
    return WG_OK;
}
