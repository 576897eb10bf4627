/* Kept plans, seen through the C API: nobody can tell from an answer, its order or its receipt whether a plan was kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "base/memory/memory.h"
#include "io/platform/platform.h"
#include "worldgraph.h"

typedef struct store {
    wg_db *db;
    wg_session *session;
} store;

static void store_open(store *s, uint64_t plan_cache_bytes) {
    const wg_options options = {.threads = 1, .plan_cache_bytes_max = plan_cache_bytes};
    assert_int_equal(wg_open(NULL, &options, &s->db, NULL), WG_OK);
    assert_int_equal(wg_session_open(s->db, &s->session, NULL), WG_OK);
}

static void store_close(store *s) {
    wg_session_close(s->session);
    assert_int_equal(wg_close(s->db, NULL), WG_OK);
}

static bool append(void *ctx, const void *data, size_t size) { return wg_buf_append(ctx, data, size); }

/* The rows as JSON, then the plan's hash: all that may not depend on what was kept. Errors are a part of it. */
static void tell(wg_code code, wg_result *result, const wg_error *err, wg_buf *out) {
    out->size = 0;
    if (code != WG_OK) {
        assert_true(wg_buf_printf(out, "%s %s", wg_code_name(code), err->message));
        return;
    }
    assert_int_equal(wg_result_write_json(result, append, out, NULL), WG_OK);
    const char *hash = strstr(wg_result_receipt(result), "\"plan\"");
    if (hash == NULL) hash = strstr(wg_result_receipt(result), "plan");
    assert_non_null(hash);
    assert_true(wg_buf_append(out, hash, strcspn(hash, ",}")));
    wg_result_free(result);
}

static void ask(wg_session *session, const char *text, wg_buf *out) {
    wg_error err = {0};
    wg_result *result = NULL;
    const wg_code code = wg_query(session, text, &result, &err);
    tell(code, result, &err, out);
}

