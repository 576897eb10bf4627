/* What a log answers at its edges: commits split over segments seen one file at a time, frames and headers that could not stand where
 * they stand, a start that is not there, calls that fail while an earlier failure is cleared away, and paths near the limit. */
#include "io/platform/test_wrap.h"
#include "io/wal_store/wal_test_kit.h"

enum { SMALL = 4096, BIG = 9000 };

static wrap_platform wrap;

/* Platform calls of `f` go through `wrap` until the end of the test. */
static wg_platform *wrapped(fixture *f) { return wrap_begin(&wrap, f->p); }

static int teardown_wrapped(void **state) {
    fixture *f = *state;
    if (f->wal != NULL) wg_wal_close(f->wal, NULL);
    f->wal = NULL;
    if (f->p == &wrap.base) f->p = wrap.inner;
    return teardown(state);
}

static size_t read_whole(fixture *f, const char *path, uint8_t *out, size_t room) {
    wg_file *file;
    size_t got;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, 0, out, room, &got, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    return got;
}

static void forge_frame(fixture *f, const char *path, uint64_t segment, wal_frame frame, uint32_t offset) {
    uint8_t bytes[WAL_FRAME_BYTES];
    const wal_place place = {.segment_crc = wgi_wal_segment_crc(uuid_a, segment), .offset = offset};
    frame.payload_crc = wgi_wal_payload_crc(place, 0, NULL, 0);
    wgi_wal_frame_encode(&frame, place, bytes);
    patch(f, path, offset, bytes, sizeof bytes);
}

