/* Appending versions: cells first, heads second, the row count last.
 *
 * Everything beyond the published row count is invisible, so a refused allocation in the middle leaves the table as it was:
 * what was written there is overwritten by the next append. Order: fragment, column blocks and cells (may fail), nulls of
 * the columns that got no cell, heads, row count. A column block is made by the first cell that is not null; earlier rows
 * of its fragment read as null. Texts are packed without padding into blocks of the fragment's arena. */
#include "worldgraph/nodes/nodes_internal.h"

enum { TEXT_BLOCK_MAX = 1 << 16 };

/* Rows [first, first + count) of one fragment, and where they lie in the caller's arrays. */
typedef struct row_range {
    wgi_fragment *fragment;
    uint32_t first;
    uint32_t count;
    uint32_t offset;
} row_range;

/* The heap fragment that takes row `row`: the one that is there, or one made from the mapped tail, or a fresh one. Rows before it
 * in a slot that had nothing are gaps. */
static wg_code fragment_for_write(wg_table *table, uint64_t row, wgi_fragment **out, wg_error *err) {
    const uint64_t index = row >> WGI_FRAGMENT_SHIFT;
    if (index >= WGI_SLOTS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a table has at most 2^38 versions of rows");
    wgi_fragment *old = wg_slots_get(&table->fragments, (uint32_t)index);
    if (old != NULL && !wgi_fragment_is_mapped(old)) {
        *out = old;
        return WG_OK;
    }
    if (!wg_slots_reserve(&table->fragments, (uint32_t)index, table->account))
        return wg_error_nomem(err, sizeof(wg_slots));
    wgi_fragment *f = NULL;
    if (old != NULL) {
        WG_TRY(wgi_mapped_thaw(table, old, wgi_fragment_row(row), &f, err));
    } else {
        f = wgi_fragment_create(table->is_edge, table->account);
        if (f == NULL) return wg_error_nomem(err, sizeof *f);
        if (wgi_fragment_row(row) != 0) wgi_fragment_gap(f, wgi_fragment_row(row));
    }
    wg_slots_set(&table->fragments, (uint32_t)index, f);
    wgi_fragment_retire(old, true, table->epoch);
    *out = f;
    return WG_OK;
}

static void valid_store(wgi_block *block, uint32_t row, bool valid) {
    _Atomic uint64_t *word = &block->valid[row / 64];
    const uint64_t bit = UINT64_C(1) << (row % 64);
    const uint64_t old = atomic_load_explicit(word, memory_order_relaxed); /* one writer: no exchange needed */
    atomic_store_explicit(word, valid ? old | bit : old & ~bit, memory_order_relaxed);
}

static void valid_store_range(wgi_block *block, uint32_t first, uint32_t count, bool valid) {
    uint32_t row = first;
    const uint32_t end = first + count;
    for (; row < end && row % 64 != 0; row++) valid_store(block, row, valid);
    for (; row + 64 <= end; row += 64)
        atomic_store_explicit(&block->valid[row / 64], valid ? UINT64_MAX : 0, memory_order_relaxed);
    for (; row < end; row++) valid_store(block, row, valid);
}

wgi_block *wgi_block_create(uint32_t rows_before, size_t cell_bytes, wg_account *account) {
    const size_t head = wg_align_up(sizeof(wgi_block), 64);
    const size_t data_bytes = WG_FRAGMENT_ROWS * cell_bytes;
    uint8_t *bytes = wg_alloc(account, head + data_bytes + WG_FRAGMENT_ROWS / 8);
    if (bytes == NULL) return NULL;
    wgi_block *block = (wgi_block *)(void *)bytes;
    memset(block, 0, sizeof *block);
    block->data = bytes + head;
    block->valid = (_Atomic uint64_t *)(void *)(bytes + head + data_bytes);
    memset(block->data, 0, rows_before * cell_bytes);
    memset(bytes + head + data_bytes, 0, WG_FRAGMENT_ROWS / 8);
    atomic_init(&block->has_null, rows_before != 0);
    return block;
}

/* The block of a column, made when it is missing; NULL when out of memory. */
static wgi_block *block_for_write(wg_table *table, const row_range *rows, uint32_t column) {
    wgi_fragment *f = rows->fragment;
    wgi_block *block = wg_slots_get(&f->columns, column);
    if (block == NULL) {
        if (!wg_slots_reserve(&f->columns, column, table->account)) return NULL;
        const size_t cell_bytes = wg_physical_bytes(wg_type_physical(wg_table_column_type(table, column)));
        block = wgi_block_create(rows->first, cell_bytes, table->account);
        if (block == NULL) return NULL;
        wg_slots_set(&f->columns, column, block);
    }
    block->append_stamp = table->append_stamp;
    return block;
}

/* ---- cells */

static const char *text_copy(wgi_fragment *f, const char *data, size_t size) {
    if (size == 0) return "";
    if ((size_t)(f->text_end - f->text_next) < size) {
        const size_t bytes = wg_max_size(size, f->text_block_bytes);
        char *text = wg_arena_alloc(&f->strings, bytes);
        if (text == NULL) return NULL;
        f->text_next = text;
        f->text_end = text + bytes;
        f->text_block_bytes = wg_min_size(f->text_block_bytes * 2, TEXT_BLOCK_MAX);
    }
    char *copy = f->text_next;
    memcpy(copy, data, size);
    f->text_next += size;
    return copy;
}

static bool value_cell_store(wgi_fragment *f, wg_value *cell, const wg_value *v) {
    if (v->type != WG_TYPE_STRING && v->type != WG_TYPE_BYTES) return wg_value_copy(&f->strings, v, cell);
    wg_value copy = *v;
    copy.as.s = text_copy(f, v->as.s, v->size);
    if (copy.as.s == NULL) return false;
    *cell = copy;
    return true;
}

static int64_t i64_cell(wg_type type, const wg_value *v) {
    int64_t micros = 0;
    if (type != WG_TYPE_LOCAL_DATETIME) return v->as.i;
    WG_ASSERT(wg_micros_of_datetime(v->as.i, v->size, &micros, NULL));
    return micros;
}

bool wgi_cell_store(wgi_fragment *f, wgi_block *block, wg_type type, uint32_t row, const wg_value *v) {
    WG_ASSERT(type == WG_TYPE_ANY || type == (wg_type)v->type || (type == WG_TYPE_FLOAT && v->type == WG_TYPE_INT));
    const char *text;
    switch (wg_type_physical(type)) {
        case WG_PHYSICAL_BOOL:
            block->data[row] = v->as.b ? 1 : 0;
            break;
        case WG_PHYSICAL_I64:
            ((int64_t *)(void *)block->data)[row] = i64_cell(type, v);
            break;
        case WG_PHYSICAL_F64:
            ((double *)(void *)block->data)[row] = v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f;
            break;
        case WG_PHYSICAL_STR:
            text = text_copy(f, v->as.s, v->size);
            if (text == NULL) return false;
            ((wg_str *)(void *)block->data)[row] = (wg_str){text, v->size};
            break;
        case WG_PHYSICAL_ID:
            ((uint64_t *)(void *)block->data)[row] = v->as.id;
            break;
        case WG_PHYSICAL_VALUE:
            if (!value_cell_store(f, &((wg_value *)(void *)block->data)[row], v)) return false;
            break;
    }
    valid_store(block, row, true);
    return true;
}

/* Null cells are zero, so that kernels which ignore validity read defined bytes. */
static void nulls_store(wgi_block *block, wg_type type, uint32_t first, uint32_t count) {
    const size_t bytes = wg_physical_bytes(wg_type_physical(type));
    memset(block->data + first * bytes, 0, count * bytes);
    valid_store_range(block, first, count, false);
    atomic_store_explicit(&block->has_null, true, memory_order_relaxed); /* published by the row count */
}

/* Columns of the fragment that this append gave no cells. */
static void others_store_null(wg_table *table, const row_range *rows) {
    const uint32_t count = wg_table_column_count(table);
    for (uint32_t c = 0; c < count; c++) {
        wgi_block *block = wg_slots_get(&rows->fragment->columns, c);
        if (block != NULL && block->append_stamp != table->append_stamp)
            nulls_store(block, wg_table_column_type(table, c), rows->first, rows->count);
    }
}

/* ---- heads */

static void edge_ends_store(const row_range *rows, const uint64_t *const ends[2]) {
    wgi_fragment *f = rows->fragment;
    uint64_t all = 0;
    for (uint32_t i = 0; i < rows->count; i++) all |= ends[0][i] | ends[1][i];
    if (all > UINT32_MAX) wgi_fragment_use_wide(f, rows->first);
    const bool wide = (atomic_load_explicit(&f->flags, memory_order_relaxed) & WGI_HAS_WIDE) != 0;
    for (size_t side = 0; side < 2; side++) {
        uint32_t *narrow = f->ends_of_edge[side] + rows->first;
        if (wide) memcpy(f->ends_of_edge_wide[side] + rows->first, ends[side], rows->count * sizeof(uint64_t));
        else
            for (uint32_t i = 0; i < rows->count; i++) narrow[i] = (uint32_t)ends[side][i];
    }
}

static void begin_store(const row_range *rows, uint64_t begin) {
    wgi_fragment *f = rows->fragment;
    if (rows->first == 0) atomic_store_explicit(&f->begin_base, begin, memory_order_relaxed);
    if (begin != wgi_fragment_base(f)) wgi_fragment_use_begins(f, rows->first);
    if (begin > atomic_load_explicit(&f->begin_max, memory_order_relaxed))
        atomic_store_explicit(&f->begin_max, begin, memory_order_relaxed); /* published by the row count */
    if ((atomic_load_explicit(&f->flags, memory_order_relaxed) & WGI_HAS_BEGINS) == 0) return;
    for (uint32_t i = 0; i < rows->count; i++)
        atomic_store_explicit(&f->begins[rows->first + i], begin, memory_order_relaxed);
}

/* Ids count up from head->id; prev is the same for all (NONE in batches). Ends need nothing: a new version has not ended,
 * and the blocks of `ends` that are in use were filled with NEVER. */
static void heads_store(const row_range *rows, const wg_row_head *head, const uint64_t *const ends[2]) {
    wgi_fragment *f = rows->fragment;
    if (rows->first == 0) f->id_base = head->id;
    if (head->id != f->id_base + rows->first) wgi_fragment_use_ids(f, rows->first);
    if (head->prev != WG_ROW_NONE) wgi_fragment_use_prevs(f, rows->first);
    begin_store(rows, head->begin);
    if (ends[0] != NULL) edge_ends_store(rows, ends);
    const uint32_t flags = atomic_load_explicit(&f->flags, memory_order_relaxed);
    for (uint32_t i = 0; (flags & WGI_HAS_IDS) != 0 && i < rows->count; i++) f->ids[rows->first + i] = head->id + i;
    for (uint32_t i = 0; (flags & WGI_HAS_PREVS) != 0 && i < rows->count; i++) f->prevs[rows->first + i] = head->prev;
}

wg_code wg_table_append(wg_table *table, const wg_row_head *head, const wg_value *cells, uint64_t *out_row,
                        wg_error *err) {
    WG_ASSERT(head != NULL);
    const uint64_t row = atomic_load_explicit(&table->row_count, memory_order_relaxed);
    const uint32_t column_count = wg_table_column_count(table);
    row_range rows = {NULL, wgi_fragment_row(row), 1, 0};
    WG_TRY(fragment_for_write(table, row, &rows.fragment, err));
    table->append_stamp++;
    for (uint32_t c = 0; c < column_count; c++) {
        if (cells[c].type == WG_TYPE_NULL) continue;
        wgi_block *block = block_for_write(table, &rows, c);
        if (block == NULL) return wg_error_nomem(err, sizeof(wgi_block));
        if (!wgi_cell_store(rows.fragment, block, wg_table_column_type(table, c), rows.first, &cells[c]))
            return wg_error_nomem(err, cells[c].size);
    }
    others_store_null(table, &rows);
    const uint64_t *const ends[2] = {table->is_edge ? &head->from : NULL, table->is_edge ? &head->to : NULL};
    heads_store(&rows, head, ends);
    atomic_store_explicit(&table->row_count, row + 1, memory_order_release); /* pairs with wg_table_row_count */
    *out_row = row;
    return WG_OK;
}

/* ---- batches */

static bool vector_is_plain(const wg_vector *v, wg_type type) {
    const wg_physical p = wg_type_physical(type);
    return v->kind == WG_VECTOR_FLAT && v->valid == NULL && v->type == type && p != WG_PHYSICAL_STR &&
           p != WG_PHYSICAL_VALUE;
}

/* Strings of any kind of vector, nulls included; false when out of memory. */
static bool strings_store(const row_range *rows, wgi_block *block, const wg_vector *v) {
    wg_str *cells = (wg_str *)(void *)block->data + rows->first;
    const wg_str *from = v->data;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!wg_vector_is_valid(v, rows->offset + i)) {
            nulls_store(block, v->type, rows->first + i, 1);
            continue;
        }
        const wg_str s = from[wg_vector_cell(v, rows->offset + i)];
        const char *text = text_copy(rows->fragment, s.data, s.size);
        if (text == NULL) return false;
        cells[i] = (wg_str){text, s.size};
        valid_store(block, rows->first + i, true);
    }
    return true;
}

