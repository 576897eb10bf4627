/* Goal: whatever text comes, the answer is a row or a typed error, soon and in bounded memory: long texts, deep and wide ones, products of
 * large labels, growing values, plans that could double with each clause; and deadlines that end what runs, and undo it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <worldgraph.h>

#include "base/core/test_seed.h"

enum { TEXT_MAX = 1 << 20, CPU_SECONDS_MAX = 8, DEADLINE_MS = 60 };

static wg_db *db;
static wg_session *session;
static char text[TEXT_MAX + 4096];

static wg_code run(const char *query) {
    wg_result *result = NULL;
    wg_error err = {0};
    const wg_code code = wg_query(session, query, &result, &err);
    wg_result_free(result);
    return code;
}

static int64_t count_of(const char *query) {
    wg_result *result = NULL;
    wg_error err = {0};
    wg_value v;
    assert_int_equal(wg_query(session, query, &result, &err), WG_OK);
    assert_int_equal(wg_result_cell(result, 0, 0, &v, &err), WG_OK);
    wg_result_free(result);
    return v.as.i;
}

static int set_up(void **state) {
    static const char *const graph[] = {
        "CREATE NODE LABEL Person (id INT, name STRING, PRIMARY KEY (id))",
        "CREATE EDGE LABEL KNOWS (FROM Person TO Person)",
        "UNWIND range(1, 1500) AS i CREATE (:Person {id: i, name: 'n' + toString(i)})",
        "MATCH (a:Person), (b:Person {id: a.id % 500 + 1}) CREATE (a)-[:KNOWS]->(b)",
    };
    (void)state;
    const wg_options options = {
        .durability = WG_IN_MEMORY, .threads = 2, .query_memory_bytes_max = (uint64_t)64 << 20};
    if (wg_open(NULL, &options, &db, NULL) != WG_OK || wg_session_open(db, &session, NULL) != WG_OK) return 1;
    for (size_t i = 0; i < sizeof graph / sizeof graph[0]; i++)
        if (run(graph[i]) != WG_OK) return 1;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    wg_session_close(session);
    return wg_close(db, NULL) != WG_OK;
}

/* Time of all threads of this process: a busy machine does not count. */
static double cpu_seconds(void) {
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static bool is_answer(wg_code code) {
    switch ((int)code) {
        case WG_OK:
        case WG_E_LIMIT:
        case WG_E_NOT_FOUND:
        case WG_E_SYNTAX:
        case WG_E_BIND:
        case WG_E_TYPE:
        case WG_E_VALUE:
        case WG_E_UNSUPPORTED:
        case WG_E_DEADLINE:
        case WG_E_PARAMETER:
            return true;
        default:
            return false;
    }
}

/* Prepares the text, and runs it when it can be; 0, or 1 after it said what is wrong. */
static unsigned try_text(const char *name, size_t size, bool execute) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    wg_error err = {0};
    const double start = cpu_seconds();
    wg_code code = wg_prepare(session, text, size, &stmt, &err);
    if (code == WG_OK && execute) code = wg_execute(stmt, &result, &err);
    wg_result_free(result);
    wg_stmt_finish(stmt);
    const double seconds = cpu_seconds() - start;
    if (is_answer(code) && seconds <= CPU_SECONDS_MAX) return 0;
    print_error("%s: %s after %.2f s: %s\n", name, wg_code_name(code), seconds, err.message);
    return 1;
}

/* ---- long texts: head, a unit again and again, tail */

typedef struct long_text {
    const char *name;
    const char *head;
    const char *unit;
    const char *tail;
} long_text;

