/* The SHA-256 chain of an open log, computed beside the appends.
 *
 * An append leaves its commit in a ring: a small payload as a copy; of a large one only the position, and
 * whoever hashes reads it back from the segment, which the system still has in memory. The ring has one writer, under append_lock, and
 * one reader, under chain_lock, so that neither waits for the other. It is drained by the second background thread; without one by
 * the leader of a sync when its commit is durable; and by whoever asks for a value.
 *
 * The lag is bounded by the ring and by WAL_CHAIN_LAG_BYTES of payloads to be read back: an append that finds no room hashes some
 * of the oldest itself. Without a thread an append that finds the ring three quarters full hashes a few, so that nobody pays for
 * all at once, and a commit of 16 KiB is hashed where it is. A rotation states the chain in its header if it is known by then.
 *
 * Values are kept in blocks of 32 bytes a commit, so that growth copies nothing and forgetting frees whole blocks. The room
 * for a value and in the ring is taken before anything is written. Hashing fails only when the log cannot be read back: then no
 * later value can be known, and the log is poisoned. What is refused for want of memory or descriptors is tried again. */
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

static uint64_t queued(const wg_wal *wal) {
    const uint64_t tail = atomic_load_explicit(&wal->queue.tail, memory_order_acquire); /* first: never passes */
    return atomic_load_explicit(&wal->queue.head, memory_order_acquire) - tail;
}

static uint64_t to_read(const wg_wal *wal) {
    const uint64_t read = atomic_load_explicit(&wal->queue.read, memory_order_relaxed);
    return atomic_load_explicit(&wal->queue.to_read, memory_order_relaxed) - read;
}

/* Without a thread to leave it to, a large commit is hashed where it is: two of them would fill the ring. */
static bool is_inline(const wal_link *link) { return !link->read_back && link->size >= WAL_CHAIN_QUEUE_BYTES / 16; }

static uint64_t entry_bytes(uint64_t size, bool read_back) { return 8 + (read_back ? 8 : wg_align_up(size, 8)); }

static uint8_t *ring_at(const wal_queue *queue, uint64_t at) { return queue->bytes + (at & (queue->capacity - 1)); }

/* Copies into the ring, over its end; gives where the next byte goes. */
static uint64_t ring_put(wal_queue *queue, uint64_t at, const uint8_t *data, size_t size) {
    const size_t before_end = queue->capacity - (size_t)(at & (queue->capacity - 1));
    const size_t first = wg_min_size(size, before_end);
    if (first != 0) memcpy(ring_at(queue, at), data, first);
    if (size > first) memcpy(queue->bytes, data + first, size - first);
    return at + size;
}

bool wgi_wal_chain_make(wg_wal *wal) {
    wg_buf_init(&wal->queue.window, wal->options.account);
    wal->queue.capacity =
        wal->options.durability == WG_BUFFERED ? WAL_CHAIN_QUEUE_BYTES_BUFFERED : WAL_CHAIN_QUEUE_BYTES;
    wal->queue.bytes = wg_alloc(wal->options.account, wal->queue.capacity);
    return wal->queue.bytes != NULL;
}

static void window_close(wg_wal *wal) {
    if (wal->queue.file != NULL) wal->platform->ops->close(wal->platform, wal->queue.file);
    wal->queue.file = NULL;
    wal->queue.window.size = 0;
}

void wgi_wal_chain_end(wg_wal *wal) {
    window_close(wal);
    wg_buf_deinit(&wal->queue.window);
    wg_free(wal->queue.bytes);
    wgi_wal_chain_deinit(&wal->chain);
}

/* ---- reading back; the caller holds chain_lock */

static wg_code window_open(wg_wal *wal, uint64_t number, wg_error *err) {
    char path[WAL_PATH_BYTES];
    wal_queue *queue = &wal->queue;
    if (queue->file != NULL && queue->number == number) return WG_OK;
    window_close(wal);
    if (queue->window.capacity < WAL_CHAIN_WINDOW_BYTES && !wg_buf_reserve(&queue->window, WAL_CHAIN_WINDOW_BYTES))
        return wg_error_nomem(err, WAL_CHAIN_WINDOW_BYTES);
    wgi_wal_name(wal->dir, number, path);
    WG_TRY(wal->platform->ops->open(wal->platform, path, WG_OPEN_READ, &queue->file, err));
    queue->number = number;
    return WG_OK;
}

