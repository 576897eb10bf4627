/* engine: one open workspace: recovery, transactions, the catalog at a snapshot, and the reads and writes of executors.
 *
 * Owned and virtual labels are read through the same calls: a scan is a list of tasks (a fragment, or a row group), each
 * read in batches; where the rows live shows only in statistics. Property names are numbered once ("keys"), labels have
 * numbers too, and both never change their number, because they are assigned in log order.
 *
 * Ids: an owned node or edge has a dense id (bit 63 clear). A virtual row has id 1<<63 | partition << 40 | row, where the
 * partition number is assigned in the log when its file is first seen.
 *
 * Threads: a transaction is used by one thread at a time, except that scans and reads (const wg_txn *) of one transaction
 * may run on many threads at once while nothing writes in it. */
#ifndef WG_ENGINE_H
#define WG_ENGINE_H

#include "base/kernels/kernels.h"
#include "io/metrics/metrics.h"
#include "io/platform/platform.h"
#include "io/pool/pool.h"
#include "io/wal_store/wal_store.h"
#include "mvcc/mvcc.h"
#include "worldgraph/catalog/catalog.h"
#include "worldgraph/nodes/nodes.h"
#include "worldgraph/state/state.h"
#include "worldgraph/topology/topology.h"

typedef struct wg_engine wg_engine;
typedef struct wg_txn wg_txn;

#define WG_ID_VIRTUAL (UINT64_C(1) << 63)
static inline bool wg_id_is_virtual(uint64_t id) { return (id & WG_ID_VIRTUAL) != 0; }

/* ---- open and close */

typedef struct wg_engine_options {
    wg_platform *platform; /* NULL: real */
    wg_options options;
    uint32_t wal_segment_bytes; /* 0: default; tests use small ones */
    uint64_t halves_log_bytes;  /* a checkpoint of so much log is written in halves; 0: 16 MiB; tests use less */
    const char *ring_dir;       /* BUFFERED: where rings of agents' state lie; NULL: /dev/shm; "": own memory */
    wg_pool *pool;              /* for merges of adjacency; outlives the engine. NULL: none */
    uint32_t delta_edges_min;   /* more are worth a merge of adjacency; 0: default; tests use few */
    bool no_background;         /* as in options; simulated and faulty platforms have no background in any case */
} wg_engine_options;

/* memory_bytes_max without what the program itself needs; 0: no limit. Queries get a quarter of it. */
uint64_t wg_engine_memory_to_split(const wg_options *options);

wg_code wg_engine_open(const char *path, const wg_engine_options *options, wg_engine **out, wg_error *err);
wg_code wg_engine_close(wg_engine *engine, wg_error *err);
wg_code wg_engine_verify(wg_platform *platform, const char *path, wg_verify_report *out, wg_error *err);
/* Makes the workspace `to`, which must not exist or be an empty directory, from the backup (or closed workspace) `from`, and verifies it.
 * A failure leaves no workspace there. platform NULL: real; out may be NULL. */
typedef struct wg_restore_request {
    const char *from;
    const char *to;
    wg_progress_fn progress; /* NULL: none */
    void *ctx;
} wg_restore_request;
wg_code wg_engine_restore(wg_platform *platform, const wg_restore_request *request, wg_backup_info *out,
                          wg_error *err);
wg_code wg_engine_sync(wg_engine *engine, wg_error *err);
uint64_t wg_engine_logseq(const wg_engine *engine);
uint64_t wg_engine_manifest_epoch(const wg_engine *engine);
uint32_t wg_engine_writers_waiting(wg_engine *engine); /* for the writer's place */
const wg_options *wg_engine_option_values(const wg_engine *engine);
const uint8_t *wg_engine_store_uuid(const wg_engine *engine); /* 16 bytes */
bool wg_engine_chain_at(wg_engine *engine, uint64_t logseq, wg_sha256 *out);
/* The same with the reason: WG_E_CORRUPT when neither the log nor the stripes have it | WG_E_NOMEM, WG_E_IO: it could not be read. */
wg_code wg_engine_chain_value(wg_engine *engine, uint64_t logseq, wg_sha256 *out, wg_error *err);
wg_account *wg_engine_account(wg_engine *engine);
wg_platform *wg_engine_platform(wg_engine *engine);
/* Where temporary files of queries lie: the workspace, or "" (the system's directory for them) where nothing may be written there. */
const char *wg_engine_temporary_directory(const wg_engine *engine);
wg_epoch *wg_engine_epoch(wg_engine *engine);

