/* query/parser: CREATE and DROP of indexes and constraints.
 *
 * INDEX, CONSTRAINT, RANGE, HASH, FOR, REQUIRE, UNIQUE and TYPED are not keywords: `CREATE INDEX` begins a definition unless '=' follows,
 * which makes INDEX the name of a path. The variable of the pattern is only checked: the tree holds label and properties. */
#include "query/parser/parser_internal.h"

static bool expect_word(wgi_parser *p, const char *word, const char *what) {
    return wgi_take_word(p, word) || wgi_unexpected(p, what) != NULL;
}

bool wgi_at_create_rule(const wgi_parser *p) {
    if (!wgi_at_keyword(p, WG_KW_CREATE)) return false;
    const wg_token *behind = wgi_peek_at(p, 2);
    if (behind->kind == WG_TOKEN_PUNCT && behind->punct == WG_P_EQ) return false;
    if (wgi_at_word(p, 1, "INDEX") || wgi_at_word(p, 1, "CONSTRAINT")) return true;
    return (wgi_at_word(p, 1, "RANGE") || wgi_at_word(p, 1, "HASH")) && wgi_at_word(p, 2, "INDEX");
}

/* ---- FOR (n:Label) or FOR ()-[r:TYPE]-() */

typedef struct target {
    wg_slice variable;
    uint8_t flags;
} target;

static bool label_of(wgi_parser *p, target *t) {
    if (!wgi_name(p, "a variable", &t->variable)) return false;
    if (!wgi_expect_punct(p, WG_P_COLON, "and the label after the variable")) return false;
    wg_ast *label = wgi_name_node(p, "the label");
    return label != NULL && wgi_push_child(p, label);
}

/* An arrow's head, on either side, says nothing: an index knows no direction. */
static bool target_of(wgi_parser *p, target *t) {
    if (!expect_word(p, "FOR", "FOR (n:Label) or FOR ()-[r:TYPE]-()")) return false;
    if (!wgi_expect_punct(p, WG_P_LPAREN, "after FOR")) return false;
    if (!wgi_take_punct(p, WG_P_RPAREN))
        return label_of(p, t) && wgi_expect_punct(p, WG_P_RPAREN, "behind the label");
    t->flags = WG_AST_OF_EDGES;
    const bool left = wgi_take_punct(p, WG_P_LT);
    if (!wgi_expect_punct(p, WG_P_MINUS, "and the relationship after FOR ()")) return false;
    if (!wgi_expect_punct(p, WG_P_LBRACKET, "and the relationship")) return false;
    if (!label_of(p, t) || !wgi_expect_punct(p, WG_P_RBRACKET, "behind the type")) return false;
    if (!wgi_expect_punct(p, WG_P_MINUS, "behind the relationship")) return false;
    if (!left) (void)wgi_take_punct(p, WG_P_GT);
    return wgi_expect_punct(p, WG_P_LPAREN, "and ')' behind the relationship") &&
           wgi_expect_punct(p, WG_P_RPAREN, "behind the relationship");
}

static bool property(wgi_parser *p, const target *t) {
    const uint32_t start = wgi_start(p);
    wg_slice variable;
    if (!wgi_name(p, "a property such as n.name", &variable)) return false;
    if (!wg_slice_equal(variable, t->variable))
        return wgi_fail(p, WG_E_SYNTAX, start, "the property must be one of the variable behind FOR") != NULL;
    if (!wgi_expect_punct(p, WG_P_DOT, "and a property behind the variable")) return false;
    wg_ast *name = wgi_name_node(p, "a property");
    return name != NULL && wgi_push_child(p, name);
}

