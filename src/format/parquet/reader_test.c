/* Chunks made by hand, page by page: each encoding, nulls at every border, skipping, and every lie a header can tell. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/core/test_seed.h"
#include "base/digest/digest.h"
#include "format/parquet/parquet_internal.h"

/* ---- building */

typedef struct page_spec {
    wgi_parquet_page_type type;
    int32_t values;
    int32_t encoding;
    wg_slice levels; /* RLE bytes; used by optional columns */
    wg_slice body;   /* values */
    wg_codec codec;
    bool crc;
    bool bad_crc;
    int32_t declare_uncompressed; /* 0: true size */
    int32_t declare_compressed;   /* 0: true size */
    bool no_levels;               /* v1: no length prefix at all (required column) */
} page_spec;

static void page_put(wg_buf *out, const page_spec *p) {
    wg_buf body = {0};
    wg_buf stored = {0};
    const bool data = p->type == WGI_PARQUET_PAGE_DATA;
    const bool v2 = p->type == WGI_PARQUET_PAGE_DATA_V2;
    if (data && !p->no_levels) {
        assert_true(wg_buf_append_u32(&body, (uint32_t)p->levels.size));
        assert_true(wg_buf_append(&body, p->levels.data, p->levels.size));
    }
    assert_true(wg_buf_append(&body, p->body.data, p->body.size));
    if (v2) assert_true(wg_buf_append(&stored, p->levels.data, p->levels.size));
    assert_int_equal(wg_codec_compress(p->codec, 0, wg_buf_slice(&body), &stored, NULL), WG_OK);
    const size_t size = body.size + (v2 ? p->levels.size : 0);
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, out);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_i32(&w, 1, (int32_t)p->type);
    wg_thrift_write_i32(&w, 2, p->declare_uncompressed != 0 ? p->declare_uncompressed : (int32_t)size);
    wg_thrift_write_i32(&w, 3, p->declare_compressed != 0 ? p->declare_compressed : (int32_t)stored.size);
    const uint32_t crc = wg_crc32(0, stored.data, stored.size) ^ (p->bad_crc ? 1 : 0);
    if (p->crc || p->bad_crc) wg_thrift_write_i32(&w, 4, (int32_t)crc);
    wg_thrift_write_struct_field(&w, data ? 5 : v2 ? 8 : 7);
    wg_thrift_write_i32(&w, 1, p->values);
    if (!v2) wg_thrift_write_i32(&w, 2, p->encoding);
    if (data) {
        wg_thrift_write_i32(&w, 3, WGI_PARQUET_RLE);
        wg_thrift_write_i32(&w, 4, WGI_PARQUET_RLE);
    }
    if (v2) {
        wg_thrift_write_i32(&w, 2, 0);
        wg_thrift_write_i32(&w, 3, p->values);
        wg_thrift_write_i32(&w, 4, p->encoding);
        wg_thrift_write_i32(&w, 5, (int32_t)p->levels.size);
        wg_thrift_write_i32(&w, 6, 0);
    }
    wg_thrift_write_struct_end(&w);
    wg_thrift_write_struct_end(&w);
    assert_true(w.ok && wg_buf_append(out, stored.data, stored.size));
    wg_buf_deinit(&body);
    wg_buf_deinit(&stored);
}

static wg_parquet_column column_of(wg_type type, int32_t physical, bool optional) {
    return (wg_parquet_column){.name = "c",
                               .physical_name = "test",
                               .type = type,
                               .physical = physical,
                               .int_bits = physical == WGI_PARQUET_INT32 ? 32 : 64,
                               .optional = optional,
                               .max_def = optional};
}

static wg_parquet_chunk chunk_of(const wg_buf *bytes, wg_codec codec, uint64_t rows) {
    return (wg_parquet_chunk){.offset = 4,
                              .compressed_bytes = bytes->size,
                              .uncompressed_bytes = 1 << 30,
                              .value_count = rows,
                              .codec = codec};
}

typedef struct manner {
    wg_codec codec;
    uint64_t rows;
    uint32_t step; /* rows a call */
} manner;

