/* exec: the one executor: vectorised operators over batches, for owned and virtual labels alike.
 *
 * `query` builds a tree of wg_plan nodes (in its arena) and calls wg_exec_run. Each plan node puts out rows of typed slots; the
 * expressions of a node read the slots of its input (its first child unless said otherwise).
 *
 * Determinism (docs/ARCHITECTURE.md): work is cut into the tasks of a scan and batches of `batch_rows`; any worker may run any task,
 * but their outputs are joined in task order, so every operator sees one defined order of rows: that of the plan. Threads, batch size
 * and timing change no byte. Float sums are exact and rounded once (ADR 0006), integer sums are checked. Groups come out in the order
 * of their first row. Sort is stable. Errors are the ones that the first failing row in that order gives.
 *
 * Writes: an operator that writes first takes in all of its input (so that it never sees its own effect), then applies it row by
 * row in order on one thread, then passes its rows on.
 *
 * Memory is charged to the query's account: near the limit rows go to temporary files (docs/execution.md), over it the query ends with
 * WG_E_LIMIT. */
#ifndef WG_EXEC_H
#define WG_EXEC_H

#include "base/kernels/kernels.h"
#include "engine/adjacency.h"
#include "engine/engine.h"
#include "exec/answer.h"
#include "exec/pattern.h"
#include "exec/plan_parts.h"
#include "exec/rows.h"
#include "io/pool/pool.h"

/* ---- plans */

typedef enum wg_plan_op {
    WG_PLAN_UNIT, /* one row without slots */
    WG_PLAN_SCAN, /* SegmentScan: [input ++] node id ++ scan.keys. Leaf. */
    WG_PLAN_SEEK, /* input ++ node id, for the node whose primary key equals exprs[] (evaluated on the input row); no row when none */
    WG_PLAN_INDEX_SEEK, /* input ++ node id, or (index_edges) edge id ++ near ++ far node, of what `rule` gives for index_ops[] and exprs[],
                            by id: candidates, whose conditions a filter asks again. Edges are seen from `direction` */
    WG_PLAN_EXPAND,      /* TgkTraversal: input ++ edge id ++ neighbour id, from node slot `slot` */
    WG_PLAN_EXPAND_INTO, /* input ++ edge id, for the edges between node slots `slot` and `slot_b` */
    WG_PLAN_INTERSECT, /* input ++ edge id of meets[0] ++ node id ++ edge ids of the other meets, for every node that an edge of each meet leads to;
                          in the order of the node's id, then of the edges of meets[0], meets[1], ... */
    WG_PLAN_EXPAND_VAR, /* input ++ list of edges [++ last node], for every walk of hops_min..hops_max edges from `slot` that uses no
                            edge twice; `into`: only walks to `slot_b`, and no node. exprs[i] is what edge_keys[i] must be on each */
    WG_PLAN_EXISTS, /* rows with an edge between node slots `slot` and `slot_b` (not `into`: from `slot` to anything); `negated`: those without */
    WG_PLAN_SHORTEST, /* input ++ list of edges, for a shortest walk from `slot` to `slot_b` of at most hops_max edges, or for all
                         of these; from a node to itself the one of no edges if hops_min is 0. edge_keys as in EXPAND_VAR; `paths`:
                         the first so many, by length, then by the ids of their edges */
    WG_PLAN_FILTER,  /* rows for which exprs[0] is true */
    WG_PLAN_PROJECT, /* exprs[] */
    WG_PLAN_HASH_JOIN, /* children[0] ++ children[1] for equal keys: exprs[i] over children[0] = right_exprs[i] over children[1]; equality is
                           openCypher's (null never matches). children[1] is built, children[0] probes; output in the order of
                           children[0], then of children[1] */
    WG_PLAN_CROSS,     /* children[0] x children[1], in that order */
    WG_PLAN_AGGREGATE, /* group keys exprs[0..expr_count) ++ aggregates; without keys exactly one row */
    WG_PLAN_DISTINCT,  /* first of equivalent rows */
    WG_PLAN_SORT,      /* sort_items; with limit: top-k (skip + limit rows are kept) */
    WG_PLAN_LIMIT,     /* skip_expr, limit_expr: constant expressions (may hold parameters) */
    WG_PLAN_UNWIND,   /* input ++ element, for each element of exprs[0]; null gives no row; a non-list gives itself */
    WG_PLAN_OPTIONAL, /* children[0] joined with children[1] as a left outer hash join; keys are equal as DISTINCT sees them: null is null */
    WG_PLAN_UNION,    /* rows of children[0], then of children[1] */
    WG_PLAN_CREATE,   /* writes creates[]; input ++ ids of what was created */
    WG_PLAN_SET,      /* writes sets[]; passes the input through */
    WG_PLAN_DELETE,   /* deletes nodes and edges in exprs[]; passes the input through */
    WG_PLAN_MERGE, /* for each row of children[0], in order: runs children[1] on it, whose rows are the ids of creates[] in an
                         existing match; each gives a row input ++ ids, with sets[] applied. When there is none creates[] are
                         written and on_create[] applied. A null property of creates[] is an error. */
    WG_PLAN_ARGUMENT, /* leaf of children[1] of MERGE, APPLY and CALL: the one row of children[0] that it is run for */
    WG_PLAN_APPLY,    /* children[0] ++ children[1] run for each row, in that order; reads only */
    WG_PLAN_CALL, /* the same with an inner plan that may write; without slots of its own each row of children[0] once */
    WG_PLAN_PATTERN_COUNT, /* one row: in each slot how many matches `pattern` has. Leaf; `fallback` lists and counts them.
                              `grouped`: for each node that vertex `slot` is in some match, by id: the node, in how many */
    WG_PLAN_REACH, /* the different nodes of the last vertex of `pattern`, a path from vertex 0, by id; hops_max > 0: of the ends of walks of
                      hops_min..hops_max edges along its one edge. With aggregates one row: in each slot
                      how many. Leaf; `fallback` lists the same nodes */
    WG_PLAN_PICK, /* of rows next to each other with equal exprs[] the first hops_max, or (`all_shortest`) those with the first hops_max
                     different values of right_exprs[0] */
    WG_PLAN_PROCEDURE /* children[0] ++ results yields[] of `procedure` with the arguments exprs[], for each row in order */
} wg_plan_op;

