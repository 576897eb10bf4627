/* query/plan: constructors of plan nodes, and what can be said of a filter at once: which of its parts the scan below it
 * can use to leave out files, row groups and rows. */
#include "query/optimize/optimize.h"
#include "query/plan/planner.h"

wg_plan *wgi_plan(wgi_binder *b, wg_plan_op op, wg_plan *first, wg_plan *second) {
    wg_plan *plan = wgi_alloc(b, 1, sizeof *plan);
    if (plan == NULL) return NULL;
    plan->op = op;
    plan->children[0] = first;
    plan->children[1] = second;
    plan->row_estimate = first != NULL ? first->row_estimate : 1;
    return plan;
}

static uint32_t append_slots(const wg_plan *from, wg_type *types, const char **names, uint32_t at) {
    for (uint32_t i = 0; from != NULL && i < from->slot_count; i++, at++) {
        types[at] = from->slot_types[i];
        names[at] = from->slot_names[i];
    }
    return at;
}

wg_code wgi_plan_slots(wgi_binder *b, wg_plan *plan, const wg_plan *base, const wg_plan *second,
                       const wgi_new_slot *extra, uint32_t extra_count) {
    const uint32_t count =
        (base != NULL ? base->slot_count : 0) + (second != NULL ? second->slot_count : 0) + extra_count;
    if (count > WGI_SLOTS_MAX)
        return wgi_error(b, WG_E_LIMIT, NULL, "a query may carry at most %d columns at a time", WGI_SLOTS_MAX);
    wg_type *types = wgi_alloc(b, count, sizeof *types);
    const char **names = wgi_alloc(b, count, sizeof *names);
    if (types == NULL || names == NULL) return WG_E_NOMEM;
    uint32_t at = append_slots(base, types, names, 0);
    at = append_slots(second, types, names, at);
    for (uint32_t i = 0; i < extra_count; i++, at++) {
        types[at] = extra[i].type;
        const bool nameless = extra[i].name.size == 0 || wgi_is_hidden(extra[i].name);
        names[at] = nameless ? "" : wg_arena_strdup(b->arena, extra[i].name);
        if (names[at] == NULL) return wgi_nomem(b);
    }
    plan->slot_types = types;
    plan->slot_names = names;
    plan->slot_count = count;
    return WG_OK;
}

wg_code wgi_unit(wgi_binder *b, wgi_relation *out) {
    *out = (wgi_relation){0};
    out->plan = wgi_plan(b, WG_PLAN_UNIT, NULL, NULL);
    return out->plan != NULL ? wgi_plan_slots(b, out->plan, NULL, NULL, NULL, 0) : WG_E_NOMEM;
}

bool wgi_is_unit(const wgi_relation *rel) { return rel->plan->op == WG_PLAN_UNIT; }

static wg_code one_expr(wgi_binder *b, wg_plan *plan, wg_expr *expr) {
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    exprs[0] = expr;
    plan->exprs = exprs;
    plan->expr_count = 1;
    return WG_OK;
}

wg_code wgi_filter(wgi_binder *b, wgi_relation *rel, wg_expr *condition) {
    WG_TRY(wgi_push_down(b, rel, condition));
    wg_plan *plan = wgi_plan(b, WG_PLAN_FILTER, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(one_expr(b, plan, condition));
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    plan->row_estimate = rel->plan->row_estimate * wgi_selectivity(condition);
    rel->plan = plan;
    return WG_OK;
}

wg_code wgi_filter_false(wgi_binder *b, wgi_relation *rel) {
    wg_expr *no;
    const wg_value value = wg_value_bool(false);
    WG_TRY(wgi_const_expr(b, &value, WG_TYPE_BOOL, NULL, &no));
    WG_TRY(wgi_filter(b, rel, no));
    rel->plan->row_estimate = 0;
    return WG_OK;
}

wg_code wgi_merge_relations(wgi_binder *b, wg_plan *plan, const wgi_relation *left, const wgi_relation *right,
                            wgi_relation *out) {
    const uint32_t shift = left->plan->slot_count;
    wgi_relation merged = {
        .plan = plan, .writes = left->writes || right->writes, .per_row = left->per_row || right->per_row};
    WG_TRY(wgi_plan_slots(b, plan, left->plan, right->plan, NULL, 0));
    for (uint32_t i = 0; i < left->symbol_count; i++) WG_TRY(wgi_add_symbol(b, &merged, &left->symbols[i]));
    for (uint32_t i = 0; i < right->symbol_count; i++) {
        wgi_symbol symbol = right->symbols[i];
        symbol.slot += shift;
        if (wgi_find(left, symbol.name) != NULL) continue; /* correlated: the left one is the same value */
        WG_TRY(wgi_add_symbol(b, &merged, &symbol));
    }
    for (uint32_t i = 0; i < left->property_count; i++) {
        const wgi_property_slot *p = &left->properties[i];
        WG_TRY(wgi_add_property(b, &merged, p->of_slot, p->key, p->slot));
    }
    for (uint32_t i = 0; i < right->property_count; i++) {
        const wgi_property_slot *p = &right->properties[i];
        WG_TRY(wgi_add_property(b, &merged, p->of_slot + shift, p->key, p->slot + shift));
    }
    *out = merged;
    return WG_OK;
}

wg_code wgi_cross(wgi_binder *b, const wgi_relation *left, const wgi_relation *right, wgi_relation *out) {
    wg_plan *plan = wgi_plan(b, WG_PLAN_CROSS, left->plan, right->plan);
    if (plan == NULL) return WG_E_NOMEM;
    plan->row_estimate = left->plan->row_estimate * right->plan->row_estimate;
    return wgi_merge_relations(b, plan, left, right, out);
}

wg_code wgi_join(wgi_binder *b, wg_plan_op kind, const wgi_relation *left, const wgi_relation *right,
                 const wgi_join_keys *keys, wgi_relation *out) {
    wg_plan *plan = wgi_plan(b, kind, left->plan, right->plan);
    if (plan == NULL) return WG_E_NOMEM;
    plan->exprs = keys->left;
    plan->right_exprs = keys->right;
    plan->expr_count = keys->count;
    if (right->plan->row_estimate > plan->row_estimate) plan->row_estimate = right->plan->row_estimate;
    return wgi_merge_relations(b, plan, left, right, out);
}

wg_code wgi_argument(wgi_binder *b, const wgi_relation *rel, wgi_relation *out) {
    wgi_relation inner = {.writes = rel->writes, .per_row = true};
    inner.plan = wgi_plan(b, WG_PLAN_ARGUMENT, NULL, NULL);
    if (inner.plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, inner.plan, rel->plan, NULL, NULL, 0));
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, &inner, &rel->symbols[i]));
    for (uint32_t i = 0; i < rel->property_count; i++) {
        const wgi_property_slot *p = &rel->properties[i];
        WG_TRY(wgi_add_property(b, &inner, p->of_slot, p->key, p->slot));
    }
    *out = inner;
    return WG_OK;
}
