/* Slots whose rows lie in a stripe.
 *
 * Stored rows stand in the order of their ordinals; when rows are missing (rolled back, or dropped by a compaction) a column
 * says the ordinal of each, and an ordinal is found by binary search. Newer `end`s of the same slot may stand in a second
 * fragment (part 1) with rows of its own, so `end`s are always looked up by ordinal: from the overlay when there is one,
 * else from part 1, else from the rows.
 *
 * Nothing is decoded when a slot is adopted: the footer gives the zone of `begin` and `end`, and most scans need no more to
 * know that all rows are visible. What the bytes say is checked where it is used: ordinals must ascend inside the slot,
 * columns must have the type of the table. Failures: WG_E_CORRUPT, and what the stripe says. */
#include "worldgraph/nodes/nodes_internal.h"

wg_code wgi_corrupt(const wg_fragment *fragment, const char *what, wg_error *err) {
    const wg_fragment_key *k = &fragment->head.key;
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "stored rows of table %u, slot %llu, part %u: %s", k->owner,
                        (unsigned long long)k->slot, k->part, what);
}

static wg_code part_open(const wg_fragment *fragment, wgi_part *out, wg_error *err) {
    out->fragment = fragment;
    if (fragment->head.row_count > WG_FRAGMENT_ROWS) return wgi_corrupt(fragment, "more rows than a slot has", err);
    for (uint32_t h = 0; h < WGI_HEAD_COUNT; h++) {
        const uint32_t at = wg_fragment_column_of(fragment, (uint32_t)WG_COLUMN_HEADS + h);
        out->heads[h] = at;
        if (at == UINT32_MAX) continue;
        if (fragment->columns[at].type != WG_TYPE_NODE || fragment->columns[at].null_count != 0)
            return wgi_corrupt(fragment, "a head column is not of whole numbers", err);
        if (fragment->head.row_count != 0 && !fragment->columns[at].has_zone)
            return wgi_corrupt(fragment, "a head column without bounds", err);
    }
    return WG_OK;
}

static const wg_fragment_column *head_column(const wgi_part *part, uint32_t head) {
    return part->heads[head] == UINT32_MAX ? NULL : &part->fragment->columns[part->heads[head]];
}

/* How many ordinals the rows stand for: what was written, or else up to the last row. */
static wg_code covered_of(const wgi_part *rows, uint32_t *out, wg_error *err) {
    const wg_fragment_head *head = &rows->fragment->head;
    const wg_fragment_column *row = head_column(rows, WGI_HEAD_ROW);
    uint64_t covered = head->row_count;
    if (head->row_count != 0 && row != NULL) covered = row->max.as.id + 1;
    covered = wg_max_u64(covered, head->attributes[0]);
    if (covered > WG_FRAGMENT_ROWS || covered < head->row_count)
        return wgi_corrupt(rows->fragment, "a row outside of the slot", err);
    *out = (uint32_t)covered;
    return WG_OK;
}

static wg_code mapped_open(wgi_fragment *f, bool is_edge, const wg_fragment *rows, const wg_fragment *ends,
                           wg_error *err) {
    WG_TRY(part_open(rows, &f->rows, err));
    const uint32_t *heads = f->rows.heads;
    if (heads[WGI_HEAD_ID] == UINT32_MAX || heads[WGI_HEAD_BEGIN] == UINT32_MAX)
        return wgi_corrupt(rows, "no ids or no begins", err);
    if (is_edge && (heads[WGI_HEAD_FROM] == UINT32_MAX || heads[WGI_HEAD_TO] == UINT32_MAX))
        return wgi_corrupt(rows, "no end points", err);
    WG_TRY(covered_of(&f->rows, &f->covered, err));
    /* Of the same version: part 1 was folded into the rows. */
    if (ends != NULL && ends->head.version > rows->head.version) WG_TRY(part_open(ends, &f->ends_part, err));
    const wg_fragment_column *begin = head_column(&f->rows, WGI_HEAD_BEGIN);
    const wg_fragment_column *end =
        head_column(f->ends_part.fragment != NULL ? &f->ends_part : &f->rows, WGI_HEAD_END);
    const bool empty = rows->head.row_count == 0; /* what a compaction leaves to hide older rows */
    atomic_init(&f->begin_max, empty ? 0 : begin->max.as.id);
    f->end_min = empty || end == NULL ? WG_LOGSEQ_NEVER : end->min.as.id;
    return WG_OK;
}

