/* query/plan: ANY, SHORTEST k and SHORTEST k GROUPS: of the paths between two ends some are kept, for each row and each pair of ends.
 *
 * One quantified relationship or path between two nodes is searched (SHORTEST). With single relationships before and behind it these are matched
 * first, the search goes on from each of their matches, and of all that is found the first are kept (PICK): as many of each match are enough, because
 * the others of its paths come later for the same ends. A path with more than one quantifier, one whose conditions look at the whole, and one
 * in which no node may come again beyond its quantifier is enumerated, sorted by ends, length and the ids of the relationships in order, and cut.
 *
 * What stands inside of the path is asked before the choice, the WHERE of the MATCH behind it; a condition that names nothing but the ends
 * says the same at both places, and is asked early.
 *
 * Several paths in a MATCH are chosen each for itself, then joined on what they share: the paths without a selector first, as one pattern, then
 * those with one in the order of the text, over the rows that are there. Ends that are known already restrict a path without changing the choice. A
 * node within that is known already, and that relationships of different paths must differ, is asked behind the choice. */
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

/* Whether one search from an end to the other finds the paths: one quantified relationship or path, conditions of the whole on its ends alone. */
static bool is_search(const wg_ast *path, const wgi_relation *ends) {
    if (path->child_count != 3 || !(path->child[1]->flags & WG_AST_VARIABLE_LENGTH)) return false;
    for (uint32_t i = 0; i < 3; i += 2)
        for (uint32_t k = 1; k < path->child[i]->child_count; k++)
            if (path->child[i]->child[k]->kind == WG_AST_WHERE && !is_early(path->child[i]->child[k]->child[0], ends))
                return false;
    return true;
}

wg_code wgi_part_of(wgi_binder *b, wg_ast *where, const wgi_relation *ends, bool early, wg_ast **out) {
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

wg_code wgi_match_of(wgi_binder *b, const wg_ast *match, wg_ast *const *paths, uint32_t count, wg_ast *where,
                     wg_ast **out) {
    wg_ast *pattern = wgi_alloc(b, 1, sizeof *pattern);
    wg_ast *copy = wgi_alloc(b, 1, sizeof *copy);
    wg_ast **children = wgi_alloc(b, 2 + (size_t)count, sizeof *children);
    if (pattern == NULL || copy == NULL || children == NULL) return WG_E_NOMEM;
    *pattern = *match->child[0];
    *copy = *match;
    copy->flags = (uint8_t)(match->flags & ~WG_AST_OPTIONAL);
    pattern->child = &children[2];
    pattern->child_count = count;
    children[0] = pattern;
    children[1] = where;
    if (count > 0) memcpy(&children[2], paths, count * sizeof *paths);
    copy->child = children;
    *out = copy;
    return WG_OK;
}

/* ---- choosing */

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

/* ---- searching */

static wg_ast_path_mode mode_of(const wg_ast *match, const wg_ast *path) {
    if (path->j != WG_AST_MODE_DEFAULT) return (wg_ast_path_mode)path->j;
    return match->flags & WG_AST_REPEATABLE ? WG_AST_MODE_WALK : WG_AST_MODE_TRAIL;
}

/* Elements [first, first + count) of the path as one of their own. */
static wg_code piece_of(wgi_binder *b, const wg_ast *path, uint32_t first, uint32_t count, wg_ast **out) {
    wg_ast *piece = wgi_alloc(b, 1, sizeof *piece);
    if (piece == NULL) return WG_E_NOMEM;
    *piece = *path;
    piece->text = (wg_slice){0};
    piece->child = path->child + first;
    piece->child_count = count;
    piece->op = WG_AST_PATH_MODE;
    *out = piece;
    return WG_OK;
}

static void make_search(const wg_ast *match, const wg_ast *path, wg_ast *out) {
    out->op = path->op == WG_AST_PATH_GROUPS_OF ? WG_AST_PATH_ALL_SHORTEST : WG_AST_PATH_SHORTEST;
    out->j = mode_of(match, path);
}

static wg_code search(wgi_binder *b, const wg_ast *match, wg_ast *path, wgi_relation *rel) {
    wg_ast *inner, *shortest = wgi_alloc(b, 1, sizeof *shortest);
    if (shortest == NULL) return WG_E_NOMEM;
    *shortest = *path;
    make_search(match, path, shortest);
    WG_TRY(wgi_match_of(b, match, &shortest, 1, match->child[1], &inner));
    return wgi_match(b, inner, rel);
}

/* The one quantified element of a path that can be searched between what single relationships before and behind it match; 0: none. */
static wg_code framed(wgi_binder *b, const wg_ast *match, const wg_ast *path, const wgi_relation *rel,
                      uint32_t *out) {
    const wg_ast_path_mode mode = mode_of(match, path);
    wgi_relation fixed = {0};
    uint32_t walk = 0;
    *out = 0;
    if (mode == WG_AST_MODE_ACYCLIC || mode == WG_AST_MODE_SIMPLE) return WG_OK;
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, &fixed, &rel->symbols[i]));
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *element = path->child[i];
        const wgi_symbol symbol = {.name = element->text, .type = i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_EDGE};
        const bool quantified = i % 2 == 1 && (element->flags & WG_AST_VARIABLE_LENGTH) != 0;
        if (quantified && walk != 0) return WG_OK;
        if (quantified) walk = i;
        else if (wgi_find(&fixed, element->text) == NULL) WG_TRY(wgi_add_symbol(b, &fixed, &symbol));
    }
    for (uint32_t i = 0; i < path->child_count; i++)
        for (uint32_t k = 0; k < path->child[i]->child_count && i != walk; k++)
            if (path->child[i]->child[k] != NULL && !wgi_covered(path->child[i]->child[k], &fixed)) return WG_OK;
    if (walk == 0 || (path->child[walk]->child[0] != NULL && !wgi_covered(path->child[walk]->child[0], &fixed)))
        return WG_OK;
    *out = walk;
    return WG_OK;
}