static bool values_store(const row_range *rows, wgi_block *block, wg_type type, const wg_vector *v) {
    for (uint32_t i = 0; i < rows->count; i++) {
        const wg_value value = wg_vector_value(v, rows->offset + i);
        if (value.type == WG_TYPE_NULL) nulls_store(block, type, rows->first + i, 1);
        else if (!wgi_cell_store(rows->fragment, block, type, rows->first + i, &value)) return false;
    }
    return true;
}

static bool vector_has_value(const wg_vector *v, const row_range *rows) {
    if (v->valid == NULL && wg_type_physical(v->type) != WG_PHYSICAL_VALUE) return true;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (wg_vector_value(v, rows->offset + i).type != WG_TYPE_NULL) return true;
    }
    return false;
}

static wg_code vector_store(wg_table *table, const row_range *rows, uint32_t column, const wg_vector *v,
                            wg_error *err) {
    const wg_type type = wg_table_column_type(table, column);
    if (!vector_has_value(v, rows)) return WG_OK; /* others_store_null does it */
    wgi_block *block = block_for_write(table, rows, column);
    if (block == NULL) return wg_error_nomem(err, sizeof(wgi_block));
    bool ok = true;
    if (vector_is_plain(v, type)) {
        const size_t bytes = wg_physical_bytes(wg_type_physical(type));
        memcpy(block->data + rows->first * bytes, (const uint8_t *)v->data + rows->offset * bytes,
               rows->count * bytes);
        valid_store_range(block, rows->first, rows->count, true);
    } else if (v->type == type && wg_type_physical(type) == WG_PHYSICAL_STR) {
        ok = strings_store(rows, block, v);
    } else {
        ok = values_store(rows, block, type, v);
    }
    return ok ? WG_OK : wg_error_nomem(err, rows->count);
}

