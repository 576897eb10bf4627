/* Creating, opening and closing a workspace. See engine.h.
 *
 * A workspace directory holds LOCK, CURRENT, manifest/, wal/ and, from the first checkpoint on, stripes/. It exists from the moment
 * that CURRENT does: creation writes the log first and the manifest last, so that a crash on the way leaves a directory that
 * creation can take up again. Opening: lock, manifest, what is in stripes, the log behind it (recover.c). What the manifest
 * does not name is removed only when the manifest itself is known to be on the disk. */
#include "engine/engine.h"
#include "engine/engine_internal.h"

char *wgi_path_join(wg_arena *arena, const char *directory, const char *name) {
    const size_t a = strlen(directory);
    const size_t b = strlen(name);
    const bool slash = a > 0 && directory[a - 1] == '/';
    char *path = wg_arena_alloc(arena, a + b + 2);
    if (path == NULL) return NULL;
    memcpy(path, directory, a);
    if (!slash) path[a] = '/';
    memcpy(path + a + (slash ? 0 : 1), name, b + 1);
    return path;
}

/* ---- construction */

void wgi_engine_free(wg_engine *e) {
    for (uint32_t i = 0; e != NULL && i < WGI_SPARE_TXNS; i++)
        wg_free(atomic_load_explicit(&e->spare_txns[i], memory_order_relaxed));
    wgi_state_free(e);
    wgi_state_store_deinit(e);
    const uint32_t tables = atomic_load_explicit(&e->table_count, memory_order_relaxed);
    for (uint32_t t = 0; t < tables; t++) wgi_table_destroy(wgi_table_at(e, t));
    for (uint32_t i = wg_slots_next(&e->indexes, 0); i != UINT32_MAX; i = wg_slots_next(&e->indexes, i + 1))
        wgi_index_destroy(wgi_index_of(e, i));
    for (uint32_t i = wg_slots_next(&e->labels, 0); i != UINT32_MAX; i = wg_slots_next(&e->labels, i + 1))
        wgi_label_state_destroy(wgi_label_state_at(e, i));
    while (e->dead_labels != NULL) {
        wgi_label_state *state = e->dead_labels;
        e->dead_labels = state->next_dead;
        wgi_label_state_destroy(state);
    }
    wgi_statistics_destroy(e);
    wg_slots_deinit(&e->tables);
    wg_slots_deinit(&e->labels);
    wg_slots_deinit(&e->indexes);
    wg_object_cache_destroy(e->objects);
    wg_directory_destroy(e->nodes);
    wg_directory_destroy(e->edges);
    wg_catalog_destroy(e->catalog);
    wg_stripe_set_destroy(e->maintenance.stripes);
    if (e->epoch != NULL) wg_epoch_destroy(e->epoch);
    if (e->maintenance.cache != NULL) wg_cache_destroy(e->maintenance.cache);
    wgi_maintenance_deinit(e);
    if (e->lock_file != NULL) e->platform->ops->close(e->platform, e->lock_file);
    wg_buf_deinit(&e->chain);
    wg_arena_deinit(&e->apply_arena);
    wg_arena_deinit(&e->key_arena);
    wg_free(e->path);
    wgi_seat_deinit(&e->writer);
    wgi_seat_deinit(&e->log_end);
    wg_mutex_deinit(&e->state_mutex);
    wg_mutex_deinit(&e->adjacency_mutex);
    wg_free(e);
}

/* What memory_bytes_max is split into unless the caller says: a part that nobody counts, and of the rest rows
 * that are not in stripes 40 %, pages of stripes 25 %, queries 25 % (api); a tenth is room for what is on its way. */
static wg_tier_budget tier_budget(const wg_options *o) {
    wg_tier_budget b = o->budget;
    const uint64_t all = wg_engine_memory_to_split(o);
    if (b.hot == 0) b.hot = all / 5 * 2;
    if (b.warm == 0) b.warm = all / 4;
    return b;
}

uint64_t wg_engine_memory_to_split(const wg_options *options) {
    /* The program's own pages, the buffers of a checkpoint and of a merge that run at the same time, and what the allocator keeps between
     * them: they do not grow with the budget. */
    static const uint64_t uncounted_bytes_max = UINT64_C(24) << 20;
    const uint64_t all = options->memory_bytes_max;
    return all - (all / 8 * 3 < uncounted_bytes_max ? all / 8 * 3 : uncounted_bytes_max);
}

