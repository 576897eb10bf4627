/* Tests of values: order, equality, equivalence, hash, copy, checks, and JSON text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "base/column/column.h"

static wg_value list_of(const wg_value *items, uint32_t count) {
    wg_value v = {.type = WG_TYPE_LIST, .size = count};
    v.as.list = items;
    return v;
}

static wg_value map_of(const wg_map_entry *entries, uint32_t count) {
    wg_value v = {.type = WG_TYPE_MAP, .size = count};
    v.as.map = entries;
    return v;
}

static wg_value typed(wg_type type, int64_t i, uint32_t size) {
    wg_value v = {.type = (uint8_t)type, .size = size};
    v.as.i = i;
    return v;
}

static wg_value text(const char *s) { return wg_value_str(wg_slice_str(s)); }

static int sign(int x) { return (x > 0) - (x < 0); }

static void test_integers_compare_exactly_with_floats(void **state) {
    /* Goal: near 2^53 and 2^63 no rounding makes different numbers equal; infinities and NaN have their places. */
    (void)state;
    assert_int_equal(wg_compare_i64_f64(INT64_C(9007199254740993), 9007199254740992.0), 1);
    assert_int_equal(wg_compare_i64_f64(INT64_C(9007199254740992), 9007199254740992.0), 0);
    assert_int_equal(wg_compare_i64_f64(INT64_MAX, 0x1p63), -1);
    assert_int_equal(wg_compare_i64_f64(INT64_MIN, -0x1p63), 0);
    assert_int_equal(wg_compare_i64_f64(INT64_MIN, -0x1.0000000000001p63), 1);
    assert_int_equal(wg_compare_i64_f64(1, 1.5), -1);
    assert_int_equal(wg_compare_i64_f64(-1, -1.5), 1);
    assert_int_equal(wg_compare_i64_f64(0, -0.0), 0);
    assert_int_equal(wg_compare_i64_f64(INT64_MAX, __builtin_inf()), -1);
    assert_int_equal(wg_compare_i64_f64(INT64_MIN, -__builtin_inf()), 1);
    assert_int_equal(wg_compare_i64_f64(INT64_MAX, __builtin_nan("")), -1);
}

/* Values in the order that wg_value_order must give; each is strictly below the next. */
static size_t ladder(wg_value *out) {
    static wg_value one;
    static wg_value items[3];
    static wg_map_entry small[1];
    static wg_map_entry large[2];
    static wg_map_entry other[2];
    static wg_value path[1];
    static wg_value axes[3];
    size_t n = 0;
    one = wg_value_int(1);
    items[0] = wg_value_int(1);
    items[1] = wg_value_null();
    items[2] = wg_value_int(0);
    small[0] = (wg_map_entry){"z", 1, wg_value_int(9)};
    large[0] = (wg_map_entry){"a", 1, wg_value_int(1)};
    large[1] = (wg_map_entry){"b", 1, wg_value_int(1)};
    other[0] = large[0];
    other[1] = (wg_map_entry){"b", 1, wg_value_null()};
    path[0] = typed(WG_TYPE_NODE, 3, 0);
    out[n++] = map_of(NULL, 0);
    out[n++] = map_of(small, 1);
    out[n++] = map_of(large, 2);
    out[n++] = map_of(other, 2);
    out[n++] = typed(WG_TYPE_NODE, 1, 0);
    out[n++] = typed(WG_TYPE_NODE, -1, 0); /* ids are unsigned */
    out[n++] = typed(WG_TYPE_EDGE, 0, 0);
    out[n++] = list_of(NULL, 0);
    out[n++] = list_of(&one, 1);
    out[n++] = list_of(items + 1, 1);
    out[n++] = list_of(items + 1, 2);
    out[n] = list_of(path, 1);
    out[n++].type = WG_TYPE_PATH;
    for (int i = 0; i < 3; i++) axes[i] = wg_value_float(i);
    out[n++] = wg_value_point(WG_SRID_WGS84, axes);
    out[n++] = wg_value_point(WG_SRID_WGS84_3D, axes);
    out[n++] = wg_value_point(WG_SRID_CARTESIAN, axes);
    out[n++] = wg_value_point(WG_SRID_CARTESIAN, axes + 1);
    out[n++] = wg_value_point(WG_SRID_CARTESIAN_3D, axes);
    out[n++] = typed(WG_TYPE_LOCAL_DATETIME, -1, 5);
    out[n++] = typed(WG_TYPE_LOCAL_DATETIME, 0, 4);
    out[n++] = typed(WG_TYPE_LOCAL_DATETIME, 0, 5);
    out[n++] = typed(WG_TYPE_DATE, -3, 0);
    out[n++] = typed(WG_TYPE_DATE, 3, 0);
    out[n++] = typed(WG_TYPE_TIME, 0, (uint32_t)3600);
    out[n++] = typed(WG_TYPE_TIME, INT64_C(3600000000000), (uint32_t)3600 * 2);
    out[n++] = typed(WG_TYPE_TIME, 0, (uint32_t)-3600);
    out[n++] = typed(WG_TYPE_LOCAL_TIME, 7, 0);
    out[n++] = text("");
    out[n++] = text("a");
    out[n++] = text("ab");
    out[n++] = text("\xc3\xa9");
    out[n] = text("");
    out[n++].type = WG_TYPE_BYTES;
    out[n++] = wg_value_bool(false);
    out[n++] = wg_value_bool(true);
    out[n++] = wg_value_float(-__builtin_inf());
    out[n++] = wg_value_int(INT64_MIN);
    out[n++] = wg_value_float(-0.5);
    out[n++] = wg_value_int(0);
    out[n++] = wg_value_float(5e-324);
    out[n++] = wg_value_float(9007199254740992.0);
    out[n++] = wg_value_int(INT64_C(9007199254740993));
    out[n++] = wg_value_float(0x1p63);
    out[n++] = wg_value_float(__builtin_inf());
    out[n++] = wg_value_float(__builtin_nan(""));
    out[n++] = wg_value_null();
    return n;
}

