/* query/plan: WITH, RETURN, UNWIND.
 *
 * One clause becomes, from below: AGGREGATE (when a result holds an aggregate), PROJECT, DISTINCT, SORT, LIMIT, FILTER,
 * and a PROJECT that drops what only sorting and filtering needed. Results without aggregates are the group keys. ORDER BY
 * and WHERE see aliases first and, unless DISTINCT has cut the rows loose from their origin, the variables before the
 * clause too; what they need of those is projected under no name. */
#include "query/optimize/optimize.h"

typedef struct projected {
    wg_slice name;
    const wg_ast *ast; /* the expression */
    wg_expr *expr;
} projected;

typedef struct projection {
    wgi_binder *b;
    const wg_ast *clause;
    const wgi_relation *input;
    projected *items; /* results, then hidden ones */
    uint32_t visible_count;
    uint32_t count;
    wgi_aggregation aggregation;
    bool aggregates;
    bool distinct;
    wg_sort_item *sort;
    uint32_t sort_count;
    uint32_t where_slot; /* hidden condition, UINT32_MAX: none */
} projection;

/* ---- results and their names */

static wg_slice source_text(const wgi_binder *b, const wg_ast *item) {
    return wg_slice_of(b->text.data + item->start, item->end - item->start);
}

static wg_code name_item(projection *p, const wg_ast *item, wg_slice *out) {
    const wg_ast *value = item->child[0];
    if (item->text.size > 0) {
        *out = item->text;
    } else if (value->kind == WG_AST_VARIABLE) {
        *out = value->text;
    } else if (p->clause->kind == WG_AST_WITH) {
        return wgi_error(p->b, WG_E_BIND, item, "an expression in WITH needs a name: add AS name");
    } else {
        *out = source_text(p->b, item);
    }
    for (uint32_t i = 0; i < p->count; i++)
        if (wg_slice_equal(p->items[i].name, *out))
            return wgi_error(p->b, WG_E_BIND, item, "two results are named '%.*s'; give one another name with AS",
                             (int)wg_min_size(out->size, 64), (const char *)out->data);
    return WG_OK;
}

static wg_code star_items(projection *p) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < p->input->symbol_count; i++) {
        const wgi_symbol *symbol = &p->input->symbols[i];
        if (wgi_is_hidden(symbol->name)) continue;
        wg_ast *variable = wgi_alloc(p->b, 1, sizeof *variable);
        if (variable == NULL) return WG_E_NOMEM;
        *variable = (wg_ast){.kind = WG_AST_VARIABLE,
                             .height = 1,
                             .start = p->clause->start,
                             .end = p->clause->start,
                             .text = symbol->name};
        p->items[p->count++] = (projected){.name = symbol->name, .ast = variable};
        found++;
    }
    if (found == 0 && p->clause->kind == WG_AST_RETURN)
        return wgi_error(p->b, WG_E_BIND, p->clause, "RETURN * has nothing to return: no variable is defined");
    return WG_OK;
}

static wg_code collect_items(projection *p) {
    const wg_ast *clause = p->clause;
    const uint32_t sort_count = clause->child[0] != NULL ? clause->child[0]->child_count : 0;
    p->items =
        wgi_alloc(p->b, (size_t)p->input->symbol_count + clause->child_count + sort_count + 1, sizeof *p->items);
    if (p->items == NULL) return WG_E_NOMEM;
    if (clause->child_count > WGI_SYMBOLS_MAX + 4) /* before names and aggregates are compared with each other */
        return wgi_error(p->b, WG_E_LIMIT, clause, "a clause may have at most %d results", WGI_SYMBOLS_MAX);
    if (clause->flags & WG_AST_STAR) WG_TRY(star_items(p));
    for (uint32_t i = 4; i < clause->child_count; i++) {
        wg_slice name;
        WG_TRY(name_item(p, clause->child[i], &name));
        p->items[p->count++] = (projected){.name = name, .ast = clause->child[i]->child[0]};
    }
    for (uint32_t i = 0; i < p->count; i++) p->aggregates = p->aggregates || wgi_has_aggregate(p->items[i].ast);
    p->visible_count = p->count;
    return WG_OK;
}

