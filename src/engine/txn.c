/* Transactions: one writer at a time applies in place, marked as nobody's but its own; readers see what is published.
 *
 * A writing transaction has the writer's place from its first write until its record is in the log (not until it is synced):
 * the next writer then builds on a state that is in memory and in the log but perhaps not yet durable. That is safe because
 * its own record stands behind the first one in the log: it can only become durable after it. Readers, who may tell the
 * world what they saw, see only what is published: in STRICT mode that is after the sync.
 *
 * It has no number before its commit: drains of agents' runs take numbers beside it. At the commit it takes the log's end, puts the next number
 * into everything that it began and ended (wgi_stamp), which no reader can see yet, and appends. An append that fails is undone
 * before the log's end is given back, because the next drain has that number (ADR 0022).
 *
 * A rollback undoes the in-memory changes in reverse and gives numbers and ids back, so that a store that rolled back equals a
 * store that never tried. */
#include "engine/engine_internal.h"

void wgi_publish(wg_engine *engine, uint64_t logseq) {
    uint64_t now = atomic_load_explicit(&engine->published, memory_order_relaxed);
    while (now < logseq && !atomic_compare_exchange_weak_explicit(&engine->published, &now, logseq,
                                                                  memory_order_release, memory_order_relaxed)) {}
}

uint64_t wg_engine_logseq(const wg_engine *engine) {
    return atomic_load_explicit(&engine->published, memory_order_acquire);
}

enum { SYNC_AHEAD_BYTES = 8 << 20 };

static wg_code writer_take(wg_txn *txn, wg_error *err) {
    if (txn->engine->options.read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "the database is open for reading only");
    WG_TRY(wgi_budget_admit(txn->engine, err));
    WG_TRY(wgi_writer_take_within(txn->engine, txn->cancel, err));
    txn->writing = true;
    txn->view.own = WG_LOGSEQ_OWN;
    txn->stamp = wgi_next_logseq(txn->engine);
    return WG_OK;
}

static void writer_give(wg_txn *txn) {
    if (!txn->writing) return;
    txn->writing = false;
    wgi_writer_give(txn->engine);
}

static wg_code txn_count(wg_engine *engine, wg_error *err) {
    /* acq_rel; pairs with wgi_dead_reap: whoever counts in later sees what it left */
    if (atomic_fetch_add_explicit(&engine->open_txns, 1, memory_order_acq_rel) < WG_TXN_OPEN_MAX) return WG_OK;
    atomic_fetch_sub_explicit(&engine->open_txns, 1, memory_order_release);
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d open transactions: end some of them",
                        (int)WG_TXN_OPEN_MAX);
}

/* A snapshot that is asked for without a number is the newest; it may expire before it is pinned, and then a newer one is. */
static wg_code txn_pin(wg_txn *txn, uint64_t as_of, wg_error *err) {
    wg_engine *e = txn->engine;
    for (;;) {
        const uint64_t snapshot = as_of != 0 ? as_of : wg_engine_logseq(e);
        const bool last = as_of != 0 || snapshot >= wg_engine_horizon(e);
        const wg_code code = wgi_pin_set(e, &txn->pin, snapshot, last ? err : NULL);
        if (code == WG_OK) txn->view.snapshot = snapshot;
        if (code == WG_OK || as_of != 0) return code;
    }
}

static wg_code txn_start(wg_txn *txn, uint64_t as_of, wg_error *err) {
    if (txn->mode != WG_TXN_WRITE) return txn_pin(txn, as_of, err);
    WG_TRY(writer_take(txn, err));
    txn->view.snapshot = wgi_next_logseq(txn->engine) - 1;
    const wg_code code = wgi_pin_set(txn->engine, &txn->pin, txn->view.snapshot, err);
    if (code != WG_OK) writer_give(txn);
    return code;
}

/* A transaction that has ended is used for the next one; threads mostly meet slots of their own. */
static wg_txn *_Atomic *spare_of(wg_engine *engine) {
    const uint8_t on_stack = 0;
    return &engine->spare_txns[wg_hash64_u64((uint64_t)(uintptr_t)&on_stack >> 20) % WGI_SPARE_TXNS];
}

static wg_txn *txn_alloc(wg_engine *engine) {
    wg_txn *txn = atomic_exchange_explicit(spare_of(engine), NULL, memory_order_acquire);
    if (txn == NULL) return wg_alloc_zero(&engine->account, sizeof *txn);
    memset(txn, 0, sizeof *txn);
    return txn;
}

