/* Tests of UTF-8 checks, numbers and calendar text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <string.h>
#include <stdlib.h>
#include <stdio.h>

#include "base/core/test_seed.h"
#include "base/text/text.h"

#define LIT(text) wg_slice_of(text, sizeof(text) - 1)

static void test_utf8_accepts_scalars_and_refuses_the_rest(void **state) {
    /* Goal: the borders of every length class hold: overlong forms, surrogates, past U+10FFFF, cut sequences. */
    (void)state;
    const struct {
        wg_slice text;
        bool valid;
        size_t bad;
    } rows[] = {
        {LIT(""), true, 0},
        {LIT("plain ascii of more than eight bytes"), true, 0},
        {LIT("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
         true, 0},
        {LIT("ab\x80"), false, 2},
        {LIT("\xc0\x80"), false, 0},
        {LIT("\xc1\xbf"), false, 0},
        {LIT("12345678\xe0\x9f\xbf"), false, 8},
        {LIT("\xed\xa0\x80"), false, 0},
        {LIT("\xf0\x8f\xbf\xbf"), false, 0},
        {LIT("\xf4\x90\x80\x80"), false, 0},
        {LIT("\xf5\x80\x80\x80"), false, 0},
        {LIT("a\xe2\x82"), false, 1},
        {LIT("\xe2\x28\xa1"), false, 0},
        {LIT("\xf0\x9f\x98"), false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bad = 99;
        assert_int_equal(wg_utf8_valid(rows[i].text, &bad), rows[i].valid);
        if (!rows[i].valid) assert_int_equal(bad, rows[i].bad);
    }
    assert_int_equal(wg_utf8_count(LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 4);
}

static void test_integers_read_exactly_or_not_at_all(void **state) {
    /* Goal: both ends of int64 read, one past them does not, nor anything that is not digits. */
    (void)state;
    int64_t v = 5;
    assert_true(wg_parse_i64(LIT("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_true(wg_parse_i64(LIT("9223372036854775807"), &v) && v == INT64_MAX);
    assert_true(wg_parse_i64(LIT("+007"), &v) && v == 7);
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      "1a",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.0",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(wg_parse_i64(wg_slice_str(bad[i]), &v));
    assert_int_equal(v, 7);
    char out[24];
    assert_int_equal(wg_format_i64(INT64_MIN, out), 20);
    assert_string_equal(out, "-9223372036854775808");
    wg_format_i64(0, out);
    assert_string_equal(out, "0");
}

static void check_f64(const char *text, uint64_t bits) {
    double v = 0;
    assert_true(wg_parse_f64(wg_slice_str(text), &v));
    assert_true(wg_bits_of_f64(v) == bits);
}

static void test_floats_read_correctly_rounded(void **state) {
    /* Goal: hard cases round to the nearest double: halfway values, subnormals, long digit strings, huge exponents. */
    (void)state;
    check_f64("1", UINT64_C(0x3ff0000000000000));
    check_f64("-0", UINT64_C(0x8000000000000000));
    check_f64(".5", UINT64_C(0x3fe0000000000000));
    check_f64("1.", UINT64_C(0x3ff0000000000000));
    check_f64("0.1", UINT64_C(0x3fb999999999999a));
    check_f64("9007199254740993", UINT64_C(0x4340000000000000)); /* 2^53 + 1: tie to even */
    check_f64("9007199254740993.00000000000000000000000000000001", UINT64_C(0x4340000000000001));
    check_f64("2.2250738585072014e-308", UINT64_C(0x0010000000000000));
    check_f64("2.2250738585072011e-308", UINT64_C(0x000fffffffffffff));
    check_f64("5e-324", 1);
    check_f64("2.4703282292062327208e-324", 0);
    check_f64("2.4703282292062327209e-324", 1);
    check_f64("1.7976931348623157e308", UINT64_C(0x7fefffffffffffff));
    check_f64("1e309", UINT64_C(0x7ff0000000000000));
    check_f64("1e-99999999999999999999", 0);
    check_f64("0e99999999999999999999", 0);
    check_f64("NaN", UINT64_C(0x7ff8000000000000));
    check_f64("-infinity", UINT64_C(0xfff0000000000000));
    check_f64("Inf", UINT64_C(0x7ff0000000000000));
    static const char *const bad[] = {"", ".", "+", "e5", "1e", "1e+", "1.2.3", "0x10", "1,5", "nanx", "-nan", "1 "};
    double v;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(wg_parse_f64(wg_slice_str(bad[i]), &v));
}

static void test_floats_read_a_digit_past_the_kept_ones(void **state) {
    /* Goal: a nonzero digit after 2,000 zeros still decides a tie; zeros alone do not. */
    (void)state;
    static char text[2100];
    memset(text, '0', sizeof text);
    memcpy(text, "9007199254740993.", 17);
    double v = 0;
    assert_true(wg_parse_f64(wg_slice_of(text, 2050), &v));
    assert_true(v == 9007199254740992.0);
    text[2049] = '1';
    assert_true(wg_parse_f64(wg_slice_of(text, 2050), &v));
    assert_true(v == 9007199254740994.0);
}

static void test_floats_write_the_shortest_text(void **state) {
    /* Goal: known shortest forms, positional from 1e-4 to 1e16, exponents outside, powers of two at the narrow side. */
    (void)state;
    static const struct {
        double v;
        const char *text;
    } rows[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {0.3, "0.3"},
        {1.0 / 3, "0.3333333333333333"},
        {100.0, "100.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e300, "1e+300"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {5e-324, "5e-324"},
        {-1.5e-10, "-1.5e-10"},
        {9007199254740994.0, "9007199254740994.0"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {0x1p-44, "5.684341886080802e-14"},
        {0x1p-792, "3.8392238435728152e-239"},
        {123456.789, "123456.789"},
        {2.5e-3, "0.0025"},
    };
    char out[32];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(wg_format_f64(rows[i].v, out), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
    }
    wg_format_f64(wg_f64_of_bits(UINT64_C(0xfff8000000000001)), out);
    assert_string_equal(out, "NaN");
    wg_format_f64(-__builtin_inf(), out);
    assert_string_equal(out, "-Infinity");
}

static void test_floats_read_back_to_the_same_bits(void **state) {
    /* Goal: for random bit patterns and for decimals, reading what was written gives the same double. */
    (void)state;
    wg_rng rng;
    char out[32];
    wg_rng_init(&rng, wg_test_seed(20240601));
    for (int i = 0; i < 100000; i++) {
        double v = wg_f64_of_bits(wg_rng_next(&rng));
        if (i % 3 == 0) v = (double)(int64_t)wg_rng_below(&rng, 1000000000) / 1000;
        if (v != v) continue;
        double back = 0;
        const size_t size = wg_format_f64(v, out);
        assert_true(size < sizeof out);
        assert_true(wg_parse_f64(wg_slice_of(out, size), &back));
        assert_true(wg_bits_of_f64(v) == wg_bits_of_f64(back));
    }
}

static void test_numbers_ignore_the_locale(void **state) {
    /* Goal: with a decimal comma in force, where such a locale is installed, text stays the same both ways. */
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "C.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_NUMERIC, names[i]) != NULL) break;
    char out[32];
    double v = 0;
    wg_format_f64(1.7e-7, out);
    const bool read = wg_parse_f64(LIT("3.14159265358979323846264"), &v);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(out, "1.7e-07");
    assert_true(read && v == 3.141592653589793);
}

static void test_civil_days_are_inverse_over_the_whole_calendar(void **state) {
    /* Goal: consecutive days over 800 years step through the calendar; random days to the ends read back. */
    (void)state;
    assert_int_equal(wg_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(wg_days_from_civil(2000, 2, 29), 11016);
    assert_int_equal(wg_days_from_civil(-999999999, 1, 1), WG_DAYS_MIN);
    assert_int_equal(wg_days_from_civil(999999999, 12, 31), WG_DAYS_MAX);
    int64_t year = 1599;
    uint32_t month = 12;
    uint32_t day = 31;
    for (int64_t days = wg_days_from_civil(1600, 1, 1); days < wg_days_from_civil(2400, 1, 1); days++) {
        day++;
        if (day > wg_days_in_month(year, month)) {
            day = 1;
            month = month == 12 ? 1 : month + 1;
            if (month == 1) year++;
        }
        int64_t y = 0;
        uint32_t m = 0;
        uint32_t d = 0;
        wg_civil_from_days(days, &y, &m, &d);
        assert_true(y == year && m == month && d == day);
        assert_int_equal(wg_days_from_civil(y, m, d), days);
    }
    int64_t y = 0;
    uint32_t m = 0;
    uint32_t d = 0;
    wg_civil_from_days(INT64_MAX, &y, &m, &d);
    assert_true(wg_days_from_civil(y, m, d) == INT64_MAX);
    wg_civil_from_days(INT64_MIN, &y, &m, &d);
    assert_true(wg_days_from_civil(y, m, d) == INT64_MIN);
    assert_true(wg_days_from_civil(INT64_MAX, 1, 1) == INT64_MAX);
}

static void check_date(const char *text) {
    int64_t days = 0;
    char out[24];
    assert_true(wg_parse_date(wg_slice_str(text), &days));
    assert_int_equal(wg_format_date(days, out), strlen(text));
    assert_string_equal(out, text);
}

static void test_dates_read_and_write(void **state) {
    /* Goal: dates read back as written, far years carry a sign, and dates that do not exist are refused. */
    (void)state;
    check_date("2001-01-31");
    check_date("1969-12-31");
    check_date("0000-02-29");
    check_date("-0044-03-15");
    check_date("+12345-06-07");
    check_date("+999999999-12-31");
    check_date("-999999999-01-01");
    static const char *const bad[] = {
        "",         "2001-1-31",   "2001-02-29",  "2001-13-01",        "2001-00-01", "2001-01-00", "2001-01-32",
        "20010131", "2001-01-31 ", "12345-01-01", "+1234567890-01-01", "1900-02-29", "abcd-01-01"};
    int64_t days = 77;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(wg_parse_date(wg_slice_str(bad[i]), &days));
    assert_int_equal(days, 77);
    char out[24];
    wg_format_date(INT64_MIN, out);
    assert_string_equal(out, "d-9223372036854775808");
}

static void test_datetimes_read_and_write(void **state) {
    /* Goal: seconds and nanoseconds before and after 1970, short forms, and trailing zeros cut. */
    (void)state;
    int64_t s = 0;
    uint32_t ns = 0;
    char out[48];
    assert_true(wg_parse_local_datetime(LIT("1969-12-31T23:59:59.999999999"), &s, &ns));
    assert_true(s == -1 && ns == 999999999);
    wg_format_local_datetime(s, ns, out);
    assert_string_equal(out, "1969-12-31T23:59:59.999999999");
    assert_true(wg_parse_local_datetime(LIT("2001-01-31 12:34"), &s, &ns));
    assert_true(s == 980944440 && ns == 0);
    wg_format_local_datetime(s, 120000000, out);
    assert_string_equal(out, "2001-01-31T12:34:00.12");
    const size_t size = wg_format_local_datetime(INT64_MIN, 0, out);
    assert_int_equal(size, strlen(out));
    assert_true(wg_parse_local_datetime(LIT("+294247-01-10T04:00:53.5"), &s, &ns) && s == WG_SECONDS_MAX);
    assert_true(wg_parse_local_datetime(LIT("-290308-12-21T19:59:06"), &s, &ns) && s == WG_SECONDS_MIN);
    static const char *const bad[] = {"+294247-01-10T04:00:54",
                                      "-290308-12-21T19:59:05",
                                      "2001-01-31",
                                      "2001-01-31T",
                                      "2001-01-31T24:00",
                                      "2001-01-31T12:60",
                                      "2001-01-31T12:34:60",
                                      "2001-01-31T12:34:56.",
                                      "2001-01-31T12:34:56Z",
                                      "2001-01-31T12:34:56.1234567890",
                                      "2001-01-31t12:34"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(wg_parse_local_datetime(wg_slice_str(bad[i]), &s, &ns));
}

static void test_times_read_and_write(void **state) {
    /* Goal: local times and times with offsets read back; offsets past 18 hours are refused. */
    (void)state;
    int64_t ns = 0;
    int32_t offset = 0;
    char out[40];
    assert_true(wg_parse_local_time(LIT("23:59:59.5"), &ns));
    assert_int_equal(wg_format_local_time(ns, out), 10);
    assert_string_equal(out, "23:59:59.5");
    static const char *const times[] = {"10:00:00Z", "10:00:00+01:00", "00:00:00.000000001-05:30:15",
                                        "12:00:00+18:00"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(wg_parse_time(wg_slice_str(times[i]), &ns, &offset));
        wg_format_time(ns, offset, out);
        assert_string_equal(out, times[i]);
    }
    assert_true(wg_parse_time(LIT("10:00-02"), &ns, &offset) && offset == -7200);
    assert_false(wg_parse_time(LIT("10:00"), &ns, &offset));
    assert_false(wg_parse_time(LIT("10:00+18:01"), &ns, &offset));
    assert_false(wg_parse_time(LIT("10:00+01:60"), &ns, &offset));
    assert_false(wg_parse_local_time(LIT("10:00Z"), &ns));
}

static const char *nearest(const char *word) {
    static const char *const names[] = {"MATCH", "MERGE", "RETURN", "Event", "Player", "Place", "id"};
    wg_suggestion suggestion;
    wg_suggestion_init(&suggestion, wg_slice_str(word));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) wg_suggestion_offer(&suggestion, names[i]);
    return suggestion.name;
}

/* Goal: a misspelt word finds its nearest name: without case, a swap counting once, and nothing when nothing is near. */
static void test_suggestions_find_the_nearest_name(void **state) {
    (void)state;
    assert_string_equal(nearest("mtach"), "MATCH");
    assert_string_equal(nearest("retrun"), "RETURN");
    assert_string_equal(nearest("Evnt"), "Event");
    assert_string_equal(nearest("Playr"), "Player"); /* one edit from Player, two from Place */
    assert_string_equal(nearest("Plac"), "Place");
    assert_null(nearest("Xyzzy"));
    assert_null(nearest("x"));
    assert_null(nearest("Even_t__"));
    char longest[66];
    memset(longest, 'a', 65);
    longest[65] = '\0';
    assert_null(nearest(longest));
}

/* Digits of a text, without the zeros around them. */
static size_t digits_of(const char *text, char out[64]) {
    size_t n = 0;
    for (const char *p = text; *p != '\0' && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && (n > 0 || *p != '0')) out[n++] = *p;
    while (n > 0 && out[n - 1] == '0') n--;
    return n;
}

/* Goal: over doubles of all sizes, neighbours of powers of two and subnormal ones among them, the text reads back, and printf, which is asked for
 * one digit more until it does too, has the same digits: none is shorter, and of the shortest ones it is the nearest. */
static void test_floats_are_the_shortest_and_nearest_text(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(71));
    const uint32_t rounds = wg_test_small() ? 20000 : 200000;
    for (uint32_t i = 0; i < rounds; i++) {
        uint64_t bits = wg_rng_next(&rng) >> 1;
        if (i % 4 == 1) bits &= UINT64_C(0x7ff0000000000000);
        if (i % 4 == 2) bits &= UINT64_C(0x000fffffffffffff);
        if (i % 4 == 3) bits = wg_bits_of_f64((double)(bits % 1000000007) / 1000);
        const double v = wg_f64_of_bits(bits);
        char mine[64], theirs[64], mine_digits[64], their_digits[64];
        if (v != v || v == 0 || v == __builtin_inf()) continue;
        mine[wg_format_f64(v, mine)] = '\0';
        assert_true(strtod(mine, NULL) == v);
        int precision = 0;
        do (void)snprintf(theirs, sizeof theirs, "%.*e", precision++, v);
        while (strtod(theirs, NULL) != v);
        const size_t size = digits_of(theirs, their_digits);
        const size_t own = digits_of(mine, mine_digits);
        /* Below a power of two the nearest text of a length may miss while its neighbour hits: then ours is shorter. */
        if (own < size && (bits & UINT64_C(0x000fffffffffffff)) == 0) continue;
        if (own != size || memcmp(mine_digits, their_digits, size) != 0) fail_msg("%a: %s, not %s", v, mine, theirs);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_accepts_scalars_and_refuses_the_rest),
        cmocka_unit_test(test_floats_are_the_shortest_and_nearest_text),
        cmocka_unit_test(test_integers_read_exactly_or_not_at_all),
        cmocka_unit_test(test_floats_read_correctly_rounded),
        cmocka_unit_test(test_floats_read_a_digit_past_the_kept_ones),
        cmocka_unit_test(test_floats_write_the_shortest_text),
        cmocka_unit_test(test_floats_read_back_to_the_same_bits),
        cmocka_unit_test(test_numbers_ignore_the_locale),
        cmocka_unit_test(test_civil_days_are_inverse_over_the_whole_calendar),
        cmocka_unit_test(test_dates_read_and_write),
        cmocka_unit_test(test_datetimes_read_and_write),
        cmocka_unit_test(test_times_read_and_write),
        cmocka_unit_test(test_suggestions_find_the_nearest_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
