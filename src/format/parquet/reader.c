/* One column chunk, decoded batch after batch.
 *
 *   chunk     [dictionary page] data page ...
 *   page      header (thrift) | body: v1: compressed(levels | values), v2: levels | compressed(values)
 *
 * A page is opened when its first row is wanted: checksum, decompression into one buffer that is kept from page to page,
 * then a level stream and a value stream over it. next() cuts at most WG_BATCH_ROWS_MAX rows: definition levels become the
 * validity bitmap run by run, values are decoded densely and then spread over the gaps from the back. Dictionary pages are
 * decoded once, at the first page that needs them. skip() passes whole pages by their headers.
 *
 * Fixed 8-byte values without nulls are handed out where they lie when the page is ours and aligned; all else is copied to
 * the reader's own cells.
 *
 * Failure modes: every inconsistency is WG_E_CORRUPT with the page's offset in the file; encodings without a decoder are
 * WG_E_UNSUPPORTED; values that the engine's type cannot hold are WG_E_VALUE with their row. A failed reader stays failed. */
#include "base/digest/digest.h"
#include "format/parquet/parquet_internal.h"

enum { SLACK_BYTES = 64 }; /* behind every buffer, so that vector loads stay inside */

struct wg_parquet_reader {
    wg_parquet_column column;
    wg_codec codec;
    wg_slice bytes;       /* of the chunk */
    uint64_t base_offset; /* of the chunk in the file */
    size_t pos;           /* of the next page header */
    uint64_t row_count;
    uint64_t rows_opened; /* rows of the pages before pos */
    uint64_t bytes_allowed;
    uint64_t bytes_decoded;
    wg_account *account;
    wg_codec_state codec_state;
    wg_code failed;

    bool has_header; /* of the data page at pos */
    wgi_parquet_page_header header;

    bool has_dictionary; /* the page was seen */
    bool dictionary_ready;
    wgi_parquet_page_header dictionary_header;
    wg_slice dictionary_body;
    uint64_t dictionary_offset;
    wgi_parquet_scratch dictionary_page;
    uint8_t *dictionary_cells;
    uint32_t dictionary_count;

    uint64_t page_offset; /* of the open page's header in the file */
    uint32_t page_rows;
    uint32_t page_next;
    wgi_parquet_scratch page;
    bool page_owned; /* the values lie in `page` */
    wgi_parquet_rle levels;
    wgi_parquet_values values;

    uint8_t *cells;
    uint32_t *codes;
    uint8_t *valid;
};

static size_t cell_bytes(wg_type type) {
    if (type == WG_TYPE_BOOL) return 1;
    return type == WG_TYPE_STRING || type == WG_TYPE_BYTES ? sizeof(wg_str) : 8;
}

static wg_code corrupt_at(wg_parquet_reader *r, uint64_t offset, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, offset, "parquet: column %.60s, page at byte %llu: %s", r->column.name,
                        (unsigned long long)offset, what);
}

static uint64_t offset_now(const wg_parquet_reader *r) { return r->base_offset + r->pos; }

static bool buffers_alloc(wg_parquet_reader *r) {
    r->cells = wg_alloc_zero(r->account, WG_BATCH_ROWS_MAX * cell_bytes(r->column.type) + SLACK_BYTES);
    r->codes = wg_alloc_zero(r->account, WG_BATCH_ROWS_MAX * sizeof(uint32_t) + SLACK_BYTES);
    r->valid = wg_alloc_zero(r->account, WG_BATCH_ROWS_MAX / 8 + SLACK_BYTES);
    return r->cells != NULL && r->codes != NULL && r->valid != NULL;
}

