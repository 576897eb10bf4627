/* Transactions: what was read and what is to be written, and the commit of it all.
 *
 * A transaction lies in its session and is used again and again: its arrays and its arena stay. Sets of a few keys are searched one by
 * one, larger ones have an index. The commit locks all segments of read and written keys, in order of their numbers, and the
 * run's events before them if it appends; then nothing that it looks at can change. Checked in this order: keys that were read, expected
 * versions, length of the event log, scanned ranges.
 *
 * Scanned ranges have no lock. So with ranges the version is taken by compare and exchange from the version up to which the ranges were
 * checked: if another commit came between, the rest is checked and it is tried again. Slots are marked only while nothing is waited for.
 *
 * Failure modes: WG_E_CONFLICT and WG_E_NOMEM end the transaction, nothing of it stays. */
#include "worldgraph/state/commit_internal.h"

enum { FIRST_ROOM = 16, LINEAR_MAX = 8 };

/* ---- arrays that stay */

static bool room_grow(wg_account *account, void **items, uint32_t *room, uint32_t needed, size_t item_bytes) {
    if (needed <= *room) return true;
    uint32_t grown_room = *room == 0 ? FIRST_ROOM : *room;
    while (grown_room < needed) grown_room *= 2;
    void *grown = wg_realloc(account, *items, grown_room * item_bytes);
    if (grown == NULL) return false;
    *items = grown;
    *room = grown_room;
    return true;
}

static wg_code grow(wg_state_txn *txn, void **items, uint32_t *room, uint32_t needed, size_t item_bytes,
                    wg_error *err) {
    if (needed <= *room) return WG_OK; /* never more than WG_STATE_OPS_MAX of them */
    if (needed > WG_STATE_OPS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a transaction of more than %d operations",
                            WG_STATE_OPS_MAX);
    return room_grow(txn->session->state->account, items, room, needed, item_bytes)
               ? WG_OK
               : wg_error_nomem(err, needed * item_bytes);
}

static void index_put(uint32_t *index, uint32_t room, uint64_t hash, uint32_t number) {
    uint32_t at = (uint32_t)(hash >> 32) & (room - 1);
    while (index[at] != 0) at = (at + 1) & (room - 1);
    index[at] = number + 1;
}

/* Bytes that stay until the transaction ends. */
static inline const uint8_t *bytes_copy(wg_state_txn *txn, wg_slice bytes) {
    if (bytes.size > sizeof txn->scratch - txn->scratch_used) {
        txn->arena_used = true;
        return wg_arena_copy(&txn->arena, bytes.data, bytes.size);
    }
    uint8_t *copy = txn->scratch + txn->scratch_used;
    memcpy(copy, bytes.data, bytes.size);
    txn->scratch_used += (uint32_t)bytes.size;
    return copy;
}

/* ---- sets */

static uint32_t read_find(const wg_state_txn *txn, const wg_state_key *key) {
    if (txn->read_count <= LINEAR_MAX) {
        for (uint32_t i = 0; i < txn->read_count; i++)
            if (txn->reads[i].key.hash == key->hash && wg_slice_equal(txn->reads[i].key.bytes, key->bytes)) return i;
        return UINT32_MAX;
    }
    const uint32_t mask = txn->read_index_room - 1;
    for (uint32_t at = (uint32_t)(key->hash >> 32) & mask; txn->read_index[at] != 0; at = (at + 1) & mask) {
        const wgi_read *r = &txn->reads[txn->read_index[at] - 1];
        if (r->key.hash == key->hash && wg_slice_equal(r->key.bytes, key->bytes)) return txn->read_index[at] - 1;
    }
    return UINT32_MAX;
}

static uint32_t write_find(const wg_state_txn *txn, const wg_state_key *key) {
    if (txn->write_count <= LINEAR_MAX) {
        for (uint32_t i = 0; i < txn->write_count; i++)
            if (txn->writes[i].key.hash == key->hash && wg_slice_equal(txn->writes[i].key.bytes, key->bytes))
                return i;
        return UINT32_MAX;
    }
    const uint32_t mask = txn->write_index_room - 1;
    for (uint32_t at = (uint32_t)(key->hash >> 32) & mask; txn->write_index[at] != 0; at = (at + 1) & mask) {
        const wgi_write *w = &txn->writes[txn->write_index[at] - 1];
        if (w->key.hash == key->hash && wg_slice_equal(w->key.bytes, key->bytes)) return txn->write_index[at] - 1;
    }
    return UINT32_MAX;
}

const wgi_write *wgi_txn_write(const wg_state_txn *txn, const wg_state_key *key) {
    const uint32_t at = write_find(txn, key);
    return at == UINT32_MAX ? NULL : &txn->writes[at];
}

