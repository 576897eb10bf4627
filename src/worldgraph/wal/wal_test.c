/* Mutations: what is encoded is decoded, what is cut short or unknown is refused, and replay goes through the table in order. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/core/test_seed.h"
#include "worldgraph/wal/wal.h"

enum { ROWS_MAX = 70, LIST_MAX = 6 };

typedef struct maker {
    wg_rng rng;
    wg_arena arena;
} maker;

static uint32_t below(maker *m, uint32_t n) { return (uint32_t)wg_rng_below(&m->rng, n); }

static wg_slice random_text(maker *m) {
    const uint32_t size = below(m, 40);
    uint8_t *text = wg_arena_alloc(&m->arena, size);
    assert_non_null(text);
    for (uint32_t i = 0; i < size; i++) text[i] = (uint8_t)('a' + below(m, 26));
    return wg_slice_of(text, size);
}

static wg_value random_value(maker *m, uint32_t depth) {
    switch (below(m, depth < 3 ? 7 : 6)) {
        case 0:
            return wg_value_null();
        case 1:
            return wg_value_bool(below(m, 2) == 1);
        case 2:
            return wg_value_int(wg_i64_of_u64(wg_rng_next(&m->rng)));
        case 3:
            return wg_value_float((double)below(m, 1000) / 7);
        case 4:
            return wg_value_str(random_text(m));
        case 5:
            return (wg_value){.type = WG_TYPE_DATE, .as.i = (int64_t)below(m, 40000)};
        default: {
            const uint32_t count = below(m, LIST_MAX);
            wg_value *items = wg_arena_alloc(&m->arena, ((size_t)count + 1) * sizeof *items);
            assert_non_null(items);
            for (uint32_t i = 0; i < count; i++) items[i] = random_value(m, depth + 1);
            return (wg_value){.type = WG_TYPE_LIST, .size = count, .as.list = items};
        }
    }
}

static const uint32_t *random_numbers(maker *m, uint32_t *count) {
    *count = below(m, LIST_MAX);
    uint32_t *numbers = wg_arena_alloc(&m->arena, ((size_t)*count + 1) * sizeof *numbers);
    assert_non_null(numbers);
    for (uint32_t i = 0; i < *count; i++) numbers[i] = below(m, 5) == 0 ? UINT32_MAX : below(m, 300);
    return numbers;
}

static wg_vector random_vector(maker *m, wg_type type, uint32_t rows) {
    wg_column c;
    wg_column_init(&c, type, &m->arena, NULL);
    for (uint32_t r = 0; r < rows; r++) {
        wg_value v = random_value(m, 2);
        if (type != WG_TYPE_ANY && v.type != type) v = wg_value_null();
        assert_true(v.type == WG_TYPE_NULL ? wg_column_append_null(&c) : wg_column_append_value(&c, &v));
    }
    const wg_vector from = wg_column_view(&c);
    wg_vector v = from;
    const size_t bytes = rows * wg_physical_bytes(wg_type_physical(type));
    v.data = wg_arena_copy(&m->arena, from.data, bytes);
    if (from.valid != NULL) v.valid = wg_arena_copy(&m->arena, from.valid, wg_bit_bytes(rows));
    wg_column_deinit(&c);
    return v;
}

static void random_batch(maker *m, wg_mutation *out) {
    static const wg_type types[] = {WG_TYPE_BOOL,   WG_TYPE_INT,  WG_TYPE_FLOAT,
                                    WG_TYPE_STRING, WG_TYPE_DATE, WG_TYPE_ANY};
    const uint32_t rows = below(m, ROWS_MAX);
    out->keys = random_numbers(m, &out->batch.column_count);
    wg_vector *columns = wg_arena_alloc(&m->arena, (out->batch.column_count + 1) * sizeof *columns);
    assert_non_null(columns);
    for (uint32_t c = 0; c < out->batch.column_count; c++) columns[c] = random_vector(m, types[below(m, 6)], rows);
    out->batch.columns = columns;
    out->batch.row_count = rows;
    uint64_t *ends[2];
    for (size_t side = 0; side < 2; side++) {
        ends[side] = wg_arena_alloc(&m->arena, ((size_t)rows + 1) * sizeof(uint64_t));
        assert_non_null(ends[side]);
        const uint32_t bits = below(m, 64);
        for (uint32_t r = 0; r < rows; r++) ends[side][r] = wg_rng_next(&m->rng) >> bits;
    }
    out->from_ids = ends[0];
    out->to_ids = ends[1];
}

static void random_def(maker *m, wg_label_def *out) {
    static const wg_value half = {.type = WG_TYPE_FLOAT, .as.f = 0.5};
    static const wg_column_def columns[] = {
        {.name = "k", .type = WG_TYPE_STRING, .int_bits = 64, .not_null = true},
        {.name = "n", .type = WG_TYPE_INT, .int_bits = 16, .int_unsigned = true},
        {.name = "any", .type = WG_TYPE_ANY, .int_bits = 64},
        {.name = "d", .type = WG_TYPE_ANY, .declared = "LIST<INT8>"},
        {.name = "f", .type = WG_TYPE_FLOAT, .default_value = &half},
        {.name = "c", .type = WG_TYPE_INT, .int_bits = 64, .source = WG_COLUMN_COMPUTED, .expression = "n + 1"}};
    const bool edge = below(m, 2) == 1;
    *out = (wg_label_def){.name = edge ? "KNOWS" : "Player",
                          .is_edge = edge,
                          .kind = WG_LABEL_OWNED,
                          .columns = columns,
                          .column_count = 1 + below(m, 6),
                          .key_count = edge ? 0 : 1,
                          .from_label = edge ? "Player" : NULL};
}

static void random_rule(maker *m, wg_mutation *out) {
    const bool index = out->kind == WG_MUTATION_CREATE_INDEX;
    const wg_rule_kind kind = (wg_rule_kind)(index ? below(m, 2) : WG_RULE_UNIQUE + below(m, 4));
    const uint32_t keys = wg_rule_has_index(kind) ? 1 + below(m, WG_KEY_COLUMNS_MAX) : 1;
    out->rule = (wg_rule_def){.name = "a rule", .kind = kind, .label = below(m, 70000), .key_count = keys};
    for (uint32_t i = 0; i < keys; i++) out->rule.keys[i] = i * 300 + below(m, 300);
    out->rule.type = (wg_column_def){.type = WG_TYPE_INT, .int_bits = 16, .int_unsigned = below(m, 2) == 1};
}

static void random_properties(maker *m, wg_mutation *out) {
    const uint32_t count = below(m, LIST_MAX);
    wg_mutation_property *p = wg_arena_alloc(&m->arena, ((size_t)count + 1) * sizeof *p);
    assert_non_null(p);
    for (uint32_t i = 0; i < count; i++) p[i] = (wg_mutation_property){below(m, 1000), random_value(m, 0)};
    out->properties = p;
    out->property_count = count;
}

/* Fills every field; those that the kind does not have are not looked at. */
static wg_mutation random_mutation(maker *m, wg_mutation_kind kind) {
    wg_mutation out = {.kind = kind,
                       .number = below(m, 5) == 0 ? UINT32_MAX : below(m, 400),
                       .name = random_text(m),
                       .id = below(m, 3) == 0 ? wg_rng_next(&m->rng) : below(m, 400),
                       .label = below(m, 200),
                       .from = wg_rng_next(&m->rng),
                       .to = below(m, 70000),
                       .replace = below(m, 2) == 1,
                       .file_bytes = wg_rng_next(&m->rng),
                       .row_count = below(m, 1000000),
                       .time_us = wg_rng_next(&m->rng),
                       .redo = random_text(m),
                       .parent = below(m, 70000),
                       .fork_version = wg_rng_next(&m->rng) >> 20,
                       .fork_events = below(m, 400)};
    for (size_t i = 0; i < sizeof out.digest.bytes; i++) out.digest.bytes[i] = (uint8_t)below(m, 256);
    out.labels = random_numbers(m, &out.label_count);
    out.removed_labels = random_numbers(m, &out.removed_label_count);
    random_def(m, &out.def);
    uint32_t *sources = wg_arena_alloc_zero(&m->arena, 8 * sizeof *sources);
    assert_non_null(sources);
    for (uint32_t i = 0; i < 8; i++) sources[i] = below(m, 9);
    out.sources = sources;
    random_rule(m, &out);
    random_properties(m, &out);
    random_batch(m, &out);
    return out;
}

