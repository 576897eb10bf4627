/* bench: what the benchmark programs share: a clock, percentiles, and one JSON line a measurement (bench/README.md).
 *
 * A program bench/<x>_bench.c measures our side and a peer's side in the same run, alternating, so that a busy machine
 * hits both; prints its lines to stdout and everything else to stderr; and exits non-zero when it could not measure. */
#ifndef WG_BENCH_H
#define WG_BENCH_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t bench_now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        fprintf(stderr, "bench: no monotonic clock\n");
        exit(1);
    }
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline int bench_compare_u64(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The p-th percentile (0..100, nearest rank) of `count` > 0 samples; sorts them. */
static inline uint64_t bench_percentile(uint64_t *samples, size_t count, double p) {
    qsort(samples, count, sizeof *samples, bench_compare_u64);
    const size_t rank = (size_t)(p / 100.0 * (double)(count - 1) + 0.5);
    return samples[rank];
}

/* One measurement. `params` is a JSON object as text; `peer` NULL means that there is nothing to compare with. */
typedef struct bench_line {
    const char *name;
    const char *params;
    double value;
    const char *unit;
    const char *peer;
    double peer_value;
} bench_line;

static inline void bench_print(const bench_line *line) {
    printf("{\"name\":\"%s\",\"params\":%s,\"value\":%.6g,\"unit\":\"%s\"", line->name, line->params, line->value,
           line->unit);
    if (line->peer != NULL)
        printf(",\"peer\":\"%s\",\"peer_value\":%.6g,\"ratio\":%.4g", line->peer, line->peer_value,
               line->value / line->peer_value);
    else printf(",\"peer\":null,\"peer_value\":null,\"ratio\":null");
    printf("}\n");
    fflush(stdout);
}

#endif
