/* worldgraph/events, tests only: logs beside plain arrays that say what must be in them. */
#ifndef WG_WORLDGRAPH_EVENTS_KIT_H
#define WG_WORLDGRAPH_EVENTS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "worldgraph/events/events.h"

enum { KIT_EVENTS_MAX = 12000, KIT_PAYLOAD_MAX = 64, KIT_TYPES = 40 };

#define KIT_OK(call)                                                                     \
    do {                                                                                 \
        wg_error kit_err = {0};                                                          \
        wg_error *err = &kit_err;                                                        \
        if ((call) != WG_OK) fail_msg("%s:%d: %s", __FILE__, __LINE__, kit_err.message); \
    } while (0)

typedef struct kit_event {
    uint64_t version, time_us;
    uint32_t type;
    uint8_t value_type;
    uint32_t size;
    uint8_t payload[KIT_PAYLOAD_MAX];
} kit_event;

/* What a log must hold, the events of its parents included. */
typedef struct kit_log {
    wg_events *events;
    uint64_t base;
    uint64_t count;
    kit_event *e; /* KIT_EVENTS_MAX */
} kit_log;

static inline wg_slice kit_type(uint32_t type, char out[16]) {
    const int n = snprintf(out, 16, "type-%u", type);
    return wg_slice_of(out, (size_t)n);
}

static inline void kit_log_create(kit_log *log, wg_epoch *epoch, wg_account *account, const kit_log *parent,
                                  uint64_t base) {
    *log = (kit_log){.base = base, .count = base};
    log->e = wg_alloc_zero(NULL, sizeof *log->e * KIT_EVENTS_MAX);
    assert_non_null(log->e);
    if (base > 0) memcpy(log->e, parent->e, base * sizeof *log->e);
    KIT_OK(wg_events_create(epoch, account, parent == NULL ? NULL : parent->events, base, &log->events, err));
}

static inline void kit_log_destroy(kit_log *log) {
    wg_events_destroy(log->events);
    wg_free(log->e);
}

/* A new event behind the model's last; rare types now and then. */
static inline kit_event kit_random(const kit_log *log, wg_rng *rng) {
    kit_event e = {.value_type = (uint8_t)wg_rng_below(rng, 20)};
    const kit_event *last = log->count == 0 ? NULL : &log->e[log->count - 1];
    e.version = (last == NULL ? 1 : last->version) + (wg_rng_below(rng, 3) == 0 ? 1 : 0);
    e.time_us = (last == NULL ? 1000 : last->time_us) + wg_rng_below(rng, 4);
    e.type = (uint32_t)wg_rng_below(rng, wg_rng_below(rng, 10) == 0 ? KIT_TYPES : 3);
    e.size = (uint32_t)wg_rng_below(rng, KIT_PAYLOAD_MAX + 1);
    for (uint32_t i = 0; i < e.size; i++) e.payload[i] = (uint8_t)wg_rng_next(rng);
    return e;
}

/* Room must have been made. */
static inline void kit_put(kit_log *log, const kit_event *e) {
    char name[16];
    const wg_event event = {.version = e->version,
                            .time_us = e->time_us,
                            .type = kit_type(e->type, name),
                            .value_type = e->value_type,
                            .payload = wg_slice_of(e->payload, e->size)};
    assert_true(log->count < KIT_EVENTS_MAX);
    assert_int_equal(wg_events_append(log->events, &event), log->count);
    log->e[log->count++] = *e;
}

static inline void kit_append(kit_log *log, wg_rng *rng, uint32_t n) {
    while (n > 0) {
        uint32_t batch = (uint32_t)wg_rng_below(rng, n) + 1;
        if (wg_rng_below(rng, 4) != 0) batch = 1;
        KIT_OK(wg_events_reserve_many(log->events, batch, batch * 16, batch * (size_t)KIT_PAYLOAD_MAX, err));
        for (uint32_t i = 0; i < batch; i++) {
            const kit_event e = kit_random(log, rng);
            kit_put(log, &e);
        }
        n -= batch;
    }
}

static inline void kit_check_event(const kit_log *log, uint64_t sequence) {
    char name[16];
    wg_event got;
    const kit_event *e = &log->e[sequence];
    KIT_OK(wg_events_read(log->events, sequence, &got, err));
    assert_int_equal(got.sequence, sequence);
    assert_int_equal(got.version, e->version);
    assert_int_equal(got.time_us, e->time_us);
    assert_int_equal(got.value_type, e->value_type);
    assert_true(wg_slice_equal(got.type, kit_type(e->type, name)));
    assert_true(wg_slice_equal(got.payload, wg_slice_of(e->payload, e->size)));
}

