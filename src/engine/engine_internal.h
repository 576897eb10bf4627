/* What the files of the engine share. Others include engine.h only. */
#ifndef WG_ENGINE_INTERNAL_H
#define WG_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "engine/maintenance.h"
#include "engine/schema.h"
#include "engine/state_log.h"
#include "engine/state_store.h"
#include "io/manifest_txn/manifest_txn.h"
#include "io/object_cache/object_cache.h"

enum { WGI_LABELS_MAX = 1 << 20 };

/* Live rows over time: (logseq, count) pairs, ascending; statistics of a snapshot are read from here. */
typedef struct wgi_history {
    uint64_t *pairs; /* those that are not stored */
    uint32_t count;
    uint32_t capacity;
    uint64_t base;      /* pairs that are in stripes, before these */
    uint64_t base_live; /* of the last of them */
} wgi_history;

typedef struct wgi_table wgi_table;
typedef struct wgi_label_state wgi_label_state;
enum { WGI_ADJACENCY_KEPT = 2 };

/* Rows of one set of labels, or of one edge label. */
struct wgi_table {
    uint32_t number;
    bool is_edge;
    bool open;         /* properties that no declared label names are welcome */
    _Atomic bool dead; /* made by a rolled-back transaction; has no visible row and never will */
    bool touched;      /* in the writer's list */
    wgi_table *next_touched;
    wg_table *rows;
    uint64_t live; /* of the newest state; writer only */
    _Atomic uint64_t
        changed; /* last commit, failed ones included, that touched rows, or a later one; release, before it is published */
    wgi_history history; /* guarded by state_mutex */
    bool is_stored;      /* what the newest TABLE fragment says; guarded by maintenance.mutex */
    uint64_t stored_rows;
    uint64_t stored_live;
    uint32_t stored_columns;
    uint32_t label_count;
    uint32_t labels[]; /* numbers, ascending */
};

/* What belongs to one label number. */
struct wgi_label_state {
    wg_key_index *key_index;                            /* labels with a primary key */
    wg_topology *topology;                              /* edge labels */
    wgi_table *edges;                                   /* edge labels */
    struct wg_adjacency *adjacency[WGI_ADJACENCY_KEPT]; /* edge labels, newest first; guarded by adjacency_mutex */
    _Atomic uint64_t merge_until; /* edges that the background may merge; 0: nothing is due. Any order: a hint */
    bool touched;                 /* in the writer's list */
    wgi_label_state *next_touched;
    wgi_label_state *next_dead; /* of a rolled-back label: kept until no reader can hold it */
};

enum { WGI_TABLES_MAX = 65535, WGI_SPARE_TXNS = 8 };

