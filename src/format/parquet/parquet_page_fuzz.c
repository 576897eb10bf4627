/* One page of hostile bytes behind a sound header: the input's first six bytes choose type, encoding, levels, page version,
 * codec, value count and the split between dictionary and data; the rest is the body. Every cell that comes out is read, so
 * that a view outside the page is seen by the sanitizer. The same bytes are read at once, in small steps, and through a window with only
 * some rows picked: none may leave the bytes. */
#include "format/parquet/parquet_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const wg_parquet_column columns[] = {
    {.type = WG_TYPE_BOOL, .physical = WGI_PARQUET_BOOLEAN},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_INT32, .int_bits = 32},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_INT32, .int_bits = 8, .int_unsigned = true},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_INT64, .int_bits = 64},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_INT64, .int_bits = 64, .int_unsigned = true},
    {.type = WG_TYPE_DATE, .physical = WGI_PARQUET_INT32, .int_bits = 32},
    {.type = WG_TYPE_LOCAL_DATETIME, .physical = WGI_PARQUET_INT64, .int_bits = 64, .time_unit = 3},
    {.type = WG_TYPE_LOCAL_DATETIME, .physical = WGI_PARQUET_INT64, .int_bits = 64, .time_unit = 9},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_FLOAT},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_DOUBLE},
    {.type = WG_TYPE_STRING, .physical = WGI_PARQUET_BYTE_ARRAY},
    {.type = WG_TYPE_BYTES, .physical = WGI_PARQUET_BYTE_ARRAY},
    {.type = WG_TYPE_LOCAL_DATETIME, .physical = WGI_PARQUET_INT96, .time_unit = 9},
    {.type = WG_TYPE_LOCAL_TIME, .physical = WGI_PARQUET_INT32, .int_bits = 32, .time_unit = 3},
    {.type = WG_TYPE_LOCAL_TIME, .physical = WGI_PARQUET_INT64, .int_bits = 64, .time_unit = 6},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_FIXED, .type_length = 2},
    {.type = WG_TYPE_BYTES, .physical = WGI_PARQUET_FIXED, .type_length = 5},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_INT32, .int_bits = 32, .is_decimal = true, .scale = 2},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_INT64, .int_bits = 64, .is_decimal = true, .scale = 18},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_FIXED, .type_length = 9, .is_decimal = true, .scale = 3},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_FIXED, .type_length = 3, .is_decimal = true},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_BYTE_ARRAY, .is_decimal = true, .scale = 400},
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_BYTE_ARRAY, .is_decimal = true},
    {.type = WG_TYPE_DURATION, .physical = WGI_PARQUET_FIXED, .type_length = 12}};

/* Of lists in lists of lists. */
static const uint16_t entry_defs[] = {1, 2, 4};

typedef struct plan {
    wg_parquet_column column;
    int32_t encoding;
    bool v2;
    wg_codec codec;
    uint32_t values;
    uint32_t rows; /* fewer than values of a list */
    size_t dictionary_bytes;
    int32_t level_encoding;
} plan;

static void page_put(wg_buf *out, const plan *p, wgi_parquet_page_type type, wg_slice body) {
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, out);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_i32(&w, 1, (int32_t)type);
    wg_thrift_write_i32(&w, 2, p->codec == WG_CODEC_UNCOMPRESSED ? (int32_t)body.size : 4096);
    wg_thrift_write_i32(&w, 3, (int32_t)body.size);
    wg_thrift_write_struct_field(&w, type == WGI_PARQUET_PAGE_DATA ? 5 : type == WGI_PARQUET_PAGE_DICTIONARY ? 7 : 8);
    wg_thrift_write_i32(&w, 1, type == WGI_PARQUET_PAGE_DICTIONARY ? (int32_t)(body.size / 5) : (int32_t)p->values);
    if (type == WGI_PARQUET_PAGE_DICTIONARY) {
        wg_thrift_write_i32(&w, 2, WGI_PARQUET_PLAIN);
    } else if (type == WGI_PARQUET_PAGE_DATA) {
        wg_thrift_write_i32(&w, 2, p->encoding);
        wg_thrift_write_i32(&w, 3, p->level_encoding);
        wg_thrift_write_i32(&w, 4, p->level_encoding);
    } else {
        wg_thrift_write_i32(&w, 4, p->encoding);
        wg_thrift_write_i32(&w, 5,
                            p->column.max_def == 0 || body.size == 0 ? 0 : (int32_t)(body.data[0] % body.size / 2));
        wg_thrift_write_i32(&w, 6,
                            p->column.max_rep == 0 || body.size < 2 ? 0 : (int32_t)(body.data[1] % body.size / 2));
    }
    wg_thrift_write_struct_end(&w);
    wg_thrift_write_struct_end(&w);
    (void)wg_buf_append(out, body.data, body.size);
}

