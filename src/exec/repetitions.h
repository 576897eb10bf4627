/* exec: the repetitions of a walk that begin at a node: one edge each, or the several edges of a quantified path. Searches ask for those of one
 * node many times; they are found once and kept. */
#ifndef WG_EXEC_REPETITIONS_H
#define WG_EXEC_REPETITIONS_H

#include "exec/walk_step.h"

typedef struct wgi_repetitions {
    const wg_plan *plan;
    wgi_eval *eval;     /* of the operator: properties */
    wgi_eval step_eval; /* of the filters of the steps */
    const wg_batch *batch;
    uint32_t row;
    const wg_vector *wanted; /* values of plan->edge_keys for the rows of the batch */
    uint32_t edges;          /* of one repetition */
    bool by_row;             /* what a repetition is depends on the row */
    uint32_t steps;          /* to look at cancellation and deadline from time to time */
    wg_buf ids;              /* uint64_t: node, edge, node, ... of each repetition */
    wg_buf spans;            /* of the nodes that were asked for */
    wg_buf table;            /* uint32_t: index into spans + 1, 0 empty; a power of two */
    wg_buf candidates;
    wg_buf partial[2];
} wgi_repetitions;

void wgi_repetitions_init(wgi_repetitions *r, const wg_plan *plan, wgi_eval *eval, wg_account *account);
void wgi_repetitions_deinit(wgi_repetitions *r);
/* The row that is asked for from here on; what was found is forgotten where it may differ from row to row, or where it has become much. */
void wgi_repetitions_begin(wgi_repetitions *r, const wg_batch *batch, uint32_t row, const wg_vector *wanted,
                           bool *out_forgotten);
/* Those that begin at the node are number *out_first and so many behind it, in the order of the ids of their edges. No edge of one repeats
 * what the mode of the walk forbids. */
wg_code wgi_repetitions_of(wgi_repetitions *r, uint64_t node, uint32_t *out_first, uint32_t *out_count,
                           wg_error *err);
/* 2 * r->edges + 1 ids; until the next one is looked for. */
static inline const uint64_t *wgi_repetition(const wgi_repetitions *r, uint32_t number) {
    return (const uint64_t *)(const void *)r->ids.data + (size_t)number * (2 * (size_t)r->edges + 1);
}

#endif