/* Reads everything in steps; returns the first error's code. `out` gets one value a row. */
static wg_code read_all(const wg_parquet_column *column, const wg_buf *bytes, manner how, wg_column *out,
                        wg_error *err) {
    const uint64_t rows = how.rows;
    const wg_parquet_chunk chunk = chunk_of(bytes, how.codec, rows);
    wg_parquet_reader *r = NULL;
    wg_code code = wg_parquet_reader_create(column, &chunk, wg_buf_slice(bytes), rows, NULL, &r, err);
    uint32_t n = 1;
    while (code == WG_OK && n != 0) {
        wg_vector v;
        code = wg_parquet_reader_next(r, how.step, &v, &n, err);
        for (uint32_t i = 0; code == WG_OK && out != NULL && i < n; i++)
            assert_true(wg_column_append_cell(out, &v, i));
    }
    wg_parquet_reader_destroy(r);
    return code;
}

static wg_code read_one(const wg_parquet_column *column, const page_spec *page, uint64_t rows, wg_error *err) {
    wg_buf bytes = {0};
    page_put(&bytes, page);
    const wg_code code = read_all(column, &bytes, (manner){page->codec, rows, 100}, NULL, err);
    wg_buf_deinit(&bytes);
    return code;
}

/* ---- encodings */

static void expect_ints(const wg_parquet_column *column, const page_spec *page, const int64_t *wanted,
                        uint32_t count) {
    wg_buf bytes = {0};
    page_put(&bytes, page);
    for (uint32_t step = 1; step <= 100; step += 33) {
        wg_column out;
        wg_column_init(&out, column->type, NULL, NULL);
        assert_int_equal(read_all(column, &bytes, (manner){page->codec, count, step}, &out, NULL), WG_OK);
        assert_int_equal(out.row_count, count);
        assert_memory_equal(out.data, wanted, count * 8);
        wg_column_deinit(&out);
    }
    wg_buf_deinit(&bytes);
}

/* Goal: PLAIN integers of each width and sign widen exactly; timestamps become microseconds. */
static void test_plain_integers_widen(void **state) {
    (void)state;
    const int32_t narrow[] = {0, 1, -1, INT32_MAX, INT32_MIN};
    const int64_t wide[] = {0, 1, -1, INT32_MAX, INT32_MIN};
    const int64_t unsigned_wide[] = {0, 1, UINT32_MAX, INT32_MAX, INT64_C(2147483648)};
    page_spec p = {.values = 5, .no_levels = true, .body = wg_slice_of(narrow, sizeof narrow)};
    wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT32, false);
    expect_ints(&c, &p, wide, 5);
    c.int_unsigned = true;
    expect_ints(&c, &p, unsigned_wide, 5);
    c = column_of(WG_TYPE_DATE, WGI_PARQUET_INT32, false);
    expect_ints(&c, &p, wide, 5);
    c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    p.body = wg_slice_of(wide, sizeof wide);
    for (int codec = 0; codec <= 6; codec++) {
        if (!wg_codec_writable((wg_codec)codec)) continue;
        p.codec = (wg_codec)codec;
        expect_ints(&c, &p, wide, 5);
    }
    p.codec = WG_CODEC_UNCOMPRESSED;
    const int64_t micros[] = {0, 1000, -1000, INT64_C(2147483647000), INT64_C(-2147483648000)};
    c = column_of(WG_TYPE_LOCAL_DATETIME, WGI_PARQUET_INT64, false);
    c.time_unit = 3;
    expect_ints(&c, &p, micros, 5);
    c.time_unit = 9;
    p.body = wg_slice_of(micros, sizeof micros);
    expect_ints(&c, &p, wide, 5);
}

