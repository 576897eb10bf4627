/* worldgraph: an embedded world-graph database.
 *
 * One directory holds a typed property graph of the things that change, joined in openCypher with observations
 * that never change (Parquet files, read in place). This header is the whole public surface: C and C++,
 * self-contained, no other header of the project is installed.
 *
 * Reading rules, valid for every declaration below:
 *   Owns     says who frees what. A handle from X_open/X_begin/X_prepare is freed by its own close/finish function;
 *            closing NULL is legal. Pointers returned by getters live as long as the handle that they came from,
 *            unless the comment names a shorter life.
 *   Threads  "any" = callable from any thread at the same time; "one at a time" = the caller serialises the calls
 *            on this handle. Different sessions of one database may be used from different threads freely.
 *   Errors   every fallible function returns a wg_code and takes a wg_error as its last argument, which may be NULL.
 *            On failure out parameters are left untouched. The error struct never allocates.
 */
#ifndef WORLDGRAPH_H
#define WORLDGRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WG_VERSION_MAJOR 0
#define WG_VERSION_MINOR 1
#define WG_VERSION_PATCH 0

#if defined(__GNUC__)
#define WG_API      __attribute__((visibility("default")))
#define WG_MUST_USE __attribute__((warn_unused_result))
#else
#define WG_API
#define WG_MUST_USE
#endif

/* ------------------------------------------------------------------ errors */

/* X(name, number, GQLSTATUS, one-phrase meaning). Numbers are stable for ever; docs/errors.md is generated from here. */
#define WG_CODE_LIST(X)                                                                                            \
    X(WG_OK, 0, "00000", "success")                                                                                \
    X(WG_E_MISUSE, 1, "G1000", "a call that its contract forbids: a bad argument, a closed handle, a wrong order") \
    X(WG_E_NOMEM, 2, "53200", "the allocator or the memory account refused")                                       \
    X(WG_E_IO, 3, "58030", "the operating system failed a call; sys_errno says how")                               \
    X(WG_E_CORRUPT, 4, "G1001", "stored or foreign bytes are damaged or break their format")                       \
    X(WG_E_LIMIT, 5, "53000", "a stated limit was reached")                                                        \
    X(WG_E_VERSION, 6, "G1002", "written by a newer version, or needs a feature that this build does not have")    \
    X(WG_E_BUSY, 7, "55006", "another process or transaction holds what is needed")                                \
    X(WG_E_CONFLICT, 8, "40001", "a concurrent transaction committed first; run the transaction again")            \
    X(WG_E_EXPIRED, 9, "G1003", "the snapshot is no longer, or not yet, available")                                \
    X(WG_E_NOT_FOUND, 10, "42704", "a named label, property, file, column or parameter does not exist")            \
    X(WG_E_EXISTS, 11, "42710", "the object exists already")                                                       \
    X(WG_E_SYNTAX, 12, "42601", "the query text cannot be parsed")                                                 \
    X(WG_E_BIND, 13, "42000", "the query text parses but does not make sense")                                     \
    X(WG_E_TYPE, 14, "22G03", "a value or column has a type that does not fit")                                    \
    X(WG_E_VALUE, 15, "22000", "a value is out of range: overflow, division by zero, bad format")                  \
    X(WG_E_CONSTRAINT, 16, "23000", "a key, uniqueness or not-null rule would be broken")                          \
    X(WG_E_UNSUPPORTED, 17, "0A000", "a legal request that this version does not answer; never answered wrongly")  \
    X(WG_E_CANCELLED, 18, "57014", "cancelled by the caller")                                                      \
    X(WG_E_DEADLINE, 19, "57015", "the deadline passed before the answer was complete")                            \
    X(WG_E_READ_ONLY, 20, "25006", "a write to a virtual label, a read-only handle or a snapshot")                 \
    X(WG_E_CHANGED, 21, "G1004", "a file that must never change has changed since it was first seen")              \
    X(WG_E_CAPACITY, 22, "G1005", "a capacity-bounded container is full (CapacityExceeded)")                       \
    X(WG_E_PARAMETER, 23, "42P02", "a query parameter is missing or has no usable value")                          \
    X(WG_E_INTERNAL, 24, "XX000", "an invariant of the engine is broken; please report it")

