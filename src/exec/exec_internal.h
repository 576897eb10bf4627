/* exec: what the files of this folder share. See README.md for the map. */
#ifndef WG_EXEC_INTERNAL_H
#define WG_EXEC_INTERNAL_H

#include "exec/exec.h"
#include "exec/float_sum.h"

/* ---- vector_ops.c: making, flattening and gathering vectors. Everything lives in the arena that is passed. */

/* One past the highest row that the batch can name. */
static inline uint32_t wgi_extent(const wg_batch *batch) {
    if (batch->row_count == 0) return 0;
    return batch->sel != NULL ? (uint32_t)batch->sel[batch->row_count - 1] + 1 : batch->row_count;
}

wg_vector wgi_vector_null(wg_type type);
/* A CONST vector of the value's own type (ANY where that type cannot hold it exactly). */
bool wgi_vector_const(wg_arena *arena, const wg_value *value, wg_vector *out);
/* The same cells as FLAT or CONST; DICT is spread. Cells of rows that are not selected are undefined. */
bool wgi_vector_flatten(wg_arena *arena, const wg_vector *in, const wg_batch *batch, wg_vector *out);
/* Rows rows[0..n) of a vector as a vector of n rows; shares the cells. */
bool wgi_vector_gather(wg_arena *arena, const wg_vector *in, const uint32_t *rows, uint32_t n, wg_vector *out);
/* Validity of a row-wise result: present where both are present. NULL: all present. False when out of memory. */
bool wgi_valid_and(wg_arena *arena, const wg_vector *a, const wg_vector *b, uint32_t extent, const uint8_t **out);
/* The id of a NODE or EDGE row, from a typed or an ANY vector; false when null or something else. */
bool wgi_vector_id(const wg_vector *v, uint32_t row, wg_type type, uint64_t *out);

/* Three-valued logic a byte a row: AND is min, OR is max, NOT is 2 - x. */
enum { WGI_FALSE = 0, WGI_UNKNOWN = 1, WGI_TRUE = 2 };
/* Fills tri[row] for selected rows; WG_E_TYPE for a value that is neither boolean nor null. */
wg_code wgi_tri_of_vector(const wg_vector *v, const wg_batch *batch, uint8_t *tri, uint64_t offset, wg_error *err);
bool wgi_vector_of_tri(wg_arena *arena, const uint8_t *tri, uint32_t extent, wg_vector *out);

/* Writes a FLAT vector row by row, in any order of rows. */
typedef struct wgi_builder {
    wg_vector vector;
    uint8_t *data;
    uint8_t *valid;
} wgi_builder;
bool wgi_builder_init(wgi_builder *b, wg_arena *arena, wg_type type, uint32_t extent);
/* WG_E_TYPE when the value does not fit the type. */
wg_code wgi_builder_set(wgi_builder *b, uint32_t row, const wg_value *v, uint64_t offset, wg_error *err);

/* The table of kernels of a run. */
static inline const wg_kernels *wgi_kernels(const wg_exec_context *context) {
    return context->kernels != NULL ? context->kernels : wg_kernels_best();
}

/* ---- rows.c */
/* Rows of a task of materialised rows, and of a block of those that are in a file. */
enum { WGI_TASK_ROWS = 8 * WG_BATCH_ROWS_MAX };

/* Columns of equal length, each one contiguous, and the arenas that own what they point at. Rows of an answer may begin with pieces of WGI_TASK_ROWS rows
 * each, which stand before the columns. */
struct wg_rows {
    wg_account *account;
    wg_column *columns;
    uint32_t column_count;
    uint64_t row_count;      /* those in the file included */
    struct wg_rows **pieces; /* of an answer */
    uint32_t piece_count;
    struct wgi_rows_file *file; /* NULL: all rows are in memory; else the first ones are in a file (spill.h) */
    wg_arena strings;
    wg_arena *adopted;
    uint32_t adopted_count;
    uint32_t adopted_capacity;
};
wg_code wgi_rows_create(const wg_type *types, uint32_t column_count, wg_account *account, wg_rows **out,
                        wg_error *err);
