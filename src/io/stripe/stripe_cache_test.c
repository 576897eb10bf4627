/* Tests of stripes under the governor, of single cells, and of what lies around reading. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

static const uint8_t uuid[16] = {5};
enum { ROWS = 16384, PAGES_OF_COLUMN = ROWS * 8 / WG_ARC1_PAGE };
static int64_t numbers[ROWS];
static char dir[64];

static int setup(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(3));
    for (uint32_t i = 0; i < ROWS; i++) numbers[i] = wg_i64_of_u64(wg_rng_next(&rng) >> 1);
    memcpy(dir, "/tmp/stripe_test.XXXXXX", 24);
    return mkdtemp(dir) != NULL ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    char path[4160];
    assert_int_equal(wg_stripe_path(dir, 1, path, sizeof path, NULL), WG_OK);
    unlink(path);
    return rmdir(dir);
}

/* Slot 0: three plain columns of 128 KiB and a constant. Slots 1 and 2: two columns of 10 rows each. */
static void write_stripe(bool zstd, uint32_t rows) {
    wg_stripe_options o = {.zstd = zstd};
    memcpy(o.store_uuid, uuid, 16);
    wg_stripe_writer *w;
    uint64_t bytes;
    static const int64_t same[ROWS];
    const wg_stripe_column columns[] = {{1, {.type = WG_TYPE_INT, .data = numbers}},
                                        {2, {.type = WG_TYPE_NODE, .data = numbers}},
                                        {3, {.type = WG_TYPE_FLOAT, .data = numbers}},
                                        {4, {.type = WG_TYPE_INT, .data = same}}};
    wg_error err = {0};
    assert_int_equal(wg_stripe_create(wg_platform_real(), dir, 1, &o, &w, &err), WG_OK);
    for (uint32_t slot = 0; slot < 3; slot++) {
        const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS, .slot = slot},
                                       .row_count = slot == 0 ? rows : 10};
        assert_int_equal(wg_stripe_add(w, &head, columns, slot == 0 ? 4 : 2, &err), WG_OK);
    }
    assert_int_equal(wg_stripe_finish(w, &bytes, &err), WG_OK);
}

static wg_stripe *open_stripe(wg_cache *cache) {
    wg_stripe *s;
    wg_error err = {0};
    if (wg_stripe_open(wg_platform_real(), dir, 1, uuid, cache, NULL, &s, &err) != WG_OK) fail_msg("%s", err.message);
    return s;
}

static uint64_t warm(const wg_cache *cache) {
    wg_cache_class_stats stats;
    wg_cache_stats(cache, WG_L1_CPU_WARM, &stats);
    return stats.bytes;
}

static wg_code read_column(const wg_fragment *f, uint32_t column, wg_error *err) {
    wg_fragment_scratch scratch = {0};
    wg_vector v;
    const wg_code code = wg_fragment_read(f, column, 0, 10, &scratch, &v, err);
    for (uint32_t i = 0; code == WG_OK && column < 3 && i < 10; i++)
        assert_int_equal(((const int64_t *)v.data)[i], numbers[i]);
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

static void test_stripe_charges_blocks_when_they_are_touched(void **state) {
    /* Goal: nothing is charged at open; each block once, for its pages; a small fragment whole; a constant nothing. */
    (void)state;
    write_stripe(false, ROWS);
    wg_cache *cache;
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0), *small = wg_stripe_fragment(s, 1);
    assert_int_equal(warm(cache), 0);
    const uint64_t column = (uint64_t)PAGES_OF_COLUMN * WG_ARC1_PAGE;
    assert_int_equal(read_column(f, 3, NULL), WG_OK);
    assert_int_equal(warm(cache), 0);
    for (int again = 0; again < 3; again++) {
        assert_int_equal(read_column(f, 0, NULL), WG_OK);
        assert_int_equal(warm(cache), column); /* the fragment begins at a page, and its columns are whole pages */
    }
    assert_int_equal(read_column(f, 2, NULL), WG_OK);
    assert_int_equal(warm(cache), 2 * column);
    assert_int_equal(read_column(small, 0, NULL), WG_OK);
    assert_int_equal(read_column(small, 1, NULL), WG_OK);
    assert_int_equal(warm(cache), 2 * column + WG_ARC1_PAGE);
    assert_int_equal(wg_fragment_cache_entry(f)->bytes, 2 * column);
    wg_stripe_close(s);
    assert_int_equal(warm(cache), 0);
    wg_cache_destroy(cache);
}

