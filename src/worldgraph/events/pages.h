/* A set of huge pages that come back (pages.c): shared by the event logs of one state and by the state itself. */
#ifndef WG_WORLDGRAPH_EVENTS_PAGES_H
#define WG_WORLDGRAPH_EVENTS_PAGES_H

#include "io/platform/platform.h"

typedef struct wg_pages wg_pages;

/* Pages are WG_HUGE_PAGE_BYTES each, charged to the account also while they are kept. NULL: no memory. Platform and account outlive all pages. */
wg_pages *wg_pages_create(wg_platform *platform, wg_account *account);
/* Nothing is taken any more; pages that are out may still come back. NULL is legal. */
void wg_pages_close(wg_pages *pages);
/* Threads: any. */
void *wg_page_take(wg_pages *pages, bool zeroed); /* NULL: no memory */
void wg_page_give(wg_pages *pages, void *page);   /* NULL is legal */
/* Has a page ready for whoever takes the next one. False: there are enough, or nobody has missed any. */
bool wg_page_ahead(wg_pages *pages);
void wg_pages_drop(wg_pages *pages); /* those that are kept */
/* A step, unless the last one was less than WG_PAGES_STEP_NS ago by the same clock: one of them goes if none was taken since. Threads: any. */
#define WG_PAGES_STEP_NS UINT64_C(200000000)
void wg_pages_decay(wg_pages *pages, uint64_t now_ns);

#endif