static wg_buf encode(const wg_mutation *m) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    assert_true(wg_mutation_encode(&out, m));
    return out;
}

/* Goal: every kind with random content comes back: it encodes to the same bytes again, and bytes behind it stay. */
static void test_every_kind_reads_back(void **state) {
    (void)state;
    maker m = {0};
    wg_rng_init(&m.rng, wg_test_seed(5));
    wg_arena_init(&m.arena, NULL);
    for (int round = 0; round < 60; round++)
        for (int kind = WG_MUTATION_ADD_KEY; kind < WG_MUTATION_KIND_COUNT; kind++) {
            const wg_mutation from = random_mutation(&m, (wg_mutation_kind)kind);
            wg_buf bytes = encode(&from);
            const size_t size = bytes.size;
            assert_true(wg_buf_append_str(&bytes, "rest"));
            wg_slice left = wg_buf_slice(&bytes);
            wg_mutation to;
            wg_error err = {0};
            if (wg_mutation_decode(&left, &m.arena, &to, &err) != WG_OK) fail_msg("kind %d: %s", kind, err.message);
            assert_true(wg_slice_is(left, "rest"));
            wg_buf again = encode(&to);
            assert_int_equal(again.size, size);
            assert_memory_equal(again.data, bytes.data, size);
            wg_buf_deinit(&again);
            wg_buf_deinit(&bytes);
            wg_arena_reset(&m.arena);
        }
    wg_arena_deinit(&m.arena);
}

