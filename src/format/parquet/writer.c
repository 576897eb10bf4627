/* Parquet files from batches: rows are buffered column by column, and each full row group goes out chunk by chunk.
 *
 *   file   "PAR1" | row group: chunk per column ... | FileMetaData | u32 its bytes | "PAR1"
 *
 * The bytes depend on the rows, the columns, the codec and row_group_rows alone. A row group ends at row_group_rows, or
 * earlier when the strings of one column pass 64 MiB. Values are checked as they come in (a null in a required column, a
 * date beyond 32 bits, a value of another type); after any error the writer only gives that error again, because its
 * buffers may hold part of a batch.
 *
 * Types: BOOL as BOOLEAN, INT as INT64, FLOAT as DOUBLE, STRING as BYTE_ARRAY (STRING), DATE as INT32 (DATE), LOCAL_DATETIME
 * as INT64 (TIMESTAMP, microseconds, not adjusted to UTC), LOCAL_TIME as INT64 (TIME, nanoseconds, not adjusted), BYTES as BYTE_ARRAY. */
#include "format/parquet/parquet_internal.h"
#include "format/parquet/writer_internal.h"

enum {
    ROW_GROUP_ROWS_DEFAULT = 122880,
    ROW_GROUP_ROWS_MAX = 1 << 24,
    GROUP_STRING_BYTES = 64 << 20,
    STRING_BYTES_MAX = 64 << 20
};

struct wg_parquet_writer {
    wgi_parquet_buffer *buffers;
    uint32_t column_count;
    uint32_t row_group_rows;
    uint32_t rows; /* buffered */
    wg_code failed;
    bool finished;
    bool started; /* the leading magic is out */
    uint64_t row_count;
    wg_buf written;    /* wgi_parquet_written, a row group after the other */
    wg_buf group_rows; /* u64 */
    wg_arena arena;
    wgi_parquet_encoder encoder;
    wgi_parquet_out out;
};

wg_code wgi_parquet_out_put(wgi_parquet_out *out, wg_slice bytes, wg_error *err) {
    WG_TRY(out->sink(out->ctx, bytes, err));
    out->offset += bytes.size;
    return WG_OK;
}

static wg_code column_check(const wg_parquet_writer_column *c, wg_error *err) {
    const bool ok = c->type == WG_TYPE_BOOL || c->type == WG_TYPE_INT || c->type == WG_TYPE_FLOAT ||
                    c->type == WG_TYPE_STRING || c->type == WG_TYPE_BYTES || c->type == WG_TYPE_DATE ||
                    c->type == WG_TYPE_LOCAL_DATETIME || c->type == WG_TYPE_LOCAL_TIME;
    if (ok) return WG_OK;
    return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "parquet: column %.80s of type %s cannot be written",
                        c->name, wg_type_name(c->type));
}

static void encoder_init(wgi_parquet_encoder *e, wg_codec codec, wg_account *account) {
    e->codec = codec;
    e->account = account;
    wg_buf *const all[] = {&e->body,  &e->page,    &e->packed,      &e->codes,
                           &e->table, &e->entries, &e->entry_sizes, &e->levels};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) wg_buf_init(all[i], account);
}

static void encoder_deinit(wgi_parquet_encoder *e) {
    wg_buf *const all[] = {&e->body,  &e->page,    &e->packed,      &e->codes,
                           &e->table, &e->entries, &e->entry_sizes, &e->levels};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) wg_buf_deinit(all[i]);
}

static bool buffers_init(wg_parquet_writer *w, const wg_parquet_writer_column *columns, wg_account *account) {
    w->buffers = wg_alloc_zero(account, w->column_count * sizeof *w->buffers);
    if (w->buffers == NULL) return false;
    for (uint32_t i = 0; i < w->column_count; i++) {
        wgi_parquet_buffer *b = &w->buffers[i];
        wg_buf_init(&b->present, account);
        wg_buf_init(&b->cells, account);
        wg_buf_init(&b->bytes, account);
        b->column = columns[i];
        b->column.name = wg_arena_strdup(&w->arena, wg_slice_str(columns[i].name));
        /* Columns of empty strings alone point somewhere too. */
        if (b->column.name == NULL || !wg_buf_reserve(&b->bytes, 1)) return false;
    }
    return true;
}

