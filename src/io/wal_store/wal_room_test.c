/* Room for small BUFFERED commits: when it is made and where, that it is never needed, and that a killed process leaves what it had acknowledged. */
#include "base/core/test_seed.h"
#include "io/wal_store/wal_test_kit.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Looks at the calls of the simulated disk. */
static wg_platform_ops watched;
static const wg_platform_ops *plain;
static struct {
    wg_file *file;
    uint64_t rooms, first, end; /* of the newest file that has room */
    uint64_t stores, calls;     /* writes of frames in the room, and others */
    bool refuse;                /* to map */
    wg_code zeros_fail;         /* writes of nothing but zeros */
    uint64_t zeros_failed;
    bool frames_fail;
} seen;

static bool watch_map(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    seen.rooms++;
    if (seen.refuse) return false;
    if (file != seen.file || offset != seen.end) seen.first = offset;
    seen.file = file;
    seen.end = offset + size;
    return plain->map_writes(self, file, offset, size);
}

static wg_code watch_write(wg_platform *self, wg_file *file, uint64_t offset, const void *data, size_t size,
                           wg_error *err) {
    const uint8_t *bytes = data;
    bool zeros = true;
    for (size_t i = 0; i < size; i++) zeros &= bytes[i] == 0;
    if (zeros && seen.zeros_fail != WG_OK) {
        seen.zeros_failed++;
        return wg_error_set(err, seen.zeros_fail, WG_NO_OFFSET, "no zeros");
    }
    if (!zeros && seen.frames_fail) {
        assert_int_equal(plain->write_at(self, file, offset, data, size / 2, err), WG_OK);
        return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "half a frame");
    }
    const bool stored = file == seen.file && offset >= seen.first && offset + size <= seen.end;
    if (!zeros) *(stored ? &seen.stores : &seen.calls) += 1;
    return plain->write_at(self, file, offset, data, size, err);
}

static int begin(void **state) {
    static fixture f;
    memset(&f, 0, sizeof f);
    memset(&seen, 0, sizeof seen);
    memcpy(f.options.store_uuid, uuid_a, 16);
    f.options.segment_bytes = 160 << 10;
    f.options.durability = WG_BUFFERED;
    f.options.sync_interval_ms = 3600000;
    f.options.sync_batch_commits = 1000000;
    assert_int_equal(wg_platform_sim_create(7, &f.p, NULL), WG_OK);
    assert_int_equal(f.p->ops->make_directory(f.p, "/wal", NULL), WG_OK);
    assert_int_equal(f.p->ops->sync_directory(f.p, "/", NULL), WG_OK);
    assert_int_equal(wg_wal_create(f.p, "/wal", &f.options, NULL), WG_OK);
    plain = f.p->ops;
    watched = *plain;
    watched.map_writes = watch_map;
    watched.write_at = watch_write;
    f.p->ops = &watched;
    *state = &f;
    return 0;
}

static int end(void **state) {
    fixture *f = *state;
    f->p->ops = plain;
    return teardown(state);
}

static void expect_log(fixture *f, uint64_t commits, size_t (*size_of)(uint64_t)) {
    replayed r = {.size_of = size_of};
    open_log(f, &r);
    assert_int_equal(r.count, commits);
}

/* Goal: from the ninth on small commits go where room is, over several rooms and segments, and the log that they leave is the same to a reader. */
static void test_wal_small_buffered_commits_are_stored(void **state) {
    fixture *f = *state;
    enum { COMMITS = 2000 };
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (unsigned i = 0; i < 7; i++) append_sized(f, size_many(i + 1), false);
    assert_int_equal(seen.rooms, 0);
    for (uint64_t n = 8; n <= COMMITS; n++) append_sized(f, size_many(n), false);
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    assert_true(m.segments >= 5);
    assert_true(seen.rooms >= 3 * (m.segments - 1) && seen.rooms <= 3 * m.segments);
    /* The rest are the headers of segments, the first eight, and in each segment what no longer fits. */
    assert_true(seen.stores >= COMMITS - 8 - 2 * m.segments);
    crash(f, WG_CRASH_ALL_SURVIVES);
    expect_log(f, COMMITS, size_many);
}

/* Goal: a file system that refuses is asked once; the log goes on as before. */
static void test_wal_refused_room_is_left_alone(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    seen.refuse = true;
    for (uint64_t n = 1; n <= 1000; n++) append_sized(f, size_many(n), false);
    assert_int_equal(seen.rooms, 1);
    assert_int_equal(seen.stores, 0);
    close_log(f);
    expect_log(f, 1000, size_many);
}

/* Goal: when there is no space for zeros, commits still find what there is, and room is tried for again, but not with each of them. */
static void test_wal_room_is_never_needed(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    /* The first segment is zeros already. */
    while (f->wal->number == 1) append_sized(f, 200, false);
    seen.stores = 0;
    seen.zeros_fail = WG_E_IO;
    for (unsigned i = 0; i < 80; i++) append_sized(f, 200, false);
    assert_in_range(seen.zeros_failed, 9, 11);
    seen.zeros_fail = WG_OK;
    assert_int_equal(seen.stores, 0);
    for (unsigned i = 0; i < 80; i++) append_sized(f, 200, false);
    assert_true(seen.stores >= 70);
    const uint64_t last = wg_wal_last_logseq(f->wal);
    close_log(f);
    expect_log(f, last, size_200);
}

