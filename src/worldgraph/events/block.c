/* Blocks: the events of one slot of 1,024 sequences, as arrays, and the chunks with their payloads.
 *
 * A block in memory is one allocation: its head, then an array for each field. The first block of a log begins with room for 16
 * events and is replaced by larger ones, so that a hundred thousand short logs are small; the others are made whole. Payloads
 * lie one behind the other in chunks, which a block shares with its neighbours: a chunk goes when its last user goes.
 *
 * A stored block is a fragment of a stripe and the places of its columns; nothing is read until somebody asks.
 *
 * Failure modes: NULL when memory is refused; WG_E_CORRUPT when a fragment is not what docs/format/arc1.md says of EVENTS. */
#include "worldgraph/events/events_internal.h"

wgi_chunk *wgi_events_chunk_create(wg_account *account, size_t capacity) {
    size_t bytes;
    if (!wg_add_size(sizeof(wgi_chunk), capacity, &bytes)) return NULL;
    wgi_chunk *chunk = wg_alloc(account, bytes);
    if (chunk == NULL) return NULL;
    *chunk = (wgi_chunk){.capacity = capacity};
    atomic_init(&chunk->users, 1);
    return chunk;
}

wgi_chunk *wgi_events_chunk_create_huge(wg_pages *pages) {
    wgi_chunk *chunk = pages == NULL ? NULL : wg_page_take(pages, false);
    if (chunk == NULL) return NULL;
    *chunk = (wgi_chunk){.capacity = WG_HUGE_PAGE_BYTES - sizeof *chunk, .pages = pages};
    atomic_init(&chunk->users, 1);
    return chunk;
}

static void chunk_destroy(wgi_chunk *chunk) {
    if (chunk->pages != NULL) wg_page_give(chunk->pages, chunk);
    else wg_free(chunk);
}

void wgi_events_chunk_release(wgi_chunk *chunk) {
    if (chunk == NULL) return;
    /* acq_rel: what other users did with it comes before the free */
    if (atomic_fetch_sub_explicit(&chunk->users, 1, memory_order_acq_rel) == 1) chunk_destroy(chunk);
}

static size_t block_bytes(uint32_t capacity) {
    WG_ASSERT(capacity > 0 && capacity <= WG_EVENTS_SLOT);
    const size_t head = (size_t)wg_align_up(sizeof(wgi_block), 8);
    return head + (size_t)capacity * (8 + 8 + sizeof(void *) + sizeof(void *) + 4 + 1);
}

static wgi_block *block_lay(uint8_t *p, uint64_t first, uint32_t capacity, wgi_chunk *home) {
    const size_t n = capacity;
    wgi_block *block = (wgi_block *)(void *)p;
    *block = (wgi_block){.first = first, .capacity = capacity, .home = home};
    p += wg_align_up(sizeof(wgi_block), 8);
    block->versions = (_Atomic uint64_t *)(void *)p;
    block->times = (_Atomic uint64_t *)(void *)(p += n * 8);
    block->types = (wgi_type **)(void *)(p += n * 8);
    block->payloads = (const uint8_t **)(void *)(p += n * sizeof(void *));
    block->sizes = (uint32_t *)(void *)(p += n * sizeof(void *));
    block->value_types = p + n * 4;
    return block;
}

wgi_block *wgi_events_block_create(wg_account *account, uint64_t first, uint32_t capacity) {
    uint8_t *p = wg_alloc(account, block_bytes(capacity));
    return p == NULL ? NULL : block_lay(p, first, capacity, NULL);
}

wgi_block *wgi_events_block_carve(wgi_chunk *chunk, uint64_t first, uint32_t capacity) {
    if (chunk == NULL || chunk->pages == NULL) return NULL;
    const size_t at = (size_t)wg_align_up(chunk->used, 8);
    if (at > chunk->capacity || chunk->capacity - at < block_bytes(capacity)) return NULL;
    chunk->used = at + block_bytes(capacity);
    atomic_fetch_add_explicit(&chunk->users, 1, memory_order_relaxed);
    return block_lay(chunk->bytes + at, first, capacity, chunk);
}

void wgi_events_block_take(wgi_block *block, wgi_block *from, uint32_t rows) {
    WG_ASSERT(rows <= from->capacity);
    WG_ASSERT(rows <= block->capacity);
    for (uint32_t i = 0; i < rows; i++) { /* nobody reads `block` yet; what is in `from` is published */
        atomic_init(&block->versions[i], atomic_load_explicit(&from->versions[i], memory_order_relaxed));
        atomic_init(&block->times[i], atomic_load_explicit(&from->times[i], memory_order_relaxed));
    }
    memcpy((void *)block->types, (const void *)from->types, rows * sizeof *block->types);
    memcpy((void *)block->payloads, (const void *)from->payloads, rows * sizeof *block->payloads);
    memcpy(block->sizes, from->sizes, rows * sizeof *block->sizes);
    memcpy(block->value_types, from->value_types, rows);
    block->first_chunk = from->first_chunk;
    block->last_chunk = from->last_chunk;
    block->chunk_count = from->chunk_count;
    from->chunk_count = 0; /* readers of `from` do not look at its chunks' list */
}

