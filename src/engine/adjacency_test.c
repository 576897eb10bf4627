/* Adjacency against wg_expand, which reads the topology node by node: random histories with everything that can happen to a label, on
 * 1, 2, 3 and 8 workers; what is shared, what is lent, what has none. */
#include "engine/adjacency_internal.h"
#include "engine/engine_model_ops.h"

enum { EDGES_MAX = 4096, FAN_MAX = 1 << 16 };

static wg_pool *pool;

typedef struct graph {
    wg_platform *platform;
    wg_engine *engine;
    wg_rng rng;
    uint32_t edge_label;
    uint32_t node_label;
    uint32_t key;
    uint64_t nodes;
    uint64_t edges[EDGES_MAX]; /* alive */
    uint32_t edge_count;
} graph;

static graph g;

static wg_engine *open_as(bool read_only) {
    const wg_engine_options o = {.platform = g.platform,
                                 .options = {.create = !read_only, .read_only = read_only, .no_background = true},
                                 .wal_segment_bytes = 1 << 16};
    wg_engine *engine = NULL;
    MODEL_OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

static void more_nodes(wg_txn *txn, uint32_t count) {
    uint64_t id = 0;
    for (uint32_t i = 0; i < count; i++) MODEL_OK(wg_txn_create_node(txn, &g.node_label, 1, NULL, 0, &id, err));
    g.nodes = id + 1;
}

static void setup(uint64_t seed, uint32_t nodes) {
    memset(&g, 0, sizeof g);
    wg_rng_init(&g.rng, seed);
    MODEL_OK(wg_platform_sim_create(seed, &g.platform, err));
    g.engine = open_as(false);
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("N"), false, &g.node_label, err));
    MODEL_OK(wg_txn_intern_label(txn, wg_slice_str("R"), true, &g.edge_label, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("w"), &g.key, err));
    more_nodes(txn, nodes);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void teardown(void) {
    MODEL_OK(wg_engine_close(g.engine, err));
    wg_platform_sim_destroy(g.platform);
}

static uint32_t pick_below(uint32_t bound) { return (uint32_t)wg_rng_below(&g.rng, bound); }

static uint64_t add_edge(wg_txn *txn) {
    const wg_property p = {g.key, wg_value_int((int64_t)pick_below(100))};
    const uint64_t from = pick_below(3) == 0 ? 0 : pick_below((uint32_t)g.nodes); /* node 0 is a hub */
    const uint64_t to = pick_below(8) == 0 ? from : pick_below((uint32_t)g.nodes);
    uint64_t id = 0;
    MODEL_OK(wg_txn_create_edge(txn, g.edge_label, from, to, &p, 1, &id, err));
    return id;
}

/* Random changes; those of a transaction that is given up leave the list as it was. */
static void change(wg_txn *txn, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t what = pick_below(10);
        if (g.edge_count == 0 || (what < 5 && g.edge_count < EDGES_MAX)) {
            g.edges[g.edge_count++] = add_edge(txn);
            continue;
        }
        const uint32_t at = pick_below(g.edge_count);
        if (what < 8) {
            const wg_property p = {g.key, wg_value_int((int64_t)i)};
            MODEL_OK(wg_txn_set_edge(txn, g.edges[at], &p, 1, false, err));
        } else {
            MODEL_OK(wg_txn_delete_edge(txn, g.edges[at], err));
            g.edges[at] = g.edges[--g.edge_count];
        }
    }
}

static void commit_changes(uint32_t count) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    change(txn, count);
    if (pick_below(4) == 0) more_nodes(txn, 3);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void give_up_changes(uint32_t count) {
    static uint64_t edges[EDGES_MAX];
    const uint32_t edge_count = g.edge_count;
    wg_txn *txn = NULL;
    memcpy(edges, g.edges, sizeof edges);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    change(txn, count);
    wg_txn_abort(txn);
    memcpy(g.edges, edges, sizeof edges);
    g.edge_count = edge_count;
}

