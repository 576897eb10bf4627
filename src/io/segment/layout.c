/* Header, trailer and footer records of ARC1, both ways. docs/format/arc1.md has the tables; segment_internal.h the offsets.
 *
 * What is read is checked here for everything that it says about itself: sizes inside the footer, blocks inside the file and in
 * order, known types, encodings and codecs, the exact size of a block where its parameters give it. What the bytes of a block
 * say is checked by decode.c, when they are first touched.
 *
 * A newer minor version may make header and records longer and give bytes a meaning that are zero here: such bytes are skipped
 * when the minor version of the file is above ours, and must be zero otherwise. */
#include "io/segment/segment_internal.h"

#include "format/codec/codec.h"

const char *wg_encoding_name(wg_encoding encoding) {
    static const char *const names[WG_ENCODING_COUNT] = {"PLAIN", "CONSTANT",   "SEQUENCE",   "BIT_PACKED",
                                                         "DELTA", "RUN_LENGTH", "DICTIONARY", "DECIMAL"};
    const size_t i = (size_t)encoding;
    return i < WG_ENCODING_COUNT ? names[i] : "?";
}

static bool all_zero(const uint8_t *bytes, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) any |= bytes[i];
    return any == 0;
}

/* ---- header and trailer */

uint32_t wg_arc1_crc(const wg_arc1_header *header, uint64_t offset, const void *data, size_t size) {
    uint8_t place[32];
    memcpy(place, header->store_uuid, 16);
    wg_store_u64le(place + 16, header->stripe_id);
    wg_store_u64le(place + 24, offset);
    return wg_crc32(wg_crc32(0, place, sizeof place), data, size);
}

void wg_arc1_header_encode(const wg_arc1_header *header, uint8_t out[WG_ARC1_HEADER_BYTES]) {
    memset(out, 0, WG_ARC1_HEADER_BYTES);
    memcpy(out + ARC1_H_MAGIC, WG_ARC1_MAGIC, 8);
    out[ARC1_H_VERSION] = WG_ARC1_VERSION;
    out[ARC1_H_MINOR] = header->minor;
    wg_store_u16le(out + ARC1_H_BYTES, WG_ARC1_HEADER_BYTES);
    wg_store_u32le(out + ARC1_H_REQUIRED, header->required);
    wg_store_u32le(out + ARC1_H_OPTIONAL, header->optional);
    memcpy(out + ARC1_H_UUID, header->store_uuid, 16);
    wg_store_u64le(out + ARC1_H_STRIPE, header->stripe_id);
    wg_store_u32le(out + ARC1_H_CRC, wg_crc32(0, out, ARC1_H_CRC));
}

wg_code wg_arc1_header_decode(wg_slice file, wg_arc1_header *out, wg_error *err) {
    const uint8_t *in = file.data;
    if (file.size < WG_ARC1_HEADER_BYTES || memcmp(in, WG_ARC1_MAGIC, 8) != 0)
        return wg_error_set(err, WG_E_CORRUPT, 0, "not an ARC1 file: %zu bytes, or another magic", file.size);
    if (in[ARC1_H_VERSION] != WG_ARC1_VERSION)
        return wg_error_set(err, WG_E_VERSION, ARC1_H_VERSION, "ARC1 version %u; this program reads %u",
                            in[ARC1_H_VERSION], WG_ARC1_VERSION);
    if (wg_load_u32le(in + ARC1_H_CRC) != wg_crc32(0, in, ARC1_H_CRC))
        return wg_error_set(err, WG_E_CORRUPT, ARC1_H_CRC, "the header's checksum does not match");
    wg_arc1_header h = {.minor = in[ARC1_H_MINOR],
                        .required = wg_load_u32le(in + ARC1_H_REQUIRED),
                        .optional = wg_load_u32le(in + ARC1_H_OPTIONAL),
                        .stripe_id = wg_load_u64le(in + ARC1_H_STRIPE)};
    memcpy(h.store_uuid, in + ARC1_H_UUID, 16);
    if ((h.required & ~(uint32_t)WG_ARC1_FEATURES_KNOWN) != 0)
        return wg_error_set(err, WG_E_VERSION, ARC1_H_REQUIRED,
                            "required features %#x are not known here; a newer worldgraph wrote this file",
                            h.required & ~(uint32_t)WG_ARC1_FEATURES_KNOWN);
    const bool zeros = all_zero(in + ARC1_H_ZERO_1, ARC1_H_UUID - ARC1_H_ZERO_1) &&
                       all_zero(in + ARC1_H_ZERO_2, ARC1_H_CRC - ARC1_H_ZERO_2);
    if (wg_load_u16le(in + ARC1_H_BYTES) != WG_ARC1_HEADER_BYTES || (h.minor <= WG_ARC1_MINOR && !zeros))
        return wg_error_set(err, WG_E_CORRUPT, ARC1_H_BYTES, "the header is not as version 1 has it");
    *out = h;
    return WG_OK;
}

