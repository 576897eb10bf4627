/* The floor's table: the plainest C that can hold 16-byte keys and values of 100 bytes, to compare engines with.
 *
 * One open-addressing table of 128-byte slots on 2 MiB pages, linear probing, at most half full when sized at open. A
 * get is one hash, one miss (two adjacent lines that the processor fetches together) and one copy.
 *
 *   slot:  0 hash u32 | 4 version u32 (0: empty; odd: being written) | 8 value bytes u32 | 12 key 16 | 28 value 100
 *
 * `plain` functions know one thread. `seq` functions are safe against each other for keys that are present: a writer
 * makes the version odd by compare-and-swap, a reader copies and reads the version again. Inserting is for one thread
 * alone in both. The copies between the two reads of the version race in the letter of C11, as in every seqlock; the
 * fences order them on the processors at hand and what was torn is thrown away. */
#ifndef KV_FLOOR_TABLE_H
#define KV_FLOOR_TABLE_H

#include "kv_bench.h"

typedef struct floor_slot {
    uint32_t hash;
    _Atomic uint32_t version;
    uint32_t value_bytes;
    kv_key key;
    kv_value value;
} floor_slot;

_Static_assert(sizeof(floor_slot) == 128, "a slot is two lines");

typedef struct floor_table {
    floor_slot *slots;
    uint64_t mask; /* slots - 1 */
    uint64_t count;
} floor_table;

void floor_table_init(floor_table *table, uint64_t keys_expected);
void floor_table_deinit(floor_table *table);

bool floor_get_plain(const floor_table *table, const kv_key *key, kv_value *out);
bool floor_get_seq(const floor_table *table, const kv_key *key, kv_value *out);
bool floor_get_x16_plain(const floor_table *table, const kv_key *keys, kv_value *out);
bool floor_get_x16_seq(const floor_table *table, const kv_key *keys, kv_value *out);
/* Insert when the key is absent; the table doubles when it is three quarters full. */
void floor_put_plain(floor_table *table, const kv_key *key, const kv_value *value);
void floor_put_seq(floor_table *table, const kv_key *key, const kv_value *value);
void floor_prefetch(const floor_table *table, const kv_key *key);
void floor_prefetch_x16(const floor_table *table, const kv_key *keys);
/* Reads the value, changes it, writes it back; false when absent. `out` gets the new value. */
bool floor_change_plain(floor_table *table, const kv_key *key, kv_value *out);
bool floor_change_seq(floor_table *table, const kv_key *key, kv_value *out);

/* ---- order: rows in key order for scans */

typedef struct floor_order {
    kv_row *rows;     /* a sorted copy, or NULL */
    uint32_t *places; /* slot numbers in key order, or NULL */
    kv_key *fences;   /* the key of every FLOOR_FENCE_ROWS-th row */
    uint64_t count;
} floor_order;

enum { FLOOR_FENCE_ROWS = 16 };

/* Of the keys 0..count-1, all present. `copy`: with a copy of the rows; else with the numbers of their slots, which
 * stay right while values change. */
void floor_order_init(floor_order *order, const floor_table *table, uint64_t count, bool copy);
void floor_order_deinit(floor_order *order);
unsigned floor_scan(const floor_order *order, const floor_table *table, const kv_key *from, kv_row *out);

#endif
