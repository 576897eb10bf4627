/* worldgraph/mmap, own files only: what a set looks like inside. */
#ifndef WG_WORLDGRAPH_MMAP_INTERNAL_H
#define WG_WORLDGRAPH_MMAP_INTERNAL_H

#include "worldgraph/mmap/mmap.h"

/* One open stripe. Belongs to the set; when it leaves, to the epoch. */
typedef struct wgi_member {
    wg_epoch_link link; /* must be first: the epoch's while it is retired */
    wg_stripe *stripe;
    struct wgi_member *next_parked;
    bool kept; /* wg_stripe_set_keep; under the set's lock */
    /* What wg_stripe_set_describe found; the thread that compacts, one at a time. */
    uint64_t described_signature; /* 0: nothing */
    uint64_t described_horizon;
    wg_compaction_file described;
} wgi_member;

typedef struct wgi_slot {
    wgi_member *member;
    wg_stripe_entry entry; /* here, not in the member: a move changes the level alone */
} wgi_slot;

/* What readers see at one time: immutable, one block. */
typedef struct wgi_view {
    wg_epoch_link link; /* must be first */
    uint32_t refs;      /* the set while it is the present one, the set while it is held, a merge; under the lock */
    uint32_t slot_count;
    uint64_t fragment_count;
    wgi_slot *slots;               /* by rising id */
    const wg_fragment **fragments; /* the newest of each key, by key */
} wgi_view;

struct wg_stripe_set {
    wg_platform *platform;
    char *dir;
    uint8_t store_uuid[16];
    wg_cache *cache;
    wg_epoch *epoch;
    wg_account *account;
    wg_mutex lock;            /* rank WG_RANK_STRIPES; one change at a time */
    _Atomic(wgi_view *) view; /* release in change; pairs with the acquire in wgi_view_of */
    wgi_member *parked;       /* left the view, still mapped for those who hold their fragments; under the lock */
    wgi_view *held;           /* as last described, for the merge that follows; NULL: none; under the lock */
    wgi_view *merging;        /* what the merge that runs reads; NULL: none; under the lock */
    wg_stripe_set *self;      /* the same object, for calls that only look but must lock */
};

/* The view to describe: the present one, held for the merge that may follow. */
const wgi_view *wgi_view_hold(const wg_stripe_set *set);
/* The view to merge: the held one, or the present one. Its stripes stay mapped until it is given back. */
const wgi_view *wgi_view_take(const wg_stripe_set *set);
void wgi_view_give(const wg_stripe_set *set);

static inline const wgi_view *wgi_view_of(const wg_stripe_set *set) {
    return atomic_load_explicit(&set->view, memory_order_acquire);
}
/* Where a stripe stands in the view; UINT32_MAX: nowhere. */
uint32_t wgi_view_slot(const wgi_view *view, uint64_t id);
/* First position whose key is not below `key`. */
uint64_t wgi_view_seek(const wgi_view *view, const wg_fragment_key *key);
const wg_fragment *wgi_view_find(const wgi_view *view, const wg_fragment_key *key);
/* The fragment of one stripe with this key, newest or not; NULL: none. */
const wg_fragment *wgi_stripe_find(const wg_stripe *stripe, const wg_fragment_key *key);

/* Sorts fragments by key and leaves the newest of each, without superseded runs and `end`s; returns how many are left. `spare`
 * has room for as many. Of equal versions the stripe with the higher id is the newer one. */
uint64_t wgi_newest(const wg_fragment **fragments, const wg_fragment **spare, uint64_t count);

#endif
