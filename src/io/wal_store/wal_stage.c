/* Direct commits: small STRICT commits of a segment that is zeros already go from a buffer in memory to the disk, past the system's cache.
 *
 * An append copies its frame into the stage and makes no system call. The leader of a sync writes the blocks of 4 KiB that the stage holds
 * beyond what was written before, and asks for them to be durable in the same call. The last block is usually half full: it is written from a
 * copy, because appends go on behind its end, with zeros up to its own end, and again by the next leader with more frames in it.
 *
 * Why that loses nothing: what is written again is, byte for byte, what lies there, followed by what is new. A sector that is torn off holds
 * its old or its new bytes, both of which have the acknowledged beginning; and the bytes that a sector in mid-write may lose are those that
 * change, as with a write through the cache, where the disk is given whole sectors too. Behind the end are zeros, as ever.
 *
 * Whole or not at all: what is direct is a segment for a while. A commit that does not suit (16 KiB or more, no room in stage or segment) takes the
 * turn, so that no leader is writing, puts what no leader has written yet into the file through the cache, and goes on as every log
 * does, with a write for each frame. Direct mode begins again when SMALL_MIN commits in a row were small and little is unsynced.
 *
 * Failure: a file system that refuses, and want of memory, leave the log as it was; the refusal is remembered. A failed write of a leader is a
 * failed sync (wal_sync.c). */
#include "io/wal_store/wal_internal.h"

enum { SMALL_MIN = 8, UNSYNCED_MAX = 16 << 10 };

static uint32_t block_begin(uint32_t offset) { return offset & ~(uint32_t)(WG_DIRECT_BYTES - 1); }

void wgi_wal_stage_end(wg_wal *wal) {
    wg_free(wal->stage.memory);
    memset(&wal->stage, 0, sizeof wal->stage);
}

bool wgi_wal_stage_takes(const wg_wal *wal, uint64_t payload_bytes) {
    if (payload_bytes >= WAL_STAGE_COMMIT_MAX) return false;
    const uint64_t end = wal->offset + wal_frame_size(payload_bytes);
    return end + WAL_FRAME_BYTES <= wal->segment_bytes && end - wal->stage.from <= WAL_STAGE_BYTES;
}

uint8_t *wgi_wal_stage_place(wg_wal *wal) {
    WG_ASSERT(wal->stage.on);
    return wal->stage.bytes + (wal->offset - wal->stage.from);
}

/* ---- in and out */

static bool memory_ready(wg_wal *wal) {
    wal_stage *stage = &wal->stage;
    if (stage->memory != NULL) return true;
    stage->memory = wg_alloc(wal->options.account, WAL_STAGE_BYTES + 2 * WG_DIRECT_BYTES);
    if (stage->memory == NULL) return false;
    const size_t past = (uintptr_t)stage->memory & (WG_DIRECT_BYTES - 1);
    stage->bytes = stage->memory + (past == 0 ? 0 : WG_DIRECT_BYTES - past);
    return true;
}

void wgi_wal_stage_seen(wg_wal *wal, uint64_t payload_bytes) {
    const wg_platform_ops *ops = wal->platform->ops;
    wal_stage *stage = &wal->stage;
    if (stage->on || stage->refused || wal->options.durability != WG_STRICT) return;
    stage->small = payload_bytes < WAL_STAGE_COMMIT_MAX ? stage->small + 1 : 0;
    if (stage->small < SMALL_MIN || !wal->zeroed || wal->segment_bytes % WG_DIRECT_BYTES != 0) return;
    if (wgi_wal_unsynced_bytes(wal) > UNSYNCED_MAX || !memory_ready(wal)) return;
    const uint32_t from = block_begin(wal->offset);
    const size_t size = wal->offset - from;
    size_t got = 0;
    if (size != 0 &&
        (ops->read_at(wal->platform, wal->file, from, stage->bytes, size, &got, NULL) != WG_OK || got != size))
        return;
    stage->on = ops->set_direct(wal->platform, wal->file, true);
    stage->refused = !stage->on;
    stage->from = from;
    stage->written = wal->offset;
    stage->small = 0;
}

wg_code wgi_wal_stage_leave(wg_wal *wal, wg_error *err) {
    const wg_platform_ops *ops = wal->platform->ops;
    wal_stage *stage = &wal->stage;
    if (!stage->on) return WG_OK;
    ops->set_direct(wal->platform, wal->file, false);
    if (stage->written < wal->offset) {
        wal->plain = true;
        const wg_code code =
            ops->write_at(wal->platform, wal->file, stage->written, stage->bytes + (stage->written - stage->from),
                          wal->offset - stage->written, err);
        if (code != WG_OK) { /* all is still in the stage */
            wg_error cause = {0};
            if (ops->set_direct(wal->platform, wal->file, true)) return code;
            wg_error_set(&cause, WG_E_IO, WG_NO_OFFSET, "what was committed could not be written");
            wgi_wal_poison(wal, &cause);
            return code;
        }
    }
    stage->on = false;
    return WG_OK;
}

/* ---- for leaders */

void wgi_wal_stage_take(wg_wal *wal, wal_staged *out) {
    wal_stage *stage = &wal->stage;
    memset(out, 0, sizeof *out);
    if (!stage->on || stage->written == wal->offset) return;
    const size_t whole = block_begin(wal->offset) - stage->from;
    const size_t rest = wal->offset - block_begin(wal->offset);
    out->from = stage->from;
    out->end = wal->offset;
    if (whole != 0) out->parts[out->count++] = wg_slice_of(stage->bytes, whole);
    if (rest == 0) return;
    uint8_t *last = stage->bytes + WAL_STAGE_BYTES;
    memcpy(last, stage->bytes + whole, rest);
    memset(last + rest, 0, WG_DIRECT_BYTES - rest);
    out->parts[out->count++] = wg_slice_of(last, WG_DIRECT_BYTES);
}

wg_code wgi_wal_stage_write(wg_wal *wal, wg_file *file, const wal_staged *staged, bool durable, wg_error *err) {
    const wg_platform_ops *ops = wal->platform->ops;
    if (!durable) return ops->write_parts(wal->platform, file, staged->from, staged->parts, staged->count, err);
    atomic_fetch_add_explicit(&wal->direct_syncs, 1, memory_order_relaxed);
    return ops->write_durable(wal->platform, file, staged->from, staged->parts, staged->count, err);
}

void wgi_wal_stage_done(wg_wal *wal, const wal_staged *staged) {
    wal_stage *stage = &wal->stage;
    const uint32_t from = block_begin(staged->end);
    wg_mutex_lock(&wal->append_lock);
    WG_ASSERT(stage->on && stage->from == staged->from && stage->written <= staged->end);
    if (from != stage->from) memmove(stage->bytes, stage->bytes + (from - stage->from), wal->offset - from);
    stage->from = from;
    stage->written = staged->end;
    wg_mutex_unlock(&wal->append_lock);
}
