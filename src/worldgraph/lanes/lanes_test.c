/* Tests of lanes: rings, wraps, room, stops and cuts; that every cut is closed under what its commits saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worldgraph/lanes/lanes.h"

enum { RING = 4096, THREADS = 4, OBJECTS = 8 };

typedef struct fixture {
    wg_lanes *lanes;
    wg_mutex log;     /* one cut at a time */
    uint64_t drained; /* bytes */
    uint32_t drains;
    wg_code answer;
    wg_buf got; /* all that was drained, in order */
    uint64_t logseq;
} fixture;

static wg_lane_span spans[WG_LANES_MAX];

static void drain_now(fixture *f) {
    uint64_t bytes = 0;
    wg_lanes_stop(f->lanes);
    const uint32_t n = wg_lanes_cut(f->lanes, ++f->logseq, spans, &bytes);
    wg_lanes_go(f->lanes);
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            assert_true(wg_buf_append(&f->got, spans[i].pieces[k].data, spans[i].pieces[k].size));
    f->drained += bytes;
    f->drains++;
    wg_lanes_drained(f->lanes, spans, n);
    wg_lanes_durable(f->lanes, spans, n);
}

static wg_code drain(void *ctx, wg_error *err) {
    fixture *f = ctx;
    if (f->answer != WG_OK) return wg_error_set(err, f->answer, WG_NO_OFFSET, "refused");
    wg_mutex_lock(&f->log);
    drain_now(f);
    wg_mutex_unlock(&f->log);
    return WG_OK;
}

static void make(fixture *f, bool rings) {
    *f = (fixture){0};
    wg_mutex_init(&f->log, WG_RANK_ENGINE_WRITER);
    const wg_lanes_options o = {
        .platform = wg_platform_real(), .has_rings = rings, .ring_bytes = RING, .drain = drain, .ctx = f};
    assert_int_equal(wg_lanes_create(&o, &f->lanes, NULL), WG_OK);
}

static void end(fixture *f) {
    wg_lanes_destroy(f->lanes);
    wg_buf_deinit(&f->got);
    wg_mutex_deinit(&f->log);
}

static void put(wg_lane *lane, const void *data, size_t size) {
    uint8_t *at = NULL;
    assert_int_equal(wg_lane_reserve(lane, size, &at, NULL), WG_OK);
    wg_lane_enter(lane);
    atomic_thread_fence(memory_order_seq_cst);
    assert_false(wg_lane_is_stopped(lane));
    memcpy(at, data, size);
    wg_lane_publish(lane, size);
    wg_lane_leave(lane);
}

static void test_lanes_records_come_back_in_order_over_wraps(void **state) {
    /* Goal: records of all sizes up to a quarter of the ring, drained at any time, come out whole, in order and without padding. */
    (void)state;
    fixture f;
    make(&f, true);
    wg_lane *lane = NULL;
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    wg_buf expected = {0};
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (uint32_t i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint8_t record[RING / 4];
        const size_t size = i % 97 == 0 ? RING / 4 : 1 + (size_t)(random >> 33) % 300;
        memset(record, (int)(i & 0xff), size);
        put(lane, record, size);
        assert_true(wg_buf_append(&expected, record, size));
        if ((random >> 20) % 13 == 0) drain_now(&f);
    }
    assert_true(f.drains > 100);
    drain_now(&f);
    assert_int_equal(wg_lanes_pending(f.lanes), 0);
    assert_int_equal(f.got.size, expected.size);
    assert_memory_equal(f.got.data, expected.data, expected.size);
    assert_int_equal(f.drained, expected.size);
    wg_buf_deinit(&expected);
    wg_lane_close(lane);
    end(&f);
}

