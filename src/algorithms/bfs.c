/* Breadth-first search, direction-optimising (Beamer, Asanovic, Patterson: Direction-optimizing breadth-first search, SC 2012).
 *
 * A level is made in one of two ways. Down: every node of the frontier looks at its successors; a node that is found for the first time
 * gets its parent by an atomic minimum, so that the smallest wins whoever comes first. Up, when the frontier has many edges: every node
 * without a depth looks through its predecessors, which are ascending, for the first that is in the frontier, which is the smallest;
 * it writes to no other node. Depths and parents are therefore the same on either way and on any number of workers, and so is the
 * choice of the way, which depends on sums over the frontier.
 *
 * `done` has a bit for each node that needs no more looks: those with a depth of a level before, and those that no edge reaches. It fits the
 * cache of a core where depths and parents do not, and no level changes it while it is read. What will be touched soon is asked for
 * ahead, because the processor does not look past a locked instruction. */
#include "algorithms/algorithms_internal.h"

enum { ALPHA = 15, BETA = 18, DOWN_NODES = 512, UP_NODES = 4096, AHEAD_EDGES = 12, AHEAD_NODES = 6 };

typedef struct bfs {
    const wg_algo_run *run;
    const wg_graph *graph;
    _Atomic uint32_t *depths;
    _Atomic uint32_t *parents;
    uint32_t depth; /* of the level that is made */
    uint32_t *frontier;
    uint64_t frontier_count;
    wgi_list *found; /* by worker */
    uint32_t workers;
    uint64_t *front; /* bitmaps, for the way up */
    uint64_t *next;
    uint64_t *done;
    struct worker_sum {
        uint64_t nodes;
        uint64_t edges;
        uint8_t apart[48];
    } * sums; /* by worker */
} bfs;

/* Pieces begin at multiples of 64. */
static wg_code begin_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const bfs *b = arg;
    const uint32_t *offsets = b->graph->backward.offsets;
    (void)worker;
    (void)err;
    for (uint64_t v = first; v < last; v++) {
        atomic_store_explicit(&b->depths[v], WG_GRAPH_NONE, memory_order_relaxed);
        atomic_store_explicit(&b->parents[v], WG_GRAPH_NONE, memory_order_relaxed);
    }
    for (uint64_t word = first / 64; word * 64 < last; word++) {
        const uint64_t end = wg_min_u64(word * 64 + 64, last);
        uint64_t bits = end == word * 64 + 64 ? 0 : ~UINT64_C(0) << (end % 64);
        for (uint64_t v = word * 64; v < end; v++) bits |= (uint64_t)(offsets[v] == offsets[v + 1]) << (v % 64);
        b->done[word] = bits;
    }
    return WG_OK;
}

static bool bit_of(const uint64_t *words, uint32_t i) { return (words[i / 64] >> (i % 64) & 1) != 0; }
static void bit_set(uint64_t *words, uint32_t i) { words[i / 64] |= UINT64_C(1) << (i % 64); }

/* True when v had no parent: the caller lists it. */
static bool parent_lower(_Atomic uint32_t *parent, uint32_t to) {
    uint32_t old = atomic_load_explicit(parent, memory_order_relaxed);
    while (to < old)
        if (atomic_compare_exchange_weak_explicit(parent, &old, to, memory_order_relaxed, memory_order_relaxed))
            return old == WG_GRAPH_NONE;
    return false;
}

/* The lists of nodes that come later in the frontier; first where they are, then what they say. */
static void ask_for_lists(const bfs *b, uint64_t i, uint64_t last) {
    const wg_graph_side *side = &b->graph->forward;
    if (i + 2 * AHEAD_NODES < last) __builtin_prefetch(&side->offsets[b->frontier[i + 2 * AHEAD_NODES]]);
    if (i + AHEAD_NODES < last) __builtin_prefetch(&side->targets[side->offsets[b->frontier[i + AHEAD_NODES]]]);
}

static void ask_for_node(const bfs *b, uint32_t v) {
    if (!bit_of(b->done, v)) __builtin_prefetch(&b->parents[v], 1);
}

static wg_code down(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    bfs *b = arg;
    const wg_graph_side *side = &b->graph->forward;
    wgi_list *found = &b->found[worker];
    uint64_t edges = 0;
    for (uint64_t i = first; i < last; i++) {
        const uint32_t u = b->frontier[i];
        const uint64_t end = side->offsets[u + 1];
        ask_for_lists(b, i, last);
        for (uint64_t at = side->offsets[u]; at < end; at++) {
            const uint32_t v = side->targets[at];
            if (at + AHEAD_EDGES < end) ask_for_node(b, side->targets[at + AHEAD_EDGES]);
            if (bit_of(b->done, v)) continue;
            if (!parent_lower(&b->parents[v], u)) continue;
            atomic_store_explicit(&b->depths[v], b->depth, memory_order_relaxed);
            edges += wgi_degree(side, v);
            if (!wgi_list_push(found, v, b->run->account)) return wgi_no_memory(b->run, found->count * 8, err);
        }
    }
    b->sums[worker].edges += edges;
    return WG_OK;
}

