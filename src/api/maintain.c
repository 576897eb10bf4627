/* Maintenance: checkpoints, compaction, expiry and measurements of worldgraph.h, each one call of the engine. */
#include "api/api_internal.h"

wg_code wg_checkpoint(wg_db *db, wg_checkpoint_info *out, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_checkpoint(engine, out, err);
    wgi_engine_drop(db, engine);
    return code;
}

wg_code wg_compact(wg_db *db, const wg_compact_options *options, wg_progress_fn progress, void *ctx,
                   wg_compact_info *out, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_compact(engine, options, progress, ctx, out, err);
    wgi_engine_drop(db, engine);
    return code;
}

void wg_compaction_pause(wg_db *db, bool paused) {
    if (db == NULL || db->tag != WGI_TAG_DB) return;
    wg_engine *engine = wgi_engine_hold(db);
    wg_engine_compaction_pause(engine, paused);
    wgi_engine_drop(db, engine);
}

wg_code wg_expire(wg_db *db, uint64_t logseq, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_expire(engine, logseq, err);
    wgi_engine_drop(db, engine);
    return code;
}

/* ---- measurements */

typedef struct stat_sink {
    wg_stat_fn fn;
    void *ctx;
    bool stopped;
} stat_sink;

static bool give(stat_sink *s, const wg_metric *m, const char *suffix, double value) {
    char name[128];
    const size_t size = strlen(m->name);
    const size_t extra = strlen(suffix);
    if (size + extra >= sizeof name) return true; /* no metric has such a name */
    memcpy(name, m->name, size);
    memcpy(name + size, suffix, extra + 1);
    const wg_stat stat = {
        .name = name, .label = m->label, .label_value = m->label_value, .help = m->help, .value = value};
    s->stopped = !s->fn(s->ctx, &stat);
    return !s->stopped;
}

static bool give_histogram(stat_sink *s, const wg_metric *m) {
    const wg_histogram *h = m->histogram;
    return give(s, m, "_count", (double)atomic_load_explicit(&h->count, memory_order_relaxed)) &&
           give(s, m, "_sum", (double)atomic_load_explicit(&h->sum, memory_order_relaxed)) &&
           give(s, m, "_p50", (double)wg_histogram_quantile(h, 0.5)) &&
           give(s, m, "_p99", (double)wg_histogram_quantile(h, 0.99)) &&
           give(s, m, "_max", (double)atomic_load_explicit(&h->max, memory_order_relaxed));
}

static bool on_metric(void *ctx, const wg_metric *metric) {
    stat_sink *s = ctx;
    return metric->kind == WG_METRIC_HISTOGRAM ? give_histogram(s, metric) : give(s, metric, "", metric->value);
}

wg_code wg_db_stats(wg_db *db, wg_stat_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_db_stats: fn is NULL");
    stat_sink sink = {.fn = fn, .ctx = ctx};
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_metrics(engine, on_metric, &sink, err);
    wgi_engine_drop(db, engine);
    if (code == WG_OK && sink.stopped) return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled");
    return code;
}

typedef struct metric_list {
    wg_buf items;
    bool ok;
} metric_list;

static bool collect(void *ctx, const wg_metric *metric) {
    metric_list *list = ctx;
    list->ok = wg_buf_append(&list->items, metric, sizeof *metric);
    return list->ok;
}

static wg_code print_metrics(wg_engine *engine, wg_buf *out, wg_error *err) {
    metric_list list = {.ok = true};
    wg_buf_init(&list.items, NULL);
    wg_code code = wg_engine_metrics(engine, collect, &list, err);
    if (code == WG_OK && (!list.ok || !wg_metrics_prometheus(out, (const wg_metric *)(const void *)list.items.data,
                                                             (uint32_t)(list.items.size / sizeof(wg_metric)))))
        code = wg_error_nomem(err, list.items.size);
    wg_buf_deinit(&list.items);
    return code;
}

wg_code wg_db_stats_prometheus(wg_db *db, wg_write_fn write, void *ctx, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    if (write == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_db_stats_prometheus: write is NULL");
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_engine *engine = wgi_engine_hold(db);
    wg_code code = print_metrics(engine, &text, err);
    wgi_engine_drop(db, engine);
    if (code == WG_OK && !write(ctx, text.data, text.size))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled");
    wg_buf_deinit(&text);
    return code;
}
