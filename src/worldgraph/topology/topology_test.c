/* Tests of topology against a plain array of edges: random operations, memory pressure, concurrent readers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/core/test_seed.h"
#include "worldgraph/topology/topology.h"

enum { MODEL_EDGES = 400000, NODES = 300 };

typedef struct model {
    uint64_t edge[MODEL_EDGES];
    uint64_t ends[2][MODEL_EDGES];
    uint64_t count;
    uint64_t next_edge;
} model;

static model m;

typedef struct fixture {
    wg_account account;
    wg_epoch *epoch;
    wg_topology *topology;
} fixture;

static void fixture_open(fixture *f) {
    wg_account_init(&f->account, NULL, 0);
    assert_int_equal(wg_epoch_create(&f->account, &f->epoch, NULL), WG_OK);
    assert_int_equal(wg_topology_create(f->epoch, &f->account, &f->topology, NULL), WG_OK);
}

static void fixture_close(fixture *f) {
    wg_topology_destroy(f->topology);
    wg_epoch_destroy(f->epoch);
    assert_int_equal(wg_account_bytes(&f->account), 0);
}

static void check(const fixture *f) {
    wg_error err = {0};
    if (wg_topology_check(f->topology, NULL, NULL, &err) != WG_OK) fail_msg("%s", err.message);
}

/* Compares one node and direction, read in pieces of odd sizes. */
static void node_compare(const fixture *f, uint32_t side, uint64_t node) {
    const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
    uint64_t edges[37];
    uint64_t neighbours[37];
    uint32_t have = 0;
    uint32_t at = 0;
    uint64_t position = 0;
    uint64_t from = 0;
    for (uint64_t i = 0; i < m.count; i++) {
        if (m.ends[side][i] != node) continue;
        if (at == have) {
            assert_int_equal(wg_topology_read(f->topology, direction, node, from,
                                              1 + (uint32_t)(node + position) % 37, edges, neighbours, &have, NULL),
                             WG_OK);
            assert_true(have > 0);
            at = 0;
        }
        assert_int_equal(edges[at], m.edge[i]);
        assert_int_equal(neighbours[at], m.ends[1 - side][i]);
        from = edges[at] + 1;
        at++;
        position++;
    }
    assert_int_equal(at, have);
    uint64_t degree = 0;
    assert_int_equal(wg_topology_read(f->topology, direction, node, from, 37, edges, neighbours, &have, NULL), WG_OK);
    assert_int_equal(have, 0);
    assert_int_equal(wg_topology_degree(f->topology, direction, node, &degree, NULL), WG_OK);
    assert_int_equal(degree, position);
}

typedef enum node_kind { NODES_DENSE, NODES_SPARSE, NODES_MIXED } node_kind;

static uint64_t node_of(node_kind kind, uint64_t i) {
    if (kind == NODES_DENSE) return i;
    if (kind == NODES_SPARSE) return i * UINT64_C(0x9e3779b97f4a7c15);
    return i < NODES / 2 ? i : (UINT64_C(7) << 48) + i * 1000;
}

static void batch_add(fixture *f, wg_rng *rng, node_kind kind, uint64_t count) {
    if (m.count + count > MODEL_EDGES) return;
    m.next_edge += wg_rng_below(rng, 3);
    for (uint64_t i = 0; i < count; i++) {
        m.edge[m.count + i] = m.next_edge + i;
        for (size_t side = 0; side < 2; side++)
            m.ends[side][m.count + i] = node_of(kind, wg_rng_below(rng, 1 + wg_rng_below(rng, NODES)));
    }
    const uint64_t *from = &m.ends[0][m.count];
    const uint64_t *to = &m.ends[1][m.count];
    if (count == 1) assert_int_equal(wg_topology_add(f->topology, m.next_edge, *from, *to, NULL), WG_OK);
    else assert_int_equal(wg_topology_add_batch(f->topology, m.next_edge, from, to, count, NULL), WG_OK);
    m.next_edge += count;
    m.count += count;
}

static void delta_truncate(fixture *f, wg_rng *rng) {
    const uint64_t delta = wg_topology_delta_count(f->topology);
    if (delta == 0) return;
    const uint64_t cut = 1 + wg_rng_below(rng, wg_rng_below(rng, 2) == 0 ? delta : wg_min_u64(delta, 20));
    const uint64_t first = m.edge[m.count - cut];
    wg_topology_truncate(f->topology, first);
    m.count -= cut;
    m.next_edge = first; /* ids are given again */
}

