/* Appending: a commit becomes frames, one write each; segments rotate; a failure is taken back whole.
 *
 * A small frame is put together in a buffer; a larger one is written from where the caller's bytes lie, between its header and
 * its zeros. Either way it is one write.
 *
 * A commit is one FULL frame, or FIRST, MIDDLE.., LAST when it is over 1 MiB or passes the end of a segment. All frames of
 * a commit carry the durable position of its start, so that the frames of an unfinished commit never claim that part of
 * it is safe. The last 32 bytes of each segment are kept for the mark of a clean close. Rotation makes the next segment
 * under the append lock but syncs nothing: the old file waits in `retired` for the next leader of a sync (wal_sync.c).
 *
 * Memory for all of it is taken before the first byte is written.
 *
 * Failure: segments made by the commit are removed and its bytes are overwritten with zeros; when that succeeds too the
 * log is as it was and stays usable, else it is poisoned. Only when that was refused for want of memory, which says nothing about
 * the disk, it is put off until the next append: what lies behind the end meanwhile is an unfinished commit, which a
 * recovery would cut as well. */
#include "io/wal_store/wal_internal.h"

/* ---- one commit under way */

typedef struct commit {
    const wg_slice *parts; /* what is left to write begins in parts[0] at `skip` */
    size_t skip;
    bool gather; /* few enough parts to be written from where they lie */
    uint64_t left;
    uint64_t logseq;
    wal_position durable; /* of every frame of this commit */
    uint32_t payload_crc;
    bool started;
    uint64_t written; /* bytes of its frames and headers */
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
        const size_t n = wg_min_size(size, c->parts->size - c->skip); /* an empty part may have no address */
        if (n != 0) memcpy(to, c->parts->data + c->skip, n);
        to += n;
        size -= n;
        c->left -= n;
        c->skip += n;
        if (c->skip == c->parts->size && c->left > 0) {
            c->parts++;
            c->skip = 0;
        }
    }
}

/* The next `size` payload bytes where they lie; gives the number of slices. */
static size_t payload_slices(commit *c, wg_slice *out, size_t size) {
    size_t count = 0;
    while (size > 0) {
        const size_t n = wg_min_size(size, c->parts->size - c->skip);
        if (n != 0) out[count++] = wg_slice_of(c->parts->data + c->skip, n);
        size -= n;
        c->left -= n;
        c->skip += n;
        if (c->skip == c->parts->size && c->left > 0) {
            c->parts++;
            c->skip = 0;
        }
    }
    return count;
}

/* The header of the frame whose payload, the next of the commit, is in `payload`; c->left is what follows it. */
static void frame_header(const wg_wal *wal, commit *c, const wg_slice *payload, size_t count, uint32_t payload_bytes,
                         uint8_t out[WAL_FRAME_BYTES]) {
    const wal_place place = {.segment_crc = wal->segment_crc, .offset = wal->offset};
    wal_kind kind = WAL_FULL;
    if (c->left > 0) kind = c->started ? WAL_MIDDLE : WAL_FIRST;
    else if (c->started) kind = WAL_LAST;
    c->payload_crc = wgi_wal_payload_crc_parts(place, c->started ? c->payload_crc : 0, payload, count);
    const wal_frame frame = {.payload_bytes = payload_bytes,
                             .kind = kind,
                             .logseq = c->logseq,
                             .durable = c->durable,
                             .payload_crc = c->payload_crc};
    wgi_wal_frame_encode(&frame, place, out);
}

static wg_code write_gathered(wg_wal *wal, commit *c, uint32_t payload_bytes, wg_error *err) {
    static const uint8_t zeros[WAL_ALIGN];
    uint8_t header[WAL_FRAME_BYTES];
    wg_slice parts[1 + WAL_GATHER_PARTS_MAX + 1];
    size_t count = payload_slices(c, parts + 1, payload_bytes);
    frame_header(wal, c, parts + 1, count, payload_bytes, header);
    parts[0] = wg_slice_of(header, sizeof header);
    parts[++count] = wg_slice_of(zeros, (size_t)wal_frame_size(payload_bytes) - WAL_FRAME_BYTES - payload_bytes);
    return wal->platform->ops->write_parts(wal->platform, wal->file, wal->offset, parts, count + 1, err);
}