#define WG_CODE_ENUM(name, number, status, meaning) name = number,
typedef enum wg_code { WG_CODE_LIST(WG_CODE_ENUM) } wg_code;
#undef WG_CODE_ENUM

/* Caller-owned error context; lives on the stack, never allocates. `offset` is a byte offset into the query text or
 * into the file that `message` names, UINT64_MAX if there is none. `line` and `column` count from 1 and are 0 unless
 * the error is about query text (columns count Unicode scalar values) or a text file. */
typedef struct wg_error {
    wg_code code;
    int32_t sys_errno;
    uint64_t offset;
    uint32_t line;
    uint32_t column;
    char message[232];
} wg_error;

#define WG_NO_OFFSET UINT64_MAX

/* Name ("WG_E_IO"), five-character GQLSTATUS and meaning of a code; never NULL. Threads: any. */
WG_API const char *wg_code_name(wg_code code);
WG_API const char *wg_code_gqlstatus(wg_code code);
WG_API const char *wg_code_meaning(wg_code code);

/* Writes "message", the place and, when `query` (NUL-terminated, may be NULL) is the text that failed, its line with a
 * caret under the place. Always NUL-terminates. Returns the size needed, without the NUL. Threads: any. */
WG_API size_t wg_error_format(const wg_error *err, const char *query, char *out, size_t out_size);

/* "0.1.0". Threads: any. */
WG_API const char *wg_version(void);

/* ------------------------------------------------------------------ values */

/* Logical types. The numbers are part of the ABI and of the on-disk formats. */
typedef enum wg_type {
    WG_TYPE_NULL = 0,
    WG_TYPE_BOOL = 1,
    WG_TYPE_INT = 2,    /* 64-bit signed */
    WG_TYPE_FLOAT = 3,  /* IEEE 754 binary64 */
    WG_TYPE_STRING = 4, /* UTF-8, checked */
    WG_TYPE_BYTES = 5,
    WG_TYPE_DATE = 6,           /* days since 1970-01-01 */
    WG_TYPE_LOCAL_TIME = 7,     /* nanoseconds since midnight */
    WG_TYPE_TIME = 8,           /* the same, with an offset in seconds */
    WG_TYPE_LOCAL_DATETIME = 9, /* seconds and nanoseconds since 1970-01-01T00:00:00, no zone */
    WG_TYPE_DATETIME = 10,      /* the same in UTC, with an offset in seconds */
    WG_TYPE_DURATION = 11,
    WG_TYPE_POINT = 12,
    WG_TYPE_LIST = 13,
    WG_TYPE_MAP = 14,
    WG_TYPE_NODE = 15,
    WG_TYPE_EDGE = 16,
    WG_TYPE_PATH = 17,
    WG_TYPE_ANY = 18 /* of columns and expressions only: each value carries its own type */
} wg_type;

/* "INT", "STRING", ...; never NULL. Threads: any. */
WG_API const char *wg_type_name(wg_type type);

typedef struct wg_value wg_value;
typedef struct wg_map_entry wg_map_entry;
typedef struct wg_node wg_node;
typedef struct wg_edge wg_edge;

/* One typed cell, 16 bytes, plain data. Strings and lists are borrowed from whoever produced the value.
 *   BOOL as.b | INT as.i | FLOAT as.f | STRING, BYTES as.s with `size` bytes, not NUL-terminated
 *   DATE as.i days | LOCAL_TIME as.i ns | TIME as.i ns, offset in (int32_t)size
 *   LOCAL_DATETIME as.i seconds, size nanoseconds | LIST as.list with `size` elements | MAP as.map with `size`
 *   entries sorted by key bytes | DATETIME as.i seconds in UTC, size nanoseconds, reserved: the offset in seconds as a
 *   24-bit integer, low byte first | DURATION as.list of four INT: months, days, seconds, nanoseconds | NODE as.node | EDGE as.edge */
struct wg_value {
    uint8_t type; /* wg_type */
    uint8_t reserved[3];
    uint32_t size;
    union {
        bool b;
        int64_t i;
        double f;
        uint64_t id;
        const char *s;
        const wg_value *list;
        const wg_map_entry *map;
        const wg_node *node;
        const wg_edge *edge;
        const void *ptr;
    } as;
};