static void must(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_result *result = NULL;
    if (wg_query(session, text, &result, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    wg_result_free(result);
}

static wg_stmt *prepare(wg_session *session, const char *text) {
    wg_error err = {0};
    wg_stmt *stmt = NULL;
    if (wg_prepare(session, text, strlen(text), &stmt, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    return stmt;
}

static int64_t number(wg_stmt *stmt) {
    wg_error err = {0};
    wg_result *result = NULL;
    wg_value v;
    if (wg_execute(stmt, &result, &err) != WG_OK) fail_msg("%s", err.message);
    assert_int_equal(wg_result_row_count(result), 1);
    assert_int_equal(wg_result_cell(result, 0, 0, &v, NULL), WG_OK);
    const int64_t n = v.type == WG_TYPE_INT ? v.as.i : -1;
    wg_result_free(result);
    return n;
}

typedef struct counters {
    double hits, misses, evictions, statements, bytes;
} counters;

static bool pick(void *ctx, const wg_stat *stat) {
    counters *c = ctx;
    if (strcmp(stat->name, "plan_cache_hits_total") == 0) c->hits = stat->value;
    if (strcmp(stat->name, "plan_cache_misses_total") == 0) c->misses = stat->value;
    if (strcmp(stat->name, "plan_cache_evictions_total") == 0) c->evictions = stat->value;
    if (strcmp(stat->name, "plan_cache_statements") == 0) c->statements = stat->value;
    if (strcmp(stat->name, "plan_cache_bytes") == 0) c->bytes = stat->value;
    return true;
}

static counters count(const store *s) {
    counters c = {-1, -1, -1, -1, -1};
    assert_int_equal(wg_db_stats(s->db, pick, &c, NULL), WG_OK);
    return c;
}

static void players(wg_session *session) {
    must(session, "CREATE NODE LABEL Player (name STRING, level INT, PRIMARY KEY (name))");
    must(session, "UNWIND range(1, 40) AS i CREATE (:Player {name: 'p' + toString(i), level: i})");
}

/* Goal: a statement's plan is made once, by whichever session, and counted. */
static void test_equal_texts_share_a_plan(void **state) {
    (void)state;
    store s;
    wg_session *other = NULL;
    store_open(&s, 0);
    assert_int_equal(wg_session_open(s.db, &other, NULL), WG_OK);
    players(s.session);
    const counters before = count(&s);
    for (int i = 0; i < 5; i++) must(i % 2 == 0 ? s.session : other, "MATCH (p:Player) RETURN count(*)");
    wg_stmt *stmt = prepare(other, "MATCH (p:Player) RETURN count(*)");
    for (int i = 0; i < 5; i++) assert_int_equal(number(stmt), 40);
    wg_stmt_finish(stmt);
    const counters after = count(&s);
    assert_true(after.misses == before.misses + 1);
    assert_true(after.hits == before.hits + 9);
    assert_true(after.bytes > before.bytes);
    assert_true(after.statements == before.statements + 1);
    wg_session_close(other);
    store_close(&s);
}

/* Goal: with the cache off nothing is kept and nothing counted. */
static void test_a_cache_that_is_off_keeps_nothing(void **state) {
    (void)state;
    store s;
    store_open(&s, UINT64_MAX);
    players(s.session);
    wg_stmt *stmt = prepare(s.session, "MATCH (p:Player) RETURN count(*)");
    for (int i = 0; i < 3; i++) assert_int_equal(number(stmt), 40);
    wg_stmt_finish(stmt);
    const counters c = count(&s);
    assert_true(c.hits == 0 && c.misses == 0 && c.statements == 0 && c.bytes == 0);
    store_close(&s);
}

/* Goal: what is kept stays within its limit, and answers stay right while statements are thrown out. */
static void test_the_cache_stays_within_its_limit(void **state) {
    (void)state;
    enum { LIMIT = 100000 };
    store s;
    wg_buf out;
    char text[128];
    wg_buf_init(&out, NULL);
    store_open(&s, LIMIT);
    players(s.session);
    for (int i = 1; i <= 200; i++) {
        snprintf(text, sizeof text, "MATCH (p:Player {name: 'p%d'}) RETURN p.level AS l%d", i % 40 + 1, i);
        ask(s.session, text, &out);
        assert_true(wg_buf_append_u8(&out, 0));
        snprintf(text, sizeof text, "\"rows\":[[%d]]", i % 40 + 1);
        if (strstr((const char *)out.data, text) == NULL) fail_msg("%s: %s", text, (const char *)out.data);
        assert_true(count(&s).bytes <= LIMIT);
    }
    assert_true(count(&s).evictions > 0);
    wg_buf_deinit(&out);
    store_close(&s);
}

/* Goal: a statement that was planned sees labels that come, go, and come again with another column. */
static void test_definitions_that_change_are_seen(void **state) {
    (void)state;
    store s;
    store_open(&s, 0);
    wg_stmt *later = prepare(s.session, "MATCH (n:Later) RETURN count(*)");
    assert_int_equal(number(later), 0);
    assert_int_equal(number(later), 0);
    must(s.session, "CREATE (:Later {x: 1}), (:Later {x: 2})");
    assert_int_equal(number(later), 2);
    players(s.session);
    wg_stmt *level = prepare(s.session, "MATCH (p:Player {name: 'p7'}) RETURN p.level");
    assert_int_equal(number(level), 7);
    assert_int_equal(number(level), 7);
    must(s.session, "MATCH (p:Player) DELETE p");
    must(s.session, "DROP NODE LABEL Player");
    wg_result *result = NULL;
    wg_error err = {0};
    const wg_code dropped = wg_execute(level, &result, &err);
    if (dropped == WG_OK) wg_result_free(result);
    else assert_int_equal(dropped, WG_E_NOT_FOUND);
    must(s.session, "CREATE NODE LABEL Player (name STRING, level STRING, PRIMARY KEY (name))");
    must(s.session, "CREATE (:Player {name: 'p7', level: 'high'})");
    assert_int_equal(wg_execute(level, &result, &err), WG_OK);
    assert_int_equal(wg_result_column_type(result, 0), WG_TYPE_STRING);
    wg_result_free(result);
    wg_stmt_finish(later);
    wg_stmt_finish(level);
    store_close(&s);
}

/* Goal: a definition of an open transaction is seen by it alone, and by nobody after a rollback. */
static void test_definitions_that_roll_back_leave_no_plan(void **state) {
    (void)state;
    store s;
    wg_session *other = NULL;
    store_open(&s, 0);
    assert_int_equal(wg_session_open(s.db, &other, NULL), WG_OK);
    wg_stmt *here = prepare(s.session, "MATCH (n:Draft) RETURN count(n.title)");
    wg_stmt *there = prepare(other, "MATCH (n:Draft) RETURN count(n.title)");
    for (int round = 0; round < 3; round++) {
        assert_int_equal(number(here), 0);
        assert_int_equal(wg_begin(s.session, false, NULL), WG_OK);
        must(s.session, "CREATE (:Draft {title: 'a'})");
        assert_int_equal(number(here), 1);
        assert_int_equal(number(here), 1);
        assert_int_equal(number(there), 0);
        assert_int_equal(number(there), 0);
        assert_int_equal(wg_rollback(s.session, NULL), WG_OK);
        must(other, "CREATE (:Other)");
        assert_int_equal(number(here), 0);
        assert_int_equal(number(there), 0);
    }
    wg_stmt_finish(here);
    wg_stmt_finish(there);
    wg_session_close(other);
    store_close(&s);
}

/* Goal: a plan of today is not run for a snapshot that had other definitions. */
static void test_old_snapshots_have_their_own_definitions(void **state) {
    (void)state;
    store s;
    store_open(&s, 0);
    must(s.session, "CREATE (:First)");
    const uint64_t old = wg_db_logseq(s.db);
    wg_stmt *stmt = prepare(s.session, "AS OF $at MATCH (n:Second) RETURN count(*)");
    assert_int_equal(wg_bind_int(stmt, "at", (int64_t)old, NULL), WG_OK);
    assert_int_equal(number(stmt), 0);
    must(s.session, "CREATE (:Second), (:Second)");
    const uint64_t now = wg_db_logseq(s.db);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wg_bind_int(stmt, "at", (int64_t)now, NULL), WG_OK);
        assert_int_equal(number(stmt), 2);
        assert_int_equal(wg_bind_int(stmt, "at", (int64_t)old, NULL), WG_OK);
        assert_int_equal(number(stmt), 0);
    }
    wg_stmt_finish(stmt);
    store_close(&s);
}

/* Goal: what is checked about the types of parameters is checked with each of them, however often another type was bound before. */
static void test_types_of_parameters_are_checked_each_time(void **state) {
    (void)state;
    store s;
    store_open(&s, 0);
    players(s.session);
    wg_stmt *stmt = prepare(s.session, "MATCH (p:Player) WHERE p.level = $n RETURN count(*)");
    wg_stmt *list = prepare(s.session, "MATCH (p:Player) WHERE p.level IN $l RETURN count(*)");
    wg_result *result = NULL;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wg_bind_int(stmt, "n", 5, NULL), WG_OK);
        assert_int_equal(number(stmt), 1);
        assert_int_equal(number(stmt), 1);
        assert_int_equal(wg_bind_string(stmt, "n", "five", 4, NULL), WG_OK);
        assert_int_equal(wg_execute(stmt, &result, NULL), WG_E_TYPE);
        assert_int_equal(wg_bind_json(list, "l", "[1, 2, 3]", 9, NULL), WG_OK);
        assert_int_equal(number(list), 3);
        assert_int_equal(number(list), 3);
        assert_int_equal(wg_bind_json(list, "l", "[1, \"2\", 3]", 11, NULL), WG_OK);
        assert_int_equal(wg_execute(list, &result, NULL), WG_E_TYPE);
    }
    wg_stmt_finish(stmt);
    wg_stmt_finish(list);
    store_close(&s);
}

