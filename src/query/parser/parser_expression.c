/* query/parser: expressions, weakest operator first:
 *
 *   OR < XOR < AND < NOT < comparison chain < STARTS WITH, ENDS WITH, CONTAINS, =~, IN, IS [NOT] NULL < + - < * / % < ^
 *   < unary + - < property, index, slice < labels < atom
 *
 * All binary operators associate to the left. `a < b <= c` is one CHAIN node and means a < b AND b <= c. A minus before a
 * number literal is part of the number, so that the least integer can be written. */
#include "query/parser/parser_internal.h"

#include <math.h>

#include "base/text/text.h"

static wg_ast *unary(wgi_parser *p);

typedef struct binary_op {
    uint8_t punct;
    uint8_t op;
} binary_op;

static bool punct_op(const wgi_parser *p, const binary_op *table, size_t count, wg_ast_op *out) {
    const wg_token *t = wgi_peek(p);
    if (t->kind != WG_TOKEN_PUNCT) return false;
    for (size_t i = 0; i < count; i++) {
        if (table[i].punct != t->punct) continue;
        *out = (wg_ast_op)table[i].op;
        return true;
    }
    return false;
}

/* Node of two children that are already made. */
static wg_ast *pair(wgi_parser *p, wg_ast_kind kind, wg_ast_op op, wg_ast *left, wg_ast *right) {
    if (left == NULL || right == NULL) return NULL;
    const size_t mark = wgi_mark(p);
    if (!wgi_push_child(p, left) || !wgi_push_child(p, right)) return NULL;
    wg_ast *node = wgi_node(p, kind, left->start, mark);
    if (node != NULL) node->op = (uint8_t)op;
    return node;
}

static wg_ast *wrap(wgi_parser *p, wg_ast_kind kind, wg_ast_op op, uint32_t start, wg_ast *only) {
    const size_t mark = wgi_mark(p);
    if (only == NULL || !wgi_push_child(p, only)) return NULL;
    wg_ast *node = wgi_node(p, kind, start, mark);
    if (node != NULL) node->op = (uint8_t)op;
    return node;
}

static wg_ast *left_chain(wgi_parser *p, wgi_rule operand, const binary_op *table, size_t count) {
    wg_ast_op op;
    wg_ast *left = operand(p);
    while (left != NULL && punct_op(p, table, count, &op)) {
        (void)wgi_take_punct(p, (wg_punct)wgi_peek(p)->punct);
        left = pair(p, WG_AST_BINARY, op, left, operand(p));
    }
    return left;
}

static wg_ast *power(wgi_parser *p) {
    static const binary_op ops[] = {{WG_P_CARET, WG_OP_POWER}};
    return left_chain(p, unary, ops, 1);
}

static wg_ast *multiplicative(wgi_parser *p) {
    static const binary_op ops[] = {
        {WG_P_STAR, WG_OP_MULTIPLY}, {WG_P_SLASH, WG_OP_DIVIDE}, {WG_P_PERCENT, WG_OP_MODULO}};
    return left_chain(p, power, ops, 3);
}

/* "||", which the lexer gives as two bars that touch. */
static bool at_concat(const wgi_parser *p) {
    const wg_token *next = wgi_peek_at(p, 1);
    return wgi_at_punct(p, WG_P_PIPE) && next->kind == WG_TOKEN_PUNCT && next->punct == WG_P_PIPE &&
           next->start == wgi_peek(p)->end;
}

static wg_ast *additive(wgi_parser *p) {
    static const binary_op ops[] = {{WG_P_PLUS, WG_OP_ADD}, {WG_P_MINUS, WG_OP_SUBTRACT}};
    wg_ast_op op;
    wg_ast *left = multiplicative(p);
    while (left != NULL) {
        const bool concat = at_concat(p);
        if (concat) op = WG_OP_CONCAT;
        else if (!punct_op(p, ops, 2, &op)) break;
        p->at += concat ? 2 : 1;
        left = pair(p, WG_AST_BINARY, op, left, multiplicative(p));
    }
    return left;
}

/* NFC, NFD, NFKC or NFKD as a string; NULL when none stands here. */
static wg_ast *normal_form(wgi_parser *p) {
    static const char *const forms[] = {"NFC", "NFD", "NFKC", "NFKD"};
    for (size_t i = 0; i < 4; i++) {
        if (!wgi_at_word(p, 0, forms[i])) continue;
        const uint32_t start = wgi_start(p);
        p->at++;
        wg_ast *node = wgi_leaf(p, WG_AST_STRING, start);
        if (node != NULL) node->text = wg_slice_str(forms[i]);
        return node;
    }
    return NULL;
}

/* text IS [NOT] [NFC] NORMALIZED is isNormalized(text, form). */
static bool at_normalized(const wgi_parser *p) {
    if (!wgi_at_keyword(p, WG_KW_IS)) return false;
    const uint32_t behind = wgi_at_word(p, 1, "NOT") ? 2 : 1;
    const wg_token *t = wgi_peek_at(p, behind);
    const bool form = t->end - t->start <= 4 && wgi_is_any_name(t);
    return wgi_at_word(p, behind, "NORMALIZED") || (form && wgi_at_word(p, behind + 1, "NORMALIZED"));
}

