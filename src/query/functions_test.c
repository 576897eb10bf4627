/* Goal: each function gives what Cypher says, as constants and over rows alike, and refuses what it cannot take with the right code. */
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

typedef struct row {
    const char *expression;
    const char *answer;
} row;

/* As a constant, over rows that a plan cannot fold, and through a value of unknown type. */
static void check_rows(store *s, const row *rows, size_t count) {
    char text[1024], wanted[1024];
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "RETURN %s", rows[i].expression);
        (void)snprintf(wanted, sizeof wanted, "%s\n", rows[i].answer);
        expect(s, text, wanted);
        (void)snprintf(text, sizeof text, "UNWIND [1, 2] AS any WITH any RETURN CASE WHEN any > 0 THEN %s END",
                       rows[i].expression);
        (void)snprintf(wanted, sizeof wanted, "%s\n%s\n", rows[i].answer, rows[i].answer);
        expect(s, text, wanted);
    }
}
#define CHECK(s, rows) check_rows(s, rows, sizeof rows / sizeof rows[0])

static void test_text(void **state) {
    static const row rows[] = {
        {"trim('  a b ')", "\"a b\""},
        {"btrim('xxaxx', 'x')", "\"a\""},
        {"ltrim('xyxa', 'xy')", "\"a\""},
        {"rtrim('a\xc3\xa9\xc3\xa9', '\xc3\xa9')", "\"a\""},
        {"trim('\xe3\x80\x80\xc2\xa0 a\\t\\n')", "\"a\""},
        {"trim(BOTH 'x' FROM 'xax')", "\"a\""},
        {"trim(leading 'x' from 'xax')", "\"ax\""},
        {"trim(TRAILING 'x' FROM 'xax')", "\"xa\""},
        {"trim('x' FROM 'xax')", "\"a\""},
        {"trim(BOTH FROM ' a ')", "\"a\""},
        {"trim(null)", "null"},
        {"btrim('a', null)", "null"},
        {"btrim('aa', '')", "\"aa\""},
        {"char_length('h\xc3\xa9!')", "3"},
        {"character_length('')", "0"},
        {"upper('a\xc3\xa9') + lower('A\xc3\x89')",
         "\"A\xc3\x89"
         "a\xc3\xa9\""},
        {"split('a,b;c', [',', ';'])", "[\"a\",\"b\",\"c\"]"},
        {"split('abc', '')", "[\"a\",\"b\",\"c\"]"},
        {"split('a--b-c', ['--', '-'])", "[\"a\",\"b\",\"c\"]"},
        {"split(',a,', ',')", "[\"\",\"a\",\"\"]"},
        {"split('abc', [])", "[\"abc\"]"},
        {"split('', ',')", "[\"\"]"},
        {"'a' || 'b' || 'c'", "\"abc\""},
        {"[1] || [2, 3]", "[1,2,3]"},
        {"'a' || null", "null"},
        {"replace('aaa', 'a', 'bb')", "\"bbbbbb\""},
        {"replace('aaa', '', 'b')", "\"aaa\""},
        {"left('h\xc3\xa9llo', 2) + right('h\xc3\xa9llo', 2)", "\"h\xc3\xa9lo\""},
        {"substring('hello', 1, 3) + substring('hello', 9)", "\"ell\""},
        {"reverse('h\xc3\xa9')", "\"\xc3\xa9h\""},
        {"toStringOrNull([1])", "null"},
        {"toStringOrNull(1.5)", "\"1.5\""},
        {"toStringList([1, null, 'a', 2.5, true, date('2020-01-01')])",
         "[\"1\",null,\"a\",\"2.5\",\"true\",\"2020-01-01\"]"},
    };
    CHECK(*state, rows);
}