static void test_order_is_total_over_all_types(void **state) {
    /* Goal: every pair of the ladder compares as its places do, both ways, and only equals are equivalent. */
    (void)state;
    wg_value v[64];
    const size_t n = ladder(v);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(sign(wg_value_order(&v[i], &v[k])), (i > k) - (i < k));
            assert_int_equal(wg_value_equivalent(&v[i], &v[k]), i == k);
            if (i != k) assert_true(wg_value_hash(&v[i]) != wg_value_hash(&v[k]));
        }
}

static void test_hash_agrees_with_equivalence(void **state) {
    /* Goal: numbers that are equal across types, both zeros and all NaNs are equivalent and hash alike, nested too. */
    (void)state;
    const wg_value pairs[][2] = {
        {wg_value_int(1), wg_value_float(1.0)},
        {wg_value_float(0.0), wg_value_float(-0.0)},
        {wg_value_int(0), wg_value_float(-0.0)},
        {wg_value_int(INT64_MIN), wg_value_float(-0x1p63)},
        {wg_value_int(INT64_C(1) << 60), wg_value_float(0x1p60)},
        {wg_value_float(wg_f64_of_bits(UINT64_C(0x7ff8000000000000))),
         wg_value_float(wg_f64_of_bits(UINT64_C(0xfff8000000000123)))},
        {wg_value_null(), wg_value_null()},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const wg_value a = list_of(&pairs[i][0], 1);
        const wg_value b = list_of(&pairs[i][1], 1);
        assert_true(wg_value_equivalent(&pairs[i][0], &pairs[i][1]));
        assert_true(wg_value_hash(&pairs[i][0]) == wg_value_hash(&pairs[i][1]));
        assert_true(wg_value_equivalent(&a, &b));
        assert_true(wg_value_hash(&a) == wg_value_hash(&b));
    }
    const wg_value x = wg_value_float(0x1p63);
    const wg_value y = wg_value_int(INT64_MAX);
    assert_false(wg_value_equivalent(&x, &y));
}