void wg_arc1_trailer_encode(const wg_arc1_trailer *trailer, const wg_arc1_header *header,
                            uint8_t out[WG_ARC1_TRAILER_BYTES]) {
    const uint64_t at = trailer->footer_offset + trailer->footer_bytes;
    memset(out, 0, WG_ARC1_TRAILER_BYTES);
    wg_store_u64le(out + ARC1_T_FOOTER_OFFSET, trailer->footer_offset);
    wg_store_u64le(out + ARC1_T_FOOTER_BYTES, trailer->footer_bytes);
    wg_store_u32le(out + ARC1_T_FRAGMENTS, trailer->fragment_count);
    wg_store_u32le(out + ARC1_T_FOOTER_CRC, trailer->footer_crc);
    wg_store_u64le(out + ARC1_T_FILE_BYTES, at + WG_ARC1_TRAILER_BYTES);
    memcpy(out + ARC1_T_MAGIC, WG_ARC1_END_MAGIC, 8);
    wg_store_u32le(out + ARC1_T_CRC, wg_arc1_crc(header, at, out, ARC1_T_CRC));
}

wg_code wg_arc1_trailer_decode(wg_slice file, const wg_arc1_header *header, wg_arc1_trailer *out, wg_error *err) {
    if (file.size < WG_ARC1_HEADER_BYTES + WG_ARC1_TRAILER_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, file.size, "cut short: %zu bytes", file.size);
    const uint64_t at = file.size - WG_ARC1_TRAILER_BYTES;
    const uint8_t *in = file.data + at;
    if (memcmp(in + ARC1_T_MAGIC, WG_ARC1_END_MAGIC, 8) != 0)
        return wg_error_set(err, WG_E_CORRUPT, at, "no trailer at the end: cut short, or never finished");
    if (wg_load_u32le(in + ARC1_T_CRC) != wg_arc1_crc(header, at, in, ARC1_T_CRC))
        return wg_error_set(err, WG_E_CORRUPT, at, "the trailer's checksum does not match");
    const wg_arc1_trailer t = {.footer_offset = wg_load_u64le(in + ARC1_T_FOOTER_OFFSET),
                               .footer_bytes = wg_load_u64le(in + ARC1_T_FOOTER_BYTES),
                               .fragment_count = wg_load_u32le(in + ARC1_T_FRAGMENTS),
                               .footer_crc = wg_load_u32le(in + ARC1_T_FOOTER_CRC)};
    const bool zeros = header->minor > WG_ARC1_MINOR || all_zero(in + ARC1_T_ZERO, ARC1_T_CRC - ARC1_T_ZERO);
    if (!zeros || wg_load_u64le(in + ARC1_T_FILE_BYTES) != file.size || t.footer_offset < WG_ARC1_HEADER_BYTES ||
        t.footer_offset > at || t.footer_offset % WG_ARC1_BLOCK_ALIGN != 0 ||
        t.footer_bytes != at - t.footer_offset || t.fragment_count > t.footer_bytes / WG_ARC1_FRAGMENT_BYTES)
        return wg_error_set(err, WG_E_CORRUPT, at, "the trailer does not describe this file");
    const size_t size = (size_t)t.footer_bytes;
    if (wg_arc1_crc(header, t.footer_offset, file.data + t.footer_offset, size) != t.footer_crc)
        return wg_error_set(err, WG_E_CORRUPT, t.footer_offset, "the footer's checksum does not match");
    *out = t;
    return WG_OK;
}

