/* The writer, read back by our own reader: values, bounds, page and row group cuts, equal bytes, every failed allocation.
 * That others read the files is shown by tests/python/parquet_roundtrip_test.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "base/digest/digest.h"
#include "format/parquet/parquet.h"

enum { COLUMNS = 7 };

static const wg_parquet_writer_column schema[COLUMNS] = {
    {"flag", WG_TYPE_BOOL, true},    {"number", WG_TYPE_INT, true}, {"ratio", WG_TYPE_FLOAT, true},
    {"name", WG_TYPE_STRING, true},  {"day", WG_TYPE_DATE, true},   {"moment", WG_TYPE_LOCAL_DATETIME, true},
    {"required", WG_TYPE_INT, false}};

static wg_code sink_buf(void *ctx, wg_slice bytes, wg_error *err) {
    return wg_buf_append(ctx, bytes.data, bytes.size) ? WG_OK : wg_error_nomem(err, bytes.size);
}

static wg_code sink_full(void *ctx, wg_slice bytes, wg_error *err) {
    size_t *left = ctx;
    if (bytes.size > *left) return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "disk full");
    *left -= bytes.size;
    return WG_OK;
}

static bool is_null(uint32_t row, uint32_t column) {
    return column != COLUMNS - 1 && wg_hash64_u64(row * 31 + column) % 4 == 0;
}

static int64_t number_of(uint32_t row, uint32_t column) {
    if (column == 0) return row % 3 == 0;
    if (column == 1) return (int64_t)(row % 10) - 5; /* a dictionary pays */
    if (column == 4) return (int64_t)row - 100;
    return (int64_t)wg_hash64_u64(row + column) >> 8; /* it does not */
}

static size_t text_of(uint32_t row, char out[32]) { return (size_t)snprintf(out, 32, "n\xc3\xa4me-%u", row % 50); }

static bool cell_append(wg_column *c, uint32_t row, uint32_t column) {
    if (is_null(row, column)) return wg_column_append_null(c);
    char text[32];
    if (column == 0) return wg_column_append_bool(c, number_of(row, 0) != 0);
    if (column == 2) return wg_column_append_f64(c, row % 100 == 99 ? NAN : (double)row / 8 - 10);
    if (column == 3) return wg_column_append_str(c, (wg_str){text, text_of(row, text)});
    return wg_column_append_i64(c, number_of(row, column));
}

/* One batch of rows [first, first + count). */
static wg_code batch_write(wg_parquet_writer *w, uint32_t first, uint32_t count, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_column columns[COLUMNS];
    wg_vector views[COLUMNS];
    bool ok = true;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        wg_column_init(&columns[c], schema[c].type, &arena, NULL);
        for (uint32_t i = 0; ok && i < count; i++) ok = cell_append(&columns[c], first + i, c);
        views[c] = wg_column_view(&columns[c]);
    }
    const wg_batch batch = {.row_count = count, .column_count = COLUMNS, .columns = views};
    const wg_code code = ok ? wg_parquet_writer_append(w, &batch, err) : WG_E_NOMEM;
    for (uint32_t c = 0; c < COLUMNS; c++) wg_column_deinit(&columns[c]);
    wg_arena_deinit(&arena);
    return code;
}

static wg_code file_write(uint32_t rows, uint32_t batch_rows, uint32_t group_rows, wg_codec codec, wg_buf *out) {
    wg_parquet_writer *w = NULL;
    WG_TRY(wg_parquet_writer_create(schema, COLUMNS, codec, group_rows, sink_buf, out, NULL, &w, NULL));
    wg_code code = WG_OK;
    for (uint32_t at = 0; code == WG_OK && at < rows; at += batch_rows)
        code = batch_write(w, at, (uint32_t)wg_min_size(batch_rows, rows - at), NULL);
    if (code == WG_OK) code = wg_parquet_writer_finish(w, NULL);
    wg_parquet_writer_destroy(w);
    return code;
}

static void metadata_of(const wg_buf *file, wg_arena *arena, wg_parquet_metadata *m) {
    uint32_t footer = 0;
    wg_error err = {0};
    assert_int_equal(wg_parquet_tail(wg_slice_of(file->data + file->size - 8, 8), file->size, &footer, &err), WG_OK);
    const wg_slice bytes = wg_slice_of(file->data + file->size - 8 - footer, footer);
    if (wg_parquet_metadata_decode(bytes, file->size, arena, m, &err) != WG_OK) fail_msg("%s", err.message);
}

