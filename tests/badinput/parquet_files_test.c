/* Parquet files of other writers (tests/badinput/parquet, made by make_parquet.py: every type, encoding and shape), read in every way that
 * the reader offers: over bytes at hand and through a window, in large and small steps, with rows picked and rows passed over, with and without
 * page indexes. All ways must give the same cells. The same files are then read with every allocation failing, with every read
 * failing, and damaged: a typed error or rows, within memory, nothing leaked, and the right cells again afterwards.
 *
 *   WG_SEED=N   where the choices of rows and of damage begin */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/core/test_seed.h"
#include "format/parquet/parquet.h"

#define FOLDER "tests/badinput/parquet/"

enum { ROWS_MAX = 4096 };

static const char *const files[] = {
    "duckdb",
    "empty",
    "groups_dictionary",
    "groups_plain",
    "indexed",
    "instants_delta",
    "instants_plain",
    "instants_dictionary",
    "int96",
    "integers_delta",
    "integers_plain",
    "integers_split",
    "integers_dictionary",
    "lists_delta",
    "lists_plain",
    "numbers_split",
    "numbers_plain",
    "numbers_integers",
    "numbers_dictionary",
    "lists_dictionary",
    "texts_delta",
    "texts_split",
    "texts_plain",
    "texts_dictionary",
};
enum { FILE_COUNT = sizeof files / sizeof files[0] };

static void load(const char *name, wg_buf *out) {
    char path[256];
    uint8_t chunk[4096];
    size_t n = 0;
    snprintf(path, sizeof path, FOLDER "%s.parquet", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    out->size = 0;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) assert_true(wg_buf_append(out, chunk, n));
    fclose(f);
}

/* ---- one way of reading */

typedef struct manner {
    bool windowed;   /* through a read function */
    bool places;     /* with the offset index, when there is one */
    bool dictionary; /* asks for the dictionary before each step */
    uint32_t step;   /* rows a call */
    uint32_t picks;  /* of 8: how many rows are picked; 0: all, without a choice */
    uint32_t skips;  /* of 8: how often rows are passed over instead */
    uint64_t seed;
} manner;

typedef struct source_file {
    wg_slice bytes;
    uint64_t reads;   /* done */
    uint64_t fail_at; /* this read and all behind it fail; 0: none */
} source_file;

/* What was read: of row i the canonical bytes of its cell; rows that were passed over have none. */
typedef struct cells {
    wg_buf bytes;
    uint32_t begin[ROWS_MAX + 1];
    bool seen[ROWS_MAX];
    uint64_t rows;
} cells;

static wg_code read_bytes(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    source_file *file = ctx;
    assert_true(offset <= file->bytes.size && size <= file->bytes.size - offset);
    file->reads++;
    if (file->fail_at != 0 && file->reads >= file->fail_at)
        return wg_error_set(err, WG_E_IO, offset, "this read fails");
    if (size != 0) memcpy(data, file->bytes.data + offset, size);
    return WG_OK;
}

typedef struct subject {
    const wg_parquet_metadata *m;
    uint32_t group;
    uint32_t column;
    source_file *file;
    wg_arena *arena; /* of page indexes */
    wg_account *account;
} subject;

static wg_code places_of(const subject *s, wg_parquet_source *out, wg_error *err) {
    const wg_parquet_chunk *chunk = out->chunk;
    if (s->column >= s->m->column_count || chunk->places_bytes == 0) return WG_OK;
    assert_true(chunk->places_offset + chunk->places_bytes <= s->file->bytes.size);
    const wg_slice bytes = wg_slice_of(s->file->bytes.data + chunk->places_offset, chunk->places_bytes);
    return wg_parquet_offset_index_decode(bytes, chunk, out->row_count, s->arena, &out->places, &out->place_count,
                                          err);
}

static wg_code reader_open(const subject *s, const manner *how, wg_parquet_reader *r, wg_error *err) {
    const wg_parquet_row_group *g = &s->m->row_groups[s->group];
    const wg_parquet_chunk *chunk = wg_parquet_chunk_of(s->m, g, s->column);
    wg_parquet_source source = {.column = &s->m->columns[s->column],
                                .chunk = chunk,
                                .row_count = g->row_count,
                                .columns = s->m->columns,
                                .chunks = g->chunks};
    if (how->windowed || s->column >= s->m->column_count) {
        source.read = read_bytes;
        source.ctx = s->file;
    } else if (chunk->compressed_bytes != 0) {
        source.bytes = wg_slice_of(s->file->bytes.data + chunk->offset, (size_t)chunk->compressed_bytes);
    }
    if (how->places) WG_TRY(places_of(s, &source, err));
    return wg_parquet_reader_open(r, &source, err);
}

