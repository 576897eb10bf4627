/* The event log of one run.
 *
 * Events lie in slots of 1,024 sequences; slot s has a block (block.c), in memory or stored. A table of slots that never move leads
 * to the blocks. One appender fills the last block and then publishes the number of events (release); readers load that number
 * (acquire) and find whole events below it. What takes another block's place (a longer one, a stored one, a thawed one) holds the
 * same events, and the old block is retired to the epoch, so a reader may use either.
 *
 * Memory is taken ahead of an append: rows in the last block, blocks behind it, room for payloads, a new type's name and
 * posting. The background makes the next block when the last is half full, so an appender seldom asks the allocator.
 *
 * A log opened from stripes begins with stored events [base, tail_from). The first append behind a slot that is stored in part brings
 * that slot back into memory. The lists by type of stored events are made when somebody first asks for a type.
 *
 * Forks: events below `base` are read in the parent, whose own events below its base are read in its parent.
 *
 * Failure modes: a refused allocation leaves the log as it was; damage in a stripe is WG_E_CORRUPT where it is read. */
#include "worldgraph/events/events_internal.h"

enum {
    ROWS_FIRST = 16,
    ROWS_STEP = 8,
    CHUNK_MIN = 256,
    CHUNK_MAX = 64 * 1024,
    HUGE_FROM = 2 << 20,
    HUGE_PAYLOAD_MAX = 1 << 20
};

wg_code wg_events_create(wg_epoch *epoch, wg_account *account, wg_events *parent, uint64_t base, wg_events **out,
                         wg_error *err) {
    WG_ASSERT(epoch != NULL);
    WG_ASSERT(WG_IMPLIES(parent == NULL, base == 0));
    WG_ASSERT(WG_IMPLIES(parent != NULL, base <= wgi_events_length(parent)));
    while (parent != NULL && base <= parent->base) parent = parent->parent; /* it has none of the events */
    wg_events *events = wg_alloc_zero(account, sizeof *events);
    if (events == NULL) return wg_error_nomem(err, sizeof *events);
    events->epoch = epoch;
    events->account = account;
    events->parent = parent;
    events->base = base;
    atomic_init(&events->count, base);
    atomic_init(&events->hashed, base);
    atomic_init(&events->tail_from, base);
    atomic_init(&events->start_known, base == 0);
    events->types = (wgi_types){.account = account, .epoch = epoch};
    events->stored_types = (wgi_types){.account = account, .epoch = epoch};
    wg_mutex_init(&events->stored_mutex, WGI_RANK_EVENTS_STORED);
    wg_mutex_init(&events->chain_mutex, WGI_RANK_EVENTS_CHAIN);
    *out = events;
    return WG_OK;
}

void wg_events_destroy(wg_events *events) {
    if (events == NULL) return;
    for (uint32_t i = wg_slots_next(&events->blocks, 0); i != UINT32_MAX; i = wg_slots_next(&events->blocks, i + 1))
        wgi_events_block_destroy(wg_slots_get(&events->blocks, i));
    for (uint32_t i = wg_slots_next(&events->digests, 0); i != UINT32_MAX; i = wg_slots_next(&events->digests, i + 1))
        wg_free(wg_slots_get(&events->digests, i));
    wg_slots_deinit(&events->blocks);
    wg_slots_deinit(&events->digests);
    while (events->spares != NULL) {
        wgi_block *next = events->spares->spare_next;
        wgi_events_block_destroy(events->spares);
        events->spares = next;
    }
    wgi_events_chunk_release(events->chunk);
    wgi_events_chunk_release(events->next_chunk);
    wgi_events_types_deinit(&events->types);
    wgi_events_types_deinit(&events->stored_types);
    wg_mutex_deinit(&events->stored_mutex);
    wg_mutex_deinit(&events->chain_mutex);
    wg_free(events);
}

void wg_events_use_pages(wg_events *events, wg_pages *pages) { events->pages = pages; }

uint64_t wg_events_base(const wg_events *events) { return events->base; }