static void txn_give_back(wg_engine *engine, wg_txn *txn) {
    wg_txn *none = NULL;
    if (!atomic_compare_exchange_strong_explicit(spare_of(engine), &none, txn, memory_order_release,
                                                 memory_order_relaxed))
        wg_free(txn);
}

wg_code wg_txn_begin(wg_engine *engine, wg_txn_mode mode, uint64_t as_of, wg_txn **out, wg_error *err) {
    return wg_txn_begin_within(engine, mode, as_of, NULL, out, err);
}

void wg_txn_wait_within(wg_txn *txn, const wg_cancel *cancel) { txn->cancel = cancel; }

wg_code wg_txn_begin_within(wg_engine *engine, wg_txn_mode mode, uint64_t as_of, const wg_cancel *cancel,
                            wg_txn **out, wg_error *err) {
    const uint64_t newest = wg_engine_logseq(engine);
    if (as_of > newest)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "snapshot %llu is in the future: the newest is %llu",
                            (unsigned long long)as_of, (unsigned long long)newest);
    if (as_of != 0 && mode == WG_TXN_WRITE)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "a snapshot of the past cannot be written to");
    WG_TRY(txn_count(engine, err));
    wg_txn *txn = txn_alloc(engine);
    wg_code code = txn == NULL ? wg_error_nomem(err, sizeof *txn) : WG_OK;
    if (code == WG_OK) {
        txn->engine = engine;
        txn->mode = mode;
        txn->cancel = cancel;
        wg_buf_init(&txn->undo, &engine->account);
        wg_buf_init(&txn->log, &engine->account);
        wg_buf_init(&txn->late, &engine->account);
        code = txn_start(txn, as_of, err);
    }
    if (code != WG_OK) {
        atomic_fetch_sub_explicit(&engine->open_txns, 1, memory_order_release);
        wg_free(txn);
        return code;
    }
    txn->epoch_slot = wg_epoch_enter(engine->epoch);
    *out = txn;
    return WG_OK;
}

wg_code wgi_conflict(wg_engine *engine) {
    atomic_fetch_add_explicit(&engine->maintenance.conflicts, 1, memory_order_relaxed);
    return WG_E_CONFLICT;
}

wg_code wgi_txn_write_begin(wg_txn *txn, wg_error *err) {
    if (txn->mode == WG_TXN_READ)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "this transaction is read-only");
    return txn->writing ? WG_OK : writer_take(txn, err);
}

wg_view wgi_txn_newest(const wg_txn *txn) {
    WG_ASSERT(txn->writing);
    return (wg_view){.snapshot = wgi_next_logseq(txn->engine) - 1, .own = txn->view.own};
}

wg_code wgi_txn_do(wg_txn *txn, const wg_mutation *mutation, wg_error *err) {
    WG_ASSERT(txn->writing);
    const size_t log_bytes = txn->log.size;
    const size_t undo_bytes = txn->undo.size;
    wg_code code = WG_OK;
    if (!wg_mutation_encode(&txn->log, mutation)) code = wg_error_nomem(err, 64);
    if (txn->log.size > WG_WAL_COMMIT_BYTES_MAX)
        code = wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a transaction of more than %llu bytes: commit in parts",
                            (unsigned long long)WG_WAL_COMMIT_BYTES_MAX);
    wgi_apply apply = {.engine = txn->engine, .begin = WG_LOGSEQ_OWN, .stamp = txn->stamp, .undo = &txn->undo};
    if (code == WG_OK) code = wgi_budget_check(txn->engine, err);
    if (code == WG_OK) code = wgi_applier.apply[mutation->kind](&apply, mutation, err);
    if (!wgi_is_row_mutation(mutation->kind)) wgi_schema_changed(txn->engine, WG_LOGSEQ_OWN);
    if (code != WG_OK) {
        wgi_undo_back_to(txn->engine, &txn->undo, undo_bytes);
        txn->log.size = log_bytes;
    }
    return code;
}

void wg_txn_index_own(wg_txn *txn) {
    if (!txn->writing) return;
    for (wgi_label_state *state = txn->engine->touched_labels; state != NULL; state = state->next_touched)
        wg_topology_index(state->topology);
}

/* The writer's own lists go before the next writer comes. */
static void writer_end(wg_txn *txn) {
    if (!txn->writing) return;
    wgi_touched_clear(txn->engine);
    wgi_schema_stamp(txn->engine,
                     txn->engine->schema.committed); /* definitions that one of its statements took back */
    wgi_dead_reap(txn->engine);
    writer_give(txn);
}

