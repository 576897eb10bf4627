/* The table of all runs' keys: extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979) over segments of 128 slots.
 *
 * The directory has an entry for each value of the hash's top bits; a segment of depth d serves all hashes that begin with its d bits, so that
 * 2^(depth - d) entries lead to it. Inside, a key's home is given by the hash's low bits, the next free slot behind it takes it. A segment
 * with WGI_SEGMENT_FULL keys is split: its keys are copied into two others, the entries are changed, and it goes to the free ones;
 * when its depth is the directory's, the directory is doubled first. That is 5 us now and then, never a pause of the whole table.
 *
 * Readers hold nothing. A segment's generation is odd while it is not in service; who found it even before and the same after has read
 * a segment that served its hashes all the time. Segments and directories stay for good: what a reader holds may be stale, never gone.
 * Purging works the same way: the keys that stay are copied into another segment.
 *
 * Failure modes: no memory for a segment, a chunk or a larger directory: nothing has changed. */
#include "worldgraph/state/table_internal.h"

#include "base/digest/digest.h"

enum {
    DEPTH_FIRST = 3,
    DEPTH_MAX = 28,
    SIDES_CHUNKS = 8, /* whose sides share a huge page */
    CHUNK_ROOM_FIRST = 16
};
#define SIDES_BYTES  ((size_t)WGI_CHUNK_SEGMENTS * WGI_SLOTS * sizeof(wgi_side))
#define CHUNK_BYTES  ((size_t)WGI_CHUNK_SEGMENTS * WGI_SLOTS * sizeof(wgi_slot))
#define HEADER_BYTES ((size_t)WGI_CHUNK_SEGMENTS * sizeof(wgi_header))
_Static_assert(sizeof(wgi_slot) == WGI_SLOT_BYTES, "a slot is two lines");
_Static_assert(CHUNK_BYTES == WG_HUGE_PAGE_BYTES, "so do the slots of a chunk");
_Static_assert(sizeof(wgi_header) == 8, "eight headers a line");
_Static_assert(sizeof(wgi_side) * WGI_CHUNK_SEGMENTS * WGI_SLOTS * SIDES_CHUNKS == 2 << 20, "sides fill a huge page");

/* ---- memory */

static void *huge_take(wgi_table *table, wg_error *err) {
    void *page = wg_page_take(table->state->pages, true);
    if (page != NULL) atomic_fetch_add_explicit(&table->bytes, WG_HUGE_PAGE_BYTES, memory_order_relaxed);
    else (void)wg_error_nomem(err, WG_HUGE_PAGE_BYTES);
    return page;
}

static void huge_give(wgi_table *table, void *page) {
    if (page != NULL) atomic_fetch_sub_explicit(&table->bytes, WG_HUGE_PAGE_BYTES, memory_order_relaxed);
    wg_page_give(table->state->pages, page);
}

static wg_code chunk_array_grow(wgi_table *table, wg_error *err) {
    WG_ASSERT(table->chunk_array_count < sizeof table->chunk_arrays / sizeof table->chunk_arrays[0]);
    const uint32_t room = table->chunk_room == 0 ? CHUNK_ROOM_FIRST : table->chunk_room * 2;
    wgi_chunk *chunks = wg_alloc_zero(table->state->account, room * sizeof *chunks);
    if (chunks == NULL) return wg_error_nomem(err, room * sizeof *chunks);
    if (table->chunk_count != 0)
        memcpy(chunks, atomic_load_explicit(&table->chunks, memory_order_relaxed),
               table->chunk_count * sizeof *chunks);
    table->chunk_arrays[table->chunk_array_count++] = chunks;
    table->chunk_room = room;
    atomic_store_explicit(&table->chunks, chunks, memory_order_release); /* pairs with wgi_place_at */
    return WG_OK;
}

