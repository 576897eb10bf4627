/* Appending: a commit becomes frames, one write each; segments rotate; a failure is taken back whole.
 *
 * A commit is one FULL frame, or FIRST, MIDDLE.., LAST when it is over 1 MiB or passes the end of a segment. All frames of
 * a commit carry the durable position of its start, so that the frames of an unfinished commit never claim that part of
 * it is safe. The last 32 bytes of each segment are kept for the mark of a clean close. Rotation makes the next segment
 * under the append lock but syncs nothing: the old file waits in `retired` for the next leader of a sync (wal_sync.c).
 *
 * Failure: segments made by the commit are removed and its bytes are overwritten with zeros; when that succeeds too the
 * log is as it was and stays usable, else it is poisoned. */
#include "io/wal_store/wal_internal.h"

/* ---- one commit under way */

typedef struct commit {
    const wg_slice *parts; /* what is left to write begins in parts[0] at `skip` */
    size_t skip;
    uint64_t left;
    uint64_t logseq;
    wal_position durable; /* of every frame of this commit */
    uint32_t payload_crc;
    bool started;
    /* where it began */
    uint64_t start_number;
    uint32_t start_offset;
    uint32_t dirty_end; /* of the first segment: bytes may have been written up to here */
} commit;

static uint32_t room_in(const wg_wal *wal) {
    const uint32_t limit = wal->segment_bytes - WAL_FRAME_BYTES; /* the mark of a clean close always fits */
    return wal->offset >= limit ? 0 : limit - wal->offset;
}

/* Payload bytes of the next frame; 0: rotate first. */
static uint32_t frame_room(const wg_wal *wal, const commit *c) {
    const uint32_t room = room_in(wal);
    const uint64_t whole = wal_frame_size(c->left);
    const bool empty = wal->offset == WAL_HEADER_BYTES;
    if (c->left <= WG_WAL_FRAME_PAYLOAD_BYTES_MAX && whole <= room) return (uint32_t)c->left;
    if (room <= WAL_FRAME_BYTES || (!empty && room < WAL_FRAME_BYTES + WAL_SPLIT_BYTES_MIN && !(c->started)))
        return 0;
    const uint32_t fits = (room - WAL_FRAME_BYTES) & ~(uint32_t)(WAL_ALIGN - 1);
    return (uint32_t)wg_min_u64(wg_min_u64(fits, c->left), WG_WAL_FRAME_PAYLOAD_BYTES_MAX);
}

/* Copies the next `size` payload bytes. */
static void payload_copy(commit *c, uint8_t *to, size_t size) {
    while (size > 0) {
        const wg_slice part = wg_slice_of(c->parts->data + c->skip, c->parts->size - c->skip);
        const size_t n = wg_min_size(size, part.size);
        if (n != 0) memcpy(to, part.data, n);
        to += n;
        size -= n;
        c->left -= n;
        c->skip += n;
        if (c->skip == c->parts->size && (size > 0 || c->left > 0)) {
            c->parts++;
            c->skip = 0;
        }
    }
}

static wg_code frame_write(wg_wal *wal, commit *c, uint32_t payload_bytes, wg_error *err) {
    const size_t size = (size_t)wal_frame_size(payload_bytes);
    const wal_place place = {.segment_crc = wal->segment_crc, .offset = wal->offset};
    wal->frame.size = 0;
    if (!wg_buf_reserve(&wal->frame, size)) return wg_error_nomem(err, size);
    uint8_t *bytes = wal->frame.data;
    payload_copy(c, bytes + WAL_FRAME_BYTES, payload_bytes);
    memset(bytes + WAL_FRAME_BYTES + payload_bytes, 0, size - WAL_FRAME_BYTES - payload_bytes);
    wal_kind kind = WAL_FULL;
    if (c->left > 0) kind = c->started ? WAL_MIDDLE : WAL_FIRST;
    else if (c->started) kind = WAL_LAST;
    c->payload_crc =
        wgi_wal_payload_crc(place, c->started ? c->payload_crc : 0, bytes + WAL_FRAME_BYTES, payload_bytes);
    const wal_frame frame = {.payload_bytes = payload_bytes,
                             .kind = kind,
                             .logseq = c->logseq,
                             .durable = c->durable,
                             .payload_crc = c->payload_crc};
    wgi_wal_frame_encode(&frame, place, bytes);
    if (wal->number == c->start_number) c->dirty_end = wal->offset + (uint32_t)size;
    WG_TRY(wal->platform->ops->write_at(wal->platform, wal->file, wal->offset, bytes, size, err));
    wal->offset += (uint32_t)size;
    c->started = true;
    return WG_OK;
}

