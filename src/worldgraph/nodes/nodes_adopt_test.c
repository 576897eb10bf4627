/* Tests of stored rows that change under the table: compactions that drop rows, damage, hostile fragments, refused memory, and
 * readers in threads. */
#include "worldgraph/nodes/test_pair.h"

#include <pthread.h>

/* ---- compaction */

/* A table in the heap with the same rows as `p`, of which those that ended at or before the horizon are gone. */
static wg_table *compacted(const pair *p, uint64_t horizon) {
    wg_table *table = NULL;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    STORE_OK(wg_table_create(p->is_edge, p->s->epoch, &p->s->account, &table, err));
    for (uint32_t c = 0; c < wg_table_column_count(p->heap); c++) {
        uint32_t column = 0;
        STORE_OK(wg_table_add_column(table, 50 + c, column_types[c], &column, err));
    }
    for (uint64_t row = 0; row < wg_table_row_count(p->heap); row++) {
        wg_row_head head;
        wg_value cells[COLUMNS_MAX];
        uint64_t end = 0;
        uint64_t copy = 0;
        bool found = false;
        STORE_OK(wg_table_head(p->heap, row, &head, &end, &found, err));
        for (uint32_t c = 0; c < wg_table_column_count(p->heap); c++)
            STORE_OK(wg_table_cell(p->heap, row, c, &arena, &cells[c], err));
        STORE_OK(wg_table_append(table, &head, cells, &copy, err));
        if (end != WG_LOGSEQ_NEVER) STORE_OK(wg_table_set_end(table, copy, end, end, err));
        if (end <= horizon) wg_table_unbegin(table, copy, 1);
    }
    wg_arena_deinit(&arena);
    return table;
}

/* Writes what a compaction would of the rows as of `until`, and lets the model forget the same. */
static void pair_compact(const pair *p, uint64_t horizon, uint64_t until) {
    wg_table *table = compacted(p, horizon);
    const wg_store_pass pass = store_begin(p->s, 0, until, wg_table_row_count(table));
    STORE_OK(wg_table_store(table, &pass, err));
    STORE_OK(store_commit(p->s, err));
    wg_table_destroy(table);
    for (uint64_t row = 0; row < wg_table_row_count(p->heap); row++) {
        wg_row_head head;
        uint64_t end = 0;
        bool found = false;
        STORE_OK(wg_table_head(p->heap, row, &head, &end, &found, err));
        if (end <= horizon) wg_table_unbegin(p->heap, row, 1);
    }
}

static void assert_same_after(const pair *p, uint64_t logseq) {
    const uint32_t slot = wg_epoch_enter(p->s->epoch);
    assert_same_view(p, (wg_view){logseq, 0}, WG_BATCH_ROWS_MAX);
    assert_same_view(p, (wg_view){logseq, logseq + 1}, 511);
    assert_same_rows(p, 1);
    wg_epoch_leave(p->s->epoch, slot);
}

static void assert_reopens_after(const pair *p, uint64_t logseq) {
    pair again;
    pair_reopen(p, logseq, &again);
    assert_same_after(&again, logseq);
    wg_table_destroy(again.stored);
}

/* Goal: rows that a compaction dropped are gaps: what is left keeps its ordinals and its newer ends, which stand in a fragment
 * with other rows; ending, storing and appending go on, in nodes and in edges. */
