/* Thrift's compact protocol, both ways.
 *
 *   varint        LEB128, at most 10 bytes
 *   zigzag        i16, i32, i64 as varint of (v << 1) ^ (v >> 63)
 *   field header  one byte: id delta (4 bits, 1..15) | type (4 bits); delta 0: a zigzag id follows; byte 0: end of struct
 *   bool field    its value is the type: 1 true, 2 false
 *   binary        varint length, bytes
 *   list, set     one byte: count (4 bits) | element type; count 15: a varint count follows
 *   map           varint count; when not 0, one byte: key type | value type
 *
 * Failure modes: bytes that end early or break these rules are WG_E_CORRUPT; nesting over 64, strings over 16 MiB and
 * containers over 10^6 elements are WG_E_LIMIT. Each element of a container takes at least one byte, so a count may never
 * pass the bytes that are left: this is what makes skipping unknown fields linear in the input. */
#include "format/thrift/thrift.h"

void wg_thrift_reader_init(wg_thrift_reader *r, wg_slice bytes, uint64_t base_offset, wg_error *err) {
    r->begin = bytes.data;
    r->pos = bytes.data;
    r->end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size;
    r->base_offset = base_offset;
    r->err = err;
    r->code = WG_OK;
    r->depth = 0;
    r->last_id[0] = 0;
}

bool wg_thrift_fail(wg_thrift_reader *r, wg_code code, const char *what) {
    WG_ASSERT(code != WG_OK);
    if (r->code != WG_OK) return false;
    const uint64_t offset = r->base_offset + wg_thrift_reader_bytes(r);
    r->code = wg_error_set(r->err, code, offset, "thrift: %s at byte %llu", what, (unsigned long long)offset);
    r->end = r->pos; /* nothing more can be read */
    return false;
}

static bool read_byte(wg_thrift_reader *r, uint8_t *out) {
    if (r->code != WG_OK) return false;
    if (r->pos == r->end) return wg_thrift_fail(r, WG_E_CORRUPT, "the bytes end inside a value");
    *out = *r->pos++;
    return true;
}

static bool read_varint(wg_thrift_reader *r, uint64_t *out) {
    if (r->code != WG_OK) return false;
    wg_slice rest = wg_slice_of(r->pos, (size_t)(r->end - r->pos));
    if (!wg_varint_take(&rest, out)) return wg_thrift_fail(r, WG_E_CORRUPT, "an integer is cut short or too long");
    r->pos = rest.data;
    return true;
}

static bool read_zigzag(wg_thrift_reader *r, int64_t min, int64_t max, int64_t *out) {
    uint64_t u = 0;
    if (!read_varint(r, &u)) return false;
    const int64_t v = wg_i64_of_u64((u >> 1) ^ (0 - (u & 1)));
    if (v < min || v > max) return wg_thrift_fail(r, WG_E_CORRUPT, "an integer is out of its type's range");
    *out = v;
    return true;
}

bool wg_thrift_struct_begin(wg_thrift_reader *r) {
    if (r->code != WG_OK) return false;
    if (r->depth == WG_THRIFT_DEPTH_MAX) return wg_thrift_fail(r, WG_E_LIMIT, "nesting is deeper than 64");
    r->depth++;
    r->last_id[r->depth] = 0;
    return true;
}

bool wg_thrift_field_next(wg_thrift_reader *r, wg_thrift_field *field) {
    uint8_t head;
    if (!read_byte(r, &head)) return false;
    WG_ASSERT(r->depth > 0);
    if (head == WG_THRIFT_STOP) {
        r->depth--;
        return false;
    }
    const uint8_t type = head & 15;
    if (type == WG_THRIFT_STOP || type > WG_THRIFT_UUID) return wg_thrift_fail(r, WG_E_CORRUPT, "unknown field type");
    int64_t id = r->last_id[r->depth] + (head >> 4);
    if (head >> 4 == 0 && !read_zigzag(r, INT16_MIN, INT16_MAX, &id)) return false;
    if (id > INT16_MAX) return wg_thrift_fail(r, WG_E_CORRUPT, "a field id is out of range");
    r->last_id[r->depth] = (int16_t)id;
    field->id = (int16_t)id;
    field->type = (wg_thrift_type)type;
    return true;
}

static bool type_is(wg_thrift_reader *r, wg_thrift_type type, wg_thrift_type wanted) {
    if (r->code != WG_OK) return false;
    if (type != wanted) return wg_thrift_fail(r, WG_E_CORRUPT, "a field has another type than its schema says");
    return true;
}

bool wg_thrift_read_bool(wg_thrift_reader *r, wg_thrift_type type, bool *out) {
    if (r->code != WG_OK) return false;
    if (type != WG_THRIFT_TRUE && type != WG_THRIFT_FALSE) return type_is(r, type, WG_THRIFT_TRUE);
    *out = type == WG_THRIFT_TRUE;
    return true;
}