static void random_operation(fixture *f, wg_rng *rng, node_kind kind) {
    switch (wg_rng_below(rng, 12)) {
        case 0:
            batch_add(f, rng, kind, 512 + wg_rng_below(rng, 3000));
            break;
        case 1:
            delta_truncate(f, rng);
            break;
        case 2:
            assert_int_equal(wg_topology_settle(f->topology, NULL), WG_OK);
            break;
        case 3:
            if (wg_rng_below(rng, 10) == 0) {
                assert_int_equal(wg_topology_rebuild(f->topology, NULL), WG_OK);
                assert_int_equal(wg_topology_delta_count(f->topology), 0);
            }
            break;
        case 4:
            if (wg_rng_below(rng, 20) == 0) batch_add(f, rng, kind, 70000);
            break;
        case 5:
            wg_topology_index(f->topology);
            break;
        case 6:
            batch_add(f, rng, kind, 2 + wg_rng_below(rng, 100));
            break;
        default:
            batch_add(f, rng, kind, 1);
            break;
    }
}

/* Goal: after every operation of random sequences (adds, bulk adds, rollbacks, settling, rebuilding; dense, sparse and
 * mixed node ids; edge ids of 32 and 64 bits) the topology is sound and reads as the plain array does. */
static void test_topology_equals_an_array_of_edges(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 9; seed++) {
        fixture f;
        fixture_open(&f);
        const node_kind kind = (node_kind)(seed % 3);
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        m.count = 0;
        m.next_edge = seed > 6 ? UINT64_C(1) << 33 : 0;
        for (uint32_t step = 0; step < 250; step++) {
            random_operation(&f, &rng, kind);
            assert_int_equal(wg_topology_edge_count(f.topology), m.count);
            if (step % 5 == 0) check(&f);
            node_compare(&f, step % 2, node_of(kind, wg_rng_below(&rng, NODES)));
            node_compare(&f, (step + 1) % 2, node_of(kind, wg_rng_below(&rng, 5)));
        }
        for (uint64_t i = 0; i < NODES; i += 9) node_compare(&f, i % 2, node_of(kind, i));
        node_compare(&f, 0, UINT64_MAX);
        fixture_close(&f);
    }
}

/* Goal: settling merges exactly when the delta outgrows its share, and is cheap otherwise. */
static void test_settle_merges_when_the_delta_outgrows_its_share(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    m.count = 0;
    m.next_edge = 0;
    batch_add(&f, &rng, NODES_DENSE, 4096);
    assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
    assert_int_equal(wg_topology_delta_count(f.topology), 4096);
    batch_add(&f, &rng, NODES_DENSE, 40000);
    assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
    assert_int_equal(wg_topology_delta_count(f.topology), 0);
    batch_add(&f, &rng, NODES_DENSE, 44096 / 4);
    assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
    assert_int_equal(wg_topology_delta_count(f.topology), 44096 / 4);
    const uint64_t calls = wg_memory_calls();
    assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
    assert_int_equal(wg_memory_calls(), calls);
    batch_add(&f, &rng, NODES_DENSE, 1);
    assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
    assert_int_equal(wg_topology_delta_count(f.topology), 0);
    check(&f);
    fixture_close(&f);
}

/* Goal: whichever allocation is refused, adding adds nothing, settling and rebuilding change nothing that is read, and
 * all of it works afterwards. */
static void test_topology_survives_refused_allocations(void **state) {
    (void)state;
    for (uint32_t act = 0; act < 5; act++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            fixture f;
            fixture_open(&f);
            wg_rng rng;
            wg_rng_init(&rng, wg_test_seed(11));
            m.count = 0;
            m.next_edge = 0;
            for (uint32_t i = 0; i < 10; i++) batch_add(&f, &rng, NODES_MIXED, 1);
            if (act >= 2) batch_add(&f, &rng, NODES_MIXED, 600);
            if (act == 4) assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
            static const uint64_t from[600] = {9, 9, 8};
            static const uint64_t to[600] = {1, 2, 3};
            const uint64_t count = act == 0 ? 3 : 600;
            wg_memory_fail_at(n, true);
            const bool adds = act == 0 || act == 1 || act == 4;
            wg_code code = WG_OK;
            if (adds) code = wg_topology_add_batch(f.topology, m.next_edge, from, to, count, NULL);
            if (act == 2) wg_topology_index(f.topology);
            if (act == 2) code = wg_topology_settle(f.topology, NULL);
            if (act == 3) code = wg_topology_rebuild(f.topology, NULL);
            wg_memory_fail_at(0, false);
            done = code == WG_OK;
            assert_true(done || code == WG_E_NOMEM);
            for (uint64_t i = 0; adds && done && i < count; i++) {
                m.edge[m.count] = m.next_edge++;
                m.ends[0][m.count] = from[i];
                m.ends[1][m.count++] = to[i];
            }
            assert_int_equal(wg_topology_edge_count(f.topology), m.count);
            for (uint64_t i = 0; i < NODES; i += 3) node_compare(&f, i % 2, node_of(NODES_MIXED, i));
            batch_add(&f, &rng, NODES_MIXED, 1);
            assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
            check(&f);
            for (uint64_t i = 0; i < 20; i++) node_compare(&f, i % 2, node_of(NODES_MIXED, i));
            fixture_close(&f);
        }
    }
}

