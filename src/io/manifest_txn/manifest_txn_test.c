/* Tests of manifest commits on the simulated disk. Crashes at every call are in tests/crash/manifest_crash_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "io/manifest_txn/manifest_txn.h"

static wg_platform *sim;

static int setup(void **state) {
    (void)state;
    assert_int_equal(wg_platform_sim_create(1, &sim, NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db/manifest", NULL), WG_OK);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

static void commit_ok(uint64_t epoch, const char *text) {
    wg_error err = {0};
    assert_int_equal(wg_manifest_commit(sim, "/db", epoch, wg_slice_str(text), &err), WG_OK);
}

static void expect_epoch(uint64_t epoch, const char *text) {
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    assert_true(wg_buf_append_str(&payload, "kept:"));
    uint64_t found = 0;
    assert_int_equal(wg_manifest_read(sim, "/db", &found, &payload, NULL), WG_OK);
    assert_int_equal(found, epoch);
    assert_int_equal(payload.size, 5 + strlen(text));
    assert_memory_equal(payload.data, "kept:", 5);
    assert_memory_equal(payload.data + 5, text, strlen(text));
    wg_buf_deinit(&payload);
}

static wg_code read_code(void) {
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    assert_true(wg_buf_append_str(&payload, "kept"));
    uint64_t epoch = 77;
    const wg_code code = wg_manifest_read(sim, "/db", &epoch, &payload, NULL);
    assert_true(code == WG_OK || payload.size == 4);
    assert_true(code == WG_OK || epoch == 77);
    wg_buf_deinit(&payload);
    return code;
}

/* Goal: no CURRENT is "not a workspace", and each commit replaces what is read, also with an empty payload. */
static void test_manifest_commit_replaces_the_epoch(void **state) {
    (void)state;
    assert_int_equal(read_code(), WG_E_NOT_FOUND);
    commit_ok(1, "{\"a\": 1}");
    expect_epoch(1, "{\"a\": 1}");
    commit_ok(2, "");
    expect_epoch(2, "");
    commit_ok(UINT64_MAX, "last");
    expect_epoch(UINT64_MAX, "last");
}

/* Goal: epochs only grow, oversized payloads are refused, and older manifests stay. */
static void test_manifest_epochs_only_grow(void **state) {
    (void)state;
    commit_ok(5, "five");
    assert_int_equal(wg_manifest_commit(sim, "/db", 5, wg_slice_str("x"), NULL), WG_E_MISUSE);
    assert_int_equal(wg_manifest_commit(sim, "/db", 4, wg_slice_str("x"), NULL), WG_E_MISUSE);
    assert_int_equal(wg_manifest_commit(sim, "/db", 6, wg_slice_of("", WG_MANIFEST_BYTES_MAX + 1), NULL), WG_E_LIMIT);
    commit_ok(6, "six");
    wg_file_info info;
    assert_int_equal(sim->ops->stat(sim, "/db/manifest/00000000000000000005.json", &info, NULL), WG_OK);
    assert_int_equal(info.size, 4 + 16);
    expect_epoch(6, "six");
}

static void damage_each_byte(const char *path) {
    wg_file *file;
    wg_file_info info;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->file_info(sim, file, &info, NULL), WG_OK);
    uint8_t bytes[256];
    size_t n;
    assert_true(info.size <= sizeof bytes);
    assert_int_equal(sim->ops->read_at(sim, file, 0, bytes, sizeof bytes, &n, NULL), WG_OK);
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            const uint8_t changed = (uint8_t)(bytes[i] ^ (1u << bit));
            assert_int_equal(sim->ops->write_at(sim, file, i, &changed, 1, NULL), WG_OK);
            assert_int_equal(read_code(), WG_E_CORRUPT);
            assert_int_equal(sim->ops->write_at(sim, file, i, &bytes[i], 1, NULL), WG_OK);
        }
    }
    for (size_t size = 0; size < n; size++) {
        assert_int_equal(sim->ops->truncate(sim, file, size, NULL), WG_OK);
        assert_int_equal(read_code(), WG_E_CORRUPT);
    }
    assert_int_equal(sim->ops->write_at(sim, file, 0, bytes, n, NULL), WG_OK);
    assert_int_equal(read_code(), WG_OK);
    sim->ops->close(sim, file);
}

