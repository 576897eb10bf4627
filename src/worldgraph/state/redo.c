/* Redo records: how a commit lies in a lane and in the log, and what brings it back (docs/format/mutation.md).
 *
 * A record of the lane is a mutation: u8 kind | varint body size | body. TIME comes before the first RUN_COMMIT of a span and wherever the
 * coarse clock has moved on. Bytes of RUN_COMMITs come from the log, whose checksums hold, but are checked all the same: a body is
 * decoded whole before the first of its operations is applied.
 *
 * Failure modes: WG_E_CORRUPT for bytes that are no record; WG_E_NOMEM: the commit is not applied, the caller gives up the replay. */
#include "worldgraph/state/commit_internal.h"

#include "worldgraph/wal/wal.h"

uint8_t *wgi_redo_head_put(uint8_t *p, wg_lane *lane, uint64_t time_us, const wg_state_run *run, uint64_t version,
                           size_t ops) {
    return wgi_redo_head_at(p, lane, time_us, run, version, ops);
}

/* ---- decoding */

static wg_code corrupt(const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a commit of agents' state in the log: %s", what);
}

/* One operation off the front; false: no operation is there. */
bool wg_redo_next(wg_slice *ops, wg_redo_op *out) {
    wg_slice at = *ops, key, value;
    uint64_t key_bytes, value_bytes;
    if (at.size < 2) return false;
    const uint8_t op = at.data[0], type = at.data[1];
    at = wg_slice_of(at.data + 2, at.size - 2);
    if (!wg_varint_take(&at, &key_bytes) || !wg_varint_take(&at, &value_bytes)) return false;
    uint64_t expires = 0;
    if ((op & 0x80) != 0) {
        wg_slice bytes;
        if (!wg_slice_take(&at, 8, &bytes)) return false;
        expires = wg_load_u64le(bytes.data);
    }
    if (!wg_slice_take(&at, (size_t)key_bytes, &key) || !wg_slice_take(&at, (size_t)value_bytes, &value))
        return false;
    *out = (wg_redo_op){.op = op & 0x7f, .key = key, .value = {.type = type, .bytes = value, .expires_us = expires}};
    *ops = at;
    return true;
}

static wg_code op_check(const wg_redo_op *op, wg_error *err) {
    const size_t key_max = op->op == WG_REDO_EVENT ? WG_EVENT_TYPE_BYTES_MAX : WG_KEY_BYTES_MAX;
    if (op->op < WG_REDO_PUT || op->op > WG_REDO_EVENT) return corrupt("an operation of no known kind", err);
    if (op->key.size < 1 || op->key.size > key_max) return corrupt("a key of no possible size", err);
    if (op->value.bytes.size > WG_STATE_VALUE_BYTES_MAX) return corrupt("a value of no possible size", err);
    if (op->value.type > WG_TYPE_PATH) return corrupt("a value of no known type", err);
    if (op->op == WG_REDO_DELETE && op->value.bytes.size != 0) return corrupt("a deletion with a value", err);
    return WG_OK;
}

static bool head_take(wg_slice *body, uint64_t *out_run, uint64_t *out_version) {
    if (!wg_varint_take(body, out_run) || !wg_varint_take(body, out_version)) return false;
    return *out_run <= WG_STATE_RUNS_MAX && *out_version >= 1 && *out_version <= WG_VERSION_MAX;
}

wg_code wg_redo_decode(wg_slice body, uint64_t time_us, wg_redo_commit *out, wg_error *err) {
    uint64_t run, version;
    uint32_t count = 0;
    if (!head_take(&body, &run, &version)) return corrupt("no run or version", err);
    for (wg_slice ops = body; ops.size != 0; count++) {
        wg_redo_op op;
        if (!wg_redo_next(&ops, &op)) return corrupt("an operation is cut short", err);
        WG_TRY(op_check(&op, err));
    }
    if (count == 0) return corrupt("no operation", err);
    if (count > WG_STATE_OPS_MAX) return corrupt("too many operations", err);
    *out = (wg_redo_commit){.run = (uint32_t)run, .version = version, .time_us = time_us, .ops = body};
    return WG_OK;
}

wg_code wg_redo_versions(wg_slice records, void (*fn)(void *ctx, uint32_t run, uint64_t version), void *ctx,
                         wg_error *err) {
    uint64_t last_run = UINT64_MAX, last_version = 0;
    while (records.size != 0) {
        uint8_t kind;
        wg_slice body;
        uint64_t run, version;
        WG_TRY(wg_mutation_step(&records, &kind, &body, err));
        if (kind != WG_MUTATION_RUN_COMMIT) continue;
        if (!head_take(&body, &run, &version)) return corrupt("no run or version", err);
        if (last_run != UINT64_MAX && run != last_run) fn(ctx, (uint32_t)last_run, last_version);
        last_version = run == last_run ? wg_max_u64(last_version, version) : version;
        last_run = run;
    }
    if (last_run != UINT64_MAX) fn(ctx, (uint32_t)last_run, last_version);
    return WG_OK;
}

/* ---- replay */

static wg_code apply_one(wg_state_run *run, const wg_redo_ahead *ahead, const wg_redo_commit *commit, wg_error *err) {
    wg_state *state = run->state;
    const wg_redo_op *op = &ahead->op;
    const bool deleted = op->op == WG_REDO_DELETE;
    wgi_write w = {.key = ahead->key,
                   .expected = WG_VERSION_ANY,
                   .expires_us = deleted ? 0 : op->value.expires_us,
                   .value = op->value.bytes,
                   .type = op->value.type,
                   .deleted = deleted};
    wg_code code = wgi_write_blocks(state, &w, err);
    if (code == WG_OK) code = wgi_single_replayed(state->replay, run, &w, commit->version, commit->time_us, err);
    if (w.block != NULL || w.key_block != NULL) wgi_write_release(state, &w);
    return code;
}