struct wg_map_entry {
    const char *key; /* not NUL-terminated */
    size_t key_size;
    wg_value value;
};

struct wg_node {
    uint64_t id;
    uint32_t label_count;
    uint32_t property_count;
    const char *const *labels;      /* NUL-terminated, sorted */
    const wg_map_entry *properties; /* sorted by key bytes; properties that are null are absent */
};

struct wg_edge {
    uint64_t id;
    uint64_t from;
    uint64_t to;
    const char *label; /* NUL-terminated */
    uint32_t property_count;
    const wg_map_entry *properties;
};

/* ------------------------------------------------------------------ database */

typedef struct wg_db wg_db;
typedef struct wg_session wg_session;
typedef struct wg_stmt wg_stmt;
typedef struct wg_result wg_result;
typedef struct wg_snapshot wg_snapshot;

typedef enum wg_durability {
    WG_STRICT = 0,   /* an acknowledged commit survives power loss; concurrent commits share one sync */
    WG_BUFFERED = 1, /* logged at once, synced by a background thread */
    WG_IN_MEMORY = 2 /* no log; nothing survives and nothing pretends to */
} wg_durability;

/* All zero means defaults. */
/* Hard caps in bytes for each storage tier; 0: none. */
typedef struct wg_tier_budget {
    uint64_t gpu;    /* L0 */
    uint64_t pinned; /* L1, never evicted */
    uint64_t hot;    /* L1, heap */
    uint64_t warm;   /* L1, pages of mapped stripes that this process holds */
    uint64_t nvme;   /* L3, stripes */
    uint64_t hdd;    /* L4 */
    uint64_t remote; /* L5, local copies of remote objects */
} wg_tier_budget;

typedef struct wg_options {
    wg_durability durability;
    uint32_t sync_interval_ms;       /* BUFFERED: at most this long between syncs; 0: 100 */
    uint32_t sync_batch_commits;     /* BUFFERED: at most this many commits between syncs; 0: 1000 */
    uint32_t threads;                /* worker threads of queries; 0: one a core */
    uint32_t batch_rows;             /* rows per morsel, 1..2048; 0: 2048. Never changes a result. */
    uint64_t query_memory_bytes_max; /* of one query; 0: 1 GiB. Over it the query ends with WG_E_LIMIT. */
    bool create;                     /* make the workspace when there is none */
    bool must_create;                /* with create: fail with WG_E_EXISTS when there is one */
    /* Reads a workspace that another process may be writing: takes no lock, changes no byte, needs no right to write. Sees what was
     * durable when it opened, and more after wg_refresh. Writes are WG_E_READ_ONLY. */
    bool read_only;
    bool
        no_background; /* no thread of its own: a commit that makes a checkpoint due makes it, compactions run only when called */
    uint64_t
        memory_bytes_max; /* of the whole database; 0: no limit. A quarter, at most 12 MiB, is kept for the program; of the rest 40 % are
                             budget.hot and 25 % budget.warm, unless set, and queries get 25 %. */
    wg_tier_budget budget; /* caps of the tiers */
    uint64_t
        checkpoint_log_bytes; /* a checkpoint is due when the log has grown by this; 0: 64 MiB; UINT64_MAX: never */
    uint64_t
        retain_commits; /* snapshots older than this many commits expire at each checkpoint; 0: only by wg_expire */
    uint32_t retain_manifests;            /* manifest files that are kept; 0: 8 */
    bool stripe_zstd;                     /* compress what checkpoints and compactions write */
    uint64_t compaction_bytes_per_second; /* of background compaction, each level; 0: no cap */
} wg_options;

/* Opens the workspace directory `path` for reading and writing and recovers it: replays the log, cuts a torn tail and
 * syncs before it accepts writes. One process at a time has a workspace open; the lock dies with its process.
 * `path` NULL opens a private IN_MEMORY workspace.
 * Owns:    the caller closes *out with wg_close.
 * Threads: any.
 * Errors:  WG_E_NOT_FOUND no workspace there (and not `create`) | WG_E_BUSY locked by another process |
 *          WG_E_CORRUPT damage before the durable tail, naming file and offset | WG_E_VERSION | WG_E_IO | WG_E_NOMEM. */
