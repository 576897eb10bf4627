/* Reads of one key, and of many at once.
 *
 * A key that fits is read without a lock, an epoch or a shared store: directory, header, slot; then word 0 and the generation have to be
 * as before. A record that is newer than the snapshot leads into history. What lies in a block is read inside the epoch:
 * the record is read again there, so that its block is known to be alive after entering.
 *
 * Failure modes: WG_E_EXPIRED when history no longer has the snapshot; WG_E_NOMEM for a large value. */
#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/seat_internal.h"

typedef uint64_t __attribute__((may_alias)) cell_word;
_Static_assert(offsetof(wg_state_cell, small) % 8 == 0, "a slot is copied into a cell word by word");
_Static_assert(sizeof(((wg_state_cell *)0)->small) == WGI_SLOT_BYTES, "a cell has room for a slot");

/* What is beside a slot, when it was read. */
typedef struct slot_side {
    uint64_t history;
    uint64_t time_us;
    uint64_t seat;
} slot_side;
typedef enum probe_result { PROBE_FOUND, PROBE_ABSENT, PROBE_AGAIN } probe_result;

static bool block_key_is(const uint64_t *words, const wgi_match *m) {
    const wgi_block *block = (const wgi_block *)(uintptr_t)words[3];
    return wg_slice_equal(wg_slice_of(block->bytes, (size_t)block->size), m->key->bytes);
}

static inline bool segment_is_same(const wgi_header *header, uint32_t generation) {
    return atomic_load_explicit(&header->generation, memory_order_relaxed) == generation;
}

/* One look at the table. `words` gets the whole slot. */
static inline probe_result probe(const wgi_table *table, uint64_t hash, const wgi_match *m, cell_word *words,
                                 slot_side *side) {
    const wgi_place place = wgi_place_of(table, hash);
    uint32_t at = wgi_home(hash);
    __builtin_prefetch(&place.slots[at].words[8]);
    __builtin_prefetch(&place.sides[at]);
    const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_acquire);
    if ((generation & 1) != 0) return PROBE_AGAIN;
    for (uint32_t i = 0; i < WGI_SLOTS; i++, at = (at + 1) % WGI_SLOTS) {
        const wgi_slot *slot = &place.slots[at];
        const uint64_t word0 = wgi_load(&slot->words[0]);
        if (word0 == 0) break;
        if ((word0 & WGI_LOCKED) != 0) return PROBE_AGAIN;
        if (!wgi_matches(slot, word0, m)) continue;
        wgi_slot_copy(slot, words);
        side->history = wgi_load(&place.sides[at].history);
        side->time_us = wgi_load(&place.sides[at].time_us);
        side->seat = wgi_seat_make(place.segment, at, generation);
        const bool whole = words[0] == word0 && (WG_CANARY_IS(13) || wgi_load(&slot->words[0]) == word0);
        if (!whole || !segment_is_same(place.header, generation)) return PROBE_AGAIN;
        if (m->size != WGI_KEY_IN_BLOCK) return PROBE_FOUND;
        uint64_t copy[4] = {words[0], words[1], words[2], words[3]};
        if (block_key_is(copy, m)) return PROBE_FOUND;
    }
    /* The segment serves this hash, and did so all the time? */
    const bool same = segment_is_same(place.header, generation) && wgi_segment_of(table, hash) == place.segment;
    return same ? PROBE_ABSENT : PROBE_AGAIN;
}

/* The newest record of the run itself; false: none. */
static inline bool newest_read(const wg_state_run *run, const wg_state_key *key, cell_word *words, slot_side *side) {
    wgi_match m;
    uint32_t rounds = 0;
    wgi_match_make(run, key, &m);
    for (;;) {
        const probe_result result = probe(run->table, key->hash, &m, words, side);
        if (result != PROBE_AGAIN) return result == PROBE_FOUND;
        wgi_wait(&rounds);
    }
}

bool wgi_has_record(const wg_state_run *run, const wg_state_key *key) {
    wgi_record record;
    slot_side side;
    const uint32_t inside = key->bytes.size > WGI_KEY_INLINE_MAX ? wg_epoch_enter(run->state->epoch) : UINT32_MAX;
    const bool has = newest_read(run, key, (cell_word *)record.words, &side);
    if (inside != UINT32_MAX) wg_epoch_leave(run->state->epoch, inside);
    return has;
}

/* A key without a record: was it never there at the snapshot, or is that not known any more? */
static wgi_found absent_at(const wg_state_run *run, uint64_t snapshot) {
    if (snapshot == WG_LOGSEQ_NEVER) return WGI_ABSENT;
    const uint64_t known = wg_max_u64(atomic_load(&run->purged), atomic_load(&run->restored));
    return snapshot >= known || wgi_pins_has(run, snapshot) ? WGI_ABSENT : WGI_EXPIRED;
}

