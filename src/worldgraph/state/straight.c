/* The put of a handle that puts again and again: bytes of the same shape as before under a short key that is there. See put.c for what the
 * common put does; this one does the same steps with what all of them have in common taken out.
 *
 * What limits puts of random keys is how many of them are under way at once: the processor goes on behind a slot that is missing until its
 * window is full, 160 to 450 instructions and 32 to 105 stores, so the misses of two puts overlap only if few instructions lie between
 * the first look at a slot and the next put's prefetch. What lies between a prefetch and the look at that slot costs little. Hence:
 *   - wg_state_put_straight finds the place, starts the misses and does nothing else; the rest of the arguments waits in the way;
 *   - behind it, and before the slot is looked at, come all questions, the redo record for the version that is likely, the locks;
 *   - behind the look there are no calls, and branches rather than results: a record of the same run, type and sizes as the one
 *     that it replaces, so that its first 16 bytes are known but for the version, and the record in history has the length of the last one.
 *
 * Failure modes: none of its own. Whatever is not as usual goes on in put.c, and from there to `otherwise`; nothing was done until then. */
#include "worldgraph/state/commit_internal.h"

#define LIKELY(x)   __builtin_expect((x), 1)
#define UNLIKELY(x) __builtin_expect((x), 0)

bool wg_state_way_is_possible(const wg_state_run *run) {
    return run->parent == NULL && !run->state->options.readers_wait_for_durable;
}

/* Behind a put of the short way, with the ring. */
static inline WGI_HOT wg_code done(wg_state_way *way, uint64_t version, uint64_t *out_version, wg_error *err) {
    if (out_version != NULL) *out_version = version;
    if (way->noticed == NULL) return WG_OK;
    const wg_lane *lane = way->lane;
    const bool full = lane->tail - atomic_load_explicit(&lane->drained, memory_order_relaxed) >= lane->ring_bytes / 2;
    return !full && atomic_load_explicit(way->noticed, memory_order_relaxed) ? WG_OK : way->behind(way, err);
}

/* What the straight put has not done: the put whose other arguments are in the way. */
static __attribute__((noinline)) wg_code bent(wg_state_way *way, const uint8_t *key, size_t key_size) {
    const wg_slice value = wg_slice_of(way->value, way->value_size);
    uint64_t *out_version = way->out_version;
    wg_error *err = way->err;
    const bool open = atomic_load_explicit(way->gate, memory_order_acquire) == way->open_at;
    uint64_t version = 0;
    if (open && key != NULL && (key_size < 8 || wg_load_u64le(key) != way->refused))
        version = wgi_put_bytes(way->session, way->run, wg_slice_of(key, key_size), value);
    if (version == 0) return way->otherwise(way, key, key_size, value.data, value.size, out_version, err);
    return done(way, version, out_version, err);
}

wg_code wgi_unquick_slow(wg_state_txn *txn, wg_error *err) {
    wgi_quick *q = txn->quick;
    const wgi_quick_step step = q->step;
    const wg_slice bytes = wg_slice_of(q->key, q->size);
    const wg_state_key key = {bytes, wgi_key_hash(txn->run->table, bytes.data, bytes.size) ^ txn->run->hash_mix};
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
    way->value = value;
    way->value_size = value_size;
    way->out_version = out_version;
    way->err = err;
    return bent(way, key, key_size);
}
static void way_choose(wg_state_way *way) { (void)way; }
#else

enum {
    KEY_MIN = 8,
    KEY_MAX = WGI_KEY_HASHED,
    VALUE_MIN = 16,
    VALUE_MAX = WGI_INLINE_BYTES - KEY_MAX,
    FAR = 8, /* slots that are looked at */
    REDO_MAX = WGI_REDO_HEAD_MAX + 256
};

/* ---- one put */

typedef struct home {
    wgi_slot *slot;
    wgi_side *side;
    wgi_header *header;
} home;

typedef struct putting { /* in registers: all that takes it is inlined */
    const wg_state_way *way;
    const uint8_t *key, *value;
    size_t key_size, value_size;
    uint64_t shape;    /* low 16 bits of a slot's word 0; from bit 32 on the low 32 bits of word 1 */
    uint8_t *to;       /* the room in history for what it replaces */
    uint64_t likely;   /* the version that it will probably have */
    size_t redo_bytes; /* of the record for that version, which is written */
} putting;

