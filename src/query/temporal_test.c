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
    expect_error(s, "RETURN date({year: 2017, week: 53})", WG_E_VALUE, 7, "no week 53");
    expect_error(s, "RETURN date({year: 2017, ordinalDay: 366})", WG_E_VALUE, 7, "no day 366");
    expect_error(s, "RETURN date({year: 2017, quarter: 1, dayOfQuarter: 91})", WG_E_VALUE, 7, "no day 91");
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

/* Goal: moments are made from seconds and milliseconds since 1970, in a zone; what is beyond the years is refused. */
static void test_epochs(void **state) {
    store *s = *state;
    expect(s,
           "RETURN datetime({epochMillis: 1500000000123}), datetime({epochMillis: -1, nanosecond: 5}), "
           "datetime({epochSeconds: 1500000000, nanosecond: 5, timezone: 'Europe/Paris'})",
           "\"2017-07-14T02:40:00.123Z\"|\"1969-12-31T23:59:59.999000005Z\"|"
           "\"2017-07-14T04:40:00.000000005+02:00[Europe/Paris]\"\n");
    expect(s, "RETURN datetime.fromEpoch(1, 5), datetime.fromEpochMillis(-1)",
           "\"1970-01-01T00:00:01.000000005Z\"|\"1969-12-31T23:59:59.999Z\"\n");
    expect_error(s, "RETURN datetime({epochSeconds: 9223372036854775807})", WG_E_VALUE, 7, "out of range");
    expect_error(s, "RETURN datetime({epochMillis: 1, nanosecond: 1000000})", WG_E_VALUE, 7, "within 0 and 999999");
    expect_error(s, "RETURN datetime({epochMillis: 'x'})", WG_E_TYPE, 7, "STRING");
}

/* Goal: the years that dates have, local and with a zone; durations with a sign before them, and by whole numbers exactly. */
static void test_far_years_and_signed_durations(void **state) {
    store *s = *state;
    expect(s, "RETURN localdatetime('-999999999-01-01T00:00'), localdatetime('+999999999-12-31T23:59:59.999999999')",
           "\"-999999999-01-01T00:00:00\"|\"+999999999-12-31T23:59:59.999999999\"\n");
    expect(s, "RETURN datetime('+999999999-12-31T05:00Z'), localdatetime(date('+300000-01-01')).year",
           "\"+999999999-12-31T05:00:00Z\"|300000\n");
    expect(s,
           "UNWIND [localdatetime('+300000-01-01T00:00'), localdatetime('2000-01-01T00:00')] AS d RETURN max(d), "
           "min(d), count(DISTINCT d)",
           "\"+300000-01-01T00:00:00\"|\"2000-01-01T00:00:00\"|2\n");
    expect_error(s, "RETURN localdatetime('+999999999-12-31T23:00') + duration('PT1H')", WG_E_VALUE, 7,
                 "out of range");
    expect_error(s, "RETURN datetime('+999999999-12-31T23:00Z')", WG_E_VALUE, 7, "out of range");
    expect(s,
           "RETURN duration('-P1Y2DT3.5S'), duration('+P1D'), duration('-P-1D'), duration('-P2012-02-02T00:00:01')",
           "\"P-1Y-2DT-3.5S\"|\"P1D\"|\"P1D\"|\"P-2012Y-2M-2DT-1S\"\n");
    expect(s,
           "RETURN duration({seconds: 49}) / 49, duration('P7D') / 2, duration('P1M') / 3, duration({seconds: "
           "9000000000000000}) * 3",
           "\"PT1S\"|\"P3DT12H\"|\"P10DT3H29M42S\"|\"PT7500000000000H\"\n");
    expect_error(s, "RETURN duration('P1D') * 9223372036854775807 * 2", WG_E_VALUE, 7, "out of range");
    expect_error(s, "RETURN duration('P1D') / 0", WG_E_VALUE, 7, "out of range");
    expect_error(s, "RETURN duration({months: 1e300})", WG_E_VALUE, 7, "out of range");
}

