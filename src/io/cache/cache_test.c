/* Tests of the Memory Governor: exact charges and orders, refusals, heat, and two kinds of disorder: a random run against a
 * naive model, and threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "io/cache/cache.h"

enum { ENTRIES = 24, OPERATIONS = 20000, THREADS = 4, THREAD_OPERATIONS = 4000, HELD_MAX = 10 };

typedef struct thing {
    wg_cache_entry entry; /* first, so that a callback finds its thing */
    uint32_t evictions;
} thing;

static wg_cache_entry *evicted_order[64];
static size_t evicted_count;

static void on_evict(wg_cache_entry *entry) {
    ((thing *)entry)->evictions++;
    if (evicted_count < 64) evicted_order[evicted_count++] = entry;
}

static wg_cache *make(const wg_tier_budget *budget) {
    wg_cache *cache = NULL;
    wg_error err = {0};
    assert_int_equal(wg_cache_create(budget, NULL, &cache, &err), WG_OK);
    evicted_count = 0;
    return cache;
}

static void drop(wg_cache *cache, thing *things, size_t count) {
    for (size_t i = 0; i < count; i++) wg_cache_unregister(cache, &things[i].entry);
    wg_cache_destroy(cache);
}

static void admit(wg_cache *cache, thing *t, wg_residency residency, uint64_t more) {
    wg_error err = {0};
    assert_int_equal(wg_cache_admit(cache, &t->entry, residency, more, &err), WG_OK);
}

static wg_cache_class_stats stats(const wg_cache *cache, wg_residency residency) {
    wg_cache_class_stats s;
    wg_cache_stats(cache, residency, &s);
    return s;
}

static wg_residency where(const thing *t) { return (wg_residency)atomic_load(&t->entry.residency); }

static void test_cache_names_its_nine_classes(void **state) {
    /* Goal: the words that users see are those of the documentation. */
    (void)state;
    static const char *const names[] = {"L0GpuResident",  "L1CpuPinned",      "L1CpuHot",
                                        "L1CpuWarm",      "L3SsdLocal",       "L4HddLocal",
                                        "L5RemoteCached", "L5RemoteStreamed", "L5RemoteCold"};
    for (int i = 0; i < WG_RESIDENCY_COUNT; i++) assert_string_equal(wg_residency_name((wg_residency)i), names[i]);
}

static void test_cache_charges_the_cap_of_each_class(void **state) {
    /* Goal: every class is charged to its own cap, the three remote ones to one; a byte above is refused, changes nothing and
     * says how much is missing. */
    (void)state;
    const wg_tier_budget budget = {10, 20, 30, 40, 50, 60, 70};
    static const uint64_t caps[] = {10, 20, 30, 40, 50, 60, 70, 70, 70};
    for (int r = 0; r < WG_RESIDENCY_COUNT; r++) {
        wg_cache *cache = make(&budget);
        thing t = {0}, other = {0};
        wg_error err = {0};
        wg_cache_register(cache, &t.entry, (wg_residency)r, on_evict);
        wg_cache_register(cache, &other.entry, WG_L3_SSD_LOCAL, on_evict);
        wg_cache_pin(cache, &t.entry);
        admit(cache, &t, (wg_residency)r, caps[r]);
        assert_int_equal(stats(cache, (wg_residency)r).bytes, caps[r]);
        assert_int_equal(stats(cache, (wg_residency)r).cap, caps[r]);
        assert_int_equal(wg_cache_admit(cache, &other.entry, (wg_residency)r, 1, &err), WG_E_CAPACITY);
        assert_non_null(strstr(err.message, wg_residency_name((wg_residency)r)));
        char expected[64];
        snprintf(expected, sizeof expected, "1 more bytes do not fit: %u of %u are in use and 0", (unsigned)caps[r],
                 (unsigned)caps[r]);
        assert_non_null(strstr(err.message, expected));
        assert_int_equal(other.entry.bytes, 0);
        assert_int_equal(where(&other), WG_L3_SSD_LOCAL);
        assert_int_equal(stats(cache, (wg_residency)r).refusals, 1);
        assert_int_equal(t.evictions, 0);
        wg_cache_unpin(cache, &t.entry);
        wg_cache_unregister(cache, &t.entry);
        drop(cache, &other, 1);
    }
}