/* Goal: a mutation that is cut anywhere is WG_E_CORRUPT and takes nothing off the input. */
static void test_truncation_is_refused_everywhere(void **state) {
    (void)state;
    maker m = {0};
    wg_rng_init(&m.rng, wg_test_seed(6));
    wg_arena_init(&m.arena, NULL);
    for (int kind = WG_MUTATION_ADD_KEY; kind < WG_MUTATION_KIND_COUNT; kind++) {
        const wg_mutation from = random_mutation(&m, (wg_mutation_kind)kind);
        wg_buf bytes = encode(&from);
        for (size_t cut = 0; cut < bytes.size; cut++) {
            wg_slice left = wg_slice_of(bytes.data, cut);
            wg_mutation to;
            wg_error err = {0};
            assert_int_equal(wg_mutation_decode(&left, &m.arena, &to, &err), WG_E_CORRUPT);
            assert_int_equal(left.size, cut);
        }
        wg_buf_deinit(&bytes);
        wg_arena_reset(&m.arena);
    }
    wg_arena_deinit(&m.arena);
}

/* kind | varint size | body, with the first `cut` bytes of the body and a size that says so. */
static void cut_body(wg_slice bytes, size_t cut, wg_buf *out) {
    wg_slice left = wg_slice_of(bytes.data + 1, bytes.size - 1);
    uint64_t size = 0;
    out->size = 0;
    assert_true(wg_varint_take(&left, &size));
    assert_true(wg_buf_append_u8(out, bytes.data[0]) && wg_buf_append_varint(out, cut) &&
                wg_buf_append(out, left.data, cut));
}

/* Goal: a body that ends early, though its size says so, is refused at whichever field it ends; and a changed byte is never
 * more than another mutation or a refusal. */
