/* worldgraph/state: the state of agents: runs, their key-values and events, versions, snapshots and optimistic transactions. In memory; the engine
 * above logs it, stores it and brings it back.
 *
 * Time. Each run has its own clock: its commits have versions 1, 2, 3, ...; everything a commit wrote carries its version. A snapshot of a run is
 * a version v: it shows, of each key, the newest record with version <= v unless that is a deletion or has expired (mvcc's rule), and the events
 * with version <= v. The log gives an order over all runs: a drain puts the commits of many runs into one commit of the log, and notes
 * for each run which version it had reached (wg_run_note). docs/adr/0011 says why.
 *
 * How a commit works (no global lock, no shared counter but its run's):
 *   room is reserved for all that may fail -> lane entered -> segments of the table locked, in order -> lanes stopped? give back, wait, again ->
 *   what was read is checked -> version = ++run->newest -> old records go to history, new ones into their slots, events into the log
 *   -> redo record into the lane -> unlocked -> lane left.
 * A version is taken while the locks of all that it changes are held. So a reader at snapshot v that finds a record's segment unlocked
 * has before it every commit <= v on that record; one that finds it locked waits for that one commit.
 *
 * Where things are. Keys of all runs share one table: extendible hashing over segments of 128 slots of 128 bytes (one miss for a key of 16 and a
 * value of 100 bytes), on huge pages. Longer keys or values have a block of their own. Replaced records go to history: chunks,
 * oldest forgotten first beyond history_bytes_max, except what a pin still sees. Keys in order: a tree a run (order.c), made when a
 * key is new. A forked run has its parent and the version of the fork: what it does not have itself it reads there; the fork pins that version.
 *
 * A fork's clock goes on where its parent's was: its first commit has version fork_version + 1, so versions of a key never come back
 * and what it inherits has versions of the same row.
 *
 * Commits whose redo record is over a quarter of a ring go through the engine: wg_state_put, _delete, _append and wg_state_commit refuse them with
 * WG_E_LIMIT (nothing changed; a transaction has ended), wg_state_txn_is_large says so before.
 *
 * Threads: a session is used by one thread at a time; different sessions at once, freely. */
#ifndef WG_WORLDGRAPH_STATE_H
#define WG_WORLDGRAPH_STATE_H

#include "worldgraph/events/events.h"
#include "worldgraph/lanes/lanes.h"
#include "worldgraph/state/layers.h"

enum {
    WG_KEY_BYTES_MAX = 1024,
    WG_STATE_VALUE_BYTES_MAX = 64 << 20,
    WG_STATE_RUNS_MAX = (1 << 24) - 1,
    WG_STATE_OPS_MAX = 1 << 20, /* of one transaction */
    WG_RUN_SYSTEM = 0           /* run 0: records about runs; always there */
};
#define WG_VERSION_MAX ((UINT64_C(1) << 47) - 2)
#define WG_VERSION_OWN (WG_VERSION_MAX + 1) /* of a record that the reading transaction wrote itself */
#define WG_VERSION_ANY UINT64_MAX           /* as an expected version: whatever is there */
/* An expected version of 0 means: the key is absent (never written, deleted, or expired). */

typedef struct wg_state wg_state;
typedef struct wg_state_run wg_state_run; /* lives until it is dropped and nobody holds it or is inside the epoch */
typedef struct wg_state_session wg_state_session; /* a lane, pooled transactions, scratch */
typedef struct wg_state_txn wg_state_txn;

typedef struct wg_state_options {
    wg_platform *platform;
    wg_account *account;
    wg_epoch *epoch;
    wg_lanes *lanes;
    /* STRICT: readers see what wg_state_run_durable said (and their own session's commits); otherwise what is committed. */
    bool readers_wait_for_durable;
    uint64_t history_bytes_max; /* 0: 64 MiB */
    /* Deletions are purged only once wg_state_run_stored has said that a checkpoint has them. False (IN_MEMORY): whenever nobody needs them. */
    bool keeps_until_stored;
} wg_state_options;

wg_code wg_state_create(const wg_state_options *options, wg_state **out, wg_error *err);
void wg_state_destroy(wg_state *state);
wg_lanes *wg_state_lanes(const wg_state *state);

wg_code wg_state_session_open(wg_state *state, wg_state_session **out, wg_error *err);
void wg_state_session_close(wg_state_session *session); /* aborts its transaction */
wg_lane *wg_state_session_lane(const wg_state_session *session);
bool wg_state_session_has_txn(const wg_state_session *session);

