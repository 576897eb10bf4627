/* One buffered column becomes a chunk: dictionary or not, pages, bounds.
 *
 *   chunk          [dictionary page] data page v1 ...
 *   data page      optional columns: u32 bytes of levels | levels (RLE, width 1) ; then values
 *   values         PLAIN, or: u8 width | codes (RLE / bit-packed)
 *
 * A column is dictionary-encoded when at most half of its rows are distinct values and the dictionary stays within 1 MiB;
 * entries stand in the order of first appearance, so the bytes depend on the rows alone. Pages end at 1 MiB of values or
 * 20,480 rows: small enough to skip with profit, a multiple of the reader's batch.
 *
 * Bounds: floats leave NaN out and widen zeros (-0.0 as minimum, 0.0 as maximum) as the format asks; strings over
 * BOUND_BYTES_MAX have no bounds. Failure modes: WG_E_NOMEM, and whatever the sink says. */
#include <math.h>

#include "base/digest/digest.h"
#include "format/parquet/writer_internal.h"

enum { PAGE_BYTES = 1 << 20, PAGE_ROWS = 20480, DICTIONARY_BYTES_MAX = 1 << 20, BOUND_BYTES_MAX = 1024 };

static wg_code nomem(wg_error *err) { return wg_error_nomem(err, PAGE_BYTES); }

int32_t wgi_parquet_physical_of(wg_type type) {
    if (type == WG_TYPE_BOOL) return WGI_PARQUET_BOOLEAN;
    if (type == WG_TYPE_DATE) return WGI_PARQUET_INT32;
    if (type == WG_TYPE_FLOAT) return WGI_PARQUET_DOUBLE;
    if (wgi_parquet_is_bytes(type)) return WGI_PARQUET_BYTE_ARRAY;
    return WGI_PARQUET_INT64;
}

static bool is_string(const wgi_parquet_buffer *b) { return wgi_parquet_is_bytes(b->column.type); }

static uint32_t length_at(const wgi_parquet_buffer *b, size_t i) { return wg_load_u32le(b->cells.data + 4 * i); }
static uint64_t bits_at(const wgi_parquet_buffer *b, size_t i) { return wg_load_u64le(b->cells.data + 8 * i); }

/* ---- dictionary */

/* Finds the value's entry, or the free slot for it. */
static size_t slot_find(const wgi_parquet_encoder *e, const wgi_parquet_buffer *b, uint64_t key, uint32_t size) {
    const size_t mask = e->table.size / 4 - 1;
    const bool str = is_string(b);
    const uint64_t hash = str ? wg_hash64(0, b->bytes.data + key, size) : wg_hash64_u64(key);
    for (size_t slot = (size_t)hash & mask;; slot = (slot + 1) & mask) {
        const uint32_t entry = wg_load_u32le(e->table.data + 4 * slot);
        if (entry == 0) return slot;
        const uint64_t at = wg_load_u64le(e->entries.data + 8 * (size_t)(entry - 1));
        if (!str) {
            if (at == key) return slot;
        } else if (wg_load_u32le(e->entry_sizes.data + 4 * (size_t)(entry - 1)) == size &&
                   memcmp(b->bytes.data + at, b->bytes.data + key, size) == 0) {
            return slot;
        }
    }
}

static bool table_reset(wgi_parquet_encoder *e, uint32_t entries_max) {
    size_t slots = 16;
    while (slots < 2 * (size_t)entries_max) slots *= 2;
    e->table.size = 0;
    e->entries.size = 0;
    e->entry_sizes.size = 0;
    e->codes.size = 0;
    if (!wg_buf_reserve(&e->table, slots * 4)) return false;
    memset(e->table.data, 0, slots * 4);
    e->table.size = slots * 4;
    return true;
}

