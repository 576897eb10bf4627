/* Reads the rows of row groups of one virtual label: several column chunks in step, only as far as rows are wanted.
 *
 *   window    up to WG_BATCH_ROWS_MAX rows, cut where a page of a tested column ends; only tested columns are decoded, and the tests say
 *             which rows are selected. A window without such rows costs the other columns nothing.
 *   segment   the part of a window from its next selected row to where a page of any other column ends; those are decoded now
 *   slice     at most rows_max rows of a segment, handed out as views; nothing is copied but bits of validity that must be shifted, and
 *             the selected rows where they are few: these are packed, so that nobody above walks over what is not wanted
 *
 * Windows and segments depend on the file and the tests alone, never on rows_max, so a damaged page is met, or passed over, whatever the size of
 * the batches. A column that was passed over catches up by skipping, which leaves out whole pages by their headers. Where a tested
 * column is dictionary-coded and no entry passes, the page is left out undecoded. A tested value that does not pass is never an error
 * elsewhere: rows that are not selected are decoded only where they share a segment with one that is.
 *
 * A reader is opened for row group after row group and keeps its columns' readers and buffers. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

enum { VALID_BYTES = WG_BATCH_ROWS_MAX / 8 + 8 };

typedef struct column_state {
    uint32_t def_column;       /* UINT32_MAX: absent */
    wg_parquet_reader *reader; /* kept from group to group */
    bool stored;               /* in the file; else a constant */
    bool exact_times;          /* declared ANY */
    bool tested;
    bool opened;       /* `reader` is open for this row group */
    uint32_t column;   /* of the file */
    uint64_t behind;   /* rows that were passed and that `reader` has yet to skip */
    uint32_t first;    /* row of `vector` at which the segment begins */
    wg_vector vector;  /* of the window (tested) or segment; constants: for good */
    wg_vector handed;  /* of the segment */
    wg_type type;      /* wanted */
    wg_value constant; /* path variable; the wanted type's null when absent */
    int64_t int_min;   /* declared width of integers */
    int64_t int_max;
    bool check_range;
    const char *name;
    uint8_t *valid;  /* VALID_BYTES */
    uint8_t *sliced; /* VALID_BYTES: of the slice in hand; apart, because `valid` is read again for the next one */
    void *converted; /* WG_BATCH_ROWS_MAX cells of the wanted type */
    void *packed;    /* tested columns: as many, of picked rows, or codes */
} column_state;

struct wgi_group_reader {
    const wg_engine *engine;
    const wg_label *label;
    const wg_partition *partition;
    wg_object *object;
    const wg_parquet_row_group *group;
    const char *path;
    wg_arena arena;
    wg_account *account;
    wgi_row_tests *tests;  /* NULL: none */
    wg_arena group_arena;  /* of this row group: page indexes */
    wgi_row_ranges ranges; /* rows that the page indexes leave; with tests only */
    uint32_t range_at;
    uint32_t *file_columns; /* of each column; UINT32_MAX: not stored */
    uint64_t row;           /* of the group: where the window begins */
    uint32_t window_rows;
    uint32_t window_at; /* rows of it that were handed to segments or passed */
    bool all;           /* every row of the window is selected */
    uint32_t sel_count; /* else: those that are */
    uint32_t sel_at;    /* of them handed to segments */
    uint32_t segment_rows;
    uint32_t segment_at;    /* handed out */
    uint32_t segment_first; /* row of the window */
    bool packed; /* the segment's vectors hold the picked rows alone; segment_rows and segment_at count these */
    uint32_t pick_count;
    uint32_t pick_at;
    uint64_t groups_read;
    uint64_t files_opened;
    uint64_t rows_examined;
    uint8_t mask[WG_BATCH_ROWS_MAX];
    uint16_t sel[WG_BATCH_ROWS_MAX];
    uint16_t picks[WG_BATCH_ROWS_MAX]; /* rows of the segment */
    uint16_t slice[WG_BATCH_ROWS_MAX];
    uint32_t column_count;
    column_state columns[];
};

