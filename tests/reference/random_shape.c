/* tests/reference: statements that are one pattern, of the shapes for which the planner has operators on whole patterns: chains, stars, cycles
 * and cliques with types, conditions on nodes and relationships, absent relationships, and counts, groups, sums or rows of it. */
#include <stdio.h>

#include "tests/reference/random.h"

typedef struct shape {
    unsigned nodes, edges;
    unsigned ends[6][2];
} shape;

static const shape shapes[] = {
    {2, 1, {{0, 1}}},
    {3, 2, {{0, 1}, {1, 2}}},
    {4, 3, {{0, 1}, {1, 2}, {2, 3}}},
    {4, 3, {{0, 1}, {0, 2}, {0, 3}}},
    {3, 3, {{0, 1}, {1, 2}, {2, 0}}},
    {3, 3, {{0, 1}, {1, 2}, {0, 2}}},
    {4, 4, {{0, 1}, {1, 2}, {2, 3}, {3, 0}}},
    {4, 5, {{0, 1}, {1, 2}, {2, 3}, {3, 0}, {0, 2}}},
    {4, 6, {{0, 1}, {1, 2}, {2, 0}, {0, 3}, {1, 3}, {2, 3}}},
    {4, 4, {{0, 1}, {1, 2}, {2, 0}, {2, 3}}},
    {2, 2, {{0, 1}, {0, 1}}},
};

static const char *type_of(rnd_query *q, unsigned some) {
    static const char *const types[] = {":R", ":S", ":T", ":R|S", ":R|S|T"};
    return types[rnd_pick(q, some)];
}

static void patterns(rnd_query *q, const shape *s) {
    bool seen[4] = {0};
    const bool same = rnd_pick(q, 2) == 0;
    const char *all = type_of(q, 5);
    const unsigned break_at = rnd_pick(q, 4);
    for (unsigned i = 0; i < s->edges; i++) {
        const bool clause = i > 0 && i == break_at && rnd_pick(q, 3) == 0;
        const unsigned direction = rnd_pick(q, 3);
        rnd_say(q, i == 0 || clause ? " MATCH " : ", ");
        for (unsigned end = 0; end < 2; end++) {
            static const char *const labels[] = {"", "", ":A", ":B"};
            const unsigned n = s->ends[i][end];
            if (end == 1)
                rnd_say(q, "%s[r%u%s]%s", direction == 0 ? "<-" : "-", i, same ? all : type_of(q, 4),
                        direction == 1 ? "->" : "-");
            rnd_say(q, "(n%u%s)", n, seen[n] ? "" : labels[rnd_pick(q, 4)]);
            seen[n] = true;
        }
    }
}

static void condition(rnd_query *q, const shape *s) {
    static const char *const compared[] = {"<", ">", "<>", "=", "<=", ">="};
    const unsigned a = rnd_pick(q, s->nodes), b = rnd_pick(q, s->nodes), e = rnd_pick(q, s->edges);
    switch (rnd_pick(q, 7)) {
        case 0:
            rnd_say(q, "n%u.i %s %u", a, compared[rnd_pick(q, 6)], rnd_pick(q, 4));
            break;
        case 1:
        case 2:
            rnd_say(q, "r%u.i %s %u", e, compared[rnd_pick(q, 6)], rnd_pick(q, 4));
            break;
        case 3:
            rnd_say(q, "n%u <> n%u", a, (a + 1) % s->nodes);
            break;
        case 4:
            rnd_say(q, "%s(n%u)-[%s]-%s(n%u)", rnd_pick(q, 4) != 0 ? "NOT " : "", a, type_of(q, 3),
                    rnd_pick(q, 2) == 0 ? ">" : "", b);
            break;
        case 5:
            rnd_say(q, "%s(n%u)-[%s]->()", rnd_pick(q, 2) == 0 ? "NOT " : "", a, type_of(q, 3));
            break;
        default:
            rnd_say(q, "r%u.k > r%u.k", e, rnd_pick(q, s->edges));
            break;
    }
}

static void answer(rnd_query *q, const shape *s) {
    const unsigned a = rnd_pick(q, s->nodes), e = rnd_pick(q, s->edges);
    switch (rnd_pick(q, 8)) {
        case 0:
        case 1:
            rnd_say(q, " RETURN count(*) AS c");
            break;
        case 2:
            rnd_say(q, " RETURN n%u.i AS x, count(*) AS c", a);
            break;
        case 3:
            rnd_say(q, " RETURN n%u.b AS x, n%u.i AS y, count(r%u) AS c, count(DISTINCT n%u.s) AS d, max(n%u.s) AS m",
                    a, a, e, a, a);
            break;
        case 4:
            if (q->declared)
                rnd_say(q, " RETURN n%u.s AS x, avg(n%u.f) AS f, avg(n%u.i) AS a, sum(n%u.i) AS i", a, a, a, a);
            else rnd_say(q, " RETURN n%u, count(*) AS c, min(n%u.f) AS f", a, a);
            break;
        case 5:
            rnd_say(q, " RETURN count(DISTINCT n%u) AS c", a);
            break;
        default:
            rnd_say(q, " RETURN n%u.k AS k", a);
            for (unsigned i = 0; i < s->edges; i++) rnd_say(q, ", r%u.k AS k%u", i, i);
            break;
    }
}

void rnd_make_shape(rnd_query *q) {
    const shape *s = &shapes[rnd_pick(q, sizeof shapes / sizeof shapes[0])];
    q->is_shape = true;
    patterns(q, s);
    const unsigned conditions = rnd_pick(q, 3);
    for (unsigned i = 0; i < conditions; i++) {
        rnd_say(q, i == 0 ? " WHERE " : " AND ");
        condition(q, s);
    }
    answer(q, s);
}
