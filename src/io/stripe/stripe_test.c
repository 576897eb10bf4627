/* Tests of stripes: what was written is read, whatever its type, nulls and encoding; and how writing ends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/digest/digest.h"
#include "io/segment/segment.h"
#include "io/stripe/stripe.h"

static wg_platform *sim;
static const uint8_t uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

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

static wg_stripe_options options_of(bool zstd, bool plain) {
    wg_stripe_options o = {.zstd = zstd, .plain = plain};
    memcpy(o.store_uuid, uuid, 16);
    return o;
}

static wg_fragment_head head_of(uint64_t slot, uint32_t rows) {
    return (wg_fragment_head){.key = {.kind = WG_KIND_ROWS, .owner = 3, .slot = slot},
                              .version = 9,
                              .row_count = rows,
                              .attributes = {1, 2, 3, 4, 5, UINT64_MAX}};
}

/* One fragment with these columns, as stripe 1. */
static void write_one(const wg_stripe_column *columns, uint32_t count, uint32_t rows, const wg_stripe_options *o) {
    wg_stripe_writer *w;
    wg_error err = {0};
    uint64_t bytes;
    assert_int_equal(wg_stripe_create(sim, "/s", 1, o, &w, &err), WG_OK);
    const wg_fragment_head head = head_of(5, rows);
    const wg_code code = wg_stripe_add(w, &head, columns, count, &err);
    if (code != WG_OK) print_message("%s\n", err.message);
    assert_int_equal(code, WG_OK);
    assert_int_equal(wg_stripe_finish(w, &bytes, &err), WG_OK);
}

static wg_stripe *open_one(void) {
    wg_stripe *s;
    wg_error err = {0};
    const wg_code code = wg_stripe_open(sim, "/s", 1, uuid, NULL, NULL, &s, &err);
    if (code != WG_OK) print_message("%s\n", err.message);
    assert_int_equal(code, WG_OK);
    return s;
}

static void assert_same(const wg_value *a, const wg_value *b) {
    wg_buf bytes[2] = {{0}, {0}};
    assert_true(wg_value_encode(&bytes[0], a));
    assert_true(wg_value_encode(&bytes[1], b));
    if (!wg_slice_equal(wg_buf_slice(&bytes[0]), wg_buf_slice(&bytes[1]))) fail_msg("cells differ");
    wg_buf_deinit(&bytes[0]);
    wg_buf_deinit(&bytes[1]);
}

static uint32_t coded_runs; /* that came as codes */

/* The same run by wg_fragment_read_coded; now and then another column was read with the scratch before. */
static void assert_coded(const wg_fragment *f, uint32_t column, uint32_t first, const wg_vector *plain,
                         uint32_t count, wg_fragment_scratch *scratch) {
    wg_error err = {0};
    wg_vector v;
    if (first % 3 == 0) assert_int_equal(wg_fragment_read(f, 0, first, count, scratch, &v, &err), WG_OK);
    assert_int_equal(wg_fragment_read_coded(f, column, first, count, scratch, &v, &err), WG_OK);
    assert_int_equal(v.type, plain->type);
    if (v.kind == WG_VECTOR_DICT) {
        assert_int_equal(v.type, WG_TYPE_STRING);
        assert_in_range(v.dict_size, 1, WG_FRAGMENT_ENTRIES_MAX);
        for (uint32_t i = 0; i < count; i++) assert_true(v.codes[i] < v.dict_size);
        coded_runs++;
    }
    for (uint32_t i = 0; i < count; i++) {
        const wg_value a = wg_vector_value(&v, i), b = wg_vector_value(plain, i);
        assert_same(&a, &b);
    }
}

/* Every cell by run (with odd boundaries) and by itself is what the vector says. */
static void assert_column(const wg_fragment *f, uint32_t column, const wg_vector *expected) {
    wg_fragment_scratch scratch = {0};
    wg_fragment_scratch other = {0};
    wg_arena arena;
    wg_error err = {0};
    wg_arena_init(&arena, NULL);
    uint32_t step = 1;
    for (uint32_t first = 0; first < f->head.row_count; first += step, step = step * 3 + 2) {
        const uint32_t left = f->head.row_count - first;
        if (step > WG_BATCH_ROWS_MAX) step = WG_BATCH_ROWS_MAX;
        const uint32_t count = step < left ? step : left;
        wg_vector v;
        const wg_code code = wg_fragment_read(f, column, first, count, &scratch, &v, &err);
        if (code != WG_OK) print_message("%s\n", err.message);
        assert_int_equal(code, WG_OK);
        assert_int_equal(v.type, expected->type);
        assert_int_equal(v.kind, WG_VECTOR_FLAT);
        for (uint32_t i = 0; i < count; i++) {
            const wg_value a = wg_vector_value(&v, i), b = wg_vector_value(expected, first + i);
            assert_same(&a, &b);
        }
        assert_coded(f, column, first, &v, count, &other);
    }
    for (uint32_t i = 0; i < f->head.row_count; i += 1 + f->head.row_count / 97) {
        wg_value a;
        const wg_value b = wg_vector_value(expected, i);
        assert_int_equal(wg_fragment_cell(f, column, i, &arena, &a, &err), WG_OK);
        assert_same(&a, &b);
    }
    wg_fragment_scratch_deinit(&scratch);
    wg_fragment_scratch_deinit(&other);
    wg_arena_deinit(&arena);
}

