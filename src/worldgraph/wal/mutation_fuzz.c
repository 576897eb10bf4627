/* Arbitrary bytes as mutations: decoding ends in success or a typed error, and what decodes encodes to bytes that decode and
 * encode to themselves. */
#include "worldgraph/wal/wal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_again(const wg_mutation *m, wg_arena *arena) {
    wg_buf first;
    wg_buf second;
    wg_buf_init(&first, NULL);
    wg_buf_init(&second, NULL);
    WG_ASSERT(wg_mutation_encode(&first, m));
    wg_slice left = wg_buf_slice(&first);
    wg_mutation again;
    wg_error err = {0};
    WG_ASSERT(wg_mutation_decode(&left, arena, &again, &err) == WG_OK);
    WG_ASSERT(left.size == 0 && again.kind == m->kind);
    WG_ASSERT(wg_mutation_encode(&second, &again));
    WG_ASSERT(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&second)));
    wg_buf_deinit(&first);
    wg_buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_slice left = wg_slice_of(data, size);
    while (left.size != 0) {
        wg_mutation m;
        wg_error err = {0};
        const wg_code code = wg_mutation_decode(&left, &arena, &m, &err);
        WG_ASSERT(code == err.code);
        if (code != WG_OK) break;
        if (m.kind != WG_MUTATION_KIND_COUNT) encode_again(&m, &arena);
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
    return 0;
}
