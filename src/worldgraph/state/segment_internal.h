/* Segments come and go. Included by table_internal.h. */
#ifndef WG_STATE_SEGMENT_INTERNAL_H
#define WG_STATE_SEGMENT_INTERNAL_H

#include "worldgraph/state/table_internal.h"

/* wgi_table_split for one more key, into 2^levels segments when memory suffices: replay knows how many keys are to come, and copies them less often so. */
enum { WGI_SPLIT_LEVELS_MAX = 4 };
wg_code wgi_table_grow(wgi_table *table, uint64_t hash, uint32_t levels, wg_error *err);

#endif
