/* Graph algorithms against naive ones over an adjacency matrix, on random graphs of several shapes, and the same bytes on 1, 2, 3 and 8
 * workers; limits, cancellation, and allocations that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "algorithms/algorithms.h"

enum { N_MAX = 260, E_MAX = 6000, LARGE = 30000, LARGE_EDGES = 400000 };

typedef enum shape { EMPTY, ALONE, UNIFORM, SKEWED, MULTI, APART, STAR, RING, SHAPES } shape;

static wg_pool *pool;
static const uint32_t worker_counts[] = {1, 2, 3, 8};

typedef struct sample {
    wg_rng rng;
    uint32_t n;
    uint32_t m;
    uint32_t *from;
    uint32_t *to;
    double *weights;
} sample;

static uint32_t from_small[E_MAX];
static uint32_t to_small[E_MAX];
static double weights_small[E_MAX];
static uint8_t matrix[N_MAX][N_MAX]; /* number of edges, at most 255 */
static double lengths[N_MAX][N_MAX]; /* least weight */

static wg_algo_run run_on(uint32_t workers) { return (wg_algo_run){.pool = pool, .workers = workers}; }

static uint32_t below(sample *s, uint32_t bound) { return (uint32_t)wg_rng_below(&s->rng, bound); }

static uint32_t skewed_node(sample *s) {
    const double r = wg_rng_unit(&s->rng);
    return (uint32_t)((double)s->n * r * r * r);
}

static void make_edges(sample *s, shape kind) {
    for (uint32_t i = 0; i < s->m; i++) {
        s->from[i] = below(s, s->n);
        s->to[i] = below(s, s->n);
        if (kind == SKEWED) {
            s->from[i] = skewed_node(s);
            s->to[i] = skewed_node(s);
        } else if (kind == MULTI) {
            s->from[i] %= 12;
            s->to[i] = i % 5 == 0 ? s->from[i] : s->to[i] % 12;
        } else if (kind == APART) {
            s->to[i] = s->from[i] / 8 * 8 + s->to[i] % 8;
            if (s->to[i] >= s->n) s->to[i] = s->from[i];
        } else if (kind == STAR) {
            if (i % 2 == 0) s->from[i] = s->n / 2;
            else s->to[i] = s->n / 2;
        } else if (kind == RING) {
            s->from[i] = i % s->n;
            s->to[i] = (i + 1) % s->n;
        }
        s->weights[i] = below(s, 3) == 0 ? (double)below(s, 20) : wg_rng_unit(&s->rng) * 10;
    }
}

static void make_small(sample *s, shape kind, uint64_t seed) {
    *s = (sample){.from = from_small, .to = to_small, .weights = weights_small};
    wg_rng_init(&s->rng, seed * 100 + (uint64_t)kind);
    s->n = kind == EMPTY ? 0 : 13 + below(s, N_MAX - 13);
    s->m = kind == EMPTY || kind == ALONE ? 0 : s->n / 2 + below(s, s->n * 8);
    if (kind == RING) s->m = s->n;
    if (s->m > E_MAX) s->m = E_MAX;
    if (s->n > 0) make_edges(s, kind);
}

static void open_sample(const sample *s, wg_direction direction, bool weighted, uint32_t workers, wg_graph *out) {
    const wg_algo_run run = run_on(workers);
    const wg_graph_edges edges = {.node_count = s->n,
                                  .count = s->m,
                                  .from = s->from,
                                  .to = s->to,
                                  .weights = weighted ? s->weights : NULL,
                                  .direction = direction};
    assert_int_equal(wg_graph_of_edges(&run, &edges, out, NULL), WG_OK);
}

