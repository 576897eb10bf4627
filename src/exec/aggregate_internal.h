/* exec, the files of typed aggregation: states of groups as arrays, tables of groups, and what merges and spills them.
 *
 * Typed aggregation is for keys and arguments of one concrete type each. Every worker aggregates all of its tasks into one table; states are
 * such that the order of additions never shows in them, and each group knows the task that saw it first. aggregate.c does all other
 * aggregations. */
#ifndef WG_EXEC_AGGREGATE_INTERNAL_H
#define WG_EXEC_AGGREGATE_INTERNAL_H

#include "exec/spill.h"

/* ---- aggregate_states.c */

typedef enum wgi_agg_op {
    WGI_AGG_COUNT,     /* counts */
    WGI_AGG_SUM_INT,   /* wg_i128 cells; counts where a mean is asked for */
    WGI_AGG_SUM_FLOAT, /* wgi_float_sum cells; counts likewise */
    WGI_AGG_BEST_I64,  /* int64_t cells, has: the group has seen a value */
    WGI_AGG_BEST_F64, /* double cells; -0.0 below 0.0 and one NaN above all, so that the best does not depend on the order */
    WGI_AGG_BEST_STR /* wg_str cells */
} wgi_agg_op;

/* The states of one aggregate over all groups of a table. */
typedef struct wgi_agg_states {
    const wg_aggregate *aggregate;
    wgi_agg_op op;
    bool min;
    bool counted;
    uint64_t *counts;
    void *cells;
    uint8_t *has;
} wgi_agg_states;

/* Cells of the selected rows of a batch, one after the other. */
typedef struct wgi_dense {
    const void *cells;
    const uint8_t *valid; /* a byte a row; NULL: all are present */
    uint32_t n;
} wgi_dense;
/* BOOL becomes words of 8 bytes. */
bool wgi_dense_of(wg_arena *arena, const wg_vector *v, const wg_batch *batch, wgi_dense *out);
/* Which rows have a value, for vectors of any type; NULL in *out: all have. */
bool wgi_dense_valid(wg_arena *arena, const wg_vector *v, const wg_batch *batch, const uint8_t **out);

/* Can this aggregate be kept in typed states? */
bool wgi_agg_states_fit(const wg_aggregate *a);
void wgi_agg_states_init(wgi_agg_states *s, const wg_aggregate *a);
void wgi_agg_states_deinit(wgi_agg_states *s, uint32_t count);
bool wgi_agg_states_grow(wgi_agg_states *s, wg_account *account, uint32_t from, uint32_t to);
uint64_t wgi_agg_states_bytes(const wgi_agg_states *s); /* of one group */
/* Rows x go to groups index[i], or all to `group` when index is NULL. */
bool wgi_agg_states_add(wgi_agg_states *s, const wgi_dense *x, const uint32_t *index, uint32_t group,
                        wg_arena *strings, wg_account *account);
/* Adds group `g` of `from` to group `to` of `s`; strings are borrowed. */
bool wgi_agg_states_merge(wgi_agg_states *s, uint32_t to, const wgi_agg_states *from, uint32_t g,
                          wg_account *account);
/* The result of a group as cell `row` of a column that has room; the column's `valid` is there. */
wg_code wgi_agg_states_result(const wgi_agg_states *s, uint32_t group, wg_column *column, uint32_t row,
                              wg_error *err);

/* ---- aggregate_spill.c: groups of tables in temporary files, by partition */

