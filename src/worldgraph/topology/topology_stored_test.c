/* Tests of stored runs: what is stored and adopted reads as what was in memory, whatever the writer does meanwhile; readers in threads never miss an edge. */
#include <pthread.h>

#include "base/core/test_seed.h"
#include "worldgraph/topology/topology_test_kit.h"

/* ---- random operations */

typedef struct plan {
    node_kind kind;
    uint64_t captured; /* edges below stay; truncation is above */
    bool capturing;
} plan;

static void writer_step(fixture *f, wg_rng *rng, const plan *p) {
    const uint64_t kind = wg_rng_below(rng, 12);
    if (kind < 6) edges_add(f, rng, p->kind, 1 + wg_rng_below(rng, 40));
    else if (kind < 8) edges_add(f, rng, p->kind, 500 + wg_rng_below(rng, 3000));
    else if (kind == 8) assert_int_equal(wg_topology_settle(f->topology, NULL), WG_OK);
    else if (kind == 9 && wg_rng_below(rng, 3) == 0) assert_int_equal(wg_topology_rebuild(f->topology, NULL), WG_OK);
    else if (kind == 10) edges_kill(rng, wg_rng_below(rng, 60));
    else if (kind == 11) {
        const uint64_t free = wg_min_u64(m.count - p->captured, wg_topology_delta_count(f->topology));
        if (free == 0) return;
        m.count -= 1 + wg_rng_below(rng, free);
        m.next_edge = m.edge[m.count];
        wg_topology_truncate(f->topology, m.next_edge);
    }
}

/* A merge beside the writer, who goes on meanwhile: with more edges, or with a state of another kind, which makes it void. */
static void merge_beside(fixture *f, wg_rng *rng, plan *p) {
    const uint64_t committed = wg_topology_edge_count(f->topology);
    const uint64_t captured = p->captured;
    wg_topology_merge *merge = NULL;
    bool adopted = false;
    const uint32_t slot = wg_epoch_enter(f->epoch);
    assert_int_equal(wg_topology_merge_build(f->topology, committed, &merge, NULL), WG_OK);
    wg_epoch_leave(f->epoch, slot);
    if (p->captured < committed) p->captured = committed; /* what is committed is not taken back */
    for (uint64_t n = wg_rng_below(rng, 6); n > 0; n--) writer_step(f, rng, p);
    p->captured = captured;
    if (merge == NULL) return;
    if (wg_rng_below(rng, 8) == 0) {
        wg_topology_merge_free(merge);
        return;
    }
    assert_int_equal(wg_topology_merge_adopt(f->topology, merge, &adopted, NULL), WG_OK);
    assert_int_equal(wg_topology_edge_count(f->topology), m.count);
    if (adopted) assert_true(wg_topology_delta_count(f->topology) <= m.count - committed);
}

static void random_history(fixture *f, wg_rng *rng, node_kind kind, uint32_t passes) {
    plan p = {.kind = kind};
    for (uint32_t pass = 0; pass < passes; pass++) {
        for (uint64_t n = wg_rng_below(rng, 12); n > 0; n--) writer_step(f, rng, &p);
        p.captured = wg_topology_edge_count(f->topology);
        assert_int_equal(p.captured, m.count);
        for (uint64_t n = wg_rng_below(rng, 8); n > 0; n--) writer_step(f, rng, &p);
        store(f, p.captured);
        for (uint64_t n = wg_rng_below(rng, 8); n > 0; n--) writer_step(f, rng, &p);
        if (wg_rng_below(rng, 2) == 0) merge_beside(f, rng, &p);
        adopt(f);
        merge_beside(f, rng, &p);
        assert_int_equal(wg_topology_edge_count(f->topology), m.count);
        check(f->topology);
        for (uint32_t side = 0; side < 2; side++) {
            node_compare(f->topology, side, node_pick(rng, kind), 1 + (uint32_t)wg_rng_below(rng, 100), m.count);
            node_compare(f->topology, side, node_pick(rng, kind), 3000, m.count);
        }
    }
}

/* Goal: through random histories of adding, rolling back, merging, deleting, capturing, storing and adopting, with all kinds of node
 * ids, every edge is read exactly once and in order; and a fresh topology that adopts the pieces holds what was stored. */
