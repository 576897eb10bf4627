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

/* X(name, number, GQLSTATUS, one-phrase meaning). Numbers are stable for ever; docs/errors.md is generated from here. Classes
 * 53 to 58, WG and XX, and 42710, 42P02 and 0A000 are our own; the others are those of ISO/IEC 39075. */
#define WG_CODE_LIST(X)                                                                                            \
    X(WG_OK, 0, "00000", "success")                                                                                \
    X(WG_E_MISUSE, 1, "WG001", "a call that its contract forbids: a bad argument, a closed handle, a wrong order") \
    X(WG_E_NOMEM, 2, "53200", "the allocator or the memory account refused")                                       \
    X(WG_E_IO, 3, "58030", "the operating system failed a call; sys_errno says how")                               \
    X(WG_E_CORRUPT, 4, "WG002", "stored or foreign bytes are damaged or break their format")                       \
    X(WG_E_LIMIT, 5, "53000", "a stated limit was reached")                                                        \
    X(WG_E_VERSION, 6, "WG003", "written by a newer version, or needs a feature that this build does not have")    \
    X(WG_E_BUSY, 7, "55006", "another process or transaction holds what is needed")                                \
    X(WG_E_CONFLICT, 8, "40000", "a concurrent transaction committed first; run the transaction again")            \
    X(WG_E_EXPIRED, 9, "WG004", "the snapshot is no longer, or not yet, available")                                \
    X(WG_E_NOT_FOUND, 10, "42002", "a named label, property, file, column or parameter does not exist")            \
    X(WG_E_EXISTS, 11, "42710", "the object exists already")                                                       \
    X(WG_E_SYNTAX, 12, "42001", "the query text cannot be parsed")                                                 \
    X(WG_E_BIND, 13, "42000", "the query text parses but does not make sense")                                     \
    X(WG_E_TYPE, 14, "22G03", "a value or column has a type that does not fit")                                    \
    X(WG_E_VALUE, 15, "22000", "a value is out of range: overflow, division by zero, bad format")                  \
    X(WG_E_CONSTRAINT, 16, "G2000", "a key, uniqueness or not-null rule would be broken")                          \
    X(WG_E_UNSUPPORTED, 17, "0A000", "a legal request that this version does not answer; never answered wrongly")  \
    X(WG_E_CANCELLED, 18, "57014", "cancelled by the caller")                                                      \
    X(WG_E_DEADLINE, 19, "57015", "the deadline passed before the answer was complete")                            \
    X(WG_E_READ_ONLY, 20, "25G03", "a write to a virtual label, a read-only handle or a snapshot")                 \
    X(WG_E_CHANGED, 21, "WG005", "a file that must never change has changed since it was first seen")              \
    X(WG_E_CAPACITY, 22, "WG006", "a capacity-bounded container is full (CapacityExceeded)")                       \
    X(WG_E_PARAMETER, 23, "42P02", "a query parameter is missing or has no usable value")                          \
    X(WG_E_INTERNAL, 24, "XX000", "an invariant of the engine is broken; please report it")

/* X(name, GQLSTATUS, condition): conditions that are finer than a code. wg_error_gqlstatus gives them where they are known. */
#define WG_STATUS_LIST(X)                                                      \
    X(WG_S_OMITTED_RESULT, "00001", "successful completion: omitted result")   \
    X(WG_S_NO_DATA, "02000", "no data")                                        \
    X(WG_S_NUMERIC_RANGE, "22003", "numeric value out of range")               \
    X(WG_S_NULL_NOT_ALLOWED, "22004", "null value not allowed")                \
    X(WG_S_DATETIME_FORMAT, "22007", "invalid date, time or datetime format")  \
    X(WG_S_DATETIME_OVERFLOW, "22008", "datetime field overflow")              \
    X(WG_S_DIVISION_BY_ZERO, "22012", "division by zero")                      \
    X(WG_S_INTERVAL_OVERFLOW, "22015", "interval field overflow")              \
    X(WG_S_NEGATIVE_LIMIT, "22G02", "negative limit value")                    \
    X(WG_S_NOT_COMPARABLE, "22G04", "values not comparable")                   \
    X(WG_S_REFERENT_DELETED, "22G11", "reference value: the referent deleted") \
    X(WG_S_ACTIVE_TRANSACTION, "25G01", "a transaction is active")             \
    X(WG_S_NO_TRANSACTION, "2D000", "invalid transaction termination")         \
    X(WG_S_INVALID_REFERENCE, "42002", "invalid reference")                    \
    X(WG_S_EDGES_EXIST, "G1001", "dependent object: edges still exist")

#define WG_CODE_ENUM(name, number, status, meaning) name = number,
typedef enum wg_code { WG_CODE_LIST(WG_CODE_ENUM) } wg_code;
#undef WG_CODE_ENUM

#define WG_STATUS_ENUM(name, status, condition) name,
typedef enum wg_status { WG_STATUS_LIST(WG_STATUS_ENUM) } wg_status;
#undef WG_STATUS_ENUM

/* Caller-owned error context; lives on the stack, never allocates. `offset` is a byte offset into the query text or
 * into the file that `message` names, UINT64_MAX if there is none. `line` and `column` count from 1 and are 0 unless
 * the error is about query text (columns count Unicode scalar values) or a text file. */
