/* tests/crash: what the crash tests share: the seed, the count of recoveries, a platform that misbehaves on purpose, and
 * payloads that their number alone decides.
 *
 * A workload runs on a fresh simulated disk that loses power at call n, for n = 1, 2, .. until it runs through. Each of
 * the 16 survival patterns then makes a disk, and the checks run on it. Checks return a text instead of failing, so that
 * a canary (a platform with a planted bug) can demand that they find something. */
#ifndef WG_TESTS_CRASH_KIT_H
#define WG_TESTS_CRASH_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "io/platform/platform.h"

/* Sanitizers make a run 10 to 50 times slower: they take every 11th crash point. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
enum { CRASH_STRIDE = 11 };
#else
enum { CRASH_STRIDE = 1 };
#endif

typedef struct crash_totals {
    uint64_t seed;
    uint64_t crash_points;
    uint64_t recoveries;
    uint64_t started_ns;
} crash_totals;

static crash_totals totals;

static inline void totals_begin(void) {
    const char *text = getenv("WG_SEED");
    totals.seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260101);
    totals.started_ns = wg_platform_real()->ops->now_ns(wg_platform_real());
    printf("seed: WG_SEED=%llu\n", (unsigned long long)totals.seed);
}

static inline void totals_print(void) {
    const uint64_t ns = wg_platform_real()->ops->now_ns(wg_platform_real()) - totals.started_ns;
    const double seconds = (double)ns / 1e9;
    printf("crash points %llu, recoveries %llu, %.1f s, %.0f recoveries/s, WG_SEED=%llu\n",
           (unsigned long long)totals.crash_points, (unsigned long long)totals.recoveries, seconds,
           (double)totals.recoveries / (seconds > 0 ? seconds : 1), (unsigned long long)totals.seed);
}

/* ---- payloads */

/* The bytes of payload (logseq, generation): a retry of a lost number has other bytes. */
static inline bool payload_next(wg_rng *rng, uint8_t *out, size_t at, size_t size) {
    const uint64_t word = wg_rng_next(rng);
    memcpy(out + at, &word, wg_min_size(8, size - at));
    return true;
}

static inline void payload_fill(uint64_t logseq, uint64_t generation, uint8_t *out, size_t size) {
    wg_rng rng;
    wg_rng_init(&rng, logseq * 64 + generation);
    for (size_t at = 0; at < size; at += 8) payload_next(&rng, out, at, size);
}

static inline bool payload_equal(uint64_t logseq, uint64_t generation, wg_slice payload) {
    wg_rng rng;
    wg_rng_init(&rng, logseq * 64 + generation);
    for (size_t at = 0; at < payload.size; at += 8) {
        const uint64_t word = wg_rng_next(&rng);
        if (memcmp(&word, payload.data + at, wg_min_size(8, payload.size - at)) != 0) return false;
    }
    return true;
}

/* ---- a platform with a planted bug */

typedef enum canary_bug {
    CANARY_NONE,
    CANARY_NO_DIRECTORY_SYNC,  /* names are never made durable */
    CANARY_NO_SYNC,            /* acknowledged before it is on the disk */
    CANARY_TAIL_NOT_CUT,       /* recovery does not overwrite the torn tail */
    CANARY_SYNC_ERROR_IGNORED, /* a failed sync is reported as success */
    CANARY_RENAME_FIRST        /* the new name before the content */
} canary_bug;

typedef struct canary {
    wg_platform base; /* first */
    wg_platform_ops ops;
    wg_platform *inner;
    canary_bug bug;
} canary;

static inline canary *canary_of(wg_platform *self) { return (canary *)(void *)self; }
static inline wg_platform *canary_in(wg_platform *self) { return canary_of(self)->inner; }

