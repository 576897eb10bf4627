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
 * the reader's own cells. Rows of a dictionary page that lie in one repeated run are one constant.
 *
 * The bytes of a chunk come through a window (window.c): all of them at hand, or a few pages at a time. A reader is opened for chunk after
 * chunk and keeps its buffers, so that a scan faults its memory in once.
 *
 * Failure modes: every inconsistency is WG_E_CORRUPT with the page's offset in the file; encodings without a decoder are
 * WG_E_UNSUPPORTED; values that the engine's type cannot hold are WG_E_VALUE with their row. A failed reader stays failed. */
#include "base/digest/digest.h"
#include "format/parquet/nested_internal.h"

enum {
    SLACK_BYTES = 64, /* behind every buffer, so that vector loads stay inside */
    HEADER_BYTES_USUAL = 512
};

struct wg_parquet_reader {
    wg_parquet_column column;
    wg_codec codec;
    wgi_parquet_window window; /* the bytes of the chunk */
    size_t pos;                /* of the next page header */
    uint64_t row_count;
    uint64_t rows_opened; /* rows of the pages before pos */
    uint64_t bytes_allowed;
    uint64_t bytes_decoded; /* of this chunk */
    uint64_t bytes_decoded_before;
    wg_account *account;
    wg_codec_state codec_state;
    wg_code failed;

    const wg_parquet_page_place *places; /* of an offset index; NULL: none */
    uint32_t place_count;
    uint32_t rows_expected; /* of the page that was jumped to; 0: none was */

    bool has_header; /* of the data page at pos */
    wgi_parquet_page_header header;

    bool has_dictionary; /* the page was seen */
    bool dictionary_ready;
    wgi_parquet_page_header dictionary_header;
    size_t dictionary_pos; /* of its body in the chunk */
    wgi_parquet_scratch dictionary_page;
    wgi_parquet_scratch dictionary_cells;
    uint32_t dictionary_count;

    uint64_t page_offset; /* of the open page's header in the file */
    uint32_t page_rows;
    uint32_t page_next;
    wgi_parquet_scratch page;
    bool page_owned; /* the values lie in `page` */
    uint32_t
        page_shift; /* bytes left free before a page, so that the values behind levels of the usual size are aligned */
    wgi_parquet_rle levels;
    wgi_parquet_values values;

    wgi_parquet_scratch cells;
    wgi_parquet_scratch codes;
    wgi_parquet_scratch valid;
    bool is_list; /* row_count and the like count entries */
    wgi_parquet_rle rep_levels;
    wgi_parquet_scratch def_cells; /* levels of the entries at hand */
    wgi_parquet_scratch rep_cells;
    wgi_parquet_scratch repacked[2]; /* levels of the deprecated encoding in the newer one */
    wgi_parquet_lists lists;
    wgi_parquet_nested *nested; /* made when a nested column is first opened */
    bool is_nested;             /* it is what is open */
};

static size_t cell_bytes(wg_type type) {
    if (type == WG_TYPE_BOOL) return 1;
    _Static_assert(sizeof(wg_str) == sizeof(wg_value), "cells of 16 bytes are moved alike");
    const bool wide =
        type == WG_TYPE_STRING || type == WG_TYPE_BYTES || type == WG_TYPE_DURATION || type == WG_TYPE_ANY;
    return wide ? sizeof(wg_str) : 8;
}

static wg_code corrupt_at(wg_parquet_reader *r, uint64_t offset, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, offset, "parquet: column %.60s, page at byte %llu: %s", r->column.name,
                        (unsigned long long)offset, what);
}

static uint64_t offset_now(const wg_parquet_reader *r) { return r->window.base_offset + r->pos; }

/* Buffers grow and stay; what they hold at first is nobody's business but that of memory checkers. */
static bool buffer_ensure(wgi_parquet_scratch *scratch, size_t bytes) {
    if (scratch->capacity >= bytes) return true;
    if (!wgi_parquet_scratch_ensure(scratch, bytes)) return false;
    memset(scratch->data, 0, bytes);
    return true;
}

static bool buffers_alloc(wg_parquet_reader *r) {
    return buffer_ensure(&r->cells, WG_BATCH_ROWS_MAX * cell_bytes(r->column.type) + SLACK_BYTES) &&
           buffer_ensure(&r->codes, WG_BATCH_ROWS_MAX * sizeof(uint32_t) + SLACK_BYTES) &&
           buffer_ensure(&r->valid, WG_BATCH_ROWS_MAX / 8 + SLACK_BYTES) &&
           (!r->is_list || (buffer_ensure(&r->def_cells, WG_BATCH_ROWS_MAX * sizeof(uint32_t)) &&
                            buffer_ensure(&r->rep_cells, WG_BATCH_ROWS_MAX * sizeof(uint32_t))));
}

static uint32_t *codes_of(wg_parquet_reader *r) { return (uint32_t *)(void *)r->codes.data; }

