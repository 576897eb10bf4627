/* engine/adjacency: the edges of one edge label as a transaction sees them, as compressed sparse rows in both directions that
 * traversals, joins and graph algorithms walk without a call a node.
 *
 * It holds exactly the visible edges, each once a direction, the entries of a node in edge-id order (the order of wg_expand). It is made once for each
 * state of the label and shared by all who ask for the same one (the engine keeps the latest; what readers hold stays until released);
 * where the topology's own base is exactly the visible edges it is lent, not copied.
 *
 * Labels whose edges touch rows of virtual labels, or ids of 2^32 and above, have none, nor do those whose nodes lie so far apart that
 * offsets would take more than their edges, or what does not fit the memory budget: callers go on with wg_expand there. */
#ifndef WG_ENGINE_ADJACENCY_H
#define WG_ENGINE_ADJACENCY_H

#include "io/pool/pool.h"
#include "worldgraph/topology/topology.h"

typedef struct wg_txn wg_txn;
typedef struct wg_adjacency wg_adjacency;

/* One direction. Node `node` has the entries offsets[node - node_min] .. offsets[node - node_min + 1]; nodes outside have none. */
typedef struct wg_adjacency_side {
    uint64_t node_min;
    uint64_t node_count; /* offsets has one more */
    const uint64_t *offsets;
    const uint32_t *neighbours; /* node ids */
    const uint32_t *edges;      /* edge ids */
    uint64_t entry_count;
    uint64_t degree_max;
} wg_adjacency_side;

/* Makes or finds it. `pool` may be NULL; `workers` at most that many build. *out NULL with WG_OK: the label has none (see above).
 * A transaction that has written edges of the label itself has none either.
 * Owns: the caller releases *out before the transaction ends. Errors: WG_E_NOMEM | WG_E_CORRUPT | WG_E_CAPACITY. Threads: any. */
wg_code wg_adjacency_acquire(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers, wg_adjacency **out,
                             wg_error *err);
void wg_adjacency_release(wg_adjacency *adjacency); /* NULL is legal */
/* direction OUT or IN. */
const wg_adjacency_side *wg_adjacency_get(const wg_adjacency *adjacency, wg_direction direction);
/* The same side with the entries of each node in (neighbour id, edge id) order; made when first asked for, kept with the adjacency. */
wg_code wg_adjacency_sorted(wg_adjacency *adjacency, wg_direction direction, wg_pool *pool, uint32_t workers,
                            const wg_adjacency_side **out, wg_error *err);
uint64_t wg_adjacency_bytes(const wg_adjacency *adjacency); /* of memory that it holds or borrows */

static inline uint64_t wg_adjacency_span(const wg_adjacency_side *side, uint64_t node, uint64_t *out_count) {
    const uint64_t k = node - side->node_min; /* wraps for smaller nodes */
    if (k >= side->node_count) {
        *out_count = 0;
        return 0;
    }
    *out_count = side->offsets[k + 1] - side->offsets[k];
    return side->offsets[k];
}

#endif
