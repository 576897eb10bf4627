/* Replay by the stream against replay one commit after the other: the same records, histories and scans. */
#include "worldgraph/state/commit_internal.h"
#include "worldgraph/state/state_kit.h"

#include "base/core/test_seed.h"

enum { RUNS = 3, KEY_ROOM = 128 };

/* The bodies of RUN_COMMITs, in the order of the log. */
typedef struct log {
    wg_buf bytes;
    wg_buf bodies; /* size_t size each */
    uint64_t versions[RUNS + 1];
    uint32_t commits;
} log;

static size_t key_make(wg_rng *rng, uint32_t keys, char out[KEY_ROOM]) {
    const unsigned n = (unsigned)wg_rng_below(rng, keys);
    const int width = n % 37 == 0 ? 100 : n % 5 == 0 ? 3 : 16; /* some are too long for a slot */
    return (size_t)snprintf(out, KEY_ROOM, "%0*u", width, n);
}

static void op_add(log *l, wg_rng *rng, uint32_t keys) {
    static const uint8_t bytes[300] = {1, 2, 3};
    char key[KEY_ROOM];
    const size_t key_bytes = key_make(rng, keys, key);
    const uint32_t kind = (uint32_t)wg_rng_below(rng, 16);
    const size_t sizes[] = {0, 1, 8, 40, 88, 100, 104, 127, 128, 300};
    const bool deletes = kind == 0;
    wg_state_value value = {.type = WG_TYPE_BYTES,
                            .bytes = wg_slice_of(bytes, deletes ? 0 : sizes[wg_rng_below(rng, 10)]),
                            .expires_us = !deletes && kind < 4 ? UINT64_C(1) << 50 : 0};
    const uint8_t op = deletes ? WG_REDO_DELETE : kind == 5 ? WG_REDO_EVENT : WG_REDO_PUT;
    if (op == WG_REDO_EVENT) value.expires_us = 0;
    const size_t room = 32 + key_bytes + value.bytes.size;
    assert_true(wg_buf_reserve(&l->bytes, room));
    const uint8_t *end = wgi_redo_op_put(l->bytes.data + l->bytes.size, op, wg_slice_of(key, key_bytes), &value);
    l->bytes.size = (size_t)(end - l->bytes.data);
}

static void commit_add(log *l, wg_rng *rng, uint32_t keys) {
    const size_t begin = l->bytes.size;
    const uint32_t run = 1 + (uint32_t)wg_rng_below(rng, RUNS);
    assert_true(wg_buf_append_varint(&l->bytes, run) && wg_buf_append_varint(&l->bytes, ++l->versions[run]));
    const uint32_t ops = wg_rng_below(rng, 20) == 0 ? 1 + (uint32_t)wg_rng_below(rng, 5) : 1;
    for (uint32_t i = 0; i < ops; i++) op_add(l, rng, keys);
    const size_t size = l->bytes.size - begin;
    assert_true(wg_buf_append(&l->bodies, &size, sizeof size));
    l->commits++;
}

static void log_make(log *l, wg_rng *rng, uint32_t commits, uint32_t keys) {
    *l = (log){0};
    wg_buf_init(&l->bytes, NULL);
    wg_buf_init(&l->bodies, NULL);
    for (uint32_t i = 0; i < commits; i++) commit_add(l, rng, keys);
}

static void log_free(log *l) {
    wg_buf_deinit(&l->bytes);
    wg_buf_deinit(&l->bodies);
}

static void runs_make(state_kit *kit) {
    wg_error err = {0};
    for (uint32_t n = 2; n <= RUNS; n++) {
        const wg_run_origin origin = {.number = n};
        wg_state_run *run = NULL;
        assert_int_equal(wg_state_run_create(kit->state, &origin, &run, &err), WG_OK);
    }
}

static void replay_one(state_kit *kit, wg_slice body, uint64_t time_us) {
    wg_error err = {0};
    wg_redo_commit commit;
    assert_int_equal(wg_redo_decode(body, time_us, &commit, &err), WG_OK);
    assert_int_equal(wg_state_apply(kit->state, &commit, NULL, &err), WG_OK);
}

