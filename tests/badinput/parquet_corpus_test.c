/* Foreign Parquet files: the files that other projects keep because readers fell over them (../shared/parquet-testing),
 * each as it is, and each with seeded damage. A file is read fully or refused with a typed error; nothing else may happen.
 * Without the directory the tests skip by name. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "format/parquet/parquet.h"

#define CORPUS "../shared/parquet-testing/"

enum { FILES_MAX = 200, MUTATIONS = 50, MUTATED_BYTES_MAX = 1 << 20, MUTATED_ROWS_MAX = 1 << 20 };

typedef struct outcome {
    wg_code code;        /* of the first refusal; WG_OK: every readable column was read */
    uint32_t unreadable; /* columns with a why_not */
    wg_error err;
} outcome;

static bool file_read(const char *path, wg_buf *out) {
    FILE *f = fopen(path, "rb");
    if (f == NULL) return false;
    uint8_t chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) assert_true(wg_buf_append(out, chunk, n));
    fclose(f);
    return true;
}

static wg_code read_bytes(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    const wg_slice *file = ctx;
    (void)err;
    assert_true(offset <= file->size && size <= file->size - offset);
    if (size != 0) memcpy(data, file->data + offset, size);
    return WG_OK;
}

/* A reader of a leaf over its bytes, of a group through a window over each of its leaves. */
static wg_code reader_open(const wg_parquet_metadata *m, uint32_t group, uint32_t column, wg_slice *file,
                           wg_account *account, wg_parquet_reader **out, wg_error *err) {
    const wg_parquet_row_group *g = &m->row_groups[group];
    const wg_parquet_chunk *chunk = wg_parquet_chunk_of(m, g, column);
    wg_slice bytes = wg_slice_of(NULL, 0);
    if (column < m->column_count) {
        if (chunk->compressed_bytes != 0)
            bytes = wg_slice_of(file->data + chunk->offset, (size_t)chunk->compressed_bytes);
        return wg_parquet_reader_create(&m->columns[column], chunk, bytes, g->row_count, account, out, err);
    }
    const wg_parquet_source source = {.column = &m->columns[column],
                                      .chunk = chunk,
                                      .row_count = g->row_count,
                                      .read = read_bytes,
                                      .ctx = file,
                                      .columns = m->columns,
                                      .chunks = g->chunks};
    WG_TRY(wg_parquet_reader_alloc(account, out, err));
    const wg_code code = wg_parquet_reader_open(*out, &source, err);
    if (code != WG_OK) wg_parquet_reader_destroy(*out);
    return code;
}

static wg_code column_read(const wg_parquet_metadata *m, uint32_t group, uint32_t column, wg_slice file,
                           wg_account *account, wg_error *err) {
    const wg_parquet_row_group *g = &m->row_groups[group];
    wg_parquet_reader *reader = NULL;
    WG_TRY(reader_open(m, group, column, &file, account, &reader, err));
    uint64_t rows = 0;
    uint32_t n = 1;
    wg_code code = WG_OK;
    while (code == WG_OK && n != 0 && rows < MUTATED_ROWS_MAX) {
        wg_vector v;
        code = wg_parquet_reader_next(reader, WG_BATCH_ROWS_MAX, &v, &n, err);
        if (code == WG_OK) rows += n;
    }
    wg_parquet_reader_destroy(reader);
    if (code == WG_OK && n == 0) assert_true(rows == g->row_count);
    return code;
}

static wg_code decode(wg_slice file, wg_arena *arena, wg_parquet_metadata *m, wg_error *err) {
    uint32_t footer = 0;
    const size_t tail = wg_min_size(8, file.size);
    WG_TRY(wg_parquet_tail(wg_slice_of(file.data + file.size - tail, tail), file.size, &footer, err));
    return wg_parquet_metadata_decode(wg_slice_of(file.data + file.size - 8 - footer, footer), file.size, arena, m,
                                      err);
}

static outcome examine(wg_slice file) {
    outcome o = {0};
    wg_account account;
    wg_account_init(&account, NULL, 512 << 20);
    wg_arena arena;
    wg_arena_init(&arena, &account);
    wg_parquet_metadata m = {0};
    o.code = decode(file, &arena, &m, &o.err);
    for (uint32_t g = 0; o.code == WG_OK && g < m.row_group_count; g++) {
        for (uint32_t c = 0; o.code == WG_OK && c < m.column_count + m.group_count; c++) {
            const bool readable = m.columns[c].why_not == NULL;
            wg_error err = {0};
            const wg_code code = column_read(&m, g, c, file, &account, readable ? &o.err : &err);
            if (readable) o.code = code;
            else assert_int_equal(code, WG_E_UNSUPPORTED);
        }
    }
    for (uint32_t c = 0; o.code == WG_OK && c < m.column_count + m.group_count; c++)
        o.unreadable += m.columns[c].why_not != NULL;
    assert_int_equal(o.code, o.err.code);
    wg_arena_deinit(&arena);
    assert_true(wg_account_bytes(&account) == 0);
    return o;
}

typedef struct listing {
    char names[FILES_MAX][128];
    size_t count;
} listing;