typedef struct wg_error {
    wg_code code;
    int32_t sys_errno;
    uint64_t offset;
    uint32_t line;
    uint32_t column;
    char gqlstatus[6]; /* finer than that of the code; empty: none. Read it with wg_error_gqlstatus. */
    char reserved[2];
    char message[224];
} wg_error;

#define WG_NO_OFFSET UINT64_MAX

/* Name ("WG_E_IO"), five-character GQLSTATUS and meaning of a code; never NULL. Threads: any. */
WG_API const char *wg_code_name(wg_code code);
WG_API const char *wg_code_gqlstatus(wg_code code);
WG_API const char *wg_code_meaning(wg_code code);

/* The GQLSTATUS of an error, as fine as it is known: "22012" for a division by zero, where that of its code is "22000".
 * "00000" for NULL and for an error that is not set. Lives as long as *err. Threads: any. */
WG_API const char *wg_error_gqlstatus(const wg_error *err);

/* Writes "CODE (GQLSTATUS): message", the place and, when `query` (NUL-terminated, may be NULL) is the text that failed, its line with a
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
    WG_TYPE_POINT = 12, /* cartesian or WGS 84, 2 or 3 dimensions */
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
 *   24-bit integer, low byte first, or 2^20 and above for a named time zone (wg_datetime_describe tells) | DURATION as.list of four INT: months, days, seconds, nanoseconds | POINT as.list of `size` FLOAT: x, y and
 *   z, or longitude, latitude and height, reserved: 4326 (WGS 84), 4979 (with height), 7203 (cartesian) or 9157 (of three dimensions), low byte
 *   first | NODE as.node | EDGE as.edge */
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

/* Offset from UTC in seconds of a DATETIME, and the name of its time zone ("Europe/Berlin", NULL: it has an offset only). False for values of
 * other types. Either may be NULL. Threads: any. */
WG_API bool wg_datetime_describe(const wg_value *value, int32_t *offset_s, const char **zone);
/* A DATETIME at a moment in UTC (seconds since 1970, nanoseconds below 10^9) in a named time zone of the IANA database, whose release
 * wg_zones_release tells. Threads: any. Errors: WG_E_NOT_FOUND no such zone | WG_E_VALUE out of range | WG_E_NOMEM. */
WG_API WG_MUST_USE wg_code wg_datetime_in_zone(int64_t utc_s, uint32_t ns, const char *zone, wg_value *out,
                                               wg_error *err);
WG_API const char *wg_zones_release(void); /* "2026f"; it is part of the program */

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
    uint32_t sync_interval_ms;   /* BUFFERED: at most this long between syncs; 0: 100 */
    uint32_t sync_batch_commits; /* BUFFERED: at most this many commits between syncs; 0: 1000 */
    uint32_t threads;            /* worker threads of queries; 0: one a core */
    uint32_t batch_rows;         /* rows per morsel, 1..2048; 0: 2048. Never changes a result. */
    uint32_t shards; /* queues that the work of a scan is dealt to; 0: as many as threads. Never changes a result. */
    uint64_t spill_bytes_max; /* temporary files of one query at a time; 0: no limit. Over it: WG_E_LIMIT. */
    uint64_t
        query_memory_bytes_max; /* of one query; 0: 1 GiB. Near it rows go to temporary files; over it WG_E_LIMIT. */
    bool create;                /* make the workspace when there is none */
    bool must_create;           /* with create: fail with WG_E_EXISTS when there is one */
    /* Reads a workspace that another process may be writing: takes no lock, changes no byte, needs no right to write. Sees what was
     * durable when it opened, and more after wg_refresh. Writes are WG_E_READ_ONLY. */
    bool read_only;
    bool
        no_background; /* no thread of its own: a commit that makes a checkpoint due makes it, compactions run only when called */
    uint64_t
        memory_bytes_max; /* of the whole database; 0: no limit. Half, at most 32 MiB, is for the program and its work; of the rest 40 % are
                             budget.hot and 25 % budget.warm, unless set, and queries get 25 %. */
    wg_tier_budget budget; /* caps of the tiers */
    uint64_t
        checkpoint_log_bytes; /* a checkpoint is due when the log has grown by this; 0: 64 MiB; UINT64_MAX: never */
    uint64_t
        retain_commits; /* snapshots older than this many commits expire at each checkpoint; 0: only by wg_expire */
    uint32_t retain_manifests;            /* manifest files that are kept; 0: 8 */
    bool stripe_zstd;                     /* compress what checkpoints and compactions write */
    uint64_t compaction_bytes_per_second; /* of background compaction, each level; 0: no cap */
    /* Statements that were prepared and their plans are kept by text, in at most so many bytes; 0: 16 MiB, or a 64th of memory_bytes_max when that is
     * less; UINT64_MAX: nothing is kept, each run plans anew. Never changes a result, its order or its receipt. */
    uint64_t plan_cache_bytes_max;
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
 * Owns: the caller closes it with wg_session_close, which rolls an open transaction back; its runs are closed before, otherwise it stays open. */
WG_API WG_MUST_USE wg_code wg_session_open(wg_db *db, wg_session **out, wg_error *err);
WG_API void wg_session_close(wg_session *session);