static wg_ast *normalized(wgi_parser *p, wg_ast *text) {
    const size_t mark = wgi_mark(p);
    p->at++;
    const bool negated = wgi_take_keyword(p, WG_KW_NOT);
    wg_ast *form = normal_form(p);
    if (!wgi_take_word(p, "NORMALIZED")) return wgi_unexpected(p, "NFC, NFD, NFKC, NFKD or NORMALIZED");
    if (!wgi_push_child(p, text) || (form != NULL && !wgi_push_child(p, form))) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_FUNCTION, text->start, mark);
    if (node != NULL) node->text = wg_slice_str("isnormalized");
    return negated ? wrap(p, WG_AST_UNARY, WG_OP_NOT, text->start, node) : node;
}

/* Takes one string, list or null operator; false when none stands here. *out_binary: an operand follows. */
static bool take_predicate(wgi_parser *p, wg_ast_op *out, bool *out_binary) {
    *out_binary = true;
    if (wgi_take_keywords(p, WG_KW_STARTS, WG_KW_WITH)) {
        *out = WG_OP_STARTS_WITH;
    } else if (wgi_take_keywords(p, WG_KW_ENDS, WG_KW_WITH)) {
        *out = WG_OP_ENDS_WITH;
    } else if (wgi_take_keyword(p, WG_KW_CONTAINS)) {
        *out = WG_OP_CONTAINS;
    } else if (wgi_take_punct(p, WG_P_REGEX)) {
        *out = WG_OP_REGEX;
    } else if (wgi_take_keyword(p, WG_KW_IN)) {
        *out = WG_OP_IN;
    } else if (wgi_take_keyword(p, WG_KW_IS)) {
        *out_binary = false;
    } else {
        return false;
    }
    return true;
}

static wg_ast *predicate(wgi_parser *p) {
    wg_ast *left = additive(p);
    wg_ast_op op;
    bool binary;
    while (left != NULL) {
        if (at_normalized(p)) left = normalized(p, left);
        else if (!take_predicate(p, &op, &binary)) break;
        else left = binary ? pair(p, WG_AST_BINARY, op, left, additive(p)) : wgi_is_test(p, left);
    }
    return p->code == WG_OK ? left : NULL;
}

static wg_ast *comparison(wgi_parser *p) {
    static const binary_op ops[] = {{WG_P_EQ, WG_OP_EQ}, {WG_P_NE, WG_OP_NE}, {WG_P_LT, WG_OP_LT},
                                    {WG_P_LE, WG_OP_LE}, {WG_P_GT, WG_OP_GT}, {WG_P_GE, WG_OP_GE}};
    const size_t mark = wgi_mark(p);
    wg_ast *first = predicate(p);
    wg_ast_op op;
    if (first == NULL || !punct_op(p, ops, 6, &op)) return first;
    wg_buf chain;
    wg_buf_init(&chain, p->arena->account);
    wg_ast *node = NULL;
    bool ok = wgi_push_child(p, first);
    while (ok && punct_op(p, ops, 6, &op)) {
        (void)wgi_take_punct(p, (wg_punct)wgi_peek(p)->punct);
        ok = wgi_push_rule(p, predicate);
        if (ok && !wg_buf_append_u8(&chain, (uint8_t)op)) ok = wgi_fail(p, WG_E_NOMEM, first->start, "no memory");
    }
    if (ok) node = wgi_node(p, chain.size == 1 ? WG_AST_BINARY : WG_AST_CHAIN, first->start, mark);
    if (node != NULL && chain.size == 1) {
        node->op = chain.data[0];
    } else if (node != NULL) {
        const void *copy = wg_arena_copy(p->arena, chain.data, chain.size);
        node->text = wg_slice_of(copy, chain.size);
        if (copy == NULL) node = wgi_fail(p, WG_E_NOMEM, first->start, "no memory for an expression");
    }
    wg_buf_deinit(&chain);
    return node;
}

static wg_ast *not_expression(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    if (!wgi_take_keyword(p, WG_KW_NOT)) return comparison(p);
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = wrap(p, WG_AST_UNARY, WG_OP_NOT, start, not_expression(p));
    wgi_leave(p);
    return node;
}

/* OR, XOR and AND: operands of one level become one node. */
static wg_ast *nary(wgi_parser *p, wg_keyword keyword, wg_ast_op op, wgi_rule operand) {
    const size_t mark = wgi_mark(p);
    wg_ast *first = operand(p);
    if (first == NULL || !wgi_at_keyword(p, keyword)) return first;
    if (!wgi_push_child(p, first)) return NULL;
    while (wgi_take_keyword(p, keyword))
        if (!wgi_push_rule(p, operand)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_NARY, first->start, mark);
    if (node != NULL) node->op = (uint8_t)op;
    return node;
}

static wg_ast *and_expression(wgi_parser *p) { return nary(p, WG_KW_AND, WG_OP_AND, not_expression); }
static wg_ast *xor_expression(wgi_parser *p) { return nary(p, WG_KW_XOR, WG_OP_XOR, and_expression); }
static wg_ast *or_expression(wgi_parser *p) { return nary(p, WG_KW_OR, WG_OP_OR, xor_expression); }

