/* Goal: questions that must have related answers do, over graphs of thousands of rows, where the naive interpreter would be too slow. The
 * engine is compared with itself only. Each check has a name in the table below; conditions are random (random_expression.c).
 *     WG_SEED=7 WG_ROUNDS=100 build/release/tests/tests.reference.metamorphic_test */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "format/parquet/parquet.h"
#include "tests/reference/random.h"
#include "tests/tck/tck.h"

enum { NODES = 3000, EDGES = 7000, TEXT_MAX = 4096 };

typedef struct row {
    int64_t k, i; /* i below 0: absent; and so on */
    double f;
    int s, b;
    int64_t from, to; /* of a relationship: numbers of nodes */
} row;

typedef struct world {
    wg_rng rng;
    wg_db *plain,
        *shuffled; /* the same graph; the second made in another order, with other names of labels and types */
    wg_session *a, *b;
    row nodes[NODES], edges[EDGES];
    char directory[64];
    wg_arena arena; /* of one round */
    rnd_query q;
} world;

static const char *const strings[] = {"a", "b", "ab", "", "Ba", " x"};

/* ---- asking */

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

typedef struct answer {
    size_t count;
    const char **rows;
} answer;

static answer ask(world *w, wg_session *session, bool sorted, const char *text) {
    wg_result *result;
    wg_error err = {0};
    if (wg_query(session, text, &result, &err) != WG_OK)
        fail_msg("%s: %s\n%.1000s", wg_code_name(err.code), err.message, text);
    answer out = {.count = (size_t)wg_result_row_count(result)};
    out.rows = tck_alloc(&w->arena, out.count, sizeof *out.rows);
    for (size_t r = 0; r < out.count; r++) {
        wg_buf line;
        wg_buf_init(&line, NULL);
        for (uint32_t c = 0; c < wg_result_column_count(result); c++) {
            wg_value v = {0};
            assert_int_equal(wg_result_cell(result, r, c, &v, NULL), WG_OK);
            tck_print_value(&w->arena, &v, false, &line);
            assert_true(wg_buf_append_str(&line, " | "));
        }
        char *copy = tck_alloc(&w->arena, line.size + 1, 1);
        memcpy(copy, line.data, line.size);
        out.rows[r] = copy;
        wg_buf_deinit(&line);
    }
    wg_result_free(result);
    if (sorted && out.count > 0) qsort(out.rows, out.count, sizeof *out.rows, compare);
    return out;
}

static void must_equal(const answer *x, const answer *y, const char *first, const char *second) {
    if (x->count != y->count) fail_msg("%zu and %zu rows:\n%s\n%s", x->count, y->count, first, second);
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->rows[i], y->rows[i]) != 0)
            fail_msg("%s and %s:\n%s\n%s", x->rows[i], y->rows[i], first, second);
}

/* Bags of the answers to two texts. */
static void same(world *w, const char *first, const char *second) {
    const answer x = ask(w, w->a, true, first), y = ask(w, w->a, true, second);
    must_equal(&x, &y, first, second);
}

static int64_t number(world *w, const char *text) {
    const answer x = ask(w, w->a, false, text);
    assert_int_equal(x.count, 1);
    return strtoll(x.rows[0], NULL, 10);
}

static unsigned pick(world *w, unsigned n) { return (unsigned)wg_rng_below(&w->rng, n); }

/* A random condition over entities of these names (NULL ends them). */
static const char *condition(world *w, const char *first, const char *second) {
    const char *const names[] = {first, second};
    w->q.rng = &w->rng;
    w->q.declared = true; /* no properties of mixed types */
    w->q.text.size = 0;
    w->q.nesting = 2; /* no subqueries */
    w->q.variable_count = 0;
    for (unsigned i = 0; i < 2 && names[i] != NULL; i++) {
        rnd_variable *v = &w->q.variables[w->q.variable_count++];
        *v = (rnd_variable){.type = names[i][0] == 'r' ? RND_EDGE : RND_NODE};
        (void)snprintf(v->name, sizeof v->name, "%s", names[i]);
    }
    rnd_expression(&w->q, RND_BOOL, 1 + pick(w, 3));
    const char *text = tck_format(&w->arena, "%.*s", (int)w->q.text.size, (const char *)w->q.text.data);
    return strchr(text, '$') == NULL && strstr(text, "labels(") == NULL && strstr(text, "type(") == NULL &&
                   strchr(text, ':') == NULL
               ? text
               : condition(w, first, second); /* no parameters; labels have other names in the second graph */
}