wg_code wgi_mapped_create(bool is_edge, const wg_fragment *rows, const wg_fragment *ends, wg_account *account,
                          wgi_fragment **out, wg_error *err) {
    wgi_fragment *f = wg_alloc_zero(account, sizeof *f);
    if (f == NULL) return wg_error_nomem(err, sizeof *f);
    atomic_init(&f->flags, 0);
    atomic_init(&f->overlay, NULL);
    atomic_init(&f->end_stamp, 0);
    wg_arena_init(&f->strings, account);
    const wg_code code = mapped_open(f, is_edge, rows, ends, err);
    if (code != WG_OK) {
        wg_free(f);
        return code;
    }
    *out = f;
    return WG_OK;
}

wg_code wgi_mapped_column(const wg_table *table, const wgi_fragment *f, uint32_t column, uint32_t *out,
                          wg_error *err) {
    const wg_fragment *rows = f->rows.fragment;
    const uint32_t at = wg_fragment_column_of(rows, column);
    if (at != UINT32_MAX && rows->columns[at].type != wgi_stored_type(wg_table_column_type(table, column)))
        return wgi_corrupt(rows, "a column of another type than in the table", err);
    *out = at;
    return WG_OK;
}

/* ---- ordinals and head columns */

/* First stored row whose ordinal is not below `ordinal`. */
static wg_code rank_of(const wgi_part *part, uint32_t ordinal, uint32_t *out, wg_error *err) {
    if (part->heads[WGI_HEAD_ROW] != UINT32_MAX)
        return wg_fragment_lower_bound(part->fragment, part->heads[WGI_HEAD_ROW], ordinal, out, err);
    const uint32_t count = part->fragment->head.row_count;
    *out = ordinal < count ? ordinal : count;
    return WG_OK;
}

wg_code wgi_part_span(const wgi_part *part, uint32_t first, uint32_t count, uint32_t *out_rank, uint32_t *out_count,
                      wg_error *err) {
    uint32_t from = 0;
    uint32_t to = 0;
    WG_TRY(rank_of(part, first, &from, err));
    WG_TRY(rank_of(part, first + count, &to, err));
    if (to < from || to - from > count) return wgi_corrupt(part->fragment, "rows out of order", err);
    *out_rank = from;
    *out_count = to - from;
    return WG_OK;
}

/* The stored row with this ordinal. */
static wg_code rank_find(const wgi_part *part, uint32_t ordinal, uint32_t *out, bool *out_found, wg_error *err) {
    uint32_t rank = 0;
    uint64_t there = ordinal;
    WG_TRY(rank_of(part, ordinal, &rank, err));
    const bool inside = rank < part->fragment->head.row_count;
    if (inside && part->heads[WGI_HEAD_ROW] != UINT32_MAX)
        WG_TRY(wg_fragment_u64(part->fragment, part->heads[WGI_HEAD_ROW], rank, &there, err));
    *out = rank;
    *out_found = inside && there == ordinal;
    return WG_OK;
}

void wgi_u64_scratch_init(wgi_u64_scratch *scratch, wg_account *account) {
    memset(&scratch->read, 0, sizeof scratch->read);
    scratch->read.account = account;
}

void wgi_u64_scratch_deinit(wgi_u64_scratch *scratch) { wg_fragment_scratch_deinit(&scratch->read); }

void wgi_ends_scratch_init(wgi_ends_scratch *scratch, wg_account *account) {
    wgi_u64_scratch_init(&scratch->cells, account);
    wgi_u64_scratch_init(&scratch->rows, account);
}

void wgi_ends_scratch_deinit(wgi_ends_scratch *scratch) {
    wgi_u64_scratch_deinit(&scratch->cells);
    wgi_u64_scratch_deinit(&scratch->rows);
}