static void test_numbers(void **state) {
    static const row rows[] = {
        {"round(1.5) + round(-1.5)", "1.0"},
        {"round(2.675, 2)", "2.68"},
        {"round(1.249, 1)", "1.2"},
        {"round(-1.25, 1)", "-1.3"},
        {"round(-1.5, 0)", "-1.0"},
        {"[m IN ['UP', 'DOWN', 'CEILING', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] | round(1.25, 1, m)]",
         "[1.3,1.2,1.3,1.2,1.3,1.2,1.2]"},
        {"[m IN ['UP', 'DOWN', 'CEILING', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] | round(-1.25, 1, m)]",
         "[-1.3,-1.2,-1.2,-1.3,-1.3,-1.2,-1.2]"},
        {"[m IN ['UP', 'DOWN', 'CEILING', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] | round(0.0001, 2, m)]",
         "[0.01,0.0,0.01,0.0,0.0,0.0,0.0]"},
        {"[m IN ['HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] | round(2.5, 0, m)]", "[3.0,2.0,2.0]"},
        {"[round(0.005, 2), round(0.5, 0, 'HALF_EVEN'), round(99.95, 1), round(1e300, 5), round(123, 2), "
         "round(1e-300, 5)]",
         "[0.01,0.0,100.0,1e+300,123.0,0.0]"},
        {"round(1.0 / 0, 2)", "\"Infinity\""},
        {"isNaN(0.0 / 0)", "true"},
        {"isNaN(1)", "false"},
        {"isNaN(null)", "null"},
        {"ceiling(1.2) + ln(1) + power(2, 3) + mod(7, 4)", "13.0"},
        {"mod(-7, 4)", "-3"},
        {"-7 % 4.5", "-2.5"},
        {"[degrees(pi()), radians(180) = pi(), haversin(pi()), sinh(0), cosh(0), tanh(0)]",
         "[180.0,true,1.0,0.0,1.0,0.0]"},
        {"[round(cot(1), 6), round(coth(1), 6)]", "[0.642093,1.313035]"},
        {"[7 / 2, -7 / 2, 7.0 / 2, 1 / 0.0, 0.0 / 0]", "[3,-3,3.5,\"Infinity\",\"NaN\"]"},
        {"1e308 * 10", "\"Infinity\""},
        {"[0.1 + 0.2, 1e21, 1e-7, 123456789.125, 5e-324, 1.7976931348623157e308]",
         "[0.30000000000000004,1e+21,1e-07,123456789.125,5e-324,1.7976931348623157e+308]"},
        {"[2 ^ 3, 2 ^ -1, 9223372036854775807 + 0]", "[8.0,0.5,9223372036854775807]"},
        {"vector.similarity.cosine([1, 0], [1, 0])", "1.0"},
        {"vector.similarity.cosine([1, 0], [0, 2])", "0.5"},
        {"vector.similarity.euclidean([1.0, 2], [1, 4])", "0.2"},
        {"vector.similarity.cosine(null, [1])", "null"},
    };
    CHECK(*state, rows);
}

static void test_conversions(void **state) {
    static const row rows[] = {
        {"[toIntegerOrNull('x'), toIntegerOrNull([1]), toIntegerOrNull('12'), toIntegerOrNull(1e30)]",
         "[null,null,12,null]"},
        {"[toFloatOrNull(true), toFloatOrNull('1.5')]", "[null,1.5]"},
        {"[toBooleanOrNull(1.5), toBooleanOrNull('TRUE'), toBooleanOrNull(0)]", "[null,true,false]"},
        {"toIntegerList(['1', 2.7, null, 'x', [3]])", "[1,2,null,null,null]"},
        {"toFloatList(['1', 2, null])", "[1.0,2.0,null]"},
        {"toBooleanList(['true', 0, 'x'])", "[true,false,null]"},
        {"toIntegerList(null)", "null"},
        {"[nullIf(1, 1), nullIf(1, 2), nullIf(null, 1), nullIf('a', null)]", "[null,1,null,\"a\"]"},
        {"[isEmpty(''), isEmpty([1]), isEmpty({}), isEmpty(null)]", "[true,false,true,null]"},
        {"[toInteger('9223372036854775807'), toInteger('9223372036854775808'), toInteger(-2.9)]",
         "[9223372036854775807,null,-2]"},
        {"[x IN [1, 1.5, 'a', true, null, date('2020-01-01'), duration('P1D'), point({x: 1, y: 2}), {a: 1}] | "
         "valueType(x)]",
         "[\"INTEGER NOT NULL\",\"FLOAT NOT NULL\",\"STRING NOT NULL\",\"BOOLEAN NOT NULL\",\"NULL\",\"DATE NOT "
         "NULL\","
         "\"DURATION NOT NULL\",\"POINT NOT NULL\",\"MAP NOT NULL\"]"},
        {"[valueType([]), valueType([1, 2]), valueType([1, null]), valueType(['a', 1]), valueType([[1], ['a']])]",
         "[\"LIST<NOTHING> NOT NULL\",\"LIST<INTEGER NOT NULL> NOT NULL\",\"LIST<INTEGER> NOT NULL\","
         "\"LIST<STRING NOT NULL | INTEGER NOT NULL> NOT NULL\","
         "\"LIST<LIST<STRING NOT NULL | INTEGER NOT NULL> NOT NULL> NOT NULL\"]"},
        {"[valueType(time()), valueType(localtime()), valueType(datetime()), valueType(localdatetime())]",
         "[\"ZONED TIME NOT NULL\",\"LOCAL TIME NOT NULL\",\"ZONED DATETIME NOT NULL\",\"LOCAL DATETIME NOT NULL\"]"},
        {"timestamp()", "0"},
    };
    CHECK(*state, rows);
}

