/* Tables: lifecycle, columns, and the heads and cells of single rows. Appending is in append.c, scanning in scan.c. */
#include "worldgraph/nodes/nodes_internal.h"

enum { COLUMNS_FIRST = 8 };

static wgi_columns *columns_create(uint32_t capacity, wg_account *account) {
    const size_t head = wg_align_up(sizeof(wgi_columns), 64);
    const size_t bytes = head + (size_t)capacity * (sizeof(uint32_t) * 3 + 1);
    uint8_t *p = wg_alloc_zero(account, bytes);
    if (p == NULL) return NULL;
    wgi_columns *c = (wgi_columns *)(void *)p;
    c->capacity = capacity;
    atomic_init(&c->count, 0);
    c->keys = (uint32_t *)(void *)(p + head);
    c->map = (_Atomic uint32_t *)(void *)(c->keys + capacity);
    c->types = p + head + (size_t)capacity * 3 * sizeof(uint32_t);
    return c;
}

static uint32_t key_slot(uint32_t key, uint32_t slots) { return (key * UINT32_C(2654435769)) & (slots - 1); }

/* Writer: fills the next place, then publishes it. */
static void columns_push(wgi_columns *c, uint32_t key, uint8_t type) {
    const uint32_t column = atomic_load_explicit(&c->count, memory_order_relaxed);
    WG_ASSERT(column < c->capacity);
    c->keys[column] = key;
    c->types[column] = type;
    const uint32_t slots = 2 * c->capacity;
    uint32_t at = key_slot(key, slots);
    while (atomic_load_explicit(&c->map[at], memory_order_relaxed) != 0) at = (at + 1) & (slots - 1);
    atomic_store_explicit(&c->map[at], column + 1, memory_order_release); /* pairs with wg_table_column_of */
    atomic_store_explicit(&c->count, column + 1, memory_order_release);   /* pairs with wg_table_column_count */
}

static wgi_columns *columns_of(const wg_table *table) {
    return atomic_load_explicit(&table->columns, memory_order_acquire); /* pairs with the release in columns_grow */
}

static bool columns_grow(wg_table *table) {
    wgi_columns *old = columns_of(table);
    wgi_columns *grown = columns_create(old->capacity * 2, table->account);
    if (grown == NULL) return false;
    for (uint32_t i = 0; i < old->capacity; i++) columns_push(grown, old->keys[i], old->types[i]);
    atomic_store_explicit(&table->columns, grown, memory_order_release);
    wg_epoch_retire_linked(table->epoch, &old->link);
    return true;
}

wg_code wg_table_create(bool is_edge, wg_epoch *epoch, wg_account *account, wg_table **out, wg_error *err) {
    WG_ASSERT(epoch != NULL);
    WG_ASSERT(out != NULL);
    wg_table *table = wg_alloc_zero(account, sizeof *table);
    wgi_columns *columns = columns_create(COLUMNS_FIRST, account);
    if (table == NULL || columns == NULL) {
        wg_free(table);
        wg_free(columns);
        return wg_error_nomem(err, sizeof *table + sizeof *columns);
    }
    table->is_edge = is_edge;
    table->epoch = epoch;
    table->account = account;
    atomic_init(&table->columns, columns);
    atomic_init(&table->row_count, 0);
    *out = table;
    return WG_OK;
}

void wg_table_destroy(wg_table *table) {
    if (table == NULL) return;
    for (uint32_t i = wg_slots_next(&table->fragments, 0); i != UINT32_MAX;
         i = wg_slots_next(&table->fragments, i + 1))
        wgi_fragment_destroy(wg_slots_get(&table->fragments, i));
    wg_slots_deinit(&table->fragments);
    wg_free(columns_of(table));
    wg_free(table);
}

