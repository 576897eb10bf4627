/* Footers: what is taken from a sound one, and which damage is refused as what. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "format/parquet/parquet_internal.h"

enum { FILE_SIZE = 100000 };

/* A footer with one column and two row groups; each field can be bent. */
typedef struct shape {
    int32_t type;
    int32_t converted; /* -1: none */
    int16_t logical;   /* 0: none; empty struct of that number */
    int32_t repetition;
    int32_t children; /* of the root */
    int64_t rows;
    int64_t group_rows;
    int64_t values;
    int64_t offset[2];
    int64_t compressed;
    int64_t nulls;
    wg_slice min;
    wg_slice max;
    bool old_bounds;
    bool no_orders;
} shape;

static const shape sound = {.type = WGI_PARQUET_INT64,
                            .converted = -1,
                            .repetition = 1,
                            .children = 1,
                            .rows = 20,
                            .group_rows = 10,
                            .values = 10,
                            .offset = {4, 1004},
                            .compressed = 1000};

static void schema_put(wg_thrift_writer *w, const shape *s) {
    wg_thrift_write_list_field(w, 2, WG_THRIFT_STRUCT, 2);
    wg_thrift_write_struct_begin(w);
    wg_thrift_write_binary(w, 4, wg_slice_str("root"));
    wg_thrift_write_i32(w, 5, s->children);
    wg_thrift_write_struct_end(w);
    wg_thrift_write_struct_begin(w);
    wg_thrift_write_i32(w, 1, s->type);
    if (s->type == WGI_PARQUET_FIXED) wg_thrift_write_i32(w, 2, 16);
    wg_thrift_write_i32(w, 3, s->repetition);
    wg_thrift_write_binary(w, 4, wg_slice_str("col"));
    if (s->converted >= 0) wg_thrift_write_i32(w, 6, s->converted);
    if (s->logical > 0) {
        wg_thrift_write_struct_field(w, 10);
        wg_thrift_write_struct_field(w, s->logical);
        wg_thrift_write_struct_end(w);
        wg_thrift_write_struct_end(w);
    }
    wg_thrift_write_struct_end(w);
}

static void group_put(wg_thrift_writer *w, const shape *s, int64_t offset) {
    wg_thrift_write_struct_begin(w);
    wg_thrift_write_list_field(w, 1, WG_THRIFT_STRUCT, 1);
    wg_thrift_write_struct_begin(w);
    wg_thrift_write_struct_field(w, 3);
    wg_thrift_write_i32(w, 1, s->type);
    wg_thrift_write_i32(w, 4, WG_CODEC_ZSTD);
    wg_thrift_write_i64(w, 5, s->values);
    wg_thrift_write_i64(w, 6, 2000);
    wg_thrift_write_i64(w, 7, s->compressed);
    wg_thrift_write_i64(w, 9, offset);
    wg_thrift_write_struct_field(w, 12);
    if (s->old_bounds) {
        wg_thrift_write_binary(w, 1, s->max);
        wg_thrift_write_binary(w, 2, s->min);
    }
    wg_thrift_write_i64(w, 3, s->nulls);
    if (!s->old_bounds && s->min.data != NULL) {
        wg_thrift_write_binary(w, 5, s->max);
        wg_thrift_write_binary(w, 6, s->min);
    }
    wg_thrift_write_struct_end(w);
    wg_thrift_write_struct_end(w);
    wg_thrift_write_struct_end(w);
    wg_thrift_write_i64(w, 3, s->group_rows);
    wg_thrift_write_struct_end(w);
}

static void footer_make(wg_buf *out, const shape *s) {
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, out);
    wg_thrift_write_struct_begin(&w);
    wg_thrift_write_i32(&w, 1, 2);
    schema_put(&w, s);
    wg_thrift_write_i64(&w, 3, s->rows);
    wg_thrift_write_list_field(&w, 4, WG_THRIFT_STRUCT, 2);
    group_put(&w, s, s->offset[0]);
    group_put(&w, s, s->offset[1]);
    wg_thrift_write_binary(&w, 6, wg_slice_str("tester 1"));
    if (!s->no_orders) {
        wg_thrift_write_list_field(&w, 7, WG_THRIFT_STRUCT, 1);
        wg_thrift_write_struct_begin(&w);
        wg_thrift_write_struct_field(&w, 1);
        wg_thrift_write_struct_end(&w);
        wg_thrift_write_struct_end(&w);
    }
    wg_thrift_write_struct_end(&w);
    assert_true(w.ok);
}

