/* What a log segment holds, as lines of JSON: its header, each frame with its place and whether its checksums hold, and where the
 * frames end. One file is looked at alone: whether its commits continue those of other segments is the scan's question. */
#include "io/wal_store/wal_internal.h"

typedef struct dump {
    const uint8_t *data;
    size_t size;
    wal_header header;
    uint32_t segment_crc;
    uint32_t before; /* payload checksum of the frame before in the commit at hand */
    bool in_commit;
    bool rest_of_earlier; /* of a commit that begins in the segment before: its payload cannot be checked alone */
    wg_wal_dump_fn fn;
    void *ctx;
    wg_buf line;
    bool stopped;
} dump;

static wg_code give(dump *d, bool printed, wg_error *err) {
    if (!printed) return wg_error_nomem(err, d->line.size);
    d->stopped = !d->fn(d->ctx, wg_buf_slice(&d->line));
    d->line.size = 0;
    return WG_OK;
}

static bool put_hex(wg_buf *out, const uint8_t *bytes, size_t size) {
    bool ok = true;
    for (size_t i = 0; i < size && ok; i++) ok = wg_buf_printf(out, "%02x", bytes[i]);
    return ok;
}

static bool put_position(wg_buf *out, const char *key, wal_position p) {
    return wg_buf_printf(out, ",\"%s\":{\"segment\":%llu,\"offset\":%llu}", key,
                         (unsigned long long)wal_position_segment(p), (unsigned long long)wal_position_offset(p));
}

static wg_code dump_header(dump *d, wg_error *err) {
    const wal_header *h = &d->header;
    bool ok = wg_buf_printf(&d->line, "{\"segment\":%llu,\"version\":%d,\"bytes\":%u,\"store\":\"",
                            (unsigned long long)h->number, WAL_VERSION, h->segment_bytes);
    ok &= put_hex(&d->line, d->data + WAL_H_UUID, 16);
    ok &= wg_buf_printf(&d->line, "\",\"first_logseq\":%llu", (unsigned long long)h->first_logseq);
    ok &= put_position(&d->line, "previous_end", h->previous_end);
    ok &= put_position(&d->line, "durable", h->durable);
    ok &= wg_buf_append_str(&d->line, ",\"chain\":\"");
    ok &= put_hex(&d->line, h->chain.bytes, sizeof h->chain.bytes);
    ok &= wg_buf_append_str(&d->line, "\"}");
    return give(d, ok, err);
}

/* Sound: 1 yes, 0 no, -1 cannot be told. */
static int payload_state(dump *d, const wal_frame *frame, wal_place place, const uint8_t *payload) {
    const bool begins = frame->kind == WAL_FULL || frame->kind == WAL_FIRST || frame->kind == WAL_MARK;
    if (!begins && !d->in_commit) d->rest_of_earlier = true;
    if (begins) d->rest_of_earlier = false;
    const uint32_t before = begins ? 0 : d->before;
    const bool sound = wgi_wal_payload_crc(place, before, payload, frame->payload_bytes) == frame->payload_crc;
    const bool unknown = d->rest_of_earlier && !d->in_commit;
    d->before = frame->payload_crc;
    d->in_commit = frame->kind == WAL_FIRST || frame->kind == WAL_MIDDLE;
    return unknown ? -1 : sound;
}

static wg_code dump_frame(dump *d, const wal_frame *frame, uint64_t offset, int state, wg_error *err) {
    static const char *const kinds[] = {"?", "FULL", "FIRST", "MIDDLE", "LAST", "MARK"};
    static const char *const states[] = {"null", "false", "true"};
    bool ok = wg_buf_printf(&d->line, "{\"frame\":\"%s\",\"offset\":%llu,\"logseq\":%llu,\"payload_bytes\":%u",
                            kinds[frame->kind], (unsigned long long)offset, (unsigned long long)frame->logseq,
                            frame->payload_bytes);
    ok &= put_position(&d->line, "durable", frame->durable);
    ok &= wg_buf_printf(&d->line, ",\"sound\":%s}", states[state + 1]);
    return give(d, ok, err);
}

static wg_code dump_frames(dump *d, wg_error *err) {
    uint64_t offset = WAL_HEADER_BYTES;
    while (!d->stopped && offset + WAL_FRAME_BYTES <= d->size) {
        const wal_place place = {.segment_crc = d->segment_crc, .offset = (uint32_t)offset};
        wal_frame frame;
        if (!wgi_wal_frame_decode(d->data + offset, place, &frame)) break;
        if (frame.payload_bytes > d->size - offset - WAL_FRAME_BYTES) break;
        WG_TRY(
            dump_frame(d, &frame, offset, payload_state(d, &frame, place, d->data + offset + WAL_FRAME_BYTES), err));
        offset += wal_frame_size(frame.payload_bytes);
    }
    if (d->stopped) return WG_OK;
    const uint64_t used = wg_max_u64(offset, wgi_wal_used(d->data, d->size));
    const bool ok = wg_buf_printf(&d->line, "{\"end\":%llu,\"bytes_behind\":%llu}", (unsigned long long)offset,
                                  (unsigned long long)(used - offset));
    return give(d, ok, err);
}

wg_code wg_wal_dump(wg_slice file, wg_wal_dump_fn fn, void *ctx, wg_error *err) {
    dump d = {.data = file.data, .size = file.size, .fn = fn, .ctx = ctx};
    const wal_header_state state =
        file.size < WAL_HEADER_BYTES ? WAL_HEADER_DAMAGED
                                     : wgi_wal_header_decode(file.data, file.size, file.data + WAL_H_UUID, &d.header);
    if (state == WAL_HEADER_NEWER)
        return wg_error_set(err, WG_E_VERSION, WAL_H_VERSION,
                            "the log segment has a format that this build does not read");
    if (state != WAL_HEADER_VALID)
        return wg_error_set(err, WG_E_CORRUPT, 0, "the header of the log segment is damaged");
    d.segment_crc = wgi_wal_segment_crc(file.data + WAL_H_UUID, d.header.number);
    wg_buf_init(&d.line, NULL);
    wg_code code = dump_header(&d, err);
    if (code == WG_OK) code = dump_frames(&d, err);
    wg_buf_deinit(&d.line);
    return code;
}