/* 128 more segments. */
static wg_code chunk_add(wgi_table *table, wg_error *err) {
    const uint32_t room = (table->chunk_count + 1) * WGI_CHUNK_SEGMENTS;
    if (table->chunk_count == table->chunk_room) WG_TRY(chunk_array_grow(table, err));
    if (table->free_room < room) { /* so that giving a segment back cannot fail */
        const uint32_t free_room = wg_max_size(room, 2 * (size_t)table->free_room) > UINT32_MAX / 2
                                       ? room
                                       : (uint32_t)wg_max_size(room, 2 * (size_t)table->free_room);
        uint32_t *grown = wg_realloc(table->state->account, table->free_segments, free_room * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, free_room * sizeof *grown);
        table->free_segments = grown;
        table->free_room = free_room;
    }
    wgi_header *headers = wg_alloc_zero(table->state->account, HEADER_BYTES);
    if (headers == NULL) return wg_error_nomem(err, HEADER_BYTES);
    wgi_slot *slots = huge_take(table, err);
    if (slots == NULL) goto fail;
    if (table->chunk_count % SIDES_CHUNKS == 0) {
        table->sides_block = huge_take(table, err);
        if (table->sides_block == NULL) goto fail;
    }
    wgi_side *sides = table->sides_block;
    wgi_store(&slots->words[0], 0); /* a page that is first read is made twice */
    wgi_chunk *chunks = atomic_load_explicit(&table->chunks, memory_order_relaxed);
    chunks[table->chunk_count] =
        (wgi_chunk){.slots = slots,
                    .sides = sides + (size_t)(table->chunk_count % SIDES_CHUNKS) * WGI_CHUNK_SEGMENTS * WGI_SLOTS,
                    .headers = headers};
    table->chunk_count++;
    return WG_OK;
fail:
    huge_give(table, slots);
    wg_free(headers);
    return WG_E_NOMEM;
}

/* `count` segments out of service can be taken without failing. */
static wg_code segments_reserve(wgi_table *table, uint32_t count, wg_error *err) {
    while (table->free_count + (table->chunk_count * WGI_CHUNK_SEGMENTS - table->fresh) < count)
        WG_TRY(chunk_add(table, err));
    return WG_OK;
}

/* An empty one, generation odd. */
static wgi_place segment_take(wgi_table *table, uint8_t depth) {
    uint32_t n;
    bool fresh = false;
    if (table->free_count != 0) {
        n = table->free_segments[--table->free_count];
    } else {
        n = table->fresh++;
        fresh = true;
    }
    wgi_place place = wgi_place_at(table, n);
    if (fresh) {
        atomic_store_explicit(&place.header->generation, 1, memory_order_relaxed);
    } else {
        WG_ASSERT((atomic_load_explicit(&place.header->generation, memory_order_relaxed) & 1) == 1); /* I3 */
        for (uint32_t i = 0; i < WGI_SLOTS; i++)
            for (int w = 0; w < WGI_SLOT_WORDS; w++) wgi_store(&place.slots[i].words[w], 0);
    }
    place.header->used = 0;
    atomic_store_explicit(&place.header->deleted, 0, memory_order_relaxed);
    place.header->depth = depth;
    return place;
}

/* Puts an even generation's segment out of service: its lock is held and no entry leads to it any more. */
static void segment_retire(wgi_table *table, const wgi_place *place) {
    wgi_generation_step(place->header);
    place->header->depth = UINT8_MAX;
    if (atomic_load_explicit(&place->header->generation, memory_order_relaxed) > UINT32_MAX - 4)
        return; /* a number that came back would revive old seats */
    WG_ASSERT(table->free_count < table->free_room);
    table->free_segments[table->free_count++] = place->segment;
}

/* ---- blocks */

/* A sixteenth of what an account may hold is left to scans and transactions: what is there stays readable when nothing more fits. */
static bool leaves_room(const wg_account *account, size_t bytes) {
    const uint64_t most = account == NULL ? 0 : account->bytes_max;
    return most == 0 || wg_account_bytes(account) + bytes <= most - most / 16;
}

wgi_block *wgi_block_new(wg_state *state, wg_slice bytes) {
    if (!leaves_room(state->account, sizeof(wgi_block) + bytes.size)) return NULL;
    wgi_block *block = wg_alloc(state->account, sizeof *block + bytes.size);
    if (block == NULL) return NULL;
    block->link = (wg_epoch_link){0};
    block->size = bytes.size;
    atomic_init(&block->holds, 1);
    if (bytes.size != 0) memcpy(block->bytes, bytes.data, bytes.size);
    atomic_fetch_add_explicit(&state->large_bytes, bytes.size, memory_order_relaxed);
    return block;
}

void wgi_block_hold(wgi_block *block) {
    if (block != NULL) atomic_fetch_add_explicit(&block->holds, 1, memory_order_relaxed);
}

void wgi_block_release(wg_state *state, wgi_block *block) {
    if (block == NULL) return;
    if (atomic_fetch_sub_explicit(&block->holds, 1, memory_order_acq_rel) != 1) return;
    atomic_fetch_sub_explicit(&state->large_bytes, block->size, memory_order_relaxed);
    wg_epoch_retire_linked(state->epoch, &block->link);
}

