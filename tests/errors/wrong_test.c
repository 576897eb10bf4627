/* Goal: messages that a person can act on. Every statement of tests/errors/wrong.cypher fails at the place, with the status and with
 * the words that stand below it there: what was expected, which name was probably meant, what to write instead. All of them are
 * tried before the test fails, so that one run shows everything that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <worldgraph.h>

#define TABLE "tests/errors/wrong.cypher"

static const char *const schema[] = {
    "CREATE NODE LABEL Person (name STRING, age INT, city STRING, born DATE, PRIMARY KEY (name))",
    "CREATE NODE LABEL Team (name STRING, PRIMARY KEY (name))",
    "CREATE EDGE LABEL KNOWS (FROM Person TO Person, since INT)",
    "CREATE EDGE LABEL PLAYS_FOR (FROM Person TO Team)",
};

typedef struct expectation {
    char statement[4096];
    char status[6];
    unsigned line, column;
    char words[256];
} expectation;

/* Reads the next one; false at the end of the file. */
static bool next_expectation(FILE *file, expectation *out) {
    char line[1024];
    *out = (expectation){.line = 0};
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' && out->statement[0] == '\0') continue;
        if (strncmp(line, "// ", 3) == 0 && out->statement[0] == '\0') continue;
        if (strncmp(line, "  ", 2) == 0) {
            const int fields =
                sscanf(line, "  %5s %u:%u %255[^\n]", out->status, &out->line, &out->column, out->words);
            if (fields != 4) fail_msg("this line says nothing: %s", line);
            return true;
        }
        const size_t used = strlen(out->statement);
        const int added =
            snprintf(out->statement + used, sizeof out->statement - used, "%s%s", used > 0 ? "\n" : "", line);
        if ((size_t)added >= sizeof out->statement - used) fail_msg("too long: %s", line);
    }
    return false;
}

/* 0, or 1 after it said what is wrong. */
static unsigned check(wg_session *session, const expectation *e) {
    wg_result *result = NULL;
    wg_error err = {0};
    const wg_code code = wg_query(session, e->statement, &result, &err);
    wg_result_free(result);
    const char *status = wg_error_gqlstatus(&err);
    const bool right = code != WG_OK && strcmp(status, e->status) == 0 && err.line == e->line &&
                       err.column == e->column && strstr(err.message, e->words) != NULL;
    if (right) return 0;
    print_error("%s\n  wanted %s %u:%u %s\n  is     %s %u:%u %s\n", e->statement, e->status, e->line, e->column,
                e->words, status, err.line, err.column, code == WG_OK ? "(it runs)" : err.message);
    return 1;
}

static void test_wrong_statements_say_where_and_what(void **state) {
    /* Goal: see above; and the table is long enough to mean something. */
    (void)state;
    wg_db *db = NULL;
    wg_session *session = NULL;
    wg_error err = {0};
    const wg_options options = {.durability = WG_IN_MEMORY};
    assert_int_equal(wg_open(NULL, &options, &db, &err), WG_OK);
    assert_int_equal(wg_session_open(db, &session, &err), WG_OK);
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++) {
        wg_result *result = NULL;
        assert_int_equal(wg_query(session, schema[i], &result, &err), WG_OK);
        wg_result_free(result);
    }
    FILE *file = fopen(TABLE, "rb");
    assert_non_null(file);
    static expectation e;
    unsigned count = 0, wrong = 0;
    while (next_expectation(file, &e)) {
        wrong += check(session, &e);
        count++;
    }
    fclose(file);
    wg_session_close(session);
    assert_int_equal(wg_close(db, &err), WG_OK);
    assert_int_equal(wrong, 0);
    assert_true(count >= 250);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrong_statements_say_where_and_what)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
