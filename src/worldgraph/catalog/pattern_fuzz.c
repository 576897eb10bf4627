/* A pattern segment and a name, split at the first newline: checking ends in success or a typed error; a match captures
 * parts of the name that, put back in place of the holes, give the name again. */
#include "worldgraph/catalog/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool starts_with(wg_slice *left, const uint8_t *text, size_t size) {
    wg_slice head;
    return wg_slice_take(left, size, &head) && memcmp(head.data, text, size) == 0;
}

/* Only patterns without '*', whose part is not captured. */
static void put_back(wg_slice pattern, wg_slice name, const wg_slice *values) {
    wg_slice left = name;
    for (size_t at = 0; at < pattern.size;) {
        if (pattern.data[at] == '{') {
            WG_ASSERT(values->size > 0 && starts_with(&left, values->data, values->size));
            values++;
            while (pattern.data[at] != '}') at++;
        } else {
            WG_ASSERT(starts_with(&left, pattern.data + at, 1));
        }
        at++;
    }
    WG_ASSERT(left.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    const size_t split = line == NULL ? size : (size_t)(line - data);
    const wg_slice pattern = wg_slice_of(data, split);
    const wg_slice name = wg_slice_of(data + split, size - split);
    wg_error err = {0};
    const wg_code code = wg_pattern_check(pattern, &err);
    WG_ASSERT(code == err.code);
    if (code != WG_OK || memchr(pattern.data, '/', pattern.size) != NULL) return 0;
    wg_slice values[8];
    uint32_t captured = 0;
    if (wg_pattern_match_segment(pattern, name, values, &captured)) {
        WG_ASSERT(captured <= 8);
        if (memchr(pattern.data, '*', pattern.size) == NULL) put_back(pattern, name, values);
    }
    return 0;
}
