/* Partition patterns: a table of patterns that are right or wrong, of names that match, and of values that are harmless. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worldgraph/catalog/catalog.h"

typedef struct syntax_case {
    const char *pattern;
    wg_code code;
} syntax_case;

/* Goal: the syntax is checked and told. */
static void test_syntax_is_checked(void **state) {
    (void)state;
    static const syntax_case cases[] = {
        {"/a/{b}.parquet", WG_OK},
        {"/a/{b}-{c}/x", WG_OK},
        {"/a/month={m}/*.parquet", WG_OK},
        {"/a/", WG_OK},
        {"", WG_E_BIND},
        {"/a/{b}{c}", WG_E_BIND},
        {"/a/{b}*", WG_E_BIND},
        {"/a/{b}/{b}", WG_E_BIND},
        {"/a/{1b}", WG_E_BIND},
        {"/a/{}", WG_E_BIND},
        {"/a/{b", WG_E_BIND},
        {"/a/b}", WG_E_BIND},
        {"/a/{b c}", WG_E_BIND},
        {"s3://feed/{b}", WG_E_UNSUPPORTED},
        {"/{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}", WG_OK},
        {"/{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}-{i}", WG_E_BIND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_error err = {0};
        const wg_code code = wg_pattern_check(wg_slice_str(cases[i].pattern), &err);
        if (code != cases[i].code) fail_msg("%s: %s", cases[i].pattern, wg_code_name(code));
        assert_int_equal(err.code, code);
    }
    static char large[WG_PATTERN_BYTES_MAX + 2];
    memset(large, 'a', sizeof large - 1);
    assert_int_equal(wg_pattern_check(wg_slice_str(large), NULL), WG_E_LIMIT);
    static char deep[] = "/////////////////////////////////////////////////////////////////////////////////////////";
    assert_int_equal(wg_pattern_check(wg_slice_str(deep), NULL), WG_E_BIND);
}

typedef struct match_case {
    const char *pattern;
    const char *name;
    const char *values; /* joined by '|'; NULL: no match */
} match_case;

/* Goal: a hole is not empty, ends at the first text that follows it, and the last one takes the rest. */
static void test_matching(void **state) {
    (void)state;
    static const match_case cases[] = {
        {"{a}.parquet", "x.parquet", "x"},
        {"{a}.parquet", ".parquet", NULL},
        {"{a}.parquet", "x.parquet.tmp", NULL},
        {"{a}.parquet", "x.parquet.parquet", "x.parquet"},
        {"{a}-{b}", "1-2-3", "1|2-3"},
        {"{a}-{b}-z", "1-2-z-z", "1|2-z"},
        {"{a}-{b}-z", "1-z", NULL},
        {"{a}ab{b}", "abab", NULL},
        {"{a}ab{b}", "aababx", "a|abx"},
        {"{a}ab{b}", "xabx", "x|x"},
        {"month={m}", "month=03", "03"},
        {"month={m}", "month=", NULL},
        {"*", "anything", ""},
        {"*", "", NULL},
        {"a*b{c}", "axxbyy", "yy"},
        {"a*b{c}", "abyy", NULL},
        {"literal", "literal", ""},
        {"literal", "literally", NULL},
        {"{a}", "a/b", "a/b"}, /* callers match one segment at a time */
        {"x{a}x", "xx", NULL},
        {"x{a}x", "xxx", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wg_slice values[16];
        wg_buf text;
        uint32_t captured = 0;
        const bool matches =
            wg_pattern_match_segment(wg_slice_str(cases[i].pattern), wg_slice_str(cases[i].name), values, &captured);
        if (matches != (cases[i].values != NULL)) fail_msg("%s with %s", cases[i].pattern, cases[i].name);
        if (!matches) {
            assert_int_equal(captured, 0);
            continue;
        }
        wg_buf_init(&text, NULL);
        for (uint32_t v = 0; v < captured; v++)
            assert_true((v == 0 || wg_buf_append_str(&text, "|")) &&
                        wg_buf_append(&text, values[v].data, values[v].size));
        assert_true(wg_slice_is(wg_buf_slice(&text), cases[i].values));
        wg_buf_deinit(&text);
    }
}

/* Goal: a pattern and a name made to be slow are not. */
static void test_matching_does_not_backtrack(void **state) {
    (void)state;
    char name[256];
    memset(name, 'a', 255);
    name[255] = '\0';
    wg_slice values[16];
    for (int i = 0; i < 10000; i++) {
        uint32_t captured = 0;
        assert_false(wg_pattern_match_segment(wg_slice_str("{a}a{b}a{c}a{d}a{e}a{f}a{g}a{h}b"), wg_slice_str(name),
                                              values, &captured));
    }
    uint32_t captured = 0;
    char longer[300];
    memset(longer, 'a', sizeof longer - 1);
    longer[299] = '\0';
    assert_false(wg_pattern_match_segment(wg_slice_str("{a}"), wg_slice_str(longer), values, &captured));
}

/* Goal: values that could lead out of their directory or into some other syntax are not harmless. */
static void test_hostile_values_are_told_apart(void **state) {
    (void)state;
    static const char *const good[] = {"2024-01-05", "a_b", "game.1", "k=v", "...", "-", "A"};
    static const char *const bad[] = {"",     ".",        "..",  "a/b", "a b",  "a'b", "a\"b",
                                      "a\nb", "\xc3\xa4", "a;b", "%2e", "a\\b", "{x}", "*"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(wg_pattern_value_is_harmless(wg_slice_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wg_pattern_value_is_harmless(wg_slice_str(bad[i])));
    assert_false(wg_pattern_value_is_harmless(wg_slice_of("a\0b", 3)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syntax_is_checked),
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_matching_does_not_backtrack),
        cmocka_unit_test(test_hostile_values_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
