/* Direct commits: when they are, when they are not, and that a torn write of a block takes nothing that was acknowledged. */
#include "base/core/test_seed.h"
#include "io/wal_store/wal_test_kit.h"

/* A log of segments that many commits fit in. */
static void begin(fixture *f, uint64_t seed) {
    memset(f, 0, sizeof *f);
    memcpy(f->options.store_uuid, uuid_a, 16);
    f->options.segment_bytes = 128 << 10;
    assert_int_equal(wg_platform_sim_create(seed, &f->p, NULL), WG_OK);
    assert_int_equal(f->p->ops->make_directory(f->p, "/wal", NULL), WG_OK);
    assert_int_equal(f->p->ops->sync_directory(f->p, "/", NULL), WG_OK);
    assert_int_equal(wg_wal_create(f->p, "/wal", &f->options, NULL), WG_OK);
}

static int setup_long(void **state) {
    static fixture f;
    begin(&f, 7);
    *state = &f;
    return 0;
}

static uint64_t direct_syncs(const fixture *f) {
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    return m.direct_syncs;
}

/* Goal: small strict commits become direct, one sync each, and the log that they leave is the same to a reader. */
static void test_wal_small_strict_commits_go_direct(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    for (size_t i = 0; i < 40; i++) append_sized(f, 200, true);
    assert_true(f->wal->segment_bytes % WG_DIRECT_BYTES == 0);
    assert_true(direct_syncs(f) >= 30);
    crash(f, WG_CRASH_NONE_SURVIVES);
    open_log(f, &r);
    assert_int_equal(r.count, 40);
    assert_int_equal(f->recovery.torn_tail_bytes, 0);
}

/* Goal: a large commit, a full stage and the end of a segment end direct mode, with what waits in the stage in its place in the log. */
static void test_wal_direct_mode_ends_with_nothing_lost(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    uint64_t last = 0;
    for (size_t round = 0; round < 6; round++) {
        for (size_t i = 0; i < 10; i++) append_sized(f, 100, true);
        for (size_t i = 0; i < 3; i++) append_sized(f, 900, false);
        const size_t large = round % 2 == 0 ? WAL_STAGE_COMMIT_MAX : 60;
        for (size_t i = 0; i < (round % 2 == 0 ? 1 : 1000); i++) append_sized(f, large, false);
        last = wg_wal_last_logseq(f->wal);
    }
    assert_true(direct_syncs(f) > 0);
    assert_int_equal(wg_wal_wait(f->wal, last, NULL), WG_OK);
    crash(f, WG_CRASH_NONE_SURVIVES);
    open_log(f, &r);
    assert_int_equal(r.count, last);
}

/* Goal: where the file system refuses, the log goes on as before and does not ask again. */
static void test_wal_refused_direct_mode_is_left_alone(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    replayed r = {.size_of = size_200};
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    open_log(f, &r);
    for (size_t i = 0; i < 7; i++) append_sized(f, 200, true);
    wg_platform_fault_arm(fault, 3, WG_FAULT_EIO,
                          false); /* behind the frame's write and the reading of the last block */
    append_sized(f, 200, false);
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    assert_true(f->wal->stage.refused);
    for (size_t i = 0; i < 20; i++) append_sized(f, 200, true);
    assert_int_equal(direct_syncs(f), 0);
    close_log(f);
    f->p = sim;
    open_log(f, &r);
    assert_int_equal(r.count, 28);
    wg_platform_fault_destroy(fault);
}

/* Goal: when the bytes that wait cannot be written at the end of direct mode, the append fails whole, nothing is lost, and the next goes on. */
static void test_wal_failed_end_of_direct_mode_keeps_the_stage(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    replayed r = {.size_of = NULL};
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    open_log(f, &r);
    for (size_t i = 0; i < 12; i++) append_sized(f, 200, true);
    append_sized(f, 300, false);
    assert_true(f->wal->stage.on);
    static const uint8_t bytes[WAL_STAGE_COMMIT_MAX];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    uint64_t logseq = 0;
    for (unsigned kind = WG_FAULT_EIO; kind <= WG_FAULT_SHORT_WRITE; kind++) {
        wg_platform_fault_arm(fault, 1, (wg_fault_kind)kind, false);
        assert_int_not_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        assert_true(f->wal->stage.on && !wg_wal_is_poisoned(f->wal));
    }
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    append_sized(f, WAL_STAGE_COMMIT_MAX, true);
    close_log(f);
    f->p = sim;
    open_log(f, &r);
    assert_int_equal(r.count, 14);
    wg_platform_fault_destroy(fault);
}

