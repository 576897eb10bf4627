/* The tree of keys against a sorted array, with threads, and with an allocator that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/core/test_seed.h"
#include "worldgraph/state/order_internal.h"

enum { KEYS = 6000, KEY_ROOM = 300 };

typedef struct key_text {
    uint8_t bytes[KEY_ROOM];
    uint32_t size;
} key_text;

typedef struct kit {
    wg_account account;
    wg_epoch *epoch;
    wgi_order order;
    wg_rng rng;
    key_text *keys; /* sorted, all different */
    bool *present;
    uint32_t key_count;
} kit;

static wg_slice key_of(const kit *k, uint32_t i) { return wg_slice_of(k->keys[i].bytes, k->keys[i].size); }

static int key_text_compare(const void *a, const void *b) {
    const key_text *x = a;
    const key_text *y = b;
    return wg_slice_compare(wg_slice_of(x->bytes, x->size), wg_slice_of(y->bytes, y->size));
}

/* Keys of many shapes: numbers of 16 bytes, texts with common beginnings, long ones that differ at their ends, runs of zeros. */
static void key_make(wg_rng *rng, key_text *out) {
    memset(out, 0, sizeof *out);
    const uint64_t n = wg_rng_below(rng, 100000);
    char text[KEY_ROOM];
    int size = 0;
    switch (wg_rng_below(rng, 5)) {
        case 0:
            for (int i = 0; i < 16; i++) text[i] = (char)(wg_rng_next(rng) & 0xff);
            size = 16;
            break;
        case 1:
            size = snprintf(text, sizeof text, "user/%06u", (unsigned)n);
            break;
        case 2:
            size = snprintf(text, sizeof text, "a/very/long/common/beginning/of/all/these/keys/%06u", (unsigned)n);
            break;
        case 3:
            size = snprintf(text, sizeof text, "tail/%0200u/%u", 7u, (unsigned)n);
            break;
        default:
            size = (int)wg_rng_below(rng, 40);
            memset(text, 0, sizeof text);
            break;
    }
    memcpy(out->bytes, text, (size_t)size);
    out->size = (uint32_t)size;
}

static void kit_open(kit *k, uint64_t seed) {
    memset(k, 0, sizeof *k);
    wg_account_init(&k->account, NULL, 0);
    assert_int_equal(wg_epoch_create(&k->account, &k->epoch, NULL), WG_OK);
    wgi_tree_init(&k->order, &k->account, k->epoch, wg_platform_real());
    wg_rng_init(&k->rng, seed);
    k->keys = wg_alloc(NULL, KEYS * sizeof k->keys[0]);
    k->present = wg_alloc_zero(NULL, KEYS);
    assert_non_null(k->keys);
    assert_non_null(k->present);
    for (uint32_t i = 0; i < KEYS; i++) key_make(&k->rng, &k->keys[i]);
    qsort(k->keys, KEYS, sizeof k->keys[0], key_text_compare);
    for (uint32_t i = 0; i < KEYS; i++)
        if (i == 0 || key_text_compare(&k->keys[k->key_count - 1], &k->keys[i]) != 0)
            k->keys[k->key_count++] = k->keys[i];
}

static void kit_close(kit *k) {
    wgi_tree_deinit(&k->order);
    wg_epoch_destroy(k->epoch);
    assert_int_equal(wg_account_bytes(&k->account), 0); /* nothing leaked, and the counting adds up */
    wg_free(k->keys);
    wg_free(k->present);
}

static void kit_add(kit *k, uint32_t i) {
    const uint32_t slot = wg_epoch_enter(k->epoch);
    assert_int_equal(wgi_tree_add(&k->order, key_of(k, i), i, NULL), WG_OK);
    wg_epoch_leave(k->epoch, slot);
    k->present[i] = true;
}

static void kit_take(kit *k, uint32_t i) {
    const uint32_t slot = wg_epoch_enter(k->epoch);
    assert_int_equal(wgi_tree_take(&k->order, key_of(k, i)), k->present[i]);
    wg_epoch_leave(k->epoch, slot);
    k->present[i] = false;
}

/* Calls fn with the copied entry of each key from the leaf of `from` on; false: the tree changed beneath. */
typedef struct walk {
    bool back;
    void (*fn)(void *ctx, const wgi_order_entry *entry);
    void *ctx;
} walk;