typedef struct wgi_agg_piece {
    uint32_t partition;
    bool is_rows; /* of aggregate_rows.c, else groups with their states */
    wgi_spill_block block;
} wgi_agg_piece;
typedef struct wgi_agg_spill {
    const wg_plan *plan;
    const wg_exec_context *context;
    wg_mutex lock; /* guards what follows; rank WG_RANK_POOL + 2 */
    wgi_spill *file;
    wgi_agg_piece *pieces;
    uint32_t count;
    uint32_t capacity;
} wgi_agg_spill;
struct wgi_agg_table;
void wgi_agg_spill_init(wgi_agg_spill *s, const wg_plan *plan, const wg_exec_context *context);
void wgi_agg_spill_deinit(wgi_agg_spill *s);
/* Moves all groups of a table to the file; the table is empty then. Threads: any, a table each. */
wg_code wgi_agg_spill_table(wgi_agg_spill *s, struct wgi_agg_table *t, wg_error *err);
/* Writes rows of aggregate_rows.c, all of one partition. Threads: any. */
wg_code wgi_agg_spill_rows(wgi_agg_spill *s, uint32_t partition, const wgi_spill_rows *rows, wg_error *err);
/* Merges what is in the file, partition by partition, to the rows of the answer, which spill in their turn. */
wg_code wgi_agg_spill_finish(wgi_agg_spill *s, wg_rows **out, wg_error *err);

/* ---- aggregate_table.c */

enum { WGI_AGG_KEYS_MAX = 8, WGI_AGG_PARTITION_BITS = 6, WGI_AGG_PARTITIONS = 1 << WGI_AGG_PARTITION_BITS };

typedef struct wgi_agg_slot {
    uint64_t word;  /* the key when it is one word, else the hash of the key */
    uint32_t group; /* + 1; 0: empty */
} wgi_agg_slot;

typedef struct wgi_agg_table {
    wg_account *account;
    const void *owner; /* the evaluator of the worker that fills it */
    const wg_plan *plan;
    uint32_t key_count;
    uint32_t state_count;
    wg_arena strings;
    wg_column *keys;
    wgi_agg_states *states;
    uint64_t *hashes; /* of each group */
    uint32_t count;
    uint32_t capacity;
    uint64_t *
        positions; /* where each group was first seen: task << WGI_AGG_SERIAL_BITS | a number that rises in the task */
    uint64_t serial; /* the next such number */
    uint32_t task;   /* the task in hand, and the last one so far */
    uint32_t task_last;
    bool disordered; /* a task ran after a later one: positions do not ascend */
    wgi_agg_slot *slots;
    uint64_t slot_count;
    uint32_t null_group; /* + 1; of a key of one word */
    bool by_word;
    uint32_t *direct; /* group + 1 by word - direct_low, a cache of the slots for keys of a small range */
    int64_t direct_low;
    int64_t direct_high;
    bool direct_off;
    uint32_t *memo; /* group by code of the last dictionary, checked against the cell once a batch */
    uint32_t *memo_stamp;
    uint32_t memo_size;
    uint32_t stamp;
    uint32_t groups_hint;      /* how many groups there will be, about */
    bool is_part;              /* it has the groups of one part of the hash, which no other such table has */
    bool is_joined;            /* its groups are in tables of parts too: it only keeps what their strings point at */
    uint64_t rows_seen;        /* since the table was empty */
    bool keeps_rows;           /* the rows that follow go to the file as they are (aggregate_rows.c) */
    struct wgi_agg_rows *rows; /* those held; NULL: none so far */
    struct wgi_agg_hand *hand; /* rows that the worker has not dealt yet (aggregate_deal.c); NULL: it does not deal */
} wgi_agg_table;

