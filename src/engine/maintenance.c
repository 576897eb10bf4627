/* What checkpoint, compaction and the rest stand on: the state of maintenance, pins of snapshots, expiry, and the removal of files that
 * nothing names.
 *
 * The drop horizon is what may be forgotten: the oldest snapshot that can still be asked for, or the oldest one that somebody
 * reads, whichever is older. Whoever begins to read takes a pin under the same mutex under which the horizon rises. */
#include <stdio.h>

#include "engine/engine_internal.h"

void wgi_maintenance_init(wg_engine *engine) {
    wgi_maintenance *m = &engine->maintenance;
    wg_mutex_init(&m->compaction_mutex, WGI_RANK_COMPACTION);
    wg_mutex_init(&m->mutex, WG_RANK_MAINTENANCE);
    wg_mutex_init(&m->manifest_mutex, WGI_RANK_MANIFEST);
    wg_mutex_init(&m->background.mutex, WGI_RANK_BACKGROUND);
    wg_cond_init(&m->background.wake);
    wg_buf_init(&m->manifest.stripes, &engine->account);
    wg_buf_init(&m->garbage, &engine->account);
    wg_buf_init(&m->runs_joined, &engine->account);
    m->runs_owner = UINT64_MAX;
    wg_buf_init(&m->adopt_removed, &engine->account);
    wg_buf_init(&m->adopt_noted, &engine->account);
    wg_account_init(&m->writing, NULL, 0);
    m->pins.next = &m->pins;
    m->pins.previous = &m->pins;
}

/* What reads stripes is gone already; the epoch still stands. */
void wgi_maintenance_deinit(wg_engine *engine) {
    wgi_maintenance *m = &engine->maintenance;
    wg_wal_follower_close(m->follower);
    wg_buf_deinit(&m->manifest.stripes);
    wg_buf_deinit(&m->garbage);
    wg_buf_deinit(&m->runs_joined);
    wg_buf_deinit(&m->adopt_removed);
    wg_buf_deinit(&m->adopt_noted);
    wg_free(m->stripe_dir);
    wg_free(m->wal_dir);
    wg_mutex_deinit(&m->compaction_mutex);
    wg_mutex_deinit(&m->mutex);
    wg_mutex_deinit(&m->manifest_mutex);
    wg_mutex_deinit(&m->background.mutex);
    wg_cond_deinit(&m->background.wake);
}

static wg_code copy_path(wg_engine *e, const char *name, char **out, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, &e->account);
    const char *joined = wgi_path_join(&arena, e->path, name);
    char *copy = joined == NULL ? NULL : wg_alloc(&e->account, strlen(joined) + 1);
    if (copy != NULL) memcpy(copy, joined, strlen(joined) + 1);
    wg_arena_deinit(&arena);
    if (copy == NULL) return wg_error_nomem(err, strlen(e->path) + strlen(name));
    *out = copy;
    return WG_OK;
}

wg_code wgi_maintenance_paths(wg_engine *engine, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    WG_TRY(copy_path(engine, "stripes", &m->stripe_dir, err));
    return copy_path(engine, "wal", &m->wal_dir, err);
}

/* ---- pins */

/* Somebody holds this very snapshot, so all that it sees is kept. state_mutex is held. */
static bool is_pinned(const wgi_maintenance *m, uint64_t snapshot) {
    for (const wgi_pin *pin = m->pins.next; pin != &m->pins; pin = pin->next)
        if (pin->snapshot == snapshot) return true;
    return false;
}

wg_code wgi_pin_set(wg_engine *engine, wgi_pin *pin, uint64_t snapshot, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    wg_mutex_lock(&engine->state_mutex);
    const uint64_t horizon = atomic_load_explicit(&m->horizon, memory_order_relaxed);
    const bool kept = snapshot >= horizon || is_pinned(m, snapshot);
    if (kept) {
        *pin = (wgi_pin){.next = &m->pins, .previous = m->pins.previous, .snapshot = snapshot};
        pin->previous->next = pin;
        m->pins.previous = pin;
    }
    wg_mutex_unlock(&engine->state_mutex);
    if (kept) return WG_OK;
    return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET, "snapshot %llu has expired: the oldest that is kept is %llu",
                        (unsigned long long)snapshot, (unsigned long long)horizon);
}

