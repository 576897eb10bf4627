/* Goal: disjunctions over one node are found by labels, keys and indexes, one branch after the other, each node once; the rows are those of a filter
 * over all nodes.
 *     WG_SEED=7 build/release/tests/query.either_test */
#include "base/core/test_seed.h"
#include "query/query_test_kit.h"

enum { NODES = 60, NAMES = 12 };

typedef struct world {
    store store;
    wg_rng rng;
} world;

static uint32_t pick(world *w, uint32_t n) { return (uint32_t)(wg_rng_next(&w->rng) % n); }

static int set_up(void **state) {
    static world w;
    store_open(&w.store);
    wg_rng_init(&w.rng, wg_test_seed(83));
    static const char *const labels[] = {"", ":A", ":B", ":C", ":A:B", ":A:C", ":B:C", ":A:B:C"};
    run(&w.store, "CREATE NODE LABEL Key (k INT, j INT, PRIMARY KEY (k))");
    for (uint32_t i = 0; i < NODES; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "CREATE (%s {i: %u, k: %u, j: %u, s: 's%u'})", labels[pick(&w, 8)], i,
                       pick(&w, NAMES), pick(&w, NAMES), pick(&w, NAMES));
        run(&w.store, text);
        (void)snprintf(text, sizeof text, "CREATE (:Key {k: %u, j: %u})", i, pick(&w, NAMES));
        if (i % 4 == 0) run(&w.store, text);
    }
    run(&w.store,
        "UNWIND range(1, 500) AS i CREATE (:Z {i: 1000 + i, k: i, j: i}), (:A {i: 2000 + i, k: 100 + i, s: 'x'}), "
        "(:B {i: 3000 + i, j: 100 + i})");
    run(&w.store, "CREATE INDEX ak FOR (n:A) ON (n.k)");
    run(&w.store, "CREATE HASH INDEX aj FOR (n:A) ON (n.j)");
    run(&w.store, "CREATE INDEX bs FOR (n:B) ON (n.s, n.j)");
    run(&w.store, "CREATE INDEX bj FOR (n:B) ON (n.j)");
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    store_close(&((world *)*state)->store);
    return 0;
}

/* Goal: EXPLAIN shows which ways are taken, and that a branch which restricts nothing keeps the scan. */
static void test_branches_are_starts(void **state) {
    store *s = &((world *)*state)->store;
    expect_plan(s, "MATCH (n:A|B) RETURN n.i", "Merge(Union)", false);
    expect_plan(s, "MATCH (n:A|B) RETURN n.i", "labels=:B columns=[i ANY]", false);
    expect_plan(s, "MATCH (n:A|B) RETURN n.i", "labels=*", true);
    expect_plan(s, "MATCH (n) WHERE n:A OR n:B&C RETURN n", "labels=:B:C", false);
    expect_plan(s, "MATCH (n:A) WHERE n.k = 3 OR n.j = 4 RETURN n", "index=ak label=:A key=[k = 3]", false);
    expect_plan(s, "MATCH (n:A) WHERE n.k = 3 OR n.j = 4 RETURN n", "index=aj label=:A key=[j = 4]", false);
    expect_plan(s, "MATCH (n:A) WHERE n.k = 3 OR n.i = 4 RETURN n", "IndexSeek", true);
    expect_plan(s, "MATCH (n:A|B {j: 4}) RETURN n", "index=bj label=:B key=[j = 4]", false);
    expect_plan(s, "MATCH (n) WHERE (n:A AND n.k = 3) OR (n:Key AND n.k = 4) RETURN n", "IndexFilter(Seek)", false);
    expect_plan(s, "MATCH (n:B {s: 's1'}) WHERE n.j = 3 OR n.j = 4 RETURN n", "key=[s = 's1'", false);
    expect_plan(s, "MATCH (n:A)-[:R]->(m) WHERE n.k = 3 XOR n.j = 4 RETURN n", "IndexSeek", true);
}