/* Edges and neighbours of every node are those of wg_expand, in its order, and nothing else is there. */
static void check_side(const wg_txn *txn, const wg_adjacency_side *side, wg_direction direction) {
    static uint64_t edges[FAN_MAX];
    static uint64_t neighbours[FAN_MAX];
    uint64_t total = 0;
    uint64_t degree_max = 0;
    for (uint64_t node = 0; node < g.nodes + 2; node++) {
        wg_expand_position position = {0};
        uint32_t expected = 0;
        uint64_t count = 0;
        MODEL_OK(
            wg_expand(txn, node, direction, &g.edge_label, 1, &position, FAN_MAX, edges, neighbours, &expected, err));
        const uint64_t first = wg_adjacency_span(side, node, &count);
        assert_int_equal(count, expected);
        for (uint32_t i = 0; i < expected; i++) {
            assert_int_equal(side->edges[first + i], edges[i]);
            assert_int_equal(side->neighbours[first + i], neighbours[i]);
        }
        total += count;
        degree_max = wg_max_u64(degree_max, count);
    }
    assert_int_equal(side->entry_count, total);
    assert_int_equal(side->degree_max, degree_max);
    if (side->bits == NULL) assert_int_equal(side->offsets[side->node_count], total);
}

/* The same entries by (neighbour, edge). */
static void check_sorted(const wg_adjacency_side *side, const wg_adjacency_side *sorted) {
    assert_int_equal(side->entry_count, sorted->entry_count);
    for (uint64_t k = 0; k < side->node_count; k++) {
        uint64_t sum = 0, count = 0, sorted_count = 0;
        const uint64_t begin = wg_adjacency_span(side, side->node_min + k, &count);
        assert_int_equal(wg_adjacency_span(sorted, side->node_min + k, &sorted_count), begin);
        assert_int_equal(sorted_count, count);
        for (uint64_t i = begin; i < begin + count; i++) {
            sum += ((uint64_t)side->neighbours[i] << 20) + (uint64_t)side->edges[i] * side->neighbours[i];
            sum -= ((uint64_t)sorted->neighbours[i] << 20) + (uint64_t)sorted->edges[i] * sorted->neighbours[i];
            if (i == begin) continue;
            const uint64_t before = (uint64_t)sorted->neighbours[i - 1] << 32 | sorted->edges[i - 1];
            assert_true(before < ((uint64_t)sorted->neighbours[i] << 32 | sorted->edges[i]));
        }
        assert_int_equal(sum, 0);
    }
}

/* Without edge ids, it may be. */
static wg_adjacency *acquire_lean(const wg_txn *txn, uint32_t workers) {
    wg_adjacency *a = NULL;
    MODEL_OK(wg_adjacency_acquire_any(txn, g.edge_label, pool, workers, &a, err));
    return a;
}

static wg_adjacency *acquire(const wg_txn *txn, uint32_t workers) {
    wg_adjacency *a = acquire_lean(txn, workers);
    const wg_builders by = {pool, workers};
    bool has = false;
    if (a == NULL) return NULL;
    MODEL_OK(wg_adjacency_edges(a, txn, g.edge_label, WG_DIRECTION_BOTH, &by, &has, err));
    assert_true(has && wg_adjacency_has_edges(a, WG_DIRECTION_BOTH));
    return a;
}

static void check_adjacency(const wg_txn *txn, uint32_t workers) {
    wg_adjacency *a = acquire(txn, workers);
    const wg_builders by = {pool, workers};
    assert_non_null(a);
    for (uint32_t d = WG_DIRECTION_OUT; d <= WG_DIRECTION_IN; d++) {
        const wg_adjacency_side *side = wg_adjacency_get(a, (wg_direction)d);
        const wg_adjacency_side *sorted = NULL;
        check_side(txn, side, (wg_direction)d);
        MODEL_OK(wg_adjacency_sorted(a, (wg_direction)d, true, &by, &sorted, err));
        check_sorted(side, sorted);
    }
    wg_adjacency_release(a);
}

static void check_snapshot(wg_engine *engine, uint64_t as_of) {
    static const uint32_t workers[] = {1, 2, 3, 8};
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(engine, WG_TXN_READ, as_of, &txn, err));
    check_adjacency(txn, workers[pick_below(4)]);
    if (pick_below(3) == 0) {
        wgi_adjacency_trim(engine);
        check_adjacency(txn, workers[pick_below(4)]);
    }
    wg_txn_abort(txn);
}

/* Goal: whatever happens to a label, its adjacency is what wg_expand says at every snapshot, in the writer's engine, in one opened anew,
 * and in a reader beside it. */
