/* Runs: handles, their transactions, retries in turn, tickets. The work is done by primitives/.
 *
 * A transaction of a run takes statements of its session in: the first one begins a transaction of the graph at the commit of the log that belongs to
 * the run's snapshot (wg_engine_state_begin), and both end together. */
#include "api/api_internal.h"

/* ---- the session's agent */

static wg_code agent_of(wg_session *session, wg_agent **out, wg_error *err) {
    wg_db *db = session->db;
    if (session->agent != NULL && session->agent->handles == 0 && session->agent_engine != db->engine)
        wgi_session_close_agent(session); /* a reader that follows its writer with another engine by now */
    if (session->agent == NULL) {
        wg_engine *engine = wgi_engine_hold(db);
        const wg_code code = wg_agent_open(engine, &session->agent, err);
        if (code != WG_OK) {
            wgi_engine_drop(db, engine);
            return code;
        }
        session->agent_engine = engine;
    }
    *out = session->agent;
    return WG_OK;
}

void wgi_session_close_agent(wg_session *session) {
    if (session->agent == NULL) return;
    wg_agent_close(session->agent);
    wgi_engine_drop(session->db, session->agent_engine);
    session->agent = NULL;
    session->agent_engine = NULL;
}

static wg_slice text_of(const char *s) { return wg_slice_of(s, s == NULL ? 0 : strlen(s)); }

/* Making and changing a run takes the writer's place, which this session's own transaction may have: it would wait for itself. */
static wg_code outside(const wg_session *session, wg_error *err) {
    if (session->txn == NULL) return WG_OK;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                        "a transaction is open in this session: runs are made and changed outside of it");
}

/* ---- handles */

static wg_code handle_open(wg_session *session, uint32_t number, wg_run **out, wg_error *err) {
    wg_run *run = wg_alloc_zero(NULL, sizeof *run);
    if (run == NULL) return wg_error_nomem(err, sizeof *run);
    const wg_code code = wg_agent_run_init(&run->run, session->agent, number, err);
    if (code != WG_OK) {
        wg_free(run);
        return code;
    }
    run->run.way.otherwise = wgi_kv_put_otherwise;
    run->tag = WGI_TAG_RUN;
    run->session = session;
    atomic_fetch_add_explicit(&session->db->children, 1, memory_order_relaxed);
    *out = run;
    return WG_OK;
}

wg_code wg_run_create(wg_session *session, const char *name, const wg_run_options *options, wg_run **out,
                      wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    wg_agent *agent = NULL;
    uint32_t number = 0;
    WG_TRY(agent_of(session, &agent, err));
    WG_TRY(outside(session, err));
    WG_TRY(wg_runs_create(agent, text_of(name), options, &number, err));
    return out == NULL ? WG_OK : handle_open(session, number, out, err);
}

