/* The simulated and the fault platform when they refuse: memory that fails at any call, paths and sizes over their limits, names that
 * are not what the caller takes them for. A refused call changes nothing, so a second try ends with the same disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/platform/platform_sim_internal.h"

static wg_platform *sim;

static int setup(void **state) {
    (void)state;
    return wg_platform_sim_create(11, &sim, NULL) == WG_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

static wg_file *open_as(const char *path, wg_open_mode mode) {
    wg_file *file = NULL;
    assert_int_equal(sim->ops->open(sim, path, mode, &file, NULL), WG_OK);
    return file;
}

static void put(const char *path, uint8_t byte, size_t size) {
    uint8_t bytes[4096];
    assert_true(size <= sizeof bytes);
    memset(bytes, byte, sizeof bytes);
    wg_file *file = open_as(path, WG_OPEN_CREATE_NEW);
    assert_int_equal(sim->ops->write_at(sim, file, 0, bytes, size, NULL), WG_OK);
    sim->ops->close(sim, file);
}

static uint64_t size_of(const char *path) {
    wg_file_info info = {.size = UINT64_MAX};
    (void)sim->ops->stat(sim, path, &info, NULL);
    return info.size;
}

/* ---- memory */

/* Calls until it is not refused; the refusal is typed. */
#define RETRY(call)                                                   \
    do {                                                              \
        wg_error seen_ = {0};                                         \
        wg_error *err = &seen_;                                       \
        const wg_code code_ = (call);                                 \
        if (code_ == WG_OK) break;                                    \
        assert_int_equal(code_, WG_E_NOMEM);                          \
        assert_true(seen_.code == code_ && seen_.message[0] != '\0'); \
    } while (1)

static bool count_names(void *ctx, const char *name, bool is_directory) {
    (void)is_directory;
    *(size_t *)ctx += name[0] != '\0';
    return true;
}

/* Every kind of call, on files that grow, shrink, are mapped, renamed, replaced and removed. */
static void scenario(wg_platform *p) {
    static const uint8_t bytes[3000] = {1, 2, 3};
    static const char *const paths[] = {"/d/a", "/d/b", "/d/c", "/d/e", "/d/f", "/d/g", "/d/h", "/d/i", "/d/j"};
    wg_file *files[9];
    const void *map = NULL;
    RETRY(p->ops->make_directory(p, "/d", err));
    RETRY(p->ops->sync_directory(p, "/", err));
    for (size_t i = 0; i < 9; i++) {
        RETRY(p->ops->open(p, paths[i], WG_OPEN_CREATE_NEW, &files[i], err));
        for (size_t k = 0; k <= i; k++) RETRY(p->ops->write_at(p, files[i], k * 2500, bytes, sizeof bytes, err));
        RETRY(p->ops->truncate(p, files[i], i % 2 == 0 ? 100 : 30000, err));
        if (i % 3 != 0) RETRY(p->ops->sync(p, files[i], err));
        if (i == 4) RETRY(p->ops->sync_directory(p, "/d", err));
    }
    const wg_slice parts[] = {wg_slice_of(bytes, 700), wg_slice_of(bytes, 2300)};
    wg_file *temporary = NULL;
    RETRY(p->ops->write_parts(p, files[2], 50, parts, 2, err));
    RETRY(p->ops->write_durable(p, files[3], 40000, parts, 2, err));
    RETRY(p->ops->open(p, "/d", WG_OPEN_TEMPORARY, &temporary, err));
    RETRY(p->ops->write_at(p, temporary, 0, bytes, sizeof bytes, err));
    p->ops->close(p, temporary);
    RETRY(p->ops->map(p, files[1], 3000, &map, err));
    p->ops->unmap(p, map, 3000);
    RETRY(p->ops->sync_directory(p, "/d", err));
    RETRY(p->ops->rename(p, "/d/a", "/d/b", err));
    for (int i = 0; i < 9; i++) { /* the list of changes grows in the middle of each kind */
        wg_file *file = NULL;
        RETRY(p->ops->open(p, "/d/t", WG_OPEN_CREATE_NEW, &file, err));
        p->ops->close(p, file);
        RETRY(p->ops->unlink(p, "/d/t", err));
    }
    for (int i = 0; i < 9; i++) {
        RETRY(p->ops->rename(p, "/d/e", "/d/t", err));
        RETRY(p->ops->rename(p, "/d/t", "/d/e", err));
    }
    RETRY(p->ops->unlink(p, "/d/c", err));
    size_t names = 0;
    for (wg_code code = WG_E_NOMEM; code != WG_OK; names = code == WG_OK ? names : 0)
        code = p->ops->list(p, "/d", count_names, &names, NULL);
    assert_int_equal(names, 7);
    RETRY(p->ops->write_at(p, files[8], 10, bytes, 5, err)); /* in the middle of what is on the disk */
    RETRY(p->ops->sync(p, files[8], err));
    RETRY(p->ops->rename(p, "/d/i", "/i", err)); /* its two directories are synced one after the other */
    RETRY(p->ops->sync_directory(p, "/", err));
    RETRY(p->ops->sync_directory(p, "/d", err));
    RETRY(p->ops->rename(p, "/d/j", "/j", err));
    RETRY(p->ops->sync_directory(p, "/", err));
    for (size_t i = 0; i < 9; i++) p->ops->close(p, files[i]);
}

