/* Keys of one run in order, with the record that each has at a version.
 *
 * A leaf of the tree keeps copies of its records (wgi_leaf_rows), made when a scan reads them from their slots. So a scan of records that have not
 * changed since is a walk over memory in order; through the slots each row would be a miss of its own. Commits do not touch leaves. They
 * raise the stamp of their key's bucket (a few keys of a segment share one) before they take their version, which makes it odd, and
 * once more when the record is in its slot. A copy remembers the stamp that was there before and after its slot was read; as long as the stamp is
 * the same, nothing newer exists, and the copy is what any snapshot at or above its version sees. Otherwise the row is read from its slot
 * (or from history), with the misses of all such rows of the leaf in flight at once, and the copy is renewed if the leaf is as it was.
 *
 * The order of things for a reader at snapshot s: s was loaded before; a commit <= s made its stamp odd before it took its version, so the
 * stamp that is loaded now is another one than before that commit.
 *
 * Failure modes: no memory for copies: the scan goes without. A record that history has forgotten: WG_E_EXPIRED. */
#include "worldgraph/state/scan_internal.h"

#include "worldgraph/state/history_internal.h"

enum { ROWS_WORTH = 8 /* so many rows from slots are worth a block of copies */ };

void wgi_level_start(wgi_level *level, const wg_state_run *run, uint64_t version, bool reverse) {
    level->run = run;
    level->version = version;
    level->newest = wg_state_run_newest(run);
    level->reverse = reverse;
    level->end = false;
    level->spot = (wgi_order_spot){NULL, 0};
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
    const bool behind = level->has_last && !level->reverse;
    const wg_slice low = behind ? level->last : wgi_interval_low(interval);
    if (low.size != 0 || behind || interval->low_excluded) {
        if (!wgi_tree_rank(level->spot, low, &from, &equal)) return false;
        from += equal && (behind || interval->low_excluded);
    }
    const bool before = level->has_last && level->reverse;
    if (before || interval->has_high) {
        const wg_slice high = before ? level->last : wgi_interval_high(interval);
        if (!wgi_tree_rank(level->spot, high, &to, &equal)) return false;
        to += equal && !before && interval->high_included;
    }
    *out_from = from;
    *out_to = to;
    *out_count = count;
    return wgi_spot_holds(level->spot);
}

enum { FETCH_AHEAD = 6 /* rows */ };

/* Starts the misses of the first rows that lie at a position or (reverse) before it. */
static void rows_fetch(const wgi_order_node *leaf, uint32_t position, bool reverse) {
    const wgi_leaf_rows *rows = atomic_load_explicit(&leaf->rows, memory_order_acquire);
    if (rows == NULL) return;
    for (uint32_t i = 0; i < FETCH_AHEAD; i++) {
        const uint32_t at = (reverse ? position - 1 - i : position + i) % WGI_NODE_KEYS;
        const uint64_t *words = rows->words[wgi_node_place(leaf, at)];
        __builtin_prefetch(words);
        __builtin_prefetch(words + 8);
    }
}

/* The leaf beside this one is on its way while this one is looked at; its rows when there was time for its head to come. */
static void beside_fetch(const wgi_level *level, bool rows) {
    const wgi_order_node *leaf = level->spot.leaf;
    const wgi_order_node *beside =
        atomic_load_explicit(level->reverse ? &leaf->prev : &leaf->next, memory_order_acquire);
    if (beside == NULL) return;
    if (rows) {
        rows_fetch(beside, level->reverse ? wgi_node_count(beside) : 0, level->reverse);
    } else {
        wgi_node_prefetch(beside);
    }
}

static void level_seek(wgi_level *level, const wgi_interval *interval) {
    const wgi_order *order = level->run->order;
    wg_slice key = level->reverse ? wgi_interval_high(interval) : wgi_interval_low(interval);
    if (level->has_last) key = level->last;
    const bool is_open = level->reverse && !level->has_last && !interval->has_high;
    level->spot = is_open ? wgi_tree_find_last(order) : wgi_tree_find(order, key);
    const wgi_order_node *leaf = level->spot.leaf;
    if (leaf == NULL) return;
    rows_fetch(leaf, is_open ? wgi_node_count(leaf) : wgi_node_guess(leaf, key), level->reverse);
}

/* ---- reading rows */

/* A batch on its way from a leaf to items. */
typedef struct batch {
    uint32_t count;
    uint64_t (*images)[WGI_SLOT_WORDS];
    uint64_t missing;                   /* bit i: row i has to be read from its slot */
    wgi_order_entry entries[WGI_BATCH]; /* of the missing ones */
    uint64_t stamps[WGI_BATCH];         /* of the missing ones: even when the copy may be kept */
    uint8_t places[WGI_BATCH];
} batch;

