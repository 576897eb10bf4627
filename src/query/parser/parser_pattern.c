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

static bool keyword_at(const wgi_parser *p, uint32_t at, wg_keyword keyword) {
    return at < p->token_count && p->tokens[at].kind == WG_TOKEN_KEYWORD && p->tokens[at].keyword == keyword;
}

/* The '$' of a label that a value names, and no parameter: $(..), $all(..), $any(..). */
static bool names_label(const wgi_parser *p, uint32_t at) {
    if (!punct_at(p, at, WG_P_DOLLAR)) return false;
    const bool word = keyword_at(p, at + 1, WG_KW_ALL) || keyword_at(p, at + 1, WG_KW_ANY);
    return punct_at(p, at + (word ? 2 : 1), WG_P_LPAREN);
}

/* Behind the tokens that a label expression may have. */
static uint32_t skip_labels(const wgi_parser *p, uint32_t at) {
    static const wg_punct parts[] = {WG_P_COLON, WG_P_AMP, WG_P_PIPE, WG_P_BANG, WG_P_PERCENT};
    for (bool part = true; part;) {
        part = names_label(p, at) || (wgi_is_any_name(&p->tokens[at]) && !keyword_at(p, at, WG_KW_WHERE));
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) part = part || punct_at(p, at, parts[i]);
        if (part) at++;
        if (!part && punct_at(p, at, WG_P_LPAREN) && (at = skip_balanced(p, at)) != 0) part = true;
    }
    return at;
}

static uint32_t skip_node(const wgi_parser *p, uint32_t at) {
    if (!punct_at(p, at, WG_P_LPAREN)) return 0;
    at++;
    const uint32_t close = skip_balanced(p, at - 1);
    if (wgi_is_name(&p->tokens[at])) at++;
    if (punct_at(p, at, WG_P_COLON) || keyword_at(p, at, WG_KW_IS)) at = skip_labels(p, at + 1);
    if (keyword_at(p, at, WG_KW_WHERE)) return close;
    if (punct_at(p, at, WG_P_LBRACE)) {
        at = skip_balanced(p, at);
        if (at == 0) return 0;
    } else if (punct_at(p, at, WG_P_DOLLAR)) {
        at += 2;
    }
    if (keyword_at(p, at, WG_KW_WHERE)) return close;
    return punct_at(p, at, WG_P_RPAREN) ? at + 1 : 0;
}

/* A quantifier is skipped where it stands. */
static uint32_t skip_quantifier(const wgi_parser *p, uint32_t at) {
    if (punct_at(p, at, WG_P_PLUS) || punct_at(p, at, WG_P_STAR)) return at + 1;
    return punct_at(p, at, WG_P_LBRACE) ? skip_balanced(p, at) : at;
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
    at = skip_quantifier(p, at);
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
    if (!wgi_take_keyword(p, WG_KW_IS)) (void)wgi_expect_punct(p, WG_P_COLON, "before a label");
    do {
        wg_ast *name = wgi_label_name(p, "a label after ':'");
        if (name == NULL || !wgi_push_child(p, name)) return false;
    } while (wgi_take_punct(p, WG_P_COLON) || wgi_take_punct(p, WG_P_AMP));
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

/* The WHERE inside of a node or relationship. */
static bool push_element_where(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_take_keyword(p, WG_KW_WHERE)) return true;
    if (!wgi_push_rule(p, wgi_expression)) return false;
    wg_ast *node = wgi_node(p, WG_AST_WHERE, start, mark);
    return node != NULL && wgi_push_child(p, node);
}

static bool push_node_parts(wgi_parser *p, size_t mark, wg_slice *variable) {
    if (wgi_is_name(wgi_peek(p)) && !wgi_name(p, "a node", variable)) return false;
    if (!wgi_push_label_test(p, false) || !push_properties(p)) return false;
    last_to_front(p, mark);
    return push_element_where(p);
}

