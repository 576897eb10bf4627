/* exec: rows in temporary files, for operators whose input is larger than the memory of the query. docs/execution.md, "Memory and
 * spilling", is the whole picture; spill.c has the bytes. */
#ifndef WG_EXEC_SPILL_H
#define WG_EXEC_SPILL_H

#include "exec/exec_internal.h"

enum {
    WGI_SPILL_ROWS_MIN = 2048, /* an operator that holds fewer rows does not spill: runs and partitions stay few */
    WGI_SPILL_RUN_ROWS = 1024, /* rows of a block of a sorted run */
    WGI_SPILL_BLOCK_ROWS_MAX = 1 << 16,
    WGI_SPILL_FAN_IN = 64 /* runs that are merged at once */
};

/* Has the query a limit of memory, so that files help? */
bool wgi_spill_is_possible(const wg_exec_context *context);
/* Is the query's memory so full that an operator shall move rows to a file? Never for a query without a limit. */
bool wgi_spill_wanted(const wg_exec_context *context);
/* Would the query still not spill if it held so many more bytes? */
bool wgi_spill_stays_below(const wg_exec_context *context, uint64_t bytes);
/* The same of an account that is a query's. */
bool wgi_spill_fits_below(const wg_account *account, uint64_t bytes);
/* Can the query take so many more bytes and stay a little below its limits? */
bool wgi_spill_has_room(const wg_exec_context *context, uint64_t bytes);

/* One temporary file. Threads: any number write and read at a time. Shared by counting. */
typedef struct wgi_spill wgi_spill;
typedef struct wgi_spill_block {
    uint64_t offset;
    uint32_t bytes;
    uint32_t rows;
} wgi_spill_block;

wg_code wgi_spill_create(const wg_exec_context *context, wg_spill_user user, wgi_spill **out, wg_error *err);
void wgi_spill_acquire(wgi_spill *spill);
void wgi_spill_release(wgi_spill *spill); /* NULL is legal; the last one closes the file, which is gone then */
/* Writes rows index[0..n) (NULL: first + 0..n-1) of the columns as one block. Errors: WG_E_IO naming the file | WG_E_LIMIT over
 * spill_bytes_max | WG_E_NOMEM. */
typedef struct wgi_spill_rows {
    const wg_vector *columns;
    uint32_t column_count;
    const uint32_t *index;
    uint64_t first;
    uint32_t n; /* at most WGI_SPILL_BLOCK_ROWS_MAX */
} wgi_spill_rows;
wg_code wgi_spill_write(wgi_spill *spill, const wgi_spill_rows *rows, wgi_spill_block *out, wg_error *err);
/* Reads a block that holds columns of these types. Errors: WG_E_CORRUPT (not what was written), WG_E_IO, naming the file. */
wg_code wgi_spill_read(wgi_spill *spill, const wgi_spill_block *block, const wg_type *types, uint32_t column_count,
                       wg_rows **out, wg_error *err);
/* The same, with the rows charged to another account. */
wg_code wgi_spill_read_for(wgi_spill *spill, const wgi_spill_block *block, const wg_type *types,
                           uint32_t column_count, wg_account *account, wg_rows **out, wg_error *err);

/* The bytes of a block, apart from files: for the two above and for the fuzzer. */
wg_code wgi_spill_encode(const wgi_spill_rows *rows, uint64_t offset, wg_buf *out, wg_error *err);
wg_code wgi_spill_decode(wg_slice bytes, uint64_t offset, const wg_type *types, uint32_t column_count,
                         wg_account *account, wg_rows **out, wg_error *err);

/* ---- spill_rows.c: materialised rows whose beginning is in a file, in blocks of WGI_TASK_ROWS rows */

struct wgi_rows_file {
    wgi_spill *spill;
    wgi_spill_block *blocks;
    uint32_t count;
    uint32_t capacity;
};
/* Bytes of the columns in memory, without what cells point at. */
uint64_t wgi_rows_cell_bytes(const wg_rows *rows);
/* Moves all whole blocks at the beginning of what is in memory to the file, if memory is short. */
wg_code wgi_rows_spill(wg_rows *rows, const wg_exec_context *context, wg_error *err);
/* Moves what the strings, lists and maps of `from` point at to `rows`. */
wg_code wgi_rows_take_strings(wg_rows *rows, wg_rows *from, wg_error *err);
/* rows_parallel.c: `to` is empty and gets what the strings, lists and maps point at; the sources are only to be destroyed then.
 * All rows of the parts, one behind the other. */
wg_code wgi_rows_join(wg_rows *to, wg_rows *const *parts, uint32_t count, const wg_exec_context *context,
                      wg_error *err);
/* Rows index[0..n) of `from`, in that order; columns that `to` lacks are left out. */
wg_code wgi_rows_pick(wg_rows *to, wg_rows *from, const uint32_t *index, uint64_t n, const wg_exec_context *context,
                      wg_error *err);
