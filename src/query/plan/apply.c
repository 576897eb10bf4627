/* query/plan: plans that run for one row at a time: reads after a write, and patterns and subqueries inside expressions.
 *
 * An expression with EXISTS { }, COUNT { }, a pattern or a pattern comprehension is bound in two steps: each of these becomes one slot,
 * computed by a plan over the row (its rows counted or collected), and stands in the expression as a variable with a hidden name. */
#include "query/optimize/optimize.h"

typedef struct hoister {
    wgi_binder *b;
    wgi_relation *rel;
    bool is_condition; /* a bare pattern may stand here */
} hoister;

/* ---- applying */

/* rel ++ the symbols of `inner` that rel does not have; inner began with wgi_argument(rel). */
wg_code wgi_apply(wgi_binder *b, wgi_relation *rel, const wgi_relation *inner, const wg_ast *at) {
    if (++b->apply_count > WGI_APPLIES_MAX)
        return wgi_error(b, WG_E_LIMIT, at, "a query may ask at most %d patterns or subqueries of each row; split it",
                         WGI_APPLIES_MAX);
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, inner->plan, NULL);
    wg_plan *plan = wgi_plan(b, WG_PLAN_APPLY, rel->plan, project);
    wg_expr **exprs = wgi_alloc(b, inner->symbol_count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, inner->symbol_count, sizeof *slots);
    wgi_symbol *added = wgi_alloc(b, inner->symbol_count, sizeof *added);
    if (project == NULL || plan == NULL || exprs == NULL || slots == NULL || added == NULL) return WG_E_NOMEM;
    uint32_t count = 0;
    for (uint32_t i = 0; i < inner->symbol_count; i++) {
        /* Those of rel come first, in its order, unless a join moved them: with many of them looking for each would take long. */
        if (i < rel->symbol_count && wg_slice_equal(rel->symbols[i].name, inner->symbols[i].name)) continue;
        if (wgi_find(rel, inner->symbols[i].name) != NULL) continue;
        added[count] = inner->symbols[i];
        WG_TRY(wgi_slot_expr(b, added[count].slot, added[count].type, at, &exprs[count]));
        slots[count] = (wgi_new_slot){added[count].type, added[count].name};
        added[count].slot = rel->plan->slot_count + count;
        count++;
    }
    project->exprs = exprs;
    project->expr_count = count;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, count));
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, slots, count));
    plan->row_estimate = rel->plan->row_estimate * (inner->plan->row_estimate > 1 ? inner->plan->row_estimate : 1);
    rel->plan = plan;
    for (uint32_t i = 0; i < count; i++) WG_TRY(wgi_add_symbol(b, rel, &added[i]));
    return WG_OK;
}

wg_code wgi_optional_per_row(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    wgi_relation inner;
    WG_TRY(wgi_argument(b, rel, &inner));
    WG_TRY(wgi_optional_match(b, match, &inner));
    return wgi_apply(b, rel, &inner, match);
}

/* ---- one value of a plan */

/* The only symbol of the result: one aggregate over all rows of `inner`. */
static wg_code aggregate_all(wgi_binder *b, const wgi_relation *inner, wg_aggregate aggregate, wg_slice name,
                             wgi_relation *out) {
    wg_plan *plan = wgi_plan(b, WG_PLAN_AGGREGATE, inner->plan, NULL);
    wg_aggregate *one = wgi_alloc(b, 1, sizeof *one);
    const wgi_new_slot slot = {aggregate.type, name};
    const wgi_symbol symbol = {.name = name, .type = aggregate.type};
    if (plan == NULL || one == NULL) return WG_E_NOMEM;
    *one = aggregate;
    plan->aggregates = one;
    plan->aggregate_count = 1;
    plan->row_estimate = 1;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, &slot, 1));
    *out = (wgi_relation){.plan = plan};
    return wgi_add_symbol(b, out, &symbol);
}

