/* Tests of the directory and the key index against plain arrays and maps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/core/test_seed.h"
#include "worldgraph/nodes/nodes.h"

enum { IDS = 50000 };

static void put(wg_directory *d, uint64_t id, wg_row_address address) {
    assert_int_equal(wg_directory_set(d, id, address, 1, NULL), WG_OK);
}

static wg_row_address got(const wg_directory *d, uint64_t id) {
    wg_row_address address = 0;
    return wg_directory_get(d, id, &address, NULL) == WG_OK ? address : UINT64_MAX - 1;
}

static bool next_of(const wg_key_index *index, uint64_t hash, uint64_t *position, uint64_t *out_id) {
    bool found = false;
    return wg_key_index_next(index, hash, position, out_id, &found, NULL) == WG_OK && found;
}

/* Goal: through random extends, sets and truncations the directory answers as an array does. */
static void test_directory_equals_an_array(void **state) {
    (void)state;
    static uint64_t model[IDS];
    for (uint64_t seed = 1; seed <= 6; seed++) {
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_epoch *epoch = NULL;
        wg_directory *d = NULL;
        assert_int_equal(wg_epoch_create(&account, &epoch, NULL), WG_OK);
        assert_int_equal(wg_directory_create(epoch, &account, &d, NULL), WG_OK);
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        uint64_t count = 0;
        uint64_t row = 0;
        for (uint32_t step = 0; step < 300; step++) {
            const uint64_t more = wg_rng_below(&rng, 3000);
            uint64_t first = 99;
            if (count + more <= IDS) {
                assert_int_equal(wg_directory_extend(d, more, &first, NULL), WG_OK);
                assert_int_equal(first, count);
                const bool set = wg_rng_below(&rng, 4) != 0;
                for (uint64_t i = 0; i < more; i++) {
                    model[count + i] = set ? WG_ROW_ADDRESS(seed, row) : WG_ROW_NONE;
                    if (set) put(d, count + i, WG_ROW_ADDRESS(seed, row++));
                }
                count += more;
            }
            if (wg_rng_below(&rng, 4) == 0) {
                count -= wg_rng_below(&rng, count < 5000 ? count + 1 : 5000);
                wg_directory_truncate(d, count);
            }
            for (uint32_t i = 0; seed > 2 && count > 0 && i < 3; i++) {
                const uint64_t id = wg_rng_below(&rng, count);
                model[id] = wg_rng_below(&rng, 5) == 0 ? WG_ROW_NONE : WG_ROW_ADDRESS(9, row++);
                put(d, id, model[id]);
            }
            assert_int_equal(wg_directory_count(d), count);
            for (uint64_t id = step % 11; id < count; id += 11) assert_int_equal(got(d, id), model[id]);
            assert_int_equal(got(d, count), WG_ROW_NONE);
        }
        uint64_t first;
        assert_int_equal(wg_directory_extend(d, UINT64_MAX, &first, NULL), WG_E_LIMIT);
        wg_directory_destroy(d);
        wg_epoch_destroy(epoch);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

enum { KEYS = 5000, HASHES = 700 };

/* Goal: each hash gives its ids once, in the order in which they were added, whatever the table's growth, and also when
 * the table grows in the middle of an iteration. */
static void test_key_index_iterates_in_the_order_of_adds(void **state) {
    (void)state;
    static uint64_t ids[HASHES][64];
    static uint32_t counts[HASHES];
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_epoch *epoch = NULL;
    wg_key_index *index = NULL;
    assert_int_equal(wg_epoch_create(&account, &epoch, NULL), WG_OK);
    assert_int_equal(wg_key_index_create(epoch, &account, &index, NULL), WG_OK);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(42));
    for (uint64_t k = 0; k < KEYS; k++) {
        const uint64_t h = wg_rng_below(&rng, HASHES);
        if (counts[h] == 64) continue;
        assert_int_equal(wg_key_index_add(index, h, k, NULL), WG_OK);
        assert_int_equal(wg_key_index_add(index, h, k, NULL), WG_OK); /* again: nothing */
        ids[h][counts[h]++] = k;
    }
    for (uint64_t h = 0; h < HASHES; h++) {
        uint64_t position = 0;
        uint64_t id;
        for (uint32_t i = 0; i < counts[h]; i++) {
            assert_true(next_of(index, h, &position, &id));
            assert_int_equal(id, ids[h][i]);
            if (h % 100 == 7 && i == 2)
                assert_int_equal(wg_key_index_reserve(index, (uint64_t)KEYS << (h / 100), NULL), WG_OK);
        }
        assert_false(next_of(index, h, &position, &id));
    }
    uint64_t position = 0;
    uint64_t id;
    assert_false(next_of(index, HASHES + 1, &position, &id));
    assert_int_equal(wg_key_index_reserve(index, UINT64_MAX / 2, NULL), WG_E_NOMEM);
    wg_key_index_destroy(index);
    wg_epoch_destroy(epoch);
    assert_int_equal(wg_account_bytes(&account), 0);
}

/* Goal: keys that are equivalent hash alike, the order and number of parts matter. */
static void test_key_hash_agrees_with_equivalence(void **state) {
    (void)state;
    const wg_value a[2] = {wg_value_int(1), wg_value_str(wg_slice_str("x"))};
    const wg_value b[2] = {wg_value_float(1.0), wg_value_str(wg_slice_str("x"))};
    const wg_value c[2] = {a[1], a[0]};
    assert_int_equal(wg_key_hash(a, 2), wg_key_hash(b, 2));
    assert_int_not_equal(wg_key_hash(a, 2), wg_key_hash(c, 2));
    assert_int_not_equal(wg_key_hash(a, 1), wg_key_hash(a, 2));
}

typedef struct lookup {
    wg_epoch *epoch;
    wg_key_index *index;
    wg_directory *directory;
    _Atomic uint64_t published;
    _Atomic bool stop;
    _Atomic uint64_t wrong;
} lookup;

static void *lookup_main(void *arg) {
    lookup *l = arg;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(7));
    while (!atomic_load(&l->stop)) {
        const uint64_t published = atomic_load(&l->published);
        if (published == 0) continue;
        const uint64_t id = wg_rng_below(&rng, published);
        const uint32_t slot = wg_epoch_enter(l->epoch);
        uint64_t position = 0;
        uint64_t found = UINT64_MAX;
        if (!next_of(l->index, id * 3, &position, &found) || found != id) atomic_fetch_add(&l->wrong, 1);
        const uint64_t address = got(l->directory, id);
        if (address != id && address != id + 1000000) atomic_fetch_add(&l->wrong, 1);
        wg_epoch_leave(l->epoch, slot);
    }
    return NULL;
}

