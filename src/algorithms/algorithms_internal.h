/* What the files of algorithms share. Others include algorithms.h only. */
#ifndef WG_ALGORITHMS_INTERNAL_H
#define WG_ALGORITHMS_INTERNAL_H

#include <stdatomic.h>

#include "algorithms/algorithms.h"

enum { WGI_NODES = 4096 }; /* a piece of nodes; float sums are taken by pieces of this size */

typedef wg_code (*wgi_piece_fn)(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err);
/* wg_pool_for with cancellation and deadline asked before each piece. */
wg_code wgi_for(const wg_algo_run *run, uint64_t count, uint64_t grain, wgi_piece_fn fn, void *arg, wg_error *err);
wg_code wgi_check_run(const wg_algo_run *run, wg_error *err);
uint32_t wgi_workers(const wg_algo_run *run); /* numbers that fn may see are below */
/* WG_E_LIMIT when the account refused, else WG_E_NOMEM. */
wg_code wgi_no_memory(const wg_algo_run *run, uint64_t bytes, wg_error *err);
/* count * size bytes, *out NULL only on failure. */
wg_code wgi_array(const wg_algo_run *run, uint64_t count, uint64_t size, void **out, wg_error *err);
wg_code wgi_array_zero(const wg_algo_run *run, uint64_t count, uint64_t size, void **out, wg_error *err);
wg_code wgi_need_undirected(const wg_graph *graph, const char *what, wg_error *err);

static inline uint64_t wgi_degree(const wg_graph_side *side, uint64_t node) {
    return side->offsets[node + 1] - side->offsets[node];
}

/* Growing list of nodes, one a worker. */
typedef struct wgi_list {
    uint32_t *nodes;
    uint64_t count;
    uint64_t capacity;
    uint8_t apart[40]; /* workers write side by side: a cache line each */
} wgi_list;
bool wgi_list_grow(wgi_list *list, wg_account *account);
static inline bool wgi_list_push(wgi_list *list, uint32_t node, wg_account *account) {
    if (list->count == list->capacity && !wgi_list_grow(list, account)) return false;
    list->nodes[list->count++] = node;
    return true;
}
void wgi_lists_free(wgi_list *lists, uint32_t count);
/* Moves what the lists hold to `to` one behind the other; returns how many. */
uint64_t wgi_lists_take(wgi_list *lists, uint32_t count, uint32_t *to);

#endif
