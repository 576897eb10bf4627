/* A shortest walk between two nodes over the adjacency, breadth-first from both ends.
 *
 * Level by level the side whose level has fewer edges goes on, until a level of one side holds nodes of the other. A search from `from`
 * alone gives the walk whose first place in a list that differs comes earlier, because its queue is in that order. The same walk is found
 * here: the queue of the near side is in that order too, so the first node of its last level that the far side knows has the least
 * beginning; from there on the first entry that comes nearer to `to`, list by list, gives the least end.
 *
 * Levels are kept in a byte a node, which are put back after each search, so a search costs what it meets. */
#include "exec/neighbours.h"

enum { LEVEL_MAX = 100, CHECK_STEPS = 1 << 16 };

typedef struct pair_side {
    uint8_t *levels; /* level + 1; 0: not met */
    uint32_t *queue;
    uint32_t *parents; /* index into queue; near side only */
    uint32_t *arrived; /* edge; near side only */
    size_t capacity;
    uint32_t count;
    uint32_t first; /* of the last level */
    uint32_t level;
    bool reverse;
} pair_side;

struct wgi_pair_search {
    const wgi_neighbours *neighbours;
    const wg_exec_context *context;
    pair_side sides[2]; /* near, far */
    uint64_t steps;
    uint64_t edges[2 * LEVEL_MAX + 2];
};

wg_code wgi_pair_search_create(const wgi_neighbours *neighbours, const wg_exec_context *context,
                               wgi_pair_search **out, wg_error *err) {
    wgi_pair_search *s = wg_alloc_zero(context->account, sizeof *s);
    if (s == NULL) return wg_error_nomem(err, sizeof *s);
    s->neighbours = neighbours;
    s->context = context;
    s->sides[1].reverse = true;
    for (int i = 0; i < 2; i++) {
        s->sides[i].levels = wg_alloc_zero(context->account, neighbours->node_count + 1);
        if (s->sides[i].levels != NULL) continue;
        wgi_pair_search_destroy(s);
        return wg_error_nomem(err, neighbours->node_count);
    }
    *out = s;
    return WG_OK;
}

void wgi_pair_search_destroy(wgi_pair_search *search) {
    if (search == NULL) return;
    for (int i = 0; i < 2; i++) {
        wg_free(search->sides[i].levels);
        wg_free(search->sides[i].queue);
        wg_free(search->sides[i].parents);
        wg_free(search->sides[i].arrived);
    }
    wg_free(search);
}

static bool grow(const wgi_pair_search *s, pair_side *side) {
    const size_t wanted = side->capacity == 0 ? 1024 : side->capacity * 2;
    wg_account *account = s->context->account;
    uint32_t **arrays[] = {&side->queue, &side->parents, &side->arrived};
    for (int i = 0; i < (side->reverse ? 1 : 3); i++) {
        uint32_t *p = wg_realloc(account, *arrays[i], wanted * sizeof *p);
        if (p == NULL) return false;
        *arrays[i] = p;
    }
    side->capacity = wanted;
    return true;
}

static wg_code meet(wgi_pair_search *s, pair_side *side, uint32_t node, uint32_t parent, uint32_t edge,
                    wg_error *err) {
    if (side->count == side->capacity && !grow(s, side)) return wg_error_nomem(err, side->capacity * 8);
    side->levels[node] = (uint8_t)(side->level + 1);
    side->queue[side->count] = node;
    if (!side->reverse) {
        side->parents[side->count] = parent;
        side->arrived[side->count] = edge;
    }
    side->count++;
    return WG_OK;
}

static wg_code begin(wgi_pair_search *s, pair_side *side, uint64_t node, wg_error *err) {
    side->count = side->first = side->level = 0;
    return meet(s, side, (uint32_t)node, 0, 0, err);
}

static void put_back(pair_side *side) {
    for (uint32_t i = 0; i < side->count; i++) side->levels[side->queue[i]] = 0;
    side->count = 0;
}

static uint64_t edges_ahead(const wgi_pair_search *s, const pair_side *side) {
    uint64_t all = 0;
    for (uint32_t i = side->first; i < side->count; i++)
        for (uint32_t l = 0; l < wgi_neighbours_list_count(s->neighbours); l++)
            all += wgi_neighbours_list(s->neighbours, l, side->queue[i], side->reverse).count;
    return all;
}

