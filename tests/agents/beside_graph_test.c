/* Runs beside a transaction of the graph that another session leaves open: what they commit is durable at once, nobody sees the graph's changes,
 * and afterwards both are there, or one (threads: those of the database). In every durability mode. */
#include "agents_kit.h"

#include <sys/wait.h>
#include <unistd.h>

enum { PUTS = 1000, NODES = 40, MADE = 3000 };

static wg_session *writer;

static void says(wg_session *session, const char *text) {
    wg_result *r = NULL;
    KIT_OK(wg_query(session, text, &r, err));
    wg_result_free(r);
}

static int64_t number_of(wg_session *session, const char *text) {
    wg_result *r = NULL;
    wg_value v;
    KIT_OK(wg_query(session, text, &r, err));
    assert_int_equal(wg_result_row_count(r), 1);
    KIT_OK(wg_result_cell(r, 0, 0, &v, err));
    const int64_t n = v.as.i;
    wg_result_free(r);
    return n;
}

/* All that a snapshot shows of the graph, as one text; `as_of` 0: now. The caller frees it. */
static bool append_text(void *ctx, const void *data, size_t size) {
    char **all = ctx;
    const size_t before = *all == NULL ? 0 : strlen(*all);
    *all = realloc(*all, before + size + 1);
    assert_non_null(*all);
    memcpy(*all + before, data, size);
    (*all)[before + size] = '\0';
    return true;
}

static char *shown(wg_session *session, uint64_t as_of) {
    static const char *const texts[] = {
        "MATCH (n) RETURN labels(n) AS l, properties(n) AS p, COUNT { (n)--() } AS d ORDER BY l, n.k, n.z, p, d",
        "MATCH (a)-[r]->(b) RETURN type(r) AS t, a.k AS a, b.k AS b, r.w AS w ORDER BY t, a, b, w",
        "MATCH (n:P) WHERE n.v >= 5 RETURN n.k AS k ORDER BY k",
        "MATCH (n:P {k: 17})-[:E*1..3]->(m) RETURN count(m) AS c",
        "CALL db.labels() YIELD label RETURN label ORDER BY label",
        "SHOW INDEXES YIELD name RETURN name ORDER BY name"};
    char *all = NULL;
    wg_snapshot *snapshot = NULL;
    if (as_of != 0) KIT_OK(wg_snapshot_acquire(kit_db, as_of, &snapshot, err));
    if (as_of != 0) KIT_OK(wg_session_use_snapshot(session, snapshot, err));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        wg_result *r = NULL;
        KIT_OK(wg_query(session, texts[i], &r, err));
        append_text(&all, "\n", 1);
        KIT_OK(wg_result_write_json(r, append_text, &all, err));
        wg_result_free(r);
    }
    if (as_of != 0) KIT_OK(wg_session_use_snapshot(session, NULL, err));
    wg_snapshot_release(snapshot);
    return all;
}

static void expect_shown(wg_session *session, uint64_t as_of, const char *wanted) {
    char *now = shown(session, as_of);
    assert_string_equal(now, wanted);
    free(now);
}

static uint64_t newest(void) {
    wg_snapshot *s = NULL;
    KIT_OK(wg_snapshot_acquire(kit_db, 0, &s, err));
    const uint64_t logseq = wg_snapshot_logseq(s);
    wg_snapshot_release(s);
    return logseq;
}

/* What is there before. */
static void graph_make(void) {
    says(kit_session, "CREATE NODE LABEL P (k INT, v INT, PRIMARY KEY (k))");
    says(kit_session, "UNWIND range(1, 40) AS i CREATE (:P {k: i, v: i % 10})");
    says(kit_session, "MATCH (a:P), (b:P) WHERE b.k = a.k + 1 OR b.k = a.k + 7 CREATE (a)-[:E {w: a.k}]->(b)");
    says(kit_session, "CREATE INDEX by_v FOR (n:P) ON (n.v)");
    says(kit_session, "CREATE (:Open {k: 500, z: 'x'})");
}

