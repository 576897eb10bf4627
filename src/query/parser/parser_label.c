/* query/parser: label expressions, in patterns and as conditions: `|`, `&`, `!`, `%` and parentheses, weakest first.
 *
 * A node keeps a list of labels that must all hold, a relationship a list of types of which one must: an `&` on top of a node's expression
 * and a `|` on top of a relationship's are these lists, so that `:A&B` and `:A:B` are one tree. Operands of one operator become one node.
 *
 * Where a `|` ends an expression (comprehensions, reduce, FOREACH) it belongs to a label expression only between parentheses. */
#include "query/parser/parser_internal.h"

static wg_ast *label_or(wgi_parser *p, bool types);

/* A name, or $(expression), $all(..), $any(..); a text is its name. */
wg_ast *wgi_label_name(wgi_parser *p, const char *what) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const bool bar_ends = p->bar_ends;
    if (!wgi_take_punct(p, WG_P_DOLLAR)) return wgi_name_node(p, what);
    const bool any = wgi_take_keyword(p, WG_KW_ANY);
    if (!any) (void)wgi_take_keyword(p, WG_KW_ALL);
    if (!wgi_expect_punct(p, WG_P_LPAREN, "around the value that names a label")) return NULL;
    p->bar_ends = false;
    const bool pushed = wgi_push_rule(p, wgi_expression);
    p->bar_ends = bar_ends;
    if (!pushed || !wgi_expect_punct(p, WG_P_RPAREN, "behind the value that names a label")) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_LABEL_OF, start, mark);
    if (node == NULL) return NULL;
    node->op = any ? WG_OP_OR : WG_OP_AND;
    if (node->child[0]->kind != WG_AST_STRING || node->child[0]->text.size == 0) return node;
    wg_ast *name = wgi_leaf(p, WG_AST_NAME, start);
    if (name != NULL) name->text = node->child[0]->text;
    return name;
}

static wg_ast *label_atom(wgi_parser *p, bool types) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (wgi_take_punct(p, WG_P_PERCENT)) return wgi_leaf(p, WG_AST_LABEL_ANY, start);
    if (wgi_take_punct(p, WG_P_BANG)) {
        if (!wgi_enter(p)) return NULL;
        wg_ast *operand = label_atom(p, types);
        wgi_leave(p);
        if (operand == NULL || !wgi_push_child(p, operand)) return NULL;
        wg_ast *node = wgi_node(p, WG_AST_LABEL_EXPR, start, mark);
        if (node != NULL) node->op = WG_OP_NOT;
        return node;
    }
    if (!wgi_take_punct(p, WG_P_LPAREN))
        return wgi_label_name(p, types ? "a relationship type" : "a label, or '(', '!' or '%' of a label expression");
    if (!wgi_enter(p)) return NULL;
    const bool bar_ends = p->bar_ends;
    p->bar_ends = false;
    wg_ast *inner = label_or(p, types);
    p->bar_ends = bar_ends;
    wgi_leave(p);
    return inner != NULL && wgi_expect_punct(p, WG_P_RPAREN, "to close the label expression") ? inner : NULL;
}

/* Pushes an operand; one of the same operator gives its own operands instead. */
static bool push_operand(wgi_parser *p, wg_ast *operand, wg_ast_op op) {
    if (operand == NULL) return false;
    if (operand->kind != WG_AST_LABEL_EXPR || operand->op != op) return wgi_push_child(p, operand);
    for (uint32_t i = 0; i < operand->child_count; i++)
        if (!wgi_push_child(p, operand->child[i])) return false;
    return true;
}

static bool take_and(wgi_parser *p, bool types) {
    return wgi_take_punct(p, WG_P_AMP) || (!types && wgi_take_punct(p, WG_P_COLON));
}

static wg_ast *operator_node(wgi_parser *p, wg_ast *first, size_t mark, wg_ast_op op) {
    wg_ast *node = wgi_node(p, WG_AST_LABEL_EXPR, first->start, mark);
    if (node != NULL) node->op = (uint8_t)op;
    return node;
}

static wg_ast *label_and(wgi_parser *p, bool types) {
    const size_t mark = wgi_mark(p);
    wg_ast *first = label_atom(p, types);
    if (first == NULL || !take_and(p, types)) return first;
    if (!push_operand(p, first, WG_OP_AND)) return NULL;
    do {
        if (!push_operand(p, label_atom(p, types), WG_OP_AND)) return NULL;
    } while (take_and(p, types));
    return operator_node(p, first, mark, WG_OP_AND);
}

/* Two bars that touch join texts: `n:A || 'x'`. */
static bool at_double_bar(const wgi_parser *p) {
    const wg_token *next = wgi_peek_at(p, 1);
    return wgi_at_punct(p, WG_P_PIPE) && next->kind == WG_TOKEN_PUNCT && next->punct == WG_P_PIPE &&
           next->start == wgi_peek(p)->end;
}

static bool take_or(wgi_parser *p, bool types) {
    if (p->bar_ends || at_double_bar(p) || !wgi_take_punct(p, WG_P_PIPE)) return false;
    if (types) (void)wgi_take_punct(p, WG_P_COLON); /* [:A|:B] is the old spelling of [:A|B] */
    return true;
}

static wg_ast *label_or(wgi_parser *p, bool types) {
    const size_t mark = wgi_mark(p);
    wg_ast *first = label_and(p, types);
    if (first == NULL || !take_or(p, types)) return first;
    if (!push_operand(p, first, WG_OP_OR)) return NULL;
    do {
        if (!push_operand(p, label_and(p, types), WG_OP_OR)) return NULL;
    } while (take_or(p, types));
    return operator_node(p, first, mark, WG_OP_OR);
}

bool wgi_push_label_expression(wgi_parser *p, bool types) {
    return push_operand(p, label_or(p, types), types ? WG_OP_OR : WG_OP_AND);
}

bool wgi_push_label_test(wgi_parser *p, bool types) {
    if (!wgi_take_punct(p, WG_P_COLON) && !wgi_take_keyword(p, WG_KW_IS)) return true;
    return wgi_push_label_expression(p, types);
}
