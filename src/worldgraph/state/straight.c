/* The put of a handle that puts again and again: bytes of the same shape as before under a short key that is there. See put.c for what the
 * common put does; this one does the same steps with what all of them have in common taken out.
 *
 * What limits puts of random keys is how many of them are under way at once: the processor goes on behind a slot that is missing until it has no
 * register left for a result (some 200), so the misses of two or three puts overlap only if few instructions lie between the first look at a slot
 * and the next put's prefetch. Hence: no calls; branches rather than results; a record of the same run, type and sizes as the one that it
 * replaces, so that its first 16 bytes are known but for the version, and the record in history has the length of the last one; the time from
 * the counter of ticks. Everything that can be asked before the slot is needed is asked before.
 *
 * Failure modes: none of its own. Whatever is not as usual goes on in put.c, and from there to `otherwise`; nothing was done until then. */
#include "worldgraph/state/commit_internal.h"

#define LIKELY(x)   __builtin_expect((x), 1)
#define UNLIKELY(x) __builtin_expect((x), 0)

bool wg_state_way_is_possible(const wg_state_run *run) {
    return run->parent == NULL && !run->state->options.readers_wait_for_durable;
}

void wg_state_way_init(wg_state_way *way, wg_state_session *session, wg_state_run *run) {
    *way = (wg_state_way){.session = session,
                          .run = run,
                          .table = run->table,
                          .writer = session->writer,
                          .lane = session->lane,
                          .hash_mix = run->hash_mix,
                          .shape = (uint64_t)run->origin.number << 40 | WG_TYPE_BYTES,
                          .logs = session->lane->ring != NULL,
                          .open_at = UINT64_MAX};
}

/* Behind a put of the short way. */
static inline WGI_HOT wg_code done(wg_state_way *way, uint64_t version, uint64_t *out_version, wg_error *err) {
    if (out_version != NULL) *out_version = version;
    if (way->noticed == NULL) return WG_OK;
    const wg_lane *lane = way->session->lane;
    const bool full = lane->tail - atomic_load_explicit(&lane->drained, memory_order_relaxed) >= lane->ring_bytes / 2;
    return !full && atomic_load_explicit(way->noticed, memory_order_relaxed) ? WG_OK : way->behind(way, err);
}

static __attribute__((noinline)) wg_code bent(wg_state_way *way, const void *key, size_t key_size, const void *value,
                                              size_t value_size, uint64_t *out_version, wg_error *err) {
    const wg_slice k = wg_slice_of(key, key_size);
    const bool open = atomic_load_explicit(way->gate, memory_order_acquire) == way->open_at;
    uint64_t version = 0;
    if (open && key != NULL && (key_size < 8 || wg_load_u64le(k.data) != way->refused))
        version = wgi_put_bytes(way->session, way->run, k, wg_slice_of(value, value_size));
    if (version == 0) return way->otherwise(way, key, key_size, value, value_size, out_version, err);
    return done(way, version, out_version, err);
}

wg_code wgi_unquick_slow(wg_state_txn *txn, wg_error *err) {
    wgi_quick *q = txn->quick;
    const wgi_quick_step step = q->step;
    const wg_state_key key = {wg_slice_of(q->key, q->size), q->hash};
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(q->value, q->value_size)};
    q->step = WGI_QUICK_NONE;
    wg_code code = wgi_txn_note_read(txn, &key, q->version, err);
    if (code == WG_OK && step == WGI_QUICK_WRITTEN) code = wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, err);
    if (code != WG_OK) q->step = step; /* what was read is noted only once */
    return code;
}

#if WGI_COPY_WORDS
bool wg_state_txn_get_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_state_cell *out) {
    (void)way, (void)txn, (void)key, (void)out;
    return false;
}
bool wg_state_txn_put_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_slice value) {
    (void)way, (void)txn, (void)key, (void)value;
    return false;
}
uint64_t wg_state_commit_straight(const wg_state_way *way, wg_state_txn *txn) {
    (void)way, (void)txn;
    return 0;
}
wg_code wg_state_put_straight(wg_state_way *way, const void *key, size_t key_size, const void *value,
                              size_t value_size, uint64_t *out_version, wg_error *err) {
    return bent(way, key, key_size, value, value_size, out_version, err);
}
#else

enum {
    KEY_MIN = 8,
    KEY_MAX = WGI_KEY_HASHED,
    VALUE_MIN = 16,
    VALUE_MAX = WGI_INLINE_BYTES - KEY_MAX,
    FAR = 8, /* slots that are looked at */
    REDO_MAX = WGI_REDO_HEAD_MAX + 256
};

