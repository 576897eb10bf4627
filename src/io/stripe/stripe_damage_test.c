/* Tests of damaged and hostile stripes: refused with a typed error, or read as if nothing were wrong; never another answer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/stripe/stripe.h"
#include "io/segment/test_repair.h"

static wg_platform *sim;
static const uint8_t uuid[16] = {9, 8, 7};
static const char path[] = "/s/00000000000000000001.arc1";

static int setup(void **state) {
    (void)state;
    if (wg_platform_sim_create(7, &sim, NULL) != WG_OK) return 1;
    return sim->ops->make_directory(sim, "/s", NULL) == WG_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    wg_platform_sim_destroy(sim);
    return 0;
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

static void write_all(const void *bytes, size_t size) {
    wg_file *file;
    assert_int_equal(sim->ops->open(sim, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
    assert_int_equal(sim->ops->truncate(sim, file, size, NULL), WG_OK);
    assert_int_equal(sim->ops->write_at(sim, file, 0, bytes, size, NULL), WG_OK);
    assert_int_equal(sim->ops->sync(sim, file, NULL), WG_OK); /* keeps the sim's queue short */
    sim->ops->close(sim, file);
}

/* ---- a stripe with one column of each encoding, in this order; then a second fragment */

enum {
    PLAIN,
    CONSTANT,
    SEQUENCE,
    PACKED,
    DELTA,
    RUNS,
    DICTIONARY,
    BOOLS,
    BOOL_RUNS,
    STRINGS,
    WORDS,
    ONE_WORD,
    VALUES,
    NULLS,
    NODES,
    COLUMNS
};
enum { ROWS = 40 };

static int64_t numbers[DICTIONARY + 1][ROWS];
static uint8_t bools[2][ROWS], validity[ROWS / 8];
static wg_str strings[3][ROWS];
static wg_value values[ROWS];

static void write_stripe(bool zstd) {
    static const char *const words[] = {"red", "gr\xc3\xbcn", "blue"};
    static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ";
    for (uint32_t i = 0; i < ROWS; i++) {
        numbers[PLAIN][i] = wg_i64_of_u64((uint64_t)i * i * UINT64_C(0x9e3779b97f4a7c15));
        numbers[CONSTANT][i] = 4;
        numbers[SEQUENCE][i] = 10 + i;
        numbers[PACKED][i] = 100 + i * 7 % 13;
        numbers[DELTA][i] = (int64_t)i * INT64_C(1000000000000) + i * 7 % 3;
        numbers[RUNS][i] = i < 30 ? INT64_MIN : INT64_MAX;
        numbers[DICTIONARY][i] = numbers[PLAIN][i * 7 % 5];
        bools[0][i] = i % 3 == 0;
        bools[1][i] = 1;
        strings[0][i] = (wg_str){text + i, 1 + i % 5};
        strings[1][i] = (wg_str){words[i * 7 % 3], strlen(words[i * 7 % 3])};
        strings[2][i] = (wg_str){"same", 4};
        values[i] = i % 2 == 0 ? wg_value_int(i) : wg_value_str(wg_slice_of(text, i));
    }
    for (uint32_t i = 0; i < ROWS; i += 3) wg_bit_set(validity, i);
    wg_stripe_column columns[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++) {
        columns[i] = (wg_stripe_column){.id = i, .vector = {.type = WG_TYPE_INT}};
        if (i <= DICTIONARY) columns[i].vector.data = numbers[i];
    }
    columns[BOOLS].vector = (wg_vector){.type = WG_TYPE_BOOL, .data = bools[0]};
    columns[BOOL_RUNS].vector = (wg_vector){.type = WG_TYPE_BOOL, .data = bools[1]};
    columns[STRINGS].vector = (wg_vector){.type = WG_TYPE_STRING, .data = strings[0]};
    columns[WORDS].vector = (wg_vector){.type = WG_TYPE_STRING, .data = strings[1]};
    columns[ONE_WORD].vector = (wg_vector){.type = WG_TYPE_STRING, .data = strings[2]};
    columns[VALUES].vector = (wg_vector){.type = WG_TYPE_ANY, .data = values};
    columns[NULLS].vector = (wg_vector){.type = WG_TYPE_INT, .data = numbers[PACKED], .valid = validity};
    columns[NODES].vector = (wg_vector){.type = WG_TYPE_NODE, .data = numbers[DELTA]};
    wg_stripe_options o = {.zstd = zstd};
    memcpy(o.store_uuid, uuid, 16);
    wg_stripe_writer *w;
    uint64_t bytes;
    wg_fragment_head head = {.key = {.kind = WG_KIND_ROWS}, .row_count = ROWS};
    assert_int_equal(wg_stripe_create(sim, "/s", 1, &o, &w, NULL), WG_OK);
    assert_int_equal(wg_stripe_add(w, &head, columns, COLUMNS, NULL), WG_OK);
    head.key.slot = 1;
    assert_int_equal(wg_stripe_add(w, &head, columns + NODES, 1, NULL), WG_OK);
    assert_int_equal(wg_stripe_finish(w, &bytes, NULL), WG_OK);
}