/* Room for one more in the index, which is built anew when the set has outgrown it. */
static wg_code index_reserve(wg_state_txn *txn, bool of_writes, wg_error *err) {
    const uint32_t count = (of_writes ? txn->write_count : txn->read_count) + 1;
    uint32_t **index = of_writes ? &txn->write_index : &txn->read_index;
    uint32_t *room = of_writes ? &txn->write_index_room : &txn->read_index_room;
    if (count <= LINEAR_MAX) return WG_OK;
    const bool first = count == LINEAR_MAX + 1;
    if (!first && 2 * count <= *room) return WG_OK;
    uint32_t grown_room = wg_max_size(*room, 64) > UINT32_MAX ? 64 : (uint32_t)wg_max_size(*room, 64);
    while (grown_room < 2 * count) grown_room *= 2;
    if (grown_room != *room) {
        uint32_t *grown = wg_realloc(txn->session->state->account, *index, grown_room * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, grown_room * sizeof *grown);
        *index = grown;
        *room = grown_room;
    }
    memset(*index, 0, grown_room * sizeof **index);
    for (uint32_t i = 0; i + 1 < count; i++)
        index_put(*index, grown_room, of_writes ? txn->writes[i].key.hash : txn->reads[i].key.hash, i);
    return WG_OK;
}

static wg_code key_copy(wg_state_txn *txn, const wg_state_key *key, wg_state_key *out, wg_error *err) {
    const uint8_t *bytes = bytes_copy(txn, key->bytes);
    if (bytes == NULL) return wg_error_nomem(err, key->bytes.size);
    *out = (wg_state_key){wg_slice_of(bytes, key->bytes.size), key->hash};
    return WG_OK;
}

static wg_code read_note(wg_state_txn *txn, const wg_state_key *key, uint64_t version, bool of_parent,
                         wg_error *err) {
    if (read_find(txn, key) != UINT32_MAX) return WG_OK;
    void *items = txn->reads;
    WG_TRY(grow(txn, &items, &txn->read_room, txn->read_count + 1, sizeof *txn->reads, err));
    txn->reads = items;
    WG_TRY(index_reserve(txn, false, err));
    wgi_read r = {.version = version, .of_parent = of_parent};
    WG_TRY(key_copy(txn, key, &r.key, err));
    txn->reads[txn->read_count++] = r;
    if (txn->read_count > LINEAR_MAX)
        index_put(txn->read_index, txn->read_index_room, key->hash, txn->read_count - 1);
    return WG_OK;
}

wg_code wgi_txn_note_read(wg_state_txn *txn, const wg_state_key *key, uint64_t version, wg_error *err) {
    return read_note(txn, key, version, false, err);
}

/* ---- life */

wg_code wg_state_begin(wg_state_session *session, wg_state_run *run, wg_state_isolation isolation, uint64_t now_us,
                       wg_state_txn **out, wg_error *err) {
    wg_state_txn *txn = &session->txn;
    WGI_LAYER_BEGIN(object);
    if (txn->open) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the session has an open transaction");
    WG_TRY(wgi_check_run(run, err));
    txn->run = run;
    txn->now_us = now_us;
    txn->isolation = isolation;
    txn->open = true;
    WGI_LAYER_END(object, WG_LAYER_TXN_OBJECT);
    WGI_LAYER_BEGIN(snapshot);
    txn->snapshot = wgi_snapshot(session, run);
    atomic_store_explicit(&session->reading_version, txn->snapshot, memory_order_relaxed);
    atomic_store_explicit(&session->reading, run, memory_order_release); /* pairs with wgi_readings_gather */
    WGI_LAYER_END(snapshot, WG_LAYER_SNAPSHOT);
    *out = txn;
    return WG_OK;
}

void wgi_txn_end(wg_state_txn *txn) {
    wg_state *state = txn->session->state;
    for (uint32_t i = 0; i < txn->write_count; i++)
        if (txn->writes[i].block != NULL || txn->writes[i].key_block != NULL)
            wgi_write_release(state, &txn->writes[i]);
    if (txn->arena_used) wg_arena_reset(&txn->arena);
    txn->arena_used = false;
    txn->scratch_used = 0;
    if (txn->ranges != NULL) wgi_ranges_reset(txn);
    txn->write_count = txn->read_count = txn->event_count = txn->sorted_count = 0;
    txn->redo_bytes = 0;
    txn->reads_events = false;
    txn->prepared = false;
    txn->quick->step = WGI_QUICK_NONE;
    txn->open = false;
    atomic_store_explicit(&txn->session->reading, NULL, memory_order_relaxed);
}

void wg_state_abort(wg_state_txn *txn) {
    WG_ASSERT(txn->open);
    WG_ASSERT(!txn->prepared); /* wg_state_commit_abandon */
    wgi_txn_end(txn);
}