#define SAY(...) tck_format(&w->arena, __VA_ARGS__)

/* ---- the checks */

static void check_predicate_split(world *w) {
    static const char *const patterns[] = {"MATCH (n)", "MATCH (n:A)", "MATCH (n)-[r:R]->(m)", "MATCH (m)<-[r]-(n:B)",
                                           "MATCH (n) OPTIONAL MATCH (n)-[r:T]->() WITH n, r"};
    const unsigned i = pick(w, 5);
    const char *p = condition(w, "n", i >= 2 ? "r" : NULL);
    int64_t sum = 0;
    sum += number(w, SAY("%s WHERE %s RETURN count(*)", patterns[i], p));
    sum += number(w, SAY("%s WHERE NOT (%s) RETURN count(*)", patterns[i], p));
    sum += number(w, SAY("%s WHERE (%s) IS NULL RETURN count(*)", patterns[i], p));
    const int64_t all = number(w, SAY("%s RETURN count(*)", patterns[i]));
    if (sum != all) fail_msg("%s: %lld of %lld rows for %s", patterns[i], (long long)sum, (long long)all, p);
}

static void check_direction_reversal(world *w) {
    const char *p = condition(w, "a", "r"), *q = condition(w, "c", "r2");
    same(w, SAY("MATCH (a:A)-[r:R]->(b)-[r2]->(c) WHERE %s AND %s RETURN a.k, r.k, b.k, r2.k, c.k", p, q),
         SAY("MATCH (c)<-[r2]-(b)<-[r:R]-(a:A) WHERE %s AND %s RETURN a.k, r.k, b.k, r2.k, c.k", q, p));
    same(w, SAY("MATCH (a)-[r]-(b) WHERE %s RETURN a.k, r.k, b.k", p),
         SAY("MATCH (b)-[r]-(a) WHERE %s RETURN a.k, r.k, b.k", p));
}

static void check_other_order_and_names(world *w) {
    const char *p = condition(w, "n", "r");
    const char *mine = SAY("MATCH (n:A)-[r:R]->(m:B) WHERE %s RETURN n.k, r.k, m.k, n.s, m.i", p);
    const char *theirs = SAY("MATCH (n:Z1)-[r:Z3]->(m:Z2) WHERE %s RETURN n.k, r.k, m.k, n.s, m.i", p);
    const answer x = ask(w, w->a, true, mine), y = ask(w, w->b, true, theirs);
    must_equal(&x, &y, mine, theirs);
    mine = SAY("MATCH (n)-[r]->(m) WHERE %s RETURN m.s, n.b, count(*), sum(r.i), min(n.f), max(m.k)", p);
    const answer u = ask(w, w->a, true, mine), v = ask(w, w->b, true, mine);
    must_equal(&u, &v, mine, mine);
}

static void check_with_split(world *w) {
    const char *p = condition(w, "n", NULL), *q = condition(w, "m", "r");
    const char *whole = SAY("MATCH (n)-[r]->(m) WHERE (%s) AND (%s) RETURN n.k, r.k, m.k", p, q);
    same(w, whole, SAY("MATCH (n) WHERE %s WITH n MATCH (n)-[r]->(m) WHERE %s RETURN n.k, r.k, m.k", p, q));
    same(w, whole, SAY("MATCH (n)-[r]->(m) WITH * WHERE %s WITH * WHERE %s RETURN n.k, r.k, m.k", q, p));
    same(
        w, whole,
        SAY("MATCH (n) WHERE %s CALL { WITH n MATCH (n)-[r]->(m) WHERE %s RETURN r, m } RETURN n.k, r.k, m.k", p, q));
}

