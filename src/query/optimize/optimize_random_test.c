/* Goal: whatever the optimiser does, answers stay what the order of the text gives. Random patterns over a small random graph, several MATCH
 * clauses, conditions, optional parts and subqueries; each is asked with the optimiser and without, and the sorted rows compared.
 *     WG_SEED=7 WG_QUERIES=5000 build/release/tests/query.optimize.optimize_random_test */
#include <stdlib.h>

#include "query/query_test_kit.h"

typedef struct maker {
    wg_rng rng;
    wg_buf text;
    uint32_t edges; /* names given */
} maker;

static uint32_t pick(maker *m, uint32_t n) { return (uint32_t)(wg_rng_next(&m->rng) % n); }

static void say(maker *m, const char *s) { assert_true(wg_buf_append_str(&m->text, s)); }

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static int set_up(void **state) {
    static store s;
    store_open(&s);
    run(&s, "CREATE NODE LABEL A (id INT, v INT, t STRING, PRIMARY KEY (id))");
    run(&s, "CREATE NODE LABEL B (id INT, v INT, PRIMARY KEY (id))");
    run(&s, "CREATE NODE LABEL C (id INT, v INT)");
    run(&s, "CREATE EDGE LABEL R (FROM A TO A, w INT)");
    run(&s, "CREATE EDGE LABEL S (FROM A TO B)");
    run(&s, "CREATE EDGE LABEL T (FROM B TO C)");
    run(&s,
        "UNWIND range(0, 11) AS i CREATE (:A {id: i, v: i % 4, t: CASE WHEN i % 5 = 0 THEN null ELSE 't' + "
        "toString(i % 3) END})");
    run(&s, "UNWIND range(0, 7) AS i CREATE (:B {id: i, v: i % 3})");
    run(&s, "UNWIND range(0, 4) AS i CREATE (:C {id: i, v: i % 2})");
    run(&s,
        "UNWIND range(0, 39) AS i MATCH (a:A {id: (i * i) % 12}), (b:A {id: (i * 7 + i / 12) % 12}) CREATE (a)-[:R "
        "{w: i % 5}]->(b)");
    run(&s,
        "UNWIND range(0, 19) AS i MATCH (a:A {id: (i * 5) % 12}), (b:B {id: (i * i + 1) % 8}) CREATE (a)-[:S]->(b)");
    run(&s, "UNWIND range(0, 9) AS i MATCH (b:B {id: i % 8}), (c:C) WHERE c.id = (i * 3) % 5 CREATE (b)-[:T]->(c)");
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    store_close(*state);
    return 0;
}

static const char *const names[] = {"a", "b", "c", "d"};

static void make_value(maker *m) {
    static const char *const values[] = {"0", "1", "2", "3", "7"};
    say(m, values[pick(m, 5)]);
}

static void make_node(maker *m, uint32_t used) {
    static const char *const labels[] = {":A", "", "", ":B", ""};
    say(m, "(");
    const uint32_t name = pick(m, 5);
    if (name < used) say(m, names[name]);
    say(m, labels[pick(m, 5)]);
    if (pick(m, 8) == 0) {
        say(m, pick(m, 2) == 0 ? " {id: " : " {v: ");
        make_value(m);
        say(m, "}");
    }
    say(m, ")");
}

static void make_edge(maker *m) {
    static const char *const types[] = {":R", ":R", ":S", "", "", ":R|S"};
    static const char *const left[] = {"-[", "<-[", "-[", "-["};
    static const char *const right[] = {"]->", "]-", "]-", "]-"};
    const uint32_t way = pick(m, 4);
    char name[16] = "";
    if (pick(m, 3) == 0) (void)snprintf(name, sizeof name, "r%u", m->edges++);
    say(m, left[way]);
    say(m, name);
    say(m, types[pick(m, 6)]);
    if (name[0] == 0 && pick(m, 20) == 0) say(m, "*1..2");
    say(m, right[way]);
}

/* Most paths begin at a known node; others are single nodes or one step, so that no product gets out of hand. */
static void make_path(maker *m, uint32_t used) {
    const bool anchored = pick(m, 6) > 0;
    const uint32_t hops = anchored ? 1 + pick(m, 2) : 0;
    if (anchored) {
        say(m, "(");
        say(m, names[pick(m, 2)]);
        say(m, ")");
    } else {
        make_node(m, used);
    }
    for (uint32_t i = 0; i < hops; i++) {
        make_edge(m);
        make_node(m, used);
    }
}

