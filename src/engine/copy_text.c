/* CSV and lines of JSON: read in pieces, parsed, fitted to the columns, handed over in batches.
 *
 * CSV: text becomes a column's type: numbers, true/false, dates and timestamps as ISO text; a null cell is null. Columns of type ANY
 * hold the text as a STRING. Lines of JSON: one object a line; a property that an object lacks is null; text stands for dates
 * and timestamps; the first object says which columns there are, unless the labels declare them or COLUMNS does.
 *
 * A cell that does not fit spoils its row. Text that is no CSV, or no JSON, ends the load: where the next row begins is anybody's guess. */
#include <math.h>

#include "base/text/text.h"
#include "engine/copy.h"
#include "format/csv/csv.h"
#include "format/json/json.h"

enum { PIECE_BYTES = 1 << 20 };

typedef struct text_reader {
    wgi_copier *c;
    wg_arena arena;     /* of this file */
    wg_arena strings;   /* of the rows at hand */
    wg_column *columns; /* one for each of the copier's; NULL: not known yet */
    wg_value *cells;
    wg_vector *vectors;
    uint64_t at[WG_BATCH_ROWS_MAX];
    uint32_t rows;
    uint64_t bytes;   /* of their text */
    uint64_t seen;    /* rows of the file so far, those that are skipped or left out included */
    uint64_t seen_at; /* line of the last one */
    wgi_copy_rows *out;
    wg_csv_reader *csv;
    wg_buf line; /* JSON: what is not a whole line yet */
    uint64_t line_number;
} text_reader;

/* ---- rows */

static wg_code columns_make(text_reader *r, const wg_slice *names, uint32_t count, wg_error *err) {
    wgi_copier *c = r->c;
    WG_TRY(wgi_copy_map_columns(c, names, count, err));
    r->columns = wg_arena_alloc_zero(&r->arena, ((size_t)c->column_count + 1) * sizeof *r->columns);
    r->cells = wg_arena_alloc_zero(&r->arena, ((size_t)c->column_count + 1) * sizeof *r->cells);
    r->vectors = wg_arena_alloc_zero(&r->arena, ((size_t)c->column_count + 1) * sizeof *r->vectors);
    if (r->columns == NULL || r->cells == NULL || r->vectors == NULL)
        return wg_error_nomem(err, c->column_count * sizeof *r->columns);
    for (uint32_t i = 0; i < c->column_count; i++)
        wg_column_init(&r->columns[i], c->columns[i].type, &r->strings, c->account);
    return WG_OK;
}

static wg_code flush(text_reader *r, wg_error *err) {
    wgi_copier *c = r->c;
    for (uint32_t i = 0; i < c->column_count; i++) r->vectors[i] = wg_column_view(&r->columns[i]);
    if (r->rows != 0) WG_TRY(wgi_copy_rows_fill(r->out, r->vectors, r->rows, r->at, err));
    r->out->last = c->base + r->seen;
    r->out->last_at = r->seen_at;
    WG_TRY(wgi_copy_rows_write(r->out, err));
    wgi_copy_rows_clear(r->out);
    for (uint32_t i = 0; i < c->column_count; i++) wg_column_clear(&r->columns[i]);
    wg_arena_reset(&r->strings);
    r->rows = 0;
    r->bytes = 0;
    return WG_OK;
}

/* A row that cannot even be read. Without rejects what came before it is written first: its error may be the earlier one. */
static wg_code refuse(text_reader *r, uint64_t line, const wg_error *why, wg_error *err) {
    if (r->c->options->rejects == NULL) {
        r->seen--;
        WG_TRY(flush(r, err));
        return wgi_copy_row_error(r->c, line, why->code, why->message, err);
    }
    WG_TRY(wgi_copy_rows_refuse(r->out, line, why, err));
    return wgi_copy_part_ends(r->c, r->c->base + r->seen) ? flush(r, err) : WG_OK;
}

/* One more row of the file; true when it is not loaded. */
static bool row_skip(text_reader *r, uint64_t line) {
    r->seen_at = line;
    return r->c->base + ++r->seen <= r->c->options->skip_rows;
}

