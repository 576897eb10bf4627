/* Tests of the sink and of the set: what counts among many stripes, what readers keep, and that failures change nothing. */
#include "worldgraph/mmap/mmap_kit.h"

enum { STRIPES = 160, STRIPE_FRAGMENTS = 64, READERS = 3, READS = 3000, CHANGES = 300 };

static wg_fragment_key rows_key(uint64_t slot, uint32_t part) {
    return (wg_fragment_key){.kind = WG_KIND_ROWS, .slot = slot, .part = part};
}

static wg_fragment_key run_key(uint32_t owner, uint64_t run, uint64_t slot) {
    return (wg_fragment_key){.kind = WG_KIND_KEYS, .owner = owner, .run = run, .slot = slot};
}

/* Writes one fragment in a stripe of its own. */
static void put(kit *k, wg_fragment_key key, uint64_t version, uint64_t attribute, uint64_t cell) {
    wg_stripe_sink sink = kit_sink(k, 0, 0);
    kit_one(&sink, key, version, attribute, cell);
    assert_int_equal(kit_publish(k, &sink), 1);
}

static uint64_t found(const kit *k, wg_fragment_key key) {
    const wg_fragment *f = wg_stripe_set_find(k->set, &key);
    return f == NULL ? 0 : kit_number(f, key.kind == WG_KIND_ROWS ? WG_COLUMN_ID : WG_COLUMN_ADDRESS, 0);
}

static uint64_t listed(const kit *k) {
    uint64_t position = 0;
    uint64_t count = 0;
    wg_fragment_key last = {0};
    for (const wg_fragment *f; (f = wg_stripe_set_next(k->set, &position)) != NULL; count++) {
        if (count > 0) assert_true(wg_fragment_key_compare(&last, &f->head.key) < 0);
        last = f->head.key;
        assert_ptr_equal(wg_stripe_set_find(k->set, &last), f);
    }
    return count;
}

/* ---- sink */

static void test_sink_begins_a_stripe_when_one_is_full(void **state) {
    /* Goal: many fragments end up in several stripes, each near its capacity, all of them readable in key order. */
    (void)state;
    kit k;
    kit_open(&k);
    wg_stripe_sink sink = kit_sink(&k, 3, 20000);
    uint64_t cells[500];
    for (uint64_t i = 0; i < 500; i++) cells[i] = i * i * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t slot = 0; slot < 40; slot++) {
        const wg_fragment_head head = {.key = rows_key(slot, 0), .version = 1, .row_count = 500};
        kit_add(&sink, &head, &(kit_column){.id = WG_COLUMN_ID, .cells = cells}, 1);
    }
    assert_int_equal(wg_stripe_sink_finish(&sink, NULL), WG_OK);
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)sink.finished.data;
    const size_t count = sink.finished.size / sizeof *made;
    assert_true(count >= 8 && count <= 14);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(made[i].id, i + 1);
        assert_int_equal(made[i].level, 3);
        assert_true(made[i].bytes <= 20000);
        bytes += made[i].bytes;
    }
    assert_int_equal(bytes, sink.bytes_written);
    kit_publish(&k, &sink);
    assert_int_equal(listed(&k), 40);
    assert_int_equal(wg_stripe_set_count(k.set), count);
    assert_int_equal(wg_stripe_set_entry(k.set, 1).id, 2);
    assert_int_equal(wg_stripe_id(wg_stripe_set_stripe(k.set, 1)), 2);
    kit_close(&k);
}

static void test_sink_without_fragments_makes_no_file(void **state) {
    /* Goal: a checkpoint of nothing leaves nothing. */
    (void)state;
    kit k;
    kit_open(&k);
    wg_stripe_sink sink = kit_sink(&k, 0, 0);
    assert_int_equal(kit_publish(&k, &sink), 0);
    assert_int_equal(kit_files(&k), 0);
    kit_close(&k);
}

/* Writes 12 fragments, of which several fill a stripe. */
static wg_code sink_many(wg_stripe_sink *sink, wg_error *err) {
    uint64_t cells[500];
    for (uint64_t i = 0; i < 500; i++) cells[i] = i * i * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t slot = 0; slot < 12; slot++) {
        const wg_fragment_head head = {.key = rows_key(slot, 0), .version = 1, .row_count = 500};
        WG_TRY(kit_try(sink, &head, &(kit_column){.id = WG_COLUMN_ID, .cells = cells}, 1, err));
    }
    return wg_stripe_sink_finish(sink, err);
}

