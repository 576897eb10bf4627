/* The cache is a list in order of use under one mutex; it is short (hundreds), so a lookup walks it. Files are read with
 * pread, never mapped: a foreign file that shrinks would end the process by a signal. See object_cache.h. */
#include "io/object_cache/object_cache.h"

struct wg_object {
    wg_object *newer;
    wg_object *older;
    wg_platform *platform;
    wg_file *file;
    wg_arena arena; /* path, footer, metadata */
    const char *path;
    wg_file_info info;
    wg_sha256 digest;
    wg_parquet_metadata metadata;
    uint32_t pins;
    bool stale; /* replaced by a newer opening of the same path; freed at the last release */
};

struct wg_object_cache {
    wg_platform *platform;
    wg_account *account;
    wg_mutex mutex;
    wg_object *newest;
    wg_object *oldest;
    uint32_t count;
    uint32_t open_files_max;
};

wg_code wg_object_cache_create(wg_platform *platform, uint32_t open_files_max, wg_account *account,
                               wg_object_cache **out, wg_error *err) {
    wg_object_cache *cache = wg_alloc_zero(account, sizeof *cache);
    if (cache == NULL) return wg_error_nomem(err, sizeof *cache);
    cache->platform = platform;
    cache->account = account;
    cache->open_files_max = open_files_max == 0 ? 256 : open_files_max;
    wg_mutex_init(&cache->mutex, WG_RANK_FILE_CACHE);
    *out = cache;
    return WG_OK;
}

static void object_free(wg_object *object) {
    if (object->file != NULL) object->platform->ops->close(object->platform, object->file);
    wg_arena_deinit(&object->arena);
    wg_free(object);
}

static void list_remove(wg_object_cache *cache, wg_object *object) {
    if (object->newer != NULL) object->newer->older = object->older;
    else cache->newest = object->older;
    if (object->older != NULL) object->older->newer = object->newer;
    else cache->oldest = object->newer;
    object->newer = NULL;
    object->older = NULL;
    cache->count--;
}

static void list_push_newest(wg_object_cache *cache, wg_object *object) {
    object->older = cache->newest;
    if (cache->newest != NULL) cache->newest->newer = object;
    cache->newest = object;
    if (cache->oldest == NULL) cache->oldest = object;
    cache->count++;
}

void wg_object_cache_destroy(wg_object_cache *cache) {
    if (cache == NULL) return;
    while (cache->newest != NULL) {
        wg_object *object = cache->newest;
        WG_ASSERT(object->pins == 0);
        list_remove(cache, object);
        object_free(object);
    }
    wg_mutex_deinit(&cache->mutex);
    wg_free(cache);
}

wg_code wg_object_read(wg_object *object, uint64_t offset, void *data, size_t size, wg_error *err) {
    size_t got = 0;
    wg_platform *p = object->platform;
    WG_TRY(p->ops->read_at(p, object->file, offset, data, size, &got, err));
    if (got != size)
        return wg_error_set(err, WG_E_CHANGED, offset, "file %s is shorter than when it was opened", object->path);
    return WG_OK;
}

static wg_code footer_read(wg_object *object, wg_error *err) {
    uint8_t tail[8];
    if (object->info.size < 12)
        return wg_error_set(err, WG_E_CORRUPT, 0, "not a Parquet file: %llu bytes are too few",
                            (unsigned long long)object->info.size);
    WG_TRY(wg_object_read(object, object->info.size - 8, tail, sizeof tail, err));
    uint32_t footer_bytes = 0;
    WG_TRY(wg_parquet_tail(wg_slice_of(tail, sizeof tail), object->info.size, &footer_bytes, err));
    uint8_t *footer = wg_arena_alloc(&object->arena, footer_bytes);
    if (footer == NULL) return wg_error_nomem(err, footer_bytes);
    WG_TRY(wg_object_read(object, object->info.size - 8 - footer_bytes, footer, footer_bytes, err));
    uint8_t size_bytes[8];
    wg_store_u64le(size_bytes, object->info.size);
    const wg_slice parts[] = {wg_slice_of(size_bytes, 8), wg_slice_of(footer, footer_bytes)};
    wg_sha256_of(parts, 2, &object->digest);
    return wg_parquet_metadata_decode(parts[1], object->info.size, &object->arena, &object->metadata, err);
}

