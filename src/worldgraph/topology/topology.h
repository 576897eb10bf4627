/* worldgraph/topology: adjacency of one edge label: a base CSR in both directions plus a delta of newer edges.
 *
 * Entries are (edge id, neighbour id) in edge-id order: base first, then delta, whose ids are larger. Deleted and
 * rolled-back edges stay until a rebuild drops those that no snapshot can see; readers check the edge's row. One writer,
 * readers without locks inside an epoch. Node ids may be any 64-bit numbers: dense owned ids use an offset array, others
 * (rows of virtual labels) a sorted key array. */
#ifndef WG_WORLDGRAPH_TOPOLOGY_H
#define WG_WORLDGRAPH_TOPOLOGY_H

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
/* Merges now, whatever the size. */
wg_code wg_topology_rebuild(wg_topology *topology, wg_error *err);

uint64_t wg_topology_edge_count(
    const wg_topology *topology); /* given to it since the beginning, stored ones included */
uint64_t wg_topology_delta_count(const wg_topology *topology);
/* Number of entries of a node in one direction (OUT or IN), visible or not. Errors of stored runs: WG_E_CORRUPT, WG_E_CAPACITY. */
wg_code wg_topology_degree(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t *out,
                           wg_error *err);
/* Copies entries position.. of a node in one direction (OUT or IN) into the arrays; *out_count 0 at the end. Order: stored runs, base,
 * delta: by edge id. */
wg_code wg_topology_read(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t position,
                         uint32_t count_max, uint64_t *edges, uint64_t *neighbours, uint32_t *out_count,
                         wg_error *err);

/* ---- stored runs. A run is a CSR in both directions over the edges with ordinals [run, attributes[0]) of this label (ordinal = position in the
 * order of adding). Fragments of kind ADJACENCY: part 0 OUT nodes and offsets, 1 OUT entries, 2 and 3 the same for IN; slot = piece of
 * 16,384 rows; offsets count entries of the part from the start of the run. Runs ascend and do not overlap. */

typedef struct wg_topology_pass {
    wg_stripe_sink *sink;
    uint32_t label;
    uint64_t until;      /* version of the fragments */
    uint64_t edge_count; /* wg_topology_edge_count, captured under the writer's lock */
} wg_topology_pass;
/* Writes the edges that are not stored yet, up to edge_count, as one run (nothing when there are none). Beside the writer, inside an
 * epoch. */
wg_code wg_topology_store(const wg_topology *topology, const wg_topology_pass *pass, wg_error *err);
/* Writer: the stored runs are these (all pieces in key order); edges in memory below `edge_count` are among them and leave it. */
wg_code wg_topology_adopt(wg_topology *topology, const wg_fragment *const *pieces, uint32_t piece_count,
                          uint64_t edge_count, wg_error *err);
/* Walks both directions and reports the first asymmetry, disorder or bad offset as WG_E_CORRUPT. */
wg_code wg_topology_check(const wg_topology *topology, wg_error *err);

#endif
