/* Objects of one size out of huge pages, for the leaves of large runs. A scan goes through three leaves; in pages of
 * 4 KiB each of them would cost several misses of the address translation besides those of its lines.
 *
 * A slab takes 2 MiB at a time from the platform and hands out what was given back first. It outlives its owner until the last object
 * came back: retired nodes wait in the epoch. Small runs have none.
 *
 * Failure modes: no memory: NULL, the caller takes the allocator. */
#include "worldgraph/state/order_internal.h"

enum { SLAB_HEAD_BYTES = 64 };
#define SLAB_BLOCK_BYTES ((size_t)2 << 20)

typedef struct block {
    struct block *next;
} block;

struct wgi_slab {
    _Atomic uint32_t lock;
    bool closed;
    wg_platform *platform;
    wg_account *account;
    size_t object_bytes;
    uint64_t live;
    block *blocks;
    void *free; /* a list through the objects' first words */
    uint8_t *fresh;
    size_t fresh_count;
};

wgi_slab *wgi_slab_create(wg_platform *platform, wg_account *account, size_t object_bytes) {
    WG_ASSERT(object_bytes <= SLAB_BLOCK_BYTES / 2);
    wgi_slab *slab = wg_alloc_zero(account, sizeof *slab);
    if (slab == NULL) return NULL;
    slab->platform = platform;
    slab->account = account;
    slab->object_bytes = (size_t)wg_align_up(object_bytes, 64);
    return slab;
}

static void slab_free(wgi_slab *slab) {
    while (slab->blocks != NULL) {
        block *b = slab->blocks;
        slab->blocks = b->next;
        slab->platform->ops->give_memory(slab->platform, b, SLAB_BLOCK_BYTES);
        wg_account_release(slab->account, SLAB_BLOCK_BYTES);
    }
    wg_free(slab);
}

void wgi_slab_close(wgi_slab *slab) {
    if (slab == NULL) return;
    wgi_lock(&slab->lock);
    slab->closed = true;
    const bool last = slab->live == 0;
    wgi_unlock(&slab->lock);
    if (last) slab_free(slab);
}

/* With the lock held: a block more; false: no memory. */
static bool slab_grow(wgi_slab *slab) {
    if (!wg_account_charge(slab->account, SLAB_BLOCK_BYTES)) return false;
    block *b = slab->platform->ops->take_memory(slab->platform, SLAB_BLOCK_BYTES);
    if (b == NULL) {
        wg_account_release(slab->account, SLAB_BLOCK_BYTES);
        return false;
    }
    b->next = slab->blocks;
    slab->blocks = b;
    slab->fresh = (uint8_t *)b + SLAB_HEAD_BYTES;
    slab->fresh_count = (SLAB_BLOCK_BYTES - SLAB_HEAD_BYTES) / slab->object_bytes;
    return true;
}

void *wgi_slab_take(wgi_slab *slab) {
    void *object = NULL;
    if (slab == NULL) return NULL;
    wgi_lock(&slab->lock);
    if (slab->free != NULL) {
        object = slab->free;
        memcpy(&slab->free, object, sizeof slab->free);
    } else if (slab->fresh_count != 0 || slab_grow(slab)) {
        object = slab->fresh;
        slab->fresh += slab->object_bytes;
        slab->fresh_count--;
    }
    slab->live += object != NULL;
    wgi_unlock(&slab->lock);
    return object;
}

void wgi_slab_give(wgi_slab *slab, void *object) {
    wgi_lock(&slab->lock);
    WG_ASSERT(slab->live > 0);
    memcpy(object, &slab->free, sizeof slab->free);
    slab->free = object;
    slab->live--;
    const bool last = slab->closed && slab->live == 0;
    wgi_unlock(&slab->lock);
    if (last) slab_free(slab);
}
