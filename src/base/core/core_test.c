/* Tests of errors, slices, checked sizes, bitmaps, random numbers, and errors as text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "base/core/core.h"

static void test_codes_have_stable_names_and_statuses(void **state) {
    /* Goal: every code has a name, five characters of GQLSTATUS and a meaning; unknown codes read as internal errors. */
    (void)state;
    for (int c = WG_OK; c <= WG_E_INTERNAL; c++) {
        assert_int_equal(strncmp(wg_code_name((wg_code)c), "WG_", 3), 0);
        assert_int_equal(strlen(wg_code_gqlstatus((wg_code)c)), 5);
        assert_true(strlen(wg_code_meaning((wg_code)c)) > 0);
    }
    assert_string_equal(wg_code_name(WG_E_CORRUPT), "WG_E_CORRUPT");
    assert_string_equal(wg_code_gqlstatus(WG_E_CONFLICT), "40000");
    assert_string_equal(wg_code_name((wg_code)999), "WG_E_INTERNAL");
}

static void test_first_error_wins(void **state) {
    /* Goal: a second wg_error_set returns its code but leaves the first message; NULL is accepted. */
    (void)state;
    wg_error err = {0};
    assert_int_equal(wg_error_set(&err, WG_E_IO, 7, "first %d", 1), WG_E_IO);
    assert_int_equal(wg_error_set(&err, WG_E_LIMIT, 9, "second"), WG_E_LIMIT);
    assert_int_equal(err.code, WG_E_IO);
    assert_int_equal(err.offset, 7);
    assert_string_equal(err.message, "first 1");
    assert_int_equal(wg_error_set(NULL, WG_E_TYPE, 0, "x"), WG_E_TYPE);
    wg_error_clear(&err);
    assert_int_equal(err.code, WG_OK);
}

static void test_refined_statuses_belong_to_the_first_error(void **state) {
    /* Goal: a finer status is given with its error, never with another one, and nothing is invented without an error. */
    (void)state;
    wg_error err = {0};
    assert_string_equal(wg_error_gqlstatus(NULL), "00000");
    assert_string_equal(wg_error_gqlstatus(&err), "00000");
    assert_int_equal(wg_error_refine(NULL, WG_E_VALUE, WG_S_DIVISION_BY_ZERO), WG_E_VALUE);
    wg_error_set(&err, WG_E_VALUE, 1, "x");
    assert_string_equal(wg_error_gqlstatus(&err), "22000");
    assert_int_equal(wg_error_refine(&err, WG_E_VALUE, WG_S_DIVISION_BY_ZERO), WG_E_VALUE);
    assert_string_equal(wg_error_gqlstatus(&err), "22012");
    wg_error_refine(&err, wg_error_set(&err, WG_E_VALUE, 1, "later"), WG_S_NUMERIC_RANGE);
    wg_error_refine(&err, wg_error_set(&err, WG_E_TYPE, 1, "later"), WG_S_NOT_COMPARABLE);
    assert_string_equal(wg_error_gqlstatus(&err), "22012");
    wg_error_clear(&err);
    wg_error_set(&err, WG_E_TYPE, 1, "x");
    assert_string_equal(wg_error_gqlstatus(&err), "22G03");
}

static void test_error_prefix_keeps_what_is_wrong(void **state) {
    /* Goal: a prefix stands before the message, long messages are cut at their end, and an unset error stays unset. */
    (void)state;
    wg_error err = {0};
    assert_int_equal(wg_error_prefix(&err, WG_E_IO, "file"), WG_E_IO);
    assert_int_equal(err.code, WG_OK);
    wg_error_set(&err, WG_E_IO, WG_NO_OFFSET, "disk full");
    wg_error_prefix(&err, WG_E_IO, "file %s", "a.wal");
    assert_string_equal(err.message, "file a.wal: disk full");
    wg_error_clear(&err);
    char large[400];
    memset(large, 'm', sizeof large);
    large[399] = '\0';
    wg_error_set(&err, WG_E_IO, WG_NO_OFFSET, "%s", large);
    wg_error_prefix(&err, WG_E_IO, "p");
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strncmp(err.message, "p: mmm", 6), 0);
}

