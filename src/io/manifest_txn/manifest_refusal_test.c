/* Manifests under failing calls, failing allocations, odd neighbours and paths near the limit: whatever is refused, the epoch
 * that CURRENT names is read as before. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/digest/digest.h"
#include "io/manifest_txn/manifest_txn.h"
#include "io/platform/test_wrap.h"

static wg_platform *sim;
static wrap_platform wrap;
static wg_platform *p; /* `wrap` around `sim` */

static int setup(void **state) {
    (void)state;
    assert_int_equal(wg_platform_sim_create(1, &sim, NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db/manifest", NULL), WG_OK);
    p = wrap_begin(&wrap, sim);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

static void put_file(const char *path, const char *text) {
    wg_file *file;
    (void)sim->ops->unlink(sim, path, NULL);
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, file, 0, text, strlen(text), NULL), WG_OK);
    sim->ops->close(sim, file);
}

static bool exists(const char *path) {
    wg_file_info info;
    return sim->ops->stat(sim, path, &info, NULL) == WG_OK;
}

static void commit_ok(uint64_t epoch, const char *text) {
    wg_error err = {0};
    const wg_code code = wg_manifest_commit(p, "/db", epoch, wg_slice_str(text), &err);
    if (code != WG_OK) fail_msg("epoch %llu: %s", (unsigned long long)epoch, err.message);
}

static uint64_t epoch_read(void) {
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    assert_int_equal(wg_manifest_read(sim, "/db", &epoch, &payload, NULL), WG_OK);
    wg_buf_deinit(&payload);
    return epoch;
}

/* CURRENT as this module writes it. */
static void put_current(const char *path, uint64_t epoch) {
    char text[64];
    char file[64];
    snprintf(text, sizeof text, "worldgraph current %020llu\n%020llu", (unsigned long long)epoch,
             (unsigned long long)epoch);
    snprintf(file, sizeof file, "%020llu\ncrc32 %08x\n", (unsigned long long)epoch, wg_crc32(0, text, strlen(text)));
    put_file(path, file);
}

typedef wg_code (*operation)(wg_error *err);

static wg_code do_commit(wg_error *err) { return wg_manifest_commit(p, "/db", 3, wg_slice_str("three"), err); }
static wg_code do_read(wg_error *err) {
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    const wg_code code = wg_manifest_read(p, "/db", &epoch, &payload, err);
    if (code == WG_OK) assert_true(epoch == 2 && wg_slice_is(wg_buf_slice(&payload), "two"));
    else assert_true(epoch == 0 && payload.size == 0);
    wg_buf_deinit(&payload);
    return code;
}
static wg_code do_clean(wg_error *err) { return wg_manifest_clean(p, "/db", err); }
static wg_code do_expire(wg_error *err) {
    uint64_t removed = 77;
    const wg_code code = wg_manifest_expire(p, "/db", 1, &removed, err);
    assert_int_equal(removed, code == WG_OK ? 1 : 77);
    return code;
}

/* Two commits, and what a crash may have left beside them. */
static void fresh_two(void) {
    teardown(NULL);
    setup(NULL);
    commit_ok(1, "one");
    commit_ok(2, "two");
    put_file("/db/CURRENT.tmp", "left");
    put_file("/db/manifest/00000000000000000003.json.tmp", "left");
}

static void each_call_fails(operation run, bool memory, bool tell) {
    for (uint64_t n = 1;; n++) {
        wg_platform *fault = NULL;
        wg_error err = {0};
        fresh_two();
        assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
        p = fault;
        if (memory) wg_memory_fail_at(n, false);
        else wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
        const wg_code code = run(tell ? &err : NULL);
        const bool met = memory ? code != WG_OK : wg_platform_fault_calls(fault) >= n;
        wg_memory_fail_at(0, false);
        wg_platform_fault_destroy(fault);
        p = &wrap.base;
        if (code != WG_OK) {
            assert_int_equal(code, memory ? WG_E_NOMEM : WG_E_IO);
            assert_int_equal(err.code, tell ? code : WG_OK);
        }
        const uint64_t epoch = epoch_read();
        assert_true(run == do_commit ? epoch == 2 || epoch == 3 : epoch == 2);
        assert_true(code != WG_OK || run != do_commit || epoch == 3);
        commit_ok(9, "nine"); /* and work goes on */
        assert_int_equal(epoch_read(), 9);
        if (!met) {
            assert_true(n > 1);
            return;
        }
    }
}

/* Goal: any platform call and any allocation of any operation may fail: a typed error, told or not, and nothing is lost. */
static void test_manifest_any_call_may_fail(void **state) {
    (void)state;
    static const operation all[] = {do_commit, do_read, do_clean, do_expire};
    for (size_t i = 0; i < 4; i++)
        for (unsigned way = 0; way < 4; way++) each_call_fails(all[i], way % 2 == 1, way < 2);
}

/* Goal: the first error stays: a caller's error is not overwritten by a second one. */
static void test_manifest_first_error_wins(void **state) {
    (void)state;
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    commit_ok(1, "one");
    put_file("/db/manifest/00000000000000000001.json", "damaged");
    wg_error err = {0};
    (void)wg_error_set(&err, WG_E_LIMIT, 7, "before");
    assert_int_equal(wg_manifest_read(p, "/db", &epoch, &payload, &err), WG_E_CORRUPT);
    assert_true(err.code == WG_E_LIMIT && strcmp(err.message, "before") == 0);
    wg_error_clear(&err);
    assert_int_equal(wg_manifest_read(p, "/db", &epoch, &payload, &err), WG_E_CORRUPT);
    assert_true(err.code == WG_E_CORRUPT && strstr(err.message, "000001.json") != NULL);
    wg_error_clear(&err);
    (void)wg_error_set(&err, WG_E_LIMIT, 7, "before");
    put_file("/db/CURRENT", "damaged");
    assert_int_equal(wg_manifest_commit(p, "/db", 2, wg_slice_str("x"), &err), WG_E_CORRUPT);
    assert_true(err.code == WG_E_LIMIT && strcmp(err.message, "before") == 0);
    wg_error_clear(&err);
    assert_int_equal(wg_manifest_commit(p, "/db", 2, wg_slice_str("x"), &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "/db/CURRENT"));
    wg_buf_deinit(&payload);
}

/* Goal: CURRENT with a right checksum line but a wrong length, letters for digits or an epoch past 64 bits is refused; so is one
 * that gets shorter while it is read. */
static void test_manifest_current_of_another_shape_is_corrupt(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0000000000000000001\ncrc32 01234567\n", "0000000000000000000x\ncrc32 01234567\n",
        "0000000000000000000/\ncrc32 01234567\n", "99999999999999999999\ncrc32 01234567\n",
        "18446744073709551616\ncrc32 01234567\n"};
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_error err = {0};
        put_file("/db/CURRENT", texts[i]);
        assert_int_equal(wg_manifest_read(p, "/db", &epoch, &payload, &err), WG_E_CORRUPT);
        assert_non_null(strstr(err.message, "damaged"));
    }
    assert_int_equal(sim->ops->unlink(sim, "/db/CURRENT", NULL), WG_OK);
    commit_ok(4, "four");
    wg_error err = {0};
    wrap_rule(&wrap, WRAP_NONE, "CURRENT", WG_OK);
    wrap.short_by = 1;
    assert_int_equal(wg_manifest_read(p, "/db", &epoch, &payload, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "shorter"));
    wrap_clear(&wrap);
    assert_int_equal(wg_manifest_read(p, "/db", &epoch, &payload, NULL), WG_OK);
    assert_int_equal(epoch, 4);
    wg_buf_deinit(&payload);
}