wg_code wg_parquet_reader_create(const wg_parquet_column *column, const wg_parquet_chunk *chunk, wg_slice chunk_bytes,
                                 uint64_t row_count, wg_account *account, wg_parquet_reader **out, wg_error *err) {
    if (column->type == WG_TYPE_NULL || column->max_rep != 0 || column->max_def > 1)
        return wg_error_set(err, WG_E_UNSUPPORTED, chunk->offset, "parquet: column %.80s, %s, cannot be read: %s",
                            column->name, column->physical_name,
                            column->why_not == NULL ? "it is nested" : column->why_not);
    if (!wg_codec_supported(chunk->codec))
        return wg_error_set(err, WG_E_UNSUPPORTED, chunk->offset,
                            "parquet: column %.80s uses codec %s (%d), which is not supported", column->name,
                            wg_codec_name(chunk->codec), (int)chunk->codec);
    if (chunk->value_count != row_count)
        return wg_error_set(err, WG_E_CORRUPT, chunk->offset, "parquet: column %.80s has %llu values for %llu rows",
                            column->name, (unsigned long long)chunk->value_count, (unsigned long long)row_count);
    if (chunk_bytes.size < chunk->compressed_bytes)
        return wg_error_set(err, WG_E_CORRUPT, chunk->offset, "parquet: column %.80s is cut short: %zu of %llu bytes",
                            column->name, chunk_bytes.size, (unsigned long long)chunk->compressed_bytes);
    wg_parquet_reader *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->column = *column;
    r->codec = chunk->codec;
    r->bytes = wg_slice_of(chunk_bytes.data, (size_t)chunk->compressed_bytes);
    r->base_offset = chunk->offset;
    r->row_count = row_count;
    r->bytes_allowed = chunk->uncompressed_bytes;
    r->account = account;
    r->page.account = account;
    r->dictionary_page.account = account;
    wgi_parquet_values_init(&r->values, &r->column, account);
    if (!buffers_alloc(r)) {
        wg_parquet_reader_destroy(r);
        return wg_error_nomem(err, WG_BATCH_ROWS_MAX * cell_bytes(column->type));
    }
    *out = r;
    return WG_OK;
}

void wg_parquet_reader_destroy(wg_parquet_reader *r) {
    if (r == NULL) return;
    wgi_parquet_values_deinit(&r->values);
    wg_codec_state_deinit(&r->codec_state);
    wg_free(r->page.data);
    wg_free(r->dictionary_page.data);
    wg_free(r->dictionary_cells);
    wg_free(r->cells);
    wg_free(r->codes);
    wg_free(r->valid);
    wg_free(r);
}

uint64_t wg_parquet_reader_decoded_bytes(const wg_parquet_reader *r) { return r->bytes_decoded; }

/* ---- pages */

static wg_slice body_at(const wg_parquet_reader *r, const wgi_parquet_page_header *h) {
    return wg_slice_of(r->bytes.data + r->pos + h->header_bytes, h->compressed_bytes);
}

static wg_code dictionary_note(wg_parquet_reader *r, const wgi_parquet_page_header *h, wg_error *err) {
    if (r->has_dictionary || r->rows_opened > 0)
        return corrupt_at(r, offset_now(r), "a dictionary page that is not the chunk's first page", err);
    r->has_dictionary = true;
    r->dictionary_header = *h;
    r->dictionary_body = body_at(r, h);
    r->dictionary_offset = offset_now(r);
    return WG_OK;
}

/* Brings r->header to the next data page with rows, which begins at r->pos. *out_found is false at the chunk's end. */
static wg_code header_find(wg_parquet_reader *r, bool *out_found, wg_error *err) {
    while (!r->has_header) {
        if (r->rows_opened == r->row_count) {
            *out_found = false;
            return WG_OK;
        }
        if (r->pos == r->bytes.size)
            return corrupt_at(r, offset_now(r), "the chunk's pages hold fewer rows than its row group", err);
        wgi_parquet_page_header h;
        const wg_slice rest = wg_slice_of(r->bytes.data + r->pos, r->bytes.size - r->pos);
        WG_TRY(wgi_parquet_page_header_read(rest, offset_now(r), &h, err));
        if (h.compressed_bytes > rest.size - h.header_bytes)
            return corrupt_at(r, offset_now(r), "the page is longer than the rest of its chunk", err);
        if (h.type == WGI_PARQUET_PAGE_DICTIONARY) WG_TRY(dictionary_note(r, &h, err));
        const bool data = h.type == WGI_PARQUET_PAGE_DATA || h.type == WGI_PARQUET_PAGE_DATA_V2;
        if (data && h.value_count > r->row_count - r->rows_opened)
            return corrupt_at(r, offset_now(r), "the chunk's pages hold more rows than its row group", err);
        if (data && h.value_count > 0) {
            r->header = h;
            r->has_header = true;
        } else {
            r->pos += (size_t)h.header_bytes + h.compressed_bytes;
        }
    }
    *out_found = true;
    return WG_OK;
}

