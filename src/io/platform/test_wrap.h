/* For tests only: a platform around another that meets a call by its kind and its path, where the fault platform counts calls.
 *
 * A rule names a kind of call and a part of the path; calls that fit are let through `after` times, then `code` is
 * answered instead of the call, `times` times (0: from then on). `before` runs ahead of every call, so that a test can change
 * the disk between two calls of the code under test. A run of the letter L in a path counts as one L for the wrapped platform: the
 * code under test sees paths as long as the limit, the disk short ones. */
#ifndef WG_IO_PLATFORM_TEST_WRAP_H
#define WG_IO_PLATFORM_TEST_WRAP_H

#include <stdio.h>

#include "io/platform/platform_internal.h"

typedef enum wrap_call {
    WRAP_NONE,
    WRAP_OPEN,
    WRAP_READ,
    WRAP_WRITE,
    WRAP_SYNC,
    WRAP_TRUNCATE,
    WRAP_INFO,
    WRAP_STAT,
    WRAP_RENAME,
    WRAP_UNLINK,
    WRAP_MKDIR,
    WRAP_SYNC_DIRECTORY,
    WRAP_LIST,
    WRAP_LOCK,
    WRAP_MAP
} wrap_call;

enum { WRAP_PATH_BYTES = 4400, WRAP_FILES = 64 };

typedef struct wrap_file {
    wg_file *inner; /* NULL: free */
    char path[WRAP_PATH_BYTES];
} wrap_file;

typedef struct wrap_platform {
    wg_platform base; /* first */
    wg_platform *inner;
    wrap_call call; /* the rule */
    const char *part;
    wg_code code;
    uint32_t after;
    uint32_t times;
    uint32_t met;       /* calls that the rule answered */
    size_t short_by;    /* reads of files that fit `part` give so many bytes fewer, with call WRAP_NONE */
    uint64_t larger_by; /* their sizes are told so much larger */
    void (*before)(struct wrap_platform *wrap, wrap_call call, const char *path);
    uint64_t file_bytes;         /* what process_memory tells; 0: what the wrapped one tells */
    wrap_file files[WRAP_FILES]; /* open ones: no allocation, which a test may have told to fail */
} wrap_platform;

static inline wrap_platform *wrap_of(wg_platform *self) { return (wrap_platform *)(void *)self; }
static inline wrap_file *wrap_file_of(wg_file *file) { return (wrap_file *)(void *)file; }

/* The path that the wrapped platform sees. */
static inline const char *wrap_short(const char *path, char out[WRAP_PATH_BYTES]) {
    size_t n = 0;
    for (const char *p = path; *p != '\0' && n + 1 < WRAP_PATH_BYTES; p++)
        if (*p != 'L' || p == path || p[-1] != 'L') out[n++] = *p;
    out[n] = '\0';
    return out;
}

static inline bool wrap_fits(const wrap_platform *w, const char *path) {
    return w->part == NULL || strstr(path, w->part) != NULL;
}

/* True when the rule answers this call. */
static inline bool wrap_meets(wrap_platform *w, wrap_call call, const char *path) {
    if (w->before != NULL) w->before(w, call, path);
    if (call != w->call || !wrap_fits(w, path)) return false;
    if (w->after > 0) {
        w->after--;
        return false;
    }
    if (w->times != 0 && w->met >= w->times) return false;
    w->met++;
    return true;
}

static inline wg_code wrap_answer(const wrap_platform *w, wg_error *err) {
    return wg_error_set_sys(err, w->code, 5, "the rule of the test");
}

#define WRAP_OR(kind, path)                 \
    wrap_platform *const w = wrap_of(self); \
    if (wrap_meets(w, kind, path)) return wrap_answer(w, err)

