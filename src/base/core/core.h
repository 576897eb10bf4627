/* base/core: errors, assertions, slices, checked sizes, little-endian access, bitmaps. libc only. */
#ifndef WG_BASE_CORE_H
#define WG_BASE_CORE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <worldgraph.h>

/* ---- assertions: programmer errors only; never about bytes from disk, network or callers' text */

_Noreturn void wg_assert_fail(const char *expression, const char *file, int line);
#define WG_ASSERT(e) ((e) ? (void)0 : wg_assert_fail(#e, __FILE__, __LINE__))
#ifdef WG_SLOW_CHECKS
#define WG_ASSERT_SLOW(e) WG_ASSERT(e)
#else
#define WG_ASSERT_SLOW(e) ((void)0)
#endif
/* Planted bugs: true only in the builds of tests/canary, which show that the crash suites can fail; 0 everywhere else, so that
 * nothing of it is compiled. The list: tests/canary/README.md. */
#ifdef WG_CANARY
#define WG_CANARY_IS(n) (WG_CANARY == (n))
#else
#define WG_CANARY_IS(n) 0
#endif
#define WG_UNREACHABLE(why)  wg_assert_fail("unreachable: " why, __FILE__, __LINE__)
#define WG_IMPLIES(a, b)     (!(a) || (b))
#define WG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Borrowed bytes. */
typedef struct wg_slice {
    const uint8_t *data;
    size_t size;
} wg_slice;

/* ---- errors: `return wg_error_set(...)` is the whole idiom; the first error wins */

/* Fills *err (when not NULL and not already an error) and returns `code`. */
wg_code wg_error_set(wg_error *err, wg_code code, uint64_t offset, const char *format, ...) WG_PRINTF(4, 5);
/* The same with errno's value; appends its text. */
wg_code wg_error_set_sys(wg_error *err, wg_code code, int sys_errno, const char *format, ...) WG_PRINTF(4, 5);
/* Puts "prefix: " before the message of a set error, cutting its end if it must. Returns err's code or `code`. */
wg_code wg_error_prefix(wg_error *err, wg_code code, const char *format, ...) WG_PRINTF(3, 4);
/* Puts more behind the message of a set error; what it said is cut to make room, at a character. Returns `code`. */
wg_code wg_error_suffix(wg_error *err, wg_code code, const char *format, ...) WG_PRINTF(3, 4);
/* For errors about files, before they pass into code that speaks of query text: writes the offset into the message and takes it
 * out of the struct. Returns `code`. */
wg_code wg_error_fold_offset(wg_error *err, wg_code code);
/* Says more exactly what was wrong: the error that was just set gets the GQLSTATUS of `status`, unless it is another one, set
 * earlier. `return wg_error_refine(err, wg_error_set(err, ...), WG_S_X);` Returns `code`. */
wg_code wg_error_refine(wg_error *err, wg_code code, wg_status status);
const char *wg_status_gqlstatus(wg_status status);
void wg_error_clear(wg_error *err);
wg_code wg_error_nomem(wg_error *err, size_t bytes);

/* Fills line and column (Unicode scalars, from 1) of a set error from its offset into `text`. Does nothing when the
 * error is not set, has a place already, or its offset lies outside the text. */
void wg_error_locate(wg_error *err, wg_slice text);

#define WG_TRY(call)                                  \
    do {                                              \
        const wg_code wg_try_code = (call);           \
        if (wg_try_code != WG_OK) return wg_try_code; \
    } while (0)
/* For functions with a local `wg_code code` and one cleanup label `fail`. */
#define WG_TRY_GOTO(call)             \
    do {                              \
        code = (call);                \
        if (code != WG_OK) goto fail; \
    } while (0)

/* ---- slices: borrowed bytes */

static inline wg_slice wg_slice_of(const void *data, size_t size) { return (wg_slice){(const uint8_t *)data, size}; }
static inline wg_slice wg_slice_str(const char *s) { return (wg_slice){(const uint8_t *)s, strlen(s)}; }
static inline bool wg_slice_equal(wg_slice a, wg_slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}
static inline bool wg_slice_is(wg_slice a, const char *s) { return wg_slice_equal(a, wg_slice_str(s)); }
/* Bytewise order, a prefix first: <0, 0, >0. */
int wg_slice_compare(wg_slice a, wg_slice b);
/* Cuts `size` bytes off the front into *out; false and unchanged when there are fewer. */
bool wg_slice_take(wg_slice *from, size_t size, wg_slice *out);

/* ---- checked sizes: false on overflow, *out untouched */

static inline bool wg_add_size(size_t a, size_t b, size_t *out) {
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline bool wg_mul_size(size_t a, size_t b, size_t *out) {
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}
static inline size_t wg_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t wg_max_size(size_t a, size_t b) { return a > b ? a : b; }
static inline uint64_t wg_min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t wg_max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
/* Rounds up to a power of two multiple. */
static inline uint64_t wg_align_up(uint64_t n, uint64_t align) { return (n + align - 1) & ~(align - 1); }

__extension__ typedef unsigned __int128 wg_u128;
__extension__ typedef __int128 wg_i128;

/* ---- little-endian loads and stores, any alignment */

static inline uint16_t wg_load_u16le(const void *p) {
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}
static inline uint32_t wg_load_u32le(const void *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}
static inline uint64_t wg_load_u64le(const void *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static inline void wg_store_u16le(void *p, uint16_t v) { memcpy(p, &v, 2); }
static inline void wg_store_u32le(void *p, uint32_t v) { memcpy(p, &v, 4); }
static inline void wg_store_u64le(void *p, uint64_t v) { memcpy(p, &v, 8); }
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "big-endian machines need byte swaps in wg_load_* and wg_store_*"
#endif

/* Named casts for signedness changes and bit patterns. */
static inline int64_t wg_i64_of_u64(uint64_t v) {
    int64_t r;
    memcpy(&r, &v, 8);
    return r;
}
static inline uint64_t wg_u64_of_i64(int64_t v) { return (uint64_t)v; }
static inline uint64_t wg_bits_of_f64(double v) {
    uint64_t r;
    memcpy(&r, &v, 8);
    return r;
}
static inline double wg_f64_of_bits(uint64_t v) {
    double r;
    memcpy(&r, &v, 8);
    return r;
}

/* ---- bitmaps, least significant bit first, as Arrow has them */

static inline bool wg_bit_get(const uint8_t *bits, size_t i) { return (bits[i >> 3] >> (i & 7)) & 1; }
static inline void wg_bit_set(uint8_t *bits, size_t i) { bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7))); }
static inline void wg_bit_clear(uint8_t *bits, size_t i) {
    bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1u << (i & 7)));
}
static inline size_t wg_bit_bytes(size_t bits) { return (bits + 7) / 8; }
size_t wg_bit_count(const uint8_t *bits, size_t bit_count);

/* ---- seeded randomness (xoshiro256**, Blackman and Vigna 2018); never for secrets */

typedef struct wg_rng {
    uint64_t s[4];
} wg_rng;
void wg_rng_init(wg_rng *rng, uint64_t seed);
uint64_t wg_rng_next(wg_rng *rng);
/* Uniform in [0, bound), bound > 0; no modulo bias. */
uint64_t wg_rng_below(wg_rng *rng, uint64_t bound);
/* Uniform in [0, 1), 53 bits. */
double wg_rng_unit(wg_rng *rng);

#endif