static bool walk_leaf(const wgi_order_spot spot, const walk *w) {
    wgi_order_entry entries[WGI_NODE_KEYS];
    const uint32_t count = wgi_node_count(spot.leaf);
    if (count > WGI_NODE_KEYS) return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t position = w->back ? count - 1 - i : i;
        wgi_entry_load(&spot.leaf->entries[wgi_node_place(spot.leaf, position)], &entries[i]);
    }
    if (!wgi_spot_holds(spot)) return false;
    for (uint32_t i = 0; i < count; i++) w->fn(w->ctx, &entries[i]);
    return true;
}

typedef struct listing {
    const kit *k;
    uint32_t next; /* number of the key that has to come, if it is present */
    bool back;
    uint32_t seen;
} listing;

static void listing_take(void *ctx, const wgi_order_entry *entry) {
    listing *l = ctx;
    const kit *k = l->k;
    while (!k->present[l->next]) l->next += l->back ? UINT32_MAX : 1;
    const wg_slice want = key_of(k, l->next);
    const wg_slice key = wgi_entry_key(entry);
    assert_true(wg_slice_equal(want, key));
    assert_int_equal(entry->w[0], l->next); /* the hash came along */
    l->next += l->back ? UINT32_MAX : 1;
    l->seen++;
}

static void kit_check(const kit *k) {
    uint32_t present = 0;
    for (uint32_t i = 0; i < k->key_count; i++) present += k->present[i];
    assert_int_equal(wgi_tree_check(&k->order), present);
    for (int back = 0; back < 2; back++) {
        listing l = {k, back ? k->key_count - 1 : 0, back, 0};
        const walk w = {back, listing_take, &l};
        wgi_order_spot spot = back ? wgi_tree_find_last(&k->order) : wgi_tree_find(&k->order, wg_slice_of("", 0));
        while (spot.leaf != NULL) {
            assert_true(walk_leaf(spot, &w));
            assert_true(wgi_tree_step(spot, back, &spot));
        }
        assert_int_equal(l.seen, present);
    }
}

static void kit_probe(const kit *k, uint32_t i) {
    const wgi_order_spot spot = wgi_tree_find(&k->order, key_of(k, i));
    uint32_t position;
    bool equal = false;
    if (spot.leaf != NULL) assert_true(wgi_tree_rank(spot, key_of(k, i), &position, &equal));
    assert_int_equal(equal, k->present[i]);
}

/* The tree has exactly the keys of the model, in both directions, after any mix of additions and removals. */
static void test_order_has_the_keys_of_a_sorted_array(void **state) {
    (void)state;
    for (uint64_t round = 0; round < 4; round++) {
        kit k;
        kit_open(&k, wg_test_seed(round));
        for (uint32_t step = 0; step < 40000; step++) {
            const uint32_t i = (uint32_t)wg_rng_below(&k.rng, k.key_count);
            /* Grows, shrinks to almost nothing, grows again. */
            const uint64_t adds = step % 20000 < 10000 ? 70 : 10;
            if (wg_rng_below(&k.rng, 100) < adds) {
                kit_add(&k, i);
            } else {
                kit_take(&k, i);
            }
            kit_probe(&k, (uint32_t)wg_rng_below(&k.rng, k.key_count));
            if (step % 1000 == 999) kit_check(&k);
        }
        for (uint32_t i = 0; i < k.key_count; i++) kit_take(&k, i);
        kit_check(&k);
        assert_null(atomic_load(&k.order.root));
        kit_close(&k);
    }
}

/* Keys that come in order fill their leaves; taken from either end nothing is left behind. */
static void test_order_fills_leaves_with_rising_keys(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 1);
    for (uint32_t i = 0; i < k.key_count; i++) kit_add(&k, i);
    kit_check(&k);
    uint32_t leaves = 0;
    for (wgi_order_spot spot = wgi_tree_find(&k.order, wg_slice_of("", 0)); spot.leaf != NULL; leaves++)
        assert_true(wgi_tree_step(spot, false, &spot));
    assert_int_equal(leaves, (k.key_count + WGI_NODE_KEYS - 1) / WGI_NODE_KEYS);
    for (uint32_t i = 0; i < k.key_count / 2; i++) kit_take(&k, i);
    kit_check(&k);
    for (uint32_t i = k.key_count; i-- > k.key_count / 2;) kit_take(&k, i);
    kit_check(&k);
    kit_close(&k);
}

