/* The topology of one edge label: a state of stored runs, two base CSRs and a delta behind one pointer.
 *
 * Readers load the state once per call; a merge publishes a new state with an empty delta and retires the old one, so a
 * reader sees runs, base and delta that belong together. A reader goes on after an edge id, not a position: all orders are by
 * edge id, so it neither misses nor repeats one when edges moved between two calls. The delta is merged when it passes max(4096, base / 4):
 * each edge is then moved at most about five times in the life of a growing label, so adding is O(1) amortised.
 *
 * Ordinals count the edges in the order of adding. They say which edges a
 * checkpoint has captured and which leave memory when it is adopted. As edge ids ascend too, a border between ordinals is a
 * border between ids: in the log it is read off; in the base, which is ordered by node, it is found by bisection over ids,
 * counting the entries below (rare: only when a merge came between a capture and its adoption).
 *
 * Failure modes: WG_E_NOMEM, nothing changed; those of stored runs. */
#include "worldgraph/topology/topology_internal.h"

enum { SETTLE_EDGES_MIN = 4096, SETTLE_SHARE = 4, PARALLEL_EDGES_MIN = 1 << 17, INDEX_SHARE = 8 };

struct wg_topology {
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(wgi_state *) state; /* release by the writer, acquire by readers */
    uint64_t settle_from;       /* no delta of up to so many edges is merged */
    wg_pool *pool;              /* both sides of a merge are built at the same time; NULL: one after the other */
};

static wgi_state *state_of(const wg_topology *topology) {
    return atomic_load_explicit(&topology->state, memory_order_acquire);
}

static void state_destroy(wgi_state *state) {
    wg_free(state->stored);
    for (size_t side = 0; side < 2; side++) wg_free(state->base[side]);
    wgi_delta_destroy(state->delta);
    wg_free(state);
}

static uint64_t state_total(const wgi_state *state) {
    return state->stored_count + state->base_count + wgi_delta_count(state->delta);
}

/* ---- merging */

/* Two sides of a CSR, each a job of its own. */
typedef struct side_build {
    const wgi_state *old; /* NULL: nothing */
    const wgi_log *log;
    uint64_t log_first;
    uint64_t log_last;
    uint64_t floor; /* edges below it are left out */
    wg_account *account;
    wgi_csr *sides[2];
    _Atomic uint32_t next;
    wg_code codes[2];
    wg_error errors[2];
} side_build;

static wg_code side_make(side_build *b, uint32_t side, wg_error *err) {
    wgi_csr *kept = NULL;
    wgi_csr_source source = {.base = b->old == NULL ? NULL : b->old->base[side],
                             .log = b->log,
                             .first = b->log_first,
                             .last = b->log_last,
                             .side = side};
    if (b->floor != 0 && source.base != NULL) {
        WG_TRY(wgi_csr_retain(source.base, b->floor, b->account, &kept, err));
        source.base = kept;
    }
    const wg_code code = wgi_csr_build(&source, b->account, &b->sides[side], err);
    wg_free(kept);
    return code;
}

static void sides_worker(void *arg, uint32_t worker) {
    side_build *b = arg;
    (void)worker;
    for (uint32_t side; (side = atomic_fetch_add_explicit(&b->next, 1, memory_order_relaxed)) < 2;)
        b->codes[side] = side_make(b, side, &b->errors[side]);
}

static wg_code sides_build(side_build *b, wg_pool *pool, uint64_t edges, wg_error *err) {
    atomic_init(&b->next, 0);
    if (edges >= PARALLEL_EDGES_MIN) wg_pool_run(pool, 2, sides_worker, b);
    else sides_worker(b, 0);
    for (size_t side = 0; side < 2; side++) {
        if (b->codes[side] == WG_OK) continue;
        for (size_t i = 0; i < 2; i++) wg_free(b->sides[i]);
        if (err != NULL && err->code == WG_OK) *err = b->errors[side];
        return b->codes[side];
    }
    return WG_OK;
}

/* The state in which the edges of `old` with ids from `floor` on are in the base. Does not set what it cannot know: stored,
 * stored_count, base_count. */