static void test_a_compaction_leaves_gaps(void **state) {
    (void)state;
    for (uint32_t is_edge = 0; is_edge < 2; is_edge++) {
        store s;
        pair p;
        store_open(&s);
        pair_open(&p, &s, is_edge == 1);
        for (uint32_t c = 0; c < 6; c++) pair_column(&p);
        pair_fill(&p, WG_FRAGMENT_ROWS + 5000, 1, 0);
        for (uint64_t row = 0; row < WG_FRAGMENT_ROWS + 5000; row += row % 5000 < 2500 ? 1 : 3)
            pair_end(&p, row, 2, 2);
        pair_checkpoint(&p, 0, 2);
        for (uint64_t row = 2501; row < WG_FRAGMENT_ROWS + 5000; row += 30)
            if (row % 5000 > 2500) pair_end(&p, row, 3, 3);
        pair_checkpoint(&p, 2, 3);
        pair_compact(&p, 2, 2); /* of the rows alone: the ends of 3 stay in part 1 */
        STORE_OK(store_adopt_table(&s, p.stored, 3, wg_table_row_count(p.stored), err));
        assert_same_after(&p, 3);
        assert_reopens_after(&p, 3);
        wg_row_head head;
        uint64_t end = 0;
        bool found = true;
        STORE_OK(wg_table_head(p.stored, 7, &head, &end, &found, err));
        assert_false(found);
        wg_value v;
        STORE_OK(wg_table_cell(p.stored, 7, 0, NULL, &v, err));
        assert_int_equal(v.type, WG_TYPE_NULL);
        for (uint64_t row = 2502; row < WG_FRAGMENT_ROWS + 5000; row += 600)
            if (row % 5000 > 2500) pair_end(&p, row, 4, 4);
        assert_same_after(&p, 4);
        pair_checkpoint(&p, 3, 4);
        assert_same_after(&p, 4);
        assert_reopens_after(&p, 4);
        pair_fill(&p, 700, 5, 3); /* the tail comes back to the heap, with gaps */
        assert_same_after(&p, 5);
        pair_checkpoint(&p, 4, 5);
        assert_same_after(&p, 5);
        assert_reopens_after(&p, 5);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: a slot whose rows are all gone is empty, whether it was mapped or in the heap; one that got rows since stays, and is
 * written whole next time; what is appended behind an empty tail comes behind gaps. */
static void test_empty_slots_have_no_rows(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, true);
    pair_column(&p);
    pair_fill(&p, 2 * WG_FRAGMENT_ROWS + 1000, 1, 0);
    pair_checkpoint(&p, 0, 1);
    for (uint64_t row = 0; row < wg_table_row_count(p.heap); row++) wg_table_unbegin(p.heap, row, 1);
    STORE_OK(wg_table_adopt_empty(p.stored, 0, 1, err));
    STORE_OK(wg_table_adopt_empty(p.stored, 0, 1, err));
    STORE_OK(wg_table_adopt_empty(p.stored, 1, 1, err));
    STORE_OK(wg_table_adopt_empty(p.stored, UINT64_C(1) << 40, 1, err));
    STORE_OK(wg_table_adopt_empty(p.stored, 2, 1, err));
    assert_same_after(&p, 1);
    wg_error refused = {0};
    assert_int_equal(wg_table_set_end(p.stored, 3, 2, 2, &refused), WG_E_CORRUPT);
    pair_fill(&p, 10, 2, 0);
    assert_same_after(&p, 2);
    STORE_OK(wg_table_adopt_empty(p.stored, 2, 1, err)); /* stays */
    assert_same_after(&p, 2);
    pair_store(&p, 1, 2, wg_table_row_count(p.stored));
    const wg_fragment *tail = store_find(&s, WG_KIND_ROWS, 2, 0);
    STORE_OK(wg_table_adopt(p.stored, tail, NULL, 2, err));
    assert_int_equal(tail->head.row_count, 10);
    assert_int_equal(tail->head.attributes[0], 1010);
    assert_same_after(&p, 2);
    pair_close(&p);
    store_close(&s);
}

/* Goal: zones of mapped columns bound the values that are there; heap rows and columns that are not stored have none; reading
 * ahead is harmless for every kind of slot. */
static void test_zones_bound_stored_values(void **state) {
    (void)state;
    store s;
    pair p;
    wg_value min;
    wg_value max;
    bool has_null = false;
    store_open(&s);
    pair_open(&p, &s, true);
    pair_column(&p);
    pair_column(&p);
    pair_fill(&p, 9000, 1, 0);
    const uint32_t columns[4] = {0, UINT32_MAX, WG_TABLE_FROM, WG_TABLE_TO};
    uint32_t many[100] = {0};
    wg_table_prefetch(p.stored, 5, columns, 4);
    assert_false(wg_table_zone(p.stored, 5, 0, &min, &max, &has_null));
    pair_checkpoint(&p, 0, 1);
    pair_column(&p);
    assert_true(wg_table_zone(p.stored, 5, 0, &min, &max, &has_null));
    assert_true(has_null);
    for (uint64_t row = 0; row < 9000; row++) {
        wg_value v;
        STORE_OK(wg_table_cell(p.stored, row, 0, NULL, &v, err));
        if (v.type != WG_TYPE_NULL) assert_true(v.as.i >= min.as.i && v.as.i <= max.as.i);
    }
    assert_false(wg_table_zone(p.stored, 5, 2, &min, &max, &has_null));
    assert_false(wg_table_zone(p.stored, 5 * WG_FRAGMENT_ROWS, 0, &min, &max, &has_null));
    wg_table_prefetch(p.stored, 5, columns, 4);
    wg_table_prefetch(p.stored, 5, many, 100);
    wg_table_prefetch(p.stored, 5 * WG_FRAGMENT_ROWS, many, 1);
    pair_end(&p, 5, 2, 2);
    pair_checkpoint(&p, 1, 2);
    wg_table_prefetch(p.stored, 5, columns, 4);
    pair_close(&p);
    store_close(&s);
}

/* Goal: row numbers that come from damaged or foreign bytes are errors. */
static void test_rows_that_do_not_exist_are_refused(void **state) {
    (void)state;
    store s;
    pair p;
    wg_row_head head;
    wg_value v;
    bool found = false;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    pair_fill(&p, 10, 1, 0);
    assert_int_equal(wg_table_head(p.stored, 10, &head, NULL, &found, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_table_cell(p.stored, 10, 0, NULL, &v, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_table_adopt_count(p.stored, UINT64_MAX, NULL), WG_E_CORRUPT);
    const wg_fragment far = {.head = {.key = {.kind = WG_KIND_ROWS, .slot = UINT64_C(1) << 33}}};
    assert_int_equal(wg_table_adopt(p.stored, &far, NULL, 1, NULL), WG_E_CORRUPT);
    pair_close(&p);
    store_close(&s);
}

/* ---- hostile fragments: whole by their checksums, but not what a table wrote */

typedef struct hostile {
    const char *what;
    uint64_t rows[4];
    uint32_t id_type; /* 0: no ids */
    bool has_begin;
    bool has_to;
    bool wrong_column;
    bool sparse;
    bool adopts; /* refused only when rows are read */
} hostile;

static const hostile hostiles[] = {
    {"no ids", {0}, 0, true, true, false, false, false},
    {"no begins", {0}, WG_TYPE_NODE, false, true, false, false, false},
    {"no end points", {0}, WG_TYPE_NODE, true, false, false, false, false},
    {"ids of another type", {0}, WG_TYPE_INT, true, true, false, false, false},
    {"an ordinal outside of the slot", {1, 2, 3, 20000}, WG_TYPE_NODE, true, true, false, true, false},
    {"ordinals that fall", {9, 7, 5, 3}, WG_TYPE_NODE, true, true, false, true, true},
    {"ordinals twice", {3, 3, 3, 3}, WG_TYPE_NODE, true, true, false, true, true},
    {"a column of another type", {0}, WG_TYPE_NODE, true, true, true, false, true},
};

static void hostile_write(store *s, const hostile *h) {
    const uint64_t ids[4] = {5, 6, 7, 8};
    const uint64_t begins[4] = {1, 1, 1, 1};
    const uint64_t ends[4] = {2, 2, WG_LOGSEQ_NEVER, 2};
    const double floats[4] = {1, 2, 3, 4};
    wg_stripe_column columns[7];
    uint32_t n = 0;
    wg_vector v = {.type = WG_TYPE_FLOAT, .kind = WG_VECTOR_FLAT, .data = floats};
    if (h->wrong_column) columns[n++] = (wg_stripe_column){.id = 0, .vector = v};
    v.type = WG_TYPE_NODE;
    v.data = h->rows;
    if (h->sparse) columns[n++] = (wg_stripe_column){.id = WG_COLUMN_ROW, .vector = v};
    v.data = ids;
    if (h->id_type != 0) columns[n++] = (wg_stripe_column){.id = WG_COLUMN_ID, .vector = v};
    if (h->id_type != 0) columns[n - 1].vector.type = (wg_type)h->id_type;
    v.data = begins;
    if (h->has_begin) columns[n++] = (wg_stripe_column){.id = WG_COLUMN_BEGIN, .vector = v};
    v.data = ends;
    columns[n++] = (wg_stripe_column){.id = WG_COLUMN_END, .vector = v};
    v.data = ids;
    columns[n++] = (wg_stripe_column){.id = WG_COLUMN_FROM, .vector = v};
    if (h->has_to) columns[n++] = (wg_stripe_column){.id = WG_COLUMN_TO, .vector = v};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .owner = 3}, .version = 2, .row_count = 4};
    (void)store_begin(s, 0, 2, 4);
    STORE_OK(wg_stripe_sink_add(&s->sink, &head, columns, n, err));
    STORE_OK(store_commit(s, err));
}

/* Goal: each is refused as corrupt, at adoption or by every way to read it. */
static void test_hostile_fragments_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostiles / sizeof hostiles[0]; i++) {
        const hostile *h = &hostiles[i];
        store s;
        pair p;
        wg_buf out;
        wg_buf_init(&out, NULL);
        store_open(&s);
        pair_open(&p, &s, true);
        pair_column(&p);
        hostile_write(&s, h);
        const wg_code code = wg_table_adopt(p.stored, wg_stripe_fragment(s.stripes[0], 0), NULL, 2, NULL);
        assert_int_equal(code, h->adopts ? WG_OK : WG_E_CORRUPT);
        if (h->adopts) {
            STORE_OK(wg_table_adopt_count(p.stored, 12, err));
            const wg_row_head head = {.id = 77, .begin = 3, .prev = WG_ROW_NONE};
            uint64_t row = 0;
            assert_int_equal(dump_scan(p.stored, (wg_view){2, 0}, 2048, &out, NULL), WG_E_CORRUPT);
            assert_int_equal(append_one(p.stored, &head, 1, &row, NULL), WG_E_CORRUPT);
            if (h->sparse) assert_int_equal(wg_table_set_end(p.stored, 3, 4, 4, NULL), WG_E_CORRUPT);
        }
        wg_buf_deinit(&out);
        pair_close(&p);
        store_close(&s);
    }
}

