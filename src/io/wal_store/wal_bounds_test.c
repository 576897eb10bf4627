/* The log at its bounds: commits that just fit, a mark in the last bytes of a segment, limits that are met exactly, and what is told to
 * the disk and to waiting threads. */
#include "io/platform/test_wrap.h"
#include "io/wal_store/wal_test_kit.h"

enum { SEGMENT = 8192, LIMIT = SEGMENT - WAL_FRAME_BYTES, LARGE = 16 << 20 };

static wal_header header_of(fixture *f, const char *path) {
    uint8_t bytes[WAL_HEADER_BYTES];
    wal_header header;
    wg_file *file;
    size_t got = 0;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, 0, bytes, sizeof bytes, &got, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    assert_int_equal(wgi_wal_header_decode(bytes, got, uuid_a, &header), WAL_HEADER_VALID);
    return header;
}

/* ---- what fits */

typedef struct fit {
    size_t first, second;
    uint32_t end; /* of the first segment */
    bool goes_on; /* a second segment is needed */
    bool split;   /* the second commit begins in the first segment all the same */
} fit;

static const fit fits[] = {
    {3000, 4968, LIMIT, false, false},     /* fits to the byte */
    {3000, 4969, LIMIT, true, true},       /* one byte more, and much room: it is split */
    {7000, 968, LIMIT, false, false},      /* fits to the byte in what is too little to split in */
    {7000, 969, 128 + 7032, true, false},  /* one byte more: it begins in the next segment */
    {3864, 5000, LIMIT, true, true},       /* 8 bytes more than the least room to split in */
    {3872, 5000, LIMIT, true, true},       /* the least */
    {3880, 5000, 128 + 3912, true, false}, /* 8 less */
    {7968, 0, LIMIT, false, false},        /* room for a header alone: an empty commit fits */
    {7968, 1, 128 + 8000, true, false},    /* no other does */
    {8000, 0, LIMIT, true, false},         /* none */
    {0, 8000 - 32, LIMIT, false, false},   /* behind an empty one */
};

/* Goal: a commit stays in its segment exactly when it fits in front of the last 32 bytes, is split exactly when the room is worth it, and a
 * segment that is split in is full. */
static void test_wal_commits_that_just_fit(void **state) {
    fixture *f = *state;
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        const fit *it = &fits[i];
        char dir[16];
        char path[WAL_PATH_BYTES];
        wg_wal_recovery found = {0};
        snprintf(dir, sizeof dir, "/fit%zu", i);
        assert_int_equal(f->p->ops->make_directory(f->p, dir, NULL), WG_OK);
        assert_int_equal(wg_wal_create(f->p, dir, &f->options, NULL), WG_OK);
        assert_int_equal(wg_wal_open(f->p, dir, &f->options, NULL, NULL, &f->wal, NULL, NULL), WG_OK);
        append_sized(f, it->first, false);
        append_sized(f, it->second, false);
        assert_int_equal(f->wal->number, it->goes_on ? 2 : 1);
        if (!it->goes_on) assert_int_equal(f->wal->offset, it->end);
        else assert_int_equal(f->wal->notes.items[1].first_begin, it->split ? 3 : 2);
        close_log(f);
        assert_int_equal(wg_wal_scan(f->p, dir, uuid_a, NULL, NULL, &found, NULL), WG_OK);
        assert_int_equal(found.last_logseq, 2);
        assert_int_equal(found.bytes, it->first + it->second);
        assert_int_equal(found.torn_tail_bytes, 0);
        if (!it->goes_on) continue;
        assert_int_equal(wgi_wal_path(dir, 2, path, NULL), WG_OK);
        assert_int_equal(header_of(f, path).previous_end, wal_position_of(1, it->end));
    }
}

static bool see_mark(void *ctx, wg_slice line) {
    *(bool *)ctx |= memmem(line.data, line.size, "\"MARK\"", 6) != NULL;
    return true;
}

/* Goal: the mark of a clean close in the last bytes of a full segment is seen by everybody: the log is whole, a follower without a hint takes
 * its word, and damage before it is damage, not a torn tail. */