wg_code wg_table_add_column(wg_table *table, uint32_t key, wg_type type, uint32_t *out_column, wg_error *err) {
    WG_ASSERT(out_column != NULL);
    if (wg_table_column_of(table, key) != UINT32_MAX)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "the table has a column for property %u", key);
    const uint32_t count = wg_table_column_count(table);
    if (count >= WG_TABLE_COLUMNS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a table has at most %d columns", WG_TABLE_COLUMNS_MAX);
    if (count == columns_of(table)->capacity && !columns_grow(table)) return wg_error_nomem(err, sizeof(wgi_columns));
    columns_push(columns_of(table), key, (uint8_t)type);
    *out_column = count;
    return WG_OK;
}

uint32_t wg_table_column_count(const wg_table *table) {
    return atomic_load_explicit(&columns_of(table)->count, memory_order_acquire);
}

uint32_t wg_table_column_of(const wg_table *table, uint32_t key) {
    const wgi_columns *c = columns_of(table);
    const uint32_t slots = 2 * c->capacity; /* at most half full, so the walk ends */
    for (uint32_t at = key_slot(key, slots);; at = (at + 1) & (slots - 1)) {
        const uint32_t entry = atomic_load_explicit(&c->map[at], memory_order_acquire);
        if (entry == 0) return UINT32_MAX;
        if (c->keys[entry - 1] == key) return entry - 1;
    }
}

uint32_t wg_table_column_key(const wg_table *table, uint32_t column) {
    WG_ASSERT(column < wg_table_column_count(table));
    return columns_of(table)->keys[column];
}

wg_type wg_table_column_type(const wg_table *table, uint32_t column) {
    WG_ASSERT(column < wg_table_column_count(table));
    return (wg_type)columns_of(table)->types[column];
}

/* ---- versions */

uint64_t wg_table_row_count(const wg_table *table) {
    return atomic_load_explicit(&table->row_count, memory_order_acquire);
}

/* Rows of the fragment of `row` that are published; writer only. */
static uint32_t rows_in_fragment(const wg_table *table, uint64_t row) {
    const uint64_t count = atomic_load_explicit(&table->row_count, memory_order_relaxed);
    WG_ASSERT(row < count);
    return (uint32_t)wg_min_u64(count - (row & ~(uint64_t)(WG_FRAGMENT_ROWS - 1)), WG_FRAGMENT_ROWS);
}

/* Row numbers come from the directory and from rows before, which may have been read from a file. */
static wg_code no_row(const wg_table *table, uint64_t row, wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a table of %llu rows is asked for row %llu",
                        (unsigned long long)wg_table_row_count(table), (unsigned long long)row);
}

wg_code wg_table_set_end(wg_table *table, uint64_t row, uint64_t end, uint64_t stamp, wg_error *err) {
    WG_ASSERT(row < atomic_load_explicit(&table->row_count, memory_order_relaxed));
    wgi_fragment *f = wgi_table_fragment(table, row);
    const uint32_t r = wgi_fragment_row(row);
    if (f == NULL) return no_row(table, row, err);
    /* relaxed: a reader whose snapshot covers `end` got that snapshot from the commit, which happens after this */
    if (wgi_fragment_is_mapped(f)) {
        WG_TRY(wgi_mapped_set_end(f, r, end, table->account, err));
    } else {
        wgi_fragment_use_ends(f, r);
        atomic_store_explicit(&f->ends[r], end, memory_order_relaxed);
    }
    if (stamp > atomic_load_explicit(&f->end_stamp, memory_order_relaxed))
        atomic_store_explicit(&f->end_stamp, stamp, memory_order_relaxed);
    return WG_OK;
}

/* Of the writer's own rows, up to the end of the fragment of the first; returns how many. relaxed: as in set_end */
static uint32_t begins_set(wg_table *table, uint64_t row, uint64_t count, uint64_t begin) {
    wgi_fragment *f = wgi_table_fragment(table, row);
    const uint32_t first = wgi_fragment_row(row);
    const uint32_t n = (uint32_t)wg_min_u64(count, WG_FRAGMENT_ROWS - first);
    WG_ASSERT(f != NULL && !wgi_fragment_is_mapped(f));
    WG_ASSERT(n <= rows_in_fragment(table, row) - first);
    for (uint32_t r = first; r < first + n; r++) atomic_store_explicit(&f->begins[r], begin, memory_order_relaxed);
    return n;
}

