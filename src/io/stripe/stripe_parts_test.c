/* Tests of blocks with checksums of parts: what a read of few rows touches, and what it does not notice of damage elsewhere. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "io/segment/test_repair.h"
#include "io/stripe/stripe.h"

enum { ROWS = 400, TEXT_BYTES = 1600, PART = WG_ARC1_PART_BYTES };
/* Columns: texts of many sizes with characters of 1 to 4 bytes, bytes, values of two types, twelve long words. */
enum { TEXTS, RAW, VALUES, WORDS, COLUMNS };

static const uint8_t uuid[16] = {4, 5, 6};
static const char path[] = "/s/00000000000000000001.arc1";
static wg_platform *sim;
static wg_str cells[COLUMNS][ROWS];
static wg_value values[ROWS];
static uint8_t valid[ROWS / 8];
static char pool[1 << 20];

static void fill_pool(void) {
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d", "z"};
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(17));
    for (size_t at = 0; at + 4 < sizeof pool;) {
        const char *c = characters[wg_rng_below(&rng, 5)];
        memcpy(pool + at, c, strlen(c));
        at += strlen(c);
    }
}

/* About `size` whole characters' bytes from a place that depends on i. */
static wg_str text_at(uint32_t i, size_t size) {
    size_t begin = (size_t)i * 2011 % (sizeof pool / 2);
    while (((uint8_t)pool[begin] & 0xc0) == 0x80) begin++;
    size_t end = begin + size;
    while (((uint8_t)pool[end] & 0xc0) == 0x80) end++;
    return (wg_str){pool + begin, end - begin};
}

static int setup(void **state) {
    (void)state;
    fill_pool();
    for (uint32_t i = 0; i < ROWS; i++) {
        cells[TEXTS][i] = text_at(i, i % 7 == 0 ? 0 : i == 200 ? 3 * PART : TEXT_BYTES + i % 9);
        cells[RAW][i] = text_at(i + ROWS, TEXT_BYTES);
        cells[WORDS][i] = text_at(i % 12, 20000 + i % 12);
        const wg_str s = text_at(i * 2, TEXT_BYTES);
        values[i] = i % 3 == 0 ? wg_value_int(i) : wg_value_str(wg_slice_of_str(s));
        if (i % 5 != 0) wg_bit_set(valid, i);
    }
    if (wg_platform_sim_create(7, &sim, NULL) != WG_OK) return 1;
    return sim->ops->make_directory(sim, "/s", NULL) == WG_OK ? 0 : 1;
}

static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
}

static wg_code try_write(uint64_t parts_from, wg_error *err) {
    const wg_stripe_column columns[COLUMNS] = {
        {1, {.type = WG_TYPE_STRING, .data = cells[TEXTS], .valid = valid}},
        {2, {.type = WG_TYPE_BYTES, .data = cells[RAW]}},
        {3, {.type = WG_TYPE_ANY, .data = values}},
        {4, {.type = WG_TYPE_STRING, .data = cells[WORDS]}},
    };
    wg_stripe_options o = {.parts_from = parts_from};
    memcpy(o.store_uuid, uuid, 16);
    wg_stripe_writer *w;
    uint64_t bytes;
    const wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS}, .row_count = ROWS};
    WG_TRY(wg_stripe_create(sim, "/s", 1, &o, &w, err));
    const wg_code code = wg_stripe_add(w, &head, columns, COLUMNS, err);
    if (code == WG_OK) return wg_stripe_finish(w, &bytes, err);
    wg_stripe_abort(w);
    return code;
}

static void write_stripe(uint64_t parts_from) {
    wg_error err = {0};
    if (try_write(parts_from, &err) != WG_OK) fail_msg("%s", err.message);
}

static wg_buf read_all(void) {
    wg_file *file;
    wg_file_info info;
    wg_buf out = {0};
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_READ, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->file_info(sim, file, &info, NULL), WG_OK);
    assert_true(wg_buf_reserve(&out, (size_t)info.size));
    assert_int_equal(sim->ops->read_at(sim, file, 0, out.data, (size_t)info.size, &out.size, NULL), WG_OK);
    sim->ops->close(sim, file);
    return out;
}