static void txn_free(wg_txn *txn) {
    wg_engine *e = txn->engine;
    writer_end(txn);
    wg_epoch_leave(e->epoch, txn->epoch_slot);
    wgi_residency_look(e);
    wgi_pin_clear(e, &txn->pin);
    wg_buf_deinit(&txn->undo);
    wg_buf_deinit(&txn->log);
    wg_buf_deinit(&txn->late);
    txn_give_back(e, txn);
    atomic_fetch_sub_explicit(&e->open_txns, 1, memory_order_release);
}

static void txn_end(wg_txn *txn) {
    wgi_undo_back_to(txn->engine, &txn->undo, 0);
    txn_free(txn);
}

void wg_txn_abort(wg_txn *txn) {
    if (txn == NULL) return;
    if (txn->mode != WG_TXN_READ) /* ending a reader undoes nothing */
        atomic_fetch_add_explicit(&txn->engine->maintenance.rollbacks, 1, memory_order_relaxed);
    txn_end(txn);
}

/* chain(n) = SHA-256(chain(n-1) | logseq | size | payload). */
wg_code wgi_chain_extend(wg_engine *e, uint64_t logseq, wg_slice payload, wg_error *err) {
    uint8_t head[48] = {0};
    wg_mutex_lock(&e->state_mutex);
    if (e->chain.size >= 32) memcpy(head, e->chain.data + e->chain.size - 32, 32);
    else memcpy(head, e->maintenance.manifest.checkpoint.chain.bytes, 32); /* zeros when there is none */
    wg_store_u64le(head + 32, logseq);
    wg_store_u64le(head + 40, payload.size);
    const wg_slice parts[] = {wg_slice_of(head, sizeof head), payload};
    wg_sha256 digest;
    wg_sha256_of(parts, 2, &digest);
    const bool ok = wg_buf_append(&e->chain, digest.bytes, sizeof digest.bytes);
    wg_mutex_unlock(&e->state_mutex);
    return ok ? WG_OK : wg_error_nomem(err, 32);
}

static wg_code append(wg_engine *e, const wg_slice *parts, uint32_t count, wg_error *err) {
    uint64_t logseq = 0;
    WG_TRY(wg_wal_append(e->wal, parts, count, &logseq, err));
    if (logseq != wgi_next_logseq(e))
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "the log gave logseq %llu, expected %llu",
                            (unsigned long long)logseq, (unsigned long long)wgi_next_logseq(e));
    return WG_OK;
}

/* What the lanes hold comes first: it was acknowledged before this commit is. */
static wg_code log_cut(wg_engine *e, wg_slice graph, wgi_mixed *mixed, wg_error *err) {
    wgi_cut *cut = &e->state_log.cut;
    wg_code code = mixed != NULL ? wgi_mixed_prepare(e, mixed, err) : WG_OK;
    if (code != WG_OK) {
        wgi_state_cut_end(e, false);
        return code;
    }
    WG_TRY(wgi_state_note(e, err));
    uint32_t count = cut->part_count;
    cut->parts[count++] = graph;
    if (mixed != NULL) cut->parts[count++] = wg_buf_slice(&mixed->payload);
    if (e->wal != NULL) code = append(e, cut->parts, count, err);
    else code = wgi_chain_extend(e, wgi_next_logseq(e), graph, err);
    if (code == WG_OK) {
        atomic_fetch_add_explicit(&e->maintenance.log_bytes, cut->bytes, memory_order_relaxed);
        wgi_applied_set(e, wgi_next_logseq(e));
    }
    wgi_state_cut_end(e, code == WG_OK);
    return code;
}

wg_code wgi_log_commit(wg_engine *e, wg_slice graph, wgi_mixed *mixed, wg_error *err) {
    const uint64_t logseq = wgi_next_logseq(e);
    if (e->wal == NULL && mixed == NULL) {
        WG_TRY(wgi_chain_extend(e, logseq, graph, err));
        wgi_applied_set(e, logseq);
        return WG_OK;
    }
    wg_code code = wgi_state_cut(e, mixed != NULL, err);
    if (code == WG_OK) code = log_cut(e, graph, mixed, err);
    if (mixed == NULL) return code;
    const bool hidden = e->wal != NULL && e->options.durability == WG_STRICT;
    if (code == WG_OK) {
        atomic_fetch_add(&e->state_log.mixed, 1);
        wgi_mixed_apply(e, mixed);
        if (!hidden) wgi_publish(e, logseq);
        atomic_fetch_add(&e->state_log.mixed, 1);
    } else {
        wgi_mixed_take_back(e, mixed);
    }
    wg_lanes_go(e->state_log.lanes);
    return code;
}

