/* worldgraph/state, inside: locks that are held for a few instructions. Part of state_internal.h. */
#ifndef WG_WORLDGRAPH_STATE_LOCK_INTERNAL_H
#define WG_WORLDGRAPH_STATE_LOCK_INTERNAL_H

#include "worldgraph/state/state_internal.h"

static inline void wgi_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}
void wgi_wait(uint32_t *rounds); /* pauses, later yields; *rounds starts at 0 */
static inline bool wgi_try_lock(_Atomic uint32_t *lock) {
    uint32_t free_value = 0;
    return atomic_compare_exchange_strong_explicit(lock, &free_value, 1, memory_order_seq_cst, memory_order_relaxed);
}
void wgi_lock_slow(_Atomic uint32_t *lock);
static inline void wgi_lock(_Atomic uint32_t *lock) {
    if (!wgi_try_lock(lock)) wgi_lock_slow(lock);
}
static inline void wgi_unlock(_Atomic uint32_t *lock) { atomic_store_explicit(lock, 0, memory_order_release); }

/* ---- locks of segments */

static inline bool wgi_segment_try_lock(wgi_header *header) {
    uint8_t free_value = 0;
    return atomic_compare_exchange_strong_explicit(&header->lock, &free_value, 1, memory_order_seq_cst,
                                                   memory_order_relaxed);
}
void wgi_segment_lock_slow(wgi_header *header);
static inline void wgi_segment_lock(wgi_header *header) {
    if (!wgi_segment_try_lock(header)) wgi_segment_lock_slow(header);
}
/* With its lock held: the directory leads to it, so a key that is found in it is found in no other. */
static inline bool wgi_segment_serves(const wgi_header *header) {
    return (atomic_load_explicit(&header->generation, memory_order_relaxed) & 1) == 0;
}
static inline void wgi_segment_unlock(wgi_header *header) {
    atomic_store_explicit(&header->lock, 0, memory_order_release);
}

/* Into service, or out of it: who changes that holds the lock, or the segment is nobody's yet. */
static inline void wgi_generation_step(wgi_header *header) {
    const uint32_t generation = atomic_load_explicit(&header->generation, memory_order_relaxed);
    atomic_store_explicit(&header->generation, generation + 1, memory_order_release);
}

#endif
