/* query/parser: clauses and queries.
 *
 * Three rules that a grammar alone would not give are checked here, because they are about the text and not about names:
 * RETURN is the last clause, a query ends with RETURN, an updating clause or CALL, and UNION is not mixed with
 * UNION ALL. Everything about names and types is the binder's. */
#include "query/parser/parser_internal.h"

static bool punct_ahead(const wgi_parser *p, uint32_t ahead, wg_punct punct) {
    const wg_token *t = wgi_peek_at(p, ahead);
    return t->kind == WG_TOKEN_PUNCT && t->punct == punct;
}

static bool push_optional(wgi_parser *p, wg_keyword keyword) {
    return wgi_take_keyword(p, keyword) ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL);
}

/* `AS OF` and a number or parameter: never an alias, because a number may not follow an alias. */
static bool at_as_of(const wgi_parser *p) {
    if (!wgi_at_keywords(p, WG_KW_AS, WG_KW_OF)) return false;
    const wg_token *t = wgi_peek_at(p, 2);
    return t->kind == WG_TOKEN_INTEGER || (t->kind == WG_TOKEN_PUNCT && t->punct == WG_P_DOLLAR);
}

static wg_ast *as_of(wgi_parser *p) {
    p->at += 2;
    return wgi_integer_or_parameter(p, "a snapshot number or a parameter after AS OF");
}

/* ---- reading */

/* REPEATABLE ELEMENTS, DIFFERENT RELATIONSHIPS; both words may name a path too. */
static uint8_t match_mode(wgi_parser *p) {
    static const char *const what[] = {"ELEMENTS", "ELEMENT", "RELATIONSHIPS", "RELATIONSHIP", "EDGES", "EDGE"};
    const bool repeatable = wgi_at_word(p, 0, "REPEATABLE");
    if (!repeatable && !wgi_at_word(p, 0, "DIFFERENT")) return 0;
    const bool keyword = wgi_peek_at(p, 1)->kind == WG_TOKEN_KEYWORD && wgi_peek_at(p, 1)->keyword == WG_KW_EDGE;
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
        if (repeatable != (i < 2) || !(wgi_at_word(p, 1, what[i]) || (i == 5 && keyword))) continue;
        p->at += 2;
        return repeatable ? WG_AST_REPEATABLE : WG_AST_DIFFERENT;
    }
    return 0;
}

static wg_ast *match(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const bool optional = wgi_take_keyword(p, WG_KW_OPTIONAL);
    uint8_t flags = optional ? WG_AST_OPTIONAL : 0;
    if (!wgi_expect_keyword(p, WG_KW_MATCH, optional ? "after OPTIONAL" : "")) return NULL;
    flags = (uint8_t)(flags | match_mode(p));
    if (!wgi_push_rule(p, wgi_pattern) || !push_optional(p, WG_KW_WHERE)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_MATCH, start, mark);
    if (node != NULL) node->flags = flags;
    return node;
}

static wg_ast *unwind(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice variable;
    if (!wgi_expect_keyword(p, WG_KW_UNWIND, "") || !wgi_push_rule(p, wgi_expression)) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_AS, "after the list of UNWIND")) return NULL;
    if (!wgi_name(p, "the variable of UNWIND", &variable)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_UNWIND, start, mark);
    if (node != NULL) node->text = variable;
    return node;
}

/* ---- WITH and RETURN */

static wg_ast *item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice alias = {0};
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    if (!at_as_of(p) && wgi_take_keyword(p, WG_KW_AS) && !wgi_name(p, "the result after AS", &alias)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_ITEM, start, mark);
    if (node != NULL) node->text = alias;
    return node;
}

static wg_ast *sort_key(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    uint8_t flags = 0;
    if (wgi_take_keyword(p, WG_KW_DESC) || wgi_take_keyword(p, WG_KW_DESCENDING)) {
        flags = WG_AST_DESCENDING;
    } else if (!wgi_take_keyword(p, WG_KW_ASC)) {
        (void)wgi_take_keyword(p, WG_KW_ASCENDING);
    }
    if (wgi_take_keyword(p, WG_KW_NULLS)) {
        if (wgi_take_keyword(p, WG_KW_FIRST)) {
            flags = (uint8_t)(flags | WG_AST_NULLS_FIRST);
        } else if (wgi_expect_keyword(p, WG_KW_LAST, "or FIRST after NULLS")) {
            flags = (uint8_t)(flags | WG_AST_NULLS_LAST);
        } else {
            return NULL;
        }
    }
    wg_ast *node = wgi_node(p, WG_AST_SORT, start, mark);
    if (node != NULL) node->flags = flags;
    return node;
}

