/* Random transactions against a naive model (engine_model.h): after every commit, rollback and reopen the engine's state is the
 * model's, and past snapshots read as they did when they were new. */
#include "engine/engine_model_ops.h"

#include <stdio.h>
#include <stdlib.h>

enum { COMMITS_MAX = 400 };

static uint64_t seed_of_run(void) {
    const char *text = getenv("WG_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : UINT64_C(20260201);
    printf("seed: WG_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void open_engine(world *w, wg_platform *platform, wg_durability durability) {
    const wg_engine_options o = {.platform = platform,
                                 .options = {.create = true, .durability = durability, .sync_interval_ms = 1000000},
                                 .wal_segment_bytes = 1 << 16};
    MODEL_OK(wg_engine_open("/ws", &o, &w->engine, err));
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
    if (pick(w, 3) == 0) check_now(w, txn);
    if (!first && pick(w, 4) == 0) {
        wg_txn_abort(txn);
        w->now = w->saved[0];
        return false;
    }
    uint64_t logseq = 0;
    MODEL_OK(wg_txn_commit(txn, &logseq, err));
    assert_true(logseq == before || logseq == before + 1);
    assert_int_equal(wg_engine_logseq(w->engine), logseq);
    return logseq == before + 1;
}

static void run_world(uint64_t seed, wg_durability durability, uint32_t transactions) {
    static world w; /* large */
    static wg_buf dumps[COMMITS_MAX + 1];
    wg_platform *platform = NULL;
    memset(&w, 0, sizeof w);
    w.text_max = 3000;
    w.loads = true;
    wg_rng_init(&w.rng, seed);
    MODEL_OK(wg_platform_sim_create(seed, &platform, err));
    open_engine(&w, platform, durability);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_init(&dumps[i], NULL);
    for (uint32_t t = 0; t < transactions; t++) {
        const bool committed = one_transaction(&w, t == 0);
        const uint64_t logseq = wg_engine_logseq(w.engine);
        assert_true(logseq <= COMMITS_MAX);
        if (committed) model_dump(&w.now, w.text_max, &dumps[logseq]);
        check_snapshot(&w, 0, &dumps[logseq]);
        for (uint32_t i = 0; i < 2; i++) {
            const uint64_t past = 1 + pick(&w, (uint32_t)logseq);
            check_snapshot(&w, past, &dumps[past]);
        }
        if (pick(&w, 12) == 0) {
            MODEL_OK(wg_engine_close(w.engine, err));
            wg_verify_report report;
            MODEL_OK(wg_engine_verify(platform, "/ws", &report, err));
            assert_int_equal(report.last_logseq, logseq);
            open_engine(&w, platform, durability);
            for (uint64_t s = 1; s <= logseq; s++) check_snapshot(&w, s, &dumps[s]);
        }
    }
    printf("operations %llu, refused %llu, commits %llu\n", (unsigned long long)w.operations,
           (unsigned long long)w.refusals, (unsigned long long)wg_engine_logseq(w.engine));
    MODEL_OK(wg_engine_close(w.engine, err));
    wg_platform_sim_destroy(platform);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_deinit(&dumps[i]);
}

/* Goal: no sequence of transactions, marks, rollbacks and reopenings makes the engine differ from the model. */
static void test_random_transactions_equal_the_model(void **state) {
    (void)state;
    const uint64_t seed = seed_of_run();
    for (uint64_t round = 0; round < 16; round++)
        run_world(seed + round, round % 3 == 2 ? WG_BUFFERED : WG_STRICT, 120);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_transactions_equal_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
