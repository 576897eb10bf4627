/* Segments come and go. Included by table_internal.h. */
#ifndef WG_STATE_SEGMENT_INTERNAL_H
#define WG_STATE_SEGMENT_INTERNAL_H

#include "worldgraph/state/table_internal.h"

/* Into service, or out of it: who changes that holds the lock, or the segment is nobody's yet. */
static inline void wgi_generation_step(wgi_header *header) {
    const uint32_t generation = atomic_load_explicit(&header->generation, memory_order_relaxed);
    atomic_store_explicit(&header->generation, generation + 1, memory_order_release);
}

/* wgi_table_split for one more key, into 2^levels segments when memory suffices: replay knows how many keys are to come, and copies them less often so. */
enum { WGI_SPLIT_LEVELS_MAX = 4 };
wg_code wgi_table_grow(wgi_table *table, uint64_t hash, uint32_t levels, wg_error *err);

#endif