/* ---- records */

static void column_encode(const wg_arc1_column *c, uint8_t *out) {
    wg_store_u32le(out + ARC1_C_ID, c->id);
    out[ARC1_C_TYPE] = c->type;
    out[ARC1_C_CELL_TYPE] = c->cell_type;
    out[ARC1_C_ENCODING] = c->encoding;
    out[ARC1_C_CODEC] = c->codec;
    out[ARC1_C_FLAGS] = (uint8_t)((c->has_valid ? ARC1_FLAG_VALID : 0) | (c->has_zone ? ARC1_FLAG_ZONE : 0));
    out[ARC1_C_WIDTH] = c->width;
    wg_store_u16le(out + ARC1_C_ZERO, 0);
    wg_store_u32le(out + ARC1_C_NULLS, c->null_count);
    wg_store_u32le(out + ARC1_C_COUNT, c->count);
    wg_store_u32le(out + ARC1_C_CRC, c->crc);
    wg_store_u64le(out + ARC1_C_BASE, c->base);
    wg_store_u64le(out + ARC1_C_STEP, c->step);
    wg_store_u64le(out + ARC1_C_OFFSET, c->offset);
    wg_store_u64le(out + ARC1_C_STORED, c->stored_bytes);
    wg_store_u64le(out + ARC1_C_RAW, c->raw_bytes);
    wg_store_u32le(out + ARC1_C_MIN_BYTES, c->has_zone ? (uint32_t)c->min.size : 0);
    wg_store_u32le(out + ARC1_C_MAX_BYTES, c->has_zone ? (uint32_t)c->max.size : 0);
}

static size_t zone_bytes(const wg_arc1_column *c) { return c->has_zone ? c->min.size + c->max.size : 0; }

/* Behind the zones. */
static void parts_encode(const wg_arc1_fragment *f, const wg_arc1_column *columns, uint8_t *record, size_t at) {
    at = (size_t)wg_align_up(at, 4);
    for (uint32_t i = 0; i < f->column_count; i++) {
        const wg_arc1_column *c = &columns[i];
        if (c->part_count == 0) continue;
        wg_store_u32le(record + WG_ARC1_FRAGMENT_BYTES + (size_t)i * WG_ARC1_COLUMN_PARTS_BYTES + ARC1_C_PARTS,
                       (uint32_t)at);
        memcpy(record + at, c->part_crcs, 4 * (size_t)c->part_count);
        at += 4 * (size_t)c->part_count;
    }
}

bool wg_arc1_fragment_encode(const wg_arc1_fragment *fragment, const wg_arc1_column *columns, wg_buf *out) {
    WG_ASSERT(fragment->row_count <= WG_ARC1_ROWS_MAX);
    WG_ASSERT(fragment->column_count <= WG_ARC1_COLUMNS_MAX);
    size_t parts = 0;
    for (uint32_t i = 0; i < fragment->column_count; i++) parts += columns[i].part_count;
    const size_t stride = parts == 0 ? WG_ARC1_COLUMN_BYTES : WG_ARC1_COLUMN_PARTS_BYTES;
    size_t zone = WG_ARC1_FRAGMENT_BYTES + (size_t)fragment->column_count * stride;
    size_t size = zone;
    for (uint32_t i = 0; i < fragment->column_count; i++) size += zone_bytes(&columns[i]);
    size = (size_t)wg_align_up(wg_align_up(size, 4) + 4 * parts, 8);
    if (!wg_buf_reserve(out, size)) return false;
    uint8_t *record = out->data + out->size;
    memset(record, 0, size);
    out->size += size;
    wg_store_u32le(record + ARC1_F_BYTES, (uint32_t)size);
    wg_store_u32le(record + ARC1_F_KIND, fragment->kind);
    wg_store_u32le(record + ARC1_F_OWNER, fragment->owner);
    wg_store_u32le(record + ARC1_F_PART, fragment->part);
    wg_store_u64le(record + ARC1_F_RUN, fragment->run);
    wg_store_u64le(record + ARC1_F_SLOT, fragment->slot);
    wg_store_u64le(record + ARC1_F_VERSION, fragment->version);
    wg_store_u32le(record + ARC1_F_ROWS, fragment->row_count);
    wg_store_u32le(record + ARC1_F_COLUMNS, fragment->column_count);
    for (size_t i = 0; i < WG_ARC1_ATTRIBUTES; i++)
        wg_store_u64le(record + ARC1_F_ATTRIBUTES + 8 * i, fragment->attributes[i]);
    wg_store_u16le(record + ARC1_F_HEAD_BYTES, WG_ARC1_FRAGMENT_BYTES);
    wg_store_u16le(record + ARC1_F_COLUMN_BYTES, (uint16_t)stride);
    for (uint32_t i = 0; i < fragment->column_count; i++) {
        column_encode(&columns[i], record + WG_ARC1_FRAGMENT_BYTES + i * stride);
        if (!columns[i].has_zone) continue;
        if (columns[i].min.size != 0) memcpy(record + zone, columns[i].min.data, columns[i].min.size);
        zone += columns[i].min.size;
        if (columns[i].max.size != 0) memcpy(record + zone, columns[i].max.data, columns[i].max.size);
        zone += columns[i].max.size;
    }
    if (parts != 0) parts_encode(fragment, columns, record, zone);
    return true;
}

