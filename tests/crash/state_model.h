/* tests/crash: states of two runs and the graph, and whether an engine shows one of them. Included by state_kit.h. */
#ifndef WG_TESTS_STATE_MODEL_H
#define WG_TESTS_STATE_MODEL_H

#include "crash_kit.h"

#include "engine/engine.h"

enum { STATE_KEYS = 12, STATE_RUNS = 2, STATE_OPS_MAX = 400, STATE_EVENTS_MAX = 500, STATE_VALUE_MAX = 300 };

/* A value is made of its number: 0 is absent. Of nodes: how many are there. */
typedef struct state_model {
    uint32_t runs; /* made so far */
    uint32_t values[STATE_RUNS][STATE_KEYS];
    uint32_t event_count[STATE_RUNS];
    uint32_t nodes;
} state_model;

typedef struct state_oracle {
    bool created;
    uint32_t acked; /* operations */
    uint32_t attempted;
    uint32_t events[STATE_RUNS][STATE_EVENTS_MAX]; /* numbers of their payloads; of attempted ones */
    state_model models[STATE_OPS_MAX + 1];
} state_oracle;

typedef struct state_workload {
    const char *name;
    uint32_t operations;
    wg_durability durability;
    uint32_t wait_every; /* a sync or a ticket after so many; 0: never but at the end */
    uint32_t
        store_every; /* a checkpoint, now and then a compaction; not beside an open transaction, which it would wait for */
    bool events, transactions, mixed;
    bool
        beside; /* of the graph: a transaction is left open, with changes, over some operations, then committed or rolled back */
} state_workload;

typedef struct state_world {
    wg_engine *engine;
    wg_state_session *session;
    wg_rng rng;
    uint32_t number; /* of values given out */
    wg_txn *open;    /* `beside`: the transaction of the graph; NULL: none */
    uint32_t made;   /* nodes in it */
} state_world;

#define STATE_OK(call)                                                                       \
    do {                                                                                     \
        wg_error state_error = {0};                                                          \
        wg_error *err = &state_error;                                                        \
        if ((call) != WG_OK) fail_msg("%s:%d: %s", __FILE__, __LINE__, state_error.message); \
    } while (0)

static inline wg_engine_options state_options(wg_platform *platform, wg_durability durability) {
    return (wg_engine_options){.platform = platform,
                               .options = {.create = true,
                                           .durability = durability,
                                           .sync_interval_ms = 100000000,
                                           .sync_batch_commits = 1000000,
                                           .checkpoint_log_bytes = UINT64_MAX,
                                           .no_background = true},
                               .wal_segment_bytes = 1 << 13};
}

static inline wg_slice state_value(uint32_t number, uint8_t out[STATE_VALUE_MAX]) {
    const size_t size = 4 + (number * 37) % (STATE_VALUE_MAX - 4);
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)(number * 31 + i * 7);
    memcpy(out, &number, 4);
    return wg_slice_of(out, size);
}

static inline wg_slice state_key(uint32_t k, char out[16]) {
    const int n = snprintf(out, 16, "key-%02u", k);
    return wg_slice_of(out, (size_t)n);
}

/* Runs 1 and 2; 0 is the list of runs. */
static inline wg_state_run *state_run(wg_engine *engine, uint32_t r) {
    return wg_state_run_at(wg_engine_state(engine), r + 1);
}

/* ---- what the engine shows */

static inline bool shows_run(wg_engine *engine, wg_state_session *session, uint32_t r, const state_model *m,
                             const state_oracle *o) {
    wg_state_run *run = state_run(engine, r);
    if ((run != NULL) != (r < m->runs)) return false;
    if (run == NULL) return true;
    uint8_t bytes[STATE_VALUE_MAX];
    char text[16];
    for (uint32_t k = 0; k < STATE_KEYS; k++) {
        const wg_state_key key = wg_state_key_of(run, state_key(k, text));
        wg_state_cell cell = {0};
        STATE_OK(wg_state_get(session, run, &key, WG_LOGSEQ_NEVER, 1, &cell, err));
        const uint32_t number = m->values[r][k];
        bool same = (cell.version != 0) == (number != 0);
        if (same && number != 0) same = wg_slice_equal(cell.bytes, state_value(number, bytes));
        wg_state_cell_deinit(&cell);
        if (!same) return false;
    }
    wg_events *events = wg_state_run_events(run);
    if (wg_events_count(events, WG_LOGSEQ_NEVER) != m->event_count[r]) return false;
    for (uint32_t i = 0; i < m->event_count[r]; i++) {
        wg_event event;
        STATE_OK(wg_events_read(events, i, &event, err));
        if (!wg_slice_equal(event.payload, state_value(o->events[r][i], bytes))) return false;
    }
    return true;
}

static inline uint32_t count_nodes(wg_engine *engine) {
    wg_txn *txn = NULL;
    STATE_OK(wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    uint32_t n = 0;
    for (uint32_t id = 0; id < STATE_OPS_MAX; id++) {
        uint8_t found = 0;
        const uint64_t wide = id;
        STATE_OK(wg_nodes_have_labels(txn, &wide, 1, NULL, 0, &found, err));
        n += found;
    }
    wg_txn_abort(txn);
    return n;
}

/* The number of operations that the engine shows; UINT32_MAX: no state of the model between the two. */
static inline uint32_t shown_operations(wg_engine *engine, const state_oracle *o) {
    wg_state_session *session = NULL;
    STATE_OK(wg_state_session_open(wg_engine_state(engine), &session, err));
    const uint32_t nodes = count_nodes(engine);
    uint32_t found = UINT32_MAX;
    for (uint32_t n = o->attempted + 1; n > o->acked && found == UINT32_MAX; n--) {
        const state_model *m = &o->models[n - 1];
        bool same = m->nodes == nodes;
        for (uint32_t r = 0; r < STATE_RUNS && same; r++) same = shows_run(engine, session, r, m, o);
        if (same) found = n - 1;
    }
    if (found == UINT32_MAX && o->acked == 0 && o->attempted == 0) found = 0;
    wg_state_session_close(session);
    return found;
}

#endif