/* ---- maintenance: one call at a time runs, others wait (rank WG_RANK_MAINTENANCE). Nothing here blocks readers; writers wait only while a
 * checkpoint captures counts and while finished fragments are adopted. */

/* Writes what changed since the last checkpoint into stripes of level 0, commits a manifest, trims the log, gives the heap back. Nothing
 * to do is WG_OK. A failure leaves the old checkpoint. */
wg_code wg_engine_checkpoint(wg_engine *engine, wg_checkpoint_info *out, wg_error *err);
/* Runs due jobs (or merges everything) until none is left among the stripes that there were when it began and what it makes of them:
 * what checkpoints write meanwhile is left to the next call, so that it ends beside any writer. progress may be NULL. */
wg_code wg_engine_compact(wg_engine *engine, const wg_compact_options *options, wg_progress_fn progress, void *ctx,
                          wg_compact_info *out, wg_error *err);
void wg_engine_compaction_pause(wg_engine *engine, bool paused);
/* Snapshots before `logseq` can no longer be read (WG_E_EXPIRED); durable with the next manifest, which is written now. */
wg_code wg_engine_expire(wg_engine *engine, uint64_t logseq, wg_error *err);
uint64_t wg_engine_horizon(const wg_engine *engine); /* oldest snapshot that can be read */
/* A read-only engine takes in what the writer made durable since. WG_E_EXPIRED: the log that it needs is gone, or its memory is full of
 * what is in stripes by now; it stays as it is, and an engine that is opened anew sees the newest state. */
wg_code wg_engine_follow(wg_engine *engine, uint64_t *out_logseq, wg_error *err);
/* Copies a consistent state into the new or existing backup directory `to`: stripes that are there already are not copied again. The
 * exception to the rule above: other maintenance goes on beside it and leaves the removal of files to its end. */
wg_code wg_engine_backup(wg_engine *engine, const char *to, wg_progress_fn progress, void *ctx, wg_backup_info *out,
                         wg_error *err);
/* True when no transaction is open and no snapshot is pinned. */
bool wg_engine_is_idle(wg_engine *engine);
/* A snapshot that is kept readable until it is released, apart from any transaction. WG_E_EXPIRED. The caller closes it before the engine. */
typedef struct wg_engine_pin wg_engine_pin;
wg_code wg_engine_pin_acquire(wg_engine *engine, uint64_t snapshot, wg_engine_pin **out, wg_error *err);
void wg_engine_pin_release(wg_engine *engine, wg_engine_pin *pin); /* NULL is legal */
/* Calls fn for every metric, in a fixed order. */
wg_code wg_engine_metrics(wg_engine *engine, wg_metric_fn fn, void *ctx, wg_error *err);

/* ---- transactions */

typedef enum wg_txn_mode {
    WG_TXN_READ,      /* a snapshot; every write is WG_E_READ_ONLY */
    WG_TXN_WRITE,     /* takes the writer lock at once and reads the newest state: never conflicts */
    WG_TXN_OPTIMISTIC /* reads the snapshot of begin; the first write takes the writer lock; a row that somebody changed
                          after the snapshot gives WG_E_CONFLICT */
} wg_txn_mode;

/* At most this many transactions are open at a time; the next begin is WG_E_LIMIT. */
enum { WG_TXN_OPEN_MAX = 120 };