/* The graph as the algorithms are to see it. */
static void fill_matrix(const sample *s, wg_direction direction) {
    memset(matrix, 0, sizeof matrix);
    for (uint32_t a = 0; a < s->n; a++)
        for (uint32_t b = 0; b < s->n; b++) lengths[a][b] = INFINITY;
    for (uint32_t i = 0; i < s->m; i++)
        for (uint32_t turn = 0; turn < 2; turn++) {
            uint32_t a = turn == 0 ? s->from[i] : s->to[i];
            uint32_t b = turn == 0 ? s->to[i] : s->from[i];
            const bool wanted = direction == WG_DIRECTION_BOTH ? a != b : turn == (direction == WG_DIRECTION_IN);
            if (!wanted) continue;
            if (direction == WG_DIRECTION_BOTH) matrix[a][b] = 1;
            else matrix[a][b]++;
            lengths[a][b] = fmin(lengths[a][b], s->weights[i]);
        }
}

/* Goal: a graph has the edges that it was made of, ascending, in both directions; undirected ones are simple. */
static void test_graph_holds_its_edges(void **state) {
    (void)state;
    for (uint32_t kind = 0; kind < SHAPES; kind++)
        for (uint32_t d = WG_DIRECTION_OUT; d <= WG_DIRECTION_BOTH; d++) {
            sample s;
            wg_graph g;
            make_small(&s, (shape)kind, 1);
            fill_matrix(&s, (wg_direction)d);
            open_sample(&s, (wg_direction)d, true, worker_counts[kind % 4], &g);
            assert_int_equal(g.node_count, s.n);
            uint64_t entries = 0;
            for (uint32_t a = 0; a < s.n; a++) {
                static uint32_t seen[2][N_MAX];
                memset(seen, 0, sizeof seen);
                for (uint64_t i = g.forward.offsets[a]; i < g.forward.offsets[a + 1]; i++) {
                    assert_true(i == g.forward.offsets[a] || g.forward.targets[i - 1] <= g.forward.targets[i]);
                    seen[0][g.forward.targets[i]]++;
                    assert_true(g.forward.weights[i] >= lengths[a][g.forward.targets[i]]);
                    assert_true(d != WG_DIRECTION_BOTH || g.forward.weights[i] == lengths[a][g.forward.targets[i]]);
                }
                for (uint64_t i = g.backward.offsets[a]; i < g.backward.offsets[a + 1]; i++)
                    seen[1][g.backward.targets[i]]++;
                for (uint32_t b = 0; b < s.n; b++) {
                    assert_int_equal(seen[0][b], matrix[a][b]);
                    assert_int_equal(seen[1][b], matrix[b][a]);
                    entries += matrix[a][b];
                }
            }
            assert_int_equal(g.forward.entry_count, entries);
            assert_int_equal(g.backward.entry_count, entries);
            wg_graph_close(&g);
        }
}

static void naive_bfs(uint32_t n, uint32_t source, uint32_t *depths, uint32_t *parents) {
    for (uint32_t v = 0; v < n; v++) depths[v] = parents[v] = WG_GRAPH_NONE;
    depths[source] = 0;
    for (uint32_t d = 0; d < n; d++)
        for (uint32_t u = 0; u < n; u++)
            for (uint32_t v = 0; depths[u] == d && v < n; v++) {
                if (matrix[u][v] == 0 || depths[v] <= d) continue;
                depths[v] = d + 1;
                if (u < parents[v]) parents[v] = u;
            }
}

/* Goal: depths and parents of a search are those of the definition, whichever way its levels were made. */
static void test_bfs(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 3 * SHAPES * 3; round++) {
        static uint32_t depths[N_MAX], parents[N_MAX], expected[N_MAX], before[N_MAX];
        const wg_direction d = (wg_direction)(round % 3 + 1);
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        if (s.n == 0) continue;
        const uint32_t source = below(&s, s.n);
        fill_matrix(&s, d);
        naive_bfs(s.n, source, expected, before);
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, d, false, worker_counts[w], &g);
            assert_int_equal(wg_algo_bfs(&run, &g, source, depths, parents, NULL), WG_OK);
            assert_memory_equal(depths, expected, s.n * sizeof *depths);
            assert_memory_equal(parents, before, s.n * sizeof *parents);
            wg_graph_close(&g);
        }
    }
}