/* ---- fragments whose footers say what cannot be */

typedef enum twist {
    TWIST_NONE,
    TWIST_ROWS,
    TWIST_NULLS,
    TWIST_TYPE,
    TWIST_BOUNDS,
    TWIST_ORDINAL,
    TWIST_COVERED,
    TWIST_NO_FROM,
    TWIST_NO_TO,
    TWIST_ENDS,
    TWIST_COUNT
} twist;

/* Goal: each twist of a good footer is refused before any byte is read; the good one is not. */
static void test_footers_are_checked(void **state) {
    (void)state;
    for (uint32_t twisted = 0; twisted < TWIST_COUNT; twisted++) {
        store s;
        pair p;
        wg_fragment_column columns[6];
        static const uint32_t ids[6] = {WG_COLUMN_ROW,  WG_COLUMN_ID,   WG_COLUMN_BEGIN,
                                        WG_COLUMN_PREV, WG_COLUMN_FROM, WG_COLUMN_TO};
        for (uint32_t i = 0; i < 6; i++) {
            columns[i] = (wg_fragment_column){.id = ids[i], .type = WG_TYPE_NODE, .has_zone = true};
            columns[i].max.as.id = 50;
        }
        wg_fragment_column end = columns[1];
        end.id = WG_COLUMN_END;
        wg_fragment rows = {.head = {.key = {.kind = WG_KIND_ROWS, .owner = 3}, .version = 1, .row_count = 4},
                            .column_count = 6,
                            .columns = columns};
        wg_fragment ends = {
            .head = {.key = {.kind = WG_KIND_ROWS, .owner = 3, .part = 1}, .version = 2, .row_count = 4},
            .column_count = 1,
            .columns = &end};
        if (twisted == TWIST_ROWS) rows.head.row_count = WG_FRAGMENT_ROWS + 1;
        if (twisted == TWIST_NULLS) columns[1].null_count = 1;
        if (twisted == TWIST_TYPE) columns[3].type = WG_TYPE_INT;
        if (twisted == TWIST_BOUNDS) columns[2].has_zone = false;
        if (twisted == TWIST_ORDINAL) columns[0].max.as.id = WG_FRAGMENT_ROWS;
        if (twisted == TWIST_COVERED) rows.head.attributes[0] = WG_FRAGMENT_ROWS + 1;
        if (twisted == TWIST_NO_FROM) columns[4].id = WG_COLUMN_PAYLOAD;
        if (twisted == TWIST_NO_TO) rows.column_count = 5;
        if (twisted == TWIST_ENDS) end.type = WG_TYPE_INT;
        store_open(&s);
        pair_open(&p, &s, true);
        const wg_code code = wg_table_adopt(p.stored, &rows, &ends, 2, NULL);
        assert_int_equal(code, twisted == TWIST_NONE ? WG_OK : WG_E_CORRUPT);
        assert_int_equal(wg_table_row_count(p.stored), twisted == TWIST_NONE ? 51 : 0);
        pair_close(&p);
        store_close(&s);
    }
}

