/* Handles, values and keys below the public header. What programs see is tested in tests/agents. */
#include "primitives/agent/agent_kit.h"

#include "base/column/column.h"

/* Goal: what was encoded is decoded to the same value, and equal values have equal bytes: NaNs are one. */
static void test_agent_values_round_trip(void **state) {
    agent_kit *kit = *state;
    const wg_value inner[] = {wg_value_int(1), wg_value_str(wg_slice_str("two"))};
    const wg_value values[] = {wg_value_null(),
                               wg_value_bool(true),
                               wg_value_int(INT64_MIN),
                               wg_value_float(-0.0),
                               wg_value_float(1e300),
                               wg_value_str(wg_slice_str("")),
                               {.type = WG_TYPE_DATE, .as.i = -5},
                               {.type = WG_TYPE_LIST, .size = 2, .as.list = inner}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t small[8];
        wg_state_value stored;
        wg_value back;
        AGENT_OK(wg_agent_encode(&kit->run, &values[i], small, &stored, err));
        AGENT_OK(wg_agent_decode(&kit->run.arena, stored.type, stored.bytes, &back, err));
        assert_int_equal(back.type, values[i].type);
        if (values[i].type == WG_TYPE_FLOAT) assert_true(back.as.id == values[i].as.id);
        else assert_true(values[i].type == WG_TYPE_NULL || wg_value_equivalent(&back, &values[i]));
    }
    uint8_t a[8];
    uint8_t b[8];
    wg_state_value stored;
    wg_value nan = wg_value_float(0);
    nan.as.id = UINT64_C(0xfff8000000000001);
    AGENT_OK(wg_agent_encode(&kit->run, &nan, a, &stored, err));
    nan.as.id = UINT64_C(0x7ff8000000000000);
    AGENT_OK(wg_agent_encode(&kit->run, &nan, b, &stored, err));
    assert_memory_equal(a, b, 8);
}

