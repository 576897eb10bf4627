/* Plans with and without operators on whole patterns give the same rows, on random multigraphs with loops, parallel edges, deletions,
 * several labels, own uncommitted writes and old snapshots; and the same bytes for every number of threads. */
#include <stdlib.h>

#include "query/query_test_kit.h"

enum { NODES = 24, EDGES = 90 };

typedef struct asked {
    wg_txn *txn; /* NULL: a reading transaction at `as_of` */
    uint64_t as_of;
    bool no_rewrite;
    uint32_t threads;
    uint32_t batch_rows;
    wg_pool *pool;
} asked;

static void put_rows(const wg_query_result *result, wg_buf *out) {
    const uint64_t rows = wg_rows_count(result->rows);
    out->size = 0;
    for (uint64_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < result->column_count; c++) {
            const wg_value v = wg_rows_cell(result->rows, r, c);
            if (c > 0) assert_true(wg_buf_append_str(out, "|"));
            assert_true(wg_value_print_json(out, &v));
        }
        assert_true(wg_buf_append_str(out, "\n"));
    }
}

static void ask(store *s, const char *text, const asked *how, wg_buf *out) {
    wg_error err = {0};
    wg_prepared *query;
    wg_txn *txn = how->txn;
    if (wg_query_create(wg_slice_str(text), NULL, NULL, &query, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    if (txn == NULL) assert_int_equal(wg_txn_begin(s->engine, WG_TXN_READ, how->as_of, &txn, &err), WG_OK);
    wg_stats stats = {0};
    const wg_exec_context context = {.txn = txn,
                                     .pool = how->pool,
                                     .threads = how->threads,
                                     .batch_rows = how->batch_rows,
                                     .no_rewrite = how->no_rewrite,
                                     .stats = &stats};
    wg_query_result result;
    if (wg_query_run(query, &context, &result, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    put_rows(&result, out);
    wg_query_result_deinit(&result);
    wg_query_destroy(query);
    if (how->txn == NULL) wg_txn_abort(txn);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Puts the lines into order. */
static void sort_lines(wg_buf *text) {
    char *lines[1 << 14];
    size_t count = 0;
    wg_buf sorted;
    wg_buf_init(&sorted, NULL);
    assert_true(wg_buf_append_u8(text, 0));
    for (char *at = (char *)text->data; *at != 0;) {
        char *end = strchr(at, '\n');
        *end = 0;
        assert_true(count < sizeof lines / sizeof lines[0]);
        lines[count++] = at;
        at = end + 1;
    }
    qsort(lines, count, sizeof lines[0], by_text);
    for (size_t i = 0; i < count; i++) {
        assert_true(wg_buf_append_str(&sorted, lines[i]));
        assert_true(wg_buf_append_str(&sorted, "\n"));
    }
    wg_buf_deinit(text);
    *text = sorted;
}

static bool same_bytes(const wg_buf *a, const wg_buf *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Rewritten and plain plans agree on the rows; threads and batches on the bytes. */
static void check(store *s, const char *text, asked how) {
    static const uint32_t threads[] = {2, 3, 8};
    wg_buf plain, fast, again;
    wg_buf_init(&plain, NULL);
    wg_buf_init(&fast, NULL);
    wg_buf_init(&again, NULL);
    how.threads = 1;
    how.batch_rows = 2048;
    ask(s, text, &how, &fast);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        how.threads = threads[i];
        how.batch_rows = i == 1 ? 3 : 1024;
        ask(s, text, &how, &again);
        if (!same_bytes(&fast, &again)) fail_msg("%s: %u threads give other bytes", text, (unsigned)threads[i]);
    }
    how.threads = 1;
    how.no_rewrite = true;
    ask(s, text, &how, &plain);
    sort_lines(&plain);
    sort_lines(&fast);
    if (!same_bytes(&plain, &fast))
        fail_msg("%s\n rewritten:\n%.*s plain:\n%.*s", text, (int)wg_min_size(fast.size, 400), (char *)fast.data,
                 (int)wg_min_size(plain.size, 400), (char *)plain.data);
    wg_buf_deinit(&plain);
    wg_buf_deinit(&fast);
    wg_buf_deinit(&again);
}

/* ---- graphs */

static uint32_t draw(uint64_t *seed, uint32_t below) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((*seed >> 33) % below);
}

static void statement(store *s, wg_txn *txn, const char *text) {
    wg_error err = {0};
    wg_buf ignored;
    wg_buf_init(&ignored, NULL);
    if (txn == NULL) {
        run(s, text);
    } else {
        wg_prepared *query;
        wg_query_result result;
        const wg_exec_context context = {.txn = txn, .threads = 1, .batch_rows = 1024};
        assert_int_equal(wg_query_create(wg_slice_str(text), NULL, NULL, &query, &err), WG_OK);
        if (wg_query_run(query, &context, &result, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
        wg_query_result_deinit(&result);
        wg_query_destroy(query);
    }
    wg_buf_deinit(&ignored);
}

/* One random change: mostly a new edge, among few nodes, so that loops and parallel edges are frequent. */
static void change(store *s, wg_txn *txn, uint64_t *seed) {
    char text[256];
    const uint32_t kind = draw(seed, 20), a = draw(seed, NODES), b = draw(seed, NODES), w = draw(seed, 10);
    const uint32_t few = draw(seed, 3) == 0 ? 3 : NODES;
    if (kind == 0) {
        (void)snprintf(text, sizeof text, "MATCH (:P {id: %u})-[k:K]->() DELETE k", a);
    } else if (kind < 4) {
        (void)snprintf(text, sizeof text, "MATCH (a:P {id: %u}), (b:Q {id: %u}) CREATE (a)-[:L {w: %u}]->(b)", a,
                       b % 6, w);
    } else if (kind < 6) {
        (void)snprintf(text, sizeof text, "MATCH (a:P {id: %u}), (b:P {id: %u}) CREATE (a)-[:N {w: %u}]->(b)",
                       a % few, b % few, w);
    } else {
        (void)snprintf(text, sizeof text, "MATCH (a:P {id: %u}), (b:P {id: %u}) CREATE (a)-[:K {w: %u}]->(b)",
                       a % few, b % few, w);
    }
    statement(s, txn, text);
}

static void build(store *s, uint64_t *seed) {
    char text[128];
    run(s, "CREATE NODE LABEL P (id INT, x INT, PRIMARY KEY (id))");
    run(s, "CREATE NODE LABEL Q (id INT, x INT, PRIMARY KEY (id))");
    run(s, "CREATE EDGE LABEL K (FROM P TO P, w INT)");
    run(s, "CREATE EDGE LABEL L (FROM P TO Q, w INT)");
    run(s, "CREATE EDGE LABEL Z (FROM P TO P, w INT)");
    (void)snprintf(text, sizeof text, "UNWIND range(0, %d) AS i CREATE (:P {id: i, x: i %% 4})", NODES - 1);
    run(s, text);
    run(s, "UNWIND range(0, 5) AS i CREATE (:Q {id: i, x: i % 2})");
    run(s, "MATCH (a:P {id: 0}), (b:Q {id: 1}) CREATE (a)-[:N {w: 1}]->(b), (b)-[:N {w: 2}]->(a)");
    for (int i = 0; i < EDGES; i++) change(s, NULL, seed);
}

static const char *const questions[] = {
    "MATCH ()-[k:K]->() RETURN count(*)",
    "MATCH ()-[k:K]->() RETURN sum(k.w)",
    "MATCH (a:P)-[k:K]->(b:P) RETURN k.w, count(*) ORDER BY k.w",
    "MATCH (a:P)-[k:K]->(b:P) WHERE k.w > 4 RETURN a, b, k",
    "MATCH (a:P)<-[k:K]-(b:P) WHERE k.w > 4 RETURN a, b, k.w",
    "MATCH (a)-[k:L]->(b:Q) RETURN a.id, b.id, k.w",
    "MATCH (a)-[k:N]->(b:P) RETURN a.id, b.id, k.w + 1 AS v",
    "MATCH (a:P)-[k:K]->(b:P)-[l:L]->(c:Q) RETURN k.w, l.w, c.id",
    "MATCH (a:P)-[k:K]->(b:P) RETURN b.x, max(k.w), count(*)",
    "MATCH (a:P)-[k:K]->(b:P) WHERE a.x = 1 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)<-[:K]-(c:P) RETURN count(*)",
    "MATCH (a:P)-[:K]->()-[:K]->()-[:K]->() RETURN count(*)",
    "MATCH ()-[:K]->()<-[:K]-()-[:K]->() RETURN count(*)",
    "MATCH ()-[:K]-()-[:K]-() RETURN count(*)",
    "MATCH ()-[:K]-()-[:K]->() RETURN count(*)",
    "MATCH (a)-[:K]-()-[:K]-()-[:K]-(d) RETURN count(*)",
    "MATCH (a)-[:K]->()-[:K]-()<-[:K]-(d) RETURN count(*)",
    "MATCH ()-[:K]->()-[:K]->()-[:K]->()-[:K]->() RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:L]->(c:Q) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:L]->(c:Q)<-[:L]-(d:P) RETURN count(*), count(b)",
    "MATCH (a:P)-[:K]->(b), (b)-[:L]->(c), (b)<-[:K]-(d) RETURN count(*)",
    "MATCH (a)-[:N]->(b)-[:N]->(c) RETURN count(*)",
    "MATCH (a:P)-[:N]->(b:Q)-[:N]->(c) RETURN count(*)",
    "MATCH (a:P)-[:N]-(b:P)-[:N]-(c:Q) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE a.x = 1 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE b.x > 1 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE b.x > 0 AND c.x < 3 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE a <> c RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:L]->(q) WHERE a <> c RETURN count(*)",
    "MATCH (a:P {id: 1})-[:K]->(b:P)-[:K]->(c:P) RETURN count(*)",
    "MATCH (a:P {id: 2})-[:K]-(b:P)-[:K]-(c:P) RETURN count(*)",
    "MATCH (a:P {id: 0})-[:K]->()-[:K]->()-[:K]->()-[:K]->(z) RETURN count(*)",
    "MATCH (a:P {id: 0})-[:K]->()-[:K]->()-[:K]->()-[:K]->(z:P {id: 1}) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:K]-(a) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(a) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P), (a)-[:K]->(c) WHERE a.x > 0 RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c)-[:K]->(a), (a)-[:L]->(q), (b)-[:N]->(r)-[:N]->(s) RETURN count(*)",
    "MATCH (a)-[:K]-(b)-[:N]-(c)-[:K]-(a), (a)-[:L]->(q), (b)<-[:N]-(r), (c)-[:K]->(t) RETURN count(*)",
    "MATCH (a)-[:K]->(b)<-[:N]-(c)<-[:K]-(a), (b)-[:L]->(q) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c)-[:K]->(d), (d)-[:K]->(a) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:K]->(c), (a)-[:K]->(d)-[:K]->(c) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:L]->(q)<-[:L]-(a) RETURN count(*)",
    "MATCH (a)-[:K]->(b)-[:L]->(q)<-[:L]-(a), (q)<-[:L]-(e) RETURN count(*)",
    "MATCH (a:P {id: 1})-[:K]->(b:P)-[:K]->(c:P)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) MATCH (b)-[:K]->(c:P) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) MATCH (b)-[:K]->(c:P)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)-[:K]->(a)-[:K]->(b) RETURN count(*)",
    "UNWIND [1, 1, 2] AS i MATCH (a:P {id: i})-[:K]->(b)-[:K]->(c) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE b.x + 1 > 2 RETURN count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[:K]->(c:P) WHERE k.w > 3 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) OPTIONAL MATCH (b)-[:L]->(q) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) OPTIONAL MATCH (b)-[:L]->(q) OPTIONAL MATCH (b)<-[:N]-(m) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) OPTIONAL MATCH (b)-[:N]-(q) RETURN count(*), count(q)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) OPTIONAL MATCH (a)-[:L]->(q:Q) RETURN count(*)",
    "MATCH (a:P {id: 1})-[:K]->(b:P)-[:K]->(c:P) OPTIONAL MATCH (a)-[:L]->(q:Q) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE NOT (a)-[:K]->(c) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE (a)-[:K]->(c) RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:L]->(q) WHERE NOT (a)-[:K]-(c) AND a <> c RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE (c)-[:L]->() RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE NOT (c)-[:N]->() AND a.x > 0 RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE NOT (a)-[:N]->(c) AND (c)-[:K]->(b) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:L]->(c:Q) WHERE exists((a)-[:L]->(c)) RETURN count(*)",
    "MATCH (a:P {id: 1})-[:K]->(b:P)-[:K]->(c:P) WHERE NOT (a)-[:K]->(c) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P) WHERE NOT (a)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE EXISTS { MATCH (a)-[:K]->(c) } RETURN count(*)",
    "MATCH (a)-[:N]->(b:P)-[:K]->(c:P)-[:L]->(d:Q) RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P) WHERE NOT (a)-[:N]-(c) AND NOT (b)-[:L]->() RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:K]-(d:P) WHERE NOT (a)-[:K]-(c) AND NOT (b)-[:K]->(d) RETURN count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE (a)-[:K]-(c) AND NOT (c)-[:K]->(a) RETURN count(*)",
    "MATCH (a:P)<-[:K]-(b:P)-[:K]->(c:P)-[:L]->(q) WHERE NOT (b)-[:L]->(q) AND a <> c RETURN count(*)",
    "MATCH (q:Q)<-[:L]-(a:P) MATCH (q)<-[:L]-(b:P) MATCH (q)<-[:L]-(c:P) MATCH (a)-[:K]-(b)-[:K]-(c)-[:K]-(a) RETURN "
    "count(*)",
    "MATCH (a:P)-[:K]->(b:P) MATCH (a)-[:L]->(q:Q)<-[:L]-(b) MATCH (a)-[:N]-(r)-[:N]-(b) RETURN count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P) WHERE (a)-[:K]-(c) AND a <> c RETURN count(*)",
    "MATCH (a:P {id: 1})-[:K]->(c) RETURN DISTINCT c",
    "MATCH (a:P {id: 1})-[:K]->()-[:K]->(c) RETURN DISTINCT c",
    "MATCH (a:P {id: 1})-[:K]->()-[:K]->(c) RETURN count(DISTINCT c)",
    "MATCH (a:P {id: 2})-[:K]-()-[:K]-(c) RETURN count(DISTINCT c)",
    "MATCH (a:P {id: 0})<-[:K]-()-[:K]->(c) RETURN DISTINCT c",
    "MATCH (a:P {id: 0})<-[:K]-()<-[:K]-(c) RETURN DISTINCT c",
    "MATCH (a:P)-[:K]-()-[:K]->(c:P) RETURN DISTINCT c",
    "MATCH (a:P)-[:N]->(b:Q)-[:N]->(c:P) RETURN DISTINCT c",
    "MATCH (a:P)-[:K]->(b:P)-[:L]->(c:Q) WHERE a.x = 1 AND b.x > 1 AND c.x = 0 RETURN DISTINCT c",
    "MATCH (a:P {id: 1})-[:K]->(b:P)-[:L]->(c:Q)<-[:L]-(d) RETURN count(DISTINCT d)",
    "MATCH (a:P {id: 1})-[:K]->()-[:K]->()-[:K]->(c) RETURN count(DISTINCT c)",
    "MATCH (a:P {id: 1})-[:K*1..2]->(b) RETURN count(DISTINCT b)",
    "MATCH (a:P {id: 5})-[:K*1..3]->(b) RETURN DISTINCT b",
    "MATCH (a:P {id: 7})<-[:K*1..3]-(b) RETURN DISTINCT b",
    "MATCH (a:P {id: 9})-[:K*0..3]->(b) RETURN DISTINCT b",
    "MATCH (a:P {id: 9})-[:K*0..2]-(b) RETURN DISTINCT b",
    "MATCH (a:P {id: 9})-[:K*1..2]-(b) RETURN DISTINCT b",
    "MATCH (a:P {id: 4})-[:K*2..3]->(b) RETURN DISTINCT b",
    "MATCH (a:P)-[:K*1..2]->(b) WHERE a.x = 1 AND b.x <> 2 RETURN DISTINCT b",
    "MATCH (a:P {id: 4})-[:K*1..2]->(b:P) RETURN count(DISTINCT b), count(DISTINCT b) + 1",
    "MATCH (a:P {id: 4})-[:N*1..3]->(b:Q) RETURN DISTINCT b",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]->(c:P) RETURN a.id, k, b.id, l, c.id",
    "MATCH (a:P)-[k:K|N]-(b)<-[l:N|L]-(c) RETURN a, k, b, l, c",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P)-[m:K]->(a) RETURN k, l, m",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(a) RETURN k, l",
    "MATCH (a:P)-[k:K|N]-(b:P), (a)-[l:K|N]-(b) RETURN k, l",
    "MATCH (a:P)-[k:K]->(a)-[l:K]-(a) RETURN k, l",
    "MATCH (a:P)-[k]-(b) RETURN k, b",
    "MATCH (a:P)-[:K]->(), (a)-[:Z]->() RETURN count(*)", /* there is no Z */
    "MATCH ()-[:K]->(a:P)<-[:K|Z]-(b)-[:Z|K]->() RETURN count(*)",
    "MATCH (a:P)-[:K]->(b)-[z:Z]->(c) WHERE z.w > 1 RETURN b.x, count(*)",
    "MATCH (a:P)-[:K|L]->(b)-[:K|N]->(c) RETURN count(*)",
    "MATCH (a)-[:K|N]-(b)-[:K|N]-(c) RETURN count(*)",
    "MATCH (a)-[:K|N]-(b)-[:K|L]-(c)-[:K]-(a) RETURN count(*)",
    "MATCH (a)-[:K|N]->(b)-[:N|K]->(c) WHERE a <> c AND NOT (a)-[:K]->(c) RETURN count(*)",
    "MATCH (a)-[:K|N|L]-(b)-[:K]->(c) RETURN b.x, count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P) WHERE k.w > 3 RETURN count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P) WHERE k.w > 3 AND l.w > 3 RETURN count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P) WHERE k.w > 3 AND l.w < 3 RETURN count(*)",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P) WHERE k.w > 3 RETURN count(*)",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P) WHERE k.w > 3 AND l.w > 3 AND k.w <= 8 AND l.w <= 8 RETURN count(*)",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P)-[m:K]-(a) WHERE k.w > 1 RETURN count(*)",
    "MATCH (a:P)-[k:K {w: 2}]-(b:P)-[l:K]-(c:P)-[m:K]-(d) WHERE a <> d RETURN count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[l:L]->(c:Q) WHERE k.w > 3 AND l.w > 2 RETURN c.x, count(*)",
    "MATCH (a)-[k:N]-(b)-[l:N]-(c) WHERE k.w IN [1, 2, 3] RETURN a.x, count(*), sum(a.x)",
    "MATCH (a)-[k:N]-(b)-[l:N]-(c) WHERE k.w > 100 RETURN count(*)",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P) WHERE k.w > 3 AND NOT (a)-[:K]-(c) AND a <> c RETURN count(*)",
    "MATCH (a:P)-[k:K]->(b:P) WHERE k.w > 3 RETURN b.x, count(*)",
    "MATCH (a:P)-[k:K]->(b:P) WHERE k.w > 3 RETURN DISTINCT b",
    "MATCH (a:P)-[:K]->(b:P) RETURN a.x, count(*)",
    "MATCH (a:P)-[:K]-(b:P) RETURN b.x, count(*), count(a), count(b.x)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) RETURN a.x AS x, count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[:K]->(c:P) RETURN c.x AS x, c.id % 3 AS y, count(k)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P) RETURN b.id, b.x, count(*), sum(b.x), avg(b.x), min(b.id), max(b.id)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:L]->(q) WHERE a <> c RETURN q.x, count(*), sum(q.id), count(DISTINCT q)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P)-[:K]->(a) RETURN a.x, count(*)",
    "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P)-[:K]-(a) RETURN c.x, count(*), count(DISTINCT c.id)",
    "MATCH (a:P)-[:K]->(b:P)-[:L]->(q:Q) RETURN sum(a.x), avg(a.x), count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) RETURN sum(b.x), count(DISTINCT b.x), sum(DISTINCT b.x)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE a.x > 0 AND c.x <> 1 RETURN b, count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE NOT (a)-[:K]->(c) RETURN c.x, count(*)",
    "MATCH (a:P)-[:K]->(b:P) WHERE NOT (a)-[:L]->() RETURN b.x, count(*)",
    "MATCH (a:P)-[:N]-(b)-[:N]-(c) RETURN labels(b), count(*)",
    "MATCH (a:P)-[:N]-(b)-[:N]-(c) RETURN b.x, c.x, count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE a.x = 99 RETURN b.x, count(*)",
    "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) WHERE a.x = 99 RETURN sum(b.x), count(*), avg(b.x)",
    "MATCH (a:P)-[:K]->(b:P) WITH b, count(*) AS n WHERE n > 1 MATCH (b)-[:L]->(q) RETURN b.id, n, q.id",
    "UNWIND [1, 1, 2] AS i MATCH (a:P {x: i})-[:K]->(b)-[:K]->(c) RETURN c.x, count(*)",
    "UNWIND [1, 1, 2] AS i MATCH (a:P {x: i})-[:K]->(b)-[:K]->(c) RETURN i, count(*)",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P)-[m:K]->(a) WHERE c.x > 0 AND k.w < l.w RETURN a.id, b.x, k, l, m.w",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P)-[m:K]-(a) RETURN k, l, m",
    "MATCH (a:P)-[k:K]-(b:P)-[l:K]-(c:P), (a)-[m:K]->(c) WHERE m.w > 1 RETURN k, l, m, c.x",
    "MATCH (a)-[k:K]->(b)-[l:K]->(c)-[m:K]->(d)-[n:K]->(a) RETURN k, l, m, n",
    "MATCH (a)-[k:K]->(b)<-[l:K]-(c)-[m:K]->(d)<-[n:K]-(a) WHERE a.x = 1 AND d.x <> 2 RETURN k, l, m, n",
    "MATCH (a)-[k:K]->(b)-[l:K]->(c), (a)-[m:K]->(c), (a)-[n:K]->(d), (b)-[o:K]->(d), (c)-[p:K]->(d) RETURN k, l, m, "
    "n, o, p",
    "MATCH (a)-[k:K|N]-(b)-[l:K|L]-(c)-[m:N|K|L]-(a) WHERE a.x = 0 RETURN k, l, m",
    "MATCH (a)-[k:K]->(b)-[l:L]->(q)<-[m:L]-(a) RETURN a.id, b.id, q.id, k, l, m",
    "MATCH (a)-[k:K]->(b) MATCH (a)-[l:K]->(c)<-[m:K]-(b) RETURN k, l, m",
    "MATCH (a:P {id: 1})-[k:K]->(b)-[l:K]->(c)-[m:K]->(a) RETURN k, l, m",
    "MATCH (a:P {id: 0})-[k:K]-(b)-[l:K]-(c)-[m:N|K]-(a) RETURN k, l, m",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P)-[m:K]->(a) WHERE 10 / (c.x + 1) > 3 RETURN k, l, m",
    "MATCH (a:P)-[k:K]->(b:P), (a)-[l:K]->(b), (b)-[m:K]->(a) RETURN k, l, m",
    "OPTIONAL MATCH (a:P {id: 77})-[:K]->(z) MATCH (a)-[k:K]->(b)-[l:K]->(c)<-[m:K]-(a) RETURN k, l, m",
    "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P)-[m:K]->(a) RETURN k, l, m LIMIT 0",
    "MATCH (a:P)-[k]->(b:P)-[l:K]->(c:P)-[m]->(a) RETURN k, l, m",
    "MATCH (a:P), (b:P) WHERE a <> b MATCH p = shortestPath((a)-[:K*]->(b)) RETURN a.id, b.id, relationships(p)",
    "MATCH (a:P), (b:P) WHERE a <> b MATCH p = shortestPath((a)-[:K*]-(b)) RETURN a.id, b.id, relationships(p)",
    "MATCH (a:P), (b:P) MATCH p = shortestPath((a)<-[:K|N*0..3]-(b)) RETURN a.id, b.id, relationships(p)",
    "MATCH (a:P), (b:Q) MATCH p = shortestPath((a)-[:N|K|L*..4]-(b)) RETURN a.id, b.id, relationships(p)",
    "MATCH (a:P), (b:P) WHERE a.x = 1 MATCH p = allShortestPaths((a)-[:K*..3]-(b)) RETURN relationships(p)",
};

