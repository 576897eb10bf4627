/* Any bytes as a footer of a 1 MiB file: decoded or refused, in bounded memory; what is accepted must hold its promises. */
#include "format/parquet/parquet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_account account;
    wg_account_init(&account, NULL, 256 << 20);
    wg_arena arena;
    wg_arena_init(&arena, &account);
    wg_error err = {0};
    wg_parquet_metadata m;
    const uint64_t file_size = (1 << 20) + size;
    const wg_code code = wg_parquet_metadata_decode(wg_slice_of(data, size), file_size, &arena, &m, &err);
    WG_ASSERT(code == err.code);
    uint64_t rows = 0;
    for (uint32_t g = 0; code == WG_OK && g < m.row_group_count; g++) {
        WG_ASSERT(m.row_groups[g].first_row == rows);
        rows += m.row_groups[g].row_count;
        for (uint32_t c = 0; c < m.column_count; c++) {
            const wg_parquet_chunk *chunk = &m.row_groups[g].chunks[c];
            WG_ASSERT(chunk->compressed_bytes <= file_size);
            WG_ASSERT(
                WG_IMPLIES(chunk->compressed_bytes != 0,
                           chunk->offset >= 4 && chunk->offset + chunk->compressed_bytes <= file_size - 8 - size));
            WG_ASSERT(WG_IMPLIES(chunk->range.null_count_known, chunk->range.null_count <= chunk->value_count));
        }
    }
    for (uint32_t c = 0; code == WG_OK && c < m.column_count + m.group_count; c++) {
        WG_ASSERT((m.columns[c].type == WG_TYPE_NULL) == (m.columns[c].why_not != NULL));
        WG_ASSERT(m.columns[c].name != NULL);
        WG_ASSERT(m.columns[c].physical_name != NULL);
    }
    WG_ASSERT(WG_IMPLIES(code == WG_OK, rows == m.row_count));
    wg_arena_deinit(&arena);
    WG_ASSERT(wg_account_bytes(&account) == 0);
    return 0;
}
