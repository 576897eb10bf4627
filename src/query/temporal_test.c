/* Goal: values of time are made, read, compared, computed with and stored as openCypher says; what is wrong is refused with its code. */
#include "query/query_test_kit.h"

static int set_up(void **state) {
    static store s;
    store_open(&s);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

/* Goal: maps name a date in four ways, over a base or not. */
static void test_dates_are_built_from_fields(void **state) {
    store *s = *state;
    expect(s, "RETURN date({year: 1984, month: 10, day: 11}), date({year: 1984})", "\"1984-10-11\"|\"1984-01-01\"\n");
    expect(s, "RETURN date({year: 1817, week: 1}), date({year: 1818, week: 53})", "\"1816-12-30\"|\"1818-12-28\"\n");
    expect(s, "RETURN date({year: 1984, ordinalDay: 202}), date({year: 1984, quarter: 3, dayOfQuarter: 45})",
           "\"1984-07-20\"|\"1984-08-14\"\n");
    expect(s, "RETURN date({date: date('1984-11-11'), quarter: 3}), date({date: date('1816-12-31'), week: 2})",
           "\"1984-08-11\"|\"1817-01-07\"\n");
    expect(s, "RETURN date({date: date('2020-02-29'), year: 2021})", "\"2021-02-28\"\n");
    expect_error(s, "RETURN date({month: 1})", WG_E_VALUE, 7, "needs a year");
    expect_error(s, "RETURN date({year: 2001, month: 13})", WG_E_VALUE, 7, "month must be within 1 and 12");
    expect_error(s, "RETURN date({year: 2001, month: 2, day: 29})", WG_E_VALUE, 7, "day must be within 1 and 28");
    expect_error(s, "RETURN date({year: 'x'})", WG_E_TYPE, 7, "year must be an INT");
}

/* Goal: ISO text in basic and extended form, and nothing else. */
static void test_iso_text_is_read(void **state) {
    store *s = *state;
    expect(s, "RETURN date('2015-W30-2'), date('20150721'), date('2015-202'), date('2015-07'), date('2015')",
           "\"2015-07-21\"|\"2015-07-21\"|\"2015-07-21\"|\"2015-07-01\"|\"2015-01-01\"\n");
    expect(s, "RETURN localtime('214032.142'), time('21:40-01:30'), time('22+18:00')",
           "\"21:40:32.142\"|\"21:40:00-01:30\"|\"22:00:00+18:00\"\n");
    expect(s, "RETURN datetime('2015-07-21T21:40:32.142+0100'), localdatetime('2015T21')",
           "\"2015-07-21T21:40:32.142+01:00\"|\"2015-01-01T21:00:00\"\n");
    expect(s, "RETURN duration('P1Y2M10DT2H30.5S'), duration('P-1D'), duration('P2012-02-02T14:37:21.545')",
           "\"P1Y2M10DT2H30.5S\"|\"P-1D\"|\"P2012Y2M2DT14H37M21.545S\"\n");
}

/* Goal: damaged text is refused, whatever is wrong with it. */
static void test_wrong_text_is_refused(void **state) {
    store *s = *state;
    static const char *const bad[] = {
        "RETURN date('')",           "RETURN date('2015-13-01')",  "RETURN date('2015-02-30')",
        "RETURN date('2015-366')",   "RETURN date('2015-07-21x')", "RETURN localtime('24:00')",
        "RETURN localtime('12:60')", "RETURN time('12:00+19:00')", "RETURN duration('P')",
        "RETURN duration('P1X')",    "RETURN duration('1D')",      "RETURN localdatetime('2015-01-01T12:00Z')"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) expect_error(s, bad[i], WG_E_VALUE, 7, "takes text like");
    expect_error(s, "RETURN datetime('2015-07-21T21:40[Europe/London]')", WG_E_UNSUPPORTED, 7, "named time zone");
    expect_error(s, "RETURN datetime({year: 1, timezone: 'Mars'})", WG_E_UNSUPPORTED, 7, "names of zones");
}

/* Goal: durations cascade, add, scale and move instants on the calendar. */
static void test_arithmetic(void **state) {
    store *s = *state;
    expect(s, "RETURN duration({months: 0.75}), duration({weeks: 2.5}), duration({seconds: -0.001})",
           "\"P22DT19H51M49.5S\"|\"P17DT12H\"|\"PT-0.001S\"\n");
    expect(s, "RETURN date('2020-01-31') + duration('P1M'), date('2020-03-31') - duration('P1M1D')",
           "\"2020-02-29\"|\"2020-02-28\"\n");
    expect(s, "RETURN localtime('23:30') + duration('PT1H'), datetime('2020-12-31T23:30Z') + duration('PT1H')",
           "\"00:30:00\"|\"2021-01-01T00:30:00Z\"\n");
    expect(s, "RETURN duration('P1M') + duration('P1D'), duration('P2D') * 1.5, duration('P3D') / 2",
           "\"P1M1D\"|\"P3D\"|\"P1DT12H\"\n");
    expect(s, "RETURN duration.between(date('1984-10-11'), date('2015-06-24'))", "\"P30Y8M13D\"\n");
    expect(s, "RETURN duration.inSeconds(time('14:30'), time('16:30+0100'))", "\"PT1H\"\n");
    expect_error(s, "RETURN date('2020-01-01') + 1", WG_E_TYPE, 7, "cannot compute DATE + INT");
    expect_error(s, "RETURN date('2020-01-01') + duration({years: 2000000000})", WG_E_VALUE, 7, "out of range");
    expect_error(s, "RETURN duration({months: 9223372036854775807}) + duration({months: 1})", WG_E_VALUE, 7,
                 "out of range");
}

/* Goal: truncation, parts, order and equality. */
static void test_parts_and_order(void **state) {
    store *s = *state;
    expect(s, "RETURN date.truncate('week', date('1984-10-11')), localtime.truncate('hour', localtime('12:31'))",
           "\"1984-10-08\"|\"12:00:00\"\n");
    expect(s,
           "WITH datetime('1984-11-11T12:31:14.645876123+01:00') AS d RETURN d.year, d.week, d.weekDay, "
           "d.nanosecond, d.offset",
           "1984|45|7|645876123|\"+01:00\"\n");
    expect(s, "WITH duration('P1Y4M10DT1H1M1S') AS d RETURN d.months, d.monthsOfYear, d.minutes, d.nothing",
           "16|4|61|null\n");
    expect(s,
           "RETURN time('10:00+01:00') < time('10:00Z'), datetime('2020-01-01T01:00+01:00') = "
           "datetime('2020-01-01T00:00Z')",
           "true|false\n");
    expect(s, "RETURN duration('P1D') = duration('PT24H'), duration('P1D') < duration('P2D')", "false|null\n");
}

/* Goal: values of every type come back from the store as they were put in. */
static void test_values_are_stored(void **state) {
    store *s = *state;
    run(s,
        "CREATE (:T {a: date('2001-01-31'), b: localtime('01:02:03.5'), c: time('01:02+01:00'), "
        "d: localdatetime('2001-01-31T01:02:03.000000004'), e: datetime('2001-01-31T01:02:03-05:30'), "
        "f: duration('P1M2DT3.5S'), g: [duration('P1D')]})");
    expect(s, "MATCH (t:T) RETURN t.a, t.b, t.c, t.d, t.e, t.f, t.g",
           "\"2001-01-31\"|\"01:02:03.5\"|\"01:02:00+01:00\"|\"2001-01-31T01:02:03.000000004\"|"
           "\"2001-01-31T01:02:03-05:30\"|\"P1M2DT3.5S\"|[\"P1D\"]\n");
    expect(s, "MATCH (t:T) WHERE t.f = duration('P1M2DT3.5S') AND t.e < datetime('2002') RETURN count(*)", "1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_are_built_from_fields),
        cmocka_unit_test(test_iso_text_is_read),
        cmocka_unit_test(test_wrong_text_is_refused),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_parts_and_order),
        cmocka_unit_test(test_values_are_stored),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
