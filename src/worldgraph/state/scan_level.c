/* Keys of one run in order, with the record that each has at a version.
 *
 * Records are read in their slots, which lie anywhere; what makes that fast is that no miss waits for another. A leaf of the tree remembers, beside
 * each key, its seat: where a scan found it in the table. A batch starts the misses of all its rows before it looks at the first, and a little
 * later those of the rows that are wanted of the leaf behind it; a row whose seat still holds is copied out of its slot without a look at its key (table_internal.h says
 * why that is the right one), and word 0 and the generation have to be as before, as for every read. So what commits do
 * to records costs scans nothing, and scans cost commits nothing. Rows without a seat, or whose segment was split since, are found by
 * their hash, and their seats are noted if the leaf is as it was. Rows that are newer than the snapshot are read from history.
 *
 * Failure modes: a record that history has forgotten: WG_E_EXPIRED; no memory for a batch: WG_E_NOMEM. */
#include "worldgraph/state/scan_internal.h"

#include "worldgraph/state/history_internal.h"
#include "worldgraph/state/seat_internal.h"
#include "worldgraph/state/stale_internal.h"

void wgi_level_start(wgi_level *level, const wg_state_run *run, uint64_t version, bool reverse) {
    level->run = run;
    level->version = version;
    level->reverse = reverse;
    level->end = false;
    level->spot = (wgi_order_spot){NULL, 0};
    level->at_side = false;
    level->has_last = false;
    level->next = 0;
    level->count = 0;
}

/* ---- where to read */

/* Positions of the level's leaf that are inside of the interval, and behind `last`. False: the leaf changed. */
static bool leaf_window(const wgi_level *level, const wgi_interval *interval, uint32_t *out_from, uint32_t *out_to,
                        uint32_t *out_count) {
    bool equal;
    const uint32_t count = wgi_node_count(level->spot.leaf);
    uint32_t from = 0;
    uint32_t to = count;
    const bool behind = level->has_last && !level->reverse, at_low = level->at_side && !level->reverse;
    const wg_slice low = behind ? level->last : wgi_interval_low(interval);
    if (!at_low && (low.size != 0 || behind || interval->low_excluded)) {
        if (!wgi_tree_rank(level->spot, low, &from, &equal)) return false;
        from += equal && (behind || interval->low_excluded);
    }
    const bool before = level->has_last && level->reverse, at_high = level->at_side && level->reverse;
    if (!at_high && (before || interval->has_high)) {
        const wg_slice high = before ? level->last : wgi_interval_high(interval);
        if (!wgi_tree_rank(level->spot, high, &to, &equal)) return false;
        to += equal && !before && interval->high_included;
    }
    *out_from = from;
    *out_to = to;
    *out_count = count;
    return wgi_spot_holds(level->spot);
}

/* Starts the misses of a seat: into the second-level cache, which waits for more lines at once than the first one does. */
enum { SECOND_LEVEL = 2 };
static inline WGI_HOT void seat_fetch(const wgi_seated *at) {
    __builtin_prefetch(&at->slot->words[0], 0, SECOND_LEVEL);
    __builtin_prefetch(&at->slot->words[8], 0, SECOND_LEVEL);
    __builtin_prefetch(at->side, 0, SECOND_LEVEL);
    __builtin_prefetch(at->header, 0, SECOND_LEVEL);
}

/* Starts the misses of up to `most` rows that lie at a position or (reverse) before it. */
static void rows_fetch(const wgi_level *level, const wgi_order_node *leaf, uint32_t position, uint32_t most) {
    const uint32_t count = wgi_node_count(leaf);
    for (uint32_t i = 0; i < most; i++) {
        const uint32_t at = level->reverse ? position - 1 - i : position + i;
        if (at >= count || at >= WGI_NODE_KEYS) return;
        const uint64_t seat = wgi_word_load(&leaf->seats[wgi_node_place(leaf, at)]);
        if (seat == 0) continue;
        const wgi_seated seated = wgi_seated_at(level->run->table, seat);
        seat_fetch(&seated);
    }
}

static const wgi_order_node *leaf_beside(const wgi_level *level) {
    const wgi_order_node *leaf = level->spot.leaf;
    return atomic_load_explicit(level->reverse ? &leaf->prev : &leaf->next, memory_order_acquire);
}