wg_ast *wgi_expression(wgi_parser *p) {
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = or_expression(p);
    wgi_leave(p);
    return node;
}

/* ---- numbers */

static bool magnitude(wg_slice s, uint64_t *out) {
    uint32_t base = 10;
    size_t i = 0;
    if (s.size > 2 && s.data[0] == '0') {
        base = s.data[1] == 'x' || s.data[1] == 'X' ? 16 : 8;
        i = 2;
    }
    uint64_t v = 0;
    for (; i < s.size; i++) {
        const uint8_t c = s.data[i];
        const uint32_t digit = c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)digit, &v))
            return false;
    }
    *out = v;
    return true;
}

static wg_ast *too_large(wgi_parser *p, uint32_t start, const char *message) {
    (void)wgi_fail(p, WG_E_SYNTAX, start, message);
    (void)wg_error_refine(p->err, p->code, WG_S_NUMERIC_RANGE);
    return NULL;
}

/* The token without the '_' between digits. */
static bool plain_digits(wgi_parser *p, const wg_token *t, wg_slice *out) {
    *out = wg_slice_of(p->text.data + t->start, t->end - t->start);
    if (memchr(out->data, '_', out->size) == NULL) return true;
    uint8_t *copy = wg_arena_alloc(p->arena, out->size);
    if (copy == NULL) return wgi_fail(p, WG_E_NOMEM, t->start, "out of memory") != NULL;
    size_t n = 0;
    for (size_t i = 0; i < out->size; i++)
        if (out->data[i] != '_') copy[n++] = out->data[i];
    *out = wg_slice_of(copy, n);
    return true;
}

static wg_ast *number(wgi_parser *p, uint32_t start, bool negative) {
    const wg_token *t = wgi_peek(p);
    wg_slice text;
    if (!plain_digits(p, t, &text)) return NULL;
    const bool integer = t->kind == WG_TOKEN_INTEGER;
    int64_t i = 0;
    double f = 0;
    if (integer) {
        uint64_t v;
        const uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
        if (!magnitude(text, &v) || v > most)
            return too_large(p, start, "integer overflow: the number does not fit in 64 bits");
        i = wg_i64_of_u64(negative ? (uint64_t)0 - v : v);
    } else if (!wg_parse_f64(text, &f) || !isfinite(f)) {
        return too_large(p, start, "floating point overflow: the number does not fit in 64 bits");
    }
    p->at++;
    wg_ast *node = wgi_leaf(p, integer ? WG_AST_INT : WG_AST_FLOAT, start);
    if (node == NULL) return NULL;
    node->i = i;
    node->f = integer ? 0 : negative ? -f : f;
    return node;
}

/* ---- atoms */

static wg_ast *with_text(wg_ast *node, wg_slice text) {
    if (node != NULL) node->text = text;
    return node;
}

wg_ast *wgi_string_node(wgi_parser *p, const char *what) {
    const uint32_t start = wgi_start(p);
    wg_slice text;
    if (!wgi_string(p, what, &text)) return NULL;
    return with_text(wgi_leaf(p, WG_AST_STRING, start), text);
}

wg_ast *wgi_parameter(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    if (!wgi_expect_punct(p, WG_P_DOLLAR, "of a parameter")) return NULL;
    const wg_token *t = wgi_peek(p);
    wg_slice text = wg_slice_of(p->text.data + t->start, t->end - t->start);
    const bool digits = t->kind == WG_TOKEN_INTEGER && (text.size < 2 || text.data[1] <= '9');
    if (digits) {
        p->at++;
    } else if (!wgi_any_name(p, "a parameter after '$'", &text)) {
        return NULL;
    }
    return with_text(wgi_leaf(p, WG_AST_PARAMETER, start), text);
}

wg_ast *wgi_integer_or_parameter(wgi_parser *p, const char *what) {
    if (wgi_at_punct(p, WG_P_DOLLAR)) return wgi_parameter(p);
    if (wgi_peek(p)->kind == WG_TOKEN_INTEGER) return number(p, wgi_start(p), false);
    return wgi_unexpected(p, what);
}

static wg_ast *entry(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice key;
    if (!wgi_key(p, "a map key", &key)) return NULL;
    if (!wgi_expect_punct(p, WG_P_COLON, "after a map key") || !wgi_push_rule(p, wgi_expression)) return NULL;
    return with_text(wgi_node(p, WG_AST_ENTRY, start, mark), key);
}

wg_ast *wgi_map(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (!wgi_expect_punct(p, WG_P_LBRACE, "of a map")) return NULL;
    if (!wgi_at_punct(p, WG_P_RBRACE)) {
        do {
            if (!wgi_push_rule(p, entry)) return NULL;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RBRACE, "or ',' in a map")) return NULL;
    return wgi_node(p, WG_AST_MAP, start, mark);
}

/* Pushes the expression behind a keyword or punctuation when that stands here, else a missing child. */
static bool push_where(wgi_parser *p) {
    return wgi_take_keyword(p, WG_KW_WHERE) ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL);
}

