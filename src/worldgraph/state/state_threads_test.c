/* Many threads on one state: money that moves between accounts, read at snapshots, while keys come and go, segments split, history is
 * forgotten, deletions are purged and the lanes are stopped again and again. */
#include "worldgraph/state/state_kit.h"

#include <stdlib.h>

enum { ACCOUNTS = 200, MOVERS = 3, MOVES = 4000, START = 1000 };

typedef struct world {
    state_kit kit;
    _Atomic uint32_t movers_left;
    _Atomic uint64_t moved, conflicts, checks, expired;
    _Atomic uint32_t next_seed;
} world;

static wg_state_key account_key(const wg_state_run *run, uint32_t i, char *space) {
    const int n = snprintf(space, 32, "account/%u", i);
    return wg_state_key_of(run, wg_slice_of(space, (size_t)n));
}

static int64_t cell_int(const wg_state_cell *cell) {
    assert_int_equal(cell->bytes.size, 8);
    return wg_i64_of_u64(wg_load_u64le(cell->bytes.data));
}

static wg_code put_int(wg_state_txn *txn, const wg_state_key *key, int64_t n, wg_error *err) {
    uint8_t bytes[8];
    wg_store_u64le(bytes, (uint64_t)n);
    const wg_state_value v = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, 8)};
    return wg_state_txn_put(txn, key, &v, WG_VERSION_ANY, err);
}

/* Moves one unit between two accounts; half of the time an event tells it. */
static bool move_once(world *w, wg_state_session *session, wg_rng *rng) {
    wg_state_txn *txn = NULL;
    wg_error err = {0};
    char space[2][32];
    wg_state_cell cell = {0};
    int64_t have[2];
    const uint32_t from = (uint32_t)wg_rng_below(rng, ACCOUNTS);
    const uint32_t to = (from + 1 + (uint32_t)wg_rng_below(rng, ACCOUNTS - 1)) % ACCOUNTS;
    const wg_state_key keys[2] = {account_key(w->kit.run, from, space[0]), account_key(w->kit.run, to, space[1])};
    assert_int_equal(wg_state_begin(session, w->kit.run, WG_STATE_SNAPSHOT, 0, &txn, &err), WG_OK);
    for (int i = 0; i < 2; i++) {
        const wg_code code = wg_state_txn_get(txn, &keys[i], &cell, &err);
        if (code != WG_OK) { /* a late snapshot: allowed, and seldom */
            assert_int_equal(code, WG_E_EXPIRED);
            wg_state_abort(txn);
            atomic_fetch_add(&w->expired, 1);
            return false;
        }
        have[i] = cell_int(&cell);
    }
    wg_state_cell_deinit(&cell);
    assert_int_equal(put_int(txn, &keys[0], have[0] - 1, &err), WG_OK);
    assert_int_equal(put_int(txn, &keys[1], have[1] + 1, &err), WG_OK);
    const wg_state_value note = kit_value("moved");
    if (from % 2 == 0) assert_int_equal(wg_state_txn_append(txn, wg_slice_str("move"), &note, NULL, &err), WG_OK);
    const wg_code code = wg_state_commit(txn, NULL, NULL, &err);
    if (code != WG_OK) assert_int_equal(code, WG_E_CONFLICT);
    return code == WG_OK;
}

static void mover(void *arg) {
    world *w = arg;
    wg_rng rng;
    wg_state_session *session = NULL;
    wg_rng_init(&rng, atomic_fetch_add(&w->next_seed, 1));
    assert_int_equal(wg_state_session_open(w->kit.state, &session, NULL), WG_OK);
    for (uint32_t i = 0; i < MOVES; i++) {
        if (move_once(w, session, &rng)) atomic_fetch_add(&w->moved, 1);
        else atomic_fetch_add(&w->conflicts, 1);
    }
    wg_state_session_close(session);
    atomic_fetch_sub(&w->movers_left, 1);
}

/* At every snapshot the accounts have the same sum. */
static void checker(void *arg) {
    world *w = arg;
    wg_state_session *session = NULL;
    wg_state_cell *cells = calloc(ACCOUNTS, sizeof *cells);
    wg_state_key keys[ACCOUNTS];
    char space[ACCOUNTS][32];
    assert_int_equal(wg_state_session_open(w->kit.state, &session, NULL), WG_OK);
    for (uint32_t i = 0; i < ACCOUNTS; i++) keys[i] = account_key(w->kit.run, i, space[i]);
    while (atomic_load(&w->movers_left) != 0) {
        wg_state_pin pin;
        wg_error err = {0};
        const uint64_t version = wg_state_run_newest(w->kit.run);
        const wg_code pinned = wg_state_pin_acquire(session, w->kit.run, version, &pin, &err);
        if (pinned == WG_E_EXPIRED) continue;
        assert_int_equal(pinned, WG_OK);
        for (int round = 0; round < 2; round++) {
            int64_t sum = 0;
            const wg_code code = wg_state_get_many(session, w->kit.run, keys, ACCOUNTS, version, 0, cells, &err);
            if (code != WG_OK) fail_msg("pinned version %llu: %s", (unsigned long long)version, err.message);
            for (uint32_t i = 0; i < ACCOUNTS; i++) {
                assert_true(cells[i].version <= version);
                sum += cell_int(&cells[i]);
            }
            assert_int_equal(sum, ACCOUNTS * START);
            wg_thread_yield();
        }
        const uint64_t events = wg_events_count(wg_state_run_events(w->kit.run), version);
        assert_int_equal(events, wg_events_count(wg_state_run_events(w->kit.run), version));
        wg_state_pin_release(&pin);
        atomic_fetch_add(&w->checks, 1);
    }
    free(cells);
    wg_state_session_close(session);
}

