/* The event log and stripes: what a checkpoint wrote is read in its place, at run time and after an open, and damage is found. */
#include "worldgraph/events/events_kit.h"
#include "worldgraph/events/events_internal.h"

enum { STRIPES_MAX = 64 };

typedef struct disk {
    wg_platform *platform;
    wg_account account;
    wg_epoch *epoch;
    wg_stripe *stripes[STRIPES_MAX];
    uint32_t count;
    uint64_t next_id;
} disk;

static const uint8_t disk_uuid[16] = "events-store";

static void disk_open(disk *d) {
    *d = (disk){.next_id = 1};
    wg_account_init(&d->account, NULL, 0);
    KIT_OK(wg_platform_sim_create(1, &d->platform, err));
    KIT_OK(d->platform->ops->make_directory(d->platform, "/s", err));
    KIT_OK(wg_epoch_create(&d->account, &d->epoch, err));
}

static void disk_close(disk *d) {
    wg_epoch_destroy(d->epoch);
    for (uint32_t i = 0; i < d->count; i++) wg_stripe_close(d->stripes[i]);
    assert_int_equal(wg_account_bytes(&d->account), 0);
    wg_platform_sim_destroy(d->platform);
}

static wg_stripe_sink disk_sink(disk *d) {
    wg_stripe_sink sink = {.platform = d->platform, .dir = "/s", .next_id = d->next_id};
    memcpy(sink.options.store_uuid, disk_uuid, 16);
    sink.options.account = &d->account;
    sink.options.zstd = true;
    return sink;
}

/* Stores [since, until) and opens the stripe; NULL: nothing was written. */
static wg_stripe *disk_store(disk *d, const kit_log *log, uint64_t since, uint64_t until) {
    wg_stripe_sink sink = disk_sink(d);
    KIT_OK(wg_events_store(log->events, &sink, 5, since, until, d->next_id, err));
    KIT_OK(wg_stripe_sink_finish(&sink, err));
    if (sink.finished.size == 0) return NULL;
    assert_int_equal(sink.finished.size, sizeof(wg_stripe_entry));
    assert_true(d->count < STRIPES_MAX);
    KIT_OK(wg_stripe_open(d->platform, "/s", d->next_id, disk_uuid, NULL, &d->account, &d->stripes[d->count], err));
    d->next_id = sink.next_id;
    wg_stripe_sink_deinit(&sink);
    return d->stripes[d->count++];
}

static void adopt_all(const kit_log *log, const wg_stripe *stripe) {
    for (uint32_t i = 0; stripe != NULL && i < wg_stripe_fragment_count(stripe); i++)
        KIT_OK(wg_events_adopt(log->events, wg_stripe_fragment(stripe, i), err));
}

/* A log that knows nothing but the newest fragments of all stripes; the events are those of `like`. */
static void reopen(disk *d, const kit_log *like, uint64_t stored, const kit_log *parent, kit_log *out) {
    kit_log_create(out, d->epoch, &d->account, parent, like->base);
    const uint64_t first = like->base / WG_EVENTS_SLOT;
    for (uint64_t slot = first; stored > like->base && slot <= (stored - 1) / WG_EVENTS_SLOT; slot++) {
        const wg_fragment *newest = NULL;
        for (uint32_t i = 0; i < d->count; i++)
            for (uint32_t k = 0; k < wg_stripe_fragment_count(d->stripes[i]); k++) {
                const wg_fragment *f = wg_stripe_fragment(d->stripes[i], k);
                if (f->head.key.slot == slot && (newest == NULL || f->head.version > newest->head.version))
                    newest = f;
            }
        assert_non_null(newest);
        KIT_OK(wg_events_adopt(out->events, newest, err));
    }
    memcpy(out->e, like->e, stored * sizeof *out->e);
    out->count = stored;
    assert_int_equal(wg_events_count(out->events, WG_LOGSEQ_NEVER), stored);
}

