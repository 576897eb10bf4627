/* worldgraph/state, inside: seats: where a key was found, as a leaf of its run's order remembers it (read.c, scan_level.c, order_fill.c).
 * u32 generation of the segment << 32 | segment << 7 | slot; 0: none. A slot has one key as long as its segment is in service, and a segment that
 * is put into service again has another generation: who finds the same one finds the same key. */
#ifndef WG_WORLDGRAPH_STATE_SEAT_INTERNAL_H
#define WG_WORLDGRAPH_STATE_SEAT_INTERNAL_H

#include "worldgraph/state/table_internal.h"

static inline uint64_t wgi_seat_make(uint32_t segment, uint32_t slot, uint32_t generation) {
    return segment >> 25 != 0 ? 0 : (uint64_t)generation << 32 | segment << 7 | slot;
}
typedef struct wgi_seated {
    const wgi_header *header;
    const wgi_slot *slot;
    const wgi_side *side;
    uint32_t generation;
} wgi_seated;
static inline wgi_seated wgi_seated_at(const wgi_table *table, uint64_t seat) {
    const wgi_place place = wgi_place_at(table, (uint32_t)seat >> 7);
    const uint32_t slot = (uint32_t)seat % WGI_SLOTS;
    return (wgi_seated){place.header, &place.slots[slot], &place.sides[slot], (uint32_t)(seat >> 32)};
}
/* As wgi_slot_read; *out_seat: where the key is in the table, 0: it is not, or that cannot be said. */
wgi_found wgi_slot_read_seat(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out,
                             uint64_t *out_seat);

#endif