static wal_header header_at(fixture *f, const char *path) {
    uint8_t bytes[WAL_HEADER_BYTES];
    wal_header header;
    assert_int_equal(read_whole(f, path, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(wgi_wal_header_decode(bytes, sizeof bytes, uuid_a, &header), WAL_HEADER_VALID);
    return header;
}

static void forge_header(fixture *f, const char *path, const wal_header *header) {
    uint8_t bytes[WAL_HEADER_BYTES];
    wgi_wal_header_encode(header, uuid_a, bytes);
    patch(f, path, 0, bytes, sizeof bytes);
}

static wg_wal_recovery scanned(fixture *f) {
    wg_wal_recovery found = {0};
    wg_error err = {0};
    if (wg_wal_scan_from(f->p, "/wal", &f->options, NULL, NULL, &found, &err) != WG_OK) fail_msg("%s", err.message);
    return found;
}

static void scan_refused(fixture *f, const char *part) {
    wg_wal_recovery found = {0};
    wg_error err = {0};
    assert_int_equal(wg_wal_scan_from(f->p, "/wal", &f->options, NULL, NULL, &found, &err), WG_E_CORRUPT);
    if (strstr(err.message, part) == NULL) fail_msg("'%s' is not in '%s'", part, err.message);
}

/* Commit 1 is small, commit 2 lies in at least three segments of 4 KiB, commit 3 behind it. */
static void fill_split(fixture *f) {
    f->options.segment_bytes = SMALL;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true); /* leaves the first segment, which is larger */
    append_sized(f, BIG, true);
    append_sized(f, 10, true);
}

/* ---- one file at a time */

typedef struct seen_lines {
    uint32_t count;
    uint32_t stop_after;
    uint32_t unknown, sound, unsound;
    bool first_is_rest;
} seen_lines;

static bool see_line(void *ctx, wg_slice line) {
    seen_lines *l = ctx;
    l->count++;
    l->unknown += memmem(line.data, line.size, "\"sound\":null", 12) != NULL;
    l->sound += memmem(line.data, line.size, "\"sound\":true", 12) != NULL;
    l->unsound += memmem(line.data, line.size, "\"sound\":false", 13) != NULL;
    if (l->count == 2)
        l->first_is_rest =
            memmem(line.data, line.size, "MIDDLE", 6) != NULL || memmem(line.data, line.size, "LAST", 4) != NULL;
    return l->count != l->stop_after;
}

/* Goal: of a segment that begins inside a commit the dump calls what it cannot check unknown, never sound or unsound; it stops at
 * any line when told, and any allocation of it may fail. */
static void test_wal_dump_of_split_commits(void **state) {
    fixture *f = *state;
    static uint8_t bytes[8192];
    char path[WAL_PATH_BYTES];
    uint32_t rests = 0;
    fill_split(f);
    const uint64_t last = f->wal->number;
    close_log(f);
    for (uint64_t number = 1; number <= last; number++) {
        seen_lines all = {0};
        assert_int_equal(wgi_wal_path("/wal", number, path, NULL), WG_OK);
        const wg_slice file = wg_slice_of(bytes, read_whole(f, path, bytes, sizeof bytes));
        assert_int_equal(wg_wal_dump(file, see_line, &all, NULL), WG_OK);
        assert_int_equal(all.unsound, 0);
        assert_int_equal(all.unknown > 0, all.first_is_rest);
        rests += all.first_is_rest;
        for (uint32_t stop = 1; stop <= all.count; stop++) {
            seen_lines some = {.stop_after = stop};
            assert_int_equal(wg_wal_dump(file, see_line, &some, NULL), WG_OK);
            assert_int_equal(some.count, stop);
        }
        wg_code code = WG_E_NOMEM;
        for (uint64_t n = 1; code != WG_OK; n++) {
            seen_lines some = {0};
            wg_error err = {0};
            wg_memory_fail_at(n, true);
            code = wg_wal_dump(file, see_line, &some, &err);
            wg_memory_fail_at(0, false);
            assert_true(code == WG_OK || (code == WG_E_NOMEM && some.count < all.count));
            assert_true(n < 100);
        }
    }
    assert_true(rests >= 2);
}

/* Goal: a middle segment of a split commit passes its check up to its end, and with `end` 0 for its header; an end inside the header or
 * behind the file is refused; so is a payload changed where the frame before it is known. */
static void test_wal_segment_check_of_split_commits(void **state) {
    fixture *f = *state;
    static uint8_t bytes[8192];
    char path[WAL_PATH_BYTES];
    wg_wal_segment found = {0};
    fill_split(f);
    const uint64_t last = f->wal->number;
    const uint64_t log_end = f->wal->offset;
    close_log(f);
    for (uint64_t number = 1; number <= last; number++) {
        uint64_t end = log_end;
        uint64_t ended = 3; /* the last commit that ends before the end of this segment */
        if (number < last) {
            assert_int_equal(wgi_wal_path("/wal", number + 1, path, NULL), WG_OK);
            const wal_header next = header_at(f, path);
            end = wal_position_offset(next.previous_end);
            ended = next.first_logseq - 1;
        }
        assert_int_equal(wgi_wal_path("/wal", number, path, NULL), WG_OK);
        const uint64_t first = header_at(f, path).first_logseq;
        const wg_slice file = wg_slice_of(bytes, read_whole(f, path, bytes, sizeof bytes));
        assert_int_equal(wg_wal_segment_check(file, uuid_a, end, &found, NULL), WG_OK);
        assert_int_equal(found.number, number);
        assert_int_equal(found.last_logseq, ended);
        assert_int_equal(wg_wal_segment_check(file, uuid_a, 0, &found, NULL), WG_OK);
        assert_int_equal(found.last_logseq, first - 1);
        assert_int_equal(wg_wal_segment_check(file, uuid_a, WAL_HEADER_BYTES - 8, &found, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_wal_segment_check(file, uuid_a, file.size + 8, &found, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_wal_segment_check(file, uuid_a, end - WAL_FRAME_BYTES / 2, &found, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_wal_segment_check(file, uuid_a, WAL_HEADER_BYTES + 8, &found, NULL), WG_E_CORRUPT);
        assert_int_equal(wg_wal_segment_check(wg_slice_of(bytes, 100), uuid_a, 0, &found, NULL), WG_E_CORRUPT);
        if (number == last) { /* with the mark of the close */
            assert_int_equal(wg_wal_segment_check(file, uuid_a, end + WAL_FRAME_BYTES, &found, NULL), WG_OK);
            assert_int_equal(found.last_logseq, 3);
        }
    }
}

/* ---- frames and headers that do not fit */

/* Goal: a log whose first frame is the rest of a commit, though nothing came before it, ends there. */
static void test_wal_rest_of_nothing_is_a_tail(void **state) {
    fixture *f = *state;
    for (int kind = WAL_MIDDLE; kind <= WAL_LAST; kind++) {
        forge_frame(f, SEGMENT_1, 1, (wal_frame){.kind = (wal_kind)kind, .logseq = 1}, WAL_HEADER_BYTES);
        const wg_wal_recovery found = scanned(f);
        assert_int_equal(found.last_logseq, 0);
        assert_true(found.torn_tail_bytes > 0);
    }
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 10, true); /* takes its place */
    close_log(f);
    assert_int_equal(scanned(f).last_logseq, 1);
}

/* Goal: a first segment that begins with the rest of some other commit than its header says ends the log there. */
static void test_wal_rest_of_another_commit_is_a_tail(void **state) {
    fixture *f = *state;
    fill_split(f);
    const uint64_t second = wg_wal_keep_from(f->wal, 1);
    wg_sha256 chain;
    assert_true(wg_wal_chain_at(f->wal, 2, &chain));
    close_log(f);
    char path[WAL_PATH_BYTES];
    assert_int_equal(wgi_wal_path("/wal", second + 1, path, NULL), WG_OK);
    const wal_header header = header_at(f, path);
    for (uint64_t number = second + 2;; number++) { /* nothing behind it says that it was durable */
        char later[WAL_PATH_BYTES];
        assert_int_equal(wgi_wal_path("/wal", number, later, NULL), WG_OK);
        if (f->p->ops->unlink(f->p, later, NULL) != WG_OK) break;
    }
    forge_frame(f, path, second + 1, (wal_frame){.kind = WAL_LAST, .logseq = header.first_logseq + 5},
                WAL_HEADER_BYTES);
    f->options.first_segment = second + 1;
    f->options.after = header.first_logseq - 1;
    f->options.chain = header.chain;
    const wg_wal_recovery found = scanned(f);
    assert_int_equal(found.last_logseq, header.first_logseq - 1);
    assert_int_equal(found.records, 0);
    assert_true(found.torn_tail_bytes > 0);
}

/* Goal: a mark that names another place than its own, or another commit, could not have been written there: refused. */
static void test_wal_mark_of_another_place_refuses(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = size_200});
    append_sized(f, 200, true);
    const uint32_t offset = f->wal->offset;
    crash(f, WG_CRASH_ALL_SURVIVES);
    forge_frame(f, SEGMENT_1, 1,
                (wal_frame){.kind = WAL_MARK, .logseq = 1, .durable = wal_position_of(1, WAL_HEADER_BYTES)}, offset);
    scan_refused(f, "out of order");
    forge_frame(f, SEGMENT_1, 1, (wal_frame){.kind = WAL_MARK, .logseq = 7, .durable = wal_position_of(1, offset)},
                offset);
    scan_refused(f, "out of order");
    forge_frame(f, SEGMENT_1, 1, (wal_frame){.kind = WAL_MARK, .logseq = 1, .durable = wal_position_of(1, offset)},
                offset);
    assert_int_equal(scanned(f).last_logseq, 1);
}

/* Goal: a second segment whose header names another first commit is residue; one that claims more durable bytes than there are proves
 * damage; a first segment that does not follow the one before it is refused. */
static void test_wal_header_must_continue(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 3000, false);
    append_sized(f, 3000, false);
    append_sized(f, 3000, false);
    append_sized(f, 3000, false);
    crash(f, WG_CRASH_ALL_SURVIVES);
    const wal_header right = header_at(f, SEGMENT_2);
    const uint64_t first = right.first_logseq;
    assert_true(first > 1);
    wal_header wrong = right;
    wrong.first_logseq++;
    forge_header(f, SEGMENT_2, &wrong);
    wg_wal_recovery found = scanned(f);
    assert_int_equal(found.last_logseq, first - 1);
    assert_true(found.torn_tail_bytes > 0);
    wrong = right;
    wrong.durable = wal_position_of(1, 8000);
    forge_header(f, SEGMENT_2, &wrong);
    scan_refused(f, "that were synced");
    wrong = right;
    wrong.previous_end = wal_position_of(0, 500);
    forge_header(f, SEGMENT_2, &wrong);
    f->options.first_segment = 2;
    f->options.after = first - 1;
    f->options.chain = right.chain;
    scan_refused(f, "header of the first segment");
    forge_header(f, SEGMENT_2, &right);
    assert_int_equal(scanned(f).last_logseq, 4);
    f->options.after = first - 2; /* the manifest is older than what the log still has */
    scan_refused(f, "are missing");
}

