/* What commits leave behind goes without a thread that looks for it: deletions of runs and of forks, replaced records, large values. */
#include "worldgraph/state/state_kit.h"

#include "base/core/test_seed.h"

static void open_in_memory(state_kit *kit) {
    const wg_state_options options = {.history_bytes_max = 2 << 20};
    kit_open(kit, false, &options);
}

static wg_state_run *fork_of(state_kit *kit, const wg_state_run *parent, uint32_t number) {
    wg_error err = {0};
    wg_state_run *fork = NULL;
    const wg_run_origin origin = {
        .number = number, .parent = wg_state_run_origin(parent)->number, .fork_version = wg_state_run_newest(parent)};
    assert_int_equal(wg_state_run_create(kit->state, &origin, &fork, &err), WG_OK);
    return fork;
}

static wg_state_metrics metrics_of(const state_kit *kit) {
    wg_state_metrics m;
    wg_state_metrics_get(kit->state, &m);
    return m;
}

static void churn(state_kit *kit, wg_state_run *run, const char *word, uint32_t keys) {
    char key[64];
    for (uint32_t i = 0; i < keys; i++) {
        (void)snprintf(key, sizeof key, "%s/%u", word, i);
        (void)kit_put(kit->session, run, key, "for a moment");
        (void)kit_delete(kit->session, run, key);
    }
}

/* Goal: keys that are made and deleted again, all different, take room for a few of them, in a run and in a fork; what lives beside them stays. */
static void test_deleted_keys_make_room_for_others(void **state) {
    (void)state;
    state_kit kit;
    char key[64];
    const uint32_t keys = wg_test_small() ? 20000 : 100000;
    open_in_memory(&kit);
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "stays/%u", i);
        (void)kit_put(kit.session, kit.run, key, "parent");
    }
    wg_state_run *fork = fork_of(&kit, kit.run, 2);
    for (uint32_t i = 0; i < 100; i += 2) {
        (void)snprintf(key, sizeof key, "stays/%u", i);
        (void)kit_delete(kit.session, fork, key);
    }
    for (int n = 0; n < 2; n++) {
        churn(&kit, kit.run, "of the run", keys);
        churn(&kit, fork, "of the fork", keys);
        const wg_state_metrics m = metrics_of(&kit);
        assert_true(m.keys < 4000);
        assert_true(m.segments < 100);
        assert_true(m.order_bytes < (1 << 20));
    }
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "stays/%u", i);
        kit_expect(kit.run, key, WG_LOGSEQ_NEVER, "parent");
        kit_expect(fork, key, WG_LOGSEQ_NEVER, i % 2 == 0 ? NULL : "parent");
    }
    kit_close(&kit);
}

/* Goal: a snapshot that is pinned goes on seeing what was there, whatever is deleted and purged behind it, and a fork of a fork what its parent
 * deleted. */
static void test_pins_and_forks_see_through_purges(void **state) {
    (void)state;
    state_kit kit;
    wg_error err = {0};
    wg_state_pin pin;
    open_in_memory(&kit);
    (void)kit_put(kit.session, kit.run, "a", "of the run");
    wg_state_run *fork = fork_of(&kit, kit.run, 2);
    (void)kit_put(kit.session, fork, "b", "of the fork");
    const uint64_t before = wg_state_run_newest(fork);
    assert_int_equal(wg_state_pin_acquire(kit.session, fork, before, &pin, &err), WG_OK);
    (void)kit_delete(kit.session, fork, "a");
    (void)kit_delete(kit.session, fork, "b");
    wg_state_run *second = fork_of(&kit, fork, 3);
    churn(&kit, fork, "behind", 20000);
    while (wg_state_collect(kit.state)) {}
    kit_expect(fork, "a", before, "of the run");
    kit_expect(fork, "b", before, "of the fork");
    kit_expect(second, "a", WG_LOGSEQ_NEVER, NULL);
    kit_expect(second, "b", WG_LOGSEQ_NEVER, NULL);
    (void)kit_put(kit.session, second, "b", "again");
    wg_state_pin_release(&pin);
    churn(&kit, fork, "further", 20000);
    while (wg_state_collect(kit.state)) {}
    kit_expect(fork, "a", WG_LOGSEQ_NEVER, NULL); /* its deletion hides the parent's and stays */
    kit_expect(fork, "b", WG_LOGSEQ_NEVER, NULL);
    kit_expect(second, "a", WG_LOGSEQ_NEVER, NULL);
    kit_expect(second, "b", WG_LOGSEQ_NEVER, "again");
    kit_expect(kit.run, "a", WG_LOGSEQ_NEVER, "of the run");
    kit_close(&kit);
}

/* Goal: overwriting for long takes what the bound of history says and no more, for small values and for large ones, and what pins kept goes when
 * they do. */
static void test_overwriting_for_long_takes_bounded_memory(void **state) {
    (void)state;
    enum { LARGE = 40000, KEYS = 500 };
    static char large[LARGE + 1];
    state_kit kit;
    wg_error err = {0};
    char key[32];
    uint64_t most = 0;
    const uint32_t rounds = wg_test_small() ? 40 : 200;
    memset(large, 'v', LARGE);
    open_in_memory(&kit);
    for (uint32_t round = 0; round < rounds; round++) {
        wg_state_pin pin;
        assert_int_equal(wg_state_pin_acquire(kit.session, kit.run, WG_LOGSEQ_NEVER, &pin, &err), WG_OK);
        for (uint32_t i = 0; i < KEYS; i++) {
            (void)snprintf(key, sizeof key, "k%u", i);
            (void)kit_put(kit.session, kit.run, key, i % 25 == 0 ? large : "short");
        }
        wg_state_pin_release(&pin);
        if (round == 20) most = wg_account_bytes(&kit.account);
    }
    assert_true(wg_account_bytes(&kit.account) < most + (3 << 20));
    const wg_state_metrics m = metrics_of(&kit);
    assert_true(m.history_bytes < (4 << 20));
    kit_close(&kit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deleted_keys_make_room_for_others),
        cmocka_unit_test(test_pins_and_forks_see_through_purges),
        cmocka_unit_test(test_overwriting_for_long_takes_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
