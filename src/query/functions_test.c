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

static void test_formats_and_joins(void **state) {
    static const row rows[] = {
        {"format(date('2024-09-05'))", "\"2024-09-05\""},
        {"format(date('2024-09-05'), 'dd/MM/uuuu')", "\"05/09/2024\""},
        {"format(date('2024-09-05'), \"EEEE, d MMM ''yy 'o''clock' Q QQQ D w e\")",
         "\"Thursday, 5 Sep '24 o'clock 3 Q3 249 36 4\""},
        {"format(date('-0044-03-15'), 'y G u yy M MMMMM')", "\"45 BC -44 45 3 M\""},
        {"format(localdatetime('2024-12-31T00:05:09.0123'), 'YYYY-ww HH k K h a mm ss SSS SSSSSSSSSSS n A N')",
         "\"2025-01 00 24 0 12 AM 05 09 012 01230000000 12300000 309012 309012300000\""},
        {"format(localtime('13:05:00'), 'h:mm a')", "\"1:05 PM\""},
        {"format(datetime('2024-07-01T12:00:00[Europe/Berlin]'), 'VV X XX Z ZZZZ ZZZZZ O OOOO x z')",
         "\"Europe/Berlin +02 +0200 +0200 GMT+02:00 +02:00 GMT+02 GMT+02:00 +02 Europe/Berlin\""},
        {"format(time('12:00:00Z'), 'X x O')", "\"Z +00 GMT\""},
        {"format(null, 'u')", "null"},
        {"format(date('2024-09-05'), '')", "\"\""},
        {"format(duration('P1DT2S'))", "\"P1DT2S\""},
        {"string.join(['a', 'b', 'c'], ', ')", "\"a, b, c\""},
        {"string.join(['a', null, ''], '-')", "\"a-\""},
        {"string.join([], ',')", "\"\""},
        {"string.join(null, ',')", "null"},
    };
    CHECK(*state, rows);
    store *s = *state;
    expect_error(s, "RETURN format(date(), 'H')", WG_E_VALUE, 7, "nothing for the field 'H'");
    expect_error(s, "RETURN format(localtime(), 'X')", WG_E_VALUE, 7, "nothing for the field 'X'");
    expect_error(s, "RETURN format(date(), 'j')", WG_E_VALUE, 7, "'j' is no field");
    expect_error(s, "RETURN format(date(), \"'x\")", WG_E_VALUE, 7, "does not end");
    expect_error(s, "RETURN format(date(), 'dddddddddddddddddddddd')", WG_E_LIMIT, 7, "wider than");
    expect_error(s, "UNWIND [1] AS x RETURN format(x, 'd')", WG_E_TYPE, 23, "takes a date or a time");
    expect_error(s, "RETURN string.join([1], ',')", WG_E_TYPE, 7, "element 0 is INT");
}

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
        {"toUpper('stra\xc3\x9f' || 'e \xc5\x82') || toLower('\xce\x9f\xce\xa3')",
         "\"STRASSE \xc5\x81\xce\xbf\xcf\x82\""},
        {"normalize('e\xcc\x81') = '\xc3\xa9'", "true"},
        {"[normalize('\xef\xac\x81', NFKC), normalize('\xef\xac\x81', 'nfc')]", "[\"fi\",\"\xef\xac\x81\"]"},
        {"['\xc3\xa9' IS NORMALIZED, '\xc3\xa9' IS NFD NORMALIZED, '\xc3\xa9' IS NOT NFD NORMALIZED, null IS "
         "NORMALIZED]",
         "[true,false,true,null]"},
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
        {"normalize('a', 'NFX')", WG_E_VALUE, "NFKD"},
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