static void cell_keep(const wg_vector *v, uint32_t at, uint64_t row, cells *out) {
    if (out == NULL) return;
    assert_true(row < ROWS_MAX);
    const wg_value value = wg_vector_value(v, at);
    out->begin[row] = (uint32_t)out->bytes.size;
    out->seen[row] = true;
    assert_true(wg_value_encode(&out->bytes, &value));
}

/* Reads up to `step` rows, all or some of them. */
static wg_code read_some(wg_parquet_reader *r, const manner *how, wg_rng *rng, uint64_t row, uint32_t *n, cells *out,
                         wg_error *err) {
    uint16_t rows[WG_BATCH_ROWS_MAX];
    wg_parquet_pick pick = {.rows = rows};
    wg_vector v;
    uint32_t most = how->step;
    if (how->picks == 0) {
        WG_TRY(wg_parquet_reader_next(r, most, &v, n, err));
        for (uint32_t i = 0; i < *n; i++) cell_keep(&v, i, row + i, out);
        return WG_OK;
    }
    uint32_t ready = 0;
    WG_TRY(wg_parquet_reader_ready(r, &ready, err));
    most = (uint32_t)wg_min_u64(most, ready == 0 ? 1 : ready);
    for (uint32_t i = 0; i < most; i++)
        if (wg_rng_below(rng, 8) < how->picks) rows[pick.count++] = (uint16_t)i;
    WG_TRY(wg_parquet_reader_next_of(r, most, &pick, &v, n, err));
    assert_true(*n == 0 || *n == most);
    for (uint32_t i = 0; i < pick.count && *n != 0; i++) cell_keep(&v, i, row + rows[i], out);
    return WG_OK;
}

static wg_code read_with(const subject *s, const manner *how, wg_parquet_reader *r, cells *out, wg_error *err) {
    const uint64_t rows = s->m->row_groups[s->group].row_count;
    wg_rng rng;
    wg_rng_init(&rng, how->seed);
    WG_TRY(reader_open(s, how, r, err));
    uint64_t row = 0;
    for (uint32_t n = 1; n != 0 && row < ROWS_MAX - WG_BATCH_ROWS_MAX;) {
        if (row < rows && wg_rng_below(&rng, 8) < how->skips) {
            n = 1 + (uint32_t)wg_rng_below(&rng, wg_min_u64(rows - row, 50));
            WG_TRY(wg_parquet_reader_skip(r, n, err));
        } else {
            wg_vector dictionary;
            uint32_t size = 0;
            if (how->dictionary) WG_TRY(wg_parquet_reader_dictionary(r, &dictionary, &size, err));
            for (uint32_t i = 0; i < size; i++) assert_true(wg_vector_is_valid(&dictionary, i));
            WG_TRY(read_some(r, how, &rng, row, &n, out, err));
        }
        row += n;
    }
    if (out != NULL) out->rows = row;
    return WG_OK;
}

/* The whole column of one row group. */
static wg_code column_read(const subject *s, const manner *how, cells *out, wg_error *err) {
    wg_parquet_reader *r = NULL;
    WG_TRY(wg_parquet_reader_alloc(s->account, &r, err));
    wg_code code = read_with(s, how, r, out, err);
    if (code != WG_OK) { /* it stays as it is, and says so */
        wg_error again = {0};
        wg_vector v;
        uint32_t n = 0;
        const wg_code next = wg_parquet_reader_next(r, 1, &v, &n, &again);
        assert_true(next != WG_OK || code == WG_E_MISUSE);
    }
    wg_parquet_reader_destroy(r);
    return code;
}

/* ---- a whole file */

typedef struct opened {
    wg_account account;
    wg_arena arena;
    wg_parquet_metadata m;
    source_file file;
} opened;

static wg_code file_open(opened *o, wg_slice bytes, wg_error *err) {
    uint32_t footer = 0;
    wg_account_init(&o->account, NULL, 64 << 20);
    wg_arena_init(&o->arena, &o->account);
    o->file = (source_file){.bytes = bytes};
    const size_t tail = wg_min_size(8, bytes.size);
    WG_TRY(wg_parquet_tail(wg_slice_of(bytes.data + bytes.size - tail, tail), bytes.size, &footer, err));
    return wg_parquet_metadata_decode(wg_slice_of(bytes.data + bytes.size - 8 - footer, footer), bytes.size,
                                      &o->arena, &o->m, err);
}