static bool append_line(void *ctx, wg_slice line) { return wg_buf_append(ctx, line.data, line.size); }

static wg_code open_now(wg_stripe **out, wg_error *err) {
    return wg_stripe_open(sim, "/s", 1, uuid, NULL, NULL, out, err);
}

/* What a reader makes of the file: the first error of open, dump and check. The dump is complete when that is not of dumping. */
static wg_code outcome(wg_buf *dump, bool *out_dumped, wg_error *err) {
    wg_stripe *s;
    dump->size = 0;
    *out_dumped = false;
    WG_TRY(open_now(&s, err));
    wg_code code = wg_stripe_dump(s, true, append_line, dump, err);
    *out_dumped = code == WG_OK;
    if (code == WG_OK) code = wg_stripe_check(s, err);
    wg_stripe_close(s);
    return code;
}

static void flip_every_byte(bool zstd) {
    write_stripe(zstd);
    wg_buf good = read_all(), dump = {0}, damaged = {0};
    wg_error err = {0};
    bool dumped;
    assert_int_equal(outcome(&dump, &dumped, &err), WG_OK);
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    for (size_t at = 0; at < good.size; at++)
        for (size_t m = 0; m < sizeof masks; m++) {
            good.data[at] ^= masks[m];
            write_all(good.data, good.size);
            good.data[at] ^= masks[m];
            wg_error_clear(&err);
            const wg_code code = outcome(&damaged, &dumped, &err);
            if (code != WG_E_CORRUPT && code != WG_E_VERSION) fail_msg("byte %zu: %s", at, wg_code_name(code));
            if (dumped && !wg_slice_equal(wg_buf_slice(&dump), wg_buf_slice(&damaged)))
                fail_msg("byte %zu changes an answer", at);
            assert_non_null(strstr(err.message, "stripe '/s/00000000000000000001.arc1'"));
            assert_true(err.offset != WG_NO_OFFSET);
        }
    wg_buf_deinit(&good);
    wg_buf_deinit(&dump);
    wg_buf_deinit(&damaged);
}

static void test_stripe_refuses_every_flipped_byte(void **state) {
    /* Goal: P4: a changed byte is found by the check and changes no answer; also in compressed blocks. */
    (void)state;
    flip_every_byte(false);
    flip_every_byte(true);
}

static void test_stripe_refuses_every_truncation_and_extension(void **state) {
    /* Goal: a file of any other length is refused. */
    (void)state;
    write_stripe(false);
    wg_buf good = read_all(), dump = {0};
    bool dumped;
    for (size_t size = 0; size < good.size; size++) {
        write_all(good.data, size);
        assert_int_equal(outcome(&dump, &dumped, NULL), WG_E_CORRUPT);
    }
    assert_true(wg_buf_append(&good, "12345678", 8));
    write_all(good.data, good.size);
    assert_int_equal(outcome(&dump, &dumped, NULL), WG_E_CORRUPT);
    wg_buf_deinit(&good);
    wg_buf_deinit(&dump);
}

/* ---- hostile: wrong content under right checksums */

typedef struct layout {
    uint8_t *bytes;
    size_t size;
    uint8_t *trailer;
    uint8_t *fragments[2];
    uint8_t *columns[COLUMNS];
} layout;

