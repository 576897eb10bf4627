/* The pool: every piece once, whatever the number of workers; errors; nesting; jobs side by side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory/memory.h"
#include "io/platform/platform.h"
#include "io/pool/pool.h"

enum { ITEMS = 10007 };

typedef struct counted {
    _Atomic uint32_t runs[ITEMS];
    _Atomic uint32_t inside[WG_POOL_WORKERS_MAX];
    uint64_t grain;
    uint64_t fail_at; /* UINT64_MAX: never */
    _Atomic bool overlapped;
} counted;

static wg_code count_items(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    counted *c = arg;
    if (atomic_fetch_add(&c->inside[worker], 1) != 0) atomic_store(&c->overlapped, true);
    wg_code code = WG_OK;
    if (first % c->grain != 0 || (last - first != c->grain && last != ITEMS)) atomic_store(&c->overlapped, true);
    for (uint64_t i = first; i < last; i++) {
        atomic_fetch_add(&c->runs[i], 1);
        if (i >= c->fail_at) code = wg_error_set(err, WG_E_VALUE, first, "item %llu", (unsigned long long)i);
    }
    atomic_fetch_sub(&c->inside[worker], 1);
    return code;
}

static counted *counted_create(uint64_t grain, uint64_t fail_at) {
    counted *c = wg_alloc_zero(NULL, sizeof *c);
    assert_non_null(c);
    c->grain = grain;
    c->fail_at = fail_at;
    return c;
}

/* Goal: each item is done once and pieces are cut by the grain alone, for any number of threads. */
static void test_pool_range_does_every_item_once(void **state) {
    (void)state;
    static const uint64_t grains[] = {1, 7, 64, 4096, ITEMS, 2 * ITEMS};
    for (uint32_t threads = 1; threads <= 9; threads += 2) {
        wg_pool *pool = NULL;
        assert_int_equal(wg_pool_create(threads, &pool, NULL), WG_OK);
        assert_int_equal(wg_pool_workers(pool), threads);
        for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) {
            counted *c = counted_create(grains[g], UINT64_MAX);
            const wg_pool_range range = {ITEMS, grains[g], 16, count_items, c};
            assert_int_equal(wg_pool_for(pool, &range, NULL), WG_OK);
            for (uint32_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&c->runs[i]), 1);
            assert_false(atomic_load(&c->overlapped));
            wg_free(c);
        }
        wg_pool_destroy(pool);
    }
}

/* Goal: without a pool, and over nothing, a range is a loop. */
static void test_pool_range_without_pool_runs_on_the_caller(void **state) {
    (void)state;
    counted *c = counted_create(10, UINT64_MAX);
    const wg_pool_range range = {ITEMS, 10, 4, count_items, c};
    assert_int_equal(wg_pool_for(NULL, &range, NULL), WG_OK);
    for (uint32_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&c->runs[i]), 1);
    const wg_pool_range nothing = {0, 10, 4, count_items, c};
    assert_int_equal(wg_pool_for(NULL, &nothing, NULL), WG_OK);
    assert_int_equal(atomic_load(&c->runs[0]), 1);
    assert_int_equal(wg_pool_workers(NULL), 1);
    wg_free(c);
}

/* Goal: a failing piece ends the job with its own error, and on one thread with that of the first one. */
static void test_pool_range_gives_the_error_of_a_failed_piece(void **state) {
    (void)state;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        wg_pool *pool = NULL;
        assert_int_equal(wg_pool_create(threads, &pool, NULL), WG_OK);
        counted *c = counted_create(100, 500);
        const wg_pool_range range = {ITEMS, 100, threads, count_items, c};
        wg_error err = {0};
        assert_int_equal(wg_pool_for(pool, &range, &err), WG_E_VALUE);
        assert_int_equal(err.code, WG_E_VALUE);
        if (threads == 1) assert_int_equal(err.offset, 500);
        else assert_true(err.offset >= 500 && err.offset < ITEMS);
        wg_free(c);
        wg_pool_destroy(pool);
    }
}

typedef struct nested {
    wg_pool *pool;
    counted *inner;
} nested;

static wg_code run_inner(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    nested *n = arg;
    for (uint64_t i = first; i < last; i++) {
        const wg_pool_range range = {ITEMS, 50, 3, count_items, &n->inner[i]};
        const wg_code code = wg_pool_for(n->pool, &range, err);
        if (code != WG_OK) return code;
    }
    return WG_OK;
}

