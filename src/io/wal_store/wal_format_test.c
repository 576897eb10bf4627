/* Tests of bytes that pass their checksums and still are not what a log holds: headers, HEAD, names, frames out of place. */
#include "io/wal_store/wal_test_kit.h"

static void header_crc(uint8_t *bytes) { wg_store_u32le(bytes + WAL_H_CRC, wg_crc32(0, bytes, WAL_H_CRC)); }

/* Goal: a header with a right checksum and one wrong field is damaged, newer or foreign, and never valid. */
static void test_wal_header_fields_are_checked(void **state) {
    (void)state;
    typedef struct field {
        uint32_t offset;
        uint32_t value;
        wal_header_state expected;
    } field;
    static const field fields[] = {
        {WAL_H_VERSION, 2, WAL_HEADER_NEWER},
        {WAL_H_FEATURES, 1, WAL_HEADER_NEWER},
        {WAL_H_UUID + 8, 7, WAL_HEADER_FOREIGN},
        {WAL_H_HEADER_BYTES, 64, WAL_HEADER_DAMAGED},
        {WAL_H_SEGMENT_BYTES, WAL_SEGMENT_BYTES_MIN / 2, WAL_HEADER_DAMAGED},
        {WAL_H_SEGMENT_BYTES, WAL_SEGMENT_BYTES_MAX + 512, WAL_HEADER_DAMAGED},
        {WAL_H_SEGMENT_BYTES, 8192 + 8, WAL_HEADER_DAMAGED},
        {WAL_H_FIRST_LOGSEQ, 0, WAL_HEADER_DAMAGED},
        {WAL_H_RESERVED, 1, WAL_HEADER_DAMAGED},
        {WAL_H_CRC - 4, 1, WAL_HEADER_DAMAGED},
        {WAL_H_DURABLE, 5, WAL_HEADER_VALID},
    };
    const wal_header header = {.number = 3, .segment_bytes = 8192, .first_logseq = 9, .previous_end = 77};
    wal_header got;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint8_t bytes[WAL_HEADER_BYTES];
        wgi_wal_header_encode(&header, uuid_a, bytes);
        assert_int_equal(wgi_wal_header_decode(bytes, sizeof bytes, uuid_a, &got), WAL_HEADER_VALID);
        assert_int_equal(got.first_logseq, 9);
        assert_int_equal(wgi_wal_header_decode(bytes, sizeof bytes - 1, uuid_a, &got), WAL_HEADER_DAMAGED);
        wg_store_u32le(bytes + fields[i].offset, fields[i].value);
        header_crc(bytes);
        assert_int_equal(wgi_wal_header_decode(bytes, sizeof bytes, uuid_a, &got), fields[i].expected);
    }
}

/* Goal: HEAD is what was written or no hint at all: every flipped bit, every length, another version, another store. */
static void test_wal_head_is_whole_or_nothing(void **state) {
    (void)state;
    const wal_head head = {.durable = wal_position_of(4, 1000), .logseq = 12};
    wal_head got = {0};
    uint8_t bytes[WAL_HEAD_BYTES];
    wgi_wal_head_encode(&head, uuid_a, bytes);
    assert_true(wgi_wal_head_decode(bytes, sizeof bytes, uuid_a, &got));
    assert_int_equal(got.durable, head.durable);
    assert_int_equal(got.logseq, 12);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(wgi_wal_head_decode(bytes, sizeof bytes, uuid_a, &got));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t size = 0; size < sizeof bytes; size++) assert_false(wgi_wal_head_decode(bytes, size, uuid_a, &got));
    static const uint32_t at[] = {WAL_HEAD_VERSION, WAL_HEAD_UUID};
    for (size_t i = 0; i < 2; i++) {
        bytes[at[i]] ^= 3;
        wg_store_u32le(bytes + WAL_HEAD_CRC, wg_crc32(0, bytes, WAL_HEAD_CRC));
        assert_false(wgi_wal_head_decode(bytes, sizeof bytes, uuid_a, &got));
        bytes[at[i]] ^= 3;
    }
}

/* Goal: a frame of the largest payload is one, a frame of one byte more is none. */
static void test_wal_frames_have_a_largest_payload(void **state) {
    (void)state;
    const wal_place place = {.segment_crc = 5, .offset = 4096};
    for (uint32_t more = 0; more < 2; more++) {
        const wal_frame frame = {
            .payload_bytes = WG_WAL_FRAME_PAYLOAD_BYTES_MAX + more, .kind = WAL_FULL, .logseq = 7, .durable = 3};
        uint8_t bytes[WAL_FRAME_BYTES];
        wal_frame got = {0};
        wgi_wal_frame_encode(&frame, place, bytes);
        assert_int_equal(wgi_wal_frame_decode(bytes, place, &got), more == 0);
        if (more == 0) assert_int_equal(got.payload_bytes, WG_WAL_FRAME_PAYLOAD_BYTES_MAX);
    }
}