static layout layout_of(wg_buf *file) {
    layout l = {.bytes = file->data, .size = file->size, .trailer = file->data + file->size - WG_ARC1_TRAILER_BYTES};
    l.fragments[0] = l.bytes + wg_load_u64le(l.trailer + ARC1_T_FOOTER_OFFSET);
    l.fragments[1] = l.fragments[0] + wg_load_u32le(l.fragments[0] + ARC1_F_BYTES);
    for (uint32_t i = 0; i < COLUMNS; i++)
        l.columns[i] = l.fragments[0] + WG_ARC1_FRAGMENT_BYTES + (size_t)i * WG_ARC1_COLUMN_BYTES;
    return l;
}

static uint8_t *block_of(const layout *l, uint32_t column) {
    return l->bytes + wg_load_u64le(l->columns[column] + ARC1_C_OFFSET);
}

/* One byte of a record or block is replaced, checksums are made right: the file is refused with this code. */
static void refuse(wg_buf *good, uint8_t *at, uint8_t byte, wg_code expected) {
    const uint8_t before = *at;
    assert_int_not_equal(before, byte);
    wg_buf copy = {0}, dump = {0};
    bool dumped;
    wg_error err = {0};
    *at = byte;
    assert_true(wg_buf_append(&copy, good->data, good->size));
    *at = before;
    repair(copy.data, copy.size);
    write_all(copy.data, copy.size);
    const wg_code code = outcome(&dump, &dumped, &err);
    if (code != expected)
        fail_msg("offset %zu = %u: %s %s", (size_t)(at - good->data), byte, wg_code_name(code), err.message);
    wg_buf_deinit(&copy);
    wg_buf_deinit(&dump);
}

static void test_stripe_refuses_hostile_records(void **state) {
    /* Goal: each field of header, trailer and records that contradicts the file is refused although its checksum is right. */
    (void)state;
    write_stripe(false);
    wg_buf good = read_all();
    const layout l = layout_of(&good);
    static const struct {
        uint16_t offset;
        uint8_t byte;
        wg_code code;
    } header[] = {{0, 'B', WG_E_CORRUPT}, {8, 2, WG_E_VERSION},    {8, 0, WG_E_VERSION},  {10, 65, WG_E_CORRUPT},
                  {12, 8, WG_E_VERSION},  {15, 128, WG_E_VERSION}, {20, 1, WG_E_CORRUPT}, {24, 1, WG_E_CORRUPT},
                  {40, 2, WG_E_CORRUPT},  {59, 1, WG_E_CORRUPT}};
    for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
        refuse(&good, l.bytes + header[i].offset, header[i].byte, header[i].code);
    static const uint8_t trailer[] = {ARC1_T_FOOTER_OFFSET, ARC1_T_FOOTER_BYTES, ARC1_T_FRAGMENTS,
                                      ARC1_T_FILE_BYTES,    ARC1_T_ZERO,         ARC1_T_MAGIC};
    for (size_t i = 0; i < sizeof trailer; i++) refuse(&good, l.trailer + trailer[i], 0x41, WG_E_CORRUPT);
    refuse(&good, l.trailer + ARC1_T_FRAGMENTS, 1, WG_E_CORRUPT); /* bytes behind the last */
    refuse(&good, l.trailer + ARC1_T_FRAGMENTS, 3, WG_E_CORRUPT); /* the footer ends in a fragment */
    static const uint8_t fragment[] = {ARC1_F_BYTES,          ARC1_F_BYTES + 1,   ARC1_F_ROWS + 1,
                                       ARC1_F_COLUMNS,        ARC1_F_COLUMNS + 2, ARC1_F_HEAD_BYTES,
                                       ARC1_F_HEAD_BYTES + 1, ARC1_F_ZERO,        ARC1_F_COLUMN_BYTES};
    for (size_t i = 0; i < sizeof fragment; i++) {
        refuse(&good, l.fragments[0] + fragment[i], 0x80, WG_E_CORRUPT);
        refuse(&good, l.fragments[1] + fragment[i], 0x7f, WG_E_CORRUPT);
    }
    refuse(&good, l.fragments[0] + ARC1_F_SLOT, 2, WG_E_CORRUPT); /* not before the second */
    refuse(&good, l.fragments[1] + ARC1_F_SLOT, 0, WG_E_CORRUPT); /* equal to the first */
    wg_buf_deinit(&good);
}

