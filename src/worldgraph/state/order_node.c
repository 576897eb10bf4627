/* One node of the tree of keys (order.c): entries, heads, search.
 *
 * A node has up to 64 entries in any place and, in the order of the keys, their places (a byte each) and their heads: the eight bytes that
 * follow what all keys of the node have in common, read as a big-endian number, zeros behind a key's end. So a search compares numbers that lie in
 * eight cache lines, fetched at once, and looks at a whole key only where heads are equal.
 *
 * Readers search without a lock. Every word that they look at is loaded on its own and may be of another moment than the last; so nothing that was
 * loaded is used as a pointer before the node's version was checked, and every number is masked or bounded before it is used as
 * an index. Writers hold the node's lock. */
#include "worldgraph/state/order_internal.h"

enum { ENTRY_KEY_AT = 10, ENTRY_POINTER_AT = 24, ENTRY_HEAD_BYTES = 14, SLABS_FROM_KEYS = 8192 };

typedef struct key_block {
    wg_epoch_link link;
    size_t size;
    uint8_t bytes[];
} key_block;
_Static_assert(sizeof(wgi_order_entry) == ENTRY_KEY_AT + WGI_KEY_INLINE, "an entry is half a cache line");
_Static_assert(WGI_NODE_KEYS == 64, "places are six bits, `used` is one word");

/* ---- entries */

static uint32_t entry_size(const wgi_order_entry *entry) { return (uint32_t)entry->w[1] & 0xffff; }

void wgi_entry_set(wgi_order_entry *entry, wg_slice key, uint64_t hash, void *block) {
    WG_ASSERT(key.size <= WG_KEY_BYTES_MAX);
    WG_ASSERT((block != NULL) == (key.size > WGI_KEY_INLINE));
    uint8_t bytes[sizeof *entry] = {0};
    wg_store_u64le(bytes, hash);
    wg_store_u16le(bytes + 8, (uint16_t)key.size);
    const size_t inlined = block == NULL ? key.size : ENTRY_HEAD_BYTES;
    if (inlined != 0) memcpy(bytes + ENTRY_KEY_AT, key.data, inlined);
    if (block != NULL) memcpy(bytes + ENTRY_POINTER_AT, &block, sizeof block);
    memcpy(entry, bytes, sizeof bytes);
}

void *wgi_entry_block(const wgi_order_entry *entry) {
    if (entry_size(entry) <= WGI_KEY_INLINE) return NULL;
    void *block;
    memcpy(&block, (const uint8_t *)entry + ENTRY_POINTER_AT, sizeof block);
    return block;
}

wg_slice wgi_entry_key(const wgi_order_entry *entry) {
    const key_block *block = wgi_entry_block(entry);
    const uint8_t *inlined = (const uint8_t *)entry + ENTRY_KEY_AT;
    return wg_slice_of(block != NULL ? block->bytes : inlined, entry_size(entry));
}

static void entry_store(wgi_order_entry *to, const wgi_order_entry *from) {
    for (uint32_t i = 0; i < 4; i++) wgi_word_store(&to->w[i], from->w[i]);
}

/* ---- memory */

static size_t node_bytes(uint64_t level) {
    return sizeof(wgi_order_node) + (level == 0 ? 0 : (WGI_NODE_KEYS + 1) * sizeof(wgi_order_node *));
}

static void count_bytes(wgi_order *order, size_t add, size_t take) {
    atomic_fetch_add_explicit(&order->bytes, (uint64_t)add - (uint64_t)take, memory_order_relaxed);
}

wg_code wgi_key_block_create(wgi_order *order, wg_slice key, void **out, wg_error *err) {
    *out = NULL;
    if (key.size <= WGI_KEY_INLINE) return WG_OK;
    key_block *block = wg_alloc(order->account, sizeof *block + key.size);
    if (block == NULL) return wg_error_nomem(err, sizeof *block + key.size);
    memset(&block->link, 0, sizeof block->link);
    block->size = key.size;
    memcpy(block->bytes, key.data, key.size);
    count_bytes(order, sizeof *block + key.size, 0);
    *out = block;
    return WG_OK;
}

void wgi_key_block_retire(wgi_order *order, void *p) {
    key_block *block = p;
    if (block == NULL) return;
    count_bytes(order, 0, sizeof *block + block->size);
    wg_epoch_retire_linked(order->epoch, &block->link);
}

