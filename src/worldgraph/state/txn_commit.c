/* The commit of a transaction (txn.c says in which order it checks).
 *
 *   room      keys in order, versions of parents, room in history and lane: may fail, takes no lock
 *   lock      lane entered, run's events, segments in rising order; lanes stopped or a segment no longer the right one: all given back, again
 *   check     versions that were read and expected; slots that are there are found, places for new ones are counted
 *   publish   ranges; slots marked; version taken
 *   apply     old records to history, new ones into slots, events, redo record; locks given back
 *
 * A commit that the engine logs stops after `check` with nothing held: its caller has stopped the lanes, so no other commit can come between;
 * meanwhile nothing is purged (state->prepared), so what was put in order stays there. */
#include "worldgraph/state/commit_internal.h"

enum { SEGMENTS_FIRST = 64 };

typedef enum commit_step { STEP_OK, STEP_AGAIN, STEP_FAILED } commit_step;

typedef struct commit {
    wg_state_txn *txn;
    wg_state_run *run;
    wgi_writer *writer;
    wg_lane *lane; /* NULL: the caller has stopped them, or replay */
    uint32_t segment_count;
    uint32_t reserved; /* writes whose new places are counted in their segments */
    uint32_t writing;  /* writes that are no deletion of what is absent */
    size_t ops;        /* bytes of redo */
    bool replay;
    bool split;
    uint64_t version;
    uint64_t first_sequence;
    wg_error *err;
} commit;

/* ---- room */

static wg_code segments_room(commit *c) {
    const uint32_t needed = c->txn->read_count + c->txn->write_count;
    if (needed <= c->writer->segment_room) return WG_OK;
    uint32_t room = c->writer->segment_room == 0 ? SEGMENTS_FIRST : c->writer->segment_room;
    while (room < needed) room *= 2;
    uint32_t *grown = wg_realloc(c->run->state->account, c->writer->segments, room * sizeof *grown);
    if (grown == NULL) return wg_error_nomem(c->err, room * sizeof *grown);
    c->writer->segments = grown;
    c->writer->segment_room = room;
    return WG_OK;
}

static wg_code commit_room(commit *c) {
    wg_state_txn *txn = c->txn;
    WG_TRY(segments_room(c));
    for (uint32_t i = 0; i < txn->write_count; i++) {
        wgi_write *w = &txn->writes[i];
        if (!c->replay) WG_TRY(wgi_write_parent(c->run, w, txn->now_us, c->err));
        if (!w->ordered && !wgi_has_record(c->run, &w->key)) WG_TRY(wgi_write_order(c->run, w, c->err));
    }
    return WG_OK;
}

/* ---- locks */

static void sift_u32(uint32_t *heap, uint32_t at, uint32_t count) {
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child] < heap[child + 1]) child++;
        if (heap[at] >= heap[child]) return;
        const uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

static void sort_u32(uint32_t *items, uint32_t count) {
    if (count <= 16) {
        for (uint32_t i = 1; i < count; i++) {
            const uint32_t v = items[i];
            uint32_t at = i;
            for (; at > 0 && items[at - 1] > v; at--) items[at] = items[at - 1];
            items[at] = v;
        }
        return;
    }
    for (uint32_t i = count / 2; i-- > 0;) sift_u32(items, i, count);
    for (uint32_t end = count; end-- > 1;) {
        const uint32_t swap = items[0];
        items[0] = items[end];
        items[end] = swap;
        sift_u32(items, 0, end);
    }
}

static void segments_gather(commit *c) {
    wg_state_txn *txn = c->txn;
    uint32_t *segments = c->writer->segments, n = 0;
    for (uint32_t i = 0; i < txn->read_count; i++)
        segments[n++] = txn->reads[i].at = wgi_segment_of(c->run->table, txn->reads[i].key.hash);
    for (uint32_t i = 0; i < txn->write_count; i++)
        segments[n++] = txn->writes[i].at = wgi_segment_of(c->run->table, txn->writes[i].key.hash);
    sort_u32(segments, n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || segments[kept - 1] != segments[i]) segments[kept++] = segments[i];
    c->segment_count = kept;
}

