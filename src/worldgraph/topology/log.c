/* The log of the delta: edges in the order of adding, in chunks that never move. Chunk 0 has 16 places, each of the next ten as many as all
 * before it, all others 16,384: a label with three edges stays small, a load of millions copies nothing.
 *
 *   one chunk: header | from u32 ... | to u32 ...      and, made when they are needed: ids u64, ends u64 in the same order
 *
 * Edge ids count up from first_edge, and ends are below 2^32, unless the chunk has the arrays that say otherwise; such an array is filled
 * first and shown after (release), so a reader that does not see it reads what is right for the places that it knows. Cells are
 * atomic because a rollback may reuse places that a late reader looks at; what it reads there belongs to no snapshot that it has.
 *
 * Failure modes: WG_E_NOMEM, told before anything is shown. */
#include "worldgraph/topology/topology_internal.h"

enum { CHUNKS_FIRST = 16 };

static uint32_t chunk_capacity(uint32_t index) {
    if (index == 0) return 1u << WGI_LOG_FIRST_LOG2;
    return index <= WGI_LOG_GROWING ? 1u << (index + WGI_LOG_FIRST_LOG2 - 1) : 1u << WGI_LOG_CHUNK_LOG2;
}

static wgi_log *log_allocate(uint32_t capacity, wg_account *account) {
    wgi_log *log = wg_alloc_zero(account, sizeof *log + capacity * sizeof log->chunks[0]);
    if (log != NULL) log->capacity = capacity;
    return log;
}

wgi_log *wgi_log_create(wg_account *account) { return log_allocate(CHUNKS_FIRST, account); }

static void log_dispose(void *block) {
    wgi_log *log = block;
    for (uint32_t i = 0; i < log->used; i++) {
        wgi_log_chunk *chunk = log->chunks[i];
        wg_free(atomic_load_explicit(&chunk->ids, memory_order_relaxed));
        wg_free(atomic_load_explicit(&chunk->wide, memory_order_relaxed));
        wg_free(chunk);
    }
    wg_free(log);
}

void wgi_log_give_back(wgi_log *log, wg_epoch *epoch) {
    if (log == NULL) return;
    if (epoch != NULL) wg_epoch_retire_object(epoch, &log->link, log_dispose);
    else log_dispose(log);
}

static wgi_log_chunk *chunk_create(uint32_t capacity, wg_account *account) {
    wgi_log_chunk *chunk = wg_alloc(account, sizeof *chunk + 2 * (size_t)capacity * sizeof chunk->ends[0]);
    if (chunk == NULL) return NULL;
    chunk->capacity = capacity;
    atomic_init(&chunk->first_edge, 0);
    atomic_init(&chunk->ids, NULL);
    atomic_init(&chunk->wide, NULL);
    return chunk;
}

/* Room for `more` places behind `count`; *io_log is replaced when it must have more chunks than it can name. */
static bool log_reserve(_Atomic(wgi_log *) *io_log, uint64_t count, uint64_t more, wg_epoch *epoch,
                        wg_account *account) {
    wgi_log *log = atomic_load_explicit(io_log, memory_order_relaxed);
    if (more > (UINT64_C(1) << 45) - wg_min_u64(count, UINT64_C(1) << 45)) return false;
    uint32_t offset;
    const uint64_t needed = (uint64_t)wgi_log_place(count + more - 1, &offset) + 1;
    if (needed > log->capacity) {
        wgi_log *larger = log_allocate((uint32_t)wg_max_u64(needed, 2 * (uint64_t)log->capacity), account);
        if (larger == NULL) return false;
        memcpy(larger->chunks, log->chunks, log->used * sizeof log->chunks[0]);
        larger->used = log->used;
        atomic_store_explicit(io_log, larger, memory_order_release); /* pairs with wgi_delta_log */
        if (epoch != NULL) wg_epoch_retire_linked(epoch, &log->link);
        else wg_free(log);
        log = larger;
    }
    for (; log->used < needed; log->used++) {
        log->chunks[log->used] = chunk_create(chunk_capacity(log->used), account);
        if (log->chunks[log->used] == NULL) return false;
    }
    return true;
}

