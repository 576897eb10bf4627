/* Goal: points are made, read, compared, grouped, stored and measured as Cypher says; what is wrong is refused with its code. */
#include <math.h>

#include "query/query_test_kit.h"

#include "base/core/test_seed.h"
#include "base/text/text.h"

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

/* Goal: names of coordinates, crs and srid each choose the system; the parts and the text come back. */
static void test_points_are_made_in_four_systems(void **state) {
    store *s = *state;
    expect(s, "RETURN point({x: 1, y: 2.5}), point({x: 1, y: 2, z: 3}), point({latitude: 55.7, longitude: 12.5})",
           "{\"srid\":7203,\"x\":1.0,\"y\":2.5}|{\"srid\":9157,\"x\":1.0,\"y\":2.0,\"z\":3.0}|"
           "{\"srid\":4326,\"x\":12.5,\"y\":55.7}\n");
    expect(s, "RETURN point({latitude: 1, longitude: 2, height: 3}), point({x: 2, y: 1, crs: 'WGS-84'})",
           "{\"srid\":4979,\"x\":2.0,\"y\":1.0,\"z\":3.0}|{\"srid\":4326,\"x\":2.0,\"y\":1.0}\n");
    expect(s, "RETURN point({x: 2, y: 1, srid: 4326}) = point({latitude: 1, longitude: 2}), point({x: 1, y: 2}).z",
           "true|null\n");
    expect(s,
           "WITH point({latitude: 1, longitude: 2, height: 3}) AS p "
           "RETURN p.x, p.y, p.z, p.longitude, p.latitude, p.height, p.crs, p.srid",
           "2.0|1.0|3.0|2.0|1.0|3.0|\"wgs-84-3d\"|4979\n");
    expect(s, "WITH point({x: 1, y: 2}) AS p RETURN p.latitude, p.crs, p['y'], toString(p)",
           "null|\"cartesian\"|2.0|\"point({x: 1.0, y: 2.0, crs: 'cartesian'})\"\n");
    expect(s, "RETURN point(null), point({x: null, y: 1}), point({x: 1, y: 2, crs: null})", "null|null|null\n");
    expect(s, "RETURN point({longitude: 190, latitude: 0}).x, point({longitude: -541, latitude: 0}).x",
           "-170.0|179.0\n");
}

/* Goal: what makes no point is refused where it stands. */
static void test_wrong_points_are_refused(void **state) {
    store *s = *state;
    expect_error(s, "RETURN point({x: 1})", WG_E_VALUE, 7, "needs x and y");
    expect_error(s, "RETURN point({})", WG_E_VALUE, 7, "needs x and y");
    expect_error(s, "RETURN point({x: 'a', y: 1})", WG_E_TYPE, 7, "x must be a number");
    expect_error(s, "RETURN point({latitude: 91, longitude: 0})", WG_E_VALUE, 7, "within -90 and 90");
    expect_error(s, "RETURN point({x: 0.0 / 0.0, y: 0})", WG_E_VALUE, 7, "finite");
    expect_error(s, "RETURN point({x: 1, y: 2, z: 3, crs: 'cartesian'})", WG_E_VALUE, 7, "has 2 coordinates, 3 are");
    expect_error(s, "RETURN point({x: 1, y: 2, srid: 9157})", WG_E_VALUE, 7, "has 3 coordinates, 2 are");
    expect_error(s, "RETURN point({x: 1, y: 2, crs: 'mars'})", WG_E_VALUE, 7, "no such coordinate system");
    expect_error(s, "RETURN point({latitude: 1, longitude: 2, crs: 'cartesian'})", WG_E_VALUE, 7, "no latitude");
    expect_error(s, "RETURN point({x: 1, longitude: 2, y: 3})", WG_E_VALUE, 7, "x or longitude, not both");
    expect_error(s, "RETURN point({x: 1, y: 2, crs: 'wgs-84', srid: 4326})", WG_E_VALUE, 7, "crs or srid, not both");
    expect_error(s, "RETURN point(1)", WG_E_TYPE, 7, "takes a MAP");
    expect_error(s, "RETURN point.distance(point({x: 1, y: 2}), 1)", WG_E_TYPE, 7, "takes a POINT as argument 2");
}

