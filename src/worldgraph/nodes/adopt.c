/* Slots that change sides: from the heap to a mapping after a checkpoint or a compaction, and from a mapped tail back to the
 * heap when rows are appended to it.
 *
 * Readers run beside it: a slot's pointer is replaced with release, what it pointed to is retired to the epoch. A slot stays
 * in the heap while it holds what its stored fragments do not: rows beyond those that they cover, or `end`s set after them.
 * The overlay of a mapped slot follows the same rule. What the fragments hold is known by their versions, so a caller that
 * says a later logseq than they show loses nothing. */
#include "worldgraph/nodes/nodes_internal.h"

/* ---- adopting */

static uint32_t rows_in_slot(const wg_table *table, uint64_t slot) {
    const uint64_t count = atomic_load_explicit(&table->row_count, memory_order_relaxed);
    const uint64_t first = slot << WGI_FRAGMENT_SHIFT;
    return count <= first ? 0 : (uint32_t)wg_min_u64(count - first, WG_FRAGMENT_ROWS);
}

/* The logseq up to which the slot's stored fragments hold every `end`. */
static uint64_t stored_until(const wgi_fragment *f, uint64_t until) {
    uint64_t version = f->rows.fragment->head.version;
    if (f->ends_part.fragment != NULL) version = wg_max_u64(version, f->ends_part.fragment->head.version);
    return wg_min_u64(version, until);
}

static uint64_t end_stamp(const wgi_fragment *f) {
    return atomic_load_explicit(&f->end_stamp, memory_order_relaxed); /* set by the same writer */
}

static void overlay_carry(const wgi_fragment *from, wgi_fragment *to) {
    atomic_store_explicit(&to->overlay, atomic_load_explicit(&from->overlay, memory_order_relaxed),
                          memory_order_relaxed); /* published with the slot's pointer */
    atomic_store_explicit(&to->end_stamp, end_stamp(from), memory_order_relaxed);
}

static wg_code slot_check(const wg_fragment *rows, wg_error *err) {
    if (rows->head.key.slot < WGI_SLOTS_MAX) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored rows of table %u: slot %llu is out of range",
                        rows->head.key.owner, (unsigned long long)rows->head.key.slot);
}

wg_code wg_table_adopt(wg_table *table, const wg_fragment *rows, const wg_fragment *ends, uint64_t until,
                       wg_error *err) {
    WG_ASSERT(rows != NULL && rows->head.key.kind == WG_KIND_ROWS && rows->head.key.part == 0);
    WG_TRY(slot_check(rows, err));
    const uint32_t slot = (uint32_t)rows->head.key.slot;
    wgi_fragment *f = NULL;
    WG_TRY(wgi_mapped_create(table->is_edge, rows, ends, table->account, &f, err));
    wgi_fragment *old = wg_slots_get(&table->fragments, slot);
    const bool changed = old != NULL && end_stamp(old) > stored_until(f, until);
    if (old != NULL && !wgi_fragment_is_mapped(old) && (changed || rows_in_slot(table, slot) > f->covered)) {
        old->covered = f->covered;
        wgi_fragment_destroy(f);
        return WG_OK;
    }
    if (!wg_slots_reserve(&table->fragments, slot, table->account)) {
        wgi_fragment_destroy(f);
        return wg_error_nomem(err, sizeof(wg_slots));
    }
    if (changed) overlay_carry(old, f);
    wg_slots_set(&table->fragments, slot, f);
    wgi_fragment_retire(old, !changed, table->epoch);
    const uint64_t end = ((uint64_t)slot << WGI_FRAGMENT_SHIFT) + f->covered;
    if (end > atomic_load_explicit(&table->row_count, memory_order_relaxed))
        atomic_store_explicit(&table->row_count, end, memory_order_release); /* pairs with wg_table_row_count */
    return WG_OK;
}

wg_code wg_table_adopt_count(wg_table *table, uint64_t row_count, wg_error *err) {
    if (row_count > (uint64_t)WGI_SLOTS_MAX << WGI_FRAGMENT_SHIFT)
        return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a stored table of %llu rows",
                            (unsigned long long)row_count);
    if (row_count > atomic_load_explicit(&table->row_count, memory_order_relaxed))
        atomic_store_explicit(&table->row_count, row_count, memory_order_release); /* pairs with wg_table_row_count */
    return WG_OK;
}

wg_code wg_table_adopt_empty(wg_table *table, uint64_t slot, uint64_t until, wg_error *err) {
    (void)err;
    wgi_fragment *old = slot < WGI_SLOTS_MAX ? wg_slots_get(&table->fragments, (uint32_t)slot) : NULL;
    if (old == NULL) return WG_OK;
    const bool in_heap = !wgi_fragment_is_mapped(old);
    if (in_heap && (rows_in_slot(table, slot) > old->covered || end_stamp(old) > until)) {
        old->covered = 0; /* nothing of it is stored any more: the next checkpoint writes it whole */
        return WG_OK;
    }
    wg_slots_set(&table->fragments, (uint32_t)slot, NULL);
    wgi_fragment_retire(old, true, table->epoch);
    return WG_OK;
}

