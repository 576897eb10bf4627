/* Goal: groups have the shapes that the format's rules for compatibility give them, rows are put together from their levels, nulls and empty lists
 * apart at each level, levels of the deprecated encoding included; levels that contradict each other are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "format/parquet/nested_internal.h"

enum { GROUP = -1, NONE = -1, MAP = 1, LIST = 3, REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };

/* An element of a schema in the order of the file. */
typedef struct piece {
    const char *name;
    int32_t physical; /* GROUP */
    int32_t repetition;
    int32_t children;
    int32_t converted;
} piece;

typedef struct schema {
    wg_arena arena;
    wg_parquet_column *columns;
    uint32_t leaves;
    uint32_t groups;
    wg_buf bytes;
} schema;

static void schema_open(schema *s, const piece *pieces, uint32_t count) {
    wg_thrift_writer w;
    wg_buf_init(&s->bytes, NULL);
    wg_arena_init(&s->arena, NULL);
    wg_thrift_writer_init(&w, &s->bytes);
    for (uint32_t i = 0; i < count; i++) {
        wg_thrift_write_struct_begin(&w);
        if (pieces[i].physical != GROUP) wg_thrift_write_i32(&w, 1, pieces[i].physical);
        if (i > 0) wg_thrift_write_i32(&w, 3, pieces[i].repetition);
        wg_thrift_write_binary(&w, 4, wg_slice_str(pieces[i].name));
        if (pieces[i].physical == GROUP) wg_thrift_write_i32(&w, 5, pieces[i].children);
        if (pieces[i].converted != NONE) wg_thrift_write_i32(&w, 6, pieces[i].converted);
        wg_thrift_write_struct_end(&w);
    }
    wg_thrift_reader r;
    wg_error err = {0};
    wg_thrift_reader_init(&r, wg_buf_slice(&s->bytes), 0, &err);
    const wg_code code = wgi_parquet_schema_read(&r, count, &s->arena, &s->columns, &s->leaves, &s->groups);
    if (code != WG_OK) fail_msg("%s", err.message);
}

static void schema_close(schema *s) {
    wg_arena_deinit(&s->arena);
    wg_buf_deinit(&s->bytes);
}

static void describe(const wgi_parquet_node *n, char *out, size_t room) {
    static const char *const kinds[] = {"", "{", "[", "<"};
    static const char *const ends[] = {"", "}", "]", ">"};
    const size_t at = strlen(out);
    if (n->kind == WGI_PARQUET_NODE_LEAF) (void)snprintf(out + at, room - at, "%.*s", (int)n->name_size, n->name);
    else (void)snprintf(out + at, room - at, "%s", kinds[n->kind]);
    for (uint32_t i = 0; i < n->child_count; i++) {
        if (i > 0) (void)snprintf(out + strlen(out), room - strlen(out), " ");
        describe(n->children[i], out, room);
    }
    (void)snprintf(out + strlen(out), room - strlen(out), "%s", ends[n->kind]);
}

/* The columns of groups, "name=shape" each. */
static void expect_groups(const piece *pieces, uint32_t count, const char *wanted) {
    schema s;
    char got[512] = "";
    schema_open(&s, pieces, count);
    for (uint32_t g = 0; g < s.groups; g++) {
        const wg_parquet_column *c = &s.columns[s.leaves + g];
        (void)snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s=", g > 0 ? "; " : "", c->name);
        describe(c->node, got, sizeof got);
    }
    assert_string_equal(got, wanted);
    schema_close(&s);
}

#define EXPECT_GROUPS(wanted, ...)                                                   \
    do {                                                                             \
        const piece pieces[] = {__VA_ARGS__};                                        \
        expect_groups(pieces, (uint32_t)(sizeof pieces / sizeof pieces[0]), wanted); \
    } while (0)

#define INT WGI_PARQUET_INT32