/* ---- keys in slots */

wg_slice wgi_words_key(const uint64_t *words) {
    const uint32_t size = (uint32_t)(words[0] >> 8) & 0xff;
    if (size != WGI_KEY_IN_BLOCK) return wg_slice_of((const uint8_t *)words + WGI_KEY_AT, size);
    const wgi_block *block = (const wgi_block *)(uintptr_t)words[3];
    return wg_slice_of(block->bytes, (size_t)block->size);
}

uint64_t wgi_words_hash(const wgi_table *table, const uint64_t *words) {
    const wg_slice key = wgi_words_key(words);
    const uint32_t number = (uint32_t)words[1] >> 8;
    return wgi_key_hash(table, key.data, key.size) ^ wg_hash64_u64(number);
}

static bool block_key_is(const wgi_slot *slot, const wgi_match *m) {
    const wgi_block *block = (const wgi_block *)(uintptr_t)wgi_load(&slot->words[3]);
    return wg_slice_equal(wg_slice_of(block->bytes, (size_t)block->size), m->key->bytes);
}

bool wgi_bytes_equal(const uint8_t *a, const uint8_t *b, size_t n) { return memcmp(a, b, n) == 0; }

uint32_t wgi_find_further(const wgi_place *place, uint64_t hash, const wgi_match *m, uint32_t *out_empty) {
    uint32_t at = wgi_home(hash);
    *out_empty = UINT32_MAX;
    for (uint32_t i = 0; i < WGI_SLOTS; i++, at = (at + 1) % WGI_SLOTS) {
        const wgi_slot *slot = &place->slots[at];
        const uint64_t word0 = wgi_load(&slot->words[0]);
        if (word0 == 0) {
            *out_empty = at;
            return UINT32_MAX;
        }
        if (wgi_matches(slot, word0, m) && (m->size != WGI_KEY_IN_BLOCK || block_key_is(slot, m))) return at;
    }
    return UINT32_MAX;
}

/* ---- splitting and purging */

/* A copy of slot `at` of `from` into its place in `to`, which is out of service and has room. */
static void segment_insert(const wgi_place *from, uint32_t at, const wgi_place *to, const uint64_t *words,
                           uint64_t hash) {
    uint32_t i = wgi_home(hash);
    while (wgi_load(&to->slots[i].words[0]) != 0) i = (i + 1) % WGI_SLOTS;
    for (int w = 1; w < WGI_SLOT_WORDS; w++) wgi_store(&to->slots[i].words[w], words[w]);
    wgi_store(&to->sides[i].history, wgi_load(&from->sides[at].history));
    wgi_store(&to->sides[i].time_us, wgi_load(&from->sides[at].time_us));
    wgi_store(&to->slots[i].words[0], words[0]);
    to->header->used++;
    if ((words[0] & WGI_FLAG_DELETED) != 0) wgi_deleted_add(to->header);
}

static wg_code map_double(wgi_table *table, wgi_map *map, wg_error *err) {
    if (map->depth >= DEPTH_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "the table of keys has no room for more: 2^%u segments",
                            map->depth);
    const size_t count = (size_t)1 << map->depth;
    wgi_map *next = wg_alloc(table->state->account, sizeof *next + 2 * count * sizeof next->entries[0]);
    if (next == NULL) return wg_error_nomem(err, 2 * count * sizeof next->entries[0]);
    next->older = map;
    next->depth = map->depth + 1;
    next->shift = map->shift - 1;
    for (size_t i = 0; i < count; i++) {
        const uint32_t n = atomic_load_explicit(&map->entries[i], memory_order_relaxed);
        atomic_init(&next->entries[2 * i], n);
        atomic_init(&next->entries[2 * i + 1], n);
    }
    atomic_store_explicit(&table->map, next, memory_order_release); /* pairs with wgi_segment_of */
    return WG_OK;
}

/* The entries of all hashes that begin with the first `depth` bits of `hash`. */
static void map_set(wgi_table *table, uint64_t hash, uint32_t depth, uint32_t segment) {
    wgi_map *map = atomic_load_explicit(&table->map, memory_order_relaxed);
    const uint32_t below = map->depth - depth;
    const size_t first = (size_t)(hash >> (64 - depth)) << below;
    for (size_t i = 0; i < (size_t)1 << below; i++)
        atomic_store_explicit(&map->entries[first + i], segment,
                              memory_order_release); /* pairs with wgi_segment_of */
}

