/* Histograms of times per operation, in picoseconds: 256 buckets an octave, so a percentile is right to 0.4 percent. */
#ifndef KV_STATS_H
#define KV_STATS_H

#include <stdint.h>

enum { KV_OCTAVE_BUCKETS = 256, KV_OCTAVES = 40 };

typedef struct kv_histogram {
    uint64_t count;
    uint32_t buckets[KV_OCTAVES * KV_OCTAVE_BUCKETS];
} kv_histogram;

void kv_histogram_clear(kv_histogram *histogram);
void kv_histogram_add(kv_histogram *histogram, uint64_t picoseconds);
void kv_histogram_merge(kv_histogram *into, const kv_histogram *from);
/* Nanoseconds at the share 0..1 of the samples (nearest rank); 0 without samples. */
double kv_histogram_at(const kv_histogram *histogram, double share);

double kv_least(const double *values, unsigned count);
double kv_median(const double *values, unsigned count); /* count <= KV_ROUNDS_MAX */

#endif