void wg_table_unbegin(wg_table *table, uint64_t row, uint64_t count) {
    for (uint64_t done = 0; done < count;) {
        wgi_fragment *f = wgi_table_fragment(table, row + done);
        wgi_fragment_use_begins(f, rows_in_fragment(table, row + done));
        atomic_store_explicit(&f->begin_max, WG_LOGSEQ_NEVER, memory_order_relaxed);
        done += begins_set(table, row + done, count - done, WG_LOGSEQ_NEVER);
    }
}

/* Where no begin stands for itself all rows of the fragment began alike: they are all the writer's own. */
void wg_table_stamp(wg_table *table, uint64_t row, uint64_t count, uint64_t logseq) {
    for (uint64_t done = 0; done < count;) {
        wgi_fragment *f = wgi_table_fragment(table, row + done);
        if (atomic_load_explicit(&f->begin_max, memory_order_relaxed) == WG_LOGSEQ_OWN)
            atomic_store_explicit(&f->begin_max, logseq, memory_order_relaxed);
        if ((atomic_load_explicit(&f->flags, memory_order_relaxed) & WGI_HAS_BEGINS) != 0) {
            done += begins_set(table, row + done, count - done, logseq);
            continue;
        }
        atomic_store_explicit(&f->begin_base, logseq, memory_order_relaxed);
        done += wg_min_u64(count - done, WG_FRAGMENT_ROWS - wgi_fragment_row(row + done));
    }
}

static void heap_head(const wgi_fragment *f, bool is_edge, uint32_t r, wg_row_head *out, uint64_t *out_end) {
    const uint32_t flags = wgi_fragment_flags(f);
    wg_row_head head = {.prev = WG_ROW_NONE};
    head.id = (flags & WGI_HAS_IDS) != 0 ? f->ids[r] : f->id_base + r;
    head.begin = wgi_fragment_begin(f, flags, r);
    if ((flags & WGI_HAS_PREVS) != 0) head.prev = f->prevs[r];
    if (is_edge) {
        const bool wide = (flags & WGI_HAS_WIDE) != 0;
        head.from = wide ? f->ends_of_edge_wide[0][r] : f->ends_of_edge[0][r];
        head.to = wide ? f->ends_of_edge_wide[1][r] : f->ends_of_edge[1][r];
    }
    *out = head;
    if (out_end != NULL) *out_end = wgi_fragment_end(f, flags, r);
}

wg_code wg_table_head(const wg_table *table, uint64_t row, wg_row_head *out, uint64_t *out_end, bool *out_found,
                      wg_error *err) {
    if (row >= wg_table_row_count(table)) return no_row(table, row, err);
    const wgi_fragment *f = wgi_table_fragment(table, row);
    const uint32_t r = wgi_fragment_row(row);
    if (f != NULL && wgi_fragment_is_mapped(f))
        return wgi_mapped_head(f, table->is_edge, r, out, out_end, out_found, err);
    if (f != NULL) heap_head(f, table->is_edge, r, out, out_end);
    *out_found = f != NULL;
    return WG_OK;
}

wg_code wg_table_cell(const wg_table *table, uint64_t row, uint32_t column, wg_arena *arena, wg_value *out,
                      wg_error *err) {
    WG_ASSERT(column < wg_table_column_count(table));
    if (row >= wg_table_row_count(table)) return no_row(table, row, err);
    const wgi_fragment *f = wgi_table_fragment(table, row);
    if (f != NULL && wgi_fragment_is_mapped(f)) return wgi_mapped_cell(table, f, row, column, arena, out, err);
    const wgi_block *block = f == NULL ? NULL : wg_slots_get(&f->columns, column);
    const uint32_t r = wgi_fragment_row(row);
    *out = wg_value_null();
    if (block == NULL || !wgi_block_is_valid(block, r)) return WG_OK;
    const wg_vector v = {.type = wg_table_column_type(table, column), .kind = WG_VECTOR_FLAT, .data = block->data};
    *out = wg_vector_value(&v, r);
    return WG_OK;
}
