/* What the files of the API share: the bodies behind the handles of worldgraph.h. */
#ifndef WG_API_INTERNAL_H
#define WG_API_INTERNAL_H

#include "api/api.h"
#include "exec/exec.h"
#include "format/receipt/receipt.h"
#include "primitives/eventlog/eventlog.h"
#include "primitives/kv/kv.h"
#include "primitives/runs/runs.h"
#include "query/procedures/procedures.h"
#include "query/query.h"

/* Every handle begins with a tag, so that a wrong or closed handle is WG_E_MISUSE where it can be told. */
enum {
    WGI_TAG_DB = 0x77676462,
    WGI_TAG_SESSION = 0x77677365,
    WGI_TAG_STMT = 0x77677374,
    WGI_TAG_RESULT = 0x77677265,
    WGI_TAG_SNAPSHOT = 0x7767736e,
    WGI_TAG_RUN = 0x7767726e,
    WGI_TAG_CURSOR = 0x77676375,
    WGI_TAG_CLOSED = 0
};

/* One engine of a database and who uses it (engines.c). */
typedef struct wgi_db_engine {
    struct wgi_db_engine *next;
    wg_engine *engine;
    uint32_t users;
} wgi_db_engine;

/* Whoever lost several times in a row against others on a run gets its turn in order (run.c). */
typedef struct wgi_turn {
    wg_mutex mutex;
    wg_cond next;
    uint64_t given;
    uint64_t serving;
    _Atomic uint32_t queue; /* who holds or waits for the turn */
} wgi_turn;
enum { WGI_TURNS = 16, WGI_IDLE_STMTS = 4 };

struct wg_db {
    uint32_t tag;
    wg_mutex engine_mutex; /* guards engine, engines */
    wg_engine *engine;     /* the newest */
    wgi_db_engine *engines;
    char *path; /* NULL: private */
    wg_platform *platform;
    uint8_t store_uuid[16];
    wg_account queries; /* of all queries and their results */
    wg_pool *pool;
    wg_procedures *procedures;     /* what CALL finds; tests add theirs */
    wg_plan_cache *plans;          /* NULL: nothing is kept */
    _Atomic int64_t clock_last_us; /* the last moment that a statement was given */
    uint32_t threads;
    uint32_t batch_rows;
    uint32_t shards;
    uint64_t query_memory_bytes_max;
    wgi_turn turns[WGI_TURNS]; /* by run number */
    _Atomic uint32_t children; /* sessions, snapshots and results that are open */
};

struct wg_snapshot {
    uint32_t tag;
    wg_db *db;
    wg_engine *engine; /* held */
    wg_engine_pin *pin;
    uint64_t logseq;
    wg_sha256 chain;
};

struct wg_session {
    uint32_t tag;
    wg_db *db;
    wg_txn *txn; /* the open transaction of wg_begin */
    int64_t begin_clock_us;
    const wg_snapshot *snapshot;
    wg_engine *engine; /* while a statement runs or a transaction is open */
    uint32_t uses;
    uint32_t threads;
    uint32_t batch_rows;
    uint32_t shards;
    uint32_t deadline_ms;      /* of each statement; 0: none */
    const wg_kernels *kernels; /* NULL: the best */
    bool optimizer_off;
    const wg_exec_watch *watch;
    wg_speed_lane lane;
    wg_stmt *idle[WGI_IDLE_STMTS]; /* of wg_query, for the same text again; the last one first */
    uint64_t chain_at;             /* the commit whose chain value was asked for last; 0: none */
    const wg_engine *chain_engine;
    wg_sha256 chain;
    wg_cancel cancel;
    wg_agent *agent;         /* from the first handle of a run on */
    wg_engine *agent_engine; /* held for it */
    wg_run *run_txn;         /* the handle whose transaction is open */
};

struct wg_run {
    uint32_t tag;
    wg_session *session;
    wg_agent_run run;
    uint32_t cursors;
};

struct wg_kv_cursor {
    uint32_t tag;
    wg_run *run;
    wg_keyvalue_cursor cursor;
};

/* Where a statement's result waits, once it is freed, for the next run; shared by the statement and its results (result.c). */
typedef struct wgi_spare {
    _Atomic uint32_t users;
    wg_result
        *_Atomic result; /* release when it is put there, acquire when it is taken; NULL: none; closed: nobody will */
} wgi_spare;

struct wg_stmt {
    uint32_t tag;
    wg_session *session;
    wg_prepared *query;
    wg_query_state state;
    wgi_spare *spare; /* NULL: before the second run */
    uint64_t runs;
    uint64_t plain_epoch; /* of the catalog in which the statement names no virtual label */
    wg_value *params;
    bool *bound;
    struct wgi_bound *bounds; /* memory of each bound value */
    bool has_clock;           /* wg_bind_clock */
    int64_t clock_us[2];
};