static wg_code up(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    bfs *b = arg;
    const wg_graph_side *side = &b->graph->backward;
    uint64_t nodes = 0;
    uint64_t edges = 0;
    (void)err;
    for (uint64_t word = first / 64; word * 64 < last; word++) {
        uint64_t bits = 0;
        for (uint64_t open = ~b->done[word]; open != 0; open &= open - 1) {
            const uint64_t v = word * 64 + (uint32_t)__builtin_ctzll(open);
            for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
                const uint32_t u = side->targets[at];
                if (!bit_of(b->front, u)) continue;
                atomic_store_explicit(&b->depths[v], b->depth, memory_order_relaxed);
                atomic_store_explicit(&b->parents[v], u, memory_order_relaxed);
                bits |= UINT64_C(1) << (v % 64);
                edges += wgi_degree(&b->graph->forward, v);
                nodes++;
                break;
            }
        }
        b->next[word] = bits;
        b->done[word] |= bits;
    }
    b->sums[worker].nodes += nodes;
    b->sums[worker].edges += edges;
    return WG_OK;
}

static void sums_take(bfs *b, uint64_t *out_nodes, uint64_t *out_edges) {
    *out_nodes = 0;
    *out_edges = 0;
    for (uint32_t w = 0; w < b->workers; w++) {
        *out_nodes += b->sums[w].nodes;
        *out_edges += b->sums[w].edges;
        b->sums[w].nodes = 0;
        b->sums[w].edges = 0;
    }
}

static void frontier_to_bits(bfs *b, uint64_t words) {
    memset(b->front, 0, words * sizeof *b->front);
    for (uint64_t i = 0; i < b->frontier_count; i++) bit_set(b->front, b->frontier[i]);
}

static void bits_to_frontier(bfs *b, uint64_t words) {
    uint64_t count = 0;
    for (uint64_t w = 0; w < words; w++)
        for (uint64_t bits = b->front[w]; bits != 0; bits &= bits - 1)
            b->frontier[count++] = (uint32_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
    b->frontier_count = count;
}

/* Goes up level by level while that pays; *io_edges: of the frontier. */
static wg_code go_up(bfs *b, uint64_t *io_edges, wg_error *err) {
    const uint64_t words = ((uint64_t)b->graph->node_count + 63) / 64;
    uint64_t awake = b->frontier_count;
    uint64_t before = 0;
    frontier_to_bits(b, words);
    do {
        before = awake;
        b->depth++;
        WG_TRY(wgi_for(b->run, b->graph->node_count, UP_NODES, up, b, err));
        sums_take(b, &awake, io_edges);
        uint64_t *swap = b->front;
        b->front = b->next;
        b->next = swap;
    } while (awake >= before || awake > b->graph->node_count / BETA);
    bits_to_frontier(b, words);
    return WG_OK;
}

static wg_code levels(bfs *b, uint32_t source, wg_error *err) {
    const wg_graph_side *side = &b->graph->forward;
    uint64_t edges = wgi_degree(side, source);
    uint64_t left = side->entry_count;
    uint64_t ignored = 0;
    b->frontier[0] = source;
    b->frontier_count = 1;
    bit_set(b->done, source);
    while (b->frontier_count > 0) {
        if (edges > left / ALPHA) {
            WG_TRY(go_up(b, &edges, err));
            if (b->frontier_count == 0) break;
        }
        left -= wg_min_u64(edges, left);
        b->depth++;
        WG_TRY(wgi_for(b->run, b->frontier_count, DOWN_NODES, down, b, err));
        b->frontier_count = wgi_lists_take(b->found, b->workers, b->frontier);
        for (uint64_t i = 0; i < b->frontier_count; i++) bit_set(b->done, b->frontier[i]);
        sums_take(b, &ignored, &edges);
    }
    return WG_OK;
}

wg_code wg_algo_bfs(const wg_algo_run *run, const wg_graph *graph, uint32_t source, uint32_t *out_depths,
                    uint32_t *out_parents, wg_error *err) {
    WG_ASSERT(source < graph->node_count);
    _Static_assert(sizeof(_Atomic uint32_t) == sizeof(uint32_t), "results are written in place");
    bfs b = {.run = run,
             .graph = graph,
             .depths = (_Atomic uint32_t *)out_depths,
             .parents = (_Atomic uint32_t *)out_parents,
             .workers = wgi_workers(run)};
    const uint64_t words = ((uint64_t)graph->node_count + 63) / 64;
    void *p[4] = {NULL};
    wg_code code = wgi_array(run, graph->node_count, sizeof(uint32_t), &p[0], err);
    if (code == WG_OK) code = wgi_array(run, words * 3, sizeof(uint64_t), &p[1], err);
    if (code == WG_OK) code = wgi_array_zero(run, b.workers, sizeof(wgi_list), &p[2], err);
    if (code == WG_OK) code = wgi_array_zero(run, b.workers, sizeof *b.sums, &p[3], err);
    if (code == WG_OK) {
        uint64_t *bits = p[1];
        b.frontier = p[0];
        b.front = bits;
        b.next = bits + words;
        b.done = bits + 2 * words;
        b.found = p[2];
        b.sums = p[3];
        code = wgi_for(run, graph->node_count, 1 << 16, begin_nodes, &b, err);
    }
    if (code == WG_OK) {
        out_depths[source] = 0;
        code = levels(&b, source, err);
        out_parents[source] = WG_GRAPH_NONE;
    }
    wgi_lists_free(p[2], b.workers);
    wg_free(p[0]);
    wg_free(p[1]);
    wg_free(p[3]);
    return code;
}
