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

static void by_label(emitter *e, const wg_metric *like, const char *label_value, double value) {
    wg_metric m = *like;
    m.label_value = label_value;
    m.value = value;
    emit(e, &m);
}

/* ---- the log */

static void emit_wal(emitter *o, const wg_wal_metrics *w) {
    wg_engine *e = o->engine;
    counter(o, "wal_appends_total", w->appends, "commits appended");
    counter(o, "wal_append_bytes_total", w->append_bytes, "their bytes, without frames");
    counter(o, "wal_written_bytes_total", w->written_bytes, "bytes written to segments");
    counter(o, "wal_syncs_total", w->syncs, "syncs of a segment");
    counter(o, "wal_direct_syncs_total", w->direct_syncs, "of them, in one write past the cache of the system");
    if (e->wal != NULL) histogram(o, "wal_sync_seconds", wg_wal_sync_histogram(e->wal), "how long each sync took");
    gauge(o, "wal_commits_per_sync_max", (double)w->commits_per_sync_max, "largest group that one sync made durable");
    counter(o, "wal_waits_total", w->waits, "appends that waited because too much was not synced yet");
    gauge(o, "wal_segments", (double)w->segments, "segments of the log");
    counter(o, "wal_segments_made_total", w->segments_made, "segments made new");
    counter(o, "wal_segments_reused_total", w->segments_reused, "segments made from old ones");
    counter(o, "wal_segments_trimmed_total", w->segments_trimmed, "segments given up behind a checkpoint");
    gauge(o, "wal_last_logseq", (double)w->last_logseq, "newest commit");
    gauge(o, "wal_durable_logseq", (double)w->durable_logseq, "newest commit that survives a power failure");
    gauge(o, "wal_unsynced_commits", (double)w->unsynced_commits, "commits that wait for a sync");
    gauge(o, "wal_unsynced_bytes", (double)w->unsynced_bytes, "bytes that wait for a sync");
    gauge(o, "wal_chain_lag_commits", (double)w->chain_lag, "commits whose chain value is not computed yet");
    gauge(o, "wal_bytes_since_checkpoint", (double)load(&e->maintenance.log_bytes), "what a recovery would replay");
}

/* ---- memory */

static void emit_memory(emitter *o) {
    wg_engine *e = o->engine;
    wg_process_memory p = {0};
    e->platform->ops->process_memory(e->platform, &p);
    gauge(o, "memory_bytes", (double)wg_account_bytes(&e->account), "charged to the database's account");
    gauge(o, "adjacency_bytes", (double)wg_account_bytes(&e->adjacency_account),
          "charged for adjacency of edge labels that was made for traversals and algorithms");
    gauge(o, "index_bytes", (double)wg_account_bytes(&e->index_account), "charged for what is in indexes");
    gauge(o, "memory_bytes_max", (double)wg_account_peak(&e->account), "the most of it so far");
    if (p.resident_bytes != 0) { /* not where the system does not tell */
        gauge(o, "process_resident_bytes", (double)p.resident_bytes, "resident memory of the process");
        gauge(o, "process_resident_file_bytes", (double)p.resident_file_bytes, "the part of it that maps files");
        counter(o, "page_faults_minor_total", p.faults_minor, "page faults without input");
        counter(o, "page_faults_major_total", p.faults_major, "page faults that read from the disk");
    }
    counter(o, "adjacency_merges_total", load(&e->maintenance.adjacency_merges),
            "deltas of adjacency merged beside the writers");
    counter(o, "cache_sweeps_total", load(&e->maintenance.residency_sweeps),
            "times that pages of files were dropped which nobody had admitted");
    gauge(o, "epoch_pending", (double)wg_epoch_pending(e->epoch), "retired blocks that wait for readers");
}

typedef struct class_metric {
    const char *name;
    const char *help;
    wg_metric_kind kind;
    size_t offset; /* of a u64 in wg_cache_class_stats */
} class_metric;

