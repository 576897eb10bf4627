/* Running compactions: the policy picks stripes, a merge writes what they hold into new ones, a manifest names these, tables read them,
 * and the old files go. Row ordinals never change, so nobody above notices.
 *
 * Merges run beside everything: only picking and installing hold the maintenance lock, so checkpoints go on meanwhile. The ids of a
 * merge's outputs are set aside when it is picked. What a checkpoint writes meanwhile has higher versions and counts.
 *
 * A call covers the stripes that there were when it began and what its own merges make of them. Stripes that checkpoints write meanwhile
 * are left to the next call, the horizon stays what it was, and what was rewritten because of dead rows is not rewritten for newer
 * ones: so the work is bounded by the data at the beginning, and the call ends beside a writer that is faster than its merges. The
 * background thread, which a checkpoint interrupts, covers all of them each time.
 *
 * Failure: before the manifest the outputs are removed and nothing has happened. Behind it tables must leave the inputs before these are
 * unmapped: an adoption that cannot finish keeps the epoch, and the next call of maintenance goes on with it. */
#include "engine/engine_internal.h"

/* Stripes that one merge may write; their numbers are set aside. */
enum { MERGE_IDS = 1 << 16, LOOKUPS_A_LOOK = 64 };

typedef struct compaction {
    wg_engine *engine;
    bool everything;
    bool background;
    bool stopped; /* by the caller's progress, or by something more urgent */
    wg_progress_fn progress;
    void *ctx;
    wg_compaction_policy policy;
    wg_compact_info info;
    uint64_t horizon;       /* of the job at hand; of all jobs but the background's */
    wgi_kept_versions kept; /* of agents\' runs, at the horizon */
    uint64_t begun_at;      /* stripes from this id on are younger than the call, or its own */
    wg_buf files;           /* wg_compaction_file each, of the last pick; the covered ones first */
    uint32_t covered;
    wg_buf made;       /* made_stripe each: the call's own */
    bool all_alive[2]; /* no version of a node, of an edge, has ever ended: nobody need be asked */
    uint64_t looked_up;
} compaction;

typedef struct made_stripe {
    uint64_t id;
    bool rewritten; /* because of dead rows */
} made_stripe;

typedef struct picked {
    wg_compaction_job job;
    uint64_t next_id;
    bool bottom;
} picked;

/* ---- picking */

static uint32_t file_count(const compaction *c) { return (uint32_t)(c->files.size / sizeof(wg_compaction_file)); }

static const wg_compaction_file *file_at(const compaction *c, uint32_t i) {
    return (const wg_compaction_file *)(const void *)c->files.data + i;
}

static bool is_input(const wg_compaction_job *job, uint64_t id) {
    for (uint32_t i = 0; i < job->input_count; i++)
        if (job->inputs[i] == id) return true;
    return false;
}

/* One of the call's own; NULL: no. */
static const made_stripe *made_find(const compaction *c, uint64_t id) {
    const made_stripe *made = (const made_stripe *)(const void *)c->made.data;
    for (size_t i = 0; i < c->made.size / sizeof *made; i++)
        if (made[i].id == id) return &made[i];
    return NULL;
}

static wg_code describe_some(compaction *c, bool covered, wg_error *err) {
    const wg_stripe_set *set = c->engine->maintenance.stripes;
    const uint32_t count = wg_stripe_set_count(set);
    for (uint32_t i = 0; i < count; i++) {
        wg_compaction_file file = {0};
        const uint64_t id = wg_stripe_set_entry(set, i).id;
        const made_stripe *made = id < c->begun_at ? NULL : made_find(c, id);
        if ((id < c->begun_at || made != NULL) != covered) continue;
        WG_TRY(wg_stripe_set_describe(set, i, c->horizon, &file, err));
        if (made != NULL && made->rewritten) file.dead_rows = 0;
        if (!wg_buf_append(&c->files, &file, sizeof file)) return wg_error_nomem(err, sizeof file);
    }
    return WG_OK;
}

static wg_code describe(compaction *c, wg_error *err) {
    c->files.size = 0;
    WG_TRY(describe_some(c, true, err));
    c->covered = file_count(c);
    return describe_some(c, false, err);
}