static void dump_patterns(wg_platform *p, wg_buf *out) {
    for (unsigned pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
        wg_platform *after = NULL;
        RETRY(wg_platform_sim_reboot(p, (wg_crash_pattern)pattern, 5, &after, err));
        const size_t before = out->size;
        while (!wg_platform_sim_dump(after, out)) out->size = before; /* appended a part: all of it again */
        wg_platform_sim_destroy(after);
    }
}

/* Goal: whichever allocation of any call of the sim fails, the call is WG_E_NOMEM and changed nothing: tried again it leads to the same
 * files, and to the same disks after every kind of crash, as in a world with memory. */
static void test_sim_any_allocation_may_fail(void **state) {
    (void)state;
    wg_buf right = {0};
    wg_platform *p = NULL;
    assert_int_equal(wg_platform_sim_create(3, &p, NULL), WG_OK);
    scenario(p);
    const uint64_t calls = wg_memory_calls();
    dump_patterns(p, &right);
    const uint64_t dump_calls = wg_memory_calls() - calls;
    wg_platform_sim_destroy(p);
    assert_true(right.size > 10000);
    uint64_t refused = 0;
    bool through = false;
    for (uint64_t n = 1; !through; n++) {
        wg_buf got = {0};
        p = NULL;
        const uint64_t begin = wg_memory_calls();
        wg_memory_fail_at(n, false);
        RETRY(wg_platform_sim_create(3, &p, err));
        scenario(p);
        through = wg_memory_calls() - begin < n;
        wg_memory_fail_at(0, false);
        refused += !through;
        if (n % 7 == 0 || through) {
            dump_patterns(p, &got);
            assert_true(wg_slice_equal(wg_buf_slice(&got), wg_buf_slice(&right)));
        }
        wg_buf_deinit(&got);
        wg_platform_sim_destroy(p);
    }
    assert_true(refused > 50);
    assert_int_equal(wg_platform_sim_create(3, &p, NULL), WG_OK);
    scenario(p);
    for (uint64_t n = 1; n <= dump_calls + 10; n += 3) {
        wg_buf got = {0};
        wg_memory_fail_at(n, false);
        dump_patterns(p, &got);
        wg_memory_fail_at(0, false);
        assert_true(wg_slice_equal(wg_buf_slice(&got), wg_buf_slice(&right)));
        wg_buf_deinit(&got);
    }
    wg_platform_sim_destroy(p);
    wg_buf_deinit(&right);
}

/* Goal: a sync that is told to lie but finds no memory says so; the next one loses nothing. */
static void test_sim_lost_sync_without_memory(void **state) {
    (void)state;
    wg_file *a = open_as("/a", WG_OPEN_CREATE_NEW);
    assert_int_equal(sim->ops->write_at(sim, a, 0, "data", 4, NULL), WG_OK);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, a, 4, "more", 4, NULL), WG_OK);
    wg_platform_sim_fail_sync_at(sim, 1);
    wg_memory_fail_at(1, true);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    wg_platform_sim_fail_sync_at(sim, 0);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    sim->ops->close(sim, a);
    wg_platform *after = NULL;
    assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_NONE_SURVIVES, 1, &after, NULL), WG_OK);
    wg_platform_sim_destroy(sim);
    sim = after;
    assert_int_equal(size_of("/a"), 8);
}

