/* Recovery: the checkpoint's stripes are mapped and adopted, then the log behind it is replayed through the applier table.
 *
 * Stored definitions are mutations and go through the applier too, with the logseq that they had. Tables come next, with the numbers that row
 * addresses contain; numbers that have no TABLE fragment belonged to transactions that were rolled back. Rows, directories,
 * keys and adjacency are only pointed at: opening reads footers, definitions and nothing else.
 *
 * When memory has a budget and the log holds more than fits, a replay that may write makes checkpoints on the way. The log is
 * synced before: what is in stripes must also be in the log if the machine stops between the two. */
#include "engine/engine_internal.h"

/* ---- the checkpoint */

static wg_code map_stripes(wg_engine *e, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    const wg_stripe_entry *entries = (const wg_stripe_entry *)(const void *)m->manifest.stripes.data;
    WG_TRY(
        wg_stripe_set_create(e->platform, m->stripe_dir, e->uuid, m->cache, e->epoch, &e->account, &m->stripes, err));
    return wg_stripe_set_change(m->stripes, entries, wgi_manifest_stripe_count(&m->manifest), NULL, 0, err);
}

/* Every label of the table has the columns that it declares: writers rely on it. */
static wg_code check_columns(const wg_engine *e, const wgi_table *table, wg_error *err) {
    if (table->is_edge && table->label_count != 1)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "stored table %u of edges has %u labels: it has one label", table->number,
                            table->label_count);
    for (uint32_t i = 0; i < table->label_count; i++) {
        const wg_label *label = wg_catalog_label_at(e->catalog, table->labels[i]);
        WG_ASSERT(label != NULL); /* or the table was not taken (stored_meta.c) */
        bool ok = label->def.kind != WG_LABEL_VIRTUAL && label->def.is_edge == table->is_edge;
        for (uint32_t c = 0; ok && c < label->def.column_count; c++) {
            if (label->def.columns[c].source == WG_COLUMN_COMPUTED) continue;
            const uint32_t column = wg_table_column_of(table->rows, label->column_keys[c]);
            ok = column != UINT32_MAX && wg_table_column_type(table->rows, column) == label->def.columns[c].type;
        }
        if (!ok)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored table %u does not fit its label number %u",
                                table->number, table->labels[i]);
    }
    return WG_OK;
}

/* Behind the last TABLE fragment. */
static wg_code settle_tables(wg_engine *e, wg_error *err) {
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        if (atomic_load_explicit(&table->dead, memory_order_relaxed)) continue;
        wgi_table *last = NULL; /* the others are of older definitions */
        if (table->label_count > 0) WG_TRY(wgi_table_of_labels(e, table->labels, table->label_count, &last, err));
        if (last == table || table->label_count == 0) WG_TRY(check_columns(e, table, err));
        if (table->is_edge) wgi_label_state_at(e, table->labels[0])->edges = table;
    }
    const uint32_t labels = wg_catalog_label_count(e->catalog);
    for (uint32_t i = 0; i < labels; i++) {
        const wgi_label_state *state = wgi_label_state_at(e, i);
        if (state != NULL && state->topology != NULL && state->edges == NULL)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "edge label number %u has no stored table", i);
    }
    return WG_OK;
}

/* Pieces are numbered without a gap: only the last ones could be missing unseen, with an ALTER or a DROP that no other count shows. */
static wg_code check_counts(const wg_engine *e, wg_error *err) {
    const wgi_counts *n = &e->maintenance.manifest.checkpoint.counts;
    const bool pieces = n->catalog_pieces == WGI_PIECES_UNKNOWN || n->catalog_pieces == e->maintenance.catalog_pieces;
    if (!pieces || wg_catalog_key_count(e->catalog) != n->keys || wg_catalog_label_count(e->catalog) != n->labels ||
        wg_catalog_partition_count(e->catalog) != n->partitions || wg_catalog_rule_count(e->catalog) != n->rules ||
        atomic_load_explicit(&e->table_count, memory_order_relaxed) > n->tables)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "the stripes do not hold the definitions that manifest %llu counts",
                            (unsigned long long)e->maintenance.manifest.epoch);
    return WG_OK;
}

