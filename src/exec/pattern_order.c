/* PATTERN_COUNT: in which order the vertices on cycles get their nodes.
 *
 * The expected number of ways to set a set of vertices does not depend on the order: the product of the nodes that each vertex may be and, for each
 * edge between two of them, of the share of pairs that it connects. Setting one more vertex costs, for each way so far, the shortest of the
 * lists that lead to it. The cheapest order is found by dynamic programming over sets of vertices that are connected (the exact form of
 * the greedy orders in use); patterns of more than SETS_MAX vertices take the cheapest next vertex each time.
 *
 * Numbers come from the lists of edges and from the rows of vertices: an edge has at most the degrees of the rows of either end. They are functions
 * of the snapshot, and the order does not show in the answer. */
#include "exec/pattern_internal.h"

enum { SETS_MAX = 10, ROWS_LOOKED_AT = 4096 };

typedef struct order_edge {
    uint32_t a, b; /* places of vertices */
    double share;  /* of pairs of nodes that it connects */
    double fan[2]; /* expected neighbours of a node of a; of b */
    bool walked;
} order_edge;

typedef struct order_problem {
    uint32_t vertices[WG_PATTERN_VERTICES_MAX];
    double nodes[WG_PATTERN_VERTICES_MAX];
    uint32_t count;
    uint32_t root; /* place that must be first; UINT32_MAX: any */
    order_edge edges[WG_PATTERN_EDGES_MAX];
    uint32_t edge_count;
} order_problem;

/* Entries of the edge from the rows of a vertex; every so many of many rows are looked at. */
static double entries_of_rows(const wgi_node_counts *rows, const wgi_reach *reach) {
    const uint64_t step = rows->count / ROWS_LOOKED_AT + 1;
    uint64_t looked = 0, entries = 0;
    for (uint64_t i = 0; i < rows->count; i += step) {
        looked++;
        for (uint32_t side = 0; side < reach->count; side++) {
            uint64_t count;
            (void)wg_adjacency_span(reach->label->sides[reach->first + side], rows->nodes[i], &count);
            entries += count;
        }
    }
    return looked == 0 ? 0 : (double)entries * (double)rows->count / (double)looked;
}

/* The number of entries that lead from `from` along the edge, and of nodes that have some, as far as is known. */
static void look_at_end(const wgi_work *work, const wg_pattern_edge *edge, uint32_t from, double *entries,
                        double *nodes) {
    const wgi_reach reach = wgi_reach_of(work, edge, from);
    double all = 0, span = 0;
    for (uint32_t i = 0; i < reach.count; i++) {
        const wg_adjacency_side *side = reach.label->sides[reach.first + i];
        all += (double)side->entry_count;
        span = span > (double)side->node_count ? span : (double)side->node_count;
    }
    *nodes = *nodes < span ? *nodes : span;
    *entries = *entries < all ? *entries : all;
    for (uint32_t i = 0; i < work->run->pattern->vertex_count; i++) {
        if (work->term->class_of[i] != from || work->run->pattern->vertices[i].rows == NULL) continue;
        const wgi_node_counts *rows = &work->run->rows[i];
        const double of_rows = entries_of_rows(rows, &reach);
        *nodes = *nodes < (double)rows->count ? *nodes : (double)rows->count;
        *entries = *entries < of_rows ? *entries : of_rows;
    }
}

static double at_least_one(double v) { return v > 1 ? v : 1; }

static uint32_t place_of(const order_problem *p, uint32_t vertex) {
    uint32_t i = 0;
    while (i < p->count && p->vertices[i] != vertex) i++;
    return i;
}

