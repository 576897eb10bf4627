/* parquet_dump: what the Parquet reader sees, as JSON lines, for tests in other languages.
 *
 *   parquet_dump FILE                      one JSON object a column: name, type, why_not, ranges, values
 *   parquet_dump --skip SEED FILE          the same, but seeded runs of rows are skipped; skipped values are "skipped"
 *   parquet_dump --all FILE                columns of groups too; a column that fails ends with "error" instead of ending the run
 *   parquet_dump --rewrite IN OUT CODEC ROWS  reads IN, writes its readable columns to OUT with our writer
 *   parquet_dump --time N FILE             decodes every readable column N times; seconds, rows and bytes of each
 *
 * Exit 0: done; 1: the file was refused, the error is on stderr; 2: usage. Dates are days, timestamps microseconds, bytes
 * hexadecimal, integers exact. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/column/column.h"
#include "format/parquet/parquet.h"

typedef struct input {
    wg_buf file;
    wg_arena arena;
    wg_parquet_metadata meta;
} input;

static int refuse(const wg_error *err) {
    fprintf(stderr, "%s: %s\n", wg_code_name(err->code), err->message);
    return 1;
}

static bool file_read(const char *path, wg_buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) return false;
    uint8_t chunk[65536];
    size_t n;
    bool ok = true;
    while (ok && (n = fread(chunk, 1, sizeof chunk, f)) > 0) ok = wg_buf_append(out, chunk, n);
    fclose(f);
    return ok;
}

static wg_code input_open(const char *path, input *in, wg_error *err) {
    wg_buf_init(&in->file, NULL);
    wg_arena_init(&in->arena, NULL);
    if (!file_read(path, &in->file))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s cannot be read", path);
    const uint64_t size = in->file.size;
    const size_t tail = wg_min_size(8, size);
    uint32_t footer = 0;
    WG_TRY(wg_parquet_tail(wg_slice_of(in->file.data + size - tail, tail), size, &footer, err));
    return wg_parquet_metadata_decode(wg_slice_of(in->file.data + size - 8 - footer, footer), size, &in->arena,
                                      &in->meta, err);
}

static void input_close(input *in) {
    wg_buf_deinit(&in->file);
    wg_arena_deinit(&in->arena);
}

static wg_code read_at(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    const input *in = ctx;
    if (offset > in->file.size || size > in->file.size - offset)
        return wg_error_set(err, WG_E_CORRUPT, offset, "a read outside of the file");
    if (size != 0) memcpy(data, in->file.data + offset, size);
    return WG_OK;
}

static wg_code reader_open(const input *in, uint32_t group, uint32_t column, wg_parquet_reader **out, wg_error *err) {
    const wg_parquet_row_group *g = &in->meta.row_groups[group];
    const wg_parquet_chunk *c = wg_parquet_chunk_of(&in->meta, g, column);
    wg_parquet_source source = {
        .column = &in->meta.columns[column], .chunk = c, .row_count = g->row_count, .exact_times = true};
    if (column >= in->meta.column_count) {
        source.read = read_at;
        source.ctx = (void *)(uintptr_t)in;
        source.columns = in->meta.columns;
        source.chunks = g->chunks;
    } else if (c->compressed_bytes != 0) {
        source.bytes = wg_slice_of(in->file.data + c->offset, (size_t)c->compressed_bytes);
    }
    WG_TRY(wg_parquet_reader_alloc(NULL, out, err));
    const wg_code code = wg_parquet_reader_open(*out, &source, err);
    if (code != WG_OK) wg_parquet_reader_destroy(*out);
    return code;
}

static void print_string(const char *s, size_t size) {
    putchar('"');
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\') printf("\\%c", c);
        else if (c < 0x20) printf("\\u%04x", c);
        else putchar(c);
    }
    putchar('"');
}

static void print_float(double f) {
    if (isnan(f)) printf("NaN");
    else if (isinf(f)) printf(f < 0 ? "-Infinity" : "Infinity");
    else printf("%.17g", f);
}

static void print_hex(const char *s, size_t size) {
    putchar('"');
    for (size_t b = 0; b < size; b++) printf("%02x", (unsigned char)s[b]);
    putchar('"');
}

/* A value inside of lists and maps, or one whose cells are values. */
static void print_item(const wg_value *v) {
    wg_buf text = {0};
    if (v->type == WG_TYPE_NULL) {
        printf("null");
    } else if (v->type == WG_TYPE_BOOL) {
        printf(v->as.b ? "true" : "false");
    } else if (v->type == WG_TYPE_FLOAT) {
        print_float(v->as.f);
    } else if (v->type == WG_TYPE_STRING) {
        print_string(v->as.s, v->size);
    } else if (v->type == WG_TYPE_BYTES) {
        print_hex(v->as.s, v->size);
    } else if (v->type == WG_TYPE_LOCAL_DATETIME) {
        int64_t us = 0;
        bool exact = false;
        if (wg_micros_of_datetime(v->as.i, v->size, &us, &exact) && exact) printf("%lld", (long long)us);
        else printf("\"%lld.%09u\"", (long long)v->as.i, v->size);
    } else if (v->type == WG_TYPE_DURATION && wg_value_print_json(&text, v)) {
        fwrite(text.data, 1, text.size, stdout);
    } else if (v->type == WG_TYPE_LIST) {
        putchar('[');
        for (uint32_t i = 0; i < v->size; i++) {
            if (i > 0) putchar(',');
            print_item(&v->as.list[i]);
        }
        putchar(']');
    } else if (v->type == WG_TYPE_MAP) {
        putchar('{');
        for (uint32_t i = 0; i < v->size; i++) {
            if (i > 0) putchar(',');
            print_string(v->as.map[i].key, v->as.map[i].key_size);
            putchar(':');
            print_item(&v->as.map[i].value);
        }
        putchar('}');
    } else {
        printf("%lld", (long long)v->as.i);
    }
    wg_buf_deinit(&text);
}

