/* See stand_in.h. */
#include "tests/fault/stand_in.h"

static wg_platform *to;
static const wg_platform_ops *real_ops;
static uint64_t maps;
static uint64_t refuse_at;
static bool refuse_on;

static wg_code s_open(wg_platform *p, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    (void)p;
    return to->ops->open(to, path, mode, out, err);
}
static void s_close(wg_platform *p, wg_file *file) {
    (void)p;
    to->ops->close(to, file);
}
static wg_code s_read_at(wg_platform *p, wg_file *file, uint64_t offset, void *data, size_t size, size_t *out_read,
                         wg_error *err) {
    (void)p;
    return to->ops->read_at(to, file, offset, data, size, out_read, err);
}
static wg_code s_write_at(wg_platform *p, wg_file *file, uint64_t offset, const void *data, size_t size,
                          wg_error *err) {
    (void)p;
    return to->ops->write_at(to, file, offset, data, size, err);
}
static wg_code s_write_parts(wg_platform *p, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                             wg_error *err) {
    (void)p;
    return to->ops->write_parts(to, file, offset, parts, count, err);
}
static wg_code s_sync(wg_platform *p, wg_file *file, wg_error *err) {
    (void)p;
    return to->ops->sync(to, file, err);
}
static wg_code s_truncate(wg_platform *p, wg_file *file, uint64_t size, wg_error *err) {
    (void)p;
    return to->ops->truncate(to, file, size, err);
}
static wg_code s_file_info(wg_platform *p, wg_file *file, wg_file_info *out, wg_error *err) {
    (void)p;
    return to->ops->file_info(to, file, out, err);
}
static wg_code s_stat(wg_platform *p, const char *path, wg_file_info *out, wg_error *err) {
    (void)p;
    return to->ops->stat(to, path, out, err);
}
static wg_code s_rename(wg_platform *p, const char *from, const char *name, wg_error *err) {
    (void)p;
    return to->ops->rename(to, from, name, err);
}
static wg_code s_unlink(wg_platform *p, const char *path, wg_error *err) {
    (void)p;
    return to->ops->unlink(to, path, err);
}
static wg_code s_make_directory(wg_platform *p, const char *path, wg_error *err) {
    (void)p;
    return to->ops->make_directory(to, path, err);
}
static wg_code s_sync_directory(wg_platform *p, const char *path, wg_error *err) {
    (void)p;
    return to->ops->sync_directory(to, path, err);
}
static wg_code s_list(wg_platform *p, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    (void)p;
    return to->ops->list(to, path, fn, ctx, err);
}
static wg_code s_lock(wg_platform *p, wg_file *file, wg_error *err) {
    (void)p;
    return to->ops->lock(to, file, err);
}
static wg_code s_absolute(wg_platform *p, const char *path, char *out, size_t out_size, wg_error *err) {
    (void)p;
    return to->ops->absolute(to, path, out, out_size, err);
}
static wg_code s_map(wg_platform *p, wg_file *file, uint64_t size, const void **out, wg_error *err) {
    (void)p;
    maps++;
    if (refuse_at != 0 && (maps == refuse_at || (refuse_on && maps > refuse_at)))
        return wg_error_set(err, WG_E_NOMEM, WG_NO_OFFSET, "injected: no address space for a map");
    return to->ops->map(to, file, size, out, err);
}
static wg_code s_map_shared(wg_platform *p, wg_file *file, uint64_t size, void **out, wg_error *err) {
    (void)p;
    return to->ops->map_shared(to, file, size, out, err);
}
static void s_unmap(wg_platform *p, const void *data, uint64_t size) {
    (void)p;
    to->ops->unmap(to, data, size);
}
static void s_advise(wg_platform *p, const void *data, uint64_t size, wg_advice advice) {
    (void)p;
    to->ops->advise(to, data, size, advice);
}
static void s_process_memory(wg_platform *p, wg_process_memory *out) {
    (void)p;
    to->ops->process_memory(to, out);
}
static void s_write_back(wg_platform *p, wg_file *file, uint64_t offset, uint64_t size) {
    (void)p;
    to->ops->write_back(to, file, offset, size);
}
static bool s_set_direct(wg_platform *p, wg_file *file, bool direct) {
    (void)p;
    return to->ops->set_direct(to, file, direct);
}
static wg_code s_write_durable(wg_platform *p, wg_file *file, uint64_t offset, const wg_slice *parts, size_t count,
                               wg_error *err) {
    (void)p;
    return to->ops->write_durable(to, file, offset, parts, count, err);
}
static bool s_map_writes(wg_platform *p, wg_file *file, uint64_t offset, uint64_t size) {
    (void)p;
    return to->ops->map_writes(to, file, offset, size);
}
static void s_trim_memory(wg_platform *p) {
    (void)p;
    to->ops->trim_memory(to);
}
static uint64_t s_now_ns(wg_platform *p) {
    (void)p;
    return to->ops->now_ns(to);
}
static uint64_t s_wall_us(wg_platform *p) {
    (void)p;
    return to->ops->wall_us(to);
}
static wg_code s_random(wg_platform *p, void *out, size_t size, wg_error *err) {
    (void)p;
    return to->ops->random(to, out, size, err);
}

static void *s_take_memory(wg_platform *p, uint64_t bytes) {
    (void)p;
    return real_ops->take_memory(wg_platform_real(), bytes); /* the target has no memory of its own */
}
static void s_give_memory(wg_platform *p, void *data, uint64_t bytes) {
    (void)p;
    real_ops->give_memory(wg_platform_real(), data, bytes);
}
static uint64_t s_wall_coarse_us(wg_platform *p) {
    (void)p;
    return to->ops->wall_us(to);
}

static const wg_platform_ops forwarding = {.open = s_open,
                                           .close = s_close,
                                           .read_at = s_read_at,
                                           .write_at = s_write_at,
                                           .write_parts = s_write_parts,
                                           .sync = s_sync,
                                           .truncate = s_truncate,
                                           .file_info = s_file_info,
                                           .stat = s_stat,
                                           .rename = s_rename,
                                           .unlink = s_unlink,
                                           .make_directory = s_make_directory,
                                           .sync_directory = s_sync_directory,
                                           .list = s_list,
                                           .lock = s_lock,
                                           .absolute = s_absolute,
                                           .take_memory = s_take_memory,
                                           .give_memory = s_give_memory,
                                           .wall_coarse_us = s_wall_coarse_us,
                                           .map = s_map,
                                           .map_shared = s_map_shared,
                                           .unmap = s_unmap,
                                           .advise = s_advise,
                                           .process_memory = s_process_memory,
                                           .trim_memory = s_trim_memory,
                                           .write_back = s_write_back,
                                           .set_direct = s_set_direct,
                                           .write_durable = s_write_durable,
                                           .map_writes = s_map_writes,
                                           .now_ns = s_now_ns,
                                           .wall_us = s_wall_us,
                                           .random = s_random};

void stand_in_use(wg_platform *target) {
    wg_platform *real = wg_platform_real();
    if (real_ops == NULL) real_ops = real->ops;
    to = target;
    real->ops = target != NULL ? &forwarding : real_ops;
}

void stand_in_refuse_map(uint64_t n, bool persistent) {
    maps = 0;
    refuse_at = n;
    refuse_on = persistent;
}

uint64_t stand_in_maps(void) { return maps; }
