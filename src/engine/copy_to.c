/* COPY TO: rows become text or Parquet, in a temporary file that gets its name when it is whole.
 *
 *   path.<8 hex digits>.tmp    written in pieces of WRITE_BYTES, synced; then renamed to path, and the directory synced
 *
 * Text is made batch by batch into buffers of the caller, so that several threads can do it at once; only putting has an order. Numbers are the
 * shortest text that reads back; nulls of CSV are the null text without quotes, empty strings stand in quotes; lists and maps are JSON. Nodes,
 * relationships and paths are no values of a file and are refused, inside of lists too.
 *
 * Failure modes: WG_E_EXISTS; WG_E_TYPE and WG_E_VALUE for what the file cannot hold, naming the column; WG_E_CONSTRAINT for a null in a required
 * column; those of the platform. The temporary file is removed when the writer is destroyed before it has finished. */
#include "engine/copy_to.h"

#include <stdio.h>

#include "base/text/text.h"
#include "engine/engine_internal.h"
#include "format/csv/csv.h"
#include "format/parquet/parquet.h"

enum { WRITE_BYTES = 1 << 20, SUFFIX_BYTES = 16 };

struct wg_copy_writer {
    wg_platform *platform;
    wg_account *account;
    wg_arena arena;
    wg_copy_format format;
    wg_csv_options csv;
    wg_copy_to_column *columns;
    wg_slice *keys; /* JSON: "name": with what stands before it */
    uint32_t column_count;
    bool overwrite;
    const char *path;
    char *temporary;
    wg_file *file;
    uint64_t offset;
    wg_buf pending;
    wg_parquet_writer *parquet;
    wg_arena batch_arena; /* Parquet: converted cells */
    uint64_t rows;
};