/* Goal: distances are the least fixed point, bit for bit, for every delta and number of workers; a negative weight is refused. */
static void test_sssp(void **state) {
    (void)state;
    static const double deltas[] = {0, 0.01, 1, 1e9};
    for (uint32_t round = 0; round < 2 * SHAPES * 3; round++) {
        static double distances[N_MAX], expected[N_MAX];
        const wg_direction d = (wg_direction)(round % 3 + 1);
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        if (s.n == 0) continue;
        const uint32_t source = below(&s, s.n);
        fill_matrix(&s, d);
        for (uint32_t v = 0; v < s.n; v++) expected[v] = INFINITY;
        expected[source] = 0;
        for (bool changed = true; changed;) {
            changed = false;
            for (uint32_t u = 0; u < s.n; u++)
                for (uint32_t v = 0; v < s.n; v++)
                    if (expected[u] + lengths[u][v] < expected[v]) {
                        expected[v] = expected[u] + lengths[u][v];
                        changed = true;
                    }
        }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, d, true, worker_counts[w], &g);
            assert_int_equal(wg_algo_sssp(&run, &g, source, deltas[w], distances, NULL), WG_OK);
            assert_memory_equal(distances, expected, s.n * sizeof *distances);
            wg_graph_close(&g);
        }
        if (s.m == 0 || s.from[0] == s.to[0]) continue;
        s.weights[0] = -1;
        const wg_algo_run run = run_on(1);
        open_sample(&s, d, true, 1, &g);
        assert_int_equal(wg_algo_sssp(&run, &g, source, 0, distances, NULL), WG_E_VALUE);
        wg_graph_close(&g);
    }
}

/* Goal: a component is called by its smallest node, whatever the direction of edges. */
static void test_components(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 3 * SHAPES * 3; round++) {
        static uint32_t found[N_MAX], expected[N_MAX];
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        if (round % 2 == 1) s.m /= 4;
        for (uint32_t v = 0; v < s.n; v++) expected[v] = v;
        for (bool changed = true; changed;) {
            changed = false;
            for (uint32_t i = 0; i < s.m; i++) {
                uint32_t *a = &expected[s.from[i]];
                uint32_t *b = &expected[s.to[i]];
                changed |= *a != *b;
                if (*a < *b) *b = *a;
                else *a = *b;
            }
        }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, (wg_direction)(round % 3 + 1), false, worker_counts[w], &g);
            assert_int_equal(wg_algo_components(&run, &g, found, NULL), WG_OK);
            assert_memory_equal(found, expected, s.n * sizeof *found);
            wg_graph_close(&g);
        }
    }
}

/* Goal: scores are those of the definition, with and without what hangs, and the bytes do not depend on the workers. */
static void test_pagerank(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 2 * SHAPES * 3; round++) {
        static double scores[N_MAX], first[N_MAX], now[N_MAX], next[N_MAX];
        const wg_direction d = (wg_direction)(round % 3 + 1);
        const wg_pagerank_options o = {.damping = 0.85, .iterations = 25, .dangling = round % 2 == 0};
        uint32_t iterations = 0;
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        fill_matrix(&s, d);
        for (uint32_t v = 0; v < s.n; v++) now[v] = 1.0 / s.n;
        for (uint32_t i = 0; i < o.iterations; i++) {
            double hanging = 0;
            for (uint32_t v = 0; v < s.n; v++) next[v] = 0;
            for (uint32_t u = 0; u < s.n; u++) {
                uint32_t degree = 0;
                for (uint32_t v = 0; v < s.n; v++) degree += matrix[u][v];
                if (degree == 0) hanging += now[u];
                for (uint32_t v = 0; v < s.n; v++)
                    if (matrix[u][v] != 0) next[v] += now[u] * matrix[u][v] / degree;
            }
            for (uint32_t v = 0; v < s.n; v++)
                now[v] = 0.15 / s.n + 0.85 * (next[v] + (o.dangling ? hanging / s.n : 0));
        }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, d, false, worker_counts[w], &g);
            assert_int_equal(wg_algo_pagerank(&run, &g, &o, scores, &iterations, NULL), WG_OK);
            assert_int_equal(iterations, s.n == 0 ? 0 : o.iterations);
            if (w == 0) memcpy(first, scores, sizeof scores);
            assert_memory_equal(scores, first, s.n * sizeof *scores);
            for (uint32_t v = 0; v < s.n; v++) assert_true(fabs(scores[v] - now[v]) < 1e-12);
            wg_graph_close(&g);
        }
    }
}

