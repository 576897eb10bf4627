/* Agents' state through the engine: what is committed comes back, waiters are served, graph and runs commit together, failures leave nothing,
 * followers and past snapshots fit. Crashes are in tests/crash/state_crash_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/engine_internal.h"

#define OK(call)                                                                          \
    do {                                                                                  \
        wg_error ok_error = {0};                                                          \
        wg_error *err = &ok_error;                                                        \
        if ((call) != WG_OK) fail_msg("%s:%d: %s", __FILE__, __LINE__, ok_error.message); \
    } while (0)

enum { THREADS = 4 };

typedef struct world {
    wg_platform *disk;
    wg_engine *engine;
    wg_state_session *session;
} world;

static wg_engine_options options_of(wg_platform *disk, wg_durability durability, bool read_only) {
    return (wg_engine_options){.platform = disk,
                               .options = {.durability = durability, .create = !read_only, .read_only = read_only},
                               .wal_segment_bytes = 1 << 16};
}

static void open_world(world *w, wg_durability durability) {
    const wg_engine_options o = options_of(w->disk, durability, false);
    OK(wg_engine_open("/ws", &o, &w->engine, err));
    OK(wg_state_session_open(wg_engine_state(w->engine), &w->session, err));
}

static void close_world(world *w) {
    wg_state_session_close(w->session);
    OK(wg_engine_close(w->engine, err));
}

static void begin_world(world *w, wg_durability durability) {
    *w = (world){0};
    OK(wg_platform_sim_create(1, &w->disk, err));
    open_world(w, durability);
}

static void end_world(world *w) {
    close_world(w);
    wg_platform_sim_destroy(w->disk);
}

static uint32_t make_run(wg_engine *engine, uint32_t parent, uint64_t version) {
    wg_mixed_result result = {0};
    const wg_run_change change = {.origin = {.number = UINT32_MAX, .parent = parent, .fork_version = version}};
    OK(wg_engine_commit_mixed(engine, &(wg_mixed_commit){.change = &change, .change_count = 1}, &result, err));
    return result.run_number;
}

static wg_state_run *run_at(const world *w, uint32_t number) {
    return wg_state_run_at(wg_engine_state(w->engine), number);
}

static uint64_t put(wg_state_session *session, wg_state_run *run, const char *name, uint64_t number) {
    uint64_t version = 0;
    const wg_state_key key = wg_state_key_of(run, wg_slice_str(name));
    const wg_state_value value = {.type = WG_TYPE_INT, .bytes = wg_slice_of(&number, 8)};
    OK(wg_state_put(session, run, &key, &value, WG_VERSION_ANY, 11, &version, err));
    return version;
}

/* UINT64_MAX: absent. */
static uint64_t get(wg_state_session *session, wg_state_run *run, const char *name, uint64_t snapshot) {
    wg_state_cell cell = {0};
    uint64_t number = UINT64_MAX;
    const wg_state_key key = wg_state_key_of(run, wg_slice_str(name));
    OK(wg_state_get(session, run, &key, snapshot, 12, &cell, err));
    if (cell.version != 0) memcpy(&number, cell.bytes.data, 8);
    wg_state_cell_deinit(&cell);
    return number;
}

static void wait_for(const world *w) {
    const wg_lane *lane = wg_state_session_lane(w->session);
    OK(wg_engine_state_wait(w->engine, lane, wg_lane_ticket(lane), err));
}

