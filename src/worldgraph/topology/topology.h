/* worldgraph/topology: adjacency of one edge label: stored CSR runs, a base CSR in memory and a delta of newer edges.
 *
 * Entries are (edge id, neighbour id) in edge-id order: stored runs, base, delta, each with larger ids than the one before.
 * Deleted edges stay until a compaction drops those that no snapshot can see; readers check the edge's row. One writer,
 * readers without locks inside an epoch. Node ids may be any 64-bit numbers: dense owned ids use an offset array, others
 * (rows of virtual labels) a sorted key array. */
#ifndef WG_WORLDGRAPH_TOPOLOGY_H
#define WG_WORLDGRAPH_TOPOLOGY_H

#include "io/pool/pool.h"
#include "worldgraph/mmap/mmap.h"

typedef struct wg_topology wg_topology;

typedef enum wg_direction { WG_DIRECTION_OUT = 1, WG_DIRECTION_IN = 2, WG_DIRECTION_BOTH = 3 } wg_direction;

wg_code wg_topology_create(wg_epoch *epoch, wg_account *account, wg_topology **out, wg_error *err);
void wg_topology_destroy(wg_topology *topology);
/* Writer. Edge ids of one label arrive ascending. */
wg_code wg_topology_add(wg_topology *topology, uint64_t edge, uint64_t from, uint64_t to, wg_error *err);
wg_code wg_topology_add_batch(wg_topology *topology, uint64_t first_edge, const uint64_t *from, const uint64_t *to,
                              uint64_t count, wg_error *err);
/* Makes the edges of large batches fast to find before they are settled: readers walk them one by one otherwise. For a
 * writer that is about to read its own uncommitted load; cheap when there is nothing to do, cannot fail (writer). */
void wg_topology_index(wg_topology *topology);
/* Takes back the edges with id >= first_edge, which must all be in the delta (rollback; writer). */
void wg_topology_truncate(wg_topology *topology, uint64_t first_edge);
/* Merges the delta into a new base when it has outgrown its share (writer; cheap when there is nothing to do). */
wg_code wg_topology_settle(wg_topology *topology, wg_error *err);
/* The same for a writer that has somebody who merges beside it: *out_due says that there is something to merge. What would take longer to
 * find without is merged all the same: a load, and a delta of twice its share (writer). */
wg_code wg_topology_settle_later(wg_topology *topology, bool *out_due, wg_error *err);
/* The base that the edges with ordinals below edge_count would make, which are all committed; *out NULL: no more than it is. Beside the
 * writer, inside an epoch. */
typedef struct wg_topology_merge wg_topology_merge;
wg_code wg_topology_merge_build(const wg_topology *topology, uint64_t edge_count, wg_topology_merge **out,
                                wg_error *err);
/* Makes it the base, unless that is another one by now, and frees it whatever happens; newer edges stay in the delta (writer). WG_E_NOMEM
 * changes nothing. */
wg_code wg_topology_merge_adopt(wg_topology *topology, wg_topology_merge *merge, bool *out_adopted, wg_error *err);
void wg_topology_merge_free(wg_topology_merge *merge); /* NULL is legal */
/* Merges now, whatever the size. */
wg_code wg_topology_rebuild(wg_topology *topology, wg_error *err);
/* A delta of so many edges stays as it is (writer); 4,096 unless said. */
void wg_topology_settle_from(wg_topology *topology, uint64_t edges);
/* Large merges build both directions at the same time on this pool's threads, which must outlive the topology's writing. NULL: not (writer). */
void wg_topology_use_pool(wg_topology *topology, wg_pool *pool);

/* One direction of what is in memory: node `node` has the entries offsets[node - node_min] .. offsets[node - node_min + 1]. */
typedef struct wg_topology_side {
    uint64_t node_min;
    uint64_t node_count;
    uint64_t entry_count;
    const uint32_t *offsets;
    const uint32_t *neighbours;
    const uint32_t *edges;
} wg_topology_side;
/* True when every edge that a reader may find is in these arrays: nothing is stored or in the delta, nodes are dense, ids have 32 bits.
 * They live until the epoch is left. *out_generation, never 0, is another one for every other state. */
bool wg_topology_base(const wg_topology *topology, wg_topology_side out[2], uint64_t *out_generation);
uint64_t wg_topology_edge_count(
    const wg_topology *topology); /* given to it since the beginning, stored ones included */
uint64_t wg_topology_delta_count(const wg_topology *topology);
/* The neighbour of an entry that is stored: the edge's row has it, which a reader looks at anyway to see whether the edge is visible. */
#define WG_TOPOLOGY_BY_ROW UINT64_MAX