uint64_t wg_events_bytes(const wg_events *events) {
    const uint32_t slots = wgi_slot_place(events, (wgi_events_length(events) + WG_EVENTS_SLOT - 1) / WG_EVENTS_SLOT);
    const uint64_t out = atomic_load_explicit(&events->payloads_out, memory_order_relaxed);
    uint64_t bytes = sizeof *events + atomic_load_explicit(&events->payloads_in, memory_order_relaxed);
    bytes = bytes > out ? bytes - out : 0;
    for (uint32_t i = wg_slots_next(&events->blocks, 0); i <= slots; i = wg_slots_next(&events->blocks, i + 1)) {
        const wgi_block *block = wg_slots_get(&events->blocks, i);
        bytes += sizeof *block + (uint64_t)block->capacity * WGI_EVENT_BYTES;
    }
    return bytes;
}

wgi_part wgi_events_part_of(const wg_events *events, uint64_t sequence, uint64_t count) {
    wgi_part part = {.log = events, .hi = count};
    while (sequence < part.log->base) {
        part.hi = wg_min_u64(part.hi, part.log->base);
        part.log = part.log->parent;
        WG_ASSERT(part.log != NULL);
    }
    part.lo = part.log->base;
    return part;
}

/* ---- single events and searches */

static uint64_t slot_of(uint64_t sequence) { return sequence / WG_EVENTS_SLOT; }

static wg_code block_find(const wg_events *events, uint64_t slot, const wgi_block **out, wg_error *err) {
    *out = wgi_block_at(events, slot);
    if (*out == NULL)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                            "slot %llu of an event log is missing; restore from a backup", (unsigned long long)slot);
    return WG_OK;
}

wg_code wgi_events_own_event(const wg_events *events, uint64_t sequence, wg_event *out, wg_error *err) {
    const wgi_block *block;
    WG_TRY(block_find(events, slot_of(sequence), &block, err));
    WG_ASSERT(sequence >= block->first);
    const uint32_t row = (uint32_t)(sequence - block->first);
    if (block->capacity == 0) return wgi_events_stored_event(block, row, out, err);
    *out = (wg_event){.sequence = sequence,
                      .version = atomic_load_explicit(&block->versions[row], memory_order_relaxed),
                      .time_us = atomic_load_explicit(&block->times[row], memory_order_relaxed),
                      .type = block->types[row]->name,
                      .value_type = block->value_types[row],
                      .payload = wg_slice_of(block->payloads[row], block->sizes[row])};
    return WG_OK;
}

wg_code wg_events_read(const wg_events *events, uint64_t sequence, wg_event *out, wg_error *err) {
    const uint64_t count = wgi_events_length(events);
    WG_ASSERT(sequence < count);
    return wgi_events_own_event(wgi_events_part_of(events, sequence, count).log, sequence, out, err);
}

static wg_code field_at(const wgi_block *block, wgi_field field, uint64_t sequence, uint64_t *out, wg_error *err) {
    const uint32_t row = (uint32_t)(sequence - block->first);
    if (block->capacity == 0)
        return wg_fragment_u64(block->stored, block->columns[field == WGI_FIELD_TIME ? WGI_C_TIME : WGI_C_VERSION],
                               row, out, err);
    const _Atomic uint64_t *cells = field == WGI_FIELD_TIME ? block->times : block->versions;
    *out = atomic_load_explicit(&cells[row], memory_order_relaxed); /* published by the count */
    return WG_OK;
}

/* Of a slot that is full, or stored: its last field. */
static wg_code slot_last(const wg_events *events, wgi_field field, uint64_t slot, uint64_t *out, wg_error *err) {
    const wgi_block *block;
    WG_TRY(block_find(events, slot, &block, err));
    if (block->capacity != 0) return field_at(block, field, (slot + 1) * WG_EVENTS_SLOT - 1, out, err);
    *out = block->stored->head.attributes[field == WGI_FIELD_TIME ? WGI_A_LAST_TIME : WGI_A_LAST_VERSION];
    return WG_OK;
}

