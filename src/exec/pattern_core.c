/* PATTERN_COUNT: vertices on cycles, by intersection (a worst-case-optimal join, Ngo, Porat, Re and Rudra 2012).
 *
 * The vertices get an order (pattern_order.c); each but the first is joined to some before it. Level by level a node for the next vertex is looked for among the
 * neighbours of one of the nodes that are set, and tested against the others: by a bitmap of their neighbours where that node was set two or
 * more levels before, so that the bitmap pays, else by binary search. Which list is walked is decided anew each time by the
 * expected number of steps, so that a hub is searched, not walked. Parallel edges count each: the list that is walked has an entry an edge, for
 * the others their number multiplies.
 *
 * Triangles go another way, below.
 *
 * The first vertex's nodes are shared out among the workers; their sums are added up at the end. */
#include "exec/pattern_internal.h"

enum { CORE_GRAIN = 256, ROOT_GRAIN = 4096, CHECK_STEPS = 1 << 14, USES_UNMARKED = 2 };

/* An edge from a vertex that is set before to the vertex of a level. */
typedef struct back_edge {
    uint32_t level;
    wgi_reach reach;
    uint8_t kind;
    bool markable; /* the neighbours may get bits */
    uint32_t mark;
} back_edge;

typedef struct core_level {
    uint32_t vertex;
    uint32_t edge_count;
    back_edge edges[WG_PATTERN_EDGES_MAX];
} core_level;

typedef struct core_plan {
    wgi_work *work;
    uint32_t level_count;
    uint32_t mark_count;
    core_level levels[WG_PATTERN_VERTICES_MAX];
} core_plan;

typedef struct core_worker {
    const core_plan *plan;
    wg_arena arena;
    uint64_t *marks[WG_PATTERN_EDGES_MAX]; /* bitmaps over the domain; empty between nodes of their level */
    uint8_t uses[WG_PATTERN_EDGES_MAX];    /* of the list that has, or may get, the bits */
    uint32_t nodes[WG_PATTERN_VERTICES_MAX];
    wg_u128 total;
    uint32_t steps;
    bool overflow;
    bool begun;
} core_worker;

typedef struct core_job {
    core_plan plan;
    core_worker *workers;
} core_job;

/* ---- lists */

static const uint32_t *list_of(const wgi_reach *reach, uint32_t i, uint64_t node, uint64_t *out_count) {
    const wg_adjacency_side *side = reach->label->sorted[reach->first + i];
    return side->neighbours + wg_adjacency_span(side, node, out_count);
}

static uint64_t length_of(const wgi_reach *reach, uint64_t node) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < reach->count; i++) {
        uint64_t count;
        (void)list_of(reach, i, node, &count);
        all += count;
    }
    return all;
}

static uint64_t lower_bound(const uint32_t *list, uint64_t count, uint32_t wanted) {
    uint64_t first = 0;
    while (count > 1) {
        const uint64_t half = count / 2;
        first += list[first + half - 1] < wanted ? half : 0;
        count -= half;
    }
    return first + (count == 1 && list[first] < wanted);
}

/* How many edges of the reach go from `node` to `wanted`. */
static uint64_t edges_between(const wgi_reach *reach, uint32_t node, uint32_t wanted) {
    uint64_t found = 0;
    for (uint32_t i = 0; i < reach->count; i++) {
        uint64_t count;
        if (i == 1 && node == wanted) break; /* loops stand in the first list */
        const uint32_t *list = list_of(reach, i, node, &count);
        for (uint64_t k = lower_bound(list, count, wanted); k < count && list[k] == wanted; k++) found++;
    }
    return found;
}

/* ---- walking */

static void mark_list(core_worker *w, const back_edge *edge, uint32_t node, bool set) {
    uint64_t *bits = w->marks[edge->mark];
    for (uint32_t i = 0; i < edge->reach.count; i++) {
        uint64_t count;
        const uint32_t *list = list_of(&edge->reach, i, node, &count);
        for (uint64_t k = 0; k < count; k++) {
            if (set) bits[list[k] / 64] |= UINT64_C(1) << (list[k] % 64);
            else bits[list[k] / 64] = 0;
        }
    }
}

