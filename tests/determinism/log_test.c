/* Invariants 34 to 39 of docs/determinism.md: what is opened is a prefix of the log or an error, and replay is a function. tests/crash has the same
 * for power failures at every call, io/wal_store and worldgraph/wal for the formats by themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/determinism/kit.h"

/* A small closed store whose log is rewritten by hand. */
typedef struct raw {
    kit_history h;
    kit_db db;
    char path[300];
    uint8_t *bytes; /* of its one segment, up to the last one that is not zero */
    size_t used;
} raw;

static void put(const raw *r, const uint8_t *bytes, size_t size) {
    char command[400];
    (void)snprintf(command, sizeof command, "rm -f '%s'/wal/*", r->db.dir);
    assert_int_equal(system(command), 0);
    FILE *file = fopen(r->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void open_raw(raw *r, uint64_t seed, uint32_t commits) {
    enum { ROOM = 1 << 20 };
    kit_begin(&r->h, seed);
    kit_open(&r->db, true);
    kit_grow(&r->h, &r->db, commits, KIT_LOG_ONLY);
    kit_close(&r->db);
    (void)snprintf(r->path, sizeof r->path, "%s/wal/00000000000000000001.wal", r->db.dir);
    r->bytes = calloc(1, ROOM);
    FILE *file = fopen(r->path, "rb");
    assert_non_null(r->bytes);
    assert_non_null(file);
    r->used = fread(r->bytes, 1, ROOM, file);
    (void)fclose(file);
    while (r->used > 0 && r->bytes[r->used - 1] == 0) r->used--;
    r->used = (r->used + 7) / 8 * 8;
    assert_true(r->used > 500 && r->used < ROOM);
}

static void close_raw(raw *r) {
    put(r, r->bytes, r->used);
    free(r->bytes);
    kit_open(&r->db, false);
    kit_remove(&r->db);
}

static wg_code try_open(raw *r, wg_error *failure) {
    const wg_options options = {.durability = WG_BUFFERED, .no_background = true, .threads = 1};
    WG_TRY(wg_open(r->db.dir, &options, &r->db.db, failure));
    KIT_OK(wg_session_open(r->db.db, &r->db.session, err));
    return WG_OK;
}

static bool is_typed(wg_code code) { return code == WG_E_CORRUPT || code == WG_E_VERSION || code == WG_E_NOT_FOUND; }

/* Goal (34): a log cut after any number of bytes opens as one of its own prefixes of commits, or is a typed error; all lengths near the ends of
 * frames, every 11th of the others. */
static void test_inv_34_a_cut_log_is_a_prefix(void **state) {
    (void)state;
    raw r;
    uint64_t opened = 0, refused = 0;
    bool seen[16] = {0};
    open_raw(&r, 400, 6);
    for (size_t size = 0; size <= r.used; size += size < 200 ? 40 : 11) {
        wg_error failure = {0};
        put(&r, r.bytes, size);
        const wg_code code = try_open(&r, &failure);
        if (code != WG_OK) {
            if (!is_typed(code)) fail_msg("cut at %zu: %s: %s", size, wg_code_name(code), failure.message);
            refused++;
            continue;
        }
        const uint64_t at = wg_db_logseq(r.db.db);
        wg_buf got = {0}, wanted = {0};
        assert_true(at <= 6);
        seen[at] = true;
        if (at > 0) {
            kit_all_answers(&r.db, 0, &got);
            kit_all_oracle(&r.h, at, &wanted);
            kit_expect_same(&got, &wanted, "cut at %zu of %zu bytes: commit %llu", size, r.used,
                            (unsigned long long)at);
        }
        wg_buf_deinit(&got);
        wg_buf_deinit(&wanted);
        kit_close(&r.db);
        opened++;
    }
    for (int i = 0; i <= 6; i++) assert_true(seen[i]);
    assert_true(refused > 0 && opened > 20);
    close_raw(&r);
}

/* Goal (35): any flipped bit before the tail is reported, with the place; never taken for a tail. */
static void test_inv_35_a_flipped_bit_is_reported(void **state) {
    (void)state;
    raw r;
    wg_rng rng;
    open_raw(&r, 410, 6);
    wg_rng_init(&rng, 35);
    const size_t end = r.used - 32; /* the MARK of the clean close is the tail */
    for (size_t byte = 0; byte < end; byte += 1 + wg_rng_below(&rng, 5)) {
        const uint8_t bit = (uint8_t)(1u << wg_rng_below(&rng, 8));
        wg_verify_report report;
        wg_error failure = {0};
        r.bytes[byte] ^= bit;
        put(&r, r.bytes, r.used);
        const wg_code code = wg_verify(r.db.dir, &report, &failure);
        if (!is_typed(code)) fail_msg("byte %zu, bit %02x: %s", byte, bit, wg_code_name(code));
        assert_int_not_equal(failure.message[0], 0);
        if (byte % 4 == 0) {
            wg_error again = {0};
            if (!is_typed(try_open(&r, &again))) fail_msg("byte %zu, bit %02x was opened", byte, bit);
        }
        r.bytes[byte] ^= bit;
    }
    close_raw(&r);
}

/* Goal (36): replaying twice, and replaying onto a checkpoint, give what replaying from nothing gives. */
static void test_inv_36_replay_is_a_function(void **state) {
    (void)state;
    kit_history h;
    kit_db one, two;
    wg_buf wanted = {0};
    kit_begin(&h, 420);
    kit_open(&one, true);
    kit_open(&two, true);
    kit_grow(&h, &one, KIT_COMMITS, KIT_LOG_ONLY);
    kit_replay(&h, &two, 10, KIT_CHECKPOINTED);
    kit_remove(&two);
    kit_open(&two, true);
    kit_replay(&h, &two, h.last, KIT_CHECKPOINTED);
    kit_all_answers(&one, 0, &wanted);
    for (int i = 0; i < 3; i++) {
        kit_db *const both[] = {&one, &two};
        for (int k = 0; k < 2; k++) {
            wg_buf got = {0};
            kit_close(both[k]);
            kit_open(both[k], false);
            kit_all_answers(both[k], 0, &got);
            kit_expect_same(&got, &wanted, "replay %d of store %d", i, k);
            wg_buf_deinit(&got);
        }
    }
    wg_buf_deinit(&wanted);
    kit_remove(&one);
    kit_remove(&two);
}

/* Goal (37): two stores that are given the same commits have the same ids, which are the ordinals of creation. */
static void test_inv_37_ids_are_functions_of_the_log(void **state) {
    (void)state;
    static const char edges[] = "MATCH ()-[r]->() RETURN id(r), r.key ORDER BY id(r)";
    kit_history h;
    kit_db one, two;
    wg_buf a = {0}, b = {0};
    kit_begin(&h, 430);
    kit_open(&one, true);
    kit_open(&two, true);
    kit_grow(&h, &one, KIT_COMMITS, KIT_COMPACTED);
    kit_replay(&h, &two, h.last, KIT_LOG_ONLY);
    kit_answer(&one, kit_query(7), 0, &a);
    kit_answer(&one, edges, 0, &a);
    kit_answer(&two, kit_query(7), 0, &b);
    kit_answer(&two, edges, 0, &b);
    kit_expect_same(&b, &a, "ids");
    wg_buf wrong = {0};
    kit_answer(&one, "MATCH (n) WHERE id(n) <> n.key RETURN id(n)", 0, &wrong);
    kit_answer(&one, "MATCH ()-[r]->() WHERE id(r) <> r.key RETURN id(r)", 0, &wrong);
    assert_int_equal(wrong.size, strlen("id(n)\nid(r)\n"));
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    wg_buf_deinit(&wrong);
    kit_remove(&one);
    kit_remove(&two);
}

/* Offset of frame `number` of the segment. */
static size_t frame_at(const raw *r, uint32_t number) {
    size_t at = 128;
    for (; number > 0; number--) at += (32 + wg_load_u32le(r->bytes + at + 8) + 7) / 8 * 8;
    return at;
}

/* Goal (38): commits are numbered one by one, over reopening too; a commit that stands twice, or is left out, is refused. */
static void test_inv_38_logseqs_rise_without_gaps(void **state) {
    (void)state;
    raw r;
    wg_verify_report report;
    open_raw(&r, 440, 5);
    kit_open(&r.db, false);
    kit_grow(&r.h, &r.db, 2, KIT_LOG_ONLY); /* asserts each number */
    assert_int_equal(wg_db_logseq(r.db.db), 7);
    kit_close(&r.db);
    const size_t second = frame_at(&r, 1), third = frame_at(&r, 2), fourth = frame_at(&r, 3);
    uint8_t *copy = malloc(r.used);
    assert_non_null(copy);
    for (int twice = 0; twice < 2; twice++) { /* commit 3 is left out; commit 2 stands there again */
        const size_t room = fourth - third;
        memcpy(copy, r.bytes, r.used);
        memset(copy + third, 0, room);
        if (twice) memcpy(copy + third, r.bytes + second, third - second < room ? third - second : room);
        put(&r, copy, r.used);
        assert_int_equal(wg_verify(r.db.dir, &report, NULL), WG_E_CORRUPT);
    }
    put(&r, r.bytes, r.used);
    KIT_OK(wg_verify(r.db.dir, &report, err));
    assert_int_equal(report.last_logseq, 5);
    free(copy);
    close_raw(&r);
}

static wg_code pass_over(void *ctx, uint64_t logseq, wg_slice payload, const wg_sha256 *chain, wg_error *err) {
    (void)ctx, (void)logseq, (void)payload, (void)chain, (void)err;
    return WG_OK;
}

static void append_to_log(const kit_db *db, const uint8_t store[16], uint8_t kind) {
    char dir[300];
    wg_wal_options options = {.durability = WG_STRICT};
    wg_wal_recovery recovery;
    wg_wal *wal = NULL;
    uint64_t logseq = 0;
    const uint8_t payload[] = {kind, 3, 1, 2, 3};
    const wg_slice part = wg_slice_of(payload, sizeof payload);
    memcpy(options.store_uuid, store, sizeof options.store_uuid);
    (void)snprintf(dir, sizeof dir, "%s/wal", db->dir);
    KIT_OK(wg_wal_open(wg_platform_real(), dir, &options, pass_over, NULL, &wal, &recovery, err));
    KIT_OK(wg_wal_append(wal, &part, 1, &logseq, err));
    KIT_OK(wg_wal_wait(wal, logseq, err));
    KIT_OK(wg_wal_close(wal, err));
}

/* Goal (39): a record of unknown kind that may be ignored (bit 7) changes no answer; any other makes opening fail. */
static void test_inv_39_unknown_records_are_ignored_only_when_they_say_so(void **state) {
    (void)state;
    kit_history h;
    kit_db db;
    uint8_t store[16];
    wg_buf wanted = {0}, got = {0};
    kit_begin(&h, 450);
    kit_open(&db, true);
    kit_grow(&h, &db, 8, KIT_LOG_ONLY);
    memcpy(store, wg_engine_store_uuid(wg_db_engine(db.db)), sizeof store);
    kit_all_answers(&db, 8, &wanted);
    kit_close(&db);
    append_to_log(&db, store, 0xfe);
    kit_open(&db, false);
    assert_int_equal(wg_db_logseq(db.db), 9);
    kit_all_answers(&db, 9, &got);
    kit_expect_same(&got, &wanted, "behind an ignorable record");
    kit_close(&db);
    append_to_log(&db, store, 0x7e);
    const wg_options options = {.durability = WG_BUFFERED};
    wg_db *refused = NULL;
    assert_int_equal(wg_open(db.dir, &options, &refused, NULL), WG_E_VERSION);
    wg_buf_deinit(&wanted);
    wg_buf_deinit(&got);
    kit_remove(&db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inv_34_a_cut_log_is_a_prefix),
        cmocka_unit_test(test_inv_35_a_flipped_bit_is_reported),
        cmocka_unit_test(test_inv_36_replay_is_a_function),
        cmocka_unit_test(test_inv_37_ids_are_functions_of_the_log),
        cmocka_unit_test(test_inv_38_logseqs_rise_without_gaps),
        cmocka_unit_test(test_inv_39_unknown_records_are_ignored_only_when_they_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