/* Goal: a segment that begins with the rest of a commit that never began keeps that commit's number free: the next commit begins in it. */
static void test_wal_rest_at_a_beginning_begins_nothing(void **state) {
    fixture *f = *state;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true); /* fills the segment */
    append_sized(f, 200, false);
    assert_int_equal(f->wal->number, 2);
    crash(f, WG_CRASH_ALL_SURVIVES);
    forge_frame(f, SEGMENT_2, 2, (wal_frame){.kind = WAL_LAST, .logseq = 2}, WAL_HEADER_BYTES);
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(wg_wal_last_logseq(f->wal), 1);
    assert_int_equal(wg_wal_keep_from(f->wal, 1), 2);
    append_sized(f, 100, true);
    close_log(f);
    assert_int_equal(scanned(f).last_logseq, 2);
}

/* Goal: a scan that begins inside a commit of many segments passes over it, wherever in it the first segment lies, and knows the chain
 * from the value it was given. */
static void test_wal_scan_begins_inside_a_long_commit(void **state) {
    fixture *f = *state;
    wg_sha256 expected;
    f->options.segment_bytes = SMALL;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    append_sized(f, 5 * SMALL, true);
    const uint64_t inside = f->wal->number;
    append_sized(f, 3 * SMALL, true);
    append_sized(f, 2000, true);
    wg_sha256 at_first, at_third;
    assert_true(wg_wal_chain_at(f->wal, 3, &at_third));
    assert_true(wg_wal_chain_at(f->wal, 1, &at_first));
    assert_true(wg_wal_chain_at(f->wal, 2, &f->options.chain));
    assert_true(wg_wal_chain_at(f->wal, 4, &expected));
    const uint64_t first = wg_wal_keep_from(f->wal, 1);
    close_log(f);
    assert_true(inside > first + 2);
    f->options.after = 2;
    for (uint64_t from = first; from <= inside; from++) {
        f->options.first_segment = from;
        const wg_wal_recovery found = scanned(f);
        assert_int_equal(found.last_logseq, 4);
        assert_int_equal(found.records, 2);
        assert_memory_equal(&found.chain, &expected, sizeof expected);
        const wg_wal_options options =
            f->options; /* behind a second one that is split: its chain is known at its end */
        f->options.after = 3;
        f->options.chain = at_third;
        const wg_wal_recovery third = scanned(f);
        assert_int_equal(third.records, 1);
        assert_memory_equal(&third.chain, &expected, sizeof expected);
        f->options = options;
    }
    f->options.after = 1; /* the commit that is cut off would be needed */
    f->options.chain = at_first;
    f->options.first_segment = inside;
    scan_refused(f, "middle of a commit that is needed");
}

