/* The scan: replays every whole commit in order and finds where the log ends, without changing a byte.
 *
 * Segments are read in the order of their numbers; a segment continues the log when its header is valid and says that
 * the one before ended where the scan stands. The scan stops at the first place that is no valid next frame and no next
 * segment. What lies behind the stop is residue. Every frame header and every segment header carries the position up to
 * which the log was known to be durable when it was written, so the residue tells whether the stop is a torn tail:
 *
 *   furthest durable position in any valid header  >  stop   ->  synced bytes were damaged: WG_E_CORRUPT
 *   else                                                      ->  torn tail: the log ends with the last whole commit
 *
 * A valid frame behind the stop alone proves no damage: of several commits that no sync has covered, a crash may keep the
 * later and lose the earlier. Frames that could never stand where they stand (a commit number twice, a new commit inside
 * another) are refused at once. Only headers are checked in the residue, so its cost is linear in its size.
 *
 * A log that was trimmed begins at a later segment. Its header says which commit is under way there and the chain value before it.
 * When that commit began earlier its frames are passed over, headers checked alone, because their payload checksums depend on
 * the missing ones; the chain is then unknown until the next segment header or the start's own value says it. Commits up to
 * `after` are checked and not replayed; with the chain value there the log must agree. */
#include "io/wal_store/wal_internal.h"

void wgi_wal_scan_init(wal_scan *scan, wg_platform *platform, const char *dir, const uint8_t uuid[16],
                       wg_account *account) {
    memset(scan, 0, sizeof *scan);
    scan->platform = platform;
    scan->dir = dir;
    scan->uuid = uuid;
    scan->start.first_segment = 1;
    scan->chain_known = true;
    wg_buf_init(&scan->numbers, account);
    wg_buf_init(&scan->bytes, account);
    wg_buf_init(&scan->commit, account);
}

void wgi_wal_scan_start_at(wal_scan *scan, const wg_wal_options *options) {
    WG_ASSERT(options->first_segment != 0);
    scan->start = (wal_start){
        .first_segment = options->first_segment, .after = options->after, .chain = options->chain, .any = false};
}

void wgi_wal_scan_deinit(wal_scan *scan) {
    wg_buf_deinit(&scan->numbers);
    wg_buf_deinit(&scan->bytes);
    wg_buf_deinit(&scan->commit);
    wg_sha256_end(scan->sha, NULL);
}

wg_code wgi_wal_scan_corrupt(const wal_scan *scan, wal_position at, const char *what, wg_error *err) {
    return wg_error_set(
        err, WG_E_CORRUPT, wal_position_offset(at), "log segment '%.90s/%020llu.wal' at offset %llu: %s", scan->dir,
        (unsigned long long)wal_position_segment(at), (unsigned long long)wal_position_offset(at), what);
}

/* A piece that is read at once when only its zeros are of interest, and zeros that are kept behind the last byte that is none: a
 * header can be decoded wherever something stands. */
enum { READ_PIECE = 256 << 10, ZEROS_KEPT = WAL_HEADER_BYTES + WAL_FRAME_BYTES };

/* Where the zeros at the end of the file begin. Segments are made of zeros, and most of the last one still is: it is read in pieces
 * from the end, so that its memory is not taken for them. */
static wg_code find_used(wal_scan *scan, wg_file *file, uint64_t size, uint64_t *out, wg_error *err) {
    uint8_t *const piece = scan->bytes.data;
    *out = 0;
    while (size > 0) {
        const uint64_t from = (size - 1) / READ_PIECE * READ_PIECE;
        size_t got = 0;
        WG_TRY(scan->platform->ops->read_at(scan->platform, file, from, piece, (size_t)(size - from), &got, err));
        const bool zeros = got == 0 || (piece[0] == 0 && memcmp(piece, piece + 1, got - 1) == 0);
        if (!zeros) {
            *out = from + wgi_wal_used(piece, got);
            return WG_OK;
        }
        size = from;
    }
    return WG_OK;
}

