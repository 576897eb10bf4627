/* Reads several column chunks of one row group in step. Chunk readers give batches that end at page borders, each where its
 * own pages end; this one hands out the rows that all columns have, as slices of their vectors, so nothing is copied but the
 * bits of validity, which must be shifted. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

enum { VALID_BYTES = WG_BATCH_ROWS_MAX / 8 + 8 };

typedef struct column_state {
    wg_parquet_reader *reader; /* NULL: a constant */
    uint8_t *chunk;
    wg_type file_type;
    wg_type type;      /* wanted */
    wg_value constant; /* path variable; the wanted type's null when absent */
    int64_t int_min;   /* declared width of integers */
    int64_t int_max;
    bool check_range;
    const char *name;
    wg_vector vector; /* what the reader gave last */
    uint32_t rows;    /* in vector */
    uint32_t used;    /* of them handed out */
    uint8_t *valid;   /* VALID_BYTES */
    void *converted;  /* WG_BATCH_ROWS_MAX cells of the wanted type */
} column_state;

struct wgi_group_reader {
    const wg_engine *engine;
    wg_object *object;
    const char *path;
    wg_arena arena;
    wg_account *account;
    uint32_t column_count;
    uint64_t rows_left;
    uint64_t bytes_read;
    column_state columns[];
};

void wgi_group_reader_destroy(wgi_group_reader *reader, wg_stats *stats) {
    if (reader == NULL) return;
    for (uint32_t c = 0; c < reader->column_count; c++) {
        column_state *s = &reader->columns[c];
        if (s->reader != NULL && stats != NULL) stats->bytes_decoded += wg_parquet_reader_decoded_bytes(s->reader);
        wg_parquet_reader_destroy(s->reader);
        wg_free(s->chunk);
    }
    if (stats != NULL) stats->bytes_read += reader->bytes_read;
    wg_object_release(reader->engine->objects, reader->object);
    wg_arena_deinit(&reader->arena);
    wg_free(reader);
}

/* Names file and column; the offset is one of the file and must not be taken for one of the query text. */
static wg_code file_error(const wgi_group_reader *r, const char *column, wg_code code, wg_error *err) {
    return wg_error_fold_offset(err, wg_error_prefix(err, code, "%s, column %s", r->path, column));
}

static wg_code open_chunk(wgi_group_reader *r, column_state *s, uint32_t column, uint32_t row_group, wg_error *err) {
    const wg_parquet_metadata *m = wg_object_metadata(r->object);
    const wg_parquet_row_group *group = &m->row_groups[row_group];
    const wg_parquet_chunk *chunk = &group->chunks[column];
    s->file_type = m->columns[column].type;
    s->chunk = wg_alloc(r->account, chunk->compressed_bytes + 64);
    if (s->chunk == NULL) return wg_error_nomem(err, chunk->compressed_bytes);
    WG_TRY(wg_object_read(r->object, chunk->offset, s->chunk, chunk->compressed_bytes, err));
    r->bytes_read += chunk->compressed_bytes;
    return wg_parquet_reader_create(&m->columns[column], chunk, wg_slice_of(s->chunk, chunk->compressed_bytes),
                                    group->row_count, r->account, &s->reader, err);
}

static void set_int_range(column_state *s, const wg_column_def *def) {
    if (def->type != WG_TYPE_INT || def->int_bits == 0 || def->int_bits >= 64) return;
    s->check_range = true;
    if (def->int_unsigned) {
        s->int_max = (int64_t)((UINT64_C(1) << def->int_bits) - 1);
    } else {
        s->int_max = (int64_t)((UINT64_C(1) << (def->int_bits - 1)) - 1);
        s->int_min = -s->int_max - 1;
    }
}

static wg_code open_column(wgi_group_reader *r, column_state *s, const wg_partition *partition, const wg_label *label,
                           uint32_t def_column, uint32_t row_group, wg_error *err) {
    s->constant = wg_value_null();
    if (def_column == UINT32_MAX) return WG_OK;
    const wg_column_def *def = &label->def.columns[def_column];
    s->name = def->name;
    if (def->source == WG_COLUMN_PARTITION) {
        s->constant = *wgi_partition_variable(label, partition, def_column);
        return WG_OK;
    }
    uint32_t column = 0;
    WG_TRY(wgi_virtual_column(r->object, label, def_column, &column, err));
    set_int_range(s, def);
    const wg_code code = open_chunk(r, s, column, row_group, err);
    return code == WG_OK ? WG_OK : file_error(r, def->name, code, err);
}

