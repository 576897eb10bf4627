/* query/plan: UNION, EXCEPT and INTERSECT.
 *
 * A row of EXCEPT or INTERSECT is counted on both sides: the rows of one side with (1, 0) behind them and those of the other with (0, 1) are
 * grouped, and the sums say how many of each there are. Rows are equal as in DISTINCT: null equals null. The order is that of the first
 * rows of the left side. Without ALL each row that is left comes once, with ALL min(l, r) or l - r times. */
#include "query/plan/planner.h"

typedef struct sides {
    wgi_binder *b;
    const wg_ast *at;
    uint32_t width; /* columns of the results */
} sides;

/* The results of one side, and how often a row counts left and right. */
static wg_code marked(const sides *s, const wgi_relation *rel, int64_t left, wg_plan **out) {
    wgi_binder *b = s->b;
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, rel->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, s->width + (size_t)2, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, s->width + (size_t)2, sizeof *slots);
    if (plan == NULL || exprs == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < s->width; i++) {
        const wg_type type = rel->plan->slot_types[i];
        WG_TRY(wgi_slot_expr(b, i, type, s->at, &exprs[i]));
        slots[i] = (wgi_new_slot){type, wg_slice_str(rel->plan->slot_names[i])};
    }
    for (uint32_t i = 0; i < 2; i++) {
        const wg_value count = wg_value_int(i == 0 ? left : 1 - left);
        WG_TRY(wgi_const_expr(b, &count, WG_TYPE_INT, s->at, &exprs[s->width + i]));
        slots[s->width + i] = (wgi_new_slot){WG_TYPE_INT, wg_slice_str(i == 0 ? "left" : "right")};
    }
    plan->exprs = exprs;
    plan->expr_count = s->width + 2;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, slots, s->width + 2));
    *out = plan;
    return WG_OK;
}

static wg_code counted(const sides *s, wg_plan *both, wg_plan **out) {
    wgi_binder *b = s->b;
    wg_plan *plan = wgi_plan(b, WG_PLAN_AGGREGATE, both, NULL);
    wg_expr **keys = wgi_alloc(b, s->width, sizeof(wg_expr *));
    wg_aggregate *sums = wgi_alloc(b, 2, sizeof *sums);
    if (plan == NULL || keys == NULL || sums == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < s->width; i++) WG_TRY(wgi_slot_expr(b, i, both->slot_types[i], s->at, &keys[i]));
    for (uint32_t i = 0; i < 2; i++) {
        sums[i] = (wg_aggregate){.kind = WG_AGG_SUM, .type = WG_TYPE_INT};
        WG_TRY(wgi_slot_expr(b, s->width + i, WG_TYPE_INT, s->at, &sums[i].arg));
    }
    plan->exprs = keys;
    plan->expr_count = s->width;
    plan->aggregates = sums;
    plan->aggregate_count = 2;
    WG_TRY(wgi_plan_slots(b, plan, both, NULL, NULL, 0));
    *out = plan;
    return WG_OK;
}

/* A list with an element for each time that the row is wanted. */
static wg_code wanted(const sides *s, bool except, bool all, wg_expr **out) {
    wgi_binder *b = s->b;
    const wg_value one = wg_value_int(1), zero = wg_value_int(0);
    wg_expr *l, *r, *none, *single, *test[2], *cases[3], *times;
    WG_TRY(wgi_slot_expr(b, s->width, WG_TYPE_INT, s->at, &l));
    WG_TRY(wgi_slot_expr(b, s->width + 1, WG_TYPE_INT, s->at, &r));
    WG_TRY(wgi_const_expr(b, &zero, WG_TYPE_INT, s->at, &none));
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, s->at, &single));
    wg_expr *lr[2] = {l, r}, *some_l[2] = {l, none}, *some_r[2] = {r, none};
    if (all && except) {
        WG_TRY(wgi_call(b, s->at, "-", lr, 2, &times));
    } else {
        times = wgi_expr(b, WG_EXPR_CASE, WG_TYPE_INT, s->at);
        if (times == NULL) return WG_E_NOMEM;
        if (all) {
            WG_TRY(wgi_call(b, s->at, "<", lr, 2, &cases[0]));
        } else {
            WG_TRY(wgi_call(b, s->at, ">", some_l, 2, &test[0]));
            WG_TRY(wgi_call(b, s->at, except ? "=" : ">", some_r, 2, &test[1]));
            WG_TRY(wgi_call(b, s->at, "AND", test, 2, &cases[0]));
        }
        cases[1] = all ? l : single;
        cases[2] = all ? r : none;
        WG_TRY(wgi_set_args(b, times, cases, 3));
    }
    wg_expr *range[2] = {single, times};
    return wgi_call(b, s->at, "range", range, 2, out);
}