wg_code wgi_engine_make(wg_platform *platform, const char *path, const wg_options *options, wg_engine **out,
                        wg_error *err) {
    wg_engine *e = wg_alloc_zero(NULL, sizeof *e);
    if (e == NULL) return wg_error_nomem(err, sizeof *e);
    wg_code code = WG_OK;
    e->platform = platform;
    e->options = *options;
    e->options.budget = tier_budget(options);
    wg_account_init(&e->account, NULL, 0);
    wg_account_init(&e->state_account, NULL, wg_engine_memory_to_split(options)); /* no checkpoint gives it back */
    wg_account_init(&e->adjacency_account, NULL, 0);
    wg_account_init(&e->index_account, NULL, e->options.budget.hot); /* as much as rows in the heap at most */
    wg_mutex_init(&e->adjacency_mutex, WGI_RANK_ADJACENCY);
    wg_buf_init(&e->chain, &e->account);
    wg_arena_init(&e->apply_arena, &e->account);
    wg_arena_init(&e->key_arena, &e->account);
    wgi_seat_init(&e->writer, WG_RANK_ENGINE_WRITER);
    wgi_seat_init(&e->log_end, WG_RANK_ENGINE_LOG);
    wg_mutex_init(&e->state_mutex, WG_RANK_ENGINE_STATE);
    wgi_maintenance_init(e);
    wgi_state_init(e);
    wgi_state_store_init(e);
    if (path != NULL) {
        char absolute[4096];
        WG_TRY_GOTO(platform->ops->absolute(platform, path, absolute, sizeof absolute, err));
        e->path = wg_alloc(&e->account, strlen(absolute) + 1);
        if (e->path == NULL) {
            code = wg_error_nomem(err, strlen(absolute) + 1);
            goto fail;
        }
        memcpy(e->path, absolute, strlen(absolute) + 1);
        WG_TRY_GOTO(wgi_maintenance_paths(e, err));
    }
    WG_TRY_GOTO(wg_cache_create(&e->options.budget, &e->account, &e->maintenance.cache, err));
    WG_TRY_GOTO(wg_epoch_create(&e->account, &e->epoch, err));
    WG_TRY_GOTO(wg_catalog_create(&e->account, &e->catalog, err));
    WG_TRY_GOTO(wg_directory_create(e->epoch, &e->account, &e->nodes, err));
    WG_TRY_GOTO(wg_directory_create(e->epoch, &e->account, &e->edges, err));
    WG_TRY_GOTO(wg_object_cache_create(platform, 0, &e->account, &e->objects, err));
    WG_TRY_GOTO(wgi_state_make(e, err));
    WG_TRY_GOTO(wgi_statistics_create(e, err));
    wgi_schema_changed(e, 0);
    wgi_residency_begin(e);
    *out = e;
    return WG_OK;
fail:
    wgi_engine_free(e);
    return code;
}

/* ---- creation */

static wg_code make_directory(wg_platform *p, const char *path, wg_error *err) {
    wg_error local = {0};
    const wg_code code = p->ops->make_directory(p, path, &local);
    if (code == WG_OK || code == WG_E_EXISTS) return WG_OK;
    if (err != NULL && err->code == WG_OK) *err = local;
    return code;
}

typedef struct leftovers {
    wg_platform *platform;
    wg_arena *arena;
    const char *directory;
    const char *names[256];
    uint32_t count;
    bool strange;
    bool stripes; /* made by the first checkpoint */
} leftovers;

static bool note_wal_file(void *ctx, const char *name, bool is_directory) {
    leftovers *l = ctx;
    if (is_directory || l->count == 256) return true;
    char *path = wgi_path_join(l->arena, l->directory, name);
    if (path != NULL) l->names[l->count++] = path;
    return true;
}

/* What creation itself may have left behind; anything else in the directory belongs to somebody. */
static bool note_strange(void *ctx, const char *name, bool is_directory) {
    leftovers *l = ctx;
    const char *own[] = {"LOCK", "manifest", "wal", "stripes", "topology"};
    bool known = strncmp(name, "CURRENT", 7) == 0;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) known |= strcmp(name, own[i]) == 0;
    (void)is_directory;
    l->strange |= !known;
    l->stripes |= strcmp(name, "stripes") == 0;
    return true;
}