static wg_ast *node_pattern(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const bool bar_ends = p->bar_ends;
    wg_slice variable = {0};
    if (!wgi_expect_punct(p, WG_P_LPAREN, "of a node pattern")) return NULL;
    p->bar_ends = false;
    const bool ok = push_node_parts(p, mark, &variable);
    p->bar_ends = bar_ends;
    if (!ok || !wgi_expect_punct(p, WG_P_RPAREN, "to close the node pattern")) return NULL;
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

typedef struct edge_detail {
    wg_slice variable;
    bool variable_length;
    int64_t least, most;
} edge_detail;

static bool push_detail_parts(wgi_parser *p, size_t mark, edge_detail *out) {
    if (wgi_is_name(wgi_peek(p)) && !wgi_name(p, "a relationship", &out->variable)) return false;
    if (!wgi_push_label_test(p, true)) return false;
    out->variable_length = wgi_take_punct(p, WG_P_STAR);
    if (out->variable_length && !length_range(p, &out->least, &out->most)) return false;
    if (!push_properties(p)) return false;
    last_to_front(p, mark);
    if (out->variable_length && wgi_at_keyword(p, WG_KW_WHERE))
        return wgi_fail(p, WG_E_SYNTAX, wgi_start(p), "WHERE cannot stand behind '*': write -[.. WHERE ..]->{1,3}");
    return push_element_where(p);
}

static bool push_detail(wgi_parser *p, size_t mark, edge_detail *out) {
    if (!wgi_take_punct(p, WG_P_LBRACKET)) return wgi_push_child(p, NULL);
    const bool bar_ends = p->bar_ends;
    p->bar_ends = false;
    const bool ok = push_detail_parts(p, mark, out);
    p->bar_ends = bar_ends;
    return ok && wgi_expect_punct(p, WG_P_RBRACKET, "to close the relationship pattern");
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
    bool quantified = false;
    if (!detail.variable_length && !wgi_quantifier(p, &quantified, &detail.least, &detail.most)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_EDGE, start, mark);
    if (node == NULL) return NULL;
    node->op = (uint8_t)(left && right ? WG_AST_BOTH : left ? WG_AST_LEFT : right ? WG_AST_RIGHT : WG_AST_EITHER);
    node->flags = detail.variable_length ? WG_AST_VARIABLE_LENGTH : 0;
    if (quantified) node->flags = WG_AST_VARIABLE_LENGTH | WG_AST_QUANTIFIED;
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

/* A '(' that opens a path in parentheses: a node or another path stands inside. */
static bool at_group(const wgi_parser *p) {
    return wgi_at_punct(p, WG_P_LPAREN) && punct_at(p, p->at + 1, WG_P_LPAREN);
}

static bool push_empty_node(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_push_child(p, NULL)) return false;
    wg_ast *node = wgi_node(p, WG_AST_NODE, start, mark);
    return node != NULL && wgi_push_child(p, node);
}

/* ((a)-[r]->(b) WHERE ..){1,3} */
static wg_ast *group_body(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    int64_t least = -1, most = -1;
    bool quantified;
    p->at++;
    if (!wgi_push_child(p, NULL) || !wgi_push_rule(p, wgi_path_elements)) return NULL;
    if (!(wgi_take_keyword(p, WG_KW_WHERE) ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL))) return NULL;
    if (!wgi_expect_punct(p, WG_P_RPAREN, "to close the path in parentheses")) return NULL;
    if (!wgi_quantifier(p, &quantified, &least, &most)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_GROUP, start, mark);
    if (node == NULL) return NULL;
    const wg_ast *path = node->child[1];
    for (uint32_t i = 1; quantified && i < path->child_count; i += 2)
        if (path->child[i]->flags & WG_AST_VARIABLE_LENGTH)
            return wgi_fail(p, WG_E_SYNTAX, path->child[i]->start,
                            "a quantified path cannot hold another quantifier");
    if (quantified && path->child_count < 3)
        return wgi_fail(p, WG_E_SYNTAX, start, "a quantified path needs a relationship");
    node->flags = quantified ? WG_AST_VARIABLE_LENGTH : 0;
    node->op = WG_AST_RIGHT;
    node->i = least;
    node->j = most;
    return node;
}

static wg_ast *group(wgi_parser *p) {
    const bool bar_ends = p->bar_ends;
    if (!wgi_enter(p)) return NULL;
    p->bar_ends = false;
    wg_ast *node = group_body(p);
    p->bar_ends = bar_ends;
    wgi_leave(p);
    if (node != NULL && node->flags == 0)
        return wgi_fail(p, WG_E_SYNTAX, node->start,
                        "a path in parentheses needs a quantifier such as {1,3}, or be the whole path");
    return node;
}