static wg_code load_definitions(wg_engine *e, wg_arena *arena, wg_error *err) {
    const wg_stripe_set *set = e->maintenance.stripes;
    uint64_t position = 0;
    for (;;) {
        const wg_fragment *f = wg_stripe_set_next(set, &position);
        if (f == NULL || f->head.key.kind > WG_KIND_TABLE) break;
        if (f->head.key.kind == WG_KIND_CATALOG) WG_TRY(wgi_meta_load_catalog(e, f, arena, err));
        if (f->head.key.kind == WG_KIND_TABLE) WG_TRY(wgi_meta_load_table(e, f, arena, err));
        wg_arena_reset(arena);
    }
    WG_TRY(settle_tables(e, err));
    return check_counts(e, err);
}

static wg_code out_of_range(const wg_fragment *f, wg_error *err) {
    return wg_error_set(
        err, WG_E_CORRUPT, WG_NO_OFFSET,
        "stripe %llu: fragment of kind %u, owner %u, slot %llu lies outside of what the manifest counts",
        (unsigned long long)wg_stripe_id(f->stripe), f->head.key.kind, f->head.key.owner,
        (unsigned long long)f->head.key.slot);
}

static bool in_range(uint64_t slot, uint64_t count) {
    return slot < (count + WG_FRAGMENT_ROWS - 1) / WG_FRAGMENT_ROWS;
}

static wg_code load_rows(wg_engine *e, const wg_fragment *f, wg_error *err) {
    const wgi_table *table = wgi_table_at(e, f->head.key.owner);
    if (f->head.key.part != 0) return WG_OK; /* taken together with part 0; alone: the slot has no row left */
    if (table == NULL || atomic_load_explicit(&table->dead, memory_order_relaxed) ||
        !in_range(f->head.key.slot, table->stored_rows))
        return out_of_range(f, err);
    return wgi_adopt_slot(e, &f->head.key, f->head.version, err);
}

static wg_code load_directory(wg_engine *e, const wg_fragment *f, wg_error *err) {
    const wgi_counts *n = &e->maintenance.manifest.checkpoint.counts;
    const uint32_t owner = f->head.key.owner;
    if (owner > 1 || !in_range(f->head.key.slot, owner == 0 ? n->nodes : n->edges)) return out_of_range(f, err);
    return wg_directory_adopt(owner == 0 ? e->nodes : e->edges, f, f->head.version, err);
}

static wg_code load_runs(wg_engine *e, const wg_fragment *f, const wg_fragment_key *last, wg_error *err) {
    const wg_fragment_key *key = &f->head.key;
    if (last != NULL && last->kind == key->kind && last->owner == key->owner)
        return WG_OK; /* with the first of them */
    const wgi_label_state *state = wgi_label_state_at(e, key->owner);
    if (state == NULL || (key->kind == WG_KIND_KEYS ? state->key_index == NULL : state->topology == NULL))
        return out_of_range(f, err);
    return wgi_adopt_runs(e, key->kind, key->owner, false, err);
}

static wg_code load_fragments(wg_engine *e, wg_error *err) {
    const wg_fragment_key first = {.kind = WG_KIND_ROWS};
    const wg_fragment_key *last = NULL;
    uint64_t position = wg_stripe_set_seek(e->maintenance.stripes, &first);
    for (;;) {
        const wg_fragment *f = wg_stripe_set_next(e->maintenance.stripes, &position);
        if (f == NULL) return WG_OK;
        switch (f->head.key.kind) {
            case WG_KIND_ROWS:
                WG_TRY(load_rows(e, f, err));
                break;
            case WG_KIND_DIRECTORY:
                WG_TRY(load_directory(e, f, err));
                break;
            case WG_KIND_KEYS:
            case WG_KIND_ADJACENCY:
                WG_TRY(load_runs(e, f, last, err));
                break;
            case WG_KIND_RUNS:
            case WG_KIND_STATE:
            case WG_KIND_EVENTS:
                break; /* wgi_state_load */
            default:
                return wg_error_set(err, WG_E_VERSION, WG_NO_OFFSET,
                                    "stripe %llu has a fragment of kind %u: written by a newer version",
                                    (unsigned long long)wg_stripe_id(f->stripe), f->head.key.kind);
        }
        last = &f->head.key;
    }
}

static wg_code set_counts(wg_engine *e, wg_error *err) {
    const wgi_counts *n = &e->maintenance.manifest.checkpoint.counts;
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) {
        wgi_table *table = wgi_table_at(e, t);
        WG_TRY(wg_table_adopt_count(table->rows, table->stored_rows, err));
    }
    WG_TRY(wg_directory_adopt_count(e->nodes, n->nodes, err));
    return wg_directory_adopt_count(e->edges, n->edges, err);
}

