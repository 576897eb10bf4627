/* Event logs through the public header, in every durability mode. */
#include "agents_kit.h"

#include <math.h>

typedef struct seen {
    uint64_t sequences[64];
    int64_t values[64];
    int count;
} seen;

static bool on_event(void *ctx, const wg_event_item *e) {
    seen *s = ctx;
    s->sequences[s->count] = e->sequence;
    s->values[s->count++] = e->payload.type == WG_TYPE_INT ? e->payload.as.i : -1;
    return s->count < 64;
}

static seen range(wg_run *run, const wg_event_range *r) {
    seen s = {.count = 0};
    KIT_OK(wg_eventlog_range(run, r, on_event, &s, err));
    return s;
}

static uint64_t length(wg_run *run) {
    uint64_t n = 0;
    KIT_OK(wg_eventlog_length(run, &n, err));
    return n;
}

/* Goal: sequences are dense from 0, an event is read back as it was, and behind the end there is none. */
static void test_events_append_and_read(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    assert_int_equal(length(run), 0);
    for (int i = 0; i < 5; i++) assert_int_equal(kit_append(run, i % 2 == 0 ? "even" : "odd", i), i);
    wg_event_item e;
    KIT_OK(wg_eventlog_read(run, 3, &e, err));
    assert_int_equal(e.sequence, 3);
    assert_int_equal(e.type_size, 3);
    assert_memory_equal(e.type, "odd", 3);
    assert_int_equal(e.payload.as.i, 3);
    assert_true(e.time_us > 1600000000000000u && e.version > 0);
    KIT_FAILS(WG_E_NOT_FOUND, wg_eventlog_read(run, 5, &e, err));
    assert_int_equal(length(run), 5);
    wg_run_close(run);
}

/* Goal: several events of one append are consecutive, payloads are checked, and a refused append leaves the log as it was. */
static void test_events_batches_and_refusals(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    const wg_event_write good[] = {{"a", kit_int(1)}, {"b", kit_text("two")}, {"a", kit_int(3)}};
    const wg_event_write bad[] = {{"a", kit_int(1)}, {"", kit_int(2)}};
    uint64_t first = 9;
    kit_append(run, "z", 0);
    KIT_OK(wg_eventlog_append_many(run, good, 3, &first, err));
    assert_int_equal(first, 1);
    KIT_FAILS(WG_E_VALUE, wg_eventlog_append_many(run, bad, 2, NULL, err));
    const wg_value nan = {.type = WG_TYPE_FLOAT, .as.f = (double)NAN};
    const wg_value list = {.type = WG_TYPE_LIST, .size = 1, .as.list = &nan};
    KIT_FAILS(WG_E_VALUE, wg_eventlog_append(run, "a", &nan, NULL, err));
    KIT_FAILS(WG_E_VALUE, wg_eventlog_append(run, "a", &list, NULL, err));
    char type[258];
    memset(type, 't', sizeof type);
    type[257] = '\0';
    KIT_FAILS(WG_E_VALUE, wg_eventlog_append(run, type, &good[0].payload, NULL, err));
    type[256] = '\0';
    KIT_OK(wg_eventlog_append(run, type, &good[0].payload, NULL, err));
    assert_int_equal(length(run), 5);
    wg_run_close(run);
}

/* Goal: ranges by sequence, type and time, in both directions and with limits, give what arrays would. */
static void test_events_ranges(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    for (int i = 0; i < 12; i++) kit_append(run, i % 3 == 0 ? "third" : "other", i);
    seen s = range(run, &(wg_event_range){.from = 4, .to = 7});
    assert_int_equal(s.count, 3);
    assert_int_equal(s.sequences[0], 4);
    s = range(run, &(wg_event_range){.type = "third"});
    assert_int_equal(s.count, 4);
    assert_int_equal(s.sequences[3], 9);
    s = range(run, &(wg_event_range){.type = "third", .reverse = true, .limit = 2});
    assert_int_equal(s.count, 2);
    assert_int_equal(s.sequences[0], 9);
    assert_int_equal(s.sequences[1], 6);
    s = range(run, &(wg_event_range){.reverse = true, .from = 2, .to = 5});
    assert_int_equal(s.count, 3);
    assert_int_equal(s.sequences[0], 4);
    assert_int_equal(s.sequences[2], 2);
    s = range(run, &(wg_event_range){.type = "none"});
    assert_int_equal(s.count, 0);
    wg_event_item e;
    KIT_OK(wg_eventlog_read(run, 6, &e, err));
    s = range(run, &(wg_event_range){.time_from_us = e.time_us});
    assert_true(s.count >= 6);
    s = range(run, &(wg_event_range){.time_to_us = e.time_us});
    for (int i = 0; i < s.count; i++) assert_true(s.sequences[i] < 6);
    s = range(run, &(wg_event_range){.time_from_us = UINT64_MAX});
    assert_int_equal(s.count, 0);
    wg_run_close(run);
}

static bool on_type(void *ctx, const char *type, size_t type_size, uint64_t count) {
    char *text = ctx;
    snprintf(text + strlen(text), 32, "%.*s=%d ", (int)type_size, type, (int)count);
    return true;
}