/* Goal: damaged text is refused, whatever is wrong with it. */
static void test_wrong_text_is_refused(void **state) {
    store *s = *state;
    static const char *const bad[] = {"RETURN date('')",
                                      "RETURN date('2015-13-01')",
                                      "RETURN date('2015-02-30')",
                                      "RETURN date('2015-366')",
                                      "RETURN date('2017-W53')",
                                      "RETURN date('2017-Q1-91')",
                                      "RETURN date('2015-07-21x')",
                                      "RETURN localtime('24:00')",
                                      "RETURN localtime('12:60')",
                                      "RETURN time('12:00+19:00')",
                                      "RETURN duration('P')",
                                      "RETURN duration('P1X')",
                                      "RETURN duration('1D')",
                                      "RETURN localdatetime('2015-01-01T12:00Z')"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) expect_error(s, bad[i], WG_E_VALUE, 7, "takes text like");
    expect_error(s, "RETURN datetime('2015-07-21T21:40[Europe/Atlantis]')", WG_E_VALUE, 7, "no time zone");
    expect_error(s, "RETURN datetime({year: 1, timezone: 'Mars'})", WG_E_VALUE, 7, "no time zone");
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
    expect_error(s, "WITH duration({seconds: 9300000000}) AS d RETURN d.nanoseconds", WG_E_VALUE, 49,
                 "too many nanoseconds");
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

/* Goal: a named zone is kept, follows its rules through arithmetic and conversion, and is stored with the value. */
static void test_named_time_zones(void **state) {
    store *s = *state;
    expect(s, "RETURN datetime('2017-07-01T12:00[Europe/Stockholm]') AS t",
           "\"2017-07-01T12:00:00+02:00[Europe/Stockholm]\"\n");
    expect(s,
           "WITH datetime({year: 2017, month: 10, day: 28, hour: 2, minute: 30, timezone: 'Europe/Stockholm'}) AS t "
           "RETURN t + duration('P1D'), t + duration('PT24H'), t + duration('P1DT1H'), t + duration('PT25H')",
           "\"2017-10-29T02:30:00+02:00[Europe/Stockholm]\"|\"2017-10-29T02:30:00+02:00[Europe/Stockholm]\"|"
           "\"2017-10-29T02:30:00+01:00[Europe/Stockholm]\"|\"2017-10-29T02:30:00+01:00[Europe/Stockholm]\"\n");
    expect(s,
           "RETURN datetime('2017-03-26T02:30[Europe/Stockholm]') AS skipped, "
           "datetime('2017-10-29T02:30+01:00[Europe/Stockholm]') AS later",
           "\"2017-03-26T03:30:00+02:00[Europe/Stockholm]\"|\"2017-10-29T02:30:00+01:00[Europe/Stockholm]\"\n");
    expect(s,
           "WITH datetime('2015-07-21T21:40:32[Europe/London]') AS t RETURN t.timezone, t.offset, "
           "datetime({datetime: t, timezone: 'Asia/Tokyo'})",
           "\"Europe/London\"|\"+01:00\"|\"2015-07-22T05:40:32+09:00[Asia/Tokyo]\"\n");
    expect(s,
           "RETURN datetime('2020-01-01T00:00[UTC]') = datetime('2020-01-01T00:00Z') AS equal, "
           "datetime('2020-01-01T00:00[UTC]') < datetime('2020-01-01T00:00[Zulu]') AS before",
           "false|true\n");
    expect(s, "CREATE (:Z {t: datetime('2017-07-01T12:00[Europe/Stockholm]')})", "");
    expect(s, "MATCH (z:Z) RETURN z.t", "\"2017-07-01T12:00:00+02:00[Europe/Stockholm]\"\n");
    expect_error(s, "RETURN datetime('2017-07-01T12:00[Europe/Stokholm]')", WG_E_VALUE, 7,
                 "did you mean 'Europe/Stockholm'");
    expect_error(s, "RETURN datetime('2017-07-01T12:00+01:00[Europe/Stockholm]')", WG_E_VALUE, 7, "another offset");
    expect_error(s, "RETURN time({hour: 12, timezone: 'Europe/Stockholm'})", WG_E_VALUE, 7, "depends on the date");
}

/* Goal: the current time is one input for all rows, in UTC or the zone that is asked for. */
static void test_the_current_time_is_an_input(void **state) {
    store *s = *state;
    expect(s, "RETURN datetime(), date(), localtime(), time(), localdatetime()",
           "\"1970-01-01T00:00:00Z\"|\"1970-01-01\"|\"00:00:00\"|\"00:00:00Z\"|\"1970-01-01T00:00:00\"\n");
    expect(s,
           "RETURN datetime({timezone: 'Asia/Tokyo'}), time.statement('+01:00'), date.transaction(), "
           "date.realtime(null)",
           "\"1970-01-01T09:00:00+09:00[Asia/Tokyo]\"|\"01:00:00+01:00\"|\"1970-01-01\"|null\n");
    expect(s, "UNWIND range(1, 5000) AS i WITH DISTINCT datetime.realtime() AS t RETURN count(t)", "1\n");
    expect_error(s, "RETURN date.statement('nowhere')", WG_E_VALUE, 7, "no time zone");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_far_years_and_signed_durations),
        cmocka_unit_test(test_named_time_zones),
        cmocka_unit_test(test_the_current_time_is_an_input),
        cmocka_unit_test(test_dates_are_built_from_fields),
        cmocka_unit_test(test_iso_text_is_read),
        cmocka_unit_test(test_wrong_text_is_refused),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_parts_and_order),
        cmocka_unit_test(test_values_are_stored),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
