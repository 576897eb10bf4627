/* A start over a log that is worth a second thread: it is read and checked on one and applied on another. What is found is what was written, with
 * and without the other thread and whatever allocation fails; damage is refused; a small budget makes checkpoints on the way. */
#include <ftw.h>
#include <stdlib.h>

#include "base/core/test_seed.h"
#include "engine/test_workspace.h"

enum { COMMITS = 1200, NODES_MAX = COMMITS, TEXT_BYTES = 4000, SEGMENT_BYTES = 1 << 20 };

static char dir[256];
static uint64_t ids[NODES_MAX];
static uint32_t texts[NODES_MAX]; /* the commit that wrote the text of a node last */
static uint32_t node_count;
static uint32_t key;
static wg_sha256 chain; /* behind the last commit */

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static wg_engine_options options_with(bool alone) {
    return (wg_engine_options){.options = {.create = true, .durability = WG_BUFFERED, .no_background = alone},
                               .wal_segment_bytes = SEGMENT_BYTES,
                               .no_background = alone};
}

static wg_value text_of(uint32_t commit, char room[TEXT_BYTES]) {
    const size_t size = TEXT_BYTES - commit % 100;
    memset(room, 'a' + (int)(commit % 26), size);
    room[0] = (char)('A' + commit / 26 % 26);
    return wg_value_str(wg_slice_of(room, size));
}

/* Two commits of three make a node, the third changes an earlier one's text; now and then an edge. */
static void write_commit(wg_engine *e, uint32_t i) {
    char room[TEXT_BYTES];
    wg_txn *txn = NULL;
    uint32_t label;
    uint32_t type;
    uint64_t edge;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("T"), false, &label, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("NEXT"), true, &type, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("text"), &key, err));
    const wg_property text = {.key = key, .value = text_of(i, room)};
    const uint32_t at = i % 3 == 2 ? i / 2 % node_count : node_count;
    if (at < node_count) MODEL_OK(wg_txn_set_node(txn, ids[at], &text, 1, false, err));
    else MODEL_OK(wg_txn_create_node(txn, &label, 1, &text, 1, &ids[node_count++], err));
    if (i % 7 == 6) MODEL_OK(wg_txn_create_edge(txn, type, ids[at], ids[at / 2], NULL, 0, &edge, err));
    texts[at] = i;
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static int setup(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    const wg_engine_options o = options_with(true);
    wg_engine *e = NULL;
    (void)snprintf(dir, sizeof dir, "%s/wgrecoverXXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(dir) == NULL) return 1;
    node_count = 0;
    MODEL_OK(wg_engine_open(dir, &o, &e, err));
    for (uint32_t i = 0; i < COMMITS; i++) write_commit(e, i);
    MODEL_OK(wg_engine_sync(e, err));
    MODEL_OK(wg_engine_chain_value(e, COMMITS, &chain, err));
    MODEL_OK(wg_engine_close(e, err));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Every node has its last text, and the log its hash. */
static void expect_all(wg_engine *e) {
    char room[TEXT_BYTES];
    wg_sha256 got;
    wg_txn *txn = NULL;
    wg_arena arena;
    wg_column column;
    assert_int_equal(wg_engine_logseq(e), COMMITS);
    MODEL_OK(wg_engine_chain_value(e, COMMITS, &got, err));
    assert_memory_equal(got.bytes, chain.bytes, sizeof chain.bytes);
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    wg_arena_init(&arena, NULL);
    wg_column_init(&column, WG_TYPE_ANY, &arena, NULL);
    MODEL_OK(wg_read_node_property(txn, ids, node_count, key, &column, err));
    const wg_vector view = wg_column_view(&column);
    for (uint32_t n = 0; n < node_count; n++) {
        const wg_value expected = text_of(texts[n], room);
        const wg_value value = wg_vector_value(&view, n);
        if (!wg_value_equivalent(&value, &expected)) fail_msg("node %u has another text", n);
    }
    wg_column_deinit(&column);
    wg_arena_deinit(&arena);
    wg_txn_abort(txn);
}

/* Goal: the second thread changes nothing of what a start finds; a start alone finds the same. */
static void test_a_long_log_is_replayed_by_two_threads(void **state) {
    (void)state;
    for (int alone = 0; alone < 2; alone++) {
        const wg_engine_options o = options_with(alone != 0);
        wg_engine *e = NULL;
        MODEL_OK(wg_engine_open(dir, &o, &e, err));
        assert_int_equal(atomic_load(&e->maintenance.recovered_commits), COMMITS); /* no checkpoint was in the way */
        assert_true(atomic_load(&e->maintenance.log_bytes) > 4 << 20);
        expect_all(e);
        MODEL_OK(wg_engine_close(e, err));
    }
}

/* Goal: whichever allocation of either thread fails, the start says so, told or not, and the next one finds everything. */
static void test_a_long_log_and_no_memory(void **state) {
    (void)state;
    const wg_engine_options o = options_with(false);
    uint32_t refused = 0;
    for (uint64_t n = 1;; n += 1 + n / (wg_test_small() ? 2 : 6)) {
        wg_engine *e = NULL;
        wg_error seen = {0};
        const uint64_t before = wg_memory_calls();
        wg_memory_fail_at(n, n % 2 == 0);
        const wg_code code = wg_engine_open(dir, &o, &e, n % 5 == 0 ? NULL : &seen);
        const bool met = wg_memory_calls() - before >= n;
        wg_memory_fail_at(0, false);
        if (code == WG_OK) {
            expect_all(e);
            MODEL_OK(wg_engine_close(e, err));
        } else {
            if (code != WG_E_NOMEM)
                fail_msg("n %llu: %s: %s", (unsigned long long)n, wg_code_name(code), seen.message);
            assert_true(n % 5 == 0 || (seen.code == WG_E_NOMEM && seen.message[0] != '\0'));
            refused++;
        }
        if (!met) break;
    }
    assert_true(refused > 10);
    test_a_long_log_is_replayed_by_two_threads(state);
}

/* Goal: the allocations of a start whose commits are few and large: without the second thread's it goes on alone, without any other one it says
 * so; what it finds is whole. */
static void test_large_commits_and_no_memory(void **state) {
    (void)state;
    enum { LARGE = 24, LARGE_BYTES = 100 << 10 };
    static char room[LARGE_BYTES];
    char path[300];
    wg_engine *e = NULL;
    uint32_t refused = 0;
    uint32_t alone = 0;
    const wg_engine_options o = options_with(false);
    (void)snprintf(path, sizeof path, "%s/large", dir);
    MODEL_OK(wg_engine_open(path, &o, &e, err));
    for (uint32_t i = 0; i < LARGE; i++) {
        wg_txn *txn = NULL;
        wg_property text = {.value = wg_value_str(wg_slice_of(room, LARGE_BYTES))};
        uint32_t label;
        uint64_t id;
        memset(room, 'a' + (int)i, sizeof room);
        MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
        MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("T"), false, &label, err));
        MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("text"), &text.key, err));
        MODEL_OK(wg_txn_create_node(txn, &label, 1, &text, 1, &id, err));
        MODEL_OK(wg_txn_commit(txn, NULL, err));
    }
    wg_sha256 expected;
    MODEL_OK(wg_engine_chain_value(e, LARGE, &expected, err));
    MODEL_OK(wg_engine_close(e, err));
    bool met = true;
    for (uint64_t n = 1; met; n++) {
        wg_error seen = {0};
        const uint64_t before = wg_memory_calls();
        wg_memory_fail_at(n, false);
        const wg_code code = wg_engine_open(path, &o, &e, &seen);
        met = wg_memory_calls() - before >= n;
        wg_memory_fail_at(0, false);
        if (code != WG_OK) {
            if (code != WG_E_NOMEM) fail_msg("n %llu: %s", (unsigned long long)n, seen.message);
            assert_true(met && seen.message[0] != '\0');
            refused++;
            continue;
        }
        wg_sha256 got;
        alone += met;
        assert_int_equal(wg_engine_logseq(e), LARGE);
        MODEL_OK(wg_engine_chain_value(e, LARGE, &got, err));
        assert_memory_equal(got.bytes, expected.bytes, sizeof got.bytes);
        MODEL_OK(wg_engine_close(e, err));
    }
    assert_true(refused > 50);
    assert_true(alone >= 2); /* the pipeline and its thread, at least */
    print_message("%u refused, %u went on\n", refused, alone);
}

