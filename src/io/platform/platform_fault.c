/* The fault platform: passes every call to another platform and fails the one that the test names.
 *
 * Fallible calls are counted from 1; an armed fault fires at a count, once or from then on. A failed call does nothing
 * on the disk, save WG_FAULT_SHORT_WRITE, which writes the first half of the bytes. close, unmap, advise, process_memory,
 * trim_memory, write_back, take_memory, give_memory, now_ns, wall_us and wall_coarse_us cannot fail by plan and are not counted. Files are those of the wrapped platform. Threads: any (atomic counters). */
#include "io/platform/platform_internal.h"

#include <errno.h>

typedef struct fault_platform {
    wg_platform base; /* first: a wg_platform pointer is a fault_platform pointer */
    wg_platform *inner;
    _Atomic uint64_t calls;
    _Atomic uint64_t fail_at; /* 0: off */
    _Atomic int kind;
    _Atomic bool persistent;
} fault_platform;

static fault_platform *fault_of(wg_platform *self) { return (fault_platform *)(void *)self; }

/* Counts a call; true when it must fail. */
static bool fault_hits(fault_platform *p) {
    const uint64_t call = atomic_fetch_add(&p->calls, 1) + 1;
    const uint64_t at = atomic_load(&p->fail_at);
    if (at == 0 || call < at) return false;
    return call == at || atomic_load(&p->persistent);
}

static int errno_of_kind(wg_fault_kind kind) {
    switch (kind) {
        case WG_FAULT_EIO:
            return EIO;
        case WG_FAULT_ENOSPC:
            return ENOSPC;
        case WG_FAULT_EACCES:
            return EACCES;
        case WG_FAULT_EMFILE:
            return EMFILE;
        case WG_FAULT_SHORT_WRITE:
            return EIO;
    }
    WG_UNREACHABLE("fault kinds are closed");
}

static wg_code fault_error(fault_platform *p, const char *what, wg_error *err) {
    const wg_fault_kind kind = (wg_fault_kind)atomic_load(&p->kind);
    return wg_error_set_sys(err, WG_E_IO, errno_of_kind(kind), "injected fault: %s", what);
}

/* Every call but write_at: fail, or hand on. */
#define FAULT_OR(self, name, call)                       \
    fault_platform *p = fault_of(self);                  \
    if (fault_hits(p)) return fault_error(p, name, err); \
    return p->inner->ops->call

static wg_code fault_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    FAULT_OR(self, "open", open(p->inner, path, mode, out, err));
}
static void fault_close(wg_platform *self, wg_file *file) {
    fault_of(self)->inner->ops->close(fault_of(self)->inner, file);
}
static wg_code fault_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                             size_t *out_read, wg_error *err) {
    FAULT_OR(self, "read", read_at(p->inner, file, offset, data, size, out_read, err));
}
static wg_code fault_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                              wg_error *err) {
    fault_platform *p = fault_of(self);
    if (!fault_hits(p)) return p->inner->ops->write_at(p->inner, file, offset, data, size, err);
    if (atomic_load(&p->kind) == WG_FAULT_SHORT_WRITE && size > 1)
        WG_TRY(p->inner->ops->write_at(p->inner, file, offset, data, size / 2, err));
    return fault_error(p, "write", err);
}
/* A short write ends in the middle of the bytes, wherever the parts have their borders. */
static wg_code write_half(fault_platform *p, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                          wg_error *err) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) left += parts[i].size;
    left /= 2;
    for (size_t i = 0; i < count && left > 0; i++) {
        const size_t n = wg_min_size(left, parts[i].size);
        WG_TRY(p->inner->ops->write_at(p->inner, file, offset, parts[i].data, n, err));
        offset += n;
        left -= n;
    }
    return WG_OK;
}

