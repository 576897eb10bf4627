/* Segments alone: an empty start beside an older log, the check of copies, and what a dump says of any bytes. */
#include "io/wal_store/wal_test_kit.h"

enum { COMMITS = 40 };

static size_t size_of(uint64_t logseq) { return (size_t)(logseq * 131 % 900); }

static void fill(fixture *f) {
    uint8_t bytes[1024];
    open_log(f, &(replayed){.size_of = size_of});
    for (uint64_t n = 1; n <= COMMITS; n++) {
        uint64_t logseq;
        const wg_slice part = wg_slice_of(bytes, payload_make(n, size_of(n), bytes));
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        assert_int_equal(wg_wal_wait(f->wal, logseq, NULL), WG_OK);
    }
}

static size_t read_whole(fixture *f, const char *path, uint8_t *out, size_t room) {
    wg_file *file;
    size_t got;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->read_at(f->p, file, 0, out, room, &got, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    return got;
}

/* Goal: the empty segment is a torn tail to the log that is there, and a whole log to a reader that begins at it. */
static void test_wal_begin_is_a_tail_beside_and_a_log_alone(void **state) {
    fixture *f = *state;
    wg_wal_recovery before = {0}, beside = {0}, alone = {0};
    fill(f);
    close_log(f);
    assert_int_equal(wg_wal_scan_from(f->p, "/wal", &f->options, NULL, NULL, &before, NULL), WG_OK);
    assert_int_equal(before.last_logseq, COMMITS);
    wg_wal_options begin = f->options;
    begin.first_segment = 77;
    begin.after = 1000;
    memset(begin.chain.bytes, 0x5a, sizeof begin.chain.bytes);
    assert_int_equal(wg_wal_begin(f->p, "/wal", &begin, NULL), WG_OK);
    assert_int_equal(wg_wal_scan_from(f->p, "/wal", &f->options, NULL, NULL, &beside, NULL), WG_OK);
    assert_int_equal(beside.last_logseq, COMMITS);
    assert_memory_equal(&beside.chain, &before.chain, sizeof before.chain);
    assert_int_equal(wg_wal_scan_from(f->p, "/wal", &begin, NULL, NULL, &alone, NULL), WG_OK);
    assert_int_equal(alone.last_logseq, 1000);
    assert_int_equal(alone.records, 0);
    assert_memory_equal(&alone.chain, &begin.chain, sizeof begin.chain);
}

/* Goal: a segment passes the check up to its end and says where the one before ended; one bit wrong anywhere before it does not. */
static void test_wal_segment_check_finds_every_flip(void **state) {
    fixture *f = *state;
    static uint8_t first[8192], second[8192];
    wg_wal_segment found = {0};
    wg_error err;
    fill(f);
    close_log(f);
    const size_t size = read_whole(f, SEGMENT_1, first, sizeof first);
    assert_true(read_whole(f, SEGMENT_2, second, sizeof second) > 0);
    const wg_slice file = wg_slice_of(first, size);
    const uint64_t end = wal_position_offset(wg_load_u64le(second + WAL_H_PREVIOUS_END));
    assert_int_equal(wg_wal_segment_check(file, uuid_a, end, &found, NULL), WG_OK);
    assert_int_equal(found.number, 1);
    assert_int_equal(found.last_logseq + 1, wg_load_u64le(second + WAL_H_FIRST_LOGSEQ));
    for (uint64_t at = 0; at < end; at++) {
        first[at] ^= (uint8_t)(1u << at % 8);
        err = (wg_error){0};
        assert_int_equal(wg_wal_segment_check(file, uuid_a, end, &found, &err), WG_E_CORRUPT);
        assert_true(err.offset <= at);
        first[at] ^= (uint8_t)(1u << at % 8);
    }
    assert_int_equal(wg_wal_segment_check(file, uuid_a, end - 8, &found, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_wal_segment_check(wg_slice_of(first, (size_t)end - 8), uuid_a, end, &found, NULL),
                     WG_E_CORRUPT);
    const uint8_t other[16] = {9};
    assert_int_equal(wg_wal_segment_check(file, other, end, &found, NULL), WG_E_CORRUPT);
}

typedef struct lines {
    uint32_t count, frames, unsound;
} lines;

static bool count_line(void *ctx, wg_slice line) {
    lines *l = ctx;
    l->count++;
    l->frames += memmem(line.data, line.size, "\"frame\"", 7) != NULL;
    l->unsound += memmem(line.data, line.size, "\"sound\":false", 13) != NULL;
    return true;
}

/* Goal: a dump shows every frame and where they end; damaged and random bytes end it or are called unsound, in bounds. */
static void test_wal_dump_of_any_bytes_is_bounded(void **state) {
    fixture *f = *state;
    static uint8_t bytes[8192];
    wg_rng rng;
    lines whole = {0};
    wg_rng_init(&rng, 5);
    fill(f);
    close_log(f);
    const size_t size = read_whole(f, SEGMENT_1, bytes, sizeof bytes);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, size), count_line, &whole, NULL), WG_OK);
    assert_true(whole.frames > 10);
    assert_int_equal(whole.count, whole.frames + 2);
    assert_int_equal(whole.unsound, 0);
    for (int round = 0; round < 2000; round++) {
        lines l = {0};
        const size_t at = (size_t)wg_rng_below(&rng, size);
        const uint8_t old = bytes[at];
        bytes[at] ^= (uint8_t)(1 + wg_rng_below(&rng, 255));
        const size_t part = (size_t)wg_rng_below(&rng, size + 1);
        const wg_code code = wg_wal_dump(wg_slice_of(bytes, part), count_line, &l, NULL);
        assert_true(code == WG_OK || code == WG_E_CORRUPT || code == WG_E_VERSION);
        assert_true(l.frames <= whole.frames);
        bytes[at] = old;
    }
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)wg_rng_next(&rng);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, sizeof bytes), count_line, &whole, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, 0), count_line, &whole, NULL), WG_E_CORRUPT);
}

