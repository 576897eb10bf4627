/* Louvain (Blondel, Guillaume, Lambiotte, Lefebvre: Fast unfolding of communities in large networks, 2008).
 *
 * Level after level: nodes move to the neighbouring community that gains the most modularity (the smallest of equal ones, and none for no
 * gain), until a pass moves nobody or gains less than asked; then each community becomes one node of the next level, numbered by its
 * smallest member, and edges between communities are summed.
 *
 * A move changes what the next node finds. In a small level nodes move one after the other, in the order of indices. In a large one they are dealt
 * to 16 classes by a hash of their index: the nodes of a class choose at the same time, all by what stood before any of them moved, and then
 * move in the order of indices. Neighbours are seldom of one class; a node alone in its community joins another such one only when that has the
 * smaller name, so that two do not change places for ever; who has no neighbour that moved since it chose does not choose again. Nothing depends on how many workers share the choosing.
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

enum { CLASSES = 16, BLOCK = 8, CLASSED_MIN = 8192, CHOICES = 512, AHEAD = 8, JOINS = 512, WORKERS_MAX = 16 };

/* What one worker looks around with: weight to a community, below 0 outside of one node's turn, and the communities that have one. */
typedef struct surroundings {
    double *near;
    uint32_t *touched;
} surroundings;

typedef struct louvain {
    const wg_algo_run *run;
    const wg_louvain_options *options;
    double total; /* 2m */
    level now;
    uint32_t *community; /* of nodes of this level */
    double *totals;      /* of communities */
    uint32_t *sizes;     /* nodes of communities */
    uint32_t *names;     /* scratch, a word a node */
    surroundings around[WORKERS_MAX];
    uint32_t workers;
    uint32_t *order;     /* nodes by class */
    uint32_t *wanted;    /* communities, by place in `order` */
    double *gains;       /* by piece of `order` */
    _Atomic bool *awake; /* a neighbour has moved since the node chose; relaxed: written and read in turns */
    uint64_t class_first;
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

static wg_code sum_degrees(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    level *l = arg;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        double sum = l->loops[v];
        for (uint64_t at = l->offsets[v]; at < l->offsets[v + 1]; at++) sum += l->weights[at];
        l->degrees[v] = sum;
    }
    return WG_OK;
}

typedef struct copying {
    const wg_graph_side *side;
    level *to;
} copying;

static wg_code copy_entries(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const copying *c = arg;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        c->to->targets[i] = c->side->targets[i];
        c->to->weights[i] = c->side->weights == NULL ? 1.0 : c->side->weights[i];
    }
    return WG_OK;
}

static wg_code level_first(louvain *x, const wg_graph *graph, wg_error *err) {
    const wg_graph_side *side = &graph->forward;
    WG_TRY(level_alloc(x->run, graph->node_count, side->entry_count, &x->now, err));
    for (uint64_t v = 0; v <= graph->node_count; v++) x->now.offsets[v] = side->offsets[v];
    copying c = {side, &x->now};
    WG_TRY(wgi_for(x->run, side->entry_count, 1 << 16, copy_entries, &c, err));
    WG_TRY(wgi_for(x->run, graph->node_count, WGI_NODES, sum_degrees, &x->now, err));
    for (uint32_t v = 0; v < graph->node_count; v++) x->total += x->now.degrees[v];
    return WG_OK;
}

/* ---- moving */

/* Weights from v to the communities around it; returns how many there are. */
static uint32_t look_around(const louvain *x, const surroundings *s, uint32_t v) {
    const level *l = &x->now;
    uint32_t count = 0;
    for (uint64_t at = l->offsets[v]; at < l->offsets[v + 1]; at++) {
        const uint32_t c = x->community[l->targets[at]];
        if (s->near[c] < 0) {
            s->near[c] = 0;
            s->touched[count++] = c;
        }
        s->near[c] += l->weights[at];
    }
    return count;
}