static const long_text long_texts[] = {
    {"parentheses", "RETURN ", "(", ""},
    {"lists", "RETURN ", "[", ""},
    {"maps", "RETURN ", "{a:", ""},
    {"cases", "RETURN ", "CASE WHEN ", ""},
    {"nots", "RETURN ", "NOT ", "true"},
    {"signs", "RETURN ", "- ", "1"},
    {"sum", "RETURN ", "1+", "1"},
    {"texts", "RETURN ", "'a'+", "'a'"},
    {"conjunction", "RETURN ", "true AND ", "true"},
    {"disjunction", "RETURN ", "true OR ", "true"},
    {"comparisons", "RETURN ", "1<", "1"},
    {"properties", "RETURN {}", ".a", ""},
    {"indexes", "RETURN [1]", "[0]", ""},
    {"wide list", "RETURN size([", "1,", "1])"},
    {"wide list of texts", "RETURN size([", "'abc',", "''])"},
    {"wide map", "RETURN {", "a:1,", "b:1}"},
    {"WITH clauses", "", "WITH 1 AS x ", "RETURN x"},
    {"with stars", "WITH 1 AS x ", "WITH * ", "RETURN x"},
    {"unwinds", "", "UNWIND [1] AS x WITH x ", "RETURN x"},
    {"matches", "", "MATCH (a) ", "RETURN 1"},
    {"optional matches", "MATCH (a:Person) ", "OPTIONAL MATCH (a)-->(:Person {id: 1}) ", "RETURN 1"},
    {"created nodes", "EXPLAIN CREATE ", "(:X),", "(:X)"},
    {"properties set", "EXPLAIN MATCH (n:Person) SET ", "n.id=1,", "n.id=1"},
    {"results", "RETURN ", "1,", "1"},
    {"sort keys", "RETURN 1 AS a ORDER BY ", "a,", "a"},
    {"unions", "", "RETURN 1 AS x UNION ALL ", "RETURN 1 AS x"},
    {"loops in loops", "", "FOREACH (x IN [1] | ", ""},
    {"subqueries", "", "CALL { ", ""},
    {"exists in exists", "RETURN ", "EXISTS { MATCH (a) WHERE ", ""},
    {"comprehensions", "RETURN ", "[x IN ", ""},
    {"pattern comprehensions", "RETURN ", "[(a {x: ", ""},
    {"reduces", "RETURN ", "reduce(s=0, x IN [1] | ", ""},
    {"long path", "MATCH ()", "-->()", " RETURN 1"},
    {"path in a list", "RETURN [()", "-->()", "]"},
    {"paths in parentheses", "MATCH ", "((a)-->(b)){1,2}", " RETURN 1"},
    {"open paths", "MATCH ", "(", ""},
    {"labels", "MATCH (n", ":A", ") RETURN n"},
    {"types", "MATCH ()-[:A", "|A", "]->() RETURN 1"},
    {"label negations", "MATCH (n:", "!", "A) RETURN n"},
    {"label parentheses", "MATCH (n:", "(", "A"},
    {"one parameter", "RETURN [", "$p,", "$p]"},
    {"functions", "RETURN [", "abs(1),", "1]"},
    {"aggregates", "RETURN ", "sum(1),", "sum(1)"},
    {"branches", "RETURN CASE 1 ", "WHEN 1 THEN 1 ", "END"},
    {"column types", "CREATE NODE LABEL W (a ", "LIST<", ""},
    {"arrays", "CREATE NODE LABEL W (a INT", "[]", ")"},
    {"options", "COPY Person FROM 'x' (", "a 1,", "a 1)"},
    {"open string", "RETURN '", "a", ""},
    {"open comment", "RETURN 1 /*", "*", ""},
    {"open name", "", "`", ""},
    {"digits", "RETURN ", "9", ""},
    {"fraction", "RETURN 1.", "9", ""},
    {"exponent", "RETURN 1e", "9", ""},
    {"name", "RETURN ", "a", ""},
    {"label name", "MATCH (n:", "a", ") RETURN n"},
    {"property name", "MATCH (n:Person) RETURN n.", "a", ""},
    {"function name", "RETURN ", "a", "()"},
    {"escapes", "RETURN size('", "\\n", "')"},
    {"bytes that are no text", "RETURN ", "\xff", ""},
};

static size_t fill(const long_text *t, size_t size) {
    const size_t unit = strlen(t->unit);
    const size_t ends = strlen(t->head) + strlen(t->tail);
    size_t at = strlen(t->head);
    memcpy(text, t->head, at);
    for (size_t i = 0; i < (size - ends) / unit; i++, at += unit) memcpy(text + at, t->unit, unit);
    memcpy(text + at, t->tail, strlen(t->tail));
    at += strlen(t->tail);
    text[at] = '\0';
    return at;
}