static void test_events_store_checkpoints_and_reopens_agree_with_arrays(void **state) {
    /* Goal: through random appends, incremental checkpoints, adoption and reopens, a log and what it opens as hold the same events and chain. */
    (void)state;
    for (uint64_t seed = wg_test_seed(40), end = seed + 4; seed < end; seed++) {
        disk d;
        disk_open(&d);
        wg_rng rng;
        wg_rng_init(&rng, seed);
        kit_log log;
        kit_log_create(&log, d.epoch, &d.account, NULL, 0);
        uint64_t stored = 0;
        for (uint32_t step = 0; step < 9; step++) {
            kit_append(&log, &rng, 1 + (uint32_t)wg_rng_below(&rng, step % 2 == 0 ? 2200 : 40));
            const uint64_t until = log.count - wg_rng_below(&rng, wg_min_u64(log.count - stored, 30));
            const wg_stripe *stripe = disk_store(&d, &log, stored, until);
            stored = until;
            if (wg_rng_below(&rng, 3) != 0) adopt_all(&log, stripe);
            if (step % 3 == 1) kit_check(&log, &rng);
            if (step % 4 == 2) { /* go on with what is on the disk */
                kit_log again;
                reopen(&d, &log, stored, NULL, &again);
                if (wg_rng_below(&rng, 2) == 0) kit_check_searches(&again, &rng, 20);
                kit_log_destroy(&log);
                log = again;
            }
        }
        kit_check(&log, &rng);
        kit_log again;
        reopen(&d, &log, stored, NULL, &again);
        kit_check(&again, &rng);
        kit_append(&again, &rng, 1500); /* a slot that was stored in part goes on */
        kit_check(&again, &rng);
        kit_log_destroy(&again);
        kit_log_destroy(&log);
        disk_close(&d);
    }
}

static void test_events_store_forks_go_on_in_the_middle_of_a_slot(void **state) {
    /* Goal: a fork whose base lies inside a slot is stored and opened with its own events alone. */
    (void)state;
    disk d;
    disk_open(&d);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(9));
    kit_log parent, fork, again;
    kit_log_create(&parent, d.epoch, &d.account, NULL, 0);
    kit_append(&parent, &rng, 1700);
    kit_log_create(&fork, d.epoch, &d.account, &parent, 1500);
    kit_append(&fork, &rng, 1300);
    const wg_stripe *stripe = disk_store(&d, &fork, 0, 2750);
    assert_int_equal(wg_stripe_fragment_count(stripe), 2);
    assert_int_equal(wg_stripe_fragment(stripe, 0)->head.row_count, 2048 - 1500);
    adopt_all(&fork, stripe);
    kit_check(&fork, &rng);
    reopen(&d, &fork, 2750, &parent, &again);
    kit_check(&again, &rng);
    kit_append(&again, &rng, 10);
    kit_check(&again, &rng);
    kit_log_destroy(&again);
    kit_log_destroy(&fork);
    kit_log_destroy(&parent);
    disk_close(&d);
}

static void test_events_store_is_incremental(void **state) {
    /* Goal: only slots with new events are written, the one that grew as a whole, and nothing when nothing is new. */
    (void)state;
    disk d;
    disk_open(&d);
    wg_rng rng;
    wg_rng_init(&rng, 2);
    kit_log log;
    kit_log_create(&log, d.epoch, &d.account, NULL, 0);
    kit_append(&log, &rng, 3000);
    assert_int_equal(wg_stripe_fragment_count(disk_store(&d, &log, 0, 3000)), 3);
    kit_append(&log, &rng, 100);
    const wg_stripe *second = disk_store(&d, &log, 3000, 3100);
    assert_int_equal(wg_stripe_fragment_count(second), 2);
    assert_int_equal(wg_stripe_fragment(second, 0)->head.key.slot, 2);
    assert_int_equal(wg_stripe_fragment(second, 0)->head.row_count, 1024);
    assert_int_equal(wg_stripe_fragment(second, 1)->head.row_count, 28);
    assert_null(disk_store(&d, &log, 3100, 3100));
    kit_log_destroy(&log);
    disk_close(&d);
}