/* Overrides the options of the database for this session; 0 leaves a field as it is. Results never depend on it. */
WG_API WG_MUST_USE wg_code wg_session_set_parallelism(wg_session *session, uint32_t threads, uint32_t batch_rows,
                                                      wg_error *err);

/* How the statements of a session are run. 0 and NULL leave a field as it is. Results never depend on it, except that the order of rows
 * that no ORDER BY orders is that of the plan, which the optimizer chooses. */
typedef enum wg_optimizer {
    WG_OPTIMIZER_AS_IS,
    WG_OPTIMIZER_ON, /* at first */
    WG_OPTIMIZER_OFF /* plans follow the text: no reordering, no index lookups, nothing pushed into scans, no rewriting */
} wg_optimizer;
typedef struct wg_execution {
    uint32_t threads;    /* at most 1024; more than the database was opened with add nothing */
    uint32_t batch_rows; /* rows per morsel, 1..2048 */
    uint32_t shards;     /* queues that the work of a scan is dealt to, 1..65536; at first as many as threads */
    const char *isa;     /* kernels: "scalar", "avx2", "avx512", "neon", or "best" */
    wg_optimizer optimizer;
} wg_execution;
/* Errors: WG_E_UNSUPPORTED this machine or build cannot run that ISA, nothing is changed | WG_E_MISUSE. */
WG_API WG_MUST_USE wg_code wg_session_set_execution(wg_session *session, const wg_execution *execution,
                                                    wg_error *err);

/* Which residency the scans of a session's statements ask for (SpeedLaneHint). Results never depend on it, except that ONLY refuses. */
typedef enum wg_speed_lane {
    WG_SPEED_LANE_ANY,
    WG_SPEED_LANE_PREFER, /* what is scanned is brought into L1 first when it fits */
    WG_SPEED_LANE_ONLY /* what cannot be in L1 at once is WG_E_CAPACITY, "BelowSpeedLane: ...": files of virtual labels, and fragments
                             for which the budget has no room */
} wg_speed_lane;
WG_API WG_MUST_USE wg_code wg_session_set_speed_lane(wg_session *session, wg_speed_lane lane, wg_error *err);

/* How long each later statement of the session may run, from wg_execute on; then it ends with WG_E_DEADLINE and has written nothing.
 * 0: any time. A transaction that is open stays open. */
WG_API WG_MUST_USE wg_code wg_session_set_deadline(wg_session *session, uint32_t milliseconds, wg_error *err);

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
 * A statement keeps the plan of its last run and runs it again while planning anew would give the same one: until a definition or the
 * type of a parameter changes, or a statistic that the plan was made from by more than a little (docs/execution.md).
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

/* What date(), datetime() and the like take for the current time when the statement runs, in microseconds since 1970 in UTC: for
 * .statement() and .realtime(), and for .transaction(). Without it: the machine's time when it is executed, and when its transaction began.
 * One moment stands for all rows of a statement. Errors: WG_E_VALUE. */
WG_API WG_MUST_USE wg_code wg_bind_clock(wg_stmt *stmt, int64_t statement_us, int64_t transaction_us, wg_error *err);

/* Runs the statement to its end. The whole answer is in *out, or there is an error: never a part that looks whole.
 * Owns: the caller frees *out with wg_result_free; it is independent of the statement and must be freed before the
 * database is closed. */
WG_API WG_MUST_USE wg_code wg_execute(wg_stmt *stmt, wg_result **out, wg_error *err);

/* prepare + execute + finish. Sessions share what was prepared and planned for the same text (plan_cache_bytes_max). */
WG_API WG_MUST_USE wg_code wg_query(wg_session *session, const char *text, wg_result **out, wg_error *err);

/* Rows done so far and, when known, rows in all (else 0) of the statement that runs in the session. Threads: any. */
WG_API void wg_session_progress(const wg_session *session, uint64_t *rows_done, uint64_t *rows_total);

/* ------------------------------------------------------------------ results */

WG_API void wg_result_free(wg_result *result);
WG_API uint32_t wg_result_column_count(const wg_result *result);
WG_API const char *wg_result_column_name(const wg_result *result, uint32_t column); /* NULL when out of range */
WG_API wg_type wg_result_column_type(const wg_result *result, uint32_t column);     /* ANY: see each cell */
WG_API uint64_t wg_result_row_count(const wg_result *result);
/* "00000", "00001" for a statement without columns, "02000" for an answer without rows; never NULL. */
WG_API const char *wg_result_gqlstatus(const wg_result *result);
/* What a statement that is right may not mean, as a comparison with NULL or a product of two patterns: docs/errors.md lists them. They are
 * functions of text, definitions and rows, in the order of the text, and change nothing of the answer. */
typedef struct wg_notification {
    const char *gqlstatus; /* five characters */
    const char *message;
    uint64_t offset; /* in the text of the statement; WG_NO_OFFSET: of the whole of it */
    uint32_t line;   /* from 1; 0: of the whole of it */
    uint32_t column;
} wg_notification;
WG_API uint32_t wg_result_notification_count(const wg_result *result);
/* *out: its text lives as long as the result. Errors: WG_E_MISUSE when there is no such notification. */
WG_API WG_MUST_USE wg_code wg_result_notification(const wg_result *result, uint32_t index, wg_notification *out,
                                                  wg_error *err);
