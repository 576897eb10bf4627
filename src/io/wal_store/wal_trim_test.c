/* Tests of a log that begins at a later segment: keep_from, trim, the start's chain, forgetting. */
#include "io/wal_store/wal_test_kit.h"

enum { COMMITS = 60 };

static size_t size_spread(uint64_t n) { return n % 9 == 0 ? 20000 : (size_t)(n * 571 % 3000); }

typedef struct history {
    wg_sha256 chain[COMMITS + 1];
    uint64_t keep[COMMITS + 1];
} history;

/* Appends COMMITS commits, some over several segments, the last synced. */
static void fill(fixture *f, history *h) {
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    for (uint64_t n = 1; n <= COMMITS; n++) append_sized(f, size_spread(n), n % 7 == 0 || n == COMMITS);
    for (uint64_t n = 0; n <= COMMITS; n++) {
        assert_true(wg_wal_chain_at(f->wal, n, &h->chain[n]));
        h->keep[n] = wg_wal_keep_from(f->wal, n);
        if (n > 0) assert_true(h->keep[n] >= h->keep[n - 1]);
    }
    assert_int_equal(h->keep[0], 1);
    assert_true(h->keep[COMMITS] == f->wal->number);
}

static void start_after(fixture *f, const history *h, uint64_t after) {
    f->options.first_segment = h->keep[after];
    f->options.after = after;
    f->options.chain = h->chain[after];
}

static replayed expect_after(uint64_t after) { return (replayed){.size_of = size_spread, .count = after}; }

static wg_code scan_from(fixture *f, replayed *r, wg_wal_recovery *found, wg_error *err) {
    memset(err, 0, sizeof *err);
    return wg_wal_scan_from(f->p, "/wal", &f->options, check_payload, r, found, err);
}

/* Goal: from what keep_from names for any commit, exactly the later commits are replayed and the chain ends the same; another
 * chain value is damage wherever it can be computed; a segment too late is refused. */
static void test_wal_scan_from_every_commit(void **state) {
    fixture *f = *state;
    static history h;
    wg_wal_recovery found;
    wg_error err;
    unsigned refused = 0;
    unsigned inside = 0;
    fill(f, &h);
    for (uint64_t after = 0; after <= COMMITS; after++) {
        replayed r = expect_after(after);
        start_after(f, &h, after);
        const wg_code code = scan_from(f, &r, &found, &err);
        if (code != WG_OK) fail_msg("after %llu: %s", (unsigned long long)after, err.message);
        assert_int_equal(r.count, COMMITS);
        assert_int_equal(found.records, COMMITS - after);
        assert_int_equal(found.last_logseq, COMMITS);
        assert_memory_equal(found.chain.bytes, h.chain[COMMITS].bytes, 32);
        f->options.chain.bytes[5] ^= 1;
        r = expect_after(after);
        if (scan_from(f, &r, &found, &err) == WG_E_CORRUPT) refused++;
        else inside++; /* the segment begins inside a commit before this one */
        start_after(f, &h, after);
        f->options.first_segment++;
        r = expect_after(after);
        if (after < COMMITS && h.keep[after + 1] > h.keep[after])
            assert_int_equal(scan_from(f, &r, &found, &err), WG_E_CORRUPT);
    }
    assert_true(refused > COMMITS / 2);
    assert_true(inside > 0);
}

static uint64_t segments_on_disk(fixture *f, uint64_t *out_lowest) {
    wg_buf numbers;
    wg_buf_init(&numbers, NULL);
    assert_int_equal(wgi_wal_list(f->p, "/wal", &numbers, NULL), WG_OK);
    const uint64_t count = numbers.size / 8;
    *out_lowest = count == 0 ? 0 : wg_load_u64le(numbers.data);
    wg_buf_deinit(&numbers);
    return count;
}

/* Goal: trimming removes just the segments below, the log goes on, reopens after the commit, and a scan without a start finds
 * what is left. */
