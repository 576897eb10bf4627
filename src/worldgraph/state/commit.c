/* Commits of one operation: no transaction object, one lock, one version.
 *
 *   1. what may fail: blocks, room in history and lane, the key's place in the order (a new key)
 *   2. the lane is entered, the segment locked; lanes stopped, segment no longer the right one or full: back to 1 without it
 *   3. the version there is compared with the expected one; nothing has changed so far
 *   4. the slot is marked, the version taken, the old record goes to history, the new one into the slot, the redo record into the lane
 *
 * Failure modes: WG_E_CONFLICT, WG_E_LIMIT (sizes; the ring), WG_E_NOMEM, WG_E_NOT_FOUND (dropped run), what a drain says: nothing
 * has changed. */
#include "worldgraph/state/commit_internal.h"

/* ---- arguments */

wg_code wgi_error_key(wg_slice key, wg_error *err) {
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a key of %zu bytes: keys have 1 to %d", key.size,
                        WG_KEY_BYTES_MAX);
}

wg_code wgi_error_value(const wg_state_value *value, wg_error *err) {
    if (value->bytes.size > WG_STATE_VALUE_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a value of %zu bytes: at most %d", value->bytes.size,
                            WG_STATE_VALUE_BYTES_MAX);
    return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "a value of type %u cannot be stored", value->type);
}

wg_code wgi_error_run(const wg_state_run *run, wg_error *err) {
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run %u was deleted", run->origin.number);
}

wg_code wgi_error_conflict(wg_slice key, uint64_t expected, uint64_t found, wg_error *err) {
    char text[2 * 32 + 1];
    bool printable = true;
    for (size_t i = 0; i < key.size; i++) printable = printable && key.data[i] >= 0x20 && key.data[i] < 0x7f;
    const size_t shown = wg_min_size(key.size, printable ? 64 : 32);
    for (size_t i = 0; i < shown; i++) {
        static const char digits[] = "0123456789abcdef";
        if (printable) {
            text[i] = (char)key.data[i];
        } else {
            text[2 * i] = digits[key.data[i] >> 4];
            text[2 * i + 1] = digits[key.data[i] & 15];
        }
    }
    text[printable ? shown : 2 * shown] = '\0';
    return wg_error_set(err, WG_E_CONFLICT, WG_NO_OFFSET,
                        "key %s%s%s has version %llu, expected was %llu: run the transaction again",
                        printable ? "" : "0x", text, shown < key.size ? "..." : "", (unsigned long long)found,
                        (unsigned long long)expected);
}

/* ---- what a write needs before the locks */

wg_code wgi_write_blocks(wg_state *state, wgi_write *w, wg_error *err) {
    if (w->key.bytes.size > WGI_KEY_INLINE_MAX && w->key_block == NULL) {
        w->key_block = wgi_block_new(state, w->key.bytes);
        if (w->key_block == NULL) return wg_error_nomem(err, w->key.bytes.size);
    }
    if (w->deleted || w->mapped || w->block != NULL) return WG_OK;
    if (wgi_fits(w->key.bytes.size, w->value.size, w->expires_us != 0)) return WG_OK;
    w->block = wgi_block_new(state, w->value);
    return w->block == NULL ? wg_error_nomem(err, w->value.size) : WG_OK;
}

void wgi_write_release(wg_state *state, wgi_write *w) {
    wgi_block_release(state, w->block);
    wgi_block_release(state, w->key_block);
    w->block = NULL;
    w->key_block = NULL;
}

wg_code wgi_write_order(wg_state_run *run, wgi_write *w, wg_error *err) {
    for (;;) {
        const wgi_place place = wgi_place_of(run->table, w->key.hash);
        w->segment = place.segment;
        w->generation = atomic_load_explicit(&place.header->generation, memory_order_acquire);
        if (run->state->filling) wgi_order_is_stale(run);
        /* Behind the generation: who makes the order says so before it changes that (order_fill.c). */
        const uint8_t is = atomic_load_explicit(&run->order_state, memory_order_acquire);
        if (is == WGI_ORDER_READY) WG_TRY(wgi_order_insert(run, &w->key, err));
        w->ordered = is != WGI_ORDER_MADE;
        if (w->ordered) return WG_OK;
        wg_mutex_lock(&run->table->mutex); /* until it is made, or was given up */
        wg_mutex_unlock(&run->table->mutex);
    }
}