static wg_code current_is_lost(const wg_engine *e, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "%s holds %s and no CURRENT: restore CURRENT; nothing was changed", e->path, what);
}

/* Creation puts one whole segment, number 1, under its name. The store's id stands in its header (docs/format/wal.md). A log that cannot
 * be read to its end may hold commits. */
static wg_code check_first_segment(const wg_engine *e, const leftovers *l, const char *path, wg_error *err) {
    enum { UUID_AT = 16 };
    wg_platform *p = e->platform;
    wg_file *file = NULL;
    uint8_t uuid[16];
    size_t got = 0;
    WG_TRY(p->ops->open(p, path, WG_OPEN_READ, &file, err));
    wg_code code = p->ops->read_at(p, file, UUID_AT, uuid, sizeof uuid, &got, err);
    p->ops->close(p, file);
    WG_TRY(code);
    wg_wal_recovery found = {0};
    wg_error problem = {0};
    code = got == sizeof uuid ? wg_wal_scan(p, l->directory, uuid, NULL, NULL, &found, &problem) : WG_E_CORRUPT;
    if (code == WG_E_CORRUPT) return current_is_lost(e, "a damaged log", err);
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = problem;
        return code;
    }
    return found.records == 0 ? WG_OK : current_is_lost(e, "a log with commits", err);
}

/* What holds commits is not a leftover of creation, which writes CURRENT before the first commit: CURRENT is lost, and the data are not
 * ours to delete. */
static wg_code check_no_commits(const wg_engine *e, const leftovers *l, wg_error *err) {
    for (uint32_t i = 0; i < l->count; i++) {
        const size_t size = strlen(l->names[i]);
        if (size < 24 || strcmp(l->names[i] + size - 4, ".wal") != 0) continue;
        if (strcmp(l->names[i] + size - 24, "00000000000000000001.wal") != 0)
            return current_is_lost(e, "a log that has grown", err);
        WG_TRY(check_first_segment(e, l, l->names[i], err));
    }
    return WG_OK;
}

static wg_code clear_leftovers(wg_engine *e, wg_arena *arena, const char *wal, wg_error *err) {
    wg_platform *p = e->platform;
    leftovers l = {.platform = p, .arena = arena, .directory = wal};
    WG_TRY(p->ops->list(p, e->path, note_strange, &l, err));
    if (l.strange)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                            "%s is not empty and not a workspace: choose another directory", e->path);
    if (l.stripes) return current_is_lost(e, "stripes", err);
    WG_TRY(p->ops->list(p, wal, note_wal_file, &l, err));
    WG_TRY(check_no_commits(e, &l, err));
    for (uint32_t i = 0; i < l.count; i++) WG_TRY(p->ops->unlink(p, l.names[i], err));
    return WG_OK;
}

static char *parent_of(wg_arena *arena, const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] != '/') n--;
    return wg_arena_strdup(arena, wg_slice_of(path, n > 1 ? n - 1 : 1));
}

static wg_code workspace_create(wg_engine *e, wg_arena *arena, const char *wal, uint32_t segment_bytes,
                                wg_error *err) {
    wg_platform *p = e->platform;
    char *parent = parent_of(arena, e->path);
    char *manifest = wgi_path_join(arena, e->path, "manifest");
    if (parent == NULL || manifest == NULL) return wg_error_nomem(err, strlen(e->path));
    WG_TRY(make_directory(p, manifest, err));
    WG_TRY(make_directory(p, wal, err));
    WG_TRY(clear_leftovers(e, arena, wal, err));
    WG_TRY(p->ops->random(p, e->uuid, sizeof e->uuid, err));
    const wg_wal_options options = wgi_wal_options(e, segment_bytes);
    WG_TRY(wg_wal_create(p, wal, &options, err));
    WG_TRY(p->ops->sync_directory(p, e->path, err));
    WG_TRY(p->ops->sync_directory(p, parent, err));
    return wgi_manifest_write(e, 0, err);
}

/* ---- opening */