WG_API WG_MUST_USE wg_code wg_open(const char *path, const wg_options *options, wg_db **out, wg_error *err);

/* Syncs what BUFFERED mode still holds and closes. All sessions, snapshots and results must be closed before:
 * otherwise WG_E_MISUSE and the database stays open. Closing NULL is WG_OK. Threads: one at a time. */
WG_API wg_code wg_close(wg_db *db, wg_error *err);

/* Blocks until everything committed so far is on stable storage, whatever the mode. Threads: any. */
WG_API WG_MUST_USE wg_code wg_sync(wg_db *db, wg_error *err);

/* Reads every byte of log, manifest and stripes at `path` without changing anything and checks all checksums, the hash chain,
 * the order of the log and that it can be applied. The workspace must not be open elsewhere. Threads: any. */
typedef struct wg_verify_report {
    uint64_t manifest_epoch;
    uint64_t segments;
    uint64_t records;
    uint64_t bytes;
    uint64_t last_logseq;
    uint64_t torn_tail_bytes; /* after the last complete record; recovery would cut them */
    uint64_t nodes;
    uint64_t edges;
    uint8_t chain[32];
    uint64_t stripes;
    uint64_t stripe_bytes;
    uint64_t fragments;
    uint64_t checkpoint_logseq; /* 0: none */
} wg_verify_report;
WG_API WG_MUST_USE wg_code wg_verify(const char *path, wg_verify_report *out, wg_error *err);

/* The newest logseq that new readers see. Threads: any. */
WG_API uint64_t wg_db_logseq(const wg_db *db);

/* ------------------------------------------------------------------ maintenance */

/* Called with work done and work known in all (0: unknown, bytes unless stated); returning false ends the call with WG_E_CANCELLED. */
typedef bool (*wg_progress_fn)(void *ctx, uint64_t done, uint64_t total);

/* Called with consecutive pieces of output; returns false to stop, which ends the call with WG_E_CANCELLED. */
typedef bool (*wg_write_fn)(void *ctx, const void *data, size_t size);

typedef struct wg_checkpoint_info {
    uint64_t logseq; /* the state that is in stripes now */
    uint64_t stripes_written;
    uint64_t bytes_written;
    uint64_t log_bytes_freed;
    uint64_t elapsed_ns;
} wg_checkpoint_info;
/* Writes everything committed since the last checkpoint into stripes and cuts the log behind it. Readers and writers go on meanwhile.
 * `out` may be NULL. Threads: any. */
WG_API WG_MUST_USE wg_code wg_checkpoint(wg_db *db, wg_checkpoint_info *out, wg_error *err);

typedef struct wg_compact_options {
    bool everything; /* merge all levels; otherwise only what is due */
} wg_compact_options;
typedef struct wg_compact_info {
    uint64_t jobs;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t rows_dropped;
    uint64_t stripes_before, stripes_after;
    uint64_t bytes_before, bytes_after;
} wg_compact_info;
/* Merges stripes: those that there are when it begins, so that it ends beside any writer; what is written meanwhile is left to the next
 * call. No snapshot that can still be read changes. options, progress and out may be NULL. Threads: any. */
WG_API WG_MUST_USE wg_code wg_compact(wg_db *db, const wg_compact_options *options, wg_progress_fn progress,
                                      void *ctx, wg_compact_info *out, wg_error *err);
/* Stops background compaction after the fragment at hand, or lets it go on. Threads: any. */
WG_API void wg_compaction_pause(wg_db *db, bool paused);

/* Gives up the snapshots before `logseq` (at most the newest one): reading them is WG_E_EXPIRED from now on, and compaction may drop what
 * only they could see. Durable when it returns. Threads: any. */
WG_API WG_MUST_USE wg_code wg_expire(wg_db *db, uint64_t logseq, wg_error *err);

/* A read-only database takes in what the writing process made durable since. *out_logseq (may be NULL): the newest snapshot now. On a
 * writing database it does nothing. Threads: any. */