/* True when the statement asked for the current time; then what it took for it (wg_bind_clock): with that a replay gives the same answer. */
WG_API bool wg_result_clock(const wg_result *result, int64_t *statement_us, int64_t *transaction_us);

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

/* What a receipt holds besides. The core says what was asked only by hashes. */
typedef struct wg_receipt_options {
    bool carry;  /* the statement's text and the parameters' values: V2 needs nothing else then */
    bool merkle; /* the root of a Merkle tree over the rows, and the digests of its chunks of 4,096 rows */
    const uint8_t
        *secret; /* 32 bytes of an Ed25519 key that signs the core and how the work was done; NULL: no signature */
} wg_receipt_options;
/* Writes the receipt with these, as one line without a line feed. options NULL: as wg_result_receipt. */
WG_API WG_MUST_USE wg_code wg_result_write_receipt(const wg_result *result, const wg_receipt_options *options,
                                                   wg_write_fn write, void *ctx, wg_error *err);

/* A new Ed25519 key, and the public half of one, which names its executor in receipts. */
WG_API WG_MUST_USE wg_code wg_receipt_key_new(uint8_t out_secret[32], wg_error *err);
WG_API WG_MUST_USE wg_code wg_receipt_key_public(const uint8_t secret[32], uint8_t out_public[32], wg_error *err);

/* How deep a receipt is checked. Every level first checks that the receipt agrees with itself, its signatures included, and rows and
 * workspace at V0 and V1 whenever they are given. docs/receipt.md says what each level proves. */
typedef enum wg_receipt_level {
    WG_RECEIPT_V0, /* the rows that were delivered are those that the receipt hashes */
    WG_RECEIPT_V1, /* the workspace's log and stripes are sound, and its state at the snapshot is the one that was read */
    WG_RECEIPT_V2, /* the statement, run again at the snapshot, gives the same receipt */
    WG_RECEIPT_V3  /* enough executors have signed it */
} wg_receipt_level;

typedef struct wg_receipt_argument {
    const char *name; /* without $ */
    const char *json; /* read as JSON where it is JSON, else a string */
} wg_receipt_argument;

typedef struct wg_receipt_request {
    const char *receipt; /* one line */
    size_t receipt_size;
    wg_receipt_level level;
    const char
        *rows; /* as `worldgraph query --json` writes them: one object and a line feed; NULL: none. V0 needs them. */
    size_t rows_size;
    const char *workspace; /* V1 and V2 need it; V1 reads every byte of it, and no other process may have it open */
    const char *statement; /* NULL: the one that the receipt carries */
    size_t statement_size;
    const wg_receipt_argument *arguments; /* of those that it carries too */
    size_t argument_count;
    const wg_execution *execution; /* of the replay; NULL: as it comes. Its optimizer is the receipt's. */
    uint32_t signers_min;          /* V3: so many different executors; 0: 1 */
    const uint8_t *trusted; /* V3: only these public keys count, 32 bytes each, one after the other; NULL: any */
    size_t trusted_count;
    const uint8_t *secret; /* V2: when all holds, write the receipt with this executor's signature added; NULL: not */
    wg_write_fn write;
    void *write_ctx;
} wg_receipt_request;

typedef struct wg_receipt_report {
    bool ok;
    char place
        [96]; /* what is wrong: "core_id", "statement", "parameter NAME", "rows", "chunk N", "log", "chain", "plan", ...; else "" */
    char reason[232];  /* in words, with file and offset where it is a file */
    uint64_t row;      /* the first wrong row; UINT64_MAX where these do not apply */
    uint64_t chunk;    /* of 4,096 rows */
    uint64_t logseq;   /* the commit that is wrong */
    uint64_t offset;   /* in the receipt, the rows or the file that `reason` names */
    uint64_t snapshot; /* from here on: what the receipt says */
    uint64_t row_count;
    uint8_t core_id[32];
    uint32_t signers; /* different executors whose signatures count */
} wg_receipt_report;
/* WG_OK: it was checked, and out->ok says how it went. Errors: what kept it from being checked (a missing file or argument, a locked workspace,
 * an expired snapshot, WG_E_UNSUPPORTED: a statement that writes cannot be replayed). */
WG_API WG_MUST_USE wg_code wg_receipt_verify(const wg_receipt_request *request, wg_receipt_report *out,
                                             wg_error *err);

/* Shows one row to whoever has the receipt (with its Merkle root) but not the answer. prove: writes {"path":[..],"row":N,"text":"[..]"}, from
 * the rows as above. check: *out_ok says that it is that row of that answer. */
WG_API WG_MUST_USE wg_code wg_receipt_prove_row(const wg_receipt_request *request, uint64_t row, wg_write_fn write,
                                                void *ctx, wg_error *err);
WG_API WG_MUST_USE wg_code wg_receipt_check_row(const wg_receipt_request *request, const char *proof,
                                                size_t proof_size, bool *out_ok, wg_error *err);

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

/* Writes the answer as one JSON object and a line feed, {"columns":["n"],"types":["INT"],"rows":[[1],[2]]}, values as wg_value_write_json does:
 * what `worldgraph query --json` prints, and what a receipt's rows are checked in (wg_receipt_request). A call of `write` holds the beginning,
 * one row, or the end. Errors: WG_E_CANCELLED when `write` says false | WG_E_NOMEM. */
