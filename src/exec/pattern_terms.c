/* PATTERN_COUNT: conditions that two edges or two vertices differ, by inclusion and exclusion.
 *
 * The number of matches in which no condition is violated is the sum over all sets of conditions of (-1)^size times the number of those
 * in which at least these are violated. Vertices that are the same become one. An edge that stands for two directed pattern edges
 * has the same start and the same end in both. Where one of the two has no direction, it may also be walked the other way round; a loop is both, and
 * would be counted twice: [same edge] = [straight] + [crossed] - [a loop, straight and crossed]. What remains in each term is a
 * pattern without conditions, on fewer vertices. Equal terms are added up; many cancel or share one count.
 *
 * How many sets there are grows fast: the planner takes patterns with few conditions only (WG_PATTERN_CHOICES_MAX). */
#include "exec/pattern_internal.h"

typedef struct merge_state {
    uint8_t vertices[WG_PATTERN_VERTICES_MAX]; /* least of the class */
    uint8_t edges[WG_PATTERN_EDGES_MAX];
} merge_state;

typedef struct term_list {
    const wg_pattern *pattern;
    wg_arena *arena;
    wgi_term *terms;
    uint32_t count;
    uint32_t capacity;
} term_list;

static void join(uint8_t *classes, uint32_t count, uint32_t a, uint32_t b) {
    const uint8_t x = classes[a], y = classes[b];
    const uint8_t least = x < y ? x : y, other = x < y ? y : x;
    for (uint32_t i = 0; i < count; i++)
        if (classes[i] == other) classes[i] = least;
}

static int compare_edges(const wg_pattern_edge *a, const wg_pattern_edge *b) {
    if (a->from != b->from) return a->from < b->from ? -1 : 1;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    if (a->label != b->label) return a->label < b->label ? -1 : 1;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return (int)a->undirected - (int)b->undirected;
}

/* The pattern edge that stands for the class of edge `least`. */
static wg_pattern_edge class_edge(const wg_pattern *p, const merge_state *s, uint32_t least) {
    uint32_t chosen = least;
    for (uint32_t i = 0; i < p->edge_count; i++)
        if (s->edges[i] == least && !p->edges[i].undirected) chosen = i;
    wg_pattern_edge edge = p->edges[chosen];
    edge.from = s->vertices[edge.from];
    edge.to = s->vertices[edge.to];
    if (edge.from == edge.to) edge.undirected = false; /* a loop has one direction */
    if (edge.undirected && edge.from > edge.to) {
        const uint32_t from = edge.from;
        edge.from = edge.to;
        edge.to = from;
    }
    return edge;
}

static void make_term(const wg_pattern *p, const merge_state *s, int64_t sign, wgi_term *out) {
    memset(out, 0, sizeof *out);
    out->coefficient = sign;
    for (uint32_t i = 0; i < p->vertex_count; i++) out->class_of[i] = s->vertices[i];
    for (uint32_t i = 0; i < p->edge_count; i++) {
        if (s->edges[i] != i) continue;
        const wg_pattern_edge edge = class_edge(p, s, i);
        uint32_t at = out->edge_count++;
        for (; at > 0 && compare_edges(&out->edges[at - 1], &edge) > 0; at--) out->edges[at] = out->edges[at - 1];
        out->edges[at] = edge;
    }
}

static bool same_term(const wgi_term *a, const wgi_term *b) {
    if (a->edge_count != b->edge_count || memcmp(a->class_of, b->class_of, sizeof a->class_of) != 0) return false;
    for (uint32_t i = 0; i < a->edge_count; i++)
        if (compare_edges(&a->edges[i], &b->edges[i]) != 0) return false;
    return true;
}

/* Directed edges that have become one by way of another one have the same ends too. */
static void close_ends(const wg_pattern *p, merge_state *s) {
    for (uint32_t i = 0; i < p->edge_count; i++)
        for (uint32_t k = i + 1; k < p->edge_count; k++) {
            if (s->edges[i] != s->edges[k] || p->edges[i].undirected || p->edges[k].undirected) continue;
            join(s->vertices, p->vertex_count, p->edges[i].from, p->edges[k].from);
            join(s->vertices, p->vertex_count, p->edges[i].to, p->edges[k].to);
        }
}

static wg_code add_term(term_list *list, const merge_state *s, int64_t sign, wg_error *err) {
    merge_state closed = *s;
    wgi_term term;
    close_ends(list->pattern, &closed);
    make_term(list->pattern, &closed, sign, &term);
    for (uint32_t i = 0; i < list->count; i++)
        if (same_term(&list->terms[i], &term)) {
            list->terms[i].coefficient += sign;
            return WG_OK;
        }
    if (list->count == list->capacity) {
        const uint32_t wanted = list->capacity == 0 ? 16 : list->capacity * 2;
        wgi_term *grown = wg_arena_alloc(list->arena, wanted * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, wanted * sizeof *grown);
        if (list->count > 0) memcpy(grown, list->terms, list->count * sizeof *grown);
        list->terms = grown;
        list->capacity = wanted;
    }
    list->terms[list->count++] = term;
    return WG_OK;
}

/* Both edges are one; `straight`: with the same ends, `crossed`: with exchanged ones. */
static void join_edges(const wg_pattern *p, merge_state *s, const wg_pattern_unlike *u, bool straight, bool crossed) {
    const wg_pattern_edge *x = &p->edges[u->a], *y = &p->edges[u->b];
    join(s->edges, p->edge_count, u->a, u->b);
    if (straight) {
        join(s->vertices, p->vertex_count, x->from, y->from);
        join(s->vertices, p->vertex_count, x->to, y->to);
    }
    if (crossed) {
        join(s->vertices, p->vertex_count, x->from, y->to);
        join(s->vertices, p->vertex_count, x->to, y->from);
    }
}

static wg_code choose(term_list *list, uint32_t at, const merge_state *s, int64_t sign, wg_error *err) {
    const wg_pattern *p = list->pattern;
    if (at == p->unlike_count) return add_term(list, s, sign, err);
    const wg_pattern_unlike *u = &p->unlikes[at];
    merge_state next = *s;
    WG_TRY(choose(list, at + 1, s, sign, err));
    if (!u->is_edges) {
        join(next.vertices, p->vertex_count, u->a, u->b);
        return choose(list, at + 1, &next, -sign, err);
    }
    join_edges(p, &next, u, true, false);
    WG_TRY(choose(list, at + 1, &next, -sign, err));
    if (!p->edges[u->a].undirected && !p->edges[u->b].undirected) return WG_OK;
    next = *s;
    join_edges(p, &next, u, false, true);
    WG_TRY(choose(list, at + 1, &next, -sign, err));
    next = *s;
    join_edges(p, &next, u, true, true);
    return choose(list, at + 1, &next, sign, err);
}

wg_code wgi_pattern_terms(const wg_pattern *pattern, wg_arena *arena, wgi_term **out, uint32_t *out_count,
                          wg_error *err) {
    term_list list = {.pattern = pattern, .arena = arena};
    merge_state alone;
    for (uint32_t i = 0; i < WG_PATTERN_VERTICES_MAX; i++) alone.vertices[i] = (uint8_t)i;
    for (uint32_t i = 0; i < WG_PATTERN_EDGES_MAX; i++) alone.edges[i] = (uint8_t)i;
    WG_TRY(choose(&list, 0, &alone, 1, err));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (list.terms[i].coefficient != 0) list.terms[kept++] = list.terms[i];
    *out = list.terms;
    *out_count = kept;
    return WG_OK;
}
