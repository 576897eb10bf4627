/* Goal: case and normal forms are those of Unicode, whatever the text. tests/python/unicode_test.py compares all characters with another implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "base/unicode/unicode.h"

static void check_case(const char *from, bool upper, const char *to) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    assert_true(wg_unicode_change_case(wg_slice_str(from), upper, &out));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, to);
    wg_buf_deinit(&out);
}

/* Goal: mappings to one and to several characters, in all lengths of UTF-8, and the final sigma. */
static void test_case(void **state) {
    (void)state;
    check_case("aZ9\xc3\xa9\xc3\x9f", true, "AZ9\xc3\x89SS");
    check_case("\xc4\xb1\xc4\xb3\xd1\x8f", true, "I\xc4\xb2\xd0\xaf");
    check_case("\xef\xac\x81", true, "FI"); /* a ligature */
    check_case("\xc4\xb0", false, "i\xcc\x87");
    check_case("\xf0\x90\x90\x80", false, "\xf0\x90\x90\xa8"); /* Deseret */
    check_case("\xce\x9f\xce\xa3 \xce\xa3\xce\x9f", false, "\xce\xbf\xcf\x82 \xcf\x83\xce\xbf");
    check_case("\xce\xa3", false, "\xcf\x83");
    check_case("\xce\x9f\xce\xa3'\xce\x9f", false, "\xce\xbf\xcf\x83'\xce\xbf");
    check_case("", true, "");
}

static void check_form(const char *from, wg_unicode_form form, const char *to) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    assert_true(wg_unicode_normalize(wg_slice_str(from), form, &out));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, to);
    wg_buf_deinit(&out);
}

/* Goal: letters with marks, Hangul, ligatures, exclusions and blocked marks. */
static void test_forms(void **state) {
    (void)state;
    check_form("e\xcc\x81", WG_UNICODE_NFC, "\xc3\xa9");
    check_form("\xc3\xa9", WG_UNICODE_NFD, "e\xcc\x81");
    check_form("\xed\x95\x9c", WG_UNICODE_NFD, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab");
    check_form("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", WG_UNICODE_NFC, "\xed\x95\x9c");
    check_form("\xef\xac\x81", WG_UNICODE_NFC, "\xef\xac\x81");
    check_form("\xef\xac\x81\xc2\xb2", WG_UNICODE_NFKC, "fi2");
    check_form("\xe2\x84\xab", WG_UNICODE_NFC, "\xc3\x85");                 /* Angstrom */
    check_form("\xe0\xa5\x98", WG_UNICODE_NFC, "\xe0\xa4\x95\xe0\xa4\xbc"); /* excluded from composition */
    check_form("a\xcc\x81\xcc\xa7", WG_UNICODE_NFC, "\xc3\xa1\xcc\xa7");    /* reordered, then composed */
    check_form("a\xcc\x81\xcc\x81", WG_UNICODE_NFC, "\xc3\xa1\xcc\x81");    /* the second one is blocked */
    check_form("plain", WG_UNICODE_NFKD, "plain");
}

static void put_random(wg_rng *rng, wg_buf *out) {
    static const char *const pieces[] = {"a",
                                         "e",
                                         "\xcc\x81",
                                         "\xcc\xa7",
                                         "\xcc\x88",
                                         "\xe1\x84\x92",
                                         "\xe1\x85\xa1",
                                         "\xe1\x86\xab",
                                         "\xc3\xa9",
                                         "\xed\x95\x9c",
                                         "\xef\xac\x81",
                                         "\xe1\xba\xad",
                                         "\xe2\x84\xab",
                                         "\xd6\xb0",
                                         "\xf0\x9d\x85\xa0"};
    const uint64_t n = 1 + wg_rng_below(rng, 60);
    for (uint64_t i = 0; i < n; i++)
        assert_true(wg_buf_append_str(out, pieces[wg_rng_below(rng, sizeof pieces / sizeof pieces[0])]));
}

static void normalized(const wg_buf *from, wg_unicode_form form, wg_buf *out) {
    out->size = 0;
    assert_true(wg_unicode_normalize(wg_buf_slice(from), form, out));
}

/* Goal: forms of forms are forms: NFC(NFD(x)) is NFC(x), NFKD(NFC(x)) is NFKD(x), and each keeps its own. */
static void test_forms_of_forms(void **state) {
    (void)state;
    wg_rng rng;
    wg_buf text, once, twice, other;
    wg_rng_init(&rng, wg_test_seed(75));
    wg_buf_init(&text, NULL);
    wg_buf_init(&once, NULL);
    wg_buf_init(&twice, NULL);
    wg_buf_init(&other, NULL);
    for (int i = 0; i < 400; i++) {
        text.size = 0;
        put_random(&rng, &text);
        for (int form = 0; form < 4; form++) {
            normalized(&text, (wg_unicode_form)form, &once);
            normalized(&once, (wg_unicode_form)form, &twice);
            assert_true(wg_slice_equal(wg_buf_slice(&once), wg_buf_slice(&twice)));
            normalized(&text, form == WG_UNICODE_NFC ? WG_UNICODE_NFD : WG_UNICODE_NFC, &other);
            normalized(&other, (wg_unicode_form)form, &twice);
            assert_true(wg_slice_equal(wg_buf_slice(&once), wg_buf_slice(&twice)));
        }
    }
    wg_buf_deinit(&text);
    wg_buf_deinit(&once);
    wg_buf_deinit(&twice);
    wg_buf_deinit(&other);
}

/* Goal: a hundred thousand marks behind one letter are sorted in no time to speak of. */
static void test_long_runs_of_marks(void **state) {
    (void)state;
    wg_buf text, out;
    wg_buf_init(&text, NULL);
    wg_buf_init(&out, NULL);
    assert_true(wg_buf_append_str(&text, "a"));
    for (int i = 0; i < 100000; i++) assert_true(wg_buf_append_str(&text, i % 2 == 0 ? "\xcc\x81" : "\xcc\xa7"));
    assert_true(wg_unicode_normalize(wg_buf_slice(&text), WG_UNICODE_NFD, &out));
    assert_int_equal(out.size, text.size);
    assert_memory_equal(out.data + 1, "\xcc\xa7\xcc\xa7", 4);
    assert_memory_equal(out.data + out.size - 4, "\xcc\x81\xcc\x81", 4);
    wg_buf_deinit(&text);
    wg_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_forms_of_forms),
        cmocka_unit_test(test_long_runs_of_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
