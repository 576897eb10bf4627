/* The n-th platform call fails, and the n-th allocation is refused, for every n of a scenario on the log and of one on the
 * manifest, once and from then on, in five ways.
 *
 * Every outcome is success or a typed error; nothing leaks (an account counts what the log holds, sanitizers the rest);
 * afterwards, with the faults off, everything that was acknowledged is there and the log takes commits again. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "io/manifest_txn/manifest_txn.h"
#include "io/wal_store/wal_store.h"

static wg_account account;
static uint64_t runs;

typedef struct world {
    wg_platform *sim;
    wg_platform *p; /* faulty */
    wg_wal_options options;
    uint64_t acked;
    uint64_t attempted;
    uint64_t epoch_acked;
    uint64_t epoch_attempted;
    wg_code worst; /* the last error seen */
} world;

static void world_make(world *w) {
    memset(w, 0, sizeof *w);
    wg_account_init(&account, NULL, 0);
    w->options = (wg_wal_options){.segment_bytes = 4096, .account = &account};
    w->options.store_uuid[0] = 9;
    assert_int_equal(wg_platform_sim_create(1, &w->sim, NULL), WG_OK);
    assert_int_equal(wg_platform_fault_create(w->sim, &w->p, NULL), WG_OK);
    static const char *const directories[] = {"/wal", "/manifest"};
    for (size_t i = 0; i < 2; i++) assert_int_equal(w->sim->ops->make_directory(w->sim, directories[i], NULL), WG_OK);
    assert_int_equal(w->sim->ops->sync_directory(w->sim, "/", NULL), WG_OK);
}

static void world_end(world *w) {
    wg_platform_fault_destroy(w->p);
    wg_platform_sim_destroy(w->sim);
}

/* Notes a typed error; an error without text or code is a defect. */
static bool went_well(world *w, wg_code code, wg_error *err) {
    if (code == WG_OK) {
        assert_int_equal(err->code, WG_OK);
        return true;
    }
    assert_int_equal(err->code, code);
    assert_true(err->message[0] != '\0');
    assert_true(code == WG_E_IO || code == WG_E_NOMEM);
    w->worst = code;
    wg_error_clear(err);
    return false;
}

static void append_and_wait(world *w, wg_wal *wal, size_t size) {
    static const uint8_t bytes[9000] = {1, 2, 3};
    const wg_slice part = wg_slice_of(bytes, size);
    wg_error err = {0};
    uint64_t logseq = 0;
    w->attempted = wg_wal_last_logseq(wal) + 1;
    if (!went_well(w, wg_wal_append(wal, &part, 1, &logseq, &err), &err)) return;
    assert_int_equal(logseq, w->attempted);
    if (went_well(w, wg_wal_wait(wal, logseq, &err), &err)) w->acked = logseq;
}

/* Create, open, commits with rotation and splits, close, and all of it again. */
static void log_scenario(world *w) {
    wg_error err = {0};
    static const size_t sizes[] = {10, 3000, 2000, 9000, 1, 600};
    for (size_t round = 0; round < 2; round++) {
        wg_wal *wal = NULL;
        if (round == 0) {
            if (!went_well(w, wg_wal_create(w->p, "/wal", &w->options, &err), &err)) return;
        }
        if (!went_well(w, wg_wal_open(w->p, "/wal", &w->options, NULL, NULL, &wal, NULL, &err), &err)) return;
        for (size_t i = 0; i < 10; i++) append_and_wait(w, wal, 60); /* the last ones go direct */
        for (size_t i = 0; i < 6; i++) append_and_wait(w, wal, sizes[i]);
        (void)went_well(w, wg_wal_close(wal, &err), &err);
    }
}

static void manifest_scenario(world *w) {
    wg_error err = {0};
    for (uint64_t i = 1; i <= 3; i++) {
        w->epoch_attempted = i;
        if (!went_well(w, wg_manifest_commit(w->p, "/", i, wg_slice_str("content"), &err), &err)) continue;
        w->epoch_acked = i;
        wg_buf payload;
        wg_buf_init(&payload, &account);
        uint64_t epoch = 0;
        if (went_well(w, wg_manifest_read(w->p, "/", &epoch, &payload, &err), &err)) assert_int_equal(epoch, i);
        wg_buf_deinit(&payload);
        (void)went_well(w, wg_manifest_clean(w->p, "/", &err), &err);
        uint64_t removed = 0;
        (void)went_well(w, wg_manifest_expire(w->p, "/", 1, &removed, &err), &err);
    }
}