/* Goal: a tolerance ends the iterations when the change is below it, not before. */
static void test_pagerank_stops_at_the_tolerance(void **state) {
    (void)state;
    static double scores[N_MAX], before[N_MAX];
    wg_pagerank_options o = {.damping = 0.85, .tolerance = 1e-4, .iterations = 1000};
    const wg_algo_run run = run_on(2);
    uint32_t iterations = 0;
    uint32_t ignored = 0;
    sample s;
    wg_graph g;
    make_small(&s, SKEWED, 3);
    open_sample(&s, WG_DIRECTION_OUT, false, 2, &g);
    assert_int_equal(wg_algo_pagerank(&run, &g, &o, scores, &iterations, NULL), WG_OK);
    assert_true(iterations > 2 && iterations < 100);
    o = (wg_pagerank_options){.damping = 0.85, .iterations = iterations - 1};
    assert_int_equal(wg_algo_pagerank(&run, &g, &o, before, &ignored, NULL), WG_OK);
    double change = 0;
    for (uint32_t v = 0; v < s.n; v++) change += fabs(scores[v] - before[v]);
    assert_true(change < 1e-4);
    o.iterations--;
    static double earlier[N_MAX];
    assert_int_equal(wg_algo_pagerank(&run, &g, &o, earlier, &ignored, NULL), WG_OK);
    change = 0;
    for (uint32_t v = 0; v < s.n; v++) change += fabs(before[v] - earlier[v]);
    assert_true(change >= 1e-4);
    wg_graph_close(&g);
}

/* Goal: triangles and those of each node are what three loops find. */
static void test_triangles(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 2 * SHAPES; round++) {
        static uint64_t local[N_MAX], expected[N_MAX];
        uint64_t total = 0;
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round % SHAPES), round);
        fill_matrix(&s, WG_DIRECTION_BOTH);
        memset(expected, 0, sizeof expected);
        for (uint32_t a = 0; a < s.n; a++)
            for (uint32_t b = 0; b < a; b++)
                for (uint32_t c = 0; matrix[a][b] != 0 && c < b; c++) {
                    if (matrix[a][c] == 0 || matrix[b][c] == 0) continue;
                    total++;
                    expected[a]++;
                    expected[b]++;
                    expected[c]++;
                }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            uint64_t found = 0;
            open_sample(&s, WG_DIRECTION_BOTH, false, worker_counts[w], &g);
            assert_int_equal(wg_algo_triangles(&run, &g, &found, local, NULL), WG_OK);
            assert_int_equal(found, total);
            assert_memory_equal(local, expected, s.n * sizeof *local);
            assert_int_equal(wg_algo_triangles(&run, &g, &found, NULL, NULL), WG_OK);
            assert_int_equal(found, total);
            wg_graph_close(&g);
        }
    }
}

/* Goal: labels after each number of rounds are those of the definition. */
static void test_label_propagation(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 2 * SHAPES * 3; round++) {
        static uint32_t labels[N_MAX], now[N_MAX], next[N_MAX], counts[N_MAX];
        const wg_direction d = (wg_direction)(round % 3 + 1);
        const uint32_t iterations = round % 7;
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        fill_matrix(&s, d);
        for (uint32_t v = 0; v < s.n; v++) now[v] = v;
        for (uint32_t i = 0; i < iterations; i++) {
            for (uint32_t v = 0; v < s.n; v++) {
                memset(counts, 0, sizeof counts);
                for (uint32_t u = 0; u < s.n; u++) {
                    counts[now[u]] += matrix[v][u];
                    if (d != WG_DIRECTION_BOTH) counts[now[u]] += matrix[u][v];
                }
                next[v] = 0;
                for (uint32_t l = 0; l < s.n; l++)
                    if (counts[l] > counts[next[v]]) next[v] = l;
                if (counts[next[v]] == 0) next[v] = now[v];
            }
            memcpy(now, next, sizeof now);
        }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, d, false, worker_counts[w], &g);
            assert_int_equal(wg_algo_label_propagation(&run, &g, iterations, labels, NULL), WG_OK);
            assert_memory_equal(labels, now, s.n * sizeof *labels);
            wg_graph_close(&g);
        }
    }
}

