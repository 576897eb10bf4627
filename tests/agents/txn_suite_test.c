/* Transactions of runs, alone and with the graph, and retries, in every durability mode. */
#include "agents_kit.h"

#include "base/core/test_seed.h"

#include <stdatomic.h>

/* Goal: a transaction sees its begin and its own writes, others see nothing of it before its commit and all of it after. */
static void test_txn_isolation(void **state) {
    (void)state;
    wg_session *other = NULL;
    wg_run *a = kit_run("a");
    wg_run *b = NULL;
    KIT_OK(wg_session_open(kit_db, &other, err));
    KIT_OK(wg_run_open(other, "a", &b, err));
    kit_put(a, "x", 1);
    kit_put(a, "y", 1);
    KIT_OK(wg_run_begin(a, NULL, err));
    kit_expect(a, "x", 1);
    kit_put(a, "x", 2);
    kit_expect(a, "x", 2);
    kit_expect(b, "x", 1);
    kit_put(b, "y", 5);
    kit_expect(a, "y", 1);
    assert_true(kit_delete(a, "x"));
    kit_expect_none(a, "x");
    kit_put(a, "z", 3);
    kit_expect_none(b, "z");
    wg_run_rollback(a);
    kit_expect(a, "x", 1);
    kit_expect(a, "y", 5);
    KIT_OK(wg_run_begin(a, NULL, err));
    kit_put(a, "x", 7);
    kit_put(a, "z", 8);
    wg_commit_info info;
    KIT_OK(wg_run_commit(a, &info, err));
    assert_true(info.version > 0);
    kit_expect(b, "x", 7);
    kit_expect(b, "z", 8);
    assert_int_equal(kit_get(b, "x").version, info.version);
    assert_int_equal(kit_get(b, "z").version, info.version);
    wg_run_close(b);
    wg_session_close(other);
    wg_run_close(a);
}

/* Goal: the first to commit wins on what was read; the error names key and both versions; blind writes do not conflict. */
static void test_txn_conflicts(void **state) {
    (void)state;
    wg_session *other = NULL;
    wg_run *a = kit_run("a");
    wg_run *b = NULL;
    KIT_OK(wg_session_open(kit_db, &other, err));
    KIT_OK(wg_run_open(other, "a", &b, err));
    const uint64_t first = kit_put(a, "x", 1);
    KIT_OK(wg_run_begin(a, NULL, err));
    kit_expect(a, "x", 1);
    kit_expect_none(a, "new");
    kit_put(a, "y", 1);
    const uint64_t second = kit_put(b, "x", 2);
    wg_error seen = {0};
    char numbers[2][32];
    snprintf(numbers[0], sizeof numbers[0], "%llu", (unsigned long long)first);
    snprintf(numbers[1], sizeof numbers[1], "%llu", (unsigned long long)second);
    assert_int_equal(wg_run_commit(a, NULL, &seen), WG_E_CONFLICT);
    assert_non_null(strstr(seen.message, "key x "));
    assert_non_null(strstr(seen.message, numbers[0]));
    assert_non_null(strstr(seen.message, numbers[1]));
    kit_expect_none(b, "y");
    KIT_OK(wg_run_begin(a, NULL, err)); /* an absent key that appears is a conflict too */
    kit_expect_none(a, "new");
    kit_put(a, "y", 1);
    kit_put(b, "new", 1);
    KIT_FAILS(WG_E_CONFLICT, wg_run_commit(a, NULL, err));
    KIT_OK(wg_run_begin(a, NULL, err));
    kit_put(a, "x", 3);
    kit_put(b, "x", 4);
    KIT_OK(wg_run_commit(a, NULL, err));
    kit_expect(b, "x", 3);
    KIT_OK(wg_run_begin(a, NULL, err)); /* read-only always commits */
    kit_expect(a, "x", 3);
    kit_put(b, "x", 5);
    kit_expect(a, "x", 3);
    KIT_OK(wg_run_commit(a, NULL, err));
    wg_run_close(b);
    wg_session_close(other);
    wg_run_close(a);
}