static wg_code count_commit(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    (void)payload;
    (void)chain;
    (void)err;
    *(uint64_t *)ctx = logseq;
    return WG_OK;
}

/* Faults are off: what was acknowledged is there, and work goes on. */
static void check_log(world *w) {
    wg_error err = {0};
    wg_wal *wal = NULL;
    uint64_t last = 0;
    wg_code code = wg_wal_open(w->sim, "/wal", &w->options, count_commit, &last, &wal, NULL, &err);
    if (code != WG_OK && w->acked == 0) {
        wg_error_clear(&err);
        assert_int_equal(wg_wal_create(w->sim, "/wal", &w->options, &err), WG_OK);
        code = wg_wal_open(w->sim, "/wal", &w->options, count_commit, &last, &wal, NULL, &err);
    }
    if (code != WG_OK) fail_msg("reopen: %s", err.message);
    assert_true(last >= w->acked);
    assert_true(last <= w->attempted);
    append_and_wait(w, wal, 500);
    assert_int_equal(w->acked, last + 1);
    assert_int_equal(wg_wal_close(wal, &err), WG_OK);
    wg_wal_recovery recovery;
    assert_int_equal(wg_wal_scan(w->sim, "/wal", w->options.store_uuid, NULL, NULL, &recovery, &err), WG_OK);
    assert_int_equal(recovery.last_logseq, last + 1);
    assert_int_equal(recovery.torn_tail_bytes, 0);
}

static void check_manifest(world *w) {
    wg_error err = {0};
    uint64_t epoch = 0;
    wg_buf payload;
    wg_buf_init(&payload, &account);
    const wg_code code = wg_manifest_read(w->sim, "/", &epoch, &payload, &err);
    if (code == WG_E_NOT_FOUND) assert_int_equal(w->epoch_acked, 0);
    else assert_int_equal(code, WG_OK);
    assert_true(epoch >= w->epoch_acked);
    assert_true(epoch <= w->epoch_attempted);
    assert_int_equal(wg_manifest_commit(w->sim, "/", epoch + 1, wg_slice_str("content"), NULL), WG_OK);
    wg_buf_deinit(&payload);
}

typedef struct scenario {
    void (*run)(world *w);
    void (*check)(world *w);
} scenario;
static const scenario log_faults = {log_scenario, check_log};
static const scenario manifest_faults = {manifest_scenario, check_manifest};

static void fail_every_call(const scenario *s, wg_fault_kind kind, bool persistent) {
    for (uint64_t n = 1;; n++) {
        world w;
        world_make(&w);
        wg_platform_fault_arm(w.p, n, kind, persistent);
        s->run(&w);
        const bool through = wg_platform_fault_calls(w.p) < n;
        wg_platform_fault_arm(w.p, 0, kind, false);
        assert_int_equal(wg_account_bytes(&account), 0); /* nothing is still held */
        s->check(&w);
        runs++;
        world_end(&w);
        if (through) return;
    }
}

static void fail_every_call_every_way(const scenario *s) {
    for (unsigned kind = WG_FAULT_EIO; kind <= WG_FAULT_SHORT_WRITE; kind++) {
        fail_every_call(s, (wg_fault_kind)kind, false);
        fail_every_call(s, (wg_fault_kind)kind, true);
    }
}

static void fail_every_allocation(const scenario *s, bool persistent) {
    for (uint64_t n = 1;; n++) {
        world w;
        world_make(&w);
        const uint64_t before = wg_memory_calls();
        wg_memory_fail_at(n, persistent);
        s->run(&w);
        const bool through = wg_memory_calls() - before < n;
        wg_memory_fail_at(0, false);
        assert_int_equal(wg_account_bytes(&account), 0);
        s->check(&w);
        runs++;
        world_end(&w);
        if (through) return;
    }
}

/* Goal: the log under every failing call. */
static void test_fault_log_every_call(void **state) {
    (void)state;
    fail_every_call_every_way(&log_faults);
}
/* Goal: the manifest under every failing call. */
static void test_fault_manifest_every_call(void **state) {
    (void)state;
    fail_every_call_every_way(&manifest_faults);
}
/* Goal: both with every allocation refused. */
static void test_fault_every_allocation(void **state) {
    (void)state;
    fail_every_allocation(&log_faults, false);
    fail_every_allocation(&log_faults, true);
    fail_every_allocation(&manifest_faults, false);
    fail_every_allocation(&manifest_faults, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_log_every_call),
        cmocka_unit_test(test_fault_manifest_every_call),
        cmocka_unit_test(test_fault_every_allocation),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%llu faulty runs\n", (unsigned long long)runs);
    return failed;
}