void wgi_pin_clear(wg_engine *engine, wgi_pin *pin) {
    wg_mutex_lock(&engine->state_mutex); /* neighbours change the links too */
    if (pin->next != NULL) {
        pin->previous->next = pin->next;
        pin->next->previous = pin->previous;
        *pin = (wgi_pin){0};
    }
    wg_mutex_unlock(&engine->state_mutex);
}

/* The oldest pin, or `oldest`. state_mutex is held: a pin that comes later is not below the horizon. */
static uint64_t oldest_of(const wgi_maintenance *m, uint64_t oldest) {
    for (const wgi_pin *pin = m->pins.next; pin != &m->pins; pin = pin->next)
        oldest = wg_min_u64(oldest, pin->snapshot);
    return oldest;
}

uint64_t wgi_drop_horizon(wg_engine *engine) {
    const wgi_maintenance *m = &engine->maintenance;
    wg_mutex_lock(&engine->state_mutex);
    const uint64_t oldest = oldest_of(m, atomic_load_explicit(&m->horizon, memory_order_relaxed));
    wg_mutex_unlock(&engine->state_mutex);
    return oldest;
}

uint64_t wgi_oldest_pin(wg_engine *engine) {
    wg_mutex_lock(&engine->state_mutex);
    const uint64_t oldest = oldest_of(&engine->maintenance, UINT64_MAX);
    wg_mutex_unlock(&engine->state_mutex);
    return oldest;
}

struct wg_engine_pin {
    wgi_pin pin;
};

wg_code wg_engine_pin_acquire(wg_engine *engine, uint64_t snapshot, wg_engine_pin **out, wg_error *err) {
    wg_engine_pin *pin = wg_alloc_zero(&engine->account, sizeof *pin);
    if (pin == NULL) return wg_error_nomem(err, sizeof *pin);
    const wg_code code = wgi_pin_set(engine, &pin->pin, snapshot, err);
    if (code != WG_OK) wg_free(pin);
    else *out = pin;
    if (code == WG_OK) atomic_fetch_add_explicit(&engine->maintenance.snapshots, 1, memory_order_relaxed);
    return code;
}

void wg_engine_pin_release(wg_engine *engine, wg_engine_pin *pin) {
    if (pin == NULL) return;
    wgi_pin_clear(engine, &pin->pin);
    atomic_fetch_sub_explicit(&engine->maintenance.snapshots, 1, memory_order_relaxed);
    wg_free(pin);
}

bool wg_engine_is_idle(wg_engine *engine) {
    wg_mutex_lock(&engine->state_mutex);
    const bool pinned = engine->maintenance.pins.next != &engine->maintenance.pins;
    wg_mutex_unlock(&engine->state_mutex);
    return !pinned && atomic_load_explicit(&engine->open_txns, memory_order_acquire) == 0;
}

/* ---- garbage */

/* Also tells the governor how much of the local disk they take. */
void wgi_fragments_count(wg_engine *engine) {
    const wg_stripe_set *set = engine->maintenance.stripes;
    uint64_t count = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++) {
        count += wg_stripe_fragment_count(wg_stripe_set_stripe(set, i));
        bytes += wg_stripe_set_entry(set, i).bytes;
    }
    atomic_store_explicit(&engine->maintenance.fragments, count, memory_order_relaxed);
    (void)wg_cache_set_held(engine->maintenance.cache, WG_L3_SSD_LOCAL, bytes); /* they are there already */
}