static void test_sink_abort_removes_every_file_after_any_failure(void **state) {
    /* Goal: whichever call of the disk fails, and whichever allocation, abort leaves an empty directory. */
    (void)state;
    kit k;
    kit_open(&k);
    wg_platform *faulty = NULL;
    assert_int_equal(wg_platform_fault_create(k.platform, &faulty, NULL), WG_OK);
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        wg_error err = {0};
        wg_stripe_sink sink = kit_sink(&k, 0, 9000);
        sink.platform = faulty;
        wg_platform_fault_arm(faulty, n, WG_FAULT_EIO, false);
        const wg_code code = sink_many(&sink, &err);
        wg_platform_fault_arm(faulty, 0, WG_FAULT_EIO, false);
        wg_stripe_sink_abort(&sink);
        assert_int_equal(kit_files(&k), 0);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_IO);
        failures++;
    }
    assert_true(failures > 10);
    for (uint64_t n = 1;; n++) {
        wg_error err = {0};
        wg_stripe_sink sink = kit_sink(&k, 0, 9000);
        wg_memory_fail_at(n, false);
        const wg_code code = sink_many(&sink, &err);
        wg_memory_fail_at(0, false);
        wg_stripe_sink_abort(&sink);
        assert_int_equal(kit_files(&k), 0);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    wg_platform_fault_destroy(faulty);
    kit_close(&k);
}

/* ---- set: what counts */

static void test_set_finds_the_newest_fragment_of_each_key(void **state) {
    /* Goal: the version decides, then the number of the stripe; not the level, not the order of adding. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 9, 0, 19);
    put(&k, rows_key(1, 0), 5, 0, 15);
    put(&k, rows_key(2, 0), 5, 0, 25);
    put(&k, rows_key(2, 0), 5, 0, 26);
    put(&k, rows_key(0, 0), 1, 0, 1);
    assert_int_equal(found(&k, rows_key(1, 0)), 19);
    assert_int_equal(found(&k, rows_key(2, 0)), 26);
    assert_int_equal(found(&k, rows_key(0, 0)), 1);
    assert_int_equal(found(&k, rows_key(3, 0)), 0);
    assert_int_equal(listed(&k), 3);
    const wg_fragment_key from = rows_key(1, 1);
    uint64_t position = wg_stripe_set_seek(k.set, &from);
    assert_int_equal(wg_stripe_set_next(k.set, &position)->head.key.slot, 2);
    assert_null(wg_stripe_set_next(k.set, &position));
    kit_close(&k);
}

static void test_set_leaves_out_ends_that_were_folded_in(void **state) {
    /* Goal: newer ends count only beside older rows of their slot. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 5, 0, 1);
    put(&k, rows_key(1, 1), 6, 0, 2);
    put(&k, rows_key(2, 0), 6, 0, 3);
    put(&k, rows_key(2, 1), 6, 0, 4);
    put(&k, rows_key(3, 1), 7, 0, 5);
    assert_int_equal(found(&k, rows_key(1, 1)), 2);
    assert_int_equal(found(&k, rows_key(2, 1)), 0);
    assert_int_equal(found(&k, rows_key(3, 1)), 0);
    assert_int_equal(listed(&k), 3);
    put(&k, rows_key(1, 0), 6, 0, 6);
    assert_int_equal(found(&k, rows_key(1, 1)), 0);
    kit_close(&k);
}

static void test_set_leaves_out_runs_that_a_wider_run_covers(void **state) {
    /* Goal: after runs were joined the old ones do not count, pieces beyond the joined run's last one included; what is not
     * covered, or newer, stays. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, run_key(1, 0, 0), 5, 10, 100);
    put(&k, run_key(1, 0, 1), 5, 10, 101);
    put(&k, run_key(1, 10, 0), 6, 20, 102);
    put(&k, run_key(1, 20, 0), 7, 30, 103);
    put(&k, run_key(2, 12, 0), 6, 15, 104);
    assert_int_equal(listed(&k), 5);
    put(&k, run_key(1, 0, 0), 6, 20, 105);
    assert_int_equal(found(&k, run_key(1, 0, 0)), 105);
    assert_int_equal(found(&k, run_key(1, 0, 1)), 0);
    assert_int_equal(found(&k, run_key(1, 10, 0)), 0);
    assert_int_equal(found(&k, run_key(1, 20, 0)), 103);
    assert_int_equal(found(&k, run_key(2, 12, 0)), 104);
    assert_int_equal(listed(&k), 3);
    put(&k, run_key(1, 5, 0), 9, 8, 106); /* covered, but newer than what covers it */
    assert_int_equal(found(&k, run_key(1, 5, 0)), 106);
    put(&k, run_key(1, 0, 0), 9, 40, 107);
    assert_int_equal(listed(&k), 2);
    kit_close(&k);
}

