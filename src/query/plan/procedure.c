/* query/plan: CALL of a procedure. Alone in its statement it gives all results of the procedure as columns and may take its
 * arguments from parameters of the same names; among other clauses it must spell out its arguments and, if the procedure gives rows,
 * name with YIELD what it takes over. A maintenance procedure is called before the transaction of its statement begins, so
 * nothing may come before it and its arguments can be constants and parameters only. */
#include "query/plan/planner.h"

static int name_size(const wg_ast *ast) { return (int)wg_min_size(ast->text.size, 64); }
static const char *name_of(const wg_ast *ast) { return (const char *)ast->text.data; }

wg_code wgi_find_procedure(const wgi_binder *b, const wg_ast *clause, const wg_procedure **out) {
    const wg_procedure *procedure = wg_procedure_find(b->procedures, clause->text);
    if (procedure != NULL) {
        *out = procedure;
        return WG_OK;
    }
    const char *near = wg_procedure_suggest(b->procedures, clause->text);
    if (near != NULL)
        return wgi_error(b, WG_E_NOT_FOUND, clause, "there is no procedure %.*s(); did you mean %s()?",
                         name_size(clause), name_of(clause), near);
    return wgi_error(b, WG_E_NOT_FOUND, clause,
                     "there is no procedure %.*s(); CALL db.procedures() lists those that there are",
                     name_size(clause), name_of(clause));
}

/* ---- arguments */

static wg_code check_count(const wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure, bool alone) {
    const wg_ast *given = clause->child[0];
    if (given == NULL) {
        if (alone || procedure->param_count == 0) return WG_OK;
        return wgi_error(
            b, WG_E_BIND, clause,
            "%s() takes its arguments from parameters only where CALL is the whole statement; write %s(%s%s)",
            procedure->name, procedure->name, procedure->params[0].name, procedure->param_count > 1 ? ", ..." : "");
    }
    uint32_t least = 0;
    while (least < procedure->param_count && !procedure->params[least].optional) least++;
    if (given->child_count >= least && given->child_count <= procedure->param_count) return WG_OK;
    if (least < procedure->param_count)
        return wgi_error(b, WG_E_BIND, clause, "%s() takes %u to %u arguments, %u %s given", procedure->name, least,
                         procedure->param_count, given->child_count, given->child_count == 1 ? "is" : "are");
    return wgi_error(b, WG_E_BIND, clause, "%s() takes %u argument%s, %u %s given", procedure->name,
                     procedure->param_count, procedure->param_count == 1 ? "" : "s", given->child_count,
                     given->child_count == 1 ? "is" : "are");
}

/* The parameter of the statement that stands for a missing argument. */
static wg_code implicit_argument(wgi_binder *b, const wg_ast *clause, const wg_procedure_field *param,
                                 wg_expr **out) {
    const wg_ast ast = {.kind = WG_AST_PARAMETER,
                        .height = 1,
                        .start = clause->start,
                        .end = clause->end,
                        .text = wg_slice_str(param->name)};
    const wgi_relation none = {0};
    return wgi_bind_in(b, &none, NULL, &ast, out);
}

static wg_code check_type(const wgi_binder *b, const wg_ast *at, const wg_procedure *procedure, uint32_t i,
                          const wg_expr *expr) {
    const wg_procedure_field *param = &procedure->params[i];
    if (wg_procedure_field_takes(param, expr->type)) return WG_OK;
    return wgi_error(b, WG_E_TYPE, at, "%s(): argument %u (%s) must be %s, this is %s", procedure->name, i + 1,
                     param->name, wg_procedure_field_type_name(param), wg_type_name(expr->type));
}

