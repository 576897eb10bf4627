/* query/plan: ANY, SHORTEST k and SHORTEST k GROUPS: of the paths between two ends some are kept, for each row and each pair of ends.
 *
 * One quantified relationship between two nodes, of which one path or all shortest ones are wanted, is searched breadth-first (SHORTEST).
 * Everything else is enumerated, sorted by ends, length and the ids of the relationships in order, and cut (PICK): rows come out in that order.
 *
 * What stands inside of the path is asked before the choice, the WHERE of the MATCH behind it; a condition that names nothing but the ends
 * says the same at both places, and is asked early. */
#include "query/plan/walk.h"

static bool is_selector(const wg_ast *path) { return path->op >= WG_AST_PATH_ANY_OF; }

bool wgi_is_selective(const wg_ast *match) {
    const wg_ast *pattern = match->child[0];
    for (uint32_t i = 0; i < pattern->child_count; i++)
        if (is_selector(pattern->child[i])) return true;
    return false;
}

/* A path with a name for it and its ends; its own array of elements. */
static wg_code name_path(wgi_binder *b, const wg_ast *path, wg_ast **out) {
    WG_TRY(wgi_name_elements(b, path, out));
    if ((*out)->text.size == 0) WG_TRY(wgi_hidden_name(b, &(*out)->text));
    return WG_OK;
}

static wg_code ends_of(wgi_binder *b, const wg_ast *path, const wgi_relation *rel, wgi_relation *out) {
    *out = (wgi_relation){0};
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, out, &rel->symbols[i]));
    for (uint32_t i = 0; i < 2; i++) {
        const wg_ast *end = path->child[i == 0 ? 0 : path->child_count - 1];
        const wgi_symbol symbol = {.name = end->text, .type = WG_TYPE_NODE};
        if (wgi_find(out, end->text) == NULL) WG_TRY(wgi_add_symbol(b, out, &symbol));
    }
    return WG_OK;
}

static bool is_early(const wg_ast *condition, const wgi_relation *ends) { return wgi_covered(condition, ends); }

/* Whether one search from an end to the other finds the paths: one quantified relationship, conditions of the path on its ends alone. */
static bool is_search(const wg_ast *path, const wgi_relation *ends) {
    if (path->child_count != 3 || path->i != 1 || !(path->child[1]->flags & WG_AST_VARIABLE_LENGTH)) return false;
    const wg_ast *walk = path->child[1];
    if (walk->i > 1 || (walk->kind == WG_AST_GROUP && walk->child[1]->child_count != 3)) return false;
    for (uint32_t i = 0; i < 3; i += 2)
        for (uint32_t k = 1; k < path->child[i]->child_count; k++)
            if (path->child[i]->child[k]->kind == WG_AST_WHERE && !is_early(path->child[i]->child[k]->child[0], ends))
                return false;
    return true;
}

/* The conditions of the WHERE that name only ends (`early`), or the others, as one tree; NULL: there are none. */
static wg_code part_of(wgi_binder *b, wg_ast *where, const wgi_relation *ends, bool early, wg_ast **out) {
    *out = NULL;
    if (where == NULL) return WG_OK;
    if (where->kind != WG_AST_NARY || where->op != WG_OP_AND) {
        if (is_early(where, ends) == early) *out = where;
        return WG_OK;
    }
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **kept = wgi_alloc(b, where->child_count, sizeof *kept);
    if (copy == NULL || kept == NULL) return WG_E_NOMEM;
    *copy = *where;
    copy->child = kept;
    copy->child_count = 0;
    for (uint32_t i = 0; i < where->child_count; i++)
        if (is_early(where->child[i], ends) == early) kept[copy->child_count++] = where->child[i];
    if (copy->child_count > 0) *out = copy->child_count == 1 ? kept[0] : copy;
    return WG_OK;
}

static wg_code match_of(wgi_binder *b, const wg_ast *match, wg_ast *path, wg_ast *where, wg_ast **out) {
    wg_ast *pattern = wgi_alloc(b, 1, sizeof *pattern);
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(b, 3, sizeof *children);
    if (pattern == NULL || copy == NULL || children == NULL) return WG_E_NOMEM;
    *pattern = *match->child[0];
    *copy = *match;
    copy->flags = (uint8_t)(match->flags & ~WG_AST_OPTIONAL);
    pattern->child = &children[2];
    pattern->child_count = 1;
    children[0] = pattern;
    children[1] = where;
    children[2] = path;
    copy->child = children;
    *out = copy;
    return WG_OK;
}

/* ---- enumerating */

