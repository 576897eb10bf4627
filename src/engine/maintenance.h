/* What checkpoint, recovery, compaction, following and the background thread share. Included by engine_internal.h only.
 *
 * Order of commits of a state that is in stripes: files written and synced, stripe set grown, manifest committed, memory adopted,
 * log trimmed or merged stripes removed. Whatever fails before the manifest leaves the old state; whatever fails behind it
 * leaves the new one on the disk and memory as it was, which is only larger. */
#ifndef WG_ENGINE_MAINTENANCE_H
#define WG_ENGINE_MAINTENANCE_H

#include "engine/engine.h"
#include "engine/state_log.h"

/* ---- what a manifest says */

#define WGI_PIECES_UNKNOWN UINT64_MAX

typedef struct wgi_counts {  /* at the checkpoint */
    uint64_t catalog_pieces; /* CATALOG fragments; unknown in manifests that earlier releases wrote */
    uint64_t edges;          /* ids given out */
    uint64_t keys;
    uint64_t labels;
    uint64_t nodes; /* ids given out */
    uint64_t partitions;
    uint64_t rules;  /* indexes and constraints; a manifest without the number has none */
    uint64_t tables; /* numbers given out */
} wgi_counts;

typedef struct wgi_checkpoint {
    uint64_t logseq;      /* 0: none yet */
    uint64_t horizon;     /* oldest snapshot that can be read */
    uint64_t wal_segment; /* first one that is needed */
    uint64_t next_stripe;
    wg_sha256 chain;
    wgi_counts counts;
} wgi_checkpoint;

typedef struct wgi_manifest {
    uint64_t epoch;
    uint64_t logseq; /* of the newest commit that it describes */
    uint8_t uuid[16];
    wgi_checkpoint checkpoint;
    wg_buf stripes; /* wg_stripe_entry each, by rising id */
} wgi_manifest;

/* Reads the one that CURRENT names. The caller frees out->stripes. */
wg_code wgi_manifest_read(wg_platform *platform, const char *path, wgi_manifest *out, wg_error *err);
static inline uint32_t wgi_manifest_stripe_count(const wgi_manifest *m) {
    return (uint32_t)(m->stripes.size / sizeof(wg_stripe_entry));
}
wg_stripe_entry wgi_manifest_stripe(const wgi_manifest *m, uint32_t i);
/* Text of a manifest, as wgi_manifest_read takes it; `virtual_labels` are those of the engine at m->logseq. */
bool wgi_manifest_print(wg_buf *out, const wgi_manifest *m, wg_engine *engine);
/* Next epoch: for definitions at `logseq`, with the checkpoint that stands. */
wg_code wgi_manifest_write(wg_engine *engine, uint64_t logseq, wg_error *err);
/* Next epoch with another checkpoint or other stripes: `added` come, `removed` go. Keeps it as the engine's on success. On failure the
 * disk may hold either; files that the new one would name must stay. */
wg_code wgi_manifest_change(wg_engine *engine, const wgi_checkpoint *checkpoint, wg_slice added,
                            const uint64_t *removed, uint32_t removed_count, wg_error *err);

/* ---- state of an engine */

/* A snapshot that somebody reads: compaction keeps what it sees. Linked under state_mutex. */
typedef struct wgi_pin {
    struct wgi_pin *next;
    struct wgi_pin *previous;
    uint64_t snapshot;
} wgi_pin;

typedef struct wgi_background {
    wg_mutex mutex; /* guards the rest */
    wg_cond wake;
    wg_thread thread;
    bool allowed; /* otherwise commits do the work themselves */
    bool started;
    bool stop;
    bool checkpoint_wanted;
    bool compaction_wanted;
    bool adjacency_wanted; /* a label has merge_until */
    wg_error last_error;   /* of the newest failure */
} wgi_background;