struct wg_engine {
    wg_platform *platform;
    wg_options options;
    char *path; /* NULL: private and in memory */
    wg_account account;
    wg_account
        state_account; /* agents' state and its rings: no checkpoint gives them back, so they are no heap of rows */
    wg_account adjacency_account; /* nor this */
    wg_account index_account;     /* nor this */
    uint32_t delta_edges_min;     /* 0: default */
    uint64_t adjacency_span_free; /* WGI_SPAN_FREE; tests take less */
    uint64_t halves_log_bytes;    /* of wg_engine_options */
    wg_mutex adjacency_mutex;     /* which adjacency labels keep, and its ranges */
    wg_file *lock_file;
    wg_wal *wal; /* NULL: IN_MEMORY */
    uint8_t uuid[16];
    _Atomic uint64_t manifest_epoch; /* stored by the writer */
    bool manifest_late;              /* writer: the last manifest could not be written; the next commit tries again */
    wg_epoch *epoch;
    wg_catalog *catalog;
    wg_directory *nodes;
    wg_directory *edges;
    wg_slots tables;
    _Atomic uint32_t table_count; /* release; pairs with the acquire of scans */
    wg_slots labels;              /* wgi_label_state by label number */
    wg_slots indexes;             /* wgi_index by number of the rule */
    wg_object_cache *objects;
    wg_pool *pool;   /* NULL: none */
    wgi_seat writer; /* the writer's place: from a transaction's first write to its end */
    wgi_seat
        log_end; /* the place at the log's end: numbers, appends, cuts of lanes; never for as long as a transaction */
    wg_mutex state_mutex;            /* histories, in-memory chain */
    wgi_table *touched_tables;       /* writer: tables whose live count may have changed in this commit */
    wgi_label_state *touched_labels; /* writer: edge labels with new edges in this commit */
    wgi_label_state *dead_labels;    /* writer */
    _Atomic uint64_t applied;        /* last logseq applied in memory; by who has the log's end */
    uint64_t graph_changes;          /* commits that changed the graph, not runs alone; writer */
    _Atomic uint64_t published;      /* what new readers see; release, pairs with the acquire in txn begin */
    _Atomic uint32_t open_txns;
    wg_txn *_Atomic spare_txns[WGI_SPARE_TXNS]; /* release when one is put there, acquire when it is taken */
    wg_arena apply_arena;                       /* writer: cells of the mutation at hand; reset at its end */
    wg_arena key_arena;                         /* writer: cells of one key */
    wg_buf chain;                               /* IN_MEMORY and read-only: 32 bytes a commit */
    uint64_t chain_base;                        /* commits before the first of `chain` */
    wgi_maintenance maintenance;
    wgi_state_log state_log;
    wgi_state_store state_store;
    struct wgi_statistics *statistics; /* statistics.c */
    uint64_t statistics_floor;         /* what changed before counts as changed then: the logseq of the opening */
    wg_compute_fn _Atomic computer;    /* of computed columns; NULL: nobody has said yet */
    _Atomic bool has_computed;         /* some label has a computed column */
    bool labels_touched;               /* writer: this commit does */
    _Atomic uint64_t labels_changed;   /* the last commit that gave or took labels of a node */
    wgi_schema schema;
};

wg_code wgi_statistics_create(wg_engine *engine, wg_error *err);
void wgi_statistics_destroy(wg_engine *engine);

/* ---- applying: shared by live writes and replay */

typedef enum wgi_undo_kind {
    WGI_UNDO_ROW,        /* table, row: begin = NEVER */
    WGI_UNDO_ROWS,       /* table, first row, count: the same */
    WGI_UNDO_END,        /* table, row: end = NEVER */
    WGI_UNDO_DIRECTORY,  /* is_edge, id, old address */
    WGI_UNDO_EXTEND,     /* is_edge, old count */
    WGI_UNDO_KEYS,       /* old count */
    WGI_UNDO_LABELS,     /* old count */
    WGI_UNDO_LABEL_END,  /* number */
    WGI_UNDO_PARTITIONS, /* old count */
    WGI_UNDO_RULES,      /* old count */
    WGI_UNDO_RULE_END,   /* number */
    WGI_UNDO_TOPOLOGY,   /* label, first edge */
    WGI_UNDO_LIVE,       /* table, delta to subtract */
    WGI_UNDO_ALTER,      /* label: its definition of before */
    WGI_UNDO_TABLE,      /* table: it is dead */
    WGI_UNDO_EDGES       /* label, table of its edges before */
} wgi_undo_kind;

typedef struct wgi_undo {
    wgi_undo_kind kind;
    uint32_t number;
    uint64_t a;
    uint64_t b;
} wgi_undo;

typedef struct wgi_apply {
    wg_engine *engine;
    uint64_t begin;        /* logseq of the mutations; WG_LOGSEQ_OWN while they have none */
    uint64_t stamp;        /* what a checkpoint must have reached to have seen them; in replay their logseq */
    wg_buf *undo;          /* NULL in replay: there is nothing to go back to */
    bool stored;           /* definitions of a checkpoint: their tables come from there too */
    wgi_state_pass *state; /* of replay */
} wgi_apply;