/* Goal: a slot that a compaction left without rows but not without a fragment reads as empty and takes new rows. */
static void test_a_fragment_without_rows_is_an_empty_slot(void **state) {
    (void)state;
    store s;
    pair p;
    store_open(&s);
    pair_open(&p, &s, false);
    pair_column(&p);
    const wg_vector none = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = &none};
    const wg_stripe_column columns[3] = {{.id = WG_COLUMN_ROW, .vector = none},
                                         {.id = WG_COLUMN_ID, .vector = none},
                                         {.id = WG_COLUMN_BEGIN, .vector = none}};
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .owner = 3}, .version = 1, .attributes = {90}};
    (void)store_begin(&s, 0, 1, 90);
    STORE_OK(wg_stripe_sink_add(&s.sink, &head, columns, 3, err));
    STORE_OK(store_commit(&s, err));
    pair_fill(&p, 90, 1, 1); /* the model: rolled back */
    wg_table_destroy(p.stored);
    STORE_OK(wg_table_create(false, s.epoch, &s.account, &p.stored, err));
    uint32_t column = 0;
    STORE_OK(wg_table_add_column(p.stored, 50, column_types[0], &column, err));
    STORE_OK(wg_table_adopt(p.stored, wg_stripe_fragment(s.stripes[0], 0), NULL, 1, err));
    assert_same_after(&p, 1);
    pair_end(&p, 7, 2, 2);
    const wg_store_pass ends = store_begin(&s, 1, 2, 90);
    STORE_OK(wg_table_store(p.stored, &ends, err)); /* nothing to write */
    STORE_OK(store_commit(&s, err));
    pair_fill(&p, 5, 3, 0);
    assert_same_after(&p, 3);
    pair_close(&p);
    store_close(&s);
}