static void test_wal_mark_in_the_last_bytes(void **state) {
    fixture *f = *state;
    static uint8_t bytes[SEGMENT + 8];
    wg_wal_recovery found = {0};
    wg_wal_segment checked = {0};
    wg_wal_follower *follower = NULL;
    wg_file *file;
    size_t got = 0;
    uint64_t commits = 0;
    bool seen = false;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, true);
    assert_int_equal(f->wal->offset, LIMIT);
    close_log(f);
    assert_int_equal(f->p->ops->open(f->p, SEGMENT_1, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, 0, bytes, sizeof bytes, &got, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    assert_int_equal(got, SEGMENT);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, got), see_mark, &seen, NULL), WG_OK);
    assert_true(seen);
    assert_int_equal(wg_wal_segment_check(wg_slice_of(bytes, got), uuid_a, got, &checked, NULL), WG_OK);
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.torn_tail_bytes, 0);
    assert_int_equal(f->p->ops->unlink(f->p, "/wal/HEAD", NULL), WG_OK);
    assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &follower, NULL), WG_OK);
    assert_int_equal(wg_wal_follower_read(follower, NULL, NULL, &commits, NULL), WG_OK);
    assert_int_equal(commits, 1);
    wg_wal_follower_close(follower);
    flip(f, SEGMENT_1, 5000);
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_E_CORRUPT);
    flip(f, SEGMENT_1, 5000);
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(f->wal->offset, SEGMENT);
    append_sized(f, 10, true);
    assert_int_equal(f->wal->number, 2);
    close_log(f);
    assert_int_equal(header_of(f, SEGMENT_2).previous_end, wal_position_of(1, SEGMENT));
}

/* Goal: frames of up to fourteen parts, and of more, are written whole, with the zeros behind them: a segment that grows ends where its frames do. */
static void test_wal_frames_are_written_with_their_padding(void **state) {
    fixture *f = *state;
    enum { PARTS = 15, BYTES = 20001 };
    static uint8_t bytes[BYTES];
    f->options.segment_bytes = 1 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 8000, false);
    for (size_t count = 1; count <= PARTS; count++) {
        wg_slice parts[PARTS];
        wg_file_info info;
        uint64_t logseq = 0;
        payload_make(1 + count, BYTES, bytes);
        for (size_t i = 0; i < count; i++) {
            const size_t from = BYTES * i / count;
            parts[i] = wg_slice_of(bytes + from, BYTES * (i + 1) / count - from);
        }
        assert_int_equal(wg_wal_append(f->wal, parts, count, &logseq, NULL), WG_OK);
        assert_int_equal(logseq, 1 + count);
        assert_int_equal(f->p->ops->stat(f->p, SEGMENT_2, &info, NULL), WG_OK);
        assert_int_equal(info.size, WAL_HEADER_BYTES + count * wal_frame_size(BYTES));
    }
    close_log(f);
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    assert_int_equal(r.count, 1 + PARTS);
}

static size_t size_of_three(uint64_t n) {
    (void)n;
    return 3 * 500000;
}

/* Goal: a commit of parts that lie apart, of which frames end inside, is replayed as it was. */
static void test_wal_frames_end_inside_parts(void **state) {
    fixture *f = *state;
    enum { PART = 500000, APART = 600000 };
    uint8_t *bytes = wg_alloc_zero(NULL, 3 * APART);
    wg_slice parts[3];
    uint64_t logseq = 0;
    payload_make(1, 3 * PART, bytes);
    for (size_t i = 3; i-- > 0;) {
        memmove(bytes + i * APART, bytes + i * PART, PART);
        parts[i] = wg_slice_of(bytes + i * APART, PART);
    }
    f->options.segment_bytes = 4 << 20;
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(wg_wal_append(f->wal, parts, 3, &logseq, NULL), WG_OK);
    close_log(f);
    wg_free(bytes);
    replayed r = {.size_of = size_of_three};
    open_log(f, &r);
    assert_int_equal(r.count, 1);
}

/* ---- what the disk is told */

enum { BACKS = 16 };
static struct { uint64_t offset, size; } backs[BACKS];
static size_t back_count;

static void note_back(wg_platform *self, wg_file *file, uint64_t offset, uint64_t size) {
    (void)self, (void)file;
    if (offset == 0 && size == 0) return; /* all of a file, before a sync */
    assert_true(back_count < BACKS);
    backs[back_count].offset = offset;
    backs[back_count++].size = size;
}

