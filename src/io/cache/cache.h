/* io/cache: the Memory Governor: which fragment lives in which tier, within the operator's budgets.
 *
 * Six tiers and nine residency classes; seven hard caps (the three remote classes share one). An entry is one fragment. It
 * is charged to the cap of its class before its bytes are touched (admission); when a cap would be passed, colder entries
 * are demoted first, in this order: inside a cap the coldest heat first, ties by age; L1 hot before L1 warm is touched; pinned
 * never. When that does not make room the admission is refused with WG_E_CAPACITY: never over a cap, never a stall.
 *
 * Heat: h = h/2 for each half-life (a fixed number of touches of the whole cache, not time, so that tests are exact) plus
 * one for each touch. Hysteresis: an entry is promoted above WG_HEAT_PROMOTE and demoted for coldness only below
 * WG_HEAT_DEMOTE. Every transition is counted, and kept in a ring that can be read (trace).
 *
 * Threads: any. wg_cache_touch of a resident entry takes no lock. Rank WG_RANK_GOVERNOR is held during `evict` callbacks,
 * which therefore must not call the cache. */
#ifndef WG_IO_CACHE_H
#define WG_IO_CACHE_H

#include "io/platform/platform.h"

typedef enum wg_residency {
    WG_L0_GPU_RESIDENT,
    WG_L1_CPU_PINNED,
    WG_L1_CPU_HOT,   /* heap: decoded or not yet in a stripe */
    WG_L1_CPU_WARM,  /* pages of a mapped stripe that this process holds */
    WG_L3_SSD_LOCAL, /* in a stripe, no page held */
    WG_L4_HDD_LOCAL,
    WG_L5_REMOTE_CACHED,
    WG_L5_REMOTE_STREAMED,
    WG_L5_REMOTE_COLD,
    WG_RESIDENCY_COUNT
} wg_residency;

/* "L1CpuHot", ... */
const char *wg_residency_name(wg_residency residency);

/* wg_tier_budget (worldgraph.h) has the seven caps in bytes; 0 = no cap. */

enum {
    WG_HEAT_ONE = 256,
    WG_HEAT_PROMOTE = 4 * WG_HEAT_ONE,
    WG_HEAT_DEMOTE = WG_HEAT_ONE,
    WG_HEAT_HALF_LIFE = 16384
};

typedef struct wg_cache wg_cache;
typedef struct wg_cache_entry wg_cache_entry;

/* Makes the entry's bytes leave the process (madvise for a mapping). Called with the governor's lock held. */
typedef void (*wg_cache_evict_fn)(wg_cache_entry *entry);

/* Embedded in what it governs; zeroed, then wg_cache_register. Fields belong to the cache. */
struct wg_cache_entry {
    wg_cache_evict_fn evict;
    uint64_t bytes; /* charged now; guarded by the governor's lock */
    uint64_t born;
    _Atomic uint64_t touched; /* tick of the last touch */
    _Atomic uint32_t heat;
    _Atomic uint32_t pins;
    _Atomic uint8_t residency; /* wg_residency */
    uint8_t home;              /* where it goes when it is demoted */
    uint32_t place;            /* index in the cache's list of resident entries */
};

wg_code wg_cache_create(const wg_tier_budget *budget, wg_account *account, wg_cache **out, wg_error *err);
void wg_cache_destroy(wg_cache *cache); /* no entry is registered any more */
void wg_cache_register(wg_cache *cache, wg_cache_entry *entry, wg_residency residency, wg_cache_evict_fn evict);
/* Forgets the entry and gives its bytes back; does not call evict. */
void wg_cache_unregister(wg_cache *cache, wg_cache_entry *entry);
/* The entry is about to hold `more` further bytes in `residency` (its class changes when it is another one, except that an entry in
 * L1_CPU_PINNED stays there). When nothing else can be evicted its own older bytes are. Errors, nothing changed:
 * WG_E_CAPACITY (also in the message: bytes wanted, in use, cap, evictable), WG_E_NOMEM. */
wg_code wg_cache_admit(wg_cache *cache, wg_cache_entry *entry, wg_residency residency, uint64_t more, wg_error *err);
/* One use. Cheap: two relaxed stores at most. */
void wg_cache_touch(wg_cache *cache, wg_cache_entry *entry);
/* A pinned entry is not evicted. Pinning into L1_CPU_PINNED is admission to that cap (wg_cache_admit with 0 bytes more). */
void wg_cache_pin(wg_cache *cache, wg_cache_entry *entry);
void wg_cache_unpin(wg_cache *cache, wg_cache_entry *entry);
/* Bytes that are not entries (heap of tables, deltas): set, not added. Returns false when the class is over its cap even after
 * evicting what can be evicted; the caller then makes room (checkpoint) or refuses work. */
bool wg_cache_set_held(wg_cache *cache, wg_residency residency, uint64_t bytes);
/* Demotes entries colder than WG_HEAT_DEMOTE until `residency` is at or under `bytes`; returns bytes freed. */
uint64_t wg_cache_shrink(wg_cache *cache, wg_residency residency, uint64_t bytes);
/* The machine is short of memory: frees at least `bytes` of L1 if it can, all of L1 hot before any of L1 warm, coldest first;
 * returns bytes freed. */
uint64_t wg_cache_relieve(wg_cache *cache, uint64_t bytes);
/* Sends one entry home now; the only way out of L1_CPU_PINNED. False when it is pinned or holds nothing that can be dropped. */
bool wg_cache_demote(wg_cache *cache, wg_cache_entry *entry);
/* Heat as of now. */
uint32_t wg_cache_heat(const wg_cache *cache, const wg_cache_entry *entry);
/* Hot enough for L1_CPU_HOT and not there: its owner may decode it and admit it. */
bool wg_cache_wants_promotion(const wg_cache *cache, const wg_cache_entry *entry);
/* Before a query in `lane` reads an entry that needs `more` bytes in L1: PREFER admits them when they fit, ONLY fails with WG_E_CAPACITY,
 * "BelowSpeedLane: ...", when the entry is not in L1 (or L0) and cannot be admitted at once; ANY does nothing. */
wg_code wg_cache_require(wg_cache *cache, wg_cache_entry *entry, wg_speed_lane lane, uint64_t more, wg_error *err);

typedef struct wg_cache_class_stats {
    uint64_t bytes;
    uint64_t bytes_max; /* highest seen */
    uint64_t cap;
    uint64_t entries;
    uint64_t hits;       /* touches while resident in this class */
    uint64_t admissions; /* into this class */
    uint64_t refusals;
    uint64_t demotions; /* out of this class */
    uint64_t promotions;
} wg_cache_class_stats;
void wg_cache_stats(const wg_cache *cache, wg_residency residency, wg_cache_class_stats *out);

typedef struct wg_cache_transition {
    uint64_t tick;
    const wg_cache_entry *entry;
    wg_residency from;
    wg_residency to;
    uint64_t bytes;
    uint32_t heat;
} wg_cache_transition;
/* Copies the newest transitions, oldest first; returns how many. The ring holds 1,024. */
uint32_t wg_cache_trace(const wg_cache *cache, wg_cache_transition *out, uint32_t count_max);

#endif
