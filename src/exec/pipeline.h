/* What pipeline.c and again.c share: a pipeline and its workers. */
#ifndef WG_EXEC_PIPELINE_H
#define WG_EXEC_PIPELINE_H

#include "exec/exec_internal.h"

enum { TASK_ROWS = WGI_TASK_ROWS, WINDOW = 32, OPS_MAX = 256 };

typedef struct task_slot {
    void *local;
    bool taken;
    bool ready;
    wg_code code;
    wg_error error;
} task_slot;

/* ---- unwind_op.c: what range() gives, without its list */
typedef struct wgi_range {
    int64_t first;
    int64_t step;
    uint64_t count;
} wgi_range;
enum { WGI_RANGE_TASK_ROWS = 4 * TASK_ROWS };
/* False: range() refuses these arguments. A null among them gives no element. */
bool wgi_range_of(const wg_value *args, uint32_t count, wgi_range *out);
void wgi_range_fill(const wgi_range *range, uint64_t from, uint32_t n, int64_t *out);
/* Is the plan UNWIND of range() with constant arguments, above one row without slots? */
bool wgi_range_of_plan(const wg_plan *plan, const wg_exec_context *context, wgi_range *out);

/* Where the tasks of joined rows that went through files end: those of the source of the join. */
typedef struct wgi_cuts {
    uint64_t *first; /* row that each task begins with; one more for the end */
    bool *placed;    /* had the rows of the task places before the join? */
    uint32_t count;
} wgi_cuts;
void wgi_cuts_destroy(wgi_cuts *cuts); /* NULL is legal */

struct wgi_pipeline {
    const wg_exec_context *context;
    wgi_sink *sink;
    const wg_plan *ops[OPS_MAX]; /* from the source up */
    const wgi_join_table *tables[OPS_MAX];
    uint32_t op_count;
    wg_scan *scan;
    wg_rows *rows;
    wgi_range range;                       /* the source, unless it has no elements */
    const struct wgi_block_source *blocks; /* of a temporary file, a task each */
    wgi_cuts *cuts;                        /* of `rows`, where somebody asks for places; NULL: tasks of TASK_ROWS */
    bool unplaced; /* `rows` are what a scan gave to a join that spilled: they have no places either */
    uint32_t task_count;
    uint32_t workers;
    uint32_t shards;
    uint32_t source_line; /* of the profile */
    uint32_t sink_line;
    bool counts_source;    /* its rows were not counted when they were made */
    uint64_t bytes_before; /* in the account */
    _Atomic bool finished; /* relaxed: a hint that no further work is needed */
    wg_mutex lock;         /* guards what follows; rank WG_RANK_POOL + 1 */
    wg_cond moved;
    uint32_t taken; /* tasks that some worker has */
    uint32_t merged;
    bool merging;
    wg_code code;
    wg_error error;
    task_slot slots[WINDOW];
};

struct wgi_worker {
    wgi_pipeline *pipeline;
    wgi_op *ops[OPS_MAX];
    wg_scan_cursor *cursor;
    wg_vector *vectors; /* of a rows source */
    int64_t *numbers;   /* of a range */
    void *local;
    uint32_t task;
    wgi_eval eval;
    uint32_t batch_rows;
    bool stop;
    uint32_t line; /* of the profile: what it works for, and since when */
    uint64_t mark;
    uint16_t sel[WG_BATCH_ROWS_MAX];
};

wg_code wgi_push_source(wgi_worker *w, const wg_batch *batch, wg_error *err);
/* task_source.c: pushes the rows of a task. */
wg_code wgi_run_source_task(wgi_worker *w, uint32_t task, wg_error *err);
/* join_spill.c: where the tasks of what went into a probe sink that is finished end in what came out. The caller's from now on. */
wgi_cuts *wgi_sink_probe_cuts(wgi_sink *sink);

/* The operator of p->ops[i], without its place in the chain. */
wg_code wgi_make_op(const wgi_pipeline *p, uint32_t i, wgi_op **out, wg_error *err);

#endif