/* ---- life */

void wgi_group_reader_destroy(wgi_group_reader *reader, wg_stats *stats) {
    if (reader == NULL) return;
    for (uint32_t c = 0; c < reader->column_count; c++) {
        const column_state *s = &reader->columns[c];
        if (s->reader != NULL && stats != NULL) {
            stats->bytes_decoded += wg_parquet_reader_decoded_bytes(s->reader);
            stats->bytes_read += wg_parquet_reader_read_bytes(s->reader);
        }
        wg_parquet_reader_destroy(s->reader);
    }
    if (stats != NULL) {
        stats->row_groups_read += reader->groups_read;
        stats->files_opened += reader->files_opened;
        stats->rows_scanned += reader->rows_examined;
    }
    wg_object_release(reader->engine->objects, reader->object);
    wg_arena_deinit(&reader->group_arena);
    wg_arena_deinit(&reader->arena);
    wg_free(reader);
}

wg_code wgi_group_reader_create(const wg_engine *engine, const wg_label *label, const uint32_t *def_columns,
                                const wg_type *types, uint32_t column_count, wg_account *account,
                                wgi_group_reader **out, wg_error *err) {
    const size_t bytes = sizeof(wgi_group_reader) + column_count * sizeof(column_state);
    wgi_group_reader *r = wg_alloc_zero(account, bytes);
    if (r == NULL) return wg_error_nomem(err, bytes);
    r->engine = engine;
    r->label = label;
    r->account = account;
    r->column_count = column_count;
    wg_arena_init(&r->arena, account);
    wg_arena_init(&r->group_arena, account);
    r->file_columns = wg_arena_alloc(&r->arena, (column_count + 1) * sizeof *r->file_columns);
    if (r->file_columns == NULL) {
        wgi_group_reader_destroy(r, NULL);
        return wg_error_nomem(err, column_count * sizeof *r->file_columns);
    }
    for (uint32_t c = 0; c < column_count; c++) {
        column_state *s = &r->columns[c];
        s->type = types[c];
        s->def_column = def_columns[c];
        s->constant = wg_value_null();
        s->valid = wg_arena_alloc(&r->arena, VALID_BYTES);
        s->sliced = wg_arena_alloc(&r->arena, VALID_BYTES);
        s->converted = wg_arena_alloc(&r->arena, WG_BATCH_ROWS_MAX * wg_physical_bytes(wg_type_physical(types[c])));
        if (s->valid == NULL || s->sliced == NULL || s->converted == NULL) {
            wgi_group_reader_destroy(r, NULL);
            return wg_error_nomem(err, VALID_BYTES);
        }
    }
    *out = r;
    return WG_OK;
}

wg_code wgi_group_reader_test(wgi_group_reader *r, wgi_row_tests *tests, wg_error *err) {
    r->tests = tests;
    for (uint32_t c = 0; c < r->column_count; c++) {
        column_state *s = &r->columns[c];
        s->tested = wgi_row_tests_column(tests, c);
        if (!s->tested || s->packed != NULL) continue;
        s->packed = wg_arena_alloc(&r->arena, WG_BATCH_ROWS_MAX * sizeof(wg_value));
        if (s->packed == NULL) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(wg_value));
    }
    return WG_OK;
}

/* Names file and column; the offset is one of the file and must not be taken for one of the query text. */
static wg_code file_error(const wgi_group_reader *r, const char *column, wg_code code, wg_error *err) {
    return wg_error_fold_offset(err, wg_error_prefix(err, code, "%s, column %s", r->path, column));
}

/* ---- conversion to the wanted type */

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
    if (v->type == s->type && (v->type != WG_TYPE_ANY || v->kind == WG_VECTOR_FLAT)) return WG_OK;
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

/* ---- opening a row group */