wg_code wg_parquet_writer_create(const wg_parquet_writer_column *columns, uint32_t column_count, wg_codec codec,
                                 uint32_t row_group_rows, wg_parquet_sink_fn sink, void *sink_ctx,
                                 wg_account *account, wg_parquet_writer **out, wg_error *err) {
    WG_ASSERT(sink != NULL);
    if (column_count == 0 || column_count > WG_PARQUET_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: a file of %u columns; it needs 1 to 65,536",
                            column_count);
    if (row_group_rows > ROW_GROUP_ROWS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: row groups of %u rows; the limit is 16,777,216",
                            row_group_rows);
    if (!wg_codec_writable(codec))
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "parquet: codec %s cannot be written",
                            wg_codec_name(codec));
    for (uint32_t i = 0; i < column_count; i++) WG_TRY(column_check(&columns[i], err));
    wg_parquet_writer *w = wg_alloc_zero(account, sizeof *w);
    if (w == NULL) return wg_error_nomem(err, sizeof *w);
    w->column_count = column_count;
    w->row_group_rows = row_group_rows == 0 ? ROW_GROUP_ROWS_DEFAULT : row_group_rows;
    w->out = (wgi_parquet_out){.sink = sink, .ctx = sink_ctx};
    wg_arena_init(&w->arena, account);
    wg_buf_init(&w->written, account);
    wg_buf_init(&w->group_rows, account);
    encoder_init(&w->encoder, codec, account);
    if (!buffers_init(w, columns, account)) {
        wg_parquet_writer_destroy(w);
        return wg_error_nomem(err, column_count * sizeof *w->buffers);
    }
    *out = w;
    return WG_OK;
}

void wg_parquet_writer_destroy(wg_parquet_writer *w) {
    if (w == NULL) return;
    for (uint32_t i = 0; w->buffers != NULL && i < w->column_count; i++) {
        wg_buf_deinit(&w->buffers[i].present);
        wg_buf_deinit(&w->buffers[i].cells);
        wg_buf_deinit(&w->buffers[i].bytes);
    }
    wg_free(w->buffers);
    encoder_deinit(&w->encoder);
    wg_buf_deinit(&w->written);
    wg_buf_deinit(&w->group_rows);
    wg_arena_deinit(&w->arena);
    wg_free(w);
}

/* ---- rows in */

/* One cell, whatever the vector held, as what the column stores. */
typedef struct cell {
    bool present;
    uint64_t bits;
    wg_slice bytes;
} cell;

static wg_code cell_of_value(const wgi_parquet_buffer *b, const wg_value *v, cell *out, wg_error *err) {
    out->present = v->type != WG_TYPE_NULL;
    if (!out->present) return WG_OK;
    if (v->type != (uint8_t)b->column.type)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "parquet: column %.80s is %s, a value is %s",
                            b->column.name, wg_type_name(b->column.type), wg_type_name((wg_type)v->type));
    if (v->type == WG_TYPE_STRING || v->type == WG_TYPE_BYTES) {
        out->bytes = wg_value_slice(v);
    } else if (v->type == WG_TYPE_BOOL) {
        out->bits = v->as.b;
    } else if (v->type == WG_TYPE_FLOAT) {
        out->bits = wg_bits_of_f64(v->as.f);
    } else if (v->type == WG_TYPE_LOCAL_DATETIME) {
        int64_t us;
        if (v->size % 1000 != 0 || __builtin_mul_overflow(v->as.i, 1000000, &us) ||
            __builtin_add_overflow(us, (int64_t)(v->size / 1000), &us))
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                                "parquet: column %.80s: a datetime does not fit microseconds exactly",
                                b->column.name);
        out->bits = wg_u64_of_i64(us);
    } else {
        out->bits = wg_u64_of_i64(v->as.i);
    }
    return WG_OK;
}

static wg_code cell_read(const wgi_parquet_buffer *b, const wg_vector *v, uint32_t row, cell *out, wg_error *err) {
    *out = (cell){0};
    if (!wg_vector_is_valid(v, row) || v->type == WG_TYPE_NULL) return WG_OK;
    const uint32_t at = wg_vector_cell(v, row);
    if (v->type == WG_TYPE_ANY) return cell_of_value(b, &((const wg_value *)v->data)[at], out, err);
    if (v->type != b->column.type)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "parquet: column %.80s is %s, its vector is %s",
                            b->column.name, wg_type_name(b->column.type), wg_type_name(v->type));
    out->present = true;
    if (v->type == WG_TYPE_STRING || v->type == WG_TYPE_BYTES)
        out->bytes = wg_slice_of_str(((const wg_str *)v->data)[at]);
    else if (v->type == WG_TYPE_BOOL) out->bits = ((const uint8_t *)v->data)[at] != 0;
    else out->bits = wg_load_u64le((const uint8_t *)v->data + 8 * (size_t)at);
    return WG_OK;
}

