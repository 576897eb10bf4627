/* Louvain (Blondel, Guillaume, Lambiotte, Lefebvre: Fast unfolding of communities in large networks, 2008).
 *
 * Level after level: nodes move one after the other, in the order of indices, to the neighbouring community that gains the most modularity
 * (the smallest of equal ones, and none for no gain), until a pass moves nobody or gains less than asked; then each community becomes
 * one node of the next level, numbered by its smallest member, and edges between communities are summed. Since a move changes what the
 * next node finds, moves are done on one thread: that is what makes the answer one answer.
 *
 *   gain of a node of weight k for a community C: w(node, C) - resolution * k * total(C) / 2m */
#include <math.h>

#include "algorithms/algorithms_internal.h"

typedef struct level {
    uint32_t node_count;
    uint64_t *offsets;
    uint32_t *targets;
    double *weights;
    double *loops;   /* twice the weight inside the node */
    double *degrees; /* weights of a node's entries and its loop */
} level;

typedef struct louvain {
    const wg_algo_run *run;
    const wg_louvain_options *options;
    double total; /* 2m */
    level now;
    uint32_t *community; /* of nodes of this level */
    double *totals;      /* of communities */
    double *near;        /* weight to a community; 0 outside of one node's turn */
    uint32_t *touched;
} louvain;

static void level_free(level *l) {
    wg_free(l->offsets);
    wg_free(l->targets);
    wg_free(l->weights);
    wg_free(l->loops);
    wg_free(l->degrees);
    memset(l, 0, sizeof *l);
}

static wg_code level_alloc(const wg_algo_run *run, uint32_t nodes, uint64_t entries, level *out, wg_error *err) {
    level l = {.node_count = nodes};
    void *p[5] = {NULL};
    wg_code code = wgi_array_zero(run, (uint64_t)nodes + 1, sizeof(uint64_t), &p[0], err);
    if (code == WG_OK) code = wgi_array(run, entries, sizeof(uint32_t), &p[1], err);
    if (code == WG_OK) code = wgi_array(run, entries, sizeof(double), &p[2], err);
    if (code == WG_OK) code = wgi_array_zero(run, nodes, sizeof(double), &p[3], err);
    if (code == WG_OK) code = wgi_array_zero(run, nodes, sizeof(double), &p[4], err);
    l.offsets = p[0];
    l.targets = p[1];
    l.weights = p[2];
    l.loops = p[3];
    l.degrees = p[4];
    if (code != WG_OK) level_free(&l);
    else *out = l;
    return code;
}

static void degrees_sum(level *l) {
    for (uint32_t v = 0; v < l->node_count; v++) {
        double sum = l->loops[v];
        for (uint64_t at = l->offsets[v]; at < l->offsets[v + 1]; at++) sum += l->weights[at];
        l->degrees[v] = sum;
    }
}

static wg_code level_first(louvain *x, const wg_graph *graph, wg_error *err) {
    const wg_graph_side *side = &graph->forward;
    WG_TRY(level_alloc(x->run, graph->node_count, side->entry_count, &x->now, err));
    memcpy(x->now.offsets, side->offsets, ((size_t)graph->node_count + 1) * sizeof(uint64_t));
    for (uint64_t i = 0; i < side->entry_count; i++) {
        x->now.targets[i] = side->targets[i];
        x->now.weights[i] = side->weights == NULL ? 1.0 : side->weights[i];
    }
    degrees_sum(&x->now);
    for (uint32_t v = 0; v < graph->node_count; v++) x->total += x->now.degrees[v];
    return WG_OK;
}

/* ---- moving */

/* Weights from v to the communities around it; returns how many there are. */
static uint32_t look_around(louvain *x, uint32_t v) {
    const level *l = &x->now;
    uint32_t count = 0;
    for (uint64_t at = l->offsets[v]; at < l->offsets[v + 1]; at++) {
        const uint32_t c = x->community[l->targets[at]];
        if (x->near[c] < 0) {
            x->near[c] = 0;
            x->touched[count++] = c;
        }
        x->near[c] += l->weights[at];
    }
    return count;
}

