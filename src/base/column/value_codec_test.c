/* Tests of the canonical bytes of values against docs/format/value.md. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/column/column.h"

#define LIT(text) wg_slice_of(text, sizeof(text) - 1)

static wg_value typed(wg_type type, int64_t i, uint32_t size) {
    wg_value v = {.type = (uint8_t)type, .size = size};
    v.as.i = i;
    return v;
}

static void check_bytes(const wg_value *v, wg_slice bytes) {
    wg_buf out;
    wg_arena arena;
    wg_value back;
    wg_error err = {0};
    wg_buf_init(&out, NULL);
    wg_arena_init(&arena, NULL);
    assert_true(wg_value_encode(&out, v));
    assert_int_equal(out.size, bytes.size);
    assert_memory_equal(out.data, bytes.data, bytes.size);
    assert_true(wg_buf_append_u8(&out, 0xee)); /* what follows is not touched */
    wg_slice from = wg_buf_slice(&out);
    assert_int_equal(wg_value_decode(&from, &arena, &back, &err), WG_OK);
    assert_int_equal(from.size, 1);
    assert_int_equal(back.type, v->type);
    assert_true(wg_value_equivalent(v, &back));
    wg_arena_deinit(&arena);
    wg_buf_deinit(&out);
}

static void test_encoding_is_the_documented_bytes(void **state) {
    /* Goal: one example of each type, byte for byte as in the format page, and back. */
    (void)state;
    const wg_value items[2] = {wg_value_int(1), wg_value_null()};
    const wg_map_entry entries[2] = {{"a", 1, wg_value_bool(true)}, {"bc", 2, wg_value_int(-1)}};
    const wg_value path_items[3] = {typed(WG_TYPE_NODE, 1, 0), typed(WG_TYPE_EDGE, 300, 0),
                                    typed(WG_TYPE_NODE, 2, 0)};
    const wg_value parts[4] = {wg_value_int(1), wg_value_int(-2), wg_value_int(-1), wg_value_int(3)};
    const wg_value axes[3] = {wg_value_float(1), wg_value_float(2), wg_value_float(-3)};
    uint32_t zone = 0;
    assert_int_equal(wg_zone_find(wg_slice_str("UTC"), &zone, NULL), WG_OK);
    const wg_value in_utc = wg_value_datetime(-1, 5, WG_ZONE_BASE + (int32_t)zone);
    wg_value duration = {.type = WG_TYPE_DURATION, .size = 4};
    duration.as.list = parts;
    wg_value list = {.type = WG_TYPE_LIST, .size = 2};
    wg_value map = {.type = WG_TYPE_MAP, .size = 2};
    wg_value path = {.type = WG_TYPE_PATH, .size = 3};
    wg_value bytes = wg_value_str(wg_slice_of("\xff\x00", 2));
    list.as.list = items;
    map.as.map = entries;
    path.as.list = path_items;
    bytes.type = WG_TYPE_BYTES;
    const struct {
        wg_value v;
        wg_slice bytes;
    } rows[] = {
        {wg_value_null(), LIT("\x00")},
        {wg_value_bool(true), LIT("\x01\x01")},
        {wg_value_int(0), LIT("\x02\x00")},
        {wg_value_int(-1), LIT("\x02\x01")},
        {wg_value_int(64), LIT("\x02\x80\x01")},
        {wg_value_int(INT64_MIN), LIT("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {wg_value_float(1.0), LIT("\x03\x00\x00\x00\x00\x00\x00\xf0\x3f")},
        {wg_value_float(-0.0), LIT("\x03\x00\x00\x00\x00\x00\x00\x00\x80")},
        {wg_value_float(wg_f64_of_bits(UINT64_C(0xfff8000000000123))), LIT("\x03\x00\x00\x00\x00\x00\x00\xf8\x7f")},
        {wg_value_str(LIT("h\xc3\xa9")), LIT("\x04\x03h\xc3\xa9")},
        {bytes, LIT("\x05\x02\xff\x00")},
        {typed(WG_TYPE_DATE, -1, 0), LIT("\x06\x01")},
        {typed(WG_TYPE_LOCAL_TIME, 128, 0), LIT("\x07\x80\x01")},
        {wg_value_point(WG_SRID_CARTESIAN, axes),
         LIT("\x0c\xa3\x38\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40")},
        {wg_value_point(WG_SRID_WGS84_3D, axes),
         LIT("\x0c\xf3\x26\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x40"
             "\x00\x00\x00\x00\x00\x00\x08\xc0")},
        {typed(WG_TYPE_TIME, 1, (uint32_t)-2), LIT("\x08\x01\x03")},
        {typed(WG_TYPE_LOCAL_DATETIME, -1, 5), LIT("\x09\x01\x05")},
        {wg_value_datetime(-1, 5, -3600), LIT("\x0a\x01\x05\x9f\x38")},
        {in_utc, LIT("\x0a\x01\x05\x80\x80\x80\x01\x03UTC")},
        {duration, LIT("\x0b\x02\x03\x01\x06")},
        {list, LIT("\x0d\x02\x02\x02\x00")},
        {map, LIT("\x0e\x02\x01"
                  "a\x01\x01\x02"
                  "bc\x02\x01")},
        {typed(WG_TYPE_NODE, 300, 0), LIT("\x0f\xac\x02")},
        {typed(WG_TYPE_EDGE, 0, 0), LIT("\x10\x00")},
        {path, LIT("\x11\x03\x01\xac\x02\x02")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_bytes(&rows[i].v, rows[i].bytes);
}

static void test_decoding_names_a_zone_that_is_not_known(void **state) {
    /* Goal: a datetime in a zone of newer rules is told from damage, and names the zone. */
    (void)state;
    wg_slice from = LIT("\x0a\x01\x05\x80\x80\x80\x01\x09Mars/Base");
    wg_value v = wg_value_null();
    wg_error err = {0};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    assert_int_equal(wg_value_decode(&from, &arena, &v, &err), WG_E_VERSION);
    assert_non_null(strstr(err.message, "Mars/Base"));
    from = LIT("\x0a\x01\x05\x82\x80\x80\x01"); /* neither an offset nor the mark of a zone */
    assert_int_equal(wg_value_decode(&from, &arena, &v, &err), WG_E_CORRUPT);
    wg_arena_deinit(&arena);
}

static void test_decoding_refuses_other_spellings(void **state) {
    /* Goal: bytes that encoding would not write are WG_E_CORRUPT, nothing is consumed, and the offset is inside. */
    (void)state;
    const wg_slice rows[] = {
        LIT(""),
        LIT("\x0a\x00"),                                                                 /* a DATETIME cut short */
        LIT("\x0b\x02\x03\x01\xff"),                                                     /* a DURATION cut short */
        LIT("\x0b\x02\x03\x01\x01"),                                                     /* negative nanoseconds */
        LIT("\x0c\x00"),                                                                 /* a POINT of no system */
        LIT("\x0c\xa3\x38\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\xf0"), /* cut short */
        LIT("\x0c\xa3\x38\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\xf0\x7f"), /* infinite */
        LIT("\x0c\xe6\x21\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x59\x40"), /* 100 degrees north */
        LIT("\x12"),                                         /* ANY is no type of values */
        LIT("\x01\x02"),                                     /* boolean 2 */
        LIT("\x02\x80\x00"),                                 /* longer than needed */
        LIT("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), /* past 64 bits */
        LIT("\x03\x00\x00\x00"),
        LIT("\x03\x01\x00\x00\x00\x00\x00\xf8\x7f"), /* another NaN */
        LIT("\x04\x05"
            "abc"),
        LIT("\x04\x01\xff"),
        LIT("\x06\xf0\xa3\xda\xa1\xa1\x15"),     /* a day outside the calendar */
        LIT("\x07\x80\x80\xbc\x8a\xc9\xd2\x13"), /* 24:00 */
        LIT("\x08\x00\xc2\xf4\x07"),             /* an offset past 18 hours */
        LIT("\x09\x00\x80\x94\xeb\xdc\x03"),     /* a billion nanoseconds */
        LIT("\x0d\x02\x00"),                     /* fewer elements than claimed */
        LIT("\x0d\xff\xff\xff\xff\x0f\x00"),
        LIT("\x0e\x02\x01"
            "b\x00\x01"
            "a\x00"), /* keys out of order */
        LIT("\x0e\x02\x01"
            "a\x00\x01"
            "a\x00"),            /* a key twice */
        LIT("\x11\x02\x01\x01"), /* a path that ends with an edge */
        LIT("\x11\x00"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wg_arena arena;
        wg_error err = {0};
        wg_value v = wg_value_int(77);
        wg_slice from = rows[i];
        wg_arena_init(&arena, NULL);
        assert_int_equal(wg_value_decode(&from, &arena, &v, &err), WG_E_CORRUPT);
        assert_int_equal(from.size, rows[i].size);
        assert_int_equal(v.as.i, 77);
        assert_true(err.offset <= rows[i].size);
        wg_arena_deinit(&arena);
    }
}

static void test_every_cut_of_an_encoding_is_refused(void **state) {
    /* Goal: no proper prefix of a nested value decodes, so torn bytes never read as another value. */
    (void)state;
    const wg_slice whole =
        LIT("\x0d\x03\x0e\x01\x01k\x0d\x01\x03\x00\x00\x00\x00\x00\x00\xf0\x3f\x04\x02xy\x11\x01\x05");
    wg_arena arena;
    wg_value v;
    wg_arena_init(&arena, NULL);
    for (size_t size = 0; size <= whole.size; size++) {
        wg_slice from = wg_slice_of(whole.data, size);
        assert_int_equal(wg_value_decode(&from, &arena, &v, NULL), size == whole.size ? WG_OK : WG_E_CORRUPT);
    }
    wg_arena_deinit(&arena);
}

static void test_claimed_counts_cost_no_memory(void **state) {
    /* Goal: nested lists that each claim all the bytes left are refused before memory beyond 16 times the input. */
    (void)state;
    enum { BYTES = 1 << 20 };
    wg_account account;
    wg_arena arena;
    wg_value v;
    uint8_t *data = wg_alloc_zero(NULL, BYTES);
    assert_non_null(data);
    for (size_t i = 0; i < 60; i++) memcpy(data + 4 * i, "\x0d\x80\x80\x3f", 4); /* 1,032,192 elements each */
    wg_account_init(&account, NULL, 0);
    wg_arena_init(&arena, &account);
    wg_slice from = wg_slice_of(data, BYTES);
    assert_int_equal(wg_value_decode(&from, &arena, &v, NULL), WG_E_CORRUPT);
    assert_true(wg_account_peak(&account) <= 17 * (uint64_t)BYTES);
    wg_arena_deinit(&arena);
    wg_free(data);
}

static void test_depth_is_limited_both_ways(void **state) {
    /* Goal: 64 lists inside one another pass, 65 neither encode nor decode, and nothing is left in the buffer. */
    (void)state;
    wg_value deep[WG_VALUE_DEPTH_MAX + 2];
    wg_buf out;
    wg_arena arena;
    wg_value v;
    deep[0] = wg_value_null();
    for (size_t i = 1; i < WG_VALUE_DEPTH_MAX + 2; i++) {
        deep[i] = (wg_value){.type = WG_TYPE_LIST, .size = 1};
        deep[i].as.list = &deep[i - 1];
    }
    wg_buf_init(&out, NULL);
    wg_arena_init(&arena, NULL);
    assert_false(wg_value_encode(&out, &deep[WG_VALUE_DEPTH_MAX + 1]));
    assert_int_equal(out.size, 0);
    assert_true(wg_buf_append(&out, "\x0d\x01", 2));
    assert_true(wg_value_encode(&out, &deep[WG_VALUE_DEPTH_MAX]));
    wg_slice over = wg_buf_slice(&out);
    wg_slice just = wg_slice_of(out.data + 2, out.size - 2);
    assert_int_equal(wg_value_decode(&over, &arena, &v, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_value_decode(&just, &arena, &v, NULL), WG_OK);
    wg_arena_deinit(&arena);
    wg_buf_deinit(&out);
}

static void test_decoding_without_memory_says_so(void **state) {
    /* Goal: a refused allocation is WG_E_NOMEM, not damage, and leaves the input. */
    (void)state;
    wg_arena arena;
    wg_value v;
    wg_slice from = LIT("\x0d\x01\x00");
    wg_arena_init(&arena, NULL);
    wg_memory_fail_at(1, true);
    const wg_code code = wg_value_decode(&from, &arena, &v, NULL);
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_E_NOMEM);
    assert_int_equal(from.size, 3);
    wg_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encoding_is_the_documented_bytes),
        cmocka_unit_test(test_decoding_names_a_zone_that_is_not_known),
        cmocka_unit_test(test_decoding_refuses_other_spellings),
        cmocka_unit_test(test_every_cut_of_an_encoding_is_refused),
        cmocka_unit_test(test_claimed_counts_cost_no_memory),
        cmocka_unit_test(test_depth_is_limited_both_ways),
        cmocka_unit_test(test_decoding_without_memory_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
