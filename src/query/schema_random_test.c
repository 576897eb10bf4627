/* Random statements about the schema of a node label and an edge label among random writes, against a model that knows nothing but names and values;
 * with rollbacks, checkpoints, compaction and reopening between. After each commit the newest state, and some snapshot of the past, must print as the
 * model did then. */
#include "base/core/test_seed.h"
#include "io/platform/platform.h"
#include "query/query_test_kit.h"

enum { COLUMNS_MAX = 7, ROWS_MAX = 40, COMMITS_MAX = 400, NAME_SIZE = 12 };

typedef enum cell_type { CELL_INT, CELL_FLOAT, CELL_STRING, CELL_ANY, CELL_TYPES } cell_type;

typedef struct cell {
    int kind; /* -1: null; CELL_INT, CELL_FLOAT, CELL_STRING */
    int value;
} cell;

typedef struct column {
    char name[NAME_SIZE];
    cell_type type;
    bool not_null;
    bool computed; /* k * factor */
    int factor;
    cell fallback; /* DEFAULT; kind -1: none */
} column;

typedef struct thing { /* a label and its rows */
    char name[NAME_SIZE];
    bool is_edge;
    int column_count;
    column columns[COLUMNS_MAX];
    int row_count;
    int keys[ROWS_MAX];
    cell cells[ROWS_MAX][COLUMNS_MAX];
} thing;

typedef struct world {
    store store;
    wg_platform *platform;
    wg_rng rng;
    thing things[2];
    int next_name, next_key;
    uint64_t commits;
    char *expected[COMMITS_MAX][2]; /* by logseq */
    char names[COMMITS_MAX][2][NAME_SIZE];
} world;

static int below(world *w, int n) { return (int)wg_rng_below(&w->rng, (uint64_t)n); }

static void open_store(world *w, bool create) {
    wg_error err = {0};
    const wg_engine_options options = {
        .platform = w->platform,
        .options = {.threads = 1, .no_background = true, .create = create, .retain_commits = COMMITS_MAX}};
    if (wg_engine_open("/ws", &options, &w->store.engine, &err) != WG_OK) fail_msg("open: %s", err.message);
}

/* ---- the model as text */

static void print_cell(wg_buf *out, const cell *c) {
    if (c->kind == CELL_STRING) assert_true(wg_buf_printf(out, "\"s%d\"", c->value));
    else assert_true(wg_buf_printf(out, c->kind == CELL_FLOAT ? "%d.0" : "%d", c->value));
}

static int by_name(const void *x, const void *y) {
    return strcmp((*(const column *const *)x)->name, (*(const column *const *)y)->name);
}

static char *print_thing(const thing *t) {
    wg_buf out;
    const column *sorted[COLUMNS_MAX];
    wg_buf_init(&out, NULL);
    for (int c = 0; c < t->column_count; c++) sorted[c] = &t->columns[c];
    qsort(sorted, (size_t)t->column_count, sizeof sorted[0], by_name);
    for (int r = 0; r < t->row_count; r++) { /* keys ascend */
        bool first = true;
        assert_true(wg_buf_append_str(&out, "{"));
        for (int i = 0; i < t->column_count; i++) {
            const cell stored = t->cells[r][sorted[i] - t->columns];
            const cell computed = {CELL_INT, t->keys[r] * sorted[i]->factor};
            const cell *c = sorted[i]->computed ? &computed : &stored;
            if (c->kind < 0) continue;
            assert_true(wg_buf_printf(&out, "%s\"%s\":", first ? "" : ",", sorted[i]->name));
            print_cell(&out, c);
            first = false;
        }
        assert_true(wg_buf_append_str(&out, "}\n"));
    }
    assert_true(wg_buf_append_u8(&out, 0));
    char *text = malloc(out.size);
    assert_non_null(text);
    memcpy(text, out.data, out.size);
    wg_buf_deinit(&out);
    return text;
}

static void check_at(world *w, uint64_t logseq, bool newest) {
    for (int i = 0; i < 2; i++) {
        char text[200], as_of[40] = "";
        const char *name = w->names[logseq][i];
        if (w->expected[logseq][i] == NULL) continue;
        if (!newest) (void)snprintf(as_of, sizeof as_of, " AS OF %llu", (unsigned long long)logseq);
        (void)snprintf(text, sizeof text,
                       i == 0 ? "MATCH (n:%s) RETURN properties(n) ORDER BY n.k%s"
                              : "MATCH ()-[n:%s]->() RETURN properties(n) ORDER BY n.k%s",
                       name, as_of);
        expect(&w->store, text, w->expected[logseq][i]);
    }
}