wg_code wgi_procedure_arguments(wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure, wgi_relation *rel,
                                wg_expr ***out) {
    const wg_ast *given = clause->child[0];
    const bool constant = procedure->kind == WG_PROCEDURE_MAINTENANCE;
    wg_expr **exprs = wgi_alloc(b, procedure->param_count, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < procedure->param_count; i++) {
        const bool left_out = given != NULL && i >= given->child_count;
        const wg_ast *at = given != NULL && !left_out ? given->child[i] : clause;
        if (left_out) {
            const wg_value nothing = wg_value_null();
            WG_TRY(wgi_const_expr(b, &nothing, WG_TYPE_NULL, at, &exprs[i]));
        } else if (given == NULL) {
            WG_TRY(implicit_argument(b, clause, &procedure->params[i], &exprs[i]));
        } else {
            const wg_ast *value = at;
            if (!constant) WG_TRY(wgi_hoist(b, rel, at, &value));
            WG_TRY(wgi_bind_in(b, rel, "in the arguments of a procedure", value, &exprs[i]));
        }
        if (constant && !wgi_is_constant(exprs[i]))
            return wgi_error(b, WG_E_BIND, at, "%s() takes constants and parameters only", procedure->name);
        WG_TRY(check_type(b, at, procedure, i, exprs[i]));
    }
    *out = exprs;
    return WG_OK;
}

/* ---- results */

/* Results that the clause takes over, and the names that they get. */
typedef struct yielded {
    uint32_t *results;
    wgi_new_slot *slots;
    uint32_t count;
} yielded;

static wg_code find_result(const wgi_binder *b, const wg_ast *item, const wg_procedure *procedure, uint32_t *out) {
    wg_suggestion near;
    wg_suggestion_init(&near, item->text);
    for (uint32_t i = 0; i < procedure->result_count; i++) {
        if (wg_slice_is(item->text, procedure->results[i].name)) {
            *out = i;
            return WG_OK;
        }
        wg_suggestion_offer(&near, procedure->results[i].name);
    }
    if (procedure->result_count == 0)
        return wgi_error(b, WG_E_BIND, item, "%s() gives no rows: there is nothing to YIELD", procedure->name);
    return wgi_error(b, WG_E_BIND, item, "%s() gives no '%.*s'; %s%s%s", procedure->name, name_size(item),
                     name_of(item), near.name != NULL ? "did you mean '" : "its first result is '",
                     near.name != NULL ? near.name : procedure->results[0].name, "'?");
}

static wg_code check_new(const wgi_binder *b, const wg_ast *at, const wgi_relation *rel, const yielded *y,
                         wg_slice name) {
    bool taken = wgi_find(rel, name) != NULL;
    for (uint32_t i = 0; i < y->count && !taken; i++) taken = wg_slice_equal(y->slots[i].name, name);
    if (!taken) return WG_OK;
    return wgi_error(b, WG_E_BIND, at, "variable '%.*s' exists already; rename the result: YIELD ... AS other",
                     (int)wg_min_size(name.size, 64), (const char *)name.data);
}

static wg_code collect_results(wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure,
                               const wgi_relation *rel, yielded *out) {
    const bool all = !(clause->flags & WG_AST_YIELD) || (clause->flags & WG_AST_STAR) != 0;
    const uint32_t items = clause->child_count - 2;
    const uint32_t count = all ? procedure->result_count : items;
    yielded y = {.results = wgi_alloc(b, count, sizeof *y.results), .slots = wgi_alloc(b, count, sizeof *y.slots)};
    if (y.results == NULL || y.slots == NULL) return WG_E_NOMEM;
    while (y.count < count) {
        const wg_ast *item = all ? clause : clause->child[y.count + 2];
        uint32_t result = y.count;
        if (!all) WG_TRY(find_result(b, item, procedure, &result));
        const wg_procedure_field *field = &procedure->results[result];
        wg_slice name = wg_slice_str(field->name);
        if (!all && item->child[0] != NULL) name = item->child[0]->text;
        WG_TRY(check_new(b, item, rel, &y, name));
        y.results[y.count] = result;
        y.slots[y.count++] = (wgi_new_slot){field->type, name};
    }
    *out = y;
    return WG_OK;
}

static wg_code add_symbols(wgi_binder *b, const yielded *y, uint32_t first_slot, wgi_relation *rel) {
    for (uint32_t i = 0; i < y->count; i++) {
        const wgi_symbol symbol = {.name = y->slots[i].name, .type = y->slots[i].type, .slot = first_slot + i};
        WG_TRY(wgi_add_symbol(b, rel, &symbol));
    }
    return WG_OK;
}

/* ---- the clause */