WG_API WG_MUST_USE wg_code wg_refresh(wg_db *db, uint64_t *out_logseq, wg_error *err);

typedef struct wg_backup_info {
    uint64_t logseq;
    uint64_t files_copied, files_kept;
    uint64_t bytes_copied, bytes_kept;
} wg_backup_info;
/* Copies the newest durable state to the directory `to` while the database is in use. A directory that holds an earlier backup of the
 * same database gets only what is new. The copy is a workspace: it can be opened, verified and restored. A crash leaves the earlier
 * backup whole. Threads: any. */
WG_API WG_MUST_USE wg_code wg_backup(wg_db *db, const char *to, wg_progress_fn progress, void *ctx,
                                     wg_backup_info *out, wg_error *err);
/* Makes the workspace `to`, which must not exist or be an empty directory, from the backup `from`, and verifies it. */
WG_API WG_MUST_USE wg_code wg_restore(const char *from, const char *to, wg_progress_fn progress, void *ctx,
                                      wg_backup_info *out, wg_error *err);

/* Writes what one file of a workspace holds as lines of JSON: a stripe (stripes/N.arc1; with `cells` its values too), a log segment
 * (wal/N.wal), a manifest or CURRENT. Changes nothing and takes no lock. Threads: any.
 * Errors: WG_E_CORRUPT damaged, naming the offset, or no such file | WG_E_NOT_FOUND | WG_E_MISUSE a directory. */
WG_API WG_MUST_USE wg_code wg_dump(const char *path, bool cells, wg_write_fn write, void *ctx, wg_error *err);

/* One measurement; text lives during the call. */
typedef struct wg_stat {
    const char *name;
    const char *label; /* NULL: none */
    const char *label_value;
    const char *help;
    double value;
} wg_stat;
typedef bool (*wg_stat_fn)(void *ctx, const wg_stat *stat);
/* Calls fn for every metric in a fixed order (histograms as _count, _sum, _p50, _p99, _max). docs/metrics.md lists them. */
WG_API WG_MUST_USE wg_code wg_db_stats(wg_db *db, wg_stat_fn fn, void *ctx, wg_error *err);
/* The same as Prometheus text. */
WG_API WG_MUST_USE wg_code wg_db_stats_prometheus(wg_db *db, wg_write_fn write, void *ctx, wg_error *err);

/* ------------------------------------------------------------------ sessions, transactions, snapshots */

/* A session is one conversation: at most one open transaction, one statement running at a time.
 * Owns: the caller closes it with wg_session_close, which rolls an open transaction back. */
WG_API WG_MUST_USE wg_code wg_session_open(wg_db *db, wg_session **out, wg_error *err);
WG_API void wg_session_close(wg_session *session);

/* Overrides the options of the database for this session; 0 leaves a field as it is. Results never depend on it. */
WG_API WG_MUST_USE wg_code wg_session_set_parallelism(wg_session *session, uint32_t threads, uint32_t batch_rows,
                                                      wg_error *err);

/* Which residency the scans of a session's statements ask for (SpeedLaneHint). Results never depend on it, except that ONLY refuses. */
typedef enum wg_speed_lane {
    WG_SPEED_LANE_ANY,
    WG_SPEED_LANE_PREFER, /* what is scanned is brought into L1 first when it fits */
    WG_SPEED_LANE_ONLY /* what cannot be in L1 at once is WG_E_CAPACITY, "BelowSpeedLane: ...": files of virtual labels, and fragments
                             for which the budget has no room */
} wg_speed_lane;
WG_API WG_MUST_USE wg_code wg_session_set_speed_lane(wg_session *session, wg_speed_lane lane, wg_error *err);

/* Makes the running statement of the session end with WG_E_CANCELLED soon. Safe from any thread and from a signal
 * handler. Has no effect when nothing runs. */
WG_API void wg_session_cancel(wg_session *session);

/* Statements outside begin/commit are transactions of their own. A transaction reads the snapshot of its begin plus
 * its own writes; whoever commits a change to the same row first wins, the other gets WG_E_CONFLICT.
 * wg_commit: on WG_OK the commit is durable as the mode promises; *out_logseq (may be NULL) is its number, or the
 * snapshot when nothing was written. On failure the transaction is rolled back. Threads: one at a time. */
