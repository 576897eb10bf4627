/* Tests of ARC1's bytes: the examples of docs/format/arc1.md, the choice of encodings, zone maps, packed numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "io/segment/segment_internal.h"

static wg_arc1_encoder *encoder;

static int setup(void **state) {
    (void)state;
    return wg_arc1_encoder_create(false, false, NULL, &encoder, NULL) == WG_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_arc1_encoder_destroy(encoder);
    return 0;
}

static wg_arc1_column encode(wg_vector v, uint32_t rows, wg_buf *out) {
    wg_arc1_column c = {.id = 1};
    wg_error err = {0};
    if (wg_arc1_encode(encoder, &v, rows, &c, out, &err) != WG_OK) fail_msg("%s", err.message);
    return c;
}

/* `hex` without blanks; the whole data behind the bitmap. */
static void assert_data(wg_vector v, uint32_t rows, wg_encoding encoding, const char *hex) {
    wg_buf out = {0};
    const wg_arc1_column c = encode(v, rows, &out);
    assert_int_equal(c.encoding, encoding);
    assert_int_equal(c.stored_bytes, out.size);
    const size_t skip = (size_t)arc1_valid_bytes(&c, rows);
    char text[1024] = "";
    assert_true(2 * out.size < sizeof text);
    for (size_t i = skip; i < out.size; i++) snprintf(text + 2 * (i - skip), 3, "%02X", out.data[i]);
    assert_string_equal(text, hex);
    wg_buf_deinit(&out);
}

static wg_vector ints(const int64_t *cells) { return (wg_vector){.type = WG_TYPE_INT, .data = cells}; }

static void test_segment_encodes_the_examples_of_the_page(void **state) {
    /* Goal: each example of docs/format/arc1.md, byte for byte. */
    (void)state;
    static const int64_t plain[] = {1, -2, INT64_MAX}, constant[] = {5, 5, 5, 5}, sequence[] = {10, 8, 6, 4};
    assert_data(ints(plain), 3, WG_ENCODING_PLAIN, "0100000000000000FEFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F");
    assert_data(ints(constant), 4, WG_ENCODING_CONSTANT, "");
    assert_data(ints(sequence), 4, WG_ENCODING_SEQUENCE, "");
    static const int64_t nulls[] = {7, 0, INT64_C(9000000000000000000)};
    static const uint8_t valid = 5;
    wg_vector v = ints(nulls);
    v.valid = &valid;
    assert_data(v, 3, WG_ENCODING_PLAIN, "07000000000000000700000000000000000084E2506CE67C");
    static const int64_t packed[] = {100, 103, 101, 107, 100, 102, 105, 106, 104, 101};
    assert_data(ints(packed), 10, WG_ENCODING_BIT_PACKED, "580ED50C00000000");
    static const uint8_t bools[] = {1, 0, 1, 1, 0, 0, 0, 1, 1, 0};
    assert_data((wg_vector){.type = WG_TYPE_BOOL, .data = bools}, 10, WG_ENCODING_BIT_PACKED, "8D01000000000000");
    static const double runs[] = {1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 2, 2, 2, 2, 2};
    assert_data((wg_vector){.type = WG_TYPE_FLOAT, .data = runs}, 12, WG_ENCODING_RUN_LENGTH,
                "000000000000F83F0000000000000040070000000C000000");
    static const double few[] = {1.5, 2, 1.5, 2, 1.5, 3, 3, 1.5, 2, 1.5, 3, 2};
    assert_data((wg_vector){.type = WG_TYPE_FLOAT, .data = few}, 12, WG_ENCODING_DICTIONARY,
                "000000000000F83F000000000000004000000000000008404428610000000000");
    static const wg_str strings[] = {{"a", 1}, {NULL, 0}, {"bcd", 3}};
    assert_data((wg_vector){.type = WG_TYPE_STRING, .data = strings}, 3, WG_ENCODING_PLAIN,
                "0000000001000000010000000400000061626364");
    static const wg_str words[] = {{"red", 3},   {"green", 5}, {"red", 3},  {"red", 3},
                                   {"green", 5}, {"blue", 4},  {"blue", 4}, {"red", 3}};
    assert_data((wg_vector){.type = WG_TYPE_STRING, .data = words}, 8, WG_ENCODING_DICTIONARY,
                "04290000000000000000000003000000080000000C000000726564677265656E626C7565");
    static const int64_t delta[] = {1,          1000000001, 2000000003, 3000000004,
                                    4000000004, 5000000005, 6000000009, 7000000009};
    assert_data(ints(delta), 8, WG_ENCODING_DELTA,
                "010000000000000000CA9A3B0000000000000000030000005010020000000000");
    const wg_value values[] = {wg_value_int(64), wg_value_bool(true), wg_value_null()};
    assert_data((wg_vector){.type = WG_TYPE_ANY, .data = values}, 3, WG_ENCODING_PLAIN,
                "000000000300000005000000050000000280010101");
    static const wg_str one[] = {{"x", 1}, {"x", 1}};
    assert_data((wg_vector){.type = WG_TYPE_STRING, .data = one}, 2, WG_ENCODING_CONSTANT, "78");
}