static void test_cache_shares_one_cap_among_remote_classes(void **state) {
    /* Goal: 70 bytes are enough for cached and streamed together, the colder one goes whatever its class. */
    (void)state;
    const wg_tier_budget budget = {.remote = 70};
    wg_cache *cache = make(&budget);
    thing t[3] = {0};
    for (int i = 0; i < 3; i++) wg_cache_register(cache, &t[i].entry, WG_L5_REMOTE_COLD, on_evict);
    admit(cache, &t[0], WG_L5_REMOTE_CACHED, 40);
    admit(cache, &t[1], WG_L5_REMOTE_STREAMED, 30);
    wg_cache_touch(cache, &t[0].entry);
    admit(cache, &t[2], WG_L5_REMOTE_CACHED, 30);
    assert_int_equal(t[1].evictions, 1);
    assert_int_equal(where(&t[1]), WG_L5_REMOTE_COLD);
    assert_int_equal(stats(cache, WG_L5_REMOTE_CACHED).bytes, 70);
    assert_int_equal(stats(cache, WG_L5_REMOTE_STREAMED).bytes, 0);
    assert_int_equal(stats(cache, WG_L5_REMOTE_STREAMED).demotions, 1);
    admit(cache, &t[0], WG_L5_REMOTE_STREAMED, 0); /* within one cap nothing more is needed */
    assert_int_equal(stats(cache, WG_L5_REMOTE_STREAMED).bytes, 40);
    assert_int_equal(stats(cache, WG_L5_REMOTE_CACHED).bytes, 30);
    drop(cache, t, 3);
}

static void test_cache_evicts_the_coldest_then_the_oldest(void **state) {
    /* Goal: the order of eviction is heat, then age. */
    (void)state;
    const wg_tier_budget budget = {.warm = 40};
    wg_cache *cache = make(&budget);
    thing t[5] = {0};
    for (int i = 0; i < 5; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, on_evict);
    for (int i = 0; i < 4; i++) admit(cache, &t[i], WG_L1_CPU_WARM, 10);
    wg_cache_touch(cache, &t[0].entry);
    wg_cache_touch(cache, &t[0].entry);
    wg_cache_touch(cache, &t[1].entry);
    admit(cache, &t[4], WG_L1_CPU_WARM, 25);
    /* Untouched: 2 and 3, 2 being older; then 1 with one touch. */
    assert_int_equal(evicted_count, 3);
    assert_ptr_equal(evicted_order[0], &t[2].entry);
    assert_ptr_equal(evicted_order[1], &t[3].entry);
    assert_ptr_equal(evicted_order[2], &t[1].entry);
    assert_int_equal(where(&t[2]), WG_L3_SSD_LOCAL);
    assert_int_equal(t[2].entry.bytes, 0);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).bytes, 35);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).bytes_max, 40);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).demotions, 3);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).entries, 2);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).admissions, 5);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).promotions, 5);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).hits, 3);
    assert_int_equal(stats(cache, WG_L3_SSD_LOCAL).entries, 3);
    drop(cache, t, 5);
}

static void test_cache_refusal_evicts_nothing(void **state) {
    /* Goal: when what may be evicted is not enough, everything stays as it was. */
    (void)state;
    const wg_tier_budget budget = {.warm = 30};
    wg_cache *cache = make(&budget);
    thing t[4] = {0};
    wg_error err = {0};
    for (int i = 0; i < 4; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, on_evict);
    for (int i = 0; i < 3; i++) admit(cache, &t[i], WG_L1_CPU_WARM, 10);
    wg_cache_pin(cache, &t[1].entry);
    assert_int_equal(wg_cache_admit(cache, &t[3].entry, WG_L1_CPU_WARM, 21, &err), WG_E_CAPACITY);
    assert_non_null(strstr(err.message, "30 of 30 are in use and 20 of them can be evicted"));
    assert_int_equal(evicted_count, 0);
    wg_error_clear(&err);
    assert_int_equal(wg_cache_admit(cache, &t[3].entry, WG_L1_CPU_WARM, UINT64_MAX, &err), WG_E_CAPACITY);
    admit(cache, &t[3], WG_L1_CPU_WARM, 20);
    assert_int_equal(t[1].evictions, 0);
    wg_error_clear(&err);
    assert_int_equal(wg_cache_admit(cache, &t[3].entry, WG_L1_CPU_WARM, UINT64_MAX, &err), WG_E_CAPACITY);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).refusals, 3);
    wg_cache_unpin(cache, &t[1].entry);
    drop(cache, t, 4);
}

