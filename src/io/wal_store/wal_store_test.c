/* Tests of the log: round trips, rotation, recovery, damage, failures. All run on the simulated disk. */
#include "io/wal_store/wal_test_kit.h"

/* Goal: payloads of 0 bytes to 4 MiB, over many small segments, are replayed equal and in order. */
static void test_wal_round_trips_every_size(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_big};
    open_log(f, &r);
    for (size_t i = 0; i < 24; i++) append_sized(f, size_big(i + 1), i % 3 == 0);
    wg_sha256 chain;
    wg_sha256 at_12;
    assert_true(wg_wal_chain_at(f->wal, 24, &chain));
    assert_true(wg_wal_chain_at(f->wal, 12, &at_12));
    assert_false(wg_wal_chain_at(f->wal, 25, &chain));
    close_log(f);
    open_log(f, &r);
    assert_int_equal(r.count, 24);
    assert_int_equal(f->recovery.last_logseq, 24);
    assert_int_equal(f->recovery.torn_tail_bytes, 0);
    assert_memory_equal(f->recovery.chain.bytes, chain.bytes, 32);
    wg_sha256 again;
    assert_true(wg_wal_chain_at(f->wal, 12, &again));
    assert_memory_equal(again.bytes, at_12.bytes, 32);
    assert_true(wg_wal_chain_at(f->wal, 0, &again));
    assert_int_equal(again.bytes[0], 0);
}

/* Goal: the chain is what the header says, computed here from its definition. */
static void test_wal_chain_follows_its_definition(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    wg_sha256 expected = {{0}};
    for (uint64_t n = 1; n <= 3; n++) {
        uint8_t bytes[32 + 16 + 200];
        memcpy(bytes, expected.bytes, 32);
        wg_store_u64le(bytes + 32, n);
        wg_store_u64le(bytes + 40, 200);
        payload_make(n, 200, bytes + 48);
        const wg_slice whole = wg_slice_of(bytes, sizeof bytes);
        wg_sha256_of(&whole, 1, &expected);
        append_sized(f, 200, false);
        wg_sha256 chain;
        assert_true(wg_wal_chain_at(f->wal, n, &chain));
        assert_memory_equal(chain.bytes, expected.bytes, 32);
    }
}

/* Goal: a torn tail is cut, not skipped: after recovery, new commits and a second crash, recovery works again. */
static void test_wal_double_recovery_finds_no_garbage(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_many};
    open_log(f, &r);
    for (size_t i = 1; i <= 10; i++) append_sized(f, size_many(i), true);
    assert_int_equal(wgi_wal_stage_leave(f->wal, NULL), WG_OK); /* what waits in memory would leave no tail */
    append_sized(f, size_many(11), false);
    crash(f, WG_CRASH_GARBAGE);
    open_log(f, &r);
    assert_int_equal(r.count, 10);
    assert_true(f->recovery.torn_tail_bytes > 0);
    for (size_t i = 11; i <= 14; i++) append_sized(f, size_many(i), true);
    crash(f, WG_CRASH_NONE_SURVIVES);
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, 14);
    assert_int_equal(f->recovery.torn_tail_bytes, 0);
}

/* Goal: of several unsynced commits the later survive and the first does not: a torn tail, not damage. */
static void test_wal_unsynced_hole_is_a_torn_tail(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 600, true);
    for (size_t i = 0; i < 4; i++) append_sized(f, 600, false);
    crash(f, WG_CRASH_ONLY_LAST);
    open_log(f, &r);
    assert_int_equal(r.count, 1);
    assert_true(f->recovery.torn_tail_bytes > 0);
}

/* Goal: any flipped byte of synced commits refuses with segment and offset, because a later frame proves the sync. */
static void test_wal_damage_before_the_durable_mark_refuses(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    for (size_t i = 0; i < 8; i++) append_sized(f, 200, true);
    close_log(f);
    const uint64_t end = WAL_HEADER_BYTES + 8 * wal_frame_size(200);
    wg_error err;
    for (uint64_t offset = 0; offset < end; offset += 5) {
        flip(f, SEGMENT_1, offset);
        const wg_code code = open_refused(f, &err);
        assert_int_equal(code, WG_E_CORRUPT);
        assert_non_null(strstr(err.message, "00000000000000000001.wal"));
        assert_true(err.offset <= offset);
        assert_true(err.offset + wal_frame_size(200) > offset || err.offset == 0);
        flip(f, SEGMENT_1, offset);
    }
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, 8);
}

static void append_three_segments(fixture *f) {
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    while (f->wal->number < 3 || f->wal->offset < 1000) append_sized(f, 200, true);
    close_log(f);
}

