/* Backup and restore of worldgraph.h, each one call of the engine. */
#include "api/api_internal.h"

wg_code wg_backup(wg_db *db, const char *to, wg_progress_fn progress, void *ctx, wg_backup_info *out, wg_error *err) {
    WGI_CHECK(db, WGI_TAG_DB, "database");
    if (to == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_backup: the directory is NULL");
    wg_engine *engine = wgi_engine_hold(db);
    const wg_code code = wg_engine_backup(engine, to, progress, ctx, out, err);
    wgi_engine_drop(db, engine);
    return code;
}

wg_code wg_restore(const char *from, const char *to, wg_progress_fn progress, void *ctx, wg_backup_info *out,
                   wg_error *err) {
    if (from == NULL || to == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_restore: a directory is NULL");
    const wg_restore_request request = {.from = from, .to = to, .progress = progress, .ctx = ctx};
    return wg_engine_restore(NULL, &request, out, err);
}
