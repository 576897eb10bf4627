/* engine, inside: the contents of indexes. Included by engine_internal.h.
 *
 * An index is a function of the rows of the tables that have its label: rows are only ever appended, so it knows of each table how many
 * rows it has read, and reads the rest when somebody asks. No write path knows of it, and nothing of it is stored: it is built from the
 * rows at its first use, and again after a reopening. */
#ifndef WG_ENGINE_INDEX_INTERNAL_H
#define WG_ENGINE_INDEX_INTERNAL_H

#include "engine/engine.h"

enum {
    WGI_RANK_INDEX = 38,
    WGI_INDEX_KEY_BYTES = 72, /* longer keys are cut: candidates are looked at in any case */
    WGI_INDEX_REST_BYTES = WGI_INDEX_KEY_BYTES - 8,
    WGI_INDEX_TAIL = 256,
    WGI_INDEX_RUNS_MAX = 64,
    WGI_INDEX_PIECES_MAX = 16
};

/* Bytes whose order is that of the values: equal values have equal bytes; of two values that can be compared the less has not the greater bytes. */
typedef struct wgi_index_key {
    uint32_t size;
    uint8_t bytes[WGI_INDEX_KEY_BYTES];
} wgi_index_key;

typedef struct wgi_index_entry {
    uint64_t prefix; /* the first 8 bytes of the key, big-endian, behind it zeros */
    uint64_t id;
    uint32_t rest; /* where the others are */
    uint32_t rest_size;
} wgi_index_entry;

/* Sorted by (key, id), never changed. */
typedef struct wgi_index_run {
    wg_epoch_link link;
    uint64_t count;
    const uint8_t *bytes;
    uint64_t byte_count;
    wgi_index_entry entries[];
} wgi_index_run;

/* The newest entries, in the order in which they came: those below `count` never change. */
typedef struct wgi_index_tail {
    wg_epoch_link link;
    _Atomic uint32_t count; /* release, behind the entry */
    wgi_index_entry entries[WGI_INDEX_TAIL];
    uint8_t bytes[WGI_INDEX_TAIL][WGI_INDEX_REST_BYTES];
} wgi_index_tail;

typedef struct wgi_index_state {
    wg_epoch_link link;
    uint32_t run_count;
    wgi_index_run *runs[WGI_INDEX_RUNS_MAX]; /* each at least twice as long as the next */
    wgi_index_tail *tail;
} wgi_index_state;

typedef struct wgi_index_table {
    _Atomic(wgi_table *) table; /* NULL: it was rolled back */
    _Atomic uint64_t rows;      /* that have been read; release, behind the state that has them */
} wgi_index_table;

typedef struct wgi_index_tables {
    wg_epoch_link link;
    _Atomic uint32_t seen; /* tables that there were when the list was made; UINT32_MAX: it must be made anew */
    uint32_t count;
    wgi_index_table at[];
} wgi_index_tables;

typedef struct wgi_index {
    wg_epoch_link link;
    wg_engine *engine;
    const wg_rule *rule;
    wg_mutex mutex; /* who reads rows */
    _Atomic(wgi_index_state *) state;
    _Atomic(wgi_index_tables *) tables;
    wg_arena arena;             /* of the row at hand; under the mutex */
    uint64_t swept_entries;     /* that the last sweep left; under the mutex */
    uint64_t swept_horizon;     /* up to which it was */
    _Atomic uint64_t sweep_due; /* one is due when the horizon is above this; a hint, asked without the mutex */
} wgi_index;

/* Indexes and constraints (rules.c). */
wg_code wgi_apply_create_rule(void *ctx, const wg_mutation *m, wg_error *err);
wg_code wgi_apply_drop_rule(void *ctx, const wg_mutation *m, wg_error *err);
/* Drops what belongs to a label that goes. */
wg_code wgi_drop_rules_of(wg_txn *txn, uint32_t label, wg_error *err);
/* ---- constraints (rule_checks.c) */

/* NOT NULL and TYPE of the value that a row is about to have; others say nothing. */
wg_code wgi_check_value(const wg_txn *txn, const wg_rule *rule, const wg_value *value, wg_error *err);
/* Of UNIQUENESS and KEY, against the newest state: a row with these values may be written; `own` is its id, or UINT64_MAX.
 * *out_equal: how many others have them; NULL: nobody asks. */
wg_code wgi_check_unique(const wg_txn *txn, const wg_rule *rule, const wg_value *values, uint64_t own,
                         uint32_t *out_equal, wg_error *err);
/* *out_outside: a null keeps the row out of the constraint. */
wg_code wgi_check_unique_nulls(const wg_txn *txn, const wg_rule *rule, const wg_value *values, bool *out_outside,
                               wg_error *err);
wg_code wgi_check_rows_unique(wg_txn *txn, const wg_rule *rule, wg_error *err); /* all rows of the label */
static inline bool wgi_rule_is_unique(const wg_rule *rule) {
    return rule->def.kind == WG_RULE_UNIQUE || rule->def.kind == WG_RULE_KEY;
}

/* ---- index_key.c */