/* Brings all rows back into memory. */
wg_code wgi_rows_load(wg_rows *rows, wg_error *err);
/* The same where they are the answer: block by block into the memory of context->answer, which may be in files itself. */
wg_code wgi_rows_keep(wg_rows *rows, const wg_exec_context *context, wg_error *err);
/* Rows of block `block` (one of those in the file) as rows of their own. */
wg_code wgi_rows_read_block(const wg_rows *rows, uint32_t block, wg_rows **out, wg_error *err);
static inline uint64_t wgi_rows_in_file(const wg_rows *rows) {
    return rows->file == NULL ? 0 : (uint64_t)rows->file->count * WGI_TASK_ROWS;
}

/* ---- spill_parts.c: rows dealt by a hash of their keys, so that equal keys are in one part, in the order in which they were added */

enum { WGI_PART_BITS = 4, WGI_PARTS = 1 << WGI_PART_BITS, WGI_PART_LEVELS = 4 };
typedef struct wgi_part_piece {
    wgi_spill_block block;
    uint32_t part;
} wgi_part_piece;
typedef struct wgi_parts {
    const wg_exec_context *context;
    const wg_type *types; /* of all columns */
    uint32_t column_count;
    uint32_t key_first; /* the keys are columns [key_first, key_first + key_count) */
    uint32_t key_count;
    uint32_t level; /* by which bits of the hash */
    wg_spill_user user;
    wgi_spill *file;
    wgi_part_piece *pieces;
    uint32_t count;
    uint32_t capacity;
    uint64_t rows[WGI_PARTS];
    uint64_t bytes[WGI_PARTS]; /* of blocks */
} wgi_parts;
/* Empty ones of the same shape. They share the file when `level` is the same. */
wg_code wgi_parts_like(const wgi_parts *parts, uint32_t level, wgi_parts *out, wg_error *err);
void wgi_parts_deinit(wgi_parts *parts);
wg_code wgi_parts_add(wgi_parts *parts, const wg_rows *rows, wg_error *err);
/* Moves the pieces of `from`, which share the file, behind those of `parts`. */
wg_code wgi_parts_take(wgi_parts *parts, wgi_parts *from, wg_error *err);
/* Reads rows of a part, from piece *io_at on, until `rows_max` rows are there or memory is short; NULL in *out: there are no more. */
wg_code wgi_parts_load(const wgi_parts *parts, uint32_t part, uint64_t rows_max, uint32_t *io_at, wg_rows **out,
                       wg_error *err);

/* ---- pipeline.c */

/* Runs blocks of a temporary file, a task each, through one joining operator into the sink, which is not finished. */
typedef struct wgi_block_source {
    wgi_spill *spill;
    const wgi_spill_block *blocks;
    uint32_t count;
    const wg_type *types;
    uint32_t column_count;
} wgi_block_source;
wg_code wgi_run_blocks(const wgi_block_source *source, const wg_plan *plan, const wgi_join_table *table,
                       wgi_sink *sink, wg_error *err);
void wgi_join_table_destroy(wgi_join_table *table);

/* ---- spill_runs.c: sorted runs and their merging */

typedef struct wgi_run {
    wgi_spill *spill;
    wgi_spill_block *blocks;
    uint32_t count;
    uint32_t capacity;
    uint64_t rows;
} wgi_run;
typedef struct wgi_runs {
    const wg_exec_context *context;
    const wg_type *types;
    uint32_t column_count;
    uint32_t keep;             /* the first columns, those of the answer; the keys are behind them */
    const wg_sort_item *items; /* only `descending` is read */
    uint32_t key_count;
    wg_spill_user user;
    uint64_t *
        tally; /* NULL: none. Of the rows of the answer those whose key, an INT, shifted right is i are counted in tally[i] */
    uint32_t tally_shift;
    wgi_run *runs; /* in the order of their rows: of equal rows that of the earlier run comes first */
    uint32_t count;
    uint32_t capacity;
} wgi_runs;
void wgi_runs_deinit(wgi_runs *runs);
/* A run that is written by and by, in a file shared with others; rows index[0..n), or 0..n, behind those that it has. */
void wgi_run_begin(wgi_spill *file, wgi_run *out);
wg_code wgi_run_extend(const wgi_runs *runs, wgi_run *run, const wg_rows *rows, const uint32_t *index, uint32_t n,
                       wg_error *err);
/* Moves the blocks of `from` behind those of `run`, which is in the same file. */
wg_code wgi_run_take(const wgi_runs *runs, wgi_run *run, wgi_run *from, wg_error *err);
void wgi_run_deinit(wgi_run *run);
/* Puts the run behind the others; an empty one is dropped. */
wg_code wgi_runs_put(wgi_runs *runs, wgi_run *run, wg_error *err);
/* Writes rows index[0..n) as one run behind the others. */
wg_code wgi_runs_add(wgi_runs *runs, const wg_rows *rows, const uint32_t *index, uint32_t n, wg_error *err);
/* Moves the runs of `from` behind those of `runs`. */
wg_code wgi_runs_take(wgi_runs *runs, wgi_runs *from, wg_error *err);
/* Merges all runs; appends the first `limit` rows, without their keys, to `out`, which spills in its turn. */
wg_code wgi_runs_merge(wgi_runs *runs, uint64_t limit, wg_rows *out, wg_error *err);

#endif