static void test_stored_runs_read_as_memory_does(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        fixture f;
        fixture_open(&f);
        const node_kind kind = (node_kind)(seed % 4);
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        if (seed > 8) m.next_edge = UINT64_C(5) << 32;
        random_history(&f, &rng, kind, 9);
        for (uint64_t i = 0; i < NODES; i += 7) node_compare(f.topology, i % 2, node_of(kind, i), 64, m.count);
        node_compare(f.topology, 0, UINT64_MAX, 64, m.count);

        wg_topology *fresh = NULL;
        assert_int_equal(wg_topology_create(f.epoch, &f.account, &fresh, NULL), WG_OK);
        assert_int_equal(wg_topology_adopt(fresh, f.pieces, f.piece_count, f.stored, NULL), WG_OK);
        assert_int_equal(wg_topology_edge_count(fresh), f.stored);
        check(fresh);
        for (uint64_t i = 0; i < NODES; i += 5) node_compare(fresh, i % 2, node_of(kind, i), 50, f.stored);
        for (uint64_t i = f.stored; i < m.count; i++)
            assert_int_equal(wg_topology_add(fresh, m.edge[i], m.ends[0][i], m.ends[1][i], NULL), WG_OK);
        for (uint64_t i = 0; i < NODES; i += 5) node_compare(fresh, i % 2, node_of(kind, i), 50, m.count);
        wg_topology_destroy(fresh);
        fixture_close(&f);
    }
}

/* Goal: nodes and entries that need several pieces, and a node whose entries cross pieces, are cut and read as the format says. */
static void test_runs_are_cut_into_full_pieces(void **state) {
    (void)state;
    static uint64_t from[60000];
    static uint64_t to[60000];
    fixture f;
    fixture_open(&f);
    for (uint64_t i = 0; i < 60000; i++) {
        from[i] = m.ends[0][i] = i % 3 == 0 ? 5 : i;
        to[i] = m.ends[1][i] = i % 2 == 0 ? 5 : 60000 - i;
        m.edge[i] = i;
        m.dead[i] = false;
    }
    m.count = 60000;
    assert_int_equal(wg_topology_add_batch(f.topology, 0, from, to, 60000, NULL), WG_OK);
    store(&f, 60000);
    adopt(&f);
    check(f.topology);
    assert_int_equal(wg_topology_delta_count(f.topology), 0);
    uint64_t counts[4] = {0};
    uint64_t rows[4] = {0};
    for (uint32_t i = 0; i < f.piece_count; i++) {
        const wg_fragment_head *head = &f.pieces[i]->head;
        assert_int_equal(head->key.slot, counts[head->key.part]++);
        assert_int_equal(rows[head->key.part] % WGI_PIECE_ROWS, 0);
        rows[head->key.part] += head->row_count;
        assert_int_equal(head->attributes[0], 60000);
        assert_int_equal(head->attributes[1], 60000);
        assert_int_equal(head->attributes[2], 0);
        assert_int_equal(head->attributes[3], 59999);
        assert_int_equal(head->key.owner, LABEL);
        assert_int_equal(head->version, 60100);
        if (i != 0) assert_true(wg_fragment_key_compare(&f.pieces[i - 1]->head.key, &head->key) < 0);
    }
    assert_int_equal(rows[0], 40000);
    assert_int_equal(rows[1], 60000);
    assert_int_equal(rows[2], 30000);
    assert_int_equal(rows[3], 60000);
    assert_int_equal(counts[1], 4);
    for (uint32_t side = 0; side < 2; side++) {
        node_compare(f.topology, side, 5, 9000, 60000);
        node_compare(f.topology, side, 5, 31, 60000);
        for (uint64_t node = 0; node < 60000; node += 997) node_compare(f.topology, side, node, 10, 60000);
    }
    fixture_close(&f);
}

/* Goal: the edges of a capture are stored exactly, although merges came before and after it; the newer ones stay in memory. */
static void test_a_capture_is_exact_although_merges_came_between(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(4));
    edges_add(&f, &rng, NODES_DENSE, 6000);
    edges_kill(&rng, 900);
    assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
    edges_add(&f, &rng, NODES_DENSE, 2000);
    const uint64_t captured = wg_topology_edge_count(f.topology);
    edges_add(&f, &rng, NODES_DENSE, 3000);
    edges_kill(&rng, 900);
    assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK); /* base now reaches over the capture */
    store(&f, captured);
    const uint64_t alive = captured;
    assert_int_equal(f.pieces[0]->head.attributes[0], captured);
    assert_int_equal(f.pieces[0]->head.attributes[1], alive);
    assert_true(f.pieces[0]->head.attributes[3] < m.edge[captured]);
    edges_add(&f, &rng, NODES_DENSE, 10);
    assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
    adopt(&f);
    assert_int_equal(wg_topology_edge_count(f.topology), 11010);
    check(f.topology);
    for (uint64_t i = 0; i < NODES; i++) node_compare(f.topology, i % 2, i, 20, m.count);
    fixture_close(&f);
}