wg_code wgi_rows_append(wg_rows *rows, const wg_batch *batch, wg_error *err);
/* Moves all rows of `from` to the end; `from` is left empty or destroyed by the caller afterwards. */
wg_code wgi_rows_take(wg_rows *rows, wg_rows *from, wg_error *err);
/* Appends columns [0, rows->column_count) of from's rows index[0..n). Strings are copied. */
wg_code wgi_rows_gather(wg_rows *rows, const wg_rows *from, const uint32_t *index, uint32_t n, wg_error *err);
/* Vectors and batch of rows [first, first + n). first is a multiple of 8. */
void wgi_rows_view(const wg_rows *rows, uint64_t first, uint32_t n, wg_vector *vectors, wg_batch *out);
wg_code wgi_rows_drop_columns(wg_rows *rows, uint32_t column_count);
/* Appends rows sel[i], index[i] or i of a vector, converting to an ANY column where needed. */
bool wgi_column_append(wg_column *column, const wg_vector *v, const uint16_t *sel, const uint32_t *index, uint32_t n);

/* ---- expression.c */
typedef struct wgi_eval {
    const wg_exec_context *context;
    wg_arena arena;          /* results of the current batch; the owner resets it */
    uint32_t task;           /* number of the task whose rows a sink consumes, over all sources of the sink */
    const wg_vector *locals; /* of the enclosing comprehensions, by number, over the rows of the batch in hand */
    struct wgi_regex_cache *regexes; /* regex.h; made by the first =~ */
    const wg_batch *placed; /* rand(): the batch whose rows have places in the order of rows; NULL: none have */
    uint64_t place;         /* of the first row of that batch */
} wgi_eval;
uint64_t wgi_row_seed(const wgi_eval *eval,
                      uint32_t row);  /* by the row's place; of one without: the enclosing row's */
void wgi_eval_deinit(wgi_eval *eval); /* arena and regexes */
/* comprehension.c: COMPREHENSION, QUANTIFIER, REDUCE */
wg_code wgi_eval_binding(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err);
/* apply_op.c: SUBQUERY */
wg_code wgi_eval_subquery(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err);
/* *out has the type of the expression unless that is ANY; it is indexed by the rows of `in` and lives until the arena is reset. */
wg_code wgi_eval_vector(wgi_eval *eval, const wg_expr *expr, const wg_batch *in, wg_vector *out, wg_error *err);
/* The same, in exactly this type (INT widens to FLOAT; ANY keeps the vector's own). */
wg_code wgi_eval_typed(wgi_eval *eval, const wg_expr *expr, wg_type type, const wg_batch *in, wg_vector *out,
                       wg_error *err);
/* A non-negative integer from a constant expression (LIMIT, SKIP); NULL gives `otherwise`. */
wg_code wgi_eval_count(const wg_exec_context *context, const wg_expr *expr, uint64_t otherwise, uint64_t *out,
                       wg_error *err);
wg_code wgi_read_property(wgi_eval *eval, bool is_edge, uint64_t id, uint32_t key, wg_value *out, wg_error *err);

/* ---- row_table.c: hash table over rows of typed cells, in order of insertion */

typedef struct wgi_row_table {
    wg_account *account;
    wg_column *columns;
    uint32_t column_count;
    uint32_t row_count;
    wg_arena *strings;
    uint64_t *hashes; /* of each row */
    uint32_t hash_capacity;
    uint32_t *slots; /* row + 1, 0: empty */
    uint64_t slot_count;
} wgi_row_table;
wg_code wgi_row_table_init(wgi_row_table *table, const wg_type *types, uint32_t column_count, wg_arena *strings,
                           wg_account *account, wg_error *err);
void wgi_row_table_deinit(wgi_row_table *table);
/* Index of the row equivalent to row `row` of the vectors (whose types are those of the table), added when new. */
wg_code wgi_row_table_put(wgi_row_table *table, const wg_vector *vectors, uint32_t row, uint64_t hash,
                          uint32_t *out_index, bool *out_new, wg_error *err);
/* hashes[i] of the i-th selected row over all vectors; agrees with equivalence for columns of these types: a vector of a column
 * of type ANY may have any type, others have theirs. */
void wgi_hash_rows(const wg_type *types, const wg_vector *vectors, uint32_t count, const wg_batch *batch,
                   uint64_t *hashes);
bool wgi_cells_equivalent(const wg_vector *a, uint32_t a_row, const wg_vector *b, uint32_t b_row);

/* ---- pipeline.c */
typedef struct wgi_sink wgi_sink;
typedef struct wgi_pipeline wgi_pipeline;
typedef struct wgi_worker wgi_worker;
typedef struct wgi_op wgi_op;

/* Takes the rows of a pipeline. `local` is the state of one task; locals are merged in the order of the tasks, by one thread at a
 * time. For a sink that can end early a task whose rows failed is merged too: what came before the error may be all that is wanted. */