/* A key of 8 to 16 bytes as two words that may overlap, and what a record of it and such a value has in its first two words beside the version. */
typedef struct looked_for {
    uint64_t head, tail, hash;
    size_t size, value_size;
    uint64_t shape; /* low 16 bits of word 0; from bit 32 on the low 32 bits of word 1 */
} looked_for;

static inline WGI_HOT bool slot_is(const wgi_slot *slot, uint64_t word0, const looked_for *l) {
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
    return (uint16_t)word0 == (uint16_t)l->shape &&
           (uint32_t)wgi_load(&slot->words[1]) == (uint32_t)(l->shape >> 32) && wg_load_u64le(bytes) == l->head &&
           wg_load_u64le(bytes + l->size - 8) == l->tail;
}

/* A quarter of all keys lies behind its home: a second miss, but for this. */
static inline WGI_HOT void prefetch_next(const wgi_place *place, uint32_t home) {
    const wgi_slot *next = &place->slots[(home + 1) % WGI_SLOTS];
    __builtin_prefetch(&next->words[0], 1);
    __builtin_prefetch(&next->words[8], 1);
}

static inline WGI_HOT bool lane_has_room(const wg_lane *lane) {
    const uint64_t at = lane->tail & (lane->ring_bytes - 1);
    return lane->ring_bytes - at >= REDO_MAX && lane->free_to - lane->tail >= REDO_MAX &&
           lane->ring_bytes >= 4 * REDO_MAX;
}

/* The redo record, where there is room for it. */
static inline WGI_HOT void redo(const wg_state_way *way, const looked_for *l, const uint8_t *value, size_t value_size,
                                uint64_t version) {
    wg_lane *lane = way->lane;
    const size_t ops = 4 + l->size + value_size;
    uint8_t *room = lane->ring + (lane->tail & (lane->ring_bytes - 1));
    uint8_t *at = wgi_redo_head_at(room, lane, way->session->now_us, way->run, version, ops);
    wg_store_u32le(at, (uint32_t)WG_REDO_PUT | (uint32_t)WG_TYPE_BYTES << 8 | (uint32_t)l->size << 16 |
                           (uint32_t)value_size << 24);
    wg_store_u64le(at + 4, l->head);
    wg_store_u64le(at + 4 + l->size - 8, l->tail);
    wgi_bytes_copy(at + 4 + l->size, value, value_size);
    wg_lane_publish(lane, (size_t)(at - room) + ops);
}

/* With the segment locked: the record goes to history while it is not marked, and the new one takes its place. */
static inline WGI_HOT uint64_t replace(const wg_state_way *way, wgi_slot *slot, wgi_side *side, const looked_for *l,
                                       const uint8_t *value, bool logs) {
    wg_state_session *session = way->session;
    wg_state_run *run = way->run;
    wgi_writer *writer = way->writer;
    const size_t value_size = l->value_size;
    uint8_t *p = (uint8_t *)writer->at;
    __builtin_prefetch(p + WGI_HISTORY_AHEAD, 1);
    __builtin_prefetch(p + WGI_HISTORY_AHEAD + 64, 1);
    __builtin_prefetch(p + WGI_HISTORY_AHEAD + 128, 1);
    wgi_copy_16(p, (const uint8_t *)side);
    wgi_copy_64(p + 24, (const uint8_t *)slot);
    wgi_copy_64(p + 24 + 64, (const uint8_t *)slot + 64);
    const uint64_t word0 = wgi_load(&slot->words[0]);
    wgi_store(&slot->words[0], word0 | WGI_LOCKED);
    const uint64_t version = atomic_fetch_add(&run->newest, 1) + 1;
    wg_store_u64le(p + 16, version);
    if (UNLIKELY(atomic_load(&run->touch_below) > word0 >> WGI_VERSION_SHIFT)) wgi_touched_note(run, l->hash);
    if (logs) redo(way, l, value, value_size, version);
    wgi_store(&side->history, writer->position);
    wgi_store(&side->time_us, session->now_us);
    writer->at = (uintptr_t)p + writer->bytes;
    writer->position += writer->bytes;
    wgi_bytes_copy((uint8_t *)(uintptr_t)slot + WGI_KEY_AT + l->size, value, value_size);
    wgi_store(&slot->words[0], version << WGI_VERSION_SHIFT | (uint16_t)l->shape);
    return version;
}

/* Whether all is as usual, but for what the segment and the slot have to say. */
static inline WGI_HOT bool is_usual(const wg_state_way *way, const looked_for *l, bool logs) {
    const wg_state_session *session = way->session;
    const wgi_writer *writer = way->writer;
    return l->head != way->refused && atomic_load_explicit(way->gate, memory_order_acquire) == way->open_at &&
           !atomic_load_explicit(&way->run->dropped, memory_order_relaxed) && wgi_history_has_room(writer, 1) &&
           writer->usual == l->shape && wg_ticks() - session->tick < session->ticks_kept &&
           (!logs || lane_has_room(way->lane));
}

