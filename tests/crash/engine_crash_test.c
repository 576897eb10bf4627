/* Power fails at every platform call of several workloads on the whole engine; 16 patterns of what survives; the state must be
 * the model's after some commit that is not older than the last acknowledged one, whole (P1, P2, P5; docs/durability.md).
 *
 * After each crash: verify reads the disk or finds no workspace; the engine opens; its state and a past snapshot equal the
 * model's; closing and opening again gives the same; verify passes; one more commit is kept through a second crash. */
#include "crash_kit.h"

#include "engine/engine_model_ops.h"

enum { COMMITS_MAX = 40 };

typedef struct workload {
    const char *name;
    uint32_t transactions;
    uint32_t steps; /* operations of a transaction; 0: the mix of engine_model.h */
    size_t text_max;
    wg_durability durability;
    uint32_t segment_bytes;
    void (*step)(world *w, wg_txn *txn);
    uint32_t sync_every; /* BUFFERED: wg_engine_sync after so many commits */
} workload;

/* What the application knows, outside of the disk. */
typedef struct oracle {
    bool created;
    uint64_t acked;
    uint64_t attempted;
    model models[COMMITS_MAX + 1];
} oracle;

static oracle known; /* large */
static world the_world;

static void oracle_clear(oracle *o) {
    o->created = false;
    o->acked = 0;
    o->attempted = 0;
    o->models[0] = the_world.now;
}

static wg_engine_options options_of(const workload *w, wg_platform *platform) {
    return (wg_engine_options){.platform = platform,
                               .options = {.create = true,
                                           .durability = w->durability,
                                           .sync_interval_ms = 100000000,
                                           .sync_batch_commits = 1000000},
                               .wal_segment_bytes = w->segment_bytes};
}

static void step_bulk(world *w, wg_txn *txn) {
    if (pick(w, 5) == 0) op_create_node(w, txn);
    else op_create_nodes(w, txn);
}

/* One transaction of the workload; false when the platform failed. */
static bool run_transaction(world *w, const workload *load, uint32_t number, oracle *o) {
    wg_txn *txn = NULL;
    if (wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, NULL) != WG_OK) return false;
    if (number == 0) MODEL_OK(declare(txn, err));
    for (uint32_t s = 0; s < load->steps; s++) load->step(w, txn);
    if (load->steps == 0) transaction_body(w, txn);
    if (number % 5 == 4) {
        wg_txn_abort(txn);
        w->now = o->models[o->attempted];
        return true;
    }
    const uint64_t next = wg_txn_view(txn).own;
    assert_true(next <= COMMITS_MAX);
    o->models[next] = w->now;
    uint64_t logseq = 0;
    o->attempted = next; /* an empty transaction takes no number; then its state is that of the last */
    const wg_code code = wg_txn_commit(txn, &logseq, NULL);
    if (code == WG_OK && logseq != next) o->attempted = logseq;
    if (code == WG_OK && load->durability == WG_STRICT) o->acked = logseq;
    return code == WG_OK;
}

static void run_workload(wg_platform *platform, const workload *load, uint64_t seed, oracle *o) {
    world *w = &the_world;
    memset(w, 0, sizeof *w);
    w->text_max = load->text_max;
    wg_rng_init(&w->rng, seed);
    oracle_clear(o);
    const wg_engine_options options = options_of(load, platform);
    if (wg_engine_open("/ws", &options, &w->engine, NULL) != WG_OK) return;
    o->created = true;
    bool alive = true;
    for (uint32_t t = 0; t < load->transactions && alive; t++) {
        alive = run_transaction(w, load, t, o);
        if (alive && load->sync_every != 0 && t % load->sync_every == 0) {
            alive = wg_engine_sync(w->engine, NULL) == WG_OK;
            if (alive) o->acked = o->attempted;
        }
    }
    if (wg_engine_close(w->engine, NULL) == WG_OK && alive) o->acked = o->attempted;
}

