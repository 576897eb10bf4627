/* COPY label FROM csv: the file is read in pieces, parsed, fitted to the label's columns and written in bulk stripes of
 * WG_BATCH_ROWS_MAX rows, all in the caller's transaction. One bad row fails the whole load and says where it is.
 *
 * Text becomes a column's type: numbers, true/false, dates and timestamps as ISO text; a null cell is null. Columns of type
 * ANY and undeclared columns of open labels hold the text as a STRING. */
#include "base/text/text.h"
#include "engine/engine_internal.h"
#include "format/csv/csv.h"

enum { COPY_PIECE_BYTES = 1 << 20 };

typedef struct copier {
    wg_txn *txn;
    const wg_label *label;
    const char *path;
    const wg_copy_options *options;
    wg_cancel *cancel;
    wg_account *account;
    wg_arena arena;   /* column map */
    wg_arena strings; /* of the batch being filled */
    wg_csv_reader *csv;
    uint32_t column_count; /* of the file */
    uint32_t *keys;
    const wg_column_def **defs; /* NULL: open */
    wg_column *columns;
    wg_vector *vectors;
    uint64_t lines[WG_BATCH_ROWS_MAX]; /* line of each row, for errors */
    uint64_t rows;
} copier;

static bool parse_bool(wg_slice text, bool *out) {
    *out =
        wg_slice_is(text, "true") || wg_slice_is(text, "TRUE") || wg_slice_is(text, "True") || wg_slice_is(text, "1");
    return *out || wg_slice_is(text, "false") || wg_slice_is(text, "FALSE") || wg_slice_is(text, "False") ||
           wg_slice_is(text, "0");
}

/* Text as a value of the type; false when it is none. */
static bool parse_cell(wg_type type, wg_slice text, wg_value *out) {
    *out = (wg_value){.type = (uint8_t)type};
    switch (wg_type_physical(type)) {
        case WG_PHYSICAL_BOOL:
            return parse_bool(text, &out->as.b);
        case WG_PHYSICAL_F64:
            return wg_parse_f64(text, &out->as.f);
        case WG_PHYSICAL_STR:
        case WG_PHYSICAL_VALUE: {
            *out = wg_value_str(text);
            if (type == WG_TYPE_BYTES) out->type = WG_TYPE_BYTES;
            return text.size <= UINT32_MAX;
        }
        case WG_PHYSICAL_I64:
            if (type == WG_TYPE_INT) return wg_parse_i64(text, &out->as.i);
            if (type == WG_TYPE_DATE) return wg_parse_date(text, &out->as.i);
            return type == WG_TYPE_LOCAL_DATETIME && wg_parse_local_datetime(text, &out->as.i, &out->size);
        case WG_PHYSICAL_ID:
            return false;
    }
    return false;
}

static wg_code row_error(copier *c, wg_error *err, wg_code code, uint64_t line, const char *column, const char *what,
                         wg_slice text) {
    wg_error_set(err, code, WG_NO_OFFSET, "%s, line %llu, column %s: %s '%.*s'", c->path, (unsigned long long)line,
                 column, what, (int)wg_min_size(text.size, 60), (const char *)text.data);
    if (err != NULL) err->line = (uint32_t)wg_min_u64(line, UINT32_MAX);
    return code;
}

static wg_code append_field(copier *c, uint32_t column, const wg_csv_field *field, uint64_t line, wg_error *err) {
    wg_column *to = &c->columns[column];
    const wg_column_def *def = c->defs[column];
    const char *name = def != NULL ? def->name : wg_catalog_key_name(c->txn->engine->catalog, c->keys[column]);
    const wg_slice text = wg_slice_of_str(field->text);
    wg_value v = wg_value_null();
    if (!field->is_null && !parse_cell(to->type, text, &v)) {
        char what[64] = "is no ";
        const char *type = wg_type_name(to->type);
        memcpy(what + 6, type, wg_min_size(strlen(type) + 1, sizeof what - 7));
        return row_error(c, err, WG_E_TYPE, line, name, what, text);
    }
    if (def != NULL) {
        const wg_code code = wg_column_def_coerce(def, &v, err);
        if (code != WG_OK) {
            wg_error_prefix(err, code, "%s, line %llu", c->path, (unsigned long long)line);
            return code;
        }
    }
    const bool ok = v.type == WG_TYPE_NULL ? wg_column_append_null(to) : wg_column_append_value(to, &v);
    return ok ? WG_OK : wg_error_nomem(err, text.size);
}

