/* Seeded schedules of thirteen scenarios, and of planted bugs that they must find (threads: they are simulated; see scheduler.h).
 *
 *   WG_SEED=N               where the seeds begin
 *   WG_SIM_SCHEDULES=N      schedules of each scenario, instead of SCHEDULES
 *   WG_SIM_SCENARIO=name    this one alone; with WG_SIM_SEED=N this one schedule, with the last changes of threads */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "tests/sim/scenarios.h"

extern int sim_canary;

enum { SCHEDULES = 5000, SCHEDULES_SMALL = 200, REPLAYS = 10 };

const sim_scenario sim_scenarios[] = {
    {"commit_and_checkpoint", sim_commit_and_checkpoint, 0},
    {"checkpoint_and_checkpoint", sim_checkpoint_and_checkpoint, 0},
    {"rotation_and_group_commit", sim_rotation_and_group_commit, 0},
    {"compaction_and_snapshot", sim_compaction_and_snapshot, 0},
    {"manifest_and_reader", sim_manifest_and_reader, 0},
    {"manifest_and_opening", sim_manifest_and_opening, 0},
    {"eviction_and_pin", sim_eviction_and_pin, 0},
    {"close_and_everything", sim_close_and_everything, 0},
    {"epoch_reclaim", sim_epoch_reclaim, 0},
    {"two_writers_one_key", sim_two_writers_one_key, 0},
    {"ddl_and_scan", sim_ddl_and_scan, 0},
    {"delta_merge_and_commit", sim_delta_merge_and_commit, 0},
    {"runs_beside_writer", sim_runs_beside_writer, 0},
};
const uint32_t sim_scenario_count = sizeof sim_scenarios / sizeof sim_scenarios[0];

/* Planted bugs that only some schedules show. */
const sim_scenario sim_canaries[] = {
    {"commit_and_checkpoint", sim_commit_and_checkpoint, 10},
    {"rotation_and_group_commit", sim_rotation_and_group_commit, 8},
    {"epoch_reclaim", sim_epoch_reclaim, 11},
    {"two_writers_one_key", sim_two_writers_one_key, 12},
};
const uint32_t sim_canary_count = sizeof sim_canaries / sizeof sim_canaries[0];

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static uint64_t schedules_wanted(void) {
    return number_of("WG_SIM_SCHEDULES", wg_test_small() ? SCHEDULES_SMALL : SCHEDULES);
}

typedef struct one_schedule {
    const sim_scenario *scenario;
    sim_plan plan;
    sim_report *out;
} one_schedule;

static void *one_main(void *arg) {
    const one_schedule *o = arg;
    sim_begin(&o->plan);
    o->scenario->run();
    sim_explore(false);
    if (sim_failed()) {
        sim_abandon(o->out); /* threads and memory are left as they were */
    } else {
        sim_end(o->out);
    }
    return NULL;
}

/* Its first thread is a fresh one, too: what a thread keeps for itself must not come from the schedule before. */
static void one(const sim_scenario *s, uint64_t seed, uint64_t steps, sim_report *out) {
    one_schedule o = {.scenario = s, .plan = {.name = s->name, .seed = seed, .steps = steps}, .out = out};
    pthread_t first;
    assert_int_equal(pthread_create(&first, NULL, one_main, &o), 0);
    assert_int_equal(pthread_join(first, NULL), 0);
}

/* How many points a schedule has: from which the falls are drawn. The same in every run. */
static uint64_t steps_of(const sim_scenario *s) {
    sim_report r;
    one(s, 1, 0, &r); /* makes what all schedules share */
    one(s, 1, 0, &r);
    if (r.failed) fail_msg("'%s' fails with its first schedule: %s", s->name, r.message);
    return r.steps;
}

static uint64_t seed_of(const sim_scenario *s, uint64_t i) {
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed((uint64_t)(s->name[0] * 256 + s->name[1]) + 77 * (uint64_t)s->canary) +
                          i * UINT64_C(0x9e3779b97f4a7c15));
    return wg_rng_next(&rng) >> 16;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct found {
    uint64_t schedule; /* from 1; 0: none failed */
    uint64_t seed;
    sim_report report;
} found;

/* Runs up to `count` schedules, until one fails. */
static found explore(const sim_scenario *s, uint64_t steps, uint64_t count) {
    found f = {0};
    const double start = seconds_now();
    uint64_t points = 0;
    uint64_t switches = 0;
    uint64_t i = 0;
    for (; i < count && f.schedule == 0; i++) {
        const uint64_t seed = seed_of(s, i);
        sim_report r;
        one(s, seed, steps, &r);
        points += r.steps;
        switches += r.switches;
        if (r.failed) f = (found){.schedule = i + 1, .seed = seed, .report = r};
    }
    printf("%s%s: %llu schedules, %llu points and %llu changes of threads each, %.1f s\n", s->name,
           s->canary == 0 ? "" : " (planted bug)", (unsigned long long)i,
           (unsigned long long)(points / (i + (i == 0))), (unsigned long long)(switches / (i + (i == 0))),
           seconds_now() - start);
    fflush(stdout);
    return f;
}