static void level_seek(wgi_level *level, const wgi_interval *interval, uint32_t want) {
    const wgi_order *order = level->run->order;
    level->at_side = false;
    wg_slice key = level->reverse ? wgi_interval_high(interval) : wgi_interval_low(interval);
    if (level->has_last) key = level->last;
    const bool is_open = level->reverse && !level->has_last && !interval->has_high;
    level->spot = is_open ? wgi_tree_find_last(order) : wgi_tree_find(order, key);
    const wgi_order_node *leaf = level->spot.leaf;
    if (leaf == NULL) return;
    rows_fetch(level, leaf, is_open ? wgi_node_count(leaf) : wgi_node_guess(leaf, key), want);
}

/* ---- reading rows */

typedef struct leaf_part {
    uint32_t first, count;
    uint32_t beyond; /* rows that the reader wants beside them */
} leaf_part;

/* A batch on its way from a leaf to items. */
typedef struct batch {
    uint32_t count;
    uint64_t (*images)[WGI_SLOT_WORDS];
    uint64_t missing;                   /* bit i: row i has to be found by its hash */
    wgi_order_entry entries[WGI_BATCH]; /* of the missing ones */
    uint64_t seats[WGI_BATCH];          /* of the missing ones, from when they were found */
    uint8_t places[WGI_BATCH];
    wgi_seated at[WGI_BATCH]; /* slot NULL: no seat */
    bool has_long_keys;
} batch;

/* The newest record of the key in a seat, when the snapshot sees it; false: the seat does not hold, a commit is under way, or it is too new. */
static inline WGI_HOT bool seat_read(const wgi_seated *at, uint64_t version, uint64_t *words, uint64_t *out_time_us) {
    if (at->slot == NULL) return false;
    const uint64_t word0 = wgi_load(&at->slot->words[0]);
    if ((word0 & WGI_LOCKED) != 0 || wgi_version_of(word0) > version) return false;
    wgi_slot_copy(at->slot, words);
    *out_time_us = wgi_load(&at->side->time_us);
    return words[0] == word0 && wgi_load(&at->slot->words[0]) == word0 &&
           atomic_load_explicit(&at->header->generation, memory_order_relaxed) == at->generation;
}

/* Places and seats of positions [first, first + count), their misses under way. */
static inline WGI_HOT void batch_fetch(const wgi_level *level, uint32_t first, batch *b) {
    const wgi_order_node *leaf = level->spot.leaf;
    const wgi_table *table = level->run->table;
    uint32_t position = level->reverse ? first + b->count - 1 : first;
    for (uint32_t i = 0; i < b->count; i++, position += level->reverse ? UINT32_MAX : 1) {
        const uint32_t place = wgi_node_place(leaf, position);
        const uint64_t seat = wgi_word_load(&leaf->seats[place]);
        b->places[i] = (uint8_t)place;
        b->seats[i] = seat;
        b->at[i] = wgi_seated_at(table, seat);
        if (seat == 0) b->at[i].slot = NULL;
        else seat_fetch(&b->at[i]);
    }
}

/* What a seat showed becomes an item. */
static inline WGI_HOT void item_set(wgi_item *item, const uint64_t *words, batch *b) {
    const uint32_t key_bytes = (uint32_t)(words[0] >> 8) & 0xff;
    item->own = NULL;
    item->words = words;
    item->key = wg_slice_of((const uint8_t *)words + WGI_KEY_AT, key_bytes);
    b->has_long_keys |= key_bytes == WGI_KEY_IN_BLOCK;
}

/* Rows [first, end) of the batch: what their seats show. */
static void batch_read(wgi_level *level, uint32_t first, uint32_t end, batch *b) {
    const wgi_order_node *leaf = level->spot.leaf;
    for (uint32_t i = first; i < end; i++) {
        wgi_item *item = &level->items[i];
        if (__builtin_expect(seat_read(&b->at[i], level->version, b->images[i], &item->time_us), 1)) {
            item_set(item, b->images[i], b);
            continue;
        }
        item->own = NULL;
        b->missing |= UINT64_C(1) << i;
        wgi_entry_load(&leaf->entries[b->places[i]], &b->entries[i]);
    }
}

enum { SOME_ROWS = 8 };

/* Copies out what seats show of a part of the leaf. False: the leaf changed, nothing is known. What is going to be read of the leaf beside it
 * is fetched in two steps, and the rows that are read in between give the first one its time. */