static void test_long_texts_end_soon(void **state) {
    /* Goal: parsing and planning take time in proportion to the text, or stop at a limit. */
    (void)state;
    const size_t size = wg_test_small() ? TEXT_MAX / 32 : TEXT_MAX / 2;
    unsigned wrong = 0;
    assert_int_equal(wg_session_set_deadline(session, DEADLINE_MS, NULL), WG_OK);
    for (size_t i = 0; i < sizeof long_texts / sizeof long_texts[0]; i++)
        wrong += try_text(long_texts[i].name, fill(&long_texts[i], size), false);
    assert_int_equal(wrong, 0);
}

/* ---- numbered texts: each # is a number, that of the unit and then one more */

static size_t fill_numbered(const long_text *t, unsigned count) {
    size_t at = strlen(t->head);
    memcpy(text, t->head, at);
    for (unsigned i = 0; i < count && at < TEXT_MAX; i++) {
        unsigned number = i;
        for (const char *c = t->unit; *c != '\0'; c++) {
            if (*c == '#') at += (size_t)snprintf(text + at, sizeof text - at, "%u", number++);
            else text[at++] = *c;
        }
    }
    return at + (size_t)snprintf(text + at, sizeof text - at, "%s", t->tail);
}

static void test_texts_with_many_names_end_soon(void **state) {
    /* Goal: names are compared with each other, which must not take time in their square beyond a limit. */
    static const long_text texts[] = {
        {"variables", "MATCH (v)", ",(v#)", " RETURN 1"},
        {"parameters", "RETURN [1", ",$p#", "]"},
        {"keys", "RETURN {a: 1", ",k#: 1", "}"},
        {"named results", "RETURN 1", ",1 AS a#", ""},
        {"named aggregates", "RETURN 1", ",sum(#) AS a#", ""},
        {"columns", "CREATE NODE LABEL W (a INT", ",c# INT", ")"},
        {"subqueries", "RETURN 1", ",COUNT { (a#)-->(b#) }", ""},
    };
    (void)state;
    const unsigned count = wg_test_small() ? 1500 : 20000;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        wrong += try_text(texts[i].name, fill_numbered(&texts[i], count), false);
    assert_int_equal(wrong, 0);
}

