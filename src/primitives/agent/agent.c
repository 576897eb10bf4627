/* Handles of runs and their transactions.
 *
 * Whether a run is there and takes writes stands in run 0, under a key of five bytes. A handle remembers the answer together with
 * the version of run 0 at which it was read: as long as nobody changed any run, the check is one load and a compare.
 *
 * A commit goes the fast way, through the session's lane, unless it has writes of the graph or is too large for a ring; then the engine logs
 * it as a commit of its own. */
#include "primitives/agent/agent.h"

#include "primitives/agent/registry.h"

wg_code wg_agent_open(wg_engine *engine, wg_agent **out, wg_error *err) {
    wg_agent *agent = wg_alloc_zero(NULL, sizeof *agent);
    if (agent == NULL) return wg_error_nomem(err, sizeof *agent);
    const wg_options *options = wg_engine_option_values(engine);
    agent->engine = engine;
    agent->state = wg_engine_state(engine);
    agent->system = wg_state_run_at(agent->state, WG_RUN_SYSTEM);
    agent->system_visible = wg_state_run_visible_at(agent->system);
    agent->platform = wg_engine_platform(engine);
    agent->durability = options->durability;
    agent->read_only = options->read_only;
    const wg_code code = wg_state_session_open(agent->state, &agent->session, err);
    if (code != WG_OK) {
        wg_free(agent);
        return code;
    }
    *out = agent;
    return WG_OK;
}

void wg_agent_close(wg_agent *agent) {
    if (agent == NULL) return;
    WG_ASSERT(agent->handles == 0);
    wg_state_session_close(agent->session);
    wg_free(agent);
}

/* ---- handles */

static wg_code gone(uint32_t number, wg_error *err) {
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "run number %u was deleted", number);
}

static wg_code status_refresh(wg_agent_run *run, wg_error *err) {
    wg_agent *agent = run->agent;
    const uint64_t version = wg_state_run_visible(agent->system);
    WG_TRY(wg_registry_status(agent, run->number, &run->status, err));
    run->checked = version;
    run->writable = run->status == WG_RUN_ACTIVE && !agent->read_only ? version : UINT64_MAX;
    run->way.open_at = wg_state_way_is_possible(run->run) ? run->writable : UINT64_MAX;
    return WG_OK;
}

/* The straight way: straight on for bytes, and what is not done there is done as any other put. */
static wg_code way_behind(wg_state_way *way, wg_error *err) {
    wg_agent_run *run = (wg_agent_run *)(void *)((uint8_t *)way - offsetof(wg_agent_run, way));
    return wg_agent_settle(run, run->mode, err);
}

void wg_agent_set_mode(wg_agent_run *run, wg_agent_mode mode) {
    static const _Atomic bool never = false;
    run->mode = mode;
    if (mode.durability == WG_IN_MEMORY) run->way.noticed = NULL;
    else if (mode.durability == WG_BUFFERED || mode.no_wait)
        run->way.noticed = wg_engine_state_noticed(run->agent->engine);
    else run->way.noticed = &never;
}

static void way_init(wg_agent_run *run) {
    uint64_t refused;
    memcpy(&refused, WG_AGENT_SYSTEM_PREFIX, WG_AGENT_SYSTEM_BYTES);
    wg_agent *agent = run->agent;
    wg_state_way_init(&run->way, agent->session, run->run);
    run->way.gate = agent->system_visible;
    run->way.refused = refused;
    run->way.behind = way_behind;
    wg_agent_set_mode(run, run->mode);
}

wg_code wg_agent_run_init(wg_agent_run *run, wg_agent *agent, uint32_t number, wg_error *err) {
    *run = (wg_agent_run){.agent = agent, .number = number, .mode = {.durability = agent->durability}};
    run->run = wg_state_run_hold(agent->state, number);
    if (run->run == NULL) return gone(number, err);
    wg_arena_init(&run->arena, NULL);
    wg_buf_init(&run->scratch, NULL);
    wg_buf_init(&run->cell.large, NULL);
    way_init(run);
    const wg_code code = status_refresh(run, err);
    agent->handles++;
    if (code != WG_OK) wg_agent_run_deinit(run);
    return code;
}

void wg_agent_run_deinit(wg_agent_run *run) {
    wg_agent_rollback(run);
    wg_state_run_release(run->run);
    wg_state_cell_deinit(&run->cell);
    for (uint32_t i = 0; i < run->cell_count; i++) wg_state_cell_deinit(&run->cells[i]);
    wg_free(run->cells);
    wg_free(run->spare_rows);
    wg_arena_deinit(&run->arena);
    wg_buf_deinit(&run->scratch);
    run->agent->handles--;
}

wg_code wg_agent_read(wg_agent_run *run, wg_error *err) {
    if (run->arena.blocks != NULL) wg_arena_reset(&run->arena);
    if (atomic_load_explicit(run->agent->system_visible, memory_order_acquire) == run->checked) return WG_OK;
    return status_refresh(run, err);
}