static bool batch_copy(wgi_level *level, const leaf_part *part, batch *b) {
    const wgi_order_node *beside = part->beyond != 0 ? leaf_beside(level) : NULL;
    const uint32_t some = (uint32_t)wg_min_size(b->count, SOME_ROWS);
    if (beside != NULL) wgi_node_prefetch(beside);
    batch_fetch(level, part->first, b);
    if (!wgi_spot_holds(level->spot)) return false; /* seats and places belong together */
    b->missing = 0;
    b->has_long_keys = false;
    batch_read(level, 0, some, b);
    if (beside != NULL) rows_fetch(level, beside, level->reverse ? wgi_node_count(beside) : 0, part->beyond);
    batch_read(level, some, b->count, b);
    return wgi_spot_holds(level->spot);
}

static bool key_keep(wgi_item *item, wg_slice key, wg_arena *arena) {
    item->key = wg_slice_of(wg_arena_copy(arena, key.data, key.size), key.size);
    return item->key.data != NULL;
}

static wg_code error_expired(const wgi_level *level, wg_error *err) {
    return wg_error_set(err, WG_E_EXPIRED, WG_NO_OFFSET,
                        "run %u at version %llu is forgotten in part; the oldest that can be read is %llu",
                        level->run->origin.number, (unsigned long long)level->version,
                        (unsigned long long)wg_state_run_horizon(level->run));
}

/* Reads one missing row. */
static wg_code row_read(const wgi_level *level, batch *b, uint32_t i, wgi_item *item, wg_error *err) {
    const wg_state_key key = {wgi_entry_key(&b->entries[i]), b->entries[i].w[0]};
    wgi_record record;
    const wgi_found found = wgi_slot_read_seat(level->run, &key, level->version, &record, &b->seats[i]);
    if (found == WGI_EXPIRED) return error_expired(level, err);
    item->words = found == WGI_ABSENT ? NULL : b->images[i];
    if (found == WGI_ABSENT) return WG_OK;
    memcpy(b->images[i], record.words, sizeof record.words);
    item->time_us = record.time_us;
    return WG_OK;
}

static wg_code batch_read_missing(wgi_level *level, batch *b, wg_arena *arena, wg_error *err) {
    for (uint64_t left = b->missing; left != 0; left &= left - 1)
        wgi_prefetch(level->run, b->entries[__builtin_ctzll(left)].w[0]);
    for (uint64_t left = b->missing; left != 0; left &= left - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(left);
        wgi_item *item = &level->items[i];
        WG_TRY(row_read(level, b, i, item, err));
        const wg_slice key = wgi_entry_key(&b->entries[i]);
        if (item->words != NULL && key.size <= WGI_KEY_INLINE_MAX) {
            item->key = wg_slice_of((const uint8_t *)item->words + WGI_KEY_AT, key.size);
        } else if (!key_keep(item, key, arena)) {
            return wg_error_nomem(err, key.size);
        }
    }
    return WG_OK;
}

/* What was found by its hash is seated in the leaf, if nobody changed or is changing that. */
static void seats_note(wgi_level *level, const batch *b) {
    wgi_order_node *leaf = level->spot.leaf;
    uint64_t fresh = 0;
    for (uint64_t left = b->missing; left != 0; left &= left - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(left);
        if (b->seats[i] != wgi_word_load(&leaf->seats[b->places[i]])) fresh |= UINT64_C(1) << i;
    }
    if (fresh == 0 || !wgi_spot_try_lock(level->spot)) return;
    for (; fresh != 0; fresh &= fresh - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(fresh);
        wgi_word_store(&leaf->seats[b->places[i]], b->seats[i]);
    }
    wgi_spot_unlock(&level->spot);
}

/* ---- a batch */

/* Positions [first, first + count) of the leaf become items. *out_changed: the leaf is another now. */
static wg_code leaf_read(wgi_level *level, leaf_part part, wg_arena *arena, bool *out_changed, wg_error *err) {
    const uint32_t count = part.count;
    batch b;
    b.count = count;
    b.images = wg_arena_alloc(arena, count * sizeof b.images[0]);
    if (b.images == NULL) return wg_error_nomem(err, count * sizeof b.images[0]);
    *out_changed = !batch_copy(level, &part, &b);
    if (*out_changed) return WG_OK;
    for (uint32_t i = 0; b.has_long_keys && i < count; i++) {
        if ((b.missing >> i & 1) != 0 || level->items[i].key.size != WGI_KEY_IN_BLOCK) continue;
        const wg_slice key = wgi_words_key(b.images[i]);
        if (!key_keep(&level->items[i], key, arena)) return wg_error_nomem(err, key.size);
    }
    if (b.missing != 0) {
        WG_TRY(batch_read_missing(level, &b, arena, err));
        seats_note(level, &b);
    }
    return WG_OK;
}