/* Goal: values that the engine's type cannot hold are WG_E_VALUE and name the row, counting nulls. */
static void test_values_out_of_range_name_their_row(void **state) {
    (void)state;
    wg_error err = {0};
    const int64_t big[] = {1, INT64_MAX, -1};
    page_spec p = {.values = 3, .no_levels = true, .body = wg_slice_of(big, sizeof big)};
    wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    c.int_unsigned = true;
    assert_int_equal(read_one(&c, &p, 3, &err), WG_E_VALUE);
    assert_non_null(strstr(err.message, "row 2 "));
    c = column_of(WG_TYPE_LOCAL_DATETIME, WGI_PARQUET_INT64, false);
    c.time_unit = 3;
    err = (wg_error){0};
    assert_int_equal(read_one(&c, &p, 3, &err), WG_E_VALUE);
    assert_non_null(strstr(err.message, "row 1 "));
    c.time_unit = 9;
    c.optional = true;
    c.max_def = 1;
    const uint8_t levels[] = {0x04, 0x00, 0x06, 0x01}; /* two nulls, then three values */
    p.no_levels = false;
    p.levels = wg_slice_of(levels, sizeof levels);
    p.values = 5;
    err = (wg_error){0};
    assert_int_equal(read_one(&c, &p, 5, &err), WG_E_VALUE);
    assert_non_null(strstr(err.message, "row 2 "));
    const int32_t bytes[] = {127, 128};
    c = column_of(WG_TYPE_INT, WGI_PARQUET_INT32, false);
    c.int_bits = 8;
    p = (page_spec){.values = 2, .no_levels = true, .body = wg_slice_of(bytes, sizeof bytes)};
    assert_int_equal(read_one(&c, &p, 2, NULL), WG_E_VALUE);
    c.int_unsigned = true;
    assert_int_equal(read_one(&c, &p, 2, NULL), WG_OK);
}