/* Fills codes and entries; *out_pays is false when a dictionary does not pay. */
static wg_code dictionary_build(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, bool *out_pays, wg_error *err) {
    *out_pays = false;
    const uint32_t entries_max = b->row_count / 2;
    if (b->column.type == WG_TYPE_BOOL || b->value_count == 0 || entries_max == 0) return WG_OK;
    /* Even one-byte strings take 5 bytes of dictionary, so its size bounds the table. */
    if (!table_reset(e, (uint32_t)wg_min_size(entries_max, DICTIONARY_BYTES_MAX / 4 + 1))) return nomem(err);
    uint64_t at = 0;
    size_t dictionary_bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < b->value_count; i++) {
        const uint32_t size = is_string(b) ? length_at(b, i) : 0;
        const uint64_t key = is_string(b) ? at : bits_at(b, i);
        const size_t slot = slot_find(e, b, key, size);
        uint32_t entry = wg_load_u32le(e->table.data + 4 * slot);
        if (entry == 0) {
            dictionary_bytes += is_string(b) ? 4 + (size_t)size : b->column.type == WG_TYPE_DATE ? 4 : 8;
            if (count == entries_max || dictionary_bytes > DICTIONARY_BYTES_MAX) return WG_OK;
            entry = ++count;
            wg_store_u32le(e->table.data + 4 * slot, entry);
            if (!wg_buf_append_u64(&e->entries, key) || !wg_buf_append_u32(&e->entry_sizes, size)) return nomem(err);
        }
        if (!wg_buf_append_u32(&e->codes, entry - 1)) return nomem(err);
        at += size;
    }
    *out_pays = true;
    return WG_OK;
}

/* ---- values and levels to bytes */

static bool string_put(wg_buf *out, const uint8_t *data, uint32_t size) {
    return wg_buf_append_u32(out, size) && wg_buf_append(out, data, size);
}

static bool fixed_put(wg_buf *out, wg_type type, uint64_t bits) {
    return type == WG_TYPE_DATE ? wg_buf_append_u32(out, (uint32_t)bits) : wg_buf_append_u64(out, bits);
}

static bool dictionary_body(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, uint32_t *out_count) {
    const size_t count = e->entries.size / 8;
    e->body.size = 0;
    *out_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const uint64_t at = wg_load_u64le(e->entries.data + 8 * i);
        const uint32_t size = wg_load_u32le(e->entry_sizes.data + 4 * i);
        if (!(is_string(b) ? string_put(&e->body, b->bytes.data + at, size)
                           : fixed_put(&e->body, b->column.type, at)))
            return false;
    }
    return true;
}

/* Rows and values of one page. */
typedef struct page_cut {
    uint32_t row;
    uint32_t row_count;
    uint32_t value;
    uint32_t value_count;
    uint64_t byte; /* strings */
    uint64_t byte_count;
} page_cut;

static bool row_present(const wgi_parquet_buffer *b, uint32_t row) {
    return !b->column.optional || b->present.data[row] != 0;
}

/* Extends the cut from its row on until the page is full. */
static void page_extend(const wgi_parquet_buffer *b, page_cut *cut) {
    const uint32_t left = b->row_count - cut->row;
    cut->row_count = 0;
    cut->value_count = 0;
    cut->byte_count = 0;
    size_t bytes = 0;
    while (cut->row_count < left && cut->row_count < PAGE_ROWS && bytes < PAGE_BYTES) {
        if (row_present(b, cut->row + cut->row_count)) {
            const uint32_t size = is_string(b) ? length_at(b, cut->value + cut->value_count) : 0;
            /* A page may pass the limit by one value only when it is the page's first. */
            if (bytes != 0 && bytes + size > PAGE_BYTES) break;
            bytes += is_string(b) ? 4 + (size_t)size : 8;
            cut->byte_count += size;
            cut->value_count++;
        }
        cut->row_count++;
    }
}

static bool levels_put(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, const page_cut *cut) {
    if (!b->column.optional) return true;
    e->levels.size = 0;
    if (!wg_buf_reserve(&e->levels, (size_t)cut->row_count * 4)) return false;
    uint32_t *levels = (uint32_t *)(void *)e->levels.data;
    for (uint32_t i = 0; i < cut->row_count; i++) levels[i] = b->present.data[cut->row + i];
    const size_t at = e->body.size;
    if (!wg_buf_append_u32(&e->body, 0) || !wgi_parquet_rle_encode(&e->body, levels, cut->row_count, 1)) return false;
    wg_store_u32le(e->body.data + at, (uint32_t)(e->body.size - at - 4));
    return true;
}

