/* The order of the run: phases, rounds, slices. See kv_run.h. */
#include "kv_run.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SLICE_MS = 80,
    SLICE_STRICT_MS = 220,
    SLICE_QUICK_MS = 12,
    SLICE_STRICT_QUICK_MS = 45,
    GROW_SLICE_MS = 700,
    GROW_SLICE_QUICK_MS = 40,
    WARM_SHARE = 8, /* an eighth of a slice before what counts */
    REPLAY_RECORDS = 500000,
    REPLAY_RECORDS_QUICK = 100000,
    INSTANCES_MAX = 64
};

#define NS_A_MS UINT64_C(1000000)

/* Stages from `first` to `last` share instances. */
typedef struct kv_phase {
    const char *name;
    kv_stage first, last;
    bool small, loaded;
} kv_phase;

static const kv_phase phases[] = {
    {"store", KV_STAGE_READ, KV_STAGE_THREADS, false, true},
    {"small store", KV_STAGE_SMALL, KV_STAGE_SMALL, true, true},
    {"growing store", KV_STAGE_GROW, KV_STAGE_GROW, false, false},
    {"strict", KV_STAGE_STRICT, KV_STAGE_STRICT, true, true},
};

typedef struct run {
    const kv_settings *settings;
    kv_results *results;
    const kv_phase *phase;
    kv_instance *instances[INSTANCES_MAX];
    unsigned instance_count;
    kv_lane *lanes; /* KV_WRITERS_MAX */
} run;

unsigned kv_driver_count(void) {
    unsigned count = 0;
    while (kv_drivers[count] != NULL) count++;
    if (count > KV_DRIVERS_MAX) kv_die("%u engines, room for %d", count, KV_DRIVERS_MAX);
    return count;
}

int kv_driver_find(const char *name) {
    for (unsigned i = 0; kv_drivers[i] != NULL; i++)
        if (strcmp(kv_drivers[i]->name, name) == 0) return (int)i;
    return -1;
}

double kv_round_metric(const kv_round *round, kv_metric metric) {
    switch (metric) {
        case KV_NS:
            return round->ns;
        case KV_P50:
            return round->p50;
        case KV_P99:
            return round->p99;
        case KV_P999:
            return round->p999;
        case KV_CPU:
            return round->cpu_ns;
        case KV_INSTRUCTIONS:
            return round->instructions;
        case KV_ALLOCATIONS:
            return round->allocations;
        case KV_FAULTS:
            return round->faults;
    }
    return 0;
}

/* ---- what an engine can do */

static bool has_operation(const kv_driver *driver, kv_shape shape) {
    switch (shape) {
        case KV_GET:
        case KV_GET_DEPENDENT:
        case KV_GET_X16:
            return driver->get != NULL;
        case KV_PUT:
        case KV_PUT_X16:
            return driver->put != NULL;
        case KV_INSERT:
            return driver->put != NULL && driver->get != NULL;
        case KV_RMW:
            return driver->rmw != NULL;
        case KV_SCAN:
            return driver->scan != NULL;
        case KV_APPEND:
            return driver->append != NULL;
        case KV_TICKETS:
            return driver->put_ticket != NULL;
        case KV_REPLAY:
            return driver->replay != NULL;
    }
    return false;
}

bool kv_work_fits(const kv_work *work, const kv_driver *driver) {
    if ((driver->modes >> work->mode & 1u) == 0 || !has_operation(driver, work->shape)) return false;
    if (work->presized && (driver->traits & KV_PRESIZES) == 0) return false;
    if (work->chained && (driver->traits & (KV_CHAINS | KV_CHAINS_ALWAYS)) == 0) return false;
    if (work->mode == KV_MEMORY && work->threads > 1 && (driver->traits & KV_ONE_THREAD) != 0) return false;
    return !(work->shape == KV_SCAN && work->stage != KV_STAGE_READ && (driver->traits & KV_SCANS_STALE) != 0);
}

static bool is_wanted(const run *r, const kv_work *work) {
    return r->settings->only == NULL || strstr(work->name, r->settings->only) != NULL;
}

static bool chains(const kv_work *work, const kv_driver *driver) {
    return work->chained || (driver->traits & KV_CHAINS_ALWAYS) != 0;
}

static kv_mode mode_of(const kv_work *work, const kv_driver *driver) {
    const bool same = work->mode == KV_KILLSAFE && (driver->traits & KV_KILLSAFE_TOO) != 0;
    return same ? KV_BUFFERED : work->mode;
}

/* ---- instances */

