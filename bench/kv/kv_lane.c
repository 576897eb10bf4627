/* One thread of one slice: builds a batch of keys and values, then times the operations on it, until its time is over.
 *
 * Engines whose operations take well below a microsecond are timed in batches of `batch` operations between two readings
 * of the clock, so their percentiles are those of means of that many; all others a call at a time. What a reading of the
 * clock costs is measured at the start and taken off every sample. Building keys and values is not timed, except for
 * dependent gets, where the next key comes out of the last value. */
#include <stdlib.h>

#include "kv_run.h"

enum {
    CALIBRATIONS = 20001,
    BATCHES_MIN = 20 /* a slice goes on until it has so many, however long others held the processor */
};
#define HOT_SALT    UINT64_C(0x686f74)
#define INSERT_STEP UINT64_C(0x9e3779b97f4a7c15) /* odd: all 63-bit numbers in turn, scattered over the key space */
#define ONE_KEY     7

static uint64_t clock_cost_ns;

static int compare_times(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void kv_clock_calibrate(void) {
    static uint64_t times[CALIBRATIONS];
    for (unsigned i = 0; i < CALIBRATIONS; i++) {
        const uint64_t begin = kv_now_ns();
        times[i] = kv_now_ns() - begin;
    }
    qsort(times, CALIBRATIONS, sizeof *times, compare_times);
    clock_cost_ns = times[CALIBRATIONS / 2];
}

uint64_t kv_insert_index(uint64_t number) { return number * INSERT_STEP & INT64_MAX; }

uint64_t kv_lane_index(const kv_lane *lane, uint64_t number) {
    if (lane->work->shape == KV_INSERT) return kv_insert_index(lane->inserted + number);
    if (lane->work->choice == KV_ONE_KEY) return ONE_KEY;
    const uint64_t random = kv_mix(lane->seed + number);
    if (lane->work->choice == KV_HOT_SET)
        return kv_below(kv_mix(HOT_SALT + kv_below(random, KV_HOT_KEYS)), lane->span);
    return lane->first + kv_below(random, lane->span);
}

uint64_t kv_lane_step(const kv_lane *lane, uint64_t tag, uint64_t number) {
    return lane->first + kv_below(kv_mix(tag + number), lane->span);
}

/* ---- building a batch */

static bool writes_values(kv_shape shape) {
    return shape == KV_PUT || shape == KV_PUT_X16 || shape == KV_APPEND || shape == KV_TICKETS || shape == KV_INSERT;
}

static void prepare(kv_lane *lane) {
    if (lane->work->shape == KV_GET_DEPENDENT) return;
    const bool values = writes_values(lane->work->shape);
    for (unsigned i = 0; i < lane->batch; i++) {
        const uint64_t index = kv_lane_index(lane, lane->operations + i);
        kv_key_make(index, &lane->keys[i]);
        if (values) kv_value_make(index, 0, lane->stamp, &lane->values[i]);
    }
}

/* ---- running it: one small loop a shape, with nothing in it but the calls */

static void miss(const kv_lane *lane) {
    kv_die("%s: %s: a loaded key was not found", lane->driver->name, lane->work->name);
}

static uint64_t digest(const kv_value *value) {
    return kv_word(value->bytes + KV_WORD_TAG) + kv_word(value->bytes + KV_WORD_STAMP);
}

static void run_get(kv_lane *lane) {
    bool (*const get)(void *, const kv_key *, kv_value *) = lane->driver->get;
    kv_value value;
    uint64_t sum = 0;
    for (unsigned i = 0; i < lane->batch; i++) {
        if (!get(lane->session, &lane->keys[i], &value)) miss(lane);
        sum += digest(&value);
    }
    lane->sum += sum;
}

static void run_get_dependent(kv_lane *lane) {
    bool (*const get)(void *, const kv_key *, kv_value *) = lane->driver->get;
    uint64_t sum = 0, position = lane->position;
    for (unsigned i = 0; i < lane->batch; i++) {
        kv_key key;
        kv_value value;
        kv_key_make(position, &key);
        if (!get(lane->session, &key, &value)) miss(lane);
        sum += digest(&value);
        position = kv_lane_step(lane, kv_word(value.bytes + KV_WORD_TAG), lane->operations + i);
    }
    lane->position = position;
    lane->sum += sum;
}

static void run_get_x16(kv_lane *lane) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < lane->batch; i += KV_BATCH) {
        if (lane->driver->get_x16 != NULL) {
            if (!lane->driver->get_x16(lane->session, &lane->keys[i], lane->values)) miss(lane);
        } else
            for (unsigned j = 0; j < KV_BATCH; j++)
                if (!lane->driver->get(lane->session, &lane->keys[i + j], &lane->values[j])) miss(lane);
        for (unsigned j = 0; j < KV_BATCH; j++) sum += digest(&lane->values[j]);
    }
    lane->sum += sum;
}

static void run_put(kv_lane *lane) {
    void (*const put)(void *, const kv_key *, const kv_value *) = lane->driver->put;
    for (unsigned i = 0; i < lane->batch; i++) put(lane->session, &lane->keys[i], &lane->values[i]);
}

static void run_put_x16(kv_lane *lane) {
    if (lane->driver->put_x16 == NULL) {
        run_put(lane);
        return;
    }
    for (unsigned i = 0; i < lane->batch; i += KV_BATCH)
        lane->driver->put_x16(lane->session, &lane->keys[i], &lane->values[i]);
}

