/* Goal: CALL finds procedures by name, takes and gives what their signatures say, and calls maintenance outside of transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api_internal.h"

typedef struct fixture {
    wg_db *db;
    wg_session *session;
    unsigned maintained; /* calls of test.maintain */
    wg_buf answer;
} fixture;

/* ---- procedures of the test */

/* test.repeat(value, times): the value that often, with the number of each. */
static wg_code repeat(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const int64_t times = call->args[1].type == WG_TYPE_INT ? call->args[1].as.i : 0;
    for (int64_t i = 0; i < times; i++) {
        const wg_value cells[] = {call->args[0], wg_value_int(i)};
        WG_TRY(wg_procedure_add_row(call, cells, err));
    }
    return WG_OK;
}

static wg_code half(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const wg_value cell =
        call->args[0].type == WG_TYPE_FLOAT ? wg_value_float(call->args[0].as.f / 2) : wg_value_null();
    return wg_procedure_add_row(call, &cell, err);
}

static wg_code nothing(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    (void)call;
    (void)err;
    return WG_OK;
}

static wg_code lie(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    const wg_value cell = wg_value_str(wg_slice_str("no number"));
    return wg_procedure_add_row(call, &cell, err);
}

/* Writes in a transaction of its own, which only works while its statement has none that writes. */
static wg_code maintain(void *ctx, const wg_procedure_call *call, wg_error *err) {
    fixture *f = ctx;
    wg_txn *txn;
    assert_null(call->txn);
    WG_TRY(wg_txn_begin(call->engine, WG_TXN_WRITE, 0, &txn, err));
    uint32_t label;
    uint64_t id;
    WG_TRY(wg_txn_intern_label(txn, wg_slice_str("Kept"), false, &label, err));
    WG_TRY(wg_txn_create_node(txn, &label, 1, NULL, 0, &id, err));
    WG_TRY(wg_txn_commit(txn, NULL, err));
    f->maintained++;
    const wg_value cells[] = {wg_value_int((int64_t)f->maintained), call->args[0]};
    return wg_procedure_add_row(call, cells, err);
}

static void add(fixture *f, wg_procedure procedure) {
    assert_int_equal(wg_procedure_register(f->db->procedures, &procedure, NULL), WG_OK);
}

static int set_up(void **state) {
    static fixture f;
    static const wg_procedure_field repeated[] = {{.name = "value", .type = WG_TYPE_ANY},
                                                  {.name = "times", .type = WG_TYPE_INT, .not_null = true}};
    static const wg_procedure_field rows[] = {{.name = "value", .type = WG_TYPE_ANY},
                                              {.name = "number", .type = WG_TYPE_INT}};
    static const wg_procedure_field number[] = {{.name = "x", .type = WG_TYPE_FLOAT}};
    static const wg_procedure_field any_number[] = {{.name = "x", .type = WG_TYPE_ANY, .number = true}};
    static const wg_procedure_field kept[] = {{.name = "count", .type = WG_TYPE_INT},
                                              {.name = "note", .type = WG_TYPE_STRING}};
    static const wg_procedure_field note[] = {{.name = "note", .type = WG_TYPE_STRING}};
    f = (fixture){0};
    assert_int_equal(wg_open(NULL, NULL, &f.db, NULL), WG_OK);
    assert_int_equal(wg_session_open(f.db, &f.session, NULL), WG_OK);
    add(&f, (wg_procedure){.name = "test.repeat",
                           .params = repeated,
                           .param_count = 2,
                           .results = rows,
                           .result_count = 2,
                           .fn = repeat});
    add(&f, (wg_procedure){.name = "test.half",
                           .params = number,
                           .param_count = 1,
                           .results = number,
                           .result_count = 1,
                           .fn = half});
    add(&f, (wg_procedure){.name = "test.nothing", .params = any_number, .param_count = 1, .fn = nothing});
    add(&f, (wg_procedure){.name = "test.lie", .results = number, .result_count = 1, .fn = lie});
    add(&f, (wg_procedure){.name = "test.maintain",
                           .kind = WG_PROCEDURE_MAINTENANCE,
                           .params = note,
                           .param_count = 1,
                           .results = kept,
                           .result_count = 2,
                           .fn = maintain,
                           .ctx = &f});
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    wg_buf_deinit(&f->answer);
    wg_session_close(f->session);
    assert_int_equal(wg_close(f->db, NULL), WG_OK);
    return 0;
}

