/* query/parser: clauses and tests that come from GQL.
 *
 * FILTER and LET are WITH * in another spelling, FOR is UNWIND, and become these trees. Their words are names anywhere else, so they are told
 * by what must follow. A type behind IS :: is kept as one canonical text, which the test reads again (exec/functions_typed.c). */
#include <stdio.h>

#include "query/parser/parser_internal.h"

static bool name_ahead(const wgi_parser *p, uint32_t ahead) { return wgi_is_name(wgi_peek_at(p, ahead)); }

static bool punct_ahead(const wgi_parser *p, uint32_t ahead, wg_punct punct) {
    const wg_token *t = wgi_peek_at(p, ahead);
    return t->kind == WG_TOKEN_PUNCT && t->punct == punct;
}

bool wgi_at_gql_clause(const wgi_parser *p) {
    const wg_token *second = wgi_peek_at(p, 2);
    if (wgi_at_word(p, 0, "LET")) return name_ahead(p, 1) && punct_ahead(p, 2, WG_P_EQ);
    if (wgi_at_word(p, 0, "FOR"))
        return name_ahead(p, 1) && second->kind == WG_TOKEN_KEYWORD && second->keyword == WG_KW_IN;
    return wgi_at_word(p, 0, "FILTER") || wgi_at_word(p, 0, "FINISH");
}

/* The front of a WITH *: no order, skip, limit; where the WHERE will be. */
static bool push_with_tail(wgi_parser *p) {
    for (int i = 0; i < 4; i++)
        if (!wgi_push_child(p, NULL)) return false;
    return true;
}

static wg_ast *with_node(wgi_parser *p, uint32_t start, size_t mark) {
    wg_ast *node = wgi_node(p, WG_AST_WITH, start, mark);
    if (node != NULL) node->flags = WG_AST_STAR;
    return node;
}

static wg_ast *filter(wgi_parser *p, uint32_t start, size_t mark) {
    (void)wgi_take_keyword(p, WG_KW_WHERE);
    wg_ast *condition = wgi_expression(p);
    if (condition == NULL || !push_with_tail(p)) return NULL;
    memcpy(p->stack.data + mark + 3 * sizeof condition, &condition, sizeof condition);
    return with_node(p, start, mark);
}

static wg_ast *let_item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice name;
    if (!wgi_name(p, "a variable of LET", &name) || !wgi_expect_punct(p, WG_P_EQ, "after a variable of LET"))
        return NULL;
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_ITEM, start, mark);
    if (node != NULL) node->text = name;
    return node;
}

