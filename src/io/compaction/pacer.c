/* How fast compaction may go: one token bucket a level, as the time from which the next byte may move.
 *
 * Whoever asks is told how long to wait and has its bytes counted at once, so that several askers queue up without a lock. A
 * level that was idle begins anew: it saves up no burst. */
#include "io/compaction/compaction.h"

#define NS_A_SECOND UINT64_C(1000000000)

uint64_t wg_pacer_wait_ns(wg_pacer *pacer, const wg_compaction_policy *policy, uint32_t level, uint64_t bytes,
                          uint64_t now_ns) {
    WG_ASSERT(level < WG_LEVELS);
    if (atomic_load_explicit(&pacer->paused, memory_order_relaxed)) return UINT64_MAX;
    const uint64_t rate = policy->bytes_per_second[level];
    if (rate == 0) return 0;
    const wg_u128 cost = (wg_u128)bytes * NS_A_SECOND / rate;
    const uint64_t spent = cost > UINT64_MAX / 4 ? UINT64_MAX / 4 : (uint64_t)cost;
    uint64_t next = atomic_load_explicit(&pacer->next_ns[level], memory_order_relaxed);
    uint64_t begin;
    do {
        begin = wg_max_u64(next, now_ns);
    } while (!atomic_compare_exchange_weak_explicit(&pacer->next_ns[level], &next, begin + spent,
                                                    memory_order_relaxed, memory_order_relaxed));
    return begin - now_ns;
}