static uint32_t scan_count(wg_run *run) {
    wg_kv_cursor *cursor = NULL;
    uint32_t all = 0;
    KIT_OK(wg_kv_scan(run, NULL, &cursor, err));
    for (uint32_t n = 1; n != 0; all += n) {
        wg_kv_row rows[8];
        KIT_OK(wg_kv_cursor_next(cursor, rows, 8, &n, err));
    }
    wg_kv_cursor_close(cursor);
    return all;
}

/* A transaction that reads a key and writes it, with something between that depends on `kind`; whether it has to conflict. */
enum { ONE_KINDS = 12, ONE_BYTES = 100 };

static void one_put(wg_run *run, const char *key, size_t size, uint8_t fill, size_t bytes) {
    uint8_t value[ONE_BYTES];
    memset(value, fill, sizeof value);
    KIT_OK(wg_kv_put_bytes(run, key, size, value, bytes, NULL, err));
}

static void one_expect(wg_run *run, const char *key, size_t size, uint8_t fill, size_t bytes) {
    wg_kv_item item;
    uint8_t value[ONE_BYTES];
    memset(value, fill, sizeof value);
    KIT_OK(wg_kv_get(run, key, size, &item, err));
    assert_true(item.found);
    assert_int_equal(item.value.size, bytes);
    assert_memory_equal(item.value.as.s, value, bytes);
}

static bool one_between(wg_run *run, wg_run *other, const char *key, size_t size, uint32_t kind, uint32_t step) {
    char name[24];
    wg_kv_item item;
    const wg_value payload = kit_int(1);
    switch (kind) {
        case 1: /* its own write is what it sees */
            one_expect(run, key, size, (uint8_t)step, ONE_BYTES);
            return false;
        case 2:
            kit_put(run, "another", step);
            return false;
        case 3:
            KIT_OK(wg_eventlog_append(run, "e", &payload, NULL, err));
            return false;
        case 4:
            one_put(other, key, size, 0xee, ONE_BYTES);
            return true;
        case 5:
            KIT_OK(wg_kv_delete(other, key, size, NULL, err));
            return true;
        case 6: /* the segments of the table are split */
            for (uint32_t i = 0; i < 100; i++) {
                const int n = snprintf(name, sizeof name, "more-%u-%u", step, i);
                one_put(other, name, (size_t)n, 1, 20);
            }
            return false;
        case 7:
            one_put(run, key, size, (uint8_t)step, ONE_BYTES);
            return false;
        case 8: /* one that is read only is checked too */
            KIT_OK(wg_kv_get(run, "another", 7, &item, err));
            kit_put(other, "another", 5000 + step);
            return true;
        case 9:
            one_put(other, "bystander", 9, 3, 50);
            return false;
        case 10: /* not the shape that it had */
            one_put(run, key, size, (uint8_t)step, ONE_BYTES - 9);
            one_put(run, key, size, (uint8_t)step, ONE_BYTES);
            return false;
        default:
            return false;
    }
}

/* Goal: a transaction that reads a key and writes it commits when nobody else wrote the key, names key and both versions otherwise, and takes in
 * whatever else it does; rolled back it leaves nothing. */
static void test_txn_of_one_key(void **state) {
    (void)state;
    static const wg_run_txn_options options = {.serializable = true};
    wg_session *session = NULL;
    wg_run *a = kit_run("a"), *b = NULL;
    uint64_t random = wg_test_seed(72) | 1;
    uint8_t fill[4] = {1, 1, 1, 1};
    static const char text[] = "key of sixteen b";
    KIT_OK(wg_session_open(kit_db, &session, err));
    KIT_OK(wg_run_open(session, "a", &b, err));
    kit_put(a, "another", 1);
    for (uint32_t n = 0; n < 4; n++) one_put(a, &text[n], 16 - n, 1, ONE_BYTES);
    for (uint32_t step = 0; step < (kit_mode == WG_STRICT ? 60u : 1500u); step++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const uint32_t n = (uint32_t)(random >> 40) % 4, kind = (uint32_t)(random >> 50) % (ONE_KINDS + 1);
        const char *key = &text[n];
        const size_t size = 16 - n;
        wg_commit_info info;
        wg_error seen = {0};
        KIT_OK(wg_run_begin(a, &options, err));
        one_expect(a, key, size, fill[n], ONE_BYTES);
        one_put(a, key, size, (uint8_t)step, ONE_BYTES);
        one_expect(b, key, size, fill[n], ONE_BYTES);
        const bool conflicts = one_between(a, b, key, size, kind, step);
        if (kind == ONE_KINDS) {
            wg_run_rollback(a);
        } else if (conflicts) {
            assert_int_equal(wg_run_commit(a, &info, &seen), WG_E_CONFLICT);
            assert_non_null(strstr(seen.message, kind == 8 ? "key another has version" : key));
        } else {
            KIT_OK(wg_run_commit(a, &info, err));
            fill[n] = (uint8_t)step;
            wg_kv_item item;
            KIT_OK(wg_kv_get(a, key, size, &item, err));
            assert_int_equal(item.version, info.version);
        }
        if (kind == 5) one_put(a, key, size, fill[n], ONE_BYTES);
        if (kind == 4) fill[n] = 0xee;
        one_expect(b, key, size, fill[n], ONE_BYTES);
    }
    wg_run_close(b);
    wg_session_close(session);
    wg_run_close(a);
}