/* Goal: core numbers are what taking nodes away one by one gives. */
static void test_core_numbers(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 3 * SHAPES; round++) {
        static uint32_t cores[N_MAX], expected[N_MAX];
        static bool gone[N_MAX];
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round % SHAPES), round);
        fill_matrix(&s, WG_DIRECTION_BOTH);
        memset(gone, 0, sizeof gone);
        uint32_t left = s.n;
        for (uint32_t k = 0; left > 0; k++)
            for (bool changed = true; changed;) {
                changed = false;
                for (uint32_t v = 0; v < s.n; v++) {
                    uint32_t degree = 0;
                    for (uint32_t u = 0; u < s.n; u++) degree += matrix[v][u] != 0 && !gone[u];
                    if (gone[v] || degree > k) continue;
                    gone[v] = true;
                    expected[v] = k;
                    left--;
                    changed = true;
                }
            }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, WG_DIRECTION_BOTH, false, worker_counts[w], &g);
            assert_int_equal(wg_algo_core_numbers(&run, &g, cores, NULL), WG_OK);
            assert_memory_equal(cores, expected, s.n * sizeof *cores);
            wg_graph_close(&g);
        }
    }
}

static double paths[N_MAX][N_MAX];
static uint32_t hops[N_MAX][N_MAX];

/* Counts shortest paths between all pairs; edges side by side count as several. */
static void naive_paths(uint32_t n) {
    for (uint32_t a = 0; a < n; a++) {
        static uint32_t parents[N_MAX];
        naive_bfs(n, a, hops[a], parents);
        for (uint32_t v = 0; v < n; v++) paths[a][v] = v == a ? 1 : 0;
        for (uint32_t d = 0; d < n; d++)
            for (uint32_t u = 0; u < n; u++)
                for (uint32_t v = 0; hops[a][u] == d && v < n; v++)
                    if (matrix[u][v] != 0 && hops[a][v] == d + 1) paths[a][v] += paths[a][u] * matrix[u][v];
    }
}

/* Goal: scores are sums over pairs of the share of shortest paths, from all and from some sources. */
static void test_betweenness(void **state) {
    (void)state;
    for (uint32_t round = 0; round < SHAPES * 3; round++) {
        static double scores[N_MAX], first[N_MAX], expected[N_MAX];
        static uint32_t sources[N_MAX];
        const wg_direction d = (wg_direction)(round % 3 + 1);
        uint32_t source_count = 0;
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 3 % SHAPES), round);
        if (s.n > 60) s.n = 60;
        for (uint32_t i = 0; i < s.m; i++) {
            s.from[i] %= s.n;
            s.to[i] %= s.n;
        }
        if (s.m > 400) s.m = 400;
        fill_matrix(&s, d);
        naive_paths(s.n);
        open_sample(&s, d, false, 2, &g);
        wg_algo_sample(&g, round, round % 2 == 0 ? 1000 : 7, sources, &source_count);
        assert_int_equal(source_count, round % 2 == 0 || s.n < 7 ? s.n : 7);
        for (uint32_t i = 1; i < source_count; i++) assert_true(sources[i - 1] < sources[i]);
        memset(expected, 0, sizeof expected);
        for (uint32_t i = 0; i < source_count; i++)
            for (uint32_t t = 0; t < s.n; t++)
                for (uint32_t v = 0; v < s.n; v++) {
                    const uint32_t a = sources[i];
                    if (v == a || v == t || hops[a][t] == WG_GRAPH_NONE || hops[a][v] == WG_GRAPH_NONE) continue;
                    if (hops[v][t] == WG_GRAPH_NONE || hops[a][v] + hops[v][t] != hops[a][t]) continue;
                    expected[v] += paths[a][v] * paths[v][t] / paths[a][t];
                }
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            assert_int_equal(wg_algo_betweenness(&run, &g, sources, source_count, scores, NULL), WG_OK);
            if (w == 0) memcpy(first, scores, sizeof scores);
            assert_memory_equal(scores, first, s.n * sizeof *scores);
            for (uint32_t v = 0; v < s.n; v++) assert_true(fabs(scores[v] - expected[v]) < 1e-8 * (1 + expected[v]));
        }
        wg_graph_close(&g);
    }
}