static wg_ast *list_comprehension(wgi_parser *p, uint32_t start, size_t mark) {
    wg_slice variable;
    if (!wgi_name(p, "the variable of a list comprehension", &variable)) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_IN, "in a list comprehension")) return NULL;
    if (!wgi_push_rule(p, wgi_expression) || !push_where(p)) return NULL;
    if (!(wgi_take_punct(p, WG_P_PIPE) ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL))) return NULL;
    if (!wgi_expect_punct(p, WG_P_RBRACKET, "to close the list comprehension")) return NULL;
    return with_text(wgi_node(p, WG_AST_LIST_COMPREHENSION, start, mark), variable);
}

static wg_ast *pattern_comprehension(wgi_parser *p, uint32_t start, size_t mark) {
    if (!wgi_push_rule(p, wgi_path) || !push_where(p)) return NULL;
    if (!wgi_expect_punct(p, WG_P_PIPE, "and the result in a pattern comprehension")) return NULL;
    if (!wgi_push_rule(p, wgi_expression)) return NULL;
    if (!wgi_expect_punct(p, WG_P_RBRACKET, "to close the pattern comprehension")) return NULL;
    return wgi_node(p, WG_AST_PATTERN_COMPREHENSION, start, mark);
}

/* Runs a rule in which a '|' ends expressions, or (`ends` false) belongs to label expressions. */
static wg_ast *with_bar(wgi_parser *p, bool ends, wgi_rule rule) {
    const bool before = p->bar_ends;
    p->bar_ends = ends;
    wg_ast *node = rule(p);
    p->bar_ends = before;
    return node;
}

static wg_ast *bracketed_body(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    (void)wgi_take_punct(p, WG_P_LBRACKET);
    const wg_token *next = wgi_peek_at(p, 1);
    p->bar_ends = true;
    if (wgi_is_name(wgi_peek(p)) && next->kind == WG_TOKEN_KEYWORD && next->keyword == WG_KW_IN)
        return list_comprehension(p, start, mark);
    if (wgi_at_pattern_comprehension(p)) return pattern_comprehension(p, start, mark);
    p->bar_ends = false;
    if (!wgi_at_punct(p, WG_P_RBRACKET)) {
        do {
            if (!wgi_push_rule(p, wgi_expression)) return NULL;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RBRACKET, "or ',' in a list")) return NULL;
    return wgi_node(p, WG_AST_LIST, start, mark);
}

static wg_ast *bracketed(wgi_parser *p) { return with_bar(p, false, bracketed_body); }

/* One of the tests behind a WHEN with a subject: an operator and what follows it, or a value to equal. */
static wg_ast *when_test(wgi_parser *p) {
    static const binary_op ops[] = {{WG_P_EQ, WG_OP_EQ}, {WG_P_NE, WG_OP_NE}, {WG_P_LT, WG_OP_LT},
                                    {WG_P_LE, WG_OP_LE}, {WG_P_GT, WG_OP_GT}, {WG_P_GE, WG_OP_GE}};
    wg_ast *subject = wgi_leaf(p, WG_AST_CASE_SUBJECT, wgi_start(p));
    wg_ast_op op;
    bool binary;
    if (subject == NULL) return NULL;
    if (punct_op(p, ops, 6, &op)) {
        p->at++;
        return pair(p, WG_AST_BINARY, op, subject, additive(p));
    }
    if (!take_predicate(p, &op, &binary)) return pair(p, WG_AST_BINARY, WG_OP_EQ, subject, wgi_expression(p));
    if (binary) return pair(p, WG_AST_BINARY, op, subject, additive(p));
    wg_ast *test = wgi_is_test(p, subject);
    if (test == NULL || test->kind == WG_AST_IS_TYPED || test->op != WG_OP_NOT || test->kind != WG_AST_UNARY)
        return test != NULL && test->kind == WG_AST_HAS_LABELS
                   ? wgi_fail(p, WG_E_SYNTAX, test->start, "a WHEN with a subject tests values and types, not labels")
                   : test;
    return test->child[0]->kind == WG_AST_IS_TYPED
               ? test
               : wgi_fail(p, WG_E_SYNTAX, test->start, "a WHEN with a subject tests values and types, not labels");
}

static bool at_when_operator(const wgi_parser *p) {
    static const wg_punct puncts[] = {WG_P_EQ, WG_P_NE, WG_P_LT, WG_P_LE, WG_P_GT, WG_P_GE, WG_P_REGEX};
    static const wg_keyword words[] = {WG_KW_CONTAINS, WG_KW_IN, WG_KW_IS};
    for (size_t i = 0; i < sizeof puncts / sizeof puncts[0]; i++)
        if (wgi_at_punct(p, puncts[i])) return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (wgi_at_keyword(p, words[i])) return true;
    return wgi_at_keywords(p, WG_KW_STARTS, WG_KW_WITH) || wgi_at_keywords(p, WG_KW_ENDS, WG_KW_WITH);
}