/* Goal: a power failure inside any direct write, torn in every way, leaves all that was acknowledged before, also in the block that the
 * write begins with. */
static void test_wal_torn_direct_writes_lose_nothing(void **state) {
    (void)state;
    const size_t commits = wg_test_small() ? 30 : 90;
    for (size_t acknowledged = 12; acknowledged < commits; acknowledged += 3) {
        for (int pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
            replayed r = {.size_of = NULL};
            fixture one;
            begin(&one, acknowledged);
            open_log(&one, &r);
            for (size_t i = 0; i < acknowledged; i++) append_sized(&one, 60 + i * 37 % 500, true);
            assert_true(one.wal->stage.on);
            append_sized(&one, 700, false);
            wg_platform_sim_crash_at(one.p, 1);
            assert_int_equal(wg_wal_wait(one.wal, acknowledged + 1, NULL), WG_E_IO);
            crash(&one, (wg_crash_pattern)pattern);
            open_log(&one, &r);
            assert_true(r.count == acknowledged || r.count == acknowledged + 1);
            close_log(&one);
            wg_platform_sim_destroy(one.p);
        }
    }
}

/* Goal: a direct write that the disk refuses poisons the log like a failed sync, and what it covered is acknowledged to nobody. */
static void test_wal_failed_direct_write_poisons(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (size_t i = 0; i < 20; i++) append_sized(f, 200, true);
    append_sized(f, 200, false);
    wg_platform_sim_fail_sync_at(f->p, 1);
    assert_int_equal(wg_wal_wait(f->wal, 21, NULL), WG_E_IO);
    assert_true(wg_wal_is_poisoned(f->wal));
    static const uint8_t bytes[100];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    uint64_t logseq = 0;
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
    open_log(f, &r);
    assert_int_equal(r.count, 20);
}

/* Goal: direct mode begins with the eighth small commit in a row, in a STRICT log of whole blocks of which little is unsynced, with memory that
 * direct writes take; a commit that is just too large, or leaves just too much unsynced, keeps it from beginning. */