static double naive_modularity(const sample *s, const uint32_t *communities) {
    static double degrees[N_MAX];
    double total = 0;
    double sum = 0;
    memset(degrees, 0, sizeof degrees);
    for (uint32_t a = 0; a < s->n; a++)
        for (uint32_t b = 0; b < s->n; b++)
            if (matrix[a][b] != 0) {
                degrees[a] += lengths[a][b];
                total += lengths[a][b];
            }
    for (uint32_t a = 0; a < s->n && total > 0; a++)
        for (uint32_t b = 0; b < s->n; b++)
            if (communities[a] == communities[b])
                sum += (matrix[a][b] != 0 ? lengths[a][b] : 0) / total - degrees[a] * degrees[b] / total / total;
    return sum;
}

/* Goal: the modularity that is told is that of the communities; no node alone could be moved to gain; names are smallest members; groups
 * that hardly touch are found. */
static void test_louvain(void **state) {
    (void)state;
    const wg_louvain_options o = {.resolution = 1, .tolerance = 1e-9, .iterations = 100, .levels = 20};
    for (uint32_t round = 0; round < SHAPES * 2; round++) {
        static uint32_t found[N_MAX], first[N_MAX];
        const bool weighted = round % 2 == 0;
        double modularity = 0;
        sample s;
        wg_graph g;
        make_small(&s, (shape)(round / 2 % SHAPES), round);
        for (uint32_t i = 0; i < s.m && !weighted; i++) s.weights[i] = 1;
        fill_matrix(&s, WG_DIRECTION_BOTH);
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            open_sample(&s, WG_DIRECTION_BOTH, weighted, worker_counts[w], &g);
            assert_int_equal(wg_algo_louvain(&run, &g, &o, found, &modularity, NULL), WG_OK);
            if (w == 0) memcpy(first, found, sizeof found);
            assert_memory_equal(found, first, s.n * sizeof *found);
            wg_graph_close(&g);
        }
        assert_true(fabs(modularity - naive_modularity(&s, found)) < 1e-9);
        assert_true(modularity >= -1e-12);
        for (uint32_t v = 0; v < s.n; v++) {
            assert_true(found[v] <= v);
            assert_int_equal(found[found[v]], found[v]);
        }
    }
    sample s = {.n = 60, .from = from_small, .to = to_small, .weights = weights_small};
    for (uint32_t a = 0; a < 60; a++)
        for (uint32_t b = 0; b < a; b++)
            if (a / 10 == b / 10 || (b % 10 == 0 && a == b + 10)) {
                s.from[s.m] = a;
                s.to[s.m++] = b;
            }
    static uint32_t communities[N_MAX];
    double modularity = 0;
    const wg_algo_run run = run_on(1);
    wg_graph g;
    open_sample(&s, WG_DIRECTION_BOTH, false, 1, &g);
    assert_int_equal(wg_algo_louvain(&run, &g, &o, communities, &modularity, NULL), WG_OK);
    for (uint32_t v = 0; v < 60; v++) assert_int_equal(communities[v], v / 10 * 10);
    wg_graph_close(&g);
}

/* ---- large: many pieces, buckets and steals */

typedef struct results {
    uint32_t words[4][LARGE];
    double doubles[3][LARGE];
    uint64_t local[LARGE];
    uint64_t triangles;
    double modularity;
} results;