static void file_close(opened *o) {
    wg_arena_deinit(&o->arena);
    assert_true(wg_account_bytes(&o->account) == 0);
}

static subject subject_of(opened *o, uint32_t group, uint32_t column) {
    return (subject){
        .m = &o->m, .group = group, .column = column, .file = &o->file, .arena = &o->arena, .account = &o->account};
}

static bool is_readable(const opened *o, uint32_t column) {
    return o->m.columns[column].why_not == NULL && o->m.columns[column].type != WG_TYPE_NULL;
}

static void cells_reset(cells *c) {
    c->bytes.size = 0;
    c->rows = 0;
    memset(c->seen, 0, sizeof c->seen);
}

static wg_slice cell_at(const cells *c, uint64_t row) { /* up to the next one that was kept */
    uint32_t end = (uint32_t)c->bytes.size;
    for (uint64_t next = row + 1; next < c->rows; next++)
        if (c->seen[next]) {
            end = c->begin[next];
            break;
        }
    return wg_slice_of(c->bytes.data + c->begin[row], end - c->begin[row]);
}

/* Every row that `got` has is the same in `wanted`; how many there are. */
static uint64_t cells_compare(const cells *wanted, const cells *got, const char *file, const char *column) {
    uint64_t count = 0;
    assert_int_equal(got->rows, wanted->rows);
    for (uint64_t row = 0; row < got->rows; row++) {
        if (!got->seen[row]) continue;
        if (!wg_slice_equal(cell_at(wanted, row), cell_at(got, row)))
            fail_msg("%s, column %s, row %llu: another cell", file, column, (unsigned long long)row);
        count++;
    }
    return count;
}

static manner some_manner(wg_rng *rng) {
    static const uint32_t steps[] = {1, 3, 7, 40, WG_BATCH_ROWS_MAX};
    return (manner){.windowed = wg_rng_below(rng, 2) == 0,
                    .places = wg_rng_below(rng, 2) == 0,
                    .dictionary = wg_rng_below(rng, 2) == 0,
                    .step = steps[wg_rng_below(rng, 5)],
                    .picks = (uint32_t)wg_rng_below(rng, 4) * 2,
                    .skips = (uint32_t)wg_rng_below(rng, 4),
                    .seed = wg_rng_next(rng)};
}

static const manner plainly = {.step = WG_BATCH_ROWS_MAX};

/* Goal: whatever the way of reading, a cell is the same; and every column of every file can be read. */
static void test_all_ways_of_reading_give_the_same_cells(void **state) {
    (void)state;
    static cells wanted, got;
    wg_buf bytes = {0};
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(31));
    uint64_t compared = 0;
    for (uint32_t f = 0; f < FILE_COUNT; f++) {
        opened o;
        load(files[f], &bytes);
        assert_int_equal(file_open(&o, wg_buf_slice(&bytes), NULL), WG_OK);
        for (uint32_t g = 0; g < o.m.row_group_count; g++)
            for (uint32_t c = 0; c < o.m.column_count + o.m.group_count; c++) {
                const subject s = subject_of(&o, g, c);
                const char *name = o.m.columns[c].name;
                wg_error err = {0};
                cells_reset(&wanted);
                const wg_code code = column_read(&s, &plainly, &wanted, &err);
                if (!is_readable(&o, c)) {
                    assert_int_equal(code, WG_E_UNSUPPORTED);
                    continue;
                }
                if (code != WG_OK) fail_msg("%s, column %s: %s", files[f], name, err.message);
                assert_int_equal(wanted.rows, o.m.row_groups[g].row_count);
                for (uint32_t i = 0; i < 12; i++) {
                    const manner how = some_manner(&rng);
                    cells_reset(&got);
                    if (column_read(&s, &how, &got, &err) != WG_OK)
                        fail_msg("%s, column %s: %s", files[f], name, err.message);
                    compared += cells_compare(&wanted, &got, files[f], name);
                }
            }
        file_close(&o);
    }
    assert_true(compared > 50000);
    wg_buf_deinit(&wanted.bytes);
    wg_buf_deinit(&got.bytes);
    wg_buf_deinit(&bytes);
}

