/* See neighbours.h. */
#include "exec/neighbours.h"

uint64_t wgi_neighbours_edges(const wg_plan *plan, const wg_exec_context *context) {
    uint64_t edges = 0;
    for (uint32_t i = 0; i < plan->edge_label_count; i++)
        edges += wg_txn_label_row_estimate(context->txn, plan->edge_labels[i]);
    return edges;
}

void wgi_neighbours_close(wgi_neighbours *n) {
    for (uint32_t i = 0; i < n->label_count; i++) wg_adjacency_release(n->adjacency[i]);
    n->label_count = 0;
}

static wg_code open_label(wgi_neighbours *n, uint32_t label, const wg_exec_context *context, wg_direction edges,
                          bool make, bool *out_has, wg_error *err) {
    wg_adjacency *adjacency = NULL;
    if (make) WG_TRY(wg_adjacency_acquire_any(context->txn, label, context->pool, context->threads, &adjacency, err));
    else WG_TRY(wg_adjacency_find_any(context->txn, label, &adjacency, err));
    *out_has = adjacency != NULL;
    if (adjacency == NULL) return WG_OK;
    const wg_builders by = {context->pool, context->threads};
    const uint32_t at = n->label_count++;
    n->adjacency[at] = adjacency;
    *out_has = wg_adjacency_has_edges(adjacency, edges);
    if (!*out_has && make) WG_TRY(wg_adjacency_edges(adjacency, context->txn, label, edges, &by, out_has, err));
    if (!*out_has) return WG_OK;
    n->has_far |= wg_adjacency_is_far(adjacency);
    n->sides[at][0] = wg_adjacency_get(adjacency, WG_DIRECTION_OUT);
    n->sides[at][1] = wg_adjacency_get(adjacency, WG_DIRECTION_IN);
    for (int i = 0; i < 2; i++) {
        const wg_adjacency_side *side = n->sides[at][i];
        if (side->node_count > 0) n->node_count = wg_max_u64(n->node_count, side->node_min + side->node_count);
    }
    return WG_OK;
}

wg_code wgi_neighbours_open(wgi_neighbours *n, const wg_plan *plan, const wg_exec_context *context,
                            wg_direction edges, bool make, wg_error *err) {
    *n = (wgi_neighbours){.direction = plan->direction};
    if (plan->edge_label_count > WGI_NEIGHBOUR_LABELS_MAX) return WG_OK;
    bool has = plan->edge_label_count > 0;
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < plan->edge_label_count && has && code == WG_OK; i++)
        code = open_label(n, plan->edge_labels[i], context, edges, make, &has, err);
    if (code != WG_OK || !has) wgi_neighbours_close(n);
    return code;
}
