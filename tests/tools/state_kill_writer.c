/* state_kill_writer: the victim of tests/python/state_kill_test.py: threads commit to runs, buffered, and say what was acknowledged.
 *
 *   state_kill_writer stream DIR rings|none    until it is killed; "rings" needs /dev/shm, "none" keeps the rings in its own memory
 *   state_kill_writer check DIR                prints how far each thread came; exit 3 when the state cannot have been
 *
 * Thread t (0 to 3) works in run 1 + t % 2. Its operation n is one transaction: key "t<t>" becomes (n, how far the next thread had come when it looked),
 * key "t<t>/<n % 64>" becomes n, and every fourth appends an event n. The line "ack t n" goes out before n + 1 begins. So a state that can have
 * been has all 64 keys of the newest operations, all events, and of no thread less than another saw of it. Exit 0: done; 1: an error
 * of the database; 2: usage; 3: a wrong state. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"

enum { THREADS = 4, RUNS = 2, SLOTS = 64, VALUE_BYTES = 16 };

static wg_engine *engine;

static void stop(int rc, const char *what, const wg_error *err) {
    fprintf(stderr, "state_kill_writer: %s: %s\n", what, err != NULL ? err->message : "");
    exit(rc);
}

static wg_state_run *run_of(uint32_t thread) { return wg_state_run_at(wg_engine_state(engine), 1 + thread % RUNS); }

/* Absent is (0, 0). */
static void read_pair(wg_state_session *session, uint32_t thread, const char *name, uint64_t out[2]) {
    wg_error err = {0};
    wg_state_cell cell = {0};
    wg_state_run *run = run_of(thread);
    const wg_state_key key = wg_state_key_of(run, wg_slice_str(name));
    if (wg_state_get(session, run, &key, WG_LOGSEQ_NEVER, 1, &cell, &err) != WG_OK) stop(1, name, &err);
    memset(out, 0, VALUE_BYTES);
    if (cell.version != 0 && cell.bytes.size == VALUE_BYTES) memcpy(out, cell.bytes.data, VALUE_BYTES);
    wg_state_cell_deinit(&cell);
}

static void head_name(uint32_t thread, char out[32]) { (void)snprintf(out, 32, "t%u", thread); }
static void slot_name(uint32_t thread, uint64_t n, char out[32]) {
    (void)snprintf(out, 32, "t%u/%u", thread, (uint32_t)(n % SLOTS));
}

/* ---- stream */

static void put(wg_state_txn *txn, const char *name, const uint64_t pair[2]) {
    wg_error err = {0};
    const wg_state_key key = wg_state_key_of(wg_state_txn_run(txn), wg_slice_str(name));
    const wg_state_value value = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(pair, VALUE_BYTES)};
    if (wg_state_txn_put(txn, &key, &value, WG_VERSION_ANY, &err) != WG_OK) stop(1, name, &err);
}

static void operation(wg_state_session *session, uint32_t thread, uint64_t n) {
    wg_error err = {0};
    wg_state_txn *txn = NULL;
    char name[32];
    uint64_t other[2];
    head_name((thread + 1) % THREADS, name);
    read_pair(session, (thread + 1) % THREADS, name, other);
    const uint64_t head[2] = {n, other[0]};
    const uint64_t slot[2] = {n, 0};
    if (wg_state_begin(session, run_of(thread), WG_STATE_SNAPSHOT, n, &txn, &err) != WG_OK) stop(1, "begin", &err);
    head_name(thread, name);
    put(txn, name, head);
    slot_name(thread, n, name);
    put(txn, name, slot);
    const wg_state_value payload = {.type = WG_TYPE_BYTES, .bytes = wg_slice_of(slot, VALUE_BYTES)};
    head_name(thread, name);
    if (n % 4 == 0 && wg_state_txn_append(txn, wg_slice_str(name), &payload, NULL, &err) != WG_OK)
        stop(1, "append", &err);
    if (wg_state_commit(txn, NULL, NULL, &err) != WG_OK) stop(1, "commit", &err);
    wg_engine_state_notice(engine, wg_state_session_lane(session));
}

