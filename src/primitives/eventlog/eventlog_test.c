/* The event log below the public header: what tests/agents does not see: allocations, what lives until the next call, damaged places. */
#include "primitives/agent/agent_kit.h"
#include "primitives/eventlog/eventlog.h"

/* Goal: once warm, an append calls the allocator only for new blocks of events: less than once in a hundred. */
static void test_eventlog_appends_without_allocating(void **state) {
    agent_kit *kit = *state;
    const wg_event_write event = {.type = "seen", .payload = {.type = WG_TYPE_INT, .as.i = 1}};
    for (int i = 0; i < 5000; i++) AGENT_OK(wg_log_append(&kit->run, &event, 1, NULL, err));
    const uint64_t before = wg_memory_calls();
    for (int i = 0; i < 5000; i++) AGENT_OK(wg_log_append(&kit->run, &event, 1, NULL, err));
    assert_true(wg_memory_calls() - before < 50);
}

/* Goal: an event that was read stays whole while others are appended. */
static void test_eventlog_what_was_read_lives_on(void **state) {
    agent_kit *kit = *state;
    wg_event_item item;
    const wg_event_write event = {.type = "first", .payload = {.type = WG_TYPE_STRING, .size = 5, .as.s = "hello"}};
    wg_agent_run other;
    uint32_t number = 0;
    AGENT_OK(wg_log_append(&kit->run, &event, 1, NULL, err));
    AGENT_OK(wg_log_read(&kit->run, 0, &item, err));
    AGENT_OK(wg_runs_find(kit->agent, wg_slice_str("r"), &number, err));
    AGENT_OK(wg_agent_run_init(&other, kit->agent, number, err));
    for (int i = 0; i < 3000; i++) AGENT_OK(wg_log_append(&other, &event, 1, NULL, err));
    wg_agent_run_deinit(&other);
    assert_memory_equal(item.type, "first", 5);
    assert_memory_equal(item.payload.as.s, "hello", 5);
}

/* Goal: a place that is none, under the key of a consumer, is damage and no position. */
static void test_eventlog_damaged_place(void **state) {
    agent_kit *kit = *state;
    static const uint8_t bytes[] = WG_AGENT_SYSTEM_PREFIX "\0cx";
    const wg_state_key key = wg_state_key_of(kit->run.run, wg_slice_of(bytes, sizeof bytes - 1));
    const wg_state_value text = {.type = WG_TYPE_STRING, .bytes = wg_slice_str("five")};
    uint64_t place = 0;
    AGENT_OK(wg_state_put(kit->agent->session, kit->run.run, &key, &text, WG_VERSION_ANY, 1, NULL, err));
    assert_int_equal(wg_log_consumer_get(&kit->run, wg_slice_str("x"), &place, NULL), WG_E_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AGENT_TEST(test_eventlog_appends_without_allocating),
        AGENT_TEST(test_eventlog_what_was_read_lives_on),
        AGENT_TEST(test_eventlog_damaged_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
