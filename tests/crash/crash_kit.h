/* tests/crash: what the crash tests share: the seed, the count of recoveries, and payloads that their number alone decides.
 *
 * A workload runs on a fresh simulated disk that loses power at call n, for n = 1, 2, .. until it runs through. Each of
 * the 16 survival patterns then makes a disk, and the checks run on it. That the checks can fail is shown by the builds
 * of tests/canary, each of which has one bug. */
#ifndef WG_TESTS_CRASH_KIT_H
#define WG_TESTS_CRASH_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/platform/platform.h"

/* Sanitizers make a run 10 to 50 times slower: they take every 11th crash point, from a seeded first one on, as does
 * WG_TEST_SIZE=small. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

typedef struct crash_totals {
    uint64_t seed;
    uint64_t stride;
    uint64_t crash_points;
    uint64_t recoveries;
    uint64_t started_ns;
} crash_totals;

static crash_totals totals;

static inline void totals_begin(void) {
    const char *text = getenv("WG_SEED");
    const char *size = getenv("WG_TEST_SIZE");
    /* Stores come and go a hundred thousand times: their memory stays with the process, or the system clears it anew for each of them. */
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most that the C library takes */
    totals.seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260101);
    totals.stride = SANITIZED != 0 || (size != NULL && strcmp(size, "small") == 0) ? 11 : 1;
    totals.started_ns = wg_platform_real()->ops->now_ns(wg_platform_real());
    printf("seed: WG_SEED=%llu\n", (unsigned long long)totals.seed);
}

/* The first crash point of a loop. */
static inline uint64_t crash_first(void) { return 1 + totals.seed % totals.stride; }

/* An argument of the program names the tests to run: a pattern with `*`. */
static inline void totals_arguments(int argc, char **argv) {
    totals_begin();
    if (argc > 1) cmocka_set_test_filter(argv[1]);
}

static inline void totals_print(void) {
    const uint64_t ns = wg_platform_real()->ops->now_ns(wg_platform_real()) - totals.started_ns;
    const double seconds = (double)ns / 1e9;
    printf("crash points %llu, recoveries %llu, %.1f s, %.0f recoveries/s, WG_SEED=%llu\n",
           (unsigned long long)totals.crash_points, (unsigned long long)totals.recoveries, seconds,
           (double)totals.recoveries / (seconds > 0 ? seconds : 1), (unsigned long long)totals.seed);
}

/* ---- payloads */

/* The bytes of payload (logseq, generation): a retry of a lost number has other bytes. */
static inline bool payload_next(wg_rng *rng, uint8_t *out, size_t at, size_t size) {
    const uint64_t word = wg_rng_next(rng);
    memcpy(out + at, &word, wg_min_size(8, size - at));
    return true;
}

static inline void payload_fill(uint64_t logseq, uint64_t generation, uint8_t *out, size_t size) {
    wg_rng rng;
    wg_rng_init(&rng, logseq * 64 + generation);
    for (size_t at = 0; at < size; at += 8) payload_next(&rng, out, at, size);
}

static inline bool payload_equal(uint64_t logseq, uint64_t generation, wg_slice payload) {
    wg_rng rng;
    wg_rng_init(&rng, logseq * 64 + generation);
    for (size_t at = 0; at < payload.size; at += 8) {
        const uint64_t word = wg_rng_next(&rng);
        if (memcmp(&word, payload.data + at, wg_min_size(8, payload.size - at)) != 0) return false;
    }
    return true;
}

/* ---- dumps */

static inline bool dumps_equal(const wg_platform *a, wg_buf *kept) {
    wg_buf now;
    wg_buf_init(&now, NULL);
    const bool ok = wg_platform_sim_dump(a, &now) && wg_slice_equal(wg_buf_slice(&now), wg_buf_slice(kept));
    wg_buf_deinit(&now);
    return ok;
}

#endif
