/* What a checkpoint writes of a log, and how a log reads it: fragments of kind EVENTS, one a slot (docs/format/arc1.md).
 *
 * Storing runs beside appends: it writes events below `until`, which do not change any more, with their hashes. Adopting puts a stored
 * block into the place of the block in memory when the fragment holds the whole slot; the last slot, which still grows, stays in memory
 * and is written again by the next checkpoint. At open, and for those who follow a store, a fragment whose events go on behind the log's
 * end makes the log longer: nothing of it is read then but its head.
 *
 * Failure modes: WG_E_CORRUPT a fragment that does not fit; WG_E_NOMEM; the log is then as it was. */
#include "worldgraph/events/events_internal.h"

typedef struct slot_cells {
    uint64_t versions[WG_EVENTS_SLOT];
    uint64_t times[WG_EVENTS_SLOT];
    uint64_t value_types[WG_EVENTS_SLOT];
    wg_str types[WG_EVENTS_SLOT];
    wg_str payloads[WG_EVENTS_SLOT];
    wg_str digests[WG_EVENTS_SLOT];
    wg_sha256 hashes[WG_EVENTS_SLOT];
} slot_cells;

static wg_code cells_read(wg_events *log, uint64_t from, uint32_t rows, slot_cells *cells, wg_error *err) {
    uint32_t known;
    WG_TRY(wgi_events_digests_known(log, from, rows, cells->hashes, &known, err));
    WG_ASSERT(known == rows); /* computed before, and they stay below `until` */
    for (uint32_t i = 0; i < rows; i++) {
        wg_event e;
        WG_TRY(wgi_events_own_event(log, from + i, &e, err));
        cells->versions[i] = e.version;
        cells->times[i] = e.time_us;
        cells->value_types[i] = e.value_type;
        cells->types[i] = wg_str_of_slice(e.type);
        cells->payloads[i] = wg_str_of_slice(e.payload);
        cells->digests[i] = (wg_str){(const char *)cells->hashes[i].bytes, sizeof cells->hashes[i].bytes};
    }
    return WG_OK;
}

static wg_code slot_write(const slot_cells *cells, wg_stripe_sink *sink, const wg_fragment_head *head,
                          wg_error *err) {
    const wg_stripe_column columns[] = {
        {WG_COLUMN_PAYLOAD, {.type = WG_TYPE_BYTES, .data = cells->payloads}},
        {WG_COLUMN_VERSION, {.type = WG_TYPE_NODE, .data = cells->versions}},
        {WG_COLUMN_TIME, {.type = WG_TYPE_NODE, .data = cells->times}},
        {WG_COLUMN_TYPE, {.type = WG_TYPE_BYTES, .data = cells->types}},
        {WG_COLUMN_VALUE_TYPE, {.type = WG_TYPE_NODE, .data = cells->value_types}},
        {WG_COLUMN_DIGEST, {.type = WG_TYPE_BYTES, .data = cells->digests}},
    };
    return wg_stripe_sink_add(sink, head, columns, sizeof columns / sizeof columns[0], err);
}

wg_code wg_events_store(wg_events *events, wg_stripe_sink *sink, uint32_t owner, uint64_t since, uint64_t until,
                        uint64_t version, wg_error *err) {
    WG_ASSERT(until <= wgi_events_length(events));
    since = wg_max_u64(since, events->base);
    if (since >= until) return WG_OK;
    wg_sha256 last;
    WG_TRY(wg_events_hash(events, until - 1, &last, err));
    slot_cells *cells = wg_alloc(events->account, sizeof *cells);
    if (cells == NULL) return wg_error_nomem(err, sizeof *cells);
    wg_code code = WG_OK;
    for (uint64_t slot = since / WG_EVENTS_SLOT; slot <= (until - 1) / WG_EVENTS_SLOT && code == WG_OK; slot++) {
        const uint64_t from = wgi_slot_start(events, slot);
        const uint32_t rows = (uint32_t)(wg_min_u64(until, (slot + 1) * WG_EVENTS_SLOT) - from);
        const uint32_t reader = wg_epoch_enter(events->epoch);
        code = cells_read(events, from, rows, cells, err);
        if (code == WG_OK) {
            const wg_fragment_head head = {.key = {.kind = WG_KIND_EVENTS, .owner = owner, .slot = slot},
                                           .version = version,
                                           .row_count = rows,
                                           .attributes = {from, cells->versions[0], cells->versions[rows - 1],
                                                          cells->times[0], cells->times[rows - 1]}};
            code = slot_write(cells, sink, &head, err);
        }
        wg_epoch_leave(events->epoch, reader);
    }
    wg_free(cells);
    return code;
}

