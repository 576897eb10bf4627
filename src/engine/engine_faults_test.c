/* Opening, following, checkpoints, backup, restore, expiry and verification while the n-th platform call or the n-th allocation fails, for
 * n = 1, 2, .. until each runs through. The answer is typed, told or not; the disk that is left opens to the same state, verifies, and
 * takes the same operation again. */
#include "base/core/test_seed.h"
#include "base/memory/test_memory.h"
#include "engine/test_workspace.h"

/* WAY_EXACT: an allocation where buffers take no more than they need, so that there are many more. */
typedef enum way { WAY_CALL, WAY_ALLOCATION, WAY_EXACT, WAY_COUNT } way;

static uint64_t runs;
static uint64_t seed;

typedef wg_code (*operation)(wg_platform *p, wg_error *err);

static wg_code open_and(wg_platform *p, wg_code (*then)(wg_engine *e, wg_error *err), wg_error *err) {
    const wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    WG_TRY(wg_engine_open("/ws", &o, &e, err));
    const wg_code code = then(e, err);
    wg_error second = {0};
    const wg_code closed = wg_engine_close(e, &second);
    if (code == WG_OK && closed != WG_OK && err != NULL) *err = second;
    return code != WG_OK ? code : closed;
}

static wg_code nothing(wg_engine *e, wg_error *err) {
    (void)e, (void)err;
    return WG_OK;
}
static wg_code do_open(wg_platform *p, wg_error *err) { return open_and(p, nothing, err); }

static wg_code do_verify(wg_platform *p, wg_error *err) {
    wg_verify_report report;
    return wg_engine_verify(p, "/ws", &report, err);
}

static wg_code checkpoint(wg_engine *e, wg_error *err) { return wg_engine_checkpoint(e, NULL, err); }
static wg_code do_checkpoint(wg_platform *p, wg_error *err) { return open_and(p, checkpoint, err); }

static wg_code expire(wg_engine *e, wg_error *err) {
    WG_TRY(wg_engine_expire(e, 5, err));
    return wg_engine_expire(e, 9, err);
}
static wg_code do_expire(wg_platform *p, wg_error *err) { return open_and(p, expire, err); }

static bool go_on(void *ctx, uint64_t done, uint64_t total) {
    (void)ctx;
    return done <= total;
}

static wg_code backup(wg_engine *e, wg_error *err) {
    wg_backup_info info;
    WG_TRY(wg_engine_backup(e, "/backup", go_on, NULL, &info, err));
    WG_TRY(wg_engine_checkpoint(e, NULL, err));
    return wg_engine_backup(e, "/backup", NULL, NULL, &info, err);
}
static wg_code do_backup(wg_platform *p, wg_error *err) { return open_and(p, backup, err); }

static wg_code do_restore(wg_platform *p, wg_error *err) {
    const wg_restore_request request = {.from = "/ws", .to = "/restored", .progress = go_on};
    return wg_engine_restore(p, &request, NULL, err); /* it verifies what it made */
}

static wg_code do_follow(wg_platform *p, wg_error *err) {
    wg_engine_options o = ws_options(p);
    wg_engine *reader = NULL;
    uint64_t logseq = 0;
    o.options.read_only = true;
    WG_TRY(wg_engine_open("/ws", &o, &reader, err));
    const wg_code code = wg_engine_follow(reader, &logseq, err);
    if (code == WG_OK) assert_int_equal(logseq, ws_logseq);
    (void)wg_engine_close(reader, NULL);
    return code;
}

static wg_code do_in_memory(wg_platform *p, wg_error *err) {
    wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    o.options.durability = WG_IN_MEMORY;
    WG_TRY(wg_engine_open("/ws", &o, &e, err));
    return wg_engine_close(e, err);
}

/* A budget so small that the replay makes checkpoints on its way. */
static wg_code do_tight_open(wg_platform *p, wg_error *err) {
    wg_engine_options o = ws_options(p);
    wg_engine *e = NULL;
    o.options.budget.hot = UINT64_C(3) << 18;
    WG_TRY(wg_engine_open("/ws", &o, &e, err));
    return wg_engine_close(e, err);
}

