/* Maintenance at its edges: a checkpoint that failed tried again in the same engine, errors that come second, retention by options, strange
 * names among the stripes, definitions in more than one piece, stores that keep nothing on a disk. */
#include "engine/test_workspace.h"

enum { KEYS = 17000 }; /* more than one piece holds */

static wrap_platform wrap;

static wg_engine *open_with(wg_platform *p, const char *path, wg_options options) {
    wg_engine_options o = {.platform = p, .options = options, .wal_segment_bytes = 1 << 13};
    wg_engine *e = NULL;
    o.options.threads = 1;
    o.options.no_background = true;
    MODEL_OK(wg_engine_open(path, &o, &e, err));
    return e;
}

/* A commit that makes one open label or key. */
static void make_label(wg_engine *e, const char *name) {
    wg_txn *txn = NULL;
    uint32_t label = 0;
    uint64_t id = 0;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str(name), false, &label, err));
    MODEL_OK(wg_txn_create_node(txn, &label, 1, NULL, 0, &id, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void ws_body_drop_kept(world *w, wg_txn *txn) {
    (void)w;
    MODEL_OK(wg_txn_drop_label(txn, wg_slice_str("Kept"), false, false, err));
}

/* Goal: whichever call or allocation of a checkpoint fails, the same engine reads on, writes on, and makes the checkpoint the next time;
 * what it left is opened as the same state. */
static void test_checkpoint_is_made_up_for(void **state) {
    (void)state;
    for (unsigned memory = 0; memory < 2; memory++) {
        bool met = true;
        for (uint64_t n = 1; met; n++) {
            wg_platform *disk = ws_copy();
            wg_platform *fault = NULL;
            wg_checkpoint_info info;
            wg_error seen = {0};
            MODEL_OK(wg_platform_fault_create(disk, &fault, err));
            wg_engine *e = ws_open(fault);
            world w = {.engine = e};
            make_label(e, "Before"); /* new definitions and a drop are among what is stored */
            ws_commit(&w, ws_body_drop_kept);
            const uint64_t allocations = wg_memory_calls();
            const uint64_t calls = wg_platform_fault_calls(fault);
            if (memory == 1) wg_memory_fail_at(n, false);
            else wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
            const wg_code code = wg_engine_checkpoint(e, &info, &seen);
            met = memory == 1 ? wg_memory_calls() - allocations >= n : wg_platform_fault_calls(fault) - calls >= n;
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            if (code != WG_OK && code != (memory == 1 ? WG_E_NOMEM : WG_E_IO)) fail_msg("%s", seen.message);
            const bool poisoned = code == WG_E_IO && strstr(seen.message, "log") != NULL;
            if (!poisoned) {
                make_label(e, "After");
                MODEL_OK(wg_engine_checkpoint(e, &info, err));
                assert_int_equal(info.logseq, ws_logseq + 3);
                assert_int_equal(atomic_load(&e->maintenance.stored), ws_logseq + 3);
            }
            const wg_code closed = wg_engine_close(e, NULL);
            assert_true(closed == WG_OK || poisoned);
            e = ws_open(disk);
            assert_int_equal(wg_engine_logseq(e), ws_logseq + (poisoned ? 2 : 3));
            MODEL_OK(wg_engine_close(e, err));
            wg_platform_fault_destroy(fault);
            wg_platform_sim_destroy(disk);
        }
    }
}

/* Goal: an error that the caller brings along stays: what fails behind it does not overwrite it. */
static void test_second_errors_do_not_overwrite(void **state) {
    (void)state;
    static const struct {
        wrap_call call;
        const char *part;
    } rules[] = {{WRAP_OPEN, "CURRENT"}, {WRAP_OPEN, "LOCK"},      {WRAP_LIST, "wal"},   {WRAP_STAT, "CURRENT"},
                 {WRAP_MKDIR, NULL},     {WRAP_LIST, "stripes"},   {WRAP_OPEN, ".arc1"}, {WRAP_STAT, "HEAD"},
                 {WRAP_LOCK, NULL},      {WRAP_OPEN, "/ws/wal/0"}, {WRAP_LIST, "/to"},   {WRAP_OPEN, "/b/stripes"}};
    uint32_t failed = 0;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        for (int run = 0; run < 9; run++) {
            wg_platform *disk = ws_copy();
            wg_platform *p = wrap_begin(&wrap, disk);
            wg_engine *e = run < 3 ? ws_open(p) : NULL;
            wg_engine *other = NULL;
            wg_verify_report report;
            wg_engine_options o = ws_options(p);
            const wg_restore_request request = {.from = "/ws", .to = "/to"};
            wg_error seen = {0};
            (void)wg_error_set(&seen, WG_E_LIMIT, 7, "before");
            if (run == 1) MODEL_OK(wg_engine_backup(e, "/b", NULL, NULL, NULL, err));
            o.options.read_only = run == 4 || run == 6;
            if (run == 6) MODEL_OK(wg_engine_open("/ws", &o, &other, err));
            wrap_rule(&wrap, rules[i].call, rules[i].part, WG_E_IO);
            wg_code code = WG_OK;
            if (run == 0) code = wg_engine_checkpoint(e, NULL, &seen);
            else if (run <= 1) code = wg_engine_backup(e, "/b", NULL, NULL, NULL, &seen);
            else if (run == 2) code = wg_engine_expire(e, 5, &seen);
            else if (run == 3) code = wg_engine_restore(p, &request, NULL, &seen);
            else if (run == 4) code = wg_engine_open("/ws", &o, &other, &seen);
            else if (run == 5) code = wg_engine_verify(p, "/ws", &report, &seen);
            else if (run == 6) code = wg_engine_follow(other, NULL, &seen);
            else code = wg_engine_open("/ws", &o, &other, run == 7 ? &seen : NULL);
            wrap_clear(&wrap);
            failed += code != WG_OK;
            if (seen.code != WG_E_LIMIT || strstr(seen.message, "before") == NULL) /* a place may stand before it */
                fail_msg("rule %zu, run %d: '%s'", i, run, seen.message);
            (void)wg_engine_close(e, NULL);
            (void)wg_engine_close(other, NULL);
            wg_platform_sim_destroy(disk);
        }
    assert_true(failed > 25);
}

/* Goal: options alone let old snapshots and old manifests go. */
static void test_retention_by_options(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_engine *e =
        open_with(p, "/ws", (wg_options){.retain_commits = 3, .retain_manifests = 2, .sync_batch_commits = 5});
    const char *const names[] = {"A1", "A2", "A3"};
    wg_txn *txn = NULL;
    wg_file_info info;
    for (size_t i = 0; i < 3; i++) {
        make_label(e, names[i]);
        MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    }
    const uint64_t logseq = wg_engine_logseq(e);
    assert_int_equal(wg_engine_horizon(e), logseq - 3);
    assert_int_equal(wg_txn_begin(e, WG_TXN_READ, logseq - 4, &txn, NULL), WG_E_EXPIRED);
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, logseq - 3, &txn, err));
    wg_txn_abort(txn);
    char path[64];
    uint32_t manifests = 0;
    for (uint64_t epoch = 1; epoch <= wg_engine_manifest_epoch(e); epoch++) {
        snprintf(path, sizeof path, "/ws/manifest/%020llu.json", (unsigned long long)epoch);
        manifests += p->ops->stat(p, path, &info, NULL) == WG_OK;
    }
    assert_int_equal(manifests, 2);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
    /* More commits to keep than there are: nothing expires. */
    p = ws_copy();
    e = open_with(p, "/ws", (wg_options){.retain_commits = 1000});
    const uint64_t horizon = wg_engine_horizon(e);
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    assert_int_equal(wg_engine_horizon(e), horizon);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: a store that keeps nothing on a disk counts registrations and expires snapshots like any other, and leaves its directory alone. */
static void test_in_memory_stores_are_maintained(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    const char *const paths[] = {NULL, "/ws"};
    for (size_t i = 0; i < 2; i++) {
        wg_engine *e = open_with(p, paths[i], (wg_options){.durability = WG_IN_MEMORY});
        world w = {.engine = e};
        const uint64_t epoch = wg_engine_manifest_epoch(e);
        const uint64_t calls = wg_platform_sim_calls(p);
        ws_commit(&w, i == 0 ? ws_body_label : ws_body_drop_kept);
        assert_int_equal(wg_engine_manifest_epoch(e), epoch + 1);
        make_label(e, "M");
        MODEL_OK(wg_engine_expire(e, wg_engine_logseq(e), err));
        assert_int_equal(wg_engine_horizon(e), wg_engine_logseq(e));
        assert_int_equal(wg_engine_expire(e, wg_engine_logseq(e) + 1, NULL), WG_E_EXPIRED);
        MODEL_OK(wg_engine_checkpoint(e, NULL, err));
        assert_int_equal(wg_engine_backup(e, "/b", NULL, NULL, NULL, NULL), WG_E_UNSUPPORTED);
        assert_int_equal(wg_platform_sim_calls(p), calls);
        MODEL_OK(wg_engine_close(e, err));
    }
    wg_engine *e = ws_open(p);
    ws_expect_same(e);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: pins keep their snapshot, are refused without memory and below the horizon, and an engine knows whether anybody reads. */
static void test_pins_and_idleness(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_engine *e = ws_open(p);
    wg_engine_pin *pin = NULL;
    wg_engine_pin *again = NULL;
    wg_txn *txn = NULL;
    wgi_pin never = {.next = NULL};
    assert_true(wg_engine_is_idle(e));
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_engine_pin_acquire(e, 3, &pin, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    MODEL_OK(wg_engine_pin_acquire(e, 3, &pin, err));
    assert_false(wg_engine_is_idle(e));
    MODEL_OK(wg_engine_expire(e, 9, err));
    MODEL_OK(wg_engine_pin_acquire(e, 3, &again, err)); /* somebody holds it, so it is whole */
    assert_int_equal(wgi_drop_horizon(e), 3);
    wg_engine_pin_release(e, again);
    wg_engine_pin_release(e, pin);
    assert_int_equal(wg_engine_pin_acquire(e, 3, &pin, NULL), WG_E_EXPIRED);
    wg_engine_pin_release(e, NULL);
    wgi_pin_clear(e, &never); /* it never was set */
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    assert_false(wg_engine_is_idle(e));
    wg_txn_abort(txn);
    assert_true(wg_engine_is_idle(e));
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

static void touch(wg_platform *p, const char *path) {
    wg_file *file = NULL;
    MODEL_OK(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    p->ops->close(p, file);
}

/* Goal: an opening removes stripes that nothing names and half-written ones, says so when it cannot, and leaves other names alone. */
static void test_strange_stripes(void **state) {
    (void)state;
    static const char *const gone[] = {"/ws/stripes/00000000000000000900.arc1",
                                       "/ws/stripes/00000000000000000901.arc1.tmp"};
    for (size_t i = 0; i < 2; i++) {
        wg_platform *disk = ws_copy();
        wg_platform *p = wrap_begin(&wrap, disk);
        const wg_engine_options o = ws_options(p);
        wg_engine *e = NULL;
        wg_file_info info;
        touch(disk, gone[i]);
        touch(disk, "/ws/stripes/readme");
        MODEL_OK(disk->ops->make_directory(disk, "/ws/stripes/00000000000000000902.arc1", err));
        wrap_rule(&wrap, WRAP_UNLINK, "0090", WG_E_IO);
        assert_int_equal(wg_engine_open("/ws", &o, &e, NULL), WG_E_IO);
        wrap_clear(&wrap);
        e = ws_open(p);
        assert_int_equal(disk->ops->stat(disk, gone[i], &info, NULL), WG_E_NOT_FOUND);
        MODEL_OK(disk->ops->stat(disk, "/ws/stripes/readme", &info, err));
        MODEL_OK(disk->ops->stat(disk, "/ws/stripes/00000000000000000902.arc1", &info, err));
        ws_expect_same(e);
        MODEL_OK(wg_engine_close(e, err));
        wg_platform_sim_destroy(disk);
    }
}

/* Goal: a stripe that cannot be removed after a merge stays on the list and goes the next time. */
static void test_garbage_waits(void **state) {
    (void)state;
    wg_platform *disk = ws_copy();
    wg_platform *p = wrap_begin(&wrap, disk);
    wg_engine *e = ws_open(p);
    const wg_compact_options everything = {.everything = true};
    wrap_rule(&wrap, WRAP_UNLINK, ".arc1", WG_E_IO);
    MODEL_OK(wg_engine_compact(e, &everything, NULL, NULL, NULL, err));
    assert_true(e->maintenance.garbage.size > 0);
    wrap_clear(&wrap);
    char path[64]; /* one of them is gone by itself */
    snprintf(path, sizeof path, "/ws/stripes/%020llu.arc1",
             (unsigned long long)wg_load_u64le(e->maintenance.garbage.data));
    MODEL_OK(disk->ops->unlink(disk, path, err));
    make_label(e, "G");
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    assert_int_equal(e->maintenance.garbage.size, 0);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(disk);
}

static void body_keys(world *w, wg_txn *txn) {
    char name[16];
    (void)w;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t key = 0;
        snprintf(name, sizeof name, "key%u", i);
        MODEL_OK(wg_txn_intern_key(txn, wg_slice_str(name), &key, err));
    }
}

/* Goal: definitions that fill more than one piece are stored and read in their order, whichever allocation fails on the way. */
static void test_definitions_in_pieces(void **state) {
    (void)state;
    bool met = true;
    for (uint64_t n = 1; met; n += 1 + n / 3) {
        wg_platform *p = ws_copy();
        world w = {.engine = ws_open(p)};
        uint32_t key = UINT32_MAX;
        ws_commit(&w, body_keys);
        const uint64_t allocations = wg_memory_calls();
        wg_memory_fail_at(n, false);
        const wg_code code = wg_engine_checkpoint(w.engine, NULL, NULL);
        met = wg_memory_calls() - allocations >= n;
        wg_memory_fail_at(0, false);
        if (code != WG_OK) {
            assert_int_equal(code, WG_E_NOMEM);
            MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
        }
        assert_true(w.engine->maintenance.catalog_pieces >= 4);
        MODEL_OK(wg_engine_close(w.engine, err));
        wg_engine *e = ws_open(p);
        wg_txn *txn = NULL;
        MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
        const uint32_t count = wg_catalog_key_count(e->catalog);
        MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("key16999"), &key, err));
        assert_int_equal(wg_catalog_key_count(e->catalog), count); /* it was there */
        wg_txn_abort(txn);
        MODEL_OK(wg_engine_close(e, err));
        wg_platform_sim_destroy(p);
    }
}

/* Goal: a manifest that another call may have replaced is looked at before the next epoch is given out; while it cannot be read nothing is
 * committed under a guess. */
static void test_epochs_after_an_unsure_commit(void **state) {
    (void)state;
    wg_platform *disk = ws_copy();
    wg_platform *p = wrap_begin(&wrap, disk);
    wg_engine *e = ws_open(p);
    const uint64_t epoch = wg_engine_manifest_epoch(e);
    wrap_rule(&wrap, WRAP_SYNC_DIRECTORY, NULL, WG_E_IO);
    wrap.after = 1; /* the manifest's own is through, that of CURRENT is not: either may be on the disk */
    assert_int_equal(wg_engine_expire(e, 4, NULL), WG_E_IO);
    assert_true(e->maintenance.manifest_unsure);
    wrap_rule(&wrap, WRAP_OPEN, "CURRENT", WG_E_IO);
    assert_int_equal(wg_engine_expire(e, 4, NULL), WG_E_IO);
    assert_true(e->maintenance.manifest_unsure);
    wrap_clear(&wrap);
    MODEL_OK(wg_engine_expire(e, 4, err));
    assert_int_equal(wg_engine_manifest_epoch(e), epoch + 2);
    assert_false(e->maintenance.manifest_unsure);
    MODEL_OK(wg_engine_close(e, err));
    e = ws_open(disk);
    assert_int_equal(wg_engine_horizon(e), 4);
    ws_expect_same(e);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(disk);
}

/* Goal: a write over a cap that no checkpoint helps is refused before it begins and counted; one whose checkpoint fails says why. */
static void test_writes_that_cannot_be_admitted(void **state) {
    (void)state;
    wg_platform *disk = ws_copy();
    wg_platform *p = wrap_begin(&wrap, disk);
    wg_engine *e = ws_open(p);
    wg_txn *txn = NULL;
    make_label(e, "Wanted"); /* something to put into stripes */
    e->options.budget.hot = 1;
    wrap_rule(&wrap, WRAP_OPEN, ".arc1.tmp", WG_E_IO);
    assert_int_equal(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, NULL), WG_E_IO);
    atomic_store(&e->maintenance.log_bytes, 10);
    e->options.checkpoint_log_bytes = UINT64_MAX;
    wgi_background_notice(e); /* tried, and not again before the log has grown */
    assert_int_equal(e->maintenance.background.last_error.code, WG_E_IO);
    assert_true(atomic_load(&e->maintenance.retry_bytes) > 10);
    atomic_store(&e->maintenance.retry_bytes, 0);
    wrap_clear(&wrap);
    assert_int_equal(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, NULL), WG_E_CAPACITY);
    assert_int_equal(atomic_load(&e->maintenance.refused_writes), 1);
    atomic_store(&e->maintenance.heap_after,
                 UINT64_MAX / 2); /* the last checkpoint left as much: another is no help */
    const uint64_t before = atomic_load(&e->maintenance.checkpoints);
    atomic_store(&e->maintenance.log_bytes, 10);
    wgi_background_notice(e);
    atomic_store(&e->maintenance.log_bytes, 0);
    wgi_background_notice(e);
    atomic_store(&e->maintenance.heap_after, 0);
    atomic_store(&e->maintenance.log_bytes, 10);
    atomic_store(&e->maintenance.retry_bytes, 11); /* after a failure: not yet */
    wgi_background_notice(e);
    assert_int_equal(atomic_load(&e->maintenance.checkpoints), before);
    atomic_store(&e->maintenance.retry_bytes, 0);
    e->options.budget.hot = 0;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    wg_txn_abort(txn);
    assert_int_equal(wg_engine_logseq(e), ws_logseq + 1);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(disk);
}