/* Pushes what stands between WHEN and THEN. *tests: it is more than one value. */
static bool push_condition(wgi_parser *p, bool subject, bool *tests) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    *tests = subject && at_when_operator(p);
    if (!*tests) {
        wg_ast *value = wgi_expression(p);
        if (value == NULL) return false;
        *tests = subject && wgi_at_punct(p, WG_P_COMMA);
        if (!*tests) return wgi_push_child(p, value);
        wg_ast *leaf = wgi_leaf(p, WG_AST_CASE_SUBJECT, start);
        wg_ast *equal = leaf != NULL ? pair(p, WG_AST_BINARY, WG_OP_EQ, leaf, value) : NULL;
        if (equal == NULL || !wgi_push_child(p, equal)) return false;
    } else if (!wgi_push_rule(p, when_test)) {
        return false;
    }
    while (wgi_take_punct(p, WG_P_COMMA))
        if (!wgi_push_rule(p, when_test)) return false;
    wg_ast *node = wgi_node(p, WG_AST_NARY, start, mark);
    if (node == NULL) return false;
    node->op = WG_OP_OR;
    *tests = node->child_count > 1 || node->child[0]->kind != WG_AST_BINARY || node->child[0]->op != WG_OP_EQ;
    return wgi_push_child(p, *tests ? node : node->child[0]->child[1]); /* WHEN = 3 is WHEN 3 */
}

static wg_ast *when(wgi_parser *p, bool subject) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    bool tests;
    if (!wgi_expect_keyword(p, WG_KW_WHEN, "in CASE") || !push_condition(p, subject, &tests)) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_THEN, "after WHEN") || !wgi_push_rule(p, wgi_expression)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_WHEN, start, mark);
    if (node != NULL && tests) node->flags = WG_AST_TESTS;
    return node;
}

static wg_ast *case_expression(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    (void)wgi_take_keyword(p, WG_KW_CASE);
    const bool simple = !wgi_at_keyword(p, WG_KW_WHEN);
    if (!(simple ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL)) || !wgi_push_child(p, NULL))
        return NULL;
    do {
        wg_ast *branch = when(p, simple);
        if (branch == NULL || !wgi_push_child(p, branch)) return NULL;
    } while (wgi_at_keyword(p, WG_KW_WHEN));
    wg_ast *otherwise = NULL;
    if (wgi_take_keyword(p, WG_KW_ELSE)) {
        otherwise = wgi_expression(p);
        if (otherwise == NULL) return NULL;
    }
    if (!wgi_expect_keyword(p, WG_KW_END, "to close CASE")) return NULL;
    memcpy(p->stack.data + mark + sizeof(wg_ast *), &otherwise, sizeof(wg_ast *));
    return wgi_node(p, WG_AST_CASE, start, mark);
}

/* all(x IN list WHERE ...) and its kin. */
static wg_ast *quantifier(wgi_parser *p, wg_ast_quantifier which) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice variable;
    p->at += 2;
    if (!wgi_name(p, "the variable of a quantifier", &variable)) return NULL;
    if (!wgi_expect_keyword(p, WG_KW_IN, "in a quantifier")) return NULL;
    if (!wgi_push_rule(p, wgi_expression) || !push_where(p)) return NULL;
    if (!wgi_expect_punct(p, WG_P_RPAREN, "or WHERE in a quantifier")) return NULL;
    wg_ast *node = with_text(wgi_node(p, WG_AST_QUANTIFIER, start, mark), variable);
    if (node != NULL) node->op = (uint8_t)which;
    return node;
}

static wg_ast *reduce(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice accumulator, variable;
    p->at += 2;
    if (!wgi_name(p, "the accumulator of reduce", &accumulator)) return NULL;
    if (!wgi_expect_punct(p, WG_P_EQ, "after the accumulator of reduce")) return NULL;
    if (!wgi_push_rule(p, wgi_expression) || !wgi_expect_punct(p, WG_P_COMMA, "in reduce")) return NULL;
    const uint32_t name_start = wgi_start(p);
    if (!wgi_name(p, "the variable of reduce", &variable)) return NULL;
    wg_ast *name = with_text(wgi_leaf(p, WG_AST_NAME, name_start), variable);
    if (name == NULL || !wgi_push_child(p, name) || !wgi_expect_keyword(p, WG_KW_IN, "in reduce")) return NULL;
    wg_ast *list = with_bar(p, true, wgi_expression);
    if (list == NULL || !wgi_push_child(p, list) || !wgi_expect_punct(p, WG_P_PIPE, "in reduce")) return NULL;
    if (!wgi_push_rule(p, wgi_expression) || !wgi_expect_punct(p, WG_P_RPAREN, "to close reduce")) return NULL;
    return with_text(wgi_node(p, WG_AST_REDUCE, start, mark), accumulator);
}

static wg_ast *subquery(wgi_parser *p, wg_ast_subquery which) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    p->at += 2;
    wg_ast *query = with_bar(p, false, wgi_subquery_body);
    if (query == NULL || !wgi_push_child(p, query)) return NULL;
    if (!wgi_expect_punct(p, WG_P_RBRACE, "to close the subquery")) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_SUBQUERY, start, mark);
    if (node != NULL) node->op = (uint8_t)which;
    return node;
}

/* ---- function calls */

static bool dot_at(const wgi_parser *p, uint32_t ahead, wg_punct punct) {
    const wg_token *t = wgi_peek_at(p, ahead);
    return t->kind == WG_TOKEN_PUNCT && t->punct == punct;
}

