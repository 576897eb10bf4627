/* worldgraph/lanes: where commits of agents' state wait for the log. Each session has a lane: a ring of redo bytes that only it writes.
 *
 * A commit enters its lane, takes its locks, and goes on unless the lanes are stopped; at its end it publishes its record and leaves. A cut
 * stops the lanes until no commit is under way (a commit takes about 100 ns), notes where each lane ends, and lets them go on. So a cut is a
 * state that existed between commits: whatever a commit saw is in the same cut or an earlier one. The bytes of a cut, lane after lane,
 * are the payload of one commit of the log; replay sorts them by (run, version).
 *
 * Why no commit slips through: a commit stores `in_commit` and then loads `stopped`; a cut stores `stopped` and then loads `in_commit`. If a full
 * barrier stands between store and load on both sides, one of the two sees the other. On x86 the commit's barrier is the locked instruction that
 * takes its first lock, which therefore has to stand between wg_lane_enter and wg_lane_is_stopped; elsewhere the store is sequentially
 * consistent itself.
 *
 * Rings may lie in a memory file (options.ring_dir, "/dev/shm"): they outlive a killed process, and the next open takes what they
 * hold behind the log's end (docs/format/ring.md). */
#ifndef WG_WORLDGRAPH_LANES_H
#define WG_WORLDGRAPH_LANES_H

#include "io/platform/platform.h"

enum { WG_LANES_MAX = 1024, WG_LANES_WIDE = 64, WG_LANE_RING_BYTES_DEFAULT = 1 << 20, WG_LANE_RING_BYTES_MIN = 4096 };

/* ThreadSanitizer knows the language's rules only, not the processor's. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WG_LANE_LOCK_IS_FENCE 0
#endif
#endif
#ifndef WG_LANE_LOCK_IS_FENCE
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define WG_LANE_LOCK_IS_FENCE 1
#else
#define WG_LANE_LOCK_IS_FENCE 0
#endif
#endif

typedef struct wg_lanes wg_lanes;
typedef struct wg_lane wg_lane;

typedef struct wg_lanes_options {
    wg_platform *platform;
    wg_account *account;
    bool has_rings;      /* false: IN_MEMORY, no redo is kept */
    uint64_t ring_bytes; /* a power of two; 0: default; lanes from WG_LANES_WIDE on have a quarter of it */
    /* Called by wg_lane_reserve, outside of a commit, when the ring is full: makes room (drains into the log) or fails. */
    wg_code (*drain)(void *ctx, wg_error *err);
    void *ctx;
} wg_lanes_options;

wg_code wg_lanes_create(const wg_lanes_options *options, wg_lanes **out, wg_error *err);
/* Rings of lanes that are opened from now on lie in files (none is open yet), whose directory etc. are copied. */
struct wg_rings_source;
wg_code wg_lanes_use_files(wg_lanes *lanes, const struct wg_rings_source *source, wg_error *err);
void wg_lanes_destroy(wg_lanes *lanes); /* all lanes are closed; ring files stay if the log lacks anything of them */

/* A closed lane's bytes stay until they are drained; its place is used again. WG_E_LIMIT over WG_LANES_MAX open ones. Threads: any. */
wg_code wg_lane_open(wg_lanes *lanes, wg_lane **out, wg_error *err);
void wg_lane_close(wg_lane *lane);

/* ---- one commit; one thread at a time uses a lane */

/* Fields are the module's own; they stand here for the inline calls. Where rings lie in files, so does this: end, pad and drained are
 * what the next open reads (docs/format/ring.md). */
struct wg_lane {
    wg_lanes *lanes;
    uint8_t *ring; /* NULL: no redo is kept */
    uint64_t ring_bytes;
    uint64_t tail; /* owner: bytes ever put into the ring, padding included */
    const _Atomic uint32_t *stopped;
    uint64_t time_us; /* owner: what the last TIME record of this lane said; 0 after a drain */
    uint64_t free_to; /* owner: the tail may reach this without a look at `drained` */
    uint32_t number;
    bool open;
    _Alignas(64) _Atomic uint32_t in_commit; /* owner writes; a cut reads */
    _Atomic uint64_t end;                    /* owner: published; release, pairs with the acquire of a cut */
    _Atomic uint64_t pad;                    /* owner: where the padding before the newest wrap begins */
    _Alignas(64) _Atomic uint64_t drained;   /* a cut's end: bytes before it are free again */
    _Atomic uint64_t durable;                /* bytes before it are on stable storage */
    _Atomic uint64_t cut_end;    /* a drain under way: the log's commit `cut_logseq` has the bytes before it */
    _Atomic uint64_t cut_logseq; /* 0: none is under way */
};

wg_code wgi_lane_make_room(wg_lane *lane, size_t bytes, wg_error *err);

