/* Epoch-based reclamation (Fraser, "Practical lock-freedom", 2004), with one announcement slot a reader.
 *
 * `now` counts retirements. A reader announces the value of `now` that it saw in a slot of its own; retired memory is
 * stamped with the value of `now` that its retirement replaced and is freed when no slot holds that value or less.
 *
 * Why this is safe, in terms of C11: let R be the fetch_add by which a block is stamped with r. Everything that unlinked
 * the block comes before R.
 *   - A reader whose slot holds e > r read `now` after R, so R synchronises with it: it sees the block unlinked.
 *   - A reader whose slot holds e <= r keeps the block alive, if the collector sees the slot. If the collector's load
 *     of the slot comes before the reader's exchange in the order of sequentially consistent operations, then the
 *     reader's second load of `now` comes after R in that order, so R synchronises with it as above.
 * This is why enter loads `now` twice and why the operations named below are sequentially consistent. No fences: the
 * thread sanitizer does not model them.
 *
 * The list of retired blocks is a queue in the order of stamps under a spin lock that is held for a few instructions;
 * freeing happens outside. Failure modes: none that a caller sees; wg_epoch_retire waits when it cannot note a block. */
#include "mvcc/mvcc.h"

enum { EPOCH_SLOTS = 128, CACHE_LINE = 64, COLLECT_EVERY = 16 };

typedef struct epoch_slot {
    _Atomic uint64_t announced; /* 0: free */
    uint8_t pad[CACHE_LINE - sizeof(uint64_t)];
} epoch_slot;
_Static_assert(sizeof(epoch_slot) == CACHE_LINE, "slots of different readers never share a cache line");

struct wg_epoch {
    epoch_slot slots[EPOCH_SLOTS];
    _Atomic uint64_t now;       /* starts at 1, so that an announcement is never 0 */
    _Atomic uint32_t next_hint; /* for threads that have none; not the process's, so that schedules repeat */
    uint8_t pad[CACHE_LINE - sizeof(uint64_t) - sizeof(uint32_t)];
    atomic_flag lock; /* guards head and tail */
    wg_epoch_link *head;
    wg_epoch_link *tail;
    _Atomic uint64_t pending;
    wg_account *account;
};

static void pause_cpu(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void list_lock(wg_epoch *epoch) {
    while (atomic_flag_test_and_set_explicit(&epoch->lock, memory_order_acquire)) pause_cpu();
}

/* release; pairs with the acquire in list_lock */
static void list_unlock(wg_epoch *epoch) { atomic_flag_clear_explicit(&epoch->lock, memory_order_release); }

wg_code wg_epoch_create(wg_account *account, wg_epoch **out, wg_error *err) {
    WG_ASSERT(out != NULL);
    wg_epoch *epoch = wg_alloc_zero(account, sizeof *epoch);
    if (epoch == NULL) return wg_error_nomem(err, sizeof *epoch);
    for (size_t i = 0; i < EPOCH_SLOTS; i++) atomic_init(&epoch->slots[i].announced, 0);
    atomic_init(&epoch->now, 1);
    atomic_init(&epoch->next_hint, 0);
    atomic_init(&epoch->pending, 0);
    atomic_flag_clear(&epoch->lock);
    epoch->account = account;
    *out = epoch;
    return WG_OK;
}

/* Frees a chain: each link is the block itself or a note about one. */
static uint64_t chain_free(wg_epoch_link *link) {
    uint64_t count = 0;
    while (link != NULL) {
        wg_epoch_link *next = link->next;
        if (link->dispose != NULL) {
            link->dispose(link->block); /* the link is part of the object */
        } else {
            if (link->block != link) wg_free(link->block);
            wg_free(link);
        }
        link = next;
        count++;
    }
    return count;
}

void wg_epoch_destroy(wg_epoch *epoch) {
    if (epoch == NULL) return;
    for (size_t i = 0; i < EPOCH_SLOTS; i++)
        WG_ASSERT(atomic_load_explicit(&epoch->slots[i].announced, memory_order_acquire) == 0); /* I2 */
    chain_free(epoch->head);
    wg_free(epoch);
}

uint32_t wg_epoch_enter(wg_epoch *epoch) {
    /* Where this thread looks first; threads that enter and leave keep hitting the same free line. */
    static _Thread_local uint32_t hint = UINT32_MAX;
    WG_ASSERT(epoch != NULL);
    if (hint == UINT32_MAX)
        hint = atomic_fetch_add_explicit(&epoch->next_hint, 1, memory_order_relaxed) % EPOCH_SLOTS;
    for (uint32_t at = hint;; at = (at + 1) % EPOCH_SLOTS) {
        _Atomic uint64_t *slot = &epoch->slots[at].announced;
        if (atomic_load_explicit(slot, memory_order_relaxed) == 0) {
            /* seq_cst load, exchange, load; partners: the fetch_add in queue_push() and the loads in oldest_reader() */
            const uint64_t now = atomic_load(&epoch->now);
            uint64_t free_slot = 0;
            if (atomic_compare_exchange_strong(slot, &free_slot, now)) {
                (void)atomic_load(&epoch->now);
                hint = at;
                return at;
            }
        }
        if (at == (hint + EPOCH_SLOTS - 1) % EPOCH_SLOTS) pause_cpu(); /* all are taken: wait for one */
    }
}

void wg_epoch_leave(wg_epoch *epoch, uint32_t slot) {
    WG_ASSERT(slot < EPOCH_SLOTS);
    _Atomic uint64_t *announced = &epoch->slots[slot].announced;
    WG_ASSERT(atomic_load_explicit(announced, memory_order_relaxed) != 0); /* I2 */
    /* release; pairs with the load in oldest_reader(): what this reader read happens before the free */
    atomic_store_explicit(announced, 0, memory_order_release);
}

/* The smallest announcement, UINT64_MAX when no reader is inside. */
static uint64_t oldest_reader(wg_epoch *epoch) {
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < EPOCH_SLOTS; i++) {
        const uint64_t e = atomic_load(&epoch->slots[i].announced); /* seq_cst; partner: enter and leave */
        if (e != 0) oldest = wg_min_u64(oldest, e);
    }
    return oldest;
}

