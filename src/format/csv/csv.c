/* The CSV reader and writer. See csv.h.
 *
 * The reader is a state machine over bytes that keeps nothing of its input: runs of plain bytes are found with a table
 * and copied into `text`, the bytes of the record at hand, whatever the pieces' borders. Fields are offsets into it
 * until the record ends, because the buffer moves as it grows. A record costs at most its own size and a field table;
 * both limits hold before memory is taken.
 *
 *   FIELD_START  nothing of the field seen      -> UNQUOTED, QUOTED, or an empty field
 *   UNQUOTED     plain text                     -> a quote is an error
 *   QUOTED       between quotes                 -> QUOTE at a quote
 *   QUOTE        after a quote in QUOTED        -> QUOTED (it was doubled), or the end of the field */
#include "format/csv/csv.h"

#include "base/text/text.h"

typedef enum csv_state { CSV_FIELD_START, CSV_UNQUOTED, CSV_QUOTED, CSV_QUOTE } csv_state;

typedef struct field_mark {
    uint32_t start; /* into text */
    uint32_t size;
    bool quoted;
} field_mark;

struct wg_csv_reader {
    wg_csv_options options;
    wg_account *account;
    wg_slice chunk;
    wg_buf text;
    wg_buf marks;  /* field_mark */
    wg_buf fields; /* wg_csv_field of the record last given out */
    wg_arena header_arena;
    wg_csv_record header;
    bool header_known;
    csv_state state;
    bool ended;
    bool given;           /* the record in `text` was given out; the next one begins with the next call */
    bool skip_lf;         /* the record before ended with CR */
    bool field_quoted;    /* the field at hand */
    uint32_t field_start; /* the field at hand, into text */
    uint32_t field_count; /* of the first record; 0: not known */
    uint32_t bom_matched; /* bytes of a byte order mark seen; 3: past the start */
    uint64_t offset;      /* of the next byte */
    uint64_t line;        /* of the next byte */
    uint64_t column;      /* of the next byte */
    uint64_t record_line; /* where the record at hand starts */
    uint64_t quote_line;  /* where the quoted field at hand starts */
    uint64_t quote_column;
    uint64_t quote_offset;
    wg_error failure; /* code WG_OK: none */
    bool stops[256];  /* bytes that end a run in UNQUOTED */
};

static const uint8_t bom[3] = {0xef, 0xbb, 0xbf};

static char delimiter_of(const wg_csv_options *options) { return options->delimiter == 0 ? ',' : options->delimiter; }

static uint8_t quote_of(const wg_csv_options *options) {
    return options->quote == 0 ? (uint8_t)'"' : (uint8_t)options->quote;
}

/* ---- life */

static bool options_good(const wg_csv_options *options) {
    const uint8_t d = (uint8_t)delimiter_of(options);
    const uint8_t q = quote_of(options);
    if (d >= 0x80 || d == q || d == '\r' || d == '\n') return false;
    if (q >= 0x80 || q == '\r' || q == '\n') return false;
    for (const char *p = options->null_text; p != NULL && *p != '\0'; p++)
        if (*p == (char)d || *p == (char)q || *p == '\r' || *p == '\n') return false;
    return true;
}

wg_code wg_csv_options_check(const wg_csv_options *options, wg_error *err) {
    if (options_good(options)) return WG_OK;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                        "csv: delimiter and quote must be different ASCII characters, and neither they nor the null "
                        "text may hold quotes or line breaks");
}

wg_code wg_csv_reader_create(const wg_csv_options *options, wg_account *account, wg_csv_reader **out, wg_error *err) {
    WG_TRY(wg_csv_options_check(options, err));
    wg_csv_reader *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->options = *options;
    r->account = account;
    wg_buf_init(&r->text, account);
    wg_buf_init(&r->marks, account);
    wg_buf_init(&r->fields, account);
    wg_arena_init(&r->header_arena, account);
    r->line = 1;
    r->column = 1;
    r->record_line = 1;
    r->stops[(uint8_t)delimiter_of(options)] = true;
    r->stops[quote_of(options)] = true;
    r->stops['\r'] = true;
    r->stops['\n'] = true;
    *out = r;
    return WG_OK;
}

void wg_csv_reader_destroy(wg_csv_reader *reader) {
    if (reader == NULL) return;
    wg_buf_deinit(&reader->text);
    wg_buf_deinit(&reader->marks);
    wg_buf_deinit(&reader->fields);
    wg_arena_deinit(&reader->header_arena);
    wg_free(reader);
}

