/* Shared by the files of worldgraph/topology: the state, immutable CSRs, stored runs and the delta. Sides are numbered 0 = OUT,
 * 1 = IN. */
#ifndef WG_WORLDGRAPH_TOPOLOGY_INTERNAL_H
#define WG_WORLDGRAPH_TOPOLOGY_INTERNAL_H

#include "worldgraph/topology/topology.h"

/* One edge of the log of the delta. Words are atomic because a rollback may reuse places that a late reader looks at; what
 * it reads there belongs to no snapshot that it has. */
typedef struct wgi_log_edge {
    _Atomic uint64_t edge;
    _Atomic uint64_t ends[2]; /* from, to */
} wgi_log_edge;

typedef struct wgi_log {
    wg_epoch_link link;
    uint64_t capacity;
    wgi_log_edge edges[];
} wgi_log;

static inline uint64_t wgi_word(const _Atomic uint64_t *word) {
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Adjacency of one side, never changed after it is built; one allocation. Entries of a node stand in edge-id order. */
typedef struct wgi_csr {
    wg_epoch_link link;
    uint64_t entry_count;
    uint64_t key_count; /* offsets has one more */
    uint64_t node_min;  /* dense: key k is node_min + k */
    bool dense;
    bool wide;            /* 64-bit entries */
    const uint64_t *keys; /* not dense: ascending */
    const uint64_t *offsets;
    const void *edges; /* uint32_t, or uint64_t when wide */
    const void *neighbours;
} wgi_csr;

/* ---- what a merge leaves out */

/* A set of edge ids, which does not change once a state has it. */
typedef struct wgi_edge_set {
    wg_epoch_link link;
    uint32_t slots_log2;
    uint64_t count;
    uint64_t slots[]; /* id + 1; 0: empty */
} wgi_edge_set;
/* Adds to *set, which is made (NULL before) or grown as needed; false when out of memory, *set as it was. */
bool wgi_edge_set_add(wgi_edge_set **set, uint64_t edge, wg_account *account);
bool wgi_edge_set_has(const wgi_edge_set *set, uint64_t edge); /* NULL: empty */
/* How many of its ids are below `limit`. */
uint64_t wgi_edge_set_below(const wgi_edge_set *set, uint64_t limit);

/* Edges stay that are not below `floor` and not in `gone`. */
typedef struct wgi_retain {
    uint64_t floor;
    const wgi_edge_set *gone;
} wgi_retain;
static inline bool wgi_retains(const wgi_retain *retain, uint64_t edge) {
    return edge >= retain->floor && !wgi_edge_set_has(retain->gone, edge);
}
/* A CSR of the entries that stay; *out NULL when there are none. */
wg_code wgi_csr_retain(const wgi_csr *csr, const wgi_retain *retain, wg_account *account, wgi_csr **out,
                       wg_error *err);

/* Merges a CSR (may be NULL) with log edges [first, last), all newer. */
typedef struct wgi_csr_source {
    const wgi_csr *base;
    const wgi_log *log;
    uint64_t first;
    uint64_t last;
    uint32_t side;
} wgi_csr_source;
wg_code wgi_csr_build(const wgi_csr_source *source, wg_account *account, wgi_csr **out, wg_error *err);
/* Where the entries of a node begin; returns how many there are. */
uint64_t wgi_csr_find(const wgi_csr *csr, uint64_t node, uint64_t *out_first);
static inline uint64_t wgi_csr_edge(const wgi_csr *csr, uint64_t at) {
    return csr->wide ? ((const uint64_t *)csr->edges)[at] : ((const uint32_t *)csr->edges)[at];
}
static inline uint64_t wgi_csr_neighbour(const wgi_csr *csr, uint64_t at) {
    return csr->wide ? ((const uint64_t *)csr->neighbours)[at] : ((const uint32_t *)csr->neighbours)[at];
}
static inline uint64_t wgi_csr_key(const wgi_csr *csr, uint64_t k) {
    return csr->dense ? csr->node_min + k : csr->keys[k];
}
/* How many of the entries [first, first + count) of a node have an edge id below `end`: they come first. */
uint64_t wgi_csr_below(const wgi_csr *csr, uint64_t first, uint64_t count, uint64_t end);
/* Offsets and order within each side, and that both hold the same edges. */
wg_code wgi_csr_check_pair(const wgi_csr *out_side, const wgi_csr *in_side, wg_error *err);

/* ---- the delta */

typedef struct wgi_list_entry {
    _Atomic uint64_t edge;
    _Atomic uint64_t neighbour;
} wgi_list_entry;

/* The delta entries of one node in one direction. */
typedef struct wgi_list {
    wg_epoch_link link;
    uint32_t capacity;
    _Atomic uint32_t count; /* release by the writer, acquire by readers */
    wgi_list_entry entries[];
} wgi_list;

/* A CSR over log edges [first, last): an index over part of a bulk load. */
typedef struct wgi_run {
    wg_epoch_link link;
    uint64_t first;
    uint64_t last;
    wgi_csr *sides[2];
} wgi_run;

/* How readers find the log edges: those before `indexed` in the lists, then the runs, the rest by walking the log.
 * indexed == UINT64_MAX: all are in the lists. */
typedef struct wgi_view {
    wg_epoch_link link;
    uint64_t indexed;
    uint32_t run_capacity;
    _Atomic uint32_t run_count;
    _Atomic(wgi_run *) runs[];
} wgi_view;

typedef struct wgi_delta wgi_delta;

wgi_delta *wgi_delta_create(wg_account *account);
void wgi_delta_destroy(wgi_delta *delta);                 /* nobody reads it */
void wgi_delta_retire(wgi_delta *delta, wg_epoch *epoch); /* readers may */
uint64_t wgi_delta_count(const wgi_delta *delta);
const wgi_log *wgi_delta_log(const wgi_delta *delta);
/* A log of the edges of [first, last) that stay; NULL when out of memory. The caller frees it. */
wgi_log *wgi_log_retain(const wgi_log *log, uint64_t first, uint64_t last, const wgi_retain *retain,
                        wg_account *account, uint64_t *out_count);
/* Appends `count` edges first_edge, first_edge + 1, ...; on WG_E_NOMEM nothing is added. */
wg_code wgi_delta_add(wgi_delta *delta, wg_epoch *epoch, uint64_t first_edge, const uint64_t *const ends[2],
                      uint64_t count, wg_error *err);
void wgi_delta_truncate(wgi_delta *delta, wg_epoch *epoch, uint64_t first_edge);
/* Makes a run over the walked part of the log when it is long. Not being able to only costs readers time. */
void wgi_delta_run(wgi_delta *delta, wg_epoch *epoch);
/* Puts everything into the lists. */
wg_code wgi_delta_index(wgi_delta *delta, wg_epoch *epoch, wg_error *err);

/* Entries of a node with ids >= from_edge; `edges` NULL: only counts, without a limit. */
typedef struct wgi_reading {
    uint32_t side;
    uint64_t node;
    uint64_t from_edge;
    uint64_t count;
    uint64_t count_max;
    uint64_t *edges;
    uint64_t *neighbours;
} wgi_reading;
void wgi_reading_csr(wgi_reading *reading, const wgi_csr *csr);
void wgi_reading_delta(wgi_reading *reading, const wgi_delta *delta);
wg_code wgi_delta_check(const wgi_delta *delta, wg_error *err);

static inline bool wgi_reading_full(const wgi_reading *reading) {
    return reading->edges != NULL && reading->count == reading->count_max;
}

/* ---- stored runs */

enum { WGI_PIECE_ROWS = WG_FRAGMENT_ROWS_MAX };

/* One part of a run. */
typedef struct wgi_stored_part {
    uint32_t piece_count;
    const wg_fragment *const *pieces;
} wgi_stored_part;

typedef struct wgi_stored_run {
    uint64_t first; /* ordinals [first, last) */
    uint64_t last;
    uint64_t entry_count; /* of each side */
    uint64_t edge_first;  /* first <= id <= last */
    uint64_t edge_last;
    wgi_stored_part nodes[2];
    wgi_stored_part entries[2];
    const uint64_t *fences[2]; /* first node of each piece of nodes[side] */
} wgi_stored_run;

/* The stored runs of one label, never changed after they are published; one allocation. */
typedef struct wgi_stored {
    wg_epoch_link link;
    uint32_t run_count;
    const wgi_stored_run *runs;
} wgi_stored;

/* Builds *out from pieces in key order; reads nothing but their heads. */
wg_code wgi_stored_create(const wg_fragment *const *pieces, uint32_t piece_count, wg_account *account,
                          wgi_stored **out, wg_error *err);
wg_code wgi_reading_stored(wgi_reading *reading, const wgi_stored *stored, wg_error *err);
wg_code wgi_stored_check(const wgi_stored *stored, wg_account *account, wg_error *err);

/* ---- the state */

/* Everything that a reader of one call sees. Ordinals [0, stored_count) are in the runs, the next base_count in the base
 * and `gone`, those of the delta follow. */
typedef struct wgi_state {
    wg_epoch_link link;
    uint64_t generation; /* counts the states of a topology from 1 */
    wgi_stored *stored;
    uint64_t stored_count;
    wgi_csr *base[2];
    wgi_edge_set *gone; /* edges that merges left out of the base; NULL: none */
    uint64_t base_count;
    wgi_delta *delta;
} wgi_state;

/* The edges of a state with ordinals [stored_count, edge_count). */
typedef struct wgi_store_source {
    const wgi_csr *base[2];
    uint64_t base_end; /* those of the base with ids below */
    const wgi_log *log;
    uint64_t log_count;
    uint64_t first; /* ordinal */
} wgi_store_source;
wg_code wgi_store_run(const wgi_store_source *source, const wg_topology_pass *pass, wg_account *account,
                      wg_error *err);

#endif