static void run_rmw(kv_lane *lane) {
    for (unsigned i = 0; i < lane->batch; i++) lane->driver->rmw(lane->session, &lane->keys[i]);
}

static void run_scan(kv_lane *lane) {
    for (unsigned i = 0; i < lane->batch; i++) {
        if (lane->driver->scan(lane->session, &lane->keys[i], lane->rows) != KV_SCAN_ROWS) miss(lane);
        lane->sum += digest(&lane->rows[0].value) + digest(&lane->rows[KV_SCAN_ROWS - 1].value);
    }
}

static void run_append(kv_lane *lane) {
    for (unsigned i = 0; i < lane->batch; i++) {
        const uint64_t sequence = lane->driver->append(lane->session, &lane->values[i]);
        if (lane->event_next != sequence && lane->operations + i != 0)
            kv_die("%s: event %llu follows %llu", lane->driver->name, (unsigned long long)sequence,
                   (unsigned long long)lane->event_next - 1);
        lane->event_next = sequence + 1;
    }
}

static void run_tickets(kv_lane *lane) {
    for (unsigned i = 0; i < lane->batch; i++) {
        uint64_t *place = &lane->tickets[(lane->operations + i) % KV_TICKETS_OPEN];
        if (lane->operations + i >= KV_TICKETS_OPEN) lane->driver->ticket_wait(lane->session, *place);
        *place = lane->driver->put_ticket(lane->session, &lane->keys[i], &lane->values[i]);
    }
}

static void (*const runners[])(kv_lane *) = {
    [KV_GET] = run_get,         [KV_GET_DEPENDENT] = run_get_dependent,
    [KV_GET_X16] = run_get_x16, [KV_PUT] = run_put,
    [KV_PUT_X16] = run_put_x16, [KV_RMW] = run_rmw,
    [KV_SCAN] = run_scan,       [KV_APPEND] = run_append,
    [KV_TICKETS] = run_tickets, [KV_INSERT] = run_put,
};

/* ---- the slice */

static void record(kv_lane *lane, uint64_t elapsed_ns) {
    const uint64_t net_ns = elapsed_ns > clock_cost_ns ? elapsed_ns - clock_cost_ns : 0;
    kv_histogram_add(&lane->histogram, net_ns * 1000 / lane->batch);
    lane->timed += lane->batch;
    lane->timed_ns += net_ns;
}

/* All tickets are durable before the slice ends; the waiting counts. */
static void finish_tickets(kv_lane *lane) {
    const uint64_t begin = kv_now_ns();
    if (lane->operations != 0)
        lane->driver->ticket_wait(lane->session, lane->tickets[(lane->operations - 1) % KV_TICKETS_OPEN]);
    lane->timed_ns += kv_now_ns() - begin;
}

/* Instructions that building the timed batches took: always the same, so it is measured on a few. */
static double prepare_cost(kv_lane *lane) {
    enum { TIMES = 8 };
    kv_counters before, after;
    kv_counters_read(&before);
    for (unsigned i = 0; i < TIMES; i++) prepare(lane);
    kv_counters_read(&after);
    return (after.instructions - before.instructions) / TIMES * ((double)lane->timed / lane->batch);
}

void kv_lane_run(kv_lane *lane) {
    void (*const run)(kv_lane *) = runners[lane->work->shape];
    kv_counters before, after;
    uint64_t now = kv_now_ns();
    lane->measured_from = now;
    lane->span_cpu_ns = kv_thread_cpu_ns();
    bool warm = lane->warm_ns != 0;
    kv_counters_read(&before);
    const uint64_t end = lane->start + lane->warm_ns + lane->run_ns;
    const uint64_t least = lane->work->threads == 1 ? BATCHES_MIN : 1;
    while ((now < end || lane->histogram.count < least) && lane->operations < lane->operations_max) {
        prepare(lane);
        if (warm && now >= lane->start + lane->warm_ns) {
            warm = false;
            lane->measured_from = now;
            lane->span_cpu_ns = kv_thread_cpu_ns();
            kv_counters_read(&before);
        }
        const uint64_t cpu = lane->work->cpu ? kv_thread_cpu_ns() : 0;
        const uint64_t begin = kv_now_ns();
        run(lane);
        now = kv_now_ns();
        if (lane->work->cpu && !warm) lane->cpu_ns += kv_thread_cpu_ns() - cpu;
        if (!warm) record(lane, now - begin);
        lane->operations += lane->batch;
    }
    kv_counters_read(&after);
    if (lane->work->shape == KV_TICKETS) finish_tickets(lane);
    lane->measured_to = kv_now_ns();
    lane->span_cpu_ns = kv_thread_cpu_ns() - lane->span_cpu_ns;
    lane->allocations = after.allocations - before.allocations;
    lane->faults = after.faults - before.faults;
    lane->waited_ns = after.waited_ns - before.waited_ns;
    lane->instructions = after.instructions < 0 ? -1 : after.instructions - before.instructions - prepare_cost(lane);
}

/* Not inlined: its name is what callgrind is told to look at. */
__attribute__((noinline)) void kv_count_operations(kv_lane *lane, uint64_t operations) {
    for (uint64_t i = 0; i < operations; i += lane->batch) {
        runners[lane->work->shape](lane);
        lane->operations += lane->batch;
    }
}