static void row_copy(const uint64_t *from, uint64_t *words) {
#if defined(__x86_64__) && !defined(WGI_THREAD_SANITIZER)
    /* Loads are not reordered with loads here; the compiler must not either. Whether it was torn shows the leaf's version. */
    memcpy(words, from, WGI_SLOT_BYTES);
    atomic_signal_fence(memory_order_acquire);
#else
    for (uint32_t i = 0; i < WGI_SLOT_WORDS; i++) words[i] = wgi_word_load(&from[i]);
#endif
}

/* Starts the misses of the batch: the copies, and the stamps that have to be looked at. */
static void batch_prefetch(const wgi_level *level, const wgi_leaf_rows *rows, uint64_t unsure, batch *b) {
    for (uint32_t i = 0; i < b->count; i++) {
        const uint32_t place = b->places[i];
        __builtin_prefetch(&rows->words[place][0]);
        __builtin_prefetch(&rows->words[place][8]);
        if ((unsure >> place & 1) == 0) continue;
        __builtin_prefetch(wgi_place_of(level->run->table, wgi_word_load(&rows->hashes[place])).header);
    }
}

/* Places whose copies are the newest records of their keys, of those in `places`. */
static uint64_t places_current(const wgi_level *level, const wgi_leaf_rows *rows, uint64_t places) {
    uint64_t current = 0;
    for (; places != 0; places &= places - 1) {
        const uint32_t place = (uint32_t)__builtin_ctzll(places);
        const uint64_t now = wgi_stamp_of(level->run->table, wgi_word_load(&rows->hashes[place]));
        if (wgi_word_load(&rows->stamps[place]) == now) current |= UINT64_C(1) << place;
    }
    return current;
}

/* Copies out what the leaf has of positions [first, first + count). False: the leaf changed, nothing is known. */
static bool batch_copy(wgi_level *level, uint32_t first, bool goes_on, batch *b) {
    const wgi_order_node *leaf = level->spot.leaf;
    const wgi_leaf_rows *rows = atomic_load_explicit(&leaf->rows, memory_order_acquire);
    const bool all_current = wgi_word_load(&leaf->as_of) == level->newest;
    uint64_t places = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        b->places[i] = (uint8_t)wgi_node_place(leaf, level->reverse ? first + b->count - 1 - i : first + i);
        places |= UINT64_C(1) << b->places[i];
    }
    uint64_t current = rows == NULL ? 0 : places & wgi_word_load(&leaf->copied);
    if (current != 0) batch_prefetch(level, rows, all_current ? 0 : current, b);
    if (goes_on) beside_fetch(level, false);
    if (!all_current) current = places_current(level, rows, current);
    b->missing = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const uint32_t place = b->places[i];
        if ((current >> place & 1) != 0) {
            row_copy(rows->words[place], b->images[i]);
            level->items[i].time_us = wgi_word_load(&rows->times_us[place]);
            if (wgi_version_of(b->images[i][0]) <= level->version) continue;
        }
        b->missing |= UINT64_C(1) << i;
        wgi_entry_load(&leaf->entries[place], &b->entries[i]);
    }
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
    const uint64_t stamp = wgi_stamp_of(level->run->table, key.hash);
    const wgi_found found = wgi_slot_read(level->run, &key, level->version, &record);
    b->stamps[i] = UINT64_MAX; /* odd */
    if (found == WGI_EXPIRED) return error_expired(level, err);
    item->words = found == WGI_ABSENT ? NULL : b->images[i];
    if (found == WGI_ABSENT) return WG_OK;
    memcpy(b->images[i], record.words, sizeof record.words);
    item->time_us = record.time_us;
    if (record.replaced_by == UINT64_MAX && stamp == wgi_stamp_of(level->run->table, key.hash)) b->stamps[i] = stamp;
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

/* ---- renewing copies */

static void row_store(wgi_leaf_rows *rows, const batch *b, uint32_t i, uint64_t time_us) {
    const uint32_t place = b->places[i];
    wgi_word_store(&rows->stamps[place], b->stamps[i]);
    wgi_word_store(&rows->hashes[place], b->entries[i].w[0]);
    wgi_word_store(&rows->times_us[place], time_us);
    for (uint32_t w = 0; w < WGI_SLOT_WORDS; w++) wgi_word_store(&rows->words[place][w], b->images[i][w]);
}

