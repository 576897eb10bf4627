/* Goal: tokens, escapes and the splitting of statements, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/lexer/lexer.h"

/* Runs the lexer and writes the kinds as letters: N name, Q quoted, K keyword, I integer, F float, S string, B bad,
 * punctuation as itself. */
static void kinds_of(const char *text, wg_buf *out) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_token_list list;
    assert_int_equal(wg_lexer_run(wg_slice_str(text), &arena, &list, NULL), WG_OK);
    for (uint32_t i = 0; i + 1 < list.count; i++) {
        static const char letters[] = "?BNQKIFS";
        const wg_token *t = &list.items[i];
        if (i > 0) assert_true(wg_buf_append_str(out, " "));
        if (t->kind == WG_TOKEN_PUNCT) {
            assert_true(wg_buf_append_str(out, wg_lexer_punct_name((wg_punct)t->punct)));
        } else {
            assert_true(wg_buf_append_u8(out, (uint8_t)letters[t->kind]));
        }
    }
    assert_int_equal(list.items[list.count - 1].kind, WG_TOKEN_END);
    assert_true(wg_buf_append_u8(out, 0));
    wg_arena_deinit(&arena);
}

static void assert_kinds(const char *text, const char *kinds) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    kinds_of(text, &out);
    assert_string_equal((const char *)out.data, kinds);
    wg_buf_deinit(&out);
}

/* Goal: numbers stop where a range or a property begins. */
static void test_lexer_tells_numbers_from_ranges_and_lookups(void **state) {
    (void)state;
    assert_kinds("1..3", "I .. I");
    assert_kinds("1.5..3", "F .. I");
    assert_kinds("*..5", "* .. I");
    assert_kinds(".5", "F");
    assert_kinds("1.foo", "I . N");
    assert_kinds("1e5 1E-5 1.5e+3 .1e1", "F F F F");
    assert_kinds("0x1F 0X1f 0o17 0", "I I I I");
}

/* Goal: malformed numbers are refused, never cut in two. */
static void test_lexer_refuses_malformed_numbers(void **state) {
    (void)state;
    assert_kinds("0x", "B");
    assert_kinds("0x1G", "B");
    assert_kinds("0o8", "B");
    assert_kinds("12ab", "B");
    assert_kinds("017", "B");
    assert_kinds("1e", "B");
}

/* Goal: arrows are never joined, so that the parser can tell a<-1 from a pattern. */
static void test_lexer_never_joins_arrows(void **state) {
    (void)state;
    assert_kinds("a<-1", "N < - I");
    assert_kinds("(a)-->(b)", "( N ) - - > ( N )");
    assert_kinds("a<>b<=c>=d=~e+=f", "N <> N <= N >= N =~ N += N");
}

/* Goal: keywords in any case; the whole table can be found, in order. */
static void test_lexer_finds_every_keyword_in_any_case(void **state) {
    (void)state;
    assert_kinds("MATCH match MaTcH matchx _match", "K K K N N");
    for (uint32_t k = 1; k < WG_KW_COUNT_OF_THEM; k++) {
        const char *name = wg_lexer_keyword_name((wg_keyword)k);
        assert_int_equal(wg_lexer_keyword_find(wg_slice_str(name)), k);
        if (k > 1) assert_true(strcmp(wg_lexer_keyword_name((wg_keyword)(k - 1)), name) < 0);
    }
    assert_int_equal(wg_lexer_keyword_find(wg_slice_str("MATC")), WG_KW_NONE_OF_THEM);
}

/* Goal: comments and Unicode spaces separate, an open comment or quote is bad. */
static void test_lexer_skips_comments_and_spaces(void **state) {
    (void)state;
    assert_kinds("a // b\n c /* d */ e", "N N N");
    assert_kinds(
        "a\xC2\xA0"
        "b\xE3\x80\x80"
        "c",
        "N N N");
    assert_kinds("a /* b", "N B");
    assert_kinds("'abc", "B");
    assert_kinds("`abc", "B");
    assert_kinds("'a\\'", "B");
    assert_kinds("`a``b`", "Q");
}

/* Goal: letters of other scripts are names, look-alikes of operators are refused. */
static void test_lexer_accepts_letters_and_refuses_symbols(void **state) {
    (void)state;
    assert_kinds(
        "gr\xC3\xB6\xC3\x9F"
        "e \xE5\x90\x8D\xE5\x89\x8D",
        "N N");
    assert_kinds("42 \xE2\x80\x94 41", "I B");
    assert_kinds("a # b", "N B");
}

