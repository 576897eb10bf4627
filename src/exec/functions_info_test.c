/* Goal: what users are told about functions is what there is, and the page of the documentation is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <cmocka.h>

#include "exec/exec.h"

/* Made by the parser or the binder, not by the table of functions. */
static const char *const forms[] = {"all",     "any",   "none", "single", "exists", "reduce", "avg",
                                    "collect", "count", "max",  "min",    "sum",    "rand",   "randomUUID"};

static bool is_form(const char *name) {
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(forms[i], name) == 0) return true;
    return false;
}

static bool is_told(const char *name) {
    for (uint32_t i = 0; i < wg_function_info_count(); i++)
        if (strcmp(wg_function_info_at(i)->name, name) == 0) return true;
    return false;
}

/* Goal: each function has a row, each row a function, and rows are sorted and complete. */
static void test_rows_are_the_functions(void **state) {
    (void)state;
    for (uint32_t i = 0; wg_function_callable_at(i) != NULL; i++)
        if (!is_told(wg_function_callable_at(i))) fail_msg("%s() has no row", wg_function_callable_at(i));
    for (uint32_t i = 0; i < wg_function_info_count(); i++) {
        const wg_function_info *f = wg_function_info_at(i);
        uint32_t min, max;
        const bool known = wg_function_arity(wg_slice_str(f->name), &min, &max);
        if (!known && !is_form(f->name)) fail_msg("there is no function %s()", f->name);
        assert_true(f->text[0] != '\0' && f->text[strlen(f->text) - 1] == '.');
        assert_true(f->result[0] != '\0');
        if (i > 0 && strcasecmp(wg_function_info_at(i - 1)->name, f->name) >= 0) fail_msg("%s out of order", f->name);
    }
}

/* Goal: as many arguments are told as the function takes. */
static void test_arguments_are_counted(void **state) {
    (void)state;
    for (uint32_t i = 0; i < wg_function_info_count(); i++) {
        const wg_function_info *f = wg_function_info_at(i);
        uint32_t min, max, told = 0, needed = 0;
        bool needs = true;
        if (f->aggregating || is_form(f->name) || strstr(f->arguments, "...") != NULL) continue;
        for (const char *c = f->arguments; *c != '\0'; c++) {
            needs &= *c != '[';
            if (strncmp(c, " :: ", 4) != 0) continue;
            told++;
            needed += needs ? 1 : 0;
        }
        assert_true(wg_function_arity(wg_slice_str(f->name), &min, &max));
        if (told != max || needed != min)
            fail_msg("%s takes %u to %u arguments, told are %u to %u", f->name, min, max, needed, told);
    }
}

/* Goal: the tables of docs/language/functions.md are these rows. WG_WRITE_DOCS=1 writes them. */
static void test_page_is_made_of_the_rows(void **state) {
    (void)state;
    static const char path[] = "docs/language/functions.md", mark[] = "<!-- rows -->\n";
    wg_buf page, text;
    wg_buf_init(&page, NULL);
    wg_buf_init(&text, NULL);
    assert_true(wg_function_info_print(&page));
    FILE *file = fopen(path, "rb");
    if (file == NULL) skip(); /* not run from the root of the repository */
    uint8_t piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;) assert_true(wg_buf_append(&text, piece, n));
    fclose(file);
    const uint8_t *at = memmem(text.data, text.size, mark, sizeof mark - 1);
    assert_non_null(at);
    const size_t head = (size_t)(at - text.data) + sizeof mark - 1;
    const bool same = text.size - head == page.size && memcmp(text.data + head, page.data, page.size) == 0;
    if (!same && getenv("WG_WRITE_DOCS") != NULL) {
        file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(text.data, 1, head, file), head);
        assert_int_equal(fwrite(page.data, 1, page.size, file), page.size);
        assert_int_equal(fclose(file), 0);
    } else if (!same) {
        fail_msg("%s differs from the rows: run this test with WG_WRITE_DOCS=1", path);
    }
    wg_buf_deinit(&page);
    wg_buf_deinit(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_functions),
        cmocka_unit_test(test_arguments_are_counted),
        cmocka_unit_test(test_page_is_made_of_the_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