static void flip(const char *path, uint64_t offset) {
    wg_platform *p = wg_platform_real();
    wg_file *file = NULL;
    uint8_t byte;
    size_t got = 0;
    MODEL_OK(p->ops->open(p, path, WG_OPEN_WRITE, &file, err));
    MODEL_OK(p->ops->read_at(p, file, offset, &byte, 1, &got, err));
    assert_int_equal(got, 1);
    byte ^= 4;
    MODEL_OK(p->ops->write_at(p, file, offset, &byte, 1, err));
    p->ops->close(p, file);
}

/* Goal: damage behind the place from which two threads work is refused, never applied, and named as before. */
static void test_damage_in_a_long_log_is_refused(void **state) {
    (void)state;
    char path[400];
    wg_error seen[2] = {{0}, {0}};
    (void)snprintf(path, sizeof path, "%s/wal/%020u.wal", dir, 3);
    flip(path, SEGMENT_BYTES / 2);
    for (int alone = 0; alone < 2; alone++) {
        const wg_engine_options o = options_with(alone != 0);
        wg_engine *e = NULL;
        assert_int_equal(wg_engine_open(dir, &o, &e, &seen[alone]), WG_E_CORRUPT);
        assert_null(e);
    }
    assert_string_equal(seen[0].message, seen[1].message);
    flip(path, SEGMENT_BYTES / 2);
    test_a_long_log_is_replayed_by_two_threads(state);
}

/* Goal: where the budget is small the start makes checkpoints on its way, between what is applied, and finds the same. */
static void test_a_long_log_and_a_small_budget(void **state) {
    (void)state;
    wg_engine_options o = options_with(false);
    o.options.budget.hot = UINT64_C(3) << 20;
    wg_engine *e = NULL;
    MODEL_OK(wg_engine_open(dir, &o, &e, err));
    assert_true(e->maintenance.manifest.checkpoint.logseq > 0);
    expect_all(e);
    MODEL_OK(wg_engine_close(e, err));
    o.options.budget.hot = 0;
    MODEL_OK(wg_engine_open(dir, &o, &e, err));
    assert_true(atomic_load(&e->maintenance.recovered_commits) < COMMITS);
    expect_all(e);
    MODEL_OK(wg_engine_close(e, err));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_a_long_log_is_replayed_by_two_threads), T(test_a_long_log_and_no_memory),
        T(test_large_commits_and_no_memory),           T(test_damage_in_a_long_log_is_refused),
        T(test_a_long_log_and_a_small_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