static void test_segment_keeps_plain_unless_an_eighth_is_saved(void **state) {
    /* Goal: the rule's edge: 56 bits a cell are 7/8 and are packed, 57 bits stay plain. */
    (void)state;
    int64_t cells[64];
    for (uint32_t bits = 56; bits <= 57; bits++) {
        wg_rng rng;
        wg_rng_init(&rng, bits);
        for (uint32_t i = 0; i < 64; i++) cells[i] = wg_i64_of_u64(wg_rng_next(&rng) >> (64 - bits));
        cells[0] = 0;
        cells[1] = wg_i64_of_u64((UINT64_C(1) << bits) - 1);
        wg_buf out = {0};
        const wg_arc1_column c = encode(ints(cells), 64, &out);
        assert_int_equal(c.encoding, bits == 56 ? WG_ENCODING_BIT_PACKED : WG_ENCODING_PLAIN);
        assert_int_equal(out.size, bits == 56 ? 448 : 512);
        uint64_t back[64];
        assert_true(wg_buf_append(&out, back, 8)); /* the bytes that a load may reach */
        const wg_arc1_block block = {&c, 64, out.data};
        assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
        wg_arc1_block_u64(&block, 0, 64, back);
        assert_memory_equal(back, cells, sizeof cells);
        wg_buf_deinit(&out);
    }
}

static void expect_decimals(const double *values, uint32_t rows, bool are, uint64_t exponent) {
    wg_buf out = {0};
    wg_arc1_encoder_decimals(encoder, true);
    const wg_arc1_column c = encode((wg_vector){.type = WG_TYPE_FLOAT, .data = values}, rows, &out);
    wg_arc1_encoder_decimals(encoder, false);
    assert_int_equal(c.encoding == WG_ENCODING_DECIMAL, are);
    if (are) assert_int_equal(c.step, exponent);
    uint64_t back[600];
    assert_true(rows <= 600 && wg_buf_append(&out, back, 8)); /* the bytes that a load may reach */
    const wg_arc1_block block = {&c, rows, out.data};
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
    wg_arc1_block_u64(&block, 0, rows, back);
    assert_memory_equal(back, values, rows * sizeof *values);
    for (uint32_t i = 0; i < rows; i++) {
        const uint64_t at = wg_arc1_block_u64_at(&block, i);
        assert_memory_equal(&at, &values[i], sizeof at);
    }
    wg_buf_deinit(&out);
}

static void test_segment_stores_decimal_fractions(void **state) {
    /* Goal: the example of the page; doubles with few decimals are stored as such and come back bit for bit; what is none, be it one cell
     * among many, is kept as it is. */
    (void)state;
    static const double page[] = {0.25, 1.5, 0.75};
    wg_arc1_encoder_decimals(encoder, true);
    assert_data((wg_vector){.type = WG_TYPE_FLOAT, .data = page}, 3, WG_ENCODING_DECIMAL, "80BE0C0000000000");
    wg_arc1_encoder_decimals(encoder, false);
    double values[600];
    wg_rng rng;
    wg_rng_init(&rng, 9);
    double power = 1;
    for (uint32_t e = 0; e <= 9; e++, power *= 10) {
        for (uint32_t i = 0; i < 600; i++) values[i] = ((double)wg_rng_below(&rng, 2000000) - 1000000) / power;
        values[0] = 1 / power;
        expect_decimals(values, 600, true, e);
        values[599] = 1 / (power * 10); /* one decimal more, after the sample */
        expect_decimals(values, 600, true, e + 1);
    }
    static const double odd[] = {-0.0, 1e300, 1.0 / 3, 9e15};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        for (uint32_t k = 0; k < 600; k++) values[k] = (double)wg_rng_below(&rng, 1000) / 10 + (double)k;
        values[i % 2 == 0 ? 599 : 0] = odd[i];
        expect_decimals(values, 600, false, 0);
    }
    const uint64_t nan = UINT64_C(0x7ff8000000000001);
    memcpy(&values[300], &nan, sizeof nan);
    expect_decimals(values, 600, false, 0);
}

