/* The catalog: numbers in order, names seen by logseq, rollback takes the newest back, and many names stay fast to find. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "worldgraph/catalog/catalog.h"

#define OK(call)                                                                   \
    do {                                                                           \
        wg_error err_ = {0};                                                       \
        wg_error *err = &err_;                                                     \
        const wg_code code_ = (call);                                              \
        if (code_ != WG_OK) fail_msg("%s: %s", wg_code_name(code_), err_.message); \
    } while (0)

static wg_catalog *make(void) {
    wg_catalog *c = NULL;
    OK(wg_catalog_create(NULL, &c, err));
    return c;
}

static uint32_t add_key(wg_catalog *c, const char *name) {
    uint32_t key = 0;
    OK(wg_catalog_add_key(c, wg_slice_str(name), 1, &key, err));
    return key;
}

static uint32_t add_label(wg_catalog *c, const char *name, bool is_edge, uint64_t begin) {
    const wg_label_def def = {.name = name, .is_edge = is_edge, .kind = WG_LABEL_OPEN};
    uint32_t number = 0;
    OK(wg_catalog_add_label(c, &def, begin, &number, err));
    return number;
}

static const wg_label *find(const wg_catalog *c, const char *name, bool is_edge, uint64_t snapshot) {
    return wg_catalog_label(c, (wg_view){.snapshot = snapshot}, wg_slice_str(name), is_edge);
}

/* Goal: keys get numbers in order, are found again by the thousand, and a rollback gives their numbers back. */
static void test_keys_are_numbered_and_taken_back(void **state) {
    (void)state;
    wg_catalog *c = make();
    char name[32];
    for (uint32_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "key%u", i);
        assert_int_equal(add_key(c, name), i);
    }
    uint32_t key = 0;
    wg_error err = {0};
    assert_int_equal(wg_catalog_add_key(c, wg_slice_str("key7"), 1, &key, &err), WG_E_EXISTS);
    wg_catalog_truncate_keys(c, 100);
    assert_int_equal(wg_catalog_key_count(c), 100);
    assert_int_equal(wg_catalog_key(c, wg_slice_str("key99")), 99);
    assert_int_equal(wg_catalog_key(c, wg_slice_str("key100")), WG_NO_KEY);
    assert_null(wg_catalog_key_name(c, 100));
    assert_int_equal(add_key(c, "other"), 100);
    assert_string_equal(wg_catalog_key_name(c, 100), "other");
    wg_catalog_destroy(c);
}

/* Goal: a name that was dropped and made again is two labels, each seen at its own snapshots; nodes and edges do not mix. */
static void test_labels_are_seen_by_logseq(void **state) {
    (void)state;
    wg_catalog *c = make();
    assert_int_equal(add_label(c, "A", false, 2), 0);
    assert_null(find(c, "A", false, 1));
    assert_null(find(c, "A", true, 2));
    wg_catalog_end_label(c, 0, 5);
    assert_int_equal(add_label(c, "A", false, 7), 1);
    assert_int_equal(add_label(c, "A", true, 7), 2);
    assert_int_equal(find(c, "A", false, 4)->number, 0);
    assert_null(find(c, "A", false, 5));
    assert_int_equal(find(c, "A", false, 8)->number, 1);
    assert_int_equal(find(c, "A", true, 8)->number, 2);
    wg_catalog_truncate_labels(c, 1);
    assert_null(find(c, "A", false, 8));
    wg_catalog_end_label(c, 0, WG_LOGSEQ_NEVER);
    assert_int_equal(find(c, "A", false, 8)->number, 0);
    assert_null(wg_catalog_label_at(c, 1));
    wg_catalog_destroy(c);
}

/* Goal: the nearest visible name within two edits is suggested, and none when all are far. */
static void test_suggestions_are_near_and_visible(void **state) {
    (void)state;
    wg_catalog *c = make();
    add_label(c, "Player", false, 1);
    add_label(c, "Layer", false, 9);
    const wg_view view = {.snapshot = 5};
    assert_string_equal(wg_catalog_suggest_label(c, view, wg_slice_str("Plyaer"), false), "Player");
    assert_string_equal(wg_catalog_suggest_label(c, view, wg_slice_str("layer"), false), "Player");
    assert_null(wg_catalog_suggest_label(c, view, wg_slice_str("Robot"), false));
    assert_null(wg_catalog_suggest_label(c, view, wg_slice_str("Player"), true));
    wg_catalog_destroy(c);
}