static void say_leaf(world *w, char *out, size_t size) {
    switch (pick(w, 10)) {
        case 0:
            (void)snprintf(out, size, "n.k = %u", pick(w, NAMES));
            break;
        case 1:
            (void)snprintf(out, size, "n.j = %u", pick(w, NAMES));
            break;
        case 2:
            (void)snprintf(out, size, "n:%c", (char)('A' + (int)pick(w, 3)));
            break;
        case 3:
            (void)snprintf(out, size, "n:%c|(B&C)", (char)('A' + (int)pick(w, 3)));
            break;
        case 4:
            (void)snprintf(out, size, "n.k IN [%u, %u, null]", pick(w, NAMES), pick(w, NAMES));
            break;
        case 5:
            (void)snprintf(out, size, "(n:B AND n.j < %u)", pick(w, NAMES));
            break;
        case 6:
            (void)snprintf(out, size, "n.s STARTS WITH 's%u'", pick(w, 3));
            break;
        case 7:
            (void)snprintf(out, size, "(n:Key AND n.k = %u)", pick(w, NODES));
            break;
        case 8:
            (void)snprintf(out, size, "(n:A AND (n.k = %u OR n.j = %u))", pick(w, NAMES), pick(w, NAMES));
            break;
        default:
            (void)snprintf(out, size, "(n:!C AND n:B AND n.j = %u AND n.k <> %u)", pick(w, NAMES), pick(w, NAMES));
            break;
    }
}

/* Goal: random disjunctions, beside other conditions and labels, give what a filter behind a WITH gives. */
static void test_random_disjunctions_give_what_filters_give(void **state) {
    static const char *const heads[] = {"(n)", "(n:A)", "(n:B)", "(n:A|C)", "(n:B {j: 3})"};
    static const char *const asked[] = {"true", "n:A", "n:B", "n:A|C", "n:B AND n.j = 3"};
    world *w = *state;
    const uint32_t count = wg_test_small() ? 150 : 800;
    wg_rng_init(&w->rng, wg_test_seed(84));
    for (uint32_t i = 0; i < count; i++) {
        char condition[600] = "", text[900], other[900], leaf[100], result[1 << 14];
        const uint32_t branches = 1 + pick(w, 4), head = pick(w, 5);
        for (uint32_t k = 0; k < branches; k++) {
            say_leaf(w, leaf, sizeof leaf);
            const size_t used = strlen(condition);
            (void)snprintf(condition + used, sizeof condition - used, k == 0 ? "(%s" : " OR %s", leaf);
        }
        (void)snprintf(condition + strlen(condition), sizeof condition - strlen(condition), ")%s",
                       pick(w, 3) == 0 ? " AND n.k > 1" : "");
        static const char end[] = "RETURN labels(n), n.i, n.k, n.j, n.s ORDER BY n.i, n.k, n.j, n.s, labels(n)";
        (void)snprintf(text, sizeof text, "MATCH %s WHERE %s %s", heads[head], condition, end);
        (void)snprintf(other, sizeof other, "MATCH (n) WITH n, %s AND %s AS c WHERE c %s", asked[head], condition,
                       end);
        wg_error err = {0};
        if (try_text(&w->store, other, NULL, &err) != WG_OK) fail_msg("%s: %s", other, err.message);
        if (w->store.answer.size + 1 > sizeof result) continue;
        memcpy(result, w->store.answer.data, w->store.answer.size);
        result[w->store.answer.size] = 0;
        expect(&w->store, text, result);
    }
}

/* Goal: branches behind writes of the same statement see them, and parameters are constants. */
static void test_branches_see_writes_and_parameters(void **state) {
    store *s = &((world *)*state)->store;
    expect(s,
           "CREATE (:A {k: 777}), (:B {j: 778}) WITH 1 AS one MATCH (n:A|B) WHERE n.k = 777 OR n.j = 778 RETURN "
           "count(n)",
           "2\n");
    expect(s,
           "MATCH (n:A|B) WHERE n.k = 777 OR n.j = 778 SET n.k = 777 WITH count(*) AS c MATCH (m:A|B {k: 777}) "
           "RETURN c, count(m)",
           "2|2\n");
    const wg_value params[2] = {wg_value_int(777), wg_value_int(778)};
    expect_with(s, "MATCH (n) WHERE (n:A AND n.k = $a) OR (n:B AND n.j = $b) RETURN count(*)", params, "2\n");
    expect(s, "MATCH (n:A|B) WHERE n.k = 777 OR n.j = 778 DETACH DELETE n", "");
    expect(s, "MATCH (n:A|B) WHERE n.k = 777 OR n.j = 778 RETURN n", "");
    expect(s, "OPTIONAL MATCH (n:A|B {k: 777}) RETURN n", "null\n");
    expect(s,
           "MATCH (n:A|B {k: 1}), (m:A|C {k: 1}) WHERE n = m WITH count(*) AS c "
           "RETURN c = COUNT { (x:A {k: 1}) } + COUNT { (x:B&C&!A {k: 1}) }",
           "true\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches_are_starts),
        cmocka_unit_test(test_random_disjunctions_give_what_filters_give),
        cmocka_unit_test(test_branches_see_writes_and_parameters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