static void test_set_opens_many_stripes_from_their_footers(void **state) {
    /* Goal: a set of 160 stripes with 64 fragments each reads footers only: nothing is admitted to memory. */
    (void)state;
    kit k;
    kit_open(&k);
    wg_stripe_entry entries[STRIPES];
    for (uint64_t s = 0; s < STRIPES; s++) {
        wg_stripe_sink sink = kit_sink(&k, 1, 0);
        for (uint64_t i = 0; i < STRIPE_FRAGMENTS; i++) kit_one(&sink, rows_key(i * STRIPES + s, 0), 1, 0, i);
        assert_int_equal(wg_stripe_sink_finish(&sink, NULL), WG_OK);
        memcpy(&entries[s], sink.finished.data, sizeof entries[s]);
        k.next_id = sink.next_id;
        wg_stripe_sink_deinit(&sink);
    }
    const wg_platform *real = wg_platform_real();
    const uint64_t begin = real->ops->now_ns(wg_platform_real());
    assert_int_equal(wg_stripe_set_change(k.set, entries, STRIPES, NULL, 0, NULL), WG_OK);
    print_message("opened %d stripes with %d fragments each in %.1f ms\n", STRIPES, STRIPE_FRAGMENTS,
                  (double)(real->ops->now_ns(wg_platform_real()) - begin) / 1e6);
    assert_int_equal(wg_stripe_set_count(k.set), STRIPES);
    assert_int_equal(listed(&k), STRIPES * STRIPE_FRAGMENTS);
    wg_cache_class_stats stats;
    wg_cache_stats(k.cache, WG_L1_CPU_WARM, &stats);
    assert_int_equal(stats.bytes, 0);
    wg_cache_stats(k.cache, WG_L3_SSD_LOCAL, &stats);
    assert_int_equal(stats.entries, STRIPES * STRIPE_FRAGMENTS);
    kit_close(&k);
}

/* ---- set: change */

static void test_set_change_replaces_in_one_step_and_keeps_fragments_for_readers(void **state) {
    /* Goal: fragments of a stripe that left stay readable until the change after it, or settle, and the last reader. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 5, 0, 15);
    put(&k, rows_key(2, 0), 5, 0, 25);
    const wg_fragment_key key = rows_key(1, 0);
    const wg_fragment *old = wg_stripe_set_find(k.set, &key);
    const uint32_t reader = wg_epoch_enter(k.epoch);
    wg_stripe_sink sink = kit_sink(&k, 1, 0);
    kit_one(&sink, key, 6, 0, 16);
    assert_int_equal(wg_stripe_sink_finish(&sink, NULL), WG_OK);
    const wg_stripe_entry *made = (const wg_stripe_entry *)(const void *)sink.finished.data;
    assert_int_equal(wg_stripe_set_change(k.set, made, 1, (const uint64_t[]){1}, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_set_count(k.set), 2);
    assert_int_equal(found(&k, key), 16);
    assert_int_equal(kit_number(old, WG_COLUMN_ID, 0), 15);
    wg_cache_class_stats stats;
    wg_cache_stats(k.cache, WG_L3_SSD_LOCAL, &stats);
    const uint64_t entries = stats.entries;
    wg_stripe_set_settle(k.set);
    wg_stripe_set_settle(k.set); /* nothing more to do */
    wg_epoch_collect(k.epoch);
    assert_int_equal(kit_number(old, WG_COLUMN_ID, 0), 15); /* a reader is inside */
    wg_epoch_leave(k.epoch, reader);
    wg_epoch_collect(k.epoch);
    assert_int_equal(wg_epoch_pending(k.epoch), 0);
    wg_cache_stats(k.cache, WG_L3_SSD_LOCAL, &stats);
    wg_cache_class_stats warm;
    wg_cache_stats(k.cache, WG_L1_CPU_WARM, &warm);
    assert_true(stats.entries + warm.entries == 2);
    assert_true(entries <= 3);
    wg_stripe_sink_deinit(&sink);
    kit_close(&k);
}

