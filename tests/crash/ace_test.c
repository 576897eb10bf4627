/* Every sequence of one to three operations of {put, delete, batch, definition, sync, checkpoint, compact, reopen}: 584 of them,
 * power failing at every platform call of each, four patterns of what survives.
 *
 * Crash bugs of file systems and databases nearly always need no more than three operations on a fresh store; so all of them
 * are tried. The first commit, before the sequence, declares the label and puts two nodes, and is part of what is crashed in
 * every 29th sequence only. BUFFERED, so that `sync` means something. What is checked: workload_kit.h. */
#include "workload_checks.h"

enum { OPERATIONS = 8, LENGTH_MAX = 3, PATTERNS = 4 };
enum { OP_PUT, OP_DELETE, OP_BATCH, OP_DEFINE, OP_SYNC, OP_CHECKPOINT, OP_COMPACT, OP_REOPEN };
static const char *const operation_names[OPERATIONS] = {"put",  "delete",     "batch",   "define",
                                                        "sync", "checkpoint", "compact", "reopen"};

static void step_put(world *w, wg_txn *txn) { op_create_node(w, txn); }
static void step_delete(world *w, wg_txn *txn) { op_delete_node(w, txn); }
static void step_batch(world *w, wg_txn *txn) { op_any(w, txn); }

static bool commit_steps(world *w, const workload *load, void (*step)(world *, wg_txn *), uint32_t steps, oracle *o) {
    workload one = *load;
    one.step = step;
    one.steps = steps;
    return run_transaction(w, &one, 0, o);
}

static bool operate(wg_platform *disk, const workload *load, uint32_t operation, oracle *o) {
    world *w = &the_world;
    switch (operation) {
        case OP_PUT:
            return commit_steps(w, load, step_put, 1, o);
        case OP_DELETE:
            return commit_steps(w, load, step_delete, 1, o);
        case OP_BATCH:
            return commit_steps(w, load, step_batch, 6, o);
        case OP_DEFINE:
            return commit_steps(w, load, op_ddl, 1, o);
        case OP_SYNC:
            if (wg_engine_sync(w->engine, NULL) != WG_OK) return false;
            o->acked = o->attempted;
            return true;
        case OP_CHECKPOINT:
            return kit_checkpoint(w->engine) == WG_OK;
        case OP_COMPACT:
            return kit_compact(w->engine) == WG_OK;
        default:
            return run_close(o, true) && run_open(disk, load, o);
    }
}

static void run_sequence(wg_platform *disk, const workload *load, const uint32_t *operations, uint32_t count,
                         oracle *o) {
    world *w = &the_world;
    bool alive = true;
    w->may_fail = true;
    w->text_max = load->text_max;
    wg_rng_init(&w->rng, totals.seed);
    if (wg_platform_sim_calls(disk) == 0) {
        if (!run_open(disk, load, o)) return;
        alive = commit_steps(w, load, step_put, 2, o);
    } else if (!run_open(disk, load, o)) return;
    for (uint32_t i = 0; i < count && alive; i++) alive = operate(disk, load, operations[i], o);
    (void)run_close(o, alive);
}

static wg_platform *base_disk;
static oracle base;

/* The store that sequences begin on: one acknowledged commit with two nodes. */
static void make_base(const workload *load) {
    base_disk = fresh_disk(load, &base);
    memset(&the_world, 0, sizeof the_world);
    run_sequence(base_disk, load, NULL, 0, &base);
    assert_true(base.acked == 1 && base.attempted == 1);
}

static void begin_on_base(oracle *o) {
    o->before = NULL;
    o->from = 0;
    o->created = true;
    o->acked = o->attempted = 1;
    o->virtual_at = o->virtual_again = o->large_from = 0;
    o->models[0] = base.models[0];
    o->models[1] = base.models[1];
}

static void crash_sequence(const workload *load, const uint32_t *operations, uint32_t count, uint64_t number) {
    const bool whole = number % 29 == totals.seed % 29;
    bool crashed = true;
    for (current_call = crash_first(); crashed; current_call += totals.stride) {
        wg_platform *disk;
        if (whole) {
            disk = fresh_disk(load, &known);
        } else {
            disk = reboot(base_disk, WG_CRASH_ALL_SURVIVES, 1);
            begin_on_base(&known);
        }
        memset(&the_world, 0, sizeof the_world);
        wg_platform_sim_crash_at(disk, current_call);
        run_sequence(disk, load, operations, count, &known);
        crashed = wg_platform_sim_crashed(disk);
        if (crashed) totals.crash_points++;
        const uint64_t from = totals.seed + number + current_call;
        for (uint32_t i = 0; i < PATTERNS; i++) {
            current_pattern = (int)((from + i * 5) % WG_CRASH_PATTERN_COUNT);
            wg_platform *after = reboot(disk, current_pattern, totals.seed + current_call);
            verify_checked(after, &known, false);
            const uint64_t tip = recover_twice(after, &known);
            if (i == 0) go_on(after, &known, tip);
            wg_platform_sim_destroy(after);
        }
        wg_platform_sim_destroy(disk);
    }
}

/* Goal: all sequences keep the promises. */
static void test_ace_all_short_sequences(void **state) {
    (void)state;
    char name[80];
    const workload load = {.name = name,
                           .steps = 1,
                           .step = step_batch,
                           .text_max = 700,
                           .segment_bytes = 4096,
                           .durability = WG_BUFFERED};
    uint64_t sequences = 0;
    uint32_t operations[LENGTH_MAX];
    current_load = &load;
    make_base(&load);
    for (uint32_t count = 1; count <= LENGTH_MAX; count++) {
        uint32_t end = 1;
        for (uint32_t i = 0; i < count; i++) end *= OPERATIONS;
        for (uint32_t which = 0; which < end; which++) {
            size_t size = 0;
            for (uint32_t i = 0, rest = which; i < count; i++, rest /= OPERATIONS) {
                operations[i] = rest % OPERATIONS;
                size += (size_t)snprintf(name + size, sizeof name - size, "%s ", operation_names[operations[i]]);
            }
            crash_sequence(&load, operations, count, sequences++);
        }
    }
    assert_int_equal(sequences, 584);
    printf("%llu sequences\n", (unsigned long long)sequences);
    wg_platform_sim_destroy(base_disk);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ace_all_short_sequences)};
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
