/* Mutexes, condition variables and threads over POSIX threads, with the order of locks checked in test builds.
 *
 * A mutex carries its rank (docs/locks.md). Where WG_SLOW_CHECKS is defined, each thread keeps the ranks that it holds,
 * and taking a lock whose rank is not above all of them aborts with both ranks: an order that could deadlock is found by
 * any run that takes the two locks, not only by the run that deadlocks. Condition variables measure time on the
 * monotonic clock, so that setting the wall clock neither hurries nor delays a background sync. */
#include "io/platform/platform.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

typedef struct mutex_state {
    pthread_mutex_t mutex;
    uint32_t rank;
} mutex_state;
_Static_assert(sizeof(mutex_state) <= sizeof(wg_mutex), "wg_mutex has room for the system's mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(wg_cond), "wg_cond has room for the system's condition");
_Static_assert(sizeof(pthread_t) <= sizeof(wg_thread), "wg_thread has room for the system's thread");

static mutex_state *mutex_of(wg_mutex *mutex) { return (mutex_state *)(void *)mutex->opaque; }
static pthread_cond_t *cond_of(wg_cond *cond) { return (pthread_cond_t *)(void *)cond->opaque; }

#ifdef WG_SLOW_CHECKS
enum { HELD_MAX = 32 };
static _Thread_local uint32_t held_ranks[HELD_MAX];
static _Thread_local size_t held_count;

static void rank_push(uint32_t rank) {
    for (size_t i = 0; i < held_count; i++) {
        if (held_ranks[i] < rank) continue;
        fprintf(stderr, "worldgraph: lock of rank %u taken while rank %u is held (docs/locks.md)\n", rank,
                held_ranks[i]);
        wg_assert_fail("lock ranks rise", __FILE__, __LINE__);
    }
    WG_ASSERT(held_count < HELD_MAX);
    held_ranks[held_count++] = rank;
}

static void rank_pop(uint32_t rank) {
    size_t i = held_count;
    while (i > 0 && held_ranks[i - 1] != rank) i--;
    WG_ASSERT(i > 0); /* unlocked by a thread that does not hold it */
    for (; i < held_count; i++) held_ranks[i - 1] = held_ranks[i];
    held_count--;
}
#else
static void rank_push(uint32_t rank) { (void)rank; }
static void rank_pop(uint32_t rank) { (void)rank; }
#endif

void wg_mutex_init(wg_mutex *mutex, uint32_t rank) {
    const int rc = pthread_mutex_init(&mutex_of(mutex)->mutex, NULL);
    WG_ASSERT(rc == 0); /* the default mutex of glibc and macOS allocates nothing */
    mutex_of(mutex)->rank = rank;
}

void wg_mutex_deinit(wg_mutex *mutex) {
    const int rc = pthread_mutex_destroy(&mutex_of(mutex)->mutex);
    WG_ASSERT(rc == 0); /* destroyed while locked */
}

void wg_mutex_lock(wg_mutex *mutex) {
    rank_push(mutex_of(mutex)->rank); /* before the lock, so that an order that deadlocks is still named */
    const int rc = pthread_mutex_lock(&mutex_of(mutex)->mutex);
    WG_ASSERT(rc == 0);
}

void wg_mutex_unlock(wg_mutex *mutex) {
    const int rc = pthread_mutex_unlock(&mutex_of(mutex)->mutex);
    WG_ASSERT(rc == 0);
    rank_pop(mutex_of(mutex)->rank);
}

void wg_cond_init(wg_cond *cond) {
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    WG_ASSERT(rc == 0);
#ifndef __APPLE__
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    WG_ASSERT(rc == 0);
#endif
    rc = pthread_cond_init(cond_of(cond), &attr);
    WG_ASSERT(rc == 0);
    pthread_condattr_destroy(&attr);
}

void wg_cond_deinit(wg_cond *cond) {
    const int rc = pthread_cond_destroy(cond_of(cond));
    WG_ASSERT(rc == 0);
}

void wg_cond_wait(wg_cond *cond, wg_mutex *mutex) {
    const int rc = pthread_cond_wait(cond_of(cond), &mutex_of(mutex)->mutex);
    WG_ASSERT(rc == 0);
}

bool wg_cond_wait_for(wg_cond *cond, wg_mutex *mutex, uint64_t ns) {
    const uint64_t second = UINT64_C(1000000000);
    const uint64_t capped = wg_min_u64(ns, second * 86400 * 365); /* no overflow of the deadline */
#ifdef __APPLE__
    const struct timespec wait = {.tv_sec = (time_t)(capped / second), .tv_nsec = (long)(capped % second)};
    const int rc = pthread_cond_timedwait_relative_np(cond_of(cond), &mutex_of(mutex)->mutex, &wait);
#else
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    const uint64_t fraction = (uint64_t)until.tv_nsec + capped % second;
    until.tv_sec += (time_t)(capped / second + fraction / second);
    until.tv_nsec = (long)(fraction % second);
    const int rc = pthread_cond_timedwait(cond_of(cond), &mutex_of(mutex)->mutex, &until);
#endif
    WG_ASSERT(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

void wg_cond_signal(wg_cond *cond) { pthread_cond_signal(cond_of(cond)); }
void wg_cond_broadcast(wg_cond *cond) { pthread_cond_broadcast(cond_of(cond)); }

void wg_thread_yield(void) { (void)sched_yield(); }

/* ---- events: a futex where there are futexes, else a mutex and a condition variable */

uint32_t wg_signal_count(const wg_signal *event) { return atomic_load(&event->count); }

#ifdef __linux__
void wg_signal_init(wg_signal *event) { memset(event, 0, sizeof *event); }
void wg_signal_deinit(wg_signal *event) { (void)event; }

/* A sleeper counts itself before the system compares the count of events, and whoever raises that looks at the sleepers
 * afterwards: either the sleeper sees the new count or it is seen. */
void wg_signal_wait(wg_signal *event, uint32_t seen) {
    atomic_fetch_add(&event->sleepers, 1);
    (void)syscall(SYS_futex, &event->count, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0); /* EAGAIN, EINTR: by chance */
    atomic_fetch_sub(&event->sleepers, 1);
}

void wg_signal_raise(wg_signal *event, uint32_t wake) {
    atomic_fetch_add(&event->count, 1);
    if (wake == 0 || atomic_load(&event->sleepers) == 0) return;
    (void)syscall(SYS_futex, &event->count, FUTEX_WAKE_PRIVATE, wg_min_u64(wake, INT32_MAX), NULL, NULL, 0);
}
#else
typedef struct event_state {
    pthread_mutex_t mutex;
    pthread_cond_t raised;
} event_state;
_Static_assert(sizeof(event_state) <= sizeof(((wg_signal *)0)->opaque), "wg_signal has room for the system's state");
static event_state *event_of(wg_signal *event) { return (event_state *)(void *)event->opaque; }

void wg_signal_init(wg_signal *event) {
    memset(event, 0, sizeof *event);
    const int rc =
        pthread_mutex_init(&event_of(event)->mutex, NULL) | pthread_cond_init(&event_of(event)->raised, NULL);
    WG_ASSERT(rc == 0);
}

void wg_signal_deinit(wg_signal *event) {
    pthread_cond_destroy(&event_of(event)->raised);
    pthread_mutex_destroy(&event_of(event)->mutex);
}

void wg_signal_wait(wg_signal *event, uint32_t seen) {
    pthread_mutex_lock(&event_of(event)->mutex);
    atomic_fetch_add(&event->sleepers, 1);
    if (atomic_load(&event->count) == seen) pthread_cond_wait(&event_of(event)->raised, &event_of(event)->mutex);
    atomic_fetch_sub(&event->sleepers, 1);
    pthread_mutex_unlock(&event_of(event)->mutex);
}

void wg_signal_raise(wg_signal *event, uint32_t wake) {
    pthread_mutex_lock(&event_of(event)->mutex);
    atomic_fetch_add(&event->count, 1);
    if (wake == 1) pthread_cond_signal(&event_of(event)->raised);
    else if (wake > 1) pthread_cond_broadcast(&event_of(event)->raised);
    pthread_mutex_unlock(&event_of(event)->mutex);
}
#endif

typedef struct thread_start {
    void (*body)(void *);
    void *arg;
} thread_start;

static void *thread_main(void *arg) {
    const thread_start start = *(thread_start *)arg;
    wg_free(arg);
    start.body(start.arg);
    return NULL;
}

wg_code wg_thread_start(wg_thread *thread, void (*body)(void *), void *arg, wg_error *err) {
    thread_start *start = wg_alloc(NULL, sizeof *start);
    if (start == NULL) return wg_error_nomem(err, sizeof *start);
    start->body = body;
    start->arg = arg;
    /* Signals belong to the application: none is delivered to a thread that it did not start. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t handle;
    const int rc = pthread_create(&handle, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        wg_free(start);
        return wg_error_set_sys(err, rc == ENOMEM ? WG_E_NOMEM : WG_E_IO, rc, "cannot start a thread");
    }
    memcpy(thread->opaque, &handle, sizeof handle);
    return WG_OK;
}

void wg_thread_join(wg_thread *thread) {
    pthread_t handle;
    memcpy(&handle, thread->opaque, sizeof handle);
    const int rc = pthread_join(handle, NULL);
    WG_ASSERT(rc == 0);
}

uint32_t wg_cpu_count(void) {
    long n = 0;
#ifdef __linux__
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
    if (n <= 0) n = sysconf(_SC_NPROCESSORS_ONLN);
    return n <= 0 ? 1 : (uint32_t)n;
}