static inline WGI_HOT uint64_t shape_of(const wg_state_way *way, size_t key_size, size_t value_size) {
    return way->shape | (uint64_t)value_size << 32 | (uint64_t)key_size << 8;
}

/* A slot that the key was led to has the key, and a record of this shape. */
static inline WGI_HOT bool slot_is(const wgi_slot *slot, uint64_t word0, const putting *p) {
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
    return (uint16_t)word0 == (uint16_t)p->shape &&
           (uint32_t)wgi_load(&slot->words[1]) == (uint32_t)(p->shape >> 32) &&
           wg_load_u64le(bytes) == wg_load_u64le(p->key) &&
           wg_load_u64le(bytes + p->key_size - 8) == wg_load_u64le(p->key + p->key_size - 8);
}

/* The slot behind this one, in its segment, which lies at a multiple of its size. */
static inline WGI_HOT wgi_slot *slot_behind(wgi_slot *slot) {
    const size_t at = (uintptr_t)slot / WGI_SLOT_BYTES % WGI_SLOTS;
    return slot - at + (at + 1) % WGI_SLOTS;
}
static inline WGI_HOT wgi_side *side_behind(wgi_side *side) {
    const size_t at = (uintptr_t)side / sizeof *side % WGI_SLOTS;
    return side - at + (at + 1) % WGI_SLOTS;
}

static inline WGI_HOT bool lane_has_room(const wg_lane *lane) {
    const uint64_t at = lane->tail & (lane->ring_bytes - 1);
    return lane->ring_bytes - at >= REDO_MAX && lane->free_to - lane->tail >= REDO_MAX &&
           lane->ring_bytes >= 4 * REDO_MAX;
}

/* The redo record behind the ring's end, where there is room for it; how many bytes. Nobody looks at it until it is published. */
static inline WGI_HOT size_t redo_write(const putting *p, uint64_t version) {
    const wg_lane *lane = p->way->lane;
    const size_t ops = 4 + p->key_size + p->value_size;
    uint8_t *room = lane->ring + (lane->tail & (lane->ring_bytes - 1));
    uint8_t *at = wgi_redo_commit_put(room, p->way->run, version, ops);
    wg_store_u32le(at, (uint32_t)WG_REDO_PUT | (uint32_t)WG_TYPE_BYTES << 8 | (uint32_t)p->key_size << 16 |
                           (uint32_t)p->value_size << 24);
    wg_store_u64le(at + 4, wg_load_u64le(p->key));
    wg_store_u64le(at + 4 + p->key_size - 8, wg_load_u64le(p->key + p->key_size - 8));
    wgi_bytes_copy(at + 4 + p->key_size, p->value, p->value_size);
    return (size_t)(at - room) + ops;
}
/* Another commit of the run came between. */
static __attribute__((noinline)) size_t redo_write_again(const wg_state_way *way, const uint8_t *key, size_t key_size,
                                                         const uint8_t *value, size_t value_size, uint64_t version) {
    const putting p = {.way = way, .key = key, .key_size = key_size, .value = value, .value_size = value_size};
    return redo_write(&p, version);
}
/* Before the locks: the record of the version that comes next if nobody else commits in the run. */
static inline WGI_HOT void redo_ahead(putting *p) {
    p->likely = atomic_load_explicit(&p->way->run->newest, memory_order_relaxed) + 1;
    p->redo_bytes = redo_write(p, p->likely);
}

static __attribute__((noinline)) void touched(const wg_state_way *way, const uint8_t *key, size_t key_size) {
    wgi_touched_note(way->run, wgi_key_hash(way->table, key, key_size) ^ way->hash_mix);
}