static bool ends_with(const char *name, const char *suffix) {
    const size_t n = strlen(name);
    const size_t s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static wg_copy_format format_of(const wg_copy_to_options *options, const char *path) {
    if (options->format != WG_COPY_BY_NAME) return options->format;
    if (ends_with(path, ".parquet")) return WG_COPY_PARQUET;
    return ends_with(path, ".jsonl") || ends_with(path, ".ndjson") ? WG_COPY_JSON : WG_COPY_CSV;
}

bool wg_copy_to_is_typed(const wg_copy_to_options *options, const char *path) {
    return format_of(options, path) == WG_COPY_PARQUET;
}

static bool is_graph(wg_type type) { return type == WG_TYPE_NODE || type == WG_TYPE_EDGE || type == WG_TYPE_PATH; }

/* Types whose cells a Parquet column holds as they are. */
static bool is_stored(wg_type type) {
    return type == WG_TYPE_BOOL || type == WG_TYPE_INT || type == WG_TYPE_FLOAT || type == WG_TYPE_STRING ||
           type == WG_TYPE_BYTES || type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_DATETIME ||
           type == WG_TYPE_LOCAL_TIME;
}

bool wg_copy_to_type(uint64_t seen, wg_type *out) {
    const uint64_t integer = UINT64_C(1) << WG_TYPE_INT;
    const uint64_t real = UINT64_C(1) << WG_TYPE_FLOAT;
    const uint64_t kinds = seen & ~(UINT64_C(1) << WG_TYPE_NULL);
    *out = WG_TYPE_STRING;
    if (kinds == 0) return true;
    if (kinds == (integer | real)) *out = WG_TYPE_FLOAT;
    if (kinds == (integer | real)) return true;
    if ((kinds & (kinds - 1)) != 0) return false;
    const wg_type only = (wg_type)__builtin_ctzll(kinds);
    if (is_stored(only)) *out = only;
    return true;
}

/* ---- the file */

static wg_code bytes_write(wg_copy_writer *w, wg_slice bytes, wg_error *err) {
    if (bytes.size == 0) return WG_OK;
    WG_TRY(w->platform->ops->write_at(w->platform, w->file, w->offset, bytes.data, bytes.size, err));
    w->offset += bytes.size;
    return WG_OK;
}

static wg_code pending_write(wg_copy_writer *w, wg_error *err) {
    WG_TRY(bytes_write(w, wg_buf_slice(&w->pending), err));
    w->pending.size = 0;
    return WG_OK;
}

static wg_code bytes_put(void *ctx, wg_slice bytes, wg_error *err) {
    wg_copy_writer *w = ctx;
    if (w->pending.size + bytes.size > WRITE_BYTES) WG_TRY(pending_write(w, err));
    if (bytes.size >= WRITE_BYTES) return bytes_write(w, bytes, err);
    return wg_buf_append(&w->pending, bytes.data, bytes.size) ? WG_OK : wg_error_nomem(err, bytes.size);
}

static wg_code place_check(const wg_copy_writer *w, wg_error *err) {
    wg_file_info info;
    wg_error local = {0};
    const wg_code code = w->platform->ops->stat(w->platform, w->path, &info, &local);
    if (code == WG_E_NOT_FOUND) return WG_OK;
    if (code != WG_OK && err != NULL) *err = local;
    if (code != WG_OK) return code;
    if (info.is_directory) return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s is a directory", w->path);
    if (w->overwrite) return WG_OK;
    return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s is there already: OVERWRITE true replaces it", w->path);
}

static wg_code file_open(wg_copy_writer *w, wg_error *err) {
    const size_t bytes = strlen(w->path) + SUFFIX_BYTES;
    uint32_t number = 0;
    WG_TRY(place_check(w, err));
    char *name = wg_arena_alloc(&w->arena, bytes);
    if (name == NULL) return wg_error_nomem(err, bytes);
    WG_TRY(w->platform->ops->random(w->platform, &number, sizeof number, err));
    snprintf(name, bytes, "%s.%08x.tmp", w->path, number);
    WG_TRY(w->platform->ops->open(w->platform, name, WG_OPEN_CREATE_NEW, &w->file, err));
    w->temporary = name;
    return WG_OK;
}

/* The directory of the path, for syncing. */
static wg_code directory_sync(wg_copy_writer *w, wg_error *err) {
    char *copy = wg_arena_strdup(&w->arena, wg_slice_str(w->path));
    if (copy == NULL) return wg_error_nomem(err, strlen(w->path));
    char *slash = strrchr(copy, '/');
    const char *directory = slash == NULL ? "." : slash == copy ? "/" : copy;
    if (slash != NULL && slash != copy) *slash = '\0';
    return w->platform->ops->sync_directory(w->platform, directory, err);
}

/* ---- cells as text */

static bool holds_graph(const wg_value *v) {
    if (is_graph((wg_type)v->type)) return true;
    if (v->type != WG_TYPE_LIST && v->type != WG_TYPE_MAP) return false;
    for (uint32_t i = 0; i < v->size; i++)
        if (holds_graph(v->type == WG_TYPE_LIST ? &v->as.list[i] : &v->as.map[i].value)) return true;
    return false;
}

static wg_code refuse_graph(const wg_copy_to_column *column, wg_error *err) {
    return wg_error_set(
        err, WG_E_TYPE, WG_NO_OFFSET,
        "COPY: column %.80s holds a node, relationship or path; a file has room for their properties only",
        column->name);
}

/* Text of a value that is no string, in `scratch`: JSON, without the quotes of dates and the like. */
static wg_code value_text(const wg_copy_to_column *column, const wg_value *v, wg_buf *scratch, wg_slice *out,
                          wg_error *err) {
    scratch->size = 0;
    if (holds_graph(v)) return refuse_graph(column, err);
    if (!wg_value_print_json(scratch, v)) return wg_error_nomem(err, v->size);
    *out = wg_buf_slice(scratch);
    if (out->size >= 2 && out->data[0] == '"') *out = wg_slice_of(out->data + 1, out->size - 2);
    return WG_OK;
}

static wg_code bytes_text(const wg_copy_to_column *column, wg_slice bytes, wg_error *err) {
    if (wg_utf8_valid(bytes, NULL) && (bytes.size == 0 || memchr(bytes.data, 0, bytes.size) == NULL)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                        "COPY: column %.80s holds bytes that are no text: use Parquet or lines of JSON",
                        column->name);
}

static wg_code null_check(const wg_copy_to_column *column, wg_error *err) {
    if (!column->required) return WG_OK;
    return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                        "COPY: column %.80s is null in some row, and nothing else could find the node again",
                        column->name);
}