wg_code wg_arc1_fragment_decode(wg_arc1_cursor *cursor, wg_arc1_fragment *out, wg_error *err) {
    WG_ASSERT(cursor->columns_left == 0);
    const uint64_t at = cursor->footer_offset + cursor->position;
    const size_t left = cursor->footer.size - cursor->position;
    const uint8_t *in = cursor->footer.data + cursor->position;
    if (left < WG_ARC1_FRAGMENT_BYTES) return wg_error_set(err, WG_E_CORRUPT, at, "the footer ends in a fragment");
    const size_t size = wg_load_u32le(in + ARC1_F_BYTES);
    const size_t head_bytes = wg_load_u16le(in + ARC1_F_HEAD_BYTES);
    const size_t column_bytes = wg_load_u16le(in + ARC1_F_COLUMN_BYTES);
    wg_arc1_fragment f = {.kind = wg_load_u32le(in + ARC1_F_KIND),
                          .owner = wg_load_u32le(in + ARC1_F_OWNER),
                          .part = wg_load_u32le(in + ARC1_F_PART),
                          .run = wg_load_u64le(in + ARC1_F_RUN),
                          .slot = wg_load_u64le(in + ARC1_F_SLOT),
                          .version = wg_load_u64le(in + ARC1_F_VERSION),
                          .row_count = wg_load_u32le(in + ARC1_F_ROWS),
                          .column_count = wg_load_u32le(in + ARC1_F_COLUMNS)};
    for (size_t i = 0; i < WG_ARC1_ATTRIBUTES; i++) f.attributes[i] = wg_load_u64le(in + ARC1_F_ATTRIBUTES + 8 * i);
    if (size > left || size % 8 != 0 || head_bytes < WG_ARC1_FRAGMENT_BYTES || head_bytes > size ||
        column_bytes < WG_ARC1_COLUMN_BYTES || f.row_count > WG_ARC1_ROWS_MAX ||
        f.column_count > WG_ARC1_COLUMNS_MAX || f.column_count * column_bytes > size - head_bytes)
        return wg_error_set(err, WG_E_CORRUPT, at, "fragment record: sizes or counts out of range");
    const bool known =
        column_bytes == WG_ARC1_COLUMN_BYTES || (cursor->has_parts && column_bytes == WG_ARC1_COLUMN_PARTS_BYTES);
    const bool exact = head_bytes == WG_ARC1_FRAGMENT_BYTES && known && wg_load_u32le(in + ARC1_F_ZERO) == 0;
    if (!exact && !cursor->newer)
        return wg_error_set(err, WG_E_CORRUPT, at, "fragment record: not as this minor version has it");
    cursor->column = cursor->position + head_bytes;
    cursor->column_bytes = column_bytes;
    cursor->zone = cursor->column + f.column_count * column_bytes;
    cursor->begin = cursor->position;
    cursor->end = cursor->position + size;
    cursor->zone_end = cursor->end;
    cursor->parts = cursor->zone;
    cursor->row_count = f.row_count;
    cursor->columns_left = f.column_count;
    cursor->position = cursor->end;
    *out = f;
    return WG_OK;
}