static wg_code flush(copier *c, wg_error *err) {
    const uint32_t rows = c->column_count == 0 ? 0 : c->columns[0].row_count;
    if (rows == 0) return WG_OK;
    for (uint32_t i = 0; i < c->column_count; i++) c->vectors[i] = wg_column_view(&c->columns[i]);
    const wg_batch batch = {.row_count = rows, .column_count = c->column_count, .columns = c->vectors};
    uint64_t first = 0;
    wg_error local = {0};
    const wg_code code = wg_txn_create_nodes(c->txn, c->label->number, c->keys, &batch, &first, &local);
    if (code != WG_OK) {
        if (local.offset < rows) {
            const uint64_t line = c->lines[local.offset];
            wg_error_prefix(&local, code, "%s, line %llu", c->path, (unsigned long long)line);
            local.line = (uint32_t)wg_min_u64(line, UINT32_MAX);
            local.offset = WG_NO_OFFSET;
        }
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    c->rows += rows;
    if (c->cancel != NULL) atomic_store_explicit(&c->cancel->rows_done, c->rows, memory_order_relaxed);
    for (uint32_t i = 0; i < c->column_count; i++) wg_column_clear(&c->columns[i]);
    wg_arena_reset(&c->strings);
    return wg_cancel_check(c->cancel, err);
}

/* ---- columns of the file: by name */

static wg_code map_column(copier *c, uint32_t i, wg_slice name, wg_error *err) {
    const uint32_t at = wg_label_def_column(&c->label->def, name);
    if (at == UINT32_MAX && c->label->def.kind != WG_LABEL_OPEN)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET,
                            "%s: column %.*s is no property of label %s; choose others with COLUMNS (...)", c->path,
                            (int)wg_min_size(name.size, 80), (const char *)name.data, c->label->def.name);
    c->defs[i] = at == UINT32_MAX ? NULL : &c->label->def.columns[at];
    WG_TRY(wg_txn_intern_key(c->txn, name, &c->keys[i], err));
    for (uint32_t k = 0; k < i; k++)
        if (c->keys[k] == c->keys[i])
            return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s: column %.*s appears twice", c->path,
                                (int)wg_min_size(name.size, 80), (const char *)name.data);
    wg_column_init(&c->columns[i], c->defs[i] != NULL ? c->defs[i]->type : WG_TYPE_ANY, &c->strings, c->account);
    return WG_OK;
}

static wg_code allocate_columns(copier *c, uint32_t count, wg_error *err) {
    c->keys = wg_arena_alloc_zero(&c->arena, ((size_t)count + 1) * sizeof *c->keys);
    c->defs = wg_arena_alloc_zero(&c->arena, ((size_t)count + 1) * sizeof *c->defs);
    c->columns = wg_arena_alloc_zero(&c->arena, ((size_t)count + 1) * sizeof *c->columns);
    c->vectors = wg_arena_alloc_zero(&c->arena, ((size_t)count + 1) * sizeof *c->vectors);
    if (c->keys == NULL || c->defs == NULL || c->columns == NULL || c->vectors == NULL)
        return wg_error_nomem(err, count * sizeof *c->columns);
    return WG_OK;
}

/* Names come from COLUMNS (...), else from the header, else from the label's definition in its order. */
static wg_code map_columns(copier *c, const wg_csv_record *record, wg_error *err) {
    const wg_csv_record *header = wg_csv_header(c->csv);
    const uint32_t count = record->field_count;
    WG_TRY(allocate_columns(c, count, err));
    const bool named = c->options->column_count > 0;
    const uint32_t expected = named ? c->options->column_count : header != NULL ? count : c->label->def.column_count;
    if (expected != count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s, line %llu: %u fields where %u are expected",
                            c->path, (unsigned long long)record->line, count, expected);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice name = named            ? c->options->columns[i]
                              : header != NULL ? wg_slice_of_str(header->fields[i].text)
                                               : wg_slice_str(c->label->def.columns[i].name);
        WG_TRY(map_column(c, i, name, err));
        c->column_count = i + 1;
    }
    return WG_OK;
}

