/* Tests of ring files: what a killed process leaves is taken over once and whole; damage and strangers are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "worldgraph/lanes/lanes_internal.h"

enum { RING = 4096 };
static const uint8_t uuid[16] = "0123456789abcde";
static const char *const directory = "/tmp"; /* any directory does; /dev/shm is where they belong */
static uint8_t id[16];
static wg_lane_span spans[WG_LANES_MAX];

static wg_code no_drain(void *ctx, wg_error *err) {
    (void)ctx;
    return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "the ring is full");
}

static wg_rings_source source_at(uint64_t logseq) {
    wg_rings_source s = {.platform = wg_platform_real(), .ring_dir = directory, .logseq = logseq};
    memcpy(s.store_uuid, uuid, 16);
    memcpy(s.ring_id, id, 16);
    return s;
}

static wg_lanes *make(uint64_t logseq) {
    const wg_lanes_options o = {
        .platform = wg_platform_real(), .has_rings = true, .ring_bytes = RING, .drain = no_drain};
    const wg_rings_source s = source_at(logseq);
    wg_lanes *lanes = NULL;
    assert_int_equal(wg_lanes_create(&o, &lanes, NULL), WG_OK);
    assert_int_equal(wg_lanes_use_files(lanes, &s, NULL), WG_OK);
    return lanes;
}

static wg_code reopen(uint64_t logseq, wg_rings **out, wg_error *err) {
    const wg_rings_source s = source_at(logseq);
    return wg_rings_open(&s, out, err);
}

static void put(wg_lane *lane, const char *text) {
    uint8_t *at = NULL;
    assert_int_equal(wg_lane_reserve(lane, strlen(text), &at, NULL), WG_OK);
    wg_lane_enter(lane);
    memcpy(at, text, strlen(text));
    wg_lane_publish(lane, strlen(text));
    wg_lane_leave(lane);
}

/* What a kill does: the memory of the process goes, the files stay and their locks do not. */
static void killed(wg_lanes *lanes) {
    for (uint32_t i = atomic_load(&lanes->count); i > 0; i--) wgi_ring_end(lanes, &lanes->places[i - 1], true);
    atomic_store(&lanes->count, 0);
    lanes->free_count = 0;
    wg_lanes_destroy(lanes);
}

static void expect(uint64_t logseq, const char *text) {
    wg_rings *rings = NULL;
    wg_error err = {0};
    char all[256] = "";
    size_t size = 0;
    assert_int_equal(reopen(logseq, &rings, &err), WG_OK);
    const wg_slice *pieces = NULL;
    const uint32_t n = rings == NULL ? 0 : wg_rings_pieces(rings, &pieces);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(size + pieces[i].size < sizeof all);
        memcpy(all + size, pieces[i].data, pieces[i].size);
        size += pieces[i].size;
    }
    all[size] = '\0';
    assert_string_equal(all, text);
    wg_rings_close(rings, true);
    wg_rings *none = NULL;
    assert_int_equal(reopen(logseq, &none, NULL), WG_OK);
    assert_null(none); /* the files are gone */
}

static int setup(void **state) {
    (void)state;
    static uint8_t next = 1;
    id[0] = next++;
    return wg_platform_real()->ops->random(wg_platform_real(), id + 1, 15, NULL) == WG_OK ? 0 : -1;
}

static void test_rings_of_a_killed_process_come_back_once(void **state) {
    /* Goal: undrained records of all lanes, in the order of the lanes, and nothing the second time. */
    (void)state;
    wg_lanes *lanes = make(7);
    wg_lane *a = NULL;
    wg_lane *b = NULL;
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    assert_int_equal(wg_lane_open(lanes, &b, NULL), WG_OK);
    assert_true(wg_lanes_outlive(lanes));
    put(b, "world");
    put(a, "hello ");
    killed(lanes);
    expect(7, "hello world");
}

static void test_rings_are_taken_behind_the_drain_that_the_log_has(void **state) {
    /* Goal: killed in the middle of a drain, the log says whether it took place: its bytes are taken or left out, what came later is
     * taken in both cases. */
    (void)state;
    for (uint64_t logged = 0; logged < 2; logged++) {
        uint64_t bytes = 0;
        assert_int_equal(setup(NULL), 0);
        wg_lanes *lanes = make(7);
        wg_lane *a = NULL;
        assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
        put(a, "first ");
        wg_lanes_stop(lanes);
        assert_int_equal(wg_lanes_cut(lanes, 9, spans, &bytes), 1);
        wg_lanes_go(lanes);
        put(a, "second");
        killed(lanes);
        expect(8 + logged, logged ? "second" : "first second");
    }
}

