/* format/thrift: the compact protocol of Apache Thrift, as Parquet's footers and page headers use it.
 *
 * The reader is a cursor with a sticky failure: after the first error every call returns false or zero and `code` keeps
 * what went wrong, so that a decoder reads field after field and checks once at its end. Nothing is allocated. Every
 * length and count is checked against the bytes that are left before it is believed. */
#ifndef WG_FORMAT_THRIFT_H
#define WG_FORMAT_THRIFT_H

#include "base/core/core.h"
#include "base/memory/memory.h"

enum { WG_THRIFT_DEPTH_MAX = 64, WG_THRIFT_STRING_BYTES_MAX = 16 << 20, WG_THRIFT_CONTAINER_COUNT_MAX = 1000000 };

typedef enum wg_thrift_type {
    WG_THRIFT_STOP = 0,
    WG_THRIFT_TRUE = 1, /* as a field the value is in the type; as a list element either code means "bool" */
    WG_THRIFT_FALSE = 2,
    WG_THRIFT_I8 = 3,
    WG_THRIFT_I16 = 4,
    WG_THRIFT_I32 = 5,
    WG_THRIFT_I64 = 6,
    WG_THRIFT_DOUBLE = 7,
    WG_THRIFT_BINARY = 8,
    WG_THRIFT_LIST = 9,
    WG_THRIFT_SET = 10,
    WG_THRIFT_MAP = 11,
    WG_THRIFT_STRUCT = 12,
    WG_THRIFT_UUID = 13
} wg_thrift_type;

typedef struct wg_thrift_field {
    int16_t id;
    wg_thrift_type type;
} wg_thrift_field;

typedef struct wg_thrift_reader {
    const uint8_t *begin;
    const uint8_t *pos;
    const uint8_t *end;
    uint64_t base_offset; /* of `begin` in the file, for messages */
    wg_error *err;
    wg_code code; /* WG_OK until the first failure */
    uint32_t depth;
    int16_t last_id[WG_THRIFT_DEPTH_MAX + 1];
} wg_thrift_reader;

void wg_thrift_reader_init(wg_thrift_reader *r, wg_slice bytes, uint64_t base_offset, wg_error *err);
/* Bytes read so far. */
static inline size_t wg_thrift_reader_bytes(const wg_thrift_reader *r) { return (size_t)(r->pos - r->begin); }
/* Makes the reader fail at its position (used by decoders for values that break the format above). Returns false. */
bool wg_thrift_fail(wg_thrift_reader *r, wg_code code, const char *what);

/* for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) ... reads one struct; the loop ends behind the struct or
 * at a failure. Every field must be read or skipped. */
bool wg_thrift_struct_begin(wg_thrift_reader *r);
bool wg_thrift_field_next(wg_thrift_reader *r, wg_thrift_field *field);
void wg_thrift_skip(wg_thrift_reader *r, wg_thrift_type type);

/* Values. `type` is what the field header said; another type than the wanted one is WG_E_CORRUPT. On failure *out is
 * untouched. Slices point into the input. */
bool wg_thrift_read_bool(wg_thrift_reader *r, wg_thrift_type type, bool *out);
bool wg_thrift_read_element_bool(wg_thrift_reader *r, bool *out); /* of a list, where a boolean is a byte */
bool wg_thrift_read_i8(wg_thrift_reader *r, wg_thrift_type type, int8_t *out);
bool wg_thrift_read_i32(wg_thrift_reader *r, wg_thrift_type type, int32_t *out);
bool wg_thrift_read_i64(wg_thrift_reader *r, wg_thrift_type type, int64_t *out);
bool wg_thrift_read_binary(wg_thrift_reader *r, wg_thrift_type type, wg_slice *out);
/* Opens a list whose elements must be `element`; the caller then reads *out_count elements, structs with
 * wg_thrift_struct_begin, the rest by the functions above. */
bool wg_thrift_read_list(wg_thrift_reader *r, wg_thrift_type type, wg_thrift_type element, uint32_t *out_count);

/* ---- writer: appends to a buffer; `ok` turns false when memory ran out */
typedef struct wg_thrift_writer {
    wg_buf *out;
    bool ok;
    uint32_t depth;
    int16_t last_id[WG_THRIFT_DEPTH_MAX + 1];
} wg_thrift_writer;

void wg_thrift_writer_init(wg_thrift_writer *w, wg_buf *out);
void wg_thrift_write_struct_begin(wg_thrift_writer *w); /* of the top level or of a list element */
void wg_thrift_write_struct_end(wg_thrift_writer *w);
/* Field ids ascend within a struct. */
void wg_thrift_write_bool(wg_thrift_writer *w, int16_t id, bool v);
void wg_thrift_write_i8(wg_thrift_writer *w, int16_t id, int8_t v);
void wg_thrift_write_i32(wg_thrift_writer *w, int16_t id, int32_t v);
void wg_thrift_write_i64(wg_thrift_writer *w, int16_t id, int64_t v);
void wg_thrift_write_binary(wg_thrift_writer *w, int16_t id, wg_slice v);
void wg_thrift_write_struct_field(wg_thrift_writer *w, int16_t id); /* then fields, then struct_end */
void wg_thrift_write_list_field(wg_thrift_writer *w, int16_t id, wg_thrift_type element, uint32_t count);
void wg_thrift_write_element_i32(wg_thrift_writer *w, int32_t v);
void wg_thrift_write_element_binary(wg_thrift_writer *w, wg_slice v);

#endif
