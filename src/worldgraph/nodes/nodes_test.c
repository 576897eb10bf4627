/* Tests of tables: appends, visibility, columns, conversions, memory pressure, concurrent readers. The models are plain
 * arrays. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>

#include "base/core/test_seed.h"
#include "worldgraph/nodes/nodes.h"

typedef struct fixture {
    wg_account account;
    wg_epoch *epoch;
    wg_table *table;
} fixture;

static void fixture_open(fixture *f, bool is_edge) {
    wg_account_init(&f->account, NULL, 0);
    assert_int_equal(wg_epoch_create(&f->account, &f->epoch, NULL), WG_OK);
    assert_int_equal(wg_table_create(is_edge, f->epoch, &f->account, &f->table, NULL), WG_OK);
}

static void fixture_close(fixture *f) {
    wg_table_destroy(f->table);
    wg_epoch_destroy(f->epoch);
    assert_int_equal(wg_account_bytes(&f->account), 0); /* nothing leaks */
}

static uint32_t column_add(fixture *f, uint32_t key, wg_type type) {
    uint32_t column = UINT32_MAX;
    assert_int_equal(wg_table_add_column(f->table, key, type, &column, NULL), WG_OK);
    return column;
}

static uint64_t row_append(fixture *f, wg_row_head head, const wg_value *cells) {
    uint64_t row = UINT64_MAX;
    assert_int_equal(wg_table_append(f->table, &head, cells, &row, NULL), WG_OK);
    return row;
}

/* Heap rows are always there, and need no memory to be read. */
static void head_read(const wg_table *table, uint64_t row, wg_row_head *out, uint64_t *out_end) {
    bool found = false;
    assert_int_equal(wg_table_head(table, row, out, out_end, &found, NULL), WG_OK);
    assert_true(found);
}

static wg_value cell_read(const wg_table *table, uint64_t row, uint32_t column) {
    wg_value v;
    assert_int_equal(wg_table_cell(table, row, column, NULL, &v, NULL), WG_OK);
    return v;
}

static wg_row_head head_of(uint64_t id, uint64_t begin) {
    return (wg_row_head){.id = id, .begin = begin, .prev = WG_ROW_NONE};
}

/* Goal: columns are found by key through growth; a second one of a key and one too many are refused. */
static void test_columns_are_found_by_key(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, false);
    for (uint32_t i = 0; i < WG_TABLE_COLUMNS_MAX; i++)
        assert_int_equal(column_add(&f, i * 7919, i % 2 == 0 ? WG_TYPE_INT : WG_TYPE_STRING), i);
    uint32_t column = 12345;
    assert_int_equal(wg_table_add_column(f.table, 7919, WG_TYPE_INT, &column, NULL), WG_E_EXISTS);
    assert_int_equal(wg_table_add_column(f.table, 1, WG_TYPE_INT, &column, NULL), WG_E_LIMIT);
    assert_int_equal(column, 12345);
    for (uint32_t i = 0; i < WG_TABLE_COLUMNS_MAX; i++) {
        assert_int_equal(wg_table_column_of(f.table, i * 7919), i);
        assert_int_equal(wg_table_column_key(f.table, i), i * 7919);
        assert_int_equal(wg_table_column_type(f.table, i), i % 2 == 0 ? WG_TYPE_INT : WG_TYPE_STRING);
    }
    assert_int_equal(wg_table_column_of(f.table, 3), UINT32_MAX);
    fixture_close(&f);
}

enum { MODEL_ROWS = 40000 };

typedef struct model {
    uint64_t begin[MODEL_ROWS];
    uint64_t end[MODEL_ROWS];
    uint64_t id[MODEL_ROWS];
    uint64_t count;
} model;

