/* Power fails at every platform call of the workloads that write stripes: checkpoints, merges, expiry; workload_kit.h says what is
 * checked after each. Recovery is crashed at each of its calls too: it removes what no manifest names. */
#include "workload_checks.h"

static bool maintain_checkpoints(world *w, uint32_t transaction, oracle *o) {
    (void)o;
    return transaction % 3 != 1 || kit_checkpoint(w->engine) == WG_OK;
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

/* Goal: checkpoints between commits of everything. */
static void test_crash_checkpoints(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "checkpoints",
                                 .transactions = 10,
                                 .text_max = 300,
                                 .segment_bytes = 4096,
                                 .maintain = maintain_checkpoints});
}

/* Goal: checkpoints of a buffered log, which they sync. */
static void test_crash_checkpoints_buffered(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "checkpoints, buffered",
                                 .transactions = 8,
                                 .steps = 3,
                                 .step = step_changes,
                                 .text_max = 200,
                                 .segment_bytes = 4096,
                                 .durability = WG_BUFFERED,
                                 .maintain = maintain_checkpoints});
}

/* Goal: merges of what checkpoints wrote. */
static void test_crash_compactions(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "compactions",
                                 .transactions = 8,
                                 .steps = 4,
                                 .step = step_changes,
                                 .text_max = 200,
                                 .segment_bytes = 4096,
                                 .maintain = maintain_merges});
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

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_checkpoints),
        cmocka_unit_test(test_crash_checkpoints_buffered),
        cmocka_unit_test(test_crash_compactions),
        cmocka_unit_test(test_crash_recovery_from_checkpoints),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