static bool bools_put(wg_buf *out, const uint8_t *cells, uint32_t count) {
    const size_t bytes = wg_bit_bytes(count);
    if (!wg_buf_reserve(out, bytes)) return false;
    uint8_t *bits = out->data + out->size;
    memset(bits, 0, bytes);
    for (uint32_t i = 0; i < count; i++)
        if (cells[i]) wg_bit_set(bits, i);
    out->size += bytes;
    return true;
}

static bool plain_put(wg_buf *out, const wgi_parquet_buffer *b, const page_cut *cut) {
    const size_t first = cut->value;
    if (b->column.type == WG_TYPE_BOOL) return bools_put(out, b->cells.data + first, cut->value_count);
    if (!is_string(b) && b->column.type != WG_TYPE_DATE)
        return wg_buf_append(out, b->cells.data + 8 * first, (size_t)cut->value_count * 8);
    uint64_t at = cut->byte;
    for (size_t i = first; i < first + cut->value_count; i++) {
        if (!is_string(b)) {
            if (!fixed_put(out, b->column.type, bits_at(b, i))) return false;
            continue;
        }
        const uint32_t size = length_at(b, i);
        if (!string_put(out, b->bytes.data + at, size)) return false;
        at += size;
    }
    return true;
}

static bool codes_put(wgi_parquet_encoder *e, const page_cut *cut, uint32_t entry_count) {
    uint32_t width = 1; /* readers exist that fail on width 0 */
    while ((entry_count - 1) >> width != 0) width++;
    const uint32_t *codes = (const uint32_t *)(const void *)e->codes.data;
    return wg_buf_append_u8(&e->body, (uint8_t)width) &&
           wgi_parquet_rle_encode(&e->body, codes + cut->value, cut->value_count, width);
}

/* ---- pages */

typedef struct page_kind {
    wgi_parquet_page_type type;
    uint32_t value_count;
    int32_t encoding;
} page_kind;

static bool header_put(wgi_parquet_encoder *e, page_kind kind) {
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, &e->page);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_i32(&w, 1, (int32_t)kind.type);
    wg_thrift_write_i32(&w, 2, (int32_t)e->body.size);
    wg_thrift_write_i32(&w, 3, (int32_t)e->packed.size);
    wg_thrift_write_i32(&w, 4, (int32_t)wg_crc32(0, e->packed.data, e->packed.size));
    const bool dictionary = kind.type == WGI_PARQUET_PAGE_DICTIONARY;
    wg_thrift_write_struct_field(&w, dictionary ? 7 : 5);
    wg_thrift_write_i32(&w, 1, (int32_t)kind.value_count);
    wg_thrift_write_i32(&w, 2, kind.encoding);
    if (!dictionary) {
        wg_thrift_write_i32(&w, 3, WGI_PARQUET_RLE);
        wg_thrift_write_i32(&w, 4, WGI_PARQUET_RLE);
    }
    wg_thrift_write_struct_end(&w);
    wg_thrift_write_struct_end(&w);
    return w.ok;
}

/* Compresses e->body and sends the page. */
static wg_code page_put(wgi_parquet_encoder *e, page_kind kind, wgi_parquet_out *out, wgi_parquet_written *written,
                        wg_error *err) {
    e->page.size = 0;
    e->packed.size = 0;
    WG_TRY(wg_codec_compress(e->codec, 0, wg_buf_slice(&e->body), &e->packed, err));
    if (!header_put(e, kind)) return nomem(err);
    written->uncompressed_bytes += e->page.size + e->body.size;
    if (!wg_buf_append(&e->page, e->packed.data, e->packed.size)) return nomem(err);
    written->compressed_bytes += e->page.size;
    return wgi_parquet_out_put(out, wg_buf_slice(&e->page), err);
}

/* ---- bounds */

static bool bound_copy(wg_arena *arena, const void *data, size_t size, wg_slice *out) {
    const void *copy = wg_arena_copy(arena, data, size);
    *out = wg_slice_of(copy, size);
    return copy != NULL;
}