static void committed(world *w) {
    const uint64_t logseq = wg_engine_logseq(w->store.engine);
    assert_true(logseq < COMMITS_MAX);
    for (int i = 0; i < 2; i++) {
        free(w->expected[logseq][i]);
        w->expected[logseq][i] = print_thing(&w->things[i]);
        memcpy(w->names[logseq][i], w->things[i].name, NAME_SIZE);
    }
    check_at(w, logseq, true);
    check_at(w, 4 + (uint64_t)below(w, (int)(logseq - 3)), false);
}

/* ---- random steps: each writes the statement, changes the model, and gives whether it must succeed */

static cell random_cell(world *w, cell_type type) {
    if (type == CELL_ANY) type = (cell_type)below(w, CELL_ANY);
    return (cell){(int)type, below(w, 50)};
}

static void literal(char *out, size_t size, const cell *c) {
    if (c->kind < 0) (void)snprintf(out, size, "null");
    else if (c->kind == CELL_STRING) (void)snprintf(out, size, "'s%d'", c->value);
    else (void)snprintf(out, size, c->kind == CELL_FLOAT ? "%d.0" : "%d", c->value);
}

static int random_column(world *w, const thing *t, bool stored) {
    for (int tries = 0; tries < 20; tries++) {
        const int c = below(w, t->column_count);
        if (c > 0 && (!stored || !t->columns[c].computed)) return c; /* 0 is k */
    }
    return -1;
}

static bool fits(const column *c, const cell *v) {
    if (v->kind < 0) return !c->not_null;
    return c->type == CELL_ANY || (int)c->type == v->kind || (c->type == CELL_FLOAT && v->kind == CELL_INT);
}

static cell stored_as(const column *c, cell v) {
    if (c->type == CELL_FLOAT && v.kind == CELL_INT) v.kind = CELL_FLOAT;
    return v;
}

static bool insert(world *w, thing *t, char *text, size_t size) {
    wg_buf map;
    wg_buf_init(&map, NULL);
    const int row = t->row_count;
    if (row == ROWS_MAX) return false;
    const int key = w->next_key++;
    bool ok = true;
    assert_true(wg_buf_printf(&map, "k: %d", key));
    for (int c = 1; c < t->column_count; c++) {
        char value[30];
        cell v = {-1, 0};
        const bool given = !t->columns[c].computed && below(w, 2) == 0;
        if (t->columns[c].computed) {
            t->cells[row][c] = v;
            continue;
        }
        if (given) v = below(w, 12) == 0 ? v : random_cell(w, below(w, 12) == 0 ? CELL_ANY : t->columns[c].type);
        else v = t->columns[c].fallback;
        ok = ok && fits(&t->columns[c], &v);
        t->cells[row][c] = stored_as(&t->columns[c], v);
        if (!given) continue;
        literal(value, sizeof value, &v);
        assert_true(wg_buf_printf(&map, ", %s: %s", t->columns[c].name, value));
    }
    t->cells[row][0] = (cell){CELL_INT, key};
    t->keys[row] = key;
    t->row_count++;
    (void)snprintf(
        text, size,
        t->is_edge ? "MATCH (a:P {k: 1}), (b:P {k: 2}) CREATE (a)-[:%s {%.*s}]->(b)" : "CREATE (:%s {%.*s})", t->name,
        (int)map.size, (const char *)map.data);
    wg_buf_deinit(&map);
    return ok;
}

static void pattern(const thing *t, int key, char *out, size_t size) {
    (void)snprintf(out, size, t->is_edge ? "MATCH ()-[n:%s]->() WHERE n.k = %d" : "MATCH (n:%s) WHERE n.k = %d",
                   t->name, key);
}

static bool update(world *w, thing *t, char *text, size_t size) {
    char match[80], value[30];
    if (t->row_count == 0) return false;
    const int row = below(w, t->row_count), c = random_column(w, t, true);
    pattern(t, t->keys[row], match, sizeof match);
    if (c < 0 || below(w, 6) == 0) {
        (void)snprintf(text, size, "%s DELETE n", match);
        t->row_count--;
        for (int r = row; r < t->row_count; r++) {
            t->keys[r] = t->keys[r + 1];
            memcpy(t->cells[r], t->cells[r + 1], sizeof t->cells[r]);
        }
        return true;
    }
    const cell v = below(w, 6) == 0 ? (cell){-1, 0} : random_cell(w, t->columns[c].type);
    literal(value, sizeof value, &v);
    (void)snprintf(text, size, "%s SET n.%s = %s", match, t->columns[c].name, value);
    t->cells[row][c] = stored_as(&t->columns[c], v);
    return fits(&t->columns[c], &v);
}

static const char *const type_names[] = {"INT", "FLOAT", "STRING", "ANY"};

