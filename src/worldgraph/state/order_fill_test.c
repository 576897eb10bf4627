/* Orders that are built at once behind a recovery: the same keys as a sorted list has, whatever they look like, sound trees that go on like any
 * other, and refusals of memory at every point that leave nothing behind. */
#include "worldgraph/state/state_kit.h"

#include <stdlib.h>

#include "base/core/test_seed.h"
#include "worldgraph/state/order_internal.h"
#include "worldgraph/state/stale_internal.h"

enum { RUNS = 3, KEYS_MAX = 3000, KEY_BYTES = 300 };

typedef struct model_key {
    uint32_t size;
    uint8_t bytes[KEY_BYTES];
} model_key;

typedef struct model {
    model_key *keys; /* KEYS_MAX; sorted and without repetitions once `settle` was called */
    uint32_t count;
} model;

static int by_bytes(const void *x, const void *y) {
    const model_key *a = x;
    const model_key *b = y;
    return wg_slice_compare(wg_slice_of(a->bytes, a->size), wg_slice_of(b->bytes, b->size));
}

static void settle(model *m) {
    qsort(m->keys, m->count, sizeof *m->keys, by_bytes);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (kept == 0 || by_bytes(&m->keys[kept - 1], &m->keys[i]) != 0) m->keys[kept++] = m->keys[i];
    m->count = kept;
}

/* Keys of many shapes: numbers as text, few letters, zeros at the end, long ones that share nearly everything. */
static void key_make(wg_rng *rng, uint32_t shape, model_key *out) {
    const uint64_t n = wg_rng_next(rng);
    memset(out, 0, sizeof *out);
    switch (shape) {
        case 0:
            out->size = (uint32_t)snprintf((char *)out->bytes, KEY_BYTES, "agent/%04u/step/%06u", (uint32_t)n % 7,
                                           (uint32_t)(n >> 32) % 5000);
            return;
        case 1:
            out->size = 1 + (uint32_t)(n % 6);
            for (uint32_t i = 0; i < out->size; i++) out->bytes[i] = (uint8_t)(wg_rng_below(rng, 3));
            return;
        case 2:
            out->size = 200 + (uint32_t)(n % 90);
            memset(out->bytes, 'x', out->size);
            out->bytes[n % 200] = (uint8_t)('x' + (n >> 32) % 2);
            out->bytes[180] = (uint8_t)(n >> 40);
            return;
        default:
            out->size = 16;
            wg_store_u64le(out->bytes, n);
            wg_store_u64le(out->bytes + 8, wg_rng_next(rng));
            return;
    }
}

static void restore(wg_state_run *run, model *m, wg_rng *rng, uint32_t count, uint32_t shapes) {
    wg_error err = {0};
    const uint64_t newest = wg_state_run_newest(run);
    for (uint32_t i = 0; i < count && m->count < KEYS_MAX; i++) {
        model_key *key = &m->keys[m->count];
        key_make(rng, (uint32_t)wg_rng_below(rng, shapes), key);
        const wg_slice bytes = wg_slice_of(key->bytes, key->size);
        wg_state_cell cell = {0};
        const wg_state_key at = wg_state_key_of(run, bytes);
        assert_int_equal(wg_state_get(NULL, run, &at, WG_LOGSEQ_NEVER, 1, &cell, &err), WG_OK);
        const bool there = cell.version != 0;
        wg_state_cell_deinit(&cell);
        if (there) continue;
        const wg_state_version v = {.version = newest + 1 + i, .time_us = 7, .type = WG_TYPE_BYTES, .value = bytes};
        assert_int_equal(wg_state_restore(run, bytes, &v, false, &err), WG_OK);
        wg_state_restored(run, v.version);
        m->count++;
    }
    wg_state_restored(run, newest + count);
}

/* Both directions. */
static void compare(wg_state_session *session, wg_state_run *run, const model *m) {
    wg_error err = {0};
    assert_int_equal(wgi_order_need(run, &err), WG_OK);
    assert_int_equal(wgi_tree_check(run->order), m->count);
    for (int reverse = 0; reverse < 2; reverse++) {
        const wg_state_range range = {.reverse = reverse != 0};
        wg_state_scan *scan = NULL;
        wg_state_row rows[100];
        uint32_t n = 0, seen = 0;
        assert_int_equal(wg_state_scan_open(session, run, &range, WG_LOGSEQ_NEVER, 1, &scan, &err), WG_OK);
        do {
            assert_int_equal(wg_state_scan_next(scan, rows, 100, &n, &err), WG_OK);
            for (uint32_t i = 0; i < n; i++, seen++) {
                assert_true(seen < m->count);
                const model_key *key = &m->keys[reverse != 0 ? m->count - 1 - seen : seen];
                assert_true(wg_slice_equal(rows[i].key, wg_slice_of(key->bytes, key->size)));
                assert_true(wg_slice_equal(rows[i].value, rows[i].key));
            }
        } while (n != 0);
        assert_int_equal(seen, m->count);
        wg_state_scan_close(scan);
    }
}