static wg_ast *order(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_expect_keyword(p, WG_KW_ORDER, "") || !wgi_expect_keyword(p, WG_KW_BY, "after ORDER")) return NULL;
    do {
        if (!wgi_push_rule(p, sort_key)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_node(p, WG_AST_ORDER, start, mark);
}

/* The node has the tail (order, skip, limit, where) before the items, the text has it behind them. */
static bool push_projection(wgi_parser *p, size_t mark, bool with, uint8_t *flags) {
    wg_ast *tail[4] = {NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < 4; i++)
        if (!wgi_push_child(p, NULL)) return false;
    if (wgi_take_keyword(p, WG_KW_DISTINCT)) *flags = WG_AST_DISTINCT;
    else if (wgi_at_keyword(p, WG_KW_ALL) && !punct_ahead(p, 1, WG_P_LPAREN)) (void)wgi_take_keyword(p, WG_KW_ALL);
    const bool star = wgi_take_punct(p, WG_P_STAR);
    if (star) *flags = (uint8_t)(*flags | WG_AST_STAR);
    if (!star || wgi_take_punct(p, WG_P_COMMA)) {
        do {
            if (!wgi_push_rule(p, item)) return false;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (wgi_at_keyword(p, WG_KW_ORDER) && (tail[0] = order(p)) == NULL) return false;
    if ((wgi_take_keyword(p, WG_KW_SKIP) || wgi_take_word(p, "OFFSET")) && (tail[1] = wgi_expression(p)) == NULL)
        return false;
    if (wgi_take_keyword(p, WG_KW_LIMIT) && (tail[2] = wgi_expression(p)) == NULL) return false;
    if (with && wgi_take_keyword(p, WG_KW_WHERE) && (tail[3] = wgi_expression(p)) == NULL) return false;
    memcpy(p->stack.data + mark, tail, sizeof tail);
    return true;
}

static wg_ast *projection(wgi_parser *p, wg_keyword keyword, wg_ast_kind kind) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    uint8_t flags = 0;
    if (!wgi_expect_keyword(p, keyword, "")) return NULL;
    if (!push_projection(p, mark, kind == WG_AST_WITH, &flags)) return NULL;
    wg_ast *node = wgi_node(p, kind, start, mark);
    if (node != NULL) node->flags = flags;
    return node;
}

/* ---- writing */

static wg_ast *create(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_take_word(p, "INSERT") && !wgi_expect_keyword(p, WG_KW_CREATE, "")) return NULL;
    if (!wgi_push_rule(p, wgi_pattern)) return NULL;
    return wgi_node(p, WG_AST_CREATE, start, mark);
}

/* Behind the name that is next stand labels. */
static bool at_label_list(const wgi_parser *p) {
    const wg_token *next = wgi_peek_at(p, 1);
    if (next->kind == WG_TOKEN_KEYWORD) return next->keyword == WG_KW_IS;
    return next->kind == WG_TOKEN_PUNCT && next->punct == WG_P_COLON;
}

static wg_ast *set_item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const wg_token *next = wgi_peek_at(p, 1);
    const wg_punct punct = next->kind == WG_TOKEN_PUNCT ? (wg_punct)next->punct : WG_P_NONE;
    const bool labels = at_label_list(p);
    const bool whole = punct == WG_P_EQ || punct == WG_P_PLUS_EQ || labels;
    wg_slice variable = {0};
    wg_ast_kind kind = WG_AST_SET_PROPERTY;
    if (wgi_is_name(wgi_peek(p)) && whole) {
        if (!wgi_name(p, "a variable to set", &variable)) return NULL;
        if (labels) {
            if (!wgi_push_labels(p)) return NULL;
            kind = WG_AST_SET_LABELS;
        } else {
            p->at++;
            if (!wgi_push_rule(p, wgi_expression)) return NULL;
            kind = punct == WG_P_EQ ? WG_AST_SET_REPLACE : WG_AST_SET_MERGE;
        }
    } else {
        if (!wgi_push_rule(p, wgi_property_target)) return NULL;
        if (!wgi_expect_punct(p, WG_P_EQ, "after a property in SET") || !wgi_push_rule(p, wgi_expression))
            return NULL;
    }
    wg_ast *node = wgi_node(p, kind, start, mark);
    if (node != NULL) node->text = variable;
    return node;
}

