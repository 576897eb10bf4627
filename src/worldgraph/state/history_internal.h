/* worldgraph/state, inside: replaced records and what keeps them. */
#ifndef WG_WORLDGRAPH_STATE_HISTORY_INTERNAL_H
#define WG_WORLDGRAPH_STATE_HISTORY_INTERNAL_H

#include "worldgraph/state/table_internal.h"

/* 256 KiB: a head of 64 bytes, then records of whole words:
 *   previous position | time | version that replaced it | words of the slot, as many as count */
typedef struct wgi_history_chunk {
    _Atomic uint64_t number; /* 0: not in use; positions are number << 18 | byte */
    struct wgi_history_chunk *next;
    uint64_t base;        /* number << 18 */
    uint64_t large_bytes; /* of value blocks that records hold */
    uint64_t replaced_by; /* the highest */
    uint32_t run;         /* of all records unless mixed */
    uint32_t used;        /* bytes */
    uint32_t records;
    bool mixed, has_blocks;
    _Alignas(64) _Atomic uint64_t words[];
} wgi_history_chunk;
enum { WGI_HISTORY_SHIFT = 18, WGI_HISTORY_HEAD = 64, WGI_HISTORY_META = 3 /* words */, WGI_HISTORY_AHEAD = 768 };

/* What a session writes commits with. What a chunk's head says of its records is brought up to date when their shape changes and at its end. */
typedef struct wgi_writer {
    uintptr_t at;      /* where the next record goes; 0: no chunk yet */
    uintptr_t end;     /* records that were asked for go below it */
    uint64_t position; /* of `at` */
    uint64_t shape;    /* of all records since `settled`: run, flags, sizes; what the next one is taken to have */
    uint64_t bytes;    /* of each */
    uint64_t usual;    /* the shape as straight.c asks for it */
    uintptr_t settled; /* the head of the chunk knows of what is below it */
    wgi_history_chunk *chunk; /* open; NULL: none yet */
    wgi_history_chunk *ready; /* more of them, for a commit that needs several */
    uint32_t ready_count;
    uint32_t segment_room;
    uint32_t *segments; /* of a commit with several keys, to lock in order */
} wgi_writer;
#define WGI_NO_SHAPE UINT64_MAX

wg_code wgi_history_create(wg_state *state, wgi_history **out, wg_error *err);
void wgi_history_destroy(wgi_history *history);

static inline bool wgi_history_has_room(const wgi_writer *writer, uint32_t records) {
    return writer->at + (uintptr_t)records * WGI_RECORD_BYTES_MAX <= writer->end;
}
/* Room for `records` appends. Forgets the oldest chunks beyond the bound. Outside of all locks of segments. */
wg_code wgi_history_reserve_slow(wg_state *state, wgi_writer *writer, uint32_t records, wg_error *err);
static inline wg_code wgi_history_reserve(wg_state *state, wgi_writer *writer, uint32_t records, wg_error *err) {
    if (wgi_history_has_room(writer, records)) return WG_OK;
    return wgi_history_reserve_slow(state, writer, records, err);
}
/* What goes to history with a record. */
typedef struct wgi_replaced {
    uint64_t history; /* the record before */
    uint64_t time_us;
    uint64_t word0; /* without the lock */
    uint64_t replaced_by;
} wgi_replaced;
void wgi_history_turn(wg_state *state, wgi_writer *writer); /* the open chunk is full: the next ready one */
void wgi_history_append_blocks(wgi_writer *writer, const wgi_slot *slot, uint64_t word0);
/* What the number of bytes of a record depends on, and its run: flags and size of the key, size of the value. */
static inline uint64_t wgi_history_shape(uint64_t word0, uint64_t word1) {
    return (word0 & UINT64_C(0xffe0)) | (word1 & UINT32_MAX) << 16;
}
/* Records of this shape follow. The writer has an open chunk. */
void wgi_history_reshape(wgi_writer *writer, uint64_t shape);
/* The record in the slot goes to history. Gives its position. `writer` has room for it in its open
 * chunk; what blocks it has is the caller's.
 *
 * How many bytes it has is known once the slot is there, which may be a miss; records that follow do not wait for that: their place is that of a record
 * as long as the last one, and only if it is not does the processor go back. */
