/* What the engine keeps to log agents' state: lanes, the drain under way, who waits for a sync. Included by engine_internal.h only.
 *
 * Who has the log's end may cut the lanes and append to the log: so cuts, numbers of commits and their order in the log are one order.
 * Every append, also of a transaction of the graph alone, takes with it what the lanes hold: the log never has an effect without what was
 * acknowledged before it. */
#ifndef WG_ENGINE_STATE_LOG_H
#define WG_ENGINE_STATE_LOG_H

#include "engine/engine.h"
#include "worldgraph/state/redo.h"

enum { WGI_RANK_STATE_THREAD = 36, WGI_TOUCHED_CACHE = 256 };

/* A run and the version that it has reached. */
typedef struct wgi_reached {
    uint32_t run;
    uint32_t unused;
    uint64_t version;
} wgi_reached;

/* A cut that is on its way into the log; belongs to who has the log's end. */
typedef struct wgi_cut {
    wg_lane_span *spans; /* WG_LANES_MAX */
    uint32_t span_count;
    wg_slice *parts; /* room for 2 * WG_LANES_MAX + 4 */
    uint32_t part_count;
    uint64_t bytes;
    wg_buf reached;                    /* wgi_reached each: by run, once `noted` */
    uint32_t cache[WGI_TOUCHED_CACHE]; /* by run: number in `reached` + 1 */
    bool failed;                       /* out of memory on the way */
} wgi_cut;

typedef struct wgi_state_log {
    wg_lanes *lanes;
    wg_state *state;
    wgi_cut cut;
    wg_buf unsynced;        /* STRICT: wgi_reached of commits that no leader has synced; log's end */
    _Atomic uint64_t mixed; /* odd while a commit of graph and state becomes visible */

    /* Those who wait for a sync: one leads, see state_log.c. */
    _Atomic bool leading;
    _Atomic uint64_t started;   /* rounds; the leader raises it before its cut */
    _Atomic uint64_t completed; /* rounds, failed ones included */
    _Atomic uint64_t succeeded; /* the newest that did */
    _Atomic uint32_t arrivals;  /* threads that came to wait, ever */
    uint32_t arrived;           /* leader: of them in rounds up to the last */
    uint32_t groups[2];         /* leader: how many came for the last two rounds */
    wg_signal rounds[2];        /* by parity of the round that is waited for */
    wg_lane_span *undurable;    /* leader: WG_LANES_MAX */
    wg_buf syncing;             /* leader: wgi_reached */

    /* The thread that drains without being waited for. */
    _Atomic bool armed;  /* it knows that there is something */
    _Atomic bool urgent; /* a ring is half full */
    wg_mutex mutex;      /* guards the rest */
    wg_cond wake;
    wg_thread thread;
    bool started_thread, stop;

    _Atomic uint64_t drains, drain_bytes, drain_records, rounds_led, tickets_waited, recovered_ring_bytes;
    _Atomic uint64_t replayed_commits;
} wgi_state_log;

void wgi_state_init(wg_engine *engine); /* then wgi_state_free is legal */
/* With the engine; everything else of it is there. */
wg_code wgi_state_make(wg_engine *engine, wg_error *err);
/* Behind recovery, with the log open for writing: takes over the rings of a killed process, and lets this one's rings outlive it. */
wg_code wgi_state_open(wg_engine *engine, const char *ring_dir, wg_error *err);
/* Drains and ends the thread; nobody uses the state any more. */
wg_code wgi_state_close(wg_engine *engine, wg_error *err);
void wgi_state_free(wg_engine *engine);

/* ---- the log's end is held */

/* Cuts the lanes for commit applied + 1; parts are filled. With `hold` the lanes stay stopped. On failure nothing
 * stays but what `hold` asked for. */
wg_code wgi_state_cut(wg_engine *engine, bool hold, wg_error *err);
/* Another run that the same commit changes. False: out of memory. */
bool wgi_state_reach(wg_engine *engine, uint32_t run, uint64_t version);
/* Room for the notes of all reached runs. The cut is given up on failure. */
wg_code wgi_state_note(wg_engine *engine, wg_error *err);
/* The log has the cut, and `applied` says so: every reached run notes it. Or it does not. */
void wgi_state_cut_end(wg_engine *engine, bool logged);

/* ---- commits of graph and state together (state_mixed.c); called by the commit of the graph */

typedef struct wgi_mixed {
    const wg_mixed_commit *commit;
    wg_buf payload; /* behind the graph's mutations */
    wg_mixed_result result;
    bool prepared;    /* commit->state has its version */
    bool ended;       /* commit->state is gone */
    uint32_t created; /* changes so far */
} wgi_mixed;
/* The lanes stand still, the cut is taken: whatever may fail. */
wg_code wgi_mixed_prepare(wg_engine *engine, wgi_mixed *mixed, wg_error *err);
/* It failed; the lanes stand still, or it never came to that. */
void wgi_mixed_take_back(wg_engine *engine, wgi_mixed *mixed);
/* The log has it. */
void wgi_mixed_apply(wg_engine *engine, wgi_mixed *mixed);

/* ---- replay (state_apply.c) */

/* RUN_COMMITs of the commit that is being replayed. */
typedef struct wgi_state_pass {
    wg_state *state;
    wg_buf commits; /* wg_redo_commit each */
    uint64_t time_us;
    bool has_time;
    bool sorted;
    bool streams;          /* the state is being filled: commits of a run in a row are not gathered */
    wg_redo_stream stream; /* theirs */
    wg_state_run
        *noted; /* the run of the last of them, and the version that it came to; NULL: there is nothing to note */
    uint64_t noted_version;
    bool only; /* of one run and its parents: others are stepped over */
    uint64_t count;
} wgi_state_pass;
void wgi_state_pass_init(wgi_state_pass *pass, wg_state *state, uint64_t log_bytes, wg_account *account);
void wgi_state_pass_deinit(wgi_state_pass *pass);
struct wg_mutation;
wg_code wgi_apply_time(void *ctx, const struct wg_mutation *m, wg_error *err);
wg_code wgi_apply_run_commit(void *ctx, const struct wg_mutation *m, wg_error *err);
wg_code wgi_apply_run_create(void *ctx, const struct wg_mutation *m, wg_error *err);
wg_code wgi_apply_run_drop(void *ctx, const struct wg_mutation *m, wg_error *err);
/* Applies what was gathered; `logseq` 0: the notes of runs are left as they are. */
wg_code wgi_state_pass_end(wgi_state_pass *pass, uint64_t logseq, wg_error *err);

#endif
