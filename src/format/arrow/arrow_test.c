/* Tests of Arrow export: types, nulls, ownership as the C data interface demands it, and the frame of IPC streams.
 * tests/python/arrow_ipc_test.py reads the streams with another implementation. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "format/arrow/arrow.h"

enum { ROWS = 70 };

/* Two columns, `i` INT and `s` STRING, with a null in every tenth row of `s`. */
typedef struct table {
    wg_column columns[2];
    wg_vector vectors[2];
    wg_arena arena;
    int batches_left;
    int fail_at; /* batch to fail at; -1: none */
    int released;
} table;

static const wg_arrow_field table_fields[2] = {{"i", WG_TYPE_INT, false}, {"s", WG_TYPE_STRING, false}};

static void table_init(table *t, int batches) {
    memset(t, 0, sizeof *t);
    t->batches_left = batches;
    t->fail_at = -1;
    wg_arena_init(&t->arena, NULL);
    for (size_t c = 0; c < 2; c++) wg_column_init(&t->columns[c], table_fields[c].type, &t->arena, NULL);
    for (int64_t i = 0; i < ROWS; i++) {
        assert_true(wg_column_append_i64(&t->columns[0], i * i));
        assert_true(i % 10 == 9 ? wg_column_append_null(&t->columns[1])
                                : wg_column_append_str(&t->columns[1], (wg_str){"abcdefghi", (uint64_t)(i % 10)}));
    }
    for (size_t c = 0; c < 2; c++) t->vectors[c] = wg_column_view(&t->columns[c]);
}

static void table_deinit(void *ctx) {
    table *t = ctx;
    t->released++;
    for (size_t c = 0; c < 2; c++) wg_column_deinit(&t->columns[c]);
    wg_arena_deinit(&t->arena);
}

static wg_batch table_batch(const table *t) {
    return (wg_batch){.row_count = ROWS, .column_count = 2, .columns = t->vectors};
}

static wg_code table_next(void *ctx, wg_batch *out, bool *out_found, wg_error *err) {
    table *t = ctx;
    if (t->batches_left == t->fail_at) return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "the disk is gone");
    *out_found = t->batches_left > 0;
    if (*out_found) t->batches_left--;
    *out = table_batch(t);
    return WG_OK;
}

static void check_table_array(const struct ArrowArray *array) {
    assert_int_equal(array->length, ROWS);
    assert_int_equal(array->n_children, 2);
    assert_int_equal(array->n_buffers, 1);
    const struct ArrowArray *i = array->children[0];
    const struct ArrowArray *s = array->children[1];
    assert_int_equal(i->null_count, 0);
    assert_null(i->buffers[0]);
    assert_int_equal(s->null_count, ROWS / 10);
    const int32_t *offsets = s->buffers[1];
    for (int64_t row = 0; row < ROWS; row++) {
        assert_int_equal(((const int64_t *)i->buffers[1])[row], row * row);
        assert_int_equal(wg_bit_get(s->buffers[0], (size_t)row), row % 10 != 9);
        const int64_t size = row % 10 == 9 ? 0 : row % 10;
        assert_int_equal(offsets[row + 1] - offsets[row], size);
        assert_memory_equal((const char *)s->buffers[2] + offsets[row], "abcdefghi", (size_t)size);
    }
    for (size_t c = 0; c < 2; c++) assert_int_equal((uintptr_t)array->children[c]->buffers[1] % 64, 0);
}