static wg_code read_used(wal_scan *scan, wg_file *file, uint64_t size, wg_error *err) {
    uint64_t used = 0;
    size_t got = 0;
    if (!wg_buf_reserve(&scan->bytes, READ_PIECE)) return wg_error_nomem(err, READ_PIECE);
    WG_TRY(find_used(scan, file, size, &used, err));
    if (!wg_buf_reserve(&scan->bytes, (size_t)used + ZEROS_KEPT)) return wg_error_nomem(err, (size_t)used);
    if (used > 0)
        WG_TRY(scan->platform->ops->read_at(scan->platform, file, 0, scan->bytes.data, (size_t)used, &got, err));
    memset(scan->bytes.data + got, 0, ZEROS_KEPT);
    scan->bytes.size = (size_t)wg_min_u64(size, got + ZEROS_KEPT);
    scan->file_bytes = size;
    return WG_OK;
}

static wg_code read_file(wal_scan *scan, const char *path, uint64_t number, wg_error *err) {
    const wg_platform_ops *ops = scan->platform->ops;
    wg_file *file = NULL;
    WG_TRY(ops->open(scan->platform, path, WG_OPEN_READ, &file, err));
    wg_file_info info;
    wg_code code = ops->file_info(scan->platform, file, &info, err);
    scan->bytes.size = 0;
    scan->base = scan->zeros_to = scan->loaded = 0;
    if (code == WG_OK && info.size > WAL_SEGMENT_BYTES_MAX)
        code = wgi_wal_scan_corrupt(scan, wal_position_of(number, 0), "the file is larger than any segment", err);
    if (code == WG_OK) code = read_used(scan, file, info.size, err);
    ops->close(scan->platform, file);
    return code;
}

wg_code wgi_wal_scan_header(wal_scan *scan, uint64_t number, wg_slice bytes, wal_header_state *out, wg_error *err) {
    const wal_position start = wal_position_of(number, 0);
    wal_header header;
    const wal_header_state state = wgi_wal_header_decode(bytes.data, bytes.size, scan->uuid, &header);
    switch (state) {
        case WAL_HEADER_NEWER:
            return wg_error_set(
                err, WG_E_VERSION, WAL_H_VERSION,
                "log segment '%.90s/%020llu.wal' has a format version or feature that this build does not read",
                scan->dir, (unsigned long long)number);
        case WAL_HEADER_FOREIGN:
            return wgi_wal_scan_corrupt(scan, start, "the segment belongs to another store", err);
        case WAL_HEADER_DAMAGED:
            break;
        case WAL_HEADER_VALID:
            if (header.number != number)
                return wgi_wal_scan_corrupt(scan, start, "the segment is another one, renamed", err);
            scan->header = header;
            break;
    }
    scan->segment_crc = wgi_wal_segment_crc(scan->uuid, number);
    *out = state;
    return WG_OK;
}

/* Makes bytes that are known to be zeros, up to offset `end` of the segment. */
static wg_code extend(wal_scan *scan, uint64_t end, wg_error *err) {
    if (end <= scan->bytes.size) return WG_OK;
    const size_t more = (size_t)(end - scan->bytes.size);
    if (!wg_buf_reserve(&scan->bytes, more)) return wg_error_nomem(err, more);
    memset(scan->bytes.data + scan->bytes.size, 0, more);
    scan->bytes.size += more;
    return WG_OK;
}

wg_code wgi_wal_scan_load(wal_scan *scan, uint64_t number, wal_header_state *out, wg_error *err) {
    char path[WAL_PATH_BYTES];
    if (scan->loaded != number) {
        WG_TRY(wgi_wal_path(scan->dir, number, path, err));
        WG_TRY(read_file(scan, path, number, err));
    }
    WG_TRY(wgi_wal_scan_header(scan, number, wg_buf_slice(&scan->bytes), out, err));
    scan->loaded = number;
    if (*out != WAL_HEADER_VALID) return WG_OK;
    if (scan->file_bytes > scan->header.segment_bytes)
        return wgi_wal_scan_corrupt(scan, wal_position_of(number, 0), "the file is larger than its header says", err);
    scan->zeros_to = scan->header.segment_bytes;
    return extend(scan, wg_min_u64(scan->zeros_to, scan->bytes.size + ZEROS_KEPT), err);
}

/* Compares the chain with the value that is known for `after`, or takes that one. */
static wg_code chain_arrived(wal_scan *scan, wg_error *err) {
    if (scan->last_logseq != scan->start.after || scan->start.any) return WG_OK;
    if (scan->chain_known && memcmp(scan->chain.bytes, scan->start.chain.bytes, 32) != 0)
        return wgi_wal_scan_corrupt(scan, scan->stop, "the chain of commits is not the one that the manifest states",
                                    err);
    scan->chain = scan->start.chain;
    scan->chain_known = true;
    return WG_OK;
}