WG_API WG_MUST_USE wg_code wg_result_write_json(const wg_result *result, wg_write_fn write, void *ctx, wg_error *err);

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

/* ------------------------------------------------------------------ runs: the state and history of agents
 *
 * A run is an isolation domain with a name: key-values, an event log, and a clock of its own. Each commit in a run has the next
 * version (1, 2, 3, ...); everything that it wrote carries it. The log gives all commits of all runs one order: once a commit is in the
 * log it belongs to one logseq, and reading "at S" shows each run as the log's commit S left it.
 *
 * Transactions are optimistic and cover one run, and with it nodes and edges through statements of the same session. Without
 * wg_run_begin each call is a transaction of its own. Reads never wait for writers of other keys.
 *
 * Durability is that of the database unless a handle or transaction overrides it: IN_MEMORY nothing survives; BUFFERED a commit is in the
 * log after sync_interval_ms or sync_batch_commits at the latest, in order and without holes, and survives the death of the process at
 * once where shared memory is available (docs/durability.md); STRICT it is on stable storage when the call returns.
 * An override can only ask for more than the database's mode (WG_E_MISUSE otherwise). */

typedef struct wg_run wg_run;

#define WG_KEY_SIZE_MAX   1024
#define WG_VALUE_SIZE_MAX (UINT64_C(64) << 20)
#define WG_VERSION_NONE   UINT64_C(0) /* expected: the key must be absent */

typedef enum wg_run_status {
    WG_RUN_ACTIVE = 0,
    WG_RUN_PAUSED = 1,    /* to ACTIVE, CANCELLED, ARCHIVED */
    WG_RUN_COMPLETED = 2, /* finished runs only go to ARCHIVED */
    WG_RUN_FAILED = 3,
    WG_RUN_CANCELLED = 4,
    WG_RUN_ARCHIVED = 5 /* for good */
} wg_run_status;
WG_API const char *wg_run_status_name(wg_run_status status); /* "active", ...; never NULL */

typedef struct wg_run_options {
    const char *parent; /* name of the run that this one belongs to; NULL: none. A lasting note, not a fork. */
    const char *const *tags;
    uint32_t tag_count;       /* at most 64, each 1 to 128 bytes of UTF-8 */
    const wg_value *metadata; /* a MAP or NULL */
    bool if_not_exists;       /* opens the one that is there */
} wg_run_options;

/* Names: 1 to 256 bytes of UTF-8, no control characters. The run "default" is there from the first wg_run_open(session, NULL).
 * Owns: the caller closes *out with wg_run_close before the session. Threads: a handle belongs to its session's one thread at a time.
 * Errors: WG_E_EXISTS | WG_E_NOT_FOUND the run or its parent | WG_E_VALUE a bad name | WG_E_READ_ONLY. */
WG_API WG_MUST_USE wg_code wg_run_create(wg_session *session, const char *name, const wg_run_options *options,
                                         wg_run **out, wg_error *err);
WG_API WG_MUST_USE wg_code wg_run_open(wg_session *session, const char *name, wg_run **out, wg_error *err);
WG_API void wg_run_close(wg_run *run); /* rolls an open transaction back */

typedef struct wg_run_info {
    const char *name;
    uint8_t id[16];
    wg_run_status status;
    const char *parent;    /* NULL: none */
    const char *forked_of; /* NULL: no fork */
    uint64_t fork_version;
    uint64_t created_us, updated_us, ended_us; /* since 1970; ended 0: not ended */
    const char *error;                         /* of FAILED; NULL: none */
    const char *const *tags;
    uint32_t tag_count;
    wg_value metadata; /* MAP */
    uint64_t version;  /* newest that is visible */
    uint64_t events;
} wg_run_info;
/* What *out points to lives until the next call with this handle. */
WG_API WG_MUST_USE wg_code wg_run_get_info(wg_run *run, wg_run_info *out, wg_error *err);

typedef struct wg_run_filter {
    const char *prefix; /* of the name; NULL: any */
    const char *tag;
    const char *parent;
    uint32_t status_mask; /* 1 << status, or'ed; 0: any */
} wg_run_filter;
typedef bool (*wg_run_fn)(void *ctx, const wg_run_info *info); /* false stops */
/* In order of names. filter NULL: all. */
WG_API WG_MUST_USE wg_code wg_run_list(wg_session *session, const wg_run_filter *filter, wg_run_fn fn, void *ctx,
                                       wg_error *err);

/* Changes the status; `message` (may be NULL) is kept with FAILED. WG_E_CONSTRAINT: not allowed from the status that it has; the error
 * names both. Writes to a run that is not ACTIVE are WG_E_READ_ONLY. */
WG_API WG_MUST_USE wg_code wg_run_set_status(wg_run *run, wg_run_status status, const char *message, wg_error *err);
WG_API WG_MUST_USE wg_code wg_run_set_tags(wg_run *run, const char *const *tags, uint32_t tag_count, wg_error *err);
WG_API WG_MUST_USE wg_code wg_run_set_metadata(wg_run *run, const wg_value *metadata, wg_error *err);
/* Deletes the run with its keys and events. Open handles of it get WG_E_NOT_FOUND from then on. Forks of it keep what they see. */
WG_API WG_MUST_USE wg_code wg_run_delete(wg_session *session, const char *name, wg_error *err);

