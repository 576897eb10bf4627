/* worldgraph/state, inside: the steps of a commit, for commit.c (one operation), txn.c (many) and redo.c (replay). */
#ifndef WG_WORLDGRAPH_STATE_COMMIT_INTERNAL_H
#define WG_WORLDGRAPH_STATE_COMMIT_INTERNAL_H

#include "worldgraph/state/history_internal.h"
#include "worldgraph/state/stale_internal.h"
#include "worldgraph/state/touched_internal.h"
#include "worldgraph/wal/wal.h"

#ifdef WG_LAYER_TIMING
uint64_t wgi_layer_begin(void);
void wgi_layer_end(wg_layer layer, uint64_t begin);
#define WGI_LAYER_BEGIN(name)      const uint64_t layer_##name = wgi_layer_begin()
#define WGI_LAYER_END(name, layer) wgi_layer_end(layer, layer_##name)
#else
#define WGI_LAYER_BEGIN(name)      ((void)0)
#define WGI_LAYER_END(name, layer) ((void)0)
#endif

/* A session's own counter: others only read it. */
static inline WGI_HOT void wgi_count(_Atomic uint64_t *counter) {
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* The coarse time, by the session's count of ticks. */
uint64_t wgi_session_clock(wg_state_session *session, uint64_t tick);
static inline uint64_t wgi_session_now(wg_state_session *session) {
    const uint64_t tick = wg_ticks();
    if (__builtin_expect(tick - session->tick < session->ticks_kept, 1)) return session->now_us;
    return wgi_session_clock(session, tick);
}

/* ---- redo */

enum { WGI_REDO_HEAD_MAX = 48 }; /* TIME and the head of a RUN_COMMIT */

static inline size_t wgi_varint_size(uint64_t v) {
    return v < 128 ? 1 : (size_t)(70 - __builtin_clzll(v)) / 7; /* ceil(bits / 7) */
}
static inline uint8_t *wgi_varint_put(uint8_t *p, uint64_t v) {
    while (v >= 128) {
        *p++ = (uint8_t)(v | 128);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}
static inline size_t wgi_redo_op_size(size_t key, size_t value, bool expires) {
    return 2 + wgi_varint_size(key) + wgi_varint_size(value) + (expires ? 8 : 0) + key + value;
}
static inline uint8_t *wgi_redo_op_put(uint8_t *p, uint8_t op, wg_slice key, const wg_state_value *value) {
    const bool expires = value->expires_us != 0;
    *p++ = (uint8_t)(op | (expires ? 0x80 : 0));
    *p++ = value->type;
    p = wgi_varint_put(p, key.size);
    p = wgi_varint_put(p, value->bytes.size);
    if (expires) {
        wg_store_u64le(p, value->expires_us);
        p += 8;
    }
    memcpy(p, key.data, key.size);
    p += key.size;
    if (value->bytes.size != 0) memcpy(p, value->bytes.data, value->bytes.size);
    return p + value->bytes.size;
}
/* TIME when the lane does not stand at `time_us` (lane NULL: always), then the head of a RUN_COMMIT with `ops` bytes of operations. */
uint8_t *wgi_redo_head_put(uint8_t *p, wg_lane *lane, uint64_t time_us, const wg_state_run *run, uint64_t version,
                           size_t ops);

/* The head alone, behind a TIME that says its time. */
static inline WGI_HOT uint8_t *wgi_redo_commit_put(uint8_t *p, const wg_state_run *run, uint64_t version,
                                                   size_t ops) {
    const uint32_t number = run->origin.number;
    *p++ = WG_MUTATION_RUN_COMMIT;
    p = wgi_varint_put(p, wgi_varint_size(number) + wgi_varint_size(version) + ops);
    p = wgi_varint_put(p, number);
    return wgi_varint_put(p, version);
}
static inline WGI_HOT uint8_t *wgi_redo_head_at(uint8_t *p, wg_lane *lane, uint64_t time_us, const wg_state_run *run,
                                                uint64_t version, size_t ops) {
    if (__builtin_expect(lane == NULL || lane->time_us != time_us, 0)) {
        *p++ = WG_MUTATION_TIME;
        *p++ = 8;
        wg_store_u64le(p, time_us);
        p += 8;
        if (lane != NULL) lane->time_us = time_us;
    }
    return wgi_redo_commit_put(p, run, version, ops);
}

/* ---- slots */

static inline bool wgi_fits(size_t key, size_t value, bool expires) {
    const size_t key_bytes = key > WGI_KEY_INLINE_MAX ? 20 : key;
    return key_bytes + value + (expires ? 8 : 0) <= WGI_INLINE_BYTES;
}

/* Stores bytes at byte `at` of a slot: what is before stays (`before` is the word that holds byte `at`), what is behind in the last word does not
 * count. */
static inline void wgi_slot_put(wgi_slot *slot, size_t at, uint64_t before, const uint8_t *p, size_t n) {
#if !WGI_COPY_WORDS
    (void)before;
    memcpy((uint8_t *)(uintptr_t)slot + at, p, n);
#else
    size_t i = at >> 3, done = 0;
    const size_t r = 8 * (at & 7);
    if (n < 8) {
        const uint64_t v = wgi_load_small(p, n), low = r == 0 ? 0 : before & ((UINT64_C(1) << r) - 1);
        wgi_store(&slot->words[i], low | v << r);
        if (r + 8 * n > 64) wgi_store(&slot->words[i + 1], v >> (64 - r));
        return;
    }
    if (r != 0) {
        wgi_store(&slot->words[i++], (before & ((UINT64_C(1) << r) - 1)) | wg_load_u64le(p) << r);
        done = 8 - r / 8;
    }
    for (; done + 8 <= n; done += 8) wgi_store(&slot->words[i++], wg_load_u64le(p + done));
    if (done < n) wgi_store(&slot->words[i], wg_load_u64le(p + n - 8) >> (8 * (8 - (n - done))));
#endif
}

/* Stores a write into a slot that is locked (or nobody's): all but word 0, which is returned without its version. `m` is of its key. */
static inline uint64_t wgi_image_store(const wgi_write *w, const wgi_match *m, const wgi_block *key_block,
                                       wgi_slot *slot) {
    uint64_t word0 = (uint64_t)m->size << 8 | w->type;
    const bool in_block = w->block != NULL || w->mapped;
    const uint64_t inline_bytes = in_block || w->deleted ? 0 : w->value.size;
    uint32_t at = WGI_KEY_AT + m->size;
    wgi_store(&slot->words[1], m->words[1] | inline_bytes);
    for (uint32_t i = 2; i <= m->last; i++) wgi_store(&slot->words[i], m->words[i]);
    uint64_t before = m->words[m->last];
    if (m->last == 1) before |= inline_bytes;
    if (m->size == WGI_KEY_IN_BLOCK) {
        wgi_store(&slot->words[3], (uint64_t)(uintptr_t)key_block);
        at = 32;
    }
    if (w->deleted) return word0 | WGI_FLAG_DELETED;
    if (w->expires_us != 0) word0 |= WGI_FLAG_EXPIRES;
    if (in_block) {
        wgi_store(&slot->words[13], w->expires_us);
        wgi_store(&slot->words[14], (uint64_t)w->value.size | (uint64_t)w->mapped << 32);
        wgi_store(&slot->words[15], w->mapped ? (uint64_t)(uintptr_t)w->value.data : (uint64_t)(uintptr_t)w->block);
        return word0 | WGI_FLAG_BLOCK;
    }
    if (w->expires_us != 0) {
        uint8_t expires[8];
        wg_store_u64le(expires, w->expires_us);
        wgi_slot_put(slot, at, before, expires, 8);
        at += 8;
        before = wgi_load(&slot->words[at >> 3]);
    }
    if (w->value.size != 0) wgi_slot_put(slot, at, before, w->value.data, w->value.size);
    return word0;
}

/* Where a write goes; with the segment's lock held. */
typedef struct wgi_target {
    wgi_place place;
    uint32_t slot;
    bool is_new;
    uint64_t word0;           /* of the record there; 0: new */
    uint64_t version, now_us; /* of the commit */
} wgi_target;

/* What a reader would see at now: 0 for absent, deleted and expired. */
static inline uint64_t wgi_slot_version(const wgi_slot *slot, uint64_t word0, uint64_t now_us) {
    if ((word0 & WGI_FLAG_DELETED) != 0) return 0;
    if ((word0 & WGI_FLAG_EXPIRES) != 0) {
        wgi_record r;
        wgi_slot_copy(slot, r.words);
        if (wgi_record_expires(&r) <= now_us) return 0;
    }
    return word0 >> WGI_VERSION_SHIFT;
}

/* The slot is marked as locked: before the version is taken. Release: the data that is stored behind it is seen after it. */
static inline void wgi_mark(const wgi_target *t) {
    wgi_store(&t->place.slots[t->slot].words[0], t->word0 | WGI_LOCKED);
}
static inline void wgi_unmark(const wgi_target *t) { wgi_store(&t->place.slots[t->slot].words[0], t->word0); }
/* History first, then the new record; word 0 unlocks. */
static inline void wgi_write_slot(wg_state_run *run, wgi_writer *writer, const wgi_target *t, const wgi_write *w,
                                  const wgi_match *m) {
    wgi_slot *slot = &t->place.slots[t->slot];
    wgi_side *side = &t->place.sides[t->slot];
    const wgi_block *key_block = w->key_block;
    uint64_t position = 0;
    wgi_touch(run, t->word0, m->key->hash);
    if (!t->is_new) {
        const wgi_replaced replaced = {.history = wgi_load(&side->history),
                                       .time_us = wgi_load(&side->time_us),
                                       .word0 = t->word0,
                                       .replaced_by = t->version};
        position = wgi_history_append(run->state, writer, slot, &replaced);
        if (m->size == WGI_KEY_IN_BLOCK) key_block = (const wgi_block *)(uintptr_t)wgi_load(&slot->words[3]);
    }
    const uint64_t word0 = wgi_image_store(w, m, key_block, slot);
    if (w->deleted) wgi_deleted_add(t->place.header);
    wgi_store(&side->history, position);
    wgi_store(&side->time_us, t->now_us);
    wgi_store(&slot->words[0], word0 | t->version << WGI_VERSION_SHIFT);
}

/* ---- a transaction of one key, before it is more (straight.c) */

typedef enum wgi_quick_step { WGI_QUICK_NONE, WGI_QUICK_READ, WGI_QUICK_WRITTEN } wgi_quick_step;
typedef struct wgi_quick {
    wgi_quick_step step;
    uint32_t size, value_size;
    uint32_t generation; /* of the segment when the slot was read */
    uint64_t version;
    wgi_header *header;
    wgi_slot *slot;
    wgi_side *side;
    uint8_t key[WGI_KEY_HASHED];
    uint8_t value[WGI_INLINE_BYTES];
} wgi_quick;
/* What the quick transaction has done becomes what any other has done. WG_E_NOMEM: it is as it was. */
wg_code wgi_unquick_slow(wg_state_txn *txn, wg_error *err);
static inline wg_code wgi_unquick(wg_state_txn *txn, wg_error *err) {
    return txn->quick->step == WGI_QUICK_NONE ? WG_OK : wgi_unquick_slow(txn, err);
}
wg_code wgi_txn_note_read(wg_state_txn *txn, const wg_state_key *key, uint64_t version, wg_error *err);

/* ---- checks of callers' arguments */

wg_code wgi_error_key(wg_slice key, wg_error *err);
wg_code wgi_error_value(const wg_state_value *value, wg_error *err);
wg_code wgi_error_run(const wg_state_run *run, wg_error *err);
static inline wg_code wgi_check_key(wg_slice key, wg_error *err) {
    return key.size >= 1 && key.size <= WG_KEY_BYTES_MAX ? WG_OK : wgi_error_key(key, err);
}
static inline wg_code wgi_check_value(const wg_state_value *value, wg_error *err) {
    const bool good = value->bytes.size <= WG_STATE_VALUE_BYTES_MAX && value->type <= WG_TYPE_PATH;
    return good ? WG_OK : wgi_error_value(value, err);
}
wg_code wgi_check_event(wg_slice type, const wg_state_value *payload, wg_error *err);
static inline wg_code wgi_check_run(const wg_state_run *run, wg_error *err) {
    return !atomic_load_explicit(&run->dropped, memory_order_relaxed) ? WG_OK : wgi_error_run(run, err);
}
/* The put of nearly always: wgi_single_commit for a short key that is there and an inline value; whether a transaction is open is the caller's to
 * know. False: nothing was done, the long way finds out why. */
bool wgi_put_short(wg_state_session *session, wg_state_run *run, const wg_state_key *key, const wg_state_value *value,
                   uint64_t expected, uint64_t now_us, uint64_t *out_version);
/* The same for bytes that do not expire, whatever is there. The version; 0: nothing was done. */
uint64_t wgi_put_bytes(wg_state_session *session, wg_state_run *run, wg_slice key, wg_slice bytes);
/* wg_state_put when that answered false. */
wg_code wgi_put_long(wg_state_session *session, wg_state_run *run, const wg_state_key *key,
                     const wg_state_value *value, uint64_t expected, uint64_t now_us, uint64_t *out_version,
                     wg_error *err);
/* One write that is checked against `w->expected`: commit.c; ends nothing. *out_version 0: nothing to do. */
wg_code wgi_single_commit(wg_state_session *session, wg_state_run *run, wgi_write *w, uint64_t now_us,
                          uint64_t *out_version, wg_error *err);
/* WG_E_CONFLICT that names the key and both versions. */
wg_code wgi_error_conflict(wg_slice key, uint64_t expected, uint64_t found, wg_error *err);
/* A write's blocks: of its key when that is long, of its value when it does not fit. Release them whatever it answers. */
wg_code wgi_write_blocks(wg_state *state, wgi_write *w, wg_error *err);
void wgi_write_release(wg_state *state, wgi_write *w);
/* Before locks: when the run has no record of the key, the key is put in order; w->segment and w->generation say of which state of the
 * table that holds. */
wg_code wgi_write_order(wg_state_run *run, wgi_write *w, wg_error *err);
/* What the parents of a fork show of a write's key, when somebody asks for its version. */
wg_code wgi_write_parent(const wg_state_run *run, wgi_write *w, uint64_t now_us, wg_error *err);
/* Whether the run itself has a record of the key in the table, deletions included. */
bool wgi_has_record(const wg_state_run *run, const wg_state_key *key);
/* Replay: the transaction's writes and events under a version that is given; no checks, no redo. */
wg_code wgi_commit_replayed(wg_state_txn *txn, uint64_t version, wg_error *err);
/* Replay of one put or delete. */
wg_code wgi_single_replayed(wg_state_session *session, wg_state_run *run, wgi_write *w, uint64_t version,
                            uint64_t time_us, wg_error *err);
void wgi_txn_end(wg_state_txn *txn); /* empty again */
/* The hash's segment is full: takes deletions that nobody needs out of it, or makes two of it. Outside of all locks. */
wg_code wgi_room_make(wg_state *state, uint64_t hash, uint32_t more, wg_error *err);
/* STRICT: the session sees its own commits. NOMEM: it waits for them to be durable. */
void wgi_own_add(wg_state_session *session, wg_state_run *run, uint64_t version);
static inline WGI_HOT void wgi_own_note(wg_state_session *session, wg_state_run *run, uint64_t version) {
    if (run->state->options.readers_wait_for_durable) wgi_own_add(session, run, version);
}

#endif