/* The commit that began before the first segment is over. */
static wg_code skipped(wal_scan *scan, uint64_t logseq, wg_error *err) {
    scan->skipping = false;
    if (scan->start.any) scan->start.after = logseq;
    if (logseq > scan->start.after)
        return wgi_wal_scan_corrupt(scan, scan->stop, "the log begins in the middle of a commit that is needed", err);
    scan->last_logseq = logseq;
    scan->chain_known = false;
    memset(&scan->chain, 0, sizeof scan->chain);
    return chain_arrived(scan, err);
}

/* Hands a whole commit on. */
static wg_code commit_end(wal_scan *scan, uint64_t logseq, wg_slice payload, wg_error *err) {
    wg_sha256 chain = {{0}};
    if (scan->chain_known) wgi_wal_chain_next(scan->sha, &scan->chain, logseq, &payload, 1, &chain);
    const bool wanted = logseq > scan->start.after;
    if (wanted && scan->chain_out != NULL && !wgi_wal_chain_reserve(scan->chain_out, logseq))
        return wg_error_nomem(err, sizeof chain);
    if (wanted && scan->replay != NULL) WG_TRY(scan->replay(scan->ctx, logseq, payload, &chain, err));
    scan->chain = chain;
    scan->last_logseq = logseq;
    if (wanted && scan->chain_out != NULL) wgi_wal_chain_put(scan->chain_out, logseq, &chain);
    if (wanted) {
        scan->recovery.records++;
        scan->recovery.bytes += payload.size;
    }
    return wanted ? WG_OK : chain_arrived(scan, err);
}

/* Takes one frame whose checksums hold and whose place in the sequence is right. */
static wg_code frame_take(wal_scan *scan, const wal_frame *frame, wg_slice payload, wg_error *err) {
    scan->last_is_mark = frame->kind == WAL_MARK;
    scan->payload_crc = frame->payload_crc;
    scan->durable = wg_max_u64(scan->durable, frame->durable);
    switch (frame->kind) {
        case WAL_MARK:
            return WG_OK;
        case WAL_FULL:
            return commit_end(scan, frame->logseq, payload, err);
        case WAL_FIRST:
            scan->in_commit = true;
            scan->commit.size = 0;
            break;
        case WAL_MIDDLE:
        case WAL_LAST:
            break;
    }
    if (scan->skipping) {
        scan->in_commit = frame->kind != WAL_LAST;
        return scan->in_commit ? WG_OK : skipped(scan, frame->logseq, err);
    }
    if (scan->commit.size + payload.size > WG_WAL_COMMIT_BYTES_MAX)
        return wgi_wal_scan_corrupt(scan, scan->stop, "a commit is larger than the limit", err);
    if (!wg_buf_append(&scan->commit, payload.data, payload.size)) return wg_error_nomem(err, payload.size);
    if (frame->kind != WAL_LAST) return WG_OK;
    scan->in_commit = false;
    return commit_end(scan, frame->logseq, wg_buf_slice(&scan->commit), err);
}

/* Whether the first segment begins inside a commit. */
static bool begins_inside(const wal_scan *scan, const wal_frame *frame) {
    const bool rest = frame->kind == WAL_MIDDLE || frame->kind == WAL_LAST;
    return rest && !scan->in_commit && scan->stop == wal_position_of(scan->start.first_segment, WAL_HEADER_BYTES) &&
           scan->start.first_segment > 1 && frame->logseq == scan->header.first_logseq;
}

typedef enum frame_fit { FIT_NEXT, FIT_DAMAGE, FIT_IMPOSSIBLE } frame_fit;

/* Whether a frame with a valid header may follow what was scanned. */
static frame_fit frame_fits(const wal_scan *scan, const wal_frame *frame) {
    const bool starts = frame->kind == WAL_FULL || frame->kind == WAL_FIRST;
    if (scan->in_commit) {
        if (starts || frame->kind == WAL_MARK) return FIT_IMPOSSIBLE;
        return frame->logseq == scan->last_logseq + 1 ? FIT_NEXT : FIT_DAMAGE;
    }
    if (starts) return frame->logseq == scan->last_logseq + 1 ? FIT_NEXT : FIT_IMPOSSIBLE;
    if (frame->kind == WAL_MARK)
        return frame->logseq == scan->last_logseq && frame->durable == scan->stop ? FIT_NEXT : FIT_IMPOSSIBLE;
    return FIT_DAMAGE; /* the rest of an attempt that failed and could not be seen to be wiped */
}