/* Goal: twenty thousand partitions are registered and found by label and path, and taken back in part. */
static void test_partitions_are_found_by_path(void **state) {
    (void)state;
    wg_catalog *c = make();
    add_label(c, "F", false, 1);
    add_label(c, "G", false, 1);
    char path[64];
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(path, sizeof path, "/data/%u.parquet", i / 2);
        const wg_partition p = {.label = i % 2, .path = path, .begin = 1, .row_count = i};
        uint32_t number = 0;
        OK(wg_catalog_add_partition(c, &p, &number, err));
        assert_int_equal(number, i);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(path, sizeof path, "/data/%u.parquet", i / 2);
        const wg_partition *p = wg_catalog_partition_of(c, i % 2, wg_slice_str(path));
        assert_non_null(p);
        assert_int_equal(p->row_count, i);
    }
    wg_catalog_truncate_partitions(c, 10);
    assert_null(wg_catalog_partition_of(c, 0, wg_slice_str("/data/5.parquet")));
    assert_non_null(wg_catalog_partition_of(c, 1, wg_slice_str("/data/4.parquet")));
    assert_null(wg_catalog_partition(c, 10));
    const wg_partition unknown = {.label = 2, .path = "/x"};
    uint32_t number = 0;
    wg_error err = {0};
    assert_int_equal(wg_catalog_add_partition(c, &unknown, &number, &err), WG_E_CORRUPT);
    wg_catalog_destroy(c);
}

/* Goal: when any allocation fails an addition is refused and the catalog is as it was. */
static void test_refused_memory_changes_nothing(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 12; n++) {
        wg_catalog *c = make();
        char name[32];
        for (uint32_t i = 0; i < 64; i++) {
            snprintf(name, sizeof name, "key%u", i);
            add_key(c, name);
            add_label(c, name, false, 1);
        }
        wg_memory_fail_at(n, true);
        uint32_t number = 0;
        wg_error err = {0};
        const wg_label_def def = {.name = "more", .kind = WG_LABEL_OPEN};
        const wg_code key_code = wg_catalog_add_key(c, wg_slice_str("more"), 1, &number, &err);
        const wg_code label_code = wg_catalog_add_label(c, &def, 1, &number, NULL);
        wg_memory_fail_at(0, false);
        assert_int_equal(wg_catalog_key_count(c), key_code == WG_OK ? 65 : 64);
        assert_int_equal(wg_catalog_label_count(c), label_code == WG_OK ? 65 : 64);
        assert_int_equal(wg_catalog_key(c, wg_slice_str("key63")), 63);
        assert_int_equal(find(c, "key63", false, 1)->number, 63);
        if (key_code != WG_OK) assert_int_equal(add_key(c, "more"), 64);
        assert_int_equal(wg_catalog_key(c, wg_slice_str("more")), 64);
        wg_catalog_destroy(c);
    }
}

/* Goal: what a transaction without a number made, altered and dropped is its own alone until its commit gives it one. */
static void test_own_definitions_get_a_number(void **state) {
    (void)state;
    wg_catalog *c = make();
    const wg_view own = {.snapshot = 3, .own = WG_LOGSEQ_OWN};
    const wg_label_def def = {.name = "A", .kind = WG_LABEL_OPEN};
    const uint32_t a = add_label(c, "A", false, 1);
    const uint32_t b = add_label(c, "B", false, 2);
    uint32_t key = 0;
    OK(wg_catalog_add_key(c, wg_slice_str("new"), WG_LOGSEQ_OWN, &key, err));
    const uint32_t n = add_label(c, "N", true, WG_LOGSEQ_OWN);
    OK(wg_catalog_alter_label(c, a, &def, WG_LOGSEQ_OWN, err));
    wg_catalog_end_label(c, b, WG_LOGSEQ_OWN);
    assert_null(find(c, "N", true, 100));
    assert_null(find(c, "A", false, 100)->older);
    assert_non_null(find(c, "B", false, 100));
    assert_non_null(wg_catalog_label(c, own, wg_slice_str("N"), true));
    assert_non_null(wg_catalog_label(c, own, wg_slice_str("A"), false)->older);
    assert_null(wg_catalog_label(c, own, wg_slice_str("B"), false));
    wg_catalog_stamp(c, 7);
    wg_catalog_end_label(c, b, 7);
    assert_int_equal(wg_catalog_key_begin(c, key), 7);
    assert_null(find(c, "N", true, 6));
    assert_int_equal(find(c, "N", true, 7)->number, n);
    assert_null(find(c, "A", false, 6)->older);
    assert_non_null(find(c, "A", false, 7)->older);
    assert_non_null(find(c, "B", false, 6));
    assert_null(find(c, "B", false, 7));
    wg_catalog_stamp(c, 8); /* nothing is left */
    assert_int_equal(wg_catalog_key_begin(c, key), 7);
    wg_catalog_destroy(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_numbered_and_taken_back), cmocka_unit_test(test_labels_are_seen_by_logseq),
        cmocka_unit_test(test_suggestions_are_near_and_visible), cmocka_unit_test(test_partitions_are_found_by_path),
        cmocka_unit_test(test_refused_memory_changes_nothing),   cmocka_unit_test(test_own_definitions_get_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
