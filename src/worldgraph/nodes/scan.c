/* Scanning: vectors that point into a fragment, and the selection of visible rows.
 *
 * Cells are used in place. Copied to scratch are: validity words, because the writer may be setting bits of later rows in
 * the same word (the copy loads words atomically; nothing is copied for a column without nulls); ids that count up; end
 * points that are stored in 32 bits; cells converted to ANY. When the whole range is visible, which one comparison and
 * one mask decide for a fragment without history, there is no selection. Otherwise rows are tested without branches. */
#include "worldgraph/nodes/nodes_internal.h"

enum { VALID_WORDS = WG_BATCH_ROWS_MAX / 64 };

typedef struct scratch_column {
    uint64_t valid[VALID_WORDS];
    void *cells; /* WG_BATCH_ROWS_MAX wg_values, allocated at first use */
} scratch_column;

struct wg_table_scratch {
    uint64_t ids[WG_BATCH_ROWS_MAX];
    uint16_t sel[WG_BATCH_ROWS_MAX + 1]; /* the branch-free loop writes one place past the last match */
    wg_account *account;
    uint32_t column_count;
    scratch_column columns[];
};

/* Rows of one fragment that a read covers. */
typedef struct row_window {
    const wg_table *table;
    const wgi_fragment *fragment;
    uint32_t flags;
    uint32_t first;
    uint32_t count;
} row_window;

wg_code wg_table_scratch_create(uint32_t column_count, wg_account *account, wg_table_scratch **out, wg_error *err) {
    size_t bytes;
    wg_table_scratch *scratch = NULL;
    if (wg_mul_size(column_count, sizeof(scratch_column), &bytes) && wg_add_size(bytes, sizeof *scratch, &bytes))
        scratch = wg_alloc(account, bytes);
    if (scratch == NULL) return wg_error_nomem(err, sizeof *scratch);
    for (uint32_t i = 0; i < column_count; i++) scratch->columns[i].cells = NULL;
    scratch->account = account;
    scratch->column_count = column_count;
    *out = scratch;
    return WG_OK;
}

void wg_table_scratch_destroy(wg_table_scratch *scratch) {
    if (scratch == NULL) return;
    for (uint32_t i = 0; i < scratch->column_count; i++) wg_free(scratch->columns[i].cells);
    wg_free(scratch);
}

static wg_vector null_vector(wg_type type) {
    static const uint8_t absent[64];
    _Alignas(64) static const uint8_t zero_cell[64];
    return (wg_vector){.type = type, .kind = WG_VECTOR_CONST, .valid = absent, .data = zero_cell};
}

/* Bits [first, first + count) of the block, moved down to bit 0. */
static void valid_copy(const wgi_block *block, uint32_t first, uint32_t count, uint64_t *out) {
    const uint32_t shift = first % 64;
    const uint32_t last_word = (first + count - 1) / 64;
    for (uint32_t i = 0; i * 64 < count; i++) {
        const uint32_t w = first / 64 + i;
        uint64_t bits = atomic_load_explicit(&block->valid[w], memory_order_relaxed) >> shift;
        if (shift != 0 && w < last_word)
            bits |= atomic_load_explicit(&block->valid[w + 1], memory_order_relaxed) << (64 - shift);
        out[i] = bits;
    }
}

static bool scratch_cells(wg_table_scratch *scratch, scratch_column *column) {
    if (column->cells == NULL) column->cells = wg_alloc(scratch->account, WG_BATCH_ROWS_MAX * sizeof(wg_value));
    return column->cells != NULL;
}

static wg_code any_read(wg_table_scratch *scratch, scratch_column *column, uint32_t count, wg_vector *v,
                        wg_error *err) {
    if (!scratch_cells(scratch, column)) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(wg_value));
    wg_value *cells = column->cells;
    for (uint32_t i = 0; i < count; i++) cells[i] = wg_vector_value(v, i);
    v->type = WG_TYPE_ANY;
    v->data = cells;
    return WG_OK;
}

static wg_code ends_read(const row_window *w, uint32_t side, wg_table_scratch *scratch, scratch_column *column,
                         wg_vector *out, wg_error *err) {
    const wgi_fragment *f = w->fragment;
    wg_vector v = {.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT};
    if ((w->flags & WGI_HAS_WIDE) != 0) {
        v.data = f->ends_of_edge_wide[side] + w->first;
    } else {
        if (!scratch_cells(scratch, column)) return wg_error_nomem(err, WG_BATCH_ROWS_MAX * sizeof(wg_value));
        uint64_t *cells = column->cells;
        const uint32_t *narrow = f->ends_of_edge[side] + w->first;
        for (uint32_t i = 0; i < w->count; i++) cells[i] = narrow[i];
        v.data = cells;
    }
    *out = v;
    return WG_OK;
}