static void check_all(store *s, asked how) {
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) check(s, questions[i], how);
}

/* Goal: every question has the same answer whether its plan was rewritten or not, on any graph, and in old snapshots. */
static void test_rewritten_plans_give_the_same_rows(void **state) {
    (void)state;
    wg_pool *pool;
    assert_int_equal(wg_pool_create(3, &pool, NULL), WG_OK);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        store s = {0};
        uint64_t random = seed;
        store_open(&s);
        build(&s, &random);
        const uint64_t before = wg_engine_logseq(s.engine);
        const asked newest = {.pool = pool};
        check_all(&s, newest);
        for (int i = 0; i < 40; i++) change(&s, NULL, &random);
        check_all(&s, newest);
        const asked old = {.pool = pool, .as_of = before};
        check_all(&s, old);
        store_close(&s);
    }
    wg_pool_destroy(pool);
}

/* Goal: what a transaction has written itself is in its answers. */
static void test_rewritten_plans_see_own_writes(void **state) {
    (void)state;
    store s = {0};
    uint64_t random = 7;
    wg_txn *txn;
    store_open(&s);
    build(&s, &random);
    assert_int_equal(wg_txn_begin(s.engine, WG_TXN_WRITE, 0, &txn, NULL), WG_OK);
    for (int i = 0; i < 30; i++) change(&s, txn, &random);
    const asked own = {.txn = txn};
    check_all(&s, own);
    wg_txn_abort(txn);
    check_all(&s, (asked){0});
    store_close(&s);
}