/* Goal: the three old shapes of lists beside the one that is right, and what breaks all of them. */
static void test_lists_have_all_their_shapes(void **state) {
    (void)state;
    EXPECT_GROUPS("a=[{x y}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"list", GROUP, REPEATED, 1, NONE}, {"element", GROUP, OPTIONAL, 2, NONE},
                  {"x", INT, OPTIONAL, 0, NONE}, {"y", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("a=[{x y}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"element", GROUP, REPEATED, 2, NONE}, {"y", INT, OPTIONAL, 0, NONE},
                  {"x", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("a=[{x}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"array", GROUP, REPEATED, 1, NONE}, {"x", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("a=[{x}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"a_tuple", GROUP, REPEATED, 1, NONE}, {"x", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("a=[{[x]}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"bag", GROUP, REPEATED, 1, NONE}, {"x", INT, REPEATED, 0, NONE});
    EXPECT_GROUPS("a=[[x]]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST},
                  {"array", GROUP, REPEATED, 1, LIST}, {"x", INT, REPEATED, 0, NONE});
    EXPECT_GROUPS("a=[{x}]", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, REPEATED, 1, NONE},
                  {"x", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("a={x y}", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 2, LIST}, {"x", INT, OPTIONAL, 0, NONE},
                  {"y", INT, OPTIONAL, 0, NONE});
    /* A list of plain values is a leaf of that name. */
    EXPECT_GROUPS("", {"r", GROUP, 0, 1, NONE}, {"a", GROUP, OPTIONAL, 1, LIST}, {"x", INT, REPEATED, 0, NONE});
}

/* Goal: maps, sets, structs in structs by their paths, and groups that hold nothing. */
static void test_maps_and_structs_have_their_shapes(void **state) {
    (void)state;
    EXPECT_GROUPS("m=<k [v]>", {"r", GROUP, 0, 1, NONE}, {"m", GROUP, OPTIONAL, 1, MAP},
                  {"kv", GROUP, REPEATED, 2, NONE}, {"k", INT, REQUIRED, 0, NONE}, {"v", INT, REPEATED, 0, NONE});
    EXPECT_GROUPS("m=[k]", {"r", GROUP, 0, 1, NONE}, {"m", GROUP, OPTIONAL, 1, MAP}, {"kv", GROUP, REPEATED, 1, NONE},
                  {"k", INT, REQUIRED, 0, NONE});
    EXPECT_GROUPS("", {"r", GROUP, 0, 2, NONE}, {"m", GROUP, OPTIONAL, 1, MAP}, {"kv", GROUP, REPEATED, 2, NONE},
                  {"k", GROUP, REQUIRED, 0, NONE}, {"v", GROUP, REPEATED, 0, NONE}, {"z", INT, OPTIONAL, 0, NONE});
    EXPECT_GROUPS("s={a {b}}; s.t={b}", {"r", GROUP, 0, 1, NONE}, {"s", GROUP, OPTIONAL, 2, NONE},
                  {"t", GROUP, OPTIONAL, 1, NONE}, {"b", INT, OPTIONAL, 0, NONE}, {"a", INT, OPTIONAL, 0, NONE});
}

/* ---- rows */

static void header_put(wg_buf *out, size_t size, int32_t values, int32_t level_encoding) {
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, out);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_i32(&w, 1, WGI_PARQUET_PAGE_DATA);
    wg_thrift_write_i32(&w, 2, (int32_t)size);
    wg_thrift_write_i32(&w, 3, (int32_t)size);
    wg_thrift_write_struct_field(&w, 5);
    wg_thrift_write_i32(&w, 1, values);
    wg_thrift_write_i32(&w, 2, WGI_PARQUET_PLAIN);
    wg_thrift_write_i32(&w, 3, level_encoding);
    wg_thrift_write_i32(&w, 4, level_encoding);
    wg_thrift_write_struct_end(&w);
    wg_thrift_write_struct_end(&w);
    assert_true(w.ok);
}

static uint32_t width_of(uint32_t max) {
    uint32_t width = 0;
    while (max >> width != 0) width++;
    return width;
}

/* Levels as digits: "0112". */
static void levels_put(wg_buf *body, const char *digits, uint32_t max, int32_t encoding) {
    const size_t count = strlen(digits);
    const uint32_t width = width_of(max);
    uint32_t levels[64];
    if (max == 0) return;
    for (size_t i = 0; i < count; i++) levels[i] = (uint32_t)(digits[i] - '0');
    if (encoding == WGI_PARQUET_BIT_PACKED) { /* the high bit first, no size before */
        uint8_t bytes[64] = {0};
        for (size_t i = 0; i < count * width; i++)
            if ((levels[i / width] >> (width - 1 - i % width) & 1) != 0) bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
        assert_true(wg_buf_append(body, bytes, (count * width + 7) / 8));
        return;
    }
    const size_t at = body->size;
    assert_true(wg_buf_append_u32(body, 0));
    assert_true(wgi_parquet_rle_encode(body, levels, count, width));
    wg_store_u32le(body->data + at, (uint32_t)(body->size - at - 4));
}

typedef struct leaf {
    const char *reps;
    const char *defs;
    int32_t first; /* its values are first, first + 1, ... */
} leaf;

typedef struct memory {
    wg_buf bytes;
} memory;

static wg_code read_memory(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    const memory *m = ctx;
    (void)err;
    assert_true(offset <= m->bytes.size && size <= m->bytes.size - offset);
    if (size != 0) memcpy(data, m->bytes.data + offset, size);
    return WG_OK;
}

/* Rows of the last group of the schema as JSON, or the error. */
static wg_code read_rows(const schema *s, const leaf *leaves, uint32_t rows, int32_t encoding, wg_buf *out) {
    memory m = {0};
    wg_parquet_chunk chunks[4] = {0};
    for (uint32_t i = 0; i < s->leaves; i++) {
        wg_buf body = {0};
        const wg_parquet_column *c = &s->columns[i];
        int32_t value = leaves[i].first;
        levels_put(&body, leaves[i].reps, c->max_rep, encoding);
        levels_put(&body, leaves[i].defs, c->max_def, encoding);
        for (const char *d = leaves[i].defs; *d != '\0'; d++)
            if (*d - '0' == c->max_def) assert_true(wg_buf_append_u32(&body, (uint32_t)value++));
        chunks[i].offset = m.bytes.size;
        chunks[i].value_count = strlen(leaves[i].defs);
        header_put(&m.bytes, body.size, (int32_t)chunks[i].value_count, encoding);
        assert_true(wg_buf_append(&m.bytes, body.data, body.size));
        chunks[i].compressed_bytes = chunks[i].uncompressed_bytes = m.bytes.size - chunks[i].offset;
        wg_buf_deinit(&body);
    }
    static const wg_parquet_chunk none;
    const wg_parquet_source source = {.column = &s->columns[s->leaves + s->groups - 1],
                                      .chunk = &none,
                                      .row_count = rows,
                                      .read = read_memory,
                                      .ctx = &m,
                                      .columns = s->columns,
                                      .chunks = chunks};
    wg_parquet_reader *r = NULL;
    uint32_t n = 1;
    out->size = 0;
    assert_int_equal(wg_parquet_reader_alloc(NULL, &r, NULL), WG_OK);
    wg_code code = wg_parquet_reader_open(r, &source, NULL);
    while (code == WG_OK && n != 0) {
        wg_vector v;
        code = wg_parquet_reader_next(r, 2, &v, &n, NULL);
        for (uint32_t i = 0; code == WG_OK && i < n; i++) {
            const wg_value cell = wg_vector_value(&v, i);
            assert_true(wg_value_print_json(out, &cell));
            assert_true(wg_buf_append_u8(out, ' '));
        }
    }
    wg_parquet_reader_destroy(r);
    wg_buf_deinit(&m.bytes);
    return code;
}

static const piece list_of_structs[] = {{"r", GROUP, 0, 1, NONE},           {"a", GROUP, OPTIONAL, 1, LIST},
                                        {"list", GROUP, REPEATED, 1, NONE}, {"element", GROUP, OPTIONAL, 2, NONE},
                                        {"x", INT, OPTIONAL, 0, NONE},      {"y", INT, REQUIRED, 0, NONE}};

static void expect_rows(const piece *pieces, uint32_t count, const leaf *leaves, uint32_t rows, const char *wanted) {
    static const int32_t encodings[] = {WGI_PARQUET_RLE, WGI_PARQUET_BIT_PACKED};
    for (size_t e = 0; e < 2; e++) {
        schema s;
        wg_buf got = {0};
        schema_open(&s, pieces, count);
        const wg_code code = read_rows(&s, leaves, rows, encodings[e], &got);
        assert_true(wg_buf_append_u8(&got, 0));
        if (wanted == NULL) assert_int_equal(code, WG_E_CORRUPT);
        else assert_int_equal(code, WG_OK);
        if (wanted != NULL) assert_string_equal((const char *)got.data, wanted);
        wg_buf_deinit(&got);
        schema_close(&s);
    }
}

/* Goal: null, empty and present are apart at every level, in both encodings of levels. */
static void test_rows_are_put_together(void **state) {
    (void)state;
    const leaf leaves[] = {{"000010", "012443", 10}, {"000010", "012333", 20}};
    expect_rows(list_of_structs, 6, leaves, 5,
                "null [] [null] [{\"x\":10,\"y\":20},{\"x\":11,\"y\":21}] [{\"x\":null,\"y\":22}] ");
    static const piece lists[] = {{"r", GROUP, 0, 1, NONE},        {"a", GROUP, OPTIONAL, 1, LIST},
                                  {"l", GROUP, REPEATED, 1, NONE}, {"e", GROUP, OPTIONAL, 1, LIST},
                                  {"l", GROUP, REPEATED, 1, NONE}, {"x", INT, OPTIONAL, 0, NONE}};
    const leaf nested[] = {{"0000121", "0123553", 1}};
    expect_rows(lists, 6, nested, 4, "null [] [null] [[],[1,2],[]] ");
    static const piece map[] = {{"r", GROUP, 0, 1, NONE},
                                {"m", GROUP, OPTIONAL, 1, MAP},
                                {"kv", GROUP, REPEATED, 2, NONE},
                                {"k", INT, REQUIRED, 0, NONE},
                                {"v", INT, OPTIONAL, 0, NONE}};
    const leaf pairs[] = {{"00011", "01222", 7}, {"00011", "01323", 1}};
    expect_rows(map, 5, pairs, 3, "null {} {\"7\":1,\"8\":null,\"9\":2} ");
}

/* Goal: leaves that tell different stories, rows too few or too many, and levels out of their range are damage. */
static void test_contradictions_are_refused(void **state) {
    (void)state;
    const leaf stories[][2] = {
        {{"00", "04", 1}, {"00", "13", 1}},     /* null here, empty there */
        {{"001", "044", 1}, {"00", "03", 1}},   /* two elements here, one there */
        {{"00", "04", 1}, {"001", "033", 1}},   /* and the other way round */
        {{"10", "44", 1}, {"10", "33", 1}},     /* begins in the middle of a row */
        {{"000", "044", 1}, {"000", "033", 1}}, /* three rows of two */
        {{"0", "4", 1}, {"0", "3", 1}},         /* one of two */
        {{"001", "041", 1}, {"001", "031", 1}}, /* a further element that is no entry */
    };
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        expect_rows(list_of_structs, 6, stories[i], 2, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_have_all_their_shapes),
        cmocka_unit_test(test_maps_and_structs_have_their_shapes),
        cmocka_unit_test(test_rows_are_put_together),
        cmocka_unit_test(test_contradictions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