/* Writes one fragment with these rows as the store would, but for what the case changes. */
static wg_stripe *forged(disk *d, uint64_t slot, uint64_t first, uint32_t rows, uint32_t leave_out,
                         uint64_t last_version) {
    static uint64_t numbers[WG_EVENTS_SLOT];
    static wg_str texts[WG_EVENTS_SLOT];
    for (uint32_t i = 0; i < WG_EVENTS_SLOT; i++) {
        numbers[i] = 1;
        texts[i] = (wg_str){"0123456789abcdef0123456789abcdef", 32};
    }
    const uint32_t ids[] = {WG_COLUMN_PAYLOAD, WG_COLUMN_VERSION,    WG_COLUMN_TIME,
                            WG_COLUMN_TYPE,    WG_COLUMN_VALUE_TYPE, WG_COLUMN_DIGEST};
    wg_stripe_column columns[6];
    uint32_t count = 0;
    for (uint32_t i = 0; i < 6; i++) {
        if (i == leave_out) continue;
        const bool text = i == 0 || i == 3 || i == 5;
        columns[count++] = (wg_stripe_column){
            ids[i], {.type = text ? WG_TYPE_BYTES : WG_TYPE_NODE, .data = text ? (void *)texts : (void *)numbers}};
    }
    wg_stripe_sink sink = disk_sink(d);
    const wg_fragment_head head = {.key = {.kind = WG_KIND_EVENTS, .owner = 5, .slot = slot},
                                   .version = 1,
                                   .row_count = rows,
                                   .attributes = {first, 1, last_version, 1, 1}};
    KIT_OK(wg_stripe_sink_add(&sink, &head, columns, count, err));
    KIT_OK(wg_stripe_sink_finish(&sink, err));
    KIT_OK(wg_stripe_open(d->platform, "/s", d->next_id, disk_uuid, NULL, &d->account, &d->stripes[d->count], err));
    d->next_id = sink.next_id;
    wg_stripe_sink_deinit(&sink);
    return d->stripes[d->count++];
}

static void test_events_adopt_refuses_what_does_not_fit(void **state) {
    /* Goal: a gap, a slot that begins elsewhere, a missing column and falling versions are WG_E_CORRUPT and leave the log empty. */
    (void)state;
    disk d;
    disk_open(&d);
    wg_events *log = NULL;
    KIT_OK(wg_events_create(d.epoch, &d.account, NULL, 0, &log, err));
    const wg_stripe *bad[] = {forged(&d, 1, 1024, 10, 9, 1), forged(&d, 0, 3, 10, 9, 1), forged(&d, 0, 0, 10, 4, 1),
                              forged(&d, 0, 0, 10, 9, 0), forged(&d, 0, 1000, 100, 9, 1)};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wg_error err = {0};
        assert_int_equal(wg_events_adopt(log, wg_stripe_fragment(bad[i], 0), &err), WG_E_CORRUPT);
        assert_true(err.message[0] != '\0');
        assert_int_equal(wg_events_count(log, WG_LOGSEQ_NEVER), 0);
    }
    KIT_OK(wg_events_adopt(log, wg_stripe_fragment(forged(&d, 0, 0, 10, 9, 1), 0), err));
    assert_int_equal(wg_events_count(log, WG_LOGSEQ_NEVER), 10);
    wg_events_report report;
    KIT_OK(wg_events_verify(log, 10, &report, err));
    assert_false(report.valid); /* its hashes are no chain */
    assert_int_equal(report.first_invalid, 0);
    wg_events_destroy(log);
    disk_close(&d);
}

static void test_events_verify_names_the_first_bad_event(void **state) {
    /* Goal: a changed time, version, payload byte, hash or type in memory is found, at the event where it is. */
    (void)state;
    for (uint32_t what = 0; what < 5; what++) {
        disk d;
        disk_open(&d);
        wg_rng rng;
        wg_rng_init(&rng, 77);
        kit_log log;
        kit_log_create(&log, d.epoch, &d.account, NULL, 0);
        kit_append(&log, &rng, 2000);
        uint64_t at = 1500;
        while (log.e[at].size == 0 || log.e[at].type == log.e[at - 1].type) at++;
        wg_sha256 hash;
        KIT_OK(wg_events_hash(log.events, 1999, &hash, err));
        wgi_block *block = wg_slots_get(&log.events->blocks, (uint32_t)(at / WG_EVENTS_SLOT));
        const uint64_t row = at - block->first;
        if (what == 0) atomic_store(&block->times[row], 0);
        if (what == 1) atomic_store(&block->versions[row], 0);
        if (what == 2) ((uint8_t *)(uintptr_t)block->payloads[row])[0] ^= 1;
        if (what == 3) ((wgi_digests *)wg_slots_get(&log.events->digests, 1))->rows[row].bytes[31] ^= 1;
        if (what == 4) block->types[row] = block->types[row - 1];
        wg_events_report report;
        KIT_OK(wg_events_verify(log.events, 2000, &report, err));
        assert_false(report.valid);
        assert_int_equal(report.first_invalid, at);
        assert_int_equal(report.length, at);
        assert_true(report.reason[0] != '\0');
        kit_log_destroy(&log);
        disk_close(&d);
    }
}