static void test_stripe_refuses_hostile_columns(void **state) {
    /* Goal: every byte of every column record, set to values that it cannot have, is refused; what is free stays readable. */
    (void)state;
    write_stripe(false);
    wg_buf good = read_all();
    const layout l = layout_of(&good);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        refuse(&good, l.columns[c] + ARC1_C_TYPE, WG_TYPE_LIST, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_CELL_TYPE, 99, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_ENCODING, WG_ENCODING_COUNT, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_CODEC, 1, WG_E_CORRUPT); /* the file does not say so */
        refuse(&good, l.columns[c] + ARC1_C_CODEC, 2, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_FLAGS, 4, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_WIDTH, 57, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_ZERO, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_NULLS, 41, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_NULLS + 3, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_COUNT, 41, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_OFFSET, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_OFFSET + 7, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_STORED + 3, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_RAW + 6, 1, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_MIN_BYTES, 200, WG_E_CORRUPT);
        refuse(&good, l.columns[c] + ARC1_C_MAX_BYTES + 3, 1, WG_E_CORRUPT);
    }
    refuse(&good, l.columns[1] + ARC1_C_ID, 0, WG_E_CORRUPT); /* ids ascend */
    refuse(&good, l.columns[PLAIN] + ARC1_C_BASE, 1, WG_E_CORRUPT);
    refuse(&good, l.columns[PLAIN] + ARC1_C_STEP, 1, WG_E_CORRUPT);
    refuse(&good, l.columns[BOOL_RUNS] + ARC1_C_BASE, 2, WG_E_CORRUPT); /* a constant BOOL */
    refuse(&good, l.columns[CONSTANT] + ARC1_C_BASE, 5, WG_E_CORRUPT);  /* outside its zone */
    wg_buf_deinit(&good);
}

static void test_stripe_refuses_hostile_blocks(void **state) {
    /* Goal: what a block says is checked before it is used: codes, offsets, runs, groups, bitmaps, text, values. */
    (void)state;
    write_stripe(false);
    wg_buf good = read_all();
    const layout l = layout_of(&good);
    for (uint32_t c = 0; c < COLUMNS; c++) assert_int_equal(wg_load_u32le(l.columns[c] + ARC1_C_ID), c);
    assert_int_equal(l.columns[DICTIONARY][ARC1_C_ENCODING], WG_ENCODING_DICTIONARY);
    refuse(&good, block_of(&l, DICTIONARY) + 40, 0xff, WG_E_CORRUPT); /* code 7 of 5 */
    assert_int_equal(l.columns[WORDS][ARC1_C_ENCODING], WG_ENCODING_DICTIONARY);
    refuse(&good, block_of(&l, WORDS), 0xff, WG_E_CORRUPT); /* code 3 of 3 */
    const size_t codes = (size_t)wg_arc1_packed_bytes(ROWS, 2);
    refuse(&good, block_of(&l, WORDS) + codes, 1, WG_E_CORRUPT);             /* first offset */
    refuse(&good, block_of(&l, WORDS) + codes + 4, 200, WG_E_CORRUPT);       /* offsets descend after it */
    refuse(&good, block_of(&l, WORDS) + codes + 12, 11, WG_E_CORRUPT);       /* last offset */
    refuse(&good, block_of(&l, WORDS) + codes + 16 + 3, 0xff, WG_E_CORRUPT); /* not UTF-8 */
    assert_int_equal(l.columns[STRINGS][ARC1_C_ENCODING], WG_ENCODING_PLAIN);
    refuse(&good, block_of(&l, STRINGS) + 8, 0, WG_E_CORRUPT);
    refuse(&good, block_of(&l, STRINGS) + 4 * ROWS + 1, 9, WG_E_CORRUPT);
    refuse(&good, block_of(&l, STRINGS) + 4 * (ROWS + 1), 0xc3, WG_E_CORRUPT);
    refuse(&good, block_of(&l, ONE_WORD), 0x80, WG_E_CORRUPT);
    assert_int_equal(l.columns[RUNS][ARC1_C_ENCODING], WG_ENCODING_RUN_LENGTH);
    refuse(&good, block_of(&l, RUNS) + 16, 0, WG_E_CORRUPT);
    refuse(&good, block_of(&l, RUNS) + 16, 41, WG_E_CORRUPT);
    refuse(&good, block_of(&l, RUNS) + 20, 39, WG_E_CORRUPT);
    assert_int_equal(l.columns[DELTA][ARC1_C_ENCODING], WG_ENCODING_DELTA);
    refuse(&good, block_of(&l, DELTA) + ARC1_D_WIDTH, 57, WG_E_CORRUPT);
    refuse(&good, block_of(&l, DELTA) + ARC1_D_WIDTH, 1, WG_E_CORRUPT);
    refuse(&good, block_of(&l, DELTA) + ARC1_D_OFFSET, 8, WG_E_CORRUPT);
    refuse(&good, block_of(&l, NULLS), 0, WG_E_CORRUPT);
    refuse(&good, block_of(&l, NULLS) + ROWS / 8, 1, WG_E_CORRUPT);
    refuse(&good, block_of(&l, NULLS) + 63, 1, WG_E_CORRUPT);
    const uint8_t values_width = l.columns[VALUES][ARC1_C_WIDTH];
    assert_int_equal(values_width, 32);
    uint8_t *value = block_of(&l, VALUES) + 4 * (ROWS + 1);
    static const uint8_t bad_types[] = {WG_TYPE_NULL, WG_TYPE_NODE, WG_TYPE_EDGE, WG_TYPE_POINT, 200, WG_TYPE_FLOAT};
    for (size_t i = 0; i < sizeof bad_types; i++) refuse(&good, value, bad_types[i], WG_E_CORRUPT);
    refuse(&good, l.fragments[0] + WG_ARC1_FRAGMENT_BYTES + COLUMNS * WG_ARC1_COLUMN_BYTES + 8, 1, WG_E_CORRUPT);
    wg_buf_deinit(&good);
}