/* as_of 0: the newest state; a past logseq not with WRITE (WG_E_EXPIRED when the log has not reached it): OPTIMISTIC then conflicts with what came since. */
wg_code wg_txn_begin(wg_engine *engine, wg_txn_mode mode, uint64_t as_of, wg_txn **out, wg_error *err);
/* The same; waiting for the writer ends when `cancel` (NULL: nothing) says so, with its code. It must live as long as the transaction, or until
 * another takes its place: wg_txn_wait_within. */
wg_code wg_txn_begin_within(wg_engine *engine, wg_txn_mode mode, uint64_t as_of, const wg_cancel *cancel,
                            wg_txn **out, wg_error *err);
void wg_txn_wait_within(wg_txn *txn, const wg_cancel *cancel);
/* Ends the transaction and frees it in every case. *out_logseq: the commit's number, or the snapshot when nothing was
 * written. In STRICT mode returns after the sync. */
wg_code wg_txn_commit(wg_txn *txn, uint64_t *out_logseq, wg_error *err);
void wg_txn_abort(wg_txn *txn); /* NULL is legal */
wg_view wg_txn_view(const wg_txn *txn);
wg_engine *wg_txn_engine(const wg_txn *txn);
bool wg_txn_is_write(const wg_txn *txn); /* the mode allows writes */
/* For the scans that begin from now on; ANY at first. */
void wg_txn_set_speed_lane(wg_txn *txn, wg_speed_lane lane);
/* Counters that this transaction has reached; statement counters are differences. */
void wg_txn_stats(const wg_txn *txn, wg_stats *out);

/* Before a statement that reads: edges that this transaction has loaded become as fast to find as others. Cheap when there are none. */
void wg_txn_index_own(wg_txn *txn);
/* What of the catalog a plan was made from, as a number: two equal ones mean the same engine and the same definitions, keys and files,
 * for all snapshots from *out_since on. Every change of the catalog gives a new one, also one that is not committed or is taken back;
 * what is read with the number in hand is of that epoch if the number is the same afterwards. Threads: any. */
uint64_t wg_engine_schema_epoch(const wg_engine *engine, uint64_t *out_since);
bool wg_txn_has_writes(const wg_txn *txn);

/* A place to go back to: a failed statement undoes its own writes and leaves the transaction as it was. */
typedef struct wg_txn_mark {
    size_t undo_bytes;
    size_t log_bytes;
    size_t late_bytes;
    bool ddl;
    wg_stats stats;
} wg_txn_mark;
void wg_txn_mark_set(const wg_txn *txn, wg_txn_mark *out);
void wg_txn_rollback_to(wg_txn *txn, const wg_txn_mark *mark);

/* Between these two a row may break constraints, NOT NULL and primary keys: single writes note it, and the end says so of the first one
 * that still does (WG_E_CONSTRAINT, at the place in the text that was set before its write). Loads check each row at once. `code` is
 * what became of the statement: a failure is given back as it is. After an error the caller rolls back. */
void wg_txn_statement_begin(wg_txn *txn);
void wg_txn_set_place(wg_txn *txn, uint64_t offset);
wg_code wg_txn_statement_end(wg_txn *txn, wg_code code, wg_error *err);

/* Looks for files of the virtual labels (numbers; labels dropped meanwhile are skipped) that are not yet registered and
 * registers them in a commit of its own. Call outside of a transaction, before the one that reads. */
wg_code wg_engine_refresh(wg_engine *engine, const uint32_t *labels, uint32_t label_count, wg_error *err);

/* ---- catalog at the transaction's view */

const wg_catalog *wg_txn_catalog(const wg_txn *txn);
/* Live rows of a label at the newest state (owned: exact or slightly over; virtual: exact), for the optimiser: a function
 * of the snapshot alone. */
uint64_t wg_txn_label_row_estimate(const wg_txn *txn, uint32_t label);
/* The static type of a property over all rows that a scan of `labels` may meet: a declared type, or ANY when tables differ or
 * rows of open labels may match; WG_TYPE_NULL when no such row can have it. */
wg_type wg_txn_node_property_type(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, uint32_t key);
wg_type wg_txn_edge_property_type(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, uint32_t key);

