/* Tests of mvcc: the visibility rule against a naive history, and reclamation by epochs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "base/core/test_seed.h"
#include "mvcc/mvcc.h"

enum { HISTORY_MAX = 64 };

typedef struct history {
    uint64_t begin[HISTORY_MAX];
    uint64_t end[HISTORY_MAX];
    bool tombstone_at[HISTORY_MAX * 2]; /* by logseq */
    bool put_at[HISTORY_MAX * 2];
    uint32_t version_of[HISTORY_MAX * 2];
    uint32_t count;
    uint64_t last;
} history;

/* Writes a random history of puts and deletes of one key, as versions and as a plain log. */
static void history_fill(history *h, uint64_t seed) {
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(seed));
    memset(h, 0, sizeof *h);
    uint32_t open = UINT32_MAX;
    for (uint64_t s = 1; s < HISTORY_MAX; s++) {
        const uint64_t act = wg_rng_below(&rng, 3);
        if (act == 0) continue;
        if (open != UINT32_MAX) h->end[open] = s;
        if (act == 1) {
            open = h->count++;
            h->begin[open] = s;
            h->end[open] = WG_LOGSEQ_NEVER;
            h->put_at[s] = true;
            h->version_of[s] = open;
        } else {
            open = UINT32_MAX;
            h->tombstone_at[s] = true;
        }
        h->last = s;
    }
}

/* Goal: the rule shows exactly the newest version at or before S unless that is a tombstone (semantics 15, 16, 23, 24). */
static void test_visibility_equals_newest_record_of_a_naive_log(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        history h;
        history_fill(&h, seed);
        for (uint64_t s = 0; s <= h.last + 1; s++) {
            uint32_t expected = UINT32_MAX;
            for (uint64_t t = 1; t <= s && t < HISTORY_MAX; t++) {
                if (h.put_at[t]) expected = h.version_of[t];
                if (h.tombstone_at[t]) expected = UINT32_MAX;
            }
            for (uint32_t v = 0; v < h.count; v++)
                assert_int_equal(wg_visible((wg_view){s, 0}, h.begin[v], h.end[v]), v == expected);
        }
    }
}

/* Goal: a writer sees its own uncommitted versions and deletions, others do not, and a rolled-back version is never seen. */
static void test_own_writes_are_seen_by_their_writer_only(void **state) {
    (void)state;
    const wg_view own = {5, 9};
    const wg_view other = {5, 0};
    assert_true(wg_visible(own, 9, WG_LOGSEQ_NEVER));
    assert_false(wg_visible(other, 9, WG_LOGSEQ_NEVER));
    assert_false(wg_visible(own, 3, 9));
    assert_true(wg_visible(other, 3, 9));
    assert_false(wg_visible(own, WG_LOGSEQ_NEVER, WG_LOGSEQ_NEVER));
    assert_false(wg_visible((wg_view){UINT64_MAX - 1, 0}, WG_LOGSEQ_NEVER, WG_LOGSEQ_NEVER));
}

/* Goal: memory retired while a reader is inside stays until that reader leaves, and later readers do not hold it. */
static void test_epoch_frees_after_the_readers_of_its_time(void **state) {
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_epoch *epoch = NULL;
    assert_int_equal(wg_epoch_create(&account, &epoch, NULL), WG_OK);
    const uint32_t first = wg_epoch_enter(epoch);
    wg_epoch_retire(epoch, wg_alloc(&account, 100));
    wg_epoch_link *linked = wg_alloc_zero(&account, 4096);
    wg_epoch_retire_linked(epoch, linked);
    assert_int_equal(wg_epoch_pending(epoch), 2);
    const uint32_t second = wg_epoch_enter(epoch);
    assert_int_not_equal(first, second);
    wg_epoch_collect(epoch);
    assert_int_equal(wg_epoch_pending(epoch), 2);
    wg_epoch_leave(epoch, first);
    wg_epoch_collect(epoch);
    assert_int_equal(wg_epoch_pending(epoch), 0);
    wg_epoch_leave(epoch, second);
    wg_epoch_retire(epoch, NULL);
    wg_epoch_retire_linked(epoch, NULL);
    wg_epoch_retire(epoch, wg_alloc(&account, 1));
    assert_int_equal(wg_epoch_pending(epoch), 0);
    wg_epoch_destroy(epoch);
    assert_int_equal(wg_account_bytes(&account), 0);
}

/* Goal: creation under memory pressure fails cleanly; retirement without memory for its note still frees. */
typedef struct disposed_object {
    wg_epoch_link link;
    uint32_t *count;
} disposed_object;

static void dispose_object(void *block) {
    disposed_object *object = block;
    (*object->count)++;
    wg_free(object);
}