static void write_all(const wg_buf *bytes) {
    wg_file *file;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, file, 0, bytes->data, bytes->size, NULL), WG_OK);
    assert_int_equal(sim->ops->sync(sim, file, NULL), WG_OK);
    sim->ops->close(sim, file);
}

static wg_stripe *open_stripe(wg_cache *cache) {
    wg_stripe *s;
    wg_error err = {0};
    if (wg_stripe_open(sim, "/s", 1, uuid, cache, NULL, &s, &err) != WG_OK) fail_msg("%s", err.message);
    return s;
}

static wg_code read_cell(const wg_fragment *f, uint32_t column, uint32_t row, bool *out_right, wg_error *err) {
    wg_arena arena;
    wg_value v;
    wg_arena_init(&arena, NULL);
    const wg_code code = wg_fragment_cell(f, column, row, &arena, &v, err);
    if (code == WG_OK && column == VALUES) *out_right = wg_value_order(&v, &values[row]) == 0;
    else if (code == WG_OK && column == TEXTS && !wg_bit_get(valid, row)) *out_right = v.type == WG_TYPE_NULL;
    else if (code == WG_OK)
        *out_right = wg_slice_equal(wg_slice_of(v.as.s, v.size), wg_slice_of_str(cells[column][row]));
    wg_arena_deinit(&arena);
    return code;
}

static void assert_cell(const wg_fragment *f, uint32_t column, uint32_t row) {
    bool right = false;
    wg_error err = {0};
    if (read_cell(f, column, row, &right, &err) != WG_OK) fail_msg("%s", err.message);
    if (!right) fail_msg("column %u, row %u", column, row);
}

static uint64_t warm(const wg_cache *cache) {
    wg_cache_class_stats stats;
    wg_cache_stats(cache, WG_L1_CPU_WARM, &stats);
    return stats.bytes;
}

/* What the footer says of a column. */
static wg_arc1_column column_of(const wg_buf *file, uint32_t column) {
    wg_arc1_header h;
    wg_arc1_trailer t;
    wg_arc1_fragment f;
    wg_arc1_column c;
    const wg_slice all = wg_buf_slice(file);
    assert_int_equal(wg_arc1_header_decode(all, &h, NULL), WG_OK);
    assert_int_equal(wg_arc1_trailer_decode(all, &h, &t, NULL), WG_OK);
    wg_arc1_cursor cursor = {.footer = wg_slice_of(file->data + t.footer_offset, (size_t)t.footer_bytes),
                             .footer_offset = t.footer_offset,
                             .block_end = WG_ARC1_HEADER_BYTES,
                             .has_parts = h.minor >= WG_ARC1_MINOR_PARTS};
    assert_int_equal(wg_arc1_fragment_decode(&cursor, &f, NULL), WG_OK);
    for (uint32_t i = 0; i <= column; i++) assert_int_equal(wg_arc1_column_decode(&cursor, &c, NULL), WG_OK);
    return c;
}

/* Where the column's string of a row begins in the file. */
static uint64_t place_of(const wg_buf *file, uint32_t column, uint32_t row) {
    const wg_arc1_column c = column_of(file, column);
    const wg_arc1_block block = {.column = &c, .row_count = ROWS, .raw = file->data + c.offset};
    uint64_t begin = 0, end = 0;
    wg_arc1_block_place(&block, row, &begin, &end);
    return c.offset + begin;
}

/* ---- */

