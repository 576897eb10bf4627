/* Goal: statistics are functions of the rows that a snapshot sees: exact for small labels, near the truth for large ones, the same before
 * and after checkpoints, compaction, aborted writes and reopening, and kept only while nothing changed. */
#include <math.h>

#include "engine/engine_model_ops.h"
#include "engine/statistics.h"

enum { SMALL = 500, LARGE = 60000 };

static wg_engine *open_at(wg_platform *platform) {
    const wg_engine_options o = {
        .platform = platform, .options = {.create = true, .durability = WG_STRICT}, .no_background = true};
    wg_engine *engine = NULL;
    MODEL_OK(wg_engine_open("/ws", &o, &engine, err));
    return engine;
}

typedef struct names {
    uint32_t node, edge, k, g, t;
} names;

static void declare_all(wg_engine *e, names *n) {
    static const wg_column_def columns[] = {{.name = "k", .type = WG_TYPE_INT, .int_bits = 64},
                                            {.name = "g", .type = WG_TYPE_INT, .int_bits = 64},
                                            {.name = "t", .type = WG_TYPE_STRING}};
    const wg_label_def node = {
        .name = "N", .kind = WG_LABEL_OWNED, .columns = columns, .column_count = 3, .key_count = 1};
    const wg_label_def edge = {
        .name = "E", .is_edge = true, .kind = WG_LABEL_OWNED, .from_label = "N", .to_label = "N"};
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_create_label(txn, &node, false, err));
    MODEL_OK(wg_txn_create_label(txn, &edge, false, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    const wg_catalog *catalog = wg_txn_catalog(txn);
    n->node = wg_catalog_label(catalog, wg_txn_view(txn), wg_slice_str("N"), false)->number;
    n->edge = wg_catalog_label(catalog, wg_txn_view(txn), wg_slice_str("E"), true)->number;
    n->k = wg_catalog_key(catalog, wg_slice_str("k"));
    n->g = wg_catalog_key(catalog, wg_slice_str("g"));
    n->t = wg_catalog_key(catalog, wg_slice_str("t"));
    wg_txn_abort(txn);
}

/* Node i has k = i, g = i % 10, t null for every fourth; edges from i to i / 2 and, for every tenth, to 0. */
static void fill(wg_engine *e, const names *n, uint64_t first, uint64_t count) {
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t id = 0, edge = 0;
        const wg_property p[] = {{n->k, wg_value_int((int64_t)i)},
                                 {n->g, wg_value_int((int64_t)(i % 10))},
                                 {n->t, i % 4 == 0 ? wg_value_null() : wg_value_str(wg_slice_str("text"))}};
        MODEL_OK(wg_txn_create_node(txn, &n->node, 1, p, 3, &id, err));
        assert_int_equal(id, i);
        MODEL_OK(wg_txn_create_edge(txn, n->edge, i, i / 2, NULL, 0, &edge, err));
        if (i % 10 == 0) MODEL_OK(wg_txn_create_edge(txn, n->edge, i, 0, NULL, 0, &edge, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

static void print_degrees(wg_buf *out, const wg_degree_statistics *d) {
    assert_true(wg_buf_printf(out, "%.17g %.17g %.17g %.17g:", d->nodes, d->average, d->maximum, d->sum_squares));
    for (uint32_t i = 0; i < WG_DEGREE_CLASSES; i++) assert_true(wg_buf_printf(out, " %.17g", d->classes[i]));
    assert_true(wg_buf_append_str(out, "\n"));
}

static void print_value(wg_buf *out, const wg_value *v) {
    assert_true(wg_buf_append_str(out, " ") && wg_value_print_json(out, v));
}

static void print_property(const wg_txn *txn, wg_arena *arena, uint32_t label, uint32_t key, wg_buf *out) {
    wg_property_statistics s;
    MODEL_OK(wg_property_statistics_get(txn, label, key, arena, &s, err));
    assert_true(wg_buf_printf(out, "%.17g %d %.17g %.17g", s.rows, s.exact, s.null_share, s.distinct));
    print_value(out, &s.min);
    print_value(out, &s.max);
    for (uint32_t i = 0; i < s.common_count; i++) {
        print_value(out, &s.common[i]);
        assert_true(wg_buf_printf(out, " %.17g", s.common_share[i]));
    }
    for (uint32_t i = 0; i < s.bound_count; i++) print_value(out, &s.bounds[i]);
    assert_true(wg_buf_append_str(out, "\n"));
}

/* Everything that there is to say at a snapshot, to the last bit. */
static void print_all(wg_engine *e, const names *n, uint64_t snapshot, wg_buf *out) {
    wg_txn *txn = NULL;
    wg_arena arena;
    wg_edge_statistics s;
    out->size = 0;
    wg_arena_init(&arena, NULL);
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, snapshot, &txn, err));
    MODEL_OK(wg_edge_statistics_get(txn, n->edge, &arena, &s, err));
    assert_true(wg_buf_printf(out, "%.17g %d %u %.17g\n", s.edges, s.exact, s.pair_count,
                              wg_edge_statistics_share(&s, &n->node, 1, &n->node, 1)));
    print_degrees(out, &s.out);
    print_degrees(out, &s.in);
    print_property(txn, &arena, n->node, n->k, out);
    print_property(txn, &arena, n->node, n->g, out);
    print_property(txn, &arena, n->node, n->t, out);
    wg_txn_abort(txn);
    wg_arena_deinit(&arena);
}

static void expect_all(wg_engine *e, const names *n, uint64_t snapshot, const wg_buf *expected) {
    wg_buf now = {0};
    print_all(e, n, snapshot, &now);
    if (!same_text(&now, expected))
        fail_msg("was:\n%.*s\nis:\n%.*s", (int)expected->size, (const char *)expected->data, (int)now.size,
                 (const char *)now.data);
    wg_buf_deinit(&now);
}

/* Goal: a label that fits the sample is described exactly. */
static void test_small_labels_are_exact(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    MODEL_OK(wg_platform_sim_create(1, &platform, err));
    wg_engine *e = open_at(platform);
    names n;
    declare_all(e, &n);
    fill(e, &n, 0, SMALL);
    wg_txn *txn = NULL;
    wg_arena arena;
    wg_edge_statistics s;
    wg_property_statistics p;
    wg_arena_init(&arena, NULL);
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    MODEL_OK(wg_edge_statistics_get(txn, n.edge, &arena, &s, err));
    assert_true(s.exact);
    assert_true(s.edges == SMALL + SMALL / 10 && s.out.nodes == SMALL && s.out.maximum == 2);
    assert_true(s.out.sum_squares == (SMALL - SMALL / 10) + 4.0 * (SMALL / 10));
    assert_true(s.out.classes[0] == SMALL - SMALL / 10 && s.out.classes[1] == SMALL / 10);
    assert_true(s.in.nodes == SMALL / 2 && s.in.maximum == 2 + SMALL / 10);
    assert_int_equal(s.pair_count, 1);
    assert_true(wg_edge_statistics_share(&s, NULL, 0, &n.node, 1) == 1);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.g, &arena, &p, err));
    const wg_value three = wg_value_int(3), eleven = wg_value_int(11);
    assert_true(p.exact && p.distinct == 10 && p.null_share == 0);
    assert_true(wg_property_statistics_share(&p, WG_CMP_EQ, &three) == 0.1);
    assert_true(wg_property_statistics_share(&p, WG_CMP_EQ, &eleven) == 0);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.t, &arena, &p, err));
    assert_true(p.null_share == 0.25 && p.distinct == 1 && p.common_share[0] == 0.75);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.k, &arena, &p, err));
    const wg_value quarter = wg_value_int(SMALL / 4);
    assert_true(p.min.as.i == 0 && p.max.as.i == SMALL - 1 && p.distinct == SMALL);
    assert_true(fabs(wg_property_statistics_share(&p, WG_CMP_LT, &quarter) - 0.25) < 0.05);
    assert_true(fabs(wg_property_statistics_share(&p, WG_CMP_GE, &quarter) - 0.75) < 0.05);
    wg_txn_abort(txn);
    wg_arena_deinit(&arena);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(platform);
}