static void test_state_comes_back_from_the_log(void **state) {
    /* Goal: puts, deletions, events, forks and drops of runs are there after a clean close, in every durable mode, and the notes of runs
     * say the same versions. */
    (void)state;
    const wg_durability modes[] = {WG_STRICT, WG_BUFFERED};
    for (int m = 0; m < 2; m++) {
        world w;
        begin_world(&w, modes[m]);
        const uint32_t one = make_run(w.engine, 0, 0);
        const uint32_t gone = make_run(w.engine, 0, 0);
        put(w.session, run_at(&w, one), "a", 1);
        put(w.session, run_at(&w, one), "b", 2);
        put(w.session, run_at(&w, gone), "a", 3);
        uint64_t early = 0;
        OK(wg_engine_state_drain(w.engine, true, &early, err));
        const uint64_t fork_at = wg_state_run_newest(run_at(&w, one));
        const uint32_t fork = make_run(w.engine, one, fork_at);
        put(w.session, run_at(&w, one), "a", 4);
        put(w.session, run_at(&w, fork), "b", 5);
        const wg_state_value payload = {.type = WG_TYPE_STRING, .bytes = wg_slice_str("happened")};
        OK(wg_state_append(w.session, run_at(&w, fork), wg_slice_str("t"), &payload, 13, NULL, NULL, err));
        const wg_run_change drop = {.drop = true, .origin = {.number = gone}};
        wg_mixed_result result;
        OK(wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.change = &drop, .change_count = 1}, &result, err));
        const uint64_t newest = wg_state_run_newest(run_at(&w, one));
        close_world(&w);
        open_world(&w, modes[1 - m]);
        assert_null(run_at(&w, gone));
        assert_int_equal(get(w.session, run_at(&w, one), "a", WG_LOGSEQ_NEVER), 4);
        assert_int_equal(get(w.session, run_at(&w, fork), "a", WG_LOGSEQ_NEVER), 1);
        assert_int_equal(get(w.session, run_at(&w, fork), "b", WG_LOGSEQ_NEVER), 5);
        assert_int_equal(wg_state_run_newest(run_at(&w, one)), newest);
        assert_int_equal(wg_state_run_version_at(run_at(&w, one), early), fork_at);
        assert_int_equal(wg_state_run_version_at(run_at(&w, one), WG_LOGSEQ_NEVER - 1), newest);
        assert_int_equal(wg_events_count(wg_state_run_events(run_at(&w, fork)), WG_LOGSEQ_NEVER), 1);
        put(w.session, run_at(&w, one), "a", 6);
        end_world(&w);
    }
}

static void test_state_strict_readers_see_what_is_durable(void **state) {
    /* Goal: an unwaited commit is its session's own until it is durable, then everybody's; tickets say so. */
    (void)state;
    world w;
    begin_world(&w, WG_STRICT);
    wg_state_session *other = NULL;
    OK(wg_state_session_open(wg_engine_state(w.engine), &other, err));
    wg_state_run *run = run_at(&w, make_run(w.engine, 0, 0));
    const wg_lane *lane = wg_state_session_lane(w.session);
    put(w.session, run, "k", 1);
    assert_true(wg_lane_durable(lane) < wg_lane_ticket(lane));
    assert_int_equal(get(w.session, run, "k", WG_LOGSEQ_NEVER), 1);
    assert_int_equal(get(other, run, "k", WG_LOGSEQ_NEVER), UINT64_MAX);
    wait_for(&w);
    assert_int_equal(wg_lane_durable(lane), wg_lane_ticket(lane));
    assert_int_equal(get(other, run, "k", WG_LOGSEQ_NEVER), 1);
    uint64_t logseq = 0;
    uint64_t version = 0;
    put(w.session, run, "k", 2);
    OK(wg_engine_state_pair(w.engine, run, true, &logseq, &version, err));
    assert_int_equal(version, wg_state_run_newest(run));
    assert_int_equal(logseq, wg_engine_logseq(w.engine));
    wg_state_session_close(other);
    end_world(&w);
}

