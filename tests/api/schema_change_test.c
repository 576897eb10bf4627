/* The tools across changes of the schema: after every ALTER, CREATE INDEX, DROP and the writes between them it is noted what questions, SHOW and
 * COPY TO answer, and receipts are kept. From then on each noted state must be the same AS OF its commit: in the store itself, before and
 * after upkeep and opening; in backups (one that grows by every step, others made whole) and what is restored from them; for a reader in
 * another process that follows; and every receipt must hold at all four levels, in the store and in what was restored.
 *
 *   WG_SEED=N   where the choices of upkeep and backups begin */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "tests/determinism/kit.h"

enum { STEPS_MAX = 40, COPIES_MAX = 8 };

static const char *const steps[] = {
    "CREATE NODE LABEL P (id INT, name STRING NOT NULL, h FLOAT, PRIMARY KEY (id))",
    "CREATE EDGE LABEL K (FROM P TO P, w INT)",
    "UNWIND range(1, 60) AS i CREATE (:P {id: i, name: 'p' + toString(i % 20), h: i * 0.5})",
    "MATCH (a:P), (b:P) WHERE b.id = a.id % 60 + 1 CREATE (a)-[:K {w: a.id * b.id}]->(b)",
    "CREATE INDEX by_name FOR (p:P) ON (p.name)",
    "ALTER NODE LABEL P ADD COLUMN city STRING DEFAULT 'here'",
    "MATCH (p:P) WHERE p.id % 3 = 0 SET p.city = 'there', p.h = null",
    "ALTER NODE LABEL P RENAME COLUMN h TO metres",
    "CREATE CONSTRAINT one FOR (p:P) REQUIRE (p.city, p.id) IS UNIQUE",
    "MATCH (p:P) WHERE p.id % 7 = 0 DETACH DELETE p",
    "ALTER EDGE LABEL K ADD COLUMN since DATE DEFAULT date('2001-02-03')",
    "ALTER NODE LABEL P ADD COMPUTE twice = 2 * id",
    "CREATE NODE LABEL V VIRTUAL FROM PARTITION 'tests/badinput/parquet/integers_{kind}.parquet'",
    "ALTER NODE LABEL V ADD COMPUTE more = sure + 1",
    "DROP INDEX by_name",
    "ALTER NODE LABEL P DROP COMPUTE twice",
    "ALTER NODE LABEL P ALTER COLUMN id SET TYPE INT32",
    "CREATE INDEX seen FOR ()-[r:K]-() ON (r.since)",
    "MATCH (a:P)-[r:K]->(b) WHERE r.w % 2 = 0 SET r.since = date('2009-09-09') SET a.metres = 1.25",
    "ALTER NODE LABEL P RENAME TO Q",
    "DROP CONSTRAINT one",
    "ALTER NODE LABEL Q DROP COLUMN city",
    "CREATE (:Open {a: 1, b: 'x'})-[:R {c: 2}]->(:Open {a: 'one', d: [1, 2]})",
    "ALTER NODE LABEL V SET PARTITION 'tests/badinput/parquet/integers_{kind}ta.parquet'",
    "MATCH ()-[r:K]->() DELETE r",
    "DROP EDGE LABEL K",
    "ALTER NODE LABEL Q ALTER COLUMN name DROP NOT NULL",
    "MATCH (q:Q) DELETE q",
    "DROP NODE LABEL Q",
    "CREATE NODE LABEL P (name STRING, h INT, PRIMARY KEY (name))",
    "UNWIND range(1, 5) AS i CREATE (:P {name: 'new' + toString(i), h: i})",
    "DROP NODE LABEL V",
    "MATCH (n:Open) REMOVE n:Open SET n:Other, n.e = 7",
};
enum { STEP_COUNT = sizeof steps / sizeof steps[0] };