/* The file with one byte replaced and right checksums, read as far as it goes. */
static void survive(wg_buf *good, size_t at, uint8_t byte) {
    wg_buf copy = {0}, dump = {0};
    bool dumped;
    assert_true(wg_buf_append(&copy, good->data, good->size));
    copy.data[at] = byte;
    repair(copy.data, copy.size);
    write_all(copy.data, copy.size);
    const wg_code code = outcome(&dump, &dumped, NULL);
    assert_true(code == WG_OK || code == WG_E_CORRUPT || code == WG_E_VERSION);
    assert_true(WG_IMPLIES(code == WG_OK, dumped));
    wg_buf_deinit(&copy);
    wg_buf_deinit(&dump);
}

static void survive_every_byte(bool zstd) {
    static const uint8_t tried[] = {0, 1, 2, 4, 5, 6, 7, 18, 63, 64, 127, 128, 255};
    write_stripe(zstd);
    wg_buf good = read_all();
    for (size_t at = 0; at < good.size; at++)
        for (size_t i = at % 2; i < sizeof tried; i += 2) survive(&good, at, tried[i]);
    wg_buf_deinit(&good);
}

static void test_stripe_survives_any_byte_under_right_checksums(void **state) {
    /* Goal: hostile files end in a typed error or are read, whichever byte lies, in blocks and records, compressed or not. */
    (void)state;
    survive_every_byte(false);
    survive_every_byte(true);
}

