/* Backup of an open workspace: the stripes that its manifest names, the log behind them up to its durable end, and the manifest.
 *
 * Nobody waits: checkpoints and compactions go on meanwhile, but leave the files that they no longer need to the end of the backup. The
 * target is a workspace at every moment: an earlier backup, the new one, or a state between them.
 *
 *   1. new stripes             nothing names them yet
 *   2. new and grown segments  written aside
 *   3. the log continues that of the target: the segments get their names one after the other, the earlier backup with more
 *      commits at each step; then the manifest is committed
 *      it does not (commits between them are in stripes by now): an empty segment is made at which the new log begins, the
 *      manifest is committed - the backup is the checkpoint now - and then the segments get their names
 *   4. what the new manifest does not name is removed; readers are told where the log ends
 *
 * A target is refused when its commits are not those of this store: its chain value must be ours at the same place. */
#include "engine/backup.h"

/* ---- the target */

static wg_code refuse_inside(const wg_engine *e, const wgi_file_set *to, wg_error *err) {
    const size_t size = strlen(e->path);
    const bool same = strncmp(to->root, e->path, size) == 0 && (to->root[size] == '\0' || to->root[size] == '/');
    if (!same) return WG_OK;
    return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                        "a backup of '%.150s' cannot be kept inside of it: choose another directory", e->path);
}

static bool note_strange(void *ctx, const char *name, bool is_directory) {
    static const char *const own[] = {"LOCK", "manifest", "wal", "stripes", "CURRENT", "CURRENT.tmp"};
    (void)is_directory;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(name, own[i]) == 0) return true;
    *(bool *)ctx = true;
    return false;
}

static wg_code refuse_strange(wg_platform *p, const wgi_file_set *to, wg_error *err) {
    bool strange = false;
    WG_TRY(p->ops->list(p, to->root, note_strange, &strange, err));
    if (!strange) return WG_OK;
    return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                        "'%.150s' holds other things than a backup: choose another directory", to->root);
}

/* The log of the target must be a beginning of ours. */
static wg_code check_history(wg_engine *e, const wgi_file_set *to, wg_error *err) {
    wg_wal_options start = {.first_segment = to->first_needed,
                            .after = to->manifest.checkpoint.logseq,
                            .chain = to->manifest.checkpoint.chain};
    wg_wal_recovery found = {0};
    wg_sha256 ours = {{0}};
    memcpy(start.store_uuid, e->uuid, sizeof start.store_uuid);
    const wg_code code = wg_wal_scan_from(e->platform, to->wal, &start, NULL, NULL, &found, err);
    if (code != WG_OK) return wg_error_prefix(err, code, "the earlier backup is damaged, choose another directory");
    const uint64_t last = found.last_logseq;
    if (last == 0) return WG_OK;
    if (last <= wg_wal_last_logseq(e->wal)) {
        const wg_code known = wg_engine_chain_value(e, last, &ours, NULL);
        if (known == WG_E_NOMEM) return wg_error_nomem(err, sizeof ours); /* that says nothing of the backup */
        if (known == WG_OK && memcmp(&ours, &found.chain, sizeof ours) == 0) return WG_OK;
    }
    return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                        "'%.120s' holds commits that this store does not have (of %llu): choose another directory",
                        to->root, (unsigned long long)last);
}

static wg_code check_earlier(wg_engine *e, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    if (memcmp(to->manifest.uuid, e->uuid, sizeof e->uuid) != 0)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                            "'%.150s' holds a backup of another store: choose another directory", to->root);
    const bool newer = to->manifest.epoch > from->manifest.epoch;
    const bool other = to->manifest.epoch == from->manifest.epoch &&
                       !wg_slice_equal(wg_buf_slice(&to->text), wg_buf_slice(&from->text));
    if (newer || other)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                            "'%.150s' was changed by itself since it was made: choose another directory", to->root);
    return check_history(e, to, err);
}

static wg_code prepare_target(wg_engine *e, const wgi_file_set *to, wg_file **out_lock, wg_error *err) {
    wg_platform *p = e->platform;
    char parent[WGI_BACKUP_PATH_BYTES];
    wg_error seen = {0};
    WG_TRY(refuse_inside(e, to, err));
    const wg_code made = p->ops->make_directory(p, to->root, &seen);
    if (made != WG_OK && made != WG_E_EXISTS) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return made;
    }
    WG_TRY(refuse_strange(p, to, err));
    WG_TRY(wgi_file_set_lock(to, p, true, out_lock, err));
    WG_TRY(wgi_make_directories(to, p, err));
    wgi_file_set_parent(to, parent);
    return made == WG_OK ? p->ops->sync_directory(p, parent, err) : WG_OK;
}

/* ---- the steps */

/* Everything committed until now is durable, and the set is what holds it. */
static wg_code capture(wg_engine *e, wgi_file_set *from, wg_error *err) {
    wgi_maintenance *m = &e->maintenance;
    uint64_t end = 0;
    wg_mutex_lock(&m->manifest_mutex);
    const wg_code code = wgi_file_set_read(from, e->platform, err);
    wg_mutex_unlock(&m->manifest_mutex);
    WG_TRY(code);
    if (!from->exists)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "'%.150s' has lost its CURRENT", from->root);
    WG_TRY(wg_engine_sync(e, err)); /* after the manifest, so that the log reaches what it describes */
    WG_TRY(wg_wal_durable_end(e->wal, &end, err));
    from->last = end >> 32;
    from->last_bytes = end & UINT32_MAX;
    return WG_OK;
}