/* Goal: what is estimated from a sample is near the truth. */
static void test_large_labels_are_estimated(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    MODEL_OK(wg_platform_sim_create(1, &platform, err));
    wg_engine *e = open_at(platform);
    names n;
    declare_all(e, &n);
    fill(e, &n, 0, LARGE);
    wg_txn *txn = NULL;
    wg_arena arena;
    wg_edge_statistics s;
    wg_property_statistics p;
    wg_arena_init(&arena, NULL);
    MODEL_OK(wg_txn_begin(e, WG_TXN_READ, 0, &txn, err));
    MODEL_OK(wg_edge_statistics_get(txn, n.edge, &arena, &s, err));
    assert_false(s.exact);
    assert_true(s.edges == LARGE + LARGE / 10);
    assert_true(fabs(s.out.nodes / LARGE - 1) < 0.1);
    assert_true(fabs(s.in.nodes / (LARGE / 2.0) - 1) < 0.15);
    assert_true(fabs(s.in.maximum / (LARGE / 10.0) - 1) < 0.2); /* node 0 */
    assert_true(fabs(s.in.sum_squares / ((LARGE / 10.0) * (LARGE / 10.0) + 2.0 * LARGE) - 1) < 0.6);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.k, &arena, &p, err));
    assert_true(p.distinct == LARGE && p.rows == LARGE);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.g, &arena, &p, err));
    assert_true(p.distinct == 10 && fabs(p.common_share[0] - 0.1) < 0.02);
    MODEL_OK(wg_property_statistics_get(txn, n.node, n.t, &arena, &p, err));
    assert_true(fabs(p.null_share - 0.25) < 0.02);
    wg_txn_abort(txn);
    wg_arena_deinit(&arena);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(platform);
}

