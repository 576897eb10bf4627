/* What the background thread is asked for and cannot do: merges of adjacency without a thread, without memory, with nothing to merge;
 * checkpoints of a store that is only read, or beside a writer (threads). */
#include "io/object_cache/parquet_kit.h"

#include <sched.h>

#include "engine/test_workspace.h"

enum { EDGES = 40 };

static const char *const types[] = {"KNOWS", "LIKES"};

static wg_engine *open_with(const wg_options *options) {
    wg_engine_options o = {.options = *options, .wal_segment_bytes = 1 << 16};
    wg_engine *e = NULL;
    o.options.threads = 1;
    MODEL_OK(wg_engine_open(kit_path("ws"), &o, &e, err));
    return e;
}

/* One commit: two nodes, and EDGES edges of one type between them. */
static void add_edges(wg_engine *e, uint32_t which) {
    wg_txn *txn = NULL;
    uint32_t label = 0;
    uint32_t type = 0;
    uint64_t ends[2];
    uint64_t edge = 0;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("N"), false, &label, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str(types[which]), true, &type, err));
    for (int i = 0; i < 2; i++) MODEL_OK(wg_txn_create_node(txn, &label, 1, NULL, 0, &ends[i], err));
    for (int i = 0; i < EDGES; i++) MODEL_OK(wg_txn_create_edge(txn, type, ends[0], ends[1], NULL, 0, &edge, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static wgi_label_state *state_of(wg_engine *e, uint32_t which) {
    const wg_view newest = {.snapshot = wg_engine_logseq(e)};
    const wg_label *label = wg_catalog_label(e->catalog, newest, wg_slice_str(types[which]), true);
    assert_non_null(label);
    wgi_label_state *state = wgi_label_state_at(e, label->number);
    assert_non_null(state);
    assert_non_null(state->topology);
    return state;
}

static uint64_t merges(const wg_engine *e) { return atomic_load(&e->maintenance.adjacency_merges); }

static wg_code last_code(wg_engine *e) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    const wg_code code = b->last_error.code;
    wg_mutex_unlock(&b->mutex);
    return code;
}

static void forget_error(wg_engine *e) {
    wgi_background *b = &e->maintenance.background;
    wg_mutex_lock(&b->mutex);
    memset(&b->last_error, 0, sizeof b->last_error);
    wg_mutex_unlock(&b->mutex);
}

static void close_and_verify(wg_engine *e) {
    wg_verify_report report;
    MODEL_OK(wg_engine_close(e, err));
    MODEL_OK(wg_engine_verify(NULL, kit_path("ws"), &report, err));
}

/* Goal: of the labels those are merged that were asked for and have something to merge; a merge that finds nothing counts as none. */
static void test_merges_take_what_is_there(void **state) {
    (void)state;
    const wg_options o = {.create = true, .durability = WG_BUFFERED, .checkpoint_log_bytes = UINT64_MAX};
    kit_begin();
    wg_engine *e = open_with(&o);
    for (uint32_t which = 0; which < 2; which++) add_edges(e, which);
    wgi_label_state *knows = state_of(e, 0);
    wgi_label_state *likes = state_of(e, 1);
    assert_int_equal(wg_topology_delta_count(knows->topology), EDGES);
    wgi_background_merge(e, knows);
    while (merges(e) < 1) sched_yield();
    assert_int_equal(wg_topology_delta_count(knows->topology), 0);
    assert_int_equal(wg_topology_delta_count(likes->topology), EDGES);
    wgi_background_merge(e, knows); /* nothing is left */
    wgi_background_merge(e, likes);
    while (merges(e) < 2) sched_yield();
    assert_int_equal(wg_topology_delta_count(likes->topology), 0);
    assert_int_equal(wg_topology_edge_count(knows->topology), EDGES);
    assert_int_equal(last_code(e), WG_OK);
    close_and_verify(e);
    kit_end();
}

/* Goal: a merge without a thread or without memory changes nothing but the figures, which say why; the next one comes through. */
static void test_merges_without_thread_or_memory(void **state) {
    (void)state;
    const wg_options o = {.create = true, .durability = WG_BUFFERED, .checkpoint_log_bytes = UINT64_MAX};
    kit_begin();
    wg_engine *e = open_with(&o);
    add_edges(e, 0);
    wgi_label_state *knows = state_of(e, 0);
    wg_memory_fail_at(1, false);
    wgi_background_merge(e, knows);
    wg_memory_fail_at(0, false);
    assert_false(e->maintenance.background.started);
    assert_false(e->maintenance.background.adjacency_wanted);
    assert_int_equal(last_code(e), WG_E_NOMEM);
    wgi_background_merge(e, knows);
    while (merges(e) < 1) sched_yield();
    for (uint64_t n = 1; n < 4; n++) {
        add_edges(e, 0);
        forget_error(e);
        wg_memory_fail_at(n, true);
        wgi_background_merge(e, knows);
        while (last_code(e) == WG_OK) sched_yield();
        wg_memory_fail_at(0, false);
        assert_int_equal(last_code(e), WG_E_NOMEM);
        assert_int_equal(merges(e), n);
        assert_int_equal(wg_topology_edge_count(knows->topology), (n + 1) * EDGES);
        assert_true(wg_topology_delta_count(knows->topology) >= EDGES);
        wgi_background_merge(e, knows);
        while (merges(e) < n + 1) sched_yield();
        assert_int_equal(wg_topology_delta_count(knows->topology), 0);
    }
    close_and_verify(e);
    kit_end();
}

/* Goal: a checkpoint that is due is not made beside an open writer, whom it would wait for, nor by who only reads; afterwards it is. */
static void test_notices_that_make_no_checkpoint(void **state) {
    (void)state;
    wg_options o = {.create = true, .durability = WG_BUFFERED, .checkpoint_log_bytes = 60000, .no_background = true};
    kit_begin();
    wg_engine *e = open_with(&o);
    wg_txn *txn = NULL;
    add_edges(e, 0);
    assert_false(wgi_background_merges(e));
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    atomic_store(&e->maintenance.log_bytes, 70000);
    wgi_background_notice(e);
    assert_int_equal(atomic_load(&e->maintenance.checkpoints), 0);
    wg_txn_abort(txn);
    wgi_background_notice(e);
    assert_int_equal(atomic_load(&e->maintenance.checkpoints), 1);
    MODEL_OK(wg_engine_sync(e, err));
    o.create = false;
    o.read_only = true;
    o.no_background = false;
    wg_engine *reader = open_with(&o);
    atomic_store(&reader->maintenance.log_bytes, 70000);
    wgi_background_notice(reader);
    assert_int_equal(atomic_load(&reader->maintenance.checkpoints), 0);
    assert_false(wgi_background_merges(reader));
    assert_false(reader->maintenance.background.started);
    MODEL_OK(wg_engine_close(reader, err));
    close_and_verify(e);
    kit_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_take_what_is_there),
        cmocka_unit_test(test_merges_without_thread_or_memory),
        cmocka_unit_test(test_notices_that_make_no_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