static void print_cell(const wg_vector *v, uint32_t row) {
    const uint32_t i = wg_vector_cell(v, row);
    if (!wg_vector_is_valid(v, row)) {
        printf("null");
        return;
    }
    if (v->type == WG_TYPE_ANY) {
        print_item(&((const wg_value *)v->data)[i]);
        return;
    }
    const wg_str *s = v->data;
    if (v->type == WG_TYPE_BOOL) {
        printf(((const uint8_t *)v->data)[i] ? "true" : "false");
    } else if (v->type == WG_TYPE_FLOAT) {
        print_float(((const double *)v->data)[i]);
    } else if (v->type == WG_TYPE_STRING) {
        print_string(s[i].data, s[i].size);
    } else if (v->type == WG_TYPE_LIST || v->type == WG_TYPE_MAP || v->type == WG_TYPE_DURATION) {
        print_item(&((const wg_value *)v->data)[i]);
    } else if (v->type == WG_TYPE_BYTES) {
        print_hex(s[i].data, s[i].size);
    } else {
        printf("%lld", (long long)((const int64_t *)v->data)[i]);
    }
}

static void print_bound(const wg_value *v) {
    if (v->type == WG_TYPE_BOOL) printf(v->as.b ? "true" : "false");
    else if (v->type == WG_TYPE_FLOAT) print_float(v->as.f);
    else if (v->type == WG_TYPE_STRING) print_string(v->as.s, v->size);
    else if (v->type == WG_TYPE_BYTES) printf("\"%u bytes\"", v->size);
    else if (v->type == WG_TYPE_LOCAL_DATETIME) printf("[%lld,%u]", (long long)v->as.i, v->size);
    else printf("%lld", (long long)v->as.i);
}