typedef struct wgi_maintenance {
    wg_mutex compaction_mutex; /* one compaction at a time, from pick to adoption */
    wg_mutex mutex; /* rank MAINTENANCE: guards next_stripe, stored counts of tables, catalog_pieces, garbage */
    wg_mutex manifest_mutex; /* guards manifest, manifest_unsure; held over a manifest's commit */
    wgi_manifest manifest;
    bool manifest_unsure; /* a commit failed on the way: CURRENT may name a newer epoch than ours */
    uint64_t next_stripe;
    uint64_t catalog_pieces; /* CATALOG fragments stored */
    uint32_t segment_bytes;  /* of the log */
    uint32_t backups;        /* that copy files now: none is removed before the last of them has ended */
    bool adopt_late;         /* an adoption did not come to its end: the next call of maintenance begins with it */
    wg_buf adopt_removed;    /* ids that are still in the set and in no manifest */
    wg_buf adopt_noted;      /* wgi_merged each: what tables may read of stripes that go */
    wg_buf garbage;          /* ids of stripes that no manifest names any more, or never did */
    wg_buf runs_joined;      /* wgi_runs_state each: owners whose runs were joined, and what was left */
    uint64_t runs_owner;     /* whose were joined last; UINT64_MAX: looked at since */
    char *stripe_dir;        /* NULL: nothing on the disk */
    char *wal_dir;
    wg_cache *cache;
    wg_stripe_set *stripes;       /* NULL: nothing on the disk */
    _Atomic uint64_t stored;      /* checkpoint's logseq; release after the stripes are in the set */
    _Atomic uint64_t horizon;     /* written under state_mutex */
    wgi_pin pins;                 /* head of a ring; state_mutex */
    _Atomic uint64_t log_bytes;   /* payload in the log since the checkpoint */
    _Atomic uint64_t retry_bytes; /* after a failure: log_bytes at which it is worth another try */
    _Atomic uint64_t heap_after;  /* heap that the last checkpoint left */
    _Atomic bool paused;          /* background compaction */
    wg_compaction_policy policy;  /* zeros: what is usual; tests want small stripes */
    wg_pacer pacer;
    wg_wal_follower *follower; /* read-only engines */
    bool follow_broken;        /* writer's place: a commit could not be applied */
    wgi_background background;
    wg_account writing; /* memory of stripes that are being written: passing, so it does not count as heap of rows */
    _Atomic uint64_t file_bytes_before; /* files that the process holds without stripes: its own program; relaxed */
    _Atomic uint64_t residency_looked_ns;
    _Atomic uint64_t residency_sweeps;
    _Atomic uint64_t adjacency_merges; /* by the background thread */
    _Atomic uint64_t fragments;        /* in all stripes */
    _Atomic uint64_t checkpoints, checkpoint_failures, checkpoint_bytes;
    wg_histogram checkpoint_histogram;                 /* nanoseconds */
    wg_histogram blocked_histogram;                    /* writers, by capture and adoption; nanoseconds */
    _Atomic uint64_t compactions[WG_COMPACT_RUNS + 1]; /* by trigger */
    _Atomic uint64_t compaction_moves, compaction_failures;
    _Atomic uint64_t compaction_bytes_read, compaction_bytes_written;
    _Atomic uint64_t compaction_rows_dropped, compaction_fragments_dropped;
    _Atomic uint32_t running; /* calls of maintenance under way */
    _Atomic uint64_t refused_writes;
    _Atomic uint64_t recovered_commits, recovery_ns;
    _Atomic uint64_t commits, rollbacks, conflicts;
    _Atomic uint64_t snapshots; /* pins apart from transactions */
} wgi_maintenance;

enum { WGI_RANK_COMPACTION = 14, WGI_RANK_MANIFEST = 25, WGI_RANK_BACKGROUND = 35, WGI_RANK_ADJACENCY = 37 };

void wgi_maintenance_init(wg_engine *engine);
void wgi_maintenance_deinit(wg_engine *engine);
wg_code wgi_maintenance_paths(wg_engine *engine, wg_error *err); /* of an engine with a path */

/* ---- pins */
/* WG_E_EXPIRED when `snapshot` is below the horizon. */
wg_code wgi_pin_set(wg_engine *engine, wgi_pin *pin, uint64_t snapshot, wg_error *err);
void wgi_pin_clear(wg_engine *engine, wgi_pin *pin);
void wgi_horizon_raise(wg_engine *engine, uint64_t logseq);
/* What compaction may drop up to: the horizon, or the oldest snapshot that is being read. */
uint64_t wgi_drop_horizon(wg_engine *engine);
uint64_t wgi_oldest_pin(wg_engine *engine); /* of the pinned snapshots; UINT64_MAX: none */

/* ---- places that one at a time has (seats.c). Order: the writer's place, then the log's end. */