/* ---- point reads; ids may be owned or virtual; an id that is not visible reads as null */

/* Appends n cells to `out` (any type: cells are converted to it when it is ANY; else it must be the property's type). */
wg_code wg_read_node_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err);
wg_code wg_read_edge_property(const wg_txn *txn, const uint64_t *ids, uint32_t n, uint32_t key, wg_column *out,
                              wg_error *err);
/* out[i] = 1 when node i is visible and has all labels. */
wg_code wg_nodes_have_labels(const wg_txn *txn, const uint64_t *ids, uint32_t n, const uint32_t *labels,
                             uint32_t label_count, uint8_t *out, wg_error *err);
/* Label numbers of a visible node, sorted by name; in the arena. */
wg_code wg_node_labels(const wg_txn *txn, uint64_t id, wg_arena *arena, const uint32_t **out, uint32_t *out_count,
                       bool *out_found, wg_error *err);
/* All non-null properties, sorted by name. */
wg_code wg_node_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err);
wg_code wg_edge_properties(const wg_txn *txn, uint64_t id, wg_arena *arena, const wg_map_entry **out,
                           uint32_t *out_count, wg_error *err);
typedef struct wg_edge_info {
    uint32_t label;
    uint64_t from;
    uint64_t to;
} wg_edge_info;
wg_code wg_edge_info_get(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err);
/* The same for an edge that this transaction itself has deleted. */
wg_code wg_edge_info_deleted(const wg_txn *txn, uint64_t id, wg_edge_info *out, bool *out_found, wg_error *err);

/* Finds the visible node whose primary key equals `key` (values in key order). */
wg_code wg_node_seek(const wg_txn *txn, uint32_t label, const wg_value *key, uint32_t key_count, uint64_t *out_id,
                     bool *out_found, wg_error *err);

/* Visible edges of a node, in (label, edge id) order; BOTH gives OUT then IN, a loop once. Zero *position to begin. Returns up to
 * count_max; *out_count 0 at the end. labels none: every edge label. */
typedef struct wg_expand_position {
    uint32_t label_index;
    uint32_t direction;
    uint64_t entry; /* edge id to go on from */
} wg_expand_position;
wg_code wg_expand(const wg_txn *txn, uint64_t node, wg_direction direction, const uint32_t *labels,
                  uint32_t label_count, wg_expand_position *position, uint32_t count_max, uint64_t *edges,
                  uint64_t *neighbours, uint32_t *out_count, wg_error *err);

/* ---- writes; every one checks the transaction's mode and declared types and logs one mutation */

/* Number of a property name or label, made when new. An unknown label becomes an open one. */
wg_code wg_txn_intern_key(wg_txn *txn, wg_slice name, uint32_t *out, wg_error *err);
wg_code wg_txn_intern_label(wg_txn *txn, wg_slice name, bool is_edge, uint32_t *out, wg_error *err);

typedef struct wg_property {
    uint32_t key;
    wg_value value; /* null: none */
} wg_property;

/* Errors: WG_E_CONSTRAINT duplicate key or null in a not-null column | WG_E_TYPE | WG_E_NOT_FOUND a declared label has no such
 * property | WG_E_READ_ONLY virtual label or transaction | WG_E_CONFLICT | WG_E_NOMEM. A failed write leaves the transaction as
 * it was. */
wg_code wg_txn_create_node(wg_txn *txn, const uint32_t *labels, uint32_t label_count, const wg_property *properties,
                           uint32_t property_count, uint64_t *out_id, wg_error *err);
/* Bulk: rows of `batch` (no selection), column i is keys[i]; one mutation. *out_first: ids are consecutive. */
wg_code wg_txn_create_nodes(wg_txn *txn, uint32_t label, const uint32_t *keys, const wg_batch *batch,
                            uint64_t *out_first, wg_error *err);
/* Bulk: edge i goes from from[i] to to[i]; their ids are consecutive too. */
wg_code wg_txn_create_edges(wg_txn *txn, uint32_t label, const uint32_t *keys, const wg_batch *batch,
                            const uint64_t *from, const uint64_t *to, uint64_t *out_first, wg_error *err);
