/* worldgraph/state, inside: the table, for the files that change it (table.c, commit.c, txn.c, redo.c, collect.c, history.c). */
#ifndef WG_WORLDGRAPH_STATE_TABLE_INTERNAL_H
#define WG_WORLDGRAPH_STATE_TABLE_INTERNAL_H

#include "base/digest/digest.h"
#include "worldgraph/state/state_internal.h"

/* The directory: for each value of the hash's top bits the number of a segment. Readers may hold an old one. */
typedef struct wgi_map {
    struct wgi_map *older;
    uint32_t depth; /* bits; at least 1 */
    uint32_t shift; /* 64 - depth */
    _Atomic uint32_t entries[];
} wgi_map;

enum { WGI_KEY_HASHED = 16 }; /* bytes of a key that is hashed in one go */
struct wgi_table {
    _Atomic(wgi_map *) map;
    _Atomic(wgi_chunk *) chunks; /* an array that is replaced when it grows; old ones stay */
    wg_state *state;
    uint64_t seed;
    uint64_t seed_of_size[WGI_KEY_HASHED + 1]; /* the second secret, by the number of bytes of a short key */
    wg_mutex mutex;                            /* directory, free segments, chunks */
    wgi_chunk *chunk_arrays[32];
    uint32_t chunk_array_count;
    uint32_t chunk_count, chunk_room;
    uint32_t fresh; /* segments below it were used once */
    uint32_t *free_segments;
    uint32_t free_count, free_room;
    void *sides_block; /* of the newest 8 chunks */
    _Atomic uint64_t splits, segments, bytes;
};

wg_code wgi_table_create(wg_state *state, wgi_table **out, wg_error *err);
void wgi_state_table_destroy(wgi_table *table);
uint64_t wgi_table_keys(wgi_table *table); /* deletions included */

/* ThreadSanitizer knows words that are loaded and stored one by one only; elsewhere a slot is copied as the bytes that it is. */
#if defined(WGI_COPY_WORDS)
#elif defined(__SANITIZE_THREAD__)
#define WGI_COPY_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WGI_COPY_WORDS 1
#endif
#endif
#ifndef WGI_COPY_WORDS
#define WGI_COPY_WORDS 0
#endif

/* On the path of every put and get: a call would cost what it does. */
#define WGI_HOT __attribute__((always_inline))

/* ---- what a key looks like in a slot */

typedef struct wgi_match {
    uint64_t words[14]; /* [1] .. [last]; the word that holds the key's end has zeros behind it */
    uint64_t mask_first, mask_last;
    uint32_t last;
    uint32_t size; /* the byte in word 0 */
    const wg_state_key *key;
} wgi_match;

static inline uint64_t wgi_load_small(const uint8_t *p, size_t n) { /* n < 8 */
    uint64_t v = 0;
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return low | (uint64_t)high << (8 * (n - 4));
    }
    for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* The hash of a key before its run is mixed in. One multiplication for short ones, of two numbers that hold a secret each, so that nobody can choose
 * keys that meet; the second secret depends on the size. */