/* With the segment locked and word 0 of the slot: the record goes to history while it is not marked, the new one takes its place. */
static inline WGI_HOT uint64_t replace(const putting *p, wgi_slot *slot, wgi_side *side, uint64_t word0, bool logs) {
    const wg_state_way *way = p->way;
    wgi_copy_16(p->to, (const uint8_t *)side);
    wgi_copy_64(p->to + 24, (const uint8_t *)slot);
    wgi_copy_64(p->to + 24 + 64, (const uint8_t *)slot + 64);
    wgi_store(&slot->words[0], word0 | WGI_LOCKED);
    const uint64_t version = atomic_fetch_add(&way->run->newest, 1) + 1;
    wg_store_u64le(p->to + 16, version);
    if (UNLIKELY(atomic_load(&way->run->touch_below) > word0 >> WGI_VERSION_SHIFT)) touched(way, p->key, p->key_size);
    if (logs) {
        size_t bytes = p->redo_bytes;
        if (UNLIKELY(version != p->likely))
            bytes = redo_write_again(way, p->key, p->key_size, p->value, p->value_size, version);
        wg_lane_publish(way->lane, bytes);
    }
    wgi_writer *writer = way->writer;
    const uint64_t record_bytes = writer->bytes;
    wgi_store(&side->history, writer->position);
    wgi_store(&side->time_us, way->session->now_us);
    writer->at += record_bytes;
    writer->position += record_bytes;
    wgi_bytes_copy((uint8_t *)(uintptr_t)slot + WGI_KEY_AT + p->key_size, p->value, p->value_size);
    wgi_store(&slot->words[0], version << WGI_VERSION_SHIFT | (uint16_t)p->shape);
    wgi_count(&way->session->commits);
    return version;
}

/* Whether all is as usual, but for what the segment and the slot have to say. */
static inline WGI_HOT bool is_usual(const putting *p, bool logs) {
    const wg_state_way *way = p->way;
    const wg_state_session *session = way->session;
    const wgi_writer *writer = way->writer;
    return wg_load_u64le(p->key) != way->refused &&
           atomic_load_explicit(way->gate, memory_order_acquire) == way->open_at &&
           !atomic_load_explicit(&way->run->dropped, memory_order_relaxed) && wgi_history_has_room(writer, 1) &&
           writer->usual == p->shape && wg_ticks() - session->tick < session->ticks_kept &&
           (!logs || lane_has_room(way->lane));
}

static inline WGI_HOT uint8_t *history_ahead(const wgi_writer *writer) {
    uint8_t *to = (uint8_t *)writer->at;
    __builtin_prefetch(to + WGI_HISTORY_AHEAD, 1);
    __builtin_prefetch(to + WGI_HISTORY_AHEAD + 64, 1);
    __builtin_prefetch(to + WGI_HISTORY_AHEAD + 128, 1);
    return to;
}

/* Between wg_lane_enter and wg_lane_leave, with the segment's lock: the commit goes on. The lane's last TIME is that of the session, or the
 * record that is written would need one before it. */
static inline WGI_HOT bool goes_on(const wg_state_way *way, bool logs) {
    return !wg_lane_is_stopped(way->lane) && (!logs || way->lane->time_us == way->session->now_us);
}

/* The rest of a put whose misses are under way. */
static inline WGI_HOT wg_code put_at(wg_state_way *way, const uint8_t *key, size_t key_size, home h, bool logs) {
    putting p = {.way = way, .key = key, .value = way->value, .key_size = key_size, .value_size = way->value_size};
    uint64_t version = 0;
    p.shape = shape_of(way, key_size, p.value_size);
    if (UNLIKELY(p.value_size - VALUE_MIN > VALUE_MAX - VALUE_MIN || way->session->txn.open || !is_usual(&p, logs)))
        return bent(way, key, key_size);
    p.to = history_ahead(way->writer);
    if (logs) redo_ahead(&p);
    wg_lane_enter(way->lane);
    if (UNLIKELY(!wgi_segment_try_lock(h.header))) goto leave;
    if (UNLIKELY(!goes_on(way, logs) || !wgi_segment_serves(h.header))) goto unlock;
    for (uint32_t left = FAR; left != 0; left--) {
        const uint64_t word0 = wgi_load(&h.slot->words[0]);
        if (LIKELY(slot_is(h.slot, word0, &p))) {
            version = replace(&p, h.slot, h.side, word0, logs);
            break;
        }
        if (word0 == 0) break;
        h.slot = slot_behind(h.slot);
        h.side = side_behind(h.side);
    }
unlock:
    wgi_segment_unlock(h.header);
leave:
    wg_lane_leave(way->lane);
    if (UNLIKELY(version == 0)) return bent(way, key, key_size);
    if (logs) return done(way, version, way->out_version, way->err);
    if (way->out_version != NULL) *way->out_version = version;
    return WG_OK;
}