static void expect_none(const sim_scenario *s) {
    const found f = explore(s, steps_of(s), schedules_wanted());
    if (f.schedule == 0) return;
    printf("schedule %llu of '%s' fails: %s\n  again: WG_SIM_SCENARIO=%s WG_SIM_SEED=%llu\n",
           (unsigned long long)f.schedule, s->name, f.report.message, s->name, (unsigned long long)f.seed);
    sim_print_trace();
    fail_msg("'%s' fails", s->name);
}

/* Goal: no schedule of any scenario breaks what it promises. */
static void test_schedules_keep_every_promise(void **state) {
    (void)state;
    const char *only = getenv("WG_SIM_SCENARIO");
    const char *seed = getenv("WG_SIM_SEED");
    const double start = seconds_now();
    for (uint32_t i = 0; i < sim_scenario_count; i++) {
        const sim_scenario *s = &sim_scenarios[i];
        if (only != NULL && strcmp(only, s->name) != 0) continue;
        if (seed == NULL) {
            expect_none(s);
            continue;
        }
        sim_report r;
        one(s, strtoull(seed, NULL, 10), steps_of(s), &r);
        sim_print_trace();
        if (r.failed) fail_msg("'%s': %s", s->name, r.message);
    }
    printf("all scenarios: %.1f s, WG_SEED=%s\n", seconds_now() - start,
           getenv("WG_SEED") != NULL ? getenv("WG_SEED") : "none");
}

/* Goal: a seed decides everything: run twice, a schedule has the same points, changes of threads and random numbers. */
static void test_schedules_repeat_exactly(void **state) {
    (void)state;
    for (uint32_t i = 0; i < sim_scenario_count; i++) {
        const sim_scenario *s = &sim_scenarios[i];
        const uint64_t steps = steps_of(s);
        for (uint64_t n = 0; n < REPLAYS; n++) {
            sim_report a;
            sim_report b;
            one(s, seed_of(s, n), steps, &a);
            one(s, seed_of(s, n), steps, &b);
            if (a.trace != b.trace || a.steps != b.steps || a.random != b.random)
                fail_msg("'%s' with seed %llu: %llu points, then %llu", s->name, (unsigned long long)seed_of(s, n),
                         (unsigned long long)a.steps, (unsigned long long)b.steps);
        }
    }
}

/* In a process of its own, because a planted bug may also show as a deadlock or a failed assertion, which end the program: it exits with 1
 * when the bug was found, and the same seed found it again. */
static void seek_planted_bug(const sim_scenario *s) {
    sim_report again = {0};
    const uint64_t steps = steps_of(s);
    sim_canary = (int)s->canary;
    const found f = explore(s, steps, SCHEDULES);
    if (f.schedule == 0) _exit(0);
    one(s, f.seed, steps, &again);
    printf("planted bug %u found by schedule %llu: %s\n", s->canary, (unsigned long long)f.schedule,
           f.report.message);
    if (again.trace != f.report.trace || !again.failed)
        printf("its seed does not find it again: %llu points, then %llu: %s\n", (unsigned long long)f.report.steps,
               (unsigned long long)again.steps, again.message);
    fflush(stdout);
    _exit(again.failed && again.trace == f.report.trace ? 1 : 2);
}

/* Goal: the search can find what it is for: bugs of an interleaving, planted by leaving a guard out, are found within 5,000 schedules,
 * and the seed that found one finds it again. */
static void test_schedules_find_planted_bugs(void **state) {
    (void)state;
    uint32_t caught = 0;
    for (uint32_t i = 0; i < sim_canary_count; i++) {
        int status = 0;
        fflush(stdout);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) seek_planted_bug(&sim_canaries[i]);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 1) caught++;
        else printf("planted bug %u was not found\n", sim_canaries[i].canary);
    }
    printf("canaries of schedules: %u of %u caught\n", caught, sim_canary_count);
    assert_int_equal(caught, sim_canary_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules_repeat_exactly),
        cmocka_unit_test(test_schedules_find_planted_bugs),
        cmocka_unit_test(test_schedules_keep_every_promise),
    };
#ifdef __SANITIZE_THREAD__
    puts("skipped: one thread runs at a time here, so ThreadSanitizer has nothing to see");
    return 77;
#endif
    /* What one schedule frees the next one takes, without asking the system. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    const bool one_alone = getenv("WG_SIM_SCENARIO") != NULL;
    if (one_alone) cmocka_set_test_filter("*promise*");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