void wgi_txn_deinit(wg_state_txn *txn) {
    wg_free(txn->writes);
    wg_free(txn->reads);
    wg_free(txn->events);
    wg_free(txn->write_index);
    wg_free(txn->read_index);
    wg_free(txn->sorted);
    wg_arena_deinit(&txn->arena);
}

uint64_t wg_state_txn_snapshot(const wg_state_txn *txn) { return txn->snapshot; }
wg_state_run *wg_state_txn_run(const wg_state_txn *txn) { return txn->run; }
bool wg_state_txn_has_writes(const wg_state_txn *txn) {
    return txn->write_count + txn->event_count != 0 || txn->quick->step == WGI_QUICK_WRITTEN;
}

bool wg_state_txn_is_large(const wg_state_txn *txn) {
    return WGI_REDO_HEAD_MAX + txn->redo_bytes > wg_lane_record_bytes_max(txn->session->lane);
}

bool wg_state_put_is_large(const wg_state_session *session, const wg_state_key *key, const wg_state_value *value) {
    const size_t ops = wgi_redo_op_size(key->bytes.size, value->bytes.size, value->expires_us != 0);
    return WGI_REDO_HEAD_MAX + ops > wg_lane_record_bytes_max(session->lane);
}

/* ---- operations */

static wg_code own_get(wg_state_txn *txn, const wgi_write *w, wg_state_cell *out, wg_error *err) {
    const bool gone = w->deleted || (w->expires_us != 0 && w->expires_us <= txn->now_us);
    const uint8_t *bytes = out->small;
    if (gone) {
        out->version = out->time_us = out->expires_us = 0;
        out->type = WG_TYPE_NULL;
        out->bytes = (wg_slice){NULL, 0};
        return WG_OK;
    }
    if (w->value.size <= sizeof out->small) {
        if (w->value.size != 0) memcpy(out->small, w->value.data, w->value.size);
    } else {
        if (out->large.account == NULL) out->large.account = txn->session->state->account;
        out->large.size = 0;
        if (!wg_buf_append(&out->large, w->value.data, w->value.size)) return wg_error_nomem(err, w->value.size);
        bytes = out->large.data;
    }
    out->version = WG_VERSION_OWN;
    out->time_us = txn->now_us;
    out->expires_us = w->expires_us;
    out->type = w->type;
    out->bytes = wg_slice_of(bytes, w->value.size);
    return WG_OK;
}

wg_code wg_state_txn_get(wg_state_txn *txn, const wg_state_key *key, wg_state_cell *out, wg_error *err) {
    WG_ASSERT(txn->open);
    WG_TRY(wgi_check_key(key->bytes, err));
    WG_TRY(wgi_unquick(txn, err));
    const uint32_t own = write_find(txn, key);
    if (own != UINT32_MAX) return own_get(txn, &txn->writes[own], out, err);
    bool of_parent = false;
    if (!wgi_get_short(txn->run, key, txn->snapshot, txn->now_us, out))
        WG_TRY(wgi_get_seen(txn->run, key, txn->snapshot, txn->now_us, out, &of_parent, err));
    return read_note(txn, key, out->version, of_parent, err);
}

/* What the transaction itself sees of a key that it has written. */
static wg_code own_expected(const wgi_write *w, uint64_t expected, wg_error *err) {
    const uint64_t seen = w->deleted ? 0 : WG_VERSION_OWN;
    if (expected == WG_VERSION_ANY || expected == seen) return WG_OK;
    return wgi_error_conflict(w->key.bytes, expected, seen, err);
}

static size_t write_redo_bytes(const wgi_write *w) {
    return wgi_redo_op_size(w->key.bytes.size, w->value.size, w->expires_us != 0);
}

/* `next` has everything but its key and blocks. */
static wg_code write_put(wg_state_txn *txn, const wg_state_key *key, wgi_write *next, wg_error *err) {
    wg_state *state = txn->session->state;
    const uint32_t own = write_find(txn, key);
    if (own != UINT32_MAX) {
        wgi_write *w = &txn->writes[own];
        WG_TRY(own_expected(w, next->expected, err));
        next->expected = w->expected; /* what has to be there is what the first write said */
        next->key = w->key;
    } else {
        void *items = txn->writes;
        WG_TRY(grow(txn, &items, &txn->write_room, txn->write_count + 1, sizeof *txn->writes, err));
        txn->writes = items;
        WG_TRY(index_reserve(txn, true, err));
        const uint32_t read = read_find(txn, key);
        if (read != UINT32_MAX) next->key = txn->reads[read].key; /* the bytes are there */
        else WG_TRY(key_copy(txn, key, &next->key, err));
    }
    wg_code code = wgi_write_blocks(state, next, err);
    if (code == WG_OK && next->block == NULL && next->value.size != 0) {
        next->value.data = bytes_copy(txn, next->value);
        if (next->value.data == NULL) code = wg_error_nomem(err, next->value.size);
    } else if (code == WG_OK && next->block != NULL) {
        next->value.data = next->block->bytes;
    }
    if (code != WG_OK) {
        wgi_write_release(state, next);
        return code;
    }
    txn->redo_bytes += write_redo_bytes(next);
    if (own != UINT32_MAX) {
        txn->redo_bytes -= write_redo_bytes(&txn->writes[own]);
        wgi_write_release(state, &txn->writes[own]);
        txn->writes[own] = *next;
        return WG_OK;
    }
    txn->writes[txn->write_count++] = *next;
    if (txn->write_count > LINEAR_MAX)
        index_put(txn->write_index, txn->write_index_room, key->hash, txn->write_count - 1);
    return WG_OK;
}