/* Goal: a table ends where its slots end. */
static void test_a_full_table_refuses_rows(void **state) {
    (void)state;
    store s;
    pair p;
    uint64_t row = 0;
    store_open(&s);
    pair_open(&p, &s, false);
    STORE_OK(wg_table_adopt_count(p.stored, UINT64_C(1) << 38, err));
    const wg_row_head head = {.id = 1, .begin = 1, .prev = WG_ROW_NONE};
    assert_int_equal(wg_table_append(p.stored, &head, NULL, &row, NULL), WG_E_LIMIT);
    const wg_batch batch = {.row_count = 1};
    assert_int_equal(wg_table_append_batch(p.stored, 1, 1, &batch, NULL, NULL, NULL, &row, NULL), WG_E_LIMIT);
    pair_close(&p);
    store_close(&s);
}

/* ---- damage */

/* Edges whose heads are all over the place, so that every column has bytes of its own that can be damaged. */
static void damaged_fill(const pair *p) {
    wg_rng rng;
    wg_rng_init(&rng, 8);
    for (uint64_t i = 0; i < 700; i++) {
        const wg_row_head head = {.id = wg_rng_below(&rng, 1000000),
                                  .begin = 1 + wg_rng_below(&rng, 900),
                                  .prev = wg_rng_below(&rng, 2) == 0 ? WG_ROW_NONE : wg_rng_below(&rng, 5000),
                                  .from = wg_rng_next(&rng) >> 20,
                                  .to = wg_rng_next(&rng) >> 30};
        const uint64_t row = pair_append(p, &head, i % 9);
        if (wg_rng_below(&rng, 3) == 0) pair_end(p, row, 901 + wg_rng_below(&rng, 60), 960);
        if (wg_rng_below(&rng, 7) == 0) pair_roll_back(p, row);
    }
}

