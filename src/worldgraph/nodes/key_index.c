/* The key index: open addressing with linear probing from 64-bit hash to id, without deletion.
 *
 * The writer stores the hash and then publishes the entry by the release store of id + 1 (0 = empty); readers walk from the
 * home slot to the first empty one. Entries of one hash stand in the order in which they were added: probing puts a later
 * one further along the walk, and growth moves the entries cluster by cluster in walking order. So the order of
 * wg_key_index_next is a function of the sequence of adds alone.
 *
 * A position is the number of entries of this hash already seen, and a shortcut: the distance from the home slot where
 * to go on, valid while the table is the one that it was made for (its generation = log2 of the capacity).
 *   bits 0-23 distance (all ones: unknown) | 24-31 generation | 32-63 entries seen */
#include "base/digest/digest.h"
#include "worldgraph/nodes/nodes_internal.h"

enum { KEY_SLOTS_FIRST_LOG2 = 6 };
#define POSITION_DISTANCE_UNKNOWN ((UINT64_C(1) << 24) - 1)

typedef struct key_entry {
    _Atomic uint64_t hash;
    _Atomic uint64_t id_plus_1; /* release by the writer, acquire by readers */
} key_entry;

typedef struct key_table {
    wg_epoch_link link;
    uint32_t generation; /* log2 of the number of slots */
    uint64_t mask;
    key_entry entries[];
} key_table;

struct wg_key_index {
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(key_table *) table; /* release by growth, acquire by readers */
    uint64_t entry_count;       /* writer */
};

static key_table *table_create(uint32_t generation, wg_account *account) {
    const uint64_t slots = UINT64_C(1) << generation;
    size_t bytes;
    if (!wg_mul_size(slots, sizeof(key_entry), &bytes) || !wg_add_size(bytes, sizeof(key_table), &bytes)) return NULL;
    key_table *table = wg_alloc_zero(account, bytes);
    if (table == NULL) return NULL;
    table->generation = generation;
    table->mask = slots - 1;
    return table;
}

wg_code wg_key_index_create(wg_epoch *epoch, wg_account *account, wg_key_index **out, wg_error *err) {
    wg_key_index *index = wg_alloc_zero(account, sizeof *index);
    key_table *table = table_create(KEY_SLOTS_FIRST_LOG2, account);
    if (index == NULL || table == NULL) {
        wg_free(index);
        wg_free(table);
        return wg_error_nomem(err, sizeof *index);
    }
    index->epoch = epoch;
    index->account = account;
    atomic_init(&index->table, table);
    *out = index;
    return WG_OK;
}

void wg_key_index_destroy(wg_key_index *index) {
    if (index == NULL) return;
    wg_free(atomic_load_explicit(&index->table, memory_order_acquire));
    wg_free(index);
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

wg_code wg_key_index_reserve(wg_key_index *index, uint64_t more, wg_error *err) {
    key_table *old = atomic_load_explicit(&index->table, memory_order_relaxed);
    uint32_t generation = old->generation;
    /* At most 5/8 full. */
    while (more > (UINT64_C(5) << (generation - 3)) ||
           index->entry_count > (UINT64_C(5) << (generation - 3)) - more) {
        if (++generation > 56) return wg_error_nomem(err, SIZE_MAX);
    }
    if (generation == old->generation) return WG_OK;
    key_table *table = table_create(generation, index->account);
    if (table == NULL) return wg_error_nomem(err, sizeof(key_entry) << generation);
    table_move(old, table);
    atomic_store_explicit(&index->table, table, memory_order_release); /* pairs with wg_key_index_next */
    wg_epoch_retire_linked(index->epoch, &old->link);
    return WG_OK;
}

wg_code wg_key_index_add(wg_key_index *index, uint64_t hash, uint64_t id, wg_error *err) {
    WG_ASSERT(id != UINT64_MAX);
    const key_table *table = atomic_load_explicit(&index->table, memory_order_relaxed);
    for (uint64_t at = home_slot(table, hash);; at = (at + 1) & table->mask) {
        const uint64_t there = entry_id_plus_1(&table->entries[at]);
        if (there == 0) break;
        if (there == id + 1 && entry_hash(&table->entries[at]) == hash) return WG_OK;
    }
    WG_TRY(wg_key_index_reserve(index, 1, err));
    table_put(atomic_load_explicit(&index->table, memory_order_relaxed), hash, id + 1);
    index->entry_count++;
    return WG_OK;
}

wg_code wg_key_index_next(const wg_key_index *index, uint64_t hash, uint64_t *position, uint64_t *out_id,
                          bool *out_found, wg_error *err) {
    (void)err;
    const key_table *table = atomic_load_explicit(&index->table, memory_order_acquire);
    const uint64_t seen = *position >> 32;
    uint64_t distance = *position & POSITION_DISTANCE_UNKNOWN;
    uint64_t skip = 0;
    if (distance == POSITION_DISTANCE_UNKNOWN || ((*position >> 24) & 0xff) != table->generation) {
        distance = 0;
        skip = seen;
    }
    const uint64_t home = home_slot(table, hash);
    for (;; distance++) {
        const key_entry *e = &table->entries[(home + distance) & table->mask];
        const uint64_t id_plus_1 = entry_id_plus_1(e);
        if (id_plus_1 == 0) {
            *out_found = false;
            return WG_OK;
        }
        if (entry_hash(e) != hash) continue;
        if (skip != 0) {
            skip--;
            continue;
        }
        const uint64_t next = wg_min_u64(distance + 1, POSITION_DISTANCE_UNKNOWN);
        *position = (seen + 1) << 32 | (uint64_t)table->generation << 24 | next;
        *out_id = id_plus_1 - 1;
        *out_found = true;
        return WG_OK;
    }
}
