/* query/parser: recursive descent over the token array.
 *
 * Bounds: the text is at most 1 MiB, constructs nest at most 256 deep (wgi_enter), a tree is at most 1,000 nodes high
 * (left-deep chains such as a+b+c grow without nesting) and has at most 10^6 nodes. Look-ahead for the one ambiguity of
 * the language, `(a)-[..` as a pattern or as arithmetic, is linear in the length of one node and edge.
 *
 * Failure: the first error is kept; everything lives in the caller's arena, so there is nothing to undo. */
#include "query/parser/parser_internal.h"

#include <stdio.h>

#include "base/text/text.h"

/* ---- tokens */

const wg_token *wgi_peek(const wgi_parser *p) { return &p->tokens[p->at]; }

const wg_token *wgi_peek_at(const wgi_parser *p, uint32_t ahead) {
    const uint32_t last = p->token_count - 1;
    return &p->tokens[ahead > last - p->at ? last : p->at + ahead];
}

static bool is_punct(const wg_token *t, wg_punct punct) { return t->kind == WG_TOKEN_PUNCT && t->punct == punct; }
static bool is_keyword(const wg_token *t, wg_keyword k) { return t->kind == WG_TOKEN_KEYWORD && t->keyword == k; }

bool wgi_at_punct(const wgi_parser *p, wg_punct punct) { return is_punct(wgi_peek(p), punct); }
bool wgi_at_keyword(const wgi_parser *p, wg_keyword keyword) { return is_keyword(wgi_peek(p), keyword); }
bool wgi_at_keywords(const wgi_parser *p, wg_keyword first, wg_keyword second) {
    return wgi_at_keyword(p, first) && is_keyword(wgi_peek_at(p, 1), second);
}

static void advance(wgi_parser *p) {
    WG_ASSERT(p->at + 1 < p->token_count);
    p->at++;
}

bool wgi_take_punct(wgi_parser *p, wg_punct punct) {
    if (!wgi_at_punct(p, punct)) return false;
    advance(p);
    return true;
}

bool wgi_take_keyword(wgi_parser *p, wg_keyword keyword) {
    if (!wgi_at_keyword(p, keyword)) return false;
    advance(p);
    return true;
}

bool wgi_take_keywords(wgi_parser *p, wg_keyword first, wg_keyword second) {
    if (!wgi_at_keywords(p, first, second)) return false;
    advance(p);
    advance(p);
    return true;
}

bool wgi_at_word(const wgi_parser *p, uint32_t ahead, const char *word) {
    const wg_token *t = wgi_peek_at(p, ahead);
    const size_t size = strlen(word);
    if (!wgi_is_any_name(t) || t->end - t->start != size) return false;
    for (size_t i = 0; i < size; i++)
        if ((p->text.data[t->start + i] & 0xDF) != ((uint8_t)word[i] & 0xDF)) return false;
    return true;
}

bool wgi_take_word(wgi_parser *p, const char *word) {
    if (!wgi_at_word(p, 0, word)) return false;
    advance(p);
    return true;
}

/* ---- errors */

wg_ast *wgi_fail(wgi_parser *p, wg_code code, uint32_t offset, const char *message) {
    if (p->code == WG_OK) p->code = wg_error_set(p->err, code, offset, "%s", message);
    return NULL;
}

static wg_ast *fail_nomem(wgi_parser *p, size_t bytes) {
    if (p->code == WG_OK) p->code = wg_error_nomem(p->err, bytes);
    return NULL;
}

const char *wg_parser_suggest(wg_slice word, const char *const *candidates, size_t count) {
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, word);
    for (size_t i = 0; i < count; i++) wg_suggestion_offer(&suggestion, candidates[i]);
    return suggestion.name;
}

static const char *suggest_keyword(wg_slice word) {
    const char *names[WG_KW_COUNT_OF_THEM];
    size_t count = 0;
    for (uint32_t k = 1; k < WG_KW_COUNT_OF_THEM; k++) {
        const char *name = wg_lexer_keyword_name((wg_keyword)k);
        if (strlen(name) >= 4) names[count++] = name; /* short words are near to everything */
    }
    return wg_parser_suggest(word, names, count);
}