static inline wgi_found slot_read(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                                  wgi_record *out, uint64_t *out_seat) {
    slot_side side;
    *out_seat = 0;
    if (!newest_read(run, key, (cell_word *)out->words, &side)) return absent_at(run, snapshot);
    *out_seat = side.seat;
    out->history = side.history;
    out->time_us = side.time_us;
    out->replaced_by = UINT64_MAX;
    wgi_found found = WGI_FOUND;
    if (wgi_version_of(out->words[0]) > snapshot) found = wgi_history_walk(run, key, side.history, snapshot, out);
    return found == WGI_FOUND && wgi_record_deleted(out) ? WGI_DELETED : found;
}

wgi_found wgi_slot_read(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out) {
    uint64_t seat;
    return slot_read(run, key, snapshot, out, &seat);
}

wgi_found wgi_slot_read_seat(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out,
                             uint64_t *out_seat) {
    return slot_read(run, key, snapshot, out, out_seat);
}

wgi_found wgi_fork_get(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wgi_record *out,
                       const wg_state_run **out_run) {
    wg_state_key in_parent = *key;
    WG_ASSERT(run->parent != NULL);
    for (;;) {
        const wg_state_run *parent = run->parent;
        snapshot = wg_min_u64(snapshot, run->origin.fork_version);
        in_parent.hash ^= run->hash_mix ^ parent->hash_mix;
        const wgi_found found = wgi_slot_read(parent, &in_parent, snapshot, out);
        if (found != WGI_ABSENT || parent->parent == NULL) {
            *out_run = parent;
            return found;
        }
        run = parent;
    }
}

void wgi_prefetch(const wg_state_run *run, uint64_t hash) {
    const wgi_place place = wgi_place_of(run->table, hash);
    wgi_place_prefetch(&place, hash);
}

/* ---- decoding */

uint64_t wgi_record_expires(const wgi_record *r) {
    uint64_t expires = 0;
    if ((r->words[0] & WGI_FLAG_EXPIRES) == 0) return 0;
    if ((r->words[0] & WGI_FLAG_BLOCK) != 0) return r->words[13];
    memcpy(&expires, (const uint8_t *)r->words + wgi_value_at(r->words[0]), 8);
    return expires;
}

wg_slice wgi_record_value(const wgi_record *r) {
    const uint64_t word0 = r->words[0];
    if ((word0 & WGI_FLAG_BLOCK) != 0) {
        const uint8_t *address = (const uint8_t *)(uintptr_t)r->words[15];
        const uint8_t *bytes = r->words[14] >> 32 != 0 ? address : ((const wgi_block *)(const void *)address)->bytes;
        return wg_slice_of(bytes, (size_t)(r->words[14] & UINT32_MAX));
    }
    const uint32_t at = wgi_value_at(word0) + ((word0 & WGI_FLAG_EXPIRES) != 0 ? 8 : 0);
    return wg_slice_of((const uint8_t *)r->words + at, r->words[1] & 0xff);
}

static void cell_absent(wg_state_cell *out) {
    out->version = 0;
    out->time_us = 0;
    out->expires_us = 0;
    out->type = WG_TYPE_NULL;
    out->bytes = (wg_slice){NULL, 0};
}

/* The words are in out->small already; inline values only. */
static inline void cell_finish(wg_state_cell *out, uint64_t word0, uint64_t time_us, uint64_t now_us) {
    const cell_word *words = (const cell_word *)out->small;
    uint32_t at = wgi_value_at(word0);
    uint64_t expires = 0;
    if ((word0 & (WGI_FLAG_DELETED | WGI_FLAG_EXPIRES)) != 0) {
        if ((word0 & WGI_FLAG_DELETED) != 0) {
            cell_absent(out);
            return;
        }
        memcpy(&expires, out->small + at, 8);
        at += 8;
        if (expires <= now_us) {
            cell_absent(out);
            return;
        }
    }
    out->version = word0 >> WGI_VERSION_SHIFT;
    out->time_us = time_us;
    out->expires_us = expires;
    out->type = (uint8_t)(word0 & 0x1f);
    out->bytes = wg_slice_of(out->small + at, words[1] & 0xff);
}

