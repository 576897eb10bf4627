/* Statements that wait while somebody else appends to the log: their deadline and wg_session_cancel hold for that wait too. The disk of the test takes
 * no byte for as long as it is told to (threads). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/platform/platform.h"
#include "worldgraph.h"

static const wg_platform_ops *plain;
static wg_platform_ops slow;
static _Atomic bool stopped; /* writes wait */
static _Atomic uint32_t waiting;

static void wait_for_disk(void) {
    if (!atomic_load(&stopped)) return;
    atomic_fetch_add(&waiting, 1);
    while (atomic_load(&stopped)) wg_thread_yield();
    atomic_fetch_sub(&waiting, 1);
}

static wg_code slow_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                             wg_error *err) {
    wait_for_disk();
    return plain->write_at(self, file, offset, data, size, err);
}

static wg_code slow_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                size_t count, wg_error *err) {
    wait_for_disk();
    return plain->write_parts(self, file, offset, parts, count, err);
}

typedef struct world {
    char dir[300];
    wg_db *db;
    wg_session *appender, *other;
    wg_run *run;
    pthread_t thread;
} world;

static void must(wg_code code, const wg_error *err) {
    if (code != WG_OK) fail_msg("%s: %s", wg_code_name(code), err->message);
}

static wg_code try(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    const wg_code code = wg_query(session, text, &result, &err);
    wg_result_free(result);
    return code;
}

static void statement(wg_session *session, const char *text) { assert_int_equal(try(session, text), WG_OK); }

static int64_t number(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    wg_value v;
    must(wg_query(session, text, &result, &err), &err);
    must(wg_result_cell(result, 0, 0, &v, &err), &err);
    const int64_t n = v.as.i;
    wg_result_free(result);
    return n;
}

static int begin(void **state) {
    static world w;
    const char *base = getenv("TMPDIR");
    wg_error err = {0};
    const wg_options options = {.create = true, .durability = WG_BUFFERED, .sync_interval_ms = 3600000};
    memset(&w, 0, sizeof w);
    wg_platform *real = wg_platform_real();
    plain = real->ops;
    slow = *plain;
    slow.write_at = slow_write_at;
    slow.write_parts = slow_write_parts;
    real->ops = &slow;
    snprintf(w.dir, sizeof w.dir, "%s/wgwaitXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(w.dir));
    char path[400];
    snprintf(path, sizeof path, "%s/ws", w.dir);
    must(wg_open(path, &options, &w.db, &err), &err);
    must(wg_session_open(w.db, &w.appender, &err), &err);
    must(wg_session_open(w.db, &w.other, &err), &err);
    statement(w.appender, "CREATE (:P {k: 1})");
    must(wg_run_create(w.appender, "r", NULL, &w.run, &err), &err);
    *state = &w;
    return 0;
}

static int end(void **state) {
    world *w = *state;
    wg_error err = {0};
    char command[400];
    wg_run_close(w->run);
    wg_session_close(w->appender);
    wg_session_close(w->other);
    must(wg_close(w->db, &err), &err);
    wg_platform_real()->ops = plain; /* no thread reads it now */
    snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
    return system(command);
}

/* A statement that looks at runs: what they hold goes into the log first. */
static const char looks_at_runs[] = "RETURN 'kv.' AS x";

static void *look(void *arg) {
    world *w = arg;
    statement(w->appender, looks_at_runs);
    return NULL;
}

/* The appender has the log's end, and the disk does not take what it appends. */
static void stop_disk(world *w) {
    wg_error err = {0};
    const wg_value value = {.type = WG_TYPE_INT, .as.i = 7};
    must(wg_kv_put(w->run, "key", 3, &value, NULL, &err), &err);
    atomic_store(&stopped, true);
    assert_int_equal(pthread_create(&w->thread, NULL, look, w), 0);
    while (atomic_load(&waiting) == 0) wg_thread_yield();
}

static void go_on(world *w) {
    atomic_store(&stopped, false);
    pthread_join(w->thread, NULL);
}

/* Goal: the deadline of a session ends its statement's wait for another one's append, before it reads and before it commits; nothing of the
 * statement stays, and afterwards both go on. */
static void test_deadline_ends_the_wait_for_an_append(void **state) {
    world *w = *state;
    wg_error err = {0};
    stop_disk(w);
    must(wg_session_set_deadline(w->other, 5, &err), &err);
    assert_int_equal(try(w->other, looks_at_runs), WG_E_DEADLINE);
    assert_int_equal(try(w->other, "CREATE (:P {k: 10})"), WG_E_DEADLINE);
    assert_true(atomic_load(&stopped));
    must(wg_session_set_deadline(w->other, 0, &err), &err);
    assert_int_equal(number(w->other, "MATCH (n:P) RETURN sum(n.k)"), 1);
    go_on(w);
    statement(w->other, looks_at_runs);
    statement(w->other, "CREATE (:P {k: 100})");
    assert_int_equal(number(w->other, "MATCH (n:P) RETURN sum(n.k)"), 101);
}

typedef struct attempt {
    wg_session *session;
    const char *text;
    wg_code code;
    _Atomic bool ended;
} attempt;

static void *make_attempt(void *arg) {
    attempt *a = arg;
    a->code = try(a->session, a->text);
    atomic_store(&a->ended, true);
    return NULL;
}

/* Goal: the same for a statement that is cancelled. */
static void test_cancel_ends_the_wait_for_an_append(void **state) {
    world *w = *state;
    static const char *const texts[] = {looks_at_runs, "CREATE (:P {k: 10})"};
    stop_disk(w);
    for (size_t i = 0; i < 2; i++) {
        attempt a = {.session = w->other, .text = texts[i]};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, make_attempt, &a), 0);
        while (!atomic_load(&a.ended)) {
            wg_session_cancel(w->other); /* one that comes before the statement has no effect */
            wg_thread_yield();
        }
        pthread_join(thread, NULL);
        assert_int_equal(a.code, WG_E_CANCELLED);
    }
    go_on(w);
    assert_int_equal(number(w->other, "MATCH (n:P) RETURN sum(n.k)"), 1);
}

/* Goal: who has neither waits until the append is through. */
static void test_wait_for_an_append_ends_with_it(void **state) {
    world *w = *state;
    stop_disk(w);
    attempt a = {.session = w->other, .text = "CREATE (:P {k: 10})"};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, make_attempt, &a), 0);
    for (int i = 0; i < 1000; i++) wg_thread_yield();
    go_on(w);
    pthread_join(thread, NULL);
    assert_int_equal(a.code, WG_OK);
    assert_int_equal(number(w->other, "MATCH (n:P) RETURN sum(n.k)"), 11);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deadline_ends_the_wait_for_an_append, begin, end),
        cmocka_unit_test_setup_teardown(test_cancel_ends_the_wait_for_an_append, begin, end),
        cmocka_unit_test_setup_teardown(test_wait_for_an_append_ends_with_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