enum { WGI_AGG_SERIAL_BITS = 39, WGI_AGG_TASKS_MAX = 1 << 24 };
wg_code wgi_agg_table_create(const wg_plan *plan, wg_account *account, wgi_agg_table **out, wg_error *err);
void wgi_agg_table_destroy(wgi_agg_table *t);
/* Gives the memory of all groups back. False, and nothing done, when out of memory. */
bool wgi_agg_table_clear(wgi_agg_table *t);
/* Tables of parts, one after the other, use the same slots, and begin with room for as many groups as the one before had. */
typedef struct wgi_agg_room {
    wgi_agg_slot *slots;
    uint64_t slot_count;
    uint32_t groups;
} wgi_agg_room;
/* The table, where it is empty, takes the room; when no group will be looked up any more it gives it back. */
void wgi_agg_table_lend(wgi_agg_table *t, wgi_agg_room *room);
void wgi_agg_table_end(wgi_agg_table *t, wgi_agg_room *room);
/* Bytes that the arrays take when they must grow for so many more rows. */
uint64_t wgi_agg_table_growth(const wgi_agg_table *t, uint32_t rows);
/* The rows that follow are those of this task. */
void wgi_agg_table_begin(wgi_agg_table *t, uint32_t task);
/* Groups of the selected rows, made where new. *index NULL: all rows are of *group. */
wg_code wgi_agg_table_find(wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                           uint32_t **index, uint32_t *group, wg_error *err);
/* A new group with the keys of a row, without looking whether there is one; nothing is found in such a table. */
wg_code wgi_agg_table_append(wgi_agg_table *t, const wg_vector *keys, uint32_t row, wg_error *err);
/* The hashes that the table gives to these keys. */
wg_code wgi_agg_table_hashes(const wgi_agg_table *t, const wg_vector *keys, const wg_batch *batch, wg_arena *arena,
                             uint64_t **out, wg_error *err);
/* Notes that an aggregate leaves out nulls, for whoever asks. */
void wgi_agg_note_nulls(const wg_exec_context *context, const wg_vector *v, const wg_batch *batch);

static inline uint32_t wgi_agg_partition(uint64_t hash) { return (uint32_t)(hash >> (64 - WGI_AGG_PARTITION_BITS)); }
bool wgi_agg_keys_equal(const wgi_agg_table *a, uint32_t i, const wgi_agg_table *b, uint32_t k);

/* Keys of an aggregation, or of DISTINCT, whose keys are its slots. */
static inline uint32_t wgi_agg_key_count(const wg_plan *plan) {
    return plan->op == WG_PLAN_DISTINCT ? plan->slot_count : plan->expr_count;
}

/* ---- aggregate_deal.c: where groups are many, one table for each part of the hash, which the workers share */

/* A worker whose table has so many groups deals the rows that follow: they would miss the caches. */
enum {
    WGI_AGG_DEAL_GROUPS = 1 << 15,
    WGI_AGG_ARGS_MAX = 16,
    WGI_AGG_DEAL_BITS = 8,
    WGI_AGG_DEAL_PARTS = 1 << WGI_AGG_DEAL_BITS
};

typedef struct wgi_agg_hand wgi_agg_hand;
typedef struct wgi_agg_dealt {
    wg_mutex lock; /* guards the table; rank WG_RANK_POOL + 1 */
    wgi_agg_table *table;
} wgi_agg_dealt;
typedef struct wgi_agg_dealer {
    const wg_plan *plan;
    const wg_exec_context *context;
    wgi_agg_spill *spill;
    wgi_agg_dealt parts[WGI_AGG_DEAL_PARTS];
    bool ready; /* written before any worker deals */
    _Atomic bool
        has_spilled; /* its tables did not fit once: relaxed, a hint that dealing is not worth while any more */
} wgi_agg_dealer;

/* Can rows of this plan be kept aside? */
bool wgi_agg_can_deal(const wg_plan *plan);
uint64_t wgi_agg_hand_bytes(void); /* that a worker needs to deal, about */
/* The tables of all parts. A failure leaves none. */
wg_code wgi_agg_dealer_start(wgi_agg_dealer *d, const wg_plan *plan, const wg_exec_context *context,
                             wgi_agg_spill *spill, wg_error *err);
void wgi_agg_dealer_deinit(wgi_agg_dealer *d);
/* Takes the rows of a batch, with the keys and the arguments of the aggregates (NULL type: none); `own` is the worker's table. */
wg_code wgi_agg_deal(wgi_agg_dealer *d, wgi_agg_table *own, const wg_vector *keys, const wg_vector *args,
                     const wg_batch *batch, wg_arena *arena, wg_error *err);