/* Bytes of the open segment from `offset` on, at least one unless the file ends there. What lies behind the newest whole commit may
 * still change and is not kept. */
static wg_code window_at(wg_wal *wal, uint64_t offset, wg_slice *out, wg_error *err) {
    wal_queue *queue = &wal->queue;
    const uint64_t end = queue->window_from + queue->window.size;
    if (queue->window.size == 0 || offset < queue->window_from || offset >= end) {
        const wal_position place = atomic_load_explicit(&wal->place, memory_order_acquire);
        uint64_t size = WAL_CHAIN_WINDOW_BYTES;
        size_t got = 0;
        if (wal_position_segment(place) == queue->number)
            size = wg_min_u64(size, wg_max_u64(wal_position_offset(place), offset) - offset);
        queue->window.size = 0;
        WG_TRY(wal->platform->ops->read_at(wal->platform, queue->file, offset, queue->window.data, (size_t)size, &got,
                                           err));
        queue->window_from = offset;
        queue->window.size = got;
    }
    const size_t skip = (size_t)(offset - queue->window_from);
    *out = wg_slice_of(queue->window.data + skip, queue->window.size - skip);
    return WG_OK;
}

static wg_code unreadable(wal_position at, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, wal_position_offset(at),
                        "log segment %llu at offset %llu does not hold what was written to it",
                        (unsigned long long)wal_position_segment(at), (unsigned long long)wal_position_offset(at));
}

/* Finds the frame of commit `logseq` at *at, or at the beginning of the next segment. */
static wg_code frame_find(wg_wal *wal, uint64_t logseq, wal_position *at, wal_frame *out, wg_error *err) {
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        const uint64_t number = wal_position_segment(*at);
        const wal_place place = {.segment_crc = wgi_wal_segment_crc(wal->options.store_uuid, number),
                                 .offset = (uint32_t)wal_position_offset(*at)};
        wg_slice bytes;
        WG_TRY(window_open(wal, number, err));
        WG_TRY(window_at(wal, place.offset, &bytes, err));
        if (bytes.size < WAL_FRAME_BYTES) { /* the window ends inside the header */
            wal->queue.window.size = 0;
            WG_TRY(window_at(wal, place.offset, &bytes, err));
        }
        if (bytes.size >= WAL_FRAME_BYTES && wgi_wal_frame_decode(bytes.data, place, out) && out->logseq == logseq)
            return WG_OK;
        if (wal_position_segment(atomic_load_explicit(&wal->place, memory_order_acquire)) == number) break;
        *at = wal_position_of(number + 1, WAL_HEADER_BYTES);
    }
    return unreadable(*at, err);
}

/* Adds the payload of a commit whose first frame lies at `at`. */
static wg_code add_commit(wg_wal *wal, uint64_t logseq, uint64_t size, wal_position at, wg_error *err) {
    while (size > 0) {
        wal_frame frame;
        WG_TRY(frame_find(wal, logseq, &at, &frame, err));
        if (frame.payload_bytes > size || frame.payload_bytes == 0) return unreadable(at, err);
        uint64_t offset = wal_position_offset(at) + WAL_FRAME_BYTES;
        for (uint64_t left = frame.payload_bytes; left > 0;) {
            wg_slice bytes;
            WG_TRY(window_at(wal, offset, &bytes, err));
            const size_t n = (size_t)wg_min_u64(left, bytes.size);
            if (n == 0) return unreadable(at, err);
            wg_sha256_add(wal->sha, bytes.data, n);
            offset += n;
            left -= n;
        }
        size -= frame.payload_bytes;
        at += wal_frame_size(frame.payload_bytes);
    }
    return WG_OK;
}

/* ---- hashing; the caller holds chain_lock */

static void value_put(wg_wal *wal, const wg_sha256 *value) {
    wgi_wal_chain_put(&wal->chain, wal->chain.last + 1, value);
    atomic_store_explicit(&wal->hashed_logseq, wal->chain.last, memory_order_relaxed);
}

static void hash_parts(wg_wal *wal, const wg_slice *parts, size_t part_count) {
    wg_sha256 value;
    wgi_wal_chain_next(wal->sha, &wal->chain.head, wal->chain.last + 1, parts, part_count, &value);
    value_put(wal, &value);
}

