/* Backups and restores at their edges: paths near the limit, strange neighbours, sources that are cut or change meanwhile, targets that hold
 * something else, calls that are cancelled. Whatever is refused, the workspace and the earlier backup are as they were. */
#include "engine/test_workspace.h"

static wrap_platform wrap;

static wg_code restore(wg_platform *p, const char *from, const char *to, wg_error *err) {
    const wg_restore_request request = {.from = from, .to = to};
    return wg_engine_restore(p, &request, NULL, err);
}

static void expect_verified(wg_platform *p, const char *path) {
    wg_verify_report report;
    MODEL_OK(wg_engine_verify(p, path, &report, err));
    assert_int_equal(report.last_logseq, ws_logseq);
}

static void put(wg_platform *p, const char *path, const char *content) {
    wg_file *file = NULL;
    MODEL_OK(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, err));
    MODEL_OK(p->ops->write_at(p, file, 0, content, strlen(content), err));
    p->ops->close(p, file);
}

static bool exists(wg_platform *p, const char *path) {
    wg_file_info info;
    return p->ops->stat(p, path, &info, NULL) == WG_OK;
}

/* Goal: a workspace, a backup and a restore whose paths are near the limit work or are WG_E_LIMIT: no file gets a name that was cut. */
static void test_copies_of_long_paths(void **state) {
    (void)state;
    static char dir[WRAP_PATH_BYTES];
    uint32_t worked = 0;
    uint32_t refused = 0;
    for (size_t size = 4030; size < 4112; size++) {
        wg_platform *disk = ws_copy();
        wg_platform *p = wrap_begin(&wrap, disk);
        wg_error seen = {0};
        wg_engine *e = ws_open(p);
        wg_verify_report report;
        wrap_long_path(dir, size);
        const wg_code backed = wg_engine_backup(e, dir, NULL, NULL, NULL, &seen);
        if (backed != WG_OK && backed != WG_E_LIMIT) fail_msg("%s", seen.message);
        MODEL_OK(wg_engine_close(e, err));
        if (backed == WG_OK) MODEL_OK(wg_engine_verify(p, dir, &report, err));
        else assert_true(wg_engine_verify(p, dir, &report, NULL) != WG_OK);
        dir[1] = 'M';
        const wg_code restored = restore(p, "/ws", dir, NULL);
        assert_true(restored == WG_OK || restored == WG_E_LIMIT);
        if (restored == WG_OK) MODEL_OK(wg_engine_verify(p, dir, &report, err));
        assert_true(restored == WG_E_LIMIT || restore(p, dir, "/again", NULL) == WG_OK);
        expect_verified(p, "/ws");
        worked += backed == WG_OK;
        refused += restored == WG_E_LIMIT;
        wg_platform_sim_destroy(disk);
    }
    if (worked == 0 || refused == 0) fail_msg("%u worked, %u were refused", worked, refused);
}

/* Goal: what is no backup is named: the root, an empty directory, a manifest without a log, a log without its first segment. */
static void test_restore_from_no_backup(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_error seen = {0};
    wg_buf text = {0};
    uint64_t epoch = 0;
    wgi_manifest m = {0};
    char path[80];
    assert_int_equal(restore(p, "/", "/to", &seen), WG_E_NOT_FOUND);
    assert_int_equal(restore(p, "/ws/wal", "/to", NULL), WG_E_NOT_FOUND);
    ws_manifest_text(p, &epoch, &text);
    MODEL_OK(p->ops->make_directory(p, "/bare", err));
    MODEL_OK(p->ops->make_directory(p, "/bare/manifest", err));
    MODEL_OK(wg_manifest_commit(p, "/bare", epoch, wg_buf_slice(&text), err));
    wg_error_clear(&seen);
    assert_int_equal(restore(p, "/bare", "/to", &seen), WG_E_CORRUPT);
    assert_non_null(strstr(seen.message, "no log segment"));
    assert_false(exists(p, "/to/CURRENT"));
    MODEL_OK(wgi_manifest_read(p, "/ws", &m, err));
    snprintf(path, sizeof path, "/ws/wal/%020llu.wal", (unsigned long long)m.checkpoint.wal_segment);
    MODEL_OK(p->ops->rename(p, path, "/aside", err));
    assert_int_equal(restore(p, "/ws", "/to", NULL), WG_E_CORRUPT);
    MODEL_OK(p->ops->rename(p, "/aside", path, err));
    MODEL_OK(p->ops->unlink(p, "/ws/wal/HEAD", err)); /* a hint alone: a source without it is as good */
    MODEL_OK(restore(p, "/ws", "/to", err));
    expect_verified(p, "/to");
    wg_buf_deinit(&text);
    wg_buf_deinit(&m.stripes);
    wg_platform_sim_destroy(p);
}