static void test_stripe_reads_on_after_eviction(void **state) {
    /* Goal: an eviction drops pages and charges; pointers into the mapping stay good; the next touch charges again. */
    (void)state;
    write_stripe(false, ROWS);
    wg_cache *cache;
    const uint64_t column = (uint64_t)PAGES_OF_COLUMN * WG_ARC1_PAGE;
    const wg_tier_budget budget = {.warm = column + WG_ARC1_PAGE};
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    wg_fragment_scratch scratch = {0};
    wg_vector v;
    assert_int_equal(wg_fragment_read(f, 0, 0, WG_BATCH_ROWS_MAX, &scratch, &v, NULL), WG_OK);
    assert_ptr_equal(scratch.cells, NULL);            /* in place */
    assert_int_equal(read_column(f, 1, NULL), WG_OK); /* evicts column 0 of the same fragment */
    assert_int_equal(warm(cache), column);
    assert_memory_equal(v.data, numbers, WG_BATCH_ROWS_MAX * 8);
    assert_int_equal(read_column(wg_stripe_fragment(s, 1), 0, NULL), WG_OK);
    assert_int_equal(read_column(wg_stripe_fragment(s, 2), 0, NULL), WG_OK); /* evicts something */
    assert_true(warm(cache) <= budget.warm);
    for (uint32_t i = 0; i < 3; i++) assert_int_equal(read_column(f, i, NULL), WG_OK);
    assert_true(warm(cache) >= column);
    assert_true(warm(cache) <= budget.warm);
    assert_int_equal(wg_cache_shrink(cache, WG_L1_CPU_WARM, 0) > 0 || warm(cache) > 0, 1);
    assert_int_equal(wg_stripe_check(s, NULL), WG_OK); /* reads all, through the governor */
    assert_true(warm(cache) <= budget.warm);
    wg_fragment_scratch_deinit(&scratch);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

static void test_stripe_over_its_cap_is_refused(void **state) {
    /* Goal: a block that cannot be admitted is WG_E_CAPACITY for every kind of read; nothing is charged. */
    (void)state;
    write_stripe(false, ROWS);
    wg_cache *cache;
    const wg_tier_budget budget = {.warm = 2 * WG_ARC1_PAGE};
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    wg_arena arena;
    wg_value v;
    uint64_t number;
    uint32_t row;
    wg_arena_init(&arena, NULL);
    assert_int_equal(read_column(f, 0, NULL), WG_E_CAPACITY);
    assert_int_equal(wg_fragment_cell(f, 0, 0, &arena, &v, NULL), WG_E_CAPACITY);
    assert_int_equal(wg_fragment_u64(f, 1, 0, &number, NULL), WG_E_CAPACITY);
    assert_int_equal(wg_fragment_lower_bound(f, 1, 0, &row, NULL), WG_E_CAPACITY);
    assert_int_equal(wg_stripe_check(s, NULL), WG_E_CAPACITY);
    assert_int_equal(warm(cache), 0);
    assert_int_equal(read_column(wg_stripe_fragment(s, 1), 0, NULL), WG_OK);
    wg_arena_deinit(&arena);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

/* ---- threads: many readers, a small cap, evictions all the time */

typedef struct reader {
    wg_stripe *stripe;
    uint64_t sum;
    wg_code code;
} reader;

static void read_all(void *arg) {
    reader *r = arg;
    wg_fragment_scratch scratch = {0};
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t c = 0; c < 3; c++)
            for (uint32_t first = 0; r->code == WG_OK && first < ROWS; first += WG_BATCH_ROWS_MAX) {
                wg_vector v;
                r->code = wg_fragment_read(wg_stripe_fragment(r->stripe, 0), c, first, WG_BATCH_ROWS_MAX, &scratch,
                                           &v, NULL);
                for (uint32_t i = 0; r->code == WG_OK && i < WG_BATCH_ROWS_MAX; i++)
                    r->sum += ((const uint64_t *)v.data)[i];
            }
    wg_fragment_scratch_deinit(&scratch);
}

static void test_stripe_threads_read_the_same_under_eviction(void **state) {
    /* Goal: readers that evict one another's pages all read the file's cells, and the cap holds. */
    (void)state;
    write_stripe(false, ROWS);
    wg_cache *cache;
    const wg_tier_budget budget = {.warm = UINT64_C(2) * PAGES_OF_COLUMN * WG_ARC1_PAGE};
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    uint64_t expected = 0;
    for (uint32_t i = 0; i < ROWS; i++) expected += 60 * (uint64_t)numbers[i];
    wg_thread threads[4];
    reader readers[4];
    for (int i = 0; i < 4; i++) {
        readers[i] = (reader){.stripe = s};
        assert_int_equal(wg_thread_start(&threads[i], read_all, &readers[i], NULL), WG_OK);
    }
    for (int i = 0; i < 4; i++) {
        wg_thread_join(&threads[i]);
        assert_int_equal(readers[i].code, WG_OK);
        assert_true(readers[i].sum == expected);
    }
    wg_cache_class_stats stats;
    wg_cache_stats(cache, WG_L1_CPU_WARM, &stats);
    assert_true(stats.bytes_max <= budget.warm);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

/* ---- single cells */

static bool append_line(void *ctx, wg_slice line) { return wg_buf_append(ctx, line.data, line.size); }

static void check_lower_bound(const uint64_t *cells, uint32_t rows, wg_encoding encoding, bool zstd) {
    wg_stripe_options o = {.zstd = zstd};
    memcpy(o.store_uuid, uuid, 16);
    wg_stripe_writer *w;
    uint64_t bytes;
    const wg_fragment_head head = {.key = {.kind = WG_KIND_KEYS}, .row_count = rows};
    const wg_stripe_column column = {1, {.type = WG_TYPE_NODE, .data = cells}};
    assert_int_equal(wg_stripe_create(wg_platform_real(), dir, 1, &o, &w, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(w, &head, &column, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
    wg_stripe *s = open_stripe(NULL);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    wg_buf dump = {0};
    assert_int_equal(wg_stripe_dump(s, false, append_line, &dump, NULL), WG_OK);
    assert_true(wg_buf_append_u8(&dump, 0));
    /* Rising cells are packed only when they are few: many are cheaper as DELTA. */
    const bool shows = encoding == WG_ENCODING_BIT_PACKED ? rows == 3 : rows == 5000;
    if (shows && strstr((const char *)dump.data, wg_encoding_name(encoding)) == NULL)
        fail_msg("not %s: %s", wg_encoding_name(encoding), (const char *)dump.data);
    wg_buf_deinit(&dump);
    uint32_t row;
    for (uint32_t i = 0; i < rows; i += 1 + i / 3) {
        uint64_t v;
        assert_int_equal(wg_fragment_u64(f, 0, i, &v, NULL), WG_OK);
        assert_true(v == cells[i]);
        uint32_t first = i;
        while (first > 0 && cells[first - 1] == cells[i]) first--;
        assert_int_equal(wg_fragment_lower_bound(f, 0, v, &row, NULL), WG_OK);
        assert_int_equal(row, first);
        uint32_t next = i;
        while (next < rows && cells[next] <= cells[i]) next++;
        assert_int_equal(wg_fragment_lower_bound(f, 0, v + 1, &row, NULL), WG_OK);
        assert_int_equal(row, next);
    }
    assert_int_equal(wg_fragment_lower_bound(f, 0, 0, &row, NULL), WG_OK);
    assert_int_equal(row, 0);
    assert_int_equal(wg_fragment_lower_bound(f, 0, UINT64_MAX, &row, NULL), WG_OK);
    assert_int_equal(row, rows);
    wg_stripe_close(s);
}

static void test_stripe_finds_the_first_row_not_below(void **state) {
    /* Goal: lower_bound agrees with a linear search, in every encoding, over groups, with doubles, compressed too. */
    (void)state;
    static uint64_t cells[5000];
    static const wg_encoding encodings[] = {WG_ENCODING_PLAIN, WG_ENCODING_SEQUENCE, WG_ENCODING_BIT_PACKED,
                                            WG_ENCODING_RUN_LENGTH, WG_ENCODING_DELTA};
    for (size_t e = 0; e < 5; e++) {
        for (uint64_t i = 0; i < 5000; i++) {
            const uint64_t wide = UINT64_C(1) << 62;
            if (encodings[e] == WG_ENCODING_PLAIN) cells[i] = (i + 512) / 1024 * (wide >> 1) + i * i;
            if (encodings[e] == WG_ENCODING_SEQUENCE) cells[i] = 10 + 3 * i;
            if (encodings[e] == WG_ENCODING_BIT_PACKED) cells[i] = i + i * 7 % 2;
            if (encodings[e] == WG_ENCODING_RUN_LENGTH) cells[i] = wide + i / 700 * (wide >> 5);
            if (encodings[e] == WG_ENCODING_DELTA) cells[i] = wide + i * (wide >> 15) + i * 7 % 5;
        }
        check_lower_bound(cells, 5000, encodings[e], false);
        check_lower_bound(cells, 3, encodings[e], false);
        check_lower_bound(cells, 1024, encodings[e], true);
    }
}

static void test_stripe_numbers_are_asked_of_number_columns_only(void **state) {
    /* Goal: u64 and lower_bound of a column of another type, or with nulls, say that the file is not what was expected. */
    (void)state;
    write_stripe(false, 10);
    wg_stripe *s = open_stripe(NULL);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    uint64_t number;
    uint32_t row;
    wg_error err = {0};
    assert_int_equal(wg_fragment_u64(f, 2, 0, &number, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "FLOAT"));
    assert_int_equal(wg_fragment_lower_bound(f, 2, 0, &row, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_fragment_u64s(f, 2, 0, 2, &number, NULL), WG_E_CORRUPT);
    assert_int_equal(wg_fragment_u64(f, 3, 9, &number, NULL), WG_OK);
    assert_int_equal(number, 0);
    wg_stripe_close(s);
}

static void test_stripe_prefetch_charges_nothing(void **state) {
    /* Goal: asking ahead is free and harmless, for all columns, some, unknown ones, and fragments without blocks. */
    (void)state;
    write_stripe(true, ROWS);
    wg_cache *cache;
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    static const uint32_t ids[] = {2, 99, 4};
    for (uint32_t i = 0; i < 3; i++) {
        wg_fragment_prefetch(wg_stripe_fragment(s, i), NULL, 0);
        wg_fragment_prefetch(wg_stripe_fragment(s, i), ids, 3);
    }
    assert_int_equal(warm(cache), 0);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

static bool stop_after(void *ctx, wg_slice line) {
    (void)line;
    uint32_t *left = ctx;
    return --*left != 0;
}

static void test_stripe_dump_stops_when_told(void **state) {
    /* Goal: the reader of a dump may stop it at any line, which is no error. */
    (void)state;
    write_stripe(false, 10);
    wg_stripe *s = open_stripe(NULL);
    for (uint32_t lines = 1; lines <= 12; lines++) {
        uint32_t left = lines;
        assert_int_equal(wg_stripe_dump(s, false, stop_after, &left, NULL), WG_OK);
        assert_int_equal(left, 0);
    }
    for (uint32_t kind = 0; kind < 12; kind++) assert_non_null(wg_fragment_kind_name(kind));
    assert_string_equal(wg_fragment_kind_name(WG_KIND_ADJACENCY), "ADJACENCY");
    assert_string_equal(wg_fragment_kind_name(99), "?");
    wg_stripe_close(s);
}

static uint64_t resident_of_files(void) {
    wg_process_memory p = {0};
    wg_platform_real()->ops->process_memory(wg_platform_real(), &p);
    return p.resident_file_bytes;
}

static void read_every_row(const wg_fragment *f) {
    wg_fragment_scratch scratch = {0};
    wg_vector v;
    wg_error err = {0};
    for (uint32_t c = 0; c < 3; c++)
        for (uint32_t row = 0; row < ROWS; row += WG_BATCH_ROWS_MAX) {
            assert_int_equal(wg_fragment_read(f, c, row, WG_BATCH_ROWS_MAX, &scratch, &v, &err), WG_OK);
            assert_memory_equal(v.data, numbers + row, WG_BATCH_ROWS_MAX * sizeof numbers[0]);
        }
    wg_fragment_scratch_deinit(&scratch);
}

static void test_stripe_gives_back_pages_that_nobody_charged(void **state) {
    /* Goal: pages leave the process but for those of charged fragments, or all of them; what is read afterwards is the same, and
     * charges stay what they were. An eviction takes the pages of what it evicts. */
    (void)state;
    static const wg_tier_budget budget = {.warm = 16 << 20};
    enum { HALF = 3 * PAGES_OF_COLUMN * WG_ARC1_PAGE / 2 };
    wg_cache *cache;
    wg_error err = {0};
    write_stripe(false, ROWS);
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, &err), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    const uint64_t before = resident_of_files();
    read_every_row(f);
    const uint64_t charged = warm(cache);
    const bool told = resident_of_files() != 0; /* not on every system */
    assert_true(!told || resident_of_files() >= before + HALF);
    wg_stripe_drop_pages(s, false);
    assert_true(!told || resident_of_files() >= before + HALF);
    wg_stripe_drop_pages(s, true);
    assert_true(!told || resident_of_files() < before + HALF);
    assert_int_equal(warm(cache), charged);
    read_every_row(f);
    assert_int_equal(warm(cache), charged);
    assert_true(wg_cache_demote(cache, wg_fragment_cache_entry(f)));
    assert_true(!told || resident_of_files() < before + HALF);
    assert_int_equal(warm(cache), 0);
    read_every_row(f);
    assert_int_equal(warm(cache), charged);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_stripe_charges_blocks_when_they_are_touched),
        T(test_stripe_reads_on_after_eviction),
        T(test_stripe_over_its_cap_is_refused),
        T(test_stripe_threads_read_the_same_under_eviction),
        T(test_stripe_finds_the_first_row_not_below),
        T(test_stripe_numbers_are_asked_of_number_columns_only),
        T(test_stripe_prefetch_charges_nothing),
        T(test_stripe_dump_stops_when_told),
        T(test_stripe_gives_back_pages_that_nobody_charged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
