/* Adjacency of edge labels, made on demand and kept. See adjacency.h; adjacency_build.c makes the arrays.
 *
 * Each label keeps the two states that were asked for last, each with the range of snapshots for which it holds. A label's edges change
 * only by commits that touch its table, and the table knows the last of them (`changed`, which is set before the commit is published and
 * never too low). So what was made for a snapshot s
 *
 *   holds for every snapshot from `changed` on when `changed` <= s: nothing came between, and later ones are added to the range as they
 *   are asked for, as long as `changed` has not moved behind it;
 *   holds for s alone when `changed` > s: whether anything lies between is not known.
 *
 * When all edges are in the base of the topology and all of these are visible, the base is lent: nothing is copied. It lives as long
 * as the transaction that found it is in its epoch; who comes later gets it only while the topology's state is the same one.
 *
 * Memory: an account of its own, since no checkpoint gives it back. Under a budget it shares the cap of rows in memory: writers who need
 * room get what nobody holds, and what does not fit is not made. A transaction that has written edges of the label sees what no other
 * does and has none. */
#include "engine/adjacency_internal.h"

enum { SIDES = 2 };

/* A side whose edge ids come later. */
typedef struct side_parts {
    wg_adjacency_side side; /* without, unless they cost nothing */
    wg_adjacency_side full; /* the same with edge_ids; means nothing while those are NULL */
    void *block;
    _Atomic(uint32_t *) edge_ids; /* release under adjacency_mutex by who made them, acquire by readers */
} side_parts;

struct wg_adjacency {
    _Atomic uint32_t holders; /* the label counts as one; the last frees it: release, acquire by that one */
    wg_engine *engine;
    uint64_t first; /* snapshots for which it holds; guarded by adjacency_mutex */
    uint64_t last;
    uint64_t generation; /* of the topology, when it is lent; 0: own arrays */
    side_parts sides[SIDES];
    void *far[SIDES]; /* bits and ranks */
    _Atomic uint64_t bytes;
    _Atomic(side_parts *) sorted[SIDES]; /* in another order; release by who made it, acquire by readers */
    _Atomic(wg_adjacency_loops *) loops; /* likewise */
};

/* ---- life */

static void parts_free(side_parts *parts) {
    wg_free(parts->block);
    wg_free(atomic_load_explicit(&parts->edge_ids, memory_order_relaxed));
}

static void adjacency_free(wg_adjacency *a) {
    for (uint32_t s = 0; s < SIDES; s++) {
        side_parts *sorted = atomic_load_explicit(&a->sorted[s], memory_order_relaxed);
        if (sorted != NULL) parts_free(sorted);
        wg_free(sorted);
        parts_free(&a->sides[s]);
        wg_free(a->far[s]);
    }
    wg_free(atomic_load_explicit(&a->loops, memory_order_relaxed));
    wg_free(a);
}

void wg_adjacency_release(wg_adjacency *adjacency) {
    if (adjacency == NULL) return;
    if (atomic_fetch_sub_explicit(&adjacency->holders, 1, memory_order_acq_rel) == 1) adjacency_free(adjacency);
}

void wgi_adjacency_forget(wgi_label_state *state) {
    for (uint32_t i = 0; i < WGI_ADJACENCY_KEPT; i++) {
        wg_adjacency_release(state->adjacency[i]);
        state->adjacency[i] = NULL;
    }
}

void wgi_adjacency_trim(wg_engine *engine) {
    const uint32_t labels = wg_catalog_label_count(engine->catalog);
    wg_mutex_lock(&engine->adjacency_mutex);
    for (uint32_t i = 0; i < labels; i++) {
        wgi_label_state *state = wgi_label_state_at(engine, i);
        if (state != NULL) wgi_adjacency_forget(state);
    }
    wg_mutex_unlock(&engine->adjacency_mutex);
}

static uint32_t side_of_direction(wg_direction direction) {
    WG_ASSERT(direction == WG_DIRECTION_OUT || direction == WG_DIRECTION_IN);
    return direction == WG_DIRECTION_OUT ? 0 : 1;
}

