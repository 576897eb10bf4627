/* tests/crash: what is checked on each disk that a crash left, and the loop over all crashes. See workload_kit.h. */
#ifndef WG_TESTS_WORKLOAD_CHECKS_H
#define WG_TESTS_WORKLOAD_CHECKS_H

#include "workload_kit.h"

/* ---- checking */

static const workload *current_load;
static uint64_t current_call;
static int current_pattern;

static inline void fail_at(const char *what, const wg_error *err) {
    fail_msg("%s, crash at call %llu, pattern %d, WG_SEED=%llu: %s: %s", current_load->name,
             (unsigned long long)current_call, current_pattern, (unsigned long long)totals.seed, what,
             err != NULL ? err->message : "");
}

/* Every key of P finds its node, and one that nobody has finds none. */
static inline void check_keys(const wg_txn *txn, const model *m) {
    const wg_label *p = wg_catalog_label(wg_txn_catalog(txn), wg_txn_view(txn), wg_slice_str("P"), false);
    if (p == NULL) return;
    bool used[64] = {false};
    for (uint32_t n = 0; n <= m->node_count; n++) {
        uint32_t key = 0;
        if (n < m->node_count) {
            if (!m->nodes[n].alive || (m->nodes[n].labels & MODEL_P) == 0) continue;
            key = m->nodes[n].values[0].i;
            used[key % 64] = true;
        } else {
            while (key < 60 && used[key]) key++;
        }
        const wg_value value = wg_value_int((int64_t)key);
        uint64_t id = 0;
        bool found = false;
        wg_error err = {0};
        if (wg_node_seek(txn, p->number, &value, 1, &id, &found, &err) != WG_OK) fail_at("seek", &err);
        if (found != (n < m->node_count) || (found && id != n)) fail_at("a key finds another node", NULL);
    }
}

static inline bool snapshot_is(wg_engine *engine, uint64_t logseq, const model *expected, bool keys) {
    wg_txn *txn = NULL;
    wg_buf text;
    wg_buf right;
    wg_buf_init(&text, NULL);
    wg_buf_init(&right, NULL);
    model_dump(expected, the_world.text_max, &right);
    MODEL_OK(wg_txn_begin(engine, WG_TXN_READ, logseq, &txn, err));
    engine_dump(txn, &text);
    if (keys) check_keys(txn, expected);
    wg_txn_abort(txn);
    const bool same = same_text(&text, &right);
    wg_buf_deinit(&text);
    wg_buf_deinit(&right);
    return same;
}

/* Opens and compares; the engine stays open. */
static inline wg_engine *open_checked(wg_platform *platform, const oracle *o) {
    wg_engine *engine = NULL;
    wg_error err = {0};
    const wg_engine_options options = options_of(current_load, platform);
    totals.recoveries++;
    if (wg_engine_open("/ws", &options, &engine, &err) != WG_OK) fail_at("open", &err);
    const uint64_t logseq = wg_engine_logseq(engine);
    if (logseq < o->acked || logseq > o->attempted) {
        snprintf(err.message, sizeof err.message, "%llu, acknowledged %llu, attempted %llu",
                 (unsigned long long)logseq, (unsigned long long)o->acked, (unsigned long long)o->attempted);
        fail_at("logseq", &err);
    }
    if (!snapshot_is(engine, 0, model_at(o, logseq), true)) fail_at("newest state", NULL);
    const uint64_t past = logseq < 2 ? 0 : 1 + (current_call + (uint64_t)current_pattern) % (logseq - 1);
    if (past != 0 && !snapshot_is(engine, past, model_at(o, past), false)) fail_at("snapshot", NULL);
    if (current_load->check != NULL) current_load->check(engine, logseq, o);
    return engine;
}

static inline void close_engine(wg_engine *engine) { MODEL_OK(wg_engine_close(engine, err)); }

static inline void verify_checked(wg_platform *platform, const oracle *o, bool must_exist) {
    wg_verify_report report;
    wg_error err = {0};
    const wg_code code = wg_engine_verify(platform, "/ws", &report, &err);
    if (code == WG_E_NOT_FOUND && !must_exist && !o->created) return;
    if (code != WG_OK) fail_at("verify", &err);
    if (report.last_logseq < o->acked) fail_at("verify lost commits", NULL);
}

static inline wg_platform *reboot(const wg_platform *disk, int pattern, uint64_t seed) {
    wg_platform *out = NULL;
    MODEL_OK(wg_platform_sim_reboot(disk, (wg_crash_pattern)(pattern % WG_CRASH_PATTERN_COUNT), seed, &out, err));
    return out;
}

/* Recovers twice; the second time changes no byte. Gives the newest commit. */
static inline uint64_t recover_twice(wg_platform *disk, const oracle *o) {
    wg_buf dump;
    wg_buf_init(&dump, NULL);
    wg_engine *engine = open_checked(disk, o);
    const uint64_t logseq = wg_engine_logseq(engine);
    close_engine(engine);
    assert_true(wg_platform_sim_dump(disk, &dump));
    engine = open_checked(disk, o);
    assert_int_equal(wg_engine_logseq(engine), logseq);
    close_engine(engine);
    if (!dumps_equal(disk, &dump)) fail_at("recovering twice changes bytes", NULL);
    wg_buf_deinit(&dump);
    return logseq;
}