static void header_pass(wg_parquet_reader *r) {
    WG_ASSERT(r->has_header);
    r->pos += (size_t)r->header.header_bytes + r->header.compressed_bytes;
    r->rows_opened += r->header.value_count;
    r->has_header = false;
}

static wg_code crc_check(wg_parquet_reader *r, const wgi_parquet_page_header *h, wg_slice body, uint64_t offset,
                         wg_error *err) {
    if (!h->has_crc || wg_crc32(0, body.data, body.size) == h->crc) return WG_OK;
    return corrupt_at(r, offset, "the checksum does not match: the file is damaged", err);
}

/* The bytes of `in`, decompressed to `size`; in place when the codec is none. */
static wg_code decompress(wg_parquet_reader *r, bool compressed, wg_slice in, size_t size,
                          wgi_parquet_scratch *scratch, wg_slice *out) {
    if (!compressed || r->codec == WG_CODEC_UNCOMPRESSED) {
        if (in.size != size) return WG_E_CORRUPT;
        *out = in;
        return WG_OK;
    }
    *out = wg_slice_of(NULL, 0);
    if (size == 0) return WG_OK; /* some writers store nothing, some an empty stream */
    if (!wgi_parquet_scratch_ensure(scratch, size + SLACK_BYTES)) return WG_E_NOMEM;
    WG_TRY(wg_codec_decompress_with(&r->codec_state, r->codec, in, scratch->data, size, NULL));
    *out = wg_slice_of(scratch->data, size);
    return WG_OK;
}

static wg_code body_open(wg_parquet_reader *r, const wgi_parquet_page_header *h, wg_slice in, uint32_t size,
                         wg_slice *out, wg_error *err) {
    const bool dictionary = h->type == WGI_PARQUET_PAGE_DICTIONARY;
    const uint64_t offset = dictionary ? r->dictionary_offset : r->page_offset;
    if (size > r->bytes_allowed - r->bytes_decoded)
        return corrupt_at(r, offset, "the pages decompress to more than the chunk declares", err);
    const wg_code code = decompress(r, h->is_compressed, in, size, dictionary ? &r->dictionary_page : &r->page, out);
    if (code == WG_E_NOMEM) return wg_error_nomem(err, size);
    if (code != WG_OK) return corrupt_at(r, offset, "the page does not decompress to its declared size", err);
    r->bytes_decoded += size;
    return WG_OK;
}

static wg_code problem_report(wg_parquet_reader *r, uint64_t offset, uint64_t row, wg_error *err) {
    const wgi_parquet_problem *p = &r->values.problem;
    if (row == UINT64_MAX)
        return wg_error_set(err, p->code, offset, "parquet: column %.60s, page at byte %llu: %s", r->column.name,
                            (unsigned long long)offset, p->what);
    return wg_error_set(err, p->code, offset, "parquet: column %.60s, row %llu of its row group: %s", r->column.name,
                        (unsigned long long)row, p->what);
}

