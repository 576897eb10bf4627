/* Thrift: the protocol's bytes, and what hostile bytes may cost. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "format/thrift/thrift.h"

static wg_code skip_all(const uint8_t *bytes, size_t size, wg_error *err) {
    wg_thrift_reader r;
    wg_thrift_reader_init(&r, wg_slice_of(bytes, size), 100, err);
    wg_thrift_skip(&r, WG_THRIFT_STRUCT);
    return r.code;
}

/* Goal: each kind of value is written as the protocol draws it and read back equal, in any field distance. */
static void test_thrift_round_trips_values(void **state) {
    (void)state;
    wg_buf buf = {0};
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, &buf);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_bool(&w, 1, true);
    wg_thrift_write_i8(&w, 2, -7);
    wg_thrift_write_i32(&w, 20, INT32_MIN);
    wg_thrift_write_i64(&w, 21, INT64_MIN);
    wg_thrift_write_binary(&w, 22, wg_slice_str("text"));
    wg_thrift_write_struct_field(&w, 23);
    wg_thrift_write_bool(&w, 1, false);
    wg_thrift_write_struct_end(&w);
    wg_thrift_write_list_field(&w, 24, WG_THRIFT_I32, 20);
    for (int32_t i = 0; i < 20; i++) wg_thrift_write_element_i32(&w, -i);
    wg_thrift_write_struct_end(&w);
    assert_true(w.ok);

    wg_thrift_reader r;
    wg_thrift_reader_init(&r, wg_buf_slice(&buf), 0, NULL);
    bool b = false;
    bool inner = true;
    int8_t i8 = 0;
    int32_t i32 = 0;
    int64_t i64 = 0;
    int64_t sum = 0;
    wg_slice s = {0};
    wg_thrift_field f;
    for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) {
        uint32_t count = 0;
        if (f.id == 1) assert_true(wg_thrift_read_bool(&r, f.type, &b));
        else if (f.id == 2) assert_true(wg_thrift_read_i8(&r, f.type, &i8));
        else if (f.id == 20) assert_true(wg_thrift_read_i32(&r, f.type, &i32));
        else if (f.id == 21) assert_true(wg_thrift_read_i64(&r, f.type, &i64));
        else if (f.id == 22) assert_true(wg_thrift_read_binary(&r, f.type, &s));
        else if (f.id == 23)
            for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);)
                assert_true(wg_thrift_read_bool(&r, f.type, &inner));
        else {
            assert_true(wg_thrift_read_list(&r, f.type, WG_THRIFT_I32, &count));
            for (uint32_t i = 0; i < count; i++, sum += i32) assert_true(wg_thrift_read_i32(&r, WG_THRIFT_I32, &i32));
            i32 = INT32_MIN;
        }
    }
    assert_int_equal(r.code, WG_OK);
    assert_int_equal(wg_thrift_reader_bytes(&r), buf.size);
    assert_true(b);
    assert_false(inner);
    assert_int_equal(i8, -7);
    assert_true(i64 == INT64_MIN);
    assert_true(wg_slice_is(s, "text"));
    assert_int_equal(sum, -190);
    /* The same bytes can be skipped as a whole. */
    assert_int_equal(skip_all(buf.data, buf.size, NULL), WG_OK);
    /* And cut anywhere they are refused. */
    for (size_t cut = 0; cut < buf.size; cut++) assert_int_equal(skip_all(buf.data, cut, NULL), WG_E_CORRUPT);
    wg_buf_deinit(&buf);
}

/* Goal: a list that claims 2^31 elements is refused at its header, before anything is sized by it. */
static void test_thrift_refuses_list_of_2_to_31(void **state) {
    (void)state;
    const uint8_t bytes[] = {0x19, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00};
    wg_error err = {0};
    assert_int_equal(skip_all(bytes, sizeof bytes, &err), WG_E_CORRUPT);
    assert_true(err.offset >= 100 && err.offset <= 100 + sizeof bytes);
}

/* Goal: a container within the bytes but over 10^6 elements is WG_E_LIMIT. */
static void test_thrift_limits_container_count(void **state) {
    (void)state;
    const size_t size = 1100000;
    uint8_t *bytes = wg_alloc_zero(NULL, size);
    const uint8_t head[] = {0x19, 0xf3, 0xc1, 0x84, 0x3d}; /* list of 1,000,001 bytes */
    memcpy(bytes, head, sizeof head);
    assert_int_equal(skip_all(bytes, size, NULL), WG_E_LIMIT);
    bytes[2] = 0xc0; /* 1,000,000 */
    assert_int_equal(skip_all(bytes, size, NULL), WG_OK);
    wg_free(bytes);
}

