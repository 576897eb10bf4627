/* tests/crash: workloads on agents' state, and the oracle beside them.
 *
 * One thread commits a sequence of operations over two runs and the graph: put, delete, append, transactions of several of them, commits of graph
 * and run together, and all of that beside a transaction of the graph that is open over several operations. The model after each is kept, so what
 * a recovery shows must be one of them, whole: not older than the last acknowledged one, no part of an operation, no hole over the runs (P1, P2). */
#ifndef WG_TESTS_STATE_KIT_H
#define WG_TESTS_STATE_KIT_H

#include "state_model.h"

/* ---- operations: each makes the model of the next and commits */

static inline uint32_t state_pick(state_world *w, uint32_t n) { return (uint32_t)wg_rng_below(&w->rng, n); }

static inline wg_code op_create_run(state_world *w, state_model *m, wg_error *err) {
    wg_mixed_result result;
    const wg_run_change change = {.origin = {.number = UINT32_MAX}};
    wg_state_txn *txn = NULL;
    wg_state_run *system = wg_state_run_at(wg_engine_state(w->engine), WG_RUN_SYSTEM);
    char text[16];
    const wg_state_key key = wg_state_key_of(system, state_key(m->runs, text));
    const wg_state_value value = {.type = WG_TYPE_BOOL, .bytes = wg_slice_of("\1", 1)};
    WG_TRY(wg_state_begin(w->session, system, WG_STATE_SNAPSHOT, 5, &txn, err));
    const wg_code code = wg_state_txn_put(txn, &key, &value, 0, err);
    if (code != WG_OK) {
        wg_state_abort(txn);
        return code;
    }
    m->runs++;
    return wg_engine_commit_mixed(w->engine, &(wg_mixed_commit){.state = txn, .change = &change, .change_count = 1},
                                  &result, err);
}

static inline wg_code op_single(state_world *w, const state_workload *load, state_oracle *o, state_model *m,
                                wg_error *err) {
    const uint32_t r = state_pick(w, STATE_RUNS);
    const uint32_t k = state_pick(w, STATE_KEYS);
    wg_state_run *run = state_run(w->engine, r);
    uint8_t bytes[STATE_VALUE_MAX];
    char text[16];
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = state_value(++w->number, bytes)};
    const uint32_t kind = state_pick(w, load->events ? 4 : 3);
    const wg_state_key key = wg_state_key_of(run, state_key(k, text));
    if (kind == 3) {
        o->events[r][m->event_count[r]++] = w->number;
        return wg_state_append(w->session, run, wg_slice_str("type"), &value, 7, NULL, NULL, err);
    }
    m->values[r][k] = kind == 2 ? 0 : w->number;
    return kind == 2 ? wg_state_delete(w->session, run, &key, WG_VERSION_ANY, 7, NULL, err)
                     : wg_state_put(w->session, run, &key, &value, WG_VERSION_ANY, 7, NULL, err);
}

static inline wg_code fill_txn(state_world *w, wg_state_txn *txn, uint32_t r, const state_workload *load,
                               state_oracle *o, state_model *m, wg_error *err) {
    uint8_t bytes[STATE_VALUE_MAX];
    char text[16];
    for (uint32_t i = 0, n = 1 + state_pick(w, 5); i < n; i++) {
        const uint32_t k = state_pick(w, STATE_KEYS);
        const wg_state_key key = wg_state_key_of(wg_state_txn_run(txn), state_key(k, text));
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = state_value(++w->number, bytes)};
        if (load->events && state_pick(w, 3) == 0) {
            o->events[r][m->event_count[r]++] = w->number;
            WG_TRY(wg_state_txn_append(txn, wg_slice_str("in a transaction"), &value, NULL, err));
        } else {
            m->values[r][k] = w->number;
            WG_TRY(wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, err));
        }
    }
    return WG_OK;
}

static inline wg_code add_node(wg_txn *txn, wg_error *err) {
    uint32_t label = 0;
    uint64_t id = 0;
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("A"), false, &label, err));
    return wg_txn_create_node(txn, &label, 1, NULL, 0, &id, err);
}

static inline wg_code op_txn(state_world *w, const state_workload *load, state_oracle *o, state_model *m, bool mixed,
                             wg_error *err) {
    const uint32_t r = state_pick(w, STATE_RUNS);
    wg_state_txn *txn = NULL;
    wg_txn *graph = NULL;
    WG_TRY(wg_state_begin(w->session, state_run(w->engine, r), WG_STATE_SNAPSHOT, 9, &txn, err));
    wg_code code = fill_txn(w, txn, r, load, o, m, err);
    if (code == WG_OK && mixed) code = wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &graph, err);
    if (code == WG_OK && mixed) code = add_node(graph, err);
    if (code != WG_OK) {
        wg_state_abort(txn);
        wg_txn_abort(graph);
        return code;
    }
    if (!mixed) return wg_state_commit(txn, NULL, NULL, err);
    m->nodes++;
    wg_mixed_result result;
    return wg_engine_commit_mixed(w->engine, &(wg_mixed_commit){.graph = graph, .state = txn}, &result, err);
}