/* ---- limits and kinds */

static bool any_name(void *ctx, const char *name, bool is_directory) {
    (void)name, (void)is_directory;
    ++*(size_t *)ctx;
    return false;
}

/* Goal: a path over the sim's limit is WG_E_LIMIT in every call that takes one, and nothing happens. */
static void test_sim_paths_over_the_limit(void **state) {
    (void)state;
    static char path[SIM_PATH_BYTES_MAX + 10];
    wg_file *file = NULL;
    wg_file_info info;
    size_t names = 0;
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    put("/a", 1, 10);
    const uint64_t calls = wg_platform_sim_calls(sim);
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->stat(sim, path, &info, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->rename(sim, "/a", path, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->rename(sim, path, "/a", NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->unlink(sim, path, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->make_directory(sim, path, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->sync_directory(sim, path, NULL), WG_E_LIMIT);
    assert_int_equal(sim->ops->list(sim, path, any_name, &names, NULL), WG_E_LIMIT);
    char small[8];
    assert_int_equal(sim->ops->absolute(sim, "/12345678", small, sizeof small, NULL), WG_E_LIMIT);
    assert_int_equal(wg_platform_sim_calls(sim), calls);
    assert_int_equal(size_of("/a"), 10);
    assert_int_equal(names, 0);
}

/* Goal: files are no directories and directories no files, a handle for reading does not write, and a file has its largest size. */
static void test_sim_kinds_are_kept_apart(void **state) {
    (void)state;
    wg_error err = {0};
    wg_file *file = NULL;
    uint8_t bytes[8] = {0};
    size_t n = 9;
    size_t names = 0;
    const wg_platform_ops *o = sim->ops;
    put("/a", 1, 10);
    put("/b", 2, 20);
    assert_int_equal(o->make_directory(sim, "/d", NULL), WG_OK);
    assert_int_equal(o->open(sim, "/d", WG_OPEN_WRITE, &file, NULL), WG_E_IO);
    assert_int_equal(o->open(sim, "/a", WG_OPEN_TEMPORARY, &file, &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 20); /* ENOTDIR */
    err = (wg_error){0};
    assert_int_equal(o->open(sim, "/none", WG_OPEN_TEMPORARY, &file, NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->open(sim, "/a/x", WG_OPEN_CREATE_NEW, &file, NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->make_directory(sim, "/a/d", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->make_directory(sim, "/none/d", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->rename(sim, "/none", "/c", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->rename(sim, "/a", "/none/c", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->rename(sim, "/d", "/e", NULL), WG_E_IO);
    assert_int_equal(o->rename(sim, "/a", "/d", NULL), WG_E_IO);
    assert_int_equal(o->rename(sim, "/a", "/a", NULL), WG_OK);
    assert_int_equal(o->unlink(sim, "/d", &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 21); /* EISDIR */
    assert_int_equal(o->sync_directory(sim, "/a", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->sync_directory(sim, "/none", NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->list(sim, "/a", any_name, &names, NULL), WG_E_NOT_FOUND);
    assert_int_equal(o->list(sim, "/none", any_name, &names, NULL), WG_E_NOT_FOUND);
    assert_int_equal(names, 0);
    assert_int_equal(o->list(sim, "/", any_name, &names, NULL), WG_OK);
    assert_int_equal(names, 1); /* told to stop */
    file = open_as("/d", WG_OPEN_READ);
    assert_int_equal(o->read_at(sim, file, 0, bytes, 8, &n, NULL), WG_E_IO);
    assert_int_equal(n, 9);
    o->close(sim, file);
    file = open_as("/a", WG_OPEN_READ);
    assert_int_equal(o->write_at(sim, file, 0, bytes, 8, NULL), WG_E_IO);
    assert_int_equal(o->truncate(sim, file, 0, NULL), WG_E_IO);
    assert_int_equal(o->write_at(sim, file, 0, bytes, 0, NULL), WG_OK); /* no byte, nothing to refuse */
    o->close(sim, file);
    file = open_as("/a", WG_OPEN_WRITE);
    assert_int_equal(o->write_at(sim, file, SIM_FILE_BYTES_MAX - 4, bytes, 8, NULL), WG_E_IO);
    assert_int_equal(o->write_at(sim, file, UINT64_MAX, bytes, 8, NULL), WG_E_IO);
    assert_int_equal(o->truncate(sim, file, (uint64_t)SIM_FILE_BYTES_MAX + 1, NULL), WG_E_IO);
    assert_int_equal(o->lock(sim, file, NULL), WG_OK);
    assert_int_equal(o->lock(sim, file, NULL), WG_OK); /* its own */
    o->close(sim, file);
    o->close(sim, NULL);
    wg_platform_sim_destroy(NULL);
    assert_int_equal(size_of("/a"), 10);
    assert_int_equal(size_of("/b"), 20);
}

/* Goal: a machine that lost power answers every call with the power failure, also those that would be refused anyway; switched on again
 * without a reboot it works. */
static void test_sim_dead_machine_answers_nothing(void **state) {
    (void)state;
    wg_file *a = open_as("/a", WG_OPEN_CREATE_NEW);
    wg_file *b = NULL;
    wg_file_info info = {.size = 77};
    uint8_t bytes[4] = {9, 9, 9, 9};
    size_t n = 5;
    size_t names = 0;
    assert_int_equal(sim->ops->write_at(sim, a, 0, "data", 4, NULL), WG_OK);
    wg_platform_sim_crash_at(sim, 1);
    assert_int_equal(sim->ops->read_at(sim, a, 0, bytes, 4, &n, NULL), WG_E_IO);
    assert_true(wg_platform_sim_crashed(sim));
    assert_int_equal(sim->ops->read_at(sim, a, 0, bytes, 4, &n, NULL), WG_E_IO);
    assert_true(bytes[0] == 9 && n == 5);
    assert_int_equal(sim->ops->open(sim, "/b", WG_OPEN_CREATE_NEW, &b, NULL), WG_E_IO);
    assert_int_equal(sim->ops->write_at(sim, a, 0, "x", 1, NULL), WG_E_IO);
    assert_int_equal(sim->ops->truncate(sim, a, 0, NULL), WG_E_IO);
    assert_int_equal(sim->ops->rename(sim, "/a", "/c", NULL), WG_E_IO);
    assert_int_equal(sim->ops->unlink(sim, "/none", NULL), WG_E_IO);
    assert_int_equal(sim->ops->make_directory(sim, "/d", NULL), WG_E_IO);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_E_IO);
    assert_int_equal(sim->ops->sync_directory(sim, "/none", NULL), WG_E_IO);
    assert_int_equal(sim->ops->list(sim, "/", any_name, &names, NULL), WG_E_IO);
    assert_int_equal(sim->ops->lock(sim, a, NULL), WG_E_IO);
    assert_int_equal(sim->ops->stat(sim, "/a", &info, NULL), WG_E_IO);
    assert_int_equal(sim->ops->stat(sim, "/none", &info, NULL), WG_E_IO);
    assert_int_equal(sim->ops->file_info(sim, a, &info, NULL), WG_E_IO);
    assert_int_equal(sim->ops->random(sim, bytes, 4, NULL), WG_E_IO);
    assert_true(bytes[0] == 9 && info.size == 77 && names == 0);
    wg_platform_sim_crash_at(sim, 0);
    assert_false(wg_platform_sim_crashed(sim));
    assert_int_equal(sim->ops->read_at(sim, a, 0, bytes, 4, &n, NULL), WG_OK);
    assert_memory_equal(bytes, "data", 4);
    sim->ops->close(sim, a);
}

/* ---- names and sizes after a crash */

/* Goal: a removal that survives without the rename before it removes only the file that it meant; a rename that survives without the
 * creation brings the file under its new name. */
static void test_sim_name_changes_mean_their_file(void **state) {
    (void)state;
    put("/a", 1, 10);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    put("/b", 2, 20);
    assert_int_equal(sim->ops->rename(sim, "/b", "/a", NULL), WG_OK);
    assert_int_equal(sim->ops->unlink(sim, "/a", NULL), WG_OK);
    wg_platform *after = NULL;
    wg_file_info info;
    assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_ONLY_LAST, 1, &after, NULL), WG_OK);
    assert_int_equal(after->ops->stat(after, "/a", &info, NULL),
                     WG_OK); /* the first one: the removal meant the second */
    assert_int_equal(after->ops->stat(after, "/b", &info, NULL), WG_E_NOT_FOUND);
    wg_platform_sim_destroy(after);
    put("/c", 3, 30);
    assert_int_equal(sim->ops->rename(sim, "/c", "/e", NULL), WG_OK);
    assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_ONLY_LAST, 1, &after, NULL), WG_OK);
    assert_int_equal(after->ops->stat(after, "/e", &info, NULL), WG_OK);
    assert_int_equal(after->ops->stat(after, "/c", &info, NULL), WG_E_NOT_FOUND);
    wg_platform_sim_destroy(after);
}

/* Goal: a cut that no sync has covered survives a crash or not, as its pattern says, and never half. */
static void test_sim_cuts_survive_by_pattern(void **state) {
    (void)state;
    static const struct {
        wg_crash_pattern pattern;
        uint64_t size;
    } rows[] = {{WG_CRASH_NONE_SURVIVES, 3000},     {WG_CRASH_ALL_SURVIVES, 100},
                {WG_CRASH_DATA_WITHOUT_SIZE, 3000}, {WG_CRASH_SIZE_WITHOUT_DATA, 3000},
                {WG_CRASH_DATA_WITHOUT_NAMES, 100}, {WG_CRASH_ALL_BUT_LAST, 3000},
                {WG_CRASH_ONLY_LAST, 100}};
    wg_file *a = open_as("/a", WG_OPEN_CREATE_NEW);
    uint8_t bytes[3000] = {7};
    assert_int_equal(sim->ops->write_at(sim, a, 0, bytes, sizeof bytes, NULL), WG_OK);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    assert_int_equal(sim->ops->truncate(sim, a, 100, NULL), WG_OK);
    wg_platform *after = NULL;
    wg_file_info info;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(wg_platform_sim_reboot(sim, rows[i].pattern, 1, &after, NULL), WG_OK);
        assert_int_equal(after->ops->stat(after, "/a", &info, NULL), WG_OK);
        assert_int_equal(info.size, rows[i].size);
        wg_platform_sim_destroy(after);
    }
    bool seen[2] = {false, false};
    for (uint64_t seed = 0; seed < 32; seed++) {
        assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_RANDOM_1, seed, &after, NULL), WG_OK);
        assert_int_equal(after->ops->stat(after, "/a", &info, NULL), WG_OK);
        assert_true(info.size == 100 || info.size == 3000);
        seen[info.size == 100] = true;
        wg_platform_sim_destroy(after);
    }
    assert_true(seen[0] && seen[1]);
    sim->ops->close(sim, a);
}

/* Goal: a durable write brings to the disk what touches its range, in order, and nothing else; a direct write states whole blocks. */
static void test_sim_durable_writes_sync_their_range(void **state) {
    (void)state;
    static _Alignas(WG_DIRECT_BYTES) uint8_t blocks[2 * WG_DIRECT_BYTES];
    const wg_platform_ops *o = sim->ops;
    const wg_slice whole[] = {wg_slice_of(blocks, WG_DIRECT_BYTES),
                              wg_slice_of(blocks + WG_DIRECT_BYTES, WG_DIRECT_BYTES)};
    const wg_slice half = wg_slice_of(blocks, WG_DIRECT_BYTES / 2);
    wg_error err = {0};
    wg_file *a = open_as("/a", WG_OPEN_CREATE_NEW);
    memset(blocks, 7, sizeof blocks);
    assert_int_equal(o->sync_directory(sim, "/", NULL), WG_OK);
    assert_int_equal(o->write_at(sim, a, 0, "before", 6, NULL), WG_OK);
    assert_int_equal(o->write_at(sim, a, WG_DIRECT_BYTES, "under", 5, NULL), WG_OK);
    assert_int_equal(o->write_at(sim, a, 4 * WG_DIRECT_BYTES, "behind", 6, NULL), WG_OK);
    assert_true(o->set_direct(sim, a, true));
    assert_int_equal(o->write_durable(sim, a, WG_DIRECT_BYTES, &half, 1, &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 22); /* EINVAL: half a block */
    assert_int_equal(o->write_durable(sim, a, 100, whole, 2, &err), WG_E_IO);
    assert_int_equal(o->write_durable(sim, a, WG_DIRECT_BYTES, whole, 2, NULL), WG_OK);
    assert_int_equal(o->write_durable(sim, a, WG_DIRECT_BYTES, whole, 0, NULL), WG_OK);
    wg_platform *after = NULL;
    wg_file *b = NULL;
    uint8_t back[4 * WG_DIRECT_BYTES];
    size_t n = 0;
    assert_int_equal(wg_platform_sim_reboot(sim, WG_CRASH_NONE_SURVIVES, 1, &after, NULL), WG_OK);
    assert_int_equal(after->ops->open(after, "/a", WG_OPEN_READ, &b, NULL), WG_OK);
    assert_int_equal(after->ops->read_at(after, b, 0, back, sizeof back, &n, NULL), WG_OK);
    assert_int_equal(n, 3 * WG_DIRECT_BYTES); /* "behind" was not asked for */
    for (size_t i = 0; i < n; i++) assert_int_equal(back[i], i < WG_DIRECT_BYTES ? 0 : 7); /* nor "before" */
    after->ops->close(after, b);
    wg_platform_sim_destroy(after);
    o->close(sim, a);
}

/* ---- the fault platform */

/* Goal: each call of the fault platform fails when it is the one, with nothing done; a short write of one byte writes none, and an error of
 * the disk below is handed on. */
static void test_fault_platform_fails_each_call(void **state) {
    (void)state;
    wg_platform *fault = NULL;
    wg_platform *twice = NULL;
    wg_file *file = NULL;
    wg_file_info info;
    char text[64];
    uint8_t bytes[8];
    size_t n = 0;
    size_t names = 0;
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    wg_platform_fault_destroy(NULL);
    put("/a", 1, 10);
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    assert_int_equal(fault->ops->open(fault, "/a", WG_OPEN_WRITE, &file, NULL), WG_OK);
    wg_platform_fault_arm(fault, 1, WG_FAULT_EACCES, true);
    wg_file *none = NULL;
    const void *map = NULL;
    assert_int_equal(fault->ops->open(fault, "/a", WG_OPEN_READ, &none, NULL), WG_E_IO);
    assert_int_equal(fault->ops->read_at(fault, file, 0, bytes, 8, &n, NULL), WG_E_IO);
    assert_int_equal(fault->ops->write_at(fault, file, 0, "x", 1, NULL), WG_E_IO);
    assert_int_equal(fault->ops->sync(fault, file, NULL), WG_E_IO);
    assert_int_equal(fault->ops->truncate(fault, file, 0, NULL), WG_E_IO);
    assert_int_equal(fault->ops->file_info(fault, file, &info, NULL), WG_E_IO);
    assert_int_equal(fault->ops->stat(fault, "/a", &info, NULL), WG_E_IO);
    assert_int_equal(fault->ops->rename(fault, "/a", "/b", NULL), WG_E_IO);
    assert_int_equal(fault->ops->unlink(fault, "/a", NULL), WG_E_IO);
    assert_int_equal(fault->ops->make_directory(fault, "/d", NULL), WG_E_IO);
    assert_int_equal(fault->ops->sync_directory(fault, "/", NULL), WG_E_IO);
    assert_int_equal(fault->ops->list(fault, "/", any_name, &names, NULL), WG_E_IO);
    assert_int_equal(fault->ops->lock(fault, file, NULL), WG_E_IO);
    assert_int_equal(fault->ops->absolute(fault, "a", text, sizeof text, NULL), WG_E_IO);
    assert_int_equal(fault->ops->map(fault, file, 1, &map, NULL), WG_E_IO);
    assert_int_equal(fault->ops->random(fault, bytes, 8, NULL), WG_E_IO);
    assert_int_equal(wg_platform_fault_calls(fault), 17);
    assert_true(none == NULL && map == NULL && names == 0);
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, false);
    assert_int_equal(fault->ops->write_at(fault, file, 20, "x", 1, NULL), WG_E_IO);
    assert_int_equal(size_of("/a"), 10);
    assert_int_equal(fault->ops->truncate(fault, file, 4, NULL), WG_OK);
    assert_int_equal(fault->ops->absolute(fault, "a", text, sizeof text, NULL), WG_OK);
    assert_string_equal(text, "/a");
    assert_int_equal(fault->ops->random(fault, bytes, 8, NULL), WG_OK);
    assert_int_equal(fault->ops->lock(fault, file, NULL), WG_OK);
    assert_true(fault->ops->now_ns(fault) > 0 && fault->ops->wall_us(fault) > 0);
    assert_int_equal(wg_platform_fault_create(fault, &twice, NULL), WG_OK);
    wg_error err = {0};
    wg_platform_fault_arm(twice, 1, WG_FAULT_SHORT_WRITE, false);
    wg_platform_fault_arm(fault, 1, WG_FAULT_ENOSPC, false);
    assert_int_equal(twice->ops->write_at(twice, file, 20, "xxxx", 4, &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 28); /* the disk's own error, not the injected one */
    assert_int_equal(size_of("/a"), 4);
    fault->ops->close(fault, file);
    wg_platform_fault_destroy(twice);
    wg_platform_fault_destroy(fault);
}

/* Goal: the same for writes of several parts and durable ones, whose first half a short write leaves wherever the parts have their borders, and
 * for memory that is shared with a file and direct writing. */
static void test_fault_platform_fails_writes_of_parts(void **state) {
    (void)state;
    const wg_slice parts[] = {wg_slice_str("ab"), wg_slice_str("cdef")};
    wg_platform *fault = NULL;
    wg_platform *twice = NULL;
    wg_file *file = NULL;
    void *shared = NULL;
    wg_error err = {0};
    put("/a", 1, 10);
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    assert_int_equal(wg_platform_fault_create(fault, &twice, NULL), WG_OK);
    assert_int_equal(fault->ops->open(fault, "/a", WG_OPEN_WRITE, &file, NULL), WG_OK);
    wg_platform_fault_arm(fault, 1, WG_FAULT_EIO, true);
    assert_int_equal(fault->ops->map_shared(fault, file, 1, &shared, NULL), WG_E_IO);
    assert_int_equal(fault->ops->write_parts(fault, file, 0, parts, 2, NULL), WG_E_IO);
    assert_int_equal(fault->ops->write_durable(fault, file, 0, parts, 2, NULL), WG_E_IO);
    assert_false(fault->ops->set_direct(fault, file, true));
    assert_true(fault->ops->set_direct(fault, file, false)); /* which cannot fail, and does not count */
    assert_int_equal(wg_platform_fault_calls(fault), 5);
    assert_true(shared == NULL && size_of("/a") == 10);
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, false);
    assert_int_equal(fault->ops->write_durable(fault, file, 8, parts, 2, NULL), WG_E_IO);
    assert_int_equal(size_of("/a"), 11); /* three of the six bytes: all of the first part, one of the second */
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, false);
    assert_int_equal(fault->ops->write_parts(fault, file, 10, parts, 2, NULL), WG_E_IO);
    assert_int_equal(size_of("/a"), 13);
    for (int durable = 0; durable < 2; durable++) {
        wg_platform_fault_arm(twice, 1, WG_FAULT_SHORT_WRITE, false);
        wg_platform_fault_arm(fault, 1, WG_FAULT_ENOSPC, false);
        err = (wg_error){0};
        assert_int_equal(durable ? twice->ops->write_durable(twice, file, 20, parts, 2, &err)
                                 : twice->ops->write_parts(twice, file, 20, parts, 2, &err),
                         WG_E_IO);
        assert_int_equal(err.sys_errno, 28);
    }
    assert_int_equal(size_of("/a"), 13);
    fault->ops->close(fault, file);
    wg_platform_fault_destroy(twice);
    wg_platform_fault_destroy(fault);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_sim_any_allocation_may_fail),
        T(test_sim_lost_sync_without_memory),
        T(test_sim_paths_over_the_limit),
        T(test_sim_kinds_are_kept_apart),
        T(test_sim_dead_machine_answers_nothing),
        T(test_sim_name_changes_mean_their_file),
        T(test_sim_cuts_survive_by_pattern),
        T(test_fault_platform_fails_each_call),
        T(test_sim_durable_writes_sync_their_range),
        T(test_fault_platform_fails_writes_of_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