/* Goal: of several runs of segments, which a trim that a crash undid in part leaves, a scan without a start takes the newest; an empty
 * directory is no log for who begins at its start, and a lost one for who needs a later commit. */
static void test_wal_start_is_found_or_missed(void **state) {
    fixture *f = *state;
    char path[WAL_PATH_BYTES];
    wg_wal_recovery found = {0};
    wg_error err = {0};
    f->options.segment_bytes = SMALL;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    for (int i = 0; i < 6; i++) append_sized(f, 3000, true);
    const uint64_t last = f->wal->number;
    close_log(f);
    assert_true(last >= 6);
    static const uint64_t gone[] = {1, 4};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wgi_wal_path("/wal", gone[i], path, NULL), WG_OK);
        assert_int_equal(f->p->ops->unlink(f->p, path, NULL), WG_OK);
    }
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, &err), WG_OK);
    assert_int_equal(found.last_logseq, 7);
    assert_int_equal(found.segments, last - 4);
    f->options.first_segment = 3;
    f->options.after = 2;
    assert_int_equal(wg_wal_scan_from(f->p, "/wal", &f->options, NULL, NULL, &found, &err), WG_E_CORRUPT);
    wg_error_clear(&err);
    assert_int_equal(f->p->ops->make_directory(f->p, "/empty", NULL), WG_OK);
    f->options.first_segment = 1;
    f->options.after = 0;
    assert_int_equal(wg_wal_scan_from(f->p, "/empty", &f->options, NULL, NULL, &found, &err), WG_E_NOT_FOUND);
    wg_error_clear(&err);
    f->options.after = 5;
    assert_int_equal(wg_wal_scan_from(f->p, "/empty", &f->options, NULL, NULL, &found, &err), WG_E_CORRUPT);
}

/* ---- failures upon failures */

/* Goal: an append that failed for want of memory leaves its clearing away to the next; when the disk fails that, the next append and the
 * close say so, and the log opens again with what was acknowledged. */
static void test_wal_clearing_away_may_fail(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    static const uint8_t big[BIG] = {7};
    const wg_slice part = wg_slice_of(big, sizeof big);
    uint64_t logseq = 0;
    f->p = wrapped(f);
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    wrap_rule(&wrap, WRAP_WRITE, ".wal", WG_E_NOMEM);
    wrap.after = 1; /* the first frame is written, the header of the next segment is not */
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_NOMEM);
    assert_false(atomic_load(&f->wal->poisoned));
    wrap_rule(&wrap, WRAP_WRITE, ".wal", WG_E_IO);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    assert_int_equal(wrap.met, 1);
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO); /* no mark over bytes that could not be cleared */
    f->wal = NULL;
    assert_int_equal(wrap.met, 2);
    wrap_clear(&wrap);
    f->p = sim;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, 1);
    append_sized(f, 100, true);
}

/* Goal: a segment that can be scanned but not read once more, when its torn tail is to be wiped, fails the open; the next one wipes it. */
static void test_wal_recovery_reads_its_last_segment_again(void **state) {
    fixture *f = *state;
    wg_error err = {0};
    open_log(f, &(replayed){.size_of = NULL});
    for (int i = 0; i < 6; i++) append_sized(f, 3000, false);
    assert_int_equal(f->wal->number, 3);
    crash(f, WG_CRASH_ALL_SURVIVES);
    patch(f, SEGMENT_2, 500, "torn", 4); /* the third segment is read behind it */
    wg_platform *sim = f->p;
    f->p = wrapped(f);
    wrap_rule(&wrap, WRAP_OPEN, "2.wal", WG_E_IO);
    wrap.after = wrap.times = 1;
    assert_int_equal(open_refused(f, &err), WG_E_IO);
    assert_int_equal(wrap.met, 1);
    f->p = sim;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, 2);
    close_log(f);
    assert_int_equal(scanned(f).torn_tail_bytes, 0);
}

static uint32_t vanishing;
static void vanish(wrap_platform *w, wrap_call call, const char *path) {
    if (call == WRAP_UNLINK && vanishing > 0 && strstr(path, ".wal") != NULL) {
        vanishing--;
        (void)w->inner->ops->unlink(w->inner, path, NULL);
    }
}

/* Goal: a segment that is gone already when a failed commit is taken back, or a trim comes to it, is what was wanted. */
static void test_wal_removed_already_is_removed(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    static const uint8_t big[4 * SMALL] = {7};
    const wg_slice part = wg_slice_of(big, sizeof big);
    uint64_t logseq = 0;
    f->options.segment_bytes = SMALL;
    f->p = wrapped(f);
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 100, true);
    wrap_rule(&wrap, WRAP_WRITE, "3.wal", WG_E_IO);
    wrap.after = 1; /* its header is written, its frame is not */
    wrap.before = vanish;
    vanishing = 1;
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    assert_int_equal(vanishing, 0);
    assert_false(atomic_load(&f->wal->poisoned));
    wrap_clear(&wrap);
    append_sized(f, sizeof big, true);
    append_sized(f, sizeof big, true);
    vanishing = 1;
    assert_int_equal(wg_wal_trim(f->wal, f->wal->number, NULL), WG_OK);
    assert_int_equal(vanishing, 0);
    assert_int_equal(f->wal->notes.count, 1);
    wrap.before = NULL;
    close_log(f);
    f->p = sim;
    wg_wal_recovery found = {0};
    assert_int_equal(wg_wal_scan(sim, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.last_logseq, 3);
}

