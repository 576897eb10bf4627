/* In which task each key was dealt first, for DISTINCT and groups without aggregates: a row whose key was dealt from its own task or an
 * earlier one says nothing new, and is not dealt again.
 *
 * Keys of one word that lie within SPAN_MAX of each other have a word each in an array of all workers, which stays in the caches where tables
 * of so many groups do not. The range is that of the groups of the worker that begins to deal; keys outside of it are dealt as they come.
 * The first row of a key is never left out: no row of an earlier task has the key, nor an earlier row of its own. Whoever notes a task deals
 * the row at once, so a row is only left out where one that goes before it is among the groups, whichever worker was faster. */
#include "exec/aggregate_internal.h"

enum { SPAN_MAX = 1 << 22, AHEAD = 16 };

struct wgi_agg_seen {
    uint64_t low;
    uint64_t span;
    _Atomic uint32_t tasks[]; /* relaxed; UINT32_MAX: none so far */
};

void wgi_agg_seen_destroy(wgi_agg_seen *seen) { wg_free(seen); }

wg_code wgi_agg_seen_create(const wgi_agg_table *own, wgi_agg_seen **out, wg_error *err) {
    *out = NULL;
    if (!own->by_word || own->state_count > 0 || wg_type_physical(own->keys[0].type) == WG_PHYSICAL_BOOL)
        return WG_OK;
    const int64_t *words = own->keys[0].data;
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;
    for (uint32_t g = 0; g < own->count; g++) {
        if (g + 1 == own->null_group) continue;
        least = words[g] < least ? words[g] : least;
        most = words[g] > most ? words[g] : most;
    }
    const uint64_t span = (uint64_t)most - (uint64_t)least;
    if (least > most || span >= SPAN_MAX) return WG_OK;
    const size_t bytes = sizeof(wgi_agg_seen) + (span + 1) * sizeof(uint32_t);
    wgi_agg_seen *seen = wg_alloc(own->account, bytes);
    if (seen == NULL) return wg_error_nomem(err, bytes);
    memset(seen, 0xff, bytes);
    seen->low = (uint64_t)least;
    seen->span = span + 1;
    *out = seen;
    return WG_OK;
}

/* True when the row is to be dealt. */
static bool note(_Atomic uint32_t *first, uint32_t task) {
    uint32_t before = atomic_load_explicit(first, memory_order_relaxed);
    while (before > task)
        if (atomic_compare_exchange_weak_explicit(first, &before, task, memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

wg_code wgi_agg_seen_filter(wgi_agg_seen *seen, uint32_t task, const wg_vector *key, wg_batch *batch, wg_arena *arena,
                            wg_error *err) {
    wgi_dense x = {0};
    uint32_t n = 0;
    if (seen == NULL || key->valid != NULL) return WG_OK;
    uint16_t *sel = wg_arena_alloc(arena, ((size_t)batch->row_count + 1) * sizeof *sel);
    if (sel == NULL || !wgi_dense_of(arena, key, batch, &x))
        return wg_error_nomem(err, batch->row_count * sizeof *sel);
    const uint64_t *words = x.cells;
    for (uint32_t i = 0; i < x.n; i++) {
        const uint64_t at = words[i] - seen->low;
        const uint64_t ahead = i + AHEAD < x.n ? words[i + AHEAD] - seen->low : seen->span;
        if (ahead < seen->span) __builtin_prefetch(&seen->tasks[ahead]);
        sel[n] = (uint16_t)wg_batch_row(batch, i);
        n += at >= seen->span || note(&seen->tasks[at], task) ? 1 : 0;
    }
    batch->row_count = n;
    batch->sel = sel;
    return WG_OK;
}
