/* query/plan: which MATCH clauses in a row are one pattern: those that neither write nor name paths. Their order is free then, and conditions of
 * one can start another. */
#include "query/optimize/optimize.h"

/* Adds the names of a pattern to what is visible. False: the pattern has a name that keeps it from being planned with what is before. */
static wg_code see_names(wgi_binder *b, const wg_ast *pattern, wgi_relation *visible, uint32_t *elements, bool *out) {
    *out = true;
    for (uint32_t p = 0; p < pattern->child_count; p++) {
        const wg_ast *path = pattern->child[p];
        if (path->text.size > 0 || path->op != WG_AST_PATH_ALL) *out = false;
        *elements += path->child_count;
        for (uint32_t i = 0; i < path->child_count && *out; i++) {
            const wg_ast *element = path->child[i];
            const bool node = element->kind == WG_AST_NODE;
            if (element->text.size == 0) continue;
            const wgi_symbol *seen = wgi_find(visible, element->text);
            if (seen != NULL && (!node || seen->type != WG_TYPE_NODE)) *out = false;
            const wgi_symbol symbol = {.name = element->text, .type = node ? WG_TYPE_NODE : WG_TYPE_EDGE};
            if (seen == NULL) WG_TRY(wgi_add_symbol(b, visible, &symbol));
        }
    }
    return WG_OK;
}

/* True when the clause says nothing about names that a later clause may bring, nor anything that asks for rows of its own. */
static bool is_closed(const wg_ast *match, const wgi_relation *visible) {
    return !wgi_has_subquery(match) && wgi_covered(match, visible);
}

wg_code wgi_match_run(wgi_binder *b, const wg_ast *single, uint32_t first, const wgi_relation *rel,
                      uint32_t *out_count) {
    enum { TOGETHER_MAX = 64 };
    wgi_relation visible = {0};
    uint32_t count = 0, elements = 0;
    *out_count = 1;
    if (b->optimizer_off || rel->writes || rel->per_row) return WG_OK;
    for (uint32_t i = 0; i < rel->symbol_count; i++) WG_TRY(wgi_add_symbol(b, &visible, &rel->symbols[i]));
    for (uint32_t i = first; i < single->child_count; i++) {
        const wg_ast *clause = single->child[i];
        bool fits;
        if (clause->kind != WG_AST_MATCH || (clause->flags & WG_AST_OPTIONAL)) break;
        WG_TRY(see_names(b, clause->child[0], &visible, &elements, &fits));
        if (!fits || elements > TOGETHER_MAX) break;
        count++;
        if (!is_closed(clause, &visible)) break;
    }
    *out_count = count > 0 ? count : 1;
    return WG_OK;
}
