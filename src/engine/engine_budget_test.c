/* Memory and log that must stay within bounds without being asked: checkpoints that a commit, the background thread or a replay makes, writes
 * that are refused over the cap, readers that give up, pages that leave the process. */
#include "io/object_cache/parquet_kit.h"

#include <sched.h>

#include "engine/test_workspace.h"

enum { NODES = 10, TEXT_BYTES = 2000 };

static char text[TEXT_BYTES + 1];
static uint64_t added;

static wg_engine *open_with(wg_platform *p, const char *path, const wg_options *options) {
    wg_engine_options o = {.platform = p, .options = *options, .wal_segment_bytes = 1 << 16};
    wg_engine *e = NULL;
    o.options.threads = 1;
    MODEL_OK(wg_engine_open(path, &o, &e, err));
    return e;
}

/* One commit of NODES nodes of TEXT_BYTES each. */
static wg_code add(wg_engine *e, uint32_t nodes, wg_error *err) {
    wg_txn *txn = NULL;
    uint32_t label = 0;
    wg_property p = {.value = wg_value_str(wg_slice_of(text, TEXT_BYTES))};
    uint64_t id = 0;
    memset(text, 't', TEXT_BYTES);
    WG_TRY(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    wg_code code = wg_txn_intern_label(txn, wg_slice_str("Text"), false, &label, err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("t"), &p.key, err);
    for (uint32_t i = 0; i < nodes && code == WG_OK; i++) {
        text[i % TEXT_BYTES] = (char)('a' + (added + i) % 26);
        code = wg_txn_create_node(txn, &label, 1, &p, 1, &id, err);
    }
    if (code != WG_OK) {
        wg_txn_abort(txn);
        return code;
    }
    code = wg_txn_commit(txn, NULL, err);
    if (code == WG_OK) added += nodes;
    return code;
}

static uint64_t living(wg_engine *e) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    const uint64_t count = scan_count(txn, NULL);
    wg_txn_abort(txn);
    return count;
}

static uint64_t checkpoints(const wg_engine *e) { return atomic_load(&e->maintenance.checkpoints); }

/* A disk with `commits` commits and no checkpoint. */
static wg_platform *disk_of(uint32_t commits) {
    wg_platform *p = NULL;
    const wg_options o = {.create = true, .no_background = true, .checkpoint_log_bytes = UINT64_MAX};
    added = 0;
    MODEL_OK(wg_platform_sim_create(1, &p, err));
    wg_engine *e = open_with(p, "/ws", &o);
    for (uint32_t i = 0; i < commits; i++) MODEL_OK(add(e, NODES, err));
    MODEL_OK(wg_engine_close(e, err));
    return p;
}