/* Of everything that a transaction can do some; a statement that fails in the middle, too. */
static void writer_begin(void) {
    KIT_OK(wg_session_open(kit_db, &writer, err));
    KIT_OK(wg_begin(writer, false, err));
    says(writer, "CREATE (:P {k: 100, v: 5})");
    says(writer, "MATCH (n:P {k: 1}) SET n.v = 77");
    says(writer, "MATCH (n:P {k: 1}) SET n.v = 78");
    says(writer, "MATCH (n:P {k: 2}) DETACH DELETE n");
    says(writer, "MATCH (a:P {k: 1}), (b:P {k: 3}) CREATE (a)-[:NEW {w: 1, fresh: true}]->(b)");
    says(writer, "MATCH (a:P {k: 3})-[r:E]->() SET r.w = -3");
    says(writer, "CREATE NODE LABEL Q (k INT, z INT)");
    says(writer, "UNWIND range(1, 3000) AS i CREATE (:Q {k: i, z: i})");
    says(writer, "CREATE INDEX by_z FOR (n:Q) ON (n.z)");
    says(writer, "DROP INDEX by_v");
    says(writer, "ALTER NODE LABEL P ADD COLUMN extra INT DEFAULT 9");
    says(writer, "MATCH (n:Open) SET n:More REMOVE n.z");
    KIT_FAILS(WG_E_CONSTRAINT, wg_query(writer, "UNWIND [201, 202, 3] AS i CREATE (:P {k: i})-[:OTHER]->(:Newer)",
                                        &(wg_result *){NULL}, err));
    assert_int_equal(number_of(writer, "MATCH (n:Q) RETURN count(n)"), MADE);
}

static void writer_end(bool commit, uint64_t *out_logseq) {
    if (commit) KIT_OK(wg_commit(writer, out_logseq, err));
    else KIT_OK(wg_rollback(writer, err));
    wg_session_close(writer);
}

static void put_some(wg_run *run, int first, int count) {
    char key[16];
    for (int i = first; i < first + count; i++) {
        snprintf(key, sizeof key, "k%04d", i);
        kit_put(run, key, i);
    }
}

/* Everything that runs do, none of which waits for the writer. */
static void runs_go_on(wg_run *run, int puts) {
    static char large[1 << 20]; /* over a quarter of a ring */
    uint64_t version = 0;
    put_some(run, 0, puts / 2);
    wg_run *made = kit_run("made");
    kit_put(made, "here", 1);
    memset(large, 'x', sizeof large);
    KIT_OK(wg_kv_put_bytes(made, "large", 5, large, sizeof large, &version, err));
    wg_run *fork = NULL;
    KIT_OK(wg_run_fork(run, "fork", 0, NULL, &fork, err));
    kit_expect(fork, "k0001", 1);
    kit_put(fork, "k0001", -1);
    KIT_OK(wg_run_begin(run, NULL, err));
    kit_put(run, "in", 1);
    kit_append(run, "both", 2);
    assert_int_equal(kit_number("MATCH (n:P) RETURN count(n)"), NODES); /* it reads the graph and goes on */
    KIT_OK(wg_run_commit(run, NULL, err));
    put_some(run, puts / 2, puts - puts / 2);
    const wg_value v = kit_int(3);
    if (kit_mode == WG_IN_MEMORY) kit_put(run, "durable", 3);
    else KIT_OK(wg_kv_put_durable(run, "durable", 7, &v, &version, err));
    KIT_OK(wg_session_set_deadline(kit_session, 60000, err));
    assert_int_equal(kit_number("CALL kv.scan('r', 'k') YIELD key RETURN count(key)"), puts);
    KIT_OK(wg_session_set_deadline(kit_session, 0, err));
    wg_run_close(fork);
    wg_run_close(made);
    KIT_OK(wg_run_delete(kit_session, "made", err));
}

static void reopen(void) {
    kit_close();
    kit_open();
}

/* The commits of the graph in (from, to] are of one number. */
static void expect_one_change(uint64_t from, uint64_t to, uint64_t logseq) {
    char text[200];
    snprintf(text, sizeof text, "CALL db.changes(%llu, %llu) YIELD logseq RETURN %s(logseq)",
             (unsigned long long)from, (unsigned long long)to, "min");
    assert_int_equal(number_of(kit_session, text), logseq);
    snprintf(text, sizeof text, "CALL db.changes(%llu, %llu) YIELD logseq RETURN %s(logseq)",
             (unsigned long long)from, (unsigned long long)to, "max");
    assert_int_equal(number_of(kit_session, text), logseq);
}

/* Goal: beside an open transaction of the graph runs commit as ever; nobody but it sees its changes, whatever number the log has reached; its
 * commit is one number behind theirs, and the state of every number before is as it was. */
