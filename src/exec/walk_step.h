/* exec: what a step of a walk asks of an edge. */
#ifndef WG_EXEC_WALK_STEP_H
#define WG_EXEC_WALK_STEP_H

#include "exec/exec_internal.h"

/* Where a walk goes on: step `step` of the repetition whose nodes and edges so far are `body` (node, edge, node, ...: 2 * step + 1 ids). */
typedef struct wgi_walk_place {
    wgi_eval *eval; /* of the filters alone: its arena is reset each time */
    const wg_plan *plan;
    const wg_batch *batch;
    const uint64_t *body;
    uint32_t row;
    uint32_t step;
} wgi_walk_place;
/* Keeps of *count edges from there, and the nodes they lead to, those that the step takes. */
wg_code wgi_walk_filter(const wgi_walk_place *place, uint64_t *edges, uint64_t *nodes, uint32_t *count,
                        wg_error *err);

#endif