static wg_ast *let(wgi_parser *p, uint32_t start, size_t mark) {
    if (!push_with_tail(p)) return NULL;
    do {
        if (!wgi_push_rule(p, let_item)) return NULL;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return with_node(p, start, mark);
}

static wg_ast *for_clause(wgi_parser *p, uint32_t start, size_t mark) {
    wg_slice variable, place;
    uint8_t flags = 0;
    if (!wgi_name(p, "the variable of FOR", &variable) || !wgi_expect_keyword(p, WG_KW_IN, "in FOR")) return NULL;
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    const bool with = wgi_at_keyword(p, WG_KW_WITH);
    const bool offset = with && wgi_at_word(p, 1, "OFFSET");
    if (offset || (with && wgi_at_word(p, 1, "ORDINALITY"))) {
        p->at += 2;
        const uint32_t name_start = wgi_start(p);
        if (!wgi_name(p, "the place in the list", &place)) return NULL;
        wg_ast *name = wgi_leaf(p, WG_AST_NAME, name_start);
        if (name == NULL || !wgi_push_child(p, name)) return NULL;
        name->text = place;
        flags = offset ? WG_AST_OFFSET : 0;
    }
    wg_ast *node = wgi_node(p, WG_AST_UNWIND, start, mark);
    if (node == NULL) return NULL;
    node->text = variable;
    node->flags = flags;
    return node;
}

wg_ast *wgi_gql_clause(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (wgi_take_word(p, "FILTER")) return filter(p, start, mark);
    if (wgi_take_word(p, "LET")) return let(p, start, mark);
    if (wgi_take_word(p, "FOR")) return for_clause(p, start, mark);
    (void)wgi_take_word(p, "FINISH");
    return wgi_leaf(p, WG_AST_FINISH, start);
}

/* ---- types behind IS :: */

static const struct {
    const char *words[2];
    const char *type;
} types[] = {{{"ZONED", "DATETIME"}, "ZONED DATETIME"},
             {{"ZONED", "TIME"}, "ZONED TIME"},
             {{"LOCAL", "DATETIME"}, "LOCAL DATETIME"},
             {{"LOCAL", "TIME"}, "LOCAL TIME"},
             {{"SIGNED", "INTEGER"}, "INTEGER"},
             {{"PROPERTY", "VALUE"}, "PROPERTY VALUE"},
             {{"ANY", "VALUE"}, "ANY"},
             {{"ANY", "NODE"}, "NODE"},
             {{"ANY", "RELATIONSHIP"}, "RELATIONSHIP"},
             {{"ANY", "MAP"}, "MAP"},
             {{"BOOLEAN", NULL}, "BOOLEAN"},
             {{"BOOL", NULL}, "BOOLEAN"},
             {{"STRING", NULL}, "STRING"},
             {{"VARCHAR", NULL}, "STRING"},
             {{"INTEGER", NULL}, "INTEGER"},
             {{"INT", NULL}, "INTEGER"},
             {{"FLOAT", NULL}, "FLOAT"},
             {{"DATE", NULL}, "DATE"},
             {{"DATETIME", NULL}, "ZONED DATETIME"},
             {{"TIME", NULL}, "ZONED TIME"},
             {{"DURATION", NULL}, "DURATION"},
             {{"POINT", NULL}, "POINT"},
             {{"BYTES", NULL}, "BYTES"},
             {{"NODE", NULL}, "NODE"},
             {{"VERTEX", NULL}, "NODE"},
             {{"RELATIONSHIP", NULL}, "RELATIONSHIP"},
             {{"EDGE", NULL}, "RELATIONSHIP"},
             {{"MAP", NULL}, "MAP"},
             {{"PATH", NULL}, "PATH"},
             {{"NOTHING", NULL}, "NOTHING"},
             {{"NULL", NULL}, "NULL"},
             {{"ANY", NULL}, "ANY"}};

/* A word whether it is a keyword or not. */
static bool at_any_word(const wgi_parser *p, uint32_t ahead, const char *word) {
    const wg_token *t = wgi_peek_at(p, ahead);
    if (t->kind != WG_TOKEN_KEYWORD) return wgi_at_word(p, ahead, word);
    return strcmp(wg_lexer_keyword_name((wg_keyword)t->keyword), word) == 0;
}

static bool put(wgi_parser *p, wg_buf *out, const char *text) {
    return wg_buf_append_str(out, text) || wgi_fail(p, WG_E_NOMEM, wgi_start(p), "no memory for a type") != NULL;
}

static bool type_union(wgi_parser *p, wg_buf *out, bool nested);

static bool list_type(wgi_parser *p, wg_buf *out) {
    p->at++;
    if (!wgi_expect_punct(p, WG_P_LT, "behind LIST") || !put(p, out, "LIST<")) return false;
    if (!wgi_enter(p)) return false;
    const bool ok = type_union(p, out, true);
    wgi_leave(p);
    return ok && wgi_expect_punct(p, WG_P_GT, "to close LIST<") && put(p, out, ">");
}

static bool one_type(wgi_parser *p, wg_buf *out) {
    const char *type = NULL;
    if (at_any_word(p, 0, "LIST") || at_any_word(p, 0, "ARRAY")) {
        if (!list_type(p, out)) return false;
    } else {
        for (size_t i = 0; i < sizeof types / sizeof types[0] && type == NULL; i++) {
            if (!at_any_word(p, 0, types[i].words[0])) continue;
            if (types[i].words[1] != NULL && !at_any_word(p, 1, types[i].words[1])) continue;
            type = types[i].type;
            p->at += types[i].words[1] != NULL ? 2 : 1;
        }
        if (type == NULL) {
            (void)wgi_unexpected(p, "a type such as INTEGER, STRING or LIST<ANY>");
            return false;
        }
        if (!put(p, out, type)) return false;
    }
    return !wgi_take_keywords(p, WG_KW_NOT, WG_KW_NULL) || put(p, out, " NOT NULL");
}

static bool type_union(wgi_parser *p, wg_buf *out, bool nested) {
    if (!one_type(p, out)) return false;
    while ((nested || !p->bar_ends) && wgi_take_punct(p, WG_P_PIPE))
        if (!put(p, out, " | ") || !one_type(p, out)) return false;
    return true;
}

static wg_ast *typed(wgi_parser *p, wg_ast *left) {
    const size_t mark = wgi_mark(p);
    wg_buf text;
    wg_buf_init(&text, p->arena->account);
    bool ok = wgi_push_child(p, left) && type_union(p, &text, false);
    wg_ast *node = ok ? wgi_node(p, WG_AST_IS_TYPED, left->start, mark) : NULL;
    const void *copy = node != NULL ? wg_arena_copy(p->arena, text.data, text.size) : NULL;
    if (node != NULL && copy == NULL) node = wgi_fail(p, WG_E_NOMEM, left->start, "no memory for a type");
    if (node != NULL) node->text = wg_slice_of(copy, text.size);
    wg_buf_deinit(&text);
    return node;
}

/* ---- IS */

wg_ast *wgi_unary_node(wgi_parser *p, wg_ast_op op, wg_ast *operand) {
    const size_t mark = wgi_mark(p);
    if (operand == NULL || !wgi_push_child(p, operand)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_UNARY, operand->start, mark);
    if (node != NULL) node->op = (uint8_t)op;
    return node;
}

static wg_ast *labelled(wgi_parser *p, wg_ast *left) {
    const size_t mark = wgi_mark(p);
    if (!wgi_push_child(p, left) || !wgi_push_label_expression(p, false)) return NULL;
    return wgi_node(p, WG_AST_HAS_LABELS, left->start, mark);
}

wg_ast *wgi_is_test(wgi_parser *p, wg_ast *left) {
    const bool negated = wgi_take_keyword(p, WG_KW_NOT);
    if (wgi_take_keyword(p, WG_KW_NULL)) return wgi_unary_node(p, negated ? WG_OP_IS_NOT_NULL : WG_OP_IS_NULL, left);
    const bool colons = wgi_at_punct(p, WG_P_COLON) && punct_ahead(p, 1, WG_P_COLON);
    const bool word = wgi_at_word(p, 0, "TYPED") && wgi_is_any_name(wgi_peek_at(p, 1));
    wg_ast *test;
    if (colons || word) {
        p->at += colons ? 2 : 1;
        test = typed(p, left);
    } else {
        const bool said =
            wgi_at_word(p, 0, "LABELED") && !punct_ahead(p, 1, WG_P_NONE) && wgi_is_any_name(wgi_peek_at(p, 1));
        if (said) p->at++;
        const bool label = wgi_is_name(wgi_peek(p)) || wgi_at_punct(p, WG_P_LPAREN) || wgi_at_punct(p, WG_P_BANG) ||
                           wgi_at_punct(p, WG_P_PERCENT);
        if (!label) return wgi_unexpected(p, negated ? "NULL after IS NOT" : "NULL or NOT NULL after IS");
        test = labelled(p, left);
    }
    return negated && test != NULL ? wgi_unary_node(p, WG_OP_NOT, test) : test;
}