/* One who waits; on its own stack. */
typedef struct wgi_turn {
    struct wgi_turn *next;
    bool given; /* the place is handed over to this one */
} wgi_turn;
typedef struct wgi_seat {
    wg_mutex mutex; /* guards the rest, and nothing that the place itself is for */
    wg_cond free;
    bool busy;
    wgi_turn *first; /* who waits, in the order in which they came */
    wgi_turn **last;
    uint32_t barged; /* turns that others took meanwhile */
} wgi_seat;
void wgi_seat_init(wgi_seat *seat, uint32_t rank);
void wgi_seat_deinit(wgi_seat *seat);
/* The writer's place: the graph in memory. WG_E_BUSY after 10 s, or what `cancel` (may be NULL) says. */
wg_code wgi_writer_take_within(wg_engine *engine, const wg_cancel *cancel, wg_error *err);
wg_code wgi_writer_take(wg_engine *engine, wg_error *err);
void wgi_writer_give(wg_engine *engine);
bool wgi_writer_is_busy(wg_engine *engine); /* somebody has it; a moment later that may be wrong */
/* The log's end: who has it gives out the next number, cuts the lanes and appends. Held over no wait but the log's own. */
void wgi_log_take(wg_engine *engine);
wg_code wgi_log_take_within(wg_engine *engine, const wg_cancel *cancel, wg_error *err); /* or what `cancel` says */
void wgi_log_give(wg_engine *engine);
wg_code wgi_both_take(wg_engine *engine, wg_error *err); /* neither rows, definitions nor runs' notes move */
void wgi_both_give(wg_engine *engine);

/* ---- checkpoint */
/* maintenance.mutex is held. `log` false: the log is being replayed, so that nothing is waited for and nothing trimmed. */
wg_code wgi_checkpoint_run(wg_engine *engine, bool log, wg_checkpoint_info *out, wg_error *err);
/* Adopts the newest fragments of every key that the stripes with these entries hold; `frozen`: what key indexes froze is among
 * them. The caller has the writer's place and is inside the epoch. */
wg_code wgi_adopt(wg_engine *engine, wg_slice entries, bool frozen, wg_error *err);
/* One slot of a table; all runs of a label's keys or adjacency. */
wg_code wgi_adopt_slot(wg_engine *engine, const wg_fragment_key *key, uint64_t version, wg_error *err);
wg_code wgi_adopt_runs(wg_engine *engine, uint32_t kind, uint32_t owner, bool frozen, wg_error *err);
/* What tables read of a stripe: a slot of rows, or the runs of one owner. */
typedef struct wgi_merged {
    wg_fragment_key key;
    uint64_t version;
} wgi_merged;
bool wgi_has_runs(const wg_fragment_key *key);
/* Of adopt_noted some has no successor: slots without rows, runs without an entry. Caller as for wgi_adopt. */
wg_code wgi_adopt_noted(wg_engine *engine, wg_error *err);
/* Makes up for an adoption that did not come to its end. maintenance.mutex is held. */
wg_code wgi_adopt_settle(wg_engine *engine, wg_error *err);
/* New stripes whose manifest could not be committed: they leave the set; the disk may name them. */
void wgi_discard(wg_engine *engine, wg_slice entries);
wg_code wgi_discard_reserve(wg_engine *engine, uint32_t count, wg_error *err); /* before they join it */
wg_code wgi_check_maintainable(const wg_engine *e, const char *what, bool *out_memory_only, wg_error *err);
void wgi_fragments_count(wg_engine *engine); /* maintenance.mutex is held */
void wgi_garbage_note(wg_engine *engine, wg_slice entries);
/* Removes files of stripes; what cannot be removed stays on the list. maintenance.mutex is held. */
void wgi_garbage_remove(wg_engine *engine);
/* At a writable open: removes every file of stripes/ that the manifest does not name. When there are any, or the log has segments that it does
 * not need and that will go next, the manifest is made durable before. */
wg_code wgi_garbage_collect(wg_engine *engine, wg_error *err);
wg_stripe_options wgi_stripe_options(wg_engine *engine);

/* ---- payloads of CATALOG, CHAIN, TABLE and HISTORY (stored_meta.c; docs/format/arc1.md, "Payloads") */

typedef struct wgi_stored_table { /* one table as a capture found it */
    struct wgi_table *table;
    uint64_t rows;
    uint64_t live;
    uint32_t columns;
    uint64_t pairs; /* of the history, stored ones included */
} wgi_stored_table;