static bool is_marked(const core_worker *w, const back_edge *edge) {
    return edge->markable && w->uses[edge->mark] > USES_UNMARKED;
}

/* The nodes that are set lead to the level once more: lists that are asked for again and again get bits. */
static void mark_level(core_worker *w, const core_level *l) {
    for (uint32_t i = 0; i < l->edge_count; i++) {
        const back_edge *edge = &l->edges[i];
        if (!edge->markable || w->uses[edge->mark] > USES_UNMARKED) continue;
        if (w->uses[edge->mark]++ == USES_UNMARKED) mark_list(w, edge, w->nodes[edge->level], true);
    }
}

static void unmark_from(core_worker *w, uint32_t level) {
    for (uint32_t k = level + 2; k < w->plan->level_count; k++) {
        const core_level *l = &w->plan->levels[k];
        for (uint32_t i = 0; i < l->edge_count; i++) {
            const back_edge *edge = &l->edges[i];
            if (!edge->markable || edge->level != level) continue;
            if (is_marked(w, edge)) mark_list(w, edge, w->nodes[level], false);
            w->uses[edge->mark] = 0;
        }
    }
}

/* False: some later vertex has no node next to this one. */
static bool leads_on(const core_worker *w, uint32_t level, uint32_t node) {
    for (uint32_t k = level + 1; k < w->plan->level_count; k++) {
        const core_level *l = &w->plan->levels[k];
        for (uint32_t i = 0; i < l->edge_count; i++)
            if (l->edges[i].level == level && wgi_is_walked(l->edges[i].kind) &&
                length_of(&l->edges[i].reach, node) == 0)
                return false;
    }
    return true;
}

static uint64_t search_steps(uint64_t length) {
    return 4 + (length == 0 ? 0 : 63 - (uint64_t)__builtin_clzll(length));
}

/* The edge whose list is walked. */
static uint32_t choose_list(const core_worker *w, const core_level *l) {
    uint32_t best = 0;
    uint64_t best_cost = UINT64_MAX;
    for (uint32_t i = 0; i < l->edge_count; i++) {
        uint64_t each = 1;
        if (!wgi_is_walked(l->edges[i].kind)) continue;
        for (uint32_t k = 0; k < l->edge_count; k++)
            if (k != i)
                each += is_marked(w, &l->edges[k])
                            ? 1
                            : search_steps(length_of(&l->edges[k].reach, w->nodes[l->edges[k].level]));
        const uint64_t cost = length_of(&l->edges[i].reach, w->nodes[l->edges[i].level]) * each;
        if (cost >= best_cost) continue;
        best = i;
        best_cost = cost;
    }
    return best;
}

/* In how many ways the other edges of the level reach the node; 0 ends early. */
static uint64_t other_edges(const core_worker *w, const core_level *l, uint32_t walked, uint32_t node) {
    uint64_t ways = 1;
    for (uint32_t i = 0; i < l->edge_count; i++) {
        const back_edge *edge = &l->edges[i];
        if (i == walked || !is_marked(w, edge)) continue;
        const bool is_there = (w->marks[edge->mark][node / 64] >> (node % 64)) & 1;
        if (is_there == (edge->kind == WG_PATTERN_ABSENT)) return 0;
    }
    for (uint32_t i = 0; i < l->edge_count && ways != 0; i++) {
        const back_edge *edge = &l->edges[i];
        if (i == walked || (is_marked(w, edge) && edge->kind != WG_PATTERN_REQUIRED)) continue;
        ways *= wgi_kind_count(edge->kind, edges_between(&edge->reach, w->nodes[edge->level], node));
    }
    return ways;
}

static wg_code walk(core_worker *w, uint32_t level, wg_u128 product, wg_error *err);