/* Goal: a large load, which is sorted by ranges of nodes, gives the arrays of a plain counting sort: with hubs, with ranges that have no edge,
 * and when an allocation on the way is refused. */
static void test_a_large_load_is_sorted_by_ranges(void **state) {
    enum { EDGES = 100000, SPAN = 41000, FIRST = 77, EMPTY_FROM = 17000, EMPTY_TO = 25000 };
    (void)state;
    static uint64_t ends[2][EDGES];
    static uint32_t seen[SPAN];
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(15));
    for (uint32_t i = 0; i < 2 * EDGES; i++) {
        uint64_t node = wg_rng_below(&rng, SPAN);
        if (wg_rng_below(&rng, 4) == 0)
            node = 8191 + wg_rng_below(&rng, 2); /* the last of a range, the first of the next */
        if (node >= EMPTY_FROM && node < EMPTY_TO) node = 0;
        ends[i % 2][i / 2] = FIRST + node;
    }
    uint32_t refused = 0;
    for (uint64_t n = 0; n < 16; n++) {
        fixture f;
        wg_topology_side sides[2];
        uint64_t generation;
        fixture_open(&f);
        assert_int_equal(wg_topology_add_batch(f.topology, 1000, ends[0], ends[1], EDGES, NULL), WG_OK);
        wg_memory_fail_at(n, false);
        wg_code code = wg_topology_rebuild(f.topology, NULL);
        wg_memory_fail_at(0, false);
        if (code != WG_OK) {
            assert_int_equal(code, WG_E_NOMEM);
            refused++;
            fixture_close(&f);
            continue;
        }
        const uint32_t slot = wg_epoch_enter(f.epoch);
        assert_true(wg_topology_base(f.topology, sides, &generation));
        for (uint32_t s = 0; s < 2; s++) {
            assert_int_equal(sides[s].entry_count, EDGES);
            assert_int_equal(sides[s].offsets[sides[s].node_count], EDGES);
            memset(seen, 0, sizeof seen);
            for (uint32_t i = 0; i < EDGES; i++) {
                const uint64_t k = ends[s][i] - sides[s].node_min;
                const uint64_t at = sides[s].offsets[k] + seen[k]++;
                assert_true(at < sides[s].offsets[k + 1]);
                assert_int_equal(sides[s].edges[at], 1000 + i);
                assert_int_equal(sides[s].neighbours[at], ends[1 - s][i]);
            }
        }
        wg_epoch_leave(f.epoch, slot);
        check(&f);
        fixture_close(&f);
    }
    assert_true(refused >= 4 && refused < 14);
}

/* Goal: a read allocates nothing, in every part of the structure. */
static void test_reading_allocates_nothing(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    m.count = 0;
    m.next_edge = 0;
    batch_add(&f, &rng, NODES_SPARSE, 10000);
    assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
    batch_add(&f, &rng, NODES_SPARSE, 100);
    batch_add(&f, &rng, NODES_SPARSE, 70000);
    wg_topology_index(f.topology);
    batch_add(&f, &rng, NODES_SPARSE, 600);
    const uint64_t calls = wg_memory_calls();
    for (uint64_t i = 0; i < NODES; i += 20) node_compare(&f, i % 2, node_of(NODES_SPARSE, i));
    assert_int_equal(wg_memory_calls(), calls);
    fixture_close(&f);
}

/* Goal: a load in many batches that are read in between (a run each) reads right, whichever allocation is refused while a run
 * is made. */
