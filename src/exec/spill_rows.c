/* Materialised rows whose beginning is in a temporary file. The file holds blocks of WGI_TASK_ROWS rows, so that a task of the pipeline
 * that reads them is one block; the columns in memory hold the rows behind them. Only open_source of pipeline.c takes such rows;
 * everybody else gets rows that were loaded, and whoever asked the query pieces of an answer. */
#include "exec/spill.h"

static wg_code add_block(wg_rows *rows, const wgi_spill_block *block, wg_error *err) {
    struct wgi_rows_file *f = rows->file;
    if (f->count == f->capacity) {
        const uint32_t capacity = f->capacity == 0 ? 8 : f->capacity * 2;
        wgi_spill_block *grown = wg_realloc(rows->account, f->blocks, capacity * sizeof *grown);
        if (grown == NULL) return wg_error_nomem(err, capacity * sizeof *grown);
        f->blocks = grown;
        f->capacity = capacity;
    }
    f->blocks[f->count++] = *block;
    return WG_OK;
}

/* Replaces what is in memory by its rows from `first` on. */
static wg_code keep_from(wg_rows *rows, uint64_t first, wg_error *err) {
    wg_rows *rest = NULL;
    wg_type *types = wg_alloc(rows->account, (rows->column_count + 1) * sizeof *types);
    if (types == NULL) return wg_error_nomem(err, rows->column_count * sizeof *types);
    for (uint32_t c = 0; c < rows->column_count; c++) types[c] = rows->columns[c].type;
    wg_code code = wgi_rows_create(types, rows->column_count, rows->account, &rest, err);
    wg_free(types);
    WG_TRY(code);
    uint32_t index[WG_BATCH_ROWS_MAX];
    const uint64_t end = rows->columns[0].row_count;
    while (first < end && code == WG_OK) {
        uint32_t n = 0;
        while (n < WG_BATCH_ROWS_MAX && first < end) index[n++] = (uint32_t)first++;
        code = wgi_rows_gather(rest, rows, index, n, err);
    }
    if (code == WG_OK) {
        const wg_rows was = *rows;
        rows->columns = rest->columns;
        rows->strings = rest->strings;
        rows->adopted = NULL;
        rows->adopted_count = rows->adopted_capacity = 0;
        for (uint32_t c = 0; c < rows->column_count; c++) rows->columns[c].strings = &rows->strings;
        rest->columns = was.columns;
        rest->strings = was.strings;
        rest->adopted = was.adopted;
        rest->adopted_count = was.adopted_count;
    }
    wg_rows_destroy(rest);
    return code;
}

uint64_t wgi_rows_cell_bytes(const wg_rows *rows) {
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < rows->column_count; c++)
        bytes += (wg_physical_bytes(wg_type_physical(rows->columns[c].type)) + 1) * rows->columns[c].capacity;
    return bytes;
}

static wg_code make_file(wg_rows *rows, const wg_exec_context *context, wg_error *err) {
    struct wgi_rows_file *file = wg_alloc_zero(rows->account, sizeof *file);
    if (file == NULL) return wg_error_nomem(err, sizeof *file);
    const wg_code code = wgi_spill_create(context, WG_SPILL_ROWS, &file->spill, err);
    if (code != WG_OK) wg_free(file);
    else rows->file = file;
    return code;
}

