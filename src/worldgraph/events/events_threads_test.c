/* The event log under threads: one appender, readers of everything, a hasher and a checkpoint that stores and adopts, for the thread sanitizer
 * and for what each of them sees. */
#include "io/platform/platform.h"
#include "worldgraph/events/events_kit.h"

enum { EVENTS = 20000, READERS = 2, STRIPES_MAX = 64 };

typedef struct shared {
    wg_platform *platform;
    wg_epoch *epoch;
    wg_events *events;
    _Atomic bool done;
    _Atomic uint64_t committed; /* versions up to it are whole; as the run's newest version */
    wg_stripe *stripes[STRIPES_MAX];
    uint32_t stripe_count;
} shared;

static const uint8_t uuid[16] = "events-threads";

/* Event i: type i % 7, payload i as eight bytes, version i / 2 + 1. */
static void append_all(void *arg) {
    shared *s = arg;
    char name[16];
    for (uint64_t i = 0; i < EVENTS; i++) {
        uint8_t payload[8];
        wg_store_u64le(payload, i);
        const wg_slice type = kit_type((uint32_t)(i % 7), name);
        const wg_event e = {.version = i / 2 + 1, .time_us = i / 3, .type = type, .payload = wg_slice_of(payload, 8)};
        wg_error err = {0};
        const uint32_t slot = wg_epoch_enter(s->epoch);
        const wg_code code = wg_events_reserve_many(s->events, 2, 2 * type.size, 16, &err);
        if (code == WG_OK) (void)wg_events_append(s->events, &e);
        wg_epoch_leave(s->epoch, slot);
        WG_ASSERT(code == WG_OK);
        if (i % 2 == 1) atomic_store(&s->committed, i / 2 + 1);
    }
    atomic_store(&s->done, true);
}

static void read_all(void *arg) {
    shared *s = arg;
    wg_rng rng;
    wg_rng_init(&rng, 5);
    char name[16];
    for (bool last = false; !last;) {
        last = atomic_load(&s->done);
        const uint64_t version = atomic_load(&s->committed);
        const uint32_t slot = wg_epoch_enter(s->epoch);
        const uint64_t count = wg_events_count(s->events, version);
        WG_ASSERT(count >= version * 2);
        for (uint32_t k = 0; k < 20 && count > 0; k++) {
            const uint64_t at = wg_rng_below(&rng, count);
            wg_event e;
            uint64_t next;
            WG_ASSERT(wg_events_read(s->events, at, &e, NULL) == WG_OK);
            WG_ASSERT(e.payload.size == 8 && wg_load_u64le(e.payload.data) == at && e.version == at / 2 + 1);
            WG_ASSERT(wg_slice_equal(e.type, kit_type((uint32_t)(at % 7), name)));
            WG_ASSERT(wg_events_next_of_type(s->events, e.type, at + 1, count, false, &next, NULL) == WG_OK);
            WG_ASSERT(next == (at + 7 < count ? at + 7 : UINT64_MAX));
            WG_ASSERT(wg_events_seek_time(s->events, e.time_us, count, &next, NULL) == WG_OK);
            WG_ASSERT(next == at - at % 3);
        }
        wg_epoch_leave(s->epoch, slot);
    }
}

static void hash_all(void *arg) {
    shared *s = arg;
    for (bool last = false; !last;) {
        last = atomic_load(&s->done);
        const uint64_t version = atomic_load(&s->committed);
        wg_sha256 hash;
        if (version > 0) WG_ASSERT(wg_events_hash(s->events, version * 2 - 1, &hash, NULL) == WG_OK);
    }
}

static void store_all(void *arg) {
    shared *s = arg;
    uint64_t stored = 0;
    for (bool last = false; !last;) {
        last = atomic_load(&s->done);
        const uint64_t until = atomic_load(&s->committed) * 2;
        if ((until < stored + 600 && !last) || s->stripe_count == STRIPES_MAX) continue;
        wg_stripe_sink sink = {.platform = s->platform, .dir = "/s", .next_id = s->stripe_count + 1};
        memcpy(sink.options.store_uuid, uuid, 16);
        WG_ASSERT(wg_events_store(s->events, &sink, 1, stored, until, s->stripe_count + 1, NULL) == WG_OK);
        WG_ASSERT(wg_stripe_sink_finish(&sink, NULL) == WG_OK);
        if (sink.finished.size > 0) {
            wg_stripe **stripe = &s->stripes[s->stripe_count];
            const uint64_t id = s->stripe_count + 1;
            WG_ASSERT(wg_stripe_open(s->platform, "/s", id, uuid, NULL, NULL, stripe, NULL) == WG_OK);
            s->stripe_count++;
            for (uint32_t i = 0; i < wg_stripe_fragment_count(*stripe); i++)
                WG_ASSERT(wg_events_adopt(s->events, wg_stripe_fragment(*stripe, i), NULL) == WG_OK);
        }
        wg_stripe_sink_deinit(&sink);
        stored = until;
    }
}

static void test_events_threads_see_whole_events(void **state) {
    /* Goal: beside an appender, readers, the hasher and a checkpoint see whole events, and the chain is sound. */
    (void)state;
    shared s = {0};
    KIT_OK(wg_platform_sim_create(1, &s.platform, err));
    KIT_OK(s.platform->ops->make_directory(s.platform, "/s", err));
    KIT_OK(wg_epoch_create(NULL, &s.epoch, err));
    KIT_OK(wg_events_create(s.epoch, NULL, NULL, 0, &s.events, err));
    void (*const bodies[])(void *) = {append_all, read_all, read_all, hash_all, store_all};
    wg_thread threads[sizeof bodies / sizeof bodies[0]];
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        KIT_OK(wg_thread_start(&threads[i], bodies[i], &s, err));
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) wg_thread_join(&threads[i]);
    assert_true(s.stripe_count > 0);
    wg_events_report report;
    KIT_OK(wg_events_verify(s.events, EVENTS, &report, err));
    assert_true(report.valid);
    assert_int_equal(report.length, EVENTS);
    wg_events_destroy(s.events);
    wg_epoch_destroy(s.epoch);
    for (uint32_t i = 0; i < s.stripe_count; i++) wg_stripe_close(s.stripes[i]);
    wg_platform_sim_destroy(s.platform);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_events_threads_see_whole_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
