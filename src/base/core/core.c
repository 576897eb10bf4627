/* Errors, slices, bitmaps, seeded randomness. See core.h. */
#include "base/core/core.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void wg_assert_fail(const char *expression, const char *file, int line) {
    fprintf(stderr, "worldgraph: assertion failed: %s (%s:%d)\n", expression, file, line);
    abort();
}

const char *wg_version(void) { return "0.1.0"; }

typedef struct code_row {
    const char *name;
    const char *status;
    const char *meaning;
} code_row;

#define CODE_ROW(name, number, status, meaning) [number] = {#name, status, meaning},
static const code_row code_rows[] = {WG_CODE_LIST(CODE_ROW)};
#undef CODE_ROW

static const code_row *code_row_of(wg_code code) {
    const size_t i = (size_t)code;
    const size_t count = sizeof code_rows / sizeof code_rows[0];
    return &code_rows[i < count ? i : (size_t)WG_E_INTERNAL];
}

const char *wg_code_name(wg_code code) { return code_row_of(code)->name; }
const char *wg_code_gqlstatus(wg_code code) { return code_row_of(code)->status; }
const char *wg_code_meaning(wg_code code) { return code_row_of(code)->meaning; }

#define STATUS_ROW(name, status, condition) [name] = status,
static const char status_rows[][6] = {WG_STATUS_LIST(STATUS_ROW)};
#undef STATUS_ROW

const char *wg_error_gqlstatus(const wg_error *err) {
    if (err == NULL) return wg_code_gqlstatus(WG_OK);
    return err->code != WG_OK && err->gqlstatus[0] != '\0' ? err->gqlstatus : wg_code_gqlstatus(err->code);
}

wg_code wg_error_refine(wg_error *err, wg_code code, wg_status status) {
    WG_ASSERT((size_t)status < sizeof status_rows / sizeof status_rows[0]);
    if (err != NULL && err->code == code && err->gqlstatus[0] == '\0')
        memcpy(err->gqlstatus, status_rows[status], sizeof err->gqlstatus);
    return code;
}

const char *wg_status_gqlstatus(wg_status status) {
    WG_ASSERT((size_t)status < sizeof status_rows / sizeof status_rows[0]);
    return status_rows[status];
}

static bool error_open(wg_error *err, wg_code code, uint64_t offset) {
    WG_ASSERT(code != WG_OK);
    if (err == NULL || err->code != WG_OK) return false;
    err->code = code;
    err->sys_errno = 0;
    err->offset = offset;
    err->line = 0;
    err->column = 0;
    err->gqlstatus[0] = '\0';
    return true;
}

wg_code wg_error_set(wg_error *err, wg_code code, uint64_t offset, const char *format, ...) {
    if (!error_open(err, code, offset)) return code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

wg_code wg_error_set_sys(wg_error *err, wg_code code, int sys_errno, const char *format, ...) {
    if (!error_open(err, code, WG_NO_OFFSET)) return code;
    err->sys_errno = sys_errno;
    va_list args;
    va_start(args, format);
    const int used = vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof err->message)
        snprintf(err->message + used, sizeof err->message - (size_t)used, ": %s", strerror(sys_errno));
    return code;
}

wg_code wg_error_prefix(wg_error *err, wg_code code, const char *format, ...) {
    if (err == NULL || err->code == WG_OK) return code;
    char merged[sizeof err->message];
    va_list args;
    va_start(args, format);
    const int used = vsnprintf(merged, sizeof merged, format, args);
    va_end(args);
    if (used < 0 || (size_t)used >= sizeof merged) return code;
    /* The original message keeps at least its beginning: it says what is wrong. */
    snprintf(merged + used, sizeof merged - (size_t)used, ": %.*s", (int)(sizeof merged - 3), err->message);
    memcpy(err->message, merged, sizeof merged);
    return code;
}

wg_code wg_error_suffix(wg_error *err, wg_code code, const char *format, ...) {
    if (err == NULL || err->code == WG_OK) return code;
    char more[sizeof err->message];
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(more, sizeof more, format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof more) return code;
    const size_t room = sizeof more - 1 - (size_t)size;
    size_t kept = strlen(err->message);
    if (kept > room) { /* a character goes whole: its further bytes are 10xxxxxx */
        kept = room;
        while (kept > 0 && ((uint8_t)err->message[kept] & 0xC0) == 0x80) kept--;
    }
    memcpy(err->message + kept, more, (size_t)size + 1);
    return code;
}

wg_code wg_error_fold_offset(wg_error *err, wg_code code) {
    if (err == NULL || err->code == WG_OK || err->offset == WG_NO_OFFSET) return code;
    const size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, " (at byte %llu)", (unsigned long long)err->offset);
    err->offset = WG_NO_OFFSET;
    return code;
}

void wg_error_clear(wg_error *err) {
    if (err != NULL) memset(err, 0, sizeof *err);
}

wg_code wg_error_nomem(wg_error *err, size_t bytes) {
    return wg_error_set(err, WG_E_NOMEM, WG_NO_OFFSET, "out of memory: %zu bytes refused", bytes);
}

int wg_slice_compare(wg_slice a, wg_slice b) {
    const size_t n = wg_min_size(a.size, b.size);
    const int c = n == 0 ? 0 : memcmp(a.data, b.data, n);
    if (c != 0) return c;
    return (a.size > b.size) - (a.size < b.size);
}

bool wg_slice_take(wg_slice *from, size_t size, wg_slice *out) {
    if (from->size < size) return false;
    *out = wg_slice_of(from->data, size);
    if (size != 0) from->data += size; /* an empty slice may have no address */
    from->size -= size;
    return true;
}

size_t wg_bit_count(const uint8_t *bits, size_t bit_count) {
    size_t count = 0;
    size_t i = 0;
    for (; i + 64 <= bit_count; i += 64) count += (size_t)__builtin_popcountll(wg_load_u64le(bits + i / 8));
    for (; i < bit_count; i++) count += wg_bit_get(bits, i);
    return count;
}

/* splitmix64 spreads one word of seed over the state, as the authors of xoshiro advise. */
static uint64_t splitmix_next(uint64_t *x) {
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void wg_rng_init(wg_rng *rng, uint64_t seed) {
    for (size_t i = 0; i < 4; i++) rng->s[i] = splitmix_next(&seed);
}

static uint64_t rotate_left(uint64_t x, unsigned k) { return (x << k) | (x >> (64 - k)); }

uint64_t wg_rng_next(wg_rng *rng) {
    uint64_t *s = rng->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t wg_rng_below(wg_rng *rng, uint64_t bound) {
    WG_ASSERT(bound > 0);
    const uint64_t cut = (0 - bound) % bound;
    for (;;) {
        const uint64_t r = wg_rng_next(rng);
        if (r >= cut) return r % bound;
    }
}

double wg_rng_unit(wg_rng *rng) { return (double)(wg_rng_next(rng) >> 11) * 0x1.0p-53; }