void wgi_events_block_destroy(void *p) {
    wgi_block *block = p;
    wgi_chunk *chunk = block->first_chunk;
    for (uint32_t left = block->chunk_count; left > 0; left--) {
        wgi_chunk *next = left > 1 ? chunk->next : NULL;
        wgi_events_chunk_release(chunk);
        chunk = next;
    }
    if (block->home != NULL) wgi_events_chunk_release(block->home);
    else wg_free(block);
}

/* ---- stored blocks */

static wg_code is_not_events(const wg_fragment *f, const char *what, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                        "events of run %u, slot %llu, stripe %llu: %s; restore from a backup", f->head.key.owner,
                        (unsigned long long)f->head.key.slot, (unsigned long long)wg_stripe_id(f->stripe), what);
}

wg_code wgi_events_block_map(wg_account *account, const wg_fragment *fragment, wgi_block **out, wg_error *err) {
    static const struct {
        uint32_t id;
        wg_type type;
    } wanted[6] = {{WG_COLUMN_VERSION, WG_TYPE_NODE},  {WG_COLUMN_TIME, WG_TYPE_NODE},
                   {WG_COLUMN_TYPE, WG_TYPE_BYTES},    {WG_COLUMN_VALUE_TYPE, WG_TYPE_NODE},
                   {WG_COLUMN_PAYLOAD, WG_TYPE_BYTES}, {WG_COLUMN_DIGEST, WG_TYPE_BYTES}};
    const wg_fragment_head *head = &fragment->head;
    const uint64_t *a = head->attributes;
    const uint64_t start = head->key.slot * WG_EVENTS_SLOT;
    if (head->key.kind != WG_KIND_EVENTS || head->key.slot >= UINT64_MAX / WG_EVENTS_SLOT)
        return is_not_events(fragment, "the fragment holds no events", err);
    if (head->row_count == 0 || a[WGI_A_FIRST] < start || a[WGI_A_FIRST] - start >= WG_EVENTS_SLOT ||
        head->row_count > WG_EVENTS_SLOT - (a[WGI_A_FIRST] - start))
        return is_not_events(fragment, "its sequences do not lie in the slot", err);
    if (a[WGI_A_LAST_VERSION] < a[WGI_A_FIRST_VERSION] || a[WGI_A_LAST_TIME] < a[WGI_A_FIRST_TIME])
        return is_not_events(fragment, "versions or times fall", err);
    wgi_block block = {.first = a[WGI_A_FIRST], .stored = fragment};
    for (uint32_t i = 0; i < 6; i++) {
        const uint32_t c = wg_fragment_column_of(fragment, wanted[i].id);
        if (c == UINT32_MAX || fragment->columns[c].type != wanted[i].type || fragment->columns[c].null_count != 0)
            return is_not_events(fragment, "a column is missing or of another type", err);
        block.columns[i] = c;
    }
    wgi_block *made = wg_alloc(account, sizeof *made);
    if (made == NULL) return wg_error_nomem(err, sizeof *made);
    *made = block;
    *out = made;
    return WG_OK;
}

/* Columns of EVENTS have no codec, so a cell points into the mapping and needs no arena. */
wg_code wgi_events_stored_bytes(const wgi_block *block, uint32_t column, uint32_t row, wg_slice *out, wg_error *err) {
    wg_value v;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_code code = wg_fragment_cell(block->stored, block->columns[column], row, &arena, &v, err);
    const bool copied = arena.blocks != NULL;
    wg_arena_deinit(&arena);
    WG_TRY(code);
    if (copied || v.type != WG_TYPE_BYTES)
        return is_not_events(block->stored, "a column of bytes is compressed or of another type", err);
    *out = wg_slice_of(v.as.s, v.size);
    return WG_OK;
}

wg_code wgi_events_stored_digest(const wgi_block *block, uint32_t row, wg_sha256 *out, wg_error *err) {
    wg_slice bytes;
    WG_TRY(wgi_events_stored_bytes(block, WGI_C_DIGEST, row, &bytes, err));
    if (bytes.size != sizeof out->bytes) return is_not_events(block->stored, "a hash has not 32 bytes", err);
    memcpy(out->bytes, bytes.data, sizeof out->bytes);
    return WG_OK;
}

wg_code wgi_events_stored_event(const wgi_block *block, uint32_t row, wg_event *out, wg_error *err) {
    const wg_fragment *f = block->stored;
    uint64_t value_type;
    wg_event e = {.sequence = block->first + row};
    WG_TRY(wg_fragment_u64(f, block->columns[WGI_C_VERSION], row, &e.version, err));
    WG_TRY(wg_fragment_u64(f, block->columns[WGI_C_TIME], row, &e.time_us, err));
    WG_TRY(wg_fragment_u64(f, block->columns[WGI_C_VALUE_TYPE], row, &value_type, err));
    WG_TRY(wgi_events_stored_bytes(block, WGI_C_TYPE, row, &e.type, err));
    WG_TRY(wgi_events_stored_bytes(block, WGI_C_PAYLOAD, row, &e.payload, err));
    if (value_type > UINT8_MAX || e.type.size > WG_EVENT_TYPE_BYTES_MAX || e.payload.size > UINT32_MAX)
        return is_not_events(f, "a value type, type or payload is out of range", err);
    e.value_type = (uint8_t)value_type;
    *out = e;
    return WG_OK;
}