static wg_code enter(core_worker *w, uint32_t level, uint32_t node, wg_u128 product, wg_error *err) {
    const wgi_work *work = w->plan->work;
    uint64_t value;
    if (!leads_on(w, level, node)) return WG_OK;
    w->overflow = !wgi_tree_value(work, w->plan->levels[level].vertex, node, &value) || w->overflow;
    if (value == 0) return WG_OK;
    w->overflow = __builtin_mul_overflow(product, (wg_u128)value, &product) || w->overflow;
    if (level + 1 == w->plan->level_count) {
        w->overflow = __builtin_add_overflow(w->total, product, &w->total) || w->overflow;
        return WG_OK;
    }
    w->nodes[level] = node;
    const wg_code code = walk(w, level + 1, product, err);
    w->nodes[level] = node;
    unmark_from(w, level);
    return code;
}

/* One list of the edge that is walked. */
typedef struct walked_list {
    uint32_t level;
    uint32_t edge;
    const uint32_t *nodes;
    uint64_t count;
    uint32_t skip; /* a node that is left out; UINT32_MAX: none */
    bool once;     /* a node that stands there several times, or in the list before, counts once */
    uint32_t from;
    uint32_t last; /* that was met; UINT32_MAX: none */
} walked_list;

static bool was_met(walked_list *walked, const wgi_reach *reach, uint32_t node) {
    if (node == walked->last) return true;
    walked->last = node;
    if (walked->skip == UINT32_MAX) return false;
    const wgi_reach before = {reach->label, reach->first, 1};
    return edges_between(&before, walked->from, node) > 0;
}

/* The bitmap that sorts out most nodes of the level before anything else is asked; NULL: there is none. */
static const uint64_t *first_mark(const core_worker *w, const core_level *l, uint32_t walked) {
    for (uint32_t i = 0; i < l->edge_count; i++)
        if (i != walked && is_marked(w, &l->edges[i]) && l->edges[i].kind != WG_PATTERN_ABSENT)
            return w->marks[l->edges[i].mark];
    return NULL;
}

/* Copies the nodes that have a bit, without branches. */
static uint32_t keep_marked(const uint64_t *bits, const uint32_t *nodes, uint32_t count, uint32_t *out) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t node = nodes[i];
        out[n] = node;
        n += (uint32_t)((bits[node / 64] >> (node % 64)) & 1);
    }
    return n;
}

/* Asks for what the next level reads of these nodes: misses of all of them overlap. */
static void fetch_ahead(const core_worker *w, uint32_t level, const uint32_t *nodes, uint32_t count) {
    const core_level *next = &w->plan->levels[level + 1];
    if (level + 1 >= w->plan->level_count) return;
    for (uint32_t e = 0; e < next->edge_count; e++) {
        if (next->edges[e].level != level) continue;
        const wgi_reach *reach = &next->edges[e].reach;
        for (uint32_t side = 0; side < reach->count; side++) {
            const wg_adjacency_side *s = reach->label->sorted[reach->first + side];
            for (uint32_t i = 0; i < count; i++) {
                const uint64_t k = nodes[i] - s->node_min;
                if (k < s->node_count) __builtin_prefetch(&s->offsets[k]);
            }
            for (uint32_t i = 0; i < count; i++) {
                const uint64_t k = nodes[i] - s->node_min;
                if (k < s->node_count) __builtin_prefetch(&s->neighbours[s->offsets[k]]);
            }
        }
    }
}

static wg_code walk_nodes(core_worker *w, walked_list *walked, const uint32_t *nodes, uint32_t count, wg_u128 product,
                          wg_error *err) {
    enum { AHEAD = 32 };
    const core_level *l = &w->plan->levels[walked->level];
    for (uint32_t i = 0; i < count; i++) {
        if (i % AHEAD == 0) fetch_ahead(w, walked->level, nodes + i, count - i < AHEAD ? count - i : AHEAD);
        if (nodes[i] == walked->skip) continue;
        if (walked->once && was_met(walked, &l->edges[walked->edge].reach, nodes[i])) continue;
        const uint64_t ways = l->edge_count == 1 ? 1 : other_edges(w, l, walked->edge, nodes[i]);
        if (ways == 0) continue;
        wg_u128 all;
        w->overflow = __builtin_mul_overflow(product, (wg_u128)ways, &all) || w->overflow;
        WG_TRY(enter(w, walked->level, nodes[i], all, err));
    }
    return WG_OK;
}