/* No checkpoint reads such a slot meanwhile: it began behind the last commit. */
static void drop_undone(wg_table *table, uint32_t slot) {
    wgi_fragment *f = wg_slots_get(&table->fragments, slot);
    if (f == NULL || wgi_fragment_is_mapped(f) || rows_in_slot(table, slot) < WG_FRAGMENT_ROWS) return;
    const uint32_t flags = wgi_fragment_flags(f);
    for (uint32_t r = 0; r < WG_FRAGMENT_ROWS; r++)
        if (wgi_fragment_begin(f, flags, r) != WG_LOGSEQ_NEVER) return;
    wg_slots_set(&table->fragments, slot, NULL);
    wgi_fragment_retire(f, true, table->epoch);
}

void wg_table_drop_undone(wg_table *table, uint64_t first, uint64_t count) {
    const uint64_t end = first + count;
    for (uint64_t slot = (first + WG_FRAGMENT_ROWS - 1) >> WGI_FRAGMENT_SHIFT; slot << WGI_FRAGMENT_SHIFT < end;
         slot++)
        drop_undone(table, (uint32_t)slot);
}

/* ---- thawing: a heap fragment with the rows of a mapped one. Everything is at its ordinal; what is not there is a gap. */

typedef struct thaw {
    const wg_table *table;
    const wgi_fragment *from;
    wgi_fragment *to;
    uint32_t rows; /* ordinals */
    wgi_u64_scratch ordinals;
    wgi_u64_scratch cells;
    wgi_ends_scratch ends;
    wg_fragment_scratch column;
} thaw;

/* Stored rows [rank, rank + count) and their ordinals. */
typedef struct thaw_window {
    uint32_t rank;
    uint32_t count;
    const uint64_t *ordinals;
} thaw_window;

static wg_code thaw_u64s(thaw *t, const thaw_window *w, uint32_t head, uint64_t *out, wg_error *err) {
    const uint64_t *cells = NULL;
    if (t->from->rows.heads[head] == UINT32_MAX) return WG_OK;
    WG_TRY(wgi_part_u64s(&t->from->rows, head, w->rank, w->count, &t->cells, &cells, err));
    for (uint32_t i = 0; i < w->count; i++) out[w->ordinals[i]] = cells[i];
    return WG_OK;
}

static wg_code thaw_begins(thaw *t, const thaw_window *w, wg_error *err) {
    const uint64_t *cells = NULL;
    wgi_fragment *f = t->to;
    WG_TRY(wgi_part_u64s(&t->from->rows, WGI_HEAD_BEGIN, w->rank, w->count, &t->cells, &cells, err));
    for (uint32_t i = 0; i < w->count; i++)
        atomic_store_explicit(&f->begins[w->ordinals[i]], cells[i], memory_order_relaxed);
    return WG_OK;
}

static wg_code thaw_heads(thaw *t, const thaw_window *w, wg_error *err) {
    WG_TRY(thaw_u64s(t, w, WGI_HEAD_ID, t->to->ids, err));
    WG_TRY(thaw_begins(t, w, err));
    WG_TRY(thaw_u64s(t, w, WGI_HEAD_PREV, t->to->prevs, err));
    if (!t->table->is_edge) return WG_OK;
    WG_TRY(thaw_u64s(t, w, WGI_HEAD_FROM, t->to->ends_of_edge_wide[0], err));
    return thaw_u64s(t, w, WGI_HEAD_TO, t->to->ends_of_edge_wide[1], err);
}

static wg_code thaw_cells(thaw *t, const thaw_window *w, uint32_t column, uint32_t at, wg_error *err) {
    const wg_type type = wg_table_column_type(t->table, column);
    wgi_block *block = wg_slots_get(&t->to->columns, column);
    wg_vector v;
    WG_TRY(wg_fragment_read(t->from->rows.fragment, at, w->rank, w->count, &t->column, &v, err));
    if (v.type == WG_TYPE_ANY) v.type = type;
    for (uint32_t i = 0; i < w->count; i++) {
        const wg_value value = wg_vector_value(&v, i);
        if (value.type == WG_TYPE_NULL) continue; /* as the block was made */
        if (type != WG_TYPE_ANY && value.type != type)
            return wgi_corrupt(t->from->rows.fragment, "a value of another type than its column", err);
        if (!wgi_cell_store(t->to, block, type, (uint32_t)w->ordinals[i], &value))
            return wg_error_nomem(err, value.size);
    }
    return WG_OK;
}

static wg_code thaw_window_of(thaw *t, uint32_t rank, thaw_window *out, wg_error *err) {
    const wgi_part *part = &t->from->rows;
    const uint32_t left = part->fragment->head.row_count - rank;
    *out = (thaw_window){.rank = rank, .count = left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX};
    WG_TRY(wgi_part_ordinals(part, rank, out->count, &t->ordinals, &out->ordinals, err));
    if (out->ordinals[out->count - 1] >= t->rows)
        return wgi_corrupt(part->fragment, "more rows than the table has", err);
    return WG_OK;
}

