/* Checkpoints, recovery from them, compaction and expiry against the naive model (engine_model.h): whatever is in stripes, in the
 * heap or in the log, every snapshot reads as it did when it was new. */
#include "base/core/test_seed.h"
#include "engine/engine_model_ops.h"

#include <stdio.h>
#include <stdlib.h>

enum { COMMITS_MAX = 400 };

static uint64_t seed_of_run(void) {
    const char *text = getenv("WG_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260301);
    printf("seed: WG_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static uint64_t opened;

static wg_engine *open_at(wg_platform *platform, wg_durability durability) {
    const wg_engine_options o = {.platform = platform,
                                 .options = {.create = true, .durability = durability, .sync_interval_ms = 1000000},
                                 .wal_segment_bytes = 1 << 14,
                                 .halves_log_bytes = opened++ % 2}; /* always in halves, or never */
    wg_engine *engine = NULL;
    MODEL_OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

static void check_snapshot(const world *w, uint64_t logseq, const wg_buf *expected) {
    wg_txn *txn = NULL;
    wg_buf text;
    wg_buf_init(&text, NULL);
    MODEL_OK(wg_txn_begin(w->engine, WG_TXN_READ, logseq, &txn, err));
    engine_dump(txn, &text);
    if (!same_text(&text, expected))
        fail_msg("snapshot %llu was:\n%.*s\nand is:\n%.*s", (unsigned long long)logseq, (int)expected->size,
                 (const char *)expected->data, (int)text.size, (const char *)text.data);
    wg_txn_abort(txn);
    wg_buf_deinit(&text);
}

/* One transaction; true when it committed something. */
static bool one_transaction(world *w, bool first) {
    wg_txn *txn = NULL;
    const uint64_t before = wg_engine_logseq(w->engine);
    w->saved[0] = w->now;
    MODEL_OK(wg_txn_begin(w->engine, pick(w, 2) == 0 ? WG_TXN_WRITE : WG_TXN_OPTIMISTIC, 0, &txn, err));
    if (first) MODEL_OK(declare(txn, err));
    transaction_body(w, txn);
    if (!first && pick(w, 4) == 0) {
        wg_txn_abort(txn);
        w->now = w->saved[0];
        return false;
    }
    uint64_t logseq = 0;
    MODEL_OK(wg_txn_commit(txn, &logseq, err));
    return logseq == before + 1;
}

typedef struct history {
    wg_buf dumps[COMMITS_MAX + 1];
    wg_sha256 chains[COMMITS_MAX + 1];
    uint64_t horizon;
} history;

static void check_chain(const world *w, const history *h, uint64_t logseq) {
    wg_sha256 chain;
    assert_true(wg_engine_chain_at(w->engine, logseq, &chain));
    assert_memory_equal(chain.bytes, h->chains[logseq].bytes, sizeof chain.bytes);
}

static void check_all(const world *w, const history *h) {
    const uint64_t logseq = wg_engine_logseq(w->engine);
    for (uint64_t s = h->horizon > 1 ? h->horizon : 1; s <= logseq; s++) {
        check_snapshot(w, s, &h->dumps[s]);
        check_chain(w, h, s);
    }
}

static void reopen(world *w, wg_platform *platform, wg_durability durability, const history *h) {
    const uint64_t logseq = wg_engine_logseq(w->engine);
    wg_verify_report report;
    MODEL_OK(wg_engine_close(w->engine, err));
    MODEL_OK(wg_engine_verify(platform, "/ws", &report, err));
    assert_int_equal(report.last_logseq, logseq);
    w->engine = open_at(platform, durability);
    assert_int_equal(wg_engine_logseq(w->engine), logseq);
    check_all(w, h);
}

static void maintain(world *w, history *h, wg_platform *platform, wg_durability durability) {
    const uint64_t logseq = wg_engine_logseq(w->engine);
    const wg_compact_options everything = {.everything = pick(w, 2) == 0};
    wg_checkpoint_info info = {0};
    switch (pick(w, 16)) {
        case 0:
        case 1:
        case 2:
        case 3:
            MODEL_OK(wg_engine_checkpoint(w->engine, &info, err));
            assert_int_equal(info.logseq, logseq);
            break;
        case 4:
            MODEL_OK(wg_engine_compact(w->engine, &everything, NULL, NULL, NULL, err));
            break;
        case 5:
            if (pick(w, 6) != 0 || logseq < 20) break;
            h->horizon = h->horizon > logseq - 15 ? h->horizon : logseq - 15;
            MODEL_OK(wg_engine_expire(w->engine, h->horizon, err));
            break;
        case 6:
        case 7:
            reopen(w, platform, durability, h);
            break;
        default:
            break;
    }
}

static void run_world(uint64_t seed, wg_durability durability, uint32_t transactions) {
    static world w;   /* large */
    static history h; /* large */
    wg_platform *platform = NULL;
    memset(&w, 0, sizeof w);
    memset(&h, 0, sizeof h);
    w.text_max = 3000;
    w.loads = true;
    wg_rng_init(&w.rng, seed);
    MODEL_OK(wg_platform_sim_create(seed, &platform, err));
    w.engine = open_at(platform, durability);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_init(&h.dumps[i], NULL);
    for (uint32_t t = 0; t < transactions; t++) {
        const bool committed = one_transaction(&w, t == 0);
        const uint64_t logseq = wg_engine_logseq(w.engine);
        assert_true(logseq <= COMMITS_MAX);
        if (committed) {
            model_dump(&w.now, w.text_max, &h.dumps[logseq]);
            assert_true(wg_engine_chain_at(w.engine, logseq, &h.chains[logseq]));
        }
        maintain(&w, &h, platform, durability);
        check_snapshot(&w, 0, &h.dumps[logseq]);
        const uint64_t from = h.horizon > 1 ? h.horizon : 1;
        const uint64_t past = from + pick(&w, (uint32_t)(logseq - from + 1));
        check_snapshot(&w, past, &h.dumps[past]);
    }
    reopen(&w, platform, durability, &h);
    reopen(&w, platform, durability, &h);
    printf("operations %llu, commits %llu, horizon %llu\n", (unsigned long long)w.operations,
           (unsigned long long)wg_engine_logseq(w.engine), (unsigned long long)h.horizon);
    MODEL_OK(wg_engine_close(w.engine, err));
    wg_platform_sim_destroy(platform);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_deinit(&h.dumps[i]);
}

/* Goal: no mix of transactions, rollbacks, checkpoints, merges, expiry and reopenings makes a kept snapshot differ from the model. */
static void test_random_maintenance_equals_the_model(void **state) {
    (void)state;
    const uint64_t seed = seed_of_run();
    for (uint64_t round = 0; round < (wg_test_small() ? 6 : 24); round++)
        run_world(seed + round, round % 3 == 2 ? WG_BUFFERED : WG_STRICT, 120);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_maintenance_equals_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