static wg_code hash_read_back(wg_wal *wal, uint64_t size, wal_position at, wg_error *err) {
    wg_sha256 value;
    const uint64_t logseq = wal->chain.last + 1;
    wgi_wal_chain_begin(wal->sha, &wal->chain.head, logseq, size);
    const wg_code code = add_commit(wal, logseq, size, at, err);
    wg_sha256_finish(wal->sha, &value); /* begins anew, also after a failure */
    if (code != WG_OK) return code;
    atomic_fetch_add_explicit(&wal->queue.read, size, memory_order_relaxed);
    value_put(wal, &value);
    return WG_OK;
}

/* No later value can be known. */
static void give_up(wg_wal *wal, const wg_error *cause) {
    wal->chain_broken = true;
    wgi_wal_poison(wal, cause);
}

/* Hashes entries before `until`: at most `commits`, and about WAL_CHAIN_STEP_BYTES. */
static wg_code hash_some(wg_wal *wal, uint64_t until, uint64_t commits, wg_error *err) {
    wal_queue *queue = &wal->queue;
    uint64_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
    uint64_t done = 0;
    for (; tail < until && commits > 0 && done < WAL_CHAIN_STEP_BYTES && !wal->chain_broken; commits--) {
        const uint64_t word = wg_load_u64le(ring_at(queue, tail));
        const uint64_t size = word >> 1;
        const bool read_back = (word & 1) != 0;
        if (read_back) {
            wg_error seen = {0};
            const wg_code code = hash_read_back(wal, size, wg_load_u64le(ring_at(queue, tail + 8)), &seen);
            if (code != WG_OK && queue->file != NULL && code != WG_E_NOMEM) give_up(wal, &seen);
            if (code != WG_OK)
                return wg_error_set_sys(err, code, seen.sys_errno, "the log cannot be read back: %.140s",
                                        seen.message);
        } else {
            const uint64_t before_end = queue->capacity - ((tail + 8) & (queue->capacity - 1));
            const size_t first = (size_t)wg_min_u64(size, before_end);
            const wg_slice parts[2] = {wg_slice_of(ring_at(queue, tail + 8), first),
                                       wg_slice_of(queue->bytes, (size_t)size - first)};
            hash_parts(wal, parts, 2);
        }
        done += size;
        tail += entry_bytes(size, read_back);
        atomic_store_explicit(&queue->tail, tail, memory_order_release);
    }
    if (wal->chain_broken) return wg_error_set(err, WG_E_IO, WG_NO_OFFSET, "the log could not be read back");
    return WG_OK;
}

wg_code wgi_wal_chain_drain(wg_wal *wal, wg_error *err) {
    const uint64_t until = atomic_load_explicit(&wal->queue.head, memory_order_acquire);
    wg_code code = WG_OK;
    /* In steps, so that an append which needs room never waits for long. */
    while (code == WG_OK && atomic_load_explicit(&wal->queue.tail, memory_order_acquire) < until) {
        wg_mutex_lock(&wal->chain_lock);
        code = hash_some(wal, until, UINT64_MAX, err);
        wg_mutex_unlock(&wal->chain_lock);
    }
    return code;
}

bool wgi_wal_chain_wanted(const wg_wal *wal) {
    return queued(wal) >= wal->queue.capacity / 2 || to_read(wal) >= WAL_CHAIN_WINDOW_BYTES;
}

/* ---- what appends do; the caller holds append_lock */

static wg_code hash_oldest(wg_wal *wal, uint64_t commits, wg_error *err) {
    const uint64_t head = atomic_load_explicit(&wal->queue.head, memory_order_relaxed);
    wg_mutex_lock(&wal->chain_lock);
    const wg_code code = hash_some(wal, head, commits, err);
    wg_mutex_unlock(&wal->chain_lock);
    return code;
}

