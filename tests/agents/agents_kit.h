/* For tests only: a database in one of the durability modes, opened through the public header, and short forms of its calls. Each suite runs once a
 * mode: what can be observed must be the same. */
#ifndef WG_TESTS_AGENTS_KIT_H
#define WG_TESTS_AGENTS_KIT_H

#include <string.h>

#include "io/object_cache/parquet_kit.h"

#include <worldgraph.h>

static wg_durability kit_mode;
static wg_db *kit_db;
static wg_session *kit_session;

static inline void kit_open(void) {
    const wg_options o = {.create = true, .threads = 1, .durability = kit_mode};
    KIT_OK(wg_open(kit_mode == WG_IN_MEMORY ? NULL : kit_path("ws"), &o, &kit_db, err));
    KIT_OK(wg_session_open(kit_db, &kit_session, err));
}

static inline void kit_close(void) {
    wg_session_close(kit_session);
    KIT_OK(wg_close(kit_db, err));
}

static inline int kit_setup(void **state) {
    (void)state;
    kit_begin();
    kit_open();
    return 0;
}

static inline int kit_teardown(void **state) {
    (void)state;
    kit_close();
    kit_end();
    return 0;
}

static inline wg_run *kit_run(const char *name) {
    wg_run *run = NULL;
    const wg_run_options o = {.if_not_exists = true};
    KIT_OK(wg_run_create(kit_session, name, &o, &run, err));
    return run;
}

static inline wg_value kit_int(int64_t i) { return (wg_value){.type = WG_TYPE_INT, .as.i = i}; }
static inline wg_value kit_text(const char *s) {
    return (wg_value){.type = WG_TYPE_STRING, .size = (uint32_t)strlen(s), .as.s = s};
}

static inline uint64_t kit_put(wg_run *run, const char *key, int64_t value) {
    const wg_value v = kit_int(value);
    uint64_t version = 0;
    KIT_OK(wg_kv_put(run, key, strlen(key), &v, &version, err));
    return version;
}

static inline wg_kv_item kit_get(wg_run *run, const char *key) {
    wg_kv_item item;
    KIT_OK(wg_kv_get(run, key, strlen(key), &item, err));
    return item;
}

static inline void kit_expect(wg_run *run, const char *key, int64_t value) {
    const wg_kv_item item = kit_get(run, key);
    if (!item.found) fail_msg("key '%s' is not there", key);
    assert_int_equal(item.value.type, WG_TYPE_INT);
    assert_int_equal(item.value.as.i, value);
}

static inline void kit_expect_none(wg_run *run, const char *key) { assert_false(kit_get(run, key).found); }

static inline bool kit_delete(wg_run *run, const char *key) {
    bool existed = false;
    KIT_OK(wg_kv_delete(run, key, strlen(key), &existed, err));
    return existed;
}

static inline uint64_t kit_append(wg_run *run, const char *type, int64_t value) {
    const wg_value v = kit_int(value);
    uint64_t sequence = UINT64_MAX;
    KIT_OK(wg_eventlog_append(run, type, &v, &sequence, err));
    return sequence;
}

static inline void kit_query(const char *text) {
    wg_result *r = NULL;
    KIT_OK(wg_query(kit_session, text, &r, err));
    wg_result_free(r);
}

static inline int64_t kit_number(const char *text) {
    wg_result *r = NULL;
    wg_value v;
    KIT_OK(wg_query(kit_session, text, &r, err));
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    const int64_t n = v.as.i;
    wg_result_free(r);
    return n;
}

/* Runs the group once in each mode; returns how many tests failed. */
static inline int kit_run_modes(const struct CMUnitTest *tests, size_t count) {
    static const struct {
        wg_durability mode;
        const char *name;
    } modes[] = {{WG_IN_MEMORY, "in memory"}, {WG_BUFFERED, "buffered"}, {WG_STRICT, "strict"}};
    int failed = 0;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        kit_mode = modes[i].mode;
        failed += _cmocka_run_group_tests(modes[i].name, tests, count, NULL, NULL);
    }
    return failed;
}
#define KIT_RUN_MODES(tests) kit_run_modes(tests, sizeof(tests) / sizeof(tests)[0])
#define KIT_TEST(f)          cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

#endif