/* Contiguous room for a record of at most `bytes` (up to a quarter of the ring: WG_E_LIMIT above; the caller then commits through
 * the engine). Without rings *out is NULL. Waits for room by draining. Not inside a commit. */
static inline wg_code wg_lane_reserve(wg_lane *lane, size_t bytes, uint8_t **out, wg_error *err) {
    *out = NULL;
    if (lane->ring == NULL) return WG_OK;
    uint64_t at = lane->tail & (lane->ring_bytes - 1);
    if (bytes > lane->ring_bytes - at || bytes > lane->free_to - lane->tail || bytes > lane->ring_bytes / 4) {
        WG_TRY(wgi_lane_make_room(lane, bytes, err));
        at = lane->tail & (lane->ring_bytes - 1);
    }
    *out = lane->ring + at;
    return WG_OK;
}
/* The most that wg_lane_reserve gives. */
static inline uint64_t wg_lane_record_bytes_max(const wg_lane *lane) {
    return lane->ring == NULL ? UINT64_MAX : lane->ring_bytes / 4;
}

static inline void wg_lane_enter(wg_lane *lane) {
#if WG_LANE_LOCK_IS_FENCE
    atomic_store_explicit(&lane->in_commit, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* the lock that comes next is a full barrier */
#else
    atomic_store_explicit(&lane->in_commit, 1, memory_order_seq_cst);
#endif
}
/* With the first lock taken: true when the commit has to give its locks back, leave, wg_lane_wait, and begin again. */
static inline bool wg_lane_is_stopped(const wg_lane *lane) {
    return atomic_load_explicit(lane->stopped, memory_order_seq_cst) != 0;
}
/* The record, of which `bytes` were written at the place that was reserved, counts from now on. Before the locks are given back, and before readers
 * without locks can see the commit: a kill of the process may come behind what they commit and before this. */
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

/* ---- cuts; one at a time (who has the engine's log end) */

/* From its return to wg_lanes_go no commit is under way and none begins. */
void wg_lanes_stop(wg_lanes *lanes);
void wg_lanes_go(wg_lanes *lanes);

typedef struct wg_lane_span {
    wg_lane *lane;
    uint64_t end;       /* of the lane at the cut */
    wg_slice pieces[2]; /* whole records, padding left out; valid until wg_lanes_drained */
} wg_lane_span;
/* Between stop and go: fills spans[WG_LANES_MAX] with the lanes that have something; returns how many, and bytes in all. Until the spans are
 * drained or given up the next cut must not come. `logseq`: the commit of the log that the caller makes of them. Without rings the pieces are
 * empty. */
uint32_t wg_lanes_cut(wg_lanes *lanes, uint64_t logseq, wg_lane_span *spans, uint64_t *out_bytes);
/* The spans are in the log: their room is free. */
void wg_lanes_drained(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count);
/* The log refused them: they stay where they are. Before anything else is appended to the log. */
void wg_lanes_give_up(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count);
/* They are on stable storage: tickets up to their ends are fulfilled. */
void wg_lanes_durable(wg_lanes *lanes, const wg_lane_span *spans, uint32_t count);
/* Between drains: fills spans[WG_LANES_MAX] with the lanes that have drained bytes which are not known to be durable; no pieces. */
uint32_t wg_lanes_undurable(const wg_lanes *lanes, wg_lane_span *spans);
/* Bytes that wait for a drain, now and roughly. */
uint64_t wg_lanes_pending(const wg_lanes *lanes);
/* Lanes that are open. */
uint32_t wg_lanes_open_count(const wg_lanes *lanes);
/* Everything that was published outlives the process. False: no ring_dir, or it gave no room (then none does). */
bool wg_lanes_outlive(const wg_lanes *lanes);
/* The log took harm: what the rings hold must not be appended to it by the next open. */
void wg_lanes_forget_rings(wg_lanes *lanes);

/* ---- rings of a killed process */

/* What the rings of one opening held beyond the log. */
typedef struct wg_rings wg_rings;
typedef struct wg_rings_source {
    wg_platform *platform;
    const char *ring_dir;
    uint8_t store_uuid[16];
    uint8_t ring_id[16];
    uint64_t logseq; /* the log's newest commit */
    wg_account *account;
} wg_rings_source;
/* Before wg_lanes_create at open, with the lock of the workspace held. *out: NULL when there is nothing. WG_E_CORRUPT names a damaged file.
 * A ring that goes on behind a newer log than this one is left alone: WG_E_CORRUPT too, because acknowledged commits would be lost. */
wg_code wg_rings_open(const wg_rings_source *source, wg_rings **out, wg_error *err);
/* The undrained whole records, lane after lane: the caller checks what they mean, and appends them as commit `logseq` + 1. */
uint32_t wg_rings_pieces(const wg_rings *rings, const wg_slice **out);
/* The log has them now, or will not take them: `remove` removes the files, which a failure leaves for the next open. */
void wg_rings_close(wg_rings *rings, bool remove);

#endif
