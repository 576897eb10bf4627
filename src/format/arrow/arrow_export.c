/* Batches as Arrow arrays, schemas and streams. See arrow.h.
 *
 * Ownership follows the C data interface: a consumer may move any child out of its parent and release it on its own,
 * so every child owns its buffers alone, and the parent owns no more than the structs and the table of pointers. A
 * struct is released by setting `release` to NULL; releasing the parent releases the children that still have theirs. */
#include "format/arrow/arrow.h"

#include <errno.h>
#include <stdio.h>

enum { FLAG_NULLABLE = 2 };

typedef enum cell_kind { CELL_NULL, CELL_BOOL, CELL_I64, CELL_F64, CELL_I32, CELL_TEXT } cell_kind;

static cell_kind kind_of(wg_type type) {
    if (type == WG_TYPE_NULL) return CELL_NULL;
    if (type == WG_TYPE_BOOL) return CELL_BOOL;
    if (type == WG_TYPE_INT || type == WG_TYPE_LOCAL_TIME || type == WG_TYPE_LOCAL_DATETIME) return CELL_I64;
    if (type == WG_TYPE_FLOAT) return CELL_F64;
    return type == WG_TYPE_DATE ? CELL_I32 : CELL_TEXT;
}

const char *wg_arrow_format(wg_type type) {
    switch (kind_of(type)) {
        case CELL_NULL:
            return "n";
        case CELL_BOOL:
            return "b";
        case CELL_I64:
            return type == WG_TYPE_INT ? "l" : type == WG_TYPE_LOCAL_TIME ? "ttn" : "tsu:";
        case CELL_F64:
            return "g";
        case CELL_I32:
            return "tdD";
        case CELL_TEXT:
            return type == WG_TYPE_BYTES ? "z" : "u";
    }
    WG_UNREACHABLE("a cell kind outside its enum");
}

/* ---- schema */

typedef struct schema_owned {
    char *name;
    uint8_t *metadata;
    struct ArrowSchema *children; /* storage of the child structs */
    struct ArrowSchema **pointers;
} schema_owned;

static void release_schema(struct ArrowSchema *schema) {
    schema_owned *owned = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release != NULL) schema->children[i]->release(schema->children[i]);
    wg_free(owned->name);
    wg_free(owned->metadata);
    wg_free(owned->children);
    wg_free(owned->pointers);
    wg_free(owned);
    schema->release = NULL;
}

/* An empty schema that can be released; false when out of memory. */
static bool schema_begin(const char *format, uint32_t children, struct ArrowSchema *out) {
    schema_owned *owned = wg_alloc_zero(NULL, sizeof *owned);
    if (owned == NULL) return false;
    *out = (struct ArrowSchema){
        .format = format, .name = "", .flags = FLAG_NULLABLE, .release = release_schema, .private_data = owned};
    if (children == 0) return true;
    owned->children = wg_alloc_zero(NULL, children * sizeof *owned->children);
    owned->pointers = wg_alloc_zero(NULL, children * sizeof *owned->pointers);
    if (owned->children == NULL || owned->pointers == NULL) {
        release_schema(out);
        return false;
    }
    for (uint32_t i = 0; i < children; i++) owned->pointers[i] = &owned->children[i];
    out->children = owned->pointers;
    out->n_children = children;
    return true;
}

/* One key and value in the interface's binary form: count, then sizes and bytes, native int32. */
static uint8_t *type_metadata(wg_type type) {
    static const char key[] = "worldgraph.type";
    const char *value = wg_type_name(type);
    wg_buf buf;
    wg_buf_init(&buf, NULL);
    const bool ok = wg_buf_append_u32(&buf, 1) && wg_buf_append_u32(&buf, (uint32_t)strlen(key)) &&
                    wg_buf_append_str(&buf, key) && wg_buf_append_u32(&buf, (uint32_t)strlen(value)) &&
                    wg_buf_append_str(&buf, value);
    if (ok) return buf.data;
    wg_buf_deinit(&buf);
    return NULL;
}

static bool export_field(const wg_arrow_field *field, struct ArrowSchema *out) {
    if (!schema_begin(wg_arrow_format(field->type), 0, out)) return false;
    schema_owned *owned = out->private_data;
    const size_t size = strlen(field->name) + 1;
    owned->name = wg_alloc(NULL, size);
    owned->metadata = type_metadata(field->type);
    if (owned->name == NULL || owned->metadata == NULL) {
        release_schema(out);
        return false;
    }
    memcpy(owned->name, field->name, size);
    out->name = owned->name;
    out->metadata = (const char *)owned->metadata;
    return true;
}