/* Goal: durations are summed and averaged part by part, also where their type is not known before; numbers do not mix with them. */
static void test_durations_are_aggregated(void **state) {
    store *s = *state;
    expect(s, "UNWIND ['P1M', 'P2DT3S', 'PT-0.5S', null] AS t RETURN sum(duration(t)), avg(duration(t))",
           "\"P1M2DT2.5S\"|\"P10DT19H29M42.833333333S\"\n");
    expect(s, "UNWIND [1, 2] AS x WITH x WHERE x > 2 RETURN sum(duration('P1D')), avg(duration('P1D'))",
           "\"PT0S\"|null\n");
    run(s, "UNWIND range(1, 10) AS i CREATE (:D {g: i % 2, d: duration({days: i, seconds: i}), n: i})");
    expect(s, "MATCH (x:D) RETURN x.g AS g, sum(x.d), avg(x.d), min(x.n), avg(x.n) ORDER BY g",
           "0|\"P30DT30S\"|\"P6DT6S\"|2|6.0\n1|\"P25DT25S\"|\"P5DT5S\"|1|5.0\n");
    expect(s, "MATCH (x:D) RETURN sum(DISTINCT x.d), count(DISTINCT x.d)", "\"P55DT55S\"|10\n");
    expect_error(s, "UNWIND [1, duration('P1D')] AS x RETURN sum(x)", WG_E_TYPE, 44, "not both");
    expect_error(s, "RETURN sum('a')", WG_E_TYPE, 7, "needs numbers or durations");
    expect_error(s, "UNWIND [1, 2] AS x RETURN sum(duration({months: 9223372036854775807}))", WG_E_VALUE, 30,
                 "out of range");
}

/* Runs with a moment and a size of batches. */
static void run_at(store *s, const char *text, int64_t clock_us, uint32_t batch_rows) {
    wg_prepared *query;
    wg_txn *txn;
    wg_query_result result;
    wg_stats stats = {0};
    s->answer.size = 0;
    assert_int_equal(wg_query_create(wg_slice_str(text), NULL, NULL, &query, NULL), WG_OK);
    assert_int_equal(wg_txn_begin(s->engine, WG_TXN_READ, 0, &txn, NULL), WG_OK);
    const wg_exec_context context = {
        .txn = txn, .threads = 1, .batch_rows = batch_rows, .clock_us = clock_us, .stats = &stats};
    assert_int_equal(wg_query_run(query, &context, &result, NULL), WG_OK);
    assert_true(result.reads_clock);
    for (uint64_t r = 0; r < wg_rows_count(result.rows); r++) {
        const wg_value v = wg_rows_cell(result.rows, r, 0);
        assert_true(wg_value_print_json(&s->answer, &v));
        assert_true(wg_buf_append_str(&s->answer, "\n"));
    }
    wg_query_result_deinit(&result);
    wg_query_destroy(query);
    wg_txn_abort(txn);
}

/* Goal: random values differ between equal rows and between moments, and no size of batches changes them. */
static void test_random_values(void **state) {
    store *s = *state;
    static const char *const texts[] = {
        "UNWIND [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] AS x RETURN rand()",
        "UNWIND [1, 2, 1, 2, 1, 2, 1, 2, 1, 2] AS x WITH x WHERE x = 1 RETURN CASE WHEN x = 1 THEN randomUUID() END",
        "UNWIND [1, 1, 1, 1, 1] AS x CALL { RETURN rand() AS r } RETURN r",
        "UNWIND [1, 1, 1] AS x UNWIND [1, 1, 1] AS y RETURN randomUUID()"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_buf first, other;
        run_at(s, texts[i], 1000, 2048);
        first = s->answer;
        wg_buf_init(&s->answer, NULL);
        for (uint32_t rows = 1; rows < 12; rows++) {
            run_at(s, texts[i], 1000, rows);
            if (!wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&s->answer)))
                fail_msg("%s, batches of %u", texts[i], rows);
        }
        run_at(s, texts[i], 1001, 2048);
        other = s->answer;
        wg_buf_init(&s->answer, NULL);
        assert_false(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&other)));
        for (size_t at = 0; at < first.size;) { /* no line is there twice */
            const uint8_t *end = memchr(first.data + at, '\n', first.size - at);
            const size_t next = (size_t)(end - first.data) + 1;
            assert_null(memmem(first.data + next, first.size - next, first.data + at, next - at));
            at = next;
        }
        wg_buf_deinit(&first);
        wg_buf_deinit(&other);
    }
    run(s, "UNWIND range(1, 50) AS i WITH 1 AS one CREATE (:U {id: randomUUID(), n: rand()})");
    expect(s, "MATCH (u:U) RETURN count(DISTINCT u.id), count(DISTINCT u.n)", "50|50\n");
    expect(s,
           "MATCH (u:U) WHERE NOT u.id =~ '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}' "
           "RETURN count(*)",
           "0\n");
    run(s, "MATCH (u:U) WITH 1 AS one MERGE (:V {id: randomUUID()})");
    expect(s, "MATCH (v:V) RETURN count(*)", "50\n");
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
        cmocka_unit_test_setup_teardown(test_formats_and_joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_conversions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entities, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_durations_are_aggregated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rounding_agrees_with_printf, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
