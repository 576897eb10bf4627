/* Types of events: each name once, and for each the slots in which it occurs.
 *
 * Names are found by open addressing in a table of pointers that is replaced when it is two thirds full; the old one is
 * retired. A type points to its newest posting; a posting is a slot, how many events of the type lie before it, the posting
 * before, and a jump: of k postings any one is found in O(log k) steps, and as no posting ever changes readers need no lock. Inside a
 * slot readers look at its 1,024 types, so an append that is not the first of its type in the slot only counts.
 *
 * Names, types and postings lie in chunks that live as long as the table. Taking events back leaves their postings there. */
#include "worldgraph/events/events_internal.h"

_Static_assert(offsetof(wgi_chunk, bytes) % 8 == 0, "items in a chunk are aligned");

enum { TABLE_PLACES_MIN = 8, CHUNK_BYTES_MIN = 512, CHUNK_BYTES_MAX = 65536, ITEM_ALIGN = 8 };

static uint8_t *take(wgi_types *types, size_t bytes) {
    wgi_chunk *chunk = types->chunks;
    WG_ASSERT(chunk != NULL);
    WG_ASSERT(chunk->capacity - chunk->used >= bytes);
    uint8_t *p = chunk->bytes + chunk->used;
    chunk->used += (size_t)wg_align_up(bytes, ITEM_ALIGN);
    return p;
}

static uint64_t hash_of(wg_slice name) { return wg_hash64(0, name.data, name.size); }

static bool table_grow(wgi_types *types, uint64_t count) {
    wgi_type_table *old = atomic_load_explicit(&types->table, memory_order_relaxed);
    if (old != NULL && count <= types->capacity) return true;
    uint64_t places = TABLE_PLACES_MIN;
    while (places * 2 / 3 < count) places *= 2;
    size_t bytes;
    if (!wg_mul_size((size_t)places, sizeof old->places[0], &bytes) || !wg_add_size(bytes, sizeof *old, &bytes))
        return false;
    wgi_type_table *table = wg_alloc_zero(types->account, bytes);
    if (table == NULL) return false;
    table->mask = places - 1;
    for (uint64_t i = 0; old != NULL && i <= old->mask; i++) {
        wgi_type *type = atomic_load_explicit(&old->places[i], memory_order_relaxed);
        if (type == NULL) continue;
        uint64_t at = type->hash & table->mask;
        while (atomic_load_explicit(&table->places[at], memory_order_relaxed) != NULL) at = (at + 1) & table->mask;
        atomic_init(&table->places[at], type);
    }
    types->capacity = places * 2 / 3;
    atomic_store_explicit(&types->table, table, memory_order_release); /* pairs with wgi_events_types_find */
    if (old != NULL) wg_epoch_retire_linked(types->epoch, &old->link);
    return true;
}

bool wgi_events_types_reserve(wgi_types *types, uint32_t events, size_t name_bytes) {
    size_t bytes = (size_t)wg_align_up(sizeof(wgi_type), ITEM_ALIGN) + sizeof(wgi_posting) + ITEM_ALIGN;
    if (types->count + events <= types->capacity && types->chunks != NULL && events == 1 &&
        types->chunks->capacity - types->chunks->used >= bytes + name_bytes)
        return true;
    if (!wg_mul_size(bytes, events, &bytes) || !wg_add_size(bytes, name_bytes, &bytes)) return false;
    if (!table_grow(types, types->count + events)) return false;
    wgi_chunk *chunk = types->chunks;
    if (chunk != NULL && chunk->capacity - chunk->used >= bytes) return true;
    const size_t wish = chunk == NULL ? CHUNK_BYTES_MIN : wg_min_size(2 * chunk->capacity, CHUNK_BYTES_MAX);
    wgi_chunk *made = wgi_events_chunk_create(types->account, wg_max_size(wish, bytes));
    if (made == NULL) return false;
    made->next = chunk;
    types->chunks = made;
    return true;
}

wgi_type *wgi_events_types_find(const wgi_types *types, wg_slice name) {
    const wgi_type_table *table = atomic_load_explicit(&types->table, memory_order_acquire);
    if (table == NULL) return NULL;
    const uint64_t hash = hash_of(name);
    for (uint64_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        wgi_type *type = atomic_load_explicit(&table->places[at], memory_order_acquire); /* pairs with type_create */
        if (type == NULL || (type->hash == hash && wg_slice_equal(type->name, name))) return type;
    }
}