static uint64_t touch_value(const wg_value *v) {
    uint64_t sum = 0;
    const bool text = v->type == WG_TYPE_STRING || v->type == WG_TYPE_BYTES;
    if (v->type == WG_TYPE_DURATION) return (uint64_t)v->as.list[0].as.i + (uint64_t)v->as.list[3].as.i;
    if (v->type != WG_TYPE_LIST) return text && v->size > 0 ? (uint8_t)v->as.s[v->size - 1] : v->size;
    for (uint32_t i = 0; i < v->size; i++) sum += touch_value(&v->as.list[i]);
    return sum;
}

static uint64_t touch(const wg_vector *v, uint32_t rows) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_vector_is_valid(v, i)) continue;
        const uint32_t at = wg_vector_cell(v, i);
        if (v->type == WG_TYPE_LIST || v->type == WG_TYPE_DURATION) {
            WG_ASSERT(((const wg_value *)v->data)[at].type == v->type);
            sum += touch_value(&((const wg_value *)v->data)[at]);
        } else if (v->type == WG_TYPE_ANY) {
            const wg_value *moment = &((const wg_value *)v->data)[at];
            WG_ASSERT(moment->type == WG_TYPE_LOCAL_DATETIME && moment->size < 1000000000);
            sum += touch_value(moment);
        } else if (v->type == WG_TYPE_BOOL) {
            sum += ((const uint8_t *)v->data)[at];
            WG_ASSERT(((const uint8_t *)v->data)[at] <= 1);
        } else if (v->type == WG_TYPE_STRING || v->type == WG_TYPE_BYTES) {
            const wg_str s = ((const wg_str *)v->data)[at];
            if (s.size != 0) sum += (uint8_t)s.data[0] + (uint64_t)(uint8_t)s.data[s.size - 1];
        } else {
            sum += wg_load_u64le((const uint8_t *)v->data + 8 * (size_t)at);
        }
    }
    return sum;
}

static void chunk_read(const plan *p, wg_slice bytes, uint32_t step) {
    wg_account account;
    wg_account_init(&account, NULL, 128 << 20);
    const wg_parquet_chunk chunk = {
        .compressed_bytes = bytes.size, .uncompressed_bytes = 1 << 20, .value_count = p->values, .codec = p->codec};
    wg_parquet_reader *reader = NULL;
    wg_error err = {0};
    wg_code code = wg_parquet_reader_create(&p->column, &chunk, bytes, p->rows, &account, &reader, &err);
    WG_ASSERT(code == WG_OK);
    uint64_t rows = 0;
    uint32_t n = 1;
    volatile uint64_t sum = 0;
    while (code == WG_OK && n != 0) {
        wg_vector v;
        code = wg_parquet_reader_next(reader, step, &v, &n, &err);
        if (code == WG_OK) sum = sum + touch(&v, n);
        if (code == WG_OK) rows += n;
        if (code == WG_OK && n != 0 && rows < p->rows && rows % 3 == 0) {
            code = wg_parquet_reader_skip(reader, 1, &err);
            rows++;
        }
    }
    WG_ASSERT(WG_IMPLIES(code == WG_OK && p->rows > 0, rows == p->rows));
    WG_ASSERT(code == err.code);
    wg_parquet_reader_destroy(reader);
    WG_ASSERT(wg_account_bytes(&account) == 0);
}

typedef struct file_bytes {
    wg_slice bytes;
} file_bytes;

static wg_code read_bytes(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    const file_bytes *file = ctx;
    (void)err;
    WG_ASSERT(offset <= file->bytes.size && size <= file->bytes.size - offset); /* a chunk is never left */
    if (size != 0) memcpy(data, file->bytes.data + offset, size);
    return WG_OK;
}

