/* base/sign: Ed25519 signatures (RFC 8032), from libcrypto. A private key is the 32-byte seed of the RFC, a public key its 32 bytes: no
 * container formats. Signing the same message with the same key gives the same 64 bytes.
 *
 * Threads: any. Failure: WG_E_NOMEM, and WG_E_IO when the system gives no randomness for a new key. */
#ifndef WG_BASE_SIGN_H
#define WG_BASE_SIGN_H

#include "base/core/core.h"

typedef struct wg_sign_secret {
    uint8_t bytes[32];
} wg_sign_secret;
typedef struct wg_sign_public {
    uint8_t bytes[32];
} wg_sign_public;
typedef struct wg_signature {
    uint8_t bytes[64];
} wg_signature;

wg_code wg_sign_new_key(wg_sign_secret *out, wg_error *err);
wg_code wg_sign_public_of(const wg_sign_secret *secret, wg_sign_public *out, wg_error *err);
wg_code wg_sign(const wg_sign_secret *secret, wg_slice message, wg_signature *out, wg_error *err);
/* *out_valid: the signature is that of the message under the key. Any 32 and 64 bytes are legal input. */
wg_code wg_sign_verify(const wg_sign_public *key, wg_slice message, const wg_signature *signature, bool *out_valid,
                       wg_error *err);

#endif