static void test_plans_do_not_double_with_each_clause(void **state) {
    /* Goal: patterns that are asked about rows, many stars, rings and branches are planned and run in little time. */
    static const struct {
        long_text text;
        unsigned count;
    } texts[] = {
        {{"optional matches", "MATCH (a:Person {id: 1}) ", "OPTIONAL MATCH (a)-->(b#:Person {id: #}) ",
          "RETURN count(*)"},
         60},
        {{"conditions", "MATCH (a:Person {id: 1}) WHERE true ", "AND EXISTS { (a)-->(b#:Person {id: #}) } ",
          "RETURN count(*)"},
         60},
        {{"star", "EXPLAIN MATCH (c:Person)", ",(c)-[:KNOWS]->(v#:Person)", " RETURN count(*)"}, 30},
        {{"ring", "MATCH (v0:Person)", ",(v#)-[:KNOWS]->(v#:Person)", ",(v12)-[:KNOWS]->(v0) RETURN count(*)"}, 12},
        {{"alternatives", "MATCH (a:Person) WHERE false ", "OR (a.id = # AND a.name = 'x#') ", "RETURN count(*)"},
         64},
        {{"keys", "MATCH (a:Person) WHERE a.id IN [0", ",#", "] RETURN count(*)"}, 50000},
    };
    (void)state;
    unsigned wrong = 0;
    assert_int_equal(wg_session_set_deadline(session, 20000, NULL), WG_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        wrong += try_text(texts[i].text.name, fill_numbered(&texts[i].text, texts[i].count), true);
    assert_int_equal(wrong, 0);
}

static void test_wide_lists_give_their_answer(void **state) {
    /* Goal: a limit is no excuse where an answer is asked for that is not large. */
    (void)state;
    const long_text list = {"", "MATCH (a:Person) WHERE a.id IN [0", ",#", "] RETURN count(*)"};
    assert_int_equal(wg_session_set_deadline(session, 0, NULL), WG_OK);
    (void)fill_numbered(&list, wg_test_small() ? 2000 : 20000);
    assert_int_equal(count_of(text), 1500);
    const long_text wide = {"", "RETURN size([", "1,", "1])"};
    (void)fill(&wide, 200000);
    assert_true(count_of(text) > 90000);
}

/* ---- deadlines */

static void test_bombs_end_by_their_deadline_or_limit(void **state) {
    /* Goal: what would take days or petabytes ends when it must. */
    static const char *const bombs[] = {
        "MATCH (a:Person), (b:Person), (c:Person), (d:Person) WHERE a.id + b.id + c.id + d.id = 17 RETURN count(*)",
        "MATCH (a:Person), (b:Person), (c:Person), (d:Person) RETURN sum(a.id * b.id - c.id * d.id)",
        "MATCH (a:Person), (b:Person), (c:Person) RETURN a.id, b.id, c.id",
        "UNWIND range(1, 1000000000000) AS x RETURN count(x)",
        "UNWIND range(1, 4000000000) AS x UNWIND range(1, 4000000000) AS y RETURN sum(x * 0 + y)",
        "UNWIND range(1, 4000000000) AS x RETURN size(collect(x))",
        "RETURN size(range(1, 4000000000))",
        "RETURN size(reduce(s = 'x', i IN range(1, 60) | s + s))",
        "RETURN size(reduce(s = [1], i IN range(1, 60) | s + s))",
        "RETURN reduce(s = [], i IN range(1, 100000) | [s])",
        "RETURN size([a IN range(1, 3000) | [b IN range(1, 3000) | [c IN range(1, 3000) | a]]])",
        "RETURN all(a IN range(1, 100000) WHERE all(b IN range(1, 100000) WHERE a * b > 0))",
        "MATCH (a:Person)-[*]-(b) RETURN count(*)",
        "MATCH p = (a:Person {id: 1})-[*..200]-(b) RETURN count(p)",
        "UNWIND range(1, 100000000) AS x CREATE (:Person {id: x + 10000})",
    };
    (void)state;
    unsigned wrong = 0;
    assert_int_equal(wg_session_set_deadline(session, DEADLINE_MS, NULL), WG_OK);
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        const double start = cpu_seconds();
        const wg_code code = run(bombs[i]);
        const double seconds = cpu_seconds() - start;
        const bool ended = code == WG_E_DEADLINE || code == WG_E_LIMIT || code == WG_OK;
        if (ended && seconds <= CPU_SECONDS_MAX) continue;
        print_error("%s\n  %s after %.2f s\n", bombs[i], wg_code_name(code), seconds);
        wrong++;
    }
    assert_int_equal(wg_session_set_deadline(session, 0, NULL), WG_OK);
    assert_int_equal(wrong, 0);
    assert_int_equal(count_of("MATCH (p:Person) RETURN count(*)"), 1500); /* the last one wrote nothing */
}

static void test_a_deadline_undoes_its_statement_only(void **state) {
    /* Goal: inside a transaction what came before stays, the transaction stays open, and 0 takes the deadline away. */
    (void)state;
    assert_int_equal(wg_begin(session, false, NULL), WG_OK);
    assert_int_equal(run("CREATE (:Person {id: 5000})"), WG_OK);
    assert_int_equal(wg_session_set_deadline(session, 50, NULL), WG_OK);
    const char *slow =
        "CREATE (p:Person {id: 6000}) WITH p UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y "
        "RETURN count(*)";
    assert_int_equal(run(slow), WG_E_DEADLINE);
    assert_int_equal(wg_session_set_deadline(session, 0, NULL), WG_OK);
    assert_int_equal(count_of("MATCH (p:Person) WHERE p.id >= 5000 RETURN count(*)"), 1);
    assert_int_equal(wg_commit(session, NULL, NULL), WG_OK);
    assert_int_equal(count_of("MATCH (p:Person) WHERE p.id >= 5000 RETURN count(*)"), 1);
    assert_int_equal(run("MATCH (p:Person {id: 5000}) DELETE p"), WG_OK);
    assert_int_equal(wg_session_set_deadline(NULL, 1, NULL), WG_E_MISUSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_texts_end_soon),
        cmocka_unit_test(test_texts_with_many_names_end_soon),
        cmocka_unit_test(test_plans_do_not_double_with_each_clause),
        cmocka_unit_test(test_wide_lists_give_their_answer),
        cmocka_unit_test(test_bombs_end_by_their_deadline_or_limit),
        cmocka_unit_test(test_a_deadline_undoes_its_statement_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