static wg_code thaw_column(thaw *t, uint32_t column, wg_error *err) {
    uint32_t at = UINT32_MAX;
    const wg_fragment *rows = t->from->rows.fragment;
    wg_account *account = t->table->account;
    WG_TRY(wgi_mapped_column(t->table, t->from, column, &at, err));
    if (at == UINT32_MAX) return WG_OK;
    if (!wg_slots_reserve(&t->to->columns, column, account)) return wg_error_nomem(err, sizeof(wg_slots));
    const size_t cell_bytes = wg_physical_bytes(wg_type_physical(wg_table_column_type(t->table, column)));
    wgi_block *block = wgi_block_create(t->rows, cell_bytes, account);
    if (block == NULL) return wg_error_nomem(err, sizeof *block);
    const bool whole = rows->head.row_count == t->rows && rows->columns[at].null_count == 0;
    atomic_store_explicit(&block->has_null, !whole, memory_order_relaxed);
    wg_slots_set(&t->to->columns, column, block);
    for (uint32_t rank = 0; rank < rows->head.row_count;) {
        thaw_window w;
        WG_TRY(thaw_window_of(t, rank, &w, err));
        WG_TRY(thaw_cells(t, &w, column, at, err));
        rank += w.count;
    }
    return WG_OK;
}

static wg_code thaw_ends(thaw *t, wg_error *err) {
    for (uint32_t first = 0; first < t->rows; first += WG_BATCH_ROWS_MAX) {
        const uint64_t *ends = NULL;
        const uint32_t left = t->rows - first;
        const uint32_t count = left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX;
        WG_TRY(wgi_mapped_ends(t->from, first, count, &t->ends, &ends, err));
        for (uint32_t i = 0; i < count; i++) {
            if (ends[i] == WG_LOGSEQ_NEVER) continue;
            wgi_fragment_use_ends(t->to, first + i);
            atomic_store_explicit(&t->to->ends[first + i], ends[i], memory_order_relaxed);
        }
    }
    return WG_OK;
}

static void thaw_prepare(thaw *t) {
    wgi_fragment *f = t->to;
    wgi_fragment_gap(f, t->rows);
    if (t->from->rows.heads[WGI_HEAD_PREV] != UINT32_MAX) wgi_fragment_use_prevs(f, t->rows);
    if (t->table->is_edge) wgi_fragment_use_wide(f, t->rows);
}

static wg_code thaw_all(thaw *t, wg_error *err) {
    const wg_fragment *rows = t->from->rows.fragment;
    const uint32_t columns = wg_table_column_count(t->table);
    thaw_prepare(t);
    for (uint32_t rank = 0; rank < rows->head.row_count;) {
        thaw_window w;
        WG_TRY(thaw_window_of(t, rank, &w, err));
        WG_TRY(thaw_heads(t, &w, err));
        rank += w.count;
    }
    for (uint32_t c = 0; c < columns; c++) WG_TRY(thaw_column(t, c, err));
    WG_TRY(thaw_ends(t, err));
    uint64_t begin_max = 0;
    for (uint32_t r = 0; r < t->rows; r++)
        begin_max = wg_max_u64(begin_max, atomic_load_explicit(&t->to->begins[r], memory_order_relaxed));
    atomic_store_explicit(&t->to->begin_max, begin_max, memory_order_relaxed);
    t->to->covered = t->from->covered;
    atomic_store_explicit(&t->to->end_stamp, end_stamp(t->from), memory_order_relaxed);
    return WG_OK;
}

wg_code wgi_mapped_thaw(const wg_table *table, const wgi_fragment *f, uint32_t rows, wgi_fragment **out,
                        wg_error *err) {
    thaw *t = wg_alloc(table->account, sizeof *t);
    wgi_fragment *to = wgi_fragment_create(table->is_edge, table->account);
    wg_code code = t == NULL || to == NULL ? wg_error_nomem(err, sizeof *to) : WG_OK;
    if (code == WG_OK) {
        t->table = table;
        t->from = f;
        t->to = to;
        t->rows = rows;
        wgi_u64_scratch_init(&t->ordinals, table->account);
        wgi_u64_scratch_init(&t->cells, table->account);
        wgi_ends_scratch_init(&t->ends, table->account);
        memset(&t->column, 0, sizeof t->column);
        t->column.account = table->account;
        code = thaw_all(t, err);
        wgi_u64_scratch_deinit(&t->ordinals);
        wgi_u64_scratch_deinit(&t->cells);
        wgi_ends_scratch_deinit(&t->ends);
        wg_fragment_scratch_deinit(&t->column);
    }
    wg_free(t);
    if (code != WG_OK) wgi_fragment_destroy(to);
    else *out = to;
    return code;
}
