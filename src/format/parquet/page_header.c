/* Page headers: Thrift's PageHeader, checked against the limits before anything is sized by it.
 *
 * A header that breaks thrift is WG_E_CORRUPT; a page over 256 MiB, or one of more than 1 MiB plus 1000 times its
 * compressed size, is WG_E_LIMIT (a decompression bomb). */
#include "format/parquet/parquet_internal.h"

enum { RATIO_MAX = 1000, RATIO_FREE_BYTES = 1 << 20 };

const char *wgi_parquet_encoding_name(int32_t encoding) {
    static const char *const names[] = {
        "PLAIN",          "GROUP_VAR_INT",       "PLAIN_DICTIONARY",        "RLE",
        "BIT_PACKED",     "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY",
        "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"};
    return encoding >= 0 && (size_t)encoding < sizeof names / sizeof names[0] ? names[encoding] : "?";
}

static void read_count(wg_thrift_reader *r, wg_thrift_type type, uint32_t *out) {
    int32_t v = 0;
    if (!wg_thrift_read_i32(r, type, &v)) return;
    if (v < 0) wg_thrift_fail(r, WG_E_CORRUPT, "a page header has a negative size or count");
    else *out = (uint32_t)v;
}

static void data_header_read(wg_thrift_reader *r, wgi_parquet_page_header *h) {
    wg_thrift_field f;
    uint32_t seen = 0;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id >= 1 && f.id <= 3) seen |= 1u << f.id;
        if (f.id == 1) read_count(r, f.type, &h->value_count);
        else if (f.id == 2) wg_thrift_read_i32(r, f.type, &h->encoding);
        else if (f.id == 3) wg_thrift_read_i32(r, f.type, &h->level_encoding);
        else if (f.id == 4) wg_thrift_read_i32(r, f.type, &h->rep_encoding);
        else wg_thrift_skip(r, f.type);
    }
    if (seen != 14) wg_thrift_fail(r, WG_E_CORRUPT, "a data page header lacks its count or encodings");
}

static void data_header_v2_read(wg_thrift_reader *r, wgi_parquet_page_header *h) {
    wg_thrift_field f;
    uint32_t seen = 0;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id >= 1 && f.id <= 6) seen |= 1u << f.id;
        if (f.id == 1) read_count(r, f.type, &h->value_count);
        else if (f.id == 4) wg_thrift_read_i32(r, f.type, &h->encoding);
        else if (f.id == 5) read_count(r, f.type, &h->def_bytes);
        else if (f.id == 6) read_count(r, f.type, &h->rep_bytes);
        else if (f.id == 7) wg_thrift_read_bool(r, f.type, &h->is_compressed);
        else wg_thrift_skip(r, f.type);
    }
    if ((seen & 0x72) != 0x72)
        wg_thrift_fail(r, WG_E_CORRUPT, "a data page v2 header lacks its count or level sizes");
    h->level_encoding = WGI_PARQUET_RLE;
    h->rep_encoding = WGI_PARQUET_RLE;
}

static void dictionary_header_read(wg_thrift_reader *r, wgi_parquet_page_header *h) {
    wg_thrift_field f;
    uint32_t seen = 0;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id >= 1 && f.id <= 2) seen |= 1u << f.id;
        if (f.id == 1) read_count(r, f.type, &h->value_count);
        else if (f.id == 2) wg_thrift_read_i32(r, f.type, &h->encoding);
        else wg_thrift_skip(r, f.type);
    }
    if (seen != 6) wg_thrift_fail(r, WG_E_CORRUPT, "a dictionary page header lacks its count or encoding");
}

typedef struct header_seen {
    bool type;
    bool compressed;
    bool uncompressed;
    int32_t type_value;
    uint32_t detail; /* bit = page type whose own header was there */
} header_seen;

static void field_read(wg_thrift_reader *r, wg_thrift_field f, wgi_parquet_page_header *h, header_seen *seen) {
    int32_t crc = 0;
    if (f.id == 1) {
        seen->type = wg_thrift_read_i32(r, f.type, &seen->type_value);
    } else if (f.id == 2) {
        read_count(r, f.type, &h->uncompressed_bytes);
        seen->uncompressed = true;
    } else if (f.id == 3) {
        read_count(r, f.type, &h->compressed_bytes);
        seen->compressed = true;
    } else if (f.id == 4) {
        h->has_crc = wg_thrift_read_i32(r, f.type, &crc);
        h->crc = (uint32_t)crc;
    } else if (f.id == 5 && f.type == WG_THRIFT_STRUCT) {
        data_header_read(r, h);
        seen->detail |= 1u << WGI_PARQUET_PAGE_DATA;
    } else if (f.id == 7 && f.type == WG_THRIFT_STRUCT) {
        dictionary_header_read(r, h);
        seen->detail |= 1u << WGI_PARQUET_PAGE_DICTIONARY;
    } else if (f.id == 8 && f.type == WG_THRIFT_STRUCT) {
        data_header_v2_read(r, h);
        seen->detail |= 1u << WGI_PARQUET_PAGE_DATA_V2;
    } else {
        wg_thrift_skip(r, f.type);
    }
}

wg_code wgi_parquet_page_header_read(wg_slice bytes, uint64_t offset, wgi_parquet_page_header *out, wg_error *err) {
    wg_thrift_reader r;
    wg_thrift_reader_init(&r, bytes, offset, err);
    wgi_parquet_page_header h = {.is_compressed = true};
    header_seen seen = {0};
    wg_thrift_field f;
    for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) field_read(&r, f, &h, &seen);
    if (r.code == WG_OK && (!seen.type || !seen.compressed || !seen.uncompressed))
        wg_thrift_fail(&r, WG_E_CORRUPT, "a page header lacks its type or sizes");
    if (r.code == WG_OK && (seen.type_value < 0 || seen.type_value > WGI_PARQUET_PAGE_DATA_V2))
        wg_thrift_fail(&r, WG_E_CORRUPT, "a page header has an unknown page type");
    if (r.code == WG_OK && seen.type_value != WGI_PARQUET_PAGE_INDEX && seen.detail != 1u << seen.type_value)
        wg_thrift_fail(&r, WG_E_CORRUPT, "a page header has another kind than its page type says");
    if (r.code != WG_OK) return r.code;
    h.type = (wgi_parquet_page_type)seen.type_value;
    h.header_bytes = (uint32_t)wg_thrift_reader_bytes(&r);
    if (h.uncompressed_bytes > WG_PARQUET_PAGE_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, offset, "parquet: a page of %u bytes at byte %llu; the limit is 256 MiB",
                            h.uncompressed_bytes, (unsigned long long)offset);
    /* The free part is added, not a threshold: a page of zeros a few bytes over 1 MiB is no bomb. */
    if (h.uncompressed_bytes > RATIO_FREE_BYTES + RATIO_MAX * (uint64_t)h.compressed_bytes)
        return wg_error_set(err, WG_E_LIMIT, offset,
                            "parquet: the page at byte %llu grows from %u to %u bytes, more than 1000-fold",
                            (unsigned long long)offset, h.compressed_bytes, h.uncompressed_bytes);
    *out = h;
    return WG_OK;
}