/* With edge ids where they are there. */
static const wg_adjacency_side *best_of(const side_parts *parts) {
    return atomic_load_explicit(&parts->edge_ids, memory_order_acquire) != NULL ? &parts->full : &parts->side;
}

static bool has_edge_ids(const side_parts *parts) {
    const wg_adjacency_side *side = best_of(parts);
    return side->edges != NULL || side->entry_count == 0;
}

const wg_adjacency_side *wg_adjacency_get(const wg_adjacency *adjacency, wg_direction direction) {
    return best_of(&adjacency->sides[side_of_direction(direction)]);
}

uint64_t wg_adjacency_bytes(const wg_adjacency *adjacency) {
    return atomic_load_explicit(&adjacency->bytes, memory_order_relaxed);
}

/* ---- what is kept */

typedef struct acquisition {
    wg_engine *engine;
    wg_view view;
    wgi_label_state *state;
    const wgi_table *table;
    wgi_builders by;
} acquisition;

static uint64_t table_changed(const wgi_table *table) {
    return atomic_load_explicit(&table->changed, memory_order_acquire); /* pairs with wgi_history_record */
}

/* adjacency_mutex is held. */
static bool holds_for(wg_adjacency *a, uint64_t snapshot, uint64_t changed) {
    if (snapshot < a->first) return false;
    if (snapshot <= a->last) return true;
    if (changed > a->last) return false;
    a->last = snapshot;
    return true;
}

/* What is kept for this snapshot, with a count for the caller; NULL: nothing. */
static wg_adjacency *kept_find(const acquisition *q) {
    wg_topology_side ignored[2];
    uint64_t generation = 0;
    const uint64_t changed = table_changed(q->table);
    if (!wg_topology_base(q->state->topology, ignored, &generation)) generation = 0;
    wg_adjacency *found = NULL;
    wg_mutex_lock(&q->engine->adjacency_mutex);
    for (uint32_t i = 0; i < WGI_ADJACENCY_KEPT && found == NULL; i++) {
        wg_adjacency *a = q->state->adjacency[i];
        if (a == NULL || (a->generation != 0 && a->generation != generation)) continue;
        if (holds_for(a, q->view.snapshot, changed)) found = a;
    }
    if (found != NULL) atomic_fetch_add_explicit(&found->holders, 1, memory_order_relaxed);
    wg_mutex_unlock(&q->engine->adjacency_mutex);
    return found;
}

/* Keeps it beside the newer one of those that are kept. */
static void keep(const acquisition *q, wg_adjacency *a) {
    wg_adjacency **kept = q->state->adjacency;
    wg_mutex_lock(&q->engine->adjacency_mutex);
    wg_adjacency *gone = kept[1];
    if (kept[0] == NULL || a->last >= kept[0]->last) {
        kept[1] = kept[0];
        kept[0] = a;
    } else {
        kept[1] = a;
    }
    atomic_fetch_add_explicit(&a->holders, 1, memory_order_relaxed);
    wg_mutex_unlock(&q->engine->adjacency_mutex);
    wg_adjacency_release(gone);
}

/* ---- making */

static wg_code adjacency_make(const acquisition *q, wg_adjacency **out, wg_error *err) {
    wg_adjacency *a = wg_alloc_zero(&q->engine->adjacency_account, sizeof *a);
    if (a == NULL) return wg_error_nomem(err, sizeof *a);
    atomic_init(&a->holders, 1);
    a->engine = q->engine;
    a->last = q->view.snapshot;
    *out = a;
    return WG_OK;
}

/* True when the topology's base is exactly what the view sees. */
static bool lend(const acquisition *q, uint64_t visible, wg_adjacency *a) {
    wg_topology_side base[2];
    uint64_t generation = 0;
    if (!wg_topology_base(q->state->topology, base, &generation) || base[0].entry_count != visible) return false;
    for (uint32_t s = 0; s < SIDES; s++) {
        wg_adjacency_side *side = &a->sides[s].side;
        *side = (wg_adjacency_side){.node_min = base[s].node_min,
                                    .node_count = base[s].node_count,
                                    .offsets = base[s].offsets,
                                    .neighbours = base[s].neighbours,
                                    .edges = base[s].edges,
                                    .entry_count = base[s].entry_count};
        side->degree_max = wgi_degree_max(side, &q->by);
    }
    a->generation = generation;
    return true;
}

