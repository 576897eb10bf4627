/* Threads of a log that cannot start, calls of a log that takes no writes any more, rotations without memory, and options at their
 * smallest and largest (threads). */
#include "io/platform/test_wrap.h"
#include "io/wal_store/wal_test_kit.h"

static wrap_platform wrap;

/* Real time is waited for, and never for long where the machine has nothing else to do. */
static void wait_durable(fixture *f, uint64_t logseq) {
    const wg_platform_ops *ops = wg_platform_real()->ops;
    const uint64_t give_up = ops->now_ns(wg_platform_real()) + UINT64_C(300000000000);
    while (wg_wal_durable_logseq(f->wal) < logseq) {
        assert_true(ops->now_ns(wg_platform_real()) < give_up);
        wg_thread_yield();
    }
}

/* Goal: whichever of the two threads cannot be started, the call says so, none is left, and the next call starts both; asking again starts
 * no other. */
static void test_wal_either_thread_may_not_start(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    for (uint64_t n = 1; n <= 2; n++) {
        wg_error err = {0};
        append_sized(f, 100, false);
        wg_memory_fail_at(n, false);
        assert_int_equal(wg_wal_sync_soon(f->wal, wg_wal_last_logseq(f->wal), &err), WG_E_NOMEM);
        wg_memory_fail_at(0, false);
        assert_int_equal(err.code, WG_E_NOMEM);
        assert_false(atomic_load(&f->wal->has_thread));
        assert_false(atomic_load(&f->wal->stopping));
        assert_int_equal(wg_wal_durable_logseq(f->wal), n - 1);
        assert_int_equal(wg_wal_wait(f->wal, n, NULL), WG_OK);
    }
    append_sized(f, 100, false);
    assert_int_equal(wg_wal_sync_soon(f->wal, 3, NULL), WG_OK);
    assert_true(atomic_load(&f->wal->has_thread));
    wg_memory_fail_at(1, false); /* nothing is allocated: both run */
    assert_int_equal(wgi_wal_threads_start(f->wal, NULL), WG_OK);
    wg_memory_fail_at(0, false);
    wait_durable(f, 3);
    close_log(f);
}

/* Goal: a BUFFERED log whose threads cannot start is not opened, whichever allocation it is, and nothing of it is left. */
static void test_wal_buffered_opens_with_its_threads(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    close_log(f);
    f->options.durability = WG_BUFFERED;
    wg_code code = WG_E_NOMEM;
    uint64_t refused = 0;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_error err = {0};
        wg_memory_fail_at(n, true);
        code = wg_wal_open(f->p, "/wal", &f->options, NULL, NULL, &f->wal, NULL, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        assert_int_equal(err.code, WG_E_NOMEM);
        assert_null(f->wal);
        refused++;
    }
    assert_true(refused > 2);
    assert_true(atomic_load(&f->wal->has_thread));
    append_sized(f, 100, true);
    assert_int_equal(wg_wal_last_logseq(f->wal), 2);
}

/* Goal: a log that takes no writes says so to every call that would write, and does not claim to be durable any further. */
static void test_wal_poisoned_refuses_every_call(void **state) {
    fixture *f = *state;
    uint64_t position = 0;
    wg_error err = {0};
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    const wal_position durable = atomic_load(&f->wal->durable_position);
    append_sized(f, 100, false);
    wg_platform_sim_fail_sync_at(f->p, 1);
    assert_int_equal(wg_wal_durable_end(f->wal, &position, &err), WG_E_IO);
    assert_true(wg_wal_is_poisoned(f->wal));
    assert_int_equal(position, durable);
    const uint64_t number = f->wal->number;
    assert_int_equal(wg_wal_rotate(f->wal, 0, &err), WG_E_IO);
    assert_int_equal(f->wal->number, number);
    assert_int_equal(wg_wal_durable_end(f->wal, &position, &err), WG_E_IO);
    assert_int_equal(position, durable);
    assert_int_equal(wg_wal_sync_soon(f->wal, 2, &err), WG_E_IO);
    assert_int_equal(wg_wal_wait(f->wal, 2, &err), WG_E_IO);
    assert_int_equal(wg_wal_wait(f->wal, 1, &err), WG_OK); /* it was durable before */
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, 1);
}