static bool payload_is_whole(const wal_scan *scan, const wal_frame *frame, wal_place place, const uint8_t *payload,
                             bool first_of_rest) {
    const size_t padding = (size_t)wal_frame_size(frame->payload_bytes) - WAL_FRAME_BYTES - frame->payload_bytes;
    if (wgi_wal_used(payload + frame->payload_bytes, padding) != 0) return false;
    if (first_of_rest) return true; /* its checksum takes in that of a frame which is gone */
    const uint32_t before = scan->in_commit ? scan->payload_crc : 0;
    return wgi_wal_payload_crc(place, before, payload, frame->payload_bytes) == frame->payload_crc;
}

wg_code wgi_wal_scan_frames(wal_scan *scan, wg_error *err) {
    const uint64_t number = wal_position_segment(scan->stop);
    const uint64_t end = wg_max_u64(scan->base + scan->bytes.size, scan->zeros_to);
    uint64_t offset = wal_position_offset(scan->stop);
    WG_ASSERT(offset >= scan->base);
    while (offset + WAL_FRAME_BYTES <= end) {
        const wal_place place = {.segment_crc = scan->segment_crc, .offset = (uint32_t)offset};
        wal_frame frame;
        scan->stop = wal_position_of(number, offset);
        if (scan->zeros_to != 0) WG_TRY(extend(scan, offset + WAL_FRAME_BYTES, err));
        const uint8_t *bytes = scan->bytes.data + (offset - scan->base);
        if (!wgi_wal_frame_decode(bytes, place, &frame)) return WG_OK;
        const bool first_of_rest = begins_inside(scan, &frame);
        if (first_of_rest) scan->in_commit = scan->skipping = true;
        const frame_fit fit = frame_fits(scan, &frame);
        if (fit == FIT_IMPOSSIBLE)
            return wgi_wal_scan_corrupt(scan, scan->stop,
                                        "a valid frame out of order: a commit number repeated or skipped", err);
        const uint64_t size = wal_frame_size(frame.payload_bytes);
        if (fit == FIT_DAMAGE || frame.durable > scan->stop || size > end - offset) return WG_OK;
        if (scan->zeros_to != 0) WG_TRY(extend(scan, offset + size, err)); /* a payload may end in zeros */
        bytes = scan->bytes.data + (offset - scan->base);
        if (!payload_is_whole(scan, &frame, place, bytes + WAL_FRAME_BYTES, first_of_rest)) return WG_OK;
        WG_TRY(frame_take(scan, &frame, wg_slice_of(bytes + WAL_FRAME_BYTES, frame.payload_bytes), err));
        offset += size;
        scan->stop = wal_position_of(number, offset);
        if (!scan->in_commit) scan->cut = scan->stop;
    }
    return WG_OK;
}

/* Looks at every aligned offset for a header that says what was durable. */
static void residue_frames(wal_scan *scan, uint64_t offset) {
    const size_t used = wgi_wal_used(scan->bytes.data, scan->bytes.size);
    if (used <= offset) return;
    scan->recovery.torn_tail_bytes += used - offset;
    for (; offset + WAL_FRAME_BYTES <= scan->bytes.size && offset < used; offset += WAL_ALIGN) {
        const wal_place place = {.segment_crc = scan->segment_crc, .offset = (uint32_t)offset};
        wal_frame frame;
        if (wgi_wal_frame_decode(scan->bytes.data + offset, place, &frame))
            scan->durable = wg_max_u64(scan->durable, frame.durable);
    }
}

static uint64_t number_at(const wal_scan *scan, size_t i) { return wg_load_u64le(scan->numbers.data + 8 * i); }

static bool segment_continues(const wal_scan *scan, wal_header_state state) {
    return state == WAL_HEADER_VALID && scan->header.previous_end == scan->stop &&
           scan->header.first_logseq == scan->last_logseq + 1 && scan->header.durable <= scan->stop &&
           (!scan->chain_known || !wgi_wal_header_states_chain(&scan->header) ||
            memcmp(scan->header.chain.bytes, scan->chain.bytes, 32) == 0);
}

