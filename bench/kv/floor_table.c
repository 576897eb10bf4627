/* The table and the order of the floor. See floor_table.h.
 *
 * Scans find the fence at or before the key by a binary search without branches in an array of 1 MiB (every 16th key),
 * step to the row, and copy. From the sorted copy that is one stream; by slot numbers every row is a miss of its own,
 * which a prefetch some rows ahead overlaps. */
#include "floor_table.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { AHEAD_ROWS = 16, STREAM_BYTES = (KV_SCAN_ROWS + FLOOR_FENCE_ROWS / 2) * (int)sizeof(kv_row) };

static inline uint64_t hash_of(const kv_key *key) {
    const kv_u128 product = (kv_u128)(kv_word(key->bytes) ^ UINT64_C(0xa0761d6478bd642f)) *
                            (kv_word(key->bytes + 8) ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline bool same_key(const kv_key *a, const kv_key *b) {
    return ((kv_word(a->bytes) ^ kv_word(b->bytes)) | (kv_word(a->bytes + 8) ^ kv_word(b->bytes + 8))) == 0;
}

static inline bool is_here(const floor_slot *slot, uint64_t hash, const kv_key *key) {
    return slot->hash == (uint32_t)(hash >> 32) && same_key(&slot->key, key);
}

static inline uint32_t version_of(const floor_slot *slot) {
    return atomic_load_explicit(&slot->version, memory_order_relaxed);
}

/* The slot of the key, or the empty one where it belongs. */
static inline floor_slot *probe(const floor_table *table, uint64_t hash, const kv_key *key) {
    for (uint64_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        floor_slot *slot = &table->slots[i];
        if (is_here(slot, hash, key) || version_of(slot) == 0) return slot;
    }
}

static uint64_t slots_for(uint64_t keys) {
    uint64_t slots = 1024;
    while (slots < keys * 2) slots *= 2;
    return slots;
}

void floor_table_init(floor_table *table, uint64_t keys_expected) {
    const uint64_t slots = slots_for(keys_expected);
    *table = (floor_table){.slots = kv_alloc_large(slots * sizeof(floor_slot)), .mask = slots - 1};
}

void floor_table_deinit(floor_table *table) {
    kv_free_large(table->slots, (table->mask + 1) * sizeof(floor_slot));
    *table = (floor_table){0};
}

static void double_slots(floor_table *table) {
    const floor_table old = *table;
    floor_table_init(table, old.mask + 1);
    for (uint64_t i = 0; i <= old.mask; i++) {
        if (version_of(&old.slots[i]) == 0) continue;
        floor_slot *slot = probe(table, hash_of(&old.slots[i].key), &old.slots[i].key);
        memcpy(slot, &old.slots[i], sizeof *slot);
    }
    table->count = old.count;
    kv_free_large(old.slots, (old.mask + 1) * sizeof(floor_slot));
}

static void insert(floor_table *table, floor_slot *slot, uint64_t hash, const kv_key *key, const kv_value *value) {
    slot->hash = (uint32_t)(hash >> 32);
    slot->value_bytes = KV_VALUE_BYTES;
    slot->key = *key;
    slot->value = *value;
    atomic_store_explicit(&slot->version, 2, memory_order_release); /* pairs with the acquire in floor_get_seq */
    if (++table->count > (table->mask + 1) / 4 * 3) double_slots(table);
}

/* ---- plain */

bool floor_get_plain(const floor_table *table, const kv_key *key, kv_value *out) {
    const floor_slot *slot = probe(table, hash_of(key), key);
    if (version_of(slot) == 0) return false;
    *out = slot->value;
    return true;
}

void floor_put_plain(floor_table *table, const kv_key *key, const kv_value *value) {
    const uint64_t hash = hash_of(key);
    floor_slot *slot = probe(table, hash, key);
    if (version_of(slot) == 0) {
        insert(table, slot, hash, key, value);
        return;
    }
    slot->value_bytes = KV_VALUE_BYTES;
    slot->value = *value;
}

bool floor_change_plain(floor_table *table, const kv_key *key, kv_value *out) {
    floor_slot *slot = probe(table, hash_of(key), key);
    if (version_of(slot) == 0) return false;
    *out = slot->value;
    kv_value_change(out);
    slot->value = *out;
    return true;
}

/* ---- with a sequence lock in each slot */

static inline bool read_seq(const floor_slot *slot, kv_value *out) {
    for (;;) {
        const uint32_t before = atomic_load_explicit(&slot->version, memory_order_acquire);
        if (before == 0) return false;
        *out = slot->value;
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1) == 0 && before == version_of(slot)) return true;
        __builtin_ia32_pause();
    }
}