static void commit_unlock(commit *c) {
    for (uint32_t i = c->segment_count; i-- > 0;)
        wgi_segment_unlock(wgi_place_at(c->run->table, c->writer->segments[i]).header);
    if (c->txn->event_count != 0 || c->txn->reads_events) wgi_unlock(&c->run->event_lock);
    if (c->lane != NULL) wg_lane_leave(c->lane);
}

/* Whether every key's segment is still the one that was locked. */
static bool segments_serve(const commit *c) {
    const wg_state_txn *txn = c->txn;
    for (uint32_t i = 0; i < txn->read_count; i++)
        if (wgi_segment_of(c->run->table, txn->reads[i].key.hash) != txn->reads[i].at) return false;
    for (uint32_t i = 0; i < txn->write_count; i++)
        if (wgi_segment_of(c->run->table, txn->writes[i].key.hash) != txn->writes[i].at) return false;
    return true;
}

static commit_step commit_lock(commit *c) {
    segments_gather(c);
    if (c->lane != NULL) wg_lane_enter(c->lane);
    if (c->txn->event_count != 0 || c->txn->reads_events) wgi_lock(&c->run->event_lock);
    for (uint32_t i = 0; i < c->segment_count; i++)
        wgi_segment_lock(wgi_place_at(c->run->table, c->writer->segments[i]).header);
    /* At least one lock was taken. With all of them held nothing has been done yet: it is not too late to step back. */
    const bool stopped = c->lane != NULL && wg_lane_is_stopped(c->lane);
    if (!stopped && segments_serve(c)) return STEP_OK;
    commit_unlock(c);
    if (stopped) wg_lane_wait(c->lane);
    return STEP_AGAIN;
}

/* ---- checks */

static wg_code check_reads(const commit *c) {
    const wg_state_txn *txn = c->txn;
    for (uint32_t i = 0; i < txn->read_count; i++) {
        const wgi_read *r = &txn->reads[i];
        const wgi_place place = wgi_place_at(c->run->table, r->at);
        wgi_match m;
        uint32_t empty;
        wgi_match_make(c->run, &r->key, &m);
        const uint32_t slot = wgi_find_locked(&place, r->key.hash, &m, &empty);
        uint64_t version = r->of_parent ? r->version : 0;
        if (slot != UINT32_MAX)
            version = wgi_slot_version(&place.slots[slot], wgi_load(&place.slots[slot].words[0]), txn->now_us);
        if (version != r->version) return wgi_error_conflict(r->key.bytes, r->version, version, c->err);
    }
    return WG_OK;
}

/* Where the write goes and whether it may. New places are counted in their segments until commit_release_places. */
static commit_step check_write(commit *c, wgi_write *w) {
    const wgi_place place = wgi_place_at(c->run->table, w->at);
    wgi_match m;
    uint32_t empty;
    wgi_match_make(c->run, &w->key, &m);
    w->slot = wgi_find_locked(&place, w->key.hash, &m, &empty);
    w->is_new = w->slot == UINT32_MAX;
    w->word0 = w->is_new ? 0 : wgi_load(&place.slots[w->slot].words[0]);
    const uint64_t found =
        w->is_new ? w->parent_version : wgi_slot_version(&place.slots[w->slot], w->word0, c->txn->now_us);
    if (!c->replay && w->expected != WG_VERSION_ANY && w->expected != found) {
        (void)wgi_error_conflict(w->key.bytes, w->expected, found, c->err);
        return STEP_FAILED;
    }
    w->skipped = !c->replay && w->deleted && found == 0;
    if (w->skipped) return STEP_OK;
    c->writing++;
    c->ops += wgi_redo_op_size(w->key.bytes.size, w->value.size, w->expires_us != 0);
    if (!w->is_new) return STEP_OK;
    w->full = place.header->used >= WGI_SEGMENT_FULL;
    if (w->full) return STEP_AGAIN;
    place.header->used++;
    w->counted = true;
    const uint32_t generation = atomic_load_explicit(&place.header->generation, memory_order_relaxed);
    if (!w->ordered || w->segment != w->at || w->generation != generation) {
        w->ordered = false;
        return STEP_AGAIN;
    }
    return STEP_OK;
}