/* Goal: what all parts of a commit have together counts against its limit, whichever part passes it; nothing of it is read. */
static void test_wal_commits_have_a_largest_size(void **state) {
    fixture *f = *state;
    replayed r = {0};
    uint64_t logseq = 0;
    uint8_t byte = 1;
    wg_error err = {0};
    open_log(f, &r);
    for (size_t i = 0; i < 3; i++) {
        wg_slice parts[3] = {wg_slice_of(&byte, 1), wg_slice_of(&byte, 1), wg_slice_of(&byte, 1)};
        parts[i].size = WG_WAL_COMMIT_BYTES_MAX - 1;
        memset(&err, 0, sizeof err);
        assert_int_equal(wg_wal_append(f->wal, parts, 3, &logseq, &err), WG_E_LIMIT);
    }
    assert_int_equal(wg_wal_last_logseq(f->wal), 0);
    append_sized(f, 10, true);
    assert_int_equal(wg_wal_last_logseq(f->wal), 1);
}

static void make_file(fixture *f, const char *path) {
    wg_file *file;
    assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_CREATE_NEW, &file, NULL), WG_OK);
    f->p->ops->close(f->p, file);
}

/* Goal: other names in the directory are not part of the log; a segment number over 2^32 is refused. */
static void test_wal_other_names_are_ignored(void **state) {
    fixture *f = *state;
    wg_error err = {0};
    wg_wal_recovery found;
    make_file(f, "/wal/x.wal");
    make_file(f, "/wal/0000000000000000000x.wal");
    make_file(f, "/wal/0000000000000000000:.wal");
    make_file(f, "/wal/00000000000000000002.waz");
    make_file(f, "/wal/00000000000000000002.wal.tmp");
    assert_int_equal(f->p->ops->make_directory(f->p, "/wal/00000000000000000002.wal", NULL), WG_OK);
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
    assert_int_equal(found.segments, 1);
    assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, NULL, NULL), WG_OK);
    make_file(f, "/wal/98765432109876543210.wal");
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "2^32"));
    char path[WAL_PATH_BYTES];
    char dir[WAL_PATH_BYTES + 1];
    memset(dir, 'd', sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    assert_int_equal(wgi_wal_path(dir, 1, path, NULL), WG_E_LIMIT);
}

typedef struct hostile {
    wal_kind kind;
    uint64_t logseq;
    bool ahead; /* claims a durable position behind its own place */
    bool refused;
} hostile;

/* Writes frames at the end of a log with two commits. */
static void put_frames(fixture *f, uint32_t offset, const hostile *frames, size_t count) {
    uint32_t before = 0;
    for (size_t i = 0; i < count; i++, offset += WAL_FRAME_BYTES) {
        const wal_place place = {.segment_crc = wgi_wal_segment_crc(uuid_a, 1), .offset = offset};
        const bool chained = frames[i].kind == WAL_MIDDLE || frames[i].kind == WAL_LAST;
        before = wgi_wal_payload_crc(place, chained ? before : 0, NULL, 0);
        uint64_t durable = frames[i].kind == WAL_MARK ? wal_position_of(1, offset) : 0;
        if (frames[i].ahead) durable = wal_position_of(1, offset + 8);
        const wal_frame frame = {
            .kind = frames[i].kind, .logseq = frames[i].logseq, .durable = durable, .payload_crc = before};
        uint8_t bytes[WAL_FRAME_BYTES];
        wgi_wal_frame_encode(&frame, place, bytes);
        patch(f, SEGMENT_1, offset, bytes, sizeof bytes);
    }
}

/* Goal: frames with right checksums in an order that no writer makes are refused, or cut off where a failed write explains them. */
static void test_wal_frames_out_of_order(void **state) {
    fixture *f = *state;
    static const hostile cases[][2] = {
        {{WAL_MARK, 1, false, true}, {0}},                           /* a mark of another commit */
        {{WAL_FULL, 4, false, true}, {0}},                           /* a commit left out */
        {{WAL_FIRST, 3, false, true}, {WAL_FULL, 3, false, true}},   /* a commit inside a commit */
        {{WAL_FIRST, 3, false, true}, {WAL_MARK, 2, false, true}},   /* a mark inside a commit */
        {{WAL_LAST, 3, false, false}, {0}},                          /* the end of nothing */
        {{WAL_FIRST, 3, false, false}, {WAL_LAST, 4, false, false}}, /* the end of another commit */
        {{WAL_FULL, 3, true, true}, {0}},                            /* knows more than can be known */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        replayed r = {.size_of = size_200};
        wg_error err;
        open_log(f, &r);
        if (i == 0) append_sized(f, 200, true);
        if (i == 0) append_sized(f, 200, true);
        const uint32_t offset = f->wal->offset;
        f->wal->mark_wanted = false; /* the hostile bytes take the place of the mark */
        close_log(f);
        put_frames(f, offset, cases[i], cases[i][1].kind == 0 ? 1 : 2);
        if (cases[i][0].refused) {
            assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
            static const uint8_t nothing[2 * WAL_FRAME_BYTES];
            patch(f, SEGMENT_1, offset, nothing, sizeof nothing);
        } else {
            wg_wal_recovery found;
            assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
            assert_int_equal(found.last_logseq, 2);
            assert_true(found.torn_tail_bytes > 0);
        }
    }
}