/* Reads all of the table in windows of random size and compares the selection with wg_visible row by row. */
static void scan_compare(const fixture *f, const model *m, wg_view view, wg_rng *rng) {
    wg_table_scratch *scratch = NULL;
    assert_int_equal(wg_table_scratch_create(0, NULL, &scratch, NULL), WG_OK);
    const uint32_t slot = wg_epoch_enter(f->epoch);
    uint64_t row = 0;
    for (;;) {
        wg_vector ids;
        wg_batch batch;
        uint32_t rows;
        const uint32_t max = (uint32_t)(1 + wg_rng_below(rng, WG_BATCH_ROWS_MAX));
        assert_int_equal(wg_table_read(f->table, view, row, max, NULL, NULL, 0, scratch, &ids, &batch, &rows, NULL),
                         WG_OK);
        if (rows == 0) break;
        uint32_t at = 0;
        for (uint32_t i = 0; i < rows; i++) {
            assert_int_equal(((const uint64_t *)ids.data)[i], m->id[row + i]);
            if (!wg_visible(view, m->begin[row + i], m->end[row + i])) continue;
            assert_true(at < batch.row_count);
            assert_int_equal(wg_batch_row(&batch, at), i);
            at++;
        }
        assert_int_equal(at, batch.row_count);
        row += rows;
    }
    assert_int_equal(row, m->count);
    wg_epoch_leave(f->epoch, slot);
    wg_table_scratch_destroy(scratch);
}

/* Goal: over random histories (appends, replacements, deletions, rollbacks, gaps in ids) every scan at every kind of
 * snapshot selects what wg_visible says, across fragments, and heads read back (semantics 15, 16, 23, 24). */
static void test_scan_selects_what_the_visibility_rule_says(void **state) {
    (void)state;
    static model m;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        fixture f;
        wg_rng rng;
        wg_rng_init(&rng, wg_test_seed(seed));
        fixture_open(&f, false);
        memset(&m, 0, sizeof m);
        uint64_t logseq = 1;
        uint64_t id = 0;
        while (m.count < MODEL_ROWS) {
            if (wg_rng_below(&rng, seed == 1 ? 20000 : 50) == 0) logseq++;
            if (wg_rng_below(&rng, seed == 2 ? 30000 : 1000) == 0) id += wg_rng_below(&rng, 5);
            wg_row_head head = head_of(id, logseq);
            if (m.count > 0 && wg_rng_below(&rng, seed == 3 ? 20000 : 2000) == 0) head.prev = WG_ROW_ADDRESS(3, 5);
            assert_int_equal(row_append(&f, head, NULL), m.count);
            wg_row_head back;
            uint64_t end;
            head_read(f.table, m.count, &back, &end);
            assert_true(back.id == id && back.begin == logseq && back.prev == head.prev && end == WG_LOGSEQ_NEVER);
            m.id[m.count] = id++;
            m.begin[m.count] = logseq;
            m.end[m.count] = WG_LOGSEQ_NEVER;
            m.count++;
            const uint64_t victim = wg_rng_below(&rng, m.count);
            if (seed >= 2 && wg_rng_below(&rng, 5000) == 0) {
                m.end[victim] = wg_rng_below(&rng, 4) == 0 ? WG_LOGSEQ_NEVER : logseq;
                assert_int_equal(wg_table_set_end(f.table, victim, m.end[victim], logseq, NULL), WG_OK);
            }
            if (seed >= 3 && wg_rng_below(&rng, 9000) == 0) {
                m.begin[victim] = WG_LOGSEQ_NEVER;
                wg_table_unbegin(f.table, victim, 1);
            }
        }
        const wg_view views[] = {
            {0, 0}, {1, 0}, {logseq / 2, 0}, {logseq / 2, logseq}, {logseq, 0}, {logseq - 1, logseq}};
        for (size_t v = 0; v < sizeof views / sizeof views[0]; v++) scan_compare(&f, &m, views[v], &rng);
        for (uint64_t row = 0; row < m.count; row += 7) {
            wg_row_head head;
            uint64_t end;
            head_read(f.table, row, &head, &end);
            assert_true(head.id == m.id[row] && head.begin == m.begin[row] && end == m.end[row]);
        }
        fixture_close(&f);
    }
}

static wg_value list_value(const wg_value *items, uint32_t count) {
    wg_value v = {.type = WG_TYPE_LIST, .size = count};
    v.as.list = items;
    return v;
}

enum { CELL_COLUMNS = 7 };
static const wg_type cell_types[CELL_COLUMNS] = {WG_TYPE_BOOL, WG_TYPE_INT, WG_TYPE_FLOAT,         WG_TYPE_STRING,
                                                 WG_TYPE_DATE, WG_TYPE_ANY, WG_TYPE_LOCAL_DATETIME};