static void test_wal_trim_then_reopen(void **state) {
    fixture *f = *state;
    static history h;
    uint64_t lowest = 0;
    fill(f, &h);
    for (uint64_t after = 10; after <= COMMITS; after += 10) {
        wg_wal_metrics m;
        assert_int_equal(wg_wal_trim(f->wal, h.keep[after], NULL), WG_OK);
        wg_wal_metrics_get(f->wal, &m);
        assert_int_equal(segments_on_disk(f, &lowest), m.segments);
        assert_int_equal(lowest, h.keep[after]);
        close_log(f);
        start_after(f, &h, after);
        replayed r = expect_after(after);
        open_log(f, &r);
        assert_int_equal(r.count, COMMITS);
        assert_int_equal(f->recovery.records, COMMITS - after);
        wg_sha256 chain;
        for (uint64_t n = after; n <= COMMITS; n++) {
            assert_true(wg_wal_chain_at(f->wal, n, &chain));
            assert_memory_equal(chain.bytes, h.chain[n].bytes, 32);
            assert_int_equal(wg_wal_keep_from(f->wal, n), h.keep[n]);
        }
        if (after > 0) assert_false(wg_wal_chain_at(f->wal, after - 1, &chain));
        wg_wal_recovery found;
        assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
        assert_int_equal(found.last_logseq, COMMITS);
    }
    append_sized(f, 500, true);
    assert_int_equal(wg_wal_last_logseq(f->wal), COMMITS + 1);
}

/* Goal: a trim goes neither past the durable end nor to the segment in use, and keep_from names nothing that a crash could take
 * away. */
static void test_wal_trim_stops_at_the_durable_end(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 3000, true);
    for (size_t i = 0; i < 8; i++) append_sized(f, 3000, false);
    assert_true(f->wal->number > 2);
    assert_int_equal(wg_wal_keep_from(f->wal, 9), 1);
    assert_int_equal(wg_wal_trim(f->wal, UINT64_MAX, NULL), WG_OK);
    uint64_t lowest = 0;
    segments_on_disk(f, &lowest);
    assert_int_equal(lowest, 1);
    assert_int_equal(wg_wal_wait(f->wal, 9, NULL), WG_OK);
    assert_int_equal(wg_wal_keep_from(f->wal, 9), f->wal->number);
    assert_int_equal(wg_wal_trim(f->wal, UINT64_MAX, NULL), WG_OK);
    assert_int_equal(segments_on_disk(f, &lowest), 1);
    assert_int_equal(lowest, f->wal->number);
}

/* Goal: leftovers of a trim that a crash undid in part are ignored by a scan and removed by an open; a needed segment that is
 * missing is damage. */
static void test_wal_open_removes_leftovers_of_a_trim(void **state) {
    fixture *f = *state;
    static history h;
    fill(f, &h);
    close_log(f);
    start_after(f, &h, 40);
    assert_true(h.keep[40] > 4);
    assert_int_equal(f->p->ops->unlink(f->p, SEGMENT_2, NULL), WG_OK);
    wg_wal_recovery found;
    wg_error err = {0};
    replayed r = expect_after(40);
    assert_int_equal(scan_from(f, &r, &found, &err), WG_OK);
    assert_int_equal(r.count, COMMITS);
    r = expect_after(40);
    open_log(f, &r);
    uint64_t lowest = 0;
    segments_on_disk(f, &lowest);
    assert_int_equal(lowest, h.keep[40]);
    close_log(f);
    char path[WAL_PATH_BYTES];
    assert_int_equal(wgi_wal_path("/wal", h.keep[40], path, NULL), WG_OK);
    assert_int_equal(f->p->ops->rename(f->p, path, "/wal/x", NULL), WG_OK);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "missing"));
    assert_int_equal(f->p->ops->rename(f->p, "/wal/x", path, NULL), WG_OK);
    flip(f, path, 60);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    flip(f, path, 60);
    f->options.after = COMMITS + 1; /* more than the log has */
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    start_after(f, &h, 40);
    f->options.after = h.keep[39] < h.keep[40] ? 39 : 0; /* needs an earlier segment */
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
}