static wg_code search_framed(wgi_binder *b, const wg_ast *match, wg_ast *path, uint32_t walk, wg_ast *early,
                             wgi_relation *rel) {
    wg_ast *pieces[3], *inner;
    uint32_t count = 0;
    WG_TRY(piece_of(b, path, walk - 1, 3, &pieces[count++]));
    make_search(match, path, pieces[0]);
    if (walk > 1) WG_TRY(piece_of(b, path, 0, walk, &pieces[count++]));
    if (walk + 2 < path->child_count)
        WG_TRY(piece_of(b, path, walk + 1, path->child_count - walk - 1, &pieces[count++]));
    for (uint32_t i = 1; i < count; i++) pieces[i]->j = mode_of(match, path);
    WG_TRY(wgi_match_of(b, match, pieces, count, early, &inner));
    WG_TRY(wgi_match(b, inner, rel));
    return wgi_path_value(b, path, rel);
}

/* Finds more than what is wanted, and keeps that. */
static wg_code choose(wgi_binder *b, const wg_ast *match, wg_ast *path, const wgi_relation *ends, wgi_relation *rel) {
    wg_ast *early, *late, *inner, *all = wgi_alloc(b, 1, sizeof *all);
    uint32_t walk;
    if (all == NULL) return WG_E_NOMEM;
    *all = *path;
    all->op = WG_AST_PATH_MODE;
    WG_TRY(wgi_part_of(b, match->child[1], ends, true, &early));
    WG_TRY(wgi_part_of(b, match->child[1], ends, false, &late));
    WG_TRY(framed(b, match, path, rel, &walk));
    if (walk != 0) {
        WG_TRY(search_framed(b, match, path, walk, early, rel));
    } else {
        WG_TRY(wgi_match_of(b, match, &all, 1, early, &inner));
        WG_TRY(wgi_match(b, inner, rel));
    }
    WG_TRY(sort_paths(b, path, rel));
    WG_TRY(pick_paths(b, path, rel));
    return late != NULL ? wgi_where(b, late, rel) : WG_OK;
}

/* `path` has names for all of its elements. */
static wg_code select_path(wgi_binder *b, const wg_ast *match, wg_ast *path, wgi_relation *rel) {
    wgi_relation ends;
    WG_TRY(ends_of(b, path, rel, &ends));
    return is_search(path, &ends) ? search(b, match, path, rel) : choose(b, match, path, &ends, rel);
}

static wg_code select_for_rows(wgi_binder *b, const wg_ast *match, wg_ast *path, wgi_relation *rel) {
    wgi_relation inner;
    if (wgi_is_unit(rel)) return select_path(b, match, path, rel);
    WG_TRY(wgi_argument(b, rel, &inner));
    WG_TRY(select_path(b, match, path, &inner));
    return wgi_apply(b, rel, &inner, match);
}

wg_code wgi_match_selective(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    wg_ast *path;
    if (match->child[0]->child_count != 1) return wgi_match_several(b, match, rel);
    WG_TRY(name_path(b, match->child[0]->child[0], &path));
    return select_for_rows(b, match, path, rel);
}
