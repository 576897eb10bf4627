/* query/plan: CALL { } and FOREACH. The body is planned once, over a leaf that is one row of the input, and runs for each row in turn.
 * A body that begins with WITH sees the variables of the row; any other sees none of them. */
#include "query/plan/planner.h"

static bool is_imported(const wg_ast *clause, const wgi_symbol *symbol) {
    if (clause->flags & WG_AST_STAR) return true;
    for (uint32_t i = 1; i < clause->child_count; i++)
        if (wg_slice_equal(clause->child[i]->text, symbol->name)) return true;
    return false;
}

/* What the body sees of the row: with (x, y) these in every part, else all behind a WITH and nothing before it. */
static wg_code limit_names(wgi_binder *b, const wg_ast *clause, const wg_ast *single, wgi_relation *rel) {
    uint32_t kept = 0;
    if ((clause->flags & WG_AST_SCOPED) && (clause->flags & WG_AST_STAR)) return WG_OK;
    if (!(clause->flags & WG_AST_SCOPED)) {
        if (single->child[0]->kind == WG_AST_WITH) return WG_OK;
        rel->symbol_count = 0;
        rel->property_count = 0;
        return WG_OK;
    }
    for (uint32_t i = 1; i < clause->child_count; i++)
        if (wgi_find(rel, clause->child[i]->text) == NULL)
            return wgi_undefined_variable(b, rel, clause->child[i], clause->child[i]->text);
    for (uint32_t i = 0; i < rel->symbol_count; i++)
        if (is_imported(clause, &rel->symbols[i])) rel->symbols[kept++] = rel->symbols[i];
    rel->symbol_count = kept;
    return WG_OK;
}

/* Rows that were read behind a write are no writing part of the set. */
static wg_code union_part(wgi_binder *b, const wg_ast *query, const wg_ast *at, const wgi_set_side *left,
                          const wgi_set_side *right) {
    const bool writes = left->rel->writes;
    left->rel->writes = right->rel->writes = false;
    const wg_code code = wgi_set_operation(b, query, at, left, right);
    left->rel->writes = writes;
    return code;
}

static wg_code plan_branch(wgi_binder *b, const wg_ast *clause, uint32_t part, const wgi_relation *rel, bool writing,
                           wgi_relation *out, wgi_columns *columns) {
    const wg_ast *single = clause->child[0]->child[part];
    *columns = (wgi_columns){0};
    WG_TRY(wgi_argument(b, rel, out));
    if (writing) { /* it sees what earlier rows wrote */
        out->writes = true;
        wgi_forget_properties(out);
    }
    WG_TRY(limit_names(b, clause, single, out));
    for (uint32_t i = 0; i < single->child_count; i++) WG_TRY(wgi_plan_clause(b, single->child[i], out, columns));
    return WG_OK;
}

static wg_code plan_body(wgi_binder *b, const wg_ast *clause, const wgi_relation *rel, bool writing,
                         wgi_relation *out, wgi_columns *columns) {
    const wg_ast *query = clause->child[0];
    if (writing && query->child_count > 2) return wgi_unsupported(b, query, "UNION of queries that write");
    WG_TRY(plan_branch(b, clause, 1, rel, writing, out, columns));
    for (uint32_t i = 2; i < query->child_count; i++) {
        wgi_relation next;
        wgi_columns names;
        WG_TRY(plan_branch(b, clause, i, rel, false, &next, &names));
        const wgi_set_side left = {out, columns}, right = {&next, &names};
        WG_TRY(union_part(b, query, query->child[i], &left, &right));
    }
    return wgi_finish_set(b, query, out);
}

/* The rows of the body, or one of nulls when there are none. */
static wg_code or_nulls(wgi_binder *b, const wg_ast *clause, wgi_relation *inner) {
    wgi_relation nothing, joined;
    wgi_join_keys keys = {
        .left = wgi_alloc(b, 1, sizeof(wg_expr *)), .right = wgi_alloc(b, 1, sizeof(wg_expr *)), .count = 1};
    const wg_value one = wg_value_int(1);
    if (keys.left == NULL || keys.right == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, clause, &keys.left[0]));
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, clause, &keys.right[0]));
    WG_TRY(wgi_unit(b, &nothing));
    WG_TRY(wgi_join(b, WG_PLAN_OPTIONAL, &nothing, inner, &keys, &joined));
    *inner = joined;
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
    WG_TRY(plan_body(b, clause, rel, writing, &inner, &columns));
    if (clause->flags & WG_AST_OPTIONAL) {
        if (writing) return wgi_unsupported(b, clause, "OPTIONAL CALL of a query that writes");
        if (columns.count > 0) WG_TRY(or_nulls(b, clause, &inner));
    }
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