/* Takes the links whose stamp is older than every reader off the queue. */
static wg_epoch_link *queue_take(wg_epoch *epoch, uint64_t oldest) {
    list_lock(epoch);
    wg_epoch_link *first = epoch->head;
    wg_epoch_link *last = NULL;
    const uint64_t below = oldest + (WG_CANARY_IS(11) && oldest != UINT64_MAX ? 1 : 0);
    for (wg_epoch_link *link = first; link != NULL && link->epoch < below; link = link->next) last = link;
    if (last != NULL) {
        epoch->head = last->next;
        if (epoch->head == NULL) epoch->tail = NULL;
        last->next = NULL;
    }
    list_unlock(epoch);
    return last == NULL ? NULL : first;
}

void wg_epoch_collect(wg_epoch *epoch) {
    const uint64_t stamped = atomic_load(&epoch->now); /* blocks stamped later are not covered by this scan */
    const uint64_t freed = chain_free(queue_take(epoch, wg_min_u64(oldest_reader(epoch), stamped)));
    if (freed != 0) atomic_fetch_sub_explicit(&epoch->pending, freed, memory_order_relaxed);
}

static void queue_push(wg_epoch *epoch, wg_epoch_link *link, void *block, void (*dispose)(void *block)) {
    link->next = NULL;
    link->block = block;
    link->dispose = dispose;
    list_lock(epoch);
    link->epoch = atomic_fetch_add(&epoch->now, 1); /* seq_cst; partner: the loads of `now` in enter */
    if (epoch->tail == NULL) {
        epoch->head = link;
    } else {
        WG_ASSERT(epoch->tail->epoch < link->epoch); /* I3 */
        epoch->tail->next = link;
    }
    epoch->tail = link;
    list_unlock(epoch);
    const uint64_t pending = atomic_fetch_add_explicit(&epoch->pending, 1, memory_order_relaxed) + 1;
    /* A scan reads every slot; small retirements in a row share one. */
    if (pending % COLLECT_EVERY == 0) wg_epoch_collect(epoch);
}

void wg_epoch_retire_linked(wg_epoch *epoch, wg_epoch_link *block) {
    if (block != NULL) queue_push(epoch, block, block, NULL);
}

void wg_epoch_retire_object(wg_epoch *epoch, wg_epoch_link *block, void (*dispose)(void *block)) {
    WG_ASSERT(dispose != NULL);
    if (block != NULL) queue_push(epoch, block, block, dispose);
}

void wg_epoch_retire(wg_epoch *epoch, void *p) {
    if (p == NULL) return;
    wg_epoch_link *note = wg_alloc(epoch->account, sizeof *note);
    if (note != NULL) {
        queue_push(epoch, note, p, NULL);
        wg_epoch_collect(epoch);
        return;
    }
    const uint64_t stamp = atomic_fetch_add(&epoch->now, 1); /* as in queue_push */
    while (oldest_reader(epoch) <= stamp) pause_cpu();
    wg_free(p);
    wg_epoch_collect(epoch);
}

uint64_t wg_epoch_pending(const wg_epoch *epoch) {
    return atomic_load_explicit(&epoch->pending, memory_order_relaxed);
}
