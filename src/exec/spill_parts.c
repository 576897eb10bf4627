/* Rows dealt into parts by a hash of their keys: what makes of one join or aggregation that does not fit into memory many that do.
 *
 * All rows with equal keys go to one part. The rows that are added at a time become one block a part, so nothing is kept in memory; the blocks
 * of a part, one after the other, hold its rows in the order in which they were added. Parts that are still too large are dealt again by the
 * next bits of the hash, WGI_PART_LEVELS levels at most.
 *
 * Failure modes: those of spill.c. */
#include "exec/spill.h"

wg_code wgi_parts_like(const wgi_parts *parts, uint32_t level, wgi_parts *out, wg_error *err) {
    wgi_parts fresh = {.context = parts->context,
                       .types = parts->types,
                       .column_count = parts->column_count,
                       .key_first = parts->key_first,
                       .key_count = parts->key_count,
                       .level = level,
                       .user = parts->user,
                       .file = parts->file};
    if (fresh.file != NULL && level == parts->level) wgi_spill_acquire(fresh.file);
    else WG_TRY(wgi_spill_create(parts->context, parts->user, &fresh.file, err));
    *out = fresh;
    return WG_OK;
}

void wgi_parts_deinit(wgi_parts *parts) {
    wgi_spill_release(parts->file);
    wg_free(parts->pieces);
    *parts = (wgi_parts){0};
}

static wg_code reserve(wgi_parts *parts, uint32_t more, wg_error *err) {
    if (parts->count + more <= parts->capacity) return WG_OK;
    const uint32_t capacity = parts->count + more + parts->capacity;
    wgi_part_piece *grown = wg_realloc(parts->context->account, parts->pieces, capacity * sizeof *grown);
    if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
    parts->pieces = grown;
    parts->capacity = capacity;
    return WG_OK;
}

/* Numbers of the rows by part, ascending in each: those of part p are index[first[p]..first[p + 1]). */
static wg_code sort_rows(const wgi_parts *parts, const wg_rows *rows, uint32_t *index, uint32_t *first,
                         wg_error *err) {
    const uint32_t n = (uint32_t)rows->row_count;
    const uint32_t shift = 64 - WGI_PART_BITS * (parts->level + 1);
    wg_account *account = parts->context->account;
    uint64_t *hashes = wg_alloc(account, (n + 1) * sizeof *hashes);
    wg_vector *vectors = wg_alloc(account, (rows->column_count + 1) * sizeof *vectors);
    wg_code code = hashes == NULL || vectors == NULL ? wg_error_nomem(err, n * sizeof *hashes) : WG_OK;
    memset(first, 0, (WGI_PARTS + 1) * sizeof *first);
    for (uint32_t i = 0; i < n && code == WG_OK; i += WG_BATCH_ROWS_MAX) {
        wg_batch batch;
        wgi_rows_view(rows, i, n - i < WG_BATCH_ROWS_MAX ? n - i : WG_BATCH_ROWS_MAX, vectors, &batch);
        wgi_hash_rows(parts->types + parts->key_first, vectors + parts->key_first, parts->key_count, &batch,
                      hashes + i);
    }
    if (code == WG_OK) {
        uint32_t next[WGI_PARTS];
        for (uint32_t i = 0; i < n; i++) first[(hashes[i] >> shift) % WGI_PARTS + 1]++;
        for (uint32_t p = 0; p < WGI_PARTS; p++) first[p + 1] += first[p];
        memcpy(next, first, sizeof next);
        for (uint32_t i = 0; i < n; i++) index[next[(hashes[i] >> shift) % WGI_PARTS]++] = i;
    }
    wg_free(hashes);
    wg_free(vectors);
    return code;
}

static wg_code write_part(wgi_parts *parts, uint32_t part, const wgi_spill_rows *rows, wg_error *err) {
    WG_TRY(reserve(parts, 1, err));
    wgi_part_piece *piece = &parts->pieces[parts->count];
    piece->part = part;
    WG_TRY(wgi_spill_write(parts->file, rows, &piece->block, err));
    parts->count++;
    parts->rows[part] += rows->n;
    parts->bytes[part] += piece->block.bytes;
    return WG_OK;
}

wg_code wgi_parts_add(wgi_parts *parts, const wg_rows *rows, wg_error *err) {
    WG_ASSERT(rows->column_count == parts->column_count);
    WG_ASSERT(rows->file == NULL);
    WG_ASSERT(parts->level < WGI_PART_LEVELS);
    const uint32_t n = (uint32_t)rows->row_count;
    uint32_t first[WGI_PARTS + 1];
    if (n == 0) return WG_OK;
    wg_account *account = parts->context->account;
    uint32_t *index = wg_alloc(account, n * sizeof *index);
    wg_vector *views = wg_alloc(account, (rows->column_count + 1) * sizeof *views);
    wg_code code = index == NULL || views == NULL ? wg_error_nomem(err, n * sizeof *index) : WG_OK;
    if (code == WG_OK) code = sort_rows(parts, rows, index, first, err);
    for (uint32_t c = 0; c < rows->column_count && code == WG_OK; c++) views[c] = wg_column_view(&rows->columns[c]);
    for (uint32_t p = 0; p < WGI_PARTS && code == WG_OK; p++)
        for (uint32_t i = first[p]; i < first[p + 1] && code == WG_OK; i += WGI_SPILL_BLOCK_ROWS_MAX) {
            const uint32_t left = first[p + 1] - i;
            const wgi_spill_rows part = {views, rows->column_count, index + i, 0,
                                         left < WGI_SPILL_BLOCK_ROWS_MAX ? left : WGI_SPILL_BLOCK_ROWS_MAX};
            code = write_part(parts, p, &part, err);
        }
    wg_free(index);
    wg_free(views);
    return code;
}

wg_code wgi_parts_take(wgi_parts *parts, wgi_parts *from, wg_error *err) {
    WG_ASSERT(parts->file == from->file);
    WG_TRY(reserve(parts, from->count, err));
    for (uint32_t i = 0; i < from->count; i++) parts->pieces[parts->count++] = from->pieces[i];
    from->count = 0;
    for (uint32_t p = 0; p < WGI_PARTS; p++) {
        parts->rows[p] += from->rows[p];
        parts->bytes[p] += from->bytes[p];
        from->rows[p] = from->bytes[p] = 0;
    }
    return WG_OK;
}

wg_code wgi_parts_load(const wgi_parts *parts, uint32_t part, uint64_t rows_max, uint32_t *io_at, wg_rows **out,
                       wg_error *err) {
    wg_rows *all = NULL;
    wg_rows *block = NULL;
    wg_code code = WG_OK;
    for (; *io_at < parts->count; ++*io_at) {
        const wgi_part_piece *piece = &parts->pieces[*io_at];
        if (piece->part != part) continue;
        const uint64_t have = all == NULL ? 0 : all->row_count;
        const bool full = have >= WGI_SPILL_ROWS_MIN &&
                          (have >= rows_max || !wgi_spill_stays_below(parts->context, 2 * wgi_rows_cell_bytes(all)));
        if (full) break;
        WG_TRY_GOTO(wgi_spill_read(parts->file, &piece->block, parts->types, parts->column_count, &block, err));
        if (all == NULL) {
            all = block;
            continue;
        }
        code = wgi_rows_take(all, block, err);
        wg_rows_destroy(block);
        WG_TRY_GOTO(code);
    }
    *out = all;
    return WG_OK;
fail:
    wg_rows_destroy(all);
    return code;
}