bool wg_thrift_read_element_bool(wg_thrift_reader *r, bool *out) {
    uint8_t b;
    if (!read_byte(r, &b)) return false;
    if (b > 2) return wg_thrift_fail(r, WG_E_CORRUPT, "a boolean in a list that is neither true nor false");
    *out = b == 1; /* false is 2, of some writers 0 */
    return true;
}

bool wg_thrift_read_i8(wg_thrift_reader *r, wg_thrift_type type, int8_t *out) {
    uint8_t b;
    if (!type_is(r, type, WG_THRIFT_I8) || !read_byte(r, &b)) return false;
    memcpy(out, &b, 1);
    return true;
}

bool wg_thrift_read_i32(wg_thrift_reader *r, wg_thrift_type type, int32_t *out) {
    int64_t v = 0;
    if (!type_is(r, type, WG_THRIFT_I32) || !read_zigzag(r, INT32_MIN, INT32_MAX, &v)) return false;
    *out = (int32_t)v;
    return true;
}

bool wg_thrift_read_i64(wg_thrift_reader *r, wg_thrift_type type, int64_t *out) {
    return type_is(r, type, WG_THRIFT_I64) && read_zigzag(r, INT64_MIN, INT64_MAX, out);
}

bool wg_thrift_read_binary(wg_thrift_reader *r, wg_thrift_type type, wg_slice *out) {
    uint64_t n = 0;
    if (!type_is(r, type, WG_THRIFT_BINARY) || !read_varint(r, &n)) return false;
    if (n > (uint64_t)(r->end - r->pos))
        return wg_thrift_fail(r, WG_E_CORRUPT, "a string is longer than the bytes left");
    if (n > WG_THRIFT_STRING_BYTES_MAX) return wg_thrift_fail(r, WG_E_LIMIT, "a string is longer than 16 MiB");
    *out = wg_slice_of(r->pos, (size_t)n);
    r->pos += n;
    return true;
}

static bool count_check(wg_thrift_reader *r, uint64_t count) {
    if (count > (uint64_t)(r->end - r->pos))
        return wg_thrift_fail(r, WG_E_CORRUPT, "a container has more elements than bytes are left");
    if (count > WG_THRIFT_CONTAINER_COUNT_MAX)
        return wg_thrift_fail(r, WG_E_LIMIT, "a container has more than 1,000,000 elements");
    return true;
}

static bool list_head(wg_thrift_reader *r, uint8_t *out_element, uint32_t *out_count) {
    uint8_t head;
    if (!read_byte(r, &head)) return false;
    uint64_t count = head >> 4;
    if (count == 15 && !read_varint(r, &count)) return false;
    if (!count_check(r, count)) return false;
    *out_element = head & 15;
    *out_count = (uint32_t)count;
    return true;
}

bool wg_thrift_read_list(wg_thrift_reader *r, wg_thrift_type type, wg_thrift_type element, uint32_t *out_count) {
    uint8_t found = 0;
    uint32_t count = 0;
    if (!type_is(r, type, WG_THRIFT_LIST) || !list_head(r, &found, &count)) return false;
    /* Writers differ in the element type of an empty list. */
    const bool bools = element == WG_THRIFT_TRUE && (found == WG_THRIFT_TRUE || found == WG_THRIFT_FALSE);
    if (count != 0 && found != (uint8_t)element && !bools)
        return wg_thrift_fail(r, WG_E_CORRUPT, "a list has another element type than its schema says");
    *out_count = count;
    return true;
}

static void skip_bytes(wg_thrift_reader *r, size_t n) {
    if (r->code != WG_OK) return;
    if (n > (size_t)(r->end - r->pos)) {
        wg_thrift_fail(r, WG_E_CORRUPT, "the bytes end inside a value");
        return;
    }
    r->pos += n;
}

static void skip_value(wg_thrift_reader *r, uint8_t type, bool in_container);

static void skip_list(wg_thrift_reader *r) {
    uint8_t element = 0;
    uint32_t count = 0;
    if (!list_head(r, &element, &count)) return;
    for (uint32_t i = 0; i < count && r->code == WG_OK; i++) skip_value(r, element, true);
}

static void skip_map(wg_thrift_reader *r) {
    uint64_t count = 0;
    if (!read_varint(r, &count) || count == 0 || !count_check(r, count)) return;
    uint8_t types = 0;
    if (!read_byte(r, &types)) return;
    for (uint64_t i = 0; i < count && r->code == WG_OK; i++) {
        skip_value(r, types >> 4, true);
        skip_value(r, types & 15, true);
    }
}

