/* Measures tables and topology: rows appended and scanned a second, edges merged a second, bytes an edge, neighbour lists read a
 * second from memory and from stored runs (warm). Prints one JSON line per figure: name, value, unit. Arguments: edges in millions (default 10). */
#include "bench.h"

#include "base/text/text.h"
#include "worldgraph/nodes/nodes.h"
#include "worldgraph/topology/topology.h"

static double now_s(void) { return (double)bench_now_ns() * 1e-9; }

static void report(const char *name, double value, const char *unit) {
    const bench_line line = {.name = name, .params = "{}", .value = value, .unit = unit};
    bench_print(&line);
}

static void must(wg_code code) { WG_ASSERT(code == WG_OK); }

static uint64_t resident_bytes(void) {
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL) return 0;
    if (fscanf(f, "%*u %llu", &pages) != 1) pages = 0;
    fclose(f);
    return pages * 4096;
}

static void scan(const wg_table *table, uint64_t snapshot, const char *name) {
    wg_table_scratch *scratch;
    must(wg_table_scratch_create(1, NULL, &scratch, NULL));
    const uint32_t column = 0;
    const wg_type type = WG_TYPE_FLOAT;
    double sum = 0;
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        const double start = now_s();
        for (uint64_t row = 0;;) {
            wg_vector v[2];
            wg_batch batch;
            uint32_t rows;
            must(wg_table_read(table, (wg_view){snapshot, 0}, row, WG_BATCH_ROWS_MAX, &column, &type, 1, scratch, v,
                               &batch, &rows, NULL));
            if (rows == 0) break;
            const double *cells = v[1].data;
            if (batch.sel == NULL)
                for (uint32_t i = 0; i < batch.row_count; i++) sum += cells[i];
            else
                for (uint32_t i = 0; i < batch.row_count; i++) sum += cells[batch.sel[i]];
            row += rows;
        }
        const double t = now_s() - start;
        if (t < best) best = t;
    }
    if (sum < 0) printf("%g\n", sum); /* keeps the work */
    report(name, (double)wg_table_row_count(table) / best, "rows/s");
    wg_table_scratch_destroy(scratch);
}

static void bench_edges(wg_epoch *epoch, uint64_t edge_count) {
    enum { ROWS = 2048 };
    static uint64_t from[ROWS];
    static uint64_t to[ROWS];
    static double weight[ROWS];
    const uint64_t nodes = edge_count / 10 + 1;
    wg_table *table;
    wg_topology *topology;
    wg_directory *directory;
    uint32_t column;
    uint64_t first;
    wg_rng rng;
    wg_rng_init(&rng, 1);
    must(wg_table_create(true, epoch, NULL, &table, NULL));
    must(wg_table_add_column(table, 0, WG_TYPE_FLOAT, &column, NULL));
    must(wg_topology_create(epoch, NULL, &topology, NULL));
    must(wg_directory_create(epoch, NULL, &directory, NULL));
    const uint64_t before = resident_bytes();
    double append_s = 0;
    double add_s = 0;
    for (uint64_t e = 0; e < edge_count; e += ROWS) {
        for (size_t i = 0; i < ROWS; i++) {
            from[i] = wg_rng_below(&rng, nodes);
            to[i] = wg_rng_below(&rng, nodes);
            weight[i] = wg_rng_unit(&rng);
        }
        const wg_vector v = {.type = WG_TYPE_FLOAT, .kind = WG_VECTOR_FLAT, .data = weight};
        const wg_batch batch = {.row_count = ROWS, .column_count = 1, .columns = &v};
        double start = now_s();
        must(wg_table_append_batch(table, e, 1, &batch, &column, from, to, &first, NULL));
        must(wg_directory_extend(directory, ROWS, &first, NULL));
        for (uint64_t i = 0; i < ROWS; i++)
            must(wg_directory_set(directory, e + i, WG_ROW_ADDRESS(1, e + i), 1, NULL));
        append_s += now_s() - start;
        start = now_s();
        must(wg_topology_add_batch(topology, e, from, to, ROWS, NULL));
        add_s += now_s() - start;
    }
    const double edges = (double)wg_table_row_count(table);
    report("edge_append_batch", edges / append_s, "rows/s");
    report("topology_add_batch", edges / add_s, "edges/s");
    const double start = now_s();
    must(wg_topology_rebuild(topology, NULL));
    report("topology_rebuild", edges / (now_s() - start), "edges/s");
    report("edge_resident_with_row_directory_and_topology", (double)(resident_bytes() - before) / edges,
           "bytes/edge");
    scan(table, 1, "scan_all_visible");
    for (uint64_t row = 0; row < wg_table_row_count(table); row += 1000)
        must(wg_table_set_end(table, row, 2, 2, NULL));
    scan(table, 2, "scan_with_deletions");
    wg_topology_destroy(topology);
    wg_directory_destroy(directory);
    wg_table_destroy(table);
}