/* ---- aggregation */

static uint32_t count_aggregates(const wg_ast *ast) {
    if (ast == NULL) return 0;
    uint32_t count = wgi_is_aggregate(ast) ? 1 : 0;
    for (uint32_t i = 0; i < ast->child_count; i++) count += count_aggregates(ast->child[i]);
    return count;
}

static wg_code prepare_aggregation(projection *p) {
    wgi_aggregation *g = &p->aggregation;
    g->input = p->input;
    g->capacity = count_aggregates(p->clause);
    g->keys = wgi_alloc(p->b, p->count, sizeof(wg_ast *));
    g->key_exprs = wgi_alloc(p->b, p->count, sizeof(wg_expr *));
    g->asts = wgi_alloc(p->b, g->capacity, sizeof(wg_ast *));
    g->aggregates = wgi_alloc(p->b, g->capacity, sizeof *g->aggregates);
    if (g->keys == NULL || g->key_exprs == NULL || g->asts == NULL || g->aggregates == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < p->count; i++) {
        if (wgi_has_aggregate(p->items[i].ast)) continue;
        WG_TRY(wgi_bind_in(p->b, p->input, NULL, p->items[i].ast, &g->key_exprs[g->key_count]));
        g->keys[g->key_count++] = p->items[i].ast;
    }
    return WG_OK;
}

static wg_code aggregate_plan(projection *p, wg_plan **out) {
    const wgi_aggregation *g = &p->aggregation;
    wg_plan *plan = wgi_plan(p->b, WG_PLAN_AGGREGATE, p->input->plan, NULL);
    wgi_new_slot *slots = wgi_alloc(p->b, (size_t)g->key_count + g->count, sizeof *slots);
    if (plan == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < g->key_count; i++)
        slots[i] = (wgi_new_slot){g->key_exprs[i]->type, source_text(p->b, g->keys[i])};
    for (uint32_t i = 0; i < g->count; i++)
        slots[g->key_count + i] = (wgi_new_slot){g->aggregates[i].type, source_text(p->b, g->asts[i])};
    plan->exprs = g->key_exprs;
    plan->expr_count = g->key_count;
    plan->aggregates = g->aggregates;
    plan->aggregate_count = g->count;
    plan->row_estimate = g->key_count == 0 ? 1 : p->input->plan->row_estimate * 0.1;
    WG_TRY(wgi_plan_slots(p->b, plan, NULL, NULL, slots, g->key_count + g->count));
    *out = plan;
    return WG_OK;
}

/* ---- ORDER BY and WHERE */

static wg_code bind_over_input(projection *p, const char *where, const wg_ast *ast, bool aliases, wg_expr **out) {
    const wgi_scope scope = {p->input, p->aggregates ? &p->aggregation : NULL, aliases ? p->clause : NULL, where};
    return wgi_bind(p->b, &scope, ast, out);
}

/* The result that the expression is: by name or by equal text. UINT32_MAX: none. */
static uint32_t find_result(const projection *p, const wg_ast *ast) {
    for (uint32_t i = 0; i < p->visible_count; i++)
        if (ast->kind == WG_AST_VARIABLE && wg_slice_equal(ast->text, p->items[i].name)) return i;
    for (uint32_t i = 0; i < p->visible_count; i++)
        if (wg_ast_equal(ast, p->items[i].ast)) return i;
    return UINT32_MAX;
}

static wg_code add_sort_item(projection *p, wg_expr *expr, bool descending) {
    p->sort[p->sort_count++] = (wg_sort_item){.expr = expr, .descending = descending};
    return WG_OK;
}