wg_code wgi_part_u64s(const wgi_part *part, uint32_t head, uint32_t rank, uint32_t count, wgi_u64_scratch *scratch,
                      const uint64_t **out, wg_error *err) {
    wg_vector v;
    WG_TRY(wg_fragment_read(part->fragment, part->heads[head], rank, count, &scratch->read, &v, err));
    *out = v.data;
    return WG_OK;
}

wg_code wgi_part_ordinals(const wgi_part *part, uint32_t rank, uint32_t count, wgi_u64_scratch *scratch,
                          const uint64_t **out, wg_error *err) {
    const uint64_t *cells = scratch->made;
    if (part->heads[WGI_HEAD_ROW] == UINT32_MAX)
        for (uint32_t i = 0; i < count; i++) scratch->made[i] = rank + i;
    else WG_TRY(wgi_part_u64s(part, WGI_HEAD_ROW, rank, count, scratch, &cells, err));
    for (uint32_t i = 0; i < count; i++)
        if (cells[i] >= WG_FRAGMENT_ROWS || (i > 0 && cells[i] <= cells[i - 1]))
            return wgi_corrupt(part->fragment, "rows out of order", err);
    *out = cells;
    return WG_OK;
}

/* ---- `end`s */

static const wgi_part *ends_source(const wgi_fragment *f) {
    return f->ends_part.fragment != NULL ? &f->ends_part : &f->rows;
}

static wgi_patch *overlay_of(const wgi_fragment *f) {
    return atomic_load_explicit(&f->overlay, memory_order_acquire); /* pairs with wgi_mapped_set_end */
}

/* Stored `end`s of [first, first + count), scattered into the window. */
static wg_code ends_scatter(const wgi_part *part, uint32_t first, uint32_t count, wgi_ends_scratch *scratch,
                            wg_error *err) {
    const uint64_t *ends = NULL;
    const uint64_t *ordinals = NULL;
    uint32_t rank = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) scratch->window[i] = WG_LOGSEQ_NEVER;
    if (part->heads[WGI_HEAD_END] == UINT32_MAX) return WG_OK;
    WG_TRY(wgi_part_span(part, first, count, &rank, &n, err));
    if (n == 0) return WG_OK;
    WG_TRY(wgi_part_u64s(part, WGI_HEAD_END, rank, n, &scratch->cells, &ends, err));
    WG_TRY(wgi_part_ordinals(part, rank, n, &scratch->rows, &ordinals, err));
    for (uint32_t i = 0; i < n; i++) {
        if (ordinals[i] < first || ordinals[i] >= first + count)
            return wgi_corrupt(part->fragment, "rows out of order", err);
        scratch->window[ordinals[i] - first] = ends[i];
    }
    return WG_OK;
}

/* As wgi_mapped_ends, without the overlay. */
static wg_code ends_stored(const wgi_fragment *f, uint32_t first, uint32_t count, wgi_ends_scratch *scratch,
                           const uint64_t **out, wg_error *err) {
    const wgi_part *part = ends_source(f);
    const bool dense = part->heads[WGI_HEAD_END] != UINT32_MAX && part->heads[WGI_HEAD_ROW] == UINT32_MAX;
    if (dense && first + count <= part->fragment->head.row_count)
        return wgi_part_u64s(part, WGI_HEAD_END, first, count, &scratch->cells, out, err);
    *out = scratch->window;
    return ends_scatter(part, first, count, scratch, err);
}

/* The mapping is not written to. */
static void window_own(wgi_ends_scratch *scratch, uint32_t count, const uint64_t **cells) {
    if (*cells != scratch->window) memcpy(scratch->window, *cells, count * sizeof scratch->window[0]);
    *cells = scratch->window;
}

wg_code wgi_mapped_ends(const wgi_fragment *f, uint32_t first, uint32_t count, wgi_ends_scratch *scratch,
                        const uint64_t **out, wg_error *err) {
    const wgi_patch *overlay = overlay_of(f);
    WG_TRY(ends_stored(f, first, count, scratch, out, err));
    if (overlay == NULL) return WG_OK;
    window_own(scratch, count, out);
    wgi_patch_over(overlay, first, count, scratch->window);
    return WG_OK;
}

