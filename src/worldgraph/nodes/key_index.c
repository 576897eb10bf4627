/* The key index: from the hash of a key to the ids of nodes that have or had it. In memory, frozen, and in stored runs.
 *
 * In memory: open addressing with linear probing, without deletion. The writer stores the hash and then publishes the entry
 * by the release store of id + 1 (0 = empty); readers walk from the home slot to the first empty one. Entries of one hash
 * stand in the order in which they were added: probing puts a later one further along the walk, and growth moves the entries
 * cluster by cluster in walking order.
 *
 * A checkpoint freezes that table and writes it as a run: pieces of up to 16,384 pairs sorted by (hash, id). Stored runs are
 * searched one after the other: by the fences of their pieces, then inside one piece. All of it hangs on one state, which is
 * replaced whole, so that a reader never misses an entry on its way from one place to the next. An iteration that finds a
 * new state begins again: its caller may see an id twice, never not at all.
 *
 * A position, of which 0 is the start:
 *   bits 0-5 state (a counter, modulo 64) | 6-7 stage: stored, frozen, active
 *   stored:         | 8-31 piece | 32-47 row + 1 (0: to be searched)
 *   frozen, active: | 8-31 distance from the home slot (all ones: unknown) | 32-37 log2 of the slots | 38-63 entries seen
 * The distance is a shortcut, valid while the table is the one that it was made for. */
#include "base/digest/digest.h"
#include "worldgraph/nodes/nodes_internal.h"

enum {
    KEY_SLOTS_FIRST_LOG2 = 6,
    KEY_PIECES_MAX = 1 << 24,
    STAGE_STORED = 0,
    STAGE_FROZEN = 1,
    STAGE_ACTIVE = 2,
    DISTANCE_UNKNOWN = (1 << 24) - 1,
    SEEN_MAX = (1 << 26) - 1
};

typedef struct key_entry {
    _Atomic uint64_t hash;
    _Atomic uint64_t id_plus_1; /* release by the writer, acquire by readers */
} key_entry;

typedef struct key_table {
    wg_epoch_link link;
    uint32_t generation; /* log2 of the number of slots */
    uint64_t mask;
    uint64_t count; /* writer */
    key_entry entries[];
} key_table;

/* A stored piece and its fences. */
typedef struct key_piece {
    const wg_fragment *fragment;
    uint32_t hash_column;
    uint32_t id_column;
    uint64_t first; /* hashes, inclusive */
    uint64_t last;
    uint32_t run_end; /* index behind the last piece of its run */
} key_piece;

typedef struct key_state {
    wg_epoch_link link;
    uint32_t generation;
    key_table *frozen;           /* NULL: none */
    _Atomic(key_table *) active; /* release by growth, acquire by readers */
    uint64_t stored_end;         /* ordinals given to stored entries */
    uint64_t stored_id_max;      /* no stored entry has a greater id */
    uint32_t piece_count;
    key_piece pieces[];
} key_state;

struct wg_key_index {
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(key_state *) state; /* release by the writer, acquire by readers */
};

static key_state *state_of(const wg_key_index *index) {
    return atomic_load_explicit(&index->state, memory_order_acquire);
}
static key_table *active_of(const key_state *state) {
    return atomic_load_explicit(&state->active, memory_order_acquire);
}

/* ---- tables in memory */

/* generation <= 56: sizes do not overflow. */
static key_table *table_create(uint32_t generation, wg_account *account) {
    const uint64_t slots = UINT64_C(1) << generation;
    key_table *table = wg_alloc_zero(account, sizeof *table + slots * sizeof table->entries[0]);
    if (table == NULL) return NULL;
    table->generation = generation;
    table->mask = slots - 1;
    return table;
}

uint64_t wg_key_hash(const wg_value *values, uint32_t count) {
    uint64_t h = count;
    for (uint32_t i = 0; i < count; i++)
        h = wg_hash64_u64(h * UINT64_C(0x9e3779b97f4a7c15) + wg_value_hash(&values[i]));
    return h;
}

