/* The SHA-256 chain of an open log: one value of 32 bytes a commit, in blocks, so that growth copies nothing and forgetting
 * frees whole blocks. */
#include "io/wal_store/wal_internal.h"

static uint64_t block_of(uint64_t logseq) { return (logseq - 1) / WAL_CHAIN_BLOCK; }

void wgi_wal_chain_init(wal_chain *chain, wg_account *account, uint64_t after, const wg_sha256 *value) {
    memset(chain, 0, sizeof *chain);
    chain->account = account;
    chain->base_block = after / WAL_CHAIN_BLOCK; /* that of the commit after it */
    chain->start = chain->first = chain->last = after;
    chain->start_value = chain->head = *value;
}

void wgi_wal_chain_deinit(wal_chain *chain) {
    for (size_t i = 0; i < chain->block_count; i++) wg_free(chain->blocks[i]);
    wg_free(chain->blocks);
    memset(chain, 0, sizeof *chain);
}

bool wgi_wal_chain_reserve(wal_chain *chain, uint64_t logseq) {
    WG_ASSERT(logseq > chain->last);
    const uint64_t index = block_of(logseq) - chain->base_block;
    if (index < chain->block_count) return true;
    WG_ASSERT(index == chain->block_count);
    if (chain->block_count == chain->block_capacity) {
        const size_t wanted = chain->block_capacity + 64;
        wg_sha256 **blocks = wg_realloc(chain->account, chain->blocks, wanted * sizeof *blocks);
        if (blocks == NULL) return false;
        chain->blocks = blocks;
        chain->block_capacity = wanted;
    }
    wg_sha256 *fresh = wg_alloc(chain->account, WAL_CHAIN_BLOCK * sizeof *fresh);
    if (fresh == NULL) return false;
    chain->blocks[chain->block_count++] = fresh;
    return true;
}

void wgi_wal_chain_put(wal_chain *chain, uint64_t logseq, const wg_sha256 *value) {
    WG_ASSERT(logseq == chain->last + 1);
    const uint64_t index = block_of(logseq) - chain->base_block;
    WG_ASSERT(index < chain->block_count);
    chain->blocks[index][(logseq - 1) % WAL_CHAIN_BLOCK] = *value;
    chain->head = *value;
    chain->last = logseq;
}

bool wgi_wal_chain_get(const wal_chain *chain, uint64_t logseq, wg_sha256 *out) {
    if (logseq == chain->last) *out = chain->head;
    else if (logseq < chain->first || logseq > chain->last) return false;
    else if (logseq == chain->start) *out = chain->start_value;
    else *out = chain->blocks[block_of(logseq) - chain->base_block][(logseq - 1) % WAL_CHAIN_BLOCK];
    return true;
}

void wgi_wal_chain_forget(wal_chain *chain, uint64_t logseq) {
    const uint64_t upto = wg_min_u64(logseq, chain->last);
    if (upto < chain->first) return;
    chain->first = upto + 1;
    size_t gone = 0;
    while (gone < chain->block_count && (chain->base_block + gone + 1) * WAL_CHAIN_BLOCK <= upto)
        wg_free(chain->blocks[gone++]);
    chain->block_count -= gone;
    chain->base_block += gone;
    if (gone > 0) memmove(chain->blocks, chain->blocks + gone, chain->block_count * sizeof *chain->blocks);
}

/* ---- entry points */

bool wg_wal_chain_at(wg_wal *wal, uint64_t logseq, wg_sha256 *out) {
    wg_mutex_lock(&wal->append_lock);
    const bool known = wgi_wal_chain_get(&wal->chain, logseq, out);
    wg_mutex_unlock(&wal->append_lock);
    return known;
}

void wg_wal_chain_forget(wg_wal *wal, uint64_t logseq) {
    wg_mutex_lock(&wal->append_lock);
    wgi_wal_chain_forget(&wal->chain, logseq);
    wg_mutex_unlock(&wal->append_lock);
}