static void describe(const wgi_parser *p, const wg_token *t, char *out, size_t size) {
    if (t->kind == WG_TOKEN_END) {
        (void)snprintf(out, size, "the end of the text");
        return;
    }
    int length = (int)wg_min_size(t->end - t->start, 24);
    const uint8_t *s = p->text.data + t->start;
    const bool cut = t->end - t->start > 24;
    while (cut && length > 0 && (s[length] & 0xC0) == 0x80) length--;
    (void)snprintf(out, size, "'%.*s%s'", length, (const char *)s, cut ? "..." : "");
}

wg_ast *wgi_unexpected(wgi_parser *p, const char *expected) {
    const wg_token *t = wgi_peek(p);
    if (p->code != WG_OK) return NULL;
    const char *hint = wgi_hint(p);
    if (t->kind == WG_TOKEN_BAD) {
        p->code = wg_error_set(p->err, p->bad->code, p->bad->offset, "%s%s%s", p->bad->message,
                               hint != NULL ? "; " : "", hint != NULL ? hint : "");
        return NULL;
    }
    char found[64];
    describe(p, t, found, sizeof found);
    const char *near = NULL;
    if (t->kind == WG_TOKEN_NAME && hint == NULL)
        near = suggest_keyword(wg_slice_of(p->text.data + t->start, t->end - t->start));
    const bool reserved = t->kind == WG_TOKEN_KEYWORD && wg_lexer_keyword_reserved((wg_keyword)t->keyword) &&
                          strstr(expected, "a name") != NULL;
    if (hint == NULL && reserved) hint = "this word is reserved, put it between backticks";
    p->code = wg_error_set(p->err, WG_E_SYNTAX, t->start, "found %s, expected %s%s%s%s%s%s", found, expected,
                           near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "",
                           hint != NULL ? "; " : "", hint != NULL ? hint : "");
    return NULL;
}

bool wgi_expect_punct(wgi_parser *p, wg_punct punct, const char *where) {
    if (wgi_take_punct(p, punct)) return true;
    char expected[96];
    (void)snprintf(expected, sizeof expected, "'%s'%s%s", wg_lexer_punct_name(punct), *where ? " " : "", where);
    (void)wgi_unexpected(p, expected);
    return false;
}

bool wgi_expect_keyword(wgi_parser *p, wg_keyword keyword, const char *where) {
    if (wgi_take_keyword(p, keyword)) return true;
    char expected[96];
    (void)snprintf(expected, sizeof expected, "%s%s%s", wg_lexer_keyword_name(keyword), *where ? " " : "", where);
    (void)wgi_unexpected(p, expected);
    return false;
}

bool wgi_enter(wgi_parser *p) {
    if (p->depth >= WG_PARSER_NESTING_MAX) {
        (void)wgi_fail(p, WG_E_LIMIT, wgi_start(p), "the query nests deeper than 256 levels");
        return false;
    }
    p->depth++;
    return true;
}

void wgi_leave(wgi_parser *p) {
    WG_ASSERT(p->depth > 0);
    p->depth--;
}

/* ---- names */

bool wgi_is_name(const wg_token *t) {
    if (t->kind == WG_TOKEN_KEYWORD) return !wg_lexer_keyword_reserved((wg_keyword)t->keyword);
    return t->kind == WG_TOKEN_NAME || t->kind == WG_TOKEN_QUOTED;
}

bool wgi_is_any_name(const wg_token *t) { return wgi_is_name(t) || t->kind == WG_TOKEN_KEYWORD; }

static bool take_text(wgi_parser *p, wg_slice *out) {
    const wg_token *t = wgi_peek(p);
    const wg_slice raw = wg_slice_of(p->text.data + t->start, t->end - t->start);
    if (t->kind == WG_TOKEN_QUOTED || t->kind == WG_TOKEN_STRING) {
        const wg_code code = wg_lexer_unescape(raw, t->start, p->arena, out, p->code == WG_OK ? p->err : NULL);
        if (code != WG_OK) {
            p->code = p->code == WG_OK ? code : p->code;
            return false;
        }
    } else {
        *out = raw;
    }
    advance(p);
    return true;
}