static wg_code dictionary_load(wg_parquet_reader *r, wg_error *err) {
    const wgi_parquet_page_header *h = &r->dictionary_header;
    const uint64_t at = r->dictionary_offset;
    if (!r->has_dictionary) return corrupt_at(r, r->page_offset, "dictionary codes without a dictionary page", err);
    if (h->encoding != WGI_PARQUET_PLAIN && h->encoding != WGI_PARQUET_PLAIN_DICTIONARY)
        return corrupt_at(r, at, "the dictionary page is not plain", err);
    WG_TRY(crc_check(r, h, r->dictionary_body, at, err));
    wg_slice bytes;
    WG_TRY(body_open(r, h, r->dictionary_body, h->uncompressed_bytes, &bytes, err));
    if (h->value_count > bytes.size / 4) /* the least that a value takes */
        return corrupt_at(r, at, "the dictionary page holds fewer values than it declares", err);
    const size_t size = (size_t)h->value_count * cell_bytes(r->column.type) + SLACK_BYTES;
    uint8_t *cells = wg_alloc(r->account, size);
    if (cells == NULL) return wg_error_nomem(err, size);
    memset(cells + size - SLACK_BYTES, 0, SLACK_BYTES);
    if (!wgi_parquet_values_open(&r->values, WGI_PARQUET_PLAIN, bytes) ||
        !wgi_parquet_values_read(&r->values, cells, h->value_count)) {
        wg_free(cells);
        if (r->values.problem.code == WG_E_VALUE)
            return wg_error_set(err, WG_E_VALUE, at, "parquet: column %.60s, dictionary entry %zu: %s",
                                r->column.name, r->values.problem.index, r->values.problem.what);
        return problem_report(r, at, UINT64_MAX, err);
    }
    r->dictionary_cells = cells;
    r->dictionary_count = h->value_count;
    r->dictionary_ready = true;
    return WG_OK;
}

/* Cuts the definition levels off a v1 body. */
static wg_code levels_cut(wg_parquet_reader *r, wg_slice *bytes, wg_slice *out, wg_error *err) {
    if (r->column.max_def == 0) return WG_OK;
    if (r->header.level_encoding != WGI_PARQUET_RLE)
        return wg_error_set(err, WG_E_UNSUPPORTED, r->page_offset,
                            "parquet: column %.60s has definition levels encoded as %s, which is not supported",
                            r->column.name, wgi_parquet_encoding_name(r->header.level_encoding));
    wg_slice size;
    if (!wg_slice_take(bytes, 4, &size) || !wg_slice_take(bytes, wg_load_u32le(size.data), out))
        return corrupt_at(r, r->page_offset, "the definition levels are longer than the page", err);
    return WG_OK;
}

/* Opens the page of r->header. */
static wg_code page_open(wg_parquet_reader *r, wg_error *err) {
    const wgi_parquet_page_header *h = &r->header;
    wg_slice body = body_at(r, h);
    wg_slice levels = {0};
    wg_slice values = {0};
    r->page_offset = offset_now(r);
    WG_TRY(crc_check(r, h, body, r->page_offset, err));
    if (h->type == WGI_PARQUET_PAGE_DATA) {
        WG_TRY(body_open(r, h, body, h->uncompressed_bytes, &values, err));
        WG_TRY(levels_cut(r, &values, &levels, err));
    } else {
        /* Some writers store repetition levels of flat columns too: zeros, which say nothing. */
        const uint64_t level_bytes = (uint64_t)h->rep_bytes + h->def_bytes;
        wg_slice zeros;
        if (level_bytes > h->uncompressed_bytes || !wg_slice_take(&body, h->rep_bytes, &zeros) ||
            !wg_slice_take(&body, h->def_bytes, &levels))
            return corrupt_at(r, r->page_offset, "the levels are longer than the page", err);
        const uint32_t size = h->uncompressed_bytes - (uint32_t)level_bytes;
        WG_TRY(body_open(r, h, body, size, &values, err));
    }
    const bool codes = h->encoding == WGI_PARQUET_PLAIN_DICTIONARY || h->encoding == WGI_PARQUET_RLE_DICTIONARY;
    if (codes && !r->dictionary_ready) WG_TRY(dictionary_load(r, err));
    if (!wgi_parquet_values_open(&r->values, h->encoding, values)) {
        if (r->values.problem.code != WG_E_UNSUPPORTED) return problem_report(r, r->page_offset, UINT64_MAX, err);
        return wg_error_set(err, WG_E_UNSUPPORTED, r->page_offset,
                            "parquet: column %.60s, %s, is encoded as %s (%d), which is not supported for it",
                            r->column.name, r->column.physical_name, wgi_parquet_encoding_name(h->encoding),
                            h->encoding);
    }
    wgi_parquet_rle_init(&r->levels, levels, 1);
    r->page_owned =
        r->page.data != NULL && values.data >= r->page.data && values.data < r->page.data + r->page.capacity;
    r->page_rows = h->value_count;
    r->page_next = 0;
    header_pass(r);
    return WG_OK;
}