/* Callers' hashes need not be well mixed in their low bits. */
static uint64_t home_slot(const key_table *table, uint64_t hash) {
    return (hash * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - table->generation);
}

static uint64_t entry_id_plus_1(const key_entry *e) {
    return atomic_load_explicit(&e->id_plus_1, memory_order_acquire);
}
static uint64_t entry_hash(const key_entry *e) { return atomic_load_explicit(&e->hash, memory_order_relaxed); }

/* Puts an entry that is not there at the end of its walk. */
static void table_put(key_table *table, uint64_t hash, uint64_t id_plus_1) {
    uint64_t at = home_slot(table, hash);
    while (entry_id_plus_1(&table->entries[at]) != 0) at = (at + 1) & table->mask;
    atomic_store_explicit(&table->entries[at].hash, hash, memory_order_relaxed);
    atomic_store_explicit(&table->entries[at].id_plus_1, id_plus_1, memory_order_release);
    table->count++;
}

/* Starts behind an empty slot, so that no cluster is cut and equal hashes keep their order. */
static void table_move(const key_table *from, key_table *to) {
    uint64_t start = 0;
    while (entry_id_plus_1(&from->entries[start]) != 0) start++; /* ends: never full */
    for (uint64_t i = 1; i <= from->mask; i++) {
        const key_entry *e = &from->entries[(start + i) & from->mask];
        const uint64_t id_plus_1 = entry_id_plus_1(e);
        if (id_plus_1 != 0) table_put(to, entry_hash(e), id_plus_1);
    }
}

static bool table_has(const key_table *table, uint64_t hash, uint64_t id) {
    for (uint64_t at = home_slot(table, hash);; at = (at + 1) & table->mask) {
        const uint64_t there = entry_id_plus_1(&table->entries[at]);
        if (there == 0) return false;
        if (there == id + 1 && entry_hash(&table->entries[at]) == hash) return true;
    }
}

/* Slots, as a logarithm, for `count` entries and `more`: at most 5/8 full. 0: too many. */
static uint32_t generation_for(uint32_t generation, uint64_t count, uint64_t more) {
    while (more > (UINT64_C(5) << (generation - 3)) || count > (UINT64_C(5) << (generation - 3)) - more)
        if (++generation > 56) return 0;
    return generation;
}

/* ---- states */

static key_state *state_create(uint32_t piece_count, wg_account *account) {
    key_state *state = wg_alloc_zero(account, sizeof *state + piece_count * sizeof state->pieces[0]);
    if (state == NULL) return NULL;
    atomic_init(&state->active, NULL);
    state->piece_count = piece_count;
    return state;
}

/* Publishes the state that follows; the old one goes, its tables stay with whoever has them. */
static void state_put(wg_key_index *index, key_state *state) {
    key_state *old = state_of(index);
    state->generation = (old->generation + 1) % 64;
    atomic_store_explicit(&index->state, state, memory_order_release); /* pairs with state_of */
    wg_epoch_retire_linked(index->epoch, &old->link);
}

wg_code wg_key_index_create(wg_epoch *epoch, wg_account *account, wg_key_index **out, wg_error *err) {
    wg_key_index *index = wg_alloc_zero(account, sizeof *index);
    key_state *state = state_create(0, account);
    key_table *table = table_create(KEY_SLOTS_FIRST_LOG2, account);
    if (index == NULL || state == NULL || table == NULL) {
        wg_free(index);
        wg_free(state);
        wg_free(table);
        return wg_error_nomem(err, sizeof *index);
    }
    index->epoch = epoch;
    index->account = account;
    atomic_init(&state->active, table);
    atomic_init(&index->state, state);
    *out = index;
    return WG_OK;
}

void wg_key_index_destroy(wg_key_index *index) {
    if (index == NULL) return;
    key_state *state = state_of(index);
    wg_free(active_of(state));
    wg_free(state->frozen);
    wg_free(state);
    wg_free(index);
}

