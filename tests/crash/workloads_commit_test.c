/* Power fails at every platform call of the workloads that write the log and the manifest; workload_kit.h says what is
 * checked after each. Each ends with a value of 4 MiB; the calls inside of that commit are sampled. */
#include "workload_checks.h"

#include "io/object_cache/parquet_kit.h"

/* ---- steps */

static void step_keyed(world *w, wg_txn *txn) {
    const uint32_t which = pick(w, 4);
    if (which < 2) op_create_node(w, txn);
    else if (which == 2) op_set_node(w, txn);
    else op_delete_node(w, txn);
}

static void step_append(world *w, wg_txn *txn) {
    if (pick(w, 3) == 0) op_create_nodes(w, txn);
    else op_create_node(w, txn);
}

static void step_deletes(world *w, wg_txn *txn) {
    static void (*const ops[])(world *, wg_txn *) = {op_create_node, op_create_node, op_create_edge,
                                                     op_delete_node, op_delete_node, op_delete_edge};
    ops[pick(w, 6)](w, txn);
}

static void step_bulk(world *w, wg_txn *txn) {
    if (pick(w, 5) == 0) op_create_node(w, txn);
    else if (pick(w, 3) == 0) op_create_edges(w, txn);
    else op_create_nodes(w, txn);
}

static void step_ddl(world *w, wg_txn *txn) {
    op_ddl(w, txn);
    if (pick(w, 2) == 0) op_create_node(w, txn);
}

/* ---- the virtual label */

enum { FILE_ROWS = 9, DECLARED_IN = 3, SECOND_FILE_IN = 6 };

static void put_file(wg_platform *disk, const char *path, int64_t base) {
    wg_buf bytes;
    wg_file *file = NULL;
    wg_buf_init(&bytes, NULL);
    kit_encode(&(kit_file){.rows = FILE_ROWS, .base = base}, &bytes);
    MODEL_OK(disk->ops->open(disk, path, WG_OPEN_CREATE_NEW, &file, err));
    MODEL_OK(disk->ops->write_at(disk, file, 0, bytes.data, bytes.size, err));
    MODEL_OK(disk->ops->sync(disk, file, err));
    disk->ops->close(disk, file);
    wg_buf_deinit(&bytes);
}

/* Both files lie there from the start; the label's pattern matches the second only when it is widened: so it is declared
 * over the first, and the second comes under its pattern by a rename. */
static void prepare_files(wg_platform *disk) {
    MODEL_OK(disk->ops->make_directory(disk, "/data", err));
    put_file(disk, "/data/a.parquet", 0);
    put_file(disk, "/data/b.waiting", 100);
    MODEL_OK(disk->ops->sync_directory(disk, "/data", err));
    MODEL_OK(disk->ops->sync_directory(disk, "/", err));
}

static bool declare_virtual(world *w, oracle *o) {
    static const wg_label_def def = {.name = "V", .kind = WG_LABEL_VIRTUAL, .pattern = "/data/{name}.parquet"};
    wg_txn *txn = NULL;
    if (wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, NULL) != WG_OK) return false;
    if (wg_txn_create_label(txn, &def, false, NULL) != WG_OK) {
        wg_txn_abort(txn);
        return false;
    }
    const uint64_t next = wg_txn_view(txn).snapshot + 1;
    o->models[next] = w->now;
    o->attempted = o->virtual_at = next;
    if (wg_txn_commit(txn, NULL, NULL) != WG_OK) return false;
    o->acked = next;
    return true;
}

static bool register_second(world *w, oracle *o) {
    wg_platform *p = wg_engine_platform(w->engine);
    uint32_t label = 0;
    wg_txn *txn = NULL;
    if (p->ops->rename(p, "/data/b.waiting", "/data/b.parquet", NULL) != WG_OK ||
        p->ops->sync_directory(p, "/data", NULL) != WG_OK ||
        wg_txn_begin(w->engine, WG_TXN_READ, 0, &txn, NULL) != WG_OK)
        return false;
    const wg_label *v = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("V"), false);
    assert_non_null(v);
    label = v->number;
    wg_txn_abort(txn);
    const uint64_t next = o->attempted + 1;
    o->models[next] = w->now;
    o->attempted = o->virtual_again = next;
    if (wg_engine_refresh(w->engine, &label, 1, NULL) != WG_OK) return false;
    assert_int_equal(wg_engine_logseq(w->engine), next);
    o->acked = next;
    return true;
}

static bool maintain_virtual(world *w, uint32_t t, oracle *o) {
    if (t == DECLARED_IN && o->virtual_at == 0) return declare_virtual(w, o);
    if (t == SECOND_FILE_IN && o->before == NULL && o->virtual_at != 0) return register_second(w, o);
    return true;
}

