/* gap_bench: our graph algorithms on Kronecker and uniform graphs as the GAP Benchmark Suite specifies them, on one and two threads, beside
 * plain kernels in the same run. Answers are compared before times are told. `gap_bench [--scale N] [--runs N] [--only NAME]`. */
#include <math.h>
#include <string.h>

#include "bench.h"
#include "gap.h"

enum { SOURCES = 8, RUNS_MAX = 64, THREADS = 2 };

typedef struct settings {
    uint32_t scale;
    uint32_t runs;
    uint32_t delta; /* of shortest paths; 0: chosen */
    const char *only;
} settings;

typedef struct bench {
    settings s;
    bool kron;
    wg_pool *pool;
    gap_edges edges;
    wg_graph graph;
    gap_csr floor;
    uint32_t sources[SOURCES];
    uint32_t *words[4];
    double *doubles[3];
    void *heap;
    uint64_t triangles[2];
    double modularity;
    uint32_t iterations[2];
    uint64_t samples[RUNS_MAX * SOURCES];
    uint64_t cpu_samples[RUNS_MAX * SOURCES];
} bench;

static void fail(const char *what) {
    fprintf(stderr, "gap: %s\n", what);
    exit(1);
}

static void ok(wg_code code, const char *what) {
    if (code != WG_OK) fail(what);
}

typedef struct kernel {
    const char *name;
    uint32_t sources; /* runs from each of so many; 1: once */
    double goals[2];  /* the suite's own on the reference machine at scale 20: kron, uniform; s */
    void (*ours)(bench *b, const wg_algo_run *run, uint32_t source);
    void (*plain)(bench *b, uint32_t source);
    bool (*equal)(const bench *b);
} kernel;

/* ---- kernels */

static void ours_bfs(bench *b, const wg_algo_run *run, uint32_t source) {
    ok(wg_algo_bfs(run, &b->graph, source, b->words[0], b->words[2], NULL), "bfs");
}
static void plain_bfs(bench *b, uint32_t source) { gap_floor_bfs(&b->graph, source, b->words[1], b->words[3]); }
static bool equal_words(const bench *b) {
    return memcmp(b->words[0], b->words[1], (size_t)b->graph.node_count * sizeof(uint32_t)) == 0;
}

static void ours_components(bench *b, const wg_algo_run *run, uint32_t source) {
    (void)source;
    ok(wg_algo_components(run, &b->graph, b->words[0], NULL), "components");
}
static void plain_components(bench *b, uint32_t source) {
    (void)source;
    gap_floor_components(&b->graph, b->words[1]);
}

static void ours_pagerank(bench *b, const wg_algo_run *run, uint32_t source) {
    const wg_pagerank_options o = {.damping = 0.85, .tolerance = 1e-4, .iterations = 1000};
    (void)source;
    ok(wg_algo_pagerank(run, &b->graph, &o, b->doubles[0], &b->iterations[0], NULL), "pagerank");
}
static void plain_pagerank(bench *b, uint32_t source) {
    (void)source;
    b->iterations[1] = gap_floor_pagerank(&b->graph, 1e-4, b->doubles[1], b->doubles[2]);
}
static bool equal_scores(const bench *b) {
    double difference = 0;
    for (uint32_t v = 0; v < b->graph.node_count; v++) difference += fabs(b->doubles[0][v] - b->doubles[1][v]);
    return difference < 1e-9 && b->iterations[0] == b->iterations[1];
}

static void ours_sssp(bench *b, const wg_algo_run *run, uint32_t source) {
    ok(wg_algo_sssp(run, &b->graph, source, b->s.delta, b->doubles[0], NULL), "sssp");
}
static void plain_sssp(bench *b, uint32_t source) { gap_floor_sssp(&b->graph, source, b->doubles[1], b->heap); }
static bool equal_doubles(const bench *b) {
    return memcmp(b->doubles[0], b->doubles[1], (size_t)b->graph.node_count * sizeof(double)) == 0;
}

static void ours_triangles(bench *b, const wg_algo_run *run, uint32_t source) {
    (void)source;
    ok(wg_algo_triangles(run, &b->graph, &b->triangles[0], NULL, NULL), "triangles");
}
static void plain_triangles(bench *b, uint32_t source) {
    (void)source;
    b->triangles[1] = gap_floor_triangles(&b->graph);
}
static bool equal_triangles(const bench *b) { return b->triangles[0] == b->triangles[1]; }

