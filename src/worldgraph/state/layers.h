/* Layers of the hot path of the agents' state: where a commit spends its time. They are timed when built with WG_LAYER_TIMING; otherwise nothing is
 * compiled in and wg_layer_timing says so. Part of state.h. */
#ifndef WG_WORLDGRAPH_STATE_LAYERS_H
#define WG_WORLDGRAPH_STATE_LAYERS_H

#include "base/core/core.h"

typedef enum wg_layer {
    WG_LAYER_SNAPSHOT,
    WG_LAYER_TXN_OBJECT,
    WG_LAYER_VALIDATE_READS,
    WG_LAYER_VALIDATE_WRITES,
    WG_LAYER_COMMIT,
    WG_LAYER_INDEX,
    WG_LAYER_HASH_CHAIN,
    WG_LAYER_ENCODING,
    WG_LAYER_COUNT
} wg_layer;
const char *wg_layer_name(wg_layer layer);
/* False: not built in. Ticks are of the processor's time stamp counter, elsewhere nanoseconds, and hold what reading it twice costs. */
bool wg_layer_timing(wg_layer layer, uint64_t *out_calls, uint64_t *out_ticks);

#endif