/* Into 2^levels others. */
static void segment_split(wgi_table *table, uint64_t hash, const wgi_place *old, uint32_t levels) {
    const uint32_t depth = old->header->depth + levels, shift = 64 - depth, parts = 1u << levels;
    const uint64_t first = hash >> shift & ~(uint64_t)(parts - 1);
    wgi_place part[1 << WGI_SPLIT_LEVELS_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < parts; i++) part[i] = segment_take(table, (uint8_t)depth);
    for (uint32_t i = 0; i < WGI_SLOTS; i++) {
        uint64_t words[WGI_SLOT_WORDS];
        if (wgi_load(&old->slots[i].words[0]) == 0) continue;
        wgi_slot_copy(&old->slots[i], words);
        const uint64_t h = wgi_words_hash(table, words);
        segment_insert(old, i, &part[h >> shift & (parts - 1)], words, h);
    }
    for (uint32_t i = 0; i < parts; i++) {
        used += part[i].header->used;
        map_set(table, (first + i) << shift, depth, part[i].segment);
    }
    WG_ASSERT(used == old->header->used); /* I2 */
    segment_retire(table,
                   old); /* before the new ones are in service: I3, who finds a key in one that is writes to it */
    for (uint32_t i = 0; i < parts; i++) wgi_generation_step(part[i].header);
}

static wg_code split_into(wgi_table *table, uint64_t hash, uint32_t more, uint32_t levels, wg_error *err) {
    wg_code code = WG_OK;
    wg_mutex_lock(&table->mutex);
    wgi_place place = wgi_place_of(table, hash);
    while (place.header->depth + levels > atomic_load_explicit(&table->map, memory_order_relaxed)->depth)
        WG_TRY_GOTO(map_double(table, atomic_load_explicit(&table->map, memory_order_relaxed), err));
    WG_TRY_GOTO(segments_reserve(table, 1u << levels, err));
    wgi_segment_lock(place.header);
    if (place.header->used + more > WGI_SEGMENT_FULL) { /* nobody was first */
        segment_split(table, hash, &place, levels);
        atomic_fetch_add_explicit(&table->splits, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&table->segments, (1u << levels) - 1, memory_order_relaxed);
    }
    wgi_segment_unlock(place.header);
fail:
    wg_mutex_unlock(&table->mutex);
    return code;
}

wg_code wgi_table_split(wgi_table *table, uint64_t hash, uint32_t more, wg_error *err) {
    return split_into(table, hash, more, 1, err);
}

wg_code wgi_table_grow(wgi_table *table, uint64_t hash, uint32_t levels, wg_error *err) {
    WG_ASSERT(levels >= 1 && levels <= WGI_SPLIT_LEVELS_MAX);
    if (levels > 1 && split_into(table, hash, 1, levels, NULL) == WG_OK) return WG_OK;
    return split_into(table, hash, 1, 1, err); /* memory may suffice for that */
}

uint32_t wgi_segment_purge(wgi_table *table, uint64_t hash, uint32_t segment, wgi_gone_fn gone, void *ctx) {
    uint32_t count = 0;
    wg_mutex_lock(&table->mutex);
    const wgi_place place = wgi_place_of(table, hash);
    if (place.segment != segment || segments_reserve(table, 1, NULL) != WG_OK) goto done; /* another time */
    wgi_segment_lock(place.header);
    uint8_t bits[WGI_SLOTS / 8] = {0};
    atomic_store_explicit(&place.header->deleted, 0, memory_order_relaxed); /* counted anew */
    for (uint32_t i = 0; i < WGI_SLOTS; i++) {
        uint64_t words[WGI_SLOT_WORDS];
        if (wgi_load(&place.slots[i].words[0]) == 0) continue;
        wgi_slot_copy(&place.slots[i], words);
        if ((words[0] & WGI_FLAG_DELETED) != 0) wgi_deleted_add(place.header);
        if (!gone(ctx, words, wgi_load(&place.sides[i].history))) continue;
        wg_bit_set(bits, i);
        count++;
    }
    if (count != 0) {
        const wgi_place next = segment_take(table, place.header->depth);
        for (uint32_t i = 0; i < WGI_SLOTS; i++) {
            uint64_t words[WGI_SLOT_WORDS];
            if (wgi_load(&place.slots[i].words[0]) == 0 || wg_bit_get(bits, i)) continue;
            wgi_slot_copy(&place.slots[i], words);
            segment_insert(&place, i, &next, words, wgi_words_hash(table, words));
        }
        map_set(table, hash, place.header->depth, next.segment);
        segment_retire(table, &place);
        wgi_generation_step(next.header);
        for (uint32_t i = 0; i < WGI_SLOTS; i++) { /* nobody takes the segment while the mutex is held */
            uint64_t words[WGI_SLOT_WORDS];
            if (!wg_bit_get(bits, i)) continue;
            wgi_slot_copy(&place.slots[i], words);
            wgi_block_release(table->state, wgi_words_block(words));
            wgi_block_release(table->state, wgi_words_key_block(words));
        }
    }
    wgi_segment_unlock(place.header);
done:
    wg_mutex_unlock(&table->mutex);
    return count;
}

