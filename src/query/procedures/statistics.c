/* query/procedures: the metrics of the engine as flat measurements: a histogram becomes its count, sum, quantiles and maximum. */
#include <stdio.h>

#include "query/procedures/procedures.h"

typedef struct flattening {
    wg_stat_fn fn;
    void *ctx;
    bool go_on;
} flattening;

static void give(flattening *f, const wg_metric *metric, const char *suffix, double value) {
    char name[256];
    if (!f->go_on) return;
    snprintf(name, sizeof name, "%s%s", metric->name, suffix);
    const wg_stat stat = {.name = name,
                          .label = metric->label,
                          .label_value = metric->label_value,
                          .help = metric->help,
                          .value = value};
    f->go_on = f->fn(f->ctx, &stat);
}

static bool ends_in_seconds(const char *name) {
    static const char suffix[] = "_seconds";
    const size_t size = strlen(name);
    return size >= sizeof suffix - 1 && strcmp(name + size - (sizeof suffix - 1), suffix) == 0;
}

static bool flatten(void *ctx, const wg_metric *metric) {
    flattening *f = ctx;
    const wg_histogram *h = metric->histogram;
    if (metric->kind != WG_METRIC_HISTOGRAM || h == NULL) {
        give(f, metric, "", metric->value);
        return f->go_on;
    }
    const double unit = ends_in_seconds(metric->name) ? 1e-9 : 1;
    give(f, metric, "_count", (double)atomic_load_explicit(&h->count, memory_order_relaxed));
    give(f, metric, "_sum", (double)atomic_load_explicit(&h->sum, memory_order_relaxed) * unit);
    give(f, metric, "_p50", (double)wg_histogram_quantile(h, 0.5) * unit);
    give(f, metric, "_p99", (double)wg_histogram_quantile(h, 0.99) * unit);
    give(f, metric, "_max", (double)atomic_load_explicit(&h->max, memory_order_relaxed) * unit);
    return f->go_on;
}

wg_code wg_engine_stats(wg_engine *engine, wg_stat_fn fn, void *ctx, wg_error *err) {
    flattening f = {.fn = fn, .ctx = ctx, .go_on = true};
    WG_TRY(wg_engine_metrics(engine, flatten, &f, err));
    return f.go_on ? WG_OK : wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled by the caller");
}
