/* Any bytes as a whole file: tail, footer, then every chunk, in bounded memory and with a bound on the rows that are read. */
#include "format/parquet/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_READ_MAX = 100000, CHUNKS_READ_MAX = 64 };

static wg_code read_bytes(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    const wg_slice *file = ctx;
    (void)err;
    WG_ASSERT(offset <= file->size && size <= file->size - offset); /* chunks lie inside of the file */
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
    return wg_parquet_reader_open(*out, &source, err);
}

static uint64_t chunk_read(const wg_parquet_metadata *m, uint32_t group, uint32_t column, wg_slice file,
                           wg_account *account) {
    const wg_parquet_row_group *g = &m->row_groups[group];
    wg_parquet_reader *reader = NULL;
    wg_error err = {0};
    wg_code code = reader_open(m, group, column, &file, account, &reader, &err);
    uint64_t rows = 0;
    uint32_t n = 1;
    while (code == WG_OK && n != 0 && rows < ROWS_READ_MAX) {
        wg_vector v;
        code = wg_parquet_reader_next(reader, 1 + (uint32_t)(rows % WG_BATCH_ROWS_MAX), &v, &n, &err);
        if (code == WG_OK) rows += n;
        if (code == WG_OK && rows < g->row_count && rows % 5 == 0) {
            code = wg_parquet_reader_skip(reader, 1, &err);
            rows++;
        }
    }
    WG_ASSERT(code == err.code);
    WG_ASSERT(WG_IMPLIES(code == WG_OK && n == 0, rows == g->row_count));
    wg_parquet_reader_destroy(reader);
    return rows;
}

static void file_read(wg_slice file, wg_arena *arena, wg_account *account) {
    wg_error err = {0};
    uint32_t footer = 0;
    wg_parquet_metadata m;
    const size_t tail = wg_min_size(8, file.size);
    if (wg_parquet_tail(wg_slice_of(file.data + file.size - tail, tail), file.size, &footer, &err) != WG_OK) return;
    const wg_slice bytes = wg_slice_of(file.data + file.size - 8 - footer, footer);
    if (wg_parquet_metadata_decode(bytes, file.size, arena, &m, &err) != WG_OK) return;
    uint64_t rows = 0;
    uint32_t chunks = 0;
    for (uint32_t g = 0; g < m.row_group_count; g++)
        for (uint32_t c = 0; c < m.column_count + m.group_count; c++)
            if (rows < ROWS_READ_MAX && chunks++ < CHUNKS_READ_MAX) rows += chunk_read(&m, g, c, file, account);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_account account;
    wg_account_init(&account, NULL, 32 << 20);
    wg_arena arena;
    wg_arena_init(&arena, &account);
    file_read(wg_slice_of(data, size), &arena, &account);
    wg_arena_deinit(&arena);
    WG_ASSERT(wg_account_bytes(&account) == 0);
    return 0;
}
