/* Power fails, and calls fail, at every step of a backup; 16 patterns of what survives.
 *
 * The disk before the backup is made once for each kind of it; then for n = 1, 2, .. it is cloned, the store is opened, and power
 * fails at the n-th call of the backup. After each crash the target verifies: it is the earlier backup, the new one, or a
 * state between them, which its chain value proves to be one that the store had. Then the store is opened and backed up into the
 * same target again, which must hold the newest state. */
#include "crash_kit.h"

#include "engine/engine.h"

enum { COMMITS_MAX = 400, SEGMENT_BYTES = 4096 };

typedef enum backup_case {
    CASE_FRESH,      /* no backup there yet */
    CASE_LOG_ONLY,   /* the earlier one lacks the end of the log */
    CASE_CHECKPOINT, /* and a checkpoint, whose log continues its own */
    CASE_GAP         /* commits between them are in stripes only: the logs do not touch */
} backup_case;

static wg_sha256 chains[COMMITS_MAX + 1]; /* after commit i */
static uint64_t earlier;                  /* last commit of the earlier backup; 0: none */
static uint64_t newest;
static char finding[400];

static bool found(const char *what, uint64_t a, uint64_t b, const wg_error *err) {
    snprintf(finding, sizeof finding, "%s: %llu, %llu: %s", what, (unsigned long long)a, (unsigned long long)b,
             err != NULL ? err->message : "");
    return false;
}

static wg_engine *open_store(wg_platform *p, bool create) {
    const wg_engine_options options = {
        .platform = p,
        .wal_segment_bytes = SEGMENT_BYTES,
        .options = {.create = create, .no_background = true, .checkpoint_log_bytes = UINT64_MAX}};
    wg_engine *e = NULL;
    wg_error err = {0};
    if (wg_engine_open("/src", &options, &e, &err) != WG_OK) fail_msg("open: %s", err.message);
    return e;
}

/* Commits of a few hundred bytes: about ten fill a segment. */
static void commit_labelled(wg_engine *e, const char *name, uint32_t count) {
    char text[301];
    memset(text, 'x', sizeof text - 1);
    for (uint32_t i = 0; i < count; i++) {
        wg_txn *txn;
        uint32_t label, key;
        uint64_t id, logseq;
        assert_int_equal(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, NULL), WG_OK);
        assert_int_equal(wg_txn_intern_label(txn, wg_slice_str(name), false, &label, NULL), WG_OK);
        assert_int_equal(wg_txn_intern_key(txn, wg_slice_str("text"), &key, NULL), WG_OK);
        const wg_property property = {key, wg_value_str(wg_slice_of(text, 100 + i % 200))};
        assert_int_equal(wg_txn_create_node(txn, &label, 1, &property, 1, &id, NULL), WG_OK);
        assert_int_equal(wg_txn_commit(txn, &logseq, NULL), WG_OK);
        assert_true(logseq <= COMMITS_MAX);
        assert_true(wg_engine_chain_at(e, logseq, &chains[logseq]));
        newest = logseq;
    }
}

static void commit_some(wg_engine *e, uint32_t count) { commit_labelled(e, "N", count); }

static void checkpoint(wg_engine *e) {
    wg_error err = {0};
    if (wg_engine_checkpoint(e, NULL, &err) != WG_OK) fail_msg("checkpoint: %s", err.message);
}

static void backup(wg_engine *e) {
    wg_error err = {0};
    wg_backup_info info = {0};
    if (wg_engine_backup(e, "/dst", NULL, NULL, &info, &err) != WG_OK) fail_msg("backup: %s", err.message);
    assert_int_equal(info.logseq, newest);
    earlier = newest;
}

/* The disk before the backup under test. */
static wg_platform *make_disk(backup_case kind) {
    wg_platform *sim;
    earlier = 0;
    assert_int_equal(wg_platform_sim_create(totals.seed, &sim, NULL), WG_OK);
    wg_engine *e = open_store(sim, true);
    commit_some(e, 25);
    if (kind == CASE_FRESH || kind == CASE_GAP) checkpoint(e);
    commit_some(e, 5);
    if (kind != CASE_FRESH) backup(e);
    commit_some(e, kind == CASE_GAP ? 80 : 9);
    if (kind >= CASE_CHECKPOINT) checkpoint(e);
    commit_some(e, kind == CASE_GAP ? 25 : 6);
    assert_int_equal(wg_engine_close(e, NULL), WG_OK);
    return sim;
}