/* A value that is a function of row and column, null for a third of them; texts lie in `text`. */
static wg_value cell_value(uint64_t row, uint32_t column, char text[64], wg_value items[2]) {
    const uint64_t x = row * 31 + column;
    if (x % 3 == 0) return wg_value_null();
    const int length = snprintf(text, 64, "row %llu of column %u", (unsigned long long)row, column);
    const wg_value s = wg_value_str(wg_slice_of(text, x % 5 == 0 ? 0 : (size_t)length));
    wg_value v = wg_value_int((int64_t)x);
    const wg_type type = cell_types[column];
    if (type == WG_TYPE_BOOL) return wg_value_bool(x % 2 == 0);
    if (type == WG_TYPE_FLOAT && x % 2 == 0) return wg_value_float((double)x / 8);
    if (type == WG_TYPE_STRING) return s;
    if (type == WG_TYPE_DATE) v.type = WG_TYPE_DATE;
    if (type == WG_TYPE_LOCAL_DATETIME) {
        v.type = WG_TYPE_LOCAL_DATETIME;
        v.as.i = -(int64_t)x;
        v.size = 5000;
    }
    if (type != WG_TYPE_ANY) return v;
    items[0] = s;
    items[1] = v;
    return x % 4 == 0 ? s : x % 4 == 1 ? list_value(items, 2) : v;
}

static void assert_cell(wg_value got, wg_type column_type, wg_value want) {
    if (column_type == WG_TYPE_FLOAT && want.type == WG_TYPE_INT) want = wg_value_float((double)want.as.i);
    assert_int_equal(got.type, want.type);
    assert_int_equal(wg_value_order(&got, &want), 0);
}

/* Goal: cells of every type, appended with columns arriving later and across fragment borders, read back equal as single
 * cells, as vectors and converted to ANY; rows before a column existed are null. */
static void test_cells_read_back_across_fragments_and_added_columns(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, false);
    const uint64_t rows = WG_FRAGMENT_ROWS + 5000;
    uint32_t columns = 0;
    for (uint64_t row = 0; row < rows; row++) {
        if (row % 2500 == 100 && columns < CELL_COLUMNS) {
            column_add(&f, 100 + columns, cell_types[columns]);
            columns++;
        }
        char text[CELL_COLUMNS][64];
        wg_value items[CELL_COLUMNS][2];
        wg_value cells[CELL_COLUMNS];
        for (uint32_t c = 0; c < columns; c++) cells[c] = cell_value(row, c, text[c], items[c]);
        row_append(&f, head_of(row, 1), cells);
    }
    assert_int_equal(columns, CELL_COLUMNS);
    uint32_t ordinals[2 * CELL_COLUMNS];
    wg_type types[2 * CELL_COLUMNS];
    for (uint32_t c = 0; c < CELL_COLUMNS; c++) {
        ordinals[c] = ordinals[CELL_COLUMNS + c] = c;
        types[c] = cell_types[c];
        types[CELL_COLUMNS + c] = WG_TYPE_ANY;
    }
    wg_table_scratch *scratch = NULL;
    wg_vector vectors[2 * CELL_COLUMNS + 1];
    assert_int_equal(wg_table_scratch_create(2 * CELL_COLUMNS, NULL, &scratch, NULL), WG_OK);
    for (uint64_t row = 0; row < rows;) {
        wg_batch batch;
        uint32_t n;
        assert_int_equal(wg_table_read(f.table, (wg_view){1, 0}, row, 1777, ordinals, types, 2 * CELL_COLUMNS,
                                       scratch, vectors, &batch, &n, NULL),
                         WG_OK);
        assert_null(batch.sel);
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t c = 0; c < CELL_COLUMNS; c++) {
                char text[64];
                wg_value items[2];
                const wg_value want =
                    row + i < 2500 * c + 100 ? wg_value_null() : cell_value(row + i, c, text, items);
                assert_cell(wg_vector_value(&vectors[1 + c], i), cell_types[c], want);
                assert_cell(wg_vector_value(&vectors[1 + CELL_COLUMNS + c], i), cell_types[c], want);
                if (i % 16 == 0) assert_cell(cell_read(f.table, row + i, c), cell_types[c], want);
            }
        }
        row += n;
    }
    const uint32_t one = 1;
    const wg_type wrong = WG_TYPE_STRING;
    wg_batch batch;
    uint32_t n;
    assert_int_equal(
        wg_table_read(f.table, (wg_view){1, 0}, 0, 10, &one, &wrong, 1, scratch, vectors, &batch, &n, NULL),
        WG_E_INTERNAL);
    const uint32_t none = UINT32_MAX;
    assert_int_equal(
        wg_table_read(f.table, (wg_view){1, 0}, 0, 10, &none, &wrong, 1, scratch, vectors, &batch, &n, NULL), WG_OK);
    assert_int_equal(vectors[1].type, WG_TYPE_STRING);
    assert_int_equal(wg_vector_value(&vectors[1], 9).type, WG_TYPE_NULL);
    assert_int_equal(wg_vector_value(&vectors[0], 9).type, WG_TYPE_NODE);
    wg_table_scratch_skip_ids(scratch); /* a reader that says so gets no ids, and the same rows */
    assert_int_equal(
        wg_table_read(f.table, (wg_view){1, 0}, 0, 10, &none, &wrong, 1, scratch, vectors, &batch, &n, NULL), WG_OK);
    assert_int_equal(wg_vector_value(&vectors[0], 9).type, WG_TYPE_NULL);
    assert_int_equal(batch.row_count, 10);
    wg_table_scratch_destroy(scratch);
    fixture_close(&f);
}

