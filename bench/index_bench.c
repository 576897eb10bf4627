/* Measures indexes of nodes in memory: building, seeks of one key, ranges, single writes with and without, bytes an entry. Prints one JSON line per
 * figure: name, value, unit. Arguments: nodes (default 1000000), threads (default 1). */
#include "bench.h"

#include "engine/engine.h"

static double now_s(void) { return (double)bench_now_ns() * 1e-9; }

static void report(const char *name, double value, const char *unit) {
    const bench_line line = {.name = name, .params = "{}", .value = value, .unit = unit};
    bench_print(&line);
}

static void must(wg_code code, const wg_error *err) {
    if (code == WG_OK) return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

enum { SEEKS = 200000, WRITES = 20000, TEXT = 48 };

typedef struct bench {
    wg_engine *engine;
    uint32_t label;
    uint32_t keys[2]; /* a number, a text */
    uint64_t nodes;
    uint64_t next; /* of the single writes */
    wg_error err;
} bench;

static void text_of(char out[TEXT], uint64_t i) {
    (void)snprintf(out, TEXT, "person number %llu", (unsigned long long)i);
}

static void load(bench *b) {
    static wg_value numbers[WG_BATCH_ROWS_MAX], texts[WG_BATCH_ROWS_MAX];
    static char bytes[WG_BATCH_ROWS_MAX][TEXT];
    const wg_vector columns[2] = {{.type = WG_TYPE_ANY, .data = numbers}, {.type = WG_TYPE_ANY, .data = texts}};
    for (uint64_t at = 0; at < b->nodes;) {
        wg_txn *txn = NULL;
        uint64_t first = 0;
        const uint64_t end = wg_min_u64(b->nodes, at + 100000);
        must(wg_txn_begin(b->engine, WG_TXN_WRITE, 0, &txn, &b->err), &b->err);
        while (at < end) {
            const uint32_t rows = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - at);
            for (uint32_t r = 0; r < rows; r++) {
                numbers[r] = wg_value_int((int64_t)((at + r) * 7919 % b->nodes));
                text_of(bytes[r], at + r);
                texts[r] = wg_value_str(wg_slice_str(bytes[r]));
            }
            const wg_batch batch = {.row_count = rows, .column_count = 2, .columns = columns};
            must(wg_txn_create_nodes(txn, b->label, b->keys, &batch, &first, &b->err), &b->err);
            at += rows;
        }
        must(wg_txn_commit(txn, NULL, &b->err), &b->err);
    }
}

static const wg_rule *make_rule(bench *b, wg_rule_kind kind, uint32_t key) {
    wg_txn *txn = NULL;
    bool created = false;
    const wg_rule_def def = {.kind = kind, .label = b->label, .key_count = 1, .keys = {b->keys[key]}};
    must(wg_txn_begin(b->engine, WG_TXN_WRITE, 0, &txn, &b->err), &b->err);
    must(wg_txn_create_rule(txn, &def, false, &created, &b->err), &b->err);
    const wg_catalog *catalog = wg_txn_catalog(txn);
    must(wg_txn_commit(txn, NULL, &b->err), &b->err);
    return wg_catalog_rule_at(catalog, wg_catalog_rule_count(catalog) - 1);
}

static uint64_t seek(bench *b, const wg_txn *txn, const wg_rule *rule, const wg_index_probe *probe, wg_buf *ids) {
    ids->size = 0;
    must(wg_index_seek(txn, rule, probe, 1, ids, &b->err), &b->err);
    return ids->size / sizeof(uint64_t);
}

