/* Tests of following a log that somebody else writes: exactly the durable commits, through rotation, trims, damage, missing or
 * torn wal/HEAD, failures of the reader, and crashes of the writer. */
#include "io/wal_store/wal_test_kit.h"

#define HEAD_PATH "/wal/HEAD"

static size_t size_spread(uint64_t n) { return n % 9 == 0 ? 20000 : (size_t)(n * 571 % 3000); }

typedef struct follow {
    wg_wal_follower *follower;
    replayed seen;
} follow;

static void follow_open(fixture *f, follow *w) {
    wg_error err = {0};
    *w = (follow){.seen = {.size_of = size_spread, .count = f->options.after}};
    const wg_code code = wg_wal_follow(f->p, "/wal", &f->options, &w->follower, &err);
    if (code != WG_OK) fail_msg("follow: %s", err.message);
}

static void follow_read(follow *w) {
    wg_error err = {0};
    uint64_t commits = 99;
    const uint64_t before = w->seen.count;
    const wg_code code = wg_wal_follower_read(w->follower, check_payload, &w->seen, &commits, &err);
    if (code != WG_OK) fail_msg("read after %llu: %s", (unsigned long long)before, err.message);
    assert_int_equal(commits, w->seen.count - before);
    assert_int_equal(wg_wal_follower_last_logseq(w->follower), w->seen.count);
}

static void expect_chain(fixture *f, const follow *w, uint64_t logseq) {
    wg_sha256 theirs;
    wg_sha256 ours;
    assert_true(wg_wal_chain_at(f->wal, logseq, &theirs));
    assert_true(wg_wal_follower_chain_at(w->follower, logseq, &ours));
    assert_memory_equal(ours.bytes, theirs.bytes, 32);
}

/* Goal: after each append and each sync a follower has exactly the durable commits, with the writer's chain, over rotations and
 * commits of several segments. */
static void test_wal_follower_sees_exactly_the_durable_commits(void **state) {
    fixture *f = *state;
    follow w;
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    follow_open(f, &w);
    for (uint64_t n = 1; n <= 80; n++) {
        append_sized(f, size_spread(n), n % 4 == 0);
        follow_read(&w);
        assert_int_equal(w.seen.count, wg_wal_durable_logseq(f->wal));
        expect_chain(f, &w, w.seen.count);
    }
    append_sized(f, size_spread(81), false);
    close_log(f);
    follow_read(&w);
    assert_int_equal(w.seen.count, 81);
    open_log(f, &r);
    follow_read(&w);
    append_sized(f, size_spread(82), true);
    follow_read(&w);
    assert_int_equal(w.seen.count, 82);
    wg_sha256 chain;
    wg_wal_follower_chain_forget(w.follower, 50);
    assert_false(wg_wal_follower_chain_at(w.follower, 50, &chain));
    expect_chain(f, &w, 51);
    wg_wal_follower_close(w.follower);
    wg_wal_follower_close(NULL);
}

/* Goal: without wal/HEAD, and with one that is torn or of another store, what the newest frame says to be durable is followed. */
static void test_wal_follower_without_head_takes_the_frames_word(void **state) {
    fixture *f = *state;
    for (unsigned kind = 0; kind < 3; kind++) {
        follow w;
        replayed r = {.size_of = size_spread};
        open_log(f, &r);
        follow_open(f, &w);
        uint64_t stated = wg_wal_last_logseq(f->wal);
        for (uint64_t n = stated + 1; n <= (kind + 1) * 50; n++) {
            if (kind == 0) (void)f->p->ops->unlink(f->p, HEAD_PATH, NULL);
            if (kind == 1) flip(f, HEAD_PATH, 33);
            if (kind == 2) flip(f, HEAD_PATH, 20);
            const uint64_t durable = wg_wal_durable_logseq(f->wal);
            append_sized(f, size_spread(n), false);
            if (n > durable + 1 || durable > stated) stated = durable;
            follow_read(&w);
            assert_int_equal(w.seen.count, stated);
            if (n % 3 == 0) assert_int_equal(wg_wal_wait(f->wal, n, NULL), WG_OK);
        }
        assert_true(w.seen.count >= (kind + 1) * 50 - 3);
        close_log(f);
        wg_wal_follower_close(w.follower);
    }
}

