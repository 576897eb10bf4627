/* CRC-32 by ISA-L, SHA-256 by libcrypto, and the hash of hash tables. See digest.h. */
#include "base/digest/digest.h"

#include "base/memory/memory.h"

/* A small commit is hashed by one call: the interface before 3.0 does just that, where EVP allocates and looks the algorithm up
 * under a lock, which costs more than the hashing. */
#define OPENSSL_API_COMPAT 0x10101000L

#include <isa-l/crc.h>
#include <openssl/sha.h>

uint32_t wg_crc32(uint32_t seed, const void *data, size_t size) {
    return crc32_gzip_refl(seed, (const unsigned char *)data, (uint64_t)size);
}

/* The opaque state is libcrypto's context itself. */
static SHA256_CTX *ctx_of(wg_sha256_state *state) { return (SHA256_CTX *)(void *)state; }

wg_sha256_state *wg_sha256_begin(void) {
    SHA256_CTX *ctx = wg_alloc(NULL, sizeof *ctx);
    if (ctx == NULL) return NULL;
    const int ok = SHA256_Init(ctx);
    WG_ASSERT(ok == 1);
    return (wg_sha256_state *)(void *)ctx;
}

void wg_sha256_add(wg_sha256_state *state, const void *data, size_t size) {
    const int ok = SHA256_Update(ctx_of(state), data, size);
    WG_ASSERT(ok == 1); /* a SHA-256 update has no way to fail once begun */
}

void wg_sha256_end(wg_sha256_state *state, wg_sha256 *out) {
    if (state == NULL) return;
    if (out != NULL) {
        const int ok = SHA256_Final(out->bytes, ctx_of(state));
        WG_ASSERT(ok == 1);
    }
    wg_free(state);
}

void wg_sha256_finish(wg_sha256_state *state, wg_sha256 *out) {
    int ok = SHA256_Final(out->bytes, ctx_of(state));
    ok &= SHA256_Init(ctx_of(state));
    WG_ASSERT(ok == 1);
}

void wg_sha256_of(const wg_slice *parts, size_t count, wg_sha256 *out) {
    SHA256_CTX ctx;
    int ok = SHA256_Init(&ctx);
    for (size_t i = 0; i < count; i++) ok &= SHA256_Update(&ctx, parts[i].data, parts[i].size);
    ok &= SHA256_Final(out->bytes, &ctx);
    WG_ASSERT(ok == 1); /* no step has a way to fail */
}

void wg_sha256_in_place(uint8_t *message, size_t size, wg_sha256 *out) {
    const size_t padded = (size_t)wg_align_up(size + 9, 64);
    memset(message + size, 0, padded - size);
    message[size] = 0x80;
    for (size_t i = 0; i < 8; i++) message[padded - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
    SHA256_CTX ctx;
    int ok = SHA256_Init(&ctx);
    ok &= SHA256_Update(&ctx, message, padded); /* whole blocks leave nothing in the context but the state */
    WG_ASSERT(ok == 1);
    for (size_t i = 0; i < 8; i++) {
        const uint32_t word = __builtin_bswap32((uint32_t)ctx.h[i]);
        memcpy(out->bytes + 4 * i, &word, 4);
    }
}

void wg_sha256_hex(const wg_sha256 *digest, char out[65]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[64] = '\0';
}

static uint64_t mix(uint64_t a, uint64_t b) {
    const wg_u128 m = (wg_u128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Multiply-and-fold over 16-byte steps, in the manner of wyhash (Wang Yi); our own constants and finish. */
uint64_t wg_hash64(uint64_t seed, const void *data, size_t size) {
    const uint64_t k0 = UINT64_C(0xa0761d6478bd642f);
    const uint64_t k1 = UINT64_C(0xe7037ed1a0b428db);
    const uint8_t *p = data;
    size_t left = size;
    uint64_t h = seed ^ k0;
    while (left >= 16) {
        h = mix(wg_load_u64le(p) ^ k1, wg_load_u64le(p + 8) ^ h);
        p += 16;
        left -= 16;
    }
    uint8_t tail[16] = {0};
    if (left != 0) memcpy(tail, p, left);
    h = mix(wg_load_u64le(tail) ^ k1, wg_load_u64le(tail + 8) ^ h);
    return mix(h ^ k0, (uint64_t)size ^ k1);
}
