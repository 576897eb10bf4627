/* What the tests of stored runs share: a model of every edge, a topology with a sink, and comparing the two. */
#ifndef WG_WORLDGRAPH_TOPOLOGY_TEST_KIT_H
#define WG_WORLDGRAPH_TOPOLOGY_TEST_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "worldgraph/topology/topology_internal.h"

enum { MODEL_EDGES = 300000, NODES = 400, PIECES_MAX = 4096, STRIPES_MAX = 512, LABEL = 7 };

/* Every edge that was added, in order. A dead one may or may not be read. */
typedef struct model {
    uint64_t edge[MODEL_EDGES];
    uint64_t ends[2][MODEL_EDGES];
    bool dead[MODEL_EDGES];
    uint64_t count;
    uint64_t next_edge;
} model;

static model m;

typedef struct fixture {
    wg_account account;
    wg_platform *platform;
    wg_epoch *epoch;
    wg_topology *topology;
    wg_stripe_sink sink;
    wg_stripe *stripes[STRIPES_MAX];
    uint32_t stripe_count;
    const wg_fragment *pieces[PIECES_MAX];
    uint32_t piece_count;
    uint64_t stored; /* edges that the pieces hold */
} fixture;

static inline void fixture_open(fixture *f) {
    memset(f, 0, sizeof *f);
    wg_account_init(&f->account, NULL, 0);
    assert_int_equal(wg_platform_sim_create(1, &f->platform, NULL), WG_OK);
    assert_int_equal(f->platform->ops->make_directory(f->platform, "/s", NULL), WG_OK);
    assert_int_equal(wg_epoch_create(&f->account, &f->epoch, NULL), WG_OK);
    assert_int_equal(wg_topology_create(f->epoch, &f->account, &f->topology, NULL), WG_OK);
    f->sink = (wg_stripe_sink){.platform = f->platform, .dir = "/s", .next_id = 1};
    f->sink.options.account = &f->account;
    f->sink.finished.account = &f->account;
    m.count = 0;
    m.next_edge = 0;
}

static inline void fixture_close(fixture *f) {
    wg_topology_destroy(f->topology);
    wg_epoch_destroy(f->epoch);
    for (uint32_t i = 0; i < f->stripe_count; i++) wg_stripe_close(f->stripes[i]);
    wg_stripe_sink_deinit(&f->sink);
    assert_int_equal(wg_account_bytes(&f->account), 0);
    wg_platform_sim_destroy(f->platform);
}

/* Opens the stripes that the sink has finished since the last time and puts their pieces behind the others. */
static inline void stripes_take(fixture *f) {
    const uint8_t uuid[16] = {0};
    assert_int_equal(wg_stripe_sink_finish(&f->sink, NULL), WG_OK);
    const wg_stripe_entry *entries = (const wg_stripe_entry *)(const void *)f->sink.finished.data;
    const size_t count = f->sink.finished.size / sizeof *entries;
    while (f->stripe_count < count) {
        assert_true(f->stripe_count < STRIPES_MAX);
        wg_stripe **stripe = &f->stripes[f->stripe_count];
        assert_int_equal(
            wg_stripe_open(f->platform, "/s", entries[f->stripe_count].id, uuid, NULL, &f->account, stripe, NULL),
            WG_OK);
        f->stripe_count++;
        for (uint32_t i = 0; i < wg_stripe_fragment_count(*stripe); i++) {
            assert_true(f->piece_count < PIECES_MAX);
            f->pieces[f->piece_count++] = wg_stripe_fragment(*stripe, i);
        }
    }
}

static inline void store(fixture *f, uint64_t edge_count) {
    const wg_topology_pass pass = {&f->sink, LABEL, 100 + edge_count, edge_count};
    const uint32_t slot = wg_epoch_enter(f->epoch);
    assert_int_equal(wg_topology_store(f->topology, &pass, NULL), WG_OK);
    wg_epoch_leave(f->epoch, slot);
    stripes_take(f);
    f->stored = edge_count;
}

static inline void adopt(fixture *f) {
    wg_error err = {0};
    if (wg_topology_adopt(f->topology, f->pieces, f->piece_count, f->stored, &err) != WG_OK)
        fail_msg("%s", err.message);
}