/* ---- batches */

/* Moves `dense` front cells to the places of the one bits, from the back; gaps become zero. */
static void spread_u64(uint64_t *cells, const uint8_t *valid, size_t rows, size_t dense) {
    for (size_t i = rows; i-- > 0;) {
        const uint64_t v = wg_bit_get(valid, i);
        dense -= v;
        cells[i] = cells[dense] & (0 - v);
    }
}

static void spread_u32(uint32_t *cells, const uint8_t *valid, size_t rows, size_t dense) {
    for (size_t i = rows; i-- > 0;) {
        const uint32_t v = wg_bit_get(valid, i);
        dense -= v;
        cells[i] = cells[dense] & (0 - v);
    }
}

static void spread_u8(uint8_t *cells, const uint8_t *valid, size_t rows, size_t dense) {
    for (size_t i = rows; i-- > 0;) {
        const uint8_t v = wg_bit_get(valid, i);
        dense -= v;
        cells[i] = v ? cells[dense] : 0;
    }
}

static void spread_str(wg_str *cells, const uint8_t *valid, size_t rows, size_t dense) {
    for (size_t i = rows; i-- > 0;) {
        const bool v = wg_bit_get(valid, i);
        dense -= v;
        cells[i] = v ? cells[dense] : (wg_str){NULL, 0};
    }
}

static void spread(wg_parquet_reader *r, size_t rows, size_t dense) {
    if (dense == rows) return;
    const size_t bytes = cell_bytes(r->column.type);
    if (dense == 0) memset(r->cells, 0, rows * bytes);
    else if (bytes == 8) spread_u64((uint64_t *)(void *)r->cells, r->valid, rows, dense);
    else if (bytes == 1) spread_u8(r->cells, r->valid, rows, dense);
    else spread_str((wg_str *)(void *)r->cells, r->valid, rows, dense);
}

/* Row (of the row group) of the value with this index in the batch that begins at page_next. */
static uint64_t row_of_value(const wg_parquet_reader *r, size_t rows, size_t index, bool nulls) {
    if (index == SIZE_MAX) return UINT64_MAX;
    const uint64_t first = r->rows_opened - r->page_rows + r->page_next;
    if (!nulls) return first + index;
    size_t seen = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!wg_bit_get(r->valid, i)) continue;
        if (seen++ == index) return first + i;
    }
    return UINT64_MAX;
}

static bool batch_codes(wg_parquet_reader *r, size_t rows, size_t dense, wg_vector *v) {
    if (!wgi_parquet_values_codes(&r->values, r->codes, dense, r->dictionary_count)) return false;
    if (dense == 0) memset(r->codes, 0, rows * sizeof *r->codes);
    else if (dense != rows) spread_u32(r->codes, r->valid, rows, dense);
    v->kind = WG_VECTOR_DICT;
    v->data = r->dictionary_cells;
    v->codes = r->codes;
    v->dict_size = r->dictionary_count;
    return true;
}

static bool batch_cells(wg_parquet_reader *r, size_t rows, size_t dense, wg_vector *v) {
    const wgi_parquet_values *values = &r->values;
    const size_t bytes = dense * 8;
    if (dense == rows && r->page_owned && wgi_parquet_values_in_place(values) && values->bytes.size >= bytes &&
        (uintptr_t)values->bytes.data % 64 == 0) {
        v->data = values->bytes.data;
        return wgi_parquet_values_skip(&r->values, dense, r->cells);
    }
    if (!wgi_parquet_values_read(&r->values, r->cells, dense)) return false;
    spread(r, rows, dense);
    v->data = r->cells;
    return true;
}

