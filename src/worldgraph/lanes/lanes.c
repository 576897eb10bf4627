/* Lanes in memory: rings, stops and cuts. See lanes.h.
 *
 * A ring is addressed by positions that only rise: byte p lies at p modulo its size. The owner moves `tail`, and with wg_lane_publish
 * `end`; a drain moves `drained`: drained <= end <= tail <= drained + size. A record is contiguous: when it does not fit before the ring's
 * end, the owner notes in `pad` where it stopped and goes on at the ring's beginning. One such note is enough: the owner can only reach the
 * next wrap when the bytes before the last one are drained, and then nobody asks for that note any more.
 *
 * A stop waits for commits under way, which take about 100 ns: it spins, and gives the processor away when a commit's thread has lost it.
 *
 * Failure: WG_E_LIMIT for too many lanes or too large a record, WG_E_NOMEM; lanes stay as they are. When ring files cannot be had
 * (unsupported, no room), all lanes are in anonymous memory from then on, and nothing outlives the process: half of the rings
 * would bring back effects without their causes. */
#include "worldgraph/lanes/lanes_internal.h"

enum { SPINS_MAX = 200 };

static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

wg_code wg_lanes_create(const wg_lanes_options *options, wg_lanes **out, wg_error *err) {
    WG_ASSERT(options->ring_bytes == 0 || (options->ring_bytes & (options->ring_bytes - 1)) == 0);
    WG_ASSERT(options->ring_bytes == 0 || options->ring_bytes >= WG_LANE_RING_BYTES_MIN);
    wg_lanes *lanes = wg_alloc_zero(options->account, sizeof *lanes);
    if (lanes == NULL) return wg_error_nomem(err, sizeof *lanes);
    lanes->options = *options;
    if (options->ring_bytes == 0) lanes->options.ring_bytes = WG_LANE_RING_BYTES_DEFAULT;
    wg_mutex_init(&lanes->mutex, WG_RANK_LANES);
    wg_cond_init(&lanes->gone);
    *out = lanes;
    return WG_OK;
}

wg_code wg_lanes_use_files(wg_lanes *lanes, const wg_rings_source *source, wg_error *err) {
    WG_ASSERT(lanes->options.has_rings);
    WG_ASSERT(atomic_load_explicit(&lanes->count, memory_order_relaxed) == 0);
    const size_t size = strlen(source->ring_dir) + 1;
    char *dir = wg_alloc(lanes->options.account, size);
    if (dir == NULL) return wg_error_nomem(err, size);
    memcpy(dir, source->ring_dir, size);
    wg_free(lanes->ring_dir);
    lanes->ring_dir = dir;
    lanes->files = *source;
    lanes->files.ring_dir = dir;
    atomic_store_explicit(&lanes->outlives, true, memory_order_relaxed);
    return WG_OK;
}

static void place_end(const wg_lanes *lanes, lane_place *place, bool keep) {
    if (place->map != NULL) wgi_ring_end(lanes, place, keep);
    else if (place->lane != NULL) {
        wg_free(place->lane->ring);
        wg_free(place->lane);
    }
}

void wg_lanes_destroy(wg_lanes *lanes) {
    if (lanes == NULL) return;
    const uint32_t count = atomic_load_explicit(&lanes->count, memory_order_relaxed);
    WG_ASSERT(lanes->free_count == count); /* a lane is open */
    bool keep = false;                     /* all or none: files without a hole in their numbers */
    for (uint32_t i = 0; i < count; i++) keep |= wgi_ring_is_wanted(&lanes->places[i]);
    for (uint32_t i = count; i > 0; i--) place_end(lanes, &lanes->places[i - 1], keep);
    wg_cond_deinit(&lanes->gone);
    wg_mutex_deinit(&lanes->mutex);
    wg_free(lanes->ring_dir);
    wg_free(lanes);
}

/* ---- opening and closing */

static wg_code make_anonymous(const wg_lanes *lanes, uint32_t number, lane_place *out, wg_error *err) {
    wg_lane *lane = wg_alloc_zero(lanes->options.account, sizeof *lane);
    if (lane == NULL) return wg_error_nomem(err, sizeof *lane);
    if (lanes->options.has_rings) {
        lane->ring_bytes = wgi_lanes_ring_bytes(lanes, number);
        lane->ring = wg_alloc(lanes->options.account, lane->ring_bytes);
        if (lane->ring == NULL) {
            const size_t bytes = lane->ring_bytes;
            wg_free(lane);
            return wg_error_nomem(err, bytes);
        }
        memset(lane->ring, 0, lane->ring_bytes); /* all pages now: no commit waits for the system */
    }
    *out = (lane_place){.lane = lane};
    return WG_OK;
}

static void outlive_no_more(wg_lanes *lanes) {
    atomic_store_explicit(&lanes->outlives, false, memory_order_relaxed);
    const uint32_t count = atomic_load_explicit(&lanes->count, memory_order_relaxed);
    for (uint32_t i = 0; i < count; i++)
        if (lanes->places[i].map != NULL)
            atomic_store_explicit(&lanes->places[i].map->valid, 0, memory_order_release);
}