static wg_code fault_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                 size_t count, wg_error *err) {
    fault_platform *p = fault_of(self);
    if (!fault_hits(p)) return p->inner->ops->write_parts(p->inner, file, offset, parts, count, err);
    if (atomic_load(&p->kind) == WG_FAULT_SHORT_WRITE) WG_TRY(write_half(p, file, offset, parts, count, err));
    return fault_error(p, "write", err);
}
static wg_code fault_sync(wg_platform *self, wg_file *file, wg_error *err) {
    FAULT_OR(self, "sync", sync(p->inner, file, err));
}
static wg_code fault_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    FAULT_OR(self, "truncate", truncate(p->inner, file, size, err));
}
static wg_code fault_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    FAULT_OR(self, "file_info", file_info(p->inner, file, out, err));
}
static wg_code fault_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    FAULT_OR(self, "stat", stat(p->inner, path, out, err));
}
static wg_code fault_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    FAULT_OR(self, "rename", rename(p->inner, from, to, err));
}
static wg_code fault_unlink(wg_platform *self, const char *path, wg_error *err) {
    FAULT_OR(self, "unlink", unlink(p->inner, path, err));
}
static wg_code fault_make_directory(wg_platform *self, const char *path, wg_error *err) {
    FAULT_OR(self, "make_directory", make_directory(p->inner, path, err));
}
static wg_code fault_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    FAULT_OR(self, "sync_directory", sync_directory(p->inner, path, err));
}
static wg_code fault_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    FAULT_OR(self, "list", list(p->inner, path, fn, ctx, err));
}
static wg_code fault_lock(wg_platform *self, wg_file *file, wg_error *err) {
    FAULT_OR(self, "lock", lock(p->inner, file, err));
}
static wg_code fault_absolute(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err) {
    FAULT_OR(self, "absolute", absolute(p->inner, path, out, out_size, err));
}
static wg_code fault_map(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    FAULT_OR(self, "map", map(p->inner, file, size, out, err));
}
static wg_code fault_map_shared(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err) {
    FAULT_OR(self, "map_shared", map_shared(p->inner, file, size, out, err));
}
static void fault_unmap(wg_platform *self, const void *data, uint64_t size) {
    fault_of(self)->inner->ops->unmap(fault_of(self)->inner, data, size);
}
static void fault_advise(wg_platform *self, const void *data, uint64_t size, wg_advice advice) {
    fault_of(self)->inner->ops->advise(fault_of(self)->inner, data, size, advice);
}
static void fault_process_memory(wg_platform *self, wg_process_memory *out) {
    fault_of(self)->inner->ops->process_memory(fault_of(self)->inner, out);
}
static void fault_write_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    fault_of(self)->inner->ops->write_back(fault_of(self)->inner, file, offset, size);
}
/* One that is meant to fail is refused, as by a file system that cannot; switching off always succeeds. */
static bool fault_set_direct(wg_platform *self, wg_file *file, bool direct) {
    fault_platform *p = fault_of(self);
    if (direct && fault_hits(p)) return false;
    return p->inner->ops->set_direct(p->inner, file, direct);
}
static wg_code fault_write_durable(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                   size_t count, wg_error *err) {
    fault_platform *p = fault_of(self);
    if (!fault_hits(p)) return p->inner->ops->write_durable(p->inner, file, offset, parts, count, err);
    if (atomic_load(&p->kind) == WG_FAULT_SHORT_WRITE) WG_TRY(write_half(p, file, offset, parts, count, err));
    return fault_error(p, "durable write", err);
}
static bool fault_map_writes(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    fault_platform *p = fault_of(self);
    if (fault_hits(p)) return false;
    return p->inner->ops->map_writes(p->inner, file, offset, size);
}
static void fault_trim_memory(wg_platform *self) { fault_of(self)->inner->ops->trim_memory(fault_of(self)->inner); }
static void *fault_take_memory(wg_platform *self, uint64_t bytes) {
    return fault_of(self)->inner->ops->take_memory(fault_of(self)->inner, bytes);
}
static void fault_give_memory(wg_platform *self, void *data, uint64_t bytes) {
    fault_of(self)->inner->ops->give_memory(fault_of(self)->inner, data, bytes);
}
static uint64_t fault_now_ns(wg_platform *self) { return fault_of(self)->inner->ops->now_ns(fault_of(self)->inner); }
static uint64_t fault_wall_us(wg_platform *self) {
    return fault_of(self)->inner->ops->wall_us(fault_of(self)->inner);
}
static uint64_t fault_wall_coarse_us(wg_platform *self) {
    return fault_of(self)->inner->ops->wall_coarse_us(fault_of(self)->inner);
}
static wg_code fault_random(wg_platform *self, void *out, size_t size, wg_error *err) {
    FAULT_OR(self, "random", random(p->inner, out, size, err));
}

static const wg_platform_ops fault_ops = {
    .open = fault_open,
    .close = fault_close,
    .read_at = fault_read_at,
    .write_at = fault_write_at,
    .write_parts = fault_write_parts,
    .sync = fault_sync,
    .truncate = fault_truncate,
    .file_info = fault_file_info,
    .stat = fault_stat,
    .rename = fault_rename,
    .unlink = fault_unlink,
    .make_directory = fault_make_directory,
    .sync_directory = fault_sync_directory,
    .list = fault_list,
    .lock = fault_lock,
    .absolute = fault_absolute,
    .map = fault_map,
    .map_shared = fault_map_shared,
    .unmap = fault_unmap,
    .advise = fault_advise,
    .process_memory = fault_process_memory,
    .trim_memory = fault_trim_memory,
    .write_back = fault_write_back,
    .set_direct = fault_set_direct,
    .write_durable = fault_write_durable,
    .map_writes = fault_map_writes,
    .take_memory = fault_take_memory,
    .give_memory = fault_give_memory,
    .now_ns = fault_now_ns,
    .wall_us = fault_wall_us,
    .wall_coarse_us = fault_wall_coarse_us,
    .random = fault_random,
};

wg_code wg_platform_fault_create(wg_platform *inner, wg_platform **out, wg_error *err) {
    WG_ASSERT(inner != NULL);
    fault_platform *p = wg_alloc_zero(NULL, sizeof *p);
    if (p == NULL) return wg_error_nomem(err, sizeof *p);
    p->base.ops = &fault_ops;
    p->inner = inner;
    *out = &p->base;
    return WG_OK;
}

void wg_platform_fault_destroy(wg_platform *platform) {
    if (platform != NULL) wg_free(fault_of(platform));
}

void wg_platform_fault_arm(wg_platform *platform, uint64_t n, wg_fault_kind kind, bool persistent) {
    fault_platform *p = fault_of(platform);
    atomic_store(&p->fail_at, 0);
    atomic_store(&p->kind, (int)kind);
    atomic_store(&p->persistent, persistent);
    if (n != 0) atomic_store(&p->fail_at, atomic_load(&p->calls) + n);
}

uint64_t wg_platform_fault_calls(const wg_platform *platform) {
    const fault_platform *p = (const fault_platform *)(const void *)platform;
    return atomic_load(&p->calls);
}
