/* Tests of reading JSON. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "format/json/json.h"

static void check(const char *json, const char *expected) {
    wg_arena arena;
    wg_buf out;
    wg_value v;
    wg_error err = {0};
    wg_arena_init(&arena, NULL);
    wg_buf_init(&out, NULL);
    assert_int_equal(wg_json_read(wg_slice_str(json), &arena, &v, &err), WG_OK);
    assert_int_equal(wg_value_check(&v, false, &err), WG_OK);
    assert_true(wg_value_print_json(&out, &v) && wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, expected);
    wg_buf_deinit(&out);
    wg_arena_deinit(&arena);
}

static void test_every_kind_of_value_reads(void **state) {
    /* Goal: scalars, nesting, white space and escapes; keys come out sorted by bytes. */
    (void)state;
    check(" null ", "null");
    check("true", "true");
    check("-0", "0");
    check("1", "1");
    check("1.0", "1.0");
    check("1e2", "100.0");
    check("-9223372036854775808", "-9223372036854775808");
    check("9223372036854775807", "9223372036854775807");
    check("\"\\u00e9\\ud83d\\ude00\\u0000\\n\"", "\"\xc3\xa9\xf0\x9f\x98\x80\\u0000\\n\"");
    check("[]", "[]");
    check("{}", "{}");
    check("{\"b\":1,\"a\":[{},[null,false]],\"\xc3\xa9\":2,\"B\":3,\"\":4,\"ab\":5}",
          "{\"\":4,\"B\":3,\"a\":[{},[null,false]],\"ab\":5,\"b\":1,\"\xc3\xa9\":2}");
}

static void test_integers_and_reals_keep_their_types(void **state) {
    /* Goal: 1 is an INT and 1.0 a FLOAT. */
    (void)state;
    wg_arena arena;
    wg_value v;
    wg_arena_init(&arena, NULL);
    assert_int_equal(wg_json_read(wg_slice_str("[1,1.0]"), &arena, &v, NULL), WG_OK);
    assert_int_equal(v.as.list[0].type, WG_TYPE_INT);
    assert_int_equal(v.as.list[1].type, WG_TYPE_FLOAT);
    wg_arena_deinit(&arena);
}

static void test_text_that_is_not_json_is_refused(void **state) {
    /* Goal: each mistake is WG_E_VALUE and leaves the value; errors carry a place. */
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      "nul",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "'x'",
                                      "01",
                                      "1.",
                                      ".5",
                                      "+1",
                                      "NaN",
                                      "Infinity",
                                      "[1 2]",
                                      "1 2",
                                      "\"\x01\"",
                                      "\"\xff\"",
                                      "\"\\ud800\"",
                                      "{\"a\":1,\"a\":2}",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "1e999",
                                      "[",
                                      "]",
                                      "\"open"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_arena arena;
        wg_error err = {0};
        wg_value v = wg_value_int(5);
        wg_arena_init(&arena, NULL);
        assert_int_equal(wg_json_read(wg_slice_str(bad[i]), &arena, &v, &err), WG_E_VALUE);
        assert_int_equal(v.as.i, 5);
        assert_true(strlen(err.message) > 6);
        wg_arena_deinit(&arena);
    }
    wg_arena arena;
    wg_error err = {0};
    wg_value v;
    wg_arena_init(&arena, NULL);
    assert_int_equal(wg_json_read(wg_slice_str("{\"a\": 1,\n \"b\": x}"), &arena, &v, &err), WG_E_VALUE);
    assert_int_equal(err.line, 2);
    wg_arena_deinit(&arena);
}

static void test_depth_and_size_are_limited(void **state) {
    /* Goal: 128 levels read and one more is WG_E_LIMIT; brackets in strings do not count; a 64 MiB text is the most. */
    (void)state;
    static char text[2 * (WG_JSON_DEPTH_MAX + 1)];
    wg_arena arena;
    wg_value v;
    wg_error err = {0};
    wg_arena_init(&arena, NULL);
    memset(text, '[', WG_JSON_DEPTH_MAX + 1);
    memset(text + WG_JSON_DEPTH_MAX + 1, ']', WG_JSON_DEPTH_MAX + 1);
    assert_int_equal(wg_json_read(wg_slice_of(text + 1, 2 * WG_JSON_DEPTH_MAX), &arena, &v, NULL), WG_OK);
    assert_int_equal(wg_json_read(wg_slice_of(text, sizeof text), &arena, &v, &err), WG_E_LIMIT);
    assert_int_equal(err.offset, WG_JSON_DEPTH_MAX);
    text[0] = '"';
    memset(text + 1, '[', sizeof text - 2);
    text[100] = '\\';
    text[101] = '"';
    text[sizeof text - 1] = '"';
    assert_int_equal(wg_json_read(wg_slice_of(text, sizeof text), &arena, &v, NULL), WG_OK);
    assert_int_equal(wg_json_read(wg_slice_of(text, (size_t)WG_JSON_TEXT_BYTES_MAX + 1), &arena, &v, NULL),
                     WG_E_LIMIT);
    wg_arena_deinit(&arena);
}

static void test_refused_memory_is_reported(void **state) {
    /* Goal: whichever arena allocation fails, the answer is WG_E_NOMEM and nothing leaks. */
    (void)state;
    wg_arena arena;
    wg_value v;
    wg_arena_init(&arena, NULL);
    wg_memory_fail_at(1, true);
    const wg_code code = wg_json_read(wg_slice_str("{\"a\":[\"text\"]}"), &arena, &v, NULL);
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_E_NOMEM);
    wg_arena_deinit(&arena);
}

/* Goal: whichever allocation fails, the answer is that there is no memory, also for a caller who takes no message. */
static void test_json_without_memory(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5,\"some text that is long enough to need memory of its own\",null,[true,{\"b\":[]}]],"
        "\"a longer key than others, so that it does not fit behind them\":{\"c\":\"d\"}}";
    for (uint64_t n = 1;; n++) {
        wg_arena arena;
        wg_value value;
        wg_error err = {0};
        wg_arena_init(&arena, NULL);
        arena.block_bytes = 32;
        wg_memory_fail_at(n, n % 2 == 0);
        const wg_code code = wg_json_read(wg_slice_str(text), &arena, &value, n % 3 == 0 ? NULL : &err);
        wg_memory_fail_at(0, false);
        wg_arena_deinit(&arena);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        assert_true(n < 1000);
    }
    wg_arena arena;
    wg_value value;
    wg_arena_init(&arena, NULL);
    assert_int_not_equal(wg_json_read(wg_slice_str("{\n\n\"a\":}"), &arena, &value, NULL), WG_OK);
    wg_error before = {.code = WG_E_IO}; /* the first error stays */
    assert_int_not_equal(wg_json_read(wg_slice_str("["), &arena, &value, &before), WG_OK);
    assert_int_equal(before.code, WG_E_IO);
    wg_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_without_memory),
        cmocka_unit_test(test_every_kind_of_value_reads),
        cmocka_unit_test(test_integers_and_reals_keep_their_types),
        cmocka_unit_test(test_text_that_is_not_json_is_refused),
        cmocka_unit_test(test_depth_and_size_are_limited),
        cmocka_unit_test(test_refused_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