static void test_schema_has_formats_names_and_metadata(void **state) {
    /* Goal: each type has its format string; names and metadata are copies that outlive the fields. */
    (void)state;
    static const struct {
        wg_type type;
        const char *format;
    } rows[] = {{WG_TYPE_NULL, "n"},   {WG_TYPE_BOOL, "b"},         {WG_TYPE_INT, "l"},
                {WG_TYPE_FLOAT, "g"},  {WG_TYPE_STRING, "u"},       {WG_TYPE_BYTES, "z"},
                {WG_TYPE_DATE, "tdD"}, {WG_TYPE_LOCAL_TIME, "ttn"}, {WG_TYPE_LOCAL_DATETIME, "tsu:"},
                {WG_TYPE_LIST, "u"},   {WG_TYPE_ANY, "u"},          {WG_TYPE_NODE, "u"}};
    char name[8] = "column";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ArrowSchema schema;
        const wg_arrow_field field = {name, rows[i].type, false};
        assert_int_equal(wg_arrow_export_schema(&field, 1, &schema, NULL), WG_OK);
        name[0] = 'X';
        assert_string_equal(schema.format, "+s");
        assert_string_equal(schema.children[0]->format, rows[i].format);
        assert_string_equal(schema.children[0]->name, "column");
        const uint8_t *m = (const uint8_t *)schema.children[0]->metadata;
        const char *label = wg_type_name(rows[i].type);
        assert_int_equal(wg_load_u32le(m), 1);
        assert_int_equal(wg_load_u32le(m + 4), 15);
        assert_memory_equal(m + 8, "worldgraph.type", 15);
        assert_int_equal(wg_load_u32le(m + 23), strlen(label));
        assert_memory_equal(m + 27, label, strlen(label));
        schema.release(&schema);
        assert_null(schema.release);
        name[0] = 'c';
    }
}

static void test_batch_outlives_what_it_came_from(void **state) {
    /* Goal: the array's buffers stay right after the columns are gone, and releasing frees them (leak checkers see). */
    (void)state;
    table t;
    struct ArrowArray array;
    table_init(&t, 0);
    const wg_batch batch = table_batch(&t);
    assert_int_equal(wg_arrow_export_batch(table_fields, &batch, &array, NULL), WG_OK);
    table_deinit(&t);
    check_table_array(&array);
    array.release(&array);
    assert_null(array.release);
}

static void test_selection_and_nulls_shape_the_array(void **state) {
    /* Goal: only selected rows are exported, in order, for fixed cells and for text. */
    (void)state;
    table t;
    struct ArrowArray array;
    const uint16_t sel[3] = {2, 9, 69};
    table_init(&t, 0);
    wg_batch batch = table_batch(&t);
    batch.sel = sel;
    batch.row_count = 3;
    assert_int_equal(wg_arrow_export_batch(table_fields, &batch, &array, NULL), WG_OK);
    const int64_t *i = array.children[0]->buffers[1];
    assert_true(i[0] == 4 && i[1] == 81 && i[2] == 69 * 69);
    assert_int_equal(array.children[1]->null_count, 2);
    assert_int_equal(((const int32_t *)array.children[1]->buffers[1])[3], 2);
    array.release(&array);
    table_deinit(&t);
}

/* Wraps a child's release to count calls. */
static int child_releases;
static void (*child_release)(struct ArrowArray *);
static void counting_release(struct ArrowArray *array) {
    child_releases++;
    child_release(array);
}

static void test_children_are_released_once(void **state) {
    /* Goal: a moved child survives its parent and is freed by its new owner; the other is freed by the parent, once. */
    (void)state;
    table t;
    struct ArrowArray array;
    table_init(&t, 0);
    const wg_batch batch = table_batch(&t);
    assert_int_equal(wg_arrow_export_batch(table_fields, &batch, &array, NULL), WG_OK);
    const struct ArrowArray whole = array;
    check_table_array(&whole);
    struct ArrowArray moved = *array.children[1];
    array.children[1]->release = NULL; /* moving, as the interface defines it */
    child_releases = 0;
    child_release = array.children[0]->release;
    array.children[0]->release = counting_release;
    array.release(&array);
    assert_int_equal(child_releases, 1);
    table_deinit(&t);
    const int32_t *offsets = moved.buffers[1];
    assert_memory_equal((const char *)moved.buffers[2] + offsets[5], "abcde", 5);
    moved.release(&moved);
    assert_null(moved.release);
}