wg_code wg_table_append_batch(wg_table *table, uint64_t first_id, uint64_t begin, const wg_batch *batch,
                              const uint32_t *columns, const uint64_t *from, const uint64_t *to,
                              uint64_t *out_first_row, wg_error *err) {
    WG_ASSERT(batch->sel == NULL);
    WG_ASSERT(!table->is_edge || (from != NULL && to != NULL));
    const uint64_t row = atomic_load_explicit(&table->row_count, memory_order_relaxed);
    for (uint32_t done = 0; done < batch->row_count;) {
        row_range rows = {NULL, wgi_fragment_row(row + done), 0, done};
        WG_TRY(fragment_for_write(table, row + done, &rows.fragment, err));
        rows.count = (uint32_t)wg_min_u64(batch->row_count - done, WG_FRAGMENT_ROWS - rows.first);
        table->append_stamp++;
        for (uint32_t i = 0; i < batch->column_count; i++)
            WG_TRY(vector_store(table, &rows, columns[i], &batch->columns[i], err));
        others_store_null(table, &rows);
        const wg_row_head head = {.id = first_id + done, .begin = begin, .prev = WG_ROW_NONE};
        const uint64_t *const ends[2] = {table->is_edge ? from + done : NULL, table->is_edge ? to + done : NULL};
        heads_store(&rows, &head, ends);
        done += rows.count;
    }
    /* release, pairs with wg_table_row_count: all of the batch or nothing */
    atomic_store_explicit(&table->row_count, row + batch->row_count, memory_order_release);
    *out_first_row = row;
    return WG_OK;
}