static wg_code object_open(wg_object_cache *cache, const char *path, wg_object **out, wg_error *err) {
    wg_platform *p = cache->platform;
    wg_object *object = wg_alloc_zero(cache->account, sizeof *object);
    if (object == NULL) return wg_error_nomem(err, sizeof *object);
    object->platform = p;
    wg_arena_init(&object->arena, cache->account);
    wg_code code = WG_OK;
    object->path = wg_arena_strdup(&object->arena, wg_slice_str(path));
    if (object->path == NULL) {
        code = wg_error_nomem(err, strlen(path));
        goto fail;
    }
    WG_TRY_GOTO(p->ops->open(p, path, WG_OPEN_READ, &object->file, err));
    WG_TRY_GOTO(p->ops->file_info(p, object->file, &object->info, err));
    code = footer_read(object, err);
    if (code != WG_OK) {
        wg_error_fold_offset(err, wg_error_prefix(err, code, "%s", path));
        goto fail;
    }
    *out = object;
    return WG_OK;
fail:
    object_free(object);
    return code;
}

static wg_object *list_find(wg_object_cache *cache, const char *path) {
    for (wg_object *o = cache->newest; o != NULL; o = o->older)
        if (strcmp(o->path, path) == 0) return o;
    return NULL;
}

static void list_drop(wg_object_cache *cache, wg_object *object) {
    list_remove(cache, object);
    if (object->pins == 0) object_free(object);
    else object->stale = true;
}

static void list_trim(wg_object_cache *cache) {
    wg_object *o = cache->oldest;
    while (o != NULL && cache->count > cache->open_files_max) {
        wg_object *newer = o->newer;
        if (o->pins == 0) list_drop(cache, o);
        o = newer;
    }
}

static wg_code acquire_locked(wg_object_cache *cache, const char *path, wg_object **out, bool *out_opened,
                              wg_error *err) {
    wg_platform *p = cache->platform;
    wg_object *object = list_find(cache, path);
    if (object != NULL) {
        wg_file_info now;
        WG_TRY(p->ops->stat(p, path, &now, err));
        if (now.size != object->info.size || now.mtime_ns != object->info.mtime_ns) {
            list_drop(cache, object);
            object = NULL;
        } else {
            list_remove(cache, object);
        }
    }
    *out_opened = object == NULL;
    if (object == NULL) WG_TRY(object_open(cache, path, &object, err));
    object->pins++;
    list_push_newest(cache, object);
    list_trim(cache);
    *out = object;
    return WG_OK;
}

wg_code wg_object_acquire(wg_object_cache *cache, const char *path, wg_object **out, bool *out_opened,
                          wg_error *err) {
    wg_mutex_lock(&cache->mutex);
    const wg_code code = acquire_locked(cache, path, out, out_opened, err);
    wg_mutex_unlock(&cache->mutex);
    return code;
}

void wg_object_release(wg_object_cache *cache, wg_object *object) {
    if (object == NULL) return;
    wg_mutex_lock(&cache->mutex);
    WG_ASSERT(object->pins > 0);
    object->pins--;
    if (object->pins == 0 && object->stale) object_free(object);
    else list_trim(cache);
    wg_mutex_unlock(&cache->mutex);
}

const char *wg_object_path(const wg_object *object) { return object->path; }
const wg_parquet_metadata *wg_object_metadata(const wg_object *object) { return &object->metadata; }
uint64_t wg_object_file_bytes(const wg_object *object) { return object->info.size; }
const wg_sha256 *wg_object_digest(const wg_object *object) { return &object->digest; }

uint32_t wg_object_column(const wg_object *object, wg_slice name) {
    for (uint32_t c = 0; c < object->metadata.column_count + object->metadata.group_count; c++)
        if (wg_slice_is(name, object->metadata.columns[c].name)) return c;
    return UINT32_MAX;
}
