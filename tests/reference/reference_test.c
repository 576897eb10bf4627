/* Goal: on random graphs and random queries the engine answers as the naive interpreter does. tests/reference/README.md says how a pair
 * that is printed is run again.
 *     WG_SEED=7 WG_PAIRS=100000 build/release/tests/reference.reference_test */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/core/test_seed.h"
#include "tests/reference/random.h"
#include "tests/tck/tck.h"

enum { QUERIES_PER_GRAPH = 100, STEPS_MAX = 60000, ROWS_MAX = 3000, PARAMS = 3 };

enum { OPERATORS = 5 };

typedef struct world {
    wg_db *db;
    wg_session *session;
    ref_graph graph;
    rnd_graph shape;
    wg_arena arena; /* of one pair */
    uint64_t seed;
    bool ordered, optimizer_off;
    uint32_t indexes; /* bit i: the graph has rnd_indexes()[i] */
    uint64_t pairs, skipped, refused, errors, empty;
    uint64_t shapes, operators[OPERATORS]; /* plans of patterns, and how many of these have each operator */
    unsigned failures;
} world;

/* What one of the two said. */
typedef struct said {
    wg_code code;
    char message[232];
    size_t count;
    const char **rows;
} said;

/* ---- parameters */

static void make_params(ref_param out[PARAMS], wg_value items[2]) {
    items[0] = ref_int(1);
    items[1] = ref_int(4);
    out[0] = (ref_param){"pi", ref_int(2)};
    out[1] = (ref_param){"ps", ref_string(wg_slice_str("ab"))};
    out[2] = (ref_param){"pl", ref_list(items, 2)};
}

/* ---- both sides */

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static const char *row_text(wg_arena *arena, const char *const *names, const wg_value *cells, size_t columns) {
    wg_buf row;
    wg_buf_init(&row, NULL);
    for (size_t c = 0; c < columns; c++) {
        tck_print_value(arena, &cells[c], names[c][0] == 'u', &row);
        assert_true(wg_buf_append_str(&row, " | "));
    }
    char *text = tck_alloc(arena, row.size + 1, 1);
    if (row.size > 0) memcpy(text, row.data, row.size);
    wg_buf_deinit(&row);
    return text;
}

static void said_error(said *s, wg_code code, const char *message) {
    s->code = code;
    (void)snprintf(s->message, sizeof s->message, "%s", message);
}

static void ask_reference(world *w, ref_graph *graph, wg_slice text, uint64_t steps_max, said *out) {
    ref_param params[PARAMS];
    wg_value items[2];
    ref_answer a;
    make_params(params, items);
    *out = (said){0};
    ref_run(graph, text, params, PARAMS, steps_max, &w->arena, &a);
    if (a.code != WG_OK) {
        said_error(out, a.code, a.message);
        return;
    }
    const char **names = tck_alloc(&w->arena, a.column_count, sizeof *names);
    for (size_t c = 0; c < a.column_count; c++)
        names[c] = tck_format(&w->arena, "%.*s", (int)a.names[c].size, (const char *)a.names[c].data);
    out->count = a.row_count;
    out->rows = tck_alloc(&w->arena, a.row_count, sizeof *out->rows);
    for (size_t r = 0; r < a.row_count; r++)
        out->rows[r] = row_text(&w->arena, names, a.cells + r * a.column_count, a.column_count);
}

static void read_rows(world *w, const wg_result *result, said *out) {
    const uint32_t columns = wg_result_column_count(result);
    const char **names = tck_alloc(&w->arena, columns, sizeof *names);
    wg_value *cells = tck_alloc(&w->arena, columns, sizeof *cells);
    for (uint32_t c = 0; c < columns; c++) names[c] = wg_result_column_name(result, c);
    out->count = (size_t)wg_result_row_count(result);
    out->rows = tck_alloc(&w->arena, out->count, sizeof *out->rows);
    for (size_t r = 0; r < out->count; r++) {
        for (uint32_t c = 0; c < columns; c++) assert_int_equal(wg_result_cell(result, r, c, &cells[c], NULL), WG_OK);
        out->rows[r] = row_text(&w->arena, names, cells, columns);
    }
}