static wg_code open_check(const wg_parquet_column *column, const wg_parquet_chunk *chunk, uint64_t row_count,
                          wg_error *err) {
    if (column->type == WG_TYPE_NULL)
        return wg_error_set(err, WG_E_UNSUPPORTED, chunk->offset, "parquet: column %.80s, %s, cannot be read: %s",
                            column->name, column->physical_name,
                            column->why_not == NULL ? "it has no type" : column->why_not);
    if (!wg_codec_supported(chunk->codec))
        return wg_error_set(err, WG_E_UNSUPPORTED, chunk->offset,
                            "parquet: column %.80s uses codec %s (%d), which is not supported", column->name,
                            wg_codec_name(chunk->codec), (int)chunk->codec);
    const bool is_list = column->max_rep > 0; /* a row has at least one entry, and may have many */
    if (is_list ? chunk->value_count < row_count : chunk->value_count != row_count)
        return wg_error_set(err, WG_E_CORRUPT, chunk->offset, "parquet: column %.80s has %llu values for %llu rows",
                            column->name, (unsigned long long)chunk->value_count, (unsigned long long)row_count);
    return WG_OK;
}

wg_code wg_parquet_reader_alloc(wg_account *account, wg_parquet_reader **out, wg_error *err) {
    wg_parquet_reader *r = wg_alloc_zero(account, sizeof *r);
    if (r == NULL) return wg_error_nomem(err, sizeof *r);
    r->account = account;
    r->window.buffer.account = account;
    r->page.account = account;
    r->dictionary_page.account = account;
    r->dictionary_cells.account = account;
    r->cells.account = account;
    r->codes.account = account;
    r->valid.account = account;
    r->def_cells.account = account;
    r->rep_cells.account = account;
    r->repacked[0].account = account;
    r->repacked[1].account = account;
    wgi_parquet_lists_init(&r->lists, account);
    wgi_parquet_values_init(&r->values, &r->column, account);
    r->failed = WG_E_MISUSE; /* until a chunk is opened */
    *out = r;
    return WG_OK;
}

static wg_code nested_open(wg_parquet_reader *r, const wg_parquet_source *source, wg_error *err) {
    const wg_parquet_column *c = source->column;
    if (c->type == WG_TYPE_NULL)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "parquet: column %.80s, %s, cannot be read: %s",
                            c->name, c->physical_name, c->why_not);
    if (c->node != NULL && (source->read == NULL || source->columns == NULL || source->chunks == NULL))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "parquet: a group is read by its leaves");
    if (r->nested == NULL) WG_TRY(wgi_parquet_nested_create(r->account, &r->nested, err));
    r->column = *c;
    r->failed = wgi_parquet_nested_open(r->nested, source, err);
    return r->failed;
}

wg_code wg_parquet_reader_open(wg_parquet_reader *r, const wg_parquet_source *source, wg_error *err) {
    const wg_parquet_chunk *chunk = source->chunk;
    r->failed = WG_E_MISUSE;
    r->is_nested = wgi_parquet_is_nested(source->column) && !source->entries;
    if (r->is_nested) return nested_open(r, source, err);
    WG_TRY(open_check(source->column, chunk, source->row_count, err));
    if (source->read == NULL && source->bytes.size < chunk->compressed_bytes)
        return wg_error_set(err, WG_E_CORRUPT, chunk->offset, "parquet: column %.80s is cut short: %zu of %llu bytes",
                            source->column->name, source->bytes.size, (unsigned long long)chunk->compressed_bytes);
    r->column = *source->column;
    r->is_list = r->column.max_rep > 0 || source->entries;
    if (r->column.max_rep > 0) r->column.type = r->column.item_type;
    const bool rescaled = r->column.time_unit == 3 || r->column.time_unit == 9;
    if (r->column.type == WG_TYPE_LOCAL_DATETIME && rescaled && (source->exact_times || r->is_list))
        r->column.type = WG_TYPE_ANY;
    r->codec = chunk->codec;
    wgi_parquet_window_open(&r->window, source);
    r->pos = 0;
    r->row_count = chunk->value_count;
    wgi_parquet_lists_open(&r->lists, source->row_count, chunk->value_count);
    r->rows_opened = 0;
    r->bytes_allowed = chunk->uncompressed_bytes;
    r->bytes_decoded_before += r->bytes_decoded;
    r->bytes_decoded = 0;
    r->places = source->places;
    r->place_count = r->is_list ? 0 : source->place_count; /* an index counts rows, not entries */
    r->rows_expected = 0;
    r->has_header = false;
    r->has_dictionary = false;
    r->dictionary_ready = false;
    r->dictionary_count = 0;
    r->page_rows = 0;
    r->page_next = 0;
    wgi_parquet_values_reset(&r->values);
    if (!buffers_alloc(r)) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * cell_bytes(r->column.type));
    r->failed = WG_OK;
    return WG_OK;
}

