/* kernels_bench: the kernels of base/kernels, each variant that runs here against the scalar reference and against moving the bytes.
 *
 *   kernels.<kernel>        rows a second over one batch of 2,048 rows that stays in the nearest cache; the peer is the reference
 *   kernels.<kernel>.stream MB/s of input over 64 MiB, best variant; the peer is memcpy of the same bytes, heap to heap
 *   kernels.float_sum       rows a second of exact sums through exec/float_sum.c, by array and by 100 groups, over 64 MiB; the peer is a plain loop
 *
 * Every answer is compared with the reference's before it is timed. Usage: kernels_bench [rounds]. */
#include "bench.h"

#include <string.h>

#include "base/column/column.h"
#include "exec/float_sum.h"

/* Processor time of this program: one thread computes and nothing waits, so others that run meanwhile do not count. */
static uint64_t now_ns(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) exit(1);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

enum { ROWS = 2048, STREAM = 8 << 20, SAMPLES_MAX = 1000, GROUPS = 100 };

static int64_t *stream; /* STREAM words, mixed */
static double *floats;  /* STREAM doubles */
static uint64_t *copy;
static uint32_t codes[ROWS];
static uint32_t groups[ROWS];
static uint32_t list_a[ROWS], list_b[ROWS], at_a[ROWS], at_b[ROWS];
static uint16_t sel[ROWS], rows[ROWS];
static uint8_t half[ROWS], table[256], bits[ROWS / 8 + 8];
static wg_str cells[ROWS];
static char texts[ROWS][24];
static uint64_t out[ROWS], begin[ROWS], end[ROWS];
static double parts[WG_KERNEL_SUM_PARTS], pairs[2 * ROWS];
static uint32_t samples_wanted = 25;
static volatile uint64_t sink;

/* One call over the ROWS words at `a`; what it writes goes to `out`. Gives a number that depends on the answer. */
typedef uint64_t (*kernel_call)(const wg_kernels *k, const int64_t *a);

#define CALL(name, body)                                          \
    static uint64_t name(const wg_kernels *k, const int64_t *a) { \
        (void)a;                                                  \
        body;                                                     \
    }
CALL(run_compare_i64, k->compare_i64(WG_KERNEL_GT, a, 40, ROWS, (uint8_t *)out); return out[1])
CALL(run_compare_f64, k->compare_f64(WG_KERNEL_GT, (const double *)a, 0.5, ROWS, (uint8_t *)out); return out[1])
CALL(run_compare_u32, k->compare_u32(WG_KERNEL_LT, codes, 50, ROWS, (uint8_t *)out); return out[1])
CALL(run_pairs, k->compare_i64_pairs(WG_KERNEL_LT, a, (const int64_t *)begin, ROWS, (uint8_t *)out); return out[1])
CALL(run_mask_of_codes, k->mask_of_codes(table, codes, ROWS, (uint8_t *)out); return out[1])
CALL(run_mask_and, k->mask_and((uint8_t *)out, half, ROWS); return out[1])
CALL(run_mask_and_bits, k->mask_and_bits((uint8_t *)out, bits, 3, ROWS); return out[1])
CALL(run_mask_count, return k->mask_count(half, ROWS))
CALL(run_select, return k->select(half, ROWS, rows) + rows[7])
CALL(run_select_among, return k->select_among(half, sel, ROWS / 2, rows) + rows[7])
CALL(run_compact, return k->compact_u64((const uint64_t *)a, half, ROWS, out) + out[9])
CALL(run_gather, k->gather_u64((const uint64_t *)a, sel, ROWS / 2, out); return out[9])
CALL(run_gather_codes, k->gather_codes_u64(begin, codes, ROWS, out); return out[9])
CALL(run_unpack_u64, k->unpack_u64((const uint8_t *)a, 7, 0, ROWS, 5, out); return out[9])
CALL(run_unpack_u32, k->unpack_u32((const uint8_t *)a, 7, 0, ROWS, (uint32_t *)out); return out[9])
CALL(run_hash, k->hash_u64((const uint64_t *)a, ROWS, false, out); return out[9])
CALL(run_sum_i64, return k->sum_i64(a, ROWS).low)
CALL(run_sum_u32, return k->sum_u32((const uint32_t *)a, ROWS).low)
CALL(run_min_max_i64, int64_t min = 0; int64_t max = 0; k->min_max_i64(a, ROWS, &min, &max);
     return (uint64_t)(max - min))