/* One present cell as the text of a CSV field; numbers go to `digits`, the rest to `scratch`. */
static wg_code cell_text(const wg_copy_to_column *column, const wg_vector *v, uint32_t row, char digits[48],
                         wg_buf *scratch, wg_slice *out, wg_error *err) {
    const uint32_t at = wg_vector_cell(v, row);
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            *out = wg_slice_str(((const uint8_t *)v->data)[at] != 0 ? "true" : "false");
            return WG_OK;
        case WG_PHYSICAL_F64:
            *out = wg_slice_of(digits, wg_format_f64(((const double *)v->data)[at], digits));
            return WG_OK;
        case WG_PHYSICAL_STR:
            *out = wg_slice_of_str(((const wg_str *)v->data)[at]);
            return v->type == WG_TYPE_BYTES ? bytes_text(column, *out, err) : WG_OK;
        case WG_PHYSICAL_I64:
            if (v->type == WG_TYPE_INT)
                *out = wg_slice_of(digits, wg_format_i64(((const int64_t *)v->data)[at], digits));
            if (v->type == WG_TYPE_DATE)
                *out = wg_slice_of(digits, wg_format_date(((const int64_t *)v->data)[at], digits));
            if (v->type == WG_TYPE_INT || v->type == WG_TYPE_DATE) return WG_OK;
            break;
        case WG_PHYSICAL_ID:
        case WG_PHYSICAL_VALUE:
            break;
    }
    const wg_value value = wg_vector_value(v, row);
    if (value.type != WG_TYPE_STRING && value.type != WG_TYPE_BYTES)
        return value_text(column, &value, scratch, out, err);
    *out = wg_value_slice(&value);
    return value.type == WG_TYPE_BYTES ? bytes_text(column, *out, err) : WG_OK;
}

static bool is_null(const wg_vector *v, uint32_t row) {
    if (!wg_vector_is_valid(v, row) || v->type == WG_TYPE_NULL) return true;
    if (wg_type_physical(v->type) != WG_PHYSICAL_VALUE) return false;
    return ((const wg_value *)v->data)[wg_vector_cell(v, row)].type == WG_TYPE_NULL;
}

static wg_code csv_row(const wg_copy_writer *w, const wg_batch *batch, uint32_t row, wg_buf *scratch, wg_buf *out,
                       wg_error *err) {
    char digits[48];
    for (uint32_t c = 0; c < w->column_count; c++) {
        wg_slice text = {0};
        const bool null = is_null(&batch->columns[c], row);
        if (null) WG_TRY(null_check(&w->columns[c], err));
        else WG_TRY(cell_text(&w->columns[c], &batch->columns[c], row, digits, scratch, &text, err));
        if (!wg_csv_write_field(out, &w->csv, c, text, null)) return wg_error_nomem(err, text.size);
    }
    return wg_csv_write_end(out) ? WG_OK : wg_error_nomem(err, 1);
}

static wg_code json_row(const wg_copy_writer *w, const wg_batch *batch, uint32_t row, wg_buf *out, wg_error *err) {
    for (uint32_t c = 0; c < w->column_count; c++) {
        const wg_value v =
            is_null(&batch->columns[c], row) ? wg_value_null() : wg_vector_value(&batch->columns[c], row);
        if (v.type == WG_TYPE_NULL) WG_TRY(null_check(&w->columns[c], err));
        if (holds_graph(&v)) return refuse_graph(&w->columns[c], err);
        if (!wg_buf_append(out, w->keys[c].data, w->keys[c].size) || !wg_value_print_json(out, &v))
            return wg_error_nomem(err, v.size);
    }
    return wg_buf_append(out, "}\n", 2) ? WG_OK : wg_error_nomem(err, 2);
}