/* Key of all values, of which the first is not null; HASH kinds: none is. False: the row has no entry. */
bool wgi_index_key_of(const wg_rule_def *def, const wg_value *values, wgi_index_key *out);
/* Least and greatest keys of what a probe can mean; the upper one stands for everything that begins with it. False: nothing. */
bool wgi_index_bounds(const wg_rule_def *def, const wg_index_probe *probe, wgi_index_key *low, wgi_index_key *high);
uint64_t wgi_index_prefix(const wgi_index_key *key, uint8_t fill);

/* ---- index_runs.c */

/* `entries` with bytes at `bytes`, sorted here; both are the caller's. */
wg_code wgi_index_run_make(wg_account *account, wgi_index_entry *entries, uint64_t count, const uint8_t *bytes,
                           wgi_index_run **out, wg_error *err);
wg_code wgi_index_run_merge(wg_account *account, const wgi_index_run *a, const wgi_index_run *b, wgi_index_run **out,
                            wg_error *err);
void wgi_index_sort(wgi_index_entry *entries, wgi_index_entry *space, uint64_t count, const uint8_t *bytes);
/* All entries of up to WGI_INDEX_PIECES_MAX runs, merged on the threads of the pool. */
wg_code wgi_index_runs_merge(wg_account *account, wg_pool *pool, wgi_index_run *const *runs, uint32_t run_count,
                             wgi_index_run **out, wg_error *err);
/* The entries i whose bit kept_first + i is set. */
wg_code wgi_index_run_filter(wg_account *account, const wgi_index_run *run, const uint8_t *kept, uint64_t kept_first,
                             wgi_index_run **out, wg_error *err);
bool wgi_index_entry_is(const wgi_index_entry *e, const uint8_t *bytes, const wgi_index_key *key);
/* Some entry has the key of this one, whatever their ids. */
bool wgi_index_run_has(const wgi_index_run *run, const wgi_index_entry *e, const uint8_t *bytes);
/* Appends the ids of all entries from low to high, in no order. */
bool wgi_index_run_find(const wgi_index_run *run, const wgi_index_key *low, const wgi_index_key *high, wg_buf *out);
bool wgi_index_tail_find(const wgi_index_tail *tail, const wgi_index_key *low, const wgi_index_key *high,
                         wg_buf *out);
void wgi_index_sort_ids(uint64_t *ids, uint64_t *space, uint64_t count);

/* ---- index_build.c */

/* Rows of one table that are to be read. */
typedef struct wgi_index_span {
    wgi_table *table;
    uint64_t first, until;
} wgi_index_span;
/* One run of the entries of all these rows (NULL: there are none), made by the threads of the engine's pool. */
wg_code wgi_index_build(wgi_index *index, const wgi_index_span *spans, uint32_t span_count, wgi_index_run **out,
                        wg_error *err);

/* ---- index_sweep.c */

/* Under the mutex, when the index has read all rows: entries that no snapshot from `horizon` on can need go, when they may be as many as
 * the others. The horizon was asked for before the rows were read; 0: not now. */
wg_code wgi_index_sweep(wgi_index *index, uint64_t horizon, wg_error *err);

/* ---- index.c */

/* Values of the index's properties at a version; cells in the arena. */
wg_code wgi_index_row_values(const wgi_index *index, const wgi_place *at, wg_arena *arena, wg_value *out,
                             wg_error *err);
/* *out_any false: the row has no entry. Resets the arena. */
wg_code wgi_index_row_key(const wgi_index *index, const wgi_place *at, wg_arena *arena, wgi_index_key *key,
                          uint64_t *out_id, bool *out_any, wg_error *err);
wgi_index_entry wgi_index_entry_of(const wgi_index_key *key, uint64_t id, uint64_t rest);
wg_code wgi_index_catch_up(wgi_index *index, wg_error *err); /* under the mutex */
/* Under the mutex: these runs, from long to short, stand instead of those that stand, beside the tail. */
wg_code wgi_index_replace(wgi_index *index, wgi_index_run *const *runs, uint32_t count, wg_error *err);
uint64_t wgi_index_entry_count(const wgi_index *index); /* under the mutex */
/* Reads what is new, so that the next question does not. */
wg_code wgi_index_freshen(wgi_index *index, wg_error *err);

wg_code wgi_index_create(wg_engine *engine, const wg_rule *rule, wg_error *err);
void wgi_index_destroy(wgi_index *index); /* nobody reads */
/* Lets go of what it holds: it is built anew when somebody asks. */
void wgi_index_forget(wgi_index *index);
/* Before tables from `kept` on are freed, while readers may still be counting themselves in. */
void wgi_index_forget_tables(wg_engine *engine, uint32_t kept);
wgi_index *wgi_index_of(const wg_engine *engine, uint32_t rule);
/* Appends the ids (8 bytes each) of all rows that may have what the probe says, in any version. */
wg_code wgi_index_candidates(wgi_index *index, const wg_index_probe *probe, wg_buf *out, wg_error *err);
/* The first visible row whose properties equal the values, other than `own`; UINT64_MAX: there is none. *out_equal: how many. */
wg_code wgi_index_equal(const wg_engine *engine, const wg_rule *rule, wg_view view, const wg_value *values,
                        uint64_t own, uint64_t *out, uint32_t *out_equal, wg_error *err);

#endif
