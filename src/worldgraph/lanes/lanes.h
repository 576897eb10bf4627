/* worldgraph/lanes: where commits of agents' state wait for the log. Each session has a lane: a ring of redo bytes that only it writes.
 *
 * A commit enters its lane, takes its locks, and goes on unless the lanes are stopped; at its end it publishes its record and leaves. A cut
 * stops the lanes until no commit is under way (a commit takes about 100 ns), notes where each lane ends, and lets them go on. So a cut is a
 * state that existed between commits: whatever a commit saw is in the same cut or an earlier one. The bytes of a cut, lane after lane,
 * are the payload of one commit of the log; replay sorts them by (run, version).
 *
 * On x86 the store of `in_commit` is ordered before the load of `stopped` by the locked instruction that takes the commit's first lock;
 * elsewhere wg_lane_enter has a fence.
 *
 * Rings may lie in a memory file (options.ring_dir, "/dev/shm"): they outlive a killed process, and the next open takes what they
 * hold behind the log's end (docs/format/ring.md). */
#ifndef WG_WORLDGRAPH_LANES_H
#define WG_WORLDGRAPH_LANES_H

#include "io/platform/platform.h"

enum { WG_LANES_MAX = 1024, WG_LANE_RING_BYTES_DEFAULT = 4 << 20 };

typedef struct wg_lanes wg_lanes;
typedef struct wg_lane wg_lane;

typedef struct wg_lanes_options {
    wg_platform *platform;
    wg_account *account;
    bool has_rings;       /* false: IN_MEMORY, no redo is kept */
    uint64_t ring_bytes;  /* a power of two; 0: default */
    const char *ring_dir; /* NULL: anonymous memory */
    uint8_t store_uuid[16];
    /* Called by wg_lane_reserve, outside of a commit, when the ring is full: makes room (drains into the log) or fails. */
    wg_code (*drain)(void *ctx, wg_error *err);
    void *ctx;
} wg_lanes_options;

wg_code wg_lanes_create(const wg_lanes_options *options, wg_lanes **out, wg_error *err);
void wg_lanes_destroy(wg_lanes *lanes); /* all lanes are closed; removes ring files */

/* A closed lane's bytes stay until they are drained; its place is used again. WG_E_LIMIT over WG_LANES_MAX open ones. Threads: any. */
wg_code wg_lane_open(wg_lanes *lanes, wg_lane **out, wg_error *err);
void wg_lane_close(wg_lane *lane);

/* ---- one commit; one thread at a time uses a lane */

/* Fields are the module's own; they stand here for the inline calls. */
struct wg_lane {
    wg_lanes *lanes;
    uint8_t *ring; /* NULL: no redo is kept */
    uint64_t ring_bytes;
    uint64_t tail; /* owner: bytes ever put into the ring, padding included */
    const _Atomic uint32_t *stopped;
    uint64_t time_us; /* owner: what the last TIME record of this lane said; 0 after a drain */
    uint32_t number;
    bool open;
    _Alignas(64) _Atomic uint32_t in_commit; /* owner writes; a cut reads */
    _Atomic uint64_t end;                    /* owner: published; release, pairs with the acquire of a cut */
    _Alignas(64) _Atomic uint64_t drained;   /* a cut's end: bytes before it are free again */
    _Atomic uint64_t durable;                /* bytes before it are on stable storage */
};

/* Contiguous room for a record of at most `bytes` (up to a quarter of the ring: WG_E_LIMIT above; the caller then commits through
 * the engine). Without rings *out is NULL. Waits for room by draining. Not inside a commit. */
wg_code wg_lane_reserve(wg_lane *lane, size_t bytes, uint8_t **out, wg_error *err);

static inline void wg_lane_enter(wg_lane *lane) {
    atomic_store_explicit(&lane->in_commit, 1, memory_order_relaxed);
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    atomic_signal_fence(memory_order_seq_cst); /* the lock that comes next is a full barrier */
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}
/* With the first lock taken: true when the commit has to give its locks back, leave, wg_lane_wait, and begin again. */
static inline bool wg_lane_is_stopped(const wg_lane *lane) {
    return atomic_load_explicit(lane->stopped, memory_order_seq_cst) != 0;
}
/* The record, of which `bytes` were written at the place that was reserved, counts from now on. Before the locks are given back. */
static inline void wg_lane_publish(wg_lane *lane, size_t bytes) {
    lane->tail += bytes;
    atomic_store_explicit(&lane->end, lane->tail, memory_order_release);
}
static inline void wg_lane_leave(wg_lane *lane) { atomic_store_explicit(&lane->in_commit, 0, memory_order_release); }
void wg_lane_wait(wg_lane *lane); /* until the lanes go on */

/* The ticket of everything that this lane has published: durable once wg_lane_durable reaches it. */
static inline uint64_t wg_lane_ticket(const wg_lane *lane) { return lane->tail; }
static inline uint64_t wg_lane_durable(const wg_lane *lane) {
    return atomic_load_explicit(&lane->durable, memory_order_acquire);
}

/* ---- cuts; one at a time (the engine's log mutex) */

/* From its return to wg_lanes_go no commit is under way and none begins. */
void wg_lanes_stop(wg_lanes *lanes);
void wg_lanes_go(wg_lanes *lanes);

typedef struct wg_lane_span {
    wg_lane *lane;
    uint64_t end;       /* of the lane at the cut */
    wg_slice pieces[2]; /* whole records, padding left out; valid until wg_lanes_drained */
} wg_lane_span;
/* Between stop and go: fills spans[WG_LANES_MAX] with the lanes that have something; returns how many, and bytes in all. */
uint32_t wg_lanes_cut(wg_lanes *lanes, wg_lane_span *spans, uint64_t *out_bytes);
/* The spans are in the log: their room is free. */
void wg_lanes_drained(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count);
/* They are on stable storage: tickets up to their ends are fulfilled. */
void wg_lanes_durable(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count);
/* Bytes that wait for a drain, now and roughly. */
uint64_t wg_lanes_pending(const wg_lanes *lanes);

/* ---- rings of a killed process */

/* Before wg_lanes_create at open, with the lock of the workspace held: calls fn with the undrained whole records of each ring file of this
 * store whose log stood at (logseq, chain) when they were written; then removes the files. Others of this store are removed. */
typedef wg_code (*wg_ring_fn)(void *ctx, wg_slice records, wg_error *err);
wg_code wg_rings_recover(wg_platform *platform, const char *ring_dir, const uint8_t store_uuid[16], uint64_t logseq,
                         const uint8_t chain[32], wg_ring_fn fn, void *ctx, wg_error *err);
/* Every ring notes that its undrained bytes follow commit `logseq`, whose chain value is `chain`; part of each drain. */
void wg_rings_mark(wg_lanes *lanes, uint64_t logseq, const uint8_t chain[32]);

#endif
