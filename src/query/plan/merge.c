/* query/plan: MERGE.
 *
 * The pattern is planned twice over the same names: as a MATCH that runs for one row at a time (its leaf is that row), and as a
 * CREATE. Elements without a name get a hidden one, so that both give the same slots. Labels and keys are made before the search
 * is planned: it must find what earlier rows of the same MERGE create under a new label. */
#include "query/plan/planner.h"

static wg_ast *copy_ast(wgi_binder *b, const wg_ast *from) {
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    if (copy != NULL) *copy = *from;
    return copy;
}

static wg_code match_of_path(wgi_binder *b, wg_ast *path, wg_ast **out) {
    wg_ast *pattern = copy_ast(b, path), *match = copy_ast(b, path);
    wg_ast **children = wgi_alloc(b, 3, sizeof *children);
    if (pattern == NULL || match == NULL || children == NULL) return WG_E_NOMEM;
    children[0] = path;
    children[1] = pattern;
    *pattern = (wg_ast){.kind = WG_AST_PATTERN, .start = path->start, .end = path->end, .child_count = 1};
    *match = (wg_ast){.kind = WG_AST_MATCH, .start = path->start, .end = path->end, .child_count = 2};
    pattern->child = &children[0];
    match->child = &children[1]; /* pattern, no WHERE */
    *out = match;
    return WG_OK;
}

/* The rows of the search: the ids of what the pattern would create, in that order. */
static wg_code plan_search(wgi_binder *b, wg_ast *path, const wgi_relation *rel, const wgi_symbol *symbols,
                           uint32_t count, wg_plan **out) {
    wgi_relation inner;
    wg_ast unnamed = *path, *match;
    unnamed.text = (wg_slice){0};
    WG_TRY(wgi_argument(b, rel, &inner));
    inner.writes = true; /* it sees what earlier rows wrote */
    wgi_forget_properties(&inner);
    wg_ast *path_of_search = copy_ast(b, &unnamed);
    if (path_of_search == NULL) return WG_E_NOMEM;
    WG_TRY(match_of_path(b, path_of_search, &match));
    WG_TRY(wgi_match(b, match, &inner));
    wg_plan *project = wgi_plan(b, WG_PLAN_PROJECT, inner.plan, NULL);
    wg_expr **exprs = wgi_alloc(b, count, sizeof(wg_expr *));
    wgi_new_slot *slots = wgi_alloc(b, count, sizeof *slots);
    if (project == NULL || exprs == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        const wgi_symbol *symbol = wgi_find(&inner, symbols[i].name);
        WG_ASSERT(symbol != NULL);
        WG_TRY(wgi_slot_expr(b, symbol->slot, symbols[i].type, path, &exprs[i]));
        slots[i] = (wgi_new_slot){symbols[i].type, symbols[i].name};
    }
    project->exprs = exprs;
    project->expr_count = count;
    WG_TRY(wgi_plan_slots(b, project, NULL, NULL, slots, count));
    *out = project;
    return WG_OK;
}

static wg_code bind_actions(wgi_binder *b, const wg_ast *clause, const wgi_relation *rel, wg_plan *plan) {
    wg_set_item *lists[2] = {NULL, NULL};
    uint32_t counts[2] = {0, 0}, room[2] = {0, 0};
    for (uint32_t i = 1; i < clause->child_count; i++)
        room[clause->child[i]->kind == WG_AST_ON_CREATE] += clause->child[i]->child[0]->child_count;
    for (uint32_t k = 0; k < 2; k++)
        if ((lists[k] = wgi_alloc(b, room[k], sizeof(wg_set_item))) == NULL) return WG_E_NOMEM;
    for (uint32_t i = 1; i < clause->child_count; i++) {
        const bool on_create = clause->child[i]->kind == WG_AST_ON_CREATE;
        const wg_ast *set = clause->child[i]->child[0];
        WG_TRY(wgi_set_items_of(b, set, rel, lists[on_create] + counts[on_create], &counts[on_create]));
    }
    plan->sets = lists[0];
    plan->set_count = counts[0];
    plan->on_create = lists[1];
    plan->on_create_count = counts[1];
    return WG_OK;
}

wg_code wgi_merge(wgi_binder *b, const wg_ast *clause, wgi_relation *rel) {
    wg_ast *path;
    wg_create_item *items;
    wgi_symbol *symbols;
    uint32_t count;
    wg_plan *search;
    if (clause->child[0]->text.size > 0 && wgi_find(rel, clause->child[0]->text) != NULL)
        return wgi_error(b, WG_E_BIND, clause->child[0], "the path variable of MERGE exists already");
    WG_TRY(wgi_name_elements(b, clause->child[0], &path));
    WG_TRY(wgi_create_items_of(b, path, rel, &items, &symbols, &count));
    WG_TRY(plan_search(b, path, rel, symbols, count, &search));
    wg_plan *plan = wgi_plan(b, WG_PLAN_MERGE, rel->plan, search);
    wgi_new_slot *slots = wgi_alloc(b, count, sizeof *slots);
    if (plan == NULL || slots == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) slots[i] = (wgi_new_slot){symbols[i].type, symbols[i].name};
    plan->creates = items;
    plan->create_count = count;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, slots, count));
    rel->plan = plan;
    rel->writes = true;
    wgi_forget_properties(rel);
    for (uint32_t i = 0; i < count; i++) WG_TRY(wgi_add_symbol(b, rel, &symbols[i]));
    WG_TRY(bind_actions(b, clause, rel, plan));
    return path->text.size > 0 ? wgi_path_value(b, path, rel) : WG_OK;
}
