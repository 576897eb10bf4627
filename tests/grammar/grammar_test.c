/* Goal: docs/language/grammar.ebnf and the parser are equal. Texts derived from the grammar at random are parsed, and show every kind
 * of syntax tree; texts that are parsed (of the documents, the tests and the openCypher TCK, as they stand and changed at random) are
 * derived from the grammar; what the grammar derives the parser refuses only where the head of the file says that it settles on
 * another meaning. The seed of a failure is printed with the text. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "query/parser/parser.h"
#include "tests/grammar/ebnf.h"

#define GRAMMAR "docs/language/grammar.ebnf"

static ebnf grammar;
static wg_buf grammar_text;
static uint32_t root;

static bool read_file(const char *path, wg_buf *out) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) assert_true(wg_buf_append(out, chunk, n));
    fclose(file);
    return true;
}

static int set_up(void **state) {
    (void)state;
    wg_buf_init(&grammar_text, NULL);
    if (!read_file(GRAMMAR, &grammar_text)) return 1;
    if (!ebnf_read(&grammar, wg_buf_slice(&grammar_text))) {
        print_error(GRAMMAR ": %s\n", grammar.problem);
        return 1;
    }
    root = ebnf_rule(&grammar, "statement");
    return root == UINT32_MAX;
}

static int tear_down(void **state) {
    (void)state;
    wg_buf_deinit(&grammar_text);
    return 0;
}

/* ---- the parser's side */

typedef struct verdict {
    bool accepted;
    bool about_words; /* refused, and not for the order of its tokens: numbers, escapes, limits */
    char message[240];
} verdict;

static void see_kinds(const wg_ast *ast, bool *seen) {
    if (ast == NULL) return;
    seen[ast->kind] = true;
    for (uint32_t i = 0; i < ast->child_count; i++) see_kinds(ast->child[i], seen);
}

static verdict parse(wg_slice text, bool *seen) {
    wg_arena arena;
    wg_error err;
    const wg_ast *ast = NULL;
    wg_arena_init(&arena, NULL);
    wg_error_clear(&err);
    const wg_code code = wg_parse(text, &arena, &ast, &err);
    if (code == WG_OK && seen != NULL) see_kinds(ast, seen);
    verdict v = {.accepted = code == WG_OK};
    v.about_words = code != WG_OK && (code != WG_E_SYNTAX || strncmp(err.message, "found ", 6) != 0);
    (void)snprintf(v.message, sizeof v.message, "column %u: %s", err.column, err.message);
    wg_arena_deinit(&arena);
    return v;
}

/* ---- where the parser settles on one of several meanings: see the head of the grammar */

static bool is_punct(const wg_token *t, wg_punct punct) { return t->kind == WG_TOKEN_PUNCT && t->punct == punct; }
static bool is_keyword(const wg_token *t, wg_keyword k) { return t->kind == WG_TOKEN_KEYWORD && t->keyword == k; }

/* `t` has two tokens before it or is near the start; the list ends with END, which is looked at and never passed. */
static bool settles_at(const wg_token *t, uint32_t left) {
    static const wg_keyword before_paren[] = {
        WG_KW_ALL,  WG_KW_ANY, WG_KW_NONE, WG_KW_SINGLE, WG_KW_REDUCE, WG_KW_SHORTESTPATH, WG_KW_ALLSHORTESTPATHS,
        WG_KW_COUNT};
    const wg_token *next = left > 1 ? t + 1 : t;
    const wg_token *third = left > 2 ? t + 2 : next;
    if (is_punct(t, WG_P_RPAREN) && is_punct(next, WG_P_MINUS)) return true;
    if (is_punct(t, WG_P_RPAREN) && is_punct(next, WG_P_LT) && is_punct(third, WG_P_MINUS)) return true;
    if (is_punct(t, WG_P_LBRACKET) && is_keyword(third, WG_KW_IN)) return true;
    if (is_punct(t, WG_P_PIPE)) return true; /* ends an expression, joins labels or types, or is half of || */
    for (size_t i = 0; is_punct(next, WG_P_LPAREN) && i < sizeof before_paren / sizeof before_paren[0]; i++)
        if (is_keyword(t, before_paren[i])) return true;
    return is_punct(next, WG_P_LBRACE) && (is_keyword(t, WG_KW_COUNT) || is_keyword(t, WG_KW_EXISTS));
}