static void check_union_of_parts(world *w) {
    const char *p = condition(w, "n", "r");
    const unsigned parts = 2 + pick(w, 3);
    const char *all = "";
    for (unsigned i = 0; i < parts; i++)
        all = SAY("%s%s MATCH (n)-[r]->(m) WHERE n.k %% %u = %u AND (%s) RETURN n.k AS x, m.k AS y, r.i AS z", all,
                  i > 0 ? " UNION ALL" : "", parts, i, p);
    same(w, SAY("MATCH (n)-[r]->(m) WHERE %s RETURN n.k AS x, m.k AS y, r.i AS z", p), all);
}

static void check_owned_and_virtual(world *w) {
    const char *p = condition(w, "n", NULL);
    static const char *const results[] = {"n.k, n.i, n.f, n.s, n.b", "count(*), sum(n.i), min(n.s), max(n.f)",
                                          "n.s, n.b, count(*), count(n.i)", "DISTINCT n.i, n.s",
                                          "n.k, n.f ORDER BY n.f DESC, n.k LIMIT 50"};
    const char *form = results[pick(w, 5)];
    same(w, SAY("MATCH (n:Own) WHERE %s RETURN %s", p, form), SAY("MATCH (n:File) WHERE %s RETURN %s", p, form));
    same(w, SAY("MATCH (x:A), (n:%s {k: x.k}) WHERE x.i = 3 AND (%s) RETURN x.k, n.s", "Own", p),
         SAY("MATCH (x:A), (n:%s {k: x.k}) WHERE x.i = 3 AND (%s) RETURN x.k, n.s", "File", p));
}

static void check_limit_is_a_prefix(world *w) {
    const char *p = condition(w, "n", "m");
    const char *text = SAY("MATCH (n)-[r]->(m) WHERE %s RETURN n.i, n.f, n.s, r.k ORDER BY n.i DESC, n.s, r.k", p);
    const answer all = ask(w, w->a, false, text);
    size_t at = 0;
    while (at < all.count) {
        const unsigned page = 1 + pick(w, 900);
        const char *cut = SAY("%s SKIP %zu LIMIT %u", text, at, page);
        const answer part = ask(w, w->a, false, cut);
        if (part.count != wg_min_size(page, all.count - at)) fail_msg("%zu rows: %s", part.count, cut);
        for (size_t i = 0; i < part.count; i++)
            if (strcmp(part.rows[i], all.rows[at + i]) != 0) fail_msg("row %zu of %s", i, cut);
        at += part.count;
    }
}

static void check_count_is_counted_rows(world *w) {
    static const char *const patterns[] = {"(n:A)-[r:R]->(m)-[r2:S]->(o)", "(n)-[r]->(m), (m)-[r2]->(n)",
                                           "(n:B)-[r*1..2]->(m:A)", "(n)-[r]-(m:C)", "(n:A)-[r:R|T]->()<-[:S]-(m)"};
    const unsigned i = pick(w, 5);
    const char *p = condition(w, "n", "m");
    const char *text = SAY("MATCH %s WHERE %s RETURN n.k", patterns[i], p);
    const answer rows = ask(w, w->a, false, text);
    const int64_t count = number(w, SAY("MATCH %s WHERE %s RETURN count(*)", patterns[i], p));
    if (count != (int64_t)rows.count)
        fail_msg("count(*) is %lld of %zu rows: %s", (long long)count, rows.count, text);
    const int64_t groups = number(w, SAY("MATCH %s WHERE %s RETURN count(DISTINCT n)", patterns[i], p));
    const answer distinct = ask(w, w->a, false, SAY("MATCH %s WHERE %s RETURN DISTINCT n", patterns[i], p));
    if (groups != (int64_t)distinct.count)
        fail_msg("%lld groups of %zu: %s", (long long)groups, distinct.count, text);
}