static void test_set_change_moves_a_stripe_without_opening_it_again(void **state) {
    /* Goal: removed and added is a change of level; the file is not touched, fragments stay where they are. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 5, 0, 15);
    const wg_fragment_key key = rows_key(1, 0);
    const wg_fragment *before = wg_stripe_set_find(k.set, &key);
    wg_stripe_entry entry = wg_stripe_set_entry(k.set, 0);
    entry.level = 4;
    const uint64_t calls = wg_platform_sim_calls(k.platform);
    assert_int_equal(wg_stripe_set_change(k.set, &entry, 1, &entry.id, 1, NULL), WG_OK);
    assert_int_equal(wg_platform_sim_calls(k.platform), calls);
    assert_int_equal(wg_stripe_set_entry(k.set, 0).level, 4);
    assert_ptr_equal(wg_stripe_set_find(k.set, &key), before);
    entry.bytes++;
    assert_int_equal(wg_stripe_set_change(k.set, &entry, 1, &entry.id, 1, NULL), WG_E_CORRUPT);
    kit_close(&k);
}

static void test_set_change_refuses_what_a_manifest_may_not_say(void **state) {
    /* Goal: wrong sizes, levels, numbers and stores are refused and the set stays as it was. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 5, 0, 15);
    put(&k, rows_key(2, 0), 5, 0, 25);
    const wg_stripe_entry good = wg_stripe_set_entry(k.set, 1);
    assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &good.id, 1, NULL), WG_OK);
    wg_stripe_entry bad = good;
    wg_error err = {0};
    bad.bytes--;
    assert_int_equal(wg_stripe_set_change(k.set, &bad, 1, NULL, 0, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "the manifest says"));
    bad = good;
    bad.level = WG_LEVELS;
    assert_int_equal(wg_stripe_set_change(k.set, &bad, 1, NULL, 0, NULL), WG_E_CORRUPT);
    const wg_stripe_entry twice[2] = {good, good};
    assert_int_equal(wg_stripe_set_change(k.set, twice, 2, NULL, 0, NULL), WG_E_CORRUPT);
    bad = wg_stripe_set_entry(k.set, 0);
    assert_int_equal(wg_stripe_set_change(k.set, &bad, 1, NULL, 0, NULL), WG_E_CORRUPT);
    bad.id = 77;
    assert_int_equal(wg_stripe_set_change(k.set, &bad, 1, NULL, 0, NULL), WG_E_NOT_FOUND);
    assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &bad.id, 1, NULL), WG_E_MISUSE);
    assert_int_equal(wg_stripe_set_count(k.set), 1);
    assert_int_equal(found(&k, rows_key(1, 0)), 15);
    assert_int_equal(wg_stripe_set_change(k.set, &good, 1, NULL, 0, NULL), WG_OK);
    assert_int_equal(found(&k, rows_key(2, 0)), 25);
    wg_stripe_set *other = NULL;
    const uint8_t uuid[16] = {9};
    assert_int_equal(wg_stripe_set_create(k.platform, "/s", uuid, NULL, k.epoch, NULL, &other, NULL), WG_OK);
    assert_int_equal(wg_stripe_set_change(other, &good, 1, NULL, 0, NULL), WG_E_CORRUPT);
    wg_stripe_set_destroy(other);
    wg_stripe_set_destroy(NULL);
    kit_close(&k);
}

static void test_set_change_survives_allocation_failures(void **state) {
    /* Goal: whichever allocation is refused, the set is as before and the next try succeeds. */
    (void)state;
    kit k;
    kit_open(&k);
    put(&k, rows_key(1, 0), 5, 0, 15);
    put(&k, rows_key(2, 0), 5, 0, 25);
    const wg_stripe_entry entry = wg_stripe_set_entry(k.set, 1);
    assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &entry.id, 1, NULL), WG_OK);
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_stripe_set_change(k.set, &entry, 1, NULL, 0, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        failures++;
        assert_int_equal(code, WG_E_NOMEM);
        assert_int_equal(wg_stripe_set_count(k.set), 1);
        assert_int_equal(found(&k, rows_key(1, 0)), 15);
    }
    assert_true(failures >= 4);
    for (uint64_t n = 1; n <= 3; n++) {
        wg_stripe_set *set = NULL;
        wg_memory_fail_at(n, false);
        assert_int_equal(wg_stripe_set_create(k.platform, "/s", kit_uuid, NULL, k.epoch, NULL, &set, NULL),
                         WG_E_NOMEM);
        assert_null(set);
    }
    wg_memory_fail_at(0, false);
    kit_close(&k);
}

