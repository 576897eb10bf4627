/* query/optimize: dynamic programming over sets of edges (Selinger et al. 1979, over connected sub-graphs as in Moerkotte and Neumann 2006).
 *
 * The best tree of a set of edges is the cheapest of: the best tree of the set without one edge, expanded along that edge; the best tree of the
 * set without the edges of one node, which is then found by intersecting their lists; and two best
 * trees of disjoint sets that share a node, joined by hash. A set of one edge begins at either end. Sets that touch a node which the rows
 * have already begin with these rows. The expected rows of a set do not depend on the tree: the product of its nodes' rows, its edges'
 * selectivities and, where several edges of one kind meet in a node, the skew of their degrees.
 *
 * Costs are in rows touched, weighed by what measuring showed: following an adjacency list is cheaper than probing a hash table,
 * which is cheaper than building it. */
#include "query/optimize/order.h"

static const double COST_EXPAND = 3, COST_NEIGHBOUR = 1, COST_LABELS = 8, COST_INTO = 6, COST_BUILD = 8,
                    COST_PROBE = 4, COST_ROW = 1, COST_LIST = 6, COST_SEARCH = 2;

typedef struct order {
    const wgi_order_problem *p;
    wg_arena *arena;
    wgi_step *best;   /* of each set of edges; cost < 0: none */
    wgi_step *starts; /* of each node */
    uint64_t *nodes;  /* of each set of edges */
    uint64_t known;
    wgi_step base;
} order;

static uint64_t ends_of(const wgi_order_edge *e) { return (UINT64_C(1) << e->ends[0]) | (UINT64_C(1) << e->ends[1]); }

static double at_least(double v, double least) { return v > least ? v : least; }

static double selectivity(const wgi_order_problem *p, uint32_t edge) {
    const wgi_order_edge *e = &p->edges[edge];
    const double a = p->nodes[e->ends[0]].rows, b = p->nodes[e->ends[1]].rows;
    return e->pairs * e->keep / (at_least(a, 1) * at_least(b, 1));
}

/* Of the second and every later edge of a kind that meets in a node. */
static double skew_of(const wgi_order_problem *p, uint32_t set_below, const uint32_t *edges, uint32_t edge) {
    const wgi_order_edge *e = &p->edges[edge];
    double skew = 1;
    for (uint32_t side = 0; side < 2; side++) {
        bool met = false;
        for (uint32_t i = 0; i < set_below && !met; i++) {
            const wgi_order_edge *other = &p->edges[edges[i]];
            for (uint32_t k = 0; k < 2; k++)
                met = met ||
                      (e->kinds[side] != 0 && other->kinds[k] == e->kinds[side] && other->ends[k] == e->ends[side]);
        }
        if (met) skew *= e->skew[side];
    }
    return skew;
}

/* Expected rows of a set of edges given by their numbers, ascending. */
static double rows_of(const wgi_order_problem *p, const uint32_t *edges, uint32_t count, uint64_t nodes,
                      uint64_t known) {
    double rows = (nodes & known) != 0 ? p->known_rows : 1;
    for (uint32_t n = 0; n < p->node_count; n++)
        if ((nodes & ~known) >> n & 1) rows *= p->nodes[n].rows * p->nodes[n].keep;
    for (uint32_t i = 0; i < count; i++) rows *= selectivity(p, edges[i]) * skew_of(p, i, edges, edges[i]);
    return rows;
}

static uint32_t members(uint32_t set, uint32_t *out) {
    uint32_t count = 0;
    for (uint32_t i = 0; set >> i != 0; i++)
        if (set >> i & 1) out[count++] = i;
    return count;
}

/* The step that adds `edge` to `left`, which has the nodes `have`. */
static wgi_step expanded(const wgi_order_problem *p, const wgi_step *left, uint64_t have, uint32_t edge,
                         double rows) {
    const wgi_order_edge *e = &p->edges[edge];
    wgi_step s = {.kind = WGI_STEP_EXPAND, .edge = edge, .left = left, .rows = rows, .cost = -1};
    if (left->cost < 0) return s;
    const bool has[2] = {(have >> e->ends[0] & 1) != 0, (have >> e->ends[1] & 1) != 0};
    if (!has[0] && !has[1]) return s;
    if (has[0] && has[1]) {
        s.cost = left->cost + left->rows * COST_INTO + rows * COST_ROW;
        return s;
    }
    const uint32_t near = has[0] ? 0 : 1;
    const double neighbour = COST_NEIGHBOUR + (e->asks[1 - near] ? COST_LABELS : 0);
    s.cost = left->cost + left->rows * (COST_EXPAND + e->fan[near] * neighbour) + rows * COST_ROW;
    return s;
}