static const char *const questions[] = {
    "MATCH (n) RETURN id(n), labels(n), n ORDER BY id(n)",
    "MATCH (n:P) RETURN n ORDER BY id(n)",
    "MATCH (n:Q) RETURN n.id, n.metres ORDER BY n.id",
    "MATCH (n:P {name: 'p3'}) RETURN n.id ORDER BY n.id",
    "MATCH (n:P {id: 9}) RETURN n.name, n.city, n.twice",
    "MATCH (n:P) WHERE n.city = 'there' RETURN count(*), sum(n.metres), min(n.id)",
    "MATCH (n:P) WHERE n.h > 3 RETURN count(*), max(n.h)",
    "MATCH (a)-[r:K]->(b) RETURN a.id, r, b.id ORDER BY id(r)",
    "MATCH ()-[r:K]->() WHERE r.since = date('2009-09-09') RETURN count(*)",
    "MATCH (a)-[r]->(b) RETURN type(r), count(*) ORDER BY type(r)",
    "MATCH (v:V) RETURN v.kind, count(*), sum(v.sure), min(v.i32) ORDER BY v.kind",
    "MATCH (v:V) WHERE v.more = 26 RETURN v.kind, v.i8 ORDER BY v.kind",
    "EXPLAIN MATCH (n:P {name: 'p3'}) RETURN n.id ORDER BY n.id",
    "EXPLAIN MATCH ()-[r:K]->() WHERE r.since = date('2009-09-09') RETURN count(*)",
    "EXPLAIN MATCH (a)-[r:K]->(b) WHERE a.name = 'p3' RETURN a.id, r, b.id",
    "EXPLAIN MATCH (v:V) WHERE v.more = 26 RETURN v.kind, v.i8 ORDER BY v.kind",
    "SHOW LABELS YIELD label, columns, source RETURN label, columns, source ORDER BY label",
    "SHOW INDEXES YIELD name, kind, label, properties RETURN name, kind, label, properties ORDER BY name",
    "SHOW CONSTRAINTS YIELD name RETURN name ORDER BY name",
    "SHOW SCHEMA",
};
enum { QUESTION_COUNT = sizeof questions / sizeof questions[0] };

static const char *const copies[] = {"COPY P", "COPY Q", "COPY K", "COPY Open"};
static const char *const formats[] = {"csv", "jsonl", "parquet"};

/* ---- states */

typedef struct receipt_kept {
    wg_buf receipt;
    wg_buf rows;
} receipt_kept;

typedef struct noted {
    uint64_t logseq;
    wg_buf text;
    receipt_kept receipts[QUESTION_COUNT]; /* of those that have an answer */
} noted;

static noted states[STEPS_MAX];
static uint32_t state_count;

static bool put_file(wg_buf *out, const char *path) {
    uint8_t chunk[4096];
    size_t n = 0;
    FILE *f = fopen(path, "rb");
    if (f == NULL) return false;
    bool ok = true;
    while (ok && (n = fread(chunk, 1, sizeof chunk, f)) > 0) ok = wg_buf_append(out, chunk, n);
    (void)fclose(f);
    return ok;
}

/* What a COPY TO writes, as it lies in the file. */
static void put_copy(const kit_db *db, const char *what, const char *format, uint64_t at, wg_buf *out) {
    char path[256];
    char text[512];
    wg_error err = {0};
    (void)snprintf(path, sizeof path, "%s.out.%d.%s", db->dir, (int)getpid(), format);
    (void)snprintf(text, sizeof text, "%s TO '%s' (OVERWRITE true)", what, path);
    const wg_code code = kit_try(db, text, at, out, &err);
    (void)wg_buf_printf(out, "%s into %s: %s\n", what, format, wg_code_name(code));
    if (code == WG_OK && !put_file(out, path)) (void)wg_buf_append_str(out, "no file\n");
    (void)unlink(path);
}

/* EXPLAIN also says what is stored now, which is no part of a plan: that goes. */
static void leave_out_storage(wg_buf *text, size_t from) {
    static const char begin[] = " [fragments ";
    for (;;) {
        uint8_t *at = memmem(text->data + from, text->size - from, begin, sizeof begin - 1);
        if (at == NULL) return;
        const uint8_t *end = memchr(at, ']', (size_t)(text->data + text->size - at));
        assert_non_null(end);
        memmove(at, end + 1, (size_t)(text->data + text->size - end) - 1);
        text->size -= (size_t)(end + 1 - at);
    }
}

