/* io/segment: the bytes of ARC1: file header, blocks with their encodings and checksums, fragment descriptions, footer. No files here: io/stripe
 * writes and maps what this module encodes and decodes. docs/format/arc1.md is the specification; bytes are never trusted.
 *
 * Threads: pure functions; an encoder one thread at a time. */
#ifndef WG_IO_SEGMENT_H
#define WG_IO_SEGMENT_H

#include "base/column/column.h"
#include "base/digest/digest.h"

/* 8-byte magic "ARC1" CR LF SUB LF, then the version byte. */
#define WG_ARC1_MAGIC     "ARC1\r\n\x1a\n"
#define WG_ARC1_END_MAGIC "1CRA\r\n\x1a\n"
enum { WG_ARC1_VERSION = 1, WG_ARC1_MINOR = 1, WG_ARC1_BLOCK_ALIGN = 64, WG_ARC1_PAGE = 4096 };
enum { WG_ARC1_MINOR_PARTS = 1 }; /* the first minor version with checksums of parts */

/* Required features: a reader that does not know one refuses the file. */
enum {
    WG_ARC1_FEATURE_ZSTD = 1,
    WG_ARC1_FEATURE_DECIMAL = 2,       /* columns may have that encoding */
    WG_ARC1_FEATURE_SHORT_ENTRIES = 4, /* adjacency may say the edges only, no neighbours */
    WG_ARC1_FEATURES_KNOWN = WG_ARC1_FEATURE_ZSTD | WG_ARC1_FEATURE_DECIMAL | WG_ARC1_FEATURE_SHORT_ENTRIES
};

enum {
    WG_ARC1_HEADER_BYTES = 64,
    WG_ARC1_TRAILER_BYTES = 64,
    WG_ARC1_FRAGMENT_BYTES = 104,
    WG_ARC1_COLUMN_BYTES = 72,
    WG_ARC1_COLUMN_PARTS_BYTES = 80, /* of all columns of a fragment in which one has checksums of parts */
    WG_ARC1_PART_BYTES = 65536,      /* of a block: each has a checksum of its own */
    WG_ARC1_ROWS_MAX = 16384,
    WG_ARC1_COLUMNS_MAX = 8256,
    WG_ARC1_ATTRIBUTES = 6,
    WG_ARC1_PACKED_WIDTH_MAX = 56, /* a wider cell would save less than an eighth, and needs two loads */
    WG_ARC1_DELTA_ROWS = 1024,
    WG_ARC1_DELTA_GROUP_BYTES = 24,
    WG_ARC1_ZONE_STRING_BYTES_MAX = 64,
    WG_ARC1_ZSTD_BYTES_MAX = 64 << 20, /* of a block before compression; and at most */
    WG_ARC1_ZSTD_RATIO_MAX = 256       /* times its size after it */
};

/* How the cells of a block are stored. */
typedef enum wg_encoding {
    WG_ENCODING_PLAIN = 0,
    WG_ENCODING_CONSTANT = 1,
    WG_ENCODING_SEQUENCE = 2,   /* first + i * step: delta of a constant step */
    WG_ENCODING_BIT_PACKED = 3, /* minimum + k bits */
    WG_ENCODING_DELTA = 4,      /* groups of 1,024: first value, then packed differences */
    WG_ENCODING_RUN_LENGTH = 5,
    WG_ENCODING_DICTIONARY = 6,
    WG_ENCODING_DECIMAL = 7, /* minimum + k bits: an integer that is divided by a power of ten */
    WG_ENCODING_COUNT
} wg_encoding;
const char *wg_encoding_name(wg_encoding encoding);

/* ---- header, footer, trailer */

typedef struct wg_arc1_header {
    uint8_t minor;
    uint32_t required; /* features */
    uint32_t optional;
    uint8_t store_uuid[16];
    uint64_t stripe_id;
} wg_arc1_header;
void wg_arc1_header_encode(const wg_arc1_header *header, uint8_t out[WG_ARC1_HEADER_BYTES]);
/* Errors: WG_E_CORRUPT, WG_E_VERSION (another version, an unknown required feature), offset in the file. */
wg_code wg_arc1_header_decode(wg_slice file, wg_arc1_header *out, wg_error *err);

typedef struct wg_arc1_trailer {
    uint64_t footer_offset;
    uint64_t footer_bytes;
    uint32_t fragment_count;
    uint32_t footer_crc;
} wg_arc1_trailer;
void wg_arc1_trailer_encode(const wg_arc1_trailer *trailer, const wg_arc1_header *header,
                            uint8_t out[WG_ARC1_TRAILER_BYTES]);
/* The last bytes of the file; checks the footer's checksum too. */
wg_code wg_arc1_trailer_decode(wg_slice file, const wg_arc1_header *header, wg_arc1_trailer *out, wg_error *err);

/* CRC-32 of store, stripe and offset, then the bytes. */
uint32_t wg_arc1_crc(const wg_arc1_header *header, uint64_t offset, const void *data, size_t size);