/* Goal: a follower that a trim has overtaken is told so, and one that starts where the manifest says goes on; so does one that
 * starts inside a commit. */
static void test_wal_follower_of_a_trimmed_log_is_expired(void **state) {
    fixture *f = *state;
    follow w;
    uint64_t commits = 0;
    wg_error err = {0};
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    follow_open(f, &w);
    for (uint64_t n = 1; n <= 40; n++) append_sized(f, size_spread(n), n % 5 == 0);
    assert_int_equal(wg_wal_trim(f->wal, wg_wal_keep_from(f->wal, 30), NULL), WG_OK);
    /* The open segment 1 is still readable; the next one is gone. */
    assert_int_equal(wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err), WG_E_EXPIRED);
    wg_wal_follower_close(w.follower);
    wg_error_clear(&err);
    assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &w.follower, &err), WG_E_EXPIRED);
    for (uint64_t after = 30; after <= 40; after++) {
        f->options.after = after;
        f->options.first_segment = wg_wal_keep_from(f->wal, after);
        assert_true(wg_wal_chain_at(f->wal, after, &f->options.chain));
        follow_open(f, &w);
        follow_read(&w);
        assert_int_equal(w.seen.count, 40);
        expect_chain(f, &w, 40);
        wg_wal_follower_close(w.follower);
    }
    f->options.chain.bytes[0] ^= 1;
    f->options.after = 39;
    f->options.first_segment = wg_wal_keep_from(f->wal, 30);
    follow_open(f, &w);
    wg_error_clear(&err);
    assert_int_equal(wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err), WG_E_CORRUPT);
    wg_wal_follower_close(w.follower);
    close_log(f);
    wg_error_clear(&err);
    assert_int_equal(wg_wal_follow(f->p, "/nowhere", &f->options, &w.follower, &err), WG_E_NOT_FOUND);
}

/* Goal: a follower whose open segment was trimmed, and written over to be used again, is told that it expired: not of damage. */
static void test_wal_follower_of_a_reused_segment_is_expired(void **state) {
    fixture *f = *state;
    follow w;
    uint64_t commits = 0;
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    for (uint64_t n = 1; n <= 3; n++) append_sized(f, size_spread(n), true);
    follow_open(f, &w);
    follow_read(&w);
    assert_int_equal(w.seen.count, 3); /* stands in segment 1 */
    assert_int_equal(f->wal->number, 1);
    uint64_t n = 4;
    wg_wal_metrics m;
    do {
        for (unsigned i = 0; i < 4; i++, n++) append_sized(f, size_spread(n), true);
        assert_int_equal(wg_wal_trim(f->wal, wg_wal_keep_from(f->wal, n - 1), NULL), WG_OK);
        atomic_fetch_add(&f->wal->syncs, 8); /* the next segment is wanted as soon as this one is half full */
        wgi_wal_prepare(f->wal, true);
        wg_wal_metrics_get(f->wal, &m);
    } while (m.segments_reused == 0);
    wg_error err = {0};
    assert_int_equal(wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err), WG_E_EXPIRED);
    assert_true(err.message[0] != '\0');
    assert_int_equal(w.seen.count, 3);
    wg_wal_follower_close(w.follower);
    close_log(f);
}

/* Goal: any flipped bit of durable bytes is damage to a follower too, never another answer; once it is put right the follower
 * goes on where it was. */
static void test_wal_follower_refuses_damage(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    for (uint64_t n = 1; n <= 8; n++) append_sized(f, size_spread(n), true);
    const uint64_t end = f->wal->offset;
    const uint64_t last = f->wal->number;
    assert_true(last > 1);
    for (uint64_t segment = 1; segment <= 2; segment++) {
        const char *path = segment == 1 ? SEGMENT_1 : SEGMENT_2;
        for (uint64_t offset = 0; offset < (segment == last ? end : 6000); offset += 37) {
            follow w;
            uint64_t commits = 0;
            wg_error err = {0};
            follow_open(f, &w);
            flip(f, path, offset);
            const wg_code code = wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err);
            flip(f, path, offset);
            /* The header of segment 1 was read before; padding and what lies behind the frames is not. */
            if (code != WG_OK) assert_int_equal(code, WG_E_CORRUPT);
            else assert_true(segment == 1 ? offset < WAL_HEADER_BYTES || offset > 5000 : offset > 3000);
            follow_read(&w);
            assert_int_equal(w.seen.count, 8);
            wg_wal_follower_close(w.follower);
        }
    }
}

