/* Shared by the files of worldgraph/nodes: fragments and column blocks. */
#ifndef WG_WORLDGRAPH_NODES_INTERNAL_H
#define WG_WORLDGRAPH_NODES_INTERNAL_H

#include "worldgraph/nodes/nodes.h"

enum {
    WGI_FRAGMENT_SHIFT = 14,
    WGI_ENDED_SHIFT = 11, /* rows that share one "some version here has ended" flag: 2,048 */
    WGI_ENDED_BLOCKS = WG_FRAGMENT_ROWS >> WGI_ENDED_SHIFT,
    WGI_SLOTS_MAX = 1 << 24 /* slots of a table, chunks of a directory: 2^38 rows */
};
_Static_assert(WG_FRAGMENT_ROWS == 1 << WGI_FRAGMENT_SHIFT, "row numbers split by shifts");
_Static_assert((int)WG_FRAGMENT_ROWS == (int)WG_FRAGMENT_ROWS_MAX, "a slot is one stored fragment");

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

/* Head columns of stored rows, as offsets from WG_COLUMN_HEADS. */
enum {
    WGI_HEAD_ROW = WG_COLUMN_ROW - WG_COLUMN_HEADS,
    WGI_HEAD_ID = WG_COLUMN_ID - WG_COLUMN_HEADS,
    WGI_HEAD_BEGIN = WG_COLUMN_BEGIN - WG_COLUMN_HEADS,
    WGI_HEAD_END = WG_COLUMN_END - WG_COLUMN_HEADS,
    WGI_HEAD_PREV = WG_COLUMN_PREV - WG_COLUMN_HEADS,
    WGI_HEAD_FROM = WG_COLUMN_FROM - WG_COLUMN_HEADS,
    WGI_HEAD_TO = WG_COLUMN_TO - WG_COLUMN_HEADS,
    WGI_HEAD_COUNT
};

/* A stored fragment and where its head columns are. */
typedef struct wgi_part {
    const wg_fragment *fragment;    /* NULL: none */
    uint32_t heads[WGI_HEAD_COUNT]; /* index into its columns; UINT32_MAX: absent */
} wgi_part;

/* Numbers of a mapped slot or chunk that are not as they are stored (patch.c). */
enum { WGI_PATCH_ROWS = 256, WGI_PATCH_PAGES = WG_FRAGMENT_ROWS / WGI_PATCH_ROWS };
typedef struct wgi_patch_page {
    _Atomic uint64_t cells[WGI_PATCH_ROWS];
} wgi_patch_page;
typedef struct wgi_patch {
    wg_epoch_link link;
    _Atomic(wgi_patch_page *) pages[WGI_PATCH_PAGES]; /* NULL: as stored */
} wgi_patch;
wgi_patch *wgi_patch_create(wg_account *account); /* NULL when out of memory */
void wgi_patch_destroy(wgi_patch *patch);
void wgi_patch_retire(wgi_patch *patch, wg_epoch *epoch); /* NULL is legal */
/* Writer: makes a page that is not there, of what is stored. False when out of memory. */
bool wgi_patch_put(wgi_patch *patch, uint32_t page, const uint64_t stored[WGI_PATCH_ROWS], wg_account *account);
static inline wgi_patch_page *wgi_patch_page_of(const wgi_patch *patch, uint32_t row) {
    return atomic_load_explicit(&patch->pages[row / WGI_PATCH_ROWS], memory_order_acquire);
}
/* Puts what the patch has of rows [first, first + count) over what is stored of them in `out`. */
void wgi_patch_over(const wgi_patch *patch, uint32_t first, uint32_t count, uint64_t *out);

/* A slot, in the heap (rows.fragment is NULL) or mapped; a mapped one has no arrays. */
typedef struct wgi_fragment {
    wg_epoch_link link;
    wgi_part rows;
    wgi_part ends_part; /* mapped: part 1, when it is newer than the rows */
    uint32_t covered;   /* ordinals that the stored fragment covers; 0: none is stored. Writer and maintenance */
    uint64_t end_min;   /* mapped: earliest stored end */
    _Atomic(wgi_patch *)
        overlay; /* mapped: `end`s that its fragments do not hold; release by the writer, acquire by readers */
    _Atomic uint64_t end_stamp; /* last logseq that ended a row here or undid that */
    _Atomic uint32_t flags;     /* set with release after the array is filled; pairs with the acquire of readers */
    _Atomic uint64_t begin_max;
    uint64_t id_base;
    _Atomic uint64_t begin_base; /* set by the first append, and by its commit; relaxed, as begins */
    wg_slots columns;            /* of wgi_block */
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
    wg_slots fragments;         /* of wgi_fragment */
    _Atomic uint64_t row_count; /* release after cells and heads are filled; pairs with the acquire of readers */
    uint64_t append_stamp;
};

