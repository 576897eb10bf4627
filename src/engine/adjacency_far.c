/* Far sides of adjacency: nodes that lie so far apart that an offset for each would take more than the edges do.
 *
 *   bits    one a node from the first to the last, set where the node has entries
 *   ranks   how many bits are set before each word of 64, and in all
 *
 * The rank of a node's bit is its number among the nodes that have entries, and offsets are kept by that number: three places in memory for a
 * list instead of two. Sorting works on numbers in the place of ids, so it is that of near sides.
 *
 * Failure modes: WG_E_NOMEM. */
#include "engine/adjacency_internal.h"

uint64_t wgi_far_bytes(uint64_t span) {
    const uint64_t words = (span + 63) / 64;
    return words * sizeof(uint64_t) + (words + 1) * sizeof(uint32_t);
}

wg_code wgi_far_make(const wg_edge_columns *columns, wg_account *account, wgi_far *out, wg_error *err) {
    const uint64_t span = (uint64_t)columns->node_max - columns->node_min + 1;
    const uint64_t words = (span + 63) / 64;
    uint64_t *bits = wg_alloc_zero(account, (size_t)wgi_far_bytes(span));
    if (bits == NULL) return wg_error_nomem(err, (size_t)wgi_far_bytes(span));
    uint32_t *ranks = (uint32_t *)(void *)(bits + words);
    for (uint64_t i = 0; i < columns->count; i++) {
        const uint32_t k = columns->nodes[i] - columns->node_min;
        bits[k / 64] |= UINT64_C(1) << (k % 64);
    }
    uint32_t named = 0;
    for (uint64_t w = 0; w < words; w++) {
        ranks[w] = named;
        named += (uint32_t)__builtin_popcountll(bits[w]);
    }
    ranks[words] = named;
    *out = (wgi_far){columns->node_min, span, bits, ranks};
    return WG_OK;
}

typedef struct numbering {
    const wgi_far *far;
    const uint32_t *nodes;
    uint32_t *numbers;
} numbering;

static wg_code number_nodes(void *arg, uint32_t worker, uint64_t first, uint64_t last, wg_error *err) {
    const numbering *n = arg;
    (void)worker;
    (void)err;
    for (uint64_t i = first; i < last; i++) {
        const uint64_t k = n->nodes[i] - n->far->node_min;
        const uint64_t before = n->far->bits[k / 64] & ((UINT64_C(1) << (k % 64)) - 1);
        n->numbers[i] = n->far->ranks[k / 64] + (uint32_t)__builtin_popcountll(before);
    }
    return WG_OK;
}

wg_code wgi_far_numbers(const wgi_far *far, const uint32_t *nodes, uint64_t count, const wgi_builders *by,
                        wg_account *account, uint32_t **out, wg_error *err) {
    enum { GRAIN = 1 << 16 };
    uint32_t *numbers = wg_alloc(account, (size_t)(count + 1) * sizeof *numbers);
    if (numbers == NULL) return wg_error_nomem(err, (size_t)count * sizeof *numbers);
    numbering n = {far, nodes, numbers};
    const wg_pool_range range = {count, GRAIN, by->workers, number_nodes, &n};
    const wg_code code = count == 0 ? WG_OK : wg_pool_for(by->pool, &range, err);
    if (code != WG_OK) wg_free(numbers);
    else *out = numbers;
    return code;
}

wgi_far wgi_far_of(const wg_adjacency_side *side) {
    return (wgi_far){side->node_min, side->node_count, (uint64_t *)(uintptr_t)side->bits,
                     (uint32_t *)(uintptr_t)side->ranks};
}

wg_adjacency_side wgi_far_close(const wg_adjacency_side *side) {
    wg_adjacency_side near = *side;
    if (side->bits == NULL) return near;
    near.node_min = 0;
    near.node_count = side->ranks[(side->node_count + 63) / 64];
    near.bits = NULL;
    near.ranks = NULL;
    return near;
}

void wgi_far_open(const wgi_far *far, wg_adjacency_side *side) {
    side->node_min = far->node_min;
    side->node_count = far->node_count;
    side->bits = far->bits;
    side->ranks = far->ranks;
}