static wg_code walk_list(core_worker *w, walked_list *walked, wg_u128 product, wg_error *err) {
    enum { PIECE = 512 };
    uint32_t kept[PIECE];
    const uint64_t *bits = first_mark(w, &w->plan->levels[walked->level], walked->edge);
    w->steps += (uint32_t)walked->count + 1;
    if (w->steps >= CHECK_STEPS) {
        w->steps = 0;
        WG_TRY(wgi_check(w->plan->work->run->context, err));
    }
    for (uint64_t i = 0; i < walked->count; i += PIECE) {
        const uint32_t *nodes = walked->nodes + i;
        uint32_t n = (uint32_t)wg_min_u64(PIECE, walked->count - i);
        if (bits != NULL) {
            n = keep_marked(bits, nodes, n, kept);
            nodes = kept;
        }
        WG_TRY(walk_nodes(w, walked, nodes, n, product, err));
    }
    return WG_OK;
}

static wg_code walk(core_worker *w, uint32_t level, wg_u128 product, wg_error *err) {
    const core_level *l = &w->plan->levels[level];
    mark_level(w, l);
    walked_list walked = {.level = level, .edge = choose_list(w, l)};
    const wgi_reach *reach = &l->edges[walked.edge].reach;
    const uint32_t from = w->nodes[l->edges[walked.edge].level];
    walked.once = l->edges[walked.edge].kind == WG_PATTERN_EXISTS;
    walked.from = from;
    for (uint32_t i = 0; i < reach->count; i++) {
        walked.nodes = list_of(reach, i, from, &walked.count);
        walked.last = UINT32_MAX;
        walked.skip = i == 1 ? from : UINT32_MAX; /* no id of the domain */
        WG_TRY(walk_list(w, &walked, product, err));
    }
    return WG_OK;
}

/* ---- the levels */

/* Fills the edges from vertices that are set to `vertex`. */
static void add_level(core_plan *plan, uint32_t vertex) {
    const wgi_work *work = plan->work;
    core_level *out = &plan->levels[plan->level_count];
    *out = (core_level){.vertex = vertex};
    for (uint32_t l = 0; l < plan->level_count; l++)
        for (uint32_t e = 0; e < work->term->edge_count; e++) {
            const wg_pattern_edge *edge = &work->term->edges[e];
            const uint32_t before = plan->levels[l].vertex;
            if (!wgi_is_core_edge(edge, before, vertex)) continue;
            out->edges[out->edge_count++] =
                (back_edge){.level = l, .reach = wgi_reach_of(work, edge, before), .kind = edge->kind};
        }
    for (uint32_t i = 0; i < out->edge_count; i++)
        if (out->edge_count > 1 && out->edges[i].level + 1 < plan->level_count) {
            out->edges[i].markable = true;
            out->edges[i].mark = plan->mark_count++;
        }
    plan->level_count++;
}

/* ---- running */

static wg_code begin_worker(core_worker *w, const core_plan *plan, wg_error *err) {
    const size_t words = plan->work->run->node_count / 64 + 1;
    w->begun = true;
    w->plan = plan;
    wg_arena_init(&w->arena, plan->work->run->context->account);
    for (uint32_t i = 0; i < plan->mark_count; i++) {
        w->marks[i] = wg_arena_alloc(&w->arena, words * sizeof(uint64_t));
        if (w->marks[i] == NULL) return wg_error_nomem(err, words * sizeof(uint64_t));
        memset(w->marks[i], 0, words * sizeof(uint64_t));
    }
    return WG_OK;
}

static void add_total(core_worker *w, wg_u128 value) {
    w->overflow = __builtin_add_overflow(w->total, value, &w->total) || w->overflow;
}

/* What matches hold the node as the root; no other worker has it. */
static void note_node(core_worker *w, uint64_t node, wg_u128 count) {
    const wgi_work *work = w->plan->work;
    wg_i128 share;
    if (count == 0) return;
    if (count > (wg_u128)INT64_MAX << 60 ||
        __builtin_mul_overflow((wg_i128)count, (wg_i128)work->term->coefficient, &share) ||
        __builtin_add_overflow(work->per_node[node], share, &work->per_node[node]))
        w->overflow = true;
}

