/* Following a log that another process writes, without a lock and without a write.
 *
 * Everything before the durable position never changes again, so a follower reads up to there and no further, checks it as a
 * recovery does, and finds it whole or reports damage. The position comes from wal/HEAD. Where that is absent or torn the
 * follower first walks the headers of the frames that lie ahead: each carries the durable position of the moment when it was
 * written, and the furthest one is the bound; the newest sync is then seen with the next commit.
 *
 *   bound in this segment      every byte up to it must be whole frames, the last one ending there
 *   bound in a later segment   frames up to where they end here; then the next segment, whose header must continue the log
 *
 * A segment that is missing was trimmed: WG_E_EXPIRED. The bound always lies between commits, so a call ends between
 * commits too; after an error the follower goes back behind the last commit that was handed on. */
#include "io/wal_store/wal_internal.h"

struct wg_wal_follower {
    wg_platform *platform;
    char *dir;
    wg_wal_options options;
    wal_chain chain;
    wal_scan scan;
    wg_file *file; /* segment of scan.stop; NULL: to be opened */
};

static void segment_close(wg_wal_follower *f) {
    if (f->file != NULL) f->platform->ops->close(f->platform, f->file);
    f->file = NULL;
}

/* Whether the directory holds any segment: none at all is no log, rather than a trimmed one. */
static wg_code missing(wg_wal_follower *f, uint64_t number, wg_error *err) {
    wg_error seen = {0};
    const wg_code code = wgi_wal_list(f->platform, f->dir, &f->scan.numbers, &seen);
    if (code == WG_E_NOT_FOUND || (code == WG_OK && f->scan.numbers.size == 0))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no log in '%.150s'", f->dir);
    if (code != WG_OK) return wg_error_set_sys(err, code, seen.sys_errno, "cannot list the log in '%.120s'", f->dir);
    return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                        "log segment %llu is gone since a checkpoint: read the manifest again",
                        (unsigned long long)number);
}

/* Reads bytes [from, to) of the open segment, fewer at the end of the file, into scan.bytes. */
static wg_code window_read(wg_wal_follower *f, uint64_t from, uint64_t to, wg_error *err) {
    wal_scan *scan = &f->scan;
    size_t got = 0;
    WG_ASSERT(from <= to);
    scan->bytes.size = 0;
    scan->base = from;
    if (!wg_buf_reserve(&scan->bytes, (size_t)(to - from) + 1)) return wg_error_nomem(err, (size_t)(to - from));
    WG_TRY(f->platform->ops->read_at(f->platform, f->file, from, scan->bytes.data, (size_t)(to - from), &got, err));
    scan->bytes.size = got;
    return WG_OK;
}

/* Opens a segment and takes its header. */
static wg_code segment_open(wg_wal_follower *f, uint64_t number, wal_header_state *out, wg_error *err) {
    char path[WAL_PATH_BYTES];
    wg_error seen = {0};
    segment_close(f);
    WG_TRY(wgi_wal_path(f->dir, number, path, err));
    const wg_code code = f->platform->ops->open(f->platform, path, WG_OPEN_READ, &f->file, &seen);
    if (code == WG_E_NOT_FOUND) return missing(f, number, err);
    if (code != WG_OK) {
        f->file = NULL;
        return wg_error_set_sys(err, code, seen.sys_errno, "cannot open log segment '%.120s'", path);
    }
    WG_TRY(window_read(f, 0, WAL_HEADER_BYTES, err));
    return wgi_wal_scan_header(&f->scan, number, wg_buf_slice(&f->scan.bytes), out, err);
}

/* Steps into the segment that must continue the log. */
static wg_code segment_enter(wg_wal_follower *f, uint64_t number, wg_error *err) {
    wal_header_state state = WAL_HEADER_DAMAGED;
    bool continues = false;
    WG_TRY(segment_open(f, number, &state, err));
    WG_TRY(wgi_wal_scan_enter(&f->scan, state, &continues, err));
    if (continues) return WG_OK;
    return wgi_wal_scan_corrupt(&f->scan, f->scan.stop,
                                "damaged bytes that were synced: the next segment does not continue here", err);
}

