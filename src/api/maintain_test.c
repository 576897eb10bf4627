/* Checkpoints, expiry, measurements and readers of another handle through the C API, on the real file system. */
#include <sched.h>

#include "io/object_cache/parquet_kit.h"

#include <stdio.h>

static wg_db *open_at(const char *name, const wg_options *o) {
    wg_db *db = NULL;
    KIT_OK(wg_open(kit_path(name), o, &db, err));
    return db;
}

static wg_session *session_of(wg_db *db) {
    wg_session *s = NULL;
    KIT_OK(wg_session_open(db, &s, err));
    return s;
}

static wg_code try_run(wg_session *s, const char *text) {
    wg_result *r = NULL;
    const wg_code code = wg_query(s, text, &r, NULL);
    wg_result_free(r);
    return code;
}

static int64_t number(wg_session *s, const char *text) {
    wg_result *r = NULL;
    wg_value v;
    KIT_OK(wg_query(s, text, &r, err));
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    const int64_t n = v.as.i;
    wg_result_free(r);
    return n;
}

static const char count_all[] = "MATCH (n:N) RETURN count(*)";
static const char add_many[] =
    "UNWIND range(1, 500) AS i CREATE (:N {i: i, text: 'a text of some length, so that the log grows'})";

/* Goal: a read-only handle follows its writer through checkpoints that cut the log; what is open keeps its state; writes are refused. */
static void test_reader_follows_through_the_api(void **state) {
    (void)state;
    kit_begin();
    const wg_options writing = {.create = true, .threads = 1, .durability = WG_BUFFERED, .no_background = true};
    const wg_options reading = {.read_only = true, .threads = 1};
    wg_db *writer = open_at("followed", &writing);
    wg_session *w = session_of(writer);
    assert_int_equal(try_run(w, add_many), WG_OK);
    KIT_OK(wg_sync(writer, err));
    wg_db *reader = open_at("followed", &reading);
    wg_session *r = session_of(reader);
    wg_snapshot *first = NULL;
    KIT_OK(wg_snapshot_acquire(reader, 0, &first, err));
    assert_int_equal(number(r, count_all), 500);
    assert_int_equal(try_run(r, "CREATE (:N)"), WG_E_READ_ONLY);
    assert_int_equal(wg_checkpoint(reader, NULL, NULL), WG_E_READ_ONLY);
    wg_session *inside = session_of(reader);
    KIT_OK(wg_begin(inside, true, err));
    assert_int_equal(number(inside, count_all), 500);
    for (int round = 2; round <= 200; round++) { /* some mebibytes of log: its segments are trimmed unread */
        assert_int_equal(try_run(w, add_many), WG_OK);
        if (round % 50 == 0) KIT_OK(wg_checkpoint(writer, NULL, err));
    }
    KIT_OK(wg_sync(writer, err));
    const wg_compact_options everything = {.everything = true};
    KIT_OK(wg_compact(writer, &everything, NULL, NULL, NULL, err));
    assert_int_equal(number(r, count_all), 500); /* until it is refreshed */
    uint64_t logseq = 0;
    KIT_OK(wg_refresh(reader, &logseq, err));
    assert_int_equal(logseq, wg_db_logseq(writer));
    assert_int_equal(wg_db_logseq(reader), logseq);
    assert_int_equal(number(r, count_all), 100000);
    assert_int_equal(number(inside, count_all), 500);
    KIT_OK(wg_commit(inside, NULL, err));
    assert_int_equal(number(inside, count_all), 100000);
    KIT_OK(wg_session_use_snapshot(inside, first, err));
    assert_int_equal(number(inside, count_all), 500);
    KIT_OK(wg_session_use_snapshot(inside, NULL, err));
    wg_snapshot_release(first);
    wg_session_close(inside);
    wg_session_close(r);
    KIT_OK(wg_close(reader, err));
    wg_session_close(w);
    KIT_OK(wg_close(writer, err));
    kit_end();
}