/* The segments that are to be copied follow those of the target, or replace some of them, without a gap. */
static bool continues(const wgi_file_set *from, const wgi_file_set *to) {
    uint64_t end = to->first_needed;
    while (wgi_file_set_has_segment(to, end)) end++;
    return from->first_needed >= to->first_needed && from->first_needed <= end;
}

static wg_code commit_manifest(wgi_copying *c, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    if (to->exists && to->manifest.epoch == from->manifest.epoch) {
        c->info.files_kept++;
        c->info.bytes_kept += from->text.size;
        return WG_OK;
    }
    WG_TRY(wg_manifest_commit(c->platform, to->root, from->manifest.epoch, wg_buf_slice(&from->text), err));
    c->info.files_copied++;
    c->info.bytes_copied += from->text.size;
    return WG_OK;
}

static wg_code switch_over(wgi_copying *c, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    if (!to->exists || continues(from, to)) {
        WG_TRY(wgi_name_segments(c, to, err));
        return commit_manifest(c, from, to, err);
    }
    const wgi_checkpoint *checkpoint = &from->manifest.checkpoint;
    enum { SMALLEST_SEGMENT = 4096 }; /* it only has to be there: the real one takes its name */
    wg_wal_options begin = {.segment_bytes = SMALLEST_SEGMENT,
                            .first_segment = from->first_needed,
                            .after = checkpoint->logseq,
                            .chain = checkpoint->chain};
    memcpy(begin.store_uuid, from->manifest.uuid, sizeof begin.store_uuid);
    WG_TRY(wg_wal_begin(c->platform, to->wal, &begin, err));
    WG_TRY(commit_manifest(c, from, to, err));
    return wgi_name_segments(c, to, err);
}

static wg_code backup_to(wg_engine *e, wgi_copying *c, wgi_file_set *from, wgi_file_set *to, wg_error *err) {
    WG_TRY(wgi_file_set_read(to, e->platform, err));
    WG_TRY(capture(e, from, err));
    WG_TRY(wgi_file_set_list(from, e->platform, err));
    if (to->exists) WG_TRY(check_earlier(e, from, to, err));
    WG_TRY(wgi_remove_aside(to, e->platform, err));
    WG_TRY(wgi_file_set_list(to, e->platform, err));
    WG_TRY(wgi_count_work(c, from, err));
    WG_TRY(wgi_copy_stripes(c, from, to, err));
    wg_code code = wgi_copy_segments(c, from, to, err);
    if (code == WG_OK) code = wgi_check_segments(c, from, to, &c->info.logseq, err);
    if (code == WG_OK) code = switch_over(c, from, to, err);
    if (code != WG_OK) {
        (void)wgi_remove_aside(to, e->platform, NULL);
        return code;
    }
    const uint64_t end = from->last << 32 | from->last_bytes;
    WG_TRY(wgi_remove_others(to, from, e->platform, err));
    return wg_wal_tell(e->platform, to->wal, e->uuid, end, c->info.logseq, err);
}

/* From here to the end nothing that a manifest named is removed. */
static void hold_files(wg_engine *e) {
    wg_mutex_lock(&e->maintenance.mutex);
    e->maintenance.backups++;
    wg_mutex_unlock(&e->maintenance.mutex);
}

static void release_files(wg_engine *e) {
    wgi_maintenance *m = &e->maintenance;
    wg_mutex_lock(&m->mutex);
    if (--m->backups == 0) {
        wgi_garbage_remove(e);
        wg_mutex_lock(&m->manifest_mutex);
        const uint64_t needed = m->manifest.checkpoint.wal_segment;
        wg_mutex_unlock(&m->manifest_mutex);
        (void)wg_wal_trim(e->wal, needed, NULL); /* the next open removes what is left */
    }
    wg_mutex_unlock(&m->mutex);
}

static wg_code backup_held(wg_engine *e, const char *path, wgi_copying *c, wg_error *err) {
    wgi_file_set from;
    wgi_file_set to;
    wg_file *lock = NULL;
    wg_code code = wgi_file_set_init(&from, e->platform, e->path, err);
    const wg_code other = wgi_file_set_init(&to, e->platform, path, err);
    if (code == WG_OK) code = other;
    if (code == WG_OK) code = prepare_target(e, &to, &lock, err);
    if (code == WG_OK) code = backup_to(e, c, &from, &to, err);
    if (lock != NULL) e->platform->ops->close(e->platform, lock);
    wgi_file_set_deinit(&from);
    wgi_file_set_deinit(&to);
    return code;
}

wg_code wg_engine_backup(wg_engine *engine, const char *to, wg_progress_fn progress, void *ctx, wg_backup_info *out,
                         wg_error *err) {
    wgi_copying copying;
    if (engine->options.read_only)
        return wg_error_set(err, WG_E_READ_ONLY, WG_NO_OFFSET,
                            "a backup is made by the process that has the workspace open for writing");
    if (engine->wal == NULL)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "an in-memory database has no files that could be backed up");
    WG_TRY(wgi_copying_init(&copying, engine->platform, err));
    copying.progress = progress;
    copying.ctx = ctx;
    hold_files(engine);
    const wg_code code = backup_held(engine, to, &copying, err);
    release_files(engine);
    if (code == WG_OK && out != NULL) *out = copying.info;
    wgi_copying_deinit(&copying);
    return code;
}