static void check_optional_is_match_and_the_rest(world *w) {
    const char *p = condition(w, "m", "r");
    same(w, SAY("MATCH (n:A) OPTIONAL MATCH (n)-[r]->(m) WHERE %s RETURN n.k AS x, r.k AS y, m.k AS z", p),
         SAY("MATCH (n:A)-[r]->(m) WHERE %s RETURN n.k AS x, r.k AS y, m.k AS z UNION ALL MATCH (n:A) WHERE NOT "
             "EXISTS { "
             "MATCH (n)-[r]->(m) WHERE %s } RETURN n.k AS x, null AS y, null AS z",
             p, p));
}

static void check_walks_are_their_lengths(world *w) {
    const char *p = condition(w, "n", NULL);
    const int64_t both = number(w, SAY("MATCH (n:A)-[r*1..2]->(m) WHERE %s RETURN count(*)", p));
    const int64_t one = number(w, SAY("MATCH (n:A)-[r]->(m) WHERE %s RETURN count(*)", p));
    const int64_t two = number(w, SAY("MATCH (n:A)-[r]->()-[r2]->(m) WHERE %s RETURN count(*)", p));
    if (both != one + two)
        fail_msg("%lld walks, %lld and %lld: %s", (long long)both, (long long)one, (long long)two, p);
}

static void check_execution_changes_nothing(world *w) {
    const char *p = condition(w, "n", "m");
    const char *text = SAY("MATCH (n:A)-[r]->(m) WHERE %s RETURN n.s, count(*), sum(m.f), collect(r.k)", p);
    const wg_execution ways[] = {{.threads = 1, .batch_rows = 2048, .optimizer = WG_OPTIMIZER_ON},
                                 {.threads = 2, .batch_rows = 7, .shards = 3, .optimizer = WG_OPTIMIZER_ON},
                                 {.threads = 2, .batch_rows = 1000, .isa = "scalar", .optimizer = WG_OPTIMIZER_ON}};
    answer first = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wg_session_set_execution(w->a, &ways[i], NULL), WG_OK);
        const answer x = ask(w, w->a, false, text);
        if (i == 0) first = x;
        else must_equal(&first, &x, text, "run in another way");
    }
    const wg_execution off = {.optimizer = WG_OPTIMIZER_OFF},
                       back = {.optimizer = WG_OPTIMIZER_ON, .threads = 1, .isa = "best"};
    const char *bag = SAY("MATCH (n:A)-[r]->(m:B)<-[r2]-(o) WHERE %s RETURN n.k, r.k, m.k, r2.k", p);
    const answer on = ask(w, w->a, true, bag);
    assert_int_equal(wg_session_set_execution(w->a, &off, NULL), WG_OK);
    const answer without = ask(w, w->a, true, bag);
    assert_int_equal(wg_session_set_execution(w->a, &back, NULL), WG_OK);
    must_equal(&on, &without, bag, "without the optimizer");
}

static void check_old_snapshot_stays(world *w) {
    const char *p = condition(w, "n", "r");
    const uint64_t logseq = wg_db_logseq(w->plain);
    const char *text = SAY("MATCH (n)-[r]->(m) WHERE %s RETURN n, r, m.k", p);
    const answer before = ask(w, w->a, false, text);
    const unsigned k = pick(w, NODES);
    (void)ask(w, w->a, false, SAY("MATCH (n {k: %u}) SET n.i = coalesce(n.i, 0) + 1, n.s = 'changed'", k));
    (void)ask(w, w->a, false, SAY("MATCH (n {k: %u})-[r]->() DELETE r", (k + 1) % NODES));
    (void)ask(w, w->a, false,
              SAY("MATCH (n {k: %u}), (m {k: %u}) CREATE (n)-[:R {k: 1000000}]->(m)", k, (k + 7) % NODES));
    (void)ask(w, w->a, false, SAY("MATCH (n {k: %u}) DETACH DELETE n", (k + 2) % NODES));
    const char *old = SAY("AS OF %llu %s", (unsigned long long)logseq, text);
    const answer after = ask(w, w->a, false, old);
    must_equal(&before, &after, text, old);
}