static void test_order_of_random_numbers_is_transitive_with_sort(void **state) {
    /* Goal: sorting random INT and FLOAT values around the same magnitudes leaves every pair in order. */
    (void)state;
    enum { COUNT = 300 };
    static wg_value v[COUNT];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    for (size_t i = 0; i < COUNT; i++) {
        const int64_t base = (int64_t)(UINT64_C(1) << wg_rng_below(&rng, 63)) + (int64_t)wg_rng_below(&rng, 3) - 1;
        v[i] = wg_rng_below(&rng, 2) == 0 ? wg_value_int(base) : wg_value_float((double)base);
    }
    for (size_t i = 1; i < COUNT; i++)
        for (size_t k = i; k > 0 && wg_value_order(&v[k - 1], &v[k]) > 0; k--) {
            const wg_value swap = v[k];
            v[k] = v[k - 1];
            v[k - 1] = swap;
        }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = i; k < COUNT; k++) {
            assert_true(wg_value_order(&v[i], &v[k]) <= 0);
            if (wg_value_order(&v[i], &v[k]) == 0) assert_true(wg_value_hash(&v[i]) == wg_value_hash(&v[k]));
        }
}

static void test_equality_is_three_valued(void **state) {
    /* Goal: null on either side is null; NaN equals nothing; other types are different, not null. */
    (void)state;
    const wg_value null = wg_value_null();
    const wg_value nan = wg_value_float(__builtin_nan(""));
    const wg_value one = wg_value_int(1);
    const wg_value onef = wg_value_float(1.0);
    const wg_value s = text("1");
    assert_int_equal(wg_value_equal(&null, &null), -1);
    assert_int_equal(wg_value_equal(&one, &null), -1);
    assert_int_equal(wg_value_equal(&nan, &nan), 0);
    assert_int_equal(wg_value_equal(&one, &nan), 0);
    assert_int_equal(wg_value_equal(&one, &onef), 1);
    assert_int_equal(wg_value_equal(&one, &s), 0);
    assert_int_equal(wg_value_equal(&s, &s), 1);
}

static void test_equality_of_lists_and_maps_carries_null(void **state) {
    /* Goal: a null inside makes null, unless something else decides that they differ; keys decide before values. */
    (void)state;
    const wg_value a[2] = {wg_value_int(1), wg_value_null()};
    const wg_value b[2] = {wg_value_int(2), wg_value_null()};
    const wg_value c[2] = {wg_value_int(1), wg_value_int(2)};
    const wg_value la = list_of(a, 2);
    const wg_value lb = list_of(b, 2);
    const wg_value lc = list_of(c, 2);
    const wg_value shorter = list_of(a, 1);
    assert_int_equal(wg_value_equal(&la, &la), -1);
    assert_int_equal(wg_value_equal(&la, &lb), 0);
    assert_int_equal(wg_value_equal(&la, &lc), -1);
    assert_int_equal(wg_value_equal(&lc, &lc), 1);
    assert_int_equal(wg_value_equal(&la, &shorter), 0);
    const wg_map_entry m1[2] = {{"a", 1, wg_value_null()}, {"b", 1, wg_value_int(1)}};
    const wg_map_entry m2[2] = {{"a", 1, wg_value_null()}, {"b", 1, wg_value_int(2)}};
    const wg_map_entry m3[2] = {{"a", 1, wg_value_null()}, {"c", 1, wg_value_int(1)}};
    const wg_value x = map_of(m1, 2);
    const wg_value y = map_of(m2, 2);
    const wg_value z = map_of(m3, 2);
    assert_int_equal(wg_value_equal(&x, &x), -1);
    assert_int_equal(wg_value_equal(&x, &y), 0);
    assert_int_equal(wg_value_equal(&x, &z), 0);
}

static void test_copies_own_their_bytes(void **state) {
    /* Goal: a deep copy is equivalent after the original's bytes change; a failed allocation answers false. */
    (void)state;
    char bytes[4] = "abc";
    wg_value inner[2] = {wg_value_str(wg_slice_of(bytes, 3)), wg_value_int(4)};
    wg_map_entry entry[1] = {{bytes, 2, list_of(inner, 2)}};
    const wg_value v = map_of(entry, 1);
    wg_arena arena;
    wg_value copy;
    wg_arena_init(&arena, NULL);
    wg_memory_fail_at(1, false);
    assert_false(wg_value_copy(&arena, &v, &copy));
    wg_memory_fail_at(0, false);
    assert_true(wg_value_copy(&arena, &v, &copy));
    bytes[0] = 'X';
    assert_false(wg_value_equivalent(&v, &copy));
    bytes[0] = 'a';
    assert_true(wg_value_equivalent(&v, &copy));
    wg_arena_deinit(&arena);
}