/* A new run that begins as `run` was at `version` (0: newest visible): O(1) whatever its size. Both go on independently.
 * WG_E_EXPIRED: that version was forgotten. *out may be NULL-passed to only make it. */
WG_API WG_MUST_USE wg_code wg_run_fork(wg_run *run, const char *name, uint64_t version, const wg_run_options *options,
                                       wg_run **out, wg_error *err);

typedef enum wg_diff_kind { WG_DIFF_ADDED, WG_DIFF_REMOVED, WG_DIFF_CHANGED } wg_diff_kind;
typedef struct wg_diff_item {
    wg_diff_kind kind; /* seen from a to b */
    const char *key;   /* not NUL-terminated */
    size_t key_size;
    wg_value before; /* in a; NULL when absent */
    wg_value after;  /* in b */
    uint64_t before_version, after_version;
} wg_diff_item;
typedef bool (*wg_diff_fn)(void *ctx, const wg_diff_item *item); /* false stops */
typedef struct wg_run_diff_report {
    uint64_t added, removed, changed;
    uint64_t events_common, events_only_a, events_only_b;
    uint64_t keys_examined;
} wg_run_diff_report;
/* Differences of two runs' newest states in key order. Runs with a common fork: O(what changed since); others: O(keys). fn and out may be NULL. */
WG_API WG_MUST_USE wg_code wg_run_diff(wg_run *a, wg_run *b, wg_diff_fn fn, void *ctx, wg_run_diff_report *out,
                                       wg_error *err);

typedef enum wg_merge_policy {
    WG_MERGE_STRICT, /* a key that both changed since the fork is a conflict: WG_E_CONFLICT, nothing is merged, *out names the first */
    WG_MERGE_SOURCE, /* the fork's value wins */
    WG_MERGE_TARGET, /* the target's value stays */
    WG_MERGE_LAST    /* the later commit time wins; equal times: the source */
} wg_merge_policy;
typedef struct wg_merge_report {
    uint64_t applied, conflicts, deleted, unchanged, events_appended;
    uint64_t version;         /* of the target's commit; 0: nothing to do */
    char first_conflict[128]; /* key, cut off when longer; "" */
} wg_merge_report;
/* Brings what `source`, a fork of `target` (or of its fork), changed since the fork into `target`, in one transaction. Events that the source has more
 * are appended when the target has none since the fork; when both have, STRICT is WG_E_CONFLICT, the others append the source's behind. */
WG_API WG_MUST_USE wg_code wg_run_merge(wg_run *source, wg_run *target, wg_merge_policy policy, wg_merge_report *out,
                                        wg_error *err);

typedef struct wg_replay_report {
    uint64_t logseq;  /* the state that was made */
    uint64_t version; /* of the run there */
    uint64_t commits; /* of the log that were applied */
    uint64_t keys, events;
    uint8_t digest[32]; /* SHA-256 of the state in canonical bytes: keys, values, versions, times, events, hashes */
    bool equal;         /* to the live state at the same point */
} wg_replay_report;
/* Applies the log (from the oldest checkpoint that is needed) anew to an empty state up to `logseq` (0: newest) and compares it with the live one.
 * Changes nothing. WG_E_EXPIRED: the log does not reach back so far | WG_E_UNSUPPORTED: in memory there is no log | WG_E_READ_ONLY. */
WG_API WG_MUST_USE wg_code wg_run_replay(wg_run *run, uint64_t logseq, wg_replay_report *out, wg_error *err);

/* ---- transactions of a run */

typedef struct wg_run_txn_options {
    bool
        serializable; /* scans and lengths that were read are checked at commit too; otherwise snapshot isolation with checked reads */
    bool has_durability;
    wg_durability durability; /* with has_durability */
    bool no_wait;             /* STRICT: commit returns before the sync; see wg_ticket_wait */
} wg_run_txn_options;

typedef struct wg_commit_info {
    uint64_t version; /* of the run; 0: nothing was written */
    uint64_t ticket;  /* for wg_ticket_wait */
} wg_commit_info;

/* Until wg_run_commit or wg_run_rollback all calls with this handle, and all statements of its session, belong to one transaction: it sees the
 * state of its begin and its own writes. options NULL: defaults. WG_E_MISUSE: the session has a transaction. */
WG_API WG_MUST_USE wg_code wg_run_begin(wg_run *run, const wg_run_txn_options *options, wg_error *err);
/* WG_E_CONFLICT: a key that was read, or an expected version, has changed: the error names key and both versions; nothing of the transaction stays.
 * out may be NULL. */
WG_API WG_MUST_USE wg_code wg_run_commit(wg_run *run, wg_commit_info *out, wg_error *err);
WG_API void wg_run_rollback(wg_run *run);

typedef struct wg_retry_options {
    wg_run_txn_options txn;
    uint32_t attempts_max;   /* 0: 64 */
    uint32_t backoff_us;     /* first wait, doubled each time with jitter; 0: 2 */
    uint32_t backoff_us_max; /* 0: 1000 */
    uint32_t deadline_ms;    /* 0: none; then WG_E_DEADLINE */
} wg_retry_options;
typedef wg_code (*wg_run_body_fn)(void *ctx, wg_run *run, wg_error *err);
/* Begins, calls body, commits; on WG_E_CONFLICT waits and calls body again: whoever has lost several times gets a turn in order, so nobody starves.
 * Another error from body rolls back and is returned. */