static void expect_strings(const page_spec *page, const char *const *wanted, uint32_t count) {
    const wg_parquet_column c = column_of(WG_TYPE_STRING, WGI_PARQUET_BYTE_ARRAY, false);
    wg_buf bytes = {0};
    page_put(&bytes, page);
    for (uint32_t step = 1; step <= 10; step += 3) {
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        wg_column out;
        wg_column_init(&out, WG_TYPE_STRING, &arena, NULL);
        assert_int_equal(read_all(&c, &bytes, (manner){page->codec, count, step}, &out, NULL), WG_OK);
        assert_int_equal(out.row_count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_true(wg_slice_is(wg_slice_of_str(((const wg_str *)out.data)[i]), wanted[i]));
        wg_column_deinit(&out);
        wg_arena_deinit(&arena);
    }
    wg_buf_deinit(&bytes);
}

/* Goal: the three string encodings give the same strings, read in any steps. */
static void test_string_encodings(void **state) {
    (void)state;
    static const char *const wanted[] = {"axis", "axle", "", "babble", "babyhood"};
    const uint8_t plain[] = "\4\0\0\0axis\4\0\0\0axle\0\0\0\0\6\0\0\0babble\10\0\0\0babyhood";
    page_spec p = {.values = 5, .no_levels = true, .body = wg_slice_of(plain, sizeof plain - 1)};
    expect_strings(&p, wanted, 5);
    /* lengths 4 4 0 6 8: first 4, deltas 0 -4 6 2, least -4: 4 0 10 6 in 4 bits */
    uint8_t lengths[64] = {0x80, 0x01, 0x04, 0x05, 0x08, 0x07, 0x04, 0x00, 0x00, 0x00, 0x04, 0x6a};
    size_t size = 10 + 16;
    memcpy(lengths + size, "axisaxlebabblebabyhood", 22);
    p.encoding = WGI_PARQUET_DELTA_LENGTH_BYTE_ARRAY;
    p.body = wg_slice_of(lengths, size + 22);
    expect_strings(&p, wanted, 5);
    /* prefixes 0 2 0 0 3: deltas 2 -2 0 3, least -2: 4 0 2 5 in 3 bits; suffixes 4 2 0 6 5: -2 -2 6 -1, least -2: 0 0 8 1 */
    uint8_t prefixed[128] = {0x80, 0x01, 0x04, 0x05, 0x00, 0x03, 0x03, 0x00, 0x00, 0x00, 0x84, 0x0a};
    size = 10 + 12;
    const uint8_t suffixes[] = {0x80, 0x01, 0x04, 0x05, 0x08, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0x18};
    memcpy(prefixed + size, suffixes, sizeof suffixes);
    size += 10 + 16;
    memcpy(prefixed + size, "axislebabbleyhood", 17);
    p.encoding = WGI_PARQUET_DELTA_BYTE_ARRAY;
    p.body = wg_slice_of(prefixed, size + 17);
    expect_strings(&p, wanted, 5);
}

/* Goal: booleans bit-packed and run-length encoded, floats and BYTE_STREAM_SPLIT. */
static void test_other_encodings(void **state) {
    (void)state;
    wg_parquet_column c = column_of(WG_TYPE_BOOL, WGI_PARQUET_BOOLEAN, false);
    const uint8_t bits[] = {0x05, 0x02};
    const uint8_t runs[] = {4, 0, 0, 0, 0x05, 0x05, 0x02, 0xff};
    const uint8_t wanted[] = {1, 0, 1, 0, 0, 0, 0, 0, 0, 1};
    for (int i = 0; i < 2; i++) {
        page_spec p = {.values = 10, .no_levels = true, .encoding = i == 0 ? WGI_PARQUET_PLAIN : WGI_PARQUET_RLE};
        p.body = i == 0 ? wg_slice_of(bits, 2) : wg_slice_of(runs, 8);
        wg_buf bytes = {0};
        page_put(&bytes, &p);
        wg_column out;
        wg_column_init(&out, WG_TYPE_BOOL, NULL, NULL);
        assert_int_equal(read_all(&c, &bytes, (manner){WG_CODEC_UNCOMPRESSED, 10, 3}, &out, NULL), WG_OK);
        assert_memory_equal(out.data, wanted, 10);
        wg_column_deinit(&out);
        wg_buf_deinit(&bytes);
    }
    c = column_of(WG_TYPE_FLOAT, WGI_PARQUET_FLOAT, false);
    const float f[] = {1.5f, -2.25f};
    const double d[] = {1.5, -2.25};
    int64_t as_bits[2];
    memcpy(as_bits, d, sizeof d);
    page_spec p = {.values = 2, .no_levels = true, .body = wg_slice_of(f, sizeof f)};
    expect_ints(&c, &p, as_bits, 2);
    uint8_t split[16];
    for (size_t b = 0; b < 8; b++)
        for (size_t i = 0; i < 2; i++) split[b * 2 + i] = ((const uint8_t *)d)[i * 8 + b];
    c = column_of(WG_TYPE_FLOAT, WGI_PARQUET_DOUBLE, false);
    p.encoding = WGI_PARQUET_BYTE_STREAM_SPLIT;
    p.body = wg_slice_of(split, 16);
    expect_ints(&c, &p, as_bits, 2);
}

/* ---- nulls and borders */

typedef struct pattern {
    uint32_t page_rows;
    uint32_t pages;
    uint64_t seed;
    uint32_t null_parts; /* of 8 */
    bool dictionary;
    bool v2;
} pattern;

static bool pattern_null(const pattern *p, uint32_t row) {
    return wg_hash64_u64(row * UINT64_C(77) + p->seed) % 8 < p->null_parts;
}

static void pattern_make(const pattern *p, wg_buf *out) {
    const int64_t entries[] = {0, 1000, 2000, 3000, 4000};
    if (p->dictionary) {
        const page_spec d = {.type = WGI_PARQUET_PAGE_DICTIONARY,
                             .values = 5,
                             .body = wg_slice_of(entries, 40),
                             .codec = WG_CODEC_ZSTD};
        page_put(out, &d);
    }
    for (uint32_t page = 0; page < p->pages; page++) {
        uint32_t levels[5000];
        uint32_t codes[5000];
        size_t present = 0;
        wg_buf values = {0};
        wg_buf runs = {0};
        for (uint32_t i = 0; i < p->page_rows; i++) {
            const uint32_t row = page * p->page_rows + i;
            levels[i] = !pattern_null(p, row);
            if (levels[i] == 0) continue;
            codes[present++] = row % 5;
            if (!p->dictionary) assert_true(wg_buf_append_u64(&values, row));
        }
        if (p->dictionary) {
            assert_true(wg_buf_append_u8(&values, 3));
            assert_true(wgi_parquet_rle_encode(&values, codes, present, 3));
        }
        assert_true(wgi_parquet_rle_encode(&runs, levels, p->page_rows, 1));
        const page_spec spec = {.type = p->v2 ? WGI_PARQUET_PAGE_DATA_V2 : WGI_PARQUET_PAGE_DATA,
                                .values = (int32_t)p->page_rows,
                                .encoding = p->dictionary ? WGI_PARQUET_RLE_DICTIONARY : WGI_PARQUET_PLAIN,
                                .levels = wg_buf_slice(&runs),
                                .body = wg_buf_slice(&values),
                                .codec = WG_CODEC_ZSTD,
                                .crc = true};
        page_put(out, &spec);
        wg_buf_deinit(&values);
        wg_buf_deinit(&runs);
    }
}

static void pattern_check(const pattern *p, const wg_vector *v, uint32_t first, uint32_t rows) {
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t row = first + i;
        assert_int_equal(wg_vector_is_valid(v, i), !pattern_null(p, row));
        if (pattern_null(p, row)) continue;
        const int64_t value = ((const int64_t *)v->data)[wg_vector_cell(v, i)];
        assert_int_equal(value, p->dictionary ? 1000 * (row % 5) : row);
    }
}