static void test_lists(void **state) {
    static const row rows[] = {
        {"coll.sort([3, null, 'a', 1.5, 1])", "[\"a\",1,1.5,3,null]"},
        {"coll.distinct([1, 1.0, 2, null, null, 1])", "[1,2,null]"},
        {"[coll.min([3, null, 1, 1.0]), coll.max([3, 'a', null]), coll.max([]), coll.min(null)]", "[1,3,null,null]"},
        {"[coll.indexOf([1, 2, 2], 2), coll.indexOf([1], 3), coll.indexOf([1], null), coll.indexOf(null, 1)]",
         "[1,-1,null,null]"},
        {"[coll.insert([1, 2], 0, null), coll.insert([1, 2], 2, 3), coll.insert(null, 0, 1)]",
         "[[null,1,2],[1,2,3],null]"},
        {"coll.remove([1, 2, 3], 1)", "[1,3]"},
        {"[coll.flatten([1, [2, [3]]]), coll.flatten([1, [2, [3]]], 2), coll.flatten([[1]], 0)]",
         "[[1,2,[3]],[1,2,3],[[1]]]"},
        {"[range(1, 3), range(3, 1, -1), range(0, 5, 2), range(2, 1)]", "[[1,2,3],[3,2,1],[0,2,4],[]]"},
        {"[range(9223372036854775806, 9223372036854775807), range(-9223372036854775808, -9223372036854775807)]",
         "[[9223372036854775806,9223372036854775807],[-9223372036854775808,-9223372036854775807]]"},
    };
    CHECK(*state, rows);
}