/* Nulls are last ascending and first descending; the other way takes a key before the key. */
static wg_code add_sort_keys(projection *p, const wg_ast *sort, wg_expr *expr) {
    const bool descending = (sort->flags & WG_AST_DESCENDING) != 0;
    const bool other = (sort->flags & (descending ? WG_AST_NULLS_LAST : WG_AST_NULLS_FIRST)) != 0;
    if (other) {
        wg_expr *is_null;
        WG_TRY(wgi_call(p->b, sort, "IS NULL", &expr, 1, &is_null));
        WG_TRY(add_sort_item(p, is_null, !descending));
    }
    return add_sort_item(p, expr, descending);
}

static wg_code hide(projection *p, const wg_ast *ast, const char *where, uint32_t *out_slot) {
    wg_expr *expr;
    WG_TRY(bind_over_input(p, where, ast, true, &expr));
    *out_slot = p->count;
    p->items[p->count++] = (projected){.ast = ast, .expr = expr};
    return WG_OK;
}

/* Over DISTINCT results: names of results, and expressions that are results. */
static wg_code bind_over_results(projection *p, const wgi_relation *output, const char *where, const wg_ast *ast,
                                 wg_expr **out) {
    wgi_aggregation results = {.input = output, .key_count = p->visible_count, .over_results = true};
    results.keys = wgi_alloc(p->b, p->visible_count, sizeof(wg_ast *));
    results.key_exprs = wgi_alloc(p->b, p->visible_count, sizeof(wg_expr *));
    if (results.keys == NULL || results.key_exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < p->visible_count; i++) {
        results.keys[i] = p->items[i].ast;
        results.key_exprs[i] = p->items[i].expr;
    }
    const wgi_scope scope = {output, &results, NULL, where};
    return wgi_bind(p->b, &scope, ast, out);
}

/* With DISTINCT the keys are bound over the results, otherwise before the projection. `output` is NULL in the latter. */
static wg_code bind_sort(projection *p, const wgi_relation *output) {
    const wg_ast *order = p->clause->child[0];
    if (order == NULL) return WG_OK;
    p->sort = wgi_alloc(p->b, 2 * (size_t)order->child_count, sizeof *p->sort);
    if (p->sort == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < order->child_count; i++) {
        const wg_ast *sort = order->child[i], *ast = sort->child[0];
        uint32_t slot = find_result(p, ast);
        wg_expr *expr;
        if (slot == UINT32_MAX && output != NULL) {
            WG_TRY(bind_over_results(p, output, "in ORDER BY of DISTINCT results", ast, &expr));
        } else {
            if (slot == UINT32_MAX) WG_TRY(hide(p, ast, "in ORDER BY unless a result holds one", &slot));
            WG_TRY(wgi_slot_expr(p->b, slot, p->items[slot].expr->type, ast, &expr));
        }
        WG_TRY(add_sort_keys(p, sort, expr));
    }
    return WG_OK;
}

/* True when the condition can be asked of the results. A subquery may name variables of its own: then no dropped one may occur. */
static bool is_over_results(const projection *p, const wg_ast *where, const wgi_relation *names) {
    if (wgi_covered(where, names)) return true;
    if (!wgi_has_subquery(where)) return false;
    for (uint32_t i = 0; i < p->input->symbol_count; i++) {
        const wgi_relation alone = {.symbols = &p->input->symbols[i], .symbol_count = 1};
        if (wgi_find(names, p->input->symbols[i].name) == NULL && wgi_mentions(where, &alone)) return false;
    }
    return true;
}

static wg_code bind_hidden_where(projection *p, const wgi_relation *names) {
    const wg_ast *where = p->clause->child[3];
    p->where_slot = UINT32_MAX;
    if (where == NULL || is_over_results(p, where, names)) return WG_OK;
    if (wgi_has_aggregate(where)) return wgi_error(p->b, WG_E_BIND, where, "an aggregate cannot be used in WHERE");
    return hide(p, where, "in WHERE", &p->where_slot);
}

/* ---- plans */