wg_code wg_copy_writer_encode(const wg_copy_writer *w, const wg_batch *batch, wg_buf *out, wg_error *err) {
    wg_buf scratch;
    wg_code code = WG_OK;
    wg_buf_init(&scratch, w->account);
    for (uint32_t i = 0; i < batch->row_count && code == WG_OK; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        code =
            w->format == WG_COPY_CSV ? csv_row(w, batch, row, &scratch, out, err) : json_row(w, batch, row, out, err);
    }
    wg_buf_deinit(&scratch);
    return code;
}

wg_code wg_copy_writer_put_text(wg_copy_writer *w, wg_slice text, uint64_t rows, wg_error *err) {
    w->rows += rows;
    return bytes_put(w, text, err);
}

/* ---- cells of Parquet */

/* One value as a cell of the column's type. */
static wg_code cell_convert(wg_copy_writer *w, const wg_copy_to_column *column, wg_value *v, wg_error *err) {
    if (v->type == WG_TYPE_NULL || v->type == (uint8_t)column->type) return WG_OK;
    if (column->type == WG_TYPE_FLOAT && v->type == WG_TYPE_INT) {
        const double f = (double)v->as.i;
        if (wg_compare_i64_f64(v->as.i, f) != 0)
            return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET,
                                "COPY: column %.80s holds integers and floats, and %lld is no float", column->name,
                                (long long)v->as.i);
        *v = wg_value_float(f);
        return WG_OK;
    }
    if (column->type != WG_TYPE_STRING)
        return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "COPY: column %.80s is %s, a value is %s", column->name,
                            wg_type_name(column->type), wg_type_name((wg_type)v->type));
    wg_buf text;
    wg_slice cut = {0};
    wg_buf_init(&text, w->account);
    wg_code code = value_text(column, v, &text, &cut, err);
    if (code == WG_OK) {
        const char *copy = wg_arena_copy(&w->batch_arena, cut.size == 0 ? "" : (const char *)cut.data, cut.size);
        if (copy == NULL && cut.size != 0) code = wg_error_nomem(err, cut.size);
        else *v = wg_value_str(wg_slice_of(copy, cut.size));
    }
    wg_buf_deinit(&text);
    return code;
}

/* A vector that the Parquet writer takes as it is: of the column's type, or ANY with such values. */
static wg_code vector_convert(wg_copy_writer *w, uint32_t c, const wg_batch *batch, wg_vector *v, wg_error *err) {
    const wg_copy_to_column *column = &w->columns[c];
    if (column->required)
        for (uint32_t i = 0; i < batch->row_count; i++)
            if (is_null(v, wg_batch_row(batch, i))) WG_TRY(null_check(column, err));
    if (v->type == column->type || v->type == WG_TYPE_NULL) return WG_OK;
    if (is_graph(v->type)) return refuse_graph(column, err);
    const uint32_t extent = batch->row_count == 0 ? 0 : wg_batch_row(batch, batch->row_count - 1) + 1;
    wg_value *cells = wg_arena_alloc_zero(&w->batch_arena, ((size_t)extent + 1) * sizeof *cells);
    if (cells == NULL) return wg_error_nomem(err, extent * sizeof *cells);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        const uint32_t row = wg_batch_row(batch, i);
        cells[row] = is_null(v, row) ? wg_value_null() : wg_vector_value(v, row);
        WG_TRY(cell_convert(w, column, &cells[row], err));
    }
    *v = (wg_vector){.type = WG_TYPE_ANY, .kind = WG_VECTOR_FLAT, .data = cells};
    return WG_OK;
}