static inline wg_code canary_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out,
                                  wg_error *err) {
    return canary_in(self)->ops->open(canary_in(self), path, mode, out, err);
}
static inline void canary_close(wg_platform *self, wg_file *file) {
    canary_in(self)->ops->close(canary_in(self), file);
}
static inline wg_code canary_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                                     size_t *out_read, wg_error *err) {
    return canary_in(self)->ops->read_at(canary_in(self), file, offset, data, size, out_read, err);
}
static inline wg_code canary_write_at(wg_platform *self, wg_file *file, uint64_t offset, const void *data,
                                      size_t size, wg_error *err) {
    const uint8_t *bytes = data;
    wg_file_info info = {0};
    bool zero = canary_of(self)->bug == CANARY_TAIL_NOT_CUT &&
                canary_in(self)->ops->file_info(canary_in(self), file, &info, NULL) == WG_OK &&
                offset + size <= info.size; /* making a new segment still works */
    for (size_t i = 0; zero && i < size; i++) zero = bytes[i] == 0;
    if (zero) return WG_OK;
    return canary_in(self)->ops->write_at(canary_in(self), file, offset, data, size, err);
}
static inline wg_code canary_sync(wg_platform *self, wg_file *file, wg_error *err) {
    const canary_bug bug = canary_of(self)->bug;
    if (bug == CANARY_NO_SYNC || bug == CANARY_RENAME_FIRST) return WG_OK;
    const wg_code code = canary_in(self)->ops->sync(canary_in(self), file, err);
    if (bug == CANARY_SYNC_ERROR_IGNORED && code == WG_E_IO && !wg_platform_sim_crashed(canary_in(self))) {
        wg_error_clear(err);
        return WG_OK;
    }
    return code;
}
static inline wg_code canary_truncate(wg_platform *self, wg_file *file, uint64_t size, wg_error *err) {
    return canary_in(self)->ops->truncate(canary_in(self), file, size, err);
}
static inline wg_code canary_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    return canary_in(self)->ops->file_info(canary_in(self), file, out, err);
}
static inline wg_code canary_stat(wg_platform *self, const char *path, wg_file_info *out, wg_error *err) {
    return canary_in(self)->ops->stat(canary_in(self), path, out, err);
}
static inline wg_code canary_rename(wg_platform *self, const char *from, const char *to, wg_error *err) {
    return canary_in(self)->ops->rename(canary_in(self), from, to, err);
}
static inline wg_code canary_unlink(wg_platform *self, const char *path, wg_error *err) {
    return canary_in(self)->ops->unlink(canary_in(self), path, err);
}
static inline wg_code canary_make_directory(wg_platform *self, const char *path, wg_error *err) {
    return canary_in(self)->ops->make_directory(canary_in(self), path, err);
}
static inline wg_code canary_sync_directory(wg_platform *self, const char *path, wg_error *err) {
    if (canary_of(self)->bug == CANARY_NO_DIRECTORY_SYNC) return WG_OK;
    return canary_in(self)->ops->sync_directory(canary_in(self), path, err);
}
static inline wg_code canary_list(wg_platform *self, const char *path, wg_list_fn fn, void *ctx, wg_error *err) {
    return canary_in(self)->ops->list(canary_in(self), path, fn, ctx, err);
}
static inline wg_code canary_lock(wg_platform *self, wg_file *file, wg_error *err) {
    return canary_in(self)->ops->lock(canary_in(self), file, err);
}
static inline wg_code canary_absolute(wg_platform *self, const char *path, char *out, size_t out_size,
                                      wg_error *err) {
    return canary_in(self)->ops->absolute(canary_in(self), path, out, out_size, err);
}
static inline uint64_t canary_now_ns(wg_platform *self) { return canary_in(self)->ops->now_ns(canary_in(self)); }
static inline uint64_t canary_wall_us(wg_platform *self) { return canary_in(self)->ops->wall_us(canary_in(self)); }
static inline wg_code canary_random(wg_platform *self, void *out, size_t size, wg_error *err) {
    return canary_in(self)->ops->random(canary_in(self), out, size, err);
}

/* `c` must outlive the platform that is returned. */
static inline wg_platform *canary_wrap(canary *c, wg_platform *inner, canary_bug bug) {
    if (bug == CANARY_NONE) return inner;
    c->ops = (wg_platform_ops){.open = canary_open,
                               .close = canary_close,
                               .read_at = canary_read_at,
                               .write_at = canary_write_at,
                               .sync = canary_sync,
                               .truncate = canary_truncate,
                               .file_info = canary_file_info,
                               .stat = canary_stat,
                               .rename = canary_rename,
                               .unlink = canary_unlink,
                               .make_directory = canary_make_directory,
                               .sync_directory = canary_sync_directory,
                               .list = canary_list,
                               .lock = canary_lock,
                               .absolute = canary_absolute,
                               .now_ns = canary_now_ns,
                               .wall_us = canary_wall_us,
                               .random = canary_random};
    c->base.ops = &c->ops;
    c->inner = inner;
    c->bug = bug;
    return &c->base;
}

/* ---- dumps */

static inline bool dumps_equal(const wg_platform *a, wg_buf *kept) {
    wg_buf now;
    wg_buf_init(&now, NULL);
    const bool ok = wg_platform_sim_dump(a, &now) && wg_slice_equal(wg_buf_slice(&now), wg_buf_slice(kept));
    wg_buf_deinit(&now);
    return ok;
}

#endif