static wg_code cell_check(const wgi_parquet_buffer *b, const cell *c, wg_error *err) {
    if (!c->present && !b->column.optional)
        return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET, "parquet: a null in column %.80s, which is required",
                            b->column.name);
    if (c->bytes.size > STRING_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: column %.80s: a string is over 64 MiB",
                            b->column.name);
    const int64_t v = wg_i64_of_u64(c->bits);
    if (b->column.type == WG_TYPE_DATE && (v < INT32_MIN || v > INT32_MAX))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "parquet: column %.80s: a date is beyond 32 bits of days",
                            b->column.name);
    return WG_OK;
}

/* NaN has one encoding: its sign and payload differ between machines. */
static uint64_t canonical(wg_type type, uint64_t bits) {
    const bool nan = type == WG_TYPE_FLOAT && (bits & UINT64_C(0x7fffffffffffffff)) > UINT64_C(0x7ff0000000000000);
    return nan ? UINT64_C(0x7ff8000000000000) : bits;
}

static bool cell_put(wgi_parquet_buffer *b, const cell *c) {
    if (b->column.optional && !wg_buf_append_u8(&b->present, c->present)) return false;
    b->row_count++;
    if (!c->present) return true;
    b->value_count++;
    if (b->column.type == WG_TYPE_BOOL) return wg_buf_append_u8(&b->cells, (uint8_t)c->bits);
    if (!wgi_parquet_is_bytes(b->column.type))
        return wg_buf_append_u64(&b->cells, canonical(b->column.type, c->bits));
    return wg_buf_append_u32(&b->cells, (uint32_t)c->bytes.size) &&
           wg_buf_append(&b->bytes, c->bytes.data, c->bytes.size);
}

static wg_code group_write(wg_parquet_writer *w, wg_error *err);

static wg_code row_append(wg_parquet_writer *w, const wg_batch *batch, uint32_t row, wg_error *err) {
    bool full = false;
    for (uint32_t c = 0; c < w->column_count; c++) {
        wgi_parquet_buffer *b = &w->buffers[c];
        cell value;
        WG_TRY(cell_read(b, &batch->columns[c], row, &value, err));
        WG_TRY(cell_check(b, &value, err));
        if (!cell_put(b, &value)) return wg_error_nomem(err, value.bytes.size + 8);
        full = full || b->bytes.size >= GROUP_STRING_BYTES;
    }
    w->rows++;
    return full || w->rows == w->row_group_rows ? group_write(w, err) : WG_OK;
}

/* ---- whole columns: batches in which no cell can be refused, and which do not fill a row group before their end */

/* Bytes of the strings of some rows; UINT64_MAX: one of them must be looked at. */
static uint64_t string_bytes(const wg_vector *v, const wg_batch *batch, uint32_t from, uint32_t count) {
    uint64_t sum = 0;
    for (uint32_t i = from; i < from + count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const wg_str *s = &((const wg_str *)v->data)[wg_vector_cell(v, row)];
        if (s->size > STRING_BYTES_MAX) return UINT64_MAX;
        sum += s->size;
    }
    return sum;
}

static bool dates_fit(const wg_vector *v, const wg_batch *batch, uint32_t from, uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const int64_t day = ((const int64_t *)v->data)[wg_vector_cell(v, row)];
        if (day < INT32_MIN || day > INT32_MAX) return false;
    }
    return true;
}

static bool is_plain(const wgi_parquet_buffer *b, const wg_vector *v, const wg_batch *batch, uint32_t from,
                     uint32_t count) {
    if (v->type != b->column.type || (v->valid != NULL && !b->column.optional)) return false;
    if (v->type == WG_TYPE_DATE) return dates_fit(v, batch, from, count);
    if (!wgi_parquet_is_bytes(v->type)) return true;
    const uint64_t bytes = string_bytes(v, batch, from, count);
    return bytes < GROUP_STRING_BYTES && b->bytes.size + bytes < GROUP_STRING_BYTES;
}