static wg_code row_put(text_reader *r, uint64_t line, wg_error *err) {
    for (uint32_t i = 0; i < r->c->column_count; i++) {
        const wg_value *v = &r->cells[i];
        const bool ok = v->type == WG_TYPE_NULL ? wg_column_append_null(&r->columns[i])
                                                : wg_column_append_value(&r->columns[i], v);
        if (!ok) return wg_error_nomem(err, v->size);
    }
    r->at[r->rows++] = line;
    const bool full = r->rows == WG_BATCH_ROWS_MAX || r->bytes >= r->c->batch_bytes ||
                      wgi_copy_part_ends(r->c, r->c->base + r->seen);
    return full ? flush(r, err) : WG_OK;
}

static wg_code cell_error(wg_error *why, const wgi_copy_column *column, const wg_value *v) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    const bool is_text = v->type == WG_TYPE_STRING;
    if (!is_text) (void)wg_value_print_json(&text, v);
    const wg_slice shown = is_text ? wg_value_slice(v) : wg_buf_slice(&text);
    const wg_code code =
        wg_error_set(why, WG_E_TYPE, WG_NO_OFFSET, "column %s: is no %s '%.*s'", column->name,
                     wg_type_name(column->type), (int)wg_min_size(shown.size, 60), (const char *)shown.data);
    wg_buf_deinit(&text);
    return code;
}

/* ---- CSV */

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

/* The next column that rows have, `from` or behind it; computed ones are in no file. UINT32_MAX: there is none. */
static uint32_t stored_column(const wg_label_def *def, uint32_t from) {
    while (from < def->column_count && def->columns[from].source == WG_COLUMN_COMPUTED) from++;
    return from < def->column_count ? from : UINT32_MAX;
}

static uint32_t stored_count(const wg_label_def *def) {
    uint32_t count = 0;
    for (uint32_t c = stored_column(def, 0); c != UINT32_MAX; c = stored_column(def, c + 1)) count++;
    return count;
}

/* Names come from COLUMNS (...), else from the header, else from the label's definition in its order. */
static wg_code csv_columns(text_reader *r, const wg_csv_record *record, wg_error *err) {
    const wg_copy_options *o = r->c->options;
    const wg_csv_record *header = wg_csv_header(r->csv);
    const wg_label *label = wg_catalog_label_at(r->c->txn->engine->catalog, o->labels[0]);
    const uint32_t ends = r->c->is_edge ? r->c->ends[0].part_count + r->c->ends[1].part_count : 0;
    const uint32_t count = record->field_count;
    const uint32_t declared = stored_count(&label->def) + ends;
    const uint32_t expected = o->column_count > 0 ? o->column_count : header != NULL ? count : declared;
    if (expected != count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s, line %llu: %u fields where %u are expected",
                            r->c->path, (unsigned long long)record->line, count, expected);
    wg_slice *names = wg_arena_alloc_zero(&r->arena, ((size_t)count + 1) * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, count * sizeof *names);
    for (uint32_t i = 0, column = 0; i < count; i++) {
        if (o->column_count > 0) names[i] = o->columns[i];
        else if (header != NULL) names[i] = wg_slice_of_str(header->fields[i].text);
        if (o->column_count > 0 || header != NULL || i < ends) continue;
        column = stored_column(&label->def, column);
        names[i] = wg_slice_str(label->def.columns[column++].name);
    }
    return columns_make(r, names, count, err);
}

static wg_code csv_row(text_reader *r, const wg_csv_record *record, wg_error *err) {
    const wgi_copier *c = r->c;
    if (row_skip(r, record->line)) return WG_OK;
    for (uint32_t i = 0; i < c->column_count; i++) {
        const wg_csv_field *field = &record->fields[c->columns[i].in_file];
        const wg_slice text = wg_slice_of_str(field->text);
        r->bytes += text.size;
        r->cells[i] = wg_value_null();
        if (field->is_null || parse_cell(c->columns[i].type, text, &r->cells[i])) continue;
        wg_error why = {0};
        const wg_value shown = wg_value_str(text);
        (void)cell_error(&why, &c->columns[i], &shown);
        return refuse(r, record->line, &why, err);
    }
    return row_put(r, record->line, err);
}

