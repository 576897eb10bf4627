/* Arrow's IPC streaming format. See arrow.h.
 *
 * A stream is a sequence of messages and an end marker:
 *
 *   0   u32  0xFFFFFFFF
 *   4   u32  size of the metadata with its padding; 0 is the end of the stream
 *   8   ..   metadata: a FlatBuffers table `Message`, padded to a multiple of 8
 *   ..  ..   body (record batches): each buffer padded to a multiple of 8
 *
 * The metadata is written by hand. FlatBuffers offsets point forwards from where they stand, so a table is written
 * first with zeros for its offsets, and each offset is set when what it names is appended. A table at `t` is:
 *
 *   vtable, before t   u16 size of vtable, u16 size of table, u16 offset of each field from t (0: absent)
 *   t + 0              i32 distance from the vtable to t
 *   t + 4              fields, each aligned to its size; t is a multiple of 8
 *
 * A vector is a u32 count and its elements, a string a vector of bytes with a NUL after it. */
#include "format/arrow/arrow.h"

#include <errno.h>

enum {
    FB_FIELDS_MAX = 8,
    METADATA_VERSION_5 = 4,
    HEADER_SCHEMA = 1,
    HEADER_RECORD_BATCH = 3,
    TYPE_NULL = 1,
    TYPE_INT = 2,
    TYPE_FLOATING_POINT = 3,
    TYPE_BINARY = 4,
    TYPE_UTF8 = 5,
    TYPE_BOOL = 6,
    TYPE_DATE = 8,
    TYPE_TIME = 9,
    TYPE_TIMESTAMP = 10,
    PRECISION_DOUBLE = 2,
    DATE_DAY = 0,
    UNIT_MICROSECOND = 2,
    UNIT_NANOSECOND = 3
};

/* ---- FlatBuffers */

typedef struct fb {
    wg_buf buf;
    bool failed; /* out of memory; checked once at the end */
} fb;

static void fb_append(fb *f, const void *data, size_t size) {
    if (!f->failed) f->failed = !wg_buf_append(&f->buf, data, size);
}

/* Zeros until `size + ahead` is a multiple of `align`. */
static void fb_align(fb *f, size_t align, size_t ahead) {
    static const uint8_t zeros[8] = {0};
    const size_t over = (f->buf.size + ahead) & (align - 1);
    if (over != 0) fb_append(f, zeros, align - over);
}

static void fb_u32(fb *f, uint32_t v) { fb_append(f, &v, 4); }

/* Makes the offset field at `at` point to the end of the buffer, where its target is about to be written. */
static void fb_link(fb *f, size_t at) {
    if (f->failed) return;
    WG_ASSERT(at + 4 <= f->buf.size);
    wg_store_u32le(f->buf.data + at, (uint32_t)(f->buf.size - at));
}

typedef struct fb_field {
    uint8_t bytes; /* 0: absent; 4 with value 0 for offsets, linked later */
    uint64_t value;
} fb_field;

/* Writes vtable and table and links the offset at `link` to it; where[i] is the position of field i. */
static void fb_table(fb *f, size_t link, const fb_field *fields, size_t count, size_t where[FB_FIELDS_MAX]) {
    uint8_t table[4 + 8 * FB_FIELDS_MAX] = {0};
    uint8_t vtable[4 + 2 * FB_FIELDS_MAX] = {0};
    size_t size = 4;
    WG_ASSERT(count <= FB_FIELDS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].bytes == 0) continue;
        size = (size_t)wg_align_up(size, fields[i].bytes);
        wg_store_u16le(vtable + 4 + 2 * i, (uint16_t)size);
        memcpy(table + size, &fields[i].value, fields[i].bytes);
        where[i] = size;
        size += fields[i].bytes;
    }
    const size_t vtable_bytes = 4 + 2 * count;
    wg_store_u16le(vtable, (uint16_t)vtable_bytes);
    wg_store_u16le(vtable + 2, (uint16_t)size);
    fb_align(f, 8, vtable_bytes);
    fb_append(f, vtable, vtable_bytes);
    wg_store_u32le(table, (uint32_t)vtable_bytes);
    fb_link(f, link);
    for (size_t i = 0; i < count; i++) where[i] += f->buf.size;
    fb_append(f, table, size);
}