static void test_parts_are_written_for_large_blocks_only(void **state) {
    /* Goal: the minor version rises only with the first block that needs it; an older reader's view of the file stays whole. */
    (void)state;
    write_stripe(UINT64_MAX);
    wg_buf plain = read_all();
    assert_int_equal(plain.data[ARC1_H_MINOR], 0);
    for (uint32_t c = 0; c < COLUMNS; c++) assert_int_equal(column_of(&plain, c).part_count, 0);
    write_stripe(0);
    wg_buf parts = read_all();
    assert_int_equal(parts.data[ARC1_H_MINOR], WG_ARC1_MINOR_PARTS);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const wg_arc1_column a = column_of(&plain, i), b = column_of(&parts, i);
        const bool large = a.stored_bytes >= UINT64_C(256) << 10;
        assert_int_equal(large, i != WORDS); /* twelve words are 240 KB */
        assert_int_equal(b.part_count, large ? wg_arc1_part_count(a.stored_bytes) : 0);
        assert_int_equal(a.crc, b.crc);
        assert_int_equal(a.offset, b.offset);
    }
    wg_buf_deinit(&plain);
    wg_buf_deinit(&parts);
}

static void test_parts_give_every_cell(void **state) {
    /* Goal: all cells in order and in a mixed one, by cell and by run, are what was written; the whole check passes. */
    (void)state;
    write_stripe(1);
    for (int pass = 0; pass < 2; pass++) {
        wg_stripe *s = open_stripe(NULL);
        const wg_fragment *f = wg_stripe_fragment(s, 0);
        for (uint32_t c = 0; c < COLUMNS; c++)
            for (uint32_t i = 0; i < ROWS; i++) assert_cell(f, c, pass == 0 ? i : i * 167 % ROWS);
        wg_fragment_scratch scratch = {0};
        wg_vector v;
        assert_int_equal(wg_fragment_read(f, WORDS, 3, 77, &scratch, &v, NULL), WG_OK);
        for (uint32_t i = 0; i < 77; i++)
            assert_true(
                wg_slice_equal(wg_slice_of_str(((const wg_str *)v.data)[i]), wg_slice_of_str(cells[WORDS][3 + i])));
        wg_fragment_scratch_deinit(&scratch);
        assert_int_equal(wg_stripe_check(s, NULL), WG_OK);
        wg_stripe_close(s);
    }
}

