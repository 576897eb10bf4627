/* Restoring: a new workspace from the files of a backup.
 *
 * CURRENT is written last, so a directory in which restoring was cut short holds no workspace; what a failure leaves is removed
 * again. The result is verified to its last byte, and keeps the store's id: it is the same history, and its snapshots have the
 * same chain values. */
#include "engine/backup.h"

/* ---- where to */

/* Directories and the lock alone are what an earlier failure leaves. */
static bool note_file(void *ctx, const char *name, bool is_directory) {
    (void)name;
    (void)is_directory;
    *(bool *)ctx = true;
    return false;
}

static bool note_other(void *ctx, const char *name, bool is_directory) {
    static const char *const own[] = {"LOCK", "manifest", "wal", "stripes"};
    (void)is_directory;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(name, own[i]) == 0) return true;
    *(bool *)ctx = true;
    return false;
}

static wg_code look_into(wg_platform *p, const char *directory, wg_list_fn fn, bool *found, wg_error *err) {
    wg_error seen = {0};
    if (*found) return WG_OK;
    const wg_code code = p->ops->list(p, directory, fn, found, &seen);
    if (code == WG_OK || code == WG_E_NOT_FOUND) return WG_OK;
    if (err != NULL && err->code == WG_OK) *err = seen;
    return code;
}

static wg_code check_empty(wg_platform *p, const wgi_file_set *to, wg_error *err) {
    bool found = false;
    WG_TRY(look_into(p, to->root, note_other, &found, err));
    WG_TRY(look_into(p, to->wal, note_file, &found, err));
    WG_TRY(look_into(p, to->stripes, note_file, &found, err));
    WG_TRY(look_into(p, to->manifests, note_file, &found, err));
    if (!found) return WG_OK;
    return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET,
                        "'%.150s' is not empty: restore into a new directory, then move it where you need it",
                        to->root);
}

/* ---- where from */

/* A medium that cannot be written has no writer. */
static wg_code lock_source(wg_platform *p, const wgi_file_set *from, wg_file **out, wg_error *err) {
    wg_error seen = {0};
    const wg_code code = wgi_file_set_lock(from, p, false, out, &seen);
    if (code != WG_E_BUSY) return WG_OK;
    return wg_error_set(err, WG_E_BUSY, WG_NO_OFFSET, "'%.150s' is in use by another process", from->root);
}

static wg_code read_source(wg_platform *p, wgi_file_set *from, wg_error *err) {
    WG_TRY(wgi_file_set_read(from, p, err));
    if (!from->exists) return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no backup at %s", from->root);
    WG_TRY(wgi_file_set_list(from, p, err));
    if (!wgi_file_set_has_segment(from, from->first_needed))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "the backup '%.120s' has no log segment %llu",
                            from->root, (unsigned long long)from->first_needed);
    from->last = from->first_needed;
    while (wgi_file_set_has_segment(from, from->last + 1)) from->last++;
    return WG_OK;
}

/* ---- restoring */

/* Where the log ends, for who opens the copy for reading alone. A source that has none is not worse. */
static wg_code copy_hint(wgi_copying *c, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    char source[WGI_BACKUP_PATH_BYTES];
    char target[WGI_BACKUP_PATH_BYTES];
    wg_file_info info;
    wg_error seen = {0};
    wgi_path_of(from->wal, "HEAD", source);
    wgi_path_of(to->wal, "HEAD", target);
    const wg_code code = c->platform->ops->stat(c->platform, source, &info, &seen);
    if (code == WG_E_NOT_FOUND) return WG_OK;
    if (code != WG_OK) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return code;
    }
    c->total += info.size;
    WG_TRY(wgi_copy_aside(c, source, target, info.size, err));
    return wgi_copy_name(c, target, to->wal, err);
}

static wg_code fill(wg_platform *p, wgi_copying *c, const wgi_file_set *from, const wgi_file_set *to, wg_error *err) {
    wg_verify_report report = {0};
    WG_TRY(wgi_count_work(c, from, err));
    WG_TRY(wgi_copy_stripes(c, from, to, err));
    WG_TRY(wgi_copy_segments(c, from, to, err));
    WG_TRY(wgi_name_segments(c, to, err));
    WG_TRY(copy_hint(c, from, to, err));
    WG_TRY(wg_manifest_commit(p, to->root, from->manifest.epoch, wg_buf_slice(&from->text), err));
    c->info.files_copied++;
    c->info.bytes_copied += from->text.size;
    const wg_code code = wg_engine_verify(p, to->root, &report, err);
    if (code != WG_OK) return wg_error_prefix(err, code, "what was restored is damaged, and so is the backup");
    c->info.logseq = report.last_logseq;
    return WG_OK;
}

/* CURRENT goes first: without it the rest is nothing. */
static void empty_again(wg_platform *p, const wgi_file_set *to) {
    const wgi_file_set none = {.first_needed = 1};
    char path[WGI_BACKUP_PATH_BYTES];
    wgi_path_of(to->root, "CURRENT", path);
    (void)p->ops->unlink(p, path, NULL);
    (void)wgi_remove_aside(to, p, NULL);
    wgi_path_of(to->wal, "HEAD", path);
    (void)p->ops->unlink(p, path, NULL);
    (void)wgi_remove_manifests(to, p, NULL);
    (void)wgi_remove_others(to, &none, p, NULL);
}

static wg_code restore_locked(wg_platform *p, wgi_copying *c, wgi_file_set *from, const wgi_file_set *to,
                              wg_error *err) {
    wg_file *lock = NULL;
    char parent[WGI_BACKUP_PATH_BYTES];
    wg_error seen = {0};
    WG_TRY(read_source(p, from, err));
    const wg_code made = p->ops->make_directory(p, to->root, &seen);
    if (made != WG_OK && made != WG_E_EXISTS) {
        if (err != NULL && err->code == WG_OK) *err = seen;
        return made;
    }
    WG_TRY(check_empty(p, to, err));
    WG_TRY(wgi_file_set_lock(to, p, true, &lock, err));
    p->ops->close(p, lock); /* verifying takes it again; nobody opens what has no CURRENT */
    WG_TRY(wgi_make_directories(to, p, err));
    wgi_file_set_parent(to, parent);
    WG_TRY(p->ops->sync_directory(p, parent, err));
    const wg_code code = fill(p, c, from, to, err);
    if (code != WG_OK) empty_again(p, to);
    return code;
}

wg_code wg_engine_restore(wg_platform *platform, const wg_restore_request *request, wg_backup_info *out,
                          wg_error *err) {
    wg_platform *p = platform != NULL ? platform : wg_platform_real();
    wgi_copying copying;
    wgi_file_set from;
    wgi_file_set to;
    wg_file *lock = NULL;
    WG_TRY(wgi_copying_init(&copying, p, err));
    copying.progress = request->progress;
    copying.ctx = request->ctx;
    wg_code code = wgi_file_set_init(&from, p, request->from, err);
    const wg_code other = wgi_file_set_init(&to, p, request->to, err);
    if (code == WG_OK) code = other;
    if (code == WG_OK) code = lock_source(p, &from, &lock, err);
    if (code == WG_OK) code = restore_locked(p, &copying, &from, &to, err);
    if (lock != NULL) p->ops->close(p, lock);
    if (code == WG_OK && out != NULL) *out = copying.info;
    wgi_file_set_deinit(&from);
    wgi_file_set_deinit(&to);
    wgi_copying_deinit(&copying);
    return code;
}