/* ---- adopting */

static wg_code does_not_fit(const wgi_block *block, uint64_t length, wg_error *err) {
    const wg_fragment *f = block->stored;
    return wg_error_set(
        err, WG_E_CORRUPT, WG_NO_OFFSET,
        "events of run %u, slot %llu, stripe %llu: %u events from %llu on do not go on where the log has %llu; "
        "restore from a backup",
        f->head.key.owner, (unsigned long long)f->head.key.slot, (unsigned long long)wg_stripe_id(f->stripe),
        f->head.row_count, (unsigned long long)block->first, (unsigned long long)length);
}

/* The log becomes longer. Nobody appends, and nothing was appended: all blocks are stored. */
static wg_code extend(wg_events *log, wgi_block *block, uint64_t end, wg_error *err) {
    const uint64_t slot = block->first / WG_EVENTS_SLOT;
    const uint32_t place = wgi_slot_place(log, slot);
    if (!wg_slots_reserve(&log->blocks, place, log->account)) return wg_error_nomem(err, sizeof(wg_slots));
    wgi_block *old = wg_slots_get(&log->blocks, place);
    wg_slots_set(&log->blocks, place, block);
    if (old != NULL) wg_epoch_retire_object(log->epoch, &old->link, wgi_events_block_destroy);
    wg_mutex_lock(&log->chain_mutex);
    atomic_store_explicit(&log->hashed, end, memory_order_relaxed);
    log->head_known = false;
    wg_mutex_unlock(&log->chain_mutex);
    atomic_store_explicit(&log->tail_from, end, memory_order_release);
    atomic_store_explicit(&log->count, end, memory_order_release); /* pairs with wgi_events_length */
    log->last_known = false;
    return WG_OK;
}

static wg_code adopt(wg_events *log, wgi_block *block, bool *out_used, wg_error *err) {
    const uint64_t slot = block->first / WG_EVENTS_SLOT;
    const uint64_t end = block->first + block->stored->head.row_count;
    const uint64_t length = wgi_events_length(log);
    wgi_block *old = slot < log->base / WG_EVENTS_SLOT ? NULL : wg_slots_get(&log->blocks, wgi_slot_place(log, slot));
    *out_used = false;
    if (block->first != wgi_slot_start(log, slot)) return does_not_fit(block, length, err);
    if (end > length) {
        const bool whole = block->first == length || (old != NULL && old->capacity == 0);
        if (!whole || atomic_load_explicit(&log->tail_from, memory_order_relaxed) != length ||
            atomic_load_explicit(&log->stored_types_ready, memory_order_relaxed))
            return does_not_fit(block, length, err);
        *out_used = true;
        return extend(log, block, end, err);
    }
    WG_ASSERT(old != NULL);
    const bool is_stored = old->capacity == 0;
    if (is_stored ? end < old->first + old->stored->head.row_count : end != (slot + 1) * WG_EVENTS_SLOT) return WG_OK;
    *out_used = true;
    wg_slots_set(&log->blocks, wgi_slot_place(log, slot), block);
    if (!is_stored) {
        uint64_t bytes = 0;
        for (uint64_t i = 0; i < end - old->first; i++) bytes += old->sizes[i];
        atomic_fetch_add_explicit(&log->payloads_out, bytes, memory_order_relaxed);
        wgi_events_digests_drop(log, slot);
    }
    wg_epoch_retire_object(log->epoch, &old->link, wgi_events_block_destroy);
    return WG_OK;
}

wg_code wg_events_adopt(wg_events *events, const wg_fragment *fragment, wg_error *err) {
    wgi_block *block = NULL;
    WG_TRY(wgi_events_block_map(events->account, fragment, &block, err));
    bool used = false;
    wg_mutex_lock(&events->stored_mutex); /* nobody thaws a block or makes lists meanwhile */
    const wg_code code = adopt(events, block, &used, err);
    wg_mutex_unlock(&events->stored_mutex);
    if (code != WG_OK || !used) wgi_events_block_destroy(block);
    return code;
}