/* Goal: a serialisable transaction conflicts when a key appears in a range that it scanned, or an event in a log whose length it read; with
 * snapshot isolation it does not. */
static void test_txn_phantoms(void **state) {
    (void)state;
    wg_session *other = NULL;
    wg_run *a = kit_run("a");
    wg_run *b = NULL;
    KIT_OK(wg_session_open(kit_db, &other, err));
    KIT_OK(wg_run_open(other, "a", &b, err));
    kit_put(a, "m/1", 1);
    for (int serializable = 0; serializable < 2; serializable++) {
        const wg_run_txn_options o = {.serializable = serializable == 1};
        KIT_OK(wg_run_begin(a, &o, err));
        const uint32_t before = scan_count(a);
        kit_put(a, "sum", (int64_t)before);
        assert_int_equal(scan_count(a), before + (serializable == 0 ? 1 : 0));
        kit_put(b, serializable == 0 ? "m/2" : "m/3", 1);
        assert_int_equal(wg_run_commit(a, NULL, NULL), serializable == 0 ? WG_OK : WG_E_CONFLICT);
        KIT_OK(wg_run_begin(a, &o, err));
        uint64_t length = 0;
        KIT_OK(wg_eventlog_length(a, &length, err));
        kit_put(a, "length", (int64_t)length);
        kit_append(b, "e", 1);
        assert_int_equal(wg_run_commit(a, NULL, NULL), serializable == 0 ? WG_OK : WG_E_CONFLICT);
    }
    wg_run_close(b);
    wg_session_close(other);
    wg_run_close(a);
}

/* Goal: a transaction that read a run and wrote only the graph leaves the run's versions where they were, at its own commit too. */
static void test_txn_that_only_read_its_run(void **state) {
    (void)state;
    wg_run *run = kit_run("reader");
    wg_kv_item item;
    const uint64_t version = kit_put(run, "k", 7);
    kit_query("CREATE (:Seen {k: 0})"); /* a commit of the log behind the put */
    KIT_OK(wg_run_begin(run, NULL, err));
    kit_expect(run, "k", 7);
    kit_query("CREATE (:Seen {k: 1})");
    wg_commit_info info;
    KIT_OK(wg_run_commit(run, &info, err));
    assert_int_equal(info.version, 0);
    KIT_OK(wg_kv_get_at(run, "k", 1, wg_db_logseq(kit_db), &item, err));
    assert_true(item.found);
    assert_int_equal(item.version, version);
    kit_expect(run, "k", 7);
    assert_int_equal(kit_put(run, "k", 8), version + 1);
    wg_run_close(run);
}