/* Goal: a result outlives its statement and the next runs, which never write into it. */
static void test_results_are_their_callers(void **state) {
    (void)state;
    enum { RESULTS = 6 };
    store s;
    wg_result *results[RESULTS];
    char name[8];
    store_open(&s, 0);
    players(s.session);
    wg_stmt *stmt = prepare(s.session, "MATCH (p:Player {name: $n}) RETURN p.name, p.level");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RESULTS; i++) {
            const int size = snprintf(name, sizeof name, "p%d", i + 1);
            assert_int_equal(wg_bind_string(stmt, "n", name, (size_t)size, NULL), WG_OK);
            assert_int_equal(wg_execute(stmt, &results[i], NULL), WG_OK);
        }
        if (round == 2) wg_stmt_finish(stmt);
        for (int i = RESULTS - 1; i >= 0; i--) {
            wg_value v;
            const int size = snprintf(name, sizeof name, "p%d", i + 1);
            assert_int_equal(wg_result_cell(results[i], 0, 0, &v, NULL), WG_OK);
            assert_int_equal(v.size, size);
            assert_memory_equal(v.as.s, name, (size_t)size);
            assert_int_equal(wg_result_cell(results[i], 0, 1, &v, NULL), WG_OK);
            assert_int_equal(v.as.i, i + 1);
            assert_string_equal(wg_result_column_name(results[i], 1), "p.level");
            wg_result_free(results[i]);
        }
    }
    store_close(&s);
}

