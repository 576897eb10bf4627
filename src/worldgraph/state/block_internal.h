/* worldgraph/state, inside: what the words of a record say, and blocks of keys and values that do not fit into a slot. Part of table_internal.h. */
#ifndef WG_WORLDGRAPH_STATE_BLOCK_INTERNAL_H
#define WG_WORLDGRAPH_STATE_BLOCK_INTERNAL_H

#include "worldgraph/state/state_internal.h"

/* How many words of a record count. */
static inline uint32_t wgi_words_used(uint64_t word0, uint64_t word1) {
    const uint32_t key = (uint32_t)(word0 >> 8) & 0xff, value = (uint32_t)word1 & 0xff;
    if ((word0 & WGI_FLAG_BLOCK) != 0) return WGI_SLOT_WORDS;
    const uint32_t key_bytes = key == WGI_KEY_IN_BLOCK ? 20 : key;
    return (WGI_KEY_AT + key_bytes + ((word0 & WGI_FLAG_EXPIRES) != 0 ? 8 : 0) + value + 7) / 8;
}
/* Where the value part begins: expires, then the value, unless they are in a block. */
static inline uint32_t wgi_value_at(uint64_t word0) {
    const uint32_t key = (uint32_t)(word0 >> 8) & 0xff;
    return WGI_KEY_AT + (key == WGI_KEY_IN_BLOCK ? 20 : key);
}

/* Blocks of a record; NULL: none of its own. */
static inline wgi_block *wgi_words_block(const uint64_t *words) {
    const bool own = (words[0] & WGI_FLAG_BLOCK) != 0 && words[14] >> 32 == 0;
    return own ? (wgi_block *)(uintptr_t)words[15] : NULL;
}
static inline wgi_block *wgi_words_key_block(const uint64_t *words) {
    const bool has = ((words[0] >> 8) & 0xff) == WGI_KEY_IN_BLOCK;
    return has ? (wgi_block *)(uintptr_t)words[3] : NULL;
}
/* A block with one reference; charged. The last release retires it to the epoch. NULL is legal. */
wgi_block *wgi_block_new(wg_state *state, wg_slice bytes);
void wgi_block_hold(wgi_block *block);
void wgi_block_release(wg_state *state, wgi_block *block);

#endif