/* The loaded segment is the first one: takes from its header where the log stands there. */
static wg_code start_here(wal_scan *scan, wal_header_state state, wg_error *err) {
    const uint64_t first = scan->start.first_segment;
    scan->stop = wal_position_of(first, 0);
    if (state == WAL_HEADER_VALID && first > 1) {
        scan->stop = scan->header.previous_end;
        scan->last_logseq = scan->header.first_logseq - 1;
        scan->chain = scan->header.chain;
        scan->chain_known = wgi_wal_header_states_chain(&scan->header);
    } else if (first == 1) {
        scan->stop = 0; /* and zeros in the rest: a log that begins here has no history */
    }
    if (!segment_continues(scan, state) ||
        (first > 1 && wal_position_segment(scan->header.previous_end) != first - 1))
        return wgi_wal_scan_corrupt(scan, wal_position_of(first, 0), "the header of the first segment is damaged",
                                    err);
    if (scan->start.any) scan->start.after = scan->last_logseq;
    if (scan->last_logseq > scan->start.after)
        return wgi_wal_scan_corrupt(scan, wal_position_of(first, 0),
                                    "commits between the manifest's and this segment are missing", err);
    return chain_arrived(scan, err);
}

wg_code wgi_wal_scan_enter(wal_scan *scan, wal_header_state state, bool *out_continues, wg_error *err) {
    const uint64_t number = scan->header.number;
    if (scan->recovery.segments == 0) WG_TRY(start_here(scan, state, err));
    *out_continues = segment_continues(scan, state);
    if (!*out_continues) return WG_OK;
    if (!scan->chain_known && !scan->in_commit && wgi_wal_header_states_chain(&scan->header)) {
        scan->chain = scan->header.chain;
        scan->chain_known = true;
    }
    scan->recovery.segments++;
    scan->durable = wg_max_u64(scan->durable, scan->header.durable);
    scan->stop = wal_position_of(number, WAL_HEADER_BYTES);
    if (!scan->in_commit) scan->cut = scan->stop;
    return WG_OK;
}

/* The first commit that begins in the segment just walked from its start, or behind it. */
static wg_code note_segment(wal_scan *scan, bool inside, wg_error *err) {
    if (scan->notes_out == NULL) return WG_OK;
    if (!wgi_wal_note_reserve(scan->notes_out, 1)) return wg_error_nomem(err, sizeof(wal_note));
    wgi_wal_note_put(scan->notes_out, scan->header.number, scan->header.first_logseq + (inside ? 1 : 0));
    return WG_OK;
}

/* Whether the frame at the beginning of the loaded segment belongs to a commit of the segment before. */
static bool segment_begins_inside(const wal_scan *scan) {
    const wal_place place = {.segment_crc = scan->segment_crc, .offset = WAL_HEADER_BYTES};
    wal_frame frame;
    if (scan->bytes.size < WAL_HEADER_BYTES + WAL_FRAME_BYTES) return false;
    return wgi_wal_frame_decode(scan->bytes.data + WAL_HEADER_BYTES, place, &frame) &&
           (frame.kind == WAL_MIDDLE || frame.kind == WAL_LAST);
}

static wg_code scan_segments(wal_scan *scan, size_t from, size_t *out_residue_from, wg_error *err) {
    const size_t count = scan->numbers.size / 8;
    size_t i = from;
    for (; i < count; i++) {
        wal_header_state state = WAL_HEADER_DAMAGED;
        bool continues = false;
        if (number_at(scan, i) != scan->start.first_segment + (i - from)) break; /* a segment is missing */
        WG_TRY(wgi_wal_scan_load(scan, number_at(scan, i), &state, err));
        WG_TRY(wgi_wal_scan_enter(scan, state, &continues, err));
        if (!continues) break;
        const bool first = i == from;
        WG_TRY(note_segment(scan, scan->in_commit || (first && segment_begins_inside(scan)), err));
        WG_TRY(wgi_wal_scan_frames(scan, err));
        const uint64_t end = wal_position_offset(scan->stop);
        if (wgi_wal_used(scan->bytes.data, scan->bytes.size) <= end) continue;
        residue_frames(scan, end);
        i++;
        break;
    }
    *out_residue_from = i;
    return WG_OK;
}