static void fb_string(fb *f, size_t link, const char *text, size_t size) {
    fb_align(f, 4, 0);
    fb_link(f, link);
    fb_u32(f, (uint32_t)size);
    fb_append(f, text, size);
    fb_append(f, "", 1);
}

/* A vector of `count` elements of zeros; returns the position of the first. */
static size_t fb_vector(fb *f, size_t link, size_t count, size_t element_bytes) {
    fb_align(f, 8, 4);
    fb_link(f, link);
    fb_u32(f, (uint32_t)count);
    const size_t first = f->buf.size;
    const uint64_t zero = 0;
    for (size_t i = 0; i < count * element_bytes; i += 4) fb_append(f, &zero, 4);
    return first;
}

/* ---- messages */

/* The Message table; returns the position of the offset to its header. */
static size_t message_begin(fb *f, uint8_t header_type, uint64_t body_bytes) {
    size_t where[FB_FIELDS_MAX] = {0};
    const fb_field fields[] = {{2, METADATA_VERSION_5}, {1, header_type}, {4, 0}, {8, body_bytes}};
    fb_u32(f, 0); /* the root offset */
    fb_table(f, 0, fields, 4, where);
    return where[2];
}

static wg_code put(wg_write_fn write, void *ctx, const void *data, size_t size, wg_error *err) {
    if (size == 0 || write(ctx, data, size)) return WG_OK;
    return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "arrow: the receiver stopped the output");
}

static wg_code message_write(fb *f, wg_write_fn write, void *ctx, wg_error *err) {
    uint8_t head[8];
    fb_align(f, 8, 0);
    if (f->failed) return wg_error_nomem(err, f->buf.size);
    wg_store_u32le(head, UINT32_MAX);
    wg_store_u32le(head + 4, (uint32_t)f->buf.size);
    WG_TRY(put(write, ctx, head, sizeof head, err));
    return put(write, ctx, f->buf.data, f->buf.size, err);
}

/* ---- types */

typedef struct type_row {
    const char *format;
    uint8_t type;
    uint8_t field_count;
    uint8_t cell_bits; /* 0: no data buffer, 255: offsets and bytes */
    fb_field fields[2];
} type_row;

enum { CELL_BITS_TEXT = 255 };

static const type_row type_rows[] = {
    {"n", TYPE_NULL, 0, 0, {{0, 0}}},
    {"b", TYPE_BOOL, 0, 1, {{0, 0}}},
    {"l", TYPE_INT, 2, 64, {{4, 64}, {1, 1}}},
    {"g", TYPE_FLOATING_POINT, 1, 64, {{2, PRECISION_DOUBLE}}},
    {"u", TYPE_UTF8, 0, CELL_BITS_TEXT, {{0, 0}}},
    {"z", TYPE_BINARY, 0, CELL_BITS_TEXT, {{0, 0}}},
    {"tdD", TYPE_DATE, 1, 32, {{2, DATE_DAY}}},
    {"ttn", TYPE_TIME, 2, 64, {{2, UNIT_NANOSECOND}, {4, 64}}},
    {"tsu:", TYPE_TIMESTAMP, 1, 64, {{2, UNIT_MICROSECOND}}},
};

static wg_code find_type(const struct ArrowSchema *field, const type_row **out, wg_error *err) {
    for (size_t i = 0; i < sizeof type_rows / sizeof type_rows[0]; i++) {
        if (strcmp(type_rows[i].format, field->format) != 0 || field->dictionary != NULL) continue;
        *out = &type_rows[i];
        return WG_OK;
    }
    return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                        "arrow: column %s has the format %s, which is not written",
                        field->name == NULL ? "" : field->name, field->format);
}

/* ---- schema */

/* Metadata of the C data interface: int32 count, then sizes and bytes of keys and values. */
static void put_metadata(fb *f, size_t link, const char *metadata) {
    const uint8_t *p = (const uint8_t *)metadata;
    const uint32_t count = p == NULL ? 0 : wg_load_u32le(p);
    const size_t first = fb_vector(f, link, count, 4);
    p += p == NULL ? 0 : 4;
    for (uint32_t i = 0; i < count; i++) {
        size_t where[FB_FIELDS_MAX] = {0};
        const fb_field fields[] = {{4, 0}, {4, 0}};
        fb_table(f, first + 4 * i, fields, 2, where);
        for (size_t part = 0; part < 2; part++) {
            const uint32_t size = wg_load_u32le(p);
            fb_string(f, where[part], (const char *)p + 4, size);
            p += 4 + size;
        }
    }
}