static wg_code state_create(const wgi_state *old, uint64_t floor, wg_pool *pool, wg_account *account, wgi_state **out,
                            wg_error *err) {
    wgi_state *state = wg_alloc_zero(account, sizeof *state);
    if (state == NULL) return wg_error_nomem(err, sizeof *state);
    state->delta = wgi_delta_create(account);
    if (state->delta == NULL) {
        wg_free(state);
        return wg_error_nomem(err, sizeof *state);
    }
    side_build b = {.old = old, .floor = floor, .account = account};
    uint64_t edges = 0;
    if (old != NULL) {
        b.log = wgi_delta_log(old->delta);
        b.log_last = wgi_delta_count(old->delta);
        while (b.log_first < b.log_last && wgi_log_edge_at(b.log, b.log_first) < floor) b.log_first++;
        edges = old->base[0]->entry_count + b.log_last;
    }
    const wg_code code = sides_build(&b, pool, edges, err);
    if (code != WG_OK) {
        wgi_delta_destroy(state->delta);
        wg_free(state);
        return code;
    }
    for (size_t side = 0; side < 2; side++) state->base[side] = b.sides[side];
    *out = state;
    return WG_OK;
}

/* Retires what `state` no longer shares with `old`. */
static void state_publish(wg_topology *topology, wgi_state *old, wgi_state *state) {
    state->generation = old->generation + 1;
    atomic_store_explicit(&topology->state, state, memory_order_release); /* pairs with state_of */
    for (size_t side = 0; side < 2; side++) {
        if (old->base[side] != state->base[side]) wg_epoch_retire_linked(topology->epoch, &old->base[side]->link);
    }
    if (old->stored != NULL && old->stored != state->stored)
        wg_epoch_retire_linked(topology->epoch, &old->stored->link);
    if (old->delta != state->delta) wgi_delta_retire(old->delta, topology->epoch);
    wg_epoch_retire_linked(topology->epoch, &old->link);
    wg_epoch_collect(topology->epoch);
}

wg_code wg_topology_rebuild(wg_topology *topology, wg_error *err) {
    wgi_state *old = state_of(topology);
    if (wgi_delta_count(old->delta) == 0) return WG_OK;
    wgi_state *state;
    WG_TRY(state_create(old, 0, topology->pool, topology->account, &state, err));
    state->stored = old->stored;
    state->stored_count = old->stored_count;
    state->base_count = old->base_count + wgi_delta_count(old->delta);
    state_publish(topology, old, state);
    return WG_OK;
}

static uint64_t settle_limit(const wg_topology *topology, const wgi_state *state) {
    return wg_max_u64(topology->settle_from, state->base[0]->entry_count / SETTLE_SHARE);
}

wg_code wg_topology_settle(wg_topology *topology, wg_error *err) {
    const wgi_state *state = state_of(topology);
    if (wgi_delta_count(state->delta) > settle_limit(topology, state)) return wg_topology_rebuild(topology, err);
    return wgi_delta_index(state->delta, topology->epoch, err);
}

/* ---- merging beside the writer */

struct wg_topology_merge {
    uint64_t generation; /* of the state that it was built from */
    uint64_t taken;      /* edges of its delta */
    wgi_csr *sides[2];
};

wg_code wg_topology_settle_later(wg_topology *topology, bool *out_due, wg_error *err) {
    const wgi_state *state = state_of(topology);
    const uint64_t count = wgi_delta_count(state->delta);
    const uint64_t limit = settle_limit(topology, state);
    const uint64_t costly = (state->base[0]->entry_count + count) / INDEX_SHARE; /* to put so many into lists */
    *out_due = false;
    if (count > 2 * limit || (count > limit && wgi_delta_unindexed(state->delta) > costly))
        return wg_topology_rebuild(topology, err);
    *out_due = count > limit;
    return wgi_delta_index(state->delta, topology->epoch, err);
}

wg_code wg_topology_merge_build(const wg_topology *topology, uint64_t edge_count, wg_topology_merge **out,
                                wg_error *err) {
    const wgi_state *state = state_of(topology);
    const uint64_t settled = state->stored_count + state->base_count;
    *out = NULL;
    if (edge_count <= settled) return WG_OK;
    const uint64_t taken = wg_min_u64(edge_count - settled, wgi_delta_count(state->delta));
    if (taken == 0) return WG_OK;
    wg_topology_merge *merge = wg_alloc_zero(topology->account, sizeof *merge);
    if (merge == NULL) return wg_error_nomem(err, sizeof *merge);
    side_build b = {
        .old = state, .log = wgi_delta_log(state->delta), .log_last = taken, .account = topology->account};
    const wg_code code = sides_build(&b, NULL, 0, err); /* one after the other: queries need the processors more */
    if (code != WG_OK) {
        wg_free(merge);
        return code;
    }
    *merge = (wg_topology_merge){state->generation, taken, {b.sides[0], b.sides[1]}};
    *out = merge;
    return WG_OK;
}

