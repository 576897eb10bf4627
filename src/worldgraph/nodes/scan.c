/* Scanning: vectors that point into a fragment, and the selection of visible rows.
 *
 * Cells are used in place. Copied to scratch are: validity words, because the writer may be setting bits of later rows in
 * the same word (the copy loads words atomically; nothing is copied for a column without nulls); ids that count up; end
 * points that are stored in 32 bits; cells converted to ANY. When the whole range is visible, which one comparison and
 * one mask decide for a fragment without history, there is no selection.
 *
 * Where some rows are not visible, `begin` and `end` of the window are copied to scratch (they are atomics that the writer stores
 * to), the kernel of visibility makes a mask of them and the kernel of selection row numbers of that.
 *
 * A mapped fragment gives the stored rows of the range: vectors count those, the range counts ordinals. Its zones decide
 * first whether `begin` and `end` need to be read at all. Strings that it stores as a small dictionary come as codes. */
#include "base/kernels/kernels.h"
#include "worldgraph/nodes/nodes_internal.h"

enum { VALID_WORDS = WG_BATCH_ROWS_MAX / 64 };

typedef struct scratch_column {
    uint64_t valid[VALID_WORDS];
    void *cells; /* WG_BATCH_ROWS_MAX wg_values, allocated at first use */
    wg_fragment_scratch stored;
} scratch_column;

struct wg_table_scratch {
    uint64_t ids[WG_BATCH_ROWS_MAX];
    uint16_t sel[WG_BATCH_ROWS_MAX];
    uint64_t begins[WG_BATCH_ROWS_MAX]; /* of the rows of a window, where their visibility is tested */
    uint64_t ends[WG_BATCH_ROWS_MAX];
    uint8_t mask[WG_BATCH_ROWS_MAX];
    wgi_u64_scratch stored_ids;
    wgi_u64_scratch stored_begins;
    wgi_u64_scratch stored_rows;
    wgi_ends_scratch stored_ends;
    wg_account *account;
    wg_vector *vectors; /* the caller's, during a call */
    uint32_t column_count;
    bool skip_ids;
    scratch_column columns[];
};

/* Rows of one fragment that a read covers: ordinals. */
typedef struct row_window {
    const wg_table *table;
    const wgi_fragment *fragment;
    uint32_t flags;
    uint32_t first;
    uint32_t count;
    uint32_t rank; /* mapped: the first stored row, and how many */
    uint32_t stored;
} row_window;

wg_code wg_table_scratch_create(uint32_t column_count, wg_account *account, wg_table_scratch **out, wg_error *err) {
    size_t bytes;
    wg_table_scratch *scratch = NULL;
    if (wg_mul_size(column_count, sizeof(scratch_column), &bytes) && wg_add_size(bytes, sizeof *scratch, &bytes))
        scratch = wg_alloc(account, bytes);
    if (scratch == NULL) return wg_error_nomem(err, sizeof *scratch);
    for (uint32_t i = 0; i < column_count; i++) {
        scratch->columns[i].cells = NULL;
        memset(&scratch->columns[i].stored, 0, sizeof scratch->columns[i].stored);
        scratch->columns[i].stored.account = account;
    }
    wgi_u64_scratch_init(&scratch->stored_ids, account);
    wgi_u64_scratch_init(&scratch->stored_begins, account);
    wgi_u64_scratch_init(&scratch->stored_rows, account);
    wgi_ends_scratch_init(&scratch->stored_ends, account);
    scratch->account = account;
    scratch->column_count = column_count;
    scratch->skip_ids = false;
    *out = scratch;
    return WG_OK;
}

void wg_table_scratch_skip_ids(wg_table_scratch *scratch) { scratch->skip_ids = true; }