static wg_code first_row(wgi_binder *b, wgi_relation *rel, const wg_ast *at) {
    const wg_value one = wg_value_int(1);
    wg_plan *plan = wgi_plan(b, WG_PLAN_LIMIT, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, at, &plan->limit_expr));
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    return WG_OK;
}

/* Whether `inner` has a row, as its only symbol. */
static wg_code exists_of(wgi_binder *b, wgi_relation *inner, const wg_ast *at, wg_slice name, wgi_relation *out) {
    const wg_aggregate count = {.kind = WG_AGG_COUNT_STAR, .type = WG_TYPE_INT};
    const wg_value none = wg_value_int(0);
    wg_expr *args[2], *value;
    WG_TRY(first_row(b, inner, at));
    WG_TRY(aggregate_all(b, inner, count, name, out));
    WG_TRY(wgi_slot_expr(b, 0, WG_TYPE_INT, at, &args[0]));
    WG_TRY(wgi_const_expr(b, &none, WG_TYPE_INT, at, &args[1]));
    WG_TRY(wgi_call(b, at, ">", args, 2, &value));
    WG_TRY(wgi_add_slot(b, out, value, name, &out->symbols[0].slot));
    out->symbols[0].type = WG_TYPE_BOOL;
    return WG_OK;
}

static wg_code match_path(wgi_binder *b, wg_ast *path, wg_ast *where, wgi_relation *inner) {
    wg_ast pattern = {.kind = WG_AST_PATTERN, .start = path->start, .end = path->end, .child_count = 1};
    wg_ast match = {.kind = WG_AST_MATCH, .start = path->start, .end = path->end, .child_count = 2};
    wg_ast *children[2] = {NULL, where};
    wg_ast *kept = wgi_alloc(b, 1, sizeof *kept);
    wg_ast **paths = wgi_alloc(b, 1, sizeof *paths);
    if (kept == NULL || paths == NULL) return WG_E_NOMEM;
    paths[0] = path;
    pattern.child = paths;
    *kept = pattern;
    children[0] = kept;
    match.child = children;
    return wgi_match(b, &match, inner);
}

/* collect() leaves nulls out, a comprehension keeps them: each value is collected inside a list of its own. */
static wg_code collect_all(wgi_binder *b, const wg_ast *ast, const wgi_relation *inner, wg_expr *value, wg_slice name,
                           wgi_relation *out) {
    wg_aggregate collect = {.kind = WG_AGG_COLLECT, .type = WG_TYPE_LIST};
    wg_expr *list;
    list = wgi_expr(b, WG_EXPR_LIST, WG_TYPE_LIST, ast);
    wg_expr **items = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (list == NULL || items == NULL) return WG_E_NOMEM;
    items[0] = value;
    list->args = items;
    list->arg_count = 1;
    collect.arg = list;
    WG_TRY(aggregate_all(b, inner, collect, name, out));
    WG_TRY(wgi_slot_expr(b, 0, WG_TYPE_LIST, ast, &list));
    WG_TRY(wgi_call(b, ast, "%flatten", &list, 1, &value));
    return wgi_add_slot(b, out, value, name, &out->symbols[0].slot);
}

static wg_code collect_pattern(wgi_binder *b, const wg_ast *ast, wgi_relation *inner, wg_slice name,
                               wgi_relation *out) {
    const wg_ast *result;
    wg_expr *value;
    if (wgi_has_aggregate(ast->child[2]))
        return wgi_error(b, WG_E_BIND, ast->child[2], "an aggregate cannot be used in a pattern comprehension");
    WG_TRY(match_path(b, ast->child[0], ast->child[1], inner));
    WG_TRY(wgi_hoist(b, inner, ast->child[2], &result));
    WG_TRY(wgi_bind_in(b, inner, "in a pattern comprehension", result, &value));
    return collect_all(b, ast, inner, value, name, out);
}
static wg_code count_rows(wgi_binder *b, const wgi_relation *inner, wg_slice name, wgi_relation *out) {
    const wg_aggregate count = {.kind = WG_AGG_COUNT_STAR, .type = WG_TYPE_INT};
    return aggregate_all(b, inner, count, name, out);
}