/* Without a budget everything has room. */
static bool has_room(const wg_engine *e, uint64_t bytes) {
    const uint64_t cap = wgi_heap_cap(e);
    const uint64_t used = wg_account_bytes(&e->account) + wg_account_bytes(&e->adjacency_account);
    return cap == 0 || (used <= cap && bytes <= cap - used);
}

static uint64_t span_of(const wgi_edge_list *list, uint32_t side) {
    return list->count == 0 ? 0 : (uint64_t)list->end_max[side] - list->end_min[side] + 1;
}

static bool is_far(const acquisition *q, const wgi_edge_list *list, uint32_t s) {
    return !wgi_span_fits(span_of(list, s), list->count, q->engine->adjacency_span_free);
}

static uint64_t map_bytes(const acquisition *q, const wgi_edge_list *list, uint32_t s) {
    const uint64_t span = span_of(list, s);
    return is_far(q, list, s) ? wgi_far_bytes(span) + list->count * sizeof(uint32_t) : span * sizeof(uint32_t);
}

/* Sorts columns; with `far` by the numbers of their nodes, and in `like` they stand for nodes too. */
static wg_code side_sort(const wg_edge_columns *columns, const wgi_far *far, const wg_adjacency_side *like,
                         const wgi_builders *by, wgi_sort_memory *memory, wg_adjacency_side *out, void **out_block,
                         wg_error *err) {
    wg_edge_columns numbered = *columns;
    uint32_t *numbers = NULL;
    if (far->bits == NULL) return wgi_columns_sort(columns, like, by, memory, out, out_block, err);
    WG_TRY(wgi_far_numbers(far, columns->nodes, columns->count, by, memory->account, &numbers, err));
    numbered.nodes = numbers;
    numbered.node_min = 0;
    numbered.node_max = far->ranks[(far->node_count + 63) / 64] - 1;
    const wg_code code = wgi_columns_sort(&numbered, like, by, memory, out, out_block, err);
    wg_free(numbers);
    return code;
}

/* Lets go of the edge ids, the last part of the block. Without memory for a smaller one they stay. */
static void leave_edges(wg_account *account, wg_adjacency_side *side, void **block) {
    uint32_t *smaller =
        wg_realloc(account, *block, (size_t)wgi_side_bytes(side->node_count, side->entry_count, false));
    if (smaller == NULL) return;
    *block = smaller;
    side->offsets = smaller;
    side->neighbours = smaller + side->node_count + 1;
    side->edges = NULL;
}

/* Edge ids are left for later. Where edges were changed the list does not have them in their order, and they are needed to find it. */
static wg_code sides_build(const acquisition *q, const wgi_edge_list *list, wg_adjacency *a, wg_error *err) {
    wgi_sort_memory memory = {.account = &q->engine->adjacency_account};
    wg_code code = WG_OK;
    for (uint32_t s = 0; s < SIDES && code == WG_OK; s++) {
        const wg_edge_columns columns = {.count = list->count,
                                         .nodes = list->ends[s],
                                         .neighbours = list->ends[1 - s],
                                         .edges = list->ascending ? NULL : list->edges,
                                         .node_min = list->count == 0 ? 1 : list->end_min[s],
                                         .node_max = list->count == 0 ? 0 : list->end_max[s]};
        wgi_far far = {0};
        wg_adjacency_side *side = &a->sides[s].side;
        if (is_far(q, list, s)) code = wgi_far_make(&columns, memory.account, &far, err);
        a->far[s] = far.bits;
        if (code == WG_OK) code = side_sort(&columns, &far, NULL, &q->by, &memory, side, &a->sides[s].block, err);
        if (code == WG_OK && !list->ascending) code = wgi_side_order(side, &q->by, err);
        if (code == WG_OK && side->edges != NULL) leave_edges(memory.account, side, &a->sides[s].block);
        if (code == WG_OK && far.bits != NULL) wgi_far_open(&far, side);
    }
    wg_free(memory.placed);
    return code;
}