typedef struct wg_procedure wg_procedure; /* procedure.h */
typedef struct wg_plan wg_plan;
struct wg_plan {
    wg_plan_op op;
    wg_plan *children[2];
    uint32_t slot_count; /* of the output rows */
    const wg_type *slot_types;
    const char *const *slot_names; /* for EXPLAIN; "" when nameless */
    double row_estimate;

    wg_scan_spec scan; /* SCAN; predicate values that depend on parameters are in scan_params */
    wg_expr *const *
        scan_predicate_exprs; /* SCAN: constant expression of each scan.predicates[i].value, evaluated before the scan opens */
    uint32_t label;           /* SEEK */
    const wg_rule *rule;          /* INDEX_SEEK */
    const wg_index_op *index_ops; /* one for each of exprs[] */
    bool index_edges;
    wg_direction direction; /* EXPAND, EXPAND_INTO: seen from `slot` */
    const uint32_t *edge_labels;
    uint32_t edge_label_count;
    const uint32_t *
        unique_edge_slots; /* EXPAND*: earlier edges, or lists of edges, of the same MATCH that the new ones must differ from */
    uint32_t unique_edge_slot_count;
    uint32_t slot, slot_b;
    const wg_meet *meets; /* INTERSECT */
    uint32_t meet_count;
    uint32_t hops_min; /* EXPAND_VAR */
    uint32_t hops_max; /* UINT32_MAX: no limit but the edges that there are */
    const uint32_t *edge_keys;
    bool into;
    bool all_shortest;
    bool negated, optional; /* EXISTS; EXPAND: a row without an edge stays, with nulls */
    bool backwards;         /* the list begins with the last edge of the walk */
    wg_walk_mode walk_mode; /* EXPAND_VAR, SHORTEST */
    bool cycles;            /* SHORTEST: from a node to itself a shortest walk of one edge or more */
    uint32_t paths;         /* SHORTEST: so many walks, `all_shortest`: those of so many lengths; 0: of one */
    bool
        by_id; /* SHORTEST: of equally long walks the one whose edges have the least ids, from `slot` on, is the first */
    const wg_walk_step *
        steps; /* EXPAND_VAR: a repetition; hops count repetitions. SHORTEST without `paths`: at most one. None: `direction` and `edge_labels` */
    uint32_t step_count;
    struct wg_plan *step_input; /* its slots: those of the input, then node, edge, node, ... of one repetition */

    wg_expr *const *exprs;
    wg_expr *const *right_exprs;
    uint32_t expr_count;
    bool grouped; /* PATTERN_COUNT */
    bool
        weighted; /* AGGREGATE: an input row stands for as many equal ones as its slot `slot`, an INT above 0, says */
    const wg_aggregate *aggregates;
    uint32_t aggregate_count;
    const wg_sort_item *sort_items;
    uint32_t sort_item_count;
    wg_expr *skip_expr;  /* LIMIT, SORT; NULL: 0 */
    wg_expr *limit_expr; /* LIMIT, SORT; NULL: no limit */
    const wg_create_item *creates;
    uint32_t create_count;
    const wg_set_item *sets;
    uint32_t set_count;
    const wg_set_item *on_create; /* MERGE */
    uint32_t on_create_count;
    bool detach;                      /* DELETE */
    const struct wg_pattern *pattern; /* PATTERN_COUNT, REACH */
    wg_plan *fallback; /* gives the same rows where there is no adjacency; not printed: it says nothing new */
    const wg_procedure *procedure; /* PROCEDURE */
    const uint32_t *yields;
    uint32_t yield_count;
};

/* ---- running */

/* Called by the worker that has done a task, before its rows are merged: tests delay completion and count threads with it. */
typedef struct wg_exec_watch {
    void (*task_done)(void *ctx, uint32_t task, uint32_t shard);
    void *ctx;
} wg_exec_watch;