/* The size that the data behind the validity bitmap must have, or at least have where strings follow. */
static uint64_t data_bytes_min(const wg_arc1_column *c, uint32_t rows) {
    const bool string = wg_arc1_is_string(c->cell_type);
    switch ((wg_encoding)c->encoding) {
        case WG_ENCODING_PLAIN:
            if (string) return ((uint64_t)rows + 1) * (c->width / 8);
            return (uint64_t)rows * (c->cell_type == WG_TYPE_BOOL ? 1 : 8);
        case WG_ENCODING_BIT_PACKED:
        case WG_ENCODING_DECIMAL:
            return wg_arc1_packed_bytes(rows, c->width);
        case WG_ENCODING_DELTA:
            return (uint64_t)c->count * WG_ARC1_DELTA_GROUP_BYTES;
        case WG_ENCODING_RUN_LENGTH:
            return (uint64_t)c->count * 8 + wg_align_up((uint64_t)c->count * 4, 8);
        case WG_ENCODING_DICTIONARY:
            return wg_arc1_packed_bytes(rows, c->width) + (string ? ((uint64_t)c->count + 1) * 4 : c->count * 8ull);
        case WG_ENCODING_CONSTANT:
        case WG_ENCODING_SEQUENCE:
        case WG_ENCODING_COUNT:
            break;
    }
    return 0;
}

/* Which encodings a cell type has, and what they want of width and count. */
static bool encoding_fits(const wg_arc1_column *c, uint32_t rows) {
    const bool string = wg_arc1_is_string(c->cell_type);
    switch ((wg_encoding)c->encoding) {
        case WG_ENCODING_PLAIN:
            return c->count == 0 && (string ? c->width == 32 || c->width == 64 : c->width == 0);
        case WG_ENCODING_CONSTANT:
            return c->count == 0 && c->width == 0;
        case WG_ENCODING_SEQUENCE:
            return !string && c->count == 0 && c->width == 0;
        case WG_ENCODING_BIT_PACKED:
            return !string && c->count == 0 && c->width >= 1 && c->width <= WG_ARC1_PACKED_WIDTH_MAX;
        case WG_ENCODING_DECIMAL:
            return c->cell_type == WG_TYPE_FLOAT && c->count == 0 && c->width <= WG_ARC1_PACKED_WIDTH_MAX &&
                   c->step <= WG_ARC1_DECIMAL_EXPONENT_MAX;
        case WG_ENCODING_DELTA:
            return !string && rows != 0 && c->width == 0 && c->count == arc1_groups(rows);
        case WG_ENCODING_RUN_LENGTH:
            return !string && c->width == 0 && c->count >= 1 && c->count <= rows;
        case WG_ENCODING_DICTIONARY:
            return c->count >= 2 && c->count <= rows && c->width == arc1_bits(c->count - 1);
        case WG_ENCODING_COUNT:
            break;
    }
    return false;
}

/* A number in `base` or `step` that the encoding has no use for is damage, not decoration. */
static bool parameters_fit(const wg_arc1_column *c) {
    const bool uses_base = c->encoding == WG_ENCODING_SEQUENCE || c->encoding == WG_ENCODING_BIT_PACKED ||
                           c->encoding == WG_ENCODING_DECIMAL ||
                           (c->encoding == WG_ENCODING_CONSTANT && !wg_arc1_is_string(c->cell_type));
    if (!uses_base && c->base != 0) return false;
    if (c->encoding != WG_ENCODING_SEQUENCE && c->encoding != WG_ENCODING_DECIMAL && c->step != 0) return false;
    if (c->cell_type != WG_TYPE_BOOL) return true;
    if (c->encoding == WG_ENCODING_BIT_PACKED) return c->width == 1 && c->base == 0;
    return c->encoding == WG_ENCODING_PLAIN || c->encoding == WG_ENCODING_RUN_LENGTH ||
           (c->encoding == WG_ENCODING_CONSTANT && c->base <= 1);
}

