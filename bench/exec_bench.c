/* exec_bench: the operators that keep rows, over columns in memory, by a scan that costs nothing.
 *
 *   exec.sum            sums and a count without keys
 *   exec.filter_group   a filter and a count by a dictionary string of 100 values
 *   exec.group_small    sum and count by an INT of 20 values
 *   exec.group_large    sum and count by an INT of a tenth as many values as rows
 *   exec.distinct       distinct values of the same key
 *   exec.count_distinct count(DISTINCT key)
 *   exec.join           rows joined with a tenth as many by a unique INT, and counted with a sum of one of their own columns
 *   exec.join_read      the same with a sum of a column of the others
 *   exec.sort           all rows sorted by a random INT, then counted
 *   exec.top            the first 100 of them
 *   exec.limit          what the machine gives: the bytes of three columns read, and copied, and one random update a row of
 *                       64 MiB; operators bound by memory gain no more from a second thread than these
 *
 * Each with 1 and 2 threads and, where rows are kept, with a memory limit of a tenth of the rows' bytes (spilling). The peer of 2 threads
 * is 1 thread, that of a limited run the run without a limit. Answers are compared.
 *
 * Usage: exec_bench [rows [rounds [name [threads]]]]; threads: of them alone, without the limited runs; 0: of 1 and of 2 */
#include "bench.h"

#include <string.h>

#include "base/digest/digest.h"
#include "engine/engine.h"
#include "exec/exec.h"

enum { NAMES = 100, TASK_ROWS = 122880, COLUMNS = 5 };

/* ---- the engine's calls that a scan needs, over arrays */

struct wg_engine {
    wg_platform *platform;
};
struct wg_txn {
    wg_engine *engine;
    uint64_t rows;
};
struct wg_scan {
    const wg_txn *txn;
    uint32_t keys[COLUMNS];
    uint32_t key_count;
    uint64_t rows;
};
struct wg_scan_cursor {
    wg_scan *scan;
    uint64_t next;
    uint64_t end;
    wg_vector vectors[COLUMNS + 1];
};

static int64_t *large_key, *value_cells, *unique_key;
static double *float_cells;
static uint64_t *ids;
static uint32_t *codes;
static wg_str names[NAMES];
static char name_bytes[NAMES][16];
static const wg_type types[COLUMNS] = {WG_TYPE_INT, WG_TYPE_INT, WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_INT};

wg_engine *wg_txn_engine(const wg_txn *txn) { return txn->engine; }
wg_platform *wg_engine_platform(wg_engine *engine) { return engine->platform; }
const char *wg_engine_temporary_directory(const wg_engine *engine) {
    (void)engine;
    return "";
}
wg_code wg_scan_open(const wg_txn *txn, const wg_scan_spec *spec, wg_account *account, wg_scan **out, wg_error *err) {
    wg_scan *scan = wg_alloc_zero(account, sizeof *scan);
    if (scan == NULL) return wg_error_nomem(err, sizeof *scan);
    scan->txn = txn;
    scan->key_count = spec->key_count;
    scan->rows = spec->label_count == 1 ? txn->rows / 10 : txn->rows;
    for (uint32_t i = 0; i < spec->key_count; i++) scan->keys[i] = spec->keys[i];
    *out = scan;
    return WG_OK;
}
bool wg_txn_keys_are_unique(const wg_txn *txn, const uint32_t *labels, uint32_t label_count, const uint32_t *keys,
                            uint32_t key_count) {
    (void)txn, (void)labels, (void)label_count, (void)keys, (void)key_count;
    return false;
}
void wg_scan_close(wg_scan *scan) { wg_free(scan); }
uint32_t wg_scan_task_count(const wg_scan *scan) { return (uint32_t)((scan->rows + TASK_ROWS - 1) / TASK_ROWS); }
uint64_t wg_scan_row_count_max(const wg_scan *scan) { return scan->rows; }
void wg_scan_stats(const wg_scan *scan, wg_stats *out) { out->rows_scanned += scan->rows; }
wg_code wg_scan_cursor_create(wg_scan *scan, wg_cancel *cancel, wg_account *account, wg_scan_cursor **out,
                              wg_error *err) {
    (void)cancel;
    wg_scan_cursor *c = wg_alloc_zero(account, sizeof *c);
    if (c == NULL) return wg_error_nomem(err, sizeof *c);
    c->scan = scan;
    *out = c;
    return WG_OK;
}
void wg_scan_cursor_destroy(wg_scan_cursor *cursor) { wg_free(cursor); }
wg_code wg_scan_cursor_start(wg_scan_cursor *cursor, uint32_t task, wg_error *err) {
    (void)err;
    cursor->next = (uint64_t)task * TASK_ROWS;
    cursor->end = wg_min_u64(cursor->next + TASK_ROWS, cursor->scan->rows);
    return WG_OK;
}
wg_code wg_scan_cursor_next(wg_scan_cursor *c, uint32_t rows_max, wg_batch *out, uint32_t *out_rows, wg_error *err) {
    (void)err;
    const uint32_t n = (uint32_t)wg_min_u64(rows_max, c->end - c->next);
    c->vectors[0] = (wg_vector){.type = WG_TYPE_NODE, .data = ids + c->next};
    for (uint32_t k = 0; k < c->scan->key_count; k++) {
        const uint32_t key = c->scan->keys[k];
        const void *data[COLUMNS] = {large_key + c->next, value_cells + c->next, float_cells + c->next, names,
                                     unique_key + c->next};
        c->vectors[k + 1] = (wg_vector){.type = types[key], .data = data[key]};
        if (key != 3) continue;
        c->vectors[k + 1].kind = WG_VECTOR_DICT;
        c->vectors[k + 1].codes = codes + c->next;
        c->vectors[k + 1].dict_size = NAMES;
    }
    c->next += n;
    *out = (wg_batch){.row_count = n, .column_count = c->scan->key_count + 1, .columns = c->vectors};
    *out_rows = n;
    return WG_OK;
}