static wg_ast *set(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_expect_keyword(p, WG_KW_SET, "")) return NULL;
    do {
        if (!wgi_push_rule(p, set_item)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_node(p, WG_AST_SET, start, mark);
}

static wg_ast *merge(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_expect_keyword(p, WG_KW_MERGE, "") || !wgi_push_rule(p, wgi_path)) return NULL;
    while (wgi_at_keyword(p, WG_KW_ON)) {
        const uint32_t action_start = wgi_start(p);
        const size_t action_mark = wgi_mark(p);
        p->at++;
        const bool created = wgi_take_keyword(p, WG_KW_CREATE);
        if (!created && !wgi_expect_keyword(p, WG_KW_MATCH, "or CREATE after ON")) return NULL;
        if (!wgi_push_rule(p, set)) return NULL;
        wg_ast *action = wgi_node(p, created ? WG_AST_ON_CREATE : WG_AST_ON_MATCH, action_start, action_mark);
        if (action == NULL || !wgi_push_child(p, action)) return NULL;
    }
    return wgi_node(p, WG_AST_MERGE, start, mark);
}

static wg_ast *remove_item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice variable = {0};
    const bool labels = wgi_is_name(wgi_peek(p)) && at_label_list(p);
    if (labels) {
        if (!wgi_name(p, "a variable", &variable) || !wgi_push_labels(p)) return NULL;
    } else if (!wgi_push_rule(p, wgi_property_target)) {
        return NULL;
    }
    wg_ast *node = wgi_node(p, labels ? WG_AST_REMOVE_LABELS : WG_AST_REMOVE_PROPERTY, start, mark);
    if (node != NULL) node->text = variable;
    return node;
}