wg_code wg_key_index_reserve(wg_key_index *index, uint64_t more, wg_error *err) {
    key_state *state = state_of(index);
    key_table *old = active_of(state);
    const uint32_t generation = generation_for(old->generation, old->count, more);
    if (generation == old->generation) return WG_OK;
    key_table *table = generation == 0 ? NULL : table_create(generation, index->account);
    if (table == NULL) return wg_error_nomem(err, SIZE_MAX);
    table_move(old, table);
    atomic_store_explicit(&state->active, table, memory_order_release); /* pairs with active_of */
    wg_epoch_retire_linked(index->epoch, &old->link);
    return WG_OK;
}

/* ---- iterating */

/* Where an iteration is. */
typedef struct cursor {
    uint64_t hash;
    uint32_t stage;
    uint32_t piece; /* stored */
    uint32_t row_plus_1;
    uint32_t distance; /* frozen, active */
    uint32_t table_generation;
    uint32_t seen;
} cursor;

static uint64_t position_of(const cursor *c, uint32_t generation) {
    const uint64_t low = (uint64_t)generation | (uint64_t)c->stage << 6;
    if (c->stage == STAGE_STORED) return low | (uint64_t)c->piece << 8 | (uint64_t)c->row_plus_1 << 32;
    return low | (uint64_t)c->distance << 8 | (uint64_t)c->table_generation << 32 | (uint64_t)c->seen << 38;
}

static cursor cursor_of(uint64_t hash, uint64_t position, uint32_t generation) {
    cursor c = {.hash = hash, .table_generation = 0};
    if (position == 0 || (position & 63) != generation) return c;
    c.stage = (uint32_t)(position >> 6) & 3;
    c.piece = c.distance = (uint32_t)(position >> 8) & DISTANCE_UNKNOWN;
    c.row_plus_1 = (uint32_t)(position >> 32) & 0xffff;
    c.table_generation = (uint32_t)(position >> 32) & 63;
    c.seen = (uint32_t)(position >> 38);
    return c;
}