static void print_ranges(const input *in, uint32_t column) {
    printf("\"ranges\":[");
    for (uint32_t g = 0; g < in->meta.row_group_count; g++) {
        const wg_parquet_range *r = &wg_parquet_chunk_of(&in->meta, &in->meta.row_groups[g], column)->range;
        printf("%s{\"null_count\":", g == 0 ? "" : ",");
        if (r->null_count_known) printf("%llu", (unsigned long long)r->null_count);
        else printf("null");
        if (r->known) {
            printf(",\"min\":");
            print_bound(&r->min);
            printf(",\"max\":");
            print_bound(&r->max);
        }
        putchar('}');
    }
    printf("],");
}

static wg_code print_chunk(wg_parquet_reader *reader, uint64_t rows, wg_rng *rng, bool *first, wg_error *err) {
    for (uint64_t at = 0; at < rows;) {
        if (rng != NULL && wg_rng_below(rng, 2) == 0) {
            const uint64_t n = 1 + wg_rng_below(rng, wg_min_u64(rows - at, 5000));
            WG_TRY(wg_parquet_reader_skip(reader, n, err));
            for (uint64_t i = 0; i < n; i++, *first = false) printf("%s\"skipped\"", *first ? "" : ",");
            at += n;
            continue;
        }
        wg_vector v;
        uint32_t n = 0;
        const uint32_t max = rng == NULL ? WG_BATCH_ROWS_MAX : 1 + (uint32_t)wg_rng_below(rng, WG_BATCH_ROWS_MAX);
        WG_TRY(wg_parquet_reader_next(reader, max, &v, &n, err));
        if (n == 0) return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "the reader ended early");
        for (uint32_t i = 0; i < n; i++, *first = false) {
            if (!*first) putchar(',');
            print_cell(&v, i);
        }
        at += n;
    }
    wg_vector v;
    uint32_t n = 0;
    WG_TRY(wg_parquet_reader_next(reader, 1, &v, &n, err));
    return n == 0 ? WG_OK : wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "rows behind the last row");
}

static wg_code print_values(const input *in, uint32_t column, wg_rng *rng, wg_error *err) {
    bool first = true;
    for (uint32_t g = 0; g < in->meta.row_group_count; g++) {
        wg_parquet_reader *reader = NULL;
        WG_TRY(reader_open(in, g, column, &reader, err));
        const wg_code code = print_chunk(reader, in->meta.row_groups[g].row_count, rng, &first, err);
        wg_parquet_reader_destroy(reader);
        if (code != WG_OK) return code;
    }
    return WG_OK;
}

/* With `goes_on` an error is written behind what could be read. */
static wg_code print_column(const input *in, uint32_t column, wg_rng *rng, bool goes_on, wg_error *err) {
    const wg_parquet_column *c = &in->meta.columns[column];
    printf("{\"name\":");
    print_string(c->name, strlen(c->name));
    printf(",\"type\":\"%s\",\"physical\":\"%s\",\"optional\":%s,", wg_type_name(c->type), c->physical_name,
           c->optional ? "true" : "false");
    print_ranges(in, column);
    if (c->why_not != NULL) {
        printf("\"why_not\":\"%s\"}\n", c->why_not);
        return WG_OK;
    }
    printf("\"values\":[");
    const wg_code code = print_values(in, column, rng, err);
    if (code != WG_OK && goes_on) {
        printf("],\"error\":");
        char text[400];
        snprintf(text, sizeof text, "%s: %s", wg_code_name(err->code), err->message);
        print_string(text, strlen(text));
        printf("}\n");
        wg_error_clear(err);
        return WG_OK;
    }
    printf("]}\n");
    return code;
}

static int dump(const char *path, wg_rng *rng, bool all) {
    wg_error err = {0};
    input in;
    wg_code code = input_open(path, &in, &err);
    const uint32_t count = code != WG_OK ? 0 : in.meta.column_count + (all ? in.meta.group_count : 0);
    for (uint32_t c = 0; code == WG_OK && c < count; c++) code = print_column(&in, c, rng, all, &err);
    input_close(&in);
    return code == WG_OK ? 0 : refuse(&err);
}