/* As the engine does it; some flushes stand for ends of the log's commits. */
static void replay_stream(state_kit *kit, const log *l, uint64_t log_bytes, wg_rng *rng) {
    wg_redo_stream stream;
    wg_error err = {0};
    const size_t *sizes = (const size_t *)(const void *)l->bodies.data;
    const uint8_t *at = l->bytes.data;
    uint32_t taken = 0;
    wg_state_fill_begin(kit->state);
    wg_redo_stream_init(&stream, kit->state, log_bytes);
    for (uint32_t i = 0; i < l->commits; at += sizes[i++]) {
        bool was_taken = false;
        if (wg_rng_below(rng, 100) == 0) assert_int_equal(wg_redo_stream_flush(&stream, &err), WG_OK);
        if (wg_rng_below(rng, 10) == 0) (void)wg_state_page_ahead(kit->state);
        assert_int_equal(wg_redo_stream_put(&stream, wg_slice_of(at, sizes[i]), i, &was_taken, &err), WG_OK);
        taken += was_taken;
        if (was_taken) continue;
        assert_int_equal(wg_redo_stream_flush(&stream, &err), WG_OK);
        replay_one(kit, wg_slice_of(at, sizes[i]), i);
    }
    assert_int_equal(wg_redo_stream_flush(&stream, &err), WG_OK);
    wg_state_fill_end(kit->state);
    assert_true(taken > l->commits / 4);
}

typedef struct seen {
    wg_sha256_state *sha;
    uint64_t count;
} seen;

static bool see(void *ctx, const wg_state_version *v) {
    seen *s = ctx;
    const uint64_t head[] = {v->version, v->time_us, v->expires_us, v->deleted, v->type, v->value.size};
    wg_sha256_add(s->sha, head, sizeof head);
    if (v->value.size != 0) wg_sha256_add(s->sha, v->value.data, v->value.size);
    s->count++;
    return true;
}

/* Everything that can be read of a run: all versions of all keys, and the keys in order. */
static void run_digest(state_kit *kit, uint32_t number, wg_sha256 *out) {
    wg_error err = {0};
    wg_state_run *run = wg_state_run_at(kit->state, number);
    const wg_state_range range = {0};
    wg_state_scan *scan = NULL;
    wg_state_row rows[64];
    uint32_t n = 0;
    bool complete = false;
    seen s = {.sha = wg_sha256_begin()};
    const uint64_t newest = wg_state_run_newest(run);
    wg_sha256_add(s.sha, &newest, sizeof newest);
    assert_int_equal(wg_state_scan_open(kit->session, run, &range, WG_LOGSEQ_NEVER, 1, &scan, &err), WG_OK);
    do {
        assert_int_equal(wg_state_scan_next(scan, rows, 64, &n, &err), WG_OK);
        for (uint32_t i = 0; i < n; i++) {
            const wg_state_key key = wg_state_key_of(run, rows[i].key);
            wg_sha256_add(s.sha, rows[i].key.data, rows[i].key.size);
            assert_int_equal(wg_state_history(run, &key, WG_LOGSEQ_NEVER, see, &s, &complete, &err), WG_OK);
            assert_true(complete);
        }
    } while (n != 0);
    wg_state_scan_close(scan);
    wg_sha256_end(s.sha, out);
}

static void states_compare(state_kit *a, state_kit *b) {
    for (uint32_t n = 1; n <= RUNS; n++) {
        wg_sha256 digests[2];
        run_digest(a, n, &digests[0]);
        run_digest(b, n, &digests[1]);
        assert_memory_equal(digests[0].bytes, digests[1].bytes, sizeof digests[0].bytes);
    }
}

/* Goal: whatever the log holds (deletions, times to live, long keys and values, events, commits of several operations) and whatever was guessed of its
 * length, the stream leaves what commits applied one after the other leave. */
static void test_streamed_replay_leaves_what_single_commits_leave(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 4 : 16;
    for (uint32_t round = 0; round < rounds; round++) {
        state_kit one, other;
        wg_rng rng;
        log l;
        wg_rng_init(&rng, wg_test_seed(900 + round));
        log_make(&l, &rng, 200 + (uint32_t)wg_rng_below(&rng, 20000), 40 + (uint32_t)wg_rng_below(&rng, 9000));
        const wg_state_options keeps = {.keeps_until_stored =
                                            true}; /* deletions too, or they would go at other moments */
        kit_open(&one, false, &keeps);
        kit_open(&other, false, &keeps);
        runs_make(&one);
        runs_make(&other);
        const size_t *sizes = (const size_t *)(const void *)l.bodies.data;
        const uint8_t *at = l.bytes.data;
        for (uint32_t i = 0; i < l.commits; at += sizes[i++]) replay_one(&one, wg_slice_of(at, sizes[i]), i);
        const uint64_t guesses[] = {0, l.bytes.size, l.bytes.size / 3, 50 * l.bytes.size};
        replay_stream(&other, &l, guesses[wg_rng_below(&rng, 4)], &rng);
        states_compare(&one, &other);
        kit_close(&one);
        kit_close(&other);
        log_free(&l);
    }
}