/* What has a name has one that can be seen; only keys of maps may be empty. */
static bool take_name(wgi_parser *p, wg_slice *out) {
    const wg_token *t = wgi_peek(p);
    if (t->kind != WG_TOKEN_QUOTED || t->end - t->start > 2) return take_text(p, out);
    if (p->code == WG_OK) p->code = wg_error_set(p->err, WG_E_SYNTAX, t->start, "a quoted name may not be empty");
    return false;
}

bool wgi_name(wgi_parser *p, const char *what, wg_slice *out) {
    if (wgi_is_name(wgi_peek(p))) return take_name(p, out);
    char expected[96];
    (void)snprintf(expected, sizeof expected, "a name for %s", what);
    (void)wgi_unexpected(p, expected);
    return false;
}

bool wgi_key(wgi_parser *p, const char *what, wg_slice *out) {
    if (wgi_peek(p)->kind == WG_TOKEN_QUOTED) return take_text(p, out);
    return wgi_any_name(p, what, out);
}

bool wgi_any_name(wgi_parser *p, const char *what, wg_slice *out) {
    if (wgi_is_any_name(wgi_peek(p))) return take_name(p, out);
    char expected[96];
    (void)snprintf(expected, sizeof expected, "the name of %s", what);
    (void)wgi_unexpected(p, expected);
    return false;
}

bool wgi_string(wgi_parser *p, const char *what, wg_slice *out) {
    if (wgi_peek(p)->kind == WG_TOKEN_STRING) return take_text(p, out);
    char expected[96];
    (void)snprintf(expected, sizeof expected, "a quoted string for %s", what);
    (void)wgi_unexpected(p, expected);
    return false;
}

/* ---- nodes */

uint32_t wgi_start(const wgi_parser *p) { return wgi_peek(p)->start; }

size_t wgi_mark(const wgi_parser *p) { return p->stack.size; }

bool wgi_push_child(wgi_parser *p, wg_ast *node) {
    if (wg_buf_append(&p->stack, &node, sizeof node)) return true;
    (void)fail_nomem(p, sizeof node);
    return false;
}

bool wgi_push_rule(wgi_parser *p, wgi_rule rule) {
    wg_ast *node = rule(p);
    return node != NULL && wgi_push_child(p, node);
}

wg_ast *wgi_node(wgi_parser *p, wg_ast_kind kind, uint32_t start, size_t mark) {
    WG_ASSERT(mark <= p->stack.size);
    const size_t bytes = p->stack.size - mark;
    if (++p->node_count > WG_AST_NODES_MAX)
        return wgi_fail(p, WG_E_LIMIT, start, "the query has more than 1000000 syntax nodes");
    wg_ast *node = wg_arena_alloc_zero(p->arena, sizeof *node);
    if (node == NULL) return fail_nomem(p, sizeof *node);
    if (bytes > 0) {
        node->child = wg_arena_copy(p->arena, p->stack.data + mark, bytes);
        if (node->child == NULL) return fail_nomem(p, bytes);
    }
    p->stack.size = mark;
    node->kind = (uint8_t)kind;
    node->child_count = (uint32_t)(bytes / sizeof(wg_ast *));
    node->start = start;
    node->end = p->at > 0 ? p->tokens[p->at - 1].end : start;
    uint32_t height = 0;
    for (uint32_t i = 0; i < node->child_count; i++)
        if (node->child[i] != NULL && node->child[i]->height > height) height = node->child[i]->height;
    node->height = (uint16_t)(height + 1);
    if (height >= WG_AST_HEIGHT_MAX)
        return wgi_fail(p, WG_E_LIMIT, start, "an expression chains more than 1000 operators; split it");
    return node;
}

wg_ast *wgi_leaf(wgi_parser *p, wg_ast_kind kind, uint32_t start) { return wgi_node(p, kind, start, wgi_mark(p)); }