/* ---- --time */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static wg_code time_column(const input *in, uint32_t column, uint64_t *out_bytes, uint64_t *out_sum, wg_error *err) {
    for (uint32_t g = 0; g < in->meta.row_group_count; g++) {
        wg_parquet_reader *reader = NULL;
        WG_TRY(reader_open(in, g, column, &reader, err));
        wg_code code;
        uint32_t n = 0;
        do {
            wg_vector v;
            code = wg_parquet_reader_next(reader, WG_BATCH_ROWS_MAX, &v, &n, err);
            if (code == WG_OK && n != 0) *out_sum += ((const uint8_t *)v.data)[0];
        } while (code == WG_OK && n != 0);
        *out_bytes += wg_parquet_reader_decoded_bytes(reader);
        wg_parquet_reader_destroy(reader);
        if (code != WG_OK) return code;
    }
    return WG_OK;
}

static int time_all(const char *path, int times) {
    wg_error err = {0};
    input in;
    wg_code code = input_open(path, &in, &err);
    for (uint32_t c = 0; code == WG_OK && c < in.meta.column_count; c++) {
        if (in.meta.columns[c].why_not != NULL) continue;
        double best = INFINITY;
        uint64_t bytes = 0;
        uint64_t sum = 0;
        for (int i = 0; code == WG_OK && i < times; i++) {
            bytes = 0;
            const double begin = now();
            code = time_column(&in, c, &bytes, &sum, &err);
            best = fmin(best, now() - begin);
        }
        printf("%-24s %9.3f ms  %8.1f Mrows/s  %6.2f GB/s of page bytes  (%llu)\n", in.meta.columns[c].name,
               best * 1e3, (double)in.meta.row_count / best / 1e6, (double)bytes / best / 1e9,
               (unsigned long long)(sum & 1));
    }
    input_close(&in);
    return code == WG_OK ? 0 : refuse(&err);
}

/* ---- --rewrite */

typedef struct rewrite {
    const input *in;
    uint32_t count;
    uint32_t *source; /* column of `in` */
    wg_column *columns;
    wg_vector *views;
    wg_arena strings;
} rewrite;

static wg_code sink_file(void *ctx, wg_slice bytes, wg_error *err) {
    if (fwrite(bytes.data, 1, bytes.size, ctx) == bytes.size) return WG_OK;
    return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "the output cannot be written");
}

static bool writable(wg_type t) {
    return t != WG_TYPE_NULL && t != WG_TYPE_BYTES && t != WG_TYPE_LOCAL_TIME && t != WG_TYPE_LIST &&
           t != WG_TYPE_DURATION;
}

static wg_code column_load(rewrite *w, uint32_t group, uint32_t i, wg_error *err) {
    wg_parquet_reader *reader = NULL;
    WG_TRY(reader_open(w->in, group, w->source[i], &reader, err));
    wg_code code;
    uint32_t n = 0;
    do {
        wg_vector v;
        code = wg_parquet_reader_next(reader, WG_BATCH_ROWS_MAX, &v, &n, err);
        for (uint32_t row = 0; code == WG_OK && row < n; row++)
            if (!wg_column_append_cell(&w->columns[i], &v, row)) code = wg_error_nomem(err, 1);
    } while (code == WG_OK && n != 0);
    wg_parquet_reader_destroy(reader);
    return code;
}

static const void *cells_from(const wg_vector *v, uint32_t row) {
    const size_t bytes = v->type == WG_TYPE_BOOL ? 1 : v->type == WG_TYPE_STRING ? sizeof(wg_str) : 8;
    return (const uint8_t *)v->data + row * bytes;
}

