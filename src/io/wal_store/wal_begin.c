/* Makes the empty first segment of a log that begins behind a checkpoint.
 *
 * A backup uses it to go from one log to another that does not continue it: the segment states no durable position, so
 * beside the old log it is a torn tail, and under a manifest that begins at it it is a whole, empty log. */
#include <stdio.h>

#include "io/wal_store/wal_internal.h"

wg_code wg_wal_begin(wg_platform *platform, const char *dir, const wg_wal_options *options, wg_error *err) {
    const uint64_t number = options->first_segment;
    WG_ASSERT(number > 1);
    const wal_header header = {
        .number = number,
        .segment_bytes = options->segment_bytes != 0 ? options->segment_bytes : WG_WAL_SEGMENT_BYTES_DEFAULT,
        .first_logseq = options->after + 1,
        .previous_end = wal_position_of(number - 1, WAL_HEADER_BYTES),
        .chain = options->chain};
    char path[WAL_PATH_BYTES];
    char temporary[WAL_PATH_BYTES + 4];
    WG_TRY(wgi_wal_path(dir, number, path, err));
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    wg_file *file = NULL;
    WG_TRY(wgi_wal_segment_make(platform, temporary, &header, options->store_uuid, true, &file, err));
    wg_code code = platform->ops->sync(platform, file, err);
    platform->ops->close(platform, file);
    if (code == WG_OK) code = platform->ops->rename(platform, temporary, path, err);
    if (code == WG_OK) return platform->ops->sync_directory(platform, dir, err);
    platform->ops->unlink(platform, temporary, NULL);
    return code;
}