wg_code wg_arrow_export_schema(const wg_arrow_field *fields, uint32_t field_count, struct ArrowSchema *out,
                               wg_error *err) {
    struct ArrowSchema schema;
    if (!schema_begin("+s", field_count, &schema)) return wg_error_nomem(err, sizeof schema);
    schema.flags = 0;
    for (uint32_t i = 0; i < field_count; i++) {
        if (export_field(&fields[i], schema.children[i])) continue;
        release_schema(&schema);
        return wg_error_nomem(err, sizeof schema);
    }
    *out = schema;
    return WG_OK;
}

/* ---- arrays */

typedef struct array_owned {
    void *memory[3]; /* validity, data or offsets, text */
    const void *buffers[3];
    struct ArrowArray *children; /* storage of the child structs */
    struct ArrowArray **pointers;
} array_owned;

static void release_array(struct ArrowArray *array) {
    array_owned *owned = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release != NULL) array->children[i]->release(array->children[i]);
    for (size_t i = 0; i < 3; i++) wg_free(owned->memory[i]);
    wg_free(owned->children);
    wg_free(owned->pointers);
    wg_free(owned);
    array->release = NULL;
}

static bool array_begin(uint32_t length, struct ArrowArray *out) {
    array_owned *owned = wg_alloc_zero(NULL, sizeof *owned);
    if (owned == NULL) return false;
    *out = (struct ArrowArray){
        .length = length, .buffers = owned->buffers, .release = release_array, .private_data = owned};
    return true;
}

/* A zeroed buffer of whole cache lines, never empty, because some readers refuse NULL for no bytes. */
static bool array_buffer(struct ArrowArray *array, size_t index, size_t bytes) {
    array_owned *owned = array->private_data;
    owned->memory[index] = wg_alloc_zero(NULL, (size_t)wg_align_up(wg_max_size(bytes, 1), 64));
    owned->buffers[index] = owned->memory[index];
    return owned->memory[index] != NULL;
}

/* One column on its way out. */
typedef struct exporter {
    const wg_arrow_field *field;
    const wg_batch *batch;
    const wg_vector *vector;
    struct ArrowArray *array;
    uint32_t row_count;
    wg_buf text;
    wg_error *err;
} exporter;

static wg_code refuse_type(const exporter *e, const wg_value *v, uint32_t row) {
    return wg_error_set(e->err, WG_E_TYPE, WG_NO_OFFSET, "arrow: column %s, row %u: %s in a column of type %s",
                        e->field->name, row, wg_type_name((wg_type)v->type), wg_type_name(e->field->type));
}

static wg_code i64_of(const exporter *e, const wg_value *v, uint32_t row, int64_t *out) {
    bool exact = true;
    if ((wg_type)v->type != e->field->type) return refuse_type(e, v, row);
    *out = v->as.i;
    if (v->type != WG_TYPE_LOCAL_DATETIME) return WG_OK;
    if (!wg_micros_of_datetime(v->as.i, v->size, out, &exact) || !exact)
        return wg_error_set(e->err, WG_E_VALUE, WG_NO_OFFSET,
                            "arrow: column %s, row %u: the datetime does not fit whole microseconds in 64 bits",
                            e->field->name, row);
    return WG_OK;
}

static wg_code put_text(exporter *e, const wg_value *v, uint32_t row) {
    const bool plain = e->field->type == WG_TYPE_STRING || e->field->type == WG_TYPE_BYTES;
    if (plain || e->field->type != WG_TYPE_ANY)
        if ((wg_type)v->type != e->field->type) return refuse_type(e, v, row);
    bool ok;
    if (plain) ok = wg_buf_append(&e->text, v->as.s, v->size);
    else ok = e->field->objects ? wg_value_print_json_objects(&e->text, v) : wg_value_print_json(&e->text, v);
    if (!ok) return wg_error_nomem(e->err, e->text.size);
    if (e->text.size > INT32_MAX)
        return wg_error_set(e->err, WG_E_LIMIT, WG_NO_OFFSET, "arrow: column %s: more than 2 GiB of text in a batch",
                            e->field->name);
    return WG_OK;
}