/* ---- values: a type and bytes. STRING, BYTES: the bytes; INT, FLOAT: 8 bytes little-endian; BOOL: one byte; NULL: none; all others: the
 * canonical bytes of docs/format/value.md without the type byte. This module never looks into them. */
typedef struct wg_state_value {
    uint8_t type; /* wg_type */
    wg_slice bytes;
    uint64_t expires_us; /* 0: never; since 1970 */
} wg_state_value;

/* Where reads put a record: no allocation for what fits. Zero before first use; keeps its block between reads. */
typedef struct wg_state_cell {
    uint64_t version; /* 0: absent */
    uint64_t time_us;
    uint64_t expires_us;
    uint8_t type;
    wg_slice bytes; /* in `small` or `large`; until the next read into this cell */
    wg_buf large;
    uint8_t small[128];
} wg_state_cell;
void wg_state_cell_deinit(wg_state_cell *cell);

/* A key with its hash: hash once, carry it. */
typedef struct wg_state_key {
    wg_slice bytes;
    uint64_t hash;
} wg_state_key;
wg_state_key wg_state_key_of(const wg_state_run *run, wg_slice bytes);

/* ---- runs */

/* How a run begins. Numbers are dense, given in log order. */
typedef struct wg_run_origin {
    uint32_t number;
    uint32_t parent;       /* WG_RUN_SYSTEM: none */
    uint64_t fork_version; /* of the parent */
    uint64_t fork_events;  /* events of the parent below it are the run's too */
} wg_run_origin;

/* Takes effect at once and is not logged: the caller logs RUN_CREATE in the same log commit as the record of the run in run 0. O(1). */
wg_code wg_state_run_create(wg_state *state, const wg_run_origin *origin, wg_state_run **out, wg_error *err);
/* Nobody finds the run any more; its memory goes when no reader and no child needs it. O(1) for the caller, the rest is done by
 * wg_state_collect, bounded per call. */
void wg_state_run_drop(wg_state *state, uint32_t number);
wg_state_run *wg_state_run_at(const wg_state *state, uint32_t number); /* NULL: none, or dropped */
/* The same, and it stays until it is released: when dropped, commits in it are WG_E_NOT_FOUND, reads find what is left. */
wg_state_run *wg_state_run_hold(wg_state *state, uint32_t number);
void wg_state_run_release(wg_state_run *run);
/* A run that is perhaps dropped but still has forks: for lineages. The fork keeps it. */
wg_state_run *wg_state_run_ancestor(const wg_state *state, uint32_t number);
uint32_t wg_state_run_count(const wg_state *state); /* numbers given so far, dropped ones included; at least 1 */
const wg_run_origin *wg_state_run_origin(const wg_state_run *run);
/* Asked for after a snapshot was taken: has all its events (waits for an append that is under way). */
wg_events *wg_state_run_events(const wg_state_run *run);
uint64_t wg_state_run_newest(const wg_state_run *run);  /* newest version that was given */
uint64_t wg_state_run_visible(const wg_state_run *run); /* what a new reader sees */
const _Atomic uint64_t *wg_state_run_visible_at(
    const wg_state_run *run);                                   /* where that stands, as long as the run lives */
void wg_state_run_durable(wg_state_run *run, uint64_t version); /* raises what STRICT readers see */
/* Commit `logseq` of the log brought the run to `version`. Rising; one thread at a time notes. Cannot fail behind a reservation, which comes before the
 * log is written. */
wg_code wg_state_run_note_reserve(wg_state_run *run, wg_error *err);
wg_code wg_state_run_note(wg_state_run *run, uint64_t logseq, uint64_t version, wg_error *err);
/* The run's version at snapshot `logseq`; before its first commit: 0, of a fork the version of the fork. */
uint64_t wg_state_run_version_at(const wg_state_run *run, uint64_t logseq);
/* A checkpoint has everything up to `version`. Rising. */
void wg_state_run_stored(wg_state_run *run, uint64_t version);
typedef wg_code (*wg_state_note_fn)(void *ctx, uint64_t logseq, uint64_t version, wg_error *err);
wg_code wg_state_run_notes(const wg_state_run *run, uint64_t since, uint64_t until, wg_state_note_fn fn, void *ctx,
                           wg_error *err);                          /* those of logseqs in (since, until], rising */
void wg_state_run_forget_notes(wg_state_run *run, uint64_t logseq); /* those below are not needed any more */
/* Without a checkpoint that bounds them: of more than `most` notes the older half goes, but none that says what the run was at `oldest` or later. */
void wg_state_run_bound_notes(wg_state_run *run, uint32_t most, uint64_t oldest);
uint32_t wg_state_run_note_count(const wg_state_run *run);
uint64_t wg_state_run_notes_from(const wg_state_run *run); /* the bound left no notes of what the run was below it */

