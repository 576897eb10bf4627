/* query/optimize: the pass over finished plans, and what its parts share.
 *
 * Label checks of ends that the definition of the edge label guarantees are dropped first; then patterns are looked for from the top
 * down, the largest first, because what is left of a pattern that was taken is nothing. */
#include "query/optimize/rewrite.h"

/* ---- expressions */

wg_code wgi_map_expr_parts(wgi_binder *b, wg_expr *expr, wgi_map_fn map, void *ctx, wg_expr **out) {
    wg_expr *mapped = NULL;
    WG_TRY(map(b, ctx, expr, &mapped));
    if (mapped != NULL) {
        *out = mapped;
        return WG_OK;
    }
    wg_expr **args = NULL;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        wg_expr *arg = NULL;
        WG_TRY(wgi_map_expr_parts(b, expr->args[i], map, ctx, &arg));
        if (arg == expr->args[i]) continue;
        if (args == NULL) {
            args = wgi_alloc(b, expr->arg_count, sizeof(wg_expr *));
            if (args == NULL) return WG_E_NOMEM;
            for (uint32_t k = 0; k < expr->arg_count; k++) args[k] = expr->args[k];
        }
        args[i] = arg;
    }
    *out = expr;
    if (args == NULL) return WG_OK;
    wg_expr *copy = wgi_alloc(b, 1, sizeof *copy);
    if (copy == NULL) return WG_E_NOMEM;
    *copy = *expr;
    copy->args = args;
    *out = copy;
    return WG_OK;
}

void wgi_see_slots(const wg_expr *expr, void (*see)(void *ctx, uint32_t slot), void *ctx) {
    if (expr->kind == WG_EXPR_SLOT) see(ctx, expr->slot);
    for (uint32_t i = 0; i < expr->arg_count; i++) wgi_see_slots(expr->args[i], see, ctx);
}

/* ---- ends of declared edge labels */

bool wgi_ends_have(const wgi_binder *b, const wg_plan *expand, bool far, const uint32_t *labels,
                   uint32_t label_count) {
    if (label_count == 0) return true;
    if (label_count != 1 || expand->edge_label_count != 1 || expand->direction == WG_DIRECTION_BOTH) return false;
    const wg_label_def *def = &wg_catalog_label_seen(b->catalog, expand->edge_labels[0], b->view)->def;
    const bool is_to = (expand->direction == WG_DIRECTION_OUT) == far;
    const char *end = is_to ? def->to_label : def->from_label;
    if (end == NULL) return false;
    const wg_label *label = wg_catalog_label(b->catalog, b->view, wg_slice_str(end), false);
    return label != NULL && label->number == labels[0];
}

/* FILTER of the labels of the node that EXPAND has just added. */
static bool is_guaranteed(const wgi_binder *b, const wg_plan *filter) {
    const wg_plan *below = filter->children[0];
    const wg_expr *e = filter->op == WG_PLAN_FILTER ? filter->exprs[0] : NULL;
    if (e == NULL || e->kind != WG_EXPR_HAS_LABELS || e->args[0]->kind != WG_EXPR_SLOT) return false;
    while (below->op == WG_PLAN_FILTER) below = below->children[0];
    return below->op == WG_PLAN_EXPAND && e->args[0]->slot == below->slot_count - 1 &&
           wgi_ends_have(b, below, true, e->labels, e->label_count);
}

/* ---- the pass */

static bool writes(const wg_plan *plan) {
    if (plan == NULL) return false;
    switch ((int)plan->op) {
        case WG_PLAN_CREATE:
        case WG_PLAN_SET:
        case WG_PLAN_DELETE:
        case WG_PLAN_MERGE:
        case WG_PLAN_CALL:
            return true;
        default:
            return writes(plan->children[0]) || writes(plan->children[1]);
    }
}

static void drop_label_checks(const wgi_binder *b, wg_plan *plan) {
    for (int i = 0; i < 2; i++) {
        while (plan->children[i] != NULL && is_guaranteed(b, plan->children[i]))
            plan->children[i] = plan->children[i]->children[0];
        if (plan->children[i] != NULL) drop_label_checks(b, plan->children[i]);
    }
}

static wg_code rewrite(wgi_binder *b, wg_plan *plan) {
    for (int i = 0; i < 2; i++) {
        WG_TRY(wgi_rewrite_reach(b, plan, i)); /* before counts: it has less to do for different nodes */
        WG_TRY(wgi_rewrite_pattern_count(b, plan, i));
    }
    WG_TRY(wgi_rewrite_edge_scan(b, plan));
    for (int i = 0; i < 2; i++) WG_TRY(wgi_rewrite_intersect(b, plan, i));
    for (int i = 0; i < 2; i++)
        if (plan->children[i] != NULL) WG_TRY(rewrite(b, plan->children[i]));
    return WG_OK;
}

wg_code wgi_rewrite(wgi_binder *b, const wg_plan *plan, const wg_plan **out) {
    *out = plan;
    if (!b->rewrite || writes(plan)) return WG_OK;
    wg_plan *top = wgi_alloc(b, 1, sizeof *top);
    wg_plan above = {.op = WG_PLAN_LIMIT, .children = {top}};
    if (top == NULL) return WG_E_NOMEM;
    *top = *plan;
    drop_label_checks(b, &above);
    WG_TRY(rewrite(b, &above));
    *out = above.children[0];
    return WG_OK;
}