static void test_segment_packs_every_width(void **state) {
    /* Goal: numbers of every width and several counts come back, from any position. */
    (void)state;
    for (uint32_t width = 0; width <= WG_ARC1_PACKED_WIDTH_MAX; width++)
        for (uint32_t count = 0; count < 70; count += 1 + count / 3) {
            uint64_t values[70];
            wg_rng rng;
            wg_rng_init(&rng, width * 100 + count);
            for (uint32_t i = 0; i < count; i++) values[i] = width == 0 ? 0 : wg_rng_next(&rng) >> (64 - width);
            wg_buf out = {0};
            assert_true(wg_arc1_pack(values, count, width, &out));
            assert_int_equal(out.size, wg_arc1_packed_bytes(count, width));
            assert_true(wg_buf_append_u64(&out, UINT64_MAX));
            for (uint32_t i = 0; i < count; i++) assert_true(wg_arc1_packed_at(out.data, width, i) == values[i]);
            wg_buf_deinit(&out);
        }
}

/* ---- zones */

static void assert_string_zone(wg_type type, wg_str s, const char *min, const char *max) {
    wg_buf out = {0};
    const wg_arc1_column c = encode((wg_vector){.type = type, .data = &s}, 1, &out);
    assert_true(c.has_zone == (max != NULL));
    if (max != NULL) {
        assert_true(wg_slice_is(c.min, min));
        assert_true(wg_slice_is(c.max, max));
        assert_true(wg_slice_compare(c.min, wg_slice_of_str(s)) <= 0);
        assert_true(wg_slice_compare(c.max, wg_slice_of_str(s)) >= 0);
    }
    wg_buf_deinit(&out);
    wg_arc1_encoder_reset(encoder);
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_segment_zones_of_long_strings_are_cut_and_raised(void **state) {
    /* Goal: a prefix below, a raised prefix above, cut at characters, with carry; none when nothing can be raised. */
    (void)state;
    static const struct {
        const char *text, *min, *max;
    } rows[] = {
        {"", "", ""},
        {A63 "a", A63 "a", A63 "a"},
        {A63 "aa", A63 "a", A63 "b"},
        {A63 "\x7f"
             "a",
         A63 "\x7f", A61 "ab"},                                        /* next would be two bytes: the one before */
        {A63 "\xc3\xa9", A63, A61 "ab"},                               /* cut before the character */
        {A61 "a\xc3\xa9z", A61 "a\xc3\xa9", A61 "a\xc3\xaa"},          /* a character of two bytes is raised */
        {A61 "a\xc3\xbfz", A61 "a\xc3\xbf", A61 "a\xc4\x80"},          /* with carry */
        {A61 "a\xdf\xbfz", A61 "a\xdf\xbf", A61 "b"},                  /* the last of two bytes */
        {A61 "\xed\x9f\xbfz", A61 "\xed\x9f\xbf", A61 "\xee\x80\x80"}, /* over the surrogates */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_zone(WG_TYPE_STRING, (wg_str){rows[i].text, strlen(rows[i].text)}, rows[i].min, rows[i].max);
    char bytes[80];
    memset(bytes, 0xff, sizeof bytes);
    assert_string_zone(WG_TYPE_BYTES, (wg_str){bytes, 80}, NULL, NULL); /* nothing is above */
    bytes[0] = 'a';
    char low[65] = "a";
    memset(low + 1, 0xff, 63);
    assert_string_zone(WG_TYPE_BYTES, (wg_str){bytes, 80}, low, "b");
    memset(bytes, 0x80, sizeof bytes); /* text that no caller should give: no zone rather than a wrong one */
    assert_string_zone(WG_TYPE_STRING, (wg_str){bytes, 80}, NULL, NULL);
    bytes[0] = 'a';
    assert_string_zone(WG_TYPE_STRING, (wg_str){bytes, 80}, NULL, NULL);
    bytes[64] = 'b';
    assert_string_zone(WG_TYPE_STRING, (wg_str){bytes, 80}, NULL, NULL);
    char top[81];
    for (size_t i = 0; i < 20; i++) memcpy(top + 4 * i, "\xf4\x8f\xbf\xbf", 5); /* the last character of all */
    assert_string_zone(WG_TYPE_STRING, (wg_str){top, 80}, NULL, NULL);
    for (size_t i = 0; i < 20; i++) memcpy(top + 4 * i, i == 15 ? "\xf0\x9f\x8c\x8d" : "\xf0\x9f\x8c\x8c", 5);
    wg_buf out = {0};
    const wg_str s = {top, 80};
    const wg_arc1_column c = encode((wg_vector){.type = WG_TYPE_STRING, .data = &s}, 1, &out);
    assert_int_equal(c.max.size, 64);
    assert_memory_equal(c.max.data + 60, "\xf0\x9f\x8c\x8e", 4);
    wg_buf_deinit(&out);
}

static void test_segment_zones_follow_the_order_of_the_type(void **state) {
    /* Goal: INT signed, NODE unsigned, FLOAT as numbers and none with NaN, nulls left out, none without a present cell. */
    (void)state;
    static const int64_t cells[] = {5, -1, 3};
    static const uint8_t valid = 5, none = 0;
    wg_buf out = {0};
    wg_arc1_column c = encode(ints(cells), 3, &out);
    assert_true(wg_load_u64le(c.min.data) == UINT64_MAX && wg_load_u64le(c.max.data) == 5);
    c = encode((wg_vector){.type = WG_TYPE_NODE, .data = cells}, 3, &out);
    assert_true(wg_load_u64le(c.min.data) == 3 && wg_load_u64le(c.max.data) == UINT64_MAX);
    c = encode((wg_vector){.type = WG_TYPE_INT, .data = cells, .valid = &valid}, 3, &out);
    assert_true(wg_load_u64le(c.min.data) == 3 && wg_load_u64le(c.max.data) == 5);
    assert_int_equal(c.null_count, 1);
    c = encode((wg_vector){.type = WG_TYPE_INT, .data = cells, .valid = &none}, 3, &out);
    assert_false(c.has_zone);
    assert_int_equal(c.encoding, WG_ENCODING_CONSTANT);
    double floats[] = {2, -7, 0.5};
    c = encode((wg_vector){.type = WG_TYPE_FLOAT, .data = floats}, 3, &out);
    assert_true(wg_f64_of_bits(wg_load_u64le(c.min.data)) == -7 && wg_f64_of_bits(wg_load_u64le(c.max.data)) == 2);
    floats[1] = __builtin_nan("");
    assert_false(encode((wg_vector){.type = WG_TYPE_FLOAT, .data = floats}, 3, &out).has_zone);
    const wg_value mixed[] = {wg_value_int(1), wg_value_float(2), wg_value_int(3)};
    c = encode((wg_vector){.type = WG_TYPE_ANY, .data = mixed}, 3, &out);
    assert_int_equal(c.cell_type, WG_TYPE_ANY);
    assert_false(c.has_zone);
    const wg_value same[] = {wg_value_int(4), wg_value_null(), wg_value_int(3)};
    c = encode((wg_vector){.type = WG_TYPE_ANY, .data = same}, 3, &out);
    assert_int_equal(c.cell_type, WG_TYPE_INT);
    assert_int_equal(c.null_count, 1);
    assert_true(wg_load_u64le(c.min.data) == 3 && wg_load_u64le(c.max.data) == 4);
    wg_buf_deinit(&out);
}

static void test_segment_dates_and_times_have_a_range(void **state) {
    /* Goal: cells at the ends of the ranges are stored, cells beyond are refused by writer and reader; null rows are free. */
    (void)state;
    const int64_t day_ns = INT64_C(86400000000000);
    static const wg_type types[] = {WG_TYPE_DATE, WG_TYPE_LOCAL_TIME};
    const int64_t good[2][2] = {{WG_DAYS_MIN, WG_DAYS_MAX}, {0, day_ns - 1}};
    const int64_t bad[2][2] = {{WG_DAYS_MIN - 1, WG_DAYS_MAX + 1}, {-1, day_ns}};
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 0; i < 2; i++) {
            int64_t cells[2] = {good[t][0], good[t][1]};
            wg_buf out = {0};
            wg_error err = {0};
            uint8_t valid = 1;
            const wg_vector v = {.type = types[t], .data = cells};
            wg_vector nulls = {.type = types[t], .data = cells, .valid = &valid};
            wg_arc1_column c = encode(v, 2, &out);
            assert_int_equal(c.encoding, WG_ENCODING_SEQUENCE);
            wg_arc1_block block = {&c, 2, out.data};
            assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
            c.step +=
                i == 0 ? 1 : UINT64_MAX - (uint64_t)(good[t][1] - good[t][0]); /* the second row leaves the range */
            assert_int_equal(wg_arc1_block_check(&block, &err), WG_E_CORRUPT);
            assert_non_null(strstr(err.message, "out of range"));
            cells[1] = bad[t][i];
            assert_int_equal(wg_arc1_encode(encoder, &v, 2, &c, &out, NULL), WG_E_MISUSE);
            out.size = 0;
            encode(nulls, 2, &out); /* the bad cell is null */
            wg_buf_deinit(&out);
        }
}

static void test_segment_reads_wide_offsets_and_plain_bools(void **state) {
    /* Goal: blocks that only huge columns have, made by hand: 64-bit offsets; and BOOL cells of a byte, copied. */
    (void)state;
    wg_buf raw = {0};
    static const uint64_t offsets[] = {0, 1, 1, 4};
    for (size_t i = 0; i < 4; i++) assert_true(wg_buf_append_u64(&raw, offsets[i]));
    assert_true(wg_buf_append(&raw, "abcd        ", 12));
    const wg_arc1_column strings = {
        .type = WG_TYPE_STRING, .cell_type = WG_TYPE_STRING, .width = 64, .raw_bytes = 36};
    wg_arc1_block block = {&strings, 3, raw.data};
    wg_str out[3];
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
    wg_arc1_block_str(&block, 0, 3, out);
    assert_true(wg_slice_is(wg_slice_of_str(out[0]), "a") && out[1].size == 0);
    assert_true(wg_slice_is(wg_slice_of_str(out[2]), "bcd"));
    wg_store_u64le(raw.data + 24, UINT64_C(1) << 33);
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_E_CORRUPT);
    wg_buf_deinit(&raw);
    static const uint8_t bytes[16] = {1, 0, 1, 2};
    const wg_arc1_column bools = {.type = WG_TYPE_BOOL, .cell_type = WG_TYPE_BOOL, .raw_bytes = 3};
    block = (wg_arc1_block){&bools, 3, bytes};
    uint8_t cells[3];
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
    wg_arc1_block_bool(&block, 1, 2, cells);
    assert_memory_equal(cells, bytes + 1, 2);
    assert_int_equal(wg_arc1_block_u64_at(&block, 2), 1);
    const wg_arc1_column four = {.type = WG_TYPE_BOOL, .cell_type = WG_TYPE_BOOL, .raw_bytes = 4};
    block = (wg_arc1_block){&four, 4, bytes};
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_E_CORRUPT);
}

