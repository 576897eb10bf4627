/* Room ahead of the end of a BUFFERED log, into which small commits are stored without a system call.
 *
 * While commits are small, an append that comes to the end of the room makes more of it: it writes zeros over the next ROOM_STEP_BYTES of the
 * segment, which takes their place on the disk, and has them mapped (map_writes of the platform). A write of a frame that lies in the
 * room is then a copy into the system's cache of the segment. That is where a write by the system puts it too: readers see it, it
 * stays when the process is killed, and a sync makes it durable and tells of what could not be written. So nothing else in the log
 * knows of the room. Behind the end are zeros, as ever; a copy that a kill or a crash cuts off is a torn tail.
 *
 * Larger commits do without: making a page ready costs more than a few calls save. What of them lies in the room all the same is
 * stored. A segment that is left closes its room with its file.
 *
 * Failure: room is never needed. One that cannot be made, for want of space or memory, is tried for again some commits later; a file
 * system that refuses is not asked again. The append then writes as it did before, and says what the disk says. */
#include "io/wal_store/wal_internal.h"

enum { ROOM_STEP_BYTES = 64 << 10, ROOM_COMMIT_MAX = 1024, SMALL_MIN = 8 };

static bool make(wg_wal *wal, uint32_t to) {
    const bool reached = wal->room.end > wal->offset || (WG_CANARY_IS(15) && wal->room.end != 0);
    const uint32_t from = reached ? wal->room.end : wal->offset;
    if (!wal->zeroed && wgi_wal_write_zeros(wal->platform, wal->file, from, to - from, NULL) != WG_OK) return false;
    wal->room.refused = !wal->platform->ops->map_writes(wal->platform, wal->file, from, to - from);
    return !wal->room.refused;
}

void wgi_wal_room_make(wg_wal *wal, uint64_t payload_bytes) {
    wal_room *room = &wal->room;
    if (room->refused || wal->options.durability != WG_BUFFERED) return;
    room->small = payload_bytes > ROOM_COMMIT_MAX ? 0 : room->small + 1;
    const uint64_t end = wal->offset + wal_frame_size(payload_bytes);
    if (room->small < SMALL_MIN || end <= room->end || end > wal->segment_bytes) return;
    const uint32_t to = (uint32_t)wg_min_u64(wg_align_up(end, ROOM_STEP_BYTES), wal->segment_bytes);
    if (make(wal, to)) room->end = to;
    else room->small = 0;
}