typedef struct wgi_sink_class {
    wg_code (*local_create)(wgi_sink *sink, void **out, wg_error *err);
    void (*local_destroy)(wgi_sink *sink, void *local);
    /* *stop: this task needs no more rows. */
    wg_code (*consume)(wgi_sink *sink, void *local, wgi_eval *eval, const wg_batch *batch, bool *stop, wg_error *err);
    /* Owns `local` from here on. *done: no later task is needed. */
    wg_code (*merge)(wgi_sink *sink, void *local, bool *done, wg_error *err);
    wg_code (*finish)(wgi_sink *sink, wg_rows **out, wg_error *err);
    void (*destroy)(wgi_sink *sink);
} wgi_sink_class;
struct wgi_sink {
    const wgi_sink_class *class;
    const wg_plan *plan;
    const wg_exec_context *context;
    bool can_end_early; /* merge may say done */
    bool holds_rows;    /* locals are rows: where memory is short few of them may wait for the merge */
    const bool *reads;  /* which slots of its input it looks at; NULL: what the plan says */
    uint32_t window;    /* how far tasks may be begun ahead of the merge; 0: as far as the pipeline lets them */
    uint32_t task_base; /* tasks of the sources before: those of a UNION feed one sink one after the other */
};

wg_code wgi_sink_collect(const wg_type *types, uint32_t count, const wg_exec_context *context, wgi_sink **out,
                         wg_error *err);