/* Goal: jobs may be begun inside of jobs, and several run side by side. */
static void test_pool_jobs_nest(void **state) {
    (void)state;
    enum { OUTER = 8 };
    nested n = {.inner = wg_alloc_zero(NULL, OUTER * sizeof *n.inner)};
    assert_non_null(n.inner);
    for (int i = 0; i < OUTER; i++) n.inner[i] = (counted){.grain = 50, .fail_at = UINT64_MAX};
    assert_int_equal(wg_pool_create(4, &n.pool, NULL), WG_OK);
    const wg_pool_range range = {OUTER, 1, 4, run_inner, &n};
    assert_int_equal(wg_pool_for(n.pool, &range, NULL), WG_OK);
    for (int i = 0; i < OUTER; i++)
        for (uint32_t item = 0; item < ITEMS; item++) assert_int_equal(atomic_load(&n.inner[i].runs[item]), 1);
    wg_pool_destroy(n.pool);
    wg_free(n.inner);
}

typedef struct meeting {
    uint32_t late; /* the piece that fails behind the other */
    _Atomic uint32_t begun;
    _Atomic bool failed;
} meeting;

static wg_code fail_both(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker, (void)last;
    meeting *m = arg;
    wg_platform *p = wg_platform_real();
    atomic_fetch_add(&m->begun, 1);
    while (atomic_load(&m->begun) < 2) {} /* none begins behind a failure */
    if (first == m->late) {
        while (!atomic_load(&m->failed)) {}
        /* The other one is on its way out by now; time for it to say so. */
        for (const uint64_t until = p->ops->now_ns(p) + UINT64_C(20000000); p->ops->now_ns(p) < until;) {}
    }
    const wg_code code = wg_error_set(err, WG_E_VALUE, first, "piece %u", (unsigned)first);
    if (first != m->late) atomic_store(&m->failed, true);
    return code;
}

/* Goal: of two pieces that both fail the earlier one's error is given, whichever failed first, also to who does not ask for it. */
static void test_pool_range_gives_the_earlier_of_two_errors(void **state) {
    (void)state;
    wg_pool *pool = NULL;
    assert_int_equal(wg_pool_create(2, &pool, NULL), WG_OK);
    for (uint32_t late = 0; late < 2; late++) {
        for (int told = 0; told < 2; told++) {
            meeting m = {.late = late};
            const wg_pool_range range = {2, 1, 2, fail_both, &m};
            wg_error err = {0};
            assert_int_equal(wg_pool_for(pool, &range, told ? &err : NULL), WG_E_VALUE);
            if (told) assert_int_equal(err.offset, 0);
        }
    }
    wg_pool_destroy(pool);
}

static void note_worker(void *arg, uint32_t worker) { atomic_fetch_add((_Atomic uint32_t *)arg, 1 + worker); }

/* Goal: a pool without threads, or none, does a job once, on the caller, however many are asked for. */
static void test_pool_of_nobody_runs_on_the_caller(void **state) {
    (void)state;
    wg_pool *pool = NULL;
    _Atomic uint32_t ran = 0;
    assert_int_equal(wg_pool_create(1, &pool, NULL), WG_OK);
    wg_pool_run(pool, 3, note_worker, &ran);
    assert_int_equal(atomic_load(&ran), 1);
    wg_pool_run(NULL, 3, note_worker, &ran);
    assert_int_equal(atomic_load(&ran), 2);
    wg_pool_destroy(pool);
    wg_pool_destroy(NULL);
}

/* Goal: a pool that gets no memory is refused; one that gets no thread does its jobs on the caller. */
static void test_pool_without_memory_or_threads(void **state) {
    (void)state;
    wg_pool *pool = NULL;
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_pool_create(4, &pool, NULL), WG_E_NOMEM);
    wg_memory_fail_at(0, false);
    assert_null(pool);
    assert_int_equal(wg_pool_create(4, &pool, NULL), WG_OK);
    counted *c = counted_create(100, UINT64_MAX);
    const wg_pool_range range = {ITEMS, 100, 4, count_items, c};
    wg_memory_fail_at(1, true); /* a thread needs some */
    assert_int_equal(wg_pool_for(pool, &range, NULL), WG_OK);
    wg_memory_fail_at(0, false);
    for (uint32_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&c->runs[i]), 1);
    assert_int_equal(wg_pool_for(pool, &range, NULL), WG_OK); /* with threads now */
    for (uint32_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&c->runs[i]), 2);
    wg_free(c);
    wg_pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_range_does_every_item_once),
        cmocka_unit_test(test_pool_range_without_pool_runs_on_the_caller),
        cmocka_unit_test(test_pool_range_gives_the_error_of_a_failed_piece),
        cmocka_unit_test(test_pool_jobs_nest),
        cmocka_unit_test(test_pool_range_gives_the_earlier_of_two_errors),
        cmocka_unit_test(test_pool_without_memory_or_threads),
        cmocka_unit_test(test_pool_of_nobody_runs_on_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