wg_code wgi_group_reader_create(const wg_engine *engine, const wg_partition *partition, const wg_label *label,
                                const uint32_t *def_columns, const wg_type *types, uint32_t column_count,
                                uint32_t row_group, wg_account *account, wgi_group_reader **out, wg_stats *stats,
                                wg_error *err) {
    wg_object *object = NULL;
    bool opened = false;
    WG_TRY(wgi_partition_acquire(engine, partition, &object, &opened, err));
    if (stats != NULL) stats->files_opened += opened;
    wgi_group_reader *r = wg_alloc_zero(account, sizeof *r + column_count * sizeof(column_state));
    if (r == NULL) {
        wg_object_release(engine->objects, object);
        return wg_error_nomem(err, sizeof *r);
    }
    r->engine = engine;
    r->object = object;
    r->path = partition->path;
    r->account = account;
    r->column_count = column_count;
    wg_arena_init(&r->arena, account);
    r->rows_left = wg_object_metadata(object)->row_groups[row_group].row_count;
    wg_code code = WG_OK;
    for (uint32_t c = 0; c < column_count && code == WG_OK; c++) {
        column_state *s = &r->columns[c];
        s->type = types[c];
        s->valid = wg_arena_alloc(&r->arena, VALID_BYTES);
        s->converted = wg_arena_alloc(&r->arena, WG_BATCH_ROWS_MAX * wg_physical_bytes(wg_type_physical(types[c])));
        if (s->valid == NULL || s->converted == NULL) code = wg_error_nomem(err, VALID_BYTES);
        else code = open_column(r, s, partition, label, def_columns[c], row_group, err);
    }
    if (code != WG_OK) {
        wgi_group_reader_destroy(r, NULL);
        return code;
    }
    if (stats != NULL) stats->row_groups_read++;
    *out = r;
    return WG_OK;
}

/* ---- conversion of a handed-out slice to the wanted type */

static void shift_bits(uint8_t *to, const uint8_t *from, uint32_t start, uint32_t count) {
    const uint32_t shift = start & 7;
    const uint8_t *p = from + start / 8;
    const uint32_t bytes = (count + 7) / 8;
    if (shift == 0) {
        memcpy(to, p, bytes);
        return;
    }
    const uint32_t have = (start % 8 + count + 7) / 8; /* bytes of the source that hold the bits */
    for (uint32_t i = 0; i < bytes; i++) {
        const uint32_t low = (uint32_t)p[i] >> shift;
        const uint32_t high = i + 1 < have ? (uint32_t)p[i + 1] << (8 - shift) : 0;
        to[i] = (uint8_t)(low | high);
    }
}

static void to_any(const wg_vector *v, uint32_t rows, wg_value *out) {
    for (uint32_t i = 0; i < rows; i++) out[i] = wg_vector_value(v, i);
}

static void ints_to_floats(const wg_vector *v, uint32_t rows, double *out) {
    const int64_t *in = v->data;
    for (uint32_t i = 0; i < rows; i++) out[i] = (double)in[wg_vector_cell(v, i)];
}

static wg_code check_ints(const wgi_group_reader *r, const column_state *s, const wg_vector *v, uint32_t rows,
                          wg_error *err) {
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_vector_is_valid(v, i)) continue;
        const int64_t x = ((const int64_t *)v->data)[wg_vector_cell(v, i)];
        if (x < s->int_min || x > s->int_max)
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                                "%s: column %s holds %lld, outside of its declared width", r->path, s->name,
                                (long long)x);
    }
    return WG_OK;
}

static wg_code check_utf8(const wgi_group_reader *r, const column_state *s, const wg_vector *v, uint32_t rows,
                          wg_error *err) {
    size_t bad = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_vector_is_valid(v, i)) continue;
        if (!wg_utf8_valid(wg_slice_of_str(((const wg_str *)v->data)[wg_vector_cell(v, i)]), &bad))
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                                "%s: column %s is declared STRING and holds bytes that are not UTF-8", r->path,
                                s->name);
    }
    return WG_OK;
}

static wg_code convert(const wgi_group_reader *r, column_state *s, wg_vector *v, uint32_t rows, wg_error *err) {
    if (s->check_range) WG_TRY(check_ints(r, s, v, rows, err));
    if (v->type == s->type) return WG_OK;
    if (v->type == WG_TYPE_BYTES && s->type == WG_TYPE_STRING) {
        WG_TRY(check_utf8(r, s, v, rows, err));
        v->type = WG_TYPE_STRING;
        return WG_OK;
    }
    if (s->type == WG_TYPE_ANY) to_any(v, rows, s->converted);
    else if (s->type == WG_TYPE_FLOAT && v->type == WG_TYPE_INT) ints_to_floats(v, rows, s->converted);
    else
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "%s: column %s: no conversion from %s to %s", r->path,
                            s->name, wg_type_name(v->type), wg_type_name(s->type));
    v->type = s->type;
    v->kind = WG_VECTOR_FLAT;
    v->data = s->converted;
    v->codes = NULL;
    return WG_OK;
}