/* ---- rotation */

static bool retired_reserve(wal_retired_list *list) {
    if (list->count < list->capacity) return true;
    const size_t wanted = wg_max_size(4, list->capacity * 2);
    wal_retired *items = wg_realloc(NULL, list->items, wanted * sizeof *items);
    if (items == NULL) return false;
    list->items = items;
    list->capacity = wanted;
    return true;
}

static wg_code rotate(wg_wal *wal, const commit *c, wg_error *err) {
    if (wal->number >= UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the log has 2^32 segments: no more can be made");
    if (!retired_reserve(&wal->retired) || !wgi_wal_note_reserve(&wal->notes))
        return wg_error_nomem(err, sizeof(wal_retired));
    const wal_header header = {.number = wal->number + 1,
                               .segment_bytes = wal->options.segment_bytes,
                               .first_logseq = c->logseq,
                               .previous_end = wal_position_of(wal->number, wal->offset),
                               .durable = c->durable,
                               .chain = wal->chain.head};
    char path[WAL_PATH_BYTES];
    wg_file *file = NULL;
    WG_TRY(wgi_wal_path(wal->dir, header.number, path, err));
    wal->directory_dirty = true; /* even a failed attempt may have made and removed a name */
    WG_TRY(wgi_wal_segment_make(wal->platform, path, &header, wal->options.store_uuid, &file, err));
    wal->retired.items[wal->retired.count++] = (wal_retired){
        .file = wal->file, .number = wal->number, .segment_bytes = wal->segment_bytes, .end = wal->offset};
    wal->file = file;
    wal->number = header.number;
    wal->segment_bytes = header.segment_bytes;
    wal->segment_crc = wgi_wal_segment_crc(wal->options.store_uuid, header.number);
    wal->offset = WAL_HEADER_BYTES;
    wgi_wal_note_put(&wal->notes, header.number, c->started ? c->logseq + 1 : c->logseq);
    atomic_fetch_add_explicit(&wal->segments, 1, memory_order_relaxed);
    return WG_OK;
}

/* ---- taking a failed commit back */

static wg_code remove_newest_segment(wg_wal *wal, wg_error *err) {
    char path[WAL_PATH_BYTES];
    WG_ASSERT(wal->retired.count > 0);
    const wal_retired before = wal->retired.items[--wal->retired.count];
    wal->platform->ops->close(wal->platform, wal->file);
    wg_code code = wgi_wal_path(wal->dir, wal->number, path, err);
    if (code == WG_OK) code = wal->platform->ops->unlink(wal->platform, path, err);
    wal->file = before.file;
    wal->number = before.number;
    wal->segment_bytes = before.segment_bytes;
    wal->segment_crc = wgi_wal_segment_crc(wal->options.store_uuid, before.number);
    wal->offset = before.end;
    wal->notes.count--;
    atomic_fetch_sub_explicit(&wal->segments, 1, memory_order_relaxed);
    return code;
}

static wg_code take_back(wg_wal *wal, const commit *c, wg_error *err) {
    wg_code code = WG_OK;
    while (wal->number > c->start_number) {
        const wg_code removed = remove_newest_segment(wal, err);
        if (code == WG_OK) code = removed;
    }
    wal->offset = c->start_offset;
    if (c->dirty_end > c->start_offset) {
        const uint64_t size = c->dirty_end - c->start_offset;
        const wg_code wiped = wgi_wal_write_zeros(wal->platform, wal->file, c->start_offset, size, err);
        if (code == WG_OK) code = wiped;
    }
    return code;
}

static wg_code commit_write(wg_wal *wal, commit *c, wg_error *err) {
    do {
        uint32_t payload_bytes = frame_room(wal, c);
        if (payload_bytes == 0 && (c->left != 0 || room_in(wal) < WAL_FRAME_BYTES)) {
            WG_TRY(rotate(wal, c, err));
            payload_bytes = frame_room(wal, c);
            WG_ASSERT(payload_bytes > 0 || c->left == 0);
        }
        WG_TRY(frame_write(wal, c, payload_bytes, err));
    } while (c->left > 0);
    return WG_OK;
}

/* ---- entry points */

/* Wakes the background thread for a first unsynced commit, and when a batch is full. */
static void nudge_sleeper(wg_wal *wal, uint64_t logseq) {
    const uint64_t durable = atomic_load(&wal->durable_logseq); /* may have passed `logseq` by now */
    const uint64_t unsynced = logseq > durable ? logseq - durable : 0;
    bool wake = atomic_load(&wal->sleeper_idle) && atomic_exchange(&wal->sleeper_idle, false);
    if (unsynced >= wal->options.sync_batch_commits && !atomic_exchange(&wal->batch_signalled, true)) wake = true;
    if (!wake) return;
    wg_mutex_lock(&wal->sync_lock);
    wg_cond_signal(&wal->wake);
    wg_mutex_unlock(&wal->sync_lock);
}

static wg_code append_locked(wg_wal *wal, commit *c, size_t part_count, wg_error *err) {
    wg_sha256 chain;
    WG_TRY(wgi_wal_poisoned(wal, err));
    c->logseq = atomic_load_explicit(&wal->last_logseq, memory_order_relaxed) + 1;
    c->durable = atomic_load_explicit(&wal->durable_position, memory_order_acquire);
    c->start_number = wal->number;
    c->start_offset = wal->offset;
    c->dirty_end = wal->offset;
    WG_ASSERT(c->durable <= wal_position_of(wal->number, wal->offset));
    if (!wgi_wal_chain_reserve(&wal->chain, c->logseq)) return wg_error_nomem(err, sizeof chain);
    WG_TRY(wgi_wal_chain_next(&wal->chain.head, c->logseq, c->parts, part_count, &chain, err));
    const uint64_t size = c->left;
    const wg_code code = commit_write(wal, c, err);
    if (code != WG_OK) {
        wg_error second = {0};
        if (take_back(wal, c, &second) != WG_OK) wgi_wal_poison(wal, &second);
        return code;
    }
    wgi_wal_chain_put(&wal->chain, c->logseq, &chain);
    wal->mark_wanted = true;
    atomic_fetch_add_explicit(&wal->appends, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->append_bytes, size, memory_order_relaxed);
    atomic_store(&wal->last_logseq, c->logseq); /* the commit exists from here on */
    return WG_OK;
}

wg_code wg_wal_append(wg_wal *wal, const wg_slice *parts, size_t part_count, uint64_t *out_logseq, wg_error *err) {
    WG_ASSERT(wal != NULL);
    static const wg_slice none = {NULL, 0};
    commit c = {.parts = part_count == 0 ? &none : parts};
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size > WG_WAL_COMMIT_BYTES_MAX - c.left)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a commit is over %llu bytes: split it",
                                (unsigned long long)WG_WAL_COMMIT_BYTES_MAX);
        c.left += parts[i].size;
    }
    wg_mutex_lock(&wal->append_lock);
    const wg_code code = append_locked(wal, &c, part_count, err);
    wg_mutex_unlock(&wal->append_lock);
    if (code != WG_OK) return code;
    if (wal->has_thread) nudge_sleeper(wal, c.logseq);
    *out_logseq = c.logseq;
    return WG_OK;
}

wg_code wgi_wal_append_mark(wg_wal *wal, wg_error *err) {
    if (wal->offset + WAL_FRAME_BYTES > wal->segment_bytes) return WG_OK;
    const wal_place place = {.segment_crc = wal->segment_crc, .offset = wal->offset};
    const wal_frame frame = {.payload_bytes = 0,
                             .kind = WAL_MARK,
                             .logseq = atomic_load(&wal->last_logseq),
                             .durable = wal_position_of(wal->number, wal->offset),
                             .payload_crc = wgi_wal_payload_crc(place, 0, NULL, 0)};
    uint8_t bytes[WAL_FRAME_BYTES];
    wgi_wal_frame_encode(&frame, place, bytes);
    WG_TRY(wal->platform->ops->write_at(wal->platform, wal->file, wal->offset, bytes, sizeof bytes, err));
    wal->offset += WAL_FRAME_BYTES;
    wal->mark_wanted = false;
    return WG_OK;
}
