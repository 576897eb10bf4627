/* Power fails at every platform call of workloads on agents' state; state_kit.h says what the oracle knows. After each crash the engine opens and
 * shows a state that was, opening again changes no byte, verify passes, and twenty more operations, a second crash and a second recovery
 * keep all of it. */
#include "state_kit.h"

static state_oracle known; /* large */
static state_oracle later;
static state_world world;
static const state_workload *load_now;
static uint64_t call_now;
static int pattern_now;

static void fail_here(const char *what) {
    fail_msg("%s, crash at call %llu, pattern %d, WG_SEED=%llu: %s", load_now->name, (unsigned long long)call_now,
             pattern_now, (unsigned long long)totals.seed, what);
}

static wg_platform *rebooted(const wg_platform *disk, int pattern, uint64_t seed) {
    wg_platform *out = NULL;
    STATE_OK(wg_platform_sim_reboot(disk, (wg_crash_pattern)(pattern % WG_CRASH_PATTERN_COUNT), seed, &out, err));
    return out;
}

static uint32_t open_and_look(wg_platform *disk, const state_oracle *o) {
    const wg_engine_options options = state_options(disk, load_now->durability);
    wg_engine *engine = NULL;
    totals.recoveries++;
    STATE_OK(wg_engine_open("/ws", &options, &engine, err));
    const uint32_t shown = shown_operations(engine, o);
    STATE_OK(wg_engine_close(engine, err));
    if (shown == UINT32_MAX) fail_here("the state is none that was between what was acknowledged and attempted");
    return shown;
}

static void verify(wg_platform *disk, bool must_exist) {
    wg_verify_report report;
    wg_error err = {0};
    const wg_code code = wg_engine_verify(disk, "/ws", &report, &err);
    if (code == WG_E_NOT_FOUND && !must_exist) return;
    if (code != WG_OK) fail_here(err.message);
}

static void check_disk(wg_platform *disk) {
    wg_buf dump;
    wg_buf_init(&dump, NULL);
    verify(disk, known.created);
    const uint32_t shown = open_and_look(disk, &known);
    assert_true(wg_platform_sim_dump(disk, &dump));
    if (open_and_look(disk, &known) != shown) fail_here("the second recovery shows another state");
    if (!dumps_equal(disk, &dump)) fail_here("recovering twice changes bytes");
    wg_buf_deinit(&dump);
    verify(disk, true);
    later = known;
    later.acked = later.attempted = shown;
    state_workload more = *load_now;
    more.durability = WG_STRICT;
    more.operations = 20;
    wg_rng_init(&world.rng, call_now * 16 + (uint64_t)pattern_now);
    if (!run_state(disk, &more, &world, &later)) fail_here("going on failed");
    wg_platform *second = rebooted(disk, pattern_now + 5, call_now);
    if (open_and_look(second, &later) != later.attempted) fail_here("what came behind the recovery is not there");
    wg_platform_sim_destroy(second);
}

static void crash_everywhere(const state_workload *load) {
    const crash_totals before = totals;
    bool crashed = true;
    load_now = load;
    for (call_now = crash_first(); crashed; call_now += totals.stride) {
        wg_platform *disk = NULL;
        STATE_OK(wg_platform_sim_create(totals.seed, &disk, err));
        memset(&known, 0, sizeof known);
        memset(&world, 0, sizeof world);
        wg_rng_init(&world.rng, totals.seed);
        wg_platform_sim_crash_at(disk, call_now);
        (void)run_state(disk, load, &world, &known);
        crashed = wg_platform_sim_crashed(disk);
        totals.crash_points += crashed;
        for (pattern_now = 0; pattern_now < WG_CRASH_PATTERN_COUNT; pattern_now++) {
            wg_platform *left = rebooted(disk, pattern_now, totals.seed + call_now);
            check_disk(left);
            wg_platform_sim_destroy(left);
        }
        wg_platform_sim_destroy(disk);
    }
    printf("%s: %llu crash points, %llu recoveries, %u operations\n", load->name,
           (unsigned long long)(totals.crash_points - before.crash_points),
           (unsigned long long)(totals.recoveries - before.recoveries), known.attempted);
    assert_true(totals.crash_points > before.crash_points + 3);
}

/* Goal: puts and deletions, each durable when it returns. */
static void test_crash_kv_strict(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "kv strict", .operations = 40, .durability = WG_STRICT});
}

/* Goal: a prefix over both runs, and all that a sync promised. */
static void test_crash_kv_buffered(void **state) {
    (void)state;
    crash_everywhere(
        &(state_workload){.name = "kv buffered", .operations = 90, .durability = WG_BUFFERED, .wait_every = 7});
}

/* Goal: event logs beside keys, in transactions of several operations. */
static void test_crash_event_log(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "event log",
                                       .operations = 60,
                                       .durability = WG_BUFFERED,
                                       .wait_every = 5,
                                       .events = true,
                                       .transactions = true});
}

/* Goal: commits of graph and run together show on both sides or on none, between commits of the fast path. */
static void test_crash_mixed_commit(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "mixed commit",
                                       .operations = 40,
                                       .durability = WG_BUFFERED,
                                       .wait_every = 6,
                                       .events = true,
                                       .transactions = true,
                                       .mixed = true});
}

/* Goal: the same, durable one by one. */
static void test_crash_mixed_commit_strict(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "mixed commit, strict",
                                       .operations = 24,
                                       .durability = WG_STRICT,
                                       .events = true,
                                       .transactions = true,
                                       .mixed = true});
}

/* Goal: checkpoints and merges on the way: what is in stripes and what is in the log fit together, whatever of both survives. */
static void test_crash_state_checkpoints(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "checkpoints of runs",
                                       .operations = 36,
                                       .durability = WG_BUFFERED,
                                       .wait_every = 8,
                                       .store_every = 7,
                                       .events = true,
                                       .transactions = true,
                                       .mixed = true});
}

/* Goal: a transaction of the graph is open over many commits of runs, each durable when it returns: nothing of it shows before its commit, all of
 * it afterwards, and no commit beside it is lost. */
static void test_crash_beside_open_transaction(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "beside an open transaction, strict",
                                       .operations = 60,
                                       .durability = WG_STRICT,
                                       .events = true,
                                       .transactions = true,
                                       .beside = true});
}

/* Goal: the same with syncs now and then, and checkpoints and merges between. */
static void test_crash_beside_and_checkpoints(void **state) {
    (void)state;
    crash_everywhere(&(state_workload){.name = "beside an open transaction, buffered",
                                       .operations = 80,
                                       .durability = WG_BUFFERED,
                                       .wait_every = 6,
                                       .store_every = 5,
                                       .events = true,
                                       .transactions = true,
                                       .beside = true});
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_kv_strict),
        cmocka_unit_test(test_crash_kv_buffered),
        cmocka_unit_test(test_crash_event_log),
        cmocka_unit_test(test_crash_mixed_commit),
        cmocka_unit_test(test_crash_mixed_commit_strict),
        cmocka_unit_test(test_crash_state_checkpoints),
        cmocka_unit_test(test_crash_beside_open_transaction),
        cmocka_unit_test(test_crash_beside_and_checkpoints),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