enum { WIDE_ROWS = 700 };

/* Encodes strings with `narrow` as the most bytes that 32-bit offsets may have to reach, and expects them back. */
static wg_arc1_column wide_round_trip(wg_vector v, const wg_str *strings, uint64_t narrow, bool zstd) {
    wg_arc1_encoder *e = NULL;
    wg_buf out = {0};
    wg_buf inflated = {0};
    wg_arc1_column c = {.id = 1};
    wg_str read[WIDE_ROWS];
    assert_int_equal(wg_arc1_encoder_create(zstd, false, NULL, &e, NULL), WG_OK);
    wg_arc1_encoder_narrow(e, narrow);
    assert_int_equal(wg_arc1_encode(e, &v, WIDE_ROWS, &c, &out, NULL), WG_OK);
    assert_true(wg_buf_append(&out, "        ", 8)); /* readable behind it, as in a mapping */
    if (c.codec != 0) assert_int_equal(wg_arc1_block_inflate(&c, out.data, &inflated, NULL), WG_OK);
    const wg_arc1_block block = {&c, WIDE_ROWS, c.codec != 0 ? inflated.data : out.data};
    assert_int_equal(wg_arc1_block_check(&block, NULL), WG_OK);
    for (uint32_t first = 0; first < WIDE_ROWS; first += 1 + first) {
        wg_arc1_block_str(&block, first, WIDE_ROWS - first, read);
        for (uint32_t i = first; i < WIDE_ROWS; i++) {
            const bool valid = wg_vector_is_valid(&v, i);
            const wg_slice wanted = valid ? wg_slice_of_str(strings[i]) : wg_slice_of(NULL, 0);
            assert_true(wg_slice_equal(wg_slice_of_str(read[i - first]), wanted));
            assert_true(wg_slice_equal(wg_slice_of_str(wg_arc1_block_str_at(&block, i)), wanted));
        }
    }
    wg_arc1_encoder_destroy(e); /* with the zones */
    wg_buf_deinit(&out);
    wg_buf_deinit(&inflated);
    return c;
}

