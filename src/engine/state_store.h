/* Agents' state in stripes: what checkpoints, opens and merges share (state_store.c, state_load.c). Included by engine_internal.h only. */
#ifndef WG_ENGINE_STATE_STORE_H
#define WG_ENGINE_STATE_STORE_H

#include "engine/engine.h"

enum { WGI_RUN_ABSENT = 0, WGI_RUN_ALIVE = 1, WGI_RUN_DROPPED = 2 /* forks need it */ };

/* What the newest checkpoint holds of a run. */
typedef struct wgi_stored_run {
    uint64_t version;
    uint64_t events;
    uint8_t state;
} wgi_stored_run;

typedef struct wgi_state_store { /* maintenance.mutex */
    wg_buf runs;                 /* wgi_stored_run by number */
    uint32_t run_count;          /* 0: nothing is stored */
    uint64_t notes;              /* stored so far */
} wgi_state_store;
void wgi_state_store_init(wg_engine *engine);
void wgi_state_store_deinit(wg_engine *engine);
wgi_stored_run *wgi_stored_run_at(const wg_engine *engine, uint32_t number); /* NULL: none */

/* ---- a checkpoint */

typedef struct wgi_captured_run {
    wg_run_origin origin;
    uint64_t since, until;
    uint64_t events_since, events_until;
    wg_state_pin pin; /* of a changed one */
    uint8_t state;
    bool changed;
    bool needed; /* by a fork */
} wgi_captured_run;

typedef struct wgi_state_capture {
    wg_engine *engine;
    uint64_t since_logseq, logseq;
    wgi_captured_run *runs; /* by number */
    uint32_t count;
    bool changed;
    uint64_t notes; /* stored when it is settled */
} wgi_state_capture;
/* The writer's place and the log's end are held, and `logseq` is the log's newest commit. Ended in every case that succeeded. */
wg_code wgi_state_capture_take(wg_engine *engine, uint64_t logseq, wg_arena *arena, wgi_state_capture *out,
                               wg_error *err);
/* Behind ADJACENCY: kinds ascend. */
wg_code wgi_state_capture_store(wgi_state_capture *capture, wg_stripe_sink *sink, wg_error *err);
void wgi_state_capture_settle(wgi_state_capture *capture); /* the manifest names it */
void wgi_state_notes_forget(wg_engine *engine);            /* notes of commits that nobody can ask for any more */
void wgi_state_capture_end(wgi_state_capture *capture);    /* zeroed: nothing */
/* The slot of a run's events is read from the newest fragment with this key. Both places are held, inside the epoch. */
wg_code wgi_adopt_events(wg_engine *engine, const wg_fragment_key *key, wg_error *err);

/* ---- opening: after the definitions, before the log */
wg_code wgi_state_load(wg_engine *engine, wg_error *err);
/* A run and its parents, nearest first, and the versions to load. */
typedef struct wgi_lineage {
    uint32_t *runs;
    uint64_t *versions;
    uint32_t count;
} wgi_lineage;
/* Into a private state, for a replay; maintenance.mutex is held. WG_E_NOT_FOUND: the run was not there yet. */
wg_code wgi_state_load_lineage(wg_engine *engine, const wgi_lineage *lineage, wg_state *into, wg_error *err);

/* The events of every run, from first to last: chain, order, lists. Inside the epoch. */
wg_code wgi_state_verify(wg_engine *engine, wg_error *err);

/* ---- merging */

typedef struct wgi_kept_version {
    uint64_t run, version;
} wgi_kept_version;
typedef struct wgi_kept_versions {
    wg_engine *engine;
    uint64_t horizon; /* logseq */
    wg_buf list;      /* wgi_kept_version each, ascending */
    wg_buf versions;  /* u64: the same */
    wg_buf stored;    /* u8 by run: its state in the newest checkpoint */
    bool failed;
} wgi_kept_versions;
wg_code wgi_kept_versions_make(wg_engine *engine, uint64_t horizon, wgi_kept_versions *out, wg_error *err);
void wgi_kept_versions_deinit(wgi_kept_versions *kept);
void wgi_kept_versions_of(const wgi_kept_versions *kept, uint32_t number, wg_merge_run *out);

#endif