/* ---- random statements, with plans kept, with little room for them, and without */

static const char *const questions[] = {
    "MATCH (a:A) RETURN a.x ORDER BY a.x",
    "MATCH (a:A {k: %u}) RETURN a.x",
    "MATCH (a:A {k: %u})-[:R]->(b:B) RETURN b.k, b.y",
    "MATCH (a:A)-[:R]->(b:B)<-[:S]-(c:A) RETURN a.k, b.k, c.k LIMIT 20",
    "MATCH (a:A)-[:R]->(b:B)<-[:S]-(c:A) WHERE a.x < %u RETURN count(*)",
    "MATCH (a:A), (b:B) WHERE a.x = b.y RETURN a.k, b.k LIMIT 50",
    "MATCH (b:B)-[:T]->(c) RETURN count(*)",
    "MATCH (n) RETURN labels(n), count(*) AS n LIMIT 10",
    "MATCH (a:A) WHERE a.x IN [1, 2, %u] RETURN a.k",
    "MATCH (a:A) OPTIONAL MATCH (a)-[:R]->(b) RETURN a.k, b.z LIMIT 30",
    "MATCH (n:N%u) RETURN count(*)",
    "UNWIND range(1, 5) AS i MATCH (a:A {k: i}) RETURN i, a.x",
    "UNWIND ['x1', 'y2', 'x%u'] AS s WITH s WHERE s =~ 'x.*' RETURN s",
    "UNWIND [1, 2, 0, %u] AS i RETURN 10 / i",
    "MATCH (a:A) WHERE a.x = %u RETURN a.k",
    "MATCH (b:B) WHERE b.k = %u RETURN b.y, b.z",
    "MATCH (a:A {k: %u}) RETURN a",
};
static const char *const writes[] = {
    "MERGE (a:A {k: %u}) SET a.x = 3",
    "CREATE (:B {k: %u, y: 1})",
    "MATCH (a:A {k: %u}), (b:B) WITH a, b LIMIT 3 CREATE (a)-[:R]->(b)",
    "MATCH (a:A), (b:B {k: %u}) WITH a, b LIMIT 4 CREATE (a)-[:S]->(b)",
    "MATCH (a:A {k: %u}) DETACH DELETE a",
    "CREATE (:N%u {p: 1})",
    "UNWIND range(1, 20) AS i CREATE (:A {k: %u + i, x: i})",
    "MATCH (b:B) WHERE b.k = %u SET b.z = 'z'",
    "CREATE INDEX i%u IF NOT EXISTS FOR (a:A) ON (a.x)",
    "CREATE INDEX j%u IF NOT EXISTS FOR (b:B) ON (b.k)",
    "DROP INDEX i%u IF EXISTS",
    "ALTER NODE LABEL A ADD COLUMN c%u INT",
    "ALTER NODE LABEL A DROP COLUMN c%u",
};
enum { QUESTIONS = sizeof questions / sizeof questions[0], WRITES = sizeof writes / sizeof writes[0] };