static void test_check_refuses_what_the_engine_cannot_hold(void **state) {
    /* Goal: each rule of wg_value_check has a value that breaks it and the code that says so. */
    (void)state;
    wg_value deep[WG_VALUE_DEPTH_MAX + 2];
    const wg_map_entry twice[2] = {{"k", 1, wg_value_null()}, {"k", 1, wg_value_null()}};
    const wg_map_entry bad_key[1] = {{"\xff", 1, wg_value_null()}};
    const wg_value axes[4] = {wg_value_float(181), wg_value_float(90), wg_value_float(80),
                              wg_value_float(__builtin_inf())};
    deep[0] = wg_value_null();
    for (size_t i = 1; i < WG_VALUE_DEPTH_MAX + 2; i++) deep[i] = list_of(&deep[i - 1], 1);
    const wg_value node = typed(WG_TYPE_NODE, 1, 0);
    wg_value path = list_of(&node, 1);
    path.type = WG_TYPE_PATH;
    const struct {
        wg_value v;
        wg_code code;
    } rows[] = {
        {deep[WG_VALUE_DEPTH_MAX], WG_OK},
        {deep[WG_VALUE_DEPTH_MAX + 1], WG_E_LIMIT},
        {text("\xc3"), WG_E_VALUE},
        {map_of(twice, 2), WG_E_VALUE},
        {map_of(bad_key, 1), WG_E_VALUE},
        {typed(WG_TYPE_LIST, 0, 3), WG_E_VALUE},
        {typed(WG_TYPE_DATE, INT64_MAX, 0), WG_E_VALUE},
        {typed(WG_TYPE_LOCAL_TIME, -1, 0), WG_E_VALUE},
        {typed(WG_TYPE_TIME, 0, 65000), WG_E_VALUE},
        {typed(WG_TYPE_LOCAL_DATETIME, 0, 1000000000), WG_E_VALUE},
        {typed(WG_TYPE_LOCAL_DATETIME, INT64_MAX, 0), WG_E_VALUE},
        {typed(WG_TYPE_DURATION, 0, 0), WG_E_VALUE},
        {typed(WG_TYPE_DATETIME, 0, 1000000000), WG_E_VALUE},
        {wg_value_datetime(0, 0, -64801), WG_E_VALUE},
        {wg_value_datetime(0, 0, -64800), WG_OK},
        {typed(WG_TYPE_POINT, 0, 0), WG_E_VALUE},
        {wg_value_point(WG_SRID_CARTESIAN, axes), WG_OK},
        {wg_value_point(WG_SRID_WGS84, axes), WG_E_VALUE},
        {wg_value_point(WG_SRID_WGS84, axes + 1), WG_OK},
        {wg_value_point(4711, axes), WG_E_VALUE},
        {wg_value_point(WG_SRID_CARTESIAN_3D, axes + 1), WG_E_VALUE},
        {typed(WG_TYPE_ANY, 0, 0), WG_E_TYPE},
        {typed((wg_type)99, 0, 0), WG_E_TYPE},
        {node, WG_E_TYPE},
        {path, WG_E_TYPE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wg_error err = {0};
        assert_int_equal(wg_value_check(&rows[i].v, false, &err), rows[i].code);
        assert_int_equal(err.code, rows[i].code);
    }
    assert_int_equal(wg_value_check(&node, true, NULL), WG_OK);
    assert_int_equal(wg_value_check(&path, true, NULL), WG_OK);
    path.size = 0;
    assert_int_equal(wg_value_check(&path, true, NULL), WG_E_VALUE);
}

static void check_json(const wg_value *v, const char *expected, bool objects) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    assert_true(objects ? wg_value_print_json_objects(&out, v) : wg_value_print_json(&out, v));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, expected);
    wg_buf_deinit(&out);
}

