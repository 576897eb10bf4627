/* engine, continued: agents' state: lanes into the log, snapshots of runs and graph together, commits over both, replay. Included by engine.h. */
#ifndef WG_ENGINE_RUNS_H
#define WG_ENGINE_RUNS_H

#include "engine/engine.h"

/* ---- agents' state: made with the engine; the engine logs it (state_log.c), stores it at checkpoints and brings it back */

wg_state *wg_engine_state(wg_engine *engine);
/* Cuts the lanes and puts what they hold into the log as one commit (none: nothing to do). *out_logseq (may be NULL): the log's newest commit then,
 * which new snapshots of the graph see too. durable: returns after the sync. IN_MEMORY: nothing but the number. Threads: any; one cut
 * serves all who wait. */
wg_code wg_engine_state_drain(wg_engine *engine, bool durable, uint64_t *out_logseq, wg_error *err);
/* The same for a statement, not durable: while somebody else appends it waits no longer than `cancel` (may be NULL) lets it. */
wg_code wg_engine_state_drain_within(wg_engine *engine, const wg_cancel *cancel, wg_error *err);
/* Until the lane's ticket is durable: leads a drain and a sync or waits for who does. */
wg_code wg_engine_state_wait(wg_engine *engine, const wg_lane *lane, uint64_t ticket, wg_error *err);
/* After a commit of BUFFERED, or of STRICT that nobody waits for: wakes the background when enough has gathered. A load and a compare. */
void wg_engine_state_notice(wg_engine *engine, const wg_lane *lane);
/* True while the background has been woken and has not begun: unless the ring is half full, the call above would do nothing. */
const _Atomic bool *wg_engine_state_noticed(const wg_engine *engine);
/* A snapshot of the graph and of a run that belong together: no commit of both is half in it. Brings what is in the lanes into the log first when
 * `drain` (the graph's procedures must see acknowledged puts). */
wg_code wg_engine_state_pair(wg_engine *engine, wg_state_run *run, bool drain, uint64_t *out_logseq,
                             uint64_t *out_version, wg_error *err);
/* Begins a transaction of the run at such a pair without draining; *out_logseq: the graph's side, for a transaction that joins. */
wg_code wg_engine_state_begin(wg_engine *engine, wg_state_session *session, wg_state_run *run,
                              wg_state_isolation isolation, wg_state_txn **out, uint64_t *out_logseq, wg_error *err);
/* A commit that the fast path cannot do: writes of the graph (graph, may be NULL), of a run (state, may be NULL; ended in every case) and of the
 * list of runs in one commit of the log. */
typedef struct wg_run_change {
    bool drop;            /* otherwise create */
    wg_run_origin origin; /* drop: number only */
} wg_run_change;
typedef struct wg_mixed_commit {
    wg_txn *graph; /* ended in every case */
    wg_state_txn *state;
    const wg_run_change *change; /* NULL: none; create: origin.number is given here when UINT32_MAX */
    uint32_t change_count;
    bool durable; /* wait for the sync whatever the mode */
} wg_mixed_commit;
typedef struct wg_mixed_result {
    uint64_t logseq, version, first_sequence;
    uint32_t run_number; /* of the created run */
} wg_mixed_result;
wg_code wg_engine_commit_mixed(wg_engine *engine, const wg_mixed_commit *commit, wg_mixed_result *out, wg_error *err);
/* As wg_state_history and wg_state_get, but what memory has forgotten is read from the last checkpoint: not in *out_complete are only versions
 * that expired (`retain_commits`). get_at: WG_E_EXPIRED when `snapshot` did. */
wg_code wg_engine_state_history(wg_engine *engine, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                                wg_state_version_fn fn, void *ctx, bool *out_complete, wg_error *err);
wg_code wg_engine_state_get_at(wg_engine *engine, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                               uint64_t now_us, wg_state_cell *out, wg_error *err);
/* Rebuilds the state of one run from checkpoint and log up to `logseq` (0: newest) in a private store. The caller ends it. */
wg_code wg_engine_state_replay(wg_engine *engine, uint32_t run, uint64_t logseq, wg_state **out, uint64_t *out_logseq,
                               uint64_t *out_commits, wg_error *err);
void wg_engine_state_replay_end(wg_state *replayed); /* its lanes too */

#endif