/* Goal: a file that is larger than its header says, and one that is larger than any segment may be, are refused. */
static void test_wal_oversized_segment_refuses(void **state) {
    fixture *f = *state;
    wg_error err;
    patch(f, SEGMENT_1, 8192, "x", 1);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "larger than its header"));
    wg_file *file;
    assert_int_equal(f->p->ops->open(f->p, SEGMENT_1, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(f->p->ops->truncate(f->p, file, (uint64_t)WAL_SEGMENT_BYTES_MAX + 1, NULL), WG_OK);
    f->p->ops->close(f->p, file);
    assert_int_equal(open_refused(f, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "larger than any"));
}

/* Goal: the last segment number is the last: the commit that needs another one is refused and leaves nothing. */
static void test_wal_segment_numbers_end(void **state) {
    fixture *f = *state;
    static const uint8_t bytes[9000];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    uint64_t logseq = 0;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 100, true);
    f->wal->number = UINT32_MAX; /* as if it had come so far */
    assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_LIMIT);
    f->wal->number = 1;
    assert_int_equal(wg_wal_last_logseq(f->wal), 1);
    append_sized(f, 100, true);
    close_log(f);
    open_log(f, &r);
    assert_int_equal(r.count, 2);
}

/* Goal: a log of the default size, one commit without parts, and a clean end in a full segment, which has no room for a mark. */
static void test_wal_corners_of_size(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = NULL};
    uint64_t logseq = 0;
    open_log(f, &r);
    assert_int_equal(wg_wal_append(f->wal, NULL, 0, &logseq, NULL), WG_OK);
    append_sized(f, 8192 - WAL_HEADER_BYTES - 3 * WAL_FRAME_BYTES, true);
    assert_int_equal(f->wal->offset, 8192 - WAL_FRAME_BYTES);
    close_log(f);
    open_log(f, &r);
    append_sized(f, 0, true);
    close_log(f);
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, 3);
    close_log(f);
    assert_int_equal(f->p->ops->make_directory(f->p, "/other", NULL), WG_OK);
    f->options.segment_bytes = 0;
    assert_int_equal(wg_wal_create(f->p, "/other", &f->options, NULL), WG_OK);
    assert_int_equal(wg_wal_create(f->p, "/other", &f->options, NULL), WG_OK); /* still empty */
    wg_file_info info;
    assert_int_equal(f->p->ops->stat(f->p, "/other/00000000000000000001.wal", &info, NULL), WG_OK);
    assert_int_equal(info.size, WG_WAL_SEGMENT_BYTES_DEFAULT);
    f->options.segment_bytes = WAL_SEGMENT_BYTES_MAX + 512;
    assert_int_equal(wg_wal_create(f->p, "/other", &f->options, NULL), WG_E_MISUSE);
}

/* Goal: a HEAD that states what cannot be, with a right checksum, is damage to a follower, not a reason to read on. */
static void test_wal_follower_refuses_an_impossible_head(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    append_sized(f, 200, true);
    const wal_position good = f->wal->durable_position;
    const wal_position bad[] = {good + 8, good - 8, wal_position_of(1, 8192 + 512),
                                wal_position_of(2, WAL_HEADER_BYTES)};
    for (size_t i = 0; i < 4; i++) {
        uint8_t bytes[WAL_HEAD_BYTES];
        wg_wal_follower *follower;
        replayed seen = {.size_of = size_200};
        wg_error err = {0};
        uint64_t commits = 0;
        const wal_head head = {.durable = bad[i], .logseq = 1};
        wgi_wal_head_encode(&head, uuid_a, bytes);
        patch(f, "/wal/HEAD", 0, bytes, sizeof bytes);
        assert_int_equal(wg_wal_follow(f->p, "/wal", &f->options, &follower, NULL), WG_OK);
        const wg_code code = wg_wal_follower_read(follower, check_payload, &seen, &commits, &err);
        assert_int_equal(code, i == 3 ? WG_E_EXPIRED : WG_E_CORRUPT);
        wg_wal_follower_close(follower);
    }
}