static void test_state_full_ring_drains_by_itself(void **state) {
    /* Goal: more than a ring holds, without anybody asking for a drain: nothing is lost, large transactions go through the engine. */
    (void)state;
    world w;
    begin_world(&w, WG_BUFFERED);
    const uint32_t number = make_run(w.engine, 0, 0);
    char name[16];
    for (uint32_t i = 0; i < 60000; i++) {
        (void)snprintf(name, sizeof name, "k%u", i % 500);
        put(w.session, run_at(&w, number), name, i);
    }
    assert_true(atomic_load(&w.engine->state_log.drains) > 0);
    wg_state_txn *txn = NULL;
    static uint8_t large[1000000];
    const wg_state_key key = wg_state_key_of(run_at(&w, number), wg_slice_str("large"));
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(large, sizeof large)};
    OK(wg_state_begin(w.session, run_at(&w, number), WG_STATE_SNAPSHOT, 5, &txn, err));
    OK(wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, err));
    assert_true(wg_state_txn_is_large(txn));
    wg_mixed_result result;
    OK(wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.state = txn}, &result, err));
    assert_int_equal(result.version, wg_state_run_newest(run_at(&w, number)));
    close_world(&w);
    open_world(&w, WG_BUFFERED);
    for (uint32_t i = 59500; i < 60000; i++) {
        (void)snprintf(name, sizeof name, "k%u", i % 500);
        assert_int_equal(get(w.session, run_at(&w, number), name, WG_LOGSEQ_NEVER), i);
    }
    wg_state_cell cell = {0};
    const wg_state_key again = wg_state_key_of(run_at(&w, number), wg_slice_str("large"));
    OK(wg_state_get(w.session, run_at(&w, number), &again, WG_LOGSEQ_NEVER, 1, &cell, err));
    assert_int_equal(cell.bytes.size, sizeof large);
    wg_state_cell_deinit(&cell);
    end_world(&w);
}

static void begin_both(world *w, wg_state_run *run, uint64_t number, wg_txn **graph, wg_state_txn **txn) {
    uint32_t label = 0;
    uint64_t id = 0;
    const wg_state_key key = wg_state_key_of(run, wg_slice_str("both"));
    const wg_state_value value = {.type = WG_TYPE_INT, .bytes = wg_slice_of(&number, 8)};
    OK(wg_state_begin(w->session, run, WG_STATE_SNAPSHOT, 5, txn, err));
    wg_state_cell cell = {0};
    OK(wg_state_txn_get(*txn, &key, &cell, err));
    wg_state_cell_deinit(&cell);
    OK(wg_txn_begin(w->engine, WG_TXN_WRITE, 0, graph, err));
    OK(wg_txn_intern_label(*graph, wg_slice_str("A"), false, &label, err));
    OK(wg_txn_create_node(*graph, &label, 1, NULL, 0, &id, err));
    OK(wg_state_txn_put(*txn, &key, &value, WG_VERSION_ANY, err));
}

static uint64_t count_nodes(wg_engine *engine) {
    wg_txn *txn = NULL;
    uint64_t n = 0;
    OK(wg_txn_begin(engine, WG_TXN_READ, 0, &txn, err));
    for (uint64_t id = 0; id < 64; id++) {
        uint8_t found = 0;
        OK(wg_nodes_have_labels(txn, &id, 1, NULL, 0, &found, err));
        n += found;
    }
    wg_txn_abort(txn);
    return n;
}

static void test_state_mixed_commit_conflict_leaves_nothing(void **state) {
    /* Goal: a commit of graph and run whose run has a conflict leaves neither; one that has none shows both, in one number of the log, with
     * what the lanes held before it. */
    (void)state;
    world w;
    begin_world(&w, WG_BUFFERED);
    wg_state_session *other = NULL;
    wg_txn *graph = NULL;
    wg_state_txn *txn = NULL;
    wg_mixed_result result = {0};
    wg_error error = {0};
    OK(wg_state_session_open(wg_engine_state(w.engine), &other, err));
    wg_state_run *run = run_at(&w, make_run(w.engine, 0, 0));
    begin_both(&w, run, 1, &graph, &txn);
    put(other, run, "both", 100);
    const uint64_t before = wg_state_run_newest(run);
    assert_int_equal(
        wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.graph = graph, .state = txn}, &result, &error),
        WG_E_CONFLICT);
    assert_int_equal(wg_state_run_newest(run), before);
    assert_int_equal(count_nodes(w.engine), 0);
    begin_both(&w, run, 2, &graph, &txn);
    put(other, run, "x", 7);
    OK(wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.graph = graph, .state = txn}, &result, err));
    assert_int_equal(result.version, before + 2);
    assert_int_equal(wg_engine_logseq(w.engine), result.logseq);
    assert_int_equal(wg_lanes_pending(w.engine->state_log.lanes), 0);
    assert_int_equal(wg_state_run_version_at(run, result.logseq), result.version);
    assert_int_equal(get(other, run, "both", WG_LOGSEQ_NEVER), 2);
    assert_int_equal(count_nodes(w.engine), 1);
    wg_state_session_close(other);
    end_world(&w);
}

