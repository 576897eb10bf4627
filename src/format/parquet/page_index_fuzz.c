/* Any bytes as an offset index and as a column index. The first four bytes choose the column and the chunk that they claim to belong to;
 * what comes out must be ordered and inside of the chunk. */
#include "format/parquet/parquet_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const wg_parquet_column columns[] = {
    {.type = WG_TYPE_INT, .physical = WGI_PARQUET_INT64, .int_bits = 64, .order = WGI_PARQUET_ORDER_TYPE},
    {.type = WG_TYPE_FLOAT, .physical = WGI_PARQUET_FLOAT, .order = WGI_PARQUET_ORDER_TYPE},
    {.type = WG_TYPE_STRING, .physical = WGI_PARQUET_BYTE_ARRAY, .order = WGI_PARQUET_ORDER_TYPE},
    {.type = WG_TYPE_BOOL, .physical = WGI_PARQUET_BOOLEAN, .order = WGI_PARQUET_ORDER_UNKNOWN},
    {.type = WG_TYPE_LOCAL_DATETIME, .physical = WGI_PARQUET_INT96, .order = WGI_PARQUET_ORDER_TYPE}};

static void places_check(const wg_parquet_page_place *places, uint32_t count, const wg_parquet_chunk *chunk,
                         uint64_t rows) {
    for (uint32_t i = 0; i < count; i++) {
        WG_ASSERT(places[i].offset >= chunk->offset && places[i].offset < chunk->offset + chunk->compressed_bytes);
        WG_ASSERT(places[i].first_row < rows);
        WG_ASSERT(WG_IMPLIES(i > 0, places[i].first_row > places[i - 1].first_row));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 4) return 0;
    wg_account account;
    wg_account_init(&account, NULL, 64 << 20);
    wg_arena arena;
    wg_arena_init(&arena, &account);
    const wg_slice bytes = wg_slice_of(data + 4, size - 4);
    const wg_parquet_chunk chunk = {.offset = 4, .compressed_bytes = 1 + (uint64_t)data[1] * 64};
    const uint64_t rows = 1 + (uint64_t)data[2] * 8;
    const wg_parquet_page_place *places = NULL;
    const wg_parquet_range *ranges = NULL;
    const bool *empty = NULL;
    uint32_t count = 0;
    uint32_t pages = 0;
    wg_code code = wg_parquet_offset_index_decode(bytes, &chunk, rows, &arena, &places, &count, NULL);
    WG_ASSERT(code == WG_OK || code == WG_E_NOMEM);
    if (code == WG_OK) places_check(places, count, &chunk, rows);
    code = wg_parquet_column_index_decode(bytes, &columns[data[0] % (sizeof columns / sizeof columns[0])], data[3],
                                          &arena, &ranges, &empty, &pages, NULL);
    WG_ASSERT(code == WG_OK || code == WG_E_NOMEM);
    WG_ASSERT(pages == 0 || pages == data[3]);
    uint64_t known = 0;
    for (uint32_t i = 0; code == WG_OK && i < pages; i++) known += ranges[i].known && !empty[i];
    WG_ASSERT(known <= pages);
    wg_arena_deinit(&arena);
    WG_ASSERT(wg_account_bytes(&account) == 0);
    return 0;
}