/* ---- checking */

static void fail_at(const workload *load, uint64_t call, int pattern, const char *what, const wg_error *err) {
    fail_msg("%s, crash at call %llu, pattern %d: %s: %s", load->name, (unsigned long long)call, pattern, what,
             err != NULL ? err->message : "");
}

static bool snapshot_is(wg_engine *engine, uint64_t logseq, const model *expected) {
    wg_txn *txn = NULL;
    wg_buf text;
    wg_buf right;
    wg_buf_init(&text, NULL);
    wg_buf_init(&right, NULL);
    model_dump(expected, the_world.text_max, &right);
    MODEL_OK(wg_txn_begin(engine, WG_TXN_READ, logseq, &txn, err));
    engine_dump(txn, &text);
    wg_txn_abort(txn);
    const bool same = same_text(&text, &right);
    wg_buf_deinit(&text);
    wg_buf_deinit(&right);
    return same;
}

/* Opens and compares; the engine stays open. */
static wg_engine *open_checked(wg_platform *platform, const workload *load, const oracle *o, uint64_t call,
                               int pattern) {
    wg_engine *engine = NULL;
    wg_error err = {0};
    const wg_engine_options options = options_of(load, platform);
    totals.recoveries++;
    if (wg_engine_open("/ws", &options, &engine, &err) != WG_OK) fail_at(load, call, pattern, "open", &err);
    const uint64_t logseq = wg_engine_logseq(engine);
    if (logseq < o->acked || logseq > o->attempted) {
        snprintf(err.message, sizeof err.message, "%llu, acknowledged %llu, attempted %llu",
                 (unsigned long long)logseq, (unsigned long long)o->acked, (unsigned long long)o->attempted);
        fail_at(load, call, pattern, "logseq", &err);
    }
    if (!snapshot_is(engine, 0, &o->models[logseq])) fail_at(load, call, pattern, "newest state", NULL);
    const uint64_t past = logseq < 2 ? 0 : 1 + (call + (uint64_t)pattern) % (logseq - 1);
    if (past != 0 && !snapshot_is(engine, past, &o->models[past])) fail_at(load, call, pattern, "snapshot", NULL);
    return engine;
}

static void close_engine(wg_engine *engine) { MODEL_OK(wg_engine_close(engine, err)); }

static void verify_checked(wg_platform *platform, const workload *load, const oracle *o, uint64_t call, int pattern,
                           bool must_exist) {
    wg_verify_report report;
    wg_error err = {0};
    const wg_code code = wg_engine_verify(platform, "/ws", &report, &err);
    if (code == WG_E_NOT_FOUND && !must_exist && !o->created) return;
    if (code != WG_OK) fail_at(load, call, pattern, "verify", &err);
    if (report.last_logseq < o->acked) fail_at(load, call, pattern, "verify lost commits", NULL);
}

/* The engine is open after a crash: one commit, a second crash, and it must be there. */
static void commit_more(wg_engine *engine, wg_platform *platform, const workload *load, oracle *o, uint64_t call,
                        int pattern) {
    world *w = &the_world;
    const uint64_t tip = wg_engine_logseq(engine);
    const uint64_t acked = o->acked;
    const uint64_t attempted = o->attempted;
    static model kept_model;
    kept_model = o->models[tip + 1];
    w->engine = engine;
    w->now = o->models[tip];
    o->attempted = tip;
    wg_rng_init(&w->rng, call * 16 + (uint64_t)pattern);
    workload one = *load;
    one.durability = WG_STRICT;
    assert_true(run_transaction(w, &one, tip == 0 ? 0 : 1, o));
    MODEL_OK(wg_engine_sync(engine, err));
    wg_platform *second = NULL;
    MODEL_OK(wg_platform_sim_reboot(platform, (wg_crash_pattern)((pattern + 5) % WG_CRASH_PATTERN_COUNT), call,
                                    &second, err));
    close_engine(engine);
    close_engine(open_checked(second, load, o, call, pattern));
    wg_platform_sim_destroy(second);
    o->models[tip + 1] = kept_model;
    o->acked = acked;
    o->attempted = attempted;
}

