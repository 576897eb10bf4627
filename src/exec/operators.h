/* exec: the ten operators of the founding design by name, with their parameters, flags and buffers.
 *
 * Two executors have them. The Cypher executor (exec.h) fuses and generalises them; wg_plan_operators says which of them an operator of its plans is,
 * EXPLAIN prints the names. The record plane, below, runs them as they were designed: over records (logseq, kind, canonical id) of owned nodes
 * (artifacts) and edges (TGK edges), with the stages in the one order that is right:
 *
 *   ShardDispatch, SegmentScan -> Merge -> TombstoneShadow -> IndexFilter (SimdFilter) -> TgkTraversal -> Projection -> Aggregation -> LimitOffset
 *
 * A filter or traversal below the shadow would revive old versions, so such a plan is refused. CALL db.records, db.walk and db.changes are served
 * by it, and the property tests of tests/determinism hold the Cypher executor against it.
 *
 * Record: a put when a version begins, a tombstone when one ends, both with the logseq of the commit that did it. A version that began and ended in
 * one commit is none. Order: (logseq, kind, canonical id, tombstone before put), total, because a commit leaves one net operation a key.
 * Canonical ids are the dense ordinals given in log order (docs/determinism.md has why). Every buffer has the logseq column that the founding design
 * left out. Columns are 64-byte aligned. Nothing here depends on threads, shards, kernels, compaction or rebuilding.
 *
 * Memory is charged to the context's account. Errors: WG_E_BIND a plan in a wrong order | WG_E_EXPIRED | WG_E_LIMIT | WG_E_CANCELLED | WG_E_DEADLINE. */
#ifndef WG_EXEC_OPERATORS_H
#define WG_EXEC_OPERATORS_H

#include "exec/exec.h"

typedef enum wg_operator_type {
    WG_OPERATOR_SEGMENT_SCAN,
    WG_OPERATOR_INDEX_FILTER,
    WG_OPERATOR_MERGE,
    WG_OPERATOR_PROJECTION,
    WG_OPERATOR_TGK_TRAVERSAL,
    WG_OPERATOR_AGGREGATION,
    WG_OPERATOR_LIMIT_OFFSET,
    WG_OPERATOR_SHARD_DISPATCH,
    WG_OPERATOR_SIMD_FILTER,
    WG_OPERATOR_TOMBSTONE_SHADOW
} wg_operator_type;
enum { WG_OPERATOR_TYPES = 10 };
/* "SegmentScan", ... */
const char *wg_operator_name(wg_operator_type type);

enum {
    WG_OPERATOR_PARALLEL = 0x01,
    WG_OPERATOR_OPTIONAL =
        0x02 /* acceleration: without it the answer is the same. SimdFilter and ShardDispatch must have it. */
};

enum { WG_ROLE_NONE = 0, WG_ROLE_FROM = 1, WG_ROLE_TO = 2, WG_ROLE_BOTH = 3 };
#define WG_RECORD_NONE UINT64_MAX /* an id column of a record of the other kind */

/* Both inclusive. logseq_min above 0 is a scan of changes: records before it are left out. */
typedef struct wg_snapshot_range {
    uint64_t logseq_min;
    uint64_t logseq_max;
} wg_snapshot_range;

typedef struct wg_operator_def {
    uint32_t op_id;
    wg_operator_type type;
    uint32_t flags;
    union {
        struct {
            bool is_asl_segment;       /* nodes; else edges */
            uint64_t segment_start_id; /* both inclusive, in the order of wg_version_segments */
            uint64_t segment_end_id;
        } segment_scan;
        struct {
            uint32_t artifact_type_tag; /* label number */
            bool has_type_tag;          /* nodes must have exactly this one */
            uint32_t edge_type_key;
            bool has_edge_type;
            uint8_t role; /* edges must have all of these bits, seen from `role_of` */
            uint64_t role_of;
        } index_filter;
        struct {
            bool deterministic; /* must be set: there is one order */
        } merge;
        struct {
            bool project_artifact_id, project_tgk_edge_id, project_node_id, project_type_tag;
        } projection;
        struct {
            uint64_t start_node_id;
            uint32_t traversal_depth;
            uint8_t direction; /* 1 from the start along edges, 2 against them, 3 both */
        } tgk_traversal;
        struct {
            bool agg_count, agg_union, agg_sum;
        } aggregation;
        struct {
            uint64_t limit, offset;
        } limit_offset;
    } params;
} wg_operator_def;

/* Which of the ten an operator of the Cypher executor does, in order; returns how many (at most 3), 0 for those that the founding design has not. */
uint32_t wg_plan_operators(wg_plan_op op, wg_operator_type out[3]);

/* ---- buffers */

