/* tests/reference: random graphs as text. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/reference/random.h"

static unsigned pick(wg_rng *rng, unsigned n) { return (unsigned)wg_rng_below(rng, n); }

static const char *pick_of(wg_rng *rng, const char *const *texts, unsigned n) { return texts[pick(rng, n)]; }

const char *const *rnd_declarations(size_t *count) {
    static const char *const texts[] = {
        "CREATE NODE LABEL A (k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t LOCAL DATETIME, PRIMARY KEY (k))",
        "CREATE NODE LABEL B (k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t LOCAL DATETIME)",
        "CREATE EDGE LABEL R (FROM A TO A, k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t LOCAL DATETIME)",
        "CREATE EDGE LABEL S (FROM A TO B, k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t LOCAL DATETIME)",
        "CREATE EDGE LABEL T (FROM B TO B, k INT, i INT, f FLOAT, s STRING, b BOOL, d DATE, t LOCAL DATETIME)",
    };
    *count = sizeof texts / sizeof texts[0];
    return texts;
}

const char *const *rnd_indexes(size_t *count) {
    static const char *const texts[] = {
        "CREATE INDEX FOR (n:A) ON (n.i)",
        "CREATE INDEX FOR (n:B) ON (n.s)",
        "CREATE HASH INDEX FOR (n:A) ON (n.s)",
        "CREATE HASH INDEX FOR (n:B) ON (n.b, n.i)",
        "CREATE INDEX FOR (n:A) ON (n.s, n.i)",
        "CREATE INDEX FOR (n:B) ON (n.f)",
        "CREATE INDEX FOR ()-[r:R]-() ON (r.i)",
        "CREATE INDEX FOR ()-[r:S]-() ON (r.s)",
        "CREATE HASH INDEX FOR ()-[r:T]-() ON (r.k)",
        "CREATE INDEX FOR (n:A) ON (n.f, n.b, n.k)",
        "CREATE INDEX FOR (n:A) ON (n.d)",
        "CREATE INDEX FOR (n:B) ON (n.t, n.d)",
        "CREATE HASH INDEX FOR ()-[r:R]-() ON (r.d)",
    };
    *count = sizeof texts / sizeof texts[0];
    return texts;
}

static void add(rnd_entity *e, unsigned *n, const char *key, const char *text) {
    e->properties[*n].key = key;
    (void)snprintf(e->properties[*n].text, sizeof e->properties[*n].text, "%s", text);
    (*n)++;
}

static void make_properties(wg_rng *rng, bool declared, unsigned k, rnd_entity *e) {
    static const char *const strings[] = {"'a'", "'b'", "'ab'", "''", "'Ba'", "' x'", "'\xe6\x97\xa5'"};
    static const char *const lists[] = {"[]", "[1]", "[1, 2]", "[3, 1, 2]", "[0, 0]", "[-1]"};
    static const char *const mixed[] = {"1",
                                        "2",
                                        "'a'",
                                        "'1'",
                                        "true",
                                        "0.5",
                                        "[1]",
                                        "false",
                                        "[1, 'a']",
                                        "-3",
                                        "date('2024-02-29')",
                                        "duration('P1D')"};
    static const char *const floats[] = {"0.25", "0.5", "-1.75", "2.25", "-0.5", "3.5", "10.75"};
    static const char *const dates[] = {"date('2024-02-29')", "date('2023-12-31')", "date('2024-01-01')",
                                        "date('1969-07-20')", "date('2100-02-28')", "date('2024-03-31')"};
    static const char *const moments[] = {
        "localdatetime('2024-02-29T00:00:00')", "localdatetime('2023-12-31T23:59:59')",
        "localdatetime('2024-01-31T12:30:00')", "localdatetime('1969-12-31T23:00:01')",
        "localdatetime('2024-03-30T12:30:00')"};
    static const char *const durations[] = {"duration('P1M')",  "duration('P1Y-2M3D')",       "duration('PT25H-1M')",
                                            "duration('P-1D')", "duration('P30DT10H29M46S')", "duration('PT0S')"};
    char number[24];
    unsigned n = 0;
    (void)snprintf(number, sizeof number, "%u", k);
    add(e, &n, "k", number);
    (void)snprintf(number, sizeof number, "%d", (int)pick(rng, 8) - 2);
    if (pick(rng, 4) != 0) add(e, &n, "i", number);
    if (pick(rng, 3) != 0) add(e, &n, "f", pick_of(rng, floats, 7));
    if (pick(rng, 4) != 0) add(e, &n, "s", pick_of(rng, strings, 7));
    if (pick(rng, 3) != 0) add(e, &n, "b", pick(rng, 2) != 0 ? "true" : "false");
    if (pick(rng, 3) == 0) add(e, &n, "d", pick_of(rng, dates, 6));
    if (pick(rng, 3) == 0) add(e, &n, "t", pick_of(rng, moments, 5));
    if (!declared && pick(rng, 3) == 0) add(e, &n, "v", pick_of(rng, durations, 6));
    if (!declared && pick(rng, 2) != 0) add(e, &n, "l", pick_of(rng, lists, 6));
    if (!declared && pick(rng, 2) != 0) add(e, &n, "m", pick_of(rng, mixed, 12));
}

/* Where labels are declared R leads from A to A, S from A to B, T from B to B. */
static bool fits(const rnd_graph *g, const rnd_entity *e) {
    if (!g->declared) return true;
    const bool from_a = g->nodes[e->from].labels == 1, to_a = g->nodes[e->to].labels == 1;
    return e->labels == 0 ? from_a && to_a : e->labels == 1 ? from_a && !to_a : !from_a && !to_a;
}