static void emit_cache(emitter *o) {
    static const class_metric fields[] = {
        {"cache_bytes", "charged now", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, bytes)},
        {"cache_bytes_max", "charged at most so far", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, bytes_max)},
        {"cache_cap_bytes", "hard cap, 0: none", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, cap)},
        {"cache_entries", "fragments in the class", WG_METRIC_GAUGE, offsetof(wg_cache_class_stats, entries)},
        {"cache_hits_total", "uses of fragments while they were in the class", WG_METRIC_COUNTER,
         offsetof(wg_cache_class_stats, hits)},
        {"cache_admissions_total", "charges accepted", WG_METRIC_COUNTER, offsetof(wg_cache_class_stats, admissions)},
        {"cache_refusals_total", "charges refused because of the cap", WG_METRIC_COUNTER,
         offsetof(wg_cache_class_stats, refusals)},
        {"cache_promotions_total", "fragments that came up into the class", WG_METRIC_COUNTER,
         offsetof(wg_cache_class_stats, promotions)},
        {"cache_demotions_total", "fragments that left it downwards", WG_METRIC_COUNTER,
         offsetof(wg_cache_class_stats, demotions)}};
    wg_cache_class_stats stats[WG_RESIDENCY_COUNT];
    for (uint32_t c = 0; c < WG_RESIDENCY_COUNT; c++)
        wg_cache_stats(o->engine->maintenance.cache, (wg_residency)c, &stats[c]);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        const wg_metric like = {
            .name = fields[f].name, .help = fields[f].help, .label = "class", .kind = fields[f].kind};
        for (uint32_t c = 0; c < WG_RESIDENCY_COUNT; c++) {
            uint64_t value;
            memcpy(&value, (const uint8_t *)&stats[c] + fields[f].offset, sizeof value);
            by_label(o, &like, wg_residency_name((wg_residency)c), (double)value);
        }
    }
}

/* ---- stripes */

typedef struct stripe_totals {
    uint64_t bytes[WG_LEVELS];
    uint64_t count[WG_LEVELS];
    uint64_t catalog_pieces;
} stripe_totals;

static void total_stripes(wg_engine *e, stripe_totals *out) {
    wgi_maintenance *m = &e->maintenance;
    *out = (stripe_totals){0};
    wg_mutex_lock(&m->manifest_mutex);
    const uint64_t pieces = m->manifest.checkpoint.counts.catalog_pieces;
    out->catalog_pieces = pieces == WGI_PIECES_UNKNOWN ? 0 : pieces;
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&m->manifest); i++) {
        const wg_stripe_entry entry = wgi_manifest_stripe(&m->manifest, i);
        out->bytes[entry.level] += entry.bytes;
        out->count[entry.level]++;
    }
    wg_mutex_unlock(&m->manifest_mutex);
}

static void emit_stripes(emitter *o, const stripe_totals *t) {
    static const char *const levels[WG_LEVELS] = {"0", "1", "2", "3", "4", "5", "6"};
    const wg_metric files = {.name = "stripe_files", .help = "stripes", .label = "level", .kind = WG_METRIC_GAUGE};
    const wg_metric bytes = {
        .name = "stripe_bytes", .help = "their bytes", .label = "level", .kind = WG_METRIC_GAUGE};
    for (uint32_t i = 0; i < WG_LEVELS; i++) by_label(o, &files, levels[i], (double)t->count[i]);
    for (uint32_t i = 0; i < WG_LEVELS; i++) by_label(o, &bytes, levels[i], (double)t->bytes[i]);
    gauge(o, "stripe_fragments", (double)load(&o->engine->maintenance.fragments), "fragments in all stripes");
    gauge(o, "stripe_catalog_pieces", (double)t->catalog_pieces,
          "of them those of definitions, at the last checkpoint");
}

/* ---- checkpoints and compaction */