double wgi_cost_one_by_one(double rows, double fan) {
    return rows * (COST_EXPAND + fan * (COST_NEIGHBOUR + COST_ROW + COST_INTO));
}

double wgi_cost_at_once(double rows, double fan, uint32_t count) {
    return rows * (COST_LIST * count + fan * COST_SEARCH * (count - 1));
}

/* The step that sets `node` by all edges of the set that it has; the tree of the others must not have it, nor lack another end. */
static wgi_step met(const order *o, uint32_t set, uint32_t node, double rows) {
    const uint64_t bit = UINT64_C(1) << node;
    wgi_step s = {.kind = WGI_STEP_MEET, .node = node, .rows = rows, .cost = -1};
    double least = 0;
    uint64_t others = 0;
    uint32_t count = 0;
    if ((o->known & bit) != 0) return s;
    for (uint32_t e = 0; e < o->p->edge_count; e++) {
        const wgi_order_edge *edge = &o->p->edges[e];
        if (!(set >> e & 1) || !(ends_of(edge) & bit)) continue;
        if (!edge->meets || ends_of(edge) == bit) return s;
        const double fan = edge->fan[edge->ends[0] == node ? 1 : 0];
        if (count == 0 || fan < least) s.edge = e;
        if (count == 0 || fan < least) least = fan;
        others |= ends_of(edge) & ~bit;
        s.edges |= 1u << e;
        count++;
    }
    const uint32_t rest = set & ~s.edges;
    s.left = rest == 0 ? &o->base : &o->best[rest];
    const uint64_t have = rest == 0 ? o->known : o->nodes[rest];
    if (count < 2 || s.left->cost < 0 || (have & bit) != 0 || (others & ~have) != 0) return s;
    s.cost = s.left->cost + wgi_cost_at_once(s.left->rows, least, count) + rows * COST_ROW;
    return s;
}

static wgi_step joined(const wgi_step *a, const wgi_step *b, double rows) {
    const bool swap = b->rows > a->rows; /* the smaller side is built: it is on the right */
    wgi_step s = {.kind = WGI_STEP_JOIN, .left = swap ? b : a, .right = swap ? a : b, .rows = rows, .cost = -1};
    if (a->cost < 0 || b->cost < 0) return s;
    s.cost = a->cost + b->cost + s.right->rows * COST_BUILD + s.left->rows * COST_PROBE + rows * COST_ROW;
    return s;
}

static void take(wgi_step *best, const wgi_step *candidate) {
    if (candidate->cost >= 0 && (best->cost < 0 || candidate->cost < best->cost)) *best = *candidate;
}

static void order_single(order *o, uint32_t set, uint32_t edge) {
    const wgi_order_edge *e = &o->p->edges[edge];
    wgi_step *best = &o->best[set];
    if ((ends_of(e) & o->known) != 0) {
        const wgi_step s = expanded(o->p, &o->base, o->known, edge, best->rows);
        take(best, &s);
        return;
    }
    for (uint32_t side = 0; side < 2; side++) {
        const uint32_t node = e->ends[side];
        const wgi_step s = expanded(o->p, &o->starts[node], UINT64_C(1) << node, edge, best->rows);
        take(best, &s);
    }
}

static void order_set(order *o, uint32_t set) {
    wgi_step *best = &o->best[set];
    uint32_t edges[WGI_ORDER_EDGES_MAX];
    const uint32_t count = members(set, edges);
    o->nodes[set] = 0;
    for (uint32_t i = 0; i < count; i++) o->nodes[set] |= ends_of(&o->p->edges[edges[i]]);
    if ((o->nodes[set] & o->known) != 0) o->nodes[set] |= o->known;
    *best = (wgi_step){.cost = -1};
    const double rows = rows_of(o->p, edges, count, o->nodes[set], o->known);
    best->rows = rows;
    if (count == 1) {
        order_single(o, set, edges[0]);
        return;
    }
    for (uint32_t i = count; i-- > 0;) { /* of equally cheap ways the one that follows the text */
        const uint32_t rest = set & ~(1u << edges[i]);
        const wgi_step s = expanded(o->p, &o->best[rest], o->nodes[rest], edges[i], rows);
        /* Known rows enter by an expansion from them or by a join, not at the far end of one. */
        const bool enters = (o->nodes[rest] & o->known) == 0 && (o->nodes[set] & o->known) != 0;
        if (!enters) take(best, &s);
    }
    for (uint32_t node = 0; node < o->p->node_count; node++) {
        const wgi_step s = met(o, set, node, rows);
        take(best, &s);
    }
    if (o->p->no_joins) return;
    const uint32_t lowest = set & (~set + 1);
    for (uint32_t a = (set - 1) & set; a != 0; a = (a - 1) & set) {
        if ((a & lowest) == 0) continue; /* the other half of the pair */
        const uint32_t b = set & ~a;
        const uint64_t shared = o->nodes[a] & o->nodes[b];
        if (shared == 0 || (shared & o->known) != 0) continue;
        const wgi_step s = joined(&o->best[a], &o->best[b], rows);
        take(best, &s);
    }
}

