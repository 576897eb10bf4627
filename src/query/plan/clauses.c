/* query/plan: clauses in sequence, UNION. */
#include "query/plan/planner.h"

bool wgi_is_writing(const wg_ast *clause) {
    return clause->kind == WG_AST_CREATE || clause->kind == WG_AST_MERGE || clause->kind == WG_AST_SET ||
           clause->kind == WG_AST_REMOVE || clause->kind == WG_AST_DELETE || clause->kind == WG_AST_FOREACH;
}

wg_code wgi_plan_clause(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns) {
    switch (clause->kind) {
        case WG_AST_MATCH:
            return clause->flags & WG_AST_OPTIONAL ? wgi_optional_match(b, clause, rel) : wgi_match(b, clause, rel);
        case WG_AST_FINISH:
            return WG_OK; /* no columns: the rows are made and nobody sees them */
        case WG_AST_UNWIND:
            return wgi_unwind(b, clause, rel);
        case WG_AST_WITH:
            return wgi_project(b, clause, rel, NULL);
        case WG_AST_RETURN:
            return wgi_project(b, clause, rel, columns);
        case WG_AST_CREATE:
            return wgi_create(b, clause, rel);
        case WG_AST_FOREACH:
            return wgi_foreach(b, clause, rel);
        case WG_AST_CALL:
            return wgi_call_procedure(b, clause, rel);
        case WG_AST_CALL_QUERY:
            return wgi_call_query(b, clause, rel);
        case WG_AST_MERGE:
            return wgi_merge(b, clause, rel);
        case WG_AST_SET:
            return wgi_set(b, clause, rel);
        case WG_AST_REMOVE:
            return wgi_remove(b, clause, rel);
        case WG_AST_DELETE:
            return wgi_delete(b, clause, rel);
        default:
            return wgi_unsupported(b, clause, wg_ast_kind_name((wg_ast_kind)clause->kind));
    }
}

/* Plans clause *at of a SINGLE, with those behind it that go together with it, and leaves *at at the next one. */
static wg_code plan_next(wgi_binder *b, const wg_ast *single, uint32_t *at, wgi_relation *rel, wgi_columns *columns) {
    const wg_ast *clause = single->child[*at];
    uint32_t count = 1;
    if (clause->kind == WG_AST_MATCH && !(clause->flags & WG_AST_OPTIONAL)) {
        WG_TRY(wgi_match_run(b, single, *at, rel, &count));
        if (count == 1) WG_TRY(wgi_match(b, clause, rel));
        else WG_TRY(wgi_match_all(b, (const wg_ast *const *)&single->child[*at], count, rel));
    } else {
        WG_TRY(wgi_plan_clause(b, clause, rel, columns));
    }
    *at += count;
    return WG_OK;
}

wg_code wgi_plan_reading(wgi_binder *b, const wg_ast *single, wgi_relation *rel) {
    for (uint32_t i = 0; i < single->child_count;) {
        const wg_ast *clause = single->child[i];
        if (wgi_is_writing(clause))
            return wgi_error(b, WG_E_BIND, clause, "a subquery in an expression may not write");
        if (clause->kind == WG_AST_RETURN) {
            wgi_relation copy = *rel; /* its results do not matter, its mistakes do */
            WG_TRY(wgi_project(b, clause, &copy, NULL));
            i++;
        } else {
            WG_TRY(plan_next(b, single, &i, rel, NULL));
        }
    }
    return WG_OK;
}

static wg_code plan_part(wgi_binder *b, const wg_ast *single, wgi_relation *rel, wgi_columns *columns) {
    *columns = (wgi_columns){0};
    for (uint32_t i = 0; i < single->child_count;) {
        const wg_ast *clause = single->child[i];
        if (wgi_is_writing(clause))
            return wgi_error(b, WG_E_BIND, clause, "a subquery in an expression may not write");
        WG_TRY(plan_next(b, single, &i, rel, columns));
    }
    return WG_OK;
}

/* Two parts that begin with the same rows may not add to one array of names. */
static wg_code copy_names(wgi_binder *b, const wgi_relation *rel, wgi_relation *out) {
    *out = *rel;
    out->symbols = NULL;
    out->symbol_count = out->symbol_capacity = 0;
    out->properties = NULL;
    out->property_count = out->property_capacity = 0;
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, out, &rel->symbols[i]));
    return WG_OK;
}

wg_code wgi_plan_nested(wgi_binder *b, const wg_ast *query, wgi_relation *rel, wgi_columns *columns) {
    wgi_relation start = {0};
    if (query->child_count > 2) WG_TRY(copy_names(b, rel, &start));
    WG_TRY(plan_part(b, query->child[1], rel, columns));
    for (uint32_t i = 2; i < query->child_count; i++) {
        wgi_relation next;
        wgi_columns names;
        WG_TRY(copy_names(b, &start, &next));
        WG_TRY(plan_part(b, query->child[i], &next, &names));
        if (columns->count == 0 || names.count == 0)
            return wgi_error(b, WG_E_BIND, query->child[i], "the parts of a UNION need a RETURN each");
        const bool writes = rel->writes;
        const wgi_set_side left = {rel, columns}, right = {&next, &names};
        rel->writes = next.writes = false; /* they read behind a write: no part of the set writes */
        WG_TRY(wgi_set_operation(b, query, query->child[i], &left, &right));
        rel->writes = writes;
    }
    return wgi_finish_set(b, query, rel);
}