/* Goal: a commit that does not follow its run's last one, one of an unknown run, and bytes that are cut short anywhere are not taken, and what waits is kept. */
static void test_stream_takes_only_the_next_whole_commit(void **state) {
    (void)state;
    state_kit kit;
    wg_redo_stream stream;
    wg_error err = {0};
    uint8_t bytes[64];
    kit_open(&kit, false, NULL);
    wg_state_fill_begin(kit.state);
    wg_redo_stream_init(&stream, kit.state, 0);
    const wg_state_value value = kit_value("value");
    const uint64_t cases[][3] = {{1, 1, 1}, {1, 3, 0}, {1, 1, 0}, {1, 2, 1}, {7, 1, 0}, {1, 3, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *p = wgi_varint_put(wgi_varint_put(bytes, cases[i][0]), cases[i][1]);
        p = wgi_redo_op_put(p, WG_REDO_PUT, wg_slice_str("key"), &value);
        bool taken = true;
        for (size_t cut = 0; cut < (size_t)(p - bytes); cut++) {
            assert_int_equal(wg_redo_stream_put(&stream, wg_slice_of(bytes, cut), 5, &taken, &err), WG_OK);
            assert_false(taken);
        }
        assert_int_equal(wg_redo_stream_put(&stream, wg_slice_of(bytes, (size_t)(p - bytes)), 5, &taken, &err),
                         WG_OK);
        assert_int_equal(taken, cases[i][2]);
        assert_int_equal(wg_redo_stream_flush(&stream, &err), WG_OK); /* or the bytes would change under it */
    }
    wg_state_fill_end(kit.state);
    assert_int_equal(wg_state_run_newest(kit.run), 3);
    kit_expect(kit.run, "key", WG_LOGSEQ_NEVER, "value");
    kit_expect(kit.run, "key", 1, "value");
    kit_close(&kit);
}

/* Goal: memory refused anywhere in a stream is WG_E_NOMEM, and nothing leaks. */
static void test_stream_survives_refused_memory(void **state) {
    (void)state;
    wg_rng rng;
    log l;
    uint32_t refused = 0;
    wg_rng_init(&rng, wg_test_seed(950));
    log_make(&l, &rng, 6000, 5000);
    const size_t *sizes = (const size_t *)(const void *)l.bodies.data;
    for (uint64_t room = 0;; room += UINT64_C(700) << 10) {
        state_kit kit;
        wg_redo_stream stream;
        wg_error err = {0};
        wg_code code = WG_OK;
        kit_open(&kit, false, NULL);
        runs_make(&kit);
        wg_state_fill_begin(kit.state);
        wg_redo_stream_init(&stream, kit.state, 2 * l.bytes.size);
        kit.account.bytes_max = wg_account_bytes(&kit.account) + room;
        const uint8_t *at = l.bytes.data;
        for (uint32_t i = 0; i < l.commits && code == WG_OK; at += sizes[i++]) {
            wg_redo_commit commit;
            bool taken = false;
            code = wg_redo_stream_put(&stream, wg_slice_of(at, sizes[i]), i, &taken, &err);
            if (code != WG_OK || taken) continue;
            code = wg_redo_stream_flush(&stream, &err);
            if (code == WG_OK) code = wg_redo_decode(wg_slice_of(at, sizes[i]), i, &commit, &err);
            if (code == WG_OK) code = wg_state_apply(kit.state, &commit, NULL, &err);
        }
        if (code == WG_OK) code = wg_redo_stream_flush(&stream, &err);
        kit.account.bytes_max = 0;
        wg_state_fill_end(kit.state);
        kit_close(&kit);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
    }
    assert_true(refused > 2);
    log_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streamed_replay_leaves_what_single_commits_leave),
        cmocka_unit_test(test_stream_takes_only_the_next_whole_commit),
        cmocka_unit_test(test_stream_survives_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