enum { WG_EXEC_SHARDS_MAX = 65536 };

typedef struct wg_exec_context {
    wg_txn *txn;
    wg_pool *pool;       /* NULL: run on the calling thread */
    uint32_t threads;    /* at most this many workers, the caller included; >= 1 */
    uint32_t batch_rows; /* 1..WG_BATCH_ROWS_MAX */
    uint32_t shards;     /* ShardDispatch: into so many parts the tasks of a source are dealt; 0: one a thread */
    const wg_kernels *kernels;  /* NULL: the best that this machine can run */
    const wg_exec_watch *watch; /* NULL: none */
    bool no_rewrite; /* plans stay as the clauses give them (query/optimize/rewrite.h); no adjacency is read */
    const wg_value *params;
    uint32_t param_count;
    int64_t clock_us;       /* the statement's current time, since 1970 in UTC: an input like a parameter */
    int64_t begin_clock_us; /* the same, when its transaction began */
    uint64_t row_seed;      /* inside MERGE, APPLY and CALL: stands for the outer row in rand(); callers leave it 0 */
    bool alone;             /* the statement has its transaction for itself: it may commit on the way */
    bool optimizer_off; /* plan in the order of the text: no statistics, seeks, rewriting, nothing told to scans */
    wg_account *account;
    wg_cancel *cancel;
    uint64_t deadline_ns;           /* platform now_ns; 0: none */
    wg_stats *stats;                /* scan counters are added */
    _Atomic bool *nulls_left_out;   /* set when an aggregate meets a null; relaxed. NULL: nobody asks */
    struct wg_profile *profile;     /* profile.h; NULL: nothing is measured */
    const struct wg_rows *argument; /* inside MERGE and APPLY: the row of WG_PLAN_ARGUMENT; callers leave it NULL */
    uint64_t spill_bytes_max;       /* of temporary files; 0: no limit */
    struct wg_spill_counters
        *spill; /* of the run; callers leave it NULL, or want to read it, and then it outlives the rows */
    wg_answer *
        answer; /* open, of `account`: where rows of the answer go that do not fit; outlives them. NULL: they must fit */
    const struct wg_rows *procedure_rows; /* of a maintenance procedure; NULL: it has none */
} wg_exec_context;

/* Runs the plan; *out holds the rows of its root. Run-time errors have the offset of the expression in the query text. */
wg_code wg_exec_run(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err);

/* A short plan and all that running it needs, kept from one run to the next: a chain of operators over one row, run by the calling thread.
 * It gives the rows that wg_exec_run gives. Threads: one at a time. */
typedef struct wg_exec_again wg_exec_again;
/* *out NULL: the plan is no such chain. The plan must outlive *out, which the caller destroys. */
wg_code wg_exec_again_create(const wg_plan *plan, wg_account *account, wg_exec_again **out, wg_error *err);
void wg_exec_again_destroy(wg_exec_again *again);        /* NULL is legal */
bool wg_exec_again_is_large(const wg_exec_again *again); /* it holds more than is worth keeping */
/* *io_rows: rows of an earlier run of the same plan, which are emptied and used, or NULL; on failure they are destroyed. *out_done false: this
 * run asks for more (profile, watch, an error that wg_exec_run has to find the first of), nothing was done, wg_exec_run is to be called. */
wg_code wg_exec_again_run(wg_exec_again *again, const wg_exec_context *context, wg_rows **io_rows, bool *out_done,
                          wg_error *err);
/* Runs the plan and gives its rows, in their order, to a file (engine/copy_to.h) instead of an answer: they stream, nothing is kept of them. The
 * caller finishes the writer, and destroys it in every case. */
struct wg_copy_writer;
wg_code wg_exec_copy(const wg_plan *plan, const wg_exec_context *context, struct wg_copy_writer *writer,
                     wg_error *err);
/* seen[i] gets bit t for each value of type t in slot i of the plan's rows. */
wg_code wg_exec_types(const wg_plan *plan, const wg_exec_context *context, uint64_t *seen, wg_error *err);

/* Evaluates an expression without slots (constants, parameters, functions of them). */
wg_code wg_exec_constant(const wg_expr *expr, const wg_exec_context *context, wg_arena *arena, wg_value *out,
                         wg_error *err);

/* One line per operator, indented by depth, children below; the seed's operator names (SegmentScan, SimdFilter, TgkTraversal, Merge,
 * Projection, Aggregation, LimitOffset, TombstoneShadow, ...) beside the details. Canonical: a function of the plan alone, without
 * estimates; its SHA-256 is the plan hash of receipts. With `context` scans add what they would prune and read. `txn`: names; or numbers. */
wg_code wg_plan_print(const wg_plan *plan, const wg_txn *txn, const wg_exec_context *context, wg_buf *out,
                      wg_error *err);
/* Prints an expression; slots by name when `input` is given. */
bool wg_expr_print(const wg_expr *expr, const wg_plan *input, const wg_txn *txn, wg_buf *out);

#endif