static void test_bodies_that_end_early_are_refused(void **state) {
    (void)state;
    maker m = {0};
    wg_buf cut;
    wg_buf_init(&cut, NULL);
    wg_rng_init(&m.rng, wg_test_seed(7));
    wg_arena_init(&m.arena, NULL);
    for (int round = 0; round < 8; round++)
        for (int kind = WG_MUTATION_ADD_KEY; kind < WG_MUTATION_KIND_COUNT; kind++) {
            if (kind == WG_MUTATION_RUN_COMMIT) continue; /* its body is read by worldgraph/state alone */
            const wg_mutation from = random_mutation(&m, (wg_mutation_kind)kind);
            wg_buf bytes = encode(&from);
            wg_mutation to;
            for (size_t body = 0; body + 2 < bytes.size && body < 300; body++) {
                wg_error err = {0};
                wg_slice whole = wg_slice_of(bytes.data + 1, bytes.size - 1);
                uint64_t size = 0;
                assert_true(wg_varint_take(&whole, &size));
                if (body >= size) break;
                cut_body(wg_buf_slice(&bytes), body, &cut);
                wg_slice left = wg_buf_slice(&cut);
                const wg_code code = wg_mutation_decode(&left, &m.arena, &to, &err);
                if (code != WG_E_CORRUPT && code != WG_E_LIMIT) fail_msg("kind %d, %zu bytes: %d", kind, body, code);
                cut_body(wg_buf_slice(&bytes), size, &cut);
                cut.data[cut.size - size + body] ^= (uint8_t)(1 + wg_rng_below(&m.rng, 255));
                left = wg_buf_slice(&cut);
                err = (wg_error){0};
                (void)wg_mutation_decode(&left, &m.arena, &to, &err);
            }
            wg_buf_deinit(&bytes);
            wg_arena_reset(&m.arena);
        }
    wg_arena_deinit(&m.arena);
    wg_buf_deinit(&cut);
}

/* Goal: want of memory is WG_E_NOMEM when reading. */
static void test_want_of_memory_is_told_when_reading(void **state) {
    (void)state;
    maker m = {0};
    wg_rng_init(&m.rng, wg_test_seed(8));
    wg_arena_init(&m.arena, NULL);
    for (int kind = WG_MUTATION_ADD_KEY; kind < WG_MUTATION_KIND_COUNT; kind++) {
        const wg_mutation from = random_mutation(&m, (wg_mutation_kind)kind);
        wg_buf bytes = encode(&from);
        for (uint64_t n = 1; n < 40; n++) {
            wg_arena arena;
            wg_mutation to;
            wg_error err = {0};
            wg_slice left = wg_buf_slice(&bytes);
            wg_arena_init(&arena, NULL);
            wg_memory_fail_at(n, true);
            const wg_code code = wg_mutation_decode(&left, &arena, &to, &err);
            wg_memory_fail_at(0, false);
            assert_true(code == WG_OK || code == WG_E_NOMEM);
            wg_arena_deinit(&arena);
            if (code == WG_OK) break;
        }
        wg_buf_deinit(&bytes);
        wg_arena_reset(&m.arena);
    }
    wg_arena_deinit(&m.arena);
}

/* A mutation in a buffer that ends after `room` bytes and cannot grow. */
static void encode_into(const wg_mutation *from, size_t room, wg_slice whole) {
    wg_buf out;
    wg_buf_init(&out, NULL);
    /* So much larger that what it asks for is a new, smaller block: asked for, and refused. */
    assert_true(wg_buf_reserve(&out, 6 * whole.size + 1000) && wg_buf_append_u8(&out, 0xee));
    out.capacity = wg_min_size(1 + room, whole.size + 16);
    wg_memory_fail_at(1, true);
    const bool fits = wg_mutation_encode(&out, from);
    wg_memory_fail_at(0, false);
    if (fits) {
        assert_int_equal(out.size, 1 + whole.size);
        assert_memory_equal(out.data + 1, whole.data, whole.size);
    } else {
        assert_true(room < whole.size + 10 && out.size == 1); /* less than the gap for the size may be missing */
    }
    assert_int_equal(out.data[0], 0xee);
    wg_buf_deinit(&out);
}