void wgi_key_block_free(wgi_order *order, void *p) {
    key_block *block = p;
    if (block == NULL) return;
    count_bytes(order, 0, sizeof *block + block->size);
    wg_free(block);
}

/* Under shape_lock. A run of many keys gets huge pages from now on. */
static void slabs_make(wgi_order *order) {
    if (order->platform == NULL || atomic_load_explicit(&order->keys, memory_order_relaxed) < SLABS_FROM_KEYS) return;
    if (atomic_load_explicit(&order->leaf_slab, memory_order_relaxed) != NULL) return;
    wgi_slab *leaves = wgi_slab_create(order->platform, order->account, sizeof(wgi_order_node));
    atomic_store_explicit(&order->leaf_slab, leaves, memory_order_release); /* NULL: the next one tries again */
}

wgi_order_node *wgi_node_create(wgi_order *order, uint32_t level) {
    wgi_slab *slab = NULL;
    if (level == 0) {
        slabs_make(order);
        slab = atomic_load_explicit(&order->leaf_slab, memory_order_relaxed);
    }
    wgi_order_node *node = wgi_slab_take(slab);
    if (node == NULL) slab = NULL;
    if (node == NULL) node = wg_alloc(order->account, node_bytes(level));
    if (node == NULL) return NULL;
    memset((void *)node, 0, node_bytes(level));
    node->level = level;
    node->slab = slab;
    count_bytes(order, node_bytes(level), 0);
    return node;
}

/* On whatever thread, perhaps after the tree has gone. */
static void node_dispose(void *block) {
    wgi_order_node *node = block;
    if (node->slab != NULL) {
        wgi_slab_give(node->slab, node);
    } else {
        wg_free(node);
    }
}

void wgi_node_free(wgi_order *order, wgi_order_node *node) {
    if (node == NULL) return;
    count_bytes(order, 0, node_bytes(node->level));
    node_dispose(node);
}

void wgi_node_retire(wgi_order *order, wgi_order_node *node) {
    count_bytes(order, 0, node_bytes(node->level));
    wg_epoch_retire_object(order->epoch, &node->link, node_dispose);
}

void wgi_node_prefetch(const wgi_order_node *node) {
    const uint8_t *at = (const uint8_t *)node;
    for (size_t i = 0; i < offsetof(wgi_order_node, entries); i += 64) __builtin_prefetch(at + i);
}

/* ---- heads */

static uint32_t node_prefix_bytes(const wgi_order_node *node) {
    const uint32_t n = (uint32_t)(wgi_word_load(&node->shape) >> 32);
    return n > WGI_PREFIX_MAX ? WGI_PREFIX_MAX : n;
}

static void node_shape_set(wgi_order_node *node, uint32_t count, uint32_t prefix_bytes) {
    WG_ASSERT(count <= WGI_NODE_KEYS);
    wgi_word_store(&node->shape, (uint64_t)prefix_bytes << 32 | count);
}

static uint64_t head_of(wg_slice key, uint32_t skip) {
    uint64_t word = 0;
    if (key.size >= skip + 8u) {
        word = wg_load_u64le(key.data + skip);
    } else if (key.size > skip) {
        memcpy(&word, key.data + skip, key.size - skip);
    }
    return __builtin_bswap64(word);
}

static uint32_t common_bytes(wg_slice a, wg_slice b, uint32_t max) {
    const size_t size = wg_min_size(wg_min_size(a.size, b.size), max);
    size_t n = 0;
    while (n < size && a.data[n] == b.data[n]) n++;
    return (uint32_t)n;
}

static void prefix_load(const wgi_order_node *node, uint8_t *out) {
    for (uint32_t i = 0; i < WGI_PREFIX_MAX / 8; i++) {
        const uint64_t word = wgi_word_load(&node->prefix[i]);
        memcpy(out + i * 8, &word, 8);
    }
}

/* <0, >0: the key lies before, behind all keys of the node, by the bytes that these share. */
static int prefix_compare(const wgi_order_node *node, uint32_t prefix_bytes, wg_slice key) {
    if (prefix_bytes == 0) return 0;
    uint8_t prefix[WGI_PREFIX_MAX];
    prefix_load(node, prefix);
    const size_t size = wg_min_size(key.size, prefix_bytes);
    const int c = size == 0 ? 0 : memcmp(key.data, prefix, size);
    return c == 0 && key.size < prefix_bytes ? -1 : c;
}

