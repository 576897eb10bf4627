/* The bytes of the log: segment headers, frame headers, names. docs/format/wal.md is the norm, this file its reader and
 * writer.
 *
 * A frame's header checksum and payload checksum both start from a CRC over store uuid, segment number and offset, so a
 * frame that the disk brings from elsewhere, or an old copy of another segment, does not pass. The payload checksum also
 * takes in the checksum of the frame before it in the same commit: pieces of two attempts at one commit never join. */
#include "io/wal_store/wal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t wal_magic[8] = {'W', 'G', 'W', 'A', 'L', '\r', '\n', 0x1a};
static const uint8_t head_magic[8] = {'W', 'G', 'H', 'E', 'A', 'D', '\r', '\n'};
enum { ZERO_BYTES = 64 << 10 };
static const uint8_t zeros[ZERO_BYTES];

uint32_t wgi_wal_segment_crc(const uint8_t uuid[16], uint64_t number) {
    uint8_t bytes[24];
    memcpy(bytes, uuid, 16);
    wg_store_u64le(bytes + 16, number);
    return wg_crc32(0, bytes, sizeof bytes);
}

void wgi_wal_header_encode(const wal_header *header, const uint8_t uuid[16], uint8_t out[WAL_HEADER_BYTES]) {
    memset(out, 0, WAL_HEADER_BYTES);
    memcpy(out + WAL_H_MAGIC, wal_magic, sizeof wal_magic);
    wg_store_u32le(out + WAL_H_VERSION, WAL_VERSION);
    wg_store_u32le(out + WAL_H_HEADER_BYTES, WAL_HEADER_BYTES);
    memcpy(out + WAL_H_UUID, uuid, 16);
    wg_store_u64le(out + WAL_H_NUMBER, header->number);
    wg_store_u32le(out + WAL_H_SEGMENT_BYTES, header->segment_bytes);
    wg_store_u64le(out + WAL_H_FIRST_LOGSEQ, header->first_logseq);
    wg_store_u64le(out + WAL_H_PREVIOUS_END, header->previous_end);
    wg_store_u64le(out + WAL_H_DURABLE, header->durable);
    memcpy(out + WAL_H_CHAIN, header->chain.bytes, 32);
    wg_store_u32le(out + WAL_H_CRC, wg_crc32(0, out, WAL_H_CRC));
}

wal_header_state wgi_wal_header_decode(const uint8_t *in, size_t size, const uint8_t uuid[16], wal_header *out) {
    if (size < WAL_HEADER_BYTES || memcmp(in, wal_magic, sizeof wal_magic) != 0) return WAL_HEADER_DAMAGED;
    if (wg_load_u32le(in + WAL_H_CRC) != wg_crc32(0, in, WAL_H_CRC)) return WAL_HEADER_DAMAGED;
    if (wg_load_u32le(in + WAL_H_VERSION) != WAL_VERSION || wg_load_u32le(in + WAL_H_FEATURES) != 0)
        return WAL_HEADER_NEWER;
    if (memcmp(in + WAL_H_UUID, uuid, 16) != 0) return WAL_HEADER_FOREIGN;
    wal_header h = {.number = wg_load_u64le(in + WAL_H_NUMBER),
                    .segment_bytes = wg_load_u32le(in + WAL_H_SEGMENT_BYTES),
                    .first_logseq = wg_load_u64le(in + WAL_H_FIRST_LOGSEQ),
                    .previous_end = wg_load_u64le(in + WAL_H_PREVIOUS_END),
                    .durable = wg_load_u64le(in + WAL_H_DURABLE)};
    memcpy(h.chain.bytes, in + WAL_H_CHAIN, 32);
    const bool sane = wg_load_u32le(in + WAL_H_HEADER_BYTES) == WAL_HEADER_BYTES &&
                      h.segment_bytes >= WAL_SEGMENT_BYTES_MIN && h.segment_bytes <= WAL_SEGMENT_BYTES_MAX &&
                      h.segment_bytes % WAL_SECTOR_BYTES == 0 && h.first_logseq != 0 &&
                      wgi_wal_used(in + WAL_H_RESERVED, WAL_H_CRC - WAL_H_RESERVED) == 0;
    if (!sane) return WAL_HEADER_DAMAGED;
    *out = h;
    return WAL_HEADER_VALID;
}

static uint32_t place_crc(wal_place place) {
    uint8_t offset[4];
    wg_store_u32le(offset, WG_CANARY_IS(5) ? 0 : place.offset);
    return wg_crc32(place.segment_crc, offset, sizeof offset);
}

uint32_t wgi_wal_payload_crc_parts(wal_place place, uint32_t before, const wg_slice *parts, size_t count) {
    uint8_t chained[4];
    wg_store_u32le(chained, before);
    uint32_t crc = wg_crc32(place_crc(place), chained, sizeof chained);
    for (size_t i = 0; i < count; i++) crc = wg_crc32(crc, parts[i].data, parts[i].size);
    return crc;
}