/* Only the root is left: the sum of its values. */
static wg_code sum_root(core_worker *w, uint64_t first, uint64_t last, wg_error *err) {
    uint64_t values[ROOT_GRAIN];
    const bool each = w->plan->work->per_node != NULL;
    WG_TRY(wgi_check(w->plan->work->run->context, err));
    while (first < last) {
        const uint64_t stop = wg_min_u64(first + ROOT_GRAIN, last);
        w->overflow = !wgi_values_of(w->plan->work, w->plan->levels[0].vertex, first, stop, values) || w->overflow;
        wg_u128 sum = 0;
        for (uint64_t i = 0; i < stop - first; i++) sum += values[i];
        for (uint64_t i = 0; i < stop - first && each; i++) note_node(w, first + i, values[i]);
        add_total(w, sum);
        first = stop;
    }
    return WG_OK;
}

/* Edges with the same ends there and back: both lists of a node are walked in step. */
static bool is_pair(const core_plan *plan) {
    const core_level *l = &plan->levels[1];
    return plan->level_count == 2 && l->edge_count == 2 && l->edges[0].reach.count == 1 &&
           l->edges[1].reach.count == 1 && l->edges[0].kind == WG_PATTERN_REQUIRED &&
           l->edges[1].kind == WG_PATTERN_REQUIRED;
}

/* The sum over the nodes that are in both lists, of the number of times in one by that in the other by the node's value. */
static uint64_t sum_common(core_worker *w, const uint32_t *a, uint64_t a_count, const uint32_t *b, uint64_t b_count) {
    const uint32_t vertex = w->plan->levels[1].vertex;
    uint64_t i = 0, k = 0, sum = 0;
    while (i < a_count && k < b_count) {
        const uint32_t x = a[i], y = b[k];
        if (x != y) {
            i += x < y;
            k += y < x;
            continue;
        }
        uint64_t in_a = 0, in_b = 0, value;
        for (; i < a_count && a[i] == x; i++) in_a++;
        for (; k < b_count && b[k] == x; k++) in_b++;
        w->overflow = !wgi_tree_value(w->plan->work, vertex, x, &value) || w->overflow;
        w->overflow = __builtin_mul_overflow(value, in_a * in_b, &value) || w->overflow;
        w->overflow = __builtin_add_overflow(sum, value, &sum) || w->overflow;
    }
    return sum;
}

/* Both lists are those of `node`, and each pair of nodes is there the other way round as well: the larger node of a pair counts for both, and the
 * rest of the lists is not looked at. */
static uint64_t sum_mirrored(uint32_t node, const uint32_t *a, uint64_t i, const uint32_t *b, uint64_t k) {
    uint64_t sum = 0;
    while (i > 0 && k > 0) {
        const uint32_t x = a[i - 1], y = b[k - 1];
        if (x < node || y < node) break;
        if (x != y) {
            i -= x > y;
            k -= y > x;
            continue;
        }
        uint64_t in_a = 0, in_b = 0;
        for (; i > 0 && a[i - 1] == x; i--) in_a++;
        for (; k > 0 && b[k - 1] == x; k--) in_b++;
        sum += (x == node ? 1 : 2) * in_a *
               in_b; /* cannot overflow: there are fewer than 2^32 edges, and all of this is below their square */
    }
    return sum;
}

static bool is_plain(const wgi_work *work, uint32_t vertex) {
    const wgi_work_vertex *v = &work->vertices[vertex];
    return v->value.narrow == NULL && v->value.wide == NULL && v->child_count == 0;
}

/* The pair is one there and one back along the same label, and its nodes are any. */
static bool is_mirrored(const core_plan *plan) {
    const back_edge *a = &plan->levels[1].edges[0], *b = &plan->levels[1].edges[1];
    return a->reach.label == b->reach.label && a->reach.first != b->reach.first && plan->work->per_node == NULL &&
           is_plain(plan->work, plan->levels[0].vertex) && is_plain(plan->work, plan->levels[1].vertex);
}