static void emit_maintenance(emitter *o) {
    wgi_maintenance *m = &o->engine->maintenance;
    counter(o, "checkpoints_total", load(&m->checkpoints), "finished");
    counter(o, "checkpoint_failures_total", load(&m->checkpoint_failures), "given up after an error");
    histogram(o, "checkpoint_seconds", &m->checkpoint_histogram, "how long each took");
    histogram(o, "checkpoint_blocked_seconds", &m->blocked_histogram, "how long writers waited for each");
    counter(o, "checkpoint_written_bytes_total", load(&m->checkpoint_bytes), "bytes of stripes written");
    gauge(o, "checkpoint_logseq", (double)load(&m->stored), "the state that stripes hold");
    gauge(o, "horizon_logseq", (double)wg_engine_horizon(o->engine), "oldest snapshot that can be read");
    const wg_metric jobs = {
        .name = "compactions_total", .help = "jobs finished", .label = "trigger", .kind = WG_METRIC_COUNTER};
    for (uint32_t t = 1; t <= WG_COMPACT_RUNS; t++)
        by_label(o, &jobs, wg_compaction_trigger_name((wg_compaction_trigger)t), (double)load(&m->compactions[t]));
    counter(o, "compaction_moves_total", load(&m->compaction_moves), "jobs that only changed a level");
    counter(o, "compaction_failures_total", load(&m->compaction_failures), "given up after an error or stopped");
    counter(o, "compaction_read_bytes_total", load(&m->compaction_bytes_read), "bytes of stripes read");
    counter(o, "compaction_written_bytes_total", load(&m->compaction_bytes_written), "bytes of stripes written");
    counter(o, "compaction_rows_dropped_total", load(&m->compaction_rows_dropped), "dead rows left out");
    counter(o, "compaction_fragments_dropped_total", load(&m->compaction_fragments_dropped),
            "fragments that vanished");
    gauge(o, "compaction_paused", atomic_load_explicit(&m->paused, memory_order_relaxed) ? 1 : 0, "1 while paused");
    gauge(o, "maintenance_running", atomic_load_explicit(&m->running, memory_order_relaxed) != 0 ? 1 : 0,
          "1 while a checkpoint, compaction or backup runs");
}

/* ---- amplification */

static void emit_amplification(emitter *o, const wg_wal_metrics *w, const stripe_totals *t) {
    const wgi_maintenance *m = &o->engine->maintenance;
    const uint64_t written = w->written_bytes + load(&m->checkpoint_bytes) + load(&m->compaction_bytes_written);
    uint64_t read = t->count[0];
    uint64_t all = 0;
    uint64_t deepest = 0;
    for (uint32_t i = 0; i < WG_LEVELS; i++) {
        read += i > 0 && t->count[i] != 0;
        all += t->bytes[i];
        if (t->bytes[i] != 0) deepest = t->bytes[i];
    }
    gauge(o, "write_amplification", w->append_bytes == 0 ? 0 : (double)written / (double)w->append_bytes,
          "bytes written / bytes appended to the log");
    gauge(o, "read_amplification", (double)read, "stripes that a look-up may have to be found in");
    gauge(o, "space_amplification", deepest == 0 ? 1 : (double)all / (double)deepest,
          "bytes of all stripes / bytes of the deepest level");
}

/* ---- sessions */

static uint64_t visible_rows(wg_engine *e, bool is_edge) {
    uint64_t rows = 0;
    const uint64_t newest = wg_engine_logseq(e);
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    for (uint32_t i = 0; i < tables; i++) {
        wgi_table *table = wgi_table_at(e, i);
        if (table != NULL && table->is_edge == is_edge && !atomic_load_explicit(&table->dead, memory_order_relaxed))
            rows += wgi_history_at(e, table, newest);
    }
    return rows;
}

/* Counted in as a reader, so that no table is freed meanwhile; when too many transactions are open the counts are left out. */
static void emit_rows(emitter *o) {
    wg_txn *txn = NULL;
    if (wg_txn_begin(o->engine, WG_TXN_READ, 0, &txn, NULL) != WG_OK) return;
    const double nodes = (double)visible_rows(o->engine, false);
    const double edges = (double)visible_rows(o->engine, true);
    wg_txn_abort(txn);
    gauge(o, "nodes", nodes, "visible at the newest snapshot");
    gauge(o, "edges", edges, "visible at the newest snapshot");
}

static void emit_sessions(emitter *o) {
    wg_engine *e = o->engine;
    const wgi_maintenance *m = &e->maintenance;
    gauge(o, "transactions_open", (double)atomic_load_explicit(&e->open_txns, memory_order_relaxed), "open now");
    gauge(o, "snapshots", (double)load(&m->snapshots), "open now");
    emit_rows(o);
    counter(o, "commits_total", load(&m->commits), "transactions that ended with a commit");
    counter(o, "rollbacks_total", load(&m->rollbacks), "writing transactions that were undone");
    counter(o, "conflicts_total", load(&m->conflicts), "writes that met a change by somebody else");
    counter(o, "refused_writes_total", load(&m->refused_writes), "transactions refused for want of memory budget");
    counter(o, "recovery_commits_total", load(&m->recovered_commits), "commits that opening replayed");
    gauge(o, "recovery_seconds", (double)load(&m->recovery_ns) / 1e9, "time that opening spent on the log");
}