WG_API WG_MUST_USE wg_code wg_run_transact(wg_run *run, const wg_retry_options *options, wg_run_body_fn body,
                                           void *ctx, wg_commit_info *out, wg_error *err);

/* What every call with this handle does from now on unless its transaction says otherwise. */
WG_API WG_MUST_USE wg_code wg_run_set_durability(wg_run *run, wg_durability durability, bool no_wait, wg_error *err);
/* The ticket of the newest commit of this handle's session. Tickets of a session rise; one that is durable makes all before it so. */
WG_API uint64_t wg_run_ticket(const wg_run *run);
WG_API WG_MUST_USE wg_code wg_ticket_wait(wg_run *run, uint64_t ticket,
                                          wg_error *err); /* until it is on stable storage */
WG_API bool wg_ticket_is_durable(const wg_run *run, uint64_t ticket);

/* ---- key-values. Keys: 1 to 1,024 bytes, any but those that begin with 00 'wg.sys' 00. Values: any wg_value but NODE and EDGE, encoded at most 64 MiB.
 * What is read lives until the next call with the same handle. */

typedef struct wg_kv_item {
    bool found;
    wg_value value;
    uint64_t version;    /* 0: absent, or written by this transaction */
    uint64_t time_us;    /* of the commit */
    uint64_t expires_us; /* 0: never */
} wg_kv_item;

typedef struct wg_kv_put_options {
    uint64_t ttl_ms;   /* 0: none */
    bool has_expected; /* compare and set */
    uint64_t
        expected; /* the version that must be there; WG_VERSION_NONE: absent. Versions never come back, so there is no ABA. */
    bool has_durability;
    wg_durability durability;
} wg_kv_put_options;

WG_API WG_MUST_USE wg_code wg_kv_get(wg_run *run, const void *key, size_t key_size, wg_kv_item *out, wg_error *err);
WG_API WG_MUST_USE wg_code wg_kv_exists(wg_run *run, const void *key, size_t key_size, bool *out, wg_error *err);
/* out_version may be NULL. Inside a transaction it is 0. */
WG_API WG_MUST_USE wg_code wg_kv_put(wg_run *run, const void *key, size_t key_size, const wg_value *value,
                                     uint64_t *out_version, wg_error *err);
WG_API WG_MUST_USE wg_code wg_kv_put_with(wg_run *run, const void *key, size_t key_size, const wg_value *value,
                                          const wg_kv_put_options *options, uint64_t *out_version, wg_error *err);
/* On stable storage when it returns, whatever the mode of the database is (IN_MEMORY: WG_E_MISUSE). */
WG_API WG_MUST_USE wg_code wg_kv_put_durable(wg_run *run, const void *key, size_t key_size, const wg_value *value,
                                             uint64_t *out_version, wg_error *err);
/* Raw bytes, no wg_value in between: value type BYTES. */
WG_API WG_MUST_USE wg_code wg_kv_put_bytes(wg_run *run, const void *key, size_t key_size, const void *value,
                                           size_t value_size, uint64_t *out_version, wg_error *err);
/* WG_E_CONFLICT: another version is there. */
WG_API WG_MUST_USE wg_code wg_kv_cas(wg_run *run, const void *key, size_t key_size, uint64_t expected,
                                     const wg_value *value, uint64_t *out_version, wg_error *err);
WG_API WG_MUST_USE wg_code wg_kv_delete(wg_run *run, const void *key, size_t key_size, bool *out_existed,
                                        wg_error *err);
/* Adds to an INT; absent counts as 0. WG_E_VALUE on overflow, WG_E_TYPE when it is no INT. Retries conflicts itself. */
WG_API WG_MUST_USE wg_code wg_kv_increment(wg_run *run, const void *key, size_t key_size, int64_t by, int64_t *out,
                                           wg_error *err);

typedef struct wg_kv_key {
    const void *data;
    size_t size;
} wg_kv_key;
/* One snapshot; out[n]. All cache misses are in flight together. */
WG_API WG_MUST_USE wg_code wg_kv_get_many(wg_run *run, const wg_kv_key *keys, uint32_t n, wg_kv_item *out,
                                          wg_error *err);
typedef enum wg_kv_op { WG_KV_PUT, WG_KV_DELETE } wg_kv_op;
typedef struct wg_kv_write {
    wg_kv_op op;
    wg_kv_key key;
    wg_value value;
    wg_kv_put_options options; /* its durability is ignored */
} wg_kv_write;
/* One transaction. *out_failed (may be NULL): the index of the write that was refused. */
WG_API WG_MUST_USE wg_code wg_kv_write_many(wg_run *run, const wg_kv_write *writes, uint32_t n, uint64_t *out_version,
                                            uint32_t *out_failed, wg_error *err);