static void test_state_unlogged_runs_of_failed_creations_are_gone(void **state) {
    /* Goal: every platform call and every allocation of creations, puts and mixed commits fails once: errors are typed, what failed left
     * nothing, and what was acknowledged is there after opening again. */
    (void)state;
    for (int kind = 0; kind < 2; kind++)
        for (uint64_t n = 1;; n++) {
            world w = {0};
            wg_platform *disk = NULL;
            wg_platform *fault = NULL;
            OK(wg_platform_sim_create(n, &disk, err));
            OK(wg_platform_fault_create(disk, &fault, err));
            w.disk = fault;
            open_world(&w, WG_STRICT);
            const uint32_t first = make_run(w.engine, 0, 0);
            wg_state_run *run = run_at(&w, first);
            put(w.session, run, "both", 1);
            wait_for(&w);
            wg_txn *graph = NULL;
            wg_state_txn *txn = NULL;
            begin_both(&w, run, 2, &graph, &txn);
            wg_error error = {0};
            wg_mixed_result result = {0};
            const wg_run_change change = {.origin = {.number = UINT32_MAX}};
            const uint64_t calls = wg_platform_fault_calls(fault);
            if (kind == 0) wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
            else wg_memory_fail_at(n, false);
            const uint64_t allocations = wg_memory_calls();
            const wg_code code = wg_engine_commit_mixed(
                w.engine, &(wg_mixed_commit){.graph = graph, .state = txn, .change = &change, .change_count = 1},
                &result, &error);
            const bool reached =
                kind == 0 ? wg_platform_fault_calls(fault) - calls >= n : wg_memory_calls() - allocations >= n;
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            wg_memory_fail_at(0, false);
            assert_true(code == WG_OK || code == WG_E_IO || code == WG_E_NOMEM);
            assert_true(code == WG_OK || error.code == code);
            if (code != WG_OK && !wg_wal_is_poisoned(w.engine->wal)) {
                assert_int_equal(count_nodes(w.engine), 0);
                assert_int_equal(get(w.session, run, "both", WG_LOGSEQ_NEVER), 1);
                assert_null(run_at(&w, first + 1));
                const uint32_t later = make_run(w.engine, 0, 0); /* numbers may have gaps */
                put(w.session, run_at(&w, later), "k", 9);
                wait_for(&w);
            }
            wg_state_session_close(w.session);
            const wg_code closed = wg_engine_close(w.engine, NULL);
            assert_true(closed == WG_OK || code != WG_OK);
            open_world(&w, WG_STRICT);
            const uint64_t found = get(w.session, run_at(&w, first), "both", WG_LOGSEQ_NEVER);
            assert_true(found == 2 || (found == 1 && code != WG_OK));
            assert_int_equal(count_nodes(w.engine), found == 2);
            close_world(&w);
            wg_platform_fault_destroy(fault);
            wg_platform_sim_destroy(disk);
            if (!reached) break;
            assert_true(n < 200);
        }
}

static void test_state_followers_show_runs(void **state) {
    /* Goal: a read-only engine beside the writer shows its runs as far as the log is durable, and goes on when it follows. */
    (void)state;
    world w;
    begin_world(&w, WG_STRICT);
    const uint32_t number = make_run(w.engine, 0, 0);
    put(w.session, run_at(&w, number), "k", 1);
    wait_for(&w);
    const wg_engine_options o = options_of(w.disk, WG_STRICT, true);
    world reader = {0};
    OK(wg_engine_open("/ws", &o, &reader.engine, err));
    OK(wg_state_session_open(wg_engine_state(reader.engine), &reader.session, err));
    assert_int_equal(get(reader.session, run_at(&reader, number), "k", WG_LOGSEQ_NEVER), 1);
    put(w.session, run_at(&w, number), "k", 2);
    const uint32_t second = make_run(w.engine, number, wg_state_run_newest(run_at(&w, number)));
    wait_for(&w);
    OK(wg_engine_follow(reader.engine, NULL, err));
    assert_int_equal(get(reader.session, run_at(&reader, number), "k", WG_LOGSEQ_NEVER), 2);
    assert_int_equal(get(reader.session, run_at(&reader, second), "k", WG_LOGSEQ_NEVER), 2);
    close_world(&reader);
    end_world(&w);
}