static bool settles(const wg_token_list *tokens) {
    uint32_t keys = 0;
    bool copy = false;
    for (uint32_t i = 0; i + 1 < tokens->count; i++) {
        const wg_token *t = &tokens->items[i];
        if (settles_at(t, tokens->count - i)) return true;
        if (is_keyword(t, WG_KW_PRIMARY) && ++keys > 1) return true;
        copy = copy || is_keyword(t, WG_KW_COPY);
        if (copy && is_punct(t, WG_P_LPAREN) && i > 0 && !is_punct(t - 1, WG_P_LPAREN)) return true;
    }
    /* CREATE NODE, CREATE INDEX, COPY = ... : the first words decide which statement it is. */
    const wg_token *first = tokens->items;
    if (tokens->count > 1 && (is_keyword(first, WG_KW_EXPLAIN) || is_keyword(first, WG_KW_PROFILE))) first++;
    return is_keyword(first, WG_KW_CREATE) && !is_punct(first + 1, WG_P_LPAREN);
}

/* Words that are names to the lexer and begin something that the parser keeps to. */
static bool settles_on_word(wg_slice text, const wg_token_list *tokens) {
    static const char *const words[] = {"COLLECT", "TRIM", "LEADING", "TRAILING", "BOTH", "ALTER"};
    for (uint32_t i = 0; i + 1 < tokens->count; i++) {
        const wg_token *t = &tokens->items[i];
        const size_t size = t->end - t->start;
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            if (size == strlen(words[k]) && strncasecmp((const char *)text.data + t->start, words[k], size) == 0)
                return true;
    }
    return false;
}

/* A text that the tests look at: both verdicts, and whether they agree. */
static bool agree(wg_slice text, const char *where) {
    wg_arena arena;
    wg_token_list tokens;
    wg_error err;
    wg_arena_init(&arena, NULL);
    wg_error_clear(&err);
    bool good = true;
    if (wg_lexer_run(text, &arena, &tokens, &err) == WG_OK && tokens.bad.code == WG_OK &&
        tokens.count < EBNF_TOKENS_MAX) {
        const verdict v = parse(text, NULL);
        const bool derived = ebnf_accepts(&grammar, root, text, &tokens, &arena);
        good = v.accepted ? derived : !derived || v.about_words || settles(&tokens) || settles_on_word(text, &tokens);
        if (!good)
            print_error("%s: the parser %s, the grammar %s:\n%.*s\n%s\n", where, v.accepted ? "accepts" : "refuses",
                        derived ? "accepts" : "refuses", (int)text.size, (const char *)text.data,
                        v.accepted ? "" : v.message);
    }
    wg_arena_deinit(&arena);
    return good;
}

/* ---- derived texts */

static bool is_rule(const ebnf_word *word, const char *name) { return wg_slice_is(grammar.rules[word->rule], name); }
static bool is_text(const ebnf_word *word, const char *text) {
    return wg_slice_is(wg_slice_of(word->text, word->size), text);
}

static bool is_one_of(const ebnf_word *word, const char *const *texts) {
    for (; *texts != NULL; texts++)
        if (is_text(word, *texts)) return true;
    return false;
}

/* What the words from here on mean to the parser is something else: see the head of the grammar. */
static bool settles_word(const ebnf_word *w) {
    static const char *const readers[] = {"MATCH", "OPTIONAL", "UNWIND", "FOR", "LET",
                                          "WITH",  "CALL",     "RETURN", NULL};
    static const char *const sides[] = {"LEADING", "TRAILING", "BOTH", NULL};
    const bool operates = is_rule(w + 1, "sum") || is_rule(w + 1, "comparison") || is_rule(w + 1, "unary");
    if (is_text(w, ")") && operates && (is_text(w + 1, "-") || is_text(w + 1, "<"))) return true;
    if (is_text(w, "[") && is_rule(w, "list") && is_text(w + 2, "IN")) return true;
    if (is_rule(w, "option") && is_text(w + 1, "(") && !is_rule(w + 1, "name list")) return true;
    if (is_text(w, "ALL") && is_rule(w, "results") && is_text(w + 1, "(")) return true;
    if (is_text(w, "COLLECT") && is_text(w + 1, "{") && !is_one_of(w + 2, readers)) return true;
    return is_one_of(w, sides) && strchr("0123456789.([{+-", w[1].text[0]) != NULL;
}

