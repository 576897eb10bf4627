/* Tests of the simulated disk: that it loses what the crash model says, and keeps what was synced. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/platform/platform.h"

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

static wg_file *create(const char *path) {
    wg_file *file = NULL;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    return file;
}

static void put(wg_file *file, uint64_t offset, uint8_t byte, size_t size) {
    uint8_t bytes[4096];
    memset(bytes, byte, sizeof bytes);
    assert_int_equal(sim->ops->write_at(sim, file, offset, bytes, size, NULL), WG_OK);
}

static wg_platform *reboot(wg_crash_pattern pattern, uint64_t seed) {
    wg_platform *after;
    assert_int_equal(wg_platform_sim_reboot(sim, pattern, seed, &after, NULL), WG_OK);
    return after;
}

/* Reads a file of a rebooted disk; false when the name is not there. */
static bool content(wg_platform *p, const char *path, uint8_t *out, size_t capacity, size_t *out_size) {
    wg_file *file;
    if (p->ops->open(p, path, WG_OPEN_READ, &file, NULL) != WG_OK) return false;
    assert_int_equal(p->ops->read_at(p, file, 0, out, capacity, out_size, NULL), WG_OK);
    p->ops->close(p, file);
    return true;
}

/* Goal: parts are one write: one call, torn like one; a short write of the fault platform ends in the middle of all of them. */
static void test_sim_parts_are_one_write(void **state) {
    (void)state;
    static uint8_t ones[600];
    static uint8_t bytes[2048];
    memset(ones, 1, sizeof ones);
    const wg_slice parts[3] = {wg_slice_of(ones, 600), wg_slice_of(ones, 1), wg_slice_of(ones, 599)};
    size_t n;
    wg_file *a = create("/a");
    put(a, 0, 7, 1200);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    const uint64_t calls = wg_platform_sim_calls(sim);
    assert_int_equal(sim->ops->write_parts(sim, a, 0, parts, 3, NULL), WG_OK);
    assert_int_equal(wg_platform_sim_calls(sim), calls + 1);
    wg_platform *after = reboot(WG_CRASH_TORN_LAST, 1);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    for (size_t i = 0; i < 1200; i++) assert_int_equal(bytes[i], i < 1024 ? 1 : 7);
    wg_platform_sim_destroy(after);
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    put(a, 0, 7, 1200);
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, false);
    assert_int_equal(fault->ops->write_parts(fault, a, 0, parts, 3, NULL), WG_E_IO);
    assert_true(content(sim, "/a", bytes, sizeof bytes, &n));
    for (size_t i = 0; i < 1200; i++) assert_int_equal(bytes[i], i < 600 ? 1 : 7);
    assert_int_equal(fault->ops->write_parts(fault, a, 0, parts, 3, NULL), WG_OK);
    assert_true(content(sim, "/a", bytes, sizeof bytes, &n));
    for (size_t i = 0; i < 1200; i++) assert_int_equal(bytes[i], 1);
    wg_platform_fault_destroy(fault);
    sim->ops->close(sim, a);
}

