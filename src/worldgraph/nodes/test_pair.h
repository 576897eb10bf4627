/* For tests of stored rows: two tables that get the same changes, one of which never leaves the heap and is the model of the
 * other. Included by tests only. */
#ifndef WG_WORLDGRAPH_NODES_TEST_PAIR_H
#define WG_WORLDGRAPH_NODES_TEST_PAIR_H

#include <stdio.h>

#include "worldgraph/nodes/test_store.h"

enum { COLUMNS_MAX = 10 };
static const wg_type column_types[COLUMNS_MAX] = {
    WG_TYPE_INT, WG_TYPE_STRING, WG_TYPE_BOOL,           WG_TYPE_FLOAT, WG_TYPE_DATE,
    WG_TYPE_ANY, WG_TYPE_BYTES,  WG_TYPE_LOCAL_DATETIME, WG_TYPE_LIST,  WG_TYPE_LOCAL_TIME};

/* ---- values that are a function of row and column */

typedef struct cell_text {
    char text[80];
    wg_value items[2];
} cell_text;

static inline wg_value scalar_of(uint64_t x, wg_type type, cell_text *t) {
    wg_value v = wg_value_int((int64_t)(x * 977 % 100003) - 5000);
    v.type = (uint8_t)type;
    if (type == WG_TYPE_BOOL) return wg_value_bool(x % 2 == 0);
    if (type == WG_TYPE_FLOAT) return wg_value_float((double)x / 8);
    if (type == WG_TYPE_LOCAL_TIME) v.as.i = (int64_t)(x * 1000003);
    if (type == WG_TYPE_LOCAL_DATETIME) v.size = 5000;
    if (type != WG_TYPE_STRING && type != WG_TYPE_BYTES) return v;
    const int n = snprintf(t->text, sizeof t->text, "%s %llu", x % 9 == 0 ? "" : "the text of a row that is number",
                           (unsigned long long)(x % 500));
    v = wg_value_str(wg_slice_of(t->text, x % 11 == 0 ? 0 : (size_t)n));
    v.type = (uint8_t)type;
    return v;
}

/* Null for a third; of ANY columns each value has its own type. */
static inline wg_value cell_of(uint64_t row, uint32_t column, uint64_t version, cell_text *t) {
    const uint64_t x = row * 31 + column * 7 + version * 13;
    const wg_type type = column_types[column];
    if (x % 3 == 0) return wg_value_null();
    if (type == WG_TYPE_ANY)
        return scalar_of(x, x % 4 == 0 ? WG_TYPE_STRING : x % 4 == 1 ? WG_TYPE_INT : WG_TYPE_FLOAT, t);
    if (type != WG_TYPE_LIST) return scalar_of(x, type, t);
    t->items[0] = scalar_of(x, WG_TYPE_STRING, t);
    t->items[1] = scalar_of(x, WG_TYPE_INT, t);
    wg_value v = {.type = WG_TYPE_LIST, .size = 2};
    v.as.list = t->items;
    return v;
}

/* ---- comparing */

static inline wg_code put_value(wg_buf *out, const wg_value *v, wg_error *err) {
    return wg_value_encode(out, v) ? WG_OK : wg_error_nomem(err, v->size);
}

static inline wg_code put_rows(const wg_batch *batch, wg_buf *out, wg_error *err) {
    for (uint32_t i = 0; i < batch->row_count; i++)
        for (uint32_t c = 0; c < batch->column_count; c++) {
            wg_value v = wg_vector_value(&batch->columns[c], wg_batch_row(batch, i));
            if (v.type == WG_TYPE_NODE || v.type == WG_TYPE_EDGE) v = wg_value_int((int64_t)v.as.id);
            WG_TRY(put_value(out, &v, err));
        }
    return WG_OK;
}

/* Everything that a view sees, by scan, in windows of odd size: ids, columns by their type and as ANY, end points. */
static inline wg_code dump_scan(const wg_table *table, wg_view view, uint32_t step, wg_buf *out, wg_error *err) {
    uint32_t columns[2 * COLUMNS_MAX + 3];
    wg_type types[2 * COLUMNS_MAX + 3];
    wg_vector vectors[2 * COLUMNS_MAX + 4];
    uint32_t n = 0;
    for (uint32_t c = 0; c < wg_table_column_count(table); c++)
        for (uint32_t k = 0; k < 2; k++) {
            columns[n] = c;
            types[n++] = k == 0 ? wg_table_column_type(table, c) : WG_TYPE_ANY;
        }
    columns[n] = UINT32_MAX;
    types[n++] = WG_TYPE_STRING;
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_table_scratch *scratch = NULL;
    WG_TRY(wg_table_scratch_create(n, &account, &scratch, err));
    wg_code code = WG_OK;
    for (uint64_t row = 0; code == WG_OK;) {
        wg_batch batch;
        uint32_t rows = 0;
        code = wg_table_read(table, view, row, step, columns, types, n, scratch, vectors, &batch, &rows, err);
        if (code != WG_OK || rows == 0) break;
        assert_true(rows <= step);
        code = put_rows(&batch, out, err);
        row += rows;
    }
    wg_table_scratch_destroy(scratch);
    return code;
}

