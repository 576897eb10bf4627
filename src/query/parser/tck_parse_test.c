/* Goal: every query of the openCypher TCK scenarios that does not expect a compile-time error is parsed, and its canonical
 * text is parsed to an equal tree. The features are read in place; without them the test is skipped by name. Outlines are
 * run with every row of their examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "query/parser/parser.h"

#define TCK "../shared/tck/"

typedef struct tally {
    unsigned parsed, failed, refused_as_asked, accepted_bad;
} tally;

static bool read_file(const char *path, wg_buf *out) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    char chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) assert_true(wg_buf_append(out, chunk, n));
    fclose(file);
    return true;
}

static wg_slice next_line(wg_slice *rest) {
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    const size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
    const wg_slice line = wg_slice_of(rest->data, size);
    const size_t used = end != NULL ? size + 1 : size;
    *rest = wg_slice_of(rest->data + used, rest->size - used);
    return line;
}

static wg_slice trim(wg_slice s) {
    while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) s = wg_slice_of(s.data + 1, s.size - 1);
    while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\r' || s.data[s.size - 1] == '\t'))
        s.size--;
    return s;
}

static bool starts(wg_slice s, const char *prefix) {
    const size_t size = strlen(prefix);
    return s.size >= size && memcmp(s.data, prefix, size) == 0;
}

/* Cell number `index` of "| a | b |"; a backslash keeps the bar behind it. */
static wg_slice cell(wg_slice row, size_t index, bool *found) {
    size_t at = 1, count = 0;
    *found = false;
    while (at < row.size) {
        size_t end = at;
        while (end < row.size && row.data[end] != '|') end += row.data[end] == '\\' ? 2 : 1;
        if (end >= row.size) break;
        if (count++ == index) {
            *found = true;
            return trim(wg_slice_of(row.data + at, end - at));
        }
        at = end + 1;
    }
    return (wg_slice){0};
}

/* Puts the cells of `row` where `text` says <name of the column>. */
static void substitute(wg_slice text, wg_slice head, wg_slice row, wg_buf *out) {
    for (size_t i = 0; i < text.size; i++) {
        bool done = false;
        for (size_t c = 0; text.data[i] == '<' && !done; c++) {
            bool found, has_value;
            const wg_slice name = cell(head, c, &found);
            if (!found) break;
            const wg_slice value = cell(row, c, &has_value);
            const size_t end = i + 1 + name.size;
            if (end >= text.size || text.data[end] != '>') continue;
            if (!has_value || memcmp(text.data + i + 1, name.data, name.size) != 0) continue;
            for (size_t k = 0; k < value.size; k++) {
                if (value.data[k] == '\\' && k + 1 < value.size && value.data[k + 1] == '|') k++;
                assert_true(wg_buf_append_u8(out, value.data[k]));
            }
            i = end;
            done = true;
        }
        if (!done) assert_true(wg_buf_append_u8(out, text.data[i]));
    }
}

static void check_one(const char *file, wg_slice scenario, wg_slice query, bool must_fail, tally *t) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_error err = {0};
    const wg_ast *tree = NULL, *again = NULL;
    const wg_code code = wg_parse(query, &arena, &tree, &err);
    if (must_fail) {
        if (code == WG_OK) {
            t->accepted_bad++; /* most are errors of names and types, which the binder finds */
        } else {
            t->refused_as_asked++;
        }
    } else if (code != WG_OK) {
        t->failed++;
        print_message("%s: %.*s: %s\n", file, (int)scenario.size, (const char *)scenario.data, err.message);
    } else {
        wg_buf text;
        wg_buf_init(&text, NULL);
        assert_int_equal(wg_ast_print(tree, &text, NULL), WG_OK);
        const wg_code second = wg_parse(wg_buf_slice(&text), &arena, &again, &err);
        if (second != WG_OK || !wg_ast_equal(tree, again)) {
            t->failed++;
            print_message("%s: %.*s: prints as %.*s: %s\n", file, (int)scenario.size, (const char *)scenario.data,
                          (int)text.size, (const char *)text.data, err.message);
        } else {
            t->parsed++;
        }
        wg_buf_deinit(&text);
    }
    wg_arena_deinit(&arena);
}

