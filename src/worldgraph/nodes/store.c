/* What a checkpoint writes of a table: for each slot that got rows, all of its rows (part 0); for one whose rows are stored but
 * where versions ended since, its `end`s alone (part 1).
 *
 * It runs beside the writer: rows below the captured count are complete and their cells do not move; `begin`, `end` and
 * validity are read with atomics into copies. Rows that were rolled back are left out, which makes the slot sparse; an `end`
 * that is above the checkpoint is written as NEVER. Cells of a slot without such rows go to the sink in place. */
#include "worldgraph/nodes/nodes_internal.h"

typedef struct slot_buffers {
    uint64_t rows[WG_FRAGMENT_ROWS];
    uint64_t ids[WG_FRAGMENT_ROWS];
    uint64_t begins[WG_FRAGMENT_ROWS];
    uint64_t ends[WG_FRAGMENT_ROWS];
    uint64_t prevs[WG_FRAGMENT_ROWS];
    uint64_t points[2][WG_FRAGMENT_ROWS];
    uint64_t valid[WG_FRAGMENT_ROWS / 64];
} slot_buffers;

/* One slot on its way out. */
typedef struct slot_pass {
    const wg_table *table;
    const wg_store_pass *pass;
    const wgi_fragment *fragment;
    uint64_t slot;
    uint32_t rows; /* ordinals [0, rows) are looked at */
    uint32_t kept; /* of them, those that are written: buffers->rows says which */
    slot_buffers *buffers;
    wgi_ends_scratch *scratch;
    wg_arena arena; /* of one slot */
    wg_stripe_column *columns;
    uint32_t column_count;
} slot_pass;

static void column_push(slot_pass *s, uint32_t id, wg_vector v) {
    s->columns[s->column_count++] = (wg_stripe_column){.id = id, .vector = v};
}

static void u64s_push(slot_pass *s, uint32_t id, const uint64_t *cells) {
    column_push(s, id, (wg_vector){.type = WG_TYPE_NODE, .kind = WG_VECTOR_FLAT, .data = cells});
}

static bool all_equal(const uint64_t *cells, uint32_t count, uint64_t value) {
    for (uint32_t i = 0; i < count; i++)
        if (cells[i] != value) return false;
    return true;
}

static wg_code slot_add(slot_pass *s, uint32_t part, wg_error *err) {
    const wg_fragment_head head = {
        .key = {.kind = WG_KIND_ROWS, .owner = s->pass->owner, .slot = s->slot, .part = part},
        .version = s->pass->until,
        .row_count = s->kept,
        .attributes = {s->rows}};
    return wg_stripe_sink_add(s->pass->sink, &head, s->columns, s->column_count, err);
}

/* Ordinals of the rows that were not rolled back. */
static void rows_keep(slot_pass *s) {
    const uint32_t flags = wgi_fragment_flags(s->fragment);
    s->kept = 0;
    for (uint32_t r = 0; r < s->rows; r++) {
        s->buffers->rows[s->kept] = r;
        s->kept += wgi_fragment_begin(s->fragment, flags, r) != WG_LOGSEQ_NEVER;
    }
}

static bool is_sparse(const slot_pass *s) { return s->kept != s->rows; }

/* ---- columns of the table */

/* Moves the cells of the rows that are kept together; NULL when out of memory. */
static const void *cells_gather(slot_pass *s, const uint8_t *cells, size_t bytes) {
    uint8_t *out = wg_arena_alloc(&s->arena, s->kept * bytes + 1);
    if (out == NULL) return NULL;
    for (uint32_t i = 0; i < s->kept; i++) memcpy(out + i * bytes, cells + s->buffers->rows[i] * bytes, bytes);
    return out;
}

/* Validity of the rows that are kept; returns how many are present. */
static uint32_t valid_gather(slot_pass *s, const wgi_block *block, uint64_t *out) {
    uint32_t present = 0;
    memset(out, 0, WG_FRAGMENT_ROWS / 8);
    for (uint32_t i = 0; i < s->kept; i++) {
        const uint64_t bit = wgi_block_is_valid(block, (uint32_t)s->buffers->rows[i]);
        out[i / 64] |= bit << (i % 64);
        present += (uint32_t)bit;
    }
    return present;
}