/* A fresh table over what is open now. */
static wg_code damaged_open(pair *p) {
    wg_table_destroy(p->stored);
    STORE_OK(wg_table_create(p->is_edge, p->s->epoch, &p->s->account, &p->stored, err));
    for (uint32_t c = 0; c < COLUMNS_MAX; c++) {
        uint32_t column = 0;
        STORE_OK(wg_table_add_column(p->stored, 50 + c, column_types[c], &column, err));
    }
    return wg_table_adopt(p->stored, wg_stripe_fragment(p->s->stripes[0], 0), NULL, 990, NULL);
}

static bool whole_or_corrupt(wg_code code) { return code == WG_OK || code == WG_E_CORRUPT; }

/* Every way to read gives what the model gives, or WG_E_CORRUPT; returns how many did the latter. */
static uint32_t damaged_read(pair *p, const wg_buf *want_rows, const wg_buf *want_scan) {
    const wg_row_head head = {.id = 600, .begin = 990, .prev = WG_ROW_NONE};
    const wg_view view = {500, 0};
    wg_buf rows;
    wg_buf scan;
    wg_arena arena;
    uint64_t row = 0;
    wg_buf_init(&rows, NULL);
    wg_buf_init(&scan, NULL);
    wg_arena_init(&arena, NULL);
    const wg_code codes[5] = {dump_rows(p->stored, 1, &arena, &rows, NULL),
                              dump_scan(p->stored, view, 600, &scan, NULL), dump_ends(p->stored, view, &scan, NULL),
                              wg_table_set_end(p->stored, 50, 980, 980, NULL),
                              append_one(p->stored, &head, 1, &row, NULL)};
    uint32_t refused = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_true(whole_or_corrupt(codes[i]));
        refused += codes[i] != WG_OK;
    }
    if (codes[0] == WG_OK) assert_same_bytes(want_rows, &rows, "rows");
    if (codes[1] == WG_OK && codes[2] == WG_OK) assert_same_bytes(want_scan, &scan, "scans");
    wg_buf_deinit(&rows);
    wg_buf_deinit(&scan);
    wg_arena_deinit(&arena);
    return refused;
}

/* Goal: with any byte of the stripe damaged, every row reads as it was or as WG_E_CORRUPT; so do ends and appends. */
static void test_damage_is_an_error_and_not_an_answer(void **state) {
    (void)state;
    store s;
    pair p;
    wg_buf rows;
    wg_buf scan;
    wg_arena arena;
    wg_buf_init(&rows, NULL);
    wg_buf_init(&scan, NULL);
    wg_arena_init(&arena, NULL);
    store_open(&s);
    pair_open(&p, &s, true);
    for (uint32_t c = 0; c < COLUMNS_MAX; c++) pair_column(&p);
    damaged_fill(&p);
    pair_store(&p, 0, 970, 700);
    STORE_OK(dump_rows(p.heap, 1, &arena, &rows, err));
    STORE_OK(dump_scan(p.heap, (wg_view){500, 0}, 600, &scan, err));
    STORE_OK(dump_ends(p.heap, (wg_view){500, 0}, &scan, err));
    const uint64_t bytes = wg_stripe_file_bytes(s.stripes[0]);
    wg_stripe_close(s.stripes[0]);
    s.stripe_count = 0;
    uint32_t refused = 0;
    for (uint64_t at = 0; at < bytes; at += 53) {
        if (store_damage(&s, 1, at) != WG_OK) continue;
        if (damaged_open(&p) == WG_OK) refused += damaged_read(&p, &rows, &scan);
        wg_table_destroy(p.stored);
        STORE_OK(wg_table_create(true, s.epoch, &s.account, &p.stored, err));
        wg_stripe_close(s.stripes[0]);
        s.stripe_count = 0;
        store_repair(&s, 1, at);
    }
    assert_true(refused > 100);
    wg_buf_deinit(&rows);
    wg_buf_deinit(&scan);
    wg_arena_deinit(&arena);
    pair_close(&p);
    store_close(&s);
}