/* First position whose head is at least (above: greater than) `head`. */
static uint32_t head_rank(const wgi_order_node *node, uint32_t count, uint64_t head, bool above) {
    uint32_t base = 0;
    while (count > 0) {
        const uint32_t half = count / 2;
        const uint64_t at = wgi_word_load(&node->heads[base + half]);
        const bool right = above ? at <= head : at < head;
        base = right ? base + half + 1 : base;
        count = right ? count - half - 1 : half;
    }
    return base;
}

static uint32_t count_bounded(const wgi_order_node *node) {
    const uint32_t count = wgi_node_count(node);
    return count > WGI_NODE_KEYS ? WGI_NODE_KEYS : count;
}

uint32_t wgi_node_guess(const wgi_order_node *node, wg_slice key) {
    const uint32_t prefix_bytes = node_prefix_bytes(node);
    const int side = prefix_compare(node, prefix_bytes, key);
    if (side < 0) return 0;
    return side > 0 ? count_bounded(node) : head_rank(node, count_bounded(node), head_of(key, prefix_bytes), false);
}

bool wgi_node_rank(const wgi_order_node *node, uint64_t version, wg_slice key, uint32_t *out_position,
                   bool *out_equal) {
    const uint32_t count = count_bounded(node);
    const uint32_t prefix_bytes = node_prefix_bytes(node);
    *out_equal = false;
    const int side = prefix_compare(node, prefix_bytes, key);
    if (side != 0) {
        *out_position = side < 0 ? 0 : count;
        return true;
    }
    const uint64_t head = head_of(key, prefix_bytes);
    uint32_t low = head_rank(node, count, head, false);
    uint32_t high = low;
    if (low < count && wgi_word_load(&node->heads[low]) == head) high = head_rank(node, count, head, true);
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        wgi_order_entry entry;
        wgi_entry_load(&node->entries[wgi_node_place(node, middle)], &entry);
        if (atomic_load_explicit(&node->version, memory_order_relaxed) != version) return false;
        const int c = wg_slice_compare(wgi_entry_key(&entry), key);
        if (c == 0) *out_equal = true;
        if (c < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_position = low;
    return true;
}

/* ---- changes; the node is locked, or nobody sees it yet */

const wgi_order_entry *wgi_node_entry(const wgi_order_node *node, uint32_t position) {
    WG_ASSERT(position < wgi_node_count(node));
    return &node->entries[wgi_node_place(node, position)];
}

static void heads_fill(wgi_order_node *node, uint32_t prefix_bytes) {
    const uint32_t count = wgi_node_count(node);
    for (uint32_t i = 0; i < count; i++) {
        const wg_slice key = wgi_entry_key(wgi_node_entry(node, i));
        wgi_word_store(&node->heads[i], head_of(key, prefix_bytes));
    }
    node_shape_set(node, count, prefix_bytes);
}

void wgi_node_settle(wgi_order_node *node) {
    const uint32_t count = wgi_node_count(node);
    if (count == 0) {
        node_shape_set(node, 0, 0);
        return;
    }
    const wg_slice first = wgi_entry_key(wgi_node_entry(node, 0));
    const wg_slice last = wgi_entry_key(wgi_node_entry(node, count - 1));
    const uint32_t prefix_bytes = common_bytes(first, last, WGI_PREFIX_MAX);
    uint8_t prefix[WGI_PREFIX_MAX] = {0};
    memcpy(prefix, first.data, prefix_bytes);
    for (uint32_t i = 0; i < WGI_PREFIX_MAX / 8; i++) {
        uint64_t word;
        memcpy(&word, prefix + i * 8, 8);
        wgi_word_store(&node->prefix[i], word);
    }
    heads_fill(node, prefix_bytes);
}

/* Moves what stands at or behind `position` one place on (or back). */
static void places_shift(wgi_order_node *node, uint32_t position, uint32_t count, bool back) {
    uint8_t places[WGI_NODE_KEYS + 1];
    uint64_t heads[WGI_NODE_KEYS + 1];
    memcpy(places, node->order, WGI_NODE_KEYS);
    memcpy(heads, node->heads, sizeof node->heads);
    if (back) {
        memmove(places + position, places + position + 1, count - position - 1);
        memmove(heads + position, heads + position + 1, (count - position - 1) * sizeof heads[0]);
    } else {
        memmove(places + position + 1, places + position, count - position);
        memmove(heads + position + 1, heads + position, (count - position) * sizeof heads[0]);
    }
    for (uint32_t i = position / 8; i < WGI_NODE_KEYS / 8; i++) {
        uint64_t word;
        memcpy(&word, places + i * 8, 8);
        wgi_word_store(&node->order[i], word);
    }
    const uint32_t end = back ? count : count + 1;
    for (uint32_t i = position; i < end && i < WGI_NODE_KEYS; i++) wgi_word_store(&node->heads[i], heads[i]);
}

static void place_set(wgi_order_node *node, uint32_t position, uint32_t place) {
    const uint32_t shift = 8 * (position % 8);
    const uint64_t word = node->order[position / 8] & ~(UINT64_C(0xff) << shift);
    wgi_word_store(&node->order[position / 8], word | (uint64_t)place << shift);
}

/* A place for an entry; the seat of the key that stood there before does not count any more. */
static uint32_t place_take(wgi_order_node *node) {
    WG_ASSERT(~node->used != 0);
    const uint32_t place = (uint32_t)__builtin_ctzll(~node->used);
    node->used |= UINT64_C(1) << place;
    wgi_word_store(&node->seats[place], 0);
    return place;
}

void wgi_node_insert(wgi_order_node *node, uint32_t position, const wgi_order_entry *entry) {
    const uint32_t count = wgi_node_count(node);
    WG_ASSERT(count < WGI_NODE_KEYS);
    WG_ASSERT(position <= count);
    const uint32_t place = place_take(node);
    entry_store(&node->entries[place], entry);
    places_shift(node, position, count, false);
    place_set(node, position, place);
    const uint32_t prefix_bytes = node_prefix_bytes(node);
    const wg_slice key = wgi_entry_key(entry);
    node_shape_set(node, count + 1, prefix_bytes);
    if (count == 0) {
        wgi_node_settle(node);
    } else if (prefix_compare(node, prefix_bytes, key) != 0) {
        uint8_t prefix[WGI_PREFIX_MAX];
        prefix_load(node, prefix);
        heads_fill(node, common_bytes(key, wg_slice_of(prefix, prefix_bytes), prefix_bytes));
    } else {
        wgi_word_store(&node->heads[position], head_of(key, prefix_bytes));
    }
}

void wgi_node_append(wgi_order_node *node, const wgi_order_entry *entry, uint64_t seat) {
    const uint32_t at = wgi_node_count(node);
    node->used |= UINT64_C(1) << at;
    node->entries[at] = *entry;
    node->seats[at] = seat;
    place_set(node, at, at);
    node_shape_set(node, at + 1, 0);
}

void wgi_node_remove(wgi_order_node *node, uint32_t position) {
    const uint32_t count = wgi_node_count(node);
    WG_ASSERT(position < count);
    node->used &= ~(UINT64_C(1) << wgi_node_place(node, position));
    places_shift(node, position, count, true);
    node_shape_set(node, count - 1, count == 1 ? 0 : node_prefix_bytes(node));
}

void wgi_node_move(wgi_order_node *node, uint32_t position, wgi_order_node *to) {
    const uint32_t count = wgi_node_count(node);
    uint32_t end = wgi_node_count(to);
    WG_ASSERT(position <= count);
    WG_ASSERT(end + count - position <= WGI_NODE_KEYS);
    for (uint32_t i = position; i < count; i++, end++) {
        const uint32_t from = wgi_node_place(node, i);
        const uint32_t place = place_take(to);
        node->used &= ~(UINT64_C(1) << from);
        entry_store(&to->entries[place], &node->entries[from]);
        wgi_word_store(&to->seats[place], node->seats[from]);
        place_set(to, end, place);
    }
    node_shape_set(node, position, node_prefix_bytes(node));
    node_shape_set(to, end, 0);
    wgi_node_settle(node);
    wgi_node_settle(to);
}
