/* Shared by the files of worldgraph/nodes: fragments, column blocks and growable arrays of pointers. */
#ifndef WG_WORLDGRAPH_NODES_INTERNAL_H
#define WG_WORLDGRAPH_NODES_INTERNAL_H

#include "worldgraph/nodes/nodes.h"

enum {
    WGI_FRAGMENT_SHIFT = 14,
    WGI_ENDED_SHIFT = 11, /* rows that share one "some version here has ended" flag: 2,048 */
    WGI_ENDED_BLOCKS = WG_FRAGMENT_ROWS >> WGI_ENDED_SHIFT
};
_Static_assert(WG_FRAGMENT_ROWS == 1 << WGI_FRAGMENT_SHIFT, "row numbers split by shifts");

/* A growable array of pointers that readers index without locks: replaced whole, the old one retired. */
typedef struct wgi_slots {
    wg_epoch_link link;
    uint32_t capacity;
    _Atomic(void *) items[];
} wgi_slots;

/* Makes *array hold index `need`; writer only. False when out of memory, array unchanged. */
bool wgi_slots_reserve(_Atomic(wgi_slots *) *array, uint32_t need, wg_epoch *epoch, wg_account *account);
/* acquire; pairs with the release of wgi_slots_set. NULL when out of range. */
void *wgi_slots_get(const _Atomic(wgi_slots *) *array, uint32_t index);
void wgi_slots_set(_Atomic(wgi_slots *) *array, uint32_t index, void *item);

/* The cells of one column in one fragment, in one allocation: this header, WG_FRAGMENT_ROWS cells, validity words. */
typedef struct wgi_block {
    uint8_t *data;
    _Atomic uint64_t *valid; /* bit 1 = present; the writer stores words, readers copy words, both relaxed */
    _Atomic bool has_null;
    uint64_t append_stamp; /* writer: the append that last filled this block */
} wgi_block;

/* Which arrays of a fragment are in use. An array that is not says the default for every row: ids count up from id_base,
 * begin is begin_base, prev is NONE, end points fit 32 bits. Memory of an unused array is reserved but never touched. */
enum {
    WGI_HAS_IDS = 1,
    WGI_HAS_BEGINS = 2,
    WGI_HAS_PREVS = 4,
    WGI_HAS_WIDE = 8,
    WGI_ENDED_FIRST = 1 << 8 /* and WGI_ENDED_BLOCKS - 1 bits above it */
};

typedef struct wgi_fragment {
    _Atomic uint32_t flags; /* set with release after the array is filled; pairs with the acquire of readers */
    _Atomic uint64_t begin_max;
    uint64_t id_base;
    uint64_t begin_base;
    _Atomic(wgi_slots *) columns; /* of wgi_block */
    uint64_t *ids;
    _Atomic uint64_t *begins;
    _Atomic uint64_t *ends;
    wg_row_address *prevs;
    uint32_t *ends_of_edge[2]; /* from, to */
    uint64_t *ends_of_edge_wide[2];
    wg_arena strings; /* writer: bytes of strings, lists and maps, never moved */
    char *text_next;  /* writer: rest of the last block of packed text */
    char *text_end;
    size_t text_block_bytes;
} wgi_fragment;

/* Keys and types of the columns; replaced whole when it grows. */
typedef struct wgi_columns {
    wg_epoch_link link;
    uint32_t capacity;      /* a power of two */
    _Atomic uint32_t count; /* release by the writer, acquire by readers */
    uint32_t *keys;
    uint8_t *types;
    _Atomic uint32_t *map; /* 2 * capacity slots of column + 1, open addressing by key */
} wgi_columns;

struct wg_table {
    bool is_edge;
    wg_epoch *epoch;
    wg_account *account;
    _Atomic(wgi_columns *) columns;
    _Atomic(wgi_slots *) fragments; /* of wgi_fragment */
    _Atomic uint64_t row_count;     /* release after cells and heads are filled; pairs with the acquire of readers */
    uint64_t append_stamp;
};

static inline wgi_fragment *wgi_table_fragment(const wg_table *table, uint64_t row) {
    return wgi_slots_get(&table->fragments, (uint32_t)(row >> WGI_FRAGMENT_SHIFT));
}
static inline uint32_t wgi_fragment_row(uint64_t row) { return (uint32_t)(row & (WG_FRAGMENT_ROWS - 1)); }
static inline uint32_t wgi_fragment_flags(const wgi_fragment *f) {
    return atomic_load_explicit(&f->flags, memory_order_acquire);
}
static inline bool wgi_fragment_ended(uint32_t flags, uint32_t row) {
    return (flags & ((uint32_t)WGI_ENDED_FIRST << (row >> WGI_ENDED_SHIFT))) != 0;
}
static inline bool wgi_block_is_valid(const wgi_block *block, uint32_t row) {
    return (atomic_load_explicit(&block->valid[row / 64], memory_order_relaxed) >> (row % 64)) & 1;
}

wgi_fragment *wgi_fragment_create(bool is_edge, wg_account *account);
void wgi_fragment_destroy(wgi_fragment *fragment);
/* Fill the array from its default for the first `rows` rows and put it in use; writer only. */
void wgi_fragment_use_ids(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_begins(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_prevs(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_wide(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_ends(wgi_fragment *fragment, uint32_t row);
uint64_t wgi_fragment_begin(const wgi_fragment *fragment, uint32_t flags, uint32_t row);
uint64_t wgi_fragment_end(const wgi_fragment *fragment, uint32_t flags, uint32_t row);

#endif