/* ---- data */

static void *array(uint64_t rows, size_t bytes) {
    void *p = wg_alloc(NULL, rows * bytes);
    if (p == NULL) {
        fprintf(stderr, "exec_bench: no memory\n");
        exit(1);
    }
    return p;
}

static void make_data(uint64_t rows) {
    wg_rng rng;
    wg_rng_init(&rng, 7);
    large_key = array(rows, 8);
    value_cells = array(rows, 8);
    unique_key = array(rows, 8);
    float_cells = array(rows, 8);
    ids = array(rows, 8);
    codes = array(rows, 4);
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(name_bytes[i], sizeof name_bytes[i], "city %u", (unsigned)i);
        names[i] = (wg_str){name_bytes[i], strlen(name_bytes[i])};
    }
    for (uint64_t i = 0; i < rows; i++) {
        large_key[i] = (int64_t)wg_rng_below(&rng, rows / 10 + 1);
        value_cells[i] = (int64_t)wg_rng_below(&rng, 20);
        unique_key[i] = (int64_t)((i * UINT64_C(7919)) % (rows / 10 + 1));
        float_cells[i] = (double)wg_rng_below(&rng, 1u << 30) / 1048576.0;
        ids[i] = i;
        codes[i] = (uint32_t)(wg_rng_below(&rng, NAMES) * wg_rng_below(&rng, NAMES) / NAMES);
    }
}

/* ---- plans */

static wg_expr *slot(uint32_t i) {
    static const wg_type slots[COLUMNS + 1] = {WG_TYPE_NODE,  WG_TYPE_INT,    WG_TYPE_INT,
                                               WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_INT};
    wg_expr *e = array(1, sizeof *e);
    *e = (wg_expr){.kind = WG_EXPR_SLOT, .type = slots[i], .slot = i};
    return e;
}

static wg_plan *scan(uint32_t label) {
    static const uint32_t keys[COLUMNS] = {0, 1, 2, 3, 4};
    static const wg_type slots[COLUMNS + 1] = {WG_TYPE_NODE,  WG_TYPE_INT,    WG_TYPE_INT,
                                               WG_TYPE_FLOAT, WG_TYPE_STRING, WG_TYPE_INT};
    wg_plan *p = array(1, sizeof *p);
    *p = (wg_plan){.op = WG_PLAN_SCAN, .slot_count = COLUMNS + 1, .slot_types = slots};
    p->scan.keys = keys;
    p->scan.types = types;
    p->scan.key_count = COLUMNS;
    p->scan.label_count = label;
    return p;
}