static void test_stream_yields_batches_then_ends(void **state) {
    /* Goal: the schema may be asked for twice, batches outlive the stream, the end repeats, the source is released once. */
    (void)state;
    table t;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray first;
    struct ArrowArray second;
    struct ArrowArray end;
    table_init(&t, 2);
    const wg_arrow_source source = {&t, table_next, table_deinit};
    assert_int_equal(wg_arrow_export_stream(table_fields, 2, &source, &stream, NULL), WG_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream.get_schema(&stream, &schema), 0);
        assert_int_equal(schema.n_children, 2);
        schema.release(&schema);
    }
    assert_int_equal(stream.get_next(&stream, &first), 0);
    assert_int_equal(stream.get_next(&stream, &second), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(stream.get_next(&stream, &end), 0);
        assert_null(end.release);
    }
    assert_int_equal(t.released, 0);
    stream.release(&stream);
    assert_null(stream.release);
    assert_int_equal(t.released, 1);
    check_table_array(&first);
    check_table_array(&second);
    first.release(&first);
    second.release(&second);
}

static void test_failed_stream_stays_failed(void **state) {
    /* Goal: a failing source is EIO with its message, and no later call looks like an end. */
    (void)state;
    table t;
    struct ArrowArrayStream stream;
    struct ArrowArray array;
    table_init(&t, 2);
    t.fail_at = 1;
    const wg_arrow_source source = {&t, table_next, table_deinit};
    assert_int_equal(wg_arrow_export_stream(table_fields, 2, &source, &stream, NULL), WG_OK);
    assert_null(stream.get_last_error(&stream));
    assert_int_equal(stream.get_next(&stream, &array), 0);
    array.release(&array);
    t.batches_left = 1;
    assert_int_equal(stream.get_next(&stream, &array), EIO);
    assert_string_equal(stream.get_last_error(&stream), "the disk is gone");
    t.fail_at = -1;
    t.batches_left = 0;
    assert_int_equal(stream.get_next(&stream, &array), EIO);
    stream.release(&stream);
    assert_int_equal(t.released, 1);
}

static wg_code export_one(wg_type type, bool objects, wg_value v, struct ArrowArray *out, wg_error *err) {
    const wg_arrow_field field = {"c", type, objects};
    const wg_vector vector = {.type = WG_TYPE_ANY, .kind = WG_VECTOR_FLAT, .data = &v};
    const wg_batch batch = {.row_count = 1, .column_count = 1, .columns = &vector};
    return wg_arrow_export_batch(&field, &batch, out, err);
}

static wg_value typed(wg_type type, int64_t i, uint32_t size) {
    wg_value v = {.type = (uint8_t)type, .size = size};
    v.as.i = i;
    return v;
}