static wg_code put_field(fb *f, size_t link, const struct ArrowSchema *field, wg_error *err) {
    const type_row *type = NULL;
    size_t where[FB_FIELDS_MAX] = {0};
    size_t unused[FB_FIELDS_MAX] = {0};
    WG_TRY(find_type(field, &type, err));
    const uint8_t nullable = (field->flags & 2) != 0 ? 1 : 0;
    /* name, nullable, type_type, type, dictionary, children, custom_metadata */
    const fb_field fields[] = {{4, 0}, {1, nullable}, {1, type->type}, {4, 0}, {0, 0}, {4, 0}, {4, 0}};
    const char *name = field->name == NULL ? "" : field->name;
    fb_table(f, link, fields, 7, where);
    fb_string(f, where[0], name, strlen(name));
    fb_table(f, where[3], type->fields, type->field_count, unused);
    fb_vector(f, where[5], 0, 4);
    put_metadata(f, where[6], field->metadata);
    return WG_OK;
}

static wg_code put_schema(fb *f, const struct ArrowSchema *schema, wg_error *err) {
    size_t where[FB_FIELDS_MAX] = {0};
    const size_t header = message_begin(f, HEADER_SCHEMA, 0);
    const fb_field fields[] = {{2, 0}, {4, 0}}; /* little-endian, fields */
    fb_table(f, header, fields, 2, where);
    const size_t first = fb_vector(f, where[1], (size_t)schema->n_children, 4);
    for (int64_t i = 0; i < schema->n_children; i++)
        WG_TRY(put_field(f, first + 4 * (size_t)i, schema->children[i], err));
    return WG_OK;
}

wg_code wg_arrow_ipc_schema(const struct ArrowSchema *schema, wg_write_fn write, void *ctx, wg_error *err) {
    fb f = {0};
    wg_code code = WG_OK;
    if (strcmp(schema->format, "+s") != 0)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "arrow: a stream is of structs, not of %s",
                            schema->format);
    WG_TRY_GOTO(put_schema(&f, schema, err));
    WG_TRY_GOTO(message_write(&f, write, ctx, err));
fail:
    wg_buf_deinit(&f.buf);
    return code;
}

/* ---- record batches */

/* Number of buffers of a column and the bytes of each. */
static size_t column_buffers(const type_row *type, const struct ArrowArray *array, uint64_t bytes[3]) {
    const uint64_t n = (uint64_t)array->length;
    if (type->cell_bits == 0) return 0;
    bytes[0] = array->null_count == 0 || array->buffers[0] == NULL ? 0 : wg_bit_bytes((size_t)n);
    if (type->cell_bits != CELL_BITS_TEXT) {
        bytes[1] = (n * type->cell_bits + 7) / 8;
        return 2;
    }
    bytes[1] = (n + 1) * 4;
    bytes[2] = wg_load_u32le((const uint8_t *)array->buffers[1] + n * 4);
    return 3;
}

/* The buffers of the whole batch, in order. */
typedef struct body {
    wg_buf nodes;   /* u64 length, u64 null count for each column */
    wg_buf buffers; /* u64 offset, u64 bytes for each buffer */
    wg_buf data;    /* const void * for each buffer */
    uint64_t bytes;
} body;

static bool body_add(body *b, const void *data, uint64_t bytes) {
    if (!wg_buf_append_u64(&b->buffers, b->bytes) || !wg_buf_append_u64(&b->buffers, bytes)) return false;
    b->bytes += wg_align_up(bytes, 8);
    return wg_buf_append(&b->data, &data, sizeof data);
}

static wg_code collect(body *b, const struct ArrowSchema *schema, const struct ArrowArray *batch, wg_error *err) {
    if (batch->n_children != schema->n_children || batch->offset != 0)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "arrow: the batch is not of the schema, or has an offset");
    for (int64_t i = 0; i < batch->n_children; i++) {
        const struct ArrowArray *array = batch->children[i];
        const type_row *type = NULL;
        uint64_t bytes[3] = {0};
        WG_TRY(find_type(schema->children[i], &type, err));
        if (array->offset != 0 || array->length != batch->length || array->null_count < 0)
            return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                                "arrow: a column with an offset, another length or an unknown null count");
        const size_t count = column_buffers(type, array, bytes);
        bool ok = wg_buf_append_u64(&b->nodes, (uint64_t)array->length) &&
                  wg_buf_append_u64(&b->nodes, (uint64_t)array->null_count);
        for (size_t k = 0; ok && k < count; k++) ok = body_add(b, array->buffers[k], bytes[k]);
        if (!ok) return wg_error_nomem(err, b->buffers.size);
    }
    return WG_OK;
}