static inline wg_code wrap_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out,
                                wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_OPEN, path);
    wg_file *inner = NULL;
    WG_TRY(w->inner->ops->open(w->inner, wrap_short(path, text), mode, &inner, err));
    wrap_file *file = w->files;
    while (file < w->files + WRAP_FILES && file->inner != NULL) file++;
    WG_ASSERT(file < w->files + WRAP_FILES);
    file->inner = inner;
    snprintf(file->path, sizeof file->path, "%s", path);
    *out = (wg_file *)(void *)file;
    return WG_OK;
}
static inline void wrap_close(wg_platform *self, wg_file *file) {
    wrap_platform *w = wrap_of(self);
    if (file == NULL) return;
    w->inner->ops->close(w->inner, wrap_file_of(file)->inner);
    wrap_file_of(file)->inner = NULL;
}
static inline wg_code wrap_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                                   size_t *out_read, wg_error *err) {
    const wrap_file *f = wrap_file_of(file);
    WRAP_OR(WRAP_READ, f->path);
    WG_TRY(w->inner->ops->read_at(w->inner, f->inner, offset, data, size, out_read, err));
    if (w->short_by != 0 && wrap_fits(w, f->path)) *out_read -= wg_min_size(w->short_by, *out_read);
    return WG_OK;
}
static inline wg_code wrap_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                                    wg_error *err) {
    WRAP_OR(WRAP_WRITE, wrap_file_of(file)->path);
    return w->inner->ops->write_at(w->inner, wrap_file_of(file)->inner, offset, data, size, err);
}
static inline wg_code wrap_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                       size_t count, wg_error *err) {
    WRAP_OR(WRAP_WRITE, wrap_file_of(file)->path);
    return w->inner->ops->write_parts(w->inner, wrap_file_of(file)->inner, offset, parts, count, err);
}
static inline wg_code wrap_sync(wg_platform *self, wg_file *file, wg_error *err) {
    WRAP_OR(WRAP_SYNC, wrap_file_of(file)->path);
    return w->inner->ops->sync(w->inner, wrap_file_of(file)->inner, err);
}
static inline wg_code wrap_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    WRAP_OR(WRAP_TRUNCATE, wrap_file_of(file)->path);
    return w->inner->ops->truncate(w->inner, wrap_file_of(file)->inner, size, err);
}
static inline wg_code wrap_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    const wrap_file *f = wrap_file_of(file);
    WRAP_OR(WRAP_INFO, f->path);
    WG_TRY(w->inner->ops->file_info(w->inner, f->inner, out, err));
    if (wrap_fits(w, f->path)) out->size += w->larger_by;
    return WG_OK;
}
static inline wg_code wrap_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_STAT, path);
    WG_TRY(w->inner->ops->stat(w->inner, wrap_short(path, text), out, err));
    if (wrap_fits(w, path)) out->size += w->larger_by;
    return WG_OK;
}
static inline wg_code wrap_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    char text_to[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_RENAME, to);
    return w->inner->ops->rename(w->inner, wrap_short(from, text), wrap_short(to, text_to), err);
}
static inline wg_code wrap_unlink(wg_platform *self, const char *path, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_UNLINK, path);
    return w->inner->ops->unlink(w->inner, wrap_short(path, text), err);
}
static inline wg_code wrap_make_directory(wg_platform *self, const char *path, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_MKDIR, path);
    return w->inner->ops->make_directory(w->inner, wrap_short(path, text), err);
}
static inline wg_code wrap_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_SYNC_DIRECTORY, path);
    return w->inner->ops->sync_directory(w->inner, wrap_short(path, text), err);
}
static inline wg_code wrap_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    char text[WRAP_PATH_BYTES];
    WRAP_OR(WRAP_LIST, path);
    return w->inner->ops->list(w->inner, wrap_short(path, text), fn, ctx, err);
}
static inline wg_code wrap_lock(wg_platform *self, wg_file *file, wg_error *err) {
    WRAP_OR(WRAP_LOCK, wrap_file_of(file)->path);
    return w->inner->ops->lock(w->inner, wrap_file_of(file)->inner, err);
}
static inline wg_code wrap_absolute(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err) {
    (void)self;
    return wgi_path_absolute("/", path, out, out_size, err);
}
static inline wg_code wrap_map(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    WRAP_OR(WRAP_MAP, wrap_file_of(file)->path);
    return w->inner->ops->map(w->inner, wrap_file_of(file)->inner, size, out, err);
}
static inline wg_code wrap_map_shared(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err) {
    WRAP_OR(WRAP_MAP, wrap_file_of(file)->path);
    return w->inner->ops->map_shared(w->inner, wrap_file_of(file)->inner, size, out, err);
}
static inline void wrap_unmap(wg_platform *self, const void *data, uint64_t size) {
    wrap_of(self)->inner->ops->unmap(wrap_of(self)->inner, data, size);
}
static inline void wrap_advise(wg_platform *self, const void *data, uint64_t size, wg_advice advice) {
    wrap_of(self)->inner->ops->advise(wrap_of(self)->inner, data, size, advice);
}
static inline void wrap_process_memory(wg_platform *self, wg_process_memory *out) {
    wrap_of(self)->inner->ops->process_memory(wrap_of(self)->inner, out);
    if (wrap_of(self)->file_bytes != 0) out->resident_file_bytes = wrap_of(self)->file_bytes;
}
static inline void wrap_write_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    wrap_of(self)->inner->ops->write_back(wrap_of(self)->inner, wrap_file_of(file)->inner, offset, size);
}
static inline bool wrap_set_direct(wg_platform *self, wg_file *file, bool direct) {
    return wrap_of(self)->inner->ops->set_direct(wrap_of(self)->inner, wrap_file_of(file)->inner, direct);
}
/* A write and a sync: rules for either meet it. */
static inline wg_code wrap_write_durable(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                         size_t count, wg_error *err) {
    WRAP_OR(WRAP_WRITE, wrap_file_of(file)->path);
    if (wrap_meets(w, WRAP_SYNC, wrap_file_of(file)->path)) return wrap_answer(w, err);
    return w->inner->ops->write_durable(w->inner, wrap_file_of(file)->inner, offset, parts, count, err);
}
static inline bool wrap_map_writes(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    return wrap_of(self)->inner->ops->map_writes(wrap_of(self)->inner, wrap_file_of(file)->inner, offset, size);
}
static inline void wrap_trim_memory(wg_platform *self) {
    wrap_of(self)->inner->ops->trim_memory(wrap_of(self)->inner);
}
static inline void *wrap_take_memory(wg_platform *self, uint64_t bytes) {
    return wrap_of(self)->inner->ops->take_memory(wrap_of(self)->inner, bytes);
}
static inline void wrap_give_memory(wg_platform *self, void *data, uint64_t bytes) {
    wrap_of(self)->inner->ops->give_memory(wrap_of(self)->inner, data, bytes);
}
static inline uint64_t wrap_now_ns(wg_platform *self) {
    return wrap_of(self)->inner->ops->now_ns(wrap_of(self)->inner);
}
static inline uint64_t wrap_wall_us(wg_platform *self) {
    return wrap_of(self)->inner->ops->wall_us(wrap_of(self)->inner);
}
static inline uint64_t wrap_wall_coarse_us(wg_platform *self) {
    return wrap_of(self)->inner->ops->wall_coarse_us(wrap_of(self)->inner);
}
static inline wg_code wrap_random(wg_platform *self, void *out, size_t size, wg_error *err) {
    return wrap_of(self)->inner->ops->random(wrap_of(self)->inner, out, size, err);
}