/* ---- columns of every type and shape */

typedef enum shape {
    SHAPE_CONSTANT,
    SHAPE_SEQUENCE,
    SHAPE_SMALL,
    SHAPE_RANDOM,
    SHAPE_RUNS,
    SHAPE_FEW,
    SHAPE_RISING,
    SHAPE_COUNT
} shape;
typedef enum nulls { NULLS_NONE, NULLS_SOME, NULLS_FIRST, NULLS_ALL, NULLS_COUNT } nulls;

static uint64_t number(shape s, uint32_t i, wg_rng *rng) {
    static uint64_t rising;
    switch (s) {
        case SHAPE_CONSTANT:
            return 77;
        case SHAPE_SEQUENCE:
            return 1000 - 3 * (uint64_t)i;
        case SHAPE_SMALL:
            return 500 + wg_rng_below(rng, 1000);
        case SHAPE_RANDOM:
            return wg_rng_next(rng);
        case SHAPE_RUNS:
            return (uint64_t)(i / 300) * UINT64_C(0x9e3779b97f4a7c15);
        case SHAPE_FEW:
            return wg_rng_below(rng, 20) * UINT64_C(0x9e3779b97f4a7c15);
        case SHAPE_RISING:
            rising = i == 0 ? UINT64_C(1) << 60 : rising + 1 + wg_rng_below(rng, 100);
            return rising;
        case SHAPE_COUNT:
            break;
    }
    return 0;
}

static bool append_any(wg_column *c, uint64_t n, uint32_t i) {
    wg_value items[2] = {wg_value_int(wg_i64_of_u64(n)), wg_value_float(0.5)};
    wg_value v = wg_value_int(wg_i64_of_u64(n));
    if (i % 3 == 1) v = wg_value_str(wg_slice_str("text"));
    if (i % 3 == 2) {
        v = (wg_value){.type = WG_TYPE_LIST, .size = 2};
        v.as.list = items;
    }
    return wg_column_append_value(c, &v);
}

static bool append(wg_column *c, shape s, uint32_t i, wg_rng *rng) {
    const uint64_t n = number(s, i, rng);
    if (c->type == WG_TYPE_BOOL) return wg_column_append_bool(c, s == SHAPE_CONSTANT || n % 2 == 0);
    if (c->type == WG_TYPE_FLOAT) return wg_column_append_f64(c, (double)wg_i64_of_u64(n) / 3);
    if (c->type == WG_TYPE_NODE) return wg_column_append_id(c, n);
    if (c->type == WG_TYPE_STRING || c->type == WG_TYPE_BYTES) {
        char text[400];
        int size = snprintf(text, sizeof text, "t%llu", (unsigned long long)n);
        if (s == SHAPE_RANDOM) size = snprintf(text, sizeof text, "\xc3\xa9%0150llu", (unsigned long long)n);
        return wg_column_append_str(c, (wg_str){text, (uint64_t)size});
    }
    if (c->type == WG_TYPE_ANY && s != SHAPE_SMALL) return append_any(c, n, i);
    const wg_value v = wg_value_int(wg_i64_of_u64(n));
    if (c->type == WG_TYPE_ANY) return wg_column_append_value(c, &v);
    const bool ranged = c->type == WG_TYPE_DATE || c->type == WG_TYPE_LOCAL_TIME;
    return wg_column_append_i64(c, ranged ? (int64_t)(n % 80000000) : wg_i64_of_u64(n));
}

static void fill(wg_column *c, wg_type type, wg_arena *arena, shape s, nulls n, uint32_t rows) {
    wg_rng rng;
    wg_rng_init(&rng, (uint64_t)type * 100 + s * 10 + n);
    wg_column_init(c, type, arena, NULL);
    for (uint32_t i = 0; i < rows; i++) {
        const bool null = n == NULLS_ALL || (n == NULLS_SOME && wg_rng_below(&rng, 4) == 0) ||
                          (n == NULLS_FIRST && (i < 3 || i == rows - 1));
        assert_true(null ? wg_column_append_null(c) : append(c, s, i, &rng));
    }
}

static const wg_type types[] = {WG_TYPE_BOOL, WG_TYPE_INT,  WG_TYPE_FLOAT, WG_TYPE_STRING,     WG_TYPE_BYTES,
                                WG_TYPE_DATE, WG_TYPE_NODE, WG_TYPE_ANY,   WG_TYPE_LOCAL_TIME, WG_TYPE_LOCAL_DATETIME,
                                WG_TYPE_INT};