static void cell_check(const wg_vector *v, uint32_t i, uint32_t row, uint32_t column) {
    assert_int_equal(wg_vector_is_valid(v, i), !is_null(row, column));
    if (is_null(row, column)) return;
    const uint32_t at = wg_vector_cell(v, i);
    char text[32];
    if (column == 0) {
        assert_int_equal(((const uint8_t *)v->data)[at], number_of(row, 0));
    } else if (column == 2) {
        const double f = ((const double *)v->data)[at];
        if (row % 100 == 99) assert_true(isnan(f));
        else assert_true(f == (double)row / 8 - 10);
    } else if (column == 3) {
        const size_t size = text_of(row, text);
        assert_true(wg_slice_equal(wg_slice_of_str(((const wg_str *)v->data)[at]), wg_slice_of(text, size)));
    } else {
        assert_true(((const int64_t *)v->data)[at] == number_of(row, column));
    }
}

static void file_check(const wg_buf *file, uint32_t rows, uint32_t group_rows) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    metadata_of(file, &arena, &m);
    assert_int_equal(m.row_count, rows);
    assert_int_equal(m.row_group_count, (rows + group_rows - 1) / group_rows);
    for (uint32_t g = 0; g < m.row_group_count; g++) {
        for (uint32_t c = 0; c < COLUMNS; c++) {
            assert_int_equal(m.columns[c].type, schema[c].type);
            assert_int_equal(m.columns[c].optional, schema[c].optional);
            const wg_parquet_chunk *chunk = &m.row_groups[g].chunks[c];
            const wg_slice bytes = wg_slice_of(file->data + chunk->offset, (size_t)chunk->compressed_bytes);
            wg_parquet_reader *r = NULL;
            assert_int_equal(
                wg_parquet_reader_create(&m.columns[c], chunk, bytes, m.row_groups[g].row_count, NULL, &r, NULL),
                WG_OK);
            uint32_t row = (uint32_t)m.row_groups[g].first_row;
            uint32_t nulls = 0;
            uint32_t n = 1;
            while (n != 0) {
                wg_vector v;
                assert_int_equal(wg_parquet_reader_next(r, WG_BATCH_ROWS_MAX, &v, &n, NULL), WG_OK);
                for (uint32_t i = 0; i < n; i++, row++) {
                    cell_check(&v, i, row, c);
                    nulls += is_null(row, c);
                }
            }
            assert_true(chunk->range.null_count_known);
            assert_int_equal(chunk->range.null_count, nulls);
            wg_parquet_reader_destroy(r);
        }
    }
    wg_arena_deinit(&arena);
}

/* Goal: rows come back equal for row counts around page, batch and row group borders, with every codec. */
static void test_writer_round_trips(void **state) {
    (void)state;
    static const uint32_t rows[] = {0, 1, 2, 7, 8, 2047, 2048, 2049, 20479, 20480, 20481, 50000};
    static const wg_codec codecs[] = {WG_CODEC_UNCOMPRESSED, WG_CODEC_SNAPPY, WG_CODEC_ZSTD};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wg_buf file = {0};
        assert_int_equal(file_write(rows[i], 2048, 30000, codecs[i % 3], &file), WG_OK);
        file_check(&file, rows[i], 30000);
        wg_buf_deinit(&file);
    }
}

