/* What a pipeline reads of the rows of its source, or of a join in it, so that the rest need not be made: the ids of rows that nobody names,
 * columns of joined rows that nobody looks at, and single rows where only their number counts. All this only leaves out work; the rows and
 * their order are the same. */
#include "exec/exec_internal.h"

static bool expr_uses(const wg_expr *expr, uint32_t slot) {
    if (expr == NULL) return false;
    if (expr->kind == WG_EXPR_SLOT) return expr->slot == slot;
    if (expr->kind == WG_EXPR_RANDOM) return true; /* a function of the whole row */
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_uses(expr->args[i], slot)) return true;
    return false;
}

bool wgi_exprs_use(wg_expr *const *exprs, uint32_t count, uint32_t slot) {
    for (uint32_t i = 0; i < count; i++)
        if (expr_uses(exprs[i], slot)) return true;
    return false;
}

static bool aggregate_uses(const wg_plan *plan, uint32_t slot) {
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (expr_uses(plan->aggregates[i].arg, slot)) return true;
    if (plan->weighted && plan->slot == slot) return true;
    return wgi_exprs_use(plan->exprs, plan->expr_count, slot);
}

static bool edges_use(const wg_plan *plan, uint32_t slot) {
    for (uint32_t i = 0; i < plan->unique_edge_slot_count; i++)
        if (plan->unique_edge_slots[i] == slot) return true;
    return slot == plan->slot || ((plan->op == WG_PLAN_EXPAND_INTO || plan->into) && slot == plan->slot_b);
}

/* Does the operator itself read the slot? Those whose answer is not known here read all. */
static bool op_uses(const wg_plan *plan, uint32_t slot) {
    switch (plan->op) {
        case WG_PLAN_FILTER:
        case WG_PLAN_PROJECT:
        case WG_PLAN_UNWIND:
        case WG_PLAN_HASH_JOIN:
        case WG_PLAN_OPTIONAL:
        case WG_PLAN_SEEK:
        case WG_PLAN_INDEX_SEEK:
            return wgi_exprs_use(plan->exprs, plan->expr_count, slot);
        case WG_PLAN_CROSS:
        case WG_PLAN_SCAN:
            return false;
        case WG_PLAN_EXPAND:
        case WG_PLAN_EXPAND_INTO:
        case WG_PLAN_EXISTS:
            return edges_use(plan, slot);
        case WG_PLAN_INTERSECT:
        case WG_PLAN_EXPAND_VAR:
        case WG_PLAN_SHORTEST:
        case WG_PLAN_APPLY:
        case WG_PLAN_PROCEDURE:
        case WG_PLAN_UNIT:
        case WG_PLAN_AGGREGATE:
        case WG_PLAN_DISTINCT:
        case WG_PLAN_SORT:
        case WG_PLAN_PICK:
        case WG_PLAN_LIMIT:
        case WG_PLAN_UNION:
        case WG_PLAN_CREATE:
        case WG_PLAN_SET:
        case WG_PLAN_DELETE:
        case WG_PLAN_MERGE:
        case WG_PLAN_CALL:
        case WG_PLAN_ARGUMENT:
        case WG_PLAN_PATTERN_COUNT:
        case WG_PLAN_REACH:
            return true;
    }
    WG_UNREACHABLE("a plan operator outside its enum");
}

bool wgi_slot_is_used(const wg_plan *const *ops, uint32_t op_count, const wgi_sink *sink, uint32_t slot) {
    for (uint32_t i = 0; i < op_count; i++) {
        if (op_uses(ops[i], slot)) return true;
        if (ops[i]->op == WG_PLAN_PROJECT) return false; /* others pass it on */
    }
    if (sink->reads != NULL) return sink->reads[slot];
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