/* One rotation on a copy of the disk, with fault n of a kind; true when the fault was met. */
static bool rotate_once(fixture *f, unsigned kind, uint64_t n) {
    wg_platform *const base = f->p;
    wg_platform *disk = NULL;
    wg_platform *fault = NULL;
    wg_error err = {0};
    assert_int_equal(wg_platform_sim_reboot(base, WG_CRASH_ALL_SURVIVES, 1, &disk, NULL), WG_OK);
    assert_int_equal(wg_platform_fault_create(disk, &fault, NULL), WG_OK);
    f->p = fault;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    const uint64_t number = f->wal->number;
    const uint64_t calls = wg_memory_calls();
    if (kind == 0) wg_memory_fail_at(n, false);
    else wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
    const wg_code code = wg_wal_rotate(f->wal, 0, &err);
    const bool met = kind == 0 ? wg_memory_calls() - calls >= n : wg_platform_fault_calls(fault) >= n;
    wg_memory_fail_at(0, false);
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    if (code == WG_OK) assert_int_equal(f->wal->number, number + 1);
    else assert_true(met && code == (kind == 0 ? WG_E_NOMEM : WG_E_IO) && err.message[0] != '\0');
    const bool poisoned = wg_wal_is_poisoned(f->wal);
    const uint64_t last = wg_wal_last_logseq(f->wal);
    if (!poisoned) append_sized(f, 100, true);
    assert_int_equal(wg_wal_close(f->wal, NULL), poisoned ? WG_E_IO : WG_OK);
    f->p = disk;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, last + (poisoned ? 0 : 1));
    close_log(f);
    wg_platform_fault_destroy(fault);
    wg_platform_sim_destroy(disk);
    f->p = base;
    return met;
}

/* Goal: whichever allocation or call of a rotation fails, the log stays where it was or is in the next segment; what was durable stays, and a
 * log that is not poisoned goes on. */
static void test_wal_rotation_may_fail(void **state) {
    fixture *f = *state;
    for (unsigned kind = 0; kind < 2; kind++) {
        uint64_t n = 1;
        while (rotate_once(f, kind, n)) n++;
        assert_true(n > 3 && n < 1000);
    }
}

/* Goal: options that are 0 get the defaults that the header names, others stay, and sizes of segments are whole sectors between their
 * bounds. */
static void test_wal_options_have_defaults(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(f->wal->options.sync_interval_ms, 100);
    assert_int_equal(f->wal->options.sync_batch_commits, 1000);
    assert_int_equal(f->wal->options.unsynced_bytes_max, WAL_UNSYNCED_BYTES_DEFAULT);
    assert_int_equal(f->wal->options.first_segment, 1);
    assert_int_equal(f->wal->options.segment_bytes, 8192);
    close_log(f);
    f->options.sync_interval_ms = 7;
    f->options.sync_batch_commits = 8;
    f->options.unsynced_bytes_max = 9;
    f->options.segment_bytes = 8192 + WAL_SECTOR_BYTES - 1;
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(f->wal->options.sync_interval_ms, 7);
    assert_int_equal(f->wal->options.sync_batch_commits, 8);
    assert_int_equal(f->wal->options.unsynced_bytes_max, 9);
    assert_int_equal(f->wal->options.segment_bytes, 8192);
    close_log(f);
    static const struct {
        uint32_t bytes;
        bool fits;
    } sizes[] = {{WAL_SEGMENT_BYTES_MIN - 1, false},
                 {WAL_SEGMENT_BYTES_MIN, true},
                 {WAL_SEGMENT_BYTES_MAX, true},
                 {(uint32_t)WAL_SEGMENT_BYTES_MAX + 1, false}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        f->options.segment_bytes = sizes[i].bytes;
        const wg_code code = wg_wal_open(f->p, "/wal", &f->options, NULL, NULL, &f->wal, NULL, NULL);
        assert_int_equal(code, sizes[i].fits ? WG_OK : WG_E_MISUSE);
        if (code == WG_OK) close_log(f);
    }
}