typedef struct filled {
    state_kit kit;
    wg_state_run *runs[RUNS];
    model models[RUNS];
    wg_rng rng;
} filled;

static void filled_open(filled *f, uint64_t seed) {
    wg_error err = {0};
    kit_open(&f->kit, false, NULL);
    wg_rng_init(&f->rng, wg_test_seed(seed));
    f->runs[0] = f->kit.run;
    for (uint32_t i = 1; i < RUNS; i++) {
        const wg_run_origin origin = {.number = i + 1};
        assert_int_equal(wg_state_run_create(f->kit.state, &origin, &f->runs[i], &err), WG_OK);
    }
    for (uint32_t i = 0; i < RUNS; i++)
        f->models[i] = (model){.keys = wg_alloc(NULL, KEYS_MAX * sizeof *f->models[i].keys)};
}

static void filled_close(filled *f) {
    for (uint32_t i = 0; i < RUNS; i++) wg_free(f->models[i].keys);
    kit_close(&f->kit);
}

static void filled_add(filled *f, uint32_t count) {
    for (uint32_t i = 0; i < RUNS; i++) {
        const uint32_t shapes = 1 + (uint32_t)wg_rng_below(&f->rng, 4);
        restore(f->runs[i], &f->models[i], &f->rng, (uint32_t)wg_rng_below(&f->rng, count), shapes);
        settle(&f->models[i]);
    }
}

static void filled_compare(filled *f) {
    for (uint32_t i = 0; i < RUNS; i++) compare(f->kit.session, f->runs[i], &f->models[i]);
}

/* Goal: whatever keys are restored between begin and end, a scan has exactly them, in order; a second filling adds to the first; and the trees go on
 * as others do under puts. */
static void test_filled_orders_have_every_key_in_order(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 3 : 12;
    for (uint32_t round = 0; round < rounds; round++) {
        filled f;
        filled_open(&f, 100 + round);
        for (uint32_t again = 0; again < 2; again++) {
            wg_state_fill_begin(f.kit.state);
            filled_add(&f, round % 3 == 0 ? 40 : KEYS_MAX / 2);
            wg_state_fill_end(f.kit.state);
            filled_compare(&f);
        }
        filled_add(&f, 300); /* one by one */
        filled_compare(&f);
        filled_close(&f);
    }
}

/* Goal: memory refused anywhere while orders are made is WG_E_NOMEM, nothing leaks, and the next who needs them makes them. */
static void test_filling_survives_refused_memory(void **state) {
    (void)state;
    filled f;
    filled_open(&f, 7);
    wg_state_fill_begin(f.kit.state);
    filled_add(&f, 600);
    wg_state_fill_end(f.kit.state);
    uint32_t refused = 0;
    for (uint64_t room = 0;; room += 3000) {
        wg_error err = {0};
        f.kit.account.bytes_max = wg_account_bytes(&f.kit.account) + room;
        const wg_code code = wgi_order_make(f.kit.state, &err);
        f.kit.account.bytes_max = 0;
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
    }
    assert_true(refused > 5);
    filled_compare(&f);
    filled_close(&f);
}

enum { WRITERS = 3, WRITES = 1200 };

typedef struct beside {
    filled *f;
    _Atomic uint32_t next, scanners, done;
    uint32_t rounds;
} beside;