void wg_lanes_forget_rings(wg_lanes *lanes) {
    wg_mutex_lock(&lanes->mutex);
    outlive_no_more(lanes);
    wg_mutex_unlock(&lanes->mutex);
}

static wg_code lane_make(wg_lanes *lanes, wg_lane **out, wg_error *err) {
    const uint32_t number = atomic_load_explicit(&lanes->count, memory_order_relaxed);
    if (number == WG_LANES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "more than %d sessions are open: close some of them",
                            (int)WG_LANES_MAX);
    lane_place *place = &lanes->places[number];
    bool made = false;
    if (atomic_load_explicit(&lanes->outlives, memory_order_relaxed)) {
        made = wgi_ring_make(lanes, number, place, NULL) == WG_OK;
        if (!made) outlive_no_more(lanes);
    }
    if (!made) WG_TRY(make_anonymous(lanes, number, place, err));
    place->lane->lanes = lanes;
    place->lane->number = number;
    place->lane->stopped = &lanes->stopped;
    place->lane->free_to = place->lane->ring_bytes;
    /* Sequentially consistent, as the lock of its first commit will be: either a stop counts the lane, or the lane sees the stop. */
    atomic_store(&lanes->count, number + 1);
    *out = place->lane;
    return WG_OK;
}

wg_code wg_lane_open(wg_lanes *lanes, wg_lane **out, wg_error *err) {
    wg_code code = WG_OK;
    wg_lane *lane = NULL;
    wg_mutex_lock(&lanes->mutex);
    if (lanes->free_count > 0) lane = lanes->places[lanes->free_lanes[--lanes->free_count]].lane;
    else code = lane_make(lanes, &lane, err);
    if (code == WG_OK) lane->open = true;
    wg_mutex_unlock(&lanes->mutex);
    if (code == WG_OK) *out = lane;
    return code;
}

void wg_lane_close(wg_lane *lane) {
    if (lane == NULL) return;
    wg_lanes *lanes = lane->lanes;
    WG_ASSERT(atomic_load_explicit(&lane->in_commit, memory_order_relaxed) == 0);
    wg_mutex_lock(&lanes->mutex);
    WG_ASSERT(lane->open);
    lane->open = false;
    lanes->free_lanes[lanes->free_count++] = lane->number;
    wg_mutex_unlock(&lanes->mutex);
}

uint32_t wg_lanes_open_count(const wg_lanes *lanes) {
    wg_mutex *mutex = (wg_mutex *)(uintptr_t)&lanes->mutex;
    wg_mutex_lock(mutex);
    const uint32_t count = atomic_load_explicit(&lanes->count, memory_order_relaxed) - lanes->free_count;
    wg_mutex_unlock(mutex);
    return count;
}

bool wg_lanes_outlive(const wg_lanes *lanes) { return atomic_load_explicit(&lanes->outlives, memory_order_relaxed); }

/* ---- the owner's side */

wg_code wgi_lane_make_room(wg_lane *lane, size_t bytes, wg_error *err) {
    WG_ASSERT(atomic_load_explicit(&lane->in_commit, memory_order_relaxed) == 0);
    if (bytes > lane->ring_bytes / 4)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a commit of %zu bytes is over a quarter of its ring",
                            bytes);
    const uint64_t to_end = lane->ring_bytes - (lane->tail & (lane->ring_bytes - 1));
    const uint64_t skip = bytes > to_end ? to_end : 0;
    for (;;) {
        /* acquire; pairs with wg_lanes_drained: the log has what is overwritten */
        lane->free_to = atomic_load_explicit(&lane->drained, memory_order_acquire) + lane->ring_bytes;
        if (skip + bytes <= lane->free_to - lane->tail) break;
        WG_TRY(lane->lanes->options.drain(lane->lanes->options.ctx, err));
    }
    if (skip != 0) {
        atomic_store_explicit(&lane->pad, lane->tail, memory_order_relaxed); /* the release of `end` follows */
        lane->tail += skip;
    }
    return WG_OK;
}

void wg_lane_wait(wg_lane *lane) {
    wg_lanes *lanes = lane->lanes;
    WG_ASSERT(atomic_load_explicit(&lane->in_commit, memory_order_relaxed) == 0);
    for (int i = 0; i < SPINS_MAX; i++) {
        if (!wg_lane_is_stopped(lane)) return;
        cpu_relax();
    }
    /* Counted before the look at `stopped`; wg_lanes_go clears that before it looks at the count. */
    atomic_fetch_add(&lanes->waiters, 1);
    wg_mutex_lock(&lanes->mutex);
    while (wg_lane_is_stopped(lane)) wg_cond_wait(&lanes->gone, &lanes->mutex);
    wg_mutex_unlock(&lanes->mutex);
    atomic_fetch_sub(&lanes->waiters, 1);
}

/* ---- cuts */