wg_code wgi_sink_limit(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);
wg_code wgi_sink_distinct(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);
wg_code wgi_sink_aggregate(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);
/* aggregate_distinct.c: aggregates of DISTINCT values of one argument, in two steps */
bool wgi_agg_is_over_distinct(const wg_plan *plan);
wg_code wgi_run_over_distinct(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
wg_code wgi_sink_sort(const wg_plan *plan, const wg_exec_context *context, wgi_sink **out, wg_error *err);
/* Which rows a build keeps: slots slots[i] (NULL: i) of types[], then the values of exprs[] as further columns of key_types[]. */
typedef struct wgi_build {
    const wg_type *types;
    const uint32_t *slots;
    uint32_t count;
    wg_expr *const *exprs;
    const wg_type *key_types;
    uint32_t key_count;
} wgi_build;
wg_code wgi_sink_build(const wgi_build *build, const wg_exec_context *context, wgi_sink **out, wg_error *err);
void wgi_sink_build_spills(wgi_sink *sink); /* the rows may be in a file in part */

/* A streaming operator of one worker: takes batches, pushes batches on. */
typedef struct wgi_op_class {
    wg_code (*push)(wgi_op *op, const wg_batch *batch, wg_error *err);
    void (*destroy)(wgi_op *op); /* frees what is behind the common part */
} wgi_op_class;
struct wgi_op {
    const wgi_op_class *class;
    const wg_plan *plan;
    wgi_op *next; /* NULL: the sink */
    wgi_worker *worker;
    wgi_eval eval;
    uint32_t line; /* of the profile */
};
wg_code wgi_push(wgi_op *op, const wg_batch *batch, wg_error *err); /* to op->next */
bool wgi_op_stopped(const wgi_op *op);
uint32_t wgi_op_batch_rows(const wgi_op *op);

typedef struct wgi_join_table wgi_join_table; /* the built side, shared by the workers */

wg_code wgi_op_filter(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_project(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_unwind(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_index_seek(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_seek(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_expand(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
void wgi_op_expand_end(wgi_op *op); /* lets go of what it has of a run; the next may begin */
wg_code wgi_op_intersect(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_exists(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_shortest(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_search(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err); /* search_op.c */
wg_code wgi_op_expand_var(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_run_pick(const wg_plan *plan, const wg_exec_context *context, wg_rows **out,
                     wg_error *err); /* pick_op.c */
/* True when the row holds the edge in one of plan->unique_edge_slots. */
bool wgi_edge_is_used(const wg_plan *plan, const wg_batch *batch, uint32_t row, uint64_t edge);
/* The new columns `added` (n rows), each row behind the input row rows[i], pushed on as one batch. The arena must not be the
 * input's. */
wg_code wgi_push_fanout(wgi_op *op, const wg_batch *in, const uint32_t *rows, const wg_batch *added, wg_arena *arena,
                        wg_error *err);
wg_code wgi_op_alloc(const wgi_op_class *class, const wg_plan *plan, size_t bytes, wg_account *account, wgi_op **out,
                     wg_error *err);
wg_code wgi_sink_alloc(const wgi_sink_class *class, const wg_plan *plan, const wg_exec_context *context, size_t bytes,
                       wgi_sink **out, wg_error *err);
/* Takes the table's columns as rows; the table is left empty. */
wg_code wgi_rows_of_table(wgi_row_table *table, wg_arena *strings, wg_rows **out, wg_error *err);

/* Runs plan to the rows of its root. */
wg_code wgi_run_plan(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
/* Runs `top` and gives its rows to `sink`, which is destroyed in every case. */
wg_code wgi_run_into(const wg_plan *top, const wg_exec_context *context, wgi_sink *sink, wg_rows **out,
                     wg_error *err);
/* copy_sink.c: runs plan into a file; and what types the values of each slot have, a bit each. */
struct wg_copy_writer;
wg_code wgi_run_copy(const wg_plan *plan, const wg_exec_context *context, struct wg_copy_writer *writer,
                     wg_error *err);
wg_code wgi_run_types(const wg_plan *plan, const wg_exec_context *context, uint64_t *seen, wg_error *err);
/* Opens the scan of a SCAN node with its predicates evaluated. */
wg_code wgi_open_scan(const wg_plan *plan, const wg_exec_context *context, wg_scan **out, wg_error *err);
/* The same with flags of wg_scan_spec set by what the pipeline reads. */
wg_code wgi_open_scan_for(const wg_plan *plan, const wg_exec_context *context, bool no_ids, bool counts,
                          wg_scan **out, wg_error *err);
/* Cancelled or past the deadline? */
wg_code wgi_check(const wg_exec_context *context, wg_error *err);

/* ---- slot_use.c: what operators ops[0..op_count), from a source or a join up, and the sink read of its rows */
bool wgi_exprs_use(wg_expr *const *exprs, uint32_t count, uint32_t slot);
bool wgi_slot_is_used(const wg_plan *const *ops, uint32_t op_count, const wgi_sink *sink, uint32_t slot);
bool wgi_only_counts(uint32_t op_count, const wgi_sink *sink); /* how many, and slots that may be constant */
wg_code wgi_run_reach(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
wg_code wgi_run_pattern_count(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);

/* ---- plan_print.c: appends the operator's name and what is said of it */
bool wgi_plan_print_parts(const wg_plan *plan, const wg_txn *txn, wg_buf *name, wg_buf *detail);

/* ---- write_ops.c */
typedef struct wgi_write_row {
    const wg_plan *plan;
    wg_txn *txn;
    wgi_eval *eval;
    wg_batch batch; /* one row, sel[0] */
} wgi_write_row;
wg_code wgi_run_write(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
/* Writes plan->creates of one row; created[] receives their ids. */
wg_code wgi_create_items(const wgi_write_row *w, uint64_t *created, wg_error *err);
wg_code wgi_set_items(const wgi_write_row *w, const wg_set_item *items, uint32_t count, wg_error *err);
/* Evaluates an expression on the row. */
wg_code wgi_write_eval(const wgi_write_row *w, const wg_expr *expr, wg_value *out, wg_error *err);

/* ---- merge_op.c, apply_op.c, call_op.c */
wg_code wgi_run_call(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
wg_code wgi_run_merge(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
wg_code wgi_op_apply(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err);
wg_code wgi_op_procedure(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err); /* procedure_op.c */
/* Memory of an operator that pushes one row of its input joined with many. */
typedef struct wgi_row_fanout {
    wg_arena scratch;
    wg_arena out;
    uint32_t rows[WG_BATCH_ROWS_MAX];
} wgi_row_fanout;
void wgi_row_fanout_init(wgi_row_fanout *fanout, wg_account *account);
void wgi_row_fanout_deinit(wgi_row_fanout *fanout);
typedef struct wgi_picked_rows {
    const wg_rows *rows;
    const uint32_t *columns; /* NULL: all of them */
    uint32_t column_count;
} wgi_picked_rows;
/* Pushes row `row` of the batch joined with every row of `inner`. */
wg_code wgi_push_for_row(wgi_op *op, wgi_row_fanout *fanout, const wg_batch *batch, uint32_t row,
                         const wgi_picked_rows *inner, wg_error *err);
/* The rows of ARGUMENT. */
wg_code wgi_run_argument(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);
/* Runs `plan` with row `row` of the batch as the row of its ARGUMENT, on the calling thread. */
wg_code wgi_run_for_row(const wg_plan *plan, const wg_exec_context *context, const wg_type *types,
                        const wg_batch *batch, uint32_t row, wg_rows **out, wg_error *err);

#endif