/* New keys in all runs, some of them several in a commit, some deleted again. */
static void write_beside(void *arg) {
    beside *b = arg;
    wg_error err = {0};
    wg_state_session *session = NULL;
    const uint32_t me = atomic_fetch_add(&b->next, 1);
    assert_int_equal(wg_state_session_open(b->f->kit.state, &session, &err), WG_OK);
    for (uint32_t i = 0; i < b->rounds; i++) {
        wg_state_run *run = b->f->runs[i % RUNS];
        char name[64];
        const size_t size = (size_t)snprintf(name, sizeof name, "beside/%u/%u", i, me);
        const wg_state_key key = wg_state_key_of(run, wg_slice_of(name, size));
        const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = key.bytes};
        if (i % 4 == 3) {
            wg_state_txn *txn = NULL;
            name[0] = 'B';
            const wg_state_key more = wg_state_key_of(run, wg_slice_str("both"));
            const wg_state_key capital = wg_state_key_of(run, wg_slice_of(name, size));
            assert_int_equal(wg_state_begin(session, run, WG_STATE_SNAPSHOT, 1, &txn, &err), WG_OK);
            assert_int_equal(wg_state_txn_put(txn, &capital, &value, WG_VERSION_ANY, &err), WG_OK);
            assert_int_equal(wg_state_txn_put(txn, &more, &value, WG_VERSION_ANY, &err), WG_OK);
            assert_int_equal(wg_state_commit(txn, NULL, NULL, &err), WG_OK);
        } else {
            assert_int_equal(wg_state_put(session, run, &key, &value, WG_VERSION_ANY, 1, NULL, &err), WG_OK);
        }
        if (i % 8 == 1) assert_int_equal(wg_state_delete(session, run, &key, WG_VERSION_ANY, 1, NULL, &err), WG_OK);
        if (i % 64 == 5) (void)wg_state_collect(b->f->kit.state);
        atomic_fetch_add(&b->done, 1);
    }
    wg_state_session_close(session);
}

static void scan_beside(void *arg) {
    beside *b = arg;
    wg_error err = {0};
    wg_state_session *session = NULL;
    assert_int_equal(wg_state_session_open(b->f->kit.state, &session, &err), WG_OK);
    const uint32_t from = b->rounds * (1 + 2 * atomic_fetch_add(&b->scanners, 1)) / 2;
    while (atomic_load(&b->done) < from) wg_thread_yield(); /* the first scan comes in the middle */
    for (uint32_t i = 0; i < RUNS; i++) {
        const wg_state_range range = {0};
        wg_state_scan *scan = NULL;
        wg_state_row rows[100];
        uint32_t n = 0, count = 0;
        assert_int_equal(wg_state_scan_open(session, b->f->runs[i], &range, WG_LOGSEQ_NEVER, 1, &scan, &err), WG_OK);
        do {
            const wg_code code = wg_state_scan_next(scan, rows, 100, &n, &err);
            if (code == WG_E_EXPIRED) break; /* history of that snapshot went; the compare below sees all */
            assert_int_equal(code, WG_OK);
            count += n;
        } while (n != 0);
        assert_true(n != 0 || count >= b->f->models[i].count);
        wg_state_scan_close(scan);
    }
    wg_state_session_close(session);
}

/* Every key that a writer left, and no other. */
static void beside_check(const beside *b, uint32_t number) {
    wg_error err = {0};
    uint32_t wanted = b->f->models[number].count, found = 0, n = 0;
    bool both = false;
    for (uint32_t i = 0; i < b->rounds; i++) {
        if (i % RUNS != number) continue;
        both |= i % 4 == 3;
        if (i % 8 != 1) wanted += WRITERS;
    }
    const wg_state_range range = {0};
    wg_state_scan *scan = NULL;
    wg_state_row rows[100];
    assert_int_equal(
        wg_state_scan_open(b->f->kit.session, b->f->runs[number], &range, WG_LOGSEQ_NEVER, 1, &scan, &err), WG_OK);
    do {
        assert_int_equal(wg_state_scan_next(scan, rows, 100, &n, &err), WG_OK);
        found += n;
    } while (n != 0);
    wg_state_scan_close(scan);
    assert_int_equal(found, wanted + both);
    (void)wgi_tree_check(b->f->runs[number]->order);
}

/* Goal: orders that are made while others commit new keys, delete and purge have every key. */
static void test_orders_are_made_beside_commits(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 2 : 8;
    for (uint32_t round = 0; round < rounds; round++) {
        filled f;
        filled_open(&f, 300 + round);
        wg_state_fill_begin(f.kit.state);
        filled_add(&f, KEYS_MAX / 2);
        wg_state_fill_end(f.kit.state);
        beside b = {.f = &f, .rounds = WRITES};
        wg_thread threads[WRITERS + 2];
        for (uint32_t i = 0; i < WRITERS + 2; i++)
            assert_int_equal(wg_thread_start(&threads[i], i < WRITERS ? write_beside : scan_beside, &b, NULL), WG_OK);
        for (uint32_t i = 0; i < WRITERS + 2; i++) wg_thread_join(&threads[i]);
        for (uint32_t i = 0; i < RUNS; i++) beside_check(&b, i);
        filled_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled_orders_have_every_key_in_order),
        cmocka_unit_test(test_filling_survives_refused_memory),
        cmocka_unit_test(test_orders_are_made_beside_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