/* Goal: every flipped bit and every length of CURRENT and of the manifest is WG_E_CORRUPT, and commits refuse too. */
static void test_manifest_any_damage_is_found(void **state) {
    (void)state;
    commit_ok(7, "{\"format\": 1, \"segments\": []}");
    damage_each_byte("/db/CURRENT");
    damage_each_byte("/db/manifest/00000000000000000007.json");
    wg_file *file;
    assert_int_equal(sim->ops->open(sim, "/db/CURRENT", WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, file, 0, "x", 1, NULL), WG_OK);
    sim->ops->close(sim, file);
    assert_int_equal(wg_manifest_commit(sim, "/db", 8, wg_slice_str("x"), NULL), WG_E_CORRUPT);
}

/* Goal: an older manifest under the newer name does not pass, nor does a missing one. */
static void test_manifest_swapped_and_missing_files_are_corrupt(void **state) {
    (void)state;
    commit_ok(1, "one");
    commit_ok(2, "two");
    assert_int_equal(sim->ops->rename(sim, "/db/manifest/00000000000000000001.json",
                                      "/db/manifest/00000000000000000002.json", NULL),
                     WG_OK);
    assert_int_equal(read_code(), WG_E_CORRUPT);
    assert_int_equal(sim->ops->unlink(sim, "/db/manifest/00000000000000000002.json", NULL), WG_OK);
    assert_int_equal(read_code(), WG_E_CORRUPT);
}

static void make_file(const char *path) {
    wg_file *file;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    sim->ops->close(sim, file);
}

/* Goal: cleaning removes temporary files of this module and nothing else; a commit replaces leftovers by itself. */
static void test_manifest_clean_removes_temporaries_only(void **state) {
    (void)state;
    commit_ok(1, "one");
    make_file("/db/CURRENT.tmp");
    make_file("/db/other.tmp");
    make_file("/db/manifest/00000000000000000002.json.tmp");
    make_file("/db/manifest/2.json.tmp");
    commit_ok(2, "two");
    make_file("/db/CURRENT.tmp");
    make_file("/db/manifest/00000000000000000003.json.tmp");
    assert_int_equal(wg_manifest_clean(sim, "/db", NULL), WG_OK);
    wg_file_info info;
    assert_int_equal(sim->ops->stat(sim, "/db/CURRENT.tmp", &info, NULL), WG_E_NOT_FOUND);
    assert_int_equal(sim->ops->stat(sim, "/db/manifest/00000000000000000003.json.tmp", &info, NULL), WG_E_NOT_FOUND);
    assert_int_equal(sim->ops->stat(sim, "/db/other.tmp", &info, NULL), WG_OK);
    assert_int_equal(sim->ops->stat(sim, "/db/manifest/2.json.tmp", &info, NULL), WG_OK);
    expect_epoch(2, "two");
}

static bool has_epoch(uint64_t epoch) {
    char path[64];
    wg_file_info info;
    snprintf(path, sizeof path, "/db/manifest/%020llu.json", (unsigned long long)epoch);
    return sim->ops->stat(sim, path, &info, NULL) == WG_OK;
}

