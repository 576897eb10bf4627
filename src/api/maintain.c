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

enum { PLAN_METRICS = 5 };

static void plan_metrics(wg_db *db, wg_metric out[PLAN_METRICS]) {
    wg_plan_cache_counters c;
    wg_plan_cache_read(db->plans, &c);
    const wg_metric metrics[PLAN_METRICS] = {
        {.name = "plan_cache_hits_total", .help = "runs of a plan that was kept", .value = (double)c.hits},
        {.name = "plan_cache_misses_total", .help = "plans that were made", .value = (double)c.misses},
        {.name = "plan_cache_evictions_total", .help = "statements dropped for room", .value = (double)c.evictions},
        {.name = "plan_cache_statements", .help = "statements that are kept", .value = (double)c.entries},
        {.name = "plan_cache_bytes", .help = "theirs and their plans'", .value = (double)c.bytes}};
    for (uint32_t i = 0; i < PLAN_METRICS; i++) {
        out[i] = metrics[i];
        out[i].kind = i < 3 ? WG_METRIC_COUNTER : WG_METRIC_GAUGE;
    }
}

static bool give_plan_metrics(wg_db *db, wg_stat_fn fn, void *ctx) {
    wg_metric metrics[PLAN_METRICS];
    bool go_on = true;
    plan_metrics(db, metrics);
    for (uint32_t i = 0; i < PLAN_METRICS && go_on; i++) {
        const wg_stat stat = {.name = metrics[i].name, .help = metrics[i].help, .value = metrics[i].value};
        go_on = fn(ctx, &stat);
    }
    return go_on;
}

wg_code wg_db_stats(wg_db *db, wg_stat_fn fn, void *ctx, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    if (fn == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_db_stats: fn is NULL");
    wg_engine *engine = wgi_engine_hold(db);
    wg_code code = wg_engine_stats(engine, fn, ctx, err);
    wgi_engine_drop(db, engine);
    if (code == WG_OK && !give_plan_metrics(db, fn, ctx))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled by the caller");
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

static wg_code print_metrics(wg_db *db, wg_engine *engine, wg_buf *out, wg_error *err) {
    metric_list list = {.ok = true};
    wg_metric plans[PLAN_METRICS];
    wg_buf_init(&list.items, NULL);
    wg_code code = wg_engine_metrics(engine, collect, &list, err);
    plan_metrics(db, plans);
    for (uint32_t i = 0; i < PLAN_METRICS && list.ok; i++) (void)collect(&list, &plans[i]);
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
    wg_code code = print_metrics(db, engine, &text, err);
    wgi_engine_drop(db, engine);
    if (code == WG_OK && !write(ctx, text.data, text.size))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled");
    wg_buf_deinit(&text);
    return code;
}