/* Goal: a workspace that somebody writes is not restored from, a directory that holds something is not restored into, and nothing of either
 * changes. */
static void test_restore_minds_others(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_error seen = {0};
    wg_engine *e = ws_open(p);
    assert_int_equal(restore(p, "/ws", "/to", &seen), WG_E_BUSY);
    MODEL_OK(wg_engine_close(e, err));
    static const char *const files[] = {"/to/letter", "/to/wal/x", "/to/stripes/x", "/to/manifest/x"};
    static const char *const directories[] = {"/to", "/to/wal", "/to/stripes", "/to/manifest"};
    for (size_t i = 0; i < 4; i++) {
        const wg_code made = p->ops->make_directory(p, directories[i], NULL);
        assert_true(made == WG_OK || made == WG_E_EXISTS);
        put(p, files[i], "mine");
        assert_int_equal(restore(p, "/ws", "/to", NULL), WG_E_EXISTS);
        assert_true(exists(p, files[i]));
        MODEL_OK(p->ops->unlink(p, files[i], err));
    }
    MODEL_OK(restore(p, "/ws", "/to", err));
    expect_verified(p, "/to");
    wg_platform_sim_destroy(p);
}

/* Goal: names in a backup directory that are almost those of segments are neither taken nor removed. */
static void test_backup_leaves_strange_names(void **state) {
    (void)state;
    static const char *const names[] = {
        "/b/wal/0000000000000000000x.wal",      "/b/wal/0000000000000000000-.wal",

        "/b/wal/00000000000000000001.wax",      "/b/stripes/0000000000000000000x.arc1",
        "/b/stripes/18446744073709551616.arc1", "/b/stripes/99999999999999999999.arc1"};
    wg_platform *p = ws_copy();
    wg_engine *e = ws_open(p);
    MODEL_OK(wg_engine_backup(e, "/b", NULL, NULL, NULL, err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) put(p, names[i], "strange");
    MODEL_OK(p->ops->make_directory(p, "/b/wal/00000000000000000077.wal", err));
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    MODEL_OK(wg_engine_backup(e, "/b/", NULL, NULL, NULL, err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_true(exists(p, names[i]));
    assert_true(exists(p, "/b/wal/00000000000000000077.wal"));
    MODEL_OK(wg_engine_close(e, err));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) MODEL_OK(p->ops->unlink(p, names[i], err));
    expect_verified(p, "/b");
    wg_platform_sim_destroy(p);
}

/* Goal: files that are shorter or longer than the manifest and the system say are refused while they are copied, and leave nothing. */
static void test_copies_of_cut_files(void **state) {
    (void)state;
    static const struct {
        const char *part;
        size_t short_by;
        uint64_t larger_by;
    } rows[] = {{".arc1", 1, 0}, {".wal", 5, 0}, {".arc1", 0, 512}, {"HEAD", 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wg_platform *disk = ws_copy();
        wg_platform *p = wrap_begin(&wrap, disk);
        wg_error seen = {0};
        wrap_rule(&wrap, WRAP_NONE, rows[i].part, WG_OK);
        wrap.short_by = rows[i].short_by;
        wrap.larger_by = rows[i].larger_by;
        assert_int_equal(restore(p, "/ws", "/to", &seen), WG_E_CORRUPT);
        assert_true(seen.message[0] != '\0');
        wrap_clear(&wrap);
        MODEL_OK(restore(p, "/ws", "/to", err)); /* nothing was left there */
        expect_verified(p, "/to");
        wg_platform_sim_destroy(disk);
    }
}

/* Goal: a segment under the name of another is refused by backup and restore. */
static void test_copies_of_swapped_segments(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wgi_manifest m = {0};
    char first[80];
    char second[80];
    MODEL_OK(wgi_manifest_read(p, "/ws", &m, err));
    snprintf(first, sizeof first, "/ws/wal/%020llu.wal", (unsigned long long)m.checkpoint.wal_segment);
    snprintf(second, sizeof second, "/ws/wal/%020llu.wal", (unsigned long long)m.checkpoint.wal_segment + 1);
    wg_engine *e = ws_open(p);
    if (exists(p, second)) { /* two segments: the first lies under both names */
        wg_file *from = NULL;
        wg_file *to = NULL;
        static uint8_t bytes[1 << 16];
        size_t n = 0;
        MODEL_OK(p->ops->open(p, second, WG_OPEN_READ, &from, err));
        MODEL_OK(p->ops->open(p, first, WG_OPEN_WRITE, &to, err));
        MODEL_OK(p->ops->read_at(p, from, 0, bytes, sizeof bytes, &n, err));
        MODEL_OK(p->ops->write_at(p, to, 0, bytes, n, err));
        p->ops->close(p, from);
        p->ops->close(p, to);
        assert_int_equal(wg_engine_backup(e, "/b", NULL, NULL, NULL, NULL), WG_E_CORRUPT);
        assert_false(exists(p, "/b/CURRENT"));
    }
    (void)wg_engine_close(e, NULL);
    wg_buf_deinit(&m.stripes);
    wg_platform_sim_destroy(p);
}

static uint32_t changes_left;
static uint32_t opened;

/* Behind every second look at CURRENT its epoch has gone on. */
static void change_manifest(wrap_platform *w, wrap_call call, const char *path) {
    if (call != WRAP_OPEN || strstr(path, "CURRENT") == NULL || changes_left == 0 || ++opened % 2 != 0) return;
    wg_buf text = {0};
    uint64_t epoch = 0;
    changes_left--;
    ws_manifest_text(w->inner, &epoch, &text);
    ws_manifest_put(w->inner, epoch, &text);
    wg_buf_deinit(&text);
}

/* Goal: a source whose manifest changes between two looks is looked at again; one that never comes to rest is WG_E_BUSY. */
static void test_restore_of_a_changing_manifest(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        wg_platform *disk = ws_copy();
        wg_platform *p = wrap_begin(&wrap, disk);
        wg_error seen = {0};
        changes_left = round == 0 ? 3 : 100000;
        opened = 0;
        wrap.before = change_manifest;
        const wg_code code = restore(p, "/ws", "/to", &seen);
        wrap.before = NULL;
        if (code != (round == 0 ? WG_OK : WG_E_BUSY)) fail_msg("%s", seen.message);
        if (round == 0) expect_verified(p, "/to");
        else assert_non_null(strstr(seen.message, "all the time"));
        wg_platform_sim_destroy(disk);
    }
}

typedef struct stopper {
    uint64_t calls;
    uint64_t stop_at;
} stopper;

static bool stop_at(void *ctx, uint64_t done, uint64_t total) {
    stopper *s = ctx;
    assert_true(done <= total);
    return ++s->calls != s->stop_at;
}

/* Goal: a backup that is cancelled at any report is WG_E_CANCELLED, the one before stays whole, and the next one comes through; so with a
 * restore, which leaves no workspace. */
static void test_copies_are_cancelled_anywhere(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_engine *e = ws_open(p);
    wg_error seen = {0};
    MODEL_OK(wg_engine_backup(e, "/b", NULL, NULL, NULL, err));
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    wg_code code = WG_E_CANCELLED;
    uint64_t cancelled = 0;
    for (uint64_t n = 1; code == WG_E_CANCELLED; n++, cancelled++) {
        stopper s = {.stop_at = n};
        wg_error_clear(&seen);
        code = wg_engine_backup(e, "/b", stop_at, &s, NULL, &seen);
        if (code != WG_OK && code != WG_E_CANCELLED) fail_msg("%s", seen.message);
        expect_verified(p, "/b");
    }
    assert_true(cancelled > 2);
    for (uint64_t n = 1; n < 3; n++) { /* all is there already: the reports are of what is kept */
        stopper s = {.stop_at = n};
        assert_int_equal(wg_engine_backup(e, "/b", stop_at, &s, NULL, NULL), WG_E_CANCELLED);
        expect_verified(p, "/b");
    }
    MODEL_OK(wg_engine_close(e, err));
    code = WG_E_CANCELLED;
    for (uint64_t n = 1; code == WG_E_CANCELLED; n++) {
        stopper s = {.stop_at = n};
        const wg_restore_request request = {.from = "/b", .to = "/to", .progress = stop_at, .ctx = &s};
        code = wg_engine_restore(p, &request, NULL, NULL);
        assert_true(code == WG_E_CANCELLED || code == WG_OK);
        assert_int_equal(exists(p, "/to/CURRENT"), code == WG_OK);
    }
    expect_verified(p, "/to");
    wg_platform_sim_destroy(p);
}

static void flip(wg_platform *p, const char *path, uint64_t offset) {
    wg_file *file = NULL;
    uint8_t byte = 0;
    size_t n = 0;
    MODEL_OK(p->ops->open(p, path, WG_OPEN_WRITE, &file, err));
    MODEL_OK(p->ops->read_at(p, file, offset, &byte, 1, &n, err));
    byte ^= 1;
    MODEL_OK(p->ops->write_at(p, file, offset, &byte, 1, err));
    p->ops->close(p, file);
}

static void body_large(world *w, wg_txn *txn) {
    static char large[6000];
    uint32_t label = 0;
    uint64_t id = 0;
    wg_property property = {.value = wg_value_null()};
    (void)w;
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("Large"), false, &label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("t"), &property.key, err));
    for (uint32_t i = 0; i < 40; i++) {
        for (size_t k = 0; k < sizeof large; k++) large[k] = (char)('a' + (k * 31 + i * 7 + k / 97) % 26);
        snprintf(large, 8, "%07u", i);
        property.value = wg_value_str(wg_slice_of(large, sizeof large));
        MODEL_OK(wg_txn_create_node(txn, &label, 1, &property, 1, &id, err));
    }
}

