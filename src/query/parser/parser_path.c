/* query/parser: quantifiers, and what stands before a path: which paths are wanted, and what each may repeat. The words are names elsewhere. */
#include "query/parser/parser_internal.h"

static bool punct_ahead(const wgi_parser *p, uint32_t ahead, wg_punct punct) {
    const wg_token *t = wgi_peek_at(p, ahead);
    return t->kind == WG_TOKEN_PUNCT && t->punct == punct;
}

bool wgi_at_quantifier(const wgi_parser *p) {
    if (wgi_at_punct(p, WG_P_PLUS) || wgi_at_punct(p, WG_P_STAR)) return true;
    return wgi_at_punct(p, WG_P_LBRACE) &&
           (wgi_peek_at(p, 1)->kind == WG_TOKEN_INTEGER || punct_ahead(p, 1, WG_P_COMMA));
}

static bool bound(wgi_parser *p, int64_t *out) {
    if (wgi_peek(p)->kind != WG_TOKEN_INTEGER) return true;
    const wg_ast *n = wgi_integer_or_parameter(p, "a number of repetitions");
    if (n == NULL) return false;
    *out = n->i;
    return true;
}

bool wgi_quantifier(wgi_parser *p, bool *out_any, int64_t *out_least, int64_t *out_most) {
    const uint32_t start = wgi_start(p);
    *out_any = wgi_at_quantifier(p);
    if (!*out_any) return true;
    *out_least = 0;
    *out_most = -1;
    if (wgi_take_punct(p, WG_P_STAR)) return true;
    if (wgi_take_punct(p, WG_P_PLUS)) {
        *out_least = 1;
        return true;
    }
    p->at++;
    if (!bound(p, out_least)) return false;
    if (wgi_at_punct(p, WG_P_RBRACE)) *out_most = *out_least;
    else if (!wgi_expect_punct(p, WG_P_COMMA, "in a quantifier") || !bound(p, out_most)) return false;
    if (!wgi_expect_punct(p, WG_P_RBRACE, "to close the quantifier")) return false;
    if (*out_most >= 0 && *out_most < *out_least)
        return wgi_fail(p, WG_E_SYNTAX, start, "the upper bound of a quantifier is below its lower bound") != NULL;
    return true;
}

/* ---- selectors and modes */

static bool take_mode(wgi_parser *p, int64_t *out) {
    static const char *const words[] = {"WALK", "TRAIL", "ACYCLIC", "SIMPLE"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!wgi_take_word(p, words[i])) continue;
        *out = (int64_t)i + WG_AST_MODE_WALK;
        return true;
    }
    return false;
}

static bool take_count(wgi_parser *p, int64_t *out) {
    const uint32_t start = wgi_start(p);
    *out = 1;
    if (!bound(p, out)) return false;
    return *out >= 1 || wgi_fail(p, WG_E_SYNTAX, start, "the number of paths must be at least 1") != NULL;
}

bool wgi_path_prefix_of(wgi_parser *p, wgi_path_prefix *out) {
    const bool all = wgi_take_keyword(p, WG_KW_ALL);
    const bool any = !all && wgi_take_keyword(p, WG_KW_ANY);
    const bool shortest = wgi_take_word(p, "SHORTEST");
    *out = (wgi_path_prefix){.op = WG_AST_PATH_MODE};
    if (shortest) {
        out->op = all ? WG_AST_PATH_GROUPS_OF : WG_AST_PATH_SHORTEST_OF;
        out->count = 1;
        if (!all && !any && !take_count(p, &out->count)) return false;
    } else if (any) {
        out->op = WG_AST_PATH_ANY_OF;
        if (!take_count(p, &out->count)) return false;
    }
    const bool mode = take_mode(p, &out->mode);
    if (!all && !any && !shortest && !mode) {
        (void)wgi_unexpected(p, "a pattern such as (n), or a name for a path and '='");
        return false;
    }
    if (!wgi_take_word(p, "PATHS")) (void)wgi_take_word(p, "PATH");
    if (shortest && !all && !any && (wgi_take_word(p, "GROUPS") || wgi_take_word(p, "GROUP")))
        out->op = WG_AST_PATH_GROUPS_OF;
    if (out->op == WG_AST_PATH_MODE && out->mode == WG_AST_MODE_DEFAULT) out->op = WG_AST_PATH_ALL;
    return true;
}