static bool keep_line(void *ctx, wg_slice line) {
    return wg_buf_append(ctx, line.data, line.size) && wg_buf_append_u8(ctx, '\n');
}

/* Goal: a dump says every field of the header and of the frames, as they were written; refused memory ends it with WG_E_NOMEM. */
static void test_wal_dump_says_every_field(void **state) {
    fixture *f = *state;
    static uint8_t bytes[8192];
    wg_buf text = {0};
    replayed r = {0};
    open_log(f, &r);
    append_sized(f, 100, true);
    close_log(f);
    const size_t size = read_whole(f, SEGMENT_1, bytes, sizeof bytes);
    assert_true(wg_buf_reserve(&text, 8192));
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, size), keep_line, &text, NULL), WG_OK);
    assert_true(wg_buf_append_u8(&text, 0));
    static const char *const parts[] = {
        "{\"segment\":1,\"version\":1,\"bytes\":8192,\"store\":\"0102030405060708090a0b0c0d0e0f10\",\"first_logseq\":"
        "1,"
        "\"previous_end\":{\"segment\":0,\"offset\":0},\"durable\":{\"segment\":0,\"offset\":0},\"chain\":\"00",
        "{\"frame\":\"FULL\",\"offset\":",
        "\"logseq\":1,\"payload_bytes\":100,\"durable\":{\"segment\":",
        "\"sound\":true}\n",
        "{\"frame\":\"MARK\"",
        "\"bytes_behind\":0}\n"};
    const char *at = (const char *)text.data;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *found = strstr(at, parts[i]);
        if (found == NULL) fail_msg("'%s' is not in: %s", parts[i], at);
        at = found;
    }
    uint64_t refused = 0;
    for (uint64_t n = 1;; n++) {
        lines l = {0};
        wg_memory_fail_at(n, false);
        const wg_code code = wg_wal_dump(wg_slice_of(bytes, size), count_line, &l, NULL);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
    }
    assert_true(refused > 0);
    wg_buf_deinit(&text);
}

/* Goal: what is told beside a copied log is what its readers go by. */
static void test_wal_tell_bounds_a_reader(void **state) {
    fixture *f = *state;
    wg_wal_follower *follower = NULL;
    uint64_t commits = 0;
    wg_wal_metrics m;
    fill(f);
    wg_wal_metrics_get(f->wal, &m);
    close_log(f);
    assert_int_equal(wg_wal_tell(f->p, "/wal", uuid_a, wal_position_of(1, WAL_HEADER_BYTES), 0, NULL), WG_OK);
    assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &follower, NULL), WG_OK);
    replayed r = {.size_of = size_of};
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    const uint64_t least = commits;
    assert_int_equal(wg_wal_tell(f->p, "/wal", uuid_a, m.durable_position, COMMITS, NULL), WG_OK);
    assert_int_equal(wg_wal_follower_read(follower, check_payload, &r, &commits, NULL), WG_OK);
    assert_int_equal(least + commits, COMMITS);
    wg_wal_follower_close(follower);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wal_begin_is_a_tail_beside_and_a_log_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wal_segment_check_finds_every_flip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wal_dump_of_any_bytes_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wal_dump_says_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wal_tell_bounds_a_reader, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
