/* Fuzzes the log's reader: arbitrary bytes as the first segment, and the rest as a second one.
 *
 * The first byte chooses how the rest is used; checksums are put right for some choices, because random bytes would
 * almost never pass them. Whatever the bytes are, the scan ends with success or a typed error, changes nothing, and
 * a follower sees a prefix of what the scan sees; when the scan succeeds the log opens, takes a commit, and scans again with exactly one commit more. */
#include "io/wal_store/wal_internal.h"

static const uint8_t uuid[16] = {1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_file(wg_platform *p, const char *path, const uint8_t *data, size_t size) {
    wg_file *file;
    if (p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, NULL) != WG_OK) return;
    WG_ASSERT(p->ops->write_at(p, file, 0, data, size, NULL) == WG_OK);
    WG_ASSERT(p->ops->sync(p, file, NULL) == WG_OK);
    p->ops->close(p, file);
}

/* Makes headers and frames pass their checksums, so that what lies behind the checks is reached. */
static void put_right(uint8_t *bytes, size_t size, uint64_t number) {
    if (size < WAL_HEADER_BYTES) return;
    uint8_t good[WAL_HEADER_BYTES];
    wal_header h = {.number = number, .segment_bytes = WAL_SEGMENT_BYTES_MIN, .first_logseq = 1};
    if (number != 1) {
        h.first_logseq = wg_load_u64le(bytes + WAL_H_FIRST_LOGSEQ) % 4 + 1;
        h.previous_end = wg_load_u64le(bytes + WAL_H_PREVIOUS_END);
        h.durable = wg_load_u64le(bytes + WAL_H_DURABLE);
    }
    wgi_wal_header_encode(&h, uuid, good);
    memcpy(bytes, good, sizeof good);
    const uint32_t segment_crc = wgi_wal_segment_crc(uuid, number);
    uint32_t before = 0;
    for (size_t at = WAL_HEADER_BYTES; at + WAL_FRAME_BYTES <= size;) {
        const wal_place place = {.segment_crc = segment_crc, .offset = (uint32_t)at};
        wal_frame f = {.payload_bytes = wg_load_u32le(bytes + at + WAL_F_PAYLOAD_BYTES) % 300,
                       .kind = (wal_kind)(bytes[at + WAL_F_KIND] % 5 + 1),
                       .logseq = wg_load_u64le(bytes + at + WAL_F_LOGSEQ) % 8,
                       .durable = wg_load_u64le(bytes + at + WAL_F_DURABLE)};
        if (bytes[at] % 2 == 0) f.durable = f.kind == WAL_MARK ? wal_position_of(number, at) : 0;
        const size_t room = size - at - WAL_FRAME_BYTES;
        if (f.payload_bytes > room) f.payload_bytes = (uint32_t)room;
        const bool chained = f.kind == WAL_MIDDLE || f.kind == WAL_LAST;
        f.payload_crc =
            wgi_wal_payload_crc(place, chained ? before : 0, bytes + at + WAL_FRAME_BYTES, f.payload_bytes);
        before = f.payload_crc;
        if (bytes[at] % 16 != 15) wgi_wal_frame_encode(&f, place, bytes + at);
        const size_t step = (size_t)wal_frame_size(f.payload_bytes);
        for (size_t i = at + WAL_FRAME_BYTES + f.payload_bytes; i < at + step && i < size; i++) bytes[i] = 0;
        at += step;
    }
}

static wg_code count_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    (void)payload;
    (void)chain;
    (void)err;
    uint64_t *last = ctx;
    WG_ASSERT(logseq == *last + 1);
    *last = logseq;
    return WG_OK;
}