static void check_crash(const wg_platform *crashed, const workload *load, oracle *o, uint64_t call, int pattern) {
    wg_platform *disk = NULL;
    MODEL_OK(wg_platform_sim_reboot(crashed, (wg_crash_pattern)pattern, totals.seed + call, &disk, err));
    verify_checked(disk, load, o, call, pattern, false);
    wg_engine *engine = open_checked(disk, load, o, call, pattern);
    const uint64_t logseq = wg_engine_logseq(engine);
    close_engine(engine);
    engine = open_checked(disk, load, o, call, pattern);
    assert_int_equal(wg_engine_logseq(engine), logseq);
    close_engine(engine);
    verify_checked(disk, load, o, call, pattern, true);
    if ((call + (uint64_t)pattern) % 3 == 0) {
        engine = open_checked(disk, load, o, call, pattern);
        commit_more(engine, disk, load, o, call, pattern);
    }
    wg_platform_sim_destroy(disk);
}

static void crash_everywhere(const workload *load) {
    const uint64_t seed = totals.seed;
    const crash_totals before = totals;
    bool crashed = true;
    uint64_t call = crash_first();
    for (; crashed; call += totals.stride) {
        wg_platform *platform = NULL;
        MODEL_OK(wg_platform_sim_create(seed, &platform, err));
        wg_platform_sim_crash_at(platform, call);
        run_workload(platform, load, seed, &known);
        crashed = wg_platform_sim_crashed(platform);
        if (crashed) totals.crash_points++;
        for (int pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++)
            check_crash(platform, load, &known, call, pattern);
        wg_platform_sim_destroy(platform);
    }
    printf("%s: %llu crash points, %llu recoveries, %llu commits\n", load->name,
           (unsigned long long)(totals.crash_points - before.crash_points),
           (unsigned long long)(totals.recoveries - before.recoveries), (unsigned long long)known.attempted);
    assert_true(totals.crash_points > before.crash_points + 3);
}

/* Goal: definitions, nodes, edges, changes and rollbacks in STRICT mode. */
static void test_crash_mixed_strict(void **state) {
    (void)state;
    const workload load = {
        .name = "mixed, strict", .transactions = 36, .text_max = 200, .segment_bytes = 4096, .durability = WG_STRICT};
    crash_everywhere(&load);
}

/* Goal: bulk stripes. */
static void test_crash_bulk(void **state) {
    (void)state;
    const workload load = {.name = "bulk stripes, strict",
                           .transactions = 14,
                           .steps = 3,
                           .step = step_bulk,
                           .text_max = 500,
                           .segment_bytes = 8192,
                           .durability = WG_STRICT};
    crash_everywhere(&load);
}

/* Goal: commits from bytes to a mebibyte, over many frames and segments. */
static void test_crash_large_values(void **state) {
    (void)state;
    const workload load = {.name = "values of 1 B to 1 MiB, strict",
                           .transactions = 9,
                           .steps = 2,
                           .step = op_create_node,
                           .text_max = 1 << 20,
                           .segment_bytes = 1 << 18,
                           .durability = WG_STRICT};
    crash_everywhere(&load);
}

/* Goal: BUFFERED keeps a prefix, and everything that a sync promised. */
static void test_crash_buffered(void **state) {
    (void)state;
    const workload load = {.name = "mixed, buffered",
                           .transactions = 36,
                           .text_max = 300,
                           .segment_bytes = 4096,
                           .durability = WG_BUFFERED,
                           .sync_every = 6};
    crash_everywhere(&load);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_mixed_strict),
        cmocka_unit_test(test_crash_bulk),
        cmocka_unit_test(test_crash_large_values),
        cmocka_unit_test(test_crash_buffered),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