static wg_code project_plan(projection *p, wg_plan *below, uint32_t count, bool slots_only, wg_plan **out) {
    wg_plan *plan = wgi_plan(p->b, WG_PLAN_PROJECT, below, NULL);
    wg_expr **exprs = wgi_alloc(p->b, count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(p->b, count, sizeof *slots);
    if (plan == NULL || exprs == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = p->items[i].expr;
        if (slots_only) WG_TRY(wgi_slot_expr(p->b, i, p->items[i].expr->type, p->items[i].ast, &exprs[i]));
        slots[i] = (wgi_new_slot){p->items[i].expr->type, p->items[i].name};
    }
    plan->exprs = exprs;
    plan->expr_count = count;
    WG_TRY(wgi_plan_slots(p->b, plan, NULL, NULL, slots, count));
    *out = plan;
    return WG_OK;
}

/* Names of the results; a result that is a plain variable keeps what is known of its labels. */
static wg_code result_symbols(projection *p, wgi_relation *out) {
    *out = (wgi_relation){.writes = p->input->writes, .per_row = p->input->per_row};
    for (uint32_t i = 0; i < p->visible_count; i++) {
        wgi_symbol symbol = {.name = p->items[i].name, .type = p->items[i].expr->type, .slot = i};
        const wg_ast *ast = p->items[i].ast;
        const wgi_symbol *same = ast->kind == WG_AST_VARIABLE ? wgi_find(p->input, ast->text) : NULL;
        if (same != NULL) {
            symbol.labels = same->labels;
            symbol.label_count = same->label_count;
            symbol.deleted = same->deleted;
        }
        WG_TRY(wgi_add_symbol(p->b, out, &symbol));
    }
    return WG_OK;
}

static wg_code bind_count(wgi_binder *b, const wg_ast *ast, const char *where, wg_expr **out) {
    const wgi_relation nothing = {0};
    *out = NULL;
    if (ast == NULL) return WG_OK;
    if (ast->kind == WG_AST_INT && ast->i < 0)
        return wg_error_refine(b->err,
                               wgi_error(b, WG_E_BIND, ast, "SKIP and LIMIT need a number that is not negative"),
                               WG_S_NEGATIVE_LIMIT);
    if (!wgi_covered(ast, &nothing))
        return wgi_error(b, WG_E_BIND, ast, "SKIP and LIMIT may not use variables: the number holds for all rows");
    WG_TRY(wgi_bind_in(b, &nothing, where, ast, out));
    const wg_type type = (*out)->type;
    if (type != WG_TYPE_INT && type != WG_TYPE_ANY)
        return wgi_error(b, WG_E_TYPE, ast, "SKIP and LIMIT need an INT, this is %s", wg_type_name(type));
    return WG_OK;
}

static wg_code sort_and_limit(projection *p, wg_plan **plan) {
    wg_expr *skip, *limit;
    WG_TRY(bind_count(p->b, p->clause->child[1], "in SKIP", &skip));
    WG_TRY(bind_count(p->b, p->clause->child[2], "in LIMIT", &limit));
    if (p->sort_count > 0) {
        wg_plan *sort = wgi_plan(p->b, WG_PLAN_SORT, *plan, NULL);
        if (sort == NULL) return WG_E_NOMEM;
        sort->sort_items = p->sort;
        sort->sort_item_count = p->sort_count;
        sort->skip_expr = limit != NULL ? skip : NULL;
        sort->limit_expr = limit;
        WG_TRY(wgi_plan_slots(p->b, sort, *plan, NULL, NULL, 0));
        *plan = sort;
    }
    if (skip == NULL && limit == NULL) return WG_OK;
    wg_plan *cut = wgi_plan(p->b, WG_PLAN_LIMIT, *plan, NULL);
    if (cut == NULL) return WG_E_NOMEM;
    cut->skip_expr = skip;
    cut->limit_expr = limit;
    if (limit != NULL && limit->kind == WG_EXPR_CONST && (double)limit->value.as.i < cut->row_estimate)
        cut->row_estimate = (double)limit->value.as.i;
    WG_TRY(wgi_plan_slots(p->b, cut, *plan, NULL, NULL, 0));
    *plan = cut;
    return WG_OK;
}

static wg_code distinct_plan(projection *p, wg_plan **plan) {
    wg_plan *distinct = wgi_plan(p->b, WG_PLAN_DISTINCT, *plan, NULL);
    if (distinct == NULL) return WG_E_NOMEM;
    WG_TRY(wgi_plan_slots(p->b, distinct, *plan, NULL, NULL, 0));
    *plan = distinct;
    return WG_OK;
}

static wg_code filter_and_drop(projection *p, wgi_relation *out) {
    const wg_ast *where = p->clause->child[3];
    if (p->where_slot != UINT32_MAX) {
        wg_expr *condition;
        WG_TRY(wgi_slot_expr(p->b, p->where_slot, p->items[p->where_slot].expr->type, where, &condition));
        WG_TRY(wgi_filter(p->b, out, condition));
    } else if (where != NULL && p->distinct && !is_over_results(p, where, out)) {
        wg_expr *condition;
        WG_TRY(bind_over_results(p, out, "in WHERE", where, &condition));
        WG_TRY(wgi_filter(p->b, out, condition));
    } else if (where != NULL) {
        WG_TRY(wgi_where(p->b, where, out));
    }
    if (p->count > p->visible_count) WG_TRY(project_plan(p, out->plan, p->visible_count, true, &out->plan));
    return WG_OK;
}

static wg_code set_columns(projection *p, wgi_columns *columns) {
    if (columns == NULL) return WG_OK;
    columns->names = wgi_alloc(p->b, p->visible_count, sizeof(char *));
    if (columns->names == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < p->visible_count; i++) {
        columns->names[i] = wg_arena_strdup(p->b->arena, p->items[i].name);
        if (columns->names[i] == NULL) return wgi_nomem(p->b);
    }
    columns->count = p->visible_count;
    return WG_OK;
}

wg_code wgi_project(wgi_binder *b, const wg_ast *clause, wgi_relation *rel, wgi_columns *columns) {
    WG_TRY(wgi_hoist_items(b, rel, clause, &clause));
    projection p = {.b = b, .clause = clause, .input = rel, .distinct = (clause->flags & WG_AST_DISTINCT) != 0};
    const wgi_relation input = *rel;
    p.input = &input;
    wgi_relation out;
    wg_plan *plan = input.plan;
    WG_TRY(collect_items(&p));
    if (p.aggregates) WG_TRY(prepare_aggregation(&p));
    for (uint32_t i = 0; i < p.visible_count; i++)
        WG_TRY(bind_over_input(&p, NULL, p.items[i].ast, false, &p.items[i].expr));
    WG_TRY(result_symbols(&p, &out));
    p.where_slot = UINT32_MAX;
    if (!p.distinct) {
        WG_TRY(bind_sort(&p, NULL));
        WG_TRY(bind_hidden_where(&p, &out));
    }
    if (p.aggregates) WG_TRY(aggregate_plan(&p, &plan));
    WG_TRY(project_plan(&p, plan, p.count, false, &plan));
    if (p.distinct) {
        WG_TRY(distinct_plan(&p, &plan));
        out.plan = plan;
        WG_TRY(bind_sort(&p, &out));
    }
    WG_TRY(sort_and_limit(&p, &plan));
    out.plan = plan;
    WG_TRY(filter_and_drop(&p, &out));
    WG_TRY(set_columns(&p, columns));
    *rel = out;
    return WG_OK;
}

/* FOR x IN list WITH ORDINALITY i: the places of the list are unwound, and the element is looked up at each. */
static wg_code unwind_places(wgi_binder *b, const wg_ast *clause, wg_expr *list, wgi_relation *rel, wg_expr **exprs) {
    wg_expr *args[3], *ends[2];
    wg_slice name;
    uint32_t slot;
    const wg_value one = wg_value_int(1), zero = wg_value_int(0);
    WG_TRY(wgi_hidden_name(b, &name));
    WG_TRY(wgi_add_slot(b, rel, list, name, &slot));
    WG_TRY(wgi_slot_expr(b, slot, list->type, clause, &args[0]));
    WG_TRY(wgi_call(b, clause, "size", args, 1, &ends[0]));
    WG_TRY(wgi_const_expr(b, &one, WG_TYPE_INT, clause, &ends[1]));
    WG_TRY(wgi_call(b, clause, "-", ends, 2, &args[1]));
    WG_TRY(wgi_const_expr(b, &zero, WG_TYPE_INT, clause, &args[0]));
    return wgi_call(b, clause, "range", args, 2, exprs);
}

static wg_code place_and_element(wgi_binder *b, const wg_ast *clause, uint32_t list_slot, wgi_relation *rel) {
    const wg_ast *place = clause->child[1];
    const wg_value from = wg_value_int(clause->flags & WG_AST_OFFSET ? 0 : 1);
    const uint32_t at = rel->plan->slot_count - 1;
    wgi_symbol symbol = {.name = clause->text, .type = WG_TYPE_ANY};
    wg_expr *args[2], *value;
    WG_TRY(wgi_slot_expr(b, list_slot, rel->plan->slot_types[list_slot], clause, &args[0]));
    WG_TRY(wgi_slot_expr(b, at, WG_TYPE_ANY, clause, &args[1]));
    WG_TRY(wgi_call(b, clause, "[]", args, 2, &value));
    WG_TRY(wgi_add_slot(b, rel, value, clause->text, &symbol.slot));
    WG_TRY(wgi_add_symbol(b, rel, &symbol));
    if (wgi_find(rel, place->text) != NULL)
        return wgi_error(b, WG_E_BIND, place, "variable '%.*s' exists already",
                         (int)wg_min_size(place->text.size, 64), (const char *)place->text.data);
    WG_TRY(wgi_slot_expr(b, at, WG_TYPE_ANY, place, &args[0]));
    WG_TRY(wgi_const_expr(b, &from, WG_TYPE_INT, place, &args[1]));
    WG_TRY(wgi_call(b, place, "+", args, 2, &value));
    symbol = (wgi_symbol){.name = place->text, .type = value->type};
    WG_TRY(wgi_add_slot(b, rel, value, place->text, &symbol.slot));
    return wgi_add_symbol(b, rel, &symbol);
}

/* What is known of the elements before there are any. */
static wg_type element_type(const wg_expr *list) {
    const bool range =
        list->kind == WG_EXPR_CALL && list->function == wg_function_find(wg_slice_str("range"), list->arg_count);
    return range ? WG_TYPE_INT : WG_TYPE_ANY;
}

wg_code wgi_unwind(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    const bool placed = clause->kind == WG_AST_UNWIND && clause->child_count > 1;
    wg_expr **exprs = wgi_alloc(b, 1, sizeof(wg_expr *));
    if (exprs == NULL) return WG_E_NOMEM;
    if (wgi_find(rel, clause->text) != NULL)
        return wgi_error(b, WG_E_BIND, clause, "variable '%.*s' exists already",
                         (int)wg_min_size(clause->text.size, 64), (const char *)clause->text.data);
    const wg_ast *list;
    WG_TRY(wgi_hoist(b, rel, clause->child[0], &list));
    WG_TRY(wgi_bind_in(b, rel, "in UNWIND", list, &exprs[0]));
    const uint32_t list_slot = rel->plan->slot_count;
    if (placed) WG_TRY(unwind_places(b, clause, exprs[0], rel, &exprs[0]));
    wg_plan *plan = wgi_plan(b, WG_PLAN_UNWIND, rel->plan, NULL);
    if (plan == NULL) return WG_E_NOMEM;
    plan->exprs = exprs;
    plan->expr_count = 1;
    plan->row_estimate = rel->plan->row_estimate * 10;
    const wgi_new_slot slot = {placed ? WG_TYPE_ANY : element_type(exprs[0]), clause->text};
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, &slot, 1));
    rel->plan = plan;
    if (placed) return place_and_element(b, clause, list_slot, rel);
    const wgi_symbol symbol = {.name = clause->text, .type = slot.type, .slot = plan->slot_count - 1};
    return wgi_add_symbol(b, rel, &symbol);
}
