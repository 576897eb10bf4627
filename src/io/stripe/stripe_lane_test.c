/* Tests of what is asked for ahead of a scan (speed lanes), of names and paths, and of fragments that have no blocks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "io/platform/test_wrap.h"
#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

static const uint8_t uuid[16] = {5};
enum { ROWS = 16384, COLUMN_BYTES = ROWS * 8 };
static int64_t numbers[ROWS];
static wg_platform *sim;
static wrap_platform wrap;

static int setup(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    for (uint32_t i = 0; i < ROWS; i++) numbers[i] = wg_i64_of_u64(wg_rng_next(&rng) >> 1);
    if (wg_platform_sim_create(7, &sim, NULL) != WG_OK) return 1;
    wrap_begin(&wrap, sim);
    return sim->ops->make_directory(sim, "/s", NULL) == WG_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

/* Slot 0: columns 1 to 3 of 128 KiB each. Slot 1: one constant column, which has no block. */
static void write_stripe(bool zstd) {
    static const int64_t same[8];
    const wg_stripe_column columns[] = {{1, {.type = WG_TYPE_INT, .data = numbers}},
                                        {2, {.type = WG_TYPE_NODE, .data = numbers}},
                                        {3, {.type = WG_TYPE_FLOAT, .data = numbers}}};
    const wg_stripe_column constant = {9, {.type = WG_TYPE_INT, .data = same}};
    const wg_fragment_head heads[] = {{.key = {.kind = WG_KIND_ROWS}, .row_count = ROWS},
                                      {.key = {.kind = WG_KIND_ROWS, .slot = 1}, .row_count = 8}};
    wg_stripe_options o = {.zstd = zstd};
    wg_stripe_writer *w = NULL;
    uint64_t bytes = 0;
    memcpy(o.store_uuid, uuid, 16);
    assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(w, &heads[0], columns, 3, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(w, &heads[1], &constant, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
}

static wg_stripe *open_stripe(wg_cache *cache) {
    wg_stripe *s = NULL;
    wg_error err = {0};
    if (wg_stripe_open(sim, "/s", 1, uuid, cache, NULL, &s, &err) != WG_OK) fail_msg("%s", err.message);
    return s;
}

static uint64_t warm(const wg_cache *cache) {
    wg_cache_class_stats stats;
    wg_cache_stats(cache, WG_L1_CPU_WARM, &stats);
    return stats.bytes;
}

/* Goal: what a scan asks for ahead is admitted block by block, absent columns are no matter, and ANY admits nothing. */
static void test_stripe_lane_admits_what_is_asked_for(void **state) {
    (void)state;
    static const uint32_t ids[] = {2, 77};
    wg_cache *cache = NULL;
    wg_error err = {0};
    write_stripe(false);
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    assert_int_equal(wg_fragment_require(f, NULL, 0, WG_SPEED_LANE_ANY, &err), WG_OK);
    assert_int_equal(warm(cache), 0);
    assert_int_equal(wg_fragment_require(f, ids, 2, WG_SPEED_LANE_ONLY, &err), WG_OK);
    assert_int_equal(warm(cache), COLUMN_BYTES);
    assert_int_equal(wg_fragment_require(f, NULL, 0, WG_SPEED_LANE_PREFER, &err), WG_OK);
    assert_int_equal(warm(cache), 3 * COLUMN_BYTES);
    assert_int_equal(wg_fragment_require(wg_stripe_fragment(s, 1), NULL, 0, WG_SPEED_LANE_ONLY, &err), WG_OK);
    assert_int_equal(warm(cache), 3 * COLUMN_BYTES); /* no block, nothing to hold */
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

/* Goal: what does not fit is refused by name in ONLY and let go in PREFER; a scan of what was let go reads the same cells. */
static void test_stripe_lane_below_its_cap(void **state) {
    (void)state;
    const wg_tier_budget budget = {.warm = COLUMN_BYTES / 2};
    wg_cache *cache = NULL;
    wg_error err = {0};
    write_stripe(false);
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    assert_int_equal(wg_fragment_require(f, NULL, 0, WG_SPEED_LANE_PREFER, &err), WG_OK);
    assert_int_equal(err.code, WG_OK);
    assert_int_equal(wg_fragment_require(f, NULL, 0, WG_SPEED_LANE_ONLY, &err), WG_E_CAPACITY);
    assert_int_equal(strncmp(err.message, "BelowSpeedLane: ", 16), 0);
    assert_int_equal(warm(cache), 0);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

/* Goal: a damaged block is WG_E_CORRUPT in both lanes, not "below": the file and the place are named. */
static void test_stripe_lane_meets_damage(void **state) {
    (void)state;
    write_stripe(false);
    wg_stripe *s = open_stripe(NULL);
    wg_file *file = NULL;
    uint8_t byte = 0;
    size_t n = 0;
    const uint64_t at = WG_ARC1_PAGE + 100;
    wg_stripe_close(s);
    assert_int_equal(sim->ops->open(sim, "/s/00000000000000000001.arc1", WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->read_at(sim, file, at, &byte, 1, &n, NULL), WG_OK);
    byte ^= 1;
    assert_int_equal(sim->ops->write_at(sim, file, at, &byte, 1, NULL), WG_OK);
    sim->ops->close(sim, file);
    s = open_stripe(NULL);
    for (int lane = WG_SPEED_LANE_PREFER; lane <= WG_SPEED_LANE_ONLY; lane++) {
        wg_error err = {0};
        assert_int_equal(wg_fragment_require(wg_stripe_fragment(s, 0), NULL, 0, (wg_speed_lane)lane, &err),
                         WG_E_CORRUPT);
        assert_non_null(strstr(err.message, "00000000000000000001.arc1"));
        assert_true(err.offset != WG_NO_OFFSET);
    }
    wg_stripe_close(s);
}

/* Goal: a fragment without blocks is read, registered, evicted and prefetched like any other. */
static void test_stripe_fragment_without_blocks(void **state) {
    (void)state;
    wg_cache *cache = NULL;
    write_stripe(true);
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 1);
    wg_cache_entry *entry = wg_fragment_cache_entry(f);
    uint64_t cell = 5;
    wg_fragment_prefetch(f, NULL, 0);
    assert_int_equal(wg_fragment_u64(f, 0, 3, &cell, NULL), WG_OK);
    assert_int_equal(cell, 0);
    entry->evict(entry);
    assert_int_equal(wg_fragment_u64(f, 0, 7, &cell, NULL), WG_OK);
    assert_int_equal(cell, 0);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

/* Goal: numbers past 64 bits, letters and other endings are no names of stripes; a path that would be cut is WG_E_LIMIT. */
static void test_stripe_names_and_paths(void **state) {
    (void)state;
    static const char *const others[] = {"18446744073709551616.arc1", "99999999999999999999.arc1",
                                         "0000000000000000000x.arc1", "0000000000000000000/.arc1",
                                         "00000000000000000001.arc2", "00000000000000000001.arc1.tmp2"};
    static char dir[WRAP_PATH_BYTES];
    static char path[WRAP_PATH_BYTES];
    uint64_t id = 9;
    bool temporary = true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(wg_stripe_name_parse(others[i], &id, &temporary));
    assert_true(id == 9 && temporary);
    assert_true(wg_stripe_name_parse("18446744073709551615.arc1", &id, &temporary));
    assert_true(id == UINT64_MAX && !temporary);
    for (size_t size = 10; size < 4200; size += size < 4000 ? 997 : 1) {
        wg_error err = {0};
        wrap_long_path(dir, size);
        const wg_code code = wg_stripe_path(dir, 1, path, sizeof path, &err);
        assert_int_equal(code, size + 26 < 4160 ? WG_OK : WG_E_LIMIT);
        if (code == WG_OK) assert_int_equal(strlen(path), size + 26);
        assert_int_equal(wg_stripe_path(dir, 1, path, 36, NULL), size == 10 - 1 ? WG_OK : WG_E_LIMIT);
    }
}

/* Goal: a stripe below a path near the limit is written and read, or refused, whole. */
static void test_stripe_below_a_long_path(void **state) {
    (void)state;
    static char dir[WRAP_PATH_BYTES];
    uint32_t refused = 0;
    assert_int_equal(sim->ops->make_directory(sim, "/L", NULL), WG_OK);
    for (size_t size = 4120; size < 4140; size++) {
        const wg_stripe_options o = {.account = NULL};
        wg_stripe_writer *w = NULL;
        wg_stripe *s = NULL;
        uint64_t bytes = 0;
        wrap_long_path(dir, size);
        wg_code code = wg_stripe_create(&wrap.base, dir, size, &o, &w, NULL);
        if (code == WG_OK) code = wg_stripe_finish(w, &bytes, NULL);
        if (code == WG_OK) code = wg_stripe_open(&wrap.base, dir, size, o.store_uuid, NULL, NULL, &s, NULL);
        if (code == WG_OK) wg_stripe_close(s);
        else assert_int_equal(code, WG_E_LIMIT);
        refused += code != WG_OK;
        assert_int_equal(wg_stripe_open(&wrap.base, dir, 3, o.store_uuid, NULL, NULL, &s, NULL),
                         size + 26 < 4160 ? WG_E_NOT_FOUND : WG_E_LIMIT);
    }
    assert_true(refused > 0 && refused < 20);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_stripe_lane_admits_what_is_asked_for),
        T(test_stripe_lane_below_its_cap),
        T(test_stripe_lane_meets_damage),
        T(test_stripe_fragment_without_blocks),
        T(test_stripe_names_and_paths),
        T(test_stripe_below_a_long_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
