/* query/plan: CALL { } and FOREACH. The body is planned once, over a leaf that is one row of the input, and runs for each row in turn.
 * A body that begins with WITH sees the variables of the row; any other sees none of them. */
#include "query/plan/planner.h"

static wg_code plan_branch(wgi_binder *b, const wg_ast *single, const wgi_relation *rel, bool writing,
                           wgi_relation *out, wgi_columns *columns) {
    *columns = (wgi_columns){0};
    WG_TRY(wgi_argument(b, rel, out));
    if (writing) { /* it sees what earlier rows wrote */
        out->writes = true;
        wgi_forget_properties(out);
    }
    if (single->child[0]->kind != WG_AST_WITH) {
        out->symbol_count = 0;
        out->property_count = 0;
    }
    for (uint32_t i = 0; i < single->child_count; i++) WG_TRY(wgi_plan_clause(b, single->child[i], out, columns));
    return WG_OK;
}

static wg_code plan_body(wgi_binder *b, const wg_ast *query, const wgi_relation *rel, bool writing, wgi_relation *out,
                         wgi_columns *columns) {
    if (writing && query->child_count > 2) return wgi_unsupported(b, query, "UNION of queries that write");
    WG_TRY(plan_branch(b, query->child[1], rel, writing, out, columns));
    for (uint32_t i = 2; i < query->child_count; i++) {
        wgi_relation next;
        wgi_columns names;
        WG_TRY(plan_branch(b, query->child[i], rel, false, &next, &names));
        WG_TRY(wgi_add_union(b, query->child[i], out, columns, &next, &names));
    }
    if (query->child_count > 2 && !(query->flags & WG_AST_UNION_ALL)) {
        wg_plan *distinct = wgi_plan(b, WG_PLAN_DISTINCT, out->plan, NULL);
        if (distinct == NULL) return WG_E_NOMEM;
        WG_TRY(wgi_plan_slots(b, distinct, out->plan, NULL, NULL, 0));
        out->plan = distinct;
    }
    return WG_OK;
}

static bool writes(const wg_ast *ast) {
    if (ast == NULL) return false;
    if (wgi_is_writing(ast)) return true;
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (writes(ast->child[i])) return true;
    return false;
}

wg_code wgi_call_query(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wgi_relation inner;
    wgi_columns columns;
    const bool writing = writes(clause->child[0]);
    WG_TRY(plan_body(b, clause->child[0], rel, writing, &inner, &columns));
    const bool returns = columns.count > 0;
    const uint32_t shift = rel->plan->slot_count, count = returns ? inner.symbol_count : 0;
    if (!writing && !returns) return wgi_error(b, WG_E_BIND, clause, "a CALL { } that does not write needs a RETURN");
    for (uint32_t i = 0; i < count; i++)
        if (wgi_find(rel, inner.symbols[i].name) != NULL)
            return wgi_error(b, WG_E_BIND, clause, "CALL { } returns '%.*s', which exists already",
                             (int)wg_min_size(inner.symbols[i].name.size, 64),
                             (const char *)inner.symbols[i].name.data);
    wg_plan *plan = wgi_plan(b, writing ? WG_PLAN_CALL : WG_PLAN_APPLY, rel->plan, inner.plan);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, returns ? inner.plan : NULL, NULL, 0));
    plan->row_estimate = rel->plan->row_estimate * (returns ? inner.plan->row_estimate : 1);
    rel->plan = plan;
    if (writing) {
        rel->writes = true;
        wgi_forget_properties(rel);
        wgi_forget_labels(rel);
    }
    for (uint32_t i = 0; i < count; i++) {
        wgi_symbol symbol = inner.symbols[i];
        symbol.slot += shift;
        WG_TRY(wgi_add_symbol(b, rel, &symbol));
    }
    return WG_OK;
}

wg_code wgi_foreach(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wgi_relation inner;
    wg_ast unwind = *clause;
    unwind.kind = WG_AST_UNWIND;
    unwind.child_count = 1;
    WG_TRY(wgi_argument(b, rel, &inner));
    inner.writes = true; /* it sees what earlier rows wrote */
    wgi_forget_properties(&inner);
    WG_TRY(wgi_unwind(b, &unwind, &inner));
    for (uint32_t i = 1; i < clause->child_count; i++) {
        if (!wgi_is_writing(clause->child[i]))
            return wgi_error(b, WG_E_BIND, clause->child[i], "only clauses that write can stand in FOREACH");
        WG_TRY(wgi_plan_clause(b, clause->child[i], &inner, NULL));
    }
    wg_plan *plan = wgi_plan(b, WG_PLAN_CALL, rel->plan, inner.plan);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    rel->writes = true;
    wgi_forget_properties(rel);
    wgi_forget_labels(rel);
    return WG_OK;
}