/* (n.a, n.b), or n.a where `list` does not ask for parentheses. */
static bool properties(wgi_parser *p, const target *t, bool list) {
    if (!list && !wgi_at_punct(p, WG_P_LPAREN)) return property(p, t);
    if (!wgi_expect_punct(p, WG_P_LPAREN, "before the properties")) return false;
    do {
        if (!property(p, t)) return false;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the list of properties");
}

/* ON :Label(p, q) */
static bool old_target(wgi_parser *p) {
    if (!wgi_expect_punct(p, WG_P_COLON, "and a label after ON")) return false;
    wg_ast *name = wgi_name_node(p, "the label");
    if (name == NULL || !wgi_push_child(p, name)) return false;
    if (!wgi_expect_punct(p, WG_P_LPAREN, "and the properties after the label")) return false;
    do {
        name = wgi_name_node(p, "a property");
        if (name == NULL || !wgi_push_child(p, name)) return false;
    } while (wgi_take_punct(p, WG_P_COMMA));
    return wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the list of properties");
}

/* ---- create */

static wg_ast *create_index(wgi_parser *p, uint32_t start, uint8_t op) {
    const size_t mark = wgi_mark(p);
    wg_slice name = {0};
    target t = {0};
    uint8_t flags = 0;
    const bool old = wgi_at_keyword(p, WG_KW_ON) && wgi_peek_at(p, 1)->kind == WG_TOKEN_PUNCT &&
                     wgi_peek_at(p, 1)->punct == WG_P_COLON;
    if (old) {
        p->at++;
        if (!old_target(p)) return NULL;
    } else {
        const wg_token *behind = wgi_peek_at(p, 1);
        const bool unnamed = wgi_at_word(p, 0, "FOR") && behind->kind == WG_TOKEN_PUNCT;
        const bool condition = wgi_at_keywords(p, WG_KW_IF, WG_KW_NOT);
        if (!unnamed && !condition && !wgi_any_name(p, "the name of the index or FOR", &name)) return NULL;
        if (!wgi_take_if(p, true, &flags) || !target_of(p, &t)) return NULL;
        if (!wgi_expect_keyword(p, WG_KW_ON, "and the properties")) return NULL;
        if (!properties(p, &t, true)) return NULL;
    }
    wg_ast *node = wgi_node(p, WG_AST_CREATE_INDEX, start, mark);
    if (node == NULL) return NULL;
    node->text = name;
    node->op = op;
    node->flags = (uint8_t)(flags | t.flags);
    return node;
}

static bool store_type(wgi_parser *p, size_t at, wg_ast *type) {
    if (type == NULL) return false;
    memcpy(p->stack.data + at, &type, sizeof type);
    return true;
}

/* UNIQUE, [NODE | RELATIONSHIP] KEY, NOT NULL, :: TYPE or TYPED TYPE, behind IS. */
static bool requirement(wgi_parser *p, size_t type_at, uint8_t *op) {
    if (!wgi_expect_keyword(p, WG_KW_IS, "and what the properties must be")) return false;
    *op = WG_AST_CONSTRAINT_UNIQUE;
    if (wgi_take_word(p, "UNIQUE")) return true;
    *op = WG_AST_CONSTRAINT_KEY;
    if (wgi_take_keyword(p, WG_KW_NODE) || wgi_take_word(p, "RELATIONSHIP") || wgi_take_word(p, "REL"))
        return wgi_take_word(p, "UNIQUE") ? (*op = WG_AST_CONSTRAINT_UNIQUE, true)
                                          : wgi_expect_keyword(p, WG_KW_KEY, "or UNIQUE");
    if (wgi_take_keyword(p, WG_KW_KEY)) return true;
    *op = WG_AST_CONSTRAINT_NOT_NULL;
    if (wgi_take_keyword(p, WG_KW_NOT)) return wgi_expect_keyword(p, WG_KW_NULL, "after NOT");
    *op = WG_AST_CONSTRAINT_TYPE;
    if (wgi_take_punct(p, WG_P_COLON)) {
        if (!wgi_expect_punct(p, WG_P_COLON, "and a type: IS :: INTEGER")) return false;
    } else if (!wgi_take_word(p, "TYPED")) {
        return wgi_unexpected(p, "UNIQUE, KEY, NOT NULL, :: TYPE or TYPED TYPE") != NULL;
    }
    return store_type(p, type_at, wgi_column_type(p));
}

static wg_ast *create_constraint(wgi_parser *p, uint32_t start) {
    const size_t mark = wgi_mark(p);
    wg_slice name = {0};
    target t = {0};
    uint8_t flags = 0, op = 0;
    const bool unnamed = wgi_at_word(p, 0, "FOR") && wgi_peek_at(p, 1)->kind == WG_TOKEN_PUNCT;
    const bool condition = wgi_at_keywords(p, WG_KW_IF, WG_KW_NOT);
    if (!unnamed && !condition && !wgi_any_name(p, "the name of the constraint or FOR", &name)) return NULL;
    if (!wgi_take_if(p, true, &flags) || !target_of(p, &t)) return NULL;
    if (!expect_word(p, "REQUIRE", "REQUIRE and a condition")) return NULL;
    const size_t type_at = wgi_mark(p);
    if (!wgi_push_child(p, NULL) || !properties(p, &t, false) || !requirement(p, type_at, &op)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_CREATE_CONSTRAINT, start, mark);
    if (node == NULL) return NULL;
    node->text = name;
    node->op = op;
    node->flags = (uint8_t)(flags | t.flags);
    return node;
}

wg_ast *wgi_create_rule(wgi_parser *p, uint32_t start) {
    p->at++;
    if (wgi_take_word(p, "CONSTRAINT")) return create_constraint(p, start);
    const bool hash = wgi_take_word(p, "HASH");
    if (!hash) (void)wgi_take_word(p, "RANGE");
    if (!expect_word(p, "INDEX", "INDEX")) return NULL;
    return create_index(p, start, hash ? WG_AST_INDEX_HASH : WG_AST_INDEX_RANGE);
}

/* ---- drop */

wg_ast *wgi_drop_rule(wgi_parser *p, uint32_t start) {
    const bool index = wgi_take_word(p, "INDEX");
    if (!index && !expect_word(p, "CONSTRAINT", "CONSTRAINT")) return NULL;
    const size_t mark = wgi_mark(p);
    const wg_ast_kind kind = index ? WG_AST_DROP_INDEX : WG_AST_DROP_CONSTRAINT;
    wg_slice name = {0};
    uint8_t flags = 0;
    if (index && wgi_at_keyword(p, WG_KW_ON) && wgi_peek_at(p, 1)->kind == WG_TOKEN_PUNCT) {
        p->at++;
        return old_target(p) ? wgi_node(p, kind, start, mark) : NULL;
    }
    if (!wgi_any_name(p, index ? "the index to drop" : "the constraint to drop", &name)) return NULL;
    if (!wgi_take_if(p, false, &flags)) return NULL;
    wg_ast *node = wgi_leaf(p, kind, start);
    if (node == NULL) return NULL;
    node->text = name;
    node->flags = flags;
    return node;
}