static wg_code open_column(wgi_group_reader *r, column_state *s, wg_error *err) {
    s->opened = false;
    s->stored = false;
    s->behind = 0;
    s->first = 0;
    if (s->def_column != UINT32_MAX) {
        const wg_column_def *def = &r->label->def.columns[s->def_column];
        s->name = def->name;
        if (def->source != WG_COLUMN_PARTITION) {
            s->stored = true;
            s->exact_times = def->type == WG_TYPE_ANY;
            set_int_range(s, def);
            return wgi_virtual_column(r->object, r->label, s->def_column, &s->column, err);
        }
        s->constant = *wgi_partition_variable(r->label, r->partition, s->def_column);
    }
    s->vector = s->handed = constant_vector(s);
    return WG_OK;
}

wg_code wgi_group_reader_open(wgi_group_reader *r, const wg_partition *partition, uint32_t row_group, wg_error *err) {
    if (r->partition != partition) {
        wg_object *object = NULL;
        bool opened = false;
        wg_object_release(r->engine->objects, r->object);
        r->object = NULL;
        r->partition = NULL;
        WG_TRY(wgi_partition_acquire(r->engine, partition, &object, &opened, err));
        r->object = object;
        r->partition = partition;
        r->path = partition->path;
        r->files_opened += opened;
    }
    r->group = &wg_object_metadata(r->object)->row_groups[row_group];
    r->row = 0;
    r->window_rows = r->window_at = 0;
    r->segment_rows = r->segment_at = 0;
    r->packed = false;
    if (r->tests != NULL) wgi_row_tests_reset(r->tests);
    for (uint32_t c = 0; c < r->column_count; c++) {
        WG_TRY(open_column(r, &r->columns[c], err));
        r->file_columns[c] = r->columns[c].stored ? r->columns[c].column : UINT32_MAX;
    }
    r->groups_read++;
    r->range_at = 0;
    if (r->tests == NULL) return WG_OK;
    wg_arena_reset(&r->group_arena);
    const wgi_range_request request = {.object = r->object,
                                       .group = r->group,
                                       .tests = r->tests,
                                       .columns = r->file_columns,
                                       .key_count = r->column_count};
    return wgi_row_ranges_find(&request, &r->group_arena, &r->ranges, err);
}

/* True when the page indexes leave rows out, so that it pays to know where the pages of other columns are. */
static bool has_gaps(const wgi_group_reader *r) {
    return r->tests != NULL &&
           (r->ranges.count != 1 || r->ranges.ranges[0].begin != 0 || r->ranges.ranges[0].end != r->group->row_count);
}

static wg_code read_object(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    return wg_object_read(ctx, offset, data, size, err);
}

/* Brings the reader of a column to the row at which everybody stands. */
static wg_code catch_up(wgi_group_reader *r, column_state *s, wg_error *err) {
    if (!s->opened) {
        wg_parquet_source source = {.column = &wg_object_metadata(r->object)->columns[s->column],
                                    .chunk = wg_parquet_chunk_of(wg_object_metadata(r->object), r->group, s->column),
                                    .columns = wg_object_metadata(r->object)->columns,
                                    .chunks = r->group->chunks,
                                    .row_count = r->group->row_count,
                                    .exact_times = s->exact_times,
                                    .read = read_object,
                                    .ctx = r->object};
        if (has_gaps(r))
            WG_TRY(wgi_page_places(r->object, r->group, s->column, &r->group_arena, &source.places,
                                   &source.place_count, err));
        if (s->reader == NULL) WG_TRY(wg_parquet_reader_alloc(r->account, &s->reader, err));
        const wg_code code = wg_parquet_reader_open(s->reader, &source, err);
        if (code != WG_OK) return file_error(r, s->name, code, err);
        s->opened = true;
    }
    if (s->behind == 0) return WG_OK;
    const wg_code code = wg_parquet_reader_skip(s->reader, s->behind, err);
    if (code != WG_OK) return file_error(r, s->name, code, err);
    s->behind = 0;
    return WG_OK;
}