struct wg_result {
    uint32_t tag;
    wg_db *db;
    wg_account account; /* of the query: rows, objects */
    wg_answer answer;   /* rows and objects that do not fit */
    wg_query_result query;
    wg_type *types;     /* per column: as the plan says, or the one type that all values of an ANY column have */
    wg_value **objects; /* per column: cells with NODE and EDGE as objects; NULL: take the rows' own */
    wg_arena arena;
    wg_stats stats;
    uint64_t row_count;
    _Atomic bool nulls_left_out;    /* an aggregate met some; relaxed */
    int64_t clock_us[2];            /* that it took for the current time: of the statement, of the transaction */
    wg_slice statement;             /* its text, in the arena; as the next two */
    wg_buf param_bytes;             /* of all parameters, as they are hashed */
    struct wgi_param_place *params; /* where each is in them; their hashes are made with the receipt */
    uint32_t param_count;
    wg_sha256 chain;
    bool optimizer_off;
    const char *isa; /* how it was run, for signatures */
    uint32_t threads;
    uint32_t shards;
    uint64_t started_us; /* since 1970 */
    wg_mutex receipt_mutex;
    char *receipt;    /* made when first asked for */
    wgi_spare *spare; /* held; NULL: it is freed for good */
};

/* A value is copied into the arena that the one before it does not lie in, so that binding again takes no more memory. */
typedef struct wgi_bound {
    wg_arena arenas[2];
    uint32_t newest;
} wgi_bound;

typedef struct wgi_param_place {
    size_t name, value, end;
} wgi_param_place;

#define WGI_CHECK(handle, tag_value, what)                                                          \
    do {                                                                                            \
        if ((handle) == NULL || (handle)->tag != (uint32_t)(tag_value))                             \
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "this is no open %s handle", what); \
    } while (0)

/* wg_kv_put_bytes where the straight way ends (keyvalue.c). */
wg_code wgi_kv_put_otherwise(wg_state_way *way, const void *key, size_t key_size, const void *value,
                             size_t value_size, uint64_t *out_version, wg_error *err);

void wgi_engines_init(wg_db *db);
wg_code wgi_engines_add(wg_db *db, wg_engine *engine, wg_error *err); /* becomes the newest */
wg_code wgi_engines_close(wg_db *db, wg_error *err);
wg_engine *wgi_engine_hold(wg_db *db); /* the newest; the caller drops it */
void wgi_engine_drop(wg_db *db, wg_engine *engine);
/* Between them session->engine stands; they nest, and an open transaction is one level. */
#define WGI_CLOCK_PARAM "clock()"                /* no name that a statement could have */
int64_t wgi_clock_us(const wg_session *session); /* the current time, while session->engine stands */
void wgi_session_enter(wg_session *session);
void wgi_session_leave(wg_session *session);

/* Runs: the session's agent goes with it; a statement joins the open transaction of a run. */
void wgi_session_close_agent(wg_session *session);
wg_code wgi_session_join(wg_session *session, wg_error *err);
void wgi_turns_init(wg_db *db);
void wgi_turns_deinit(wg_db *db);

/* Turns the rows' NODE and EDGE cells into objects, while the transaction can still be read. */
wg_code wgi_result_build(wg_result *result, const wg_txn *txn, wg_error *err);
wg_code wgi_result_create(wg_db *db, wg_result **out, wg_error *err);
/* One that the statement had before, emptied, or a new one. */
wg_code wgi_result_take(wg_stmt *stmt, wg_result **out, wg_error *err);
void wgi_idle_close(wg_session *session); /* stmt.c */
void wgi_spare_close(wgi_spare *spare);   /* NULL is legal */
wg_value wgi_result_cell(const wg_result *result, uint64_t row, uint32_t column);
/* receipt.c: notes text, parameters and manner of running in the result. */
wg_code wgi_result_note(const wg_stmt *stmt, wg_result *result, wg_error *err);
/* The core, what the options add, and a signature when there is a secret. Everything lives in the arena. */
wg_code wgi_receipt_of(const wg_result *result, const wg_receipt_options *options, wg_arena *arena, wg_receipt *out,
                       wg_error *err);
wg_code wgi_receipt_hash_rows_1(const wg_result *result, wg_sha256 *out, wg_error *err); /* of format 1 */
/* Adds the signature of `secret` to a receipt whose work is that of `result`. */
wg_code wgi_receipt_sign(const wg_result *result, const uint8_t secret[32], wg_arena *arena, wg_receipt *receipt,
                         wg_error *err);

/* True when the column's cells hold objects and are printed as such. */
bool wgi_result_has_objects(const wg_result *result, uint32_t column);

#endif
