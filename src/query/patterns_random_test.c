/* Goal: random quantified patterns over random small graphs give what an enumeration in this file gives, for every mode and selector, and what the
 * UNION ALL of their lengths, written out, gives.
 *     WG_SEED=7 WG_QUERIES=3000 build/release/tests/query.patterns_random_test */
#include <stdlib.h>

#include "base/core/test_seed.h"
#include "query/query_test_kit.h"

enum { NODES = 5, EDGES_MAX = 10, WALK_MAX = 12, STEPS_MAX = 2, WALKS_MAX = 1 << 16 };

typedef struct edge {
    int from, to, type, w;
} edge;

typedef struct step {
    int direction; /* 0 ->, 1 <-, 2 - */
    int types;     /* bit 1: T, 2: U */
    int least_w;   /* its w is at least this */
} step;

typedef enum mode { TRAIL, WALK, ACYCLIC, SIMPLE } mode;
typedef enum selector { ALL_OF, SHORTEST_OF, GROUPS_OF } selector;

typedef struct question {
    step steps[STEPS_MAX];
    int step_count;
    int least, most; /* repetitions; most < 0: no bound */
    mode mode;
    selector selector;
    int wanted;
    bool grows; /* v of the first node of a repetition is at most that of its last */
    int from;   /* of the walk; -1 any */
    int to;
} question;

typedef struct walk {
    int from, to, length;
    int edges[WALK_MAX];
} walk;

typedef struct world {
    store store;
    wg_rng rng;
    edge edges[EDGES_MAX];
    int edge_count;
    int v[NODES];
    walk *walks;
    int walk_count;
    bool over; /* more walks than there is room for: not asked */
    wg_buf text, lines, expected;
} world;

static int pick(world *w, int n) { return (int)(wg_rng_next(&w->rng) % (uint64_t)n); }