typedef struct wgi_meta_pass {
    wg_engine *engine;
    wg_stripe_sink *sink;
    wgi_counts since;
    wgi_counts until;
    uint64_t since_logseq;
    uint64_t until_logseq;
    uint64_t catalog_pieces; /* in, out */
    const wgi_stored_table *tables;
    uint32_t table_count;
} wgi_meta_pass;
wg_code wgi_meta_store(wgi_meta_pass *pass, wg_error *err);
wg_code wgi_meta_load_catalog(wg_engine *engine, const wg_fragment *fragment, wg_arena *arena, wg_error *err);
wg_code wgi_meta_load_table(wg_engine *engine, const wg_fragment *fragment, wg_arena *arena, wg_error *err);
/* Chain value of a commit at or before the checkpoint. Inside an epoch. */
wg_code wgi_meta_chain_at(const wg_engine *engine, uint64_t logseq, wg_sha256 *out, wg_error *err);
/* Live rows of a table at `logseq`, from the stored part of its history. Inside an epoch. */
wg_code wgi_meta_live_at(const wg_engine *engine, uint32_t table, uint64_t pairs, uint64_t logseq, uint64_t *out,
                         wg_error *err);

/* ---- recovery (recover.c) */
/* Maps the stripes that the manifest names and makes memory what it was at the checkpoint. */
wg_code wgi_recover_stored(wg_engine *engine, wg_error *err);
typedef struct wgi_pipeline wgi_pipeline; /* recover.c */
typedef struct wgi_replay {
    wg_engine *engine;
    wg_arena arena;
    uint64_t commits;
    uint64_t since_checkpoint; /* bytes */
    bool keep_chain;           /* nobody else does */
    wgi_state_pass state;
    wgi_pipeline *pipeline;            /* the thread that applies; NULL: this one does */
    bool may_pipeline;                 /* once the log turns out to be long */
    uint64_t read_bytes, looked_bytes; /* of the log; when memory was looked at last */
    bool may_checkpoint;               /* a writable open: memory over its budget goes into stripes on the way */
} wgi_replay;
wg_code wgi_replay_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err);
/* Replays the log; with `append` it stays open for writing. */
wg_code wgi_recover_log(wg_engine *engine, uint32_t segment_bytes, bool append, wg_wal_recovery *recovery,
                        wg_error *err);
wg_wal_options wgi_wal_options(const wg_engine *engine, uint32_t segment_bytes);
wg_code wgi_settle_all(wg_engine *engine, wg_error *err);
/* Read-only engines (follow.c). */
/* *out_again: it failed because the writer replaced what the manifest named; try with another engine. */
wg_code wgi_follow_open(wg_engine *engine, bool *out_again, wg_error *err);

/* ---- opening (engine.c) */
wg_code wgi_engine_make(wg_platform *platform, const char *path, const wg_options *options, wg_engine **out,
                        wg_error *err);
void wgi_engine_free(wg_engine *engine);
wg_code wgi_workspace_find(wg_engine *engine, wg_arena *arena, bool *out_exists, wg_error *err);
wg_code wgi_workspace_lock(wg_engine *engine, wg_arena *arena, bool create, wg_error *err);
wg_code wgi_workspace_manifest(wg_engine *engine, wg_error *err); /* reads it and takes it over */

/* ---- runs of keys and adjacency (runs.c) */
/* A job of RUNS over `files` (by rising id, as they were described), or NOTHING. maintenance.mutex is held. */
wg_code wgi_runs_pick(wg_engine *engine, const wg_compaction_policy *policy, const wg_compaction_file *files,
                      uint32_t file_count, wg_compaction_job *out, wg_error *err);

/* ---- background and budgets */
/* Called by a commit that holds nothing: starts or does what has become due. */
void wgi_background_notice(wg_engine *engine);
struct wgi_label_state;
/* Whether the thread merges deltas of adjacency, and asking it to (writer, behind its commit). */
bool wgi_background_merges(wg_engine *engine);
void wgi_background_merge(wg_engine *engine, struct wgi_label_state *state);
void wgi_background_stop(wg_engine *engine);
/* For work on the background thread: something more urgent waits; sleep, but not through that. */
bool wgi_background_interrupted(wg_engine *engine);
void wgi_background_sleep(wg_engine *engine, uint64_t ns);
/* Runs what is due; WG_E_CANCELLED when interrupted. */
wg_code wgi_compact_background(wg_engine *engine, wg_error *err);
/* Before a transaction takes the writer's place: makes room, or WG_E_CAPACITY. */
wg_code wgi_budget_admit(wg_engine *engine, wg_error *err);
/* During a transaction: WG_E_CAPACITY when memory is over the cap for what is not in stripes. */
wg_code wgi_budget_check(wg_engine *engine, wg_error *err);
/* Keeps pages that the governor does not know of within bounds: called now and then by who reads much. Inside no lock. */
void wgi_residency_begin(wg_engine *engine);
void wgi_residency_look(wg_engine *engine);
uint64_t wgi_heap_cap(const wg_engine *engine); /* 0: none */

#endif