static inline wg_code dump_ends(const wg_table *table, wg_view view, wg_buf *out, wg_error *err) {
    const uint32_t columns[2] = {WG_TABLE_FROM, WG_TABLE_TO};
    const wg_type types[2] = {WG_TYPE_NODE, WG_TYPE_NODE};
    wg_vector vectors[3];
    wg_table_scratch *scratch = NULL;
    WG_TRY(wg_table_scratch_create(2, NULL, &scratch, err));
    wg_code code = WG_OK;
    for (uint64_t row = 0; code == WG_OK;) {
        wg_batch batch;
        uint32_t rows = 0;
        code = wg_table_read(table, view, row, WG_BATCH_ROWS_MAX, columns, types, 2, scratch, vectors, &batch, &rows,
                             err);
        if (code != WG_OK || rows == 0) break;
        code = put_rows(&batch, out, err);
        row += rows;
    }
    wg_table_scratch_destroy(scratch);
    return code;
}

/* Every row that exists, by itself: head, end and cells. A row that was rolled back is as good as none. */
static inline wg_code dump_rows(const wg_table *table, uint64_t step, wg_arena *arena, wg_buf *out, wg_error *err) {
    for (uint64_t row = 0; row < wg_table_row_count(table); row += step) {
        wg_row_head head;
        uint64_t end = 0;
        bool found = false;
        WG_TRY(wg_table_head(table, row, &head, &end, &found, err));
        if (!found || head.begin == WG_LOGSEQ_NEVER) continue;
        const uint64_t words[] = {row, head.id, head.begin, end, head.prev, head.from, head.to};
        if (!wg_buf_append(out, words, sizeof words)) return wg_error_nomem(err, sizeof words);
        for (uint32_t c = 0; c < wg_table_column_count(table); c++) {
            wg_value v;
            WG_TRY(wg_table_cell(table, row, c, arena, &v, err));
            WG_TRY(put_value(out, &v, err));
        }
        wg_arena_reset(arena);
    }
    return WG_OK;
}

static inline void assert_same_bytes(const wg_buf *a, const wg_buf *b, const char *what) {
    if (a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0)) return;
    size_t at = 0;
    while (at < a->size && at < b->size && a->data[at] == b->data[at]) at++;
    fail_msg("%s differ: %zu and %zu bytes, first at %zu", what, a->size, b->size, at);
}

typedef struct pair {
    wg_table *heap;   /* never stored */
    wg_table *stored; /* the one under test */
    bool is_edge;
    store *s;
} pair;

static inline void assert_same_view(const pair *p, wg_view view, uint32_t step) {
    wg_buf a;
    wg_buf b;
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    STORE_OK(dump_scan(p->heap, view, step, &a, err));
    STORE_OK(dump_scan(p->stored, view, step, &b, err));
    assert_same_bytes(&a, &b, "scans");
    if (p->is_edge) {
        STORE_OK(dump_ends(p->heap, view, &a, err));
        STORE_OK(dump_ends(p->stored, view, &b, err));
        assert_same_bytes(&a, &b, "end points");
    }
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
}

static inline void assert_same_rows(const pair *p, uint64_t step) {
    wg_buf a;
    wg_buf b;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_buf_init(&a, NULL);
    wg_buf_init(&b, NULL);
    STORE_OK(dump_rows(p->heap, step, &arena, &a, err));
    STORE_OK(dump_rows(p->stored, step, &arena, &b, err));
    assert_same_bytes(&a, &b, "rows");
    wg_buf_deinit(&a);
    wg_buf_deinit(&b);
    wg_arena_deinit(&arena);
}

static inline void assert_same(const pair *p, uint64_t logseq) {
    const uint32_t slot = wg_epoch_enter(p->s->epoch);
    assert_same_view(p, (wg_view){logseq, 0}, WG_BATCH_ROWS_MAX);
    assert_same_view(p, (wg_view){logseq / 2, 0}, 777);
    assert_same_view(p, (wg_view){logseq - 1, logseq}, 1999);
    assert_same_view(p, (wg_view){1, 0}, WG_BATCH_ROWS_MAX);
    assert_same_rows(p, 3);
    wg_epoch_leave(p->s->epoch, slot);
}