static void test_cache_drops_an_entrys_own_older_bytes_last(void **state) {
    /* Goal: an entry larger than the cap is read piece by piece: its own pages go when nothing else can. */
    (void)state;
    const wg_tier_budget budget = {.warm = 30};
    wg_cache *cache = make(&budget);
    thing t[2] = {0};
    wg_error err = {0};
    for (int i = 0; i < 2; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, on_evict);
    admit(cache, &t[0], WG_L1_CPU_WARM, 20);
    admit(cache, &t[1], WG_L1_CPU_WARM, 10);
    wg_cache_touch(cache, &t[1].entry);
    admit(cache, &t[0], WG_L1_CPU_WARM, 10); /* the other one goes first, though hotter */
    assert_int_equal(t[1].evictions, 1);
    assert_int_equal(t[0].entry.bytes, 30);
    admit(cache, &t[0], WG_L1_CPU_WARM, 10);
    assert_int_equal(t[0].evictions, 1);
    assert_int_equal(t[0].entry.bytes, 10);
    assert_int_equal(where(&t[0]), WG_L1_CPU_WARM);
    wg_cache_pin(cache, &t[0].entry); /* pinned pages do not make room for themselves */
    assert_int_equal(wg_cache_admit(cache, &t[0].entry, WG_L1_CPU_WARM, 21, &err), WG_E_CAPACITY);
    wg_cache_unpin(cache, &t[0].entry);
    drop(cache, t, 2);
}

static void test_cache_heat_halves_each_half_life(void **state) {
    /* Goal: heat is what the header says, to the unit; very old heat is zero. */
    (void)state;
    wg_cache *cache = make(NULL);
    thing t = {0}, clock = {0};
    wg_cache_register(cache, &t.entry, WG_L3_SSD_LOCAL, on_evict);
    wg_cache_register(cache, &clock.entry, WG_L3_SSD_LOCAL, on_evict);
    for (int i = 0; i < 6; i++) wg_cache_touch(cache, &t.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 6 * WG_HEAT_ONE);
    assert_true(wg_cache_wants_promotion(cache, &t.entry));
    for (int i = 6; i < WG_HEAT_HALF_LIFE - 1; i++) wg_cache_touch(cache, &clock.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 6 * WG_HEAT_ONE);
    wg_cache_touch(cache, &clock.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 3 * WG_HEAT_ONE);
    assert_false(wg_cache_wants_promotion(cache, &t.entry));
    wg_cache_touch(cache, &t.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 4 * WG_HEAT_ONE);
    assert_false(wg_cache_wants_promotion(cache, &t.entry)); /* above, not at */
    wg_cache_touch(cache, &t.entry);
    assert_true(wg_cache_wants_promotion(cache, &t.entry));
    admit(cache, &t, WG_L1_CPU_HOT, 1);
    assert_false(wg_cache_wants_promotion(cache, &t.entry)); /* is there */
    for (int i = 0; i < 33 * WG_HEAT_HALF_LIFE; i++) wg_cache_touch(cache, &clock.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 0);
    assert_int_equal(stats(cache, WG_L3_SSD_LOCAL).hits, 33 * WG_HEAT_HALF_LIFE + WG_HEAT_HALF_LIFE + 2);
    wg_cache_unregister(cache, &clock.entry);
    drop(cache, &t, 1);
}

static void test_cache_heat_stops_growing(void **state) {
    /* Goal: the counter of heat cannot overflow. */
    (void)state;
    wg_cache *cache = make(NULL);
    thing t = {0};
    wg_cache_register(cache, &t.entry, WG_L3_SSD_LOCAL, on_evict);
    atomic_store(&t.entry.heat, 1u << 30);
    wg_cache_touch(cache, &t.entry);
    assert_int_equal(wg_cache_heat(cache, &t.entry), 1u << 30);
    atomic_store(&t.entry.touched, UINT64_MAX); /* as if another thread had just touched it */
    assert_int_equal(wg_cache_heat(cache, &t.entry), 1u << 30);
    drop(cache, &t, 1);
}

static void test_cache_shrink_leaves_what_is_warm_enough(void **state) {
    /* Goal: demotion for coldness alone stops at WG_HEAT_DEMOTE (hysteresis). */
    (void)state;
    wg_cache *cache = make(NULL);
    thing t[3] = {0};
    for (int i = 0; i < 3; i++) {
        wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, on_evict);
        admit(cache, &t[i], WG_L1_CPU_WARM, 10);
    }
    wg_cache_touch(cache, &t[0].entry);
    assert_int_equal(wg_cache_shrink(cache, WG_L1_CPU_WARM, 25), 10);
    assert_int_equal(wg_cache_shrink(cache, WG_L1_CPU_WARM, 25), 0);
    assert_int_equal(wg_cache_shrink(cache, WG_L1_CPU_WARM, 0), 10);
    assert_int_equal(t[0].entry.bytes, 10);
    assert_int_equal(t[0].evictions, 0);
    drop(cache, t, 3);
}