static void ask_engine(world *w, wg_slice text, said *out) {
    ref_param params[PARAMS];
    wg_value items[2];
    wg_stmt *stmt;
    wg_result *result;
    wg_error err = {0};
    make_params(params, items);
    *out = (said){0};
    wg_code code = wg_prepare(w->session, (const char *)text.data, text.size, &stmt, &err);
    if (code != WG_OK) {
        said_error(out, code, err.message);
        return;
    }
    for (size_t i = 0; i < PARAMS; i++)
        if (wg_bind(stmt, params[i].name, &params[i].value, NULL) != WG_OK)
            continue; /* it does not ask for this one */
    code = wg_execute(stmt, &result, &err);
    wg_stmt_finish(stmt);
    if (code != WG_OK) {
        said_error(out, code, err.message);
        return;
    }
    read_rows(w, result, out);
    wg_result_free(result);
}

/* ---- comparing */

/* When an error is found is not compared, only of what kind it is. */
static int class_of(const said *s) {
    const wg_code code = s->code;
    /* Which of several rows that cannot be written comes first is nobody's promise: a deleted end is like one that is null. */
    if (code == WG_E_NOT_FOUND && strstr(s->message, "deleted") != NULL) return 2;
    if (code == WG_E_SYNTAX || code == WG_E_BIND || code == WG_E_TYPE || code == WG_E_NOT_FOUND) return 1;
    return code == WG_OK ? 0 : code == WG_E_VALUE ? 2 : code == WG_E_CONSTRAINT ? 3 : 100 + (int)code;
}

static bool same(const said *a, const said *b, bool ordered) {
    if (a->code != WG_OK || b->code != WG_OK) return class_of(a) == class_of(b);
    if (a->count != b->count) return false;
    if (!ordered && a->count > 0) {
        qsort(a->rows, a->count, sizeof *a->rows, compare);
        qsort(b->rows, b->count, sizeof *b->rows, compare);
    }
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->rows[i], b->rows[i]) != 0) return false;
    return true;
}

typedef enum verdict { AGREE, SKIP, DIFFER } verdict;

static bool may_write(wg_slice text) {
    static const char *const words[] = {"CREATE", "MERGE", "SET ", "DELETE", "REMOVE", "FOREACH"};
    for (size_t i = 0; i + 7 < text.size; i++)
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            if (memcmp(text.data + i, words[k], strlen(words[k])) == 0) return true;
    return false;
}

/* The statement in a transaction that is rolled back, and what it leaves. */
static verdict compare_writes(world *w, wg_slice text, said *mine, said *theirs) {
    static const char *const looks[] = {"MATCH (n) RETURN n", "MATCH (a)-[r]->(b) RETURN a, r, b"};
    ref_graph copy;
    verdict v = AGREE;
    ref_graph_copy(&w->graph, &copy);
    ask_reference(w, &copy, text, STEPS_MAX, theirs);
    if (theirs->code == WG_E_LIMIT || theirs->count > ROWS_MAX) {
        ref_graph_deinit(&copy);
        return SKIP;
    }
    assert_int_equal(wg_begin(w->session, false, NULL), WG_OK);
    ask_engine(w, text, mine);
    if (mine->code == WG_E_UNSUPPORTED) w->refused++;
    if (mine->code != WG_E_UNSUPPORTED && !same(mine, theirs, false)) v = DIFFER;
    for (size_t i = 0; i < 2 && v == AGREE && mine->code == WG_OK; i++) {
        ask_reference(w, &copy, wg_slice_str(looks[i]), 0, theirs);
        ask_engine(w, wg_slice_str(looks[i]), mine);
        if (!same(mine, theirs, false)) v = DIFFER;
    }
    assert_int_equal(wg_rollback(w->session, NULL), WG_OK);
    ref_graph_deinit(&copy);
    return v;
}

static verdict compare_pair(world *w, wg_slice text, said *mine, said *theirs) {
    if (may_write(text)) return compare_writes(w, text, mine, theirs);
    ask_reference(w, &w->graph, text, STEPS_MAX, theirs);
    if (theirs->code == WG_E_LIMIT || theirs->count > ROWS_MAX) return SKIP;
    ask_engine(w, text, mine);
    if (mine->code == WG_E_UNSUPPORTED) w->refused++;
    return mine->code == WG_E_UNSUPPORTED || same(mine, theirs, w->ordered) ? AGREE : DIFFER;
}

/* ---- what the plans were */

static const char *const operators[OPERATORS] = {"(Intersect)", "(PatternCount)", " for each ", " of set ",
                                                 "not exists"};

static bool contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

