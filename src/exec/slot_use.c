/* What a pipeline reads of its scan, so that the scan need not make the rest: the ids of rows that nobody names, and single rows where
 * only their number counts. Both only leave out work; the rows and their order are the same. */
#include "exec/exec_internal.h"

static bool expr_uses(const wg_expr *expr, uint32_t slot) {
    if (expr == NULL) return false;
    if (expr->kind == WG_EXPR_SLOT) return expr->slot == slot;
    if (expr->kind == WG_EXPR_RANDOM) return true; /* a function of the whole row */
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_uses(expr->args[i], slot)) return true;
    return false;
}

static bool exprs_use(wg_expr *const *exprs, uint32_t count, uint32_t slot) {
    for (uint32_t i = 0; i < count; i++)
        if (expr_uses(exprs[i], slot)) return true;
    return false;
}

static bool aggregate_uses(const wg_plan *plan, uint32_t slot) {
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (expr_uses(plan->aggregates[i].arg, slot)) return true;
    return exprs_use(plan->exprs, plan->expr_count, slot);
}

bool wgi_slot_is_used(const wg_plan *const *ops, uint32_t op_count, const wgi_sink *sink, uint32_t slot) {
    for (uint32_t i = 0; i < op_count; i++) {
        const wg_plan *plan = ops[i];
        if (plan->op != WG_PLAN_FILTER && plan->op != WG_PLAN_PROJECT) return true; /* others pass it on */
        if (exprs_use(plan->exprs, plan->expr_count, slot)) return true;
        if (plan->op == WG_PLAN_PROJECT) return false;
    }
    return sink->plan == NULL || sink->plan->op != WG_PLAN_AGGREGATE || aggregate_uses(sink->plan, slot);
}

bool wgi_only_counts(uint32_t op_count, const wgi_sink *sink) {
    const wg_plan *plan = sink->plan;
    if (op_count > 0 || plan == NULL || plan->op != WG_PLAN_AGGREGATE) return false;
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (plan->aggregates[i].kind != WG_AGG_COUNT_STAR) return false;
    for (uint32_t i = 0; i < plan->expr_count; i++)
        if (plan->exprs[i]->kind != WG_EXPR_SLOT || plan->exprs[i]->type == WG_TYPE_ANY ||
            plan->exprs[i]->type != plan->slot_types[i])
            return false;
    return true;
}
