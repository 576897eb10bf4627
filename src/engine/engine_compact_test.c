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
        cmocka_unit_test(test_waiting_writer_gets_its_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