static wg_code decode(const shape *s, wg_arena *arena, wg_parquet_metadata *out, wg_error *err) {
    wg_buf footer = {0};
    footer_make(&footer, s);
    const wg_code code = wg_parquet_metadata_decode(wg_buf_slice(&footer), FILE_SIZE, arena, out, err);
    wg_buf_deinit(&footer);
    return code;
}

static wg_code refusal(const shape *s) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    wg_error err = {0};
    const wg_code code = decode(s, &arena, &m, &err);
    assert_int_equal(code, err.code);
    wg_arena_deinit(&arena);
    return code;
}

/* Goal: everything that the header promises comes out of a sound footer. */
static void test_metadata_decodes_a_sound_footer(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    assert_int_equal(decode(&sound, &arena, &m, NULL), WG_OK);
    assert_int_equal(m.row_count, 20);
    assert_int_equal(m.column_count, 1);
    assert_int_equal(m.row_group_count, 2);
    assert_string_equal(m.columns[0].name, "col");
    assert_string_equal(m.columns[0].physical_name, "INT64");
    assert_int_equal(m.columns[0].type, WG_TYPE_INT);
    assert_true(m.columns[0].optional);
    assert_int_equal(m.columns[0].max_def, 1);
    assert_int_equal(m.row_groups[1].first_row, 10);
    assert_int_equal(m.row_groups[1].chunks[0].offset, 1004);
    assert_int_equal(m.row_groups[1].chunks[0].codec, WG_CODEC_ZSTD);
    assert_true(m.row_groups[0].chunks[0].range.null_count_known);
    assert_false(m.row_groups[0].chunks[0].range.known);
    assert_string_equal(m.created_by, "tester 1");
    wg_arena_deinit(&arena);
}

/* Goal: a tail that lies about the footer is refused before anything is read. */
static void test_tail_refuses_damage(void **state) {
    (void)state;
    uint8_t tail[8] = {100, 0, 0, 0, 'P', 'A', 'R', '1'};
    uint32_t bytes = 0;
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 112, &bytes, NULL), WG_OK);
    assert_int_equal(bytes, 100);
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 111, &bytes, NULL), WG_E_CORRUPT); /* past the file */
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 7), 7, &bytes, NULL), WG_E_CORRUPT);
    tail[7] = 'E';
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 112, &bytes, NULL), WG_E_UNSUPPORTED);
    tail[7] = 'X';
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 112, &bytes, NULL), WG_E_CORRUPT);
    tail[7] = '1';
    wg_store_u32le(tail, 0);
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 112, &bytes, NULL), WG_E_CORRUPT);
    wg_store_u32le(tail, (64u << 20) + 1);
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), UINT64_C(1) << 40, &bytes, NULL), WG_E_LIMIT);
    wg_store_u32le(tail, UINT32_MAX);
    assert_int_equal(wg_parquet_tail(wg_slice_of(tail, 8), 112, &bytes, NULL), WG_E_CORRUPT);
    assert_int_equal(bytes, 100);
}

/* Goal: negative counts and sizes, sums that do not add up, and trees that do not close are WG_E_CORRUPT. */
static void test_metadata_refuses_bad_counts(void **state) {
    (void)state;
    shape s = sound;
    s.rows = -20;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.rows = 21;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.group_rows = -10;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.rows = -2;
    s.group_rows = INT64_MAX;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.values = -1;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.nulls = -1;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.children = 2;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s.children = -1;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s.children = 0;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.type = 99;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
}

/* Goal: chunks outside the file, over the footer, or over each other are WG_E_CORRUPT; touching chunks are fine. */
static void test_metadata_refuses_misplaced_chunks(void **state) {
    (void)state;
    shape s = sound;
    s.offset[1] = 1003; /* shares a byte */
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s.offset[1] = 4;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s = sound;
    s.offset[0] = 5000; /* unsorted, apart */
    assert_int_equal(refusal(&s), WG_OK);
    s.offset[0] = 2003; /* unsorted, sharing */
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    static const int64_t outside[] = {-1, 0, 3, FILE_SIZE - 500, FILE_SIZE, INT64_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        s = sound;
        s.offset[1] = outside[i];
        assert_int_equal(refusal(&s), WG_E_CORRUPT);
    }
    s = sound;
    s.compressed = INT64_MAX;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
    s.compressed = -5;
    assert_int_equal(refusal(&s), WG_E_CORRUPT);
}

