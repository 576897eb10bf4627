/* Tests of stored rows. The model is a second table that never leaves the heap: whatever is stored, adopted, ended, taken back or
 * appended, both must give the same rows at every snapshot. */
#include "worldgraph/nodes/test_store.h"

#include <pthread.h>
#include <stdio.h>

enum { COLUMNS_MAX = 10 };
static const wg_type column_types[COLUMNS_MAX] = {
    WG_TYPE_INT, WG_TYPE_STRING, WG_TYPE_BOOL,           WG_TYPE_FLOAT, WG_TYPE_DATE,
    WG_TYPE_ANY, WG_TYPE_BYTES,  WG_TYPE_LOCAL_DATETIME, WG_TYPE_LIST,  WG_TYPE_LOCAL_TIME};

/* ---- values that are a function of row and column */

typedef struct cell_text {
    char text[80];
    wg_value items[2];
} cell_text;

static wg_value scalar_of(uint64_t x, wg_type type, cell_text *t) {
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
static wg_value cell_of(uint64_t row, uint32_t column, uint64_t version, cell_text *t) {
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

static void put_value(wg_buf *out, const wg_value *v) {
    if (!wg_value_encode(out, v)) fail_msg("a value cannot be encoded");
}

static void put_rows(const wg_table *table, const wg_batch *batch, wg_buf *out) {
    for (uint32_t i = 0; i < batch->row_count; i++)
        for (uint32_t c = 0; c < batch->column_count; c++) {
            wg_value v = wg_vector_value(&batch->columns[c], wg_batch_row(batch, i));
            if (v.type == WG_TYPE_NODE || v.type == WG_TYPE_EDGE) v = wg_value_int((int64_t)v.as.id);
            put_value(out, &v);
        }
    (void)table;
}

/* Everything that a view sees, by scan, in windows of odd size: ids, columns by their type and as ANY, end points. */
static wg_code dump_scan(const wg_table *table, wg_view view, uint32_t step, wg_buf *out, wg_error *err) {
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
        put_rows(table, &batch, out);
        row += rows;
    }
    wg_table_scratch_destroy(scratch);
    return code;
}

static wg_code dump_ends(const wg_table *table, wg_view view, wg_buf *out, wg_error *err) {
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
        put_rows(table, &batch, out);
        row += rows;
    }
    wg_table_scratch_destroy(scratch);
    return code;
}

/* Every row that exists, by itself: head, end and cells. A row that was rolled back is as good as none. */
static wg_code dump_rows(const wg_table *table, uint64_t step, wg_arena *arena, wg_buf *out, wg_error *err) {
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
            put_value(out, &v);
        }
        wg_arena_reset(arena);
    }
    return WG_OK;
}