/* Moves the groups of the workers' tables, and what is left in their hands, to the tables of the parts, on all workers. */
wg_code wgi_agg_deal_rest(wgi_agg_dealer *d, wgi_agg_table *const *tables, uint32_t count, wg_error *err);
void wgi_agg_hand_destroy(wgi_agg_hand *hand); /* NULL is legal */

/* Moves all rows that `own` holds, and the tables of all parts, to the file: the worker deals no more. */
wg_code wgi_agg_deal_end(wgi_agg_dealer *d, wgi_agg_table *own, wg_error *err);

/* ---- aggregate_rows.c: rows that go to the file before anybody looks for their groups; for plans that can be dealt */

enum { WGI_AGG_ROW_COLUMNS_MAX = WGI_AGG_KEYS_MAX + 1 + WGI_AGG_ARGS_MAX };
typedef struct wgi_agg_rows wgi_agg_rows;
/* Types of the columns: keys, position, the arguments that there are. */
uint32_t wgi_agg_rows_types(const wg_plan *plan, wg_type *out);
/* As wgi_agg_deal. `own` is empty. */
wg_code wgi_agg_rows_add(wgi_agg_spill *s, wgi_agg_table *own, const wg_vector *keys, const wg_vector *args,
                         const wg_batch *batch, wg_arena *arena, wg_error *err);
/* Writes what is held; NULL is legal. */
wg_code wgi_agg_rows_flush(wgi_agg_spill *s, wgi_agg_rows *rows, wg_error *err);
void wgi_agg_rows_destroy(wgi_agg_rows *rows); /* NULL is legal */

/* ---- aggregate_typed.c */
bool wgi_agg_is_typed(const wg_plan *plan);
wg_code wgi_sink_aggregate_typed(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);

/* The keys of the rows of a batch, and what the rows add to the states of groups index[], or all to `group` when index is NULL. */
wg_code wgi_agg_keys_of(const wg_plan *plan, wgi_eval *eval, const wg_batch *batch, wg_vector *keys, wg_error *err);
wg_code wgi_agg_add_batch(wgi_agg_states *states, wgi_agg_table *table, wgi_eval *eval, const wg_batch *batch,
                          const uint32_t *index, uint32_t group, wg_error *err);

/* ---- aggregate_sorted.c: where rows of equal keys follow each other; for plans that are typed */
bool wgi_agg_is_sorted(const wg_plan *plan, const wg_txn *txn);
wg_code wgi_sink_aggregate_sorted(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);

/* ---- aggregate_merge.c */
/* A column of `n` rows that are to be filled in, all present; with room for nulls if `nullable`. */
bool wgi_agg_size_column(wg_column *column, uint32_t n, bool nullable);
/* Has the query room to merge these tables in memory? */
bool wgi_agg_tables_fit(const wg_plan *plan, const wg_exec_context *context, wgi_agg_table *const *tables,
                        uint32_t count);
/* Puts the tables together: groups in the order of their first row. The tables are left in pieces: only to be destroyed. */
wg_code wgi_agg_tables_merge(const wg_plan *plan, const wg_exec_context *context, wgi_agg_table **tables,
                             uint32_t table_count, wg_rows **out, wg_error *err);

/* ---- aggregate_seen.c: keys that were dealt already. *out NULL: none of `own`'s kind can be known. The filter leaves such rows out of the batch;
 * any number of workers at a time. */
typedef struct wgi_agg_seen wgi_agg_seen;
wg_code wgi_agg_seen_create(const wgi_agg_table *own, wgi_agg_seen **out, wg_error *err);
wg_code wgi_agg_seen_filter(wgi_agg_seen *seen, uint32_t task, const wg_vector *key, wg_batch *batch, wg_arena *arena,
                            wg_error *err);
void wgi_agg_seen_destroy(wgi_agg_seen *seen); /* NULL is legal */

#endif
