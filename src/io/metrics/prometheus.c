/* Metrics as text for Prometheus (text exposition format 0.0.4).
 *
 * HELP and TYPE come before the first sample of a name; metrics of one name must follow one another, as the format demands. A
 * histogram shows cumulative buckets at powers of two, up to the first that holds everything, then +Inf: its 160 buckets are
 * four a power, so nothing is lost but resolution. Nanoseconds become seconds when the name ends in _seconds. Text of help and labels
 * is escaped. Figures are read one by one beside writers: +Inf and _count are the sum of the buckets that were read, so that
 * a scrape is consistent in itself. */
#include "io/metrics/metrics.h"

#include <stdio.h>

enum { BUCKETS_A_POWER = 4, POWERS = WG_HISTOGRAM_BUCKETS / BUCKETS_A_POWER };

#define PREFIX      "worldgraph_"
#define NS_A_SECOND 1e9

static bool ends_with(const char *name, const char *end) {
    const size_t a = strlen(name);
    const size_t b = strlen(end);
    return a >= b && strcmp(name + a - b, end) == 0;
}

/* Escapes what would end the line or, in a label, the quotes. */
static bool put_text(wg_buf *out, const char *text, bool is_label) {
    for (; *text != '\0'; text++) {
        bool ok;
        if (*text == '\n') ok = wg_buf_append_str(out, "\\n");
        else if (*text == '\\') ok = wg_buf_append_str(out, "\\\\");
        else if (*text == '"' && is_label) ok = wg_buf_append_str(out, "\\\"");
        else ok = wg_buf_append(out, text, 1);
        if (!ok) return false;
    }
    return true;
}

/* Whole numbers without exponent, others with the digits that make them. */
static bool put_number(wg_buf *out, double value) {
    if (value != value) return wg_buf_append_str(out, "NaN\n");
    if (value - value != 0) return wg_buf_append_str(out, value > 0 ? "+Inf\n" : "-Inf\n");
    const bool is_whole =
        value >= -9007199254740992.0 && value <= 9007199254740992.0 && (double)(int64_t)value == value;
    return is_whole ? wg_buf_printf(out, "%lld\n", (long long)value) : wg_buf_printf(out, "%.17g\n", value);
}

/* "worldgraph_NAME<suffix>{label="value",le="..."} ", the braces only when there is something in them. */
static bool put_sample_name(wg_buf *out, const wg_metric *metric, const char *suffix, const char *le) {
    bool ok =
        wg_buf_append_str(out, PREFIX) && wg_buf_append_str(out, metric->name) && wg_buf_append_str(out, suffix);
    if (metric->label == NULL && le == NULL) return ok && wg_buf_append_str(out, " ");
    ok = ok && wg_buf_append_str(out, "{");
    if (metric->label != NULL)
        ok = ok && wg_buf_append_str(out, metric->label) && wg_buf_append_str(out, "=\"") &&
             put_text(out, metric->label_value, true) && wg_buf_append_str(out, le == NULL ? "\"" : "\",");
    if (le != NULL) ok = ok && wg_buf_printf(out, "le=\"%s\"", le);
    return ok && wg_buf_append_str(out, "} ");
}

static bool put_head(wg_buf *out, const wg_metric *metric) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    WG_ASSERT((unsigned)metric->kind < sizeof types / sizeof types[0]);
    return wg_buf_append_str(out, "# HELP " PREFIX) && wg_buf_append_str(out, metric->name) &&
           wg_buf_append_str(out, " ") && put_text(out, metric->help, false) &&
           wg_buf_append_str(out, "\n# TYPE " PREFIX) && wg_buf_append_str(out, metric->name) &&
           wg_buf_printf(out, " %s\n", types[metric->kind]);
}

/* Bucket of a power p holds values below 2^(p + 1), so that is its upper bound; values are whole, so "at most" is one less. */
static bool put_bucket(wg_buf *out, const wg_metric *metric, uint32_t power, double unit, uint64_t count) {
    char le[32];
    const double bound = ((double)(UINT64_C(1) << (power + 1)) - 1) / unit;
    snprintf(le, sizeof le, unit == 1 ? "%.0f" : "%.9g", bound);
    return put_sample_name(out, metric, "_bucket", le) && put_number(out, (double)count);
}

static bool put_histogram(wg_buf *out, const wg_metric *metric) {
    const wg_histogram *h = metric->histogram;
    WG_ASSERT(h != NULL);
    const double unit = ends_with(metric->name, "_seconds") ? NS_A_SECOND : 1;
    uint64_t powers[POWERS];
    uint64_t total = 0;
    for (uint32_t p = 0; p < POWERS; p++) {
        powers[p] = 0;
        for (uint32_t q = 0; q < BUCKETS_A_POWER; q++)
            powers[p] += atomic_load_explicit(&h->buckets[BUCKETS_A_POWER * p + q], memory_order_relaxed);
        total += powers[p];
    }
    uint64_t seen = 0;
    for (uint32_t p = 0; p < POWERS - 1 && seen < total; p++) { /* the last bucket has no upper bound */
        seen += powers[p];
        if (!put_bucket(out, metric, p, unit, seen)) return false;
    }
    const double sum = (double)atomic_load_explicit(&h->sum, memory_order_relaxed) / unit;
    return put_sample_name(out, metric, "_bucket", "+Inf") && put_number(out, (double)total) &&
           put_sample_name(out, metric, "_sum", NULL) && put_number(out, sum) &&
           put_sample_name(out, metric, "_count", NULL) && put_number(out, (double)total);
}

bool wg_metrics_prometheus(wg_buf *out, const wg_metric *metrics, uint32_t count) {
    const size_t before = out->size;
    for (uint32_t i = 0; i < count; i++) {
        const wg_metric *m = &metrics[i];
        const bool is_first = i == 0 || strcmp(m->name, metrics[i - 1].name) != 0;
        bool ok = !is_first || put_head(out, m);
        if (m->kind == WG_METRIC_HISTOGRAM) ok = ok && put_histogram(out, m);
        else ok = ok && put_sample_name(out, m, "", NULL) && put_number(out, m->value);
        if (ok) continue;
        out->size = before; /* all of it or nothing */
        return false;
    }
    return true;
}