void wgi_garbage_note(wg_engine *engine, wg_slice entries) {
    for (size_t at = 0; at < entries.size; at += sizeof(wg_stripe_entry)) {
        wg_stripe_entry entry;
        memcpy(&entry, entries.data + at, sizeof entry);
        (void)wg_buf_append_u64(&engine->maintenance.garbage, entry.id); /* the next open finds it otherwise */
    }
}

void wgi_garbage_remove(wg_engine *engine) {
    wgi_maintenance *m = &engine->maintenance;
    size_t kept = 0;
    if (m->backups != 0) return;
    for (size_t at = 0; at < m->garbage.size; at += 8) {
        const uint64_t id = wg_load_u64le(m->garbage.data + at);
        char path[4160];
        wg_code code = wg_stripe_path(m->stripe_dir, id, path, sizeof path, NULL);
        if (code == WG_OK) code = engine->platform->ops->unlink(engine->platform, path, NULL);
        if (code == WG_OK || code == WG_E_NOT_FOUND) continue;
        wg_store_u64le(m->garbage.data + kept, id);
        kept += 8;
    }
    m->garbage.size = kept;
}

typedef struct stripe_files {
    const wgi_manifest *manifest;
    wg_buf ids;       /* u64 each, neither temporary nor named */
    wg_buf temporary; /* u64 each */
    bool log;         /* segments that the manifest does not need */
    bool ok;
} stripe_files;

static bool is_named(const wgi_manifest *m, uint64_t id) {
    uint32_t low = 0;
    uint32_t high = wgi_manifest_stripe_count(m);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const uint64_t at = wgi_manifest_stripe(m, middle).id;
        if (at == id) return true;
        if (at < id) low = middle + 1;
        else high = middle;
    }
    return false;
}

static wg_code remove_file(wg_engine *e, uint64_t id, const char *suffix, wg_error *err) {
    char path[4160];
    WG_TRY(wg_stripe_path(e->maintenance.stripe_dir, id, path, sizeof path - 8, err));
    memcpy(path + strlen(path), suffix, strlen(suffix) + 1);
    return e->platform->ops->unlink(e->platform, path, err);
}

static wg_code remove_unnamed(wg_engine *e, const stripe_files *f, wg_error *err) {
    for (size_t at = 0; at < f->temporary.size; at += 8)
        WG_TRY(remove_file(e, wg_load_u64le(f->temporary.data + at), ".tmp", err));
    for (size_t at = 0; at < f->ids.size; at += 8) WG_TRY(remove_file(e, wg_load_u64le(f->ids.data + at), "", err));
    return WG_OK;
}

static bool note_file(void *ctx, const char *name, bool is_directory) {
    stripe_files *f = ctx;
    uint64_t id = 0;
    bool temporary = false;
    if (is_directory || !wg_stripe_name_parse(name, &id, &temporary) || (!temporary && is_named(f->manifest, id)))
        return true;
    f->ok = wg_buf_append_u64(temporary ? &f->temporary : &f->ids, id);
    return f->ok;
}

/* Names of segments are their numbers in digits of fixed count, so they compare as the numbers do. */
static bool note_log(void *ctx, const char *name, bool is_directory) {
    stripe_files *f = ctx;
    char first[32];
    snprintf(first, sizeof first, "%020llu.wal", (unsigned long long)f->manifest->checkpoint.wal_segment);
    f->log |= !is_directory && strlen(name) == strlen(first) && strcmp(name, first) < 0;
    return !f->log;
}

/* CURRENT may be renamed and not yet on the disk: then the files that an older manifest names are still needed. */
static wg_code sync_manifest(const wg_engine *e, wg_error *err) {
    wg_platform *p = e->platform;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const char *manifests = wgi_path_join(&arena, e->path, "manifest");
    wg_code code =
        manifests == NULL ? wg_error_nomem(err, strlen(e->path)) : p->ops->sync_directory(p, manifests, err);
    if (code == WG_OK) code = p->ops->sync_directory(p, e->path, err);
    wg_arena_deinit(&arena);
    return code;
}