/* Goal: the disk may begin with each 2 MiB as soon as they are there, in whole steps of 256 KiB and nothing twice, and with the rest when a
 * segment is left; of what was written before the log was opened it is told nothing. */
static void test_wal_disk_begins_in_steps(void **state) {
    fixture *f = *state;
    const wg_platform_ops *plain = f->p->ops;
    wg_platform_ops noted = *plain;
    open_log(f, &(replayed){.size_of = NULL});
    append_sized(f, 5000, true);
    close_log(f);
    noted.write_back = note_back;
    f->p->ops = &noted;
    back_count = 0;
    f->options.segment_bytes = LARGE;
    open_log(f, &(replayed){.size_of = NULL});
    for (unsigned i = 0; i < 3; i++) append_sized(f, 100, false);
    assert_int_equal(back_count, 0);
    const uint32_t begin = f->wal->written_back;
    append_sized(f, 100000, false); /* a new segment, which is split over */
    assert_int_equal(f->wal->number, 2);
    assert_int_equal(back_count, begin < SEGMENT ? 1 : 0);
    back_count = 0;
    uint64_t told = 0;
    for (size_t i = 0; i < 60; i++) {
        const size_t before = back_count;
        append_sized(f, (128 << 10) - WAL_FRAME_BYTES, false);
        const uint64_t whole = f->wal->offset / WAL_WRITE_BACK_ALIGN * WAL_WRITE_BACK_ALIGN;
        const bool due = whole - told >= WAL_WRITE_BACK_BYTES;
        assert_int_equal(back_count, before + due);
        if (!due) continue;
        assert_int_equal(backs[before].offset, told);
        assert_int_equal(backs[before].size, whole - told);
        told = whole;
    }
    assert_int_equal(back_count, 3);
    const uint64_t end = f->wal->offset;
    assert_int_equal(wg_wal_rotate(f->wal, 0, NULL), WG_OK);
    assert_int_equal(back_count, 4);
    assert_int_equal(backs[3].offset, told);
    assert_int_equal(backs[3].size, end - told);
    close_log(f);
    back_count = 0;
    open_log(f, &(replayed){.size_of = NULL});
    assert_int_equal(wg_wal_rotate(f->wal, 0, NULL), WG_OK);
    assert_int_equal(back_count, 0); /* nothing was written to the segment that is left */
    close_log(f);
    f->p->ops = plain;
}

/* Goal: zeros of a segment take no memory when it is loaded. */
static void test_wal_zeros_take_no_memory(void **state) {
    fixture *f = *state;
    wal_scan scan;
    wal_header_state header;
    f->options.segment_bytes = LARGE;
    assert_int_equal(wg_wal_create(f->p, "/wal", &f->options, NULL), WG_OK);
    wgi_wal_scan_init(&scan, f->p, "/wal", uuid_a, NULL);
    assert_int_equal(wgi_wal_scan_load(&scan, 1, &header, NULL), WG_OK);
    assert_int_equal(scan.file_bytes, LARGE);
    assert_int_equal(scan.zeros_to, LARGE);
    assert_true(scan.bytes.capacity <= 1 << 20);
    wgi_wal_scan_deinit(&scan);
}

/* ---- limits and waiting */

/* Goal: an append waits when more than the limit is unsynced, not when it is just the limit. */
static void test_wal_back_pressure_is_above_the_limit(void **state) {
    fixture *f = *state;
    wg_wal_metrics m;
    f->options.unsynced_bytes_max = 3 * wal_frame_size(200);
    open_log(f, &(replayed){.size_of = NULL});
    for (unsigned i = 0; i < 4; i++) append_sized(f, 200, false);
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.waits, 0);
    assert_int_equal(m.syncs, 0);
    append_sized(f, 200, false);
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.waits, 1);
    assert_int_equal(m.syncs, 1);
    assert_int_equal(m.unsynced_commits, 1);
}

typedef struct waiter {
    wg_wal *wal;
    _Atomic bool over;
    wg_code code;
    wg_thread thread;
} waiter;

static void wait_for_first(void *arg) {
    waiter *w = arg;
    w->code = wg_wal_wait(w->wal, 1, NULL);
    atomic_store(&w->over, true);
}

