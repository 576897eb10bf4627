/* One run made anew: from the newest checkpoint, or from what it keeps of an earlier state, and from the log behind it, in a state of its own.
 *
 * With maintenance.mutex held nothing trims the log and no stripe goes. The live state is asked for nothing but who the run's parents are and
 * which versions they had. The log is scanned from the checkpoint on; commits of other runs, and of the graph, are stepped over.
 *
 * Failure: WG_E_NOT_FOUND no such run, then or now; WG_E_EXPIRED the horizon is above what is asked for; WG_E_MISUSE without a log. */
#include "engine/engine_internal.h"

typedef struct replay {
    wg_engine *engine;
    wgi_lineage lineage;
    wg_state *state;
    wg_arena arena;
    wgi_state_pass pass;
    uint64_t after; /* commits up to it are in the state */
    uint64_t until;
    uint64_t reached;
} replay;

static wg_code nothing(void *ctx, const wg_mutation *m, wg_error *err) {
    (void)ctx, (void)m, (void)err;
    return WG_OK;
}

static wg_code create(void *ctx, const wg_mutation *m, wg_error *err) {
    const wgi_apply *apply = ctx;
    const replay *r = (const replay *)(const void *)((const uint8_t *)apply->state - offsetof(replay, pass));
    for (uint32_t i = 0; i < r->lineage.count; i++)
        if (r->lineage.runs[i] == m->number) return wgi_apply_run_create(ctx, m, err);
    return WG_OK;
}

/* A parent that is dropped stays for its fork. */
static const wg_applier applier = {
    .apply = {[WG_MUTATION_ADD_KEY] = nothing,           [WG_MUTATION_CREATE_LABEL] = nothing,
              [WG_MUTATION_DROP_LABEL] = nothing,        [WG_MUTATION_ADD_PARTITION] = nothing,
              [WG_MUTATION_CREATE_NODE] = nothing,       [WG_MUTATION_CREATE_NODES] = nothing,
              [WG_MUTATION_CREATE_EDGE] = nothing,       [WG_MUTATION_SET_NODE] = nothing,
              [WG_MUTATION_SET_EDGE] = nothing,          [WG_MUTATION_CHANGE_LABELS] = nothing,
              [WG_MUTATION_DELETE_NODE] = nothing,       [WG_MUTATION_DELETE_EDGE] = nothing,
              [WG_MUTATION_TIME] = wgi_apply_time,       [WG_MUTATION_RUN_COMMIT] = wgi_apply_run_commit,
              [WG_MUTATION_RUN_CREATE] = create,         [WG_MUTATION_RUN_DROP] = nothing,
              [WG_MUTATION_LOAD_NODES] = nothing,        [WG_MUTATION_LOAD_EDGES] = nothing,
              [WG_MUTATION_CREATE_INDEX] = nothing,      [WG_MUTATION_DROP_INDEX] = nothing,
              [WG_MUTATION_CREATE_CONSTRAINT] = nothing, [WG_MUTATION_DROP_CONSTRAINT] = nothing,
              [WG_MUTATION_ALTER_LABEL] = nothing}};

static wg_code on_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    replay *r = ctx;
    (void)chain;
    if (logseq <= r->after || logseq > r->until) return WG_OK;
    wgi_apply apply = {.engine = r->engine, .begin = logseq, .stamp = logseq, .state = &r->pass};
    const uint32_t slot = wg_epoch_enter(r->engine->epoch);
    wg_code code = wg_mutations_replay(payload, &r->arena, &applier, &apply, err);
    if (code == WG_OK) code = wgi_state_pass_end(&r->pass, 0, err);
    wg_epoch_leave(r->engine->epoch, slot);
    if (code == WG_OK) r->reached = logseq;
    return code;
}

/* ---- the run and its parents */

static wg_code lineage_find(replay *r, uint32_t number, wg_arena *arena, wg_error *err) {
    const wg_state *live = wg_engine_state(r->engine);
    const uint32_t slot = wg_epoch_enter(r->engine->epoch);
    const wg_state_run *run = wg_state_run_at(live, number);
    wg_code code =
        run == NULL ? wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "there is no run %u", number) : WG_OK;
    uint32_t depth = 0;
    for (const wg_state_run *at = run; at != NULL; depth++) {
        const uint32_t parent = wg_state_run_origin(at)->parent;
        at = parent == WG_RUN_SYSTEM ? NULL : wg_state_run_ancestor(live, parent);
    }
    r->lineage.runs = wg_arena_alloc(arena, (depth + (size_t)1) * sizeof *r->lineage.runs);
    r->lineage.versions = wg_arena_alloc(arena, (depth + (size_t)1) * sizeof *r->lineage.versions);
    if (code == WG_OK && (r->lineage.runs == NULL || r->lineage.versions == NULL))
        code = wg_error_nomem(err, depth * 12);
    for (const wg_state_run *at = run; at != NULL && code == WG_OK;) {
        const uint32_t parent = wg_state_run_origin(at)->parent;
        r->lineage.runs[r->lineage.count] = wg_state_run_origin(at)->number;
        r->lineage.versions[r->lineage.count++] = wg_state_run_version_at(at, r->until);
        at = parent == WG_RUN_SYSTEM ? NULL : wg_state_run_ancestor(live, parent);
    }
    wg_epoch_leave(r->engine->epoch, slot);
    return code;
}

