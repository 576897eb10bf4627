/* Redo records of the agents' state and their replay. Part of state.h. */
#ifndef WG_WORLDGRAPH_STATE_REDO_H
#define WG_WORLDGRAPH_STATE_REDO_H

#include "worldgraph/state/state.h"

/* ---- redo records: mutations TIME, RUN_COMMIT (docs/format/mutation.md)
 *   TIME        u64 microseconds since 1970: of the RUN_COMMITs behind it in the same cut's span
 *   RUN_COMMIT  varint run | varint version | operations up to the body's end:
 *               u8 op (1 PUT, 2 DELETE, 3 EVENT; bit 7: expires) | u8 value type | varint key bytes | varint value bytes | [u64 expires] | key | value */
typedef struct wg_redo_op {
    uint8_t op;
    wg_slice key; /* EVENT: its type */
    wg_state_value value;
} wg_redo_op;
enum { WG_REDO_PUT = 1, WG_REDO_DELETE = 2, WG_REDO_EVENT = 3 };
typedef struct wg_redo_commit {
    uint32_t run;
    uint64_t version;
    uint64_t time_us;
    wg_slice ops; /* encoded, checked whole by wg_redo_decode */
} wg_redo_commit;
/* body of one RUN_COMMIT; checks every operation. WG_E_CORRUPT. */
wg_code wg_redo_decode(wg_slice body, uint64_t time_us, wg_redo_commit *out, wg_error *err);
bool wg_redo_next(wg_slice *ops, wg_redo_op *out); /* of checked ops */
/* For each run in the records of a span (TIME and RUN_COMMIT mutations as a lane has them): its highest version. Cheap: reads headers only. */
wg_code wg_redo_versions(wg_slice records, void (*fn)(void *ctx, uint32_t run, uint64_t version), void *ctx,
                         wg_error *err);
/* What was found out about a commit before its turn: its run has to be there, and stays. */
typedef struct wg_redo_ahead {
    wg_redo_op op;
    wg_state_key key;
    bool single; /* one put or delete; otherwise the rest says nothing */
} wg_redo_ahead;
/* Starts the misses of a commit that will be applied soon: about a dozen before the one that is applied is best, and twice as fast. */
void wg_state_apply_soon(const wg_state *state, const wg_redo_commit *commit, wg_redo_ahead *out);
/* Replay: commits of one run in rising version. What the state has already (version <= newest) is WG_OK and changes nothing. ahead: what
 * wg_state_apply_soon gave for it, or NULL. */
wg_code wg_state_apply(wg_state *state, const wg_redo_commit *commit, const wg_redo_ahead *ahead, wg_error *err);

/* Replay of a state that is being filled (below): single puts and deletions are decoded once, their misses started, and applied some commits
 * later. The commits of a run have to come in the order of their versions without gaps; others are the caller's, who flushes before. */
enum { WG_REDO_STEPS = 16 };
typedef struct wg_redo_step {
    wg_state_run *run;
    uint64_t hash, version, time_us, expires_us;
    const uint8_t *key; /* in the log's bytes, the value right behind it */
    uint8_t key_bytes, value_bytes, type;
    bool deleted;
} wg_redo_step;
typedef struct wg_redo_stream {
    wg_state *state;
    wg_state_run *run; /* of the last commit; NULL: none since the last flush */
    uint64_t next;     /* version of that run that would follow */
    uint32_t first, count;
    uint64_t bytes_all, bytes; /* of the log, about; of commits so far: how much is to come */
    uint64_t commits;
    uint32_t recent, recent_new; /* commits and new keys of late */
    wg_redo_step steps[WG_REDO_STEPS];
} wg_redo_stream;
void wg_redo_stream_init(wg_redo_stream *stream, wg_state *state, uint64_t log_bytes);
/* Body of a RUN_COMMIT, whose bytes stay until the flush. *out_taken: it will be applied; otherwise it is none of those, nothing is checked, and no earlier
 * one is lost. WG_E_NOMEM, WG_E_LIMIT: the state is given up. */
wg_code wg_redo_stream_put(wg_redo_stream *stream, wg_slice body, uint64_t time_us, bool *out_taken, wg_error *err);
/* Whether this commit is the next of its run, commits that wait in the stream included. */
bool wg_redo_stream_is_next(wg_redo_stream *stream, uint32_t run, uint64_t version);
wg_code wg_redo_stream_flush(wg_redo_stream *stream, wg_error *err);
bool wg_state_is_filling(const wg_state *state);
/* Has a page ready for the thread that fills; for another one that has nothing better to do. False: there are enough, or nobody needs them. */
bool wg_state_page_ahead(wg_state *state);

/* Before and behind many of these and of wg_state_restore, while nobody else uses the state and nothing scans: keys in order are made all at once, by
 * the first scan behind the end (some 50 ns a key, of all runs). */
void wg_state_fill_begin(wg_state *state);
void wg_state_fill_end(wg_state *state);

#endif