static void test_events_verify_checks_the_lists_by_type(void **state) {
    /* Goal: a posting that is gone is found even when no hash is known. */
    (void)state;
    disk d;
    disk_open(&d);
    wg_rng rng;
    wg_rng_init(&rng, 78);
    kit_log log;
    kit_log_create(&log, d.epoch, &d.account, NULL, 0);
    kit_append(&log, &rng, 3000);
    char name[16];
    wgi_type *type = wgi_events_types_find(&log.events->types, kit_type(0, name));
    atomic_store(&type->newest, atomic_load(&type->newest)->prev);
    wg_events_report report;
    KIT_OK(wg_events_verify(log.events, 3000, &report, err));
    assert_false(report.valid);
    assert_non_null(strstr(report.reason, "by type"));
    kit_log_destroy(&log);
    disk_close(&d);
}

static void test_events_store_refused_memory_changes_nothing(void **state) {
    /* Goal: whichever allocation fails in a store, an adoption, the first question for a type, or the thaw of a slot, the next try succeeds. */
    (void)state;
    disk d;
    disk_open(&d);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    kit_log log;
    kit_log_create(&log, d.epoch, &d.account, NULL, 0);
    kit_append(&log, &rng, 1300);
    for (uint64_t fail = 1;; fail++) {
        wg_stripe_sink sink = disk_sink(&d);
        wg_error err = {0};
        wg_memory_fail_at(fail, false);
        const wg_code code = wg_events_store(log.events, &sink, 5, 0, 1300, 1, &err);
        wg_memory_fail_at(0, false);
        wg_stripe_sink_abort(&sink);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    const wg_stripe *stripe = disk_store(&d, &log, 0, 1300);
    kit_log again;
    kit_log_create(&again, d.epoch, &d.account, NULL, 0);
    memcpy(again.e, log.e, 1300 * sizeof *again.e);
    again.count = 1300;
    for (uint32_t i = 0; i < 2; i++)
        for (uint64_t fail = 1;; fail++) {
            wg_error err = {0};
            wg_memory_fail_at(fail, false);
            const wg_code code = wg_events_adopt(again.events, wg_stripe_fragment(stripe, i), &err);
            wg_memory_fail_at(0, false);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
        }
    for (uint64_t fail = 1;; fail++) {
        wg_error err = {0};
        uint64_t got;
        wg_memory_fail_at(fail, false);
        const wg_code code = wg_events_next_of_type(again.events, wg_slice_str("type-1"), 0, 1300, false, &got, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    for (uint64_t fail = 1;; fail++) {
        wg_error err = {0};
        wg_memory_fail_at(fail, false);
        const wg_code code = wg_events_reserve(again.events, 16, KIT_PAYLOAD_MAX, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        kit_check_searches(&again, &rng, 2);
    }
    kit_append(&again, &rng, 50);
    kit_check(&again, &rng);
    kit_log_destroy(&again);
    kit_log_destroy(&log);
    disk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_store_checkpoints_and_reopens_agree_with_arrays),
        cmocka_unit_test(test_events_store_forks_go_on_in_the_middle_of_a_slot),
        cmocka_unit_test(test_events_store_is_incremental),
        cmocka_unit_test(test_events_adopt_refuses_what_does_not_fit),
        cmocka_unit_test(test_events_verify_names_the_first_bad_event),
        cmocka_unit_test(test_events_verify_checks_the_lists_by_type),
        cmocka_unit_test(test_events_store_refused_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