static wg_wal *trimmed_inside;
static void trim_inside(wrap_platform *w, wrap_call call, const char *path) {
    (void)path;
    if (call != WRAP_UNLINK || trimmed_inside == NULL) return;
    wg_wal *wal = trimmed_inside;
    trimmed_inside = NULL;
    (void)w;
    assert_int_equal(wg_wal_trim(wal, 2, NULL), WG_OK);
}

/* Goal: two trims at once remove each segment once and count it once. */
static void test_wal_two_trims_meet(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    f->options.segment_bytes = SMALL;
    f->p = wrapped(f);
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    for (int i = 0; i < 4; i++) append_sized(f, 3000, true);
    wg_wal_metrics before, after;
    wg_wal_metrics_get(f->wal, &before);
    trimmed_inside = f->wal;
    wrap.before = trim_inside;
    assert_int_equal(wg_wal_trim(f->wal, 3, NULL), WG_OK);
    assert_null(trimmed_inside);
    wrap.before = NULL;
    wg_wal_metrics_get(f->wal, &after);
    assert_int_equal(after.segments_trimmed, 2);
    assert_int_equal(after.segments, before.segments - 2);
    close_log(f);
    f->p = sim;
}

/* Goal: after a failed sync the bytes that it did not cover are overwritten even when their file cannot say its size or be opened: then
 * they stay, and the log is poisoned all the same; a sync of a poisoned log answers without a call. */
static void test_wal_poison_outlives_what_it_cannot_wipe(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    static const wrap_call calls[] = {WRAP_INFO, WRAP_OPEN};
    for (size_t i = 0; i < 2; i++) {
        wg_error err = {0};
        f->p = wrapped(f);
        replayed r = {.size_of = size_200};
        open_log(f, &r);
        append_sized(f, 200, true);
        append_sized(f, 200, false);
        wrap_rule(&wrap, calls[i], "1.wal", WG_E_IO);
        wg_platform_sim_fail_sync_at(sim, 1);
        assert_int_equal(wg_wal_wait(f->wal, r.count + 2, &err), WG_E_IO);
        assert_int_equal(wrap.met, 1);
        const uint64_t calls_before = wg_platform_sim_calls(sim);
        assert_int_equal(wgi_wal_sync_all(f->wal, NULL), WG_E_IO);
        assert_int_equal(wg_platform_sim_calls(sim), calls_before);
        assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
        f->wal = NULL;
        wrap_clear(&wrap);
        f->p = sim;
        replayed again = {.size_of = size_200};
        open_log(f, &again);
        assert_true(again.count > r.count);
        close_log(f);
    }
}

/* Goal: making a log where one lies already is refused, and so is one that cannot be read: nothing is taken for empty. */
static void test_wal_create_beside_another(void **state) {
    fixture *f = *state;
    wg_platform *p = wrapped(f);
    static const wg_code codes[] = {WG_E_IO, WG_E_NOMEM};
    for (size_t i = 0; i < 2; i++) {
        wg_error err = {0};
        wrap_rule(&wrap, WRAP_READ, "1.wal", codes[i]);
        assert_int_equal(wg_wal_create(p, "/wal", &f->options, &err), codes[i]);
        assert_non_null(strstr(err.message, "/wal"));
    }
    wrap_clear(&wrap);
    assert_int_equal(wg_wal_create(p, "/wal", &f->options, NULL), WG_OK); /* it was empty */
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_1, SEGMENT_3, NULL), WG_OK);
    assert_int_equal(wg_wal_create(p, "/wal", &f->options, NULL), WG_E_EXISTS);
}

/* ---- readers */

static wg_wal_follower *follower_of(fixture *f, wg_platform *p) {
    wg_wal_follower *follower = NULL;
    wg_error err = {0};
    if (wg_wal_follow(p, "/wal", &f->options, &follower, &err) != WG_OK) fail_msg("%s", err.message);
    return follower;
}