/* Goal: whichever byte finds no room, writing says so and leaves what stood there before. */
static void test_want_of_memory_is_told_when_writing(void **state) {
    (void)state;
    maker m = {0};
    wg_rng_init(&m.rng, wg_test_seed(9));
    wg_arena_init(&m.arena, NULL);
    for (int round = 0; round < 6; round++)
        for (int kind = WG_MUTATION_ADD_KEY; kind < WG_MUTATION_KIND_COUNT; kind++) {
            const wg_mutation from = random_mutation(&m, (wg_mutation_kind)kind);
            wg_buf bytes = encode(&from);
            for (size_t room = 0; room <= bytes.size + 10; room += room > 2000 ? 501 : 1)
                encode_into(&from, room, wg_buf_slice(&bytes));
            wg_buf_deinit(&bytes);
            wg_arena_reset(&m.arena);
        }
    wg_arena_deinit(&m.arena);
}

/* Goal: a column of BYTES holds what is no UTF-8, with absent cells, and may find no memory at any step. */
static void test_bytes_are_read_back_whatever_they_are(void **state) {
    (void)state;
    static const wg_str cells[3] = {{"\xff\xfe", 2}, {NULL, 0}, {"\x80", 1}};
    static const uint8_t valid[1] = {5};
    static const uint32_t keys[2] = {3, 4};
    wg_vector columns[2] = {{.type = WG_TYPE_BYTES, .kind = WG_VECTOR_FLAT, .data = cells, .valid = valid},
                            {.type = WG_TYPE_BYTES, .kind = WG_VECTOR_FLAT, .data = cells}};
    const wg_mutation from = {.kind = WG_MUTATION_CREATE_NODES,
                              .label = 1,
                              .id = 9,
                              .keys = keys,
                              .batch = {.row_count = 3, .column_count = 2, .columns = columns}};
    wg_buf bytes = encode(&from);
    uint32_t refused = 0;
    for (uint64_t n = 1;; n++) {
        wg_arena arena;
        wg_mutation to;
        wg_error err = {0};
        wg_slice left = wg_buf_slice(&bytes);
        wg_arena_init(&arena, NULL);
        arena.block_bytes = 1; /* each allocation asks for a block, so that each is once the one that is refused */
        wg_memory_fail_at(n, true);
        const wg_code code = wg_mutation_decode(&left, &arena, &to, &err);
        wg_memory_fail_at(0, false);
        if (code == WG_OK) {
            const wg_str *first = to.batch.columns[0].data;
            assert_true(first[0].size == 2 && memcmp(first[0].data, "\xff\xfe", 2) == 0);
            assert_true(wg_vector_is_valid(&to.batch.columns[0], 2) && !wg_vector_is_valid(&to.batch.columns[0], 1));
            wg_buf again = encode(&to);
            assert_true(wg_slice_equal(wg_buf_slice(&again), wg_buf_slice(&bytes)));
            wg_buf_deinit(&again);
        }
        wg_arena_deinit(&arena);
        if (code == WG_OK) break;
        assert_int_equal(code, WG_E_NOMEM);
        assert_int_equal(left.size, bytes.size);
        refused++;
    }
    assert_true(refused >= 4);
    wg_buf_deinit(&bytes);
}

typedef struct applied {
    uint32_t count;
    uint64_t ids[8];
    wg_code answer;
} applied;

static wg_code apply(void *ctx, const wg_mutation *mutation, wg_error *err) {
    applied *a = ctx;
    a->ids[a->count++] = mutation->id;
    return a->answer == WG_OK ? WG_OK : wg_error_set(err, a->answer, WG_NO_OFFSET, "no");
}

static const wg_applier applier = {
    .apply = {apply, apply, apply, apply, apply, apply, apply, apply, apply, apply, apply, apply, apply}};