/* Goal: who waits for a commit sleeps, and is told at once when the log is poisoned, though the sync that may cover the commit, or the one
 * before it, is still under way. */
static void test_wal_poison_wakes_waiters_at_once(void **state) {
    fixture *f = *state;
    const wg_error cause = {.code = WG_E_IO, .message = "the test"};
    for (unsigned next = 0; next < 2; next++) {
        waiter w = {.code = WG_OK};
        char dir[8];
        snprintf(dir, sizeof dir, "/wal%u", next);
        assert_int_equal(f->p->ops->make_directory(f->p, dir, NULL), WG_OK);
        assert_int_equal(wg_wal_create(f->p, dir, &f->options, NULL), WG_OK);
        assert_int_equal(wg_wal_open(f->p, dir, &f->options, NULL, NULL, &f->wal, NULL, NULL), WG_OK);
        append_sized(f, 200, false);
        w.wal = f->wal;
        const uint64_t turn = wgi_wal_turn_hold(f->wal);
        if (next == 1) atomic_store(&f->wal->noted, 0); /* the turn does not cover it */
        const wg_signal *sleeps_at = &f->wal->turn_over[(turn + next) & 1];
        assert_int_equal(wg_thread_start(&w.thread, wait_for_first, &w, NULL), WG_OK);
        while (atomic_load(&sleeps_at->sleepers) == 0) wg_thread_yield();
        assert_false(atomic_load(&w.over));
        wgi_wal_poison(f->wal, &cause);
        while (!atomic_load(&w.over)) wg_thread_yield();
        wgi_wal_turn_end(f->wal, turn);
        wg_thread_join(&w.thread);
        assert_int_equal(w.code, WG_E_IO);
        assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
        f->wal = NULL;
    }
}

/* Goal: an append for which the hashing has no room, because what it must read back cannot be read for want of memory, says so and leaves
 * nothing; the next one finds room. */
static void test_wal_append_without_room_for_hashing(void **state) {
    fixture *f = *state;
    static wrap_platform wrap;
    static uint8_t bytes[200];
    wg_platform *sim = f->p;
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    wg_sha256 value;
    wg_wal_metrics m;
    uint64_t logseq = 0;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 1 << 30;
    f->options.unsynced_bytes_max = UINT64_C(1) << 40;
    f->options.segment_bytes = 4 << 20;
    f->p = wrap_begin(&wrap, sim);
    open_log(f, &(replayed){.size_of = NULL});
    while (f->wal->number < 2) append_sized(f, 3000, false);
    assert_true(wg_wal_chain_at(f->wal, wg_wal_last_logseq(f->wal), &value));
    wg_mutex_lock(&f->wal->chain_lock);
    wrap_rule(&wrap, WRAP_READ, "2.wal", WG_E_NOMEM);
    wrap.times = 100000; /* an append that tried for ever would be met too */
    wg_mutex_unlock(&f->wal->chain_lock);
    append_sized(f, WAL_CHAIN_COPY_MAX, false); /* is to be read back */
    wg_code code = WG_OK;
    while (code == WG_OK && logseq < 20000) code = wg_wal_append(f->wal, &part, 1, &logseq, NULL);
    assert_int_equal(code, WG_E_NOMEM);
    assert_int_equal(wg_wal_last_logseq(f->wal), logseq);
    assert_true(logseq > 4000);
    assert_false(wg_wal_is_poisoned(f->wal));
    wg_mutex_lock(&f->wal->chain_lock);
    wrap_clear(&wrap);
    wg_mutex_unlock(&f->wal->chain_lock);
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
    assert_true(wg_wal_chain_at(f->wal, logseq, &value));
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.chain_lag, 0);
    close_log(f);
    f->p = sim;
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_commits_that_just_fit),
        T(test_wal_mark_in_the_last_bytes),
        T(test_wal_frames_are_written_with_their_padding),
        T(test_wal_frames_end_inside_parts),
        T(test_wal_disk_begins_in_steps),
        T(test_wal_zeros_take_no_memory),
        T(test_wal_back_pressure_is_above_the_limit),
        T(test_wal_poison_wakes_waiters_at_once),
        T(test_wal_append_without_room_for_hashing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