/* ---- threads */

typedef struct reader {
    wg_thread thread;
    kit *k;
    uint64_t wrong;
} reader;

/* Both keys are always there, in one stripe or the other, and the cell tells which. */
static void read_on(void *arg) {
    reader *self = arg;
    const wg_fragment_key keys[2] = {rows_key(1, 0), rows_key(2, 0)};
    for (int i = 0; i < READS; i++) {
        const uint32_t slot = wg_epoch_enter(self->k->epoch);
        for (int n = 0; n < 2; n++) {
            uint64_t cell = 0;
            const wg_fragment *f = wg_stripe_set_find(self->k->set, &keys[n]);
            const bool ok = f != NULL && wg_fragment_u64(f, 0, 0, &cell, NULL) == WG_OK;
            if (!ok || cell != f->head.version * 10 + keys[n].slot) self->wrong++;
        }
        uint64_t position = 0;
        if (wg_stripe_set_next(self->k->set, &position) == NULL) self->wrong++;
        wg_epoch_leave(self->k->epoch, slot);
    }
}

static void test_set_readers_find_every_key_while_stripes_come_and_go(void **state) {
    /* Goal: threads inside the epoch never miss a key or read what was unmapped, whatever the changes beside them. */
    (void)state;
    kit k;
    kit_open(&k);
    wg_stripe_entry made[2];
    for (uint64_t version = 1; version <= 2; version++) {
        wg_stripe_sink sink = kit_sink(&k, 0, 0);
        for (uint64_t slot = 1; slot <= 2; slot++) kit_one(&sink, rows_key(slot, 0), version, 0, version * 10 + slot);
        kit_publish(&k, &sink);
        made[version - 1] = wg_stripe_set_entry(k.set, (uint32_t)version - 1);
    }
    reader readers[READERS] = {0};
    for (int i = 0; i < READERS; i++) {
        readers[i].k = &k;
        assert_int_equal(wg_thread_start(&readers[i].thread, read_on, &readers[i], NULL), WG_OK);
    }
    for (int i = 0; i < CHANGES; i++) {
        const wg_stripe_entry *one = &made[i % 2];
        assert_int_equal(wg_stripe_set_change(k.set, NULL, 0, &one->id, 1, NULL), WG_OK);
        if (i % 3 == 0) wg_stripe_set_settle(k.set);
        assert_int_equal(wg_stripe_set_change(k.set, one, 1, NULL, 0, NULL), WG_OK);
        wg_epoch_collect(k.epoch);
    }
    for (int i = 0; i < READERS; i++) {
        wg_thread_join(&readers[i].thread);
        assert_int_equal(readers[i].wrong, 0);
    }
    kit_close(&k);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_begins_a_stripe_when_one_is_full),
        cmocka_unit_test(test_sink_without_fragments_makes_no_file),
        cmocka_unit_test(test_sink_abort_removes_every_file_after_any_failure),
        cmocka_unit_test(test_set_finds_the_newest_fragment_of_each_key),
        cmocka_unit_test(test_set_leaves_out_ends_that_were_folded_in),
        cmocka_unit_test(test_set_leaves_out_runs_that_a_wider_run_covers),
        cmocka_unit_test(test_set_opens_many_stripes_from_their_footers),
        cmocka_unit_test(test_set_change_replaces_in_one_step_and_keeps_fragments_for_readers),
        cmocka_unit_test(test_set_change_moves_a_stripe_without_opening_it_again),
        cmocka_unit_test(test_set_change_refuses_what_a_manifest_may_not_say),
        cmocka_unit_test(test_set_change_survives_allocation_failures),
        cmocka_unit_test(test_set_readers_find_every_key_while_stripes_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