static inline WGI_HOT uint64_t wgi_history_append_here(wgi_writer *writer, const wgi_slot *slot, uint64_t word1,
                                                       const wgi_replaced *r) {
    const uint64_t shape = wgi_history_shape(r->word0, word1);
    if (__builtin_expect(writer->shape != shape, 0)) wgi_history_reshape(writer, shape);
    const uint64_t position = writer->position;
    _Atomic uint64_t *p = (_Atomic uint64_t *)writer->at;
    writer->at += writer->bytes;
    writer->position = position + writer->bytes;
    __builtin_prefetch(p + WGI_HISTORY_AHEAD / 8, 1);
    __builtin_prefetch(p + (WGI_HISTORY_AHEAD + 64) / 8, 1);
    __builtin_prefetch(p + (WGI_HISTORY_AHEAD + 128) / 8, 1);
#if WGI_COPY_WORDS
    for (uint32_t i = 1; i < WGI_SLOT_WORDS; i++) wgi_store(p + WGI_HISTORY_META + i, wgi_load(&slot->words[i]));
#else
    uint8_t *to = (uint8_t *)(uintptr_t)(p + WGI_HISTORY_META); /* more than counts: it is overwritten */
    wgi_copy_64(to, (const uint8_t *)slot);
    wgi_copy_64(to + 64, (const uint8_t *)slot + 64);
#endif
    wgi_store(p, r->history);
    wgi_store(p + 1, r->time_us);
    wgi_store(p + 2, r->replaced_by);
    wgi_store(p + WGI_HISTORY_META, r->word0);
    return position;
}
/* The same when there may be no room, and its blocks' references go with it; a block key gets one more. */
static inline uint64_t wgi_history_append(wg_state *state, wgi_writer *writer, const wgi_slot *slot,
                                          const wgi_replaced *r) {
    if (writer->at + WGI_RECORD_BYTES_MAX > (uintptr_t)writer->chunk + WGI_HISTORY_CHUNK_BYTES ||
        writer->chunk == NULL)
        wgi_history_turn(state, writer);
    const uint64_t position = wgi_history_append_here(writer, slot, wgi_load(&slot->words[1]), r);
    if (writer->chunk->replaced_by < r->replaced_by)
        writer->chunk->replaced_by = r->replaced_by; /* what is restored has its versions in any order */
    if ((r->word0 & WGI_FLAG_BLOCK) != 0 || ((r->word0 >> 8) & 0xff) == WGI_KEY_IN_BLOCK)
        wgi_history_append_blocks(writer, slot, r->word0);
    return position;
}
void wgi_history_close(wg_state *state, wgi_writer *writer); /* gives its chunks away */

/* The record at a position; false: forgotten. */
bool wgi_history_read(const wgi_history *history, uint64_t position, wgi_record *out);
/* Where the record at `position` (of a state that is being restored: nothing is forgotten) says which one was before it; *out_version: its own. */
_Atomic uint64_t *wgi_history_link(const wgi_history *history, uint64_t position, uint64_t *out_version);
/* From `position` down to the newest record with version <= snapshot. WGI_FOUND (deletions too), WGI_ABSENT, WGI_EXPIRED. */
wgi_found wgi_history_walk(const wg_state_run *run, const wg_state_key *key, uint64_t position, uint64_t snapshot,
                           wgi_record *out);

/* Records that pins need and the bound does not: one per key and pin at most. */
typedef struct wgi_kept {
    struct wgi_kept *next;
    const wg_state_run *run; /* identity only */
    uint64_t hash;
    bool absent; /* no record: the key was not there before replaced_by */
    wgi_record record;
} wgi_kept;
bool wgi_kept_find(wgi_history *history, const wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                   wgi_found *out_found, wgi_record *out);
/* The newest kept record of the key (absences left out) with version < below. */
bool wgi_kept_before(wgi_history *history, const wg_state_run *run, const wg_state_key *key, uint64_t below,
                     wgi_record *out);
/* Looks at up to `buckets` buckets for entries that nobody needs; true: a round is not finished. */
bool wgi_kept_collect(wgi_history *history, uint32_t buckets);
void wgi_kept_drop_run(wgi_history *history, const wg_state_run *run);
uint64_t wgi_history_bytes(const wgi_history *history);
uint64_t wgi_history_forgotten(const wgi_history *history);

/* ---- pins.c */

/* The smallest pinned version >= from, sessions' short snapshots included in the list when `list` has been gathered; UINT64_MAX: none. */
typedef struct wgi_reading {
    const wg_state_run *run;
    uint64_t version;
} wgi_reading;
typedef struct wgi_readings {
    wgi_reading *items;
    uint32_t count, room;
} wgi_readings;
void wgi_readings_gather(wg_state *state,
                         wgi_readings *out); /* too many for its room: grown; NOMEM leaves some out */
uint64_t wgi_pins_from(wg_state_run *run, const wgi_readings *readings, uint64_t from);
bool wgi_pins_has(const wg_state_run *run, uint64_t version);
wg_code wgi_pins_add(wg_state_run *run, uint64_t version, wg_error *err);
void wgi_pins_remove(wg_state_run *run, uint64_t version);
void wgi_pins_deinit(wg_state_run *run); /* notes too */

/* ---- read.c */

/* The common case of wg_state_get: a short key of a run without parents, its newest record, visible and inline. False: go the long way. */
bool wgi_get_short(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, uint64_t now_us,
                   wg_state_cell *out);
/* wg_state_get the long way; *out_of_parent: the run itself has no record at the snapshot. */
wg_code wgi_get_seen(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, uint64_t now_us,
                     wg_state_cell *out, bool *out_of_parent, wg_error *err);

/* ---- run.c */

static inline void wgi_run_hold(wg_state_run *run) {
    atomic_fetch_add_explicit(&run->holds, 1, memory_order_relaxed);
}

static inline void wgi_raise(_Atomic uint64_t *p, uint64_t v) {
    uint64_t seen = atomic_load_explicit(p, memory_order_relaxed);
    while (seen < v && !atomic_compare_exchange_weak(p, &seen, v)) {}
}

#endif