/* Goal: forgotten chain values are unknown, the others stay right, the newest is always known, and memory is given back. */
static void test_wal_chain_forget_frees(void **state) {
    fixture *f = *state;
    static wg_account account;
    static wg_sha256 chain[5001];
    wg_sha256 got;
    wg_account_init(&account, NULL, 0);
    f->options.account = &account;
    f->options.segment_bytes = 1 << 20;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (uint64_t n = 1; n <= 5000; n++) {
        append_sized(f, 10, false);
        assert_true(wg_wal_chain_at(f->wal, n, &chain[n]));
    }
    const uint64_t before = wg_account_bytes(&account);
    wg_wal_chain_forget(f->wal, 3000);
    wg_wal_chain_forget(f->wal, 2000);
    assert_true(wg_account_bytes(&account) <= before - 2 * WAL_CHAIN_BLOCK * 32);
    assert_false(wg_wal_chain_at(f->wal, 0, &got));
    assert_false(wg_wal_chain_at(f->wal, 3000, &got));
    for (uint64_t n = 3001; n <= 5000; n++) {
        assert_true(wg_wal_chain_at(f->wal, n, &got));
        assert_memory_equal(got.bytes, chain[n].bytes, 32);
    }
    wg_wal_chain_forget(f->wal, UINT64_MAX);
    assert_false(wg_wal_chain_at(f->wal, 4999, &got));
    assert_true(wg_wal_chain_at(f->wal, 5000, &got));
    append_sized(f, 10, false);
    assert_true(wg_wal_chain_at(f->wal, 5001, &got));
    assert_false(wg_wal_chain_at(f->wal, 5000, &got));
    close_log(f);
    assert_int_equal(wg_account_bytes(&account), 0);
    f->options.account = NULL;
}

/* Goal: a segment that cannot be removed is reported and stays for the next trim. */
static void test_wal_trim_failure_leaves_the_rest(void **state) {
    fixture *f = *state;
    static history h;
    wg_platform *sim = f->p;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    fill(f, &h);
    wg_platform_fault_arm(fault, 2, WG_FAULT_EACCES, false); /* the first has gone by then */
    wg_error err = {0};
    assert_int_equal(wg_wal_trim(f->wal, h.keep[COMMITS], &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 13);
    uint64_t lowest = 0;
    segments_on_disk(f, &lowest);
    assert_int_equal(lowest, 2);
    assert_int_equal(wg_wal_trim(f->wal, h.keep[COMMITS], NULL), WG_OK);
    segments_on_disk(f, &lowest);
    assert_int_equal(lowest, h.keep[COMMITS]);
    close_log(f);
    f->p = sim;
    wg_platform_fault_destroy(fault);
}

/* Goal: a trimmed segment becomes the next one: zeros, then a whole log; nothing of its former life comes back, and neither a close nor
 * a crash leaves it behind. */
static void test_wal_trimmed_segment_is_used_again(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    wg_wal_metrics m;
    wg_file_info info;
    f->options.segment_bytes = 8192;
    open_log(f, &r);
    for (uint64_t n = 1; n <= 400; n++) {
        append_sized(f, 200, true);
        if (n % 40 != 0) continue;
        wg_sha256 chain;
        assert_true(wg_wal_chain_at(f->wal, n, &chain));
        f->options.first_segment = wg_wal_keep_from(f->wal, n);
        f->options.after = n;
        f->options.chain = chain;
        assert_int_equal(wg_wal_trim(f->wal, f->options.first_segment, NULL), WG_OK);
    }
    wg_wal_metrics_get(f->wal, &m);
    assert_true(m.segments_trimmed >= 8);
    assert_true(m.segments_reused >= 4);
    for (uint64_t n = 0; n < 30; n++) append_sized(f, 200, true); /* the newest segment is one of those */
    assert_int_equal(wg_wal_trim(f->wal, wg_wal_keep_from(f->wal, 430), NULL), WG_OK);
    f->options.first_segment = wg_wal_keep_from(f->wal, 430);
    f->options.after = 430;
    assert_true(wg_wal_chain_at(f->wal, 430, &f->options.chain));
    assert_int_equal(f->p->ops->stat(f->p, "/wal/" WAL_SPARE_NAME, &info, NULL), WG_OK);
    append_sized(f, 200, true);
    crash(f, WG_CRASH_ALL_SURVIVES);
    r.count = 430;
    open_log(f, &r);
    assert_int_equal(r.count, 431);
    assert_int_equal(f->recovery.torn_tail_bytes, 0);
    assert_int_equal(f->p->ops->stat(f->p, "/wal/" WAL_SPARE_NAME, &info, NULL), WG_E_NOT_FOUND);
    close_log(f);
}

/* Goal: where many segments go at once none of them stays to be used again; where few go one does. */
static void test_wal_trim_of_many_keeps_no_spare(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    f->options.segment_bytes = 8192;
    open_log(f, &r);
    for (uint32_t round = 0; round < 2; round++) {
        const uint64_t until = f->wal->number + (round == 0 ? 25 : 24);
        while (f->wal->number < until) append_sized(f, 200, true);
        assert_int_equal(wg_wal_trim(f->wal, f->wal->number, NULL), WG_OK);
        assert_int_equal(f->wal->spare, round == 1);
    }
    close_log(f);
}

/* Goal: whichever call fails while a trimmed segment is kept and taken, nothing but its use again fails with it. */
static void test_wal_reuse_is_never_needed(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    for (uint64_t n = 1; n <= 16; n++) {
        const uint64_t number = f->wal->number;
        while (f->wal->number == number) append_sized(f, 200, true);
        assert_int_equal(wg_wal_trim(f->wal, f->wal->number, NULL), WG_OK);
        assert_true(f->wal->spare);
        while (f->wal->offset < f->wal->segment_bytes / 2) append_sized(f, 200, false);
        atomic_fetch_add(&f->wal->syncs, 8); /* as if there had been enough of them to want the next segment */
        wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
        wgi_wal_prepare(f->wal, true);
        wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
        assert_false(f->wal->spare);
        while (f->wal->number == number + 1) append_sized(f, 200, false);
        assert_false(atomic_load(&f->wal->poisoned));
    }
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    assert_true(m.segments_reused >= 10 && m.segments_reused < 16);
    f->options.first_segment = f->wal->notes.items[0].number;
    close_log(f);
    f->p = sim;
    wg_wal_recovery found;
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.torn_tail_bytes, 0);
    wg_platform_fault_destroy(fault);
}