/* The whole of it, from the footer on; the first error ends it. */
static wg_code everything_read(wg_slice bytes, const manner *how, uint64_t fail_at, uint64_t *out_reads,
                               wg_error *err) {
    opened o = {0};
    wg_code code = file_open(&o, bytes, err);
    o.file.fail_at = fail_at;
    for (uint32_t g = 0; code == WG_OK && g < o.m.row_group_count; g++)
        for (uint32_t c = 0; code == WG_OK && c < o.m.column_count + o.m.group_count; c++) {
            const subject s = subject_of(&o, g, c);
            if (is_readable(&o, c)) code = column_read(&s, how, NULL, err);
        }
    if (out_reads != NULL) *out_reads = o.file.reads;
    file_close(&o);
    return code;
}

/* Goal: without memory at any moment the answer is that there is none, nothing is leaked, and the next time it works. */
static void test_no_memory_at_any_moment(void **state) {
    (void)state;
    static const manner manners[] = {{.windowed = true, .places = true, .step = 7, .picks = 4, .skips = 2},
                                     {.step = WG_BATCH_ROWS_MAX, .dictionary = true}};
    wg_buf bytes = {0};
    uint64_t refused = 0;
    for (uint32_t f = 0; f < FILE_COUNT; f++) {
        load(files[f], &bytes);
        for (uint32_t k = 0; k < 4; k++) {
            const uint64_t stride = wg_test_small() ? 5 : 1;
            wg_code code = WG_E_NOMEM;
            for (uint64_t n = 1; code != WG_OK; n += stride) {
                wg_error err = {0};
                wg_memory_fail_at(n, k >= 2);
                code = everything_read(wg_buf_slice(&bytes), &manners[k % 2], 0, NULL, &err);
                wg_memory_fail_at(0, false);
                if (code != WG_OK && code != WG_E_NOMEM) fail_msg("%s: %s", files[f], err.message);
                refused += code == WG_E_NOMEM;
            }
            assert_int_equal(everything_read(wg_buf_slice(&bytes), &manners[k % 2], 0, NULL, NULL), WG_OK);
        }
    }
    assert_true(refused > 500);
    wg_buf_deinit(&bytes);
}

/* Goal: a read that fails is told as it came, and the reader says that it failed before from then on. */
static void test_reads_that_fail(void **state) {
    (void)state;
    const manner how = {.windowed = true, .step = 40, .skips = 1};
    wg_buf bytes = {0};
    for (uint32_t f = 0; f < FILE_COUNT; f++) {
        uint64_t reads = 0;
        load(files[f], &bytes);
        assert_int_equal(everything_read(wg_buf_slice(&bytes), &how, 0, &reads, NULL), WG_OK);
        for (uint64_t n = 1; n <= reads; n++) {
            wg_error err = {0};
            assert_int_equal(everything_read(wg_buf_slice(&bytes), &how, n, NULL, &err), WG_E_IO);
            assert_non_null(strstr(err.message, "this read fails"));
        }
    }
    wg_buf_deinit(&bytes);
}

/* ---- page indexes */

static bool is_between(const wg_value *low, const wg_value *v, const wg_value *high) {
    return wg_value_order(low, v) <= 0 && wg_value_order(v, high) <= 0;
}

/* Reads each page alone and holds its values against its bounds. */
static uint32_t bounds_hold(const subject *s, const wg_parquet_range *ranges, const bool *empty, uint32_t pages,
                            const wg_parquet_page_place *places) {
    const uint64_t rows = s->m->row_groups[s->group].row_count;
    uint32_t known = 0;
    wg_parquet_reader *r = NULL;
    assert_int_equal(wg_parquet_reader_alloc(s->account, &r, NULL), WG_OK);
    const manner how = {.windowed = true, .places = true};
    assert_int_equal(reader_open(s, &how, r, NULL), WG_OK);
    for (uint32_t p = 0; p < pages; p++) {
        const uint64_t end = p + 1 < pages ? places[p + 1].first_row : rows;
        uint64_t nulls = 0;
        for (uint64_t row = places[p].first_row; row < end;) {
            wg_vector v;
            uint32_t n = 0;
            assert_int_equal(wg_parquet_reader_next(r, (uint32_t)(end - row), &v, &n, NULL), WG_OK);
            assert_true(n > 0);
            for (uint32_t i = 0; i < n; i++) {
                const wg_value value = wg_vector_value(&v, i);
                nulls += value.type == WG_TYPE_NULL;
                if (value.type == WG_TYPE_NULL || !ranges[p].known) continue;
                assert_false(empty[p]);
                assert_true(is_between(&ranges[p].min, &value, &ranges[p].max));
            }
            row += n;
        }
        if (ranges[p].null_count_known) assert_int_equal(nulls, ranges[p].null_count);
        assert_true(empty[p] == (nulls == end - places[p].first_row));
        known += ranges[p].known;
    }
    wg_parquet_reader_destroy(r);
    return known;
}

