/* engine/adjacency: the edges of one edge label as a transaction sees them, as compressed sparse rows in both directions that
 * traversals, joins and graph algorithms walk without a call a node.
 *
 * It holds exactly the visible edges, each once a direction, the entries of a node in edge-id order (the order of wg_expand). It is made once for each
 * state of the label and shared by all who ask for the same one (the engine keeps the latest; what readers hold stays until released);
 * where the topology's own base is exactly the visible edges it is lent, not copied.
 *
 * Where nodes lie so far apart that offsets would take more than the edges, a side has a bit a node, and offsets for those that have one
 * (a far side). Labels whose edges touch rows of virtual labels, or ids of 2^32 and above, have no adjacency, nor has what does not fit
 * the memory budget: callers go on with wg_expand there. */
#ifndef WG_ENGINE_ADJACENCY_H
#define WG_ENGINE_ADJACENCY_H

#include "io/pool/pool.h"
#include "worldgraph/topology/topology.h"

typedef struct wg_txn wg_txn;
typedef struct wg_adjacency wg_adjacency;

/* One direction. Node `node` has the entries offsets[node - node_min] .. offsets[node - node_min + 1]; nodes outside have none. Of a far side
 * offsets are numbered by the bits: wg_adjacency_span. */
typedef struct wg_adjacency_side {
    uint64_t node_min;
    uint64_t node_count;   /* offsets has one more */
    const uint64_t *bits;  /* NULL: not a far side */
    const uint32_t *ranks; /* how many bits are set before each word, and in all */
    const uint32_t *offsets;
    const uint32_t *neighbours; /* node ids */
    const uint32_t *edges;      /* edge ids; may be NULL until wg_adjacency_edges has made them */
    uint64_t entry_count;
    uint64_t degree_max;
} wg_adjacency_side;

/* How a build is shared out. */
typedef struct wg_builders {
    wg_pool *pool;    /* NULL: the caller alone */
    uint32_t workers; /* >= 1 */
} wg_builders;

/* Makes or finds it. `pool` may be NULL; `workers` at most that many build. *out NULL with WG_OK: the label has none (see above), or a side
 * is far: for callers who go over offsets themselves.
 * A transaction that has written edges of the label itself has none either.
 * Owns: the caller releases *out before the transaction ends. Errors: WG_E_NOMEM | WG_E_CORRUPT | WG_E_CAPACITY. Threads: any. */
wg_code wg_adjacency_acquire(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers, wg_adjacency **out,
                             wg_error *err);
/* The same, but nothing is made: *out NULL also when it is not made yet. */
wg_code wg_adjacency_find(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err);
/* The same for callers who ask for spans: sides may be far. */
wg_code wg_adjacency_acquire_any(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers,
                                 wg_adjacency **out, wg_error *err);
wg_code wg_adjacency_find_any(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err);
bool wg_adjacency_is_far(const wg_adjacency *adjacency);
void wg_adjacency_release(wg_adjacency *adjacency); /* NULL is legal */
/* direction OUT or IN. */
const wg_adjacency_side *wg_adjacency_get(const wg_adjacency *adjacency, wg_direction direction);
/* Edge ids of these directions, which most that walk over adjacency do without: 4 bytes an edge and direction, made when first asked for, kept with
 * the adjacency. (Arrays that are lent have them from the start.) Sides that were got before stay without. `txn` and `label` are those that it was acquired with. *out_has false with WG_OK:
 * they do not fit the memory budget, or the transaction has written edges of the label since.
 * Errors: WG_E_NOMEM | WG_E_CORRUPT | WG_E_CAPACITY. Threads: any. */
wg_code wg_adjacency_edges(wg_adjacency *adjacency, const wg_txn *txn, uint32_t label, wg_direction directions,
                           const wg_builders *by, bool *out_has, wg_error *err);
/* They are there already. */
bool wg_adjacency_has_edges(const wg_adjacency *adjacency, wg_direction directions);
/* The same side with the entries of each node in (neighbour id, edge id) order; made when first asked for, kept with the adjacency.
 * `with_edges`: it has edge ids; those of the opposite direction must be there. */
wg_code wg_adjacency_sorted(wg_adjacency *adjacency, wg_direction direction, bool with_edges, const wg_builders *by,
                            const wg_adjacency_side **out, wg_error *err);
/* The same is there already, with edge ids: asking for it makes nothing. */
bool wg_adjacency_is_sorted(const wg_adjacency *adjacency, wg_direction direction);
/* Nodes with edges to themselves, ascending, and how many each has; made when first asked for, kept with the adjacency. */
typedef struct wg_adjacency_loops {
    uint64_t count;
    uint32_t *nodes;
    uint32_t *counts;
} wg_adjacency_loops;
wg_code wg_adjacency_loops_of(wg_adjacency *adjacency, const wg_adjacency_loops **out, wg_error *err);
uint64_t wg_adjacency_bytes(const wg_adjacency *adjacency); /* of memory that it holds or borrows */

/* ---- the sort behind it, for graphs of other shapes */

/* Edges as columns; `edges` may be anything that goes with the edge, or NULL. */
typedef struct wg_edge_columns {
    uint64_t count;
    const uint32_t *nodes;
    const uint32_t *neighbours;
    const uint32_t *edges;
    uint32_t node_min; /* no node is less, none is more than node_max; the side has offsets for all between */
    uint32_t node_max;
} wg_edge_columns;
/* A stable sort by node: the entries of each node stand in the order of the columns, whatever the number of workers. With `like`
 * its offsets are used, which must be right for these columns. *out_block holds the arrays; the caller frees it with wg_free.
 * Errors: WG_E_NOMEM. Threads: any. */
wg_code wg_edge_columns_sort(const wg_edge_columns *columns, const wg_adjacency_side *like, const wg_builders *by,
                             wg_account *account, wg_adjacency_side *out, void **out_block, wg_error *err);

/* A property of the edges of a label as FLOATs, by edge id. */
typedef struct wg_edge_weights {
    uint64_t edge_min;
    uint64_t count;
    double *values; /* of edge edge_min + i; NaN: no visible edge, or it has no number there; wg_free */
} wg_edge_weights;
/* Errors: WG_E_TYPE a cell that is neither a number nor null | WG_E_VALUE one that is NaN | WG_E_NOMEM | WG_E_CORRUPT | WG_E_CAPACITY. */
wg_code wg_edge_weights_read(const wg_txn *txn, uint32_t label, uint32_t key, const wg_builders *by,
                             wg_account *account, wg_edge_weights *out, wg_error *err);

static inline uint64_t wg_adjacency_span(const wg_adjacency_side *side, uint64_t node, uint64_t *out_count) {
    uint64_t k = node - side->node_min; /* wraps for smaller nodes */
    if (k >= side->node_count) {
        *out_count = 0;
        return 0;
    }
    if (side->bits != NULL) {
        const uint64_t word = side->bits[k / 64];
        const uint64_t bit = UINT64_C(1) << (k % 64);
        if ((word & bit) == 0) {
            *out_count = 0;
            return 0;
        }
        k = side->ranks[k / 64] + (uint64_t)__builtin_popcountll(word & (bit - 1));
    }
    *out_count = side->offsets[k + 1] - side->offsets[k];
    return side->offsets[k];
}

#endif