uint32_t wgi_wal_payload_crc(wal_place place, uint32_t before, const void *payload, size_t size) {
    const wg_slice part = wg_slice_of(payload, size);
    return wgi_wal_payload_crc_parts(place, before, &part, 1);
}

void wgi_wal_frame_encode(const wal_frame *frame, wal_place place, uint8_t out[WAL_FRAME_BYTES]) {
    memset(out, 0, WAL_FRAME_BYTES);
    wg_store_u32le(out + WAL_F_PAYLOAD_CRC, frame->payload_crc);
    wg_store_u32le(out + WAL_F_PAYLOAD_BYTES, frame->payload_bytes);
    out[WAL_F_KIND] = (uint8_t)frame->kind;
    wg_store_u64le(out + WAL_F_LOGSEQ, frame->logseq);
    wg_store_u64le(out + WAL_F_DURABLE, frame->durable);
    wg_store_u32le(out + WAL_F_HEADER_CRC, wg_crc32(place_crc(place), out + 4, WAL_FRAME_BYTES - 4));
}

bool wgi_wal_frame_decode(const uint8_t *in, wal_place place, wal_frame *out) {
    const uint8_t kind = in[WAL_F_KIND];
    /* The cheap tests first: a scan for frames behind a damage tries every aligned offset. */
    if (kind < WAL_FULL || kind > WAL_MARK) return false;
    const uint32_t payload_bytes = wg_load_u32le(in + WAL_F_PAYLOAD_BYTES);
    if (payload_bytes > WG_WAL_FRAME_PAYLOAD_BYTES_MAX) return false;
    if (in[WAL_F_RESERVED] != 0 || in[WAL_F_RESERVED + 1] != 0 || in[WAL_F_RESERVED + 2] != 0) return false;
    if (wg_load_u32le(in + WAL_F_HEADER_CRC) != wg_crc32(place_crc(place), in + 4, WAL_FRAME_BYTES - 4)) return false;
    *out = (wal_frame){.payload_bytes = payload_bytes,
                       .kind = (wal_kind)kind,
                       .logseq = wg_load_u64le(in + WAL_F_LOGSEQ),
                       .durable = wg_load_u64le(in + WAL_F_DURABLE),
                       .payload_crc = wg_load_u32le(in + WAL_F_PAYLOAD_CRC)};
    return true;
}

size_t wgi_wal_used(const uint8_t *data, size_t size) {
    while (size > 0 && size % 8 != 0 && data[size - 1] == 0) size--;
    while (size >= 8 && size % 8 == 0 && wg_load_u64le(data + size - 8) == 0) size -= 8;
    while (size > 0 && data[size - 1] == 0) size--;
    return size;
}

wg_code wgi_wal_path_of(const char *dir, const char *name, char out[WAL_PATH_BYTES], wg_error *err) {
    const int n = snprintf(out, WAL_PATH_BYTES, "%s/%s", dir, name);
    if (n < 0 || n >= WAL_PATH_BYTES)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the path of the log is over %d bytes",
                            WAL_PATH_BYTES - 32);
    return WG_OK;
}

void wgi_wal_name_of(const char *dir, const char *name, char out[WAL_PATH_BYTES]) {
    const int n = snprintf(out, WAL_PATH_BYTES, "%s/%s", dir, name);
    WG_ASSERT(n > 0 && n < WAL_PATH_BYTES); /* wgi_wal_path has been asked for this directory */
}

