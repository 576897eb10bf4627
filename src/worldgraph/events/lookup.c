/* Events by type. Two sets of lists (types.c) cover a log: one for what was stored when it was opened, made at the first question, and one
 * for what was appended since. A list says in which slots a type occurs; inside a slot its 1,024 types are looked through. */
#include "worldgraph/events/events_internal.h"

static uint64_t slot_of(uint64_t sequence) { return sequence / WG_EVENTS_SLOT; }

static void scan_hit(wgi_scan *scan, uint64_t sequence) {
    if (scan->n++ == 0) scan->first = sequence;
    scan->last = sequence;
}

static wg_code scan_stored(const wg_events *events, const wgi_block *block, uint64_t from, uint64_t to, wg_slice type,
                           wgi_scan *scan, wg_error *err) {
    wg_fragment_scratch scratch = {.account = events->account};
    wg_vector v;
    const wg_code code = wg_fragment_read(block->stored, block->columns[WGI_C_TYPE], (uint32_t)(from - block->first),
                                          (uint32_t)(to - from), &scratch, &v, err);
    const wg_str *cells = v.data;
    for (uint64_t i = from; code == WG_OK && i < to; i++)
        if (wg_slice_equal(wg_slice_of_str(cells[i - from]), type)) scan_hit(scan, i);
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

wg_code wgi_events_slot_scan(const wg_events *events, uint64_t from, uint64_t to, wg_slice type, wgi_scan *out,
                             wg_error *err) {
    wgi_scan scan = {.first = UINT64_MAX, .last = UINT64_MAX};
    if (from < to) {
        const wgi_block *block = wgi_block_at(events, slot_of(from));
        WG_ASSERT(block != NULL);
        WG_ASSERT(from >= block->first);
        if (block->capacity == 0) {
            WG_TRY(scan_stored(events, block, from, to, type, &scan, err));
        } else {
            const wgi_type *known = wgi_events_types_find(&events->types, type);
            for (uint64_t i = from; known != NULL && i < to; i++)
                if (block->types[i - block->first] == known) scan_hit(&scan, i);
        }
    }
    *out = scan;
    return WG_OK;
}

/* ---- the lists of stored events */

static wg_code add_slot(wg_events *events, uint64_t from, uint64_t to, wgi_types *types, wg_error *err) {
    wg_fragment_scratch scratch = {.account = events->account};
    const wgi_block *block = wgi_block_at(events, slot_of(from));
    WG_ASSERT(block != NULL);
    const wg_str *cells = NULL;
    wg_vector v;
    wg_code code = WG_OK;
    if (block->capacity == 0) {
        code = wg_fragment_read(block->stored, block->columns[WGI_C_TYPE], (uint32_t)(from - block->first),
                                (uint32_t)(to - from), &scratch, &v, err);
        if (code == WG_OK) cells = v.data;
    }
    for (uint64_t i = from; code == WG_OK && i < to; i++) {
        const wg_slice name = cells != NULL ? wg_slice_of_str(cells[i - from]) : block->types[i - block->first]->name;
        if (!wgi_events_types_reserve(types, 1, name.size)) code = wg_error_nomem(err, name.size);
        else (void)wgi_events_types_add(types, name, slot_of(i));
    }
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

wg_code wgi_events_stored_types_build(wg_events *events, wg_error *err) {
    if (atomic_load_explicit(&events->stored_types_ready, memory_order_acquire)) return WG_OK;
    wg_mutex_lock(&events->stored_mutex);
    wg_code code = WG_OK;
    if (!atomic_load_explicit(&events->stored_types_ready, memory_order_relaxed)) {
        wgi_types types = {.account = events->account, .epoch = events->epoch};
        const uint64_t end = atomic_load_explicit(&events->tail_from, memory_order_relaxed);
        for (uint64_t at = events->base; at < end && code == WG_OK;) {
            const uint64_t to = wg_min_u64(end, (slot_of(at) + 1) * WG_EVENTS_SLOT);
            code = add_slot(events, at, to, &types, err);
            at = to;
        }
        if (code == WG_OK) {
            events->stored_types = types;
            /* release; pairs with the load above */
            atomic_store_explicit(&events->stored_types_ready, true, memory_order_release);
        } else {
            wgi_events_types_deinit(&types);
        }
    }
    wg_mutex_unlock(&events->stored_mutex);
    return code;
}

/* ---- one list */

/* Events of the list below `end`. */
static wg_code count_below(const wg_events *log, const wgi_type *type, uint64_t end, uint64_t *out, wg_error *err) {
    *out = 0;
    if (type == NULL || end <= log->base) return WG_OK;
    const wgi_posting *p = wgi_events_posting_at(type, slot_of(end - 1), true);
    if (p == NULL) return WG_OK;
    wgi_scan scan;
    WG_TRY(wgi_events_slot_scan(log, wgi_slot_start(log, p->slot), wg_min_u64(end, (p->slot + 1) * WG_EVENTS_SLOT),
                                type->name, &scan, err));
    *out = p->before + scan.n;
    return WG_OK;
}

/* The first event of the list in [from, to). */
static wg_code list_next(const wg_events *log, const wgi_type *type, uint64_t from, uint64_t to, uint64_t *out,
                         wg_error *err) {
    *out = UINT64_MAX;
    while (type != NULL && from < to) {
        const wgi_posting *p = wgi_events_posting_at(type, slot_of(from), false);
        if (p == NULL) return WG_OK;
        const uint64_t start = wg_max_u64(from, wgi_slot_start(log, p->slot));
        const uint64_t end = wg_min_u64(to, (p->slot + 1) * WG_EVENTS_SLOT);
        wgi_scan scan;
        WG_TRY(wgi_events_slot_scan(log, start, end, type->name, &scan, err));
        *out = scan.first;
        if (scan.n > 0) return WG_OK;
        from = wg_max_u64(end, start);
    }
    return WG_OK;
}

/* The last event of the list in [from, to). */
static wg_code list_last(const wg_events *log, const wgi_type *type, uint64_t from, uint64_t to, uint64_t *out,
                         wg_error *err) {
    *out = UINT64_MAX;
    while (type != NULL && from < to) {
        const wgi_posting *p = wgi_events_posting_at(type, slot_of(to - 1), true);
        if (p == NULL) return WG_OK;
        const uint64_t start = wg_max_u64(from, wgi_slot_start(log, p->slot));
        const uint64_t end = wg_min_u64(to, (p->slot + 1) * WG_EVENTS_SLOT);
        wgi_scan scan;
        WG_TRY(wgi_events_slot_scan(log, start, end, type->name, &scan, err));
        *out = scan.last;
        if (scan.n > 0) return WG_OK;
        to = start;
    }
    return WG_OK;
}

/* ---- one log: stored lists, then the tail's */

/* The lists of a log for one name. `border` is loaded before the tail's lists are looked up: they hold all from it on. */
typedef struct log_lists {
    const wgi_type *stored;
    const wgi_type *tail;
    uint64_t border;
} log_lists;

static wg_code lists_of(const wg_events *log, wg_slice name, log_lists *out, wg_error *err) {
    out->border = atomic_load_explicit(&log->tail_from, memory_order_acquire); /* pairs with thaw */
    out->stored = NULL;
    if (out->border > log->base) {
        /* The lists are a cache: making them changes nothing that a reader sees. */
        WG_TRY(wgi_events_stored_types_build((wg_events *)(uintptr_t)log, err));
        out->stored = wgi_events_types_find(&log->stored_types, name);
    }
    out->tail = wgi_events_types_find(&log->types, name);
    return WG_OK;
}

static wg_code log_count(const wg_events *log, wg_slice name, uint64_t end, uint64_t *out, wg_error *err) {
    log_lists l;
    uint64_t stored;
    uint64_t all;
    uint64_t before;
    WG_TRY(lists_of(log, name, &l, err));
    WG_TRY(count_below(log, l.stored, wg_min_u64(end, l.border), &stored, err));
    WG_TRY(count_below(log, l.tail, end, &all, err));
    WG_TRY(count_below(log, l.tail, wg_min_u64(end, l.border), &before, err));
    *out = stored + all - before;
    return WG_OK;
}

static wg_code log_next(const wg_events *log, wg_slice name, uint64_t from, uint64_t to, uint64_t *out,
                        wg_error *err) {
    log_lists l;
    WG_TRY(lists_of(log, name, &l, err));
    WG_TRY(list_next(log, l.stored, from, wg_min_u64(to, l.border), out, err));
    if (*out != UINT64_MAX) return WG_OK;
    return list_next(log, l.tail, wg_max_u64(from, l.border), to, out, err);
}

static wg_code log_last(const wg_events *log, wg_slice name, uint64_t from, uint64_t to, uint64_t *out,
                        wg_error *err) {
    log_lists l;
    WG_TRY(lists_of(log, name, &l, err));
    WG_TRY(list_last(log, l.tail, wg_max_u64(from, l.border), to, out, err));
    if (*out != UINT64_MAX) return WG_OK;
    return list_last(log, l.stored, from, wg_min_u64(to, l.border), out, err);
}

/* ---- all logs of a fork */

wg_code wg_events_next_of_type(const wg_events *events, wg_slice type, uint64_t from, uint64_t count, bool reverse,
                               uint64_t *out, wg_error *err) {
    WG_ASSERT(count <= wgi_events_length(events));
    uint64_t found = UINT64_MAX;
    if (reverse) {
        for (uint64_t end = wg_min_u64(count, from == UINT64_MAX ? from : from + 1);
             end > 0 && found == UINT64_MAX;) {
            const wgi_part part = wgi_events_part_of(events, end - 1, end);
            WG_TRY(log_last(part.log, type, part.lo, end, &found, err));
            end = part.lo;
        }
    } else {
        while (from < count && found == UINT64_MAX) {
            const wgi_part part = wgi_events_part_of(events, from, count);
            WG_TRY(log_next(part.log, type, from, part.hi, &found, err));
            from = part.hi;
        }
    }
    *out = found;
    return WG_OK;
}

static wg_code count_of(const wg_events *events, wg_slice type, uint64_t count, uint64_t *out, wg_error *err) {
    uint64_t sum = 0;
    for (uint64_t end = count; end > 0;) {
        const wgi_part part = wgi_events_part_of(events, end - 1, end);
        uint64_t n;
        WG_TRY(log_count(part.log, type, end, &n, err));
        sum += n;
        end = part.lo;
    }
    *out = sum;
    return WG_OK;
}

typedef struct types_walk {
    const wg_events *events;
    uint64_t count;
    bool (*fn)(void *ctx, wg_slice type, uint64_t n);
    void *ctx;
    bool stopped;
} types_walk;

/* Types of one set of lists whose first use is in [from, to). */
static wg_code walk_list(types_walk *w, const wgi_types *types, uint64_t from, uint64_t to, wg_error *err) {
    const wgi_type *type = atomic_load_explicit(&types->first, memory_order_acquire); /* pairs with list in types.c */
    while (type != NULL && !w->stopped) {
        uint64_t before = 0;
        uint64_t n;
        if (from > 0) WG_TRY(count_of(w->events, type->name, from, &before, err));
        WG_TRY(count_of(w->events, type->name, to, &n, err));
        if (before == 0 && n > 0) {
            if (to < w->count) WG_TRY(count_of(w->events, type->name, w->count, &n, err));
            w->stopped = !w->fn(w->ctx, type->name, n);
        }
        type = atomic_load_explicit(&type->next, memory_order_acquire);
    }
    return WG_OK;
}

wg_code wg_events_types(const wg_events *events, uint64_t count, bool (*fn)(void *ctx, wg_slice type, uint64_t n),
                        void *ctx, wg_error *err) {
    WG_ASSERT(count <= wgi_events_length(events));
    types_walk w = {.events = events, .count = count, .fn = fn, .ctx = ctx};
    for (uint64_t from = 0; from < count && !w.stopped;) {
        const wgi_part part = wgi_events_part_of(events, from, count);
        const uint64_t border = wg_min_u64(part.hi, atomic_load_explicit(&part.log->tail_from, memory_order_acquire));
        if (border > part.lo) {
            WG_TRY(wgi_events_stored_types_build((wg_events *)(uintptr_t)part.log, err));
            WG_TRY(walk_list(&w, &part.log->stored_types, from, border, err));
        }
        if (border < part.hi) WG_TRY(walk_list(&w, &part.log->types, wg_max_u64(from, border), part.hi, err));
        from = part.hi;
    }
    return WG_OK;
}

/* ---- for verify: each list's postings hold what they say, and together they hold every event */

static wg_code list_check(const wg_events *log, const wgi_type *type, uint64_t lo, uint64_t hi, uint64_t *sum,
                          uint64_t *out_bad, wg_error *err) {
    uint64_t expected = UINT64_MAX; /* `before` of the posting above */
    const wgi_posting *p = hi > lo ? wgi_events_posting_at(type, slot_of(hi - 1), true) : NULL;
    for (; p != NULL && *out_bad == UINT64_MAX; p = p->prev) {
        const uint64_t start = wg_max_u64(lo, wgi_slot_start(log, p->slot));
        wgi_scan scan;
        WG_TRY(
            wgi_events_slot_scan(log, start, wg_min_u64(hi, (p->slot + 1) * WG_EVENTS_SLOT), type->name, &scan, err));
        const bool sums = expected == UINT64_MAX || p->before + scan.n == expected;
        const bool ends = p->prev != NULL ? p->prev->slot < p->slot : p->before == 0;
        if (!sums || !ends || (scan.n == 0 && expected != UINT64_MAX)) *out_bad = start;
        expected = p->before;
        *sum += scan.n;
    }
    return WG_OK;
}

wg_code wgi_events_lists_check(wg_events *log, uint64_t hi, uint64_t *out_bad, wg_error *err) {
    const uint64_t lo = atomic_load_explicit(&log->tail_from, memory_order_acquire);
    uint64_t sum = 0;
    *out_bad = UINT64_MAX;
    if (hi <= lo) return WG_OK; /* lists of stored events are made from them */
    const wgi_type *type = atomic_load_explicit(&log->types.first, memory_order_acquire);
    while (type != NULL && *out_bad == UINT64_MAX) {
        WG_TRY(list_check(log, type, lo, hi, &sum, out_bad, err));
        type = atomic_load_explicit(&type->next, memory_order_acquire);
    }
    if (*out_bad == UINT64_MAX && sum != hi - lo) *out_bad = lo;
    return WG_OK;
}