static wg_code csv_drain(text_reader *r, wg_error *err) {
    for (;;) {
        wg_csv_record record;
        bool found = false;
        const wg_code code = wg_csv_next(r->csv, &record, &found, err);
        if (code != WG_OK) return wg_error_prefix(err, code, "%s", r->c->path);
        if (!found) return WG_OK;
        if (r->columns == NULL) WG_TRY(csv_columns(r, &record, err));
        WG_TRY(csv_row(r, &record, err));
    }
}

static wg_code csv_piece(text_reader *r, wg_slice piece, wg_error *err) {
    WG_TRY(piece.size != 0 ? wg_csv_feed(r->csv, piece, err) : wg_csv_end(r->csv, err));
    WG_TRY(csv_drain(r, err));
    if (piece.size != 0) return WG_OK;
    /* A file without rows must still have the right columns. */
    if (r->columns == NULL && wg_csv_header(r->csv) != NULL) WG_TRY(csv_columns(r, wg_csv_header(r->csv), err));
    if (r->columns == NULL && r->c->options->header)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s has no first line that names its columns",
                            r->c->path);
    return WG_OK;
}

/* ---- JSON */

static wg_code json_columns(text_reader *r, const wg_value *object, wg_error *err) {
    const wg_copy_options *o = r->c->options;
    if (o->column_count > 0) return columns_make(r, o->columns, o->column_count, err);
    const wg_catalog *catalog = r->c->txn->engine->catalog;
    size_t room = object->size;
    for (uint32_t l = 0; l < o->label_count; l++)
        room += wg_catalog_label_at(catalog, o->labels[l])->def.column_count;
    wg_slice *names = wg_arena_alloc(&r->arena, (room + 1) * sizeof *names);
    if (names == NULL) return wg_error_nomem(err, room * sizeof *names);
    uint32_t count = object->size;
    for (uint32_t i = 0; i < count; i++) names[i] = wg_slice_of(object->as.map[i].key, object->as.map[i].key_size);
    for (uint32_t l = 0; l < o->label_count; l++) {
        const wg_label_def *def = &wg_catalog_label_at(catalog, o->labels[l])->def;
        for (uint32_t d = 0; d < def->column_count; d++) {
            uint32_t at = 0;
            while (at < count && !wg_slice_is(names[at], def->columns[d].name)) at++;
            if (at == count && def->columns[d].source != WG_COLUMN_COMPUTED)
                names[count++] = wg_slice_str(def->columns[d].name);
        }
    }
    return columns_make(r, names, count, err);
}

static int base64_digit(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, padded, nothing else: one spelling of each value. */
static bool base64_read(wg_slice text, wg_arena *arena, wg_value *out) {
    uint32_t word = 0;
    size_t size = text.size;
    while (size > 0 && text.size - size < 2 && text.data[size - 1] == '=') size--;
    const size_t spare = text.size - size;
    uint8_t *bytes = wg_arena_alloc(arena, text.size / 4 * 3 + 1);
    if (bytes == NULL || text.size % 4 != 0) return false;
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        const int digit = i < size ? base64_digit(text.data[i]) : 0;
        if (digit < 0) return false;
        word = word << 6 | (uint32_t)digit;
        if (i % 4 != 3) continue;
        for (int k = 2; k >= 0; k--) bytes[n++] = (uint8_t)(word >> (8 * k));
        word = 0;
    }
    for (size_t k = 0; k < spare; k++)
        if (bytes[--n] != 0) return false;
    *out = wg_value_str(wg_slice_of(bytes, n));
    out->type = WG_TYPE_BYTES;
    return true;
}