static wg_code take_record(copier *c, const wg_csv_record *record, wg_error *err) {
    if (c->columns == NULL) WG_TRY(map_columns(c, record, err));
    if (record->field_count != c->column_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s, line %llu: %u fields where %u are expected",
                            c->path, (unsigned long long)record->line, record->field_count, c->column_count);
    c->lines[c->columns[0].row_count] = record->line;
    for (uint32_t i = 0; i < record->field_count; i++)
        WG_TRY(append_field(c, i, &record->fields[i], record->line, err));
    return c->columns[0].row_count == WG_BATCH_ROWS_MAX ? flush(c, err) : WG_OK;
}

static wg_code drain(copier *c, wg_error *err) {
    for (;;) {
        wg_csv_record record;
        bool found = false;
        const wg_code code = wg_csv_next(c->csv, &record, &found, err);
        if (code != WG_OK) return wg_error_prefix(err, code, "%s", c->path);
        if (!found) return WG_OK;
        WG_TRY(take_record(c, &record, err));
    }
}

static wg_code copy_file(copier *c, wg_file *file, uint8_t *piece, wg_error *err) {
    wg_platform *p = c->txn->engine->platform;
    uint64_t offset = 0;
    for (size_t got = COPY_PIECE_BYTES; got == COPY_PIECE_BYTES; offset += got) {
        WG_TRY(p->ops->read_at(p, file, offset, piece, COPY_PIECE_BYTES, &got, err));
        if (got == 0) break;
        WG_TRY(wg_csv_feed(c->csv, wg_slice_of(piece, got), err));
        WG_TRY(drain(c, err));
    }
    WG_TRY(wg_csv_end(c->csv, err));
    WG_TRY(drain(c, err));
    /* A file without rows must still have the right columns. */
    if (c->columns == NULL && wg_csv_header(c->csv) != NULL) WG_TRY(map_columns(c, wg_csv_header(c->csv), err));
    if (c->columns == NULL && c->options->header)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s has no first line that names its columns", c->path);
    return flush(c, err);
}

static wg_code copy_open(copier *c, wg_error *err) {
    wg_platform *p = c->txn->engine->platform;
    wg_csv_options csv = {.delimiter = c->options->delimiter, .has_header = c->options->header};
    if (c->options->null_text.data != NULL) {
        csv.null_text = wg_arena_strdup(&c->arena, c->options->null_text);
        if (csv.null_text == NULL) return wg_error_nomem(err, c->options->null_text.size);
    }
    uint8_t *piece = wg_arena_alloc(&c->arena, COPY_PIECE_BYTES);
    if (piece == NULL) return wg_error_nomem(err, COPY_PIECE_BYTES);
    WG_TRY(wg_csv_reader_create(&csv, c->account, &c->csv, err));
    wg_file *file = NULL;
    WG_TRY(p->ops->open(p, c->path, WG_OPEN_READ, &file, err));
    const wg_code code = copy_file(c, file, piece, err);
    p->ops->close(p, file);
    return code;
}

wg_code wg_txn_copy_csv(wg_txn *txn, uint32_t label, const char *path, const wg_copy_options *options,
                        wg_cancel *cancel, uint64_t *out_rows, wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    copier *c = wg_alloc_zero(&txn->engine->account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    *c = (copier){.txn = txn, .path = path, .options = options, .cancel = cancel, .account = &txn->engine->account};
    wg_arena_init(&c->arena, c->account);
    wg_arena_init(&c->strings, c->account);
    c->label = wg_catalog_label_at(txn->engine->catalog, label);
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    wg_code code =
        c->label == NULL ? wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no label with number %u", label) : WG_OK;
    if (code == WG_OK && c->label->def.is_edge)
        code = wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "COPY into edge label %s: load the rows as nodes and link them with "
                            "MATCH ... CREATE",
                            c->label->def.name);
    if (code == WG_OK && c->label->def.kind == WG_LABEL_VIRTUAL)
        code =
            wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET,
                         "label %s is virtual: its rows live in Parquet files that never change", c->label->def.name);
    if (code == WG_OK) code = copy_open(c, err);
    if (code != WG_OK) wg_txn_rollback_to(txn, &mark);
    if (code == WG_OK) *out_rows = c->rows;
    for (uint32_t i = 0; i < c->column_count; i++) wg_column_deinit(&c->columns[i]);
    wg_csv_reader_destroy(c->csv);
    wg_arena_deinit(&c->strings);
    wg_arena_deinit(&c->arena);
    wg_free(c);
    return code;
}
