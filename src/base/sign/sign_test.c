/* Ed25519: the first test vectors of RFC 8032, and that any changed bit of message, key or signature is noticed. */
#include "base/sign/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t secret_1[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                     0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                     0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t public_1[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                     0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                     0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const uint8_t signature_1[8] = {0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72};

/* Goal: key and signature of the RFC's test 1 (the empty message) come out. */
static void test_signatures_are_those_of_the_rfc(void **state) {
    (void)state;
    wg_sign_secret secret;
    wg_sign_public key;
    wg_signature signature;
    bool valid = false;
    memcpy(secret.bytes, secret_1, sizeof secret_1);
    assert_int_equal(wg_sign_public_of(&secret, &key, NULL), WG_OK);
    assert_memory_equal(key.bytes, public_1, sizeof public_1);
    assert_int_equal(wg_sign(&secret, wg_slice_str(""), &signature, NULL), WG_OK);
    assert_memory_equal(signature.bytes, signature_1, sizeof signature_1);
    assert_int_equal(wg_sign_verify(&key, wg_slice_str(""), &signature, &valid, NULL), WG_OK);
    assert_true(valid);
}

/* Goal: no bit of signature, key or message can change unnoticed; new keys differ. */
static void test_any_changed_bit_is_noticed(void **state) {
    (void)state;
    wg_sign_secret secret, other;
    wg_sign_public key;
    wg_signature signature;
    uint8_t message[16] = "a small message";
    const wg_slice text = wg_slice_of(message, sizeof message);
    bool valid = true;
    assert_int_equal(wg_sign_new_key(&secret, NULL), WG_OK);
    assert_int_equal(wg_sign_new_key(&other, NULL), WG_OK);
    assert_memory_not_equal(secret.bytes, other.bytes, sizeof secret.bytes);
    assert_int_equal(wg_sign_public_of(&secret, &key, NULL), WG_OK);
    assert_int_equal(wg_sign(&secret, text, &signature, NULL), WG_OK);
    uint8_t *const parts[] = {signature.bytes, key.bytes, message};
    const size_t sizes[] = {sizeof signature.bytes, sizeof key.bytes, sizeof message};
    for (size_t p = 0; p < 3; p++)
        for (size_t bit = 0; bit < sizes[p] * 8; bit++) {
            parts[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(wg_sign_verify(&key, text, &signature, &valid, NULL), WG_OK);
            assert_false(valid);
            parts[p][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    assert_int_equal(wg_sign_verify(&key, text, &signature, &valid, NULL), WG_OK);
    assert_true(valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signatures_are_those_of_the_rfc),
                                       cmocka_unit_test(test_any_changed_bit_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