/* Full segments learn how many keys are to be split away for one more: more than fit beside those that are there. */
static void release_places(commit *c) {
    for (uint32_t i = 0; i < c->reserved; i++) {
        wgi_write *w = &c->txn->writes[i];
        if (w->counted) wgi_place_at(c->run->table, w->at).header->used--;
        w->counted = false;
    }
    for (uint32_t i = 0; i < c->reserved; i++) {
        wgi_write *w = &c->txn->writes[i];
        if (w->full) w->split_more = WGI_SEGMENT_FULL + 1 - wgi_place_at(c->run->table, w->at).header->used;
    }
    c->reserved = 0;
}

/* All writes are looked at, so that one more round serves all that are in the way of this one. */
static commit_step check_writes(commit *c) {
    bool again = false;
    c->writing = 0;
    c->ops = 0;
    for (c->reserved = 0; c->reserved < c->txn->write_count; c->reserved++) {
        wgi_write *w = &c->txn->writes[c->reserved];
        w->full = false;
        w->counted = false;
        const commit_step step = check_write(c, w);
        again |= step == STEP_AGAIN;
        if (step != STEP_FAILED) continue;
        release_places(c);
        return step;
    }
    if (!again) return STEP_OK;
    release_places(c);
    c->split = true;
    return STEP_AGAIN;
}

static wg_code split_full(commit *c) {
    for (uint32_t i = 0; i < c->txn->write_count; i++) {
        wgi_write *w = &c->txn->writes[i];
        if (w->full) WG_TRY(wgi_room_make(c->run->state, w->key.hash, w->split_more, c->err));
        w->full = false;
    }
    c->split = false;
    return WG_OK;
}

static wg_code check_events(commit *c) {
    const wg_state_txn *txn = c->txn;
    const wg_events *events = c->run->events;
    if (txn->reads_events && wg_events_count(events, WG_LOGSEQ_NEVER) != txn->events_seen)
        return wg_error_set(c->err, WG_E_CONFLICT, WG_NO_OFFSET,
                            "the event log has %llu events, %llu were read: run the transaction again",
                            (unsigned long long)wg_events_count(events, WG_LOGSEQ_NEVER),
                            (unsigned long long)txn->events_seen);
    size_t types = 0, payloads = 0;
    for (uint32_t i = 0; i < txn->event_count; i++) {
        types += txn->events[i].type.size;
        payloads += txn->events[i].payload.bytes.size;
    }
    if (txn->event_count == 0) return WG_OK;
    return wg_events_reserve_many(c->run->events, txn->event_count, types, payloads, c->err);
}

/* With everything locked. */
static commit_step commit_check(commit *c) {
    WGI_LAYER_BEGIN(reads);
    const wg_code code = c->replay ? WG_OK : check_reads(c);
    WGI_LAYER_END(reads, WG_LAYER_VALIDATE_READS);
    if (code != WG_OK) return STEP_FAILED;
    WGI_LAYER_BEGIN(writes);
    const commit_step step = check_writes(c);
    WGI_LAYER_END(writes, WG_LAYER_VALIDATE_WRITES);
    if (step != STEP_OK) return step;
    if (check_events(c) == WG_OK) return STEP_OK;
    release_places(c);
    return STEP_FAILED;
}

/* ---- publish and apply */

static wgi_target target_of(const commit *c, const wgi_write *w) {
    return (wgi_target){.place = wgi_place_at(c->run->table, w->at),
                        .slot = w->slot,
                        .is_new = w->is_new,
                        .word0 = w->word0,
                        .version = c->version,
                        .now_us = c->txn->now_us};
}

/* The slots are marked; new ones take the next empty place. */
static void claim_all(commit *c) {
    for (uint32_t i = 0; i < c->txn->write_count; i++) {
        wgi_write *w = &c->txn->writes[i];
        if (w->skipped) continue;
        wgi_target t = target_of(c, w);
        if (w->is_new) {
            w->slot = wgi_home(w->key.hash);
            while (wgi_load(&t.place.slots[w->slot].words[0]) != 0) w->slot = (w->slot + 1) % WGI_SLOTS;
            t.slot = w->slot;
        }
        wgi_mark(&t);
    }
    c->reserved = 0; /* they are taken */
}

