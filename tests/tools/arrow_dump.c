/* Writes a sample Arrow IPC stream to standard output: every type, nulls, several batches, an empty one.
 *
 *   arrow_dump [batches] [rows]     defaults 3 and 100
 *
 * Row r of the stream (counted over all batches) holds values that are functions of r, so that a reader in another
 * language can compute what it must find; tests/python/arrow_ipc_test.py does. Every seventh row is null in all
 * columns but the first. */
#include <stdio.h>
#include <stdlib.h>

#include "format/arrow/arrow.h"

enum { COLUMNS = 12 };

static const wg_arrow_field fields[COLUMNS] = {
    {"i", WG_TYPE_INT, false},        {"b", WG_TYPE_BOOL, false},
    {"f", WG_TYPE_FLOAT, false},      {"s", WG_TYPE_STRING, false},
    {"y", WG_TYPE_BYTES, false},      {"d", WG_TYPE_DATE, false},
    {"t", WG_TYPE_LOCAL_TIME, false}, {"ts", WG_TYPE_LOCAL_DATETIME, false},
    {"n", WG_TYPE_NULL, false},       {"l", WG_TYPE_LIST, false},
    {"a", WG_TYPE_ANY, false},        {"node", WG_TYPE_NODE, false},
};

typedef struct sample {
    wg_column columns[COLUMNS];
    wg_vector vectors[COLUMNS];
    wg_arena arena;
    uint32_t batches;
    uint32_t rows;
    uint32_t batch;
} sample;

static bool append_row(sample *s, int64_t r) {
    wg_column *c = s->columns;
    char text[32];
    const int size = snprintf(text, sizeof text, "row-%lld-\xc3\xa9", (long long)r);
    const wg_str str = {text, (uint64_t)size};
    wg_value items[2] = {wg_value_int(r), wg_value_null()};
    wg_value list = {.type = WG_TYPE_LIST, .size = 2};
    wg_value any = wg_value_str(wg_slice_of(text, (size_t)size));
    list.as.list = items;
    if (r % 2 == 0) any = wg_value_float((double)r / 2);
    return wg_column_append_i64(&c[0], r * r - 1000) && wg_column_append_bool(&c[1], r % 3 == 0) &&
           wg_column_append_f64(&c[2], (double)r / 4) && wg_column_append_str(&c[3], str) &&
           wg_column_append_str(&c[4], (wg_str){text, (uint64_t)(r % 5)}) &&
           wg_column_append_i64(&c[5], r * 100 - 5000) && wg_column_append_i64(&c[6], r * 1000000007) &&
           wg_column_append_i64(&c[7], r * 86400000123 - 7) && wg_column_append_null(&c[8]) &&
           wg_column_append_value(&c[9], &list) && wg_column_append_value(&c[10], &any) &&
           wg_column_append_id(&c[11], (uint64_t)r);
}

static bool append_nulls(sample *s, int64_t r) {
    if (!wg_column_append_i64(&s->columns[0], r * r - 1000)) return false;
    for (size_t i = 1; i < COLUMNS; i++)
        if (!wg_column_append_null(&s->columns[i])) return false;
    return true;
}

static wg_code sample_next(void *ctx, wg_batch *out, bool *out_found, wg_error *err) {
    sample *s = ctx;
    *out_found = s->batch < s->batches;
    if (!*out_found) return WG_OK;
    /* The second batch is empty, which readers must bear. */
    const uint32_t rows = s->batch == 1 ? 0 : s->rows;
    for (size_t i = 0; i < COLUMNS; i++) wg_column_clear(&s->columns[i]);
    for (uint32_t k = 0; k < rows; k++) {
        const int64_t r = (int64_t)s->batch * s->rows + k;
        if (!(r % 7 == 6 ? append_nulls(s, r) : append_row(s, r))) return wg_error_nomem(err, rows);
    }
    for (size_t i = 0; i < COLUMNS; i++) s->vectors[i] = wg_column_view(&s->columns[i]);
    *out = (wg_batch){.row_count = rows, .column_count = COLUMNS, .columns = s->vectors};
    s->batch++;
    return WG_OK;
}

static void sample_release(void *ctx) {
    sample *s = ctx;
    for (size_t i = 0; i < COLUMNS; i++) wg_column_deinit(&s->columns[i]);
    wg_arena_deinit(&s->arena);
}

static bool write_stdout(void *ctx, const void *data, size_t size) {
    (void)ctx;
    return fwrite(data, 1, size, stdout) == size;
}

int main(int argc, char **argv) {
    static sample s;
    wg_error err = {0};
    struct ArrowArrayStream stream;
    s.batches = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 3;
    s.rows = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100;
    wg_arena_init(&s.arena, NULL);
    for (size_t i = 0; i < COLUMNS; i++) wg_column_init(&s.columns[i], fields[i].type, &s.arena, NULL);
    const wg_arrow_source source = {&s, sample_next, sample_release};
    wg_code code = wg_arrow_export_stream(fields, COLUMNS, &source, &stream, &err);
    if (code == WG_OK) {
        code = wg_arrow_ipc_stream(&stream, write_stdout, NULL, &err);
        stream.release(&stream);
    }
    if (code != WG_OK) fprintf(stderr, "arrow_dump: %s: %s\n", wg_code_name(code), err.message);
    return code == WG_OK ? 0 : 1;
}