static void bench_csr_bytes(wg_epoch *epoch, uint64_t edge_count) {
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_topology *topology;
    wg_rng rng;
    wg_rng_init(&rng, 2);
    must(wg_topology_create(epoch, &account, &topology, NULL));
    for (uint64_t e = 0; e < edge_count; e++) {
        const uint64_t from = wg_rng_below(&rng, edge_count / 10 + 1);
        must(wg_topology_add(topology, e, from, wg_rng_below(&rng, edge_count / 10 + 1), NULL));
        if (e % 1000 == 0) must(wg_topology_settle(topology, NULL));
    }
    must(wg_topology_rebuild(topology, NULL));
    wg_epoch_collect(epoch);
    report("topology_base_both_directions", (double)wg_account_bytes(&account) / (double)edge_count, "bytes/edge");
    wg_topology_destroy(topology);
}

/* Neighbour lists of random nodes, about 10 entries each. */
static void bench_neighbours(const wg_topology *topology, uint64_t nodes, const char *name) {
    enum { LISTS = 500000, ENTRIES = 64 };
    uint64_t edges[ENTRIES];
    uint64_t neighbours[ENTRIES];
    uint64_t entries = 0;
    wg_rng rng;
    wg_rng_init(&rng, 3);
    double start = 0;
    for (uint64_t i = 0; i < 2 * LISTS; i++) { /* the first half warms */
        uint32_t got;
        if (i == LISTS) start = now_s();
        must(wg_topology_read(topology, i % 2 == 0 ? WG_DIRECTION_OUT : WG_DIRECTION_IN, wg_rng_below(&rng, nodes), 0,
                              ENTRIES, edges, neighbours, &got, NULL));
        entries += got;
    }
    WG_ASSERT(entries > LISTS);
    report(name, LISTS / (now_s() - start), "lists/s");
}

/* Stores what is new and adopts all runs; the files live in the memory of a sim. */
static void runs_store(wg_topology *topology, wg_stripe_sink *sink, wg_stripe **stripes, uint64_t edge_count) {
    enum { PIECES = 100000 };
    static const wg_fragment *pieces[PIECES];
    const wg_topology_pass pass = {sink, 1, edge_count, edge_count};
    const double start = now_s();
    must(wg_topology_store(topology, &pass, NULL));
    must(wg_stripe_sink_finish(sink, NULL));
    if (pass.edge_count > 1000000) report("topology_store", (double)edge_count / (now_s() - start), "edges/s");
    const wg_stripe_entry *entries = (const wg_stripe_entry *)(const void *)sink->finished.data;
    uint32_t count = 0;
    for (size_t i = 0; i < sink->finished.size / sizeof *entries; i++) {
        if (stripes[i] == NULL)
            must(wg_stripe_open(sink->platform, sink->dir, entries[i].id, sink->options.store_uuid, NULL, NULL,
                                &stripes[i], NULL));
        for (uint32_t f = 0; f < wg_stripe_fragment_count(stripes[i]); f++) {
            WG_ASSERT(count < PIECES);
            pieces[count++] = wg_stripe_fragment(stripes[i], f);
        }
    }
    must(wg_topology_adopt(topology, pieces, count, edge_count, NULL));
}