/* The segments behind the stop. */
static wg_code scan_residue(wal_scan *scan, size_t from, wg_error *err) {
    for (size_t i = from; i < scan->numbers.size / 8; i++) {
        wal_header_state state = WAL_HEADER_DAMAGED;
        if (number_at(scan, i) > UINT32_MAX)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "log '%.120s': a segment number is over 2^32",
                                scan->dir);
        WG_TRY(wgi_wal_scan_load(scan, number_at(scan, i), &state, err));
        if (state == WAL_HEADER_VALID) scan->durable = wg_max_u64(scan->durable, scan->header.durable);
        residue_frames(scan, 0);
    }
    return WG_OK;
}

/* Where in the list the log begins. Without a start: at segment 1, else at the first of the newest run without gaps, because
 * a crash may undo a part of a trim. */
static wg_code find_first(wal_scan *scan, size_t *out, wg_error *err) {
    const size_t count = scan->numbers.size / 8;
    size_t i = 0;
    if (scan->start.any && count > 0 && number_at(scan, 0) != 1) {
        i = count - 1;
        while (i > 0 && number_at(scan, i - 1) + 1 == number_at(scan, i)) i--;
        scan->start.first_segment = number_at(scan, i);
    }
    while (i < count && number_at(scan, i) < scan->start.first_segment) i++;
    if (i == count || number_at(scan, i) != scan->start.first_segment)
        return wgi_wal_scan_corrupt(scan, wal_position_of(scan->start.first_segment, 0),
                                    "the first segment that is needed is missing", err);
    *out = i;
    return WG_OK;
}

wg_code wgi_wal_scan_run(wal_scan *scan, wg_error *err) {
    scan->sha = wg_sha256_begin();
    if (scan->sha == NULL) return wg_error_nomem(err, 0);
    WG_TRY(wgi_wal_list(scan->platform, scan->dir, &scan->numbers, err));
    if (scan->numbers.size == 0 && scan->start.first_segment == 1 && scan->start.after == 0)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no log in '%.150s'", scan->dir);
    size_t residue_from = 0;
    size_t first = 0;
    WG_TRY(find_first(scan, &first, err));
    WG_TRY(scan_segments(scan, first, &residue_from, err));
    const wal_position stop = scan->stop;
    WG_TRY(scan_residue(scan, residue_from, err));
    WG_ASSERT(scan->cut <= stop);
    if (scan->durable > stop)
        return wgi_wal_scan_corrupt(scan, stop, "damaged or missing bytes that were synced: later ones prove it",
                                    err);
    if (scan->last_logseq < scan->start.after)
        return wgi_wal_scan_corrupt(
            scan, stop, "the log ends before the commit up to which the manifest says that it is durable", err);
    /* An unfinished commit is a torn tail, however whole its frames are. */
    if (scan->in_commit) scan->recovery.torn_tail_bytes += WAL_FRAME_BYTES + scan->commit.size;
    scan->recovery.last_logseq = scan->last_logseq;
    scan->recovery.chain = scan->chain;
    return WG_OK;
}

static wg_code scan_with(wal_scan *scan, wg_wal_replay_fn replay, void *ctx, wg_wal_recovery *recovery,
                         wg_error *err) {
    scan->replay = replay;
    scan->ctx = ctx;
    const wg_code code = wgi_wal_scan_run(scan, err);
    if (code == WG_OK && recovery != NULL) *recovery = scan->recovery;
    wgi_wal_scan_deinit(scan);
    return code;
}

wg_code wg_wal_scan(wg_platform *platform, const char *dir, const uint8_t store_uuid[16], wg_wal_replay_fn replay,
                    void *ctx, wg_wal_recovery *recovery, wg_error *err) {
    wal_scan scan;
    wgi_wal_scan_init(&scan, platform, dir, store_uuid, NULL);
    scan.start.any = true;
    return scan_with(&scan, replay, ctx, recovery, err);
}

wg_code wg_wal_scan_from(wg_platform *platform, const char *dir, const wg_wal_options *options,
                         wg_wal_replay_fn replay, void *ctx, wg_wal_recovery *recovery, wg_error *err) {
    wal_scan scan;
    wg_wal_options start = *options;
    start.first_segment = wg_max_u64(1, start.first_segment);
    wgi_wal_scan_init(&scan, platform, dir, options->store_uuid, options->account);
    wgi_wal_scan_start_at(&scan, &start);
    return scan_with(&scan, replay, ctx, recovery, err);
}
