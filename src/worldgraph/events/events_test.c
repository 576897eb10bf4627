/* The event log in memory: what was appended is read, found by time, version and type, and chained, across forks; room and refusals. */
#include "worldgraph/events/events_kit.h"

typedef struct env {
    wg_account account;
    wg_epoch *epoch;
} env;

static void env_open(env *v) {
    wg_account_init(&v->account, NULL, 0);
    KIT_OK(wg_epoch_create(&v->account, &v->epoch, err));
}

static void env_close(env *v) {
    wg_epoch_destroy(v->epoch);
    assert_int_equal(wg_account_bytes(&v->account), 0); /* nothing leaks */
}

static void test_events_empty_log_has_nothing(void **state) {
    /* Goal: every question about an empty log has its empty answer. */
    (void)state;
    env v;
    env_open(&v);
    kit_log log;
    kit_log_create(&log, v.epoch, &v.account, NULL, 0);
    wg_rng rng;
    wg_rng_init(&rng, 1);
    kit_check(&log, &rng);
    kit_log_destroy(&log);
    env_close(&v);
}

static void test_events_random_work_agrees_with_arrays(void **state) {
    /* Goal: appends, hashing and forks of forks give at every moment what plain arrays give. */
    (void)state;
    for (uint64_t seed = wg_test_seed(100), end = seed + 6; seed < end; seed++) {
        env v;
        env_open(&v);
        wg_rng rng;
        wg_rng_init(&rng, seed);
        enum { LOGS = 5 };
        kit_log logs[LOGS];
        uint32_t count = 1;
        kit_log_create(&logs[0], v.epoch, &v.account, NULL, 0);
        for (uint32_t step = 0; step < 60; step++) {
            kit_log *log = &logs[wg_rng_below(&rng, count)];
            const uint64_t what = wg_rng_below(&rng, 10);
            if (what < 6 && log->count + 900 < KIT_EVENTS_MAX)
                kit_append(log, &rng, 1 + (uint32_t)wg_rng_below(&rng, what < 3 ? 20 : 800));
            else if (what == 6 && count < LOGS) {
                kit_log_create(&logs[count], v.epoch, &v.account, log, wg_rng_below(&rng, log->count + 1));
                count++;
            } else if (what == 8 && log->count != 0) {
                wg_sha256 hash;
                KIT_OK(wg_events_hash(log->events, wg_rng_below(&rng, log->count), &hash, err));
            } else if (step % 3 == 0) {
                kit_check_searches(log, &rng, 10);
            }
        }
        for (uint32_t i = 0; i < count; i++) kit_check(&logs[i], &rng);
        while (count > 0) kit_log_destroy(&logs[--count]);
        env_close(&v);
    }
}

static void test_events_times_never_fall(void **state) {
    /* Goal: a clock that steps back raises the event's time to the last one's, behind a fork too. */
    (void)state;
    env v;
    env_open(&v);
    kit_log log, fork;
    kit_log_create(&log, v.epoch, &v.account, NULL, 0);
    KIT_OK(wg_events_reserve(log.events, 1, 0, err));
    (void)wg_events_append(log.events, &(wg_event){.version = 1, .time_us = 50, .type = wg_slice_str("t")});
    KIT_OK(wg_events_reserve(log.events, 1, 0, err));
    (void)wg_events_append(log.events, &(wg_event){.version = 2, .time_us = 40, .type = wg_slice_str("t")});
    KIT_OK(wg_events_create(v.epoch, &v.account, log.events, 2, &fork.events, err));
    KIT_OK(wg_events_reserve(fork.events, 1, 0, err));
    (void)wg_events_append(fork.events, &(wg_event){.version = 3, .time_us = 10, .type = wg_slice_str("t")});
    for (uint64_t i = 0; i < 3; i++) {
        wg_event e;
        KIT_OK(wg_events_read(fork.events, i, &e, err));
        assert_int_equal(e.time_us, 50);
    }
    wg_events_destroy(fork.events);
    kit_log_destroy(&log);
    env_close(&v);
}