/* Goal: stored bytes that do not fit their type are damage, whatever they are. */
static void test_agent_refuses_damaged_values(void **state) {
    agent_kit *kit = *state;
    static const uint8_t bytes[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        uint8_t type;
        size_t size;
    } wrong[] = {{WG_TYPE_NULL, 1},  {WG_TYPE_BOOL, 0}, {WG_TYPE_BOOL, 1}, {WG_TYPE_INT, 7},   {WG_TYPE_FLOAT, 9},
                 {WG_TYPE_LIST, 12}, {WG_TYPE_MAP, 3},  {WG_TYPE_NODE, 1}, {WG_TYPE_POINT, 8}, {200, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        wg_value v;
        assert_int_equal(wg_agent_decode(&kit->run.arena, wrong[i].type, wg_slice_of(bytes, wrong[i].size), &v, NULL),
                         WG_E_CORRUPT);
    }
}

/* Goal: keys have 1 to 1,024 bytes and do not begin as the system's do. */
static void test_agent_keys(void **state) {
    agent_kit *kit = *state;
    static char bytes[WG_KEY_BYTES_MAX + 1] = "\0wg.sys";
    wg_state_key key;
    assert_int_equal(wg_agent_key(&kit->run, bytes, 7, &key, NULL), WG_OK);
    assert_int_equal(wg_agent_key(&kit->run, bytes, 8, &key, NULL), WG_E_VALUE);
    assert_int_equal(wg_agent_key(&kit->run, bytes, 0, &key, NULL), WG_E_VALUE);
    assert_int_equal(wg_agent_key(&kit->run, NULL, 3, &key, NULL), WG_E_VALUE);
    bytes[0] = 'k';
    assert_int_equal(wg_agent_key(&kit->run, bytes, WG_KEY_BYTES_MAX, &key, NULL), WG_OK);
    assert_int_equal(wg_agent_key(&kit->run, bytes, WG_KEY_BYTES_MAX + 1, &key, NULL), WG_E_VALUE);
}

/* Goal: an override of durability needs a log, and a store without one says so. */
static void test_agent_modes(void **state) {
    const agent_kit *kit = *state;
    assert_int_equal(wg_agent_mode_check(kit->agent, WG_IN_MEMORY, NULL), WG_OK);
    assert_int_equal(wg_agent_mode_check(kit->agent, WG_STRICT, NULL), WG_E_MISUSE);
    assert_int_equal(wg_agent_mode_check(kit->agent, (wg_durability)9, NULL), WG_E_MISUSE);
}

/* Goal: a handle learns that its run was paused, resumed and deleted by somebody else. */
static void test_agent_handles_follow_their_run(void **state) {
    agent_kit *kit = *state;
    wg_agent_run other;
    uint32_t number = 0;
    AGENT_OK(wg_runs_find(kit->agent, wg_slice_str("r"), &number, err));
    AGENT_OK(wg_agent_run_init(&other, kit->agent, number, err));
    assert_int_equal(wg_agent_write(&kit->run, NULL), WG_OK);
    AGENT_OK(wg_runs_set_status(&other, WG_RUN_PAUSED, NULL, err));
    assert_int_equal(wg_agent_write(&kit->run, NULL), WG_E_READ_ONLY);
    assert_int_equal(wg_agent_read(&kit->run, NULL), WG_OK);
    AGENT_OK(wg_runs_set_status(&other, WG_RUN_ACTIVE, NULL, err));
    assert_int_equal(wg_agent_write(&kit->run, NULL), WG_OK);
    AGENT_OK(wg_runs_delete(kit->agent, wg_slice_str("r"), err));
    assert_int_equal(wg_agent_read(&kit->run, NULL), WG_E_NOT_FOUND);
    wg_agent_run_deinit(&other);
}

/* Goal: in memory alone, what says which version a run had at which commit stays within its bound; what goes is refused, not invented, and an open
 * transaction keeps what it may ask for. */
static void test_agent_notes_in_memory_are_bounded(void **state) {
    enum { DRAINS = 70000, BOUND = 65536, PINNED = 20 };
    agent_kit *kit = *state;
    const wg_state_key key = wg_state_key_of(kit->run.run, wg_slice_str("k"));
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_str("v")};
    uint64_t first = 0, logseq = 0, version = 0;
    wg_txn *txn = NULL;
    for (uint32_t i = 0; i < 2 * DRAINS; i++) {
        AGENT_OK(wg_state_put(kit->agent->session, kit->run.run, &key, &value, WG_VERSION_ANY, 1, NULL, err));
        AGENT_OK(wg_engine_state_drain(kit->engine, false, &logseq, err));
        if (i == 0) first = logseq;
        if (i == PINNED) AGENT_OK(wg_txn_begin(kit->engine, WG_TXN_READ, 0, &txn, err));
        if (i == DRAINS) {
            AGENT_OK(wg_agent_version_at(&kit->run, first + PINNED, &version, err)); /* the transaction has it */
            assert_int_equal(wg_agent_version_at(&kit->run, first, &version, NULL), WG_E_EXPIRED);
            wg_txn_abort(txn);
        }
    }
    assert_true(wg_state_run_note_count(kit->run.run) <= BOUND + 1);
    assert_int_equal(wg_agent_version_at(&kit->run, first + PINNED, &version, NULL), WG_E_EXPIRED);
    AGENT_OK(wg_agent_version_at(&kit->run, logseq, &version, err));
    assert_int_equal(version, wg_state_run_newest(kit->run.run));
    AGENT_OK(wg_engine_expire(kit->engine, logseq, err));
    assert_int_equal(wg_state_run_note_count(kit->run.run), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AGENT_TEST(test_agent_values_round_trip),
        AGENT_TEST(test_agent_refuses_damaged_values),
        AGENT_TEST(test_agent_keys),
        AGENT_TEST(test_agent_modes),
        AGENT_TEST(test_agent_handles_follow_their_run),
        AGENT_TEST(test_agent_notes_in_memory_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