static bool add_column(world *w, thing *t, char *text, size_t size) {
    const int c = t->column_count;
    char value[30];
    if (c == COLUMNS_MAX) return false;
    column *n = &t->columns[c];
    *n = (column){.type = (cell_type)below(w, CELL_TYPES), .fallback = {-1, 0}};
    (void)snprintf(n->name, sizeof n->name, "c%d", w->next_name++ % 9 + 1);
    for (int i = 0; i < c; i++)
        if (strcmp(t->columns[i].name, n->name) == 0) return false;
    t->column_count++;
    n->computed = below(w, 4) == 0;
    if (n->computed) {
        n->factor = below(w, 9) - 4;
        for (int r = 0; r < t->row_count; r++) t->cells[r][c] = (cell){-1, 0};
        (void)snprintf(text, size, "ALTER %s LABEL %s ADD COMPUTE %s = k * (%d)", t->is_edge ? "EDGE" : "NODE",
                       t->name, n->name, n->factor);
        return true;
    }
    if (below(w, 2) == 0) n->fallback = stored_as(n, random_cell(w, n->type));
    n->not_null = n->fallback.kind >= 0 && below(w, 3) == 0;
    literal(value, sizeof value, &n->fallback);
    for (int r = 0; r < t->row_count; r++) t->cells[r][c] = n->fallback;
    (void)snprintf(text, size, "ALTER %s LABEL %s ADD %s %s%s%s%s", t->is_edge ? "EDGE" : "NODE", t->name, n->name,
                   type_names[n->type], n->not_null ? " NOT NULL" : "", n->fallback.kind >= 0 ? " DEFAULT " : "",
                   n->fallback.kind >= 0 ? value : "");
    return true;
}

static bool drop_or_rename(world *w, thing *t, char *text, size_t size) {
    const char *kind = t->is_edge ? "EDGE" : "NODE";
    const int c = random_column(w, t, false);
    if (below(w, 5) == 0) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "%s%d", t->is_edge ? "T" : "L", below(w, 1000));
        if (strcmp(name, t->name) == 0) return false;
        (void)snprintf(text, size, "ALTER %s LABEL %s RENAME TO %s", kind, t->name, name);
        (void)snprintf(t->name, sizeof t->name, "%s", name);
        return true;
    }
    if (c < 0) return false;
    if (below(w, 2) == 0) {
        char name[NAME_SIZE];
        (void)snprintf(name, sizeof name, "c%d", w->next_name++ % 9 + 1);
        bool ok = true;
        for (int i = 0; i < t->column_count; i++) ok = ok && strcmp(t->columns[i].name, name) != 0;
        (void)snprintf(text, size, "ALTER %s LABEL %s RENAME %s TO %s", kind, t->name, t->columns[c].name, name);
        (void)snprintf(t->columns[c].name, NAME_SIZE, "%s", name);
        return ok;
    }
    (void)snprintf(text, size, "ALTER %s LABEL %s DROP COLUMN %s", kind, t->name, t->columns[c].name);
    t->column_count--;
    for (int i = c; i < t->column_count; i++) t->columns[i] = t->columns[i + 1];
    for (int r = 0; r < t->row_count; r++)
        for (int i = c; i < t->column_count; i++) t->cells[r][i] = t->cells[r][i + 1];
    return true;
}

static bool alter_column(world *w, thing *t, char *text, size_t size) {
    const char *kind = t->is_edge ? "EDGE" : "NODE";
    const int c = random_column(w, t, true);
    if (c < 0) return false;
    column *n = &t->columns[c];
    bool ok = true;
    if (below(w, 2) == 0) {
        n->type = (cell_type)below(w, CELL_TYPES);
        (void)snprintf(text, size, "ALTER %s LABEL %s ALTER %s SET TYPE %s", kind, t->name, n->name,
                       type_names[n->type]);
        ok = n->fallback.kind < 0 || fits(n, &n->fallback);
        n->fallback = stored_as(n, n->fallback);
    } else {
        n->not_null = below(w, 2) == 0;
        (void)snprintf(text, size, "ALTER %s LABEL %s ALTER COLUMN %s %s NOT NULL", kind, t->name, n->name,
                       n->not_null ? "SET" : "DROP");
    }
    for (int r = 0; r < t->row_count; r++) {
        ok = ok && fits(n, &t->cells[r][c]);
        t->cells[r][c] = stored_as(n, t->cells[r][c]);
    }
    return ok;
}

/* ---- running */