/* Goes on in the leaf beside. False: the spot is lost. */
static bool level_step(wgi_level *level) {
    wgi_order_spot beside;
    if (!wgi_tree_step(level->spot, level->reverse, &beside)) return false;
    level->end = beside.leaf == NULL;
    level->spot = beside;
    level->at_side = true;
    return true;
}

/* One try. *out_done: there are items, or the end. */
static wg_code level_try(wgi_level *level, const wgi_interval *interval, uint32_t want, wg_arena *arena,
                         bool *out_done, wg_error *err) {
    uint32_t from, to, count;
    bool changed = false;
    if (!leaf_window(level, interval, &from, &to, &count)) {
        level->spot.leaf = NULL;
        return WG_OK;
    }
    const uint32_t n = to > from ? (uint32_t)wg_min_size(to - from, want) : 0;
    if (n == 0) {
        const bool bounded = level->reverse ? from > 0 : to < count;
        if (bounded) {
            level->end = true;
        } else if (!level_step(level)) {
            level->spot.leaf = NULL;
        }
        *out_done = level->end;
        return WG_OK;
    }
    const leaf_part part = {.first = level->reverse ? to - n : from, .count = n, .beyond = want - n};
    WG_TRY(leaf_read(level, part, arena, &changed, err));
    if (changed) {
        level->spot.leaf = NULL;
        return WG_OK;
    }
    level->count = n;
    level->at_side = false;
    level->last = level->items[n - 1].key;
    level->has_last = true;
    *out_done = true;
    return WG_OK;
}

/* A key that was purged is not in the tree any more. Its deletion raised `purged` before it went; a snapshot at or above that does not miss
 * it, and for one that is pinned nothing is purged that it sees. */
static bool level_is_whole(const wgi_level *level) {
    const uint64_t known = wg_max_u64(atomic_load(&level->run->purged), atomic_load(&level->run->restored));
    return level->version >= known || wgi_pins_has(level->run, level->version);
}

wg_code wgi_level_fill(wgi_level *level, const wgi_interval *interval, uint32_t want, wg_arena *arena,
                       wg_error *err) {
    WG_ASSERT(want > 0);
    level->next = 0;
    level->count = 0;
    bool done = level->end;
    while (!done) {
        if (level->spot.leaf == NULL) {
            WG_TRY(wgi_order_need(level->run, err));
            level_seek(level, interval, want);
        }
        level->end = level->spot.leaf == NULL;
        if (level->end) break;
        WG_TRY(level_try(level, interval, want, arena, &done, err));
    }
    return level_is_whole(level) ? WG_OK : error_expired(level, err);
}

/* ---- decoding */

void wgi_item_decode(const wgi_item *item, wg_state_version *out) {
    if (item->own != NULL) {
        const wgi_write *own = item->own;
        *out = (wg_state_version){.version = WG_VERSION_OWN,
                                  .time_us = item->time_us,
                                  .expires_us = own->expires_us,
                                  .deleted = own->deleted,
                                  .type = own->type,
                                  .value = own->value};
        return;
    }
    const uint64_t *words = item->words;
    const uint8_t *bytes = (const uint8_t *)words;
    const uint64_t word0 = words[0];
    out->version = wgi_version_of(word0);
    out->time_us = item->time_us;
    out->expires_us = 0;
    out->deleted = (word0 & WGI_FLAG_DELETED) != 0;
    out->type = (uint8_t)(word0 & 0x1f);
    if ((word0 & WGI_FLAG_BLOCK) == 0) {
        uint32_t at = wgi_value_at(word0);
        if ((word0 & WGI_FLAG_EXPIRES) != 0) {
            out->expires_us = wg_load_u64le(bytes + at);
            at += 8;
        }
        out->value = wg_slice_of(bytes + at, bytes[8]);
        return;
    }
    if ((word0 & WGI_FLAG_EXPIRES) != 0) out->expires_us = wg_load_u64le(bytes + 104);
    const uint32_t size = wg_load_u32le(bytes + 112);
    const void *data = (const void *)(uintptr_t)wg_load_u64le(bytes + 120);
    if (wg_load_u32le(bytes + 116) == 0) data = ((const wgi_block *)data)->bytes; /* not mapped */
    out->value = wg_slice_of(data, size);
}