enum { PART_ROWS = 1000, PARTS = 18, PART_COLUMNS = CELL_COLUMNS - 1 };

/* Appends 1,000 rows to `one` row by row and to `many` as a batch of column vectors; one column gets no vector. */
static void part_append(fixture *one, fixture *many, uint64_t part) {
    static uint64_t from[PART_ROWS];
    static uint64_t to[PART_ROWS];
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_column columns[PART_COLUMNS];
    wg_vector vectors[PART_COLUMNS];
    uint32_t ordinals[PART_COLUMNS];
    for (uint32_t c = 0; c < PART_COLUMNS; c++) {
        ordinals[c] = c + (part % 2 == 0 ? 0 : 1);
        wg_column_init(&columns[c], cell_types[ordinals[c]], &arena, NULL);
    }
    for (uint64_t i = 0; i < PART_ROWS; i++) {
        const uint64_t row = part * PART_ROWS + i;
        char text[CELL_COLUMNS][64];
        wg_value items[CELL_COLUMNS][2];
        wg_value cells[CELL_COLUMNS] = {0};
        for (uint32_t c = 0; c < PART_COLUMNS; c++) {
            const uint32_t o = ordinals[c];
            cells[o] = cell_value(part == 3 ? row * 3 + 1 : row, o, text[o], items[o]);
            assert_true(wg_column_append_value(&columns[c], &cells[o]));
        }
        from[i] = row * 3;
        to[i] = part < PARTS / 2 ? row : row + (UINT64_C(1) << 40);
        wg_row_head head = head_of(10 + row, 1 + part / 4);
        head.from = from[i];
        head.to = to[i];
        row_append(one, head, cells);
    }
    for (uint32_t c = 0; c < PART_COLUMNS; c++) vectors[c] = wg_column_view(&columns[c]);
    const wg_batch batch = {.row_count = PART_ROWS, .column_count = PART_COLUMNS, .columns = vectors};
    uint64_t first;
    const wg_code code = wg_table_append_batch(many->table, 10 + part * PART_ROWS, 1 + part / 4, &batch, ordinals,
                                               from, to, &first, NULL);
    assert_int_equal(code, WG_OK);
    assert_int_equal(first, part * PART_ROWS);
    for (uint32_t c = 0; c < PART_COLUMNS; c++) wg_column_deinit(&columns[c]);
    wg_arena_deinit(&arena);
}

/* Goal: a batch equals that many single appends: cells, ids, end points, also over a fragment border and with end points
 * that need 64 bits only from the middle on. */