static void test_values_that_do_not_fit_are_refused(void **state) {
    /* Goal: no value is bent: dates past 32 bits, lost nanoseconds and other types are typed errors. */
    (void)state;
    const struct {
        wg_type type;
        wg_value v;
        wg_code code;
    } rows[] = {
        {WG_TYPE_DATE, typed(WG_TYPE_DATE, INT64_C(1) << 31, 0), WG_E_VALUE},
        {WG_TYPE_DATE, typed(WG_TYPE_DATE, INT32_MAX, 0), WG_OK},
        {WG_TYPE_LOCAL_DATETIME, typed(WG_TYPE_LOCAL_DATETIME, 0, 1), WG_E_VALUE},
        {WG_TYPE_LOCAL_DATETIME, typed(WG_TYPE_LOCAL_DATETIME, INT64_MAX, 0), WG_E_VALUE},
        {WG_TYPE_LOCAL_DATETIME, typed(WG_TYPE_LOCAL_DATETIME, -1, 1000), WG_OK},
        {WG_TYPE_INT, wg_value_float(1.0), WG_E_TYPE},
        {WG_TYPE_FLOAT, wg_value_int(1), WG_OK},
        {WG_TYPE_BOOL, wg_value_int(1), WG_E_TYPE},
        {WG_TYPE_STRING, wg_value_int(1), WG_E_TYPE},
        {WG_TYPE_NULL, wg_value_int(1), WG_E_TYPE},
        {WG_TYPE_NULL, wg_value_null(), WG_OK},
        {WG_TYPE_LIST, wg_value_int(1), WG_E_TYPE},
        {WG_TYPE_ANY, wg_value_int(1), WG_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ArrowArray array;
        wg_error err = {0};
        assert_int_equal(export_one(rows[i].type, false, rows[i].v, &array, &err), rows[i].code);
        if (rows[i].code == WG_OK) array.release(&array);
    }
}

static void test_other_types_travel_as_json(void **state) {
    /* Goal: ANY strings are quoted JSON, and nodes in result form carry their labels. */
    (void)state;
    const char *const labels[1] = {"A"};
    const wg_node node = {.id = 4, .label_count = 1, .labels = labels};
    wg_value v = {.type = WG_TYPE_NODE};
    struct ArrowArray array;
    v.as.node = &node;
    assert_int_equal(export_one(WG_TYPE_NODE, true, v, &array, NULL), WG_OK);
    static const char text[] = "{\"id\":4,\"labels\":[\"A\"],\"properties\":{}}";
    assert_int_equal(((const int32_t *)array.children[0]->buffers[1])[1], strlen(text));
    assert_memory_equal(array.children[0]->buffers[2], text, strlen(text));
    array.release(&array);
    assert_int_equal(export_one(WG_TYPE_ANY, false, wg_value_str(wg_slice_str("q")), &array, NULL), WG_OK);
    assert_memory_equal(array.children[0]->buffers[2], "\"q\"", 3);
    array.release(&array);
}

static void test_typed_vectors_serve_wider_fields(void **state) {
    /* Goal: a vector of INT cells is text in an ANY field, floats in a FLOAT field, and refused as STRING. */
    (void)state;
    const int64_t cells[2] = {7, -8};
    const wg_vector vector = {.type = WG_TYPE_INT, .kind = WG_VECTOR_FLAT, .data = cells};
    const wg_batch batch = {.row_count = 2, .column_count = 1, .columns = &vector};
    struct ArrowArray array;
    wg_arrow_field field = {"c", WG_TYPE_ANY, false};
    assert_int_equal(wg_arrow_export_batch(&field, &batch, &array, NULL), WG_OK);
    assert_memory_equal(array.children[0]->buffers[2], "7-8", 3);
    array.release(&array);
    field.type = WG_TYPE_FLOAT;
    assert_int_equal(wg_arrow_export_batch(&field, &batch, &array, NULL), WG_OK);
    assert_true(((const double *)array.children[0]->buffers[1])[1] == -8.0);
    array.release(&array);
    field.type = WG_TYPE_STRING;
    assert_int_equal(wg_arrow_export_batch(&field, &batch, &array, NULL), WG_E_TYPE);
}

static bool keep(void *ctx, const void *data, size_t size) { return wg_buf_append(ctx, data, size); }

static bool stop(void *ctx, const void *data, size_t size) {
    int *left = ctx;
    (void)data;
    (void)size;
    return (*left)-- > 0;
}

static void test_ipc_stream_is_framed_in_eights(void **state) {
    /* Goal: walking the messages by their sizes ends exactly at the end marker, everything on multiples of eight. */
    (void)state;
    table t;
    struct ArrowArrayStream stream;
    wg_buf out;
    table_init(&t, 3);
    wg_buf_init(&out, NULL);
    const wg_arrow_source source = {&t, table_next, table_deinit};
    assert_int_equal(wg_arrow_export_stream(table_fields, 2, &source, &stream, NULL), WG_OK);
    assert_int_equal(wg_arrow_ipc_stream(&stream, keep, &out, NULL), WG_OK);
    stream.release(&stream);
    const size_t body = (ROWS * 8) + 16 + wg_align_up((ROWS + 1) * 4, 8) + wg_align_up(7 * 36, 8);
    size_t at = 0;
    size_t messages = 0;
    for (;; messages++) {
        assert_true(at + 8 <= out.size);
        assert_int_equal(wg_load_u32le(out.data + at), UINT32_MAX);
        const uint32_t metadata = wg_load_u32le(out.data + at + 4);
        assert_int_equal(metadata % 8, 0);
        at += 8;
        if (metadata == 0) break;
        at += metadata + (messages == 0 ? 0 : body);
    }
    assert_int_equal(messages, 4);
    assert_int_equal(at, out.size);
    wg_buf_deinit(&out);
}

static void test_ipc_stops_when_the_receiver_does(void **state) {
    /* Goal: a write that answers false ends with WG_E_CANCELLED at whichever piece it is, without a leak. */
    (void)state;
    for (int pieces = 0;; pieces++) {
        table t;
        struct ArrowArrayStream stream;
        int left = pieces;
        table_init(&t, 2);
        const wg_arrow_source source = {&t, table_next, table_deinit};
        assert_int_equal(wg_arrow_export_stream(table_fields, 2, &source, &stream, NULL), WG_OK);
        const wg_code code = wg_arrow_ipc_stream(&stream, stop, &left, NULL);
        stream.release(&stream);
        if (code == WG_OK) {
            assert_true(pieces > 10);
            break;
        }
        assert_int_equal(code, WG_E_CANCELLED);
    }
}

static void test_ipc_refuses_what_it_cannot_write(void **state) {
    /* Goal: formats outside the table, offsets and a top level that is no struct are WG_E_UNSUPPORTED. */
    (void)state;
    table t;
    struct ArrowSchema schema;
    struct ArrowArray array;
    wg_buf out;
    table_init(&t, 0);
    wg_buf_init(&out, NULL);
    const wg_batch batch = table_batch(&t);
    assert_int_equal(wg_arrow_export_schema(table_fields, 2, &schema, NULL), WG_OK);
    assert_int_equal(wg_arrow_export_batch(table_fields, &batch, &array, NULL), WG_OK);
    array.children[0]->offset = 1;
    assert_int_equal(wg_arrow_ipc_batch(&schema, &array, keep, &out, NULL), WG_E_UNSUPPORTED);
    array.children[0]->offset = 0;
    schema.children[0]->format = "+l";
    assert_int_equal(wg_arrow_ipc_schema(&schema, keep, &out, NULL), WG_E_UNSUPPORTED);
    assert_int_equal(wg_arrow_ipc_batch(&schema, &array, keep, &out, NULL), WG_E_UNSUPPORTED);
    assert_int_equal(wg_arrow_ipc_schema(schema.children[1], keep, &out, NULL), WG_E_UNSUPPORTED);
    assert_int_equal(out.size, 0);
    schema.release(&schema);
    array.release(&array);
    wg_buf_deinit(&out);
    table_deinit(&t);
}

static wg_code export_all(table *t, wg_buf *out) {
    struct ArrowArrayStream stream;
    const wg_arrow_source source = {t, table_next, NULL};
    wg_code code = wg_arrow_export_stream(table_fields, 2, &source, &stream, NULL);
    if (code != WG_OK) return code;
    code = wg_arrow_ipc_stream(&stream, keep, out, NULL);
    stream.release(&stream);
    return code;
}

static void test_every_refused_allocation_is_reported(void **state) {
    /* Goal: failing each allocation of an export in turn gives an error, never a crash, a leak or a short stream. */
    (void)state;
    table t;
    table_init(&t, 1);
    for (uint64_t n = 1;; n++) {
        wg_buf out;
        wg_buf_init(&out, NULL);
        t.batches_left = 1;
        assert_true(wg_buf_reserve(&out, 1 << 16));
        wg_memory_fail_at(n, false);
        const wg_code code = export_all(&t, &out);
        wg_memory_fail_at(0, false);
        wg_buf_deinit(&out);
        if (code == WG_OK) {
            assert_true(n > 20);
            break;
        }
        assert_int_equal(code, WG_E_NOMEM);
    }
    table_deinit(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_has_formats_names_and_metadata),
        cmocka_unit_test(test_batch_outlives_what_it_came_from),
        cmocka_unit_test(test_selection_and_nulls_shape_the_array),
        cmocka_unit_test(test_children_are_released_once),
        cmocka_unit_test(test_stream_yields_batches_then_ends),
        cmocka_unit_test(test_failed_stream_stays_failed),
        cmocka_unit_test(test_values_that_do_not_fit_are_refused),
        cmocka_unit_test(test_other_types_travel_as_json),
        cmocka_unit_test(test_typed_vectors_serve_wider_fields),
        cmocka_unit_test(test_ipc_stream_is_framed_in_eights),
        cmocka_unit_test(test_ipc_stops_when_the_receiver_does),
        cmocka_unit_test(test_ipc_refuses_what_it_cannot_write),
        cmocka_unit_test(test_every_refused_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