void wgi_wal_name(const char *dir, uint64_t number, char out[WAL_PATH_BYTES]) {
    char name[WAL_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%020llu.wal", (unsigned long long)number);
    wgi_wal_name_of(dir, name, out);
}

wg_code wgi_wal_path(const char *dir, uint64_t number, char out[WAL_PATH_BYTES], wg_error *err) {
    char name[WAL_NAME_BYTES + 1];
    snprintf(name, sizeof name, "%020llu.wal", (unsigned long long)number);
    return wgi_wal_path_of(dir, name, out, err);
}

typedef struct list_ctx {
    wg_buf *out;
    bool refused;
} list_ctx;

static bool list_entry(void *ctx, const char *name, bool is_directory) {
    list_ctx *list = ctx;
    if (is_directory || strlen(name) != WAL_NAME_BYTES || strcmp(name + 20, ".wal") != 0) return true;
    uint64_t number = 0;
    for (size_t i = 0; i < 20; i++) {
        if (name[i] < '0' || name[i] > '9') return true;
        if (number > UINT32_MAX) number = UINT32_MAX; /* stays over the limit that the scan states */
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    list->refused = !wg_buf_append_u64(list->out, number);
    return !list->refused;
}

static int compare_numbers(const void *a, const void *b) {
    const uint64_t x = wg_load_u64le(a);
    const uint64_t y = wg_load_u64le(b);
    return (x > y) - (x < y);
}

wg_code wgi_wal_list(wg_platform *platform, const char *dir, wg_buf *out, wg_error *err) {
    list_ctx ctx = {.out = out, .refused = false};
    out->size = 0;
    WG_TRY(platform->ops->list(platform, dir, list_entry, &ctx, err));
    if (ctx.refused) return wg_error_nomem(err, out->size);
    if (out->size != 0) qsort(out->data, out->size / 8, 8, compare_numbers);
    return WG_OK;
}

wg_code wgi_wal_write_zeros(wg_platform *platform, wg_file *file, uint64_t offset, uint64_t size, wg_error *err) {
    while (size > 0) {
        const size_t n = (size_t)wg_min_u64(size, ZERO_BYTES);
        WG_TRY(platform->ops->write_at(platform, file, offset, zeros, n, err));
        offset += n;
        size -= n;
    }
    return WG_OK;
}

wg_code wgi_wal_open_new(wg_platform *platform, const char *path, wg_file **out, wg_error *err) {
    wg_error ignored = {0};
    const wg_code code = platform->ops->open(platform, path, WG_OPEN_CREATE_NEW, out, &ignored);
    if (code == WG_OK) return WG_OK;
    if (code == WG_E_EXISTS) {
        /* What a failed append could not remove, or a crash left: its number says that it is no part of the log. */
        WG_TRY(platform->ops->unlink(platform, path, err));
        return platform->ops->open(platform, path, WG_OPEN_CREATE_NEW, out, err);
    }
    return wg_error_set_sys(err, code, ignored.sys_errno, "cannot make log segment '%s'", path);
}

wg_code wgi_wal_segment_make(wg_platform *platform, const char *path, const wal_header *header,
                             const uint8_t uuid[16], bool fill, wg_file **out, wg_error *err) {
    wg_file *file = NULL;
    uint8_t bytes[WAL_HEADER_BYTES];
    wgi_wal_header_encode(header, uuid, bytes);
    WG_TRY(wgi_wal_open_new(platform, path, &file, err));
    /* The header comes last, so that ENOSPC never leaves a segment that looks usable. */
    wg_code code = WG_OK;
    if (fill)
        code = wgi_wal_write_zeros(platform, file, WAL_HEADER_BYTES, header->segment_bytes - WAL_HEADER_BYTES, err);
    if (code == WG_OK) code = platform->ops->write_at(platform, file, 0, bytes, sizeof bytes, err);
    if (code != WG_OK) {
        platform->ops->close(platform, file);
        platform->ops->unlink(platform, path, NULL);
        return code;
    }
    *out = file;
    return WG_OK;
}

void wgi_wal_chain_begin(wg_sha256_state *state, const wg_sha256 *before, uint64_t logseq, uint64_t size) {
    uint8_t head[48];
    memcpy(head, before->bytes, 32);
    wg_store_u64le(head + 32, logseq);
    wg_store_u64le(head + 40, size);
    wg_sha256_add(state, head, sizeof head);
}

bool wgi_wal_header_states_chain(const wal_header *header) {
    return header->first_logseq == 1 || wgi_wal_used(header->chain.bytes, sizeof header->chain.bytes) != 0;
}

void wgi_wal_chain_next(wg_sha256_state *state, const wg_sha256 *before, uint64_t logseq, const wg_slice *parts,
                        size_t part_count, wg_sha256 *out) {
    uint64_t size = 0;
    for (size_t i = 0; i < part_count; i++) size += parts[i].size;
    wgi_wal_chain_begin(state, before, logseq, size);
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].size != 0) wg_sha256_add(state, parts[i].data, parts[i].size);
    wg_sha256_finish(state, out);
}

void wgi_wal_head_encode(const wal_head *head, const uint8_t uuid[16], uint8_t out[WAL_HEAD_BYTES]) {
    memset(out, 0, WAL_HEAD_BYTES);
    memcpy(out + WAL_HEAD_MAGIC, head_magic, sizeof head_magic);
    wg_store_u32le(out + WAL_HEAD_VERSION, WAL_VERSION);
    wg_store_u32le(out + WAL_HEAD_SIZE, WAL_HEAD_BYTES);
    memcpy(out + WAL_HEAD_UUID, uuid, 16);
    wg_store_u64le(out + WAL_HEAD_POSITION, head->durable);
    wg_store_u64le(out + WAL_HEAD_LOGSEQ, head->logseq);
    wg_store_u32le(out + WAL_HEAD_CRC, wg_crc32(0, out, WAL_HEAD_CRC));
}

bool wgi_wal_head_decode(const uint8_t *in, size_t size, const uint8_t uuid[16], wal_head *out) {
    if (size < WAL_HEAD_BYTES || memcmp(in, head_magic, sizeof head_magic) != 0) return false;
    if (wg_load_u32le(in + WAL_HEAD_CRC) != wg_crc32(0, in, WAL_HEAD_CRC)) return false;
    if (wg_load_u32le(in + WAL_HEAD_VERSION) != WAL_VERSION) return false;
    if (memcmp(in + WAL_HEAD_UUID, uuid, 16) != 0) return false;
    *out =
        (wal_head){.durable = wg_load_u64le(in + WAL_HEAD_POSITION), .logseq = wg_load_u64le(in + WAL_HEAD_LOGSEQ)};
    return true;
}