/* What a follower reads, with or without HEAD, is a prefix of what a scan that succeeds reads; else any typed error. */
static uint64_t follow(wg_platform *p, const wg_wal_options *options) {
    wg_wal_follower *follower = NULL;
    uint64_t followed = 0;
    uint64_t commits = 0;
    wg_error err = {0};
    wg_code code = wg_wal_follow(p, "/wal", options, &follower, &err);
    for (int i = 0; i < 2 && code == WG_OK; i++) { /* again after an error, and after the end */
        code = wg_wal_follower_read(follower, count_commit, &followed, &commits, &err);
        WG_ASSERT(wg_wal_follower_last_logseq(follower) == followed);
        WG_ASSERT(code == WG_OK || code == err.code);
    }
    WG_ASSERT(code == WG_OK || code == WG_E_CORRUPT || code == WG_E_VERSION || code == WG_E_EXPIRED);
    wg_wal_follower_close(follower);
    return followed;
}

static void check(wg_platform *p) {
    wg_wal_options options = {.segment_bytes = WAL_SEGMENT_BYTES_MIN};
    memcpy(options.store_uuid, uuid, 16);
    wg_error err = {0};
    uint64_t scanned = 0;
    uint64_t opened = 0;
    uint64_t again = 0;
    wg_wal_recovery recovery;
    const uint64_t followed = follow(p, &options);
    const wg_code code = wg_wal_scan_from(p, "/wal", &options, count_commit, &scanned, &recovery, &err);
    if (code != WG_OK) {
        WG_ASSERT(code == WG_E_CORRUPT || code == WG_E_VERSION);
        return;
    }
    WG_ASSERT(followed <= scanned);
    WG_ASSERT(recovery.records == scanned);
    wg_wal *wal = NULL;
    WG_ASSERT(wg_wal_open(p, "/wal", &options, count_commit, &opened, &wal, NULL, NULL) == WG_OK);
    WG_ASSERT(opened == scanned);
    const wg_slice part = wg_slice_str("one more");
    uint64_t logseq = 0;
    WG_ASSERT(wg_wal_append(wal, &part, 1, &logseq, NULL) == WG_OK);
    WG_ASSERT(wg_wal_close(wal, NULL) == WG_OK);
    WG_ASSERT(wg_wal_scan(p, "/wal", uuid, count_commit, &again, &recovery, NULL) == WG_OK);
    WG_ASSERT(again == opened + 1);
    WG_ASSERT(recovery.torn_tail_bytes == 0);
}

/* A HEAD with a right checksum that states some place in the first two segments. */
static void put_head(wg_platform *p, const uint8_t *data, size_t size) {
    uint8_t bytes[WAL_HEAD_BYTES];
    const uint64_t where = size < 8 ? 0 : wg_load_u64le(data + size - 8);
    const wal_head head = {
        .durable = wal_position_of(1 + (where >> 32) % 2, where % (WAL_SEGMENT_BYTES_MIN + 64) & ~UINT64_C(7))};
    wgi_wal_head_encode(&head, uuid, bytes);
    put_file(p, "/wal/HEAD", bytes, sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 2 * WAL_SEGMENT_BYTES_MIN) return 0;
    uint8_t bytes[2 * WAL_SEGMENT_BYTES_MIN];
    const uint8_t mode = data[0];
    memcpy(bytes, data + 1, --size);
    const size_t first = mode & 1 ? wg_min_size(size, WAL_SEGMENT_BYTES_MIN) : size;
    if (mode & 2) put_right(bytes, first, 1);
    if (mode & 4) put_right(bytes + first, size - first, 2);
    wg_platform *p;
    if (wg_platform_sim_create(1, &p, NULL) != WG_OK) return 0;
    WG_ASSERT(p->ops->make_directory(p, "/wal", NULL) == WG_OK);
    put_file(p, "/wal/00000000000000000001.wal", bytes, first);
    if (first < size) put_file(p, "/wal/00000000000000000002.wal", bytes + first, size - first);
    if (mode & 8) put_head(p, bytes, size);
    check(p);
    wg_platform_sim_destroy(p);
    return 0;
}