static wg_code replay(wg_slice payload, applied *a, wg_error *err) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_code code = wg_mutations_replay(payload, &arena, &applier, a, err);
    wg_arena_deinit(&arena);
    return code;
}

/* Goal: replay applies in order, steps over kinds that say they may be, and stops at others and at the first error. */
static void test_replay_steps_over_ignorable_kinds_only(void **state) {
    (void)state;
    wg_buf bytes;
    wg_buf_init(&bytes, NULL);
    const wg_mutation first = {.kind = WG_MUTATION_DELETE_NODE, .id = 7};
    const wg_mutation second = {.kind = WG_MUTATION_DELETE_EDGE, .id = 300};
    assert_true(wg_mutation_encode(&bytes, &first));
    assert_true(wg_buf_append(&bytes, "\xc4\x03xyz", 5)); /* kind 0xc4: ignorable */
    assert_true(wg_mutation_encode(&bytes, &second));
    applied a = {0};
    wg_error err = {0};
    assert_int_equal(replay(wg_buf_slice(&bytes), &a, &err), WG_OK);
    assert_int_equal(a.count, 2);
    assert_int_equal(a.ids[0], 7);
    assert_int_equal(a.ids[1], 300);
    a = (applied){.answer = WG_E_LIMIT};
    assert_int_equal(replay(wg_buf_slice(&bytes), &a, &err), WG_E_LIMIT);
    assert_int_equal(a.count, 1);
    wg_error_clear(&err);
    assert_true(wg_buf_append(&bytes, "\x44\x03xyz", 5)); /* not ignorable */
    a = (applied){0};
    assert_int_equal(replay(wg_buf_slice(&bytes), &a, &err), WG_E_VERSION);
    assert_int_equal(a.count, 2);
    wg_buf_deinit(&bytes);
    static const uint8_t zero[] = {0, 0};
    wg_error_clear(&err);
    assert_int_equal(replay(wg_slice_of(zero, 2), &a, &err), WG_E_VERSION);
}

static void expect_corrupt(const char *bytes, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_slice left = wg_slice_of(bytes, size);
    wg_mutation to;
    wg_error err = {0};
    assert_int_equal(wg_mutation_decode(&left, &arena, &to, &err), WG_E_CORRUPT);
    wg_arena_deinit(&arena);
}

/* Goal: bodies with bytes left over, flags that are no flags and sizes beyond the input are refused without much memory. */
static void test_hostile_bodies_are_refused(void **state) {
    (void)state;
    expect_corrupt("\x0b\x02\x07\x00", 4);                              /* DELETE_NODE with a byte too many */
    expect_corrupt("\x08\x03\x07\x02\x00", 5);                          /* replace flag 2 */
    expect_corrupt("\x05\x06\x00\xff\xff\xff\xff\x0f", 8);              /* 4 G labels */
    expect_corrupt("\x06\x05\x01\x00\x81\x10\x00", 7);                  /* 2,049 rows */
    expect_corrupt("\x06\x07\x01\x00\x01\x01\x05\x00\x00", 9);          /* a column of type NULL */
    expect_corrupt("\x06\x08\x01\x00\x01\x01\x05\x01\x00\x02", 10);     /* BOOL 2 */
    expect_corrupt("\x06\x09\x01\x00\x01\x01\x05\x04\x00\x01\xff", 11); /* not UTF-8 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_reads_back),
        cmocka_unit_test(test_truncation_is_refused_everywhere),
        cmocka_unit_test(test_bodies_that_end_early_are_refused),
        cmocka_unit_test(test_want_of_memory_is_told_when_reading),
        cmocka_unit_test(test_want_of_memory_is_told_when_writing),
        cmocka_unit_test(test_bytes_are_read_back_whatever_they_are),
        cmocka_unit_test(test_replay_steps_over_ignorable_kinds_only),
        cmocka_unit_test(test_hostile_bodies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