static void test_append_batch_equals_single_appends(void **state) {
    (void)state;
    fixture one;
    fixture many;
    fixture_open(&one, true);
    fixture_open(&many, true);
    for (uint32_t c = 0; c < CELL_COLUMNS; c++) {
        column_add(&one, c, cell_types[c]);
        column_add(&many, c, cell_types[c]);
    }
    for (uint64_t part = 0; part < PARTS; part++) part_append(&one, &many, part);
    assert_int_equal(wg_table_row_count(one.table), wg_table_row_count(many.table));
    for (uint64_t row = 0; row < wg_table_row_count(one.table); row++) {
        wg_row_head a;
        wg_row_head b;
        head_read(one.table, row, &a, NULL);
        head_read(many.table, row, &b, NULL);
        assert_true(a.id == b.id && a.begin == b.begin && a.prev == b.prev && a.from == b.from && a.to == b.to);
        assert_int_equal(b.from, row * 3);
        for (uint32_t c = 0; c < CELL_COLUMNS; c++)
            assert_cell(cell_read(many.table, row, c), cell_types[c], cell_read(one.table, row, c));
    }
    fixture_close(&one);
    fixture_close(&many);
}

/* Goal: the end points of edges are read as vectors, stored in 32 bits, in 64 bits, and across the change. */
static void test_end_points_are_read_as_vectors(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, true);
    for (uint64_t i = 0; i < 20000; i++) {
        wg_row_head head = head_of(i, 1);
        head.from = i * 3;
        head.to = i == 17000 ? UINT64_MAX - 1 : i;
        row_append(&f, head, NULL);
    }
    const uint32_t ends[2] = {WG_TABLE_FROM, WG_TABLE_TO};
    const wg_type ids[2] = {WG_TYPE_NODE, WG_TYPE_NODE};
    wg_table_scratch *scratch = NULL;
    assert_int_equal(wg_table_scratch_create(2, NULL, &scratch, NULL), WG_OK);
    for (uint64_t row = 0; row < 20000;) {
        wg_vector v[3];
        wg_batch batch;
        uint32_t n;
        assert_int_equal(
            wg_table_read(f.table, (wg_view){1, 0}, row, 1500, ends, ids, 2, scratch, v, &batch, &n, NULL), WG_OK);
        assert_true(n > 0);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(((const uint64_t *)v[1].data)[i], (row + i) * 3);
            assert_int_equal(((const uint64_t *)v[2].data)[i], row + i == 17000 ? UINT64_MAX - 1 : row + i);
        }
        row += n;
    }
    wg_table_scratch_destroy(scratch);
    fixture_close(&f);
}

/* Goal: whichever allocation is refused, an append fails cleanly, and after it the table goes on as if it had not been
 * tried: no stale cell of the failed row shows. */
static void test_append_survives_refused_allocations(void **state) {
    (void)state;
    char long_text[3000];
    memset(long_text, 'x', sizeof long_text);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        fixture f;
        fixture_open(&f, true);
        for (uint32_t c = 0; c < 20; c++) column_add(&f, c, c % 2 == 0 ? WG_TYPE_STRING : WG_TYPE_ANY);
        wg_value cells[20] = {0};
        wg_value items[1] = {wg_value_int(1)};
        uint64_t row = 77;
        for (uint32_t c = 0; c < 20; c += 3)
            cells[c] = c % 2 == 0 ? wg_value_str(wg_slice_of(long_text, sizeof long_text)) : list_value(items, 1);
        const wg_row_head head = {.id = 5, .begin = 1, .prev = 9, .from = UINT64_C(1) << 50};
        wg_memory_fail_at(n, true);
        const wg_code code = wg_table_append(f.table, &head, cells, &row, NULL);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        assert_true(done || (code == WG_E_NOMEM && row == 77 && wg_table_row_count(f.table) == 0));
        const wg_value nulls[20] = {0};
        const uint64_t next = row_append(&f, head_of(8, 2), nulls);
        assert_int_equal(next, done ? 1 : 0);
        wg_row_head back;
        head_read(f.table, next, &back, NULL);
        assert_true(back.id == 8 && back.begin == 2 && back.prev == WG_ROW_NONE && back.from == 0);
        for (uint32_t c = 0; c < 20; c++) assert_int_equal(cell_read(f.table, next, c).type, WG_TYPE_NULL);
        fixture_close(&f);
    }
}

