/* The SHA-256 chain of an open log, computed beside the appends.
 *
 * An append only copies its payload into a queue of at most WAL_CHAIN_QUEUE_BYTES. Whoever drains the queue swaps it with an
 * empty one under both locks, and hashes under chain_lock alone while appends go on: the leader of a sync when its commit is
 * durable, the background thread, or whoever asks for a value. When they do not keep up, each append that finds the queue
 * three quarters full hashes a few of the oldest itself, so that nobody pays for all at once. A large commit is hashed where it
 * is: two of them would fill the queue, and its write takes longer than its hash. Only a rotation, whose header
 * states the chain, hashes what is queued under the append lock.
 *
 * Values are kept in blocks of 32 bytes a commit, so that growth copies nothing and forgetting frees whole blocks. The room
 * for a value and the queues are taken before anything is written, so that hashing cannot fail. */
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
    const uint64_t until = wg_min_u64(logseq, chain->last);
    if (until < chain->first) return;
    chain->first = until + 1;
    size_t gone = 0;
    while (gone < chain->block_count && (chain->base_block + gone + 1) * WAL_CHAIN_BLOCK <= until)
        wg_free(chain->blocks[gone++]);
    chain->block_count -= gone;
    chain->base_block += gone;
    if (gone > 0) memmove(chain->blocks, chain->blocks + gone, chain->block_count * sizeof *chain->blocks);
}

/* ---- the queue */

bool wgi_wal_chain_room(wg_wal *wal, uint64_t logseq) {
    if (logseq <= wal->chain_reserved) return true;
    wg_mutex_lock(&wal->chain_lock);
    const bool ok = wgi_wal_chain_reserve(&wal->chain, logseq);
    wg_mutex_unlock(&wal->chain_lock);
    if (ok) wal->chain_reserved = (block_of(logseq) + 1) * WAL_CHAIN_BLOCK;
    return ok;
}

/* Caller holds chain_lock. */
static void hash_one(wg_wal *wal, const wg_slice *parts, size_t part_count) {
    wg_sha256 value;
    const uint64_t logseq = wal->chain.last + 1;
    wgi_wal_chain_next(wal->sha, &wal->chain.head, logseq, parts, part_count, &value);
    wgi_wal_chain_put(&wal->chain, logseq, &value);
    atomic_store_explicit(&wal->hashed_logseq, logseq, memory_order_relaxed);
}

/* Hashes up to `commits` from the front. Caller holds chain_lock and what guards the queue. */
static void hash_queue(wg_wal *wal, wal_queue *queue, uint64_t commits) {
    for (; commits > 0 && queue->front < queue->bytes.size; commits--) {
        const uint8_t *entry = queue->bytes.data + queue->front;
        const size_t size = (size_t)wg_load_u64le(entry);
        const wg_slice payload = wg_slice_of(entry + 8, size);
        hash_one(wal, &payload, 1);
        queue->front += 8 + size;
    }
    if (queue->front == queue->bytes.size) queue->front = queue->bytes.size = 0;
}

void wgi_wal_chain_settle(wg_wal *wal, wg_sha256 *out_head) {
    wg_mutex_lock(&wal->chain_lock);
    WG_ASSERT(wal->chain_hashing.bytes.size == 0); /* it is emptied before chain_lock is given up */
    hash_queue(wal, &wal->chain_pending, UINT64_MAX);
    if (out_head != NULL) *out_head = wal->chain.head;
    wg_mutex_unlock(&wal->chain_lock);
}

void wgi_wal_chain_drain(wg_wal *wal) {
    wg_mutex_lock(&wal->append_lock);
    if (wal->chain_pending.bytes.size == 0) {
        wg_mutex_unlock(&wal->append_lock);
        return;
    }
    wg_mutex_lock(&wal->chain_lock);
    const wal_queue full = wal->chain_pending;
    wal->chain_pending = wal->chain_hashing;
    wal->chain_hashing = full;
    atomic_store(&wal->chain_busy, true);
    wg_mutex_unlock(&wal->append_lock);
    hash_queue(wal, &wal->chain_hashing, UINT64_MAX);
    atomic_store(&wal->chain_busy, false);
    wg_mutex_unlock(&wal->chain_lock);
}

/* Four commits for each one that comes while the last quarter fills: the queue is empty when it is full. */
static void help(wg_wal *wal) {
    enum { COMMITS = 4 };
    if (atomic_load(&wal->chain_busy)) return; /* somebody hashes the ones before */
    wg_mutex_lock(&wal->chain_lock);
    hash_queue(wal, &wal->chain_pending, COMMITS);
    wg_mutex_unlock(&wal->chain_lock);
}

void wgi_wal_chain_queue(wg_wal *wal, uint64_t logseq, const wg_slice *parts, size_t part_count, uint64_t size) {
    wg_buf *queue = &wal->chain_pending.bytes;
    WG_ASSERT(queue->capacity >= WAL_CHAIN_QUEUE_BYTES);
    const bool large = size >= WAL_CHAIN_QUEUE_BYTES / 8;
    if (queue->size >= WAL_CHAIN_QUEUE_BYTES / 4 * 3) help(wal);
    if (large || size + 8 > WAL_CHAIN_QUEUE_BYTES - queue->size) wgi_wal_chain_settle(wal, NULL);
    if (large) {
        wg_mutex_lock(&wal->chain_lock);
        WG_ASSERT(wal->chain.last + 1 == logseq);
        hash_one(wal, parts, part_count);
        wg_mutex_unlock(&wal->chain_lock);
        return;
    }
    wg_store_u64le(queue->data + queue->size, size);
    queue->size += 8;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size == 0) continue;
        memcpy(queue->data + queue->size, parts[i].data, parts[i].size);
        queue->size += parts[i].size;
    }
}

/* ---- entry points */

bool wg_wal_chain_at(wg_wal *wal, uint64_t logseq, wg_sha256 *out) {
    if (logseq > atomic_load(&wal->last_logseq)) return false;
    wg_mutex_lock(&wal->chain_lock);
    const bool hashed = logseq <= wal->chain.last;
    bool known = hashed && wgi_wal_chain_get(&wal->chain, logseq, out);
    wg_mutex_unlock(&wal->chain_lock);
    if (hashed) return known;
    wgi_wal_chain_drain(wal);
    wg_mutex_lock(&wal->chain_lock);
    known = wgi_wal_chain_get(&wal->chain, logseq, out);
    wg_mutex_unlock(&wal->chain_lock);
    return known;
}

void wg_wal_chain_forget(wg_wal *wal, uint64_t logseq) {
    wgi_wal_chain_drain(wal);
    wg_mutex_lock(&wal->chain_lock);
    wgi_wal_chain_forget(&wal->chain, logseq);
    wg_mutex_unlock(&wal->chain_lock);
}