static bool all_plain(const wg_parquet_writer *w, const wg_batch *batch, uint32_t from, uint32_t count) {
    for (uint32_t c = 0; c < w->column_count; c++)
        if (!is_plain(&w->buffers[c], &batch->columns[c], batch, from, count)) return false;
    return true;
}

static bool strings_put(wgi_parquet_buffer *b, const wg_vector *v, const wg_batch *batch, uint32_t from,
                        uint32_t count) {
    for (uint32_t i = from; i < from + count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const wg_str *s = &((const wg_str *)v->data)[wg_vector_cell(v, row)];
        if (!wg_buf_append_u32(&b->cells, (uint32_t)s->size) || !wg_buf_append(&b->bytes, s->data, s->size))
            return false;
        b->value_count++;
    }
    return true;
}

static bool column_put(wgi_parquet_buffer *b, const wg_vector *v, const wg_batch *batch, uint32_t from,
                       uint32_t count) {
    if (b->column.optional) {
        if (!wg_buf_reserve(&b->present, count)) return false;
        for (uint32_t i = from; i < from + count; i++)
            b->present.data[b->present.size++] = wg_vector_is_valid(v, wg_batch_row(batch, i));
    }
    b->row_count += count;
    if (wgi_parquet_is_bytes(v->type)) return strings_put(b, v, batch, from, count);
    const bool is_bool = v->type == WG_TYPE_BOOL;
    if (!wg_buf_reserve(&b->cells, (size_t)count * 8)) return false;
    for (uint32_t i = from; i < from + count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        if (!wg_vector_is_valid(v, row)) continue;
        const uint32_t at = wg_vector_cell(v, row);
        b->value_count++;
        if (is_bool) {
            b->cells.data[b->cells.size++] = ((const uint8_t *)v->data)[at] != 0;
            continue;
        }
        const uint64_t bits = wg_load_u64le((const uint8_t *)v->data + 8 * (size_t)at);
        wg_store_u64le(b->cells.data + b->cells.size, canonical(v->type, bits));
        b->cells.size += 8;
    }
    return true;
}

/* *out_rows: how many were taken; 0: they must go one by one. */
static wg_code columns_append(wg_parquet_writer *w, const wg_batch *batch, uint32_t from, uint32_t *out_rows,
                              wg_error *err) {
    const uint32_t count = (uint32_t)wg_min_u64(w->row_group_rows - w->rows, batch->row_count - from);
    *out_rows = 0;
    if (!all_plain(w, batch, from, count)) return WG_OK;
    for (uint32_t c = 0; c < w->column_count; c++)
        if (!column_put(&w->buffers[c], &batch->columns[c], batch, from, count))
            return wg_error_nomem(err, (size_t)count * 8);
    w->rows += count;
    *out_rows = count;
    return w->rows == w->row_group_rows ? group_write(w, err) : WG_OK;
}

static wg_code batch_append(wg_parquet_writer *w, const wg_batch *batch, wg_error *err) {
    if (w->finished || batch->column_count != w->column_count)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "parquet: a batch of %u columns for a %s writer of %u",
                            batch->column_count, w->finished ? "finished" : "running", w->column_count);
    uint32_t done = 0;
    for (uint32_t taken = 1; taken != 0 && done < batch->row_count; done += taken)
        WG_TRY(columns_append(w, batch, done, &taken, err));
    for (; done < batch->row_count; done++) WG_TRY(row_append(w, batch, wg_batch_row(batch, done), err));
    return WG_OK;
}

static wg_code failed_before(const wg_parquet_writer *w, wg_error *err) {
    return wg_error_set(err, w->failed, WG_NO_OFFSET, "parquet: the writer failed before; its file is not complete");
}

wg_code wg_parquet_writer_append(wg_parquet_writer *w, const wg_batch *batch, wg_error *err) {
    if (w->failed != WG_OK) return failed_before(w, err);
    w->failed = batch_append(w, batch, err);
    return w->failed;
}

/* ---- row groups and footer out */

static wg_code start(wg_parquet_writer *w, wg_error *err) {
    if (w->started) return WG_OK;
    w->started = true;
    return wgi_parquet_out_put(&w->out, wg_slice_str("PAR1"), err);
}