/* Goal: with every share of nulls, page sizes around batch and byte borders, both page versions and both encodings, read
 * and skipped in random steps, each row comes out as what it was. */
static void test_nulls_at_every_border(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 7, 8, 9, 63, 64, 65, 1000, 2047, 2048, 2049, 5000};
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(11));
    const wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, true);
    for (uint32_t round = 0; round < 12 * 9 * 4; round++) {
        const pattern p = {.page_rows = sizes[round % 12],
                           .pages = 4,
                           .seed = round,
                           .null_parts = round / 12 % 9,
                           .dictionary = round / 108 % 2 == 1,
                           .v2 = round / 216 == 1};
        wg_buf bytes = {0};
        pattern_make(&p, &bytes);
        const uint32_t rows = p.page_rows * p.pages;
        const wg_parquet_chunk chunk = chunk_of(&bytes, WG_CODEC_ZSTD, rows);
        wg_parquet_reader *r = NULL;
        assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_buf_slice(&bytes), rows, NULL, &r, NULL), WG_OK);
        for (uint32_t at = 0; at < rows;) {
            uint32_t n = 1 + (uint32_t)wg_rng_below(&rng, wg_min_size(rows - at, WG_BATCH_ROWS_MAX));
            if (wg_rng_below(&rng, 3) == 0) {
                n = 1 + (uint32_t)wg_rng_below(&rng, rows - at);
                assert_int_equal(wg_parquet_reader_skip(r, n, NULL), WG_OK);
            } else {
                wg_vector v;
                assert_int_equal(wg_parquet_reader_next(r, n, &v, &n, NULL), WG_OK);
                assert_true(n > 0);
                pattern_check(&p, &v, at, n);
            }
            at += n;
        }
        wg_vector v;
        uint32_t n = 1;
        assert_int_equal(wg_parquet_reader_next(r, 1, &v, &n, NULL), WG_OK);
        assert_int_equal(n, 0);
        assert_int_equal(wg_parquet_reader_skip(r, 1, NULL), WG_E_MISUSE);
        wg_parquet_reader_destroy(r);
        wg_buf_deinit(&bytes);
    }
}