wg_ast *wgi_name_node(wgi_parser *p, const char *what) {
    const uint32_t start = wgi_start(p);
    wg_slice text;
    if (!wgi_any_name(p, what, &text)) return NULL;
    wg_ast *node = wgi_leaf(p, WG_AST_NAME, start);
    if (node != NULL) node->text = text;
    return node;
}

/* ---- entry points */

static wg_ast *statement(wgi_parser *p) {
    const uint32_t start = wgi_start(p);
    const size_t mark = wgi_mark(p);
    wg_ast_mode mode = WG_AST_RUN;
    if (wgi_take_keyword(p, WG_KW_EXPLAIN)) {
        mode = WG_AST_EXPLAIN;
    } else if (wgi_take_keyword(p, WG_KW_PROFILE)) {
        mode = WG_AST_PROFILE;
    }
    bool handled = false;
    wg_ast *body = wgi_other_statement(p, &handled);
    if (!handled) body = wgi_query(p);
    if (body == NULL || !wgi_push_child(p, body)) return NULL;
    wg_ast *node = wgi_node(p, WG_AST_STATEMENT, start, mark);
    if (node == NULL) return NULL;
    node->op = (uint8_t)mode;
    (void)wgi_take_punct(p, WG_P_SEMICOLON);
    if (wgi_peek(p)->kind == WG_TOKEN_END) return node;
    const wg_ast *last = body->kind == WG_AST_QUERY ? body->child[body->child_count - 1] : body;
    if (last->kind == WG_AST_SINGLE) last = last->child[last->child_count - 1];
    return wgi_unexpected(p, last->kind != WG_AST_RETURN ? "another clause or the end of the statement"
                             : last->child[2] != NULL    ? "an operator, UNION or the end of the statement"
                                                         : "an operator, ',', ORDER BY, SKIP, LIMIT, UNION or the "
                                                           "end of the statement");
}

static wg_ast *lone_expression(wgi_parser *p) {
    wg_ast *node = wgi_expression(p);
    if (node == NULL || wgi_peek(p)->kind == WG_TOKEN_END) return node;
    return wgi_unexpected(p, "an operator or the end of the expression");
}

static wg_code parse_with(wgi_rule rule, wg_slice text, wg_arena *arena, const wg_ast **out, wg_error *err) {
    size_t bad_offset = 0;
    wg_token_list tokens;
    if (text.size <= WG_QUERY_TEXT_BYTES_MAX && !wg_utf8_valid(text, &bad_offset)) {
        const wg_code code =
            wg_error_set(err, WG_E_SYNTAX, bad_offset, "the query text is not valid UTF-8 at byte %zu", bad_offset);
        wg_error_locate(err, text);
        return code;
    }
    WG_TRY(wg_lexer_run(text, arena, &tokens, err));
    const uint8_t *copy = text.size > 0 ? wg_arena_copy(arena, text.data, text.size) : (const uint8_t *)"";
    if (copy == NULL) return wg_error_nomem(err, text.size);
    wg_error own;
    wg_error_clear(&own);
    wgi_parser p = {.text = wg_slice_of(copy, text.size),
                    .tokens = tokens.items,
                    .token_count = tokens.count,
                    .arena = arena,
                    .err = err != NULL ? err : &own,
                    .bad = &tokens.bad};
    wg_buf_init(&p.stack, arena->account);
    const wg_ast *tree = rule(&p);
    wg_buf_deinit(&p.stack);
    WG_ASSERT((tree == NULL) == (p.code != WG_OK));
    if (tree == NULL) {
        if (p.err->offset != WG_NO_OFFSET) wg_error_locate(p.err, text);
        return p.code;
    }
    *out = tree;
    return WG_OK;
}

wg_code wg_parse(wg_slice text, wg_arena *arena, const wg_ast **out, wg_error *err) {
    return parse_with(statement, text, arena, out, err);
}

wg_code wg_parse_expression(wg_slice text, wg_arena *arena, const wg_ast **out, wg_error *err) {
    return parse_with(lone_expression, text, arena, out, err);
}
