/* query/optimize: the order in which the parts of a connected pattern are joined, as arithmetic on estimates alone.
 *
 * A problem is nodes and edges with numbers; the answer is a tree of steps. Nothing here knows syntax, catalogs or plans, so that the choice can
 * be tested with made-up statistics. Equal problems have equal answers, to the bit: sums and products are formed in one order, and
 * of equally cheap trees the one that is found first, in the order of the text, stays. */
#ifndef WG_QUERY_ORDER_H
#define WG_QUERY_ORDER_H

#include "base/memory/memory.h"

enum { WGI_ORDER_EDGES_MAX = 10, WGI_ORDER_NODES_MAX = 64 };

typedef struct wgi_order_node {
    double rows;  /* nodes that have its labels */
    double keep;  /* share of these that its own conditions leave */
    double start; /* what finding the first rows costs: about the rows that a scan reads, 1 for a seek */
    bool known;   /* the rows that the plan begins with have it */
} wgi_order_node;

typedef struct wgi_order_edge {
    uint32_t ends[2];  /* [0] left, [1] right as drawn */
    double fan[2];     /* edges that a node at that end has, before the labels of the other end are asked for */
    bool asks[2];      /* whether a node that is reached at that end must be asked for its labels */
    bool meets;        /* several such edges to one new node may be followed at once (INTERSECT) */
    double pairs;      /* edges whose two ends have the labels of their nodes */
    double keep;       /* share that its own conditions leave */
    uint32_t kinds[2]; /* edges with the same kind at one node are found together; 0: with none */
    double
        skew[2]; /* how much more edges of its kind a node has that was found over one of them than the mean node */
} wgi_order_edge;

typedef struct wgi_order_problem {
    const wgi_order_node *nodes;
    const wgi_order_edge *edges;
    uint32_t node_count;
    uint32_t edge_count; /* the planner asks for connected patterns only: known nodes connect too */
    double known_rows;   /* rows that the plan begins with, when a node is known */
    bool no_joins;       /* expansions only: the plan runs behind a write, or anew for each row, or its
                             matches are counted without listing them (rewrite_pattern.c) */
} wgi_order_problem;

typedef enum wgi_step_kind {
    WGI_STEP_KNOWN,  /* the rows that there are */
    WGI_STEP_START,  /* scan or seek of `node` */
    WGI_STEP_EXPAND, /* left, then along `edge` from what left has; both ends there: the edges between them */
    WGI_STEP_MEET,   /* left, then to a new node along `edge` and the other `edges` at once */
    WGI_STEP_JOIN    /* left and right on the nodes that they share */
} wgi_step_kind;

typedef struct wgi_step wgi_step;
struct wgi_step {
    wgi_step_kind kind;
    uint32_t node;
    uint32_t edge;
    uint32_t edges; /* a set */
    const wgi_step *left;
    const wgi_step *right;
    double rows;
    double cost;
};

/* What following `count` edges to a new node costs for so many rows, of which the first has the fan: one after the other, and at once. */
double wgi_cost_one_by_one(double rows, double fan);
double wgi_cost_at_once(double rows, double fan, uint32_t count);

/* The cheapest tree over all edges: by dynamic programming over sets of edges, beyond WGI_ORDER_EDGES_MAX of them step by step, the one
 * that leaves the fewest rows first. *out lives in the arena. False: out of memory. At most WGI_ORDER_NODES_MAX nodes. */
bool wgi_order(const wgi_order_problem *problem, wg_arena *arena, const wgi_step **out);

#endif