static wg_code end_of(const wgi_fragment *f, uint32_t row, uint64_t *out, wg_error *err) {
    const wgi_patch *overlay = overlay_of(f);
    const wgi_patch_page *page = overlay == NULL ? NULL : wgi_patch_page_of(overlay, row);
    const wgi_part *part = ends_source(f);
    uint32_t rank = 0;
    bool found = false;
    *out = WG_LOGSEQ_NEVER;
    if (page != NULL) {
        *out = atomic_load_explicit(&page->cells[row % WGI_PATCH_ROWS], memory_order_relaxed);
        return WG_OK;
    }
    if (part->heads[WGI_HEAD_END] == UINT32_MAX) return WG_OK;
    WG_TRY(rank_find(part, row, &rank, &found, err));
    return found ? wg_fragment_u64(part->fragment, part->heads[WGI_HEAD_END], rank, out, err) : WG_OK;
}

/* The page of `row`, made of the `end`s that are stored. */
static wg_code overlay_page(const wgi_fragment *f, wgi_patch *overlay, uint32_t row, wg_account *account,
                            wg_error *err) {
    const uint64_t *ends = NULL;
    wgi_ends_scratch *scratch = wg_alloc(account, sizeof *scratch);
    if (scratch == NULL) return wg_error_nomem(err, sizeof *scratch);
    wgi_ends_scratch_init(scratch, account);
    wg_code code = ends_stored(f, row / WGI_PATCH_ROWS * WGI_PATCH_ROWS, WGI_PATCH_ROWS, scratch, &ends, err);
    if (code == WG_OK && !wgi_patch_put(overlay, row / WGI_PATCH_ROWS, ends, account))
        code = wg_error_nomem(err, sizeof(wgi_patch_page));
    wgi_ends_scratch_deinit(scratch);
    wg_free(scratch);
    return code;
}

wg_code wgi_mapped_set_end(wgi_fragment *f, uint32_t row, uint64_t end, wg_account *account, wg_error *err) {
    wgi_patch *overlay = overlay_of(f);
    if (overlay == NULL) {
        overlay = wgi_patch_create(account);
        if (overlay == NULL) return wg_error_nomem(err, sizeof *overlay);
        atomic_store_explicit(&f->overlay, overlay, memory_order_release); /* pairs with overlay_of */
    }
    if (wgi_patch_page_of(overlay, row) == NULL) WG_TRY(overlay_page(f, overlay, row, account, err));
    atomic_store_explicit(&wgi_patch_page_of(overlay, row)->cells[row % WGI_PATCH_ROWS], end, memory_order_relaxed);
    return WG_OK;
}

/* ---- single rows */

static wg_code u64_at(const wgi_part *part, uint32_t head, uint32_t rank, uint64_t *out, wg_error *err) {
    if (part->heads[head] == UINT32_MAX) return WG_OK; /* *out has the default */
    return wg_fragment_u64(part->fragment, part->heads[head], rank, out, err);
}

wg_code wgi_mapped_head(const wgi_fragment *f, bool is_edge, uint32_t row, wg_row_head *out, uint64_t *out_end,
                        bool *out_found, wg_error *err) {
    const wgi_part *rows = &f->rows;
    wg_row_head head = {.prev = WG_ROW_NONE};
    uint64_t end = WG_LOGSEQ_NEVER;
    uint32_t rank = 0;
    bool found = false;
    WG_TRY(rank_find(rows, row, &rank, &found, err));
    if (found) {
        WG_TRY(u64_at(rows, WGI_HEAD_ID, rank, &head.id, err));
        WG_TRY(u64_at(rows, WGI_HEAD_BEGIN, rank, &head.begin, err));
        WG_TRY(u64_at(rows, WGI_HEAD_PREV, rank, &head.prev, err));
        if (is_edge) WG_TRY(u64_at(rows, WGI_HEAD_FROM, rank, &head.from, err));
        if (is_edge) WG_TRY(u64_at(rows, WGI_HEAD_TO, rank, &head.to, err));
        if (out_end != NULL) WG_TRY(end_of(f, row, &end, err));
        *out = head;
        if (out_end != NULL) *out_end = end;
    }
    *out_found = found;
    return WG_OK;
}

