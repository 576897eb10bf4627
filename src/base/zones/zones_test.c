/* Named time zones: every zone unpacks, offsets before, between and behind the listed changes, local times that come twice or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text/text.h"
#include "base/zones/zones.h"

static uint32_t zone_of(const char *name) {
    uint32_t zone = UINT32_MAX;
    assert_int_equal(wg_zone_find(wg_slice_str(name), &zone, NULL), WG_OK);
    assert_string_equal(wg_zone_name(zone), name);
    return zone;
}

static int64_t seconds(const char *text) {
    int64_t out = 0;
    uint32_t ns = 0;
    assert_true(wg_parse_local_datetime(wg_slice_str(text), &out, &ns));
    return out;
}

/* Goal: the whole table can be unpacked, names ascend, and offsets are within a day everywhere, far past and future included. */
static void test_zones_all_unpack(void **state) {
    (void)state;
    assert_true(wg_zone_count() > 400);
    for (uint32_t i = 0; i < wg_zone_count(); i++) {
        const uint32_t zone = zone_of(wg_zone_name(i));
        assert_int_equal(zone, i);
        if (i > 0) assert_true(strcmp(wg_zone_name(i - 1), wg_zone_name(i)) < 0);
        for (int64_t at = -9000000000; at < 9000000000; at += 86400 * 97 + 3601) {
            const int32_t offset = wg_zone_offset(zone, at);
            assert_true(offset > -18 * 3600 && offset < 18 * 3600);
            /* A local time that a moment has leads back to a moment that has it. */
            const int32_t back = wg_zone_offset_of_local(zone, at + offset, offset);
            assert_int_equal(back, offset);
        }
    }
}

/* Goal: offsets are those that the places are known to have had: mean time before standard time, the rules of each half, and years
 * behind the last listed change. Facts: the IANA time zone database. */
static void test_zones_offsets_are_known_ones(void **state) {
    (void)state;
    static const struct {
        const char *zone, *utc;
        int32_t offset;
    } cases[] = {
        {"Europe/Stockholm", "1818-07-21T00:00:00", 53 * 60 + 28},
        {"Europe/Stockholm", "1984-10-11T00:00:00", 3600},
        {"Europe/Stockholm", "2017-10-29T00:59:59", 7200},
        {"Europe/Stockholm", "2017-10-29T01:00:00", 3600},
        {"Europe/Berlin", "2500-07-01T00:00:00", 7200},
        {"Europe/Berlin", "2500-12-01T00:00:00", 3600},
        {"Pacific/Honolulu", "1984-10-28T00:00:00", -36000},
        {"America/New_York", "2015-07-21T00:00:00", -4 * 3600},
        {"America/New_York", "2100-01-15T00:00:00", -5 * 3600},
        {"Australia/Eucla", "2015-07-21T00:00:00", 8 * 3600 + 45 * 60},
        {"Australia/Sydney", "2300-01-15T00:00:00", 11 * 3600},
        {"Australia/Sydney", "2300-07-15T00:00:00", 10 * 3600},
        {"Europe/Dublin", "2200-07-15T00:00:00", 3600},
        {"Europe/Dublin", "2200-01-15T00:00:00", 0},
        {"Asia/Kolkata", "2024-01-01T00:00:00", 5 * 3600 + 1800},
        {"UTC", "1500-01-01T00:00:00", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(wg_zone_offset(zone_of(cases[i].zone), seconds(cases[i].utc)), cases[i].offset);
}

/* Goal: of two moments with one local time the earlier counts unless the later's offset is asked for; a time in a gap is taken by the
 * offset before it. */
static void test_zones_local_times_twice_and_never(void **state) {
    (void)state;
    const uint32_t zone = zone_of("Europe/Stockholm");
    const int64_t twice = seconds("2017-10-29T02:30:00"), never = seconds("2017-03-26T02:30:00");
    assert_int_equal(wg_zone_offset_of_local(zone, twice, INT32_MIN), 7200);
    assert_int_equal(wg_zone_offset_of_local(zone, twice, 7200), 7200);
    assert_int_equal(wg_zone_offset_of_local(zone, twice, 3600), 3600);
    assert_int_equal(wg_zone_offset_of_local(zone, twice, 0), 7200);
    assert_int_equal(wg_zone_offset_of_local(zone, never, INT32_MIN), 3600);
    assert_int_equal(wg_zone_offset_of_local(zone, never, 7200), 3600);
}

/* Goal: names are exact, unknown ones are told, and a near one is suggested. */
static void test_zones_unknown_names(void **state) {
    (void)state;
    static const char *const wrong[] = {"",       "Europe/Stockholmm", "europe/berlin",
                                        "Europe", "Europe/Berlin ",    "+01:00"};
    uint32_t zone = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        wg_error err = {0};
        assert_int_equal(wg_zone_find(wg_slice_str(wrong[i]), &zone, &err), WG_E_NOT_FOUND);
        assert_int_equal(zone, 7);
    }
    assert_string_equal(wg_zone_suggest(wg_slice_str("Europe/Stokholm")), "Europe/Stockholm");
    assert_null(wg_zone_suggest(wg_slice_str("nowhere at all")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zones_all_unpack),
        cmocka_unit_test(test_zones_offsets_are_known_ones),
        cmocka_unit_test(test_zones_local_times_twice_and_never),
        cmocka_unit_test(test_zones_unknown_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