wg_code wg_csv_feed(wg_csv_reader *reader, wg_slice chunk, wg_error *err) {
    if (reader->chunk.size != 0 || reader->ended)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "csv: the piece before was not read to its end");
    reader->chunk = chunk;
    return WG_OK;
}

wg_code wg_csv_end(wg_csv_reader *reader, wg_error *err) {
    if (reader->chunk.size != 0)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "csv: the piece before was not read to its end");
    reader->ended = true;
    return WG_OK;
}

const wg_csv_record *wg_csv_header(const wg_csv_reader *reader) {
    return reader->header_known ? &reader->header : NULL;
}

/* ---- failing */

typedef struct csv_place {
    uint64_t offset;
    uint64_t line;
    uint64_t column;
} csv_place;

static csv_place place_now(const wg_csv_reader *r) { return (csv_place){r->offset, r->line, r->column}; }

static wg_code fail_at(wg_csv_reader *r, wg_code code, csv_place at, const char *what) {
    wg_error_set(&r->failure, code, at.offset, "csv: line %llu, column %llu: %s", (unsigned long long)at.line,
                 (unsigned long long)at.column, what);
    r->failure.line = (uint32_t)wg_min_u64(at.line, UINT32_MAX);
    r->failure.column = (uint32_t)wg_min_u64(at.column, UINT32_MAX);
    return code;
}

static wg_code fail(wg_csv_reader *r, wg_code code, const char *what) { return fail_at(r, code, place_now(r), what); }

static wg_code fail_memory(wg_csv_reader *r) { return fail(r, WG_E_NOMEM, "out of memory"); }

/* ---- the machine */

/* Moves over bytes of the chunk that hold no line break. */
static void advance(wg_csv_reader *r, size_t size) {
    r->column += wg_utf8_count(wg_slice_of(r->chunk.data, size));
    r->offset += size;
    r->chunk = wg_slice_of(r->chunk.data + size, r->chunk.size - size);
}

static void next_line(wg_csv_reader *r) {
    r->line++;
    r->column = 1;
}

static wg_code keep(wg_csv_reader *r, const uint8_t *data, size_t size) {
    if (size > WG_CSV_RECORD_BYTES_MAX - r->text.size) return fail(r, WG_E_LIMIT, "record of more than 64 MiB");
    return wg_buf_append(&r->text, data, size) ? WG_OK : fail_memory(r);
}

static uint32_t mark_count(const wg_csv_reader *r) { return (uint32_t)(r->marks.size / sizeof(field_mark)); }

static wg_code end_field(wg_csv_reader *r) {
    const field_mark mark = {r->field_start, (uint32_t)r->text.size - r->field_start, r->field_quoted};
    if (mark_count(r) == WG_CSV_COLUMNS_MAX) return fail(r, WG_E_LIMIT, "more than 65536 fields in a record");
    if (mark.size != 0 && !wg_utf8_valid(wg_slice_of(r->text.data + mark.start, mark.size), NULL))
        return fail(r, WG_E_CORRUPT, "the field before is not UTF-8");
    if (!wg_buf_append(&r->marks, &mark, sizeof mark)) return fail_memory(r);
    r->field_start = (uint32_t)r->text.size;
    r->field_quoted = false;
    r->state = CSV_FIELD_START;
    return WG_OK;
}

static void begin_quoted(wg_csv_reader *r) {
    r->state = CSV_QUOTED;
    r->field_quoted = true;
    r->quote_line = r->line;
    r->quote_column = r->column;
    r->quote_offset = r->offset;
}

/* Takes the bytes of a quoted field up to the next quote; counts the lines inside. CRLF inside is two bytes, one line. */
static wg_code read_quoted(wg_csv_reader *r) {
    const uint8_t *quote = memchr(r->chunk.data, quote_of(&r->options), r->chunk.size);
    const size_t size = quote == NULL ? r->chunk.size : (size_t)(quote - r->chunk.data);
    const wg_slice run = wg_slice_of(r->chunk.data, size);
    WG_TRY(keep(r, run.data, run.size));
    size_t from = 0;
    for (;;) {
        const uint8_t *lf = from == size ? NULL : memchr(run.data + from, '\n', size - from);
        const size_t stop = lf == NULL ? size : (size_t)(lf - run.data) + 1;
        advance(r, stop - from);
        if (lf != NULL) next_line(r);
        if (stop == size) break;
        from = stop;
    }
    if (quote != NULL) {
        r->state = CSV_QUOTE;
        advance(r, 1);
    }
    return WG_OK;
}