/* A snapshot that is kept readable. WG_E_EXPIRED: history of before it was forgotten. wg_state_snapshot is for short reads: ~20 ns,
 * one store into the session. */
typedef struct wg_state_pin {
    wg_state_run *run;
    uint64_t version;
    uint32_t slot;
} wg_state_pin;
wg_code wg_state_pin_acquire(wg_state_session *session, wg_state_run *run, uint64_t version, wg_state_pin *out,
                             wg_error *err);
void wg_state_pin_release(wg_state_pin *pin);
uint64_t wg_state_run_horizon(const wg_state_run *run); /* oldest version that can surely be read in memory */

/* ---- reads: at version `snapshot`, or the newest visible (WG_LOGSEQ_NEVER). Session: NULL is legal when nothing is own. */

wg_code wg_state_get(wg_state_session *session, wg_state_run *run, const wg_state_key *key, uint64_t snapshot,
                     uint64_t now_us, wg_state_cell *out, wg_error *err);
/* The same for n keys with all misses in flight at once. */
wg_code wg_state_get_many(wg_state_session *session, wg_state_run *run, const wg_state_key *keys, uint32_t n,
                          uint64_t snapshot, uint64_t now_us, wg_state_cell *out, wg_error *err);
/* Keys in order of their bytes from `from` on (reverse: down from it), those that begin with `prefix`, visible at `snapshot`. Fills up to `n` rows;
 * pointers live until the next call with this scan. *out_n 0: the end. Own records of a fork hide its parent's. */
typedef struct wg_state_scan wg_state_scan;
typedef struct wg_state_row {
    wg_slice key;
    uint64_t version, time_us, expires_us;
    uint8_t type;
    wg_slice value;
} wg_state_row;
typedef struct wg_state_range {
    wg_slice prefix;    /* empty: all */
    wg_slice from;      /* empty: the beginning (reverse: the end) */
    bool from_excluded; /* a cursor goes on behind its last key */
    bool reverse;
    bool keys_only;
} wg_state_range;
wg_code wg_state_scan_open(wg_state_session *session, wg_state_run *run, const wg_state_range *range,
                           uint64_t snapshot, uint64_t now_us, wg_state_scan **out, wg_error *err);
wg_code wg_state_scan_next(wg_state_scan *scan, wg_state_row *rows, uint32_t n, uint32_t *out_n, wg_error *err);
void wg_state_scan_close(wg_state_scan *scan); /* pooled in the session */
/* The versions of a key, newest first, from `snapshot` down; deletions included (type NULL with deleted). False stops. *out_complete false: older
 * ones were forgotten from memory. */
typedef struct wg_state_version {
    uint64_t version, time_us, expires_us;
    bool deleted;
    uint8_t type;
    wg_slice value;
} wg_state_version;
typedef bool (*wg_state_version_fn)(void *ctx, const wg_state_version *version);
wg_code wg_state_history(wg_state_run *run, const wg_state_key *key, uint64_t snapshot, wg_state_version_fn fn,
                         void *ctx, bool *out_complete, wg_error *err);

/* ---- one operation, its own transaction: no transaction object. *out_version may be NULL.
 * WG_E_CONFLICT: another version than `expected` is there; the error names key and both versions. A deletion of an absent key
 * commits nothing: *out_version 0. now_us: the coarse clock; the commit's time. */
wg_code wg_state_put(wg_state_session *session, wg_state_run *run, const wg_state_key *key,
                     const wg_state_value *value, uint64_t expected, uint64_t now_us, uint64_t *out_version,
                     wg_error *err);
wg_code wg_state_delete(wg_state_session *session, wg_state_run *run, const wg_state_key *key, uint64_t expected,
                        uint64_t now_us, uint64_t *out_version, wg_error *err);
wg_code wg_state_append(wg_state_session *session, wg_state_run *run, wg_slice type, const wg_state_value *payload,
                        uint64_t now_us, uint64_t *out_sequence, uint64_t *out_version, wg_error *err);

/* ---- transactions over one run; pooled: begin and end allocate nothing in steady state. At most one a session. */
typedef enum wg_state_isolation {
    WG_STATE_SNAPSHOT, /* every key that was read and every expected version is checked at commit; blind writes do not conflict */
    WG_STATE_SERIALIZABLE /* scanned ranges, histories and lengths of the event log are checked too */
} wg_state_isolation;
wg_code wg_state_begin(wg_state_session *session, wg_state_run *run, wg_state_isolation isolation, uint64_t now_us,
                       wg_state_txn **out, wg_error *err);