static wg_code group_write(wg_parquet_writer *w, wg_error *err) {
    if (w->group_rows.size / 8 == WG_PARQUET_ROW_GROUPS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: more than 65,536 row groups; use larger ones");
    WG_TRY(start(w, err));
    for (uint32_t c = 0; c < w->column_count; c++) {
        wgi_parquet_buffer *b = &w->buffers[c];
        WG_ASSERT(b->row_count == w->rows);
        wgi_parquet_written written;
        WG_TRY(wgi_parquet_chunk_write(&w->encoder, b, &w->arena, &w->out, &written, err));
        if (!wg_buf_append(&w->written, &written, sizeof written)) return wg_error_nomem(err, sizeof written);
        b->present.size = 0;
        b->cells.size = 0;
        b->bytes.size = 0;
        b->value_count = 0;
        b->row_count = 0;
    }
    if (!wg_buf_append_u64(&w->group_rows, w->rows)) return wg_error_nomem(err, 8);
    w->row_count += w->rows;
    w->rows = 0;
    return WG_OK;
}

static void logical_write(wg_thrift_writer *t, wg_type type) {
    const bool timed = type == WG_TYPE_LOCAL_DATETIME || type == WG_TYPE_LOCAL_TIME;
    if (type != WG_TYPE_STRING && type != WG_TYPE_DATE && !timed) return;
    if (type == WG_TYPE_STRING) wg_thrift_write_i32(t, 6, 0); /* ConvertedType UTF8 */
    if (type == WG_TYPE_DATE) wg_thrift_write_i32(t, 6, 6);   /* ConvertedType DATE */
    /* TIMESTAMP_MICROS would say "adjusted to UTC", which local datetimes are not. */
    wg_thrift_write_struct_field(t, 10);
    wg_thrift_write_struct_field(t, type == WG_TYPE_STRING       ? 1
                                    : type == WG_TYPE_DATE       ? 6
                                    : type == WG_TYPE_LOCAL_TIME ? 7
                                                                 : 8);
    if (timed) {
        wg_thrift_write_bool(t, 1, false);
        wg_thrift_write_struct_field(t, 2);
        wg_thrift_write_struct_field(t, type == WG_TYPE_LOCAL_TIME ? 3 : 2); /* NANOS, MICROS */
        wg_thrift_write_struct_end(t);
        wg_thrift_write_struct_end(t);
    }
    wg_thrift_write_struct_end(t);
    wg_thrift_write_struct_end(t);
}

static void schema_write(const wg_parquet_writer *w, wg_thrift_writer *t) {
    wg_thrift_write_list_field(t, 2, WG_THRIFT_STRUCT, w->column_count + 1);
    wg_thrift_write_struct_begin(t);
    wg_thrift_write_binary(t, 4, wg_slice_str("schema"));
    wg_thrift_write_i32(t, 5, (int32_t)w->column_count);
    wg_thrift_write_struct_end(t);
    for (uint32_t c = 0; c < w->column_count; c++) {
        const wg_parquet_writer_column *column = &w->buffers[c].column;
        wg_thrift_write_struct_begin(t);
        wg_thrift_write_i32(t, 1, wgi_parquet_physical_of(column->type));
        wg_thrift_write_i32(t, 3, column->optional ? 1 : 0);
        wg_thrift_write_binary(t, 4, wg_slice_str(column->name));
        logical_write(t, column->type);
        wg_thrift_write_struct_end(t);
    }
}

static void chunk_meta_write(const wg_parquet_writer *w, wg_thrift_writer *t, uint32_t column,
                             const wgi_parquet_written *c) {
    const wg_parquet_writer_column *meta = &w->buffers[column].column;
    const bool dictionary = c->dictionary_offset != 0;
    wg_thrift_write_i32(t, 1, wgi_parquet_physical_of(meta->type));
    wg_thrift_write_list_field(t, 2, WG_THRIFT_I32, dictionary ? 3 : 2);
    wg_thrift_write_element_i32(t, WGI_PARQUET_PLAIN);
    wg_thrift_write_element_i32(t, WGI_PARQUET_RLE);
    if (dictionary) wg_thrift_write_element_i32(t, WGI_PARQUET_RLE_DICTIONARY);
    wg_thrift_write_list_field(t, 3, WG_THRIFT_BINARY, 1);
    wg_thrift_write_element_binary(t, wg_slice_str(meta->name));
    wg_thrift_write_i32(t, 4, (int32_t)w->encoder.codec);
    wg_thrift_write_i64(t, 5, (int64_t)c->row_count);
    wg_thrift_write_i64(t, 6, (int64_t)c->uncompressed_bytes);
    wg_thrift_write_i64(t, 7, (int64_t)c->compressed_bytes);
    wg_thrift_write_i64(t, 9, (int64_t)c->data_offset);
    if (dictionary) wg_thrift_write_i64(t, 11, (int64_t)c->dictionary_offset);
    wg_thrift_write_struct_field(t, 12);
    wg_thrift_write_i64(t, 3, (int64_t)c->null_count);
    if (c->has_bounds) {
        wg_thrift_write_binary(t, 5, c->max);
        wg_thrift_write_binary(t, 6, c->min);
    }
    wg_thrift_write_struct_end(t);
}

static void groups_write(const wg_parquet_writer *w, wg_thrift_writer *t) {
    const uint32_t groups = (uint32_t)(w->group_rows.size / 8);
    wg_thrift_write_list_field(t, 4, WG_THRIFT_STRUCT, groups);
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t bytes = 0;
        wg_thrift_write_struct_begin(t);
        wg_thrift_write_list_field(t, 1, WG_THRIFT_STRUCT, w->column_count);
        for (uint32_t c = 0; c < w->column_count; c++) {
            wgi_parquet_written chunk;
            const size_t at = ((size_t)g * w->column_count + c) * sizeof chunk;
            memcpy(&chunk, w->written.data + at, sizeof chunk);
            bytes += chunk.uncompressed_bytes;
            wg_thrift_write_struct_begin(t);
            wg_thrift_write_i64(t, 2, 0); /* deprecated file_offset */
            wg_thrift_write_struct_field(t, 3);
            chunk_meta_write(w, t, c, &chunk);
            wg_thrift_write_struct_end(t);
            wg_thrift_write_struct_end(t);
        }
        wg_thrift_write_i64(t, 2, (int64_t)bytes);
        wg_thrift_write_i64(t, 3, (int64_t)wg_load_u64le(w->group_rows.data + 8 * (size_t)g));
        wg_thrift_write_struct_end(t);
    }
}