static wg_code value_plan(wgi_binder *b, const wg_ast *ast, wgi_relation *inner, wg_slice name, wgi_relation *out) {
    if (ast->kind == WG_AST_PATTERN_COMPREHENSION) return collect_pattern(b, ast, inner, name, out);
    if (ast->kind == WG_AST_PATTERN_TEST) {
        if (ast->child[0]->op != WG_AST_PATH_ALL) return wgi_unsupported(b, ast, "a shortest path");
        WG_TRY(wgi_all_known(b, ast->child[0], inner));
        WG_TRY(match_path(b, ast->child[0], NULL, inner));
        return exists_of(b, inner, ast, name, out);
    }
    wgi_columns columns;
    WG_TRY(wgi_plan_nested(b, ast->child[0], inner, &columns));
    if (ast->op == WG_AST_EXISTS) return exists_of(b, inner, ast, name, out);
    if (ast->op == WG_AST_COUNT) return count_rows(b, inner, name, out);
    if (columns.count != 1) return wgi_error(b, WG_E_BIND, ast, "COLLECT { } needs a RETURN of exactly one result");
    wg_expr *value;
    WG_TRY(wgi_slot_expr(b, 0, inner->plan->slot_types[0], ast, &value));
    return collect_all(b, ast, inner, value, name, out);
}

/* ---- as an expression */

/* The rows of the subquery's leaf: the variables around it that it names, those of lists among them. An inner name hides an outer one. */
static wg_code capture(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wgi_relation *leaf, wg_expr **args) {
    const wgi_relation *rel = scope->aggregation != NULL ? scope->aggregation->input : scope->rel;
    for (const wgi_local *local = b->locals; local != NULL; local = local->outer) {
        const wgi_symbol symbol = {.name = local->name, .type = local->type, .slot = leaf->symbol_count};
        const wgi_relation alone = {.symbols = (wgi_symbol *)(uintptr_t)&symbol, .symbol_count = 1};
        if (wgi_find(leaf, local->name) != NULL || !wgi_mentions(ast, &alone)) continue;
        WG_TRY(wgi_slot_expr(b, local->number, local->type, ast, &args[leaf->symbol_count]));
        args[leaf->symbol_count]->kind = WG_EXPR_LOCAL;
        WG_TRY(wgi_add_symbol(b, leaf, &symbol));
    }
    for (uint32_t i = 0; i < rel->symbol_count; i++) {
        wgi_symbol symbol = rel->symbols[i];
        const wgi_relation alone = {.symbols = &symbol, .symbol_count = 1};
        wg_ast variable = {.kind = WG_AST_VARIABLE, .height = 1, .start = ast->start, .end = ast->end};
        variable.text = symbol.name;
        symbol.slot = leaf->symbol_count;
        if (wgi_find(leaf, symbol.name) != NULL || !wgi_mentions(ast, &alone)) continue;
        WG_TRY(wgi_bind(b, scope, &variable, &args[leaf->symbol_count]));
        symbol.type = args[leaf->symbol_count]->type;
        WG_TRY(wgi_add_symbol(b, leaf, &symbol));
    }
    leaf->writes = rel->writes;
    return WG_OK;
}

/* The first symbol of `value` as the only slot. */
static wg_code only_slot(wgi_binder *b, const wgi_relation *value, const wg_ast *at, wg_plan **out) {
    const wgi_symbol *symbol = &value->symbols[0];
    const wgi_new_slot slot = {symbol->type, symbol->name};
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, value->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (plan == NULL || exprs == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_slot_expr(b, symbol->slot, symbol->type, at, &exprs[0]));
    plan->exprs = exprs;
    plan->expr_count = 1;
    WG_TRY(wgi_plan_slots(b, plan, NULL, NULL, &slot, 1));
    *out = plan;
    return WG_OK;
}