/* Goal: the plans are rewritten at all, and EXPLAIN says so; statements that write are not. */
static void test_plans_name_the_new_operators(void **state) {
    (void)state;
    store s = {0};
    uint64_t random = 1;
    store_open(&s);
    build(&s, &random);
    expect_plan(&s, "MATCH ()-[k:K]->() RETURN sum(k.w)", "edges=:K columns=[w INT]", false);
    expect_plan(&s, "MATCH (a:P)-[k:K]->(b:P) RETURN a, b", "edges and ends=:K", false);
    expect_plan(&s, "MATCH (a:P)-[k:K]->(b:P) WHERE k.w > 3 RETURN a, b", "prune=[w > 3]", false);
    expect_plan(&s, "MATCH (a:Q)-[k:N]->(b:P) RETURN a, b", "edges", true); /* N may begin anywhere */
    expect_plan(&s, "MATCH (a:P)-[k:K]->(b:P) SET k.w = 1 RETURN count(*)", "edges", true);
    expect_plan(&s, "MATCH (a:P)-[:K]->(b)-[:K]->(c) RETURN count(*)", "TgkTraversal(PatternCount)", false);
    expect_plan(&s, "MATCH (a:P)-[:K]->(b)-[:K]->(c) RETURN count(*)", "unlike 0<>1", false);
    expect_plan(&s, "MATCH (a:P)-[:K]->(b)-[:L]->(c) WHERE b.x = 1 RETURN count(*)", "prune=[x = 1]", false);
    expect_plan(&s, "MATCH (a:P)-[:K]-(b)-[:K]->(c), (a)-[:K]->(c) RETURN count(*)", "PatternCount", false);
    expect_plan(&s, "MATCH (a:P)-[:K]->(b:P) OPTIONAL MATCH (b)-[:L]->(q) RETURN count(*)", "optional (b)", false);
    expect_plan(&s, "MATCH (a:P)-[:K]->()-[:K]->(c) WHERE NOT (a)-[:K]->(c) RETURN count(*)", "not exists (a)",
                false);
    expect_plan(&s, "MATCH (a:P)-[k:K]->(b:P)-[l:K]->(c:P)-[m:K]->(a) RETURN k, l, m", "(Intersect)", false);
    expect_plan(&s,
                "MATCH (a:P)-[k:K]->(b)-[l:K]->(c), (a)-[m:K]->(c), (a)-[n:K]->(d), (b)-[o:K]->(d), (c)-[p:K]->(d) "
                "RETURN k, p",
                "(Intersect)", false);
    expect_plan(&s, "MATCH (a:P)-[:K]->(b:P)-[:K]->(c:P) RETURN a.x, count(*)", "for each (a)", false);
    expect_plan(&s, "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P) RETURN sum(b.x)", "times $1", false);
    expect_plan(&s, "MATCH (a:P)-[:K]-(b:P)-[:K]-(c:P) RETURN sum(b.x + a.x)", "PatternCount", true);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K]->()-[:K]->(c) RETURN DISTINCT c", "(Reach)", false);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K]->()-[:K]->(c) RETURN count(DISTINCT c)", "(Reach)", false);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K*1..3]->(c) RETURN DISTINCT c", "(Reach)", false);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K*1..3]-(c) RETURN DISTINCT c", "(Reach)", true);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K*2..3]->(c) RETURN DISTINCT c", "(Reach)", true);
    expect_plan(&s, "MATCH (a:P)-[k:K]-(b)-[:K]-(c) WHERE k.w > 1 RETURN count(*)", "of set 0", false);
    expect_plan(&s, "MATCH (a:P)-[k:K]-(b)-[l:K]-(c) WHERE k.w > 1 AND l.w > 2 RETURN count(*)", "PatternCount",
                true);
    expect_plan(&s, "MATCH (a)-[:K|N]-(b)-[:K|N]-(c) RETURN count(*)", "[:K:N]", false);
    expect_plan(&s, "MATCH (a:P {id: 1})-[:K]->(b)-[:L]->(c) WHERE 1 / b.x = 1 RETURN count(*)", "PatternCount",
                true);
    store_close(&s);
}