void wg_topology_merge_free(wg_topology_merge *merge) {
    if (merge == NULL) return;
    for (size_t side = 0; side < 2; side++) wg_free(merge->sides[side]);
    wg_free(merge);
}

/* The edges of a delta from place `first` on, as one of their own. */
static wg_code delta_rest(const wgi_delta *old, uint64_t first, wg_epoch *epoch, wg_account *account, wgi_delta **out,
                          wg_error *err) {
    wgi_delta *delta = wgi_delta_create(account);
    if (delta == NULL) return wg_error_nomem(err, sizeof *out);
    const wgi_log *log = wgi_delta_log(old);
    const uint64_t last = wgi_delta_count(old);
    wg_code code = WG_OK;
    for (uint64_t i = first; i < last && code == WG_OK; i++) {
        const uint64_t from = wgi_log_end_at(log, i, 0);
        const uint64_t to = wgi_log_end_at(log, i, 1);
        const uint64_t *const ends[2] = {&from, &to};
        code = wgi_delta_add(delta, epoch, wgi_log_edge_at(log, i), ends, 1, err);
    }
    if (code != WG_OK) wgi_delta_retire(delta, epoch);
    else *out = delta;
    return code;
}

wg_code wg_topology_merge_adopt(wg_topology *topology, wg_topology_merge *merge, bool *out_adopted, wg_error *err) {
    wgi_state *old = state_of(topology);
    wgi_state *state = NULL;
    wg_code code = WG_OK;
    *out_adopted = false;
    if (merge->generation != old->generation) goto fail;    /* the writer was faster, or runs were adopted */
    WG_ASSERT(merge->taken <= wgi_delta_count(old->delta)); /* what is committed is not taken back */
    state = wg_alloc_zero(topology->account, sizeof *state);
    if (state == NULL) {
        code = wg_error_nomem(err, sizeof *state);
        goto fail;
    }
    WG_TRY_GOTO(delta_rest(old->delta, merge->taken, topology->epoch, topology->account, &state->delta, err));
    state->stored = old->stored;
    state->stored_count = old->stored_count;
    state->base_count = old->base_count + merge->taken;
    for (size_t side = 0; side < 2; side++) state->base[side] = merge->sides[side];
    wg_free(merge);
    state_publish(topology, old, state);
    *out_adopted = true;
    return WG_OK;
fail:
    wg_free(state);
    wg_topology_merge_free(merge);
    return code;
}

void wg_topology_settle_from(wg_topology *topology, uint64_t edges) { topology->settle_from = edges; }

void wg_topology_use_pool(wg_topology *topology, wg_pool *pool) { topology->pool = pool; }

/* ---- life and writing */

wg_code wg_topology_create(wg_epoch *epoch, wg_account *account, wg_topology **out, wg_error *err) {
    WG_ASSERT(epoch != NULL);
    wgi_state *state = NULL;
    wg_topology *topology = wg_alloc_zero(account, sizeof *topology);
    if (topology == NULL) return wg_error_nomem(err, sizeof *topology);
    const wg_code code = state_create(NULL, 0, NULL, account, &state, err);
    if (code != WG_OK) {
        wg_free(topology);
        return code;
    }
    state->generation = 1;
    topology->epoch = epoch;
    topology->account = account;
    topology->settle_from = SETTLE_EDGES_MIN;
    atomic_init(&topology->state, state);
    *out = topology;
    return WG_OK;
}

void wg_topology_destroy(wg_topology *topology) {
    if (topology == NULL) return;
    state_destroy(state_of(topology));
    wg_free(topology);
}

/* The largest edge id that a stored run may hold; false when there is no run. */
static bool stored_edge_last(const wgi_state *state, uint64_t *out) {
    if (state->stored == NULL) return false;
    *out = state->stored->runs[state->stored->run_count - 1].edge_last;
    return true;
}

wg_code wg_topology_add_batch(wg_topology *topology, uint64_t first_edge, const uint64_t *from, const uint64_t *to,
                              uint64_t count, wg_error *err) {
    const uint64_t *const ends[2] = {from, to};
    const wgi_state *state = state_of(topology);
    uint64_t stored_last;
    if (count == 0) return WG_OK;
    if (stored_edge_last(state, &stored_last) && first_edge <= stored_last)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "topology: edge %llu is added although edges up to %llu are stored",
                            (unsigned long long)first_edge, (unsigned long long)stored_last);
    return wgi_delta_add(state->delta, topology->epoch, first_edge, ends, count, err);
}