static kv_instance *find_instance(const run *r, const kv_work *work, const kv_driver *driver) {
    for (unsigned i = 0; i < r->instance_count; i++) {
        kv_instance *instance = r->instances[i];
        const kv_options *options = &instance->options;
        if (instance->driver == driver && options->mode == mode_of(work, driver) &&
            options->chained == chains(work, driver) && options->presized == work->presized)
            return instance;
    }
    return NULL;
}

static kv_options options_for(const run *r, const kv_work *work, const kv_driver *driver) {
    const uint64_t keys = r->phase->small ? r->settings->keys_small : r->settings->keys;
    return (kv_options){.mode = mode_of(work, driver),
                        .chained = chains(work, driver),
                        .presized = work->presized,
                        .loaded = r->phase->loaded,
                        .keys_expected = keys,
                        .threads_max = KV_WRITERS_MAX};
}

static void open_instance(run *r, const kv_work *work, unsigned engine) {
    const kv_driver *driver = kv_drivers[engine];
    if (find_instance(r, work, driver) != NULL || r->results->absent[engine][0] != '\0') return;
    if (r->instance_count == INSTANCES_MAX) kv_die("more than %d instances", INSTANCES_MAX);
    const kv_options options = options_for(r, work, driver);
    kv_instance *instance = kv_instance_open(driver, &options, options.keys_expected, r->results->absent[engine]);
    if (instance != NULL) r->instances[r->instance_count++] = instance;
}

static bool in_phase(const kv_phase *phase, const kv_work *work) {
    return work->stage >= phase->first && work->stage <= phase->last;
}

static void open_phase(run *r) {
    const uint64_t begin = kv_now_ns();
    for (unsigned i = 0; i < kv_work_count; i++) {
        if (!in_phase(r->phase, &kv_works[i]) || !is_wanted(r, &kv_works[i])) continue;
        for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++)
            if (r->results->chosen[engine] && kv_work_fits(&kv_works[i], kv_drivers[engine]))
                open_instance(r, &kv_works[i], engine);
    }
    if (r->instance_count != 0)
        fprintf(stderr, "kv_bench: %s: %u databases loaded in %.1f s\n", r->phase->name, r->instance_count,
                (double)(kv_now_ns() - begin) / 1e9);
}

static void close_phase(run *r) {
    while (r->instance_count != 0) kv_instance_close(r->instances[--r->instance_count]);
}

/* ---- a slice */

static uint64_t slice_ns(const run *r, const kv_work *work) {
    const bool quick = r->settings->quick;
    uint64_t ms = quick ? SLICE_QUICK_MS : SLICE_MS;
    if (work->mode == KV_STRICT) ms = quick ? SLICE_STRICT_QUICK_MS : SLICE_STRICT_MS;
    if (work->shape == KV_INSERT) ms = quick ? GROW_SLICE_QUICK_MS : GROW_SLICE_MS;
    return ms * NS_A_MS;
}

static pthread_barrier_t barrier;

static void *lane_thread(void *argument) {
    pthread_barrier_wait(&barrier);
    kv_lane_run(argument);
    return NULL;
}

static void run_threads(kv_lane *lanes, unsigned count) {
    pthread_t threads[KV_WRITERS_MAX];
    if (pthread_barrier_init(&barrier, NULL, count) != 0) kv_die("no barrier");
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, lane_thread, &lanes[i]) != 0) kv_die("no thread");
    for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

/* Time inside operations without what the thread waited for a processor that others held, which says nothing about the
 * engine and comes in pieces of milliseconds. How much of the waiting fell into operations is estimated by their share of
 * the time, so the result is kept at or above the median. Waiting for a disk or a server is not taken off. */
static double own_ns(const kv_lane *lane, double operations, double p50) {
    const double all = (double)lane->timed_ns, span = (double)(lane->measured_to - lane->measured_from);
    if (lane->work->mode == KV_STRICT || (lane->driver->traits & KV_SERVER) != 0 || span <= 0)
        return all / operations;
    const double net = (all - (double)lane->waited_ns * (all / span)) / operations;
    return net > p50 ? net : p50;
}

/* Nanoseconds an operation. With one thread, the time inside operations. With more, the time that passed for all of them;
 * of that the part that went into operations and not into building batches, by processor time where it was read (threads
 * that wait for a disk spend next to nothing on building). */
