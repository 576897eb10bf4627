/* Fuzzes blocks of temporary files: the first bytes choose the types of columns, the rest is a block whose checksum and place are put
 * right, so that everything behind them is reached. What decodes must encode to rows that decode to the same; sums likewise. */
#include "base/digest/digest.h"
#include "exec/spill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COLUMNS_MAX = 4, HEADER = 24 };

static void check_again(const wg_rows *rows, const wg_type *types, uint32_t columns, wg_account *account) {
    wg_vector views[COLUMNS_MAX + 1];
    wg_buf out;
    wg_rows *again = NULL;
    wg_error err = {0};
    wg_buf_init(&out, NULL);
    for (uint32_t c = 0; c < columns; c++) views[c] = wg_column_view(&rows->columns[c]);
    const wgi_spill_rows all = {views, columns, NULL, 0, (uint32_t)rows->row_count};
    WG_ASSERT(wgi_spill_encode(&all, 7, &out, &err) == WG_OK);
    WG_ASSERT(wgi_spill_decode(wg_buf_slice(&out), 7, types, columns, account, &again, &err) == WG_OK);
    WG_ASSERT(again->row_count == rows->row_count);
    for (uint32_t c = 0; c < columns; c++)
        for (uint64_t r = 0; r < rows->row_count; r++) {
            const wg_value a = wg_rows_cell(rows, r, c);
            const wg_value b = wg_rows_cell(again, r, c);
            WG_ASSERT(wg_value_equivalent(&a, &b));
        }
    wg_rows_destroy(again);
    wg_buf_deinit(&out);
}

static void check_sum(wg_slice bytes, wg_account *account) {
    wgi_float_sum sum = {0};
    wgi_float_sum again = {0};
    wg_error err = {0};
    wg_buf out;
    if (wgi_float_sum_decode(bytes, account, &sum, &err) != WG_OK) return;
    const double v = wgi_float_sum_value(&sum);
    wg_buf_init(&out, NULL);
    WG_ASSERT(wgi_float_sum_add(&sum, 1.5, account));
    WG_ASSERT(wgi_float_sum_add(&sum, -1.5, account));
    WG_ASSERT(wgi_float_sum_encode(&sum, account, &out, &err) == WG_OK);
    WG_ASSERT(wgi_float_sum_decode(wg_buf_slice(&out), account, &again, &err) == WG_OK);
    WG_ASSERT(wg_bits_of_f64(wgi_float_sum_value(&again)) == wg_bits_of_f64(v));
    wgi_float_sum_deinit(&sum);
    wgi_float_sum_deinit(&again);
    wg_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const wg_type kinds[8] = {WG_TYPE_BOOL, WG_TYPE_INT,   WG_TYPE_FLOAT, WG_TYPE_STRING,
                                     WG_TYPE_NODE, WG_TYPE_BYTES, WG_TYPE_ANY,   WG_TYPE_LIST};
    wg_account account;
    wg_type types[COLUMNS_MAX + 1] = {WG_TYPE_NULL};
    wg_rows *rows = NULL;
    wg_error err = {0};
    wg_account_init(&account, NULL, 0);
    check_sum(wg_slice_of(data, size), &account);
    if (size < 1 + COLUMNS_MAX + HEADER) return 0;
    const uint32_t columns = data[0] % (COLUMNS_MAX + 1);
    for (uint32_t c = 0; c < columns; c++) types[c] = kinds[data[1 + c] % 8];
    const size_t n = size - 1 - COLUMNS_MAX;
    uint8_t *block = wg_alloc(NULL, n);
    WG_ASSERT(block != NULL);
    memcpy(block, data + 1 + COLUMNS_MAX, n);
    wg_store_u32le(block, 0x50534757);
    wg_store_u64le(block + 8, 4096);
    wg_store_u32le(block + 4, wg_crc32(0, block + 8, n - 8));
    const wg_code code = wgi_spill_decode(wg_slice_of(block, n), 4096, types, columns, &account, &rows, &err);
    WG_ASSERT(code == WG_OK || code == WG_E_CORRUPT);
    WG_ASSERT(wg_account_peak(&account) <= 64 * (uint64_t)n + (UINT64_C(1) << 16));
    if (code == WG_OK) check_again(rows, types, columns, &account);
    wg_rows_destroy(rows);
    wg_free(block);
    WG_ASSERT(wg_account_bytes(&account) == 0);
    return 0;
}