static wg_code parquet_put(wg_copy_writer *w, const wg_batch *batch, wg_error *err) {
    wg_arena_reset(&w->batch_arena);
    wg_vector *vectors = wg_arena_alloc(&w->batch_arena, ((size_t)w->column_count + 1) * sizeof *vectors);
    if (vectors == NULL) return wg_error_nomem(err, w->column_count * sizeof *vectors);
    for (uint32_t c = 0; c < w->column_count; c++) {
        vectors[c] = batch->columns[c];
        WG_TRY(vector_convert(w, c, batch, &vectors[c], err));
    }
    wg_batch converted = *batch;
    converted.columns = vectors;
    converted.column_count = w->column_count;
    WG_TRY(wg_parquet_writer_append(w->parquet, &converted, err));
    w->rows += batch->row_count;
    return WG_OK;
}

wg_code wg_copy_writer_put(wg_copy_writer *w, const wg_batch *batch, wg_error *err) {
    if (w->parquet != NULL) return parquet_put(w, batch, err);
    w->rows += batch->row_count;
    if (w->pending.size >= WRITE_BYTES) WG_TRY(pending_write(w, err));
    return wg_copy_writer_encode(w, batch, &w->pending, err);
}

/* ---- life */

static wg_code columns_copy(wg_copy_writer *w, const wg_copy_to_column *columns, wg_error *err) {
    w->columns = wg_arena_alloc(&w->arena, ((size_t)w->column_count + 1) * sizeof *w->columns);
    w->keys = wg_arena_alloc_zero(&w->arena, ((size_t)w->column_count + 1) * sizeof *w->keys);
    if (w->columns == NULL || w->keys == NULL) return wg_error_nomem(err, w->column_count * sizeof *w->columns);
    wg_buf key;
    wg_buf_init(&key, w->account);
    bool ok = true;
    for (uint32_t c = 0; c < w->column_count && ok; c++) {
        w->columns[c] = columns[c];
        w->columns[c].name = wg_arena_strdup(&w->arena, wg_slice_str(columns[c].name));
        key.size = 0;
        ok = w->columns[c].name != NULL && wg_buf_append_str(&key, c == 0 ? "{" : ",") &&
             wg_json_print_string(&key, wg_slice_str(columns[c].name)) && wg_buf_append_u8(&key, ':');
        if (ok) w->keys[c] = wg_slice_of(wg_arena_copy(&w->arena, key.data, key.size), key.size);
        ok = ok && w->keys[c].data != NULL;
    }
    wg_buf_deinit(&key);
    if (!ok) return wg_error_nomem(err, w->column_count);
    for (uint32_t c = 0; c < w->column_count; c++) {
        if (is_graph(columns[c].type)) return refuse_graph(&columns[c], err);
        for (uint32_t d = 0; d < c; d++)
            if (strcmp(columns[c].name, columns[d].name) == 0)
                return wg_error_set(err, WG_E_BIND, WG_NO_OFFSET, "COPY: two columns are called %.80s: rename one",
                                    columns[c].name);
    }
    return WG_OK;
}

static wg_code parquet_start(wg_copy_writer *w, const wg_copy_to_options *options, wg_error *err) {
    wg_parquet_writer_column *columns = wg_arena_alloc(&w->arena, ((size_t)w->column_count + 1) * sizeof *columns);
    if (columns == NULL) return wg_error_nomem(err, w->column_count * sizeof *columns);
    for (uint32_t c = 0; c < w->column_count; c++) {
        if (!wg_copy_to_type(UINT64_C(1) << w->columns[c].type, &w->columns[c].type))
            return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "COPY: column %.80s has no type",
                                w->columns[c].name);
        columns[c] = (wg_parquet_writer_column){
            .name = w->columns[c].name, .type = w->columns[c].type, .optional = !w->columns[c].required};
    }
    const wg_codec codec = options->has_codec ? options->codec : WG_CODEC_SNAPPY;
    return wg_parquet_writer_create(columns, w->column_count, codec, options->row_group_rows, bytes_put, w,
                                    w->account, &w->parquet, err);
}