static double ns_of(const kv_lane *lanes, unsigned count, double operations, double p50) {
    uint64_t first = UINT64_MAX, last = 0;
    double inside = 0, all = 0;
    if (count == 1) return own_ns(&lanes[0], operations, p50);
    for (unsigned i = 0; i < count; i++) {
        inside += (double)lanes[i].cpu_ns;
        all += (double)lanes[i].span_cpu_ns;
        if (lanes[i].measured_from < first) first = lanes[i].measured_from;
        if (lanes[i].measured_to > last) last = lanes[i].measured_to;
    }
    const double share = lanes[0].work->cpu && all > 0 ? inside / all : 1;
    return (double)(last - first) * share / operations;
}

static void keep_round(kv_result *result, const kv_lane *lanes, unsigned count) {
    static kv_histogram together;
    kv_round *round = &result->rounds[result->round_count++];
    uint64_t timed = 0, cpu = 0;
    kv_histogram_clear(&together);
    for (unsigned i = 0; i < count; i++) {
        kv_histogram_merge(&together, &lanes[i].histogram);
        timed += lanes[i].timed;
        cpu += lanes[i].cpu_ns;
    }
    const double operations = timed == 0 ? 1 : (double)timed;
    *round =
        (kv_round){.ns = ns_of(lanes, count, operations, kv_histogram_at(&together, 0.5)),
                   .p50 = kv_histogram_at(&together, 0.5),
                   .p99 = kv_histogram_at(&together, 0.99),
                   .p999 = kv_histogram_at(&together, 0.999),
                   .cpu_ns = (double)cpu / operations,
                   .instructions = lanes[0].instructions < 0 || count > 1 ? -1 : lanes[0].instructions / operations,
                   .allocations = lanes[0].allocations / operations,
                   .faults = lanes[0].faults / operations,
                   .operations = timed};
    if (result->histogram == NULL) result->histogram = kv_alloc(sizeof *result->histogram);
    kv_histogram_merge(result->histogram, &together);
}

static void init_lanes(run *r, kv_instance *instance, const kv_work *work) {
    const uint64_t ns = slice_ns(r, work);
    instance->slices++;
    for (unsigned i = 0; i < work->threads; i++) {
        kv_lane *lane = &r->lanes[i];
        kv_lane_init(lane, instance, work, i);
        lane->run_ns = ns;
        if (work->shape == KV_INSERT) lane->operations_max = instance->keys / r->settings->rounds;
        else lane->warm_ns = ns / WARM_SHARE;
    }
    const uint64_t start = kv_now_ns(); /* once every session is there */
    for (unsigned i = 0; i < work->threads; i++) r->lanes[i].start = start;
}

static void run_slice(run *r, unsigned work_number, unsigned engine) {
    const kv_work *work = &kv_works[work_number];
    if (!kv_work_fits(work, kv_drivers[engine])) return;
    kv_instance *instance = find_instance(r, work, kv_drivers[engine]);
    if (instance == NULL) return;
    init_lanes(r, instance, work);
    if (work->threads == 1) kv_lane_run(&r->lanes[0]);
    else run_threads(r->lanes, work->threads);
    keep_round(&r->results->of[work_number][engine], r->lanes, work->threads);
    kv_instance_check(instance, work, r->lanes, work->threads);
    for (unsigned i = 0; i < work->threads; i++) kv_lane_end(&r->lanes[i], instance);
}

/* The first engine of a round is another one each time: none always runs after the same neighbour. */
static void run_stage(run *r, kv_stage stage) {
    const unsigned engines = kv_driver_count();
    for (unsigned round = 0; round < r->settings->rounds; round++)
        for (unsigned work = 0; work < kv_work_count; work++) {
            if (kv_works[work].stage != stage || !is_wanted(r, &kv_works[work])) continue;
            for (unsigned i = 0; i < engines; i++) run_slice(r, work, (i + round) % engines);
        }
}

/* ---- recovery */

static void replay_rounds(run *r, unsigned work, unsigned engine, void *prepared) {
    kv_result *result = &r->results->of[work][engine];
    if (result->histogram == NULL) result->histogram = kv_alloc(sizeof *result->histogram);
    const kv_driver *driver = kv_drivers[engine];
    if (result->round_count != 0 && driver->replay_reset != NULL) driver->replay_reset(prepared);
    const uint64_t begin = kv_now_ns();
    const uint64_t records = driver->replay(prepared);
    const double ns = (double)(kv_now_ns() - begin) / (double)records;
    kv_histogram_add(result->histogram, (uint64_t)(ns * 1e3));
    result->rounds[result->round_count++] =
        (kv_round){.ns = ns, .p50 = ns, .p99 = ns, .p999 = ns, .instructions = -1, .operations = records};
}