/* Takes a delimiter or a line break, or says that the byte does not fit here. */
static wg_code read_divider(wg_csv_reader *r, bool *out_record) {
    const uint8_t c = r->chunk.data[0];
    if (c == (uint8_t)delimiter_of(&r->options)) {
        WG_TRY(end_field(r));
        advance(r, 1);
        return WG_OK;
    }
    if (c != '\r' && c != '\n')
        return fail(r, WG_E_CORRUPT,
                    r->state == CSV_QUOTE ? "text after a closing quote; a quote inside quotes is doubled"
                                          : "a quote inside a field that does not begin with one");
    const bool blank = r->marks.size == 0 && r->text.size == 0 && r->state == CSV_FIELD_START;
    if (!blank || r->field_count == 1) WG_TRY(end_field(r));
    *out_record = !blank || r->field_count == 1;
    advance(r, 1);
    next_line(r);
    r->skip_lf = c == '\r';
    if (!*out_record) r->record_line = r->line;
    return WG_OK;
}

static wg_code step(wg_csv_reader *r, bool *out_record) {
    if (r->skip_lf) {
        r->skip_lf = false;
        if (r->chunk.data[0] == '\n') {
            r->offset++;
            r->chunk = wg_slice_of(r->chunk.data + 1, r->chunk.size - 1);
            return WG_OK;
        }
    }
    if (r->state == CSV_QUOTED) return read_quoted(r);
    if (r->chunk.data[0] == quote_of(&r->options) && r->state != CSV_UNQUOTED) {
        if (r->state == CSV_QUOTE) { /* the second of two: one quote of text */
            WG_TRY(keep(r, r->chunk.data, 1));
            r->state = CSV_QUOTED;
        } else {
            begin_quoted(r);
        }
        advance(r, 1);
        return WG_OK;
    }
    size_t size = 0;
    while (size < r->chunk.size && !r->stops[r->chunk.data[size]]) size++;
    if (size == 0 || r->state == CSV_QUOTE) return read_divider(r, out_record);
    WG_TRY(keep(r, r->chunk.data, size));
    r->state = CSV_UNQUOTED;
    advance(r, size);
    return WG_OK;
}

/* The byte order mark may come in pieces. What looked like one and is none becomes text, counted as one column. */
static wg_code skip_bom(wg_csv_reader *r) {
    while (r->bom_matched < 3 && r->chunk.size != 0 && r->chunk.data[0] == bom[r->bom_matched]) {
        r->bom_matched++;
        r->offset++;
        r->chunk = wg_slice_of(r->chunk.data + 1, r->chunk.size - 1);
    }
    if (r->bom_matched == 3 || (r->chunk.size == 0 && !r->ended)) return WG_OK;
    if (r->bom_matched != 0) {
        WG_TRY(keep(r, bom, r->bom_matched));
        r->state = CSV_UNQUOTED;
        r->column = 2;
    }
    r->bom_matched = 3;
    return WG_OK;
}

/* ---- records */

static bool is_null(const wg_csv_reader *r, const field_mark *m) {
    if (m->quoted) return false;
    if (r->options.null_text == NULL) return m->size == 0;
    const wg_slice text = m->size == 0 ? wg_slice_of("", 0) : wg_slice_of(r->text.data + m->start, m->size);
    return wg_slice_is(text, r->options.null_text);
}

static wg_code check_field_count(wg_csv_reader *r, uint32_t count) {
    if (r->field_count == 0) r->field_count = count;
    if (r->field_count == count) return WG_OK;
    wg_error_set(&r->failure, WG_E_CORRUPT, r->offset, "csv: line %llu has %u fields, the first record has %u",
                 (unsigned long long)r->record_line, count, r->field_count);
    r->failure.line = (uint32_t)wg_min_u64(r->record_line, UINT32_MAX);
    r->failure.column = 1;
    return WG_E_CORRUPT;
}

/* Turns marks into fields and begins the next record; the bytes stay until then. */
static wg_code give_out(wg_csv_reader *r, wg_csv_record *out) {
    const uint32_t count = mark_count(r);
    WG_TRY(check_field_count(r, count));
    r->fields.size = 0;
    if (!wg_buf_reserve(&r->fields, count * sizeof(wg_csv_field))) return fail_memory(r);
    const field_mark *marks = (const field_mark *)(const void *)r->marks.data;
    wg_csv_field *fields = (wg_csv_field *)(void *)r->fields.data;
    for (uint32_t i = 0; i < count; i++) {
        const char *text = marks[i].size == 0 ? "" : (const char *)r->text.data + marks[i].start;
        fields[i] = (wg_csv_field){
            .text = {text, marks[i].size}, .is_null = is_null(r, &marks[i]), .quoted = marks[i].quoted};
    }
    *out = (wg_csv_record){fields, count, r->record_line};
    r->record_line = r->line;
    return WG_OK;
}

