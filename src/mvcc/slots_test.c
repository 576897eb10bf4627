/* Tests of slots: pointers by number against a plain array, at the borders of chunks, without memory, and beside readers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/core/test_seed.h"
#include "mvcc/mvcc.h"

enum { NUMBERS = 3000 };

/* Goal: random sets and removals read back as from an array; next finds exactly the numbers that have an item. */
static void test_slots_equal_an_array(void **state) {
    (void)state;
    static const char *model[NUMBERS];
    static const char letters[26];
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_slots slots;
    memset(&slots, 0, sizeof slots);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(11));
    assert_int_equal(wg_slots_next(&slots, 0), UINT32_MAX);
    for (uint32_t step = 0; step < 4000; step++) {
        const uint32_t i = (uint32_t)wg_rng_below(&rng, NUMBERS);
        model[i] = wg_rng_below(&rng, 4) == 0 ? NULL : &letters[i % 26];
        assert_true(wg_slots_reserve(&slots, i, &account));
        wg_slots_set(&slots, i, (void *)(uintptr_t)model[i]);
    }
    uint32_t next = wg_slots_next(&slots, 0);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        assert_ptr_equal(wg_slots_get(&slots, i), model[i]);
        if (model[i] == NULL) continue;
        assert_int_equal(next, i);
        next = wg_slots_next(&slots, i + 1);
    }
    assert_int_equal(next, UINT32_MAX);
    wg_slots_deinit(&slots);
    assert_int_equal(wg_account_bytes(&account), 0);
}

/* Goal: the first and the last number work; beyond is nothing; a refused chunk leaves what is there. */
static void test_slots_end_where_they_say(void **state) {
    (void)state;
    char item;
    wg_slots slots;
    memset(&slots, 0, sizeof slots);
    wg_account small;
    wg_account_init(&small, NULL, 1 << 20);
    assert_true(wg_slots_reserve(&slots, 0, &small));
    wg_slots_set(&slots, 0, &item);
    assert_false(wg_slots_reserve(&slots, WG_SLOTS_MAX - 1, &small));
    assert_null(wg_slots_get(&slots, WG_SLOTS_MAX - 1));
    assert_ptr_equal(wg_slots_get(&slots, 0), &item);
    assert_true(wg_slots_reserve(&slots, WG_SLOTS_MAX - 1, NULL));
    wg_slots_set(&slots, WG_SLOTS_MAX - 1, &item);
    assert_ptr_equal(wg_slots_get(&slots, WG_SLOTS_MAX - 1), &item);
    assert_int_equal(wg_slots_next(&slots, WG_SLOTS_MAX - 2), WG_SLOTS_MAX - 1);
    assert_int_equal(wg_slots_next(&slots, WG_SLOTS_MAX), UINT32_MAX);
    assert_null(wg_slots_get(&slots, WG_SLOTS_MAX));
    assert_null(wg_slots_get(&slots, UINT32_MAX));
    wg_slots_deinit(&slots);
    assert_null(wg_slots_get(&slots, 0));
}

typedef struct shared {
    wg_slots slots;
    _Atomic uint32_t published;
    _Atomic bool stop;
    _Atomic uint64_t wrong;
    uint64_t items[NUMBERS];
} shared;

static void *get_main(void *arg) {
    shared *s = arg;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(2));
    while (!atomic_load(&s->stop)) {
        const uint32_t published = atomic_load(&s->published);
        if (published == 0) continue;
        const uint32_t i = (uint32_t)wg_rng_below(&rng, published);
        const uint64_t *item = wg_slots_get(&s->slots, i);
        if (item == NULL || *item != i) atomic_fetch_add(&s->wrong, 1);
    }
    return NULL;
}

/* Goal: readers in threads find every item that was set, and what it holds, while chunks are added. */
static void test_slots_are_read_beside_the_writer(void **state) {
    (void)state;
    static shared s;
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, get_main, &s), 0);
    for (uint32_t i = 0; i < NUMBERS; i++) {
        s.items[i] = i;
        assert_true(wg_slots_reserve(&s.slots, i, NULL));
        wg_slots_set(&s.slots, i, &s.items[i]);
        atomic_store(&s.published, i + 1);
    }
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&s.wrong), 0);
    wg_slots_deinit(&s.slots);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_equal_an_array),
        cmocka_unit_test(test_slots_end_where_they_say),
        cmocka_unit_test(test_slots_are_read_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