static void check_after(wg_platform *p, const char *name, uint64_t n) {
    wg_verify_report report;
    wg_error seen = {0};
    if (wg_engine_verify(p, "/ws", &report, &seen) != WG_OK)
        fail_msg("%s, n %llu: verify: %s", name, (unsigned long long)n, seen.message);
    wg_engine *e = ws_open(p);
    ws_expect_same(e);
    MODEL_OK(wg_engine_close(e, err));
}

/* One run; true when the fault was met. */
static bool one_run(operation run, const char *name, way w, uint64_t n, bool tell) {
    wg_platform *disk = ws_copy();
    wg_platform *faulty = NULL;
    wg_error seen = {0};
    MODEL_OK(wg_platform_fault_create(disk, &faulty, err));
    const uint64_t allocations = wg_memory_calls();
    if (w == WAY_CALL) wg_platform_fault_arm(faulty, n, n % 2 == 0 ? WG_FAULT_EIO : WG_FAULT_ENOSPC, false);
    else wg_memory_fail_at(n, false);
    wg_memory_take_exactly(w == WAY_EXACT);
    const wg_code code = run(faulty, tell ? &seen : NULL);
    wg_memory_take_exactly(false);
    const bool met = w == WAY_CALL ? wg_platform_fault_calls(faulty) >= n : wg_memory_calls() - allocations >= n;
    wg_memory_fail_at(0, false);
    wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
    const wg_code expected = w == WAY_CALL ? WG_E_IO : WG_E_NOMEM;
    if (code != WG_OK && (code != expected || !met))
        fail_msg("%s, n %llu: %s: %s", name, (unsigned long long)n, wg_code_name(code), seen.message);
    if (tell && code != WG_OK) assert_true(seen.code == code && seen.message[0] != '\0');
    runs++;
    if (code != WG_OK && n % 4 == seed % 4) {
        check_after(disk, name, n);
        wg_error again = {0};
        const wg_code second = run(disk, &again);
        if (second != WG_OK) fail_msg("%s, again after n %llu: %s", name, (unsigned long long)n, again.message);
        check_after(disk, name, n);
    }
    wg_platform_fault_destroy(faulty);
    wg_platform_sim_destroy(disk);
    return met;
}

static void every_n(operation run, const char *name) {
    for (way w = WAY_CALL; w < WAY_COUNT; w++) {
        const uint64_t before = runs;
        const uint64_t step = w == WAY_EXACT ? (wg_test_small() ? 23 : 3) : 1;
        for (uint64_t n = 1 + seed % step; one_run(run, name, w, n, n % 2 == 0); n += step) continue;
        printf("%s, way %d: %llu runs\n", name, (int)w, (unsigned long long)(runs - before));
    }
}

#define FAULT_TEST(name)                           \
    static void test_##name##_may_fail(void **s) { \
        (void)s;                                   \
        every_n(do_##name, #name);                 \
    }

/* Goal of each: any one failing call or allocation is a typed error that costs nothing. */
FAULT_TEST(open)
FAULT_TEST(verify)
FAULT_TEST(checkpoint)
FAULT_TEST(expire)
FAULT_TEST(backup)
FAULT_TEST(restore)
FAULT_TEST(follow)
FAULT_TEST(in_memory)
FAULT_TEST(tight_open)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_may_fail),       cmocka_unit_test(test_verify_may_fail),
        cmocka_unit_test(test_checkpoint_may_fail), cmocka_unit_test(test_expire_may_fail),
        cmocka_unit_test(test_backup_may_fail),     cmocka_unit_test(test_restore_may_fail),
        cmocka_unit_test(test_follow_may_fail),     cmocka_unit_test(test_in_memory_may_fail),
        cmocka_unit_test(test_tight_open_may_fail),
    };
    seed = wg_test_seed(1);
    ws_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ws_free();
    return failed;
}