/* A tree that is not used any more goes in small steps. */
static void test_order_is_dropped_in_bounded_steps(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 2);
    for (uint32_t i = 0; i < k.key_count; i++) kit_add(&k, i);
    uint32_t steps = 0;
    while (wgi_order_drop_some(&k.order, 4)) steps++;
    assert_true(steps > 10);
    assert_int_equal(wgi_tree_check(&k.order), 0);
    kit_close(&k);
}

/* Whichever allocation fails, the tree is as before, and the same addition works afterwards. */
static void test_order_is_unchanged_when_memory_is_refused(void **state) {
    (void)state;
    kit k;
    kit_open(&k, 3);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < k.key_count; i++) {
        const uint32_t slot = wg_epoch_enter(k.epoch);
        for (uint64_t n = 1;; n++) {
            wg_memory_fail_at(n, false);
            const wg_code code = wgi_tree_add(&k.order, key_of(&k, i), i, NULL);
            wg_memory_fail_at(0, false);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
            refused++;
            assert_int_equal(atomic_load(&k.order.keys), i);
        }
        wg_epoch_leave(k.epoch, slot);
        k.present[i] = true;
        if (i % 500 == 0) kit_check(&k);
    }
    assert_true(refused > k.key_count / 10);
    kit_check(&k);
    kit_close(&k);
}

/* A tree of many keys takes huge pages for its leaves and gives all of them back, when they are merged and at the end. */
static void test_order_of_many_keys_gives_its_pages_back(void **state) {
    (void)state;
    enum { MANY = 40000 };
    kit k;
    kit_open(&k, 5);
    char text[32];
    for (uint32_t round = 0; round < 2; round++) {
        const uint32_t slot = wg_epoch_enter(k.epoch);
        for (uint32_t i = 0; i < MANY; i++) {
            const int n = snprintf(text, sizeof text, "%08x", i * 2654435761u);
            assert_int_equal(wgi_tree_add(&k.order, wg_slice_of(text, (size_t)n), i, NULL), WG_OK);
        }
        wg_epoch_leave(k.epoch, slot);
        assert_int_equal(wgi_tree_check(&k.order), MANY);
        assert_non_null(atomic_load(&k.order.leaf_slab));
        for (uint32_t i = 0; i < MANY && round == 0; i++) {
            const uint32_t inside = wg_epoch_enter(k.epoch);
            const int n = snprintf(text, sizeof text, "%08x", i * 2654435761u);
            assert_true(wgi_tree_take(&k.order, wg_slice_of(text, (size_t)n)));
            wg_epoch_leave(k.epoch, inside);
        }
    }
    kit_close(&k); /* retired leaves are still waiting in the epoch when the tree goes */
}

/* ---- threads */

enum { WRITERS = 3, READERS = 2, ROUNDS = 3 };

typedef struct worker {
    kit *k;
    uint32_t number;
    _Atomic uint32_t *running;
    uint64_t seed;
} worker;

/* Even keys are there before the threads begin and stay; odd ones come and go, each by one writer. */
static void writer_body(void *arg) {
    const worker *w = arg;
    kit *k = w->k;
    wg_rng rng;
    wg_rng_init(&rng, w->seed);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t pass = 0; pass < 2; pass++) {
            for (uint32_t i = w->number * 2 + 1; i < k->key_count; i += WRITERS * 2) {
                if (pass == 0) {
                    kit_add(k, i);
                    if (i > 0) { /* somebody else's or a lasting key once more: nothing happens */
                        const uint32_t slot = wg_epoch_enter(k->epoch);
                        assert_int_equal(wgi_tree_add(&k->order, key_of(k, i - 1), i - 1, NULL), WG_OK);
                        wg_epoch_leave(k->epoch, slot);
                    }
                } else {
                    kit_take(k, i);
                }
            }
        }
    }
    atomic_fetch_sub(w->running, 1);
}

typedef struct sighting {
    const kit *k;
    wgi_order_entry last;
    key_text last_key;
    bool any, back;
    uint32_t lasting;
} sighting;

