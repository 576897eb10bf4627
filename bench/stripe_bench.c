/* stripe_bench: how fast stored columns are read and written.
 *
 *   stripe.scan_plain   bytes of a plain INT column that are scanned (summed) in the mapping, against memcpy of the same bytes from
 *                       heap to heap, in MB/s; the file is in the page cache. Also the plain sum over the heap copy.
 *   stripe.decode       rows a second of each encoding, in batches, against memcpy of their decoded bytes
 *   stripe.point        one cell at a random row, in ns
 *   stripe.write        MB/s of cells, encoded and synced, against write and fdatasync of as many stored bytes
 *
 * Usage: stripe_bench [directory [rounds]]; the directory decides which disk is written (default: build/bench). */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

enum { ROWS = WG_FRAGMENT_ROWS_MAX, SLOTS = 1024, ROUNDS_MAX = 1000, POINTS = 20000 };

static const uint8_t uuid[16] = {1};
static uint64_t cells[ROWS];
static wg_str texts[ROWS];
static char text_bytes[ROWS][24];

static void check(wg_code code, const wg_error *err, const char *what) {
    if (code == WG_OK) return;
    fprintf(stderr, "stripe_bench: %s: %s\n", what, err->message);
    exit(1);
}

static void check_posix(bool ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

/* ---- data that make the writer choose each encoding */

static void make_cells(wg_encoding encoding, uint64_t seed) {
    wg_rng rng;
    wg_rng_init(&rng, seed);
    uint64_t rising = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        rising += wg_rng_below(&rng, 100);
        const uint64_t r = wg_rng_next(&rng);
        switch (encoding) {
            case WG_ENCODING_PLAIN:
            case WG_ENCODING_COUNT:
                cells[i] = r;
                break;
            case WG_ENCODING_CONSTANT:
                cells[i] = 7;
                break;
            case WG_ENCODING_SEQUENCE:
                cells[i] = i;
                break;
            case WG_ENCODING_BIT_PACKED:
                cells[i] = r % 100000;
                break;
            case WG_ENCODING_DECIMAL:
                cells[i] = wg_bits_of_f64((double)(r % 100000) / 100);
                break;
            case WG_ENCODING_DELTA:
                cells[i] = rising;
                break;
            case WG_ENCODING_RUN_LENGTH:
                cells[i] = i / 100 * UINT64_C(0x9e3779b97f4a7c15);
                break;
            case WG_ENCODING_DICTIONARY:
                cells[i] = r % 200 * UINT64_C(0x9e3779b97f4a7c15);
                break;
        }
    }
}

static void make_texts(bool few) {
    wg_rng rng;
    wg_rng_init(&rng, 5);
    for (uint32_t i = 0; i < ROWS; i++) {
        const unsigned n = (unsigned)wg_rng_below(&rng, few ? 50 : 1000000000);
        const int size = snprintf(text_bytes[i], sizeof text_bytes[i], "name-%u", n);
        texts[i] = (wg_str){text_bytes[i], (uint64_t)size};
    }
}

static uint64_t write_stripe(const char *dir, uint32_t slots, wg_vector vector, bool zstd) {
    wg_stripe_writer *w;
    wg_error err;
    uint64_t bytes = 0;
    wg_stripe_options options = {.capacity_bytes = UINT64_C(1) << 40, .zstd = zstd};
    memcpy(options.store_uuid, uuid, 16);
    const wg_stripe_column column = {1, vector};
    check(wg_stripe_create(wg_platform_real(), dir, 1, &options, &w, &err), &err, "create");
    for (uint32_t slot = 0; slot < slots; slot++) {
        const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = slot}, .row_count = ROWS};
        check(wg_stripe_add(w, &head, &column, 1, &err), &err, "add");
    }
    check(wg_stripe_finish(w, &bytes, &err), &err, "finish");
    return bytes;
}

static wg_stripe *open_stripe(const char *dir) {
    wg_stripe *stripe;
    wg_error err;
    check(wg_stripe_open(wg_platform_real(), dir, 1, uuid, NULL, NULL, &stripe, &err), &err, "open");
    check(wg_stripe_check(stripe, &err), &err, "check"); /* checksums are paid once, here */
    return stripe;
}

static double per_second(double amount, uint64_t ns) { return amount * 1e9 / (double)(ns == 0 ? 1 : ns); }

/* ---- scan of plain columns */

/* One batch. The constant count lets the compiler use vectors: the loop is then bound by memory. */
static uint64_t sum_batch(const uint64_t *values) {
    uint64_t sum = 0;
    for (size_t i = 0; i < WG_BATCH_ROWS_MAX; i++) sum += values[i];
    return sum;
}