static void test_cache_relieve_takes_hot_before_warm(void **state) {
    /* Goal: under pressure all of L1 hot goes before any of L1 warm, however hot it is. */
    (void)state;
    wg_cache *cache = make(NULL);
    thing t[4] = {0};
    for (int i = 0; i < 4; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, i == 3 ? NULL : on_evict);
    admit(cache, &t[0], WG_L1_CPU_WARM, 10);
    admit(cache, &t[1], WG_L1_CPU_HOT, 10);
    admit(cache, &t[2], WG_L1_CPU_HOT, 10);
    admit(cache, &t[3], WG_L1_CPU_PINNED, 10);
    for (int i = 0; i < 9; i++) wg_cache_touch(cache, &t[1].entry);
    assert_int_equal(wg_cache_relieve(cache, 15), 20);
    assert_ptr_equal(evicted_order[0], &t[2].entry);
    assert_ptr_equal(evicted_order[1], &t[1].entry);
    assert_int_equal(where(&t[0]), WG_L1_CPU_WARM);
    assert_int_equal(wg_cache_relieve(cache, 100), 10);
    assert_int_equal(where(&t[3]), WG_L1_CPU_PINNED);
    drop(cache, t, 4);
}

static void test_cache_pinned_class_holds_until_demoted(void **state) {
    /* Goal: L1CpuPinned is bounded by its cap, takes in further bytes of its entries, and is left only by wg_cache_demote. */
    (void)state;
    const wg_tier_budget budget = {.pinned = 25, .warm = 100};
    wg_cache *cache = make(&budget);
    thing t[2] = {0};
    wg_error err = {0};
    for (int i = 0; i < 2; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, on_evict);
    admit(cache, &t[0], WG_L1_CPU_WARM, 10);
    admit(cache, &t[0], WG_L1_CPU_PINNED, 0);
    admit(cache, &t[0], WG_L1_CPU_WARM, 10); /* the reader of its pages says warm; they are pinned */
    assert_int_equal(stats(cache, WG_L1_CPU_PINNED).bytes, 20);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).bytes, 0);
    admit(cache, &t[1], WG_L1_CPU_WARM, 10);
    assert_int_equal(wg_cache_admit(cache, &t[1].entry, WG_L1_CPU_PINNED, 0, &err), WG_E_CAPACITY);
    assert_int_equal(where(&t[1]), WG_L1_CPU_WARM);
    assert_int_equal(wg_cache_shrink(cache, WG_L1_CPU_PINNED, 0), 0);
    wg_cache_pin(cache, &t[0].entry);
    assert_false(wg_cache_demote(cache, &t[0].entry));
    wg_cache_unpin(cache, &t[0].entry);
    assert_true(wg_cache_demote(cache, &t[0].entry));
    assert_false(wg_cache_demote(cache, &t[0].entry)); /* at home */
    assert_int_equal(t[0].evictions, 1);
    assert_int_equal(where(&t[0]), WG_L3_SSD_LOCAL);
    assert_int_equal(stats(cache, WG_L1_CPU_PINNED).bytes, 0);
    admit(cache, &t[1], WG_L1_CPU_PINNED, 0);
    drop(cache, t, 2);
}

static void test_cache_sends_entries_to_the_home_they_came_from(void **state) {
    /* Goal: what came from a hard disk or from afar goes back there; what was born in memory becomes a local stripe. */
    (void)state;
    static const wg_residency homes[][2] = {
        {WG_L0_GPU_RESIDENT, WG_L3_SSD_LOCAL},    {WG_L1_CPU_HOT, WG_L3_SSD_LOCAL},
        {WG_L3_SSD_LOCAL, WG_L3_SSD_LOCAL},       {WG_L4_HDD_LOCAL, WG_L4_HDD_LOCAL},
        {WG_L5_REMOTE_CACHED, WG_L5_REMOTE_COLD}, {WG_L5_REMOTE_STREAMED, WG_L5_REMOTE_COLD}};
    wg_cache *cache = make(NULL);
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        thing t = {0};
        wg_cache_register(cache, &t.entry, homes[i][0], on_evict);
        admit(cache, &t, WG_L1_CPU_HOT, 8);
        assert_true(wg_cache_demote(cache, &t.entry));
        assert_int_equal(where(&t), homes[i][1]);
        wg_cache_unregister(cache, &t.entry);
    }
    wg_cache_destroy(cache);
}

