/* tests/crash: workloads on the whole engine, and the oracle beside them; workload_checks.h has what is checked (P1, P2, P5).
 *
 * A workload is a list of transactions on the model of engine_model.h; the model after each commit is kept, so that what
 * a recovery shows must be one of them, whole, not older than the last acknowledged one. After each crash: verify reads the
 * disk or finds no workspace; the engine opens; its newest state, a past snapshot, its keys and what the workload adds are
 * right; recovering again changes no byte; verify passes; twenty more commits, a second crash, and a second recovery keep
 * all of that. */
#ifndef WG_TESTS_WORKLOAD_KIT_H
#define WG_TESTS_WORKLOAD_KIT_H

#include "crash_kit.h"

#include "engine/engine_model_ops.h"

enum { COMMITS_MAX = 96, FURTHER = 20, LARGE_SEGMENT_BYTES = 2 << 20, LARGE_STRIDE = 8 };

/* What the application knows, outside of the disk. */
typedef struct oracle {
    const struct oracle *before; /* of the commits up to `from`; NULL: none */
    uint64_t from;
    bool created;
    uint64_t acked;
    uint64_t attempted;
    uint64_t virtual_at;    /* the commit that declared the virtual label; 0: none yet */
    uint64_t virtual_again; /* the commit that may have registered its second file; 0: none yet */
    uint64_t large_from;    /* platform calls before the value of 4 MiB; 0: not reached */
    model models[COMMITS_MAX + 1];
} oracle;

typedef struct workload workload;
struct workload {
    const char *name;
    uint32_t transactions;
    uint32_t steps; /* operations of a transaction; 0: the mix of engine_model.h */
    size_t text_max;
    wg_durability durability;
    uint32_t segment_bytes;
    uint32_t sync_every; /* BUFFERED: wg_engine_sync after so many commits */
    void (*step)(world *w, wg_txn *txn);
    void (*prepare)(wg_platform *disk); /* files beside the workspace */
    bool (*maintain)(world *w, uint32_t transaction,
                     oracle *o); /* between transactions; false: the platform failed */
    void (*check)(wg_engine *engine, uint64_t logseq, const oracle *o); /* what the model does not know */
    bool recovery_exhaustive;                               /* each call of each recovery is crashed too */
    wg_platform *(*start)(const workload *load, oracle *o); /* another disk than a fresh one */
};

static world the_world;
static oracle known; /* large */
static oracle later;

static inline const model *model_at(const oracle *o, uint64_t logseq) {
    return o->before != NULL && logseq < o->from ? model_at(o->before, logseq) : &o->models[logseq];
}

static inline wg_engine_options options_of(const workload *load, wg_platform *platform) {
    return (wg_engine_options){.platform = platform,
                               .options = {.create = true,
                                           .durability = load->durability,
                                           .sync_interval_ms = 100000000,
                                           .sync_batch_commits = 1000000,
                                           .checkpoint_log_bytes = UINT64_MAX,
                                           .no_background = true},
                               .wal_segment_bytes = load->segment_bytes,
                               .halves_log_bytes = load->durability == WG_STRICT};
}

static inline wg_code kit_checkpoint(wg_engine *engine) { return wg_engine_checkpoint(engine, NULL, NULL); }
static inline wg_code kit_compact(wg_engine *engine) {
    const wg_compact_options everything = {.everything = true};
    return wg_engine_compact(engine, &everything, NULL, NULL, NULL, NULL);
}

/* ---- running */