WG_API WG_MUST_USE wg_code wg_begin(wg_session *session, bool read_only, wg_error *err);
WG_API WG_MUST_USE wg_code wg_commit(wg_session *session, uint64_t *out_logseq, wg_error *err);
WG_API WG_MUST_USE wg_code wg_rollback(wg_session *session, wg_error *err);

/* A snapshot names a state: a logseq and the log's SHA-256 chain value there. `logseq` 0 means the newest.
 * Owns: the caller releases it. Errors: WG_E_EXPIRED when the log has not reached `logseq`. Threads: any. */
WG_API WG_MUST_USE wg_code wg_snapshot_acquire(wg_db *db, uint64_t logseq, wg_snapshot **out, wg_error *err);
WG_API void wg_snapshot_release(wg_snapshot *snapshot);
WG_API uint64_t wg_snapshot_logseq(const wg_snapshot *snapshot);
/* Writes "oz://snapshot/<64 hex digits>" and a NUL. */
WG_API void wg_snapshot_uri(const wg_snapshot *snapshot, char out[80]);

/* Every following statement of the session reads at `snapshot` and may not write; NULL returns to the newest state.
 * The snapshot must outlive its use. */
WG_API WG_MUST_USE wg_code wg_session_use_snapshot(wg_session *session, wg_snapshot *snapshot, wg_error *err);

/* ------------------------------------------------------------------ statements */

/* Parses and binds one statement. `text` is UTF-8, at most 1 MiB, copied. A trailing ';' is accepted.
 * Owns:    the caller finishes *out with wg_stmt_finish; it must not outlive the session.
 * Errors:  WG_E_SYNTAX, WG_E_BIND, WG_E_TYPE, WG_E_NOT_FOUND with offset, line and column. */
WG_API WG_MUST_USE wg_code wg_prepare(wg_session *session, const char *text, size_t text_size, wg_stmt **out,
                                      wg_error *err);
WG_API void wg_stmt_finish(wg_stmt *stmt);

/* Binds $name. The value is copied deeply. Binding again replaces. NODE and EDGE cannot be bound: WG_E_TYPE. */
WG_API WG_MUST_USE wg_code wg_bind(wg_stmt *stmt, const char *name, const wg_value *value, wg_error *err);
WG_API WG_MUST_USE wg_code wg_bind_int(wg_stmt *stmt, const char *name, int64_t value, wg_error *err);
WG_API WG_MUST_USE wg_code wg_bind_float(wg_stmt *stmt, const char *name, double value, wg_error *err);
WG_API WG_MUST_USE wg_code wg_bind_bool(wg_stmt *stmt, const char *name, bool value, wg_error *err);
WG_API WG_MUST_USE wg_code wg_bind_string(wg_stmt *stmt, const char *name, const char *value, size_t size,
                                          wg_error *err);
WG_API WG_MUST_USE wg_code wg_bind_null(wg_stmt *stmt, const char *name, wg_error *err);
/* `json` is read as one JSON value: number, string, true, false, null, array or object. WG_E_VALUE when it is not. */
WG_API WG_MUST_USE wg_code wg_bind_json(wg_stmt *stmt, const char *name, const char *json, size_t size,
                                        wg_error *err);

/* Runs the statement to its end. The whole answer is in *out, or there is an error: never a part that looks whole.
 * Owns: the caller frees *out with wg_result_free; it is independent of the statement and must be freed before the
 * database is closed. */
WG_API WG_MUST_USE wg_code wg_execute(wg_stmt *stmt, wg_result **out, wg_error *err);

/* prepare + execute + finish. */
WG_API WG_MUST_USE wg_code wg_query(wg_session *session, const char *text, wg_result **out, wg_error *err);

/* Rows done so far and, when known, rows in all (else 0) of the statement that runs in the session. Threads: any. */
WG_API void wg_session_progress(const wg_session *session, uint64_t *rows_done, uint64_t *rows_total);

/* ------------------------------------------------------------------ results */