/* Goal: a large stripe that is there already is known by its two ends and not copied; one that differs there and that the earlier backup
 * names is not replaced; one that no manifest names is. */
static void test_backup_of_large_stripes(void **state) {
    (void)state;
    static const char stripe[] = "/b/stripes/00000000000000000003.arc1";
    wg_platform *disk = ws_copy();
    wg_platform *p = wrap_begin(&wrap, disk);
    world w = {.engine = ws_open(p)};
    wg_backup_info info;
    wg_error seen = {0};
    ws_commit(&w, body_large);
    MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
    MODEL_OK(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, err));
    wg_file_info file;
    MODEL_OK(p->ops->stat(p, stripe, &file, err));
    assert_true(file.size > 3 << 16);
    MODEL_OK(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, err));
    assert_true(info.files_kept >= 3 && info.bytes_kept > file.size);
    const uint64_t places[] = {40, file.size - 20};
    for (size_t i = 0; i < 2; i++) {
        flip(p, stripe, places[i]);
        wg_error_clear(&seen);
        assert_int_equal(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, &seen), WG_E_CORRUPT);
        assert_non_null(strstr(seen.message, "another directory"));
        flip(p, stripe, places[i]);
    }
    MODEL_OK(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, err));
    for (uint32_t skip = 0; skip < 12;
         skip++) { /* and when the comparison itself fails nothing is concluded from it */
        wrap_rule(&wrap, WRAP_READ, "00000000000000000003.arc1", WG_E_IO);
        wrap.after = skip;
        const wg_code code = wg_engine_backup(w.engine, "/b", NULL, NULL, &info, NULL);
        assert_int_equal(code, wrap.met > 0 ? WG_E_IO : WG_OK);
        wrap_clear(&wrap);
    }
    wrap_rule(&wrap, WRAP_NONE, "/b/stripes/00000000000000000003.arc1", WG_OK);
    wrap.short_by = 1; /* what cannot be read to its end is no copy, and is not replaced either */
    assert_int_equal(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, NULL), WG_E_CORRUPT);
    wrap_rule(&wrap, WRAP_NONE, "/ws/stripes/00000000000000000003.arc1", WG_OK);
    wrap.short_by = 1;
    assert_int_equal(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, NULL), WG_E_CORRUPT);
    wrap_clear(&wrap);
    put(p, "/b/stripes/00000000000000000004.arc1", "a stray file that the backup does not name");
    ws_commit(&w, body_large);
    MODEL_OK(wg_engine_checkpoint(w.engine, NULL, err));
    MODEL_OK(wg_engine_backup(w.engine, "/b", NULL, NULL, &info, err));
    MODEL_OK(p->ops->make_directory(p, "/c", err)); /* a stray stripe where there was no backup yet */
    MODEL_OK(p->ops->make_directory(p, "/c/stripes", err));
    put(p, "/c/stripes/00000000000000000003.arc1", "stray");
    const wg_code code = wg_engine_backup(w.engine, "/c", NULL, NULL, &info, &seen);
    assert_true(code == WG_OK || code == WG_E_EXISTS);
    MODEL_OK(wg_engine_close(w.engine, err));
    wg_verify_report report;
    MODEL_OK(wg_engine_verify(p, "/b", &report, err));
    wg_platform_sim_destroy(disk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_of_long_paths),
        cmocka_unit_test(test_restore_from_no_backup),
        cmocka_unit_test(test_restore_minds_others),
        cmocka_unit_test(test_backup_leaves_strange_names),
        cmocka_unit_test(test_copies_of_cut_files),
        cmocka_unit_test(test_copies_of_swapped_segments),
        cmocka_unit_test(test_restore_of_a_changing_manifest),
        cmocka_unit_test(test_copies_are_cancelled_anywhere),
        cmocka_unit_test(test_backup_of_large_stripes),
    };
    ws_make();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ws_free();
    return failed;
}