/* The canonical bytes of docs/format/events.md, put together on their own. */
static inline void kit_hash(const wg_sha256 *before, uint64_t sequence, const kit_event *e, wg_sha256 *out) {
    char name[16];
    const wg_slice type = kit_type(e->type, name);
    uint8_t n[4][8];
    wg_store_u64le(n[0], sequence);
    wg_store_u64le(n[1], e->time_us);
    wg_store_u32le(n[2], (uint32_t)type.size);
    wg_store_u64le(n[3], e->size);
    const wg_slice parts[] = {wg_slice_of(before->bytes, 32),
                              wg_slice_of(n[0], 8),
                              wg_slice_of(n[1], 8),
                              wg_slice_of(n[2], 4),
                              type,
                              wg_slice_of(&e->value_type, 1),
                              wg_slice_of(n[3], 8),
                              wg_slice_of(e->payload, e->size)};
    wg_sha256_of(parts, sizeof parts / sizeof parts[0], out);
}

/* All hashes of the model, compared with the log's when `with_log`. */
static inline void kit_check_chain(const kit_log *log) {
    wg_sha256 h = {{0}};
    wg_sha256 got;
    for (uint64_t i = 0; i < log->count; i++) {
        kit_hash(&h, i, &log->e[i], &h);
        if (i % 97 != 0 && i + 1 != log->count) continue;
        KIT_OK(wg_events_hash(log->events, i, &got, err));
        assert_memory_equal(got.bytes, h.bytes, 32);
    }
    wg_events_report report;
    KIT_OK(wg_events_verify(log->events, log->count, &report, err));
    if (!report.valid) print_error("event %llu: %s\n", (unsigned long long)report.first_invalid, report.reason);
    assert_true(report.valid);
    assert_int_equal(report.length, log->count);
    assert_int_equal(report.first_invalid, UINT64_MAX);
    assert_memory_equal(report.head.bytes, h.bytes, 32);
}

typedef struct kit_types {
    const kit_log *log;
    uint64_t count;
    uint64_t sum;
    uint64_t last_first; /* where the type before was first used */
    uint32_t calls;
} kit_types;

static inline bool kit_on_type(void *ctx, wg_slice type, uint64_t n) {
    kit_types *t = ctx;
    char name[16];
    uint64_t expected = 0;
    uint64_t first = UINT64_MAX;
    for (uint64_t i = 0; i < t->count; i++) {
        if (!wg_slice_equal(type, kit_type(t->log->e[i].type, name))) continue;
        if (expected++ == 0) first = i;
    }
    assert_int_equal(n, expected);
    assert_true(t->calls == 0 || first > t->last_first);
    t->last_first = first;
    t->sum += n;
    t->calls++;
    return true;
}

/* Searches from random places against the plain array. */
static inline void kit_check_searches(const kit_log *log, wg_rng *rng, uint32_t n) {
    const uint64_t length = log->count;
    assert_int_equal(wg_events_count(log->events, WG_LOGSEQ_NEVER), length);
    for (uint32_t k = 0; k < n; k++) {
        const uint64_t count = wg_rng_below(rng, length + 1);
        const uint64_t from = wg_rng_below(rng, length + 2);
        const uint32_t type = (uint32_t)wg_rng_below(rng, wg_rng_below(rng, 2) == 0 ? 3 : KIT_TYPES + 1);
        char name[16];
        uint64_t up = UINT64_MAX, down = UINT64_MAX, got;
        for (uint64_t i = from; i < count && up == UINT64_MAX; i++)
            if (log->e[i].type == type) up = i;
        for (uint64_t i = wg_min_u64(from + 1, count); i-- > 0 && down == UINT64_MAX;)
            if (log->e[i].type == type) down = i;
        KIT_OK(wg_events_next_of_type(log->events, kit_type(type, name), from, count, false, &got, err));
        assert_int_equal(got, up);
        KIT_OK(wg_events_next_of_type(log->events, kit_type(type, name), from, count, true, &got, err));
        assert_int_equal(got, down);
        const uint64_t time = length == 0 ? 0 : log->e[wg_rng_below(rng, length)].time_us + wg_rng_below(rng, 3);
        uint64_t seek = 0;
        while (seek < count && log->e[seek].time_us < time) seek++;
        KIT_OK(wg_events_seek_time(log->events, time, count, &got, err));
        assert_int_equal(got, seek);
        const uint64_t version =
            length == 0 ? 7 : log->e[wg_rng_below(rng, length)].version + wg_rng_below(rng, 2) - 1;
        uint64_t seen = 0;
        while (seen < length && log->e[seen].version <= version) seen++;
        assert_int_equal(wg_events_count(log->events, version), seen);
    }
    kit_types types = {.log = log, .count = wg_rng_below(rng, length + 1)};
    KIT_OK(wg_events_types(log->events, types.count, kit_on_type, &types, err));
    assert_int_equal(types.sum, types.count);
}

static inline void kit_check(const kit_log *log, wg_rng *rng) {
    for (uint64_t i = 0; i < log->count; i++) kit_check_event(log, i);
    kit_check_searches(log, rng, 60);
    kit_check_chain(log);
}

#endif