static wg_code plan_value(wgi_binder *b, const wg_ast *ast, const wgi_relation *captured, wgi_relation *out) {
    wgi_relation inner = *captured;
    wgi_new_slot *slots = wgi_alloc(b, captured->symbol_count, sizeof *slots);
    wg_slice name;
    if (slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < captured->symbol_count; i++)
        slots[i] = (wgi_new_slot){captured->symbols[i].type, captured->symbols[i].name};
    inner.plan = wgi_plan(b, WG_PLAN_ARGUMENT, NULL, NULL);
    if (inner.plan == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(b, inner.plan, NULL, NULL, slots, captured->symbol_count));
    inner.plan->row_estimate = 1;
    inner.per_row = true;
    WG_TRY(wgi_hidden_name(b, &name));
    return value_plan(b, ast, &inner, name, out);
}

wg_code wgi_bind_subquery(wgi_binder *b, const wgi_scope *scope, const wg_ast *ast, wg_expr **out) {
    const wgi_relation *rel = scope->aggregation != NULL ? scope->aggregation->input : scope->rel;
    const wgi_local *locals = b->locals;
    wgi_relation leaf = {0}, value;
    uint32_t most = rel->symbol_count;
    for (const wgi_local *local = locals; local != NULL; local = local->outer) most++;
    wg_expr **args = wgi_alloc(b, most, sizeof(wg_expr *));
    if (args == NULL) return WG_E_NOMEM;
    WG_TRY(capture(b, scope, ast, &leaf, args));
    b->locals = NULL; /* they are slots inside */
    const wg_code code = plan_value(b, ast, &leaf, &value);
    b->locals = locals;
    WG_TRY(code);
    wg_expr *e = wgi_expr(b, WG_EXPR_SUBQUERY, value.symbols[0].type, ast);
    if (e == NULL) return WG_E_NOMEM;
    wg_plan *only;
    WG_TRY(only_slot(b, &value, ast, &only));
    e->plan = only;
    WG_TRY(wgi_set_args(b, e, args, leaf.symbol_count));
    *out = e;
    return WG_OK;
}

/* ---- replacing */

static bool is_subquery(const wg_ast *ast) {
    return ast->kind == WG_AST_SUBQUERY || ast->kind == WG_AST_PATTERN_TEST ||
           ast->kind == WG_AST_PATTERN_COMPREHENSION;
}

static wg_code replace(hoister *h, const wg_ast *ast, const wg_ast **out) {
    wgi_binder *b = h->b;
    wgi_relation inner, value;
    wg_slice name;
    wg_ast *variable = wgi_alloc(b, 1, sizeof *variable);
    if (variable == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_hidden_name(b, &name));
    WG_TRY(wgi_argument(b, h->rel, &inner));
    WG_TRY(value_plan(b, ast, &inner, name, &value));
    WG_TRY(wgi_apply(b, h->rel, &value, ast));
    *variable = (wg_ast){.kind = WG_AST_VARIABLE, .height = 1, .start = ast->start, .end = ast->end, .text = name};
    *out = variable;
    return WG_OK;
}

/* Children that are evaluated for elements of a list may name its element: these stay, and are refused when bound. */
static bool is_inside_list(const wg_ast *ast, uint32_t child) {
    if (ast->kind == WG_AST_REDUCE) return child == 3;
    return (ast->kind == WG_AST_LIST_COMPREHENSION || ast->kind == WG_AST_QUANTIFIER) && child > 0;
}

