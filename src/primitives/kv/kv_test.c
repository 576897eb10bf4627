/* Key-values below the public header: what tests/agents does not see: allocations, versions of a run, batches that fail in the middle. */
#include "primitives/agent/agent_kit.h"
#include "primitives/kv/kv.h"

static wg_kv_key key_of(const char *s) { return (wg_kv_key){.data = s, .size = strlen(s)}; }

/* Goal: once warm, puts and gets of one key and of many call the allocator not once. */
static void test_kv_steady_state_allocates_nothing(void **state) {
    agent_kit *kit = *state;
    enum { KEYS = 512, ROUNDS = 20 };
    static char names[KEYS][16];
    const wg_value v = {.type = WG_TYPE_BYTES, .size = 100, .as.s = names[0]};
    uint64_t before = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS / 2) before = wg_memory_calls();
        for (int i = 0; i < KEYS; i++) {
            wg_kv_item item;
            memset(names[i], 'a' + i % 26, sizeof names[i]);
            wg_store_u32le(names[i], (uint32_t)i + 1);
            const wg_kv_key key = {.data = names[i], .size = sizeof names[i]};
            AGENT_OK(wg_keyvalue_put(&kit->run, key, &v, NULL, NULL, err));
            AGENT_OK(wg_keyvalue_get(&kit->run, key, &item, err));
            assert_true(item.found);
        }
    }
    assert_int_equal(wg_memory_calls(), before);
}

/* Goal: a version of the run shows the key as it was then. */
static void test_kv_versions_of_the_run(void **state) {
    agent_kit *kit = *state;
    uint64_t versions[3];
    for (int64_t i = 0; i < 3; i++) {
        const wg_value v = {.type = WG_TYPE_INT, .as.i = i};
        AGENT_OK(wg_keyvalue_put(&kit->run, key_of("k"), &v, NULL, &versions[i], err));
    }
    for (int64_t i = 0; i < 3; i++) {
        wg_kv_item item;
        AGENT_OK(wg_keyvalue_get_version(&kit->run, key_of("k"), versions[i], &item, err));
        assert_int_equal(item.value.as.i, i);
        assert_int_equal(item.version, versions[i]);
    }
}

/* Goal: a batch that is refused in the middle says where, and ends its own transaction but not the caller's. */
static void test_kv_batch_refusals(void **state) {
    agent_kit *kit = *state;
    const wg_value v = {.type = WG_TYPE_INT, .as.i = 1};
    const wg_kv_write writes[] = {{.op = WG_KV_PUT, .key = key_of("a"), .value = v},
                                  {.op = WG_KV_PUT, .key = {.data = "", .size = 0}, .value = v}};
    uint32_t failed = 9;
    assert_int_equal(wg_keyvalue_write_many(&kit->run, writes, 2, NULL, &failed, NULL), WG_E_VALUE);
    assert_int_equal(failed, 1);
    assert_null(kit->run.txn);
    wg_kv_item item;
    AGENT_OK(wg_keyvalue_get(&kit->run, key_of("a"), &item, err));
    assert_false(item.found);
    AGENT_OK(wg_agent_begin(&kit->run, false, kit->run.mode, err));
    assert_int_equal(wg_keyvalue_write_many(&kit->run, writes, 2, NULL, &failed, NULL), WG_E_VALUE);
    assert_non_null(kit->run.txn);
    wg_agent_rollback(&kit->run);
}

/* Goal: with memory_bytes_max runs are refused before they take more; what is there stays readable, and what is deleted makes room again. */
static void test_kv_memory_is_bounded(void **state) {
    (void)state;
    enum { VALUE = 256 << 10, KEYS = 1000 };
    static char value[VALUE];
    const wg_engine_options o = {.options = {.durability = WG_IN_MEMORY, .memory_bytes_max = UINT64_C(64) << 20}};
    agent_kit kit;
    AGENT_OK(wg_engine_open(NULL, &o, &kit.engine, err));
    AGENT_OK(wg_agent_open(kit.engine, &kit.agent, err));
    agent_kit_run(&kit, "r", &kit.run);
    memset(value, 'v', VALUE);
    const wg_value v = wg_value_str(wg_slice_of(value, VALUE));
    const wg_kv_put_options none = {0};
    uint32_t put = 0;
    wg_error refused = {0};
    wg_code code = WG_OK;
    for (; put < KEYS && code == WG_OK; put += code == WG_OK)
        code = wg_keyvalue_put(&kit.run, (wg_kv_key){&put, sizeof put}, &v, &none, NULL, &refused);
    assert_int_equal(code, WG_E_NOMEM);
    assert_true(put > 50 && put < 192); /* three quarters of the budget */
    for (uint32_t i = 0; i < put; i++) {
        wg_kv_item item;
        AGENT_OK(wg_keyvalue_get(&kit.run, (wg_kv_key){&i, sizeof i}, &item, err));
        assert_true(item.found && item.value.size == VALUE);
    }
    for (uint32_t i = 0; i < put; i++) {
        bool existed = false;
        AGENT_OK(wg_keyvalue_delete(&kit.run, (wg_kv_key){&i, sizeof i}, &existed, err));
        assert_true(existed);
    }
    AGENT_OK(wg_keyvalue_put(&kit.run, (wg_kv_key){&put, sizeof put}, &v, &none, NULL, err));
    wg_agent_run_deinit(&kit.run);
    wg_agent_close(kit.agent);
    AGENT_OK(wg_engine_close(kit.engine, err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AGENT_TEST(test_kv_steady_state_allocates_nothing),
        AGENT_TEST(test_kv_versions_of_the_run),
        AGENT_TEST(test_kv_batch_refusals),
        cmocka_unit_test(test_kv_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
