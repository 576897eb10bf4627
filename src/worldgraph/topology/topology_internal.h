/* Shared by the files of worldgraph/topology: the state, immutable CSRs, stored runs and the delta. Sides are numbered 0 = OUT,
 * 1 = IN. */
#ifndef WG_WORLDGRAPH_TOPOLOGY_INTERNAL_H
#define WG_WORLDGRAPH_TOPOLOGY_INTERNAL_H

#include "worldgraph/topology/topology.h"

static inline uint64_t wgi_word(const _Atomic uint64_t *word) {
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- the log of the delta (log.c) */

enum {
    WGI_LOG_FIRST_LOG2 = 4,
    WGI_LOG_CHUNK_LOG2 = 14,
    WGI_LOG_GROWING = WGI_LOG_CHUNK_LOG2 - WGI_LOG_FIRST_LOG2 /* chunks that double what is there */
};

typedef struct wgi_log_chunk {
    uint32_t capacity;
    _Atomic uint64_t first_edge;
    _Atomic(_Atomic uint64_t *) ids;  /* NULL: they count up from first_edge */
    _Atomic(_Atomic uint64_t *) wide; /* as `ends`, when one is too large for it */
    _Atomic uint32_t ends[];          /* all from, then all to */
} wgi_log_chunk;

typedef struct wgi_log {
    wg_epoch_link link;
    uint32_t capacity;
    uint32_t used; /* writer */
    wgi_log_chunk *chunks[];
} wgi_log;

/* Which chunk has a place, and where in it. */
static inline uint32_t wgi_log_place(uint64_t at, uint32_t *out_offset) {
    if (at >> WGI_LOG_CHUNK_LOG2 != 0) {
        *out_offset = (uint32_t)(at & ((UINT64_C(1) << WGI_LOG_CHUNK_LOG2) - 1));
        return (uint32_t)(at >> WGI_LOG_CHUNK_LOG2) + WGI_LOG_GROWING;
    }
    if (at >> WGI_LOG_FIRST_LOG2 == 0) {
        *out_offset = (uint32_t)at;
        return 0;
    }
    const uint32_t log2 = 63u - (uint32_t)__builtin_clzll(at);
    *out_offset = (uint32_t)(at - (UINT64_C(1) << log2));
    return log2 - WGI_LOG_FIRST_LOG2 + 1;
}
static inline uint64_t wgi_log_edge_at(const wgi_log *log, uint64_t at) {
    uint32_t offset;
    const wgi_log_chunk *chunk = log->chunks[wgi_log_place(at, &offset)];
    const _Atomic uint64_t *ids = atomic_load_explicit(&chunk->ids, memory_order_acquire);
    return ids != NULL ? wgi_word(&ids[offset]) : wgi_word(&chunk->first_edge) + offset;
}
static inline uint64_t wgi_log_end_at(const wgi_log *log, uint64_t at, size_t side) {
    uint32_t offset;
    const wgi_log_chunk *chunk = log->chunks[wgi_log_place(at, &offset)];
    const _Atomic uint64_t *wide = atomic_load_explicit(&chunk->wide, memory_order_acquire);
    const size_t cell = side * chunk->capacity + offset;
    return wide != NULL ? wgi_word(&wide[cell]) : atomic_load_explicit(&chunk->ends[cell], memory_order_relaxed);
}

wgi_log *wgi_log_create(wg_account *account);          /* NULL when out of memory */
void wgi_log_give_back(wgi_log *log, wg_epoch *epoch); /* without an epoch nobody reads it; NULL is legal */
/* Edges with ids from first_edge on. */
typedef struct wgi_log_edges {
    uint64_t first_edge;
    const uint64_t *const *ends; /* two arrays: from, to */
    uint64_t count;
} wgi_log_edges;
/* Writes edges at places [at, at + count); nobody sees them before the count of the log covers them. False when out of memory. */
bool wgi_log_put(_Atomic(wgi_log *) *io_log, uint64_t at, const wgi_log_edges *edges, wg_epoch *epoch,
                 wg_account *account);

/* Places from `at` on that lie together, for loops over many; returns how many there are before `last`. */
typedef struct wgi_log_span {
    uint64_t first_edge;
    const _Atomic uint64_t *ids; /* NULL: they count up */
    const _Atomic uint32_t *narrow[2];
    const _Atomic uint64_t *wide[2]; /* NULL: narrow */
} wgi_log_span;
uint64_t wgi_log_span_at(const wgi_log *log, uint64_t at, uint64_t last, wgi_log_span *out);
static inline uint64_t wgi_span_edge(const wgi_log_span *s, uint64_t i) {
    return s->ids != NULL ? wgi_word(&s->ids[i]) : s->first_edge + i;
}
static inline uint64_t wgi_span_end(const wgi_log_span *s, size_t side, uint64_t i) {
    return s->wide[side] != NULL ? wgi_word(&s->wide[side][i])
                                 : atomic_load_explicit(&s->narrow[side][i], memory_order_relaxed);
}

/* Adjacency of one side, never changed after it is built; one allocation. Entries of a node stand in edge-id order. */
typedef struct wgi_csr {
    wg_epoch_link link;
    uint64_t entry_count;
    uint64_t key_count; /* offsets has one more */
    uint64_t node_min;  /* dense: key k is node_min + k */
    bool dense;
    bool wide;            /* offsets and entries of 64 bits: some id or the count needs them */
    const uint64_t *keys; /* not dense: ascending */
    const void *offsets;  /* uint32_t, or uint64_t when wide, as are edges and neighbours */
    const void *edges;
    const void *neighbours;
} wgi_csr;

/* A CSR of the entries with ids from `floor` on; *out NULL when there are none. */
wg_code wgi_csr_retain(const wgi_csr *csr, uint64_t floor, wg_account *account, wgi_csr **out, wg_error *err);

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
static inline uint64_t wgi_csr_offset(const wgi_csr *csr, uint64_t k) {
    return csr->wide ? ((const uint64_t *)csr->offsets)[k] : ((const uint32_t *)csr->offsets)[k];
}
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
/* How many edges are not in the lists. */
uint64_t wgi_delta_unindexed(const wgi_delta *delta);
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
typedef struct wgi_ends {
    wg_topology_ends_fn fn; /* NULL: none */
    void *ctx;
} wgi_ends;
wg_code wgi_stored_check(const wgi_stored *stored, const wgi_ends *ends, wg_account *account, wg_error *err);

/* ---- the state */

/* Everything that a reader of one call sees. Ordinals [0, stored_count) are in the runs, the next base_count in the base,
 * those of the delta follow. */
typedef struct wgi_state {
    wg_epoch_link link;
    uint64_t generation; /* counts the states of a topology from 1 */
    wgi_stored *stored;
    uint64_t stored_count;
    wgi_csr *base[2];
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