static wg_expr **one(wg_expr *e) {
    wg_expr **list = array(1, sizeof(wg_expr *));
    list[0] = e;
    return list;
}

static wg_plan *above(wg_plan_op op, wg_plan *child) {
    wg_plan *p = array(1, sizeof *p);
    *p = (wg_plan){.op = op, .slot_count = child->slot_count, .slot_types = child->slot_types};
    p->children[0] = child;
    return p;
}

static wg_plan *project(wg_plan *child, wg_expr *e) {
    wg_plan *p = above(WG_PLAN_PROJECT, child);
    wg_type *t = array(1, sizeof *t);
    t[0] = e->type;
    p->slot_types = t;
    p->slot_count = 1;
    p->exprs = one(e);
    p->expr_count = 1;
    return p;
}

static wg_plan *aggregate(wg_plan *child, wg_expr *key, uint32_t count, const wg_aggregate *aggregates) {
    wg_plan *p = above(WG_PLAN_AGGREGATE, child);
    wg_type *t = array(count + 1, sizeof *t);
    wg_aggregate *copy = array(count, sizeof *copy);
    memcpy(copy, aggregates, count * sizeof *copy);
    p->expr_count = key != NULL ? 1 : 0;
    if (key != NULL) {
        t[0] = key->type;
        p->exprs = one(key);
    }
    for (uint32_t i = 0; i < count; i++) t[p->expr_count + i] = aggregates[i].type;
    p->slot_types = t;
    p->slot_count = p->expr_count + count;
    p->aggregates = copy;
    p->aggregate_count = count;
    return p;
}

static wg_plan *filter(wg_plan *child, uint32_t i, int64_t below) {
    wg_plan *p = above(WG_PLAN_FILTER, child);
    wg_expr **args = array(2, sizeof(wg_expr *));
    args[0] = slot(i);
    args[1] = array(1, sizeof(wg_expr));
    *args[1] = (wg_expr){.kind = WG_EXPR_CONST, .type = WG_TYPE_INT, .value = wg_value_int(below)};
    wg_expr *e = array(1, sizeof *e);
    *e = (wg_expr){.kind = WG_EXPR_CALL, .type = WG_TYPE_BOOL, .args = args, .arg_count = 2};
    e->function = wg_function_find(wg_slice_str("<"), 2);
    p->exprs = one(e);
    p->expr_count = 1;
    return p;
}

static const wg_aggregate count_star = {WG_AGG_COUNT_STAR, false, NULL, WG_TYPE_INT};

static wg_plan *plan_of(const char *name) {
    const wg_aggregate sums[3] = {
        count_star, {WG_AGG_SUM, false, slot(2), WG_TYPE_INT}, {WG_AGG_SUM, false, slot(3), WG_TYPE_FLOAT}};
    const wg_aggregate distinct = {WG_AGG_COUNT, true, slot(1), WG_TYPE_INT};
    wg_plan *p = NULL;
    if (strcmp(name, "sum") == 0) return aggregate(scan(0), NULL, 3, sums);
    if (strcmp(name, "filter_group") == 0) return aggregate(filter(scan(0), 2, 10), slot(4), 1, sums);
    if (strcmp(name, "group_small") == 0) return aggregate(scan(0), slot(2), 2, sums);
    if (strcmp(name, "group_float") == 0) return aggregate(scan(0), slot(2), 3, sums);
    if (strcmp(name, "group_large") == 0) return aggregate(aggregate(scan(0), slot(1), 2, sums), NULL, 1, sums);
    if (strcmp(name, "distinct") == 0)
        return aggregate(above(WG_PLAN_DISTINCT, project(scan(0), slot(1))), NULL, 1, sums);
    if (strcmp(name, "count_distinct") == 0) return aggregate(scan(0), NULL, 1, &distinct);
    if (strncmp(name, "join", 4) == 0) {
        wg_expr *read = array(1, sizeof *read);
        *read = (wg_expr){.kind = WG_EXPR_SLOT, .type = WG_TYPE_INT, .slot = COLUMNS + 1 + 2};
        const wg_aggregate of_both[3] = {count_star, sums[1], {WG_AGG_SUM, false, read, WG_TYPE_INT}};
        p = above(WG_PLAN_HASH_JOIN, scan(0));
        p->children[1] = scan(1);
        wg_type *t = array(2 * COLUMNS + 2, sizeof *t);
        for (uint32_t i = 0; i < 2; i++) memcpy(t + i * (COLUMNS + 1), p->slot_types, (COLUMNS + 1) * sizeof *t);
        p->slot_types = t;
        p->slot_count = 2 * COLUMNS + 2;
        p->exprs = one(slot(1));
        p->right_exprs = one(slot(5));
        p->expr_count = 1;
        return strcmp(name, "join") == 0 ? aggregate(p, NULL, 2, sums) : aggregate(p, NULL, 3, of_both);
    }
    p = above(WG_PLAN_SORT, scan(0));
    wg_sort_item *item = array(1, sizeof *item);
    *item = (wg_sort_item){slot(1), false};
    p->sort_items = item;
    p->sort_item_count = 1;
    if (strcmp(name, "top") == 0) {
        p->limit_expr = array(1, sizeof(wg_expr));
        *p->limit_expr = (wg_expr){.kind = WG_EXPR_CONST, .type = WG_TYPE_INT, .value = wg_value_int(100)};
    }
    return aggregate(p, NULL, 2, sums);
}