/* Goal: a reader whose segment cannot be opened, listed or read any more says why, keeps its place, and goes on when it can. */
static void test_wal_follower_meets_a_failing_directory(void **state) {
    fixture *f = *state;
    uint64_t commits = 0;
    replayed r = {.size_of = size_200};
    replayed stop = {.fail = WG_E_LIMIT};
    open_log(f, &(replayed){.size_of = size_200});
    append_sized(f, 200, true);
    wg_wal_follower *follower = follower_of(f, wrapped(f));
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    assert_int_equal(commits, 1);
    append_sized(f, 200, true);
    static const struct {
        wrap_call call;
        wg_code given, answered;
    } rules[] = {{WRAP_OPEN, WG_E_IO, WG_E_IO}, {WRAP_READ, WG_E_IO, WG_E_IO}, {WRAP_OPEN, WG_E_NOMEM, WG_E_NOMEM}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        wg_error err = {0};
        assert_int_equal(wg_wal_follower_read(follower, check_payload, &stop, &commits, NULL), WG_E_LIMIT);
        wrap_rule(&wrap, rules[i].call, "1.wal", rules[i].given);
        assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, &err), rules[i].answered);
        assert_true(err.message[0] != '\0');
        wrap_clear(&wrap);
    }
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &stop, &commits, NULL), WG_E_LIMIT);
    assert_int_equal(f->p->ops->rename(f->p, SEGMENT_1, "/aside", NULL), WG_OK);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_E_NOT_FOUND);
    wrap_rule(&wrap, WRAP_LIST, NULL, WG_E_NOT_FOUND);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_E_NOT_FOUND);
    wrap_rule(&wrap, WRAP_LIST, NULL, WG_E_IO);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_E_IO);
    wrap_clear(&wrap);
    assert_int_equal(f->p->ops->rename(f->p, "/aside", SEGMENT_1, NULL), WG_OK);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    assert_int_equal(r.count, 2);
    wg_sha256 value;
    assert_true(wg_wal_follower_chain_at(follower, 2, &value));
    assert_false(wg_wal_follower_chain_at(follower, 3, &value)); /* not there yet */
    wg_wal_follower_close(follower);
    wg_wal_follower_close(NULL);
}

/* Goal: a header that is damaged after it was read is met when the segment is opened again; one that never was right, at once. */
static void test_wal_follower_meets_a_damaged_header(void **state) {
    fixture *f = *state;
    uint64_t commits = 0;
    wg_error err = {0};
    replayed r = {.size_of = size_200};
    replayed stop = {.fail = WG_E_LIMIT};
    wg_wal_follower *none = NULL;
    open_log(f, &(replayed){.size_of = size_200});
    append_sized(f, 200, true);
    wg_wal_follower *follower = follower_of(f, f->p);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    append_sized(f, 200, true);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &stop, &commits, NULL), WG_E_LIMIT);
    flip(f, SEGMENT_1, 60);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "read before"));
    wg_error_clear(&err);
    assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &none, &err), WG_E_CORRUPT);
    assert_null(none);
    flip(f, SEGMENT_1, 60);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    assert_int_equal(r.count, 2);
    wg_wal_follower_close(follower);
}

/* Goal: a hint that lies inside a commit, or behind the end of its segment, is damage, not a shorter log. */
static void test_wal_follower_meets_a_wrong_hint(void **state) {
    fixture *f = *state;
    uint64_t commits = 0;
    wg_error err = {0};
    replayed r = {.size_of = NULL};
    f->options.segment_bytes = SMALL;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    append_sized(f, 3 * SMALL, true);
    const uint64_t inside = f->wal->number - 1;
    const wal_position right = atomic_load(&f->wal->durable_position);
    close_log(f);
    char path[WAL_PATH_BYTES];
    assert_int_equal(wgi_wal_path("/wal", inside + 1, path, NULL), WG_OK);
    const wal_position middle = header_at(f, path).previous_end;
    static const char *const texts[] = {"that were synced", "behind the end of its segment"};
    const wal_position wrong[] = {middle, wal_position_of(inside, 9 * SMALL)};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wg_wal_tell(f->p, "/wal", uuid_a, wrong[i], 2, NULL), WG_OK);
        wg_wal_follower *follower = follower_of(f, f->p);
        wg_error_clear(&err);
        r.count = 0;
        assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, &err), WG_E_CORRUPT);
        if (strstr(err.message, texts[i]) == NULL) fail_msg("%s", err.message);
        assert_int_equal(r.count, 1);
        assert_int_equal(wg_wal_tell(f->p, "/wal", uuid_a, right, 2, NULL), WG_OK);
        assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
        assert_int_equal(r.count, 2);
        wg_wal_follower_close(follower);
    }
}

/* Goal: without a hint, a frame that claims more than there is, or reaches past the end of its segment, ends the walk. */
static void test_wal_follower_walk_ends_at_an_odd_frame(void **state) {
    fixture *f = *state;
    uint64_t commits = 0;
    open_log(f, &(replayed){.size_of = size_200});
    for (int i = 0; i < 3; i++) append_sized(f, 200, true);
    const uint32_t end = f->wal->offset;
    crash(f, WG_CRASH_ALL_SURVIVES);
    assert_int_equal(f->p->ops->unlink(f->p, "/wal/HEAD", NULL), WG_OK);
    const wal_frame odd[] = {
        {.kind = WAL_FULL, .logseq = 4, .durable = wal_position_of(1, 8000)},
        {.kind = WAL_FULL, .logseq = 4, .payload_bytes = 8000, .durable = wal_position_of(1, end)}};
    for (size_t i = 0; i < 2; i++) {
        replayed r = {.size_of = size_200};
        forge_frame(f, SEGMENT_1, 1, odd[i], end);
        wg_wal_follower *follower = follower_of(f, f->p);
        assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
        assert_int_equal(r.count, 2); /* the third commit's sync is stated by no frame behind it */
        wg_wal_follower_close(follower);
    }
}

