/* query/procedures: graph algorithms as procedures: algo.bfs, algo.sssp, algo.components, algo.pageRank, algo.triangles,
 * algo.labelPropagation, algo.kCore, algo.betweenness, algo.louvain (docs/language/procedures.md).
 *
 * Each makes the graph of the edges and nodes that it is told to read, at the statement's snapshot, runs on the threads and the memory of
 * the query, and gives a row a node in the order of ids. Names of components and communities are the id of a node of theirs. */
#include "query/procedures/algorithms_options.h"

typedef struct algorithm algorithm;

/* One call: the graph and what is allocated for its results. */
typedef struct algo_call {
    const wg_procedure_call *call;
    wg_algo_run run;
    wgi_algo_options o;
    wg_graph graph;
    uint32_t source;
    void *memory; /* results, `width` bytes a node */
} algo_call;

struct algorithm {
    uint32_t options;
    wg_direction direction; /* unless told otherwise */
    bool has_source;
    uint32_t width;
    wg_code (*run)(algo_call *c, wg_error *err);
};

static wg_value node_of(const algo_call *c, uint32_t index) {
    wg_value v = {.type = WG_TYPE_NODE};
    v.as.id = wg_graph_id(&c->graph, index);
    return v;
}

static wg_value id_of(const algo_call *c, uint32_t index) {
    return wg_value_int((int64_t)wg_graph_id(&c->graph, index));
}

/* Rows are many: cancelling is asked for now and then. */
static wg_code add_row(const algo_call *c, uint32_t node, const wg_value *cells, wg_error *err) {
    if (node % 4096 == 0) WG_TRY(wg_cancel_check(c->call->cancel, err));
    return wg_procedure_add_row(c->call, cells, err);
}

/* ---- the algorithms */