static void assert_same_bytes(const wg_buf *a, const wg_buf *b, const char *what) {
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

static void assert_same_view(const pair *p, wg_view view, uint32_t step) {
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

static void assert_same_rows(const pair *p, uint64_t step) {
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

static void assert_same(const pair *p, uint64_t logseq) {
    const uint32_t slot = wg_epoch_enter(p->s->epoch);
    assert_same_view(p, (wg_view){logseq, 0}, WG_BATCH_ROWS_MAX);
    assert_same_view(p, (wg_view){logseq / 2, 0}, 777);
    assert_same_view(p, (wg_view){logseq - 1, logseq}, 1999);
    assert_same_view(p, (wg_view){1, 0}, WG_BATCH_ROWS_MAX);
    assert_same_rows(p, 3);
    wg_epoch_leave(p->s->epoch, slot);
}

/* ---- changing both */

static void pair_open(pair *p, store *s, bool is_edge) {
    *p = (pair){.is_edge = is_edge, .s = s};
    STORE_OK(wg_table_create(is_edge, s->epoch, &s->account, &p->heap, err));
    STORE_OK(wg_table_create(is_edge, s->epoch, &s->account, &p->stored, err));
}

static void pair_close(pair *p) {
    wg_table_destroy(p->heap);
    wg_table_destroy(p->stored);
}

static void pair_column(const pair *p) {
    const uint32_t count = wg_table_column_count(p->heap);
    uint32_t column = 0;
    STORE_OK(wg_table_add_column(p->heap, 50 + count, column_types[count], &column, err));
    STORE_OK(wg_table_add_column(p->stored, 50 + count, column_types[count], &column, err));
}

static wg_code append_one(wg_table *table, const wg_row_head *head, uint64_t version, uint64_t *out_row,
                          wg_error *err) {
    cell_text text[COLUMNS_MAX];
    wg_value cells[COLUMNS_MAX];
    const uint32_t count = wg_table_column_count(table);
    for (uint32_t c = 0; c < count; c++) cells[c] = cell_of(head->id, c, version, &text[c]);
    return wg_table_append(table, head, cells, out_row, err);
}

static uint64_t pair_append(const pair *p, const wg_row_head *head, uint64_t version) {
    uint64_t a = 0;
    uint64_t b = 0;
    STORE_OK(append_one(p->heap, head, version, &a, err));
    STORE_OK(append_one(p->stored, head, version, &b, err));
    assert_int_equal(a, b);
    return a;
}

static void pair_end(const pair *p, uint64_t row, uint64_t end, uint64_t stamp) {
    STORE_OK(wg_table_set_end(p->heap, row, end, stamp, err));
    STORE_OK(wg_table_set_end(p->stored, row, end, stamp, err));
}

static void pair_roll_back(const pair *p, uint64_t row) {
    wg_table_set_begin(p->heap, row, WG_LOGSEQ_NEVER);
    wg_table_set_begin(p->stored, row, WG_LOGSEQ_NEVER);
}

static wg_row_head head_at(const pair *p, uint64_t id, uint64_t begin, bool wide) {
    wg_row_head head = {.id = id, .begin = begin, .prev = WG_ROW_NONE};
    if (p->is_edge) {
        head.from = id * 3;
        head.to = wide ? id + (UINT64_C(1) << 41) : id / 2;
    }
    return head;
}

/* Appends `count` rows of one commit; every `every`th is rolled back (0: none). */
static void pair_fill(const pair *p, uint64_t count, uint64_t logseq, uint64_t every) {
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t id = wg_table_row_count(p->heap);
        const wg_row_head head = head_at(p, id, logseq, id % 7000 == 6999);
        const uint64_t row = pair_append(p, &head, logseq);
        if (every != 0 && i % every == every - 1) pair_roll_back(p, row);
    }
}

static void pair_store(const pair *p, uint64_t since, uint64_t until, uint64_t row_count) {
    const wg_store_pass pass = store_begin(p->s, since, until, row_count);
    const uint32_t slot = wg_epoch_enter(p->s->epoch);
    STORE_OK(wg_table_store(p->stored, &pass, err));
    wg_epoch_leave(p->s->epoch, slot);
    STORE_OK(store_commit(p->s, err));
}

/* A checkpoint with nothing going on beside it. */
static void pair_checkpoint(const pair *p, uint64_t since, uint64_t until) {
    const uint64_t rows = wg_table_row_count(p->stored);
    pair_store(p, since, until, rows);
    STORE_OK(store_adopt_table(p->s, p->stored, until, rows, err));
}

/* A third table, opened from what is stored, must be as the second. */
static void assert_reopens(const pair *p, uint64_t logseq) {
    pair again = {.heap = p->heap, .is_edge = p->is_edge, .s = p->s};
    STORE_OK(wg_table_create(p->is_edge, p->s->epoch, &p->s->account, &again.stored, err));
    for (uint32_t c = 0; c < wg_table_column_count(p->heap); c++) {
        uint32_t column = 0;
        STORE_OK(wg_table_add_column(again.stored, 50 + c, column_types[c], &column, err));
    }
    STORE_OK(store_adopt_table(p->s, again.stored, logseq, wg_table_row_count(p->heap), err));
    assert_int_equal(wg_table_row_count(again.stored), wg_table_row_count(p->heap));
    assert_same(&again, logseq);
    wg_table_destroy(again.stored);
}

/* ---- tests */

/* Goal: rows of every type, with nulls, history, rolled-back rows, wide end points and columns that came later are the same
 * after they were stored and are read from the mapping, and in a table that is opened from there. */
static void test_stored_rows_equal_rows_in_the_heap(void **state) {
    (void)state;
    for (uint32_t variant = 0; variant < 6; variant++) {
        store s;
        pair p;
        store_open(&s);
        s.zstd = variant == 1;
        s.capacity = variant == 2 ? 200000 : 0;
        pair_open(&p, &s, variant % 2 == 1);
        const uint64_t every = variant < 3 ? 0 : variant == 3 ? 5 : 97;
        uint64_t logseq = 1;
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) {
            pair_column(&p);
            pair_fill(&p, 4001, logseq++, every);
        }
        for (uint64_t row = 3; variant != 0 && row < 40000; row += 41) pair_end(&p, row, logseq, logseq);
        pair_checkpoint(&p, 0, logseq);
        assert_same(&p, logseq);
        assert_reopens(&p, logseq);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: after a checkpoint, a second one with nothing new writes nothing; one with new ends writes them alone. */
static void test_a_checkpoint_writes_what_changed(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    pair_fill(&p, 2 * WG_FRAGMENT_ROWS + 100, 1, 0);
    pair_checkpoint(&p, 0, 1);
    const uint32_t first = s.stripe_count;
    assert_true(first > 0);
    pair_checkpoint(&p, 1, 2);
    assert_int_equal(s.stripe_count, first);
    pair_end(&p, 5, 3, 3);
    pair_end(&p, WG_FRAGMENT_ROWS + 70, 3, 3);
    pair_end(&p, WG_FRAGMENT_ROWS + 70, WG_LOGSEQ_NEVER, 3);
    pair_end(&p, 2 * WG_FRAGMENT_ROWS + 7, 4, 4);
    pair_checkpoint(&p, 2, 4);
    assert_int_equal(s.stripe_count, first + 1);
    for (uint32_t i = 0; i < wg_stripe_fragment_count(s.stripes[first]); i++)
        assert_int_equal(wg_stripe_fragment(s.stripes[first], i)->head.key.part, 1);
    assert_same(&p, 4);
    assert_reopens(&p, 4);
    /* New rows in the tail: it is written whole, and its older ends no longer count. */
    pair_fill(&p, 50, 5, 0);
    pair_end(&p, 2 * WG_FRAGMENT_ROWS + 8, 5, 5);
    pair_checkpoint(&p, 4, 5);
    assert_int_equal(s.stripe_count, first + 2);
    assert_int_equal(wg_stripe_fragment_count(s.stripes[first + 1]), 1);
    assert_int_equal(wg_stripe_fragment(s.stripes[first + 1], 0)->head.key.part, 0);
    assert_int_equal(wg_stripe_fragment(s.stripes[first + 1], 0)->head.row_count, 150);
    assert_same(&p, 5);
    assert_reopens(&p, 5);
    pair_close(&p);
    store_close(&s);
}

/* Goal: what happens between the capture and the adoption is neither stored nor lost: an end, an append to the tail, a
 * rollback, in slots that are in the heap and in slots that are mapped. */
static void test_changes_beside_a_checkpoint_are_kept(void **state) {
    (void)state;
    for (uint32_t is_edge = 0; is_edge < 2; is_edge++) {
        store s;
        pair p;
        store_open(&s);
        pair_open(&p, &s, is_edge == 1);
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) pair_column(&p);
        pair_fill(&p, 2 * WG_FRAGMENT_ROWS + 500, 1, is_edge == 1 ? 13 : 0);
        uint64_t logseq = 1;
        for (uint32_t round = 0; round < 5; round++) {
            const uint64_t rows = wg_table_row_count(p.stored);
            pair_end(&p, 100 + round, logseq, logseq);
            /* captured here at `logseq` */
            pair_end(&p, 200 + round, logseq + 1, logseq + 1);
            if (round % 2 == 0) pair_fill(&p, 40, logseq + 1, 10);
            pair_end(&p, rows - 1, logseq + 1, logseq + 1);
            pair_store(&p, logseq - 1, logseq, rows);
            pair_end(&p, WG_FRAGMENT_ROWS + 300 + round, logseq + 1, logseq + 1);
            pair_end(&p, WG_FRAGMENT_ROWS + 400 + round, logseq + 1, logseq + 1);
            pair_end(&p, WG_FRAGMENT_ROWS + 400 + round, WG_LOGSEQ_NEVER, logseq + 1);
            STORE_OK(store_adopt_table(&s, p.stored, logseq, rows, err));
            logseq++;
            assert_same(&p, logseq);
        }
        pair_checkpoint(&p, logseq - 1, logseq);
        pair_checkpoint(&p, logseq, logseq + 1);
        assert_same(&p, logseq);
        assert_reopens(&p, logseq);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: a checkpoint that was written but never adopted (it failed later) changes nothing; the next one has it all. */
static void test_a_checkpoint_that_fails_is_made_up_for(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    pair_fill(&p, 20000, 1, 0);
    pair_end(&p, 17, 1, 1);
    const wg_store_pass pass = store_begin(&s, 0, 1, 20000);
    STORE_OK(wg_table_store(p.stored, &pass, err));
    wg_stripe_sink_abort(&s.sink);
    pair_end(&p, 18, 2, 2);
    pair_checkpoint(&p, 0, 2);
    assert_same(&p, 2);
    assert_reopens(&p, 2);
    pair_close(&p);
    store_close(&s);
}

/* Goal: seeded histories of appends, replacements, deletions, rollbacks, checkpoints and reopenings. */
static void test_random_histories_agree(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        store s;
        pair p;
        wg_rng rng;
        wg_rng_init(&rng, seed);
        store_open(&s);
        pair_open(&p, &s, seed % 2 == 0);
        pair_column(&p);
        uint64_t logseq = 0;
        uint64_t stored = 0;
        for (uint32_t step = 0; step < 120; step++) {
            logseq++;
            if (wg_rng_below(&rng, 12) == 0 && wg_table_column_count(p.heap) < COLUMNS_MAX) pair_column(&p);
            const bool undo = wg_rng_below(&rng, 6) == 0;
            const uint64_t old = wg_table_row_count(p.heap);
            pair_fill(&p, wg_rng_below(&rng, 900), logseq, undo ? 1 : 0);
            for (uint64_t n = wg_rng_below(&rng, 30); old > 0 && n > 0; n--) {
                const uint64_t row = wg_rng_below(&rng, old);
                wg_row_head head;
                uint64_t end = 0;
                bool found = false;
                STORE_OK(wg_table_head(p.heap, row, &head, &end, &found, err));
                if (head.begin == WG_LOGSEQ_NEVER || end != WG_LOGSEQ_NEVER) continue;
                pair_end(&p, row, logseq, logseq);
                if (undo) pair_end(&p, row, WG_LOGSEQ_NEVER, logseq);
                head.prev = WG_ROW_ADDRESS(3, row);
                head.begin = logseq;
                if (!undo) (void)pair_append(&p, &head, logseq);
            }
            if (undo) logseq--;
            if (wg_rng_below(&rng, 5) == 0 && logseq > stored) {
                pair_checkpoint(&p, stored, logseq);
                stored = logseq;
                if (step % 3 == 0) assert_reopens(&p, logseq);
            }
            if (step % 15 == 14) assert_same(&p, logseq);
        }
        pair_close(&p);
        store_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_rows_equal_rows_in_the_heap),
        cmocka_unit_test(test_a_checkpoint_writes_what_changed),
        cmocka_unit_test(test_changes_beside_a_checkpoint_are_kept),
        cmocka_unit_test(test_a_checkpoint_that_fails_is_made_up_for),
        cmocka_unit_test(test_random_histories_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