static inline uint32_t lock_slot(floor_slot *slot) {
    for (;;) {
        uint32_t version = version_of(slot);
        if ((version & 1) == 0 && atomic_compare_exchange_weak_explicit(&slot->version, &version, version + 1,
                                                                        memory_order_acquire, memory_order_relaxed)) {
            atomic_thread_fence(memory_order_release); /* the odd version is seen before any byte of the new value */
            return version;
        }
        __builtin_ia32_pause();
    }
}

static inline void unlock_slot(floor_slot *slot, uint32_t version) {
    const uint32_t next = version + 2 == 0 ? 2 : version + 2; /* 0 means empty */
    atomic_store_explicit(&slot->version, next, memory_order_release);
}

bool floor_get_seq(const floor_table *table, const kv_key *key, kv_value *out) {
    return read_seq(probe(table, hash_of(key), key), out);
}

void floor_put_seq(floor_table *table, const kv_key *key, const kv_value *value) {
    const uint64_t hash = hash_of(key);
    floor_slot *slot = probe(table, hash, key);
    if (version_of(slot) == 0) {
        insert(table, slot, hash, key, value);
        return;
    }
    const uint32_t version = lock_slot(slot);
    slot->value_bytes = KV_VALUE_BYTES;
    slot->value = *value;
    unlock_slot(slot, version);
}

bool floor_change_seq(floor_table *table, const kv_key *key, kv_value *out) {
    floor_slot *slot = probe(table, hash_of(key), key);
    if (version_of(slot) == 0) return false;
    const uint32_t version = lock_slot(slot);
    *out = slot->value;
    kv_value_change(out);
    slot->value = *out;
    unlock_slot(slot, version);
    return true;
}

/* ---- batches: all misses are under way before the first slot is looked at */

static inline void prefetch_slot(const floor_table *table, uint64_t hash) {
    const uint8_t *slot = (const uint8_t *)&table->slots[hash & table->mask];
    __builtin_prefetch(slot);
    __builtin_prefetch(slot + 64);
}

void floor_prefetch(const floor_table *table, const kv_key *key) { prefetch_slot(table, hash_of(key)); }

static inline void prefetch_slots(const floor_table *table, const kv_key *keys, uint64_t *hashes) {
    for (unsigned i = 0; i < KV_BATCH; i++) {
        hashes[i] = hash_of(&keys[i]);
        prefetch_slot(table, hashes[i]);
    }
}

void floor_prefetch_x16(const floor_table *table, const kv_key *keys) {
    uint64_t hashes[KV_BATCH];
    prefetch_slots(table, keys, hashes);
}

bool floor_get_x16_plain(const floor_table *table, const kv_key *keys, kv_value *out) {
    uint64_t hashes[KV_BATCH];
    bool found = true;
    prefetch_slots(table, keys, hashes);
    for (unsigned i = 0; i < KV_BATCH; i++) {
        const floor_slot *slot = probe(table, hashes[i], &keys[i]);
        if (version_of(slot) == 0) found = false;
        else out[i] = slot->value;
    }
    return found;
}

bool floor_get_x16_seq(const floor_table *table, const kv_key *keys, kv_value *out) {
    uint64_t hashes[KV_BATCH];
    bool found = true;
    prefetch_slots(table, keys, hashes);
    for (unsigned i = 0; i < KV_BATCH; i++) found &= read_seq(probe(table, hashes[i], &keys[i]), &out[i]);
    return found;
}

/* ---- order */