/* Goal: skipping whole pages decompresses nothing, and decoding allocates nothing after its first page. */
static void test_skip_decodes_nothing_and_pages_reuse_buffers(void **state) {
    (void)state;
    const pattern p = {.page_rows = 2000, .pages = 10, .null_parts = 3};
    wg_buf bytes = {0};
    pattern_make(&p, &bytes);
    const wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, true);
    const wg_parquet_chunk chunk = chunk_of(&bytes, WG_CODEC_ZSTD, 20000);
    wg_parquet_reader *r = NULL;
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_buf_slice(&bytes), 20000, NULL, &r, NULL), WG_OK);
    assert_int_equal(wg_parquet_reader_skip(r, 14000, NULL), WG_OK);
    assert_int_equal(wg_parquet_reader_decoded_bytes(r), 0);
    wg_vector v;
    uint32_t n = 0;
    assert_int_equal(wg_parquet_reader_next(r, 2048, &v, &n, NULL), WG_OK);
    assert_int_equal(n, 2000);
    pattern_check(&p, &v, 14000, n);
    assert_true(wg_parquet_reader_decoded_bytes(r) > 0);
    uint64_t grown = 0;
    for (uint32_t at = 16000; at < 20000; at += n) {
        const uint64_t calls = wg_memory_calls();
        assert_int_equal(wg_parquet_reader_next(r, 2048, &v, &n, NULL), WG_OK);
        grown += wg_memory_calls() - calls;
    }
    assert_true(grown <= 1); /* a page may be a little larger than the first */
    wg_parquet_reader_destroy(r);
    wg_buf_deinit(&bytes);
}

/* ---- hostile */

/* Goal: each lie of a page is refused with its code: counts, levels, codes, sizes, checksums, bombs. */
static void test_pages_that_lie(void **state) {
    (void)state;
    const int64_t values[] = {1, 2, 3};
    const wg_parquet_column req = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    const wg_parquet_column opt = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, true);
    const page_spec good = {.values = 3, .no_levels = true, .body = wg_slice_of(values, 24)};
    assert_int_equal(read_one(&req, &good, 3, NULL), WG_OK);
    page_spec p = good;
    p.values = 4; /* more than the row group */
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    assert_int_equal(read_one(&req, &p, 4, NULL), WG_E_CORRUPT);    /* more than its bytes */
    assert_int_equal(read_one(&req, &good, 4, NULL), WG_E_CORRUPT); /* the chunk ends early */
    p.values = -3;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p = good;
    p.bad_crc = true;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p = good;
    p.declare_compressed = 1000;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p.declare_compressed = -24;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p = good;
    p.declare_uncompressed = 23;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p.codec = WG_CODEC_SNAPPY;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    p.declare_uncompressed = 100 << 20; /* a bomb by its header */
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_LIMIT);
    p.declare_uncompressed = INT32_MAX;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_LIMIT);
    p = good;
    p.encoding = WGI_PARQUET_RLE;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_UNSUPPORTED);
    p.encoding = 77;
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_UNSUPPORTED);
    p.encoding = WGI_PARQUET_RLE_DICTIONARY; /* without a dictionary */
    assert_int_equal(read_one(&req, &p, 3, NULL), WG_E_CORRUPT);
    const uint8_t two[] = {0x04, 0x01}; /* two levels for three rows */
    p = good;
    p.no_levels = false;
    p.levels = wg_slice_of(two, 2);
    assert_int_equal(read_one(&opt, &p, 3, NULL), WG_E_CORRUPT);
    p.type = WGI_PARQUET_PAGE_DATA_V2;
    assert_int_equal(read_one(&opt, &p, 3, NULL), WG_E_CORRUPT);
    p.type = WGI_PARQUET_PAGE_DATA;
    p.no_levels = true; /* the levels' length is a value */
    const uint32_t long_levels[] = {UINT32_MAX, 0};
    p.body = wg_slice_of(long_levels, 8);
    assert_int_equal(read_one(&opt, &p, 3, NULL), WG_E_CORRUPT);
}

/* Goal: the bound on growth lies exactly at 1 MiB plus 1000 times the compressed bytes, and pages of zeros above 1 MiB that
 * stay under it are read. */