static wg_code levels_read(wg_parquet_reader *r, size_t rows, size_t *out_present, wg_error *err) {
    *out_present = rows;
    if (r->column.max_def == 0) return WG_OK;
    if (!wgi_parquet_rle_read_bits(&r->levels, r->valid, rows, out_present))
        return corrupt_at(r, r->page_offset, "the definition levels end before the page's rows", err);
    return WG_OK;
}

static wg_code reader_next(wg_parquet_reader *r, uint32_t rows_max, wg_vector *out, uint32_t *out_rows,
                           wg_error *err) {
    if (r->page_next == r->page_rows) {
        bool found = false;
        WG_TRY(header_find(r, &found, err));
        if (!found) {
            *out = (wg_vector){.type = r->column.type, .data = r->cells};
            *out_rows = 0;
            return WG_OK;
        }
        WG_TRY(page_open(r, err));
    }
    const uint32_t rows = (uint32_t)wg_min_size(rows_max, r->page_rows - r->page_next);
    size_t present = 0;
    WG_TRY(levels_read(r, rows, &present, err));
    wg_vector v = {.type = r->column.type, .kind = WG_VECTOR_FLAT};
    const bool codes = r->values.source == WGI_PARQUET_SOURCE_CODES;
    if (!(codes ? batch_codes(r, rows, present, &v) : batch_cells(r, rows, present, &v)))
        return problem_report(r, r->page_offset, row_of_value(r, rows, r->values.problem.index, present != rows),
                              err);
    if (present != rows) v.valid = r->valid;
    r->page_next += rows;
    *out = v;
    *out_rows = rows;
    return WG_OK;
}

static wg_code fail_sticky(wg_parquet_reader *r, wg_error *err) {
    return wg_error_set(err, r->failed, offset_now(r), "parquet: column %.60s failed before", r->column.name);
}

wg_code wg_parquet_reader_next(wg_parquet_reader *r, uint32_t rows_max, wg_vector *out, uint32_t *out_rows,
                               wg_error *err) {
    WG_ASSERT(rows_max > 0);
    WG_ASSERT(rows_max <= WG_BATCH_ROWS_MAX);
    if (r->failed != WG_OK) return fail_sticky(r, err);
    r->failed = reader_next(r, rows_max, out, out_rows, err);
    return r->failed;
}

/* Skips rows of the open page. */
static wg_code page_skip(wg_parquet_reader *r, uint32_t rows, wg_error *err) {
    while (rows > 0) {
        const uint32_t n = (uint32_t)wg_min_size(rows, WG_BATCH_ROWS_MAX);
        size_t present = 0;
        WG_TRY(levels_read(r, n, &present, err));
        if (!wgi_parquet_values_skip(&r->values, present, r->cells))
            return problem_report(r, r->page_offset, UINT64_MAX, err);
        r->page_next += n;
        rows -= n;
    }
    return WG_OK;
}

static wg_code reader_skip(wg_parquet_reader *r, uint64_t rows, wg_error *err) {
    while (rows > 0) {
        const uint32_t left = r->page_rows - r->page_next;
        if (left > 0 && rows >= left) {
            r->page_next = r->page_rows; /* what is left of a page needs no decoding at all */
            rows -= left;
            continue;
        }
        if (left > 0) return page_skip(r, (uint32_t)rows, err);
        bool found = false;
        WG_TRY(header_find(r, &found, err));
        if (!found)
            return wg_error_set(err, WG_E_MISUSE, offset_now(r), "parquet: skipped past the chunk's last row");
        if (rows >= r->header.value_count) {
            rows -= r->header.value_count;
            header_pass(r);
        } else {
            WG_TRY(page_open(r, err));
        }
    }
    return WG_OK;
}

wg_code wg_parquet_reader_skip(wg_parquet_reader *r, uint64_t rows, wg_error *err) {
    if (r->failed != WG_OK) return fail_sticky(r, err);
    r->failed = reader_skip(r, rows, err);
    return r->failed;
}