/* Goal: the newest manifests that counted stay, older ones and orphans above CURRENT go, other names are left alone. */
static void test_manifest_expire_keeps_the_newest(void **state) {
    (void)state;
    uint64_t removed = 99;
    assert_int_equal(wg_manifest_expire(sim, "/db", 1, &removed, NULL), WG_E_NOT_FOUND);
    assert_int_equal(removed, 99);
    for (uint64_t epoch = 1; epoch <= 9; epoch++)
        if (epoch != 4) commit_ok(epoch, "content");
    make_file("/db/manifest/00000000000000000010.json");
    make_file("/db/manifest/00000000000000000002.json.bak");
    make_file("/db/manifest/0000000000000000000x.json");
    assert_int_equal(wg_manifest_expire(sim, "/db", 6, &removed, NULL), WG_OK);
    assert_int_equal(removed, 3);
    for (uint64_t epoch = 1; epoch <= 10; epoch++)
        assert_true(has_epoch(epoch) == (epoch >= 3 && epoch != 4 && epoch != 10));
    assert_int_equal(wg_manifest_expire(sim, "/db", 100, &removed, NULL), WG_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(wg_manifest_expire(sim, "/db", 1, &removed, NULL), WG_OK);
    assert_int_equal(removed, 5);
    expect_epoch(9, "content");
    wg_file_info info;
    assert_int_equal(sim->ops->stat(sim, "/db/manifest/00000000000000000002.json.bak", &info, NULL), WG_OK);
    assert_int_equal(sim->ops->stat(sim, "/db/manifest/0000000000000000000x.json", &info, NULL), WG_OK);
}

/* Goal: a commit whose last directory sync failed may be undone by a crash; an expiry in between makes it durable before it
 * removes the epoch that a crash would go back to. */
static void test_manifest_expire_secures_current_first(void **state) {
    (void)state;
    wg_platform *fault;
    wg_platform *after;
    uint64_t removed = 0;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    commit_ok(1, "one");
    const uint64_t before = wg_platform_fault_calls(fault);
    assert_int_equal(wg_manifest_commit(fault, "/db", 2, wg_slice_str("two"), NULL), WG_OK);
    const uint64_t calls = wg_platform_fault_calls(fault) - before;
    wg_platform_fault_arm(fault, calls, WG_FAULT_EIO, false);
    assert_int_equal(wg_manifest_commit(fault, "/db", 3, wg_slice_str("three"), NULL), WG_E_IO);
    expect_epoch(3, "three");
    for (uint64_t n = 1; n <= 4; n++) { /* open, size and read of CURRENT, the sync: nothing is removed before */
        wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
        assert_int_equal(wg_manifest_expire(fault, "/db", 1, &removed, NULL), WG_E_IO);
        assert_true(has_epoch(1) && has_epoch(2));
    }
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    assert_int_equal(wg_manifest_expire(fault, "/db", 1, &removed, NULL), WG_OK);
    assert_int_equal(removed, 2);
    assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_NONE_SURVIVES, 1, &after, NULL), WG_OK);
    wg_platform_fault_destroy(fault);
    wg_platform_sim_destroy(sim);
    sim = after;
    expect_epoch(3, "three");
}

/* A reader whose every opening of a manifest is overtaken by a commit and an expiry, up to epoch 5. */
static uint64_t overtaken_by;

static wg_code slow_open(wg_platform *self, const char *path, wg_open_mode mode, wg_file **out, wg_error *err) {
    (void)self;
    uint64_t removed = 0;
    if (strstr(path, ".json") != NULL && overtaken_by < 5) {
        commit_ok(++overtaken_by, "newer");
        assert_int_equal(wg_manifest_expire(sim, "/db", 1, &removed, NULL), WG_OK);
    }
    return sim->ops->open(sim, path, mode, out, err);
}
static void slow_close(wg_platform *self, wg_file *file) {
    (void)self;
    sim->ops->close(sim, file);
}
static wg_code slow_read_at(wg_platform *self, wg_file *file, uint64_t offset, void *data, size_t size,
                            size_t *out_read, wg_error *err) {
    (void)self;
    return sim->ops->read_at(sim, file, offset, data, size, out_read, err);
}
static wg_code slow_file_info(wg_platform *self, wg_file *file, wg_file_info *out, wg_error *err) {
    (void)self;
    return sim->ops->file_info(sim, file, out, err);
}

