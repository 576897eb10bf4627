/* io/segment, tests and fuzzer only: makes the checksums of a changed stripe right, so that what lies behind them is reached. */
#ifndef WG_IO_SEGMENT_TEST_REPAIR_H
#define WG_IO_SEGMENT_TEST_REPAIR_H

#include "io/segment/segment_internal.h"

/* Checksums of all blocks that lie in the file, going by the sizes that the records claim. */
static inline void repair_blocks(uint8_t *bytes, const wg_arc1_header *h, const wg_arc1_trailer *t) {
    uint64_t at = t->footer_offset;
    const uint64_t end = at + t->footer_bytes;
    for (uint32_t i = 0; i < t->fragment_count && end - at >= WG_ARC1_FRAGMENT_BYTES; i++) {
        const uint64_t size = wg_load_u32le(bytes + at + ARC1_F_BYTES);
        uint64_t column = at + wg_load_u16le(bytes + at + ARC1_F_HEAD_BYTES);
        const uint64_t stride = wg_load_u16le(bytes + at + ARC1_F_COLUMN_BYTES);
        if (size > end - at || size < WG_ARC1_FRAGMENT_BYTES || stride < WG_ARC1_COLUMN_BYTES) return;
        const uint32_t count = wg_load_u32le(bytes + at + ARC1_F_COLUMNS);
        for (uint32_t k = 0; k < count && column + WG_ARC1_COLUMN_BYTES <= at + size; k++, column += stride) {
            const uint64_t offset = wg_load_u64le(bytes + column + ARC1_C_OFFSET);
            const uint64_t stored = wg_load_u64le(bytes + column + ARC1_C_STORED);
            if (stored == 0 || offset > t->footer_offset || stored > t->footer_offset - offset) continue;
            wg_store_u32le(bytes + column + ARC1_C_CRC, wg_arc1_crc(h, offset, bytes + offset, (size_t)stored));
            const uint64_t parts = stride < WG_ARC1_COLUMN_PARTS_BYTES || column + stride > at + size
                                       ? 0
                                       : wg_load_u32le(bytes + column + ARC1_C_PARTS);
            for (uint64_t p = 0; parts != 0 && p < stored; p += WG_ARC1_PART_BYTES) {
                const uint64_t to = parts + p / WG_ARC1_PART_BYTES * 4;
                const uint64_t part = wg_min_u64(WG_ARC1_PART_BYTES, stored - p);
                if (to > size - 4) break;
                wg_store_u32le(bytes + at + to, wg_arc1_crc(h, offset + p, bytes + offset + p, (size_t)part));
            }
        }
        at += size;
    }
}

static inline void repair(uint8_t *bytes, size_t size) {
    if (size < WG_ARC1_HEADER_BYTES + WG_ARC1_TRAILER_BYTES) return;
    wg_store_u32le(bytes + ARC1_H_CRC, wg_crc32(0, bytes, ARC1_H_CRC));
    wg_arc1_header h = {.stripe_id = wg_load_u64le(bytes + ARC1_H_STRIPE)};
    memcpy(h.store_uuid, bytes + ARC1_H_UUID, 16);
    uint8_t *end = bytes + size - WG_ARC1_TRAILER_BYTES;
    const wg_arc1_trailer t = {.footer_offset = wg_load_u64le(end + ARC1_T_FOOTER_OFFSET),
                               .footer_bytes = wg_load_u64le(end + ARC1_T_FOOTER_BYTES),
                               .fragment_count = wg_load_u32le(end + ARC1_T_FRAGMENTS)};
    const uint64_t before = size - WG_ARC1_TRAILER_BYTES;
    if (t.footer_offset <= before && t.footer_bytes <= before - t.footer_offset) {
        repair_blocks(bytes, &h, &t);
        wg_store_u32le(end + ARC1_T_FOOTER_CRC,
                       wg_arc1_crc(&h, t.footer_offset, bytes + t.footer_offset, (size_t)t.footer_bytes));
    }
    wg_store_u32le(end + ARC1_T_CRC, wg_arc1_crc(&h, before, end, ARC1_T_CRC));
}

#endif