/* Goal: an object's own dispose runs once, after the readers of its time have left, and at the end at the latest. */
static void test_mvcc_retired_objects_are_disposed_of(void **state) {
    (void)state;
    wg_epoch *epoch = NULL;
    uint32_t count = 0;
    assert_int_equal(wg_epoch_create(NULL, &epoch, NULL), WG_OK);
    for (uint32_t i = 0; i < 2; i++) {
        disposed_object *object = wg_alloc_zero(NULL, sizeof *object);
        assert_non_null(object);
        object->count = &count;
        const uint32_t slot = wg_epoch_enter(epoch);
        wg_epoch_retire_object(epoch, &object->link, dispose_object);
        wg_epoch_collect(epoch);
        assert_int_equal(count, 0);
        wg_epoch_leave(epoch, slot);
        if (i == 0) {
            wg_epoch_collect(epoch);
            assert_int_equal(count, 1);
            count = 0;
        }
    }
    wg_epoch_destroy(epoch);
    assert_int_equal(count, 1);
}

static void test_epoch_survives_refused_allocations(void **state) {
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_epoch *epoch = NULL;
    wg_error err = {0};
    wg_memory_fail_at(1, false);
    assert_int_equal(wg_epoch_create(&account, &epoch, &err), WG_E_NOMEM);
    assert_null(epoch);
    wg_memory_fail_at(0, false);
    assert_int_equal(wg_epoch_create(&account, &epoch, NULL), WG_OK);
    void *block = wg_alloc(&account, 1000);
    wg_memory_fail_at(1, false);
    wg_epoch_retire(epoch, block);
    wg_memory_fail_at(0, false);
    assert_int_equal(wg_epoch_pending(epoch), 0);
    wg_epoch_destroy(epoch);
    assert_int_equal(wg_account_bytes(&account), 0);
}

typedef struct waiter {
    wg_epoch *epoch;
    void *block;
    uint32_t slot;
    _Atomic bool begun;
    _Atomic bool done;
} waiter;

static void *retire_without_memory(void *arg) {
    waiter *w = arg;
    wg_epoch_retire(w->epoch, w->block);
    atomic_store(&w->done, true);
    return NULL;
}

/* Goal: a retirement that cannot be noted waits for the reader that may see the block, and then frees it. */
static void test_epoch_retire_waits_when_it_cannot_note(void **state) {
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    waiter w = {.epoch = NULL};
    pthread_t thread;
    assert_int_equal(wg_epoch_create(&account, &w.epoch, NULL), WG_OK);
    w.block = wg_alloc(&account, 100);
    assert_non_null(w.block);
    const uint32_t slot = wg_epoch_enter(w.epoch);
    const uint64_t calls = wg_memory_calls();
    wg_memory_fail_at(1, false);
    assert_int_equal(pthread_create(&thread, NULL, retire_without_memory, &w), 0);
    while (wg_memory_calls() == calls) sched_yield(); /* until the note was refused */
    for (uint32_t i = 0; i < 100; i++) sched_yield();
    assert_false(atomic_load(&w.done));
    memset(w.block, 1, 100); /* still ours to read */
    wg_memory_fail_at(0, false);
    wg_epoch_leave(w.epoch, slot);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&w.done));
    assert_int_equal(wg_epoch_pending(w.epoch), 0);
    wg_epoch_destroy(w.epoch);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void *enter_when_full(void *arg) {
    waiter *w = arg;
    atomic_store(&w->begun, true);
    w->slot = wg_epoch_enter(w->epoch);
    atomic_store(&w->done, true);
    return NULL;
}

/* Goal: one reader more than there are slots waits for a slot, and gets the one that comes free. */
static void test_epoch_enter_waits_for_a_slot(void **state) {
    (void)state;
    waiter w = {.epoch = NULL};
    pthread_t thread;
    assert_int_equal(wg_epoch_create(NULL, &w.epoch, NULL), WG_OK);
    for (uint32_t i = 0; i < 128; i++) (void)wg_epoch_enter(w.epoch);
    assert_int_equal(pthread_create(&thread, NULL, enter_when_full, &w), 0);
    while (!atomic_load(&w.begun)) sched_yield();
    for (uint32_t i = 0; i < 1000; i++) sched_yield();
    assert_false(atomic_load(&w.done));
    wg_epoch_leave(w.epoch, 77);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(w.slot, 77);
    for (uint32_t i = 0; i < 128; i++) wg_epoch_leave(w.epoch, i);
    wg_epoch_destroy(w.epoch);
}