static bool bounds_strings(const wgi_parquet_buffer *b, wg_arena *arena, wgi_parquet_written *out) {
    wg_slice min = wg_slice_of(b->bytes.data, length_at(b, 0));
    wg_slice max = min;
    uint64_t at = 0;
    for (uint32_t i = 0; i < b->value_count; i++) {
        const wg_slice s = wg_slice_of(b->bytes.data + at, length_at(b, i));
        if (wg_slice_compare(s, min) < 0) min = s;
        if (wg_slice_compare(s, max) > 0) max = s;
        at += s.size;
    }
    if (min.size > BOUND_BYTES_MAX || max.size > BOUND_BYTES_MAX) return true;
    out->has_bounds = true;
    return bound_copy(arena, min.data, min.size, &out->min) && bound_copy(arena, max.data, max.size, &out->max);
}

static bool bounds_floats(const wgi_parquet_buffer *b, wg_arena *arena, wgi_parquet_written *out) {
    double min = INFINITY;
    double max = -INFINITY;
    bool any = false;
    for (uint32_t i = 0; i < b->value_count; i++) {
        const double f = wg_f64_of_bits(bits_at(b, i));
        if (isnan(f)) continue;
        any = true;
        if (f < min) min = f;
        if (f > max) max = f;
    }
    if (!any) return true;
    if (min == 0.0) min = -0.0;
    if (max == 0.0) max = 0.0;
    out->has_bounds = true;
    return bound_copy(arena, &min, 8, &out->min) && bound_copy(arena, &max, 8, &out->max);
}

static bool bounds_integers(const wgi_parquet_buffer *b, wg_arena *arena, wgi_parquet_written *out) {
    const bool is_bool = b->column.type == WG_TYPE_BOOL;
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    for (uint32_t i = 0; i < b->value_count; i++) {
        const int64_t v = is_bool ? b->cells.data[i] : wg_i64_of_u64(bits_at(b, i));
        if (v < min) min = v;
        if (v > max) max = v;
    }
    const size_t size = is_bool ? 1 : b->column.type == WG_TYPE_DATE ? 4 : 8; /* little-endian prefixes */
    out->has_bounds = true;
    return bound_copy(arena, &min, size, &out->min) && bound_copy(arena, &max, size, &out->max);
}

static bool bounds_find(const wgi_parquet_buffer *b, wg_arena *arena, wgi_parquet_written *out) {
    if (b->value_count == 0) return true;
    if (is_string(b)) return bounds_strings(b, arena, out);
    return b->column.type == WG_TYPE_FLOAT ? bounds_floats(b, arena, out) : bounds_integers(b, arena, out);
}

/* ---- the chunk */

static wg_code pages_write(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, uint32_t entry_count,
                           wgi_parquet_out *out, wgi_parquet_written *written, wg_error *err) {
    page_cut cut = {0};
    while (cut.row < b->row_count) {
        page_extend(b, &cut);
        e->body.size = 0;
        const bool codes = entry_count != 0;
        if (!levels_put(e, b, &cut) || !(codes ? codes_put(e, &cut, entry_count) : plain_put(&e->body, b, &cut)))
            return nomem(err);
        const page_kind kind = {WGI_PARQUET_PAGE_DATA, cut.row_count,
                                codes ? WGI_PARQUET_RLE_DICTIONARY : WGI_PARQUET_PLAIN};
        WG_TRY(page_put(e, kind, out, written, err));
        cut.row += cut.row_count;
        cut.value += cut.value_count;
        cut.byte += cut.byte_count;
    }
    return WG_OK;
}

wg_code wgi_parquet_chunk_write(wgi_parquet_encoder *e, const wgi_parquet_buffer *b, wg_arena *arena,
                                wgi_parquet_out *out, wgi_parquet_written *written, wg_error *err) {
    *written = (wgi_parquet_written){.row_count = b->row_count, .null_count = b->row_count - b->value_count};
    bool pays = false;
    uint32_t entry_count = 0;
    WG_TRY(dictionary_build(e, b, &pays, err));
    if (pays) {
        written->dictionary_offset = out->offset;
        if (!dictionary_body(e, b, &entry_count)) return nomem(err);
        const page_kind kind = {WGI_PARQUET_PAGE_DICTIONARY, entry_count, WGI_PARQUET_PLAIN};
        WG_TRY(page_put(e, kind, out, written, err));
    }
    written->data_offset = out->offset;
    WG_TRY(pages_write(e, b, entry_count, out, written, err));
    return bounds_find(b, arena, written) ? WG_OK : nomem(err);
}