/* ---- runs */

typedef struct setting {
    wg_txn *txn;
    wg_pool *pool;
    uint32_t threads;
    uint64_t bytes_max;
    bool plain;
    uint32_t only; /* 0: both numbers of threads */
} setting;

static double run(const wg_plan *plan, const setting *s, uint64_t *answer) {
    wg_account account;
    wg_account_init(&account, NULL, s->bytes_max);
    const wg_exec_context context = {
        .txn = s->txn, .pool = s->pool, .threads = s->threads, .batch_rows = 2048, .account = &account};
    wg_rows *rows = NULL;
    wg_error err = {0};
    const uint64_t start = bench_now_ns();
    const wg_code code = wg_exec_run(plan, &context, &rows, &err);
    const uint64_t ns = bench_now_ns() - start;
    if (code != WG_OK) {
        fprintf(stderr, "exec_bench: %s\n", err.message);
        return 0;
    }
    uint64_t hash = 0;
    for (uint64_t r = 0; r < wg_rows_count(rows); r++)
        for (uint32_t c = 0; c < wg_rows_column_count(rows); c++) {
            const wg_value v = wg_rows_cell(rows, r, c);
            hash = hash * 31 + wg_value_hash(&v);
        }
    wg_rows_destroy(rows);
    if (*answer != 0 && *answer != hash) {
        fprintf(stderr, "exec_bench: the answers differ\n");
        exit(1);
    }
    *answer = hash;
    return (double)ns / 1e6;
}

static double best_of(const wg_plan *plan, const setting *s, uint32_t rounds, uint64_t *answer) {
    double best = 0;
    for (uint32_t i = 0; i < rounds; i++) {
        const double ms = run(plan, s, answer);
        if (best == 0 || ms < best) best = ms;
    }
    return best;
}

static void measure(const char *name, setting s, uint64_t rows, uint32_t rounds) {
    const wg_plan *plan = plan_of(name);
    uint64_t answer = 0;
    char label[64];
    char params[96];
    double alone = 0;
    snprintf(label, sizeof label, "exec.%s", name);
    for (uint32_t threads = 1; threads <= 2; threads++) {
        if (s.only != 0 && threads != s.only) continue;
        s.threads = threads;
        s.bytes_max = 0;
        const double ms = best_of(plan, &s, rounds, &answer);
        snprintf(params, sizeof params, "{\"rows\":%" PRIu64 ",\"threads\":%u}", rows, (unsigned)threads);
        bench_print(&(bench_line){label, params, ms, "ms", threads == 1 ? NULL : "1 thread", alone});
        if (threads == 1) alone = ms;
        if (s.plain) continue;
        if (strstr(name, "large") == NULL && strstr(name, "distinct") == NULL && strcmp(name, "sort") != 0) continue;
        s.bytes_max = wg_max_u64(rows * 44 / 10, UINT64_C(16) << 20);
        const double limited = best_of(plan, &s, rounds, &answer);
        snprintf(params, sizeof params, "{\"rows\":%" PRIu64 ",\"threads\":%u,\"memory\":%" PRIu64 "}", rows,
                 (unsigned)threads, s.bytes_max);
        if (limited > 0) bench_print(&(bench_line){label, params, limited, "ms", "no limit", ms});
    }
}

