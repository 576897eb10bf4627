/* The next segment, made before it is needed, so that a rotation inside an append costs a rename and one small write.
 *
 * Once the newest segment is half full, a file of zeros is written under wal/next.tmp and synced; a rotation gives it its name
 * and its header. The background thread of BUFFERED makes it in one go; in STRICT the leaders of syncs make it in steps that
 * keep pace with what they sync, when their own commit is acknowledged already. The name is no segment's, so readers and
 * recovery do not see the file, and an open removes it.
 *
 * Zeros make syncs cheap, because neither size nor blocks of the file change under them; they cost as much as the log itself. A
 * segment that fills with few syncs, as in a bulk load, gets none: its successor grows as it is written.
 *
 * A trim of few segments leaves one of the usual size under wal/spare.tmp. It is taken instead of a new file: the directory is synced, so that
 * no crash brings the old name back, then it is overwritten with zeros like a new one. Its blocks are there already.
 *
 * Nothing depends on it: whatever fails here, or comes too late, the rotation makes its own segment (wal_append.c). A file
 * whose sync failed is thrown away, because the system may have dropped a part of its zeros. */
#include "io/wal_store/wal_internal.h"

bool wgi_wal_prepare_wanted(const wg_wal *wal) {
    enum { SYNCS_MIN = 4, SYNC_BYTES_MAX = 128 << 10 };
    if (wal->prepared != NULL || wal->offset < wal->segment_bytes / 2) return false;
    if (wal->prepare_failed_at == wal->number || wal->number == UINT32_MAX) return false;
    const uint64_t syncs = atomic_load_explicit(&wal->syncs, memory_order_relaxed) - wal->rotated_at_sync;
    return syncs >= SYNCS_MIN && wal->offset / syncs <= SYNC_BYTES_MAX;
}

static void remove_name(wg_wal *wal, const char *name) {
    char path[WAL_PATH_BYTES];
    wgi_wal_name_of(wal->dir, name, path);
    (void)wal->platform->ops->unlink(wal->platform, path, NULL);
}

static void discard(wg_wal *wal, wg_file *file) {
    wal->platform->ops->close(wal->platform, file);
    remove_name(wal, WAL_PREPARE_NAME);
}

/* Takes the spare segment as the next one. False: there is none, or it cannot be used; then it is gone. */
static bool spare_take(wg_wal *wal, const char *path) {
    const wg_platform_ops *ops = wal->platform->ops;
    char from[WAL_PATH_BYTES];
    wg_file_info info = {0};
    wg_mutex_lock(&wal->append_lock);
    const bool there = wal->spare;
    wg_mutex_unlock(&wal->append_lock);
    if (!there) return false;
    /* Only whoever prepares takes it, and a trim makes none while there is one. */
    wgi_wal_name_of(wal->dir, WAL_SPARE_NAME, from);
    bool ok = ops->sync_directory(wal->platform, wal->dir, NULL) == WG_OK &&
              ops->rename(wal->platform, from, path, NULL) == WG_OK;
    if (ok && ops->open(wal->platform, path, WG_OPEN_WRITE, &wal->filling, NULL) != WG_OK) {
        wal->filling = NULL;
        ok = false;
    }
    if (ok && (ops->file_info(wal->platform, wal->filling, &info, NULL) != WG_OK ||
               info.size != wal->options.segment_bytes)) {
        ops->close(wal->platform, wal->filling);
        wal->filling = NULL;
        ok = false;
    }
    if (!ok) remove_name(wal, WAL_SPARE_NAME); /* under the other name it is replaced by the caller */
    wg_mutex_lock(&wal->append_lock);
    wal->spare = false;
    wg_mutex_unlock(&wal->append_lock);
    if (ok) atomic_fetch_add_explicit(&wal->segments_reused, 1, memory_order_relaxed);
    return ok;
}

bool wgi_wal_spare_keep(wg_wal *wal, const char *path, uint64_t number) {
    const wg_platform_ops *ops = wal->platform->ops;
    char to[WAL_PATH_BYTES];
    wg_file_info info = {0};
    wg_mutex_lock(&wal->append_lock);
    const bool wanted = !wal->spare && wal->notes.items[0].number == number;
    wg_mutex_unlock(&wal->append_lock);
    if (!wanted) return false;
    wgi_wal_name_of(wal->dir, WAL_SPARE_NAME, to);
    if (ops->stat(wal->platform, path, &info, NULL) != WG_OK || info.size != wal->options.segment_bytes) return false;
    if (ops->rename(wal->platform, path, to, NULL) != WG_OK) return false;
    wg_mutex_lock(&wal->append_lock);
    wal->spare = true;
    wg_mutex_unlock(&wal->append_lock);
    return true;
}