static wg_code load_stored(wg_engine *e, wg_arena *arena, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    const wgi_checkpoint *c = &m->manifest.checkpoint;
    m->next_stripe = wg_max_u64(c->next_stripe, 1);
    atomic_store_explicit(&m->horizon, c->horizon, memory_order_relaxed);
    WG_TRY(map_stripes(e, err));
    wgi_fragments_count(e);
    if (c->logseq == 0) return WG_OK;
    WG_TRY(load_definitions(e, arena, err));
    WG_TRY(load_fragments(e, err));
    WG_TRY(set_counts(e, err));
    WG_TRY(wgi_state_load(e, err));
    e->applied = c->logseq;
    e->chain_base = c->logseq;
    atomic_store_explicit(&m->stored, c->logseq, memory_order_release);
    return WG_OK;
}

wg_code wgi_recover_stored(wg_engine *engine, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, &engine->account);
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    const wg_code code = load_stored(engine, &arena, err);
    wg_epoch_leave(engine->epoch, slot);
    wg_arena_deinit(&arena);
    return code;
}

/* ---- the log */

wg_wal_options wgi_wal_options(const wg_engine *engine, uint32_t segment_bytes) {
    const wgi_checkpoint *c = &engine->maintenance.manifest.checkpoint;
    const wg_options *e = &engine->options;
    wg_wal_options o = {.segment_bytes = segment_bytes,
                        .durability = e->durability,
                        .sync_interval_ms = e->sync_interval_ms == 0 ? 100 : e->sync_interval_ms,
                        .sync_batch_commits = e->sync_batch_commits == 0 ? 1000 : e->sync_batch_commits,
                        .first_segment = c->wal_segment,
                        .after = c->logseq,
                        .chain = c->chain};
    memcpy(o.store_uuid, engine->uuid, sizeof o.store_uuid);
    return o;
}

typedef struct log_files {
    wg_engine *engine;
    wg_arena arena;
    wg_code code;
    wg_error *err;
} log_files;

static bool sync_file(void *ctx, const char *name, bool is_directory) {
    log_files *f = ctx;
    wg_platform *p = f->engine->platform;
    if (is_directory) return true;
    wg_file *file = NULL;
    char *path = wgi_path_join(&f->arena, f->engine->maintenance.wal_dir, name);
    f->code = path == NULL ? wg_error_nomem(f->err, strlen(name)) : WG_OK;
    if (f->code == WG_OK) f->code = p->ops->open(p, path, WG_OPEN_WRITE, &file, f->err);
    if (f->code != WG_OK) return false;
    f->code = p->ops->sync(p, file, f->err);
    p->ops->close(p, file);
    return f->code == WG_OK;
}

/* What was replayed may be in the system's memory only. */
static wg_code sync_log(wg_engine *e, wg_error *err) {
    log_files f = {.engine = e, .err = err};
    wg_platform *p = e->platform;
    wg_arena_init(&f.arena, &e->account);
    wg_code code = p->ops->list(p, e->maintenance.wal_dir, sync_file, &f, err);
    if (code == WG_OK) code = f.code;
    if (code == WG_OK) code = p->ops->sync_directory(p, e->maintenance.wal_dir, err);
    wg_arena_deinit(&f.arena);
    return code;
}

typedef struct log_sizes {
    wg_engine *engine;
    wg_arena arena;
    uint64_t bytes, largest;
} log_sizes;

static bool size_file(void *ctx, const char *name, bool is_directory) {
    log_sizes *s = ctx;
    wg_platform *p = s->engine->platform;
    wg_file_info info;
    const char *path = is_directory ? NULL : wgi_path_join(&s->arena, s->engine->maintenance.wal_dir, name);
    if (path == NULL || p->ops->stat(p, path, &info, NULL) != WG_OK) return true;
    s->bytes += info.size;
    s->largest = wg_max_u64(s->largest, info.size);
    return true;
}