/* ---- life */

wg_code wgi_table_create(wg_state *state, wgi_table **out, wg_error *err) {
    wg_code code = WG_OK;
    wgi_table *table = wg_alloc_zero(state->account, sizeof *table);
    if (table == NULL) return wg_error_nomem(err, sizeof *table);
    table->state = state;
    wg_mutex_init(&table->mutex, WGI_RANK_TABLE);
    wg_platform *platform = state->options.platform;
    WG_TRY_GOTO(platform->ops->random(platform, &table->seed, sizeof table->seed, err));
    for (uint64_t n = 0; n <= WGI_KEY_HASHED; n++)
        table->seed_of_size[n] = wg_hash64_u64(table->seed + (n + 1) * UINT64_C(0xa0761d6478bd642f)) | 1;
    const size_t count = (size_t)1 << DEPTH_FIRST;
    wgi_map *map = wg_alloc_zero(state->account, sizeof *map + count * sizeof map->entries[0]);
    if (map == NULL) {
        code = wg_error_nomem(err, sizeof *map);
        goto fail;
    }
    map->depth = DEPTH_FIRST;
    map->shift = 64 - DEPTH_FIRST;
    atomic_store_explicit(&table->map, map, memory_order_relaxed);
    WG_TRY_GOTO(segments_reserve(table, (uint32_t)count, err));
    for (size_t i = 0; i < count; i++) {
        const wgi_place place = segment_take(table, DEPTH_FIRST);
        wgi_generation_step(place.header);
        atomic_init(&map->entries[i], place.segment);
    }
    atomic_store_explicit(&table->segments, count, memory_order_relaxed);
    *out = table;
    return WG_OK;
fail:
    wgi_state_table_destroy(table);
    return code;
}

uint64_t wgi_table_keys(wgi_table *table) {
    uint64_t keys = 0;
    wg_mutex_lock(&table->mutex); /* no segment changes its place */
    for (uint32_t n = 0; n < table->fresh; n++) {
        const wgi_place place = wgi_place_at(table, n);
        if (place.header->depth == UINT8_MAX) continue;
        wgi_segment_lock(place.header);
        keys += place.header->used;
        wgi_segment_unlock(place.header);
    }
    wg_mutex_unlock(&table->mutex);
    return keys;
}

/* Blocks of what is in the slots. */
static void slots_free_blocks(wg_state *state, const wgi_place *place) {
    for (uint32_t i = 0; i < WGI_SLOTS; i++) {
        uint64_t words[WGI_SLOT_WORDS];
        wgi_slot_copy(&place->slots[i], words);
        if (words[0] == 0) continue;
        wgi_block_release(state, wgi_words_block(words));
        wgi_block_release(state, wgi_words_key_block(words));
    }
}

void wgi_state_table_destroy(wgi_table *table) {
    if (table == NULL) return;
    wgi_chunk *chunks = atomic_load_explicit(&table->chunks, memory_order_relaxed);
    for (uint32_t n = 0; n < table->fresh; n++) {
        const wgi_place place = wgi_place_at(table, n);
        if (place.header->depth != UINT8_MAX && place.header->used != 0) slots_free_blocks(table->state, &place);
    }
    for (uint32_t i = 0; i < table->chunk_count; i++) {
        huge_give(table, chunks[i].slots);
        if (i % SIDES_CHUNKS == 0) huge_give(table, chunks[i].sides);
        wg_free(chunks[i].headers);
    }
    for (uint32_t i = 0; i < table->chunk_array_count; i++) wg_free(table->chunk_arrays[i]);
    for (wgi_map *map = atomic_load_explicit(&table->map, memory_order_relaxed); map != NULL;) {
        wgi_map *older = map->older;
        wg_free(map);
        map = older;
    }
    wg_free(table->free_segments);
    wg_mutex_deinit(&table->mutex);
    wg_free(table);
}