static wg_code group_rewrite(rewrite *w, uint32_t group, wg_parquet_writer *writer, wg_error *err) {
    for (uint32_t i = 0; i < w->count; i++) wg_column_clear(&w->columns[i]);
    wg_arena_reset(&w->strings);
    for (uint32_t i = 0; i < w->count; i++) WG_TRY(column_load(w, group, i, err));
    const uint32_t rows = (uint32_t)w->in->meta.row_groups[group].row_count;
    for (uint32_t row = 0; row < rows; row += WG_BATCH_ROWS_MAX) {
        for (uint32_t i = 0; i < w->count; i++) {
            const wg_vector all = wg_column_view(&w->columns[i]);
            w->views[i] = all;
            w->views[i].data = cells_from(&all, row);
            if (all.valid != NULL) w->views[i].valid = all.valid + row / 8;
        }
        const wg_batch batch = {.row_count = (uint32_t)wg_min_size(rows - row, WG_BATCH_ROWS_MAX),
                                .column_count = w->count,
                                .columns = w->views};
        WG_TRY(wg_parquet_writer_append(writer, &batch, err));
    }
    return WG_OK;
}

static wg_code rewrite_run(rewrite *w, FILE *out, wg_codec codec, uint32_t rows, wg_error *err) {
    wg_arena *arena = &w->strings;
    const wg_parquet_metadata *m = &w->in->meta;
    wg_arena names;
    wg_arena_init(&names, NULL);
    wg_parquet_writer_column *columns = wg_arena_alloc(&names, m->column_count * sizeof *columns);
    w->source = wg_arena_alloc(&names, m->column_count * sizeof *w->source);
    w->columns = wg_arena_alloc(&names, m->column_count * sizeof *w->columns);
    w->views = wg_arena_alloc(&names, m->column_count * sizeof *w->views);
    for (uint32_t c = 0; c < m->column_count; c++) {
        if (!writable(m->columns[c].type)) continue;
        columns[w->count] =
            (wg_parquet_writer_column){m->columns[c].name, m->columns[c].type, m->columns[c].optional};
        wg_column_init(&w->columns[w->count], m->columns[c].type, arena, NULL);
        w->source[w->count++] = c;
    }
    wg_parquet_writer *writer = NULL;
    wg_code code = wg_parquet_writer_create(columns, w->count, codec, rows, sink_file, out, NULL, &writer, err);
    for (uint32_t g = 0; code == WG_OK && g < m->row_group_count; g++) code = group_rewrite(w, g, writer, err);
    if (code == WG_OK) code = wg_parquet_writer_finish(writer, err);
    wg_parquet_writer_destroy(writer);
    for (uint32_t i = 0; i < w->count; i++) wg_column_deinit(&w->columns[i]);
    wg_arena_deinit(&names);
    return code;
}

static int rewrite_file(char **argv) {
    wg_error err = {0};
    input in;
    rewrite w = {.in = &in};
    wg_arena_init(&w.strings, NULL);
    wg_code code = input_open(argv[2], &in, &err);
    FILE *out = code == WG_OK ? fopen(argv[3], "wb") : NULL;
    if (code == WG_OK && out == NULL)
        code = wg_error_set(&err, WG_E_IO, WG_NO_OFFSET, "%s cannot be written", argv[3]);
    if (code == WG_OK)
        code = rewrite_run(&w, out, (wg_codec)strtol(argv[4], NULL, 10), (uint32_t)strtoul(argv[5], NULL, 10), &err);
    if (out != NULL) fclose(out);
    wg_arena_deinit(&w.strings);
    input_close(&in);
    return code == WG_OK ? 0 : refuse(&err);
}

int main(int argc, char **argv) {
    if (argc == 2) return dump(argv[1], NULL, false);
    if (argc == 3 && strcmp(argv[1], "--all") == 0) return dump(argv[2], NULL, true);
    if (argc == 4 && strcmp(argv[1], "--skip") == 0) {
        wg_rng rng;
        wg_rng_init(&rng, strtoull(argv[2], NULL, 10));
        return dump(argv[3], &rng, false);
    }
    if (argc == 4 && strcmp(argv[1], "--time") == 0) return time_all(argv[3], (int)strtol(argv[2], NULL, 10));
    if (argc == 6 && strcmp(argv[1], "--rewrite") == 0) return rewrite_file(argv);
    fprintf(stderr, "usage: parquet_dump [--all | --rewrite IN OUT CODEC ROWS] [--skip SEED | --time N] FILE\n");
    return 2;
}
