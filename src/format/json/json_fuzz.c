/* Fuzzes the JSON reader: what reads must print, read back equivalent, and print the same bytes again. */
#include "format/json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_arena arena;
    wg_buf first;
    wg_buf second;
    wg_error err = {0};
    wg_value v;
    wg_value again;
    wg_arena_init(&arena, NULL);
    wg_buf_init(&first, NULL);
    wg_buf_init(&second, NULL);
    const wg_code code = wg_json_read(wg_slice_of(data, size), &arena, &v, &err);
    if (code != WG_OK) {
        WG_ASSERT(code == WG_E_VALUE || code == WG_E_LIMIT);
    } else {
        WG_ASSERT(wg_value_print_json(&first, &v));
        WG_ASSERT(wg_json_read(wg_buf_slice(&first), &arena, &again, &err) == WG_OK);
        WG_ASSERT(wg_value_equivalent(&v, &again));
        WG_ASSERT(wg_value_print_json(&second, &again));
        WG_ASSERT(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&second)));
    }
    wg_buf_deinit(&first);
    wg_buf_deinit(&second);
    wg_arena_deinit(&arena);
    return 0;
}