/* Goal: expired snapshots are refused with both numbers, also after a reopening; one that is held can be read until it is let go. */
static void test_expired_snapshots_are_refused(void **state) {
    (void)state;
    kit_begin();
    const wg_options o = {.create = true, .threads = 1, .no_background = true};
    const wg_compact_options everything = {.everything = true};
    wg_db *db = open_at("expiry", &o);
    wg_session *s = session_of(db);
    wg_snapshot *held = NULL;
    for (int i = 0; i < 10; i++) assert_int_equal(try_run(s, "CREATE (:N {v: 1})"), WG_OK);
    KIT_OK(wg_snapshot_acquire(db, 3, &held, err));
    assert_int_equal(try_run(s, "MATCH (n:N) DELETE n"), WG_OK);
    KIT_OK(wg_checkpoint(db, NULL, err));
    KIT_OK(wg_expire(db, 11, err));
    KIT_OK(wg_compact(db, &everything, NULL, NULL, NULL, err));
    wg_error problem = {0};
    wg_snapshot *gone = NULL;
    assert_int_equal(wg_snapshot_acquire(db, 4, &gone, &problem), WG_E_EXPIRED);
    assert_non_null(strstr(problem.message, "snapshot 4 has expired: the oldest that is kept is 11"));
    assert_int_equal(try_run(s, "MATCH (n:N) AS OF 4 RETURN count(*)") == WG_OK, false);
    KIT_OK(wg_session_use_snapshot(s, held, err));
    assert_int_equal(number(s, count_all), 3);
    KIT_OK(wg_session_use_snapshot(s, NULL, err));
    assert_int_equal(number(s, count_all), 0);
    wg_snapshot_release(held);
    assert_int_equal(wg_expire(db, 1000, NULL), WG_E_EXPIRED);
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    db = open_at("expiry", &o);
    assert_int_equal(wg_snapshot_acquire(db, 4, &gone, NULL), WG_E_EXPIRED);
    KIT_OK(wg_snapshot_acquire(db, 11, &gone, err));
    wg_snapshot_release(gone);
    KIT_OK(wg_close(db, err));
    kit_end();
}

typedef struct seen {
    uint32_t count;
    double checkpoints;
    double rows;
} seen;

static bool on_stat(void *ctx, const wg_stat *stat) {
    seen *s = ctx;
    s->count++;
    if (strcmp(stat->name, "checkpoints_total") == 0) s->checkpoints = stat->value;
    if (strcmp(stat->name, "nodes") == 0) s->rows = stat->value;
    return true;
}

static seen stats_of(wg_db *db) {
    seen found = {0};
    KIT_OK(wg_db_stats(db, on_stat, &found, err));
    return found;
}

/* Goal: with a small limit the log is cut without anybody asking, and every row is there afterwards. */
static void test_checkpoints_come_by_themselves(void **state) {
    (void)state;
    kit_begin();
    for (int background = 0; background < 2; background++) {
        const char *name = background ? "by_thread" : "by_commit";
        const wg_options o = {.create = true,
                              .threads = 1,
                              .durability = WG_BUFFERED,
                              .no_background = background == 0,
                              .checkpoint_log_bytes = 1 << 16};
        wg_db *db = open_at(name, &o);
        wg_session *s = session_of(db);
        for (int i = 0; i < 60; i++) assert_int_equal(try_run(s, add_many), WG_OK);
        while (background == 1 && stats_of(db).checkpoints == 0) sched_yield(); /* before the end stops the thread */
        wg_session_close(s);
        KIT_OK(wg_close(db, err));
        wg_verify_report report;
        KIT_OK(wg_verify(kit_path(name), &report, err));
        assert_true(report.checkpoint_logseq > 0);
        assert_int_equal(report.nodes, 30000);
    }
    kit_end();
}

static bool stop_at_once(void *ctx, const wg_stat *stat) {
    (void)ctx;
    (void)stat;
    return false;
}

static bool on_text(void *ctx, const void *data, size_t size) { return wg_buf_append(ctx, data, size); }

/* Goal: measurements tell what happened, as values and as text; a caller may stop. */
static void test_stats_tell_what_happened(void **state) {
    (void)state;
    kit_begin();
    const wg_options o = {.create = true, .threads = 1, .no_background = true};
    wg_db *db = open_at("measured", &o);
    wg_session *s = session_of(db);
    assert_int_equal(try_run(s, add_many), WG_OK);
    KIT_OK(wg_checkpoint(db, NULL, err));
    KIT_OK(wg_checkpoint(db, NULL, err)); /* nothing to do */
    seen found = {0};
    KIT_OK(wg_db_stats(db, on_stat, &found, err));
    assert_true(found.count > 60);
    assert_true(found.checkpoints == 1.0);
    assert_true(found.rows == 500.0);
    assert_int_equal(wg_db_stats(db, stop_at_once, NULL, NULL), WG_E_CANCELLED);
    wg_buf text;
    wg_buf_init(&text, NULL);
    KIT_OK(wg_db_stats_prometheus(db, on_text, &text, err));
    assert_true(wg_buf_append_u8(&text, 0));
    assert_non_null(strstr((const char *)text.data, "worldgraph_checkpoints_total 1\n"));
    wg_buf_deinit(&text);
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    kit_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_follows_through_the_api),
        cmocka_unit_test(test_expired_snapshots_are_refused),
        cmocka_unit_test(test_checkpoints_come_by_themselves),
        cmocka_unit_test(test_stats_tell_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
