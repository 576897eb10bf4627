/* The measurements of one open workspace, in a fixed order. docs/metrics.md lists and explains them.
 *
 * Values are read one after the other and without stopping anything: each is right by itself, but two may be some
 * microseconds apart. Names end in _total for counters, in _bytes and _seconds for units. */
#include "engine/engine_internal.h"

typedef struct emitter {
    wg_engine *engine;
    wg_metric_fn fn;
    void *ctx;
    bool stopped;
} emitter;

static void emit(emitter *e, const wg_metric *m) {
    if (!e->stopped) e->stopped = !e->fn(e->ctx, m);
}

static void gauge(emitter *e, const char *name, double value, const char *help) {
    emit(e, &(wg_metric){.name = name, .help = help, .kind = WG_METRIC_GAUGE, .value = value});
}

static void counter(emitter *e, const char *name, uint64_t value, const char *help) {
    emit(e, &(wg_metric){.name = name, .help = help, .kind = WG_METRIC_COUNTER, .value = (double)value});
}

static void histogram(emitter *e, const char *name, const wg_histogram *h, const char *help) {
    emit(e, &(wg_metric){.name = name, .help = help, .kind = WG_METRIC_HISTOGRAM, .histogram = h});
}

static uint64_t load(const _Atomic uint64_t *value) { return atomic_load_explicit(value, memory_order_relaxed); }

/* ---- groups */

static void emit_state(emitter *o) {
    wg_engine *e = o->engine;
    const wgi_maintenance *m = &e->maintenance;
    gauge(o, "logseq", (double)wg_engine_logseq(e), "newest commit that new readers see");
    gauge(o, "horizon_logseq", (double)wg_engine_horizon(e), "oldest snapshot that can be read");
    gauge(o, "checkpoint_logseq", (double)load(&m->stored), "commit up to which everything is in stripes");
    gauge(o, "manifest_epoch", (double)wg_engine_manifest_epoch(e), "epoch of the newest manifest");
    gauge(o, "transactions_open", (double)atomic_load_explicit(&e->open_txns, memory_order_relaxed),
          "transactions that are open");
    gauge(o, "tables", (double)atomic_load_explicit(&e->table_count, memory_order_relaxed),
          "sets of labels that have a table");
    gauge(o, "labels", (double)wg_catalog_label_count(e->catalog), "labels that were ever defined");
    gauge(o, "nodes_allocated", (double)wg_directory_count(e->nodes), "node ids given out");
    gauge(o, "edges_allocated", (double)wg_directory_count(e->edges), "edge ids given out");
    counter(o, "recovery_commits_total", load(&m->recovered_commits), "commits that opening replayed");
    gauge(o, "recovery_seconds", (double)load(&m->recovery_ns) / 1e9, "time that opening spent on the log");
}

static void emit_wal(emitter *o) {
    wg_engine *e = o->engine;
    wg_wal_metrics w = {0};
    if (e->wal != NULL) wg_wal_metrics_get(e->wal, &w);
    counter(o, "wal_appends_total", w.appends, "commits appended to the log");
    counter(o, "wal_append_bytes_total", w.append_bytes, "payload appended to the log");
    counter(o, "wal_written_bytes_total", w.written_bytes, "bytes written to the log, frames and padding included");
    counter(o, "wal_syncs_total", w.syncs, "syncs of the log");
    counter(o, "wal_waits_total", w.waits, "appends that waited because too much was unsynced");
    gauge(o, "wal_unsynced_commits", (double)w.unsynced_commits, "commits that no sync has reached");
    gauge(o, "wal_unsynced_bytes", (double)w.unsynced_bytes, "bytes that no sync has reached");
    gauge(o, "wal_durable_logseq", (double)w.durable_logseq, "newest commit on stable storage");
    gauge(o, "wal_commits_per_sync_max", (double)w.commits_per_sync_max, "most commits that shared a sync");
    gauge(o, "wal_segments", (double)w.segments, "segments of the log");
    counter(o, "wal_segments_made_total", w.segments_made, "segments made");
    counter(o, "wal_segments_reused_total", w.segments_reused, "segments made of trimmed ones");
    counter(o, "wal_segments_trimmed_total", w.segments_trimmed, "segments that checkpoints freed");
    gauge(o, "wal_chain_lag_commits", (double)w.chain_lag, "commits whose chain value is not computed yet");
    gauge(o, "wal_bytes_since_checkpoint", (double)load(&e->maintenance.log_bytes),
          "payload in the log behind the checkpoint");
    if (e->wal != NULL) histogram(o, "wal_sync_seconds", wg_wal_sync_histogram(e->wal), "time of a sync of the log");
}

static void emit_stripes(emitter *o) {
    wgi_maintenance *m = &o->engine->maintenance;
    static const char *const levels[WG_LEVELS] = {"0", "1", "2", "3", "4", "5", "6"};
    uint64_t bytes[WG_LEVELS] = {0};
    uint64_t count[WG_LEVELS] = {0};
    wg_mutex_lock(&m->manifest_mutex);
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&m->manifest); i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(&m->manifest, i);
        bytes[entry.level] += entry.bytes;
        count[entry.level]++;
    }
    wg_mutex_unlock(&m->manifest_mutex);
    for (uint32_t i = 0; i < WG_LEVELS; i++)
        emit(o, &(wg_metric){.name = "stripes",
                             .help = "stripes of a level",
                             .label = "level",
                             .label_value = levels[i],
                             .kind = WG_METRIC_GAUGE,
                             .value = (double)count[i]});
    for (uint32_t i = 0; i < WG_LEVELS; i++)
        emit(o, &(wg_metric){.name = "stripe_bytes",
                             .help = "bytes of the stripes of a level",
                             .label = "level",
                             .label_value = levels[i],
                             .kind = WG_METRIC_GAUGE,
                             .value = (double)bytes[i]});
}