static void test_cache_held_bytes_push_entries_out(void **state) {
    /* Goal: bytes that are not entries count against the cap: entries make room, then the caller is told. */
    (void)state;
    const wg_tier_budget budget = {.hot = 100};
    wg_cache *cache = make(&budget);
    thing t = {0};
    wg_error err = {0};
    wg_cache_register(cache, &t.entry, WG_L3_SSD_LOCAL, on_evict);
    admit(cache, &t, WG_L1_CPU_HOT, 50);
    assert_true(wg_cache_set_held(cache, WG_L1_CPU_HOT, 50));
    assert_int_equal(evicted_count, 0);
    assert_true(wg_cache_set_held(cache, WG_L1_CPU_HOT, 51));
    assert_int_equal(evicted_count, 1);
    assert_false(wg_cache_set_held(cache, WG_L1_CPU_HOT, 101));
    assert_int_equal(wg_cache_admit(cache, &t.entry, WG_L1_CPU_HOT, 1, &err), WG_E_CAPACITY);
    assert_true(wg_cache_set_held(cache, WG_L1_CPU_HOT, 10));
    admit(cache, &t, WG_L1_CPU_HOT, 90);
    assert_int_equal(stats(cache, WG_L1_CPU_HOT).bytes, 100);
    assert_int_equal(stats(cache, WG_L1_CPU_HOT).bytes_max, 101);
    drop(cache, &t, 1);
}

static void test_cache_speed_lane_refuses_what_cannot_be_promoted(void **state) {
    /* Goal: ONLY is answered at once, by admission or by BelowSpeedLane; PREFER and ANY never fail. */
    (void)state;
    const wg_tier_budget budget = {.warm = 30};
    wg_cache *cache = make(&budget);
    thing t[3] = {0};
    wg_error err = {0};
    wg_cache_register(cache, &t[0].entry, WG_L3_SSD_LOCAL, on_evict);
    wg_cache_register(cache, &t[1].entry, WG_L4_HDD_LOCAL, on_evict);
    wg_cache_register(cache, &t[2].entry, WG_L5_REMOTE_COLD, on_evict);
    assert_int_equal(wg_cache_require(cache, &t[0].entry, WG_SPEED_LANE_ANY, 31, &err), WG_OK);
    assert_int_equal(t[0].entry.bytes, 0);
    assert_int_equal(wg_cache_require(cache, &t[0].entry, WG_SPEED_LANE_ONLY, 20, &err), WG_OK);
    assert_int_equal(where(&t[0]), WG_L1_CPU_WARM);
    assert_int_equal(wg_cache_require(cache, &t[0].entry, WG_SPEED_LANE_ONLY, 0, &err), WG_OK);
    assert_int_equal(wg_cache_require(cache, &t[0].entry, WG_SPEED_LANE_ONLY, 10, &err), WG_OK);
    assert_int_equal(t[0].entry.bytes, 30);
    wg_cache_pin(cache, &t[0].entry);
    assert_int_equal(wg_cache_require(cache, &t[1].entry, WG_SPEED_LANE_PREFER, 1, &err), WG_OK);
    assert_int_equal(where(&t[1]), WG_L4_HDD_LOCAL);
    assert_int_equal(wg_cache_require(cache, &t[1].entry, WG_SPEED_LANE_ONLY, 1, &err), WG_E_CAPACITY);
    assert_memory_equal(err.message, "BelowSpeedLane: a fragment in L4HddLocal cannot be promoted", 59);
    wg_cache_unpin(cache, &t[0].entry);
    wg_error_clear(&err);
    assert_int_equal(wg_cache_require(cache, &t[1].entry, WG_SPEED_LANE_PREFER, 1, &err), WG_OK);
    assert_int_equal(where(&t[1]), WG_L1_CPU_WARM);
    assert_int_equal(wg_cache_require(cache, &t[2].entry, WG_SPEED_LANE_PREFER, 1, &err), WG_OK);
    assert_int_equal(wg_cache_require(cache, &t[2].entry, WG_SPEED_LANE_ONLY, 1, &err), WG_E_CAPACITY);
    assert_non_null(strstr(err.message, "L5RemoteCold"));
    drop(cache, t, 3);
}