static void unmark_all(const commit *c) {
    for (uint32_t i = 0; i < c->txn->write_count; i++) {
        const wgi_write *w = &c->txn->writes[i];
        if (w->skipped) continue;
        const wgi_target t = target_of(c, w);
        wgi_unmark(&t);
    }
}

/* Takes the version; with ranges only when nothing has come since they were checked. */
static wg_code commit_publish(commit *c) {
    wg_state_txn *txn = c->txn;
    if (txn->ranges == NULL || txn->isolation != WG_STATE_SERIALIZABLE || c->replay) {
        claim_all(c);
        c->version = atomic_fetch_add(&c->run->newest, 1) + 1;
        return WG_OK;
    }
    for (uint64_t since = txn->snapshot;;) {
        const uint64_t checked = wg_state_run_newest(c->run);
        uint64_t newest = checked;
        const wg_code code = wgi_ranges_check(txn, since, checked, c->err);
        if (code != WG_OK) {
            c->reserved = txn->write_count;
            release_places(c);
            return code;
        }
        claim_all(c);
        if (atomic_compare_exchange_strong(&c->run->newest, &newest, newest + 1)) {
            c->version = newest + 1;
            return WG_OK;
        }
        unmark_all(c);
        since = checked;
    }
}

static uint8_t *redo_put(const commit *c, uint8_t *p) {
    const wg_state_txn *txn = c->txn;
    p = wgi_redo_head_put(p, c->lane, txn->now_us, c->run, c->version, c->ops);
    for (uint32_t i = 0; i < txn->write_count; i++) {
        const wgi_write *w = &txn->writes[i];
        if (w->skipped) continue;
        const wg_state_value value = {.type = w->type, .bytes = w->value, .expires_us = w->expires_us};
        p = wgi_redo_op_put(p, w->deleted ? WG_REDO_DELETE : WG_REDO_PUT, w->key.bytes, &value);
    }
    for (uint32_t i = 0; i < txn->event_count; i++)
        p = wgi_redo_op_put(p, WG_REDO_EVENT, txn->events[i].type, &txn->events[i].payload);
    return p;
}

static void commit_apply(commit *c) {
    wg_state_txn *txn = c->txn;
    for (uint32_t i = 0; i < txn->write_count; i++) {
        wgi_write *w = &txn->writes[i];
        wgi_match m;
        if (w->skipped) continue;
        const wgi_target t = target_of(c, w);
        wgi_match_make(c->run, &w->key, &m);
        wgi_write_slot(c->run, c->writer, &t, w, &m);
        w->block = NULL; /* the slot's now */
        if (w->is_new) w->key_block = NULL;
    }
    for (uint32_t i = 0; i < txn->event_count; i++) {
        const wgi_event *e = &txn->events[i];
        const wg_event event = {.version = c->version,
                                .time_us = txn->now_us,
                                .type = e->type,
                                .value_type = e->payload.type,
                                .payload = e->payload.bytes};
        const uint64_t sequence = wg_events_append(c->run->events, &event);
        if (i == 0) c->first_sequence = sequence;
    }
}

/* ---- the ways to commit */

static commit commit_of(wg_state_txn *txn, wg_lane *lane, wg_error *err) {
    WG_ASSERT(txn->open);
    commit c = {.txn = txn, .run = txn->run, .writer = txn->session->writer, .lane = lane, .err = err};
    return c;
}

static size_t event_ops(const wg_state_txn *txn) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < txn->event_count; i++)
        bytes += wgi_redo_op_size(txn->events[i].type.size, txn->events[i].payload.bytes.size, false);
    return bytes;
}

/* Room, locks and checks until they hold together; with everything locked on WG_OK, nothing else. */
static wg_code commit_settle(commit *c, uint8_t **out_room) {
    wg_state_txn *txn = c->txn;
    for (;;) {
        *out_room = NULL;
        WG_TRY(commit_room(c));
        WG_TRY(wgi_history_reserve(c->run->state, c->writer, txn->write_count, c->err));
        if (c->lane != NULL) WG_TRY(wg_lane_reserve(c->lane, WGI_REDO_HEAD_MAX + txn->redo_bytes, out_room, c->err));
        if (commit_lock(c) == STEP_AGAIN) continue;
        const commit_step step = commit_check(c);
        if (step == STEP_OK) break;
        commit_unlock(c);
        if (step == STEP_FAILED) return c->err == NULL ? WG_E_CONFLICT : c->err->code;
        if (c->split) WG_TRY(split_full(c));
    }
    c->ops += event_ops(txn);
    return WG_OK;
}