/* Goal: the bounds of each page hold for what is in it, for every type that has bounds. */
static void test_bounds_of_pages_hold(void **state) {
    (void)state;
    wg_buf bytes = {0};
    opened o;
    uint32_t known = 0;
    load("indexed", &bytes);
    assert_int_equal(file_open(&o, wg_buf_slice(&bytes), NULL), WG_OK);
    for (uint32_t g = 0; g < o.m.row_group_count; g++)
        for (uint32_t c = 0; c < o.m.column_count; c++) {
            const wg_parquet_chunk *chunk = &o.m.row_groups[g].chunks[c];
            const subject s = subject_of(&o, g, c);
            wg_parquet_source source = {.chunk = chunk, .row_count = o.m.row_groups[g].row_count};
            const wg_parquet_range *ranges = NULL;
            const bool *empty = NULL;
            uint32_t count = 0;
            assert_int_equal(places_of(&s, &source, NULL), WG_OK);
            assert_true(source.place_count > 1);
            const wg_slice index = wg_slice_of(bytes.data + chunk->bounds_offset, chunk->bounds_bytes);
            assert_int_equal(wg_parquet_column_index_decode(index, &o.m.columns[c], source.place_count, &o.arena,
                                                            &ranges, &empty, &count, NULL),
                             WG_OK);
            if (count == 0) continue;
            assert_int_equal(count, source.place_count);
            known += bounds_hold(&s, ranges, empty, count, source.places);
        }
    assert_true(known > 60);
    file_close(&o);
    wg_buf_deinit(&bytes);
}

static void index_read(wg_slice bytes, const opened *o, uint32_t column, uint64_t rows, wg_arena *arena,
                       uint32_t *out_places, uint32_t *out_pages) {
    const wg_parquet_page_place *places = NULL;
    const wg_parquet_range *ranges = NULL;
    const bool *empty = NULL;
    const wg_parquet_chunk *chunk = &o->m.row_groups[0].chunks[column];
    assert_int_equal(wg_parquet_offset_index_decode(bytes, chunk, rows, arena, &places, out_places, NULL), WG_OK);
    assert_int_equal(
        wg_parquet_column_index_decode(bytes, &o->m.columns[column], 4, arena, &ranges, &empty, out_pages, NULL),
        WG_OK);
    for (uint32_t i = 0; i < *out_places; i++) {
        assert_true(places[i].first_row < rows);
        assert_true(places[i].offset >= chunk->offset && places[i].offset < chunk->offset + chunk->compressed_bytes);
        assert_true(i == 0 ? places[i].first_row == 0 : places[i].first_row > places[i - 1].first_row);
    }
}

/* Goal: a damaged page index is as if it were not there, or still one that lies inside of its chunk; never an error. */
static void test_damaged_page_indexes_are_not_there(void **state) {
    (void)state;
    wg_buf bytes = {0};
    opened o;
    uint64_t gone = 0;
    load("indexed", &bytes);
    assert_int_equal(file_open(&o, wg_buf_slice(&bytes), NULL), WG_OK);
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(5));
    for (uint32_t c = 0; c < o.m.column_count; c++)
        for (uint32_t kind = 0; kind < 2; kind++) {
            const wg_parquet_chunk *chunk = &o.m.row_groups[0].chunks[c];
            const uint64_t at = kind == 0 ? chunk->places_offset : chunk->bounds_offset;
            const uint32_t size = kind == 0 ? chunk->places_bytes : chunk->bounds_bytes;
            for (uint32_t i = 0; i < size; i++) {
                uint8_t copy[4096];
                uint32_t places = 0;
                uint32_t pages = 0;
                wg_arena arena;
                assert_true(size <= sizeof copy);
                memcpy(copy, bytes.data + at, size);
                copy[i] = (uint8_t)(copy[i] ^ (1u << wg_rng_below(&rng, 8)));
                wg_arena_init(&arena, &o.account);
                index_read(wg_slice_of(copy, size), &o, c, 80, &arena, &places, &pages);
                gone += kind == 0 ? places == 0 : pages == 0;
                index_read(wg_slice_of(copy, i), &o, c, 80, &arena, &places, &pages); /* cut off */
                assert_true(places == 0 && pages == 0);
                wg_arena_deinit(&arena);
            }
        }
    assert_true(gone > 100);
    file_close(&o);
    wg_buf_deinit(&bytes);
}