/* True when no other stripe at or below the job's level shares keys with its inputs: nothing older can come to light. */
static bool is_bottom(const compaction *c, const wg_compaction_job *job) {
    uint8_t first[28];
    uint8_t last[28];
    bool any = false;
    for (uint32_t i = 0; i < file_count(c); i++) {
        const wg_compaction_file *f = file_at(c, i);
        if (!is_input(job, f->id)) continue;
        if (!any || memcmp(f->first, first, sizeof first) < 0) memcpy(first, f->first, sizeof first);
        if (!any || memcmp(f->last, last, sizeof last) > 0) memcpy(last, f->last, sizeof last);
        any = true;
    }
    for (uint32_t i = 0; i < file_count(c) && any; i++) {
        const wg_compaction_file *f = file_at(c, i);
        if (is_input(job, f->id) || f->level < job->level) continue;
        if (memcmp(f->first, last, sizeof last) <= 0 && memcmp(f->last, first, sizeof first) >= 0) return false;
    }
    return any;
}

/* Rows that were given out and are not live have ended or were rolled back. The counts are not of one moment; what ends after the horizon
 * is alive for the merge, and what a commit in between hides is kept until the next one. */
static bool nothing_ended(wg_engine *e, bool is_edge) {
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_acquire);
    const uint32_t slot = wg_epoch_enter(e->epoch);
    bool nothing = true;
    for (uint32_t t = 0; t < tables && nothing; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (table != NULL && table->is_edge != is_edge) continue;
        nothing = table != NULL && !atomic_load_explicit(&table->dead, memory_order_relaxed);
        const uint64_t rows = nothing ? wg_table_row_count(table->rows) : 0;
        nothing = nothing && wgi_history_at(e, table, wg_engine_logseq(e)) == rows;
    }
    wg_epoch_leave(e->epoch, slot);
    return nothing;
}

static wg_code pick(compaction *c, picked *out, wg_error *err) {
    wgi_maintenance *m = &c->engine->maintenance;
    *out = (picked){0};
    wg_mutex_lock(&m->mutex);
    if (c->background) c->horizon = wgi_drop_horizon(c->engine);
    for (int edge = 0; edge < 2; edge++) c->all_alive[edge] = nothing_ended(c->engine, edge == 1);
    wg_code code = wgi_adopt_settle(c->engine, err);
    if (code == WG_OK) code = describe(c, err);
    if (code == WG_OK) {
        wg_compaction_pick(&c->policy, c->covered == 0 ? NULL : file_at(c, 0), c->covered, c->everything, &out->job);
        if (out->job.trigger == WG_COMPACT_NOTHING)
            code = wgi_runs_pick(c->engine, &c->policy, c->covered == 0 ? NULL : file_at(c, 0), c->covered, &out->job,
                                 err);
        out->bottom = is_bottom(c, &out->job);
        out->next_id = m->next_stripe;
        if (out->job.trigger != WG_COMPACT_NOTHING && !out->job.move) m->next_stripe += MERGE_IDS;
    }
    wg_mutex_unlock(&m->mutex);
    return code;
}

/* ---- merging */

/* An id is alive unless its newest version ended at or before the horizon, or is gone. What cannot be read is kept. */
static bool id_is_alive(void *ctx, bool is_edge, uint64_t id) {
    compaction *c = ctx;
    wg_engine *e = c->engine;
    wg_row_address at = WG_ROW_NONE;
    wg_row_head head = {.begin = WG_LOGSEQ_NEVER};
    uint64_t end = WG_LOGSEQ_NEVER;
    bool found = false;
    if (c->all_alive[is_edge]) return true;
    if (++c->looked_up % LOOKUPS_A_LOOK == 0) wgi_residency_look(e); /* they go all over the stripes */
    const uint32_t slot = wg_epoch_enter(e->epoch);
    wg_code code = wg_directory_get(is_edge ? e->edges : e->nodes, id, &at, NULL);
    const wgi_table *table = code == WG_OK && at != WG_ROW_NONE ? wgi_table_at(e, wg_row_table(at)) : NULL;
    if (table != NULL) code = wg_table_head(table->rows, wg_row_ordinal(at), &head, &end, &found, NULL);
    wg_epoch_leave(e->epoch, slot);
    return code != WG_OK || (found && head.begin != WG_LOGSEQ_NEVER && end > c->horizon);
}