static void test_state_in_memory_keeps_numbers(void **state) {
    /* Goal: without a log nothing is drained, waits return at once, and a drain gives what changed a number. */
    (void)state;
    world w = {0};
    const wg_engine_options o = {.options = {.durability = WG_IN_MEMORY}};
    OK(wg_engine_open(NULL, &o, &w.engine, err));
    OK(wg_state_session_open(wg_engine_state(w.engine), &w.session, err));
    wg_state_run *run = run_at(&w, make_run(w.engine, 0, 0));
    const uint64_t before = wg_engine_logseq(w.engine);
    put(w.session, run, "k", 1);
    wait_for(&w);
    uint64_t logseq = 0;
    OK(wg_engine_state_drain(w.engine, true, &logseq, err));
    assert_int_equal(logseq, before + 1);
    assert_int_equal(wg_state_run_version_at(run, logseq), wg_state_run_newest(run));
    OK(wg_engine_state_drain(w.engine, false, &logseq, err));
    assert_int_equal(logseq, before + 1);
    close_world(&w);
}

/* ---- threads */

typedef struct writer {
    world *w;
    uint32_t number;
    uint64_t commits;
    wg_state_run *run;
} writer;

static void write_and_wait(void *arg) {
    writer *me = arg;
    wg_state_session *session = NULL;
    char name[16];
    OK(wg_state_session_open(wg_engine_state(me->w->engine), &session, err));
    (void)snprintf(name, sizeof name, "w%u", me->number);
    const wg_lane *lane = wg_state_session_lane(session);
    for (uint64_t i = 1; i <= me->commits; i++) {
        put(session, me->run, name, i);
        OK(wg_engine_state_wait(me->w->engine, lane, wg_lane_ticket(lane), err));
        assert_true(wg_lane_durable(lane) >= wg_lane_ticket(lane));
    }
    wg_state_session_close(session);
}

static void write_graph(void *arg) {
    writer *me = arg;
    for (uint64_t i = 0; i < me->commits / 8; i++) {
        wg_txn *txn = NULL;
        uint32_t label = 0;
        uint64_t id = 0;
        OK(wg_txn_begin(me->w->engine, WG_TXN_WRITE, 0, &txn, err));
        OK(wg_txn_intern_label(txn, wg_slice_str("A"), false, &label, err));
        OK(wg_txn_create_node(txn, &label, 1, NULL, 0, &id, err));
        OK(wg_txn_commit(txn, NULL, err));
    }
}

static void test_state_waiters_are_all_served(void **state) {
    /* Goal: threads that wait for each of their commits, beside commits of the graph, all come to an end, with fewer rounds than commits,
     * and everything is there afterwards. */
    (void)state;
    world w;
    begin_world(&w, WG_STRICT);
    const uint32_t number = make_run(w.engine, 0, 0);
    writer writers[THREADS + 1];
    wg_thread threads[THREADS + 1];
    for (uint32_t i = 0; i <= THREADS; i++) {
        writers[i] = (writer){&w, i, 300, run_at(&w, number)};
        OK(wg_thread_start(&threads[i], i < THREADS ? write_and_wait : write_graph, &writers[i], err));
    }
    for (uint32_t i = 0; i <= THREADS; i++) wg_thread_join(&threads[i]);
    assert_true(atomic_load(&w.engine->state_log.rounds_led) <= THREADS * 300);
    close_world(&w);
    open_world(&w, WG_STRICT);
    for (uint32_t i = 0; i < THREADS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "w%u", i);
        assert_int_equal(get(w.session, run_at(&w, number), name, WG_LOGSEQ_NEVER), 300);
    }
    end_world(&w);
}

