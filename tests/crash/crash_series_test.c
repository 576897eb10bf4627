/* Three crashes in a row, and crashes inside of recoveries, at random places of random workloads: seeds, not exhaustion.
 *
 * Each round runs the mix of engine_model.h on a fresh disk with a seeded durability and segment size. Power fails at a seeded
 * call, a seeded pattern survives, the next run goes on from there (its own recovery may be what is cut), three times. After
 * the last crash everything of workload_kit.h is checked. */
#include "workload_checks.h"

enum { ROUNDS = 1000, CRASHES = 3, CALLS_MAX = 160, SAMPLED_RECOVERIES = 20000 };

static bool maintain_any(world *w, uint32_t t, oracle *o) {
    (void)o;
    (void)t;
    const uint32_t which = pick(w, 12);
    if (which == 0) return kit_checkpoint(w->engine) == WG_OK;
    if (which == 1) return kit_compact(w->engine) == WG_OK;
    return true;
}

static workload any_workload(wg_rng *rng) {
    static const uint32_t segments[] = {4096, 8192, 65536};
    return (workload){.name = "series",
                      .transactions = 4 + (uint32_t)wg_rng_below(rng, 12),
                      .text_max = 20 + (size_t)wg_rng_below(rng, 4000),
                      .segment_bytes = segments[wg_rng_below(rng, 3)],
                      .durability = wg_rng_below(rng, 2) == 0 ? WG_STRICT : WG_BUFFERED,
                      .sync_every = 1 + (uint32_t)wg_rng_below(rng, 8),
                      .maintain = maintain_any};
}

/* What a recovery showed is what was there before the next crash. */
static void settle_oracle(oracle *o, uint64_t logseq) {
    o->created = true;
    o->acked = o->attempted = logseq;
}

static void run_until_crash(wg_platform *disk, const workload *load, wg_rng *rng, oracle *o) {
    world *w = &the_world;
    w->may_fail = true;
    w->text_max = load->text_max;
    wg_rng_init(&w->rng, wg_rng_next(rng));
    wg_platform_sim_crash_at(disk, 1 + wg_rng_below(rng, CALLS_MAX));
    totals.crash_points++;
    totals.recoveries++;
    if (!run_open(disk, load, o)) return;
    (void)run_close(o, run_transactions(load, load->transactions, o));
}

static void one_round(uint64_t round) {
    wg_rng rng;
    wg_rng_init(&rng, totals.seed + round * 1000003);
    const workload load = any_workload(&rng);
    current_load = &load;
    current_call = round;
    wg_platform *disk = fresh_disk(&load, &known);
    memset(&the_world, 0, sizeof the_world);
    for (uint32_t crash = 0; crash < CRASHES; crash++) {
        run_until_crash(disk, &load, &rng, &known);
        current_pattern = (int)wg_rng_below(&rng, WG_CRASH_PATTERN_COUNT);
        wg_platform *next = reboot(disk, current_pattern, wg_rng_next(&rng));
        wg_platform_sim_destroy(disk);
        disk = next;
    }
    verify_checked(disk, &known, false);
    const uint64_t tip = recover_twice(disk, &known);
    settle_oracle(&known, tip);
    go_on(disk, &known, tip);
    wg_platform_sim_destroy(disk);
}

/* Goal: a thousand series of three crashes. */
static void test_crash_three_times_in_a_row(void **state) {
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round += totals.stride) one_round(round);
}

/* Goal: twenty thousand recoveries, each cut at a seeded call, on disks that crashes left. */
static void test_crash_inside_recoveries(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, totals.seed ^ 0x5eed);
    const uint64_t wanted = SAMPLED_RECOVERIES / totals.stride;
    const uint64_t before = totals.recoveries;
    for (uint64_t round = 0; totals.recoveries - before < wanted; round++) {
        const workload load = any_workload(&rng);
        current_load = &load;
        current_call = round;
        wg_platform *disk = fresh_disk(&load, &known);
        memset(&the_world, 0, sizeof the_world);
        run_until_crash(disk, &load, &rng, &known);
        current_pattern = (int)wg_rng_below(&rng, WG_CRASH_PATTERN_COUNT);
        wg_platform *crashed = reboot(disk, current_pattern, wg_rng_next(&rng));
        crash_recovery_everywhere(crashed, &known, 1 + wg_rng_below(&rng, 4));
        wg_platform_sim_destroy(crashed);
        wg_platform_sim_destroy(disk);
    }
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_crash_three_times_in_a_row),
                                       cmocka_unit_test(test_crash_inside_recoveries)};
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