uint64_t wg_state_txn_snapshot(const wg_state_txn *txn);
wg_state_run *wg_state_txn_run(const wg_state_txn *txn);
bool wg_state_txn_has_writes(const wg_state_txn *txn);
/* Its record, or the write of one key, is over a quarter of a ring: it is committed through the engine. */
bool wg_state_txn_is_large(const wg_state_txn *txn);
bool wg_state_put_is_large(const wg_state_session *session, const wg_state_key *key, const wg_state_value *value);
/* Own writes first (version WG_VERSION_OWN), then the snapshot. Remembers what was read. */
wg_code wg_state_txn_get(wg_state_txn *txn, const wg_state_key *key, wg_state_cell *out, wg_error *err);
wg_code wg_state_txn_put(wg_state_txn *txn, const wg_state_key *key, const wg_state_value *value, uint64_t expected,
                         wg_error *err);
wg_code wg_state_txn_delete(wg_state_txn *txn, const wg_state_key *key, uint64_t expected, wg_error *err);
/* *out_sequence: what it will be unless others append before the commit (then, with isolation SERIALIZABLE, the commit conflicts). */
wg_code wg_state_txn_append(wg_state_txn *txn, wg_slice type, const wg_state_value *payload, uint64_t *out_sequence,
                            wg_error *err);
/* Rows of the range with own writes merged in; for SERIALIZABLE the range is remembered. */
wg_code wg_state_txn_scan(wg_state_txn *txn, const wg_state_range *range, wg_state_scan **out, wg_error *err);
wg_code wg_state_txn_reads_events(wg_state_txn *txn, wg_error *err); /* the length counts as read from now on */
/* Ends the transaction in every case. *out_version: 0 when nothing was written; *out_first_sequence: of the first appended event. */
wg_code wg_state_commit(wg_state_txn *txn, uint64_t *out_version, uint64_t *out_first_sequence, wg_error *err);
void wg_state_abort(wg_state_txn *txn);

/* A commit that goes through the engine: with writes of the graph, or over a quarter of a ring. The lanes are stopped by the caller, who logs.
 *   prepare: checks what was read, takes the version, encodes the redo record into `redo`. Nothing is visible; a failure ends the transaction
 *   apply:   cannot fail; ends the transaction. Or: abandon, when the log refused. */
wg_code wg_state_commit_prepare(wg_state_txn *txn, wg_buf *redo, uint64_t *out_version, wg_error *err);
void wg_state_commit_apply(wg_state_txn *txn, uint64_t *out_first_sequence);
void wg_state_commit_abandon(wg_state_txn *txn);

/* ---- checkpoints: the engine captures each run's version at a cut, then calls this beside writers. */

/* Every record of the run with since < version <= until: by key, newest version first, deletions included; records that history no longer has are
 * left out. The newest one at or before `until` is always there. False stops with WG_E_CANCELLED. */
typedef bool (*wg_state_record_fn)(void *ctx, wg_slice key, const wg_state_version *record);
wg_code wg_state_changes(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                         wg_error *err);
/* Own records only, newest first per key, keys ascending: at open, before anything else of the run. `mapped`: value bytes stay where they are
 * (a stripe that lives as long as the state); otherwise they are copied. */
wg_code wg_state_restore(wg_state_run *run, wg_slice key, const wg_state_version *newest, bool mapped, wg_error *err);
void wg_state_restored(wg_state_run *run, uint64_t version); /* the run stands at `version` now */

/* ---- housekeeping and metrics */

/* Bounded work: purges deletions and forgets history below what pins and the bound need, frees dropped runs. True: call again. Any thread, one at a time. */
bool wg_state_collect(wg_state *state);
typedef struct wg_state_metrics {
    uint64_t runs, keys, slots, segments, table_bytes, history_bytes, order_bytes, event_bytes, large_bytes;
    uint64_t commits, conflicts, splits, history_forgotten;
} wg_state_metrics;
void wg_state_metrics_get(const wg_state *state, wg_state_metrics *out);

/* ---- changes since a fork, for diff and merge: O(changes). Every key of which the run has a record with version > since (its own records; a key
 * of the parent that was not touched is not among them), in key order, with its newest record at or before `until`. */
wg_code wg_state_changed_keys(wg_state_run *run, uint64_t since, uint64_t until, wg_state_record_fn fn, void *ctx,
                              wg_error *err);

#include "worldgraph/state/redo.h"
#include "worldgraph/state/straight.h"

#endif