/* Goal: every cut of a footer is refused, and so is every cut's allocation when memory runs out. */
static void test_metadata_refuses_cuts_and_survives_no_memory(void **state) {
    (void)state;
    wg_buf footer = {0};
    footer_make(&footer, &sound);
    wg_parquet_metadata m;
    for (size_t cut = 0; cut < footer.size; cut++) {
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        assert_int_not_equal(wg_parquet_metadata_decode(wg_slice_of(footer.data, cut), FILE_SIZE, &arena, &m, NULL),
                             WG_OK);
        wg_arena_deinit(&arena);
    }
    wg_account tight;
    wg_account_init(&tight, NULL, 64);
    wg_arena arena;
    wg_arena_init(&arena, &tight);
    assert_int_equal(wg_parquet_metadata_decode(wg_buf_slice(&footer), FILE_SIZE, &arena, &m, NULL), WG_E_NOMEM);
    wg_arena_deinit(&arena);
    wg_buf_deinit(&footer);
}

typedef struct type_case {
    int32_t physical;
    int32_t converted;
    int16_t logical;
    wg_type type;
} type_case;

/* Goal: annotations of both generations give the engine types of docs/format/parquet.md, or a reason why not. */
static void test_metadata_maps_types(void **state) {
    (void)state;
    static const type_case cases[] = {
        {WGI_PARQUET_BOOLEAN, -1, 0, WG_TYPE_BOOL},        {WGI_PARQUET_INT32, -1, 0, WG_TYPE_INT},
        {WGI_PARQUET_INT32, 6, 0, WG_TYPE_DATE},           {WGI_PARQUET_INT32, -1, 6, WG_TYPE_DATE},
        {WGI_PARQUET_INT32, 7, 0, WG_TYPE_LOCAL_TIME},     {WGI_PARQUET_INT32, 5, 0, WG_TYPE_NULL},
        {WGI_PARQUET_INT32, 0, 0, WG_TYPE_NULL},           {WGI_PARQUET_INT32, 11, 0, WG_TYPE_INT},
        {WGI_PARQUET_INT32, 14, 0, WG_TYPE_NULL},          {WGI_PARQUET_INT64, 14, 0, WG_TYPE_INT},
        {WGI_PARQUET_INT64, 9, 0, WG_TYPE_LOCAL_DATETIME}, {WGI_PARQUET_INT64, 10, 0, WG_TYPE_LOCAL_DATETIME},
        {WGI_PARQUET_INT64, -1, 7, WG_TYPE_NULL},          {WGI_PARQUET_INT96, -1, 0, WG_TYPE_LOCAL_DATETIME},
        {WGI_PARQUET_INT64, 8, 0, WG_TYPE_LOCAL_TIME},     {WGI_PARQUET_INT64, 7, 0, WG_TYPE_NULL},
        {WGI_PARQUET_FIXED, -1, 14, WG_TYPE_BYTES},        {WGI_PARQUET_FIXED, 5, 0, WG_TYPE_NULL},
        {WGI_PARQUET_FLOAT, -1, 0, WG_TYPE_FLOAT},         {WGI_PARQUET_DOUBLE, -1, 0, WG_TYPE_FLOAT},
        {WGI_PARQUET_BYTE_ARRAY, -1, 0, WG_TYPE_BYTES},    {WGI_PARQUET_BYTE_ARRAY, 0, 0, WG_TYPE_STRING},
        {WGI_PARQUET_BYTE_ARRAY, 4, 0, WG_TYPE_STRING},    {WGI_PARQUET_BYTE_ARRAY, -1, 12, WG_TYPE_STRING},
        {WGI_PARQUET_BYTE_ARRAY, 5, 0, WG_TYPE_NULL},      {WGI_PARQUET_FIXED, -1, 0, WG_TYPE_BYTES},
        {WGI_PARQUET_FIXED, 21, 0, WG_TYPE_NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shape s = sound;
        s.type = cases[i].physical;
        s.converted = cases[i].converted;
        s.logical = cases[i].logical;
        wg_arena arena;
        wg_arena_init(&arena, NULL);
        wg_parquet_metadata m;
        assert_int_equal(decode(&s, &arena, &m, NULL), WG_OK);
        assert_int_equal(m.columns[0].type, cases[i].type);
        assert_int_equal(m.columns[0].why_not != NULL, cases[i].type == WG_TYPE_NULL);
        wg_arena_deinit(&arena);
    }
    shape s = sound;
    s.repetition = 2;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    assert_int_equal(decode(&s, &arena, &m, NULL), WG_OK);
    assert_int_equal(m.columns[0].max_rep, 1);
    assert_int_equal(m.columns[0].list_def, 1);
    assert_int_equal(m.columns[0].type, WG_TYPE_LIST);
    assert_null(m.columns[0].why_not);
    wg_arena_deinit(&arena);
}

static wg_parquet_range range_of(shape s, wg_arena *arena) {
    wg_parquet_metadata m;
    assert_int_equal(decode(&s, arena, &m, NULL), WG_OK);
    return m.row_groups[0].chunks[0].range;
}

static shape doubles(double *min, double *max) {
    shape s = sound;
    s.type = WGI_PARQUET_DOUBLE;
    s.min = wg_slice_of(min, 8);
    s.max = wg_slice_of(max, 8);
    return s;
}

/* Goal: float bounds: NaN says nothing, zeros widen to both zeros, a swapped pair says nothing. */
static void test_statistics_of_floats(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    double a = -1.5;
    double b = 2.5;
    wg_parquet_range r = range_of(doubles(&a, &b), &arena);
    assert_true(r.known);
    assert_true(r.min.as.f == -1.5 && r.max.as.f == 2.5);
    assert_false(range_of(doubles(&b, &a), &arena).known);
    double nan = wg_f64_of_bits(UINT64_C(0x7ff8000000000000));
    assert_false(range_of(doubles(&nan, &b), &arena).known);
    assert_false(range_of(doubles(&a, &nan), &arena).known);
    double zero = 0.0;
    double minus = -0.0;
    r = range_of(doubles(&zero, &minus), &arena);
    assert_true(r.known);
    assert_true(wg_bits_of_f64(r.min.as.f) == wg_bits_of_f64(-0.0));
    assert_true(wg_bits_of_f64(r.max.as.f) == 0);
    wg_arena_deinit(&arena);
}

/* Goal: old min and max count for signed order only; without column orders strings and unsigned integers have no bounds;
 * wrong sizes have none; timestamps come out as seconds and nanoseconds, also before 1970. */
static void test_statistics_trust_only_known_orders(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    int64_t lo = -1;
    int64_t hi = 7;
    shape s = sound;
    s.min = wg_slice_of(&lo, 8);
    s.max = wg_slice_of(&hi, 8);
    assert_true(range_of(s, &arena).known);
    s.no_orders = true;
    assert_true(range_of(s, &arena).known);
    s.old_bounds = true;
    assert_int_equal(range_of(s, &arena).min.as.i, -1);
    s.converted = 14; /* UINT_64 */
    assert_false(range_of(s, &arena).known);
    s.converted = 9; /* milliseconds */
    const wg_parquet_range r = range_of(s, &arena);
    assert_int_equal(r.min.type, WG_TYPE_LOCAL_DATETIME);
    assert_int_equal(r.min.as.i, -1);
    assert_int_equal(r.min.size, 999000000);
    s = sound;
    s.min = wg_slice_of(&lo, 4);
    s.max = wg_slice_of(&hi, 8);
    assert_false(range_of(s, &arena).known);
    s.type = WGI_PARQUET_BYTE_ARRAY;
    s.converted = 0;
    s.min = wg_slice_str("ab");
    s.max = wg_slice_str("b\xff");
    assert_true(wg_slice_is(wg_value_slice(&(wg_value){.type = range_of(s, &arena).max.type,
                                                       .size = range_of(s, &arena).max.size,
                                                       .as.s = range_of(s, &arena).max.as.s}),
                            "b\xff"));
    s.no_orders = true;
    assert_false(range_of(s, &arena).known);
    s.old_bounds = true;
    assert_false(range_of(s, &arena).known);
    wg_arena_deinit(&arena);
}

/* Goal: more nulls than values cannot be; the count becomes unknown instead of a wrong promise. */
static void test_statistics_drop_impossible_null_counts(void **state) {
    (void)state;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    shape s = sound;
    s.nulls = 10;
    assert_true(range_of(s, &arena).null_count_known);
    s.nulls = 11;
    assert_false(range_of(s, &arena).null_count_known);
    wg_arena_deinit(&arena);
}

static void groups_nest(wg_thrift_writer *w, uint32_t depth, const char *name, uint32_t leaves) {
    wg_thrift_write_list_field(w, 2, WG_THRIFT_STRUCT, depth + leaves);
    for (uint32_t i = 0; i < depth + leaves; i++) {
        wg_thrift_write_struct_begin(w);
        if (i >= depth) wg_thrift_write_i32(w, 1, WGI_PARQUET_INT32);
        wg_thrift_write_binary(w, 4, wg_slice_str(name));
        if (i < depth) wg_thrift_write_i32(w, 5, i + 1 < depth ? 1 : (int32_t)leaves);
        wg_thrift_write_struct_end(w);
    }
}

static wg_code nested_decode(uint32_t depth, const char *name, uint32_t leaves) {
    wg_buf footer = {0};
    wg_thrift_writer w;
    wg_thrift_writer_init(&w, &footer);
    wg_thrift_write_struct_begin(&w);
    groups_nest(&w, depth, name, leaves);
    wg_thrift_write_i64(&w, 3, 0);
    wg_thrift_write_list_field(&w, 4, WG_THRIFT_STRUCT, 0);
    wg_thrift_write_struct_end(&w);
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_parquet_metadata m;
    const uint64_t size = footer.size + 100;
    const wg_code code = wg_parquet_metadata_decode(wg_buf_slice(&footer), size, &arena, &m, NULL);
    wg_arena_deinit(&arena);
    wg_buf_deinit(&footer);
    return code;
}

/* Goal: schemas stop at depth 64, at 65,536 columns, and at 64 MiB of paths that a few names multiply to. */
static void test_schema_limits(void **state) {
    (void)state;
    assert_int_equal(nested_decode(64, "g", 1), WG_OK);
    assert_int_equal(nested_decode(65, "g", 1), WG_E_LIMIT);
    assert_int_equal(nested_decode(10000, "g", 1), WG_E_LIMIT);
    assert_int_equal(nested_decode(1, "c", 65536), WG_OK);
    assert_int_equal(nested_decode(1, "c", 65537), WG_E_LIMIT);
    char *name = wg_alloc_zero(NULL, 65536 + 1);
    memset(name, 'n', 65536);
    assert_int_equal(nested_decode(40, name, 60), WG_E_LIMIT);
    wg_free(name);
    assert_int_equal(nested_decode(1, "\xff", 1), WG_E_CORRUPT);
}

/* Goal: a Julian day that no LOCAL_DATETIME can hold is marked as such instead of overflowing. */
static void test_int96_days_beyond_the_range_are_marked(void **state) {
    (void)state;
    static const struct {
        int32_t julian_day;
        int64_t micros;
    } cases[] = {{2440588, 1},
                 {2440588 + 106751990, INT64_C(9223371936000000001)},
                 {2440588 + 106751991, INT64_MIN},
                 {INT32_MAX, INT64_MIN},
                 {INT32_MIN, INT64_MIN}};
    const wg_parquet_column column = {.physical = WGI_PARQUET_INT96, .type = WG_TYPE_LOCAL_DATETIME};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[12] = {0};
        int64_t cell = 0;
        wgi_parquet_values v;
        bytes[0] = 0xe8, bytes[1] = 0x03; /* 1,000 ns */
        for (int b = 0; b < 4; b++) bytes[8 + b] = (uint8_t)((uint32_t)cases[i].julian_day >> (8 * b));
        wgi_parquet_values_init(&v, &column, NULL);
        assert_true(wgi_parquet_values_open(&v, 0, wg_slice_of(bytes, sizeof bytes)));
        const bool read = wgi_parquet_values_read(&v, &cell, 1);
        assert_true(read ? cell == cases[i].micros : cases[i].micros == INT64_MIN);
        wgi_parquet_values_deinit(&v);
    }
}