wg_code wg_state_txn_put(wg_state_txn *txn, const wg_state_key *key, const wg_state_value *value, uint64_t expected,
                         wg_error *err) {
    WG_ASSERT(txn->open);
    WG_TRY(wgi_check_key(key->bytes, err));
    WG_TRY(wgi_check_value(value, err));
    WG_TRY(wgi_unquick(txn, err));
    wgi_write w = {.expected = expected, .expires_us = value->expires_us, .value = value->bytes, .type = value->type};
    return write_put(txn, key, &w, err);
}

wg_code wg_state_txn_delete(wg_state_txn *txn, const wg_state_key *key, uint64_t expected, wg_error *err) {
    WG_ASSERT(txn->open);
    WG_TRY(wgi_check_key(key->bytes, err));
    WG_TRY(wgi_unquick(txn, err));
    wgi_write w = {.expected = expected, .deleted = true};
    return write_put(txn, key, &w, err);
}

static void events_look(wg_state_txn *txn) {
    if (txn->reads_events || txn->event_count != 0) return;
    txn->events_seen = wg_events_count(wg_state_run_events(txn->run), txn->snapshot);
}

wg_code wg_state_txn_reads_events(wg_state_txn *txn, wg_error *err) {
    WG_TRY(wgi_unquick(txn, err));
    events_look(txn);
    txn->reads_events = true;
    return WG_OK;
}

wg_code wg_state_txn_append(wg_state_txn *txn, wg_slice type, const wg_state_value *payload, uint64_t *out_sequence,
                            wg_error *err) {
    WG_ASSERT(txn->open);
    WG_TRY(wgi_check_event(type, payload, err));
    WG_TRY(wgi_unquick(txn, err));
    void *items = txn->events;
    WG_TRY(grow(txn, &items, &txn->event_room, txn->event_count + 1, sizeof *txn->events, err));
    txn->events = items;
    events_look(txn);
    wgi_event e = {.type = type, .payload = *payload};
    e.type.data = bytes_copy(txn, type);
    if (e.type.data == NULL) return wg_error_nomem(err, type.size);
    if (payload->bytes.size != 0) {
        e.payload.bytes.data = bytes_copy(txn, payload->bytes);
        if (e.payload.bytes.data == NULL) return wg_error_nomem(err, payload->bytes.size);
    }
    e.payload.expires_us = 0;
    txn->redo_bytes += wgi_redo_op_size(type.size, payload->bytes.size, false);
    if (txn->isolation == WG_STATE_SERIALIZABLE) txn->reads_events = true;
    if (out_sequence != NULL) *out_sequence = txn->events_seen + txn->event_count;
    txn->events[txn->event_count++] = e;
    return WG_OK;
}

/* ---- writes in order of keys, for scans */

static void sift(const wg_state_txn *txn, uint32_t *heap, uint32_t at, uint32_t count) {
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count) return;
        if (child + 1 < count &&
            wg_slice_compare(txn->writes[heap[child]].key.bytes, txn->writes[heap[child + 1]].key.bytes) < 0)
            child++;
        if (wg_slice_compare(txn->writes[heap[at]].key.bytes, txn->writes[heap[child]].key.bytes) >= 0) return;
        const uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

wg_code wgi_txn_sorted(wg_state_txn *txn, const uint32_t **out, wg_error *err) {
    const uint32_t count = txn->write_count;
    if (txn->sorted_count != count) {
        void *items = txn->sorted;
        WG_TRY(grow(txn, &items, &txn->sorted_room, count, sizeof *txn->sorted, err));
        txn->sorted = items;
        for (uint32_t i = 0; i < count; i++) txn->sorted[i] = i;
        for (uint32_t i = count / 2; i-- > 0;) sift(txn, txn->sorted, i, count);
        for (uint32_t end = count; end-- > 1;) { /* heap sort: no recursion, no memory */
            const uint32_t swap = txn->sorted[0];
            txn->sorted[0] = txn->sorted[end];
            txn->sorted[end] = swap;
            sift(txn, txn->sorted, 0, end);
        }
        txn->sorted_count = count;
    }
    *out = txn->sorted;
    return WG_OK;
}