static void test_lanes_ring_filled_to_its_last_byte_has_no_padding(void **state) {
    /* Goal: a wrap at exactly the ring's end, behind an earlier wrap that had padding, leaves nothing out. */
    (void)state;
    fixture f;
    make(&f, true);
    wg_lane *lane = NULL;
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    uint8_t record[RING / 4];
    memset(record, 7, sizeof record);
    for (int i = 0; i < 4; i++) put(lane, record, 1000); /* 4,000: the next one wraps, with 96 bytes of padding */
    put(lane, record, 1000);
    drain_now(&f);
    assert_int_equal(f.drained, 5000);
    for (int i = 0; i < 3; i++) put(lane, record, 1024); /* to 4,072 of the second round */
    put(lane, record, 24);
    put(lane, record, 500);
    drain_now(&f);
    assert_int_equal(f.drained, 5000 + 3 * 1024 + 24 + 500);
    wg_lane_close(lane);
    end(&f);
}

static void test_lanes_full_ring_drains_and_reports_why_not(void **state) {
    /* Goal: no room calls the drain; what that answers is the answer, nothing changes, and the lane works on afterwards. */
    (void)state;
    fixture f;
    make(&f, true);
    wg_lane *lane = NULL;
    uint8_t record[RING / 4] = {0};
    uint8_t *at = NULL;
    wg_error err = {0};
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    assert_int_equal(wg_lane_reserve(lane, RING / 4 + 1, &at, &err), WG_E_LIMIT);
    for (int i = 0; i < 4; i++) put(lane, record, sizeof record);
    f.answer = WG_E_IO;
    err = (wg_error){0};
    assert_int_equal(wg_lane_reserve(lane, 1, &at, &err), WG_E_IO);
    assert_int_equal(f.drains, 0);
    f.answer = WG_OK;
    put(lane, record, 10);
    assert_int_equal(f.drains, 1);
    assert_int_equal(f.drained, RING);
    assert_int_equal(wg_lane_durable(lane), RING);
    assert_int_equal(wg_lane_ticket(lane), RING + 10);
    drain_now(&f);
    assert_int_equal(wg_lane_durable(lane), wg_lane_ticket(lane));
    wg_lane_close(lane);
    end(&f);
}

static void test_lanes_closed_lane_keeps_bytes_and_place(void **state) {
    /* Goal: what a closed lane published is drained, its place is used again with rising tickets, and open lanes are bounded. */
    (void)state;
    fixture f;
    make(&f, true);
    wg_lane *lane = NULL;
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    put(lane, "abc", 3);
    const uint64_t ticket = wg_lane_ticket(lane);
    wg_lane_close(lane);
    wg_lane *again = NULL;
    assert_int_equal(wg_lane_open(f.lanes, &again, NULL), WG_OK);
    assert_ptr_equal(again, lane);
    put(again, "def", 3);
    assert_true(wg_lane_ticket(again) > ticket);
    drain_now(&f);
    assert_int_equal(f.got.size, 6);
    assert_memory_equal(f.got.data, "abcdef", 6);
    wg_lane *all[WG_LANES_MAX];
    all[0] = again;
    for (uint32_t i = 1; i < WG_LANES_MAX; i++) assert_int_equal(wg_lane_open(f.lanes, &all[i], NULL), WG_OK);
    wg_lane *more = NULL;
    assert_int_equal(wg_lane_open(f.lanes, &more, NULL), WG_E_LIMIT);
    assert_int_equal(wg_lanes_open_count(f.lanes), WG_LANES_MAX);
    for (uint32_t i = 0; i < WG_LANES_MAX; i++) wg_lane_close(all[i]);
    end(&f);
}

static void test_lanes_without_rings_number_and_keep_nothing(void **state) {
    /* Goal: IN_MEMORY: no room is given, cuts have no bytes. */
    (void)state;
    fixture f;
    make(&f, false);
    wg_lane *lane = NULL;
    uint8_t *at = (uint8_t *)&f;
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    assert_int_equal(wg_lane_reserve(lane, 1 << 20, &at, NULL), WG_OK);
    assert_null(at);
    wg_lane_enter(lane);
    wg_lane_publish(lane, 1);
    wg_lane_leave(lane);
    drain_now(&f);
    assert_int_equal(f.got.size, 0);
    assert_int_equal(wg_lane_durable(lane), wg_lane_ticket(lane));
    wg_lane_close(lane);
    end(&f);
}