wg_code wgi_write_parent(const wg_state_run *run, wgi_write *w, uint64_t now_us, wg_error *err) {
    if (run->parent == NULL || (w->expected == WG_VERSION_ANY && !w->deleted)) return WG_OK;
    wgi_record record;
    const wg_state_run *of;
    const uint32_t inside = wg_epoch_enter(run->state->epoch);
    const wgi_found found = wgi_fork_get(run, &w->key, WG_LOGSEQ_NEVER, &record, &of);
    wg_epoch_leave(run->state->epoch, inside);
    if (found == WGI_EXPIRED)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "run %u at its fork is forgotten in part",
                            of->origin.number);
    const uint64_t expires = found == WGI_FOUND ? wgi_record_expires(&record) : 0;
    const bool there = found == WGI_FOUND && (expires == 0 || expires > now_us);
    w->parent_version = there ? wgi_record_version(&record) : 0;
    return WG_OK;
}

/* ---- what a session sees */

struct wgi_own {
    const wg_state_run *run;
    uint64_t version;
};
enum { OWN_FIRST = 8 };

uint64_t wgi_snapshot(const wg_state_session *session, const wg_state_run *run) {
    if (!run->state->options.readers_wait_for_durable) return wg_state_run_newest(run);
    uint64_t visible = wg_state_run_visible(run);
    for (uint32_t i = 0; i < session->own_count; i++)
        if (session->own[i].run == run) visible = wg_max_u64(visible, session->own[i].version);
    return visible;
}

void wgi_own_add(wg_state_session *session, wg_state_run *run, uint64_t version) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < session->own_count; i++) {
        if (session->own[i].run == run) {
            session->own[i].version = version;
            return;
        }
    }
    for (uint32_t i = 0; session->own_count == session->own_room && i < session->own_count; i++) {
        const struct wgi_own own = session->own[i];
        if (own.version > atomic_load_explicit(&own.run->durable, memory_order_acquire)) session->own[kept++] = own;
    }
    if (session->own_count == session->own_room) session->own_count = kept;
    if (session->own_count == session->own_room) {
        const uint32_t room = session->own_room == 0 ? OWN_FIRST : session->own_room * 2;
        struct wgi_own *grown = wg_realloc(session->state->account, session->own, room * sizeof *grown);
        if (grown == NULL) return; /* its next read may miss this commit until that is durable */
        session->own = grown;
        session->own_room = room;
    }
    session->own[session->own_count++] = (struct wgi_own){run, version};
}

/* ---- one put or delete */

typedef enum single_step { SINGLE_DONE, SINGLE_ORDER, SINGLE_SPLIT, SINGLE_AGAIN, SINGLE_CONFLICT } single_step;

typedef struct single {
    wg_state_session *session;
    wg_state_run *run;
    wgi_write *w;
    wgi_match match;
    uint64_t now_us;
    uint64_t found; /* version that was there */
    uint64_t version;
    uint8_t *room;   /* in the lane; NULL: no redo */
    uint64_t forced; /* replay: the version; 0: the next */
} single;

static inline void single_redo(const single *s) {
    const wgi_write *w = s->w;
    if (s->room == NULL) return;
    WGI_LAYER_BEGIN(encode);
    const wg_state_value value = {.type = w->type, .bytes = w->value, .expires_us = w->expires_us};
    const size_t ops = wgi_redo_op_size(w->key.bytes.size, w->value.size, w->expires_us != 0);
    uint8_t *p = wgi_redo_head_put(s->room, s->session->lane, s->now_us, s->run, s->version, ops);
    p = wgi_redo_op_put(p, w->deleted ? WG_REDO_DELETE : WG_REDO_PUT, w->key.bytes, &value);
    wg_lane_publish(s->session->lane, (size_t)(p - s->room));
    WGI_LAYER_END(encode, WG_LAYER_ENCODING);
}