/* About: the last segment is partly empty, and one more may have been prepared. 0: who knows. */
static uint64_t log_size(wg_engine *e) {
    log_sizes s = {.engine = e};
    wg_platform *p = e->platform;
    wg_arena_init(&s.arena, &e->account);
    const wg_code code = p->ops->list(p, e->maintenance.wal_dir, size_file, &s, NULL);
    wg_arena_deinit(&s.arena);
    const uint64_t unused = s.largest + s.largest / 2;
    return code == WG_OK && s.bytes > unused ? s.bytes - unused : 0;
}

static wg_code make_room(wgi_replay *r, wg_error *err) {
    wg_engine *e = r->engine;
    const uint64_t cap = wgi_heap_cap(e);
    if (!r->may_checkpoint || cap == 0 || wg_account_bytes(&e->account) <= cap / 2 || r->since_checkpoint < cap / 16)
        return WG_OK;
    WG_TRY(sync_log(e, err));
    wg_state_fill_end(e->state_log.state); /* the checkpoint walks the keys in order */
    WG_TRY(wgi_settle_all(e, err));
    wg_mutex_lock(&e->maintenance.mutex);
    const wg_code code = wgi_checkpoint_run(e, false, NULL, err);
    wg_mutex_unlock(&e->maintenance.mutex);
    WG_TRY(code);
    wg_state_fill_begin(e->state_log.state);
    r->since_checkpoint = 0;
    e->chain.size = 0;
    e->chain_base = e->applied;
    return wgi_budget_check(e, err);
}

/* Replay is a writer: it takes part in the epoch commit by commit, as transactions do. */
static wg_code apply_commit(wgi_replay *r, uint64_t logseq, wg_slice payload, wg_error *err) {
    wg_engine *e = r->engine;
    wgi_apply apply = {.engine = e, .begin = logseq, .stamp = logseq, .undo = NULL, .state = &r->state};
    const uint32_t slot = wg_epoch_enter(e->epoch);
    wg_code code = wg_mutations_replay(payload, &r->arena, &wgi_applier, &apply, err);
    if (code != WG_OK) code = wg_error_prefix(err, code, "commit %llu", (unsigned long long)logseq);
    if (code == WG_OK) code = wgi_state_pass_end(&r->state, logseq, err);
    if (code == WG_OK) code = wgi_history_record(e, logseq, err);
    wgi_touched_clear(e);
    wg_epoch_leave(e->epoch, slot);
    return code;
}

static wg_code keep_chain(wg_engine *e, const wg_sha256 *chain, wg_error *err) {
    wg_mutex_lock(&e->state_mutex);
    const bool ok = wg_buf_append(&e->chain, chain->bytes, sizeof chain->bytes);
    wg_mutex_unlock(&e->state_mutex);
    return ok ? WG_OK : wg_error_nomem(err, sizeof chain->bytes);
}

/* One commit that was read whole; by whoever applies. */
static wg_code take_commit(wgi_replay *r, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    wg_engine *e = r->engine;
    if (logseq != e->applied + 1)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "log: commit %llu follows commit %llu",
                            (unsigned long long)logseq, (unsigned long long)e->applied);
    WG_TRY(apply_commit(r, logseq, payload, err));
    if (r->keep_chain) WG_TRY(keep_chain(e, chain, err));
    e->applied = logseq;
    r->commits++;
    r->since_checkpoint += payload.size;
    atomic_fetch_add_explicit(&e->maintenance.log_bytes, payload.size, memory_order_relaxed);
    return WG_OK;
}

/* ---- the log is read, checked and hashed on one thread and applied on another */

enum { QUEUE = 4, TOGETHER_BYTES = 256 << 10, PIPELINE_FROM_BYTES = 1 << 20 };

/* Commits that follow each other. */
typedef struct parcel {
    wg_buf payloads;
    wg_buf heads; /* parcel_head each */
} parcel;
typedef struct parcel_head {
    uint64_t logseq;
    size_t size;
    wg_sha256 chain;
} parcel_head;

struct wgi_pipeline {
    wgi_replay *replay;
    wg_thread thread;
    wg_mutex mutex;
    wg_cond filled, taken;
    parcel parcels[QUEUE];
    uint64_t put, done; /* parcels */
    bool stop;
    wg_code code; /* of the first commit that could not be applied; nothing is applied behind it */
    wg_error error;
};

static wg_code parcel_apply(wgi_replay *r, parcel *p, wg_error *err) {
    const parcel_head *heads = (const parcel_head *)(const void *)p->heads.data;
    const uint8_t *at = p->payloads.data;
    for (size_t i = 0; i < p->heads.size / sizeof *heads; i++) {
        WG_TRY(take_commit(r, heads[i].logseq, wg_slice_of(at, heads[i].size), &heads[i].chain, err));
        at += heads[i].size;
    }
    return WG_OK;
}