void wg_table_scratch_destroy(wg_table_scratch *scratch) {
    if (scratch == NULL) return;
    for (uint32_t i = 0; i < scratch->column_count; i++) {
        wg_free(scratch->columns[i].cells);
        wg_fragment_scratch_deinit(&scratch->columns[i].stored);
    }
    wgi_u64_scratch_deinit(&scratch->stored_ids);
    wgi_u64_scratch_deinit(&scratch->stored_begins);
    wgi_u64_scratch_deinit(&scratch->stored_rows);
    wgi_ends_scratch_deinit(&scratch->stored_ends);
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
    *v = (wg_vector){.type = WG_TYPE_ANY, .kind = WG_VECTOR_FLAT, .valid = v->valid, .data = cells};
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

static wg_code wrong_type(wg_type stored, wg_type type, wg_error *err) {
    return wg_error_set(err, WG_E_INTERNAL, WG_NO_OFFSET, "a column of %s was read as %s", wg_type_name(stored),
                        wg_type_name(type));
}

static wg_code column_read(const row_window *w, uint32_t column, wg_type type, wg_table_scratch *scratch, uint32_t at,
                           wg_vector *out, wg_error *err) {
    scratch_column *own = &scratch->columns[at];
    if (w->table->is_edge && (column == WG_TABLE_FROM || column == WG_TABLE_TO))
        return ends_read(w, column == WG_TABLE_FROM ? 0 : 1, scratch, own, out, err);
    const wgi_block *block = column == UINT32_MAX ? NULL : wg_slots_get(&w->fragment->columns, column);
    if (block == NULL) {
        *out = null_vector(type);
        return WG_OK;
    }
    const wg_type stored = wg_table_column_type(w->table, column);
    if (type != stored && type != WG_TYPE_ANY) return wrong_type(stored, type, err);
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
    if (scratch->skip_ids) {
        v = null_vector(v.type);
    } else if ((w->flags & WGI_HAS_IDS) != 0) {
        v.data = w->fragment->ids + w->first;
    } else {
        const uint64_t first = w->fragment->id_base + w->first;
        for (uint32_t i = 0; i < w->count; i++) scratch->ids[i] = first + i;
        v.data = scratch->ids;
    }
    *out = v;
}

/* ---- visibility */

/* Rows 0..n of the window with the begins and ends that lie in scratch. */
static void select_visible(wg_view view, uint32_t n, wg_table_scratch *scratch, wg_batch *out) {
    const wg_kernels *k = wg_kernels_best();
    k->visible(scratch->begins, scratch->ends, view.snapshot, view.own, n, scratch->mask);
    out->row_count = (uint32_t)k->select(scratch->mask, n, scratch->sel);
    out->sel = out->row_count == n ? NULL : scratch->sel;
}

static void fill(uint64_t *to, uint64_t value, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) to[i] = value;
}

/* What the writer may be storing to, cell by cell. */
static void copy_times(const _Atomic uint64_t *from, uint32_t n, uint64_t *to) {
    for (uint32_t i = 0; i < n; i++) to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
}

static bool window_all_visible(const row_window *w, wg_view view) {
    const uint32_t first = w->first >> WGI_ENDED_SHIFT;
    const uint32_t last = (w->first + w->count - 1) >> WGI_ENDED_SHIFT;
    for (uint32_t b = first; b <= last; b++) {
        if ((w->flags & ((uint32_t)WGI_ENDED_FIRST << b)) != 0) return false;
    }
    if (atomic_load_explicit(&w->fragment->begin_max, memory_order_relaxed) <= view.snapshot) return true;
    return (w->flags & WGI_HAS_BEGINS) == 0 && wg_visible(view, wgi_fragment_base(w->fragment), WG_LOGSEQ_NEVER);
}

