/* io/wal_store, its tests only: a log on a simulated disk, commits whose bytes their number decides, damage and crashes. */
#ifndef WG_IO_WAL_TEST_KIT_H
#define WG_IO_WAL_TEST_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "io/wal_store/wal_internal.h"

static const uint8_t uuid_a[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
#define SEGMENT_1 "/wal/00000000000000000001.wal"
#define SEGMENT_2 "/wal/00000000000000000002.wal"
#define SEGMENT_3 "/wal/00000000000000000003.wal"

typedef struct fixture {
    wg_platform *p;
    wg_wal_options options;
    wg_wal *wal;
    wg_wal_recovery recovery;
} fixture;

static inline int setup(void **state) {
    static fixture f;
    memset(&f, 0, sizeof f);
    memcpy(f.options.store_uuid, uuid_a, 16);
    f.options.segment_bytes = 8192;
    assert_int_equal(wg_platform_sim_create(7, &f.p, NULL), WG_OK);
    assert_int_equal(f.p->ops->make_directory(f.p, "/wal", NULL), WG_OK);
    assert_int_equal(f.p->ops->sync_directory(f.p, "/", NULL), WG_OK);
    assert_int_equal(wg_wal_create(f.p, "/wal", &f.options, NULL), WG_OK);
    *state = &f;
    return 0;
}

static inline int teardown(void **state) {
    fixture *f = *state;
    if (f->wal != NULL) wg_wal_close(f->wal, NULL);
    wg_platform_sim_destroy(f->p);
    wg_memory_fail_at(0, false);
    return 0;
}

/* Payload n has a size and content that only n decides. */
static inline size_t payload_make(uint64_t n, size_t size, uint8_t *out) {
    wg_rng rng;
    wg_rng_init(&rng, n);
    for (size_t i = 0; i < size; i++) out[i] = (uint8_t)wg_rng_next(&rng);
    return size;
}

typedef struct replayed {
    uint64_t count;
    uint64_t last_size;
    size_t (*size_of)(uint64_t logseq);
    wg_code fail;
} replayed;

static inline wg_code check_payload(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain,
                                    wg_error *err) {
    replayed *r = ctx;
    (void)chain;
    if (r->fail != WG_OK) return wg_error_set(err, r->fail, WG_NO_OFFSET, "told to stop");
    assert_int_equal(logseq, r->count + 1);
    if (r->size_of != NULL) {
        assert_int_equal(payload.size, r->size_of(logseq));
        wg_rng rng; /* no allocation: a test may have told them to fail */
        wg_rng_init(&rng, logseq);
        for (size_t i = 0; i < payload.size; i++) assert_int_equal(payload.data[i], (uint8_t)wg_rng_next(&rng));
    }
    r->last_size = payload.size;
    r->count++;
    return WG_OK;
}

static inline void open_log(fixture *f, replayed *r) {
    wg_error err = {0};
    const wg_code code = wg_wal_open(f->p, "/wal", &f->options, check_payload, r, &f->wal, &f->recovery, &err);
    if (code != WG_OK) print_error("open: %s\n", err.message);
    assert_int_equal(code, WG_OK);
}

static inline wg_code open_refused(fixture *f, wg_error *err) {
    wg_wal *wal = NULL;
    replayed r = {0};
    memset(err, 0, sizeof *err);
    const wg_code code = wg_wal_open(f->p, "/wal", &f->options, check_payload, &r, &wal, NULL, err);
    assert_true(code != WG_OK);
    assert_null(wal);
    return code;
}

static inline void close_log(fixture *f) {
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_OK);
    f->wal = NULL;
}

static inline void append_sized(fixture *f, size_t size, bool wait) {
    uint8_t *bytes = wg_alloc(NULL, size + 1);
    const uint64_t n = wg_wal_last_logseq(f->wal) + 1;
    payload_make(n, size, bytes);
    const wg_slice parts[3] = {wg_slice_of(bytes, size / 3), wg_slice_of(bytes, 0),
                               wg_slice_of(bytes + size / 3, size - size / 3)};
    uint64_t logseq = 0;
    assert_int_equal(wg_wal_append(f->wal, parts, 3, &logseq, NULL), WG_OK);
    assert_int_equal(logseq, n);
    if (wait) assert_int_equal(wg_wal_wait(f->wal, logseq, NULL), WG_OK);
    wg_free(bytes);
}

static inline size_t size_many(uint64_t n) { return (size_t)(n * 37 % 700); }
static inline size_t size_200(uint64_t n) {
    (void)n;
    return 200;
}

static const size_t big_sizes[] = {1,       0, 8191, 8192, 100 << 10, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
                                   4 << 20, 2, 4064, 3};
static inline size_t size_big(uint64_t n) { return big_sizes[(n - 1) % 12]; }

static inline void patch(fixture *f, const char *path, uint64_t offset, const void *data, size_t size) {
    wg_file *file;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->write_at(f->p, file, offset, data, size, NULL), WG_OK);
    assert_int_equal(f->p->ops->sync(f->p, file, NULL), WG_OK);
    f->p->ops->close(f->p, file);
}

static inline void flip(fixture *f, const char *path, uint64_t offset) {
    wg_file *file;
    uint8_t byte;
    size_t n;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, offset, &byte, 1, &n, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    byte ^= 0x40;
    patch(f, path, offset, &byte, 1);
}

static inline void crash(fixture *f, wg_crash_pattern pattern) {
    wg_platform *next;
    assert_int_equal(wg_platform_sim_reboot(f->p, pattern, 3, &next, NULL), WG_OK);
    wg_wal_close(f->wal, NULL);
    f->wal = NULL;
    wg_platform_sim_destroy(f->p);
    f->p = next;
}

#endif