/* Goal: a rotation between two commits leaves what was appended in the segment before, durable, and a checkpoint behind it keeps nothing of that;
 * a segment that is short enough is left alone, and a follower goes on over the border. */
static void test_wal_rotation_between_commits_leaves_the_load_behind(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    replayed followed = {.size_of = size_200};
    uint64_t more = 0;
    wg_wal_follower *follower = NULL;
    open_log(f, &r);
    for (size_t i = 0; i < 12; i++) append_sized(f, 200, i != 11);
    assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &follower, NULL), WG_OK);
    assert_int_equal(wg_wal_rotate(f->wal, 8192, NULL), WG_OK);
    assert_int_equal(f->wal->number, 1);
    assert_int_equal(wg_wal_rotate(f->wal, 256, NULL), WG_OK);
    assert_int_equal(f->wal->number, 2);
    assert_int_equal(wg_wal_durable_logseq(f->wal), 12);
    assert_int_equal(wg_wal_keep_from(f->wal, 12), 2);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &followed, &more, NULL), WG_OK);
    assert_int_equal(followed.count, 12);
    append_sized(f, 200, true);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &followed, &more, NULL), WG_OK);
    assert_int_equal(followed.count, 13);
    wg_wal_follower_close(follower);
    wg_sha256 chain;
    assert_true(wg_wal_chain_at(f->wal, 12, &chain));
    assert_int_equal(wg_wal_trim(f->wal, 2, NULL), WG_OK);
    crash(f, WG_CRASH_NONE_SURVIVES);
    f->options.first_segment = 2;
    f->options.after = 12;
    f->options.chain = chain;
    r.count = 12;
    open_log(f, &r);
    assert_int_equal(r.count, 13);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_scan_from_every_commit),
        T(test_wal_trim_then_reopen),
        T(test_wal_trim_stops_at_the_durable_end),
        T(test_wal_open_removes_leftovers_of_a_trim),
        T(test_wal_chain_forget_frees),
        T(test_wal_trim_failure_leaves_the_rest),
        T(test_wal_trimmed_segment_is_used_again),
        T(test_wal_trim_of_many_keeps_no_spare),
        T(test_wal_reuse_is_never_needed),
        T(test_wal_rotation_between_commits_leaves_the_load_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