wg_code wg_topology_add(wg_topology *topology, uint64_t edge, uint64_t from, uint64_t to, wg_error *err) {
    return wg_topology_add_batch(topology, edge, &from, &to, 1, err);
}

void wg_topology_index(wg_topology *topology) { wgi_delta_run(state_of(topology)->delta, topology->epoch); }

void wg_topology_truncate(wg_topology *topology, uint64_t first_edge) {
    wgi_delta_truncate(state_of(topology)->delta, topology->epoch, first_edge);
}

/* ---- storing and adopting */

/* How many ordinals of the base belong to edges with ids below `end`. */
static uint64_t base_below(const wgi_state *state, uint64_t end) {
    const wgi_csr *base = state->base[0];
    uint64_t count = 0;
    for (uint64_t i = 0; i < base->entry_count; i++) count += wgi_csr_edge(base, i) < end;
    return count;
}

/* No edge of the base has a larger id. */
static uint64_t base_edge_max(const wgi_state *state) {
    const wgi_csr *base = state->base[0];
    uint64_t max = 0;
    for (uint64_t i = 0; i < base->entry_count; i++) max = wg_max_u64(max, wgi_csr_edge(base, i));
    return max;
}

/* The smallest id below which the base has `count` ordinals. */
static uint64_t base_border(const wgi_state *state, uint64_t count) {
    WG_ASSERT(count != 0);
    if (count >= state->base_count) return UINT64_MAX;
    uint64_t low = 0;
    uint64_t high = base_edge_max(state) + 1;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (base_below(state, middle) < count) low = middle + 1;
        else high = middle;
    }
    return low;
}

wg_code wg_topology_store(const wg_topology *topology, const wg_topology_pass *pass, wg_error *err) {
    WG_ASSERT(pass->sink != NULL);
    const wgi_state *state = state_of(topology);
    const uint64_t log_count = wgi_delta_count(state->delta);
    WG_ASSERT(pass->edge_count <= state->stored_count + state->base_count + log_count);
    if (pass->edge_count <= state->stored_count) return WG_OK;
    const uint64_t count = pass->edge_count - state->stored_count;
    const wgi_store_source source = {.base = {state->base[0], state->base[1]},
                                     .base_end = base_border(state, count),
                                     .log = wgi_delta_log(state->delta),
                                     .log_count = count > state->base_count ? count - state->base_count : 0,
                                     .first = state->stored_count};
    return wgi_store_run(&source, pass, topology->account, err);
}

/* The id at which the ordinal `edge_count` stands or would: edges in memory below it leave with the adoption. */
static uint64_t memory_border(const wgi_state *state, uint64_t edge_count) {
    if (edge_count <= state->stored_count) return 0;
    const uint64_t count = edge_count - state->stored_count;
    if (count < state->base_count) return base_border(state, count);
    const uint64_t at = count - state->base_count;
    if (at >= wgi_delta_count(state->delta)) return UINT64_MAX;
    return wgi_log_edge_at(wgi_delta_log(state->delta), at);
}

/* Refuses runs that reach into the edges that stay in memory. */
static wg_code adopted_check(const wgi_state *state, uint64_t edge_count, wg_error *err) {
    uint64_t stored_last;
    if (!stored_edge_last(state, &stored_last)) return WG_OK;
    const wgi_stored_run *last = &state->stored->runs[state->stored->run_count - 1];
    if (last->last > edge_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "topology: a stored run ends at ordinal %llu, %llu edges are stored",
                            (unsigned long long)last->last, (unsigned long long)edge_count);
    const wgi_log *log = wgi_delta_log(state->delta);
    bool overlaps = wgi_delta_count(state->delta) != 0 && wgi_log_edge_at(log, 0) <= stored_last;
    const wgi_csr *base = state->base[0];
    for (uint64_t k = 0; k < base->key_count && !overlaps; k++)
        overlaps = wgi_csr_offset(base, k) != wgi_csr_offset(base, k + 1) &&
                   wgi_csr_edge(base, wgi_csr_offset(base, k)) <= stored_last;
    if (overlaps)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "topology: stored runs reach edge %llu, which is in memory too",
                            (unsigned long long)stored_last);
    return WG_OK;
}

/* The state without the edges below `border`. When none leaves, base and delta are shared with the old one: the usual case
 * after compaction. */
static wg_code state_cut(const wgi_state *old, uint64_t border, wg_account *account, wgi_state **out, wg_error *err) {
    if (border == 0) {
        wgi_state *state = wg_alloc(account, sizeof *state);
        if (state == NULL) return wg_error_nomem(err, sizeof *state);
        *state = *old;
        memset(&state->link, 0, sizeof state->link);
        *out = state;
        return WG_OK;
    }
    if (border == UINT64_MAX) return state_create(NULL, 0, NULL, account, out, err);
    return state_create(old, border, NULL, account, out, err);
}

