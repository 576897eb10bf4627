/* Fuzzes =~: the first byte says how long the pattern is, the rest is the text. Asking often brings machine code in, whose answers must
 * be those of the interpreter; time and memory stay bounded. */
#include "base/column/column.h"
#include "exec/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 600) return 0;
    const size_t pattern_size = wg_min_size(data[0], size - 1);
    const wg_slice pattern = wg_slice_of(data + 1, pattern_size);
    const wg_slice subject = wg_slice_of(data + 1 + pattern_size, size - 1 - pattern_size);
    wg_account account;
    wg_error err = {0};
    bool first = false;
    wg_account_init(&account, NULL, UINT64_C(256) << 20);
    wgi_regex_cache *cache = wgi_regex_cache_create(&account);
    WG_ASSERT(cache != NULL);
    const wg_code code = wgi_regex_match(cache, pattern, subject, &first, &err);
    WG_ASSERT(code == WG_OK || code == WG_E_VALUE || code == WG_E_LIMIT);
    for (int i = 0; code == WG_OK && i < WGI_REGEX_JIT_AFTER + 1; i++) {
        bool again = false;
        if (wgi_regex_match(cache, pattern, subject, &again, &err) == WG_OK) WG_ASSERT(again == first);
        else break; /* a limit that is counted differently */
    }
    wgi_regex_cache_destroy(cache);
    WG_ASSERT(wg_account_bytes(&account) == 0);
    return 0;
}
