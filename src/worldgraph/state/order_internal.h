/* The keys of one run in order: a B+tree whose readers take no lock (order.c says how). Internal to worldgraph/state. */
#ifndef WG_STATE_ORDER_INTERNAL_H
#define WG_STATE_ORDER_INTERNAL_H

#include "worldgraph/state/state_internal.h"

enum {
    WGI_NODE_KEYS = 64,    /* of a leaf; separators of an inner node */
    WGI_KEY_INLINE = 22,   /* longer keys have a block of their own */
    WGI_PREFIX_MAX = 24,   /* of what all keys of a node share this much is left out of the heads */
    WGI_ORDER_LEVELS = 16, /* 32^15 keys at least */
    WGI_RANK_ORDER = 85    /* shape_lock */
};

/* ---- words that readers load while a writer may change them; the node's version tells afterwards whether one did.
 * Loads acquire, so the version is read again behind them; stores release, so the lock is seen before them. */

static inline uint64_t wgi_word_load(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }
#if defined(__SANITIZE_THREAD__)
#define WGI_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WGI_THREAD_SANITIZER 1
#endif
#endif
static inline void wgi_word_store(uint64_t *p, uint64_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

/* A key in a node. As bytes: hash 8 | size u16 | up to 22 bytes of key; of a longer key its first 14 and a pointer to all. */
typedef struct wgi_order_entry {
    uint64_t w[4];
} wgi_order_entry;

typedef struct wgi_slab wgi_slab; /* order_slab.c */

typedef struct wgi_order_node wgi_order_node;
struct wgi_order_node {
    wg_epoch_link link;
    _Atomic uint64_t version; /* bit 0 locked, bit 1 dead; counts in steps of 4 */
    uint64_t shape;           /* keys u32 | shared prefix bytes u32 */
    uint64_t prefix[WGI_PREFIX_MAX / 8];
    uint64_t used;                        /* bit i: entries[i] is taken; writers only */
    uint64_t level;                       /* 0: a leaf; never changes */
    _Atomic(wgi_order_node *) next, prev; /* leaves */
    wgi_slab *slab;                       /* that it came from; NULL: the allocator */
    uint64_t heads[WGI_NODE_KEYS];        /* in order: eight bytes of the key behind the prefix, big-endian */
    uint64_t order[WGI_NODE_KEYS / 8];    /* in order: u8 place in `entries` */
    uint64_t seats[WGI_NODE_KEYS];        /* leaves, by place: where the table has the key (wgi_seat); 0: not known */
    wgi_order_entry entries[WGI_NODE_KEYS];
    _Atomic(wgi_order_node *) children[]; /* inner: in order, one more than keys; 65 of them */
};

struct wgi_order {
    _Atomic(wgi_order_node *) root; /* NULL: no key */
    wg_account *account;
    wg_epoch *epoch;
    wg_platform *platform;         /* NULL: no huge pages */
    _Atomic(wgi_slab *) leaf_slab; /* made when there are many keys; NULL: none */
    wg_mutex shape_lock;           /* who splits and merges */
    _Atomic uint64_t bytes;        /* of nodes and key blocks */
    _Atomic uint64_t keys;
};

/* platform: huge pages for many leaves come from it; NULL: the allocator has them all. */
void wgi_tree_init(wgi_order *order, wg_account *account, wg_epoch *epoch, wg_platform *platform);
/* Nobody uses it any more. Frees at once. */
void wgi_tree_deinit(wgi_order *order);

/* Idempotent. WG_E_NOMEM: nothing changed. Threads: any, inside the epoch, beside readers and other writers. */
wg_code wgi_tree_add(wgi_order *order, wg_slice key, uint64_t hash, wg_error *err);
/* False: it was not there. Never fails otherwise. Threads: as insert. */
bool wgi_tree_take(wgi_order *order, wg_slice key);

/* ---- reading, inside the epoch: find a leaf with its version, copy out, check that the version still holds */

typedef struct wgi_order_spot {
    wgi_order_node *leaf; /* NULL: there is none */
    uint64_t version;
} wgi_order_spot;

static inline bool wgi_spot_holds(wgi_order_spot spot) {
    return atomic_load_explicit(&spot.leaf->version, memory_order_relaxed) == spot.version;
}
/* The leaf in which `key` is or would be. */
wgi_order_spot wgi_tree_find(const wgi_order *order, wg_slice key);
/* The last leaf. */
wgi_order_spot wgi_tree_find_last(const wgi_order *order);
/* The leaf behind (or before) it. False: the spot does not hold any more; *out.leaf NULL: the end. */
bool wgi_tree_step(wgi_order_spot spot, bool back, wgi_order_spot *out);
/* Keys of the leaf below `key`; false: the spot does not hold any more. */
bool wgi_tree_rank(wgi_order_spot spot, wg_slice key, uint32_t *out_position, bool *out_equal);

static inline uint32_t wgi_node_count(const wgi_order_node *node) { return (uint32_t)wgi_word_load(&node->shape); }
/* Place in `entries` (and in seats) of the key at a position. */
static inline uint32_t wgi_node_place(const wgi_order_node *node, uint32_t position) {
    return (uint32_t)(wgi_word_load(&node->order[position / 8]) >> (8 * (position % 8))) & 0x3f;
}
static inline void wgi_entry_load(const wgi_order_entry *from, wgi_order_entry *out) {
    for (uint32_t i = 0; i < 4; i++) out->w[i] = wgi_word_load(&from->w[i]);
}
/* The key of a copied entry; of a long one only after the version was checked. Points into *entry or into a block that lives
 * as long as the epoch is entered. */
wg_slice wgi_entry_key(const wgi_order_entry *entry);

/* Lock of a leaf, for scan.c, which notes seats: only when nothing changed since the spot was taken. */
bool wgi_spot_try_lock(wgi_order_spot spot);
void wgi_spot_unlock(wgi_order_spot *spot); /* the spot holds again */
/* What a search in the node looks at. */
void wgi_node_prefetch(const wgi_order_node *node);

/* ---- objects of one size out of huge pages. Threads: any. */

wgi_slab *wgi_slab_create(wg_platform *platform, wg_account *account, size_t object_bytes); /* NULL: no memory */
void wgi_slab_close(wgi_slab *slab); /* nothing is taken any more; it goes with its last object. NULL is legal */
void *wgi_slab_take(wgi_slab *slab); /* uninitialised; NULL: take the allocator. NULL is legal */
void wgi_slab_give(wgi_slab *slab, void *object);

/* ---- one node, for order.c alone. The node is locked, or read under a version. */

void wgi_entry_set(wgi_order_entry *entry, wg_slice key, uint64_t hash, void *block);
/* The block of an entry whose key is long; NULL otherwise. */
void *wgi_entry_block(const wgi_order_entry *entry);
wg_code wgi_key_block_create(wgi_order *order, wg_slice key, void **out, wg_error *err); /* NULL for a short key */
void wgi_key_block_retire(wgi_order *order, void *block);
void wgi_key_block_free(wgi_order *order, void *block);

wgi_order_node *wgi_node_create(wgi_order *order, uint32_t level);
void wgi_node_free(wgi_order *order, wgi_order_node *node);
/* The same, when readers may be inside. */
void wgi_node_retire(wgi_order *order, wgi_order_node *node);
/* Number of keys below `key`; false: another version, nothing is known. */
bool wgi_node_rank(const wgi_order_node *node, uint64_t version, wg_slice key, uint32_t *out_position,
                   bool *out_equal);
/* About that number, from the heads alone: good enough to begin to fetch what lies there. */
uint32_t wgi_node_guess(const wgi_order_node *node, wg_slice key);
/* The entry at a position of a locked node. */
const wgi_order_entry *wgi_node_entry(const wgi_order_node *node, uint32_t position);
void wgi_node_insert(wgi_order_node *node, uint32_t position, const wgi_order_entry *entry);
void wgi_node_remove(wgi_order_node *node, uint32_t position);
/* Behind all others of a node that nobody sees yet and that is not full; then wgi_node_settle. */
void wgi_node_append(wgi_order_node *node, const wgi_order_entry *entry, uint64_t seat);
/* Entries from `position` on move to the end of `to`. */
void wgi_node_move(wgi_order_node *node, uint32_t position, wgi_order_node *to);
/* Finds the longest prefix that the keys share again, and computes the heads. */
void wgi_node_settle(wgi_order_node *node);

/* Shortest bytes that are greater than `left` and not greater than `right`. */
wg_slice wgi_separator_of(wg_slice left, wg_slice right);

/* Walks the whole tree and asserts that it is sound (tests; no writer beside it). Returns how many keys it has. */
uint64_t wgi_tree_check(const wgi_order *order);

#endif