/* ---- the machine */

typedef struct machine_work {
    int kind;
    uint64_t rows;
    uint64_t *words; /* 64 MiB for each of 64 pieces of work to meet in */
    int64_t *copies;
    _Atomic uint64_t sum;
} machine_work;

enum { MACHINE_PIECES = 64, MACHINE_WORDS = 8 << 20 };

static wg_code machine_piece(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    (void)worker;
    (void)err;
    machine_work *w = arg;
    const uint64_t from = first * w->rows / MACHINE_PIECES;
    const uint64_t n = last * w->rows / MACHINE_PIECES - from;
    uint64_t sum = first;
    if (w->kind == 0) {
        for (uint64_t i = 0; i < n; i++)
            sum += (uint64_t)large_key[from + i] + (uint64_t)value_cells[from + i] + (uint64_t)unique_key[from + i];
    } else if (w->kind == 1) {
        memcpy(w->copies + from, large_key + from, n * sizeof *large_key);
        memcpy(w->copies + w->rows + from, value_cells + from, n * sizeof *large_key);
        memcpy(w->copies + 2 * w->rows + from, unique_key + from, n * sizeof *large_key);
    } else {
        for (uint64_t i = 0; i < n; i++) w->words[wg_hash64_u64(from + i) % MACHINE_WORDS]++;
    }
    atomic_fetch_add(&w->sum, sum);
    return WG_OK;
}

static void measure_machine(const setting *s, uint64_t rows, uint32_t rounds) {
    static const char *const kinds[] = {"read", "copy", "update"};
    machine_work w = {.rows = rows, .words = array(MACHINE_WORDS, 8), .copies = array(3 * rows, 8)};
    wg_error err = {0};
    memset(w.words, 0, (size_t)MACHINE_WORDS * 8);
    memset(w.copies, 0, 3 * rows * sizeof *w.copies);
    for (w.kind = 0; w.kind < 3; w.kind++) {
        double alone = 0;
        for (uint32_t threads = 1; threads <= 2; threads++) {
            double best = 0;
            const wg_pool_range range = {MACHINE_PIECES, 1, threads, machine_piece, &w};
            for (uint32_t i = 0; i < rounds; i++) {
                const uint64_t start = bench_now_ns();
                if (wg_pool_for(s->pool, &range, &err) != WG_OK) exit(1);
                const double ms = (double)(bench_now_ns() - start) / 1e6;
                if (best == 0 || ms < best) best = ms;
            }
            char params[96];
            snprintf(params, sizeof params, "{\"rows\":%" PRIu64 ",\"threads\":%u,\"of\":\"%s\"}", rows,
                     (unsigned)threads, kinds[w.kind]);
            bench_print(&(bench_line){"exec.limit", params, best, "ms", threads == 1 ? NULL : "1 thread", alone});
            if (threads == 1) alone = best;
        }
    }
    wg_free(w.words);
    wg_free(w.copies);
}

int main(int argc, char **argv) {
    static const char *const tests[] = {"sum",      "filter_group",   "group_small", "group_float", "group_large",
                                        "distinct", "count_distinct", "join",        "join_read",   "sort",
                                        "top"};
    const uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    const uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 3;
    wg_engine engine = {wg_platform_real()};
    wg_txn txn = {&engine, rows};
    setting s = {.txn = &txn, .plain = argc > 4};
    s.only = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    wg_error err = {0};
    if (rows < 10 || rounds == 0 || wg_pool_create(2, &s.pool, &err) != WG_OK) {
        fprintf(stderr, "usage: exec_bench [rows [rounds [name [threads]]]]\n");
        return 2;
    }
    make_data(rows);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        if (argc < 4 || strcmp(argv[3], tests[i]) == 0 || strcmp(argv[3], "all") == 0)
            measure(tests[i], s, rows, rounds);
    if (argc < 4 || strcmp(argv[3], "limit") == 0 || strcmp(argv[3], "all") == 0) measure_machine(&s, rows, rounds);
    wg_pool_destroy(s.pool);
    return 0;
}
