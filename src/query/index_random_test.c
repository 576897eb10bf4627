/* Goal: an index changes how fast an answer comes and never which: random definitions, writes, label changes, rollbacks, checkpoints, compactions,
 * expiry and reopening, and after each step questions with and without the optimiser, now and at old snapshots. Constraints are asked of
 * the rows themselves.
 *     WG_SEED=7 build/release/tests/query.index_random_test */
#include <stdlib.h>

#include "base/core/test_seed.h"
#include "query/query_test_kit.h"

enum { SNAPSHOTS = 6 };

typedef struct fixture {
    wg_platform *disk;
    wg_engine *engine;
    wg_rng rng;
    wg_buf text;
    wg_buf rows[2];
    uint64_t snapshots[SNAPSHOTS];
    uint64_t seeks; /* questions whose plan had one */
    uint64_t asked;
} fixture;

static uint32_t pick(fixture *f, uint32_t n) { return (uint32_t)(wg_rng_next(&f->rng) % n); }
static void say(fixture *f, const char *s) { assert_true(wg_buf_append_str(&f->text, s)); }

#define OK(call)                                                                              \
    do {                                                                                      \
        wg_error err_ = {0};                                                                  \
        wg_error *err = &err_;                                                                \
        const wg_code code_ = (call);                                                         \
        if (code_ != WG_OK) fail_msg("%s: %s: %s", #call, wg_code_name(code_), err_.message); \
    } while (0)

static void open_engine(fixture *f) {
    const wg_engine_options o = {
        .platform = f->disk, .options = {.create = true, .no_background = true}, .wal_segment_bytes = 1 << 16};
    OK(wg_engine_open("/ws", &o, &f->engine, err));
}

/* ---- statements */

static wg_code run_in(wg_txn *txn, const char *text, bool off, wg_buf *out, wg_error *err) {
    wg_prepared *query = NULL;
    wg_query_result result;
    wg_stats stats = {0};
    WG_TRY(wg_query_create(wg_slice_str(text), NULL, NULL, &query, err));
    const wg_exec_context context = {
        .txn = txn, .threads = 1, .batch_rows = 7, .optimizer_off = off, .stats = &stats};
    const wg_code code = wg_query_run(query, &context, &result, err);
    if (code == WG_OK) {
        const uint64_t count = out != NULL && result.rows != NULL ? wg_rows_count(result.rows) : 0;
        for (uint64_t r = 0; r < count; r++) {
            for (uint32_t c = 0; c < result.column_count; c++) {
                const wg_value v = wg_rows_cell(result.rows, r, c);
                assert_true(wg_value_print_json(out, &v) &&
                            wg_buf_append_str(out, c + 1 < result.column_count ? "|" : "\n"));
            }
        }
        wg_query_result_deinit(&result);
    }
    wg_query_destroy(query);
    return code;
}

static const char *text_of(fixture *f) {
    assert_true(wg_buf_append_u8(&f->text, 0));
    f->text.size--;
    return (const char *)f->text.data;
}

/* A statement that breaks a constraint, names what is not there or defines what is, is undone; everything else must work. */
static bool attempt(fixture *f, wg_txn *txn) {
    wg_txn_mark mark;
    wg_error err = {0};
    wg_txn_mark_set(txn, &mark);
    const wg_code code = run_in(txn, text_of(f), false, NULL, &err);
    if (code == WG_OK) return true;
    if (code != WG_E_CONSTRAINT && code != WG_E_EXISTS && code != WG_E_NOT_FOUND)
        fail_msg("%s: %s", text_of(f), err.message);
    wg_txn_rollback_to(txn, &mark);
    return false;
}

/* ---- random text */

static void say_number(fixture *f, uint32_t n) {
    char text[32];
    (void)snprintf(text, sizeof text, "%u", n);
    say(f, text);
}

static void say_value(fixture *f) {
    static const char *const odd[] = {"null",
                                      "9007199254740993",
                                      "9007199254740992.0",
                                      "-9223372036854775807",
                                      "0.1",
                                      "-0.0",
                                      "0.0 / 0.0",
                                      "true",
                                      "false",
                                      "date('2020-02-03')",
                                      "date('2021-02-03')",
                                      "localdatetime('2020-02-03T04:05:06.7')",
                                      "datetime('2020-02-03T04:05:06Z')",
                                      "duration('P1D')",
                                      "[1, 2.0]",
                                      "[1, null]",
                                      "''",
                                      "'\\u0000\\u0001'",
                                      "'\\u0001'",
                                      "'a long text of which the beginning is shared by all, and the end is not: A'",
                                      "'a long text of which the beginning is shared by all, and the end is not: B'",
                                      "'a long text of which the beginning is shared by all'"};
    switch (pick(f, 8)) {
        case 0:
            say(f, odd[pick(f, sizeof odd / sizeof odd[0])]);
            return;
        case 1:
            say(f, pick(f, 2) == 0 ? "'k" : "'kk");
            say_number(f, pick(f, 30));
            say(f, "'");
            return;
        case 2:
            say_number(f, pick(f, 40));
            say(f, ".0");
            return;
        case 3:
            say(f, "-");
            say_number(f, 1 + pick(f, 10));
            return;
        default:
            say_number(f, pick(f, 60));
            return;
    }
}

static void say_key(fixture *f) {
    static const char *const keys[] = {"p", "q", "s"};
    say(f, keys[pick(f, 3)]);
}

static void say_map(fixture *f) {
    static const char *const keys[] = {"p: ", "q: ", "s: "};
    bool any = false;
    say(f, " {");
    for (uint32_t i = 0; i < 3; i++) {
        if (pick(f, 4) == 0) continue;
        say(f, any ? ", " : "");
        say(f, keys[i]);
        say_value(f);
        any = true;
    }
    say(f, "}");
}

static void say_label(fixture *f) { say(f, pick(f, 3) == 0 ? ":B" : ":A"); }

static void say_condition(fixture *f, const char *variable) {
    static const char *const ops[] = {" = ", " = ", " < ", " <= ", " > ", " >= ", " STARTS WITH ", " IN ["};
    const uint32_t op = pick(f, 8);
    say(f, variable);
    say_key(f);
    say(f, ops[op]);
    if (op == 6) {
        static const char *const starts[] = {"'k'", "'kk1'", "''", "'a long text of which'", "null", "'\\u0000'"};
        say(f, starts[pick(f, 6)]);
        return;
    }
    say_value(f);
    for (uint32_t i = 0; op == 7 && i < 3; i++) {
        say(f, ", ");
        say_value(f);
    }
    if (op == 7) say(f, "]");
}

/* ---- writes */

static void say_definition(fixture *f) {
    static const char *const kinds[] = {"CREATE INDEX", "CREATE INDEX", "CREATE HASH INDEX"};
    const bool edges = pick(f, 4) == 0;
    const bool two = pick(f, 3) == 0;
    const char *variable = edges ? "r." : "n.";
    const bool unique = pick(f, 5) == 0;
    say(f, unique ? "CREATE CONSTRAINT" : kinds[pick(f, 3)]);
    say(f, " FOR ");
    say(f, edges ? "()-[r:R]-()" : pick(f, 3) == 0 ? "(n:B)" : "(n:A)");
    say(f, unique ? " REQUIRE (" : " ON (");
    say(f, variable);
    say(f, two ? "p, " : "");
    say(f, two ? variable : "");
    say(f, two ? "q" : pick(f, 2) == 0 ? "p" : "s");
    say(f, !unique ? ")" : pick(f, 6) == 0 ? ") IS KEY" : ") IS UNIQUE");
}

static void say_drop(fixture *f) {
    static const char *const names[] = {"INDEX index_A_p",      "INDEX index_A_p_q",       "INDEX index_B_p",
                                        "INDEX hash_A_p",       "CONSTRAINT unique_A_p",   "INDEX hash_B_s",
                                        "INDEX index_R_p",      "CONSTRAINT unique_A_p_q", "CONSTRAINT unique_R_s",
                                        "CONSTRAINT key_A_s",   "CONSTRAINT key_B_p",      "INDEX index_A_s",
                                        "CONSTRAINT unique_B_s"};
    say(f, "DROP ");
    say(f, names[pick(f, sizeof names / sizeof names[0])]);
}

static void say_write(fixture *f) {
    f->text.size = 0;
    switch (pick(f, 12)) {
        case 0:
            say_definition(f);
            return;
        case 1:
            if (pick(f, 2) == 0) say_drop(f);
            else say_definition(f);
            return;
        case 2:
        case 3:
        case 4:
            say(f, "CREATE (");
            say_label(f);
            say_map(f);
            say(f, ")-[:R");
            say_map(f);
            say(f, "]->(:A");
            say_map(f);
            say(f, ")");
            return;
        case 5:
            say(f, "MATCH (n) WHERE id(n) % 7 = ");
            say_number(f, pick(f, 7));
            say(f, pick(f, 2) == 0 ? " SET n:B" : " REMOVE n:B");
            return;
        case 6:
            say(f, "MATCH ()-[r:R]->() WHERE id(r) % 9 = ");
            say_number(f, pick(f, 9));
            say(f, " SET r.");
            say_key(f);
            say(f, " = ");
            say_value(f);
            return;
        case 7:
            say(f, "MATCH (n:A) WHERE id(n) % 31 = ");
            say_number(f, pick(f, 31));
            say(f, " DETACH DELETE n");
            return;
        case 8:
            say(f, "MERGE (n:A {p: ");
            say_number(f, pick(f, 60));
            say(f, "}) ON MATCH SET n.q = 'merged'");
            return;
        case 9:
            say(f, "UNWIND range(0, ");
            say_number(f, pick(f, 400));
            say(f, ") AS i CREATE (:A {p: i, q: i % 10, s: 'k' + toString(i)})");
            return;
        default:
            say(f, "MATCH (n) WHERE id(n) % 11 = ");
            say_number(f, pick(f, 11));
            say(f, " SET n.");
            say_key(f);
            say(f, " = ");
            say_value(f);
            return;
    }
}

static void write_some(fixture *f) {
    wg_txn *txn = NULL;
    const uint32_t statements = 1 + pick(f, 4);
    OK(wg_txn_begin(f->engine, pick(f, 2) == 0 ? WG_TXN_WRITE : WG_TXN_OPTIMISTIC, 0, &txn, err));
    for (uint32_t i = 0; i < statements; i++) {
        wg_txn_mark mark;
        wg_txn_mark_set(txn, &mark);
        say_write(f);
        (void)attempt(f, txn);
        if (pick(f, 6) == 0) wg_txn_rollback_to(txn, &mark);
    }
    if (pick(f, 5) == 0) {
        wg_txn_abort(txn);
        return;
    }
    uint64_t logseq = 0;
    OK(wg_txn_commit(txn, &logseq, err));
    f->snapshots[pick(f, SNAPSHOTS)] = logseq;
}

/* ---- questions */

static void say_question(fixture *f) {
    f->text.size = 0;
    switch (pick(f, 8)) {
        case 0:
            say(f, "MATCH (a)-[r:R]->(b) WHERE ");
            say_condition(f, "r.");
            say(f, " RETURN id(r), id(a), id(b)");
            return;
        case 1:
            say(f, "MATCH (a:A)-[r:R]-(b) WHERE ");
            say_condition(f, "r.");
            say(f, " AND ");
            say_condition(f, "a.");
            say(f, " RETURN id(r), id(a), id(b)");
            return;
        case 2:
            say(f, "UNWIND [");
            say_value(f);
            say(f, ", ");
            say_value(f);
            say(f, ", 3] AS x MATCH (n:A) WHERE n.");
            say_key(f);
            say(f, " = x RETURN x, id(n)");
            return;
        case 3:
            say(f, "MATCH (n:A) WHERE ");
            say_condition(f, "n.");
            say(f, " OPTIONAL MATCH (m:B) WHERE m.p = n.p RETURN id(n), id(m)");
            return;
        case 4:
            say(f, "MATCH (n:A {p: ");
            say_value(f);
            say(f, ", q: ");
            say_value(f);
            say(f, "}) RETURN id(n), n.s");
            return;
        default:
            say(f, "MATCH (n");
            say_label(f);
            say(f, ") WHERE ");
            say_condition(f, "n.");
            say(f, " AND ");
            say_condition(f, "n.");
            say(f, " RETURN id(n), n.p");
            return;
    }
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of an answer, sorted. */
static char **lines_of(wg_buf *rows, size_t *out_count) {
    size_t count = 0, at = 0;
    assert_true(wg_buf_append_u8(rows, 0));
    for (size_t i = 0; i < rows->size; i++) count += rows->data[i] == '\n';
    char **lines = wg_alloc(NULL, (count + 1) * sizeof *lines);
    assert_non_null(lines);
    char *line = (char *)rows->data;
    for (; at < count; at++) {
        lines[at] = line;
        line = strchr(line, '\n');
        *line++ = 0;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    *out_count = count;
    return lines;
}

static void ask(fixture *f, wg_txn *txn) {
    wg_buf plan;
    wg_error errors[2] = {{0}, {0}};
    wg_code codes[2];
    say_question(f);
    for (uint32_t i = 0; i < 2; i++) {
        f->rows[i].size = 0;
        codes[i] = run_in(txn, text_of(f), i == 1, &f->rows[i], &errors[i]);
    }
    if (codes[0] != codes[1]) fail_msg("%s: %s; without: %s", text_of(f), errors[0].message, errors[1].message);
    f->asked++;
    if (codes[0] != WG_OK) return;
    size_t counts[2];
    char **with = lines_of(&f->rows[0], &counts[0]), **without = lines_of(&f->rows[1], &counts[1]);
    if (counts[0] != counts[1]) fail_msg("%s: %zu rows for %zu", text_of(f), counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++)
        if (strcmp(with[i], without[i]) != 0) fail_msg("%s: %s for %s", text_of(f), with[i], without[i]);
    wg_free(with);
    wg_free(without);
    wg_buf_init(&plan, NULL);
    wg_buf question = f->text;
    wg_buf_init(&f->text, NULL);
    say(f, "EXPLAIN ");
    assert_true(wg_buf_append(&f->text, question.data, question.size));
    OK(run_in(txn, text_of(f), false, &plan, err));
    assert_true(wg_buf_append_u8(&plan, 0));
    f->seeks += strstr((const char *)plan.data, "IndexSeek") != NULL;
    wg_buf_deinit(&f->text);
    f->text = question;
    wg_buf_deinit(&plan);
}

/* No two rows have what a constraint says only one may have. */
static void check_constraints(fixture *f, wg_txn *txn) {
    const wg_catalog *catalog = wg_txn_catalog(txn);
    for (uint32_t i = 0; i < wg_catalog_rule_count(catalog); i++) {
        const wg_rule *rule = wg_catalog_rule_at(catalog, i);
        const bool unique = rule->def.kind == WG_RULE_UNIQUE || rule->def.kind == WG_RULE_KEY;
        if (!unique || !wg_rule_is_visible(rule, wg_txn_view(txn))) continue;
        const wg_label *label = wg_catalog_label_at(catalog, rule->def.label);
        char text[512];
        const char *first = wg_catalog_key_name(catalog, rule->def.keys[0]);
        const char *second = rule->def.key_count > 1 ? wg_catalog_key_name(catalog, rule->def.keys[1]) : first;
        (void)snprintf(text, sizeof text,
                       "MATCH %s%s%s WHERE n.%s IS NOT NULL AND n.%s IS NOT NULL AND n.%s = n.%s AND n.%s = n.%s "
                       "WITH n.%s AS x, n.%s AS y, count(*) AS c WHERE c > 1 RETURN x, y, c",
                       label->def.is_edge ? "()-[n:" : "(n:", label->def.name, label->def.is_edge ? "]->()" : ")",
                       first, second, first, first, second, second, first, second);
        f->rows[0].size = 0;
        OK(run_in(txn, text, true, &f->rows[0], err));
        if (f->rows[0].size != 0)
            fail_msg("%s is broken: %.*s", rule->def.name, (int)f->rows[0].size, (const char *)f->rows[0].data);
    }
}

static void ask_some(fixture *f) {
    wg_txn *txn = NULL;
    const uint64_t old = f->snapshots[pick(f, SNAPSHOTS)];
    const uint64_t as_of = pick(f, 3) == 0 && old >= wg_engine_horizon(f->engine) ? old : 0;
    OK(wg_txn_begin(f->engine, WG_TXN_READ, as_of, &txn, err));
    for (int i = 0; i < 4; i++) ask(f, txn);
    if (as_of == 0) check_constraints(f, txn);
    wg_txn_abort(txn);
}

static void maintain(fixture *f) {
    wg_compact_info compacted;
    const wg_compact_options everything = {.everything = true};
    switch (pick(f, 6)) {
        case 0:
            OK(wg_engine_close(f->engine, err));
            open_engine(f);
            return;
        case 1:
            OK(wg_engine_compact(f->engine, &everything, NULL, NULL, &compacted, err));
            return;
        case 2:
            if (pick(f, 3) == 0) OK(wg_engine_expire(f->engine, wg_engine_logseq(f->engine) / 2, err));
            return;
        default:
            OK(wg_engine_checkpoint(f->engine, NULL, err));
            return;
    }
}

static void test_indexes_change_no_answer(void **state) {
    (void)state;
    const int steps = wg_test_small() ? 40 : 120;
    fixture f = {0};
    wg_txn *txn = NULL;
    wg_rng_init(&f.rng, wg_test_seed(61));
    OK(wg_platform_sim_create(1, &f.disk, err));
    open_engine(&f);
    OK(wg_txn_begin(f.engine, WG_TXN_WRITE, 0, &txn, err));
    say(&f, "CREATE (:A {p: 1, q: 2, s: 'k'})-[:R {p: 1, q: 2, s: 'k'}]->(:A:B {p: 2})");
    assert_true(attempt(&f, txn));
    OK(wg_txn_commit(txn, &f.snapshots[0], err));
    for (int i = 1; i < SNAPSHOTS; i++) f.snapshots[i] = f.snapshots[0];
    for (int step = 0; step < steps; step++) {
        write_some(&f);
        ask_some(&f);
        if (pick(&f, 5) == 0) maintain(&f);
    }
    assert_true(f.seeks * 50 > f.asked); /* indexes were used */
    OK(wg_engine_close(f.engine, err));
    wg_platform_sim_destroy(f.disk);
    wg_buf_deinit(&f.text);
    wg_buf_deinit(&f.rows[0]);
    wg_buf_deinit(&f.rows[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_indexes_change_no_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
