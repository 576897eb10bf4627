/* Lists: rows of a column with repetition level 1, put together from entries.
 *
 *   entry    repetition level 0: the first of a row; 1: the next element of the same row
 *   level    of its definition: at least list_def: an element (null below max_def); list_def - 1: an empty list; lower: no list, null
 *
 * Entries are decoded as the rows of a flat column are, batch by batch, and a row may go on in the next page; therefore elements are copied: numbers
 * into the items of the batch, strings into its arena. Items grow while a batch is made, so rows remember where theirs begin and get their
 * pointers at the end. Where lists are long a batch has few rows.
 *
 * Failure modes: a chunk whose first entry continues a row, or that has more or fewer rows than its row group, is WG_E_CORRUPT; a batch of
 * more than ITEMS_MAX elements is WG_E_LIMIT, because a run of repeated levels makes elements out of no bytes. */
#include "format/parquet/parquet_internal.h"

enum { ITEMS_USUAL = 1 << 18, ITEMS_MAX = 1 << 24 };

void wgi_parquet_lists_init(wgi_parquet_lists *lists, wg_account *account) {
    memset(lists, 0, sizeof *lists);
    lists->cells.account = account;
    wg_arena_init(&lists->arena, account);
}

void wgi_parquet_lists_deinit(wgi_parquet_lists *lists) {
    wg_arena_deinit(&lists->arena);
    wg_free(lists->items);
    wg_free(lists->cells.data);
}

void wgi_parquet_lists_open(wgi_parquet_lists *lists, uint64_t rows, uint64_t entries) {
    const uint64_t usual = rows == 0 ? 1 : entries / rows + 1;
    lists->rows_left = rows;
    lists->entries_left = entries;
    lists->batch_rows = (uint32_t)wg_max_u64(1, wg_min_u64(WG_BATCH_ROWS_MAX, ITEMS_USUAL / usual));
    lists->entries = (wgi_parquet_entries){0};
}

/* True when there is an entry at hand, or in the pages that follow. */
static wg_code entry_ready(wg_parquet_reader *reader, wgi_parquet_lists *l, bool *out, wg_error *err) {
    if (l->entries.at == l->entries.count && l->entries_left > 0) {
        WG_TRY(wgi_parquet_entries_next(reader, &l->entries, err));
        l->entries_left -= l->entries.count;
    }
    *out = l->entries.at < l->entries.count;
    return WG_OK;
}

static wg_code item_add(wgi_parquet_lists *l, const wg_value *v, wg_error *err) {
    if (l->item_count == ITEMS_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "parquet: more than 2^24 elements in the lists of a batch");
    if (l->item_count == l->item_capacity) {
        const size_t capacity = l->item_capacity == 0 ? 1024 : l->item_capacity * 2;
        wg_value *items = wg_realloc(l->cells.account, l->items, capacity * sizeof *items);
        if (items == NULL) return wg_error_nomem(err, capacity * sizeof *items);
        l->items = items;
        l->item_capacity = capacity;
    }
    wg_value *to = &l->items[l->item_count++];
    return wg_value_copy(&l->arena, v, to) ? WG_OK : wg_error_nomem(err, v->size);
}

/* Takes the entries of one row; with `out` makes its list, whose pointer is still the number of its first item. */
static wg_code row_take(wg_parquet_reader *reader, wgi_parquet_lists *l, wg_value *out, wg_error *err) {
    const wg_parquet_column *column = wgi_parquet_reader_column(reader);
    bool ready = false;
    WG_TRY(entry_ready(reader, l, &ready, err));
    if (!ready || l->entries.reps[l->entries.at] != 0)
        return wgi_parquet_reader_corrupt(reader, "the lists are not as many as the row group's rows", err);
    const uint32_t first_def = l->entries.defs[l->entries.at];
    const size_t first = l->item_count;
    for (bool more = true; more;) {
        const wgi_parquet_entries *e = &l->entries;
        if (e->defs[e->at] >= column->list_def && out != NULL) {
            const wg_value v = wg_vector_value(&e->values, e->at);
            WG_TRY(item_add(l, &v, err));
        }
        l->entries.at++;
        WG_TRY(entry_ready(reader, l, &more, err));
        more = more && l->entries.reps[l->entries.at] != 0;
    }
    l->rows_left--;
    if (out == NULL) return WG_OK;
    *out = (wg_value){.type = WG_TYPE_NULL};
    if (first_def + 1u >= column->list_def)
        *out = (wg_value){.type = WG_TYPE_LIST, .size = (uint32_t)(l->item_count - first), .as.id = first};
    return WG_OK;
}

wg_code wgi_parquet_lists_next(wg_parquet_reader *reader, wgi_parquet_lists *l, uint32_t rows,
                               const wg_parquet_pick *pick, wg_vector *out, wg_error *err) {
    if (!wgi_parquet_scratch_ensure(&l->cells, WG_BATCH_ROWS_MAX * sizeof(wg_value)))
        return wg_error_nomem(err, rows);
    wg_value *cells = (wg_value *)(void *)l->cells.data;
    uint32_t n = 0;
    bool nulls = false;
    wg_arena_reset(&l->arena);
    l->item_count = 0;
    for (uint32_t row = 0; row < rows; row++) {
        const bool wanted = pick == NULL || (n < pick->count && pick->rows[n] == row);
        WG_TRY(row_take(reader, l, wanted ? &cells[n] : NULL, err));
        if (wanted) n++;
    }
    for (uint32_t i = 0; i < n; i++) {
        const bool null = cells[i].type == WG_TYPE_NULL;
        nulls |= null;
        if (null) wg_bit_clear(l->valid, i);
        else wg_bit_set(l->valid, i);
        if (!null) cells[i].as.list = l->items + cells[i].as.id;
    }
    *out = (wg_vector){.type = WG_TYPE_LIST, .kind = WG_VECTOR_FLAT, .data = cells, .valid = nulls ? l->valid : NULL};
    return WG_OK;
}

wg_code wgi_parquet_lists_skip(wg_parquet_reader *reader, wgi_parquet_lists *l, uint64_t rows, wg_error *err) {
    for (uint64_t row = 0; row < rows; row++) WG_TRY(row_take(reader, l, NULL, err));
    return WG_OK;
}