static wg_code column_read(const row_window *w, uint32_t column, wg_type type, wg_table_scratch *scratch, uint32_t at,
                           wg_vector *out, wg_error *err) {
    scratch_column *own = &scratch->columns[at];
    if (w->table->is_edge && (column == WG_TABLE_FROM || column == WG_TABLE_TO))
        return ends_read(w, column == WG_TABLE_FROM ? 0 : 1, scratch, own, out, err);
    const wgi_block *block = column == UINT32_MAX ? NULL : wgi_slots_get(&w->fragment->columns, column);
    if (block == NULL) {
        *out = null_vector(type);
        return WG_OK;
    }
    const wg_type stored = wg_table_column_type(w->table, column);
    if (type != stored && type != WG_TYPE_ANY)
        return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a column of %s was read as %s", wg_type_name(stored),
                            wg_type_name(type));
    wg_vector v = {.type = stored, .kind = WG_VECTOR_FLAT};
    v.data = block->data + w->first * wg_physical_bytes(wg_type_physical(stored));
    if (atomic_load_explicit(&block->has_null, memory_order_relaxed)) {
        valid_copy(block, w->first, w->count, own->valid);
        v.valid = (const uint8_t *)own->valid;
    }
    if (type != stored) WG_TRY(any_read(scratch, own, w->count, &v, err));
    *out = v;
    return WG_OK;
}

static void ids_read(const row_window *w, wg_table_scratch *scratch, wg_vector *out) {
    wg_vector v = {.type = w->table->is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE, .kind = WG_VECTOR_FLAT};
    if ((w->flags & WGI_HAS_IDS) != 0) {
        v.data = w->fragment->ids + w->first;
    } else {
        const uint64_t first = w->fragment->id_base + w->first;
        for (uint32_t i = 0; i < w->count; i++) scratch->ids[i] = first + i;
        v.data = scratch->ids;
    }
    *out = v;
}

/* ---- visibility */

/* wg_visible without branches. */
static uint32_t visible_bit(wg_view view, uint64_t begin, uint64_t end) {
    const uint32_t began = (uint32_t)(begin <= view.snapshot) | (uint32_t)(begin == view.own);
    const uint32_t ended = (uint32_t)(end <= view.snapshot) | (uint32_t)(end == view.own);
    return began & (ended ^ 1u);
}

/* Rows [first, last) of the fragment, all in one block of `ends`; numbers in sel count from the start of the window. */
static uint32_t select_rows(const row_window *w, wg_view view, uint32_t first, uint32_t last, uint16_t *sel) {
    const wgi_fragment *f = w->fragment;
    const bool ended = wgi_fragment_ended(w->flags, first);
    const bool begins = (w->flags & WGI_HAS_BEGINS) != 0;
    uint32_t n = 0;
    for (uint32_t r = first; r < last; r++) {
        const uint64_t begin = begins ? atomic_load_explicit(&f->begins[r], memory_order_relaxed) : f->begin_base;
        const uint64_t end = ended ? atomic_load_explicit(&f->ends[r], memory_order_relaxed) : WG_LOGSEQ_NEVER;
        sel[n] = (uint16_t)(r - w->first);
        n += visible_bit(view, begin, end);
    }
    return n;
}

static bool window_all_visible(const row_window *w, wg_view view) {
    const uint32_t first = w->first >> WGI_ENDED_SHIFT;
    const uint32_t last = (w->first + w->count - 1) >> WGI_ENDED_SHIFT;
    for (uint32_t b = first; b <= last; b++) {
        if ((w->flags & ((uint32_t)WGI_ENDED_FIRST << b)) != 0) return false;
    }
    if (atomic_load_explicit(&w->fragment->begin_max, memory_order_relaxed) <= view.snapshot) return true;
    return (w->flags & WGI_HAS_BEGINS) == 0 && visible_bit(view, w->fragment->begin_base, WG_LOGSEQ_NEVER) != 0;
}

static void window_select(const row_window *w, wg_view view, wg_table_scratch *scratch, wg_batch *out) {
    out->sel = NULL;
    out->row_count = w->count;
    if (window_all_visible(w, view)) return;
    uint32_t n = 0;
    const uint32_t last = w->first + w->count;
    for (uint32_t r = w->first; r < last;) {
        const uint32_t block_end = ((r >> WGI_ENDED_SHIFT) + 1) << WGI_ENDED_SHIFT;
        const uint32_t stop = block_end < last ? block_end : last;
        n += select_rows(w, view, r, stop, scratch->sel + n);
        r = stop;
    }
    if (n == w->count) return;
    out->sel = scratch->sel;
    out->row_count = n;
}

wg_code wg_table_read(const wg_table *table, wg_view view, uint64_t row, uint32_t rows_max, const uint32_t *columns,
                      const wg_type *types, uint32_t column_count, wg_table_scratch *scratch, wg_vector *vectors,
                      wg_batch *out, uint32_t *out_rows, wg_error *err) {
    WG_ASSERT(rows_max > 0 && rows_max <= WG_BATCH_ROWS_MAX);
    WG_ASSERT(column_count <= scratch->column_count);
    const uint64_t row_count = wg_table_row_count(table);
    wg_batch batch = {.column_count = column_count + 1, .columns = vectors};
    if (row >= row_count) {
        *out = batch;
        *out_rows = 0;
        return WG_OK;
    }
    row_window w = {.table = table, .fragment = wgi_table_fragment(table, row), .first = wgi_fragment_row(row)};
    w.flags = wgi_fragment_flags(w.fragment); /* after the row count: no array in use for these rows is missed */
    w.count = (uint32_t)wg_min_u64(wg_min_u64(rows_max, row_count - row), WG_FRAGMENT_ROWS - w.first);
    for (uint32_t i = 0; i < column_count; i++)
        WG_TRY(column_read(&w, columns[i], types[i], scratch, i, &vectors[i + 1], err));
    ids_read(&w, scratch, &vectors[0]);
    window_select(&w, view, scratch, &batch);
    *out = batch;
    *out_rows = w.count;
    return WG_OK;
}