/* The target is whole: nothing yet, or one of the states that it may be in. */
static bool check_target(wg_platform *p, bool acknowledged) {
    wg_verify_report report = {0};
    wg_error err = {0};
    totals.recoveries++;
    const wg_code code = wg_engine_verify(p, "/dst", &report, &err);
    if (code == WG_E_NOT_FOUND && earlier == 0 && !acknowledged) return true;
    if (code != WG_OK) return found("the backup does not verify", earlier, newest, &err);
    const uint64_t last = report.last_logseq;
    const uint64_t least = acknowledged ? newest : earlier;
    if (last < least || last > newest) return found("its last commit", last, least, NULL);
    return memcmp(report.chain, chains[last].bytes, 32) == 0 || found("its chain value is not ours", last, 0, NULL);
}

static bool repeat_backup(wg_platform *p) {
    wg_error err = {0};
    wg_engine *e = open_store(p, false);
    const wg_code code = wg_engine_backup(e, "/dst", NULL, NULL, NULL, &err);
    (void)!wg_engine_close(e, NULL);
    return code == WG_OK || found("the next backup failed", newest, 0, &err);
}

static wg_platform *clone(const wg_platform *disk, wg_crash_pattern pattern, uint64_t seed) {
    wg_platform *copy;
    assert_int_equal(wg_platform_sim_reboot(disk, pattern, seed, &copy, NULL), WG_OK);
    return copy;
}

/* Crashes at call n of the backup; *through when it ended before. */
static bool crash_at(const wg_platform *disk, uint64_t n, wg_rng *rng, bool *through) {
    wg_platform *sim = clone(disk, WG_CRASH_ALL_SURVIVES, 1);
    wg_engine *e = open_store(sim, false);
    wg_platform_sim_crash_at(sim, n);
    const bool acknowledged = wg_engine_backup(e, "/dst", NULL, NULL, NULL, NULL) == WG_OK;
    *through = !wg_platform_sim_crashed(sim);
    (void)!wg_engine_close(e, NULL);
    totals.crash_points++;
    bool ok = acknowledged || !*through || found("the backup failed without a crash", n, 0, NULL);
    for (unsigned i = 0; ok && i < WG_CRASH_PATTERN_COUNT; i++) {
        wg_platform *after = clone(sim, (wg_crash_pattern)i, wg_rng_next(rng));
        ok = check_target(after, acknowledged) && repeat_backup(after) && check_target(after, true);
        if (!ok) print_message("crash at call %llu, pattern %u\n", (unsigned long long)n, i);
        wg_platform_sim_destroy(after);
    }
    wg_platform_sim_destroy(sim);
    return ok;
}

static void crash_everywhere(backup_case kind) {
    wg_rng rng;
    bool through = false;
    wg_rng_init(&rng, totals.seed);
    wg_platform *disk = make_disk(kind);
    for (uint64_t n = crash_first(); !through; n += totals.stride)
        if (!crash_at(disk, n, &rng, &through))
            fail_msg("case %d, WG_SEED=%llu: %s", (int)kind, (unsigned long long)totals.seed, finding);
    wg_platform_sim_destroy(disk);
}

/* Goal: a first backup is there whole or not at all, whenever power fails. */
static void test_crash_first_backup_is_whole_or_absent(void **state) {
    (void)state;
    crash_everywhere(CASE_FRESH);
}

/* Goal: a backup that only adds to the log never harms the earlier one. */
static void test_crash_longer_log_leaves_a_whole_backup(void **state) {
    (void)state;
    crash_everywhere(CASE_LOG_ONLY);
}

/* Goal: the same with new stripes and a manifest whose log continues that of the earlier backup. */
static void test_crash_new_checkpoint_leaves_a_whole_backup(void **state) {
    (void)state;
    crash_everywhere(CASE_CHECKPOINT);
}

/* Goal: the same when the new log does not touch the old one. */
static void test_crash_gap_between_logs_leaves_a_whole_backup(void **state) {
    (void)state;
    crash_everywhere(CASE_GAP);
}

/* ---- failing calls */

static bool note_aside(void *ctx, const char *name, bool is_directory) {
    const size_t size = strlen(name);
    if (is_directory || size < 5) return true;
    if (strcmp(name + size - 4, ".tmp") == 0 || strcmp(name + size - 5, ".part") == 0) *(bool *)ctx = true;
    return true;
}

static bool has_aside(wg_platform *p) {
    bool found_one = false;
    (void)!p->ops->list(p, "/dst/wal", note_aside, &found_one, NULL);
    (void)!p->ops->list(p, "/dst/stripes", note_aside, &found_one, NULL);
    return found_one;
}