/* Goal: one snapshot has one statistics, whatever happens to the store, and old snapshots have their own. */
static void test_statistics_follow_the_snapshot_alone(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    wg_buf first = {0}, second = {0};
    MODEL_OK(wg_platform_sim_create(1, &platform, err));
    wg_engine *e = open_at(platform);
    names n;
    declare_all(e, &n);
    fill(e, &n, 0, LARGE / 2);
    const uint64_t old = wg_engine_logseq(e);
    print_all(e, &n, 0, &first);
    wg_engine_pin *pin = NULL;
    MODEL_OK(wg_engine_pin_acquire(e, old, &pin, err));
    wg_txn *txn = NULL;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err)); /* takes rows and ids and gives them back */
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t id = 0;
        const wg_property p = {n.k, wg_value_int(1000000 + i)};
        MODEL_OK(wg_txn_create_node(txn, &n.node, 1, &p, 1, &id, err));
    }
    wg_txn_abort(txn);
    expect_all(e, &n, 0, &first);
    fill(e, &n, LARGE / 2, LARGE / 2);
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    for (uint64_t i = 0; i < 3000; i++) MODEL_OK(wg_txn_delete_node(txn, LARGE - 1 - i * 7, true, err));
    for (uint64_t i = 0; i < 3000; i++) {
        const wg_property p = {n.g, wg_value_int(77)};
        MODEL_OK(wg_txn_set_node(txn, i * 5, &p, 1, false, err));
    }
    MODEL_OK(wg_txn_commit(txn, NULL, err));
    print_all(e, &n, 0, &second);
    assert_false(same_text(&first, &second));
    expect_all(e, &n, old, &first);
    MODEL_OK(wg_engine_checkpoint(e, NULL, err));
    expect_all(e, &n, 0, &second);
    expect_all(e, &n, old, &first);
    const wg_compact_options everything = {.everything = true};
    MODEL_OK(wg_engine_compact(e, &everything, NULL, NULL, NULL, err));
    expect_all(e, &n, 0, &second);
    expect_all(e, &n, old, &first);
    wg_engine_pin_release(e, pin);
    MODEL_OK(wg_engine_close(e, err));
    e = open_at(platform);
    expect_all(e, &n, 0, &second);
    expect_all(e, &n, 0, &second); /* from the cache */
    MODEL_OK(wg_engine_compact(e, &everything, NULL, NULL, NULL, err));
    MODEL_OK(wg_engine_close(e, err));
    e = open_at(platform);
    expect_all(e, &n, 0, &second);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(platform);
    wg_buf_deinit(&first);
    wg_buf_deinit(&second);
}

/* Goal: a node with a declared edge keeps the label that the declaration asks for. */
static void test_ends_of_declared_edges_keep_their_label(void **state) {
    (void)state;
    wg_platform *platform = NULL;
    MODEL_OK(wg_platform_sim_create(1, &platform, err));
    wg_engine *e = open_at(platform);
    names n;
    declare_all(e, &n);
    fill(e, &n, 0, 4);
    wg_txn *txn = NULL;
    wg_error error = {0};
    uint64_t id = 0;
    const wg_property p = {n.k, wg_value_int(9)};
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    assert_int_equal(wg_txn_change_labels(txn, 3, NULL, 0, &n.node, 1, &error), WG_E_CONSTRAINT);
    MODEL_OK(wg_txn_create_node(txn, &n.node, 1, &p, 1, &id, err));
    MODEL_OK(wg_txn_change_labels(txn, id, NULL, 0, &n.node, 1, err));
    wg_txn_abort(txn);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(platform);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_labels_are_exact),
                                       cmocka_unit_test(test_large_labels_are_estimated),
                                       cmocka_unit_test(test_statistics_follow_the_snapshot_alone),
                                       cmocka_unit_test(test_ends_of_declared_edges_keep_their_label)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