static bool json_cell(wg_type type, const wg_value *from, wg_arena *arena, wg_value *out) {
    *out = *from;
    if (from->type == WG_TYPE_NULL || type == WG_TYPE_ANY || from->type == type) return true;
    if (type == WG_TYPE_FLOAT && from->type == WG_TYPE_INT) {
        *out = wg_value_float((double)from->as.i);
        return true;
    }
    if (from->type != WG_TYPE_STRING) return false;
    if (type == WG_TYPE_BYTES) return base64_read(wg_value_slice(from), arena, out);
    /* What JSON has no numbers for: NaN and the infinities, as they are written. */
    if (type == WG_TYPE_FLOAT) return parse_cell(type, wg_value_slice(from), out) && !isfinite(out->as.f);
    return (type == WG_TYPE_DATE || type == WG_TYPE_LOCAL_DATETIME) && parse_cell(type, wg_value_slice(from), out);
}

static const wg_value *member(const wg_value *object, const char *name) {
    for (uint32_t i = 0; i < object->size; i++)
        if (wg_slice_is(wg_slice_of(object->as.map[i].key, object->as.map[i].key_size), name))
            return &object->as.map[i].value;
    return NULL;
}

static wg_code json_cells(text_reader *r, const wg_value *object, wg_error *why) {
    const wgi_copier *c = r->c;
    uint32_t used = 0;
    for (uint32_t i = 0; i < c->column_count; i++) {
        const wg_value *v = member(object, c->columns[i].name);
        r->cells[i] = wg_value_null();
        used += v != NULL;
        if (v != NULL && !json_cell(c->columns[i].type, v, &r->strings, &r->cells[i]))
            return cell_error(why, &c->columns[i], v);
        if (v != NULL || c->columns[i].filled == NULL) continue;
        r->cells[i] = *c->columns[i].filled->default_value;
        WG_TRY(wg_column_def_coerce(c->columns[i].filled, &r->cells[i], why));
    }
    if (used == object->size || c->options->column_count > 0) return WG_OK;
    for (uint32_t i = 0; i < object->size; i++) {
        bool known = false;
        for (uint32_t k = 0; k < c->column_count && !known; k++)
            known = wg_slice_is(wg_slice_of(object->as.map[i].key, object->as.map[i].key_size), c->columns[k].name);
        if (!known)
            return wg_error_set(why, WG_E_NOT_FOUND, WG_NO_OFFSET,
                                "the first object has no member %.*s: name all with COLUMNS (...)",
                                (int)wg_min_size(object->as.map[i].key_size, 64), object->as.map[i].key);
    }
    return WG_OK;
}

static wg_code json_line(text_reader *r, wg_slice line, wg_error *err) {
    wg_value object;
    wg_error why = {0};
    r->line_number++;
    while (line.size != 0 && (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' ')) line.size--;
    if (line.size == 0) return WG_OK;
    const bool skipped = row_skip(r, r->line_number);
    if (skipped && r->columns != NULL) return WG_OK;
    r->bytes += line.size;
    wg_code code = wg_json_read(line, &r->strings, &object, &why);
    if (code == WG_OK && object.type != WG_TYPE_MAP)
        code = wg_error_set(&why, WG_E_TYPE, WG_NO_OFFSET, "is no JSON object");
    if (code == WG_OK && r->columns == NULL) WG_TRY(json_columns(r, &object, err));
    if (skipped && code != WG_E_NOMEM) {
        wg_arena_reset(&r->strings);
        return WG_OK;
    }
    if (code == WG_OK) code = json_cells(r, &object, &why);
    if (code == WG_E_NOMEM) return wg_error_nomem(err, line.size);
    return code != WG_OK ? refuse(r, r->line_number, &why, err) : row_put(r, r->line_number, err);
}

