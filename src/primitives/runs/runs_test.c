/* Records, lineages and creation below the public header. What programs see is tested in tests/agents. */
#include "primitives/agent/agent_kit.h"
#include "primitives/runs/family.h"

#include "base/column/column.h"

/* Goal: a record comes back as it was, and one that lacks a field, or has one of another type, is damage. */
static void test_runs_records(void **state) {
    agent_kit *kit = *state;
    const wg_value tag = wg_value_str(wg_slice_str("t"));
    const wgi_run_record record = {.name = wg_slice_str("n"),
                                   .id = {1, 2, 3},
                                   .number = 7,
                                   .status = WG_RUN_FAILED,
                                   .parent = wg_slice_str("p"),
                                   .created_us = 5,
                                   .error = wg_slice_str("why"),
                                   .tags = &tag,
                                   .tag_count = 1,
                                   .metadata = {.type = WG_TYPE_MAP}};
    wg_value value;
    wgi_run_record back;
    AGENT_OK(wgi_run_record_value(&record, &kit->run.arena, &value, err));
    AGENT_OK(wgi_run_record_of(&value, &back, err));
    assert_int_equal(back.number, 7);
    assert_int_equal(back.status, WG_RUN_FAILED);
    assert_true(wg_slice_equal(back.error, record.error) && wg_slice_equal(back.parent, record.parent));
    assert_int_equal(back.tag_count, 1);
    for (uint32_t i = 0; i < value.size; i++) {
        wg_map_entry entries[13];
        memcpy(entries, value.as.map, sizeof entries);
        entries[i].value = (wg_value){.type = WG_TYPE_BOOL};
        const wg_value damaged = {.type = WG_TYPE_MAP, .size = value.size, .as.map = entries};
        assert_int_equal(wgi_run_record_of(&damaged, &back, NULL), WG_E_CORRUPT);
    }
    assert_int_equal(wgi_run_record_of(&tag, &back, NULL), WG_E_CORRUPT);
}

/* Goal: names are UTF-8 without control characters, of 1 to 256 bytes. */
static void test_runs_names(void **state) {
    (void)state;
    static char bytes[257];
    memset(bytes, 'n', sizeof bytes);
    assert_int_equal(wgi_run_name_check(wg_slice_of(bytes, 256), NULL), WG_OK);
    assert_int_equal(wgi_run_name_check(wg_slice_of(bytes, 257), NULL), WG_E_VALUE);
    assert_int_equal(wgi_run_name_check(wg_slice_str(""), NULL), WG_E_VALUE);
    assert_int_equal(wgi_run_name_check(wg_slice_str("a\tb"), NULL), WG_E_VALUE);
    assert_int_equal(wgi_run_name_check(wg_slice_of("\xff", 1), NULL), WG_E_VALUE);
    assert_int_equal(wgi_run_name_check(wg_slice_str("höy / 1"), NULL), WG_OK);
}

/* Goal: two runs meet in the nearest run that both come from, at the versions at which each left it. */
static void test_runs_lineages(void **state) {
    agent_kit *kit = *state;
    wg_arena arena;
    wgi_lineage a;
    wgi_lineage b;
    uint32_t fork = 0;
    uint32_t other = 0;
    uint32_t i = 9;
    uint32_t j = 9;
    wg_agent_run f;
    wg_agent_run o;
    wg_arena_init(&arena, NULL);
    AGENT_OK(wg_runs_fork(&kit->run, wg_slice_str("f"), 0, NULL, &fork, err));
    AGENT_OK(wg_agent_run_init(&f, kit->agent, fork, err));
    AGENT_OK(wg_runs_create(kit->agent, wg_slice_str("o"), NULL, &other, err));
    AGENT_OK(wg_agent_run_init(&o, kit->agent, other, err));
    AGENT_OK(wgi_lineage_of(&kit->run, 5, &arena, &a, err));
    AGENT_OK(wgi_lineage_of(&f, 0, &arena, &b, err));
    assert_int_equal(a.count, 1);
    assert_int_equal(b.count, 2);
    assert_true(wgi_lineage_meet(&a, &b, &i, &j));
    assert_int_equal(i, 0);
    assert_int_equal(j, 1);
    AGENT_OK(wgi_lineage_of(&o, 0, &arena, &b, err));
    assert_false(wgi_lineage_meet(&a, &b, &i, &j));
    wg_agent_run_deinit(&f);
    wg_agent_run_deinit(&o);
    wg_arena_deinit(&arena);
}

/* Goal: numbers are dense and never used twice, also after a deletion. */
static void test_runs_numbers(void **state) {
    agent_kit *kit = *state;
    uint32_t a = 0;
    uint32_t b = 0;
    AGENT_OK(wg_runs_create(kit->agent, wg_slice_str("x"), NULL, &a, err));
    AGENT_OK(wg_runs_delete(kit->agent, wg_slice_str("x"), err));
    AGENT_OK(wg_runs_create(kit->agent, wg_slice_str("x"), NULL, &b, err));
    assert_int_equal(b, a + 1);
    assert_int_equal(wg_state_run_count(kit->agent->state), b + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AGENT_TEST(test_runs_records),
        AGENT_TEST(test_runs_names),
        AGENT_TEST(test_runs_lineages),
        AGENT_TEST(test_runs_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