static void test_events_without_an_account_fill_huge_pages(void **state) {
    /* Goal: a log that nobody charges grows beyond what huge pages begin at, is read, and is freed. */
    (void)state;
    enum { COUNT = 90000 };
    static uint8_t payload[100];
    wg_epoch *epoch;
    wg_events *log;
    KIT_OK(wg_epoch_create(NULL, &epoch, err));
    KIT_OK(wg_events_create(epoch, NULL, NULL, 0, &log, err));
    wg_pages *pages = wg_pages_create(wg_platform_real(), NULL);
    assert_non_null(pages);
    wg_events_use_pages(log, pages);
    for (uint32_t i = 0; i < COUNT; i++) {
        KIT_OK(wg_events_reserve(log, 1, sizeof payload, err));
        wg_store_u32le(payload, i);
        const wg_event e = {
            .version = i + 1, .type = wg_slice_str("t"), .payload = wg_slice_of(payload, sizeof payload)};
        (void)wg_events_append(log, &e);
    }
    for (uint32_t i = 0; i < COUNT; i += 997) {
        wg_event e;
        KIT_OK(wg_events_read(log, i, &e, err));
        assert_int_equal(wg_load_u32le(e.payload.data), i);
    }
    wg_events_destroy(log);
    wg_pages_close(pages);
    wg_epoch_destroy(epoch);
}

static void test_events_large_payloads_and_names_are_kept(void **state) {
    /* Goal: payloads above a chunk, empty ones, and the longest and the shortest type names come back as they were. */
    (void)state;
    env v;
    env_open(&v);
    wg_events *log = NULL;
    KIT_OK(wg_events_create(v.epoch, &v.account, NULL, 0, &log, err));
    static uint8_t big[1 << 20];
    static uint8_t name[WG_EVENT_TYPE_BYTES_MAX];
    for (size_t i = 0; i < sizeof big; i++) big[i] = (uint8_t)(i * 7);
    memset(name, 'n', sizeof name);
    for (uint32_t i = 0; i < 40; i++) {
        const wg_slice type = wg_slice_of(name, i % 2 == 0 ? sizeof name : 1);
        const wg_slice payload = wg_slice_of(big, i % 3 == 0 ? 0 : i % 3 == 1 ? sizeof big / (i + 1) : 3);
        KIT_OK(wg_events_reserve(log, type.size, payload.size, err));
        assert_int_equal(wg_events_append(log, &(wg_event){.version = i, .type = type, .payload = payload}), i);
    }
    for (uint32_t i = 0; i < 40; i++) {
        wg_event e;
        KIT_OK(wg_events_read(log, i, &e, err));
        assert_int_equal(e.type.size, i % 2 == 0 ? sizeof name : 1);
        assert_int_equal(e.payload.size, i % 3 == 0 ? 0 : i % 3 == 1 ? sizeof big / (i + 1) : 3);
        assert_true(e.payload.size == 0 || memcmp(e.payload.data, big, e.payload.size) == 0);
    }
    wg_events_destroy(log);
    env_close(&v);
}