wg_code wg_parquet_reader_create(const wg_parquet_column *column, const wg_parquet_chunk *chunk, wg_slice chunk_bytes,
                                 uint64_t row_count, wg_account *account, wg_parquet_reader **out, wg_error *err) {
    const wg_parquet_source source = {.column = column, .chunk = chunk, .row_count = row_count, .bytes = chunk_bytes};
    wg_parquet_reader *r = NULL;
    WG_TRY(wg_parquet_reader_alloc(account, &r, err));
    const wg_code code = wg_parquet_reader_open(r, &source, err);
    if (code == WG_OK) *out = r;
    else wg_parquet_reader_destroy(r);
    return code;
}

void wg_parquet_reader_destroy(wg_parquet_reader *r) {
    if (r == NULL) return;
    wgi_parquet_values_deinit(&r->values);
    wg_codec_state_deinit(&r->codec_state);
    wg_free(r->window.buffer.data);
    wg_free(r->page.data);
    wg_free(r->dictionary_page.data);
    wg_free(r->dictionary_cells.data);
    wg_free(r->cells.data);
    wg_free(r->codes.data);
    wg_free(r->valid.data);
    wg_free(r->def_cells.data);
    wg_free(r->rep_cells.data);
    wg_free(r->repacked[0].data);
    wg_free(r->repacked[1].data);
    wgi_parquet_lists_deinit(&r->lists);
    wgi_parquet_nested_destroy(r->nested);
    wg_free(r);
}

uint64_t wg_parquet_reader_decoded_bytes(const wg_parquet_reader *r) {
    return r->bytes_decoded_before + r->bytes_decoded + wgi_parquet_nested_decoded_bytes(r->nested);
}
uint64_t wg_parquet_reader_read_bytes(const wg_parquet_reader *r) {
    return r->window.bytes_read + wgi_parquet_nested_read_bytes(r->nested);
}

/* ---- pages */

/* The body of a page whose header has been read; valid until the window moves. */
static wg_code body_at(wg_parquet_reader *r, size_t pos, const wgi_parquet_page_header *h, wg_slice *out,
                       wg_error *err) {
    WG_TRY(wgi_parquet_window_at(&r->window, pos, h->compressed_bytes, out, err));
    *out = wg_slice_of(out->data, h->compressed_bytes);
    return WG_OK;
}

static wg_code dictionary_note(wg_parquet_reader *r, const wgi_parquet_page_header *h, wg_error *err) {
    if (r->has_dictionary || r->rows_opened > 0)
        return corrupt_at(r, offset_now(r), "a dictionary page that is not the chunk's first page", err);
    r->has_dictionary = true;
    r->dictionary_header = *h;
    r->dictionary_pos = r->pos + h->header_bytes;
    return WG_OK;
}

/* Reads the header at pos. How long it is shows only in reading it, so ever more bytes are tried until it is whole. */
static wg_code header_read(wg_parquet_reader *r, wgi_parquet_page_header *out, wg_error *err) {
    const size_t left = r->window.total - r->pos;
    wg_slice rest;
    for (size_t ahead = HEADER_BYTES_USUAL;; ahead *= 16) {
        wg_error local = {0};
        WG_TRY(wgi_parquet_window_at(&r->window, r->pos, wg_min_size(ahead, left), &rest, err));
        const wg_code code = wgi_parquet_page_header_read(rest, offset_now(r), out, &local);
        if (code == WG_OK) break;
        if (rest.size == left || code != WG_E_CORRUPT) {
            if (err != NULL && err->code == WG_OK) *err = local;
            return code;
        }
    }
    if (out->compressed_bytes > left - out->header_bytes)
        return corrupt_at(r, offset_now(r), "the page is longer than the rest of its chunk", err);
    return WG_OK;
}

