/* Orders of keys that are not made before somebody needs them (order_fill.c). Internal to worldgraph/state. */
#ifndef WG_STATE_STALE_INTERNAL_H
#define WG_STATE_STALE_INTERNAL_H

#include "worldgraph/state/state_internal.h"

typedef enum wgi_order_state {
    WGI_ORDER_READY, /* has all keys */
    WGI_ORDER_STALE, /* nobody has asked for it since the state was filled: it may lack keys, and new ones are not put in */
    WGI_ORDER_MADE /* it is being made (order_fill.c) */
} wgi_order_state;
/* Before the order of a run is read: makes it when it is stale, with those of all others that are. Outside of the locks of a commit. WG_E_NOMEM: it is as before. */
wg_code wgi_order_make(wg_state *state, wg_error *err);
static inline wg_code wgi_order_need(const wg_state_run *run, wg_error *err) {
    /* acquire; pairs with the maker's release behind the tree */
    const uint8_t is = atomic_load_explicit(&run->order_state, memory_order_acquire);
    return is == WGI_ORDER_READY ? WG_OK : wgi_order_make(run->state, err);
}

/* While the state is filled, a new key only says that its run's order lacks one. */
static inline void wgi_order_is_stale(wg_state_run *run) {
    atomic_store_explicit(&run->order_state, WGI_ORDER_STALE, memory_order_relaxed);
}

#endif