/* Goal: the last segment is read again while it is recovered; when that fails or shows another header, the start is refused and the next
 * one finds everything. */
static void test_wal_recovery_reads_the_last_segment_again(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    for (int i = 0; i < 3; i++) append_sized(f, 100, true);
    close_log(f);
    wg_platform *const p = wrap_begin(&wrap, f->p);
    wg_platform *const sim = f->p;
    uint32_t refused = 0;
    bool met = true;
    for (uint32_t after = 0; met; after++) {
        wg_error err = {0};
        wrap_rule(&wrap, WRAP_READ, "1.wal", WG_E_IO);
        wrap.after = after;
        wrap.times = 1;
        f->p = p;
        replayed r = {.size_of = NULL};
        const wg_code code = wg_wal_open(p, "/wal", &f->options, check_payload, &r, &f->wal, NULL, &err);
        met = wrap.met != 0;
        wrap_clear(&wrap);
        f->p = sim;
        assert_int_equal(code, met ? WG_E_IO : WG_OK);
        refused += met;
        if (code == WG_OK) assert_int_equal(r.count, 3);
        if (code == WG_OK) assert_int_equal(wg_wal_close(f->wal, NULL), WG_OK);
        f->wal = NULL;
    }
    assert_true(refused >= 2);
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, 3);
}

/* Goal: a commit that is alone becomes durable after the interval, though no batch is full and nobody asks. */
static void test_wal_one_commit_is_synced_by_time(void **state) {
    fixture *f = *state;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 1;
    f->options.sync_batch_commits = 1 << 30;
    open_log(f, &(replayed){.size_of = NULL});
    for (uint64_t n = 1; n <= 3; n++) {
        while (!atomic_load(&f->wal->sleeper_idle)) wg_thread_yield();
        append_sized(f, 100, false);
        wait_durable(f, n);
    }
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.syncs, 3);
}

/* Goal: a batch that is full to the commit is synced at once, though the interval is long and few bytes are unsynced; a commit less is not. */
static void test_wal_full_batches_are_synced(void **state) {
    fixture *f = *state;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 10;
    f->options.segment_bytes = 1 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    for (uint64_t round = 1; round <= 3; round++) {
        for (int i = 0; i < 9; i++) append_sized(f, 10, false);
        for (int i = 0; i < 200; i++) wg_thread_yield();
        assert_int_equal(wg_wal_durable_logseq(f->wal), (round - 1) * 10);
        append_sized(f, 10, false);
        wait_durable(f, round * 10);
    }
}

/* Goal: a frame with anything in a reserved byte is none, though its checksum is right. */
static void test_wal_reserved_bytes_are_zero(void **state) {
    (void)state;
    const wal_place place = {.segment_crc = wgi_wal_segment_crc(uuid_a, 1), .offset = WAL_HEADER_BYTES};
    const wal_frame frame = {.kind = WAL_FULL, .logseq = 1, .payload_bytes = 8};
    wal_frame got;
    for (uint32_t byte = 0; byte < 4; byte++) {
        uint8_t bytes[WAL_FRAME_BYTES];
        uint8_t covered[4];
        wgi_wal_frame_encode(&frame, place, bytes);
        assert_true(wgi_wal_frame_decode(bytes, place, &got));
        if (byte < 3) bytes[WAL_F_RESERVED + byte] = 1;
        wg_store_u32le(covered, place.offset);
        const uint32_t crc = wg_crc32(place.segment_crc, covered, sizeof covered);
        wg_store_u32le(bytes + WAL_F_HEADER_CRC, wg_crc32(crc, bytes + 4, WAL_FRAME_BYTES - 4));
        assert_int_equal(wgi_wal_frame_decode(bytes, place, &got), byte == 3); /* the last one is as it was */
    }
}

