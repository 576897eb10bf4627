/* The topology of one edge label: a state of two base CSRs and a delta behind one pointer.
 *
 * Readers load the state once per call; a rebuild publishes a new state with an empty delta and retires the old one, so a
 * reader sees base and delta that belong together. Positions of entries do not change when edges move from delta to
 * base, because both orders are by edge id. The delta is merged when it passes max(4096, base / 4): each edge is then
 * moved at most about five times in the life of a growing label, so adding is O(1) amortised. */
#include "worldgraph/topology/topology_internal.h"

enum { SETTLE_EDGES_MIN = 4096, SETTLE_SHARE = 4 };

typedef struct topology_state {
    wg_epoch_link link;
    wgi_csr *base[2];
    wgi_delta *delta;
} topology_state;

struct wg_topology {
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(topology_state *) state; /* release by the writer, acquire by readers */
};

static topology_state *state_of(const wg_topology *topology) {
    return atomic_load_explicit(&topology->state, memory_order_acquire);
}

static void state_destroy(topology_state *state) {
    if (state == NULL) return;
    for (size_t side = 0; side < 2; side++) wg_free(state->base[side]);
    wgi_delta_destroy(state->delta);
    wg_free(state);
}

/* The state that follows `old` (NULL: the empty one): its base and its delta merged. */
static wg_code state_create(const topology_state *old, wg_account *account, topology_state **out, wg_error *err) {
    wg_code code = WG_OK;
    topology_state *state = wg_alloc_zero(account, sizeof *state);
    if (state == NULL) return wg_error_nomem(err, sizeof *state);
    state->delta = wgi_delta_create(account);
    if (state->delta == NULL) {
        code = wg_error_nomem(err, sizeof *state);
        goto fail;
    }
    for (uint32_t side = 0; side < 2; side++) {
        wgi_csr_source source = {.side = side};
        if (old != NULL)
            source =
                (wgi_csr_source){old->base[side], wgi_delta_log(old->delta), 0, wgi_delta_count(old->delta), side};
        WG_TRY_GOTO(wgi_csr_build(&source, account, &state->base[side], err));
    }
    *out = state;
    return WG_OK;
fail:
    state_destroy(state);
    return code;
}

wg_code wg_topology_create(wg_epoch *epoch, wg_account *account, wg_topology **out, wg_error *err) {
    WG_ASSERT(epoch != NULL);
    topology_state *state = NULL;
    wg_topology *topology = wg_alloc_zero(account, sizeof *topology);
    if (topology == NULL) return wg_error_nomem(err, sizeof *topology);
    const wg_code code = state_create(NULL, account, &state, err);
    if (code != WG_OK) {
        wg_free(topology);
        return code;
    }
    topology->epoch = epoch;
    topology->account = account;
    atomic_init(&topology->state, state);
    *out = topology;
    return WG_OK;
}

void wg_topology_destroy(wg_topology *topology) {
    if (topology == NULL) return;
    state_destroy(state_of(topology));
    wg_free(topology);
}

wg_code wg_topology_add_batch(wg_topology *topology, uint64_t first_edge, const uint64_t *from, const uint64_t *to,
                              uint64_t count, wg_error *err) {
    const uint64_t *const ends[2] = {from, to};
    if (count == 0) return WG_OK;
    return wgi_delta_add(state_of(topology)->delta, topology->epoch, first_edge, ends, count, err);
}

wg_code wg_topology_add(wg_topology *topology, uint64_t edge, uint64_t from, uint64_t to, wg_error *err) {
    return wg_topology_add_batch(topology, edge, &from, &to, 1, err);
}

void wg_topology_index(wg_topology *topology) { wgi_delta_run(state_of(topology)->delta, topology->epoch); }

void wg_topology_truncate(wg_topology *topology, uint64_t first_edge) {
    wgi_delta_truncate(state_of(topology)->delta, topology->epoch, first_edge);
}

wg_code wg_topology_rebuild(wg_topology *topology, wg_error *err) {
    topology_state *old = state_of(topology);
    if (wgi_delta_count(old->delta) == 0) return WG_OK;
    topology_state *state;
    WG_TRY(state_create(old, topology->account, &state, err));
    atomic_store_explicit(&topology->state, state, memory_order_release); /* pairs with state_of */
    for (size_t side = 0; side < 2; side++) wg_epoch_retire_linked(topology->epoch, &old->base[side]->link);
    wgi_delta_retire(old->delta, topology->epoch);
    wg_epoch_retire_linked(topology->epoch, &old->link);
    wg_epoch_collect(topology->epoch);
    return WG_OK;
}

wg_code wg_topology_settle(wg_topology *topology, wg_error *err) {
    const topology_state *state = state_of(topology);
    const uint64_t limit = wg_max_u64(SETTLE_EDGES_MIN, state->base[0]->entry_count / SETTLE_SHARE);
    if (wgi_delta_count(state->delta) > limit) return wg_topology_rebuild(topology, err);
    return wgi_delta_index(state->delta, topology->epoch, err);
}

uint64_t wg_topology_edge_count(const wg_topology *topology) {
    const topology_state *state = state_of(topology);
    return state->base[0]->entry_count + wgi_delta_count(state->delta);
}

uint64_t wg_topology_delta_count(const wg_topology *topology) { return wgi_delta_count(state_of(topology)->delta); }

static void reading_all(const wg_topology *topology, wg_direction direction, wgi_reading *reading) {
    WG_ASSERT(direction == WG_DIRECTION_OUT || direction == WG_DIRECTION_IN);
    const topology_state *state = state_of(topology);
    reading->side = direction == WG_DIRECTION_OUT ? 0 : 1;
    wgi_reading_csr(reading, state->base[reading->side]);
    if (reading->edges == NULL || reading->count < reading->count_max) wgi_reading_delta(reading, state->delta);
}

wg_code wg_topology_degree(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t *out,
                           wg_error *err) {
    (void)err;
    wgi_reading reading = {.node = node};
    reading_all(topology, direction, &reading);
    *out = reading.count;
    return WG_OK;
}

wg_code wg_topology_read(const wg_topology *topology, wg_direction direction, uint64_t node, uint64_t position,
                         uint32_t count_max, uint64_t *edges, uint64_t *neighbours, uint32_t *out_count,
                         wg_error *err) {
    (void)err;
    WG_ASSERT(edges != NULL);
    WG_ASSERT(neighbours != NULL);
    wgi_reading reading = {
        .node = node, .skip = position, .count_max = count_max, .edges = edges, .neighbours = neighbours};
    reading_all(topology, direction, &reading);
    *out_count = (uint32_t)reading.count;
    return WG_OK;
}

wg_code wg_topology_check(const wg_topology *topology, wg_error *err) {
    const topology_state *state = state_of(topology);
    WG_TRY(wgi_csr_check_pair(state->base[0], state->base[1], err));
    return wgi_delta_check(state->delta, err);
}