/* Goal: whichever allocation is refused, a batch fails whole, and the next one reads back as if it had not been tried. */
static void test_append_batch_survives_refused_allocations(void **state) {
    (void)state;
    static char text[WG_BATCH_ROWS_MAX][40];
    static wg_str strings[WG_BATCH_ROWS_MAX];
    static wg_value anys[WG_BATCH_ROWS_MAX];
    static uint64_t nodes[WG_BATCH_ROWS_MAX];
    for (uint32_t i = 0; i < WG_BATCH_ROWS_MAX; i++) {
        const int n = snprintf(text[i], sizeof text[i], "some longer text of row %u", i);
        strings[i] = (wg_str){text[i], (uint64_t)n};
        anys[i] = wg_value_str(wg_slice_of(text[i], (size_t)n));
        nodes[i] = i;
    }
    const wg_vector vectors[3] = {{.type = WG_TYPE_STRING, .kind = WG_VECTOR_FLAT, .data = strings},
                                  {.type = WG_TYPE_ANY, .kind = WG_VECTOR_FLAT, .data = anys},
                                  {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = nodes}};
    const uint32_t columns[3] = {0, 1, 2};
    const wg_batch batch = {.row_count = WG_BATCH_ROWS_MAX, .column_count = 3, .columns = vectors};
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        fixture f;
        fixture_open(&f, false);
        column_add(&f, 0, WG_TYPE_STRING);
        column_add(&f, 1, WG_TYPE_ANY);
        column_add(&f, 2, WG_TYPE_NODE);
        uint64_t row = 0;
        wg_memory_fail_at(n, true);
        const wg_code code = wg_table_append_batch(f.table, 0, 1, &batch, columns, NULL, NULL, &row, NULL);
        wg_memory_fail_at(0, false);
        done = code == WG_OK;
        assert_true(done || (code == WG_E_NOMEM && wg_table_row_count(f.table) == 0));
        assert_int_equal(wg_table_append_batch(f.table, 0, 1, &batch, columns, NULL, NULL, &row, NULL), WG_OK);
        wg_value one[3] = {anys[5], wg_value_null(), {.type = WG_TYPE_NODE}};
        one[2].as.id = 77;
        row = row_append(&f, head_of(9, 2), one);
        for (uint32_t c = 0; c < 3; c++) assert_cell(cell_read(f.table, row, c), WG_TYPE_ANY, one[c]);
        assert_cell(cell_read(f.table, row - 1, 0), WG_TYPE_STRING, anys[WG_BATCH_ROWS_MAX - 1]);
        fixture_close(&f);
    }
}

/* Goal: creation, columns, directory, index and scratch leak nothing when memory is refused. */
static void test_creation_survives_refused_allocations(void **state) {
    (void)state;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_epoch *epoch = NULL;
        assert_int_equal(wg_epoch_create(&account, &epoch, NULL), WG_OK);
        wg_table *table = NULL;
        wg_directory *directory = NULL;
        wg_key_index *index = NULL;
        wg_table_scratch *scratch = NULL;
        uint64_t id;
        uint32_t column;
        wg_memory_fail_at(n, false);
        bool ok = wg_table_create(true, epoch, &account, &table, NULL) == WG_OK;
        for (uint32_t c = 0; ok && c < 20; c++)
            ok = wg_table_add_column(table, c, WG_TYPE_INT, &column, NULL) == WG_OK;
        ok = ok && wg_directory_create(epoch, &account, &directory, NULL) == WG_OK;
        ok = ok && wg_directory_extend(directory, 300000, &id, NULL) == WG_OK;
        ok = ok && wg_key_index_create(epoch, &account, &index, NULL) == WG_OK;
        for (uint64_t k = 0; ok && k < 100; k++) ok = wg_key_index_add(index, k, k, NULL) == WG_OK;
        ok = ok && wg_table_scratch_create(3, &account, &scratch, NULL) == WG_OK;
        wg_memory_fail_at(0, false);
        done = ok;
        wg_table_scratch_destroy(scratch);
        wg_key_index_destroy(index);
        wg_directory_destroy(directory);
        wg_table_destroy(table);
        wg_epoch_destroy(epoch);
        assert_int_equal(wg_account_bytes(&account), 0);
    }
}

