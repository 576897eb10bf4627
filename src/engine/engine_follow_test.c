/* Reading beside a writer: a read-only engine shows the writer's commits, keeps what it reads while the writer checkpoints and merges,
 * changes no byte, and says when it must be opened anew. Writer and reader share a simulated disk. */
#include "engine/engine_model_ops.h"

enum { COMMITS_MAX = 300 };

typedef struct pair {
    wg_platform *platform;
    world w; /* its engine is the writer */
    wg_engine *reader;
    wg_buf dumps[COMMITS_MAX + 1];
    uint64_t reopened;
} pair;

static pair p; /* large */

static wg_engine *open_as(bool read_only) {
    const wg_engine_options o = {.platform = p.platform,
                                 .options = {.create = !read_only, .read_only = read_only},
                                 .wal_segment_bytes = 1 << 13};
    wg_engine *engine = NULL;
    MODEL_OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

static void setup(uint64_t seed) {
    memset(&p, 0, sizeof p);
    p.w.text_max = 800;
    wg_rng_init(&p.w.rng, seed);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_init(&p.dumps[i], NULL);
    MODEL_OK(wg_platform_sim_create(seed, &p.platform, err));
    p.w.engine = open_as(false);
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(p.w.engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(declare(txn, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    model_dump(&p.w.now, p.w.text_max, &p.dumps[1]);
}

static void teardown(void) {
    MODEL_OK(wg_engine_close(p.reader, err));
    MODEL_OK(wg_engine_close(p.w.engine, err));
    wg_platform_sim_destroy(p.platform);
    for (uint32_t i = 0; i <= COMMITS_MAX; i++) wg_buf_deinit(&p.dumps[i]);
}

static void write_something(void) {
    wg_txn *txn = NULL;
    uint64_t logseq = 0;
    MODEL_OK(wg_txn_begin(p.w.engine, WG_TXN_WRITE, 0, &txn, err));
    transaction_body(&p.w, txn);
    MODEL_OK(wg_txn_commit(txn, &logseq, err));
    assert_true(logseq <= COMMITS_MAX);
    model_dump(&p.w.now, p.w.text_max, &p.dumps[logseq]);
}

static void check_txn(const wg_txn *txn) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    engine_dump(txn, &text);
    assert_true(same_text(&text, &p.dumps[wg_txn_view(txn).snapshot]));
    wg_buf_deinit(&text);
}

static void check_reader(wg_engine *reader, uint64_t as_of) {
    wg_txn *txn = NULL;
    wg_sha256 theirs;
    wg_sha256 ours;
    MODEL_OK(wg_txn_begin(reader, WG_TXN_READ, as_of, &txn, err));
    check_txn(txn);
    const uint64_t snapshot = wg_txn_view(txn).snapshot;
    assert_true(wg_engine_chain_at(reader, snapshot, &ours));
    assert_true(wg_engine_chain_at(p.w.engine, snapshot, &theirs));
    assert_memory_equal(ours.bytes, theirs.bytes, sizeof ours.bytes);
    wg_txn_abort(txn);
}

/* Takes in what is new; an old reader with an open transaction is kept for it. */
static void follow(wg_txn *kept, wg_engine **old) {
    uint64_t logseq = 0;
    wg_error problem = {0};
    const wg_code code = wg_engine_follow(p.reader, &logseq, &problem);
    if (code == WG_E_EXPIRED) {
        p.reopened++;
        if (kept != NULL && *old == NULL) *old = p.reader;
        else MODEL_OK(wg_engine_close(p.reader, err));
        p.reader = open_as(true);
        logseq = wg_engine_logseq(p.reader);
    } else if (code != WG_OK) {
        fail_msg("follow: %s: %s", wg_code_name(code), problem.message);
    }
    assert_int_equal(logseq, wg_engine_logseq(p.w.engine));
}

/* Goal: whatever the writer does, a reader that follows has its newest state and its past ones, and a transaction that is open keeps its own. */
static void test_reader_follows_commits_checkpoints_and_merges(void **state) {
    (void)state;
    const wg_compact_options everything = {.everything = true};
    uint64_t reopened = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        setup(seed);
        p.reader = open_as(true);
        for (uint32_t round = 0; round < 20; round++) {
            wg_txn *kept = NULL;
            wg_engine *old = NULL;
            MODEL_OK(wg_txn_begin(p.reader, WG_TXN_READ, 0, &kept, err));
            for (uint32_t i = pick(&p.w, 4); i > 0; i--) write_something();
            if (pick(&p.w, 3) == 0) MODEL_OK(wg_engine_checkpoint(p.w.engine, NULL, err));
            if (pick(&p.w, 3) == 0) follow(kept, &old);
            for (uint32_t i = pick(&p.w, 9); i > 0; i--) write_something(); /* more than a segment at times */
            if (pick(&p.w, 3) == 0) MODEL_OK(wg_engine_checkpoint(p.w.engine, NULL, err));
            if (pick(&p.w, 4) == 0) MODEL_OK(wg_engine_compact(p.w.engine, &everything, NULL, NULL, NULL, err));
            check_txn(kept); /* files that the writer removed stay readable */
            follow(kept, &old);
            check_txn(kept);
            wg_txn_abort(kept);
            if (old != NULL) MODEL_OK(wg_engine_close(old, err));
            check_reader(p.reader, 0);
            check_reader(p.reader, 1 + pick(&p.w, (uint32_t)wg_engine_logseq(p.reader)));
        }
        reopened += p.reopened;
        teardown();
    }
    assert_true(reopened > 0);
}

/* Goal: a reader refuses to write and changes no byte of the disk. */
static void test_reader_writes_nothing(void **state) {
    (void)state;
    wg_buf before;
    wg_buf after;
    wg_buf_init(&before, NULL);
    wg_buf_init(&after, NULL);
    setup(77);
    for (int i = 0; i < 5; i++) write_something();
    MODEL_OK(wg_engine_checkpoint(p.w.engine, NULL, err));
    write_something();
    assert_true(wg_platform_sim_dump(p.platform, &before));
    p.reader = open_as(true);
    MODEL_OK(wg_engine_follow(p.reader, NULL, err));
    check_reader(p.reader, 0);
    wg_txn *txn = NULL;
    uint32_t key = 0;
    assert_int_equal(wg_txn_begin(p.reader, WG_TXN_WRITE, 0, &txn, NULL), WG_E_READ_ONLY);
    MODEL_OK(wg_txn_begin(p.reader, WG_TXN_OPTIMISTIC, 0, &txn, err));
    assert_int_equal(wg_txn_intern_key(txn, wg_slice_str("new"), &key, NULL), WG_E_READ_ONLY);
    wg_txn_abort(txn);
    assert_int_equal(wg_engine_checkpoint(p.reader, NULL, NULL), WG_E_READ_ONLY);
    assert_int_equal(wg_engine_expire(p.reader, 1, NULL), WG_E_READ_ONLY);
    assert_true(wg_platform_sim_dump(p.platform, &after));
    assert_true(same_text(&before, &after));
    wg_buf_deinit(&before);
    wg_buf_deinit(&after);
    teardown();
}

/* Goal: where there is no workspace a reader makes none. */
static void test_reader_needs_a_workspace(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    wg_engine *engine = NULL;
    MODEL_OK(wg_platform_sim_create(5, &platform, err));
    const wg_engine_options o = {.platform = platform, .options = {.create = true, .read_only = true}};
    assert_int_equal(wg_engine_open("/none", &o, &engine, NULL), WG_E_NOT_FOUND);
    wg_platform_sim_destroy(platform);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_follows_commits_checkpoints_and_merges),
        cmocka_unit_test(test_reader_writes_nothing),
        cmocka_unit_test(test_reader_needs_a_workspace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