/* First piece of [from, run_end) whose last hash is not below the cursor's. */
static uint32_t piece_seek(const key_state *state, uint32_t from, uint64_t hash) {
    uint32_t low = from;
    uint32_t high = state->pieces[from].run_end;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (state->pieces[middle].last < hash) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The next stored entry from the cursor on; at the end the cursor stands behind the last piece. */
static wg_code stored_next(const key_state *state, cursor *c, uint64_t *out_id, bool *out_found, wg_error *err) {
    *out_found = false;
    while (c->piece < state->piece_count) {
        const key_piece *p = &state->pieces[c->piece];
        if (c->row_plus_1 == 0) {
            c->piece = piece_seek(state, c->piece, c->hash);
            if (c->piece == p->run_end) continue;
            p = &state->pieces[c->piece];
            uint32_t row = 0;
            WG_TRY(wg_fragment_lower_bound(p->fragment, p->hash_column, c->hash, &row, err));
            c->row_plus_1 = row + 1;
        }
        const uint32_t row = c->row_plus_1 - 1;
        uint64_t hash = 0;
        const bool inside = row < p->fragment->head.row_count;
        if (inside) WG_TRY(wg_fragment_u64(p->fragment, p->hash_column, row, &hash, err));
        if (inside && hash == c->hash) {
            WG_TRY(wg_fragment_u64(p->fragment, p->id_column, row, out_id, err));
            c->row_plus_1++;
            *out_found = true;
            return WG_OK;
        }
        c->piece = inside ? p->run_end : c->piece + 1;
        c->row_plus_1 = 0;
    }
    return WG_OK;
}

static bool table_next(const key_table *table, cursor *c, uint64_t *out_id) {
    uint64_t distance = c->distance;
    uint32_t skip = 0;
    if (distance == DISTANCE_UNKNOWN || c->table_generation != table->generation) {
        distance = 0;
        skip = c->seen;
    }
    const uint64_t home = home_slot(table, c->hash);
    for (;; distance++) {
        const key_entry *e = &table->entries[(home + distance) & table->mask];
        const uint64_t id_plus_1 = entry_id_plus_1(e);
        if (id_plus_1 == 0) return false;
        if (entry_hash(e) != c->hash) continue;
        if (skip != 0) {
            skip--;
            continue;
        }
        c->distance = (uint32_t)wg_min_u64(distance + 1, DISTANCE_UNKNOWN);
        c->table_generation = table->generation;
        c->seen += c->seen < SEEN_MAX;
        *out_id = id_plus_1 - 1;
        return true;
    }
}

static void cursor_stage(cursor *c, uint32_t stage) { *c = (cursor){.hash = c->hash, .stage = stage}; }

wg_code wg_key_index_next(const wg_key_index *index, uint64_t hash, uint64_t *position, uint64_t *out_id,
                          bool *out_found, wg_error *err) {
    const key_state *state = state_of(index);
    cursor c = cursor_of(hash, *position, state->generation);
    uint64_t id = 0;
    bool found = false;
    if (c.stage == STAGE_STORED) {
        WG_TRY(stored_next(state, &c, &id, &found, err));
        if (!found) cursor_stage(&c, STAGE_FROZEN);
    }
    if (c.stage == STAGE_FROZEN) {
        found = state->frozen != NULL && table_next(state->frozen, &c, &id);
        if (!found) cursor_stage(&c, STAGE_ACTIVE);
    }
    if (c.stage == STAGE_ACTIVE) found = table_next(active_of(state), &c, &id);
    *position = position_of(&c, state->generation);
    if (found) *out_id = id;
    *out_found = found;
    return WG_OK;
}

static wg_code stored_has(const key_state *state, uint64_t hash, uint64_t id, bool *out, wg_error *err) {
    cursor c = {.hash = hash, .stage = STAGE_STORED};
    uint64_t there = 0;
    *out = false;
    if (state->piece_count == 0 || id > state->stored_id_max) return WG_OK;
    do WG_TRY(stored_next(state, &c, &there, out, err));
    while (*out && there != id);
    return WG_OK;
}

wg_code wg_key_index_add(wg_key_index *index, uint64_t hash, uint64_t id, wg_error *err) {
    WG_ASSERT(id != UINT64_MAX);
    const key_state *state = state_of(index);
    bool there =
        table_has(active_of(state), hash, id) || (state->frozen != NULL && table_has(state->frozen, hash, id));
    if (!there) WG_TRY(stored_has(state, hash, id, &there, err));
    if (there) return WG_OK;
    WG_TRY(wg_key_index_reserve(index, 1, err));
    table_put(active_of(state), hash, id + 1);
    return WG_OK;
}

void wg_key_index_prefetch(const wg_key_index *index, uint64_t hash) {
    const key_table *table = active_of(state_of(index));
    __builtin_prefetch(&table->entries[home_slot(table, hash)]);
}

wg_code wg_key_index_add_batch(wg_key_index *index, const uint64_t *hashes, uint64_t first_id, uint32_t count,
                               wg_error *err) {
    enum { AHEAD = 16 };
    WG_TRY(wg_key_index_reserve(index, count, err));
    for (uint32_t i = 0; i < count; i++) {
        if (i + AHEAD < count) wg_key_index_prefetch(index, hashes[i + AHEAD]);
        WG_TRY(wg_key_index_add(index, hashes[i], first_id + i, err));
    }
    return WG_OK;
}

/* ---- freezing and storing */

/* A state like this one, with other tables. */
static key_state *state_copy(const key_state *from, wg_account *account) {
    key_state *state = state_create(from->piece_count, account);
    if (state == NULL) return NULL;
    memcpy(state->pieces, from->pieces, from->piece_count * sizeof(key_piece));
    state->stored_end = from->stored_end;
    state->stored_id_max = from->stored_id_max;
    return state;
}

wg_code wg_key_index_freeze(wg_key_index *index, wg_error *err) {
    const key_state *old = state_of(index);
    key_table *active = active_of(old);
    key_table *frozen = old->frozen;
    key_table *both = active;
    if (active->count == 0) return WG_OK; /* what is frozen already, if anything, stays so */
    key_state *state = state_copy(old, index->account);
    key_table *fresh = table_create(KEY_SLOTS_FIRST_LOG2, index->account);
    if (frozen != NULL) {
        const uint32_t generation = generation_for(active->generation, frozen->count, active->count);
        both = generation == 0 ? NULL : table_create(generation, index->account);
    }
    if (state == NULL || fresh == NULL || both == NULL) {
        wg_free(state);
        wg_free(fresh);
        if (both != active) wg_free(both);
        return wg_error_nomem(err, sizeof(key_table));
    }
    if (frozen != NULL) {
        table_move(frozen, both);
        table_move(active, both);
    }
    state->frozen = both;
    atomic_init(&state->active, fresh);
    state_put(index, state);
    if (frozen != NULL) {
        wg_epoch_retire_linked(index->epoch, &frozen->link);
        wg_epoch_retire_linked(index->epoch, &active->link);
    }
    return WG_OK;
}

typedef struct key_pair {
    uint64_t hash;
    uint64_t id;
} key_pair;

static uint64_t pair_word(const key_pair *p, uint32_t pass) { return pass < 8 ? p->id : p->hash; }

/* Sorts by (hash, id): one stable counting pass a byte, from the last byte of the id to the first of the hash. Bytes that all
 * pairs share cost a look. Returns which of the two arrays has the result. */
static key_pair *pairs_sort(key_pair *pairs, key_pair *other, uint64_t count) {
    for (uint32_t pass = 0; pass < 16; pass++) {
        const uint32_t shift = pass % 8 * 8;
        uint64_t starts[257] = {0};
        for (uint64_t i = 0; i < count; i++) starts[((pair_word(&pairs[i], pass) >> shift) & 255) + 1]++;
        const uint64_t first = (pair_word(&pairs[0], pass) >> shift) & 255;
        if (starts[first + 1] == count) continue;
        for (uint32_t b = 0; b < 256; b++) starts[b + 1] += starts[b];
        for (uint64_t i = 0; i < count; i++) other[starts[(pair_word(&pairs[i], pass) >> shift) & 255]++] = pairs[i];
        key_pair *t = pairs;
        pairs = other;
        other = t;
    }
    return pairs;
}

static wg_code piece_store(const key_pair *pairs, uint32_t count, const wg_fragment_head *head, uint64_t *buffer,
                           wg_stripe_sink *sink, wg_error *err) {
    uint64_t *hashes = buffer;
    uint64_t *ids = buffer + WG_FRAGMENT_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = pairs[i].hash;
        ids[i] = pairs[i].id;
    }
    const wg_vector id = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = ids};
    const wg_vector hash = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = hashes};
    const wg_stripe_column columns[2] = {{.id = WG_COLUMN_ID, .vector = id}, {.id = WG_COLUMN_HASH, .vector = hash}};
    return wg_stripe_sink_add(sink, head, columns, 2, err);
}