static wg_code text_start(wg_copy_writer *w, const wg_copy_to_options *options, wg_error *err) {
    if (options->has_codec && options->codec != WG_CODEC_UNCOMPRESSED)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "COPY: text is written uncompressed; COMPRESSION is for Parquet");
    w->csv =
        (wg_csv_options){.delimiter = options->delimiter, .quote = options->quote, .has_header = options->header};
    if (options->null_text != NULL) {
        w->csv.null_text = wg_arena_strdup(&w->arena, wg_slice_str(options->null_text));
        if (w->csv.null_text == NULL) return wg_error_nomem(err, strlen(options->null_text));
    }
    if (w->format != WG_COPY_CSV) return WG_OK;
    WG_TRY(wg_csv_options_check(&w->csv, err));
    if (!options->header) return WG_OK;
    for (uint32_t c = 0; c < w->column_count; c++)
        if (!wg_csv_write_field(&w->pending, &w->csv, c, wg_slice_str(w->columns[c].name), false))
            return wg_error_nomem(err, 1);
    return wg_csv_write_end(&w->pending) ? WG_OK : wg_error_nomem(err, 1);
}

static wg_code writer_start(wg_copy_writer *w, const char *path, const wg_copy_to_options *options,
                            const wg_copy_to_column *columns, wg_error *err) {
    w->path = wg_arena_strdup(&w->arena, wg_slice_str(path));
    if (w->path == NULL) return wg_error_nomem(err, strlen(path));
    WG_TRY(columns_copy(w, columns, err));
    WG_TRY(w->format == WG_COPY_PARQUET ? parquet_start(w, options, err) : text_start(w, options, err));
    return file_open(w, err);
}

wg_code wg_copy_writer_create(wg_engine *engine, const char *path, const wg_copy_to_options *options,
                              const wg_copy_to_column *columns, uint32_t column_count, wg_account *account,
                              wg_copy_writer **out, wg_error *err) {
    wg_copy_writer *w = wg_alloc_zero(account, sizeof *w);
    if (w == NULL) return wg_error_nomem(err, sizeof *w);
    w->platform = engine->platform;
    w->account = account;
    w->format = format_of(options, path);
    w->overwrite = options->overwrite;
    w->column_count = column_count;
    wg_arena_init(&w->arena, account);
    wg_arena_init(&w->batch_arena, account);
    wg_buf_init(&w->pending, account);
    const wg_code code = writer_start(w, path, options, columns, err);
    if (code == WG_OK) *out = w;
    else wg_copy_writer_destroy(w);
    return code;
}

void wg_copy_writer_destroy(wg_copy_writer *w) {
    if (w == NULL) return;
    wg_error ignored = {0};
    if (w->file != NULL) w->platform->ops->close(w->platform, w->file);
    if (w->temporary != NULL) {
        const wg_code gone = w->platform->ops->unlink(w->platform, w->temporary, &ignored);
        (void)gone; /* whoever reads the error of the copy knows of it; a file that stays is named .tmp */
    }
    wg_parquet_writer_destroy(w->parquet);
    wg_buf_deinit(&w->pending);
    wg_arena_deinit(&w->batch_arena);
    wg_arena_deinit(&w->arena);
    wg_free(w);
}

bool wg_copy_writer_is_text(const wg_copy_writer *w) { return w->parquet == NULL; }
uint64_t wg_copy_writer_rows(const wg_copy_writer *w) { return w->rows; }

wg_code wg_copy_writer_finish(wg_copy_writer *w, wg_error *err) {
    wg_platform *p = w->platform;
    if (w->parquet != NULL) WG_TRY(wg_parquet_writer_finish(w->parquet, err));
    WG_TRY(pending_write(w, err));
    WG_TRY(p->ops->sync(p, w->file, err));
    p->ops->close(p, w->file);
    w->file = NULL;
    WG_TRY(place_check(w, err)); /* somebody else may have put a file there in the meantime */
    WG_TRY(p->ops->rename(p, w->temporary, w->path, err));
    w->temporary = NULL;
    return directory_sync(w, err);
}