static void sighting_take(void *ctx, const wgi_order_entry *entry) {
    sighting *s = ctx;
    const wg_slice key = wgi_entry_key(entry);
    if (s->any) {
        const int c = wg_slice_compare(wg_slice_of(s->last_key.bytes, s->last_key.size), key);
        assert_true(s->back ? c > 0 : c < 0);
    }
    s->any = true;
    memcpy(s->last_key.bytes, key.data, key.size);
    s->last_key.size = (uint32_t)key.size;
    s->lasting += entry->w[0] % 2 == 0;
}

/* One leaf after the other by steps; where a step fails from the last key on again, as a scan does. */
static void read_all(const kit *k, bool back, uint32_t *out_lasting) {
    sighting s = {.k = k, .back = back};
    wgi_order_spot spot = back ? wgi_tree_find_last(&k->order) : wgi_tree_find(&k->order, wg_slice_of("", 0));
    while (spot.leaf != NULL) {
        wgi_order_entry entries[WGI_NODE_KEYS];
        const wg_slice last = wg_slice_of(s.last_key.bytes, s.last_key.size);
        uint32_t from = 0;
        bool equal = false;
        uint32_t count = wgi_node_count(spot.leaf);
        bool holds = count <= WGI_NODE_KEYS && (!s.any || wgi_tree_rank(spot, last, &from, &equal));
        if (holds && s.any && back) count = from;
        if (holds && s.any && !back) from += equal;
        if (back) from = 0;
        for (uint32_t i = from; holds && i < count; i++)
            wgi_entry_load(&spot.leaf->entries[wgi_node_place(spot.leaf, i)], &entries[i]);
        holds = holds && wgi_spot_holds(spot);
        for (uint32_t i = from; holds && i < count; i++) sighting_take(&s, &entries[back ? count - 1 - i : i]);
        if (holds && wgi_tree_step(spot, back, &spot)) continue;
        const wg_slice at = wg_slice_of(s.last_key.bytes, s.last_key.size);
        if (s.any) {
            spot = wgi_tree_find(&k->order, at);
        } else {
            spot = back ? wgi_tree_find_last(&k->order) : wgi_tree_find(&k->order, wg_slice_of("", 0));
        }
    }
    *out_lasting = s.lasting;
}

static void reader_body(void *arg) {
    const worker *w = arg;
    const kit *k = w->k;
    bool back = w->number % 2 != 0;
    while (atomic_load(w->running) != 0) {
        uint32_t lasting;
        const uint32_t slot = wg_epoch_enter(k->epoch);
        read_all(k, back, &lasting);
        wg_epoch_leave(k->epoch, slot);
        assert_int_equal(lasting, (k->key_count + 1) / 2);
        back = !back;
    }
}

/* While keys come and go beside them, readers see the lasting ones all, each once and in order. */
static void test_order_readers_miss_no_lasting_key_beside_writers(void **state) {
    (void)state;
    kit k;
    kit_open(&k, wg_test_seed(4));
    if (k.key_count > 3000) k.key_count = 3000;
    for (uint32_t i = 0; i < k.key_count; i += 2) kit_add(&k, i);
    _Atomic uint32_t running = WRITERS;
    wg_thread threads[WRITERS + READERS];
    worker workers[WRITERS + READERS];
    for (uint32_t i = 0; i < WRITERS + READERS; i++) {
        workers[i] = (worker){&k, i < WRITERS ? i : i - WRITERS, &running, i};
        assert_int_equal(wg_thread_start(&threads[i], i < WRITERS ? writer_body : reader_body, &workers[i], NULL),
                         WG_OK);
    }
    for (uint32_t i = 0; i < WRITERS + READERS; i++) wg_thread_join(&threads[i]);
    for (uint32_t i = 1; i < k.key_count; i += 2) assert_false(k.present[i]);
    kit_check(&k);
    kit_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_has_the_keys_of_a_sorted_array),
        cmocka_unit_test(test_order_fills_leaves_with_rising_keys),
        cmocka_unit_test(test_order_is_dropped_in_bounded_steps),
        cmocka_unit_test(test_order_is_unchanged_when_memory_is_refused),
        cmocka_unit_test(test_order_of_many_keys_gives_its_pages_back),
        cmocka_unit_test(test_order_readers_miss_no_lasting_key_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
