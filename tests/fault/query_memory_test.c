/* Statements while memory fails: of each text of a list the n-th allocation, for n = 1, 2, .. until it runs through, from text to answer, and
 * again for EXPLAIN of it. Arenas and buffers take no more than they are asked for meanwhile, so that nearly every request of the parser, the
 * binder, the planner, the operators and the printer is an allocation that fails once.
 *
 * The answer is the right one or WG_E_NOMEM with a message; nothing that was begun stays, and the next statement runs as ever. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/core/test_seed.h"
#include "base/memory/test_memory.h"
#include "tests/fault/query_texts.h"
#include "worldgraph.h"

enum { ANSWER_BYTES = 1 << 18 };

static wg_db *db;
static wg_session *session;
static wg_rng rng;
static uint64_t refused;

#define OK(call)                                                                              \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

static bool write_to(void *ctx, const void *bytes, size_t size) { return wg_buf_append(ctx, bytes, size); }

/* The whole answer as text. */
static wg_code answer(const char *text, size_t size, wg_buf *out, wg_error *err) {
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    const wg_value three = {.type = WG_TYPE_INT, .as.i = 3};
    wg_code code = wg_prepare(session, text, size, &stmt, err);
    if (code != WG_OK) return code;
    if (strstr(text, "$p") != NULL) code = wg_bind(stmt, "p", &three, err);
    if (code == WG_OK) code = wg_execute(stmt, &result, err);
    wg_stmt_finish(stmt);
    if (code != WG_OK) return code;
    code = wg_result_write_json(result, write_to, out, err);
    wg_result_free(result);
    return code;
}

/* In a transaction that is rolled back, so that every run finds the same graph. */
static wg_code run(const char *prefix, const char *text, uint64_t n, uint64_t fail_at, wg_buf *out, bool *met) {
    wg_buf whole = {0};
    wg_error seen = {0};
    /* Each a text of its own: the plan of one that was asked before is kept. */
    assert_true(wg_buf_printf(&whole, "/* %llu */ %s%s", (unsigned long long)n, prefix, text)); /* ends in NUL */
    OK(wg_begin(session, false, err));
    const uint64_t before = wg_memory_calls();
    wg_memory_take_exactly(true);
    if (fail_at != 0) wg_memory_fail_at(fail_at, n % 2 == 0);
    const wg_code code = answer((const char *)whole.data, whole.size, out, &seen);
    *met = wg_memory_calls() - before >= fail_at;
    wg_memory_fail_at(0, false);
    wg_memory_take_exactly(false);
    if (wg_rollback(session, NULL) != WG_OK) assert_int_not_equal(code, WG_OK); /* a failed write may have ended it */
    if (code != WG_OK && (code != WG_E_NOMEM || seen.code != code || seen.message[0] == '\0'))
        fail_msg("%s%s, failing at %llu: %s: %s", prefix, text, (unsigned long long)fail_at, wg_code_name(code),
                 seen.message);
    wg_buf_deinit(&whole);
    return code;
}

static void without_memory(const char *prefix, const char *text) {
    static uint64_t number;
    const uint64_t step = wg_test_small() ? 24 : 6;
    wg_buf expected = {0};
    wg_buf got = {0};
    bool met = true;
    assert_true(wg_buf_reserve(&expected, ANSWER_BYTES) && wg_buf_reserve(&got, ANSWER_BYTES)); /* these never fail */
    assert_int_equal(run(prefix, text, ++number, 0, &expected, &met), WG_OK);
    for (uint64_t n = 1; met; n += 1 + wg_rng_below(&rng, step)) {
        got.size = 0;
        if (run(prefix, text, ++number, n, &got, &met) == WG_OK) {
            if (got.size != expected.size || memcmp(got.data, expected.data, got.size) != 0)
                fail_msg("%s%s, failing at %llu: another answer:\n%.*s\nnot\n%.*s", prefix, text,
                         (unsigned long long)n, (int)got.size, (const char *)got.data, (int)expected.size,
                         (const char *)expected.data);
        } else {
            refused++;
        }
    }
    wg_buf_deinit(&expected);
    wg_buf_deinit(&got);
}

static int setup(void **state) {
    (void)state;
    const wg_options options = {.threads = 1, .no_background = true};
    const uint64_t seed = wg_test_seed(77);
    wg_rng_init(&rng, seed);
    OK(wg_open(NULL, &options, &db, err));
    OK(wg_session_open(db, &session, err));
    for (size_t i = 0; i < sizeof query_graph / sizeof query_graph[0]; i++) {
        wg_result *result = NULL;
        OK(wg_query(session, query_graph[i], &result, err));
        wg_result_free(result);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    wg_session_close(session);
    OK(wg_close(db, err));
    return 0;
}

/* Goal: wherever a statement finds no memory it says so, and nothing of it is left. */
static void test_statements_without_memory(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof query_texts / sizeof query_texts[0]; i++) {
        without_memory("", query_texts[i]);
        if (!wg_test_small() || i % 2 == 0) without_memory("EXPLAIN ", query_texts[i]);
    }
    for (size_t i = 0; i < sizeof schema_texts / sizeof schema_texts[0]; i++) without_memory("", schema_texts[i]);
    print_message("%llu runs were refused memory\n", (unsigned long long)refused);
    assert_true(refused > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statements_without_memory)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
