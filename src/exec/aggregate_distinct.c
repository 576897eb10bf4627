/* Aggregates over DISTINCT values of one typed argument, as in count(DISTINCT x): the aggregation of DISTINCT rows (keys, x).
 *
 * DISTINCT keeps the first of equal rows in order, so groups come out in the order of their first row, and each value is added once, where it
 * was first seen. Nulls stay rows, so that a group without values is there, and are left out by the aggregate. Both steps are the typed
 * ones, which use all workers and files. */
#include "exec/aggregate_internal.h"

static bool is_typed(wg_type type) {
    const wg_physical physical = wg_type_physical(type);
    return physical != WG_PHYSICAL_VALUE && physical != WG_PHYSICAL_F64;
}

bool wgi_agg_is_over_distinct(const wg_plan *plan) {
    if (plan->aggregate_count == 0 || plan->expr_count + 1 > WGI_AGG_KEYS_MAX) return false;
    const wg_expr *arg = plan->aggregates[0].arg;
    if (arg == NULL || !is_typed(arg->type)) return false;
    for (uint32_t i = 0; i < plan->aggregate_count; i++)
        if (!plan->aggregates[i].distinct || plan->aggregates[i].arg != arg) return false;
    for (uint32_t k = 0; k < plan->expr_count; k++)
        if (!is_typed(plan->slot_types[k]) || plan->exprs[k]->type != plan->slot_types[k]) return false;
    return true;
}

/* The two inner plans and the outer one, with what they point at. */
typedef struct inner_plans {
    wg_plan project;
    wg_plan distinct;
    wg_plan outer;
    wg_type types[WGI_AGG_KEYS_MAX];
    wg_expr *computed[WGI_AGG_KEYS_MAX];
    wg_expr slots[WGI_AGG_KEYS_MAX];
    wg_expr *slot_list[WGI_AGG_KEYS_MAX];
} inner_plans;

static void make_plans(const wg_plan *plan, wg_aggregate *aggregates, inner_plans *p) {
    const uint32_t n = plan->expr_count + 1;
    for (uint32_t i = 0; i < n; i++) {
        wg_expr *e = i < plan->expr_count ? plan->exprs[i] : plan->aggregates[0].arg;
        p->types[i] = e->type;
        p->computed[i] = e;
        p->slots[i] = (wg_expr){
            .kind = WG_EXPR_SLOT, .type = e->type, .text_start = e->text_start, .text_end = e->text_end, .slot = i};
        p->slot_list[i] = &p->slots[i];
    }
    p->project = (wg_plan){.op = WG_PLAN_PROJECT,
                           .children = {plan->children[0]},
                           .slot_count = n,
                           .slot_types = p->types,
                           .exprs = p->computed,
                           .expr_count = n};
    p->distinct =
        (wg_plan){.op = WG_PLAN_DISTINCT, .children = {&p->project}, .slot_count = n, .slot_types = p->types};
    for (uint32_t i = 0; i < plan->aggregate_count; i++) {
        aggregates[i] = plan->aggregates[i];
        aggregates[i].distinct = false;
        aggregates[i].arg = &p->slots[n - 1];
    }
    p->outer = *plan;
    p->outer.children[0] = &p->distinct;
    p->outer.exprs = p->slot_list;
    p->outer.aggregates = aggregates;
    p->outer.weighted = false; /* a value counts once however often it is there */
}

wg_code wgi_run_over_distinct(const wg_plan *plan, const wg_exec_context *context, wg_rows **out, wg_error *err) {
    inner_plans *p = wg_alloc_zero(context->account, sizeof *p);
    wg_aggregate *aggregates = wg_alloc(context->account, plan->aggregate_count * sizeof *aggregates);
    wg_code code = WG_OK;
    if (p == NULL || aggregates == NULL) WG_TRY_GOTO(wg_error_nomem(err, sizeof *p));
    make_plans(plan, aggregates, p);
    code = wgi_run_plan(&p->outer, context, out, err);
fail:
    wg_free(p);
    wg_free(aggregates);
    return code;
}
