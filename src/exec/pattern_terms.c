/* PATTERN_COUNT: conditions that two edges or two vertices differ, by inclusion and exclusion.
 *
 * The number of matches in which no condition is violated is the sum over all sets of conditions of (-1)^size times the number of those
 * in which at least these are violated. Vertices that are the same become one. An edge that stands for two directed pattern edges
 * has the same start and the same end in both. Where one of the two has no direction, it may also be walked the other way round; a loop is both, and
 * would be counted twice: [same edge] = [straight] + [crossed] - [a loop, straight and crossed]. What remains in each term is a
 * pattern without conditions, on fewer vertices. Equal terms are added up; many cancel or share one count.
 *
 * An edge that must be absent is resolved in the same way where the rest of the term is a tree: all matches of the tree, which is folded, less
 * those where the edge exists, which are found by intersection.
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
    for (uint32_t i = 0; i < p->edge_count; i++)
        if (s->edges[i] == least && p->edges[i].label >= WG_PATTERN_SET) edge.label = p->edges[i].label;
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

/* True when a match of edge `there` is one of what `asked` asks for. */
static bool implies(const wg_pattern_edge *there, const wg_pattern_edge *asked) {
    if (there->kind != WG_PATTERN_REQUIRED || there->label != asked->label) return false;
    if (there->undirected && !asked->undirected) return false;
    return (there->from == asked->from && there->to == asked->to) ||
           (asked->undirected && there->from == asked->to && there->to == asked->from);
}

static void drop_edge(wgi_term *term, uint32_t at) {
    term->edge_count--;
    memmove(&term->edges[at], &term->edges[at + 1], (term->edge_count - at) * sizeof term->edges[0]);
}

/* Takes away conditions that edges of the term fulfil by themselves; false: one of them can never hold. */
static bool simplify(wgi_term *term) {
    for (uint32_t i = 0; i < term->edge_count;) {
        const wg_pattern_edge asked = term->edges[i];
        bool known = false;
        for (uint32_t k = 0; k < term->edge_count; k++) {
            const wg_pattern_edge *other = &term->edges[k];
            known = known || implies(other, &asked);
            known = known || (k < i && asked.kind != WG_PATTERN_REQUIRED && asked.kind != WG_PATTERN_OPTIONAL &&
                              compare_edges(other, &asked) == 0);
        }
        if (!known || asked.kind == WG_PATTERN_REQUIRED || asked.kind == WG_PATTERN_OPTIONAL) {
            i++;
            continue;
        }
        for (uint32_t k = 0; k < term->edge_count; k++)
            if (asked.kind == WG_PATTERN_ABSENT && implies(&term->edges[k], &asked)) return false;
        drop_edge(term, i);
    }
    return true;
}

/* An edge that must be absent between vertices that a tree of other edges connects: with it nodes would be set one by one, without it
 * the tree is folded. UINT32_MAX: there is none. */
static uint32_t edge_to_split(const wg_pattern *p, const wgi_term *term) {
    uint32_t alive = 0, others = 0, absent = UINT32_MAX;
    for (uint32_t i = 0; i < p->vertex_count; i++) alive += term->class_of[i] == i;
    for (uint32_t i = 0; i < term->edge_count; i++) {
        const wg_pattern_edge *edge = &term->edges[i];
        if (edge->from == edge->to) continue;
        if (edge->kind == WG_PATTERN_ABSENT && absent == UINT32_MAX) absent = i;
        else if (edge->kind != WG_PATTERN_ABSENT) others++;
    }
    if (absent == UINT32_MAX || others + 1 != alive) return UINT32_MAX;
    for (uint32_t end = 0; end < 2; end++) {
        const uint32_t vertex = end == 0 ? term->edges[absent].from : term->edges[absent].to;
        bool held = false;
        for (uint32_t i = 0; i < term->edge_count; i++)
            held = held || (i != absent && term->edges[i].kind != WG_PATTERN_ABSENT &&
                            (term->edges[i].from == vertex || term->edges[i].to == vertex));
        if (!held) return UINT32_MAX; /* a leaf: a factor of the other end */
    }
    return absent;
}