/* Goal: an error of the callback, a failing call and a refused allocation, each at every place, lose no commit and repeat none. */
static void test_wal_follower_goes_on_after_any_failure(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    replayed r = {.size_of = size_spread};
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    open_log(f, &r);
    for (uint64_t n = 1; n <= 30; n++) append_sized(f, size_spread(n), true);
    unsigned failures = 0;
    for (unsigned kind = 0; kind < 4; kind++) {
        if (kind == 2) assert_int_equal(sim->ops->unlink(sim, HEAD_PATH, NULL), WG_OK);
        for (uint64_t n = 1; n < 60; n++) {
            follow w;
            uint64_t commits = 0;
            wg_error err = {0};
            f->p = fault;
            follow_open(f, &w);
            f->p = sim;
            if (kind % 2 == 0) wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
            else wg_memory_fail_at(n, false);
            wg_code code = wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err);
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            if (code != WG_OK) {
                assert_true(code == WG_E_IO || code == WG_E_NOMEM);
                assert_true(err.message[0] != '\0');
                failures++;
            }
            w.seen.fail = WG_E_LIMIT;
            wg_error_clear(&err);
            code = wg_wal_follower_read(w.follower, check_payload, &w.seen, &commits, &err);
            assert_true(code == WG_E_LIMIT || (code == WG_OK && commits == 0));
            w.seen.fail = WG_OK;
            follow_read(&w);
            assert_true(w.seen.count >= 29); /* without HEAD the last sync is not stated yet */
            wg_wal_follower_close(w.follower);
        }
    }
    assert_true(failures > 20);
    for (uint64_t n = 1;; n++) {
        follow w = {.follower = NULL};
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_wal_follow(sim, "/wal", &f->options, &w.follower, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) {
            wg_wal_follower_close(w.follower);
            break;
        }
        assert_int_equal(code, WG_E_NOMEM);
    }
    wg_platform_fault_destroy(fault);
}

/* Goal: the writer loses power, recovers and goes on: the follower has seen nothing that was lost, and sees what comes. */
static void test_wal_follower_outlives_a_crash_of_the_writer(void **state) {
    fixture *f = *state;
    for (unsigned pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
        follow w;
        replayed r = {.size_of = size_spread};
        open_log(f, &r);
        const uint64_t from = r.count;
        for (uint64_t n = from + 1; n <= from + 12; n++) append_sized(f, size_spread(n), n % 5 == 0);
        follow_open(f, &w);
        follow_read(&w);
        assert_int_equal(w.seen.count, wg_wal_durable_logseq(f->wal));
        const uint64_t seen = w.seen.count;
        wg_wal_follower_close(w.follower);
        crash(f, (wg_crash_pattern)pattern);
        /* Nobody has recovered yet: what a reader sees now was durable. */
        follow_open(f, &w);
        follow_read(&w);
        assert_true(w.seen.count <= from + 12);
        const uint64_t between = w.seen.count;
        r.count = 0;
        open_log(f, &r);
        assert_true(r.count >= seen);
        assert_true(r.count >= between);
        append_sized(f, size_spread(r.count + 1), true);
        follow_read(&w);
        assert_int_equal(w.seen.count, r.count + 1);
        expect_chain(f, &w, w.seen.count);
        wg_wal_follower_close(w.follower);
        close_log(f);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_follower_sees_exactly_the_durable_commits),
        T(test_wal_follower_without_head_takes_the_frames_word),
        T(test_wal_follower_of_a_trimmed_log_is_expired),
        T(test_wal_follower_of_a_reused_segment_is_expired),
        T(test_wal_follower_refuses_damage),
        T(test_wal_follower_goes_on_after_any_failure),
        T(test_wal_follower_outlives_a_crash_of_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
