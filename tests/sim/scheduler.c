/* The scheduler: see scheduler.h.
 *
 * Every simulated thread is a thread of the system with a semaphore of its own; all but the running one sleep on theirs. The running one
 * decides at each switch point who goes on, posts that one's semaphore and waits for its own. So nothing here needs a lock, and what
 * one thread wrote the next one sees.
 *
 * A mutex is its owner's number; a condition and a signal are the addresses that sleepers wait for. Ranks of locks are checked always.
 * Whoever runs FAIR_POINTS without a rest is treated as if it had yielded, so that nobody spins for ever on what a thread below it holds. */
#include "tests/sim/scheduler.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int sim_canary;

enum { FAIR_POINTS = 5000, TRACE_KEPT = 64, HELD_MAX = 16, POINT_NS = 200 };

typedef enum thread_state {
    THREAD_FREE,
    THREAD_READY,
    THREAD_MUTEX,  /* until the mutex at `on` is free */
    THREAD_COND,   /* until the condition at `on` is signalled, or `deadline` */
    THREAD_SIGNAL, /* until the signal at `on` is raised */
    THREAD_JOIN,   /* until the thread at `on` has ended */
    THREAD_DONE
} thread_state;

typedef struct sim_thread {
    thread_state state;
    const void *on;
    uint64_t deadline; /* UINT64_MAX: none */
    bool timed_out;
    int64_t priority;
    sem_t go;
    pthread_t handle;
    void (*body)(void *);
    void *arg;
    uint32_t held[HELD_MAX]; /* ranks */
    uint32_t held_count;
} sim_thread;

typedef struct sim_change {
    uint64_t step;
    uint32_t from;
    uint32_t to;
    thread_state why; /* what the first one waits for; READY: it fell or yielded */
} sim_change;

static struct {
    bool active;
    bool exploring;
    sim_plan plan;
    wg_rng rng;
    sim_thread *threads; /* of SIM_THREADS_MAX */
    uint32_t count;
    uint32_t current;
    uint64_t now_ns;
    uint64_t streak; /* points since the last change */
    int64_t lowest;  /* the next priority of one who yields */
    uint64_t falls[SIM_DEPTH - 1];
    uint64_t moment; /* the point at which `at_moment` is called */
    void (*at_moment)(void *ctx);
    void *moment_ctx;
    sim_report report;
    sim_change changes[TRACE_KEPT];
    uint64_t change_count;
} sim;

static sim_thread *self(void) { return &sim.threads[sim.current]; }

/* ---- failing */

static const char *state_name(thread_state state) {
    static const char *const names[] = {"free", "ready", "a mutex", "a condition", "a signal", "a join", "done"};
    return names[state];
}

void sim_print_trace(void) {
    const uint64_t first = sim.change_count > TRACE_KEPT ? sim.change_count - TRACE_KEPT : 0;
    for (uint64_t i = first; i < sim.change_count; i++) {
        const sim_change *c = &sim.changes[i % TRACE_KEPT];
        printf("  step %llu: thread %u (%s) -> thread %u\n", (unsigned long long)c->step, c->from,
               c->why == THREAD_READY ? "overtaken" : state_name(c->why), c->to);
    }
}

/* Threads are where they are, so nothing can be taken apart any more. */
static _Noreturn void give_up(const char *why) {
    printf("schedule of '%s' fails: %s\n  again: WG_SIM_SCENARIO=%s WG_SIM_SEED=%llu\n", sim.plan.name, why,
           sim.plan.name, (unsigned long long)sim.plan.seed);
    for (uint32_t i = 0; i < sim.count; i++)
        printf("  thread %u: %s%s\n", i, state_name(sim.threads[i].state), i == sim.current ? ", running" : "");
    sim_print_trace();
    printf("[  FAILED  ] %s\n", sim.plan.name);
    fflush(stdout);
    _exit(1);
}

static void on_abort(int number) {
    (void)number;
    if (sim.active) give_up("the program was ended by a signal");
    signal(SIGABRT, SIG_DFL);
}

void sim_fail(const char *format, ...) {
    if (sim.report.failed) return;
    va_list args;
    va_start(args, format);
    vsnprintf(sim.report.message, sizeof sim.report.message, format, args);
    va_end(args);
    sim.report.failed = true;
}

bool sim_failed(void) { return sim.report.failed; }

