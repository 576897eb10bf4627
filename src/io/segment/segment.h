/* io/segment: the bytes of ARC1: file header, blocks with their encodings and checksums, fragment descriptions, footer. No files here: io/stripe
 * writes and maps what this module encodes and decodes. docs/format/arc1.md is the specification; bytes are never trusted. */
#ifndef WG_IO_SEGMENT_H
#define WG_IO_SEGMENT_H

#include "base/column/column.h"
#include "base/digest/digest.h"

/* 8-byte magic "ARC1" CR LF SUB LF, then the version byte. */
#define WG_ARC1_MAGIC "ARC1\r\n\x1a\n"
enum { WG_ARC1_VERSION = 1, WG_ARC1_BLOCK_ALIGN = 64, WG_ARC1_PAGE = 4096 };

/* How the cells of a block are stored. */
typedef enum wg_encoding {
    WG_ENCODING_PLAIN = 0,
    WG_ENCODING_CONSTANT = 1,
    WG_ENCODING_SEQUENCE = 2,   /* first + i * step: delta of a constant step */
    WG_ENCODING_BIT_PACKED = 3, /* minimum + k bits */
    WG_ENCODING_DELTA = 4,      /* groups of 1,024: first value, then packed differences */
    WG_ENCODING_RUN_LENGTH = 5,
    WG_ENCODING_DICTIONARY = 6
} wg_encoding;
const char *wg_encoding_name(wg_encoding encoding);

#endif