/* Each community by itself: inner weight and degrees, by the entries of the graph. */
static double modularity_by_entries(const wg_graph *g, const uint32_t *communities) {
    static double inner[LARGE], degrees[LARGE];
    const wg_graph_side *side = &g->forward;
    double total = 0, sum = 0;
    memset(inner, 0, sizeof inner);
    memset(degrees, 0, sizeof degrees);
    for (uint32_t v = 0; v < g->node_count; v++)
        for (uint64_t at = side->offsets[v]; at < side->offsets[v + 1]; at++) {
            const double w = side->weights == NULL ? 1 : side->weights[at];
            if (communities[v] == communities[side->targets[at]]) inner[communities[v]] += w;
            degrees[communities[v]] += w;
            total += w;
        }
    for (uint32_t c = 0; c < g->node_count; c++) sum += inner[c] / total - degrees[c] / total * (degrees[c] / total);
    return sum;
}

static wg_code compute(const wg_algo_run *run, const wg_graph *g, results *r, wg_error *err) {
    const wg_pagerank_options p = {.damping = 0.85, .tolerance = 1e-6, .iterations = 50, .dangling = true};
    uint32_t sources[3];
    uint32_t count = 0;
    wg_algo_sample(g, 5, 3, sources, &count);
    WG_TRY(wg_algo_bfs(run, g, 3, r->words[0], r->words[1], err));
    WG_TRY(wg_algo_components(run, g, r->words[2], err));
    WG_TRY(wg_algo_label_propagation(run, g, 5, r->words[3], err));
    WG_TRY(wg_algo_sssp(run, g, 3, 0, r->doubles[0], err));
    WG_TRY(wg_algo_pagerank(run, g, &p, r->doubles[1], &count, err));
    WG_TRY(wg_algo_betweenness(run, g, sources, 3, r->doubles[2], err));
    if (!g->undirected) return WG_OK;
    WG_TRY(wg_algo_triangles(run, g, &r->triangles, r->local, err));
    const wg_louvain_options o = {.resolution = 1, .tolerance = 1e-7, .iterations = 20, .levels = 10};
    WG_TRY(wg_algo_core_numbers(run, g, r->words[0], err)); /* depths were looked at by the other direction */
    return wg_algo_louvain(run, g, &o, r->words[1], &r->modularity, err);
}

static void make_large(sample *s) {
    *s = (sample){.n = LARGE, .m = LARGE_EDGES};
    wg_rng_init(&s->rng, 77);
    s->from = wg_alloc(NULL, LARGE_EDGES * sizeof(uint32_t));
    s->to = wg_alloc(NULL, LARGE_EDGES * sizeof(uint32_t));
    s->weights = wg_alloc(NULL, LARGE_EDGES * sizeof(double));
    assert_true(s->from != NULL && s->to != NULL && s->weights != NULL);
    make_edges(s, SKEWED);
}

static void free_large(sample *s) {
    wg_free(s->from);
    wg_free(s->to);
    wg_free(s->weights);
}

/* Goal: everything of a large skewed graph has the same bytes on 1, 2, 3 and 8 workers, the making of the graph included; the modularity of
 * communities that were chosen by classes of nodes is what the communities have. */
static void test_large_graph_has_the_same_bytes_on_any_workers(void **state) {
    (void)state;
    sample s;
    make_large(&s);
    results *first = wg_alloc_zero(NULL, sizeof *first);
    results *now = wg_alloc_zero(NULL, sizeof *now);
    assert_true(first != NULL && now != NULL);
    for (uint32_t d = WG_DIRECTION_OUT; d <= WG_DIRECTION_BOTH; d += 2)
        for (uint32_t w = 0; w < 4; w++) {
            const wg_algo_run run = run_on(worker_counts[w]);
            wg_graph g;
            open_sample(&s, (wg_direction)d, d == WG_DIRECTION_BOTH, worker_counts[w], &g);
            assert_int_equal(compute(&run, &g, w == 0 ? first : now, NULL), WG_OK);
            if (w > 0) assert_memory_equal(first, now, sizeof *now);
            if (g.undirected && w == 0)
                assert_true(fabs(modularity_by_entries(&g, first->words[1]) - first->modularity) < 1e-9);
            wg_graph_close(&g);
        }
    assert_true(first->triangles > 1000);
    wg_free(first);
    wg_free(now);
    free_large(&s);
}