static wg_code try_text(fixture *f, const char *text, wg_error *err) {
    wg_result *result;
    f->answer.size = 0;
    WG_TRY(wg_query(f->session, text, &result, err));
    for (uint64_t r = 0; r < wg_result_row_count(result); r++) {
        for (uint32_t c = 0; c < wg_result_column_count(result); c++) {
            wg_value v;
            assert_int_equal(wg_result_cell(result, r, c, &v, NULL), WG_OK);
            assert_true(c == 0 || wg_buf_append_str(&f->answer, "|"));
            assert_true(wg_value_print_json_objects(&f->answer, &v));
        }
        assert_true(wg_buf_append_str(&f->answer, "\n"));
    }
    wg_result_free(result);
    return WG_OK;
}

static void expect(fixture *f, const char *text, const char *wanted) {
    wg_error err = {0};
    if (try_text(f, text, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    assert_true(wg_buf_append_u8(&f->answer, 0));
    assert_string_equal((const char *)f->answer.data, wanted);
}

static void expect_error(fixture *f, const char *text, wg_code code, const char *part) {
    wg_error err = {0};
    assert_int_equal(try_text(f, text, &err), code);
    if (strstr(err.message, part) == NULL) fail_msg("\"%s\" is not in \"%s\"", part, err.message);
}

/* ---- tests */

/* Goal: for each row of the input the rows of the procedure, in order, with the results that YIELD names. */
static void test_call_joins_each_row_with_its_results(void **state) {
    fixture *f = *state;
    expect(f, "CALL test.repeat('a', 2)", "\"a\"|0\n\"a\"|1\n");
    expect(f, "CALL test.repeat('a', 2) YIELD number", "0\n1\n");
    expect(f, "CALL test.repeat('a', 3) YIELD number AS n, value WHERE n > 0", "1|\"a\"\n2|\"a\"\n");
    expect(f, "UNWIND [2, 0, 1] AS n CALL test.repeat(n * 10, n) YIELD value AS v, number RETURN n, v, number",
           "2|20|0\n2|20|1\n1|10|0\n");
    expect(f, "UNWIND [1, 2] AS n CALL test.nothing(n) RETURN n", "1\n2\n");
    expect(f, "UNWIND [1, 2] AS n CALL test.nothing(n)", "");
    expect(f, "CALL test.half(3) YIELD x AS a CALL test.half(a) YIELD x AS b RETURN a, b", "1.5|0.75\n");
    expect(f, "CALL test.repeat([{a: 1}], 1) YIELD value RETURN value[0].a", "1\n");
    expect(f, "CREATE (n:P {k: 7}) WITH n CALL test.repeat(n, 1) YIELD value RETURN value.k, labels(value)",
           "7|[\"P\"]\n");
    expect(f, "MATCH (n:P) WHERE EXISTS { CALL test.repeat(1, 1) YIELD value RETURN value } RETURN count(*)", "1\n");
    expect(f, "CALL { CALL test.repeat('x', 2) YIELD number RETURN number } RETURN sum(number)", "1\n");
    expect(f, "CALL test.repeat(1, 5000) YIELD number RETURN count(*), max(number), sum(number)",
           "5000|4999|12497500\n");
    expect(f, "UNWIND range(1, 3000) AS i CALL test.repeat(i, 2) YIELD value, number RETURN sum(value * number)",
           "4501500\n");
}

/* Goal: arguments are checked when the types are known, and when they are not, for each row; the message names the argument. */
static void test_call_checks_its_arguments(void **state) {
    fixture *f = *state;
    expect_error(f, "CALL test.repeat('a')", WG_E_BIND, "takes 2 arguments, 1 is given");
    expect_error(f, "CALL test.repeat('a', 'b')", WG_E_TYPE, "argument 2 (times) must be INT, this is STRING");
    expect_error(f, "UNWIND [1, 'b'] AS x CALL test.repeat('a', x) YIELD value RETURN 1", WG_E_TYPE,
                 "this is STRING");
    expect_error(f, "CALL test.repeat('a', null)", WG_E_TYPE, "may not be null");
    expect_error(f, "CALL test.nothing('a')", WG_E_TYPE, "must be NUMBER");
    expect(f, "CALL test.half(null)", "null\n");
    expect_error(f, "MATCH (n) CALL test.repeat(count(n), 1) YIELD value RETURN value", WG_E_BIND, "aggregate");
    expect_error(f, "CALL test.lie()", WG_E_TYPE, "gave STRING for its result 'x'");
}

/* Goal: names that do not exist, exist already or stand in the wrong place are refused with what to write instead. */
static void test_call_refuses_wrong_names_and_places(void **state) {
    fixture *f = *state;
    expect_error(f, "CALL test.repaet(1, 2)", WG_E_NOT_FOUND, "did you mean test.repeat()?");
    expect_error(f, "CALL no.such.thing()", WG_E_NOT_FOUND, "db.procedures()");
    expect_error(f, "CALL test.half(1) YIELD y", WG_E_BIND, "gives no 'y'");
    expect_error(f, "CALL test.nothing(1) YIELD y", WG_E_BIND, "gives no rows");
    expect_error(f, "CALL test.half(1) YIELD x, x RETURN x", WG_E_BIND, "exists already");
    expect_error(f, "WITH 1 AS x CALL test.half(1) YIELD x RETURN x", WG_E_BIND, "exists already");
    expect_error(f, "CALL test.half(1) RETURN 1", WG_E_BIND, "YIELD x");
    expect_error(f, "CALL test.half(1) YIELD * RETURN x", WG_E_BIND, "whole statement");
    expect_error(f, "WITH 1 AS y CALL test.half(y) YIELD x", WG_E_BIND, "add a RETURN");
    expect_error(f, "CALL test.half YIELD x RETURN x", WG_E_BIND, "write test.half(x)");
}

/* Goal: a CALL without parentheses takes its arguments from parameters with the same names. */
static void test_call_takes_parameters_by_name(void **state) {
    fixture *f = *state;
    wg_stmt *stmt;
    wg_result *result;
    wg_error err = {0};
    wg_value v;
    assert_int_equal(wg_prepare(f->session, "CALL test.repeat", 16, &stmt, NULL), WG_OK);
    assert_int_equal(wg_bind_int(stmt, "times", 1, NULL), WG_OK);
    assert_int_equal(wg_execute(stmt, &result, &err), WG_E_PARAMETER);
    assert_int_equal(wg_bind_bool(stmt, "value", true, NULL), WG_OK);
    assert_int_equal(wg_execute(stmt, &result, NULL), WG_OK);
    assert_int_equal(wg_result_row_count(result), 1);
    assert_int_equal(wg_result_cell(result, 0, 0, &v, NULL), WG_OK);
    assert_true(v.type == WG_TYPE_BOOL && v.as.b);
    wg_result_free(result);
    wg_stmt_finish(stmt);
}

/* Goal: a maintenance procedure is called once, before the transaction of its statement, which sees what it did. */
static void test_maintenance_runs_outside_of_transactions(void **state) {
    fixture *f = *state;
    expect(f, "CALL test.maintain('a')", "1|\"a\"\n");
    expect(f, "CALL test.maintain('b') YIELD count AS c MATCH (n:Kept) RETURN c, count(n)", "2|2\n");
    expect_error(f, "CALL test.maintain(1)", WG_E_TYPE, "must be STRING");
    expect_error(f, "MATCH (n:Kept) CALL test.maintain('c') YIELD count RETURN count", WG_E_BIND, "first clause");
    expect_error(f, "CALL test.maintain('c') YIELD count CREATE (:X)", WG_E_BIND, "first clause");
    expect_error(f, "CALL test.maintain(toString(rand()))", WG_E_BIND, "constants");
    expect_error(f, "AS OF 1 CALL test.maintain('c')", WG_E_BIND, "AS OF");
    assert_int_equal(f->maintained, 2);
    expect(f, "BEGIN", "");
    expect_error(f, "CALL test.maintain('c')", WG_E_MISUSE, "COMMIT or ROLLBACK first");
    expect(f, "ROLLBACK", "");
    wg_error err = {0};
    assert_int_equal(try_text(f, "EXPLAIN CALL test.maintain('c')", &err), WG_OK);
    assert_non_null(
        memmem(f->answer.data, f->answer.size, "ProcedureCall test.maintain('c') yields count, note", 51));
    assert_int_equal(f->maintained, 2);
}

/* Goal: the built-in procedures describe the catalog at the snapshot of their statement. */
static void test_builtin_procedures_describe_the_store(void **state) {
    fixture *f = *state;
    expect(f, "CALL db.labels()", "");
    expect(f, "CREATE (:Zebra {k: 1})-[:KNOWS {since: 2}]->(:Ant)", "");
    expect(f, "CALL db.labels()", "\"Ant\"\n\"Zebra\"\n");
    expect(f, "CALL db.relationshipTypes() YIELD relationshipType AS t RETURN t", "\"KNOWS\"\n");
    expect(f, "CALL db.propertyKeys", "\"k\"\n\"since\"\n");
    expect(f, "CREATE (:New)", "");
    expect(f, "AS OF 1 CALL db.labels()", "\"Ant\"\n\"Zebra\"\n");
    expect(f, "CALL db.procedures() YIELD name, signature WHERE name = 'test.repeat'",
           "\"test.repeat\"|\"test.repeat(value :: ANY, times :: INT NOT NULL) :: (value :: ANY, number :: INT)\"\n");
}

/* Goal: an allocation that fails anywhere in a CALL is WG_E_NOMEM, and nothing leaks (the sanitisers look). */
static void test_every_allocation_of_a_call_may_fail(void **state) {
    fixture *f = *state;
    static const char text[] = "UNWIND [1, 2] AS n CALL test.repeat(n, n) YIELD value AS v WHERE v > 0 RETURN v";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        wg_error err = {0};
        wg_result *result = NULL;
        wg_memory_fail_at(n, false);
        const wg_code code = wg_query(f->session, text, &result, &err);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        wg_result_free(result);
    }
}

/* Goal: what the planner knows of a label can be looked at, and says nothing of labels that there are not. */
static void test_statistics_of_a_label(void **state) {
    fixture *f = *state;
    expect(f, "CREATE NODE LABEL Counted (k INT)", "");
    expect(f, "CREATE EDGE LABEL COUNTS (FROM Counted TO Counted)", "");
    expect(f, "UNWIND [1, 2, 2, null] AS k CREATE (a:Counted {k: k})-[:COUNTS]->(a)", "");
    expect(f,
           "CALL db.statistics('Counted') YIELD item, fact, value WHERE fact <> 'equal shares between' RETURN item, "
           "fact, value",
           "\"label\"|\"rows\"|4\n\"k\"|\"exact\"|true\n\"k\"|\"share of nulls\"|0.25\n\"k\"|\"distinct\"|2.0\n"
           "\"k\"|\"least\"|1\n\"k\"|\"greatest\"|2\n\"k\"|\"common values\"|[2]\n\"k\"|\"shares of common "
           "values\"|[0.5]\n");
    expect(f, "CALL db.statistics('COUNTS') YIELD item, fact, value WHERE item = 'out' RETURN fact, value",
           "\"nodes\"|4.0\n\"average degree\"|1.0\n\"greatest degree\"|1.0\n\"sum of squares\"|4.0\n\"nodes by power "
           "of two\"|[4.0]\n");
    expect_error(f, "CALL db.statistics('Nobody')", WG_E_NOT_FOUND, "no label 'Nobody'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_call_joins_each_row_with_its_results, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_call_checks_its_arguments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_call_refuses_wrong_names_and_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_call_takes_parameters_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_maintenance_runs_outside_of_transactions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_builtin_procedures_describe_the_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_statistics_of_a_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_of_a_call_may_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