typedef struct watcher {
    world *w;
    wg_state_run *run;
    _Atomic bool stop;
    _Atomic uint64_t looks;
} watcher;

/* The key counts the nodes: at every pair they agree. */
static void watch_pairs(void *arg) {
    watcher *me = arg;
    wg_state_session *session = NULL;
    OK(wg_state_session_open(wg_engine_state(me->w->engine), &session, err));
    while (!atomic_load(&me->stop)) {
        uint64_t logseq = 0;
        uint64_t version = 0;
        wg_txn *txn = NULL;
        if (atomic_load(&me->looks) % 2 == 0) {
            wg_state_txn *begun = NULL;
            OK(wg_engine_state_begin(me->w->engine, session, me->run, WG_STATE_SNAPSHOT, &begun, &logseq, err));
            version = wg_state_txn_snapshot(begun);
            wg_state_abort(begun);
        } else
            OK(wg_engine_state_pair(me->w->engine, me->run, atomic_load(&me->looks) % 3 == 0, &logseq, &version,
                                    err));
        const uint64_t counted = get(session, me->run, "both", version);
        OK(wg_txn_begin(me->w->engine, WG_TXN_READ, logseq, &txn, err));
        uint64_t nodes = 0;
        for (uint64_t id = 0; id < 200; id++) {
            uint8_t found = 0;
            OK(wg_nodes_have_labels(txn, &id, 1, NULL, 0, &found, err));
            nodes += found;
        }
        wg_txn_abort(txn);
        assert_int_equal(counted == UINT64_MAX ? 0 : counted, nodes);
        atomic_fetch_add(&me->looks, 1);
    }
    wg_state_session_close(session);
}

static void test_state_pairs_are_never_half(void **state) {
    /* Goal: beside commits of graph and run, puts of others and drains, a pair shows a commit on both sides or on none, in both modes. */
    (void)state;
    const wg_durability modes[] = {WG_STRICT, WG_BUFFERED};
    for (int m = 0; m < 2; m++) {
        world w;
        begin_world(&w, modes[m]);
        watcher watchers[2];
        wg_thread threads[2];
        wg_state_run *run = run_at(&w, make_run(w.engine, 0, 0));
        for (int i = 0; i < 2; i++) {
            watchers[i] = (watcher){.w = &w, .run = run};
            OK(wg_thread_start(&threads[i], watch_pairs, &watchers[i], err));
        }
        for (uint64_t n = 1; n <= 100; n++) {
            wg_txn *graph = NULL;
            wg_state_txn *txn = NULL;
            wg_mixed_result result;
            begin_both(&w, run, n, &graph, &txn);
            OK(wg_engine_commit_mixed(w.engine, &(wg_mixed_commit){.graph = graph, .state = txn}, &result, err));
            put(w.session, run, "other", n);
            if (n % 7 == 0) OK(wg_engine_sync(w.engine, err));
            for (int i = 0; i < 2; i++) /* they look all the time, not only at the end */
                while (atomic_load(&watchers[i].looks) < n / 2) wg_thread_yield();
        }
        for (int i = 0; i < 2; i++) {
            atomic_store(&watchers[i].stop, true);
            wg_thread_join(&threads[i]);
        }
        end_world(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_comes_back_from_the_log),
        cmocka_unit_test(test_state_strict_readers_see_what_is_durable),
        cmocka_unit_test(test_state_full_ring_drains_by_itself),
        cmocka_unit_test(test_state_mixed_commit_conflict_leaves_nothing),
        cmocka_unit_test(test_state_unlogged_runs_of_failed_creations_are_gone),
        cmocka_unit_test(test_state_followers_show_runs),
        cmocka_unit_test(test_state_in_memory_keeps_numbers),
        cmocka_unit_test(test_state_waiters_are_all_served),
        cmocka_unit_test(test_state_pairs_are_never_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