static void test_cache_trace_keeps_the_newest_transitions(void **state) {
    /* Goal: every change of class can be read back in order; the ring forgets the oldest. */
    (void)state;
    wg_cache *cache = make(NULL);
    thing t = {0};
    static wg_cache_transition seen[2000];
    wg_cache_register(cache, &t.entry, WG_L3_SSD_LOCAL, on_evict);
    assert_int_equal(wg_cache_trace(cache, seen, 2000), 0);
    wg_cache_touch(cache, &t.entry);
    admit(cache, &t, WG_L1_CPU_WARM, 7);
    admit(cache, &t, WG_L1_CPU_WARM, 7);
    admit(cache, &t, WG_L1_CPU_HOT, 1);
    admit(cache, &t, WG_L1_CPU_WARM, 0);
    assert_true(wg_cache_demote(cache, &t.entry));
    assert_int_equal(wg_cache_trace(cache, seen, 2000), 4);
    static const struct {
        wg_residency from, to;
        uint64_t bytes;
    } expected[] = {{WG_L3_SSD_LOCAL, WG_L1_CPU_WARM, 7},
                    {WG_L1_CPU_WARM, WG_L1_CPU_HOT, 15},
                    {WG_L1_CPU_HOT, WG_L1_CPU_WARM, 15},
                    {WG_L1_CPU_WARM, WG_L3_SSD_LOCAL, 15}};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(seen[i].from, expected[i].from);
        assert_int_equal(seen[i].to, expected[i].to);
        assert_int_equal(seen[i].bytes, expected[i].bytes);
        assert_int_equal(seen[i].heat, WG_HEAT_ONE);
        assert_int_equal(seen[i].tick, 1);
        assert_ptr_equal(seen[i].entry, &t.entry);
    }
    assert_int_equal(stats(cache, WG_L1_CPU_HOT).demotions, 1);
    assert_int_equal(stats(cache, WG_L1_CPU_HOT).promotions, 1);
    assert_int_equal(stats(cache, WG_L1_CPU_WARM).promotions, 1);
    for (int i = 0; i < 1030; i++) admit(cache, &t, i % 2 ? WG_L1_CPU_HOT : WG_L1_CPU_WARM, 1);
    assert_int_equal(wg_cache_trace(cache, seen, 2000), 1024);
    assert_int_equal(seen[1023].bytes, 1030);
    assert_int_equal(seen[0].bytes, 7);
    assert_int_equal(wg_cache_trace(cache, seen, 2), 2);
    assert_int_equal(seen[0].bytes, 1029);
    drop(cache, &t, 1);
}

static void test_cache_survives_allocation_failures(void **state) {
    /* Goal: a refused allocation is WG_E_NOMEM and changes nothing. */
    (void)state;
    wg_cache *cache = NULL;
    wg_error err = {0};
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, &err), WG_E_NOMEM);
    assert_null(cache);
    wg_cache_destroy(NULL);
    cache = make(NULL);
    thing t = {0};
    wg_cache_register(cache, &t.entry, WG_L3_SSD_LOCAL, on_evict);
    wg_error_clear(&err);
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_cache_admit(cache, &t.entry, WG_L1_CPU_WARM, 5, &err), WG_E_NOMEM);
    wg_error_clear(&err);
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_cache_require(cache, &t.entry, WG_SPEED_LANE_ONLY, 5, &err), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    assert_int_equal(t.entry.bytes, 0);
    assert_int_equal(where(&t), WG_L3_SSD_LOCAL);
    admit(cache, &t, WG_L1_CPU_WARM, 0); /* a class without bytes needs no place in the list */
    assert_int_equal(where(&t), WG_L1_CPU_WARM);
    drop(cache, &t, 1);
}

/* ---- disorder */

typedef struct model {
    uint64_t bytes[ENTRIES];
    wg_residency at[ENTRIES];
    uint32_t pins[ENTRIES];
    uint64_t held;
} model;

static uint64_t model_sum(const model *m, const uint64_t *caps_of, uint64_t cap_id) {
    uint64_t sum = 0;
    for (int i = 0; i < ENTRIES; i++)
        if (caps_of[m->at[i]] == cap_id) sum += m->bytes[i];
    return sum;
}

/* Takes over what was evicted, and checks that nothing pinned was. */
static void model_follow(model *m, thing *t, uint32_t *evictions, int admitted) {
    for (int i = 0; i < ENTRIES; i++) {
        if (t[i].evictions != evictions[i]) {
            assert_int_equal(m->pins[i], 0);
            assert_true(m->at[i] != WG_L1_CPU_PINNED);
            m->bytes[i] = 0;
            if (i != admitted) m->at[i] = i % 3 == 2 ? WG_L5_REMOTE_COLD : WG_L3_SSD_LOCAL;
            evictions[i] = t[i].evictions;
        }
    }
}

typedef struct random_run {
    wg_cache *cache;
    thing t[ENTRIES];
    model m;
    uint32_t evictions[ENTRIES];
    wg_rng rng;
    uint64_t refusals;
    uint64_t admissions;
} random_run;

static wg_residency home_of(int i) { return i % 3 == 2 ? WG_L5_REMOTE_COLD : WG_L3_SSD_LOCAL; }