/* Goal: neighbours whose names are almost those of this module are not touched, be they files or directories. */
static void test_manifest_foreign_names_stay(void **state) {
    (void)state;
    static const char *const names[] = {
        "/db/manifest/0000000000000000000-.json.tmp", "/db/manifest/0000000000000000000x.json.tmp",
        "/db/manifest/00000000000000000007.jsox.tmp", "/db/manifest/00000000000000000007.jsox",
        "/db/manifest/0000000000000000000-.json"};
    uint64_t removed = 5;
    put_current("/db/CURRENT", 3); /* its manifest is lost: nothing to expire, and no reason to refuse */
    assert_int_equal(wg_manifest_expire(p, "/db", 1, &removed, NULL), WG_OK);
    assert_int_equal(removed, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) put_file(names[i], "foreign");
    assert_int_equal(sim->ops->make_directory(sim, "/db/manifest/00000000000000000001.json", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db/manifest/00000000000000000001.json.tmp", NULL), WG_OK);
    assert_int_equal(wg_manifest_clean(p, "/db", NULL), WG_OK);
    assert_int_equal(wg_manifest_expire(p, "/db", 1, &removed, NULL), WG_OK);
    assert_int_equal(removed, 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_true(exists(names[i]));
    assert_true(exists("/db/manifest/00000000000000000001.json"));
    assert_true(exists("/db/manifest/00000000000000000001.json.tmp"));
}

/* Goal: a call removes at most a thousand temporaries, the next one the rest. */
static void test_manifest_clean_is_bounded(void **state) {
    (void)state;
    char path[80];
    for (unsigned i = 1; i <= 1002; i++) {
        snprintf(path, sizeof path, "/db/manifest/%020u.json.tmp", i);
        put_file(path, "");
    }
    assert_int_equal(wg_manifest_clean(p, "/db", NULL), WG_OK);
    unsigned left = 0;
    for (unsigned i = 1; i <= 1002; i++) {
        snprintf(path, sizeof path, "/db/manifest/%020u.json.tmp", i);
        left += exists(path);
    }
    assert_int_equal(left, 2);
    assert_int_equal(wg_manifest_clean(p, "/db", NULL), WG_OK);
    assert_false(exists("/db/manifest/00000000000000001002.json.tmp"));
}

/* Goal: with a workspace whose path is near the limit an operation works or is WG_E_LIMIT, for every length: no name is cut. */
static void test_manifest_paths_near_the_limit(void **state) {
    (void)state;
    static char dir[WRAP_PATH_BYTES];
    uint32_t worked = 0;
    uint32_t refused = 0;
    for (size_t size = 4096 - 8; size < 4096 + 56; size++) {
        wg_buf payload;
        wg_buf_init(&payload, NULL);
        uint64_t epoch = 0;
        uint64_t removed = 0;
        teardown(NULL);
        setup(NULL);
        wrap_long_path(dir, size);
        assert_int_equal(sim->ops->make_directory(sim, "/L", NULL), WG_OK);
        assert_int_equal(sim->ops->make_directory(sim, "/L/manifest", NULL), WG_OK);
        put_current("/L/CURRENT", 1);
        put_file("/L/CURRENT.tmp", "");
        put_file("/L/manifest/00000000000000000007.json", "");
        put_file("/L/manifest/00000000000000000009.json.tmp", "");
        const wg_code expired = wg_manifest_expire(p, dir, 1, &removed, NULL);
        const wg_code cleaned = wg_manifest_clean(p, dir, NULL);
        const wg_code committed = wg_manifest_commit(p, dir, 2, wg_slice_str("two"), NULL);
        const wg_code was_read = wg_manifest_read(p, dir, &epoch, &payload, NULL);
        assert_true(expired == WG_OK || expired == WG_E_LIMIT);
        assert_true(cleaned == WG_OK || cleaned == WG_E_LIMIT);
        assert_true(committed == WG_OK || committed == WG_E_LIMIT);
        assert_int_equal(was_read, committed); /* of the same lengths */
        assert_true(WG_IMPLIES(committed == WG_OK, epoch == 2 && exists("/L/manifest/00000000000000000002.json")));
        assert_true(exists("/L/manifest/00000000000000000007.json") == (expired != WG_OK));
        assert_true(WG_IMPLIES(cleaned == WG_OK, !exists("/L/manifest/00000000000000000009.json.tmp")));
        worked += committed == WG_OK;
        refused += committed == WG_E_LIMIT;
        wg_buf_deinit(&payload);
    }
    assert_true(worked > 0 && refused > 0);
}

/* Goal: where there is nothing to expire no directory is synced for it; for each epoch that is removed there is one call, and one sync for all. */
static void test_manifest_expire_syncs_what_it_removed(void **state) {
    (void)state;
    wg_platform *counted = NULL;
    assert_int_equal(wg_platform_fault_create(sim, &counted, NULL), WG_OK);
    for (uint64_t epoch = 1; epoch <= 4; epoch++) commit_ok(epoch, "text");
    uint64_t calls[3];
    static const uint32_t keep[] = {4, 2, 2}; /* removes none, two, none */
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t removed = 0;
        const uint64_t before = wg_platform_fault_calls(counted);
        assert_int_equal(wg_manifest_expire(counted, "/db", keep[i], &removed, NULL), WG_OK);
        calls[i] = wg_platform_fault_calls(counted) - before;
        assert_int_equal(removed, i == 1 ? 2 : 0);
    }
    assert_int_equal(calls[1], calls[0] + 2 + 1);
    assert_int_equal(calls[2], calls[0]);
    assert_int_equal(epoch_read(), 4);
    wg_platform_fault_destroy(counted);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_manifest_any_call_may_fail),
        T(test_manifest_first_error_wins),
        T(test_manifest_current_of_another_shape_is_corrupt),
        T(test_manifest_foreign_names_stay),
        T(test_manifest_clean_is_bounded),
        T(test_manifest_paths_near_the_limit),
        T(test_manifest_expire_syncs_what_it_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
