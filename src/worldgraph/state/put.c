/* The put of nearly always, straight: a short key that is there, a value that fits and does not expire, no parent, nobody in the way.
 *
 * One put is the miss of its slot and little else, and the processor overlaps the misses of puts that follow each other as far as its window
 * for instructions reaches: some 450. So what counts here is how few instructions there are, above all between the first look at the slot and
 * the next put's prefetch: bytes are compared and moved without calls, few things are live at once, and nothing that a later put needs
 * depends on the bytes of a slot (see wgi_history_append_here).
 *
 * Steps: place and prefetch; what would need the long way; lane and segment; the slot; mark, version, redo, history, slot. That the directory
 * leads to the segment is not asked again: a segment in service that has the key is the one (I2).
 *
 * Failure modes: none. False: nothing was done, and the long way (commit.c) finds out why. */
#include "worldgraph/state/commit_internal.h"

#define LIKELY(x) __builtin_expect((x), 1)

typedef struct putting { /* one put; in registers, all that takes it is inlined */
    wg_state_session *session;
    wg_state_run *run;
    uint64_t hash;
    wg_slice key, bytes;
    uint64_t expected, now_us;
    uint8_t type;
    wgi_place place;
} putting;

/* Whether the short way can be taken at all: the arguments, the room in history, the run. */
static inline WGI_HOT bool is_short(const putting *p) {
    return p->key.size - 1 < WGI_KEY_INLINE_MAX && p->key.size + p->bytes.size <= WGI_INLINE_BYTES &&
           p->run->parent == NULL && wgi_history_has_room(p->session->writer, 1) &&
           !atomic_load_explicit(&p->run->dropped, memory_order_relaxed);
}

/* The redo record, in the room that was reserved for it. Its sizes are below 128 each: varints of one byte. */
static inline WGI_HOT void redo_publish(const putting *p, wg_lane *lane, uint8_t *room, uint64_t version) {
    WGI_LAYER_BEGIN(encode);
    const size_t ops = 4 + p->key.size + p->bytes.size;
    uint8_t *at = wgi_redo_head_put(room, lane, p->now_us, p->run, version, ops);
    wg_store_u32le(at, (uint32_t)WG_REDO_PUT | (uint32_t)p->type << 8 | (uint32_t)p->key.size << 16 |
                           (uint32_t)p->bytes.size << 24);
    wgi_bytes_copy(at + 4, p->key.data, p->key.size);
    wgi_bytes_copy(at + 4 + p->key.size, p->bytes.data, p->bytes.size);
    wg_lane_publish(lane, (size_t)(at - room) + ops);
    WGI_LAYER_END(encode, WG_LAYER_ENCODING);
}

/* The slot of a key that is not in its home; UINT32_MAX: absent. */
static __attribute__((noinline)) uint32_t find_away(const wgi_slot *slots, uint32_t at, uint32_t run, wg_slice key) {
    for (uint32_t i = 0; i < WGI_SLOTS; i++, at = (at + 1) % WGI_SLOTS) {
        const uint64_t word0 = wgi_load(&slots[at].words[0]);
        if (wgi_slot_has(&slots[at], word0, run, key)) return at;
        if (word0 == 0) break;
    }
    return UINT32_MAX;
}

/* With the segment locked and the key in slot `at`. */
static inline WGI_HOT uint64_t slot_put(const putting *p, uint32_t at, uint8_t *room) {
    wgi_slot *slot = &p->place.slots[at];
    wgi_side *side = &p->place.sides[at];
    const uint64_t word0 = wgi_load(&slot->words[0]), word1 = wgi_load(&slot->words[1]);
    if (!WG_CANARY_IS(14)) wgi_store(&slot->words[0], word0 | WGI_LOCKED);
    const uint64_t version = atomic_fetch_add(&p->run->newest, 1) + 1;
    wgi_touch(p->run, word0, p->hash);
    if (room != NULL) redo_publish(p, p->session->lane, room, version);
    const wgi_replaced replaced = {wgi_load(&side->history), wgi_load(&side->time_us), word0, version};
    wgi_store(&side->history, wgi_history_append_here(p->session->writer, slot, word1, &replaced));
    wgi_store(&side->time_us, p->now_us);
    if (__builtin_expect((word0 & WGI_FLAG_BLOCK) != 0, 0))
        wgi_history_append_blocks(p->session->writer, slot, word0);
    wgi_store(&slot->words[1], (word1 & ~UINT64_C(0xff)) | p->bytes.size);
#if WGI_COPY_WORDS
    const size_t end = WGI_KEY_AT + p->key.size;
    if (p->bytes.size != 0) wgi_slot_put(slot, end, wgi_load(&slot->words[end / 8]), p->bytes.data, p->bytes.size);
#else
    wgi_bytes_copy((uint8_t *)(uintptr_t)slot + WGI_KEY_AT + p->key.size, p->bytes.data, p->bytes.size);
#endif
    wgi_store(&slot->words[0], version << WGI_VERSION_SHIFT | (uint64_t)p->key.size << 8 | p->type);
    return version;
}