/* What was read from slots goes into the leaf, if nobody changed or is changing that. */
static void batch_renew(wgi_level *level, const batch *b) {
    uint64_t fresh = b->missing;
    for (uint64_t left = b->missing; left != 0; left &= left - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(left);
        if ((b->stamps[i] & 1) != 0) fresh &= ~(UINT64_C(1) << i);
    }
    if (fresh == 0) return;
    wgi_order_node *leaf = level->spot.leaf;
    wgi_leaf_rows *made = NULL;
    if (atomic_load_explicit(&leaf->rows, memory_order_acquire) == NULL) {
        if (__builtin_popcountll(fresh) < ROWS_WORTH) return;
        made = wgi_leaf_rows_create(level->run->order);
        if (made == NULL) return;
    }
    if (!wgi_spot_try_lock(level->spot)) {
        wgi_leaf_rows_free(level->run->order, made);
        return;
    }
    wgi_leaf_rows *rows = atomic_load_explicit(&leaf->rows, memory_order_relaxed);
    if (rows == NULL) { /* so `made` is there: a change in between would have failed the lock */
        rows = made;
        atomic_store_explicit(&leaf->rows, made, memory_order_release);
    }
    uint64_t copied = leaf->copied;
    for (; fresh != 0; fresh &= fresh - 1) {
        const uint32_t i = (uint32_t)__builtin_ctzll(fresh);
        row_store(rows, b, i, level->items[i].time_us);
        copied |= UINT64_C(1) << b->places[i];
    }
    wgi_word_store(&leaf->copied, copied);
    wgi_spot_unlock(&level->spot);
}

/* Notes that the copies of the whole leaf are the newest records at the level's `newest`, if they are. Worth it only when nothing was committed in
 * the run since a scan was here before. */
static void leaf_confirm(wgi_level *level) {
    wgi_order_node *leaf = level->spot.leaf;
    const wgi_leaf_rows *rows = atomic_load_explicit(&leaf->rows, memory_order_acquire);
    if (rows == NULL || wgi_word_load(&leaf->as_of) == level->newest) return;
    if (atomic_exchange_explicit(&leaf->looked_at, level->newest, memory_order_relaxed) != level->newest) return;
    const uint64_t current = places_current(level, rows, wgi_word_load(&leaf->copied));
    if (!wgi_spot_try_lock(level->spot)) return;
    wgi_word_store(&leaf->copied, current);
    wgi_word_store(&leaf->as_of, level->newest);
    wgi_spot_unlock(&level->spot);
}

/* ---- a batch */

typedef struct leaf_part {
    uint32_t first, count;
    bool goes_on; /* the reader wants more than this leaf has */
} leaf_part;

/* Positions [first, first + count) of the leaf become items. *out_changed: the leaf is another now. */
static wg_code leaf_read(wgi_level *level, leaf_part part, wg_arena *arena, bool *out_changed, wg_error *err) {
    const uint32_t count = part.count;
    batch b;
    b.count = count;
    b.images = wg_arena_alloc(arena, count * sizeof b.images[0]);
    if (b.images == NULL) return wg_error_nomem(err, count * sizeof b.images[0]);
    *out_changed = !batch_copy(level, part.first, part.goes_on, &b);
    if (*out_changed) return WG_OK;
    if (part.goes_on) beside_fetch(level, true);
    for (uint32_t i = 0; i < count; i++) {
        wgi_item *item = &level->items[i];
        item->own = NULL;
        if ((b.missing >> i & 1) != 0) continue;
        item->words = b.images[i];
        const uint32_t key_bytes = (uint32_t)(b.images[i][0] >> 8) & 0xff;
        item->key = wg_slice_of((const uint8_t *)b.images[i] + WGI_KEY_AT, key_bytes);
        if (key_bytes != WGI_KEY_IN_BLOCK) continue;
        const wg_slice key = wgi_words_key(b.images[i]);
        if (!key_keep(item, key, arena)) return wg_error_nomem(err, key.size);
    }
    if (b.missing != 0) {
        WG_TRY(batch_read_missing(level, &b, arena, err));
        batch_renew(level, &b);
    }
    leaf_confirm(level);
    return WG_OK;
}

/* Goes on in the leaf beside. False: the spot is lost. */
static bool level_step(wgi_level *level) {
    wgi_order_spot beside;
    if (!wgi_tree_step(level->spot, level->reverse, &beside)) return false;
    level->end = beside.leaf == NULL;
    level->spot = beside;
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
    const leaf_part part = {.first = level->reverse ? to - n : from, .count = n, .goes_on = want > n};
    WG_TRY(leaf_read(level, part, arena, &changed, err));
    if (changed) {
        level->spot.leaf = NULL;
        return WG_OK;
    }
    level->count = n;
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
        if (level->spot.leaf == NULL) level_seek(level, interval);
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