/* Goal: what a function cannot take, and what does not fit, is an error with a code, at its place. */
static void test_refusals(void **state) {
    store *s = *state;
    static const struct {
        const char *expression;
        wg_code code;
        const char *part;
    } rows[] = {
        {"9223372036854775807 + 1", WG_E_VALUE, "integer overflow"},
        {"-9223372036854775808 - 1", WG_E_VALUE, "integer overflow"},
        {"9223372036854775807 * 2", WG_E_VALUE, "integer overflow"},
        {"-9223372036854775808 / -1", WG_E_VALUE, "integer overflow"},
        {"-(-9223372036854775808)", WG_E_VALUE, "integer overflow"},
        {"abs(-9223372036854775808)", WG_E_VALUE, "integer overflow"},
        {"1 / 0", WG_E_VALUE, "division by zero"},
        {"1 % 0", WG_E_VALUE, "division by zero"},
        {"mod(1, 0)", WG_E_VALUE, "division by zero"},
        {"toInteger(1e19)", WG_E_VALUE, "outside the range"},
        {"toInteger(0.0 / 0)", WG_E_VALUE, "outside the range"},
        {"round(1.5, -1)", WG_E_VALUE, "negative"},
        {"round(1.5, 1, 'SIDEWAYS')", WG_E_VALUE, "mode"},
        {"split('a', [1])", WG_E_TYPE, "STRING"},
        {"btrim('a', 1)", WG_E_TYPE, "STRING"},
        {"'a' || 1", WG_E_TYPE, "||"},
        {"'a' || [1]", WG_E_TYPE, "||"},
        {"coll.sort(1)", WG_E_TYPE, "LIST"},
        {"coll.insert([1], 2, 0)", WG_E_VALUE, "not within 0 and 1"},
        {"coll.remove([], 0)", WG_E_VALUE, "empty"},
        {"coll.remove([1], -1)", WG_E_VALUE, "not within"},
        {"coll.flatten([1], -1)", WG_E_VALUE, "negative"},
        {"vector.similarity.cosine([1], [1, 2])", WG_E_VALUE, "dimension"},
        {"vector.similarity.cosine([0], [1])", WG_E_VALUE, "direction"},
        {"vector.similarity.cosine(['a'], [1])", WG_E_TYPE, "STRING"},
        {"isEmpty(1)", WG_E_TYPE, "STRING, a LIST or a MAP"},
        {"left('a', -1)", WG_E_VALUE, "negative"},
        {"range(1, 2, 0)", WG_E_VALUE, "step"},
        {"range(0, 9223372036854775807)", WG_E_LIMIT, "elements"},
        {"toString([1])", WG_E_TYPE, "LIST"},
        {"btrim('a', 'b', 'c')", WG_E_BIND, "takes 1 to 2 arguments"},
        {"valuetyp(1)", WG_E_NOT_FOUND, "did you mean valueType()?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "RETURN %s", rows[i].expression);
        expect_error(s, text, rows[i].code, 7, rows[i].part);
    }
}

/* Goal: nodes and relationships have a text identity, and trim FROM is printed as what it is. */
static void test_entities(void **state) {
    store *s = *state;
    run(s, "CREATE (:A {x: 1})-[:R]->(:B)");
    expect(s,
           "MATCH (a:A)-[r:R]->(b) RETURN elementId(a) = toString(id(a)), elementId(r) = toString(id(r)), "
           "valueType(a), valueType(r)",
           "true|true|\"NODE NOT NULL\"|\"RELATIONSHIP NOT NULL\"\n");
    expect(s, "MATCH p = (:A)-->(:B) RETURN valueType(p), valueType(nodes(p))",
           "\"PATH NOT NULL\"|\"LIST<NODE NOT NULL> NOT NULL\"\n");
    expect(s, "WITH 'x' AS both, 'y' AS leading RETURN trim(both), trim(leading), trim(both + 'x')",
           "\"x\"|\"y\"|\"xx\"\n");
}

static double as_number(const store *s) {
    double out = 0;
    assert_true(wg_parse_f64(wg_slice_of(s->answer.data, s->answer.size - 1), &out));
    return out;
}

/* Goal: rounding random decimals agrees with printf's of a number that was written with few digits. */
static void test_rounding_agrees_with_printf(void **state) {
    store *s = *state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(74));
    for (int i = 0; i < 300; i++) {
        char text[96], wanted[40];
        const int64_t whole = (int64_t)wg_rng_below(&rng, 2000000) - 1000000;
        const unsigned tail = (unsigned)wg_rng_below(&rng, 1000); /* three decimals, not a half of two */
        const unsigned last = tail % 10 == 5 ? tail + 1 : tail;
        const char *sign = whole < 0 ? "-" : "";
        const unsigned cents = last / 10 + (last % 10 > 5);
        const int64_t size = (whole < 0 ? -whole : whole) + cents / 100;
        (void)snprintf(text, sizeof text, "RETURN round(%s%lld.%03u, 2)", sign,
                       (long long)(whole < 0 ? -whole : whole), last);
        (void)snprintf(wanted, sizeof wanted, "%s%lld.%02u", sign, (long long)size, cents % 100);
        wg_error err = {0};
        assert_int_equal(try_text(s, text, NULL, &err), WG_OK);
        double expected = 0;
        assert_true(wg_parse_f64(wg_slice_str(wanted), &expected));
        if (as_number(s) != expected) fail_msg("%s gave %.17g, not %s", text, as_number(s), wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_conversions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rounding_agrees_with_printf, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
