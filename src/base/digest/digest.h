/* base/digest: CRC-32, SHA-256 and a 64-bit hash. CRC comes from ISA-L, SHA-256 from libcrypto (ADR 0002). */
#ifndef WG_BASE_DIGEST_H
#define WG_BASE_DIGEST_H

#include "base/core/core.h"

/* CRC-32 (IEEE 802.3, reflected, as in zlib). `seed` is 0 or the CRC of the bytes before. */
uint32_t wg_crc32(uint32_t seed, const void *data, size_t size);

typedef struct wg_sha256 {
    uint8_t bytes[32];
} wg_sha256;

/* SHA-256 over the concatenation of `count` parts (FIPS 180-4). */
void wg_sha256_of(const wg_slice *parts, size_t count, wg_sha256 *out);

/* The same for a short message in a buffer that has room behind it: writes the padding there (up to 72 bytes) and hashes whole blocks, which
 * is what chains of many short messages want. */
void wg_sha256_in_place(uint8_t *message, size_t size, wg_sha256 *out);
enum { WG_SHA256_PADDING = 72 };

/* Incremental form. Owns: begin allocates, end frees; every begin needs one end. NULL from begin: out of memory. */
typedef struct wg_sha256_state wg_sha256_state;
wg_sha256_state *wg_sha256_begin(void);
void wg_sha256_add(wg_sha256_state *state, const void *data, size_t size);
void wg_sha256_end(wg_sha256_state *state, wg_sha256 *out); /* out may be NULL */
/* Gives the digest of what was added and begins anew, without allocating: for many short messages. */
void wg_sha256_finish(wg_sha256_state *state, wg_sha256 *out);

/* 64 lower-case hex digits and a NUL. */
void wg_sha256_hex(const wg_sha256 *digest, char out[65]);

/* A fast well-mixed 64-bit hash for hash tables; the same on every machine and run, never stored on disk. */
uint64_t wg_hash64(uint64_t seed, const void *data, size_t size);
static inline uint64_t wg_hash64_u64(uint64_t x) {
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    return x;
}

#endif