static void window_select(const row_window *w, wg_view view, wg_table_scratch *scratch, wg_batch *out) {
    const wgi_fragment *f = w->fragment;
    out->sel = NULL;
    out->row_count = w->count;
    if (window_all_visible(w, view)) return;
    if ((w->flags & WGI_HAS_BEGINS) != 0) copy_times(f->begins + w->first, w->count, scratch->begins);
    else fill(scratch->begins, wgi_fragment_base(f), w->count);
    const uint32_t last = w->first + w->count;
    for (uint32_t r = w->first; r < last;) { /* by blocks of rows that share a flag */
        const uint32_t block_end = ((r >> WGI_ENDED_SHIFT) + 1) << WGI_ENDED_SHIFT;
        const uint32_t n = (block_end < last ? block_end : last) - r;
        if (wgi_fragment_ended(w->flags, r)) copy_times(f->ends + r, n, scratch->ends + (r - w->first));
        else fill(scratch->ends + (r - w->first), WG_LOGSEQ_NEVER, n);
        r += n;
    }
    select_visible(view, w->count, scratch, out);
}

/* ---- mapped fragments */

static wg_code mapped_column_read(const row_window *w, uint32_t column, wg_type type, wg_table_scratch *scratch,
                                  uint32_t at, wg_vector *out, wg_error *err) {
    const wgi_part *rows = &w->fragment->rows;
    scratch_column *own = &scratch->columns[at];
    const bool is_end = w->table->is_edge && (column == WG_TABLE_FROM || column == WG_TABLE_TO);
    uint32_t index = UINT32_MAX;
    wg_type stored = WG_TYPE_NODE;
    if (is_end) {
        index = rows->heads[column == WG_TABLE_FROM ? WGI_HEAD_FROM : WGI_HEAD_TO];
    } else if (column != UINT32_MAX) {
        stored = wg_table_column_type(w->table, column);
        WG_TRY(wgi_mapped_column(w->table, w->fragment, column, &index, err));
    }
    if (index == UINT32_MAX || w->stored == 0) {
        *out = null_vector(type);
        return WG_OK;
    }
    if (type != stored && type != WG_TYPE_ANY) return wrong_type(stored, type, err);
    wg_vector v;
    WG_TRY(wg_fragment_read_coded(rows->fragment, index, w->rank, w->stored, &own->stored, &v, err));
    v.type = stored;
    if (type != stored) WG_TRY(any_read(scratch, own, w->stored, &v, err));
    *out = v;
    return WG_OK;
}

/* Vector 0, flat unless nobody reads it. */
static wg_code mapped_ids_read(const row_window *w, wg_table_scratch *scratch, wg_vector *out, wg_error *err) {
    const uint64_t *ids = scratch->ids;
    if (scratch->skip_ids) {
        *out = null_vector(w->table->is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE);
        return WG_OK;
    }
    if (w->stored != 0)
        WG_TRY(wgi_part_u64s(&w->fragment->rows, WGI_HEAD_ID, w->rank, w->stored, &scratch->stored_ids, &ids, err));
    *out = (wg_vector){.type = w->table->is_edge ? WG_TYPE_EDGE : WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = ids};
    return WG_OK;
}

/* Sources of the visibility of stored rows; NULL pointers say that nothing needs to be tested. */
typedef struct mapped_history {
    const uint64_t *begins;   /* by stored row */
    const uint64_t *ends;     /* by ordinal - w->first */
    const uint64_t *ordinals; /* by stored row; NULL: consecutive from w->first */
} mapped_history;

static wg_code mapped_history_read(const row_window *w, wg_view view, wg_table_scratch *scratch, mapped_history *out,
                                   wg_error *err) {
    const wgi_fragment *f = w->fragment;
    const wgi_part *rows = &f->rows;
    mapped_history h = {0};
    const bool has_overlay = atomic_load_explicit(&f->overlay, memory_order_acquire) != NULL;
    if (atomic_load_explicit(&f->begin_max, memory_order_relaxed) > view.snapshot)
        WG_TRY(wgi_part_u64s(rows, WGI_HEAD_BEGIN, w->rank, w->stored, &scratch->stored_begins, &h.begins, err));
    if (has_overlay || f->end_min <= wg_max_u64(view.snapshot, view.own)) {
        WG_TRY(wgi_mapped_ends(f, w->first, w->count, &scratch->stored_ends, &h.ends, err));
        if (rows->heads[WGI_HEAD_ROW] != UINT32_MAX)
            WG_TRY(wgi_part_ordinals(rows, w->rank, w->stored, &scratch->stored_rows, &h.ordinals, err));
    }
    *out = h;
    return WG_OK;
}