static bool footer_make(wg_parquet_writer *w, wg_buf *out) {
    wg_thrift_writer t;
    wg_thrift_writer_init(&t, out);
    wg_thrift_write_struct_begin(&t);
    wg_thrift_write_i32(&t, 1, 1);
    schema_write(w, &t);
    wg_thrift_write_i64(&t, 3, (int64_t)w->row_count);
    groups_write(w, &t);
    wg_thrift_write_binary(&t, 6, wg_slice_str("worldgraph 0.1.0"));
    wg_thrift_write_list_field(&t, 7, WG_THRIFT_STRUCT, w->column_count);
    for (uint32_t c = 0; c < w->column_count; c++) {
        wg_thrift_write_struct_begin(&t);
        wg_thrift_write_struct_field(&t, 1); /* the order of the type */
        wg_thrift_write_struct_end(&t);
        wg_thrift_write_struct_end(&t);
    }
    wg_thrift_write_struct_end(&t);
    return t.ok && wg_buf_append_u32(out, (uint32_t)out->size) && wg_buf_append(out, "PAR1", 4);
}

static wg_code writer_finish(wg_parquet_writer *w, wg_error *err) {
    if (w->finished) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "parquet: the writer is finished already");
    if (w->rows > 0) WG_TRY(group_write(w, err));
    WG_TRY(start(w, err));
    wg_buf *footer = &w->encoder.body;
    footer->size = 0;
    if (!footer_make(w, footer)) return wg_error_nomem(err, footer->size);
    if (footer->size > WG_PARQUET_FOOTER_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "parquet: a footer of %zu bytes; use larger row groups",
                            footer->size);
    WG_TRY(wgi_parquet_out_put(&w->out, wg_buf_slice(footer), err));
    w->finished = true;
    return WG_OK;
}

wg_code wg_parquet_writer_finish(wg_parquet_writer *w, wg_error *err) {
    if (w->failed != WG_OK) return failed_before(w, err);
    w->failed = writer_finish(w, err);
    return w->failed;
}