/* Goal: what was published before is found by readers in threads while both structures grow and change. */
static void test_lookups_run_beside_the_writer(void **state) {
    (void)state;
    lookup l = {0};
    assert_int_equal(wg_epoch_create(NULL, &l.epoch, NULL), WG_OK);
    assert_int_equal(wg_key_index_create(l.epoch, NULL, &l.index, NULL), WG_OK);
    assert_int_equal(wg_directory_create(l.epoch, NULL, &l.directory, NULL), WG_OK);
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, lookup_main, &l), 0);
    for (uint64_t id = 0; id < IDS; id++) {
        uint64_t first;
        assert_int_equal(wg_directory_extend(l.directory, 1, &first, NULL), WG_OK);
        put(l.directory, id, id);
        if (id > 20000 && id % 3 == 0) put(l.directory, id - 100, id - 100 + 1000000);
        assert_int_equal(wg_key_index_add(l.index, id * 3, id, NULL), WG_OK);
        atomic_store(&l.published, id + 1);
    }
    atomic_store(&l.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&l.wrong), 0);
    wg_key_index_destroy(l.index);
    wg_directory_destroy(l.directory);
    wg_epoch_destroy(l.epoch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory_equals_an_array),
        cmocka_unit_test(test_key_index_iterates_in_the_order_of_adds),
        cmocka_unit_test(test_key_hash_agrees_with_equivalence),
        cmocka_unit_test(test_lookups_run_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
