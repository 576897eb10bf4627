/* primitives/agent: one session's use of agents' state: its lane, handles of runs, transactions, and values on their way in and out.
 *
 * Threads: an agent and its handles are used by one thread at a time. */
#ifndef WG_PRIMITIVES_AGENT_H
#define WG_PRIMITIVES_AGENT_H

#include "engine/engine.h"

/* System keys of a run begin with these eight bytes; keys of users may not. */
#define WG_AGENT_SYSTEM_PREFIX "\0wg.sys"
enum { WG_AGENT_SYSTEM_BYTES = 8 };
static inline bool wg_agent_is_system(wg_slice key) {
    return key.size >= WG_AGENT_SYSTEM_BYTES && memcmp(key.data, WG_AGENT_SYSTEM_PREFIX, WG_AGENT_SYSTEM_BYTES) == 0;
}

typedef struct wg_agent {
    wg_engine *engine;
    wg_state *state;
    const wg_state_run *system; /* run 0 */
    const _Atomic uint64_t *system_visible;
    wg_state_session *session;
    wg_platform *platform;
    wg_durability durability; /* of the database */
    bool read_only;
    uint32_t handles; /* open handles of runs */
} wg_agent;

wg_code wg_agent_open(wg_engine *engine, wg_agent **out, wg_error *err);
void wg_agent_close(wg_agent *agent); /* its handles are closed; NULL is legal */

/* What a commit waits for. */
typedef struct wg_agent_mode {
    wg_durability durability;
    bool no_wait;
} wg_agent_mode;

/* A handle of a run. */
typedef struct wg_agent_run {
    wg_agent *agent;
    wg_state_run *run;
    wg_agent_mode mode; /* of every commit */
    uint64_t checked;   /* version of run 0 at which `status` was read */
    uint64_t writable;  /* the same when the run could be written to then; UINT64_MAX: it could not */
    uint32_t number;
    wg_run_status status;
    /* the open transaction */
    wg_state_txn *txn; /* NULL: none */
    bool serializable;
    wg_agent_mode txn_mode;
    uint64_t logseq; /* of the graph's snapshot that belongs to it */
    /* what a call gives out lives here until the next one */
    wg_state_cell cell;
    wg_state_cell *cells; /* get_many */
    uint32_t cell_count;
    wg_state_way way;         /* of puts of bytes; its gate is open as `writable` says, unless a transaction is */
    wg_state_row *spare_rows; /* of the cursor that was closed last; NULL: none */
    uint32_t spare_rows_max;
    wg_arena arena;
    wg_buf scratch; /* encoded values */
} wg_agent_run;

/* The handle of run `number`. WG_E_NOT_FOUND: there is none. The caller ends it with wg_agent_run_deinit. */
wg_code wg_agent_run_init(wg_agent_run *run, wg_agent *agent, uint32_t number, wg_error *err);
void wg_agent_set_mode(wg_agent_run *run, wg_agent_mode mode);
void wg_agent_run_deinit(wg_agent_run *run); /* aborts its transaction */

/* Begins a call: frees what the call before gave out. WG_E_NOT_FOUND: the run was deleted. */
wg_code wg_agent_read(wg_agent_run *run, wg_error *err);
/* The same for a write: WG_E_READ_ONLY unless the run is active and the database can be written to. */
wg_code wg_agent_write(wg_agent_run *run, wg_error *err);
/* Waits as the mode says for what the session committed last. */
wg_code wg_agent_settle(wg_agent_run *run, wg_agent_mode mode, wg_error *err);
/* WG_E_MISUSE: asks for less than the database promises, or for durability from one that has no log. */
wg_code wg_agent_mode_check(const wg_agent *agent, wg_durability durability, wg_error *err);
/* Behind a conflict: in STRICT a reader sees what is durable, so trying again makes sense once that which won is. */
wg_code wg_agent_lost(wg_agent_run *run, wg_error *err);
static inline uint64_t wg_agent_now_us(const wg_agent *agent) { /* coarse: up to 4 ms old */
    return agent->platform->ops->wall_coarse_us(agent->platform);
}

/* The run's version at snapshot `logseq` of the log, which may be ahead of what was drained: then that is done first. WG_E_EXPIRED. */
wg_code wg_agent_version_at(wg_agent_run *run, uint64_t logseq, uint64_t *out, wg_error *err);

/* ---- transactions */

wg_code wg_agent_begin(wg_agent_run *run, bool serializable, wg_agent_mode mode, wg_error *err);
/* Ends the transaction, and `graph` (NULL: none) with it, in every case. */
wg_code wg_agent_commit(wg_agent_run *run, wg_txn *graph, wg_mixed_result *out, wg_error *err);
void wg_agent_rollback(wg_agent_run *run);
/* The commit of the commonest transaction without writes of the graph: reads a key and writes it. False: nothing was done. wg_agent_settle is due. */
static inline bool wg_agent_commit_straight(wg_agent_run *run, uint64_t *out_version) {
    const uint64_t version = run->txn == NULL ? 0 : wg_state_commit_straight(&run->way, run->txn);
    if (version == 0) return false;
    run->txn = NULL;
    *out_version = version;
    return true;
}

/* ---- values */

/* WG_E_TYPE: NODE, EDGE, PATH | WG_E_VALUE, WG_E_LIMIT. *out lives until the next call with the handle. `small`: 8 bytes of the caller. */
wg_code wg_agent_encode(wg_agent_run *run, const wg_value *value, uint8_t small[8], wg_state_value *out,
                        wg_error *err);
/* Strings and bytes are borrowed from `bytes`, the rest lives in the arena. */
wg_code wg_agent_decode(wg_arena *arena, uint8_t type, wg_slice bytes, wg_value *out, wg_error *err);
wg_code wg_agent_key_refuse(const void *key, size_t size, wg_error *err);
/* 1 to 1,024 bytes that do not begin as system keys do. */
static inline wg_code wg_agent_key(const wg_agent_run *run, const void *key, size_t size, wg_state_key *out,
                                   wg_error *err) {
    if (key == NULL || size - 1 >= WG_KEY_BYTES_MAX || wg_agent_is_system(wg_slice_of(key, size)))
        return wg_agent_key_refuse(key, size, err);
    *out = wg_state_key_of(run->run, wg_slice_of(key, size));
    return WG_OK;
}

#endif