static wgi_type *type_create(wgi_types *types, wg_slice name) {
    wgi_type *type = (wgi_type *)(void *)take(types, sizeof *type);
    uint8_t *bytes = take(types, name.size);
    if (name.size > 0) memcpy(bytes, name.data, name.size);
    *type = (wgi_type){.name = wg_slice_of(bytes, name.size), .hash = hash_of(name)};
    wgi_type_table *table = atomic_load_explicit(&types->table, memory_order_relaxed);
    uint64_t at = type->hash & table->mask;
    while (atomic_load_explicit(&table->places[at], memory_order_relaxed) != NULL) at = (at + 1) & table->mask;
    atomic_store_explicit(&table->places[at], type, memory_order_release); /* pairs with wgi_events_types_find */
    types->count++;
    return type;
}

/* At the end of the order of first use. */
static void list(wgi_types *types, wgi_type *type) {
    type->listed = true;
    type->before = types->last;
    atomic_store_explicit(&type->next, NULL, memory_order_relaxed);
    /* release; pairs with who walks the order */
    atomic_store_explicit(types->last == NULL ? &types->first : &types->last->next, type, memory_order_release);
    types->last = type;
}

/* The few types that a run uses most of the time are found without a hash. */
static wgi_type *find_or_create(wgi_types *types, wg_slice name) {
    const size_t mix = name.size == 0 ? 0 : name.size + name.data[0] + name.data[name.size - 1];
    wgi_type **recent = &types->recent[mix % WGI_TYPES_RECENT];
    if (*recent != NULL && wg_slice_equal((*recent)->name, name)) return *recent;
    wgi_type *type = wgi_events_types_find(types, name);
    if (type == NULL) type = type_create(types, name);
    *recent = type;
    return type;
}

wgi_type *wgi_events_types_add(wgi_types *types, wg_slice name, uint64_t slot) {
    wgi_type *type = find_or_create(types, name);
    if (!type->listed) list(types, type);
    const wgi_posting *newest = atomic_load_explicit(&type->newest, memory_order_relaxed);
    WG_ASSERT(newest == NULL || newest->slot <= slot);
    if (newest == NULL || newest->slot != slot) {
        wgi_posting *posting = (wgi_posting *)(void *)take(types, sizeof *posting);
        *posting = (wgi_posting){.slot = slot, .before = type->total, .prev = newest, .jump = newest};
        if (newest != NULL) {
            const wgi_posting *jump = newest->jump;
            posting->depth = newest->depth + 1;
            if (jump != NULL && jump->jump != NULL && newest->depth - jump->depth == jump->depth - jump->jump->depth)
                posting->jump = jump->jump;
        }
        atomic_store_explicit(&type->newest, posting, memory_order_release); /* pairs with wgi_events_posting_at */
    }
    type->total++;
    return type;
}

void wgi_events_types_take_back(wgi_types *types, wgi_type *type) {
    const wgi_posting *newest = atomic_load_explicit(&type->newest, memory_order_relaxed);
    WG_ASSERT(newest != NULL);
    WG_ASSERT(type->total > newest->before);
    type->total--;
    if (newest->before != type->total) return;
    atomic_store_explicit(&type->newest, newest->prev, memory_order_release);
    if (newest->prev != NULL) return;
    WG_ASSERT(types->last == type); /* what was used first last goes first */
    type->listed = false;
    types->last = type->before;
    atomic_store_explicit(types->last == NULL ? &types->first : &types->last->next, NULL, memory_order_release);
}

/* Postings get older along prev and jump, and jumps never pass over more than what lies between. */
const wgi_posting *wgi_events_posting_at(const wgi_type *type, uint64_t slot, bool reverse) {
    const wgi_posting *p =
        atomic_load_explicit(&type->newest, memory_order_acquire); /* pairs with wgi_events_types_add */
    if (reverse) {
        while (p != NULL && p->slot > slot) p = p->jump != NULL && p->jump->slot > slot ? p->jump : p->prev;
        return p;
    }
    if (p == NULL || p->slot < slot) return NULL;
    for (;;) {
        if (p->jump != NULL && p->jump->slot >= slot) p = p->jump;
        else if (p->prev != NULL && p->prev->slot >= slot) p = p->prev;
        else return p;
    }
}

void wgi_events_types_deinit(wgi_types *types) {
    while (types->chunks != NULL) {
        wgi_chunk *next = types->chunks->next;
        wgi_events_chunk_release(types->chunks);
        types->chunks = next;
    }
    wg_free(atomic_load_explicit(&types->table, memory_order_relaxed));
}