static wg_code refuse_write(const wg_agent_run *run, wg_error *err) {
    if (run->agent->read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "the database is open for reading only");
    return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "the run is %s: only an active run can be written to",
                        wg_run_status_name(run->status));
}

wg_code wg_agent_write(wg_agent_run *run, wg_error *err) {
    WG_TRY(wg_agent_read(run, err));
    if (run->status == WG_RUN_ACTIVE && !run->agent->read_only) return WG_OK;
    return refuse_write(run, err);
}

wg_code wg_agent_mode_check(const wg_agent *agent, wg_durability durability, wg_error *err) {
    if ((unsigned)durability > WG_IN_MEMORY)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "durability is none of STRICT, BUFFERED, IN_MEMORY");
    if (agent->durability == WG_IN_MEMORY && durability != WG_IN_MEMORY)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "an in-memory database keeps nothing: open one with a path and a log");
    if (durability > agent->durability)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "the database promises more than that: an override can only ask for more");
    return WG_OK;
}

wg_code wg_agent_settle(wg_agent_run *run, wg_agent_mode mode, wg_error *err) {
    const wg_lane *lane = wg_state_session_lane(run->agent->session);
    if (mode.durability == WG_IN_MEMORY) return WG_OK;
    if (mode.durability == WG_BUFFERED || mode.no_wait) {
        wg_engine_state_notice(run->agent->engine, lane);
        return WG_OK;
    }
    return wg_engine_state_wait(run->agent->engine, lane, wg_lane_ticket(lane), err);
}

wg_code wg_agent_lost(wg_agent_run *run, wg_error *err) {
    if (run->agent->durability != WG_STRICT || wg_state_run_visible(run->run) == wg_state_run_newest(run->run))
        return WG_OK;
    return wg_engine_state_drain(run->agent->engine, true, NULL, err);
}

wg_code wg_agent_version_at(wg_agent_run *run, uint64_t logseq, uint64_t *out, wg_error *err) {
    wg_engine *engine = run->agent->engine;
    uint64_t newest = wg_engine_logseq(engine);
    if (logseq > newest) WG_TRY(wg_engine_state_drain(engine, false, &newest, err));
    if (logseq > newest)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "snapshot %llu is in the future: the newest is %llu",
                            (unsigned long long)logseq, (unsigned long long)newest);
    if (logseq < wg_engine_horizon(engine))
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "snapshot %llu has expired: the oldest is %llu",
                            (unsigned long long)logseq, (unsigned long long)wg_engine_horizon(engine));
    const uint64_t version = wg_state_run_version_at(run->run, logseq);
    const uint64_t from = wg_state_run_notes_from(run->run); /* behind it: what is forgotten meanwhile says so */
    if (logseq < from)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                            "the run at snapshot %llu is forgotten: the oldest that is kept is %llu",
                            (unsigned long long)logseq, (unsigned long long)from);
    *out = version;
    return WG_OK;
}

/* ---- transactions */

wg_code wg_agent_begin(wg_agent_run *run, bool serializable, wg_agent_mode mode, wg_error *err) {
    WG_TRY(wg_agent_read(run, err));
    if (run->txn != NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a transaction is open already: commit or roll back first");
    run->txn_mode = mode;
    run->serializable = serializable;
    return wg_engine_state_begin(run->agent->engine, run->agent->session, run->run,
                                 serializable ? WG_STATE_SERIALIZABLE : WG_STATE_SNAPSHOT, &run->txn, &run->logseq,
                                 err);
}

static wg_code commit_large(wg_agent_run *run, wg_txn *graph, wg_mixed_result *out, wg_error *err) {
    const wg_mixed_commit commit = {.graph = graph,
                                    .state = run->txn,
                                    .durable = run->txn_mode.durability == WG_STRICT && !run->txn_mode.no_wait};
    run->txn = NULL;
    return wg_engine_commit_mixed(run->agent->engine, &commit, out, err);
}

wg_code wg_agent_commit(wg_agent_run *run, wg_txn *graph, wg_mixed_result *out, wg_error *err) {
    *out = (wg_mixed_result){0};
    if (run->txn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "no transaction of the run is open");
    if (wg_state_txn_has_writes(run->txn)) {
        const wg_code code = wg_agent_write(run, err);
        if (code != WG_OK) {
            wg_txn_abort(graph);
            wg_agent_rollback(run);
            return code;
        }
    }
    if (graph != NULL || wg_state_txn_is_large(run->txn)) return commit_large(run, graph, out, err);
    wg_state_txn *txn = run->txn;
    run->txn = NULL;
    WG_TRY(wg_state_commit(txn, &out->version, &out->first_sequence, err));
    return out->version == 0 ? WG_OK : wg_agent_settle(run, run->txn_mode, err);
}

void wg_agent_rollback(wg_agent_run *run) {
    if (run->txn != NULL) wg_state_abort(run->txn);
    run->txn = NULL;
}