static wg_code mapped_select(const row_window *w, wg_view view, wg_table_scratch *scratch, wg_batch *out,
                             wg_error *err) {
    mapped_history h;
    out->row_count = w->stored;
    if (w->stored == 0) return WG_OK;
    WG_TRY(mapped_history_read(w, view, scratch, &h, err));
    if (h.begins == NULL && h.ends == NULL) return WG_OK;
    if (h.begins != NULL) memcpy(scratch->begins, h.begins, w->stored * sizeof *h.begins);
    else fill(scratch->begins, 0, w->stored); /* all of them began before the snapshot */
    if (h.ends == NULL) {
        fill(scratch->ends, WG_LOGSEQ_NEVER, w->stored);
    } else if (h.ordinals == NULL) {
        if (w->stored > w->count) return wgi_corrupt(w->fragment->rows.fragment, "rows out of order", err);
        memcpy(scratch->ends, h.ends, w->stored * sizeof *h.ends);
    } else {
        for (uint32_t i = 0; i < w->stored; i++) {
            const uint64_t at = h.ordinals[i] - w->first;
            if (at >= w->count) return wgi_corrupt(w->fragment->rows.fragment, "rows out of order", err);
            scratch->ends[i] = h.ends[at];
        }
    }
    select_visible(view, w->stored, scratch, out);
    return WG_OK;
}

static wg_code mapped_read(row_window *w, wg_view view, const uint32_t *columns, const wg_type *types,
                           wg_table_scratch *scratch, wg_batch *io, wg_error *err) {
    wg_vector *vectors = scratch->vectors;
    if (w->fragment != NULL) WG_TRY(wgi_part_span(&w->fragment->rows, w->first, w->count, &w->rank, &w->stored, err));
    for (uint32_t i = 0; i + 1 < io->column_count; i++) {
        if (w->fragment == NULL) vectors[i + 1] = null_vector(types[i]);
        else WG_TRY(mapped_column_read(w, columns[i], types[i], scratch, i, &vectors[i + 1], err));
    }
    WG_TRY(mapped_ids_read(w, scratch, &vectors[0], err));
    return mapped_select(w, view, scratch, io, err);
}

static wg_code heap_read(const row_window *w, wg_view view, const uint32_t *columns, const wg_type *types,
                         wg_table_scratch *scratch, wg_batch *io, wg_error *err) {
    wg_vector *vectors = scratch->vectors;
    for (uint32_t i = 0; i + 1 < io->column_count; i++)
        WG_TRY(column_read(w, columns[i], types[i], scratch, i, &vectors[i + 1], err));
    ids_read(w, scratch, &vectors[0]);
    window_select(w, view, scratch, io);
    return WG_OK;
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
    w.count = (uint32_t)wg_min_u64(wg_min_u64(rows_max, row_count - row), WG_FRAGMENT_ROWS - w.first);
    scratch->vectors = vectors;
    if (w.fragment == NULL || wgi_fragment_is_mapped(w.fragment)) {
        WG_TRY(mapped_read(&w, view, columns, types, scratch, &batch, err));
    } else {
        w.flags = wgi_fragment_flags(w.fragment); /* after the row count: no array in use for these rows is missed */
        WG_TRY(heap_read(&w, view, columns, types, scratch, &batch, err));
    }
    *out = batch;
    *out_rows = w.count;
    return WG_OK;
}