static void ours_louvain(bench *b, const wg_algo_run *run, uint32_t source) {
    const wg_louvain_options o = {.resolution = 1, .tolerance = 1e-7, .iterations = 100, .levels = 32};
    (void)source;
    ok(wg_algo_louvain(run, &b->graph, &o, b->words[0], &b->modularity, NULL), "louvain");
}
/* No plain kernel: one thread must give what two do. */
static void one_louvain(bench *b, uint32_t source) {
    const wg_algo_run run = {.pool = b->pool, .workers = 1};
    ours_louvain(b, &run, source);
    memcpy(b->words[1], b->words[0], (size_t)b->graph.node_count * sizeof(uint32_t));
    fprintf(stderr, "%-8s louvain: modularity %.6f\n", b->kron ? "kron" : "uniform", b->modularity);
}

static void ours_build(bench *b, const wg_algo_run *run, uint32_t source) {
    const wg_graph_edges edges = {.node_count = b->edges.node_count,
                                  .count = b->edges.count,
                                  .from = b->edges.from,
                                  .to = b->edges.to,
                                  .direction = WG_DIRECTION_BOTH};
    (void)source;
    wg_graph_close(&b->graph);
    ok(wg_graph_of_edges(run, &edges, &b->graph, NULL), "build");
}
static void plain_build(bench *b, uint32_t source) {
    (void)source;
    gap_csr_free(&b->floor);
    gap_floor_build(&b->edges, &b->floor);
}
static bool equal_graphs(const bench *b) {
    const uint64_t entries = b->graph.forward.entry_count;
    for (uint64_t v = 0; v <= b->graph.node_count; v++)
        if (b->graph.forward.offsets[v] != b->floor.offsets[v]) return false;
    return memcmp(b->graph.forward.targets, b->floor.targets, (size_t)entries * sizeof(uint32_t)) == 0;
}

static const kernel kernels[] = {
    {"build", 1, {0.50, 0.46}, ours_build, plain_build, equal_graphs},
    {"bfs", SOURCES, {0.0125, 0.0232}, ours_bfs, plain_bfs, equal_words},
    {"components", 1, {0.032, 0.024}, ours_components, plain_components, equal_words},
    {"pagerank", 1, {0.183, 0.082}, ours_pagerank, plain_pagerank, equal_scores},
    {"sssp", SOURCES, {0.139, 0.256}, ours_sssp, plain_sssp, equal_doubles},
    {"triangles", 1, {7.7, 2.5}, ours_triangles, plain_triangles, equal_triangles},
    {"louvain", 1, {0, 0}, ours_louvain, one_louvain, equal_words}, /* the suite has none */
};

/* ---- measuring */

/* Of all threads: on a busy machine it says more than the clock on the wall. */
static uint64_t cpu_now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) fail("no clock of the process");
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

typedef struct times {
    double wall_ms; /* medians */
    double cpu_ms;
} times;

static times medians(bench *b, size_t count) {
    return (times){(double)bench_percentile(b->samples, count, 50) / 1e6,
                   (double)bench_percentile(b->cpu_samples, count, 50) / 1e6};
}

static times measure_ours(bench *b, const kernel *k, uint32_t threads) {
    const wg_algo_run run = {.pool = b->pool, .workers = threads};
    size_t count = 0;
    for (uint32_t r = 0; r < b->s.runs; r++)
        for (uint32_t i = 0; i < k->sources; i++) {
            const uint64_t begin = bench_now_ns();
            const uint64_t cpu = cpu_now_ns();
            k->ours(b, &run, b->sources[i]);
            b->cpu_samples[count] = cpu_now_ns() - cpu;
            b->samples[count++] = bench_now_ns() - begin;
        }
    return medians(b, count);
}

/* The plain kernel once from each source, and whether both give the same. */
static times measure_plain(bench *b, const kernel *k) {
    const wg_algo_run run = {.pool = b->pool, .workers = THREADS};
    size_t count = 0;
    for (uint32_t i = 0; i < k->sources; i++) {
        const uint64_t begin = bench_now_ns();
        const uint64_t cpu = cpu_now_ns();
        k->plain(b, b->sources[i]);
        b->cpu_samples[count] = cpu_now_ns() - cpu;
        b->samples[count++] = bench_now_ns() - begin;
        k->ours(b, &run, b->sources[i]);
        if (!k->equal(b)) {
            fprintf(stderr, "gap: the answers of %s differ\n", k->name);
            exit(1);
        }
    }
    return medians(b, count);
}