/* Lowers *rows to what the pages at hand of the columns have, of the tested or of the other ones. */
static wg_code pages_ready(wgi_group_reader *r, bool tested, uint32_t *rows, wg_error *err) {
    for (uint32_t c = 0; c < r->column_count; c++) {
        column_state *s = &r->columns[c];
        uint32_t ready = 0;
        if (!s->stored || s->tested != tested) continue;
        WG_TRY(catch_up(r, s, err));
        const wg_code code = wg_parquet_reader_ready(s->reader, &ready, err);
        if (code != WG_OK) return file_error(r, s->name, code, err);
        if (ready == 0)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: column %s ends before its row group does",
                                r->path, s->name);
        if (ready < *rows) *rows = ready;
    }
    return WG_OK;
}

static wg_code decode_column(wgi_group_reader *r, column_state *s, uint32_t rows, const wg_parquet_pick *pick,
                             wg_error *err) {
    uint32_t got = 0;
    const wg_code code = wg_parquet_reader_next_of(s->reader, rows, pick, &s->vector, &got, err);
    if (code != WG_OK) return file_error(r, s->name, code, err);
    WG_ASSERT(got == rows); /* the page at hand had so many */
    s->first = 0;
    return convert(r, s, &s->vector, pick == NULL ? rows : pick->count, err);
}

static void pass(wgi_group_reader *r, bool tested, uint64_t rows) {
    for (uint32_t c = 0; c < r->column_count; c++)
        if (r->columns[c].stored && r->columns[c].tested == tested) r->columns[c].behind += rows;
}

/* ---- windows */

/* Rows of the next page of a tested column that no entry of its dictionary lets pass; 0: not known. */
static wg_code page_hopeless(wgi_group_reader *r, uint32_t *out, wg_error *err) {
    *out = 0;
    for (uint32_t c = 0; c < r->column_count && *out == 0; c++) {
        const column_state *s = &r->columns[c];
        wg_vector dictionary;
        uint32_t size = 0;
        if (!s->stored || !s->tested || s->check_range) continue;
        wg_code code = wg_parquet_reader_dictionary(s->reader, &dictionary, &size, err);
        if (code == WG_OK && size > 0 && dictionary.type == s->type &&
            wgi_row_tests_dictionary_fails(r->tests, c, &dictionary, size))
            code = wg_parquet_reader_ready(s->reader, out, err);
        if (code != WG_OK) return file_error(r, s->name, code, err);
    }
    return WG_OK;
}

static void pass_all(wgi_group_reader *r, uint64_t rows) {
    pass(r, true, rows);
    pass(r, false, rows);
    r->row += rows;
    r->window_rows = 0;
}

/* Passes the gap at r->row, if there is one; gives how many rows of its range are left, 0 at the end of the group. */
static uint64_t range_left(wgi_group_reader *r) {
    while (r->range_at < r->ranges.count && r->ranges.ranges[r->range_at].end <= r->row) r->range_at++;
    const bool over = r->range_at == r->ranges.count;
    const uint64_t begin = over ? r->group->row_count : r->ranges.ranges[r->range_at].begin;
    if (begin > r->row) pass_all(r, begin - r->row);
    return over ? 0 : r->ranges.ranges[r->range_at].end - r->row;
}

/* Opens the window at r->row, or behind the gap there; it may turn out to have no selected row. */
static wg_code window_open(wgi_group_reader *r, wg_error *err) {
    const uint64_t left = r->tests == NULL ? r->group->row_count - r->row : range_left(r);
    uint32_t rows = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, left);
    r->all = true;
    r->window_at = 0;
    if (rows == 0) return WG_OK;
    if (r->tests != NULL) {
        uint32_t hopeless = 0;
        WG_TRY(pages_ready(r, true, &rows, err));
        WG_TRY(page_hopeless(r, &hopeless, err));
        if (hopeless > 0) {
            pass_all(r, hopeless);
            return WG_OK;
        }
        memset(r->mask, 1, rows);
        for (uint32_t c = 0; c < r->column_count; c++) {
            column_state *s = &r->columns[c];
            if (!s->tested) continue;
            if (s->stored) WG_TRY(decode_column(r, s, rows, NULL, err));
            WG_TRY(wgi_row_tests_apply(r->tests, c, &s->vector, rows, r->mask, err));
        }
        r->sel_count = wgi_row_tests_select(r->tests, r->mask, rows, r->sel);
        r->all = r->sel_count == rows;
    }
    r->sel_at = 0;
    r->window_rows = rows;
    r->rows_examined += rows;
    return WG_OK;
}