/* Fills it; *out_has false: the label has none. */
static wg_code adjacency_fill(const acquisition *q, wg_adjacency *a, bool *out_has, wg_error *err) {
    wg_account *account = &q->engine->adjacency_account;
    wgi_edge_counts counts = {0};
    wgi_edge_list list = {0};
    WG_TRY(wgi_edges_count(q->table->rows, q->view, &q->by, account, &counts, err));
    const uint64_t visible = counts.before[counts.fragment_count];
    wg_code code = WG_OK;
    *out_has = lend(q, visible, a);
    /* 12 bytes an edge for the list, 8 for moving, 4 for each side; ids that come along are 12 more */
    if (!*out_has && has_room(q->engine, visible * 28)) {
        code = wgi_edges_read(q->table->rows, q->view, &counts, &q->by, account, &list, err);
        const uint64_t more = map_bytes(q, &list, 0) + map_bytes(q, &list, 1) + (list.ascending ? 0 : visible * 12);
        *out_has = code == WG_OK && list.fits && has_room(q->engine, visible * 16 + more);
        if (*out_has) code = sides_build(q, &list, a, err);
    }
    wg_free(list.block);
    wg_free(counts.before);
    for (uint32_t s = 0; s < SIDES; s++) {
        const wg_adjacency_side near = wgi_far_close(&a->sides[s].side);
        uint64_t bytes = wgi_side_bytes(near.node_count, near.entry_count, near.edges != NULL);
        if (a->far[s] != NULL) bytes += wgi_far_bytes(a->sides[s].side.node_count);
        atomic_fetch_add_explicit(&a->bytes, bytes, memory_order_relaxed);
    }
    return code;
}

static wg_code acquire(const acquisition *q, wg_adjacency **out, wg_error *err) {
    wg_adjacency *a = kept_find(q);
    if (a != NULL) {
        *out = a;
        return WG_OK;
    }
    bool has = false;
    const uint64_t changed = table_changed(q->table); /* before anything is read */
    WG_TRY(adjacency_make(q, &a, err));
    const wg_code code = adjacency_fill(q, a, &has, err);
    if (code != WG_OK || !has) {
        adjacency_free(a);
        if (code == WG_OK) *out = NULL;
        return code;
    }
    a->first = changed <= q->view.snapshot ? changed : q->view.snapshot;
    keep(q, a);
    *out = a;
    return WG_OK;
}

static uint32_t workers_of(const wg_pool *pool, uint32_t workers) {
    const uint32_t most = wg_pool_workers(pool);
    if (workers > most) workers = most;
    if (workers > WG_POOL_WORKERS_MAX) workers = WG_POOL_WORKERS_MAX;
    return workers == 0 ? 1 : workers;
}

/* False: the label has no adjacency for this transaction. */
static bool acquisition_begin(const wg_txn *txn, uint32_t label, acquisition *q) {
    wg_engine *e = txn->engine;
    *q = (acquisition){.engine = e, .view = txn->view, .state = wgi_label_state_at(e, label)};
    if (q->state == NULL || q->state->topology == NULL || q->state->edges == NULL) return false;
    q->table = q->state->edges;
    return !(txn->writing && q->table->touched);
}

bool wg_adjacency_is_far(const wg_adjacency *adjacency) {
    return adjacency->sides[0].side.bits != NULL || adjacency->sides[1].side.bits != NULL;
}

/* Lets go of what the caller could not use. */
static void want_near(wg_adjacency **io) {
    if (*io == NULL || !wg_adjacency_is_far(*io)) return;
    wg_adjacency_release(*io);
    *io = NULL;
}

wg_code wg_adjacency_acquire(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers, wg_adjacency **out,
                             wg_error *err) {
    WG_TRY(wg_adjacency_acquire_any(txn, label, pool, workers, out, err));
    want_near(out);
    return WG_OK;
}

wg_code wg_adjacency_find(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err) {
    WG_TRY(wg_adjacency_find_any(txn, label, out, err));
    want_near(out);
    return WG_OK;
}