static void test_adjacency_equals_expand_over_random_histories(void **state) {
    (void)state;
    const wg_compact_options everything = {.everything = true};
    for (uint64_t seed = 1; seed <= 12; seed++) {
        setup(seed, 40);
        wg_engine *reader = open_as(true);
        for (uint32_t round = 0; round < 25; round++) {
            const uint32_t what = pick_below(12);
            if (what < 7) commit_changes(1 + pick_below(60));
            else if (what < 9) give_up_changes(1 + pick_below(40));
            else if (what < 10) MODEL_OK(wg_engine_checkpoint(g.engine, NULL, err));
            else if (what < 11) MODEL_OK(wg_engine_compact(g.engine, &everything, NULL, NULL, NULL, err));
            else {
                MODEL_OK(wg_engine_close(g.engine, err));
                g.engine = open_as(false);
            }
            check_snapshot(g.engine, 0);
            if (pick_below(2) == 0) {
                const uint64_t horizon = wg_max_u64(wg_engine_horizon(g.engine), 1);
                const uint64_t back = wg_engine_logseq(g.engine) - horizon + 1;
                check_snapshot(g.engine, horizon + pick_below((uint32_t)back));
            }
            wg_error ignored = {0};
            if (wg_engine_follow(reader, NULL, &ignored) != WG_OK) {
                MODEL_OK(wg_engine_close(reader, err));
                reader = open_as(true);
            }
            check_snapshot(reader, 0);
        }
        MODEL_OK(wg_engine_close(reader, err));
        teardown();
    }
}

/* Goal: readers of one state share it, a commit elsewhere does not make it anew, one to the label does, and the old one stays what it was
 * for who holds it. */
static void test_adjacency_is_shared_until_the_label_changes(void **state) {
    (void)state;
    wg_txn *first = NULL;
    wg_txn *second = NULL;
    wg_txn *third = NULL;
    setup(99, 30);
    commit_changes(50);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &first, err));
    wg_adjacency *a = acquire(first, 2);
    wg_txn *writer = NULL;
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &writer, err));
    more_nodes(writer, 5);
    MODEL_OK(wg_txn_commit(writer, NULL, err));
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &second, err));
    wg_adjacency *b = acquire(second, 1);
    assert_ptr_equal(a, b);
    commit_changes(50);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &third, err));
    wg_adjacency *c = acquire(third, 1);
    assert_ptr_not_equal(a, c);
    wg_adjacency *d = acquire(second, 1); /* the one before is kept beside it */
    assert_ptr_equal(a, d);
    wgi_adjacency_trim(g.engine);
    check_side(first, wg_adjacency_get(a, WG_DIRECTION_OUT), WG_DIRECTION_OUT);
    check_side(third, wg_adjacency_get(c, WG_DIRECTION_IN), WG_DIRECTION_IN);
    assert_true(wg_adjacency_bytes(c) > 0);
    wg_adjacency_release(a);
    wg_adjacency_release(b);
    wg_adjacency_release(c);
    wg_adjacency_release(d);
    assert_int_equal(wg_account_bytes(&g.engine->adjacency_account), 0);
    wg_txn_abort(first);
    wg_txn_abort(second);
    wg_txn_abort(third);
    teardown();
}

/* Goal: a transaction that has written edges of the label has none, and others, it among them before and after, are not led astray. */
static void test_own_writes_have_none(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    setup(5, 30);
    commit_changes(30);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    wg_adjacency *before = acquire(txn, 1);
    assert_non_null(before);
    wg_adjacency_release(before);
    change(txn, 5);
    assert_null(acquire(txn, 1));
    check_snapshot(g.engine, 0);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    check_snapshot(g.engine, 0);
    wg_adjacency *none = NULL;
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    MODEL_OK(wg_adjacency_acquire(txn, g.node_label, pool, 1, &none, err)); /* no edge label */
    assert_null(none);
    wg_txn_abort(txn);
    teardown();
}

