/* The hash chain of a log: docs/format/events.md.
 *
 * Hashes are computed in order, up to the event that somebody asks for or by the background, under a mutex that no append takes: a batch
 * of events at a time, so that whoever waits for it waits for a few microseconds (or for one large payload). They are kept in
 * an array for each slot until a checkpoint has stored the slot.
 *
 * A fork goes on from its parent's hash before its base, which is asked of the parent once.
 *
 * Failure modes: WG_E_NOMEM and WG_E_CORRUPT leave the chain where it was; settling then tries again the next time. */
#include "worldgraph/events/events_internal.h"

enum { MESSAGE_MAX = 512, BATCH_BYTES = 256 * 1024, DIGESTS_FIRST = 64 };

static uint64_t slot_of(uint64_t sequence) { return sequence / WG_EVENTS_SLOT; }

/* In one piece when it is short, which is what most events are. */
void wgi_events_hash_one(const wg_sha256 *before, const wg_event *event, wg_sha256 *out) {
    uint8_t message[MESSAGE_MAX + WG_SHA256_PADDING];
    WG_ASSERT(event->type.size <= WG_EVENT_TYPE_BYTES_MAX);
    uint8_t *p = message;
    memcpy(p, before->bytes, 32);
    wg_store_u64le(p + 32, event->sequence);
    wg_store_u64le(p + 40, event->time_us);
    wg_store_u32le(p + 48, (uint32_t)event->type.size);
    p += 52;
    if (event->type.size > 0) memcpy(p, event->type.data, event->type.size);
    p += event->type.size;
    *p++ = event->value_type;
    wg_store_u64le(p, event->payload.size);
    p += 8;
    if (event->payload.size <= (size_t)(message + MESSAGE_MAX - p)) {
        if (event->payload.size > 0) memcpy(p, event->payload.data, event->payload.size);
        wg_sha256_in_place(message, (size_t)(p - message) + event->payload.size, out);
        return;
    }
    const wg_slice parts[2] = {wg_slice_of(message, (size_t)(p - message)), event->payload};
    wg_sha256_of(parts, 2, out);
}

/* ---- under chain_mutex */

/* Room for the hashes of rows [0, rows) of a slot. */
static wg_code digests_reserve(wg_events *log, uint64_t slot, uint32_t rows, wgi_digests **out, wg_error *err) {
    const uint32_t place = wgi_slot_place(log, slot);
    if (!wg_slots_reserve(&log->digests, place, log->account)) return wg_error_nomem(err, sizeof(wg_slots));
    wgi_digests *digests = wg_slots_get(&log->digests, place);
    if (digests == NULL || digests->capacity < rows) {
        uint32_t capacity = place > 0 ? WG_EVENTS_SLOT : DIGESTS_FIRST;
        while (capacity < rows) capacity *= 4;
        wgi_digests *grown = wg_realloc(log->account, digests, sizeof *grown + capacity * sizeof grown->rows[0]);
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof grown->rows[0]);
        grown->capacity = capacity;
        wg_slots_set(&log->digests, place, grown);
        digests = grown;
    }
    *out = digests;
    return WG_OK;
}

/* The known hash of an own event. */
static wg_code digest_get(const wg_events *log, uint64_t sequence, wg_sha256 *out, wg_error *err) {
    const uint64_t slot = slot_of(sequence);
    const wgi_digests *digests = wg_slots_get(&log->digests, wgi_slot_place(log, slot));
    const wgi_block *block = wgi_block_at(log, slot);
    if (block->capacity == 0) return wgi_events_stored_digest(block, (uint32_t)(sequence - block->first), out, err);
    WG_ASSERT(digests != NULL);
    *out = digests->rows[sequence - wgi_slot_start(log, slot)];
    return WG_OK;
}

static wg_code head_know(wg_events *log, uint64_t hashed, wg_error *err) {
    if (log->head_known) return WG_OK;
    if (hashed == log->base) log->head = log->start;
    else WG_TRY(digest_get(log, hashed - 1, &log->head, err));
    log->head_known = true;
    return WG_OK;
}

#ifdef WG_LAYER_TIMING
static _Atomic uint64_t timed_hashes, timed_ticks;

static uint64_t ticks_now(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return wg_platform_real()->ops->now_ns(wg_platform_real());
#endif
}

static void hash_one(wg_sha256 *head, const wg_event *event, wg_sha256 *out) {
    const uint64_t begin = ticks_now();
    wgi_events_hash_one(head, event, out);
    atomic_fetch_add_explicit(&timed_ticks, ticks_now() - begin, memory_order_relaxed);
    atomic_fetch_add_explicit(&timed_hashes, 1, memory_order_relaxed);
}

void wg_events_hash_timing(uint64_t *out_count, uint64_t *out_ticks) {
    *out_count = atomic_load(&timed_hashes);
    *out_ticks = atomic_load(&timed_ticks);
}
#else
#define hash_one wgi_events_hash_one
void wg_events_hash_timing(uint64_t *out_count, uint64_t *out_ticks) { *out_count = *out_ticks = 0; }
#endif