/* The caller owns `filling`. Failure is remembered, so that it is not repeated with every commit. */
static wg_code fill(wg_wal *wal, uint64_t bytes) {
    char path[WAL_PATH_BYTES];
    const uint32_t end = wal->options.segment_bytes;
    wgi_wal_name_of(wal->dir, WAL_PREPARE_NAME, path);
    if (wal->filling == NULL) {
        wal->filled = 0;
        if (!spare_take(wal, path)) WG_TRY(wgi_wal_open_new(wal->platform, path, &wal->filling, NULL));
    }
    const uint64_t step = wg_min_u64(bytes, end - wal->filled);
    WG_TRY(wgi_wal_write_zeros(wal->platform, wal->filling, wal->filled, step, NULL));
    wal->filled += (uint32_t)step;
    return wal->filled < end ? WG_OK : wal->platform->ops->sync(wal->platform, wal->filling, NULL);
}

static void prepare(wg_wal *wal, bool whole, bool anyhow) {
    if (atomic_load(&wal->preparing) || atomic_exchange(&wal->preparing, true)) return;
    wg_mutex_lock(&wal->append_lock);
    const bool possible = wal->prepared == NULL && wal->number != UINT32_MAX && !atomic_load(&wal->poisoned);
    const bool wanted = possible && (anyhow || wgi_wal_prepare_wanted(wal));
    const uint64_t number = wal->number;
    wg_mutex_unlock(&wal->append_lock);
    if (wanted) {
        /* Twice what the log has grown by since the last step: a segment that is half full is ready before it is full. */
        const uint64_t written = atomic_load_explicit(&wal->written, memory_order_relaxed);
        if (wal->filling == NULL) wal->prepare_credit = written;
        const uint64_t grown = 2 * (written - wal->prepare_credit);
        wal->prepare_credit = written;
        const wg_code code = fill(wal, whole ? UINT64_MAX : wg_max_u64(grown, WAL_PREPARE_STEP_BYTES));
        if (code != WG_OK && wal->filling != NULL) {
            discard(wal, wal->filling);
            wal->filling = NULL;
        }
        wg_mutex_lock(&wal->append_lock);
        if (code != WG_OK) wal->prepare_failed_at = number;
        if (wal->filling != NULL && wal->filled == wal->options.segment_bytes) {
            wal->prepared = wal->filling;
            wal->filling = NULL;
        }
        wg_mutex_unlock(&wal->append_lock);
    }
    atomic_store(&wal->preparing, false);
}

void wgi_wal_prepare(wg_wal *wal, bool whole) { prepare(wal, whole, false); }
void wgi_wal_prepare_now(wg_wal *wal) { prepare(wal, true, true); }

bool wgi_wal_prepare_take(wg_wal *wal, const char *path, const wal_header *header, wg_file **out) {
    char from[WAL_PATH_BYTES];
    uint8_t bytes[WAL_HEADER_BYTES];
    wg_file *file = wal->prepared;
    if (file == NULL) return false;
    wal->prepared = NULL;
    wgi_wal_header_encode(header, wal->options.store_uuid, bytes);
    wgi_wal_name_of(wal->dir, WAL_PREPARE_NAME, from);
    if (wal->platform->ops->rename(wal->platform, from, path, NULL) != WG_OK) {
        discard(wal, file);
        return false;
    }
    if (wal->platform->ops->write_at(wal->platform, file, 0, bytes, sizeof bytes, NULL) != WG_OK) {
        wal->platform->ops->close(wal->platform, file);
        (void)wal->platform->ops->unlink(wal->platform, path, NULL); /* else whoever makes the segment replaces it */
        return false;
    }
    *out = file;
    return true;
}

void wgi_wal_prepare_end(wg_wal *wal) {
    if (wal->filling != NULL) discard(wal, wal->filling);
    if (wal->prepared != NULL) discard(wal, wal->prepared);
    if (wal->spare) remove_name(wal, WAL_SPARE_NAME);
    wal->spare = false;
    wal->filling = wal->prepared = NULL;
}