static void look_at_plan(world *w, wg_slice text) {
    said plan;
    wg_buf explain;
    wg_buf_init(&explain, NULL);
    assert_true(wg_buf_append_str(&explain, "EXPLAIN ") && wg_buf_append(&explain, text.data, text.size));
    ask_engine(w, wg_buf_slice(&explain), &plan);
    for (size_t o = 0; o < OPERATORS; o++) {
        bool has = false;
        for (size_t r = 0; r < plan.count && !has && plan.rows != NULL; r++)
            has = plan.rows[r] != NULL && contains(plan.rows[r], operators[o]);
        w->operators[o] += has;
    }
    w->shapes++;
    wg_buf_deinit(&explain);
}

/* ---- a graph */

static void set_execution(world *w, bool two_threads) {
    const wg_execution e = {.threads = two_threads ? 2 : 1,
                            .batch_rows = two_threads ? 2 : 64,
                            .optimizer = w->optimizer_off ? WG_OPTIMIZER_OFF : WG_OPTIMIZER_ON};
    assert_int_equal(wg_session_set_execution(w->session, &e, NULL), WG_OK);
}

static void run_statement(world *w, const char *text) {
    wg_result *result;
    wg_error err = {0};
    if (wg_query(w->session, text, &result, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    wg_result_free(result);
}

static void make_indexes(world *w) {
    size_t count;
    const char *const *texts = rnd_indexes(&count);
    for (size_t i = 0; i < count; i++)
        if ((w->indexes >> i & 1) != 0) run_statement(w, texts[i]);
}

static void open_graph(world *w, bool two_threads) {
    const wg_options options = {.threads = 2, .no_background = true};
    wg_error err = {0};
    size_t count;
    wg_buf text;
    wg_buf_init(&text, NULL);
    ref_graph_init(&w->graph);
    if (wg_open(NULL, &options, &w->db, &err) != WG_OK) fail_msg("open: %s", err.message);
    if (wg_session_open(w->db, &w->session, &err) != WG_OK) fail_msg("session: %s", err.message);
    const char *const *ddl = rnd_declarations(&count);
    for (size_t i = 0; w->shape.declared && i < count; i++) run_statement(w, ddl[i]);
    rnd_print_graph(&w->shape, &text);
    if (text.size > 0) {
        said mine, theirs;
        const wg_slice create = wg_buf_slice(&text);
        ask_reference(w, &w->graph,
                      wg_slice_of(wg_arena_copy(&w->graph.arena, create.data, create.size), create.size), 0, &theirs);
        ask_engine(w, create, &mine);
        if (mine.code != WG_OK || theirs.code != WG_OK)
            fail_msg("%.*s: %s / %s", (int)text.size, (const char *)text.data, mine.message, theirs.message);
    }
    wg_buf_deinit(&text);
    make_indexes(w);
    set_execution(w, two_threads);
}

static void close_graph(world *w) {
    wg_session_close(w->session);
    assert_int_equal(wg_close(w->db, NULL), WG_OK);
    ref_graph_deinit(&w->graph);
}

/* ---- making a pair small */

typedef struct shrinking {
    world *w;
    wg_code mine, theirs; /* the difference stays of one kind */
} shrinking;

static bool differs(void *arg, wg_slice text) {
    const shrinking *s = arg;
    said mine, theirs;
    if (compare_pair(s->w, text, &mine, &theirs) != DIFFER) return false;
    return mine.code == s->mine && theirs.code == s->theirs;
}

static void try_without(world *w, bool *dropped, wg_slice text, const shrinking *s) {
    if (*dropped) return;
    *dropped = true;
    close_graph(w);
    open_graph(w, false);
    shrinking again = *s;
    if (differs(&again, text)) return;
    *dropped = false;
    close_graph(w);
    open_graph(w, false);
}

static void shrink_graph(world *w, wg_slice text, const shrinking *s) {
    for (unsigned i = 0; i < w->shape.edge_count; i++) try_without(w, &w->shape.edges[i].dropped, text, s);
    for (unsigned i = 0; i < w->shape.node_count; i++) try_without(w, &w->shape.nodes[i].dropped, text, s);
}

static void print_said(const char *who, const said *s) {
    if (s->code != WG_OK) print_error("  %s: %s: %s\n", who, wg_code_name(s->code), s->message);
    else print_error("  %s: %zu rows\n", who, s->count);
    for (size_t i = 0; s->code == WG_OK && i < s->count && i < 12; i++) print_error("    %s\n", s->rows[i]);
}

static void report(world *w, wg_slice text, const said *mine, const said *theirs) {
    wg_buf graph;
    size_t count;
    shrinking s = {w, mine->code, theirs->code};
    w->failures++;
    print_error("---- pair %llu, seed %llu%s%s\n", (unsigned long long)w->pairs, (unsigned long long)w->seed,
                w->optimizer_off ? ", optimizer off" : "", w->ordered ? ", ordered" : "");
    print_error("%.*s;\n", (int)text.size, (const char *)text.data);
    text = rnd_shrink_query(&w->arena, text, differs, &s);
    shrink_graph(w, text, &s);
    text = rnd_shrink_query(&w->arena, text, differs, &s);
    wg_buf_init(&graph, NULL);
    rnd_print_graph(&w->shape, &graph);
    print_error("smaller:\n");
    const char *const *ddl = rnd_declarations(&count);
    for (size_t i = 0; w->shape.declared && i < count; i++) print_error("%s;\n", ddl[i]);
    ddl = rnd_indexes(&count);
    for (size_t i = 0; i < count; i++)
        if ((w->indexes >> i & 1) != 0) print_error("%s;\n", ddl[i]);
    print_error("%.*s;\n%.*s;\n", (int)graph.size, (const char *)graph.data, (int)text.size, (const char *)text.data);
    wg_buf_deinit(&graph);
    said a, b;
    (void)compare_pair(w, text, &a, &b);
    print_said("engine", &a);
    print_said("reference", &b);
}

/* ---- */

static void run_graph(world *w, wg_rng *rng, unsigned queries) {
    rnd_query q = {.rng = rng};
    bool broken = false;
    rnd_make_graph(rng, wg_rng_below(rng, 3) == 0, &w->shape);
    w->optimizer_off = wg_rng_below(rng, 5) == 0;
    w->indexes = wg_rng_below(rng, 3) == 0 ? 0 : (uint32_t)(wg_rng_next(rng) & wg_rng_next(rng));
    open_graph(w, wg_rng_below(rng, 4) == 0);
    wg_buf_init(&q.text, NULL);
    q.declared = w->shape.declared;
    q.few_edges = w->shape.edge_count <= 7;
    for (unsigned i = 0; i < queries && !broken; i++) {
        said mine = {0}, theirs = {0};
        rnd_make_query(&q);
        w->ordered = q.ordered;
        w->pairs++;
        const verdict v = compare_pair(w, wg_buf_slice(&q.text), &mine, &theirs);
        if (v == SKIP) w->skipped++;
        if (q.is_shape && !w->optimizer_off) look_at_plan(w, wg_buf_slice(&q.text));
        if (v == AGREE && mine.code != WG_OK) w->errors++;
        if (v == AGREE && mine.code == WG_OK && mine.count == 0) w->empty++;
        if (v == DIFFER) report(w, wg_buf_slice(&q.text), &mine, &theirs);
        broken = v == DIFFER; /* the graph was shrunk: take another */
        wg_arena_reset(&w->arena);
    }
    wg_buf_deinit(&q.text);
    close_graph(w);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* Goal: no pair differs, most of them are valid, and most of those return rows. */
static void test_engine_answers_as_the_naive_interpreter_does(void **state) {
    (void)state;
    world w = {.seed = wg_test_seed(6006)};
    const uint64_t pairs = number_of("WG_PAIRS", wg_test_small() ? 2000 : 100000);
    const uint64_t failures_max = number_of("WG_FAILURES", 3);
    wg_rng rng;
    wg_rng_init(&rng, w.seed);
    wg_arena_init(&w.arena, NULL);
    while (w.pairs < pairs && w.failures < failures_max) {
        const uint64_t left = pairs - w.pairs;
        run_graph(&w, &rng, left < QUERIES_PER_GRAPH ? (unsigned)left : QUERIES_PER_GRAPH);
    }
    wg_arena_deinit(&w.arena);
    print_message("%llu pairs: %llu too much work, %llu not supported, %llu errors, %llu without rows\n",
                  (unsigned long long)w.pairs, (unsigned long long)w.skipped, (unsigned long long)w.refused,
                  (unsigned long long)w.errors, (unsigned long long)w.empty);
    print_message("%llu patterns:", (unsigned long long)w.shapes);
    for (size_t o = 0; o < OPERATORS; o++)
        print_message(" %llu %s", (unsigned long long)w.operators[o], operators[o]);
    print_message("\n");
    assert_int_equal(w.failures, 0);
    for (size_t o = 0; o < OPERATORS && pairs >= 2000; o++) assert_true(w.operators[o] > 0);
    assert_true(w.skipped < pairs / 10);
    assert_true(w.refused < pairs / 10);
    assert_true(w.errors < pairs / 5);
    assert_true(w.empty < pairs / 3 * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_engine_answers_as_the_naive_interpreter_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