/* One transaction of the workload; false when the platform failed. */
static inline bool run_transaction(world *w, const workload *load, uint32_t number, oracle *o) {
    wg_txn *txn = NULL;
    if (wg_txn_begin(w->engine, WG_TXN_WRITE, 0, &txn, NULL) != WG_OK) return false;
    const uint64_t next = wg_txn_view(txn).snapshot + 1;
    assert_true(next <= COMMITS_MAX);
    if (next == 1) MODEL_OK(declare(txn, err));
    const uint64_t nomems = w->nomems;
    for (uint32_t s = 0; s < load->steps; s++) load->step(w, txn);
    if (load->steps == 0) transaction_body(w, txn);
    if (number % 5 == 4 || w->nomems != nomems) {
        wg_txn_abort(txn);
        w->now = *model_at(o, o->attempted);
        return w->nomems == nomems;
    }
    o->models[next] = w->now;
    uint64_t logseq = 0;
    o->attempted = next; /* an empty transaction takes no number; then its state is that of the last */
    const wg_code code = wg_txn_commit(txn, &logseq, NULL);
    if (code == WG_OK && logseq != next) o->attempted = logseq;
    if (code == WG_OK && load->durability == WG_STRICT) o->acked = logseq;
    return code == WG_OK;
}

static inline void step_large(world *w, wg_txn *txn) {
    if (w->now.node_count == MODEL_NODES) return;
    model_node n = {.alive = true, .labels = 2};
    n.values[2] = (model_value){MODEL_TEXT, MODEL_LARGE + pick(w, 4000)};
    uint32_t label = 0;
    wg_property p = {.value = model_to_value(w->text_max, n.values[2])};
    wg_error err = {0};
    uint64_t id = 0;
    wg_code code = wg_txn_intern_label(txn, wg_slice_str("A"), false, &label, &err);
    if (code == WG_OK) code = wg_txn_intern_key(txn, wg_slice_str("a"), &p.key, &err);
    if (code == WG_OK) code = wg_txn_create_node(txn, &label, 1, &p, 1, &id, &err);
    if (judge(w, code, true, &err, "create a large node")) w->now.nodes[w->now.node_count++] = n;
}

/* Opens what is there, runs the transactions, and ends with one value of 4 MiB in large segments. */
static inline bool run_open(wg_platform *platform, const workload *load, oracle *o) {
    world *w = &the_world;
    const wg_engine_options options = options_of(load, platform);
    w->engine = NULL;
    if (wg_engine_open("/ws", &options, &w->engine, NULL) != WG_OK) return false;
    const uint64_t logseq = wg_engine_logseq(w->engine);
    assert_true(logseq >= o->acked && logseq <= o->attempted);
    o->created = true;
    o->acked = o->attempted = logseq;
    w->now = *model_at(o, o->acked);
    return true;
}

static inline bool run_close(oracle *o, bool alive) {
    const bool closed = wg_engine_close(the_world.engine, NULL) == WG_OK;
    the_world.engine = NULL;
    if (closed && alive) o->acked = o->attempted;
    return closed && alive;
}

static inline bool run_transactions(const workload *load, uint32_t count, oracle *o) {
    world *w = &the_world;
    bool alive = true;
    for (uint32_t t = 0; t < count && alive; t++) {
        alive = run_transaction(w, load, t, o);
        if (alive && load->sync_every != 0 && t % load->sync_every == 0) {
            alive = wg_engine_sync(w->engine, NULL) == WG_OK;
            if (alive) o->acked = o->attempted;
        }
        if (alive && load->maintain != NULL) alive = load->maintain(w, t, o);
    }
    return alive;
}

static inline void run_workload(wg_platform *platform, const workload *load, uint64_t seed, oracle *o) {
    world *w = &the_world;
    w->may_fail = true;
    w->text_max = load->text_max;
    wg_rng_init(&w->rng, seed);
    if (!run_open(platform, load, o)) return;
    if (!run_close(o, run_transactions(load, load->transactions, o))) return;
    workload large = *load;
    large.segment_bytes = LARGE_SEGMENT_BYTES;
    large.steps = 1;
    large.step = step_large;
    o->large_from = wg_platform_sim_calls(platform);
    if (!run_open(platform, &large, o)) return;
    (void)run_close(o, run_transactions(&large, 1, o));
}

#endif
