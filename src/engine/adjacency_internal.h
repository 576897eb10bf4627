/* What adjacency.c and adjacency_build.c share. Others include adjacency.h only. */
#ifndef WG_ENGINE_ADJACENCY_INTERNAL_H
#define WG_ENGINE_ADJACENCY_INTERNAL_H

#include "engine/adjacency.h"
#include "engine/engine_internal.h"

typedef wg_builders wgi_builders;

/* How many edges of the table the view sees: in all, and in the fragments before each one. */
typedef struct wgi_edge_counts {
    uint64_t *before; /* fragment_count + 1; wg_free */
    uint64_t fragment_count;
    uint64_t row_count;
} wgi_edge_counts;
wg_code wgi_edges_count(const wg_table *rows, wg_view view, const wgi_builders *by, wg_account *account,
                        wgi_edge_counts *out, wg_error *err);

/* The visible edges in row order. */
typedef struct wgi_edge_list {
    uint64_t count;
    uint32_t *ends[2]; /* from, to */
    uint32_t *edges;
    uint32_t end_min[2];
    uint32_t end_max[2];
    bool fits;      /* all ids are owned and below 2^32; otherwise the rest means nothing */
    bool ascending; /* by edge id */
    void *block;    /* wg_free */
} wgi_edge_list;
wg_code wgi_edges_read(const wg_table *rows, wg_view view, const wgi_edge_counts *counts, const wgi_builders *by,
                       wg_account *account, wgi_edge_list *out, wg_error *err);

/* Offsets over more nodes than this for the edges that there are would cost more than they give; those over `free` nodes (16 MiB a side) are
 * always worth it. */
#define WGI_SPAN_FREE (UINT64_C(1) << 22)
static inline bool wgi_span_fits(uint64_t span, uint64_t count, uint64_t free) { return span <= 16 * count + free; }

/* What one sort needs and the next can take over: fresh pages cost as much as the sort itself. */
typedef struct wgi_sort_memory {
    wg_account *account;
    void *placed; /* wg_free */
    uint64_t bytes;
} wgi_sort_memory;
/* wg_edge_columns_sort. */
wg_code wgi_columns_sort(const wg_edge_columns *columns, const wg_adjacency_side *like, const wg_builders *by,
                         wgi_sort_memory *memory, wg_adjacency_side *out, void **out_block, wg_error *err);

/* Far sides (adjacency_far.c): which nodes have entries. */
typedef struct wgi_far {
    uint64_t node_min;
    uint64_t node_count;
    uint64_t *bits;  /* one block with the ranks; wg_free */
    uint32_t *ranks; /* one more than words */
} wgi_far;
uint64_t wgi_far_bytes(uint64_t span);
wg_code wgi_far_make(const wg_edge_columns *columns, wg_account *account, wgi_far *out, wg_error *err);
/* The numbers of nodes, all of which have a bit; wg_free. */
wg_code wgi_far_numbers(const wgi_far *far, const uint32_t *nodes, uint64_t count, const wgi_builders *by,
                        wg_account *account, uint32_t **out, wg_error *err);
wgi_far wgi_far_of(const wg_adjacency_side *side);
/* The side by numbers in the place of ids, and back. */
wg_adjacency_side wgi_far_close(const wg_adjacency_side *side);
void wgi_far_open(const wgi_far *far, wg_adjacency_side *side);

uint64_t wgi_side_bytes(uint64_t span, uint64_t count, bool has_edges); /* of the block */
/* Puts the entries of each node in edge-id order; neighbours may be NULL: edges alone. */
wg_code wgi_side_order(const wg_adjacency_side *side, const wgi_builders *by, wg_error *err);
uint64_t wgi_degree_max(const wg_adjacency_side *side, const wgi_builders *by);

#endif