static void random_admit(random_run *r, int i) {
    wg_error err = {0};
    wg_residency to = (wg_residency)wg_rng_below(&r->rng, WG_RESIDENCY_COUNT);
    const uint64_t more = wg_rng_below(&r->rng, 30);
    if (to == WG_L3_SSD_LOCAL || to == WG_L4_HDD_LOCAL || to == WG_L5_REMOTE_COLD) to = WG_L1_CPU_WARM;
    const wg_code code = wg_cache_admit(r->cache, &r->t[i].entry, to, more, &err);
    model_follow(&r->m, r->t, r->evictions, code == WG_OK ? i : -1);
    if (code != WG_OK) {
        assert_int_equal(code, WG_E_CAPACITY);
        r->refusals++;
        return;
    }
    r->admissions++;
    r->m.bytes[i] += more;
    r->m.at[i] = r->m.at[i] == WG_L1_CPU_PINNED ? WG_L1_CPU_PINNED : to;
}

static void random_step(random_run *r) {
    const int i = (int)wg_rng_below(&r->rng, ENTRIES);
    model *m = &r->m;
    switch (wg_rng_below(&r->rng, 8)) {
        case 0:
        case 1:
        case 2:
            random_admit(r, i);
            break;
        case 3:
            wg_cache_touch(r->cache, &r->t[i].entry);
            break;
        case 4:
            if (m->pins[i] < 2 && i % 4 == 0) wg_cache_pin(r->cache, &r->t[i].entry), m->pins[i]++;
            break;
        case 5:
            if (m->pins[i] > 0) wg_cache_unpin(r->cache, &r->t[i].entry), m->pins[i]--;
            break;
        case 6:
            if (!wg_cache_demote(r->cache, &r->t[i].entry)) break;
            assert_int_equal(m->pins[i], 0);
            m->bytes[i] = 0;
            m->at[i] = home_of(i);
            r->evictions[i] = r->t[i].evictions;
            break;
        default:
            m->held = wg_rng_below(&r->rng, 40);
            (void)wg_cache_set_held(r->cache, WG_L1_CPU_WARM, m->held);
            model_follow(m, r->t, r->evictions, -1);
            break;
    }
}

static void random_check(const random_run *r) {
    static const uint64_t cap_of[] = {0, 1, 2, 3, 4, 5, 6, 6, 6};
    static const uint64_t cap_bytes[] = {50, 60, 90, 120, 400, 400, 70};
    uint64_t entries[WG_RESIDENCY_COUNT] = {0};
    uint64_t bytes[WG_RESIDENCY_COUNT] = {0};
    const model *m = &r->m;
    for (int k = 0; k < ENTRIES; k++) {
        assert_int_equal(r->t[k].entry.bytes, m->bytes[k]);
        assert_int_equal(where(&r->t[k]), m->at[k]);
        entries[m->at[k]]++;
        bytes[m->at[k]] += m->bytes[k];
    }
    bytes[WG_L1_CPU_WARM] += m->held;
    for (int c = 0; c < WG_RESIDENCY_COUNT; c++) {
        assert_int_equal(stats(r->cache, (wg_residency)c).bytes, bytes[c]);
        assert_int_equal(stats(r->cache, (wg_residency)c).entries, entries[c]);
    }
    for (uint64_t c = 0; c < 7; c++)
        if (c != 3) assert_true(model_sum(m, cap_of, c) <= cap_bytes[c]);
}

static void test_cache_random_run_agrees_with_a_naive_model(void **state) {
    /* Goal: over a long random run no cap is passed, nothing pinned is evicted, and every sum is that of the entries. */
    (void)state;
    const wg_tier_budget budget = {
        .gpu = 50, .pinned = 60, .hot = 90, .warm = 120, .nvme = 400, .hdd = 400, .remote = 70};
    static random_run r;
    r.cache = make(&budget);
    wg_rng_init(&r.rng, wg_test_seed(20261121));
    for (int i = 0; i < ENTRIES; i++) {
        r.m.at[i] = home_of(i);
        wg_cache_register(r.cache, &r.t[i].entry, r.m.at[i], on_evict);
    }
    for (int op = 0; op < OPERATIONS; op++) {
        random_step(&r);
        random_check(&r);
    }
    assert_true(r.refusals > 100);
    assert_true(r.admissions > 1000);
    for (int i = 0; i < ENTRIES; i++)
        for (; r.m.pins[i] > 0; r.m.pins[i]--) wg_cache_unpin(r.cache, &r.t[i].entry);
    drop(r.cache, r.t, ENTRIES);
}

typedef struct worker {
    wg_thread thread;
    wg_cache *cache;
    thing *things;
    uint64_t seed;
    uint32_t pinned_evictions; /* of entries that this thread had pinned */
} worker;