static wg_code put_plain(wg_state_way *way, const uint8_t *key, size_t key_size, wgi_slot *slot, wgi_side *side,
                         wgi_header *header) {
    return put_at(way, key, key_size, (home){slot, side, header}, false);
}
static wg_code put_logged(wg_state_way *way, const uint8_t *key, size_t key_size, wgi_slot *slot, wgi_side *side,
                          wgi_header *header) {
    return put_at(way, key, key_size, (home){slot, side, header}, true);
}

/* The home of a key of 8 to 16 bytes, whose misses are started. A quarter of all keys lies behind it: a second miss, but for the slot that comes
 * next; what that prefetch finds behind the segment's last slot does not matter. */
static inline WGI_HOT home home_of(const wg_state_way *way, const uint8_t *key, size_t key_size) {
    const wgi_table *table = way->table;
    const uint64_t hash =
        wgi_mix(wg_load_u64le(key) ^ table->seed, wg_load_u64le(key + key_size - 8) ^ table->seed_of_size[key_size]) ^
        way->hash_mix;
    const uint32_t segment = wgi_segment_of(table, hash);
    const wgi_chunk *chunk =
        atomic_load_explicit(&table->chunks, memory_order_acquire) + segment / WGI_CHUNK_SEGMENTS;
    const size_t at = (size_t)(segment % WGI_CHUNK_SEGMENTS) * WGI_SLOTS | wgi_home(hash);
    const home h = {chunk->slots + at, chunk->sides + at, chunk->headers + segment % WGI_CHUNK_SEGMENTS};
    __builtin_prefetch((const uint8_t *)h.slot, 1);
    __builtin_prefetch((const uint8_t *)h.slot + 64, 1);
    __builtin_prefetch(h.side, 1);
    __builtin_prefetch((const uint8_t *)h.slot + WGI_SLOT_BYTES, 1);
    __builtin_prefetch((const uint8_t *)h.slot + WGI_SLOT_BYTES + 64, 1);
    return h;
}

wg_code wg_state_put_straight(wg_state_way *way, const void *key, size_t key_size, const void *value,
                              size_t value_size, uint64_t *out_version, wg_error *err) {
    way->value = value;
    way->value_size = value_size;
    way->out_version = out_version;
    way->err = err;
    if (UNLIKELY(key_size - KEY_MIN > KEY_MAX - KEY_MIN || key == NULL)) return bent(way, key, key_size);
    const home h = home_of(way, key, key_size);
    return way->put_at(way, key, key_size, h.slot, h.side, h.header);
}

/* ---- a transaction that reads one key and writes it: read, written and committed without a set */

/* The plain record of a short key, as it is between two looks at its first word and the segment. */
bool wg_state_txn_get_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_state_cell *out) {
    const uint64_t odd = WGI_LOCKED | WGI_FLAG_BLOCK | WGI_FLAG_DELETED | WGI_FLAG_EXPIRES;
    wgi_quick *q = txn->quick;
    if (key.size - KEY_MIN > KEY_MAX - KEY_MIN || key.data == NULL) return false;
    const home h = home_of(way, key.data, key.size);
    const uint64_t head = wg_load_u64le(key.data), tail = wg_load_u64le(key.data + key.size - 8);
    if (head == way->refused || q->step != WGI_QUICK_NONE || (txn->read_count | txn->write_count) != 0 ||
        atomic_load_explicit(way->gate, memory_order_acquire) != way->open_at)
        return false;
    const uint32_t generation = atomic_load_explicit(&h.header->generation, memory_order_acquire);
    if ((generation & 1) != 0) return false;
    wg_store_u64le(q->key, head); /* what was just written into the cell could not be read from there yet */
    wg_store_u64le(q->key + key.size - 8, tail);
    wgi_slot *slot = h.slot;
    wgi_side *side = h.side;
    for (uint32_t left = FAR; left != 0; left--, slot = slot_behind(slot), side = side_behind(side)) {
        const uint64_t word0 = wgi_load(&slot->words[0]);
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
        if (word0 == 0) return false;
        if ((uint8_t)(word0 >> 8) != key.size || (uint32_t)wgi_load(&slot->words[1]) >> 8 != way->shape >> 40 ||
            wg_load_u64le(bytes) != head || wg_load_u64le(bytes + key.size - 8) != tail)
            continue;
        if ((word0 & odd) != 0 || word0 >> WGI_VERSION_SHIFT > txn->snapshot) return false;
        wgi_copy_64(out->small, (const uint8_t *)slot);
        wgi_copy_64(out->small + 64, (const uint8_t *)slot + 64);
        const uint64_t time_us = wgi_load(&side->time_us);
        atomic_thread_fence(memory_order_acquire);
        if (wgi_load(&slot->words[0]) != word0 ||
            atomic_load_explicit(&h.header->generation, memory_order_relaxed) != generation)
            return false;
        out->version = q->version = word0 >> WGI_VERSION_SHIFT;
        out->time_us = time_us;
        out->expires_us = 0;
        out->type = (uint8_t)(word0 & 0x1f);
        out->bytes = wg_slice_of(out->small + WGI_KEY_AT + key.size, out->small[8]);
        q->size = (uint32_t)key.size;
        q->header = h.header;
        q->slot = slot;
        q->side = side;
        q->generation = generation;
        q->step = WGI_QUICK_READ;
        return true;
    }
    return false;
}