extern const wg_applier wgi_applier; /* ctx is a wgi_apply */
/* Of loads (apply_bulk.c), and what those share with the others. */
wg_code wgi_apply_create_nodes(void *ctx, const wg_mutation *m, wg_error *err);
wg_code wgi_apply_load_nodes(void *ctx, const wg_mutation *m, wg_error *err);
wg_code wgi_apply_load_edges(void *ctx, const wg_mutation *m, wg_error *err);
wg_code wgi_note(wgi_apply *a, wgi_undo_kind kind, uint32_t number, uint64_t x, uint64_t y, wg_error *err);
wg_code wgi_misfit(wg_error *err, const char *what, uint64_t n); /* WG_E_CORRUPT */
wg_code wgi_count_live(wgi_apply *a, wgi_table *table, int64_t delta, wg_error *err);
/* Reserves the ids and checks that they are the ones that the log says. */
wg_code wgi_take_ids(wgi_apply *a, bool is_edge, uint64_t id, uint64_t count, wg_error *err);
wg_code wgi_column_for_key(const wgi_apply *a, wgi_table *table, uint32_t key, uint32_t *out, wg_error *err);
wg_code wgi_sort_labels(const wgi_apply *a, uint32_t *labels, uint32_t *count, wg_error *err);
void wgi_touch_label(wg_engine *engine, wgi_label_state *state);
void wgi_undo_back_to(wg_engine *engine, wg_buf *undo, size_t bytes);
/* What the noted changes began and ended is of commit `logseq`, which no reader sees yet. */
void wgi_stamp(wg_engine *engine, const wg_buf *undo, uint64_t logseq);

/* The label lets go of what it keeps (adjacency.c): adjacency_mutex is held, or nobody reads it. */
void wgi_adjacency_forget(wgi_label_state *state);
/* Frees what nobody holds. */
void wgi_adjacency_trim(wg_engine *engine);

/* Records the live counts of the touched tables at `logseq`; on failure nothing is recorded. */
wg_code wgi_history_record(wg_engine *engine, uint64_t logseq, wg_error *err);
/* Takes back what was recorded for a commit that did not come about. */
void wgi_history_forget(wg_engine *engine, uint64_t logseq);
/* Empties the lists of what the commit touched. */
void wgi_touched_clear(wg_engine *engine);
/* Frees tables and labels that rolled-back transactions left, when no transaction but the caller's is open. */
void wgi_dead_reap(wg_engine *engine);
uint64_t wgi_history_at(wg_engine *engine, wgi_table *table, uint64_t logseq);

/* The log, or the chain of a store without one, has commit `logseq`; by who has the log's end. */
static inline void wgi_applied_set(wg_engine *engine, uint64_t logseq) {
    atomic_store_explicit(&engine->applied, logseq, memory_order_release); /* pairs with wgi_next_logseq */
}
/* What comes behind everything that is in memory, unless the log's end is somebody else's. */
static inline uint64_t wgi_next_logseq(const wg_engine *engine) {
    return atomic_load_explicit(&engine->applied, memory_order_acquire) + 1;
}

/* ---- tables and versions */

wgi_table *wgi_table_at(const wg_engine *engine, uint32_t number);
wgi_label_state *wgi_label_state_at(const wg_engine *engine, uint32_t label);
/* Finds or makes the table of a label set (ascending numbers): the last one, where ALTER made several. */
wg_code wgi_table_of_labels(wg_engine *engine, const uint32_t *labels, uint32_t label_count, wgi_table **out,
                            wg_error *err);
/* Makes another table of the same labels, as they are defined now; new rows go there. */
wg_code wgi_table_successor(wg_engine *engine, const wgi_table *table, wgi_table **out, wg_error *err);
/* Makes the table with the number that it has in a checkpoint, no columns and no rows; numbers that are passed over get dead tables. */
wg_code wgi_table_restore(wg_engine *engine, const wgi_table *like, const uint32_t *labels, wgi_table **out,
                          wg_error *err);
bool wgi_table_has_labels(const wgi_table *table, const uint32_t *labels, uint32_t label_count);
void wgi_table_destroy(wgi_table *table);
void wgi_label_state_destroy(wgi_label_state *state);

/* Where a version is. */
typedef struct wgi_place {
    wgi_table *table; /* NULL: nowhere */
    uint64_t row;
} wgi_place;
/* The version of an owned node or edge that the view sees. */
wg_code wgi_version(const wg_engine *engine, bool is_edge, wg_view view, uint64_t id, wgi_place *out, wg_error *err);
/* The same of an edge, and where it leaves and arrives. */
wg_code wgi_edge_version(const wg_engine *engine, wg_view view, uint64_t id, wgi_place *out, uint64_t out_ends[2],
                         wg_error *err);
wg_code wgi_seek(wg_engine *engine, wg_view view, uint32_t label, const wg_value *key, uint32_t key_count,
                 uint64_t *out_id, bool *out_found, wg_error *err);