static void test_suffix_keeps_itself_whole(void **state) {
    /* Goal: a suffix stands whole behind the message, which is cut for it at a character; an unset error stays unset. */
    (void)state;
    wg_error err = {0};
    assert_int_equal(wg_error_suffix(&err, WG_E_IO, "; more"), WG_E_IO);
    assert_int_equal(wg_error_suffix(NULL, WG_E_IO, "; more"), WG_E_IO);
    assert_int_equal(err.code, WG_OK);
    wg_error_set(&err, WG_E_IO, 7, "disk full");
    assert_int_equal(wg_error_suffix(&err, WG_E_IO, "; %d rows", 3), WG_E_IO);
    assert_string_equal(err.message, "disk full; 3 rows");
    assert_int_equal(err.offset, 7);
    for (size_t lead = 0; lead < 4; lead++) { /* the cut falls on each byte of a character of three */
        char large[400];
        memset(large, 'm', sizeof large);
        for (size_t i = lead; i + 3 < sizeof large; i += 3) memcpy(large + i, "\xE2\x82\xAC", 3);
        large[399] = '\0';
        wg_error_clear(&err);
        wg_error_set(&err, WG_E_IO, WG_NO_OFFSET, "%s", large);
        wg_error_suffix(&err, WG_E_IO, "; the end");
        const size_t size = strlen(err.message);
        assert_true(size > sizeof err.message - 4 && size < sizeof err.message);
        assert_string_equal(err.message + size - 9, "; the end");
        assert_int_equal((size - 9 - lead) % 3, 0);
    }
}

static void test_system_error_carries_errno_and_its_text(void **state) {
    /* Goal: sys_errno is kept and its text follows the message. */
    (void)state;
    wg_error err = {0};
    wg_error_set_sys(&err, WG_E_IO, 2, "open %s", "x");
    assert_int_equal(err.sys_errno, 2);
    assert_string_equal(err.message, "open x: No such file or directory");
}

static void test_slices_compare_bytewise_and_take_checked(void **state) {
    /* Goal: order is by bytes with a prefix first; taking more than there is changes nothing. */
    (void)state;
    assert_true(wg_slice_compare(wg_slice_str("a"), wg_slice_str("ab")) < 0);
    assert_true(wg_slice_compare(wg_slice_str("b"), wg_slice_str("ab")) > 0);
    assert_true(wg_slice_compare(wg_slice_of("\xff", 1), wg_slice_of("a", 1)) > 0);
    assert_int_equal(wg_slice_compare(wg_slice_of(NULL, 0), wg_slice_str("")), 0);
    wg_slice s = wg_slice_str("hello");
    wg_slice head;
    assert_false(wg_slice_take(&s, 6, &head));
    assert_int_equal(s.size, 5);
    assert_true(wg_slice_take(&s, 2, &head));
    assert_true(wg_slice_is(head, "he") && wg_slice_is(s, "llo"));
}

static void test_checked_sizes_refuse_overflow(void **state) {
    /* Goal: overflow answers false and leaves the result. */
    (void)state;
    size_t out = 42;
    assert_false(wg_add_size(SIZE_MAX, 1, &out));
    assert_false(wg_mul_size(SIZE_MAX / 2 + 1, 2, &out));
    assert_int_equal(out, 42);
    assert_true(wg_mul_size(6, 7, &out) && wg_add_size(out, 1, &out));
    assert_int_equal(out, 43);
    assert_int_equal(wg_align_up(65, 64), 128);
    assert_int_equal(wg_align_up(64, 64), 64);
}

