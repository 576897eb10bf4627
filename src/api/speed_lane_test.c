/* The speed lane of a session: never another answer; ONLY refuses what cannot be in memory, and says so. */
#include "io/object_cache/parquet_kit.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 200000 };

static wg_db *open_with(uint64_t warm, bool create) {
    wg_error err = {0};
    wg_db *db = NULL;
    const wg_options o = {.create = create, .no_background = true, .budget = {.warm = warm}};
    if (wg_open(kit_path("lanes"), &o, &db, &err) != WG_OK) fail_msg("open: %s", err.message);
    return db;
}

static void run(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    if (wg_query(session, text, &result, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    wg_result_free(result);
}

static wg_code sum_in(wg_session *session, wg_speed_lane lane, int64_t *out, wg_error *err) {
    wg_result *result = NULL;
    wg_value v;
    assert_int_equal(wg_session_set_speed_lane(session, lane, err), WG_OK);
    const wg_code code = wg_query(session, "MATCH (p:P) RETURN sum(p.a) + sum(p.b)", &result, err);
    if (code == WG_OK) {
        assert_int_equal(wg_result_cell(result, 0, 0, &v, err), WG_OK);
        *out = v.as.i;
    }
    wg_result_free(result);
    return code;
}

static int make_workspace(void **state) {
    (void)state;
    wg_error err = {0};
    wg_session *session = NULL;
    char text[160];
    kit_begin();
    wg_db *db = open_with(0, true);
    assert_int_equal(wg_session_open(db, &session, &err), WG_OK);
    run(session, "CREATE NODE LABEL P (a INT, b INT)");
    snprintf(text, sizeof text, "UNWIND range(1, %d) AS i CREATE (:P {a: i * 7919 %% 1000003, b: i * i %% 999983})",
             ROWS);
    run(session, text);
    wg_session_close(session);
    assert_int_equal(wg_checkpoint(db, NULL, &err), WG_OK);
    assert_int_equal(wg_close(db, &err), WG_OK);
    return 0;
}

static int remove_workspace(void **state) {
    (void)state;
    kit_end();
    return 0;
}

/* Goal: every lane gives one answer while the budget has room, with and without a cap. */
static void test_lanes_agree_while_there_is_room(void **state) {
    (void)state;
    int64_t sums[6] = {0};
    for (int i = 0; i < 6; i++) {
        wg_error err = {0};
        wg_session *session = NULL;
        wg_db *db = open_with(i < 3 ? 0 : 64 << 20, false);
        assert_int_equal(wg_session_open(db, &session, &err), WG_OK);
        assert_int_equal(sum_in(session, (wg_speed_lane)(i % 3), &sums[i], &err), WG_OK);
        assert_int_equal(sums[i], sums[0]);
        wg_session_close(session);
        assert_int_equal(wg_close(db, &err), WG_OK);
    }
    assert_true(sums[0] > 0);
}

/* Goal: with no room for one block ONLY says BelowSpeedLane with what it wanted, and the session goes on. */
static void test_only_refuses_what_does_not_fit(void **state) {
    (void)state;
    wg_error err = {0};
    wg_session *session = NULL;
    int64_t sum = 0;
    wg_db *db = open_with(8192, false);
    assert_int_equal(wg_session_open(db, &session, &err), WG_OK);
    assert_int_equal(sum_in(session, WG_SPEED_LANE_ONLY, &sum, &err), WG_E_CAPACITY);
    assert_non_null(strstr(err.message, "BelowSpeedLane"));
    assert_int_equal(wg_session_set_speed_lane(session, (wg_speed_lane)7, &err), WG_E_MISUSE);
    run(session, "RETURN 1");
    wg_session_close(session);
    assert_int_equal(wg_close(db, &err), WG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_agree_while_there_is_room),
        cmocka_unit_test(test_only_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, make_workspace, remove_workspace);
}