/* Goal: keys, events, nodes and edges of one transaction happen together, and none of them after a rollback or a conflict. */
static void test_txn_with_graph(void **state) {
    (void)state;
    wg_session *other = NULL;
    wg_run *a = kit_run("a");
    wg_run *b = NULL;
    KIT_OK(wg_session_open(kit_db, &other, err));
    KIT_OK(wg_run_open(other, "a", &b, err));
    kit_put(a, "x", 1);
    /* A put that waits for its sync would wait for the transaction of the graph that this thread has open. */
    if (kit_mode == WG_STRICT) KIT_OK(wg_run_set_durability(b, WG_STRICT, true, err));
    for (int how = 0; how < 3; how++) {
        KIT_OK(wg_run_begin(a, NULL, err));
        kit_expect(a, "x", 1);
        kit_put(a, "k", how);
        kit_append(a, "made", how);
        kit_query("CREATE (:Step {n: 1})-[:NEXT]->(:Step {n: 2})");
        assert_int_equal(kit_number("MATCH (s:Step) RETURN count(*)"), 2);
        if (how == 0) wg_run_rollback(a);
        if (how == 1) {
            kit_put(b, "x", 1);
            KIT_FAILS(WG_E_CONFLICT, wg_run_commit(a, NULL, err));
            if (kit_mode == WG_STRICT)
                KIT_OK(wg_ticket_wait(b, wg_run_ticket(b), err)); /* readers see what is durable */
        }
        if (how == 2) {
            wg_commit_info info;
            KIT_OK(wg_run_commit(a, &info, err));
            assert_true(info.version > 0);
        }
        uint64_t events = 9;
        KIT_OK(wg_eventlog_length(a, &events, err));
        assert_int_equal(events, how == 2 ? 1 : 0);
        assert_int_equal(kit_get(b, "k").found, how == 2);
        assert_int_equal(kit_number("MATCH (s:Step) RETURN count(*)"), how == 2 ? 2 : 0);
    }
    assert_int_equal(
        kit_number("MATCH (:Step)-[:NEXT]->(s:Step) CALL kv.get('a', 'k') YIELD value RETURN s.n * 10 + value"), 22);
    assert_int_equal(kit_number("CALL events.range('a', 0, null) YIELD sequence, type, payload RETURN payload"), 2);
    KIT_FAILS(WG_E_MISUSE, wg_commit(kit_session, NULL, err));
    wg_run_close(b);
    wg_session_close(other);
    wg_run_close(a);
    if (kit_mode == WG_IN_MEMORY) return;
    kit_close();
    kit_open();
    KIT_OK(wg_run_open(kit_session, "a", &a, err));
    kit_expect(a, "k", 2);
    assert_int_equal(kit_number("MATCH (:Step)-[:NEXT]->(s:Step) RETURN s.n"), 2);
    wg_run_close(a);
}

/* Goal: a transaction that is larger than a ring commits whole, with many keys and with one large value. */
static void test_txn_large(void **state) {
    (void)state;
#if defined(__SANITIZE_THREAD__)
    enum { KEYS = 3000, BIG = 9 << 20 };
#else
    enum { KEYS = 30000, BIG = 9 << 20 };
#endif
    wg_run *a = kit_run("a");
    char key[64];
    KIT_OK(wg_run_begin(a, NULL, err));
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "a-key-that-is-longer-%06d", i);
        const wg_value v =
            kit_text("a value of some size, so that the record does not fit into a quarter of any ring");
        KIT_OK(wg_kv_put(a, key, strlen(key), &v, NULL, err));
    }
    KIT_OK(wg_run_commit(a, NULL, err));
    assert_int_equal(scan_count(a), KEYS);
    char *big = malloc(BIG);
    assert_non_null(big);
    memset(big, 'b', BIG);
    KIT_OK(wg_kv_put_bytes(a, "big", 3, big, BIG, NULL, err));
    assert_int_equal(kit_get(a, "big").value.size, BIG);
    free(big);
    wg_run_close(a);
    if (kit_mode == WG_IN_MEMORY) return;
    kit_close();
    kit_open();
    KIT_OK(wg_run_open(kit_session, "a", &a, err));
    assert_int_equal(scan_count(a), KEYS + 1);
    assert_int_equal(kit_get(a, "big").value.size, BIG);
    wg_run_close(a);
}

/* ---- threads */

enum { WRITERS = 16, ROUNDS = 60 };

typedef struct writer {
    wg_code code;
    wg_error err;
    uint32_t calls; /* of the body */
} writer;

static wg_code add_one(void *ctx, wg_run *run, wg_error *err) {
    writer *w = ctx;
    wg_kv_item item;
    w->calls++;
    wg_code code = wg_kv_get(run, "n", 1, &item, err);
    if (code != WG_OK) return code;
    const wg_value next = kit_int(item.found ? item.value.as.i + 1 : 1);
    code = wg_kv_put(run, "n", 1, &next, NULL, err);
    if (code != WG_OK) return code;
    return wg_eventlog_append(run, "added", &next, NULL, err);
}