wg_code wgi_workspace_lock(wg_engine *e, wg_arena *arena, bool create, wg_error *err) {
    wg_platform *p = e->platform;
    char *path = wgi_path_join(arena, e->path, "LOCK");
    if (path == NULL) return wg_error_nomem(err, strlen(e->path));
    wg_error local = {0};
    wg_code code = p->ops->open(p, path, WG_OPEN_WRITE, &e->lock_file, &local);
    if (code == WG_E_NOT_FOUND && create) {
        local = (wg_error){0};
        code = p->ops->open(p, path, WG_OPEN_CREATE_NEW, &e->lock_file, &local);
    }
    if (code == WG_E_NOT_FOUND) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no workspace at %s", e->path);
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    code = p->ops->lock(p, e->lock_file, &local);
    if (code == WG_E_BUSY)
        return wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "workspace %s is open in another process", e->path);
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = local;
    return code;
}

/* Makes the directory itself when asked to; says whether the workspace stands already. */
wg_code wgi_workspace_find(wg_engine *e, wg_arena *arena, bool *out_exists, wg_error *err) {
    wg_platform *p = e->platform;
    if (e->options.create) WG_TRY(make_directory(p, e->path, err));
    char *current = wgi_path_join(arena, e->path, "CURRENT");
    if (current == NULL) return wg_error_nomem(err, strlen(e->path));
    wg_file_info info;
    wg_error local = {0};
    const wg_code code = p->ops->stat(p, current, &info, &local);
    *out_exists = code == WG_OK;
    if (code == WG_E_NOT_FOUND && !e->options.create)
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no workspace at %s", e->path);
    if (code != WG_OK && code != WG_E_NOT_FOUND) {
        if (err != NULL && err->code == WG_OK) *err = local;
        return code;
    }
    if (*out_exists && e->options.must_create)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "there is a workspace at %s already", e->path);
    return WG_OK;
}

wg_code wgi_workspace_manifest(wg_engine *e, wg_error *err) {
    wgi_manifest *m = &e->maintenance.manifest;
    WG_TRY(wgi_manifest_read(e->platform, e->path, m, err));
    memcpy(e->uuid, m->uuid, sizeof e->uuid);
    atomic_store_explicit(&e->manifest_epoch, m->epoch, memory_order_relaxed);
    return WG_OK;
}

static wg_code workspace_open(wg_engine *e, wg_arena *arena, const wg_engine_options *options, wg_error *err) {
    bool exists = false;
    const bool writable = e->options.durability != WG_IN_MEMORY;
    WG_TRY(wgi_workspace_find(e, arena, &exists, err));
    WG_TRY(wgi_workspace_lock(e, arena, e->options.create || exists, err));
    if (!exists) {
        /* Another creator may have been quicker than our look: only the holder of the lock knows. */
        WG_TRY(wgi_workspace_find(e, arena, &exists, err));
        if (!exists) WG_TRY(workspace_create(e, arena, e->maintenance.wal_dir, options->wal_segment_bytes, err));
    }
    WG_TRY(wgi_workspace_manifest(e, err));
    if (writable) WG_TRY(wg_manifest_clean(e->platform, e->path, err));
    if (writable) WG_TRY(wgi_garbage_collect(e, err));
    wg_state_fill_begin(e->state_log.state);
    WG_TRY(wgi_recover_stored(e, err));
    wg_wal_recovery recovery = {0};
    WG_TRY(wgi_recover_log(e, options->wal_segment_bytes, writable, &recovery, err));
    if (writable) WG_TRY(wgi_state_open(e, options->ring_dir, err));
    wg_state_fill_end(e->state_log.state);
    return WG_OK;
}

/* One attempt; *out_again: worth another one. */
static wg_code open_once(const char *path, const wg_options *o, const wg_engine_options *options, wg_engine **out,
                         bool *out_again, wg_error *err) {
    wg_platform *platform = options->platform != NULL ? options->platform : wg_platform_real();
    wg_engine *e = NULL;
    *out_again = false;
    WG_TRY(wgi_engine_make(platform, path, o, &e, err));
    e->pool = options->pool;
    e->adjacency_span_free = UINT64_C(1) << 22;
    e->halves_log_bytes = options->halves_log_bytes != 0 ? options->halves_log_bytes : UINT64_C(16) << 20;
    e->delta_edges_min = options->delta_edges_min;
    wg_arena arena;
    wg_arena_init(&arena, &e->account);
    wg_code code = WG_OK;
    if (path != NULL && o->read_only) code = wgi_follow_open(e, out_again, err);
    else if (path != NULL) code = workspace_open(e, &arena, options, err);
    else code = platform->ops->random(platform, e->uuid, sizeof e->uuid, err);
    wg_arena_deinit(&arena);
    if (code != WG_OK) {
        wg_error ignored = {0};
        if (e->wal != NULL && wg_wal_close(e->wal, &ignored) != WG_OK) e->wal = NULL; /* freed in any case */
        wgi_engine_free(e);
        return code;
    }
    /* Simulated and faulty platforms count calls: what happens there must not depend on when a thread runs. */
    e->maintenance.background.allowed = !options->no_background && !o->no_background &&
                                        platform == wg_platform_real() && path != NULL &&
                                        o->durability != WG_IN_MEMORY && !o->read_only;
    *out = e;
    return WG_OK;
}