static void work(void *arg) {
    worker *self = arg;
    wg_rng rng;
    wg_rng_init(&rng, self->seed);
    for (int op = 0; op < THREAD_OPERATIONS; op++) {
        thing *t = &self->things[wg_rng_below(&rng, ENTRIES)];
        switch (wg_rng_below(&rng, 6)) {
            case 0:
                (void)wg_cache_admit(self->cache, &t->entry, WG_L1_CPU_WARM, wg_rng_below(&rng, 20), NULL);
                break;
            case 1: {
                wg_cache_pin(self->cache, &t->entry);
                (void)wg_cache_admit(self->cache, &t->entry, WG_L1_CPU_WARM, 1, NULL);
                wg_cache_class_stats s;
                wg_cache_stats(self->cache, WG_L1_CPU_WARM, &s);
                if (s.bytes > 100 + HELD_MAX) self->pinned_evictions++; /* only held bytes may pass a cap */
                if (wg_cache_demote(self->cache, &t->entry)) self->pinned_evictions++;
                wg_cache_unpin(self->cache, &t->entry);
                break;
            }
            case 2:
                (void)wg_cache_shrink(self->cache, WG_L1_CPU_WARM, 50);
                break;
            case 3:
                (void)wg_cache_set_held(self->cache, WG_L1_CPU_WARM, wg_rng_below(&rng, 10));
                break;
            default:
                wg_cache_touch(self->cache, &t->entry);
                break;
        }
    }
}

static void test_cache_threads_keep_caps_and_sums(void **state) {
    /* Goal: in whatever order threads run, the cap holds, pins hold and the sums add up. */
    (void)state;
    const wg_tier_budget budget = {.warm = 100};
    wg_cache *cache = make(&budget);
    thing t[ENTRIES] = {0};
    worker workers[THREADS] = {0};
    for (int i = 0; i < ENTRIES; i++) wg_cache_register(cache, &t[i].entry, WG_L3_SSD_LOCAL, NULL);
    for (int i = 0; i < THREADS; i++) {
        workers[i].cache = cache;
        workers[i].things = t;
        workers[i].seed = (uint64_t)i + 1;
        assert_int_equal(wg_thread_start(&workers[i].thread, work, &workers[i], NULL), WG_OK);
    }
    uint64_t bytes = 0, hits = 0;
    for (int i = 0; i < THREADS; i++) {
        wg_thread_join(&workers[i].thread);
        assert_int_equal(workers[i].pinned_evictions, 0);
    }
    (void)wg_cache_set_held(cache, WG_L1_CPU_WARM, 0);
    for (int i = 0; i < ENTRIES; i++) bytes += t[i].entry.bytes;
    const wg_cache_class_stats warm = stats(cache, WG_L1_CPU_WARM);
    assert_int_equal(warm.bytes, bytes);
    assert_true(warm.bytes_max <= 100 + HELD_MAX);
    for (int r = 0; r < WG_RESIDENCY_COUNT; r++) hits += stats(cache, (wg_residency)r).hits;
    assert_true(hits > THREADS * THREAD_OPERATIONS / 6);
    drop(cache, t, ENTRIES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cache_names_its_nine_classes),
        cmocka_unit_test(test_cache_charges_the_cap_of_each_class),
        cmocka_unit_test(test_cache_shares_one_cap_among_remote_classes),
        cmocka_unit_test(test_cache_evicts_the_coldest_then_the_oldest),
        cmocka_unit_test(test_cache_refusal_evicts_nothing),
        cmocka_unit_test(test_cache_drops_an_entrys_own_older_bytes_last),
        cmocka_unit_test(test_cache_heat_halves_each_half_life),
        cmocka_unit_test(test_cache_heat_stops_growing),
        cmocka_unit_test(test_cache_shrink_leaves_what_is_warm_enough),
        cmocka_unit_test(test_cache_relieve_takes_hot_before_warm),
        cmocka_unit_test(test_cache_pinned_class_holds_until_demoted),
        cmocka_unit_test(test_cache_sends_entries_to_the_home_they_came_from),
        cmocka_unit_test(test_cache_held_bytes_push_entries_out),
        cmocka_unit_test(test_cache_speed_lane_refuses_what_cannot_be_promoted),
        cmocka_unit_test(test_cache_trace_keeps_the_newest_transitions),
        cmocka_unit_test(test_cache_survives_allocation_failures),
        cmocka_unit_test(test_cache_random_run_agrees_with_a_naive_model),
        cmocka_unit_test(test_cache_threads_keep_caps_and_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