static void test_events_refused_memory_changes_nothing(void **state) {
    /* Goal: whichever allocation fails in reserve or hash, the log stays as it was and the next try succeeds. */
    (void)state;
    env v;
    env_open(&v);
    kit_log log;
    kit_log_create(&log, v.epoch, &v.account, NULL, 0);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    uint32_t refused = 0;
    for (uint32_t step = 0; step < 40; step++) {
        const uint32_t n = 1 + (uint32_t)wg_rng_below(&rng, step % 4 == 0 ? 2500 : 30);
        if (log.count + n >= KIT_EVENTS_MAX) break;
        for (uint64_t fail = 1;; fail++) {
            wg_error err = {0};
            wg_memory_fail_at(fail, false);
            const wg_code code = wg_events_reserve_many(log.events, n, n * 16, n * (size_t)KIT_PAYLOAD_MAX, &err);
            wg_memory_fail_at(0, false);
            assert_int_equal(wg_events_count(log.events, WG_LOGSEQ_NEVER), log.count);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
            refused++;
        }
        const uint64_t calls = wg_memory_calls();
        char name[16];
        for (uint32_t i = 0; i < n; i++) {
            const kit_event e = kit_random(&log, &rng);
            (void)kit_type(e.type, name);
            kit_put(&log, &e);
        }
        assert_int_equal(wg_memory_calls(), calls); /* an append allocates nothing */
        for (uint64_t fail = 1;; fail++) {
            wg_sha256 hash;
            wg_error err = {0};
            wg_memory_fail_at(fail, false);
            const wg_code code = wg_events_hash(log.events, log.count - 1, &hash, &err);
            wg_memory_fail_at(0, false);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
        }
    }
    assert_true(refused >= 10); /* blocks, chunks, lists: several a round */
    kit_check(&log, &rng);
    kit_log_destroy(&log);
    env_close(&v);
}

static void test_events_of_a_long_log_append_without_allocating(void **state) {
    /* Goal: a log that has come to huge pages asks the allocator for nothing but lists of types, one chunk in a thousand, and pages that it gave back are
     * taken again. */
    (void)state;
    env v;
    env_open(&v);
    wg_pages *pages = wg_pages_create(wg_platform_real(), &v.account);
    assert_non_null(pages);
    uint64_t calls = 0, peak = 0;
    for (uint32_t round = 0; round < 3; round++) {
        wg_events *log = NULL;
        KIT_OK(wg_events_create(v.epoch, &v.account, NULL, 0, &log, err));
        wg_events_use_pages(log, pages);
        for (uint32_t i = 0; i < 160000; i++) {
            const uint64_t before = wg_memory_calls();
            KIT_OK(wg_events_reserve(log, 4, 32, err));
            (void)wg_events_append(log, &(wg_event){.version = i,
                                                    .type = wg_slice_str("tool"),
                                                    .payload = wg_slice_of("0123456789abcdef0123456789abcdef", 32)});
            if (i >= 70000) calls += wg_memory_calls() - before;
        }
        wg_events_destroy(log);
        wg_epoch_collect(v.epoch);
        if (round == 0) peak = wg_account_bytes(&v.account);
        assert_true(peak >= 2 * WG_HUGE_PAGE_BYTES && wg_account_bytes(&v.account) <= peak);
    }
    assert_true(calls <= 3 * 25); /* chunks of the slots' own table, and of postings */
    const uint64_t kept = wg_account_bytes(&v.account);
    wg_pages_decay(pages, WG_PAGES_STEP_NS); /* pages were taken since the last one */
    assert_int_equal(wg_account_bytes(&v.account), kept);
    wg_pages_decay(pages, 2 * WG_PAGES_STEP_NS - 1); /* too soon */
    assert_int_equal(wg_account_bytes(&v.account), kept);
    wg_pages_decay(pages, 2 * WG_PAGES_STEP_NS);
    assert_int_equal(wg_account_bytes(&v.account), kept - WG_HUGE_PAGE_BYTES);
    wg_pages_close(pages);
    env_close(&v);
}

static void test_events_hash_of_the_documented_example(void **state) {
    /* Goal: the example of docs/format/events.md, byte for byte. */
    (void)state;
    env v;
    env_open(&v);
    wg_events *log = NULL;
    KIT_OK(wg_events_create(v.epoch, &v.account, NULL, 0, &log, err));
    uint8_t payload[8];
    wg_store_u64le(payload, 1);
    KIT_OK(wg_events_reserve(log, 10, 8, err));
    (void)wg_events_append(log, &(wg_event){.version = 1,
                                            .time_us = 1000000,
                                            .type = wg_slice_str("test_event"),
                                            .value_type = WG_TYPE_INT,
                                            .payload = wg_slice_of(payload, 8)});
    wg_sha256 hash;
    char hex[65];
    KIT_OK(wg_events_hash(log, 0, &hash, err));
    wg_sha256_hex(&hash, hex);
    assert_string_equal(hex, "b04afbb63370c576c14e8ad261b9558ec3dbe674037fa3e8a26d1b6ced6709ec");
    wg_events_destroy(log);
    env_close(&v);
}

