/* Fuzzes reading of receipts and of rows: what is read must print as it came; what is cut must lie inside the text. */
#include "format/receipt/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_receipt(wg_slice text) {
    wg_arena arena;
    wg_buf again;
    wg_receipt receipt;
    char place[WG_RECEIPT_PLACE_SIZE];
    wg_arena_init(&arena, NULL);
    wg_buf_init(&again, NULL);
    if (wg_receipt_read(text, &arena, &receipt, place, NULL) == WG_OK) {
        WG_ASSERT(wg_receipt_print(&receipt, &again, NULL) == WG_OK);
        WG_ASSERT(again.size <= text.size && text.size <= again.size + 1);
        WG_ASSERT(memcmp(again.data, text.data, again.size) == 0);
    }
    wg_buf_deinit(&again);
    wg_arena_deinit(&arena);
}

static void read_rows(wg_slice text) {
    wg_buf scratch;
    wg_slice row;
    size_t offset = 0;
    bool found = true;
    wg_buf_init(&scratch, NULL);
    while (wg_receipt_rows_next(text, &offset, &scratch, &row, &found, NULL) == WG_OK && found)
        WG_ASSERT(offset <= text.size && row.size <= text.size);
    wg_buf_deinit(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    read_receipt(wg_slice_of(data, size));
    read_rows(wg_slice_of(data, size));
    return 0;
}