wg_code wgi_record_to_cell(const wgi_record *record, uint64_t now_us, wg_state_cell *out, wg_error *err) {
    const uint64_t word0 = record->words[0];
    if ((word0 & WGI_FLAG_BLOCK) == 0) {
        memcpy(out->small, record->words, sizeof out->small);
        cell_finish(out, word0, record->time_us, now_us);
        return WG_OK;
    }
    const uint64_t expires = wgi_record_expires(record);
    if (expires != 0 && expires <= now_us) {
        cell_absent(out);
        return WG_OK;
    }
    const wg_slice value = wgi_record_value(record);
    out->large.size = 0;
    if (!wg_buf_append(&out->large, value.data, value.size)) return wg_error_nomem(err, value.size);
    out->version = wgi_record_version(record);
    out->time_us = record->time_us;
    out->expires_us = expires;
    out->type = wgi_record_type(record);
    out->bytes = wg_buf_slice(&out->large);
    return WG_OK;
}

void wg_state_cell_deinit(wg_state_cell *cell) {
    if (cell == NULL) return;
    wg_buf_deinit(&cell->large);
    *cell = (wg_state_cell){0};
}

/* ---- reads of the API */

static wg_code error_expired(const wg_state_run *run, uint64_t snapshot, wg_error *err) {
    return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                        "run %u at version %llu is forgotten in part; the oldest that can be read is %llu",
                        run->origin.number, (unsigned long long)snapshot,
                        (unsigned long long)wg_state_run_horizon(run));
}

wg_code wgi_get_seen(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, uint64_t now_us,
                     wg_state_cell *out, bool *out_of_parent, wg_error *err) {
    wgi_record record;
    wg_code code = WG_OK;
    const wg_state_run *of = run;
    const uint32_t inside = wg_epoch_enter(run->state->epoch);
    wgi_found found = wgi_slot_read(run, key, snapshot, &record);
    *out_of_parent = found == WGI_ABSENT;
    if (found == WGI_ABSENT && run->parent != NULL) found = wgi_fork_get(run, key, snapshot, &record, &of);
    if (found == WGI_FOUND) {
        if (out->large.account == NULL) out->large.account = run->state->account;
        code = wgi_record_to_cell(&record, now_us, out, err);
    } else if (found == WGI_EXPIRED) {
        code = error_expired(of, snapshot, err);
    } else {
        cell_absent(out);
    }
    wg_epoch_leave(run->state->epoch, inside);
    return code;
}

/* The commonest case: the record is in its home and plain. The slot is looked at as it is and copied, and what was seen counts if word 0 and the
 * generation are as before. False: nothing is known. */
static inline WGI_HOT bool get_home(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                                    wg_state_cell *out) {
#if WGI_COPY_WORDS
    (void)run, (void)key, (void)snapshot, (void)out;
    return false;
#else
    const wgi_place place = wgi_place_of(run->table, key->hash);
    const uint32_t home = wgi_home(key->hash);
    const wgi_slot *slot = &place.slots[home];
    const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_acquire);
    const uint64_t word0 = wgi_load(&slot->words[0]);
    const uint64_t odd = WGI_LOCKED | WGI_FLAG_BLOCK | WGI_FLAG_DELETED | WGI_FLAG_EXPIRES;
    if ((word0 & odd) != 0 || (generation & 1) != 0 || !wgi_slot_has(slot, word0, run->origin.number, key->bytes))
        return false;
    wgi_copy_64(out->small, (const uint8_t *)slot);
    wgi_copy_64(out->small + 64, (const uint8_t *)slot + 64);
    const uint64_t time_us = wgi_load(&place.sides[home].time_us);
    atomic_thread_fence(memory_order_acquire);
    if (wgi_load(&slot->words[0]) != word0 || !segment_is_same(place.header, generation)) return false;
    if (word0 >> WGI_VERSION_SHIFT > snapshot) return false;
    out->version = word0 >> WGI_VERSION_SHIFT;
    out->time_us = time_us;
    out->expires_us = 0;
    out->type = (uint8_t)(word0 & 0x1f);
    out->bytes = wg_slice_of(out->small + WGI_KEY_AT + key->bytes.size, out->small[8]);
    return true;
#endif
}

/* The common case, straight: a short key, its newest record, visible and inline. False: go the long way. */
static bool get_short(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, uint64_t now_us,
                      wg_state_cell *out) {
    cell_word *words = (cell_word *)out->small;
    slot_side side;
    if (key->bytes.size > WGI_KEY_INLINE_MAX) return false;
    if (!newest_read(run, key, words, &side)) {
        if (run->parent != NULL || absent_at(run, snapshot) != WGI_ABSENT) return false;
        cell_absent(out);
        return true;
    }
    if ((words[0] & WGI_FLAG_BLOCK) != 0 || words[0] >> WGI_VERSION_SHIFT > snapshot) return false;
    cell_finish(out, words[0], side.time_us, now_us);
    return true;
}

bool wgi_get_short(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, uint64_t now_us,
                   wg_state_cell *out) {
    return get_home(run, key, snapshot, out) || get_short(run, key, snapshot, now_us, out);
}