static void add_many(void *arg) {
    writer *w = arg;
    wg_session *session = NULL;
    wg_run *run = NULL;
    w->code = wg_session_open(kit_db, &session, &w->err);
    if (w->code == WG_OK) w->code = wg_run_open(session, "a", &run, &w->err);
    for (int i = 0; i < ROUNDS && w->code == WG_OK; i++)
        w->code = wg_run_transact(run, NULL, add_one, w, NULL, &w->err);
    wg_run_close(run);
    wg_session_close(session);
}

/* Goal: sixteen writers of one key lose nothing and none of them starves: each gets through within the standard number of attempts, and the log
 * of events shows every value once and in order. */
static void test_txn_sixteen_writers_on_one_key(void **state) {
    (void)state;
    static writer writers[WRITERS];
    wg_thread threads[WRITERS];
    wg_run *a = kit_run("a");
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.code = WG_OK};
        assert_int_equal(wg_thread_start(&threads[i], add_many, &writers[i], NULL), WG_OK);
    }
    for (int i = 0; i < WRITERS; i++) wg_thread_join(&threads[i]);
    for (int i = 0; i < WRITERS; i++)
        if (writers[i].code != WG_OK)
            fail_msg("writer %d: %s after %u calls: %s", i, wg_code_name(writers[i].code), writers[i].calls,
                     writers[i].err.message);
    kit_expect(a, "n", WRITERS * ROUNDS);
    uint64_t events = 0;
    KIT_OK(wg_eventlog_length(a, &events, err));
    assert_int_equal(events, WRITERS * ROUNDS);
    for (uint64_t i = 0; i < events; i++) {
        wg_event_item e;
        KIT_OK(wg_eventlog_read(a, i, &e, err));
        assert_int_equal(e.payload.as.i, i + 1);
    }
    wg_eventlog_report report;
    KIT_OK(wg_eventlog_verify(a, &report, err));
    assert_true(report.valid);
    wg_run_close(a);
}

/* Puts keys of its own, then all of them once more, beside the others: a record that the log has wrong is not covered by a later one. Every fourth in a
 * transaction that reads it first. `w->calls`: the writer's number. */
static _Atomic int puts_begin;
static void put_once_more(writer *w, wg_run *run, int i, bool reads) {
    wg_kv_item item;
    char key[32], bytes[100];
    snprintf(key, sizeof key, "%u-of-many-%06d", w->calls % 10, i % 1000000);
    memset(bytes, i, sizeof bytes);
    if (reads) w->code = wg_run_begin(run, NULL, &w->err);
    if (reads && w->code == WG_OK) w->code = wg_kv_get(run, key, 16, &item, &w->err);
    if (w->code == WG_OK) w->code = wg_kv_put_bytes(run, key, 16, bytes, sizeof bytes, NULL, &w->err);
    if (reads && w->code == WG_OK) w->code = wg_run_commit(run, NULL, &w->err);
}

static void put_many(void *arg) {
    writer *w = arg;
    wg_session *session = NULL;
    wg_run *run = NULL;
    const int keys = kit_mode == WG_STRICT ? ROUNDS : ROUNDS * 200;
    w->code = wg_session_open(kit_db, &session, &w->err);
    if (w->code == WG_OK) w->code = wg_run_open(session, "a", &run, &w->err);
    for (int i = 0; i < keys && w->code == WG_OK; i++) put_once_more(w, run, i, false);
    atomic_fetch_add(&puts_begin, 1);
    while (atomic_load(&puts_begin) < 4) wg_thread_yield();
    for (int i = 0; i < keys && w->code == WG_OK; i++) put_once_more(w, run, i, i % 4 == 3);
    wg_run_close(run);
    wg_session_close(session);
}

