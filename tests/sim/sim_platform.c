/* The platform of schedules: every call of the one below it, usually a simulated disk, behind a switch point; time is the schedule's. It
 * stands in the place of the real platform too (platform_real.c is not linked), which here has nothing but time and memory. */
#include "tests/sim/scheduler.h"

#include <stdlib.h>
#include <sys/mman.h>

typedef struct sim_wrapper {
    wg_platform base;
    wg_platform *inner;
} sim_wrapper;

/* The call below, behind a point. */
static wg_platform *below(wg_platform *self) {
    sim_point();
    return ((sim_wrapper *)(void *)self)->inner;
}

static wg_code on_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->open(p, path, mode, out, err);
}
static void on_close(wg_platform *self, wg_file *file) {
    wg_platform *p = below(self);
    p->ops->close(p, file);
}
static wg_code on_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                          size_t *out_read, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->read_at(p, file, offset, data, size, out_read, err);
}
static wg_code on_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                           wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->write_at(p, file, offset, data, size, err);
}
static wg_code on_write_parts(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                              wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->write_parts(p, file, offset, parts, count, err);
}
static wg_code on_sync(wg_platform *self, wg_file *file, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->sync(p, file, err);
}
static void on_write_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    wg_platform *p = below(self);
    p->ops->write_back(p, file, offset, size);
}
static bool on_set_direct(wg_platform *self, wg_file *file, bool direct) {
    wg_platform *p = below(self);
    return p->ops->set_direct(p, file, direct);
}
static wg_code on_write_durable(wg_platform *self, wg_file *file, uint64_t offset, const wg_slice *parts,
                                size_t count, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->write_durable(p, file, offset, parts, count, err);
}
static bool on_map_writes(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    wg_platform *p = below(self);
    return p->ops->map_writes(p, file, offset, size);
}
static wg_code on_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->truncate(p, file, size, err);
}
static wg_code on_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->file_info(p, file, out, err);
}
static wg_code on_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->stat(p, path, out, err);
}
static wg_code on_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->rename(p, from, to, err);
}
static wg_code on_unlink(wg_platform *self, const char *path, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->unlink(p, path, err);
}
static wg_code on_make_directory(wg_platform *self, const char *path, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->make_directory(p, path, err);
}
static wg_code on_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->sync_directory(p, path, err);
}
static wg_code on_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->list(p, path, fn, ctx, err);
}
static wg_code on_lock(wg_platform *self, wg_file *file, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->lock(p, file, err);
}
static wg_code on_absolute(wg_platform *self, const char *path, char *out, size_t out_size, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->absolute(p, path, out, out_size, err);
}
static wg_code on_map(wg_platform *self, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->map(p, file, size, out, err);
}
static wg_code on_map_shared(wg_platform *self, wg_file *file, uint64_t size, void **out, wg_error *err) {
    wg_platform *p = below(self);
    return p->ops->map_shared(p, file, size, out, err);
}
static void on_unmap(wg_platform *self, const void *data, uint64_t size) {
    wg_platform *p = below(self);
    p->ops->unmap(p, data, size);
}

/* ---- what is no call of a disk */

static void no_advise(wg_platform *self, const void *data, uint64_t size, wg_advice advice) {
    (void)self, (void)data, (void)size, (void)advice;
}
static void no_process_memory(wg_platform *self, wg_process_memory *out) {
    (void)self;
    *out = (wg_process_memory){0};
}
static void no_trim_memory(wg_platform *self) { (void)self; }

/* Small pages: of the 2 MiB that are asked for a schedule touches little. */
static void *take_memory(wg_platform *self, uint64_t bytes) {
    (void)self;
    const size_t room = (size_t)bytes + WG_HUGE_PAGE_BYTES;
    uint8_t *at = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return NULL;
    uint8_t *data = at + (WG_HUGE_PAGE_BYTES - ((uintptr_t)at & (WG_HUGE_PAGE_BYTES - 1)));
    munmap(at, (size_t)(data - at));
    munmap(data + bytes, (size_t)(at + room - (data + bytes)));
    madvise(data, (size_t)bytes, MADV_NOHUGEPAGE);
    return data;
}
static void give_memory(wg_platform *self, void *data, uint64_t bytes) {
    (void)self;
    if (data != NULL) munmap(data, (size_t)bytes);
}
static uint64_t now_ns(wg_platform *self) {
    (void)self;
    return sim_now_ns();
}
static uint64_t wall_us(wg_platform *self) { return UINT64_C(1700000000000000) + now_ns(self) / 1000; }
static wg_code random_bytes(wg_platform *self, void *out, size_t size, wg_error *err) {
    (void)self, (void)err;
    for (size_t i = 0; i < size; i++) ((uint8_t *)out)[i] = (uint8_t)sim_random(256);
    return WG_OK;
}

enum { OPS = 32 };
_Static_assert(sizeof(wg_platform_ops) == OPS * sizeof(void (*)(void)), "a function that is new is wrapped here too");

static const wg_platform_ops wrapper_ops = {
    .open = on_open,
    .close = on_close,
    .read_at = on_read_at,
    .write_at = on_write_at,
    .write_parts = on_write_parts,
    .sync = on_sync,
    .write_back = on_write_back,
    .set_direct = on_set_direct,
    .write_durable = on_write_durable,
    .map_writes = on_map_writes,
    .truncate = on_truncate,
    .file_info = on_file_info,
    .stat = on_stat,
    .rename = on_rename,
    .unlink = on_unlink,
    .make_directory = on_make_directory,
    .sync_directory = on_sync_directory,
    .list = on_list,
    .lock = on_lock,
    .absolute = on_absolute,
    .map = on_map,
    .map_shared = on_map_shared,
    .unmap = on_unmap,
    .advise = no_advise,
    .process_memory = no_process_memory,
    .trim_memory = no_trim_memory,
    .take_memory = take_memory,
    .give_memory = give_memory,
    .now_ns = now_ns,
    .wall_us = wall_us,
    .wall_coarse_us = wall_us,
    .random = random_bytes,
};

wg_platform *sim_platform_create(wg_platform *inner) {
    sim_wrapper *w = malloc(sizeof *w);
    WG_ASSERT(w != NULL);
    *w = (sim_wrapper){.base.ops = &wrapper_ops, .inner = inner};
    return &w->base;
}

void sim_platform_destroy(wg_platform *platform) { free(platform); }

static wg_platform *in_its_place;

void sim_platform_be_real(wg_platform *platform) { in_its_place = platform; }

/* Unless a scenario has put its own there, files of the real platform do not exist here: whoever asks for one calls NULL, which no test
 * may do. */
wg_platform *wg_platform_real(void) {
    static const wg_platform_ops ops = {.advise = no_advise,
                                        .process_memory = no_process_memory,
                                        .trim_memory = no_trim_memory,
                                        .take_memory = take_memory,
                                        .give_memory = give_memory,
                                        .now_ns = now_ns,
                                        .wall_us = wall_us,
                                        .wall_coarse_us = wall_us,
                                        .random = random_bytes};
    static wg_platform real = {.ops = &ops};
    return in_its_place != NULL ? in_its_place : &real;
}

uint64_t wg_platform_ticks_kept(const wg_platform *platform) {
    (void)platform;
    return 0;
}