/* Stands behind the last whole commit, with its segment open. */
static wg_code stand(wg_wal_follower *f, wg_error *err) {
    wal_scan *scan = &f->scan;
    wal_header_state state = WAL_HEADER_DAMAGED;
    if (f->file != NULL) return WG_OK;
    if (scan->cut == 0) { /* not one commit yet: from the start */
        wgi_wal_scan_deinit(scan);
        wgi_wal_scan_init(scan, f->platform, f->dir, f->options.store_uuid, f->options.account);
        wgi_wal_scan_start_at(scan, &f->options);
        scan->chain_out = &f->chain;
        scan->sha = wg_sha256_begin();
        if (scan->sha == NULL) return wg_error_nomem(err, 0);
        return segment_enter(f, f->options.first_segment, err);
    }
    scan->stop = scan->cut;
    scan->in_commit = scan->skipping = false;
    WG_TRY(segment_open(f, wal_position_segment(scan->cut), &state, err));
    if (state == WAL_HEADER_VALID) return WG_OK;
    return wgi_wal_scan_corrupt(scan, wal_position_of(wal_position_segment(scan->cut), 0),
                                "the header of a segment that was read before is damaged", err);
}

/* ---- the bound */

static bool head_read(wg_wal_follower *f, wal_position *out) {
    enum { TRIES = 3 }; /* a read beside a write may be torn */
    char path[WAL_PATH_BYTES];
    uint8_t bytes[WAL_HEAD_BYTES];
    wg_file *file = NULL;
    wal_head head;
    size_t got = 0;
    bool ok = false;
    if (wgi_wal_path_of(f->dir, WAL_HEAD_NAME, path, NULL) != WG_OK) return false;
    if (f->platform->ops->open(f->platform, path, WG_OPEN_READ, &file, NULL) != WG_OK) return false;
    for (int i = 0; i < TRIES && !ok; i++)
        ok = f->platform->ops->read_at(f->platform, file, 0, bytes, sizeof bytes, &got, NULL) == WG_OK &&
             wgi_wal_head_decode(bytes, got, f->options.store_uuid, &head);
    f->platform->ops->close(f->platform, file);
    if (ok) *out = head.durable;
    return ok;
}

/* Walks frame headers from `offset` to where they end, without their payloads. Gives the furthest durable position. */
static wg_code walk_headers(wg_wal_follower *f, uint64_t number, uint64_t *offset, wal_position *bound,
                            wg_error *err) {
    WG_TRY(window_read(f, *offset, f->scan.header.segment_bytes, err));
    const uint64_t end = f->scan.base + f->scan.bytes.size;
    while (*offset + WAL_FRAME_BYTES <= end) {
        const wal_place place = {.segment_crc = f->scan.segment_crc, .offset = (uint32_t)*offset};
        wal_frame frame;
        if (!wgi_wal_frame_decode(f->scan.bytes.data + (*offset - f->scan.base), place, &frame)) return WG_OK;
        const uint64_t size = wal_frame_size(frame.payload_bytes);
        if (frame.durable > wal_position_of(number, *offset) || size > end - *offset) return WG_OK;
        *bound = wg_max_u64(*bound, frame.durable);
        *offset += size;
    }
    return WG_OK;
}

/* The furthest durable position that headers ahead of the follower state. Leaves the follower where it stood. */
static wg_code bound_from_frames(wg_wal_follower *f, wal_position *out, wg_error *err) {
    wal_scan *scan = &f->scan;
    const wal_header header = scan->header;
    uint64_t number = wal_position_segment(scan->stop);
    uint64_t offset = wal_position_offset(scan->stop);
    *out = wg_max_u64(*out, header.durable);
    for (;;) {
        wal_header_state state = WAL_HEADER_DAMAGED;
        wg_error ahead = {0};
        WG_TRY(walk_headers(f, number, &offset, out, err));
        const wal_position end = wal_position_of(number, offset);
        if (segment_open(f, ++number, &state, &ahead) != WG_OK)
            break; /* not there yet, or no matter before the bound */
        if (state != WAL_HEADER_VALID || scan->header.previous_end != end) break;
        *out = wg_max_u64(*out, wg_min_u64(scan->header.durable, end));
        offset = WAL_HEADER_BYTES;
    }
    return segment_open(f, wal_position_segment(scan->stop), &(wal_header_state){WAL_HEADER_DAMAGED}, err);
}