/* Goal: types are listed with their counts, the chain is whole, and its head changes with each event and stays for each place. */
static void test_events_types_and_chain(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    uint8_t empty[32];
    uint8_t second[32];
    uint8_t head[32];
    char types[128] = "";
    static const uint8_t zeros[32];
    KIT_OK(wg_eventlog_hash(run, UINT64_MAX, empty, err));
    assert_memory_equal(empty, zeros, 32);
    kit_append(run, "b", 1);
    kit_append(run, "a", 2);
    KIT_OK(wg_eventlog_hash(run, UINT64_MAX, second, err));
    for (int i = 0; i < 3000; i++) kit_append(run, i % 2 ? "a" : "b", i);
    KIT_OK(wg_eventlog_hash(run, 1, head, err));
    assert_memory_equal(head, second, 32);
    KIT_OK(wg_eventlog_hash(run, UINT64_MAX, head, err));
    assert_memory_not_equal(head, second, 32);
    KIT_OK(wg_eventlog_types(run, on_type, types, err));
    assert_string_equal(types, "b=1501 a=1501 ");
    wg_eventlog_report report;
    KIT_OK(wg_eventlog_verify(run, &report, err));
    assert_true(report.valid);
    assert_int_equal(report.length, 3002);
    assert_memory_equal(report.head, head, 32);
    wg_run_close(run);
}

static bool on_consumer(void *ctx, const char *consumer, uint64_t position) {
    char *text = ctx;
    snprintf(text + strlen(text), 32, "%s=%d ", consumer, (int)position);
    return true;
}

/* Goal: places of consumers are kept by name, are no keys of the user, and move with the transaction that moves them. */
static void test_events_consumers(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    uint64_t place = 9;
    KIT_OK(wg_consumer_get(run, "c1", &place, err));
    assert_int_equal(place, 0);
    KIT_OK(wg_consumer_set(run, "c1", 5, err));
    KIT_OK(wg_consumer_set(run, "c0", 2, err));
    KIT_OK(wg_run_begin(run, NULL, err));
    KIT_OK(wg_consumer_set(run, "c1", 6, err));
    KIT_OK(wg_consumer_get(run, "c1", &place, err));
    assert_int_equal(place, 6);
    wg_run_rollback(run);
    char text[128] = "";
    KIT_OK(wg_consumer_list(run, on_consumer, text, err));
    assert_string_equal(text, "c0=2 c1=5 ");
    KIT_OK(wg_consumer_remove(run, "c0", err));
    text[0] = '\0';
    KIT_OK(wg_consumer_list(run, on_consumer, text, err));
    assert_string_equal(text, "c1=5 ");
    wg_kv_cursor *cursor = NULL;
    wg_kv_row row;
    uint32_t n = 9;
    KIT_OK(wg_kv_scan(run, &(wg_kv_scan_options){.reverse = true}, &cursor, err));
    KIT_OK(wg_kv_cursor_next(cursor, &row, 1, &n, err));
    assert_int_equal(n, 0);
    wg_kv_cursor_close(cursor);
    KIT_FAILS(WG_E_VALUE, wg_consumer_set(run, "", 1, err));
    wg_run_close(run);
}

/* Goal: whoever waits for more events gets them when they are there, and the length when the time is up. */
static void test_events_wait(void **state) {
    (void)state;
    wg_run *run = kit_run("a");
    uint64_t n = 9;
    KIT_OK(wg_eventlog_wait(run, 0, 1, &n, err));
    assert_int_equal(n, 0);
    kit_append(run, "a", 1);
    KIT_OK(wg_eventlog_wait(run, 0, 10000, &n, err));
    assert_int_equal(n, 1);
    wg_run_close(run);
}

/* Goal: the log, its chain and its types are there again after closing and opening, and go on. */
static void test_events_survive_reopening(void **state) {
    (void)state;
    if (kit_mode == WG_IN_MEMORY) return;
    wg_run *run = kit_run("a");
    uint8_t before[32];
    uint8_t after[32];
    for (int i = 0; i < 2500; i++) kit_append(run, i % 2 ? "a" : "b", i);
    KIT_OK(wg_eventlog_hash(run, UINT64_MAX, before, err));
    wg_run_close(run);
    kit_close();
    kit_open();
    KIT_OK(wg_run_open(kit_session, "a", &run, err));
    assert_int_equal(length(run), 2500);
    KIT_OK(wg_eventlog_hash(run, UINT64_MAX, after, err));
    assert_memory_equal(before, after, 32);
    assert_int_equal(kit_append(run, "a", 1), 2500);
    assert_int_equal(range(run, &(wg_event_range){.type = "b", .from = 2490}).count, 5);
    wg_run_close(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_events_append_and_read),
        KIT_TEST(test_events_batches_and_refusals),
        KIT_TEST(test_events_ranges),
        KIT_TEST(test_events_types_and_chain),
        KIT_TEST(test_events_consumers),
        KIT_TEST(test_events_wait),
        KIT_TEST(test_events_survive_reopening),
    };
    return KIT_RUN_MODES(tests);
}