/* Finds the header of the next data page that holds rows; false when the chunk's rows are all opened. */
static wg_code header_find(wg_parquet_reader *r, bool *out_found, wg_error *err) {
    *out_found = false;
    if (r->rows_opened == r->row_count && !r->has_header) return WG_OK;
    while (!r->has_header) {
        if (r->pos == r->window.total)
            return corrupt_at(r, offset_now(r), "the chunk's pages hold fewer rows than its row group", err);
        wgi_parquet_page_header h;
        WG_TRY(header_read(r, &h, err));
        if (h.type == WGI_PARQUET_PAGE_DICTIONARY) WG_TRY(dictionary_note(r, &h, err));
        const bool data = h.type == WGI_PARQUET_PAGE_DATA || h.type == WGI_PARQUET_PAGE_DATA_V2;
        if (data && h.value_count > r->row_count - r->rows_opened)
            return corrupt_at(r, offset_now(r), "the chunk's pages hold more rows than its row group", err);
        if (data && r->rows_expected != 0 && h.value_count != r->rows_expected)
            return corrupt_at(r, offset_now(r), "the page has not as many rows as the offset index says", err);
        if (data && h.value_count > 0) {
            r->rows_expected = 0;
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

/* The bytes of `in`, decompressed to `size` bytes at `shift` of the scratch; in place when the codec is none. */
static wg_code decompress(wg_parquet_reader *r, bool compressed, wg_slice in, size_t size, uint32_t shift,
                          wgi_parquet_scratch *scratch, wg_slice *out) {
    if (!compressed || r->codec == WG_CODEC_UNCOMPRESSED) {
        if (in.size != size) return WG_E_CORRUPT;
        *out = in;
        return WG_OK;
    }
    *out = wg_slice_of(NULL, 0);
    if (size == 0) return WG_OK; /* some writers store nothing, some an empty stream */
    if (!wgi_parquet_scratch_ensure(scratch, shift + size + SLACK_BYTES)) return WG_E_NOMEM;
    WG_TRY(wg_codec_decompress_with(&r->codec_state, r->codec, in, scratch->data + shift, size, NULL));
    *out = wg_slice_of(scratch->data + shift, size);
    return WG_OK;
}

static wg_code bytes_allow(wg_parquet_reader *r, uint64_t offset, uint32_t size, wg_error *err) {
    if (size > r->bytes_allowed - r->bytes_decoded)
        return corrupt_at(r, offset, "the pages decompress to more than the chunk declares", err);
    r->bytes_decoded += size;
    return WG_OK;
}

static wg_code body_open(wg_parquet_reader *r, wg_slice in, uint32_t size, wg_slice *out, wg_error *err) {
    const wgi_parquet_page_header *h = &r->header;
    WG_TRY(bytes_allow(r, r->page_offset, size, err));
    const wg_code code = decompress(r, h->is_compressed, in, size, r->page_shift, &r->page, out);
    if (code == WG_E_NOMEM) return wg_error_nomem(err, size);
    if (code != WG_OK) return corrupt_at(r, r->page_offset, "the page does not decompress to its declared size", err);
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

/* The decompressed dictionary page, in memory that stays when the window moves. */
static wg_code dictionary_body(wg_parquet_reader *r, uint64_t at, wg_slice *out, wg_error *err) {
    const wgi_parquet_page_header *h = &r->dictionary_header;
    wg_slice body;
    WG_TRY(body_at(r, r->dictionary_pos, h, &body, err));
    WG_TRY(crc_check(r, h, body, at, err));
    WG_TRY(bytes_allow(r, at, h->uncompressed_bytes, err));
    wg_code code = decompress(r, h->is_compressed, body, h->uncompressed_bytes, 0, &r->dictionary_page, out);
    if (code == WG_OK && out->data == body.data && body.size != 0 && wgi_parquet_window_moves(&r->window)) {
        if (!wgi_parquet_scratch_ensure(&r->dictionary_page, body.size)) return wg_error_nomem(err, body.size);
        memcpy(r->dictionary_page.data, body.data, body.size);
        *out = wg_slice_of(r->dictionary_page.data, body.size);
    }
    if (code == WG_E_NOMEM) return wg_error_nomem(err, h->uncompressed_bytes);
    if (code != WG_OK) return corrupt_at(r, at, "the page does not decompress to its declared size", err);
    return WG_OK;
}

static wg_code dictionary_load(wg_parquet_reader *r, wg_error *err) {
    const wgi_parquet_page_header *h = &r->dictionary_header;
    if (!r->has_dictionary) return corrupt_at(r, r->page_offset, "dictionary codes without a dictionary page", err);
    const uint64_t at = r->window.base_offset + r->dictionary_pos - h->header_bytes;
    if (h->encoding != WGI_PARQUET_PLAIN && h->encoding != WGI_PARQUET_PLAIN_DICTIONARY)
        return corrupt_at(r, at, "the dictionary page is not plain", err);
    wg_slice bytes;
    WG_TRY(dictionary_body(r, at, &bytes, err));
    const bool is_fixed = r->column.physical == WGI_PARQUET_FIXED;
    const size_t least = is_fixed ? r->column.type_length : 4; /* that a value takes */
    if (h->value_count > bytes.size / least)
        return corrupt_at(r, at, "the dictionary page holds fewer values than it declares", err);
    const size_t size = (size_t)h->value_count * cell_bytes(r->column.type) + SLACK_BYTES;
    if (!wgi_parquet_scratch_ensure(&r->dictionary_cells, size)) return wg_error_nomem(err, size);
    memset(r->dictionary_cells.data + size - SLACK_BYTES, 0, SLACK_BYTES);
    r->values.is_dictionary = true;
    const bool read = wgi_parquet_values_open(&r->values, WGI_PARQUET_PLAIN, bytes) &&
                      wgi_parquet_values_read(&r->values, r->dictionary_cells.data, h->value_count);
    r->values.is_dictionary = false;
    if (!read) {
        if (r->values.problem.code == WG_E_VALUE)
            return wg_error_set(err, WG_E_VALUE, at, "parquet: column %.60s, dictionary entry %zu: %s",
                                r->column.name, r->values.problem.index, r->values.problem.what);
        return problem_report(r, at, UINT64_MAX, err);
    }
    r->dictionary_count = h->value_count;
    r->dictionary_ready = true;
    return WG_OK;
}

/* Bits of a level: 1 for what may be null itself, more inside of groups that may be null too. */
static uint32_t level_width(uint16_t max_def) {
    uint32_t bits = 1;
    while (max_def >> bits != 0) bits++;
    return bits;
}

/* Levels in the deprecated encoding, from the high bit down and without a size: as one run of the newer one, whose reader goes on from there. */
static wg_code levels_repack(wg_parquet_reader *r, bool repetition, wg_slice *bytes, wg_slice *out, wg_error *err) {
    enum { RUN_HEAD_MAX = 5 };
    const uint32_t width = level_width(repetition ? r->column.max_rep : r->column.max_def);
    const uint64_t bits = (uint64_t)r->header.value_count * width;
    const uint64_t groups = ((uint64_t)r->header.value_count + 7) / 8;
    wgi_parquet_scratch *to = &r->repacked[repetition ? 1 : 0];
    wg_slice packed;
    if (bits / 8 > bytes->size || !wg_slice_take(bytes, (size_t)((bits + 7) / 8), &packed))
        return corrupt_at(r, r->page_offset, "the levels are longer than the page", err);
    const size_t room = RUN_HEAD_MAX + (size_t)groups * width;
    if (!wgi_parquet_scratch_ensure(to, room)) return wg_error_nomem(err, room);
    memset(to->data, 0, room);
    size_t head = 0;
    for (uint64_t left = groups << 1 | 1;; left >>= 7) {
        to->data[head++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
        if (left <= 127) break;
    }
    for (uint64_t value = 0; value < r->header.value_count; value++)
        for (uint32_t b = 0; b < width; b++) {
            const uint64_t from = value * width + b;
            if ((packed.data[from / 8] >> (7 - from % 8) & 1) != 0)
                wg_bit_set(to->data + head, (size_t)(value * width + (width - 1 - b)));
        }
    *out = wg_slice_of(to->data, head + (size_t)groups * width);
    return WG_OK;
}

/* Cuts one kind of levels off a v1 body. */
static wg_code levels_cut(wg_parquet_reader *r, bool repetition, wg_slice *bytes, wg_slice *out, wg_error *err) {
    const int32_t encoding = repetition ? r->header.rep_encoding : r->header.level_encoding;
    if ((repetition ? r->column.max_rep : r->column.max_def) == 0) return WG_OK;
    if (encoding == WGI_PARQUET_BIT_PACKED) return levels_repack(r, repetition, bytes, out, err);
    if (encoding != WGI_PARQUET_RLE)
        return wg_error_set(err, WG_E_UNSUPPORTED, r->page_offset,
                            "parquet: column %.60s has %s levels encoded as %s, which no version of the format has",
                            r->column.name, repetition ? "repetition" : "definition",
                            wgi_parquet_encoding_name(encoding));
    wg_slice size;
    if (!wg_slice_take(bytes, 4, &size) || !wg_slice_take(bytes, wg_load_u32le(size.data), out))
        return corrupt_at(r, r->page_offset, "the levels are longer than the page", err);
    return WG_OK;
}

static bool is_coded(const wgi_parquet_page_header *h) {
    return h->encoding == WGI_PARQUET_PLAIN_DICTIONARY || h->encoding == WGI_PARQUET_RLE_DICTIONARY;
}

/* Levels and values of the page of r->header. */
static wg_code page_parts(wg_parquet_reader *r, wg_slice *reps, wg_slice *levels, wg_slice *values, wg_error *err) {
    const wgi_parquet_page_header *h = &r->header;
    wg_slice body;
    WG_TRY(body_at(r, r->pos + h->header_bytes, h, &body, err));
    WG_TRY(crc_check(r, h, body, r->page_offset, err));
    if (h->type == WGI_PARQUET_PAGE_DATA) {
        WG_TRY(body_open(r, body, h->uncompressed_bytes, values, err));
        WG_TRY(levels_cut(r, true, values, reps, err));
        WG_TRY(levels_cut(r, false, values, levels, err));
        const size_t before = h->uncompressed_bytes - values->size;
        r->page_shift = (uint32_t)(0 - before) & (SLACK_BYTES - 1);
        return WG_OK;
    }
    /* Some writers store repetition levels of flat columns too: zeros, which say nothing. */
    const uint64_t level_bytes = (uint64_t)h->rep_bytes + h->def_bytes;
    if (level_bytes > h->uncompressed_bytes || !wg_slice_take(&body, h->rep_bytes, reps) ||
        !wg_slice_take(&body, h->def_bytes, levels))
        return corrupt_at(r, r->page_offset, "the levels are longer than the page", err);
    r->page_shift = 0;
    return body_open(r, body, h->uncompressed_bytes - (uint32_t)level_bytes, values, err);
}

/* Opens the page of r->header. */
static wg_code page_open(wg_parquet_reader *r, wg_error *err) {
    const wgi_parquet_page_header *h = &r->header;
    wg_slice reps = {0};
    wg_slice levels = {0};
    wg_slice values = {0};
    r->page_offset = offset_now(r);
    if (is_coded(h) && !r->dictionary_ready) WG_TRY(dictionary_load(r, err)); /* it may move the window */
    WG_TRY(page_parts(r, &reps, &levels, &values, err));
    if (!wgi_parquet_values_open(&r->values, h->encoding, values)) {
        if (r->values.problem.code != WG_E_UNSUPPORTED) return problem_report(r, r->page_offset, UINT64_MAX, err);
        return wg_error_set(err, WG_E_UNSUPPORTED, r->page_offset,
                            "parquet: column %.60s, %s, is encoded as %s (%d), which is not supported for it",
                            r->column.name, r->column.physical_name, wgi_parquet_encoding_name(h->encoding),
                            h->encoding);
    }
    wgi_parquet_rle_init(&r->levels, levels, level_width(r->column.max_def));
    wgi_parquet_rle_init(&r->rep_levels, reps, level_width(r->column.max_rep));
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
    if (dense == 0) memset(r->cells.data, 0, rows * bytes);
    else if (bytes == 8) spread_u64((uint64_t *)(void *)r->cells.data, r->valid.data, rows, dense);
    else if (bytes == 1) spread_u8(r->cells.data, r->valid.data, rows, dense);
    else spread_str((wg_str *)(void *)r->cells.data, r->valid.data, rows, dense);
}

/* Row (of the row group) of the value with this index in the batch that begins at page_next. */
static uint64_t row_of_value(const wg_parquet_reader *r, size_t rows, size_t index, bool nulls) {
    if (index == SIZE_MAX) return UINT64_MAX;
    const uint64_t first = r->rows_opened - r->page_rows + r->page_next;
    if (!nulls) return first + index;
    size_t seen = 0;
    for (size_t i = 0; i < rows; i++) {
        if (!wg_bit_get(r->valid.data, i)) continue;
        if (seen++ == index) return first + i;
    }
    return UINT64_MAX;
}

static bool batch_codes(wg_parquet_reader *r, size_t rows, size_t dense, wg_vector *v) {
    uint32_t code;
    v->data = r->dictionary_cells.data;
    if (dense == rows && wgi_parquet_rle_repeats(&r->values.rle, rows, &code) && code < r->dictionary_count) {
        v->kind = WG_VECTOR_CONST;
        v->data = r->dictionary_cells.data + (size_t)code * cell_bytes(r->column.type);
        return wgi_parquet_values_skip(&r->values, rows, NULL);
    }
    uint32_t *codes = codes_of(r);
    if (!wgi_parquet_values_codes(&r->values, codes, dense, r->dictionary_count)) return false;
    if (dense == 0) memset(codes, 0, rows * sizeof *codes);
    else if (dense != rows) spread_u32(codes, r->valid.data, rows, dense);
    v->kind = WG_VECTOR_DICT;
    v->codes = codes;
    v->dict_size = r->dictionary_count;
    return true;
}

/* Some of the next rows, which have no nulls among them. */
static bool batch_picked(wg_parquet_reader *r, size_t rows, const wg_parquet_pick *pick, wg_vector *v) {
    v->data = r->cells.data;
    return wgi_parquet_values_pick(&r->values, r->cells.data, rows, pick);
}

static bool batch_cells(wg_parquet_reader *r, size_t rows, size_t dense, wg_vector *v) {
    const wgi_parquet_values *values = &r->values;
    const size_t bytes = dense * 8;
    if (dense == rows && r->page_owned && wgi_parquet_values_in_place(values) && values->bytes.size >= bytes &&
        (uintptr_t)values->bytes.data % 64 == 0) {
        v->data = values->bytes.data;
        return wgi_parquet_values_skip(&r->values, dense, r->cells.data);
    }
    if (!wgi_parquet_values_read(&r->values, r->cells.data, dense)) return false;
    spread(r, rows, dense);
    v->data = r->cells.data;
    return true;
}

#define GATHER(ctype)                                                                          \
    do {                                                                                       \
        const ctype *from = v->data;                                                           \
        ctype *to = (ctype *)(void *)r->cells.data;                                            \
        for (uint32_t i = 0; i < pick->count; i++) to[i] = from[pick->rows[i]]; /* forwards */ \
    } while (0)

/* Leaves only the picked rows of a vector of all; what lies in the reader's buffers is moved up. */
static void gather(wg_parquet_reader *r, const wg_parquet_pick *pick, wg_vector *v) {
    if (v->valid != NULL) {
        for (uint32_t i = 0; i < pick->count; i++) {
            if (wg_bit_get(v->valid, pick->rows[i])) wg_bit_set(r->valid.data, i);
            else wg_bit_clear(r->valid.data, i);
        }
    }
    if (v->kind == WG_VECTOR_CONST) return;
    if (v->kind == WG_VECTOR_DICT) {
        uint32_t *codes = codes_of(r);
        for (uint32_t i = 0; i < pick->count; i++) codes[i] = codes[pick->rows[i]];
        return;
    }
    const size_t width = cell_bytes(r->column.type);
    if (width == 8) GATHER(uint64_t);
    else if (width == 1) GATHER(uint8_t);
    else GATHER(wg_str);
    v->data = r->cells.data;
}
#undef GATHER

/* A value inside of groups is there when its level is the highest; lower ones say which group is null. */
static bool deep_levels_read(wg_parquet_reader *r, size_t rows, size_t *out_present) {
    uint32_t flat[WG_BATCH_ROWS_MAX];
    uint32_t *levels = r->is_list ? (uint32_t *)(void *)r->def_cells.data : flat;
    const uint32_t top = r->column.max_def;
    if (!wgi_parquet_rle_read(&r->levels, levels, rows)) return false;
    size_t present = 0;
    memset(r->valid.data, 0, wg_bit_bytes(rows));
    for (size_t i = 0; i < rows; i++) {
        if (levels[i] > top) return false;
        if (levels[i] != top) continue;
        wg_bit_set(r->valid.data, i);
        present++;
    }
    *out_present = present;
    return true;
}

static wg_code levels_read(wg_parquet_reader *r, size_t rows, size_t *out_present, wg_error *err) {
    *out_present = rows;
    uint32_t *reps = (uint32_t *)(void *)r->rep_cells.data;
    if (r->is_list && r->column.max_rep == 0) memset(reps, 0, rows * sizeof *reps);
    else if (r->is_list && !wgi_parquet_rle_read(&r->rep_levels, reps, rows))
        return corrupt_at(r, r->page_offset, "the repetition levels end before the page's values", err);
    if (r->is_list && r->column.max_def == 0) memset(r->def_cells.data, 0, rows * sizeof(uint32_t));
    if (r->column.max_def == 0) return WG_OK;
    const bool ok = r->column.max_def == 1 && !r->is_list
                        ? wgi_parquet_rle_read_bits(&r->levels, r->valid.data, rows, out_present)
                        : deep_levels_read(r, rows, out_present);
    if (!ok)
        return corrupt_at(r, r->page_offset, "the definition levels are damaged, or end before the page's rows", err);
    return WG_OK;
}

static wg_code reader_next(wg_parquet_reader *r, uint32_t rows_max, const wg_parquet_pick *pick, wg_vector *out,
                           uint32_t *out_rows, wg_error *err) {
    if (r->page_next == r->page_rows) {
        bool found = false;
        WG_TRY(header_find(r, &found, err));
        if (!found) {
            *out = (wg_vector){.type = r->column.type, .data = r->cells.data};
            *out_rows = 0;
            return WG_OK;
        }
        WG_TRY(page_open(r, err));
    }
    const uint32_t rows = (uint32_t)wg_min_size(rows_max, r->page_rows - r->page_next);
    size_t present = 0;
    bool ok;
    WG_TRY(levels_read(r, rows, &present, err));
    wg_vector v = {.type = r->column.type, .kind = WG_VECTOR_FLAT};
    const bool codes = r->values.source == WGI_PARQUET_SOURCE_CODES;
    const bool picked = pick != NULL && !codes && present == rows && wgi_parquet_values_picks(&r->values);
    if (codes) ok = batch_codes(r, rows, present, &v);
    else ok = picked ? batch_picked(r, rows, pick, &v) : batch_cells(r, rows, present, &v);
    if (!ok)
        return problem_report(r, r->page_offset, row_of_value(r, rows, r->values.problem.index, present != rows),
                              err);
    if (present != rows) v.valid = r->valid.data;
    if (pick != NULL && !picked) gather(r, pick, &v);
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
    return wg_parquet_reader_next_of(r, rows_max, NULL, out, out_rows, err);
}

/* ---- lists */

wg_code wgi_parquet_entries_next(wg_parquet_reader *r, wgi_parquet_entries *out, wg_error *err) {
    out->at = 0;
    out->defs = (const uint32_t *)(const void *)r->def_cells.data;
    out->reps = (const uint32_t *)(const void *)r->rep_cells.data;
    return reader_next(r, WG_BATCH_ROWS_MAX, NULL, &out->values, &out->count, err);
}

const wg_parquet_column *wgi_parquet_reader_column(const wg_parquet_reader *r) { return &r->column; }

wg_code wgi_parquet_reader_corrupt(wg_parquet_reader *r, const char *what, wg_error *err) {
    return corrupt_at(r, r->page_offset, what, err);
}

/* The chunk must end with the last row: entries that are left belong to nobody. */
static wg_code lists_next(wg_parquet_reader *r, uint32_t rows_max, const wg_parquet_pick *pick, wg_vector *out,
                          uint32_t *out_rows, wg_error *err) {
    wgi_parquet_lists *l = &r->lists;
    const uint32_t rows = (uint32_t)wg_min_u64(wg_min_u64(rows_max, l->batch_rows), l->rows_left);
    WG_TRY(wgi_parquet_lists_next(r, l, rows, pick, out, err));
    *out_rows = rows;
    if (l->rows_left == 0 && (l->entries_left > 0 || l->entries.at < l->entries.count))
        return corrupt_at(r, r->page_offset, "the chunk has more lists than its row group rows", err);
    return WG_OK;
}

wg_code wg_parquet_reader_next_of(wg_parquet_reader *r, uint32_t rows_max, const wg_parquet_pick *pick,
                                  wg_vector *out, uint32_t *out_rows, wg_error *err) {
    WG_ASSERT(rows_max > 0);
    WG_ASSERT(rows_max <= WG_BATCH_ROWS_MAX);
    if (r->failed != WG_OK) return fail_sticky(r, err);
    if (r->is_nested) {
        r->failed = wgi_parquet_nested_next(r->nested, rows_max, pick, out, out_rows, err);
        return r->failed;
    }
    r->failed = r->is_list ? lists_next(r, rows_max, pick, out, out_rows, err)
                           : reader_next(r, rows_max, pick, out, out_rows, err);
    return r->failed;
}

static wg_code reader_ready(wg_parquet_reader *r, uint32_t *out_rows, wg_error *err) {
    bool found = false;
    if (r->is_nested) {
        *out_rows = wgi_parquet_nested_ready(r->nested);
        return WG_OK;
    }
    if (r->is_list) {
        *out_rows = (uint32_t)wg_min_u64(r->lists.batch_rows, r->lists.rows_left);
        return WG_OK;
    }
    *out_rows = r->page_rows - r->page_next;
    if (*out_rows > 0) return WG_OK;
    WG_TRY(header_find(r, &found, err));
    *out_rows = found ? r->header.value_count : 0;
    return WG_OK;
}

wg_code wg_parquet_reader_ready(wg_parquet_reader *r, uint32_t *out_rows, wg_error *err) {
    if (r->failed != WG_OK) return fail_sticky(r, err);
    r->failed = reader_ready(r, out_rows, err);
    return r->failed;
}

static wg_code reader_dictionary(wg_parquet_reader *r, wg_vector *out, uint32_t *out_size, wg_error *err) {
    uint32_t rows = 0;
    *out_size = 0;
    if (r->is_list || r->is_nested) return WG_OK;
    WG_TRY(reader_ready(r, &rows, err));
    const bool opened = r->page_next < r->page_rows;
    if (rows == 0 || !(opened ? r->values.source == WGI_PARQUET_SOURCE_CODES : is_coded(&r->header))) return WG_OK;
    r->page_offset = opened ? r->page_offset : offset_now(r);
    if (!r->dictionary_ready) WG_TRY(dictionary_load(r, err));
    *out = (wg_vector){.type = r->column.type, .kind = WG_VECTOR_FLAT, .data = r->dictionary_cells.data};
    *out_size = r->dictionary_count;
    return WG_OK;
}

wg_code wg_parquet_reader_dictionary(wg_parquet_reader *r, wg_vector *out, uint32_t *out_size, wg_error *err) {
    if (r->failed != WG_OK) return fail_sticky(r, err);
    r->failed = reader_dictionary(r, out, out_size, err);
    return r->failed;
}

/* Skips rows of the open page. */
static wg_code page_skip(wg_parquet_reader *r, uint32_t rows, wg_error *err) {
    while (rows > 0) {
        const uint32_t n = (uint32_t)wg_min_size(rows, WG_BATCH_ROWS_MAX);
        size_t present = 0;
        WG_TRY(levels_read(r, n, &present, err));
        if (!wgi_parquet_values_skip(&r->values, present, r->cells.data))
            return problem_report(r, r->page_offset, UINT64_MAX, err);
        r->page_next += n;
        rows -= n;
    }
    return WG_OK;
}

/* Moves to the page of the offset index that holds the row `rows` ahead, when that is behind the next page; lowers *rows. Nothing of
 * an open page is left. The dictionary, which stands before all pages, is noted first. */
static wg_code jump(wg_parquet_reader *r, uint64_t *rows, wg_error *err) {
    const uint64_t target = r->rows_opened + *rows;
    uint32_t low = 0;
    bool found = false;
    for (uint32_t high = r->place_count; low + 1 < high;) {
        const uint32_t middle = low + (high - low) / 2;
        if (r->places[middle].first_row <= target) low = middle;
        else high = middle;
    }
    const wg_parquet_page_place *place = &r->places[low];
    if (place->first_row <= r->rows_opened || target >= r->row_count) return WG_OK;
    if (r->rows_opened == 0) WG_TRY(header_find(r, &found, err));
    const uint64_t end = low + 1 < r->place_count ? r->places[low + 1].first_row : r->row_count;
    r->has_header = false;
    r->pos = (size_t)(place->offset - r->window.base_offset);
    r->rows_expected = (uint32_t)wg_min_u64(end - place->first_row, UINT32_MAX);
    *rows = target - place->first_row;
    r->rows_opened = place->first_row;
    r->page_rows = r->page_next = 0;
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
        if (r->place_count > 0) WG_TRY(jump(r, &rows, err));
        if (rows == 0) return WG_OK;
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
    if (r->is_nested) {
        r->failed = wgi_parquet_nested_skip(r->nested, rows, err);
        return r->failed;
    }
    if (r->is_list && rows > r->lists.rows_left)
        return wg_error_set(err, WG_E_MISUSE, offset_now(r), "parquet: skipped past the chunk's last row");
    r->failed = r->is_list ? wgi_parquet_lists_skip(r, &r->lists, rows, err) : reader_skip(r, rows, err);
    return r->failed;
}
