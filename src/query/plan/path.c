/* query/plan: the values of named paths. A path is made from its first node and its relationships in order; a relationship of variable
 * length is the list of its relationships. The nodes between follow from these. */
#include "query/plan/planner.h"

/* Adds a slot with `value` behind those of the relation. */
wg_code wgi_add_slot(wgi_binder *b, wgi_relation *rel, wg_expr *value, wg_slice name, uint32_t *out_slot) {
    const uint32_t count = rel->plan->slot_count;
    wg_plan *plan = wgi_plan(b, WG_PLAN_PROJECT, rel->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, count + (size_t)1, sizeof(wg_expr *));
    const wgi_new_slot slot = {value->type, name};
    if (plan == NULL || exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) WG_TRY(wgi_slot_expr(b, i, rel->plan->slot_types[i], NULL, &exprs[i]));
    exprs[count] = value;
    plan->exprs = exprs;
    plan->expr_count = count + 1;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, &slot, 1));
    rel->plan = plan;
    *out_slot = count;
    return WG_OK;
}

wg_code wgi_path_value(wgi_binder *b, const wg_ast *path, wgi_relation *rel) {
    enum { ARGS_MAX = 255 };
    const uint32_t count = path->child_count / 2 + 1;
    wg_expr **args = wgi_alloc(b, count, sizeof(wg_expr *));
    wg_expr *value;
    if (args == NULL) return WG_E_NOMEM;
    if (count >= ARGS_MAX) return wgi_error(b, WG_E_LIMIT, path, "a named path may have at most %d parts", ARGS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        const wg_ast *part = i == 0 ? path->child[0] : path->child[2 * i - 1];
        const wgi_symbol *symbol = wgi_find(rel, part->text);
        WG_ASSERT(symbol != NULL);
        WG_TRY(wgi_slot_expr(b, symbol->slot, symbol->type, part, &args[i]));
    }
    WG_TRY(wgi_call(b, path, "%path", args, count, &value));
    wgi_symbol symbol = {.name = path->text, .type = WG_TYPE_PATH};
    WG_TRY(wgi_add_slot(b, rel, value, path->text, &symbol.slot));
    return wgi_add_symbol(b, rel, &symbol);
}

wg_code wgi_name_elements(wgi_binder *b, const wg_ast *path, wg_ast **out) {
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(b, path->child_count, sizeof *children);
    if (copy == NULL || children == NULL) return WG_E_NOMEM;
    *copy = *path;
    for (uint32_t i = 0; i < path->child_count; i++) {
        if ((children[i] = wgi_alloc(b, 1, sizeof(wg_ast))) == NULL) return WG_E_NOMEM;
        *children[i] = *path->child[i];
        if (children[i]->text.size == 0) WG_TRY(wgi_hidden_name(b, &children[i]->text));
    }
    copy->child = children;
    *out = copy;
    return WG_OK;
}

wg_code wgi_name_pattern(wgi_binder *b, const wg_ast *pattern, wg_ast **out) {
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **paths = wgi_alloc(b, pattern->child_count, sizeof *paths);
    if (copy == NULL || paths == NULL) return WG_E_NOMEM;
    *copy = *pattern;
    for (uint32_t i = 0; i < pattern->child_count; i++) {
        paths[i] = pattern->child[i];
        const bool checked = paths[i]->j == WG_AST_MODE_ACYCLIC || paths[i]->j == WG_AST_MODE_SIMPLE;
        if (paths[i]->text.size == 0 && !checked) continue;
        WG_TRY(wgi_name_elements(b, pattern->child[i], &paths[i]));
        if (paths[i]->text.size == 0) WG_TRY(wgi_hidden_name(b, &paths[i]->text));
    }
    copy->child = paths;
    *out = copy;
    return WG_OK;
}