static void pipeline_body(void *arg) {
    wgi_pipeline *p = arg;
    wg_mutex_lock(&p->mutex);
    for (;;) {
        while (p->done == p->put && !p->stop) wg_cond_wait(&p->filled, &p->mutex);
        if (p->done == p->put) break;
        parcel *next = &p->parcels[p->done % QUEUE];
        const bool go_on = p->code == WG_OK;
        wg_mutex_unlock(&p->mutex);
        wg_error failure = {0};
        const wg_code code = go_on ? parcel_apply(p->replay, next, &failure) : WG_OK;
        next->payloads.size = next->heads.size = 0;
        wg_mutex_lock(&p->mutex);
        if (code != WG_OK) {
            p->code = code;
            p->error = failure;
        }
        p->done++;
        wg_cond_signal(&p->taken);
    }
    wg_mutex_unlock(&p->mutex);
}

/* Waits until at most `left` parcels are not applied yet; what went wrong with one that was. */
static wg_code pipeline_wait(wgi_pipeline *p, uint64_t left, wg_error *err) {
    wg_state *state = p->replay->engine->state_log.state;
    wg_mutex_lock(&p->mutex);
    for (bool helps = true; p->put - p->done > left;) {
        if (helps) {
            wg_mutex_unlock(&p->mutex);
            helps = wg_state_page_ahead(state);
            wg_mutex_lock(&p->mutex);
        } else {
            wg_cond_wait(&p->taken, &p->mutex);
        }
    }
    const wg_code code = p->code;
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = p->error;
    wg_mutex_unlock(&p->mutex);
    return code;
}

static void parcel_send(wgi_pipeline *p) {
    if (p->parcels[p->put % QUEUE].heads.size == 0) return;
    wg_mutex_lock(&p->mutex);
    p->put++;
    wg_cond_signal(&p->filled);
    wg_mutex_unlock(&p->mutex);
}

/* Everything so far is applied, or it failed. */
static wg_code pipeline_settle(wgi_pipeline *p, wg_error *err) {
    parcel_send(p);
    return pipeline_wait(p, 0, err);
}

static wg_code pipeline_put(wgi_pipeline *p, uint64_t logseq, wg_slice payload, const wg_sha256 *chain,
                            wg_error *err) {
    const parcel_head head = {logseq, payload.size, *chain};
    WG_TRY(pipeline_wait(p, QUEUE - 1, err)); /* so that the place behind the others is ours */
    parcel *last = &p->parcels[p->put % QUEUE];
    if (!wg_buf_reserve(&last->heads, sizeof head) || !wg_buf_append(&last->payloads, payload.data, payload.size))
        return wg_error_nomem(err, payload.size);
    (void)wg_buf_append(&last->heads, &head, sizeof head);
    if (last->payloads.size >= TOGETHER_BYTES) parcel_send(p);
    return WG_OK;
}

/* NULL: without a second thread. */
static wgi_pipeline *pipeline_start(wgi_replay *r) {
    wg_account *account = &r->engine->account;
    wgi_pipeline *p = wg_alloc_zero(account, sizeof *p);
    if (p == NULL) return NULL;
    p->replay = r;
    wg_mutex_init(&p->mutex, WGI_RANK_STATE_THREAD); /* nothing else is held with it */
    wg_cond_init(&p->filled);
    wg_cond_init(&p->taken);
    for (uint32_t i = 0; i < QUEUE; i++) {
        wg_buf_init(&p->parcels[i].payloads, account);
        wg_buf_init(&p->parcels[i].heads, account);
    }
    if (wg_thread_start(&p->thread, pipeline_body, p, NULL) == WG_OK) return p;
    wg_cond_deinit(&p->filled);
    wg_cond_deinit(&p->taken);
    wg_mutex_deinit(&p->mutex);
    wg_free(p);
    return NULL;
}