/* All that can be asked, with the codes of what cannot be answered. */
static void put_answers(const kit_db *db, uint64_t at, wg_buf *out) {
    for (uint32_t q = 0; q < QUESTION_COUNT; q++) {
        wg_error err = {0};
        (void)wg_buf_printf(out, "## %s\n", questions[q]);
        const size_t begin = out->size;
        const wg_code code = kit_try(db, questions[q], at, out, &err);
        leave_out_storage(out, begin);
        if (code != WG_OK) (void)wg_buf_printf(out, "%s\n", wg_code_name(code));
    }
    for (uint32_t c = 0; c < sizeof copies / sizeof copies[0]; c++)
        for (uint32_t f = 0; f < sizeof formats / sizeof formats[0]; f++)
            put_copy(db, copies[c], formats[f], at, out);
}

static bool to_buf(void *ctx, const void *data, size_t size) { return wg_buf_append(ctx, data, size); }

static void keep_receipt(kit_db *db, const char *question, receipt_kept *out) {
    static const wg_receipt_options options = {.carry = true, .merkle = true};
    wg_stmt *stmt = NULL;
    wg_result *result = NULL;
    if (wg_prepare(db->session, question, strlen(question), &stmt, NULL) != WG_OK) return;
    if (wg_execute(stmt, &result, NULL) == WG_OK) {
        if (wg_result_write_receipt(result, &options, to_buf, &out->receipt, NULL) != WG_OK) out->receipt.size = 0;
        else KIT_OK(wg_result_write_json(result, to_buf, &out->rows, err));
    }
    wg_result_free(result);
    wg_stmt_finish(stmt);
}

static void note(kit_db *db, uint64_t logseq) {
    noted *n = &states[state_count++];
    assert_true(state_count <= STEPS_MAX);
    n->logseq = logseq;
    put_answers(db, 0, &n->text);
    for (uint32_t q = 0; q < QUESTION_COUNT; q++)
        if (strncmp(questions[q], "EXPLAIN", 7) != 0) keep_receipt(db, questions[q], &n->receipts[q]);
}

/* Every state that was noted, up to a commit, is the same here. */
static void expect_states(const kit_db *db, uint64_t until, const char *where) {
    uint32_t seen = 0;
    for (uint32_t i = 0; i < state_count && states[i].logseq <= until; i++) {
        wg_buf got = {0};
        put_answers(db, states[i].logseq, &got);
        kit_expect_same(&got, &states[i].text, "%s: behind '%s'", where, steps[i]);
        wg_buf_deinit(&got);
        seen++;
    }
    assert_true(seen > 0);
}

/* ---- the reader in another process: gets each state, and answers with nothing or with what differs */

typedef struct follower {
    pid_t child;
    int to;
    int from;
} follower;

typedef struct letter {
    uint64_t logseq; /* 0: the end */
    uint64_t size;
} letter;