static bool settles_words(const ebnf_words *words) {
    uint32_t keys = 0;
    bool bar_ends = false, bar_joins = false;
    for (uint32_t i = 0; i < words->count; i++) {
        const ebnf_word *w = &words->items[i];
        if (i + 2 < words->count && settles_word(w)) return true;
        keys += is_text(w, "PRIMARY");
        if (is_text(w, "|") || is_text(w, "IN")) bar_ends = bar_ends || is_rule(w, "atom") || is_rule(w, "updating");
        if (!is_text(w, "|")) continue;
        bar_joins = bar_joins || is_rule(w, "label or") || is_rule(w, "is label") || is_rule(w, "value types");
    }
    return keys > 1 || (bar_ends && bar_joins);
}

static void join(const ebnf_words *words, wg_buf *out) {
    out->size = 0;
    for (uint32_t i = 0; i < words->count; i++) {
        assert_true(wg_buf_append(out, words->items[i].text, words->items[i].size));
        const ebnf_word *w = &words->items[i];
        const bool concat = is_text(w, "|") && is_rule(w, "sum") && i + 1 < words->count && is_text(w + 1, "|");
        if (!concat) assert_true(wg_buf_append(out, i % 16 == 15 ? "\n" : " ", 1));
    }
}

static bool all_seen(const bool *seen) {
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < WG_AST_KIND_COUNT; kind++) count += seen[kind];
    return count == WG_AST_KIND_COUNT;
}

static void test_derived_texts_are_parsed(void **state) {
    /* Goal: what the grammar derives is parsed, and all kinds of nodes come up. */
    (void)state;
    static ebnf_words words;
    bool seen[WG_AST_KIND_COUNT] = {false};
    const uint32_t count = wg_test_small() ? 6000 : 24000;
    uint32_t settled = 0, parsed = 0, wrong = 0;
    wg_rng rng;
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_rng_init(&rng, wg_test_seed(61));
    for (uint32_t i = 0; (i < count || (i < 30 * count && !all_seen(seen))) && wrong < 10; i++) {
        if (!ebnf_derive(&grammar, root, &rng, &words)) continue;
        join(&words, &text);
        const verdict v = parse(wg_buf_slice(&text), seen);
        parsed += v.accepted;
        if (v.accepted) continue;
        if (v.about_words || settles_words(&words)) {
            settled++;
            continue;
        }
        wrong++;
        print_error("text %u is derived and refused: %s\n%.*s\n", i, v.message, (int)text.size,
                    (const char *)text.data);
    }
    for (uint32_t kind = 0; kind < WG_AST_KIND_COUNT; kind++) {
        if (seen[kind]) continue;
        wrong++;
        print_error("no derived text has a node %s\n", wg_ast_kind_name((wg_ast_kind)kind));
    }
    wg_buf_deinit(&text);
    assert_int_equal(wrong, 0);
    assert_true(settled < parsed);
}

static void test_every_keyword_is_in_the_grammar(void **state) {
    /* Goal: a keyword that no rule has would be a word that only the parser knows. */
    (void)state;
    uint32_t missing = 0;
    for (uint32_t k = 1; k < WG_KW_COUNT_OF_THEM; k++) {
        const char *name = wg_lexer_keyword_name((wg_keyword)k);
        bool found = false;
        for (uint32_t i = 1; i < grammar.node_count && !found; i++) {
            const ebnf_node *n = &grammar.nodes[i];
            found = n->kind == EBNF_TERMINAL && wg_lexer_keyword_find(n->text) == (wg_keyword)k;
        }
        if (!found) print_error("the keyword %s is in no rule\n", name);
        missing += !found;
    }
    assert_int_equal(missing, 0);
}

/* ---- texts that exist */

typedef bool (*text_fn)(wg_slice text, const char *where, void *ctx);

/* Statements of a text, cut at ';'. */
static bool each_statement(wg_slice text, const char *where, text_fn fn, void *ctx) {
    bool good = true;
    while (text.size > 0) {
        size_t end = 0;
        if (wg_parser_split(text, &end) == WG_SPLIT_EMPTY) break;
        good = fn(wg_slice_of(text.data, end), where, ctx) && good;
        text = wg_slice_of(text.data + end, text.size - end);
    }
    return good;
}

/* What stands between the marks of a file: ```cypher and ```, or """ and """. NULL marks: the whole file. */
static bool each_block(const char *path, const char *open, const char *close, text_fn fn, void *ctx) {
    wg_buf file;
    wg_buf_init(&file, NULL);
    assert_true(read_file(path, &file));
    wg_slice rest = wg_buf_slice(&file);
    bool good = true;
    if (open == NULL) good = each_statement(rest, path, fn, ctx);
    while (open != NULL && rest.size > 0) {
        const uint8_t *start = memmem(rest.data, rest.size, open, strlen(open));
        if (start == NULL) break;
        const uint8_t *end_of_text = rest.data + rest.size;
        start = memchr(start, '\n', (size_t)(end_of_text - start));
        if (start == NULL) break;
        const uint8_t *end = memmem(start, (size_t)(end_of_text - start), close, strlen(close));
        if (end == NULL) break;
        good = each_statement(wg_slice_of(start, (size_t)(end - start)), path, fn, ctx) && good;
        rest = wg_slice_of(end + strlen(close), (size_t)(end_of_text - end) - strlen(close));
    }
    wg_buf_deinit(&file);
    return good;
}