static void pipeline_end(wgi_pipeline *p) {
    wg_mutex_lock(&p->mutex);
    p->stop = true;
    wg_cond_signal(&p->filled);
    wg_mutex_unlock(&p->mutex);
    wg_thread_join(&p->thread);
    for (uint32_t i = 0; i < QUEUE; i++) {
        wg_buf_deinit(&p->parcels[i].payloads);
        wg_buf_deinit(&p->parcels[i].heads);
    }
    wg_cond_deinit(&p->filled);
    wg_cond_deinit(&p->taken);
    wg_mutex_deinit(&p->mutex);
    wg_free(p);
}

wg_code wgi_replay_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    wgi_replay *r = ctx;
    if (logseq <= r->engine->maintenance.manifest.checkpoint.logseq) return WG_OK; /* in stripes already */
    r->read_bytes += payload.size;
    if (r->pipeline == NULL && r->may_pipeline && r->read_bytes >= PIPELINE_FROM_BYTES) {
        r->pipeline = pipeline_start(r);
        r->may_pipeline = false;
    }
    if (r->pipeline == NULL) {
        WG_TRY(take_commit(r, logseq, payload, chain, err));
        return make_room(r, err);
    }
    WG_TRY(pipeline_put(r->pipeline, logseq, payload, chain, err));
    if (!r->may_checkpoint || wgi_heap_cap(r->engine) == 0) return WG_OK;
    if (r->read_bytes - r->looked_bytes < wgi_heap_cap(r->engine) / 16) return WG_OK;
    r->looked_bytes = r->read_bytes;
    WG_TRY(pipeline_settle(r->pipeline, err));
    return make_room(r, err);
}

wg_code wgi_settle_all(wg_engine *engine, wg_error *err) {
    const uint32_t labels = wg_catalog_label_count(engine->catalog);
    for (uint32_t i = 0; i < labels; i++) {
        wgi_label_state *state = wgi_label_state_at(engine, i);
        if (state != NULL && state->topology != NULL) WG_TRY(wg_topology_settle(state->topology, err));
    }
    return WG_OK;
}

static wg_code replay_log(wgi_replay *r, uint32_t segment_bytes, bool append, wg_wal_recovery *recovery,
                          wg_error *err) {
    wg_engine *e = r->engine;
    const wg_wal_options options = wgi_wal_options(e, segment_bytes);
    const char *dir = e->maintenance.wal_dir;
    if (append) return wg_wal_open(e->platform, dir, &options, wgi_replay_commit, r, &e->wal, recovery, err);
    return wg_wal_scan_from(e->platform, dir, &options, wgi_replay_commit, r, recovery, err);
}

wg_code wgi_recover_log(wg_engine *engine, uint32_t segment_bytes, bool append, wg_wal_recovery *recovery,
                        wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    const uint64_t start = engine->platform->ops->now_ns(engine->platform);
    wgi_replay r = {.engine = engine, .may_checkpoint = append};
    r.keep_chain = !append || wgi_heap_cap(engine) != 0;
    m->segment_bytes = segment_bytes != 0 ? segment_bytes : (uint32_t)WG_WAL_SEGMENT_BYTES_DEFAULT;
    wg_arena_init(&r.arena, &engine->account);
    wgi_state_pass_init(&r.state, engine->state_log.state, log_size(engine), &engine->account);
    r.may_pipeline = append && !engine->options.no_background && engine->platform == wg_platform_real();
    wg_code code = replay_log(&r, segment_bytes, append, recovery, err);
    if (r.pipeline != NULL) {
        if (code == WG_OK) code = pipeline_settle(r.pipeline, err);
        pipeline_end(r.pipeline);
    }
    wgi_state_pass_deinit(&r.state);
    wg_arena_deinit(&r.arena);
    if (code == WG_OK && append && wg_wal_last_logseq(engine->wal) != engine->applied)
        code = wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the log ends at commit %llu, the checkpoint at %llu",
                            (unsigned long long)wg_wal_last_logseq(engine->wal), (unsigned long long)engine->applied);
    if (code == WG_OK) code = wgi_settle_all(engine, err);
    if (append) wg_buf_deinit(&engine->chain); /* the log has the chain from now on */
    if (code != WG_OK) return code;
    engine->statistics_floor = engine->applied;
    wgi_schema_changed(engine, engine->applied);
    atomic_store_explicit(&engine->published, engine->applied, memory_order_release);
    atomic_store_explicit(&m->recovered_commits, r.commits, memory_order_relaxed);
    atomic_store_explicit(&m->recovery_ns, engine->platform->ops->now_ns(engine->platform) - start,
                          memory_order_relaxed);
    return WG_OK;
}