static wg_code sum_pairs(core_worker *w, uint64_t first, uint64_t last, wg_error *err) {
    const core_level *l = &w->plan->levels[1];
    const bool mirrored = is_mirrored(w->plan);
    WG_TRY(wgi_check(w->plan->work->run->context, err));
    for (uint64_t node = first; node < last; node++) {
        uint64_t a_count, b_count, value;
        const uint32_t *a = list_of(&l->edges[0].reach, 0, node, &a_count);
        const uint32_t *b = list_of(&l->edges[1].reach, 0, node, &b_count);
        if (a_count == 0 || b_count == 0) continue;
        if (mirrored) {
            add_total(w, sum_mirrored((uint32_t)node, a, a_count, b, b_count));
            continue;
        }
        const uint64_t sum = sum_common(w, a, a_count, b, b_count);
        if (sum == 0) continue;
        w->overflow = !wgi_tree_value(w->plan->work, w->plan->levels[0].vertex, node, &value) || w->overflow;
        if (w->plan->work->per_node != NULL) note_node(w, node, (wg_u128)sum * value);
        add_total(w, (wg_u128)sum * value);
    }
    return WG_OK;
}

/* ---- triangles
 *
 * Three vertices, each pair of which an edge joins, and nothing else left: the third is in a list of the first and in one of the second. For each
 * edge between those two the longer list has bits, in the turn of the node whose list it is, and the shorter one is walked. So the steps are
 * those of the shorter lists, none of them a search, and each list gets bits once. */

enum { TURN = 64 };

typedef struct triangle {
    wgi_reach between[2]; /* from the first vertex to the second, and back */
    wgi_reach third[2];   /* from either to the third */
} triangle;

typedef struct triangle_other {
    uint32_t node;
    const uint32_t *lists[2];
    uint64_t counts[2];
} triangle_other;

/* Nodes at the other end of edges of a node, whose lists are walked against the bits of its own. They are asked for one batch ahead. */
typedef struct triangle_batch {
    uint32_t node;
    uint32_t role; /* the node is that vertex; the others are the other one */
    uint32_t count;
    triangle_other others[TURN];
    uint64_t value; /* of the node */
} triangle_batch;

typedef struct triangle_walk {
    core_worker *w;
    triangle t;
    bool plain[2]; /* the vertex's nodes have the value 1 */
    triangle_batch batches[2];
    uint32_t next; /* of the batches, to be filled */
    uint32_t node; /* that has its bits set; UINT32_MAX: none */
    uint32_t role;
} triangle_walk;

static bool triangle_of(const core_plan *plan, triangle *out) {
    const core_level *second = &plan->levels[1], *third = &plan->levels[2];
    if (plan->level_count != 3 || second->edge_count != 1 || third->edge_count != 2) return false;
    const back_edge *edges[3] = {&second->edges[0], &third->edges[0], &third->edges[1]};
    for (uint32_t i = 0; i < 3; i++)
        if (edges[i]->kind != WG_PATTERN_REQUIRED) return false;
    if (edges[1]->level != 0 || edges[2]->level != 1 || plan->work->per_node != NULL) return false;
    *out = (triangle){{edges[0]->reach, edges[0]->reach}, {edges[1]->reach, edges[2]->reach}};
    if (edges[0]->reach.count == 1) out->between[1].first = 1 - out->between[0].first;
    return true;
}

static void mark_own(triangle_walk *x, uint32_t node, uint32_t role, bool set) {
    const back_edge own = {.reach = x->t.third[role], .mark = 0};
    if (node != UINT32_MAX) mark_list(x->w, &own, node, set);
}