static wg_code write_copied(wg_wal *wal, commit *c, uint32_t payload_bytes, wg_error *err) {
    const size_t size = (size_t)wal_frame_size(payload_bytes);
    WG_ASSERT(wal->stage.on || wal->frame.capacity >= size);
    uint8_t *bytes = wal->stage.on ? wgi_wal_stage_place(wal) : wal->frame.data;
    const wg_slice payload = wg_slice_of(bytes + WAL_FRAME_BYTES, payload_bytes);
    payload_copy(c, bytes + WAL_FRAME_BYTES, payload_bytes);
    memset(bytes + WAL_FRAME_BYTES + payload_bytes, 0, size - WAL_FRAME_BYTES - payload_bytes);
    frame_header(wal, c, &payload, 1, payload_bytes, bytes);
    if (wal->stage.on) return WG_OK; /* the leader of the sync writes it */
    return wal->platform->ops->write_at(wal->platform, wal->file, wal->offset, bytes, size, err);
}

/* In large steps, so that the disk works while appends go on, and not into what the next frames will change: the system would have to keep
 * two states of that apart. */
static void write_back_some(wg_wal *wal) {
    const uint32_t end = wal->offset & ~(uint32_t)(WAL_WRITE_BACK_ALIGN - 1);
    if (wal->stage.on || end <= wal->written_back || end - wal->written_back < WAL_WRITE_BACK_BYTES) return;
    wal->platform->ops->write_back(wal->platform, wal->file, wal->written_back, end - wal->written_back);
    wal->written_back = end;
}

static wg_code frame_write(wg_wal *wal, commit *c, uint32_t payload_bytes, wg_error *err) {
    const size_t size = (size_t)wal_frame_size(payload_bytes);
    const bool gather = c->gather && payload_bytes >= WAL_GATHER_BYTES_MIN;
    if (!wal->stage.on) wal->plain = true;
    const wg_code code =
        gather ? write_gathered(wal, c, payload_bytes, err) : write_copied(wal, c, payload_bytes, err);
    const bool touched = code != WG_E_NOMEM; /* for want of memory nothing is written at all */
    if (touched && wal->number == c->start_number) c->dirty_end = wal->offset + (uint32_t)size;
    if (code != WG_OK) return code;
    wal->offset += (uint32_t)size;
    c->written += size;
    c->started = true;
    write_back_some(wal);
    return WG_OK;
}

/* ---- rotation */

/* Counters that one writer changes under append_lock and others only read. */
static void count(_Atomic uint64_t *counter, uint64_t more) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more, memory_order_relaxed);
}

static bool retired_reserve(wal_retired_list *list, size_t more) {
    if (list->capacity - list->count >= more) return true;
    const size_t wanted = wg_max_size(list->count + more, list->capacity * 2);
    wal_retired *items = wg_realloc(NULL, list->items, wanted * sizeof *items);
    if (items == NULL) return false;
    list->items = items;
    list->capacity = wanted;
    return true;
}

/* Everything that the commit may need besides what the system takes for itself. */
static wg_code reserve_all(wg_wal *wal, const commit *c, wal_link *link, wg_error *err) {
    /* Each segment but the last takes at least a quarter of its size: a commit that is split fills it, one that is not leaves
     * less than WAL_SPLIT_BYTES_MIN and its headers. */
    const size_t segments = (size_t)(c->left / (wal->options.segment_bytes / 4)) + 2;
    const uint64_t copied = c->gather ? WAL_GATHER_BYTES_MIN : WG_WAL_FRAME_PAYLOAD_BYTES_MAX;
    const size_t frame = (size_t)wal_frame_size(wg_min_u64(c->left, copied));
    wal->frame.size = 0;
    if (!wg_buf_reserve(&wal->frame, frame) || !retired_reserve(&wal->retired, segments) ||
        !wgi_wal_note_reserve(&wal->notes, segments))
        return wg_error_nomem(err, frame);
    return wgi_wal_chain_room(wal, link, err);
}