/* Goal: cancelling and deadlines end every algorithm with their code. */
static void test_cancelled_and_late_runs_end(void **state) {
    (void)state;
    wg_cancel cancel;
    wg_graph g;
    sample s;
    results *r = wg_alloc_zero(NULL, sizeof *r);
    assert_non_null(r);
    make_small(&s, SKEWED, 1);
    open_sample(&s, WG_DIRECTION_BOTH, true, 1, &g);
    memset(&cancel, 0, sizeof cancel);
    atomic_init(&cancel.cancelled, true);
    wg_algo_run run = run_on(2);
    run.cancel = &cancel;
    assert_int_equal(compute(&run, &g, r, NULL), WG_E_CANCELLED);
    assert_int_equal(wg_algo_triangles(&run, &g, &r->triangles, NULL, NULL), WG_E_CANCELLED);
    run.cancel = NULL;
    run.platform = wg_platform_real();
    run.deadline_ns = 1;
    assert_int_equal(compute(&run, &g, r, NULL), WG_E_DEADLINE);
    assert_int_equal(wg_algo_core_numbers(&run, &g, r->words[0], NULL), WG_E_DEADLINE);
    wg_graph_close(&g);
    wg_free(r);
}

/* Goal: whichever allocation fails, an algorithm says so and leaves nothing behind; over a limit it is that. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    sample s;
    results *r = wg_alloc_zero(NULL, sizeof *r);
    assert_non_null(r);
    make_small(&s, UNIFORM, 4);
    for (uint64_t n = 1;; n++) {
        wg_account account;
        wg_graph g = {0};
        wg_account_init(&account, NULL, 0);
        const wg_algo_run run = {.workers = 1, .account = &account};
        const wg_graph_edges edges = {.node_count = s.n,
                                      .count = s.m,
                                      .from = s.from,
                                      .to = s.to,
                                      .weights = s.weights,
                                      .direction = WG_DIRECTION_BOTH};
        wg_memory_fail_at(n, false);
        wg_code code = wg_graph_of_edges(&run, &edges, &g, NULL);
        if (code == WG_OK) code = compute(&run, &g, r, NULL);
        wg_memory_fail_at(0, false);
        wg_graph_close(&g);
        assert_int_equal(wg_account_bytes(&account), 0);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    wg_account small;
    wg_account_init(&small, NULL, 5000);
    const wg_algo_run run = {.workers = 1, .account = &small};
    wg_graph g;
    open_sample(&s, WG_DIRECTION_BOTH, false, 1, &g);
    assert_int_equal(wg_algo_triangles(&run, &g, &r->triangles, NULL, NULL), WG_E_LIMIT);
    wg_graph_close(&g);
    open_sample(&s, WG_DIRECTION_OUT, false, 1, &g);
    assert_int_equal(wg_algo_core_numbers(&run, &g, r->words[0], NULL), WG_E_MISUSE);
    wg_graph_close(&g);
    wg_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_holds_its_edges),
        cmocka_unit_test(test_bfs),
        cmocka_unit_test(test_sssp),
        cmocka_unit_test(test_components),
        cmocka_unit_test(test_pagerank),
        cmocka_unit_test(test_pagerank_stops_at_the_tolerance),
        cmocka_unit_test(test_triangles),
        cmocka_unit_test(test_label_propagation),
        cmocka_unit_test(test_core_numbers),
        cmocka_unit_test(test_betweenness),
        cmocka_unit_test(test_louvain),
        cmocka_unit_test(test_large_graph_has_the_same_bytes_on_any_workers),
        cmocka_unit_test(test_cancelled_and_late_runs_end),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    wg_error err = {0};
    if (wg_pool_create(8, &pool, &err) != WG_OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wg_pool_destroy(pool);
    return failed;
}
