/* Histograms: a value goes into one of four equal parts of its power of two, so a bucket is at most a quarter wider than
 * it begins. Bucket 4e + q holds the values whose highest bit is e and whose next two bits are q; 0 shares the bucket of 1, and
 * what is over the last bucket is counted in it. Each figure is exact by itself; a reader beside writers may see the count
 * of a value before its bucket, and then answers with the newest bucket. Threads: any. */
#include "io/metrics/metrics.h"

static uint32_t bucket_of(uint64_t value) {
    if (value < 2) return 0;
    const uint32_t e = 63 - (uint32_t)__builtin_clzll(value);
    const uint32_t quarter = (uint32_t)(e >= 2 ? value >> (e - 2) : value << (2 - e)) & 3;
    const uint32_t bucket = 4 * e + quarter;
    return bucket < WG_HISTOGRAM_BUCKETS ? bucket : WG_HISTOGRAM_BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t bucket_last(uint32_t bucket) {
    const uint32_t e = bucket / 4;
    const uint64_t next = bucket % 4 + 5; /* quarters from the power of two to the next bucket, on top of four */
    return (e >= 2 ? next << (e - 2) : (next + (UINT64_C(1) << (2 - e)) - 1) >> (2 - e)) - 1;
}

void wg_histogram_add(wg_histogram *histogram, uint64_t value) {
    atomic_fetch_add_explicit(&histogram->buckets[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
    while (value > max && !atomic_compare_exchange_weak_explicit(&histogram->max, &max, value, memory_order_relaxed,
                                                                 memory_order_relaxed))
        ;
}

uint64_t wg_histogram_quantile(const wg_histogram *histogram, double quantile) {
    const uint64_t count = atomic_load_explicit(&histogram->count, memory_order_relaxed);
    const uint64_t max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
    if (count == 0) return 0;
    const double wanted = quantile <= 0 ? 1 : quantile >= 1 ? (double)count : quantile * (double)count;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < WG_HISTOGRAM_BUCKETS - 1; i++) {
        seen += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        if ((double)seen >= wanted) return wg_min_u64(bucket_last(i), max);
    }
    return max; /* the last bucket has no end */
}