enum { LONG_BYTES = 400000, ZERO_BYTES = 100000 };

static wg_code take_zeros(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    (void)chain, (void)err;
    assert_int_equal(payload.size, logseq == 1 ? LONG_BYTES : ZERO_BYTES);
    for (size_t i = 0; i < payload.size; i++) assert_int_equal(payload.data[i], logseq == 1 ? 7 : 0);
    *(uint64_t *)ctx = logseq;
    return WG_OK;
}

/* Goal: a commit that ends in zeros, which no file shows, is replayed to its last byte; whichever allocation of the start fails, that is told, and
 * what was replayed before is right. */
static void test_wal_starts_without_memory(void **state) {
    fixture *f = *state;
    uint8_t *bytes = wg_alloc_zero(NULL, LONG_BYTES);
    wg_slice part = wg_slice_of(bytes, LONG_BYTES);
    uint64_t logseq = 0;
    f->options.segment_bytes = 1 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    memset(bytes, 7, LONG_BYTES);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
    memset(bytes, 0, LONG_BYTES);
    part.size = ZERO_BYTES;
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
    assert_int_equal(wg_wal_wait(f->wal, logseq, NULL), WG_OK);
    close_log(f);
    wg_code code = WG_E_NOMEM;
    uint64_t refused = 0;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_error err = {0};
        logseq = 0;
        wg_memory_fail_at(n, n % 2 == 0);
        code = wg_wal_open(f->p, "/wal", &f->options, take_zeros, &logseq, &f->wal, &f->recovery, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        assert_true(err.code == code && err.message[0] != '\0');
        refused++;
    }
    assert_int_equal(logseq, 2);
    assert_true(refused > 5);
    close_log(f);
    wg_free(bytes);
}

static wg_code take_last_byte(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    (void)logseq, (void)chain, (void)err;
    assert_int_equal(payload.data[payload.size - 1], 9);
    *(size_t *)ctx = payload.size;
    return WG_OK;
}

/* Goal: a commit of zeros whose last byte alone is none, of nines, and of both by turns, is found to its end, wherever that lies in the pieces
 * in which files are read. */
static void test_wal_finds_a_last_byte_behind_zeros(void **state) {
    fixture *f = *state;
    enum { PIECES = 512 << 10, LESS_MAX = 10 };
    uint8_t *bytes = wg_alloc_zero(NULL, PIECES);
    f->options.segment_bytes = 1 << 20;
    for (size_t less = 0; less < 3 * LESS_MAX; less++) {
        char dir[16];
        size_t found = 0;
        uint64_t logseq = 0;
        const size_t size = PIECES - WAL_HEADER_BYTES - WAL_FRAME_BYTES - less % LESS_MAX;
        const wg_slice part = wg_slice_of(bytes, size);
        if (less >= LESS_MAX) memset(bytes, 9, size);
        for (size_t i = 0; less >= 2 * LESS_MAX && i < size; i++) bytes[i] = (size - i) % 2 * 9;
        snprintf(dir, sizeof dir, "/wal%u", (unsigned)less);
        assert_int_equal(f->p->ops->make_directory(f->p, dir, NULL), WG_OK);
        assert_int_equal(f->p->ops->sync_directory(f->p, "/", NULL), WG_OK);
        assert_int_equal(wg_wal_create(f->p, dir, &f->options, NULL), WG_OK);
        assert_int_equal(wg_wal_open(f->p, dir, &f->options, NULL, NULL, &f->wal, NULL, NULL), WG_OK);
        const uint8_t last = bytes[size - 1];
        bytes[size - 1] = 9;
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        bytes[size - 1] = last;
        assert_int_equal(wg_wal_wait(f->wal, logseq, NULL), WG_OK);
        crash(f, WG_CRASH_ALL_SURVIVES); /* no mark behind it */
        wg_error err = {0};
        if (wg_wal_open(f->p, dir, &f->options, take_last_byte, &found, &f->wal, NULL, &err) != WG_OK)
            fail_msg("%u less: %s", (unsigned)less, err.message);
        close_log(f);
        assert_int_equal(found, size);
    }
    wg_free(bytes);
}

/* ---- the chain's bounds */

/* Goal: small commits before large ones fill the queue though every append helps: it is then hashed at once, and the values are right. */
static void test_wal_chain_queue_runs_full(void **state) {
    fixture *f = *state;
    wg_sha256 expected = {{0}};
    wg_sha256 got;
    static uint8_t bytes[16000];
    f->options.segment_bytes = 4 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    f->wal->prepare_failed_at = 1;
    append_sized(f, 9000, true);
    wg_sha256_state *sha = wg_sha256_begin();
    assert_true(wg_wal_chain_at(f->wal, 1, &expected));
    uint64_t n = 2;
    for (; n < 402; n++) append_sized(f, 8, false);
    for (; n < 420; n++) append_sized(f, sizeof bytes, false);
    for (uint64_t i = 2; i < n; i++) {
        const wg_slice whole = wg_slice_of(bytes, payload_make(i, i < 402 ? 8 : sizeof bytes, bytes));
        wgi_wal_chain_next(sha, &expected, i, &whole, 1, &expected);
    }
    assert_true(wg_wal_chain_at(f->wal, n - 1, &got));
    assert_memory_equal(&got, &expected, sizeof got);
    wg_sha256_end(sha, NULL);
}