static void test_commit_behind_runs(void **state) {
    (void)state;
    uint64_t committed = 0;
    graph_make();
    wg_run *run = kit_run("r");
    char *before = shown(kit_session, 0);
    const uint64_t first = newest();
    writer_begin();
    runs_go_on(run, PUTS);
    expect_shown(kit_session, 0, before);
    char *own = shown(writer, 0);
    assert_string_not_equal(own, before);
    put_some(run, PUTS, 10);
    assert_int_equal(kit_number("CALL kv.scan('r', 'k') YIELD key RETURN count(key)"), PUTS + 10);
    const uint64_t last = newest();
    assert_true(last > first);
    if (kit_mode == WG_STRICT) assert_true(last >= first + PUTS); /* one thread: a commit each */
    expect_shown(kit_session, last, before);
    expect_shown(kit_session, first + (last - first) / 2, before);
    writer_end(true, &committed);
    assert_int_equal(committed, last + 1);
    expect_shown(kit_session, 0, own);
    expect_shown(kit_session, last, before);
    expect_shown(kit_session, first, before);
    expect_one_change(first, committed, committed);
    put_some(run, PUTS + 10, 10);
    wg_run_close(run);
    if (kit_mode != WG_IN_MEMORY) {
        reopen();
        expect_shown(kit_session, 0, own);
        expect_shown(kit_session, last, before);
        KIT_OK(wg_checkpoint(kit_db, NULL, err));
        KIT_OK(wg_compact(kit_db, &(wg_compact_options){.everything = true}, NULL, NULL, NULL, err));
        expect_shown(kit_session, 0, own);
        expect_shown(kit_session, last, before);
        expect_shown(kit_session, committed, own);
        expect_one_change(first, committed, committed);
        reopen();
        expect_shown(kit_session, 0, own);
        expect_shown(kit_session, last, before);
    }
    KIT_OK(wg_run_open(kit_session, "r", &run, err));
    kit_expect(run, "k0999", 999);
    kit_expect(run, "k1019", 1019);
    kit_expect(run, "durable", 3);
    wg_run_close(run);
    free(before);
    free(own);
}

/* Goal: the same, and it is rolled back: nothing of it stays, neither names nor rows, and what comes behind it is as if it had never been. */
static void test_rollback_behind_runs(void **state) {
    (void)state;
    graph_make();
    wg_run *run = kit_run("r");
    char *before = shown(kit_session, 0);
    writer_begin();
    runs_go_on(run, 200);
    expect_shown(kit_session, 0, before);
    writer_end(false, NULL);
    expect_shown(kit_session, 0, before);
    wg_run_close(run);
    says(kit_session, "CREATE (:Q {k: -1})"); /* an open label, in a number that was never used */
    says(kit_session, "MATCH (n:Q) DETACH DELETE n");
    assert_int_equal(kit_number("MATCH (n) WHERE n.fresh IS NOT NULL OR n.extra IS NOT NULL RETURN count(n)"), 0);
    if (kit_mode != WG_IN_MEMORY) reopen();
    KIT_OK(wg_run_open(kit_session, "r", &run, err));
    kit_expect(run, "k0199", 199);
    assert_int_equal(kit_number("MATCH (n:P) RETURN sum(n.v)"), 180);
    if (kit_mode != WG_IN_MEMORY) KIT_OK(wg_checkpoint(kit_db, NULL, err));
    assert_int_equal(kit_number("MATCH (n:P)-[r:E]->() RETURN sum(r.w)"), 1341);
    wg_run_close(run);
    free(before);
}

/* Goal: a reader in a second handle follows the runs' commits and then the graph's, all of it at once. */
static void test_a_reader_follows(void **state) {
    (void)state;
    if (kit_mode == WG_IN_MEMORY) return;
    wg_db *db = NULL;
    wg_session *session = NULL;
    uint64_t seen = 0;
    uint64_t committed = 0;
    graph_make();
    wg_run *run = kit_run("r");
    const wg_options o = {.read_only = true, .threads = 1};
    KIT_OK(wg_open(kit_path("ws"), &o, &db, err));
    KIT_OK(wg_session_open(db, &session, err));
    char *before = shown(kit_session, 0);
    writer_begin();
    char *own = shown(writer, 0);
    for (int i = 0; i < 5; i++) {
        const wg_value v = kit_int(i);
        uint64_t version = 0;
        KIT_OK(wg_kv_put_durable(run, "k", 1, &v, &version, err));
        KIT_OK(wg_refresh(db, &seen, err));
        assert_int_equal(seen, newest());
        assert_int_equal(number_of(session, "CALL kv.scan('r', 'k') YIELD value RETURN value"), i);
        expect_shown(session, 0, before);
    }
    writer_end(true, &committed);
    KIT_OK(wg_sync(kit_db, err));
    KIT_OK(wg_refresh(db, &seen, err));
    assert_int_equal(seen, committed);
    expect_shown(session, 0, own);
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
    wg_run_close(run);
    free(before);
    free(own);
}

