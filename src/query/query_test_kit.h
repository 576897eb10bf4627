/* What the tests of query share: a private store, and questions whose answers are compared as text. */
#ifndef WG_QUERY_TEST_KIT_H
#define WG_QUERY_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/query.h"

typedef struct store {
    wg_engine *engine;
    wg_procedures *procedures;
    wg_buf answer;
    bool optimizer_off;
} store;

static inline void store_open(store *s) {
    const wg_engine_options options = {0};
    wg_buf_init(&s->answer, NULL);
    assert_int_equal(wg_engine_open(NULL, &options, &s->engine, NULL), WG_OK);
    assert_int_equal(wg_procedures_create(NULL, &s->procedures, NULL), WG_OK);
}

static inline void store_close(store *s) {
    wg_buf_deinit(&s->answer);
    assert_int_equal(wg_engine_close(s->engine, NULL), WG_OK);
    wg_procedures_destroy(s->procedures);
}

/* Runs in a transaction of its own; commits on success. Rows become lines of JSON cells with '|' between them. */
static inline wg_code try_text(store *s, const char *text, const wg_value *params, wg_error *err) {
    wg_prepared *query;
    wg_txn *txn;
    s->answer.size = 0;
    wg_code code = wg_query_create(wg_slice_str(text), s->procedures, NULL, &query, err);
    if (code != WG_OK) return code;
    const bool write = wg_query_kind_of(query) == WG_QUERY_WRITE;
    bool given;
    uint64_t as_of;
    assert_int_equal(wg_query_as_of(query, params, &given, &as_of, err), WG_OK);
    assert_int_equal(wg_txn_begin(s->engine, write ? WG_TXN_WRITE : WG_TXN_READ, as_of, &txn, err), WG_OK);
    wg_stats stats = {0};
    const wg_exec_context context = {.txn = txn,
                                     .optimizer_off = s->optimizer_off,
                                     .threads = 1,
                                     .batch_rows = 3,
                                     .params = params,
                                     .param_count = wg_query_param_count(query),
                                     .stats = &stats};
    wg_query_result result;
    code = wg_query_run(query, &context, &result, err);
    if (code == WG_OK) {
        const uint64_t rows = result.rows != NULL ? wg_rows_count(result.rows) : 0;
        for (uint64_t r = 0; r < rows; r++) {
            for (uint32_t c = 0; c < result.column_count; c++) {
                const wg_value v = wg_rows_cell(result.rows, r, c);
                if (c > 0) assert_true(wg_buf_append_str(&s->answer, "|"));
                assert_true(wg_value_print_json(&s->answer, &v));
            }
            assert_true(wg_buf_append_str(&s->answer, "\n"));
        }
        wg_query_result_deinit(&result);
    }
    wg_query_destroy(query);
    if (code == WG_OK && write) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

static inline void run(store *s, const char *text) {
    wg_error err = {0};
    if (try_text(s, text, NULL, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
}

static inline void expect_with(store *s, const char *text, const wg_value *params, const char *answer) {
    wg_error err = {0};
    if (try_text(s, text, params, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    assert_true(wg_buf_append_u8(&s->answer, 0));
    if (strcmp((const char *)s->answer.data, answer) != 0)
        fail_msg("%s\n gave:\n%s expected:\n%s", text, (const char *)s->answer.data, answer);
}

static inline void expect(store *s, const char *text, const char *answer) { expect_with(s, text, NULL, answer); }

/* The statement fails with this code, at this offset, with a message that holds `part`. */
static inline void expect_error(store *s, const char *text, wg_code code, uint64_t offset, const char *part) {
    wg_error err = {0};
    const wg_code got = try_text(s, text, NULL, &err);
    if (got != code) fail_msg("%s: code %s: %s", text, wg_code_name(got), err.message);
    if (strstr(err.message, part) == NULL) fail_msg("%s: message: %s", text, err.message);
    if (err.offset != offset) fail_msg("%s: offset %d: %s", text, (int)err.offset, err.message);
    if (offset != WG_NO_OFFSET && (err.line != 1 || err.column != offset + 1))
        fail_msg("%s: line %u, column %u: %s", text, err.line, err.column, err.message);
}

/* The printed plan holds `part` (or, `absent`, does not). */
static inline void expect_plan(store *s, const char *text, const char *part, bool absent) {
    char explain[1024];
    wg_error err = {0};
    (void)snprintf(explain, sizeof explain, "EXPLAIN %s", text);
    if (try_text(s, explain, NULL, &err) != WG_OK) fail_msg("%s: %s", explain, err.message);
    assert_true(wg_buf_append_u8(&s->answer, 0));
    if ((strstr((const char *)s->answer.data, part) == NULL) != absent)
        fail_msg("%s: looked for %s in:\n%s", explain, part, (const char *)s->answer.data);
}

#endif