static bool at_function(const wgi_parser *p) {
    if (!wgi_is_name(wgi_peek(p)) && !wgi_at_keyword(p, WG_KW_EXISTS)) return false;
    uint32_t ahead = 1;
    while (dot_at(p, ahead, WG_P_DOT) && wgi_is_any_name(wgi_peek_at(p, ahead + 1))) ahead += 2;
    return dot_at(p, ahead, WG_P_LPAREN);
}

bool wgi_dotted_name(wgi_parser *p, const char *what, wg_slice *out) {
    wg_buf name;
    wg_buf_init(&name, p->arena->account);
    bool ok;
    do {
        wg_slice part;
        const uint32_t start = wgi_start(p);
        ok = wgi_any_name(p, what, &part);
        if (ok && memchr(part.data, '.', part.size) != NULL)
            ok = wgi_fail(p, WG_E_SYNTAX, start, "a part of a function or procedure name may not hold a dot");
        if (ok && !(name.size == 0 || wg_buf_append_u8(&name, '.'))) ok = wgi_fail(p, WG_E_NOMEM, start, "no memory");
        if (ok && !wg_buf_append(&name, part.data, part.size)) ok = wgi_fail(p, WG_E_NOMEM, start, "no memory");
    } while (ok && wgi_take_punct(p, WG_P_DOT));
    const void *copy = ok ? wg_arena_copy(p->arena, name.data, name.size) : NULL;
    if (ok && copy == NULL) ok = wgi_fail(p, WG_E_NOMEM, wgi_start(p), "no memory for a name");
    *out = wg_slice_of(copy, name.size);
    wg_buf_deinit(&name);
    return ok;
}

/* normalize(text, NFKC): the word is a string, but only behind a comma: normalize(nfc) names a variable. */
static wg_ast *form_or_expression(wgi_parser *p) {
    const wg_token *before = &p->tokens[p->at - 1];
    wg_ast *form = before->kind == WG_TOKEN_PUNCT && before->punct == WG_P_COMMA ? normal_form(p) : NULL;
    return form != NULL || p->code != WG_OK ? form : wgi_expression(p);
}

/* trim([LEADING | TRAILING | BOTH] [characters] FROM text) is ltrim, rtrim or btrim(text, characters). *out_name stays NULL where it is the
 * plain function. The parenthesis is open; what is pushed are the arguments. */
static bool trim_form(wgi_parser *p, const char **out_name) {
    static const char *const words[][2] = {{"LEADING", "ltrim"}, {"TRAILING", "rtrim"}, {"BOTH", "btrim"}};
    const wg_token *next = wgi_peek_at(p, 1);
    const bool follows = next->kind == WG_TOKEN_STRING || wgi_is_any_name(next) || dot_at(p, 1, WG_P_DOLLAR);
    *out_name = NULL;
    for (size_t i = 0; follows && i < 3; i++)
        if (*out_name == NULL && wgi_at_word(p, 0, words[i][0])) *out_name = words[i][1];
    if (*out_name != NULL) p->at++;
    wg_ast *characters = NULL;
    if (*out_name == NULL || !wgi_at_word(p, 0, "FROM")) {
        characters = wgi_expression(p);
        if (characters == NULL) return false;
    }
    if (!wgi_at_word(p, 0, "FROM")) {
        if (*out_name != NULL) return wgi_unexpected(p, "FROM and the text") != NULL;
        return wgi_push_child(p, characters);
    }
    p->at++;
    if (*out_name == NULL) *out_name = "btrim";
    return wgi_push_rule(p, wgi_expression) && (characters == NULL || wgi_push_child(p, characters));
}

static wg_ast *function(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice name;
    if (wgi_at_keyword(p, WG_KW_COUNT) && dot_at(p, 1, WG_P_LPAREN) && dot_at(p, 2, WG_P_STAR)) {
        p->at += 3;
        if (!wgi_expect_punct(p, WG_P_RPAREN, "after count(*")) return NULL;
        return wgi_leaf(p, WG_AST_COUNT_STAR, start);
    }
    if (!wgi_dotted_name(p, "a function", &name)) return NULL;
    uint8_t *lower = wg_arena_copy(p->arena, name.data, name.size);
    if (lower == NULL) return wgi_fail(p, WG_E_NOMEM, start, "no memory for a function call");
    for (size_t i = 0; i < name.size; i++)
        if (lower[i] >= 'A' && lower[i] <= 'Z') lower[i] = (uint8_t)(lower[i] + 32);
    if (!wgi_expect_punct(p, WG_P_LPAREN, "after a function name")) return NULL;
    wg_slice called = wg_slice_of(lower, name.size);
    const bool distinct = wgi_take_keyword(p, WG_KW_DISTINCT);
    const bool trim = wg_slice_is(called, "trim") && !wgi_at_punct(p, WG_P_RPAREN);
    const bool forms = wg_slice_is(called, "normalize");
    const char *trims = NULL;
    if (trim && !trim_form(p, &trims)) return NULL;
    if (trims != NULL) called = wg_slice_str(trims);
    if (trim ? trims == NULL && wgi_take_punct(p, WG_P_COMMA) : distinct || !wgi_at_punct(p, WG_P_RPAREN)) {
        do {
            const bool form = forms && dot_at(p, 1, WG_P_RPAREN);
            wg_ast *argument = with_bar(p, false, form ? form_or_expression : wgi_expression);
            if (argument == NULL || !wgi_push_child(p, argument)) return NULL;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RPAREN, "or ',' in the arguments of a function")) return NULL;
    wg_ast *node = with_text(wgi_node(p, WG_AST_FUNCTION, start, mark), called);
    if (node != NULL && distinct) node->flags = WG_AST_DISTINCT;
    return node;
}