uint64_t sim_random(uint64_t below) { return wg_rng_next(&sim.rng) % below; }
uint64_t sim_now_ns(void) { return sim.now_ns += 100; }

/* ---- who runs */

static void wake_due(void) {
    for (uint32_t i = 0; i < sim.count; i++) {
        sim_thread *t = &sim.threads[i];
        if (t->state != THREAD_COND || t->deadline > sim.now_ns) continue;
        t->state = THREAD_READY;
        t->timed_out = true;
    }
}

/* The ready thread of the highest priority; SIM_THREADS_MAX: none. */
static uint32_t best_ready(void) {
    uint32_t best = SIM_THREADS_MAX;
    for (uint32_t i = 0; i < sim.count; i++)
        if (sim.threads[i].state == THREAD_READY &&
            (best == SIM_THREADS_MAX || sim.threads[i].priority > sim.threads[best].priority))
            best = i;
    return best;
}

/* When nobody can run, time passes until somebody's is over. */
static uint32_t choose(void) {
    wake_due();
    uint32_t next = best_ready();
    if (next != SIM_THREADS_MAX) return next;
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < sim.count; i++)
        if (sim.threads[i].state == THREAD_COND) due = wg_min_u64(due, sim.threads[i].deadline);
    if (due == UINT64_MAX) give_up("deadlock: nobody can run");
    sim.now_ns = wg_max_u64(sim.now_ns, due);
    wake_due();
    next = best_ready();
    WG_ASSERT(next != SIM_THREADS_MAX);
    return next;
}

static void semaphore_wait(sem_t *semaphore) {
    while (sem_wait(semaphore) != 0) {}
}

static void mix(uint64_t value) { sim.report.trace = (sim.report.trace ^ value) * UINT64_C(0x100000001b3); }

/* Hands the processor to `next`; returns when this thread has it again. */
static void change_to(uint32_t next, bool ended) {
    if (next == sim.current) return;
    const uint32_t from = sim.current;
    sim.changes[sim.change_count++ % TRACE_KEPT] =
        (sim_change){.step = sim.report.steps, .from = from, .to = next, .why = sim.threads[from].state};
    mix(sim.report.steps * 64 + next);
    sim.report.switches += sim.exploring ? 1 : 0;
    sim.streak = 0;
    sim.current = next;
    sem_post(&sim.threads[next].go);
    if (!ended) semaphore_wait(&sim.threads[from].go);
}

void sim_at_some_point(void (*fn)(void *ctx), void *ctx) {
    sim.moment = 1 + sim_random(sim.plan.steps == 0 ? 1 : sim.plan.steps);
    sim.at_moment = fn;
    sim.moment_ctx = ctx;
}

static void moment_come(void) {
    if (sim.at_moment == NULL || sim.report.steps != sim.moment) return;
    sim.exploring = false;
    sim.at_moment(sim.moment_ctx);
    sim.exploring = true;
}

void sim_point(void) {
    if (!sim.active) return;
    sim.now_ns += POINT_NS;
    if (!sim.exploring) return;
    sim.report.steps++;
    if (sim.plan.yield_one_in != 0) {
        if (sim_random(sim.plan.yield_one_in) == 0) self()->priority = --sim.lowest;
    } else if (sim.report.steps > SIM_STEPS_MAX) {
        give_up("livelock: it does not come to an end");
    }
    for (uint32_t i = 0; sim.plan.falls == NULL && i < SIM_DEPTH - 1; i++)
        if (sim.falls[i] == sim.report.steps) self()->priority = SIM_DEPTH - 1 - (int64_t)i;
    for (uint32_t i = 0; sim.plan.falls != NULL && i < sim.plan.fall_count; i++)
        if (sim.plan.falls[i] == sim.report.steps) self()->priority = --sim.lowest;
    moment_come();
    if (++sim.streak > FAIR_POINTS) {
        self()->priority = --sim.lowest;
        sim.streak = 0;
    }
    change_to(choose(), false);
}

void sim_point_ordered(int order) {
    if (order != (int)memory_order_relaxed) sim_point();
}

void sim_yield(void) {
    if (!sim.active) return;
    sim.now_ns += POINT_NS;
    sim.report.steps += sim.exploring ? 1 : 0;
    if (sim.plan.yield_one_in == 0 && sim.report.steps > SIM_STEPS_MAX)
        give_up("livelock: it does not come to an end");
    self()->priority = --sim.lowest;
    change_to(choose(), false);
}