static void expect_moment(const wg_parquet_column *column, const void *bytes, size_t size, int64_t seconds,
                          uint32_t nanoseconds) {
    wg_value cell = {0};
    wgi_parquet_values v;
    wgi_parquet_values_init(&v, column, NULL);
    assert_true(wgi_parquet_values_open(&v, WGI_PARQUET_PLAIN, wg_slice_of(bytes, size)));
    assert_true(wgi_parquet_values_read(&v, &cell, 1));
    assert_int_equal(cell.type, WG_TYPE_LOCAL_DATETIME);
    assert_int_equal(cell.as.i, seconds);
    assert_int_equal(cell.size, nanoseconds);
    wgi_parquet_values_deinit(&v);
}

/* Goal: with exact_times every tick of every unit is a moment of its own, also before 1970 and at the ends of the range; a time outside of its day is
 * refused, and what is skipped need not be sound. */
static void test_moments_are_exact(void **state) {
    (void)state;
    static const struct {
        uint8_t unit;
        int64_t ticks;
        int64_t seconds;
        uint32_t nanoseconds;
    } cases[] = {{9, 0, 0, 0},
                 {9, 1, 0, 1},
                 {9, -1, -1, 999999999},
                 {9, -1000000000, -1, 0},
                 {9, INT64_MAX, 9223372036, 854775807},
                 {9, INT64_MIN, -9223372037, 145224192},
                 {3, -1, -1, 999000000},
                 {3, INT64_MAX, INT64_C(9223372036854775), 807000000},
                 {3, INT64_MIN, INT64_C(-9223372036854776), 192000000}};
    wg_parquet_column column = {.physical = WGI_PARQUET_INT64, .type = WG_TYPE_ANY};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        column.time_unit = cases[i].unit;
        expect_moment(&column, &cases[i].ticks, sizeof cases[i].ticks, cases[i].seconds, cases[i].nanoseconds);
    }
    column = (wg_parquet_column){.physical = WGI_PARQUET_INT96, .type = WG_TYPE_ANY, .time_unit = 9};
    const struct {
        uint64_t ns;
        int32_t day;
        int32_t rest; /* the first bytes of what would be next */
    } boxes[] = {{UINT64_C(86399999999999), 2440587, 0}, {7, INT32_MAX, 0}, {UINT64_C(86400000000000), 0, 0}};
    expect_moment(&column, &boxes[0], 12, -1, 999999999);
    expect_moment(&column, &boxes[1], 12, INT64_C(86400) * (INT32_MAX - 2440588), 7);
    wg_value cell = {0};
    wgi_parquet_values v;
    wgi_parquet_values_init(&v, &column, NULL);
    assert_true(wgi_parquet_values_open(&v, WGI_PARQUET_PLAIN, wg_slice_of(&boxes[2], 12)));
    assert_false(wgi_parquet_values_read(&v, &cell, 1));
    assert_int_equal(v.problem.code, WG_E_VALUE);
    assert_true(wgi_parquet_values_open(&v, WGI_PARQUET_PLAIN, wg_slice_of(&boxes[2], 12)));
    assert_true(wgi_parquet_values_skip(&v, 1, &cell));
    assert_false(wgi_parquet_values_read(&v, &cell, 1));
    assert_int_equal(v.problem.code, WG_E_CORRUPT);
    wgi_parquet_values_deinit(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_moments_are_exact),
                                       cmocka_unit_test(test_int96_days_beyond_the_range_are_marked),
                                       cmocka_unit_test(test_metadata_decodes_a_sound_footer),
                                       cmocka_unit_test(test_tail_refuses_damage),
                                       cmocka_unit_test(test_metadata_refuses_bad_counts),
                                       cmocka_unit_test(test_metadata_refuses_misplaced_chunks),
                                       cmocka_unit_test(test_metadata_refuses_cuts_and_survives_no_memory),
                                       cmocka_unit_test(test_metadata_maps_types),
                                       cmocka_unit_test(test_statistics_of_floats),
                                       cmocka_unit_test(test_statistics_trust_only_known_orders),
                                       cmocka_unit_test(test_statistics_drop_impossible_null_counts),
                                       cmocka_unit_test(test_schema_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