/* ---- changing both */

static inline void pair_open(pair *p, store *s, bool is_edge) {
    *p = (pair){.is_edge = is_edge, .s = s};
    STORE_OK(wg_table_create(is_edge, s->epoch, &s->account, &p->heap, err));
    STORE_OK(wg_table_create(is_edge, s->epoch, &s->account, &p->stored, err));
}

static inline void pair_close(pair *p) {
    wg_table_destroy(p->heap);
    wg_table_destroy(p->stored);
}

static inline void pair_column(const pair *p) {
    const uint32_t count = wg_table_column_count(p->heap);
    uint32_t column = 0;
    STORE_OK(wg_table_add_column(p->heap, 50 + count, column_types[count], &column, err));
    STORE_OK(wg_table_add_column(p->stored, 50 + count, column_types[count], &column, err));
}

static inline wg_code append_one(wg_table *table, const wg_row_head *head, uint64_t version, uint64_t *out_row,
                                 wg_error *err) {
    cell_text text[COLUMNS_MAX];
    wg_value cells[COLUMNS_MAX];
    const uint32_t count = wg_table_column_count(table);
    for (uint32_t c = 0; c < count; c++) cells[c] = cell_of(head->id, c, version, &text[c]);
    return wg_table_append(table, head, cells, out_row, err);
}

static inline uint64_t pair_append(const pair *p, const wg_row_head *head, uint64_t version) {
    uint64_t a = 0;
    uint64_t b = 0;
    STORE_OK(append_one(p->heap, head, version, &a, err));
    STORE_OK(append_one(p->stored, head, version, &b, err));
    assert_int_equal(a, b);
    return a;
}

static inline void pair_end(const pair *p, uint64_t row, uint64_t end, uint64_t stamp) {
    STORE_OK(wg_table_set_end(p->heap, row, end, stamp, err));
    STORE_OK(wg_table_set_end(p->stored, row, end, stamp, err));
}

static inline void pair_roll_back(const pair *p, uint64_t row) {
    wg_table_unbegin(p->heap, row, 1);
    wg_table_unbegin(p->stored, row, 1);
}

static inline wg_row_head head_at(const pair *p, uint64_t id, uint64_t begin, bool wide) {
    wg_row_head head = {.id = id, .begin = begin, .prev = WG_ROW_NONE};
    if (p->is_edge) {
        head.from = id * 3;
        head.to = wide ? id + (UINT64_C(1) << 41) : id / 2;
    }
    return head;
}

/* Appends `count` rows of one commit; every `every`th is rolled back (0: none). */
static inline void pair_fill(const pair *p, uint64_t count, uint64_t logseq, uint64_t every) {
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t id = wg_table_row_count(p->heap);
        const wg_row_head head = head_at(p, id, logseq, id % 7000 == 6999);
        const uint64_t row = pair_append(p, &head, logseq);
        if (every != 0 && i % every == every - 1) pair_roll_back(p, row);
    }
}

static inline void pair_store(const pair *p, uint64_t since, uint64_t until, uint64_t row_count) {
    const wg_store_pass pass = store_begin(p->s, since, until, row_count);
    const uint32_t slot = wg_epoch_enter(p->s->epoch);
    STORE_OK(wg_table_store(p->stored, &pass, err));
    wg_epoch_leave(p->s->epoch, slot);
    STORE_OK(store_commit(p->s, err));
}

/* A checkpoint with nothing going on beside it. */
static inline void pair_checkpoint(const pair *p, uint64_t since, uint64_t until) {
    const uint64_t rows = wg_table_row_count(p->stored);
    pair_store(p, since, until, rows);
    STORE_OK(store_adopt_table(p->s, p->stored, until, rows, err));
}

/* A third table, opened from what is stored. */
static inline void pair_reopen(const pair *p, uint64_t logseq, pair *out) {
    *out = (pair){.heap = p->heap, .is_edge = p->is_edge, .s = p->s};
    STORE_OK(wg_table_create(p->is_edge, p->s->epoch, &p->s->account, &out->stored, err));
    for (uint32_t c = 0; c < wg_table_column_count(p->heap); c++) {
        uint32_t column = 0;
        STORE_OK(wg_table_add_column(out->stored, 50 + c, column_types[c], &column, err));
    }
    STORE_OK(store_adopt_table(p->s, out->stored, logseq, wg_table_row_count(p->heap), err));
    assert_int_equal(wg_table_row_count(out->stored), wg_table_row_count(p->heap));
}

#endif