/* The last one changes the graph, so that the two are no longer the same. */
static const struct {
    const char *name;
    void (*run)(world *w);
} checks[] = {
    {"predicate split", check_predicate_split},
    {"direction reversal", check_direction_reversal},
    {"other order of creation and other names", check_other_order_and_names},
    {"WITH in between", check_with_split},
    {"UNION ALL of parts", check_union_of_parts},
    {"owned and virtual", check_owned_and_virtual},
    {"LIMIT is a prefix", check_limit_is_a_prefix},
    {"count(*) is counted rows", check_count_is_counted_rows},
    {"OPTIONAL MATCH is MATCH and the rest", check_optional_is_match_and_the_rest},
    {"walks are their lengths", check_walks_are_their_lengths},
    {"threads, batches, kernels, optimizer", check_execution_changes_nothing},
    {"an old snapshot stays", check_old_snapshot_stays},
};

/* ---- the graphs */

static void make_rows(world *w) {
    for (int64_t i = 0; i < NODES + EDGES; i++) {
        row *r = i < NODES ? &w->nodes[i] : &w->edges[i - NODES];
        *r = (row){.k = i,
                   .i = (int64_t)pick(w, 12) - 2,
                   .f = ((double)pick(w, 40) - 8) / 4,
                   .s = (int)pick(w, 8),
                   .b = (int)pick(w, 3)};
        r->from = (int64_t)pick(w, pick(w, 4) == 0 ? 50 : NODES);
        r->to = pick(w, 30) == 0 ? r->from : (int64_t)pick(w, NODES);
    }
}

static int64_t days_of(const row *r) { return 12000 + r->k * 37 % 9000; }
static int64_t seconds_of(const row *r) { return INT64_C(1700000000) + r->k * 98765 % 20000000; }

static void print_row(const row *r, wg_buf *out) {
    bool ok = wg_buf_printf(out, "{k: %lld", (long long)r->k);
    if (r->i >= 0) ok = ok && wg_buf_printf(out, ", i: %lld", (long long)r->i);
    if (r->f >= 0) ok = ok && wg_buf_printf(out, ", f: %.2f", r->f);
    if (r->s < 6) ok = ok && wg_buf_printf(out, ", s: '%s'", strings[r->s]);
    if (r->b < 2) ok = ok && wg_buf_printf(out, ", b: %s", r->b == 1 ? "true" : "false");
    if (r->k % 3 != 0)
        ok = ok && wg_buf_printf(out, ", d: date('1970-01-01') + duration({days: %lld})", (long long)days_of(r));
    if (r->k % 4 != 0)
        ok = ok && wg_buf_printf(out, ", t: localdatetime('1970-01-01') + duration({seconds: %lld})",
                                 (long long)seconds_of(r));
    assert_true(ok && wg_buf_append_str(out, "}"));
}

static void run_rows(world *w, wg_session *session, const wg_buf *list, const char *tail) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    assert_true(wg_buf_append_str(&text, "UNWIND [") && wg_buf_append(&text, list->data, list->size));
    assert_true(wg_buf_append_str(&text, "] AS x ") && wg_buf_append_str(&text, tail) && wg_buf_append_u8(&text, 0));
    (void)ask(w, session, false, (const char *)text.data);
    wg_buf_deinit(&text);
}

/* Which rows belong to a label follows from k, so that both graphs agree. */
static void put_nodes(world *w, wg_session *session, unsigned label, const char *labels, bool backwards) {
    wg_buf list;
    wg_buf_init(&list, NULL);
    for (size_t n = 0; n < NODES; n++) {
        const row *r = &w->nodes[backwards ? NODES - 1 - n : n];
        if ((unsigned)(r->k % 4) != label) continue;
        if (list.size > 0) assert_true(wg_buf_append_str(&list, ", "));
        print_row(r, &list);
    }
    run_rows(w, session, &list, tck_format(&w->arena, "CREATE (n%s) SET n = x", labels));
    wg_buf_deinit(&list);
}