static void test_events_many_types_are_listed_in_order_of_use(void **state) {
    /* Goal: a type for each event is found again, and a stop of the walk is heeded. */
    (void)state;
    env v;
    env_open(&v);
    wg_events *log = NULL;
    KIT_OK(wg_events_create(v.epoch, &v.account, NULL, 0, &log, err));
    char name[16];
    for (uint32_t i = 0; i < 5000; i++) {
        const wg_slice type = kit_type(i, name);
        KIT_OK(wg_events_reserve(log, type.size, 0, err));
        (void)wg_events_append(log, &(wg_event){.version = i, .type = type});
    }
    for (uint32_t i = 0; i < 5000; i += 13) {
        uint64_t got;
        KIT_OK(wg_events_next_of_type(log, kit_type(i, name), 0, 5000, false, &got, err));
        assert_int_equal(got, i);
        KIT_OK(wg_events_next_of_type(log, kit_type(i, name), i + 1, 5000, false, &got, err));
        assert_int_equal(got, UINT64_MAX);
    }
    wg_events_report report;
    KIT_OK(wg_events_verify(log, 5000, &report, err));
    assert_true(report.valid);
    wg_events_destroy(log);
    env_close(&v);
}

static void test_events_deep_forks_share_one_chain(void **state) {
    /* Goal: a fork of a fork of ... hashes as one log with the same events would, and an empty fork is passed over. */
    (void)state;
    env v;
    env_open(&v);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(8));
    enum { DEPTH = 200 };
    static wg_events *logs[DEPTH];
    kit_log plain;
    kit_log_create(&plain, v.epoch, &v.account, NULL, 0);
    for (uint32_t i = 0; i < DEPTH; i++) {
        KIT_OK(wg_events_create(v.epoch, &v.account, i == 0 ? NULL : logs[i - 1], plain.count, &logs[i], err));
        if (i % 3 == 2) continue;
        const kit_event e = kit_random(&plain, &rng);
        KIT_OK(wg_events_reserve(plain.events, 16, KIT_PAYLOAD_MAX, err));
        kit_put(&plain, &e);
        kit_log shadow = {.events = logs[i], .base = plain.count - 1, .count = plain.count - 1, .e = plain.e};
        KIT_OK(wg_events_reserve(logs[i], 16, KIT_PAYLOAD_MAX, err));
        kit_put(&shadow, &e);
    }
    kit_log all = {.events = logs[DEPTH - 1], .base = plain.count, .count = plain.count, .e = plain.e};
    kit_check(&all, &rng);
    for (uint32_t i = DEPTH; i-- > 0;) wg_events_destroy(logs[i]);
    kit_log_destroy(&plain);
    env_close(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_empty_log_has_nothing),
        cmocka_unit_test(test_events_random_work_agrees_with_arrays),
        cmocka_unit_test(test_events_times_never_fall),
        cmocka_unit_test(test_events_without_an_account_fill_huge_pages),
        cmocka_unit_test(test_events_large_payloads_and_names_are_kept),
        cmocka_unit_test(test_events_refused_memory_changes_nothing),
        cmocka_unit_test(test_events_of_a_long_log_append_without_allocating),
        cmocka_unit_test(test_events_hash_of_the_documented_example),
        cmocka_unit_test(test_events_many_types_are_listed_in_order_of_use),
        cmocka_unit_test(test_events_deep_forks_share_one_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