/* Keys come and go in two runs; deletions are purged, runs dropped. */
static void churner(void *arg) {
    world *w = arg;
    wg_rng rng;
    wg_state_session *session = NULL;
    char key[64];
    wg_rng_init(&rng, 99);
    assert_int_equal(wg_state_session_open(w->kit.state, &session, NULL), WG_OK);
    for (uint32_t n = 2; atomic_load(&w->movers_left) != 0; n++) {
        wg_state_run *run = NULL;
        const wg_run_origin origin = {.number = n};
        assert_int_equal(wg_state_run_create(w->kit.state, &origin, &run, NULL), WG_OK);
        for (uint32_t i = 0; i < 500; i++) {
            (void)snprintf(key, sizeof key, "churn/%llu", (unsigned long long)wg_rng_below(&rng, 5000));
            kit_put(session, i % 2 == 0 ? w->kit.run : run, key, key);
            (void)snprintf(key, sizeof key, "churn/%llu", (unsigned long long)wg_rng_below(&rng, 5000));
            kit_delete(session, w->kit.run, key);
        }
        wg_state_run_drop(w->kit.state, n);
        (void)wg_state_collect(w->kit.state);
    }
    wg_state_session_close(session);
}

static void stopper(void *arg) {
    world *w = arg;
    while (atomic_load(&w->movers_left) != 0) {
        kit_drain(&w->kit);
        wg_thread_yield();
    }
}

/* Goal: no snapshot ever shows half of a transaction, and no money is made or lost, while lanes are stopped all the time. */
static void test_state_threads_keep_their_sum(void **unused) {
    (void)unused;
    world *w = calloc(1, sizeof *w);
    wg_thread threads[MOVERS + 4];
    char space[32];
    static const wg_state_options small = {.history_bytes_max = 2 << 20};
    kit_open(&w->kit, false, &small);
    atomic_store(&w->movers_left, MOVERS);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        uint8_t bytes[8];
        wg_store_u64le(bytes, START);
        const wg_state_key key = account_key(w->kit.run, i, space);
        const wg_state_value v = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, 8)};
        assert_int_equal(wg_state_put(w->kit.session, w->kit.run, &key, &v, 0, 0, NULL, NULL), WG_OK);
    }
    uint32_t n = 0;
    for (; n < MOVERS; n++) assert_int_equal(wg_thread_start(&threads[n], mover, w, NULL), WG_OK);
    assert_int_equal(wg_thread_start(&threads[n++], checker, w, NULL), WG_OK);
    assert_int_equal(wg_thread_start(&threads[n++], churner, w, NULL), WG_OK);
    assert_int_equal(wg_thread_start(&threads[n++], stopper, w, NULL), WG_OK);
    for (uint32_t i = 0; i < n; i++) wg_thread_join(&threads[i]);
    assert_int_equal(atomic_load(&w->moved) + atomic_load(&w->conflicts), MOVERS * MOVES);
    assert_true(atomic_load(&w->moved) > 0);
    int64_t sum = 0;
    wg_state_cell cell = {0};
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        const wg_state_key key = account_key(w->kit.run, i, space);
        assert_int_equal(wg_state_get(NULL, w->kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, NULL), WG_OK);
        sum += cell_int(&cell);
    }
    wg_state_cell_deinit(&cell);
    assert_int_equal(sum, ACCOUNTS * START);
    kit_close(&w->kit);
    free(w);
}

/* ---- one counter */

enum { COUNTERS = 4, COUNTS = 5000 };

static void counter(void *arg) {
    world *w = arg;
    wg_state_session *session = NULL;
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(w->kit.run, "counter");
    assert_int_equal(wg_state_session_open(w->kit.state, &session, NULL), WG_OK);
    for (uint32_t done = 0; done < COUNTS;) {
        uint8_t bytes[8];
        assert_int_equal(wg_state_get(session, w->kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, NULL), WG_OK);
        const int64_t seen = cell.version == 0 ? 0 : cell_int(&cell);
        wg_store_u64le(bytes, (uint64_t)seen + 1);
        const wg_state_value v = {.type = WG_TYPE_INT, .bytes = wg_slice_of(bytes, 8)};
        const wg_code code = wg_state_put(session, w->kit.run, &key, &v, cell.version, 0, NULL, NULL);
        if (code == WG_OK) done++;
        else assert_int_equal(code, WG_E_CONFLICT);
    }
    wg_state_cell_deinit(&cell);
    wg_state_session_close(session);
}

/* Goal: compare and set loses no increment however many threads count; versions have no gap. */
static void test_state_threads_count_with_compare_and_set(void **unused) {
    (void)unused;
    world *w = calloc(1, sizeof *w);
    wg_thread threads[COUNTERS];
    kit_open(&w->kit, false, NULL);
    for (uint32_t i = 0; i < COUNTERS; i++) assert_int_equal(wg_thread_start(&threads[i], counter, w, NULL), WG_OK);
    for (uint32_t i = 0; i < COUNTERS; i++) wg_thread_join(&threads[i]);
    wg_state_cell cell = {0};
    const wg_state_key key = kit_key(w->kit.run, "counter");
    assert_int_equal(wg_state_get(NULL, w->kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, NULL), WG_OK);
    assert_int_equal(cell_int(&cell), COUNTERS * COUNTS);
    assert_int_equal(cell.version, COUNTERS * COUNTS);
    wg_state_cell_deinit(&cell);
    kit_close(&w->kit);
    free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_threads_keep_their_sum),
        cmocka_unit_test(test_state_threads_count_with_compare_and_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