static wg_code cells_push(slot_pass *s, uint32_t column, const wgi_block *block, wg_error *err) {
    const wg_type type = wg_table_column_type(s->table, column);
    const size_t bytes = wg_physical_bytes(wg_type_physical(type));
    wg_vector v = {.type = wgi_stored_type(type), .kind = WG_VECTOR_FLAT, .data = block->data};
    const bool has_null = atomic_load_explicit(&block->has_null, memory_order_relaxed);
    const uint32_t present = has_null ? valid_gather(s, block, s->buffers->valid) : s->kept;
    if (present == 0) return WG_OK;
    if (present != s->kept) {
        v.valid = wg_arena_copy(&s->arena, s->buffers->valid, WG_FRAGMENT_ROWS / 8);
        if (v.valid == NULL) return wg_error_nomem(err, WG_FRAGMENT_ROWS / 8);
    }
    if (is_sparse(s)) v.data = cells_gather(s, block->data, bytes);
    if (v.data == NULL) return wg_error_nomem(err, s->kept * bytes);
    column_push(s, column, v);
    return WG_OK;
}

static wg_code table_columns_push(slot_pass *s, wg_error *err) {
    const uint32_t count = wg_table_column_count(s->table);
    s->columns = wg_arena_alloc(&s->arena, (count + (size_t)WGI_HEAD_COUNT) * sizeof *s->columns);
    if (s->columns == NULL) return wg_error_nomem(err, count * sizeof *s->columns);
    s->column_count = 0;
    for (uint32_t c = 0; c < count; c++) {
        const wgi_block *block = wg_slots_get(&s->fragment->columns, c);
        if (block != NULL) WG_TRY(cells_push(s, c, block, err));
    }
    return WG_OK;
}

/* ---- heads */

/* Fills buffers->ends for the rows that are kept. */
static void heap_ends_fill(slot_pass *s, uint32_t flags) {
    for (uint32_t i = 0; i < s->kept; i++) {
        const uint64_t end = wgi_fragment_end(s->fragment, flags, (uint32_t)s->buffers->rows[i]);
        s->buffers->ends[i] = end > s->pass->until ? WG_LOGSEQ_NEVER : end;
    }
}

static void points_push(slot_pass *s, uint32_t flags) {
    const wgi_fragment *f = s->fragment;
    for (uint32_t side = 0; side < 2; side++) {
        uint64_t *out = s->buffers->points[side];
        for (uint32_t i = 0; i < s->kept; i++) {
            const uint64_t r = s->buffers->rows[i];
            out[i] = (flags & WGI_HAS_WIDE) != 0 ? f->ends_of_edge_wide[side][r] : f->ends_of_edge[side][r];
        }
        u64s_push(s, side == 0 ? WG_COLUMN_FROM : WG_COLUMN_TO, out);
    }
}

static void heads_push(slot_pass *s) {
    const wgi_fragment *f = s->fragment;
    slot_buffers *b = s->buffers;
    const uint32_t flags = wgi_fragment_flags(f);
    for (uint32_t i = 0; i < s->kept; i++) {
        const uint32_t r = (uint32_t)b->rows[i];
        b->ids[i] = (flags & WGI_HAS_IDS) != 0 ? f->ids[r] : f->id_base + r;
        b->begins[i] = wgi_fragment_begin(f, flags, r);
        b->prevs[i] = (flags & WGI_HAS_PREVS) != 0 ? f->prevs[r] : WG_ROW_NONE;
    }
    heap_ends_fill(s, flags);
    if (is_sparse(s)) u64s_push(s, WG_COLUMN_ROW, b->rows);
    u64s_push(s, WG_COLUMN_ID, b->ids);
    u64s_push(s, WG_COLUMN_BEGIN, b->begins);
    if (!all_equal(b->ends, s->kept, WG_LOGSEQ_NEVER)) u64s_push(s, WG_COLUMN_END, b->ends);
    if (!all_equal(b->prevs, s->kept, WG_ROW_NONE)) u64s_push(s, WG_COLUMN_PREV, b->prevs);
    if (s->table->is_edge) points_push(s, flags);
}

static wg_code rows_store(slot_pass *s, wg_error *err) {
    rows_keep(s);
    if (s->kept == 0) return WG_OK;
    WG_TRY(table_columns_push(s, err));
    heads_push(s);
    return slot_add(s, 0, err);
}