/* ---- map projection: n {.*, .name, key: value, variable} */

static wg_ast *projection_item(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_slice text;
    if (wgi_take_punct(p, WG_P_DOT)) {
        if (wgi_take_punct(p, WG_P_STAR)) return wgi_leaf(p, WG_AST_ALL_PROPERTIES, start);
        if (!wgi_key(p, "a property after '.'", &text)) return NULL;
        return with_text(wgi_leaf(p, WG_AST_OWN_PROPERTY, start), text);
    }
    if (dot_at(p, 1, WG_P_COLON)) return entry(p);
    if (!wgi_name(p, "an item of a map projection", &text)) return NULL;
    return with_text(wgi_leaf(p, WG_AST_VARIABLE, start), text);
}

static wg_ast *map_projection(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_slice variable;
    if (!wgi_name(p, "a map projection", &variable)) return NULL;
    (void)wgi_take_punct(p, WG_P_LBRACE);
    if (!wgi_at_punct(p, WG_P_RBRACE)) {
        do {
            if (!wgi_push_rule(p, projection_item)) return NULL;
        } while (wgi_take_punct(p, WG_P_COMMA));
    }
    if (!wgi_expect_punct(p, WG_P_RBRACE, "or ',' in a map projection")) return NULL;
    return with_text(wgi_node(p, WG_AST_MAP_PROJECTION, start, mark), variable);
}

static wg_ast *variable(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_slice text;
    if (!wgi_name(p, "a variable", &text)) return NULL;
    return with_text(wgi_leaf(p, WG_AST_VARIABLE, start), text);
}

static wg_ast *parenthesised(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    if (wgi_at_path_expression(p)) {
        if (!wgi_push_rule(p, wgi_path_elements)) return NULL;
        return wgi_node(p, WG_AST_PATTERN_TEST, start, mark);
    }
    (void)wgi_take_punct(p, WG_P_LPAREN);
    wg_ast *inner = with_bar(p, false, wgi_expression);
    if (inner == NULL || !wgi_expect_punct(p, WG_P_RPAREN, "to close the parenthesis")) return NULL;
    return inner;
}

/* What starts with a keyword. *out_handled false: the keyword is a name here. */
static wg_ast *keyword_atom(wgi_parser *p, bool *out_handled) {
    const uint32_t start = wgi_start(p);
    const wg_token *second = wgi_peek_at(p, 2);
    const bool call = dot_at(p, 1, WG_P_LPAREN);
    const bool over = call && wgi_is_name(second) && wgi_peek_at(p, 3)->kind == WG_TOKEN_KEYWORD &&
                      wgi_peek_at(p, 3)->keyword == WG_KW_IN;
    const bool brace = dot_at(p, 1, WG_P_LBRACE);
    *out_handled = true;
    if (wgi_take_keyword(p, WG_KW_NULL)) return wgi_leaf(p, WG_AST_NULL, start);
    if (wgi_at_keyword(p, WG_KW_TRUE) || wgi_at_keyword(p, WG_KW_FALSE)) {
        const bool value = wgi_take_keyword(p, WG_KW_TRUE);
        if (!value) (void)wgi_take_keyword(p, WG_KW_FALSE);
        wg_ast *node = wgi_leaf(p, WG_AST_BOOL, start);
        if (node != NULL) node->i = value;
        return node;
    }
    if (wgi_at_keyword(p, WG_KW_CASE)) return case_expression(p);
    if (wgi_at_keyword(p, WG_KW_ALL) && call) return quantifier(p, WG_AST_ALL);
    if (wgi_at_keyword(p, WG_KW_ANY) && over) return quantifier(p, WG_AST_ANY);
    if (wgi_at_keyword(p, WG_KW_NONE) && over) return quantifier(p, WG_AST_NONE);
    if (wgi_at_keyword(p, WG_KW_SINGLE) && over) return quantifier(p, WG_AST_SINGLE_OF);
    if (wgi_at_keyword(p, WG_KW_REDUCE) && call && dot_at(p, 3, WG_P_EQ)) return reduce(p);
    if (wgi_at_keyword(p, WG_KW_EXISTS) && brace) return subquery(p, WG_AST_EXISTS);
    if (wgi_at_keyword(p, WG_KW_COUNT) && brace) return subquery(p, WG_AST_COUNT);
    *out_handled = false;
    return NULL;
}