wg_code wgi_events_bound(const wg_events *events, wgi_field field, uint64_t value, uint64_t hi, uint64_t *out,
                         wg_error *err) {
    if (hi <= events->base) {
        *out = events->base;
        return WG_OK;
    }
    uint64_t slot = slot_of(events->base);
    for (uint64_t end = slot_of(hi - 1);
         slot < end;) { /* the first slot whose last field is not below; or the last */
        const uint64_t middle = slot + (end - slot) / 2;
        uint64_t last;
        WG_TRY(slot_last(events, field, middle, &last, err));
        if (last < value) slot = middle + 1;
        else end = middle;
    }
    const wgi_block *block;
    WG_TRY(block_find(events, slot, &block, err));
    uint64_t from = wgi_slot_start(events, slot);
    for (uint64_t to = wg_min_u64(hi, (slot + 1) * WG_EVENTS_SLOT); from < to;) {
        const uint64_t middle = from + (to - from) / 2;
        uint64_t cell;
        WG_TRY(field_at(block, field, middle, &cell, err));
        if (cell < value) from = middle + 1;
        else to = middle;
    }
    *out = from;
    return WG_OK;
}

/* Most callers ask for the newest: then the last event decides. */
wg_code wg_events_count_checked(const wg_events *events, uint64_t snapshot, uint64_t *out, wg_error *err) {
    uint64_t count = wgi_events_length(events);
    for (; snapshot != WG_LOGSEQ_NEVER && count > 0; events = events->parent) {
        if (count > events->base) {
            uint64_t seen;
            WG_TRY(wgi_events_bound(events, WGI_FIELD_VERSION, snapshot + 1, count, &seen, err));
            if (seen > events->base) {
                *out = seen;
                return WG_OK;
            }
        }
        count = wg_min_u64(count, events->base);
    }
    *out = count;
    return WG_OK;
}

uint64_t wg_events_count(const wg_events *events, uint64_t snapshot) {
    uint64_t count = wgi_events_length(events);
    if (snapshot == WG_LOGSEQ_NEVER) return count;
    if (wg_events_count_checked(events, snapshot, &count, NULL) == WG_OK) return count;
    /* Damage: the last slot that has an event of a version that counts, as its head tells, counts whole. */
    for (uint64_t end = count; end > 0;) {
        const wgi_part part = wgi_events_part_of(events, end - 1, count);
        const wgi_block *block = wgi_block_at(part.log, slot_of(end - 1));
        const bool mapped = block != NULL && block->capacity == 0;
        uint64_t first = 0;
        if (mapped) first = block->stored->head.attributes[WGI_A_FIRST_VERSION];
        else if (block != NULL) (void)field_at(block, WGI_FIELD_VERSION, block->first, &first, NULL);
        if (first <= snapshot) return end;
        end = wgi_slot_start(part.log, slot_of(end - 1));
    }
    return 0;
}

wg_code wg_events_seek_time(const wg_events *events, uint64_t time_us, uint64_t count, uint64_t *out, wg_error *err) {
    uint64_t found = count;
    for (uint64_t hi = count; hi > 0;) { /* from the newest log to the oldest: the first that has one is the answer */
        const wgi_part part = wgi_events_part_of(events, hi - 1, hi);
        uint64_t at;
        WG_TRY(wgi_events_bound(part.log, WGI_FIELD_TIME, time_us, hi, &at, err));
        if (at < hi) found = at;
        if (at > part.lo) break;
        hi = part.lo;
    }
    *out = found;
    return WG_OK;
}

/* ---- room for appends */

static wgi_block *block_take(wg_events *events, uint64_t first, uint32_t capacity) {
    wgi_block *made = capacity == WG_EVENTS_SLOT ? wgi_events_block_carve(events->chunk, first, capacity) : NULL;
    if (made != NULL) return made;
    return wgi_events_block_create(events->account, first, capacity);
}

/* Puts a block into its place; the one that was there goes with its last reader. */
static bool block_put(wg_events *events, uint64_t slot, wgi_block *block) {
    const uint32_t place = wgi_slot_place(events, slot);
    if (!wg_slots_reserve(&events->blocks, place, events->account)) return false;
    wgi_block *old = wg_slots_get(&events->blocks, place);
    wg_slots_set(&events->blocks, place, block);
    if (old != NULL) wg_epoch_retire_object(events->epoch, &old->link, wgi_events_block_destroy);
    return true;
}