static wg_code check_place(const wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure, bool alone) {
    if (procedure->kind == WG_PROCEDURE_MAINTENANCE && clause != b->maintenance)
        return wgi_error(
            b, WG_E_BIND, clause,
            "%s() works on the whole store: it must be the first clause of a statement that does not write",
            procedure->name);
    if (alone) return WG_OK;
    if (clause->flags & WG_AST_STAR)
        return wgi_error(b, WG_E_BIND, clause,
                         "YIELD * is for a CALL that is the whole statement; name the results here");
    if (procedure->result_count > 0 && !(clause->flags & WG_AST_YIELD))
        return wgi_error(b, WG_E_BIND, clause, "name what you need of its results: CALL %s(...) YIELD %s",
                         procedure->name, procedure->results[0].name);
    return WG_OK;
}

static wg_code add_call(wgi_binder *b, const wg_ast *clause, const wg_procedure *procedure, wgi_relation *rel,
                        yielded *out) {
    yielded y;
    wg_expr **exprs;
    WG_TRY(wgi_procedure_arguments(b, clause, procedure, rel, &exprs));
    WG_TRY(collect_results(b, clause, procedure, rel, &y));
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROCEDURE, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    plan->procedure = procedure;
    plan->exprs = exprs;
    plan->expr_count = procedure->param_count;
    plan->yields = y.results;
    plan->yield_count = y.count;
    plan->row_estimate = rel->plan->row_estimate * (procedure->result_count > 0 ? 10 : 1);
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, y.slots, y.count));
    const uint32_t first = rel->plan->slot_count;
    rel->plan = plan;
    WG_TRY(add_symbols(b, &y, first, rel));
    *out = y;
    return clause->child[1] != NULL ? wgi_where(b, clause->child[1], rel) : WG_OK;
}

wg_code wgi_call_procedure(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    const wg_procedure *procedure;
    yielded y;
    WG_TRY(wgi_find_procedure(b, clause, &procedure));
    WG_TRY(check_place(b, clause, procedure, false));
    WG_TRY(check_count(b, clause, procedure, false));
    return add_call(b, clause, procedure, rel, &y);
}

/* The results alone, in their order: a WHERE may have added slots of its own. */
static wg_code project_results(wgi_binder *b, const yielded *y, wgi_relation *rel) {
    wg_expr **exprs = wgi_alloc(b, y->count, sizeof(wg_expr *));
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, rel->plan, NULL);
    if (exprs == NULL || plan == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < y->count; i++) {
        const wgi_symbol *symbol = wgi_find(rel, y->slots[i].name);
        WG_ASSERT(symbol != NULL);
        WG_TRY(wgi_slot_expr(b, symbol->slot, symbol->type, NULL, &exprs[i]));
    }
    plan->exprs = exprs;
    plan->expr_count = y->count;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, y->slots, y->count));
    rel->plan = plan;
    return WG_OK;
}

wg_code wgi_call_alone(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns) {
    const wg_procedure *procedure;
    yielded y;
    WG_TRY(wgi_find_procedure(b, clause, &procedure));
    WG_TRY(check_place(b, clause, procedure, true));
    WG_TRY(check_count(b, clause, procedure, true));
    WG_TRY(add_call(b, clause, procedure, rel, &y));
    columns->count = 0;
    if (y.count == 0) return WG_OK;
    columns->names = wgi_alloc(b, y.count, sizeof(char *));
    if (columns->names == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < y.count; i++) {
        columns->names[i] = wg_arena_strdup(b->arena, y.slots[i].name);
        if (columns->names[i] == NULL) return wgi_nomem(b);
    }
    WG_TRY(project_results(b, &y, rel));
    columns->count = y.count;
    return WG_OK;
}

wg_code wgi_check_last_call(const wgi_binder *b, const wg_ast *clause) {
    const wg_procedure *procedure;
    if (clause->kind != WG_AST_CALL) return WG_OK;
    WG_TRY(wgi_find_procedure(b, clause, &procedure));
    if (procedure->result_count == 0) return WG_OK;
    return wgi_error(b, WG_E_BIND, clause, "a query cannot end with the rows of a CALL; add a RETURN");
}