/* With the segment locked. 0: another version is there than was expected, or none. */
static inline WGI_HOT uint64_t locked_put(const putting *p, uint8_t *room) {
    WGI_LAYER_BEGIN(index);
    uint32_t at = wgi_home(p->hash);
    const wgi_slot *slot = &p->place.slots[at];
    if (!LIKELY(wgi_slot_has(slot, wgi_load(&slot->words[0]), p->run->origin.number, p->key))) {
        at = find_away(p->place.slots, at, p->run->origin.number, p->key);
        if (at == UINT32_MAX) return 0;
        slot = &p->place.slots[at];
    }
    WGI_LAYER_END(index, WG_LAYER_INDEX);
    if (p->expected != WG_VERSION_ANY && wgi_slot_version(slot, wgi_load(&slot->words[0]), p->now_us) != p->expected)
        return 0;
    return slot_put(p, at, room);
}

/* With the room for its redo record, or without a ring. */
static inline WGI_HOT uint64_t put_in(const putting *p, wg_lane *lane, uint8_t *room) {
    uint64_t version = 0;
    wg_lane_enter(lane);
    if (LIKELY(wgi_segment_try_lock(p->place.header))) {
        if (LIKELY(!wg_lane_is_stopped(lane) && wgi_segment_serves(p->place.header))) version = locked_put(p, room);
        wgi_segment_unlock(p->place.header);
    }
    wg_lane_leave(lane);
    if (version == 0) return 0;
    wgi_count(&p->session->commits);
    wgi_own_note(p->session, p->run, version);
    return version;
}

/* The version; 0: nothing was done. */
static inline WGI_HOT uint64_t put(const putting *p) {
    wg_lane *lane = p->session->lane;
    uint8_t *room;
    if (!is_short(p)) return 0;
    if (lane->ring == NULL) return put_in(p, lane, NULL);
    if (wg_lane_reserve(lane, WGI_REDO_HEAD_MAX + 256, &room, NULL) != WG_OK) return 0;
    return put_in(p, lane, room);
}

bool wgi_put_short(wg_state_session *session, wg_state_run *run, const wg_state_key *key, const wg_state_value *value,
                   uint64_t expected, uint64_t now_us, uint64_t *out_version) {
    if (value->expires_us != 0 || value->type > WG_TYPE_PATH) return false;
    const putting p = {.session = session,
                       .run = run,
                       .hash = key->hash,
                       .key = key->bytes,
                       .bytes = value->bytes,
                       .type = value->type,
                       .expected = expected,
                       .now_us = now_us,
                       .place = wgi_place_of(run->table, key->hash)};
    const uint64_t version = put(&p);
    if (version != 0 && out_version != NULL) *out_version = version;
    return version != 0;
}

wg_code wg_state_put(wg_state_session *session, wg_state_run *run, const wg_state_key *key,
                     const wg_state_value *value, uint64_t expected, uint64_t now_us, uint64_t *out_version,
                     wg_error *err) {
    if (!session->txn.open && wgi_put_short(session, run, key, value, expected, now_us, out_version)) return WG_OK;
    return wgi_put_long(session, run, key, value, expected, now_us, out_version, err);
}

/* A put of bytes that is not straight (straight.c). */
uint64_t wgi_put_bytes(wg_state_session *session, wg_state_run *run, wg_slice key, wg_slice bytes) {
    const uint64_t hash = wgi_key_hash(run->table, key.data, key.size) ^ run->hash_mix;
    const putting p = {.session = session,
                       .run = run,
                       .hash = hash,
                       .key = key,
                       .bytes = bytes,
                       .type = WG_TYPE_BYTES,
                       .expected = WG_VERSION_ANY,
                       .now_us = wgi_session_now(session),
                       .place = wgi_place_of(run->table, hash)};
    return session->txn.open ? 0 : put(&p);
}