static uint64_t scan(const wg_stripe *stripe) {
    wg_fragment_scratch scratch = {0};
    wg_error err;
    uint64_t sum = 0;
    for (uint32_t slot = 0; slot < wg_stripe_fragment_count(stripe); slot++)
        for (uint32_t first = 0; first < ROWS; first += WG_BATCH_ROWS_MAX) {
            wg_vector v;
            check(wg_fragment_read(wg_stripe_fragment(stripe, slot), 0, first, WG_BATCH_ROWS_MAX, &scratch, &v, &err),
                  &err, "read");
            sum += sum_batch(v.data);
        }
    wg_fragment_scratch_deinit(&scratch);
    return sum;
}

static void measure_scan(const char *dir, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], copy[ROUNDS_MAX], heap[ROUNDS_MAX];
    const size_t bytes = (size_t)SLOTS * ROWS * 8;
    make_cells(WG_ENCODING_PLAIN, 1);
    write_stripe(dir, SLOTS, (wg_vector){.type = WG_TYPE_INT, .data = cells}, false);
    wg_stripe *stripe = open_stripe(dir);
    uint8_t *from = malloc(bytes), *to = malloc(bytes);
    check_posix(from != NULL && to != NULL, "malloc");
    for (size_t at = 0; at < bytes; at += sizeof cells) memcpy(from + at, cells, sizeof cells);
    memset(to, 1, bytes);
    uint64_t expected = 0, got = 0;
    for (unsigned round = 0; round < rounds; round++) {
        uint64_t begin = bench_now_ns();
        got = scan(stripe);
        ours[round] = bench_now_ns() - begin;
        begin = bench_now_ns();
        memcpy(to, from, bytes);
        copy[round] = bench_now_ns() - begin;
        expected = 0;
        begin = bench_now_ns();
        for (size_t at = 0; at < bytes; at += 8 * WG_BATCH_ROWS_MAX)
            expected += sum_batch((const uint64_t *)(const void *)(to + at));
        heap[round] = bench_now_ns() - begin;
        if (got != expected) {
            fprintf(stderr, "stripe_bench: the sums differ\n");
            exit(1);
        }
    }
    char params[120];
    snprintf(params, sizeof params, "{\"bytes\":%zu,\"rounds\":%u,\"type\":\"INT\"}", bytes, rounds);
    const double mega = (double)bytes / 1e6, value = per_second(mega, bench_percentile(ours, rounds, 50));
    bench_print(&(bench_line){.name = "stripe.scan_plain",
                              .params = params,
                              .value = value,
                              .unit = "MB/s",
                              .peer = "memcpy",
                              .peer_value = per_second(mega, bench_percentile(copy, rounds, 50))});
    bench_print(&(bench_line){.name = "stripe.scan_plain",
                              .params = params,
                              .value = value,
                              .unit = "MB/s",
                              .peer = "sum over the heap",
                              .peer_value = per_second(mega, bench_percentile(heap, rounds, 50))});
    free(from);
    free(to);
    wg_stripe_close(stripe);
}

/* ---- decoding */

static void measure_decode(const char *dir, const char *name, wg_vector vector, bool zstd, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX], points[ROUNDS_MAX];
    enum { DECODE_SLOTS = 32 };
    const uint64_t stored = write_stripe(dir, DECODE_SLOTS, vector, zstd);
    wg_stripe *stripe = open_stripe(dir);
    const size_t width = wg_physical_bytes(wg_type_physical(vector.type));
    wg_fragment_scratch scratch = {0};
    wg_error err;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    static uint8_t copy[WG_BATCH_ROWS_MAX * 16];
    wg_rng rng;
    wg_rng_init(&rng, 3);
    for (unsigned round = 0; round < rounds; round++) {
        ours[round] = theirs[round] = 0;
        for (uint32_t slot = 0; slot < DECODE_SLOTS; slot++)
            for (uint32_t first = 0; first < ROWS; first += WG_BATCH_ROWS_MAX) {
                wg_vector v;
                uint64_t begin = bench_now_ns();
                check(wg_fragment_read(wg_stripe_fragment(stripe, slot), 0, first, WG_BATCH_ROWS_MAX, &scratch, &v,
                                       &err),
                      &err, "read");
                ours[round] += bench_now_ns() - begin;
                begin = bench_now_ns();
                memcpy(copy, v.data, WG_BATCH_ROWS_MAX * width);
                __asm__ volatile("" : : "r"(copy) : "memory");
                theirs[round] += bench_now_ns() - begin;
            }
        const uint32_t count = zstd ? 100 : POINTS;
        const uint64_t begin = bench_now_ns();
        for (uint32_t i = 0; i < count; i++) {
            wg_value value;
            const wg_fragment *f = wg_stripe_fragment(stripe, (uint32_t)wg_rng_below(&rng, DECODE_SLOTS));
            check(wg_fragment_cell(f, 0, (uint32_t)wg_rng_below(&rng, ROWS), &arena, &value, &err), &err, "cell");
        }
        points[round] = (bench_now_ns() - begin) / count;
        wg_arena_reset(&arena);
    }
    char params[160];
    const double rows = (double)DECODE_SLOTS * ROWS;
    snprintf(params, sizeof params, "{\"cells\":\"%s\",\"zstd\":%s,\"bytes_a_row\":%.3f,\"rounds\":%u}", name,
             zstd ? "true" : "false", (double)stored / rows, rounds);
    bench_print(&(bench_line){.name = "stripe.decode",
                              .params = params,
                              .value = per_second(rows, bench_percentile(ours, rounds, 50)),
                              .unit = "rows/s",
                              .peer = "memcpy of the result",
                              .peer_value = per_second(rows, bench_percentile(theirs, rounds, 50))});
    bench_print(&(bench_line){.name = "stripe.point",
                              .params = params,
                              .value = (double)bench_percentile(points, rounds, 50) / 1e3,
                              .unit = "us"});
    wg_fragment_scratch_deinit(&scratch);
    wg_arena_deinit(&arena);
    wg_stripe_close(stripe);
}