/* Recursion is bounded: structs, lists and maps count the depth. */
static void skip_value(wg_thrift_reader *r, uint8_t type, bool in_container) {
    uint64_t ignored = 0;
    wg_slice bytes = {0};
    wg_thrift_field field = {0};
    switch ((wg_thrift_type)type) {
        case WG_THRIFT_TRUE:
        case WG_THRIFT_FALSE:
            if (in_container) skip_bytes(r, 1);
            return;
        case WG_THRIFT_I8:
            skip_bytes(r, 1);
            return;
        case WG_THRIFT_I16:
        case WG_THRIFT_I32:
        case WG_THRIFT_I64:
            (void)read_varint(r, &ignored);
            return;
        case WG_THRIFT_DOUBLE:
            skip_bytes(r, 8);
            return;
        case WG_THRIFT_UUID:
            skip_bytes(r, 16);
            return;
        case WG_THRIFT_BINARY:
            (void)wg_thrift_read_binary(r, WG_THRIFT_BINARY, &bytes);
            return;
        case WG_THRIFT_LIST:
        case WG_THRIFT_SET:
        case WG_THRIFT_MAP:
            if (!wg_thrift_struct_begin(r)) return;
            if (type == WG_THRIFT_MAP) skip_map(r);
            else skip_list(r);
            if (r->code == WG_OK) r->depth--;
            return;
        case WG_THRIFT_STRUCT:
            if (!wg_thrift_struct_begin(r)) return;
            while (wg_thrift_field_next(r, &field)) skip_value(r, (uint8_t)field.type, false);
            return;
        case WG_THRIFT_STOP:
            break;
    }
    wg_thrift_fail(r, WG_E_CORRUPT, "unknown value type");
}

void wg_thrift_skip(wg_thrift_reader *r, wg_thrift_type type) { skip_value(r, (uint8_t)type, false); }

/* ---- writer */

void wg_thrift_writer_init(wg_thrift_writer *w, wg_buf *out) {
    w->out = out;
    w->ok = true;
    w->depth = 0;
    w->last_id[0] = 0;
}

static void write_byte(wg_thrift_writer *w, uint8_t b) {
    if (w->ok) w->ok = wg_buf_append_u8(w->out, b);
}

static void write_varint(wg_thrift_writer *w, uint64_t v) {
    if (w->ok) w->ok = wg_buf_append_varint(w->out, v);
}

static void write_zigzag(wg_thrift_writer *w, int64_t v) {
    write_varint(w, (wg_u64_of_i64(v) << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void wg_thrift_write_struct_begin(wg_thrift_writer *w) {
    WG_ASSERT(w->depth < WG_THRIFT_DEPTH_MAX);
    w->depth++;
    w->last_id[w->depth] = 0;
}

void wg_thrift_write_struct_end(wg_thrift_writer *w) {
    WG_ASSERT(w->depth > 0);
    write_byte(w, WG_THRIFT_STOP);
    w->depth--;
}

static void write_field(wg_thrift_writer *w, int16_t id, wg_thrift_type type) {
    WG_ASSERT(w->depth > 0);
    WG_ASSERT(id > w->last_id[w->depth]);
    const int delta = id - w->last_id[w->depth];
    if (delta <= 15) {
        write_byte(w, (uint8_t)((unsigned)delta << 4 | (unsigned)type));
    } else {
        write_byte(w, (uint8_t)type);
        write_zigzag(w, id);
    }
    w->last_id[w->depth] = id;
}

void wg_thrift_write_bool(wg_thrift_writer *w, int16_t id, bool v) {
    write_field(w, id, v ? WG_THRIFT_TRUE : WG_THRIFT_FALSE);
}

void wg_thrift_write_i8(wg_thrift_writer *w, int16_t id, int8_t v) {
    write_field(w, id, WG_THRIFT_I8);
    write_byte(w, (uint8_t)v);
}

void wg_thrift_write_i32(wg_thrift_writer *w, int16_t id, int32_t v) {
    write_field(w, id, WG_THRIFT_I32);
    write_zigzag(w, v);
}

void wg_thrift_write_i64(wg_thrift_writer *w, int16_t id, int64_t v) {
    write_field(w, id, WG_THRIFT_I64);
    write_zigzag(w, v);
}

void wg_thrift_write_element_binary(wg_thrift_writer *w, wg_slice v) {
    write_varint(w, v.size);
    if (w->ok) w->ok = wg_buf_append(w->out, v.data, v.size);
}

void wg_thrift_write_binary(wg_thrift_writer *w, int16_t id, wg_slice v) {
    write_field(w, id, WG_THRIFT_BINARY);
    wg_thrift_write_element_binary(w, v);
}

void wg_thrift_write_struct_field(wg_thrift_writer *w, int16_t id) {
    write_field(w, id, WG_THRIFT_STRUCT);
    wg_thrift_write_struct_begin(w);
}

void wg_thrift_write_list_field(wg_thrift_writer *w, int16_t id, wg_thrift_type element, uint32_t count) {
    write_field(w, id, WG_THRIFT_LIST);
    if (count < 15) {
        write_byte(w, (uint8_t)(count << 4 | (unsigned)element));
        return;
    }
    write_byte(w, (uint8_t)(15u << 4 | (unsigned)element));
    write_varint(w, count);
}

void wg_thrift_write_element_i32(wg_thrift_writer *w, int32_t v) { write_zigzag(w, v); }