/* What the third vertex adds for one list of a node of the batch. */
static void meet_third(triangle_walk *x, const triangle_batch *b, const triangle_other *other, uint32_t part) {
    enum { PIECE = 512 };
    core_worker *w = x->w;
    const core_level *levels = w->plan->levels;
    const uint32_t *nodes = other->lists[part];
    const uint64_t count = other->counts[part];
    const uint32_t skip = part == 1 ? other->node : UINT32_MAX;
    uint32_t kept[PIECE];
    for (uint64_t i = 0; i < count; i += PIECE) {
        const uint32_t n = keep_marked(w->marks[0], nodes + i, (uint32_t)wg_min_u64(PIECE, count - i), kept);
        for (uint32_t k = 0; k < n; k++) {
            uint64_t values[2];
            wg_u128 all = b->value;
            if (kept[k] == skip) continue;
            w->overflow =
                !wgi_tree_value(w->plan->work, levels[1 - b->role].vertex, other->node, &values[0]) || w->overflow;
            w->overflow = !wgi_tree_value(w->plan->work, levels[2].vertex, kept[k], &values[1]) || w->overflow;
            const uint64_t ways = edges_between(&x->t.third[b->role], b->node, kept[k]);
            w->overflow = __builtin_mul_overflow(all, (wg_u128)values[0], &all) || w->overflow;
            w->overflow = __builtin_mul_overflow(all, (wg_u128)values[1], &all) || w->overflow;
            w->overflow = __builtin_mul_overflow(all, (wg_u128)ways, &all) || w->overflow;
            add_total(w, all);
        }
    }
}

static wg_code walk_batch(triangle_walk *x, triangle_batch *b, wg_error *err) {
    core_worker *w = x->w;
    const uint32_t parts = x->t.third[1 - b->role].count;
    if (b->count == 0) return WG_OK;
    if (x->node != b->node || x->role != b->role) {
        mark_own(x, x->node, x->role, false);
        mark_own(x, b->node, b->role, true);
        x->node = b->node;
        x->role = b->role;
    }
    for (uint32_t i = 0; i < b->count; i++)
        for (uint32_t part = 0; part < parts; part++) {
            meet_third(x, b, &b->others[i], part);
            w->steps += (uint32_t)b->others[i].counts[part] + 1;
        }
    b->count = 0;
    if (w->steps < CHECK_STEPS) return WG_OK;
    w->steps = 0;
    return wgi_check(w->plan->work->run->context, err);
}

/* Those of the nodes whose lists are walked in the turn of this one. All lengths are read first, so that misses overlap. */
static void fill_batch(const triangle_walk *x, triangle_batch *b, uint64_t length, const uint32_t *nodes,
                       uint32_t count, uint32_t skip) {
    const wgi_reach *reach = &x->t.third[1 - b->role];
    const uint32_t vertex = x->w->plan->levels[1 - b->role].vertex;
    triangle_other all[TURN];
    for (uint32_t part = 0; part < reach->count; part++) {
        const wg_adjacency_side *side = reach->label->sorted[reach->first + part];
        for (uint32_t i = 0; i < count; i++) {
            if (part == 0) all[i].counts[1] = 0;
            const uint64_t first = wg_adjacency_span(side, nodes[i], &all[i].counts[part]);
            all[i].lists[part] = side->neighbours + first;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t other = all[i].counts[0] + all[i].counts[1];
        uint64_t value;
        if (other - 1 >= length - b->role || nodes[i] == skip)
            continue; /* empty, or it has its own turn with this one */
        if (!x->plain[1 - b->role] && wgi_tree_value(x->w->plan->work, vertex, nodes[i], &value) && value == 0)
            continue;
        all[i].node = nodes[i];
        b->others[b->count++] = all[i];
        for (uint32_t part = 0; part < reach->count; part++) {
            __builtin_prefetch(all[i].lists[part]);
            __builtin_prefetch(all[i].lists[part] + 16);
        }
    }
}

static wg_code triangles_at(triangle_walk *x, uint32_t node, uint32_t role, wg_error *err) {
    core_worker *w = x->w;
    const wgi_reach *between = &x->t.between[role];
    const uint64_t length = length_of(&x->t.third[role], node);
    uint64_t value;
    if (length == 0) return WG_OK;
    w->overflow = !wgi_tree_value(w->plan->work, w->plan->levels[role].vertex, node, &value) || w->overflow;
    for (uint32_t part = 0; part < between->count && value != 0; part++) {
        uint64_t count;
        const uint32_t *nodes = list_of(between, part, node, &count);
        for (uint64_t i = 0; i < count; i += TURN) {
            triangle_batch *b = &x->batches[x->next];
            b->node = node;
            b->role = role;
            b->value = value;
            fill_batch(x, b, length, nodes + i, (uint32_t)wg_min_u64(TURN, count - i), part == 1 ? node : UINT32_MAX);
            if (b->count == 0) continue;
            x->next ^= 1;
            WG_TRY(walk_batch(x, &x->batches[x->next], err));
        }
    }
    return WG_OK;
}

static wg_code sum_triangles(core_worker *w, const triangle *t, uint64_t first, uint64_t last, wg_error *err) {
    triangle_walk x = {.w = w, .t = *t, .node = UINT32_MAX};
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < 2; i++) x.plain[i] = is_plain(w->plan->work, w->plan->levels[i].vertex);
    for (uint64_t node = first; node < last && code == WG_OK; node++) {
        code = triangles_at(&x, (uint32_t)node, 0, err);
        if (code == WG_OK) code = triangles_at(&x, (uint32_t)node, 1, err);
    }
    if (code == WG_OK) code = walk_batch(&x, &x.batches[x.next ^ 1], err);
    mark_own(&x, x.node, x.role, false);
    return code;
}