static bool reserved_fits(const uint8_t *in) {
    return (in[ARC1_C_FLAGS] & ~(ARC1_FLAG_VALID | ARC1_FLAG_ZONE)) == 0 && wg_load_u16le(in + ARC1_C_ZERO) == 0;
}

static bool type_fits(const wg_arc1_column *c) {
    switch (c->type) {
        case WG_TYPE_BOOL:
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_NODE:
            return c->cell_type == c->type;
        case WG_TYPE_ANY:
            return (c->cell_type >= WG_TYPE_BOOL && c->cell_type <= WG_TYPE_LOCAL_TIME) ||
                   c->cell_type == WG_TYPE_ANY;
        default:
            return false;
    }
}

static bool block_fits(const wg_arc1_column *c, uint32_t rows) {
    const uint64_t fixed = arc1_valid_bytes(c, rows) + data_bytes_min(c, rows);
    const bool open_ended = wg_arc1_is_string(c->cell_type) || c->encoding == WG_ENCODING_DELTA;
    if (open_ended ? c->raw_bytes < fixed : c->raw_bytes != fixed) return false;
    if (c->codec == ARC1_CODEC_NONE) return c->stored_bytes == c->raw_bytes;
    return c->codec == ARC1_CODEC_ZSTD && c->stored_bytes != 0 && c->raw_bytes <= WG_ARC1_ZSTD_BYTES_MAX &&
           c->raw_bytes / WG_ARC1_ZSTD_RATIO_MAX <= c->stored_bytes;
}

static bool place_fits(const wg_arc1_column *c, const wg_arc1_cursor *cursor) {
    if (c->stored_bytes == 0) return c->offset == 0 && c->crc == 0;
    return c->offset % WG_ARC1_BLOCK_ALIGN == 0 && c->offset >= cursor->block_end &&
           c->offset <= cursor->footer_offset && c->stored_bytes <= cursor->footer_offset - c->offset;
}

static bool zone_fits(const wg_arc1_column *c, const wg_arc1_cursor *cursor) {
    if (!c->has_zone) return c->min.size == 0 && c->max.size == 0;
    if (c->cell_type == WG_TYPE_ANY || c->null_count == cursor->row_count) return false;
    const size_t left = cursor->zone_end - cursor->zone;
    if (c->min.size > left || c->max.size > left - c->min.size) return false;
    if (wg_arc1_is_string(c->cell_type))
        return c->min.size <= WG_ARC1_ZONE_STRING_BYTES_MAX && c->max.size <= WG_ARC1_ZONE_STRING_BYTES_MAX;
    return c->min.size == 8 && c->max.size == 8 && left >= 16 &&
           arc1_cell_fits(c->cell_type, wg_load_u64le(c->min.data)) &&
           arc1_cell_fits(c->cell_type, wg_load_u64le(c->min.data + 8));
}

bool wg_arc1_column_has_index(const wg_arc1_column *c) {
    return wg_arc1_is_string(c->cell_type) && c->codec == ARC1_CODEC_NONE && c->stored_bytes != 0 &&
           (c->encoding == WG_ENCODING_PLAIN || c->encoding == WG_ENCODING_DICTIONARY);
}

/* Checksums of parts lie behind all zones, in the order of the columns. `in` is a column record. */
static bool parts_decode(wg_arc1_cursor *cursor, const uint8_t *in, wg_arc1_column *c) {
    if (!cursor->has_parts || cursor->column_bytes < WG_ARC1_COLUMN_PARTS_BYTES) return true;
    const size_t at = wg_load_u32le(in + ARC1_C_PARTS);
    if (!cursor->newer && wg_load_u32le(in + ARC1_C_PARTS_ZERO) != 0) return false;
    if (at == 0) return true;
    const uint64_t count = (c->stored_bytes + WG_ARC1_PART_BYTES - 1) / WG_ARC1_PART_BYTES;
    const size_t size = cursor->end - cursor->begin;
    if (!wg_arc1_column_has_index(c) || at % 4 != 0 || at > size || count > (size - at) / 4 ||
        cursor->begin + at < cursor->parts || cursor->begin + at < cursor->zone)
        return false;
    cursor->zone_end = wg_min_size(cursor->zone_end, cursor->begin + at);
    cursor->parts = cursor->begin + at + 4 * (size_t)count;
    c->part_count = (uint32_t)count;
    c->part_crcs = cursor->footer.data + cursor->begin + at;
    return true;
}