static void test_lanes_given_up_cut_comes_again(void **state) {
    /* Goal: a drain that the log refused leaves all bytes for the next. */
    (void)state;
    fixture f;
    make(&f, true);
    wg_lane *lane = NULL;
    uint64_t bytes = 0;
    assert_int_equal(wg_lane_open(f.lanes, &lane, NULL), WG_OK);
    put(lane, "abc", 3);
    lane->time_us = 5;
    wg_lanes_stop(f.lanes);
    assert_int_equal(wg_lanes_cut(f.lanes, 1, spans, &bytes), 1);
    wg_lanes_go(f.lanes);
    assert_int_equal(lane->time_us, 0);
    wg_lanes_give_up(f.lanes, spans, 1);
    assert_int_equal(wg_lanes_pending(f.lanes), 3);
    put(lane, "de", 2);
    drain_now(&f);
    assert_memory_equal(f.got.data, "abcde", 5);
    wg_lane_close(lane);
    end(&f);
}

static void test_lanes_every_allocation_may_fail(void **state) {
    /* Goal: creation and opening without memory answer WG_E_NOMEM and leak nothing. */
    (void)state;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    for (uint64_t n = 1;; n++) {
        const wg_lanes_options o = {
            .platform = wg_platform_real(), .account = &account, .has_rings = true, .ring_bytes = RING};
        wg_lanes *lanes = NULL;
        wg_lane *lane = NULL;
        wg_memory_fail_at(n, false);
        wg_code code = wg_lanes_create(&o, &lanes, NULL);
        if (code == WG_OK) code = wg_lane_open(lanes, &lane, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        wg_lane_close(lane);
        wg_lanes_destroy(lanes);
        assert_int_equal(wg_account_bytes(&account), 0);
        if (code == WG_OK) break;
        assert_true(n < 10);
    }
}

/* ---- threads */

/* An object that commits read and write under its lock: who wrote it last. */
typedef struct object {
    _Atomic uint32_t lock;
    uint32_t lane;
    uint64_t sequence;
} object;

typedef struct record {
    uint64_t sequence; /* of its lane, from 1 */
    uint64_t seen_lane;
    uint64_t seen_sequence; /* 0: none */
} record;

typedef struct crowd {
    fixture f;
    object objects[OBJECTS];
    _Atomic uint32_t ready;
    _Atomic uint32_t running;
    uint64_t commits;
    uint64_t backed_off;
} crowd;

typedef struct member {
    crowd *crowd;
    wg_lane *lane;
    uint64_t random;
    uint64_t backed_off;
} member;

static void lock_object(object *o) {
    while (atomic_exchange(&o->lock, 1) != 0) {}
}

static bool commit_once(member *m, uint64_t sequence) {
    object *o = &m->crowd->objects[(m->random >> 40) % OBJECTS];
    uint8_t *at = NULL;
    assert_int_equal(wg_lane_reserve(m->lane, sizeof(record), &at, NULL), WG_OK);
    wg_lane_enter(m->lane);
    lock_object(o);
    const bool stopped = wg_lane_is_stopped(m->lane);
    if (!stopped) {
        const record r = {.sequence = sequence, .seen_lane = o->lane, .seen_sequence = o->sequence};
        memcpy(at, &r, sizeof r);
        wg_lane_publish(m->lane, sizeof r);
        o->lane = m->lane->number;
        o->sequence = sequence;
    }
    atomic_store(&o->lock, 0);
    wg_lane_leave(m->lane);
    return !stopped;
}

static void commit_many(void *arg) {
    member *m = arg;
    atomic_fetch_add(&m->crowd->ready, 1);
    while (atomic_load(&m->crowd->ready) < THREADS) {}
    for (uint64_t sequence = 1; sequence <= m->crowd->commits;) {
        m->random = m->random * 6364136223846793005u + 1442695040888963407u;
        if (commit_once(m, sequence)) {
            sequence++;
            continue;
        }
        m->backed_off++;
        wg_lane_wait(m->lane);
    }
    atomic_fetch_sub(&m->crowd->running, 1);
}

/* Whatever a record of the cut saw must be in it, or before it. */
static void check_cut(uint64_t *newest, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            for (size_t at = 0; at < spans[i].pieces[k].size; at += sizeof(record)) {
                record r;
                memcpy(&r, spans[i].pieces[k].data + at, sizeof r);
                assert_int_equal(r.sequence, ++newest[spans[i].lane->number]);
            }
    for (uint32_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            for (size_t at = 0; at < spans[i].pieces[k].size; at += sizeof(record)) {
                record r;
                memcpy(&r, spans[i].pieces[k].data + at, sizeof r);
                assert_true(r.seen_sequence <= newest[r.seen_lane]);
            }
}

static uint64_t newest[WG_LANES_MAX];

static void cut_and_check(fixture *f) {
    uint64_t bytes = 0;
    wg_lanes_stop(f->lanes);
    const uint32_t n = wg_lanes_cut(f->lanes, ++f->logseq, spans, &bytes);
    wg_lanes_go(f->lanes);
    check_cut(newest, n);
    f->drains++;
    wg_lanes_drained(f->lanes, spans, n);
}

static wg_code drain_and_check(void *ctx, wg_error *err) {
    fixture *f = ctx;
    (void)err;
    wg_mutex_lock(&f->log);
    cut_and_check(f);
    wg_mutex_unlock(&f->log);
    return WG_OK;
}

static void test_lanes_cuts_are_closed_under_what_was_seen(void **state) {
    /* Goal: while threads commit to shared objects over several lanes, every cut has each lane's records without a hole and all that
     * they saw. */
    (void)state;
    static crowd c;
    memset(&c, 0, sizeof c);
    memset(newest, 0, sizeof newest);
    c.commits = 40000;
    wg_mutex_init(&c.f.log, WG_RANK_ENGINE_WRITER);
    const wg_lanes_options o = {
        .platform = wg_platform_real(), .has_rings = true, .ring_bytes = RING, .drain = drain_and_check, .ctx = &c.f};
    assert_int_equal(wg_lanes_create(&o, &c.f.lanes, NULL), WG_OK);
    member members[THREADS];
    wg_thread threads[THREADS];
    atomic_store(&c.running, THREADS);
    for (uint32_t i = 0; i < THREADS; i++) {
        members[i] = (member){.crowd = &c, .random = i * 77 + 1};
        assert_int_equal(wg_lane_open(c.f.lanes, &members[i].lane, NULL), WG_OK);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(wg_thread_start(&threads[i], commit_many, &members[i], NULL), WG_OK);
    while (atomic_load(&c.running) > 0) assert_int_equal(drain_and_check(&c.f, NULL), WG_OK);
    for (uint32_t i = 0; i < THREADS; i++) wg_thread_join(&threads[i]);
    cut_and_check(&c.f);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(newest[members[i].lane->number], c.commits);
        wg_lane_close(members[i].lane);
    }
    wg_lanes_destroy(c.f.lanes);
    wg_mutex_deinit(&c.f.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes_records_come_back_in_order_over_wraps),
        cmocka_unit_test(test_lanes_ring_filled_to_its_last_byte_has_no_padding),
        cmocka_unit_test(test_lanes_full_ring_drains_and_reports_why_not),
        cmocka_unit_test(test_lanes_closed_lane_keeps_bytes_and_place),
        cmocka_unit_test(test_lanes_without_rings_number_and_keep_nothing),
        cmocka_unit_test(test_lanes_given_up_cut_comes_again),
        cmocka_unit_test(test_lanes_every_allocation_may_fail),
        cmocka_unit_test(test_lanes_cuts_are_closed_under_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
