/* Statements that wait for another transaction, and answers without rows, through the public header alone (threads). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "worldgraph.h"

typedef struct world {
    wg_db *db;
    wg_session *writer, *other;
} world;

static void must(wg_code code, const wg_error *err) {
    if (code != WG_OK) fail_msg("%s: %s", wg_code_name(code), err->message);
}

static void statement(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    must(wg_query(session, text, &result, &err), &err);
    wg_result_free(result);
}

static wg_code try(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    const wg_code code = wg_query(session, text, &result, &err);
    wg_result_free(result);
    return code;
}

/* Two sessions; the first one's transaction has written. */
static int open_two(void **state) {
    static world w;
    wg_error err = {0};
    must(wg_open(NULL, NULL, &w.db, &err), &err);
    must(wg_session_open(w.db, &w.writer, &err), &err);
    must(wg_session_open(w.db, &w.other, &err), &err);
    must(wg_begin(w.writer, false, &err), &err);
    statement(w.writer, "CREATE (:P {k: 1})");
    *state = &w;
    return 0;
}

static int close_two(void **state) {
    world *w = *state;
    wg_error err = {0};
    wg_session_close(w->writer);
    wg_session_close(w->other);
    must(wg_close(w->db, &err), &err);
    return 0;
}

/* Goal: the deadline of a session holds for the wait for another one's transaction too, alone and within a transaction, and afterwards
 * both go on. */
static void test_deadline_ends_the_wait_for_a_writer(void **state) {
    world *w = *state;
    wg_error err = {0};
    must(wg_session_set_deadline(w->other, 1, &err), &err);
    assert_int_equal(try(w->other, "CREATE (:P {k: 2})"), WG_E_DEADLINE);
    must(wg_begin(w->other, false, &err), &err);
    assert_int_equal(try(w->other, "CREATE (:P {k: 3})"), WG_E_DEADLINE);
    must(wg_rollback(w->other, &err), &err);
    must(wg_session_set_deadline(w->other, 0, &err), &err);
    must(wg_commit(w->writer, NULL, &err), &err);
    statement(w->other, "CREATE (:P {k: 4})");
    wg_result *result = NULL;
    wg_value v;
    must(wg_query(w->other, "MATCH (n:P) RETURN sum(n.k)", &result, &err), &err);
    must(wg_result_cell(result, 0, 0, &v, &err), &err);
    assert_int_equal(v.as.i, 5);
    wg_result_free(result);
}

typedef struct waiting {
    wg_session *session;
    wg_code code;
    _Atomic bool ended;
} waiting;

static void *wait_for_writer(void *arg) {
    waiting *x = arg;
    x->code = try(x->session, "CREATE (:P {k: 2})");
    atomic_store(&x->ended, true);
    return NULL;
}

/* Goal: cancelling a statement that waits for another transaction ends it, long before the wait would end by itself. */
static void test_cancel_ends_the_wait_for_a_writer(void **state) {
    world *w = *state;
    wg_error err = {0};
    pthread_t thread;
    waiting x = {.session = w->other};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_writer, &x), 0);
    while (!atomic_load(&x.ended))
        wg_session_cancel(w->other); /* one that comes before the statement has no effect */
    pthread_join(thread, NULL);
    assert_int_equal(x.code, WG_E_CANCELLED);
    must(wg_commit(w->writer, NULL, &err), &err);
    statement(w->other, "CREATE (:P {k: 2})");
}

static bool count(void *ctx, const void *data, size_t size) {
    (void)data;
    *(size_t *)ctx += size;
    return true;
}

/* Goal: what has no columns, and what has no rows, is written as Arrow and as JSON all the same. */
static void test_answers_without_rows_are_written(void **state) {
    static const char *const texts[] = {"CREATE (:P {k: 7})", "CREATE NODE LABEL D (id INT)",
                                        "MATCH (n:P) WHERE n.k = 8 RETURN n.k AS k, n", "RETURN 1 AS one LIMIT 0"};
    world *w = *state;
    wg_error err = {0};
    must(wg_rollback(w->writer, &err), &err);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_result *result = NULL;
        struct ArrowArrayStream stream;
        size_t arrow = 0, json = 0;
        must(wg_query(w->other, texts[i], &result, &err), &err);
        must(wg_result_write_arrow(result, count, &arrow, &err), &err);
        must(wg_result_write_json(result, count, &json, &err), &err);
        must(wg_result_arrow_stream(result, &stream, &err), &err);
        struct ArrowArray batch;
        assert_int_equal(stream.get_next(&stream, &batch), 0);
        assert_null(batch.release);
        stream.release(&stream);
        assert_true(arrow > 0);
        wg_result_free(result);
    }
}

/* Goal: a session whose transaction has written does not wait for itself when it makes or changes runs: it is told at once, and its
 * transaction is as it was. */
static void test_runs_are_not_made_inside_of_a_transaction(void **state) {
    world *w = *state;
    wg_error err = {0};
    wg_run *run = NULL;
    assert_int_equal(wg_run_create(w->writer, "r", NULL, &run, &err), WG_E_MISUSE);
    assert_int_equal(wg_run_open(w->writer, NULL, &run, &err), WG_E_MISUSE);
    assert_int_equal(wg_run_delete(w->writer, "r", &err), WG_E_MISUSE);
    must(wg_commit(w->writer, NULL, &err), &err);
    must(wg_run_create(w->writer, "r", NULL, &run, &err), &err);
    must(wg_begin(w->writer, false, &err), &err);
    statement(w->writer, "CREATE (:P {k: 9})");
    assert_int_equal(wg_run_set_status(run, WG_RUN_PAUSED, NULL, &err), WG_E_MISUSE);
    assert_int_equal(wg_run_fork(run, "f", 0, NULL, NULL, &err), WG_E_MISUSE);
    must(wg_rollback(w->writer, &err), &err);
    must(wg_run_set_status(run, WG_RUN_PAUSED, NULL, &err), &err);
    wg_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deadline_ends_the_wait_for_a_writer, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_cancel_ends_the_wait_for_a_writer, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_runs_are_not_made_inside_of_a_transaction, open_two, close_two),
        cmocka_unit_test_setup_teardown(test_answers_without_rows_are_written, open_two, close_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