static bool order_by_sets(order *o, const wgi_step **out) {
    const uint32_t sets = 1u << o->p->edge_count;
    o->best = wg_arena_alloc_zero(o->arena, sets * sizeof *o->best);
    o->nodes = wg_arena_alloc_zero(o->arena, sets * sizeof *o->nodes);
    if (o->best == NULL || o->nodes == NULL) return false;
    for (uint32_t set = 1; set < sets; set++) order_set(o, set);
    *out = &o->best[sets - 1];
    return true;
}

/* ---- many edges: one step after the other */

static bool order_by_steps(order *o, const wgi_step **out) {
    const wgi_order_problem *p = o->p;
    uint32_t *edges = wg_arena_alloc(o->arena, p->edge_count * sizeof *edges);
    bool *used = wg_arena_alloc_zero(o->arena, p->edge_count * sizeof *used);
    if (edges == NULL || used == NULL) return false;
    const wgi_step *now = &o->base;
    uint64_t have = o->known;
    if (have == 0) {
        uint32_t start = 0;
        for (uint32_t n = 1; n < p->node_count; n++)
            if (o->starts[n].cost < o->starts[start].cost) start = n;
        now = &o->starts[start];
        have = UINT64_C(1) << start;
    }
    for (uint32_t done = 0; done < p->edge_count; done++) {
        uint32_t next = UINT32_MAX;
        double next_rows = 0;
        for (uint32_t e = 0; e < p->edge_count; e++) {
            if (used[e] || (ends_of(&p->edges[e]) & have) == 0) continue;
            edges[done] = e;
            const double rows = rows_of(p, edges, done + 1, have | ends_of(&p->edges[e]), o->known);
            if (next != UINT32_MAX && rows >= next_rows) continue;
            next = e;
            next_rows = rows;
        }
        WG_ASSERT(next != UINT32_MAX);
        wgi_step *step = wg_arena_alloc(o->arena, sizeof *step);
        if (step == NULL) return false;
        *step = expanded(p, now, have, next, next_rows);
        now = step;
        used[next] = true;
        edges[done] = next;
        have |= ends_of(&p->edges[next]);
    }
    *out = now;
    return true;
}

bool wgi_order(const wgi_order_problem *problem, wg_arena *arena, const wgi_step **out) {
    order *o = wg_arena_alloc_zero(arena, sizeof *o);
    if (o == NULL) return false;
    o->p = problem;
    o->arena = arena;
    o->starts = wg_arena_alloc_zero(arena, (problem->node_count + (size_t)1) * sizeof *o->starts);
    if (o->starts == NULL) return false;
    WG_ASSERT(problem->node_count <= WGI_ORDER_NODES_MAX);
    for (uint32_t n = 0; n < problem->node_count; n++) {
        const wgi_order_node *node = &problem->nodes[n];
        const double rows = node->rows * node->keep;
        o->starts[n] = (wgi_step){.kind = WGI_STEP_START, .node = n, .rows = rows, .cost = node->start + rows};
        if (node->known) o->known |= UINT64_C(1) << n;
    }
    o->base = (wgi_step){.kind = WGI_STEP_KNOWN, .rows = problem->known_rows};
    if (problem->edge_count == 0) {
        uint32_t best = 0;
        for (uint32_t n = 1; n < problem->node_count; n++)
            if (o->starts[n].cost < o->starts[best].cost) best = n;
        *out = o->known != 0 ? &o->base : &o->starts[best];
        return true;
    }
    return problem->edge_count <= WGI_ORDER_EDGES_MAX ? order_by_sets(o, out) : order_by_steps(o, out);
}