static wg_code sort_paths(wgi_binder *b, const wg_ast *path, wgi_relation *rel) {
    wg_plan *plan = wgi_plan(b, WG_PLAN_SORT, rel->plan, NULL);
    wg_sort_item *items = wgi_alloc(b, 3, sizeof *items);
    wg_expr *value;
    if (plan == NULL || items == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < 2; i++) {
        const wgi_symbol *end = wgi_find(rel, path->child[i == 0 ? 0 : path->child_count - 1]->text);
        WG_TRY(wgi_slot_expr(b, end->slot, end->type, path, &value));
        WG_TRY(wgi_call(b, path, "id", &value, 1, &items[i].expr));
    }
    WG_TRY(wgi_slot_expr(b, wgi_find(rel, path->text)->slot, WG_TYPE_PATH, path, &value));
    WG_TRY(wgi_call(b, path, "%path_key", &value, 1, &items[2].expr));
    plan->sort_items = items;
    plan->sort_item_count = 3;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    return WG_OK;
}

static wg_code pick_paths(wgi_binder *b, const wg_ast *path, wgi_relation *rel) {
    wg_plan *plan = wgi_plan(b, WG_PLAN_PICK, rel->plan, NULL);
    wg_expr **exprs = wgi_alloc(b, 3, sizeof(wg_expr *));
    wg_expr *value;
    if (plan == NULL || exprs == NULL) return WG_E_NOMEM;
    for (uint32_t i = 0; i < 2; i++) {
        const wgi_symbol *end = wgi_find(rel, path->child[i == 0 ? 0 : path->child_count - 1]->text);
        WG_TRY(wgi_slot_expr(b, end->slot, end->type, path, &exprs[i]));
    }
    WG_TRY(wgi_slot_expr(b, wgi_find(rel, path->text)->slot, WG_TYPE_PATH, path, &value));
    WG_TRY(wgi_call(b, path, "length", &value, 1, &exprs[2]));
    plan->exprs = exprs;
    plan->expr_count = 2;
    plan->right_exprs = exprs + 2;
    plan->hops_max = (uint32_t)(path->i < UINT32_MAX ? path->i : UINT32_MAX);
    plan->all_shortest = path->op == WG_AST_PATH_GROUPS_OF;
    WG_TRY(wgi_plan_slots(b, plan, rel->plan, NULL, NULL, 0));
    rel->plan = plan;
    return WG_OK;
}

static wg_code enumerate(wgi_binder *b, const wg_ast *match, wg_ast *path, wgi_relation *rel,
                         const wgi_relation *ends) {
    wg_ast *early, *late, *inner, *all = wgi_alloc(b, 1, sizeof *all);
    if (all == NULL) return WG_E_NOMEM;
    *all = *path;
    all->op = WG_AST_PATH_MODE;
    WG_TRY(part_of(b, match->child[1], ends, true, &early));
    WG_TRY(part_of(b, match->child[1], ends, false, &late));
    WG_TRY(match_of(b, match, all, early, &inner));
    WG_TRY(wgi_match(b, inner, rel));
    WG_TRY(sort_paths(b, path, rel));
    WG_TRY(pick_paths(b, path, rel));
    return late != NULL ? wgi_where(b, late, rel) : WG_OK;
}

static wg_code search(wgi_binder *b, const wg_ast *match, wg_ast *path, wgi_relation *rel) {
    wg_ast *inner, *shortest = wgi_alloc(b, 1, sizeof *shortest);
    if (shortest == NULL) return WG_E_NOMEM;
    *shortest = *path;
    shortest->op = path->op == WG_AST_PATH_GROUPS_OF ? WG_AST_PATH_ALL_SHORTEST : WG_AST_PATH_SHORTEST;
    if (path->j == WG_AST_MODE_DEFAULT)
        shortest->j = match->flags & WG_AST_REPEATABLE ? WG_AST_MODE_WALK : WG_AST_MODE_TRAIL;
    WG_TRY(match_of(b, match, shortest, match->child[1], &inner));
    return wgi_match(b, inner, rel);
}

static wg_code select_paths(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    wg_ast *path;
    wgi_relation ends;
    WG_TRY(name_path(b, match->child[0]->child[0], &path));
    WG_TRY(ends_of(b, path, rel, &ends));
    return is_search(path, &ends) ? search(b, match, path, rel) : enumerate(b, match, path, rel, &ends);
}

wg_code wgi_match_selective(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    wgi_relation inner;
    if (match->child[0]->child_count != 1)
        return wgi_error(
            b, WG_E_BIND, match->child[0],
            "a pattern that asks for ANY or SHORTEST paths must be alone in its MATCH; write several MATCH");
    if (wgi_is_unit(rel)) return select_paths(b, match, rel);
    WG_TRY(wgi_argument(b, rel, &inner));
    WG_TRY(select_paths(b, match, &inner));
    return wgi_apply(b, rel, &inner, match);
}