static inline uint64_t wgi_mix(uint64_t a, uint64_t b) {
    const wg_u128 product = (wg_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
static inline uint64_t wgi_key_hash(const wgi_table *table, const uint8_t *p, size_t n) {
    if (n > WGI_KEY_HASHED) return wg_hash64(table->seed, p, n);
    const uint64_t a = n >= 8 ? wg_load_u64le(p) : wgi_load_small(p, n);
    const uint64_t b = n >= 8 ? wg_load_u64le(p + n - 8) : 0;
    return wgi_mix(a ^ table->seed, b ^ table->seed_of_size[n]);
}

/* Puts bytes into words at byte `at`: what is before stays, what is behind in the last word becomes zero. */
static inline void wgi_words_put(uint64_t *words, size_t at, const uint8_t *p, size_t n) {
    size_t i = at >> 3, done = 0;
    const size_t r = at & 7;
    if (n < 8) {
        const uint64_t v = wgi_load_small(p, n);
        if (n == 0) return;
        words[i] = (r == 0 ? 0 : words[i] & ((UINT64_C(1) << (8 * r)) - 1)) | v << (8 * r);
        if (r + n > 8) words[i + 1] = v >> (8 * (8 - r));
        return;
    }
    if (r != 0) {
        words[i] = (words[i] & ((UINT64_C(1) << (8 * r)) - 1)) | wg_load_u64le(p) << (8 * r);
        done = 8 - r;
        i++;
    }
    for (; done + 8 <= n; done += 8) words[i++] = wg_load_u64le(p + done);
    if (done < n) words[i] = wg_load_u64le(p + n - 8) >> (8 * (8 - (n - done)));
}

static inline WGI_HOT void wgi_match_make(const wg_state_run *run, const wg_state_key *key, wgi_match *m) {
    m->key = key;
    m->words[1] = (uint64_t)run->origin.number << 8;
    m->mask_first = ~UINT64_C(0xff);
    if (key->bytes.size > WGI_KEY_INLINE_MAX) {
        m->size = WGI_KEY_IN_BLOCK;
        m->words[1] |= (uint64_t)key->bytes.size << 32;
        m->words[2] = key->hash >> 32;
        m->last = 2;
        m->mask_last = UINT64_MAX;
        return;
    }
    const size_t n = key->bytes.size;
    m->size = (uint32_t)n;
    if (n >= 12 && n <= 20) { /* what most keys are, straight */
        const uint8_t *p = key->bytes.data;
        uint32_t first;
        memcpy(&first, p, 4);
        m->words[1] |= (uint64_t)first << 32;
        m->words[2] = wg_load_u64le(p + 4);
        m->last = 2;
        m->mask_last = UINT64_MAX;
        if (n == 12) return;
        const uint32_t shift = 8 * (20 - (uint32_t)n);
        m->last = 3;
        m->mask_last = UINT64_MAX >> shift;
        m->words[3] = wg_load_u64le(p + n - 8) >> shift;
        return;
    }
    m->last = (uint32_t)((WGI_KEY_AT + n - 1) >> 3);
    wgi_words_put(m->words, WGI_KEY_AT, key->bytes.data, n);
    const uint32_t rest = (uint32_t)((WGI_KEY_AT + n) & 7);
    m->mask_last = rest == 0 ? UINT64_MAX : (UINT64_C(1) << (8 * rest)) - 1;
    if (m->last == 1) {
        m->mask_first &= m->mask_last;
        m->mask_last = m->mask_first;
    }
}

/* Words are loaded with acquire and stored with release: on x86 that is free, and it orders them between the two looks at word 0. */
static inline uint64_t wgi_load(const _Atomic uint64_t *p) { return atomic_load_explicit(p, memory_order_acquire); }
static inline void wgi_store(_Atomic uint64_t *p, uint64_t v) { atomic_store_explicit(p, v, memory_order_release); }

/* Ordered before every later load, behind word 0 that was loaded before. */
static inline void wgi_slot_copy(const wgi_slot *slot, void *words) {
#if WGI_COPY_WORDS
    for (int i = 0; i < WGI_SLOT_WORDS; i++) {
        const uint64_t word = wgi_load(&slot->words[i]);
        memcpy((uint8_t *)words + 8 * i, &word, 8);
    }
#else
    memcpy(words, slot, WGI_SLOT_BYTES);
    atomic_thread_fence(memory_order_acquire);
#endif
}

static inline bool wgi_matches(const wgi_slot *slot, uint64_t word0, const wgi_match *m) {
    if (((word0 >> 8) & 0xff) != m->size) return false;
    uint64_t difference = (wgi_load(&slot->words[1]) ^ m->words[1]) & m->mask_first;
    if (m->last == 3) /* keys of 13 to 20 bytes */
        return (difference | (wgi_load(&slot->words[2]) ^ m->words[2]) |
                ((wgi_load(&slot->words[3]) ^ m->words[3]) & m->mask_last)) == 0;
    for (uint32_t i = 2; i < m->last; i++) difference |= wgi_load(&slot->words[i]) ^ m->words[i];
    if (m->last > 1) difference |= (wgi_load(&slot->words[m->last]) ^ m->words[m->last]) & m->mask_last;
    return difference == 0;
}

/* ---- places */

typedef struct wgi_place {
    uint32_t segment;
    wgi_header *header;
    wgi_slot *slots;
    wgi_side *sides;
} wgi_place;

static inline uint32_t wgi_segment_of(const wgi_table *table, uint64_t hash) {
    const wgi_map *map = atomic_load_explicit(&table->map, memory_order_acquire);
    return atomic_load_explicit(&map->entries[hash >> map->shift], memory_order_acquire);
}
static inline wgi_place wgi_place_at(const wgi_table *table, uint32_t segment) {
    const wgi_chunk *chunk =
        atomic_load_explicit(&table->chunks, memory_order_acquire) + segment / WGI_CHUNK_SEGMENTS;
    const uint32_t at = segment % WGI_CHUNK_SEGMENTS;
    return (wgi_place){segment, chunk->headers + at, chunk->slots + (size_t)at * WGI_SLOTS,
                       chunk->sides + (size_t)at * WGI_SLOTS};
}
static inline wgi_place wgi_place_of(const wgi_table *table, uint64_t hash) {
    return wgi_place_at(table, wgi_segment_of(table, hash));
}
static inline uint32_t wgi_home(uint64_t hash) { return (uint32_t)hash % WGI_SLOTS; }
/* Starts the misses of a key that is going to be read or written. */
static inline WGI_HOT void wgi_place_prefetch(const wgi_place *place, uint64_t hash) {
    const uint32_t home = wgi_home(hash);
    __builtin_prefetch(&place->slots[home].words[0], 1);
    __builtin_prefetch(&place->slots[home].words[8], 1);
    __builtin_prefetch(&place->sides[home], 1);
    __builtin_prefetch(place->header, 1);
}

/* ---- bytes and keys, straight */

/* memcpy of 16 bytes times a constant, as that many moves: a compiler may take `rep movs` for it, which costs what a put does. */
typedef uint64_t wgi_16_bytes __attribute__((vector_size(16), aligned(1), may_alias));
static inline WGI_HOT void wgi_copy_16(uint8_t *to, const uint8_t *from) {
    *(wgi_16_bytes *)(void *)to = *(const wgi_16_bytes *)(const void *)from;
}
static inline WGI_HOT void wgi_copy_64(uint8_t *to, const uint8_t *from) {
    wgi_copy_16(to, from);
    wgi_copy_16(to + 16, from + 16);
    wgi_copy_16(to + 32, from + 32);
    wgi_copy_16(to + 48, from + 48);
}
/* memcpy of few bytes without a call: moves that overlap. */
static inline WGI_HOT void wgi_bytes_copy(uint8_t *to, const uint8_t *from, size_t n) {
    if (n - 64 <= 64) {
        wgi_copy_64(to, from);
        wgi_copy_64(to + n - 64, from + n - 64);
    } else if (n - 16 < 48) {
        for (size_t i = 0; i + 16 < n; i += 16) wgi_copy_16(to + i, from + i);
        wgi_copy_16(to + n - 16, from + n - 16);
    } else if (n - 8 < 8) {
        const uint64_t head = wg_load_u64le(from), tail = wg_load_u64le(from + n - 8);
        wg_store_u64le(to, head);
        wg_store_u64le(to + n - 8, tail);
    } else if (n != 0) {
        memcpy(to, from, n);
    }
}

bool wgi_bytes_equal(const uint8_t *a, const uint8_t *b, size_t n);
/* Whether a slot has this key of at most WGI_KEY_INLINE_MAX bytes (longer ones: no). Its segment is locked, or the answer counts only if the slot is
 * as before. */
static inline WGI_HOT bool wgi_slot_has(const wgi_slot *slot, uint64_t word0, uint32_t run, wg_slice key) {
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)slot + WGI_KEY_AT;
    if (((word0 >> 8) & 0xff) != key.size || (uint32_t)wgi_load(&slot->words[1]) >> 8 != run) return false;
    if (key.size - 8 > 8) return key.size <= WGI_KEY_INLINE_MAX && wgi_bytes_equal(bytes, key.data, key.size);
    const uint64_t head = wg_load_u64le(bytes) ^ wg_load_u64le(key.data);
    return (head | (wg_load_u64le(bytes + key.size - 8) ^ wg_load_u64le(key.data + key.size - 8))) == 0;
}

/* With the segment's lock held: one more deletion. */
static inline void wgi_deleted_add(wgi_header *header) {
    const uint8_t deleted = atomic_load_explicit(&header->deleted, memory_order_relaxed);
    if (deleted != UINT8_MAX) atomic_store_explicit(&header->deleted, (uint8_t)(deleted + 1), memory_order_relaxed);
}

/* With the segment's lock held: the slot of the key; UINT32_MAX: absent, *out_empty is where it would go (UINT32_MAX: full). */
uint32_t wgi_find_further(const wgi_place *place, uint64_t hash, const wgi_match *m, uint32_t *out_empty);
static inline uint32_t wgi_find_locked(const wgi_place *place, uint64_t hash, const wgi_match *m,
                                       uint32_t *out_empty) {
    const uint32_t home = wgi_home(hash);
    const wgi_slot *slot = &place->slots[home];
    if (m->size != WGI_KEY_IN_BLOCK && wgi_matches(slot, wgi_load(&slot->words[0]), m)) return home;
    return wgi_find_further(place, hash, m, out_empty);
}
/* Makes two of the hash's segment when `more` keys would be too many for it. Outside of all locks. WG_E_NOMEM, WG_E_LIMIT. */
wg_code wgi_table_split(wgi_table *table, uint64_t hash, uint32_t more, wg_error *err);
/* The hash of the key in a slot (or in a record), which is stable. */
uint64_t wgi_words_hash(const wgi_table *table, const uint64_t *words);
wg_slice wgi_words_key(const uint64_t *words); /* inside words or its block */
/* Takes keys out of the segment that serves `hash` (when that is still `segment`), for which `gone` says so, called with the segment's lock held.
 * Their blocks are released. Outside of all locks. How many. */
typedef bool (*wgi_gone_fn)(void *ctx, const uint64_t *words, uint64_t history);
uint32_t wgi_segment_purge(wgi_table *table, uint64_t hash, uint32_t segment, wgi_gone_fn gone, void *ctx);

#include "worldgraph/state/block_internal.h"
#include "worldgraph/state/segment_internal.h"

#endif