/* Goal: a missing first or middle segment, a segment of another store, a newer version and a swapped segment are typed. */
static void test_wal_missing_and_foreign_segments_are_typed(void **state) {
    fixture *f = *state;
    wg_error err;
    append_three_segments(f);
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_2, "/wal/x", NULL), WG_OK);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_3, SEGMENT_2, NULL), WG_OK);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "renamed"));
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_2, SEGMENT_3, NULL), WG_OK);
    assert_int_equal(f->p->ops->rename(f->p, "/wal/x", SEGMENT_2, NULL), WG_OK);
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_1, "/wal/x", NULL), WG_OK);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_int_equal(f->p->ops->rename(f->p, "/wal/x", SEGMENT_1, NULL), WG_OK);
    f->options.store_uuid[3] ^= 1;
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "another store"));
    f->options.store_uuid[3] ^= 1;
    uint8_t header[WAL_HEADER_BYTES];
    wal_header h = {.number = 1, .segment_bytes = 8192, .first_logseq = 1};
    wgi_wal_header_encode(&h, uuid_a, header);
    wg_store_u32le(header + WAL_H_VERSION, 2);
    wg_store_u32le(header + WAL_H_CRC, wg_crc32(0, header, WAL_H_CRC));
    patch(f, SEGMENT_1, 0, header, sizeof header);
    assert_int_equal(open_refused(f, &err), WG_E_VERSION);
    assert_int_equal(f->p->ops->unlink(f->p, SEGMENT_1, NULL), WG_OK);
    assert_int_equal(f->p->ops->unlink(f->p, SEGMENT_2, NULL), WG_OK);
    assert_int_equal(f->p->ops->unlink(f->p, SEGMENT_3, NULL), WG_OK);
    assert_int_equal(open_refused(f, &err), WG_E_NOT_FOUND);
}

/* Goal: a valid frame that repeats a commit number is refused, even where nothing proves a sync. */
static void test_wal_repeated_logseq_refuses(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    append_sized(f, 200, true);
    crash(f, WG_CRASH_NONE_SURVIVES);
    const uint32_t offset = WAL_HEADER_BYTES + 2 * (uint32_t)wal_frame_size(200);
    const wal_place place = {.segment_crc = wgi_wal_segment_crc(uuid_a, 1), .offset = offset};
    const wal_frame frame = {.kind = WAL_FULL,
                             .logseq = 2,
                             .durable = wal_position_of(1, offset),
                             .payload_crc = wgi_wal_payload_crc(place, 0, NULL, 0)};
    uint8_t bytes[WAL_FRAME_BYTES];
    wgi_wal_frame_encode(&frame, place, bytes);
    patch(f, SEGMENT_1, offset, bytes, sizeof bytes);
    wg_error err;
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_int_equal(err.offset, offset);
    assert_non_null(strstr(err.message, "repeated"));
}

/* Goal: a scan reports the same as recovery and changes nothing. */
static void test_wal_scan_changes_nothing(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_many};
    open_log(f, &r);
    for (size_t i = 1; i <= 30; i++) append_sized(f, size_many(i), i <= 20);
    crash(f, WG_CRASH_TORN_MIDDLE);
    wg_buf before;
    wg_buf after;
    wg_buf_init(&before, NULL);
    wg_buf_init(&after, NULL);
    assert_true(wg_platform_sim_dump(f->p, &before));
    wg_wal_recovery found;
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, check_payload, &r, &found, NULL), WG_OK);
    assert_true(wg_platform_sim_dump(f->p, &after));
    assert_true(wg_slice_equal(wg_buf_slice(&before), wg_buf_slice(&after)));
    const uint64_t count = r.count;
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, count);
    assert_memory_equal(&found, &f->recovery, sizeof found);
    wg_buf_deinit(&before);
    wg_buf_deinit(&after);
}

/* Goal: an error of the replay callback stops the open and is returned. */
static void test_wal_replay_error_stops_open(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    close_log(f);
    replayed stop = {.fail = WG_E_LIMIT};
    wg_error err = {0};
    assert_int_equal(wg_wal_open(f->p, "/wal", &f->options, check_payload, &stop, &f->wal, NULL, &err), WG_E_LIMIT);
    assert_null(f->wal);
}

/* Goal: a failed sync poisons: the commit is not acknowledged, every later call fails, and what no sync covered is gone
 * after reopening, also when the system's cache still had it. */