/* Goal: the bytes of answers and the plans' hashes are the same with the cache on, small, and off, whatever is written in between. */
static void test_random_statements_do_not_tell_kept_plans(void **state) {
    (void)state;
    const uint64_t sizes[] = {0, 150000, UINT64_MAX};
    store stores[3];
    wg_buf outs[3];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(71));
    for (int i = 0; i < 3; i++) {
        store_open(&stores[i], sizes[i]);
        wg_buf_init(&outs[i], NULL);
        must(stores[i].session, "CREATE NODE LABEL A (k INT, x INT, PRIMARY KEY (k))");
    }
    const int steps = wg_test_small() ? 300 : 1500;
    for (int step = 0; step < steps; step++) {
        char text[256];
        const bool is_write = wg_rng_below(&rng, 4) == 0;
        const char *form = is_write ? writes[wg_rng_below(&rng, WRITES)] : questions[wg_rng_below(&rng, QUESTIONS)];
        const unsigned n = (unsigned)wg_rng_below(&rng, is_write && wg_rng_below(&rng, 2) == 0 ? 300 : 8);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, form, n);
#pragma GCC diagnostic pop
        const bool in_txn = wg_rng_below(&rng, 12) == 0;
        for (int i = 0; i < 3; i++) {
            if (in_txn) assert_int_equal(wg_begin(stores[i].session, false, NULL), WG_OK);
            ask(stores[i].session, text, &outs[i]);
            if (in_txn) { /* what it wrote is seen by the next one, then undone */
                const uint64_t mark = outs[i].size;
                wg_buf more;
                wg_buf_init(&more, NULL);
                ask(stores[i].session, "MATCH (n) RETURN count(*)", &more);
                assert_true(wg_buf_append(&outs[i], more.data, more.size));
                assert_true(outs[i].size > mark);
                wg_buf_deinit(&more);
                assert_int_equal(wg_rollback(stores[i].session, NULL), WG_OK);
            }
        }
        for (int i = 1; i < 3; i++)
            if (outs[0].size != outs[i].size || memcmp(outs[0].data, outs[i].data, outs[0].size) != 0)
                fail_msg("step %d: %s\n%.*s\n%.*s", step, text, (int)outs[0].size, (const char *)outs[0].data,
                         (int)outs[i].size, (const char *)outs[i].data);
    }
    assert_true(count(&stores[0]).hits > 10);
    assert_true(count(&stores[1]).evictions > 0);
    for (int i = 0; i < 3; i++) {
        wg_buf_deinit(&outs[i]);
        store_close(&stores[i]);
    }
}