enum { READER_ROWS = 30000 };

typedef struct concurrent {
    fixture *f;
    _Atomic uint64_t snapshot;
    _Atomic bool stop;
    _Atomic uint64_t wrong;
} concurrent;

/* Row r holds r in every column that exists; everything up to the snapshot must be there, once, and nothing later. */
static void *scan_main(void *arg) {
    concurrent *c = arg;
    wg_table_scratch *scratch = NULL;
    if (wg_table_scratch_create(2, NULL, &scratch, NULL) != WG_OK) return NULL;
    while (!atomic_load(&c->stop)) {
        const uint64_t snapshot = atomic_load(&c->snapshot);
        const uint32_t slot = wg_epoch_enter(c->f->epoch);
        uint64_t seen = 0;
        for (uint64_t row = 0;;) {
            uint32_t columns[2] = {wg_table_column_of(c->f->table, 0), wg_table_column_of(c->f->table, 1)};
            const wg_type types[2] = {WG_TYPE_INT, WG_TYPE_ANY};
            wg_vector v[3];
            wg_batch batch;
            uint32_t n;
            if (wg_table_read(c->f->table, (wg_view){snapshot, 0}, row, WG_BATCH_ROWS_MAX, columns, types, 2, scratch,
                              v, &batch, &n, NULL) != WG_OK ||
                n == 0)
                break;
            for (uint32_t i = 0; i < batch.row_count; i++) {
                const uint32_t r = wg_batch_row(&batch, i);
                const wg_value id = wg_vector_value(&v[0], r);
                const wg_value cell = wg_vector_value(&v[1], r);
                const wg_value text = wg_vector_value(&v[2], r);
                if (id.as.id != row + r || (cell.type == WG_TYPE_INT && cell.as.i != (int64_t)(row + r)) ||
                    (text.type == WG_TYPE_STRING && text.as.s[0] != 'v'))
                    atomic_fetch_add(&c->wrong, 1);
            }
            seen += batch.row_count;
            row += n;
        }
        wg_epoch_leave(c->f->epoch, slot);
        /* Commit s adds row s - 1; every 100th commit also ends the row 50 before. */
        if (seen != snapshot - snapshot / 100) atomic_fetch_add(&c->wrong, 1);
    }
    wg_table_scratch_destroy(scratch);
    return NULL;
}

/* Goal: readers in threads see exactly the state of their snapshot while a writer appends, ends versions and adds
 * columns (semantics 18). */
static void test_readers_see_their_snapshot_during_writes(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f, false);
    concurrent c = {.f = &f};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, scan_main, &c), 0);
    for (uint64_t r = 0; r < READER_ROWS; r++) {
        if (r == 3000) column_add(&f, 0, WG_TYPE_INT);
        if (r == 9000) column_add(&f, 1, WG_TYPE_STRING);
        if (r > 10000 && r % 1000 == 0) column_add(&f, (uint32_t)r, WG_TYPE_BOOL);
        wg_value cells[64] = {wg_value_int((int64_t)r), wg_value_str(wg_slice_str("value"))};
        if (r % 7 == 0) cells[0] = wg_value_null();
        row_append(&f, head_of(r, r + 1), cells);
        if ((r + 1) % 100 == 0) assert_int_equal(wg_table_set_end(f.table, r - 50, r + 1, r + 1, NULL), WG_OK);
        atomic_store(&c.snapshot, r + 1);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    fixture_close(&f);
}