wg_code wg_adjacency_acquire_any(const wg_txn *txn, uint32_t label, wg_pool *pool, uint32_t workers,
                                 wg_adjacency **out, wg_error *err) {
    acquisition q;
    *out = NULL;
    if (!acquisition_begin(txn, label, &q)) return WG_OK;
    q.by = (wgi_builders){pool, workers_of(pool, workers)};
    return acquire(&q, out, err);
}

wg_code wg_adjacency_find_any(const wg_txn *txn, uint32_t label, wg_adjacency **out, wg_error *err) {
    acquisition q;
    (void)err;
    *out = acquisition_begin(txn, label, &q) ? kept_find(&q) : NULL;
    return WG_OK;
}

/* ---- edge ids */

/* Makes them those of the side, unless somebody was faster. */
static void edge_ids_take(wg_adjacency *a, side_parts *parts, uint32_t *made) {
    wg_mutex_lock(&a->engine->adjacency_mutex);
    const bool first = atomic_load_explicit(&parts->edge_ids, memory_order_relaxed) == NULL;
    if (first) {
        parts->full = parts->side;
        parts->full.edges = made;
        atomic_store_explicit(&parts->edge_ids, made, memory_order_release);
        atomic_fetch_add_explicit(&a->bytes, parts->side.entry_count * sizeof *made, memory_order_relaxed);
    }
    wg_mutex_unlock(&a->engine->adjacency_mutex);
    if (!first) wg_free(made);
}

static wg_edge_columns columns_like(const wg_adjacency_side *near, const uint32_t *nodes,
                                    const uint32_t *neighbours) {
    return (wg_edge_columns){
        .count = near->entry_count,
        .nodes = nodes,
        .neighbours = neighbours,
        .node_min = near->node_count == 0 ? 1 : (uint32_t)near->node_min,
        .node_max = near->node_count == 0 ? 0 : (uint32_t)(near->node_min + near->node_count - 1)};
}

/* What goes with the edges of the list, sorted as the side is. */
static wg_code sort_like(const wg_adjacency_side *side, const uint32_t *nodes, const uint32_t *what,
                         const wgi_builders *by, wg_account *account, uint32_t **out, wg_error *err) {
    const wg_adjacency_side near = wgi_far_close(side);
    const wgi_far far = wgi_far_of(side);
    const wg_edge_columns columns = columns_like(&near, nodes, what);
    wgi_sort_memory memory = {.account = account};
    wg_adjacency_side sorted;
    void *block = NULL;
    const wg_code code = side_sort(&columns, &far, &near, by, &memory, &sorted, &block, err);
    wg_free(memory.placed);
    *out = block;
    return code;
}

/* Reads the edges again: the snapshot sees those that the adjacency was made of, in the same order; where it is not that of the ids, these are
 * sorted within each node as the entries were. */
static wg_code edge_ids_read(const acquisition *q, wg_adjacency *a, wg_direction directions, wg_error *err) {
    wg_account *account = &q->engine->adjacency_account;
    wgi_edge_counts counts = {0};
    wgi_edge_list list = {0};
    WG_TRY(wgi_edges_count(q->table->rows, q->view, &q->by, account, &counts, err));
    wg_code code = wgi_edges_read(q->table->rows, q->view, &counts, &q->by, account, &list, err);
    wg_free(counts.before);
    if (code == WG_OK && (!list.fits || list.count != a->sides[0].side.entry_count))
        code = wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "edges: %llu were read again as %llu",
                            (unsigned long long)a->sides[0].side.entry_count, (unsigned long long)list.count);
    for (uint32_t s = 0; s < SIDES && code == WG_OK; s++) {
        const uint32_t bit = s == 0 ? (uint32_t)WG_DIRECTION_OUT : (uint32_t)WG_DIRECTION_IN;
        uint32_t *made = NULL;
        if (((uint32_t)directions & bit) == 0 || has_edge_ids(&a->sides[s])) continue;
        code = sort_like(&a->sides[s].side, list.ends[s], list.edges, &q->by, account, &made, err);
        wg_adjacency_side ids = wgi_far_close(&a->sides[s].side);
        ids.neighbours = NULL;
        ids.edges = made;
        if (code == WG_OK && !list.ascending) code = wgi_side_order(&ids, &q->by, err);
        if (code == WG_OK) edge_ids_take(a, &a->sides[s], made);
        else wg_free(made);
    }
    wg_free(list.block);
    return code;
}

