/* Scenarios of adjacency: deltas that the background merges beside writers, checkpoints and readers of neighbours. A delta of four edges
 * is large here. Each commit makes two edges of the hub; each transaction that is given up had made one. */
#include "engine/engine.h"
#include "tests/sim/scenarios.h"

enum { NODES = 3, PAIRS = 4, EDGES_MAX = 32 };

typedef struct edge_world {
    wg_platform *disk;
    wg_platform *p; /* behind switch points */
    wg_engine *engine;
    uint32_t label;
    uint64_t nodes[NODES]; /* the first is the hub */
    uint32_t pairs;        /* committed */
} edge_world;

static wg_code make_edges(const edge_world *w, wg_txn *txn, uint32_t count, wg_error *err) {
    uint64_t id = 0;
    for (uint32_t i = 0; i < count; i++)
        WG_TRY(wg_txn_create_edge(txn, w->label, w->nodes[0], w->nodes[1 + i % 2], NULL, 0, &id, err));
    return WG_OK;
}

static wg_code commit_pair(edge_world *w, wg_error *err) {
    wg_txn *txn = NULL;
    WG_TRY(wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    const wg_code code = make_edges(w, txn, 2, err);
    if (code == WG_OK) return wg_txn_commit(txn, NULL, err);
    wg_txn_abort(txn);
    return code;
}

static void edge_writer(void *arg) {
    edge_world *w = arg;
    for (uint32_t i = 0; i < PAIRS; i++) {
        wg_txn *txn = NULL;
        SIM_TRY("pair", commit_pair(w, err));
        w->pairs++;
        SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
        SIM_TRY("edge", make_edges(w, txn, 1, err));
        wg_txn_abort(txn);
    }
}

static void edge_checkpointer(void *arg) {
    const edge_world *w = arg;
    SIM_TRY("checkpoint", wg_engine_checkpoint(w->engine, NULL, err));
}

typedef struct fan {
    uint32_t count;
    uint64_t edges[EDGES_MAX];
    uint64_t nodes[EDGES_MAX];
} fan;

/* Neighbours three at a time, so that the arrays may change between two calls. */
static wg_code fan_read(const edge_world *w, const wg_txn *txn, uint64_t node, wg_direction way, fan *out,
                        wg_error *err) {
    wg_expand_position position = {0};
    out->count = 0;
    for (uint32_t n = 1; n > 0 && out->count + 3 <= EDGES_MAX; out->count += n)
        WG_TRY(wg_expand(txn, node, way, &w->label, 1, &position, 3, out->edges + out->count, out->nodes + out->count,
                         &n, err));
    return WG_OK;
}

/* In every snapshot the hub has the edges of whole commits, each once and in order, and the other ends say the same. */
static void check_snapshot(const edge_world *w, uint32_t *io_least) {
    wg_txn *txn = NULL;
    fan out = {0}, again = {0}, in = {0};
    SIM_TRY("reader", wg_txn_begin(w->engine, WG_TXN_READ, 0, &txn, err));
    SIM_TRY("out", fan_read(w, txn, w->nodes[0], WG_DIRECTION_OUT, &out, err));
    uint32_t arrived = 0;
    for (uint32_t n = 1; n < NODES; n++) {
        SIM_TRY("in", fan_read(w, txn, w->nodes[n], WG_DIRECTION_IN, &in, err));
        arrived += in.count;
        for (uint32_t i = 0; i < in.count; i++)
            if (in.nodes[i] != w->nodes[0]) sim_fail("an edge comes from node %llu", (unsigned long long)in.nodes[i]);
    }
    SIM_TRY("again", fan_read(w, txn, w->nodes[0], WG_DIRECTION_OUT, &again, err));
    wg_txn_abort(txn);
    for (uint32_t i = 1; i < out.count; i++)
        if (out.edges[i - 1] >= out.edges[i]) sim_fail("edges out of order or twice");
    for (uint32_t i = 0; i < out.count; i++)
        if (out.nodes[i] != w->nodes[1] && out.nodes[i] != w->nodes[2]) sim_fail("an edge goes nowhere");
    if (out.count % 2 != 0 || out.count < *io_least || arrived != out.count || again.count != out.count)
        sim_fail("%u edges leave, %u arrive, %u leave when asked again, %u were there before", out.count, arrived,
                 again.count, *io_least);
    *io_least = out.count;
}

static void edge_reader(void *arg) {
    uint32_t least = 2;
    for (uint32_t i = 0; i < 3 && !sim_failed(); i++) check_snapshot(arg, &least);
}

static void edges_begin(edge_world *w) {
    wg_txn *txn = NULL;
    const wg_engine_options o = {.platform = w->p,
                                 .options = {.durability = WG_STRICT, .create = true, .threads = 1},
                                 .wal_segment_bytes = 1 << 16,
                                 .ring_dir = "",
                                 .delta_edges_min = 3};
    SIM_TRY("create", wg_engine_open("/ws", &o, &w->engine, err));
    SIM_TRY("begin", wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, err));
    SIM_TRY("label", wg_txn_intern_label(txn, wg_slice_str("E"), true, &w->label, err));
    for (uint32_t i = 0; i < NODES; i++)
        SIM_TRY("node", wg_txn_create_node(txn, NULL, 0, NULL, 0, &w->nodes[i], err));
    SIM_TRY("edges", make_edges(w, txn, 2, err));
    SIM_TRY("commit", wg_txn_commit(txn, NULL, err));
    w->pairs = 1;
}

static void edges_end(edge_world *w) {
    uint32_t all = 2 * w->pairs;
    wg_verify_report report = {0};
    wg_error err_of_close = {0};
    sim_explore(false);
    if (w->engine == NULL) return;
    if (!sim_failed()) check_snapshot(w, &all);
    if (!sim_failed() && all != 2 * w->pairs) sim_fail("%u edges for %u commits", all, w->pairs);
    if (wg_engine_close(w->engine, &err_of_close) != WG_OK) sim_fail("close: %s", err_of_close.message);
    if (!sim_failed()) SIM_TRY("verify", wg_engine_verify(w->disk, "/ws", &report, err));
}

void sim_delta_merge_and_commit(void) {
    edge_world w = {0};
    sim_crew crew = {.count = 0};
    if (wg_platform_sim_create(1, &w.disk, NULL) != WG_OK) {
        sim_fail("no memory for a disk");
        return;
    }
    w.p = sim_platform_create(w.disk);
    sim_platform_be_real(w.p); /* it may have a background */
    edges_begin(&w);
    if (!sim_failed()) {
        sim_explore(true);
        sim_crew_add(&crew, edge_writer, &w);
        sim_crew_add(&crew, edge_reader, &w);
        sim_crew_add(&crew, edge_checkpointer, &w);
        sim_crew_join(&crew);
    }
    edges_end(&w);
    sim_platform_be_real(NULL);
    sim_platform_destroy(w.p);
    wg_platform_sim_destroy(w.disk);
}