static bool read_all(int fd, void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        const ssize_t n = read(fd, (uint8_t *)data + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(fd, (const uint8_t *)data + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* In the child: the state that came, and one that it had before, are what it sees. */
static void follow_one(kit_db *db, uint64_t logseq, char answer[200]) {
    wg_error err = {0};
    uint64_t newest = 0;
    const noted *both[2] = {&states[state_count - 1], &states[state_count / 2]};
    if (wg_refresh(db->db, &newest, &err) != WG_OK || newest < logseq) {
        (void)snprintf(answer, 200, "refresh to %llu: %llu: %.120s", (unsigned long long)logseq,
                       (unsigned long long)newest, err.message);
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        wg_buf got = {0};
        put_answers(db, both[i]->logseq, &got);
        if (!wg_buf_append_u8(&got, 0)) _exit(6);
        got.size--;
        size_t same = 0;
        while (same < got.size && same < both[i]->text.size && got.data[same] == both[i]->text.data[same]) same++;
        if (same < got.size || same < both[i]->text.size)
            (void)snprintf(answer, 200, "at %llu it answers ...%.100s", (unsigned long long)both[i]->logseq,
                           (const char *)got.data + (same > 60 ? same - 60 : 0));
        wg_buf_deinit(&got);
    }
}

static _Noreturn void follow(const char *dir, int from, int to) {
    kit_db db = {0};
    letter l;
    (void)snprintf(db.dir, sizeof db.dir, "%s", dir);
    while (read_all(from, &l, sizeof l) && l.logseq != 0) {
        static const wg_options options = {.read_only = true, .threads = 2};
        char answer[200] = "";
        noted *n = &states[state_count++];
        n->logseq = l.logseq;
        if (!wg_buf_reserve(&n->text, l.size) || !read_all(from, n->text.data, l.size)) _exit(3);
        n->text.size = l.size;
        wg_error err = {0};
        if (db.db == NULL &&
            (wg_open(dir, &options, &db.db, &err) != WG_OK || wg_session_open(db.db, &db.session, &err) != WG_OK))
            (void)snprintf(answer, sizeof answer, "open: %.150s", err.message);
        else follow_one(&db, l.logseq, answer);
        if (!write_all(to, answer, sizeof answer)) _exit(4);
    }
    wg_session_close(db.session);
    _exit(wg_close(db.db, NULL) == WG_OK ? 0 : 5);
}

/* Before this process has threads. */
static void follower_start(follower *f, const char *dir) {
    int there[2];
    int back[2];
    assert_int_equal(pipe(there), 0);
    assert_int_equal(pipe(back), 0);
    f->child = fork();
    assert_true(f->child >= 0);
    if (f->child == 0) {
        (void)close(there[1]);
        follow(dir, there[0], back[1]);
    }
    (void)close(there[0]);
    (void)close(back[1]);
    f->to = there[1];
    f->from = back[0];
}

static void follower_tell(const follower *f, const noted *n) {
    const letter l = {n->logseq, n->text.size};
    char answer[200] = "";
    assert_true(write_all(f->to, &l, sizeof l) && write_all(f->to, n->text.data, n->text.size));
    assert_true(read_all(f->from, answer, sizeof answer));
    if (answer[0] != '\0') fail_msg("the reader in another process: %s", answer);
}

static void follower_end(follower *f) {
    const letter end = {0, 0};
    int status = 0;
    assert_true(write_all(f->to, &end, sizeof end));
    assert_int_equal(waitpid(f->child, &status, 0), f->child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)close(f->to);
    (void)close(f->from);
}

/* ---- receipts */

static void expect_receipt(const char *dir, const receipt_kept *kept, const char *what) {
    static const wg_receipt_level levels[] = {WG_RECEIPT_V0, WG_RECEIPT_V1, WG_RECEIPT_V2};
    uint8_t secret[32];
    wg_buf with_signature = {0};
    wg_receipt_report report;
    KIT_OK(wg_receipt_key_new(secret, err));
    for (uint32_t i = 0; i < 3; i++) {
        const bool replay = levels[i] == WG_RECEIPT_V2;
        const wg_receipt_request q = {.receipt = (const char *)kept->receipt.data,
                                      .receipt_size = kept->receipt.size,
                                      .level = levels[i],
                                      .rows = (const char *)kept->rows.data,
                                      .rows_size = kept->rows.size,
                                      .workspace = levels[i] == WG_RECEIPT_V0 ? NULL : dir,
                                      .secret = replay ? secret : NULL,
                                      .write = replay ? to_buf : NULL,
                                      .write_ctx = &with_signature};
        KIT_OK(wg_receipt_verify(&q, &report, err));
        if (!report.ok) fail_msg("level %u of '%s': %s: %s", i, what, report.place, report.reason);
    }
    const wg_receipt_request q = {.receipt = (const char *)with_signature.data,
                                  .receipt_size = with_signature.size,
                                  .level = WG_RECEIPT_V3,
                                  .signers_min = 1};
    KIT_OK(wg_receipt_verify(&q, &report, err));
    assert_true(report.ok);
    assert_int_equal(report.signers, 1);
    wg_buf_deinit(&with_signature);
}

/* Some of all receipts up to a commit; the workspace is open nowhere. */
static void expect_receipts(const char *dir, uint64_t until, wg_rng *rng) {
    uint32_t checked = 0;
    for (uint32_t i = 0; i < state_count && states[i].logseq <= until; i++)
        for (uint32_t q = 0; q < QUESTION_COUNT; q++) {
            if (states[i].receipts[q].receipt.size == 0) continue;
            if (checked > 0 && wg_rng_below(rng, wg_test_small() ? 30 : 8) != 0) continue;
            expect_receipt(dir, &states[i].receipts[q], questions[q]);
            checked++;
        }
    assert_true(checked > 0);
}

/* ---- backups */

typedef struct backup {
    char dir[160];
    uint64_t logseq;
} backup;

static void backup_make(const kit_db *db, backup *b, const char *name) {
    wg_backup_info info;
    (void)snprintf(b->dir, sizeof b->dir, "%s.%s", db->dir, name);
    KIT_OK(wg_sync(db->db, err));
    KIT_OK(wg_backup(db->db, b->dir, NULL, NULL, &info, err));
    b->logseq = info.logseq;
    assert_true(info.logseq >= states[state_count - 1].logseq);
}

static void remove_at(const char *dir) {
    char command[256];
    assert_non_null(strstr(dir, "wg_determinism_"));
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

/* The backup is a workspace, what is restored from it another: both have the states, and receipts hold in them. */
static void backup_check(const backup *b, wg_rng *rng) {
    kit_db restored = {0};
    wg_verify_report report;
    static const wg_options options = {.read_only = true, .threads = 2};
    kit_db seen = {0};
    KIT_OK(wg_verify(b->dir, &report, err));
    assert_int_equal(report.last_logseq, b->logseq);
    KIT_OK(wg_open(b->dir, &options, &seen.db, err));
    KIT_OK(wg_session_open(seen.db, &seen.session, err));
    (void)snprintf(seen.dir, sizeof seen.dir, "%.100s", b->dir);
    expect_states(&seen, b->logseq, "backup");
    kit_close(&seen);
    (void)snprintf(restored.dir, sizeof restored.dir, "%.100s.again", b->dir);
    KIT_OK(wg_restore(b->dir, restored.dir, NULL, NULL, NULL, err));
    kit_open(&restored, false);
    expect_states(&restored, b->logseq, "restored");
    if (wg_rng_below(rng, 2) == 0) kit_upkeep_now(&restored, KIT_COMPACTED);
    kit_do(&restored, "CREATE (:Later {x: 1})"); /* it goes on */
    expect_states(&restored, b->logseq, "restored and written to");
    kit_close(&restored);
    expect_receipts(restored.dir, b->logseq, rng);
    kit_remove(&restored);
}

/* ---- all of it */

static void free_states(void) {
    for (uint32_t i = 0; i < state_count; i++) {
        wg_buf_deinit(&states[i].text);
        for (uint32_t q = 0; q < QUESTION_COUNT; q++) {
            wg_buf_deinit(&states[i].receipts[q].receipt);
            wg_buf_deinit(&states[i].receipts[q].rows);
        }
        states[i] = (noted){0};
    }
    state_count = 0;
}

static void sometimes_upkeep(kit_db *db, wg_rng *rng) {
    const uint64_t kind = wg_rng_below(rng, 5);
    if (kind < 2) kit_upkeep_now(db, kind == 0 ? KIT_CHECKPOINTED : KIT_COMPACTED);
}

/* Goal: the tools hold across ALTER, CREATE INDEX and DROP. */
static void test_tools_hold_across_changes_of_the_schema(void **state) {
    (void)state;
    kit_db db;
    follower reader;
    backup growing = {0};
    backup whole[COPIES_MAX];
    uint32_t whole_count = 0;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(db.dir, sizeof db.dir, "%s/wg_determinism_XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(db.dir));
    follower_start(&reader, db.dir);
    const wg_options options = {.durability = WG_BUFFERED,
                                .create = true,
                                .threads = 2,
                                .no_background = true,
                                .checkpoint_log_bytes = UINT64_MAX};
    KIT_OK(wg_open(db.dir, &options, &db.db, err));
    KIT_OK(wg_session_open(db.db, &db.session, err));
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        char name[32];
        kit_do(&db, steps[i]);
        note(&db, wg_db_logseq(db.db));
        sometimes_upkeep(&db, &rng);
        KIT_OK(wg_sync(db.db, err));
        follower_tell(&reader, &states[i]);
        if (wg_rng_below(&rng, 3) == 0) backup_make(&db, &growing, "growing");
        if (whole_count < (wg_test_small() ? 2 : COPIES_MAX) && wg_rng_below(&rng, 5) == 0) {
            (void)snprintf(name, sizeof name, "whole%u", whole_count);
            backup_make(&db, &whole[whole_count++], name);
        }
        if (wg_rng_below(&rng, 6) == 0) {
            kit_close(&db);
            kit_open(&db, false);
            expect_states(&db, UINT64_MAX, "opened again");
        }
    }
    backup_make(&db, &growing, "growing");
    expect_states(&db, UINT64_MAX, "the store");
    kit_upkeep_now(&db, KIT_COMPACTED);
    expect_states(&db, UINT64_MAX, "compacted");
    follower_end(&reader);
    kit_close(&db);
    expect_receipts(db.dir, UINT64_MAX, &rng);
    backup_check(&growing, &rng);
    remove_at(growing.dir);
    for (uint32_t i = 0; i < whole_count; i++) {
        backup_check(&whole[i], &rng);
        remove_at(whole[i].dir);
    }
    free_states();
    kit_remove(&db);
}

/* Goal: what COPY TO wrote before an ALTER is loaded behind it where it fits, with defaults for columns that came later and an error for those
 * that went; and into a label of the same name that was made anew. */
static void test_files_of_copy_outlive_changes_of_the_schema(void **state) {
    (void)state;
    kit_db db;
    char text[512];
    wg_buf before = {0};
    wg_buf after = {0};
    kit_open(&db, true);
    kit_do(&db, "CREATE NODE LABEL P (id INT, name STRING, PRIMARY KEY (id))");
    kit_do(&db, "UNWIND range(1, 30) AS i CREATE (:P {id: i, name: 'n' + toString(i % 4)})");
    kit_answer(&db, "MATCH (p:P) RETURN p.id, p.name ORDER BY p.id", 0, &before);
    for (uint32_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        (void)snprintf(text, sizeof text, "COPY P TO '%s/old.%s'", db.dir, formats[f]);
        kit_do(&db, text);
    }
    for (uint32_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        wg_error seen = {0};
        kit_do(&db, "MATCH (p:P) DETACH DELETE p");
        kit_do(&db, "ALTER NODE LABEL P ADD COLUMN city STRING DEFAULT 'here'");
        kit_do(&db, "CREATE INDEX by_name FOR (p:P) ON (p.name)");
        (void)snprintf(text, sizeof text, "COPY P FROM '%s/old.%s'", db.dir, formats[f]);
        kit_do(&db, text);
        after.size = 0;
        kit_answer(&db, "MATCH (p:P) WHERE p.city = 'here' RETURN p.id, p.name ORDER BY p.id", 0, &after);
        kit_expect_same(&after, &before, "%s into a wider label", formats[f]);
        kit_do(&db, "DROP INDEX by_name");
        kit_do(&db, "MATCH (p:P) DETACH DELETE p");
        kit_do(&db, "ALTER NODE LABEL P DROP COLUMN name");
        wg_buf none = {0};
        const wg_code code = kit_try(&db, text, 0, &none, &seen);
        if (code != WG_E_NOT_FOUND) fail_msg("%s: %s: %s", formats[f], wg_code_name(code), seen.message);
        assert_non_null(strstr(seen.message, "name"));
        wg_buf_deinit(&none);
        kit_do(&db, "DROP NODE LABEL P");
        kit_do(&db, "CREATE NODE LABEL P (id INT, name STRING, PRIMARY KEY (id))");
        kit_do(&db, text);
        after.size = 0;
        kit_answer(&db, "MATCH (p:P) RETURN p.id, p.name ORDER BY p.id", 0, &after);
        kit_expect_same(&after, &before, "%s into a label made anew", formats[f]);
    }
    wg_buf_deinit(&before);
    wg_buf_deinit(&after);
    kit_remove(&db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tools_hold_across_changes_of_the_schema),
        cmocka_unit_test(test_files_of_copy_outlive_changes_of_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