bool wg_adjacency_has_edges(const wg_adjacency *adjacency, wg_direction directions) {
    const bool out = ((uint32_t)directions & (uint32_t)WG_DIRECTION_OUT) != 0;
    const bool in = ((uint32_t)directions & (uint32_t)WG_DIRECTION_IN) != 0;
    return (!out || has_edge_ids(&adjacency->sides[0])) && (!in || has_edge_ids(&adjacency->sides[1]));
}

wg_code wg_adjacency_edges(wg_adjacency *adjacency, const wg_txn *txn, uint32_t label, wg_direction directions,
                           const wg_builders *by, bool *out_has, wg_error *err) {
    acquisition q;
    *out_has = wg_adjacency_has_edges(adjacency, directions);
    if (*out_has) return WG_OK;
    /* 12 bytes an edge for the list, 8 for moving, 4 for each side */
    *out_has = acquisition_begin(txn, label, &q) && has_room(q.engine, adjacency->sides[0].side.entry_count * 28);
    if (!*out_has) return WG_OK;
    q.by = (wgi_builders){by->pool, workers_of(by->pool, by->workers)};
    return edge_ids_read(&q, adjacency, directions, err);
}

/* ---- loops */

static uint32_t loops_of(const wg_adjacency_side *side, uint64_t k) {
    uint32_t found = 0;
    uint64_t count = 0;
    const uint64_t first = wg_adjacency_span(side, side->node_min + k, &count);
    for (uint64_t i = first; i < first + count; i++) found += side->neighbours[i] == side->node_min + k;
    return found;
}

/* One block: the head, nodes, counts. */
static wg_code loops_make(wg_adjacency *a, wg_adjacency_loops **out, wg_error *err) {
    const wg_adjacency_side *side = &a->sides[0].side;
    uint64_t n = 0;
    for (uint64_t k = 0; k < side->node_count; k++) n += loops_of(side, k) > 0;
    wg_adjacency_loops *made = wg_alloc(&a->engine->adjacency_account, sizeof *made + n * 2 * sizeof(uint32_t));
    if (made == NULL) return wg_error_nomem(err, sizeof *made + n * 2 * sizeof(uint32_t));
    uint32_t *cells = (uint32_t *)(void *)(made + 1);
    *made = (wg_adjacency_loops){n, cells, cells + n};
    n = 0;
    for (uint64_t k = 0; k < side->node_count; k++) {
        const uint32_t loops = loops_of(side, k);
        if (loops == 0) continue;
        made->nodes[n] = (uint32_t)(side->node_min + k);
        made->counts[n++] = loops;
    }
    *out = made;
    return WG_OK;
}