static void measure(bench *b, const kernel *k) {
    char name[64];
    char params[160];
    const times plain = measure_plain(b, k);
    times ours[THREADS + 1] = {0};
    for (uint32_t threads = 1; threads <= THREADS; threads++) {
        ours[threads] = measure_ours(b, k, threads);
        snprintf(name, sizeof name, "gap.%s", k->name);
        snprintf(params, sizeof params,
                 "{\"graph\":\"%s\",\"scale\":%u,\"threads\":%u,\"runs\":%u,\"cpu_ms\":%.4g,\"peer_cpu_ms\":%.4g}",
                 b->kron ? "kron" : "uniform", b->s.scale, threads, b->s.runs, ours[threads].cpu_ms, plain.cpu_ms);
        const bench_line line = {name,
                                 params,
                                 ours[threads].wall_ms,
                                 "ms",
                                 k->plain == one_louvain ? "the same on 1 thread" : "plain C, 1 thread",
                                 plain.wall_ms};
        bench_print(&line);
    }
    fprintf(stderr,
            "%-8s %-11s %8.2f ms on 1, %8.2f on 2 threads: %.2f times; plain C %8.2f; of the processors %8.2f, "
            "%8.2f, %8.2f",
            b->kron ? "kron" : "uniform", k->name, ours[1].wall_ms, ours[2].wall_ms,
            ours[1].wall_ms / ours[2].wall_ms, plain.wall_ms, ours[1].cpu_ms, ours[2].cpu_ms, plain.cpu_ms);
    const double goal = k->goals[b->kron ? 0 : 1] * 1e3;
    if (b->s.scale == 20 && goal > 0) fprintf(stderr, "; GAP suite %8.2f: %.2f", goal, ours[2].wall_ms / goal);
    fprintf(stderr, "\n");
}

/* ---- a graph */

static void choose_sources(bench *b) {
    wg_rng rng;
    wg_rng_init(&rng, 27);
    for (uint32_t i = 0; i < SOURCES;) {
        const uint32_t v = (uint32_t)wg_rng_below(&rng, b->graph.node_count);
        if (b->graph.forward.offsets[v + 1] > b->graph.forward.offsets[v]) b->sources[i++] = v;
    }
}

static void weigh(bench *b) {
    const wg_algo_run run = {.pool = b->pool, .workers = THREADS};
    const wg_graph_edges edges = {.node_count = b->edges.node_count,
                                  .count = b->edges.count,
                                  .from = b->edges.from,
                                  .to = b->edges.to,
                                  .weights = b->edges.weights,
                                  .direction = WG_DIRECTION_BOTH};
    wg_graph_close(&b->graph);
    ok(wg_graph_of_edges(&run, &edges, &b->graph, NULL), "build with weights");
}

static bool wanted(const bench *b, const char *name) { return b->s.only == NULL || strstr(name, b->s.only) != NULL; }

static void run_graph(bench *b, bool kron) {
    const wg_algo_run run = {.pool = b->pool, .workers = THREADS};
    b->kron = kron;
    gap_generate(kron, b->s.scale, kron ? 10 : 20, &b->edges);
    const uint64_t n = b->edges.node_count;
    for (size_t i = 0; i < 4; i++) b->words[i] = gap_alloc(n * sizeof(uint32_t));
    for (size_t i = 0; i < 3; i++) b->doubles[i] = gap_alloc(n * sizeof(double));
    ours_build(b, &run, 0);
    b->heap = gap_alloc((b->graph.forward.entry_count + 1) * 16);
    choose_sources(b);
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
        if (!wanted(b, kernels[k].name)) continue;
        if (kernels[k].ours == ours_sssp) weigh(b);
        measure(b, &kernels[k]);
    }
    wg_graph_close(&b->graph);
    gap_csr_free(&b->floor);
    b->floor = (gap_csr){0};
    gap_edges_free(&b->edges);
    for (size_t i = 0; i < 4; i++) wg_free(b->words[i]);
    for (size_t i = 0; i < 3; i++) wg_free(b->doubles[i]);
    wg_free(b->heap);
}

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *out) {
    char *end = NULL;
    const unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || n < least || n > most) return false;
    *out = (uint32_t)n;
    return true;
}

int main(int argc, char **argv) {
    static bench b;
    b.s = (settings){.scale = 16, .runs = 3};
    bool good = argc % 2 == 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--scale") == 0) good &= read_number(argv[i + 1], 4, 24, &b.s.scale);
        else if (strcmp(argv[i], "--runs") == 0) good &= read_number(argv[i + 1], 1, RUNS_MAX, &b.s.runs);
        else if (strcmp(argv[i], "--delta") == 0) good &= read_number(argv[i + 1], 0, 1000, &b.s.delta);
        else if (strcmp(argv[i], "--only") == 0) b.s.only = argv[i + 1];
        else good = false;
    }
    if (!good) {
        fprintf(stderr, "usage: gap_bench [--scale 4..24] [--runs 1..64] [--delta N] [--only part of a name]\n");
        return 2;
    }
    ok(wg_pool_create(THREADS, &b.pool, NULL), "no pool");
    run_graph(&b, true);
    run_graph(&b, false);
    wg_pool_destroy(b.pool);
    return 0;
}