static void test_page_growth_is_bounded(void **state) {
    (void)state;
    const size_t rows = ((size_t)1 << 17) + 3;
    void *zeros = wg_alloc_zero(NULL, rows * 8);
    const wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    page_spec p = {
        .values = (int32_t)rows, .no_levels = true, .body = wg_slice_of(zeros, rows * 8), .codec = WG_CODEC_ZSTD};
    assert_int_equal(read_one(&c, &p, rows, NULL), WG_OK);
    const uint8_t byte = 0;
    p = (page_spec){.values = 1, .no_levels = true, .body = wg_slice_of(&byte, 1), .codec = WG_CODEC_UNCOMPRESSED};
    p.declare_uncompressed = (1 << 20) + 1000;
    assert_int_equal(read_one(&c, &p, 1, NULL), WG_E_CORRUPT); /* allowed by the bound, and a lie */
    p.declare_uncompressed++;
    assert_int_equal(read_one(&c, &p, 1, NULL), WG_E_LIMIT);
    wg_free(zeros);
}

/* Goal: codes past the dictionary, over-wide codes, a second dictionary, and a chunk's declared size that its pages pass. */
static void test_dictionaries_that_lie(void **state) {
    (void)state;
    const int64_t entries[] = {10, 20, 30};
    const wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    const page_spec dictionary = {.type = WGI_PARQUET_PAGE_DICTIONARY, .values = 3, .body = wg_slice_of(entries, 24)};
    page_spec data = {.values = 4, .no_levels = true, .encoding = WGI_PARQUET_RLE_DICTIONARY};
    static const struct {
        uint8_t bytes[4];
        wg_code code;
    } cases[] = {{{2, 0x08, 2}, WG_OK},
                 {{2, 0x08, 3}, WG_E_CORRUPT},
                 {{2, 0x03, 0xe4, 0x00}, WG_E_CORRUPT},
                 {{33, 0x08, 2}, WG_E_CORRUPT},
                 {{2, 0x06, 2}, WG_E_CORRUPT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_buf bytes = {0};
        page_put(&bytes, &dictionary);
        data.body = wg_slice_of(cases[i].bytes, i == 2 ? 4 : 3);
        page_put(&bytes, &data);
        assert_int_equal(read_all(&c, &bytes, (manner){WG_CODEC_UNCOMPRESSED, 4, 100}, NULL, NULL), cases[i].code);
        wg_buf_deinit(&bytes);
    }
    wg_buf bytes = {0};
    page_put(&bytes, &dictionary);
    page_put(&bytes, &dictionary);
    data.body = wg_slice_of(cases[0].bytes, 3);
    page_put(&bytes, &data);
    assert_int_equal(read_all(&c, &bytes, (manner){WG_CODEC_UNCOMPRESSED, 4, 100}, NULL, NULL), WG_E_CORRUPT);
    bytes.size = 0;
    page_spec short_dictionary = dictionary;
    short_dictionary.values = 4;
    page_put(&bytes, &short_dictionary);
    page_put(&bytes, &data);
    assert_int_equal(read_all(&c, &bytes, (manner){WG_CODEC_UNCOMPRESSED, 4, 100}, NULL, NULL), WG_E_CORRUPT);
    bytes.size = 0;
    page_put(&bytes, &dictionary);
    page_put(&bytes, &data);
    wg_parquet_chunk chunk = chunk_of(&bytes, WG_CODEC_UNCOMPRESSED, 4);
    chunk.uncompressed_bytes = 26;
    wg_parquet_reader *r = NULL;
    wg_vector v;
    uint32_t n = 0;
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_buf_slice(&bytes), 4, NULL, &r, NULL), WG_OK);
    assert_int_equal(wg_parquet_reader_next(r, 10, &v, &n, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_parquet_reader_next(r, 10, &v, &n, NULL), WG_E_CORRUPT); /* failed stays failed */
    wg_parquet_reader_destroy(r);
    wg_buf_deinit(&bytes);
}