wg_code wgi_rows_spill(wg_rows *rows, const wg_exec_context *context, wg_error *err) {
    if (rows->column_count == 0 || rows->columns[0].row_count < WGI_TASK_ROWS) return WG_OK;
    /* The columns may have to double, and a block be made of a part of them. */
    if (!wgi_spill_wanted(context) && wgi_spill_has_room(context, 3 * wgi_rows_cell_bytes(rows))) return WG_OK;
    if (rows->file == NULL) WG_TRY(make_file(rows, context, err));
    wg_vector *views = wg_alloc(rows->account, rows->column_count * sizeof *views);
    if (views == NULL) return wg_error_nomem(err, rows->column_count * sizeof *views);
    for (uint32_t c = 0; c < rows->column_count; c++) views[c] = wg_column_view(&rows->columns[c]);
    const uint64_t end = rows->columns[0].row_count;
    uint64_t first = 0;
    wg_code code = WG_OK;
    for (; end - first >= WGI_TASK_ROWS && code == WG_OK; first += WGI_TASK_ROWS) {
        const wgi_spill_rows part = {views, rows->column_count, NULL, first, WGI_TASK_ROWS};
        wgi_spill_block block;
        code = wgi_spill_write(rows->file->spill, &part, &block, err);
        if (code == WG_OK) code = add_block(rows, &block, err);
    }
    wg_free(views);
    return code == WG_OK ? keep_from(rows, first, err) : code;
}

wg_code wgi_rows_read_block(const wg_rows *rows, uint32_t block, wg_rows **out, wg_error *err) {
    WG_ASSERT(block < rows->file->count);
    wg_type *types = wg_alloc(rows->account, (rows->column_count + 1) * sizeof *types);
    if (types == NULL) return wg_error_nomem(err, rows->column_count * sizeof *types);
    for (uint32_t c = 0; c < rows->column_count; c++) types[c] = rows->columns[c].type;
    const wg_code code =
        wgi_spill_read(rows->file->spill, &rows->file->blocks[block], types, rows->column_count, out, err);
    wg_free(types);
    return code;
}

/* The rows in memory are put behind those that come back. */
wg_code wgi_rows_load(wg_rows *rows, wg_error *err) {
    if (rows->file == NULL) return WG_OK;
    struct wgi_rows_file *file = rows->file;
    wg_rows *all = NULL;
    wg_rows *part = NULL;
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < file->count; i++) {
        WG_TRY_GOTO(wgi_rows_read_block(rows, i, &part, err));
        if (all == NULL) {
            all = part;
            continue;
        }
        code = wgi_rows_take(all, part, err);
        wg_rows_destroy(part);
        WG_TRY_GOTO(code);
    }
    rows->row_count -= wgi_rows_in_file(rows);
    rows->file = NULL;
    wgi_spill_release(file->spill);
    wg_free(file->blocks);
    wg_free(file);
    if (all == NULL) return WG_OK;
    code = wgi_rows_take(all, rows, err);
    const wg_rows was = *rows;
    *rows = *all;
    *all = was;
    for (uint32_t c = 0; c < rows->column_count; c++) rows->columns[c].strings = &rows->strings;
    for (uint32_t c = 0; c < all->column_count; c++) all->columns[c].strings = &all->strings;
fail:
    wg_rows_destroy(all);
    return code;
}

wg_code wgi_rows_keep(wg_rows *rows, const wg_exec_context *context, wg_error *err) {
    struct wgi_rows_file *file = rows->file;
    if (file == NULL) return WG_OK;
    wg_code code = WG_OK;
    wg_type *types = wg_alloc(rows->account, (rows->column_count + 1) * sizeof *types);
    rows->pieces = wg_alloc(rows->account, file->count * sizeof(wg_rows *));
    if (types == NULL || rows->pieces == NULL) WG_TRY_GOTO(wg_error_nomem(err, file->count * sizeof(wg_rows *)));
    for (uint32_t c = 0; c < rows->column_count; c++) types[c] = rows->columns[c].type;
    for (uint32_t i = 0; i < file->count; i++) {
        WG_TRY_GOTO(wgi_check(context, err));
        WG_TRY_GOTO(wgi_spill_read_for(file->spill, &file->blocks[i], types, rows->column_count,
                                       &context->answer->account, &rows->pieces[i], err));
        rows->piece_count++;
    }
    wgi_spill_release(file->spill);
    wg_free(file->blocks);
    wg_free(file);
    rows->file = NULL;
fail:
    wg_free(types);
    return wg_answer_error(context->answer, code, err);
}