/* ---- memory */

/* Storing, adopting, ending, scanning and appending to what is mapped; *done counts what the model must do too. */
static wg_code fallible_steps(const pair *p, uint64_t rows, uint32_t *done, wg_buf *out) {
    const wg_store_pass pass = store_begin(p->s, 0, 1, rows);
    uint64_t row = 0;
    wg_code code = wg_table_store(p->stored, &pass, NULL);
    if (code == WG_OK) code = store_commit(p->s, NULL);
    if (code != WG_OK) return code;
    WG_TRY(store_adopt_table(p->s, p->stored, 1, rows, NULL));
    WG_TRY(dump_scan(p->stored, (wg_view){1, 0}, 2048, out, NULL));
    WG_TRY(wg_table_set_end(p->stored, 4, 2, 2, NULL));
    *done = 1;
    const wg_store_pass ends = store_begin(p->s, 1, 2, rows);
    code = wg_table_store(p->stored, &ends, NULL);
    if (code == WG_OK) code = store_commit(p->s, NULL);
    if (code != WG_OK) return code;
    WG_TRY(store_adopt_table(p->s, p->stored, 2, rows, NULL));
    const wg_row_head head = head_at(p, rows, 3, true);
    WG_TRY(append_one(p->stored, &head, 3, &row, NULL));
    *done = 2;
    return WG_OK;
}

/* Goal: whichever allocation is refused, the table is as the model is after the steps that succeeded, and nothing leaks. */
static void test_refused_memory_leaves_the_table_whole(void **state) {
    (void)state;
    bool finished = false;
    for (uint64_t n = 1; !finished; n++) {
        store s;
        pair p;
        wg_buf out;
        uint64_t row = 0;
        uint32_t done = 0;
        wg_buf_init(&out, NULL);
        store_open(&s);
        pair_open(&p, &s, true);
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) pair_column(&p);
        pair_fill(&p, 90, 1, 8);
        wg_memory_fail_at(n, true);
        const wg_code code = fallible_steps(&p, 90, &done, &out);
        wg_memory_fail_at(0, false);
        finished = code == WG_OK;
        if (!finished) assert_int_equal(code, WG_E_NOMEM);
        if (done > 0) STORE_OK(wg_table_set_end(p.heap, 4, 2, 2, err));
        const wg_row_head head = head_at(&p, 90, 3, true);
        if (done > 1) STORE_OK(append_one(p.heap, &head, 3, &row, err));
        assert_same(&p, 3);
        pair_fill(&p, 3, 4, 0);
        pair_end(&p, 5, 4, 4);
        assert_same(&p, 4);
        wg_stripe_sink_abort(&s.sink);
        wg_buf_deinit(&out);
        pair_close(&p);
        store_close(&s);
    }
}

/* ---- threads */

enum { THREAD_ROWS = 40000 };

typedef struct scans {
    store *s;
    wg_table *table;
    _Atomic uint64_t snapshot;
    _Atomic bool stop;
    _Atomic uint64_t wrong;
    wg_store_pass pass;
} scans;

static void scan_once(scans *c, wg_table_scratch *scratch, uint64_t snapshot) {
    const uint32_t column = 0;
    const wg_type type = WG_TYPE_INT;
    uint64_t seen = 0;
    for (uint64_t row = 0;;) {
        wg_vector v[2];
        wg_batch batch;
        uint32_t n = 0;
        if (wg_table_read(c->table, (wg_view){snapshot, 0}, row, WG_BATCH_ROWS_MAX, &column, &type, 1, scratch, v,
                          &batch, &n, NULL) != WG_OK)
            atomic_fetch_add(&c->wrong, 1);
        if (n == 0) break;
        for (uint32_t i = 0; i < batch.row_count; i++) {
            const uint32_t r = wg_batch_row(&batch, i);
            const wg_value cell = wg_vector_value(&v[1], r);
            const uint64_t id = wg_vector_value(&v[0], r).as.id;
            if (cell.type == WG_TYPE_INT ? cell.as.i != (int64_t)id : id % 7 != 0) atomic_fetch_add(&c->wrong, 1);
        }
        seen += batch.row_count;
        row += n;
    }
    /* Commit s adds row s - 1; every 100th ends the row 50 before, every 1000th also one of long ago. */
    const uint64_t ended = snapshot / 100 + (snapshot < 5000 ? 0 : (snapshot - 5000) / 1000 + 1);
    if (seen != snapshot - ended) atomic_fetch_add(&c->wrong, 1);
}

