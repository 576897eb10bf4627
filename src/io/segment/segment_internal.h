/* io/segment, own files only: offsets of every field, and where the parts of a block begin. */
#ifndef WG_IO_SEGMENT_INTERNAL_H
#define WG_IO_SEGMENT_INTERNAL_H

#include "io/segment/segment.h"

/* File header. */
enum {
    ARC1_H_MAGIC = 0,
    ARC1_H_VERSION = 8,
    ARC1_H_MINOR = 9,
    ARC1_H_BYTES = 10, /* u16 */
    ARC1_H_REQUIRED = 12,
    ARC1_H_OPTIONAL = 16,
    ARC1_H_ZERO_1 = 20,
    ARC1_H_UUID = 24,
    ARC1_H_STRIPE = 40,
    ARC1_H_ZERO_2 = 48,
    ARC1_H_CRC = 60
};
_Static_assert(ARC1_H_CRC + 4 == WG_ARC1_HEADER_BYTES, "the checksum ends the header");
_Static_assert(sizeof WG_ARC1_MAGIC == ARC1_H_VERSION + 1, "the version byte follows the magic");
_Static_assert(sizeof WG_ARC1_END_MAGIC == 9, "both magics have 8 bytes");

/* Trailer: the last 64 bytes. */
enum {
    ARC1_T_FOOTER_OFFSET = 0,
    ARC1_T_FOOTER_BYTES = 8,
    ARC1_T_FRAGMENTS = 16,
    ARC1_T_FOOTER_CRC = 20,
    ARC1_T_FILE_BYTES = 24,
    ARC1_T_ZERO = 32,
    ARC1_T_CRC = 52,
    ARC1_T_MAGIC = 56
};
_Static_assert(ARC1_T_MAGIC + 8 == WG_ARC1_TRAILER_BYTES, "the magic ends the file");

/* Fragment record. */
enum {
    ARC1_F_BYTES = 0,
    ARC1_F_KIND = 4,
    ARC1_F_OWNER = 8,
    ARC1_F_PART = 12,
    ARC1_F_RUN = 16,
    ARC1_F_SLOT = 24,
    ARC1_F_VERSION = 32,
    ARC1_F_ROWS = 40,
    ARC1_F_COLUMNS = 44,
    ARC1_F_ATTRIBUTES = 48,
    ARC1_F_HEAD_BYTES = 96,   /* u16 */
    ARC1_F_COLUMN_BYTES = 98, /* u16 */
    ARC1_F_ZERO = 100
};
_Static_assert(ARC1_F_ATTRIBUTES + 8 * WG_ARC1_ATTRIBUTES == ARC1_F_HEAD_BYTES, "attributes are 8 bytes each");
_Static_assert(ARC1_F_ZERO + 4 == WG_ARC1_FRAGMENT_BYTES, "no gap at the end of a fragment record");

/* Column record. */
enum {
    ARC1_C_ID = 0,
    ARC1_C_TYPE = 4,
    ARC1_C_CELL_TYPE = 5,
    ARC1_C_ENCODING = 6,
    ARC1_C_CODEC = 7,
    ARC1_C_FLAGS = 8,
    ARC1_C_WIDTH = 9,
    ARC1_C_ZERO = 10, /* u16 */
    ARC1_C_NULLS = 12,
    ARC1_C_COUNT = 16,
    ARC1_C_CRC = 20,
    ARC1_C_BASE = 24,
    ARC1_C_STEP = 32,
    ARC1_C_OFFSET = 40,
    ARC1_C_STORED = 48,
    ARC1_C_RAW = 56,
    ARC1_C_MIN_BYTES = 64,
    ARC1_C_MAX_BYTES = 68
};
_Static_assert(ARC1_C_MAX_BYTES + 4 == WG_ARC1_COLUMN_BYTES, "no gap at the end of a column record");
/* What follows in a longer column record. */
enum { ARC1_C_PARTS = 72, ARC1_C_PARTS_ZERO = 76 };
_Static_assert(ARC1_C_PARTS_ZERO + 4 == WG_ARC1_COLUMN_PARTS_BYTES, "no gap at the end of a column record");
enum { ARC1_FLAG_VALID = 1, ARC1_FLAG_ZONE = 2 };
enum { ARC1_CODEC_NONE = 0, ARC1_CODEC_ZSTD = 1 };

/* Group of a DELTA block. */
enum { ARC1_D_FIRST = 0, ARC1_D_MINIMUM = 8, ARC1_D_OFFSET = 16, ARC1_D_WIDTH = 20, ARC1_D_ZERO = 21 };
_Static_assert(ARC1_D_ZERO + 3 == WG_ARC1_DELTA_GROUP_BYTES, "no gap at the end of a group");

/* Bytes of the validity bitmap in a block, with its padding. */
static inline uint64_t arc1_valid_bytes(const wg_arc1_column *column, uint32_t row_count) {
    return column->has_valid ? wg_align_up(wg_bit_bytes(row_count), WG_ARC1_BLOCK_ALIGN) : 0;
}
static inline uint32_t arc1_groups(uint32_t row_count) {
    return (row_count + WG_ARC1_DELTA_ROWS - 1) / WG_ARC1_DELTA_ROWS;
}
/* Differences in group `group`: one less than its rows. */
static inline uint32_t arc1_group_differences(uint32_t row_count, uint32_t group) {
    const uint32_t left = row_count - group * WG_ARC1_DELTA_ROWS;
    return (left < WG_ARC1_DELTA_ROWS ? left : WG_ARC1_DELTA_ROWS) - 1;
}
/* Times and dates have a range; who prints them relies on it. */
static inline bool arc1_cell_fits(uint8_t cell_type, uint64_t cell) {
    const int64_t i = wg_i64_of_u64(cell);
    if (cell_type == WG_TYPE_LOCAL_TIME) return cell < UINT64_C(86400000000000);
    if (cell_type == WG_TYPE_DATE) return i >= WG_DAYS_MIN && i <= WG_DAYS_MAX;
    return cell_type != WG_TYPE_BOOL || cell <= 1;
}
/* Bits that hold every number up to `largest`. */
static inline uint32_t arc1_bits(uint64_t largest) {
    return largest == 0 ? 0 : 64 - (uint32_t)__builtin_clzll(largest);
}

#endif