/* The running thread cannot go on until somebody makes it ready. */
static void block(thread_state state, const void *on, uint64_t deadline) {
    sim_thread *t = self();
    WG_ASSERT(sim.active);
    t->state = state;
    t->on = on;
    t->deadline = deadline;
    t->timed_out = false;
    change_to(choose(), false);
    WG_ASSERT(t->state == THREAD_READY);
}

/* Makes up to `most` of those ready that wait in `state` for `on`; which ones is the schedule's choice. */
static void wake(thread_state state, const void *on, uint32_t most) {
    uint32_t waiting[SIM_THREADS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < sim.count; i++)
        if (sim.threads[i].state == state && sim.threads[i].on == on) waiting[n++] = i;
    while (n > 0 && most-- > 0) {
        const uint32_t at = n == 1 ? 0 : (uint32_t)sim_random(n);
        sim.threads[waiting[at]].state = THREAD_READY;
        waiting[at] = waiting[--n];
    }
}

/* ---- life */

static uint32_t thread_add(void) {
    if (sim.count == SIM_THREADS_MAX) give_up("more threads than the scheduler has room for");
    sim_thread *t = &sim.threads[sim.count];
    memset(t, 0, sizeof *t);
    sem_init(&t->go, 0, 0);
    t->state = THREAD_READY;
    t->priority = (int64_t)(UINT64_C(1000) + (wg_rng_next(&sim.rng) >> 24)); /* above all who fell */
    return sim.count++;
}

void sim_begin(const sim_plan *plan) {
    WG_ASSERT(!sim.active);
    memset(&sim, 0, sizeof sim);
    sim.plan = *plan;
    sim.threads = calloc(SIM_THREADS_MAX, sizeof *sim.threads);
    WG_ASSERT(sim.threads != NULL);
    sim.report.trace = UINT64_C(0xcbf29ce484222325);
    wg_rng_init(&sim.rng, plan->seed);
    for (uint32_t i = 0; i < SIM_DEPTH - 1; i++)
        sim.falls[i] = plan->steps == 0 ? 0 : 1 + wg_rng_next(&sim.rng) % plan->steps;
    sim.now_ns = UINT64_C(1000000000);
    (void)thread_add();
    sim.active = true;
    signal(SIGABRT, on_abort);
}

void sim_explore(bool on) {
    sim.exploring = on;
    sim.streak = 0;
}

void sim_end(sim_report *out) {
    for (uint32_t i = 1; i < sim.count; i++) WG_ASSERT(sim.threads[i].state == THREAD_FREE);
    WG_ASSERT(sim.current == 0);
    sim.active = false;
    sim.report.random = wg_rng_next(&sim.rng);
    for (uint32_t i = 0; i < sim.count; i++) sem_destroy(&sim.threads[i].go);
    free(sim.threads);
    *out = sim.report;
}

void sim_abandon(sim_report *out) {
    WG_ASSERT(sim.current == 0);
    sim.active = false;
    sim.report.random = wg_rng_next(&sim.rng);
    *out = sim.report;
}

/* ---- mutexes: the owner's number + 1, and the rank */

typedef struct mutex_state {
    uint32_t owner;
    uint32_t rank;
} mutex_state;

static mutex_state *mutex_of(wg_mutex *mutex) { return (mutex_state *)(void *)mutex->opaque; }

static void rank_push(uint32_t rank) {
    sim_thread *t = self();
    for (uint32_t i = 0; i < t->held_count; i++)
        if (t->held[i] >= rank) give_up("a lock is taken whose rank is not above those that are held");
    WG_ASSERT(t->held_count < HELD_MAX);
    t->held[t->held_count++] = rank;
}

static void rank_pop(uint32_t rank) {
    sim_thread *t = self();
    uint32_t i = t->held_count;
    while (i > 0 && t->held[i - 1] != rank) i--;
    if (i == 0) give_up("a lock is given back that is not held");
    for (; i < t->held_count; i++) t->held[i - 1] = t->held[i];
    t->held_count--;
}

/* The simulated disk's own mutex guards no more than what one call does. */
static bool is_quiet(const mutex_state *m) { return m->rank == WG_RANK_PLATFORM; }

void wg_mutex_init(wg_mutex *mutex, uint32_t rank) {
    memset(mutex, 0, sizeof *mutex);
    mutex_of(mutex)->rank = rank;
}