typedef struct wg_kv_scan_options {
    const void *prefix;
    size_t prefix_size;
    const void *from; /* begin here; with `behind` after it: a cursor that goes on where another ended */
    size_t from_size;
    bool behind;
    bool reverse;
    bool keys_only;
    uint64_t at; /* logseq; 0: now */
} wg_kv_scan_options;
typedef struct wg_kv_cursor wg_kv_cursor;
typedef struct wg_kv_row {
    wg_kv_key key;
    wg_kv_item item;
} wg_kv_row;
/* Keys in the order of their bytes at one snapshot. rows live until the next call with the cursor. */
WG_API WG_MUST_USE wg_code wg_kv_scan(wg_run *run, const wg_kv_scan_options *options, wg_kv_cursor **out,
                                      wg_error *err);
WG_API WG_MUST_USE wg_code wg_kv_cursor_next(wg_kv_cursor *cursor, wg_kv_row *rows, uint32_t rows_max,
                                             uint32_t *out_n, wg_error *err);
WG_API void wg_kv_cursor_close(wg_kv_cursor *cursor);

/* As the log's commit `logseq` left it. WG_E_EXPIRED: forgotten, or not yet. */
WG_API WG_MUST_USE wg_code wg_kv_get_at(wg_run *run, const void *key, size_t key_size, uint64_t logseq,
                                        wg_kv_item *out, wg_error *err);
typedef bool (*wg_kv_version_fn)(void *ctx, const wg_kv_item *item); /* found false: a deletion */
/* Newest first. *out_complete (may be NULL) false: older versions were forgotten. */
WG_API WG_MUST_USE wg_code wg_kv_history(wg_run *run, const void *key, size_t key_size, wg_kv_version_fn fn,
                                         void *ctx, bool *out_complete, wg_error *err);

/* ---- event log. Types: 1 to 256 bytes of UTF-8. Payloads: any wg_value but NODE and EDGE; floats must be finite. */

typedef struct wg_event_item {
    uint64_t sequence; /* 0, 1, 2, ... without gaps */
    uint64_t version;
    uint64_t time_us;
    const char *type; /* not NUL-terminated */
    size_t type_size;
    wg_value payload;
} wg_event_item;

WG_API WG_MUST_USE wg_code wg_eventlog_append(wg_run *run, const char *type, const wg_value *payload,
                                              uint64_t *out_sequence, wg_error *err);
typedef struct wg_event_write {
    const char *type;
    wg_value payload;
} wg_event_write;
/* One transaction; consecutive sequences. */
WG_API WG_MUST_USE wg_code wg_eventlog_append_many(wg_run *run, const wg_event_write *events, uint32_t n,
                                                   uint64_t *out_first_sequence, wg_error *err);
WG_API WG_MUST_USE wg_code wg_eventlog_length(wg_run *run, uint64_t *out, wg_error *err);
/* WG_E_NOT_FOUND: behind the end. */
WG_API WG_MUST_USE wg_code wg_eventlog_read(wg_run *run, uint64_t sequence, wg_event_item *out, wg_error *err);
typedef struct wg_event_range {
    uint64_t from;         /* sequence */
    uint64_t to;           /* exclusive; 0: the end */
    const char *type;      /* NULL: all */
    uint64_t time_from_us; /* 0: from the beginning */
    uint64_t time_to_us;   /* exclusive; 0: to the end */
    bool reverse;
    uint64_t limit; /* 0: none */
    uint64_t at;    /* logseq; 0: now */
} wg_event_range;
typedef bool (*wg_event_fn)(void *ctx, const wg_event_item *event); /* false stops */
WG_API WG_MUST_USE wg_code wg_eventlog_range(wg_run *run, const wg_event_range *range, wg_event_fn fn, void *ctx,
                                             wg_error *err);
typedef bool (*wg_event_type_fn)(void *ctx, const char *type, size_t type_size, uint64_t count);
WG_API WG_MUST_USE wg_code wg_eventlog_types(wg_run *run, wg_event_type_fn fn, void *ctx, wg_error *err);
/* Hash after event `sequence` (docs/format/events.md); UINT64_MAX: the newest. */
WG_API WG_MUST_USE wg_code wg_eventlog_hash(wg_run *run, uint64_t sequence, uint8_t out[32], wg_error *err);
typedef struct wg_eventlog_report {
    bool valid;
    uint64_t length;
    uint64_t first_invalid; /* sequence; UINT64_MAX: none */
    uint8_t head[32];
    char reason[96];
} wg_eventlog_report;
WG_API WG_MUST_USE wg_code wg_eventlog_verify(wg_run *run, wg_eventlog_report *out, wg_error *err);
/* Blocks until the log has more than `length` events or timeout_ms passed; *out the length then. */
WG_API WG_MUST_USE wg_code wg_eventlog_wait(wg_run *run, uint64_t length, uint32_t timeout_ms, uint64_t *out,
                                            wg_error *err);

/* Named places of consumers: how many events each has done with. Part of the run's transactions. */
WG_API WG_MUST_USE wg_code wg_consumer_get(wg_run *run, const char *consumer, uint64_t *out,
                                           wg_error *err); /* 0: new */
WG_API WG_MUST_USE wg_code wg_consumer_set(wg_run *run, const char *consumer, uint64_t position, wg_error *err);
typedef bool (*wg_consumer_fn)(void *ctx, const char *consumer, uint64_t position);
WG_API WG_MUST_USE wg_code wg_consumer_list(wg_run *run, wg_consumer_fn fn, void *ctx, wg_error *err);
WG_API WG_MUST_USE wg_code wg_consumer_remove(wg_run *run, const char *consumer, wg_error *err);

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