wg_code wg_topology_adopt(wg_topology *topology, const wg_fragment *const *pieces, uint32_t piece_count,
                          uint64_t edge_count, wg_error *err) {
    wgi_state *old = state_of(topology);
    wgi_stored *stored = NULL;
    wgi_state *state = NULL;
    wg_code code = WG_OK;
    const uint64_t border = memory_border(old, edge_count);
    const uint64_t total = state_total(old);
    if (piece_count != 0) WG_TRY(wgi_stored_create(pieces, piece_count, topology->account, &stored, err));
    WG_TRY_GOTO(state_cut(old, border, topology->account, &state, err));
    state->stored = stored;
    WG_TRY_GOTO(adopted_check(state, edge_count, err));
    if (border != 0) {
        state->stored_count = edge_count;
        state->base_count = total > edge_count ? total - edge_count : 0;
    }
    state_publish(topology, old, state);
    return WG_OK;
fail:
    wg_free(stored);
    if (state != NULL) {
        state->stored = NULL;
        if (border != 0) state_destroy(state);
        else wg_free(state); /* the rest is that of the old one */
    }
    return code;
}

/* ---- reading */

bool wg_topology_base(const wg_topology *topology, wg_topology_side out[2], uint64_t *out_generation) {
    const wgi_state *state = state_of(topology);
    if (state->stored != NULL || wgi_delta_count(state->delta) != 0) return false;
    for (size_t side = 0; side < 2; side++) {
        const wgi_csr *csr = state->base[side];
        if (csr->entry_count == 0 || !csr->dense || csr->wide) return false;
        out[side] = (wg_topology_side){.node_min = csr->node_min,
                                       .node_count = csr->key_count,
                                       .entry_count = csr->entry_count,
                                       .offsets = csr->offsets,
                                       .neighbours = csr->neighbours,
                                       .edges = csr->edges};
    }
    *out_generation = state->generation;
    return true;
}

uint64_t wg_topology_edge_count(const wg_topology *topology) { return state_total(state_of(topology)); }

uint64_t wg_topology_delta_count(const wg_topology *topology) { return wgi_delta_count(state_of(topology)->delta); }

static wg_code reading_all(const wg_topology *topology, wg_direction direction, wgi_reading *reading, wg_error *err) {
    WG_ASSERT(direction == WG_DIRECTION_OUT || direction == WG_DIRECTION_IN);
    const wgi_state *state = state_of(topology);
    reading->side = direction == WG_DIRECTION_OUT ? 0 : 1;
    if (state->stored != NULL) WG_TRY(wgi_reading_stored(reading, state->stored, err));
    if (!wgi_reading_full(reading)) wgi_reading_csr(reading, state->base[reading->side]);
    if (!wgi_reading_full(reading)) wgi_reading_delta(reading, state->delta);
    return WG_OK;
}

wg_code wg_topology_degree(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t *out,
                           wg_error *err) {
    wgi_reading reading = {.node = node};
    WG_TRY(reading_all(topology, direction, &reading, err));
    *out = reading.count;
    return WG_OK;
}

wg_code wg_topology_read(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t from_edge,
                         uint32_t count_max, uint64_t *edges, uint64_t *neighbours, uint32_t *out_count,
                         wg_error *err) {
    WG_ASSERT(edges != NULL);
    WG_ASSERT(neighbours != NULL);
    wgi_reading reading = {
        .node = node, .from_edge = from_edge, .count_max = count_max, .edges = edges, .neighbours = neighbours};
    WG_TRY(reading_all(topology, direction, &reading, err));
    *out_count = (uint32_t)reading.count;
    return WG_OK;
}

wg_code wg_topology_check(const wg_topology *topology, wg_topology_ends_fn ends, void *ctx, wg_error *err) {
    const wgi_ends told = {ends, ctx};
    const wgi_state *state = state_of(topology);
    if (state->base[0]->entry_count != state->base_count)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "topology: %llu entries for %llu edges",
                            (unsigned long long)state->base[0]->entry_count, (unsigned long long)state->base_count);
    if (state->stored != NULL) WG_TRY(wgi_stored_check(state->stored, &told, topology->account, err));
    WG_TRY(wgi_csr_check_pair(state->base[0], state->base[1], err));
    return wgi_delta_check(state->delta, err);
}