static void test_rings_are_not_taken_twice_when_their_removal_was_cut_short(void **state) {
    /* Goal: an open that was killed between the append of what it took and the removal of the files leaves nothing to take. */
    (void)state;
    wg_lanes *lanes = make(7);
    wg_lane *a = NULL;
    wg_rings *rings = NULL;
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    put(a, "once");
    killed(lanes);
    assert_int_equal(reopen(7, &rings, NULL), WG_OK);
    assert_int_equal(wg_rings_pieces(rings, NULL), 1);
    wg_rings_close(rings, false);
    assert_int_equal(reopen(7, &rings, NULL), WG_OK); /* the append did not take place: it comes again */
    assert_int_equal(wg_rings_pieces(rings, NULL), 1);
    wg_rings_close(rings, false);
    expect(8, "");
}

static void test_rings_wrap_and_padding_survive(void **state) {
    /* Goal: an undrained range over a wrap comes back without its padding. */
    (void)state;
    uint64_t bytes = 0;
    wg_lanes *lanes = make(0);
    wg_lane *a = NULL;
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    for (int i = 0; i < 3; i++) put(a, text);
    wg_lanes_stop(lanes);
    assert_int_equal(wg_lanes_cut(lanes, 1, spans, &bytes), 1);
    wg_lanes_go(lanes);
    wg_lanes_drained(lanes, spans, 1);
    memset(text, 'y', 1000);
    text[1000] = '\0';
    put(a, text + 950);
    put(a, text); /* 3,050 + 1,000 fits; the next does not */
    put(a, text + 900);
    killed(lanes);
    wg_rings *rings = NULL;
    const wg_slice *pieces = NULL;
    assert_int_equal(reopen(1, &rings, NULL), WG_OK);
    assert_int_equal(wg_rings_pieces(rings, &pieces), 2);
    assert_int_equal(pieces[0].size, 1050);
    assert_int_equal(pieces[1].size, 100);
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < pieces[k].size; i++) assert_int_equal(pieces[k].data[i], 'y');
    wg_rings_close(rings, true);
}

static void test_rings_all_count_or_none(void **state) {
    /* Goal: after the log took harm, or a file could not be made, no ring of the opening counts. */
    (void)state;
    wg_lanes *lanes = make(0);
    wg_lane *a = NULL;
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    put(a, "lost");
    wg_lanes_forget_rings(lanes);
    assert_false(wg_lanes_outlive(lanes));
    killed(lanes);
    expect(0, "");
    wg_platform *fault = NULL;
    assert_int_equal(wg_platform_fault_create(wg_platform_real(), &fault, NULL), WG_OK);
    for (uint64_t n = 1; n < 5; n++) {
        assert_int_equal(setup(NULL), 0);
        lanes = make(0);
        assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
        put(a, "lost");
        lanes->files.platform = fault;
        wg_platform_fault_arm(fault, n, WG_FAULT_ENOSPC, false);
        wg_lane *b = NULL;
        assert_int_equal(wg_lane_open(lanes, &b, NULL), WG_OK);
        assert_false(wg_lanes_outlive(lanes));
        put(b, "works");
        wg_lane_close(a);
        wg_lane_close(b);
        wg_lanes_destroy(lanes);
        wg_rings *rings = NULL;
        assert_int_equal(reopen(0, &rings, NULL), WG_OK);
        assert_null(rings); /* no file stayed */
    }
    wg_platform_fault_destroy(fault);
}

static void test_rings_clean_end_removes_or_keeps_what_is_wanted(void **state) {
    /* Goal: drained rings leave no file; rings that the log lacks stay for the next open. */
    (void)state;
    uint64_t bytes = 0;
    for (int drained = 0; drained < 2; drained++) {
        assert_int_equal(setup(NULL), 0);
        wg_lanes *lanes = make(0);
        wg_lane *a = NULL;
        wg_lane *b = NULL;
        assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
        assert_int_equal(wg_lane_open(lanes, &b, NULL), WG_OK);
        put(b, "kept");
        wg_lanes_stop(lanes);
        assert_int_equal(wg_lanes_cut(lanes, 1, spans, &bytes), 1);
        wg_lanes_go(lanes);
        if (drained) wg_lanes_drained(lanes, spans, 1);
        else wg_lanes_give_up(lanes, spans, 1);
        wg_lane_close(a);
        wg_lane_close(b);
        wg_lanes_destroy(lanes);
        expect(drained ? 1 : 0, drained ? "" : "kept");
    }
}

static void test_rings_in_use_are_left_alone(void **state) {
    /* Goal: a copy of a workspace that is open takes nothing and removes nothing. */
    (void)state;
    wg_lanes *lanes = make(0);
    wg_lane *a = NULL;
    wg_rings *rings = NULL;
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    put(a, "mine");
    assert_int_equal(reopen(0, &rings, NULL), WG_OK);
    assert_int_equal(rings == NULL ? 0 : wg_rings_pieces(rings, NULL), 0);
    wg_rings_close(rings, true);
    killed(lanes);
    expect(0, "mine");
}