static void test_wal_failed_sync_poisons_and_forgets(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    append_sized(f, 200, false);
    wg_platform_sim_fail_sync_at(f->p, 1);
    wg_error err = {0};
    assert_int_equal(wg_wal_wait(f->wal, 2, &err), WG_E_IO);
    assert_int_equal(err.sys_errno, 5);
    uint64_t logseq;
    const wg_slice part = wg_slice_str("x");
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    assert_int_equal(wg_wal_wait(f->wal, 2, NULL), WG_E_IO);
    assert_int_equal(wg_wal_wait(f->wal, 1, NULL), WG_OK); /* was durable before */
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
    open_log(f, &r);
    assert_int_equal(r.count, 1);
    for (size_t i = 0; i < 5; i++) append_sized(f, 200, true);
    crash(f, WG_CRASH_NONE_SURVIVES);
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, 6);
}

/* Goal: when the next segment cannot be made, the append fails whole; once there is room again the log goes on, and no
 * trace of the failed commit is in it. */
static void test_wal_rotation_without_space_fails_whole(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 3000, true);
    static uint8_t big[60000];
    const wg_slice part = wg_slice_of(big, sizeof big);
    uint64_t logseq = 99;
    for (uint64_t n = 1; n <= 40; n++) {
        wg_error err = {0};
        wg_platform_fault_arm(fault, n, WG_FAULT_ENOSPC, false);
        const wg_code code = wg_wal_append(f->wal, &part, 1, &logseq, &err);
        wg_platform_fault_arm(fault, 0, WG_FAULT_ENOSPC, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_IO);
        assert_int_equal(err.sys_errno, 28);
        assert_int_equal(wg_wal_last_logseq(f->wal), 1);
        assert_false(f->wal->poisoned);
        assert_true(n < 40);
    }
    assert_int_equal(logseq, 2);
    append_sized(f, 10, true);
    close_log(f);
    f->p = sim;
    wg_platform_fault_destroy(fault);
    open_log(f, &r);
    assert_int_equal(r.count, 3);
}

/* Goal: a short write is wiped; the next commit takes its number and place. */
static void test_wal_short_write_is_taken_back(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    f->p = fault;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 100, true);
    uint64_t logseq;
    static const uint8_t big[5000] = {9, 9, 9};
    const wg_slice part = wg_slice_of(big, sizeof big);
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, false);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    append_sized(f, 10, true);
    /* A failure that cannot be taken back poisons. */
    wg_platform_fault_arm(fault, 1, WG_FAULT_SHORT_WRITE, true);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
    f->p = sim;
    wg_platform_fault_destroy(fault);
    open_log(f, &r);
    assert_int_equal(r.count, 2);
}

/* Goal: misuse is answered, not obeyed. */
static void test_wal_misuse_is_typed(void **state) {
    fixture *f = *state;
    wg_wal_options options = f->options;
    wg_wal *wal = NULL;
    options.durability = WG_IN_MEMORY;
    assert_int_equal(wg_wal_open(f->p, "/wal", &options, NULL, NULL, &wal, NULL, NULL), WG_E_MISUSE);
    options.durability = WG_STRICT;
    options.segment_bytes = 100;
    assert_int_equal(wg_wal_create(f->p, "/wal", &options, NULL), WG_E_MISUSE);
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    assert_int_equal(wg_wal_wait(f->wal, 1, NULL), WG_E_MISUSE);
    const wg_slice huge[2] = {wg_slice_of("", SIZE_MAX / 2), wg_slice_of("", SIZE_MAX / 2)};
    uint64_t logseq;
    assert_int_equal(wg_wal_append(f->wal, huge, 2, &logseq, NULL), WG_E_LIMIT);
    append_sized(f, 200, true);
    close_log(f);
    assert_int_equal(wg_wal_create(f->p, "/wal", &f->options, NULL), WG_E_EXISTS);
    assert_int_equal(wg_wal_close(NULL, NULL), WG_OK);
}

/* Goal: BUFFERED makes commits durable by itself, by time and by batch, with nobody waiting. */
static void test_wal_buffered_syncs_in_the_background(void **state) {
    fixture *f = *state;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 1;
    f->options.sync_batch_commits = 10;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    for (size_t i = 0; i < 25; i++) append_sized(f, 200, false);
    const uint64_t give_up = wg_platform_real()->ops->now_ns(wg_platform_real()) + UINT64_C(300000000000);
    while (wg_wal_durable_logseq(f->wal) < 25) {
        assert_true(wg_platform_real()->ops->now_ns(wg_platform_real()) < give_up);
        wg_thread_yield();
    }
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    assert_true(m.syncs >= 1);
    assert_int_equal(m.appends, 25);
    assert_int_equal(m.append_bytes, 5000);
    crash(f, WG_CRASH_NONE_SURVIVES);
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, 25);
}