static wg_code run_store(const key_pair *pairs, uint64_t count, uint64_t first, const wg_store_pass *pass,
                         uint64_t *buffer, wg_error *err) {
    wg_fragment_head head = {.key = {.kind = WG_KIND_KEYS, .owner = pass->owner, .run = first},
                             .version = pass->until,
                             .attributes = {first + count}};
    for (uint64_t done = 0; done < count; head.key.slot++) {
        head.row_count = (uint32_t)wg_min_u64(count - done, WG_FRAGMENT_ROWS);
        WG_TRY(piece_store(pairs + done, head.row_count, &head, buffer, pass->sink, err));
        done += head.row_count;
    }
    return WG_OK;
}

wg_code wg_key_index_store(const wg_key_index *index, const wg_store_pass *pass, wg_error *err) {
    const key_state *state = state_of(index);
    const key_table *frozen = state->frozen;
    if (frozen == NULL) return WG_OK;
    const size_t bytes = frozen->count * 2 * sizeof(key_pair); /* of the order of the table: no overflow */
    key_pair *pairs = wg_alloc(index->account, bytes);
    uint64_t *buffer = wg_alloc(index->account, (size_t)2 * WG_FRAGMENT_ROWS * sizeof *buffer);
    wg_code code = pairs == NULL || buffer == NULL ? wg_error_nomem(err, bytes) : WG_OK;
    if (code == WG_OK) {
        uint64_t n = 0;
        for (uint64_t i = 0; i <= frozen->mask; i++) {
            const uint64_t id_plus_1 = entry_id_plus_1(&frozen->entries[i]);
            if (id_plus_1 != 0) pairs[n++] = (key_pair){entry_hash(&frozen->entries[i]), id_plus_1 - 1};
        }
        code = run_store(pairs_sort(pairs, pairs + n, n), n, state->stored_end, pass, buffer, err);
    }
    wg_free(pairs);
    wg_free(buffer);
    return code;
}