/* Goal: a reader whose manifest is expired between CURRENT and the manifest reads the newer one, again and again. */
static void test_manifest_read_beside_expire(void **state) {
    (void)state;
    static const wg_platform_ops ops = {
        .open = slow_open, .close = slow_close, .read_at = slow_read_at, .file_info = slow_file_info};
    wg_platform slow = {.ops = &ops};
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    commit_ok(1, "older");
    overtaken_by = 1;
    assert_int_equal(wg_manifest_read(&slow, "/db", &epoch, &payload, NULL), WG_OK);
    assert_int_equal(epoch, 5);
    assert_true(wg_slice_is(wg_buf_slice(&payload), "newer"));
    wg_buf_deinit(&payload);
}

static wg_code content_of(const char *path, wg_slice *out) {
    static uint8_t bytes[256];
    wg_file *file;
    size_t n = 0;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->read_at(sim, file, 0, bytes, sizeof bytes, &n, NULL), WG_OK);
    sim->ops->close(sim, file);
    return wg_manifest_content(path, wg_slice_of(bytes, n), out, NULL);
}

/* Goal: the content of a file alone is given when kind, epoch and bytes are what its name and its checksum say. */
static void test_manifest_content_of_one_file(void **state) {
    (void)state;
    wg_slice out = {0};
    commit_ok(12, "some content");
    assert_int_equal(content_of("/db/manifest/00000000000000000012.json", &out), WG_OK);
    assert_true(wg_slice_is(out, "some content"));
    assert_int_equal(content_of("/db/CURRENT", &out), WG_OK);
    assert_true(wg_slice_is(out, "00000000000000000012"));
    assert_int_equal(sim->ops->rename(sim, "/db/manifest/00000000000000000012.json",
                                      "/db/manifest/00000000000000000013.json", NULL),
                     WG_OK);
    assert_int_equal(content_of("/db/manifest/00000000000000000013.json", &out), WG_E_CORRUPT);
    assert_int_equal(wg_manifest_content("CURRENT", wg_slice_str("short"), &out, NULL), WG_E_CORRUPT);
    assert_int_equal(
        wg_manifest_content("CURRENT", wg_slice_str("0000000000000000000x\ncrc32 01234567\n"), &out, NULL),
        WG_E_CORRUPT);
    assert_int_equal(wg_manifest_content("x.json", wg_slice_str("content\ncrc32 01234567\n"), &out, NULL),
                     WG_E_CORRUPT);
    assert_int_equal(
        wg_manifest_content("000000000000000000yy.json", wg_slice_str("content\ncrc32 01234567\n"), &out, NULL),
        WG_E_CORRUPT);
}

/* Goal: a workspace whose path is too long is refused by every call, before anything is touched. */
static void test_manifest_path_over_the_limit(void **state) {
    (void)state;
    static char dir[4200];
    memset(dir, 'd', sizeof dir - 1);
    uint64_t epoch = 0;
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    assert_int_equal(wg_manifest_commit(sim, dir, 1, wg_slice_str("x"), NULL), WG_E_LIMIT);
    assert_int_equal(wg_manifest_read(sim, dir, &epoch, &payload, NULL), WG_E_LIMIT);
    assert_int_equal(wg_manifest_expire(sim, dir, 1, &epoch, NULL), WG_E_LIMIT);
    assert_int_equal(wg_manifest_clean(sim, dir, NULL), WG_E_LIMIT);
    wg_buf_deinit(&payload);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_manifest_commit_replaces_the_epoch),
        T(test_manifest_epochs_only_grow),
        T(test_manifest_any_damage_is_found),
        T(test_manifest_swapped_and_missing_files_are_corrupt),
        T(test_manifest_clean_removes_temporaries_only),
        T(test_manifest_expire_keeps_the_newest),
        T(test_manifest_expire_secures_current_first),
        T(test_manifest_read_beside_expire),
        T(test_manifest_content_of_one_file),
        T(test_manifest_path_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