/* A path variable, or null: one cell for all rows. */
static wg_vector constant_vector(column_state *s) {
    wg_vector v = {.type = s->type, .kind = WG_VECTOR_CONST, .data = s->converted};
    s->valid[0] = s->constant.type == WG_TYPE_NULL ? 0 : 1;
    v.valid = s->constant.type == WG_TYPE_NULL ? s->valid : NULL;
    memset(s->converted, 0, wg_physical_bytes(wg_type_physical(s->type)));
    if (s->constant.type == WG_TYPE_NULL) return v;
    switch (wg_type_physical(s->type)) {
        case WG_PHYSICAL_VALUE:
            memcpy(s->converted, &s->constant, sizeof s->constant);
            break;
        case WG_PHYSICAL_STR: {
            const wg_str text = wg_str_of_slice(wg_value_slice(&s->constant));
            memcpy(s->converted, &text, sizeof text);
            break;
        }
        case WG_PHYSICAL_F64: {
            const double f = s->constant.type == WG_TYPE_INT ? (double)s->constant.as.i : s->constant.as.f;
            memcpy(s->converted, &f, sizeof f);
            break;
        }
        case WG_PHYSICAL_BOOL:
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_ID:
            memcpy(s->converted, &s->constant.as, sizeof s->constant.as);
            break;
    }
    return v;
}

static wg_code fill(wgi_group_reader *r, column_state *s, uint32_t rows_max, wg_error *err) {
    if (s->reader == NULL || s->used < s->rows) return WG_OK;
    s->used = 0;
    const wg_code code = wg_parquet_reader_next(s->reader, rows_max, &s->vector, &s->rows, err);
    if (code != WG_OK) return file_error(r, s->name, code, err);
    if (s->rows == 0)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: column %s ends before its row group does", r->path,
                            s->name);
    return WG_OK;
}

static wg_code hand_out(const wgi_group_reader *r, column_state *s, uint32_t rows, wg_vector *out, wg_error *err) {
    if (s->reader == NULL) {
        *out = constant_vector(s);
        return WG_OK;
    }
    *out = s->vector;
    const size_t width = wg_physical_bytes(wg_type_physical(s->vector.type));
    if (s->vector.kind == WG_VECTOR_DICT) out->codes = s->vector.codes + s->used;
    else if (s->vector.kind == WG_VECTOR_FLAT) out->data = (const uint8_t *)s->vector.data + (size_t)s->used * width;
    if (s->vector.valid != NULL && s->vector.kind != WG_VECTOR_CONST && s->used > 0) {
        shift_bits(s->valid, s->vector.valid, s->used, rows);
        out->valid = s->valid;
    }
    s->used += rows;
    return convert(r, s, out, rows, err);
}

wg_code wgi_group_reader_next(wgi_group_reader *reader, uint32_t rows_max, wg_vector *vectors, uint32_t *out_rows,
                              wg_error *err) {
    uint32_t rows = (uint32_t)wg_min_u64(wg_min_u64(rows_max, WG_BATCH_ROWS_MAX), reader->rows_left);
    *out_rows = 0;
    if (rows == 0) return WG_OK;
    for (uint32_t c = 0; c < reader->column_count; c++) {
        column_state *s = &reader->columns[c];
        WG_TRY(fill(reader, s, WG_BATCH_ROWS_MAX, err));
        if (s->reader != NULL && s->rows - s->used < rows) rows = s->rows - s->used;
    }
    for (uint32_t c = 0; c < reader->column_count; c++)
        WG_TRY(hand_out(reader, &reader->columns[c], rows, &vectors[c], err));
    reader->rows_left -= rows;
    *out_rows = rows;
    return WG_OK;
}

wg_code wgi_group_reader_skip(wgi_group_reader *reader, uint64_t rows, wg_error *err) {
    if (rows > reader->rows_left)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: a row group has fewer rows than its metadata says",
                            reader->path);
    for (uint32_t c = 0; c < reader->column_count; c++) {
        column_state *s = &reader->columns[c];
        if (s->reader == NULL) continue;
        const uint64_t held = wg_min_u64(rows, s->rows - s->used);
        s->used += (uint32_t)held;
        if (rows == held) continue;
        const wg_code code = wg_parquet_reader_skip(s->reader, rows - held, err);
        if (code != WG_OK) return file_error(reader, s->name, code, err);
    }
    reader->rows_left -= rows;
    return WG_OK;
}