/* Rows that a log's first block should have so that `rows` fit; the others are whole at once. */
static uint32_t capacity_for(const wg_events *events, uint64_t slot, uint64_t rows) {
    const uint32_t whole = (uint32_t)((slot + 1) * WG_EVENTS_SLOT - wgi_slot_start(events, slot));
    if (wgi_slot_place(events, slot) > 0) return whole;
    uint32_t capacity = ROWS_FIRST;
    while (capacity < rows && capacity < whole) capacity *= ROWS_STEP;
    return capacity < whole ? capacity : whole;
}

/* Brings a slot that is stored in part back into memory: the lists by type take over its events. */
static wg_code thaw_rows(wg_events *events, const wgi_block *from, uint32_t rows, wgi_block *to, uint32_t *out_done,
                         wg_error *err) {
    size_t bytes = 0;
    wg_event e;
    for (uint32_t i = 0; i < rows; i++) {
        WG_TRY(wgi_events_stored_event(from, i, &e, err));
        bytes += e.payload.size;
    }
    wgi_chunk *chunk = wgi_events_chunk_create(events->account, bytes);
    if (chunk == NULL) return wg_error_nomem(err, bytes);
    to->first_chunk = to->last_chunk = chunk;
    to->chunk_count = 1;
    for (uint32_t i = 0; i < rows; i++) {
        WG_TRY(wgi_events_stored_event(from, i, &e, err));
        if (!wgi_events_types_reserve(&events->types, 1, e.type.size)) return wg_error_nomem(err, e.type.size);
        uint8_t *payload = chunk->bytes + chunk->used;
        if (e.payload.size > 0) memcpy(payload, e.payload.data, e.payload.size);
        chunk->used += e.payload.size;
        atomic_init(&to->versions[i], e.version);
        atomic_init(&to->times[i], e.time_us);
        to->types[i] = wgi_events_types_add(&events->types, e.type, slot_of(e.sequence));
        to->payloads[i] = payload;
        to->sizes[i] = (uint32_t)e.payload.size;
        to->value_types[i] = e.value_type;
        *out_done = i + 1;
    }
    return WG_OK;
}

/* Under stored_mutex. */
static wg_code thaw(wg_events *events, uint64_t slot, uint64_t end, wg_error *err) {
    const wgi_block *from = wgi_block_at(events, slot);
    WG_ASSERT(from != NULL && from->capacity == 0);
    WG_ASSERT(events->chunk == NULL); /* nothing was appended yet */
    const uint32_t rows = (uint32_t)(end - from->first);
    wgi_block *block = wgi_events_block_create(events->account, from->first, capacity_for(events, slot, rows + 1));
    if (block == NULL) return wg_error_nomem(err, sizeof *block);
    uint32_t done = 0;
    wg_code code = wgi_events_digests_thaw(events, from, rows, err);
    if (code == WG_OK) code = thaw_rows(events, from, rows, block, &done, err);
    if (code != WG_OK) {
        while (done > 0) wgi_events_types_take_back(&events->types, block->types[--done]);
        wgi_events_block_destroy(block);
        return code;
    }
    events->chunk = block->first_chunk;
    atomic_fetch_add_explicit(&events->chunk->users, 1, memory_order_relaxed);
    const bool placed = block_put(events, slot, block);
    WG_ASSERT(placed); /* the place is in use */
    /* release: who sees it finds the slot in the lists of the tail */
    atomic_store_explicit(&events->tail_from, block->first, memory_order_release);
    events->tail = block;
    return WG_OK;
}

