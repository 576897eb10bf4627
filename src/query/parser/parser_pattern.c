/* query/parser: patterns, and the look-ahead that tells them from arithmetic.
 *
 * In an expression `(` starts a pattern exactly when one node and one relationship and the `(` of the next node follow:
 * `(a)-[r]-(b)`, `(a)--(b)`, `(a)<-[..]-(b)`. So `(a) - (b)`, `(a) - [1]` and `(a) < -1` stay arithmetic. */
#include "query/parser/parser_internal.h"

/* ---- look-ahead over token indices; 0 means no */

static bool punct_at(const wgi_parser *p, uint32_t at, wg_punct punct) {
    return at < p->token_count && p->tokens[at].kind == WG_TOKEN_PUNCT && p->tokens[at].punct == punct;
}

/* Behind the bracket that closes the one at `at`. */
static uint32_t skip_balanced(const wgi_parser *p, uint32_t at) {
    uint32_t open = 0;
    for (; at < p->token_count; at++) {
        const bool opens =
            punct_at(p, at, WG_P_LPAREN) || punct_at(p, at, WG_P_LBRACKET) || punct_at(p, at, WG_P_LBRACE);
        const bool closes =
            punct_at(p, at, WG_P_RPAREN) || punct_at(p, at, WG_P_RBRACKET) || punct_at(p, at, WG_P_RBRACE);
        if (opens) open++;
        if (closes && --open == 0) return at + 1;
    }
    return 0;
}

static uint32_t skip_node(const wgi_parser *p, uint32_t at) {
    if (!punct_at(p, at, WG_P_LPAREN)) return 0;
    at++;
    if (wgi_is_name(&p->tokens[at])) at++;
    while (punct_at(p, at, WG_P_COLON) && wgi_is_any_name(&p->tokens[at + 1])) at += 2;
    if (punct_at(p, at, WG_P_LBRACE)) {
        at = skip_balanced(p, at);
        if (at == 0) return 0;
    } else if (punct_at(p, at, WG_P_DOLLAR)) {
        at += 2;
    }
    return punct_at(p, at, WG_P_RPAREN) ? at + 1 : 0;
}

static uint32_t skip_edge(const wgi_parser *p, uint32_t at) {
    if (punct_at(p, at, WG_P_LT)) at++;
    if (!punct_at(p, at, WG_P_MINUS)) return 0;
    at++;
    if (punct_at(p, at, WG_P_LBRACKET)) {
        at = skip_balanced(p, at);
        if (at == 0) return 0;
    }
    if (!punct_at(p, at, WG_P_MINUS)) return 0;
    at++;
    if (punct_at(p, at, WG_P_GT)) at++;
    return punct_at(p, at, WG_P_LPAREN) ? at : 0;
}

bool wgi_at_path_expression(const wgi_parser *p) {
    const uint32_t at = skip_node(p, p->at);
    return at != 0 && skip_edge(p, at) != 0;
}

bool wgi_at_pattern_comprehension(const wgi_parser *p) {
    uint32_t at = p->at;
    if (wgi_is_name(wgi_peek(p)) && punct_at(p, at + 1, WG_P_EQ) && punct_at(p, at + 2, WG_P_LPAREN)) at += 2;
    uint32_t edges = 0;
    for (at = skip_node(p, at); at != 0;) {
        const uint32_t next = skip_edge(p, at);
        if (next == 0) break;
        edges++;
        at = skip_node(p, next);
    }
    if (at == 0 || edges == 0) return false;
    const wg_token *t = &p->tokens[at];
    return punct_at(p, at, WG_P_PIPE) || (t->kind == WG_TOKEN_KEYWORD && t->keyword == WG_KW_WHERE);
}

/* ---- rules */

bool wgi_push_labels(wgi_parser *p) {
    while (wgi_take_punct(p, WG_P_COLON)) {
        wg_ast *name = wgi_name_node(p, "a label after ':'");
        if (name == NULL || !wgi_push_child(p, name)) return false;
    }
    return true;
}

/* Pushes a property map, a parameter or a missing child. */
static bool push_properties(wgi_parser *p) {
    if (wgi_at_punct(p, WG_P_LBRACE)) return wgi_push_rule(p, wgi_map);
    if (wgi_at_punct(p, WG_P_DOLLAR)) return wgi_push_rule(p, wgi_parameter);
    return wgi_push_child(p, NULL);
}

/* The text puts labels before properties, the node has properties first. */
static void last_to_front(wgi_parser *p, size_t mark) {
    wg_ast **items = (wg_ast **)(void *)(p->stack.data + mark);
    const size_t count = (p->stack.size - mark) / sizeof(wg_ast *);
    WG_ASSERT(count > 0);
    wg_ast *last = items[count - 1];
    memmove(items + 1, items, (count - 1) * sizeof *items);
    items[0] = last;
}

static wg_ast *node_pattern(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice variable = {0};
    if (!wgi_expect_punct(p, WG_P_LPAREN, "of a node pattern")) return NULL;
    if (wgi_is_name(wgi_peek(p)) && !wgi_name(p, "a node", &variable)) return NULL;
    if (!wgi_push_labels(p) || !push_properties(p)) return NULL;
    last_to_front(p, mark);
    if (!wgi_expect_punct(p, WG_P_RPAREN, "to close the node pattern")) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_NODE, start, mark);
    if (node != NULL) node->text = variable;
    return node;
}