/* Goal: few edges between far nodes have adjacency as long as its offsets stay within bounds. */
static void test_few_edges_between_far_nodes(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    uint64_t id = 0;
    setup(6, 80000);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_create_edge(txn, g.edge_label, 0, 79999, NULL, 0, &id, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    check_snapshot(g.engine, 0);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_create_edge(txn, g.edge_label, 79999, 0, NULL, 0, &id, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    wg_adjacency *a = acquire(txn, 2);
    assert_non_null(a);
    wg_adjacency_release(a);
    wg_txn_abort(txn);
    check_snapshot(g.engine, 0);
    teardown();
    assert_true(wgi_span_fits(5000000, 100000, WGI_SPAN_FREE));
    assert_false(wgi_span_fits(5000000, 2, WGI_SPAN_FREE)); /* offsets over millions of nodes for two edges */
}

/* Goal: where nodes lie far apart for the edges that there are, sides are far, for those who can take them, and right through a random
 * history; with more edges they are near again. */
static void test_far_sides_equal_expand(void **state) {
    (void)state;
    for (uint64_t seed = 21; seed <= 23; seed++) {
        uint32_t far = 0, near = 0;
        setup(seed, 3000);
        for (uint32_t round = 0; round < 12; round++) {
            g.engine->adjacency_span_free = round < 8 ? 0 : 3000;
            wgi_adjacency_trim(g.engine);
            if (round % 4 == 3) give_up_changes(1 + pick_below(20));
            else commit_changes(1 + pick_below(30));
            if (round % 5 == 4) MODEL_OK(wg_engine_checkpoint(g.engine, NULL, err));
            check_snapshot(g.engine, 0);
            wg_txn *txn = NULL;
            wg_adjacency *any = NULL, *plain = NULL;
            MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
            MODEL_OK(wg_adjacency_acquire_any(txn, g.edge_label, pool, 2, &any, err));
            MODEL_OK(wg_adjacency_acquire(txn, g.edge_label, pool, 2, &plain, err));
            assert_non_null(any);
            assert_true(wg_adjacency_is_far(any) == (plain == NULL));
            if (plain == NULL) far++;
            else near++;
            wg_adjacency_release(any);
            wg_adjacency_release(plain);
            wg_txn_abort(txn);
        }
        assert_true(far > 0 && near > 0);
        teardown();
    }
}

/* Goal: many chunks and buckets, with versions out of edge-id order, give the same bytes for every number of workers. */
static void test_large_label_has_the_same_bytes_on_any_workers(void **state) {
    (void)state;
    enum { NODES = 20000, EDGES = 150000, CHANGES = 2000 };
    static const uint32_t workers[] = {1, 2, 3, 8};
    wg_txn *txn = NULL;
    setup(7, NODES);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint32_t i = 0; i < EDGES; i++) {
        const uint64_t id = add_edge(txn);
        if (i % 64 == 0) g.edges[g.edge_count++] = id;
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    check_snapshot(g.engine, 0); /* all of them are alive: lent when the topology has settled */
    commit_changes(CHANGES);
    for (uint32_t i = 0; i < 4; i++) {
        wgi_adjacency_trim(g.engine);
        MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
        check_adjacency(txn, workers[i]);
        wg_txn_abort(txn);
    }
    teardown();
}

/* Goal: what is lent is not copied, and lending ends with the state of the topology. */
static void test_settled_topology_is_lent(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    wg_topology_side base[2];
    uint64_t generation = 0;
    setup(8, 100);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint32_t i = 0; i < 5000; i++) (void)add_edge(txn);
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    assert_true(wg_topology_base(wgi_label_state_at(g.engine, g.edge_label)->topology, base, &generation));
    wg_adjacency *a = acquire(txn, 1);
    assert_ptr_equal(wg_adjacency_get(a, WG_DIRECTION_OUT)->edges, base[0].edges);
    assert_ptr_equal(wg_adjacency_get(a, WG_DIRECTION_IN)->offsets, base[1].offsets);
    check_adjacency(txn, 2);
    wg_adjacency_release(a);
    wg_txn_abort(txn);
    commit_changes(10);
    check_snapshot(g.engine, 0);
    MODEL_OK(wg_engine_checkpoint(g.engine, NULL, err)); /* all leave the memory */
    check_snapshot(g.engine, 0);
    teardown();
}

/* Goal: a budget that has no room for it gives none, and writers take back what nobody holds. */
static void test_budget_bounds_adjacency(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    setup(9, 100);
    commit_changes(3000);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    g.engine->options.budget.hot = wg_account_bytes(&g.engine->account) + 1000;
    assert_null(acquire(txn, 1));
    g.engine->options.budget.hot = UINT64_C(1) << 30;
    wg_adjacency_release(acquire(txn, 1));
    assert_true(wg_account_bytes(&g.engine->adjacency_account) > 1000);
    g.engine->options.budget.hot = wg_account_bytes(&g.engine->account) + 1000;
    MODEL_OK(wgi_budget_check(g.engine, err));
    assert_int_equal(wg_account_bytes(&g.engine->adjacency_account), 0);
    g.engine->options.budget.hot = 0;
    wg_txn_abort(txn);
    teardown();
}

/* Goal: edge ids are made only when they are asked for, a direction at a time, in sorted sides too; those who hold the sides without keep
 * them; what does not fit the budget is not made. */
static void edge_ids_come_when_asked_for(bool changed) {
    wg_txn *txn = NULL;
    const wg_builders by = {pool, 2};
    const wg_adjacency_side *sorted = NULL, *again = NULL;
    bool has = true;
    setup(12, 100);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint32_t i = 0; i < 3000; i++) {
        const uint64_t id = add_edge(txn);
        if (changed && i % 50 == 0) g.edges[g.edge_count++] = id;
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    const wg_property other = {g.key, wg_value_int(1000)};
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_WRITE, 0, &txn, err));
    for (uint32_t i = 0; i < g.edge_count; i++) MODEL_OK(wg_txn_set_edge(txn, g.edges[i], &other, 1, false, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));             /* their newest rows stand behind those of later edges */
    MODEL_OK(wg_engine_checkpoint(g.engine, NULL, err)); /* nothing to lend */
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    wg_adjacency *a = acquire_lean(txn, 2);
    const wg_adjacency_side *lean = wg_adjacency_get(a, WG_DIRECTION_OUT);
    const uint64_t bytes = wg_adjacency_bytes(a), entries = lean->entry_count;
    assert_int_equal(entries, 3000);
    assert_null(lean->edges);
    assert_false(wg_adjacency_has_edges(a, WG_DIRECTION_OUT) || wg_adjacency_has_edges(a, WG_DIRECTION_IN));
    MODEL_OK(wg_adjacency_sorted(a, WG_DIRECTION_IN, false, &by, &sorted, err));
    assert_null(sorted->edges);
    assert_false(wg_adjacency_is_sorted(a, WG_DIRECTION_IN));

    g.engine->options.budget.hot = wg_account_bytes(&g.engine->account) + 1000;
    MODEL_OK(wg_adjacency_edges(a, txn, g.edge_label, WG_DIRECTION_OUT, &by, &has, err));
    assert_false(has || wg_adjacency_has_edges(a, WG_DIRECTION_OUT));
    g.engine->options.budget.hot = 0;

    MODEL_OK(wg_adjacency_edges(a, txn, g.edge_label, WG_DIRECTION_OUT, &by, &has, err));
    assert_true(has && wg_adjacency_has_edges(a, WG_DIRECTION_OUT));
    assert_false(wg_adjacency_has_edges(a, WG_DIRECTION_IN) || wg_adjacency_has_edges(a, WG_DIRECTION_BOTH));
    assert_null(lean->edges);
    assert_null(wg_adjacency_get(a, WG_DIRECTION_IN)->edges);
    assert_ptr_equal(wg_adjacency_get(a, WG_DIRECTION_OUT)->neighbours, lean->neighbours);
    check_side(txn, wg_adjacency_get(a, WG_DIRECTION_OUT), WG_DIRECTION_OUT);
    MODEL_OK(wg_adjacency_sorted(a, WG_DIRECTION_IN, true, &by, &again, err));
    assert_ptr_equal(again->neighbours, sorted->neighbours);
    assert_non_null(again->edges);
    assert_true(wg_adjacency_is_sorted(a, WG_DIRECTION_IN));
    assert_int_equal(wg_adjacency_bytes(a), bytes + entries * 4 * 3); /* ids; sorted neighbours; theirs */
    wg_adjacency_release(a);
    check_adjacency(txn, 2);
    wg_txn_abort(txn);
    teardown();
}