static void assert_unescaped(const char *token, const char *expected, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_slice out;
    assert_int_equal(wg_lexer_unescape(wg_slice_str(token), 0, &arena, &out, NULL), WG_OK);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);
    wg_arena_deinit(&arena);
}

/* Goal: all escapes, Unicode beyond the basic plane included. */
static void test_lexer_decodes_escapes(void **state) {
    (void)state;
    assert_unescaped("'abc'", "abc", 3);
    assert_unescaped("''", "", 0);
    assert_unescaped("'a\\\\b\\'c\\\"\\b\\f\\n\\r\\t'", "a\\b'c\"\b\f\n\r\t", 11);
    assert_unescaped("'\\u00e9'", "\xC3\xA9", 2);
    assert_unescaped("'\\uD83D\\uDE00'", "\xF0\x9F\x98\x80", 4);
    assert_unescaped("'\\U0001F600'", "\xF0\x9F\x98\x80", 4);
    assert_unescaped("'\\N'", "\\N", 2);
    assert_unescaped("`a``b`", "a`b", 3);
    assert_unescaped("`a\\n`", "a\\n", 3);
}

/* Goal: a wrong escape is an error at its own place. */
static void test_lexer_refuses_wrong_escapes(void **state) {
    (void)state;
    static const struct {
        const char *token;
        uint64_t offset;
    } cases[] = {{"'ab\\q'", 13},   {"'\\u12'", 11},       {"'\\uD83D'", 11},
                 {"'\\uDE00'", 11}, {"'\\U00110000'", 11}, {"'\\uD83D\\u0041'", 11}};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_error err = {0};
        wg_slice out;
        assert_int_equal(wg_lexer_unescape(wg_slice_str(cases[i].token), 10, &arena, &out, &err), WG_E_SYNTAX);
        assert_int_equal(err.offset, cases[i].offset);
    }
    wg_arena_deinit(&arena);
}

/* Goal: ';' ends a statement only outside quotes and comments; "incomplete" is told from "nothing". */
static void test_split_respects_quotes_and_comments(void **state) {
    (void)state;
    static const struct {
        const char *text;
        wg_split split;
        size_t end;
    } cases[] = {{"RETURN 1; RETURN 2;", WG_SPLIT_COMPLETE, 9},
                 {"RETURN ';' ; x", WG_SPLIT_COMPLETE, 12},
                 {"RETURN \"a\\\";\";", WG_SPLIT_COMPLETE, 14},
                 {"RETURN `;``;`;", WG_SPLIT_COMPLETE, 14},
                 {"RETURN 1 // ;\n;", WG_SPLIT_COMPLETE, 15},
                 {"RETURN 1 /* ; */;", WG_SPLIT_COMPLETE, 17},
                 {"RETURN 1", WG_SPLIT_INCOMPLETE, 8},
                 {"RETURN ';", WG_SPLIT_INCOMPLETE, 9},
                 {"/* ;", WG_SPLIT_INCOMPLETE, 4},
                 {"  // nothing\n", WG_SPLIT_EMPTY, 13},
                 {"", WG_SPLIT_EMPTY, 0},
                 {";", WG_SPLIT_COMPLETE, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t end = 99;
        assert_int_equal(wg_parser_split(wg_slice_str(cases[i].text), &end), cases[i].split);
        assert_int_equal(end, cases[i].end);
    }
}

/* Goal: a text over the limit is refused before any work. */
static void test_lexer_refuses_a_text_over_the_limit(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_error err = {0};
    wg_token_list list;
    uint8_t *text = wg_alloc_zero(NULL, WG_QUERY_TEXT_BYTES_MAX + 1);
    assert_non_null(text);
    const wg_slice s = wg_slice_of(text, WG_QUERY_TEXT_BYTES_MAX + 1);
    assert_int_equal(wg_lexer_run(s, &arena, &list, &err), WG_E_LIMIT);
    wg_free(text);
    wg_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lexer_tells_numbers_from_ranges_and_lookups),
        cmocka_unit_test(test_lexer_refuses_malformed_numbers),
        cmocka_unit_test(test_lexer_never_joins_arrows),
        cmocka_unit_test(test_lexer_finds_every_keyword_in_any_case),
        cmocka_unit_test(test_lexer_skips_comments_and_spaces),
        cmocka_unit_test(test_lexer_accepts_letters_and_refuses_symbols),
        cmocka_unit_test(test_lexer_decodes_escapes),
        cmocka_unit_test(test_lexer_refuses_wrong_escapes),
        cmocka_unit_test(test_split_respects_quotes_and_comments),
        cmocka_unit_test(test_lexer_refuses_a_text_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