/* Moves v where it gains the most; returns the gain. */
static double move_node(louvain *x, uint32_t v) {
    const uint32_t own = x->community[v];
    const double k = x->now.degrees[v];
    const double factor = x->options->resolution * k / x->total;
    const uint32_t count = look_around(x, v);
    x->totals[own] -= k;
    const double stay = (x->near[own] < 0 ? 0 : x->near[own]) - factor * x->totals[own];
    double most = stay;
    uint32_t best = own;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t c = x->touched[i];
        const double gain = x->near[c] - factor * x->totals[c];
        if (gain > most || (gain == most && best != own && c < best)) {
            most = gain;
            best = c;
        }
        x->near[c] = -1;
    }
    x->totals[best] += k;
    x->community[v] = best;
    return best == own ? 0 : most - stay;
}

static wg_code move_all(louvain *x, bool *out_moved, wg_error *err) {
    const uint32_t n = x->now.node_count;
    for (uint32_t v = 0; v < n; v++) {
        x->community[v] = v;
        x->totals[v] = x->now.degrees[v];
        x->near[v] = -1;
    }
    *out_moved = false;
    for (uint32_t i = 0; i < x->options->iterations; i++) {
        double gained = 0;
        for (uint32_t v = 0; v < n; v++) {
            if (v % WGI_NODES == 0) WG_TRY(wgi_check_run(x->run, err));
            gained += move_node(x, v);
        }
        *out_moved |= gained > 0;
        if (gained * 2 / x->total <= x->options->tolerance) break;
    }
    return WG_OK;
}

/* ---- the next level */

/* Numbers communities by their smallest member, in x->touched by old name; returns how many. */
static uint32_t renumber(louvain *x) {
    uint32_t *names = x->touched;
    uint32_t count = 0;
    for (uint32_t c = 0; c < x->now.node_count; c++) names[c] = WG_GRAPH_NONE;
    for (uint32_t v = 0; v < x->now.node_count; v++) {
        const uint32_t c = x->community[v];
        if (names[c] == WG_GRAPH_NONE) names[c] = count++;
        x->community[v] = names[c];
    }
    return count;
}

/* Members of each community, one behind the other. */
static void members_list(const louvain *x, uint32_t count, uint64_t *begins, uint32_t *members) {
    memset(begins, 0, ((size_t)count + 2) * sizeof *begins);
    for (uint32_t v = 0; v < x->now.node_count; v++) begins[x->community[v] + 2]++;
    for (uint32_t c = 0; c <= count; c++) begins[c + 1] += begins[c];
    for (uint32_t v = 0; v < x->now.node_count; v++) members[begins[x->community[v] + 1]++] = v;
}

static wg_code level_join(louvain *x, uint32_t count, const uint64_t *begins, const uint32_t *members,
                          wg_error *err) {
    const level *old = &x->now;
    level next;
    WG_TRY(level_alloc(x->run, count, old->offsets[old->node_count], &next, err));
    uint64_t to = 0;
    for (uint32_t c = 0; c < count; c++) {
        uint32_t around = 0;
        for (uint64_t m = begins[c]; m < begins[c + 1]; m++) {
            const uint32_t v = members[m];
            next.loops[c] += old->loops[v];
            for (uint64_t at = old->offsets[v]; at < old->offsets[v + 1]; at++) {
                const uint32_t other = x->community[old->targets[at]];
                if (x->near[other] < 0) {
                    x->near[other] = 0;
                    x->touched[around++] = other;
                }
                x->near[other] += old->weights[at];
            }
        }
        for (uint32_t i = 0; i < around; i++) {
            const uint32_t other = x->touched[i];
            if (other == c) {
                next.loops[c] += x->near[other];
            } else {
                next.targets[to] = other;
                next.weights[to++] = x->near[other];
            }
            x->near[other] = -1;
        }
        next.offsets[c + 1] = to;
    }
    degrees_sum(&next);
    level_free(&x->now);
    x->now = next;
    return WG_OK;
}