static void put_record_batch(fb *f, const body *b, int64_t length) {
    size_t where[FB_FIELDS_MAX] = {0};
    const size_t header = message_begin(f, HEADER_RECORD_BATCH, b->bytes);
    const fb_field fields[] = {{8, wg_u64_of_i64(length)}, {4, 0}, {4, 0}};
    fb_table(f, header, fields, 3, where);
    const size_t nodes = fb_vector(f, where[1], b->nodes.size / 16, 16);
    const size_t buffers = fb_vector(f, where[2], b->buffers.size / 16, 16);
    if (f->failed) return;
    if (b->nodes.size != 0) memcpy(f->buf.data + nodes, b->nodes.data, b->nodes.size);
    if (b->buffers.size != 0) memcpy(f->buf.data + buffers, b->buffers.data, b->buffers.size);
}

static wg_code write_body(const body *b, wg_write_fn write, void *ctx, wg_error *err) {
    static const uint8_t zeros[8] = {0};
    for (size_t i = 0; i < b->data.size / sizeof(void *); i++) {
        const void *data;
        memcpy(&data, b->data.data + i * sizeof data, sizeof data);
        const uint64_t bytes = wg_load_u64le(b->buffers.data + i * 16 + 8);
        WG_TRY(put(write, ctx, data, (size_t)bytes, err));
        WG_TRY(put(write, ctx, zeros, (size_t)(wg_align_up(bytes, 8) - bytes), err));
    }
    return WG_OK;
}

wg_code wg_arrow_ipc_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch, wg_write_fn write,
                           void *ctx, wg_error *err) {
    fb f = {0};
    body b = {0};
    wg_code code = WG_OK;
    WG_TRY_GOTO(collect(&b, schema, batch, err));
    put_record_batch(&f, &b, batch->length);
    WG_TRY_GOTO(message_write(&f, write, ctx, err));
    WG_TRY_GOTO(write_body(&b, write, ctx, err));
fail:
    wg_buf_deinit(&f.buf);
    wg_buf_deinit(&b.nodes);
    wg_buf_deinit(&b.buffers);
    wg_buf_deinit(&b.data);
    return code;
}

wg_code wg_arrow_ipc_end(wg_write_fn write, void *ctx, wg_error *err) {
    static const uint8_t marker[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    return put(write, ctx, marker, sizeof marker, err);
}

/* ---- whole streams */

static wg_code stream_failed(struct ArrowArrayStream *stream, int failure, wg_error *err) {
    const char *why = stream->get_last_error(stream);
    const wg_code code = failure == ENOMEM ? WG_E_NOMEM : failure == EINVAL ? WG_E_VALUE : WG_E_IO;
    return wg_error_set(err, code, WG_NO_OFFSET, "%s",
                        why == NULL ? "arrow: the stream failed without a reason" : why);
}

static wg_code write_batches(struct ArrowArrayStream *stream, const struct ArrowSchema *schema, wg_write_fn write,
                             void *ctx, wg_error *err) {
    for (;;) {
        struct ArrowArray batch = {0};
        const int failure = stream->get_next(stream, &batch);
        if (failure != 0) return stream_failed(stream, failure, err);
        if (batch.release == NULL) return wg_arrow_ipc_end(write, ctx, err);
        const wg_code code = wg_arrow_ipc_batch(schema, &batch, write, ctx, err);
        batch.release(&batch);
        if (code != WG_OK) return code;
    }
}

wg_code wg_arrow_ipc_stream(struct ArrowArrayStream *stream, wg_write_fn write, void *ctx, wg_error *err) {
    struct ArrowSchema schema = {0};
    const int failure = stream->get_schema(stream, &schema);
    if (failure != 0) return stream_failed(stream, failure, err);
    wg_code code = wg_arrow_ipc_schema(&schema, write, ctx, err);
    if (code == WG_OK) code = write_batches(stream, &schema, write, ctx, err);
    schema.release(&schema);
    return code;
}