static void *scans_main(void *arg) {
    scans *c = arg;
    wg_table_scratch *scratch = NULL;
    if (wg_table_scratch_create(1, NULL, &scratch, NULL) != WG_OK) return NULL;
    while (!atomic_load(&c->stop)) {
        const uint64_t snapshot = atomic_load(&c->snapshot);
        const uint32_t slot = wg_epoch_enter(c->s->epoch);
        scan_once(c, scratch, snapshot);
        wg_epoch_leave(c->s->epoch, slot);
    }
    wg_table_scratch_destroy(scratch);
    return NULL;
}

static void *store_main(void *arg) {
    scans *c = arg;
    const uint32_t slot = wg_epoch_enter(c->s->epoch);
    if (wg_table_store(c->table, &c->pass, NULL) != WG_OK) atomic_fetch_add(&c->wrong, 1);
    wg_epoch_leave(c->s->epoch, slot);
    return NULL;
}

static void write_row(scans *c, uint64_t r) {
    const wg_row_head head = {.id = r, .begin = r + 1, .prev = WG_ROW_NONE};
    const wg_value cell = r % 7 == 0 ? wg_value_null() : wg_value_int((int64_t)r);
    uint64_t row = 0;
    const uint64_t s = r + 1;
    STORE_OK(wg_table_append(c->table, &head, &cell, &row, err));
    if (s % 100 == 0) STORE_OK(wg_table_set_end(c->table, r - 50, s, s, err));
    if (s >= 5000 && s % 1000 == 0) STORE_OK(wg_table_set_end(c->table, s - 5000 + 11, s, s, err));
    atomic_store(&c->snapshot, s);
}

/* Goal: scans in threads see exactly their snapshot while rows are appended and ended, checkpoints are written by another
 * thread at the same time, slots go to the mapping and the tail comes back. */
static void test_scans_run_beside_checkpoints(void **state) {
    (void)state;
    store s;
    scans c = {.s = &s};
    uint32_t column = 0;
    store_open(&s);
    STORE_OK(wg_table_create(false, s.epoch, &s.account, &c.table, err));
    STORE_OK(wg_table_add_column(c.table, 1, WG_TYPE_INT, &column, err));
    pthread_t readers[2];
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&readers[i], NULL, scans_main, &c), 0);
    uint64_t since = 0;
    for (uint64_t r = 0; r < THREAD_ROWS; r++) {
        write_row(&c, r);
        if (r % 4000 != 3999) continue;
        pthread_t writer;
        const uint64_t until = r + 1;
        c.pass = store_begin(&s, since, until, until);
        assert_int_equal(pthread_create(&writer, NULL, store_main, &c), 0);
        while (r + 1 < until + 500) write_row(&c, ++r);
        assert_int_equal(pthread_join(writer, NULL), 0);
        STORE_OK(store_commit(&s, err));
        STORE_OK(store_adopt_table(&s, c.table, until, until, err));
        since = until;
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(readers[i], NULL), 0);
    assert_int_equal(atomic_load(&c.wrong), 0);
    wg_table_destroy(c.table);
    store_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_compaction_leaves_gaps),
        cmocka_unit_test(test_empty_slots_have_no_rows),
        cmocka_unit_test(test_zones_bound_stored_values),
        cmocka_unit_test(test_rows_that_do_not_exist_are_refused),
        cmocka_unit_test(test_hostile_fragments_are_refused),
        cmocka_unit_test(test_footers_are_checked),
        cmocka_unit_test(test_a_fragment_without_rows_is_an_empty_slot),
        cmocka_unit_test(test_a_full_table_refuses_rows),
        cmocka_unit_test(test_damage_is_an_error_and_not_an_answer),
        cmocka_unit_test(test_refused_memory_leaves_the_table_whole),
        cmocka_unit_test(test_scans_run_beside_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
