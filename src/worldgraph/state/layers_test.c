/* The layers of commits: built twice, as everything is (nothing is timed) and with WG_LAYER_TIMING (tests/CMakeLists.txt), where each layer counts. */
#include "worldgraph/state/state_kit.h"

static void work(state_kit *kit) {
    wg_error err = {0};
    const wg_state_value value = kit_value("value");
    for (uint32_t i = 0; i < 100; i++) {
        wg_state_txn *txn = NULL;
        wg_state_cell cell = {0};
        char key[32];
        (void)snprintf(key, sizeof key, "key/%u", i % 10);
        (void)kit_put(kit->session, kit->run, key, "single");
        const wg_state_key at = kit_key(kit->run, key);
        assert_int_equal(wg_state_begin(kit->session, kit->run, WG_STATE_SERIALIZABLE, i, &txn, &err), WG_OK);
        assert_int_equal(wg_state_txn_get(txn, &at, &cell, &err), WG_OK);
        assert_int_equal(wg_state_txn_put(txn, &at, &value, WG_VERSION_ANY, &err), WG_OK);
        assert_int_equal(wg_state_txn_append(txn, wg_slice_str("step"), &value, NULL, &err), WG_OK);
        assert_int_equal(wg_state_commit(txn, NULL, NULL, &err), WG_OK);
        wg_state_cell_deinit(&cell);
    }
    wg_sha256 digest;
    assert_int_equal(wg_events_hash(wg_state_run_events(kit->run), 99, &digest, &err), WG_OK);
}

/* Goal: with WG_LAYER_TIMING each layer counts calls and time; without it there is nothing, and that is said. */
static void test_layers_are_timed_when_built_in(void **state) {
    (void)state;
    state_kit kit;
    kit_open(&kit, true, NULL);
    work(&kit);
    for (int layer = 0; layer < WG_LAYER_COUNT; layer++) {
        uint64_t calls = 7;
        uint64_t ticks = 7;
        const bool timed = wg_layer_timing((wg_layer)layer, &calls, &ticks);
        assert_string_not_equal(wg_layer_name((wg_layer)layer), "unknown");
#ifdef WG_LAYER_TIMING
        assert_true(timed);
        assert_true(calls >= 100);
        assert_true(ticks != 0);
        print_message("%-22s %6llu calls, %6llu ticks a call\n", wg_layer_name((wg_layer)layer),
                      (unsigned long long)calls, (unsigned long long)(ticks / calls));
#else
        assert_false(timed);
        assert_int_equal(calls, 0);
        assert_int_equal(ticks, 0);
#endif
    }
    kit_close(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layers_are_timed_when_built_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
