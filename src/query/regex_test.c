/* Goal: =~ matches whole texts as Cypher says, over rows and constants, and hostile or wrong patterns end in typed errors. */
#include "query/query_test_kit.h"

#include "exec/regex.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: the whole text must match; flags, classes, groups and Unicode work. */
static void test_whole_texts_match(void **state) {
    store *s = *state;
    expect(s, "RETURN 'abc' =~ 'abc', 'abc' =~ 'ab', 'abc' =~ 'bc', 'abc' =~ 'a.c', 'abc' =~ '', '' =~ ''",
           "true|false|false|true|false|true\n");
    expect(s, "RETURN 'ABC' =~ '(?i)abc', 'ab' =~ 'a|ab', 'ab' =~ 'a?b?c?', 'aab' =~ '(a+)\\\\1?b'",
           "true|true|true|true\n");
    expect(s, "RETURN 'Andres' =~ 'And.*', 'x@y.se' =~ '.*@\\\\w+\\\\.se', '2020' =~ '[0-9]{4}', 'a-b' =~ '\\\\w+'",
           "true|true|true|false\n");
    expect(s,
           "RETURN 'h\xc3\xa9' =~ 'h.', '\xc3\x89' =~ '(?i)\xc3\xa9', '\xf0\x9f\x98\x80' =~ '.', 'x' =~ '\\\\p{Lu}'",
           "true|true|true|false\n");
    expect(s, "RETURN 'a\\nb' =~ 'a.b', 'a\\nb' =~ '(?s)a.b', 'a\\n' =~ 'a$', 'a\\r\\nb' =~ 'a\\\\Rb'",
           "false|true|false|true\n");
    expect(s, "RETURN NOT 'a' =~ 'b' AND 'a' =~ 'a'", "true\n");
}

/* Goal: null on either side gives null; so does what is no text. */
static void test_null_and_other_types(void **state) {
    store *s = *state;
    expect(s, "RETURN null =~ 'a', 'a' =~ null", "null|null\n");
    expect(s, "UNWIND ['a', null, 1, 'b'] AS x RETURN x =~ 'a'", "true\nnull\nnull\nfalse\n");
    expect_error(s, "RETURN 1 =~ 'a'", WG_E_TYPE, 7, "=~ takes a STRING as argument 1, not INT");
}

/* Goal: rows are filtered by constant, parameter and computed patterns; many patterns pass through the cache. */
static void test_rows_are_filtered(void **state) {
    store *s = *state;
    run(s, "UNWIND range(0, 199) AS i CREATE (:P {name: 'n' + toString(i), pattern: 'n' + toString(i % 20) + '0?'})");
    expect(s, "MATCH (p:P) WHERE p.name =~ 'n1.' RETURN count(*)", "10\n");
    expect(s, "MATCH (p:P) WHERE p.name =~ 'n(1|2)[05]?' RETURN p.name ORDER BY p.name",
           "\"n1\"\n\"n10\"\n\"n15\"\n\"n2\"\n\"n20\"\n\"n25\"\n");
    expect(s, "MATCH (p:P) WHERE p.name =~ p.pattern RETURN count(*)", "20\n");
    const wg_value param = wg_value_str(wg_slice_str("n.*9"));
    expect_with(s, "MATCH (p:P) WHERE p.name =~ $p RETURN count(*)", &param, "20\n");
    expect(s, "MATCH (p:P) RETURN p.name =~ '.*7' AS seven, count(*) ORDER BY seven", "false|180\ntrue|20\n");
}

/* Goal: a wrong pattern is an error at the operator that says where in the pattern. */
static void test_wrong_patterns_are_refused(void **state) {
    store *s = *state;
    expect_error(s, "RETURN 'a' =~ 'a('", WG_E_VALUE, 7, "wrong pattern, at its byte 2");
    expect_error(s, "RETURN 'a' =~ '*'", WG_E_VALUE, 7, "wrong pattern, at its byte 0");
    expect_error(s, "RETURN 'a' =~ '[z-a]'", WG_E_VALUE, 7, "out of order");
    expect_error(s, "RETURN 'a' =~ '\\\\C'", WG_E_VALUE, 7, "\\C");
    expect_error(s, "RETURN 'a' =~ '(a{9999}){9999}'", WG_E_LIMIT, 7, "too large");
}

/* Goal: catastrophic patterns end, interpreted and compiled, with the place. */
static void test_hostile_patterns_end(void **state) {
    store *s = *state;
    expect_error(s, "RETURN 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX' =~ '(a|aa)+$'", WG_E_LIMIT, 7, "steps");
    expect_error(s, "RETURN 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX' =~ '((a+)+)+[bc]'", WG_E_LIMIT, 7, "steps");
    run(s, "UNWIND range(0, 99) AS i CREATE (:H {t: 'a'})");
    run(s, "CREATE (:H {t: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaX'})");
    expect_error(s, "MATCH (h:H) WHERE h.t =~ '(a|aa|b)+' RETURN count(*)", WG_E_LIMIT, 18, "steps");
    expect(s, "RETURN reduce(t = 'a', i IN range(1, 15) | t + t) =~ '(a|b)*'", "true\n");
}

/* Goal: machine code and interpreter give one answer; a refused account is WG_E_NOMEM and nothing leaks. */
static void test_cache_gives_one_answer(void **state) {
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wgi_regex_cache *cache = wgi_regex_cache_create(&account);
    assert_non_null(cache);
    for (int i = 0; i < 400; i++) {
        char pattern[24];
        bool out = i % 2 == 0;
        const int number = i % 3 == 0 ? i : 5;
        (void)snprintf(pattern, sizeof pattern, "(x%d|y)+", number);
        assert_int_equal(wgi_regex_match(cache, wg_slice_str(pattern), wg_slice_str("x5yyx5"), &out, NULL), WG_OK);
        assert_int_equal(out, number == 5);
    }
    wgi_regex_cache_destroy(cache);
    assert_int_equal(wg_account_bytes(&account), 0);
    for (uint64_t most = 64; most < 8192; most += 64) {
        wg_error err = {0};
        bool out = false;
        wg_account_init(&account, NULL, most);
        cache = wgi_regex_cache_create(&account);
        const wg_code code = cache == NULL
                                 ? WG_E_NOMEM
                                 : wgi_regex_match(cache, wg_slice_str("(a+|b)*c"), wg_slice_str("aabc"), &out, &err);
        assert_true(code == WG_E_NOMEM || (code == WG_OK && out));
        wgi_regex_cache_destroy(cache);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_texts_match, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_and_other_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_are_filtered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_patterns_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_patterns_end, set_up, tear_down),
        cmocka_unit_test(test_cache_gives_one_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