/* Every third row through a window, moments as values, the dictionary looked at before each page. */
static void picked_read(const plan *p, wg_slice bytes) {
    wg_account account;
    wg_account_init(&account, NULL, 128 << 20);
    const wg_parquet_chunk chunk = {
        .compressed_bytes = bytes.size, .uncompressed_bytes = 1 << 20, .value_count = p->values, .codec = p->codec};
    file_bytes file = {bytes};
    const wg_parquet_source source = {.column = &p->column,
                                      .chunk = &chunk,
                                      .row_count = p->rows,
                                      .read = read_bytes,
                                      .ctx = &file,
                                      .exact_times = true};
    wg_parquet_reader *reader = NULL;
    wg_error err = {0};
    wg_code code = wg_parquet_reader_alloc(&account, &reader, &err);
    WG_ASSERT(code == WG_OK);
    for (int again = 0; again < 2; again++) { /* a reader may be opened anew, whatever happened to it */
        code = wg_parquet_reader_open(reader, &source, &err);
        uint32_t ready = 1;
        volatile uint64_t sum = 0;
        while (code == WG_OK && ready != 0) {
            uint16_t rows[WG_BATCH_ROWS_MAX];
            wg_vector v;
            uint32_t size = 0;
            code = wg_parquet_reader_dictionary(reader, &v, &size, &err);
            if (code == WG_OK) sum = sum + touch(&v, size);
            if (code == WG_OK) code = wg_parquet_reader_ready(reader, &ready, &err);
            if (code != WG_OK || ready == 0) break;
            wg_parquet_pick pick = {rows, 0};
            ready = ready < 1000 ? ready : 1000;
            for (uint32_t i = again == 0 ? 0 : 2; i < ready; i += 3) rows[pick.count++] = (uint16_t)i;
            uint32_t got = 0;
            code = wg_parquet_reader_next_of(reader, ready, &pick, &v, &got, &err);
            if (code == WG_OK) sum = sum + touch(&v, pick.count);
            WG_ASSERT(WG_IMPLIES(code == WG_OK, got == ready));
        }
        wg_error_clear(&err);
    }
    wg_parquet_reader_destroy(reader);
    WG_ASSERT(wg_account_bytes(&account) == 0);
}

static const wg_codec codecs[] = {WG_CODEC_UNCOMPRESSED, WG_CODEC_SNAPPY, WG_CODEC_ZSTD,   WG_CODEC_GZIP,
                                  WG_CODEC_LZ4_RAW,      WG_CODEC_LZ4,    WG_CODEC_BROTLI, WG_CODEC_SNAPPY};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 6) return 0;
    plan p = {.column = columns[data[0] % (sizeof columns / sizeof columns[0])]};
    p.column.name = "c";
    p.column.physical_name = "fuzzed";
    p.column.optional = data[2] & 1;
    p.column.max_def = (data[2] & 1) == 0 ? 0 : 1 + (data[2] >> 5);
    p.encoding = (data[1] & 127) % 10;
    p.v2 = (data[2] & 2) != 0;
    p.codec = codecs[data[2] >> 2 & 7];
    p.values = wg_load_u16le(data + 3);
    p.rows = p.values;
    if ((data[1] & 128) != 0 && p.column.max_def > 0) {
        p.column.item_type = p.column.type;
        p.column.type = WG_TYPE_LIST;
        p.column.max_rep = 1;
        p.column.list_def = p.column.max_def > 1 ? p.column.max_def - 1 : 1;
        p.rows = p.values / (1 + data[5] % 5);
    }
    if (p.column.max_rep > 0 && p.column.max_def >= 4 && (data[5] & 64) != 0) {
        p.column.max_rep = 2 + (data[5] & 1);
        p.column.entry_defs = entry_defs;
    }
    p.level_encoding = (data[5] & 32) != 0 ? WGI_PARQUET_BIT_PACKED : WGI_PARQUET_RLE;
    const wg_slice rest = wg_slice_of(data + 6, size - 6);
    const bool codes = p.encoding == WGI_PARQUET_PLAIN_DICTIONARY || p.encoding == WGI_PARQUET_RLE_DICTIONARY;
    p.dictionary_bytes = codes ? rest.size * data[5] / 256 : 0;
    wg_buf bytes = {0};
    if (codes) page_put(&bytes, &p, WGI_PARQUET_PAGE_DICTIONARY, wg_slice_of(rest.data, p.dictionary_bytes));
    page_put(&bytes, &p, p.v2 ? WGI_PARQUET_PAGE_DATA_V2 : WGI_PARQUET_PAGE_DATA,
             wg_slice_of(rest.data + p.dictionary_bytes, rest.size - p.dictionary_bytes));
    chunk_read(&p, wg_buf_slice(&bytes), WG_BATCH_ROWS_MAX);
    chunk_read(&p, wg_buf_slice(&bytes), 7);
    picked_read(&p, wg_buf_slice(&bytes));
    wg_buf_deinit(&bytes);
    return 0;
}