/* ---- `end`s alone */

static wg_code ends_push(slot_pass *s, bool sparse, wg_error *err) {
    wg_stripe_column columns[2];
    s->columns = columns;
    s->column_count = 0;
    if (sparse) u64s_push(s, WG_COLUMN_ROW, s->buffers->rows);
    u64s_push(s, WG_COLUMN_END, s->buffers->ends);
    return slot_add(s, 1, err);
}

static wg_code heap_ends_store(slot_pass *s, wg_error *err) {
    rows_keep(s);
    if (s->kept == 0) return WG_OK;
    heap_ends_fill(s, wgi_fragment_flags(s->fragment));
    return ends_push(s, is_sparse(s), err);
}

/* The `end`s of a window first: their scratch is free again when the ordinals are read. */
static wg_code mapped_ends_store(slot_pass *s, wg_error *err) {
    const wgi_part *part = &s->fragment->rows;
    s->kept = part->fragment->head.row_count;
    for (uint32_t first = 0; first < s->fragment->covered; first += WG_BATCH_ROWS_MAX) {
        const uint64_t *ends = NULL;
        const uint64_t *ordinals = NULL;
        uint32_t rank = 0;
        uint32_t count = 0;
        const uint32_t left = s->fragment->covered - first;
        const uint32_t window = left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX;
        WG_TRY(wgi_part_span(part, first, window, &rank, &count, err));
        if (count == 0) continue;
        WG_TRY(wgi_mapped_ends(s->fragment, first, window, s->scratch, &ends, err));
        WG_TRY(wgi_part_ordinals(part, rank, count, &s->scratch->rows, &ordinals, err));
        for (uint32_t i = 0; i < count; i++) {
            if (ordinals[i] < first || ordinals[i] - first >= window)
                return wgi_corrupt(part->fragment, "rows out of order", err);
            const uint64_t end = ends[ordinals[i] - first];
            s->buffers->rows[rank + i] = ordinals[i];
            s->buffers->ends[rank + i] = end > s->pass->until ? WG_LOGSEQ_NEVER : end;
        }
    }
    s->rows = s->fragment->covered;
    return s->kept == 0 ? WG_OK : ends_push(s, part->heads[WGI_HEAD_ROW] != UINT32_MAX, err);
}

/* ---- all slots */

static wg_code slot_store(slot_pass *s, wg_error *err) {
    const wgi_fragment *f = s->fragment;
    const bool ended = atomic_load_explicit(&f->end_stamp, memory_order_relaxed) > s->pass->since;
    if (!wgi_fragment_is_mapped(f)) {
        if (s->rows > f->covered) return rows_store(s, err);
        return ended ? heap_ends_store(s, err) : WG_OK;
    }
    const bool changed = atomic_load_explicit(&f->overlay, memory_order_acquire) != NULL;
    return ended && changed ? mapped_ends_store(s, err) : WG_OK;
}

wg_code wg_table_store(const wg_table *table, const wg_store_pass *pass, wg_error *err) {
    slot_pass s = {.table = table, .pass = pass, .slot = pass->row_first >> WGI_FRAGMENT_SHIFT};
    wg_code code = WG_OK;
    s.buffers = wg_alloc(table->account, sizeof *s.buffers);
    s.scratch = wg_alloc(table->account, sizeof *s.scratch);
    if (s.buffers == NULL || s.scratch == NULL) {
        wg_free(s.buffers);
        wg_free(s.scratch);
        return wg_error_nomem(err, sizeof *s.buffers);
    }
    wgi_ends_scratch_init(s.scratch, table->account);
    wg_arena_init(&s.arena, table->account);
    for (; code == WG_OK && s.slot << WGI_FRAGMENT_SHIFT < pass->row_count; s.slot++) {
        const uint64_t first = s.slot << WGI_FRAGMENT_SHIFT;
        s.fragment = wgi_table_fragment(table, first);
        s.rows = (uint32_t)wg_min_u64(pass->row_count - first, WG_FRAGMENT_ROWS);
        if (s.fragment == NULL) continue;
        code = slot_store(&s, err);
        wg_arena_reset(&s.arena);
    }
    wg_arena_deinit(&s.arena);
    wgi_ends_scratch_deinit(s.scratch);
    wg_free(s.scratch);
    wg_free(s.buffers);
    return code;
}