/* Goal: files behave as files: holes read as zeros, truncation cuts, a removed name frees it, locks exclude. */
static void test_sim_behaves_as_a_file_system(void **state) {
    (void)state;
    uint8_t bytes[64];
    size_t n;
    wg_file *a = create("/a");
    put(a, 10, 7, 5);
    assert_int_equal(sim->ops->truncate(sim, a, 12, NULL), WG_OK);
    assert_int_equal(sim->ops->truncate(sim, a, 14, NULL), WG_OK);
    assert_true(content(sim, "/a", bytes, sizeof bytes, &n));
    assert_int_equal(n, 14);
    assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0\0\0\7\7\0\0", 14);
    wg_file *again;
    assert_int_equal(sim->ops->open(sim, "/a", WG_OPEN_WRITE, &again, NULL), WG_OK);
    assert_int_equal(sim->ops->lock(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->lock(sim, again, NULL), WG_E_BUSY);
    sim->ops->close(sim, a);
    assert_int_equal(sim->ops->lock(sim, again, NULL), WG_OK);
    sim->ops->close(sim, again);
    assert_int_equal(sim->ops->open(sim, "/none/a", WG_OPEN_CREATE_NEW, &a, NULL), WG_E_NOT_FOUND);
    assert_int_equal(sim->ops->open(sim, "/a", WG_OPEN_CREATE_NEW, &a, NULL), WG_E_EXISTS);
    assert_int_equal(sim->ops->make_directory(sim, "/d", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/d/", NULL), WG_E_EXISTS);
    assert_int_equal(sim->ops->rename(sim, "/a", "/d/b", NULL), WG_OK);
    assert_false(content(sim, "/a", bytes, sizeof bytes, &n));
    assert_true(content(sim, "d/../d/b", bytes, sizeof bytes, &n));
    assert_int_equal(sim->ops->unlink(sim, "/d/b", NULL), WG_OK);
    assert_int_equal(sim->ops->unlink(sim, "/d/b", NULL), WG_E_NOT_FOUND);
}

/* Goal: M5 and M3: a sync keeps data but not the name; a directory sync keeps the name but not the data. */
static void test_sim_data_and_names_need_their_own_sync(void **state) {
    (void)state;
    uint8_t bytes[64];
    size_t n;
    wg_file *a = create("/a");
    wg_file *b = create("/b");
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    put(a, 0, 1, 10);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    put(b, 0, 2, 10);
    wg_file *c = create("/c");
    put(c, 0, 3, 10);
    assert_int_equal(sim->ops->sync(sim, c, NULL), WG_OK);
    wg_platform *after = reboot(WG_CRASH_NONE_SURVIVES, 1);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    assert_int_equal(n, 10);
    assert_true(content(after, "/b", bytes, sizeof bytes, &n));
    assert_int_equal(n, 0);
    assert_false(content(after, "/c", bytes, sizeof bytes, &n));
    wg_platform_sim_destroy(after);
    after = reboot(WG_CRASH_NAMES_WITHOUT_DATA, 1);
    assert_true(content(after, "/c", bytes, sizeof bytes, &n));
    assert_int_equal(n, 10); /* synced under a name that came late */
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, a);
    sim->ops->close(sim, b);
    sim->ops->close(sim, c);
}

/* Goal: M4: after a rename the old or the new file is under the name, never none. */
static void test_sim_rename_is_old_or_new(void **state) {
    (void)state;
    uint8_t bytes[64];
    size_t n;
    wg_file *old = create("/x");
    put(old, 0, 1, 1);
    assert_int_equal(sim->ops->sync(sim, old, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    wg_file *fresh = create("/x.tmp");
    put(fresh, 0, 2, 1);
    assert_int_equal(sim->ops->sync(sim, fresh, NULL), WG_OK);
    assert_int_equal(sim->ops->rename(sim, "/x.tmp", "/x", NULL), WG_OK);
    bool seen[3] = {false, false, false};
    for (unsigned pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            wg_platform *after = reboot((wg_crash_pattern)pattern, seed);
            assert_true(content(after, "/x", bytes, sizeof bytes, &n));
            assert_int_equal(n, 1);
            assert_true(bytes[0] == 1 || bytes[0] == 2);
            seen[bytes[0]] = true;
            wg_platform_sim_destroy(after);
        }
    }
    assert_true(seen[1]);
    assert_true(seen[2]);
    sim->ops->close(sim, old);
    sim->ops->close(sim, fresh);
}

/* Goal: M1, M2, M7: sectors of one unsynced write survive each by itself, and only whole; sizes apart from data. */
static void test_sim_tears_writes_at_sectors(void **state) {
    (void)state;
    uint8_t bytes[8192];
    size_t n;
    wg_file *a = create("/a");
    put(a, 0, 1, 2048);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    put(a, 100, 2, 3000);
    static const struct {
        wg_crash_pattern pattern;
        size_t size;
        uint8_t first, fourth, last; /* at 200, 1600, 3099 */
    } rows[] = {
        {WG_CRASH_NONE_SURVIVES, 2048, 1, 1, 0},      {WG_CRASH_ALL_SURVIVES, 3100, 2, 2, 2},
        {WG_CRASH_TORN_FIRST, 3100, 1, 2, 2},         {WG_CRASH_TORN_LAST, 3072, 2, 2, 0},
        {WG_CRASH_TORN_MIDDLE, 2048, 2, 1, 0},        {WG_CRASH_SIZE_WITHOUT_DATA, 3100, 1, 1, 0},
        {WG_CRASH_DATA_WITHOUT_SIZE, 2048, 2, 2, 0},  {WG_CRASH_NAMES_WITHOUT_DATA, 2048, 1, 1, 0},
        {WG_CRASH_DATA_WITHOUT_NAMES, 3100, 2, 2, 2}, {WG_CRASH_ALL_BUT_LAST, 2048, 1, 1, 0},
        {WG_CRASH_ONLY_LAST, 3100, 2, 2, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(bytes, 0, sizeof bytes);
        wg_platform *after = reboot(rows[i].pattern, 5);
        assert_true(content(after, "/a", bytes, sizeof bytes, &n));
        assert_int_equal(n, rows[i].size);
        assert_int_equal(bytes[50], 1); /* before the write: never touched */
        assert_int_equal(bytes[200], rows[i].first);
        assert_int_equal(bytes[1600], rows[i].fourth);
        assert_int_equal(bytes[3099], rows[i].last);
        wg_platform_sim_destroy(after);
    }
    size_t mixed = 0;
    for (uint64_t seed = 0; seed < 32; seed++) {
        wg_platform *after = reboot(WG_CRASH_RANDOM_1, seed);
        assert_true(content(after, "/a", bytes, sizeof bytes, &n));
        for (size_t sector = 1; sector < 4; sector++)
            for (size_t k = 1; k < 512; k++) assert_int_equal(bytes[sector * 512 + k], bytes[sector * 512]);
        if (bytes[600] != bytes[1100]) mixed++;
        wg_platform_sim_destroy(after);
    }
    assert_true(mixed > 0);
    sim->ops->close(sim, a);
}

/* Goal: garbage stays inside the written range, and is there. */
static void test_sim_garbage_stays_inside_the_write(void **state) {
    (void)state;
    uint8_t bytes[4096];
    size_t n;
    wg_file *a = create("/a");
    put(a, 0, 1, 4096);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    put(a, 700, 2, 1000);
    wg_platform *after = reboot(WG_CRASH_GARBAGE, 5);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    size_t odd = 0;
    for (size_t i = 0; i < n; i++) {
        if (i < 700 || i >= 1700) assert_int_equal(bytes[i], 1);
        if (i >= 700 && i < 1700 && bytes[i] != 2) odd++;
    }
    assert_true(odd > 50);
    assert_true(odd <= 512);
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, a);
}

/* Goal: M6: a failed sync drops what was pending; reads still show it; the next sync succeeds without it. */
static void test_sim_failed_sync_drops_pages(void **state) {
    (void)state;
    uint8_t bytes[4096];
    size_t n;
    wg_file *a = create("/a");
    put(a, 0, 1, 4096);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    put(a, 0, 2, 4096);
    wg_platform_sim_fail_sync_at(sim, 1);
    wg_error err = {0};
    assert_int_equal(sim->ops->sync(sim, a, &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 5);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_true(content(sim, "/a", bytes, sizeof bytes, &n));
    assert_int_equal(bytes[0], 2);
    wg_platform *after = reboot(WG_CRASH_ALL_SURVIVES, 1);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    size_t old = 0;
    for (size_t i = 0; i < n; i += 512) old += bytes[i] == 1;
    assert_true(old > 0);
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, a);
}

/* Goal: from the armed call on everything fails, and that call's write may be on the disk. */
static void test_sim_crash_stops_all_calls(void **state) {
    (void)state;
    uint8_t bytes[64];
    size_t n;
    wg_file *a = create("/a");
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    const uint64_t calls = wg_platform_sim_calls(sim);
    wg_platform_sim_crash_at(sim, 2);
    put(a, 0, 1, 4);
    assert_false(wg_platform_sim_crashed(sim));
    wg_error err = {0};
    assert_int_equal(sim->ops->write_at(sim, a, 4, "2222", 4, &err), WG_E_IO);
    assert_true(wg_platform_sim_crashed(sim));
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_E_IO);
    assert_int_equal(sim->ops->unlink(sim, "/a", NULL), WG_E_IO);
    assert_int_equal(wg_platform_sim_calls(sim), calls + 4);
    wg_platform *after = reboot(WG_CRASH_ALL_SURVIVES, 1);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    assert_int_equal(n, 8);
    wg_platform_sim_destroy(after);
    after = reboot(WG_CRASH_NONE_SURVIVES, 1);
    assert_true(content(after, "/a", bytes, sizeof bytes, &n));
    assert_int_equal(n, 0);
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, a);
}

/* Goal: files in a directory whose name was lost are lost with it. */
static void test_sim_lost_directory_takes_its_files(void **state) {
    (void)state;
    uint8_t bytes[8];
    size_t n;
    assert_int_equal(sim->ops->make_directory(sim, "/d", NULL), WG_OK);
    wg_file *a = create("/d/a");
    put(a, 0, 1, 8);
    assert_int_equal(sim->ops->sync(sim, a, NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/d", NULL), WG_OK);
    wg_platform *after = reboot(WG_CRASH_NONE_SURVIVES, 1);
    assert_false(content(after, "/d/a", bytes, sizeof bytes, &n));
    wg_platform_sim_destroy(after);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    after = reboot(WG_CRASH_NONE_SURVIVES, 1);
    assert_true(content(after, "/d/a", bytes, sizeof bytes, &n));
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, a);
}

/* Goal: the same seed gives the same disk, bit for bit; the fault platform fails the call that was named and counts. */
static void test_sim_repeats_and_fault_counts(void **state) {
    (void)state;
    wg_platform *fault;
    wg_file *a;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    assert_int_equal(fault->ops->open(fault, "/a", WG_OPEN_CREATE_NEW, &a, NULL), WG_OK);
    wg_platform_fault_arm(fault, 2, WG_FAULT_SHORT_WRITE, false);
    uint8_t bytes[4000] = {1};
    wg_error err = {0};
    assert_int_equal(fault->ops->write_at(fault, a, 0, bytes, 4000, &err), WG_OK);
    assert_int_equal(fault->ops->write_at(fault, a, 4000, bytes, 4000, &err), WG_E_IO);
    wg_file_info info;
    assert_int_equal(fault->ops->file_info(fault, a, &info, NULL), WG_OK);
    assert_int_equal(info.size, 6000);
    assert_int_equal(wg_platform_fault_calls(fault), 4);
    static const int errnos[] = {5, 28, 13, 24, 5};
    for (unsigned kind = 0; kind < 5; kind++) {
        wg_platform_fault_arm(fault, 1, (wg_fault_kind)kind, true);
        for (size_t i = 0; i < 3; i++) {
            wg_error_clear(&err);
            assert_int_equal(fault->ops->sync(fault, a, &err), WG_E_IO);
            assert_int_equal(err.sys_errno, errnos[kind]);
        }
    }
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    assert_int_equal(fault->ops->sync_directory(fault, "/", NULL), WG_OK);
    fault->ops->close(fault, a);
    wg_platform_fault_destroy(fault);
    wg_buf dumps[2];
    for (size_t i = 0; i < 2; i++) {
        wg_buf_init(&dumps[i], NULL);
        wg_platform *after = reboot(WG_CRASH_RANDOM_2, 99);
        assert_true(wg_platform_sim_dump(after, &dumps[i]));
        wg_platform_sim_destroy(after);
    }
    assert_true(wg_slice_equal(wg_buf_slice(&dumps[0]), wg_buf_slice(&dumps[1])));
    wg_buf_deinit(&dumps[0]);
    wg_buf_deinit(&dumps[1]);
}

/* Goal: a map of the sim is a copy that counts as one call, outlives the name, is refused past the end of the file and
 * after a crash; the fault platform fails it by number and passes the rest through. */
static void test_sim_map_is_a_counted_call(void **state) {
    (void)state;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    wg_file *a = create("/a");
    put(a, 0, 9, 100);
    const void *map = NULL;
    const uint64_t calls = wg_platform_sim_calls(sim);
    assert_int_equal(sim->ops->map(sim, a, 101, &map, NULL), WG_E_IO);
    assert_int_equal(sim->ops->map(sim, a, 0, &map, NULL), WG_E_IO);
    wg_platform_fault_arm(fault, 1, WG_FAULT_EMFILE, false);
    assert_int_equal(fault->ops->map(fault, a, 100, &map, NULL), WG_E_IO);
    wg_memory_fail_at(1, false);
    assert_int_equal(fault->ops->map(fault, a, 100, &map, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    assert_null(map);
    assert_int_equal(fault->ops->map(fault, a, 100, &map, NULL), WG_OK);
    assert_int_equal(wg_platform_fault_calls(fault), 3);
    assert_int_equal(wg_platform_sim_calls(sim), calls + 4);
    assert_int_equal(sim->ops->unlink(sim, "/a", NULL), WG_OK);
    fault->ops->advise(fault, map, 100, WG_ADVICE_DROP);
    fault->ops->trim_memory(fault);
    assert_int_equal(((const uint8_t *)map)[0], 9);
    assert_int_equal(((const uint8_t *)map)[99], 9);
    wg_process_memory memory = {.resident_bytes = 1};
    fault->ops->process_memory(fault, &memory);
    assert_int_equal(memory.resident_bytes, 0);
    fault->ops->unmap(fault, map, 100);
    map = NULL;
    wg_platform_sim_crash_at(sim, 1);
    assert_int_equal(sim->ops->map(sim, a, 100, &map, NULL), WG_E_IO);
    assert_int_equal(sim->ops->map(sim, a, 100, &map, NULL), WG_E_IO);
    assert_null(map);
    sim->ops->close(sim, a);
    wg_platform_fault_destroy(fault);
}

/* Goal: a temporary file is no part of the disk: it has no name, and no crash keeps it. */
static void test_sim_temporary_files_have_no_name(void **state) {
    (void)state;
    wg_file *file;
    uint8_t bytes[8];
    size_t n = 0;
    wg_buf empty;
    wg_buf dump;
    wg_buf_init(&empty, NULL);
    wg_buf_init(&dump, NULL);
    assert_true(wg_platform_sim_dump(sim, &empty));
    assert_int_equal(sim->ops->open(sim, "", WG_OPEN_TEMPORARY, &file, NULL), WG_OK);
    put(file, 0, 9, 4);
    assert_int_equal(sim->ops->sync(sim, file, NULL), WG_OK);
    assert_int_equal(sim->ops->read_at(sim, file, 0, bytes, sizeof bytes, &n, NULL), WG_OK);
    assert_int_equal(n, 4);
    assert_int_equal(bytes[3], 9);
    wg_platform *after = reboot(WG_CRASH_ALL_SURVIVES, 3);
    assert_true(wg_platform_sim_dump(after, &dump));
    assert_int_equal(dump.size, empty.size);
    assert_memory_equal(dump.data, empty.data, empty.size);
    wg_buf_deinit(&empty);
    wg_buf_deinit(&dump);
    wg_platform_sim_destroy(after);
    sim->ops->close(sim, file);
    assert_int_equal(sim->ops->open(sim, "/nowhere", WG_OPEN_TEMPORARY, &file, NULL), WG_E_NOT_FOUND);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_sim_temporary_files_have_no_name),
        T(test_sim_behaves_as_a_file_system),
        T(test_sim_data_and_names_need_their_own_sync),
        T(test_sim_parts_are_one_write),
        T(test_sim_data_and_names_need_their_own_sync),
        T(test_sim_rename_is_old_or_new),
        T(test_sim_tears_writes_at_sectors),
        T(test_sim_garbage_stays_inside_the_write),
        T(test_sim_failed_sync_drops_pages),
        T(test_sim_crash_stops_all_calls),
        T(test_sim_lost_directory_takes_its_files),
        T(test_sim_repeats_and_fault_counts),
        T(test_sim_map_is_a_counted_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
