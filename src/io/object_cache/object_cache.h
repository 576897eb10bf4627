/* io/object_cache: Parquet files that never change: opened once, their footers kept, their column chunks read.
 *
 * An object is a pinned open file with decoded metadata. The cache keeps released objects open, up to a number of files, and
 * drops the least recently used. A file whose size or modification time differs from the cached one is opened anew. */
#ifndef WG_IO_OBJECT_CACHE_H
#define WG_IO_OBJECT_CACHE_H

#include "base/digest/digest.h"
#include "format/parquet/parquet.h"
#include "io/platform/platform.h"

typedef struct wg_object_cache wg_object_cache;
typedef struct wg_object wg_object;

wg_code wg_object_cache_create(wg_platform *platform, uint32_t open_files_max, wg_account *account,
                               wg_object_cache **out, wg_error *err);
void wg_object_cache_destroy(wg_object_cache *cache); /* no object may be pinned */

/* Pins the file at `path`, opening it when needed (*out_opened). Errors name the path: WG_E_NOT_FOUND, WG_E_CORRUPT, WG_E_UNSUPPORTED,
 * WG_E_IO. Threads: any; the lock (rank FILE_CACHE) is held while a footer is read, so one file is opened once. */
wg_code wg_object_acquire(wg_object_cache *cache, const char *path, wg_object **out, bool *out_opened, wg_error *err);
void wg_object_release(wg_object_cache *cache, wg_object *object);

const char *wg_object_path(const wg_object *object);
const wg_parquet_metadata *wg_object_metadata(const wg_object *object);
uint64_t wg_object_file_bytes(const wg_object *object);
/* SHA-256 of (u64 file size, footer bytes): names the content as far as a footer can, at the price of a footer. */
const wg_sha256 *wg_object_digest(const wg_object *object);
/* Ordinal of a leaf column by its path; UINT32_MAX: none. */
uint32_t wg_object_column(const wg_object *object, wg_slice name);
/* Reads exactly size bytes; a shorter file is WG_E_CHANGED. Threads: any. */
wg_code wg_object_read(wg_object *object, uint64_t offset, void *data, size_t size, wg_error *err);

#endif