/* Twenty more commits, a second crash while the engine is open, and they must be there. */
static inline void go_on(wg_platform *disk, const oracle *o, uint64_t tip) {
    world *w = &the_world;
    workload strict = *current_load;
    strict.durability = WG_STRICT;
    later.before = o;
    later.from = tip;
    later.virtual_at = o->virtual_at <= tip ? o->virtual_at : 0; /* its number is another commit's now */
    later.virtual_again = o->virtual_again <= tip ? o->virtual_again : 0;
    later.acked = later.attempted = tip;
    later.models[tip] = *model_at(o, tip);
    wg_rng_init(&w->rng, current_call * 16 + (uint64_t)current_pattern);
    w->may_fail = false;
    if (!run_open(disk, &strict, &later)) fail_at("open to go on", NULL);
    assert_int_equal(later.acked, tip);
    if (!run_transactions(&strict, FURTHER, &later)) fail_at("commit", NULL);
    wg_platform *second = reboot(disk, current_pattern + 5, current_call);
    close_engine(w->engine);
    close_engine(open_checked(second, &later));
    verify_checked(second, &later, true);
    wg_platform_sim_destroy(second);
}

/* Power fails at each call of the recovery of `disk`, again and again until it runs through. */
static inline void crash_recovery_everywhere(const wg_platform *disk, const oracle *o, uint64_t stride) {
    const wg_engine_options options = options_of(current_load, NULL);
    bool crashed = true;
    for (uint64_t call = 1; crashed; call += stride) {
        wg_platform *first = reboot(disk, WG_CRASH_ALL_SURVIVES, 1);
        wg_engine_options on_first = options;
        wg_engine *engine = NULL;
        on_first.platform = first;
        wg_platform_sim_crash_at(first, call);
        totals.recoveries++;
        if (wg_engine_open("/ws", &on_first, &engine, NULL) == WG_OK) (void)wg_engine_close(engine, NULL);
        crashed = wg_platform_sim_crashed(first);
        wg_platform *second = reboot(first, (int)(call % WG_CRASH_PATTERN_COUNT), totals.seed + call);
        wg_platform_sim_destroy(first);
        (void)recover_twice(second, o);
        wg_platform_sim_destroy(second);
    }
}

static inline void check_crash(const wg_platform *crashed, const oracle *o) {
    wg_platform *disk = reboot(crashed, current_pattern, totals.seed + current_call);
    const uint64_t sample = current_call * WG_CRASH_PATTERN_COUNT + (uint64_t)current_pattern + totals.seed;
    if (o->large_from == 0 && current_load->recovery_exhaustive) crash_recovery_everywhere(disk, o, totals.stride);
    else if (o->large_from == 0 && sample % 29 == 0) crash_recovery_everywhere(disk, o, totals.stride);
    verify_checked(disk, o, false);
    const uint64_t tip = recover_twice(disk, o);
    verify_checked(disk, o, true);
    go_on(disk, o, tip);
    wg_platform_sim_destroy(disk);
}

/* ---- the loop */

static inline wg_platform *fresh_disk(const workload *load, oracle *o) {
    wg_platform *disk = NULL;
    MODEL_OK(wg_platform_sim_create(totals.seed, &disk, err));
    if (load->prepare != NULL) load->prepare(disk);
    o->before = NULL;
    o->from = 0;
    o->created = false;
    o->acked = o->attempted = o->virtual_at = o->virtual_again = o->large_from = 0;
    memset(&o->models[0], 0, sizeof o->models[0]);
    return disk;
}

static inline void crash_everywhere(const workload *load) {
    const crash_totals before = totals;
    bool crashed = true;
    uint64_t stride = totals.stride;
    current_load = load;
    for (current_call = crash_first(); crashed; current_call += stride) {
        wg_platform *platform = load->start != NULL ? load->start(load, &known) : fresh_disk(load, &known);
        const uint64_t first = wg_platform_sim_calls(platform);
        memset(&the_world, 0, sizeof the_world);
        wg_platform_sim_crash_at(platform, current_call);
        run_workload(platform, load, totals.seed, &known);
        crashed = wg_platform_sim_crashed(platform);
        if (crashed) totals.crash_points++;
        if (known.large_from > first && current_call > known.large_from - first)
            stride = LARGE_STRIDE * totals.stride;
        for (current_pattern = 0; current_pattern < WG_CRASH_PATTERN_COUNT; current_pattern++)
            check_crash(platform, &known);
        wg_platform_sim_destroy(platform);
    }
    printf("%s: %llu crash points, %llu recoveries, %llu commits\n", load->name,
           (unsigned long long)(totals.crash_points - before.crash_points),
           (unsigned long long)(totals.recoveries - before.recoveries), (unsigned long long)known.attempted);
    assert_true(totals.crash_points > before.crash_points + 3);
}

#endif