/* Number of entries of a node in one direction (OUT or IN), visible or not. Errors of stored runs: WG_E_CORRUPT, WG_E_CAPACITY. */
wg_code wg_topology_degree(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t *out,
                           wg_error *err);
/* Copies the entries of a node in one direction (OUT or IN) with edge ids >= from_edge into the arrays, in edge-id order; *out_count 0
 * at the end; neighbours may be WG_TOPOLOGY_BY_ROW. Go on with the last edge id + 1: unlike a position it keeps its meaning when edges that nobody can see leave
 * between two calls (a merge, compaction). */
wg_code wg_topology_read(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t from_edge,
                         uint32_t count_max, uint64_t *edges, uint64_t *neighbours, uint32_t *out_count,
                         wg_error *err);

/* ---- stored runs. A run holds the edges with ordinals [run, attributes[0]) of this label (ordinal = position in the order of
 * adding) as a CSR in both directions. It is read from fragments of kind ADJACENCY, which any merge can make from fragments alone:
 *
 *   key     owner label, run first ordinal, slot number of the piece, part:
 *             0 OUT nodes   NODE (NODE, strictly ascending), OFFSET (INT, strictly ascending, from 0)
 *             1 OUT entries EDGE (NODE); in files of before NEIGHBOUR (NODE) too
 *             2 IN nodes    as part 0
 *             3 IN entries  as part 1
 *   pieces  piece p of a part holds its rows [p * 16,384, (p + 1) * 16,384): all pieces are full but the last of the part. No
 *           piece is empty: parts have as many pieces as they need, not equally many. Because keys order by slot first, pieces
 *           are written 0/0, 0/1, 0/2, 0/3, 1/0, ... as far as each part goes. No nulls.
 *   rows    A node stands here only when it has an entry. OFFSET of a node is where its entries begin, counted from the first
 *           entry of the part over all its pieces; they end where those of the next node begin, and those of the last at
 *           attributes[1]. The entries of one node have strictly ascending edge ids. Both directions hold the same edges.
 *   attributes, all pieces of the run: [0] ordinal where the run ends (exclusive)
 *                                      [1] entries of each direction, > 0; at most attributes[0] - run, often fewer: an edge
 *                                          that nobody can see any more leaves, its ordinal does not
 *                                      [2], [3] bounds of the edge ids: first <= every id <= last (need not be tight)
 *               parts 0 and 2 besides: [4] first node of the piece
 *                                      [5] offset where the entries of the last node of the piece end
 *               parts 1 and 3:         [4], [5] zero
 *   runs    of one label ascend and do not overlap, in ordinals and in edge ids; there may be gaps between them. A run without
 *           an entry is not written.
 *
 * Joining consecutive runs r1 .. rk: nodes of a direction merged k ways by node id; entries of a node concatenated run by run
 * (then ids ascend by themselves); dead edges left out, of both directions or of none (ask once for each edge and remember, or
 * with a liveness that does not move during the merge); nodes that lose their last entry left out; offsets counted anew.
 * run = run of r1, [0] = [0] of rk, [1] = entries counted, [2] = [2] of r1, [3] = [3] of rk, version = the highest. */

typedef struct wg_topology_pass {
    wg_stripe_sink *sink;
    uint32_t label;
    uint64_t until;      /* version of the fragments */
    uint64_t edge_count; /* wg_topology_edge_count, captured under the writer's lock */
} wg_topology_pass;
/* Writes the edges that are not stored yet, up to edge_count, as one run (nothing when there are none). Beside the writer, inside an
 * epoch. */
wg_code wg_topology_store(const wg_topology *topology, const wg_topology_pass *pass, wg_error *err);
/* Writer: the stored runs are these (all pieces in key order); edges in memory below `edge_count` are among them and leave it. The
 * pieces of the runs before stay open until this has returned and the epoch has let their last readers go. Reads nothing but the
 * heads. Errors: WG_E_CORRUPT pieces that make no runs, or end above edge_count; WG_E_NOMEM; both change nothing. */
wg_code wg_topology_adopt(wg_topology *topology, const wg_fragment *const *pieces, uint32_t piece_count,
                          uint64_t edge_count, wg_error *err);
/* Where an edge leaves and arrives; *out_found false: nobody knows the edge any more. */
typedef wg_code (*wg_topology_ends_fn)(void *ctx, uint64_t edge, uint64_t out_ends[2], bool *out_found,
                                       wg_error *err);
/* Walks both directions and reports the first asymmetry, disorder or bad offset as WG_E_CORRUPT. `ends` may be NULL: then
 * nobody says whether stored entries stand at the right node. */
wg_code wg_topology_check(const wg_topology *topology, wg_topology_ends_fn ends, void *ctx, wg_error *err);

#endif