/* Gives the chunk an array of ids, filled for its first `count` places. */
static bool chunk_use_ids(wgi_log_chunk *chunk, uint32_t count, wg_account *account) {
    if (atomic_load_explicit(&chunk->ids, memory_order_relaxed) != NULL) return true;
    _Atomic uint64_t *ids = wg_alloc(account, chunk->capacity * sizeof *ids);
    if (ids == NULL) return false;
    const uint64_t first = wgi_word(&chunk->first_edge);
    for (uint32_t i = 0; i < count; i++) atomic_init(&ids[i], first + i);
    atomic_store_explicit(&chunk->ids, ids, memory_order_release); /* pairs with wgi_log_edge_at */
    return true;
}

static bool chunk_use_wide(wgi_log_chunk *chunk, uint32_t count, wg_account *account) {
    if (atomic_load_explicit(&chunk->wide, memory_order_relaxed) != NULL) return true;
    _Atomic uint64_t *wide = wg_alloc(account, 2 * (size_t)chunk->capacity * sizeof *wide);
    if (wide == NULL) return false;
    for (size_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < count; i++) {
            const size_t at = side * chunk->capacity + i;
            atomic_init(&wide[at], atomic_load_explicit(&chunk->ends[at], memory_order_relaxed));
        }
    atomic_store_explicit(&chunk->wide, wide, memory_order_release); /* pairs with wgi_log_end_at */
    return true;
}

/* Places [offset, offset + count) of one chunk. */
static bool chunk_put(wgi_log_chunk *chunk, uint32_t offset, uint64_t first_edge, const uint64_t *const ends[2],
                      uint32_t count, wg_account *account) {
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++) all |= ends[0][i] | ends[1][i];
    if (offset == 0) atomic_store_explicit(&chunk->first_edge, first_edge, memory_order_relaxed);
    else if (first_edge != wgi_word(&chunk->first_edge) + offset && !chunk_use_ids(chunk, offset, account))
        return false;
    if (all > UINT32_MAX && !chunk_use_wide(chunk, offset, account)) return false;
    _Atomic uint64_t *ids = atomic_load_explicit(&chunk->ids, memory_order_relaxed);
    _Atomic uint64_t *wide = atomic_load_explicit(&chunk->wide, memory_order_relaxed);
    for (uint32_t i = 0; ids != NULL && i < count; i++)
        atomic_store_explicit(&ids[offset + i], first_edge + i, memory_order_relaxed);
    for (size_t side = 0; side < 2; side++) {
        const size_t at = side * chunk->capacity + offset;
        for (uint32_t i = 0; wide != NULL && i < count; i++)
            atomic_store_explicit(&wide[at + i], ends[side][i], memory_order_relaxed);
        for (uint32_t i = 0; wide == NULL && i < count; i++)
            atomic_store_explicit(&chunk->ends[at + i], (uint32_t)ends[side][i], memory_order_relaxed);
    }
    return true;
}

bool wgi_log_put(_Atomic(wgi_log *) *io_log, uint64_t at, const wgi_log_edges *edges, wg_epoch *epoch,
                 wg_account *account) {
    if (edges->count == 0) return true;
    if (!log_reserve(io_log, at, edges->count, epoch, account)) return false;
    const wgi_log *log = atomic_load_explicit(io_log, memory_order_relaxed);
    for (uint64_t done = 0; done < edges->count;) {
        uint32_t offset;
        wgi_log_chunk *chunk = log->chunks[wgi_log_place(at + done, &offset)];
        const uint32_t n = (uint32_t)wg_min_u64(edges->count - done, chunk->capacity - offset);
        const uint64_t *const here[2] = {edges->ends[0] + done, edges->ends[1] + done};
        if (!chunk_put(chunk, offset, edges->first_edge + done, here, n, account)) return false;
        done += n;
    }
    return true;
}

uint64_t wgi_log_span_at(const wgi_log *log, uint64_t at, uint64_t last, wgi_log_span *out) {
    uint32_t offset;
    const wgi_log_chunk *chunk = log->chunks[wgi_log_place(at, &offset)];
    const _Atomic uint64_t *ids = atomic_load_explicit(&chunk->ids, memory_order_acquire);
    const _Atomic uint64_t *wide = atomic_load_explicit(&chunk->wide, memory_order_acquire);
    out->ids = ids == NULL ? NULL : ids + offset;
    out->first_edge = wgi_word(&chunk->first_edge) + offset;
    for (size_t side = 0; side < 2; side++) {
        out->narrow[side] = chunk->ends + side * chunk->capacity + offset;
        out->wide[side] = wide == NULL ? NULL : wide + side * chunk->capacity + offset;
    }
    return wg_min_u64(last - at, chunk->capacity - offset);
}