typedef struct wg_arc1_fragment {
    uint32_t kind, owner, part;
    uint64_t run, slot, version;
    uint32_t row_count, column_count;
    uint64_t attributes[WG_ARC1_ATTRIBUTES];
} wg_arc1_fragment;

/* One column: what the footer says of it. */
typedef struct wg_arc1_column {
    uint32_t id;
    uint8_t type; /* wg_type of the column */
    uint8_t
        cell_type; /* of the stored cells: another one than `type` only in ANY columns whose cells are all of it */
    uint8_t encoding;
    uint8_t codec; /* 0, or 1: zstd */
    bool has_valid;
    bool has_zone;
    uint8_t width; /* bits of a packed cell or code; 32 or 64 for offsets of PLAIN strings */
    uint32_t null_count;
    uint32_t count; /* runs, dictionary entries, groups */
    uint32_t crc;   /* of the stored bytes; 0 when there are none */
    uint64_t base;  /* CONSTANT, SEQUENCE: first cell; BIT_PACKED, DECIMAL: what the packed numbers are added to */
    uint64_t step;  /* SEQUENCE; DECIMAL: the power of ten */
    uint64_t offset;
    uint64_t stored_bytes;
    uint64_t raw_bytes;       /* before the codec */
    wg_slice min, max;        /* zone: 8-byte cells, or bytes of strings */
    uint32_t part_count;      /* 0: only the whole has a checksum */
    const uint8_t *part_crcs; /* u32 each */
} wg_arc1_column;

bool wg_arc1_fragment_encode(const wg_arc1_fragment *fragment, const wg_arc1_column *columns, wg_buf *out);

/* Walks a footer. `*position` is its offset in the footer, 0 first; *columns_at is for wg_arc1_column_decode. Checks all that one record
 * says about itself; zones borrow the footer. Errors carry the offset in the file. */
typedef struct wg_arc1_cursor {
    wg_slice footer;
    uint64_t footer_offset; /* in the file: also the end of all blocks */
    size_t position;        /* of the next fragment */
    size_t column;          /* of the next column of the current fragment */
    size_t column_bytes;    /* stride */
    size_t zone;            /* of its zone */
    size_t zone_end;        /* of all zones: where the checksums of parts begin, or the end */
    size_t parts;           /* where the next column's checksums of parts may begin */
    size_t begin;           /* of the current fragment */
    size_t end;
    uint64_t block_end; /* of the block before: blocks ascend */
    uint32_t row_count; /* of the current fragment */
    uint32_t columns_left;
    uint32_t required; /* features of the file */
    bool has_parts;    /* its minor version has checksums of parts */
    bool newer;        /* its minor version is above ours: fields and bits that we do not know are skipped */
} wg_arc1_cursor;
wg_code wg_arc1_fragment_decode(wg_arc1_cursor *cursor, wg_arc1_fragment *out, wg_error *err);
wg_code wg_arc1_column_decode(wg_arc1_cursor *cursor, wg_arc1_column *out, wg_error *err);

/* ---- blocks, reading */

/* A block without its codec. `raw` is followed by at least 8 readable bytes. */
typedef struct wg_arc1_block {
    const wg_arc1_column *column;
    uint32_t row_count;
    const uint8_t *raw;
} wg_arc1_block;

/* That everything in the block is where and what it must be, so that the functions below need no checks: sizes, codes,
 * offsets, run ends, counts of nulls, UTF-8. Cells of ANY are checked when they are decoded. Errors: WG_E_CORRUPT, offset in the block. */
wg_code wg_arc1_block_check(const wg_arc1_block *block, wg_error *err);
/* Blocks with checksums of parts are checked in pieces. First the index: all that says where strings are; its bytes are right. Then the
 * strings that begin in bytes [begin, end) of the block, which are right, and where two pieces that have been checked meet: when
 * all pieces that a string touches and their seams have been, the string is what its type says. */
uint64_t wg_arc1_block_index_bytes(const wg_arc1_block *block);
wg_code wg_arc1_block_check_index(const wg_arc1_block *block, wg_error *err);
wg_code wg_arc1_block_check_piece(const wg_arc1_block *block, uint64_t begin, uint64_t end, wg_error *err);
wg_code wg_arc1_block_check_seam(const wg_arc1_block *block, uint64_t at, wg_error *err);
/* Where in such a block the string of a row lies; only the index is read. */
void wg_arc1_block_place(const wg_arc1_block *block, uint32_t row, uint64_t *out_begin, uint64_t *out_end);
static inline uint32_t wg_arc1_part_count(uint64_t stored_bytes) {
    return (uint32_t)((stored_bytes + WG_ARC1_PART_BYTES - 1) / WG_ARC1_PART_BYTES);
}
/* Whether a block may have checksums of parts: its cells are found by offsets, and its bytes are those in the file. */
bool wg_arc1_column_has_index(const wg_arc1_column *column);
/* Undoes the codec: raw_bytes and 64 zeros are appended to `out`. */
wg_code wg_arc1_block_inflate(const wg_arc1_column *column, const uint8_t *stored, wg_buf *out, wg_error *err);