/* Goal: an end of an edge label keeps the label that FROM or TO names, since plans rely on it. */
static void test_ends_keep_the_labels_that_edges_demand(void **state) {
    (void)state;
    store s = {0};
    store_open(&s);
    run(&s, "CREATE NODE LABEL P (id INT, PRIMARY KEY (id))");
    run(&s, "CREATE EDGE LABEL K (FROM P TO P)");
    run(&s, "CREATE (:P {id: 1})-[:K]->(:P {id: 2}), (:P {id: 3})");
    expect_error(&s, "MATCH (a:P {id: 1}) REMOVE a:P", WG_E_CONSTRAINT, 27, "whose start is a P");
    expect_error(&s, "MATCH (a:P {id: 2}) REMOVE a:P", WG_E_CONSTRAINT, 27, "whose end is a P");
    run(&s, "MATCH (:P {id: 1})-[k:K]->() DELETE k");
    run(&s, "MATCH (a:P {id: 2}) REMOVE a:P");
    run(&s, "MATCH (a:P {id: 3}) REMOVE a:P");
    expect(&s, "MATCH (a:P) RETURN a.id", "1\n");
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewritten_plans_give_the_same_rows),
        cmocka_unit_test(test_rewritten_plans_see_own_writes),
        cmocka_unit_test(test_plans_name_the_new_operators),
        cmocka_unit_test(test_ends_keep_the_labels_that_edges_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