static void test_parts_are_charged_when_they_are_touched(void **state) {
    /* Goal: one cell costs the index and the parts that it lies in; all cells cost the column's pages; none is charged twice. */
    (void)state;
    write_stripe(1);
    wg_cache *cache;
    assert_int_equal(wg_cache_create(NULL, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    const uint64_t whole = f->columns[TEXTS].stored_bytes;
    assert_cell(f, TEXTS, 101);
    assert_in_range(warm(cache), PART / 2, 3 * PART);
    const uint64_t one = warm(cache);
    assert_cell(f, TEXTS, 101);
    assert_int_equal(warm(cache), one);
    for (uint32_t i = 0; i < ROWS; i++) assert_cell(f, TEXTS, i);
    assert_in_range(warm(cache), whole, whole + 2 * WG_ARC1_PAGE);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

static void test_parts_are_read_under_a_cap_below_the_column(void **state) {
    /* Goal: a column larger than the cap is read cell by cell and in runs, and the cap holds; who wants all of it in memory is
     * told that it does not fit. */
    (void)state;
    write_stripe(1);
    wg_cache *cache;
    const wg_tier_budget budget = {.warm = 5 * PART};
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    assert_true(f->columns[TEXTS].stored_bytes > budget.warm);
    assert_true(f->columns[RAW].stored_bytes > budget.warm);
    for (uint32_t i = 0; i < 3 * ROWS; i++) {
        assert_cell(f, i % 2 == 0 ? TEXTS : RAW, i * 167 % ROWS);
        assert_true(warm(cache) <= budget.warm);
    }
    wg_error err = {0};
    const uint32_t id = 1;
    assert_int_equal(wg_fragment_require(f, &id, 1, WG_SPEED_LANE_ONLY, &err), WG_E_CAPACITY);
    assert_non_null(strstr(err.message, "BelowSpeedLane"));
    assert_int_equal(wg_fragment_require(f, &id, 1, WG_SPEED_LANE_PREFER, &err), WG_OK);
    assert_true(warm(cache) <= budget.warm);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

static void test_parts_notice_damage_where_it_is(void **state) {
    /* Goal: a flipped byte makes the cells of its part WG_E_CORRUPT with the part's offset, and no other cell; in the index, all; the
     * whole check finds either. */
    (void)state;
    write_stripe(1);
    wg_buf file = read_all();
    const uint64_t at = place_of(&file, RAW, 250) + 5;
    const wg_arc1_column c = column_of(&file, RAW);
    const uint64_t part = (at - c.offset) / PART;
    file.data[at] ^= 0x10;
    write_all(&file);
    wg_stripe *s = open_stripe(NULL);
    uint32_t damaged = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        bool right = false;
        wg_error err = {0};
        const uint64_t begin = place_of(&file, RAW, i) - c.offset;
        const bool touches =
            begin / PART <= part && (begin + cells[RAW][i].size - 1) / PART >= part && cells[RAW][i].size != 0;
        const wg_code code = read_cell(wg_stripe_fragment(s, 0), RAW, i, &right, &err);
        assert_int_equal(code, touches ? WG_E_CORRUPT : WG_OK);
        assert_int_equal(right, !touches);
        if (touches) assert_int_equal(err.offset, c.offset + part * PART);
        damaged += touches;
    }
    assert_in_range(damaged, 20, 60);
    assert_int_equal(wg_stripe_check(s, NULL), WG_E_CORRUPT);
    wg_stripe_close(s);
    file.data[at] ^= 0x10;
    file.data[c.offset + 9] ^= 1; /* an offset */
    write_all(&file);
    s = open_stripe(NULL);
    bool right = false;
    assert_int_equal(read_cell(wg_stripe_fragment(s, 0), RAW, 399, &right, NULL), WG_E_CORRUPT);
    assert_int_equal(read_cell(wg_stripe_fragment(s, 0), TEXTS, 399, &right, NULL), WG_OK);
    wg_stripe_close(s);
    wg_buf_deinit(&file);
}

/* All that a reader may ask of a column: cells, a run, a run with its dictionary. The first refusal is returned; what is given is right. */
static wg_code read_much(const wg_fragment *f, uint32_t column, wg_error *err) {
    wg_fragment_scratch scratch = {0};
    wg_vector v;
    wg_code code = WG_OK;
    for (uint32_t row = 0; row < ROWS && code == WG_OK; row += 57) {
        bool right = false;
        code = read_cell(f, column, row, &right, err);
        if (code == WG_OK && !right) fail_msg("column %u, row %u", column, row);
    }
    if (code == WG_OK) code = wg_fragment_read(f, column, 3, 5, &scratch, &v, err);
    if (code == WG_OK && column == WORDS) {
        const wg_value cell = wg_vector_value(&v, 4);
        assert_true(wg_slice_equal(wg_slice_of(cell.as.s, cell.size), wg_slice_of_str(cells[WORDS][7])));
    }
    for (int i = 0; i < 2 && code == WG_OK; i++) code = wg_fragment_read_coded(f, column, 8, 5, &scratch, &v, err);
    if (code == WG_OK && column == WORDS) {
        const wg_value cell = wg_vector_value(&v, 1);
        assert_true(wg_slice_equal(wg_slice_of(cell.as.s, cell.size), wg_slice_of_str(cells[WORDS][9])));
    }
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

static void test_parts_are_refused_whole_under_caps_that_are_too_small(void **state) {
    /* Goal: under any cap a read gives what is right or WG_E_CAPACITY, and never passes the cap; without room for one part nothing is read,
     * with room for all everything is. */
    (void)state;
    write_stripe(1);
    uint32_t refused = 0;
    uint32_t given = 0;
    for (uint64_t pages = 1; pages <= 64; pages += pages < 8 ? 1 : 7) {
        const wg_tier_budget budget = {.warm = pages * WG_ARC1_PAGE * (pages == 64 ? 1000 : 1)};
        wg_cache *cache;
        assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
        wg_stripe *s = open_stripe(cache);
        for (uint32_t column = 0; column < COLUMNS; column++) {
            wg_error err = {0};
            const wg_code code = read_much(wg_stripe_fragment(s, 0), column, &err);
            assert_true(code == WG_OK || code == WG_E_CAPACITY);
            if (pages == 1) assert_int_equal(code, WG_E_CAPACITY);
            if (pages == 64) assert_int_equal(code, WG_OK);
            assert_true(warm(cache) <= budget.warm);
            refused += code != WG_OK;
            given += code == WG_OK;
        }
        wg_stripe_close(s);
        wg_cache_destroy(cache);
    }
    assert_true(refused >= COLUMNS && given >= COLUMNS);
}

static void test_parts_survive_refused_memory(void **state) {
    /* Goal: whichever allocation fails while a stripe is opened and read, the answer is WG_E_NOMEM and the next try is right. */
    (void)state;
    write_stripe(1);
    uint64_t refused = 0;
    for (uint64_t n = 1;; n++) {
        wg_stripe *s = NULL;
        wg_error err = {0};
        wg_memory_fail_at(n, false);
        wg_code code = wg_stripe_open(sim, "/s", 1, uuid, NULL, NULL, &s, &err);
        for (uint32_t column = 0; column < COLUMNS && code == WG_OK; column++)
            code = read_much(wg_stripe_fragment(s, 0), column, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) {
            wg_stripe_close(s);
            break;
        }
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
        if (s == NULL) continue;
        for (uint32_t column = 0; column < COLUMNS; column++)
            assert_int_equal(read_much(wg_stripe_fragment(s, 0), column, NULL), WG_OK);
        wg_stripe_close(s);
    }
    assert_true(refused > 4);
}

static void test_parts_refuse_an_index_that_is_wrong_but_sealed(void **state) {
    /* Goal: offsets that point backwards are refused although every checksum is right, each time they are asked for. */
    (void)state;
    write_stripe(1);
    wg_buf file = read_all();
    const wg_arc1_column c = column_of(&file, RAW);
    memset(file.data + c.offset + 8, 0xff, 8);
    repair(file.data, file.size);
    write_all(&file);
    wg_stripe *s = open_stripe(NULL);
    for (int i = 0; i < 2; i++) {
        bool right = false;
        wg_error err = {0};
        assert_int_equal(read_cell(wg_stripe_fragment(s, 0), RAW, 1, &right, &err), WG_E_CORRUPT);
        assert_int_equal(err.offset, c.offset);
    }
    wg_stripe_close(s);
    wg_buf_deinit(&file);
}

static void test_parts_are_written_whole_or_refused(void **state) {
    /* Goal: whichever allocation fails while a stripe is written, the writer says WG_E_NOMEM and leaves no file; the next try writes the
     * same bytes as an undisturbed one. */
    (void)state;
    write_stripe(1);
    wg_buf good = read_all();
    uint64_t refused = 0;
    for (uint64_t n = 1;; n++) {
        wg_error err = {0};
        (void)sim->ops->unlink(sim, path, NULL);
        wg_memory_fail_at(n, false);
        const wg_code code = try_write(1, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        refused++;
        wg_file_info info;
        assert_int_equal(sim->ops->stat(sim, path, &info, NULL), WG_E_NOT_FOUND);
    }
    wg_buf again = read_all();
    assert_true(refused > 4);
    assert_true(wg_slice_equal(wg_buf_slice(&good), wg_buf_slice(&again)));
    wg_buf_deinit(&good);
    wg_buf_deinit(&again);
}

/* Writes `size` bytes at a place of TEXTS, and makes all checksums right. Which rows can be read then? */
static void hostile_text(const wg_buf *good, uint64_t at, const char *bytes, size_t size, bool backwards) {
    wg_buf file = {0};
    assert_true(wg_buf_append(&file, good->data, good->size));
    memcpy(file.data + at, bytes, size);
    repair(file.data, file.size);
    write_all(&file);
    wg_stripe *s = open_stripe(NULL);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint32_t row = backwards ? ROWS - 1 - i : i;
        wg_arena arena;
        wg_value v;
        wg_arena_init(&arena, NULL);
        const wg_code code = wg_fragment_cell(f, TEXTS, row, &arena, &v, NULL);
        assert_true(code == WG_OK || code == WG_E_CORRUPT);
        if (code == WG_OK && v.type == WG_TYPE_STRING) assert_true(wg_utf8_valid(wg_slice_of(v.as.s, v.size), NULL));
        refused += code != WG_OK;
        wg_arena_deinit(&arena);
    }
    assert_true(refused > 0);
    assert_int_equal(wg_stripe_check(s, NULL), WG_E_CORRUPT);
    wg_stripe_close(s);
    wg_buf_deinit(&file);
}

static void test_parts_refuse_text_that_is_none(void **state) {
    /* Goal: under right checksums, bytes that are no UTF-8 reach nobody: inside a part, across each seam, at either end of a string,
     * in whatever order parts are read. */
    (void)state;
    write_stripe(1);
    wg_buf good = read_all();
    const wg_arc1_column c = column_of(&good, TEXTS);
    static const char *const broken[] = {"\xff", "\x80", "\xe2\x82", "\xf0\x9f\x8c", "\xc3", "\xed\xa0\x80"};
    for (uint32_t part = 1; part < c.part_count; part++)
        for (size_t b = 0; b < sizeof broken / sizeof *broken; b++)
            for (uint64_t before = 0; before <= 4; before++) {
                const uint64_t at = c.offset + (uint64_t)part * PART - before;
                const size_t size = strlen(broken[b]);
                /* Only where what follows cannot make it whole again: an ASCII byte goes behind it. */
                char bytes[8];
                memcpy(bytes, "z", 1);
                memcpy(bytes + 1, broken[b], size);
                bytes[size + 1] = 'z';
                if ((part + b + before) % 3 == 0) hostile_text(&good, at, bytes, size + 2, (part + b) % 2 == 0);
            }
    /* A character of two strings: the first one ends in it. */
    for (uint32_t row = 1; row < ROWS; row += 31) {
        const uint64_t at = place_of(&good, TEXTS, row);
        if (cells[TEXTS][row].size < 2 || cells[TEXTS][row - 1].size < 2) continue;
        hostile_text(&good, at - 2, "z\xc3\xa9z", 4, row % 2 == 0);
    }
    wg_buf_deinit(&good);
}

static void test_parts_refuse_records_out_of_place(void **state) {
    /* Goal: checksums of parts lie behind the zones, inside the record, in order, and only where the file and the block can have
     * them; a wrong checksum of the whole is found by the check although all parts are right. */
    (void)state;
    write_stripe(1);
    wg_buf good = read_all();
    const uint8_t *end = good.data + good.size - WG_ARC1_TRAILER_BYTES;
    const size_t record = (size_t)wg_load_u64le(end + ARC1_T_FOOTER_OFFSET);
    const size_t size = wg_load_u32le(good.data + record + ARC1_F_BYTES);
    const size_t first = record + WG_ARC1_FRAGMENT_BYTES;
    const uint32_t parts = wg_load_u32le(good.data + first + ARC1_C_PARTS);
    assert_int_equal(wg_load_u16le(good.data + record + ARC1_F_COLUMN_BYTES), WG_ARC1_COLUMN_PARTS_BYTES);
    const uint32_t wrong[] = {
        1,       4,          parts + 1,     parts - 4, parts + 4, (uint32_t)size, (uint32_t)size - 4,
        1 << 30, UINT32_MAX, UINT32_MAX - 3};
    wg_stripe *s;
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        wg_buf file = {0};
        assert_true(wg_buf_append(&file, good.data, good.size));
        if (i < sizeof wrong / sizeof *wrong) wg_store_u32le(file.data + first + ARC1_C_PARTS, wrong[i]);
        else wg_store_u32le(file.data + first + ARC1_C_PARTS_ZERO, 1);
        repair(file.data, file.size);
        write_all(&file);
        assert_int_equal(wg_stripe_open(sim, "/s", 1, uuid, NULL, NULL, &s, NULL), WG_E_CORRUPT);
        wg_buf_deinit(&file);
    }
    good.data[ARC1_H_MINOR] = 0; /* which has no such records */
    repair(good.data, good.size);
    write_all(&good);
    assert_int_equal(wg_stripe_open(sim, "/s", 1, uuid, NULL, NULL, &s, NULL), WG_E_CORRUPT);
    good.data[ARC1_H_MINOR] = WG_ARC1_MINOR_PARTS;
    repair(good.data, good.size);
    good.data[first + ARC1_C_CRC] ^= 1;
    uint8_t *trailer = good.data + good.size - WG_ARC1_TRAILER_BYTES;
    wg_arc1_header h;
    assert_int_equal(wg_arc1_header_decode(wg_buf_slice(&good), &h, NULL), WG_OK);
    wg_store_u32le(trailer + ARC1_T_FOOTER_CRC, wg_arc1_crc(&h, record, good.data + record, size));
    wg_store_u32le(trailer + ARC1_T_CRC, wg_arc1_crc(&h, good.size - WG_ARC1_TRAILER_BYTES, trailer, ARC1_T_CRC));
    write_all(&good);
    s = open_stripe(NULL);
    assert_cell(wg_stripe_fragment(s, 0), TEXTS, 1);
    assert_int_equal(wg_stripe_check(s, NULL), WG_E_CORRUPT);
    wg_stripe_close(s);
    wg_buf_deinit(&good);
}

/* ---- threads */

enum { THREADS = 4, READS = 600 };

typedef struct reader {
    wg_thread thread;
    const wg_fragment *fragment;
    uint64_t seed;
    uint64_t wrong;
} reader;

static void read_on(void *arg) {
    reader *self = arg;
    wg_rng rng;
    wg_rng_init(&rng, self->seed);
    for (int i = 0; i < READS; i++) {
        bool right = false;
        const uint32_t column = (uint32_t)wg_rng_below(&rng, COLUMNS);
        const wg_code code = read_cell(self->fragment, column, (uint32_t)wg_rng_below(&rng, ROWS), &right, NULL);
        self->wrong += code != WG_OK || !right;
    }
}

static void test_parts_are_read_by_threads(void **state) {
    /* Goal: threads that check and evict one another's parts read what was written. */
    (void)state;
    write_stripe(1);
    wg_cache *cache;
    const wg_tier_budget budget = {.warm = 8 * PART};
    assert_int_equal(wg_cache_create(&budget, NULL, &cache, NULL), WG_OK);
    wg_stripe *s = open_stripe(cache);
    reader readers[THREADS] = {0};
    wg_code started[THREADS];
    for (int i = 0; i < THREADS; i++) {
        readers[i].fragment = wg_stripe_fragment(s, 0);
        readers[i].seed = wg_test_seed((uint64_t)i + 1);
        started[i] = wg_thread_start(&readers[i].thread, read_on, &readers[i], NULL);
    }
    for (int i = 0; i < THREADS; i++)
        if (started[i] == WG_OK) wg_thread_join(&readers[i].thread);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(started[i], WG_OK);
        assert_int_equal(readers[i].wrong, 0);
    }
    assert_true(warm(cache) <= budget.warm);
    wg_stripe_close(s);
    wg_cache_destroy(cache);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_parts_are_written_for_large_blocks_only),
        T(test_parts_give_every_cell),
        T(test_parts_are_charged_when_they_are_touched),
        T(test_parts_are_read_under_a_cap_below_the_column),
        T(test_parts_notice_damage_where_it_is),
        T(test_parts_are_refused_whole_under_caps_that_are_too_small),
        T(test_parts_survive_refused_memory),
        T(test_parts_refuse_an_index_that_is_wrong_but_sealed),
        T(test_parts_are_written_whole_or_refused),
        T(test_parts_refuse_text_that_is_none),
        T(test_parts_refuse_records_out_of_place),
        T(test_parts_are_read_by_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