/* ---- writing */

static uint64_t raw_write(const char *dir, uint64_t bytes) {
    static uint8_t block[1 << 20];
    char path[4200];
    snprintf(path, sizeof path, "%s/stripe_bench.raw", dir);
    memset(block, 0x5a, sizeof block);
    const uint64_t begin = bench_now_ns();
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check_posix(fd >= 0, path);
    for (uint64_t done = 0; done < bytes; done += sizeof block)
        check_posix(write(fd, block, sizeof block) == (ssize_t)sizeof block, "write");
    check_posix(fdatasync(fd) == 0, "fdatasync");
    const uint64_t took = bench_now_ns() - begin;
    close(fd);
    check_posix(unlink(path) == 0, path);
    return took;
}

static void measure_write(const char *dir, const char *name, wg_vector vector, bool zstd, unsigned rounds) {
    static uint64_t ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    uint64_t stored = 0;
    enum { WRITE_SLOTS = 128 };
    for (unsigned round = 0; round < rounds; round++) {
        const uint64_t begin = bench_now_ns();
        stored = write_stripe(dir, WRITE_SLOTS, vector, zstd);
        ours[round] = bench_now_ns() - begin;
        theirs[round] = raw_write(dir, stored);
    }
    char params[160];
    const double rows = (double)WRITE_SLOTS * ROWS;
    snprintf(params, sizeof params, "{\"cells\":\"%s\",\"zstd\":%s,\"stored_bytes\":%llu,\"rounds\":%u}", name,
             zstd ? "true" : "false", (unsigned long long)stored, rounds);
    bench_print(&(bench_line){.name = "stripe.write",
                              .params = params,
                              .value = per_second(rows, bench_percentile(ours, rounds, 50)),
                              .unit = "rows/s",
                              .peer = "write+fdatasync of the stored bytes",
                              .peer_value = per_second(rows, bench_percentile(theirs, rounds, 50))});
}

int main(int argc, char **argv) {
    const char *parent = argc > 1 ? argv[1] : "build/bench";
    const unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
    char dir[4096], path[4160];
    if (rounds == 0 || rounds > ROUNDS_MAX || strlen(parent) > 4000) {
        fprintf(stderr, "usage: stripe_bench [directory [rounds]]\n");
        return 2;
    }
    check_posix(mkdir(parent, 0700) == 0 || errno == EEXIST, parent);
    snprintf(dir, sizeof dir, "%s/stripe_bench.%ld", parent, (long)getpid());
    check_posix(mkdir(dir, 0700) == 0, dir);
    measure_scan(dir, rounds);
    for (int e = WG_ENCODING_PLAIN; e < WG_ENCODING_COUNT; e++) {
        make_cells((wg_encoding)e, 1);
        const wg_vector v = {.type = WG_TYPE_INT, .data = cells};
        measure_decode(dir, wg_encoding_name((wg_encoding)e), v, false, rounds);
        measure_write(dir, wg_encoding_name((wg_encoding)e), v, false, rounds);
    }
    for (int few = 0; few < 2; few++) {
        make_texts(few != 0);
        const wg_vector v = {.type = WG_TYPE_STRING, .data = texts};
        measure_decode(dir, few != 0 ? "strings, 50 different" : "strings", v, false, rounds);
        measure_write(dir, few != 0 ? "strings, 50 different" : "strings", v, false, rounds);
        measure_decode(dir, few != 0 ? "strings, 50 different" : "strings", v, true, rounds);
    }
    wg_error err;
    check(wg_stripe_path(dir, 1, path, sizeof path, &err), &err, "path");
    check_posix(unlink(path) == 0 && rmdir(dir) == 0, dir);
    return 0;
}