static void test_a_load_of_many_batches_is_read_in_between(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(13));
    m.count = 0;
    m.next_edge = 0;
    for (uint32_t batch = 0; batch < 40; batch++) {
        batch_add(&f, &rng, NODES_MIXED, 4096);
        wg_memory_fail_at(1 + batch % 9, true);
        wg_topology_index(f.topology);
        wg_memory_fail_at(0, false);
        if (batch % 3 == 0) wg_topology_index(f.topology);
        node_compare(&f, batch % 2, node_of(NODES_MIXED, batch));
        check(&f);
    }
    for (uint64_t i = 0; i < NODES; i += 3) node_compare(&f, i % 2, node_of(NODES_MIXED, i));
    fixture_close(&f);
}

typedef struct concurrent {
    fixture *f;
    _Atomic uint64_t published; /* edges below are committed */
    _Atomic bool stop;
    _Atomic uint64_t wrong;
    _Atomic uint64_t reads;
} concurrent;

/* Edge e goes from e % 50 to e % 70, so every node's edges are known without a model. */
static bool adjacency_right(const concurrent *c, uint32_t side, uint64_t node, uint64_t published) {
    const uint64_t step = side == 0 ? 50 : 70;
    const uint64_t other = side == 0 ? 70 : 50;
    const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
    uint64_t edges[101];
    uint64_t neighbours[101];
    uint64_t expected = node;
    for (uint64_t from = 0; expected < published;) {
        uint32_t n = 0;
        if (wg_topology_read(c->f->topology, direction, node, from, 101, edges, neighbours, &n, NULL) != WG_OK ||
            n == 0)
            return false;
        for (uint32_t i = 0; i < n && expected < published; i++, expected += step) {
            if (edges[i] != expected || neighbours[i] != expected % other) return false;
        }
        from = edges[n - 1] + 1;
    }
    return true;
}

static void *reader_main(void *arg) {
    concurrent *c = arg;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(77));
    while (!atomic_load(&c->stop)) {
        const uint64_t published = atomic_load(&c->published);
        const uint32_t slot = wg_epoch_enter(c->f->epoch);
        const uint32_t side = (uint32_t)wg_rng_below(&rng, 2);
        if (!adjacency_right(c, side, wg_rng_below(&rng, 50), published)) atomic_fetch_add(&c->wrong, 1);
        wg_epoch_leave(c->f->epoch, slot);
        atomic_fetch_add(&c->reads, 1);
    }
    return NULL;
}

/* Goal: readers in threads see every committed edge exactly once and in order while the writer adds, loads in bulk,
 * rolls back, settles and rebuilds. */
static void test_readers_see_committed_edges_once_during_writes(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    concurrent c = {.f = &f};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &c), 0);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(9));
    static uint64_t from[40000];
    static uint64_t to[40000];
    uint64_t next = 0;
    for (uint32_t step = 0; step < 1500; step++) {
        const uint64_t kind = wg_rng_below(&rng, 100);
        const uint64_t count = kind < 1 ? 40000 : kind < 6 ? 700 : 1 + wg_rng_below(&rng, 4);
        if (next + count > 300000) continue;
        for (uint64_t i = 0; i < count; i++) {
            from[i] = (next + i) % 50;
            to[i] = (next + i) % 70;
        }
        assert_int_equal(wg_topology_add_batch(f.topology, next, from, to, count, NULL), WG_OK);
        if (wg_rng_below(&rng, 2) == 0) wg_topology_index(f.topology);
        if (wg_rng_below(&rng, 4) == 0) {
            wg_topology_truncate(f.topology, next);
            continue;
        }
        next += count;
        atomic_store(&c.published, next);
        if (wg_rng_below(&rng, 3) == 0) assert_int_equal(wg_topology_settle(f.topology, NULL), WG_OK);
        if (wg_rng_below(&rng, 50) == 0) assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
    }
    while (atomic_load(&c.reads) < 100) {}
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    check(&f);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topology_equals_an_array_of_edges),
        cmocka_unit_test(test_settle_merges_when_the_delta_outgrows_its_share),
        cmocka_unit_test(test_topology_survives_refused_allocations),
        cmocka_unit_test(test_a_large_load_is_sorted_by_ranges),
        cmocka_unit_test(test_reading_allocates_nothing),
        cmocka_unit_test(test_a_load_of_many_batches_is_read_in_between),
        cmocka_unit_test(test_readers_see_committed_edges_once_during_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