static wg_code repeat(const sides *s, wg_plan *rows, wg_expr *list, const wg_plan *like, wg_plan **out) {
    wgi_binder *b = s->b;
    wg_plan *unwind = wgi_plan(b, WG_PLAN_UNWIND, rows, NULL);
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, unwind, NULL);
    wg_expr **lists = wgi_alloc(b, 1, sizeof(wg_expr *)), **exprs = wgi_alloc(b, s->width, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, s->width, sizeof *slots);
    const wgi_new_slot element = {WG_TYPE_ANY, wg_slice_str("")};
    if (unwind == NULL || project == NULL || lists == NULL || exprs == NULL || slots == NULL) return WG_E_NOMEM;
    lists[0] = list;
    unwind->exprs = lists;
    unwind->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, unwind, rows, NULL, &element, 1));
    for (uint32_t i = 0; i < s->width; i++) {
        WG_TRY(wgi_slot_expr(b, i, rows->slot_types[i], s->at, &exprs[i]));
        slots[i] = (wgi_new_slot){rows->slot_types[i], wg_slice_str(like->slot_names[i])};
    }
    project->exprs = exprs;
    project->expr_count = s->width;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, s->width));
    *out = project;
    return WG_OK;
}

static wg_code subtract(wgi_binder *b, const wg_ast *query, const wg_ast *at, const wgi_set_side *left_side,
                        const wgi_set_side *right_side) {
    wgi_relation *left = left_side->rel;
    const wgi_relation *right = right_side->rel;
    const wgi_columns *names = left_side->names;
    const sides s = {b, at, names->count};
    const bool except = query->op == WG_AST_EXCEPT;
    wgi_relation x = *left, y = *right;
    wg_plan *rows;
    wg_expr *list;
    const wg_plan *like = left->plan;
    WG_TRY(marked(&s, left, 1, &x.plan));
    WG_TRY(marked(&s, right, 0, &y.plan));
    WG_TRY(wgi_add_union(b, at, &x, names, &y, right_side->names));
    WG_TRY(counted(&s, x.plan, &rows));
    WG_TRY(wanted(&s, except, (query->flags & WG_AST_UNION_ALL) != 0, &list));
    WG_TRY(repeat(&s, rows, list, like, &rows));
    for (uint32_t i = 0; i < left->symbol_count; i++) {
        left->symbols[i].type = rows->slot_types[left->symbols[i].slot];
        if (!except) left->symbols[i].label_count = 0;
    }
    left->plan = rows;
    left->property_count = 0;
    return WG_OK;
}

wg_code wgi_set_operation(wgi_binder *b, const wg_ast *query, const wg_ast *at, const wgi_set_side *left,
                          const wgi_set_side *right) {
    if (left->rel->writes || right->rel->writes) return wgi_unsupported(b, query, "UNION of queries that write");
    if (query->op == WG_AST_UNION) return wgi_add_union(b, at, left->rel, left->names, right->rel, right->names);
    if (left->names->count == 0 || left->names->count != left->rel->plan->slot_count)
        return wgi_error(b, WG_E_BIND, at, "both sides of EXCEPT and INTERSECT need a RETURN");
    if (right->names->count != left->names->count)
        return wgi_error(b, WG_E_BIND, at,
                         "all parts of a set operation must return the same names in the same order");
    return subtract(b, query, at, left, right);
}

wg_code wgi_finish_set(wgi_binder *b, const wg_ast *query, wgi_relation *rel) {
    if (query->child_count <= 2 || query->op != WG_AST_UNION || (query->flags & WG_AST_UNION_ALL)) return WG_OK;
    wg_plan *distinct = wgi_plan(b, WG_PLAN_DISTINCT, rel->plan, NULL);
    if (distinct == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, distinct, rel->plan, NULL, NULL, 0));
    rel->plan = distinct;
    return WG_OK;
}