static bool length_bound(wgi_parser *p, int64_t *out) {
    if (wgi_peek(p)->kind != WG_TOKEN_INTEGER) return true;
    const wg_ast *n = wgi_integer_or_parameter(p, "a number of hops");
    if (n == NULL) return false;
    *out = n->i;
    return true;
}

/* The part behind '*'. */
static bool length_range(wgi_parser *p, int64_t *least, int64_t *most) {
    if (!length_bound(p, least)) return false;
    if (!wgi_take_punct(p, WG_P_DOTDOT)) {
        *most = *least;
        return true;
    }
    return length_bound(p, most);
}

static bool push_types(wgi_parser *p) {
    if (!wgi_take_punct(p, WG_P_COLON)) return true;
    do {
        (void)wgi_take_punct(p, WG_P_COLON); /* [:A|:B] is the old spelling of [:A|B] */
        wg_ast *name = wgi_name_node(p, "a relationship type");
        if (name == NULL || !wgi_push_child(p, name)) return false;
    } while (wgi_take_punct(p, WG_P_PIPE));
    return true;
}

typedef struct edge_detail {
    wg_slice variable;
    bool variable_length;
    int64_t least, most;
} edge_detail;

static bool push_detail(wgi_parser *p, size_t mark, edge_detail *out) {
    if (!wgi_take_punct(p, WG_P_LBRACKET)) return wgi_push_child(p, NULL);
    if (wgi_is_name(wgi_peek(p)) && !wgi_name(p, "a relationship", &out->variable)) return false;
    if (!push_types(p)) return false;
    out->variable_length = wgi_take_punct(p, WG_P_STAR);
    if (out->variable_length && !length_range(p, &out->least, &out->most)) return false;
    if (!push_properties(p)) return false;
    last_to_front(p, mark);
    return wgi_expect_punct(p, WG_P_RBRACKET, "to close the relationship pattern");
}

static wg_ast *edge_pattern(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    edge_detail detail = {.least = -1, .most = -1};
    const bool left = wgi_take_punct(p, WG_P_LT);
    if (!wgi_expect_punct(p, WG_P_MINUS, "of a relationship")) return NULL;
    if (!push_detail(p, mark, &detail)) return NULL;
    if (!wgi_expect_punct(p, WG_P_MINUS, "to end the relationship")) return NULL;
    const bool right = wgi_take_punct(p, WG_P_GT);
    wg_ast *node = wgi_node(p, WG_AST_EDGE, start, mark);
    if (node == NULL) return NULL;
    node->op = (uint8_t)(left && right ? WG_AST_BOTH : left ? WG_AST_LEFT : right ? WG_AST_RIGHT : WG_AST_EITHER);
    node->flags = detail.variable_length ? WG_AST_VARIABLE_LENGTH : 0;
    node->text = detail.variable;
    node->i = detail.least;
    node->j = detail.most;
    return node;
}

/* A '-' or '<-' that continues a path: the next token of a relationship must follow. */
static bool at_edge(const wgi_parser *p) {
    const uint32_t at = p->at + (wgi_at_punct(p, WG_P_LT) ? 1 : 0);
    return punct_at(p, at, WG_P_MINUS) && (punct_at(p, at + 1, WG_P_MINUS) || punct_at(p, at + 1, WG_P_LBRACKET));
}

wg_ast *wgi_path_elements(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_push_rule(p, node_pattern)) return NULL;
    while (at_edge(p))
        if (!wgi_push_rule(p, edge_pattern) || !wgi_push_rule(p, node_pattern)) return NULL;
    return wgi_node(p, WG_AST_PATH, start, mark);
}

bool wgi_at_shortest_path(const wgi_parser *p) {
    const bool word = wgi_at_keyword(p, WG_KW_SHORTESTPATH) || wgi_at_keyword(p, WG_KW_ALLSHORTESTPATHS);
    return word && punct_at(p, p->at + 1, WG_P_LPAREN);
}

wg_ast *wgi_shortest_path(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const bool all = wgi_at_keyword(p, WG_KW_ALLSHORTESTPATHS);
    p->at += 2;
    wg_ast *path = wgi_path_elements(p);
    if (path == NULL || !wgi_expect_punct(p, WG_P_RPAREN, "to close the shortest path")) return NULL;
    if (path->child_count != 3)
        return wgi_fail(p, WG_E_SYNTAX, start, "a shortest path needs exactly one relationship pattern");
    path->op = (uint8_t)(all ? WG_AST_PATH_ALL_SHORTEST : WG_AST_PATH_SHORTEST);
    path->start = start;
    path->end = p->tokens[p->at - 1].end;
    return path;
}

wg_ast *wgi_path(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_slice variable = {0};
    if (wgi_is_name(wgi_peek(p)) && !wgi_at_shortest_path(p)) {
        if (!wgi_name(p, "a path", &variable)) return NULL;
        if (!wgi_expect_punct(p, WG_P_EQ, "after the variable of a path, or '(' of a pattern")) return NULL;
    }
    if (!wgi_at_punct(p, WG_P_LPAREN) && !wgi_at_shortest_path(p)) return wgi_unexpected(p, "a pattern such as (n)");
    wg_ast *path = wgi_at_shortest_path(p) ? wgi_shortest_path(p) : wgi_path_elements(p);
    if (path == NULL) return NULL;
    path->text = variable;
    path->start = start;
    return path;
}

wg_ast *wgi_pattern(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    do {
        if (!wgi_push_rule(p, wgi_path)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_node(p, WG_AST_PATTERN, start, mark);
}