static inline bool wg_arc1_is_string(uint8_t cell_type) {
    return cell_type == WG_TYPE_STRING || cell_type == WG_TYPE_BYTES || cell_type == WG_TYPE_ANY;
}
/* NULL: all present. */
static inline const uint8_t *wg_arc1_block_valid(const wg_arc1_block *block) {
    return block->column->has_valid ? block->raw : NULL;
}
/* Cells as they lie in memory, or NULL when they must be decoded. Not for strings. */
const void *wg_arc1_block_plain(const wg_arc1_block *block);
/* Rows [first, first + count) of a column of 8-byte cells, of BOOL, of strings. */
void wg_arc1_block_u64(const wg_arc1_block *block, uint32_t first, uint32_t count, uint64_t *out);
void wg_arc1_block_bool(const wg_arc1_block *block, uint32_t first, uint32_t count, uint8_t *out);
void wg_arc1_block_str(const wg_arc1_block *block, uint32_t first, uint32_t count, wg_str *out);
/* A block of strings in DICTIONARY encoding as it is stored: all of its column->count entries, and codes of rows into them. */
void wg_arc1_block_entries(const wg_arc1_block *block, wg_str *out);
void wg_arc1_block_codes(const wg_arc1_block *block, uint32_t first, uint32_t count, uint32_t *out);
uint64_t wg_arc1_block_u64_at(const wg_arc1_block *block, uint32_t row); /* also BOOL */
wg_str wg_arc1_block_str_at(const wg_arc1_block *block, uint32_t row);
/* First row whose unsigned cell is >= value; the cells ascend. */
uint32_t wg_arc1_block_lower_bound(const wg_arc1_block *block, uint64_t value);

/* ---- blocks, writing */

typedef struct wg_arc1_encoder wg_arc1_encoder;
/* `zstd`: compress blocks where it pays; `plain`: no encodings. */
wg_code wg_arc1_encoder_create(bool zstd, bool plain, wg_account *account, wg_arc1_encoder **out, wg_error *err);
void wg_arc1_encoder_destroy(wg_arc1_encoder *encoder);
/* Whether DECIMAL may be used (a new encoder: no): the file must say so. */
void wg_arc1_encoder_decimals(wg_arc1_encoder *encoder, bool decimals);
/* Whether the columns that follow are read cell by cell: they get neither DELTA, whose cells need sums, nor a codec (a new encoder: no). */
void wg_arc1_encoder_point(wg_arc1_encoder *encoder, bool point);
/* Strings of a column that have more bytes than this together get 64-bit offsets (a new encoder: 2^32 - 1, as many as 32 bits reach). Below
 * that nothing but a test asks for less. */
void wg_arc1_encoder_narrow(wg_arc1_encoder *encoder, uint64_t bytes_max);
/* Appends the stored bytes of one column to `out`, and fills *column but for id, offset and crc. Zones lie in the encoder until the
 * next wg_arc1_encoder_reset. Errors: WG_E_NOMEM; WG_E_MISUSE: a value that cannot be stored. */
wg_code wg_arc1_encode(wg_arc1_encoder *encoder, const wg_vector *vector, uint32_t row_count, wg_arc1_column *column,
                       wg_buf *out, wg_error *err);
void wg_arc1_encoder_reset(wg_arc1_encoder *encoder);

/* ---- packed numbers: little-endian bit stream, lowest bit first, padded to a multiple of 8 bytes */

static inline uint64_t wg_arc1_packed_bytes(uint64_t count, uint32_t width) {
    return wg_align_up((count * width + 7) / 8, 8);
}
/* Appends; width <= WG_ARC1_PACKED_WIDTH_MAX. */
bool wg_arc1_pack(const uint64_t *values, uint32_t count, uint32_t width, wg_buf *out);
static inline uint64_t wg_arc1_packed_at(const uint8_t *packed, uint32_t width, uint64_t i) {
    const uint64_t bit = i * width;
    return (wg_load_u64le(packed + (bit >> 3)) >> (bit & 7)) & ((UINT64_C(1) << width) - 1);
}

/* ---- decimal fractions: doubles that are the nearest ones to k / 10^exponent, for one exponent */

enum { WG_ARC1_DECIMAL_EXPONENT_MAX = 15 };
/* True when all are, bit for bit (so neither -0.0, NaN nor infinities), with |k| < 2^51: *exponent and parts[count] are set then. `cells` are the bits of doubles. */
bool wg_arc1_decimals(const uint64_t *cells, uint32_t count, uint32_t *exponent, uint64_t *parts);
/* The other way, in place: each part, a signed number, becomes the bits of the double nearest to part / 10^exponent. */
void wg_arc1_of_decimals(uint64_t *cells, uint32_t count, uint32_t exponent);
double wg_arc1_decimal_power(uint32_t exponent);

#endif
