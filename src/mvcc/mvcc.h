/* mvcc: logical time, the one visibility rule, and epochs that free memory when no reader can see it. No storage. */
#ifndef WG_MVCC_H
#define WG_MVCC_H

#include <stdatomic.h>

#include "base/core/core.h"
#include "base/memory/memory.h"

/* Commits are numbered 1, 2, 3, ...; 0 is the empty state. */
#define WG_LOGSEQ_NEVER UINT64_MAX
/* Of what the one writer has not committed yet: above every snapshot, so only the writer, who reads with it as `own`, sees it. The commit
 * puts its number in its place. */
#define WG_LOGSEQ_OWN   (UINT64_MAX - 1)

/* What a reader sees: everything committed at or before `snapshot`, and its own uncommitted writes, which carry `own`
 * (WG_LOGSEQ_OWN of a transaction that writes; 0: none). */
typedef struct wg_view {
    uint64_t snapshot;
    uint64_t own;
} wg_view;

/* The visibility rule. `begin` is the logseq that made the version (NEVER: rolled back), `end` the one that replaced or
 * deleted it (NEVER: still the newest). Because a version ends where its successor begins this is: the newest version with
 * logseq <= S, unless that is a tombstone. */
static inline bool wg_visible(wg_view view, uint64_t begin, uint64_t end) {
    const bool began = begin <= view.snapshot || begin == view.own;
    const bool ended = end <= view.snapshot || end == view.own;
    return began && !ended;
}

/* Epoch-based reclamation (Fraser 2004): a reader enters before it loads shared pointers and leaves when it is done;
 * retired memory is freed once every reader that was inside at the time has left. Entering and leaving never block.
 * Threads: any. */
typedef struct wg_epoch wg_epoch;
wg_code wg_epoch_create(wg_account *account, wg_epoch **out, wg_error *err);
void wg_epoch_destroy(wg_epoch *epoch);   /* no reader may be inside; frees all that is retired */
uint32_t wg_epoch_enter(wg_epoch *epoch); /* returns the slot to leave with */
void wg_epoch_leave(wg_epoch *epoch, uint32_t slot);
/* Takes ownership of `p` (from wg_alloc). Never fails: when it cannot note the block it waits for the readers. */
void wg_epoch_retire(wg_epoch *epoch, void *p);
/* What a block that is retired often keeps in its first bytes; readers never look at it. Zero while the block lives. */
typedef struct wg_epoch_link {
    struct wg_epoch_link *next;
    uint64_t epoch;
    void *block;
    void (*dispose)(void *block); /* NULL: wg_free */
} wg_epoch_link;
/* The same for a block (from wg_alloc) that begins with its link: allocates nothing and never waits, so it is safe for
 * a thread that is itself inside the epoch. */
void wg_epoch_retire_linked(wg_epoch *epoch, wg_epoch_link *block);
/* As wg_epoch_retire_linked for an object that is more than one block: `dispose(block)` is called instead of wg_free, on
 * whatever thread collects; it must not retire anything itself. */
void wg_epoch_retire_object(wg_epoch *epoch, wg_epoch_link *block, void (*dispose)(void *block));
/* Frees what no reader can see any more; retiring does it too. */
void wg_epoch_collect(wg_epoch *epoch);
uint64_t wg_epoch_pending(const wg_epoch *epoch);

/* Pointers by number that readers look up without a lock: one writer reserves and sets, any thread gets. Slots never move, so
 * only what they point to needs an epoch. Zeroed is empty. */
enum { WG_SLOTS_CHUNKS = 22, WG_SLOTS_MAX = 33554424 };
typedef struct wg_slots {
    _Atomic(void *_Atomic *) chunks[WG_SLOTS_CHUNKS];
} wg_slots;
/* Makes room for number `i`; false when out of memory, nothing changed. */
bool wg_slots_reserve(wg_slots *slots, uint32_t i, wg_account *account);
void *wg_slots_get(const wg_slots *slots, uint32_t i);      /* acquire; NULL when nothing is there */
void wg_slots_set(wg_slots *slots, uint32_t i, void *item); /* release; room was reserved */
/* The first number from `from` on that has an item; UINT32_MAX: none. */
uint32_t wg_slots_next(const wg_slots *slots, uint32_t from);
void wg_slots_deinit(wg_slots *slots); /* frees the slots, not the items; nobody reads */

#endif