/* Goal: without memory a page index is an error and not one that is not there: the next time it is. */
static void test_page_indexes_without_memory(void **state) {
    (void)state;
    wg_buf bytes = {0};
    opened o;
    uint32_t refused = 0;
    load("indexed", &bytes);
    assert_int_equal(file_open(&o, wg_buf_slice(&bytes), NULL), WG_OK);
    const wg_parquet_chunk *chunk = &o.m.row_groups[0].chunks[0];
    for (uint64_t n = 1; n < 12; n++) {
        const wg_parquet_page_place *places = NULL;
        const wg_parquet_range *ranges = NULL;
        const bool *empty = NULL;
        uint32_t count = 0;
        wg_arena arena;
        wg_arena_init(&arena, &o.account);
        arena.block_bytes = 16;
        wg_memory_fail_at(n, false);
        wg_code code =
            wg_parquet_offset_index_decode(wg_slice_of(bytes.data + chunk->places_offset, chunk->places_bytes), chunk,
                                           80, &arena, &places, &count, NULL);
        if (code == WG_OK)
            code = wg_parquet_column_index_decode(wg_slice_of(bytes.data + chunk->bounds_offset, chunk->bounds_bytes),
                                                  &o.m.columns[0], count, &arena, &ranges, &empty, &count, NULL);
        wg_memory_fail_at(0, false);
        wg_arena_deinit(&arena);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
        refused += code == WG_E_NOMEM;
    }
    assert_true(refused >= 3);
    file_close(&o);
    wg_buf_deinit(&bytes);
}

/* ---- damage */

static void damage(wg_rng *rng, wg_buf *bytes) {
    const uint64_t times = 1 + wg_rng_below(rng, 3);
    for (uint64_t t = 0; t < times && bytes->size > 16; t++) {
        const size_t at = (size_t)wg_rng_below(rng, bytes->size);
        const uint64_t kind = wg_rng_below(rng, 16);
        if (kind < 8) bytes->data[at] = (uint8_t)(bytes->data[at] ^ (1u << wg_rng_below(rng, 8)));
        else if (kind < 12) bytes->data[at] = (uint8_t)wg_rng_next(rng);
        else if (kind < 15) bytes->data[at] = (uint8_t)(kind == 12 ? 0 : kind == 13 ? 255 : 127);
        else memmove(bytes->data + at, bytes->data + wg_rng_below(rng, at + 1), wg_min_size(bytes->size - at, 20));
    }
}

/* Goal: damaged files end in rows or a typed error whatever the way of reading, within memory and without leaks. */
static void test_damaged_files_are_read_or_refused(void **state) {
    (void)state;
    const uint32_t rounds = wg_test_small() ? 60 : 400;
    wg_buf bytes = {0};
    wg_buf copy = {0};
    uint64_t read = 0;
    uint64_t refused = 0;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(77));
    for (uint32_t f = 0; f < FILE_COUNT; f++) {
        load(files[f], &bytes);
        for (uint32_t i = 0; i < rounds; i++) {
            wg_error err = {0};
            const manner how = some_manner(&rng);
            copy.size = 0;
            assert_true(wg_buf_append(&copy, bytes.data, bytes.size));
            damage(&rng, &copy);
            const wg_code code = everything_read(wg_buf_slice(&copy), &how, 0, NULL, &err);
            const bool typed = code == WG_OK || code == WG_E_CORRUPT || code == WG_E_LIMIT ||
                               code == WG_E_UNSUPPORTED || code == WG_E_VALUE || code == WG_E_NOMEM;
            if (!typed) fail_msg("%s, round %u: %s: %s", files[f], i, wg_code_name(code), err.message);
            assert_int_equal(code, err.code);
            read += code == WG_OK;
            refused += code != WG_OK;
        }
    }
    assert_true(read > rounds && refused > rounds);
    wg_buf_deinit(&bytes);
    wg_buf_deinit(&copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ways_of_reading_give_the_same_cells),
        cmocka_unit_test(test_no_memory_at_any_moment),
        cmocka_unit_test(test_reads_that_fail),
        cmocka_unit_test(test_bounds_of_pages_hold),
        cmocka_unit_test(test_damaged_page_indexes_are_not_there),
        cmocka_unit_test(test_page_indexes_without_memory),
        cmocka_unit_test(test_damaged_files_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