static void test_bitmaps_count_any_length(void **state) {
    /* Goal: counts agree with a bit by bit count for every length around word borders. */
    (void)state;
    uint8_t bits[32];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(11));
    for (size_t i = 0; i < sizeof bits; i++) bits[i] = (uint8_t)wg_rng_next(&rng);
    size_t expected = 0;
    for (size_t n = 0; n < 256; n++) {
        assert_int_equal(wg_bit_count(bits, n), expected);
        expected += wg_bit_get(bits, n);
    }
    wg_bit_clear(bits, 77);
    assert_false(wg_bit_get(bits, 77));
    wg_bit_set(bits, 77);
    assert_true(wg_bit_get(bits, 77));
}

static void test_random_numbers_repeat_and_stay_in_bounds(void **state) {
    /* Goal: one seed gives one sequence, another seed another; bounds hold and every value below a bound appears. */
    (void)state;
    wg_rng a;
    wg_rng b;
    wg_rng c;
    wg_rng_init(&a, 1);
    wg_rng_init(&b, 1);
    wg_rng_init(&c, 2);
    uint32_t seen = 0;
    uint32_t differ = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(wg_rng_next(&a), wg_rng_next(&b));
        const uint64_t below = wg_rng_below(&a, 7);
        assert_int_equal(below, wg_rng_below(&b, 7));
        assert_true(below < 7);
        seen |= 1u << below;
        differ += wg_rng_below(&c, 7) != below;
        const double unit = wg_rng_unit(&c);
        assert_true(unit >= 0 && unit < 1);
    }
    assert_int_equal(seen, 127);
    assert_true(differ > 500);
}

static void test_locate_counts_lines_and_scalars(void **state) {
    /* Goal: offsets become lines and columns in Unicode scalars; an existing place and offsets outside are left. */
    (void)state;
    const wg_slice text = wg_slice_str("MATCH (n)\nRETURN '\xc3\xa9' + x\n");
    wg_error err = {0};
    wg_error_set(&err, WG_E_BIND, 23, "unknown variable x");
    wg_error_locate(&err, text);
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 13);
    err.offset = 0;
    wg_error_locate(&err, text);
    assert_int_equal(err.line, 2);
    wg_error outside = {0};
    wg_error_set(&outside, WG_E_BIND, 1000, "x");
    wg_error_locate(&outside, text);
    assert_int_equal(outside.line, 0);
    wg_error end = {0};
    wg_error_set(&end, WG_E_SYNTAX, text.size, "end of text");
    wg_error_locate(&end, text);
    assert_int_equal(end.line, 3);
    assert_int_equal(end.column, 1);
}

static void test_format_draws_a_caret(void **state) {
    /* Goal: message, place, line and caret; tabs kept in both lines, multi-byte scalars take one column. */
    (void)state;
    char out[512];
    wg_error err = {0};
    const char *query = "MATCH (n)\r\n\tRETURN '\xc3\xa9' + x\r\n";
    wg_error_set(&err, WG_E_BIND, 25, "unknown variable x");
    wg_error_locate(&err, wg_slice_str(query));
    wg_error_format(&err, query, out, sizeof out);
    assert_string_equal(out,
                        "WG_E_BIND (42000): unknown variable x\nline 2, column 14\n\tRETURN '\xc3\xa9' + x\n"
                        "\t            ^");
}

static void test_format_counts_wide_letters_twice(void **state) {
    /* Goal: the caret stands under its place behind letters that take two columns of a terminal, and behind marks that take none. */
    (void)state;
    char out[256];
    wg_error err = {0};
    const char *query =
        "RETURN '\xe4\xb8\x96\xe7\x95\x8c e\xcc\x81' + x"; /* two wide letters; e and a combining acute */
    wg_error_set(&err, WG_E_BIND, strlen(query) - 1, "unknown variable x");
    wg_error_locate(&err, wg_slice_str(query));
    assert_int_equal(err.column, 18); /* scalars */
    wg_error_format(&err, query, out, sizeof out);
    const char *caret = strrchr(out, '\n') + 1;
    assert_int_equal(strspn(caret, " "), 18); /* columns before it: 17 scalars, two of them wide, one of no width */
    assert_string_equal(caret + 18, "^");
}