/* With the segment locked. */
static inline single_step single_locked(single *s, const wgi_place *place) {
    wgi_write *w = s->w;
    wgi_target t = {.place = *place};
    uint32_t empty;
    if (wgi_segment_of(s->run->table, w->key.hash) != place->segment) return SINGLE_AGAIN;
    WGI_LAYER_BEGIN(index);
    t.slot = wgi_find_locked(place, w->key.hash, &s->match, &empty);
    WGI_LAYER_END(index, WG_LAYER_INDEX);
    t.is_new = t.slot == UINT32_MAX;
    if (t.is_new) {
        s->found = w->parent_version;
        if (w->expected != WG_VERSION_ANY && w->expected != s->found) return SINGLE_CONFLICT;
        if (w->deleted && s->found == 0 && s->forced == 0) return SINGLE_DONE;
        if (place->header->used >= WGI_SEGMENT_FULL || empty == UINT32_MAX) return SINGLE_SPLIT;
        const uint32_t generation = atomic_load_explicit(&place->header->generation, memory_order_relaxed);
        if (!w->ordered || w->segment != place->segment || w->generation != generation) return SINGLE_ORDER;
        t.slot = empty;
    } else {
        t.word0 = wgi_load(&place->slots[t.slot].words[0]);
        s->found = wgi_slot_version(&place->slots[t.slot], t.word0, s->now_us);
        if (w->expected != WG_VERSION_ANY && w->expected != s->found) return SINGLE_CONFLICT;
        if (w->deleted && s->found == 0 && s->forced == 0) return SINGLE_DONE;
    }
    wgi_mark(&t);
    if (t.is_new) place->header->used++;
    s->version = s->forced != 0 ? s->forced : atomic_fetch_add(&s->run->newest, 1) + 1;
    if (s->forced != 0) atomic_store(&s->run->newest, s->forced);
    t.version = s->version;
    t.now_us = s->now_us;
    single_redo(s); /* before anybody can see it: what saw it may outlive this process by its own record */
    wgi_write_slot(s->run, s->session->writer, &t, w, &s->match);
    w->block = NULL; /* the slot's now */
    if (t.is_new) w->key_block = NULL;
    return SINGLE_DONE;
}

/* Enters the lane, locks, and does it unless the lanes are stopped. */
static inline single_step single_try(single *s) {
    wg_lane *lane = s->session->lane;
    const uint64_t hash = s->w->key.hash;
    const wgi_place place = wgi_place_of(s->run->table, hash);
    if (lane != NULL) wg_lane_enter(lane);
    wgi_segment_lock(place.header);
    if (lane != NULL && wg_lane_is_stopped(lane)) {
        wgi_segment_unlock(place.header);
        wg_lane_leave(lane);
        wg_lane_wait(lane);
        return SINGLE_AGAIN;
    }
    const single_step step = single_locked(s, &place);
    wgi_segment_unlock(place.header);
    if (lane != NULL) wg_lane_leave(lane);
    return step;
}

wg_code wgi_single_commit(wg_state_session *session, wg_state_run *run, wgi_write *w, uint64_t now_us,
                          uint64_t *out_version, wg_error *err) {
    single s; /* not cleared: the match is large */
    s.session = session;
    s.run = run;
    s.w = w;
    s.now_us = now_us;
    s.version = s.forced = 0;
    const size_t bytes = WGI_REDO_HEAD_MAX + wgi_redo_op_size(w->key.bytes.size, w->value.size, w->expires_us != 0);
    wgi_match_make(run, &w->key, &s.match);
    for (;;) {
        WG_TRY(wgi_history_reserve(run->state, session->writer, 1, err));
        WG_TRY(wg_lane_reserve(session->lane, bytes, &s.room, err));
        switch (single_try(&s)) {
            case SINGLE_AGAIN:
                break;
            case SINGLE_ORDER:
                WG_TRY(wgi_write_order(run, w, err));
                break;
            case SINGLE_SPLIT:
                WG_TRY(wgi_room_make(run->state, w->key.hash, 1, err));
                break;
            case SINGLE_CONFLICT:
                wgi_count(&session->conflicts);
                return wgi_error_conflict(w->key.bytes, w->expected, s.found, err);
            case SINGLE_DONE:
                if (s.version != 0) {
                    wgi_count(&session->commits);
                    wgi_own_note(session, run, s.version);
                }
                if (out_version != NULL) *out_version = s.version;
                return WG_OK;
        }
    }
}

wg_code wgi_single_replayed(wg_state_session *session, wg_state_run *run, wgi_write *w, uint64_t version,
                            uint64_t time_us, wg_error *err) {
    single s; /* not cleared: the match is large */
    s.session = session;
    s.run = run;
    s.w = w;
    s.now_us = time_us;
    s.forced = version;
    s.version = 0;
    s.room = NULL;
    wgi_match_make(run, &w->key, &s.match);
    for (;;) {
        WG_TRY(wgi_history_reserve(run->state, session->writer, 1, err));
        const single_step step = single_try(&s);
        if (step == SINGLE_DONE) return WG_OK;
        if (step == SINGLE_ORDER) WG_TRY(wgi_write_order(run, w, err));
        if (step == SINGLE_SPLIT) WG_TRY(wgi_table_split(run->table, w->key.hash, 1, err));
        WG_ASSERT(step != SINGLE_CONFLICT); /* nothing is expected */
    }
}

static wg_code single_begin(wg_state_session *session, const wg_state_run *run, const wg_state_key *key,
                            wg_error *err) {
    if (session->txn.open) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the session has an open transaction");
    WG_TRY(wgi_check_run(run, err));
    return wgi_check_key(key->bytes, err);
}

