/* Tests of mutexes, conditions and threads. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/platform/platform.h"

typedef struct shared {
    wg_mutex mutex;
    wg_cond cond;
    uint64_t count;
    bool go;
} shared;

static void count_up(void *arg) {
    shared *s = arg;
    wg_mutex_lock(&s->mutex);
    while (!s->go) wg_cond_wait(&s->cond, &s->mutex);
    wg_mutex_unlock(&s->mutex);
    for (size_t i = 0; i < 10000; i++) {
        wg_mutex_lock(&s->mutex);
        s->count++;
        wg_mutex_unlock(&s->mutex);
    }
}

/* Goal: a broadcast wakes every waiter, and the mutex excludes: no increment is lost. */
static void test_threads_mutex_excludes_and_broadcast_wakes_all(void **state) {
    (void)state;
    shared s = {0};
    wg_thread threads[4];
    wg_error err = {0};
    wg_mutex_init(&s.mutex, WG_RANK_POOL);
    wg_cond_init(&s.cond);
    for (size_t i = 0; i < 4; i++) assert_int_equal(wg_thread_start(&threads[i], count_up, &s, &err), WG_OK);
    wg_mutex_lock(&s.mutex);
    s.go = true;
    wg_cond_broadcast(&s.cond);
    wg_mutex_unlock(&s.mutex);
    for (size_t i = 0; i < 4; i++) wg_thread_join(&threads[i]);
    assert_int_equal(s.count, 40000);
    wg_cond_deinit(&s.cond);
    wg_mutex_deinit(&s.mutex);
}

typedef struct ping {
    wg_signal events[2];
    _Atomic uint32_t turn;
    _Atomic uint32_t over;
} ping;

/* Sleeps until the turn is odd, makes it even, and so on. */
static void answer(void *arg) {
    ping *p = arg;
    for (uint32_t i = 0; i < 2000; i++) {
        for (;;) {
            const uint32_t seen = wg_signal_count(&p->events[0]);
            if (atomic_load(&p->turn) == 2 * i + 1) break;
            wg_signal_wait(&p->events[0], seen);
        }
        atomic_store(&p->turn, 2 * i + 2);
        wg_signal_raise(&p->events[1], 1);
    }
}

static void sleep_until_over(void *arg) {
    ping *p = arg;
    while (atomic_load(&p->over) == 0) {
        const uint32_t seen = wg_signal_count(&p->events[0]);
        if (atomic_load(&p->over) == 0) wg_signal_wait(&p->events[0], seen);
    }
}

/* Goal: no event is missed by two threads that wait for one another, one event wakes all who sleep for it, and a count that has moved
 * on lets nobody sleep. */
static void test_threads_events_are_not_missed(void **state) {
    (void)state;
    static ping p;
    wg_thread threads[4];
    for (size_t i = 0; i < 2; i++) wg_signal_init(&p.events[i]);
    assert_int_equal(wg_thread_start(&threads[0], answer, &p, NULL), WG_OK);
    for (uint32_t i = 0; i < 2000; i++) {
        atomic_store(&p.turn, 2 * i + 1);
        wg_signal_raise(&p.events[0], 1);
        for (;;) {
            const uint32_t seen = wg_signal_count(&p.events[1]);
            if (atomic_load(&p.turn) == 2 * i + 2) break;
            wg_signal_wait(&p.events[1], seen);
        }
        wg_thread_yield();
    }
    wg_thread_join(&threads[0]);
    for (size_t i = 0; i < 4; i++) assert_int_equal(wg_thread_start(&threads[i], sleep_until_over, &p, NULL), WG_OK);
    while (atomic_load(&p.events[0].sleepers) < 4) wg_thread_yield();
    atomic_store(&p.over, 1);
    wg_signal_raise(&p.events[0], UINT32_MAX);
    for (size_t i = 0; i < 4; i++) wg_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&p.events[0].sleepers), 0);
    const uint32_t before = wg_signal_count(&p.events[0]);
    wg_signal_raise(&p.events[0], 0);
    assert_int_equal(wg_signal_count(&p.events[0]), before + 1);
    wg_signal_wait(&p.events[0], before);
    for (size_t i = 0; i < 2; i++) wg_signal_deinit(&p.events[i]);
}

/* Goal: a timed wait that nobody signals ends by itself and says so. */
static void test_threads_timed_wait_times_out(void **state) {
    (void)state;
    wg_mutex mutex;
    wg_cond cond;
    wg_mutex_init(&mutex, WG_RANK_POOL);
    wg_cond_init(&cond);
    wg_mutex_lock(&mutex);
    bool signalled = true;
    for (size_t i = 0; i < 100 && signalled; i++) signalled = wg_cond_wait_for(&cond, &mutex, 1000);
    assert_false(signalled);
    wg_mutex_unlock(&mutex);
    wg_cond_deinit(&cond);
    wg_mutex_deinit(&mutex);
}

/* Goal: a thread that cannot be allocated is refused with a typed error. */
static void test_threads_start_reports_no_memory(void **state) {
    (void)state;
    wg_thread thread;
    wg_error err = {0};
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_thread_start(&thread, count_up, NULL, &err), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    assert_true(wg_cpu_count() >= 1);
}

/* Goal: where ranks are checked, taking a lower rank under a higher one aborts; rising ranks pass. */
static void test_threads_rank_order_is_checked(void **state) {
    (void)state;
#ifndef WG_SLOW_CHECKS
    skip(); /* ranks are checked in WG_SLOW_CHECKS builds only */
#else
    wg_mutex low;
    wg_mutex high;
    wg_mutex_init(&low, WG_RANK_WAL_APPEND);
    wg_mutex_init(&high, WG_RANK_WAL_SYNC);
    wg_mutex_lock(&low);
    wg_mutex_lock(&high);
    wg_mutex_unlock(&low); /* out of order is legal */
    wg_mutex_unlock(&high);
    const pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(0);
        wg_mutex_lock(&high);
        wg_mutex_lock(&low);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    wg_mutex_deinit(&low);
    wg_mutex_deinit(&high);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_mutex_excludes_and_broadcast_wakes_all),
        cmocka_unit_test(test_threads_timed_wait_times_out),
        cmocka_unit_test(test_threads_events_are_not_missed),
        cmocka_unit_test(test_threads_start_reports_no_memory),
        cmocka_unit_test(test_threads_rank_order_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
