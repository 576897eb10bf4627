/* Tests of CRC-32, SHA-256 and the table hash against published vectors and by property. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/digest/digest.h"

static void test_crc32_matches_the_check_value(void **state) {
    /* Goal: CRC-32/ISO-HDLC of "123456789" is CBF43926 (the check value of its catalogue), in one piece or two. */
    (void)state;
    assert_int_equal(wg_crc32(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(wg_crc32(wg_crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
    assert_int_equal(wg_crc32(0, "", 0), 0);
}

static void test_sha256_matches_fips_180(void **state) {
    /* Goal: "abc" and the empty message give the digests of FIPS 180-4's examples; parts and updates agree. */
    (void)state;
    wg_sha256 d;
    wg_sha256 e;
    char hex[65];
    const wg_slice parts[2] = {wg_slice_str("a"), wg_slice_str("bc")};
    wg_sha256_of(parts, 2, &d);
    wg_sha256_hex(&d, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    wg_sha256_state *s = wg_sha256_begin();
    assert_non_null(s);
    wg_sha256_add(s, "ab", 2);
    wg_sha256_add(s, "c", 1);
    wg_sha256_end(s, &e);
    assert_memory_equal(d.bytes, e.bytes, 32);
    s = wg_sha256_begin();
    for (size_t i = 0; i < 3; i++) { /* one state, many messages */
        wg_sha256_add(s, "abc", 3);
        wg_sha256_finish(s, &e);
        assert_memory_equal(d.bytes, e.bytes, 32);
    }
    wg_sha256_end(s, NULL);
    wg_sha256_of(NULL, 0, &d);
    wg_sha256_hex(&d, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    wg_sha256_end(NULL, NULL);
    wg_sha256_end(wg_sha256_begin(), NULL);
}

static void test_sha256_in_place_agrees_with_the_general_form(void **state) {
    /* Goal: for every length around the borders of blocks both forms give one digest, whatever lies behind the message. */
    (void)state;
    uint8_t message[300 + WG_SHA256_PADDING];
    for (size_t size = 0; size <= 300; size++) {
        for (size_t i = 0; i < sizeof message; i++) message[i] = (uint8_t)(i * 31 + size);
        const wg_slice part = wg_slice_of(message, size);
        wg_sha256 expected;
        wg_sha256 got;
        wg_sha256_of(&part, 1, &expected);
        wg_sha256_in_place(message, size, &got);
        assert_memory_equal(expected.bytes, got.bytes, 32);
    }
}

static void test_hash_depends_on_every_byte_seed_and_length(void **state) {
    /* Goal: changing any one bit, the seed or the number of zero bytes changes the hash. */
    (void)state;
    uint8_t data[40] = {0};
    for (size_t size = 0; size <= sizeof data; size++) {
        const uint64_t h = wg_hash64(1, data, size);
        assert_true(h != wg_hash64(2, data, size));
        if (size > 0) assert_true(h != wg_hash64(1, data, size - 1));
        for (size_t bit = 0; bit < size * 8; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_true(h != wg_hash64(1, data, size));
            data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
    assert_true(wg_hash64_u64(1) != wg_hash64_u64(2));
}

static void test_hash_spreads_small_keys(void **state) {
    /* Goal: consecutive integers fill 1,024 buckets about evenly by low and by high bits. */
    (void)state;
    uint32_t low[1024] = {0};
    uint32_t high[1024] = {0};
    for (uint64_t i = 0; i < 64 * 1024; i++) {
        const uint64_t h = wg_hash64(0, &i, sizeof i);
        low[h & 1023]++;
        high[h >> 54]++;
    }
    for (size_t i = 0; i < 1024; i++) {
        assert_in_range(low[i], 24, 120);
        assert_in_range(high[i], 24, 120);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32_matches_the_check_value),
        cmocka_unit_test(test_sha256_matches_fips_180),
        cmocka_unit_test(test_sha256_in_place_agrees_with_the_general_form),
        cmocka_unit_test(test_hash_depends_on_every_byte_seed_and_length),
        cmocka_unit_test(test_hash_spreads_small_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