static void stream(void *arg) {
    const uint32_t thread = *(const uint32_t *)arg;
    wg_error err = {0};
    wg_state_session *session = NULL;
    char name[32];
    uint64_t head[2];
    if (wg_state_session_open(wg_engine_state(engine), &session, &err) != WG_OK) stop(1, "session", &err);
    head_name(thread, name);
    read_pair(session, thread, name, head);
    for (uint64_t n = head[0] + 1;; n++) {
        char line[64];
        operation(session, thread, n);
        const int size = snprintf(line, sizeof line, "ack %u %" PRIu64 "\n", thread, n);
        if (write(1, line, (size_t)size) != size) stop(1, "pipe", NULL); /* whole: shorter than PIPE_BUF */
    }
}

static void make_runs(void) {
    while (wg_state_run_count(wg_engine_state(engine)) <= RUNS) {
        wg_error err = {0};
        wg_mixed_result result;
        const wg_run_change change = {.origin = {.number = UINT32_MAX}};
        const wg_mixed_commit commit = {.change = &change, .change_count = 1};
        if (wg_engine_commit_mixed(engine, &commit, &result, &err) != WG_OK) stop(1, "make a run", &err);
    }
}

/* ---- check */

static void check_thread(wg_state_session *session, uint32_t thread, const uint64_t *heads, const uint64_t *seen) {
    char name[32];
    uint64_t pair[2];
    const uint64_t n = heads[thread];
    if (seen[thread] > heads[(thread + 1) % THREADS]) stop(3, "a commit without what it saw", NULL);
    for (uint64_t i = n > SLOTS ? n - SLOTS + 1 : 1; i <= n; i++) {
        slot_name(thread, i, name);
        read_pair(session, thread, name, pair);
        if (pair[0] != i) stop(3, "a part of a transaction, or a hole", NULL);
    }
    wg_events *events = wg_state_run_events(run_of(thread));
    const uint64_t count = wg_events_count(events, WG_LOGSEQ_NEVER);
    uint64_t at = 0;
    uint64_t expected = 4;
    head_name(thread, name);
    for (;; expected += 4, at++) {
        wg_event event;
        wg_error err = {0};
        if (wg_events_next_of_type(events, wg_slice_str(name), at, count, false, &at, &err) != WG_OK)
            stop(1, "events", &err);
        if (at == UINT64_MAX) break;
        if (wg_events_read(events, at, &event, &err) != WG_OK) stop(1, "event", &err);
        if (event.payload.size != VALUE_BYTES || memcmp(event.payload.data, &expected, 8) != 0)
            stop(3, "a hole in the events", NULL);
    }
    if (expected - 4 != n / 4 * 4) stop(3, "events that do not fit the keys", NULL);
    printf("thread %u %" PRIu64 "\n", thread, n);
}

static void check(void) {
    wg_state_session *session = NULL;
    wg_error err = {0};
    char name[32];
    uint64_t heads[THREADS];
    uint64_t seen[THREADS];
    if (wg_state_run_count(wg_engine_state(engine)) <= RUNS) return; /* killed before it began */
    if (wg_state_session_open(wg_engine_state(engine), &session, &err) != WG_OK) stop(1, "session", &err);
    for (uint32_t t = 0; t < THREADS; t++) {
        uint64_t pair[2];
        head_name(t, name);
        read_pair(session, t, name, pair);
        heads[t] = pair[0];
        seen[t] = pair[1];
    }
    for (uint32_t t = 0; t < THREADS; t++) check_thread(session, t, heads, seen);
    wg_state_session_close(session);
}

int main(int argc, char **argv) {
    if (argc < 3) stop(2, "stream DIR rings|none | check DIR", NULL);
    const bool writes = strcmp(argv[1], "stream") == 0;
    const wg_engine_options options = {
        .options = {.durability = WG_BUFFERED, .create = true, .sync_interval_ms = writes ? 20 : 0},
        .ring_dir = writes && argc > 3 && strcmp(argv[3], "none") == 0 ? "" : NULL};
    wg_error err = {0};
    if (wg_engine_open(argv[2], &options, &engine, &err) != WG_OK) stop(1, "open", &err);
    printf("open %" PRIu64 "\n", wg_engine_logseq(engine));
    (void)fflush(stdout);
    if (writes) {
        static uint32_t numbers[THREADS];
        wg_thread threads[THREADS];
        make_runs();
        for (uint32_t t = 0; t < THREADS; t++) {
            numbers[t] = t;
            if (wg_thread_start(&threads[t], stream, &numbers[t], &err) != WG_OK) stop(1, "thread", &err);
        }
        for (uint32_t t = 0; t < THREADS; t++) wg_thread_join(&threads[t]); /* never */
    } else check();
    return wg_engine_close(engine, &err) == WG_OK ? 0 : 1;
}