void rnd_make_graph(wg_rng *rng, bool declared, rnd_graph *out) {
    *out = (rnd_graph){.declared = declared};
    out->node_count = pick(rng, 12) == 0 ? pick(rng, 2) : 2 + pick(rng, RND_NODES_MAX - 2);
    for (unsigned i = 0; i < out->node_count; i++) {
        rnd_entity *n = &out->nodes[i];
        n->labels = declared ? 1 + pick(rng, 2) : pick(rng, 8) & (pick(rng, 3) == 0 ? 7 : 3);
        make_properties(rng, declared, i + 1, n);
    }
    const unsigned wanted = out->node_count > 0 ? 2 + pick(rng, RND_EDGES_MAX - 2) : 0;
    for (unsigned i = 0; i < wanted; i++) {
        rnd_entity *e = &out->edges[out->edge_count];
        *e = (rnd_entity){.labels = pick(rng, 3), .from = pick(rng, out->node_count)};
        e->to = pick(rng, 6) == 0 ? e->from : pick(rng, out->node_count);
        if (out->edge_count > 0 && pick(rng, 6) == 0) { /* beside another */
            e->from = out->edges[out->edge_count - 1].from;
            e->to = out->edges[out->edge_count - 1].to;
        }
        make_properties(rng, declared, 100 + i, e);
        if (fits(out, e)) out->edge_count++;
    }
}

static void say(wg_buf *out, const char *text) {
    if (!wg_buf_append_str(out, text)) exit(2);
}

static void print_properties(const rnd_entity *e, wg_buf *out) {
    bool first = true;
    for (unsigned i = 0; i < RND_PROPERTIES_MAX; i++) {
        if (e->properties[i].key == NULL) continue;
        say(out, first ? " {" : ", ");
        say(out, e->properties[i].key);
        say(out, ": ");
        say(out, e->properties[i].text);
        first = false;
    }
    if (!first) say(out, "}");
}

void rnd_print_graph(const rnd_graph *graph, wg_buf *out) {
    static const char *const labels[] = {":A", ":B", ":C"}, *const types[] = {":R", ":S", ":T"};
    char name[24];
    bool first = true;
    for (unsigned i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].dropped) continue;
        (void)snprintf(name, sizeof name, "%s(n%u", first ? "CREATE " : ", ", i);
        say(out, name);
        for (unsigned k = 0; k < 3; k++)
            if ((graph->nodes[i].labels >> k & 1) != 0) say(out, labels[k]);
        print_properties(&graph->nodes[i], out);
        say(out, ")");
        first = false;
    }
    for (unsigned i = 0; i < graph->edge_count; i++) {
        const rnd_entity *e = &graph->edges[i];
        if (e->dropped || graph->nodes[e->from].dropped || graph->nodes[e->to].dropped) continue;
        (void)snprintf(name, sizeof name, ", (n%u)-[", e->from);
        say(out, name);
        say(out, types[e->labels]);
        print_properties(e, out);
        (void)snprintf(name, sizeof name, "]->(n%u)", e->to);
        say(out, name);
    }
}