/* Goal: when every value of whole blocks is forgotten no block is kept, the newest is still known, and the next commits have room. */
static void test_wal_chain_forgets_all(void **state) {
    fixture *f = *state;
    wg_sha256 value;
    f->options.segment_bytes = 1 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    for (uint64_t n = 1; n <= WAL_CHAIN_BLOCK; n++) append_sized(f, 8, n == WAL_CHAIN_BLOCK);
    wg_wal_chain_forget(f->wal, UINT64_MAX);
    assert_int_equal(f->wal->chain.block_count, 0);
    assert_true(wg_wal_chain_at(f->wal, WAL_CHAIN_BLOCK, &value));
    assert_false(wg_wal_chain_at(f->wal, WAL_CHAIN_BLOCK - 1, &value));
    assert_false(wg_wal_chain_at(f->wal, WAL_CHAIN_BLOCK + 1, &value));
    append_sized(f, 8, true);
    assert_true(wg_wal_chain_at(f->wal, WAL_CHAIN_BLOCK + 1, &value));
}

/* ---- paths */

/* Goal: a log below a path near the limit works in all its parts, or is refused by name before anything is made. */
static void test_wal_paths_near_the_limit(void **state) {
    fixture *f = *state;
    static char dir[WRAP_PATH_BYTES];
    uint32_t worked = 0;
    uint32_t refused = 0;
    wg_platform *p = wrapped(f);
    for (size_t size = 4096 - 4; size < 4096 + 40; size++) {
        wg_platform *fresh;
        wg_wal *wal = NULL;
        wg_wal_follower *follower = NULL;
        wg_wal_options begin = f->options;
        begin.first_segment = 9;
        assert_int_equal(wg_platform_sim_create(3, &fresh, NULL), WG_OK);
        assert_int_equal(fresh->ops->make_directory(fresh, "/L", NULL), WG_OK);
        wrap.inner = fresh;
        wrap_long_path(dir, size);
        const wg_code made = wg_wal_create(p, dir, &f->options, NULL);
        assert_true(made == WG_OK || made == WG_E_LIMIT);
        const wg_code opened = wg_wal_open(p, dir, &f->options, NULL, NULL, &wal, NULL, NULL);
        const wg_code followed = wg_wal_follow(p, dir, &f->options, &follower, NULL);
        assert_int_equal(opened == WG_OK, made == WG_OK);
        assert_int_equal(followed == WG_OK, made == WG_OK);
        if (made == WG_OK) {
            uint64_t logseq = 0;
            const wg_slice part = wg_slice_str("commit");
            assert_int_equal(wg_wal_append(wal, &part, 1, &logseq, NULL), WG_OK);
            assert_int_equal(wg_wal_close(wal, NULL), WG_OK);
            wg_wal_follower_close(follower);
        }
        assert_int_equal(wg_wal_begin(p, dir, &begin, NULL), made);
        const wg_code told = wg_wal_tell(p, dir, uuid_a, 0, 0, NULL);
        assert_true(told == WG_OK || (told == WG_E_LIMIT && made == WG_E_LIMIT));
        worked += made == WG_OK;
        refused += made != WG_OK;
        wg_platform_sim_destroy(fresh);
    }
    wrap.inner = f->p;
    assert_true(worked > 0 && refused > 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown_wrapped)
    const struct CMUnitTest tests[] = {
        T(test_wal_dump_of_split_commits),
        T(test_wal_segment_check_of_split_commits),
        T(test_wal_rest_of_nothing_is_a_tail),
        T(test_wal_rest_of_another_commit_is_a_tail),
        T(test_wal_mark_of_another_place_refuses),
        T(test_wal_header_must_continue),
        T(test_wal_rest_at_a_beginning_begins_nothing),
        T(test_wal_scan_begins_inside_a_long_commit),
        T(test_wal_start_is_found_or_missed),
        T(test_wal_clearing_away_may_fail),
        T(test_wal_recovery_reads_its_last_segment_again),
        T(test_wal_removed_already_is_removed),
        T(test_wal_two_trims_meet),
        T(test_wal_poison_outlives_what_it_cannot_wipe),
        T(test_wal_create_beside_another),
        T(test_wal_follower_meets_a_failing_directory),
        T(test_wal_follower_meets_a_damaged_header),
        T(test_wal_follower_meets_a_wrong_hint),
        T(test_wal_follower_walk_ends_at_an_odd_frame),
        T(test_wal_starts_without_memory),
        T(test_wal_finds_a_last_byte_behind_zeros),
        T(test_wal_chain_queue_runs_full),
        T(test_wal_chain_forgets_all),
        T(test_wal_paths_near_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
