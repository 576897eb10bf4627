/* exec: what the operators of a plan (exec.h) are made of: index conditions, aggregates, sort items, writes, steps of walks, meets. */
#ifndef WG_EXEC_PLAN_PARTS_H
#define WG_EXEC_PLAN_PARTS_H

#include "engine/engine.h"
#include "exec/expression.h"

/* What the properties of an index are asked: first EQ, among them at most one IN, then STARTS or bounds of the next one. */
typedef enum wg_index_op {
    WG_INDEX_EQ,
    WG_INDEX_IN,
    WG_INDEX_GT,
    WG_INDEX_GE,
    WG_INDEX_LT,
    WG_INDEX_LE,
    WG_INDEX_STARTS
} wg_index_op;

typedef enum wg_aggregate_kind {
    WG_AGG_COUNT_STAR,
    WG_AGG_COUNT,
    WG_AGG_SUM,
    WG_AGG_AVG,
    WG_AGG_MIN,
    WG_AGG_MAX,
    WG_AGG_COLLECT
} wg_aggregate_kind;

typedef struct wg_aggregate {
    wg_aggregate_kind kind;
    bool distinct;
    wg_expr *arg; /* NULL for COUNT_STAR */
    wg_type type; /* COUNT: INT; SUM: INT, FLOAT or ANY; AVG: FLOAT; COLLECT: LIST; MIN, MAX: the argument's */
} wg_aggregate;

typedef struct wg_sort_item {
    wg_expr *expr;
    bool descending;
} wg_sort_item;

/* Properties to write: known keys with a value expression each, or one map expression. */
typedef struct wg_write_properties {
    const uint32_t *keys;
    wg_expr *const *exprs;
    uint32_t count;
    wg_expr *map; /* NULL, or MAP-valued: all its entries */
} wg_write_properties;

typedef struct wg_create_item {
    bool is_edge;
    const uint32_t *labels; /* node: any number; edge: exactly one, with that of label_exprs */
    uint32_t label_count;
    wg_expr *const *label_exprs; /* texts, or lists of them, that name more */
    uint32_t label_expr_count;
    uint32_t from_slot; /* edges: slots of the input row, or input slots + index of an earlier create item */
    uint32_t to_slot;
    wg_write_properties properties;
} wg_create_item;

typedef enum wg_set_kind {
    WG_SET_PROPERTY,
    WG_SET_MERGE_MAP,
    WG_SET_REPLACE_MAP,
    WG_SET_ADD_LABELS,
    WG_SET_REMOVE_LABELS
} wg_set_kind;

typedef struct wg_set_item {
    wg_set_kind kind;
    wg_expr *target; /* NODE, EDGE or ANY; null: nothing happens */
    wg_write_properties properties;
    const uint32_t *labels;
    uint32_t label_count;
    wg_expr *const *label_exprs; /* texts, or lists of them, that name more */
    uint32_t label_expr_count;
} wg_set_item;

/* What a walk may repeat: no relationship; anything; no node; no node but the first one as the last. */
typedef enum wg_walk_mode { WG_WALK_TRAIL, WG_WALK_ANY, WG_WALK_ACYCLIC, WG_WALK_SIMPLE } wg_walk_mode;

/* One of the relationships that a repetition of a walk has, in the order of walking. */
typedef struct wg_walk_step {
    wg_direction direction;
    const uint32_t *edge_labels;
    uint32_t edge_label_count;
    bool missing;    /* no edge can be the one */
    wg_expr *filter; /* over step_input: the nodes and edges of this repetition as far as this step; NULL: none */
} wg_walk_step;

/* INTERSECT: one of the edges to the new node, seen from node slot `slot` of the input. */
typedef struct wg_meet {
    uint32_t slot;
    wg_direction direction;
    const uint32_t *edge_labels;
    uint32_t edge_label_count;
    const uint32_t *unique_edge_slots; /* those of the input first, then of edges of earlier meets in the output */
    uint32_t unique_edge_slot_count;
    uint32_t unique_input_count;
} wg_meet;
enum { WG_MEETS_MAX = 8 };

#endif
