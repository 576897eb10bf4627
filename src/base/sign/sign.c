/* Ed25519 through EVP. libcrypto copies what it is given, so nothing here outlives its call. See sign.h. */
#include "base/sign/sign.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

wg_code wg_sign_new_key(wg_sign_secret *out, wg_error *err) {
    wg_sign_secret made;
    if (RAND_bytes(made.bytes, (int)sizeof made.bytes) != 1)
        return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "the system gives no random bytes for a key");
    *out = made;
    return WG_OK;
}

static EVP_PKEY *load_secret(const wg_sign_secret *secret) {
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret->bytes, sizeof secret->bytes);
}

wg_code wg_sign_public_of(const wg_sign_secret *secret, wg_sign_public *out, wg_error *err) {
    wg_sign_public found;
    size_t size = sizeof found.bytes;
    EVP_PKEY *key = load_secret(secret);
    const bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, found.bytes, &size) == 1;
    EVP_PKEY_free(key);
    if (!ok || size != sizeof found.bytes) return wg_error_nomem(err, sizeof found);
    *out = found;
    return WG_OK;
}

wg_code wg_sign(const wg_sign_secret *secret, wg_slice message, wg_signature *out, wg_error *err) {
    wg_signature made;
    size_t size = sizeof made.bytes;
    EVP_PKEY *key = load_secret(secret);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool ok = key != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
                    EVP_DigestSign(ctx, made.bytes, &size, message.data, message.size) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    if (!ok || size != sizeof made.bytes) return wg_error_nomem(err, sizeof made);
    *out = made;
    return WG_OK;
}

wg_code wg_sign_verify(const wg_sign_public *key, wg_slice message, const wg_signature *signature, bool *out_valid,
                       wg_error *err) {
    EVP_PKEY *loaded = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, sizeof key->bytes);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool ready = loaded != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, loaded) == 1;
    /* Bytes that are no point of the curve are found out here, as a signature that does not fit. */
    const bool valid =
        ready && EVP_DigestVerify(ctx, signature->bytes, sizeof signature->bytes, message.data, message.size) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(loaded);
    if (!ready) return wg_error_nomem(err, sizeof *signature);
    *out_valid = valid;
    return WG_OK;
}