/* Goal: strings that are no UTF-8 are refused in each place they can stand; BYTES columns take them. */
static void test_strings_must_be_utf8(void **state) {
    (void)state;
    const uint8_t plain[] = "\2\0\0\0ok\2\0\0\0\xc3(";
    const page_spec p = {.values = 2, .no_levels = true, .body = wg_slice_of(plain, sizeof plain - 1)};
    const wg_parquet_column text = column_of(WG_TYPE_STRING, WGI_PARQUET_BYTE_ARRAY, false);
    const wg_parquet_column bytes_column = column_of(WG_TYPE_BYTES, WGI_PARQUET_BYTE_ARRAY, false);
    wg_error err = {0};
    assert_int_equal(read_one(&text, &p, 2, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "row 1 "));
    assert_int_equal(read_one(&bytes_column, &p, 2, NULL), WG_OK);
    const uint8_t codes[] = {1, 0x04, 0};
    page_spec d = p;
    d.type = WGI_PARQUET_PAGE_DICTIONARY;
    const page_spec data = {
        .values = 2, .no_levels = true, .encoding = WGI_PARQUET_RLE_DICTIONARY, .body = wg_slice_of(codes, 3)};
    wg_buf bytes = {0};
    page_put(&bytes, &d);
    page_put(&bytes, &data);
    assert_int_equal(read_all(&text, &bytes, (manner){WG_CODEC_UNCOMPRESSED, 2, 10}, NULL, NULL), WG_E_CORRUPT);
    wg_buf_deinit(&bytes);
    const uint8_t over[] = "\3\0\0\0ab"; /* longer than its page */
    const page_spec o = {.values = 1, .no_levels = true, .body = wg_slice_of(over, sizeof over - 1)};
    assert_int_equal(read_one(&bytes_column, &o, 1, NULL), WG_E_CORRUPT);
}

/* Goal: create refuses what cannot be read, before any page is looked at. */
static void test_create_refuses(void **state) {
    (void)state;
    wg_parquet_column c = column_of(WG_TYPE_NULL, WGI_PARQUET_FIXED, false);
    c.why_not = "DECIMAL is not supported";
    wg_buf none = {0};
    wg_parquet_chunk chunk = chunk_of(&none, WG_CODEC_UNCOMPRESSED, 0);
    wg_parquet_reader *r = NULL;
    wg_error err = {0};
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_slice_of(NULL, 0), 0, NULL, &r, &err), WG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "DECIMAL"));
    c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, false);
    chunk.codec = WG_CODEC_LZO;
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_slice_of(NULL, 0), 0, NULL, &r, NULL), WG_E_UNSUPPORTED);
    chunk.codec = WG_CODEC_ZSTD;
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_slice_of(NULL, 0), 1, NULL, &r, NULL), WG_E_CORRUPT);
    chunk.compressed_bytes = 10;
    assert_int_equal(wg_parquet_reader_create(&c, &chunk, wg_slice_of(NULL, 0), 0, NULL, &r, NULL), WG_E_CORRUPT);
    assert_null(r);
}

/* Goal: whichever allocation fails, the reader answers WG_E_NOMEM and frees everything. */
static void test_reader_survives_every_failed_allocation(void **state) {
    (void)state;
    const pattern p = {.page_rows = 100, .pages = 2, .null_parts = 2, .dictionary = true};
    wg_buf bytes = {0};
    pattern_make(&p, &bytes);
    const wg_parquet_column c = column_of(WG_TYPE_INT, WGI_PARQUET_INT64, true);
    wg_code code = WG_E_NOMEM;
    uint64_t n = 0;
    while (code == WG_E_NOMEM) {
        wg_memory_fail_at(++n, false);
        code = read_all(&c, &bytes, (manner){WG_CODEC_ZSTD, 200, 64}, NULL, NULL);
        assert_true(n < 100);
    }
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_OK);
    assert_true(n > 4);
    wg_buf_deinit(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain_integers_widen),
                                       cmocka_unit_test(test_values_out_of_range_name_their_row),
                                       cmocka_unit_test(test_string_encodings),
                                       cmocka_unit_test(test_other_encodings),
                                       cmocka_unit_test(test_nulls_at_every_border),
                                       cmocka_unit_test(test_skip_decodes_nothing_and_pages_reuse_buffers),
                                       cmocka_unit_test(test_pages_that_lie),
                                       cmocka_unit_test(test_page_growth_is_bounded),
                                       cmocka_unit_test(test_dictionaries_that_lie),
                                       cmocka_unit_test(test_strings_must_be_utf8),
                                       cmocka_unit_test(test_create_refuses),
                                       cmocka_unit_test(test_reader_survives_every_failed_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
