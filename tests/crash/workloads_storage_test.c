/* Power fails at every platform call of the workloads that write stripes: checkpoints and compactions, between commits of
 * everything, and the first checkpoint of the oldest golden workspace. workload_kit.h says what is checked after each. */
#include "workload_checks.h"

#include "tests/golden/golden_kit.h"

static void step_bulk(world *w, wg_txn *txn) {
    if (pick(w, 3) == 0) op_create_nodes(w, txn);
    else op_any(w, txn);
}

static bool maintain_checkpoint(world *w, uint32_t t, oracle *o) {
    if (t % 4 != 3) return true;
    if (kit_checkpoint(w->engine) != WG_OK) return false;
    o->acked = o->attempted; /* a checkpoint never says more than the log, which is durable up to there */
    return true;
}

static bool maintain_compaction(world *w, uint32_t t, oracle *o) {
    if (t % 3 == 1 && kit_checkpoint(w->engine) != WG_OK) return false;
    if (t % 3 == 1) o->acked = o->attempted;
    return t % 6 != 5 || kit_compact(w->engine) == WG_OK;
}

static bool maintain_merges(world *w, uint32_t transaction, oracle *o) {
    (void)o;
    if (kit_checkpoint(w->engine) != WG_OK) return false;
    return transaction % 4 != 3 || kit_compact(w->engine) == WG_OK;
}

static void step_changes(world *w, wg_txn *txn) {
    static void (*const ops[])(world *, wg_txn *) = {op_create_node, op_create_nodes, op_create_edge,
                                                     op_set_node,    op_delete_node,  op_delete_edge};
    ops[pick(w, 6)](w, txn);
}

/* Goal: checkpoints between strict commits. */
static void test_crash_checkpoints(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "checkpoints",
                                 .transactions = 8,
                                 .steps = 4,
                                 .step = step_bulk,
                                 .text_max = 900,
                                 .segment_bytes = 8192,
                                 .maintain = maintain_checkpoint});
}

/* Goal: checkpoints of a buffered log: what is in stripes is durable, what came later a prefix. */
static void test_crash_checkpoints_buffered(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "checkpoints, buffered",
                                 .transactions = 18,
                                 .text_max = 600,
                                 .segment_bytes = 4096,
                                 .durability = WG_BUFFERED,
                                 .sync_every = 7,
                                 .maintain = maintain_checkpoint});
}

/* Goal: compactions of what several checkpoints wrote, updates and deletions among it. */
static void test_crash_compactions(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "compactions",
                                 .transactions = 14,
                                 .text_max = 600,
                                 .segment_bytes = 8192,
                                 .maintain = maintain_compaction});
}

/* Goal: recovery from a checkpoint is crashed at each of its calls. */
static void test_crash_recovery_from_checkpoints(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "recovery from checkpoints",
                                 .transactions = 2,
                                 .steps = 2,
                                 .step = step_changes,
                                 .text_max = 100,
                                 .segment_bytes = 4096,
                                 .maintain = maintain_merges,
                                 .recovery_exhaustive = true});
}

/* ---- upgrade from the oldest golden workspace */

enum { UPGRADE_COMMITS = 6, GOLDEN_NEWEST = 21 };
static wg_platform *golden_disk;
static wg_buf golden_text;
static struct { uint64_t acked, attempted; /* of the commits made here */ } upgrade;

static wg_code later_commit(wg_engine *engine, uint64_t number) {
    static const uint64_t sizes[] = {1, 300, 20000};
    char text[200];
    snprintf(text, sizeof text,
             "CREATE (:Later {n: %llu, text: reduce(s = 'x', i IN range(1, %llu) | s + 'yyyyyyyyy')})",
             (unsigned long long)number, (unsigned long long)(sizes[number % 3] / 9));
    return golden_run(engine, text, 0, NULL, NULL);
}

static wg_engine *upgrade_open(wg_platform *disk) {
    const workload load = {.segment_bytes = 8192};
    wg_engine_options options = options_of(&load, disk);
    wg_engine *engine = NULL;
    options.options.create = false;
    return wg_engine_open("/ws", &options, &engine, NULL) == WG_OK ? engine : NULL;
}

static void upgrade_run(wg_platform *disk) {
    wg_engine *engine = upgrade_open(disk);
    if (engine == NULL) return;
    bool alive = true;
    for (uint64_t n = 1; n <= UPGRADE_COMMITS && alive; n++) {
        upgrade.attempted = n;
        alive = later_commit(engine, n) == WG_OK;
        if (alive) upgrade.acked = n;
        if (alive && (n == 2 || n == 4)) alive = kit_checkpoint(engine) == WG_OK;
        if (alive && n == 5) alive = kit_compact(engine) == WG_OK;
    }
    (void)wg_engine_close(engine, NULL);
}