/* Where v gains the most, its own community when nowhere; *out_gain: over staying. */
static uint32_t choose(const louvain *x, const surroundings *s, uint32_t v, double *out_gain) {
    const uint32_t own = x->community[v];
    const double k = x->now.degrees[v];
    const double factor = x->options->resolution * k / x->total;
    const uint32_t count = look_around(x, s, v);
    const double stay = (s->near[own] < 0 ? 0 : s->near[own]) - factor * (x->totals[own] - k);
    double most = stay;
    uint32_t best = own;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t c = s->touched[i];
        const double gain = c == own ? stay : s->near[c] - factor * x->totals[c];
        if (gain > most || (gain == most && best != own && c < best)) {
            most = gain;
            best = c;
        }
        s->near[c] = -1;
    }
    *out_gain = best == own ? 0 : most - stay;
    return best;
}

static void move(louvain *x, uint32_t v, uint32_t to) {
    const uint32_t own = x->community[v];
    if (to == own) return;
    x->totals[own] -= x->now.degrees[v];
    x->totals[to] += x->now.degrees[v];
    x->sizes[own]--;
    x->sizes[to]++;
    x->community[v] = to;
}

static wg_code pass_in_turn(louvain *x, double *out_gained, wg_error *err) {
    for (uint32_t v = 0; v < x->now.node_count; v++) {
        double gain;
        if (v % WGI_NODES == 0) WG_TRY(wgi_check_run(x->run, err));
        move(x, v, choose(x, &x->around[0], v, &gain));
        *out_gained += gain;
    }
    return WG_OK;
}

/* Nodes of a class lie apart: the lists of one further on are asked for, those of one half as far are there soon. */
static void prefetch_lists(const level *l, const uint32_t *order) {
    const uint64_t at = l->offsets[order[AHEAD / 2]];
    __builtin_prefetch(&l->offsets[order[AHEAD]]);
    for (uint64_t line = 0; line < 4; line++) {
        __builtin_prefetch((const uint8_t *)(l->targets + at) + line * 64);
        __builtin_prefetch((const uint8_t *)(l->weights + at) + line * 64);
    }
}

static wg_code choose_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const louvain *x = arg;
    double gained = 0;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t v = x->order[x->class_first + i];
        double gain;
        if (!atomic_load_explicit(&x->awake[v], memory_order_relaxed)) {
            x->wanted[x->class_first + i] = x->community[v];
            continue;
        }
        atomic_store_explicit(&x->awake[v], false, memory_order_relaxed);
        if (i + AHEAD < last) prefetch_lists(&x->now, x->order + x->class_first + i);
        uint32_t to = choose(x, &x->around[worker], v, &gain);
        const bool both_alone = x->sizes[x->community[v]] == 1 && x->sizes[to] == 1;
        if (both_alone && to > x->community[v]) {
            to = x->community[v];
            gain = 0;
        }
        x->wanted[x->class_first + i] = to;
        gained += gain;
    }
    x->gains[first / CHOICES] = gained;
    return WG_OK;
}

/* Who has moved wakes its neighbours. */
static wg_code wake_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const louvain *x = arg;
    const level *l = &x->now;
    (void)worker;
    (void)err;
    for (uint64_t i = x->class_first + first; i < x->class_first + last; i++) {
        if (x->wanted[i] == WG_GRAPH_NONE) continue;
        for (uint64_t at = l->offsets[x->order[i]]; at < l->offsets[x->order[i] + 1]; at++)
            if (!atomic_load_explicit(&x->awake[l->targets[at]], memory_order_relaxed))
                atomic_store_explicit(&x->awake[l->targets[at]], true, memory_order_relaxed);
    }
    return WG_OK;
}

/* Returns whether anybody moved; wanted[] is NONE for the others then. */
static bool move_class(louvain *x, uint64_t count) {
    bool any = false;
    for (uint64_t i = x->class_first; i < x->class_first + count; i++) {
        const bool stays = x->wanted[i] == x->community[x->order[i]];
        if (stays) x->wanted[i] = WG_GRAPH_NONE;
        else move(x, x->order[i], x->wanted[i]);
        any = any || !stays;
    }
    return any;
}

static uint32_t class_of(uint32_t v, uint32_t pass) {
    const uint64_t block = ((uint64_t)v + pass * 3) / BLOCK;
    return (uint32_t)(wg_hash64_u64(block | (uint64_t)pass << 32) % CLASSES);
}

/* Nodes by class, those of a class by index, a few neighbours in memory together; begins[c] is where class c begins. Other classes in each pass: who was of one class
 * with a neighbour, and so chose without knowing of it, is not again. */