static void put_edges(world *w, wg_session *session, unsigned type, const char *name, bool backwards) {
    wg_buf list;
    wg_buf_init(&list, NULL);
    for (size_t n = 0; n < EDGES; n++) {
        const row *r = &w->edges[backwards ? EDGES - 1 - n : n];
        if ((unsigned)(r->k % 3) != type) continue;
        if (list.size > 0) assert_true(wg_buf_append_str(&list, ", "));
        assert_true(wg_buf_printf(&list, "[%lld, %lld, ", (long long)r->from, (long long)r->to));
        print_row(r, &list);
        assert_true(wg_buf_append_str(&list, "]"));
    }
    run_rows(w, session, &list,
             tck_format(&w->arena, "MATCH (a {k: x[0]}), (b {k: x[1]}) CREATE (a)-[r:%s]->(b) SET r = x[2]", name));
    wg_buf_deinit(&list);
}

static wg_code to_file(void *ctx, wg_slice bytes, wg_error *err) {
    if (fwrite(bytes.data, 1, bytes.size, ctx) == bytes.size) return WG_OK;
    return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "cannot write");
}

static void append(const row *r, wg_column *c) {
    bool ok = wg_column_append_i64(&c[0], r->k);
    ok = ok && (r->i >= 0 ? wg_column_append_i64(&c[1], r->i) : wg_column_append_null(&c[1]));
    ok = ok && (r->f >= 0 ? wg_column_append_f64(&c[2], r->f) : wg_column_append_null(&c[2]));
    const wg_str s = {r->s < 6 ? strings[r->s] : "", r->s < 6 ? strlen(strings[r->s]) : 0};
    ok = ok && (r->s < 6 ? wg_column_append_str(&c[3], s) : wg_column_append_null(&c[3]));
    ok = ok && (r->b < 2 ? wg_column_append_bool(&c[4], r->b == 1) : wg_column_append_null(&c[4]));
    ok = ok && (r->k % 3 != 0 ? wg_column_append_i64(&c[5], days_of(r)) : wg_column_append_null(&c[5]));
    ok = ok && (r->k % 4 != 0 ? wg_column_append_i64(&c[6], seconds_of(r) * 1000000) : wg_column_append_null(&c[6]));
    assert_true(ok);
}

/* The nodes whose k is in [from, to), as a file with small row groups. */
static void write_file(const world *w, size_t from, size_t to, const char *path) {
    static const wg_parquet_writer_column names[] = {{"k", WG_TYPE_INT, false},          {"i", WG_TYPE_INT, true},
                                                     {"f", WG_TYPE_FLOAT, true},         {"s", WG_TYPE_STRING, true},
                                                     {"b", WG_TYPE_BOOL, true},          {"d", WG_TYPE_DATE, true},
                                                     {"t", WG_TYPE_LOCAL_DATETIME, true}};
    enum { COLUMNS = sizeof names / sizeof *names };
    wg_column columns[COLUMNS];
    wg_vector views[COLUMNS];
    wg_parquet_writer *writer;
    wg_arena arena;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    wg_arena_init(&arena, NULL);
    for (size_t c = 0; c < COLUMNS; c++) wg_column_init(&columns[c], names[c].type, &arena, NULL);
    assert_int_equal(
        wg_parquet_writer_create(names, COLUMNS, WG_CODEC_SNAPPY, 300, to_file, file, NULL, &writer, NULL), WG_OK);
    for (size_t i = from; i < to; i++) append(&w->nodes[i], columns);
    for (size_t c = 0; c < COLUMNS; c++) views[c] = wg_column_view(&columns[c]);
    const wg_batch batch = {.row_count = (uint32_t)(to - from), .column_count = COLUMNS, .columns = views};
    assert_int_equal(wg_parquet_writer_append(writer, &batch, NULL), WG_OK);
    assert_int_equal(wg_parquet_writer_finish(writer, NULL), WG_OK);
    wg_parquet_writer_destroy(writer);
    for (size_t c = 0; c < COLUMNS; c++) wg_column_deinit(&columns[c]);
    wg_arena_deinit(&arena);
    assert_int_equal(fclose(file), 0);
}