/* COLLECT { begins a subquery when a reading clause follows, else it is the projection of a map named so. */
static bool at_query(const wgi_parser *p, uint32_t ahead) {
    const wg_token *t = wgi_peek_at(p, ahead);
    if (t->kind != WG_TOKEN_KEYWORD) return wgi_at_word(p, ahead, "FOR") || wgi_at_word(p, ahead, "LET");
    return t->keyword == WG_KW_MATCH || t->keyword == WG_KW_OPTIONAL || t->keyword == WG_KW_UNWIND ||
           t->keyword == WG_KW_WITH || t->keyword == WG_KW_RETURN || t->keyword == WG_KW_CALL;
}

static wg_ast *atom(wgi_parser *p) {
    const wg_token *t = wgi_peek(p);
    if (t->kind == WG_TOKEN_INTEGER || t->kind == WG_TOKEN_FLOAT) return number(p, t->start, false);
    if (t->kind == WG_TOKEN_STRING) return wgi_string_node(p, "a value");
    if (t->kind == WG_TOKEN_KEYWORD) {
        bool handled;
        wg_ast *node = keyword_atom(p, &handled);
        if (handled) return node;
    }
    if (wgi_at_punct(p, WG_P_DOLLAR)) return wgi_parameter(p);
    if (wgi_at_punct(p, WG_P_LBRACKET)) return bracketed(p);
    if (wgi_at_punct(p, WG_P_LBRACE)) return wgi_map(p);
    if (wgi_at_punct(p, WG_P_LPAREN)) return parenthesised(p);
    if (wgi_at_shortest_path(p)) {
        const size_t mark = wgi_mark(p);
        const uint32_t start = t->start;
        return wgi_push_rule(p, wgi_shortest_path) ? wgi_node(p, WG_AST_PATTERN_TEST, start, mark) : NULL;
    }
    if (wgi_at_word(p, 0, "COLLECT") && dot_at(p, 1, WG_P_LBRACE) && at_query(p, 2))
        return subquery(p, WG_AST_COLLECT);
    if (at_function(p)) return function(p);
    if (wgi_is_name(t) && dot_at(p, 1, WG_P_LBRACE)) return map_projection(p);
    if (wgi_is_name(t)) return variable(p);
    return wgi_unexpected(p, "an expression");
}

/* ---- postfix and unary */

static wg_ast *lookup(wgi_parser *p, wg_ast *base) {
    const size_t mark = wgi_mark(p);
    const uint32_t start = base->start;
    wg_slice key;
    if (!wgi_push_child(p, base)) return NULL;
    if (wgi_take_punct(p, WG_P_DOT)) {
        if (!wgi_key(p, "a property after '.'", &key)) return NULL;
        return with_text(wgi_node(p, WG_AST_PROPERTY, start, mark), key);
    }
    (void)wgi_take_punct(p, WG_P_LBRACKET);
    const bool from = !wgi_at_punct(p, WG_P_DOTDOT);
    if (!(from ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL))) return NULL;
    if (!wgi_take_punct(p, WG_P_DOTDOT)) {
        if (!wgi_expect_punct(p, WG_P_RBRACKET, "or '..' after an index")) return NULL;
        return wgi_node(p, WG_AST_INDEX, start, mark);
    }
    const bool to = !wgi_at_punct(p, WG_P_RBRACKET);
    if (!(to ? wgi_push_rule(p, wgi_expression) : wgi_push_child(p, NULL))) return NULL;
    if (!wgi_expect_punct(p, WG_P_RBRACKET, "to close the slice")) return NULL;
    return wgi_node(p, WG_AST_SLICE, start, mark);
}

static wg_ast *lookups(wgi_parser *p, wg_ast *node) {
    while (node != NULL && (wgi_at_punct(p, WG_P_DOT) || wgi_at_punct(p, WG_P_LBRACKET))) node = lookup(p, node);
    return node;
}

wg_ast *wgi_property_target(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    wg_ast *node = lookups(p, atom(p));
    if (node == NULL || node->kind == WG_AST_PROPERTY || node->kind == WG_AST_INDEX) return node;
    return wgi_fail(p, WG_E_SYNTAX, start, "expected a property such as n.name here");
}

static wg_ast *postfix(wgi_parser *p, wg_ast *node) {
    node = lookups(p, node);
    if (node == NULL || !wgi_at_punct(p, WG_P_COLON)) return node;
    const size_t mark = wgi_mark(p);
    p->at++;
    if (!wgi_push_child(p, node) || !wgi_push_label_expression(p, false)) return NULL;
    return wgi_node(p, WG_AST_HAS_LABELS, node->start, mark);
}

static wg_ast *unary(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const bool minus = wgi_at_punct(p, WG_P_MINUS);
    if (!minus && !wgi_at_punct(p, WG_P_PLUS)) return postfix(p, atom(p));
    p->at++;
    const uint8_t kind = wgi_peek(p)->kind;
    if (minus && (kind == WG_TOKEN_INTEGER || kind == WG_TOKEN_FLOAT)) return postfix(p, number(p, start, true));
    if (!wgi_enter(p)) return NULL;
    wg_ast *node = wrap(p, WG_AST_UNARY, minus ? WG_OP_MINUS : WG_OP_PLUS, start, unary(p));
    wgi_leave(p);
    return node;
}