static void run_of(void *ctx, uint32_t run, wg_merge_run *out) {
    const compaction *c = ctx;
    wgi_kept_versions_of(&c->kept, run, out);
}

static bool on_progress(void *ctx, uint64_t done, uint64_t total) {
    compaction *c = ctx;
    wgi_residency_look(c->engine);
    if (c->background && wgi_background_interrupted(c->engine)) c->stopped = true;
    if (!c->stopped && c->progress != NULL && !c->progress(c->ctx, done, total)) c->stopped = true;
    return !c->stopped;
}

static void on_wait(void *ctx, uint64_t ns) {
    compaction *c = ctx;
    if (c->background) wgi_background_sleep(c->engine, ns);
}

static wg_code merge(compaction *c, picked *p, wg_merge_output *out, wg_error *err) {
    wg_engine *e = c->engine;
    const wg_merge_input input = {.set = e->maintenance.stripes,
                                  .job = &p->job,
                                  .horizon = c->horizon,
                                  .bottom = p->bottom,
                                  .id_is_alive = id_is_alive,
                                  .run_of = run_of,
                                  .ctx = c,
                                  .pacer = c->background ? &e->maintenance.pacer : NULL,
                                  .policy = &c->policy,
                                  .progress = on_progress,
                                  .wait = on_wait};
    const wg_stripe_options options = wgi_stripe_options(e);
    WG_TRY(wgi_kept_versions_make(e, c->horizon, &c->kept, err));
    const wg_code code =
        wg_stripe_merge(e->platform, e->maintenance.stripe_dir, &input, &options, &p->next_id, out, err);
    wgi_kept_versions_deinit(&c->kept);
    return code;
}

/* ---- installing */

static wg_code note_stripe(const wg_stripe *stripe, wg_buf *out, wg_error *err) {
    const wg_fragment_key *last = NULL;
    for (uint32_t f = 0; f < wg_stripe_fragment_count(stripe); f++) {
        const wg_fragment_head *head = &wg_stripe_fragment(stripe, f)->head;
        const wg_fragment_key *key = &head->key;
        const bool again = last != NULL && last->kind == key->kind && last->owner == key->owner;
        last = key;
        const bool wanted = wgi_has_runs(key) ? !again : key->kind == WG_KIND_ROWS && key->part == 0;
        const wgi_merged one = {.key = *key, .version = head->version};
        if (wanted && !wg_buf_append(out, &one, sizeof one)) return wg_error_nomem(err, sizeof one);
    }
    return WG_OK;
}

static wg_code note_inputs(const compaction *c, const wg_compaction_job *job, wg_buf *out, wg_error *err) {
    const wg_stripe_set *set = c->engine->maintenance.stripes;
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++)
        if (is_input(job, wg_stripe_set_entry(set, i).id))
            WG_TRY(note_stripe(wg_stripe_set_stripe(set, i), out, err));
    return WG_OK;
}

/* From here on the disk has the new state; tables still read the inputs. */
static wg_code leave_inputs(const compaction *c, const wg_compaction_job *job, wg_slice added, const wg_buf *noted,
                            wg_error *err) {
    wg_engine *e = c->engine;
    wgi_maintenance *m = &e->maintenance;
    m->adopt_late = true;
    if (!wg_buf_append(&m->adopt_removed, job->inputs, job->input_count * sizeof *job->inputs) ||
        !wg_buf_append(&m->adopt_noted, noted->data, noted->size))
        return wg_error_nomem(err, noted->size);
    WG_TRY(wg_stripe_set_change(m->stripes, NULL, 0, job->inputs, job->input_count, err));
    m->adopt_removed.size = 0;
    WG_TRY(wgi_both_take(e, err));
    const uint32_t slot = wg_epoch_enter(e->epoch);
    wg_code code = wgi_adopt(e, added, false, err);
    if (code == WG_OK) code = wgi_adopt_noted(e, err);
    wg_epoch_leave(e->epoch, slot);
    wgi_both_give(e);
    WG_TRY(code);
    wg_stripe_set_settle(m->stripes);
    m->adopt_noted.size = 0;
    m->adopt_late = false;
    return WG_OK;
}

