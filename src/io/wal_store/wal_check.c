/* One segment alone, for copies of a log: whether every byte of it that is part of the log is sound, and the hint to readers that goes
 * with a copy. Frames whose commit began in the segment before are checked by their headers only, because their payload
 * checksums take in those of frames that are not here. */
#include "io/wal_store/wal_internal.h"

static wg_code damaged(uint64_t offset, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, offset, "log segment at offset %llu: %s", (unsigned long long)offset,
                        what);
}

/* The frames from the header to `end`. */
static wg_code check_frames(wg_slice file, const wal_header *header, uint32_t segment_crc, uint64_t end,
                            uint64_t *last, wg_error *err) {
    uint64_t offset = WAL_HEADER_BYTES;
    uint32_t before = 0;
    bool known = false; /* the checksum of the frame before in this commit */
    *last = header->first_logseq - 1;
    while (offset < end) {
        const wal_place place = {.segment_crc = segment_crc, .offset = (uint32_t)offset};
        wal_frame frame;
        if (end - offset < WAL_FRAME_BYTES || !wgi_wal_frame_decode(file.data + offset, place, &frame))
            return damaged(offset, "no valid frame where the log goes on", err);
        const uint64_t size = wal_frame_size(frame.payload_bytes);
        if (size > end - offset) return damaged(offset, "a frame goes past the end of the log", err);
        const bool begins = frame.kind == WAL_FULL || frame.kind == WAL_FIRST || frame.kind == WAL_MARK;
        const uint8_t *payload = file.data + offset + WAL_FRAME_BYTES;
        const size_t padding = (size_t)size - WAL_FRAME_BYTES - frame.payload_bytes;
        if (wgi_wal_used(payload + frame.payload_bytes, padding) != 0)
            return damaged(offset, "the bytes behind a payload are not zero", err);
        if (begins) before = 0;
        known |= begins;
        if (known && wgi_wal_payload_crc(place, before, payload, frame.payload_bytes) != frame.payload_crc)
            return damaged(offset, "the checksum of a payload does not match", err);
        before = frame.payload_crc;
        if (frame.kind == WAL_FULL || frame.kind == WAL_LAST) *last = frame.logseq;
        offset += size;
    }
    return WG_OK;
}

wg_code wg_wal_segment_check(wg_slice file, const uint8_t store_uuid[16], uint64_t end, wg_wal_segment *out,
                             wg_error *err) {
    wal_header header;
    uint64_t last = 0;
    const wal_header_state state = file.size < WAL_HEADER_BYTES
                                       ? WAL_HEADER_DAMAGED
                                       : wgi_wal_header_decode(file.data, file.size, store_uuid, &header);
    if (state != WAL_HEADER_VALID) return damaged(0, "the header is damaged or of another store", err);
    if (end == 0) end = WAL_HEADER_BYTES;
    if (end < WAL_HEADER_BYTES || end > file.size)
        return damaged(file.size, "the file ends before the log does", err);
    WG_TRY(check_frames(file, &header, wgi_wal_segment_crc(store_uuid, header.number), end, &last, err));
    *out = (wg_wal_segment){.number = header.number, .previous_end = header.previous_end, .last_logseq = last};
    return WG_OK;
}

wg_code wg_wal_tell(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], uint64_t position,
                    uint64_t logseq, wg_error *err) {
    const wal_head head = {.durable = position, .logseq = logseq};
    uint8_t bytes[WAL_HEAD_BYTES];
    char path[WAL_PATH_BYTES];
    wg_file *file = NULL;
    wgi_wal_head_encode(&head, store_uuid, bytes);
    WG_TRY(wgi_wal_path_of(dir, WAL_HEAD_NAME, path, err));
    WG_TRY(wgi_wal_open_new(platform, path, &file, err));
    wg_code code = platform->ops->write_at(platform, file, 0, bytes, sizeof bytes, err);
    if (code == WG_OK) code = platform->ops->sync(platform, file, err);
    platform->ops->close(platform, file);
    return code == WG_OK ? platform->ops->sync_directory(platform, dir, err) : code;
}
