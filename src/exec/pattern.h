/* exec: a pattern whose matches are counted, not listed (PATTERN_COUNT).
 *
 * Vertices stand for nodes, edges for relationships of one label. The count is the number of ways to give every vertex a node and
 * every edge a relationship between the nodes of its ends so that all `unlikes` hold; a vertex with `rows` counts each of its rows. */
#ifndef WG_EXEC_PATTERN_H
#define WG_EXEC_PATTERN_H

#include "base/core/core.h"

struct wg_plan;

enum { WG_PATTERN_VERTICES_MAX = 16, WG_PATTERN_EDGES_MAX = 16, WG_PATTERN_UNLIKES_MAX = 12 };
/* Most ways to violate the conditions: 2 for each pair of vertices or of directed edges, 4 for other edges, the labels of each edge, multiplied. */
enum { WG_PATTERN_CHOICES_MAX = 4096 };

typedef struct wg_pattern_vertex {
    struct wg_plan *rows; /* slot `slot` of its rows is the node; NULL: any node that the edges touch */
    uint32_t slot;
    const char *name; /* for EXPLAIN; "" when nameless */
} wg_pattern_vertex;

/* Others than REQUIRED stand for a clause of their own: their relationship need not differ from others. */
typedef enum wg_pattern_edge_kind {
    WG_PATTERN_REQUIRED,
    WG_PATTERN_OPTIONAL, /* to a vertex that has no other edge: where there is no match, counts as one */
    WG_PATTERN_EXISTS,   /* counts as one however many there are */
    WG_PATTERN_ABSENT    /* counts as one where there is none */
} wg_pattern_edge_kind;

/* Labels of edges from this number on stand for sets[label - WG_PATTERN_SET]. */
enum { WG_PATTERN_SET = 0x40000000 };

/* Edges of one label that satisfy conditions. Where such an edge and one of the label itself are the same, it is one of the set. */
typedef struct wg_pattern_set {
    uint32_t label;
    struct wg_plan *rows; /* slots 0, 1 and 2 of its rows: start, edge, end */
} wg_pattern_set;

typedef struct wg_pattern_edge {
    uint32_t from; /* vertices */
    uint32_t to;
    uint32_t label;         /* labels[0], or a set of its edges */
    const uint32_t *labels; /* it may have any of these */
    uint32_t label_count;
    bool undirected; /* matches in either direction; a loop once */
    uint8_t kind;    /* wg_pattern_edge_kind */
} wg_pattern_edge;

/* Two edges, or two vertices, that must not be the same. */
typedef struct wg_pattern_unlike {
    bool is_edges;
    uint32_t a;
    uint32_t b;
} wg_pattern_unlike;

typedef struct wg_pattern {
    const wg_pattern_vertex *vertices;
    uint32_t vertex_count;
    const wg_pattern_edge *edges;
    uint32_t edge_count;
    const wg_pattern_unlike *unlikes;
    uint32_t unlike_count;
    const wg_pattern_set *sets;
    uint32_t set_count;
} wg_pattern;

#endif