/* Goal: a file that is larger than any segment may be is not read; one that is as large as the largest is, and its header says what is wrong;
 * one that is as large as its header says is right. */
static void test_wal_sizes_of_files_are_bounded(void **state) {
    static const char *const told[] = {"than its header says", "than any segment"};
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    close_log(f);
    wg_file_info info;
    wg_wal_recovery found = {0};
    wg_error err = {0};
    assert_int_equal(f->p->ops->stat(f->p, SEGMENT_1, &info, NULL), WG_OK);
    wg_platform *const p = wrap_begin(&wrap, f->p);
    assert_int_equal(wg_wal_scan_from(p, "/wal", &f->options, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.last_logseq, 1);
    for (uint64_t more = 0; more < 2; more++) {
        wrap_rule(&wrap, WRAP_NONE, "1.wal", WG_OK);
        wrap.larger_by = WAL_SEGMENT_BYTES_MAX - info.size + more;
        wg_error_clear(&err);
        assert_int_equal(wg_wal_scan_from(p, "/wal", &f->options, NULL, NULL, &found, &err), WG_E_CORRUPT);
        if (strstr(err.message, told[more]) == NULL) fail_msg("%s", err.message);
        wrap_clear(&wrap);
    }
}

/* Goal: of a commit that is split no part lies behind the end of a segment. */
static void test_wal_split_commits_stay_within_segments(void **state) {
    fixture *f = *state;
    f->options.segment_bytes = 4096;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    for (size_t size = 9000; size < 9100; size += 7) append_sized(f, size, true);
    const uint64_t last = f->wal->number;
    close_log(f);
    assert_true(last > 20);
    for (uint64_t number = 1; number <= last; number++) {
        char path[WAL_PATH_BYTES];
        wg_file_info info;
        assert_int_equal(wgi_wal_path("/wal", number, path, NULL), WG_OK);
        assert_int_equal(f->p->ops->stat(f->p, path, &info, NULL), WG_OK);
        assert_true(info.size <= (number == 1 ? 8192 : 4096));
    }
}

/* Goal: segments behind a torn commit that cannot be removed refuse the start: commits that are written later must not meet them. */
static void test_wal_leftovers_must_go(void **state) {
    fixture *f = *state;
    wg_error err = {0};
    wg_wal *wal = NULL;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 3000, true);
    for (int i = 0; i < 8; i++) append_sized(f, 3000, false);
    assert_true(f->wal->number > 3);
    crash(f, WG_CRASH_ALL_SURVIVES);
    flip(f, SEGMENT_2, 4000);
    wg_platform *const p = wrap_begin(&wrap, f->p);
    wrap_rule(&wrap, WRAP_UNLINK, "3.wal", WG_E_IO);
    assert_int_equal(wg_wal_open(p, "/wal", &f->options, NULL, NULL, &wal, NULL, &err), WG_E_IO);
    assert_true(wrap.met > 0);
    assert_null(wal);
    wrap_clear(&wrap);
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_true(r.count >= 1 && r.count < 9);
    wg_file_info info;
    assert_int_equal(f->p->ops->stat(f->p, SEGMENT_3, &info, NULL), WG_E_NOT_FOUND);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_either_thread_may_not_start),
        T(test_wal_buffered_opens_with_its_threads),
        T(test_wal_poisoned_refuses_every_call),
        T(test_wal_rotation_may_fail),
        T(test_wal_one_commit_is_synced_by_time),
        T(test_wal_full_batches_are_synced),
        T(test_wal_reserved_bytes_are_zero),
        T(test_wal_sizes_of_files_are_bounded),
        T(test_wal_split_commits_stay_within_segments),
        T(test_wal_leftovers_must_go),
        T(test_wal_options_have_defaults),
        T(test_wal_recovery_reads_the_last_segment_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
