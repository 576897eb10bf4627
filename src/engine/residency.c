/* Pages of stripes that the governor does not know of. Eviction drops a fragment's pages while pointers into it stay valid: who reads on
 * through one brings pages back that nobody has admitted. The kernel also maps some neighbours of each page that is touched.
 * Both are small by themselves and would add up over a long scan or merge.
 *
 * So whoever reads much looks now and then at what the process holds of its files; when that is more than what is charged
 * and some slack, the pages of all fragments that are not charged are dropped. Dropping a page that is being read costs a
 * fault and nothing else. Without a cap nothing is done; the look costs a system call and happens at most once a millisecond. */
#include "engine/engine_internal.h"

static const uint64_t look_every_ns = 1000000;
static const uint64_t slack_bytes_min = UINT64_C(1) << 20;

void wgi_residency_begin(wg_engine *engine) {
    wg_process_memory p = {0};
    if (engine->options.budget.warm == 0) return;
    engine->platform->ops->process_memory(engine->platform, &p);
    engine->maintenance.file_bytes_before = p.resident_file_bytes;
}

static void drop_uncharged(const wg_engine *e) {
    const wg_stripe_set *set = e->maintenance.stripes;
    const wg_fragment *f = NULL;
    uint64_t position = 0;
    while ((f = wg_stripe_set_next(set, &position)) != NULL) {
        wg_cache_entry *entry = wg_fragment_cache_entry(f);
        if (entry->evict != NULL &&
            atomic_load_explicit(&entry->residency, memory_order_relaxed) == (uint8_t)WG_L3_SSD_LOCAL)
            entry->evict(entry);
    }
}

static bool is_time(wg_engine *e) {
    wgi_maintenance *m = &e->maintenance;
    const uint64_t now = e->platform->ops->now_ns(e->platform);
    uint64_t last = atomic_load_explicit(&m->residency_looked_ns, memory_order_relaxed);
    return now - last >= look_every_ns &&
           atomic_compare_exchange_strong_explicit(&m->residency_looked_ns, &last, now, memory_order_relaxed,
                                                   memory_order_relaxed);
}

void wgi_residency_look(wg_engine *engine) {
    wgi_maintenance *m = &engine->maintenance;
    const uint64_t cap = engine->options.budget.warm;
    wg_process_memory p = {0};
    wg_cache_class_stats warm;
    if (cap == 0 || m->stripes == NULL || !is_time(engine)) return;
    engine->platform->ops->process_memory(engine->platform, &p);
    wg_cache_stats(m->cache, WG_L1_CPU_WARM, &warm);
    const uint64_t slack = cap / 8 > slack_bytes_min ? cap / 8 : slack_bytes_min;
    if (p.resident_file_bytes <= m->file_bytes_before + warm.bytes + slack) return;
    const uint32_t slot = wg_epoch_enter(engine->epoch);
    drop_uncharged(engine);
    wg_epoch_leave(engine->epoch, slot);
    atomic_fetch_add_explicit(&m->residency_sweeps, 1, memory_order_relaxed);
}