/* ---- agents' state */

static void emit_state_memory(emitter *o, const wg_state_metrics *s) {
    gauge(o, "runs", (double)s->runs, "runs that are there");
    gauge(o, "run_keys", (double)s->keys, "keys of all runs");
    gauge(o, "run_memory_bytes", (double)wg_account_bytes(&o->engine->state_account),
          "charged for them: tables, history, order, events, sessions and their rings in memory");
    gauge(o, "run_table_bytes", (double)s->table_bytes, "slots of keys");
    gauge(o, "run_history_bytes", (double)s->history_bytes, "replaced records that can still be read");
    gauge(o, "run_order_bytes", (double)s->order_bytes, "keys in order");
    gauge(o, "run_event_bytes", (double)s->event_bytes, "event logs in memory");
    gauge(o, "run_large_bytes", (double)s->large_bytes, "keys and values that do not fit into a slot");
    counter(o, "run_history_forgotten_total", s->history_forgotten, "replaced records that were given up");
    counter(o, "run_splits_total", s->splits, "segments of the table that were split");
}

static void emit_state(emitter *o) {
    const wgi_state_log *l = &o->engine->state_log;
    wg_state_metrics s = {0};
    wg_state_metrics_get(l->state, &s);
    emit_state_memory(o, &s);
    counter(o, "run_commits_total", s.commits, "commits of runs");
    counter(o, "run_conflicts_total", s.conflicts, "commits of runs that met a change by somebody else");
    gauge(o, "run_sessions", (double)wg_lanes_open_count(l->lanes), "sessions that are open, each with a ring");
    gauge(o, "run_ring_pending_bytes", (double)wg_lanes_pending(l->lanes), "redo bytes that wait for a drain");
    gauge(o, "run_rings_outlive_process", wg_lanes_outlive(l->lanes) ? 1 : 0, "1: the rings lie in shared memory");
    counter(o, "run_drains_total", load(&l->drains), "commits of the log with redo bytes of runs");
    counter(o, "run_drain_bytes_total", load(&l->drain_bytes), "their redo bytes");
    counter(o, "run_sync_rounds_total", load(&l->rounds_led), "drains that a sync and its waiters followed");
    counter(o, "run_recovered_ring_bytes_total", load(&l->recovered_ring_bytes),
            "redo bytes taken over from the rings of a killed process");
}

/* What is in memory and on disks without being a fragment. Rows that no stripe has yet and adjacency, which is decoded from stripes, are
 * hot; indexes stay until they are dropped; stripes are told at each change of their set. */
static void hold_classes(wg_engine *e) {
    wg_cache *cache = e->maintenance.cache;
    const uint32_t slot = wg_epoch_enter(e->epoch);
    const uint64_t files = wgi_local_file_bytes(e, (wg_view){.snapshot = wg_engine_logseq(e)});
    wg_epoch_leave(e->epoch, slot);
    (void)wg_cache_set_held(cache, WG_L1_CPU_HOT,
                            wg_account_bytes(&e->account) + wg_account_bytes(&e->adjacency_account));
    (void)wg_cache_set_held(cache, WG_L1_CPU_PINNED, wg_account_bytes(&e->index_account));
    (void)wg_cache_set_held(cache, WG_L4_HDD_LOCAL, files);
}

wg_code wg_engine_metrics(wg_engine *engine, wg_metric_fn fn, void *ctx, wg_error *err) {
    emitter o = {.engine = engine, .fn = fn, .ctx = ctx};
    wg_wal_metrics wal = {0};
    stripe_totals totals;
    (void)err; /* nothing of it can fail */
    if (engine->wal != NULL) wg_wal_metrics_get(engine->wal, &wal);
    total_stripes(engine, &totals);
    hold_classes(engine);
    emit_wal(&o, &wal);
    emit_memory(&o);
    emit_cache(&o);
    emit_stripes(&o, &totals);
    emit_maintenance(&o);
    emit_amplification(&o, &wal, &totals);
    emit_sessions(&o);
    emit_state(&o);
    return WG_OK;
}