/* Goal: a log that begins behind a commit is empty there and takes commits; the older log beside it is whole; failures leave it so. */
static void test_wal_begin_beside_an_older_log(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    replayed r = {.size_of = size_200};
    open_log(f, &r);
    for (size_t i = 0; i < 5; i++) append_sized(f, 200, true);
    wg_wal_options next = f->options;
    next.after = 40;
    next.first_segment = 3;
    memset(next.chain.bytes, 7, sizeof next.chain.bytes);
    close_log(f);
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    wg_code code = WG_E_IO;
    for (uint64_t n = 1; code != WG_OK; n++) {
        wg_wal_recovery found;
        wg_platform_fault_arm(fault, n, WG_FAULT_ENOSPC, false);
        code = wg_wal_begin(fault, "/wal", &next, NULL);
        assert_int_equal(wg_wal_scan_from(sim, "/wal", &f->options, NULL, NULL, &found, NULL), WG_OK);
        assert_int_equal(found.last_logseq, 5);
    }
    wg_platform_fault_destroy(fault);
    f->options = next;
    r = (replayed){.size_of = size_200, .count = 40};
    open_log(f, &r);
    assert_int_equal(r.count, 40);
    append_sized(f, 200, true);
    assert_int_equal(wg_wal_last_logseq(f->wal), 41);
    f->options.segment_bytes = 0;
    f->options.first_segment = 9;
    close_log(f);
    assert_int_equal(wg_wal_begin(f->p, "/wal", &f->options, NULL), WG_OK);
}

typedef struct lines {
    wg_buf text;
    uint64_t count;
    uint64_t stop_at;
} lines;

static bool take_line(void *ctx, wg_slice line) {
    lines *l = ctx;
    assert_true(wg_buf_append(&l->text, line.data, line.size));
    assert_true(wg_buf_append_str(&l->text, "\n"));
    return ++l->count != l->stop_at;
}

/* Goal: a segment is shown frame by frame, damage and the rest of an earlier commit included, and nothing else is taken for one. */
static void test_wal_dump_shows_each_frame(void **state) {
    fixture *f = *state;
    static uint8_t bytes[8192];
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    append_sized(f, 200, true);
    append_sized(f, 12000, true);
    close_log(f);
    for (unsigned segment = 1; segment <= 2; segment++) {
        wg_file *file;
        size_t n = 0;
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(f->p->ops->open(f->p, segment == 1 ? SEGMENT_1 : SEGMENT_2, WG_OPEN_READ, &file, NULL),
                         WG_OK);
        assert_int_equal(f->p->ops->read_at(f->p, file, 0, bytes, sizeof bytes, &n, NULL), WG_OK);
        f->p->ops->close(f->p, file);
        for (unsigned kind = 0; kind < 3; kind++) {
            lines l = {.stop_at = kind == 2 ? 2 : 0};
            wg_buf_init(&l.text, NULL);
            if (kind == 1) bytes[WAL_HEADER_BYTES + WAL_FRAME_BYTES] ^= 1;
            assert_int_equal(wg_wal_dump(wg_slice_of(bytes, n), take_line, &l, NULL), WG_OK);
            assert_true(wg_buf_append_u8(&l.text, 0));
            const char *text = (const char *)l.text.data;
            assert_int_equal(l.count, kind == 2 ? 2 : 4); /* header, two frames, the end */
            if (segment == 1) assert_non_null(strstr(text, "FULL"));
            if (kind != 2) assert_non_null(strstr(text, segment == 1 ? "FIRST" : "MARK"));
            if (kind != 2) assert_non_null(strstr(text, "bytes_behind"));
            wg_buf_deinit(&l.text);
        }
    }
    lines l = {.stop_at = 0};
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, 100), take_line, &l, NULL), WG_E_CORRUPT);
    wg_store_u32le(bytes + WAL_H_VERSION, 9);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, sizeof bytes), take_line, &l, NULL), WG_E_CORRUPT);
    header_crc(bytes);
    assert_int_equal(wg_wal_dump(wg_slice_of(bytes, sizeof bytes), take_line, &l, NULL), WG_E_VERSION);
    assert_int_equal(l.count, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_frames_have_a_largest_payload),
        T(test_wal_commits_have_a_largest_size),
        T(test_wal_header_fields_are_checked),
        T(test_wal_head_is_whole_or_nothing),
        T(test_wal_other_names_are_ignored),
        T(test_wal_frames_out_of_order),
        T(test_wal_oversized_segment_refuses),
        T(test_wal_segment_numbers_end),
        T(test_wal_corners_of_size),
        T(test_wal_follower_refuses_an_impossible_head),
        T(test_wal_begin_beside_an_older_log),
        T(test_wal_dump_shows_each_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