/* Goal: 10,000 nested structs, lists and maps end at depth 64 with WG_E_LIMIT, not on the stack. */
static void test_thrift_limits_nesting(void **state) {
    (void)state;
    static const uint8_t fill[] = {0x1c, 0x19};
    uint8_t bytes[10001];
    for (size_t k = 0; k < sizeof fill; k++) {
        memset(bytes, fill[k], sizeof bytes);
        if (fill[k] == 0x19) bytes[0] = 0x19; /* a field that is a list of lists of lists */
        wg_error err = {0};
        assert_int_equal(skip_all(bytes, sizeof bytes, &err), WG_E_LIMIT);
        assert_non_null(strstr(err.message, "64"));
    }
    bytes[0] = 0x1b; /* a map of one entry whose value is a map ... */
    for (size_t i = 1; i < sizeof bytes - 2; i += 3) memcpy(bytes + i, "\x01\x3b\x00", 3);
    assert_int_equal(skip_all(bytes, sizeof bytes, NULL), WG_E_LIMIT);
}

/* Goal: strings longer than what is left are corrupt, strings over 16 MiB are a limit. */
static void test_thrift_bounds_strings(void **state) {
    (void)state;
    const uint8_t longer[] = {0x18, 0x05, 'a', 'b', 0x00};
    assert_int_equal(skip_all(longer, sizeof longer, NULL), WG_E_CORRUPT);
    const size_t size = ((size_t)16 << 20) + 100;
    uint8_t *bytes = wg_alloc_zero(NULL, size);
    memcpy(bytes, "\x18\x81\x80\x80\x08", 5); /* 16 MiB + 1 */
    assert_int_equal(skip_all(bytes, size, NULL), WG_E_LIMIT);
    memcpy(bytes, "\x18\x80\x80\x80\x08", 5);
    assert_int_equal(skip_all(bytes, size, NULL), WG_OK);
    wg_free(bytes);
}

/* Goal: integers out of their type's range, over-long varints and unknown types are corrupt. */
static void test_thrift_refuses_bad_integers_and_types(void **state) {
    (void)state;
    wg_thrift_reader r;
    int32_t v = 5;
    const uint8_t wide[] = {0x80, 0x80, 0x80, 0x80, 0x20}; /* 2^32 as zigzag: one over INT32_MAX */
    wg_thrift_reader_init(&r, wg_slice_of(wide, sizeof wide), 0, NULL);
    assert_false(wg_thrift_read_i32(&r, WG_THRIFT_I32, &v));
    assert_int_equal(r.code, WG_E_CORRUPT);
    assert_int_equal(v, 5);
    uint8_t endless[12];
    memset(endless, 0xff, sizeof endless);
    int64_t w = 0;
    wg_thrift_reader_init(&r, wg_slice_of(endless, sizeof endless), 0, NULL);
    assert_false(wg_thrift_read_i64(&r, WG_THRIFT_I64, &w));
    const uint8_t unknown[] = {0x1e, 0x00};
    assert_int_equal(skip_all(unknown, sizeof unknown, NULL), WG_E_CORRUPT);
    const uint8_t mistyped[] = {0x02};
    wg_thrift_reader_init(&r, wg_slice_of(mistyped, 1), 0, NULL);
    assert_false(wg_thrift_read_i32(&r, WG_THRIFT_BINARY, &v));
    assert_int_equal(r.code, WG_E_CORRUPT);
}

/* Goal: after a failure nothing more is read and the first error stays. */
static void test_thrift_failure_is_sticky(void **state) {
    (void)state;
    const uint8_t bytes[] = {0x15, 0x02, 0x00};
    wg_error err = {0};
    wg_thrift_reader r;
    wg_thrift_field f;
    int32_t v = 0;
    wg_thrift_reader_init(&r, wg_slice_of(bytes, sizeof bytes), 0, &err);
    assert_true(wg_thrift_struct_begin(&r));
    assert_true(wg_thrift_field_next(&r, &f));
    wg_thrift_fail(&r, WG_E_LIMIT, "first");
    wg_thrift_fail(&r, WG_E_CORRUPT, "second");
    assert_false(wg_thrift_read_i32(&r, f.type, &v));
    assert_false(wg_thrift_field_next(&r, &f));
    assert_int_equal(r.code, WG_E_LIMIT);
    assert_non_null(strstr(err.message, "first"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_thrift_round_trips_values),
                                       cmocka_unit_test(test_thrift_refuses_list_of_2_to_31),
                                       cmocka_unit_test(test_thrift_limits_container_count),
                                       cmocka_unit_test(test_thrift_limits_nesting),
                                       cmocka_unit_test(test_thrift_bounds_strings),
                                       cmocka_unit_test(test_thrift_refuses_bad_integers_and_types),
                                       cmocka_unit_test(test_thrift_failure_is_sticky)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
