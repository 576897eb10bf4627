/* tests/sim: schedules that a seed decides: real product code on real threads, of which one runs at a time.
 *
 * scheduler.c stands in the place of io/platform/platform_threads.c: the linker takes its mutexes, conditions, signals and threads instead
 * of the real ones. It hands the processor on only at switch points: lock, unlock, wait, wake, start and end of a thread, calls of the
 * platform (sim_platform.c), and atomic operations of the sources that are compiled with switch_points.h.
 *
 * Who runs is decided as by PCT (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding bugs", 2010): each
 * thread has a random priority, the highest that can run does, and at depth - 1 random points the running thread falls below all
 * others. Time is counted in points; a thread that waits for a time wakes when that is reached or when nobody else can run. So a
 * schedule is a function of its seed, and the seed replays it. A state in which nobody can run is a deadlock and ends the program with the
 * seed. */
#ifndef WG_TESTS_SIM_SCHEDULER_H
#define WG_TESTS_SIM_SCHEDULER_H

#include "io/platform/platform.h"

enum { SIM_THREADS_MAX = 112, SIM_DEPTH = 3, SIM_STEPS_MAX = 400000 };

typedef struct sim_plan {
    const char *name;
    uint64_t seed;
    uint64_t steps; /* how many points a schedule has, about: where the falls are drawn from; 0: none falls */
    const uint64_t
        *falls; /* instead of random ones: the points at which the running thread falls below all others, rising */
    uint32_t fall_count;
    uint32_t
        yield_one_in; /* instead of falls: at each point the running thread yields with this chance, and the length has no limit; 0: not */
} sim_plan;

typedef struct sim_report {
    uint64_t steps;    /* points while exploring */
    uint64_t switches; /* changes of threads while exploring */
    uint64_t trace;    /* hash of who ran at which point */
    uint64_t random;   /* the next number of the schedule's generator: it must be the same in a replay too */
    bool failed;
    char message[240];
} sim_report;

/* The calling thread becomes the first; others are those that the code under test starts. Until sim_explore(true) threads change only when
 * the running one cannot go on. */
void sim_begin(const sim_plan *plan);
void sim_explore(bool on);
void sim_end(sim_report *out); /* all other threads have been joined */
/* The same when it has failed: threads that sleep stay asleep for ever, memory that they hold stays taken. */
void sim_abandon(sim_report *out);
/* Notes what is wrong (the first one counts); the schedule goes on to its end. Any thread. */
void sim_fail(const char *format, ...) WG_PRINTF(1, 2);
bool sim_failed(void);
/* A random number that belongs to the schedule. */
uint64_t sim_random(uint64_t below);
uint64_t sim_now_ns(void);
/* Calls fn once, at a point that the schedule chooses, on the thread that runs then and with no change of threads: for the moment at which
 * power fails. Never when the schedule has fewer points. */
void sim_at_some_point(void (*fn)(void *ctx), void *ctx);
void sim_point(void); /* the running thread may lose its place here */
void sim_point_ordered(int order);
void sim_yield(void); /* and here it does when somebody else can run */
/* Writes the last changes of threads to stdout. */
void sim_print_trace(void);

/* The calls of `inner`, each behind a switch point; time and randomness are the schedule's. The caller destroys both. */
wg_platform *sim_platform_create(wg_platform *inner);
void sim_platform_destroy(wg_platform *platform);
/* From now on this is the real platform, where engines have their background threads; NULL: no more. */
void sim_platform_be_real(wg_platform *platform);

#endif