static void test_stripe_reads_a_newer_minor_version(void **state) {
    /* Goal: the forward rule: what a newer minor version adds is skipped, longer records included; ours must be exact. */
    (void)state;
    write_stripe(false);
    wg_buf good = read_all(), newer = {0}, dump = {0}, expected = {0};
    bool dumped;
    assert_int_equal(outcome(&expected, &dumped, NULL), WG_OK);
    const layout l = layout_of(&good);
    const size_t footer = (size_t)(l.fragments[0] - l.bytes);
    assert_true(wg_buf_append(&newer, good.data, footer));
    static const uint8_t extra[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const uint8_t no_parts[WG_ARC1_COLUMN_PARTS_BYTES - WG_ARC1_COLUMN_BYTES];
    for (size_t f = 0; f < 2; f++) { /* heads longer by 16, columns by 8 */
        const uint32_t size = wg_load_u32le(l.fragments[f] + ARC1_F_BYTES);
        const uint32_t columns = wg_load_u32le(l.fragments[f] + ARC1_F_COLUMNS);
        const size_t at = newer.size, zones = WG_ARC1_FRAGMENT_BYTES + (size_t)columns * WG_ARC1_COLUMN_BYTES;
        assert_true(wg_buf_append(&newer, l.fragments[f], WG_ARC1_FRAGMENT_BYTES) &&
                    wg_buf_append(&newer, extra, 16));
        for (uint32_t c = 0; c < columns; c++) {
            const uint8_t *record = l.fragments[f] + WG_ARC1_FRAGMENT_BYTES + (size_t)c * WG_ARC1_COLUMN_BYTES;
            assert_true(wg_buf_append(&newer, record, WG_ARC1_COLUMN_BYTES) &&
                        wg_buf_append(&newer, no_parts, sizeof no_parts) && wg_buf_append(&newer, extra, 8));
        }
        assert_true(wg_buf_append(&newer, l.fragments[f] + zones, size - zones));
        wg_store_u32le(newer.data + at + ARC1_F_BYTES, (uint32_t)(newer.size - at));
        wg_store_u16le(newer.data + at + ARC1_F_HEAD_BYTES, WG_ARC1_FRAGMENT_BYTES + 16);
        wg_store_u16le(newer.data + at + ARC1_F_COLUMN_BYTES, WG_ARC1_COLUMN_PARTS_BYTES + 8);
        newer.data[at + ARC1_F_ZERO] = 7;
    }
    const size_t footer_bytes = newer.size - footer;
    assert_true(wg_buf_append(&newer, l.trailer, WG_ARC1_TRAILER_BYTES));
    uint8_t *trailer = newer.data + newer.size - WG_ARC1_TRAILER_BYTES;
    wg_store_u64le(trailer + ARC1_T_FOOTER_BYTES, footer_bytes);
    wg_store_u64le(trailer + ARC1_T_FILE_BYTES, newer.size);
    trailer[ARC1_T_ZERO] = newer.data[ARC1_H_ZERO_1] = newer.data[ARC1_H_ZERO_2] = newer.data[ARC1_H_OPTIONAL] = 5;
    repair(newer.data, newer.size);
    write_all(newer.data, newer.size);
    assert_int_equal(outcome(&dump, &dumped, NULL), WG_E_CORRUPT);
    newer.data[ARC1_H_MINOR] = WG_ARC1_MINOR + 1;
    repair(newer.data, newer.size);
    write_all(newer.data, newer.size);
    wg_error err = {0};
    if (outcome(&dump, &dumped, &err) != WG_OK) fail_msg("%s", err.message);
    assert_true(wg_buf_append_u8(&dump, 0));
    assert_true(wg_buf_append_u8(&expected, 0));
    dump.size--; /* NUL-terminated for strstr, and counted without */
    expected.size--;
    const char *cells = strstr((const char *)dump.data, "{\"fragment\"");
    assert_non_null(cells); /* all but the first line, which says the version and the size */
    const char *expected_cells = strstr((const char *)expected.data, "{\"fragment\"");
    const size_t left = dump.size - (size_t)(cells - (const char *)dump.data);
    assert_int_equal(left, expected.size - (size_t)(expected_cells - (const char *)expected.data));
    assert_memory_equal(cells, expected_cells, left);
    wg_buf_deinit(&good);
    wg_buf_deinit(&newer);
    wg_buf_deinit(&dump);
    wg_buf_deinit(&expected);
}

static void test_stripe_of_another_store_or_number_is_refused(void **state) {
    /* Goal: a whole file in the place of another one is no answer; a directory or an empty file is none either. */
    (void)state;
    write_stripe(false);
    wg_stripe *s;
    wg_error err = {0};
    uint8_t other[16] = {1};
    assert_int_equal(wg_stripe_open(sim, "/s", 1, other, NULL, NULL, &s, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "another store"));
    assert_int_equal(sim->ops->rename(sim, path, "/s/00000000000000000002.arc1", NULL), WG_OK);
    wg_error_clear(&err);
    assert_int_equal(wg_stripe_open(sim, "/s", 2, uuid, NULL, NULL, &s, &err), WG_E_CORRUPT);
    assert_non_null(strstr(err.message, "is stripe 1"));
    assert_int_equal(open_now(&s, NULL), WG_E_NOT_FOUND);
    assert_int_equal(sim->ops->make_directory(sim, path, NULL), WG_OK);
    assert_int_not_equal(open_now(&s, NULL), WG_OK);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_stripe_refuses_every_flipped_byte),  T(test_stripe_refuses_every_truncation_and_extension),
        T(test_stripe_refuses_hostile_records),     T(test_stripe_refuses_hostile_columns),
        T(test_stripe_refuses_hostile_blocks),      T(test_stripe_survives_any_byte_under_right_checksums),
        T(test_stripe_reads_a_newer_minor_version), T(test_stripe_of_another_store_or_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
