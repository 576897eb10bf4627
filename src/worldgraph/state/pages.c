/* Huge pages that are there before they are needed.
 *
 * The first touch of a page lets the system clear it: 2 MiB for every 16,000 keys, a fifth of what a replay costs. The thread that reads the log
 * has time when the one that applies it does not keep up; it then takes pages and touches them. There are a few at most, only once one
 * was missed, and none behind the replay.
 *
 * Threads: one makes, one takes. Failure: none; who finds no page takes one from the system. */
#include "worldgraph/state/commit_internal.h"

enum { TOUCH_BYTES = 4096 };

static void *page_new(wg_state *state) {
    wg_platform *platform = state->options.platform;
    if (!wg_account_charge(state->account, WG_HUGE_PAGE_BYTES)) return NULL;
    uint8_t *page = platform->ops->take_memory(platform, WG_HUGE_PAGE_BYTES);
    if (page == NULL) wg_account_release(state->account, WG_HUGE_PAGE_BYTES);
    return page;
}

void *wgi_page_take(wg_state *state, wg_error *err) {
    for (uint32_t i = 0; i < WGI_PAGES_AHEAD; i++) { /* acquire; pairs with the maker's release behind its zeros */
        void *page = atomic_exchange_explicit(&state->pages[i], NULL, memory_order_acquire);
        if (page != NULL) return page;
    }
    atomic_store_explicit(&state->pages_missed, true, memory_order_relaxed);
    void *page = page_new(state);
    if (page == NULL) (void)wg_error_nomem(err, WG_HUGE_PAGE_BYTES);
    return page;
}

void wgi_page_give(wg_state *state, void *page) {
    wg_platform *platform = state->options.platform;
    if (page == NULL) return;
    platform->ops->give_memory(platform, page, WG_HUGE_PAGE_BYTES);
    wg_account_release(state->account, WG_HUGE_PAGE_BYTES);
}

bool wg_state_page_ahead(wg_state *state) {
    if (!atomic_load_explicit(&state->pages_missed, memory_order_relaxed)) return false;
    for (uint32_t i = 0; i < WGI_PAGES_AHEAD; i++) {
        if (atomic_load_explicit(&state->pages[i], memory_order_relaxed) != NULL) continue;
        uint8_t *page = page_new(state);
        if (page == NULL) return false;
        for (size_t at = 0; at < WG_HUGE_PAGE_BYTES; at += TOUCH_BYTES) ((volatile uint8_t *)page)[at] = 0;
        atomic_store_explicit(&state->pages[i], page, memory_order_release);
        return true;
    }
    return false;
}

void wgi_pages_drop(wg_state *state) {
    for (uint32_t i = 0; i < WGI_PAGES_AHEAD; i++)
        wgi_page_give(state, atomic_exchange_explicit(&state->pages[i], NULL, memory_order_acquire));
    atomic_store_explicit(&state->pages_missed, false, memory_order_relaxed);
}