void wg_mutex_deinit(wg_mutex *mutex) { WG_ASSERT(mutex_of(mutex)->owner == 0); }

static void mutex_take(mutex_state *m) {
    while (m->owner != 0) {
        if (m->owner == sim.current + 1) give_up("a lock is taken twice by one thread");
        block(THREAD_MUTEX, m, UINT64_MAX);
    }
    m->owner = sim.current + 1;
}

void wg_mutex_lock(wg_mutex *mutex) {
    mutex_state *m = mutex_of(mutex);
    if (!is_quiet(m)) sim_point();
    rank_push(m->rank);
    mutex_take(m);
}

static void mutex_give(mutex_state *m) {
    WG_ASSERT(m->owner == sim.current + 1);
    m->owner = 0;
    if (sim.active) wake(THREAD_MUTEX, m, UINT32_MAX);
}

void wg_mutex_unlock(wg_mutex *mutex) {
    mutex_state *m = mutex_of(mutex);
    mutex_give(m);
    rank_pop(m->rank);
    if (!is_quiet(m)) sim_point();
}

/* ---- conditions */

void wg_cond_init(wg_cond *cond) { memset(cond, 0, sizeof *cond); }
void wg_cond_deinit(wg_cond *cond) { (void)cond; }

static bool cond_wait(wg_cond *cond, wg_mutex *mutex, uint64_t deadline) {
    sim_thread *t = self();
    mutex_give(mutex_of(mutex));
    block(THREAD_COND, cond, deadline);
    const bool in_time = !t->timed_out;
    mutex_take(mutex_of(mutex));
    return in_time;
}

void wg_cond_wait(wg_cond *cond, wg_mutex *mutex) { (void)cond_wait(cond, mutex, UINT64_MAX); }

bool wg_cond_wait_for(wg_cond *cond, wg_mutex *mutex, uint64_t ns) {
    return cond_wait(cond, mutex, ns > UINT64_MAX / 2 ? UINT64_MAX / 2 : sim.now_ns + ns);
}

void wg_cond_signal(wg_cond *cond) {
    wake(THREAD_COND, cond, 1);
    sim_point();
}

void wg_cond_broadcast(wg_cond *cond) {
    wake(THREAD_COND, cond, UINT32_MAX);
    sim_point();
}

/* ---- signals */

void wg_signal_init(wg_signal *event) { memset(event, 0, sizeof *event); }
void wg_signal_deinit(wg_signal *event) { (void)event; }

uint32_t wg_signal_count(const wg_signal *event) {
    sim_point();
    return atomic_load(&event->count);
}

void wg_signal_wait(wg_signal *event, uint32_t seen) {
    sim_point();
    atomic_fetch_add(&event->sleepers, 1);
    if (atomic_load(&event->count) == seen) block(THREAD_SIGNAL, event, UINT64_MAX);
    atomic_fetch_sub(&event->sleepers, 1);
}

void wg_signal_raise(wg_signal *event, uint32_t most) {
    atomic_fetch_add(&event->count, 1);
    wake(THREAD_SIGNAL, event, most);
    sim_point();
}

/* ---- threads */

static void *thread_main(void *arg) {
    sim_thread *t = arg;
    semaphore_wait(&t->go);
    t->body(t->arg);
    t->state = THREAD_DONE;
    wake(THREAD_JOIN, t, UINT32_MAX);
    change_to(choose(), true);
    return NULL;
}

wg_code wg_thread_start(wg_thread *thread, void (*body)(void *), void *arg, wg_error *err) {
    WG_ASSERT(sim.active);
    const uint32_t number = thread_add();
    sim_thread *t = &sim.threads[number];
    t->body = body;
    t->arg = arg;
    if (pthread_create(&t->handle, NULL, thread_main, t) != 0) {
        sem_destroy(&t->go);
        sim.count--;
        return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "cannot start a thread");
    }
    memcpy(thread->opaque, &number, sizeof number);
    sim_point();
    return WG_OK;
}

void wg_thread_join(wg_thread *thread) {
    uint32_t number;
    memcpy(&number, thread->opaque, sizeof number);
    sim_thread *t = &sim.threads[number];
    while (t->state != THREAD_DONE) block(THREAD_JOIN, t, UINT64_MAX);
    pthread_join(t->handle, NULL);
    t->state = THREAD_FREE;
}

uint32_t wg_cpu_count(void) { return 2; }
void wg_thread_yield(void) { sim_yield(); }