/* One batch up to `end`. */
static wg_code batch_compute(wg_events *log, uint64_t end, bool *out_done, wg_error *err) {
    uint64_t at = atomic_load_explicit(&log->hashed, memory_order_relaxed);
    const uint64_t wanted = wg_min_u64(end, wgi_events_length(log));
    *out_done = at >= wanted;
    if (*out_done) return WG_OK;
    WG_TRY(head_know(log, at, err));
    const uint64_t start = wgi_slot_start(log, slot_of(at));
    end = wg_min_u64(wg_min_u64(wanted, at + WGI_EVENTS_BATCH), (slot_of(at) + 1) * WG_EVENTS_SLOT);
    wgi_digests *digests;
    WG_TRY(digests_reserve(log, slot_of(at), (uint32_t)(end - start), &digests, err));
    for (size_t bytes = 0; at < end && bytes < BATCH_BYTES; at++) {
        wg_event event;
        WG_TRY(wgi_events_own_event(log, at, &event, err));
        hash_one(&log->head, &event, &digests->rows[at - start]);
        log->head = digests->rows[at - start];
        bytes += event.payload.size;
        atomic_store_explicit(&log->hashed, at + 1, memory_order_relaxed); /* order comes from the mutex */
    }
    *out_done = at >= wanted;
    return WG_OK;
}

wg_code wgi_events_digests_thaw(wg_events *log, const wgi_block *from, uint32_t rows, wg_error *err) {
    wgi_digests *digests = NULL;
    wg_mutex_lock(&log->chain_mutex);
    wg_code code = digests_reserve(log, slot_of(from->first), rows, &digests, err);
    for (uint32_t i = 0; i < rows && code == WG_OK; i++)
        code = wgi_events_stored_digest(from, i, &digests->rows[i], err);
    wg_mutex_unlock(&log->chain_mutex);
    return code;
}

void wgi_events_digests_drop(wg_events *log, uint64_t slot) {
    const uint32_t place = wgi_slot_place(log, slot);
    wg_mutex_lock(&log->chain_mutex);
    void *digests = wg_slots_get(&log->digests, place);
    if (digests != NULL) {
        wg_slots_set(&log->digests, place, NULL);
        wg_free(digests);
    }
    wg_mutex_unlock(&log->chain_mutex);
}

wg_code wgi_events_digests_known(wg_events *log, uint64_t from, uint32_t n, wg_sha256 *out, uint32_t *out_n,
                                 wg_error *err) {
    wg_code code = WG_OK;
    uint32_t got = 0;
    wg_mutex_lock(&log->chain_mutex);
    const uint64_t hashed = atomic_load_explicit(&log->hashed, memory_order_relaxed);
    while (code == WG_OK && got < n && from + got < hashed) {
        code = digest_get(log, from + got, &out[got], err);
        if (code == WG_OK) got++;
    }
    wg_mutex_unlock(&log->chain_mutex);
    *out_n = got;
    return code;
}

/* ---- entry points */

/* Computes up to `end` and gives the hash of `end - 1`. */
static wg_code own_hash(wg_events *log, uint64_t end, wg_sha256 *out, wg_error *err) {
    WG_ASSERT(end > log->base);
    for (;;) {
        const uint32_t reader = wg_epoch_enter(log->epoch);
        wg_mutex_lock(&log->chain_mutex);
        bool done = false;
        wg_code code = batch_compute(log, end, &done, err);
        if (code == WG_OK && done && out != NULL) code = digest_get(log, end - 1, out, err);
        wg_mutex_unlock(&log->chain_mutex);
        wg_epoch_leave(log->epoch, reader);
        if (code != WG_OK || done) return code;
    }
}

static bool start_is_known(const wg_events *log) {
    return atomic_load_explicit(&log->start_known, memory_order_acquire); /* pairs with start_know */
}

/* Forks of forks: each turn gives one log its start, the nearest to one that has it first. */
static wg_code start_know(wg_events *events, wg_error *err) {
    while (!start_is_known(events)) {
        wg_events *log = events;
        wg_events *owner = log->parent;
        for (;;) {
            while (owner->base >= log->base) owner = owner->parent; /* it has the event before */
            if (start_is_known(owner)) break;
            log = owner;
            owner = log->parent;
        }
        wg_sha256 start;
        WG_TRY(own_hash(owner, log->base, &start, err));
        wg_mutex_lock(&log->chain_mutex);
        log->start = start;
        atomic_store_explicit(&log->start_known, true, memory_order_release);
        wg_mutex_unlock(&log->chain_mutex);
    }
    return WG_OK;
}

wg_code wg_events_hash(wg_events *events, uint64_t sequence, wg_sha256 *out, wg_error *err) {
    WG_ASSERT(sequence < wgi_events_length(events));
    wg_events *owner = events;
    while (sequence < owner->base) owner = owner->parent;
    WG_TRY(start_know(owner, err));
    return own_hash(owner, sequence + 1, out, err);
}