static wg_code json_piece(text_reader *r, wg_slice piece, wg_error *err) {
    size_t at = 0;
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.data[i] != '\n') continue;
        wg_slice line = wg_slice_of(piece.data + at, i - at);
        if (r->line.size != 0 && !wg_buf_append(&r->line, line.data, line.size))
            return wg_error_nomem(err, line.size);
        if (r->line.size != 0) line = wg_buf_slice(&r->line);
        WG_TRY(json_line(r, line, err));
        r->line.size = 0;
        at = i + 1;
    }
    if (r->line.size + (piece.size - at) > WG_JSON_TEXT_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%s, line %llu: more than %u bytes", r->c->path,
                            (unsigned long long)r->line_number + 1, (unsigned)WG_JSON_TEXT_BYTES_MAX);
    if (piece.size != 0 && !wg_buf_append(&r->line, piece.data + at, piece.size - at))
        return wg_error_nomem(err, piece.size);
    return piece.size == 0 && r->line.size != 0 ? json_line(r, wg_buf_slice(&r->line), err) : WG_OK;
}

/* ---- files */

typedef wg_code (*piece_fn)(text_reader *r, wg_slice piece, wg_error *err);

/* Gives the file to `fn` in pieces, an empty one at its end. */
static wg_code read_pieces(text_reader *r, piece_fn fn, wg_error *err) {
    wg_platform *p = r->c->txn->engine->platform;
    wg_file *file = NULL;
    uint64_t offset = 0;
    const size_t piece_bytes = (size_t)wg_min_u64(PIECE_BYTES, r->c->batch_bytes);
    uint8_t *piece = wg_arena_alloc(&r->arena, piece_bytes);
    if (piece == NULL) return wg_error_nomem(err, piece_bytes);
    WG_TRY(p->ops->open(p, r->c->path, WG_OPEN_READ, &file, err));
    wg_code code = WG_OK;
    for (size_t got = piece_bytes; code == WG_OK && got == piece_bytes; offset += got) {
        code = p->ops->read_at(p, file, offset, piece, piece_bytes, &got, err);
        if (code == WG_OK && got != 0) code = fn(r, wg_slice_of(piece, got), err);
    }
    if (code == WG_OK) code = fn(r, wg_slice_of(NULL, 0), err);
    p->ops->close(p, file);
    if (code == WG_OK) code = flush(r, err);
    r->c->base += r->seen;
    return code;
}

static wg_code reader_create(wgi_copier *c, text_reader **out, wg_error *err) {
    text_reader *r = wg_alloc_zero(c->account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->c = c;
    wg_arena_init(&r->arena, c->account);
    wg_arena_init(&r->strings, c->account);
    wg_buf_init(&r->line, c->account);
    const wg_code code = wgi_copy_rows_create(c, &r->out, err);
    if (code != WG_OK) wg_free(r);
    else *out = r;
    return code;
}

static void reader_destroy(text_reader *r) {
    for (uint32_t i = 0; r->columns != NULL && i < r->c->column_count; i++) wg_column_deinit(&r->columns[i]);
    wgi_copy_rows_destroy(r->out);
    wg_csv_reader_destroy(r->csv);
    wg_buf_deinit(&r->line);
    wg_arena_deinit(&r->strings);
    wg_arena_deinit(&r->arena);
    wg_free(r);
}

wg_code wgi_copy_csv(wgi_copier *c, wg_error *err) {
    text_reader *r = NULL;
    wg_csv_options csv = {
        .delimiter = c->options->delimiter, .quote = c->options->quote, .has_header = c->options->header};
    WG_TRY(reader_create(c, &r, err));
    wg_code code = WG_OK;
    if (c->options->null_text.data != NULL) {
        csv.null_text = wg_arena_strdup(&r->arena, c->options->null_text);
        if (csv.null_text == NULL) code = wg_error_nomem(err, c->options->null_text.size);
    }
    if (code == WG_OK) code = wg_csv_reader_create(&csv, c->account, &r->csv, err);
    if (code == WG_OK) code = read_pieces(r, csv_piece, err);
    reader_destroy(r);
    return code;
}

wg_code wgi_copy_json(wgi_copier *c, wg_error *err) {
    text_reader *r = NULL;
    WG_TRY(reader_create(c, &r, err));
    const wg_code code = read_pieces(r, json_piece, err);
    reader_destroy(r);
    return code;
}