static wg_code core_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    core_job *job = arg;
    core_worker *w = &job->workers[worker];
    const wgi_node_counts *few = job->plan.work->few;
    if (!w->begun) WG_TRY(begin_worker(w, &job->plan, err));
    if (few == NULL && job->plan.level_count == 1) return sum_root(w, first, last, err);
    if (few == NULL && is_pair(&job->plan)) return sum_pairs(w, first, last, err);
    triangle t;
    if (few == NULL && triangle_of(&job->plan, &t)) return sum_triangles(w, &t, first, last, err);
    for (uint64_t i = first; i < last; i++) {
        const uint32_t node = few != NULL ? few->nodes[i] : (uint32_t)i;
        const wg_u128 before = w->total;
        WG_TRY(enter(w, 0, node, few != NULL ? few->counts[i] : 1, err));
        if (job->plan.work->per_node != NULL) note_node(w, node, w->total - before);
    }
    return WG_OK;
}

wg_code wgi_core_count(wgi_work *work, wg_u128 *out, wg_error *err) {
    const wg_exec_context *c = work->run->context;
    const uint32_t most = wg_pool_workers(c->pool);
    const uint32_t workers = c->threads < most ? c->threads : most;
    core_job *job = wg_arena_alloc(&work->arena, sizeof *job);
    core_worker *states = wg_arena_alloc(&work->arena, workers * sizeof *states);
    if (job == NULL || states == NULL) return wg_error_nomem(err, workers * sizeof *states);
    memset(job, 0, sizeof *job);
    memset(states, 0, workers * sizeof *states);
    job->workers = states;
    job->plan.work = work;
    uint32_t order[WG_PATTERN_VERTICES_MAX];
    const uint32_t levels = wgi_core_order(work, order);
    for (uint32_t i = 0; i < levels; i++) add_level(&job->plan, order[i]);
    const bool few = work->few != NULL;
    const wg_pool_range range = {.count = few ? work->few->count : work->run->node_count,
                                 .grain = few                          ? 1
                                          : job->plan.level_count == 1 ? 8 * ROOT_GRAIN
                                                                       : CORE_GRAIN,
                                 .workers = workers,
                                 .fn = core_piece,
                                 .arg = job};
    const wg_code code = wg_pool_for(c->pool, &range, err);
    *out = 0;
    for (uint32_t i = 0; i < workers; i++) {
        if (!states[i].begun) continue;
        if (states[i].overflow || __builtin_add_overflow(*out, states[i].total, out))
            atomic_store_explicit(&work->overflow, true, memory_order_relaxed);
        wg_arena_deinit(&states[i].arena);
    }
    return code;
}