static wg_code level_next(louvain *x, uint32_t *names, uint32_t node_count, wg_error *err) {
    const uint32_t old = x->now.node_count;
    const uint32_t count = renumber(x);
    void *begins = NULL;
    void *members = NULL;
    for (uint32_t v = 0; v < node_count; v++) names[v] = x->community[names[v]];
    wg_code code = wgi_array(x->run, (uint64_t)count + 2, sizeof(uint64_t), &begins, err);
    if (code == WG_OK) code = wgi_array(x->run, old, sizeof(uint32_t), &members, err);
    if (code == WG_OK) {
        members_list(x, count, begins, members);
        code = level_join(x, count, begins, members, err);
    }
    wg_free(begins);
    wg_free(members);
    return code;
}

/* Of the last level, where every community is one node. */
static double modularity_of(const louvain *x) {
    double sum = 0;
    if (x->total <= 0) return 0;
    for (uint32_t c = 0; c < x->now.node_count; c++) {
        const double share = x->now.degrees[c] / x->total;
        sum += x->now.loops[c] / x->total - x->options->resolution * share * share;
    }
    return sum;
}

static wg_code levels(louvain *x, const wg_graph *graph, uint32_t *names, wg_error *err) {
    bool moved = x->total > 0;
    for (uint32_t i = 0; i < x->options->levels && moved; i++) {
        WG_TRY(move_all(x, &moved, err));
        if (moved) WG_TRY(level_next(x, names, graph->node_count, err));
    }
    return WG_OK;
}

/* Communities of the last level are numbered by their smallest member, which is also the first that has the number. */
static void name_by_smallest(louvain *x, uint32_t *names, uint32_t node_count) {
    for (uint32_t v = 0; v < node_count; v++) x->touched[v] = WG_GRAPH_NONE;
    for (uint32_t v = 0; v < node_count; v++) {
        uint32_t *smallest = &x->touched[names[v]];
        if (*smallest == WG_GRAPH_NONE) *smallest = v;
        names[v] = *smallest;
    }
}

wg_code wg_algo_louvain(const wg_algo_run *run, const wg_graph *graph, const wg_louvain_options *options,
                        uint32_t *out_communities, double *out_modularity, wg_error *err) {
    const uint32_t n = graph->node_count;
    louvain x = {.run = run, .options = options};
    void *words = NULL;
    void *doubles = NULL;
    WG_TRY(wgi_need_undirected(graph, "Louvain", err));
    if (graph->forward.weights != NULL && graph->forward.entry_count != 0 &&
        (!(graph->weight_min >= 0) || !(graph->weight_max < (double)INFINITY)))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "Louvain needs weights from 0 up that are finite");
    wg_code code = wgi_array(run, (uint64_t)n * 2, sizeof(uint32_t), &words, err);
    if (code == WG_OK) code = wgi_array(run, (uint64_t)n * 2, sizeof(double), &doubles, err);
    x.community = words;
    x.touched = x.community == NULL ? NULL : x.community + n;
    x.totals = doubles;
    x.near = x.totals == NULL ? NULL : x.totals + n;
    if (code == WG_OK) code = level_first(&x, graph, err);
    for (uint32_t v = 0; v < n && code == WG_OK; v++) out_communities[v] = v;
    if (code == WG_OK) code = levels(&x, graph, out_communities, err);
    if (code == WG_OK) {
        name_by_smallest(&x, out_communities, n);
        *out_modularity = modularity_of(&x);
    }
    level_free(&x.now);
    wg_free(words);
    wg_free(doubles);
    return code;
}
