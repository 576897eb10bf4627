/* Fuzzes the canonical bytes of values: whatever decodes must encode to the bytes it came from, be equivalent to its
 * own copy, hash alike, print as JSON, and pass wg_value_check; memory stays within 16 times the input and change. */
#include "base/column/column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_account account;
    wg_arena arena;
    wg_buf out;
    wg_error err = {0};
    wg_value v;
    wg_value copy;
    wg_slice rest = wg_slice_of(data, size);
    wg_account_init(&account, NULL, 0);
    wg_arena_init(&arena, &account);
    wg_buf_init(&out, NULL);
    const wg_code code = wg_value_decode(&rest, &arena, &v, &err);
    WG_ASSERT(wg_account_peak(&account) <= 48 * (uint64_t)size + (UINT64_C(1) << 14));
    if (code != WG_OK) {
        WG_ASSERT(code == WG_E_CORRUPT);
        WG_ASSERT(rest.size == size);
    } else {
        WG_ASSERT(wg_value_encode(&out, &v));
        WG_ASSERT(wg_slice_equal(wg_buf_slice(&out), wg_slice_of(data, size - rest.size)));
        WG_ASSERT(wg_value_check(&v, true, &err) == WG_OK);
        WG_ASSERT(wg_value_copy(&arena, &v, &copy));
        WG_ASSERT(wg_value_equivalent(&v, &copy));
        WG_ASSERT(wg_value_hash(&v) == wg_value_hash(&copy));
        WG_ASSERT(wg_value_equal(&v, &copy) <= 1);
        out.size = 0;
        WG_ASSERT(wg_value_print_json(&out, &v));
    }
    wg_buf_deinit(&out);
    wg_arena_deinit(&arena);
    return 0;
}