/* Goal: a commit that fails half-written in the room is taken back, and the next goes to its place. */
static void test_wal_failed_commit_leaves_its_room(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (unsigned i = 0; i < 30; i++) append_sized(f, 200, false);
    const uint32_t offset = f->wal->offset;
    static const uint8_t bytes[200] = {1};
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    uint64_t logseq = 0;
    seen.frames_fail = true;
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
    seen.frames_fail = false;
    assert_false(wg_wal_is_poisoned(f->wal));
    assert_int_equal(f->wal->offset, offset);
    const uint64_t rooms = seen.rooms;
    append_sized(f, 200, false);
    assert_int_equal(seen.rooms, rooms);
    close_log(f);
    expect_log(f, 31, size_200);
}

/* Goal: no room for large commits, and none in STRICT. */
static void test_wal_room_is_for_small_buffered_commits(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (unsigned i = 0; i < 60; i++) append_sized(f, i % 8 == 7 ? 1025 : 100, false);
    assert_int_equal(seen.rooms, 0);
    close_log(f);
    f->options.durability = WG_STRICT;
    memset(&r, 0, sizeof r);
    open_log(f, &r);
    for (unsigned i = 0; i < 60; i++) append_sized(f, 100, false);
    assert_int_equal(seen.rooms, 0);
}

/* Goal: the largest commit for which room is made, and a commit that ends where the room does: that one needs no more. */
static void test_wal_room_has_exact_borders(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 1024 - WAL_FRAME_BYTES - WAL_HEADER_BYTES, false);
    for (unsigned i = 0; i < 63; i++) append_sized(f, 1024 - WAL_FRAME_BYTES, false);
    assert_int_equal(f->wal->offset, 64 << 10);
    assert_int_equal(seen.rooms, 1);
    append_sized(f, 1024, false);
    assert_int_equal(seen.rooms, 2);
    append_sized(f, 1025, false);
    for (unsigned i = 0; i < 61; i++) append_sized(f, 1024, false); /* up to the room's end and on */
    assert_int_equal(seen.rooms, 3);
    close_log(f);
    expect_log(f, 127, NULL);
}

/* ---- kills */

enum { KILLS = 12 };

/* Appends until it is killed, and tells how many commits were acknowledged. */
static void append_for_ever(fixture *f, const char *dir, int told) {
    replayed r = {.size_of = size_many};
    if (wg_wal_open(f->p, dir, &f->options, check_payload, &r, &f->wal, NULL, NULL) != WG_OK) _exit(1);
    for (;;) {
        append_sized(f, size_many(wg_wal_last_logseq(f->wal) + 1), false);
        const uint64_t n = wg_wal_last_logseq(f->wal);
        if (write(told, &n, sizeof n) != sizeof n) _exit(1);
    }
}

static bool remove_entry(void *ctx, const char *name, bool is_directory) {
    char path[600];
    (void)is_directory;
    snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    unlink(path);
    return true;
}

/* Goal: P2: what was acknowledged is in the log after kill -9, time after time, though no sync has run. */
static void test_wal_killed_process_leaves_what_it_acknowledged(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    char dir[500];
    fixture f = {.p = wg_platform_real()};
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    memcpy(f.options.store_uuid, uuid_a, 16);
    f.options.durability = WG_BUFFERED;
    f.options.sync_interval_ms = 3600000;
    f.options.sync_batch_commits = 1000000;
    f.options.segment_bytes = 256 << 10;
    snprintf(dir, sizeof dir, "%s/wgroomXXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
    assert_int_equal(wg_wal_create(f.p, dir, &f.options, NULL), WG_OK);
    for (unsigned i = 0; i < KILLS; i++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        const pid_t child = fork();
        if (child == 0) append_for_ever(&f, dir, told[1]);
        close(told[1]);
        uint64_t acknowledged = 0;
        uint64_t next = 0;
        const uint64_t wanted = wg_rng_below(&rng, 3000);
        for (uint64_t n = 0; n <= wanted && read(told[0], &next, sizeof next) == sizeof next; n++)
            acknowledged = next;
        kill(child, SIGKILL);
        while (read(told[0], &next, sizeof next) == sizeof next) acknowledged = next;
        waitpid(child, NULL, 0);
        close(told[0]);
        assert_true(acknowledged > 0);
        replayed r = {.size_of = size_many};
        wg_wal_recovery found;
        assert_int_equal(wg_wal_scan(f.p, dir, uuid_a, check_payload, &r, &found, NULL), WG_OK);
        assert_true(r.count == acknowledged || r.count == acknowledged + 1);
    }
    assert_int_equal(f.p->ops->list(f.p, dir, remove_entry, dir, NULL), WG_OK);
    assert_int_equal(rmdir(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wal_killed_process_leaves_what_it_acknowledged),
        cmocka_unit_test_setup_teardown(test_wal_small_buffered_commits_are_stored, begin, end),
        cmocka_unit_test_setup_teardown(test_wal_refused_room_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_wal_room_is_never_needed, begin, end),
        cmocka_unit_test_setup_teardown(test_wal_failed_commit_leaves_its_room, begin, end),
        cmocka_unit_test_setup_teardown(test_wal_room_has_exact_borders, begin, end),
        cmocka_unit_test_setup_teardown(test_wal_room_is_for_small_buffered_commits, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
