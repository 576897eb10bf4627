/* Backup, restore and dump through the C API, on the real file system, beside a writer, checkpoints and compactions. */
#include "io/object_cache/parquet_kit.h"

#include <stdio.h>

static wg_db *open_at(const char *name, bool create) {
    const wg_options o = {.create = create, .threads = 1, .durability = WG_BUFFERED, .checkpoint_log_bytes = 65536};
    wg_db *db = NULL;
    KIT_OK(wg_open(kit_path(name), &o, &db, err));
    return db;
}

static wg_session *session_of(wg_db *db) {
    wg_session *s = NULL;
    KIT_OK(wg_session_open(db, &s, err));
    return s;
}

static void run(wg_session *s, const char *text) {
    wg_result *r = NULL;
    KIT_OK(wg_query(s, text, &r, err));
    wg_result_free(r);
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

/* ---- beside a writer */

enum { BACKUPS = 4, WRITES_A_BACKUP = 40, KEEPS_A_BACKUP = 2 };

typedef struct worker {
    wg_db *db;
    uint64_t rounds;
    wg_code code; /* of its thread */
    wg_error err;
} worker;

static void wrong(worker *w, wg_code code) {
    if (w->code == WG_OK) w->code = code;
}

/* Each commit adds a pair: every state has as many A as B. */
static void write_pairs(void *arg) {
    worker *w = arg;
    wg_session *s = NULL;
    wrong(w, wg_session_open(w->db, &s, &w->err));
    for (uint64_t i = 0; i < w->rounds && w->code == WG_OK; i++) {
        wg_result *r = NULL;
        wrong(w, wg_query(s, "UNWIND range(1, 20) AS i CREATE (:A {i: i, t: 'some text'})-[:R]->(:B {i: i})", &r,
                          &w->err));
        wg_result_free(r);
    }
    wg_session_close(s);
}

static void maintain(void *arg) {
    worker *w = arg;
    const wg_compact_options all = {.everything = true};
    for (uint64_t i = 0; i < w->rounds && w->code == WG_OK; i++) {
        wrong(w, wg_checkpoint(w->db, NULL, &w->err));
        if (w->code == WG_OK) wrong(w, wg_compact(w->db, &all, NULL, NULL, NULL, &w->err));
    }
}

static void check_copy(const char *name, uint64_t logseq) {
    wg_verify_report report;
    KIT_OK(wg_verify(kit_path(name), &report, err));
    assert_int_equal(report.last_logseq, logseq);
    assert_int_equal(report.nodes % 40, 0);
    assert_int_equal(report.edges, report.nodes / 2);
}

/* Goal: a backup that is taken while others write, checkpoint and compact is one of the states that the store had, each time. How much
 * the others do is given and not how long, and nothing is asserted while they run. */
static void test_backup_beside_writer_and_maintenance(void **state) {
    (void)state;
    kit_begin();
    wg_db *db = open_at("ws", true);
    uint64_t last = 0;
    for (int i = 0; i < BACKUPS; i++) {
        worker writer = {.db = db, .rounds = WRITES_A_BACKUP}, keeper = {.db = db, .rounds = KEEPS_A_BACKUP};
        wg_thread threads[2];
        wg_backup_info info = {0};
        wg_error failure = {0};
        const wg_code started = wg_thread_start(&threads[0], write_pairs, &writer, NULL);
        const wg_code kept = wg_thread_start(&threads[1], maintain, &keeper, NULL);
        const wg_code code = wg_backup(db, kit_path("copy"), NULL, NULL, &info, &failure);
        if (started == WG_OK) wg_thread_join(&threads[0]);
        if (kept == WG_OK) wg_thread_join(&threads[1]);
        assert_int_equal(started, WG_OK);
        assert_int_equal(kept, WG_OK);
        if (code != WG_OK) fail_msg("backup: %s", failure.message);
        if (writer.code != WG_OK) fail_msg("writer: %s", writer.err.message);
        if (keeper.code != WG_OK) fail_msg("keeper: %s", keeper.err.message);
        assert_true(info.logseq >= last);
        last = info.logseq;
        check_copy("copy", last);
    }
    KIT_OK(wg_close(db, err));
    KIT_OK(wg_restore(kit_path("copy"), kit_path("back"), NULL, NULL, NULL, err));
    check_copy("back", last);
    kit_end();
}

/* ---- one call at a time */

typedef struct counter {
    uint64_t calls, done, total, stop_after;
} counter;

static bool count_progress(void *ctx, uint64_t done, uint64_t total) {
    counter *c = ctx;
    c->calls++;
    assert_true(done >= c->done);
    assert_true(total >= done);
    c->done = done;
    c->total = total;
    return c->calls < c->stop_after;
}

/* Goal: a checkpoint that has just begun the log anew hides no commit from verify and backup: number and chain are those of the store. */
static void test_backup_of_a_log_begun_anew(void **state) {
    (void)state;
    kit_begin();
    wg_db *db = open_at("ws", true);
    wg_session *s = session_of(db);
    wg_snapshot *snapshot = NULL;
    wg_verify_report report;
    wg_backup_info info;
    char uri[80], seen[80] = "oz://snapshot/";
    run(s, "UNWIND range(1, 40000) AS i CREATE (:A {i: i, text: 'row ' + toString(i)})");
    KIT_OK(wg_checkpoint(db, NULL, err));
    KIT_OK(wg_backup(db, kit_path("copy"), NULL, NULL, &info, err));
    assert_int_equal(info.logseq, wg_db_logseq(db));
    KIT_OK(wg_snapshot_acquire(db, 0, &snapshot, err));
    wg_snapshot_uri(snapshot, uri);
    wg_snapshot_release(snapshot);
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    const char *const stores[] = {"ws", "copy"};
    for (int i = 0; i < 2; i++) {
        KIT_OK(wg_verify(kit_path(stores[i]), &report, err));
        assert_int_equal(report.last_logseq, info.logseq);
        assert_int_equal(report.checkpoint_logseq, info.logseq);
        for (int k = 0; k < 32; k++) (void)snprintf(seen + 14 + 2 * k, 3, "%02x", report.chain[k]);
        assert_string_equal(seen, uri);
    }
    kit_end();
}

/* Goal: a backup has every commit that was acknowledged before it began, also while a checkpoint in the background begins the log anew: a new segment is
 * synced before the log tells how far it is durable. */
static void test_backup_behind_a_large_commit(void **state) {
    (void)state;
    kit_begin();
    for (int i = 0; i < 25; i++) {
        char name[16], copy[16];
        (void)snprintf(name, sizeof name, "ws%d", i);
        (void)snprintf(copy, sizeof copy, "copy%d", i);
        wg_db *db = open_at(name, true);
        wg_session *s = session_of(db);
        wg_backup_info made;
        run(s, "UNWIND range(1, 40000) AS i CREATE (:A {i: i, text: 'row ' + toString(i)})");
        KIT_OK(wg_backup(db, kit_path(copy), NULL, NULL, &made, err));
        assert_int_equal(made.logseq, 1);
        wg_session_close(s);
        KIT_OK(wg_close(db, err));
    }
    kit_end();
}

/* Goal: progress rises to its total; a caller that has enough gets WG_E_CANCELLED and keeps the earlier backup. */
static void test_backup_progress_and_cancelling(void **state) {
    (void)state;
    kit_begin();
    wg_db *db = open_at("ws", true);
    wg_session *s = session_of(db);
    counter all = {.stop_after = UINT64_MAX}, few = {.stop_after = 1};
    run(s, "UNWIND range(1, 40000) AS i CREATE (:A {i: i, text: 'row ' + toString(i)})");
    wg_backup_info made;
    KIT_OK(wg_backup(db, kit_path("copy"), count_progress, &all, &made, err));
    assert_int_equal(made.logseq, 1);
    assert_true(all.calls > 0);
    assert_int_equal(all.done, all.total);
    run(s, "UNWIND range(1, 40000) AS i CREATE (:B {i: i, text: 'row ' + toString(i)})");
    KIT_OK(wg_checkpoint(db, NULL, err));
    assert_int_equal(wg_backup(db, kit_path("copy"), count_progress, &few, NULL, NULL), WG_E_CANCELLED);
    wg_verify_report report;
    KIT_OK(wg_verify(kit_path("copy"), &report, err));
    assert_int_equal(report.last_logseq, 1);
    few = (counter){.stop_after = 1};
    assert_int_equal(wg_restore(kit_path("copy"), kit_path("back"), count_progress, &few, NULL, NULL),
                     WG_E_CANCELLED);
    assert_int_equal(wg_verify(kit_path("back"), &report, NULL), WG_E_NOT_FOUND);
    KIT_OK(wg_restore(kit_path("copy"), kit_path("back"), NULL, NULL, NULL, err));
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    db = open_at("back", false);
    s = session_of(db);
    assert_int_equal(number(s, "MATCH (n:A) RETURN sum(n.i)"), 800020000);
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    kit_end();
}

/* Goal: whoever opens a backup for reading sees all of it, also what was committed last before it was taken, and changes nothing. */
static void test_backup_is_read_to_its_end(void **state) {
    (void)state;
    kit_begin();
    const wg_options reading = {.read_only = true};
    wg_db *db = open_at("ws", true), *copy = NULL;
    wg_session *s = session_of(db), *r;
    for (int64_t i = 1; i <= 4; i++) {
        run(s, "CREATE (:A)");
        if (i == 2) KIT_OK(wg_checkpoint(db, NULL, err));
        KIT_OK(wg_backup(db, kit_path("copy"), NULL, NULL, NULL, err));
        KIT_OK(wg_open(kit_path("copy"), &reading, &copy, err));
        r = session_of(copy);
        assert_int_equal(number(r, "MATCH (n:A) RETURN count(*)"), i);
        wg_session_close(r);
        KIT_OK(wg_close(copy, err));
    }
    KIT_OK(wg_restore(kit_path("copy"), kit_path("back"), NULL, NULL, NULL, err));
    KIT_OK(wg_open(kit_path("back"), &reading, &copy, err));
    r = session_of(copy);
    assert_int_equal(number(r, "MATCH (n:A) RETURN count(*)"), 4);
    wg_session_close(r);
    KIT_OK(wg_close(copy, err));
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    kit_end();
}

/* Goal: misuse is told, and a database without files has no backup. */
static void test_backup_misuse_is_typed(void **state) {
    (void)state;
    kit_begin();
    wg_db *db = NULL;
    KIT_OK(wg_open(NULL, NULL, &db, err));
    assert_int_equal(wg_backup(db, kit_path("copy"), NULL, NULL, NULL, NULL), WG_E_UNSUPPORTED);
    assert_int_equal(wg_backup(db, NULL, NULL, NULL, NULL, NULL), WG_E_MISUSE);
    assert_int_equal(wg_backup(NULL, kit_path("copy"), NULL, NULL, NULL, NULL), WG_E_MISUSE);
    assert_int_equal(wg_restore(NULL, kit_path("copy"), NULL, NULL, NULL, NULL), WG_E_MISUSE);
    KIT_OK(wg_close(db, err));
    db = open_at("ws", true);
    const wg_options reading = {.read_only = true};
    wg_db *reader = NULL;
    KIT_OK(wg_open(kit_path("ws"), &reading, &reader, err));
    assert_int_equal(wg_backup(reader, kit_path("copy"), NULL, NULL, NULL, NULL), WG_E_READ_ONLY);
    KIT_OK(wg_close(reader, err));
    KIT_OK(wg_close(db, err));
    kit_end();
}

/* ---- dump */

typedef struct text {
    char bytes[1 << 16];
    size_t size;
    bool stop;
} text;

static bool gather(void *ctx, const void *data, size_t size) {
    text *t = ctx;
    if (t->stop) return false;
    if (size > sizeof t->bytes - 1 - t->size) size = sizeof t->bytes - 1 - t->size;
    memcpy(t->bytes + t->size, data, size);
    t->size += size;
    t->bytes[t->size] = '\0';
    return true;
}

static const char *dump_of(text *t, const char *name, bool cells) {
    t->size = 0;
    t->bytes[0] = '\0';
    KIT_OK(wg_dump(kit_path(name), cells, gather, t, err));
    return t->bytes;
}

/* Goal: each kind of file is told by its content and shown; what is none is refused, and so is stopping. */
static void test_dump_tells_files_by_content(void **state) {
    (void)state;
    static text t;
    kit_begin();
    wg_db *db = open_at("ws", true);
    wg_session *s = session_of(db);
    run(s, "CREATE (:A {name: 'Ada'})");
    KIT_OK(wg_checkpoint(db, NULL, err));
    run(s, "CREATE (:A {name: 'Bo'})");
    wg_session_close(s);
    KIT_OK(wg_close(db, err));
    assert_non_null(strstr(dump_of(&t, "ws/wal/00000000000000000001.wal", false),
                           "{\"frame\":\"FULL\",\"offset\":128,\"logseq\":1,"));
    assert_non_null(strstr(t.bytes, "\"logseq\":2,"));
    assert_non_null(strstr(t.bytes, "\"frame\":\"MARK\""));
    assert_null(strstr(t.bytes, "\"sound\":false"));
    assert_non_null(strstr(t.bytes, "\"bytes_behind\":0}"));
    assert_null(strstr(dump_of(&t, "ws/stripes/00000000000000000001.arc1", false), "Ada\"]"));
    assert_non_null(strstr(dump_of(&t, "ws/stripes/00000000000000000001.arc1", true), "Ada"));
    assert_int_equal(strlen(dump_of(&t, "ws/CURRENT", false)), 21);
    t.stop = true;
    assert_int_equal(wg_dump(kit_path("ws/CURRENT"), false, gather, &t, NULL), WG_E_CANCELLED);
    assert_int_equal(wg_dump(kit_path("ws"), false, gather, &t, NULL), WG_E_MISUSE);
    assert_int_equal(wg_dump(kit_path("ws/LOCK"), false, gather, &t, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_dump(kit_path("ws/none"), false, gather, &t, NULL), WG_E_NOT_FOUND);
    assert_int_equal(wg_dump(NULL, false, gather, &t, NULL), WG_E_MISUSE);
    kit_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backup_beside_writer_and_maintenance),
        cmocka_unit_test(test_backup_of_a_log_begun_anew),
        cmocka_unit_test(test_backup_behind_a_large_commit),
        cmocka_unit_test(test_backup_progress_and_cancelling),
        cmocka_unit_test(test_backup_is_read_to_its_end),
        cmocka_unit_test(test_backup_misuse_is_typed),
        cmocka_unit_test(test_dump_tells_files_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