/* Goal: nothing is a thing to retire and to destroy. */
static void test_epoch_takes_nothing(void **state) {
    (void)state;
    wg_epoch *epoch = NULL;
    assert_int_equal(wg_epoch_create(NULL, &epoch, NULL), WG_OK);
    wg_epoch_retire(epoch, NULL);
    wg_epoch_retire_linked(epoch, NULL);
    wg_epoch_retire_object(epoch, NULL, dispose_object);
    assert_int_equal(wg_epoch_pending(epoch), 0);
    wg_epoch_destroy(epoch);
    wg_epoch_destroy(NULL);
}

typedef struct cell {
    wg_epoch_link link;
    uint64_t value;
    uint64_t value_again;
} cell;

typedef struct shared_cell {
    wg_epoch *epoch;
    _Atomic(cell *) current;
    _Atomic bool stop;
    _Atomic uint64_t mismatches;
} shared_cell;

static void *reader_main(void *arg) {
    shared_cell *s = arg;
    uint64_t last = 0;
    while (!atomic_load(&s->stop)) {
        const uint32_t slot = wg_epoch_enter(s->epoch);
        const cell *c = atomic_load_explicit(&s->current, memory_order_acquire);
        if (c->value != c->value_again || c->value < last) atomic_fetch_add(&s->mismatches, 1);
        last = c->value;
        wg_epoch_leave(s->epoch, slot);
    }
    return NULL;
}

/* Goal: readers in threads never touch freed memory (the sanitizers watch) and see values in order, while a writer
 * replaces the shared block thousands of times. */
static void test_epoch_protects_concurrent_readers(void **state) {
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    shared_cell s = {0};
    assert_int_equal(wg_epoch_create(&account, &s.epoch, NULL), WG_OK);
    cell *first = wg_alloc_zero(&account, sizeof *first);
    assert_non_null(first);
    atomic_store(&s.current, first);
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &s), 0);
    for (uint64_t v = 1; v <= 20000; v++) {
        cell *next = wg_alloc_zero(&account, sizeof *next);
        assert_non_null(next);
        next->value = v;
        next->value_again = v;
        cell *old = atomic_exchange(&s.current, next);
        if (v % 2 == 0) wg_epoch_retire_linked(s.epoch, &old->link);
        else wg_epoch_retire(s.epoch, old);
    }
    atomic_store(&s.stop, true);
    for (size_t i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&s.mismatches), 0);
    wg_free(atomic_load(&s.current));
    wg_epoch_destroy(s.epoch);
    assert_int_equal(wg_account_bytes(&account), 0);
}

static void *retirer_main(void *arg) {
    wg_epoch *epoch = arg;
    for (uint32_t i = 0; i < 20000; i++) {
        wg_epoch_link *block = wg_alloc_zero(NULL, sizeof *block);
        assert_non_null(block);
        wg_epoch_retire_linked(epoch, block);
    }
    return NULL;
}

/* Goal: threads that retire at once lose no block: the queue keeps its order (asserted inside) and is empty at the end. */
static void test_epoch_threads_retire_at_once(void **state) {
    (void)state;
    wg_epoch *epoch = NULL;
    pthread_t threads[4];
    assert_int_equal(wg_epoch_create(NULL, &epoch, NULL), WG_OK);
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, retirer_main, epoch), 0);
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    wg_epoch_collect(epoch);
    assert_int_equal(wg_epoch_pending(epoch), 0);
    wg_epoch_destroy(epoch);
}

/* Goal: all slots can be taken by one thread, and each comes back. */
static void test_epoch_hands_out_distinct_slots(void **state) {
    (void)state;
    wg_epoch *epoch = NULL;
    assert_int_equal(wg_epoch_create(NULL, &epoch, NULL), WG_OK);
    bool seen[128] = {false};
    for (uint32_t i = 0; i < 128; i++) {
        const uint32_t slot = wg_epoch_enter(epoch);
        assert_true(slot < 128);
        assert_false(seen[slot]);
        seen[slot] = true;
    }
    for (uint32_t i = 0; i < 128; i++) wg_epoch_leave(epoch, i);
    wg_epoch_leave(epoch, wg_epoch_enter(epoch));
    wg_epoch_destroy(epoch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_visibility_equals_newest_record_of_a_naive_log),
        cmocka_unit_test(test_mvcc_retired_objects_are_disposed_of),
        cmocka_unit_test(test_own_writes_are_seen_by_their_writer_only),
        cmocka_unit_test(test_epoch_frees_after_the_readers_of_its_time),
        cmocka_unit_test(test_epoch_survives_refused_allocations),
        cmocka_unit_test(test_epoch_protects_concurrent_readers),
        cmocka_unit_test(test_epoch_hands_out_distinct_slots),
        cmocka_unit_test(test_epoch_retire_waits_when_it_cannot_note),
        cmocka_unit_test(test_epoch_enter_waits_for_a_slot),
        cmocka_unit_test(test_epoch_takes_nothing),
        cmocka_unit_test(test_epoch_threads_retire_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