static void statement(world *w) {
    const thing before[2] = {w->things[0], w->things[1]};
    const int which = below(w, 2), kind = below(w, 12);
    thing *t = &w->things[which];
    char text[400] = "";
    wg_error err = {0};
    const bool ok = kind < 4    ? insert(w, t, text, sizeof text)
                    : kind < 8  ? update(w, t, text, sizeof text)
                    : kind < 9  ? drop_or_rename(w, t, text, sizeof text)
                    : kind < 11 ? add_column(w, t, text, sizeof text)
                                : alter_column(w, t, text, sizeof text);
    if (text[0] == '\0') {
        w->things[which] = before[which];
        return;
    }
    const wg_code code = try_text(&w->store, text, NULL, &err);
    if ((code == WG_OK) != ok)
        fail_msg("%s: %s, expected %s", text, code == WG_OK ? "OK" : err.message, ok ? "OK" : "an error");
    if (!ok) w->things[which] = before[which];
    if (ok) committed(w);
    else check_at(w, wg_engine_logseq(w->store.engine), true);
}

/* Several ALTERs and a write in a transaction that is aborted. */
static void rolled_back(world *w) {
    static const wg_value seven = {.type = WG_TYPE_INT, .as.i = 7};
    const thing *t = &w->things[below(w, 2)];
    wg_error err = {0};
    wg_txn *txn;
    const wg_alter steps[] = {{.kind = WG_ALTER_ADD_COLUMN,
                               .def = {.name = "tmp", .type = WG_TYPE_INT, .int_bits = 64, .default_value = &seven}},
                              {.kind = WG_ALTER_RENAME_COLUMN, .column = "tmp", .name = "gone"},
                              {.kind = WG_ALTER_DROP_COLUMN, .column = "gone"},
                              {.kind = WG_ALTER_ADD_COLUMN, .def = {.name = "c1x", .type = WG_TYPE_STRING}},
                              {.kind = WG_ALTER_RENAME_LABEL, .name = "Elsewhere"}};
    const int count = 1 + below(w, 5);
    assert_int_equal(wg_txn_begin(w->store.engine, WG_TXN_WRITE, 0, &txn, &err), WG_OK);
    for (int i = 0; i < count; i++)
        if (wg_txn_alter_label(txn, wg_slice_str(t->name), t->is_edge, &steps[i], &err) != WG_OK)
            fail_msg("step %d: %s", i, err.message);
    wg_txn_abort(txn);
    check_at(w, wg_engine_logseq(w->store.engine), true);
}

static void upkeep(world *w, int kind) {
    wg_error err = {0};
    const wg_compact_options all = {.everything = true};
    if (kind == 0 && wg_engine_checkpoint(w->store.engine, NULL, &err) != WG_OK) fail_msg("%s", err.message);
    if (kind == 1 && wg_engine_compact(w->store.engine, &all, NULL, NULL, NULL, &err) != WG_OK)
        fail_msg("%s", err.message);
    if (kind == 2) {
        assert_int_equal(wg_engine_close(w->store.engine, &err), WG_OK);
        open_store(w, false);
    }
    check_at(w, wg_engine_logseq(w->store.engine), true);
}

/* Goal: see the top of the file. */
static void test_random_alters_agree_with_a_model(void **state) {
    static world w;
    (void)state;
    const int rounds = wg_test_small() ? 2 : 6;
    for (int round = 0; round < rounds; round++) {
        w = (world){.things = {{.name = "L", .column_count = 1}, {.name = "T", .is_edge = true, .column_count = 1}}};
        wg_rng_init(&w.rng, wg_test_seed((uint64_t)round + 1));
        assert_int_equal(wg_platform_sim_create(1, &w.platform, NULL), WG_OK);
        wg_buf_init(&w.store.answer, NULL);
        open_store(&w, true);
        for (int i = 0; i < 2; i++) (void)snprintf(w.things[i].columns[0].name, NAME_SIZE, "k");
        run(&w.store, "CREATE NODE LABEL P (k INT, PRIMARY KEY (k))");
        run(&w.store, "CREATE NODE LABEL L (k INT, PRIMARY KEY (k))");
        run(&w.store, "CREATE EDGE LABEL T (FROM P TO P, k INT)");
        run(&w.store, "CREATE (:P {k: 1}), (:P {k: 2})");
        committed(&w);
        for (int step = 0; step < 220; step++) {
            const int kind = below(&w, 24);
            if (kind == 0) rolled_back(&w);
            else if (kind < 4) upkeep(&w, kind - 1);
            else statement(&w);
        }
        const uint64_t last = wg_engine_logseq(w.store.engine);
        for (uint64_t logseq = 4; logseq <= last; logseq++) check_at(&w, logseq, false);
        upkeep(&w, 2);
        for (uint64_t logseq = 4; logseq <= last; logseq++) check_at(&w, logseq, false);
        assert_int_equal(wg_engine_close(w.store.engine, NULL), WG_OK);
        wg_platform_sim_destroy(w.platform);
        wg_buf_deinit(&w.store.answer);
        for (int i = 0; i < COMMITS_MAX; i++)
            for (int k = 0; k < 2; k++) free(w.expected[i][k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_alters_agree_with_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