enum { TYPE_COUNT = sizeof types / sizeof types[0], COLUMNS = TYPE_COUNT * SHAPE_COUNT * NULLS_COUNT };

/* All types, shapes and null patterns in one fragment: written, checked, read. */
static void round_trip(uint32_t rows, bool zstd, bool plain) {
    static wg_column columns[COLUMNS];
    static wg_stripe_column stored[COLUMNS];
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    uint32_t n = 0;
    for (size_t t = 0; t < TYPE_COUNT; t++)
        for (unsigned s = 0; s < SHAPE_COUNT; s++)
            for (unsigned k = 0; k < NULLS_COUNT; k++, n++) {
                fill(&columns[n], types[t], &arena, (shape)s, (nulls)k, rows);
                stored[n] = (wg_stripe_column){.id = n * 2, .vector = wg_column_view(&columns[n])};
            }
    const wg_stripe_options o = options_of(zstd, plain);
    write_one(stored, n, rows, &o);
    wg_stripe *s = open_one();
    wg_error err = {0};
    const wg_code code = wg_stripe_check(s, &err);
    if (code != WG_OK) print_message("%s\n", err.message);
    assert_int_equal(code, WG_OK);
    assert_int_equal(wg_stripe_fragment_count(s), 1);
    const wg_fragment *f = wg_stripe_fragment(s, 0);
    const wg_fragment_head head = head_of(5, rows);
    assert_memory_equal(f->head.attributes, head.attributes, sizeof head.attributes);
    assert_int_equal(f->head.version, 9);
    assert_int_equal(wg_fragment_key_compare(&f->head.key, &head.key), 0);
    assert_int_equal(f->column_count, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(wg_fragment_column_of(f, i * 2), i);
        assert_int_equal(f->columns[i].null_count, columns[i].null_count);
        assert_column(f, i, &stored[i].vector);
        wg_column_deinit(&columns[i]);
    }
    assert_int_equal(wg_fragment_column_of(f, 1), UINT32_MAX);
    assert_int_equal(wg_fragment_column_of(f, n * 2), UINT32_MAX);
    wg_stripe_close(s);
    wg_arena_deinit(&arena);
}

static void test_stripe_reads_what_it_wrote(void **state) {
    /* Goal: every type, shape and null pattern comes back, with encodings, plain and compressed; also few rows and none. */
    (void)state;
    round_trip(3000, false, false);
    round_trip(2500, false, true);
    round_trip(2500, true, false);
    round_trip(1, true, false);
    round_trip(0, false, false);
    round_trip(7, false, true);
}

static bool append_line(void *ctx, wg_slice line) {
    return wg_buf_append(ctx, line.data, line.size);
    assert_true(coded_runs > 10); /* small dictionaries came as codes */
}

static void test_stripe_dump_out_of_memory_is_typed(void **state) {
    /* Goal: each allocation of a dump may fail: WG_E_NOMEM, no leak; the dump that succeeds is the same. */
    (void)state;
    static wg_column columns[3];
    wg_stripe_column stored[3];
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    static const wg_type dumped[] = {WG_TYPE_STRING, WG_TYPE_ANY, WG_TYPE_INT};
    for (uint32_t i = 0; i < 3; i++) {
        fill(&columns[i], dumped[i], &arena, SHAPE_RANDOM, NULLS_SOME, 200);
        stored[i] = (wg_stripe_column){.id = i, .vector = wg_column_view(&columns[i])};
    }
    const wg_stripe_options o = options_of(true, false);
    write_one(stored, 3, 200, &o);
    wg_account account;
    wg_account_init(&account, NULL, 0);
    wg_stripe *s;
    assert_int_equal(wg_stripe_open(sim, "/s", 1, uuid, NULL, &account, &s, NULL), WG_OK);
    const uint64_t before = wg_account_bytes(&account);
    wg_buf expected = {0}, got = {0};
    assert_int_equal(wg_stripe_dump(s, true, append_line, &expected, NULL), WG_OK);
    assert_true(wg_buf_reserve(&got, 2 * expected.size)); /* so that only the dump itself allocates */
    for (uint64_t n = 1;; n++) {
        got.size = 0;
        wg_memory_fail_at(n, false);
        const wg_code code = wg_stripe_dump(s, true, append_line, &got, NULL);
        wg_memory_fail_at(0, false);
        assert_int_equal(wg_account_bytes(&account), before);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
    }
    assert_true(wg_slice_equal(wg_buf_slice(&expected), wg_buf_slice(&got)));
    wg_buf_deinit(&expected);
    wg_buf_deinit(&got);
    wg_stripe_close(s);
    for (uint32_t i = 0; i < 3; i++) wg_column_deinit(&columns[i]);
    wg_arena_deinit(&arena);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_stripe_reads_what_it_wrote),
        T(test_stripe_dump_out_of_memory_is_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