/* The open transaction changes: it begins, makes a node, or takes one back; now and then it ends. */
static inline wg_code op_beside(state_world *w, state_model *m, wg_error *err) {
    wg_txn_mark mark;
    if (w->open == NULL) {
        w->made = 0;
        return wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &w->open, err);
    }
    wg_txn *txn = w->open;
    const uint32_t which = state_pick(w, 8);
    if (which >= 2) {
        wg_txn_mark_set(txn, &mark);
        WG_TRY(add_node(txn, err));
        if (which == 7) wg_txn_rollback_to(txn, &mark);
        else w->made++;
        return WG_OK;
    }
    w->open = NULL;
    if (which == 1) {
        wg_txn_abort(txn);
        return WG_OK;
    }
    m->nodes += w->made;
    return wg_txn_commit(txn, NULL, err);
}

static inline wg_code one_operation(state_world *w, const state_workload *load, state_oracle *o, wg_error *err) {
    const uint32_t n = o->attempted + 1;
    assert_true(n <= STATE_OPS_MAX);
    state_model *m = &o->models[n];
    *m = o->models[n - 1];
    o->attempted = n;
    if (m->runs < STATE_RUNS) return op_create_run(w, m, err);
    if (load->beside && state_pick(w, 3) == 0) return op_beside(w, m, err);
    const uint32_t which = state_pick(w, 4);
    if (load->mixed && which == 0) return op_txn(w, load, o, m, true, err);
    if (load->transactions && which == 1) return op_txn(w, load, o, m, false, err);
    return op_single(w, load, o, m, err);
}

/* What the mode promises after each operation, and now and then more. */
static inline wg_code promise(state_world *w, const state_workload *load, state_oracle *o, wg_error *err) {
    const wg_lane *lane = wg_state_session_lane(w->session);
    const bool due = load->wait_every != 0 && o->attempted % load->wait_every == 0;
    if (load->durability == WG_STRICT) WG_TRY(wg_engine_state_wait(w->engine, lane, wg_lane_ticket(lane), err));
    else if (due) WG_TRY(wg_engine_sync(w->engine, err));
    else wg_engine_state_notice(w->engine, lane);
    if (due || load->durability == WG_STRICT) o->acked = o->attempted;
    return WG_OK;
}

static inline wg_code store(state_world *w, const state_workload *load, state_oracle *o, wg_error *err) {
    if (load->store_every == 0 || o->attempted % load->store_every != 0 || w->open != NULL) return WG_OK;
    const wg_compact_options everything = {.everything = true};
    WG_TRY(wg_engine_checkpoint(w->engine, NULL, err));
    o->acked = o->attempted; /* what is in stripes is durable */
    if (o->attempted / load->store_every % 3 != 0) return WG_OK;
    return wg_engine_compact(w->engine, &everything, NULL, NULL, NULL, err);
}

/* Opens what is there and goes on until the platform fails or all is done; false: it failed. The session and the engine are closed. */
static inline bool run_state(wg_platform *platform, const state_workload *load, state_world *w, state_oracle *o) {
    const wg_engine_options options = state_options(platform, load->durability);
    w->engine = NULL;
    w->session = NULL;
    w->open = NULL;
    if (wg_engine_open("/ws", &options, &w->engine, NULL) != WG_OK) return false;
    const uint32_t shown = shown_operations(w->engine, o);
    assert_int_not_equal(shown, UINT32_MAX);
    o->acked = o->attempted = shown;
    o->created = true;
    wg_code code = wg_state_session_open(wg_engine_state(w->engine), &w->session, NULL);
    for (uint32_t i = 0; i < load->operations && code == WG_OK; i++) {
        code = one_operation(w, load, o, NULL);
        if (code == WG_OK) code = promise(w, load, o, NULL);
        if (code == WG_OK) code = store(w, load, o, NULL);
    }
    wg_txn_abort(w->open);
    w->open = NULL;
    wg_state_session_close(w->session);
    const bool closed = wg_engine_close(w->engine, NULL) == WG_OK;
    if (closed && code == WG_OK) o->acked = o->attempted;
    return closed && code == WG_OK;
}

#endif