static inline wgi_fragment *wgi_table_fragment(const wg_table *table, uint64_t row) {
    return wg_slots_get(&table->fragments, (uint32_t)(row >> WGI_FRAGMENT_SHIFT));
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

static inline bool wgi_fragment_is_mapped(const wgi_fragment *f) { return f->rows.fragment != NULL; }

wgi_fragment *wgi_fragment_create(bool is_edge, wg_account *account);
void wgi_fragment_destroy(wgi_fragment *fragment); /* a mapped one with its overlay */
/* Frees a fragment that left its slot when no reader can hold it, its overlay too unless that lives on. NULL is legal. */
void wgi_fragment_retire(wgi_fragment *fragment, bool with_overlay, wg_epoch *epoch);
/* Rows [0, rows) of a fresh heap fragment are gaps: rolled back, as far as a reader can tell. */
void wgi_fragment_gap(wgi_fragment *fragment, uint32_t rows);
/* Makes the block of a column whose first `rows_before` rows are null; NULL when out of memory. */
wgi_block *wgi_block_create(uint32_t rows_before, size_t cell_bytes, wg_account *account);
/* Stores a value that is not null; false when out of memory. */
bool wgi_cell_store(wgi_fragment *fragment, wgi_block *block, wg_type type, uint32_t row, const wg_value *v);
/* Fill the array from its default for the first `rows` rows and put it in use; writer only. */
void wgi_fragment_use_ids(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_begins(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_prevs(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_wide(wgi_fragment *fragment, uint32_t rows);
void wgi_fragment_use_ends(wgi_fragment *fragment, uint32_t row);
static inline uint64_t wgi_fragment_base(const wgi_fragment *f) {
    return atomic_load_explicit(&f->begin_base, memory_order_relaxed);
}
uint64_t wgi_fragment_begin(const wgi_fragment *fragment, uint32_t flags, uint32_t row);
uint64_t wgi_fragment_end(const wgi_fragment *fragment, uint32_t flags, uint32_t row);

/* ---- mapped fragments (mapped.c) */

/* WG_E_CORRUPT that says of which slot. */
wg_code wgi_corrupt(const wg_fragment *fragment, const char *what, wg_error *err);

/* Checks what the footer says of the fragments; `ends` may be NULL. WG_E_CORRUPT, WG_E_NOMEM. */
wg_code wgi_mapped_create(bool is_edge, const wg_fragment *rows, const wg_fragment *ends, wg_account *account,
                          wgi_fragment **out, wg_error *err);
/* The type under which a column of a table is stored. */
static inline wg_type wgi_stored_type(wg_type type) {
    return wg_type_physical(type) == WG_PHYSICAL_VALUE ? WG_TYPE_ANY : type;
}
/* Index of a table's column in the stored rows; UINT32_MAX: all null. WG_E_CORRUPT when its type is another. */
wg_code wgi_mapped_column(const wg_table *table, const wgi_fragment *f, uint32_t column, uint32_t *out,
                          wg_error *err);
/* Stored rows with ordinals [first, first + count): *out_rank is the number of the first, *out_count how many. */
wg_code wgi_part_span(const wgi_part *part, uint32_t first, uint32_t count, uint32_t *out_rank, uint32_t *out_count,
                      wg_error *err);
/* Memory of one reader of one head column. */
typedef struct wgi_u64_scratch {
    wg_fragment_scratch read;
    uint64_t made[WG_BATCH_ROWS_MAX]; /* ordinals that are not stored */
} wgi_u64_scratch;
/* A head column of stored rows [rank, rank + count), count <= WG_BATCH_ROWS_MAX: cells in the mapping or in scratch. */
wg_code wgi_part_u64s(const wgi_part *part, uint32_t head, uint32_t rank, uint32_t count, wgi_u64_scratch *scratch,
                      const uint64_t **out, wg_error *err);
/* The ordinals of stored rows in the same way; checks that they ascend and lie in the slot. */
wg_code wgi_part_ordinals(const wgi_part *part, uint32_t rank, uint32_t count, wgi_u64_scratch *scratch,
                          const uint64_t **out, wg_error *err);

/* Memory of one reader of `end`s. */
typedef struct wgi_ends_scratch {
    wgi_u64_scratch cells;
    wgi_u64_scratch rows;
    uint64_t window[WG_BATCH_ROWS_MAX];
} wgi_ends_scratch;
void wgi_u64_scratch_init(wgi_u64_scratch *scratch, wg_account *account);
void wgi_u64_scratch_deinit(wgi_u64_scratch *scratch);
void wgi_ends_scratch_init(wgi_ends_scratch *scratch, wg_account *account);
void wgi_ends_scratch_deinit(wgi_ends_scratch *scratch);
/* The `end`s of ordinals [first, first + count), count <= WG_BATCH_ROWS_MAX, NEVER for gaps: (*out)[ordinal - first]. */
wg_code wgi_mapped_ends(const wgi_fragment *f, uint32_t first, uint32_t count, wgi_ends_scratch *scratch,
                        const uint64_t **out, wg_error *err);
wg_code wgi_mapped_head(const wgi_fragment *f, bool is_edge, uint32_t row, wg_row_head *out, uint64_t *out_end,
                        bool *out_found, wg_error *err);
wg_code wgi_mapped_cell(const wg_table *table, const wgi_fragment *f, uint64_t row, uint32_t column, wg_arena *arena,
                        wg_value *out, wg_error *err);
/* Writer: sets an `end`, in the overlay. */
wg_code wgi_mapped_set_end(wgi_fragment *f, uint32_t row, uint64_t end, wg_account *account, wg_error *err);
/* A heap fragment with the first `rows` ordinals of a mapped one. */
wg_code wgi_mapped_thaw(const wg_table *table, const wgi_fragment *f, uint32_t rows, wgi_fragment **out,
                        wg_error *err);

#endif