static wg_code txn_failed(wg_state_txn *txn, wg_code code) {
    if (code == WG_E_CONFLICT) wgi_count(&txn->session->conflicts);
    wgi_txn_end(txn);
    return code;
}

static wg_code commit_many(wg_state_txn *txn, uint64_t *out_version, uint64_t *out_first_sequence, wg_error *err) {
    uint8_t *room = NULL;
    wg_error local = {0};
    commit c = commit_of(txn, txn->session->lane, err == NULL ? &local : err);
    WGI_LAYER_BEGIN(commit);
    wg_code code = wgi_check_run(txn->run, c.err);
    if (code == WG_OK && wg_state_txn_has_writes(txn)) {
        code = commit_settle(&c, &room);
        if (code != WG_OK) return txn_failed(txn, code);
        if (c.writing + txn->event_count != 0) code = commit_publish(&c);
        if (code == WG_OK && c.version != 0) {
            /* Before anybody can see it: what saw it may outlive this process by its own record. */
            if (room != NULL) wg_lane_publish(c.lane, (size_t)(redo_put(&c, room) - room));
            commit_apply(&c);
        }
        commit_unlock(&c);
    }
    if (code != WG_OK) return txn_failed(txn, code);
    if (c.version != 0) {
        wgi_count(&txn->session->commits);
        wgi_own_note(txn->session, txn->run, c.version);
    }
    wgi_txn_end(txn);
    WGI_LAYER_END(commit, WG_LAYER_COMMIT);
    if (out_version != NULL) *out_version = c.version;
    if (out_first_sequence != NULL) *out_first_sequence = c.first_sequence;
    return WG_OK;
}

/* The commonest transaction writes one key and has read no other: then what was read is what it expects. */
static bool txn_is_single(const wg_state_txn *txn) {
    if (txn->write_count != 1 || txn->event_count != 0 || txn->read_count > 1 || txn->reads_events) return false;
    if (txn->ranges != NULL && txn->isolation == WG_STATE_SERIALIZABLE) return false;
    if (txn->read_count == 0) return true;
    const wgi_write *w = &txn->writes[0];
    const wgi_read *r = &txn->reads[0];
    return r->key.hash == w->key.hash && wg_slice_equal(r->key.bytes, w->key.bytes) &&
           (w->expected == WG_VERSION_ANY || w->expected == r->version);
}

static wg_code commit_single(wg_state_txn *txn, uint64_t *out_version, wg_error *err) {
    wgi_write *w = &txn->writes[0];
    if (txn->read_count != 0) w->expected = txn->reads[0].version;
    if (!w->deleted && w->block == NULL) {
        const wg_state_value value = {.type = w->type, .bytes = w->value, .expires_us = w->expires_us};
        if (wgi_put_short(txn->session, txn->run, &w->key, &value, w->expected, txn->now_us, out_version))
            return WG_OK;
    }
    WG_TRY(wgi_check_run(txn->run, err));
    if (txn->run->parent != NULL) WG_TRY(wgi_write_parent(txn->run, w, txn->now_us, err));
    return wgi_single_commit(txn->session, txn->run, w, txn->now_us, out_version, err);
}

wg_code wg_state_commit(wg_state_txn *txn, uint64_t *out_version, uint64_t *out_first_sequence, wg_error *err) {
    WG_ASSERT(txn->open);
    const wg_code quick = wgi_unquick(txn, err);
    if (quick != WG_OK) return txn_failed(txn, quick);
    if (!txn_is_single(txn)) return commit_many(txn, out_version, out_first_sequence, err);
    WGI_LAYER_BEGIN(commit);
    uint64_t version = 0;
    const wg_code code = commit_single(txn, &version, err);
    wgi_txn_end(txn);
    WGI_LAYER_END(commit, WG_LAYER_COMMIT);
    if (code != WG_OK) return code;
    if (out_version != NULL) *out_version = version;
    if (out_first_sequence != NULL) *out_first_sequence = 0;
    return WG_OK;
}