wg_code wgi_put_long(wg_state_session *session, wg_state_run *run, const wg_state_key *key,
                     const wg_state_value *value, uint64_t expected, uint64_t now_us, uint64_t *out_version,
                     wg_error *err) {
    WG_TRY(single_begin(session, run, key, err));
    WG_TRY(wgi_check_value(value, err));
    wgi_write w = {.key = *key,
                   .expected = expected,
                   .expires_us = value->expires_us,
                   .value = value->bytes,
                   .type = value->type};
    wg_code code = WG_OK;
    if (key->bytes.size > WGI_KEY_INLINE_MAX || !wgi_fits(key->bytes.size, value->bytes.size, w.expires_us != 0))
        code = wgi_write_blocks(run->state, &w, err);
    if (code == WG_OK && run->parent != NULL) code = wgi_write_parent(run, &w, now_us, err);
    if (code == WG_OK) code = wgi_single_commit(session, run, &w, now_us, out_version, err);
    if (w.block != NULL || w.key_block != NULL) wgi_write_release(run->state, &w);
    return code;
}

wg_code wg_state_delete(wg_state_session *session, wg_state_run *run, const wg_state_key *key, uint64_t expected,
                        uint64_t now_us, uint64_t *out_version, wg_error *err) {
    WG_TRY(single_begin(session, run, key, err));
    wgi_write w = {.key = *key, .expected = expected, .deleted = true};
    wg_code code = wgi_write_blocks(run->state, &w, err);
    if (code == WG_OK) code = wgi_write_parent(run, &w, now_us, err);
    if (code == WG_OK) code = wgi_single_commit(session, run, &w, now_us, out_version, err);
    wgi_write_release(run->state, &w);
    return code;
}

/* ---- one event */

/* With the event lock held; the room is reserved. */
static void append_locked(wg_state_session *session, wg_state_run *run, wg_event *event, uint8_t *room,
                          uint64_t *out_sequence) {
    const wg_state_value payload = {.type = event->value_type, .bytes = event->payload};
    event->version = atomic_fetch_add(&run->newest, 1) + 1;
    if (room != NULL) { /* before readers count it, as in single_locked */
        const size_t ops = wgi_redo_op_size(event->type.size, event->payload.size, false);
        uint8_t *p = wgi_redo_head_put(room, session->lane, event->time_us, run, event->version, ops);
        p = wgi_redo_op_put(p, WG_REDO_EVENT, event->type, &payload);
        wg_lane_publish(session->lane, (size_t)(p - room));
    }
    *out_sequence = wg_events_append(run->events, event);
}

wg_code wgi_check_event(wg_slice type, const wg_state_value *payload, wg_error *err) {
    if (type.size < 1 || type.size > WG_EVENT_TYPE_BYTES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "an event type of %zu bytes: types have 1 to %d",
                            type.size, WG_EVENT_TYPE_BYTES_MAX);
    return wgi_check_value(payload, err);
}

wg_code wg_state_append(wg_state_session *session, wg_state_run *run, wg_slice type, const wg_state_value *payload,
                        uint64_t now_us, uint64_t *out_sequence, uint64_t *out_version, wg_error *err) {
    if (session->txn.open) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "the session has an open transaction");
    WG_TRY(wgi_check_run(run, err));
    WG_TRY(wgi_check_event(type, payload, err));
    wg_event event = {.time_us = now_us, .type = type, .value_type = payload->type, .payload = payload->bytes};
    const size_t bytes = WGI_REDO_HEAD_MAX + wgi_redo_op_size(type.size, payload->bytes.size, false);
    wg_lane *lane = session->lane;
    uint64_t sequence = 0;
    for (;;) {
        uint8_t *room = NULL;
        WG_TRY(wg_lane_reserve(lane, bytes, &room, err));
        wg_lane_enter(lane);
        wgi_lock(&run->event_lock);
        const bool stopped = wg_lane_is_stopped(lane);
        wg_code code = stopped ? WG_OK : wg_events_reserve(run->events, type.size, payload->bytes.size, err);
        if (!stopped && code == WG_OK) append_locked(session, run, &event, room, &sequence);
        wgi_unlock(&run->event_lock);
        wg_lane_leave(lane);
        if (code != WG_OK) return code;
        if (!stopped) break;
        wg_lane_wait(lane);
    }
    wgi_count(&session->commits);
    wgi_own_note(session, run, event.version);
    if (out_sequence != NULL) *out_sequence = sequence;
    if (out_version != NULL) *out_version = event.version;
    return WG_OK;
}