/* Nodes stand at even places: between paths in parentheses, and where one begins or ends the path, an empty one is put. */
wg_ast *wgi_path_elements(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!(at_group(p) ? push_empty_node(p) : wgi_push_rule(p, node_pattern))) return NULL;
    for (;;) {
        const bool is_group = at_group(p);
        if (!is_group && !at_edge(p)) break;
        if (!wgi_push_rule(p, is_group ? group : edge_pattern)) return NULL;
        const bool node = wgi_at_punct(p, WG_P_LPAREN) && !(is_group && at_group(p));
        if (!(node || !is_group ? wgi_push_rule(p, node_pattern) : push_empty_node(p))) return NULL;
    }
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
    if (path->child_count != 3 || path->child[1]->kind != WG_AST_EDGE)
        return wgi_fail(p, WG_E_SYNTAX, start, "a shortest path needs exactly one relationship pattern");
    path->op = (uint8_t)(all ? WG_AST_PATH_ALL_SHORTEST : WG_AST_PATH_SHORTEST);
    path->start = start;
    path->end = p->tokens[p->at - 1].end;
    return path;
}

/* ( path WHERE condition ) as the whole path: the condition becomes one of its last node. */
static wg_ast *parenthesised_path(wgi_parser *p) {
    const bool bar_ends = p->bar_ends;
    if (!wgi_enter(p)) return NULL;
    p->bar_ends = false;
    wg_ast *node = group_body(p);
    p->bar_ends = bar_ends;
    wgi_leave(p);
    if (node == NULL || node->child[2] == NULL) return node != NULL ? node->child[1] : NULL;
    wg_ast *path = node->child[1], *last = path->child[path->child_count - 1];
    const size_t mark = wgi_mark(p);
    for (uint32_t i = 0; i < last->child_count; i++)
        if (!wgi_push_child(p, last->child[i])) return NULL;
    const size_t where_mark = wgi_mark(p);
    if (!wgi_push_child(p, node->child[2])) return NULL;
    wg_ast *where = wgi_node(p, WG_AST_WHERE, node->child[2]->start, where_mark);
    if (where == NULL || !wgi_push_child(p, where)) return NULL;
    wg_ast *copy = wgi_node(p, WG_AST_NODE, last->start, mark);
    if (copy == NULL) return NULL;
    copy->text = last->text;
    path->child[path->child_count - 1] = copy;
    if (copy->height >= path->height) path->height = (uint16_t)(copy->height + 1);
    return path;
}

/* The '(' of a path in parentheses that no quantifier, and nothing else of a path, follows. */
static bool at_whole_group(const wgi_parser *p) {
    if (!at_group(p)) return false;
    const uint32_t end = skip_balanced(p, p->at);
    return end != 0 && !punct_at(p, end, WG_P_PLUS) && !punct_at(p, end, WG_P_STAR) &&
           !punct_at(p, end, WG_P_LPAREN) && !punct_at(p, end, WG_P_MINUS) && !punct_at(p, end, WG_P_LT) &&
           !(punct_at(p, end, WG_P_LBRACE) && p->tokens[end + 1].kind != WG_TOKEN_NAME);
}

wg_ast *wgi_path(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_slice variable = {0};
    wgi_path_prefix prefix = {0};
    if (wgi_is_name(wgi_peek(p)) && punct_at(p, p->at + 1, WG_P_EQ)) {
        if (!wgi_name(p, "a path", &variable)) return NULL;
        p->at++;
    }
    if (!wgi_at_punct(p, WG_P_LPAREN) && !wgi_at_shortest_path(p) && !wgi_path_prefix_of(p, &prefix)) return NULL;
    if (!wgi_at_punct(p, WG_P_LPAREN) && (prefix.op != 0 || !wgi_at_shortest_path(p)))
        return wgi_unexpected(p, "a pattern such as (n)");
    wg_ast *path = wgi_at_shortest_path(p) ? wgi_shortest_path(p)
                   : at_whole_group(p)     ? parenthesised_path(p)
                                           : wgi_path_elements(p);
    if (path == NULL) return NULL;
    if (prefix.op != 0) {
        path->op = prefix.op;
        path->i = prefix.count;
        path->j = prefix.mode;
    }
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