/* The old snapshots are as they were (looked at for one disk in four), and a prefix of the new commits is there. */
static void upgrade_check(wg_platform *disk, uint64_t at_least, uint64_t at_most) {
    wg_buf text;
    char count[24];
    wg_buf_init(&text, NULL);
    totals.recoveries++;
    wg_engine *engine = upgrade_open(disk);
    if (engine == NULL) fail_at("open", NULL);
    if ((current_call + (uint64_t)current_pattern) % 4 == 0) {
        MODEL_OK(golden_dump_all(engine, GOLDEN_NEWEST, &text, err));
        if (!same_text(&text, &golden_text)) fail_at("the old snapshots differ", NULL);
    }
    const uint64_t logseq = wg_engine_logseq(engine);
    if (logseq < GOLDEN_NEWEST + at_least || logseq > GOLDEN_NEWEST + at_most) fail_at("logseq", NULL);
    text.size = 0;
    if (logseq > GOLDEN_NEWEST)
        MODEL_OK(golden_run(engine, "MATCH (l:Later) RETURN count(*), coalesce(max(l.n), 0)", 0, &text, err));
    const unsigned long long commits = logseq - GOLDEN_NEWEST;
    const int size = snprintf(count, sizeof count, "%llu %llu\n", commits, commits);
    if (commits == 0) text.size = 0;
    else if (text.size != (size_t)size || memcmp(text.data, count, text.size) != 0) fail_at("the new commits", NULL);
    wg_buf_deinit(&text);
    close_engine(engine);
}

static void upgrade_check_crash(const wg_platform *crashed) {
    wg_buf dump;
    wg_verify_report report;
    wg_buf_init(&dump, NULL);
    wg_platform *disk = reboot(crashed, current_pattern, totals.seed + current_call);
    MODEL_OK(wg_engine_verify(disk, "/ws", &report, err));
    upgrade_check(disk, upgrade.acked, upgrade.attempted);
    assert_true(wg_platform_sim_dump(disk, &dump));
    upgrade_check(disk, upgrade.acked, upgrade.attempted);
    if (!dumps_equal(disk, &dump)) fail_at("recovering twice changes bytes", NULL);
    wg_buf_deinit(&dump);
    wg_engine *engine = upgrade_open(disk);
    const uint64_t tip = wg_engine_logseq(engine) - GOLDEN_NEWEST;
    for (uint64_t n = tip + 1; n <= tip + FURTHER; n++) assert_int_equal(later_commit(engine, n), WG_OK);
    wg_platform *second = reboot(disk, current_pattern + 5, current_call);
    close_engine(engine);
    upgrade_check(second, tip + FURTHER, tip + FURTHER);
    wg_platform_sim_destroy(second);
    wg_platform_sim_destroy(disk);
}

/* Goal: the first commits, checkpoints and compaction of a workspace that the first version wrote. */
static void test_crash_upgrade(void **state) {
    (void)state;
    static const workload load = {.name = "upgrade from workspace-v1"};
    const crash_totals before = totals;
    bool crashed = true;
    current_load = &load;
    wg_buf_init(&golden_text, NULL);
    MODEL_OK(golden_load("workspace-v1", totals.seed, &golden_disk, err));
    MODEL_OK(golden_read(wg_platform_real(), "tests/golden/workspace-v1/dump.txt", &golden_text, err));
    for (current_call = crash_first(); crashed; current_call += totals.stride) {
        wg_platform *disk = reboot(golden_disk, WG_CRASH_ALL_SURVIVES, 1);
        upgrade.acked = upgrade.attempted = 0;
        wg_platform_sim_crash_at(disk, current_call);
        upgrade_run(disk);
        crashed = wg_platform_sim_crashed(disk);
        totals.crash_points += crashed;
        for (current_pattern = 0; current_pattern < WG_CRASH_PATTERN_COUNT; current_pattern++)
            upgrade_check_crash(disk);
        wg_platform_sim_destroy(disk);
    }
    wg_platform_sim_destroy(golden_disk);
    wg_buf_deinit(&golden_text);
    printf("%s: %llu crash points, %llu recoveries\n", load.name,
           (unsigned long long)(totals.crash_points - before.crash_points),
           (unsigned long long)(totals.recoveries - before.recoveries));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_checkpoints), cmocka_unit_test(test_crash_checkpoints_buffered),
        cmocka_unit_test(test_crash_compactions), cmocka_unit_test(test_crash_recovery_from_checkpoints),
        cmocka_unit_test(test_crash_upgrade),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