static void emit_maintenance(emitter *o) {
    wgi_maintenance *m = &o->engine->maintenance;
    counter(o, "checkpoints_total", load(&m->checkpoints), "checkpoints that wrote something");
    counter(o, "checkpoint_failures_total", load(&m->checkpoint_failures), "checkpoints that failed");
    counter(o, "checkpoint_bytes_total", load(&m->checkpoint_bytes), "bytes that checkpoints wrote");
    histogram(o, "checkpoint_seconds", &m->checkpoint_histogram, "time of a checkpoint");
    counter(o, "compactions_total", load(&m->compactions), "compaction jobs done");
    counter(o, "compaction_failures_total", load(&m->compaction_failures), "compactions that failed");
    counter(o, "compaction_read_bytes_total", load(&m->compaction_bytes_read), "bytes that compactions read");
    counter(o, "compaction_written_bytes_total", load(&m->compaction_bytes_written), "bytes that compactions wrote");
    counter(o, "compaction_rows_dropped_total", load(&m->compaction_rows_dropped),
            "versions of rows that compactions dropped");
    gauge(o, "compaction_debt_bytes", (double)load(&m->compaction_debt_bytes),
          "bytes of level 0 at the last look: what is to be merged");
    gauge(o, "compaction_paused", atomic_load_explicit(&m->paused, memory_order_relaxed) ? 1 : 0,
          "1 while background compaction is paused");
    counter(o, "refused_writes_total", load(&m->refused_writes), "transactions refused for want of memory budget");
}

typedef struct class_metric {
    const char *name;
    const char *help;
    wg_metric_kind kind;
    size_t offset; /* of a u64 in wg_cache_class_stats */
} class_metric;

static void emit_governor(emitter *o) {
    static const class_metric fields[] = {
        {"governor_bytes", "bytes charged to a class", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, bytes)},
        {"governor_bytes_max", "most bytes ever charged", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, bytes_max)},
        {"governor_cap_bytes", "cap; 0: none", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, cap)},
        {"governor_entries", "fragments in a class", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, entries)},
        {"governor_hits_total", "uses of what was there", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, hits)},
        {"governor_admissions_total", "admissions", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, admissions)},
        {"governor_refusals_total", "refusals", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, refusals)},
        {"governor_demotions_total", "demotions", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, demotions)},
        {"governor_promotions_total", "promotions", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, promotions)}};
    wg_cache_class_stats stats[WG_RESIDENCY_COUNT];
    for (uint32_t c = 0; c < WG_RESIDENCY_COUNT; c++)
        wg_cache_stats(o->engine->maintenance.cache, (wg_residency)c, &stats[c]);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++)
        for (uint32_t c = 0; c < WG_RESIDENCY_COUNT; c++) {
            uint64_t value;
            memcpy(&value, (const uint8_t *)&stats[c] + fields[f].offset, sizeof value);
            emit(o, &(wg_metric){.name = fields[f].name,
                                 .help = fields[f].help,
                                 .label = "class",
                                 .label_value = wg_residency_name((wg_residency)c),
                                 .kind = fields[f].kind,
                                 .value = (double)value});
        }
}

static void emit_memory(emitter *o) {
    wg_engine *e = o->engine;
    wg_process_memory p = {0};
    e->platform->ops->process_memory(e->platform, &p);
    gauge(o, "heap_bytes", (double)wg_account_bytes(&e->account), "memory of the engine that is no mapping");
    gauge(o, "heap_bytes_peak", (double)wg_account_peak(&e->account), "the most of it so far");
    gauge(o, "heap_cap_bytes", (double)wgi_heap_cap(e), "its cap; 0: none");
    gauge(o, "epoch_pending", (double)wg_epoch_pending(e->epoch), "blocks that wait for readers to leave");
    gauge(o, "process_resident_bytes", (double)p.resident_bytes, "memory of the process");
    gauge(o, "process_resident_file_bytes", (double)p.resident_file_bytes, "the part of it that maps files");
    counter(o, "process_faults_minor_total", p.faults_minor, "page faults without input");
    counter(o, "process_faults_major_total", p.faults_major, "page faults that read a file");
}

wg_code wg_engine_metrics(wg_engine *engine, wg_metric_fn fn, void *ctx, wg_error *err) {
    emitter o = {.engine = engine, .fn = fn, .ctx = ctx};
    (void)err;
    (void)wg_cache_set_held(engine->maintenance.cache, WG_L1_CPU_HOT, wg_account_bytes(&engine->account));
    emit_state(&o);
    emit_memory(&o);
    emit_governor(&o);
    emit_wal(&o);
    emit_stripes(&o);
    emit_maintenance(&o);
    return WG_OK;
}