/* Goal: a commit makes the checkpoint that has become due, when nobody else does; the log stays short. */
static void test_commits_make_checkpoints_that_are_due(void **state) {
    (void)state;
    wg_platform *p = disk_of(1);
    const wg_options o = {.no_background = true, .checkpoint_log_bytes = 60000};
    wg_engine *e = open_with(p, "/ws", &o);
    for (uint32_t i = 0; i < 12; i++) {
        MODEL_OK(add(e, NODES, err));
        assert_true(atomic_load(&e->maintenance.log_bytes) < 60000 + 2 * NODES * TEXT_BYTES);
    }
    assert_true(checkpoints(e) >= 3);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: a checkpoint that a commit makes and that fails costs the commit nothing, is told by the figures, and is not tried again with
 * each commit; when the disk works again it comes about. */
static void test_failing_checkpoints_cost_no_commit(void **state) {
    (void)state;
    static wrap_platform wrap;
    wg_platform *p = disk_of(1);
    wg_platform *w = wrap_begin(&wrap, p);
    const wg_options o = {.no_background = true, .checkpoint_log_bytes = 60000};
    wg_engine *e = open_with(w, "/ws", &o);
    wrap_rule(&wrap, WRAP_OPEN, ".arc1.tmp", WG_E_IO);
    for (uint32_t i = 0; i < 12; i++) MODEL_OK(add(e, NODES, err));
    assert_int_equal(checkpoints(e), 0);
    const uint64_t failures = atomic_load(&e->maintenance.checkpoint_failures);
    assert_true(failures >= 1 && failures < 12);
    assert_int_equal(e->maintenance.background.last_error.code, WG_E_IO);
    wrap_clear(&wrap);
    for (uint32_t i = 0; i < 12; i++) MODEL_OK(add(e, NODES, err));
    assert_true(checkpoints(e) >= 1);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: a heap over its share is put into stripes before the next transaction; a transaction that is larger than the share is refused
 * whole, by name, and others go on. */
static void test_heap_stays_within_its_share(void **state) {
    (void)state;
    wg_platform *p = disk_of(1);
    const wg_options o = {.no_background = true, .checkpoint_log_bytes = UINT64_MAX, .budget = {.hot = 8 << 20}};
    wg_engine *e = open_with(p, "/ws", &o);
    for (uint32_t i = 0; i < 220; i++) MODEL_OK(add(e, NODES, err));
    assert_true(checkpoints(e) >= 1);
    const uint64_t before = added;
    wg_error seen = {0};
    assert_int_equal(add(e, 6000, &seen), WG_E_CAPACITY);
    assert_non_null(strstr(seen.message, "memory_bytes_max"));
    assert_int_equal(added, before);
    MODEL_OK(add(e, NODES, err));
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: the last slot of a table, which the first append behind a checkpoint brings back into the heap, may be more than half of the
 * share: it makes no checkpoint of each small commit. What is written still makes one. */
static void test_a_slot_that_comes_back_makes_no_checkpoint_by_itself(void **state) {
    (void)state;
    wg_platform *p = disk_of(1);
    const wg_options o = {.no_background = true, .checkpoint_log_bytes = UINT64_MAX, .budget = {.hot = 8 << 20}};
    wg_engine *e = open_with(p, "/ws", &o);
    for (uint32_t i = 0; i < 240; i++) MODEL_OK(add(e, NODES, err)); /* 4.8 MB of texts in one slot */
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    const uint64_t before = checkpoints(e);
    assert_true(wg_account_bytes(&e->account) < 4 << 20);
    for (uint32_t i = 0; i < 30; i++) {
        MODEL_OK(add(e, 1, err));
        assert_true(wg_account_bytes(&e->account) <= 8 << 20);
    }
    assert_true(checkpoints(e) <= before + 1);
    for (uint32_t i = 0; i < 20; i++) MODEL_OK(add(e, NODES, err));
    assert_true(checkpoints(e) > before);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: when nothing can be put into stripes a write is refused before it begins, and counted. */
static void test_writes_over_the_cap_are_refused_and_counted(void **state) {
    (void)state;
    const wg_options o = {.budget = {.hot = 1 << 20}, .durability = WG_IN_MEMORY};
    wg_engine *e = open_with(NULL, NULL, &o);
    wg_error seen = {0};
    wg_code code = WG_OK;
    added = 0;
    for (uint32_t i = 0; i < 200 && code == WG_OK; i++) code = add(e, NODES, &seen);
    assert_int_equal(code, WG_E_CAPACITY);
    for (uint32_t i = 0; i < 3; i++) (void)add(e, NODES, NULL);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_checkpoint(e, NULL, err)); /* nothing to write, and no error */
    wg_checkpoint_info info = {.logseq = 7};
    MODEL_OK(wg_engine_checkpoint(e, &info, err));
    assert_int_equal(info.logseq, 0);
    MODEL_OK(wg_engine_close(e, err));
}

static wg_code tight_open(wg_platform *p, wg_engine **out, wg_error *err) {
    const wg_engine_options o = {.platform = p,
                                 .options = {.threads = 1,
                                             .no_background = true,
                                             .checkpoint_log_bytes = UINT64_MAX,
                                             .budget = {.hot = 1 << 20}},
                                 .wal_segment_bytes = 1 << 16};
    return wg_engine_open("/ws", &o, out, err);
}

static void expect_all(wg_engine *e) {
    wg_sha256 value;
    assert_int_equal(living(e), added);
    for (uint64_t n = 1; n <= wg_engine_logseq(e); n++) assert_true(wg_engine_chain_at(e, n, &value));
}

/* Goal: a log that holds more than memory may is replayed with checkpoints on the way: every commit is there, every chain value is known,
 * whichever call or allocation fails the disk stays whole, and the next opening succeeds. */
static void test_replay_makes_room(void **state) {
    (void)state;
    wg_platform *disk = disk_of(60);
    wg_engine *e = NULL;
    MODEL_OK(disk->ops->make_directory(disk, "/ws/wal/strange", err));
    for (unsigned memory = 0; memory < 2; memory++) {
        bool met = true;
        for (uint64_t n = 1; met; n += n < 20 ? 1 : memory == 1 ? 499 : 17) {
            wg_platform *p = NULL;
            wg_platform *fault = NULL;
            wg_error seen = {0};
            e = NULL;
            MODEL_OK(wg_platform_sim_reboot(disk, WG_CRASH_ALL_SURVIVES, 1, &p, err));
            MODEL_OK(wg_platform_fault_create(p, &fault, err));
            const uint64_t allocations = wg_memory_calls();
            if (memory == 1) wg_memory_fail_at(n, false);
            else wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
            const wg_code code = tight_open(fault, &e, &seen);
            met = memory == 1 ? wg_memory_calls() - allocations >= n : wg_platform_fault_calls(fault) >= n;
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            if (code != WG_OK) {
                if (code != (memory == 1 ? WG_E_NOMEM : WG_E_IO)) fail_msg("%s", seen.message);
                MODEL_OK(tight_open(p, &e, err));
            }
            expect_all(e);
            assert_true(e->maintenance.manifest.checkpoint.logseq > 0);
            MODEL_OK(wg_engine_close(e, err));
            wg_platform_fault_destroy(fault);
            wg_platform_sim_destroy(p);
        }
    }
    wg_platform_sim_destroy(disk);
}

/* Goal: a reader that has no room for what the log holds says so; one whose memory runs full while it follows keeps what it shows and asks
 * to be opened anew, which works once the writer has made a checkpoint. */
static void test_reader_within_its_share(void **state) {
    (void)state;
    wg_platform *p = disk_of(100);
    wg_engine_options o = {.platform = p,
                           .options = {.threads = 1, .read_only = true, .budget = {.hot = 1 << 20}},
                           .wal_segment_bytes = 1 << 16};
    wg_engine *reader = NULL;
    wg_error seen = {0};
    assert_int_equal(wg_engine_open("/ws", &o, &reader, &seen), WG_E_CAPACITY);
    assert_null(reader);
    const wg_options writing = {.no_background = true, .checkpoint_log_bytes = UINT64_MAX};
    wg_engine *writer = open_with(p, "/ws", &writing);
    MODEL_OK(wg_engine_checkpoint(writer, NULL, err));
    MODEL_OK(wg_engine_open("/ws", &o, &reader, err));
    const uint64_t shown = living(reader);
    assert_int_equal(shown, added);
    for (uint32_t i = 0; i < 100; i++) MODEL_OK(add(writer, NODES, err));
    uint64_t logseq = 0;
    wg_error_clear(&seen);
    assert_int_equal(wg_engine_follow(reader, &logseq, &seen), WG_E_CAPACITY);
    assert_true(seen.message[0] != '\0');
    assert_int_equal(living(reader), shown);
    assert_int_equal(wg_engine_follow(reader, &logseq, NULL), WG_E_EXPIRED);
    assert_int_equal(living(reader), shown);
    MODEL_OK(wg_engine_close(reader, err));
    MODEL_OK(wg_engine_checkpoint(writer, NULL, err));
    MODEL_OK(wg_engine_open("/ws", &o, &reader, err));
    assert_int_equal(living(reader), added);
    /* The writer's next checkpoint is worth opening anew for: the reader's log since its own is over the limit. */
    MODEL_OK(wg_engine_close(reader, err));
    o.options.budget.hot = 0;
    o.options.checkpoint_log_bytes = 30000;
    MODEL_OK(wg_engine_open("/ws", &o, &reader, err));
    for (uint32_t i = 0; i < 4; i++) MODEL_OK(add(writer, NODES, err));
    MODEL_OK(wg_engine_follow(reader, &logseq, err));
    assert_int_equal(living(reader), added);
    MODEL_OK(wg_engine_follow(reader, NULL, err)); /* no newer manifest: nothing to open anew for */
    MODEL_OK(wg_engine_expire(writer, 2, err));
    MODEL_OK(wg_engine_follow(reader, NULL, err)); /* a newer one with the same stripes: neither */
    MODEL_OK(wg_engine_checkpoint(writer, NULL, err));
    assert_int_equal(wg_engine_follow(reader, &logseq, NULL), WG_E_EXPIRED);
    MODEL_OK(wg_engine_close(reader, err));
    logseq = 0;
    MODEL_OK(wg_engine_follow(writer, &logseq, err)); /* who writes sees everything */
    assert_int_equal(logseq, wg_engine_logseq(writer));
    MODEL_OK(wg_engine_close(writer, err));
    wg_platform_sim_destroy(p);
}

/* The thread has a checkpoint before it, or is at it. */
static bool is_busy(wg_engine *e) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    const bool wanted = b->checkpoint_wanted;
    wg_mutex_unlock(&b->mutex);
    return wanted || atomic_load(&e->maintenance.log_bytes) >= 60000;
}

/* Goal: on a real disk the background thread makes the checkpoints that commits ask for, and a pause keeps merges, not checkpoints, away. */
static void test_background_thread_makes_checkpoints(void **state) {
    (void)state;
    const wg_options o = {.create = true, .checkpoint_log_bytes = 60000, .durability = WG_BUFFERED};
    kit_begin();
    added = 0;
    wg_engine *e = open_with(NULL, kit_path("ws"), &o);
    wg_engine_compaction_pause(e, true); /* before there is a thread */
    wg_engine_compaction_pause(e, false);
    const uint64_t give_up = 200;
    uint64_t commits = 0;
    for (; checkpoints(e) < 6 && commits < give_up; commits++) {
        MODEL_OK(add(e, NODES, err));
        while (is_busy(e)) sched_yield();
        if (checkpoints(e) == 2) wg_engine_compaction_pause(e, true);
        if (checkpoints(e) == 4) wg_engine_compaction_pause(e, false);
    }
    assert_true(commits < give_up);
    assert_true(e->maintenance.background.started);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_verify_report report;
    MODEL_OK(wg_engine_verify(NULL, kit_path("ws"), &report, err));
    kit_end();
}

/* Goal: when the thread cannot be started the commit does the work itself, and the figures say why. */
static void test_background_thread_may_not_start(void **state) {
    (void)state;
    const wg_options o = {.create = true, .checkpoint_log_bytes = 60000, .durability = WG_BUFFERED};
    kit_begin();
    added = 0;
    wg_engine *e = open_with(NULL, kit_path("ws"), &o);
    MODEL_OK(add(e, NODES, err));
    atomic_store(&e->maintenance.log_bytes, 70000);
    wg_memory_fail_at(1, false);
    wgi_background_notice(e);
    wg_memory_fail_at(0, false);
    assert_false(e->maintenance.background.started);
    assert_int_equal(e->maintenance.background.last_error.code, WG_E_NOMEM);
    assert_int_equal(checkpoints(e), 1);
    MODEL_OK(wg_engine_close(e, err));
    kit_end();
}

/* Goal: a merge on the thread is interrupted by a pause, a checkpoint that waits, and the end; it sleeps through none of them. */
static void test_background_interruptions(void **state) {
    (void)state;
    wg_platform *p = disk_of(1);
    const wg_options o = {.no_background = true};
    wg_engine *e = open_with(p, "/ws", &o);
    wgi_background *b = &e->maintenance.background;
    const uint64_t ages = UINT64_C(3600) * 1000000000;
    assert_false(wgi_background_interrupted(e));
    wgi_background_sleep(e, 1000);
    wg_engine_compaction_pause(e, true);
    assert_true(wgi_background_interrupted(e));
    wgi_background_sleep(e, ages);
    wg_engine_compaction_pause(e, false);
    b->checkpoint_wanted = true;
    assert_true(wgi_background_interrupted(e));
    wgi_background_sleep(e, ages);
    b->checkpoint_wanted = false;
    b->stop = true;
    assert_true(wgi_background_interrupted(e));
    wgi_background_sleep(e, ages);
    b->stop = false;
    assert_false(wgi_background_interrupted(e));
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

/* Goal: pages over the governor's share are dropped when somebody looks, not more often than it is worth, and rows read the same. */
static void test_residency_drops_what_nobody_counts(void **state) {
    (void)state;
    static wrap_platform wrap;
    wg_platform *p = disk_of(20);
    wg_platform *w = wrap_begin(&wrap, p);
    const wg_options o = {.no_background = true, .budget = {.warm = 4 << 20}};
    wrap.file_bytes = 1 << 20;
    wg_engine *e = open_with(w, "/ws", &o);
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    for (int i = 0; i < 2000; i++) (void)w->ops->now_ns(w);
    wgi_residency_look(e);
    assert_int_equal(atomic_load(&e->maintenance.residency_sweeps), 0); /* nothing above what the program had */
    for (int i = 0; i < 2000; i++) (void)w->ops->now_ns(w);
    wrap.file_bytes = 64 << 20;
    wgi_residency_look(e);
    assert_int_equal(atomic_load(&e->maintenance.residency_sweeps), 1);
    wgi_residency_look(e); /* too soon */
    assert_int_equal(atomic_load(&e->maintenance.residency_sweeps), 1);
    /* What is left when everything is evicted is the program's own: it makes no more sweeps until it grows again. */
    assert_int_equal(atomic_load(&e->maintenance.file_bytes_before), 64 << 20);
    for (int i = 0; i < 2000; i++) (void)w->ops->now_ns(w);
    wgi_residency_look(e);
    assert_int_equal(atomic_load(&e->maintenance.residency_sweeps), 1);
    for (int i = 0; i < 2000; i++) (void)w->ops->now_ns(w);
    wrap.file_bytes = 70 << 20;
    wgi_residency_look(e);
    assert_int_equal(atomic_load(&e->maintenance.residency_sweeps), 2);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

typedef struct asked {
    const char *residency;
    uint64_t bytes;
} asked;

static bool on_metric(void *ctx, const wg_metric *m) {
    asked *a = ctx;
    if (strcmp(m->name, "cache_bytes") == 0 && strcmp(m->label_value, a->residency) == 0)
        a->bytes = (uint64_t)m->value;
    return true;
}

/* What the governor says of a class. */
static uint64_t held(wg_engine *e, const char *residency) {
    asked a = {.residency = residency};
    MODEL_OK(wg_engine_metrics(e, on_metric, &a, err));
    return a.bytes;
}

/* Goal: stripes are what L3SsdLocal holds; a checkpoint that does not fit the cap is refused by name and leaves no file, rows stay readable
 * and are in stripes when the cap is raised. */
static void test_stripes_are_held_to_the_budget(void **state) {
    (void)state;
    wg_platform *p = disk_of(20);
    wg_options o = {.no_background = true, .checkpoint_log_bytes = UINT64_MAX, .budget = {.nvme = 10000}};
    wg_engine *e = open_with(p, "/ws", &o);
    wg_error seen = {0};
    assert_int_equal(wg_engine_checkpoint(e, NULL, &seen), WG_E_CAPACITY);
    assert_non_null(strstr(seen.message, "budget.nvme"));
    assert_int_equal(held(e, "L3SsdLocal"), 0);
    assert_int_equal(wg_stripe_set_count(e->maintenance.stripes), 0);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    o.budget.nvme = 8 << 20;
    e = open_with(p, "/ws", &o);
    wg_checkpoint_info info = {0};
    MODEL_OK(wg_engine_checkpoint(e, &info, err));
    assert_int_equal(held(e, "L3SsdLocal"), info.bytes_written);
    assert_true(held(e, "L1CpuHot") > 0);
    assert_int_equal(living(e), added);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commits_make_checkpoints_that_are_due),
        cmocka_unit_test(test_failing_checkpoints_cost_no_commit),
        cmocka_unit_test(test_heap_stays_within_its_share),
        cmocka_unit_test(test_a_slot_that_comes_back_makes_no_checkpoint_by_itself),
        cmocka_unit_test(test_writes_over_the_cap_are_refused_and_counted),
        cmocka_unit_test(test_replay_makes_room),
        cmocka_unit_test(test_reader_within_its_share),
        cmocka_unit_test(test_background_thread_makes_checkpoints),
        cmocka_unit_test(test_background_thread_may_not_start),
        cmocka_unit_test(test_background_interruptions),
        cmocka_unit_test(test_residency_drops_what_nobody_counts),
        cmocka_unit_test(test_stripes_are_held_to_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