static void begin_record(wg_csv_reader *r) {
    r->text.size = 0;
    r->marks.size = 0;
    r->field_start = 0;
}

static wg_code keep_header(wg_csv_reader *r, const wg_csv_record *record) {
    wg_csv_field *fields = wg_arena_copy(&r->header_arena, record->fields, record->field_count * sizeof *fields);
    if (fields == NULL) return fail_memory(r);
    for (uint32_t i = 0; i < record->field_count; i++) {
        fields[i].text.data = wg_arena_strdup(&r->header_arena, wg_slice_of_str(fields[i].text));
        if (fields[i].text.data == NULL) return fail_memory(r);
    }
    r->header = (wg_csv_record){fields, record->field_count, record->line};
    r->header_known = true;
    return WG_OK;
}

/* What is left when the text ends without a line break. */
static wg_code end_of_text(wg_csv_reader *r, bool *out_record) {
    if (r->state == CSV_QUOTED) {
        const csv_place at = {r->quote_offset, r->quote_line, r->quote_column};
        return fail_at(r, WG_E_CORRUPT, at, "the quoted field that starts here is never closed");
    }
    if (r->marks.size == 0 && r->state == CSV_FIELD_START) return WG_OK;
    *out_record = true;
    return end_field(r);
}

static wg_code next_record(wg_csv_reader *r, wg_csv_record *out, bool *out_found) {
    bool record = false;
    if (r->given) begin_record(r);
    r->given = false;
    WG_TRY(skip_bom(r));
    while (!record && r->chunk.size != 0) WG_TRY(step(r, &record));
    if (!record && r->ended) WG_TRY(end_of_text(r, &record));
    if (record) WG_TRY(give_out(r, out));
    r->given = record;
    *out_found = record;
    return WG_OK;
}

wg_code wg_csv_next(wg_csv_reader *reader, wg_csv_record *out, bool *out_found, wg_error *err) {
    wg_csv_record record;
    bool found = false;
    wg_code code = reader->failure.code;
    if (code == WG_OK) code = next_record(reader, &record, &found);
    if (code == WG_OK && found && reader->options.has_header && !reader->header_known) {
        code = keep_header(reader, &record);
        if (code == WG_OK) code = next_record(reader, &record, &found);
    }
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = reader->failure;
        return code;
    }
    if (found) *out = record;
    *out_found = found;
    return WG_OK;
}

/* ---- writing */

static bool needs_quotes(const wg_csv_options *options, uint32_t column, wg_slice text) {
    const uint8_t d = (uint8_t)delimiter_of(options);
    const uint8_t q = quote_of(options);
    if (text.size == 0) return options->null_text == NULL || options->null_text[0] == '\0' || column == 0;
    if (options->null_text != NULL && wg_slice_is(text, options->null_text)) return true;
    if (text.data[0] == bom[0]) return true; /* at the start of a file it could read as a byte order mark */
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == d || text.data[i] == q || text.data[i] == '\r' || text.data[i] == '\n') return true;
    return false;
}

static bool write_quoted(wg_buf *out, uint8_t quote, wg_slice text) {
    if (!wg_buf_append_u8(out, quote)) return false;
    size_t from = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != quote) continue;
        if (!wg_buf_append(out, text.data + from, i + 1 - from)) return false;
        from = i; /* the quote itself is written again with what follows */
    }
    if (text.size != from && !wg_buf_append(out, text.data + from, text.size - from)) return false;
    return wg_buf_append_u8(out, quote);
}

bool wg_csv_write_field(wg_buf *out, const wg_csv_options *options, uint32_t column, wg_slice text, bool is_null) {
    if (column != 0 && !wg_buf_append_u8(out, (uint8_t)delimiter_of(options))) return false;
    if (is_null) return options->null_text == NULL || wg_buf_append_str(out, options->null_text);
    if (needs_quotes(options, column, text)) return write_quoted(out, quote_of(options), text);
    return wg_buf_append(out, text.data, text.size);
}

bool wg_csv_write_end(wg_buf *out) { return wg_buf_append_u8(out, '\n'); }