/* A comparison of the first two variables, which exist. */
static void make_condition(maker *m) {
    static const char *const properties[] = {".id", ".v", ".v"};
    static const char *const ops[] = {" = ", " <> ", " < ", " >= "};
    switch (pick(m, 7)) {
        case 0:
            say(m, "a <> b");
            return;
        case 1:
            say(m, "(a)-[:R]->()");
            return;
        case 2:
            say(m, "NOT (b)-[]-(a)");
            return;
        case 3:
            say(m, "a.v IN [1, 2, null]");
            return;
        case 4:
            say(m, "EXISTS { MATCH (a)-[:S]->(z:B) WHERE z.v = b.v }");
            return;
        default:
            break;
    }
    say(m, pick(m, 2) == 0 ? "a" : "b");
    say(m, properties[pick(m, 3)]);
    say(m, ops[pick(m, 4)]);
    if (pick(m, 2) == 0) {
        say(m, "b");
        say(m, properties[pick(m, 3)]);
    } else {
        make_value(m);
    }
}

static void make_where(maker *m) {
    if (pick(m, 3) > 0) return;
    say(m, " WHERE ");
    make_condition(m);
    if (pick(m, 3) == 0) {
        say(m, pick(m, 2) == 0 ? " AND " : " OR ");
        make_condition(m);
    }
}

static void make_query(maker *m) {
    m->text.size = 0;
    m->edges = 0;
    say(m, "MATCH (a");
    say(m, pick(m, 5) == 0 ? ":B)" : ":A)");
    make_edge(m);
    say(m, "(b)");
    if (pick(m, 2) == 0) {
        say(m, ", ");
        make_path(m, 2);
    }
    make_where(m);
    const uint32_t more = pick(m, 2);
    for (uint32_t i = 0; i < more; i++) {
        say(m, pick(m, 4) == 0 ? " OPTIONAL MATCH " : " MATCH ");
        make_path(m, 2);
        make_where(m);
    }
    if (pick(m, 4) == 0) say(m, " WITH a, b, count(*) AS n MATCH (a)--(e) RETURN a.id, b.id, n, count(e)");
    else say(m, pick(m, 2) == 0 ? " RETURN count(*)" : " RETURN a.id, a.v, b.id, count(*)");
    assert_true(wg_buf_append_u8(&m->text, 0));
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Sorted lines of the answer, or the code of the error. */
static void ask(store *s, const char *text, bool off, wg_buf *out) {
    wg_error err = {0};
    out->size = 0;
    s->optimizer_off = off;
    const wg_code code = try_text(s, text, NULL, &err);
    s->optimizer_off = false;
    if (code != WG_OK) {
        assert_true(wg_buf_printf(out, "error %s", wg_code_name(code)));
        return;
    }
    char *lines[4096];
    uint32_t count = 0;
    assert_true(wg_buf_append_u8(&s->answer, 0));
    char *line = (char *)s->answer.data;
    for (char *end = strchr(line, '\n'); end != NULL && count < 4096; end = strchr(line, '\n')) {
        *end = '\0';
        lines[count++] = line;
        line = end + 1;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (uint32_t i = 0; i < count; i++) assert_true(wg_buf_printf(out, "%s\n", lines[i]));
}

static void test_random_queries_answer_alike(void **state) {
    store *s = *state;
    const uint64_t seed = number_of("WG_SEED", 20260505);
    const uint64_t queries = number_of("WG_QUERIES", 600);
    maker m = {0};
    wg_buf with = {0}, without = {0};
    uint64_t rows = 0, errors = 0;
    wg_rng_init(&m.rng, seed);
    for (uint64_t i = 0; i < queries; i++) {
        make_query(&m);
        ask(s, (const char *)m.text.data, false, &with);
        ask(s, (const char *)m.text.data, true, &without);
        rows += with.size > 2;
        errors += with.size > 5 && memcmp(with.data, "error", 5) == 0;
        const bool same =
            with.size == without.size && (with.size == 0 || memcmp(with.data, without.data, with.size) == 0);
        if (!same)
            fail_msg("WG_SEED=%llu, query %llu:\n%s\nwith the optimiser:\n%.*s\nwithout:\n%.*s",
                     (unsigned long long)seed, (unsigned long long)i, (const char *)m.text.data, (int)with.size,
                     (const char *)with.data, (int)without.size, (const char *)without.data);
    }
    printf("queries %llu, with rows %llu, errors %llu\n", (unsigned long long)queries, (unsigned long long)rows,
           (unsigned long long)errors);
    assert_true(rows > queries / 3); /* the generator asks for what is there */
    wg_buf_deinit(&m.text);
    wg_buf_deinit(&with);
    wg_buf_deinit(&without);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_queries_answer_alike)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
