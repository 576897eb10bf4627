/* One commit of the log over the graph, a run and the list of runs: what the fast path of a run's commits cannot do.
 *
 * Whoever makes it has the log's end, cuts the lanes and keeps them standing; here the run's transaction is checked and gets its version, and
 * what it changes is encoded behind the graph's mutations. With writes of the graph it is the commit of that transaction; without them no
 * transaction that writes the graph is waited for. When the log has all of it, the run's changes become visible together with the graph's, the lanes go on.
 *
 * Failure before the append leaves nothing: the run's transaction is abandoned, runs that were made are dropped. Their numbers are not given
 * again, so numbers may have gaps in the log (docs/format/mutation.md). */
#include "engine/engine_internal.h"

static wg_code check_change(const wg_state *state, const wg_run_change *change, wg_error *err) {
    const uint32_t number = change->origin.number;
    if (change->drop) {
        if (number != WG_RUN_SYSTEM && wg_state_run_at(state, number) != NULL) return WG_OK;
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no run %u to drop", number);
    }
    if (wg_state_run_at(state, change->origin.parent) == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no run %u to fork", change->origin.parent);
    if (wg_state_run_count(state) <= WG_STATE_RUNS_MAX) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d runs were made", (int)WG_STATE_RUNS_MAX);
}

static wg_code encode(wg_buf *out, const wg_mutation *m, wg_error *err) {
    return wg_mutation_encode(out, m) ? WG_OK : wg_error_nomem(err, 64);
}

static wg_code create_run(wg_engine *e, wgi_mixed *mixed, const wg_run_change *change, wg_error *err) {
    wg_state *state = e->state_log.state;
    wg_run_origin origin = change->origin;
    wg_state_run *run = NULL;
    if (origin.number == UINT32_MAX) origin.number = wg_state_run_count(state);
    if (origin.number < wg_state_run_count(state))
        return wg_error_set(err, WG_E_CONFLICT, WG_NO_OFFSET, "run number %u was given meanwhile", origin.number);
    WG_TRY(encode(&mixed->payload,
                  &(wg_mutation){.kind = WG_MUTATION_RUN_CREATE,
                                 .number = origin.number,
                                 .parent = origin.parent,
                                 .fork_version = origin.fork_version,
                                 .fork_events = origin.fork_events},
                  err));
    WG_TRY(wg_state_run_create(state, &origin, &run, err));
    mixed->result.run_number = origin.number;
    return WG_OK;
}

static wg_code make_changes(wg_engine *e, wgi_mixed *mixed, wg_error *err) {
    const wg_mixed_commit *c = mixed->commit;
    for (uint32_t i = 0; i < c->change_count; i++) {
        const wg_run_change *change = &c->change[i];
        WG_TRY(check_change(e->state_log.state, change, err));
        if (!change->drop) {
            WG_TRY(create_run(e, mixed, change, err));
            mixed->created++;
            continue;
        }
        const wg_mutation m = {.kind = WG_MUTATION_RUN_DROP, .number = change->origin.number};
        WG_TRY(encode(&mixed->payload, &m, err));
    }
    return WG_OK;
}

wg_code wgi_mixed_prepare(wg_engine *engine, wgi_mixed *mixed, wg_error *err) {
    const wg_mixed_commit *c = mixed->commit;
    WG_TRY(make_changes(engine, mixed, err));
    if (c->state == NULL) return WG_OK;
    wg_state_run *run = wg_state_txn_run(c->state);
    const uint32_t number = wg_state_run_origin(run)->number;
    mixed->ended = true; /* unless it is prepared now */
    WG_TRY(wg_state_commit_prepare(c->state, &mixed->payload, &mixed->result.version, err));
    mixed->ended = false;
    mixed->prepared = true;
    if (mixed->result.version == 0) return WG_OK; /* it only read: the run is where it was */
    if (!wgi_state_reach(engine, number, mixed->result.version)) return wg_error_nomem(err, sizeof(wgi_reached));
    return WG_OK;
}

void wgi_mixed_apply(wg_engine *engine, wgi_mixed *mixed) {
    const wg_mixed_commit *c = mixed->commit;
    if (mixed->prepared) wg_state_commit_apply(c->state, &mixed->result.first_sequence);
    mixed->prepared = false;
    mixed->ended = true;
    mixed->created = 0;
    for (uint32_t i = 0; i < c->change_count; i++)
        if (c->change[i].drop) wg_state_run_drop(engine->state_log.state, c->change[i].origin.number);
}

void wgi_mixed_take_back(wg_engine *e, wgi_mixed *mixed) {
    const wg_mixed_commit *c = mixed->commit;
    if (mixed->prepared) wg_state_commit_abandon(c->state);
    else if (c->state != NULL && !mixed->ended) wg_state_abort(c->state);
    const uint32_t count = wg_state_run_count(e->state_log.state);
    for (uint32_t i = 0; i < mixed->created; i++) wg_state_run_drop(e->state_log.state, count - 1 - i);
    mixed->created = 0;
    mixed->prepared = false;
    mixed->ended = true;
}

static bool changes_anything(const wg_mixed_commit *c) {
    return c->change_count != 0 || (c->state != NULL && wg_state_txn_has_writes(c->state)) ||
           (c->graph != NULL && c->graph->writing && c->graph->undo.size != 0);
}

static wg_code commit_nothing(wg_engine *e, const wg_mixed_commit *c, wg_mixed_result *out, wg_error *err) {
    wg_code code = WG_OK;
    *out = (wg_mixed_result){.logseq = wg_engine_logseq(e)};
    if (c->state != NULL) code = wg_state_commit(c->state, &out->version, &out->first_sequence, err);
    if (code == WG_OK && c->graph != NULL) code = wg_txn_commit(c->graph, &out->logseq, err);
    else wg_txn_abort(c->graph);
    return code;
}

/* The run that the commit changes, held; NULL: none. */
static wg_state_run *run_hold(wg_engine *e, const wg_mixed_commit *c) {
    if (c->state == NULL) return NULL;
    return wg_state_run_hold(e->state_log.state, wg_state_run_origin(wg_state_txn_run(c->state))->number);
}

/* Beside whoever writes the graph. */
static wg_code commit_runs(wg_engine *e, wgi_mixed *mixed, wg_error *err) {
    wgi_log_take(e);
    const uint32_t slot = wg_epoch_enter(e->epoch);
    mixed->result.logseq = wgi_next_logseq(e);
    wg_code code = wgi_log_commit(e, wg_slice_of(NULL, 0), mixed, err);
    if (code == WG_OK)
        atomic_fetch_add_explicit(&e->maintenance.log_bytes, mixed->payload.size, memory_order_relaxed);
    wg_epoch_leave(e->epoch, slot);
    wgi_log_give(e);
    if (code == WG_OK) code = wgi_publish_durable(e, mixed->result.logseq, err);
    atomic_fetch_add_explicit(code == WG_OK ? &e->maintenance.commits : &e->maintenance.rollbacks, 1,
                              memory_order_relaxed);
    wgi_background_notice(e);
    return code;
}

static wg_code commit_graph(wgi_mixed *mixed, wg_error *err) {
    wg_txn *txn = mixed->commit->graph;
    txn->mixed = mixed;
    return wg_txn_commit(txn, &mixed->result.logseq, err);
}

static wg_code commit_all(wg_engine *e, wgi_mixed *mixed, wg_error *err) {
    const wg_mixed_commit *c = mixed->commit;
    const bool strict = e->options.durability == WG_STRICT;
    wg_state_run *run = run_hold(e, c);
    wg_code code = WG_OK;
    if (c->graph != NULL && c->graph->writing) {
        code = commit_graph(mixed, err);
    } else {
        if (c->graph != NULL) code = wg_txn_commit(c->graph, NULL, err); /* it only read */
        if (code == WG_OK) code = commit_runs(e, mixed, err);
    }
    if (!mixed->ended) wgi_mixed_take_back(e, mixed); /* it failed before the log was reached */
    if (code == WG_OK && c->durable && e->wal != NULL) code = wg_wal_wait(e->wal, mixed->result.logseq, err);
    if (code == WG_OK && run != NULL && strict) wg_state_run_durable(run, mixed->result.version);
    if (run != NULL) wg_state_run_release(run);
    return code;
}

static wg_code check_writable(const wg_engine *e, wg_error *err) {
    if (!e->options.read_only) return WG_OK;
    return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "the database is open for reading only");
}

wg_code wg_engine_commit_mixed(wg_engine *engine, const wg_mixed_commit *commit, wg_mixed_result *out,
                               wg_error *err) {
    wgi_mixed mixed = {.commit = commit, .ended = commit->state == NULL && commit->change_count == 0};
    if (!changes_anything(commit)) return commit_nothing(engine, commit, out, err);
    wg_code code = check_writable(engine, err);
    if (code != WG_OK) {
        wg_txn_abort(commit->graph);
        if (commit->state != NULL) wg_state_abort(commit->state);
        return code;
    }
    wg_buf_init(&mixed.payload, &engine->account);
    code = commit_all(engine, &mixed, err);
    wg_buf_deinit(&mixed.payload);
    if (code == WG_OK) *out = mixed.result;
    return code;
}