/* True when the query returns counts alone. */
static bool returns_counts(const wg_ast *single) {
    const wg_ast *last = single->child[single->child_count - 1];
    if (last->kind != WG_AST_RETURN || last->child_count <= 4 || (last->flags & WG_AST_STAR)) return false;
    for (uint32_t i = 4; i < last->child_count; i++) {
        const wg_ast *e = last->child[i]->child[0];
        const bool count = e->kind == WG_AST_FUNCTION && wg_slice_is(e->text, "count") && e->child_count == 1 &&
                           e->child[0]->kind == WG_AST_VARIABLE && !(e->flags & WG_AST_DISTINCT);
        if (e->kind != WG_AST_COUNT_STAR && !count) return false;
    }
    return true;
}

static wg_code plan_single(wgi_binder *b, const wg_ast *single, wgi_relation *rel, wgi_columns *columns) {
    *columns = (wgi_columns){0};
    WG_TRY(wgi_unit(b, rel));
    WG_TRY(wgi_check_last_call(b, single->child[single->child_count - 1]));
    b->only_counts = returns_counts(single);
    for (uint32_t i = 0; i < single->child_count;) WG_TRY(plan_next(b, single, &i, rel, columns));
    return WG_OK;
}

/* Slots of a union: a type that both sides have, else any. */
static wg_code union_slots(wgi_binder *b, wg_plan *plan) {
    const wg_plan *x = plan->children[0], *y = plan->children[1];
    WG_TRY(wgi_plan_slots(b, plan, x, NULL, NULL, 0));
    wg_type *types = wgi_alloc(b, x->slot_count, sizeof *types);
    if (types == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < x->slot_count; i++)
        types[i] = x->slot_types[i] == y->slot_types[i] ? x->slot_types[i] : WG_TYPE_ANY;
    plan->slot_types = types;
    return WG_OK;
}

static wg_code add_union(wgi_binder *b, wg_plan *left, wg_plan *right, wg_plan **out) {
    wg_plan *plan = wgi_plan(b, WG_PLAN_UNION, left, right);
    if (plan == NULL) return WG_E_NOMEM;
    plan->row_estimate = left->row_estimate + right->row_estimate;
    WG_TRY(union_slots(b, plan));
    *out = plan;
    return WG_OK;
}

static wg_code same_columns(wgi_binder *b, const wg_ast *single, const wgi_columns *x, const wgi_columns *y) {
    bool same = x->count == y->count;
    for (uint32_t i = 0; same && i < x->count; i++) same = strcmp(x->names[i], y->names[i]) == 0;
    if (same) return WG_OK;
    return wgi_error(b, WG_E_BIND, single, "all parts of a UNION must return the same names in the same order");
}

wg_code wgi_add_union(wgi_binder *b, const wg_ast *at, wgi_relation *left, const wgi_columns *left_names,
                      const wgi_relation *right, const wgi_columns *right_names) {
    WG_TRY(same_columns(b, at, left_names, right_names));
    WG_TRY(add_union(b, left->plan, right->plan, &left->plan));
    for (uint32_t i = 0; i < left->symbol_count; i++) {
        left->symbols[i].type = left->plan->slot_types[left->symbols[i].slot];
        left->symbols[i].label_count = 0; /* those of one side need not be those of the other */
    }
    return WG_OK;
}

bool wgi_is_lone_call(const wg_ast *query) {
    return query->child_count == 2 && query->child[1]->child_count == 1 &&
           query->child[1]->child[0]->kind == WG_AST_CALL;
}

wg_code wgi_plan_query(wgi_binder *b, const wg_ast *query, const wg_plan **out, wgi_columns *columns) {
    wgi_relation rel;
    if (wgi_is_lone_call(query)) {
        *columns = (wgi_columns){0};
        WG_TRY(wgi_unit(b, &rel));
        WG_TRY(wgi_call_alone(b, query->child[1]->child[0], &rel, columns));
        *out = rel.plan;
        return WG_OK;
    }
    WG_TRY(plan_single(b, query->child[1], &rel, columns));
    for (uint32_t i = 2; i < query->child_count; i++) {
        wgi_relation next;
        wgi_columns names;
        WG_TRY(plan_single(b, query->child[i], &next, &names));
        WG_TRY(same_columns(b, query->child[i], columns, &names));
        const wgi_set_side left = {&rel, columns}, right = {&next, &names};
        WG_TRY(wgi_set_operation(b, query, query->child[i], &left, &right));
    }
    WG_TRY(wgi_finish_set(b, query, &rel));
    *out = rel.plan;
    return WG_OK;
}