typedef struct wg_shard_asl_segment {
    uint64_t *logseqs;
    uint64_t *artifact_ids;
    uint32_t *type_tags;   /* label number of a node that has one label */
    uint8_t *has_type_tag; /* 0: it has none or several */
    uint8_t *tombstones;
    uint32_t table;
    uint64_t record_count;
} wg_shard_asl_segment;

typedef struct wg_shard_tgk_segment {
    uint64_t *logseqs;
    uint64_t *tgk_edge_ids;
    uint32_t *edge_type_keys;
    uint8_t *has_edge_type; /* 1: every edge has a label */
    uint8_t *roles;         /* WG_ROLE_BOTH: a record has both ends; an incidence is told by from_ids and to_ids */
    uint64_t *from_ids;
    uint64_t *to_ids;
    uint8_t *tombstones;
    uint32_t table;
    uint64_t record_count;
} wg_shard_tgk_segment;

typedef struct wg_merge_buffer {
    uint64_t *logseqs;
    uint64_t *artifact_ids; /* WG_RECORD_NONE for edges */
    uint64_t *tgk_edge_ids; /* WG_RECORD_NONE for nodes */
    uint32_t *type_tags;
    uint8_t *has_type_tag;
    uint8_t *roles;
    uint64_t *from_ids;
    uint64_t *to_ids;
    uint8_t *tombstones;
    uint32_t *tables; /* for wg_record_labels */
    uint64_t count;
} wg_merge_buffer;

typedef struct wg_projection_buffer {
    uint64_t *logseqs; /* the hidden order key; always there */
    uint64_t *artifact_ids;
    uint64_t *tgk_edge_ids;
    uint64_t *node_ids; /* of a traversal: the node reached */
    uint32_t *type_tags;
    uint32_t *tables;
    uint64_t count;
} wg_projection_buffer;

typedef struct wg_tgk_traversal_buffer {
    uint64_t *logseqs;
    uint64_t *edge_ids;
    uint64_t *node_ids;
    uint32_t *depths; /* of each edge: 1 is next to the start */
    uint32_t *tables;
    uint32_t depth; /* greatest that was reached */
    uint64_t count;
} wg_tgk_traversal_buffer;

typedef struct wg_tombstone_state {
    uint64_t canonical_id; /* id << 1 | is edge */
    uint64_t max_logseq_seen;
    uint64_t newest; /* record number */
    bool is_tombstoned;
} wg_tombstone_state;

typedef struct wg_aggregation_accumulator {
    uint64_t count;
    wg_kernel_sum sum_type_tag; /* exact, in 128 bits */
    uint64_t *union_ids;        /* distinct canonical ids, ascending */
    uint64_t union_count;
} wg_aggregation_accumulator;

/* ---- running */

typedef struct wg_record_plan {
    wg_snapshot_range range;
    const wg_operator_def *operators; /* in the order above */
    uint32_t operator_count;
} wg_record_plan;

typedef struct wg_record_result {
    wg_arena arena; /* owns all of it */
    wg_merge_buffer records;
    wg_tgk_traversal_buffer traversal;
    wg_projection_buffer projection;
    wg_aggregation_accumulator aggregation;
} wg_record_result;
void wg_record_result_deinit(wg_record_result *result);

/* context: txn, pool, threads, shards, kernels, account, cancel, deadline_ns are looked at. range.logseq_max is at most the transaction's snapshot.
 * result->records holds what the last stage before projection or traversal left; the others what their operators made. */
wg_code wg_records_run(const wg_record_plan *plan, const wg_exec_context *context, wg_record_result *out,
                       wg_error *err);
/* Names of the labels of a record, in order of number: numbers into out[], the count returned; of a table that result has. */
uint32_t wg_record_labels(const wg_txn *txn, uint32_t table, const uint32_t **out);

/* What happened to a key between two positions. */
typedef enum wg_change_op { WG_CHANGE_CREATED, WG_CHANGE_UPDATED, WG_CHANGE_DELETED } wg_change_op;
typedef struct wg_changes {
    wg_record_result scanned;
    uint64_t *logseqs;
    uint64_t *ids;
    uint32_t *tables;
    uint8_t *is_edge;
    uint8_t *ops; /* wg_change_op */
    uint64_t count;
} wg_changes;
/* One row a commit in (after, up_to] and key that it changed, in the order (logseq, kind, id). Stable under compaction and rebuilding as long as
 * snapshot `after` can be read: WG_E_EXPIRED otherwise, and when `up_to` lies behind the transaction's snapshot. */
wg_code wg_changes_between(const wg_exec_context *context, uint64_t after, uint64_t up_to, wg_changes *out,
                           wg_error *err);
void wg_changes_deinit(wg_changes *changes);

#endif