static void run_replay(run *r) {
    const int work = kv_work_find("replay", 1);
    if (work < 0 || !is_wanted(r, &kv_works[work])) return;
    const uint64_t records = r->settings->quick ? REPLAY_RECORDS_QUICK : REPLAY_RECORDS;
    void *prepared[KV_DRIVERS_MAX] = {0};
    char dirs[KV_DRIVERS_MAX][KV_PATH_BYTES];
    const unsigned engines = kv_driver_count();
    for (unsigned i = 0; i < engines; i++) {
        if (!r->results->chosen[i] || r->results->absent[i][0] != '\0' ||
            !kv_work_fits(&kv_works[work], kv_drivers[i]))
            continue;
        kv_folder_make(true, dirs[i]);
        const kv_options options = {.mode = KV_BUFFERED,
                                    .chained = true,
                                    .keys_expected = r->settings->keys,
                                    .threads_max = 1,
                                    .dir = dirs[i]};
        prepared[i] = kv_drivers[i]->replay_prepare(&options, records, r->results->absent[i]);
    }
    for (unsigned round = 0; round < r->settings->rounds; round++)
        for (unsigned i = 0; i < engines; i++)
            if (prepared[i] != NULL) replay_rounds(r, (unsigned)work, i, prepared[i]);
    for (unsigned i = 0; i < engines; i++) {
        if (prepared[i] == NULL) continue;
        kv_drivers[i]->replay_end(prepared[i]);
        kv_folder_remove(dirs[i]);
    }
}

/* ---- all of it */

/* Threads that mostly wait for the disk should run at once when it answers. Inherited by all threads and servers that the
 * strict phase starts. */
static bool set_scheduling(bool fifo) {
    const struct sched_param parameters = {.sched_priority = fifo ? 1 : 0};
    return sched_setscheduler(0, fifo ? SCHED_FIFO : SCHED_OTHER, &parameters) == 0;
}

static void run_phase(run *r, const kv_phase *phase) {
    const bool strict = phase->first == KV_STAGE_STRICT;
    r->phase = phase;
    if (strict && !r->settings->no_fifo) r->results->fifo = set_scheduling(true);
    open_phase(r);
    for (unsigned stage = phase->first; stage <= phase->last; stage++) run_stage(r, (kv_stage)stage);
    close_phase(r);
    if (strict && r->results->fifo) set_scheduling(false);
}

void kv_run_all(const kv_settings *settings, kv_results *results) {
    run r = {.settings = settings, .results = results};
    r.lanes = kv_alloc_large(KV_WRITERS_MAX * sizeof *r.lanes);
    for (unsigned i = 0; i < sizeof phases / sizeof phases[0]; i++) run_phase(&r, &phases[i]);
    run_replay(&r);
    kv_free_large(r.lanes, KV_WRITERS_MAX * sizeof *r.lanes);
}

void kv_run_counted(const kv_settings *settings) {
    enum { WARM_OPERATIONS = 2048 };
    static kv_results none;
    const int work = kv_work_find(settings->count, 1);
    const int engine = kv_driver_find(settings->engines == NULL ? settings->ours : settings->engines);
    if (work < 0) kv_die("--count: no workload %s of one thread", settings->count);
    if (engine < 0) kv_die("--count: name one engine with --engines");
    const kv_driver *driver = kv_drivers[engine];
    if (driver->absent_why != NULL) kv_die("%s: %s", driver->name, driver->absent_why);
    if (kv_works[work].shape == KV_REPLAY || !kv_work_fits(&kv_works[work], driver))
        kv_die("%s has no %s", driver->name, settings->count);
    run r = {.settings = settings, .results = &none};
    for (unsigned i = 0; i < sizeof phases / sizeof phases[0]; i++)
        if (in_phase(&phases[i], &kv_works[work])) r.phase = &phases[i];
    open_instance(&r, &kv_works[work], (unsigned)engine);
    if (r.instance_count == 0) kv_die("%s: %s", driver->name, none.absent[engine]);
    r.lanes = kv_alloc_large(sizeof *r.lanes);
    kv_lane_init(&r.lanes[0], r.instances[0], &kv_works[work], 0);
    r.lanes[0].run_ns = UINT64_C(1) << 60;
    r.lanes[0].operations_max = WARM_OPERATIONS;
    kv_lane_run(&r.lanes[0]);
    kv_count_operations(&r.lanes[0], settings->operations);
    fprintf(stderr, "kv_bench: %llu operations of %s on %s\n",
            (unsigned long long)(r.lanes[0].operations - WARM_OPERATIONS), settings->count, driver->name);
    kv_lane_end(&r.lanes[0], r.instances[0]);
    kv_free_large(r.lanes, sizeof *r.lanes);
    close_phase(&r);
}