/* Goal: what threads put into one run side by side is in the log as it is in memory: versions, times and bytes. */
static void test_txn_puts_of_threads_are_logged(void **state) {
    (void)state;
    static writer writers[4];
    wg_thread threads[4];
    wg_replay_report report;
    wg_run *a = kit_run("a");
    atomic_store(&puts_begin, 0);
    for (uint32_t i = 0; i < 4; i++) {
        writers[i] = (writer){.calls = i};
        assert_int_equal(wg_thread_start(&threads[i], put_many, &writers[i], NULL), WG_OK);
    }
    for (int i = 0; i < 4; i++) wg_thread_join(&threads[i]);
    for (int i = 0; i < 4; i++)
        if (writers[i].code != WG_OK)
            fail_msg("writer %d: %s: %s", i, wg_code_name(writers[i].code), writers[i].err.message);
    if (kit_mode == WG_IN_MEMORY) {
        KIT_FAILS(WG_E_UNSUPPORTED, wg_run_replay(a, 0, &report, err));
    } else {
        KIT_OK(wg_run_replay(a, 0, &report, err));
        assert_true(report.equal && report.keys == 4 * (kit_mode == WG_STRICT ? ROUNDS : ROUNDS * 200));
    }
    wg_run_close(a);
}

static void increment_many(void *arg) {
    writer *w = arg;
    wg_session *session = NULL;
    wg_run *run = NULL;
    w->code = wg_session_open(kit_db, &session, &w->err);
    if (w->code == WG_OK) w->code = wg_run_open(session, "a", &run, &w->err);
    for (int i = 0; i < ROUNDS * 5 && w->code == WG_OK; i++) w->code = wg_kv_increment(run, "c", 1, 1, NULL, &w->err);
    wg_run_close(run);
    wg_session_close(session);
}

/* Goal: increments of several threads all count. */
static void test_txn_increments_of_threads(void **state) {
    (void)state;
    static writer writers[4];
    wg_thread threads[4];
    wg_run *a = kit_run("a");
    for (int i = 0; i < 4; i++) {
        writers[i] = (writer){.code = WG_OK};
        assert_int_equal(wg_thread_start(&threads[i], increment_many, &writers[i], NULL), WG_OK);
    }
    for (int i = 0; i < 4; i++) wg_thread_join(&threads[i]);
    for (int i = 0; i < 4; i++)
        if (writers[i].code != WG_OK)
            fail_msg("writer %d: %s after %u calls: %s", i, wg_code_name(writers[i].code), writers[i].calls,
                     writers[i].err.message);
    kit_expect(a, "c", 4 * ROUNDS * 5);
    wg_run_close(a);
}

static wg_code refuse(void *ctx, wg_run *run, wg_error *err) {
    (void)ctx;
    const wg_value v = kit_int(1);
    const wg_code code = wg_kv_put(run, "refused", 7, &v, NULL, err);
    return code != WG_OK ? code : WG_E_VALUE;
}

/* Goal: an error of the body rolls back and is returned; misuse of transactions is told. */
static void test_txn_misuse(void **state) {
    (void)state;
    wg_run *a = kit_run("a");
    wg_run *b = kit_run("b");
    assert_int_equal(wg_run_transact(a, NULL, refuse, NULL, NULL, NULL), WG_E_VALUE);
    kit_expect_none(a, "refused");
    KIT_OK(wg_run_begin(a, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_run_begin(a, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_run_begin(b, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_begin(kit_session, false, err));
    KIT_FAILS(WG_E_MISUSE, wg_run_create(kit_session, "c", NULL, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_run_commit(b, NULL, err));
    KIT_OK(wg_run_commit(a, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_run_commit(a, NULL, err));
    KIT_FAILS(WG_E_MISUSE, wg_kv_get(NULL, "k", 1, &(wg_kv_item){0}, err));
    wg_run_close(a);
    wg_run_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_txn_isolation),
        KIT_TEST(test_txn_conflicts),
        KIT_TEST(test_txn_of_one_key),
        KIT_TEST(test_txn_phantoms),
        KIT_TEST(test_txn_with_graph),
        KIT_TEST(test_txn_that_only_read_its_run),
        KIT_TEST(test_txn_large),
        KIT_TEST(test_txn_sixteen_writers_on_one_key),
        KIT_TEST(test_txn_puts_of_threads_are_logged),
        KIT_TEST(test_txn_increments_of_threads),
        KIT_TEST(test_txn_misuse),
    };
    return KIT_RUN_MODES(tests);
}