CALL(run_min_max_f64, double min = 0; double max = 0; (void)k->min_max_f64((const double *)a, ROWS, &min, &max);
     return wg_bits_of_f64(min) ^ wg_bits_of_f64(max))
CALL(run_sum_f64, return k->sum_f64((const double *)a, ROWS, parts) ? wg_bits_of_f64(parts[0]) : 1)
CALL(run_split_f64, return k->split_f64((const double *)a, ROWS, pairs) ? wg_bits_of_f64(pairs[9]) : 1)
CALL(run_str_equal, k->str_equal(cells, ROWS, "country-17", 10, (uint8_t *)out); return out[1])
CALL(run_str_prefix, k->str_prefix(cells, ROWS, "country-1", 9, (uint8_t *)out); return out[1])
CALL(run_intersect_count, return k->intersect_count_u32(list_a, ROWS, list_b, ROWS))
CALL(run_intersect, return k->intersect_u32(list_a, ROWS, list_b, ROWS, at_a, at_b) + at_a[5] + at_b[5])
CALL(run_visible, k->visible(begin, end, 1000, 0, ROWS, (uint8_t *)out); return out[1])

typedef struct kernel_case {
    const char *name;
    kernel_call call;
    bool is_float; /* its words are doubles */
    bool streams;  /* reads the words it is given, one after the other */
} kernel_case;

static const kernel_case cases[] = {
    {"compare_i64", run_compare_i64, false, true},
    {"compare_f64", run_compare_f64, true, true},
    {"compare_u32", run_compare_u32, false, false},
    {"compare_i64_pairs", run_pairs, false, false},
    {"mask_of_codes", run_mask_of_codes, false, false},
    {"mask_and", run_mask_and, false, false},
    {"mask_and_bits", run_mask_and_bits, false, false},
    {"mask_count", run_mask_count, false, false},
    {"select", run_select, false, false},
    {"select_among", run_select_among, false, false},
    {"compact_u64", run_compact, false, true},
    {"gather_u64", run_gather, false, false},
    {"gather_codes_u64", run_gather_codes, false, false},
    {"unpack_u64", run_unpack_u64, false, false},
    {"unpack_u32", run_unpack_u32, false, false},
    {"hash_u64", run_hash, false, true},
    {"sum_i64", run_sum_i64, false, true},
    {"sum_u32", run_sum_u32, false, false},
    {"min_max_i64", run_min_max_i64, false, true},
    {"min_max_f64", run_min_max_f64, true, true},
    {"sum_f64", run_sum_f64, true, true},
    {"split_f64", run_split_f64, true, true},
    {"str_equal", run_str_equal, false, false},
    {"str_prefix", run_str_prefix, false, false},
    {"intersect_count_u32", run_intersect_count, false, false},
    {"intersect_u32", run_intersect, false, false},
    {"visible", run_visible, false, false},
};

static void *take(size_t bytes) {
    void *p = wg_alloc(NULL, bytes);
    if (p == NULL) {
        fprintf(stderr, "kernels_bench: no memory\n");
        exit(1);
    }
    return p;
}