/* Goal: opening and closing without commits changes nothing after the first time, so logs do not grow by being read. */
static void test_wal_reopening_adds_nothing(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    close_log(f);
    wg_buf dumps[2];
    for (size_t i = 0; i < 2; i++) {
        wg_buf_init(&dumps[i], NULL);
        r.count = 0;
        open_log(f, &r);
        close_log(f);
        assert_true(wg_platform_sim_dump(f->p, &dumps[i]));
    }
    assert_true(wg_slice_equal(wg_buf_slice(&dumps[0]), wg_buf_slice(&dumps[1])));
    wg_buf_deinit(&dumps[0]);
    wg_buf_deinit(&dumps[1]);
}

/* Goal: the bytes are those of docs/format/wal.md; a change of layout fails here. */
static void test_wal_bytes_are_stable(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    append_sized(f, 200, true);
    close_log(f);
    wg_file *file;
    uint8_t bytes[8192];
    size_t n;
    assert_int_equal(f->p->ops->open(f->p, SEGMENT_1, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, 0, bytes, sizeof bytes, &n, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    assert_int_equal(n, 8192);
    assert_memory_equal(bytes, "WGWAL\r\n\x1a\x01\0\0\0\x80\0\0\0", 16);
    assert_int_equal(wg_crc32(0, bytes, n), UINT32_C(0xe562e890));
}

/* wal/HEAD is never synced, on purpose: it is no part of what must survive. */
static void forget_head(wg_platform *p) {
    (void)p->ops->unlink(p, "/wal/HEAD", NULL);
    assert_int_equal(p->ops->sync_directory(p, "/wal", NULL), WG_OK);
}

/* Goal: after a kill (not a power failure) recovery reads commits that only the system's cache holds; what it has shown
 * must survive the next power failure, in every segment and under every name, without one further append. */
static void test_wal_reopening_after_a_kill_syncs_what_it_shows(void **state) {
    fixture *f = *state;
    for (unsigned pattern = 0; pattern < WG_CRASH_PATTERN_COUNT; pattern++) {
        wg_platform *sim = f->p;
        wg_platform *fault;
        wg_platform *after;
        assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
        f->p = fault;
        replayed r = {.size_of = NULL};
        open_log(f, &r);
        for (size_t i = 0; i < 60; i++) append_sized(f, 400, false);
        /* The process is gone: nothing of its close reaches the disk. */
        wg_platform_fault_arm(fault, 1, WG_FAULT_EIO, true);
        wg_wal_close(f->wal, NULL);
        f->wal = NULL;
        wg_platform_fault_destroy(fault);
        f->p = sim;
        r.count = 0;
        open_log(f, &r);
        const uint64_t shown = r.count;
        assert_true(shown >= 60);
        assert_int_equal(wg_platform_sim_reboot(sim, (wg_crash_pattern)pattern, 4, &after, NULL), WG_OK);
        forget_head(sim);
        forget_head(after);
        wg_buf before;
        wg_buf synced;
        wg_buf_init(&before, NULL);
        wg_buf_init(&synced, NULL);
        assert_true(wg_platform_sim_dump(sim, &before));
        assert_true(wg_platform_sim_dump(after, &synced));
        assert_true(wg_slice_equal(wg_buf_slice(&before), wg_buf_slice(&synced))); /* nothing is left pending */
        wg_buf_deinit(&before);
        wg_buf_deinit(&synced);
        close_log(f);
        f->p = after;
        wg_platform_sim_destroy(sim);
        r.count = 0;
        open_log(f, &r);
        assert_int_equal(r.count, shown);
        close_log(f);
    }
}

/* Goal: the wiping of a torn tail is on the disk before the log is handed out. */
static void test_wal_recovery_syncs_the_cut(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    wg_platform *after;
    open_log(f, &r);
    append_sized(f, 600, true);
    for (size_t i = 0; i < 4; i++) append_sized(f, 600, false);
    crash(f, WG_CRASH_ONLY_LAST);
    open_log(f, &r);
    assert_true(f->recovery.torn_tail_bytes > 0);
    assert_int_equal(wg_platform_sim_reboot(f->p, WG_CRASH_NONE_SURVIVES, 1, &after, NULL), WG_OK);
    wg_wal_recovery found;
    assert_int_equal(wg_wal_scan(after, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.torn_tail_bytes, 0);
    assert_int_equal(found.last_logseq, 1);
    wg_platform_sim_destroy(after);
}

/* Goal: a second segment that does not begin where the first ends is residue, however well the rest of it fits. */
static void test_wal_segment_must_begin_where_the_last_ended(void **state) {
    fixture *f = *state;
    for (uint64_t shift = 0; shift <= 8; shift += 8) {
        replayed r = {.size_of = NULL};
        open_log(f, &r);
        if (shift == 0) append_sized(f, 200, true);
        const uint64_t last = wg_wal_last_logseq(f->wal);
        wal_header h = {.number = f->wal->number + 1,
                        .segment_bytes = 8192,
                        .first_logseq = last + 1,
                        .previous_end = wal_position_of(f->wal->number, f->wal->offset + shift),
                        .chain = f->wal->chain.head};
        crash(f, WG_CRASH_NONE_SURVIVES);
        char path[WAL_PATH_BYTES];
        wg_file *file;
        assert_int_equal(wgi_wal_path("/wal", h.number, path, NULL), WG_OK);
        assert_int_equal(wgi_wal_segment_make(f->p, path, &h, uuid_a, true, &file, NULL), WG_OK);
        f->p->ops->close(f->p, file);
        const wal_place place = {.segment_crc = wgi_wal_segment_crc(uuid_a, h.number), .offset = WAL_HEADER_BYTES};
        const wal_frame frame = {
            .kind = WAL_FULL, .logseq = last + 1, .payload_crc = wgi_wal_payload_crc(place, 0, NULL, 0)};
        uint8_t bytes[WAL_FRAME_BYTES];
        wgi_wal_frame_encode(&frame, place, bytes);
        patch(f, path, WAL_HEADER_BYTES, bytes, sizeof bytes);
        r.count = 0;
        open_log(f, &r);
        assert_int_equal(r.count, shift == 0 ? last + 1 : last);
        close_log(f);
    }
}

/* Goal: the first part of one attempt at a commit and the last part of another never make a commit. */
static void test_wal_parts_of_two_attempts_do_not_join(void **state) {
    fixture *f = *state;
    static uint8_t segment[8192];
    size_t n = 0;
    for (uint8_t attempt = 0; attempt < 2; attempt++) {
        static uint8_t bytes[9000];
        memset(bytes, attempt + 1, sizeof bytes);
        const wg_slice part = wg_slice_of(bytes, sizeof bytes);
        wg_platform *p;
        wg_file *file;
        uint64_t logseq = 0;
        replayed r = {.size_of = NULL};
        assert_int_equal(wg_platform_sim_reboot(f->p, WG_CRASH_NONE_SURVIVES, 1, &p, NULL), WG_OK);
        if (attempt == 1) {
            wg_platform_sim_destroy(f->p);
            f->p = p;
        }
        assert_int_equal(wg_wal_open(p, "/wal", &f->options, NULL, NULL, &f->wal, NULL, NULL), WG_OK);
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        if (attempt == 0) {
            assert_int_equal(p->ops->open(p, SEGMENT_2, WG_OPEN_READ, &file, NULL), WG_OK);
            assert_int_equal(p->ops->read_at(p, file, 0, segment, sizeof segment, &n, NULL), WG_OK);
            assert_true(n > WAL_HEADER_BYTES); /* it has grown just as far as it was filled */
            p->ops->close(p, file);
            wg_wal_close(f->wal, NULL);
            f->wal = NULL;
            wg_platform_sim_destroy(p);
            continue;
        }
        crash(f, WG_CRASH_ALL_SURVIVES);
        open_log(f, &r);
        assert_int_equal(r.count, 1);
        crash(f, WG_CRASH_ALL_SURVIVES);
        patch(f, SEGMENT_2, 0, segment, sizeof segment);
        r.count = 0;
        open_log(f, &r);
        assert_int_equal(r.count, 0);
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_round_trips_every_size),
        T(test_wal_chain_follows_its_definition),
        T(test_wal_double_recovery_finds_no_garbage),
        T(test_wal_unsynced_hole_is_a_torn_tail),
        T(test_wal_damage_before_the_durable_mark_refuses),
        T(test_wal_missing_and_foreign_segments_are_typed),
        T(test_wal_repeated_logseq_refuses),
        T(test_wal_scan_changes_nothing),
        T(test_wal_replay_error_stops_open),
        T(test_wal_failed_sync_poisons_and_forgets),
        T(test_wal_rotation_without_space_fails_whole),
        T(test_wal_short_write_is_taken_back),
        T(test_wal_misuse_is_typed),
        T(test_wal_buffered_syncs_in_the_background),
        T(test_wal_reopening_adds_nothing),
        T(test_wal_bytes_are_stable),
        T(test_wal_reopening_after_a_kill_syncs_what_it_shows),
        T(test_wal_recovery_syncs_the_cut),
        T(test_wal_segment_must_begin_where_the_last_ended),
        T(test_wal_parts_of_two_attempts_do_not_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
