/* Pages of stripes that the governor does not know of. Eviction drops a fragment's pages while pointers into it stay valid: who reads on
 * through one brings pages back that nobody has admitted. The kernel also maps some neighbours of each page that is touched.
 * Both are small by themselves and would add up over a long scan or merge.
 *
 * So whoever reads much looks now and then at what the process holds of its files. When that is more than what is charged and some
 * slack, all pages that are not charged are dropped, those of stripes that have left the set too. When that was not enough, either
 * pages between charged ones are too many or the program itself has grown: everything is evicted, and what is left then
 * is what the program needs for itself, which is allowed for from then on. Dropping a page that is being read costs a fault
 * and nothing else. Without a cap nothing is done; the look costs a system call and happens at most once a millisecond. */
#include "engine/engine_internal.h"

static const uint64_t look_every_ns = 1000000;
static const uint64_t slack_bytes_min = UINT64_C(1) << 20;

void wgi_residency_begin(wg_engine *engine) {
    wg_process_memory p = {0};
    if (engine->options.budget.warm == 0) return;
    engine->platform->ops->process_memory(engine->platform, &p);
    atomic_store_explicit(&engine->maintenance.file_bytes_before, p.resident_file_bytes, memory_order_relaxed);
}

static bool is_time(wg_engine *e) {
    wgi_maintenance *m = &e->maintenance;
    const uint64_t now = e->platform->ops->now_ns(e->platform);
    uint64_t last = atomic_load_explicit(&m->residency_looked_ns, memory_order_relaxed);
    return now - last >= look_every_ns &&
           atomic_compare_exchange_strong_explicit(&m->residency_looked_ns, &last, now, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* Whether the process holds more of files than what is charged, the program itself and the slack. */
static bool holds_too_much(wg_engine *e, uint64_t *out_uncharged) {
    wgi_maintenance *m = &e->maintenance;
    const uint64_t cap = e->options.budget.warm;
    const uint64_t slack = cap / 8 > slack_bytes_min ? cap / 8 : slack_bytes_min;
    wg_process_memory p = {0};
    wg_cache_class_stats warm;
    e->platform->ops->process_memory(e->platform, &p);
    wg_cache_stats(m->cache, WG_L1_CPU_WARM, &warm);
    *out_uncharged = p.resident_file_bytes > warm.bytes ? p.resident_file_bytes - warm.bytes : 0;
    return *out_uncharged > atomic_load_explicit(&m->file_bytes_before, memory_order_relaxed) + slack;
}

void wgi_residency_look(wg_engine *engine) {
    wgi_maintenance *m = &engine->maintenance;
    uint64_t uncharged = 0;
    if (engine->options.budget.warm == 0 || m->stripes == NULL || !is_time(engine)) return;
    if (!holds_too_much(engine, &uncharged)) return;
    atomic_fetch_add_explicit(&m->residency_sweeps, 1, memory_order_relaxed);
    wg_stripe_set_drop_pages(m->stripes);
    if (!holds_too_much(engine, &uncharged)) return;
    (void)wg_cache_relieve(m->cache, UINT64_MAX);
    if (holds_too_much(engine, &uncharged))
        atomic_store_explicit(&m->file_bytes_before, uncharged, memory_order_relaxed);
}