/* The version; 0: nothing was done. */
static inline WGI_HOT uint64_t put(const wg_state_way *way, const uint8_t *key, size_t key_size, const uint8_t *value,
                                   size_t value_size, bool logs) {
    const wgi_table *table = way->table;
    looked_for l = {.head = wg_load_u64le(key),
                    .tail = wg_load_u64le(key + key_size - 8),
                    .size = key_size,
                    .value_size = value_size};
    l.hash = wgi_mix(l.head ^ table->seed, l.tail ^ table->seed_of_size[key_size]) ^ way->hash_mix;
    const wgi_place place = wgi_place_of(table, l.hash);
    const uint32_t home = wgi_home(l.hash);
    wgi_place_prefetch(&place, l.hash);
    prefetch_next(&place, home);
    l.shape = way->shape | (uint64_t)value_size << 32 | (uint64_t)key_size << 8;
    if (UNLIKELY(way->session->txn.open || !is_usual(way, &l, logs))) return 0;
    uint64_t version = 0;
    wg_lane_enter(way->lane);
    if (UNLIKELY(!wgi_segment_try_lock(place.header))) goto leave;
    if (UNLIKELY(wg_lane_is_stopped(way->lane) || !wgi_segment_serves(place.header))) goto unlock;
    for (uint32_t i = 0; i < FAR; i++) {
        const uint32_t at = (home + i) % WGI_SLOTS;
        wgi_slot *slot = &place.slots[at];
        const uint64_t word0 = wgi_load(&slot->words[0]);
        if (LIKELY(slot_is(slot, word0, &l))) {
            version = replace(way, slot, &place.sides[at], &l, value, logs);
            wgi_count(&way->session->commits);
            break;
        }
        if (word0 == 0) break;
    }
unlock:
    wgi_segment_unlock(place.header);
leave:
    wg_lane_leave(way->lane);
    return version;
}

static inline WGI_HOT bool sizes_are_usual(const void *key, size_t key_size, size_t value_size) {
    return key_size - KEY_MIN <= KEY_MAX - KEY_MIN && value_size - VALUE_MIN <= VALUE_MAX - VALUE_MIN && key != NULL;
}

static __attribute__((noinline)) wg_code put_logged(wg_state_way *way, const void *key, size_t key_size,
                                                    const void *value, size_t value_size, uint64_t *out_version,
                                                    wg_error *err) {
    if (LIKELY(sizes_are_usual(key, key_size, value_size))) {
        const uint64_t version = put(way, key, key_size, value, value_size, true);
        if (LIKELY(version != 0)) return done(way, version, out_version, err);
    }
    return bent(way, key, key_size, value, value_size, out_version, err);
}

wg_code wg_state_put_straight(wg_state_way *way, const void *key, size_t key_size, const void *value,
                              size_t value_size, uint64_t *out_version, wg_error *err) {
    if (way->logs) return put_logged(way, key, key_size, value, value_size, out_version, err);
    if (LIKELY(sizes_are_usual(key, key_size, value_size))) {
        const uint64_t version = put(way, key, key_size, value, value_size, false);
        if (LIKELY(version != 0)) {
            if (out_version != NULL) *out_version = version;
            return WG_OK;
        }
    }
    return bent(way, key, key_size, value, value_size, out_version, err);
}

/* ---- a transaction that reads one key and writes it: read, written and committed without a set */