wg_code wg_adjacency_loops_of(wg_adjacency *adjacency, const wg_adjacency_loops **out, wg_error *err) {
    wg_adjacency_loops *loops = atomic_load_explicit(&adjacency->loops, memory_order_acquire);
    if (loops == NULL) {
        wg_adjacency_loops *made = NULL;
        WG_TRY(loops_make(adjacency, &made, err));
        if (atomic_compare_exchange_strong_explicit(&adjacency->loops, &loops, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            loops = made;
        else wg_free(made); /* somebody was faster */
    }
    *out = loops;
    return WG_OK;
}

/* ---- sorted by neighbour */

typedef struct expansion {
    const wg_adjacency_side *side;
    uint32_t *nodes;
} expansion;

/* Writes each entry's own node. */
static wg_code expand_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const expansion *x = arg;
    (void)worker;
    (void)err;
    for (uint64_t k = first; k < last; k++) {
        const uint32_t node = (uint32_t)(x->side->node_min + k);
        uint64_t count = 0;
        const uint64_t at = wg_adjacency_span(x->side, node, &count);
        for (uint64_t i = at; i < at + count; i++) x->nodes[i] = node;
    }
    return WG_OK;
}

/* The entries of the other side, walked node after node, give every node its neighbours in ascending order; those of one pair of
 * nodes stay in edge-id order. `with`: NULL, or edge ids of the other side, which are put in that order instead. */
static wg_code sorted_make(wg_adjacency *a, uint32_t s, const uint32_t *with, const wgi_builders *by, uint32_t **out,
                           wg_error *err) {
    enum { GRAIN = 4096 };
    wg_account *account = &a->engine->adjacency_account;
    const wg_adjacency_side *other = &a->sides[1 - s].side;
    if (with != NULL) return sort_like(&a->sides[s].side, other->neighbours, with, by, account, out, err);
    uint32_t *nodes = wg_alloc(account, other->entry_count * sizeof *nodes + 4);
    if (nodes == NULL) return wg_error_nomem(err, other->entry_count * sizeof *nodes);
    expansion x = {other, nodes};
    const wg_pool_range range = {other->node_count, GRAIN, by->workers, expand_nodes, &x};
    wg_code code = wg_pool_for(by->pool, &range, err);
    if (code == WG_OK) code = sort_like(&a->sides[s].side, other->neighbours, nodes, by, account, out, err);
    wg_free(nodes);
    return code;
}

bool wg_adjacency_is_sorted(const wg_adjacency *adjacency, wg_direction direction) {
    const side_parts *sorted =
        atomic_load_explicit(&adjacency->sorted[side_of_direction(direction)], memory_order_acquire);
    return sorted != NULL && has_edge_ids(sorted);
}

static wg_code need_room(const wg_adjacency *a, uint64_t edges, wg_error *err) {
    if (has_room(a->engine, edges * 16)) return WG_OK; /* nodes, moving, the result */
    return wg_error_set(err, WG_E_CAPACITY, WG_NO_OFFSET,
                        "sorting %llu edges does not fit the memory budget: raise memory_bytes_max",
                        (unsigned long long)edges);
}

/* Without edge ids. */
static wg_code sorted_parts(wg_adjacency *a, uint32_t s, const wgi_builders *by, side_parts **out, wg_error *err) {
    side_parts *sorted = atomic_load_explicit(&a->sorted[s], memory_order_acquire);
    *out = sorted;
    if (sorted != NULL) return WG_OK;
    uint32_t *neighbours = NULL;
    WG_TRY(need_room(a, a->sides[s].side.entry_count, err));
    side_parts *made = wg_alloc_zero(&a->engine->adjacency_account, sizeof *made);
    if (made == NULL) return wg_error_nomem(err, sizeof *made);
    const wg_code code = sorted_make(a, s, NULL, by, &neighbours, err);
    if (code != WG_OK) {
        wg_free(made);
        return code;
    }
    made->side = a->sides[s].side;
    made->side.neighbours = neighbours;
    made->side.edges = NULL;
    made->block = neighbours;
    if (atomic_compare_exchange_strong_explicit(&a->sorted[s], &sorted, made, memory_order_acq_rel,
                                                memory_order_acquire)) {
        sorted = made;
        atomic_fetch_add_explicit(&a->bytes, made->side.entry_count * sizeof *neighbours, memory_order_relaxed);
    } else { /* somebody was faster */
        parts_free(made);
        wg_free(made);
    }
    *out = sorted;
    return WG_OK;
}

wg_code wg_adjacency_sorted(wg_adjacency *adjacency, wg_direction direction, bool with_edges, const wg_builders *by,
                            const wg_adjacency_side **out, wg_error *err) {
    const uint32_t s = side_of_direction(direction);
    const wgi_builders own = {by->pool, workers_of(by->pool, by->workers)};
    side_parts *sorted = NULL;
    WG_TRY(sorted_parts(adjacency, s, &own, &sorted, err));
    if (with_edges && !has_edge_ids(sorted)) {
        uint32_t *made = NULL;
        WG_ASSERT(has_edge_ids(&adjacency->sides[1 - s]));
        WG_TRY(need_room(adjacency, sorted->side.entry_count, err));
        WG_TRY(sorted_make(adjacency, s, best_of(&adjacency->sides[1 - s])->edges, &own, &made, err));
        edge_ids_take(adjacency, sorted, made);
    }
    *out = best_of(sorted);
    return WG_OK;
}