bool wg_state_txn_put_straight(const wg_state_way *way, wg_state_txn *txn, wg_slice key, wg_slice value) {
    wgi_quick *q = txn->quick;
    if (q->step == WGI_QUICK_NONE || key.size != q->size || key.data == NULL ||
        value.size - VALUE_MIN > VALUE_MAX - VALUE_MIN || wg_load_u64le(key.data) != wg_load_u64le(q->key) ||
        wg_load_u64le(key.data + key.size - 8) != wg_load_u64le(q->key + key.size - 8) ||
        atomic_load_explicit(way->gate, memory_order_acquire) != way->open_at)
        return false;
    wgi_bytes_copy(q->value, value.data, value.size);
    q->value_size = (uint32_t)value.size;
    q->step = WGI_QUICK_WRITTEN;
    return true;
}

static inline WGI_HOT uint64_t commit_at(const wg_state_way *way, const wgi_quick *q, bool logs) {
    putting p = {.way = way, .key = q->key, .value = q->value, .key_size = q->size, .value_size = q->value_size};
    uint64_t version = 0;
    p.shape = shape_of(way, p.key_size, p.value_size);
    if (UNLIKELY(!is_usual(&p, logs))) return 0;
    p.to = history_ahead(way->writer);
    if (logs) redo_ahead(&p);
    wg_lane_enter(way->lane);
    if (UNLIKELY(!wgi_segment_try_lock(q->header))) goto leave;
    const uint64_t word0 = wgi_load(&q->slot->words[0]);
    if (LIKELY(goes_on(way, logs) &&
               atomic_load_explicit(&q->header->generation, memory_order_relaxed) == q->generation &&
               word0 == (q->version << WGI_VERSION_SHIFT | (uint16_t)p.shape) &&
               (uint32_t)wgi_load(&q->slot->words[1]) == (uint32_t)(p.shape >> 32)))
        version = replace(&p, q->slot, q->side, word0, logs);
    wgi_segment_unlock(q->header);
leave:
    wg_lane_leave(way->lane);
    return version;
}
static uint64_t commit_plain(const wg_state_way *way, const wgi_quick *q) { return commit_at(way, q, false); }
static uint64_t commit_logged(const wg_state_way *way, const wgi_quick *q) { return commit_at(way, q, true); }

/* The slot is the one that was read, its segment has served all the time, and its version is the one that was read: then nothing has come between. */
uint64_t wg_state_commit_straight(const wg_state_way *way, wg_state_txn *txn) {
    if (txn->quick->step != WGI_QUICK_WRITTEN || txn->event_count != 0 || txn->reads_events || txn->ranges != NULL ||
        txn->arena_used || txn->scratch_used != 0)
        return 0;
    const uint64_t version = way->commit_at(way, txn->quick);
    if (LIKELY(version != 0)) {
        txn->quick->step = WGI_QUICK_NONE;
        txn->open = false;
        atomic_store_explicit(&txn->session->reading, NULL, memory_order_relaxed);
    }
    return version;
}

static void way_choose(wg_state_way *way) {
    way->put_at = way->logs ? put_logged : put_plain;
    way->commit_at = way->logs ? commit_logged : commit_plain;
}
#endif

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
    way_choose(way);
}