static void check_virtual(wg_engine *engine, uint64_t logseq, const oracle *o) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    const wg_label *v = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("V"), false);
    const bool declared = o->virtual_at != 0 && logseq >= o->virtual_at;
    const bool again = o->virtual_again != 0 && logseq >= o->virtual_again;
    if ((v != NULL) != declared) fail_at("the virtual label", NULL);
    if (v != NULL && scan_count(txn, &v->number) != (again ? 2 : 1) * FILE_ROWS) fail_at("rows of files", NULL);
    wg_txn_abort(txn);
}

/* ---- tests */

/* Goal: keyed nodes, strict: put, change, delete, and key lookups after every crash. */
static void test_crash_keyed_nodes_strict(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "keyed nodes, strict",
                                 .transactions = 30,
                                 .steps = 2,
                                 .step = step_keyed,
                                 .text_max = 3000,
                                 .segment_bytes = 8192});
}

/* Goal: keyed nodes, buffered: a prefix, and everything that a sync promised. */
static void test_crash_keyed_nodes_buffered(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "keyed nodes, buffered",
                                 .transactions = 40,
                                 .steps = 2,
                                 .step = step_keyed,
                                 .text_max = 3000,
                                 .segment_bytes = 4096,
                                 .durability = WG_BUFFERED,
                                 .sync_every = 6});
}

/* Goal: labels that only grow, as an event log does. */
static void test_crash_append_only(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "append-only labels",
                                 .transactions = 24,
                                 .steps = 2,
                                 .step = step_append,
                                 .text_max = 2000,
                                 .segment_bytes = 8192});
}

/* Goal: batches of creations and deletions, edges with them. */
static void test_crash_batches_with_deletes(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "batches with deletions",
                                 .transactions = 24,
                                 .steps = 12,
                                 .step = step_deletes,
                                 .text_max = 400,
                                 .segment_bytes = 8192});
}

/* Goal: bulk stripes. */
static void test_crash_bulk(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "bulk stripes",
                                 .transactions = 16,
                                 .steps = 3,
                                 .step = step_bulk,
                                 .text_max = 500,
                                 .segment_bytes = 8192});
}

/* Goal: definitions, each of which commits a manifest; recovery crashed at each of its calls. */
static void test_crash_manifest_commits(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "manifest commits",
                                 .transactions = 6,
                                 .steps = 1,
                                 .step = step_ddl,
                                 .text_max = 200,
                                 .segment_bytes = 8192,
                                 .recovery_exhaustive = true});
}

/* Goal: a log that rotates with nearly each commit; recovery crashed at each of its calls. */
static void test_crash_rotation(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "log rotation",
                                 .transactions = 4,
                                 .steps = 2,
                                 .step = step_append,
                                 .text_max = 6000,
                                 .segment_bytes = 4096,
                                 .recovery_exhaustive = true});
}

/* Goal: a virtual label is declared, and gets a second file, between commits of everything. */
static void test_crash_ddl_with_virtual_label(void **state) {
    (void)state;
    crash_everywhere(&(workload){.name = "definitions with a virtual label",
                                 .transactions = 16,
                                 .text_max = 300,
                                 .segment_bytes = 8192,
                                 .prepare = prepare_files,
                                 .maintain = maintain_virtual,
                                 .check = check_virtual});
}

/* A disk after a crash: what the next recovery meets. */
static uint64_t base_number;
static wg_platform *crashed_disk(const workload *load, oracle *o) {
    static const workload before = {.name = "before",
                                    .transactions = 20,
                                    .text_max = 3000,
                                    .segment_bytes = 4096,
                                    .durability = WG_BUFFERED,
                                    .sync_every = 9};
    wg_rng rng;
    wg_rng_init(&rng, totals.seed * 31 + base_number);
    wg_platform *first = fresh_disk(load, o);
    memset(&the_world, 0, sizeof the_world);
    wg_platform_sim_crash_at(first, 40 + wg_rng_below(&rng, 90));
    run_workload(first, &before, totals.seed + base_number, o);
    wg_platform *disk = reboot(first, (int)wg_rng_below(&rng, WG_CRASH_PATTERN_COUNT), wg_rng_next(&rng));
    wg_platform_sim_destroy(first);
    o->large_from = 0;
    return disk;
}

/* Goal: recovery itself, of disks that crashes left, and what comes after it. */
static void test_crash_recovery(void **state) {
    (void)state;
    for (base_number = 0; base_number < 4; base_number++)
        crash_everywhere(&(workload){
            .name = "recovery", .transactions = 5, .text_max = 3000, .segment_bytes = 8192, .start = crashed_disk});
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_keyed_nodes_strict),
        cmocka_unit_test(test_crash_keyed_nodes_buffered),
        cmocka_unit_test(test_crash_append_only),
        cmocka_unit_test(test_crash_batches_with_deletes),
        cmocka_unit_test(test_crash_bulk),
        cmocka_unit_test(test_crash_manifest_commits),
        cmocka_unit_test(test_crash_rotation),
        cmocka_unit_test(test_crash_ddl_with_virtual_label),
        cmocka_unit_test(test_crash_recovery),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