/* Goal: a capture without new edges writes nothing, and ordinals go on behind what is stored. */
static void test_a_run_without_entries_is_not_written(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(8));
    store(&f, 0);
    assert_int_equal(f.piece_count, 0);
    adopt(&f);
    edges_add(&f, &rng, NODES_DENSE, 50);
    store(&f, 50);
    adopt(&f);
    assert_int_equal(wg_topology_edge_count(f.topology), 50);
    edges_add(&f, &rng, NODES_DENSE, 7);
    store(&f, 57);
    adopt(&f);
    check(f.topology);
    for (uint64_t i = 0; i < NODES; i++) node_compare(f.topology, i % 2, i, 20, m.count);
    store(&f, 57); /* nothing new */
    const uint32_t before = f.piece_count;
    store(&f, 57);
    assert_int_equal(f.piece_count, before);
    fixture_close(&f);
}

/* Goal: whichever allocation is refused while storing, adopting or merging, nothing that is read changes, nothing leaks,
 * and it works afterwards. */
static void test_storing_survives_refused_allocations(void **state) {
    (void)state;
    for (uint32_t act = 0; act < 7; act++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            fixture f;
            fixture_open(&f);
            wg_rng rng;
            wg_rng_init(&rng, wg_test_seed(21));
            edges_add(&f, &rng, NODES_VIRTUAL, 700);
            store(&f, 700);
            adopt(&f);
            edges_add(&f, &rng, NODES_VIRTUAL, 700);
            assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
            edges_kill(&rng, 40);
            if (act == 3) assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
            edges_add(&f, &rng, NODES_VIRTUAL, 300);
            edges_kill(&rng, 600);
            if (act == 1) assert_int_equal(wg_topology_rebuild(f.topology, NULL), WG_OK);
            if (act == 1) store(&f, 1000);
            const wg_topology_pass pass = {&f.sink, LABEL, 9, 1700};
            wg_code code = WG_OK;
            wg_topology_merge *merge = NULL;
            bool adopted = false;
            if (act == 6) assert_int_equal(wg_topology_merge_build(f.topology, 1500, &merge, NULL), WG_OK);
            wg_memory_fail_at(n, true);
            if (act == 0) code = wg_topology_store(f.topology, &pass, NULL);
            if (act == 1 || act == 4) code = wg_topology_adopt(f.topology, f.pieces, f.piece_count, f.stored, NULL);
            if (act == 2 || act == 3) code = wg_topology_rebuild(f.topology, NULL);
            if (act == 5) code = wg_topology_merge_build(f.topology, 1600, &merge, NULL);
            if (act == 6) code = wg_topology_merge_adopt(f.topology, merge, &adopted, NULL);
            wg_memory_fail_at(0, false);
            done = code == WG_OK;
            assert_true(done || code == WG_E_NOMEM);
            if (act == 5) wg_topology_merge_free(merge);
            if (act == 6) assert_int_equal(adopted, done);
            if (act == 0) wg_stripe_sink_abort(&f.sink);
            assert_int_equal(wg_topology_edge_count(f.topology), 1700);
            check(f.topology);
            for (uint64_t i = 0; i < NODES; i += 5)
                node_compare(f.topology, i % 2, node_of(NODES_VIRTUAL, i), 40, m.count);
            if (act == 1) adopt(&f);
            if (act != 0) {
                store(&f, 1700);
                adopt(&f);
                check(f.topology);
            }
            fixture_close(&f);
        }
    }
}

/* Goal: once blocks are warm, looking up nodes in runs allocates nothing. */
static void test_lookups_in_runs_allocate_nothing(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(31));
    for (uint32_t i = 0; i < 3; i++) {
        edges_add(&f, &rng, NODES_SPARSE, 1000);
        store(&f, m.count);
        adopt(&f);
    }
    uint64_t edges[16];
    uint64_t neighbours[16];
    uint32_t got;
    uint64_t entries = 0;
    uint64_t calls = 0;
    for (uint32_t round = 0; round < 2; round++) {
        calls = wg_memory_calls();
        for (uint64_t i = 0; i < NODES; i++) {
            assert_int_equal(wg_topology_read(f.topology, WG_DIRECTION_IN, node_of(NODES_SPARSE, i), 0, 16, edges,
                                              neighbours, &got, NULL),
                             WG_OK);
            entries += got;
        }
    }
    assert_true(entries > 1000);
    assert_int_equal(wg_memory_calls(), calls);
    fixture_close(&f);
}

/* ---- threads */

typedef struct concurrent {
    fixture *f;
    _Atomic uint64_t published; /* edges below are committed */
    _Atomic bool stop;
    _Atomic uint64_t wrong;
    _Atomic uint64_t reads;
} concurrent;

