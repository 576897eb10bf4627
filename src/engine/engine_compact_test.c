/* Compaction as a call: how much it does, whatever else goes on. */
#include "engine/engine_internal.h"
#include "engine/engine_model.h"

#include <stdatomic.h>

#include "io/platform/platform.h"

typedef struct fixture {
    wg_platform *platform;
    wg_engine *engine;
    uint32_t label;
    uint32_t key;
    uint32_t edge_label;
    uint64_t nodes;
    uint64_t calls; /* of the progress function */
} fixture;

static void add_nodes(fixture *f, int count) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("N"), false, &f->label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("v"), &f->key, err));
    for (int i = 0; i < count; i++) {
        const wg_property p = {f->key, wg_value_int(i)};
        uint64_t id = 0;
        MODEL_OK(wg_txn_create_node(txn, &f->label, 1, &p, 1, &id, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void set_node(fixture *f, uint64_t id, int64_t v) {
    wg_txn *txn = NULL;
    const wg_property p = {f->key, wg_value_int(v)};
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_set_node(txn, id, &p, 1, false, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void setup(fixture *f) {
    *f = (fixture){0};
    MODEL_OK(wg_platform_sim_create(7, &f->platform, err));
    const wg_engine_options o = {.platform = f->platform, .options = {.create = true}, .wal_segment_bytes = 1 << 16};
    MODEL_OK(wg_engine_open("/ws", &o, &f->engine, err));
}

static void teardown(fixture *f) {
    MODEL_OK(wg_engine_close(f->engine, err));
    wg_platform_sim_destroy(f->platform);
}

/* ---- a producer that never rests */

enum { CALLS_MAX = 500 };

/* Each time a merge says how far it is, another commit is in stripes: of new rows, or of old ones changed. */
static bool produce(void *ctx, uint64_t done, uint64_t total) {
    fixture *f = ctx;
    (void)done;
    (void)total;
    if (++f->calls > CALLS_MAX) return false;
    if (f->calls % 2 == 0) add_nodes(f, 3);
    else set_node(f, f->calls % 50, (int64_t)f->calls);
    MODEL_OK(wg_engine_expire(f->engine, wg_engine_logseq(f->engine), err));
    MODEL_OK(wg_engine_checkpoint(f->engine, NULL, err));
    return true;
}

static void compact_beside_producer(bool everything) {
    fixture f;
    setup(&f);
    add_nodes(&f, 100);
    for (uint64_t round = 0; round < 8; round++) {
        set_node(&f, round, -1);
        MODEL_OK(wg_engine_checkpoint(f.engine, NULL, err));
    }
    const wg_compact_options options = {.everything = everything};
    wg_compact_info info = {0};
    MODEL_OK(wg_engine_compact(f.engine, &options, produce, &f, &info, err));
    assert_true(f.calls > 0);
    assert_true(info.jobs > 0);
    /* What came meanwhile is left: one stripe for each call of the producer, at least. */
    assert_true(info.stripes_after >= f.calls);
    /* The next call takes it, and then all is in one level. */
    MODEL_OK(wg_engine_compact(f.engine, &(wg_compact_options){.everything = true}, NULL, NULL, &info, err));
    assert_true(info.stripes_after < info.stripes_before);
    MODEL_OK(wg_engine_compact(f.engine, &(wg_compact_options){.everything = true}, NULL, NULL, &info, err));
    assert_int_equal(info.jobs, 0);
    teardown(&f);
}

/* Goal: a call that merges everything ends although new stripes come as fast as it merges; what came is left to the next call. */
static void test_compacting_everything_ends_beside_a_producer(void **state) {
    (void)state;
    compact_beside_producer(true);
}

/* Goal: the same of a call that does what is due. */
static void test_compacting_what_is_due_ends_beside_a_producer(void **state) {
    (void)state;
    compact_beside_producer(false);
}

/* ---- runs */

enum { RUN_NODES = 300, RUN_ROUNDS = 60 };

typedef struct runs_found {
    uint64_t runs;    /* below level 0 */
    uint64_t entries; /* of one direction, or of keys */
} runs_found;

static uint32_t level_of(const wg_engine *e, const wg_fragment *f) {
    const wg_stripe_set *set = e->maintenance.stripes;
    for (uint32_t i = 0; i < wg_stripe_set_count(set); i++)
        if (wg_stripe_set_entry(set, i).id == wg_stripe_id(f->stripe)) return wg_stripe_set_entry(set, i).level;
    return UINT32_MAX;
}

static runs_found runs_of(const wg_engine *e, uint32_t kind) {
    runs_found found = {0};
    const wg_fragment *f = NULL;
    uint64_t last = UINT64_MAX;
    for (uint64_t at = 0; (f = wg_stripe_set_next(e->maintenance.stripes, &at)) != NULL;) {
        if (f->head.key.kind != kind || level_of(e, f) == 0) continue;
        if (f->head.key.run != last) found.runs++;
        last = f->head.key.run;
        if (kind == WG_KIND_KEYS || f->head.key.part == 1) found.entries += f->head.row_count;
    }
    return found;
}

static void setup_small(fixture *f, uint32_t runs_max) {
    setup(f);
    f->engine->maintenance.policy =
        (wg_compaction_policy){.file_bytes = 8192, .level_bytes = 16384, .level0_files = 1, .runs_max = runs_max};
}

/* One commit of `count` nodes with a key each, and as many edges. */
static void fill(fixture *f, uint64_t count) {
    static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT}};
    const wg_label_def def = {
        .name = "P", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 1, .key_count = 1};
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_WRITE, 0, &txn, err));
    if (f->nodes == 0) MODEL_OK(wg_txn_create_label(txn, &def, false, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("P"), false, &f->label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("k"), &f->key, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("E"), true, &f->edge_label, err));
    for (uint64_t i = 0; i < count; i++, f->nodes++) {
        const wg_property p = {f->key, wg_value_int((int64_t)(f->nodes * 7919 % 1000003))};
        uint64_t id = 0;
        MODEL_OK(wg_txn_create_node(txn, &f->label, 1, &p, 1, &id, err));
        assert_int_equal(id, f->nodes);
        MODEL_OK(wg_txn_create_edge(txn, f->edge_label, id, id / 2, NULL, 0, &id, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static uint64_t jobs_of(const fixture *f, wg_compaction_trigger trigger) {
    return atomic_load(&f->engine->maintenance.compactions[trigger]);
}

/* Checkpoints of new nodes and edges, and what is due after each; the most runs of one kind that were left after one. */
static uint64_t grow(fixture *f) {
    uint64_t most = 0;
    for (int round = 0; round < RUN_ROUNDS; round++) {
        fill(f, RUN_NODES);
        MODEL_OK(wg_engine_checkpoint(f->engine, NULL, err));
        MODEL_OK(wg_engine_compact(f->engine, NULL, NULL, NULL, NULL, err));
        most = wg_max_u64(most, runs_of(f->engine, WG_KIND_KEYS).runs);
        most = wg_max_u64(most, runs_of(f->engine, WG_KIND_ADJACENCY).runs);
    }
    return most;
}

static uint64_t edges_of(const fixture *f) {
    wg_txn *txn = NULL;
    uint64_t total = 0;
    MODEL_OK(wg_txn_begin(f->engine, WG_TXN_READ, 0, &txn, err));
    for (uint64_t node = 0; node < f->nodes; node++) {
        wg_expand_position position = {0};
        uint64_t edges[64], neighbours[64];
        for (uint32_t got = 1; got != 0; total += got)
            MODEL_OK(wg_expand(txn, node, WG_DIRECTION_IN, NULL, 0, &position, 64, edges, neighbours, &got, err));
    }
    wg_txn_abort(txn);
    return total;
}

/* Goal: however many checkpoints come and wherever their stripes go, a label keeps few runs of keys and of edges; left alone the same
 * checkpoints leave many. */
static void test_runs_of_a_label_stay_few(void **state) {
    (void)state;
    fixture f;
    setup_small(&f, UINT32_MAX);
    const uint64_t left_alone = grow(&f);
    assert_int_equal(jobs_of(&f, WG_COMPACT_RUNS), 0);
    teardown(&f);
    setup_small(&f, 3);
    assert_true(grow(&f) <= 3);
    assert_true(left_alone > 3);
    assert_true(jobs_of(&f, WG_COMPACT_RUNS) > 0);
    assert_int_equal(edges_of(&f), f.nodes);
    teardown(&f);
}

/* Goal: edges that are gone leave the stripes that hold nothing but adjacency, and keys of nodes that are gone theirs, without being asked;
 * and once is enough. */
static void test_dead_entries_of_runs_leave(void **state) {
    (void)state;
    fixture f;
    wg_txn *txn = NULL;
    setup_small(&f, 0);
    f.engine->maintenance.policy.level_bytes = UINT64_C(1) << 30; /* nothing is moved down */
    for (int i = 0; i < 2; i++) {                                 /* two, so that a merge cuts them */
        fill(&f, 2000);
        MODEL_OK(wg_engine_checkpoint(f.engine, NULL, err));
    }
    MODEL_OK(wg_engine_compact(f.engine, &(wg_compact_options){.everything = true}, NULL, NULL, NULL, err));
    assert_int_equal(runs_of(f.engine, WG_KIND_ADJACENCY).entries, 4000);
    assert_int_equal(runs_of(f.engine, WG_KIND_KEYS).entries, 4000);
    MODEL_OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint64_t node = 0; node < 2400; node++) MODEL_OK(wg_txn_delete_node(txn, 3999 - node, true, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    MODEL_OK(wg_engine_expire(f.engine, wg_engine_logseq(f.engine), err));
    MODEL_OK(wg_engine_checkpoint(f.engine, NULL, err));
    MODEL_OK(wg_engine_compact(f.engine, NULL, NULL, NULL, NULL, err));
    assert_true(runs_of(f.engine, WG_KIND_ADJACENCY).entries <= 1600 * 4 / 3);
    assert_true(runs_of(f.engine, WG_KIND_KEYS).entries <= 1600 * 4 / 3);
    assert_int_equal(edges_of(&f), 1600);
    const uint64_t jobs = jobs_of(&f, WG_COMPACT_RUNS);
    assert_true(jobs > 0);
    for (int i = 0; i < 3; i++) MODEL_OK(wg_engine_compact(f.engine, NULL, NULL, NULL, NULL, err));
    assert_int_equal(jobs_of(&f, WG_COMPACT_RUNS), jobs);
    teardown(&f);
}

/* ---- turns */

enum { TURNS = 100000, TURNS_FOR_OTHERS = 16 };

typedef struct turns {
    wg_engine *engine;
    wg_code code;
    _Atomic uint64_t taken; /* by the one that never rests */
    uint64_t waited;        /* of them, those that the other one saw go by */
} turns;

static void one_turn(void *arg) {
    turns *t = arg;
    t->code = wgi_writer_take(t->engine, NULL);
    t->waited = atomic_load(&t->taken);
    if (t->code == WG_OK) wgi_writer_give(t->engine);
}

/* Goal: who waits for the writer's place gets it after a bounded number of turns of one that never rests and takes it again before
 * anybody could wake up. */
static void test_waiting_writer_gets_its_turn(void **state) {
    (void)state;
    fixture f;
    wg_thread thread;
    setup(&f);
    turns t = {.engine = f.engine, .code = WG_E_BUSY};
    MODEL_OK(wgi_writer_take(f.engine, err));
    wg_code code = wg_thread_start(&thread, one_turn, &t, NULL);
    const bool started = code == WG_OK;
    while (started && wg_engine_writers_waiting(f.engine) == 0) {}
    for (int i = 0; i < TURNS && code == WG_OK; i++) {
        atomic_fetch_add(&t.taken, 1);
        wgi_writer_give(f.engine);
        code = wgi_writer_take(f.engine, NULL);
    }
    if (code == WG_OK) wgi_writer_give(f.engine);
    if (started) wg_thread_join(&thread);
    assert_int_equal(code, WG_OK);
    assert_int_equal(t.code, WG_OK);
    assert_true(t.waited <= TURNS_FOR_OTHERS);
    assert_int_equal(wg_engine_writers_waiting(f.engine), 0);
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compacting_everything_ends_beside_a_producer),
        cmocka_unit_test(test_compacting_what_is_due_ends_beside_a_producer),
        cmocka_unit_test(test_runs_of_a_label_stay_few),
        cmocka_unit_test(test_dead_entries_of_runs_leave),
        cmocka_unit_test(test_waiting_writer_gets_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