static void measure(bench *b, wg_rule_kind kind, uint32_t key, const char *name) {
    char line[64], text[TEXT];
    wg_txn *txn = NULL;
    wg_buf ids;
    wg_value value = wg_value_int(5);
    const wg_index_probe probe = {.equal = &value, .equal_count = 1};
    const uint64_t before = wg_engine_index_bytes(b->engine);
    double start = now_s();
    const wg_rule *rule = make_rule(b, kind, key);
    wg_buf_init(&ids, NULL);
    must(wg_txn_begin(b->engine, WG_TXN_READ, 0, &txn, &b->err), &b->err);
    (void)seek(b, txn, rule, &probe, &ids);
    (void)snprintf(line, sizeof line, "%s: build", name);
    report(line, (now_s() - start) * 1e3, "ms");
    wg_txn_abort(txn); /* what was merged meanwhile is given back when nobody can be reading it */
    wg_epoch_collect(wg_engine_epoch(b->engine));
    (void)snprintf(line, sizeof line, "%s: memory", name);
    report(line, (double)(wg_engine_index_bytes(b->engine) - before) / (double)b->nodes, "bytes/entry");
    uint64_t found = 0;
    must(wg_txn_begin(b->engine, WG_TXN_READ, 0, &txn, &b->err), &b->err);
    start = now_s();
    for (uint64_t i = 0; i < SEEKS; i++) {
        const uint64_t n = i * 104729 % b->nodes;
        if (key == 1) text_of(text, n);
        value = key == 0 ? wg_value_int((int64_t)n) : wg_value_str(wg_slice_str(text));
        found += seek(b, txn, rule, &probe, &ids);
    }
    (void)snprintf(line, sizeof line, "%s: seek of one of %llu keys", name, (unsigned long long)b->nodes);
    report(line, (now_s() - start) / SEEKS * 1e6, "us");
    if (found != SEEKS) exit(1);
    const wg_value low = wg_value_int(1000), high = wg_value_int(1000 + (int64_t)b->nodes / 100);
    const wg_index_probe range = {.low = &low, .high = &high};
    start = now_s();
    for (int i = 0; i < 20 && kind == WG_RULE_RANGE_INDEX && key == 0; i++) found = seek(b, txn, rule, &range, &ids);
    if (kind == WG_RULE_RANGE_INDEX && key == 0) {
        (void)snprintf(line, sizeof line, "%s: range of %llu rows", name, (unsigned long long)found);
        report(line, (now_s() - start) / 20 * 1e6 / (double)found, "us/row");
    }
    wg_txn_abort(txn);
    wg_buf_deinit(&ids);
}

static void write_some(bench *b, const char *name) {
    const double start = now_s();
    for (int i = 0; i < WRITES; i++) {
        wg_txn *txn = NULL;
        uint64_t id = 0;
        const wg_property p = {b->keys[0], wg_value_int((int64_t)(b->nodes + b->next++))};
        must(wg_txn_begin(b->engine, WG_TXN_WRITE, 0, &txn, &b->err), &b->err);
        must(wg_txn_create_node(txn, &b->label, 1, &p, 1, &id, &b->err), &b->err);
        must(wg_txn_commit(txn, NULL, &b->err), &b->err);
    }
    report(name, (now_s() - start) / WRITES * 1e6, "us");
}

int main(int argc, char **argv) {
    bench b = {.nodes = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000};
    wg_pool *pool = NULL;
    if (argc > 2) must(wg_pool_create((uint32_t)strtoul(argv[2], NULL, 10), &pool, &b.err), &b.err);
    const wg_engine_options o = {.options = {.create = true, .no_background = true}, .pool = pool};
    wg_txn *txn = NULL;
    must(wg_engine_open(NULL, &o, &b.engine, &b.err), &b.err);
    must(wg_txn_begin(b.engine, WG_TXN_WRITE, 0, &txn, &b.err), &b.err);
    must(wg_txn_intern_label(txn, wg_slice_str("Person"), false, &b.label, &b.err), &b.err);
    must(wg_txn_intern_key(txn, wg_slice_str("n"), &b.keys[0], &b.err), &b.err);
    must(wg_txn_intern_key(txn, wg_slice_str("name"), &b.keys[1], &b.err), &b.err);
    must(wg_txn_commit(txn, NULL, &b.err), &b.err);
    load(&b);
    write_some(&b, "write of one node, a transaction each, no index");
    measure(&b, WG_RULE_RANGE_INDEX, 0, "range, numbers");
    measure(&b, WG_RULE_HASH_INDEX, 0, "hash, numbers");
    measure(&b, WG_RULE_RANGE_INDEX, 1, "range, texts of 20 bytes");
    write_some(&b, "write of one node, three indexes that nobody asks");
    (void)make_rule(&b, WG_RULE_UNIQUE, 0);
    write_some(&b, "write of one node, constraint IS UNIQUE");
    must(wg_engine_close(b.engine, &b.err), &b.err);
    wg_pool_destroy(pool);
    return 0;
}