static wg_code commit(const compaction *c, const wg_compaction_job *job, wg_slice added, wg_error *err) {
    wgi_maintenance *m = &c->engine->maintenance;
    wg_mutex_lock(&m->manifest_mutex);
    wgi_checkpoint same = m->manifest.checkpoint;
    wg_mutex_unlock(&m->manifest_mutex);
    same.next_stripe = m->next_stripe;
    return wgi_manifest_change(c->engine, &same, added, job->inputs, job->input_count, err);
}

static wg_code commit_merged(compaction *c, const wg_compaction_job *job, wg_slice added, wg_buf *noted,
                             wg_error *err) {
    wg_engine *e = c->engine;
    const uint32_t count = (uint32_t)(added.size / sizeof(wg_stripe_entry));
    wg_code code = wgi_discard_reserve(e, count, err);
    if (code == WG_OK)
        code = wg_stripe_set_change(e->maintenance.stripes, (const wg_stripe_entry *)(const void *)added.data, count,
                                    NULL, 0, err);
    if (code != WG_OK) {
        wgi_garbage_note(e, added); /* no manifest names them */
        return code;
    }
    code = note_inputs(c, job, noted, err);
    if (code == WG_OK) code = commit(c, job, added, err);
    if (code != WG_OK) wgi_discard(e, added);
    return code;
}

static wg_code install_merged(compaction *c, const wg_compaction_job *job, wg_slice added, wg_error *err) {
    wg_engine *e = c->engine;
    wg_buf noted;
    wg_buf_init(&noted, &e->account);
    wg_code code = commit_merged(c, job, added, &noted, err);
    if (code == WG_OK) {
        for (uint32_t i = 0; i < job->input_count; i++)
            (void)wg_buf_append_u64(&e->maintenance.garbage, job->inputs[i]); /* the next open finds it otherwise */
        code = leave_inputs(c, job, added, &noted, err);
        wgi_fragments_count(e);
        wgi_garbage_remove(e); /* mapped files stay readable */
    }
    wg_buf_deinit(&noted);
    return code;
}

/* A move changes the manifest and nothing else. */
static wg_code install_move(compaction *c, const wg_compaction_job *job, wg_error *err) {
    wgi_maintenance *m = &c->engine->maintenance;
    const wg_stripe_set *set = m->stripes;
    wg_stripe_entry entry = {0};
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++)
        if (wg_stripe_set_entry(set, i).id == job->inputs[0]) entry = wg_stripe_set_entry(set, i);
    entry.level = job->output_level;
    const wg_slice added = wg_slice_of(&entry, sizeof entry);
    WG_TRY(commit(c, job, added, err));
    return wg_stripe_set_change(m->stripes, &entry, 1, &entry.id, 1, err);
}

static void account_for(compaction *c, const wg_merge_output *out) {
    wgi_maintenance *m = &c->engine->maintenance;
    c->info.bytes_read += out->bytes_read;
    c->info.bytes_written += out->bytes_written;
    c->info.rows_dropped += out->rows_dropped;
    atomic_fetch_add_explicit(&m->compaction_bytes_read, out->bytes_read, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->compaction_bytes_written, out->bytes_written, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->compaction_rows_dropped, out->rows_dropped, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->compaction_fragments_dropped, out->fragments_dropped, memory_order_relaxed);
}

static wg_code note_made(compaction *c, const wg_compaction_job *job, const wg_buf *stripes, wg_error *err) {
    const bool rewritten = job->level == job->output_level && !job->cut;
    for (size_t at = 0; at < stripes->size; at += sizeof(wg_stripe_entry)) {
        wg_stripe_entry entry;
        memcpy(&entry, stripes->data + at, sizeof entry);
        const made_stripe made = {.id = entry.id, .rewritten = rewritten};
        if (!wg_buf_append(&c->made, &made, sizeof made)) return wg_error_nomem(err, sizeof made);
    }
    return WG_OK;
}