/* Rows of a transaction without a number: [first, count) of the model, single ones or by the batch. */
static void own_rows_append(fixture *f, model *m, uint64_t rows, wg_rng *rng) {
    for (uint64_t left = rows; left != 0;) {
        const uint32_t n = (uint32_t)wg_min_u64(left, 1 + wg_rng_below(rng, WG_BATCH_ROWS_MAX));
        const wg_batch batch = {.row_count = n};
        uint64_t first = 0;
        if (n == 1) first = row_append(f, head_of(m->count, WG_LOGSEQ_OWN), NULL);
        else
            assert_int_equal(
                wg_table_append_batch(f->table, m->count, WG_LOGSEQ_OWN, &batch, NULL, NULL, NULL, &first, NULL),
                WG_OK);
        assert_int_equal(first, m->count);
        for (uint32_t i = 0; i < n; i++, m->count++) {
            m->id[m->count] = m->count;
            m->begin[m->count] = WG_LOGSEQ_OWN;
            m->end[m->count] = WG_LOGSEQ_NEVER;
        }
        left -= n;
    }
}

/* Gives the rows from `first` on, and what has ended as nobody's, a number; or takes them back (NEVER). */
static void own_rows_settle(fixture *f, model *m, uint64_t first, uint64_t logseq) {
    if (logseq == WG_LOGSEQ_NEVER) wg_table_unbegin(f->table, first, m->count - first);
    else wg_table_stamp(f->table, first, m->count - first, logseq);
    for (uint64_t r = 0; r < m->count; r++) {
        if (r >= first) m->begin[r] = logseq;
        if (m->end[r] != WG_LOGSEQ_OWN) continue;
        assert_int_equal(wg_table_set_end(f->table, r, logseq, 1, NULL), WG_OK);
        m->end[r] = logseq;
    }
}

/* Goal: rows of a transaction without a number are its own alone; its commit gives them one, in fragments of its own and in shared ones, and a
 * rollback leaves gaps. Scans agree with the rule row by row before and behind it, at every snapshot. */
static void test_own_rows_get_a_number(void **state) {
    (void)state;
    static model m;
    wg_rng rng;
    fixture f;
    wg_rng_init(&rng, 77);
    memset(&m, 0, sizeof m);
    fixture_open(&f, false);
    for (uint64_t t = 1; m.count + WG_FRAGMENT_ROWS + 10 < MODEL_ROWS; t++) {
        const uint64_t first = m.count;
        own_rows_append(&f, &m, t % 4 == 0 ? WG_FRAGMENT_ROWS : wg_rng_below(&rng, 600), &rng);
        for (uint64_t i = 0; i < 20 && m.count != 0; i++) {
            const uint64_t r = wg_rng_below(&rng, m.count);
            if (m.begin[r] == WG_LOGSEQ_NEVER || m.end[r] != WG_LOGSEQ_NEVER) continue;
            assert_int_equal(wg_table_set_end(f.table, r, WG_LOGSEQ_OWN, t, NULL), WG_OK);
            m.end[r] = WG_LOGSEQ_OWN;
        }
        scan_compare(&f, &m, (wg_view){.snapshot = t - 1}, &rng);
        scan_compare(&f, &m, (wg_view){.snapshot = t - 1, .own = WG_LOGSEQ_OWN}, &rng);
        own_rows_settle(&f, &m, first, t % 3 == 0 ? WG_LOGSEQ_NEVER : t);
        scan_compare(&f, &m, (wg_view){.snapshot = t}, &rng);
        scan_compare(&f, &m, (wg_view){.snapshot = wg_rng_below(&rng, t + 1), .own = WG_LOGSEQ_OWN}, &rng);
    }
    for (uint64_t r = 0; r < m.count; r += 97) {
        wg_row_head head;
        uint64_t end = 0;
        head_read(f.table, r, &head, &end);
        assert_int_equal(head.begin, m.begin[r]);
        assert_int_equal(end, m.end[r]);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_found_by_key),
        cmocka_unit_test(test_scan_selects_what_the_visibility_rule_says),
        cmocka_unit_test(test_cells_read_back_across_fragments_and_added_columns),
        cmocka_unit_test(test_append_batch_equals_single_appends),
        cmocka_unit_test(test_end_points_are_read_as_vectors),
        cmocka_unit_test(test_append_survives_refused_allocations),
        cmocka_unit_test(test_append_batch_survives_refused_allocations),
        cmocka_unit_test(test_creation_survives_refused_allocations),
        cmocka_unit_test(test_readers_see_their_snapshot_during_writes),
        cmocka_unit_test(test_own_rows_get_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