static void test_segment_writes_wide_offsets(void **state) {
    /* Goal: strings that 32-bit offsets cannot reach are written with 64-bit ones and read back, with nulls, in ANY columns and compressed too,
     * and never as a dictionary, whose offsets are narrow. How far 32 bits reach is lowered for it: the first byte beyond makes the difference. */
    (void)state;
    static char text[WIDE_ROWS * 40];
    static wg_str strings[WIDE_ROWS];
    static uint8_t valid[WIDE_ROWS / 8 + 1];
    static wg_value values[WIDE_ROWS];
    uint64_t bytes = 0;
    uint64_t present = 0;
    for (size_t i = 0; i < sizeof text; i++) text[i] = (char)('a' + wg_hash64_u64(i) % 26);
    for (uint32_t i = 0; i < WIDE_ROWS; i++) {
        strings[i] = (wg_str){text + (size_t)i * 40, wg_hash64_u64(i + 7) % 41};
        bytes += strings[i].size;
        if (i % 5 == 0) continue;
        wg_bit_set(valid, i);
        present += strings[i].size;
    }
    const wg_vector all = {.type = WG_TYPE_STRING, .data = strings};
    const wg_vector some = {.type = WG_TYPE_BYTES, .data = strings, .valid = valid};
    for (uint32_t zstd = 0; zstd < 2; zstd++) {
        assert_int_equal(wide_round_trip(all, strings, bytes, zstd == 1).width, 32);
        assert_int_equal(wide_round_trip(all, strings, bytes - 1, zstd == 1).width, 64);
        assert_int_equal(wide_round_trip(some, strings, present, zstd == 1).width, 32);
        assert_int_equal(wide_round_trip(some, strings, present - 1, zstd == 1).width, 64);
        assert_int_equal(wide_round_trip(some, strings, 0, zstd == 1).raw_bytes,
                         wide_round_trip(some, strings, UINT32_MAX, zstd == 1).raw_bytes + 4 * (WIDE_ROWS + 1));
    }
    for (uint32_t i = 0; i < WIDE_ROWS; i++) strings[i] = strings[i % 9]; /* what a dictionary is for */
    const wg_arc1_column narrow = wide_round_trip(all, strings, UINT32_MAX, false);
    assert_int_equal(narrow.encoding, WG_ENCODING_DICTIONARY);
    const wg_arc1_column wide = wide_round_trip(all, strings, 20, false);
    assert_int_equal(wide.encoding, WG_ENCODING_PLAIN);
    assert_int_equal(wide.width, 64);
    wg_value parts[2] = {wg_value_str(wg_slice_of(text, 30)), wg_value_int(3)};
    for (uint32_t i = 0; i < WIDE_ROWS; i++)
        values[i] = (wg_value){.type = WG_TYPE_LIST, .size = 1 + i % 2, .as.list = parts};
    wg_buf canonical = {0};
    for (uint32_t i = 0; i < 2; i++) assert_true(wg_value_encode(&canonical, &values[i]));
    wg_buf first = {0};
    assert_true(wg_value_encode(&first, &values[0]));
    for (uint32_t i = 0; i < WIDE_ROWS; i++)
        strings[i] = i % 2 == 0 ? (wg_str){(const char *)canonical.data, first.size}
                                : (wg_str){(const char *)canonical.data + first.size, canonical.size - first.size};
    const wg_vector any = {.type = WG_TYPE_ANY, .data = values};
    assert_int_equal(wide_round_trip(any, strings, 50, false).width, 64);
    wg_buf_deinit(&canonical);
    wg_buf_deinit(&first);
}