static void window_close(wgi_group_reader *r) {
    pass(r, false, r->window_rows - r->window_at);
    r->row += r->window_rows;
    r->window_rows = r->window_at = 0;
}

/* ---- segments */

/* The selected rows of the window inside of the segment, counted from its beginning. */
static void segment_pick(wgi_group_reader *r, uint32_t rows) {
    r->pick_count = r->pick_at = 0;
    while (r->sel_at < r->sel_count && r->sel[r->sel_at] < r->window_at + rows)
        r->picks[r->pick_count++] = (uint16_t)(r->sel[r->sel_at++] - r->window_at);
}

#define PACK(ctype)                                                                     \
    do {                                                                                \
        const ctype *from = v->data;                                                    \
        ctype *to = s->packed;                                                          \
        for (uint32_t i = 0; i < r->pick_count; i++) to[i] = from[first + r->picks[i]]; \
    } while (0)

/* The picked rows of a tested column, from the vector of its window, which stays as it is for the next segment. */
static wg_vector pack_tested(const wgi_group_reader *r, column_state *s, const wg_vector *v, uint32_t first) {
    wg_vector out = *v;
    if (v->kind == WG_VECTOR_CONST) return out;
    if (v->valid != NULL) { /* rows that pass have values */
        memset(s->valid, 0xff, wg_bit_bytes(r->pick_count));
        out.valid = s->valid;
    }
    if (v->kind == WG_VECTOR_DICT) {
        uint32_t *codes = s->packed;
        for (uint32_t i = 0; i < r->pick_count; i++) codes[i] = v->codes[first + r->picks[i]];
        out.codes = codes;
        return out;
    }
    switch (wg_type_physical(v->type)) {
        case WG_PHYSICAL_BOOL:
            PACK(uint8_t);
            break;
        case WG_PHYSICAL_I64:
        case WG_PHYSICAL_F64:
        case WG_PHYSICAL_ID:
            PACK(uint64_t);
            break;
        case WG_PHYSICAL_STR:
            PACK(wg_str);
            break;
        case WG_PHYSICAL_VALUE:
            PACK(wg_value);
            break;
    }
    out.data = s->packed;
    return out;
}
#undef PACK

static wg_code segment_open(wgi_group_reader *r, wg_error *err) {
    if (!r->all) {
        const uint32_t next = r->sel[r->sel_at];
        pass(r, false, next - r->window_at);
        r->window_at = next;
    }
    uint32_t rows = r->window_rows - r->window_at;
    WG_TRY(pages_ready(r, false, &rows, err));
    if (!r->all) segment_pick(r, rows);
    const wg_parquet_pick pick = {r->picks, r->pick_count};
    r->packed = !r->all && r->pick_count <= rows / 4;
    for (uint32_t c = 0; c < r->column_count; c++) {
        column_state *s = &r->columns[c];
        if (!s->stored) continue;
        if (!s->tested) WG_TRY(decode_column(r, s, rows, r->packed ? &pick : NULL, err));
        else s->handed = r->packed ? pack_tested(r, s, &s->vector, r->window_at) : s->vector;
        if (s->tested) s->first = r->packed ? 0 : r->window_at;
        else s->handed = s->vector;
    }
    r->segment_first = r->window_at;
    r->segment_rows = r->packed ? r->pick_count : rows;
    r->segment_at = 0;
    r->window_at += rows;
    return WG_OK;
}