/* Writes one value that is not null into the data buffer. */
static wg_code put_value(exporter *e, const wg_value *v, uint32_t row) {
    void *data = ((array_owned *)e->array->private_data)->memory[1];
    switch (kind_of(e->field->type)) {
        case CELL_NULL:
            return refuse_type(e, v, row);
        case CELL_BOOL:
            if (v->type != WG_TYPE_BOOL) return refuse_type(e, v, row);
            if (v->as.b) wg_bit_set(data, row);
            return WG_OK;
        case CELL_I64:
            return i64_of(e, v, row, (int64_t *)data + row);
        case CELL_F64:
            if (v->type != WG_TYPE_FLOAT && v->type != WG_TYPE_INT) return refuse_type(e, v, row);
            ((double *)data)[row] = v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f;
            return WG_OK;
        case CELL_I32:
            if (v->type != WG_TYPE_DATE) return refuse_type(e, v, row);
            if (v->as.i < INT32_MIN || v->as.i > INT32_MAX)
                return wg_error_set(e->err, WG_E_VALUE, WG_NO_OFFSET,
                                    "arrow: column %s, row %u: date outside 32 bits", e->field->name, row);
            ((int32_t *)data)[row] = (int32_t)v->as.i;
            return WG_OK;
        case CELL_TEXT:
            return put_text(e, v, row);
    }
    WG_UNREACHABLE("a cell kind outside its enum");
}

static bool alloc_buffers(exporter *e) {
    const size_t n = e->row_count;
    struct ArrowArray *array = e->array;
    switch (kind_of(e->field->type)) {
        case CELL_NULL:
            array->n_buffers = 0;
            return true;
        case CELL_BOOL:
            array->n_buffers = 2;
            return array_buffer(array, 1, wg_bit_bytes(n));
        case CELL_I64:
        case CELL_F64:
            array->n_buffers = 2;
            return array_buffer(array, 1, n * 8);
        case CELL_I32:
            array->n_buffers = 2;
            return array_buffer(array, 1, n * 4);
        case CELL_TEXT:
            array->n_buffers = 3;
            return array_buffer(array, 1, (n + 1) * 4);
    }
    WG_UNREACHABLE("a cell kind outside its enum");
}

static bool mark_null(exporter *e, uint32_t row) {
    array_owned *owned = e->array->private_data;
    e->array->null_count++;
    if (kind_of(e->field->type) == CELL_NULL) return true;
    if (owned->memory[0] == NULL) {
        if (!array_buffer(e->array, 0, wg_bit_bytes(e->row_count))) return false;
        memset(owned->memory[0], 0xff, wg_bit_bytes(e->row_count));
    }
    wg_bit_clear(owned->memory[0], row);
    return true;
}

/* Whole cells without a selection and nulls are copied as they are. */
static bool copy_plain(exporter *e) {
    const wg_physical physical = wg_type_physical(e->vector->type);
    if (e->vector->type != e->field->type || e->vector->kind != WG_VECTOR_FLAT || e->vector->valid != NULL)
        return false;
    if (e->batch->sel != NULL || (physical != WG_PHYSICAL_I64 && physical != WG_PHYSICAL_F64)) return false;
    if (e->field->type == WG_TYPE_DATE) return false; /* 64 bits here, 32 there */
    if (e->row_count != 0)
        memcpy(((array_owned *)e->array->private_data)->memory[1], e->vector->data, (size_t)e->row_count * 8);
    return true;
}

static wg_code fill_rows(exporter *e) {
    const bool text = kind_of(e->field->type) == CELL_TEXT;
    array_owned *owned = e->array->private_data;
    for (uint32_t i = 0; i < e->row_count; i++) {
        const wg_value v = wg_vector_value(e->vector, wg_batch_row(e->batch, i));
        if (v.type == WG_TYPE_NULL) {
            if (!mark_null(e, i)) return wg_error_nomem(e->err, e->row_count);
        } else {
            WG_TRY(put_value(e, &v, i));
        }
        if (text) ((int32_t *)owned->memory[1])[i + 1] = (int32_t)e->text.size;
    }
    return WG_OK;
}

static wg_code export_column(const wg_arrow_field *field, const wg_batch *batch, uint32_t column,
                             struct ArrowArray *out, wg_error *err) {
    exporter e = {.field = field,
                  .batch = batch,
                  .vector = &batch->columns[column],
                  .array = out,
                  .row_count = batch->row_count,
                  .err = err};
    wg_code code = WG_OK;
    if (!array_begin(batch->row_count, out)) return wg_error_nomem(err, sizeof *out);
    wg_buf_init(&e.text, NULL);
    if (!alloc_buffers(&e) || (out->n_buffers == 3 && !wg_buf_reserve(&e.text, 64))) {
        code = wg_error_nomem(err, (size_t)batch->row_count * 8);
        goto fail;
    }
    if (!copy_plain(&e)) WG_TRY_GOTO(fill_rows(&e));
    if (out->n_buffers == 3) {
        array_owned *owned = out->private_data;
        owned->memory[2] = e.text.data; /* the buffer's memory moves into the array */
        owned->buffers[2] = e.text.data;
    }
    return WG_OK;
fail:
    wg_buf_deinit(&e.text);
    release_array(out);
    return code;
}