/* Meets the next level. *out_met: the other side knows a node of it. */
static wg_code advance(wgi_pair_search *s, pair_side *side, const pair_side *other, bool *out_met, wg_error *err) {
    const uint32_t last = side->count;
    const uint32_t lists = wgi_neighbours_list_count(s->neighbours);
    side->level++;
    for (uint32_t i = side->first; i < last; i++) {
        const uint32_t from = side->queue[i];
        for (uint32_t l = 0; l < lists; l++) {
            const wgi_neighbour_list list = wgi_neighbours_list(s->neighbours, l, from, side->reverse);
            s->steps += list.count + 1;
            for (uint64_t k = 0; k < list.count; k++) {
                const uint32_t node = list.nodes[k];
                if (side->levels[node] != 0) continue;
                WG_TRY(meet(s, side, node, i, side->reverse ? 0 : list.edges[k],
                            err)); /* the far side's are found later */
                *out_met = *out_met || other->levels[node] != 0;
            }
        }
        if (s->steps < CHECK_STEPS) continue;
        s->steps = 0;
        WG_TRY(wgi_check(s->context, err));
    }
    side->first = last;
    return WG_OK;
}

/* The edge of the first entry that leads one level nearer to the far end. */
static uint32_t step_nearer(const wgi_pair_search *s, uint32_t *node) {
    const uint8_t *levels = s->sides[1].levels;
    const uint8_t wanted = (uint8_t)(levels[*node] - 1);
    for (uint32_t l = 0; l < wgi_neighbours_list_count(s->neighbours); l++) {
        const wgi_neighbour_list list = wgi_neighbours_list(s->neighbours, l, *node, false);
        for (uint64_t k = 0; k < list.count; k++) {
            if (levels[list.nodes[k]] != wanted) continue;
            *node = list.nodes[k];
            return list.edges[k];
        }
    }
    WG_UNREACHABLE("a level of the far side without a way to the one before");
}

static uint32_t take_walk(wgi_pair_search *s) {
    const pair_side *near = &s->sides[0], *far = &s->sides[1];
    uint32_t at = near->first;
    while (far->levels[near->queue[at]] == 0) at++;
    uint32_t node = near->queue[at], n = near->level;
    for (uint32_t i = near->level; i-- > 0; at = near->parents[at]) s->edges[i] = near->arrived[at];
    while (far->levels[node] > 1) s->edges[n++] = step_nearer(s, &node);
    return n;
}

static wg_code search(wgi_pair_search *s, uint32_t hops_max, uint32_t *out_count, wgi_pair_result *out,
                      wg_error *err) {
    pair_side *near = &s->sides[0], *far = &s->sides[1];
    bool met = false;
    *out = WGI_PAIR_NONE;
    while (!met) {
        if (near->first == near->count || far->first == far->count || near->level + far->level >= hops_max)
            return WG_OK;
        if (near->level == LEVEL_MAX || far->level == LEVEL_MAX) {
            *out = WGI_PAIR_TOO_LONG;
            return WG_OK;
        }
        if (edges_ahead(s, near) <= edges_ahead(s, far)) WG_TRY(advance(s, near, far, &met, err));
        else WG_TRY(advance(s, far, near, &met, err));
    }
    *out = WGI_PAIR_FOUND;
    *out_count = take_walk(s);
    return WG_OK;
}

wg_code wgi_pair_search_run(wgi_pair_search *s, uint64_t from, uint64_t to, uint32_t hops_max,
                            const uint64_t **out_edges, uint32_t *out_count, wgi_pair_result *out, wg_error *err) {
    WG_ASSERT(from != to);
    *out = WGI_PAIR_NONE;
    if (from >= s->neighbours->node_count || to >= s->neighbours->node_count) return WG_OK; /* without any edge */
    wg_code code = begin(s, &s->sides[0], from, err);
    if (code == WG_OK) code = begin(s, &s->sides[1], to, err);
    if (code == WG_OK) code = search(s, hops_max, out_count, out, err);
    put_back(&s->sides[0]);
    put_back(&s->sides[1]);
    *out_edges = s->edges;
    return code;
}
