/* engine/statistics: what planners know of the rows of a label: degrees, values, shares. Every number is a function of the rows
 * that the transaction's snapshot sees (its own writes apart), never of where they are stored or of what ran before: equal
 * snapshots have equal statistics before and after checkpoints, compaction and reopening, on every machine.
 *
 * Large labels are sampled by id: the ids fall into clusters of sixteen, and a cluster is in the sample when its hash ends in k
 * zero bits, where k follows from the number of rows. So the cost is bounded whatever the size of the label. What was computed is
 * kept and given again to every snapshot that sees the same rows. */
#ifndef WG_ENGINE_STATISTICS_H
#define WG_ENGINE_STATISTICS_H

#include "engine/engine.h"

enum {
    WG_STATISTICS_SAMPLE = 8192, /* expected rows of a sample at most */
    WG_STATISTICS_COMMON = 8,
    WG_STATISTICS_BOUNDS = 17, /* sixteen buckets */
    WG_DEGREE_CLASSES = 40
};

/* Degrees of the nodes on one side of an edge label: those that have an edge there. */
typedef struct wg_degree_statistics {
    double nodes;
    double average;
    double maximum; /* seen */
    double sum_squares;
    double classes[WG_DEGREE_CLASSES]; /* [i]: nodes of 2^i <= degree < 2^(i + 1) */
} wg_degree_statistics;

/* Edges between nodes of exactly these label sets (ascending numbers). */
typedef struct wg_end_pair {
    const uint32_t *from;
    const uint32_t *to;
    uint32_t from_count;
    uint32_t to_count;
    double share;
} wg_end_pair;

typedef struct wg_edge_statistics {
    double edges;
    bool exact; /* every edge was looked at */
    wg_degree_statistics out;
    wg_degree_statistics in;
    const wg_end_pair *pairs; /* in the order of their label numbers */
    uint32_t pair_count;
} wg_edge_statistics;

/* Statistics of an edge label; what *out points at lives in `arena`. A label that does not exist has no edges.
 * Errors: WG_E_NOMEM | WG_E_CORRUPT, WG_E_CAPACITY: stored rows could not be read. Threads: any. */
wg_code wg_edge_statistics_get(const wg_txn *txn, uint32_t label, wg_arena *arena, wg_edge_statistics *out,
                               wg_error *err);
/* Share of the edges that go from nodes with all of these labels to nodes with all of those. */
double wg_edge_statistics_share(const wg_edge_statistics *statistics, const uint32_t *from, uint32_t from_count,
                                const uint32_t *to, uint32_t to_count);

typedef struct wg_property_statistics {
    double rows;
    bool exact;
    double null_share;
    double distinct; /* of the values that are not null */
    wg_value min;    /* null: there is no value */
    wg_value max;
    wg_value
        common[WG_STATISTICS_COMMON]; /* the most frequent values, if they come more than once, most frequent first */
    double common_share[WG_STATISTICS_COMMON]; /* of all rows */
    uint32_t common_count;
    wg_value bounds[WG_STATISTICS_BOUNDS]; /* between two neighbours lie equally many values that are not null */
    uint32_t bound_count;                  /* 0: fewer values than buckets */
} wg_property_statistics;

/* Statistics of a property of a label of nodes or edges. For virtual labels rows, nulls, min and max come from the footers of the
 * files (WG_E_NOT_FOUND, WG_E_CHANGED, ... when one is not what was registered), the rest is not known. */
wg_code wg_property_statistics_get(const wg_txn *txn, uint32_t label, uint32_t key, wg_arena *arena,
                                   wg_property_statistics *out, wg_error *err);
/* Expected share of the rows that satisfy the predicate, in [0, 1]. */
double wg_property_statistics_share(const wg_property_statistics *statistics, wg_compare_op op,
                                    const wg_value *value);

#endif
