/* query/plan: a MATCH of several paths of which some have a selector (select.c). Each path is chosen for itself: what another path, or the WHERE
 * of the MATCH, asks beyond its ends is asked of the paths that were chosen.
 *
 * The paths without a selector are one pattern, planned first. Each path with one is then found for the rows that are there; where it shares nothing
 * with them it is found once, and joined as a product. */
#include "query/plan/walk.h"

typedef struct several {
    wgi_binder *b;
    const wg_ast *match;
    wg_ast **paths; /* with names for everything, in the order of planning: those without a selector first */
    uint32_t count;
    uint32_t plain; /* so many have none */
    wg_ast *where;  /* what has not been asked yet; NULL: nothing */
} several;

static bool is_selector(const wg_ast *path) { return path->op >= WG_AST_PATH_ANY_OF; }

static wg_code read_paths(several *s) {
    const wg_ast *pattern = s->match->child[0];
    s->paths = wgi_alloc(s->b, pattern->child_count, sizeof *s->paths);
    if (s->paths == NULL) return WG_E_NOMEM;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < pattern->child_count; i++) {
            if (is_selector(pattern->child[i]) != (pass == 1)) continue;
            wg_ast **path = &s->paths[s->count++];
            WG_TRY(wgi_name_elements(s->b, pattern->child[i], path));
            if ((*path)->text.size == 0) WG_TRY(wgi_hidden_name(s->b, &(*path)->text));
        }
        if (pass == 0) s->plain = s->count;
    }
    return WG_OK;
}

static wg_code add_name(wgi_binder *b, wg_slice name, wg_type type, wgi_relation *names) {
    const wgi_symbol symbol = {.name = name, .type = type};
    return name.size == 0 || wgi_find(names, name) != NULL ? WG_OK : wgi_add_symbol(b, names, &symbol);
}

static wg_code add_names(wgi_binder *b, const wg_ast *path, wgi_relation *names) {
    WG_TRY(add_name(b, path->text, WG_TYPE_PATH, names));
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *element = path->child[i];
        WG_TRY(add_name(b, element->text, i % 2 == 0 ? WG_TYPE_NODE : WG_TYPE_ANY, names));
        for (uint32_t k = 0; element->kind == WG_AST_GROUP && k < element->child[1]->child_count; k++)
            WG_TRY(add_name(b, element->child[1]->child[k]->text, WG_TYPE_LIST, names));
    }
    return WG_OK;
}

/* Takes those conditions out of what is left that name nothing but `names`. */
static wg_code take_where(several *s, const wgi_relation *names, wg_ast **out) {
    wg_ast *rest;
    WG_TRY(wgi_part_of(s->b, s->where, names, true, out));
    WG_TRY(wgi_part_of(s->b, s->where, names, false, &rest));
    s->where = rest;
    return WG_OK;
}

static wg_code names_of(several *s, const wgi_relation *rel, uint32_t first, uint32_t count, wgi_relation *out) {
    *out = (wgi_relation){0};
    for (uint32_t i = 0; rel != NULL && i < rel->symbol_count; i++)
        WG_TRY(wgi_add_symbol(s->b, out, &rel->symbols[i]));
    for (uint32_t i = 0; i < count; i++) WG_TRY(add_names(s->b, s->paths[first + i], out));
    return WG_OK;
}

static wg_code match_plain(several *s, wgi_relation *rel) {
    wgi_relation names;
    wg_ast *where, *inner;
    if (s->plain == 0) return WG_OK;
    WG_TRY(names_of(s, rel, 0, s->plain, &names));
    WG_TRY(take_where(s, &names, &where));
    WG_TRY(wgi_match_of(s->b, s->match, s->paths, s->plain, where, &inner));
    return wgi_match(s->b, inner, rel);
}

/* ---- what is asked behind the choice */