void floor_order_init(floor_order *order, const floor_table *table, uint64_t count, bool copy) {
    *order = (floor_order){.count = count};
    order->fences = kv_alloc_large((count / FLOOR_FENCE_ROWS + 1) * sizeof *order->fences);
    if (copy) order->rows = kv_alloc_large(count * sizeof *order->rows);
    else order->places = kv_alloc_large(count * sizeof *order->places);
    for (uint64_t i = 0; i < count; i++) {
        kv_key key;
        kv_key_make(i, &key);
        const floor_slot *slot = probe(table, hash_of(&key), &key);
        if (i % FLOOR_FENCE_ROWS == 0) order->fences[i / FLOOR_FENCE_ROWS] = key;
        if (copy) order->rows[i] = (kv_row){.key = slot->key, .value = slot->value};
        else order->places[i] = (uint32_t)(slot - table->slots);
    }
}

void floor_order_deinit(floor_order *order) {
    kv_free_large(order->fences, (order->count / FLOOR_FENCE_ROWS + 1) * sizeof *order->fences);
    if (order->rows != NULL) kv_free_large(order->rows, order->count * sizeof *order->rows);
    if (order->places != NULL) kv_free_large(order->places, order->count * sizeof *order->places);
    *order = (floor_order){0};
}

/* Keys compare as two big-endian words. */
static inline bool key_less(const kv_key *a, const kv_key *b) {
    const uint64_t x = __builtin_bswap64(kv_word(a->bytes)), y = __builtin_bswap64(kv_word(b->bytes));
    if (x != y) return x < y;
    return __builtin_bswap64(kv_word(a->bytes + 8)) < __builtin_bswap64(kv_word(b->bytes + 8));
}

static inline const kv_key *key_at(const floor_order *order, const floor_table *table, uint64_t row) {
    return order->rows != NULL ? &order->rows[row].key : &table->slots[order->places[row]].key;
}

/* The first row whose key is not less than `from`. */
static uint64_t seek(const floor_order *order, const floor_table *table, const kv_key *from) {
    if (order->count == 0) return 0;
    const kv_key *base = order->fences;
    uint64_t left = (order->count + FLOOR_FENCE_ROWS - 1) / FLOOR_FENCE_ROWS;
    while (left > 1) {
        const uint64_t half = left / 2;
        base = key_less(from, &base[half]) ? base : base + half;
        left -= half;
    }
    uint64_t row = (uint64_t)(base - order->fences) * FLOOR_FENCE_ROWS;
    if (order->rows != NULL)
        for (size_t at = 0; at < STREAM_BYTES; at += 64) /* all lines that may be copied, before the row is known */
            __builtin_prefetch((const uint8_t *)&order->rows[row] + at);
    else
        for (uint64_t i = row; i < row + 2 * FLOOR_FENCE_ROWS && i < order->count; i++) {
            __builtin_prefetch(&table->slots[order->places[i]]);
            __builtin_prefetch((const uint8_t *)&table->slots[order->places[i]] + 64);
        }
    while (row < order->count && key_less(key_at(order, table, row), from)) row++;
    return row;
}

static void copy_slot(const floor_slot *slot, kv_row *out) {
    while (!read_seq(slot, &out->value)) __builtin_ia32_pause();
    out->key = slot->key;
}

unsigned floor_scan(const floor_order *order, const floor_table *table, const kv_key *from, kv_row *out) {
    const uint64_t first = seek(order, table, from);
    const uint64_t left = order->count - first;
    const unsigned rows = left < KV_SCAN_ROWS ? (unsigned)left : KV_SCAN_ROWS;
    if (order->rows != NULL) {
        memcpy(out, &order->rows[first], rows * sizeof *out);
        return rows;
    }
    for (unsigned i = 0; i < rows; i++) {
        if (first + i + AHEAD_ROWS < order->count) {
            const uint8_t *slot = (const uint8_t *)&table->slots[order->places[first + i + AHEAD_ROWS]];
            __builtin_prefetch(slot);
            __builtin_prefetch(slot + 64);
        }
        copy_slot(&table->slots[order->places[first + i]], &out[i]);
    }
    return rows;
}