/* Goal: the bytes depend on the rows, not on how they were cut into batches. */
static void test_writer_is_deterministic(void **state) {
    (void)state;
    wg_buf a = {0};
    wg_buf b = {0};
    assert_int_equal(file_write(5000, 2048, 3000, WG_CODEC_ZSTD, &a), WG_OK);
    assert_int_equal(file_write(5000, 7, 3000, WG_CODEC_ZSTD, &b), WG_OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
}

/* Goal: bounds hold the least and greatest value, NaN left out, also across nulls; a column of nulls has none. */
static void test_writer_bounds(void **state) {
    (void)state;
    wg_buf file = {0};
    assert_int_equal(file_write(1000, 2048, 0, WG_CODEC_SNAPPY, &file), WG_OK);
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    metadata_of(&file, &arena, &m);
    const wg_parquet_chunk *chunks = m.row_groups[0].chunks;
    assert_true(chunks[1].range.known && chunks[1].range.min.as.i == -5 && chunks[1].range.max.as.i == 4);
    assert_true(chunks[2].range.known && chunks[2].range.min.as.f >= -10 && chunks[2].range.max.as.f <= 115);
    assert_true(chunks[4].range.known && chunks[4].range.min.type == WG_TYPE_DATE);
    assert_true(chunks[5].range.known && chunks[5].range.min.type == WG_TYPE_LOCAL_DATETIME);
    assert_true(wg_slice_is(wg_value_slice(&chunks[3].range.max), "n\xc3\xa4me-9"));
    assert_string_equal(m.created_by, "worldgraph 0.1.0");
    wg_arena_deinit(&arena);
    wg_buf_deinit(&file);
}

static wg_code one_value(const wg_parquet_writer_column *column, wg_vector v, wg_error *err) {
    wg_buf out = {0};
    wg_parquet_writer *w = NULL;
    wg_code code = wg_parquet_writer_create(column, 1, WG_CODEC_ZSTD, 0, sink_buf, &out, NULL, &w, err);
    const wg_batch batch = {.row_count = 1, .column_count = 1, .columns = &v};
    if (code == WG_OK) code = wg_parquet_writer_append(w, &batch, err);
    if (code != WG_OK && w != NULL)
        assert_int_equal(wg_parquet_writer_finish(w, NULL), code); /* failed stays failed */
    wg_parquet_writer_destroy(w);
    wg_buf_deinit(&out);
    return code;
}

/* Goal: what a column cannot hold is refused with its own code: nulls, types, dates, datetimes, unknown column types. */
static void test_writer_refuses_what_does_not_fit(void **state) {
    (void)state;
    const int64_t big = INT64_C(1) << 40;
    const uint8_t none = 0;
    const wg_parquet_writer_column required = {"c", WG_TYPE_INT, false};
    const wg_parquet_writer_column day = {"c", WG_TYPE_DATE, true};
    const wg_parquet_writer_column moment = {"c", WG_TYPE_LOCAL_DATETIME, true};
    const wg_parquet_writer_column list = {"c", WG_TYPE_LIST, true};
    wg_vector v = {.type = WG_TYPE_INT, .data = &big};
    assert_int_equal(one_value(&required, v, NULL), WG_OK);
    assert_int_equal(one_value(&day, v, NULL), WG_E_TYPE);
    assert_int_equal(one_value(&list, v, NULL), WG_E_UNSUPPORTED);
    v.valid = &none;
    assert_int_equal(one_value(&required, v, NULL), WG_E_CONSTRAINT);
    assert_int_equal(one_value(&day, v, NULL), WG_OK); /* a null of any type is a null */
    v = (wg_vector){.type = WG_TYPE_DATE, .data = &big};
    assert_int_equal(one_value(&day, v, NULL), WG_E_VALUE);
    wg_value any = {.type = WG_TYPE_LOCAL_DATETIME, .size = 1001};
    v = (wg_vector){.type = WG_TYPE_ANY, .data = &any};
    assert_int_equal(one_value(&moment, v, NULL), WG_E_VALUE);
    any.size = 1000;
    assert_int_equal(one_value(&moment, v, NULL), WG_OK);
    any.as.i = INT64_MAX;
    assert_int_equal(one_value(&moment, v, NULL), WG_E_VALUE);
}

/* Goal: a sink's error comes back as it is, at whatever byte it happens. */
static void test_writer_passes_sink_errors(void **state) {
    (void)state;
    for (size_t limit = 0; limit < 2000; limit += 61) {
        size_t left = limit;
        wg_parquet_writer *w = NULL;
        wg_error err = {0};
        assert_int_equal(
            wg_parquet_writer_create(schema, COLUMNS, WG_CODEC_SNAPPY, 100, sink_full, &left, NULL, &w, NULL), WG_OK);
        wg_code code = batch_write(w, 0, 500, &err);
        if (code == WG_OK) code = wg_parquet_writer_finish(w, &err);
        assert_int_equal(code, WG_E_IO);
        assert_non_null(strstr(err.message, "disk full"));
        wg_parquet_writer_destroy(w);
    }
}

/* Goal: whichever allocation fails, the answer is WG_E_NOMEM and nothing leaks. */
static void test_writer_survives_every_failed_allocation(void **state) {
    (void)state;
    wg_code code = WG_E_NOMEM;
    uint64_t n = 0;
    while (code == WG_E_NOMEM) {
        wg_buf file = {0};
        wg_memory_fail_at(++n, false);
        code = file_write(300, 100, 150, WG_CODEC_ZSTD, &file);
        wg_buf_deinit(&file);
        assert_true(n < 10000);
    }
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_OK);
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_writer_round_trips),
                                       cmocka_unit_test(test_writer_is_deterministic),
                                       cmocka_unit_test(test_writer_bounds),
                                       cmocka_unit_test(test_writer_refuses_what_does_not_fit),
                                       cmocka_unit_test(test_writer_passes_sink_errors),
                                       cmocka_unit_test(test_writer_survives_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