static void list(const char *folder, listing *out) {
    out->count = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL) skip();
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".parquet") == NULL || strstr(entry->d_name, ".json") != NULL ||
            strlen(entry->d_name) >= 128)
            continue;
        assert_true(out->count < FILES_MAX);
        memcpy(out->names[out->count++], entry->d_name, strlen(entry->d_name) + 1);
    }
    closedir(dir);
}

static void load(const char *folder, const char *name, wg_buf *out) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", folder, name);
    out->size = 0;
    assert_true(file_read(path, out));
}

/* Goal: every bad file is refused with a typed error, or has only columns that are refused. One of them is sound and only
 * unusual (dictionary codes of width 0, ARROW-GH-43605): it must be read. */
static void test_bad_data_is_refused(void **state) {
    (void)state;
    listing files;
    list(CORPUS "bad_data/", &files);
    assert_true(files.count >= 5);
    wg_buf bytes = {0};
    for (size_t i = 0; i < files.count; i++) {
        load(CORPUS "bad_data/", files.names[i], &bytes);
        const outcome o = examine(wg_buf_slice(&bytes));
        if (strcmp(files.names[i], "ARROW-GH-43605.parquet") == 0) assert_int_equal(o.code, WG_OK);
        else if (o.code == WG_OK && o.unreadable == 0) fail_msg("%s was read", files.names[i]);
    }
    wg_buf_deinit(&bytes);
}

/* Goal: every good file is read to its last row or refused as unsupported; the one with a wrong checksum is corrupt. */
static void test_data_is_read_or_unsupported(void **state) {
    (void)state;
    listing files;
    list(CORPUS "data/", &files);
    size_t read = 0;
    wg_buf bytes = {0};
    for (size_t i = 0; i < files.count; i++) {
        const char *name = files.names[i];
        load(CORPUS "data/", name, &bytes);
        const outcome o = examine(wg_buf_slice(&bytes));
        if (strstr(name, "corrupt-checksum") != NULL) {
            assert_int_equal(o.code, WG_E_CORRUPT);
            assert_non_null(strstr(o.err.message, "checksum"));
        } else if (o.code == WG_E_VALUE) { /* two files have made-up INT96 timestamps, outside of their day */
            assert_non_null(strstr(o.err.message, "INT96"));
        } else if (o.code != WG_OK && o.code != WG_E_UNSUPPORTED) {
            fail_msg("%s: %s: %s", name, wg_code_name(o.code), o.err.message);
        }
        read += o.code == WG_OK && o.unreadable == 0;
    }
    print_message("%zu files read\n", read);
    assert_true(read >= 20);
    wg_buf_deinit(&bytes);
}

/* One to eight damages: flipped bits, overwritten bytes, copied spans, or a cut. Half of them hit the footer's end. */
static void damage(wg_rng *rng, wg_buf *bytes) {
    const uint64_t times = 1 + wg_rng_below(rng, 8);
    for (uint64_t t = 0; t < times && bytes->size > 16; t++) {
        const size_t size = bytes->size;
        const size_t window = wg_rng_below(rng, 2) == 0 ? size : wg_min_size(size, 600);
        const size_t at = size - window + (size_t)wg_rng_below(rng, window);
        const uint64_t kind = wg_rng_below(rng, 16);
        if (kind < 7) bytes->data[at] = (uint8_t)(bytes->data[at] ^ (1u << wg_rng_below(rng, 8)));
        else if (kind < 12) bytes->data[at] = (uint8_t)wg_rng_next(rng);
        else if (kind < 15)
            memmove(bytes->data + at, bytes->data + wg_rng_below(rng, at + 1), wg_min_size(size - at, 40));
        else bytes->size = at + 1;
    }
}

/* Goal: 50 seeded damages of each file end in rows or a typed error, within memory, without leaks. */
static void test_damaged_data_is_read_or_refused(void **state) {
    (void)state;
    listing files;
    list(CORPUS "data/", &files);
    wg_buf bytes = {0};
    wg_buf copy = {0};
    size_t read = 0;
    size_t refused = 0;
    for (size_t i = 0; i < files.count; i++) {
        load(CORPUS "data/", files.names[i], &bytes);
        if (bytes.size >= MUTATED_BYTES_MAX) continue;
        for (uint64_t seed = 0; seed < MUTATIONS; seed++) {
            wg_rng rng;
            wg_rng_init(&rng, seed * 1000 + bytes.size);
            copy.size = 0;
            assert_true(wg_buf_append(&copy, bytes.data, bytes.size));
            damage(&rng, &copy);
            const outcome o = examine(wg_buf_slice(&copy));
            const bool typed = o.code == WG_OK || o.code == WG_E_CORRUPT || o.code == WG_E_LIMIT ||
                               o.code == WG_E_UNSUPPORTED || o.code == WG_E_VALUE || o.code == WG_E_NOMEM;
            read += o.code == WG_OK;
            refused += o.code == WG_E_CORRUPT;
            if (!typed) fail_msg("%s seed %llu: %s", files.names[i], (unsigned long long)seed, wg_code_name(o.code));
        }
    }
    print_message("damaged files: %zu read, %zu corrupt\n", read, refused);
    assert_true(read > 100);
    assert_true(refused > 500);
    wg_buf_deinit(&bytes);
    wg_buf_deinit(&copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bad_data_is_refused),
                                       cmocka_unit_test(test_data_is_read_or_unsupported),
                                       cmocka_unit_test(test_damaged_data_is_read_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