/* One label that is owned and one that is two files, with the same rows and columns. Declared only after the open ones are there. */
static void make_labels(world *w) {
    wg_buf list;
    (void)ask(w, w->a, false, "CREATE NODE LABEL Own (k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t TIMESTAMP)");
    wg_buf_init(&list, NULL);
    for (size_t n = 0; n < NODES; n++) {
        if (list.size > 0) assert_true(wg_buf_append_str(&list, ", "));
        print_row(&w->nodes[n], &list);
    }
    run_rows(w, w->a, &list, "CREATE (n:Own) SET n = x");
    wg_buf_deinit(&list);
    write_file(w, 0, 1300, tck_format(&w->arena, "%s/p1.parquet", w->directory));
    write_file(w, 1300, NODES, tck_format(&w->arena, "%s/p2.parquet", w->directory));
    (void)ask(
        w, w->a, false,
        tck_format(&w->arena, "CREATE NODE LABEL File VIRTUAL FROM PARTITION '%s/{part}.parquet'", w->directory));
}

static wg_db *open_db(wg_session **session) {
    const wg_options options = {.threads = 2, .no_background = true};
    wg_db *db;
    assert_int_equal(wg_open(NULL, &options, &db, NULL), WG_OK);
    assert_int_equal(wg_session_open(db, session, NULL), WG_OK);
    return db;
}

static int set_up(void **state) {
    static world w;
    static const char *const labels[] = {":A", ":B", ":A:C", ""}, *const other[] = {":Z1", ":Z2", ":Z1:Z4", ""};
    static const char *const types[] = {"R", "S", "T"}, *const other_types[] = {"Z3", "Z5", "Z6"};
    wg_rng_init(&w.rng, wg_test_seed(6060));
    wg_arena_init(&w.arena, NULL);
    wg_buf_init(&w.q.text, NULL);
    (void)snprintf(w.directory, sizeof w.directory, "/tmp/wg-metamorphic-XXXXXX");
    assert_non_null(mkdtemp(w.directory));
    make_rows(&w);
    w.plain = open_db(&w.a);
    w.shuffled = open_db(&w.b);
    for (unsigned i = 0; i < 4; i++) put_nodes(&w, w.a, i, labels[i], false);
    for (unsigned i = 4; i-- > 0;) put_nodes(&w, w.b, i, other[i], true);
    for (unsigned i = 0; i < 3; i++) put_edges(&w, w.a, i, types[i], false);
    for (unsigned i = 3; i-- > 0;) put_edges(&w, w.b, i, other_types[i], true);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    wg_session_close(w->a);
    wg_session_close(w->b);
    assert_int_equal(wg_close(w->plain, NULL), WG_OK);
    assert_int_equal(wg_close(w->shuffled, NULL), WG_OK);
    wg_arena_reset(&w->arena);
    (void)unlink(tck_format(&w->arena, "%s/p1.parquet", w->directory));
    (void)unlink(tck_format(&w->arena, "%s/p2.parquet", w->directory));
    (void)rmdir(w->directory);
    wg_arena_deinit(&w->arena);
    wg_buf_deinit(&w->q.text);
    return 0;
}

/* Goal: every check of the table holds for random conditions. */
static void test_related_questions_have_related_answers(void **state) {
    world *w = *state;
    const char *text = getenv("WG_ROUNDS");
    const uint64_t rounds = text != NULL ? strtoull(text, NULL, 10) : wg_test_small() ? 2 : 12;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (checks[i].run == check_owned_and_virtual)
            continue; /* its labels change what names mean: it has its own test */
        print_message("%s\n", checks[i].name);
        for (uint64_t r = 0; r < rounds; r++) {
            wg_arena_reset(&w->arena);
            checks[i].run(w);
        }
    }
}

/* Goal: an owned label and a virtual one with the same rows cannot be told apart. */
static void test_owned_and_virtual_labels_answer_alike(void **state) {
    world *w = *state;
    const uint64_t rounds = wg_test_small() ? 3 : 40;
    make_labels(w);
    for (uint64_t r = 0; r < rounds; r++) {
        wg_arena_reset(&w->arena);
        check_owned_and_virtual(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_related_questions_have_related_answers),
        cmocka_unit_test(test_owned_and_virtual_labels_answer_alike),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