/* One call fails; the store goes on, the earlier backup is whole, and the next try succeeds and leaves nothing aside. */
static bool fail_at(const wg_platform *disk, uint64_t n, wg_fault_kind kind, bool *through) {
    wg_platform *sim = clone(disk, WG_CRASH_ALL_SURVIVES, 1);
    wg_platform *faulty;
    wg_error err = {0};
    assert_int_equal(wg_platform_fault_create(sim, &faulty, NULL), WG_OK);
    wg_engine *e = open_store(faulty, false);
    const uint64_t before = wg_platform_fault_calls(faulty);
    wg_platform_fault_arm(faulty, n, kind, false);
    const wg_code code = wg_engine_backup(e, "/dst", NULL, NULL, NULL, &err);
    *through = wg_platform_fault_calls(faulty) - before < n;
    wg_platform_fault_arm(faulty, 0, kind, false);
    bool ok = code == WG_OK || err.message[0] != '\0' || found("an error without a message", n, 0, NULL);
    ok = ok && check_target(sim, code == WG_OK);
    err = (wg_error){0};
    if (ok && wg_engine_backup(e, "/dst", NULL, NULL, NULL, &err) != WG_OK)
        ok = found("a backup after the failure failed", n, 0, &err);
    ok = ok && check_target(sim, true) && (!has_aside(sim) || found("a temporary file is left", n, 0, NULL));
    (void)!wg_engine_close(e, NULL);
    wg_platform_fault_destroy(faulty);
    wg_platform_sim_destroy(sim);
    return ok;
}

/* Goal: a full or failing disk at any call leaves the earlier backup whole and the store in use. */
static void test_failure_at_any_call_leaves_a_whole_backup(void **state) {
    (void)state;
    static const wg_fault_kind kinds[] = {WG_FAULT_ENOSPC, WG_FAULT_EIO, WG_FAULT_SHORT_WRITE};
    wg_platform *disk = make_disk(CASE_GAP);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        bool through = false;
        for (uint64_t n = crash_first(); !through; n += totals.stride)
            if (!fail_at(disk, n, kinds[k], &through)) fail_msg("call %llu: %s", (unsigned long long)n, finding);
    }
    wg_platform_sim_destroy(disk);
}

/* ---- targets and restoring */

static wg_code try_backup(wg_engine *e, const char *to, wg_error *err) {
    *err = (wg_error){0};
    return wg_engine_backup(e, to, NULL, NULL, NULL, err);
}

