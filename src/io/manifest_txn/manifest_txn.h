/* io/manifest_txn: atomic replacement of the manifest by two renames.
 *
 * `manifest/<epoch, 20 digits>.json` is written to a temporary name, synced, renamed, the directory synced; then the
 * same for `CURRENT`, which holds the epoch. Both end in a CRC line. A crash leaves the old or the new epoch. Epochs only
 * grow; older manifests stay until they are expired. docs/format/manifest.md has the bytes. The payload is not read here. */
#ifndef WG_IO_MANIFEST_TXN_H
#define WG_IO_MANIFEST_TXN_H

#include "io/platform/platform.h"

enum { WG_MANIFEST_BYTES_MAX = 64 << 20 };

/* Commits `payload` as epoch `epoch` in workspace directory `dir` (which has manifest/). */
wg_code wg_manifest_commit(wg_platform *platform, const char *dir, uint64_t epoch, wg_slice payload, wg_error *err);

/* Reads the epoch that CURRENT names. WG_E_NOT_FOUND when there is no CURRENT: not a workspace. WG_E_CORRUPT when CURRENT
 * or the manifest it names is damaged or missing. *payload is appended to. */
wg_code wg_manifest_read(wg_platform *platform, const char *dir, uint64_t *out_epoch, wg_buf *payload, wg_error *err);

/* Removes manifests of epochs before the newest `keep` ones (keep >= 1), oldest first, and never the one that CURRENT names; those above it,
 * which a crash orphaned, are neither counted nor kept. For the holder of LOCK, with no commit under way. */
wg_code wg_manifest_expire(wg_platform *platform, const char *dir, uint32_t keep, uint64_t *out_removed,
                           wg_error *err);

/* What a manifest file or CURRENT says, out of its bytes: without the checksum line, which is checked. `path` tells the epoch.
 * WG_E_CORRUPT when it is neither, or damaged. *out points into `file`. */
wg_code wg_manifest_content(const char *path, wg_slice file, wg_slice *out, wg_error *err);

/* Removes temporary files that a crash left. */
wg_code wg_manifest_clean(wg_platform *platform, const char *dir, wg_error *err);

#endif