/* What the rows would say. */
static inline wg_code model_ends(void *ctx, uint64_t edge, uint64_t out_ends[2], bool *out_found, wg_error *err) {
    (void)ctx;
    (void)err;
    uint64_t low = 0;
    uint64_t high = m.count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (m.edge[middle] < edge) low = middle + 1;
        else high = middle;
    }
    *out_found = low < m.count && m.edge[low] == edge;
    for (size_t side = 0; side < 2 && *out_found; side++) out_ends[side] = m.ends[side][low];
    return WG_OK;
}

static inline void check(const wg_topology *topology) {
    wg_error err = {0};
    if (wg_topology_check(topology, model_ends, NULL, &err) != WG_OK) fail_msg("%s", err.message);
}

/* ---- comparing with the model */

/* Reads one node to the end, in pages of `page`, and compares with the first `count` edges of the model. */
static inline void node_compare(const wg_topology *topology, uint32_t side, uint64_t node, uint32_t page,
                                uint64_t count) {
    static uint64_t edges[70000];
    static uint64_t neighbours[70000];
    const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
    uint32_t have = 0;
    for (uint64_t from = 0;;) {
        uint32_t got = 0;
        assert_int_equal(
            wg_topology_read(topology, direction, node, from, page, edges + have, neighbours + have, &got, NULL),
            WG_OK);
        if (got == 0) break;
        have += got;
        assert_true(have + page <= 70000);
        from = edges[have - 1] + 1;
    }
    uint64_t degree = 0;
    assert_int_equal(wg_topology_degree(topology, direction, node, &degree, NULL), WG_OK);
    assert_int_equal(degree, have);
    uint32_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (m.ends[side][i] != node) continue;
        if (at == have || edges[at] != m.edge[i]) {
            assert_true(m.dead[i]);
            continue;
        }
        if (neighbours[at] != WG_TOPOLOGY_BY_ROW) assert_int_equal(neighbours[at], m.ends[1 - side][i]);
        at++;
    }
    assert_int_equal(at, have);
}

typedef enum node_kind { NODES_DENSE, NODES_SPARSE, NODES_VIRTUAL, NODES_HUB } node_kind;

static inline uint64_t node_of(node_kind kind, uint64_t i) {
    if (kind == NODES_SPARSE) return i * UINT64_C(0x9e3779b97f4a7c15);
    if (kind == NODES_VIRTUAL && i % 2 == 0) return UINT64_C(1) << 63 | i << 20;
    return i;
}

static inline uint64_t node_pick(wg_rng *rng, node_kind kind) {
    if (kind == NODES_HUB && wg_rng_below(rng, 2) == 0) return 3;
    return node_of(kind, wg_rng_below(rng, 1 + wg_rng_below(rng, NODES)));
}

static inline void edges_add(fixture *f, wg_rng *rng, node_kind kind, uint64_t count) {
    if (m.count + count > MODEL_EDGES) return;
    m.next_edge += wg_rng_below(rng, 3);
    for (uint64_t i = 0; i < count; i++) {
        m.edge[m.count + i] = m.next_edge + i;
        m.dead[m.count + i] = false;
        for (size_t side = 0; side < 2; side++) m.ends[side][m.count + i] = node_pick(rng, kind);
    }
    assert_int_equal(
        wg_topology_add_batch(f->topology, m.next_edge, &m.ends[0][m.count], &m.ends[1][m.count], count, NULL),
        WG_OK);
    m.next_edge += count;
    m.count += count;
}

/* What joining runs asks. */
static inline bool model_is_alive(void *ctx, uint64_t edge) {
    (void)ctx;
    uint64_t low = 0;
    uint64_t high = m.count;
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (m.edge[middle] < edge) low = middle + 1;
        else high = middle;
    }
    assert_int_equal(m.edge[low], edge);
    return !m.dead[low];
}

static inline void edges_kill(wg_rng *rng, uint64_t count) {
    for (uint64_t i = 0; i < count && m.count != 0; i++) m.dead[wg_rng_below(rng, m.count)] = true;
}

#endif