static wg_code append_term(term_list *list, const wgi_term *term, wg_error *err) {
    for (uint32_t i = 0; i < list->count; i++)
        if (same_term(&list->terms[i], term)) {
            list->terms[i].coefficient += term->coefficient;
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
    list->terms[list->count++] = *term;
    return WG_OK;
}

/* Matches where an edge is absent are all but those where it exists. */
static wg_code split_term(term_list *list, wgi_term *term, wg_error *err) {
    if (!simplify(term)) return WG_OK;
    const uint32_t absent = edge_to_split(list->pattern, term);
    if (absent == UINT32_MAX) return append_term(list, term, err);
    wgi_term other = *term;
    drop_edge(&other, absent);
    WG_TRY(split_term(list, &other, err));
    other = *term;
    other.coefficient = -term->coefficient;
    other.edges[absent].kind = WG_PATTERN_EXISTS;
    for (uint32_t at = absent; at > 0 && compare_edges(&other.edges[at - 1], &other.edges[at]) > 0; at--) {
        const wg_pattern_edge edge = other.edges[at];
        other.edges[at] = other.edges[at - 1];
        other.edges[at - 1] = edge;
    }
    return split_term(list, &other, err);
}

static wg_code add_term(term_list *list, const merge_state *s, int64_t sign, wg_error *err) {
    merge_state closed = *s;
    wgi_term term;
    close_ends(list->pattern, &closed);
    make_term(list->pattern, &closed, sign, &term);
    return split_term(list, &term, err);
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

static bool may_be_same(const wg_pattern *p, uint32_t a, uint32_t b) {
    uint32_t labels[2] = {p->edges[a].label, p->edges[b].label};
    for (int i = 0; i < 2; i++)
        if (labels[i] >= WG_PATTERN_SET) labels[i] = p->sets[labels[i] - WG_PATTERN_SET].label;
    return labels[0] == labels[1];
}

/* A match gives each edge one of its labels: the terms of every choice of labels are added up. */
static wg_code each_label(term_list *list, wg_pattern_edge *edges, uint32_t at, wg_error *err) {
    const wg_pattern *all = list->pattern;
    wg_pattern_unlike unlikes[WG_PATTERN_UNLIKES_MAX];
    merge_state alone;
    if (at < all->edge_count) {
        for (uint32_t i = 0; i < all->edges[at].label_count; i++) {
            if (all->edges[at].label_count > 1) edges[at].label = all->edges[at].labels[i];
            WG_TRY(each_label(list, edges, at + 1, err));
        }
        return WG_OK;
    }
    for (uint32_t i = 0; i < WG_PATTERN_VERTICES_MAX; i++) alone.vertices[i] = (uint8_t)i;
    for (uint32_t i = 0; i < WG_PATTERN_EDGES_MAX; i++) alone.edges[i] = (uint8_t)i;
    wg_pattern one = *all;
    one.edges = edges;
    one.unlikes = unlikes;
    one.unlike_count = 0;
    for (uint32_t i = 0; i < all->unlike_count; i++)
        if (!all->unlikes[i].is_edges || may_be_same(&one, all->unlikes[i].a, all->unlikes[i].b))
            unlikes[one.unlike_count++] = all->unlikes[i];
    list->pattern = &one;
    const wg_code code = choose(list, 0, &alone, 1, err);
    list->pattern = all;
    return code;
}

wg_code wgi_pattern_terms(const wg_pattern *pattern, wg_arena *arena, wgi_term **out, uint32_t *out_count,
                          wg_error *err) {
    term_list list = {.pattern = pattern, .arena = arena};
    wg_pattern_edge edges[WG_PATTERN_EDGES_MAX];
    memcpy(edges, pattern->edges, pattern->edge_count * sizeof edges[0]);
    WG_TRY(each_label(&list, edges, 0, err));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (list.terms[i].coefficient != 0) list.terms[kept++] = list.terms[i];
    *out = list.terms;
    *out_count = kept;
    return WG_OK;
}
