/* What statistics.c, statistics_edges.c and statistics_values.c share. */
#ifndef WG_ENGINE_STATISTICS_INTERNAL_H
#define WG_ENGINE_STATISTICS_INTERNAL_H

#include "engine/engine_internal.h"
#include "engine/statistics.h"

typedef struct wgi_sampled {
    uint64_t id;
    const wgi_table *table;
    uint64_t row;
    uint64_t from; /* edges */
    uint64_t to;
} wgi_sampled;

typedef struct wgi_sample {
    wgi_sampled *rows; /* in the order of ids */
    uint32_t count;
    uint32_t capacity;
    uint64_t live;  /* rows of the label */
    uint32_t shift; /* one cluster of 2^shift is looked at */
} wgi_sample;

/* The transaction with the eyes of its snapshot alone. */
wg_txn wgi_snapshot_reader(const wg_txn *txn);
/* Rows of a label that the snapshot sees and whose ids belong to the sample. */
wg_code wgi_sample_label(const wg_txn *reader, const wg_label *label, wg_arena *arena, wgi_sample *out,
                         wg_error *err);

wg_code wgi_edges_compute(const wg_txn *reader, const wg_label *label, wg_arena *arena, wg_edge_statistics *out,
                          wg_error *err);
wg_code wgi_values_compute(const wg_txn *reader, const wg_label *label, uint32_t key, wg_arena *arena,
                           wg_property_statistics *out, wg_error *err);
bool wgi_edges_copy(wg_arena *arena, const wg_edge_statistics *from, wg_edge_statistics *out);
bool wgi_values_copy(wg_arena *arena, const wg_property_statistics *from, wg_property_statistics *out);

#endif
