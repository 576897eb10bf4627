/* A set of edge ids: open addressing with linear probing, at most half full, grown by doubling. A merge collects in one the edges
 * that it leaves out, so that both directions leave out the same ones whatever the liveness says a moment later; a state
 * keeps it, so that ordinals can be counted although their edges are gone.
 *
 * Failure modes: WG_E_NOMEM (false), the set as it was. */
#include "base/digest/digest.h"
#include "worldgraph/topology/topology_internal.h"

enum { SLOTS_FIRST_LOG2 = 6 };

static uint64_t *slot_find(wgi_edge_set *set, uint64_t word) {
    const uint64_t mask = (UINT64_C(1) << set->slots_log2) - 1;
    uint64_t at = wg_hash64_u64(word) & mask;
    while (set->slots[at] != 0 && set->slots[at] != word) at = (at + 1) & mask;
    return &set->slots[at];
}

static wgi_edge_set *set_create(uint32_t slots_log2, wg_account *account) {
    wgi_edge_set *set = wg_alloc_zero(account, sizeof *set + (sizeof(uint64_t) << slots_log2));
    if (set != NULL) set->slots_log2 = slots_log2;
    return set;
}

static bool set_grow(wgi_edge_set **set, wg_account *account) {
    wgi_edge_set *old = *set;
    wgi_edge_set *grown = set_create(old == NULL ? SLOTS_FIRST_LOG2 : old->slots_log2 + 1, account);
    if (grown == NULL) return false;
    for (uint64_t i = 0; old != NULL && i < UINT64_C(1) << old->slots_log2; i++) {
        if (old->slots[i] != 0) *slot_find(grown, old->slots[i]) = old->slots[i];
    }
    if (old != NULL) grown->count = old->count;
    wg_free(old);
    *set = grown;
    return true;
}

bool wgi_edge_set_add(wgi_edge_set **set, uint64_t edge, wg_account *account) {
    WG_ASSERT(edge != UINT64_MAX);
    if (*set == NULL || (*set)->count >= UINT64_C(1) << ((*set)->slots_log2 - 1)) {
        if (!set_grow(set, account)) return false;
    }
    uint64_t *slot = slot_find(*set, edge + 1);
    (*set)->count += *slot == 0;
    *slot = edge + 1;
    return true;
}

bool wgi_edge_set_has(const wgi_edge_set *set, uint64_t edge) {
    if (set == NULL) return false;
    const uint64_t word = edge + 1;
    const uint64_t mask = (UINT64_C(1) << set->slots_log2) - 1;
    uint64_t at = wg_hash64_u64(word) & mask;
    while (set->slots[at] != 0 && set->slots[at] != word) at = (at + 1) & mask;
    return set->slots[at] == word;
}

uint64_t wgi_edge_set_below(const wgi_edge_set *set, uint64_t limit) {
    uint64_t count = 0;
    for (uint64_t i = 0; set != NULL && i < UINT64_C(1) << set->slots_log2; i++)
        count += set->slots[i] != 0 && set->slots[i] - 1 < limit;
    return count;
}
