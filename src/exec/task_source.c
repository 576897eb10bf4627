/* What a task of a pipeline is: a task of a scan, some rows that an earlier pipeline left, a block of a file, a stretch of a range.
 *
 * Rows are cut into tasks of TASK_ROWS, of which those in a file are a block each. Joined rows that went through files are cut where the
 * tasks of the join's own source end, if somebody above asks for places: a row then has the task, and the number in it, that it would have
 * had if the join had fitted into memory. */
#include "exec/pipeline.h"
#include "exec/spill.h"

static bool is_over(const wgi_worker *w) {
    return w->stop || atomic_load_explicit(&w->pipeline->finished, memory_order_relaxed);
}

static wg_code run_scan_task(wgi_worker *w, uint32_t task, wg_error *err) {
    WG_TRY(wg_scan_cursor_start(w->cursor, task, err));
    while (!is_over(w)) {
        wg_batch batch;
        uint32_t rows;
        WG_TRY(wg_scan_cursor_next(w->cursor, w->batch_rows, &batch, &rows, err));
        if (rows == 0) return WG_OK;
        WG_TRY(wgi_push_source(w, &batch, err));
    }
    return WG_OK;
}

/* Rows [first + skip, first + n) of materialised rows. Views begin at multiples of eight rows (the validity bitmap), so odd batch sizes, and
 * beginnings that are none, select. */
static wg_code run_piece(wgi_worker *w, const wg_rows *rows, uint64_t first, uint32_t skip, uint32_t n,
                         wg_error *err) {
    const bool aligned = w->batch_rows % 8 == 0 && skip == 0;
    for (uint32_t from = skip; from < n && !is_over(w); from += w->batch_rows) {
        wg_batch batch;
        const uint32_t count = n - from < w->batch_rows ? n - from : w->batch_rows;
        if (aligned || count == n) {
            wgi_rows_view(rows, first + from, count, w->vectors, &batch);
        } else {
            wgi_rows_view(rows, first, n, w->vectors, &batch);
            for (uint32_t i = 0; i < count; i++) w->sel[i] = (uint16_t)(from + i);
            batch.sel = w->sel;
            batch.row_count = count;
        }
        WG_TRY(wgi_push_source(w, &batch, err));
    }
    return WG_OK;
}

static wg_code run_rows(wgi_worker *w, const wg_rows *rows, uint64_t begin, uint64_t end, wg_error *err) {
    while (begin < end && !is_over(w)) {
        const uint64_t first = begin / 8 * 8;
        const uint32_t n = (uint32_t)wg_min_u64(WG_BATCH_ROWS_MAX, end - first);
        WG_TRY(run_piece(w, rows, first, (uint32_t)(begin - first), n, err));
        begin = first + n;
    }
    return WG_OK;
}

/* Some of the rows of one block of the file. */
static wg_code run_block_rows(wgi_worker *w, uint32_t number, uint64_t begin, uint64_t end, wg_error *err) {
    wg_rows *block = NULL;
    WG_TRY(wgi_rows_read_block(w->pipeline->rows, number, &block, err));
    const wg_code code = run_rows(w, block, begin, end, err);
    wg_rows_destroy(block);
    return code;
}

static wg_code run_rows_task(wgi_worker *w, uint32_t task, wg_error *err) {
    const wg_rows *rows = w->pipeline->rows;
    const wgi_cuts *cuts = w->pipeline->cuts;
    const uint64_t in_file = wgi_rows_in_file(rows);
    uint64_t begin = cuts != NULL ? cuts->first[task] : (uint64_t)task * TASK_ROWS;
    const uint64_t end = cuts != NULL ? cuts->first[task + 1] : wg_min_u64(begin + TASK_ROWS, rows->row_count);
    while (begin < wg_min_u64(end, in_file) && !is_over(w)) {
        const uint64_t block = begin / TASK_ROWS;
        const uint64_t last = wg_min_u64(end - block * TASK_ROWS, TASK_ROWS);
        WG_TRY(run_block_rows(w, (uint32_t)block, begin % TASK_ROWS, last, err));
        begin = block * TASK_ROWS + last;
    }
    return run_rows(w, rows, begin, end, err);
}

static wg_code run_block_task(wgi_worker *w, uint32_t task, wg_error *err) {
    const wgi_block_source *source = w->pipeline->blocks;
    wg_rows *block = NULL;
    WG_TRY(wgi_spill_read(source->spill, &source->blocks[task], source->types, source->column_count, &block, err));
    const wg_code code = run_rows(w, block, 0, block->row_count, err);
    wg_rows_destroy(block);
    return code;
}

static wg_code run_range_task(wgi_worker *w, uint32_t task, wg_error *err) {
    const wgi_range *range = &w->pipeline->range;
    const uint64_t end = wg_min_u64(((uint64_t)task + 1) * WGI_RANGE_TASK_ROWS, range->count);
    for (uint64_t at = (uint64_t)task * WGI_RANGE_TASK_ROWS; at < end && !is_over(w); at += w->batch_rows) {
        const uint32_t n = (uint32_t)wg_min_u64(w->batch_rows, end - at);
        const wg_vector numbers = {.type = WG_TYPE_INT, .data = w->numbers};
        wgi_range_fill(range, at, n, w->numbers);
        WG_TRY(wgi_push_source(w, &(const wg_batch){.row_count = n, .column_count = 1, .columns = &numbers}, err));
    }
    return WG_OK;
}

wg_code wgi_run_source_task(wgi_worker *w, uint32_t task, wg_error *err) {
    if (w->pipeline->blocks != NULL) return run_block_task(w, task, err);
    if (w->pipeline->range.count > 0) return run_range_task(w, task, err);
    return w->pipeline->scan != NULL ? run_scan_task(w, task, err) : run_rows_task(w, task, err);
}

void wgi_cuts_destroy(wgi_cuts *cuts) {
    if (cuts == NULL) return;
    wg_free(cuts->first);
    wg_free(cuts->placed);
    wg_free(cuts);
}