static void test_json_of_scalars(void **state) {
    /* Goal: each scalar type has the text that the header promises; strings are escaped as RFC 8259 asks. */
    (void)state;
    wg_value bytes = text("Man?>");
    bytes.type = WG_TYPE_BYTES;
    const struct {
        wg_value v;
        const char *json;
    } rows[] = {
        {wg_value_null(), "null"},
        {wg_value_bool(false), "false"},
        {wg_value_int(INT64_MIN), "-9223372036854775808"},
        {wg_value_float(-0.0), "-0.0"},
        {wg_value_float(1e300), "1e+300"},
        {wg_value_float(__builtin_nan("")), "\"NaN\""},
        {wg_value_float(__builtin_inf()), "\"Infinity\""},
        {wg_value_float(-__builtin_inf()), "\"-Infinity\""},
        {text("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9"), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\""},
        {text(""), "\"\""},
        {bytes, "\"TWFuPz4=\""},
        {typed(WG_TYPE_DATE, -1, 0), "\"1969-12-31\""},
        {typed(WG_TYPE_LOCAL_TIME, 1500000000, 0), "\"00:00:01.5\""},
        {typed(WG_TYPE_TIME, 0, (uint32_t)-3600), "\"00:00:00-01:00\""},
        {typed(WG_TYPE_LOCAL_DATETIME, 0, 1), "\"1970-01-01T00:00:00.000000001\""},
        {typed(WG_TYPE_NODE, 7, 0), "{\"id\":7}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_json(&rows[i].v, rows[i].json, false);
}

static void test_json_of_objects_lists_and_paths(void **state) {
    /* Goal: nodes and edges in result form print labels and properties at any depth. */
    (void)state;
    const char *const labels[2] = {"A", "B\""};
    const wg_map_entry properties[1] = {{"k", 1, wg_value_int(1)}};
    const wg_node node = {.id = 1, .label_count = 2, .property_count = 1, .labels = labels, .properties = properties};
    const wg_edge edge = {.id = 2, .from = 1, .to = 3, .label = "T"};
    wg_value items[3] = {{.type = WG_TYPE_NODE}, {.type = WG_TYPE_EDGE}, {.type = WG_TYPE_NULL}};
    items[0].as.node = &node;
    items[1].as.edge = &edge;
    const wg_map_entry entries[2] = {{"a", 1, list_of(items, 3)}, {"b", 1, list_of(NULL, 0)}};
    const wg_value map = map_of(entries, 2);
    check_json(&map,
               "{\"a\":[{\"id\":1,\"labels\":[\"A\",\"B\\\"\"],\"properties\":{\"k\":1}},"
               "{\"id\":2,\"label\":\"T\",\"from\":1,\"to\":3,\"properties\":{}},null],\"b\":[]}",
               true);
}

static void test_json_without_memory_answers_false(void **state) {
    /* Goal: a refused buffer is reported, not hidden in cut text. */
    (void)state;
    wg_account account;
    wg_buf out;
    static char large[5000];
    memset(large, 'x', sizeof large);
    const wg_value v = wg_value_str(wg_slice_of(large, sizeof large));
    wg_account_init(&account, NULL, 1024);
    wg_buf_init(&out, &account);
    assert_false(wg_value_print_json(&out, &v));
    wg_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_compare_exactly_with_floats),
        cmocka_unit_test(test_order_is_total_over_all_types),
        cmocka_unit_test(test_hash_agrees_with_equivalence),
        cmocka_unit_test(test_order_of_random_numbers_is_transitive_with_sort),
        cmocka_unit_test(test_equality_is_three_valued),
        cmocka_unit_test(test_equality_of_lists_and_maps_carries_null),
        cmocka_unit_test(test_copies_own_their_bytes),
        cmocka_unit_test(test_check_refuses_what_the_engine_cannot_hold),
        cmocka_unit_test(test_json_of_scalars),
        cmocka_unit_test(test_json_of_objects_lists_and_paths),
        cmocka_unit_test(test_json_without_memory_answers_false),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