wg_code wgi_wal_chain_room(wg_wal *wal, wal_link *link, wg_error *err) {
    enum { HELP_COMMITS = 4 }; /* for each that comes while the last quarter fills: it is empty when it is full */
    link->read_back = link->size >= WAL_CHAIN_COPY_MAX && !wal->stage.on && /* what is staged is in no file yet */
                      atomic_load_explicit(&wal->has_thread, memory_order_relaxed);
    if (link->logseq > wal->chain_reserved) {
        wg_mutex_lock(&wal->chain_lock);
        const bool ok = wgi_wal_chain_reserve(&wal->chain, link->logseq);
        wg_mutex_unlock(&wal->chain_lock);
        if (!ok) return wg_error_nomem(err, WAL_CHAIN_BLOCK * sizeof(wg_sha256));
        wal->chain_reserved = (block_of(link->logseq) + 1) * WAL_CHAIN_BLOCK;
    }
    if (queued(wal) >= wal->queue.capacity / 4 * 3 && !atomic_load_explicit(&wal->has_thread, memory_order_relaxed))
        WG_TRY(hash_oldest(wal, HELP_COMMITS, err));
    if (is_inline(link)) {
        while (queued(wal) > 0) WG_TRY(hash_oldest(wal, UINT64_MAX, err));
        return WG_OK;
    }
    const uint64_t need = entry_bytes(link->size, link->read_back);
    while (need > wal->queue.capacity - queued(wal) || to_read(wal) > WAL_CHAIN_LAG_BYTES)
        WG_TRY(hash_oldest(wal, UINT64_MAX, err));
    return WG_OK;
}

void wgi_wal_chain_queue(wg_wal *wal, const wal_link *link) {
    wal_queue *queue = &wal->queue;
    if (is_inline(link)) {
        wg_mutex_lock(&wal->chain_lock);
        WG_ASSERT(wal->chain.last + 1 == link->logseq);
        hash_parts(wal, link->parts, link->part_count);
        wg_mutex_unlock(&wal->chain_lock);
        return;
    }
    const uint64_t head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    uint64_t at = head + 8;
    wg_store_u64le(ring_at(queue, head), link->size << 1 | (link->read_back ? 1 : 0));
    if (link->read_back) {
        wg_store_u64le(ring_at(queue, at), link->position);
        const uint64_t before = atomic_load_explicit(&queue->to_read, memory_order_relaxed);
        atomic_store_explicit(&queue->to_read, before + link->size, memory_order_relaxed);
    } else {
        for (size_t i = 0; i < link->part_count; i++)
            at = ring_put(queue, at, link->parts[i].data, link->parts[i].size);
    }
    atomic_store_explicit(&queue->head, head + entry_bytes(link->size, link->read_back), memory_order_release);
}

void wgi_wal_chain_head(wg_wal *wal, wg_sha256 *out_head) {
    /* Whole commits alone are queued, so the newest of them is the one before the commit that needs the segment. */
    while (!atomic_load_explicit(&wal->has_thread, memory_order_relaxed) && queued(wal) > 0)
        if (hash_oldest(wal, UINT64_MAX, NULL) != WG_OK) break;
    memset(out_head, 0, sizeof *out_head);
    if (queued(wal) > 0) return;
    wg_mutex_lock(&wal->chain_lock);
    if (wal->chain.last == atomic_load_explicit(&wal->last_logseq, memory_order_relaxed)) *out_head = wal->chain.head;
    wg_mutex_unlock(&wal->chain_lock);
}

/* ---- entry points */

wg_code wg_wal_chain_value(wg_wal *wal, uint64_t logseq, wg_sha256 *out, wg_error *err) {
    bool known = false;
    if (logseq <= atomic_load(&wal->last_logseq)) {
        if (logseq > atomic_load_explicit(&wal->hashed_logseq, memory_order_relaxed))
            WG_TRY(wgi_wal_chain_drain(wal, err));
        wg_mutex_lock(&wal->chain_lock);
        known = wgi_wal_chain_get(&wal->chain, logseq, out);
        wg_mutex_unlock(&wal->chain_lock);
    }
    if (known) return WG_OK;
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "the log has no chain value of commit %llu",
                        (unsigned long long)logseq);
}

bool wg_wal_chain_at(wg_wal *wal, uint64_t logseq, wg_sha256 *out) {
    return wg_wal_chain_value(wal, logseq, out, NULL) == WG_OK;
}

void wg_wal_chain_forget(wg_wal *wal, uint64_t logseq) {
    (void)wgi_wal_chain_drain(wal, NULL);
    wg_mutex_lock(&wal->chain_lock);
    wgi_wal_chain_forget(&wal->chain, logseq);
    wg_mutex_unlock(&wal->chain_lock);
}