static void test_segment_out_of_memory_is_typed(void **state) {
    /* Goal: each allocation of encoding and decoding may fail: WG_E_NOMEM, no leak; then the same call succeeds. */
    (void)state;
    static uint64_t numbers[4][3000];
    static wg_str strings[3000];
    static uint8_t valid[375];
    static wg_value values[3000];
    wg_value deep[2] = {wg_value_int(1), wg_value_str(wg_slice_str("text"))};
    for (uint64_t i = 0; i < 3000; i++) {
        numbers[0][i] = i * i * i * UINT64_C(0x9e3779b97f4a7c15);
        numbers[1][i] = i / 200 * UINT64_C(0x9e3779b97f4a7c15);
        numbers[2][i] = numbers[0][i * 7 % 20];
        numbers[3][i] = i * 1000 + i * 7 % 5;
        strings[i] = (wg_str){(const char *)&numbers[0][i % 2000], 1 + i % 8};
        values[i] = (wg_value){.type = WG_TYPE_LIST, .size = 1 + i % 2, .as.list = deep};
        if (i % 3 != 0) wg_bit_set(valid, i);
    }
    const wg_vector vectors[] = {{.type = WG_TYPE_INT, .data = numbers[0]},
                                 {.type = WG_TYPE_INT, .data = numbers[1]},
                                 {.type = WG_TYPE_INT, .data = numbers[2]},
                                 {.type = WG_TYPE_INT, .data = numbers[3]},
                                 {.type = WG_TYPE_FLOAT, .data = numbers[2], .valid = valid},
                                 {.type = WG_TYPE_BYTES, .data = strings, .valid = valid},
                                 {.type = WG_TYPE_ANY, .data = values, .valid = valid}};
    for (size_t v = 0; v < 2 * sizeof vectors / sizeof vectors[0]; v++) {
        const bool zstd = v % 2 != 0;
        for (uint64_t n = 1;; n++) {
            wg_account account;
            wg_account_init(&account, NULL, 0);
            wg_buf out = {.account = &account}, inflated = {.account = &account};
            wg_arc1_encoder *e = NULL;
            wg_arc1_column c = {.id = 1};
            wg_memory_fail_at(n, false);
            wg_code code = wg_arc1_encoder_create(zstd, v >= 7, &account, &e, NULL);
            if (code == WG_OK) code = wg_arc1_encode(e, &vectors[v / 2], 3000, &c, &out, NULL);
            if (code == WG_OK && c.codec != 0) code = wg_arc1_block_inflate(&c, out.data, &inflated, NULL);
            wg_memory_fail_at(0, false);
            wg_arc1_encoder_destroy(e);
            wg_buf_deinit(&out);
            wg_buf_deinit(&inflated);
            assert_int_equal(wg_account_bytes(&account), 0);
            if (code == WG_OK) break;
            assert_int_equal(code, WG_E_NOMEM);
        }
    }
}

static void test_segment_names_of_encodings(void **state) {
    /* Goal: every encoding has a name, nothing else has. */
    (void)state;
    assert_string_equal(wg_encoding_name(WG_ENCODING_PLAIN), "PLAIN");
    assert_string_equal(wg_encoding_name(WG_ENCODING_DICTIONARY), "DICTIONARY");
    assert_string_equal(wg_encoding_name(WG_ENCODING_COUNT), "?");
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_segment_encodes_the_examples_of_the_page),
        T(test_segment_keeps_plain_unless_an_eighth_is_saved),
        T(test_segment_stores_decimal_fractions),
        T(test_segment_packs_every_width),
        T(test_segment_zones_of_long_strings_are_cut_and_raised),
        T(test_segment_zones_follow_the_order_of_the_type),
        T(test_segment_dates_and_times_have_a_range),
        T(test_segment_reads_wide_offsets_and_plain_bools),
        T(test_segment_writes_wide_offsets),
        T(test_segment_out_of_memory_is_typed),
        T(test_segment_names_of_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
