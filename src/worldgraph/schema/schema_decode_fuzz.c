/* Fuzzer: any bytes are refused, or decode to a definition whose encoding is the same bytes. */
#include "worldgraph/schema/rule.h"
#include "worldgraph/schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_slice rest = wg_slice_of(data, size);
    wg_label_def def;
    if (wg_label_def_decode(&rest, &arena, &def, NULL) == WG_OK) {
        wg_buf again;
        wg_buf_init(&again, NULL);
        WG_ASSERT(wg_label_def_encode(&again, &def));
        WG_ASSERT(wg_slice_equal(wg_buf_slice(&again), wg_slice_of(data, size - rest.size)));
        wg_buf_deinit(&again);
    }
    wg_rule_def rule;
    rest = wg_slice_of(data, size);
    if (wg_rule_def_decode(&rest, &arena, &rule, NULL) == WG_OK) {
        wg_buf again;
        wg_buf_init(&again, NULL);
        WG_ASSERT(wg_rule_def_encode(&again, &rule));
        WG_ASSERT(wg_slice_equal(wg_buf_slice(&again), wg_slice_of(data, size - rest.size)));
        wg_buf_deinit(&again);
    }
    wg_arena_deinit(&arena);
    return 0;
}