/* The block of the next event with room for `rows` of them, or up to the slot's end. */
static wg_code tail_reserve(wg_events *events, uint64_t next, uint64_t rows, wg_error *err) {
    const uint64_t slot = slot_of(next);
    if (next == wgi_slot_start(events, slot))
        events->tail = wg_slots_get(&events->blocks, wgi_slot_place(events, slot));
    if (events->tail == NULL && next != wgi_slot_start(events, slot)) {
        wg_mutex_lock(&events->stored_mutex);
        const wg_code code = thaw(events, slot, next, err);
        wg_mutex_unlock(&events->stored_mutex);
        WG_TRY(code);
    }
    const uint32_t used = events->tail == NULL ? 0 : (uint32_t)(next - events->tail->first);
    const uint32_t capacity = capacity_for(events, slot, used + rows);
    if (events->tail != NULL && events->tail->capacity >= capacity) return WG_OK;
    wgi_block *block = block_take(events, wgi_slot_start(events, slot), capacity);
    if (block == NULL) return wg_error_nomem(err, sizeof *block);
    if (!wg_slots_reserve(&events->blocks, wgi_slot_place(events, slot), events->account)) {
        wgi_events_block_destroy(block);
        return wg_error_nomem(err, sizeof(wg_slots));
    }
    if (events->tail != NULL) wgi_events_block_take(block, events->tail, used);
    (void)block_put(events, slot, block);
    events->tail = block;
    return WG_OK;
}

/* Blocks behind the tail for `rows` more. */
static wg_code spares_reserve(wg_events *events, uint64_t slot, uint64_t rows, wg_error *err) {
    wgi_block **link = &events->spares;
    for (uint64_t have = 0; have < rows; have += WG_EVENTS_SLOT, slot++) {
        if (!wg_slots_reserve(&events->blocks, wgi_slot_place(events, slot), events->account))
            return wg_error_nomem(err, sizeof(wg_slots));
        if (*link == NULL) *link = block_take(events, 0, WG_EVENTS_SLOT);
        if (*link == NULL) return wg_error_nomem(err, sizeof(wgi_block));
        link = &(*link)->spare_next;
    }
    return WG_OK;
}

static size_t chunk_left(const wgi_chunk *chunk) { return chunk == NULL ? 0 : chunk->capacity - chunk->used; }

/* A log whose payloads fill huge pages in memory gets the next ones there. */
static bool wants_huge(const wg_events *events, size_t bytes) {
    const uint64_t out = atomic_load_explicit(&events->payloads_out, memory_order_relaxed); /* first: never passes */
    const uint64_t in = atomic_load_explicit(&events->payloads_in, memory_order_relaxed);
    return in - out >= HUGE_FROM && bytes <= HUGE_PAYLOAD_MAX;
}

static wg_code payload_reserve(wg_events *events, size_t bytes, wg_error *err) {
    if (chunk_left(events->chunk) >= bytes || chunk_left(events->next_chunk) >= bytes) return WG_OK;
    const size_t wish = events->chunk == NULL ? CHUNK_MIN : wg_min_size(2 * events->chunk->capacity, CHUNK_MAX);
    wgi_chunk *made = wants_huge(events, bytes) ? wgi_events_chunk_create_huge(events->pages) : NULL;
    if (made == NULL) made = wgi_events_chunk_create(events->account, wg_max_size(wish, bytes));
    if (made == NULL) return wg_error_nomem(err, bytes);
    wgi_events_chunk_release(events->next_chunk);
    events->next_chunk = made;
    return WG_OK;
}

static wg_code last_learn(wg_events *events, uint64_t next, wg_error *err) {
    if (next != 0) {
        const wgi_part part = wgi_events_part_of(events, next - 1, next);
        const wgi_block *block;
        const uint32_t slot = wg_epoch_enter(events->epoch);
        wg_code code = block_find(part.log, slot_of(next - 1), &block, err);
        if (code == WG_OK) code = field_at(block, WGI_FIELD_TIME, next - 1, &events->last_time, err);
        wg_epoch_leave(events->epoch, slot);
        WG_TRY(code);
    }
    events->last_known = true;
    return WG_OK;
}

wg_code wg_events_reserve_many(wg_events *events, uint32_t count, size_t type_bytes, size_t payload_bytes,
                               wg_error *err) {
    const uint64_t next = atomic_load_explicit(&events->count, memory_order_relaxed);
    const uint64_t in_slot = (slot_of(next) + 1) * WG_EVENTS_SLOT - next;
    if (slot_of(next + count) - slot_of(events->base) >= WG_SLOTS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "no more events fit into this run: at most 2^35");
    if (!events->last_known) WG_TRY(last_learn(events, next, err));
    WG_TRY(tail_reserve(events, next, wg_min_u64(count, in_slot), err));
    if (count > in_slot) WG_TRY(spares_reserve(events, slot_of(next) + 1, count - in_slot, err));
    if (!wgi_events_types_reserve(&events->types, count, type_bytes)) return wg_error_nomem(err, type_bytes);
    return payload_reserve(events, payload_bytes, err);
}