static void damaged(size_t at, uint8_t value, wg_code expected) {
    assert_int_equal(setup(NULL), 0);
    wg_lanes *lanes = make(5);
    wg_lane *a = NULL;
    wg_rings *rings = NULL;
    wg_error err = {0};
    char path[RING_PATH_BYTES];
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    put(a, "data");
    ((uint8_t *)lanes->places[0].map)[at] = value;
    killed(lanes);
    assert_int_equal(reopen(5, &rings, &err), expected);
    assert_int_equal(err.code, expected);
    assert_non_null(strstr(err.message, "worldgraph-"));
    assert_int_equal(wgi_ring_path(directory, id, 0, path, NULL), WG_OK);
    assert_int_equal(wg_platform_real()->ops->unlink(wg_platform_real(), path, NULL), WG_OK); /* it was kept */
}

static void test_rings_damage_is_refused_by_name(void **state) {
    /* Goal: a damaged head, impossible positions, another store's file and a ring that is ahead of the log are WG_E_CORRUPT, another
     * version WG_E_VERSION; the file stays. */
    (void)state;
    damaged(0, 'X', WG_E_CORRUPT);
    damaged(offsetof(ring_head, version), 9, WG_E_VERSION);
    damaged(offsetof(ring_head, store_uuid), 'X', WG_E_CORRUPT);
    damaged(offsetof(ring_head, ring_id), (uint8_t)(id[0] + 100), WG_E_CORRUPT);
    damaged(offsetof(ring_head, ring_bytes), 1, WG_E_CORRUPT);
    damaged(offsetof(ring_head, logseq), 6, WG_E_CORRUPT);
    damaged(RING_LANE_AT + offsetof(wg_lane, end) + 2, 1, WG_E_CORRUPT);
    damaged(RING_LANE_AT + offsetof(wg_lane, drained), 5, WG_E_CORRUPT);
    damaged(RING_LANE_AT + offsetof(wg_lane, cut_logseq), 7, WG_E_CORRUPT);
    damaged(RING_LANE_AT + offsetof(wg_lane, pad) + 4, 1, WG_E_CORRUPT);
}

static void begun_file(uint32_t number, wg_slice bytes) {
    wg_platform *p = wg_platform_real();
    char path[RING_PATH_BYTES];
    wg_file *file = NULL;
    assert_int_equal(wgi_ring_path(directory, id, number, path, NULL), WG_OK);
    assert_int_equal(p->ops->open(p, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    if (bytes.size != 0) assert_int_equal(p->ops->write_at(p, file, 0, bytes.data, bytes.size, NULL), WG_OK);
    p->ops->close(p, file);
}

static void test_rings_that_were_being_made_hold_nothing(void **state) {
    /* Goal: a kill between the making of a file and its first bytes keeps nothing shut; a short file with bytes is damage. */
    (void)state;
    static const uint8_t zeros[100] = {0};
    wg_lanes *lanes = make(7);
    wg_lane *a = NULL;
    assert_int_equal(wg_lane_open(lanes, &a, NULL), WG_OK);
    assert_true(wg_lanes_outlive(lanes));
    put(a, "hello");
    killed(lanes);
    begun_file(1, wg_slice_of(zeros, 0));
    begun_file(2, wg_slice_of(zeros, sizeof zeros));
    expect(7, "hello");
    wg_rings *rings = NULL;
    wg_error err = {0};
    begun_file(0, wg_slice_str("WGRING"));
    assert_int_equal(reopen(7, &rings, &err), WG_E_CORRUPT);
    char path[RING_PATH_BYTES];
    assert_int_equal(wgi_ring_path(directory, id, 0, path, NULL), WG_OK);
    assert_int_equal(wg_platform_real()->ops->unlink(wg_platform_real(), path, NULL), WG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rings_of_a_killed_process_come_back_once, setup),
        cmocka_unit_test_setup(test_rings_are_taken_behind_the_drain_that_the_log_has, setup),
        cmocka_unit_test_setup(test_rings_are_not_taken_twice_when_their_removal_was_cut_short, setup),
        cmocka_unit_test_setup(test_rings_wrap_and_padding_survive, setup),
        cmocka_unit_test_setup(test_rings_all_count_or_none, setup),
        cmocka_unit_test_setup(test_rings_clean_end_removes_or_keeps_what_is_wanted, setup),
        cmocka_unit_test_setup(test_rings_in_use_are_left_alone, setup),
        cmocka_unit_test_setup(test_rings_damage_is_refused_by_name, setup),
        cmocka_unit_test_setup(test_rings_that_were_being_made_hold_nothing, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