static wg_code open_at(const char *path, const wg_engine_options *options, wg_engine **out, wg_error *err) {
    enum { TRIES = 50 }; /* a writer that replaces its stripes faster than they can be opened */
    wg_options o = options->options;
    if (path == NULL) o.durability = WG_IN_MEMORY;
    if (path != NULL && o.read_only) o.durability = WG_STRICT;         /* as durable as what the writer has made it */
    if (o.durability == WG_IN_MEMORY || o.read_only) o.create = false; /* nothing is made */
    bool again = true;
    wg_code code = WG_OK;
    for (int i = 0; i < TRIES && again; i++) {
        wg_error local = {0};
        code = open_once(path, &o, options, out, &again, &local);
        if (code != WG_OK && (!again || i + 1 == TRIES) && err != NULL && err->code == WG_OK) *err = local;
    }
    return code;
}

wg_code wg_engine_open(const char *path, const wg_engine_options *options, wg_engine **out, wg_error *err) {
    wg_error local = {0};
    if (path == NULL || options->options.read_only || options->options.durability != WG_IN_MEMORY)
        return open_at(path, options, out, err);
    /* On a path: a copy of what stands there, or nothing; no file is made or changed. */
    wg_code code = open_at(path, options, out, &local);
    if (code == WG_E_NOT_FOUND && options->options.create) return open_at(NULL, options, out, err);
    if (code != WG_OK && err != NULL && err->code == WG_OK) *err = local;
    return code;
}

wg_code wg_engine_close(wg_engine *engine, wg_error *err) {
    if (engine == NULL) return WG_OK;
    const uint32_t open = atomic_load_explicit(&engine->open_txns, memory_order_relaxed);
    if (open != 0)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%u transactions are still open: end them before closing",
                            open);
    const uint32_t sessions = wg_lanes_open_count(engine->state_log.lanes);
    if (sessions != 0)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "%u sessions of runs are still open: end them before closing", sessions);
    wgi_background_stop(engine);
    wg_code code = wgi_state_close(engine, err);
    if (engine->wal != NULL) {
        const wg_code closed = wg_wal_close(engine->wal, code == WG_OK ? err : NULL);
        if (code == WG_OK) code = closed;
    }
    wgi_engine_free(engine);
    return code;
}

wg_code wg_engine_sync(wg_engine *engine, wg_error *err) {
    if (engine->wal == NULL) return WG_OK;
    if (wg_lanes_open_count(engine->state_log.lanes) != 0 || wg_lanes_pending(engine->state_log.lanes) != 0)
        return wg_engine_state_drain(engine, true, NULL, err);
    return wg_wal_wait(engine->wal, wg_wal_last_logseq(engine->wal), err);
}

/* ---- getters */

uint64_t wg_engine_manifest_epoch(const wg_engine *engine) {
    return atomic_load_explicit(&engine->manifest_epoch, memory_order_relaxed);
}
const wg_options *wg_engine_option_values(const wg_engine *engine) { return &engine->options; }
const uint8_t *wg_engine_store_uuid(const wg_engine *engine) { return engine->uuid; }
wg_account *wg_engine_account(wg_engine *engine) { return &engine->account; }
wg_epoch *wg_engine_epoch(wg_engine *engine) { return engine->epoch; }
wg_platform *wg_engine_platform(wg_engine *engine) { return engine->platform; }
const char *wg_engine_temporary_directory(const wg_engine *engine) {
    const bool writes = engine->options.durability != WG_IN_MEMORY && !engine->options.read_only;
    return engine->path != NULL && writes ? engine->path : "";
}