wg_code wg_arc1_column_decode(wg_arc1_cursor *cursor, wg_arc1_column *out, wg_error *err) {
    WG_ASSERT(cursor->columns_left != 0);
    const uint64_t at = cursor->footer_offset + cursor->column;
    const uint8_t *in = cursor->footer.data + cursor->column;
    wg_arc1_column c = {.id = wg_load_u32le(in + ARC1_C_ID),
                        .type = in[ARC1_C_TYPE],
                        .cell_type = in[ARC1_C_CELL_TYPE],
                        .encoding = in[ARC1_C_ENCODING],
                        .codec = in[ARC1_C_CODEC],
                        .has_valid = (in[ARC1_C_FLAGS] & ARC1_FLAG_VALID) != 0,
                        .has_zone = (in[ARC1_C_FLAGS] & ARC1_FLAG_ZONE) != 0,
                        .width = in[ARC1_C_WIDTH],
                        .null_count = wg_load_u32le(in + ARC1_C_NULLS),
                        .count = wg_load_u32le(in + ARC1_C_COUNT),
                        .crc = wg_load_u32le(in + ARC1_C_CRC),
                        .base = wg_load_u64le(in + ARC1_C_BASE),
                        .step = wg_load_u64le(in + ARC1_C_STEP),
                        .offset = wg_load_u64le(in + ARC1_C_OFFSET),
                        .stored_bytes = wg_load_u64le(in + ARC1_C_STORED),
                        .raw_bytes = wg_load_u64le(in + ARC1_C_RAW)};
    const uint8_t *zone = cursor->footer.data + cursor->zone;
    c.min = wg_slice_of(zone, wg_load_u32le(in + ARC1_C_MIN_BYTES));
    c.max = wg_slice_of(NULL, wg_load_u32le(in + ARC1_C_MAX_BYTES));
    if (c.codec == ARC1_CODEC_ZSTD && (cursor->required & WG_ARC1_FEATURE_ZSTD) == 0)
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: compressed in a file that says nothing of it", c.id);
    if (c.encoding == WG_ENCODING_DECIMAL && (cursor->required & WG_ARC1_FEATURE_DECIMAL) == 0)
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: DECIMAL in a file that says nothing of it", c.id);
    if (!cursor->newer && !reserved_fits(in))
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: not as this minor version has it", c.id);
    if (!type_fits(&c) || !encoding_fits(&c, cursor->row_count) || !parameters_fit(&c))
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: type %u, cells %u, encoding %u do not go together",
                            c.id, c.type, c.cell_type, c.encoding);
    if (c.null_count > cursor->row_count || (c.null_count == 0) == c.has_valid)
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: %u nulls of %u rows", c.id, c.null_count,
                            cursor->row_count);
    if (!block_fits(&c, cursor->row_count) || !place_fits(&c, cursor))
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: its block has not the size or place that it must have",
                            c.id);
    if (!parts_decode(cursor, in, &c))
        return wg_error_set(err, WG_E_CORRUPT, at, "column %u: checksums of parts out of place", c.id);
    if (!zone_fits(&c, cursor)) return wg_error_set(err, WG_E_CORRUPT, at, "column %u: zone map out of place", c.id);
    if (c.has_zone) {
        c.max.data = zone + c.min.size;
        cursor->zone += c.min.size + c.max.size;
    }
    if (c.stored_bytes != 0) cursor->block_end = c.offset + c.stored_bytes;
    cursor->column += cursor->column_bytes;
    cursor->columns_left--;
    *out = c;
    return WG_OK;
}