static wg_code run_job(compaction *c, picked *p, wg_error *err) {
    wgi_maintenance *m = &c->engine->maintenance;
    wg_merge_output out = {0};
    wg_code code = WG_OK;
    wg_buf_init(&out.stripes, &c->engine->account);
    if (!p->job.move) code = merge(c, p, &out, err);
    if (code == WG_OK) {
        wg_mutex_lock(&m->mutex);
        code = wgi_adopt_settle(c->engine, err);
        if (code == WG_OK) code = note_made(c, &p->job, &out.stripes, err);
        if (code == WG_OK)
            code = p->job.move ? install_move(c, &p->job, err)
                               : install_merged(c, &p->job, wg_buf_slice(&out.stripes), err);
        else wgi_garbage_note(c->engine, wg_buf_slice(&out.stripes));
        wg_mutex_unlock(&m->mutex);
    }
    if (code == WG_OK) {
        account_for(c, &out);
        c->info.jobs++;
        atomic_fetch_add_explicit(&m->compactions[p->job.trigger], 1, memory_order_relaxed);
        if (p->job.move) atomic_fetch_add_explicit(&m->compaction_moves, 1, memory_order_relaxed);
    }
    wg_buf_deinit(&out.stripes);
    return code;
}

/* ---- the whole */

static void measure(const compaction *c, uint64_t *stripes, uint64_t *bytes) {
    wgi_maintenance *m = &c->engine->maintenance;
    wg_mutex_lock(&m->manifest_mutex);
    *stripes = wgi_manifest_stripe_count(&m->manifest);
    *bytes = 0;
    for (uint32_t i = 0; i < wgi_manifest_stripe_count(&m->manifest); i++)
        *bytes += wgi_manifest_stripe(&m->manifest, i).bytes;
    wg_mutex_unlock(&m->manifest_mutex);
}

static wg_code run_jobs(compaction *c, wg_error *err) {
    for (;;) {
        picked p;
        if (c->background && wgi_background_interrupted(c->engine))
            return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "compaction was interrupted");
        WG_TRY(pick(c, &p, err));
        if (p.job.trigger == WG_COMPACT_NOTHING) return WG_OK;
        WG_TRY(run_job(c, &p, err));
    }
}

static void begin(compaction *c) {
    wgi_maintenance *m = &c->engine->maintenance;
    wg_buf_init(&c->files, &c->engine->account);
    wg_buf_init(&c->made, &c->engine->account);
    c->horizon = wgi_drop_horizon(c->engine);
    c->policy = m->policy;
    for (uint32_t i = 0; i < WG_LEVELS && c->background; i++)
        c->policy.bytes_per_second[i] = c->engine->options.compaction_bytes_per_second;
    wg_mutex_lock(&m->mutex);
    c->begun_at = c->background ? UINT64_MAX : m->next_stripe;
    wg_mutex_unlock(&m->mutex);
}

static wg_code run(compaction *c, wg_error *err) {
    wgi_maintenance *m = &c->engine->maintenance;
    wg_mutex_lock(&m->compaction_mutex);
    begin(c);
    atomic_fetch_add_explicit(&m->running, 1, memory_order_relaxed);
    measure(c, &c->info.stripes_before, &c->info.bytes_before);
    const wg_code code = run_jobs(c, err);
    measure(c, &c->info.stripes_after, &c->info.bytes_after);
    atomic_fetch_sub_explicit(&m->running, 1, memory_order_relaxed);
    wg_mutex_unlock(&m->compaction_mutex);
    wg_buf_deinit(&c->files);
    wg_buf_deinit(&c->made);
    wg_epoch_collect(c->engine->epoch);
    c->engine->platform->ops->trim_memory(c->engine->platform);
    if (code != WG_OK) atomic_fetch_add_explicit(&m->compaction_failures, 1, memory_order_relaxed);
    return code;
}

wg_code wg_engine_compact(wg_engine *engine, const wg_compact_options *options, wg_progress_fn progress, void *ctx,
                          wg_compact_info *out, wg_error *err) {
    bool memory_only = false;
    compaction c = {
        .engine = engine, .everything = options != NULL && options->everything, .progress = progress, .ctx = ctx};
    WG_TRY(wgi_check_maintainable(engine, "compact", &memory_only, err));
    if (!memory_only) WG_TRY(run(&c, err));
    if (out != NULL) *out = c.info;
    return WG_OK;
}

wg_code wgi_compact_background(wg_engine *engine, wg_error *err) {
    compaction c = {.engine = engine, .background = true};
    return run(&c, err);
}