static void test_edge_ids_come_when_asked_for(void **state) {
    (void)state;
    edge_ids_come_when_asked_for(false);
    edge_ids_come_when_asked_for(true);
}

typedef struct concurrent {
    _Atomic bool done;
    _Atomic uint32_t checked;
    _Atomic bool differs;
} concurrent;

/* Sums over both sides are those of wg_expand over all nodes. */
static bool sums_agree(const wg_txn *txn, const wg_adjacency *a, uint64_t nodes) {
    uint64_t edges[256];
    uint64_t neighbours[256];
    bool same = true;
    for (uint32_t d = WG_DIRECTION_OUT; d <= WG_DIRECTION_IN; d++) {
        const wg_adjacency_side *side = wg_adjacency_get(a, (wg_direction)d);
        for (uint64_t node = 0; node < nodes; node++) {
            wg_expand_position position = {0};
            uint64_t left = 0;
            uint64_t at = wg_adjacency_span(side, node, &left);
            for (uint32_t n = 1; n > 0;) {
                if (wg_expand(txn, node, (wg_direction)d, &g.edge_label, 1, &position, 256, edges, neighbours, &n,
                              NULL) != WG_OK)
                    return false;
                for (uint32_t i = 0; i < n && same; i++, at++)
                    same = left-- > 0 && side->edges[at] == edges[i] && side->neighbours[at] == neighbours[i];
            }
            same = same && left == 0;
        }
    }
    return same;
}

