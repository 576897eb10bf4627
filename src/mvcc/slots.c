/* Slots: pointers by number that never move while they are read.
 *
 * Chunks double in size: chunk k holds the numbers [8 * 2^k - 8, 8 * 2^(k + 1) - 8), so number + 8 has its highest bit at k + 3 and the
 * rest is the place inside. A chunk is made when its first number is wanted and stays until the end; readers therefore need
 * neither a lock nor an epoch for the slots themselves, only for what the pointers lead to. */
#include "mvcc/mvcc.h"

enum { FIRST_LOG2 = 3 };
_Static_assert(WG_SLOTS_MAX == (INT64_C(1) << (WG_SLOTS_CHUNKS + FIRST_LOG2)) - (1 << FIRST_LOG2),
               "chunks hold all numbers");

typedef struct place {
    uint32_t chunk;
    uint32_t at;
} place;

static place place_of(uint32_t i) {
    const uint32_t n = i + (1u << FIRST_LOG2);
    const uint32_t log2 = 31 - (uint32_t)__builtin_clz(n);
    return (place){.chunk = log2 - FIRST_LOG2, .at = n - (1u << log2)};
}

static uint32_t chunk_items(uint32_t chunk) { return 1u << (chunk + FIRST_LOG2); }

static void *_Atomic *chunk_of(const wg_slots *slots, uint32_t chunk) {
    return atomic_load_explicit(&slots->chunks[chunk], memory_order_acquire); /* pairs with wg_slots_reserve */
}

bool wg_slots_reserve(wg_slots *slots, uint32_t i, wg_account *account) {
    WG_ASSERT(i < WG_SLOTS_MAX);
    const place p = place_of(i);
    if (chunk_of(slots, p.chunk) != NULL) return true;
    void *_Atomic *chunk = wg_alloc_zero(account, chunk_items(p.chunk) * sizeof *chunk);
    if (chunk == NULL) return false;
    atomic_store_explicit(&slots->chunks[p.chunk], chunk, memory_order_release); /* pairs with chunk_of */
    return true;
}

void *wg_slots_get(const wg_slots *slots, uint32_t i) {
    if (i >= WG_SLOTS_MAX) return NULL;
    const place p = place_of(i);
    void *_Atomic *chunk = chunk_of(slots, p.chunk);
    return chunk == NULL ? NULL : atomic_load_explicit(&chunk[p.at], memory_order_acquire); /* pairs with set */
}

void wg_slots_set(wg_slots *slots, uint32_t i, void *item) {
    WG_ASSERT(i < WG_SLOTS_MAX);
    const place p = place_of(i);
    void *_Atomic *chunk = chunk_of(slots, p.chunk);
    WG_ASSERT(chunk != NULL);
    atomic_store_explicit(&chunk[p.at], item, memory_order_release); /* pairs with get */
}

uint32_t wg_slots_next(const wg_slots *slots, uint32_t from) {
    if (from >= WG_SLOTS_MAX) return UINT32_MAX;
    place p = place_of(from);
    for (; p.chunk < WG_SLOTS_CHUNKS; p = (place){.chunk = p.chunk + 1}) {
        void *_Atomic *chunk = chunk_of(slots, p.chunk);
        for (; chunk != NULL && p.at < chunk_items(p.chunk); p.at++)
            if (atomic_load_explicit(&chunk[p.at], memory_order_acquire) != NULL)
                return chunk_items(p.chunk) - (1u << FIRST_LOG2) + p.at;
    }
    return UINT32_MAX;
}

void wg_slots_deinit(wg_slots *slots) {
    for (uint32_t c = 0; c < WG_SLOTS_CHUNKS; c++) {
        void *_Atomic *chunk = chunk_of(slots, c);
        void *block;
        memcpy(&block, &chunk, sizeof block); /* a pointer to atomics cannot be cast without a warning */
        wg_free(block);
        atomic_store_explicit(&slots->chunks[c], NULL, memory_order_relaxed);
    }
}