static wg_ast *remove_clause(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_expect_keyword(p, WG_KW_REMOVE, "")) return NULL;
    do {
        if (!wgi_push_rule(p, remove_item)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_node(p, WG_AST_REMOVE, start, mark);
}

static wg_ast *delete_clause(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    const bool detach = wgi_take_keyword(p, WG_KW_DETACH);
    if (!detach) (void)wgi_take_word(p, "NODETACH");
    if (!wgi_expect_keyword(p, WG_KW_DELETE, detach ? "after DETACH" : "")) return NULL;
    do {
        if (!wgi_push_rule(p, wgi_expression)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    wg_ast *node = wgi_node(p, WG_AST_DELETE, start, mark);
    if (node != NULL && detach) node->flags = WG_AST_DETACH;
    return node;
}

static wg_ast *updating(wgi_parser *p);

static wg_ast *foreach_body(wgi_parser *p, uint32_t start, size_t mark) {
    wg_slice variable;
    p->at++;
    if (!wgi_expect_punct(p, WG_P_LPAREN, "after FOREACH")) return NULL;
    if (!wgi_name(p, "the variable of FOREACH", &variable)) return NULL;
    const bool bar_ends = p->bar_ends;
    if (!wgi_expect_keyword(p, WG_KW_IN, "in FOREACH")) return NULL;
    p->bar_ends = true;
    const bool list = wgi_push_rule(p, wgi_expression);
    p->bar_ends = bar_ends;
    if (!list) return NULL;
    if (!wgi_expect_punct(p, WG_P_PIPE, "after the list of FOREACH")) return NULL;
    do {
        if (!wgi_push_rule(p, updating)) return NULL;
    } while (!wgi_at_punct(p, WG_P_RPAREN));
    p->at++;
    wg_ast *node = wgi_node(p, WG_AST_FOREACH, start, mark);
    if (node != NULL) node->text = variable;
    return node;
}

static wg_ast *foreach (wgi_parser *p) {
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = foreach_body(p, wgi_start(p), wgi_mark(p));
    wgi_leave(p);
    return node;
}

static bool at_updating(const wgi_parser *p) {
    static const wg_keyword first[] = {WG_KW_CREATE, WG_KW_MERGE,  WG_KW_SET,    WG_KW_REMOVE,
                                       WG_KW_DELETE, WG_KW_DETACH, WG_KW_FOREACH};
    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        if (wgi_at_keyword(p, first[i])) return true;
    return wgi_at_word(p, 0, "INSERT") || wgi_at_word(p, 0, "NODETACH");
}

static wg_ast *updating(wgi_parser *p) {
    if (wgi_at_keyword(p, WG_KW_CREATE) || wgi_at_word(p, 0, "INSERT")) return create(p);
    if (wgi_at_keyword(p, WG_KW_MERGE)) return merge(p);
    if (wgi_at_keyword(p, WG_KW_SET)) return set(p);
    if (wgi_at_keyword(p, WG_KW_REMOVE)) return remove_clause(p);
    if (wgi_at_keyword(p, WG_KW_DELETE) || wgi_at_keyword(p, WG_KW_DETACH) || wgi_at_word(p, 0, "NODETACH"))
        return delete_clause(p);
    if (wgi_at_keyword(p, WG_KW_FOREACH)) return foreach (p);
    return wgi_unexpected(p, "CREATE, MERGE, SET, REMOVE, DELETE or FOREACH");
}

/* ---- CALL */

static wg_ast *arguments(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    p->at++;
    if (!wgi_at_punct(p, WG_P_RPAREN)) {
        do {
            if (!wgi_push_rule(p, wgi_expression)) return NULL;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the arguments of a procedure")) return NULL;
    return wgi_node(p, WG_AST_ARGUMENTS, start, mark);
}

static wg_ast *yield_item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice column, alias;
    if (!wgi_name(p, "a column after YIELD", &column)) return NULL;
    wg_ast *name = NULL;
    if (!at_as_of(p) && wgi_take_keyword(p, WG_KW_AS)) {
        const uint32_t alias_start = wgi_start(p);
        if (!wgi_name(p, "the column after AS", &alias)) return NULL;
        name = wgi_leaf(p, WG_AST_NAME, alias_start);
        if (name == NULL) return NULL;
        name->text = alias;
    }
    if (!wgi_push_child(p, name)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_YIELD_ITEM, start, mark);
    if (node != NULL) node->text = column;
    return node;
}

static bool push_yield(wgi_parser *p, size_t mark, uint8_t *flags) {
    *flags = WG_AST_YIELD;
    if (wgi_take_punct(p, WG_P_STAR)) {
        *flags = WG_AST_YIELD | WG_AST_STAR;
    } else {
        do {
            if (!wgi_push_rule(p, yield_item)) return false;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_take_keyword(p, WG_KW_WHERE)) return true;
    wg_ast *where = wgi_expression(p);
    if (where == NULL) return false;
    memcpy(p->stack.data + mark + sizeof(wg_ast *), &where, sizeof where);
    return true;
}

/* The variables that a subquery sees: (x, y), (*) or (). The '(' is next. */
static bool push_scope(wgi_parser *p, uint8_t *flags) {
    p->at++;
    *flags = (uint8_t)(*flags | WG_AST_SCOPED);
    if (wgi_take_punct(p, WG_P_STAR)) *flags = (uint8_t)(*flags | WG_AST_STAR);
    while (!wgi_at_punct(p, WG_P_RPAREN)) {
        const uint32_t start = wgi_start(p);
        wg_slice name;
        if ((*flags & WG_AST_STAR) || !wgi_name(p, "a variable that the subquery sees", &name)) break;
        wg_ast *node = wgi_leaf(p, WG_AST_NAME, start);
        if (node == NULL || !wgi_push_child(p, node)) return false;
        node->text = name;
        if (!wgi_take_punct(p, WG_P_COMMA)) break;
        if (wgi_at_punct(p, WG_P_RPAREN)) return wgi_unexpected(p, "a variable that the subquery sees") != NULL;
    }
    return p->code == WG_OK && wgi_expect_punct(p, WG_P_RPAREN, "to close the variables of the subquery");
}

static wg_ast *call_query(wgi_parser *p, uint32_t start, size_t mark, uint8_t flags) {
    if (!wgi_push_child(p, NULL)) return NULL;
    if (wgi_at_punct(p, WG_P_LPAREN) && !push_scope(p, &flags)) return NULL;
    if (!wgi_expect_punct(p, WG_P_LBRACE, "of the subquery")) return NULL;
    wg_ast *query = wgi_query(p);
    if (query == NULL || !wgi_expect_punct(p, WG_P_RBRACE, "to close the subquery")) return NULL;
    memcpy(p->stack.data + mark, &query, sizeof query);
    wg_ast *node = wgi_node(p, WG_AST_CALL_QUERY, start, mark);
    if (node != NULL) node->flags = flags;
    return node;
}

static wg_ast *finish_call(wgi_parser *p, uint32_t start, size_t mark, uint8_t flags, wg_slice name) {
    wg_ast *node = wgi_node(p, WG_AST_CALL, start, mark);
    if (node == NULL) return NULL;
    node->text = name;
    node->flags = flags;
    return node;
}

/* SHOW is the call of a procedure without arguments; WHERE may stand without YIELD *. */
static wg_ast *show(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    uint8_t flags = 0;
    wg_slice name;
    if (!wgi_show_target(p, &name)) return NULL;
    wg_ast *none = wgi_leaf(p, WG_AST_ARGUMENTS, start);
    if (none == NULL || !wgi_push_child(p, none) || !wgi_push_child(p, NULL)) return NULL;
    if (wgi_take_keyword(p, WG_KW_YIELD)) {
        if (!push_yield(p, mark, &flags)) return NULL;
    } else if (wgi_take_keyword(p, WG_KW_WHERE)) {
        wg_ast *where = wgi_expression(p);
        if (where == NULL) return NULL;
        memcpy(p->stack.data + mark + sizeof(wg_ast *), &where, sizeof where);
        flags = WG_AST_YIELD | WG_AST_STAR;
    }
    return finish_call(p, start, mark, flags, name);
}

static wg_ast *call(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    uint8_t flags = wgi_take_keyword(p, WG_KW_OPTIONAL) ? WG_AST_OPTIONAL : 0;
    wg_slice name;
    p->at++;
    if (wgi_at_punct(p, WG_P_LBRACE) || wgi_at_punct(p, WG_P_LPAREN)) return call_query(p, start, mark, flags);
    if (flags != 0) return wgi_unexpected(p, "'{' or '(' of a subquery after OPTIONAL CALL");
    if (!wgi_dotted_name(p, "a procedure", &name)) return NULL;
    if (!(wgi_at_punct(p, WG_P_LPAREN) ? wgi_push_rule(p, arguments) : wgi_push_child(p, NULL))) return NULL;
    if (!wgi_push_child(p, NULL)) return NULL;
    if (wgi_take_keyword(p, WG_KW_YIELD) && !push_yield(p, mark, &flags)) return NULL;
    return finish_call(p, start, mark, flags, name);
}

/* ---- queries */

static bool at_optional_call(const wgi_parser *p) { return wgi_at_keywords(p, WG_KW_OPTIONAL, WG_KW_CALL); }

static wg_ast *clause(wgi_parser *p) {
    if (at_optional_call(p)) return call(p);
    if (wgi_at_keyword(p, WG_KW_MATCH) || wgi_at_keyword(p, WG_KW_OPTIONAL)) return match(p);
    if (wgi_at_keyword(p, WG_KW_UNWIND)) return unwind(p);
    if (wgi_at_keyword(p, WG_KW_WITH)) return projection(p, WG_KW_WITH, WG_AST_WITH);
    if (wgi_at_keyword(p, WG_KW_RETURN)) return projection(p, WG_KW_RETURN, WG_AST_RETURN);
    if (wgi_at_keyword(p, WG_KW_CALL)) return call(p);
    if (wgi_at_keyword(p, WG_KW_SHOW)) return show(p);
    if (at_updating(p)) return updating(p);
    if (wgi_at_gql_clause(p)) return wgi_gql_clause(p);
    return wgi_unexpected(p, "a clause such as MATCH, CREATE, WITH or RETURN");
}

static bool at_clause(const wgi_parser *p) {
    const wg_token *behind = wgi_peek_at(p, 1); /* show = (a)-->(b) names a path */
    if (wgi_at_keyword(p, WG_KW_SHOW)) return behind->kind != WG_TOKEN_PUNCT || behind->punct != WG_P_EQ;
    return wgi_at_keyword(p, WG_KW_MATCH) || wgi_at_keyword(p, WG_KW_OPTIONAL) || wgi_at_keyword(p, WG_KW_UNWIND) ||
           wgi_at_keyword(p, WG_KW_WITH) || wgi_at_keyword(p, WG_KW_RETURN) || wgi_at_keyword(p, WG_KW_CALL) ||
           at_updating(p) || wgi_at_gql_clause(p);
}

/* Pushes the clauses that stand before NEXT; their RETURN is a WITH for what follows. */
static bool push_before_next(wgi_parser *p, const wg_ast *before) {
    for (uint32_t i = 0; i < before->child_count; i++)
        if (!wgi_push_child(p, before->child[i])) return false;
    wg_ast *last = before->child[before->child_count - 1];
    if (last->kind == WG_AST_CALL_QUERY) return true;
    if (last->kind != WG_AST_RETURN)
        return wgi_fail(p, WG_E_SYNTAX, last->start, "what stands before NEXT must end with RETURN") != NULL;
    for (uint32_t i = 4; i < last->child_count; i++)
        if (last->child[i]->text.size == 0 && last->child[i]->child[0]->kind != WG_AST_VARIABLE)
            return wgi_fail(p, WG_E_SYNTAX, last->child[i]->start,
                            "a result before NEXT needs a name: add AS name") != NULL;
    last->kind = WG_AST_WITH;
    return true;
}

/* The query cannot end behind this clause: says what could have followed what was read. */
static wg_ast *no_end(wgi_parser *p, const wg_ast *last) {
    const bool filtered = (last->kind == WG_AST_MATCH && last->child[1] != NULL) ||
                          (last->kind == WG_AST_WITH && last->child[3] != NULL);
    if (wgi_peek(p)->kind == WG_TOKEN_END || wgi_at_punct(p, WG_P_SEMICOLON) || wgi_at_punct(p, WG_P_RBRACE))
        return wgi_unexpected(p, "RETURN or an updating clause: a query may not end with MATCH, UNWIND or WITH");
    if (last->kind == WG_AST_UNWIND) return wgi_unexpected(p, "a clause such as MATCH, WITH or RETURN");
    return wgi_unexpected(p, filtered ? "an operator, or a clause such as MATCH, WITH or RETURN"
                                      : "',', WHERE, or a clause such as MATCH, WITH or RETURN");
}

/* `open_end`: inside EXISTS and COUNT a query may end with a reading clause. `before`: what stands before NEXT, or NULL. */
static wg_ast *single(wgi_parser *p, bool open_end, const wg_ast *before) {
    const uint32_t start = before != NULL ? before->start : wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_ast_kind last;
    bool ends;
    const wg_ast *node;
    if (before != NULL && !push_before_next(p, before)) return NULL;
    if (before != NULL && !at_clause(p)) return wgi_unexpected(p, "a clause behind NEXT");
    do {
        node = clause(p);
        if (node == NULL || !wgi_push_child(p, (wg_ast *)(uintptr_t)node)) return NULL;
        last = (wg_ast_kind)node->kind;
        ends = last == WG_AST_RETURN || last == WG_AST_FINISH;
    } while (!ends && at_clause(p));
    const bool reading = last == WG_AST_MATCH || last == WG_AST_UNWIND || last == WG_AST_WITH;
    if (ends && at_clause(p)) return wgi_unexpected(p, "nothing behind RETURN but UNION, EXCEPT, INTERSECT or NEXT");
    const bool ended =
        wgi_peek(p)->kind == WG_TOKEN_END || wgi_at_punct(p, WG_P_SEMICOLON) || wgi_at_punct(p, WG_P_RBRACE);
    const bool operator= wgi_at_keyword(p, WG_KW_UNION) || wgi_at_word(p, 0, "EXCEPT") ||
        wgi_at_word(p, 0, "INTERSECT");
    if (reading && (!open_end || last == WG_AST_WITH || !(ended || operator))) return no_end(p, node);
    return wgi_node(p, WG_AST_SINGLE, start, mark);
}

typedef struct set_operator {
    uint8_t op;
    bool all;
} set_operator;

static bool take_set_operator(wgi_parser *p, set_operator *out) {
    *out = (set_operator){.op = WG_AST_UNION};
    if (wgi_take_word(p, "EXCEPT")) out->op = WG_AST_EXCEPT;
    else if (wgi_take_word(p, "INTERSECT")) out->op = WG_AST_INTERSECT;
    else if (!wgi_take_keyword(p, WG_KW_UNION)) return false;
    out->all = wgi_take_keyword(p, WG_KW_ALL);
    if (!out->all) (void)wgi_take_keyword(p, WG_KW_DISTINCT);
    return true;
}

/* The parts on the stack behind `mark` as what stands before NEXT: the one part itself, or a subquery of all of them. */
static wg_ast *before_next(wgi_parser *p, uint32_t start, size_t mark, const set_operator *operator) {
    const size_t parts = (p->stack.size - mark) / sizeof(wg_ast *) - 1;
    wg_ast *part;
    memcpy(&part, p->stack.data + p->stack.size - sizeof part, sizeof part);
    if (parts == 1) {
        p->stack.size = mark;
        return part;
    }
    wg_ast *query = wgi_node(p, WG_AST_QUERY, start, mark);
    if (query == NULL) return NULL;
    query->op = operator->op;
    if (operator->all) query->flags = WG_AST_UNION_ALL;
    if (!wgi_push_child(p, query)) return NULL;
    wg_ast *call = wgi_node(p, WG_AST_CALL_QUERY, start, mark);
    if (call == NULL || !wgi_push_child(p, call)) return NULL;
    return wgi_node(p, WG_AST_SINGLE, start, mark);
}

/* Pushes the parts of a query. NEXT hands the rows of all that stands before it to one more part. */
static bool push_parts(wgi_parser *p, bool open_end, uint32_t start, size_t mark, set_operator *operator) {
    const wg_ast *before = NULL;
    for (uint32_t i = 0;; i++) {
        set_operator next;
        wg_ast *part = single(p, open_end, before);
        if (part == NULL || !wgi_push_child(p, part)) return false;
        const uint32_t operator_start = wgi_start(p);
        if (wgi_take_word(p, "NEXT")) {
            before = before_next(p, start, mark, operator);
            *operator=(set_operator){0};
            if (before == NULL || !wgi_push_child(p, NULL)) return false;
            i = UINT32_MAX;
            continue;
        }
        if (!take_set_operator(p, &next)) return true;
        if (before != NULL)
            return wgi_fail(p, WG_E_SYNTAX, operator_start,
                            "a set operator behind NEXT must stand inside of CALL { }") != NULL;
        if (i > 0 && (next.op != operator->op || next.all != operator->all))
            return wgi_fail(p, WG_E_SYNTAX, operator_start,
                            next.op == WG_AST_UNION && operator->op == WG_AST_UNION
                                ? "UNION and UNION ALL may not be mixed in one query"
                                : "different set operators may not be mixed in one query; put one of them into CALL "
                                  "{ }") != NULL;
        *operator= next;
    }
}

static wg_ast *union_of(wgi_parser *p, bool top, bool open_end) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    set_operator operator= {0};
    wg_ast *snapshot = NULL;
    if (top && at_as_of(p) && (snapshot = as_of(p)) == NULL) return NULL;
    if (!wgi_push_child(p, NULL) || !push_parts(p, open_end, start, mark, &operator)) return NULL;
    if (top && at_as_of(p)) {
        if (snapshot != NULL) return wgi_fail(p, WG_E_SYNTAX, wgi_start(p), "AS OF is given twice");
        snapshot = as_of(p);
        if (snapshot == NULL) return NULL;
    }
    memcpy(p->stack.data + mark, &snapshot, sizeof snapshot);
    wg_ast *node = wgi_node(p, WG_AST_QUERY, start, mark);
    if (node == NULL) return NULL;
    node->op = operator.op;
    if (operator.all) node->flags = WG_AST_UNION_ALL;
    return node;
}

wg_ast *wgi_query(wgi_parser *p) {
    const bool top = p->depth == 0;
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = union_of(p, top, false);
    wgi_leave(p);
    return node;
}

/* Bare pattern: wrapped so that EXISTS { (a)-->() } and EXISTS { MATCH (a)-->() } are one tree. */
static wg_ast *bare_pattern(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_push_rule(p, wgi_pattern) || !push_optional(p, WG_KW_WHERE)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_MATCH, start, mark);
    if (node == NULL || !wgi_push_child(p, node)) return NULL;
    node = wgi_node(p, WG_AST_SINGLE, start, mark);
    if (node == NULL || !wgi_push_child(p, NULL) || !wgi_push_child(p, node)) return NULL;
    return wgi_node(p, WG_AST_QUERY, start, mark);
}

wg_ast *wgi_subquery_body(wgi_parser *p) {
    if (!at_clause(p) && !wgi_is_name(wgi_peek(p)) && !wgi_at_punct(p, WG_P_LPAREN) && !wgi_at_keyword(p, WG_KW_ALL))
        return wgi_unexpected(p, "a pattern or a query in the subquery");
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = at_clause(p) ? union_of(p, false, true) : bare_pattern(p);
    wgi_leave(p);
    return node;
}
