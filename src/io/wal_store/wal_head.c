/* wal/HEAD: how far the log is durable, for readers in other processes (docs/format/wal.md).
 *
 * The leader of a sync overwrites its 64 bytes when the sync is done, and syncs nothing: the file only ever says what was true
 * before it was written, so an old one is a lower bound, and a torn one fails its checksum. Every failure is ignored: readers
 * then take the durable positions that frames carry, and lag by one sync. */
#include "io/wal_store/wal_internal.h"

void wgi_wal_head_open(wg_wal *wal) {
    const wg_platform_ops *ops = wal->platform->ops;
    char path[WAL_PATH_BYTES];
    WG_ASSERT(wal->head_file == NULL);
    static const char *const leftovers[] = {WAL_PREPARE_NAME, WAL_SPARE_NAME}; /* of a crash */
    for (size_t i = 0; i < 2; i++) {
        wgi_wal_name_of(wal->dir, leftovers[i], path);
        (void)ops->unlink(wal->platform, path, NULL);
    }
    wgi_wal_name_of(wal->dir, WAL_HEAD_NAME, path);
    if (ops->open(wal->platform, path, WG_OPEN_WRITE, &wal->head_file, NULL) == WG_OK) return;
    if (ops->open(wal->platform, path, WG_OPEN_CREATE_NEW, &wal->head_file, NULL) != WG_OK) wal->head_file = NULL;
}

void wgi_wal_head_write(wg_wal *wal, wal_position durable, uint64_t logseq) {
    if (wal->head_file == NULL) return;
    uint8_t bytes[WAL_HEAD_BYTES];
    const wal_head head = {.durable = durable, .logseq = logseq};
    wgi_wal_head_encode(&head, wal->options.store_uuid, bytes);
    (void)wal->platform->ops->write_at(wal->platform, wal->head_file, 0, bytes, sizeof bytes, NULL);
}
