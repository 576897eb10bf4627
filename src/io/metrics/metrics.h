/* io/metrics: named counters, gauges and histograms of one open workspace, and their text for Prometheus.
 *
 * Counters are relaxed atomics in one struct, so that a hot path pays one add. Histograms have fixed buckets: a power of two is cut
 * into four equal parts, so that a quantile is at most a quarter above the exact one. Threads: any. */
#ifndef WG_IO_METRICS_H
#define WG_IO_METRICS_H

#include "io/platform/platform.h"

enum { WG_HISTOGRAM_BUCKETS = 160 }; /* four a power of two, up to 2^40 */

typedef struct wg_histogram {
    _Atomic uint64_t buckets[WG_HISTOGRAM_BUCKETS];
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
} wg_histogram;
void wg_histogram_add(wg_histogram *histogram, uint64_t value);
/* Upper bound of the bucket that holds the quantile (0..1); 0 when empty. */
uint64_t wg_histogram_quantile(const wg_histogram *histogram, double quantile);

typedef enum wg_metric_kind { WG_METRIC_COUNTER, WG_METRIC_GAUGE, WG_METRIC_HISTOGRAM } wg_metric_kind;

/* One value as it is shown: name without prefix ("wal_syncs_total"), optional label ("class" = "L1CpuHot"), help. */
typedef struct wg_metric {
    const char *name;
    const char *help;
    const char *label; /* NULL: none */
    const char *label_value;
    wg_metric_kind kind;
    double value;
    const wg_histogram *histogram; /* HISTOGRAM only */
} wg_metric;

/* Called once per metric, in a fixed order; false stops. */
typedef bool (*wg_metric_fn)(void *ctx, const wg_metric *metric);

/* Text exposition format 0.0.4: HELP and TYPE once a name (metrics of one name follow one another), prefix "worldgraph_", histograms as cumulative buckets (powers of two),
 * _sum and _count; values of histograms in nanoseconds become seconds when the name ends in _seconds. False when out of memory, and then
 * nothing was appended. */
bool wg_metrics_prometheus(wg_buf *out, const wg_metric *metrics, uint32_t count);

#endif