/* Checks one query with each row of the examples table in `block`, or once. */
static void check_query(const char *file, wg_slice scenario, wg_slice block, wg_slice query, bool must_fail,
                        tally *t) {
    wg_slice rest = block, head = {0};
    bool examples = false;
    while (rest.size > 0) {
        const wg_slice line = trim(next_line(&rest));
        if (starts(line, "Examples:")) {
            examples = true;
            head = (wg_slice){0};
        } else if (examples && starts(line, "|") && head.size == 0) {
            head = line;
        } else if (examples && starts(line, "|")) {
            wg_buf text;
            wg_buf_init(&text, NULL);
            substitute(query, head, line, &text);
            check_one(file, scenario, wg_buf_slice(&text), must_fail, t);
            wg_buf_deinit(&text);
        }
    }
    if (!examples) check_one(file, scenario, query, must_fail, t);
}

static void check_scenario(const char *file, wg_slice scenario, wg_slice block, tally *t) {
    bool must_fail = false;
    wg_slice rest = block;
    while (rest.size > 0)
        if (starts(trim(next_line(&rest)), "Then a SyntaxError should be raised at compile")) must_fail = true;
    rest = block;
    while (rest.size > 0) {
        const wg_slice step = trim(next_line(&rest));
        const bool when = starts(step, "When executing query:") || starts(step, "When executing control query:");
        if (!when && !starts(step, "And having executed:") && !starts(step, "Given having executed:")) continue;
        (void)next_line(&rest); /* the opening quotes */
        const uint8_t *from = rest.data;
        size_t size = 0;
        while (rest.size > 0) {
            const wg_slice line = next_line(&rest);
            if (starts(trim(line), "\"\"\"")) break;
            size += line.size + 1;
        }
        check_query(file, scenario, block, wg_slice_of(from, size), must_fail && when, t);
    }
}

static void check_feature(const char *name, tally *t) {
    char path[512];
    (void)snprintf(path, sizeof path, TCK "features/%s", name);
    wg_buf text;
    wg_buf_init(&text, NULL);
    assert_true(read_file(path, &text));
    wg_slice rest = wg_buf_slice(&text), title = {0};
    const uint8_t *block = NULL;
    while (rest.size > 0) {
        const wg_slice line = next_line(&rest);
        const bool begins = starts(trim(line), "Scenario:") || starts(trim(line), "Scenario Outline:");
        if (!begins) continue;
        if (block != NULL) check_scenario(name, title, wg_slice_of(block, (size_t)(line.data - block)), t);
        title = trim(line);
        block = rest.data;
    }
    if (block != NULL) check_scenario(name, title, wg_slice_of(block, (size_t)(text.data + text.size - block)), t);
    wg_buf_deinit(&text);
}

static void test_parser_accepts_every_query_of_the_tck(void **state) {
    (void)state;
    wg_buf manifest;
    wg_buf_init(&manifest, NULL);
    if (!read_file(TCK "manifest.json", &manifest)) {
        print_message("test_parser_accepts_every_query_of_the_tck: %s is absent\n", TCK);
        skip();
    }
    tally t = {0};
    char last[256] = "";
    wg_slice rest = wg_buf_slice(&manifest);
    while (rest.size > 0) {
        const wg_slice line = trim(next_line(&rest));
        const char *prefix = "\"file\": \"";
        if (!starts(line, prefix)) continue;
        char name[256];
        (void)snprintf(name, sizeof name, "%.*s", (int)(line.size - strlen(prefix) - 2),
                       (const char *)line.data + strlen(prefix));
        if (strcmp(name, last) == 0) continue;
        (void)snprintf(last, sizeof last, "%s", name);
        check_feature(name, &t);
    }
    wg_buf_deinit(&manifest);
    print_message(
        "TCK: %u queries parsed and printed, %u failed; of those with compile-time errors %u are refused by the "
        "parser, %u are left to the binder\n",
        t.parsed, t.failed, t.refused_as_asked, t.accepted_bad);
    assert_true(t.parsed > 1000);
    assert_int_equal(t.failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parser_accepts_every_query_of_the_tck)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