static bool each_of(const char *pattern, const char *open, const char *close, text_fn fn, void *ctx) {
    glob_t found;
    bool good = true;
    if (glob(pattern, 0, NULL, &found) != 0) return true;
    for (size_t i = 0; i < found.gl_pathc; i++) good = each_block(found.gl_pathv[i], open, close, fn, ctx) && good;
    globfree(&found);
    return good;
}

static bool each_text(text_fn fn, void *ctx) {
    bool good = each_of("docs/language/*.md", "```cypher", "```", fn, ctx);
    good = each_of("docs/errors.md", "```cypher", "```", fn, ctx) && good;
    good = each_of("tests/queries/*.cypher", NULL, NULL, fn, ctx) && good;
    return each_of("../shared/tck/features/*/*/*.feature", "\"\"\"", "\"\"\"", fn, ctx) && good;
}

typedef struct tally {
    uint32_t texts;
    uint32_t wrong;
    wg_rng rng;
} tally;

static bool as_it_stands(wg_slice text, const char *where, void *ctx) {
    tally *t = ctx;
    t->texts++;
    if (wg_test_small() && t->texts % 4 != 0) return true;
    if (t->wrong < 10 && !agree(text, where)) t->wrong++;
    return true;
}

static void test_texts_of_documents_and_tests_are_derived(void **state) {
    /* Goal: nothing that is written down anywhere is parsed without being in the grammar, or the other way round. */
    (void)state;
    tally t = {.texts = 0};
    (void)each_text(as_it_stands, &t);
    assert_int_equal(t.wrong, 0);
    assert_true(t.texts > 200);
}

/* One token left out, doubled, moved to its neighbour's place, or replaced by one from elsewhere in the text. */
static bool changed(wg_slice text, const char *where, void *ctx) {
    tally *t = ctx;
    wg_arena arena;
    wg_token_list tokens;
    wg_buf out;
    t->texts++;
    if (t->texts % (wg_test_small() ? 8 : 2) != 0 || t->wrong >= 10) return true;
    wg_arena_init(&arena, NULL);
    wg_buf_init(&out, NULL);
    if (wg_lexer_run(text, &arena, &tokens, NULL) == WG_OK && tokens.bad.code == WG_OK && tokens.count > 3 &&
        tokens.count < 200) {
        const uint32_t at = (uint32_t)wg_rng_below(&t->rng, tokens.count - 1);
        const uint32_t other = (uint32_t)wg_rng_below(&t->rng, tokens.count - 1);
        const uint64_t how = wg_rng_below(&t->rng, 4);
        for (uint32_t i = 0; i + 1 < tokens.count; i++) {
            uint32_t from = i;
            if (how == 2 && i == at && i + 2 < tokens.count) from = i + 1;
            if (how == 2 && i == at + 1) from = at;
            if (how == 3 && i == at) from = other;
            const wg_token *token = &tokens.items[from];
            const uint32_t times = i != at ? 1 : how == 0 ? 0 : how == 1 ? 2 : 1;
            for (uint32_t k = 0; k < times; k++) {
                assert_true(wg_buf_append(&out, text.data + token->start, token->end - token->start));
                assert_true(wg_buf_append(&out, " ", 1));
            }
        }
        if (!agree(wg_buf_slice(&out), where)) t->wrong++;
    }
    wg_buf_deinit(&out);
    wg_arena_deinit(&arena);
    return true;
}

static void test_changed_texts_get_the_same_verdict(void **state) {
    /* Goal: parser and grammar also agree about texts that are nearly right. */
    (void)state;
    tally t = {.texts = 0};
    wg_rng_init(&t.rng, wg_test_seed(62));
    (void)each_text(changed, &t);
    assert_int_equal(t.wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_keyword_is_in_the_grammar),
        cmocka_unit_test(test_derived_texts_are_parsed),
        cmocka_unit_test(test_texts_of_documents_and_tests_are_derived),
        cmocka_unit_test(test_changed_texts_get_the_same_verdict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