/* Goal: a prepared statement is planned anew when a statistic moves, and then as one that was never planned before. */
static void test_statistics_that_move_change_the_plan(void **state) {
    (void)state;
    static const char text[] = "MATCH (a:A), (b:B) WHERE a.x = b.x RETURN a.x LIMIT 3";
    store kept, fresh;
    wg_buf first, one, two;
    wg_buf_init(&first, NULL);
    wg_buf_init(&one, NULL);
    wg_buf_init(&two, NULL);
    store_open(&kept, 0);
    store_open(&fresh, UINT64_MAX);
    store *const both[] = {&kept, &fresh};
    for (int i = 0; i < 2; i++) must(both[i]->session, "UNWIND range(1, 10) AS i CREATE (:A {x: i}), (:B {x: i})");
    wg_stmt *stmt = prepare(kept.session, text);
    bool changed = false;
    for (int round = 0; round < 12; round++) {
        wg_result *result = NULL;
        wg_error err = {0};
        const wg_code code = wg_execute(stmt, &result, &err);
        tell(code, result, &err, &one);
        ask(fresh.session, text, &two);
        assert_int_equal(one.size, two.size);
        assert_memory_equal(one.data, two.data, one.size);
        if (round == 0) assert_true(wg_buf_append(&first, one.data, one.size));
        changed = changed || first.size != one.size || memcmp(first.data, one.data, one.size) != 0;
        for (int i = 0; i < 2; i++)
            must(both[i]->session, round % 2 == 0 ? "UNWIND range(1, 30) AS i CREATE (:A {x: i})"
                                                  : "UNWIND range(1, 90) AS i CREATE (:B {x: i})");
    }
    assert_true(changed);
    wg_stmt_finish(stmt);
    wg_buf_deinit(&first);
    wg_buf_deinit(&one);
    wg_buf_deinit(&two);
    store_close(&kept);
    store_close(&fresh);
}

/* ---- several threads */

typedef struct worker {
    store *s;
    int number;
    _Atomic bool *stop;
    bool failed;
} worker;

static bool expect_level(wg_session *session, wg_stmt *stmt, int i) {
    char name[16];
    wg_value v = {0};
    wg_result *result = NULL;
    (void)session;
    const int size = snprintf(name, sizeof name, "p%d", i);
    bool ok =
        wg_bind_string(stmt, "n", name, (size_t)size, NULL) == WG_OK && wg_execute(stmt, &result, NULL) == WG_OK;
    ok = ok && wg_result_row_count(result) == 1 && wg_result_cell(result, 0, 0, &v, NULL) == WG_OK && v.as.i == i;
    wg_result_free(result);
    return ok;
}

static void read_players(void *arg) {
    worker *w = arg;
    wg_session *session = NULL;
    wg_stmt *stmt = NULL;
    static const char text[] = "MATCH (p:Player {name: $n}) RETURN p.level";
    w->failed = wg_session_open(w->s->db, &session, NULL) != WG_OK;
    if (w->failed) return;
    w->failed = wg_prepare(session, text, sizeof text - 1, &stmt, NULL) != WG_OK;
    for (int i = 0; !w->failed && i < 400; i++) {
        wg_result *result = NULL;
        w->failed = !expect_level(session, stmt, 1 + (i + w->number) % 40);
        if (!w->failed &&
            wg_query(session, "MATCH (p:Player) WHERE p.level > 0 RETURN count(*)", &result, NULL) != WG_OK)
            w->failed = true;
        wg_value v = {0};
        if (!w->failed && (wg_result_cell(result, 0, 0, &v, NULL) != WG_OK || v.as.i != 40)) w->failed = true;
        wg_result_free(result);
    }
    wg_stmt_finish(stmt);
    wg_session_close(session);
}

static void define_labels(void *arg) {
    worker *w = arg;
    wg_session *session = NULL;
    w->failed = wg_session_open(w->s->db, &session, NULL) != WG_OK;
    for (int i = 0; !w->failed && i < 200 && !atomic_load(w->stop); i++) {
        char text[96];
        wg_result *result = NULL;
        snprintf(text, sizeof text, i % 3 == 2 ? "DROP NODE LABEL D%d" : "CREATE NODE LABEL D%d (a INT)",
                 i % 3 == 2 ? i - 1 : i);
        w->failed = wg_query(session, text, &result, NULL) != WG_OK;
        if (!w->failed) wg_result_free(result);
    }
    wg_session_close(session);
}