static wg_code run_bfs(algo_call *c, wg_error *err) {
    uint32_t *depths = c->memory;
    uint32_t *parents = depths + c->graph.node_count;
    WG_TRY(wg_algo_bfs(&c->run, &c->graph, c->source, depths, parents, err));
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        if (depths[v] == WG_GRAPH_NONE) continue;
        const wg_value cells[] = {node_of(c, v), wg_value_int(depths[v]),
                                  parents[v] == WG_GRAPH_NONE ? wg_value_null() : node_of(c, parents[v])};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

static wg_code run_sssp(algo_call *c, wg_error *err) {
    double *distances = c->memory;
    WG_TRY(wg_algo_sssp(&c->run, &c->graph, c->source, c->o.delta, distances, err));
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        if (distances[v] > 1.7976931348623157e308) continue; /* no path */
        const wg_value cells[] = {node_of(c, v), wg_value_float(distances[v])};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

/* A node and the id of another. */
static wg_code give_names(const algo_call *c, const uint32_t *names, wg_error *err) {
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        const wg_value cells[] = {node_of(c, v), id_of(c, names[v])};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

static wg_code give_scores(const algo_call *c, const double *scores, wg_error *err) {
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        const wg_value cells[] = {node_of(c, v), wg_value_float(scores[v])};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

static wg_code run_components(algo_call *c, wg_error *err) {
    WG_TRY(wg_algo_components(&c->run, &c->graph, c->memory, err));
    return give_names(c, c->memory, err);
}

static wg_code run_pagerank(algo_call *c, wg_error *err) {
    uint32_t iterations = 0;
    const wg_pagerank_options o = {.damping = c->o.damping,
                                   .tolerance = c->o.tolerance,
                                   .iterations = c->o.iterations,
                                   .dangling = c->o.dangling};
    WG_TRY(wg_algo_pagerank(&c->run, &c->graph, &o, c->memory, &iterations, err));
    return give_scores(c, c->memory, err);
}

static wg_code run_triangles(algo_call *c, wg_error *err) {
    uint64_t *local = c->memory;
    uint64_t total = 0;
    WG_TRY(wg_algo_triangles(&c->run, &c->graph, &total, local, err));
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        const double degree = (double)(c->graph.forward.offsets[v + 1] - c->graph.forward.offsets[v]);
        const double most = degree * (degree - 1) / 2;
        const wg_value cells[] = {node_of(c, v), wg_value_int((int64_t)local[v]),
                                  wg_value_float(most > 0 ? (double)local[v] / most : 0)};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

static wg_code run_label_propagation(algo_call *c, wg_error *err) {
    WG_TRY(wg_algo_label_propagation(&c->run, &c->graph, c->o.iterations, c->memory, err));
    return give_names(c, c->memory, err);
}

static wg_code run_core_numbers(algo_call *c, wg_error *err) {
    uint32_t *cores = c->memory;
    WG_TRY(wg_algo_core_numbers(&c->run, &c->graph, cores, err));
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        const wg_value cells[] = {node_of(c, v), wg_value_int(cores[v])};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

static wg_code run_betweenness(algo_call *c, wg_error *err) {
    double *scores = c->memory;
    uint32_t *sources = (uint32_t *)(void *)(scores + c->graph.node_count);
    uint32_t count = 0;
    wg_algo_sample(&c->graph, c->o.seed, c->o.sources == 0 ? UINT32_MAX : c->o.sources, sources, &count);
    WG_TRY(wg_algo_betweenness(&c->run, &c->graph, sources, count, scores, err));
    return give_scores(c, scores, err);
}

static wg_code run_louvain(algo_call *c, wg_error *err) {
    uint32_t *communities = c->memory;
    double modularity = 0;
    const wg_louvain_options o = {.resolution = c->o.resolution,
                                  .tolerance = c->o.tolerance,
                                  .iterations = c->o.iterations,
                                  .levels = c->o.levels};
    WG_TRY(wg_algo_louvain(&c->run, &c->graph, &o, communities, &modularity, err));
    for (uint32_t v = 0; v < c->graph.node_count; v++) {
        const wg_value cells[] = {node_of(c, v), id_of(c, communities[v]), wg_value_float(modularity)};
        WG_TRY(add_row(c, v, cells, err));
    }
    return WG_OK;
}

/* ---- calling */

static wg_code find_source(algo_call *c, wg_error *err) {
    const uint64_t id = c->call->args[0].as.id;
    if (wg_graph_find(&c->graph, id, &c->source)) return WG_OK;
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET,
                        "%s(): the source is none of the nodes that are read: see 'label'", c->call->procedure->name);
}

static wg_code run_graph(algo_call *c, const algorithm *a, wg_error *err) {
    WG_TRY(wg_graph_open(&c->run, c->call->txn, &c->o.graph, &c->graph, err));
    wg_code code = a->has_source ? find_source(c, err) : WG_OK;
    size_t bytes = 0;
    if (code == WG_OK && wg_mul_size(c->graph.node_count, a->width, &bytes))
        c->memory = wg_alloc(c->run.account, bytes + 64);
    if (code == WG_OK && c->memory == NULL) code = wg_error_nomem(err, bytes);
    if (code == WG_OK) code = a->run(c, err);
    wg_free(c->memory);
    wg_graph_close(&c->graph);
    return code;
}

static wg_code call_algorithm(void *ctx, const wg_procedure_call *call, wg_error *err) {
    const algorithm *a = ctx;
    const wg_exec_context *context = call->context;
    algo_call c = {.call = call,
                   .run = {.pool = context->pool,
                           .workers = context->threads,
                           .account = context->account,
                           .cancel = call->cancel,
                           .platform = wg_engine_platform(call->engine),
                           .deadline_ns = context->deadline_ns},
                   .o = {.graph = {.direction = a->direction, .weight_key = WG_NO_KEY},
                         .iterations = 100,
                         .tolerance = 1e-4,
                         .damping = 0.85,
                         .seed = 1,
                         .resolution = 1,
                         .levels = 32}};
    wg_arena arena;
    if (a->run == run_label_propagation) c.o.iterations = 10;
    if (a->run == run_louvain) {
        c.o.tolerance = 1e-7;
        c.o.graph.join = WG_WEIGHT_SUM;
    }
    wg_arena_init(&arena, context->account);
    wg_code code = wgi_algo_options_read(call, a->has_source ? 1 : 0, a->options, &arena, &c.o, err);
    if (code == WG_OK) code = run_graph(&c, a, err);
    wg_arena_deinit(&arena);
    return code;
}

/* ---- registering */

#define BIT WGI_OPTION_BIT
#define FIELD(field, field_type) \
    { .name = field, .type = field_type }

enum {
    READS = BIT(WGI_OPTION_LABEL),
    TURNS = BIT(WGI_OPTION_LABEL) | BIT(WGI_OPTION_DIRECTION),
};

static const wg_procedure_field from_source[] = {{.name = "source", .type = WG_TYPE_NODE, .not_null = true},
                                                 {.name = "relationships", .type = WG_TYPE_ANY, .optional = true},
                                                 {.name = "options", .type = WG_TYPE_ANY, .optional = true}};

static wg_code add_algorithm(wg_procedures *procedures, const char *name, const char *help, const algorithm *a,
                             const wg_procedure_field *results, wg_error *err) {
    const wg_procedure procedure = {.name = name,
                                    .help = help,
                                    .kind = WG_PROCEDURE_READ,
                                    .params = a->has_source ? from_source : from_source + 1,
                                    .param_count = a->has_source ? 3 : 2,
                                    .results = results,
                                    .result_count = results[2].name == NULL ? 2 : 3,
                                    .fn = call_algorithm,
                                    .ctx = (void *)(uintptr_t)a};
    return wg_procedure_register(procedures, &procedure, err);
}

static const algorithm bfs = {TURNS, WG_DIRECTION_OUT, true, 8, run_bfs};
static const algorithm sssp = {TURNS | BIT(WGI_OPTION_WEIGHT) | BIT(WGI_OPTION_DELTA), WG_DIRECTION_OUT, true, 8,
                               run_sssp};
static const algorithm components = {READS, WG_DIRECTION_OUT, false, 4, run_components};
static const algorithm pagerank = {TURNS | BIT(WGI_OPTION_ITERATIONS) | BIT(WGI_OPTION_TOLERANCE) |
                                       BIT(WGI_OPTION_DAMPING) | BIT(WGI_OPTION_DANGLING),
                                   WG_DIRECTION_OUT, false, 8, run_pagerank};
static const algorithm triangles = {READS, WG_DIRECTION_BOTH, false, 8, run_triangles};
static const algorithm label_propagation = {TURNS | BIT(WGI_OPTION_ITERATIONS), WG_DIRECTION_BOTH, false, 4,
                                            run_label_propagation};
static const algorithm core_numbers = {READS, WG_DIRECTION_BOTH, false, 4, run_core_numbers};
static const algorithm betweenness = {TURNS | BIT(WGI_OPTION_SOURCES) | BIT(WGI_OPTION_SEED), WG_DIRECTION_OUT, false,
                                      12, run_betweenness};
static const algorithm louvain = {READS | BIT(WGI_OPTION_WEIGHT) | BIT(WGI_OPTION_RESOLUTION) |
                                      BIT(WGI_OPTION_ITERATIONS) | BIT(WGI_OPTION_LEVELS) | BIT(WGI_OPTION_TOLERANCE),
                                  WG_DIRECTION_BOTH, false, 4, run_louvain};

wg_code wg_procedures_register_algorithms(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field depth[] = {FIELD("node", WG_TYPE_NODE), FIELD("depth", WG_TYPE_INT),
                                               FIELD("parent", WG_TYPE_NODE)};
    static const wg_procedure_field distance[3] = {FIELD("node", WG_TYPE_NODE), FIELD("distance", WG_TYPE_FLOAT)};
    static const wg_procedure_field component[3] = {FIELD("node", WG_TYPE_NODE), FIELD("component", WG_TYPE_INT)};
    static const wg_procedure_field score[3] = {FIELD("node", WG_TYPE_NODE), FIELD("score", WG_TYPE_FLOAT)};
    static const wg_procedure_field local[] = {FIELD("node", WG_TYPE_NODE), FIELD("triangles", WG_TYPE_INT),
                                               FIELD("coefficient", WG_TYPE_FLOAT)};
    static const wg_procedure_field core[3] = {FIELD("node", WG_TYPE_NODE), FIELD("core", WG_TYPE_INT)};
    static const wg_procedure_field community[3] = {FIELD("node", WG_TYPE_NODE), FIELD("community", WG_TYPE_INT)};
    static const wg_procedure_field modularity[] = {FIELD("node", WG_TYPE_NODE), FIELD("community", WG_TYPE_INT),
                                                    FIELD("modularity", WG_TYPE_FLOAT)};
    static const struct {
        const char *name;
        const char *help;
        const algorithm *algorithm;
        const wg_procedure_field *results;
    } all[] = {
        {"algo.bfs", "least number of relationships from a node", &bfs, depth},
        {"algo.sssp", "least sum of weights from a node", &sssp, distance},
        {"algo.components", "weakly connected components", &components, component},
        {"algo.pageRank", "PageRank", &pagerank, score},
        {"algo.triangles", "triangles of each node, and its clustering coefficient", &triangles, local},
        {"algo.labelPropagation", "communities by label propagation", &label_propagation, community},
        {"algo.kCore", "core numbers", &core_numbers, core},
        {"algo.betweenness", "betweenness, from all or some sources", &betweenness, score},
        {"algo.louvain", "communities by modularity", &louvain, modularity},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        WG_TRY(add_algorithm(procedures, all[i].name, all[i].help, all[i].algorithm, all[i].results, err));
    return WG_OK;
}