/* A directory that is not there holds nothing. */
static wg_code list_some(wg_engine *e, const char *directory, bool (*note)(void *, const char *, bool),
                         stripe_files *f, wg_error *err) {
    wg_error local = {0};
    const wg_code code = e->platform->ops->list(e->platform, directory, note, f, &local);
    if (code == WG_OK && !f->ok) return wg_error_nomem(err, f->ids.size);
    if (code == WG_OK || code == WG_E_NOT_FOUND) return WG_OK;
    if (err != NULL && err->code == WG_OK) *err = local;
    return code;
}

wg_code wgi_garbage_collect(wg_engine *engine, wg_error *err) {
    const wgi_maintenance *m = &engine->maintenance;
    stripe_files f = {.manifest = &m->manifest, .ok = true};
    wg_buf_init(&f.ids, &engine->account);
    wg_buf_init(&f.temporary, &engine->account);
    wg_code code = list_some(engine, m->stripe_dir, note_file, &f, err);
    if (code == WG_OK && m->manifest.checkpoint.wal_segment > 1)
        code = list_some(engine, m->wal_dir, note_log, &f, err);
    /* Without a checkpoint no older manifest names a stripe, and the log is whole. */
    const bool any = f.log || f.ids.size != 0 || f.temporary.size != 0;
    if (code == WG_OK && any && m->manifest.checkpoint.next_stripe != 0) code = sync_manifest(engine, err);
    if (code == WG_OK) code = remove_unnamed(engine, &f, err);
    wg_buf_deinit(&f.ids);
    wg_buf_deinit(&f.temporary);
    return code;
}

wg_code wgi_check_maintainable(const wg_engine *e, const char *what, bool *out_memory_only, wg_error *err) {
    *out_memory_only = e->path == NULL || e->options.durability == WG_IN_MEMORY;
    if (e->options.read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET, "%s: the database is open for reading only", what);
    return WG_OK;
}

/* ---- expiry */

void wgi_horizon_raise(wg_engine *engine, uint64_t logseq) {
    wgi_maintenance *m = &engine->maintenance;
    wg_mutex_lock(&engine->state_mutex);
    if (logseq > atomic_load_explicit(&m->horizon, memory_order_relaxed))
        atomic_store_explicit(&m->horizon, logseq, memory_order_relaxed);
    wg_mutex_unlock(&engine->state_mutex);
}

wg_code wg_engine_expire(wg_engine *engine, uint64_t logseq, wg_error *err) {
    wgi_maintenance *m = &engine->maintenance;
    bool memory_only = false;
    const uint64_t newest = wg_engine_logseq(engine);
    WG_TRY(wgi_check_maintainable(engine, "expire", &memory_only, err));
    if (logseq > newest)
        return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                            "cannot expire snapshots before %llu: the newest is %llu", (unsigned long long)logseq,
                            (unsigned long long)newest);
    wg_mutex_lock(&m->mutex);
    wg_code code = WG_OK;
    if (!memory_only && logseq > wg_engine_horizon(engine)) {
        wg_mutex_lock(&m->manifest_mutex);
        wgi_checkpoint next = m->manifest.checkpoint;
        wg_mutex_unlock(&m->manifest_mutex);
        next.horizon = logseq;
        next.next_stripe = m->next_stripe;
        code = wgi_manifest_change(engine, &next, (wg_slice){0}, NULL, 0, err);
    }
    if (code == WG_OK) wgi_horizon_raise(engine, logseq);
    if (code == WG_OK && memory_only) wgi_state_notes_forget(engine); /* others: with the next checkpoint */
    wg_mutex_unlock(&m->mutex);
    return code;
}

uint64_t wg_engine_horizon(const wg_engine *engine) {
    return atomic_load_explicit(&engine->maintenance.horizon, memory_order_relaxed);
}