/* Goal: a reader whose disk fails while it takes in a commit says so, told or not, keeps what it shows, and asks to be opened anew. */
static void test_reader_meets_a_failing_disk(void **state) {
    (void)state;
    for (int tell = 0; tell < 2; tell++) {
        wg_platform *disk = ws_copy();
        wg_platform *p = wrap_begin(&wrap, disk);
        wg_engine_options o = ws_options(p);
        wg_engine *writer = ws_open(disk);
        wg_engine *reader = NULL;
        wg_error seen = {0};
        uint64_t logseq = 7;
        (void)wg_error_set(&seen, WG_E_LIMIT, 7, "before");
        o.options.read_only = true;
        MODEL_OK(wg_engine_open("/ws", &o, &reader, err));
        make_label(writer, "News");
        wrap_rule(&wrap, WRAP_READ, ".wal", WG_E_IO);
        assert_int_equal(wg_engine_follow(reader, &logseq, tell == 1 ? &seen : NULL), WG_E_IO);
        assert_true(seen.code == WG_E_LIMIT && logseq == 7);
        wrap_clear(&wrap);
        ws_expect_same(reader);
        assert_int_equal(wg_engine_follow(reader, &logseq, NULL), WG_E_EXPIRED);
        MODEL_OK(wg_engine_close(reader, err));
        MODEL_OK(wg_engine_close(writer, err));
        wg_platform_sim_destroy(disk);
    }
    wg_engine *alone = open_with(NULL, NULL, (wg_options){.durability = WG_IN_MEMORY, .read_only = true});
    uint64_t logseq = 7;
    MODEL_OK(wg_engine_follow(alone, &logseq, err)); /* nobody writes it */
    assert_int_equal(logseq, 0);
    MODEL_OK(wg_engine_close(alone, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint_is_made_up_for),
        cmocka_unit_test(test_second_errors_do_not_overwrite),
        cmocka_unit_test(test_retention_by_options),
        cmocka_unit_test(test_in_memory_stores_are_maintained),
        cmocka_unit_test(test_pins_and_idleness),
        cmocka_unit_test(test_strange_stripes),
        cmocka_unit_test(test_garbage_waits),
        cmocka_unit_test(test_definitions_in_pieces),
        cmocka_unit_test(test_epochs_after_an_unsure_commit),
        cmocka_unit_test(test_writes_that_cannot_be_admitted),
        cmocka_unit_test(test_reader_meets_a_failing_disk),
    };
    ws_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ws_free();
    return failed;
}