/* Goal: equality, order, grouping and DISTINCT see system and coordinates; < has no answer; aggregates take points. */
static void test_points_compare_and_group(void **state) {
    store *s = *state;
    expect(s, "RETURN point({x: 1, y: 2}) = point({x: 1.0, y: 2.0}), point({x: 1, y: 2}) = point({x: 1, y: 2, z: 0})",
           "true|false\n");
    expect(s, "RETURN point({x: 1, y: 2}) < point({x: 1, y: 3}), point({x: 1, y: 2}) <> point({x: 1, y: 3})",
           "null|true\n");
    expect(s,
           "UNWIND [1, 'a', date('2020-01-01'), [1], null, point({x: 1, y: 2}), point({x: 0, y: 5}), "
           "point({latitude: 9, longitude: 9})] AS v RETURN v ORDER BY v",
           "[1]\n{\"srid\":4326,\"x\":9.0,\"y\":9.0}\n{\"srid\":7203,\"x\":0.0,\"y\":5.0}\n"
           "{\"srid\":7203,\"x\":1.0,\"y\":2.0}\n\"2020-01-01\"\n\"a\"\n1\nnull\n");
    expect(s, "UNWIND [0.0, -0.0, 1.0] AS x WITH point({x: x, y: 1}) AS p RETURN p.x = 0, count(*)",
           "true|2\nfalse|1\n");
    expect(s, "UNWIND [0, 1, 0] AS x RETURN DISTINCT point({x: x, y: 1}) AS p",
           "{\"srid\":7203,\"x\":0.0,\"y\":1.0}\n{\"srid\":7203,\"x\":1.0,\"y\":1.0}\n");
    expect(s, "UNWIND [2, 1, 3] AS x WITH point({x: x, y: 1}) AS p RETURN min(p).x, max(p).x, count(DISTINCT p)",
           "1.0|3.0|3\n");
}

/* Goal: points are properties, alone and in lists, and can be found by their value. */
static void test_points_are_stored(void **state) {
    store *s = *state;
    run(s,
        "CREATE (:City {name: 'A', at: point({latitude: 1, longitude: 2})}), "
        "(:City {name: 'B', at: point({latitude: 3, longitude: 4, height: 5})})");
    run(s, "MATCH (c:City {name: 'A'}) SET c.border = [point({x: 1, y: 2}), point({x: 3, y: 4})]");
    expect(s, "MATCH (c:City) RETURN c.name, c.at ORDER BY c.at",
           "\"A\"|{\"srid\":4326,\"x\":2.0,\"y\":1.0}\n\"B\"|{\"srid\":4979,\"x\":4.0,\"y\":3.0,\"z\":5.0}\n");
    expect(s, "MATCH (c:City) WHERE c.at = point({x: 2, y: 1, srid: 4326}) RETURN c.border[1].y, c.at.latitude",
           "4.0|1.0\n");
    const wg_map_entry entries[] = {
        {"srid", 4, wg_value_int(4326)}, {"x", 1, wg_value_int(2)}, {"y", 1, wg_value_int(1)}};
    wg_value params[1] = {{.type = WG_TYPE_MAP, .size = 3}};
    params[0].as.map = entries;
    expect_with(s, "MATCH (c:City) WHERE c.at = point($p) RETURN c.name", params, "\"A\"\n");
    const wg_value axes[] = {wg_value_float(2), wg_value_float(1)};
    params[0] = wg_value_point(WG_SRID_WGS84, axes);
    expect_with(s, "MATCH (c:City) WHERE c.at = $p RETURN c.name, $p.x", params, "\"A\"|2.0\n");
}