wg_code wg_arrow_export_batch(const wg_arrow_field *fields, const wg_batch *batch, struct ArrowArray *out,
                              wg_error *err) {
    struct ArrowArray array;
    if (!array_begin(batch->row_count, &array)) return wg_error_nomem(err, sizeof array);
    array.n_buffers = 1; /* a struct has a validity buffer; ours is never null */
    array_owned *owned = array.private_data;
    const uint32_t n = batch->column_count;
    wg_code code = WG_OK;
    if (n != 0) {
        owned->children = wg_alloc_zero(NULL, n * sizeof *owned->children);
        owned->pointers = wg_alloc_zero(NULL, n * sizeof *owned->pointers);
        if (owned->children == NULL || owned->pointers == NULL) {
            code = wg_error_nomem(err, n * sizeof *owned->children);
            goto fail;
        }
    }
    array.children = owned->pointers;
    for (uint32_t i = 0; i < n; i++) {
        owned->pointers[i] = &owned->children[i];
        WG_TRY_GOTO(export_column(&fields[i], batch, i, &owned->children[i], err));
        array.n_children = i + 1;
    }
    *out = array;
    return WG_OK;
fail:
    release_array(&array);
    return code;
}

/* ---- streams */

typedef struct stream_owned {
    wg_arrow_source source;
    wg_arena arena; /* fields and their names */
    wg_arrow_field *fields;
    uint32_t field_count;
    bool failed;
    wg_error err;
} stream_owned;

static int errno_of(wg_code code) {
    if (code == WG_E_NOMEM) return ENOMEM;
    return code == WG_E_TYPE || code == WG_E_VALUE || code == WG_E_LIMIT ? EINVAL : EIO;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    stream_owned *s = stream->private_data;
    wg_error_clear(&s->err);
    const wg_code code = wg_arrow_export_schema(s->fields, s->field_count, out, &s->err);
    return code == WG_OK ? 0 : errno_of(code);
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    stream_owned *s = stream->private_data;
    wg_batch batch = {0};
    bool found = false;
    if (s->failed) return errno_of(s->err.code); /* what follows a failed batch would look whole */
    wg_error_clear(&s->err);
    wg_code code = s->source.next(s->source.ctx, &batch, &found, &s->err);
    if (code == WG_OK && found) {
        WG_ASSERT(batch.column_count == s->field_count);
        code = wg_arrow_export_batch(s->fields, &batch, out, &s->err);
    }
    if (code == WG_OK && !found) *out = (struct ArrowArray){0};
    s->failed = code != WG_OK;
    return code == WG_OK ? 0 : errno_of(code);
}

static const char *stream_last_error(struct ArrowArrayStream *stream) {
    const stream_owned *s = stream->private_data;
    return s->err.code == WG_OK ? NULL : s->err.message;
}

static void stream_release(struct ArrowArrayStream *stream) {
    stream_owned *s = stream->private_data;
    if (s->source.release != NULL) s->source.release(s->source.ctx);
    wg_arena_deinit(&s->arena);
    wg_free(s);
    stream->release = NULL;
}

static bool copy_fields(stream_owned *s, const wg_arrow_field *fields, uint32_t field_count) {
    s->field_count = field_count;
    if (field_count == 0) return true;
    s->fields = wg_arena_copy(&s->arena, fields, field_count * sizeof *fields);
    if (s->fields == NULL) return false;
    for (uint32_t i = 0; i < field_count; i++) {
        s->fields[i].name = wg_arena_strdup(&s->arena, wg_slice_str(fields[i].name));
        if (s->fields[i].name == NULL) return false;
    }
    return true;
}

wg_code wg_arrow_export_stream(const wg_arrow_field *fields, uint32_t field_count, const wg_arrow_source *source,
                               struct ArrowArrayStream *out, wg_error *err) {
    stream_owned *s = wg_alloc_zero(NULL, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    wg_arena_init(&s->arena, NULL);
    if (!copy_fields(s, fields, field_count)) {
        wg_arena_deinit(&s->arena);
        wg_free(s);
        return wg_error_nomem(err, field_count * sizeof *fields);
    }
    s->source = *source;
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_last_error,
                                     .release = stream_release,
                                     .private_data = s};
    return WG_OK;
}