static void bench_stored_runs(wg_epoch *epoch, uint64_t edge_count, uint32_t run_count) {
    enum { STRIPES = 64 };
    wg_stripe *stripes[STRIPES] = {NULL};
    wg_platform *sim;
    wg_topology *topology;
    wg_rng rng;
    wg_rng_init(&rng, 4);
    must(wg_platform_sim_create(1, &sim, NULL));
    must(sim->ops->make_directory(sim, "/s", NULL));
    must(wg_topology_create(epoch, NULL, &topology, NULL));
    wg_stripe_sink sink = {.platform = sim, .dir = "/s", .next_id = 1};
    const uint64_t nodes = edge_count / 10 + 1;
    for (uint64_t e = 0; e < edge_count; e++) {
        must(wg_topology_add(topology, e, wg_rng_below(&rng, nodes), wg_rng_below(&rng, nodes), NULL));
        if (e % 1000 == 0) must(wg_topology_settle(topology, NULL));
        if (run_count > 1 && (e + 1) % (edge_count / run_count) == 0) runs_store(topology, &sink, stripes, e + 1);
    }
    must(wg_topology_rebuild(topology, NULL));
    if (run_count == 1) {
        bench_neighbours(topology, nodes, "neighbours_from_memory");
        runs_store(topology, &sink, stripes, edge_count);
        report("topology_stored_bytes", (double)sink.bytes_written / (double)edge_count, "bytes/edge");
    }
    bench_neighbours(topology, nodes,
                     run_count == 1 ? "neighbours_from_a_stored_run" : "neighbours_from_8_stored_runs");
    must(wg_topology_check(topology, NULL, NULL, NULL));
    wg_topology_destroy(topology);
    wg_epoch_collect(epoch);
    for (uint32_t i = 0; i < STRIPES && stripes[i] != NULL; i++) wg_stripe_close(stripes[i]);
    wg_stripe_sink_deinit(&sink);
    wg_platform_sim_destroy(sim);
}

static void bench_rows(wg_epoch *epoch) {
    wg_table *table;
    uint32_t column;
    must(wg_table_create(false, epoch, NULL, &table, NULL));
    must(wg_table_add_column(table, 0, WG_TYPE_INT, &column, NULL));
    must(wg_table_add_column(table, 1, WG_TYPE_STRING, &column, NULL));
    must(wg_table_add_column(table, 2, WG_TYPE_ANY, &column, NULL));
    enum { ROWS = 1000000 };
    const double start = now_s();
    for (uint64_t r = 0; r < ROWS; r++) {
        const wg_value cells[3] = {wg_value_int((int64_t)r), wg_value_str(wg_slice_str("a name of a person")),
                                   wg_value_float(0.5)};
        const wg_row_head head = {.id = r, .begin = r / 100 + 1, .prev = WG_ROW_NONE};
        uint64_t row;
        must(wg_table_append(table, &head, cells, &row, NULL));
    }
    report("node_append_one_by_one_3_columns", ROWS / (now_s() - start), "rows/s");
    wg_table_destroy(table);
}

int main(int argc, char **argv) {
    int64_t millions = 10;
    if (argc > 1 && (!wg_parse_i64(wg_slice_str(argv[1]), &millions) || millions < 1 || millions > 1000)) return 2;
    wg_epoch *epoch;
    must(wg_epoch_create(NULL, &epoch, NULL));
    bench_edges(epoch, (uint64_t)millions * 1000000);
    bench_csr_bytes(epoch, 2000000);
    bench_stored_runs(epoch, 2000000, 1);
    bench_stored_runs(epoch, 2000000, 8);
    bench_rows(epoch);
    wg_epoch_destroy(epoch);
    return 0;
}