static void test_wal_direct_mode_begins_exactly(void **state) {
    (void)state;
    enum { EACH = 2048, LITTLE = EACH - WAL_FRAME_BYTES };
    static const struct {
        size_t first[7], eighth;
        uint32_t segment_bytes;
        wg_durability durability;
        bool begins;
    } cases[] = {
        {{60, 60, 60, 60, 60, 60, 60}, 60, 128 << 10, WG_STRICT, true},
        {{60, 60, 60, 60, 60, 60, 60}, 60, 128 << 10, WG_BUFFERED, false},
        {{60, 60, 60, 60, 60, 60, 60}, 60, (128 << 10) + 512, WG_STRICT, false},
        {{0, 0, 0, 0, 0, 0, 0}, WAL_STAGE_COMMIT_MAX, 128 << 10, WG_STRICT, false},
        {{LITTLE, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE}, LITTLE, 128 << 10, WG_STRICT, true},
        {{LITTLE, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE, LITTLE}, LITTLE + 1, 128 << 10, WG_STRICT, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture one;
        begin(&one, 7);
        one.options.segment_bytes = cases[i].segment_bytes;
        one.options.durability = cases[i].durability;
        one.options.sync_interval_ms = 3600000;
        assert_int_equal(one.p->ops->make_directory(one.p, "/other", NULL), WG_OK);
        assert_int_equal(wg_wal_create(one.p, "/other", &one.options, NULL), WG_OK);
        assert_int_equal(wg_wal_open(one.p, "/other", &one.options, NULL, NULL, &one.wal, NULL, NULL), WG_OK);
        for (size_t k = 0; k < 7; k++) append_sized(&one, cases[i].first[k], false);
        assert_false(one.wal->stage.on);
        append_sized(&one, cases[i].eighth, false);
        assert_int_equal(one.wal->stage.on, cases[i].begins);
        if (cases[i].begins) {
            const wal_stage *stage = &one.wal->stage;
            const uint8_t *end = stage->memory + WAL_STAGE_BYTES + 2 * WG_DIRECT_BYTES;
            assert_int_equal((uintptr_t)stage->bytes % WG_DIRECT_BYTES, 0);
            assert_true(stage->bytes >= stage->memory && stage->bytes + WAL_STAGE_BYTES + WG_DIRECT_BYTES <= end);
        }
        close_log(&one);
        wg_platform_sim_destroy(one.p);
    }
}

/* Goal: every small commit of a segment is direct, from the ninth on to its end; one that is just small enough does not end that, the next larger
 * one does, and eight small ones later it begins again. */
static void test_wal_direct_mode_ends_exactly(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    uint64_t commits = 0;
    while (f->wal->offset + 1000 < 100 << 10) {
        append_sized(f, 200, true);
        commits++;
    }
    assert_int_equal(direct_syncs(f), commits - 8);
    append_sized(f, WAL_STAGE_COMMIT_MAX - 1, true);
    assert_true(f->wal->stage.on);
    assert_int_equal(f->wal->number, 1);
    crash(f, WG_CRASH_NONE_SURVIVES);
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, commits + 1);
    close_log(f);
    wg_platform_sim_destroy(f->p);
    begin(f, 7);
    open_log(f, &(replayed){.size_of = NULL});
    for (int i = 0; i < 5; i++) append_sized(f, WAL_STAGE_COMMIT_MAX, true); /* in the second half it is no other */
    for (int i = 0; i < 8; i++) append_sized(f, 200, true);
    assert_true(f->wal->stage.on);
    append_sized(f, WAL_STAGE_COMMIT_MAX, true);
    assert_false(f->wal->stage.on);
    for (int i = 0; i < 7; i++) append_sized(f, 200, true);
    assert_false(f->wal->stage.on);
    append_sized(f, 200, true);
    assert_true(f->wal->stage.on);
    assert_int_equal(f->wal->number, 1);
    while (f->wal->segment_bytes - f->wal->offset > 3000) append_sized(f, 1000, true);
    append_sized(f, f->wal->segment_bytes - f->wal->offset - WAL_FRAME_BYTES,
                 true); /* would leave no room for a mark */
    assert_int_equal(f->wal->number, 2);
    assert_false(f->wal->stage.on);
}

/* Goal: where there is no memory for direct mode it does not begin; when there is, it does. */
static void test_wal_direct_mode_wants_memory(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    for (int i = 0; i < 7; i++) append_sized(f, 200, false);
    static const uint8_t bytes[200];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    uint64_t logseq = 0;
    wg_code code = WG_E_NOMEM;
    for (uint64_t n = 1; code != WG_OK; n++) { /* first what the write itself needs is refused */
        wg_memory_fail_at(n, false);
        code = wg_wal_append(f->wal, &part, 1, &logseq, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        assert_false(f->wal->stage.on);
    }
    assert_null(f->wal->stage.memory);
    append_sized(f, 200, true);
    assert_true(f->wal->stage.on);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wal_small_strict_commits_go_direct, setup_long, teardown),
        cmocka_unit_test_setup_teardown(test_wal_direct_mode_ends_with_nothing_lost, setup_long, teardown),
        cmocka_unit_test_setup_teardown(test_wal_refused_direct_mode_is_left_alone, setup_long, teardown),
        cmocka_unit_test_setup_teardown(test_wal_failed_end_of_direct_mode_keeps_the_stage, setup_long, teardown),
        cmocka_unit_test(test_wal_direct_mode_begins_exactly),
        cmocka_unit_test_setup_teardown(test_wal_direct_mode_ends_exactly, setup_long, teardown),
        cmocka_unit_test_setup_teardown(test_wal_direct_mode_wants_memory, setup_long, teardown),
        cmocka_unit_test(test_wal_torn_direct_writes_lose_nothing),
        cmocka_unit_test_setup_teardown(test_wal_failed_direct_write_poisons, setup_long, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