/* WG_LOGSEQ_NEVER stays what it is where the newest committed record is what a new reader sees. */
static uint64_t snapshot_of(const wg_state_session *session, const wg_state_run *run, uint64_t snapshot) {
    if (snapshot != WG_LOGSEQ_NEVER || !run->state->options.readers_wait_for_durable) return snapshot;
    return session == NULL ? wg_state_run_visible(run) : wgi_snapshot(session, run);
}

static __attribute__((noinline)) wg_code get_long(wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                                                  uint64_t now_us, wg_state_cell *out, wg_error *err) {
    bool of_parent;
    if (get_short(run, key, snapshot, now_us, out)) return WG_OK;
    return wgi_get_seen(run, key, snapshot, now_us, out, &of_parent, err);
}

wg_code wg_state_get(wg_state_session *session, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                     uint64_t now_us, wg_state_cell *out, wg_error *err) {
    snapshot = snapshot_of(session, run, snapshot);
    return get_home(run, key, snapshot, out) ? WG_OK : get_long(run, key, snapshot, now_us, out, err);
}

wg_code wg_state_get_many(wg_state_session *session, wg_state_run *run, const wg_state_key *keys, uint32_t n,
                          uint64_t snapshot, uint64_t now_us, wg_state_cell *out, wg_error *err) {
    if (snapshot == WG_LOGSEQ_NEVER && n > 1)
        snapshot = session == NULL ? wg_state_run_visible(run) : wgi_snapshot(session, run);
    for (uint32_t i = 0; i < n; i++) /* the misses began with wg_state_key_of */
        if (!get_home(run, &keys[i], snapshot, &out[i]))
            WG_TRY(get_long(run, &keys[i], snapshot, now_us, &out[i], err));
    return WG_OK;
}

/* ---- versions of a key */

static bool version_give(const wgi_record *r, wg_state_version_fn fn, void *ctx) {
    const bool deleted = wgi_record_deleted(r);
    const wg_state_version v = {.version = wgi_record_version(r),
                                .time_us = r->time_us,
                                .expires_us = wgi_record_expires(r),
                                .deleted = deleted,
                                .type = wgi_record_type(r),
                                .value = deleted ? (wg_slice){NULL, 0} : wgi_record_value(r)};
    return fn(ctx, &v);
}

wg_code wgi_versions(const wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wg_state_version_fn fn,
                     void *ctx, bool *out_complete, wg_error *err) {
    (void)err;
    wgi_record record;
    slot_side side;
    *out_complete = run->parent != NULL || atomic_load(&run->purged) == 0;
    if (!newest_read(run, key, (cell_word *)record.words, &side)) return WG_OK;
    record.time_us = side.time_us;
    record.history = side.history;
    *out_complete = true;
    for (;;) {
        const uint64_t version = wgi_record_version(&record), position = record.history;
        if (version <= snapshot && !version_give(&record, fn, ctx)) return WG_OK;
        if (position == 0) break;
        if (wgi_history_read(run->state->history, position, &record)) continue;
        *out_complete = false;
        for (uint64_t below = version; wgi_kept_before(run->state->history, run, key, below, &record);) {
            below = wgi_record_version(&record);
            if (below <= snapshot && !version_give(&record, fn, ctx)) return WG_OK;
        }
        return WG_OK;
    }
    if (atomic_load(&run->restored) != 0) *out_complete = false; /* checkpoints keep the newest only */
    return WG_OK;
}

typedef struct history_call {
    wg_state_version_fn fn;
    void *ctx;
    bool stopped;
} history_call;

static bool history_give(void *ctx, const wg_state_version *version) {
    history_call *call = ctx;
    call->stopped = !call->fn(call->ctx, version);
    return !call->stopped;
}

wg_code wg_state_history(wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wg_state_version_fn fn,
                         void *ctx, bool *out_complete, wg_error *err) {
    history_call call = {.fn = fn, .ctx = ctx};
    wg_state_key at = *key;
    bool complete = true;
    wg_code code = WG_OK;
    const uint32_t inside = wg_epoch_enter(run->state->epoch);
    for (const wg_state_run *r = run; code == WG_OK; r = r->parent) {
        bool whole = true;
        code = wgi_versions(r, &at, snapshot, history_give, &call, &whole, err);
        complete = complete && whole;
        if (call.stopped || r->parent == NULL) break;
        at.hash ^= r->hash_mix ^ r->parent->hash_mix;
        snapshot = wg_min_u64(snapshot, r->origin.fork_version);
    }
    wg_epoch_leave(run->state->epoch, inside);
    if (code == WG_OK) *out_complete = complete;
    return code;
}