static wg_code rotate(wg_wal *wal, commit *c, wg_error *err) {
    if (wal->number >= UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the log has 2^32 segments: no more can be made");
    WG_ASSERT(wal->retired.count < wal->retired.capacity && !wal->stage.on);
    wal_header header = {.number = wal->number + 1,
                         .segment_bytes = wal->options.segment_bytes,
                         .first_logseq = c->logseq,
                         .previous_end = wal_position_of(wal->number, wal->offset),
                         .durable = c->durable};
    char path[WAL_PATH_BYTES];
    wg_file *file = NULL;
    wgi_wal_name(wal->dir, header.number, path);
    wgi_wal_chain_head(wal, &header.chain);
    wal->directory_dirty = true; /* even a failed attempt may have made and removed a name */
    /* One that nobody had time to prepare grows as it is filled: the log is written faster than zeros could be beside it. */
    wal->zeroed = wgi_wal_prepare_take(wal, path, &header, &file);
    if (!wal->zeroed) {
        WG_TRY(wgi_wal_segment_make(wal->platform, path, &header, wal->options.store_uuid, false, &file, err));
        atomic_fetch_add_explicit(&wal->segments_made, 1, memory_order_relaxed);
    }
    if (wal->offset > wal->written_back)
        wal->platform->ops->write_back(wal->platform, wal->file, wal->written_back, wal->offset - wal->written_back);
    wal->written_back = 0;
    wal->plain = true;
    wal->retired.items[wal->retired.count++] = (wal_retired){
        .file = wal->file, .number = wal->number, .segment_bytes = wal->segment_bytes, .end = wal->offset};
    wal->file = file;
    wal->number = header.number;
    wal->segment_bytes = header.segment_bytes;
    wal->segment_crc = wgi_wal_segment_crc(wal->options.store_uuid, header.number);
    wal->offset = WAL_HEADER_BYTES;
    wal->room.end = 0;
    c->written += WAL_HEADER_BYTES;
    wal->rotated_at_sync = atomic_load_explicit(&wal->syncs, memory_order_relaxed);
    wgi_wal_note_put(&wal->notes, header.number, c->started ? c->logseq + 1 : c->logseq);
    atomic_fetch_add_explicit(&wal->segments, 1, memory_order_relaxed);
    return WG_OK;
}

wg_code wgi_wal_rotate_between(wg_wal *wal, wg_error *err) {
    commit next = {.logseq = atomic_load_explicit(&wal->last_logseq, memory_order_relaxed) + 1,
                   .durable = atomic_load_explicit(&wal->durable_position, memory_order_acquire)};
    WG_TRY(wgi_wal_stage_leave(wal, err));
    WG_TRY(wgi_wal_tail_clean(wal, err));
    if (!retired_reserve(&wal->retired, 1) || !wgi_wal_note_reserve(&wal->notes, 1))
        return wg_error_nomem(err, sizeof(wal_retired));
    WG_TRY(rotate(wal, &next, err));
    count(&wal->written, next.written);
    atomic_store_explicit(&wal->place, wal_position_of(wal->number, wal->offset), memory_order_release);
    return WG_OK;
}

/* ---- taking a failed commit back */

static void leave_newest_segment(wg_wal *wal) {
    WG_ASSERT(wal->retired.count > 0);
    const wal_retired before = wal->retired.items[--wal->retired.count];
    wal->platform->ops->close(wal->platform, wal->file);
    wal->file = before.file;
    wal->number = before.number;
    wal->segment_bytes = before.segment_bytes;
    wal->segment_crc = wgi_wal_segment_crc(wal->options.store_uuid, before.number);
    wal->offset = wal->written_back = before.end;
    wal->zeroed = false; /* nobody knows any more, and it is nearly full */
    wal->room.end = 0;
    wal->notes.count--;
    atomic_fetch_sub_explicit(&wal->segments, 1, memory_order_relaxed);
}

wg_code wgi_wal_tail_clean(wg_wal *wal, wg_error *err) {
    char path[WAL_PATH_BYTES];
    for (; wal->stale_newest > wal->number; wal->stale_newest--) {
        wg_error seen = {0};
        wgi_wal_name(wal->dir, wal->stale_newest, path);
        const wg_code code = wal->platform->ops->unlink(wal->platform, path, &seen);
        if (code != WG_OK && code != WG_E_NOT_FOUND)
            return wg_error_set_sys(err, code, seen.sys_errno, "log segment '%.120s' could not be removed", path);
    }
    wal->stale_newest = 0;
    if (wal->dirty_end > wal->offset)
        WG_TRY(wgi_wal_write_zeros(wal->platform, wal->file, wal->offset, wal->dirty_end - wal->offset, err));
    wal->dirty_end = 0;
    return WG_OK;
}

static wg_code take_back(wg_wal *wal, const commit *c, wg_error *err) {
    if (wal->number > c->start_number) wal->stale_newest = wal->number;
    while (wal->number > c->start_number) leave_newest_segment(wal);
    wal->offset = c->start_offset;
    wal->written_back = (uint32_t)wg_min_u64(wal->written_back, wal->offset);
    wal->dirty_end = c->dirty_end;
    return wgi_wal_tail_clean(wal, err);
}

static wg_code commit_write(wg_wal *wal, commit *c, wal_link *link, wg_error *err) {
    do {
        uint32_t payload_bytes = frame_room(wal, c);
        if (payload_bytes == 0 && (c->left != 0 || room_in(wal) < WAL_FRAME_BYTES)) {
            WG_TRY(rotate(wal, c, err));
            payload_bytes = frame_room(wal, c);
            WG_ASSERT(payload_bytes > 0 || c->left == 0);
        }
        if (!c->started) link->position = wal_position_of(wal->number, wal->offset);
        WG_TRY(frame_write(wal, c, payload_bytes, err));
    } while (c->left > 0);
    return WG_OK;
}

/* ---- entry points */

/* Wakes the background thread when a batch is full, and in BUFFERED for a first unsynced commit. */
static void nudge_sleeper(wg_wal *wal, uint64_t logseq) {
    const uint64_t durable = atomic_load(&wal->durable_logseq); /* may have passed `logseq` by now */
    const uint64_t unsynced = logseq > durable ? logseq - durable : 0;
    bool wake = wal->options.durability == WG_BUFFERED && atomic_load(&wal->sleeper_idle) &&
                atomic_exchange(&wal->sleeper_idle, false);
    const bool full = unsynced >= wal->options.sync_batch_commits ||
                      wgi_wal_unsynced_bytes(wal) >= wal->options.unsynced_bytes_max / 2;
    if (full && !atomic_load(&wal->batch_signalled) && !atomic_exchange(&wal->batch_signalled, true)) wake = true;
    if (!wake) return;
    wg_mutex_lock(&wal->sync_lock);
    wg_cond_signal(&wal->wake);
    wg_mutex_unlock(&wal->sync_lock);
}

static wg_code append_locked(wg_wal *wal, commit *c, wal_link *link, wg_error *err) {
    WG_TRY(wgi_wal_poisoned(wal, err));
    if (wal->dirty_end != 0 || wal->stale_newest != 0) WG_TRY(wgi_wal_tail_clean(wal, err));
    c->logseq = atomic_load_explicit(&wal->last_logseq, memory_order_relaxed) + 1;
    c->durable = atomic_load_explicit(&wal->durable_position, memory_order_acquire);
    c->start_number = wal->number;
    c->start_offset = wal->offset;
    c->dirty_end = wal->offset;
    WG_ASSERT(c->durable <= wal_position_of(wal->number, wal->offset));
    link->logseq = c->logseq;
    WG_TRY(reserve_all(wal, c, link, err));
    wgi_wal_room_make(wal, c->left);
    const wg_code code = commit_write(wal, c, link, err);
    if (code != WG_OK) {
        wg_error second = {0};
        const wg_code cleaned = take_back(wal, c, &second);
        if (cleaned != WG_OK && cleaned != WG_E_NOMEM) wgi_wal_poison(wal, &second);
        return code;
    }
    wal->mark_wanted = true;
    count(&wal->appends, 1);
    count(&wal->append_bytes, link->size);
    count(&wal->written, c->written);
    /* Before the commit is queued: what is read back lies before this place. */
    atomic_store_explicit(&wal->place, wal_position_of(wal->number, wal->offset), memory_order_release);
    wgi_wal_chain_queue(wal, link);
    atomic_store(&wal->last_logseq, c->logseq); /* the commit exists from here on */
    wgi_wal_stage_seen(wal, link->size);
    return WG_OK;
}

/* A commit that does not suit direct mode ends it, for which nobody may be writing. */
static wg_code append_exclusively(wg_wal *wal, commit *c, wal_link *link, wg_error *err) {
    wg_mutex_unlock(&wal->append_lock);
    const uint64_t turn = wgi_wal_turn_hold(wal);
    wg_mutex_lock(&wal->append_lock);
    wg_code code = wgi_wal_poisoned(wal, err);
    if (code == WG_OK) code = wgi_wal_stage_leave(wal, err);
    if (code == WG_OK) code = append_locked(wal, c, link, err);
    wg_mutex_unlock(&wal->append_lock);
    wgi_wal_turn_end(wal, turn);
    wg_mutex_lock(&wal->append_lock);
    return code;
}

wg_code wg_wal_append(wg_wal *wal, const wg_slice *parts, size_t part_count, uint64_t *out_logseq, wg_error *err) {
    WG_ASSERT(wal != NULL);
    static const wg_slice none = {NULL, 0};
    commit c = {.parts = part_count == 0 ? &none : parts, .gather = part_count <= WAL_GATHER_PARTS_MAX};
    wal_link link = {.parts = parts, .part_count = part_count};
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size > WG_WAL_COMMIT_BYTES_MAX - c.left)
            return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a commit is over %llu bytes: split it",
                                (unsigned long long)WG_WAL_COMMIT_BYTES_MAX);
        c.left += parts[i].size;
    }
    link.size = c.left;
    wgi_wal_back_pressure(wal);
    wg_mutex_lock(&wal->append_lock);
    const bool suits = !wal->stage.on || wgi_wal_stage_takes(wal, c.left);
    const wg_code code = suits ? append_locked(wal, &c, &link, err) : append_exclusively(wal, &c, &link, err);
    const bool prepare = wgi_wal_prepare_wanted(wal);
    wg_mutex_unlock(&wal->append_lock);
    if (code != WG_OK) return code;
    if (atomic_load_explicit(&wal->has_thread, memory_order_acquire)) {
        nudge_sleeper(wal, c.logseq);
        if ((prepare || wgi_wal_chain_wanted(wal)) && !atomic_load(&wal->chores) &&
            !atomic_exchange(&wal->chores, true))
            wg_signal_raise(&wal->chores_wanted, 1);
    }
    *out_logseq = c.logseq;
    return WG_OK;
}

wg_code wgi_wal_append_mark(wg_wal *wal, wg_error *err) {
    WG_TRY(wgi_wal_stage_leave(wal, err));
    if (wal->offset + WAL_FRAME_BYTES > wal->segment_bytes) return WG_OK;
    WG_TRY(wgi_wal_tail_clean(wal, err));
    wal->plain = true;
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
    count(&wal->written, WAL_FRAME_BYTES);
    atomic_store_explicit(&wal->place, wal_position_of(wal->number, wal->offset), memory_order_relaxed);
    wal->mark_wanted = false;
    return WG_OK;
}