wg_code wgi_commit_replayed(wg_state_txn *txn, uint64_t version, wg_error *err) {
    uint8_t *room = NULL;
    wg_error local = {0};
    commit c = commit_of(txn, NULL, err == NULL ? &local : err);
    c.replay = true;
    const wg_code code = commit_settle(&c, &room);
    if (code != WG_OK) return txn_failed(txn, code);
    claim_all(&c);
    c.version = version;
    atomic_store(&c.run->newest, version);
    commit_apply(&c);
    commit_unlock(&c);
    wgi_txn_end(txn);
    return WG_OK;
}

/* ---- commits that the engine logs */

wg_code wg_state_commit_prepare(wg_state_txn *txn, wg_buf *redo, uint64_t *out_version, wg_error *err) {
    wg_state *state = txn->session->state;
    uint8_t *room = NULL;
    wg_error local = {0};
    commit c = commit_of(txn, NULL, err == NULL ? &local : err);
    const wg_code ordered = wgi_order_need(txn->run, c.err); /* whose makers see no slot of this commit */
    if (ordered != WG_OK) return txn_failed(txn, ordered);
    atomic_fetch_add(&state->prepared, 1); /* before the locks: nothing that is found is purged any more */
    wg_code code = wgi_check_run(txn->run, c.err);
    if (code == WG_OK) code = wgi_unquick(txn, c.err);
    if (code == WG_OK) code = commit_settle(&c, &room);
    if (code != WG_OK) goto fail;
    if (txn->ranges != NULL && txn->isolation == WG_STATE_SERIALIZABLE)
        code = wgi_ranges_check(txn, txn->snapshot, wg_state_run_newest(txn->run), c.err);
    c.reserved = txn->write_count;
    release_places(&c);
    commit_unlock(&c);
    if (code != WG_OK) goto fail;
    c.version = c.writing + txn->event_count == 0 ? 0 : wg_state_run_newest(txn->run) + 1;
    if (c.version != 0) {
        if (!wg_buf_reserve(redo, WGI_REDO_HEAD_MAX + c.ops)) {
            code = wg_error_nomem(c.err, c.ops);
            goto fail;
        }
        redo->size = (size_t)(redo_put(&c, redo->data + redo->size) - redo->data);
    }
    txn->prepared = true;
    txn->version = c.version;
    *out_version = c.version;
    return WG_OK;
fail:
    atomic_fetch_sub(&state->prepared, 1);
    return txn_failed(txn, code);
}

void wg_state_commit_apply(wg_state_txn *txn, uint64_t *out_first_sequence) {
    WG_ASSERT(txn->prepared);
    wg_state *state = txn->session->state;
    commit c = commit_of(txn, NULL, NULL);
    c.version = txn->version;
    if (c.version != 0) {
        while (commit_lock(&c) != STEP_OK) { /* a segment was split meanwhile */
        }
        for (uint32_t i = 0; i < txn->write_count; i++) { /* what was found may lie elsewhere now */
            wgi_write *w = &txn->writes[i];
            const wgi_place place = wgi_place_at(c.run->table, w->at);
            wgi_match m;
            uint32_t empty;
            if (w->skipped) continue;
            wgi_match_make(c.run, &w->key, &m);
            w->slot = wgi_find_locked(&place, w->key.hash, &m, &empty);
            w->is_new = w->slot == UINT32_MAX;
            w->word0 = w->is_new ? 0 : wgi_load(&place.slots[w->slot].words[0]);
            if (w->is_new) place.header->used++;
        }
        claim_all(&c);
        atomic_store(&c.run->newest, c.version);
        commit_apply(&c);
        commit_unlock(&c);
        wgi_count(&txn->session->commits);
        wgi_own_note(txn->session, txn->run, c.version);
    }
    atomic_fetch_sub(&state->prepared, 1);
    wgi_txn_end(txn);
    if (out_first_sequence != NULL) *out_first_sequence = c.first_sequence;
}

void wg_state_commit_abandon(wg_state_txn *txn) {
    WG_ASSERT(txn->prepared);
    atomic_fetch_sub(&txn->session->state->prepared, 1);
    wgi_txn_end(txn);
}