/* The same, other than `own`. */
wg_code wgi_seek_other(wg_engine *engine, wg_view view, uint32_t label, const wg_value *key, uint32_t key_count,
                       uint64_t own, uint64_t *out_id, bool *out_found, wg_error *err);
/* True when the node is visible: owned by its version, virtual by its partition and row count. */
wg_code wgi_node_visible(const wg_engine *engine, wg_view view, uint64_t id, bool *out, wg_error *err);
wg_code wgi_node_has_label(const wg_engine *engine, wg_view view, uint64_t id, uint32_t label, bool *out,
                           wg_error *err);

/* ---- transactions */

struct wg_txn {
    wg_engine *engine;
    const wg_cancel *cancel; /* of the statement that runs in it; NULL: none */
    wg_txn_mode mode;
    wg_speed_lane lane;
    wg_view view;
    bool writing;   /* holds the writer's place */
    bool ddl;       /* the manifest wants a new epoch */
    bool deferring; /* a statement runs: rows that break a constraint are looked at again when it ends */
    uint64_t place; /* in its text, of the write at hand */
    uint64_t stamp; /* wgi_apply.stamp */
    wg_buf late;    /* rows to look at again (late.c) */
    uint32_t epoch_slot;
    wgi_pin pin;
    wg_buf undo;
    wg_buf log;
    wg_stats stats;
    wgi_mixed *mixed; /* what else its commit changes; NULL: nothing */
};

/* Readers see commits up to `logseq`. */
void wgi_publish(wg_engine *engine, uint64_t logseq);
/* The same once it is durable, where the store is STRICT. */
wg_code wgi_publish_durable(wg_engine *engine, uint64_t logseq, wg_error *err);
/* Appends the next commit: what the lanes hold, mutations of the graph (may be none), and `mixed` (may be NULL), whose changes become visible. The log's
 * end is the caller's. On failure nothing of it stays. */
wg_code wgi_log_commit(wg_engine *engine, wg_slice graph, wgi_mixed *mixed, wg_error *err);
/* The log's formula of the chain, for stores that have no log. */
wg_code wgi_chain_extend(wg_engine *engine, uint64_t logseq, wg_slice payload, wg_error *err);
/* A WRITE transaction that has written: that is committed (*out_logseq; 0: it is not), and it goes on as one that has written nothing. Between the
 * two it has neither the writer's place nor a snapshot, so that others write and checkpoints give memory back. `more`: it takes the place again,
 * on the newest state; else it is only good for being ended: wg_txn_commit then gives the same number. A failure leaves it to be aborted, which
 * takes back what is not committed. */
wg_code wgi_txn_commit_part(wg_txn *txn, bool more, uint64_t *out_logseq, wg_error *err);
/* Takes the writer's place when this is the first write. */
wg_code wgi_conflict(wg_engine *engine); /* counts one; gives WG_E_CONFLICT */
wg_code wgi_txn_write_begin(wg_txn *txn, wg_error *err);
/* Logs and applies one mutation; on failure nothing of it stays. */
wg_code wgi_txn_do(wg_txn *txn, const wg_mutation *mutation, wg_error *err);
/* Newest committed state plus own writes: what constraints are checked against. */
wg_view wgi_txn_newest(const wg_txn *txn);

/* ---- constraints at the end of a statement (late.c) */

enum {
    WGI_LATE_EQUAL_MAX = 256
}; /* so many rows of one key at the same time are an error at once: each costs a look at all others */
wg_code wgi_late_note(wg_txn *txn, bool is_edge, uint64_t id, wg_error *err);
/* A seek by primary key found `id`: no other node may have the key, not even on the way to the statement's end. */
wg_code wgi_late_seek(const wg_txn *txn, uint32_t label, const wg_value *key, uint32_t key_count, uint64_t id,
                      wg_error *err);
/* The version keeps to all that its labels demand (write.c). */
wg_code wgi_check_version(const wg_txn *txn, const wgi_place *at, uint64_t id, wg_error *err);

/* Joins a path and a name into the arena. */
char *wgi_path_join(wg_arena *arena, const char *directory, const char *name);

#include "engine/bulk.h"
#include "engine/index_internal.h"
#include "engine/alter_internal.h"
#include "engine/virtual_internal.h"

#endif