wg_code wg_events_reserve(wg_events *events, size_t type_bytes, size_t payload_bytes, wg_error *err) {
    const uint64_t next = atomic_load_explicit(&events->count, memory_order_relaxed);
    const wgi_block *tail = events->tail;
    if (tail != NULL && events->last_known && next % WG_EVENTS_SLOT != 0 && next - tail->first < tail->capacity &&
        chunk_left(events->chunk) >= payload_bytes && wgi_events_types_reserve(&events->types, 1, type_bytes))
        return WG_OK; /* nearly always */
    return wg_events_reserve_many(events, 1, type_bytes, payload_bytes, err);
}

/* ---- appends */

/* From now on the block uses the current chunk, and keeps those between its last one and this. */
static void chunk_use(wg_events *events, wgi_block *block) {
    if (block->last_chunk == events->chunk && block->chunk_count > 0) return;
    if (block->chunk_count == 0) block->first_chunk = block->last_chunk = events->chunk;
    else block->last_chunk = block->last_chunk->next;
    for (;; block->last_chunk = block->last_chunk->next) {
        WG_ASSERT(block->last_chunk != NULL);
        atomic_fetch_add_explicit(&block->last_chunk->users, 1, memory_order_relaxed);
        block->chunk_count++;
        if (block->last_chunk == events->chunk) return;
    }
}

static const uint8_t *payload_copy(wg_events *events, wgi_block *block, wg_slice payload) {
    if (payload.size == 0) return NULL;
    if (chunk_left(events->chunk) < payload.size) {
        WG_ASSERT(chunk_left(events->next_chunk) >= payload.size); /* reserved */
        if (events->chunk != NULL) events->chunk->next = events->next_chunk;
        wgi_events_chunk_release(events->chunk);
        events->chunk = events->next_chunk;
        events->next_chunk = NULL;
    }
    chunk_use(events, block);
    uint8_t *p = events->chunk->bytes + events->chunk->used;
    memcpy(p, payload.data, payload.size);
    events->chunk->used += payload.size;
    const uint64_t in = atomic_load_explicit(&events->payloads_in, memory_order_relaxed);
    atomic_store_explicit(&events->payloads_in, in + payload.size, memory_order_relaxed);
    return p;
}

uint64_t wg_events_append(wg_events *events, const wg_event *event) {
    const uint64_t sequence = atomic_load_explicit(&events->count, memory_order_relaxed);
    const uint64_t slot = slot_of(sequence);
    WG_ASSERT(event->payload.size <= UINT32_MAX);
    if (sequence == wgi_slot_start(events, slot)) {
        wgi_block *block = wg_slots_get(&events->blocks, wgi_slot_place(events, slot));
        if (block == NULL) {
            block = events->spares;
            WG_ASSERT(block != NULL); /* reserved */
            events->spares = block->spare_next;
            block->first = sequence;
            wg_slots_set(&events->blocks, wgi_slot_place(events, slot), block);
        }
        events->tail = block;
    }
    wgi_block *block = events->tail;
    const uint64_t row = sequence - block->first;
    WG_ASSERT(row < block->capacity); /* reserved */
    if (event->time_us > events->last_time) events->last_time = event->time_us;
    atomic_store_explicit(&block->versions[row], event->version, memory_order_relaxed);
    atomic_store_explicit(&block->times[row], events->last_time, memory_order_relaxed);
    block->types[row] = wgi_events_types_add(&events->types, event->type, slot);
    block->payloads[row] = payload_copy(events, block, event->payload);
    block->sizes[row] = (uint32_t)event->payload.size;
    block->value_types[row] = event->value_type;
    atomic_store_explicit(&events->count, sequence + 1, memory_order_release); /* pairs with wgi_events_length */
    return sequence;
}