/* Goal: a target that is not an earlier state of this store is refused and not touched. */
static void test_backup_refuses_other_targets(void **state) {
    (void)state;
    wg_error err;
    wg_platform *sim = make_disk(CASE_LOG_ONLY);
    wg_engine *e = open_store(sim, false);
    assert_int_equal(try_backup(e, "/src", &err), WG_E_MISUSE);
    assert_int_equal(try_backup(e, "/src/inside", &err), WG_E_MISUSE);
    assert_int_equal(try_backup(e, "/no/such/parent", &err), WG_E_NOT_FOUND);
    assert_int_equal(sim->ops->make_directory(sim, "/other", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/other/photos", NULL), WG_OK);
    assert_int_equal(try_backup(e, "/other", &err), WG_E_EXISTS);
    const wg_engine_options options = {.platform = sim, .options = {.create = true, .no_background = true}};
    wg_engine *other;
    assert_int_equal(wg_engine_open("/store", &options, &other, NULL), WG_OK);
    assert_int_equal(try_backup(e, "/store", &err), WG_E_BUSY);
    assert_int_equal(wg_engine_close(other, NULL), WG_OK);
    assert_int_equal(try_backup(e, "/store", &err), WG_E_EXISTS);
    assert_non_null(strstr(err.message, "another store"));
    assert_int_equal(wg_engine_open("/dst", &options, &other, NULL), WG_OK);
    commit_labelled(other, "Other", 1);
    assert_int_equal(wg_engine_close(other, NULL), WG_OK);
    assert_int_equal(try_backup(e, "/dst", &err), WG_E_EXISTS);
    assert_non_null(strstr(err.message, "commits that this store does not have"));
    assert_int_equal(wg_engine_close(e, NULL), WG_OK);
    wg_platform_sim_destroy(sim);
}

static wg_code try_restore(wg_platform *p, const char *from, const char *to, wg_error *err) {
    const wg_restore_request request = {.from = from, .to = to};
    *err = (wg_error){0};
    return wg_engine_restore(p, &request, NULL, err);
}

static void flip_byte(wg_platform *p, const char *path, uint64_t offset) {
    wg_file *file;
    uint8_t byte;
    size_t got;
    assert_int_equal(p->ops->open(p, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(p->ops->read_at(p, file, offset, &byte, 1, &got, NULL), WG_OK);
    assert_int_equal(got, 1);
    byte ^= 0x40;
    assert_int_equal(p->ops->write_at(p, file, offset, &byte, 1, NULL), WG_OK);
    p->ops->close(p, file);
}

/* Goal: what is restored is the store at the backup: same id, chain and rows; a target that is not empty, and damage, are refused. */
static void test_restore_gives_the_same_store(void **state) {
    (void)state;
    wg_error err;
    wg_verify_report report = {0};
    wg_platform *sim = make_disk(CASE_GAP);
    wg_engine *e = open_store(sim, false);
    uint8_t uuid[16];
    memcpy(uuid, wg_engine_store_uuid(e), sizeof uuid);
    backup(e);
    assert_int_equal(wg_engine_close(e, NULL), WG_OK);
    if (try_restore(sim, "/dst", "/new", &err) != WG_OK) fail_msg("restore: %s", err.message);
    assert_int_equal(wg_engine_verify(sim, "/new", &report, NULL), WG_OK);
    assert_int_equal(report.last_logseq, newest);
    assert_memory_equal(report.chain, chains[newest].bytes, 32);
    const wg_engine_options options = {.platform = sim, .options = {.no_background = true}};
    assert_int_equal(wg_engine_open("/new", &options, &e, NULL), WG_OK);
    assert_memory_equal(wg_engine_store_uuid(e), uuid, 16);
    assert_int_equal(wg_engine_close(e, NULL), WG_OK);
    assert_int_equal(try_restore(sim, "/dst", "/new", &err), WG_E_EXISTS);
    assert_int_equal(try_restore(sim, "/nothing", "/new2", &err), WG_E_NOT_FOUND);
    wg_file_info info;
    assert_int_equal(sim->ops->stat(sim, "/new2", &info, NULL), WG_E_NOT_FOUND);
    const char *stripe = "/dst/stripes/00000000000000000001.arc1";
    flip_byte(sim, stripe, 200);
    assert_int_equal(try_restore(sim, "/dst", "/new3", &err), WG_E_CORRUPT);
    assert_int_equal(wg_engine_verify(sim, "/new3", &report, &err), WG_E_NOT_FOUND);
    flip_byte(sim, stripe, 200);
    if (try_restore(sim, "/dst", "/new3", &err) != WG_OK) fail_msg("restore after a failure: %s", err.message);
    wg_platform_sim_destroy(sim);
}

/* Goal: damage in the log of the source, under an open store, is found before the earlier backup is touched. */
static void test_backup_finds_damage_in_the_log(void **state) {
    (void)state;
    wg_error err;
    wg_platform *sim = make_disk(CASE_LOG_ONLY);
    wg_engine *e = open_store(sim, false);
    commit_some(e, 12);
    const char *segment = "/src/wal/00000000000000000002.wal";
    for (uint64_t offset = 40; offset < 3900; offset += 97) {
        flip_byte(sim, segment, offset);
        const wg_code code = try_backup(e, "/dst", &err);
        if (code != WG_E_CORRUPT || strstr(err.message, "segment 2") == NULL)
            fail_msg("offset %llu: %s: %s", (unsigned long long)offset, wg_code_name(code), err.message);
        if (!check_target(sim, false)) fail_msg("offset %llu: %s", (unsigned long long)offset, finding);
        flip_byte(sim, segment, offset);
    }
    if (try_backup(e, "/dst", &err) != WG_OK) fail_msg("%s", err.message);
    assert_true(check_target(sim, true));
    assert_int_equal(wg_engine_close(e, NULL), WG_OK);
    wg_platform_sim_destroy(sim);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_first_backup_is_whole_or_absent),
        cmocka_unit_test(test_crash_longer_log_leaves_a_whole_backup),
        cmocka_unit_test(test_crash_new_checkpoint_leaves_a_whole_backup),
        cmocka_unit_test(test_crash_gap_between_logs_leaves_a_whole_backup),
        cmocka_unit_test(test_failure_at_any_call_leaves_a_whole_backup),
        cmocka_unit_test(test_backup_refuses_other_targets),
        cmocka_unit_test(test_restore_gives_the_same_store),
        cmocka_unit_test(test_backup_finds_damage_in_the_log),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