static void deal(louvain *x, uint32_t pass, uint64_t begins[CLASSES + 1]) {
    uint64_t at[CLASSES + 1] = {0};
    for (uint32_t v = 0; v < x->now.node_count; v++) at[class_of(v, pass) + 1]++;
    for (uint32_t c = 0; c < CLASSES; c++) at[c + 1] += at[c];
    memcpy(begins, at, sizeof at);
    for (uint32_t v = 0; v < x->now.node_count; v++) x->order[at[class_of(v, pass)]++] = v;
}

static wg_code pass_by_class(louvain *x, uint32_t pass, double *out_gained, wg_error *err) {
    uint64_t begins[CLASSES + 1];
    wg_algo_run run = *x->run;
    run.workers = x->workers;
    deal(x, pass, begins);
    for (uint32_t c = 0; c < CLASSES; c++) {
        const uint64_t count = begins[c + 1] - begins[c];
        x->class_first = begins[c];
        WG_TRY(wgi_for(&run, count, CHOICES, choose_piece, x, err));
        if (move_class(x, count)) WG_TRY(wgi_for(&run, count, CHOICES, wake_piece, x, err));
        for (uint64_t piece = 0; piece * CHOICES < count; piece++) *out_gained += x->gains[piece];
    }
    return WG_OK;
}

static wg_code move_all(louvain *x, bool *out_moved, wg_error *err) {
    const uint32_t n = x->now.node_count;
    for (uint32_t v = 0; v < n; v++) {
        x->community[v] = v;
        x->totals[v] = x->now.degrees[v];
        x->sizes[v] = 1;
        atomic_init(&x->awake[v], true);
    }
    *out_moved = false;
    for (uint32_t i = 0; i < x->options->iterations; i++) {
        double gained = 0;
        if (n >= CLASSED_MIN) WG_TRY(pass_by_class(x, i, &gained, err));
        else WG_TRY(pass_in_turn(x, &gained, err));
        *out_moved |= gained > 0;
        if (gained * 2 / x->total <= x->options->tolerance) break;
    }
    return WG_OK;
}

/* ---- the next level */

/* Numbers communities by their smallest member; returns how many. */
static uint32_t renumber(louvain *x) {
    uint32_t *names = x->names;
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

typedef struct joining {
    const louvain *x;
    const uint64_t *begins; /* of members, by community */
    const uint32_t *members;
    uint64_t *rooms; /* where each community writes, until all is moved together */
    level *next;     /* offsets: counts at first, of community c at c + 1 */
} joining;

static wg_code join_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const joining *j = arg;
    const level *old = &j->x->now;
    const surroundings *s = &j->x->around[worker];
    (void)err;
    for (uint64_t c = first; c < last; c++) {
        uint32_t around = 0;
        uint64_t to = j->rooms[c];
        for (uint64_t m = j->begins[c]; m < j->begins[c + 1]; m++) {
            const uint32_t v = j->members[m];
            j->next->loops[c] += old->loops[v];
            for (uint64_t at = old->offsets[v]; at < old->offsets[v + 1]; at++) {
                const uint32_t other = j->x->community[old->targets[at]];
                if (s->near[other] < 0) {
                    s->near[other] = 0;
                    s->touched[around++] = other;
                }
                s->near[other] += old->weights[at];
            }
        }
        for (uint32_t i = 0; i < around; i++) {
            const uint32_t other = s->touched[i];
            if (other == c) {
                j->next->loops[c] += s->near[other];
            } else {
                j->next->targets[to] = other;
                j->next->weights[to++] = s->near[other];
            }
            s->near[other] = -1;
        }
        j->next->offsets[c + 1] = to - j->rooms[c];
    }
    return WG_OK;
}

/* Each community has room for all entries of its members, and writes what is left of them. */
static void find_rooms(const joining *j, uint32_t count) {
    const level *old = &j->x->now;
    uint64_t room = 0;
    for (uint32_t c = 0; c < count; c++) {
        j->rooms[c] = room;
        for (uint64_t m = j->begins[c]; m < j->begins[c + 1]; m++)
            room += old->offsets[j->members[m] + 1] - old->offsets[j->members[m]];
    }
}