static void say(world *w, const char *format, ...) WG_PRINTF(2, 3);
static void say(world *w, const char *format, ...) {
    char piece[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    assert_true(wg_buf_append_str(&w->text, piece));
}

static const char *done(world *w) {
    assert_true(wg_buf_append_u8(&w->text, 0));
    w->text.size = 0;
    return (const char *)w->text.data;
}

/* ---- the graph */

static void make_graph(world *w) {
    run(&w->store, "MATCH (n) DETACH DELETE n");
    for (int i = 0; i < NODES; i++) {
        w->v[i] = pick(w, 4);
        say(w, "CREATE (:N {k: %d, v: %d})", i, w->v[i]);
        run(&w->store, done(w));
    }
    w->edge_count = 3 + pick(w, EDGES_MAX - 2);
    for (int i = 0; i < w->edge_count; i++) {
        w->edges[i] = (edge){pick(w, NODES), pick(w, NODES), 1 + pick(w, 2), pick(w, 4)};
        say(w, "MATCH (a {k: %d}), (b {k: %d}) ", w->edges[i].from, w->edges[i].to);
        say(w, w->edges[i].type == 1 ? "CREATE (a)-[:T {k: %d, w: %d}]->(b)" : "CREATE (a)-[:U {k: %d, w: %d}]->(b)",
            i, w->edges[i].w);
        run(&w->store, done(w));
    }
}

/* ---- enumerating */

static bool may_repeat(const question *q, const walk *x, const int *nodes, int e, int node) {
    if (q->mode == WALK) return true;
    for (int i = 0; i < x->length; i++)
        if (x->edges[i] == e) return false;
    if (q->mode == TRAIL) return true;
    for (int i = q->mode == SIMPLE ? 1 : 0; i <= x->length; i++)
        if (nodes[i] == node) return false;
    return true;
}

static void keep(world *w, const question *q, const walk *x) {
    const int repetitions = x->length / q->step_count;
    if (x->length % q->step_count != 0 || repetitions < q->least || (q->most >= 0 && repetitions > q->most)) return;
    if (q->to >= 0 && x->to != q->to) return;
    w->over = w->walk_count == WALKS_MAX;
    if (!w->over) w->walks[w->walk_count++] = *x;
}

static void go_on(world *w, const question *q, walk *x, int *nodes) {
    const int at = nodes[x->length];
    x->to = at;
    if (!w->over) keep(w, q, x);
    if (w->over) return;
    const bool closed = q->mode == SIMPLE && x->length > 0 && at == nodes[0];
    if (closed || x->length == WALK_MAX || (q->most >= 0 && x->length >= q->most * q->step_count)) return;
    const step *s = &q->steps[x->length % q->step_count];
    for (int e = 0; e < w->edge_count; e++) {
        const edge *r = &w->edges[e];
        if (!(r->type & s->types) || r->w < s->least_w) continue;
        for (int way = 0; way < 2; way++) {
            const int near = way == 0 ? r->from : r->to, far = way == 0 ? r->to : r->from;
            if (near != at || (s->direction != 2 && s->direction != way) ||
                (way == 1 && s->direction == 2 && near == far))
                continue;
            if (!may_repeat(q, x, nodes, e, far)) continue;
            const bool last = (x->length + 1) % q->step_count == 0;
            const int first = nodes[x->length + 1 - q->step_count < 0 ? 0 : x->length + 1 - q->step_count];
            if (q->grows && last && w->v[first] > w->v[far]) continue;
            x->edges[x->length++] = e;
            nodes[x->length] = far;
            go_on(w, q, x, nodes);
            x->length--;
        }
    }
    x->to = at;
}

static int compare_walks(const void *left, const void *right) {
    const walk *a = left, *b = right;
    if (a->from != b->from) return a->from - b->from;
    if (a->to != b->to) return a->to - b->to;
    if (a->length != b->length) return a->length - b->length;
    for (int i = 0; i < a->length; i++)
        if (a->edges[i] != b->edges[i]) return a->edges[i] - b->edges[i];
    return 0;
}

/* Edges are created in the order of their numbers, so that ids and numbers have one order. */
static void enumerate(world *w, const question *q) {
    int nodes[WALK_MAX + 1], kept = 0, run = 0, groups = 0;
    walk before = {.from = -1};
    w->walk_count = 0;
    w->over = false;
    for (int i = 0; i < NODES; i++) {
        walk x = {.from = i};
        nodes[0] = i;
        if (q->from < 0 || q->from == i) go_on(w, q, &x, nodes);
    }
    qsort(w->walks, (size_t)w->walk_count, sizeof(walk), compare_walks);
    for (int i = 0; i < w->walk_count && q->selector != ALL_OF; i++) {
        const walk x = w->walks[i]; /* what is kept moves to the front */
        const bool same = i > 0 && before.from == x.from && before.to == x.to;
        run = same ? run + 1 : 1;
        groups = !same ? 1 : groups + (before.length != x.length ? 1 : 0);
        before = x;
        if (q->selector == SHORTEST_OF ? run <= q->wanted : groups <= q->wanted) w->walks[kept++] = x;
    }
    if (q->selector != ALL_OF) w->walk_count = kept;
}

static void write_expected(world *w) {
    w->expected.size = 0;
    for (int i = 0; i < w->walk_count; i++) {
        char piece[32];
        (void)snprintf(piece, sizeof piece, "%d|%d|[", w->walks[i].from, w->walks[i].to);
        assert_true(wg_buf_append_str(&w->expected, piece));
        for (int k = 0; k < w->walks[i].length; k++) {
            (void)snprintf(piece, sizeof piece, "%s%d", k > 0 ? "," : "", w->walks[i].edges[k]);
            assert_true(wg_buf_append_str(&w->expected, piece));
        }
        assert_true(wg_buf_append_str(&w->expected, "]\n"));
    }
}

/* ---- asking */

static void say_step(world *w, const step *s, int number) {
    static const char *const types[] = {"", ":T", ":U", ""};
    static const char *const others[] = {"", ":!U", ":!T", ":T|U"};
    say(w, s->direction == 1 ? "<-[r%d" : "-[r%d", number);
    assert_true(wg_buf_append_str(&w->text, pick(w, 2) == 0 ? types[s->types] : others[s->types]));
    if (s->least_w > 0) say(w, " WHERE r%d.w >= %d", number, s->least_w);
    assert_true(wg_buf_append_str(&w->text, s->direction == 0 ? "]->" : "]-"));
}

static void say_end(world *w, const char *name, int k) {
    assert_true(wg_buf_append_str(&w->text, name));
    if (k >= 0) say(w, " {k: %d}", k);
    assert_true(wg_buf_append_str(&w->text, ")"));
}

static void ask(world *w, const question *q) {
    static const char *const modes[] = {"TRAIL ", "WALK ", "ACYCLIC ", "SIMPLE "};
    const bool lone = q->step_count == 1 && !q->grows && pick(w, 2) == 0;
    assert_true(wg_buf_append_str(&w->text, "MATCH p = "));
    if (q->selector == SHORTEST_OF) {
        if (q->wanted == 1 && pick(w, 2) == 0) say(w, "ANY SHORTEST ");
        else say(w, "SHORTEST %d ", q->wanted);
    }
    if (q->selector == GROUPS_OF && q->wanted == 1) assert_true(wg_buf_append_str(&w->text, "ALL SHORTEST "));
    if (q->selector == GROUPS_OF && q->wanted > 1) say(w, "SHORTEST %d ", q->wanted);
    if (q->mode != TRAIL || pick(w, 2) == 0) assert_true(wg_buf_append_str(&w->text, modes[q->mode]));
    if (q->selector == GROUPS_OF && q->wanted > 1) assert_true(wg_buf_append_str(&w->text, "GROUPS "));
    say_end(w, "(s", q->from);
    if (!lone) assert_true(wg_buf_append_str(&w->text, " ((x)"));
    for (int i = 0; i < q->step_count; i++) {
        if (i > 0) assert_true(wg_buf_append_str(&w->text, "()"));
        say_step(w, &q->steps[i], i);
    }
    if (!lone) assert_true(wg_buf_append_str(&w->text, q->grows ? "(y) WHERE x.v <= y.v)" : "(y))"));
    say(w, "{%d,", q->least);
    if (q->most >= 0) say(w, "%d", q->most);
    say(w, "}");
    say_end(w, "(t", q->to);
    assert_true(wg_buf_append_str(&w->text, " RETURN s.k, t.k, [e IN relationships(p) | e.k]"));
}

static int compare_lines(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The lines of a text in order; the text is cut up. */
static char *sorted(wg_buf *text, wg_buf *out) {
    static char *lines[1 << 15];
    size_t count = 0;
    assert_true(wg_buf_append_u8(text, 0));
    for (char *line = (char *)text->data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        assert_true(count < sizeof lines / sizeof lines[0]);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    out->size = 0;
    for (size_t i = 0; i < count; i++) assert_true(wg_buf_append_str(out, lines[i]) && wg_buf_append_u8(out, '\n'));
    assert_true(wg_buf_append_u8(out, 0));
    return (char *)out->data;
}

static void ask_text(world *w, const char *text, wg_buf *out) {
    wg_error err = {0};
    if (try_text(&w->store, text, NULL, &err) != WG_OK) fail_msg("%s: %s", text, err.message);
    out->size = 0;
    assert_true(wg_buf_append(out, w->store.answer.data, w->store.answer.size));
}

static question make_question(world *w) {
    question q = {.step_count = 1 + pick(w, STEPS_MAX), .least = pick(w, 3), .from = -1, .to = -1};
    for (int i = 0; i < q.step_count; i++)
        q.steps[i] = (step){pick(w, 3), 1 + pick(w, 3), pick(w, 3) == 0 ? 1 + pick(w, 2) : 0};
    q.most = pick(w, 5) == 0 && q.step_count == 1 ? -1 : q.least + pick(w, 3);
    q.mode = (mode)pick(w, 4);
    if (w->edge_count > 7 && q.most < 0) q.most = 4;
    if (q.mode == WALK && q.most < 0) q.most = 4;
    q.selector = (selector)pick(w, 3);
    q.wanted = 1 + pick(w, 3);
    q.grows = pick(w, 3) == 0;
    if (pick(w, 2) == 0) q.from = pick(w, NODES);
    if (pick(w, 3) == 0) q.to = pick(w, NODES);
    return q;
}

static uint64_t queries(uint64_t otherwise) {
    const char *text = getenv("WG_QUERIES");
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static int set_up(void **state) {
    static world w;
    memset(&w, 0, sizeof w);
    store_open(&w.store);
    wg_buf_init(&w.text, NULL);
    wg_buf_init(&w.lines, NULL);
    wg_buf_init(&w.expected, NULL);
    w.walks = malloc(WALKS_MAX * sizeof(walk));
    assert_non_null(w.walks);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    wg_buf_deinit(&w->text);
    wg_buf_deinit(&w->lines);
    wg_buf_deinit(&w->expected);
    free(w->walks);
    store_close(&w->store);
    return 0;
}

/* Goal: modes and selectors against the enumeration. Where fewer than all paths of one length are wanted, those of the least ids are. */
static void test_modes_and_selectors_give_what_enumeration_gives(void **state) {
    world *w = *state;
    const uint64_t count = queries(wg_test_small() ? 150 : 600);
    wg_rng_init(&w->rng, wg_test_seed(71));
    for (uint64_t i = 0; i < count; i++) {
        if (i % 20 == 0) make_graph(w);
        const question q = make_question(w);
        wg_buf mine, theirs;
        enumerate(w, &q);
        if (w->over || w->walk_count > 3000) continue;
        write_expected(w);
        ask(w, &q);
        char text[600];
        (void)snprintf(text, sizeof text, "%s", done(w));
        ask_text(w, text, &w->lines);
        wg_buf_init(&mine, NULL);
        wg_buf_init(&theirs, NULL);
        const char *got = sorted(&w->lines, &mine), *wanted = sorted(&w->expected, &theirs);
        if (strcmp(got, wanted) != 0) fail_msg("%s\n gave:\n%s wanted:\n%s", text, got, wanted);
        wg_buf_deinit(&mine);
        wg_buf_deinit(&theirs);
    }
}

/* A fixed relationship, maybe. */
static void say_frame(world *w, bool before) {
    static const char *const pieces[][2] = {{"", ""},
                                            {"-[:T]->(f0 WHERE f0.v > 0)", "(f1)-[:U]-"},
                                            {"-[fr]-(f0)", "(f1)<-[fs]-"},
                                            {"<-[:U]-(:N)", "()-[fs:T]->"}};
    assert_true(wg_buf_append_str(&w->text, pieces[pick(w, 4)][before ? 0 : 1]));
}

/* A path with single relationships around a quantified one, without its ends' names. */
static void say_framed(world *w, const question *q) {
    say_end(w, "(s", q->from);
    say_frame(w, true);
    assert_true(wg_buf_append_str(&w->text, " ((x)"));
    for (int i = 0; i < q->step_count; i++) {
        if (i > 0) assert_true(wg_buf_append_str(&w->text, "()"));
        say_step(w, &q->steps[i], i);
    }
    assert_true(wg_buf_append_str(&w->text, q->grows ? "(y) WHERE x.v <= y.v)" : "(y))"));
    say(w, "{%d,%d} ", q->least, q->most < 0 ? 4 : q->most);
    say_frame(w, false);
    say_end(w, "(t", q->to);
}

static void same_rows(world *w, const char *text, const char *other) {
    wg_buf mine, theirs;
    wg_buf_init(&mine, NULL);
    wg_buf_init(&theirs, NULL);
    ask_text(w, text, &w->lines);
    ask_text(w, other, &w->expected);
    const char *got = sorted(&w->lines, &mine), *wanted = sorted(&w->expected, &theirs);
    if (strcmp(got, wanted) != 0) fail_msg("%s\n gave:\n%s %s\n gave:\n%s", text, got, other, wanted);
    wg_buf_deinit(&mine);
    wg_buf_deinit(&theirs);
}

/* Goal: a selector on a path of several parts keeps what is left of all its paths when they are sorted and cut by other clauses. */
static void test_selectors_on_paths_of_parts_are_sorted_and_cut(void **state) {
    static const char *const modes[] = {"TRAIL ", "WALK ", "ACYCLIC ", "SIMPLE "};
    world *w = *state;
    const uint64_t count = queries(wg_test_small() ? 60 : 300);
    wg_rng_init(&w->rng, wg_test_seed(74));
    for (uint64_t i = 0; i < count; i++) {
        if (i % 20 == 0) make_graph(w);
        const question q = make_question(w);
        char path[400], text[700], other[900];
        say_framed(w, &q);
        (void)snprintf(path, sizeof path, "%s", done(w));
        (void)snprintf(text, sizeof text,
                       "MATCH p = SHORTEST %d %s%s%s RETURN s.k, t.k, [e IN relationships(p) | e.k]", q.wanted,
                       modes[q.mode], q.selector == GROUPS_OF ? "GROUPS " : "", path);
        (void)snprintf(
            other, sizeof other,
            "MATCH p = %s%s WITH s.k AS s, t.k AS t, [e IN relationships(p) | e.k] AS e ORDER BY s, t, size(e), e "
            "WITH s, t, collect(e) AS every, collect(DISTINCT size(e))[0..%d] AS few UNWIND "
            "CASE WHEN %s THEN [x IN every WHERE size(x) IN few] ELSE every[0..%d] END AS e RETURN s, t, e",
            modes[q.mode], path, q.wanted, q.selector == GROUPS_OF ? "true" : "false", q.wanted);
        same_rows(w, text, other);
    }
}

/* Goal: two chosen paths in one MATCH are those of two MATCH clauses, without common relationships. */
static void test_paths_of_one_match_are_chosen_apart(void **state) {
    world *w = *state;
    const uint64_t count = queries(wg_test_small() ? 60 : 300);
    wg_rng_init(&w->rng, wg_test_seed(75));
    for (uint64_t i = 0; i < count; i++) {
        if (i % 20 == 0) make_graph(w);
        const bool shared = pick(w, 3) > 0, plain = pick(w, 3) == 0;
        const int k = 1 + pick(w, 3), n = 1 + pick(w, 2), from = pick(w, NODES);
        char left[100], right[200], text[900], other[900];
        (void)snprintf(left, sizeof left, "p = SHORTEST %d (a {k: %d})-[:T|U]-{1,3}(b)", k, from);
        if (plain) (void)snprintf(right, sizeof right, "q = (%s)-[z]->(c)", shared ? "b" : "d");
        else (void)snprintf(right, sizeof right, "q = SHORTEST %d (%s)-->{0,3}(c)", n, shared ? "b" : "d");
        static const char result[] =
            "RETURN a.k, b.k, c.k, [e IN relationships(p) | e.k], [e IN relationships(q) | e.k]";
        (void)snprintf(text, sizeof text, "MATCH %s, %s WHERE c.v >= a.v %s", left, right, result);
        (void)snprintf(
            other, sizeof other,
            "MATCH %s MATCH %s WHERE c.v >= a.v AND none(e IN relationships(p) WHERE e IN relationships(q)) %s", left,
            right, result);
        same_rows(w, text, other);
    }
}

/* One of the lengths, written out. */
static void say_unrolled(world *w, const question *q, int repetitions) {
    assert_true(wg_buf_append_str(&w->text, "MATCH p = "));
    say(w, "(n0");
    if (q->from >= 0) say(w, " {k: %d}", q->from);
    assert_true(wg_buf_append_str(&w->text, ")"));
    const int length = repetitions * q->step_count;
    for (int i = 0; i < length; i++) {
        say_step(w, &q->steps[i % q->step_count], i);
        say(w, "(n%d)", i + 1);
    }
    say(w, " WHERE true");
    if (q->to >= 0) say(w, " AND n%d.k = %d", length, q->to);
    for (int i = 0; q->grows && i < repetitions; i++)
        say(w, " AND n%d.v <= n%d.v", i * q->step_count, (i + 1) * q->step_count);
    say(w, " RETURN n0.k AS s, n%d.k AS t, [e IN relationships(p) | e.k] AS e", length);
}

/* Goal: a quantified pattern is the UNION ALL of what it stands for. */
static void test_quantified_patterns_are_unions_of_lengths(void **state) {
    world *w = *state;
    const uint64_t count = queries(wg_test_small() ? 80 : 300);
    wg_rng_init(&w->rng, wg_test_seed(72));
    for (uint64_t i = 0; i < count; i++) {
        if (i % 20 == 0) make_graph(w);
        question q = make_question(w);
        wg_buf mine, theirs;
        q.mode = TRAIL;
        q.selector = ALL_OF;
        if (q.most < 0) q.most = 3;
        if (q.step_count > 1 && q.most > 3) q.most = 3;
        if (q.least > q.most) q.least = q.most;
        ask(w, &q);
        char text[600];
        (void)snprintf(text, sizeof text, "%s", done(w));
        ask_text(w, text, &w->lines);
        for (int n = q.least; n <= q.most; n++) {
            if (n > q.least) say(w, " UNION ALL ");
            say_unrolled(w, &q, n);
        }
        ask_text(w, done(w), &w->expected);
        wg_buf_init(&mine, NULL);
        wg_buf_init(&theirs, NULL);
        const char *got = sorted(&w->lines, &mine), *wanted = sorted(&w->expected, &theirs);
        if (strcmp(got, wanted) != 0) fail_msg("%s\n gave:\n%s wanted:\n%s", text, got, wanted);
        wg_buf_deinit(&mine);
        wg_buf_deinit(&theirs);
    }
}

/* Goal: walks give the same rows in the same order before adjacency is made, while it is made and over it. */
static void test_walks_over_adjacency_keep_rows_and_order(void **state) {
    world *w = *state;
    static const char *const text =
        "MATCH (a:Q)-[r:K WHERE r.w < 3]-{1,3}(b) WHERE a.i < 60 RETURN a.i, b.i, [e IN r | e.w + 10 * "
        "id(startNode(e))]";
    wg_buf first;
    wg_rng_init(&w->rng, wg_test_seed(73));
    run(&w->store, "CREATE NODE LABEL Q (i INT, PRIMARY KEY (i))");
    run(&w->store, "CREATE EDGE LABEL K (FROM Q TO Q, w INT)");
    run(&w->store, "UNWIND range(0, 299) AS i CREATE (:Q {i: i})");
    say(w,
        "UNWIND range(0, 899) AS i MATCH (a:Q {i: (i * %d) %% 300}), (b:Q {i: (i * i + %d) %% 300}) CREATE (a)-[:K "
        "{w: i %% 5}]->(b)",
        1 + 2 * pick(w, 50), pick(w, 300));
    run(&w->store, done(w));
    wg_buf_init(&first, NULL);
    ask_text(w, text, &first);
    assert_true(first.size > 1000);
    for (int i = 0; i < 2; i++) {
        ask_text(w, text, &w->lines);
        assert_true(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&w->lines)));
    }
    ask_text(w, "MATCH (a:Q)-[r:K]->{1,3}(b) RETURN count(*), sum(r[-1].w), sum(b.i)", &w->lines);
    ask_text(w,
             "CALL () { MATCH (a:Q)-[r:K]->(b) RETURN r, b UNION ALL MATCH (a:Q)-[:K]->()-[r:K]->(b) RETURN r, b "
             "UNION ALL MATCH (a:Q)-[:K]->()-[:K]->()-[r:K]->(b) RETURN r, b } RETURN count(*), sum(r.w), sum(b.i)",
             &w->expected);
    assert_true(wg_slice_equal(wg_buf_slice(&w->expected), wg_buf_slice(&w->lines)));
    wg_buf_deinit(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes_and_selectors_give_what_enumeration_gives),
        cmocka_unit_test(test_selectors_on_paths_of_parts_are_sorted_and_cut),
        cmocka_unit_test(test_paths_of_one_match_are_chosen_apart),
        cmocka_unit_test(test_quantified_patterns_are_unions_of_lengths),
        cmocka_unit_test(test_walks_over_adjacency_keep_rows_and_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