wg_code wgi_mapped_cell(const wg_table *table, const wgi_fragment *f, uint64_t row, uint32_t column, wg_arena *arena,
                        wg_value *out, wg_error *err) {
    uint32_t at = UINT32_MAX;
    uint32_t rank = 0;
    bool found = false;
    WG_TRY(wgi_mapped_column(table, f, column, &at, err));
    if (at != UINT32_MAX) WG_TRY(rank_find(&f->rows, wgi_fragment_row(row), &rank, &found, err));
    if (found) return wg_fragment_cell(f->rows.fragment, at, rank, arena, out, err);
    *out = wg_value_null();
    return WG_OK;
}

/* ---- what the footer knows */

bool wg_table_zone(const wg_table *table, uint64_t row, uint32_t column, wg_value *out_min, wg_value *out_max,
                   bool *out_has_null) {
    const wgi_fragment *f = wgi_table_fragment(table, row);
    uint32_t at = UINT32_MAX;
    if (f == NULL || !wgi_fragment_is_mapped(f)) return false;
    if (wgi_mapped_column(table, f, column, &at, NULL) != WG_OK || at == UINT32_MAX) return false;
    const wg_fragment_column *c = &f->rows.fragment->columns[at];
    if (!c->has_zone) return false;
    *out_min = c->min;
    *out_max = c->max;
    *out_has_null = c->null_count != 0;
    return true;
}

enum { SCAN_IDS_MAX = 64 };

static uint32_t stored_id(uint32_t column) {
    return column == WG_TABLE_FROM ? WG_COLUMN_FROM : column == WG_TABLE_TO ? WG_COLUMN_TO : column;
}

/* Ids of the blocks that a scan of these table columns reads; 0: too many to list, so all. */
static uint32_t scan_ids(const uint32_t *columns, uint32_t column_count, uint32_t ids[SCAN_IDS_MAX]) {
    static const uint32_t always[] = {WG_COLUMN_ROW, WG_COLUMN_ID, WG_COLUMN_BEGIN, WG_COLUMN_END};
    const uint32_t always_count = sizeof always / sizeof always[0];
    if (column_count > SCAN_IDS_MAX - always_count) return 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < column_count; i++)
        if (columns[i] != UINT32_MAX) ids[n++] = stored_id(columns[i]);
    for (uint32_t i = 0; i < always_count; i++) ids[n++] = always[i];
    return n;
}

wg_code wg_table_require(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count,
                         wg_speed_lane lane, wg_error *err) {
    const wgi_fragment *f = wgi_table_fragment(table, row);
    uint32_t ids[SCAN_IDS_MAX];
    if (lane == WG_SPEED_LANE_ANY || f == NULL || !wgi_fragment_is_mapped(f)) return WG_OK;
    if (f->ends_part.fragment != NULL) WG_TRY(wg_fragment_require(f->ends_part.fragment, NULL, 0, lane, err));
    const uint32_t n = scan_ids(columns, column_count, ids);
    return wg_fragment_require(f->rows.fragment, n == 0 ? NULL : ids, n, lane, err);
}

void wg_table_prefetch(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count) {
    const wgi_fragment *f = wgi_table_fragment(table, row);
    uint32_t ids[SCAN_IDS_MAX];
    if (f == NULL || !wgi_fragment_is_mapped(f)) return;
    if (f->ends_part.fragment != NULL) wg_fragment_prefetch(f->ends_part.fragment, NULL, 0);
    const uint32_t n = scan_ids(columns, column_count, ids);
    wg_fragment_prefetch(f->rows.fragment, n == 0 ? NULL : ids, n);
}

void wg_table_cool(const wg_table *table, uint64_t row, const uint32_t *columns, uint32_t column_count) {
    const wgi_fragment *f = wgi_table_fragment(table, row);
    if (f == NULL || !wgi_fragment_is_mapped(f)) return;
    for (uint32_t i = 0; i < column_count; i++) {
        const uint32_t id = stored_id(columns[i]);
        wg_fragment_cool(f->rows.fragment, &id, 1);
    }
}
