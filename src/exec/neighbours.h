/* exec: the adjacency of the labels that an operator follows, and the lists of one node in the order of wg_expand: label by label, OUT
 * before IN, edges by id, a loop once. */
#ifndef WG_EXEC_NEIGHBOURS_H
#define WG_EXEC_NEIGHBOURS_H

#include "exec/exec_internal.h"

enum { WGI_NEIGHBOUR_LABELS_MAX = 16 };

typedef struct wgi_neighbours {
    wg_adjacency *adjacency[WGI_NEIGHBOUR_LABELS_MAX];
    const wg_adjacency_side *sides[WGI_NEIGHBOUR_LABELS_MAX][2]; /* OUT, IN */
    uint32_t label_count;                                        /* 0: not open */
    wg_direction direction;
    bool has_far;        /* arrays over all nodes would be large for the edges that there are */
    uint64_t node_count; /* ids of all sides are below */
} wgi_neighbours;

/* One list of a node: entries first..first + count of a side. `skip_self`: entries that are the node itself do not count. */
typedef struct wgi_neighbour_list {
    const uint32_t *nodes;
    const uint32_t *edges; /* NULL: opened without */
    uint64_t count;
    bool skip_self;
} wgi_neighbour_list;

/* Opens what is made already, or (`make`) makes it, with edge ids in the directions `edges` (0: none); label_count stays 0 when some label has
 * none, or no labels are named. */
wg_code wgi_neighbours_open(wgi_neighbours *n, const wg_plan *plan, const wg_exec_context *context,
                            wg_direction edges, bool make, wg_error *err);
void wgi_neighbours_close(wgi_neighbours *n);
/* Rows of the plan's edge labels: what making the adjacency would cost. */
uint64_t wgi_neighbours_edges(const wg_plan *plan, const wg_exec_context *context);

static inline uint32_t wgi_neighbours_list_count(const wgi_neighbours *n) { return n->label_count * 2; }

/* List i of the node, from its end of the edges (`reverse`: against the direction). Empty lists are frequent. */
static inline wgi_neighbour_list wgi_neighbours_list(const wgi_neighbours *n, uint32_t i, uint64_t node,
                                                     bool reverse) {
    wgi_neighbour_list list = {0};
    const uint32_t way = i & 1; /* 0: OUT */
    const uint32_t bit = (way == 0) != reverse ? (uint32_t)WG_DIRECTION_OUT : (uint32_t)WG_DIRECTION_IN;
    if (((uint32_t)n->direction & bit) == 0) return list;
    const wg_adjacency_side *side = n->sides[i / 2][way];
    const uint64_t first = wg_adjacency_span(side, node, &list.count);
    list.nodes = side->neighbours + first;
    list.edges = side->edges == NULL ? NULL : side->edges + first;
    list.skip_self = way == 1 && n->direction == WG_DIRECTION_BOTH;
    return list;
}

/* ---- shortest_pair.c: a shortest walk between two nodes, from both ends */

typedef struct wgi_pair_search wgi_pair_search;
wg_code wgi_pair_search_create(const wgi_neighbours *neighbours, const wg_exec_context *context,
                               wgi_pair_search **out, wg_error *err);
void wgi_pair_search_destroy(wgi_pair_search *search); /* NULL is legal */
typedef enum wgi_pair_result { WGI_PAIR_NONE, WGI_PAIR_FOUND, WGI_PAIR_TOO_LONG } wgi_pair_result;
/* The walk of at most hops_max edges whose places in the lists come first, as a search from `from` alone would find it; edges[] live until
 * the next call. TOO_LONG: not known, it has more than 200 edges. from != to. */
wg_code wgi_pair_search_run(wgi_pair_search *search, uint64_t from, uint64_t to, uint32_t hops_max,
                            const uint64_t **out_edges, uint32_t *out_count, wgi_pair_result *out, wg_error *err);

#endif