void wg_lanes_stop(wg_lanes *lanes) {
    const uint32_t before = atomic_exchange(&lanes->stopped, 1);
    WG_ASSERT(before == 0); /* one cut at a time */
    const uint32_t count = atomic_load(&lanes->count);
    for (uint32_t i = 0; i < count; i++) {
        const wg_lane *lane = lanes->places[i].lane;
        /* acquire, and more: pairs with the release of wg_lane_leave */
        for (uint32_t spins = 0; atomic_load(&lane->in_commit) != 0; spins++) {
            if (spins < SPINS_MAX) cpu_relax();
            else wg_thread_yield();
        }
    }
}

void wg_lanes_go(wg_lanes *lanes) {
    const uint32_t before = atomic_exchange(&lanes->stopped, 0);
    WG_ASSERT(before == 1);
    if (atomic_load(&lanes->waiters) == 0) return;
    wg_mutex_lock(&lanes->mutex);
    wg_cond_broadcast(&lanes->gone);
    wg_mutex_unlock(&lanes->mutex);
}

void wgi_ring_pieces(const wg_lane *lane, const uint8_t *ring, uint64_t begin, uint64_t end, wg_slice pieces[2]) {
    const uint64_t mask = lane->ring_bytes - 1;
    const uint64_t wrap = (begin + mask) & ~mask; /* the first ring beginning at or behind `begin` */
    WG_ASSERT(end >= begin && end - begin <= lane->ring_bytes);
    pieces[0] = wg_slice_of(ring + (begin & mask), (size_t)(end - begin));
    pieces[1] = wg_slice_of(ring, 0);
    if (end <= wrap || begin == wrap) return;
    const uint64_t pad = atomic_load_explicit(&lane->pad, memory_order_relaxed);
    /* A ring that was filled to its last byte has no padding: its note is that of an earlier wrap. */
    const bool padded = pad >= begin && pad < wrap;
    pieces[0].size = (size_t)((padded ? pad : wrap) - begin);
    pieces[1].size = (size_t)(end - wrap);
}

uint32_t wg_lanes_cut(wg_lanes *lanes, uint64_t logseq, wg_lane_span *spans, uint64_t *out_bytes) {
    WG_ASSERT(atomic_load(&lanes->stopped) == 1);
    const uint32_t count = atomic_load(&lanes->count);
    uint32_t found = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        wg_lane *lane = lanes->places[i].lane;
        const uint64_t end = atomic_load_explicit(&lane->end, memory_order_acquire);
        const uint64_t begin = atomic_load_explicit(&lane->drained, memory_order_relaxed);
        if (end == begin) continue;
        wg_lane_span *span = &spans[found++];
        *span = (wg_lane_span){.lane = lane, .end = end};
        if (lane->ring != NULL) wgi_ring_pieces(lane, lane->ring, begin, end, span->pieces);
        bytes += span->pieces[0].size + span->pieces[1].size;
        lane->time_us = 0; /* the owner is not in a commit, and will see that the lanes went on */
        atomic_store_explicit(&lane->cut_end, end, memory_order_relaxed);
        atomic_store_explicit(&lane->cut_logseq, logseq, memory_order_release);
    }
    *out_bytes = bytes;
    return found;
}

void wg_lanes_drained(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count) {
    (void)lanes;
    for (uint32_t i = 0; i < count; i++) {
        wg_lane *lane = spans[i].lane;
        WG_ASSERT(spans[i].end >= atomic_load_explicit(&lane->drained, memory_order_relaxed));
        atomic_store_explicit(&lane->drained, spans[i].end, memory_order_release);
        atomic_store_explicit(&lane->cut_logseq, 0, memory_order_release);
    }
}

void wg_lanes_give_up(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count) {
    (void)lanes;
    for (uint32_t i = 0; i < count; i++) atomic_store_explicit(&spans[i].lane->cut_logseq, 0, memory_order_release);
}

void wg_lanes_durable(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count) {
    (void)lanes;
    for (uint32_t i = 0; i < count; i++) {
        _Atomic uint64_t *durable = &spans[i].lane->durable;
        uint64_t now = atomic_load_explicit(durable, memory_order_relaxed);
        while (now < spans[i].end && !atomic_compare_exchange_weak_explicit(
                                         durable, &now, spans[i].end, memory_order_release, memory_order_relaxed)) {}
    }
}

uint32_t wg_lanes_undurable(const wg_lanes *lanes, wg_lane_span *spans) {
    const uint32_t count = atomic_load(&lanes->count);
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        wg_lane *lane = lanes->places[i].lane;
        const uint64_t end = atomic_load_explicit(&lane->drained, memory_order_relaxed);
        if (atomic_load_explicit(&lane->durable, memory_order_relaxed) < end)
            spans[found++] = (wg_lane_span){.lane = lane, .end = end};
    }
    return found;
}

uint64_t wg_lanes_pending(const wg_lanes *lanes) {
    const uint32_t count = atomic_load(&lanes->count);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const wg_lane *lane = lanes->places[i].lane;
        const uint64_t drained = atomic_load_explicit(&lane->drained, memory_order_relaxed); /* first: never passes */
        bytes += atomic_load_explicit(&lane->end, memory_order_relaxed) - drained;
    }
    return bytes;
}
