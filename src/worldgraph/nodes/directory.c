/* The directory from id to the address of the newest version.
 *
 * Chunks of 16,384 ids behind a growable array. While the ids of a chunk stand in consecutive rows (a bulk load) the chunk
 * is a run: address of id i = run_base + i, for i < run_count, and its array is reserved but untouched. The first set that
 * does not continue the run fills the array and switches over; readers that do not see the switch use the run, which is
 * still right for them. No call after wg_directory_extend needs memory. */
#include "worldgraph/nodes/nodes_internal.h"

enum { CHUNK_SHIFT = 14, CHUNK_IDS = 1 << CHUNK_SHIFT };

typedef struct directory_chunk {
    _Atomic bool filled; /* release after `entries` is filled, acquire by readers */
    _Atomic uint32_t run_count;
    _Atomic uint64_t run_base;
    _Atomic uint64_t entries[CHUNK_IDS];
} directory_chunk;

struct wg_directory {
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(wgi_slots *) chunks;
    _Atomic uint64_t count;
};

wg_code wg_directory_create(wg_epoch *epoch, wg_account *account, wg_directory **out, wg_error *err) {
    wg_directory *d = wg_alloc_zero(account, sizeof *d);
    if (d == NULL) return wg_error_nomem(err, sizeof *d);
    d->epoch = epoch;
    d->account = account;
    atomic_init(&d->chunks, NULL);
    atomic_init(&d->count, 0);
    *out = d;
    return WG_OK;
}

void wg_directory_destroy(wg_directory *d) {
    if (d == NULL) return;
    wgi_slots *chunks = atomic_load_explicit(&d->chunks, memory_order_acquire);
    for (uint32_t i = 0; chunks != NULL && i < chunks->capacity; i++)
        wg_free(atomic_load_explicit(&chunks->items[i], memory_order_acquire));
    wg_free(chunks);
    wg_free(d);
}

uint64_t wg_directory_count(const wg_directory *d) { return atomic_load_explicit(&d->count, memory_order_acquire); }

static directory_chunk *chunk_create(wg_account *account) {
    directory_chunk *chunk = wg_alloc(account, sizeof *chunk);
    if (chunk == NULL) return NULL;
    atomic_init(&chunk->filled, false);
    atomic_init(&chunk->run_count, 0);
    atomic_init(&chunk->run_base, 0);
    return chunk;
}

wg_code wg_directory_extend(wg_directory *d, uint64_t count, uint64_t *out_first, wg_error *err) {
    const uint64_t first = wg_directory_count(d);
    if (count > (UINT64_C(1) << 44) - first)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "no more ids: at most 2^44 are given out");
    const uint64_t end = first + count;
    for (uint64_t c = first >> CHUNK_SHIFT; c << CHUNK_SHIFT < end; c++) {
        if (wgi_slots_get(&d->chunks, (uint32_t)c) != NULL) continue;
        if (!wgi_slots_reserve(&d->chunks, (uint32_t)c, d->epoch, d->account))
            return wg_error_nomem(err, sizeof(directory_chunk));
        directory_chunk *chunk = chunk_create(d->account);
        if (chunk == NULL) return wg_error_nomem(err, sizeof *chunk);
        wgi_slots_set(&d->chunks, (uint32_t)c, chunk);
    }
    atomic_store_explicit(&d->count, end, memory_order_release);
    *out_first = first;
    return WG_OK;
}

static void chunk_cut(directory_chunk *chunk, uint32_t keep) {
    if (atomic_load_explicit(&chunk->filled, memory_order_relaxed)) {
        for (uint32_t i = keep; i < CHUNK_IDS; i++)
            atomic_store_explicit(&chunk->entries[i], WG_ROW_NONE, memory_order_relaxed);
    } else if (atomic_load_explicit(&chunk->run_count, memory_order_relaxed) > keep) {
        atomic_store_explicit(&chunk->run_count, keep, memory_order_release);
    }
}

/* A reader that is late by one transaction may still look up an id that is taken back here; it finds nothing, or the
 * row of a later transaction, which its snapshot does not see. */
void wg_directory_truncate(wg_directory *d, uint64_t count) {
    const uint64_t old = wg_directory_count(d);
    WG_ASSERT(count <= old);
    atomic_store_explicit(&d->count, count, memory_order_release);
    for (uint64_t c = count >> CHUNK_SHIFT; c << CHUNK_SHIFT < old; c++) {
        directory_chunk *chunk = wgi_slots_get(&d->chunks, (uint32_t)c);
        const uint64_t start = c << CHUNK_SHIFT;
        chunk_cut(chunk, count > start ? (uint32_t)(count - start) : 0);
    }
}

static void chunk_fill(directory_chunk *chunk) {
    const uint32_t run_count = atomic_load_explicit(&chunk->run_count, memory_order_relaxed);
    const uint64_t run_base = atomic_load_explicit(&chunk->run_base, memory_order_relaxed);
    for (uint32_t i = 0; i < CHUNK_IDS; i++)
        atomic_store_explicit(&chunk->entries[i], i < run_count ? run_base + i : WG_ROW_NONE, memory_order_relaxed);
    atomic_store_explicit(&chunk->filled, true, memory_order_release); /* pairs with wg_directory_get */
}

wg_code wg_directory_set(wg_directory *d, uint64_t id, wg_row_address address, uint64_t stamp, wg_error *err) {
    (void)stamp, (void)err;
    WG_ASSERT(id < wg_directory_count(d));
    directory_chunk *chunk = wgi_slots_get(&d->chunks, (uint32_t)(id >> CHUNK_SHIFT));
    const uint32_t i = (uint32_t)(id & (CHUNK_IDS - 1));
    if (!atomic_load_explicit(&chunk->filled, memory_order_relaxed)) {
        const uint32_t run_count = atomic_load_explicit(&chunk->run_count, memory_order_relaxed);
        if (run_count == 0 && i == 0) atomic_store_explicit(&chunk->run_base, address, memory_order_relaxed);
        if (i == run_count && address == atomic_load_explicit(&chunk->run_base, memory_order_relaxed) + i &&
            address != WG_ROW_NONE) {
            atomic_store_explicit(&chunk->run_count, run_count + 1, memory_order_release); /* pairs with get */
            return WG_OK;
        }
        chunk_fill(chunk);
    }
    atomic_store_explicit(&chunk->entries[i], address, memory_order_release); /* pairs with get */
    return WG_OK;
}

static wg_row_address address_of(const wg_directory *d, uint64_t id) {
    if (id >= wg_directory_count(d)) return WG_ROW_NONE;
    const directory_chunk *chunk = wgi_slots_get(&d->chunks, (uint32_t)(id >> CHUNK_SHIFT));
    const uint32_t i = (uint32_t)(id & (CHUNK_IDS - 1));
    if (atomic_load_explicit(&chunk->filled, memory_order_acquire))
        return atomic_load_explicit(&chunk->entries[i], memory_order_acquire);
    if (i >= atomic_load_explicit(&chunk->run_count, memory_order_acquire)) return WG_ROW_NONE;
    return atomic_load_explicit(&chunk->run_base, memory_order_relaxed) + i;
}

wg_code wg_directory_get(const wg_directory *d, uint64_t id, wg_row_address *out, wg_error *err) {
    (void)err;
    *out = address_of(d, id);
    return WG_OK;
}