/* Goal: distances in the plane, in space and on the globe; null between systems. */
static void test_distances(void **state) {
    store *s = *state;
    expect(s,
           "RETURN point.distance(point({x: 0, y: 0}), point({x: 3, y: 4})), distance(point({x: 0, y: 0, z: 0}), "
           "point({x: 2, y: 3, z: 6}))",
           "5.0|7.0\n");
    expect(s,
           "RETURN point.distance(point({x: 0, y: 0}), point({longitude: 0, latitude: 0})), "
           "point.distance(null, point({x: 1, y: 1}))",
           "null|null\n");
    expect(s,
           "RETURN round(point.distance(point({longitude: 12.78, latitude: 56.7}), "
           "point({longitude: 12.79, latitude: 56.71})))",
           "1270.0\n");
    expect(s,
           "RETURN point.distance(point({longitude: 7, latitude: 7, height: 0}), "
           "point({longitude: 7, latitude: 7, height: 100}))",
           "100.0\n");
    expect(
        s,
        "RETURN point.distance(point({longitude: 179, latitude: 0}), point({longitude: -179, latitude: 0})) < 222700",
        "true\n");
}

static double around(wg_rng *rng, double most) { return (wg_rng_unit(rng) * 2 - 1) * most; }

/* The spherical law of cosines in long double: another formula for the same thing, good where points lie apart. */
static double by_cosines(double lon_a, double lat_a, double lon_b, double lat_b) {
    const long double d = 3.14159265358979323846264338327950288L / 180;
    const long double c =
        sinl(lat_a * d) * sinl(lat_b * d) + cosl(lat_a * d) * cosl(lat_b * d) * cosl((lon_b - lon_a) * d);
    return (double)(6378140.0L * acosl(c > 1 ? 1 : c < -1 ? -1 : c));
}

/* Goal: random distances agree with another formula to a centimetre. */
static void test_distances_agree_with_the_law_of_cosines(void **state) {
    store *s = *state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(73));
    for (int i = 0; i < 200; i++) {
        wg_value params[4];
        for (int k = 0; k < 4; k++) params[k] = wg_value_float(around(&rng, k % 2 == 0 ? 180 : 90));
        wg_error err = {0};
        assert_int_equal(try_text(s,
                                  "RETURN point.distance(point({longitude: $a, latitude: $b}), "
                                  "point({longitude: $c, latitude: $d}))",
                                  params, &err),
                         WG_OK);
        double got = 0;
        assert_true(wg_parse_f64(wg_slice_of(s->answer.data, s->answer.size - 1), &got));
        const double wanted = by_cosines(params[0].as.f, params[1].as.f, params[2].as.f, params[3].as.f);
        assert_true(fabs(got - wanted) < 0.01);
    }
}

/* Goal: boxes have their borders inside, may cross the 180th meridian, and know nothing of other systems. */
static void test_boxes(void **state) {
    store *s = *state;
    expect(
        s,
        "WITH point({x: 0, y: 0}) AS a, point({x: 2, y: 2}) AS b RETURN point.withinBBox(point({x: 2, y: 0}), a, b), "
        "point.withinBBox(point({x: 3, y: 0}), a, b), point.withinBBox(a, b, a), point.withinBBox(a, null, b)",
        "true|false|false|null\n");
    expect(
        s,
        "WITH point({longitude: 179, latitude: -1}) AS a, point({longitude: -179, latitude: 1}) AS b "
        "UNWIND [180, -180, 179.5, 0, -178] AS x RETURN point.withinBBox(point({longitude: x, latitude: 0}), a, b)",
        "true\ntrue\ntrue\nfalse\nfalse\n");
    expect(s, "RETURN point.withinBBox(point({x: 1, y: 1}), point({x: 0, y: 0}), point({longitude: 2, latitude: 2}))",
           "null\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_points_are_made_in_four_systems, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_points_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_points_compare_and_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_points_are_stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_distances, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_distances_agree_with_the_law_of_cosines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_boxes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