static wg_code rewrite(hoister *h, const wg_ast *ast, const wg_ast **out) {
    *out = ast;
    if (ast == NULL || !wgi_has_subquery(ast)) return WG_OK;
    if (ast->kind == WG_AST_PATTERN_TEST && ast->child[0]->op == WG_AST_PATH_ALL && !h->is_condition)
        return wgi_error(h->b, WG_E_BIND, ast,
                         "a pattern is a condition for WHERE; elsewhere write exists((a)-->(b))");
    if (is_subquery(ast)) return replace(h, ast, out);
    const bool exists = ast->kind == WG_AST_FUNCTION && wg_slice_is(ast->text, "exists") && ast->child_count == 1 &&
                        is_subquery(ast->child[0]) && ast->child[0]->kind != WG_AST_PATTERN_COMPREHENSION;
    if (exists) return replace(h, ast->child[0], out);
    wg_ast *copy = wgi_alloc(h->b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(h->b, ast->child_count, sizeof *children);
    if (copy == NULL || children == NULL) return WG_E_NOMEM;
    *copy = *ast;
    copy->child = children;
    for (uint32_t i = 0; i < ast->child_count; i++) {
        const wg_ast *child = ast->child[i];
        children[i] = ast->child[i];
        if (child == NULL || is_inside_list(ast, i)) continue;
        WG_TRY(rewrite(h, ast->child[i], &child));
        if (child != ast->child[i])
            memcpy(&children[i], &child, sizeof child); /* the tree is only read from here on */
    }
    *out = copy;
    return WG_OK;
}

wg_code wgi_hoist(wgi_binder *b, wgi_relation *rel, const wg_ast *ast, const wg_ast **out) {
    hoister h = {b, rel, false};
    return rewrite(&h, ast, out);
}

wg_code wgi_hoist_condition(wgi_binder *b, wgi_relation *rel, const wg_ast *ast, const wg_ast **out) {
    hoister h = {b, rel, true};
    return rewrite(&h, ast, out);
}

/* Whether a pattern or a subquery in the expression looks at the rows. */
static bool looks_out(const wg_ast *ast, const wgi_relation *rel) {
    if (ast == NULL) return false;
    if (ast->kind == WG_AST_SUBQUERY || ast->kind == WG_AST_PATTERN_TEST || ast->kind == WG_AST_PATTERN_COMPREHENSION)
        return wgi_mentions(ast, rel);
    for (uint32_t i = 0; i < ast->child_count; i++)
        if (looks_out(ast->child[i], rel)) return true;
    return false;
}

wg_code wgi_hoist_items(wgi_binder *b, wgi_relation *rel, const wg_ast *clause, const wg_ast **out) {
    bool any = false;
    for (uint32_t i = 4; i < clause->child_count; i++) any = any || wgi_has_subquery(clause->child[i]);
    *out = clause;
    if (!any) return WG_OK;
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(b, clause->child_count, sizeof *children);
    if (copy == NULL || children == NULL) return WG_E_NOMEM;
    memcpy(children, clause->child, clause->child_count * sizeof *children);
    for (uint32_t i = 4; i < clause->child_count; i++) {
        const wg_ast *item = clause->child[i], *value;
        const bool nameless = item->text.size == 0;
        if (!wgi_has_subquery(item) || (nameless && clause->kind == WG_AST_WITH))
            continue; /* refused: it has no name */
        if (wgi_has_aggregate(item->child[0]) && !looks_out(item->child[0], rel))
            continue; /* the same for every group: it is asked behind the aggregation */
        wg_ast *named = wgi_alloc(b, 1, sizeof *named);
        wg_ast **only = wgi_alloc(b, 1, sizeof *only);
        if (named == NULL || only == NULL) return WG_E_NOMEM;
        const wg_ast *test = item->child[0];
        if (test->kind == WG_AST_PATTERN_TEST && test->child[0]->op == WG_AST_PATH_ALL)
            return wgi_error(b, WG_E_BIND, test,
                             "a pattern is a condition, not a result: write EXISTS { } around it");
        WG_TRY(wgi_hoist(b, rel, test, &value));
        memcpy(only, &value, sizeof value);
        *named = *item;
        named->child = only;
        if (nameless) named->text = wg_slice_of(b->text.data + item->start, item->end - item->start);
        children[i] = named;
    }
    *copy = *clause;
    copy->child = children;
    *out = copy;
    return WG_OK;
}