static void make_data(void) {
    wg_rng rng;
    wg_rng_init(&rng, 7);
    stream = take(STREAM * sizeof *stream);
    floats = take(STREAM * sizeof *floats);
    copy = take(STREAM * sizeof *copy);
    for (size_t i = 0; i < STREAM; i++) {
        stream[i] = (int64_t)wg_rng_below(&rng, 100);
        floats[i] = wg_rng_unit(&rng);
    }
    uint32_t picked = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        codes[i] = (uint32_t)wg_rng_below(&rng, 100);
        groups[i] = (uint32_t)wg_rng_below(&rng, GROUPS);
        half[i] = (uint8_t)wg_rng_below(&rng, 2);
        begin[i] = wg_rng_below(&rng, 2000);
        end[i] = wg_rng_below(&rng, 3) == 0 ? wg_rng_below(&rng, 2000) : UINT64_MAX;
        list_a[i] = (i == 0 ? 0 : list_a[i - 1]) + 1 + (uint32_t)wg_rng_below(&rng, 3);
        list_b[i] = (i == 0 ? 0 : list_b[i - 1]) + 1 + (uint32_t)wg_rng_below(&rng, 3);
        const int size = snprintf(texts[i], sizeof texts[i], "country-%u", codes[i]);
        cells[i] = (wg_str){texts[i], (uint64_t)size};
        if (picked < ROWS / 2 && ROWS - i > 0 && wg_rng_below(&rng, ROWS - i) < ROWS / 2 - picked)
            sel[picked++] = (uint16_t)i;
    }
    for (uint32_t i = 0; i < sizeof table; i++) table[i] = (uint8_t)wg_rng_below(&rng, 2);
    for (uint32_t i = 0; i < sizeof bits; i++) bits[i] = (uint8_t)wg_rng_next(&rng);
}

/* ---- one batch in the nearest cache */

static double rows_a_second(const wg_kernels *k, const kernel_case *c, const int64_t *a) {
    enum { REPEAT = 200 };
    uint64_t samples[SAMPLES_MAX];
    for (uint32_t s = 0; s < samples_wanted; s++) {
        const uint64_t start = now_ns();
        for (int r = 0; r < REPEAT; r++) sink = sink + c->call(k, a);
        samples[s] = now_ns() - start;
    }
    return (double)ROWS * REPEAT * 1e9 / (double)bench_percentile(samples, samples_wanted, 50);
}

static void bench_case(const kernel_case *c) {
    const wg_kernels *scalar = wg_kernels_of(WG_ISA_SCALAR);
    const int64_t *a = c->is_float ? (const int64_t *)(const void *)floats : stream;
    memset(out, 1, sizeof out);
    const uint64_t answer = c->call(scalar, a);
    const double reference = rows_a_second(scalar, c, a);
    for (uint32_t isa = WG_ISA_SCALAR + 1; isa < WG_ISA_COUNT; isa++) {
        const wg_kernels *k = wg_kernels_of((wg_isa)isa);
        if (k == NULL) continue;
        memset(out, 1, sizeof out);
        if (c->call(k, a) != answer) {
            fprintf(stderr, "kernels_bench: %s of %s gives another answer\n", c->name, k->name);
            exit(1);
        }
        char name[64];
        char params[64];
        (void)snprintf(name, sizeof name, "kernels.%s", c->name);
        (void)snprintf(params, sizeof params, "{\"isa\":\"%s\",\"rows\":%d}", k->name, ROWS);
        bench_print(&(bench_line){name, params, rows_a_second(k, c, a), "rows/s", "scalar", reference});
    }
}

/* ---- from memory */

static double stream_mb(const wg_kernels *k, const kernel_case *c) {
    const int64_t *a = c->is_float ? (const int64_t *)(const void *)floats : stream;
    const uint64_t start = now_ns();
    for (size_t i = 0; i < STREAM; i += ROWS) sink = sink + c->call(k, a + i);
    return (double)STREAM * 8 * 1e3 / (double)(now_ns() - start);
}

static double copy_mb(void) {
    const uint64_t start = now_ns();
    memcpy(copy, stream, STREAM * sizeof *copy);
    sink = sink + copy[STREAM - 1];
    return (double)STREAM * 8 * 1e3 / (double)(now_ns() - start);
}