static wg_code apply_many(wg_state_run *run, const wg_redo_commit *commit, wg_error *err) {
    wg_state_txn *txn = NULL;
    wg_redo_op op;
    WG_TRY(wg_state_begin(run->state->replay, run, WG_STATE_SNAPSHOT, commit->time_us, &txn, err));
    for (wg_slice ops = commit->ops; wg_redo_next(&ops, &op);) {
        const wg_state_key key = wg_state_key_of(run, op.key);
        wg_code code;
        if (op.op == WG_REDO_EVENT) code = wg_state_txn_append(txn, op.key, &op.value, NULL, err);
        else if (op.op == WG_REDO_DELETE) code = wg_state_txn_delete(txn, &key, WG_VERSION_ANY, err);
        else code = wg_state_txn_put(txn, &key, &op.value, WG_VERSION_ANY, err);
        if (code == WG_OK) continue;
        wg_state_abort(txn);
        return code;
    }
    return wgi_commit_replayed(txn, commit->version, err);
}

void wg_state_apply_soon(const wg_state *state, const wg_redo_commit *commit, wg_redo_ahead *out) {
    const wg_state_run *run = wg_state_run_at(state, commit->run);
    wg_slice ops = commit->ops;
    out->single = run != NULL && wg_redo_next(&ops, &out->op) && ops.size == 0 && out->op.op != WG_REDO_EVENT;
    if (out->single) out->key = wg_state_key_of(run, out->op.key); /* starts its misses */
}

wg_code wg_state_apply(wg_state *state, const wg_redo_commit *commit, const wg_redo_ahead *ahead, wg_error *err) {
    wg_state_run *run = wg_state_run_at(state, commit->run);
    wg_redo_ahead now;
    if (run == NULL)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "a commit of agents' state in the log: there is no run %u", commit->run);
    if (commit->version <= wg_state_run_newest(run)) return WG_OK;
    wgi_touched_forget(run);
    if (ahead == NULL) {
        wg_state_apply_soon(state, commit, &now);
        ahead = &now;
    }
    return ahead->single ? apply_one(run, ahead, commit, err) : apply_many(run, commit, err);
}

/* ---- checkpoints */

/* An older record of a key that is there: behind the end of its chain. */
static wg_code restore_older(wg_state_run *run, const wgi_write *w, const wg_state_version *record, wg_error *err) {
    wg_state *state = run->state;
    wgi_match m;
    wgi_slot image = {0};
    uint32_t empty;
    WG_TRY(wgi_history_reserve(state, state->replay->writer, 1, err));
    const wgi_place place = wgi_place_of(run->table, w->key.hash);
    wgi_match_make(run, &w->key, &m);
    wgi_segment_lock(place.header);
    const uint32_t slot = wgi_find_locked(&place, w->key.hash, &m, &empty);
    WG_ASSERT(slot != UINT32_MAX);
    uint64_t newer = wgi_version_of(wgi_load(&place.slots[slot].words[0]));
    _Atomic uint64_t *link = &place.sides[slot].history;
    while (wgi_load(link) != 0) link = wgi_history_link(state->history, wgi_load(link), &newer);
    WG_ASSERT(newer > record->version); /* newest first */
    const wgi_block *key_block = (const wgi_block *)(uintptr_t)wgi_load(&place.slots[slot].words[3]);
    const uint64_t word0 = wgi_image_store(w, &m, key_block, &image) | record->version << WGI_VERSION_SHIFT;
    const wgi_replaced replaced = {.time_us = record->time_us, .word0 = word0, .replaced_by = newer};
    wgi_store(link, wgi_history_append(state, state->replay->writer, &image, &replaced));
    wgi_segment_unlock(place.header);
    return WG_OK;
}

wg_code wg_state_restore(wg_state_run *run, wg_slice key, const wg_state_version *record, bool mapped,
                         wg_error *err) {
    wg_state *state = run->state;
    wgi_write w = {.key = wg_state_key_of(run, key),
                   .expected = WG_VERSION_ANY,
                   .expires_us = record->deleted ? 0 : record->expires_us,
                   .value = record->deleted ? (wg_slice){NULL, 0} : record->value,
                   .type = record->type,
                   .deleted = record->deleted};
    const wg_state_value value = {.type = record->type, .bytes = w.value};
    WG_TRY(wgi_check_key(key, err));
    WG_TRY(wgi_check_value(&value, err));
    w.mapped = mapped && !w.deleted && !wgi_fits(key.size, w.value.size, w.expires_us != 0);
    wg_code code = wgi_write_blocks(state, &w, err);
    if (code == WG_OK && wgi_has_record(run, &w.key)) {
        code = restore_older(run, &w, record, err);
        if (code == WG_OK) w.block = NULL; /* history's now */
    } else if (code == WG_OK) {
        const uint64_t newest = wg_state_run_newest(run);
        code = wgi_single_replayed(state->replay, run, &w, record->version, record->time_us, err);
        atomic_store(&run->newest, newest); /* wg_state_restored says it */
    }
    wgi_write_release(state, &w);
    return code;
}

void wg_state_restored(wg_state_run *run, uint64_t version) {
    atomic_store(&run->newest, version);
    wgi_raise(&run->durable, version);
    wgi_raise(&run->stored, version);
    wgi_raise(&run->restored, version);
}