/* The plain record of a short key, as it is between two looks at its first word and the segment. */
bool wg_state_txn_get_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_state_cell *out) {
    const uint64_t odd = WGI_LOCKED | WGI_FLAG_BLOCK | WGI_FLAG_DELETED | WGI_FLAG_EXPIRES;
    const wgi_table *table = way->table;
    wgi_quick *q = txn->quick;
    if (key.size - KEY_MIN > KEY_MAX - KEY_MIN || key.data == NULL) return false;
    const uint64_t head = wg_load_u64le(key.data), tail = wg_load_u64le(key.data + key.size - 8);
    const uint64_t hash = wgi_mix(head ^ table->seed, tail ^ table->seed_of_size[key.size]) ^ way->hash_mix;
    const wgi_place place = wgi_place_of(table, hash);
    wgi_place_prefetch(&place, hash);
    prefetch_next(&place, wgi_home(hash));
    if (head == way->refused || q->step != WGI_QUICK_NONE || (txn->read_count | txn->write_count) != 0 ||
        atomic_load_explicit(way->gate, memory_order_acquire) != way->open_at)
        return false;
    const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_acquire);
    if ((generation & 1) != 0) return false;
    for (uint32_t i = 0, at = wgi_home(hash); i < FAR; i++, at = (at + 1) % WGI_SLOTS) {
        wgi_slot *slot = &place.slots[at];
        const uint64_t word0 = wgi_load(&slot->words[0]);
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
        if (word0 == 0) return false;
        if ((uint8_t)(word0 >> 8) != key.size || (uint32_t)wgi_load(&slot->words[1]) >> 8 != way->shape >> 40 ||
            wg_load_u64le(bytes) != head || wg_load_u64le(bytes + key.size - 8) != tail)
            continue;
        if ((word0 & odd) != 0 || word0 >> WGI_VERSION_SHIFT > txn->snapshot) return false;
        wgi_copy_64(out->small, (const uint8_t *)slot);
        wgi_copy_64(out->small + 64, (const uint8_t *)slot + 64);
        const uint64_t time_us = wgi_load(&place.sides[at].time_us);
        atomic_thread_fence(memory_order_acquire);
        if (wgi_load(&slot->words[0]) != word0 ||
            atomic_load_explicit(&place.header->generation, memory_order_relaxed) != generation)
            return false;
        out->version = q->version = word0 >> WGI_VERSION_SHIFT;
        out->time_us = time_us;
        out->expires_us = 0;
        out->type = (uint8_t)(word0 & 0x1f);
        out->bytes = wg_slice_of(out->small + WGI_KEY_AT + key.size, out->small[8]);
        q->size = (uint32_t)key.size;
        q->head = head;
        q->tail = tail;
        q->hash = hash;
        q->header = place.header;
        q->slot = slot;
        q->side = &place.sides[at];
        q->generation = generation;
        wg_store_u64le(q->key, head); /* what was just written into the cell could not be read from there yet */
        wg_store_u64le(q->key + key.size - 8, tail);
        q->step = WGI_QUICK_READ;
        return true;
    }
    return false;
}

bool wg_state_txn_put_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_slice value) {
    wgi_quick *q = txn->quick;
    if (q->step == WGI_QUICK_NONE || key.size != q->size || key.data == NULL ||
        value.size - VALUE_MIN > VALUE_MAX - VALUE_MIN || wg_load_u64le(key.data) != q->head ||
        wg_load_u64le(key.data + key.size - 8) != q->tail ||
        atomic_load_explicit(way->gate, memory_order_acquire) != way->open_at)
        return false;
    wgi_bytes_copy(q->value, value.data, value.size);
    q->value_size = (uint32_t)value.size;
    q->step = WGI_QUICK_WRITTEN;
    return true;
}

static inline WGI_HOT uint64_t commit(const wg_state_way *way, wg_state_txn *txn, bool logs) {
    const wgi_quick *q = txn->quick;
    const looked_for l = {.head = q->head,
                          .tail = q->tail,
                          .hash = q->hash,
                          .size = q->size,
                          .value_size = q->value_size,
                          .shape = way->shape | (uint64_t)q->value_size << 32 | (uint64_t)q->size << 8};
    uint64_t version = 0;
    if (UNLIKELY(!is_usual(way, &l, logs))) return 0;
    wg_lane_enter(way->lane);
    if (UNLIKELY(!wgi_segment_try_lock(q->header))) goto leave;
    const uint64_t word0 = wgi_load(&q->slot->words[0]);
    if (LIKELY(!wg_lane_is_stopped(way->lane) &&
               atomic_load_explicit(&q->header->generation, memory_order_relaxed) == q->generation &&
               word0 == (q->version << WGI_VERSION_SHIFT | (uint16_t)l.shape) &&
               (uint32_t)wgi_load(&q->slot->words[1]) == (uint32_t)(l.shape >> 32))) {
        version = replace(way, q->slot, q->side, &l, q->value, logs);
        wgi_count(&way->session->commits);
    }
    wgi_segment_unlock(q->header);
leave:
    wg_lane_leave(way->lane);
    return version;
}

/* The slot is the one that was read, its segment has served all the time, and its version is the one that was read: then nothing has come between. */
uint64_t wg_state_commit_straight(const wg_state_way *way, wg_state_txn *txn) {
    if (txn->quick->step != WGI_QUICK_WRITTEN || txn->event_count != 0 || txn->reads_events || txn->ranges != NULL ||
        txn->arena_used || txn->scratch_used != 0)
        return 0;
    const uint64_t version = way->logs ? commit(way, txn, true) : commit(way, txn, false);
    if (LIKELY(version != 0)) {
        txn->quick->step = WGI_QUICK_NONE;
        txn->open = false;
        atomic_store_explicit(&txn->session->reading, NULL, memory_order_relaxed);
    }
    return version;
}
#endif