static void move_together(const joining *j, uint32_t count) {
    level *next = j->next;
    uint64_t to = 0;
    for (uint32_t c = 0; c < count; c++) {
        const uint64_t entries = next->offsets[c + 1];
        memmove(next->targets + to, next->targets + j->rooms[c], entries * sizeof *next->targets);
        memmove(next->weights + to, next->weights + j->rooms[c], entries * sizeof *next->weights);
        to += entries;
        next->offsets[c + 1] = to;
    }
}

static wg_code level_join(louvain *x, uint32_t count, const uint64_t *begins, const uint32_t *members,
                          wg_error *err) {
    level next;
    void *rooms = NULL;
    wg_algo_run run = *x->run;
    run.workers = x->workers;
    WG_TRY(level_alloc(x->run, count, x->now.offsets[x->now.node_count], &next, err));
    wg_code code = wgi_array(x->run, count, sizeof(uint64_t), &rooms, err);
    joining j = {x, begins, members, rooms, &next};
    if (code == WG_OK) {
        find_rooms(&j, count);
        code = wgi_for(&run, count, JOINS, join_piece, &j, err);
    }
    if (code == WG_OK) {
        move_together(&j, count);
        code = wgi_for(x->run, count, WGI_NODES, sum_degrees, &next, err);
    }
    wg_free(rooms);
    if (code != WG_OK) {
        level_free(&next);
        return code;
    }
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
    for (uint32_t v = 0; v < node_count; v++) x->names[v] = WG_GRAPH_NONE;
    for (uint32_t v = 0; v < node_count; v++) {
        uint32_t *smallest = &x->names[names[v]];
        if (*smallest == WG_GRAPH_NONE) *smallest = v;
        names[v] = *smallest;
    }
}

static void scratch_free(louvain *x) {
    wg_free(x->community);
    wg_free(x->totals);
    wg_free(x->awake);
    for (uint32_t w = 0; w < x->workers; w++) {
        wg_free(x->around[w].near);
        wg_free(x->around[w].touched);
    }
}

/* Words: communities, sizes, names, nodes by class, what they want. Doubles: totals, gains. */
static wg_code scratch_alloc(louvain *x, uint64_t n, wg_error *err) {
    void *p = NULL;
    WG_TRY(wgi_array(x->run, n * 5, sizeof(uint32_t), &p, err));
    x->community = p;
    x->sizes = x->community + n;
    x->names = x->sizes + n;
    x->order = x->names + n;
    x->wanted = x->order + n;
    WG_TRY(wgi_array(x->run, n + n / CHOICES + 1, sizeof(double), &p, err));
    x->totals = p;
    x->gains = x->totals + n;
    WG_TRY(wgi_array(x->run, n, sizeof(bool), &p, err));
    x->awake = p;
    for (uint32_t w = 0; w < x->workers; w++) {
        WG_TRY(wgi_array(x->run, n, sizeof(double), &p, err));
        x->around[w].near = p;
        WG_TRY(wgi_array(x->run, n, sizeof(uint32_t), &p, err));
        x->around[w].touched = p;
        for (uint64_t v = 0; v < n; v++) x->around[w].near[v] = -1;
    }
    return WG_OK;
}

wg_code wg_algo_louvain(const wg_algo_run *run, const wg_graph *graph, const wg_louvain_options *options,
                        uint32_t *out_communities, double *out_modularity, wg_error *err) {
    const uint32_t n = graph->node_count;
    louvain x = {.run = run, .options = options, .workers = wgi_workers(run)};
    if (x.workers > WORKERS_MAX) x.workers = WORKERS_MAX;
    if (n < CLASSED_MIN) x.workers = 1;
    WG_TRY(wgi_need_undirected(graph, "Louvain", err));
    if (graph->forward.weights != NULL && graph->forward.entry_count != 0 &&
        (!(graph->weight_min >= 0) || !(graph->weight_max < (double)INFINITY)))
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "Louvain needs weights from 0 up that are finite");
    wg_code code = scratch_alloc(&x, n, err);
    if (code == WG_OK) code = level_first(&x, graph, err);
    for (uint32_t v = 0; v < n && code == WG_OK; v++) out_communities[v] = v;
    if (code == WG_OK) code = levels(&x, graph, out_communities, err);
    if (code == WG_OK) {
        name_by_smallest(&x, out_communities, n);
        *out_modularity = modularity_of(&x);
    }
    level_free(&x.now);
    scratch_free(&x);
    return code;
}