/* `inner` outlives it. No rule yet: every call passes. */
static inline wg_platform *wrap_begin(wrap_platform *w, wg_platform *inner) {
    static const wg_platform_ops ops = {.open = wrap_open,
                                        .close = wrap_close,
                                        .read_at = wrap_read_at,
                                        .write_at = wrap_write_at,
                                        .write_parts = wrap_write_parts,
                                        .sync = wrap_sync,
                                        .truncate = wrap_truncate,
                                        .file_info = wrap_file_info,
                                        .stat = wrap_stat,
                                        .rename = wrap_rename,
                                        .unlink = wrap_unlink,
                                        .make_directory = wrap_make_directory,
                                        .sync_directory = wrap_sync_directory,
                                        .list = wrap_list,
                                        .lock = wrap_lock,
                                        .absolute = wrap_absolute,
                                        .map = wrap_map,
                                        .map_shared = wrap_map_shared,
                                        .unmap = wrap_unmap,
                                        .advise = wrap_advise,
                                        .process_memory = wrap_process_memory,
                                        .trim_memory = wrap_trim_memory,
                                        .write_back = wrap_write_back,
                                        .set_direct = wrap_set_direct,
                                        .write_durable = wrap_write_durable,
                                        .map_writes = wrap_map_writes,
                                        .take_memory = wrap_take_memory,
                                        .give_memory = wrap_give_memory,
                                        .now_ns = wrap_now_ns,
                                        .wall_us = wrap_wall_us,
                                        .wall_coarse_us = wrap_wall_coarse_us,
                                        .random = wrap_random};
    _Static_assert(sizeof ops == 32 * sizeof(void (*)(void)), "a new call of the platform needs its wrapper here");
    memset(w, 0, sizeof *w);
    w->base.ops = &ops;
    w->inner = inner;
    return &w->base;
}

/* From now on calls of this kind on paths with `part` (NULL: all) answer `code`. */
static inline void wrap_rule(wrap_platform *w, wrap_call call, const char *part, wg_code code) {
    w->call = call;
    w->part = part;
    w->code = code;
    w->after = w->times = w->met = 0, w->short_by = 0, w->larger_by = 0;
}
static inline void wrap_clear(wrap_platform *w) { wrap_rule(w, WRAP_NONE, NULL, WG_OK); }

/* "/LL..L" of `size` bytes, for workspaces whose path is near the limit. */
static inline char *wrap_long_path(char *out, size_t size) {
    memset(out, 'L', size);
    out[0] = '/';
    out[size] = '\0';
    return out;
}

#endif
