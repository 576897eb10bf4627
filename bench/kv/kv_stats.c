/* Histograms: values below 256 have a bucket each; above, the 8 bits after the highest one choose it. See kv_stats.h. */
#include "kv_stats.h"

#include <stdlib.h>
#include <string.h>

#include "kv_run.h"

static unsigned bucket_of(uint64_t value) {
    if (value < KV_OCTAVE_BUCKETS) return (unsigned)value;
    const unsigned shift = 55u - (unsigned)__builtin_clzll(value); /* brings the value into 256..511 */
    const unsigned bucket = (shift + 1) * KV_OCTAVE_BUCKETS + (unsigned)(value >> shift) - KV_OCTAVE_BUCKETS;
    const unsigned last = KV_OCTAVES * KV_OCTAVE_BUCKETS - 1;
    return bucket < last ? bucket : last;
}

/* The middle of the bucket. */
static double value_of(unsigned bucket) {
    if (bucket < KV_OCTAVE_BUCKETS) return bucket;
    const unsigned shift = bucket / KV_OCTAVE_BUCKETS - 1;
    const uint64_t low = (uint64_t)(bucket % KV_OCTAVE_BUCKETS + KV_OCTAVE_BUCKETS) << shift;
    return (double)low + (double)(UINT64_C(1) << shift) / 2;
}

void kv_histogram_clear(kv_histogram *histogram) { memset(histogram, 0, sizeof *histogram); }

void kv_histogram_add(kv_histogram *histogram, uint64_t picoseconds) {
    histogram->buckets[bucket_of(picoseconds)]++;
    histogram->count++;
}

void kv_histogram_merge(kv_histogram *into, const kv_histogram *from) {
    into->count += from->count;
    for (unsigned i = 0; i < KV_OCTAVES * KV_OCTAVE_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

double kv_histogram_at(const kv_histogram *histogram, double share) {
    if (histogram->count == 0) return 0;
    const uint64_t rank = (uint64_t)(share * (double)(histogram->count - 1) + 0.5);
    uint64_t seen = 0;
    unsigned bucket = 0;
    while ((seen += histogram->buckets[bucket]) <= rank) bucket++;
    return value_of(bucket) / 1e3;
}

double kv_least(const double *values, unsigned count) {
    double least = values[0];
    for (unsigned i = 1; i < count; i++)
        if (values[i] < least) least = values[i];
    return least;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double kv_median(const double *values, unsigned count) {
    double sorted[KV_ROUNDS_MAX];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 != 0 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}