static double median(double *v, uint32_t n) {
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = i; k > 0 && v[k - 1] > v[k]; k--) {
            const double t = v[k];
            v[k] = v[k - 1];
            v[k - 1] = t;
        }
    return v[n / 2];
}

static void bench_stream(const kernel_case *c) {
    enum { PASSES = 7 };
    const wg_kernels *k = wg_kernels_best();
    double ours[PASSES];
    double peer[PASSES];
    char name[64];
    char params[64];
    if (!c->streams) return;
    for (uint32_t i = 0; i < PASSES; i++) {
        ours[i] = stream_mb(k, c);
        peer[i] = copy_mb();
    }
    (void)snprintf(name, sizeof name, "kernels.%s.stream", c->name);
    (void)snprintf(params, sizeof params, "{\"isa\":\"%s\",\"bytes\":%zu}", k->name, (size_t)STREAM * 8);
    bench_print(&(bench_line){name, params, median(ours, PASSES), "MB/s", "memcpy", median(peer, PASSES)});
}

/* ---- exact sums of doubles */

static double float_sum_rate(bool grouped, const wg_kernels *k) {
    static wgi_float_sum sums[GROUPS];
    memset(sums, 0, sizeof sums);
    const uint64_t start = now_ns();
    for (size_t i = 0; i < STREAM; i += ROWS) {
        const bool done = grouped ? wgi_float_sum_add_groups(sums, groups, floats + i, ROWS, k, NULL)
                                  : wgi_float_sum_add_array(sums, floats + i, ROWS, k, NULL);
        if (!done) exit(1);
    }
    const uint64_t ns = now_ns() - start;
    for (uint32_t g = 0; g < GROUPS; g++) {
        sink = sink + wg_bits_of_f64(wgi_float_sum_value(&sums[g]));
        wgi_float_sum_deinit(&sums[g]);
    }
    return (double)STREAM * 1e9 / (double)ns;
}

static double plain_sum_rate(bool grouped) {
    static double sums[GROUPS];
    const uint64_t start = now_ns();
    for (size_t i = 0; i < STREAM; i++) sums[grouped ? groups[i % ROWS] : 0] += floats[i];
    const uint64_t ns = now_ns() - start;
    sink = sink + wg_bits_of_f64(sums[0]);
    return (double)STREAM * 1e9 / (double)ns;
}

static void bench_float_sum(bool grouped, const wg_kernels *k) {
    enum { PASSES = 7 };
    double ours[PASSES];
    double peer[PASSES];
    char params[64];
    for (uint32_t i = 0; i < PASSES; i++) {
        ours[i] = float_sum_rate(grouped, k);
        peer[i] = plain_sum_rate(grouped);
    }
    (void)snprintf(params, sizeof params, "{\"isa\":\"%s\",\"groups\":%d}", k->name, grouped ? GROUPS : 1);
    bench_print(&(bench_line){"kernels.float_sum", params, median(ours, PASSES), "rows/s", "plain loop",
                              median(peer, PASSES)});
}

int main(int argc, char **argv) {
    if (argc > 1) samples_wanted = (uint32_t)strtoul(argv[1], NULL, 10);
    if (samples_wanted == 0 || samples_wanted > SAMPLES_MAX) {
        fprintf(stderr, "usage: kernels_bench [rounds, 1 to %d]\n", SAMPLES_MAX);
        return 2;
    }
    make_data();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) bench_case(&cases[i]);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) bench_stream(&cases[i]);
    for (uint32_t isa = 0; isa < WG_ISA_COUNT; isa++) {
        const wg_kernels *k = wg_kernels_of((wg_isa)isa);
        if (k == NULL) continue;
        bench_float_sum(false, k);
        bench_float_sum(true, k);
    }
    wg_free(stream);
    wg_free(floats);
    wg_free(copy);
    return 0;
}
