/* Threads: readers scan and walk while writers commit and roll back; every reader sees one committed state, whole. Run under
 * ThreadSanitizer too. */
#include "engine/engine_model.h"

#include <stdatomic.h>
#include <stdio.h>

#include "io/platform/platform.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { COMMITS = 150 };
#else
enum { COMMITS = 1500 };
#endif
enum { PAIRS = 20, READERS = 3, WRITERS = 4 };

typedef struct shared {
    wg_engine *engine;
    _Atomic bool done;
    _Atomic uint64_t reads;
    _Atomic uint64_t conflicts;
    _Atomic uint64_t wrong; /* cmocka's assertions do not work on other threads */
    uint32_t label;
    uint32_t key;
    uint32_t edge_label;
} shared;

static wg_engine *open_engine(wg_platform *platform) {
    wg_engine *engine = NULL;
    const wg_engine_options o = {.platform = platform, .options = {.create = true}, .wal_segment_bytes = 1 << 20};
    MODEL_OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

/* PAIRS nodes whose values are all equal in every committed state, and one edge a commit between the first two. */
static void prepare(shared *s, wg_platform *platform) {
    wg_txn *txn = NULL;
    s->engine = open_engine(platform);
    MODEL_OK(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("N"), false, &s->label, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("E"), true, &s->edge_label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("v"), &s->key, err));
    for (int i = 0; i < PAIRS; i++) {
        const wg_property p = {s->key, wg_value_int(0)};
        uint64_t id = 0;
        MODEL_OK(wg_txn_create_node(txn, &s->label, 1, &p, 1, &id, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static wg_code sum_values(const shared *s, const wg_txn *txn, uint64_t *rows, int64_t *low, int64_t *high,
                          wg_error *err) {
    const wg_type type = WG_TYPE_ANY;
    const wg_scan_spec spec = {
        .labels = &s->label, .label_count = 1, .keys = &s->key, .types = &type, .key_count = 1};
    wg_scan *scan = NULL;
    wg_scan_cursor *cursor = NULL;
    *rows = 0;
    WG_TRY(wg_scan_open(txn, &spec, NULL, &scan, err));
    wg_code code = wg_scan_cursor_create(scan, NULL, NULL, &cursor, err);
    for (uint32_t t = 0; code == WG_OK && t < wg_scan_task_count(scan); t++) {
        code = wg_scan_cursor_start(cursor, t, err);
        for (uint32_t passed = 1; code == WG_OK && passed != 0;) {
            wg_batch b = {0};
            code = wg_scan_cursor_next(cursor, 512, &b, &passed, err);
            for (uint32_t i = 0; code == WG_OK && passed != 0 && i < b.row_count; i++) {
                const int64_t v = wg_vector_value(&b.columns[1], wg_batch_row(&b, i)).as.i;
                if (*rows == 0 || v < *low) *low = v;
                if (*rows == 0 || v > *high) *high = v;
                (*rows)++;
            }
        }
    }
    wg_scan_cursor_destroy(cursor);
    wg_scan_close(scan);
    return code;
}

static uint64_t count_edges(const wg_txn *txn) {
    wg_expand_position position = {0};
    uint64_t edges[64];
    uint64_t neighbours[64];
    uint64_t total = 0;
    for (uint32_t got = 1; got != 0; total += got)
        if (wg_expand(txn, 0, WG_DIRECTION_OUT, NULL, 0, &position, 64, edges, neighbours, &got, NULL) != WG_OK)
            return UINT64_MAX;
    return total;
}

/* In the state of commit n + 1 every value is n and there are n edges. */
static void reader(void *arg) {
    shared *s = arg;
    uint64_t last = 0;
    while (!atomic_load(&s->done)) {
        wg_txn *txn = NULL;
        wg_error err = {0};
        uint64_t rows = 0;
        int64_t low = -1;
        int64_t high = -2;
        if (wg_txn_begin(s->engine, WG_TXN_READ, 0, &txn, &err) != WG_OK) {
            atomic_fetch_add(&s->wrong, 1);
            return;
        }
        const uint64_t snapshot = wg_txn_view(txn).snapshot;
        bool right = snapshot >= last && sum_values(s, txn, &rows, &low, &high, &err) == WG_OK;
        right = right && rows == PAIRS && low == high && low == (int64_t)snapshot - 1;
        right = right && count_edges(txn) == snapshot - 1;
        wg_txn_abort(txn);
        if (!right) atomic_fetch_add(&s->wrong, 1);
        last = snapshot;
        atomic_fetch_add(&s->reads, 1);
    }
}

static wg_code set_all(const shared *s, wg_txn *txn, int64_t v, wg_error *err) {
    uint64_t edge = 0;
    const wg_property p = {s->key, wg_value_int(v)};
    for (uint64_t id = 0; id < PAIRS; id++) WG_TRY(wg_txn_set_node(txn, id, &p, 1, false, err));
    return wg_txn_create_edge(txn, s->edge_label, 0, 1, &p, 1, &edge, err);
}

/* Work that is thrown away: rows, edges, a label and its tables. */
static wg_code try_and_abort(const shared *s, wg_error *err) {
    wg_txn *txn = NULL;
    uint32_t label = 0;
    uint64_t id = 0;
    WG_TRY(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, err));
    wg_code code = set_all(s, txn, -5, err);
    if (code == WG_OK) code = wg_txn_intern_label(txn, wg_slice_str("GONE"), true, &label, err);
    if (code == WG_OK) code = wg_txn_create_edge(txn, label, 0, 1, NULL, 0, &id, err);
    wg_txn_abort(txn);
    return code;
}

static wg_code commit_one(const shared *s, int64_t n, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(s->engine, WG_TXN_WRITE, 0, &txn, err));
    const wg_code code = set_all(s, txn, n, err);
    if (code == WG_OK) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

/* Commits beside threads. Nothing is asserted before they have ended: a failure must not leave them behind. */
static void commit_beside(shared *s, int64_t every, void (*const *bodies)(void *), int count) {
    enum { THREADS_MAX = 8 };
    wg_thread threads[THREADS_MAX];
    wg_error err = {0};
    wg_code code = WG_OK;
    int started = 0;
    assert_true(count <= THREADS_MAX);
    for (; started < count && code == WG_OK; started++)
        if ((code = wg_thread_start(&threads[started], bodies[started], s, &err)) != WG_OK) break;
    for (int64_t n = 1; n <= COMMITS && code == WG_OK; n++) {
        code = commit_one(s, n, &err);
        if (code == WG_OK && n % every == 0) code = try_and_abort(s, &err);
    }
    while (code == WG_OK && atomic_load(&s->reads) < 10 && atomic_load(&s->wrong) == 0) {}
    atomic_store(&s->done, true);
    for (int i = 0; i < started; i++) wg_thread_join(&threads[i]);
    if (code != WG_OK) fail_msg("writer: %s: %s", wg_code_name(code), err.message);
    assert_int_equal(atomic_load(&s->wrong), 0);
}

/* Goal: readers beside one writer, which also rolls back, see the states of commits and nothing between. */
static void test_readers_see_whole_commits(void **state) {
    (void)state;
    static void (*const bodies[READERS])(void *) = {reader, reader, reader};
    wg_platform *platform = NULL;
    shared s = {0};
    MODEL_OK(wg_platform_sim_create(1, &platform, err));
    prepare(&s, platform);
    commit_beside(&s, 3, bodies, READERS);
    MODEL_OK(wg_engine_close(s.engine, err));
    wg_platform_sim_destroy(platform);
}

/* Adds one to every node, again after each conflict, until it has done its share. */
static void writer(void *arg) {
    shared *s = arg;
    for (int n = 0; n < COMMITS / WRITERS / 4;) {
        wg_txn *txn = NULL;
        wg_error err = {0};
        uint64_t rows = 0;
        int64_t low = 0;
        int64_t high = 0;
        wg_code code = wg_txn_begin(s->engine, WG_TXN_OPTIMISTIC, 0, &txn, &err);
        if (code == WG_OK) code = sum_values(s, txn, &rows, &low, &high, &err);
        if (code == WG_OK) code = set_all(s, txn, high + 1, &err);
        if (code == WG_OK) code = wg_txn_commit(txn, NULL, &err);
        else wg_txn_abort(txn);
        if (code == WG_OK) n++;
        else if (code == WG_E_CONFLICT) atomic_fetch_add(&s->conflicts, 1);
        else {
            atomic_fetch_add(&s->wrong, 1);
            return;
        }
    }
}

/* Goal: four optimistic writers lose no update: after a conflict they try again, and the sum is that of all commits. */
static void test_writers_lose_no_update(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    shared s = {0};
    wg_thread threads[WRITERS];
    wg_thread watch;
    MODEL_OK(wg_platform_sim_create(2, &platform, err));
    prepare(&s, platform);
    const wg_code watching = wg_thread_start(&watch, reader, &s, NULL);
    int started = 0;
    while (started < WRITERS && wg_thread_start(&threads[started], writer, &s, NULL) == WG_OK) started++;
    for (int i = 0; i < started; i++) wg_thread_join(&threads[i]);
    atomic_store(&s.done, true);
    if (watching == WG_OK) wg_thread_join(&watch);
    assert_int_equal(watching, WG_OK);
    assert_int_equal(started, WRITERS);
    assert_int_equal(atomic_load(&s.wrong), 0);
    const uint64_t commits = (uint64_t)(COMMITS / WRITERS / 4) * WRITERS;
    assert_int_equal(wg_engine_logseq(s.engine), commits + 1);
    MODEL_OK(wg_engine_close(s.engine, err));
    s.engine = open_engine(platform);
    wg_txn *txn = NULL;
    uint64_t rows = 0;
    int64_t low = 0;
    int64_t high = 0;
    MODEL_OK(wg_txn_begin(s.engine, WG_TXN_READ, 0, &txn, err));
    MODEL_OK(sum_values(&s, txn, &rows, &low, &high, err));
    assert_int_equal(low, commits);
    assert_int_equal(high, commits);
    assert_int_equal(count_edges(txn), commits);
    wg_txn_abort(txn);
    MODEL_OK(wg_engine_close(s.engine, err));
    wg_platform_sim_destroy(platform);
}

/* ---- maintenance beside them */

static void note_wrong(shared *s, wg_code code, const wg_error *err) {
    if (code == WG_OK) return;
    fprintf(stderr, "maintenance: %s: %s\n", wg_code_name(code), err->message);
    atomic_fetch_add(&s->wrong, 1);
}

static void checkpointer(void *arg) {
    shared *s = arg;
    while (!atomic_load(&s->done)) {
        wg_error err = {0};
        note_wrong(s, wg_engine_checkpoint(s->engine, NULL, &err), &err);
    }
}

static void compactor(void *arg) {
    shared *s = arg;
    const wg_compact_options everything = {.everything = true};
    while (!atomic_load(&s->done)) {
        wg_error err = {0};
        note_wrong(s, wg_engine_compact(s->engine, &everything, NULL, NULL, NULL, &err), &err);
    }
}

/* Reads states of the past while they expire: one that can be pinned is whole until it is let go. */
static void historian(void *arg) {
    shared *s = arg;
    wg_rng rng;
    wg_rng_init(&rng, 11);
    while (!atomic_load(&s->done)) {
        wg_error err = {0};
        wg_txn *txn = NULL;
        const uint64_t newest = wg_engine_logseq(s->engine);
        const uint64_t snapshot = 1 + wg_rng_below(&rng, newest);
        if (newest > 30 && wg_rng_below(&rng, 4) == 0)
            note_wrong(s, wg_engine_expire(s->engine, newest - 30, &err), &err);
        const wg_code code = wg_txn_begin(s->engine, WG_TXN_READ, snapshot, &txn, &err);
        if (code == WG_E_EXPIRED) continue;
        note_wrong(s, code, &err);
        if (code != WG_OK) continue;
        uint64_t rows = 0;
        int64_t low = -1;
        int64_t high = -2;
        note_wrong(s, sum_values(s, txn, &rows, &low, &high, &err), &err);
        const bool right =
            rows == PAIRS && low == high && low == (int64_t)snapshot - 1 && count_edges(txn) == snapshot - 1;
        wg_txn_abort(txn);
        if (!right) atomic_fetch_add(&s->wrong, 1);
    }
}

/* Goal: checkpoints, merges and expiry beside readers of the newest and of past states and a writer change nothing that anybody sees. */
static void test_maintenance_is_invisible(void **state) {
    (void)state;
    static void (*const bodies[])(void *) = {reader, reader, checkpointer, compactor, historian};
    enum { THREADS = sizeof bodies / sizeof bodies[0] };
    wg_platform *platform = NULL;
    shared s = {0};
    MODEL_OK(wg_platform_sim_create(3, &platform, err));
    prepare(&s, platform);
    commit_beside(&s, 5, bodies, THREADS);
    MODEL_OK(wg_engine_close(s.engine, err));
    wg_verify_report report;
    MODEL_OK(wg_engine_verify(platform, "/ws", &report, err));
    assert_int_equal(report.edges, COMMITS);
    assert_true(report.checkpoint_logseq > 0);
    wg_platform_sim_destroy(platform);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_see_whole_commits),
        cmocka_unit_test(test_writers_lose_no_update),
        cmocka_unit_test(test_maintenance_is_invisible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
