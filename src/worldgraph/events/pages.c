/* Huge pages that come back: of event logs, which a checkpoint empties, and of what else the state of agents keeps in whole pages.
 *
 * The first touch of a page lets the system clear it, and on a virtual machine often fetch it from the host first: 0.1 to 2.4 ms, for 15,000
 * events. So pages that were given back are kept for the next who takes one, as many as PAGES at most, and only while the account has more than half of
 * its bound left. While nobody takes any they go back to the system, one a step of wg_pages_decay: steps follow the clock, because a burst of
 * appends takes a page now and then and is decayed as often as it is drained. A thread that waits may have pages ready ahead.
 *
 * Places are words that are exchanged: no lock. The set lives until its owner has closed it and its last page is back.
 *
 * Failure: no memory is NULL. */
#include "worldgraph/events/pages.h"

enum { PAGES = 64, AHEAD = 6, TOUCH_BYTES = 4096 };
#define DIRTY ((uintptr_t)1) /* of a kept page's address: it is not zeroed */

struct wg_pages {
    wg_platform *platform;
    wg_account *account;
    _Atomic uint64_t users; /* pages that are out, and the owner */
    _Atomic bool closed, missed;
    _Atomic uint32_t taken;      /* since the last step of decay */
    _Atomic uint64_t stepped_ns; /* when that was */
    _Atomic uintptr_t kept[PAGES];
};

wg_pages *wg_pages_create(wg_platform *platform, wg_account *account) {
    wg_pages *pages = wg_alloc_zero(account, sizeof *pages);
    if (pages == NULL) return NULL;
    pages->platform = platform;
    pages->account = account;
    atomic_init(&pages->users, 1);
    return pages;
}

static void page_free(wg_pages *pages, void *page) {
    pages->platform->ops->give_memory(pages->platform, page, WG_HUGE_PAGE_BYTES);
    wg_account_release(pages->account, WG_HUGE_PAGE_BYTES);
}

static void *page_new(const wg_pages *pages) {
    if (!wg_account_charge(pages->account, WG_HUGE_PAGE_BYTES)) return NULL;
    void *page = pages->platform->ops->take_memory(pages->platform, WG_HUGE_PAGE_BYTES);
    if (page == NULL) wg_account_release(pages->account, WG_HUGE_PAGE_BYTES);
    return page;
}

static void *page_of(uintptr_t word) {
    return (void *)(word & ~DIRTY); /* NOLINT(performance-no-int-to-ptr): that is what a place holds */
}

/* The page of a place, which is empty then; NULL: it is empty. acquire; pairs with keep */
static void *unkeep(wg_pages *pages, uint32_t place, bool *out_dirty) {
    if (atomic_load_explicit(&pages->kept[place], memory_order_relaxed) == 0) return NULL;
    const uintptr_t word = atomic_exchange_explicit(&pages->kept[place], 0, memory_order_acquire);
    *out_dirty = (word & DIRTY) != 0;
    return page_of(word);
}

static bool keep(wg_pages *pages, uint32_t places, void *page, uintptr_t dirty) {
    for (uint32_t i = 0; i < places; i++) {
        uintptr_t none = 0;
        if (atomic_load_explicit(&pages->kept[i], memory_order_relaxed) != 0) continue;
        if (atomic_compare_exchange_strong_explicit(&pages->kept[i], &none, (uintptr_t)page | dirty,
                                                    memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

void *wg_page_take(wg_pages *pages, bool zeroed) {
    void *page = NULL;
    bool dirty = false;
    atomic_store_explicit(&pages->taken, 1, memory_order_relaxed);
    for (uint32_t i = 0; i < PAGES && page == NULL; i++) page = unkeep(pages, i, &dirty);
    if (page == NULL) {
        atomic_store_explicit(&pages->missed, true, memory_order_relaxed);
        page = page_new(pages);
    }
    if (page == NULL) return NULL;
    if (dirty && zeroed) memset(page, 0, WG_HUGE_PAGE_BYTES);
    atomic_fetch_add_explicit(&pages->users, 1, memory_order_relaxed);
    return page;
}

static void unuse(wg_pages *pages) {
    /* acq_rel: what other users did comes before the free */
    if (atomic_fetch_sub_explicit(&pages->users, 1, memory_order_acq_rel) == 1) wg_free(pages);
}

void wg_page_give(wg_pages *pages, void *page) {
    if (page == NULL) return;
    const uint64_t most = pages->account == NULL ? 0 : pages->account->bytes_max;
    const bool keeps = !atomic_load(&pages->closed) && (most == 0 || wg_account_bytes(pages->account) <= most / 2);
    if (!keeps || !keep(pages, PAGES, page, DIRTY)) page_free(pages, page);
    else if (atomic_load(&pages->closed)) wg_pages_drop(pages); /* closed meanwhile: whoever sees it drops */
    unuse(pages);
}

bool wg_page_ahead(wg_pages *pages) {
    uint32_t have = 0;
    if (!atomic_load_explicit(&pages->missed, memory_order_relaxed)) return false;
    for (uint32_t i = 0; i < PAGES && have < AHEAD; i++)
        have += atomic_load_explicit(&pages->kept[i], memory_order_relaxed) != 0;
    uint8_t *page = have < AHEAD ? page_new(pages) : NULL;
    if (page == NULL) return false;
    for (size_t at = 0; at < WG_HUGE_PAGE_BYTES; at += TOUCH_BYTES) ((volatile uint8_t *)page)[at] = 0;
    if (keep(pages, PAGES, page, 0)) return true;
    page_free(pages, page);
    return false;
}

void wg_pages_drop(wg_pages *pages) {
    bool dirty;
    for (uint32_t i = 0; i < PAGES; i++) {
        void *page = unkeep(pages, i, &dirty);
        if (page != NULL) page_free(pages, page);
    }
    atomic_store_explicit(&pages->missed, false, memory_order_relaxed);
}

void wg_pages_decay(wg_pages *pages, uint64_t now_ns) {
    bool dirty;
    uint64_t last = atomic_load_explicit(&pages->stepped_ns, memory_order_relaxed);
    if (now_ns - last < WG_PAGES_STEP_NS) return;
    if (!atomic_compare_exchange_strong_explicit(&pages->stepped_ns, &last, now_ns, memory_order_relaxed,
                                                 memory_order_relaxed))
        return; /* another's step */
    if (atomic_exchange_explicit(&pages->taken, 0, memory_order_relaxed) != 0) return;
    for (uint32_t i = PAGES; i-- > 0;) {
        void *page = unkeep(pages, i, &dirty);
        if (page == NULL) continue;
        page_free(pages, page);
        return;
    }
}

void wg_pages_close(wg_pages *pages) {
    if (pages == NULL) return;
    atomic_store(&pages->closed, true);
    wg_pages_drop(pages);
    unuse(pages);
}