static wg_code filter_call(several *s, wgi_relation *rel, const wg_ast *at, const char *function, wg_slice left,
                           wg_slice right) {
    const wgi_symbol *x = wgi_find(rel, left), *y = wgi_find(rel, right);
    wg_expr *args[2], *condition;
    WG_TRY(wgi_slot_expr(s->b, x->slot, x->type, at, &args[0]));
    WG_TRY(wgi_slot_expr(s->b, y->slot, y->type, at, &args[1]));
    for (uint32_t i = 0; i < 2 && x->type == WG_TYPE_PATH; i++)
        WG_TRY(wgi_call(s->b, at, "relationships", &args[i], 1, &args[i]));
    WG_TRY(wgi_call(s->b, at, function, args, 2, &condition));
    return wgi_filter(s->b, rel, condition);
}

static bool is_walk(const several *s, const wg_ast *path) {
    return (s->match->flags & WG_AST_REPEATABLE) != 0 ||
           (path->j == WG_AST_MODE_WALK && !(s->match->flags & WG_AST_DIFFERENT));
}

/* Relationships of different paths differ, unless the MATCH or a path says that they need not. */
static wg_code differ(several *s, uint32_t number, wgi_relation *rel) {
    const wg_ast *path = s->paths[number];
    for (uint32_t i = 0; i < number; i++) {
        const wg_ast *other = s->paths[i];
        if (is_walk(s, path) || is_walk(s, other) || path->child_count == 1 || other->child_count == 1) continue;
        WG_TRY(filter_call(s, rel, path, "%disjoint", path->text, other->text));
    }
    return WG_OK;
}

/* A node within the path that is known already is matched under another name, and must be the same one. */
static wg_code rename_inner(several *s, wg_ast *path, const wgi_relation *rel, wg_slice *out_names) {
    const uint32_t last = path->child_count - 1;
    for (uint32_t i = 1; i < last; i++) {
        const wg_slice name = path->child[i]->text;
        const bool end = wg_slice_equal(name, path->child[0]->text) || wg_slice_equal(name, path->child[last]->text);
        if (wgi_find(rel, name) == NULL || end) continue;
        if (i % 2 == 1)
            return wgi_error(s->b, WG_E_BIND, path->child[i],
                             "relationship '%.*s' is known already and cannot stand in a path that is chosen",
                             (int)wg_min_size(name.size, 64), (const char *)name.data);
        out_names[i] = name;
        WG_TRY(wgi_hidden_name(s->b, &path->child[i]->text));
        for (uint32_t k = i + 2; k < last; k += 2)
            if (wg_slice_equal(path->child[k]->text, name)) path->child[k]->text = path->child[i]->text;
    }
    return WG_OK;
}

static wg_code match_selected(several *s, uint32_t number, wgi_relation *rel) {
    wg_ast *path = s->paths[number], *where, *inner;
    wg_slice *known = wgi_alloc(s->b, path->child_count, sizeof *known);
    wgi_relation names, alone;
    if (known == NULL) return WG_E_NOMEM;
    WG_TRY(rename_inner(s, path, rel, known));
    const bool apart = !wgi_is_unit(rel) && !wgi_mentions(path, rel);
    WG_TRY(names_of(s, apart ? NULL : rel, number, 1, &names));
    WG_TRY(take_where(s, &names, &where));
    WG_TRY(wgi_match_of(s->b, s->match, &path, 1, where, &inner));
    if (apart) {
        WG_TRY(wgi_unit(s->b, &alone));
        WG_TRY(wgi_match_selective(s->b, inner, &alone));
        const wgi_relation left = *rel;
        WG_TRY(wgi_cross(s->b, &left, &alone, rel));
    } else {
        WG_TRY(wgi_match_selective(s->b, inner, rel));
    }
    for (uint32_t i = 0; i < path->child_count; i++)
        if (known[i].size > 0) WG_TRY(filter_call(s, rel, path, "=", known[i], path->child[i]->text));
    return differ(s, number, rel);
}

wg_code wgi_match_several(wgi_binder *b, const wg_ast *match, wgi_relation *rel) {
    several s = {.b = b, .match = match, .where = match->child[1]};
    WG_TRY(read_paths(&s));
    WG_TRY(match_plain(&s, rel));
    for (uint32_t i = s.plain; i < s.count; i++) WG_TRY(match_selected(&s, i, rel));
    return s.where != NULL ? wgi_where(b, s.where, rel) : WG_OK;
}