/* After the append nothing may fail in a way that undoes the commit: settling only makes reads faster. */
static void settle(wg_engine *e) {
    for (wgi_label_state *state = e->touched_labels; state != NULL; state = state->next_touched) {
        wg_error ignored = {0};
        bool due = false;
        const wg_code code = wgi_background_merges(e) ? wg_topology_settle_later(state->topology, &due, &ignored)
                                                      : wg_topology_settle(state->topology, &ignored);
        (void)code; /* out of memory leaves the delta as it is: slower, not wrong */
        if (due) wgi_background_merge(e, state);
    }
}

/* The log's end is the caller's. */
static wg_code number_and_log(wg_txn *txn, uint64_t logseq, wg_error *err) {
    wg_engine *e = txn->engine;
    wgi_stamp(e, &txn->undo, logseq);
    WG_TRY(wgi_history_record(e, logseq, err));
    const wg_code code = wgi_log_commit(e, wg_buf_slice(&txn->log), txn->mixed, err);
    if (code != WG_OK) wgi_history_forget(e, logseq);
    return code;
}

static wg_code commit_writes(wg_txn *txn, uint64_t *out_logseq, wg_error *err) {
    wg_engine *e = txn->engine;
    /* A statement whose time is over, or that is cancelled, may still end without a trace here. */
    WG_TRY(wgi_log_take_within(e, txn->mixed == NULL ? txn->cancel : NULL, err));
    const uint64_t logseq = wgi_next_logseq(e);
    const wg_code code = number_and_log(txn, logseq, err);
    if (code != WG_OK) wgi_undo_back_to(e, &txn->undo, 0);
    wgi_log_give(e);
    WG_TRY(code);
    *out_logseq = logseq;
    atomic_fetch_add_explicit(&e->maintenance.log_bytes, txn->log.size, memory_order_relaxed);
    txn->undo.size = 0; /* there is no way back from here */
    if (txn->log.size != 0) e->graph_changes++;
    /* A load has much to write and much to settle: both at the same time. That it cannot be asked for is told by the wait. */
    wg_error ignored = {0};
    if (e->wal != NULL && txn->log.size >= SYNC_AHEAD_BYTES && wg_wal_sync_soon(e->wal, logseq, &ignored) != WG_OK)
        wg_error_clear(&ignored);
    settle(e);
    if (e->wal == NULL || e->options.durability != WG_STRICT) wgi_publish(e, logseq);
    return WG_OK;
}

/* The manifest is a summary of the log for tools: that it cannot be written now does not undo a commit that is in the log.
 * The next commit tries again. */
static void write_manifest(wg_engine *e, uint64_t logseq) {
    wg_error ignored = {0};
    e->manifest_late = wgi_manifest_write(e, logseq, &ignored) != WG_OK;
}

wg_code wgi_publish_durable(wg_engine *e, uint64_t logseq, wg_error *err) {
    if (e->wal != NULL && e->options.durability == WG_STRICT) WG_TRY(wg_wal_wait(e->wal, logseq, err));
    wgi_publish(e, logseq);
    return WG_OK;
}

static wg_code commit_logged(wg_txn *txn, uint64_t *out_logseq, wg_error *err) {
    wg_engine *e = txn->engine;
    WG_TRY(commit_writes(txn, out_logseq, err));
    const uint64_t logseq = *out_logseq;
    wg_code code = WG_OK;
    if (txn->ddl || e->manifest_late) {
        if (e->wal != NULL) code = wg_wal_wait(e->wal, logseq, err); /* a manifest never says more than the log */
        if (code == WG_OK) write_manifest(e, logseq);
    }
    writer_end(txn);
    return code == WG_OK ? wgi_publish_durable(e, logseq, err) : code;
}

/* A writer that wrote nothing may have read what is not durable yet: what it tells the world must be. */
static wg_code commit_unwritten(wg_txn *txn, wg_error *err) {
    wg_engine *e = txn->engine;
    const uint64_t seen = txn->view.snapshot;
    writer_end(txn);
    return seen <= wg_engine_logseq(e) ? WG_OK : wgi_publish_durable(e, seen, err);
}

wg_code wg_txn_commit(wg_txn *txn, uint64_t *out_logseq, wg_error *err) {
    const bool wrote = txn->writing && (txn->undo.size > 0 || txn->mixed != NULL);
    uint64_t logseq = txn->view.snapshot;
    wg_engine *e = txn->engine;
    const wg_code code = wrote ? commit_logged(txn, &logseq, err) : commit_unwritten(txn, err);
    atomic_fetch_add_explicit(code == WG_OK ? &e->maintenance.commits : &e->maintenance.rollbacks, 1,
                              memory_order_relaxed);
    txn_end(txn); /* takes back what did not reach the log */
    if (wrote) wgi_background_notice(e);
    if (code == WG_OK && out_logseq != NULL) *out_logseq = logseq;
    return code;
}