WG_API void wg_result_free(wg_result *result);
WG_API uint32_t wg_result_column_count(const wg_result *result);
WG_API const char *wg_result_column_name(const wg_result *result, uint32_t column); /* NULL when out of range */
WG_API wg_type wg_result_column_type(const wg_result *result, uint32_t column);     /* ANY: see each cell */
WG_API uint64_t wg_result_row_count(const wg_result *result);

/* Fills *out with a cell; what it points to lives as long as the result. Random access is O(1).
 * Threads: any number of readers. Errors: WG_E_MISUSE when row or column is out of range. */
WG_API WG_MUST_USE wg_code wg_result_cell(const wg_result *result, uint64_t row, uint32_t column, wg_value *out,
                                          wg_error *err);

/* What the statement did. */
typedef struct wg_stats {
    uint64_t snapshot; /* the logseq that was read, or that a write committed */
    uint64_t elapsed_ns;
    uint64_t nodes_created, nodes_deleted, edges_created, edges_deleted;
    uint64_t properties_set, labels_added, labels_removed;
    uint64_t files_total, files_pruned, files_opened;
    uint64_t row_groups_pruned, row_groups_read;
    uint64_t bytes_read, bytes_decoded, rows_scanned;
    uint64_t memory_bytes_peak;
} wg_stats;
WG_API void wg_result_stats(const wg_result *result, wg_stats *out);

/* The receipt core, as JSON text with sorted keys, NUL-terminated, owned by the result: format and semantics version,
 * store id, snapshot, chain value, plan hash, parameter hash, row count, result hash, core id (docs/receipt.md).
 * Time, host, threads are not in it: equal work gives equal bytes. */
WG_API const char *wg_result_receipt(const wg_result *result);

/* Arrow C data and stream interface, as its specification defines them. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Exports the result as a stream of record batches. Batches own their memory: they stay valid after the result is
 * freed. INT int64, FLOAT float64, STRING utf8, BOOL bool, DATE date32, LOCAL_DATETIME timestamp[us] (an error where
 * nanoseconds would be lost); LIST, MAP, NODE, EDGE and ANY columns travel as their JSON text in utf8 with the field
 * metadata worldgraph.type.
 * Owns: the caller releases *out by its callback. */
WG_API WG_MUST_USE wg_code wg_result_arrow_stream(const wg_result *result, struct ArrowArrayStream *out,
                                                  wg_error *err);

/* Writes the result as one Arrow IPC stream (schema, record batches, end marker). */
WG_API WG_MUST_USE wg_code wg_result_write_arrow(const wg_result *result, wg_write_fn write, void *ctx,
                                                 wg_error *err);

/* Writes one value as JSON (strict: NaN and infinities become strings "NaN", "Infinity", "-Infinity"). */
WG_API WG_MUST_USE wg_code wg_value_write_json(const wg_value *value, wg_write_fn write, void *ctx, wg_error *err);

/* ------------------------------------------------------------------ virtual labels */

/* Registers a virtual label over a tree of Parquet files: the same as
 *   CREATE NODE LABEL <label> VIRTUAL FROM PARTITION '<pattern>'
 * with the columns taken from the first file. {var} stands for a run of characters within one path segment.
 * Returns the manifest epoch that holds the registration (> 0), or minus the wg_code on failure. Threads: any. */
WG_API int64_t wg_register_virtual_partition(wg_session *session, const char *label, const char *pattern,
                                             wg_error *err);
/* The founding name of the same function. */
WG_API int64_t arcflow_register_virtual_partition(wg_session *session, const char *label, const char *pattern);

/* ------------------------------------------------------------------ demonstration data */

/* Writes a seeded tracking season as Parquet under `dir` (made when missing): dir/<date>/<game>.parquet with columns
 * ts, player, team, x, y, speed, event, and dir/players.csv. Equal arguments give equal bytes. `rows` is the number of
 * frames over all games. `progress` (may be NULL) is called with rows written; returning false cancels. */
WG_API WG_MUST_USE wg_code wg_demo_write_season(const char *dir, uint64_t rows, uint64_t seed,
                                                wg_progress_fn progress, void *ctx, wg_error *err);

#ifdef __cplusplus
}
#endif
#endif /* WORLDGRAPH_H */