static void read_on(void *arg) {
    concurrent *c = arg;
    while (!atomic_load(&c->done) || atomic_load(&c->checked) < 20) {
        wg_txn *txn = NULL;
        wg_adjacency *a = NULL;
        const wg_builders by = {pool, 2};
        const wg_adjacency_side *sorted = NULL;
        bool has = false;
        if (wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, NULL) != WG_OK) continue;
        if (wg_adjacency_acquire(txn, g.edge_label, pool, 2, &a, NULL) != WG_OK || a == NULL ||
            wg_adjacency_edges(a, txn, g.edge_label, WG_DIRECTION_BOTH, &by, &has, NULL) != WG_OK || !has ||
            wg_adjacency_sorted(a, WG_DIRECTION_IN, true, &by, &sorted, NULL) != WG_OK ||
            (sorted->edges == NULL && sorted->entry_count > 0) || !sums_agree(txn, a, 100))
            atomic_store(&c->differs, true);
        wg_adjacency_release(a);
        wg_txn_abort(txn);
        atomic_fetch_add(&c->checked, 1);
    }
}

/* Goal: readers on several threads get the state of their snapshot while a writer commits, gives up and checkpoints. */
static void test_readers_beside_a_writer(void **state) {
    (void)state;
    concurrent c = {false};
    wg_thread threads[3];
    wg_error problem = {0};
    setup(11, 100);
    commit_changes(200);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(wg_thread_start(&threads[i], read_on, &c, &problem), WG_OK);
    for (uint32_t i = 0; i < 60; i++) {
        if (i % 7 == 6) give_up_changes(10);
        else if (i % 13 == 12) MODEL_OK(wg_engine_checkpoint(g.engine, NULL, err));
        else commit_changes(1 + pick_below(100));
        if (i % 9 == 8) wgi_adjacency_trim(g.engine);
    }
    atomic_store(&c.done, true);
    for (uint32_t i = 0; i < 3; i++) wg_thread_join(&threads[i]);
    assert_false(atomic_load(&c.differs));
    teardown();
}

/* Goal: whichever allocation fails, acquiring and sorting say so and leave nothing behind. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    wg_txn *txn = NULL;
    setup(10, 100);
    commit_changes(500);
    MODEL_OK(wg_txn_begin(g.engine, WG_TXN_READ, 0, &txn, err));
    uint32_t failures = 0;
    for (uint64_t n = 1;; n++) {
        wg_adjacency *a = NULL;
        const wg_adjacency_side *sorted = NULL;
        wg_error seen = {0};
        wg_memory_fail_at(n, false);
        const wg_builders by = {NULL, 1};
        bool has = false;
        wg_code code = wg_adjacency_acquire(txn, g.edge_label, NULL, 1, &a, &seen);
        if (code == WG_OK) code = wg_adjacency_sorted(a, WG_DIRECTION_OUT, false, &by, &sorted, &seen);
        if (code == WG_OK) code = wg_adjacency_edges(a, txn, g.edge_label, WG_DIRECTION_BOTH, &by, &has, &seen);
        if (code == WG_OK) code = wg_adjacency_sorted(a, WG_DIRECTION_OUT, true, &by, &sorted, &seen);
        wg_memory_fail_at(0, false);
        wg_adjacency_release(a);
        wgi_adjacency_trim(g.engine);
        assert_int_equal(wg_account_bytes(&g.engine->adjacency_account), 0);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        failures++;
    }
    assert_true(failures >= 10);
    wg_txn_abort(txn);
    teardown();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjacency_equals_expand_over_random_histories),
        cmocka_unit_test(test_adjacency_is_shared_until_the_label_changes),
        cmocka_unit_test(test_own_writes_have_none),
        cmocka_unit_test(test_few_edges_between_far_nodes),
        cmocka_unit_test(test_far_sides_equal_expand),
        cmocka_unit_test(test_large_label_has_the_same_bytes_on_any_workers),
        cmocka_unit_test(test_settled_topology_is_lent),
        cmocka_unit_test(test_budget_bounds_adjacency),
        cmocka_unit_test(test_edge_ids_come_when_asked_for),
        cmocka_unit_test(test_readers_beside_a_writer),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    wg_error err = {0};
    if (wg_pool_create(8, &pool, &err) != WG_OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_pool_destroy(pool);
    return failed;
}