wg_code wg_run_open(wg_session *session, const char *name, wg_run **out, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    if (out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_run_open: out is NULL");
    static const char standard[] = "default";
    const wg_run_options made = {.if_not_exists = true};
    const wg_slice wanted = text_of(name == NULL ? standard : name);
    wg_agent *agent = NULL;
    uint32_t number = 0;
    wg_error seen = {0};
    WG_TRY(agent_of(session, &agent, err));
    wg_code code = wg_runs_find(agent, wanted, &number, &seen);
    const bool make = code == WG_E_NOT_FOUND && wg_slice_equal(wanted, text_of(standard)) && !agent->read_only;
    if (make) WG_TRY(outside(session, err));
    if (make) code = wg_runs_create(agent, wanted, &made, &number, err);
    else if (code != WG_OK && err != NULL) *err = seen;
    WG_TRY(code);
    return handle_open(session, number, out, err);
}

void wg_run_close(wg_run *run) {
    if (run == NULL || run->tag != WGI_TAG_RUN) return;
    WG_ASSERT(run->cursors == 0);
    wg_run_rollback(run);
    run->tag = WGI_TAG_CLOSED;
    wg_agent_run_deinit(&run->run);
    atomic_fetch_sub_explicit(&run->session->db->children, 1, memory_order_relaxed);
    wg_free(run);
}

/* ---- runs as things */

wg_code wg_run_get_info(wg_run *run, wg_run_info *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    return wg_runs_info(&run->run, out, err);
}

wg_code wg_run_list(wg_session *session, const wg_run_filter *filter, wg_run_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    wg_agent *agent = NULL;
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_run_list: fn is NULL");
    WG_TRY(agent_of(session, &agent, err));
    return wg_runs_list(agent, filter, fn, ctx, err);
}

wg_code wg_run_set_status(wg_run *run, wg_run_status status, const char *message, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    WG_TRY(outside(run->session, err));
    return wg_runs_set_status(&run->run, status, message, err);
}

wg_code wg_run_set_tags(wg_run *run, const char *const *tags, uint32_t tag_count, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    WG_TRY(outside(run->session, err));
    return wg_runs_set_tags(&run->run, tags, tag_count, err);
}

wg_code wg_run_set_metadata(wg_run *run, const wg_value *metadata, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    WG_TRY(outside(run->session, err));
    return wg_runs_set_metadata(&run->run, metadata, err);
}

wg_code wg_run_delete(wg_session *session, const char *name, wg_error *err) {
    WGI_CHECK(session, WGI_TAG_SESSION, "session");
    wg_agent *agent = NULL;
    WG_TRY(agent_of(session, &agent, err));
    WG_TRY(outside(session, err));
    return wg_runs_delete(agent, text_of(name), err);
}

wg_code wg_run_fork(wg_run *run, const char *name, uint64_t version, const wg_run_options *options, wg_run **out,
                    wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    uint32_t number = 0;
    WG_TRY(outside(run->session, err));
    WG_TRY(wg_runs_fork(&run->run, text_of(name), version, options, &number, err));
    return out == NULL ? WG_OK : handle_open(run->session, number, out, err);
}

wg_code wg_run_diff(wg_run *a, wg_run *b, wg_diff_fn fn, void *ctx, wg_run_diff_report *out, wg_error *err) {
    WGI_CHECK(a, WGI_TAG_RUN, "run");
    WGI_CHECK(b, WGI_TAG_RUN, "run");
    return wg_runs_diff(&a->run, &b->run, fn, ctx, out, err);
}

wg_code wg_run_merge(wg_run *source, wg_run *target, wg_merge_policy policy, wg_merge_report *out, wg_error *err) {
    WGI_CHECK(source, WGI_TAG_RUN, "run");
    WGI_CHECK(target, WGI_TAG_RUN, "run");
    WG_TRY(outside(target->session, err));
    return wg_runs_merge(&source->run, &target->run, policy, out, err);
}

wg_code wg_run_replay(wg_run *run, uint64_t logseq, wg_replay_report *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (out == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_run_replay: out is NULL");
    return wg_runs_replay(&run->run, logseq, out, err);
}

/* ---- transactions */

wg_code wg_run_begin(wg_run *run, const wg_run_txn_options *options, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    wg_agent_mode mode = run->run.mode;
    if (run->session->txn != NULL || run->session->run_txn != NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a transaction is open already: commit or roll back first");
    if (options != NULL && options->has_durability) {
        WG_TRY(wg_agent_mode_check(run->run.agent, options->durability, err));
        mode.durability = options->durability;
    }
    if (options != NULL && options->no_wait) mode.no_wait = true;
    WG_TRY(wg_agent_begin(&run->run, options != NULL && options->serializable, mode, err));
    run->session->run_txn = run;
    return WG_OK;
}

wg_code wgi_session_join(wg_session *session, wg_error *err) {
    if (session->run_txn == NULL || session->txn != NULL) return WG_OK;
    wgi_session_enter(session); /* left with the transaction */
    session->begin_clock_us = wgi_clock_us(session);
    const wg_code code =
        wg_txn_begin(session->agent_engine, session->agent->read_only ? WG_TXN_READ : WG_TXN_OPTIMISTIC,
                     session->run_txn->run.logseq, &session->txn, err);
    if (code != WG_OK) wgi_session_leave(session);
    return code;
}

/* The graph's part of the transaction leaves the session, however it ends. */
static wg_txn *leave_graph(wg_session *session) {
    wg_txn *txn = session->txn;
    session->run_txn = NULL;
    session->txn = NULL;
    if (txn != NULL) wgi_session_leave(session);
    return txn;
}

wg_code wg_run_commit(wg_run *run, wg_commit_info *out, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    if (run->session->run_txn != run)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "no transaction of this run is open");
    wg_mixed_result result = {0};
    if (run->session->txn == NULL && wg_agent_commit_straight(&run->run, &result.version)) {
        run->session->run_txn = NULL;
        if (out != NULL) *out = (wg_commit_info){.version = result.version, .ticket = wg_run_ticket(run)};
        return run->run.txn_mode.durability == WG_IN_MEMORY ? WG_OK
                                                            : wg_agent_settle(&run->run, run->run.txn_mode, err);
    }
    WG_TRY(wg_agent_commit(&run->run, leave_graph(run->session), &result, err));
    if (out != NULL) *out = (wg_commit_info){.version = result.version, .ticket = wg_run_ticket(run)};
    return WG_OK;
}

void wg_run_rollback(wg_run *run) {
    if (run == NULL || run->tag != WGI_TAG_RUN || run->session->run_txn != run) return;
    wg_txn_abort(leave_graph(run->session));
    wg_agent_rollback(&run->run);
}

/* ---- durability */

wg_code wg_run_set_durability(wg_run *run, wg_durability durability, bool no_wait, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    WG_TRY(wg_agent_mode_check(run->run.agent, durability, err));
    wg_agent_set_mode(&run->run, (wg_agent_mode){.durability = durability, .no_wait = no_wait});
    return WG_OK;
}

uint64_t wg_run_ticket(const wg_run *run) {
    if (run == NULL || run->tag != WGI_TAG_RUN) return 0;
    return wg_lane_ticket(wg_state_session_lane(run->run.agent->session));
}

bool wg_ticket_is_durable(const wg_run *run, uint64_t ticket) {
    if (run == NULL || run->tag != WGI_TAG_RUN || run->run.agent->durability == WG_IN_MEMORY) return false;
    return wg_lane_durable(wg_state_session_lane(run->run.agent->session)) >= ticket;
}

wg_code wg_ticket_wait(wg_run *run, uint64_t ticket, wg_error *err) {
    WGI_CHECK(run, WGI_TAG_RUN, "run");
    const wg_lane *lane = wg_state_session_lane(run->run.agent->session);
    if (run->run.agent->durability == WG_IN_MEMORY)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "an in-memory database has no stable storage to wait for");
    if (ticket > wg_lane_ticket(lane))
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "this session has not given that ticket");
    return wg_engine_state_wait(run->run.agent->engine, lane, ticket, err);
}