/* Goal: a process that dies with its transaction open leaves the runs' commits, and of the graph what was there before. */
static void test_death_with_the_transaction_open(void **state) {
    (void)state;
    if (kit_mode == WG_IN_MEMORY) return;
    graph_make();
    wg_run *run = kit_run("r");
    wg_run_close(run);
    char *before = shown(kit_session, 0);
    kit_close();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        kit_open();
        writer_begin();
        KIT_OK(wg_run_open(kit_session, "r", &run, err));
        runs_go_on(run, 100);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    kit_open();
    expect_shown(kit_session, 0, before);
    KIT_OK(wg_run_open(kit_session, "r", &run, err));
    for (int i = 0; i < 100; i += 33) {
        char key[16];
        snprintf(key, sizeof key, "k%04d", i);
        kit_expect(run, key, i);
    }
    kit_expect(run, "durable", 3);
    wg_run_close(run);
    free(before);
}

/* Goal: a backup made while the transaction is open has the runs' commits and nothing of the graph's. */
static void test_backup_beside(void **state) {
    (void)state;
    if (kit_mode == WG_IN_MEMORY) return;
    graph_make();
    wg_run *run = kit_run("r");
    char *before = shown(kit_session, 0);
    writer_begin();
    put_some(run, 0, 50);
    KIT_OK(wg_sync(kit_db, err));
    KIT_OK(wg_backup(kit_db, kit_path("copy"), NULL, NULL, NULL, err));
    writer_end(true, NULL);
    wg_run_close(run);
    kit_close();
    wg_db *db = NULL;
    KIT_OK(wg_restore(kit_path("copy"), kit_path("back"), NULL, NULL, NULL, err));
    KIT_OK(wg_open(kit_path("back"), NULL, &db, err));
    wg_session *session = NULL;
    KIT_OK(wg_session_open(db, &session, err));
    expect_shown(session, 0, before);
    assert_int_equal(number_of(session, "CALL kv.scan('r', 'k') YIELD key RETURN count(key)"), 50);
    wg_session_close(session);
    KIT_OK(wg_close(db, err));
    kit_open();
    free(before);
}

static void check_receipt(const char *receipt, wg_receipt_level level, const char *rows) {
    wg_receipt_report report;
    const wg_receipt_request request = {
        .receipt = receipt,
        .receipt_size = strlen(receipt),
        .level = level,
        .rows = rows,
        .rows_size = strlen(rows),
        .workspace = level == WG_RECEIPT_V0 || level == WG_RECEIPT_V3 ? NULL : kit_path("ws")};
    KIT_OK(wg_receipt_verify(&request, &report, err));
    if (!report.ok) fail_msg("level %d: %s: %s", (int)level, report.place, report.reason);
}

/* Goal: receipts of answers beside the open transaction, and behind its commit, hold at all levels. */
static void test_receipts(void **state) {
    (void)state;
    if (kit_mode == WG_IN_MEMORY) return;
    uint8_t secret[32];
    char *receipts[2] = {NULL, NULL};
    char *rows[2] = {NULL, NULL};
    KIT_OK(wg_receipt_key_new(secret, err));
    const wg_receipt_options o = {.carry = true, .merkle = true, .secret = secret};
    graph_make();
    wg_run *run = kit_run("r");
    writer_begin();
    put_some(run, 0, 20);
    for (int i = 0; i < 2; i++) {
        wg_result *r = NULL;
        KIT_OK(wg_query(kit_session, "MATCH (n:P) RETURN n.k AS k, n.v AS v ORDER BY k", &r, err));
        KIT_OK(wg_result_write_receipt(r, &o, append_text, &receipts[i], err));
        KIT_OK(wg_result_write_json(r, append_text, &rows[i], err));
        wg_result_free(r);
        if (i == 0) writer_end(true, NULL);
        put_some(run, 20, 20);
    }
    assert_string_not_equal(rows[0], rows[1]);
    wg_run_close(run);
    kit_close();
    for (int i = 0; i < 2; i++) {
        for (int level = WG_RECEIPT_V0; level <= WG_RECEIPT_V3; level++)
            check_receipt(receipts[i], (wg_receipt_level)level, rows[i]);
        free(receipts[i]);
        free(rows[i]);
    }
    kit_open();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_commit_behind_runs), KIT_TEST(test_rollback_behind_runs),
        KIT_TEST(test_a_reader_follows),   KIT_TEST(test_death_with_the_transaction_open),
        KIT_TEST(test_backup_beside),      KIT_TEST(test_receipts),
    };
    return KIT_RUN_MODES(tests);
}