/* Edge e goes from e % 50 to e % 70. */
static bool adjacency_right(const concurrent *c, uint32_t side, uint64_t node, uint64_t published) {
    const uint64_t step = side == 0 ? 50 : 70;
    const uint64_t other = side == 0 ? 70 : 50;
    const wg_direction direction = side == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN;
    uint64_t edges[101];
    uint64_t neighbours[101];
    uint64_t expected = node;
    for (uint64_t from = 0; expected < published;) {
        uint32_t n = 0;
        if (wg_topology_read(c->f->topology, direction, node, from, 101, edges, neighbours, &n, NULL) != WG_OK)
            return false;
        for (uint32_t i = 0; i < n && expected < published; i++, expected += step) {
            const bool known = neighbours[i] != WG_TOPOLOGY_BY_ROW;
            if (edges[i] != expected || (known && neighbours[i] != expected % other)) return expected >= published;
        }
        if (n == 0) return expected >= published;
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

typedef struct storing {
    fixture *f;
    uint64_t edge_count;
} storing;

static void *store_main(void *arg) {
    const storing *s = arg;
    store(s->f, s->edge_count);
    return NULL;
}

typedef struct merging {
    fixture *f;
    uint64_t edge_count;
    wg_topology_merge *merge;
} merging;

static void *merge_main(void *arg) {
    merging *b = arg;
    const uint32_t slot = wg_epoch_enter(b->f->epoch);
    assert_int_equal(wg_topology_merge_build(b->f->topology, b->edge_count, &b->merge, NULL), WG_OK);
    wg_epoch_leave(b->f->epoch, slot);
    return NULL;
}

static void writer_burst(fixture *f, wg_rng *rng, _Atomic uint64_t *published, uint64_t *next) {
    static uint64_t from[8000];
    static uint64_t to[8000];
    for (uint32_t step = 0; step < 25; step++) {
        const uint64_t count = wg_rng_below(rng, 12) == 0 ? 600 : 1 + wg_rng_below(rng, 40);
        for (uint64_t i = 0; i < count; i++) {
            from[i] = (*next + i) % 50;
            to[i] = (*next + i) % 70;
        }
        assert_int_equal(wg_topology_add_batch(f->topology, *next, from, to, count, NULL), WG_OK);
        if (wg_rng_below(rng, 4) == 0) {
            wg_topology_truncate(f->topology, *next);
            continue;
        }
        *next += count;
        atomic_store(published, *next);
        if (wg_rng_below(rng, 3) == 0) assert_int_equal(wg_topology_settle(f->topology, NULL), WG_OK);
        if (wg_rng_below(rng, 20) == 0) assert_int_equal(wg_topology_rebuild(f->topology, NULL), WG_OK);
    }
}

/* Goal: readers in threads see every committed live edge exactly once and in order while one thread stores what was captured, one merges
 * it, and the writer goes on adding, rolling back, merging and adopting. */
static void test_readers_see_edges_once_while_runs_are_stored(void **state) {
    (void)state;
    static fixture f;
    fixture_open(&f);
    concurrent c = {.f = &f};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &c), 0);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(9));
    uint64_t next = 0;
    uint64_t merges = 0;
    for (uint32_t round = 0; round < 40; round++) {
        writer_burst(&f, &rng, &c.published, &next);
        storing s = {&f, wg_topology_edge_count(f.topology)};
        merging b = {&f, s.edge_count, NULL};
        pthread_t thread, merger;
        bool adopted = false;
        assert_int_equal(pthread_create(&thread, NULL, store_main, &s), 0);
        assert_int_equal(pthread_create(&merger, NULL, merge_main, &b), 0);
        writer_burst(&f, &rng, &c.published, &next);
        assert_int_equal(pthread_join(merger, NULL), 0);
        if (b.merge != NULL) assert_int_equal(wg_topology_merge_adopt(f.topology, b.merge, &adopted, NULL), WG_OK);
        merges += adopted;
        writer_burst(&f, &rng, &c.published, &next);
        assert_int_equal(pthread_join(thread, NULL), 0);
        adopt(&f);
        if (round % 7 == 0) adopt(&f); /* as after a compaction */
    }
    while (atomic_load(&c.reads) < 100) {}
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    assert_true(merges > 0);
    assert_int_equal(wg_topology_edge_count(f.topology), next);
    check(f.topology);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_runs_read_as_memory_does),
        cmocka_unit_test(test_runs_are_cut_into_full_pieces),
        cmocka_unit_test(test_a_capture_is_exact_although_merges_came_between),
        cmocka_unit_test(test_a_run_without_entries_is_not_written),
        cmocka_unit_test(test_storing_survives_refused_allocations),
        cmocka_unit_test(test_lookups_in_runs_allocate_nothing),
        cmocka_unit_test(test_readers_see_edges_once_while_runs_are_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