static void read_problem(const wgi_work *work, order_problem *p) {
    double entries[WG_PATTERN_EDGES_MAX];
    *p = (order_problem){.root = UINT32_MAX};
    for (uint32_t v = 0; v < work->run->pattern->vertex_count; v++) {
        if (!work->vertices[v].alive || work->vertices[v].stripped) continue;
        if (v == work->root) p->root = p->count;
        p->nodes[p->count] = (double)work->run->node_count;
        p->vertices[p->count++] = v;
    }
    for (uint32_t e = 0; e < work->term->edge_count; e++) {
        const wg_pattern_edge *edge = &work->term->edges[e];
        const uint32_t a = place_of(p, edge->from), b = place_of(p, edge->to);
        if (a == p->count || b == p->count || a == b) continue;
        entries[p->edge_count] = 1e300;
        look_at_end(work, edge, edge->from, &entries[p->edge_count], &p->nodes[a]);
        look_at_end(work, edge, edge->to, &entries[p->edge_count], &p->nodes[b]);
        p->edges[p->edge_count++] = (order_edge){.a = a, .b = b, .walked = wgi_is_walked(edge->kind)};
    }
    if (work->few != NULL && p->root != UINT32_MAX) p->nodes[p->root] = (double)work->few->count;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        order_edge *e = &p->edges[i];
        const double a = at_least_one(p->nodes[e->a]), b = at_least_one(p->nodes[e->b]);
        e->share = e->walked ? entries[i] / (a * b) : 1;
        e->share = e->share < 1 ? e->share : 1;
        e->fan[0] = entries[i] / a;
        e->fan[1] = entries[i] / b;
    }
}

static double ways_of(const order_problem *p, uint32_t set) {
    double ways = 1;
    for (uint32_t i = 0; i < p->count; i++)
        if (set >> i & 1) ways *= p->nodes[i];
    for (uint32_t i = 0; i < p->edge_count; i++)
        if ((set >> p->edges[i].a & 1) && (set >> p->edges[i].b & 1)) ways *= p->edges[i].share;
    return ways;
}

/* What it costs to look for the nodes of a vertex once those of the set are there; negative: nothing leads to it. */
static double step_cost(const order_problem *p, uint32_t set, uint32_t vertex) {
    double least = -1;
    for (uint32_t i = 0; i < p->edge_count; i++) {
        const order_edge *e = &p->edges[i];
        const bool from_a = e->b == vertex && (set >> e->a & 1), from_b = e->a == vertex && (set >> e->b & 1);
        if (!e->walked || (!from_a && !from_b)) continue;
        const double fan = 1 + e->fan[from_a ? 0 : 1];
        if (least < 0 || fan < least) least = fan;
    }
    return least;
}

static void order_by_sets(const order_problem *p, uint32_t *order) {
    double cost[1 << SETS_MAX] = {0}, ways[1 << SETS_MAX];
    uint8_t last[1 << SETS_MAX];
    const uint32_t all = (1u << p->count) - 1;
    for (uint32_t set = 1; set <= all; set++) {
        cost[set] = -1;
        ways[set] = ways_of(p, set);
        for (uint32_t v = 0; v < p->count; v++) {
            if (!(set >> v & 1)) continue;
            const uint32_t rest = set & ~(1u << v);
            if (rest == 0 && p->root != UINT32_MAX && p->root != v) continue;
            if (rest != 0 && cost[rest] < 0) continue;
            const double step = rest == 0 ? p->nodes[v] : step_cost(p, rest, v);
            const double sum = rest == 0 ? step : cost[rest] + ways[rest] * step;
            if (step < 0 || (cost[set] >= 0 && sum >= cost[set])) continue;
            cost[set] = sum;
            last[set] = (uint8_t)v;
        }
    }
    WG_ASSERT(cost[all] >= 0);
    for (uint32_t set = all, i = p->count; set != 0; set &= ~(1u << last[set])) order[--i] = p->vertices[last[set]];
}

static void order_by_steps(const order_problem *p, uint32_t *order) {
    uint32_t set = 0;
    for (uint32_t n = 0; n < p->count; n++) {
        uint32_t best = UINT32_MAX;
        double least = 0;
        for (uint32_t v = 0; v < p->count; v++) {
            if ((set >> v & 1) || (n == 0 && p->root != UINT32_MAX && p->root != v)) continue;
            const double step = n == 0 ? p->nodes[v] : step_cost(p, set, v);
            const double after = step + ways_of(p, set | 1u << v);
            if (step < 0 || (best != UINT32_MAX && after >= least)) continue;
            best = v;
            least = after;
        }
        WG_ASSERT(best != UINT32_MAX);
        set |= 1u << best;
        order[n] = p->vertices[best];
    }
}

uint32_t wgi_core_order(const wgi_work *work, uint32_t *order) {
    order_problem p;
    read_problem(work, &p);
    if (p.count == 1) order[0] = p.vertices[0];
    else if (p.count <= SETS_MAX) order_by_sets(&p, order);
    else order_by_steps(&p, order);
    return p.count;
}