/* Takes the place and a snapshot as a transaction that begins does. */
static wg_code part_begin(wg_txn *txn, bool more, wg_error *err) {
    if (!more) return WG_OK;
    WG_TRY(writer_take(txn, err));
    txn->view.snapshot = wgi_next_logseq(txn->engine) - 1;
    const wg_code code = wgi_pin_set(txn->engine, &txn->pin, txn->view.snapshot, err);
    if (code != WG_OK) writer_give(txn);
    return code;
}

wg_code wgi_txn_commit_part(wg_txn *txn, bool more, uint64_t *out_logseq, wg_error *err) {
    wg_engine *e = txn->engine;
    uint64_t logseq = 0;
    WG_ASSERT(txn->mode == WG_TXN_WRITE && txn->writing && txn->mixed == NULL && txn->late.size == 0);
    *out_logseq = 0;
    WG_TRY(commit_logged(txn, &logseq, err));
    atomic_fetch_add_explicit(&e->maintenance.commits, 1, memory_order_relaxed);
    *out_logseq = logseq;
    wg_buf_deinit(&txn->undo);
    wg_buf_deinit(&txn->log);
    txn->ddl = false;
    txn->view = (wg_view){.snapshot = logseq};
    wg_epoch_leave(e->epoch, txn->epoch_slot);
    wgi_residency_look(e);
    wgi_pin_clear(e, &txn->pin);
    wgi_background_notice(e);
    const wg_code code = part_begin(txn, more, err);
    txn->epoch_slot = wg_epoch_enter(e->epoch);
    return code;
}

wg_view wg_txn_view(const wg_txn *txn) { return txn->view; }
wg_engine *wg_txn_engine(const wg_txn *txn) { return txn->engine; }
void wg_txn_set_speed_lane(wg_txn *txn, wg_speed_lane lane) { txn->lane = lane; }
bool wg_txn_is_write(const wg_txn *txn) { return txn->mode != WG_TXN_READ; }
const wg_catalog *wg_txn_catalog(const wg_txn *txn) { return txn->engine->catalog; }
void wg_txn_stats(const wg_txn *txn, wg_stats *out) { *out = txn->stats; }

void wg_txn_mark_set(const wg_txn *txn, wg_txn_mark *out) {
    *out = (wg_txn_mark){.undo_bytes = txn->undo.size,
                         .log_bytes = txn->log.size,
                         .late_bytes = txn->late.size,
                         .ddl = txn->ddl,
                         .stats = txn->stats};
}

void wg_txn_rollback_to(wg_txn *txn, const wg_txn_mark *mark) {
    wgi_undo_back_to(txn->engine, &txn->undo, mark->undo_bytes);
    txn->log.size = mark->log_bytes;
    txn->late.size = wg_min_size(txn->late.size, mark->late_bytes);
    txn->ddl = mark->ddl;
    txn->stats = mark->stats;
}

static bool chain_in_memory(wg_engine *e, uint64_t logseq, wg_sha256 *out) {
    wg_mutex_lock(&e->state_mutex);
    const uint64_t at = logseq > e->chain_base ? logseq - e->chain_base : 0; /* from 1 */
    const bool found = at != 0 && at <= e->chain.size / 32;
    if (found) memcpy(out->bytes, e->chain.data + (at - 1) * 32, 32);
    wg_mutex_unlock(&e->state_mutex);
    return found;
}

wg_code wg_engine_chain_value(wg_engine *engine, uint64_t logseq, wg_sha256 *out, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    if (logseq == 0) {
        memset(out->bytes, 0, sizeof out->bytes);
        return WG_OK;
    }
    /* What the log forgets is in stripes before. */
    wg_error local = {0};
    wg_code code = WG_E_NOT_FOUND;
    if (engine->wal != NULL) code = wg_wal_chain_value(engine->wal, logseq, out, &local);
    else if (chain_in_memory(engine, logseq, out)) code = WG_OK;
    if (code == WG_OK) return WG_OK;
    if (logseq > atomic_load_explicit(&m->stored, memory_order_acquire)) {
        if (code == WG_E_NOT_FOUND)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                                "neither log nor stripes have a chain value of commit %llu",
                                (unsigned long long)logseq);
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    code = wgi_meta_chain_at(engine, logseq, out, err);
    wg_epoch_leave(engine->epoch, slot);
    return code;
}

bool wg_engine_chain_at(wg_engine *engine, uint64_t logseq, wg_sha256 *out) {
    return wg_engine_chain_value(engine, logseq, out, NULL) == WG_OK;
}