/* Goal: sessions that run one text at the same time, while definitions change, get right answers (and TSan sees no race). */
static void test_threads_share_plans(void **state) {
    (void)state;
    enum { READERS = 3 };
    store s;
    worker workers[READERS + 1];
    wg_thread threads[READERS + 1];
    _Atomic bool stop = false;
    store_open(&s, 200000);
    players(s.session);
    for (int i = 0; i <= READERS; i++) {
        workers[i] = (worker){&s, i, &stop, false};
        assert_int_equal(wg_thread_start(&threads[i], i < READERS ? read_players : define_labels, &workers[i], NULL),
                         WG_OK);
    }
    for (int i = 0; i < READERS; i++) wg_thread_join(&threads[i]);
    atomic_store(&stop, true);
    wg_thread_join(&threads[READERS]);
    for (int i = 0; i <= READERS; i++) assert_false(workers[i].failed);
    store_close(&s);
}

/* ---- memory */

/* Goal: whatever allocation is refused, a run gives the answer or an error, loses nothing, and the next one is right. */
static void test_refused_memory_ends_one_run(void **state) {
    (void)state;
    static const char text[] = "MATCH (p:Player {name: $n})-[:KNOWS]->(q) RETURN q.name, q.level";
    store s;
    store_open(&s, 0);
    players(s.session);
    must(s.session, "MATCH (a:Player {name: 'p1'}), (b:Player) CREATE (a)-[:KNOWS]->(b)");
    for (uint64_t at = 1; at < 120; at++) {
        wg_stmt *stmt = prepare(s.session, text);
        assert_int_equal(wg_bind_string(stmt, "n", "p1", 2, NULL), WG_OK);
        for (uint64_t run = 0; run < 4; run++) {
            wg_result *result = NULL;
            if (run == at % 4) wg_memory_fail_at(1 + at / 4, false);
            const wg_code code = wg_execute(stmt, &result, NULL);
            wg_memory_fail_at(0, false);
            assert_true(code == WG_OK || code == WG_E_NOMEM || code == WG_E_LIMIT);
            if (run != at % 4) assert_int_equal(code, WG_OK);
            if (code == WG_OK) assert_int_equal(wg_result_row_count(result), 40);
            wg_result_free(result);
        }
        wg_stmt_finish(stmt);
    }
    store_close(&s);
}

/* Goal: a lookup by primary key that is run again and again calls no allocator. */
static void test_lookups_allocate_nothing(void **state) {
    (void)state;
    store s;
    store_open(&s, 0);
    players(s.session);
    wg_stmt *stmt = prepare(s.session, "MATCH (p:Player {name: $n}) RETURN p.level");
    for (int i = 0; i < 8; i++) assert_true(expect_level(s.session, stmt, 1 + i % 40));
    const uint64_t before = wg_memory_calls();
    for (int i = 0; i < 100; i++) assert_true(expect_level(s.session, stmt, 1 + i % 40));
    assert_int_equal(wg_memory_calls() - before, 0);
    wg_stmt_finish(stmt);
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_texts_share_a_plan),
        cmocka_unit_test(test_a_cache_that_is_off_keeps_nothing),
        cmocka_unit_test(test_the_cache_stays_within_its_limit),
        cmocka_unit_test(test_definitions_that_change_are_seen),
        cmocka_unit_test(test_definitions_that_roll_back_leave_no_plan),
        cmocka_unit_test(test_old_snapshots_have_their_own_definitions),
        cmocka_unit_test(test_types_of_parameters_are_checked_each_time),
        cmocka_unit_test(test_results_are_their_callers),
        cmocka_unit_test(test_random_statements_do_not_tell_kept_plans),
        cmocka_unit_test(test_statistics_that_move_change_the_plan),
        cmocka_unit_test(test_threads_share_plans),
        cmocka_unit_test(test_refused_memory_ends_one_run),
        cmocka_unit_test(test_lookups_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