/* Opens the next segment; false at the end of the row group. */
static wg_code segment_next(wgi_group_reader *r, bool *out_found, wg_error *err) {
    *out_found = false;
    for (;;) {
        const bool more = r->all ? r->window_at < r->window_rows : r->sel_at < r->sel_count;
        if (r->window_rows > 0 && more) break;
        window_close(r);
        if (r->row == r->group->row_count) return WG_OK;
        WG_TRY(window_open(r, err));
    }
    *out_found = true;
    return segment_open(r, err);
}

/* ---- slices */

static wg_vector view(column_state *s, uint32_t at, uint32_t rows) {
    const uint32_t first = s->first + at;
    wg_vector v = s->handed;
    if (v.kind == WG_VECTOR_CONST || first == 0) return v;
    const size_t width = wg_physical_bytes(wg_type_physical(v.type));
    if (v.kind == WG_VECTOR_DICT) v.codes += first;
    else v.data = (const uint8_t *)v.data + (size_t)first * width;
    if (v.valid != NULL) {
        shift_bits(s->sliced, v.valid, first, rows);
        v.valid = s->sliced;
    }
    return v;
}

static void slice_out(wgi_group_reader *r, uint32_t at, uint32_t rows, wg_vector *vectors, wgi_group_rows *out) {
    for (uint32_t c = 0; c < r->column_count; c++) vectors[c] = view(&r->columns[c], at, rows);
    *out = (wgi_group_rows){.first_row = r->row + r->segment_first + at, .row_count = rows, .selected = rows};
    r->segment_at = at + rows;
    if (r->packed) {
        out->first_row -= at;
        out->rows = r->picks + at;
        return;
    }
    if (r->all) return;
    uint32_t n = 0;
    while (r->pick_at < r->pick_count && r->picks[r->pick_at] < at + rows)
        r->slice[n++] = (uint16_t)(r->picks[r->pick_at++] - at);
    out->selected = n;
    if (n < rows) out->sel = r->slice;
}

wg_code wgi_group_reader_next(wgi_group_reader *r, uint32_t rows_max, wg_vector *vectors, wgi_group_rows *out,
                              wg_error *err) {
    const uint32_t most = (uint32_t)wg_min_u64(rows_max, WG_BATCH_ROWS_MAX);
    *out = (wgi_group_rows){0};
    bool some = !r->all && !r->packed; /* rows before the next selected one, and behind the last, are over */
    if (r->segment_at == r->segment_rows || (some && r->pick_at == r->pick_count)) {
        bool found = false;
        r->segment_rows = r->segment_at = 0;
        WG_TRY(segment_next(r, &found, err));
        if (!found) return WG_OK;
        some = !r->all && !r->packed;
    }
    const uint32_t at = some ? r->picks[r->pick_at] : r->segment_at;
    slice_out(r, at, (uint32_t)wg_min_u64(most, r->segment_rows - at), vectors, out);
    return WG_OK;
}

wg_code wgi_group_reader_skip(wgi_group_reader *r, uint64_t rows, wg_error *err) {
    const uint64_t here = r->row + (r->segment_rows > 0 ? r->segment_first + r->segment_at : r->window_at);
    WG_ASSERT(r->tests == NULL);
    if (rows > r->group->row_count - here)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "%s: a row group has fewer rows than its metadata says",
                            r->path);
    const uint64_t held = wg_min_u64(rows, r->segment_rows - r->segment_at);
    r->segment_at += (uint32_t)held;
    if (rows == held) return WG_OK;
    r->segment_rows = r->segment_at = 0;
    pass(r, false, rows - held);
    r->row += r->window_at + rows - held; /* what is left of the window is passed with the rest */
    r->window_rows = r->window_at = 0;
    return WG_OK;
}

bool wgi_group_reader_constants(const wgi_group_reader *r, wg_vector *vectors) {
    for (uint32_t c = 0; c < r->column_count; c++)
        if (r->columns[c].stored) return false;
    for (uint32_t c = 0; c < r->column_count; c++) vectors[c] = r->columns[c].vector;
    return r->tests == NULL;
}