static void test_format_windows_long_lines(void **state) {
    /* Goal: a long line is cut on both sides and the caret stands under the same character. */
    (void)state;
    char query[1001];
    char out[512];
    memset(query, 'a', 1000);
    query[1000] = '\0';
    query[500] = '#';
    wg_error err = {0};
    wg_error_set(&err, WG_E_SYNTAX, 500, "unexpected '#'");
    const size_t size = wg_error_format(&err, query, out, sizeof out);
    assert_int_equal(size, strlen(out));
    const char *line = strstr(out, "\n...");
    assert_non_null(line);
    const char *hash = strchr(line, '#');
    const char *caret = strchr(line, '^');
    const char *caret_line = strrchr(line, '\n');
    assert_non_null(hash);
    assert_int_equal(hash - (line + 1), caret - (caret_line + 1));
    assert_true(caret_line - line < 120);
    assert_int_equal(strncmp(caret_line - 3, "...", 3), 0);
}

static void test_format_truncates_and_reports_the_size_needed(void **state) {
    /* Goal: always NUL-terminated, never past the room, and the size does not depend on the room. */
    (void)state;
    wg_error err = {0};
    wg_error_set(&err, WG_E_SYNTAX, 2, "unexpected ')'");
    char full[256];
    const size_t need = wg_error_format(&err, "a )", full, sizeof full);
    for (size_t room = 0; room <= need + 1; room++) {
        char out[256];
        memset(out, 'X', sizeof out);
        assert_int_equal(wg_error_format(&err, "a )", out, room), need);
        assert_int_equal(out[room], 'X');
        if (room == 0) continue;
        assert_int_equal(strlen(out), wg_min_size(room - 1, need));
        assert_int_equal(strncmp(out, full, strlen(out)), 0);
    }
}

static void test_format_shows_no_caret_for_offsets_into_files(void **state) {
    /* Goal: the offset of damage in a file never becomes a place in the query; terminal controls are not repeated. */
    (void)state;
    char out[256];
    wg_error err = {0};
    wg_error_set(&err, WG_E_CORRUPT, 3, "page checksum");
    wg_error_format(&err, "RETURN 1", out, sizeof out);
    assert_string_equal(out, "WG_E_CORRUPT (WG002): page checksum");
    wg_error syntax = {0};
    wg_error_set(&syntax, WG_E_SYNTAX, 1, "unexpected");
    wg_error_format(&syntax, "\x1b[2J", out, sizeof out);
    assert_null(strchr(out, '\x1b'));
    wg_error_format(NULL, NULL, out, sizeof out);
    assert_string_equal(out, "WG_OK");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_have_stable_names_and_statuses),
        cmocka_unit_test(test_first_error_wins),
        cmocka_unit_test(test_refined_statuses_belong_to_the_first_error),
        cmocka_unit_test(test_error_prefix_keeps_what_is_wrong),
        cmocka_unit_test(test_suffix_keeps_itself_whole),
        cmocka_unit_test(test_system_error_carries_errno_and_its_text),
        cmocka_unit_test(test_slices_compare_bytewise_and_take_checked),
        cmocka_unit_test(test_checked_sizes_refuse_overflow),
        cmocka_unit_test(test_bitmaps_count_any_length),
        cmocka_unit_test(test_random_numbers_repeat_and_stay_in_bounds),
        cmocka_unit_test(test_locate_counts_lines_and_scalars),
        cmocka_unit_test(test_format_draws_a_caret),
        cmocka_unit_test(test_format_counts_wide_letters_twice),
        cmocka_unit_test(test_format_windows_long_lines),
        cmocka_unit_test(test_format_truncates_and_reports_the_size_needed),
        cmocka_unit_test(test_format_shows_no_caret_for_offsets_into_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