wg_code wg_txn_create_edge(wg_txn *txn, uint32_t label, uint64_t from, uint64_t to, const wg_property *properties,
                           uint32_t property_count, uint64_t *out_id, wg_error *err);
/* Changes several properties of one node or edge; a null value removes. `replace`: those not named are removed. */
wg_code wg_txn_set_node(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err);
wg_code wg_txn_set_edge(wg_txn *txn, uint64_t id, const wg_property *properties, uint32_t property_count,
                        bool replace, wg_error *err);
wg_code wg_txn_change_labels(wg_txn *txn, uint64_t id, const uint32_t *add, uint32_t add_count,
                             const uint32_t *remove, uint32_t remove_count, wg_error *err);
/* detach: deletes its edges too; otherwise WG_E_CONSTRAINT when it has any. Deleting what is deleted is WG_OK. */
wg_code wg_txn_delete_node(wg_txn *txn, uint64_t id, bool detach, wg_error *err);
wg_code wg_txn_delete_edge(wg_txn *txn, uint64_t id, wg_error *err);

/* DDL. Names in `def` are resolved here: unknown endpoint labels are WG_E_NOT_FOUND. Virtual: the pattern is made absolute, every file
 * that matches is registered, and the columns are checked against each file, or taken from the first one when def has none. */
wg_code wg_txn_create_label(wg_txn *txn, const wg_label_def *def, bool if_not_exists, wg_error *err);
/* Who evaluates computed columns: the engine knows their text alone. `read` gives the value of another column of the row. */
typedef struct wg_row_reader {
    wg_code (*read)(void *ctx, uint32_t column, wg_value *out, wg_error *err);
    void *ctx;
} wg_row_reader;
typedef wg_code (*wg_compute_fn)(const wg_catalog *catalog, wg_view view, const wg_label *label, uint32_t column,
                                 const wg_row_reader *row, wg_arena *arena, wg_value *out, wg_error *err);
void wg_engine_set_computer(wg_engine *engine, wg_compute_fn fn); /* any thread; always the same one */
/* True when some label has, or had, a computed column of this name. */
bool wg_engine_computes(const wg_engine *engine, uint32_t key);

/* ALTER of a label. ADD_COLUMN: all of `def` (a computed one too; text and types are the caller's business); SET_TYPE: what `def` says about
 * the type; RENAME_*: `name`; SET_DEFAULT: def.default_value, NULL takes it away; SET_PATTERN: `name` is the new path. */
typedef enum wg_alter_kind {
    WG_ALTER_ADD_COLUMN,
    WG_ALTER_DROP_COLUMN,
    WG_ALTER_RENAME_COLUMN,
    WG_ALTER_RENAME_LABEL,
    WG_ALTER_SET_NOT_NULL,
    WG_ALTER_DROP_NOT_NULL,
    WG_ALTER_SET_TYPE,
    WG_ALTER_SET_DEFAULT,
    WG_ALTER_SET_PATTERN
} wg_alter_kind;
typedef struct wg_alter {
    wg_alter_kind kind;
    const char *column; /* that exists; ADD_COLUMN: def.name says it */
    const char *name;
    wg_column_def def;
    bool lenient; /* IF EXISTS, IF NOT EXISTS */
} wg_alter;
/* Rows that do not fit the new definition: WG_E_CONSTRAINT, or WG_E_TYPE and WG_E_VALUE of the first. Virtual labels only gain and lose computed
 * columns, their name and their path. */
wg_code wg_txn_alter_label(wg_txn *txn, wg_slice label, bool is_edge, const wg_alter *alter, wg_error *err);
wg_code wg_txn_drop_label(wg_txn *txn, wg_slice name, bool is_edge, bool if_exists, wg_error *err);

#include "engine/engine_copy.h"
#include "engine/engine_runs.h"
#include "engine/index.h"
#include "engine/versions.h"
#include "engine/engine_scan.h"

#endif