/* ---- the state of its own */

static wg_code state_make(replay *r, wg_error *err) {
    wg_engine *e = r->engine;
    const wg_lanes_options lanes = {.platform = e->platform, .account = &e->state_account};
    wg_state_options options = {.platform = e->platform, .account = &e->state_account, .epoch = e->epoch};
    WG_TRY(wg_lanes_create(&lanes, &options.lanes, err));
    const wg_code code = wg_state_create(&options, &r->state, err);
    if (code != WG_OK) wg_lanes_destroy(options.lanes);
    return code;
}

void wg_engine_state_replay_end(wg_state *replayed) {
    if (replayed == NULL) return;
    wg_lanes *lanes = wg_state_lanes(replayed);
    wg_state_destroy(replayed);
    wg_lanes_destroy(lanes);
}

static wg_code scan_log(replay *r, wg_error *err) {
    wg_engine *e = r->engine;
    wg_wal_recovery recovery = {0};
    const wg_wal_options options = wgi_wal_options(e, 0);
    wg_arena_init(&r->arena, &e->state_account);
    wgi_state_pass_init(&r->pass, r->state, 0, &e->state_account);
    r->pass.only = true;
    wg_code code = wg_wal_scan_from(e->platform, e->maintenance.wal_dir, &options, on_commit, r, &recovery, err);
    wgi_state_pass_deinit(&r->pass);
    wg_arena_deinit(&r->arena);
    if (code == WG_OK && r->reached < r->until)
        code =
            wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the log was read up to commit %llu and should reach %llu",
                         (unsigned long long)r->reached, (unsigned long long)r->until);
    return code;
}

/* maintenance.mutex is held. */
static wg_code rebuild(replay *r, uint32_t number, wg_arena *arena, wg_error *err) {
    const wgi_maintenance *m = &r->engine->maintenance;
    const uint64_t horizon = atomic_load_explicit(&m->horizon, memory_order_relaxed);
    if (r->until < horizon)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                            "commit %llu has expired: the oldest that is kept is %llu", (unsigned long long)r->until,
                            (unsigned long long)horizon);
    WG_TRY(lineage_find(r, number, arena, err));
    WG_TRY(state_make(r, err));
    wg_state_fill_begin(r->state);
    WG_TRY(wgi_state_load_lineage(r->engine, &r->lineage, r->state, err));
    r->after = wg_min_u64(r->until, atomic_load_explicit(&m->stored, memory_order_acquire));
    r->reached = r->after;
    if (r->reached < r->until) WG_TRY(scan_log(r, err));
    wg_state_fill_end(r->state);
    if (wg_state_run_at(r->state, number) == NULL)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run %u was not there at commit %llu", number,
                            (unsigned long long)r->until);
    return WG_OK;
}

wg_code wg_engine_state_replay(wg_engine *engine, uint32_t run, uint64_t logseq, wg_state **out, uint64_t *out_logseq,
                               uint64_t *out_commits, wg_error *err) {
    replay r = {.engine = engine};
    if (engine->wal == NULL && !engine->options.read_only)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "an in-memory database keeps no log that could be applied anew");
    if (engine->wal == NULL)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET,
                            "the log is applied anew by the process that has the workspace open for writing");
    WG_TRY(wg_engine_state_drain(engine, true, &r.until, err));
    if (logseq > r.until)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "the log has not reached commit %llu",
                            (unsigned long long)logseq);
    if (logseq != 0) r.until = logseq;
    wg_arena arena;
    wg_arena_init(&arena, &engine->state_account);
    wg_mutex_lock(&engine->maintenance.mutex);
    const wg_code code = rebuild(&r, run, &arena, err);
    wg_mutex_unlock(&engine->maintenance.mutex);
    wg_arena_deinit(&arena);
    if (code != WG_OK) {
        wg_engine_state_replay_end(r.state);
        return code;
    }
    *out = r.state;
    *out_logseq = r.until;
    *out_commits = r.pass.count;
    return WG_OK;
}