/* ---- entry points */

static wg_code read_on(wg_wal_follower *f, wg_wal_replay_fn replay, void *ctx, wg_error *err) {
    wal_scan *scan = &f->scan;
    wal_position bound = 0;
    WG_TRY(stand(f, err));
    scan->replay = replay;
    scan->ctx = ctx;
    if (!head_read(f, &bound)) WG_TRY(bound_from_frames(f, &bound, err));
    while (bound > scan->stop) {
        const uint64_t number = wal_position_segment(scan->stop);
        const bool last = wal_position_segment(bound) == number;
        const uint64_t end = last ? wal_position_offset(bound) : scan->header.segment_bytes;
        if (end > scan->header.segment_bytes)
            return wgi_wal_scan_corrupt(scan, bound, "the durable position lies behind the end of its segment", err);
        WG_TRY(window_read(f, wal_position_offset(scan->stop), end, err));
        WG_TRY(wgi_wal_scan_frames(scan, err));
        if (!last) WG_TRY(segment_enter(f, number + 1, err));
        else if (scan->stop != bound || scan->in_commit)
            return wgi_wal_scan_corrupt(scan, scan->stop, "damaged or missing bytes that were synced", err);
    }
    return WG_OK;
}

/* A trimmed segment may be written over while a follower still has it open: what looks like damage is none when the name is gone. */
static wg_code doubt(wg_wal_follower *f, wg_code code, wg_error *seen, wg_error *err) {
    char path[WAL_PATH_BYTES];
    wg_file_info info;
    const uint64_t number = wal_position_segment(f->scan.stop);
    if (code == WG_E_CORRUPT && wgi_wal_path(f->dir, number, path, NULL) == WG_OK &&
        f->platform->ops->stat(f->platform, path, &info, NULL) == WG_E_NOT_FOUND)
        return missing(f, number, err);
    if (err != NULL && err->code == WG_OK) *err = *seen;
    return code;
}

wg_code wg_wal_follow(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_wal_follower **out,
                      wg_error *err) {
    const size_t dir_size = strlen(dir) + 1;
    wg_wal_follower *f = wg_alloc_zero(options->account, sizeof *f);
    if (f == NULL) return wg_error_nomem(err, sizeof *f);
    f->platform = platform;
    f->options = *options;
    f->options.first_segment = wg_max_u64(1, options->first_segment);
    wgi_wal_chain_init(&f->chain, options->account, options->after, &options->chain);
    f->dir = wg_alloc(options->account, dir_size);
    wg_code code = f->dir == NULL ? wg_error_nomem(err, dir_size) : WG_OK;
    if (code == WG_OK) {
        memcpy(f->dir, dir, dir_size);
        code = stand(f, err);
    }
    if (code != WG_OK) {
        wg_wal_follower_close(f);
        return code;
    }
    *out = f;
    return WG_OK;
}

wg_code wg_wal_follower_read(wg_wal_follower *follower, wg_wal_replay_fn replay, void *ctx, uint64_t *out_commits,
                             wg_error *err) {
    const uint64_t before = follower->chain.last;
    wg_error seen = {0};
    wg_code code = read_on(follower, replay, ctx, &seen);
    if (code != WG_OK) code = doubt(follower, code, &seen, err);
    if (code != WG_OK) segment_close(follower); /* and the next call stands behind the last commit again */
    else *out_commits = follower->chain.last - before;
    return code;
}

bool wg_wal_follower_chain_at(const wg_wal_follower *follower, uint64_t logseq, wg_sha256 *out) {
    return wgi_wal_chain_get(&follower->chain, logseq, out);
}

void wg_wal_follower_chain_forget(wg_wal_follower *follower, uint64_t logseq) {
    wgi_wal_chain_forget(&follower->chain, logseq);
}

uint64_t wg_wal_follower_last_logseq(const wg_wal_follower *follower) { return follower->chain.last; }

void wg_wal_follower_close(wg_wal_follower *follower) {
    if (follower == NULL) return;
    segment_close(follower);
    wgi_wal_scan_deinit(&follower->scan);
    wgi_wal_chain_deinit(&follower->chain);
    wg_free(follower->dir);
    wg_free(follower);
}
