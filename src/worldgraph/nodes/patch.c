/* What changed of the 16,384 numbers of something stored: newer `end`s of a mapped slot, newer addresses of a mapped chunk of the
 * directory. In pages of 256 numbers; a page is made whole, from what is stored, when the first of its numbers changes. So one
 * change costs 2.5 KiB and not 128, and a number is either in its page or as it is stored.
 *
 * One writer makes pages and changes numbers; readers load a page's pointer with acquire, which pairs with the release under which a
 * filled page is published. The patch goes as a whole, through the epoch. Failure: out of memory, nothing changed. */
#include "worldgraph/nodes/nodes_internal.h"

wgi_patch *wgi_patch_create(wg_account *account) {
    wgi_patch *patch = wg_alloc_zero(account, sizeof *patch);
    for (uint32_t i = 0; patch != NULL && i < WGI_PATCH_PAGES; i++) atomic_init(&patch->pages[i], NULL);
    return patch;
}

void wgi_patch_destroy(wgi_patch *patch) {
    if (patch == NULL) return;
    for (uint32_t i = 0; i < WGI_PATCH_PAGES; i++)
        wg_free(atomic_load_explicit(&patch->pages[i], memory_order_relaxed));
    wg_free(patch);
}

static void dispose(void *block) { wgi_patch_destroy(block); }

void wgi_patch_retire(wgi_patch *patch, wg_epoch *epoch) {
    if (patch != NULL) wg_epoch_retire_object(epoch, &patch->link, dispose);
}

bool wgi_patch_put(wgi_patch *patch, uint32_t page, const uint64_t stored[WGI_PATCH_ROWS], wg_account *account) {
    wgi_patch_page *made = wg_alloc(account, sizeof *made);
    if (made == NULL) return false;
    for (uint32_t i = 0; i < WGI_PATCH_ROWS; i++) atomic_init(&made->cells[i], stored[i]);
    atomic_store_explicit(&patch->pages[page], made, memory_order_release); /* pairs with wgi_patch_page_of */
    return true;
}

void wgi_patch_over(const wgi_patch *patch, uint32_t first, uint32_t count, uint64_t *out) {
    for (uint32_t i = 0; i < count;) {
        const uint32_t row = first + i;
        const uint32_t left = WGI_PATCH_ROWS - row % WGI_PATCH_ROWS;
        const uint32_t n = left < count - i ? left : count - i;
        const wgi_patch_page *page = wgi_patch_page_of(patch, row);
        for (uint32_t k = 0; page != NULL && k < n; k++)
            out[i + k] = atomic_load_explicit(&page->cells[row % WGI_PATCH_ROWS + k], memory_order_acquire);
        i += n;
    }
}