/* ---- adopting */

static bool is_word_column(const wg_fragment *f, uint32_t column) {
    if (column == UINT32_MAX) return false;
    const wg_fragment_column *c = &f->columns[column];
    return c->type == WG_TYPE_NODE && c->null_count == 0 && c->has_zone;
}

static wg_code piece_open(const wg_fragment *f, key_piece *out, wg_error *err) {
    const uint32_t hash = wg_fragment_column_of(f, WG_COLUMN_HASH);
    const uint32_t id = wg_fragment_column_of(f, WG_COLUMN_ID);
    if (f->head.row_count == 0 || f->head.row_count > WG_FRAGMENT_ROWS || !is_word_column(f, hash) ||
        !is_word_column(f, id))
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored keys of label %u, run %llu, are none",
                            f->head.key.owner, (unsigned long long)f->head.key.run);
    *out = (key_piece){.fragment = f, .hash_column = hash, .id_column = id};
    out->first = f->columns[hash].min.as.id;
    out->last = f->columns[hash].max.as.id;
    return WG_OK;
}

static bool same_run(const key_state *state, uint32_t i) {
    return state->pieces[i].fragment->head.key.run == state->pieces[i + 1].fragment->head.key.run;
}

static wg_code pieces_open(key_state *state, const wg_fragment *const *pieces, wg_error *err) {
    for (uint32_t i = state->piece_count; i > 0; i--) {
        key_piece *p = &state->pieces[i - 1];
        const wg_fragment_head *head = &pieces[i - 1]->head;
        WG_TRY(piece_open(pieces[i - 1], p, err));
        state->stored_id_max = wg_max_u64(state->stored_id_max, p->fragment->columns[p->id_column].max.as.id);
        state->stored_end = wg_max_u64(state->stored_end, head->attributes[0]);
        const bool goes_on = i < state->piece_count && same_run(state, i - 1);
        p->run_end = goes_on ? p[1].run_end : i;
        if (goes_on && p->last > p[1].first)
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored keys of label %u, run %llu, are not sorted",
                                head->key.owner, (unsigned long long)head->key.run);
    }
    return WG_OK;
}

wg_code wg_key_index_adopt(wg_key_index *index, const wg_fragment *const *pieces, uint32_t piece_count,
                           bool frozen_is_stored, wg_error *err) {
    const key_state *old = state_of(index);
    key_table *frozen = old->frozen;
    if (piece_count >= KEY_PIECES_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a key index has at most 2^24 stored pieces");
    key_state *state = state_create(piece_count, index->account);
    if (state == NULL) return wg_error_nomem(err, sizeof *state);
    const wg_code code = pieces_open(state, pieces, err);
    if (code != WG_OK) {
        wg_free(state);
        return code;
    }
    state->stored_end = wg_max_u64(state->stored_end, old->stored_end); /* never given twice */
    state->frozen = frozen_is_stored ? NULL : frozen;
    atomic_init(&state->active, active_of(old));
    state_put(index, state);
    if (frozen_is_stored && frozen != NULL) wg_epoch_retire_linked(index->epoch, &frozen->link);
    return WG_OK;
}

uint64_t wg_key_index_stored_count(const wg_key_index *index) { return state_of(index)->stored_end; }
